package customer

import (
	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// aboutDelivery carries out a form about one delivery, and goes back to where the form stood.
func (p *person) aboutDelivery(flash string, carry func(event.DeliveryID) *api.Problem) {
	id, ok := p.deliveryID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	back := deliveryPath(id)
	if p.r.PostFormValue("back") == "/home/" {
		back = "/home/"
	}
	if problem := carry(id); problem != nil {
		p.undone(back, problem)
		return
	}
	p.done(back, flash)
}

func inputOf(id event.DeliveryID) *api.HomeDeliveryInput {
	return &api.HomeDeliveryInput{DeliveryPath: api.DeliveryPath{Delivery: id}}
}

// consentTo is the member's word for one delivery.
func (p *person) consentTo() {
	p.aboutDelivery("allowed", func(id event.DeliveryID) *api.Problem {
		_, problem := do(p, p.API.ConsentTo, inputOf(id))
		return problem
	})
}

// withdrawFrom takes the word for one delivery back.
func (p *person) withdrawFrom() {
	p.aboutDelivery("unallowed", func(id event.DeliveryID) *api.Problem {
		_, problem := do(p, p.API.WithdrawFrom, inputOf(id))
		return problem
	})
}

// cancel withdraws a delivery.
func (p *person) cancel() {
	p.aboutDelivery("cancelled", func(id event.DeliveryID) *api.Problem {
		_, problem := do(p, p.API.CancelAtHome, inputOf(id))
		return problem
	})
}

// answer is a member's answer to a question.
func (p *person) answer() {
	yes := p.r.PostFormValue("yes")
	if yes != "true" && yes != "false" {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	p.aboutDelivery("answered."+yes, func(id event.DeliveryID) *api.Problem {
		_, problem := do(p, p.API.Answer, &api.AnswerInput{DeliveryPath: api.DeliveryPath{Delivery: id},
			Body: api.AnswersRequest{Question: event.Question(p.r.PostFormValue("question")), Yes: yes == "true"}})
		return problem
	})
}

// takeOver is the member's word to be at the door.
func (p *person) takeOver() {
	id, ok := p.deliveryID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	h, problem := p.household()
	if problem != nil {
		p.refuse(problem)
		return
	}
	d, coming := h.coming(id)
	if !coming || d.Visit == "" {
		p.goTo(deliveryPath(id), "not", "conflict")
		return
	}
	out, problem := do(p, p.API.TakeOver, &api.NothingInput{VisitPath: api.VisitPath{Visit: d.Visit}})
	switch {
	case problem != nil:
		p.undone(deliveryPath(id), problem)
	case out.Body.Refused != nil:
		p.goTo(deliveryPath(id), "not", "conflict")
	default:
		p.done(deliveryPath(id), "takeOver")
	}
}

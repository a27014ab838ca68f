package audit_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestLaw9ARefusalIsAnAnswer(t *testing.T) {
	t.Parallel()
	outside := event.Fallback{Kind: event.FallbackOutside}
	reference := event.Fallback{Kind: event.FallbackReference}
	find(t, 9, []plant{
		{"a refusal without a reason", planB, edit("refused", func(r *event.Refused) { r.Code = "" }), "no known reason"},
		{"a refusal for an unknown reason", planB, edit("refused", func(r *event.Refused) { r.Code = "computer-says-no" }), "computer-says-no"},
		{"a lease refused for an unknown reason", lobby, after("lend", func(s *story) {
			s.at("tower9", func() { s.say(event.LeaseRefused{Lease: "home1-l99", Barrier: s.doors[0], Code: "no"}) })
		}), "no known reason"},
		{"a lease denied for an unknown reason", lobby, after("ask", func(s *story) {
			s.say(event.LeaseDenied{Lease: "home1-l99", Code: "no"})
		}), "no known reason"},
		{"blocked, where nobody had blocked", planB, edit("refused", func(r *event.Refused) { r.Code = event.Blocked }), "no block had won"},
		{"blocked, though the block came too late", tooLate, after("blocked", func(s *story) {
			s.wait(event.Second)
			s.say(event.Refused{Asked: event.AskedScan, Code: event.Blocked, Visit: s.visit, Signed: s.sign()})
		}), "no block had won"},
		{"blocked, for another delivery", blocked, edit("refused", func(r *event.Refused) { r.Delivery = "home1-d99" }), "no block had won"},
		{"ended, though it was blocked", blocked, edit("refused", func(r *event.Refused) { r.Code = event.AlreadyEnded }), "all that was left in the visit was blocked"},
		{"nothing to deliver, though it was blocked", twoDoors, also(upTo("unlocked"), after("unlocked", func(s *story) {
			block(event.BlockFromHere)(s)
			s.say(event.Refused{Asked: event.AskedOpen, Code: event.NothingToDeliver, Visit: s.visit,
				By: event.Actor{Kind: event.ActorCourier, ID: string(courier)}, Signed: s.sign()})
		})), "all that was left in the visit was blocked"},
		{"outside without permission", planB, edit("move in", func(r *event.RulesSet) { r.Rules.PlanB = r.Rules.PlanB[:1] }), "not what the customer chose"},
		{"outside, though the customer no longer wants it", planB, before("outside", func(s *story) {
			s.say(event.RulesSet{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, PlanB: []event.Fallback{neighbour}}, By: s.byMember()})
		}), "not what the customer chose"},
		{"another neighbour", planB, edit("nobody", func(p *event.PlanBFollowed) { p.Fallback.Who = parcel("stranger") }), "not what the customer chose"},
		{"outside, and no step of plan B", planB, also(without("nobody"), edit("outside", func(p *event.PlanBFollowed) { p.Nobody = true })), "had not followed"},
		{"at the reference address that a door has not", planB, also(edit("move in", func(r *event.RulesSet) { r.Rules.PlanB = []event.Fallback{reference, outside} }),
			edit("nobody", func(p *event.PlanBFollowed) { p.Fallback = reference })), "has no reference address"},
		{"diverted elsewhere than plan B says", planB, edit("outside", func(d *event.DeliveryDiverted) { d.To = neighbour }), "had not followed"},
		{"diverted without a step of plan B", planB, also(without("nobody"), instead("outside", func(s *story) {
			s.say(event.DeliveryDiverted{Delivery: s.delivery, To: outside})
		})), "had not followed"},
	})
}

// TestLaw9OtherReasons: a refusal may have another reason than the block that stands beside it.
func TestLaw9OtherReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []event.Code{event.Blocked, event.ProofReused, event.WrongPlace, event.WrongDevice} {
		holds(t, edit("refused", func(r *event.Refused) { r.Code = c })(blocked))
	}
	holds(t, after("end", func(s *story) {
		s.say(event.Refused{Asked: event.AskedScan, Code: event.AlreadyEnded, Visit: s.visit, Signed: s.sign()})
	})(blocked))
	holds(t, edit("refused", func(r *event.Refused) { r.Code, r.By.ID = event.AlreadyEnded, "courier-8" })(blocked))
	holds(t, also(upTo("unlocked"), after("unlocked", func(s *story) {
		block(event.BlockFromHere)(s)
		askClose(s)
		s.say(event.Refused{Asked: event.AskedOpen, Code: event.AlreadyEnded, Visit: s.visit,
			By: event.Actor{Kind: event.ActorCourier, ID: string(courier)}, Signed: s.sign()})
	}))(twoDoors))
}

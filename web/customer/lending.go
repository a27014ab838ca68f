package customer

import (
	"net/http"
	"slices"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// lendingView is which of one's own doors other homes' visits may pass through.
type lendingView struct {
	*household
	flash    *flash
	borrower string
	door     event.BarrierID
	wrong    []ui.Wrong
}

func (p *person) lending() {
	v, problem := p.lendingView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showLending(v, http.StatusOK)
}

func (p *person) lendingView() (*lendingView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	return &lendingView{household: h, flash: p.flash(), door: event.BarrierID(p.r.FormValue("barrier"))}, nil
}

func (p *person) showLending(v *lendingView, status int) {
	p.show(v.household, ui.Page{Title: p.titled(p.say("lend.title"), v.wrong), Place: v.Address, Status: status, Here: "/home/lending", Live: "/home/lending/live",
		Main: lendingPage(v)})
}

// lendingLive shows which of them are in the hands of another home's visit.
func (p *person) lendingLive() {
	flash := p.flash()
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.lendingView()
		if problem != nil {
			return ui.Frame{}, problem
		}
		v.flash = flash
		return ui.Frame{Title: p.say("lend.title"), Place: v.Address, Main: lendingPage(v)}, nil
	})
}

// lend lets another home's visits through a door.
func (p *person) lend() {
	v, problem := p.lendingView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.borrower = strings.TrimSpace(p.r.PostFormValue("borrower"))
	to := event.SiteID(strings.ToLower(v.borrower))
	if !slices.ContainsFunc(v.usable(), func(b api.Barrier) bool { return b.ID == v.door }) {
		v.wrong = append(v.wrong, ui.Wrong{Field: "barrier", Text: p.say("form.choose")})
	}
	switch {
	case event.CheckSiteID(to) != nil:
		v.wrong = append(v.wrong, ui.Wrong{Field: "borrower", Text: p.say("lend.borrower.wrong")})
	case to == v.Site:
		v.wrong = append(v.wrong, ui.Wrong{Field: "borrower", Text: p.say("lend.borrower.own")})
	}
	if len(v.wrong) > 0 {
		p.showLending(v, http.StatusUnprocessableEntity)
		return
	}
	if _, problem := do(p, p.API.AllowLending, &api.AllowLendingInput{Body: api.Lending{Barrier: v.door, Borrower: to}}); problem != nil {
		p.undone("/home/lending", problem)
		return
	}
	p.done("/home/lending", "lent")
}

// endLending ends it; what is in a visit's hands comes back when that has secured it.
func (p *person) endLending() {
	in := &api.EndLendingInput{Borrower: event.SiteID(p.r.PostFormValue("borrower"))}
	in.Barrier = event.BarrierID(p.r.PostFormValue("barrier"))
	if event.SiteOf(in.Barrier) != p.member.Site() {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	out, problem := do(p, p.API.EndLending, in)
	if problem != nil {
		p.undone("/home/lending", problem)
		return
	}
	p.done("/home/lending", "unlent."+string(out.Body.Verdict))
}

// lentTo are the homes whose visits may pass through a door.
func (v *lendingView) lentTo(b event.BarrierID) []event.SiteID {
	var homes []event.SiteID
	for _, l := range v.Lending {
		if l.Barrier == b {
			homes = append(homes, l.Borrower)
		}
	}
	return homes
}

// doorOptions are the doors that can be lent.
func (v *lendingView) doorOptions() []ui.Option {
	var options []ui.Option
	for _, b := range v.usable() {
		options = append(options, ui.Option{Value: string(b.ID), Text: v.doorName(b), Checked: b.ID == v.door})
	}
	return options
}

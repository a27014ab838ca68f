package customer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// membersView is U12: who decides here, on which phones, who looked, and the household's data.
type membersView struct {
	*household
	flash *flash
	typed struct{ name, address string }
	wrong []ui.Wrong
	// mail says whether links can be mailed from here.
	mail  bool
	looks []api.Look
	// export is that of the member who asks, if one was made or is.
	export exportStage
	older  string
}

func (p *person) members() {
	v, problem := p.membersView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showMembers(v, http.StatusOK)
}

func (p *person) showMembers(v *membersView, status int) {
	p.show(v.household, ui.Page{Title: p.titled(p.say("u12.title"), v.wrong), Place: v.Address, Status: status, Here: "/home/household", Main: membersPage(v)})
}

// looksShown is how many looks stand on a page.
const looksShown = 20

func (p *person) membersView() (*membersView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	v := &membersView{household: h, flash: p.flash(), mail: p.Links != nil, export: p.exports.of(p.member.ID()).stage}
	out, problem := read(p, p.API.ListLooks, &api.ListLooksInput{Page: api.Page{Limit: looksShown, Cursor: p.r.URL.Query().Get("cursor")}})
	if problem != nil {
		return nil, problem
	}
	v.looks, v.older = out.Body.Looks, out.Body.Next
	return v, nil
}

// addMember adds a person, and mails them how to sign in.
func (p *person) addMember() {
	v, problem := p.membersView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.typed.name, v.typed.address = strings.TrimSpace(p.r.PostFormValue("name")), strings.TrimSpace(p.r.PostFormValue("address"))
	switch name := v.typed.name; {
	case name == "":
		v.wrong = append(v.wrong, ui.Wrong{Field: "name", Text: p.say("u12.name.wrong")})
	case len([]rune(name)) > 100:
		v.wrong = append(v.wrong, ui.Wrong{Field: "name", Text: p.say("form.long", "n", "100")})
	}
	if v.mail && (!strings.Contains(v.typed.address, "@") || len(v.typed.address) > 250) {
		v.wrong = append(v.wrong, ui.Wrong{Field: "address", Text: p.say("u12.address.wrong")})
	}
	if len(v.wrong) > 0 {
		p.showMembers(v, http.StatusUnprocessableEntity)
		return
	}
	out, problem := do(p, p.API.AddMember, &api.AddMemberInput{Body: api.MemberRequest{Name: v.typed.name}})
	if problem != nil {
		p.undone("/home/household", problem)
		return
	}
	if slices.ContainsFunc(v.Members, func(m api.Member) bool { return m.ID == out.Body.ID }) {
		p.goTo("/home/household", "done", "memberThere") // the same form again: the link was mailed then
		return
	}
	p.goTo("/home/household", "done", p.invited(out.Body.ID, v.typed.address))
}

// invited mails the new member's link, and says how that went: the member stands either way.
func (p *person) invited(m event.MemberID, address string) string {
	if p.Links == nil {
		return "memberAdded"
	}
	err := p.Links.Invite(p.ctx(), p.member, m, address, p.lang())
	switch {
	case err == nil:
		return "memberInvited"
	case errors.Is(err, auth.ErrAddress):
		return "memberUnmailed"
	}
	p.Kit.Broke(p.ctx(), "an invitation is not mailed", err)
	return "memberUnmailed"
}

func (p *person) removeMember() {
	id := event.MemberID(p.r.PathValue("member"))
	if _, problem := do(p, p.API.RemoveMember, &api.RemoveMemberInput{Member: id}); problem != nil {
		p.undone("/home/household", problem)
		return
	}
	p.done("/home/household", "memberRemoved")
}

// leave asks, on a page of its own, whether the household moves out.
func (p *person) leave() {
	h, problem := p.household()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(h, ui.Page{Title: p.say("u12.leave"), Place: h.Address, Main: leavePage(h, p.flash())})
}

// moveOut closes the home: everything is revoked, and what is personal is erased.
func (p *person) moveOut() {
	out, problem := do(p, p.API.CloseSite, &struct {
		api.Idempotent
		Body *api.Nothing
	}{})
	switch {
	case problem != nil:
		p.undone("/home/household/leave", problem)
	case out.Body.Refused != nil:
		p.goTo("/home/household/leave", "not", "conflict")
	default:
		p.Kit.Render(p.w, p.r, ui.Page{App: ui.Customer, Title: p.say("u12.left"), Styles: []string{"customer/css/customer.css"}, Here: "/", Main: leftPage()})
	}
}

// lookedBy says whose key looked: "operator/acme" becomes "The operator, acme".
func lookedBy(ctx context.Context, who string) string {
	role, name, _ := strings.Cut(who, "/")
	return ui.ViewOf(ctx).Lang.Actor(event.ActorKind(role)) + ", " + name
}

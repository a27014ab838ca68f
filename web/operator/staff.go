package operator

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/web/ui"
)

// staffView is the operator's own people, as an admin sees them.
type staffView struct {
	*person
	accounts []auth.Account
	flash    *flash
	// given is what was filled in, and wrong what is wrong with it.
	given auth.NewStaff
	wrong wrongs
}

// colleagues is the list of accounts.
func (p *person) colleagues() { p.colleaguesWith(&staffView{given: auth.NewStaff{Role: auth.Viewer}}) }

func (p *person) colleaguesWith(v *staffView) {
	accounts, err := p.Staffs.List(p.ctx(), p.staff)
	if err != nil {
		p.staffTrouble(err)
		return
	}
	v.person, v.accounts, v.flash = p, accounts, p.flash()
	one := ui.Page{Title: p.say("staff.title"), Step: "staff", Here: "/operator/staff", Main: staffPage(v)}
	if len(v.wrong) > 0 {
		one.Title, one.Step, one.Status = p.say("error")+" "+one.Title, "staff-wrong", http.StatusUnprocessableEntity
	}
	p.show(one)
}

// staffTrouble answers for what auth says.
func (p *person) staffTrouble(err error) {
	if errors.Is(err, auth.ErrRole) {
		p.fail("role", http.StatusForbidden)
		return
	}
	if errors.Is(err, auth.ErrStaff) {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	p.Kit.Broke(p.ctx(), "the staff's accounts", err)
	p.fail("other", http.StatusServiceUnavailable)
}

// addColleague makes an account, and mails its link.
func (p *person) addColleague() {
	given := auth.NewStaff{Name: strings.TrimSpace(p.r.PostFormValue("name")), Address: strings.TrimSpace(p.r.PostFormValue("address")),
		Role: auth.StaffRole(p.r.PostFormValue("role"))}
	if p.Links == nil {
		p.goTo("/operator/staff", "not", "no-mail")
		return
	}
	_, err := p.Links.InviteStaff(p.ctx(), p.staff, given, p.lang())
	switch {
	case err == nil:
		p.done("/operator/staff", "invited", "who", given.Name)
	case errors.Is(err, auth.ErrRequest):
		p.colleaguesWith(&staffView{given: given, wrong: []ui.Wrong{{Field: "name", Text: p.say("staff.name.wrong")}}})
	case errors.Is(err, auth.ErrAddress):
		p.colleaguesWith(&staffView{given: given, wrong: []ui.Wrong{{Field: "address", Text: p.say("staff.address.wrong")}}})
	case errors.Is(err, auth.ErrTaken):
		p.colleaguesWith(&staffView{given: given, wrong: []ui.Wrong{{Field: "address", Text: p.say("staff.address.taken")}}})
	default:
		p.staffTrouble(err)
	}
}

func (p *person) staffID() auth.StaffID { return auth.StaffID(p.r.PathValue("staff")) }

// changeColleague changes a colleague's account, and says so.
func (p *person) changeColleague(change func() error, done string) {
	err := change()
	switch {
	case err == nil:
		p.done("/operator/staff", done)
	case errors.Is(err, auth.ErrOwnAccount):
		p.goTo("/operator/staff", "not", "own-account")
	case errors.Is(err, auth.ErrRequest):
		p.goTo("/operator/staff", "not", "invalid")
	default:
		p.staffTrouble(err)
	}
}

func (p *person) setRole() {
	p.changeColleague(func() error {
		return p.Staffs.SetRole(p.ctx(), p.staff, p.staffID(), auth.StaffRole(p.r.PostFormValue("role")))
	}, "role")
}

func (p *person) disable() {
	p.changeColleague(func() error { return p.Staffs.Disable(p.ctx(), p.staff, p.staffID()) }, "disabled")
}

func (p *person) enable() {
	p.changeColleague(func() error { return p.Staffs.Enable(p.ctx(), p.staff, p.staffID()) }, "enabled")
}

// roleChoice is the roles to choose from, each with what it may.
func roleChoice(ctx context.Context, name string, now auth.StaffRole) ui.Choice {
	c := ui.Choice{Name: name, Label: words.T(ctx, "staff.role")}
	for _, r := range auth.StaffRoles() {
		c.Options = append(c.Options, ui.Option{Value: string(r), Text: words.T(ctx, "role."+string(r)), Hint: words.T(ctx, "role."+string(r)+".may"), Checked: r == now})
	}
	return c
}

package operator

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// person is a request of somebody of the staff.
type person struct {
	*Console
	w     http.ResponseWriter
	r     *http.Request
	staff auth.Staff
}

func (p *person) ctx() context.Context { return p.r.Context() }

func (p *person) lang() phrase.Lang { return ui.ViewOf(p.ctx()).Lang }

// say is a text of the console's own words.
func (p *person) say(key string, pairs ...string) string { return words.T(p.ctx(), key, pairs...) }

// may says whether the person's role reaches so far.
func (p *person) may(role auth.StaffRole) bool { return p.staff.Require(role) == nil }

// dispatches says whether the person books, answers alarms and sees personal data.
func (p *person) dispatches() bool { return p.may(auth.Dispatcher) }

// during is the same person in the context of a stream's rendering.
func (p *person) during(ctx context.Context) *person {
	return &person{Console: p.Console, w: p.w, r: p.r.WithContext(ctx), staff: p.staff}
}

// operation is one of the API's for operators.
type operation[I, O any] func(context.Context, auth.Client, *I) (*O, error)

// read asks an operation that changes nothing.
func read[I, O any](p *person, op operation[I, O], in *I) (*O, *api.Problem) {
	return api.Ask(p.ctx(), p.API, p.call(""), p.staff.Client(), op, in)
}

// do asks an operation that changes something, under the key that the form was rendered with.
func do[I, O any](p *person, op operation[I, O], in *I) (*O, *api.Problem) {
	return api.Ask(p.ctx(), p.API, p.call(p.r.PostFormValue("key")), p.staff.Client(), op, in)
}

func (p *person) call(key string) api.Call {
	return api.Call{Lang: p.lang(), Key: key, Page: p.r.URL.Path, From: p.r.RemoteAddr, Again: p.again}
}

// strange sends somebody who is not signed in to do so. A stream is told to load its page anew.
func (p *person) strange() {
	if strings.HasSuffix(p.r.URL.Path, "/live") {
		p.w.Header().Set("Content-Type", "text/event-stream")
		_, _ = p.w.Write([]byte("event: gone\ndata: 1\n\n")) // who went away needs no answer
		return
	}
	next := "/operator/"
	if p.r.Method == http.MethodGet {
		next = p.r.URL.RequestURI()
	}
	http.Redirect(p.w, p.r, "/operator/sign-in?next="+url.QueryEscape(next), http.StatusSeeOther)
}

// refuse answers a page that can't be shown, for a reason of the API's.
func (p *person) refuse(problem *api.Problem) {
	switch {
	case problem.Status == http.StatusUnauthorized:
		p.strange()
	case problem.Status == http.StatusNotFound || astray(problem) || problem.Code == "invalid" && p.r.Method == http.MethodGet:
		p.Kit.NotFound(p.w, p.r)
	case problem.Code == "forbidden":
		p.fail("role", problem.Status)
	default:
		p.fail(knownTrouble(problem.Code), problem.Status)
	}
}

// astray says whether a problem is in the address itself: what it names can't be.
func astray(problem *api.Problem) bool {
	return slices.ContainsFunc(problem.Errors, func(e api.FieldProblem) bool { return strings.HasPrefix(e.Field, "path.") })
}

// knownTrouble is a problem's code, if there are words for it.
func knownTrouble(code string) string {
	if words.Has("trouble." + code + ".title") {
		return code
	}
	return "other"
}

func (p *person) fail(code string, status int) {
	p.Kit.Fail(p.w, p.r, ui.Trouble{Title: p.say("trouble." + code + ".title"), Safe: p.say("trouble." + code + ".safe"),
		Now: p.say("trouble." + code + ".now"), Href: "/operator/", Action: p.say("trouble.home"), Status: status, App: ui.Operator})
}

// nothingHere answers every address that is none.
func (p *person) nothingHere() { p.Kit.NotFound(p.w, p.r) }

// done goes on after a form, to an address of the console's that says in place what was done.
func (p *person) done(to, flash string, more ...string) {
	p.goTo(to, append([]string{"done", flash}, more...)...)
}

// undone goes back after a form that could not be carried out; the page says why.
func (p *person) undone(to string, problem *api.Problem) {
	if problem.Status == http.StatusUnauthorized || problem.Status == http.StatusNotFound || problem.Code == "forbidden" || astray(problem) {
		p.refuse(problem)
		return
	}
	p.goTo(to, "not", knownTrouble(problem.Code))
}

// wrongs are what is wrong in a form.
type wrongs []ui.Wrong

// at is what is wrong with a field; "" when nothing is.
func (w wrongs) at(field string) string {
	if i := slices.IndexFunc(w, func(one ui.Wrong) bool { return one.Field == field }); i >= 0 {
		return w[i].Text
	}
	return ""
}

// goTo leads on, with some values for the page that comes.
func (p *person) goTo(to string, pairs ...string) {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	sign := "?"
	if strings.Contains(to, "?") {
		sign = "&"
	}
	http.Redirect(p.w, p.r, to+sign+values.Encode(), http.StatusSeeOther)
}

// flash is what a page says in place of the form that led here: what was done, or why not.
type flash struct {
	State       ui.State
	Title, Text string
}

// flash reads it from the address, as far as it names something that we say.
func (p *person) flash() *flash {
	q := p.r.URL.Query()
	if key := "done." + q.Get("done"); q.Get("done") != "" && words.Has(key) {
		return &flash{State: ui.Neutral, Title: p.say(key, "who", q.Get("who"), "n", q.Get("n"))}
	}
	if code := q.Get("not"); code != "" && words.Has("trouble."+code+".title") {
		return &flash{State: ui.Refused, Title: p.say("trouble." + code + ".title"),
			Text: p.say("trouble."+code+".safe") + " " + p.say("trouble."+code+".now")}
	}
	return nil
}

// show answers with a page of the console. alarms is how many stand, for the header.
func (p *person) show(one ui.Page) {
	one.App, one.SignOut, one.Person = ui.Operator, "/sign-in/out/staff", p.staff.Name()
	one.Nav = p.nav()
	one.Styles = append(one.Styles, "operator/css/operator.css")
	one.Modules = append([]string{"operator/js/console.mjs"}, one.Modules...)
	one.Live = ui.LiveAt(one.Live, p.r.URL)
	p.Kit.Render(p.w, p.r, one)
}

// rooms are the places of the console, in the header, with the least role that has something to do there.
var rooms = []struct {
	path, key string
	role      auth.StaffRole
}{
	{"", "board", auth.Viewer}, {"alarms", "alarms", auth.Viewer}, {"deliveries", "deliveries", auth.Viewer}, {"devices", "devices", auth.Viewer},
	{"couriers", "couriers", auth.Viewer}, {"metrics", "metrics", auth.Viewer}, {"staff", "staff", auth.Admin},
}

// nav is the way to the rooms, with the alarms that stand counted.
func (p *person) nav() []ui.NavItem {
	var items []ui.NavItem
	here, _, _ := strings.Cut(strings.TrimPrefix(p.r.URL.Path, "/operator/"), "/")
	for _, room := range rooms {
		if !p.may(room.role) {
			continue
		}
		item := ui.NavItem{Href: "/operator/" + room.path, Text: p.say("nav." + room.key), Here: here == room.path}
		if room.key == "alarms" {
			item.Count = p.alarmsStanding()
		}
		items = append(items, item)
	}
	return items
}

// alarmsStanding counts for the header; a count that can't be read is left away.
func (p *person) alarmsStanding() int {
	standing, _, err := p.Dispatch.StandingAlarms(p.ctx(), "", 1000)
	if err != nil {
		return 0
	}
	return len(standing)
}

// settled is how long a page that every site wakes is left alone after it was drawn: what it asks the API for is counted
// against the person's own limit.
const settled = 250 * time.Millisecond

// live serves a page's event stream, woken by every site.
func (p *person) live(render func(*person) (ui.Frame, error)) {
	grown, stop := p.Dispatch.FollowAll()
	defer stop()
	p.stream(spaced(p.ctx(), grown, settled), render)
}

// liveAt serves the event stream of a page that is about one site, and is woken by it alone.
func (p *person) liveAt(site event.SiteID, render func(*person) (ui.Frame, error)) {
	grown, stop := p.Dispatch.Follow(site)
	defer stop()
	p.stream(grown, render)
}

// spaced passes wakes on: the first at once, each further one after a pause at the earliest. It ends with the context.
func spaced(ctx context.Context, wakes <-chan struct{}, pause time.Duration) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-wakes:
			}
			select {
			case out <- struct{}{}:
			default: // it was told, and has not looked yet
			}
			wait := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				wait.Stop()
				return
			case <-wait.C:
			}
		}
	}()
	return out
}

func (p *person) stream(grown <-chan struct{}, render func(*person) (ui.Frame, error)) {
	p.Kit.Live(p.w, p.r, ui.LiveView{Wake: grown, Who: string(p.staff.ID()),
		Render: func(ctx context.Context) (ui.Frame, error) { return render(p.during(ctx)) },
		Again:  p.again})
}

// again says whether the person is still signed in, in the same role.
func (p *person) again(ctx context.Context) error {
	now, err := p.Staffs.Check(ctx, auth.TokenIn(p.r, auth.StaffCookie))
	if err == nil && now.Role() != p.staff.Role() {
		err = auth.ErrRole
	}
	return err
}

// problemOf makes an error of a problem, for a stream; nil stays nil.
func problemOf(problem *api.Problem) error {
	if problem == nil {
		return nil
	}
	return problem
}

// nameOf is what colleagues call whoever acted under an identity of the API's; the identity itself for a program.
func (p *person) nameOf(identity string) string {
	name, err := p.Staffs.NameOf(p.ctx(), p.staff, identity)
	if err != nil || name == "" {
		return identity
	}
	return name
}

// clock is a time of day at a place.
func clock(ctx context.Context, at event.Instant, zone *time.Location) string {
	return ui.Clock(ctx, at.Time(), zone)
}

func clockSeconds(ctx context.Context, at event.Instant, zone *time.Location) string {
	return ui.ClockSeconds(ctx, at.Time(), zone)
}

// ago is how long before now an instant was.
func ago(now, at event.Instant) time.Duration { return max(0, now.Since(at).Duration()) }

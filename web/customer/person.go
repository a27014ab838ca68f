package customer

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// person is a signed-in member's request.
type person struct {
	*App
	w      http.ResponseWriter
	r      *http.Request
	member auth.Member
}

func (p *person) ctx() context.Context { return p.r.Context() }

func (p *person) lang() phrase.Lang { return ui.ViewOf(p.ctx()).Lang }

// say is a text of the app's own words.
func (p *person) say(key string, pairs ...string) string { return words.T(p.ctx(), key, pairs...) }

// during is the same person in the context of a stream's rendering.
func (p *person) during(ctx context.Context) *person {
	return &person{App: p.App, w: p.w, r: p.r.WithContext(ctx), member: p.member}
}

// operation is one of the API's for members.
type operation[I, O any] func(context.Context, auth.Member, *I) (*O, error)

// read asks an operation that changes nothing.
func read[I, O any](p *person, op operation[I, O], in *I) (*O, *api.Problem) {
	return api.Ask(p.ctx(), p.API, p.call(""), p.member, op, in)
}

// do asks an operation that changes something, under the key that the form was rendered with.
func do[I, O any](p *person, op operation[I, O], in *I) (*O, *api.Problem) {
	return api.Ask(p.ctx(), p.API, p.call(p.r.PostFormValue("key")), p.member, op, in)
}

// doAs is do for one of several operations of a form: each counts under a key of its own.
func doAs[I, O any](p *person, what string, op operation[I, O], in *I) (*O, *api.Problem) {
	key := p.r.PostFormValue("key")
	if key != "" {
		key += "." + what
	}
	return api.Ask(p.ctx(), p.API, p.call(key), p.member, op, in)
}

func (p *person) call(key string) api.Call {
	return api.Call{Lang: p.lang(), Key: key, Page: p.r.URL.Path, From: p.r.RemoteAddr}
}

// strange sends somebody who is not signed in to do so. A stream is told to load its page anew.
func (a *App) strange(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/live") {
		reload(w)
		return
	}
	next := "/home/"
	if r.Method == http.MethodGet {
		next = r.URL.RequestURI()
	}
	http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(next), http.StatusSeeOther)
}

// reload tells a page by its stream to load itself anew.
func reload(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write([]byte("event: gone\ndata: 1\n\n")) // who went away needs no answer
}

// refuse answers a page that can't be shown, for a reason of the API's.
func (p *person) refuse(problem *api.Problem) {
	switch {
	case problem.Status == http.StatusUnauthorized:
		p.strange(p.w, p.r)
	case problem.Status == http.StatusNotFound || problem.Code == "invalid" && p.r.Method == http.MethodGet:
		p.Kit.NotFound(p.w, p.r)
	default:
		p.fail(knownTrouble(problem.Code), problem.Status)
	}
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
		Now: p.say("trouble." + code + ".now"), Href: "/home/", Action: p.say("trouble.home"), Status: status, App: ui.Customer})
}

// nothingHere answers every address that is none.
func (p *person) nothingHere() { p.Kit.NotFound(p.w, p.r) }

// done goes on after a form, to an address of the app's where the flash says in place what was done.
func (p *person) done(to, flash string) { p.goTo(to, "done", flash) }

// undone goes back after a form that could not be carried out; the page says why.
func (p *person) undone(to string, problem *api.Problem) {
	if problem.Status == http.StatusUnauthorized || problem.Status == http.StatusNotFound {
		p.refuse(problem)
		return
	}
	p.goTo(to, "not", knownTrouble(problem.Code))
}

func (p *person) goTo(to, name, value string) {
	if value != "" {
		sign := "?"
		if strings.Contains(to, "?") {
			sign = "&"
		}
		to += sign + name + "=" + url.QueryEscape(value)
	}
	http.Redirect(p.w, p.r, to, http.StatusSeeOther)
}

// flash is what a page says in place of the form that led here: what was done, or why not.
type flash struct {
	State       ui.State
	Title, Text string
	// Href and Action lead to where it can be put right.
	Href, Action string
}

// flash reads it from the address, as far as it names something that we say.
func (p *person) flash() *flash {
	q := p.r.URL.Query()
	if key := "done." + q.Get("done"); words.Has(key) {
		return &flash{State: ui.Neutral, Title: p.say(key)}
	}
	if code := q.Get("not"); words.Has("trouble." + code + ".title") {
		return p.not(code)
	}
	return nil
}

// not says why something was not done.
func (p *person) not(code string) *flash {
	f := &flash{State: ui.Refused, Title: p.say("trouble." + code + ".title"),
		Text: p.say("trouble."+code+".safe") + " " + p.say("trouble."+code+".now")}
	if code == "sign-in-again" {
		f.Href, f.Action = "/sign-in/member", p.say("trouble.sign-in-again.go")
	}
	return f
}

// show answers with a page of the app.
func (p *person) show(home *household, one ui.Page) {
	one.App, one.Nav, one.SignOut = ui.Customer, p.nav(home), "/sign-in/out"
	one.Styles = append([]string{"customer/css/customer.css"}, one.Styles...)
	if home != nil {
		one.Person = home.you()
	}
	if p.Notifier != nil {
		one.Modules = append(one.Modules, "customer/js/keep.mjs")
		one.Data = with(one.Data, "member", string(p.member.ID()), "session", p.member.Session())
	}
	one.Live = ui.LiveAt(one.Live, p.r.URL)
	p.Kit.Render(p.w, p.r, one)
}

// with adds pairs to what a page's scripts are told.
func with(data map[string]string, pairs ...string) map[string]string {
	all := maps.Clone(data)
	if all == nil {
		all = map[string]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// ways are the places of the app, in the header.
var ways = []string{"", "history", "recordings", "rules", "household"}

func (p *person) nav(home *household) []ui.NavItem {
	var items []ui.NavItem
	here, _, _ := strings.Cut(strings.TrimPrefix(p.r.URL.Path, "/home/"), "/")
	for _, way := range ways {
		item := ui.NavItem{Href: "/home/" + way, Text: p.say("nav." + wayName(way)), Here: here == way}
		if way == "" && home != nil {
			item.Count = len(home.alarms())
		}
		items = append(items, item)
	}
	return items
}

func wayName(way string) string {
	if way == "" {
		return "home"
	}
	return way
}

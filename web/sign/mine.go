package sign

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// mine is a request of somebody who is signed in, about the own ways to sign in.
type mine struct {
	*visit
	who auth.Person
	// base is the page's address, home that of the person's app, and out the one that signs out.
	base, home, out string
	// label is how a browser shows whose a passkey is.
	label auth.Label
}

// finder finds out who asks.
type finder func(*visit) (*mine, error)

func (v *visit) asMember() (*mine, error) {
	m, err := v.member()
	if err != nil {
		return nil, err
	}
	place, name, err := v.Called(v.ctx(), m.ID())
	if err != nil {
		return nil, err
	}
	l := auth.Label{Name: firstOf(place, v.say("person.home")), Title: firstOf(name, place, v.say("person.home"))}
	return &mine{v, m, mineMember, memberHome, "/sign-in/out", l}, nil
}

func (v *visit) asStaff() (*mine, error) {
	s, err := v.staff()
	if err != nil {
		return nil, err
	}
	return &mine{v, s, mineStaff, staffHome, "/sign-in/out/staff", auth.Label{Name: v.say("person.staff"), Title: s.Name()}}, nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// known lets only those in who are signed in; others sign in first, and come back.
func known(find finder, base string, serve func(*mine)) func(*visit) {
	return func(v *visit) {
		m, err := find(v)
		scripted := v.r.Header.Get("Content-Type") == "application/json"
		switch {
		case err == nil:
			serve(m)
		case scripted:
			v.refuse(err)
		case errors.Is(err, auth.ErrSession) && base == mineStaff:
			v.goTo(withNext(staffPath, base))
		case errors.Is(err, auth.ErrSession):
			v.goTo(withNext(signInPath, base))
		default:
			v.fail(err)
		}
	}
}

// mineView is what the page says.
type mineView struct {
	Base string
	// Recent says that passkeys and the address may be changed now.
	Recent   bool
	Passkeys []passkeyLine
	// Impossible says why there are no passkeys, "" where there are.
	Impossible string
	// Mailbox is nil for staff, whose address an admin keeps.
	Mailbox *auth.Mailbox
	Mails   bool
	// Sessions are the own, the present one first.
	Sessions []sessionLine
	Done     string
	// Address and Wrong are of a form that was refused.
	Address string
	Wrong   []ui.Wrong
	Suggest string
}

// passkeyLine is one passkey, in words.
type passkeyLine struct {
	auth.Passkey
	Added string
	Used  time.Duration
	// Ever says that it was used.
	Ever bool
}

// sessionLine is one session, in words.
type sessionLine struct {
	auth.Session
	Begun string
	Seen  time.Duration
	Here  bool
}

func (m *mine) show() { m.page(http.StatusOK, "") }

func (m *mine) page(status int, address string, wrong ...ui.Wrong) {
	view, err := m.view()
	if err != nil {
		m.fail(err)
		return
	}
	view.Address, view.Wrong = address, wrong
	title := m.say("mine.title")
	if len(wrong) > 0 {
		title = m.say("signIn.error", "title", title)
	}
	m.visit.show(ui.Page{Title: title, Step: "mine", Main: minePage(view), Status: status, Modules: []string{"sign/js/passkey.mjs"},
		Person: m.label.Title, SignOut: m.out, Here: m.base,
		Nav: []ui.NavItem{{Href: m.home, Text: m.say("mine.back")}, {Href: m.base, Text: m.say("mine.nav"), Here: true}}})
}

func (m *mine) view() (view mineView, err error) {
	now := event.InstantOf(m.Now())
	view = mineView{Base: m.base, Recent: auth.Recent(m.who, now), Mails: m.Mails, Done: m.done(), Suggest: m.arrival().Browser()}
	if m.Passkeys.Possible() != nil {
		view.Impossible = m.say("passkey.impossible")
	}
	if view.Passkeys, err = m.passkeys(now); err != nil {
		return view, err
	}
	if member, is := m.who.(auth.Member); is {
		box, err := m.Mailboxes.Of(m.ctx(), member.ID())
		if err != nil {
			return view, err
		}
		view.Mailbox = &box
	}
	view.Sessions, err = m.sessions(now)
	return view, err
}

// done is what was just done, as far as it names something that we say.
func (m *mine) done() string {
	key := "done." + m.r.URL.Query().Get("done")
	if !words.Has(key) {
		return ""
	}
	return m.say(key)
}

func (m *mine) passkeys(now event.Instant) (lines []passkeyLine, err error) {
	all, err := m.Passkeys.List(m.ctx(), m.who)
	for _, p := range all {
		lines = append(lines, passkeyLine{p, m.day(p.AddedAt), between(p.UsedAt, now), p.UsedAt != 0})
	}
	return lines, err
}

func (m *mine) sessions(now event.Instant) (lines []sessionLine, err error) {
	var all []auth.Session
	switch who := m.who.(type) {
	case auth.Member:
		all, err = m.Sessions.List(m.ctx(), who)
	case auth.Staff:
		all, err = m.Staffs.Sessions(m.ctx(), who)
	}
	for _, s := range all {
		line := sessionLine{s, m.day(s.BegunAt), between(s.SeenAt, now), s.ID == m.who.Session()}
		if line.Here {
			lines = append([]sessionLine{line}, lines...)
			continue
		}
		lines = append(lines, line)
	}
	return lines, err
}

func between(at, now event.Instant) time.Duration {
	return time.Duration(now.Since(at)) * time.Millisecond
}

func (v *visit) day(at event.Instant) string { return ui.Day(v.ctx(), at.Time(), v.Zone) }

// did goes back to the page, which says what was done.
func (m *mine) did(what string) { m.goTo(m.base + "?done=" + what) }

// after goes back to the page, or says why it could not be done.
func (m *mine) after(err error, what string) {
	if err != nil {
		m.failHere(err)
		return
	}
	m.did(what)
}

func (m *mine) failHere(err error) {
	code, status := m.noted(err)
	m.Kit.Fail(m.w, m.r, ui.Trouble{Title: m.say("trouble." + code + ".title"), Safe: m.say("trouble.unchanged"),
		Now: m.say("trouble." + code + ".now"), Href: m.base, Action: m.say("mine.again"), Status: status})
}

func (m *mine) beginAdding() {
	c, err := m.Passkeys.BeginAdding(m.ctx(), m.who, m.label)
	if err != nil {
		m.refuse(err)
		return
	}
	m.answer(http.StatusOK, c)
}

func (m *mine) add() {
	sent, ok := read[passkeyAnswer](m.visit)
	if !ok {
		return
	}
	if strings.TrimSpace(sent.Name) == "" {
		sent.Name = firstOf(m.arrival().Browser(), m.say("passkey.unnamed"))
	}
	if _, err := m.Passkeys.Add(m.whole(), m.who, sent.Ceremony, sent.Response, sent.Name); err != nil {
		m.refuse(err)
		return
	}
	m.answer(http.StatusOK, map[string]string{"to": m.base + "?done=added"})
}

func (m *mine) beginCheck() {
	c, err := m.Passkeys.BeginCheck(m.ctx(), m.who)
	if err != nil {
		m.refuse(err)
		return
	}
	m.answer(http.StatusOK, c)
}

func (m *mine) check() {
	sent, ok := read[passkeyAnswer](m.visit)
	if !ok {
		return
	}
	if err := m.Passkeys.Check(m.whole(), m.who, sent.Ceremony, sent.Response); err != nil {
		m.refuse(err)
		return
	}
	next := auth.OwnPath(sent.Next)
	if next == "" {
		next = m.base + "?done=checked"
	}
	m.answer(http.StatusOK, map[string]string{"to": next})
}

func (m *mine) rename() {
	id := m.r.PathValue("id")
	m.after(m.Passkeys.Rename(m.whole(), m.who, id, m.r.PostFormValue("name-"+id)), "renamed")
}

func (m *mine) remove() {
	m.after(m.Passkeys.Remove(m.whole(), m.who, m.r.PathValue("id")), "removed")
}

// changeAddress has a link mailed to a new address of a member's own.
func (m *mine) changeAddress() {
	member, is := m.who.(auth.Member)
	if !is || !m.Mails {
		m.Kit.NotFound(m.w, m.r)
		return
	}
	address := m.r.PostFormValue("address")
	err := m.Links.Change(m.whole(), member, address, ui.ViewOf(m.ctx()).Lang)
	if errors.Is(err, auth.ErrAddress) {
		m.page(http.StatusUnprocessableEntity, address, ui.Wrong{Field: "address", Text: m.say("mail.wrong")})
		return
	}
	m.after(err, "address")
}

func (m *mine) end() {
	var err error
	switch who := m.who.(type) {
	case auth.Member:
		err = m.Sessions.End(m.whole(), who, m.r.PathValue("session"))
	case auth.Staff:
		err = m.Staffs.End(m.whole(), who, m.r.PathValue("session"))
	}
	if errors.Is(err, auth.ErrSession) { // somebody else's: told from one that never was by nothing
		err = nil
	}
	m.after(err, "ended")
}

func (m *mine) endOthers() {
	var err error
	switch who := m.who.(type) {
	case auth.Member:
		err = m.Sessions.EndOthers(m.whole(), who)
	case auth.Staff:
		err = m.Staffs.EndOthers(m.whole(), who)
	}
	m.after(err, "endedOthers")
}

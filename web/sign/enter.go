package sign

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// person is somebody as a page names them, and where that person goes on.
type person struct {
	Title, Text string
	Href        string
	// Key is what a form sends to choose the person.
	Key string
}

// here are those who are signed in in this browser: a member, one of the staff, both or nobody.
func (v *visit) here() (all []person, err error) {
	m, err := v.member()
	if unlessStranger(err) != nil {
		return nil, err
	}
	if err == nil {
		p, err := v.asPerson(auth.Choice{Member: m.ID()}, "")
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	s, err := v.staff()
	if unlessStranger(err) != nil {
		return nil, err
	}
	if err == nil {
		all = append(all, v.ofStaff(s.Name()))
	}
	return all, nil
}

// asPerson names somebody. Nobody is told whom a link signs in but who has it.
func (v *visit) asPerson(c auth.Choice, staffName string) (person, error) {
	if c.Staff != "" {
		p := v.ofStaff(staffName)
		p.Key = c.Key()
		return p, nil
	}
	place, name, err := v.Called(v.ctx(), c.Member)
	if err != nil {
		return person{}, err
	}
	if place == "" {
		place = v.say("person.home")
	}
	return person{Title: place, Text: name, Href: memberHome, Key: c.Key()}, nil
}

func (v *visit) ofStaff(name string) person {
	return person{Title: v.say("person.staff"), Text: name, Href: staffHome}
}

// choose leads to the app of whoever is signed in.
func (v *visit) choose() {
	all, err := v.here()
	switch {
	case err != nil:
		v.fail(err)
	case len(all) == 0:
		v.goTo(signInPath)
	case len(all) == 1:
		v.goTo(all[0].Href)
	default:
		v.show(ui.Page{Title: v.say("choose.title"), Main: choosePage(all)})
	}
}

// signInView is what the sign-in page says.
type signInView struct {
	Staff bool
	// Next is where to go on.
	Next string
	// Here is who is signed in already.
	Here []person
	// Impossible says why there are no passkeys, "" where there are.
	Impossible string
	Mails      bool
	// Provider is the name of the identity provider, on the staff's page.
	Provider string
	// Address and Wrong are of a form that was refused.
	Address, Wrong string
}

func (v *visit) signIn() { v.signInPage(http.StatusOK, "", "") }

func (v *visit) signInPage(status int, address, wrong string) {
	here, err := v.here()
	if err != nil {
		v.fail(err)
		return
	}
	next := v.next()
	view := signInView{Staff: v.forStaff() || strings.HasPrefix(next, staffHome), Next: next, Here: here, Mails: v.Mails, Address: address, Wrong: wrong}
	if err := v.Passkeys.Possible(); err != nil {
		view.Impossible = v.say("passkey.impossible")
	}
	if v.OpenID != nil && view.Staff {
		view.Provider = v.OpenID.Name()
	}
	title := v.say("signIn.title")
	if view.Staff {
		title = v.say("signIn.staff.title")
	}
	if wrong != "" {
		title = v.say("signIn.error", "title", title)
	}
	v.show(ui.Page{Title: title, Step: "sign-in", Main: signInPage(view), Status: status, Modules: []string{"sign/js/passkey.mjs"}, Here: v.shownAt(view)})
}

// shownAt is the page's own address by GET.
func (v *visit) shownAt(view signInView) string {
	path := signInPath
	if view.Staff {
		path = staffPath
	}
	return withNext(path, view.Next)
}

// next is the own page that the request names to go on to, "" for none.
func (v *visit) next() string { return auth.OwnPath(v.r.FormValue("next")) }

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

// askForMail has a link mailed, if the address is anybody's: the answer is the same.
func (v *visit) askForMail() {
	address := v.r.PostFormValue("address")
	err := error(nil)
	if v.Mails {
		lang := ui.ViewOf(v.ctx()).Lang
		err = v.Links.Ask(auth.AskRequest{Address: address, Lang: lang, From: v.From(v.r), Next: v.next()})
	}
	switch {
	case errors.Is(err, auth.ErrAddress):
		v.signInPage(http.StatusUnprocessableEntity, address, v.say("mail.wrong"))
	case err != nil:
		v.fail(err)
	default:
		v.goTo(withNext("/sign-in/mail", v.next()))
	}
}

func (v *visit) mailSent() {
	v.show(ui.Page{Title: v.say("sent.title"), Step: "sent", Main: sentPage(withNext(signInPath, v.next()))})
}

// link shows whom a link signs in, and spends nothing.
func (v *visit) link() {
	token := v.r.PathValue("token")
	choices, err := v.Links.Peek(v.ctx(), token, v.arrival())
	if err != nil {
		v.linkGone(err)
		return
	}
	var all []person
	for _, c := range choices {
		p, err := v.asPerson(c, "")
		if err != nil {
			v.fail(err)
			return
		}
		all = append(all, p)
	}
	title := v.say("link.title")
	if len(all) > 1 {
		title = v.say("link.choose")
	}
	v.show(ui.Page{Title: title, Step: "link", Main: linkPage(title, auth.LinkPath+token, v.next(), all)})
}

// redeem spends a link by the press of a button, and goes on.
func (v *visit) redeem() {
	in, err := v.Links.Redeem(v.whole(), v.r.PathValue("token"), v.r.PostFormValue("choice"), v.arrival())
	switch {
	case errors.Is(err, auth.ErrChoose):
		v.goTo(withNext(v.r.URL.Path, v.next()))
	case err != nil:
		v.linkGone(err)
	default:
		v.goTo(v.come(in, v.next()))
	}
}

// linkGone answers for a link that signs nobody in. A button that is pressed twice has spent it itself, a moment ago,
// in this very browser: then the way on is the one that was asked for.
func (v *visit) linkGone(err error) {
	if !errors.Is(err, auth.ErrLink) {
		v.fail(err)
		return
	}
	here, problem := v.here()
	if problem != nil {
		v.fail(problem)
		return
	}
	if home := v.justCame(); home != "" && v.r.Method == http.MethodPost {
		v.goTo(home)
		return
	}
	v.show(ui.Page{Title: v.say("trouble.link.title"), Step: "link-gone", Status: http.StatusGone, Main: linkGonePage(here), Here: signInPath})
}

// justCame is the home of who signed in by a link in this browser less than a minute ago, "" for nobody.
func (v *visit) justCame() string {
	recently := func(p auth.Person) bool {
		return p.Way() == auth.ByLink && event.InstantOf(v.Now()).Since(p.BegunAt()) < event.Minute
	}
	if m, err := v.member(); err == nil && recently(m) {
		return memberHome
	}
	if s, err := v.staff(); err == nil && recently(s) {
		return staffHome
	}
	return ""
}

// come keeps the session in the browser and returns where to go on: the page that was asked for if it is the person's
// own app's, else that app's first.
func (v *visit) come(in auth.SignedIn, next string) string {
	cookie := in.Cookie()
	http.SetCookie(v.w, &cookie)
	if m, is := in.Person().(auth.Member); is {
		v.Reads(v.whole(), m, ui.ViewOf(v.ctx()).Lang)
	}
	return wayOn(in.Person(), next)
}

func wayOn(p auth.Person, next string) string {
	_, staff := p.(auth.Staff)
	operators := strings.HasPrefix(next, staffHome)
	switch {
	case staff && !operators:
		return staffHome
	case !staff && (operators || next == "" || next == "/" || strings.HasPrefix(next, signInPath)):
		return memberHome
	default:
		return next
	}
}

// memberOut ends the household's session in this browser.
func (v *visit) memberOut() {
	m, err := v.member()
	if err == nil {
		err = v.Sessions.End(v.whole(), m, m.Session())
	}
	v.gone(auth.MemberCookie, "", err)
}

// staffOut ends the staff's session in this browser.
func (v *visit) staffOut() {
	s, err := v.staff()
	if err == nil {
		err = v.Staffs.End(v.whole(), s, s.Session())
	}
	v.gone(auth.StaffCookie, "?as=staff", err)
}

func (v *visit) gone(cookie, query string, err error) {
	if unlessStranger(err) != nil {
		v.fail(err)
		return
	}
	taken := auth.CookieGone(cookie)
	http.SetCookie(v.w, &taken)
	v.goTo("/sign-in/out" + query)
}

// out says that nobody is signed in any more, and for staff where the provider's own session ends.
func (v *visit) out() {
	view := outView{Back: signInPath}
	if v.r.URL.Query().Get("as") == "staff" {
		view.Back = staffPath
		if v.OpenID != nil {
			view.Provider = v.OpenID.Name()
		}
	}
	v.show(ui.Page{Title: v.say("out.title"), Step: "out", Main: outPage(view)})
}

type outView struct {
	Back string
	// Provider is the identity provider, whose own session goes on; "" without one.
	Provider string
}

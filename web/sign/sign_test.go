package sign_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/idp"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/sign"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestWords(t *testing.T) { uitest.CheckWords(t, ".", sign.Words()) }

func TestTheSignInPage(t *testing.T) {
	b := newHouse(t).browser()
	b.get("/sign-in").page(http.StatusOK).says("Sign in with a passkey", "By e-mail", "Passkeys need scripts").silent("Error", "Guichet")
	b.in(phrase.French).get("/sign-in").page(http.StatusOK).says("Se connecter avec une clé d'accès", "Par e-mail", "Recevoir un lien")
	b.get("/operator/sign-in").page(http.StatusOK).says("operator's staff", "For households")
	staff := b.get("/sign-in?next=%2Foperator%2Falarms").page(http.StatusOK).says("operator's staff")
	if !strings.Contains(staff.body, `value="/operator/alarms"`) || !strings.Contains(staff.body, `data-next="/operator/alarms"`) {
		t.Error("the way on is lost")
	}
	policy := b.get("/sign-in").header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}

// Whatever a page says of the way on, it only ever leads to this server.
func TestTheWayOnNeverLeavesThisServer(t *testing.T) {
	h := newHouse(t)
	for _, evil := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/%5cevil.example", "javascript:alert(1)", "/\t/evil.example"} {
		page := h.browser().get("/sign-in?next=" + url.QueryEscape(evil)).page(http.StatusOK)
		if strings.Contains(page.body, "evil") || strings.Contains(page.body, "alert(1)\"") {
			t.Errorf("%q stands on the page", evil)
		}
		h.browser().post(h.hand("maple-m2"), "next", evil).leads("/home/")
		h.browser().post("/sign-in/mail", "address", "nobody@example.org", "next", evil).leads("/sign-in/mail")
		h.move(time.Hour)
	}
}

func TestALinkIsFollowedByTheButtonAlone(t *testing.T) {
	h := newHouse(t)
	link := h.hand("maple-m2")
	for range 3 { // a mail scanner looks at it, and runs scripts
		page := h.browser().get(link).page(http.StatusOK).says("Sign in here?", "12 rue maple", "Ana <b>maple-m2</b>")
		if strings.Contains(page.body, "<b>maple") {
			t.Error("a name is markup")
		}
	}
	b := h.browser()
	a := b.post(link, "next", "/home/deliveries/maple-d7").leads("/home/deliveries/maple-d7")
	if b.member() != "maple-m2" || b.staff() != "" {
		t.Errorf("signed in as %q and %q", b.member(), b.staff())
	}
	if c := a.header.Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-loquet=") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "Secure") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("the cookie is %q", c)
	}
	if got := a.header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("the link leaks to where its page leads: %q", got)
	}
	h.browser().post(link).page(http.StatusGone).says("This link does not work any more", "Nobody was signed in.", "Ask for a new link")
}

// Whoever signs in on a French page reads French, whichever way it was; the staff's language is kept nowhere.
func TestTheLanguageOfWhoeverSignsInIsTold(t *testing.T) {
	var told []string
	h := newHouse(t, func(_ *house, d *sign.Deps) {
		d.Reads = func(_ context.Context, m auth.Member, lang phrase.Lang) {
			told = append(told, string(m.ID())+" "+string(lang))
		}
	})
	h.browser().in(phrase.French).comeBy(h.hand("maple-m2"))
	h.browser().comeBy(h.hand("oak-m1"))
	_, link := h.colleague("Ana")
	h.browser().in(phrase.French).post(link).leads("/operator/")
	if got := strings.Join(told, ", "); got != "maple-m2 fr, oak-m1 en" {
		t.Errorf("told: %s", got)
	}
}

// A used, an expired, a made-up and another's link are told apart by nothing.
func TestLinksThatDoNotWorkLookAlike(t *testing.T) {
	h := newHouse(t)
	used, expired := h.hand("maple-m2"), h.hand("oak-m1")
	h.browser().comeBy(used)
	h.move(auth.LinkLife)
	whole := h.hand("pine-m1")
	reference := regexp.MustCompile(`[a-z0-9]{4}-[a-z0-9]{4}`)
	var first string
	for name, link := range map[string]string{
		"used": used, "expired": expired, "made up": "/sign-in/link/ll_maple-aaaaaaaaaaaaaaaa_" + strings.Repeat("a", 52), "broken": whole[:len(whole)-1],
		"nonsense": "/sign-in/link/x", "another kind": strings.Replace(whole, "ll_", "lk_", 1), "long": "/sign-in/link/" + strings.Repeat("a", 3000),
	} {
		for _, a := range []answer{h.browser().get(link), h.browser().post(link, "choice", "member/maple-m2")} {
			a.page(http.StatusGone).silent("rue", "Ana", "maple")
			text := reference.ReplaceAllString(a.text(), "")
			if first == "" {
				first = text
			}
			if text != first {
				t.Errorf("%s: %s, another: %s", name, text, first)
			}
		}
	}
	h.browser().in(phrase.French).get(used).page(http.StatusGone).says("Ce lien ne marche plus", "Demander un nouveau lien")
}

// Two presses of the button: the second answer finds the link spent, by this very browser.
func TestPressingTwice(t *testing.T) {
	h := newHouse(t)
	link := h.hand("maple-m2")
	b := h.browser().comeBy(link)
	b.post(link).leads("/home/")
	_, staffLink := h.colleague("Bo")
	b.comeBy(staffLink)
	h.move(time.Minute)
	page := b.post(link).page(http.StatusGone).says("Continue: 12 rue maple", "Continue: Operator's console")
	if !strings.Contains(page.body, `href="/home/"`) || !strings.Contains(page.body, `href="/operator/"`) {
		t.Error("no way on for who is signed in")
	}
	b.get(link).page(http.StatusGone)
}

func TestALinkByMail(t *testing.T) {
	h := newHouse(t)
	must(t, h.links.Welcome(t.Context(), "maple-m2", "ana@example.org", phrase.French))
	h.browser().comeBy(path(t, h, h.next().link))
	b := h.browser().in(phrase.French)
	known := b.post("/sign-in/mail", "address", "ANA@example.org", "next", "/home/rules").leads("/sign-in/mail?next=%2Fhome%2Frules")
	unknown := b.post("/sign-in/mail", "address", "eve@example.org", "next", "/home/rules").leads("/sign-in/mail?next=%2Fhome%2Frules")
	if known.body != unknown.body || len(known.header) != len(unknown.header) {
		t.Errorf("known: %v %q, unknown: %v %q", known.header, known.body, unknown.header, unknown.body)
	}
	b.get("/sign-in/mail?next=%2Fhome%2Frules").page(http.StatusOK).says("Regardez vos e-mails", "Si cette adresse est connue")
	m := h.next()
	if m.to != "ana@example.org" || m.lang != phrase.French || m.kind != auth.MailSignIn {
		t.Errorf("sent %+v", m)
	}
	b.get(path(t, h, m.link)).page(http.StatusOK).says("12 rue maple")
	fields := form(t, b.get(path(t, h, m.link)).body)
	b.send(http.MethodPost, fields.action, "application/x-www-form-urlencoded", fields.values.Encode()).leads("/home/rules")
	if b.member() != "maple-m2" {
		t.Errorf("signed in as %q", b.member())
	}
}

// path is a whole link's address on this server.
func path(t *testing.T, h *house, link string) string {
	t.Helper()
	rest, ours := strings.CutPrefix(link, h.at)
	if !ours {
		t.Fatalf("the link leads to %s", link)
	}
	return rest
}

// filled is the form on a page, as it is sent by its button.
type filled struct {
	action string
	values url.Values
}

// form finds the first form in a page's main.
func form(t *testing.T, body string) filled {
	t.Helper()
	main := uitest.Tags(uitest.Parse(t, body), "main")[0]
	one := uitest.Tags(main, "form")[0]
	f := filled{values: url.Values{}}
	f.action, _ = uitest.Attr(one, "action")
	for _, in := range uitest.Tags(one, "input") {
		name, _ := uitest.Attr(in, "name")
		value, _ := uitest.Attr(in, "value")
		f.values.Add(name, value)
	}
	return f
}

func TestAnAddressThatIsNone(t *testing.T) {
	b := newHouse(t).browser()
	page := b.post("/sign-in/mail", "address", `ana"><script>alert(1)</script>`, "next", "/home/rules").page(http.StatusUnprocessableEntity).
		says("There is a problem", "Enter an e-mail address")
	if strings.Contains(page.body, "<script>alert") || !strings.Contains(page.body, "&lt;script&gt;") || !strings.Contains(page.body, "<title>Error: ") {
		t.Errorf("the page is %s", page.body)
	}
	if f := form(t, page.body); f.values.Get("next") != "/home/rules" {
		t.Errorf("the form has %v", f.values)
	}
	b.in(phrase.French).post("/sign-in/mail", "address", "").page(http.StatusUnprocessableEntity).says("Il y a un problème", "Saisissez une adresse e-mail")
}

func TestOneAddressOfSeveralIsAskedAsWhom(t *testing.T) {
	h := newHouse(t)
	for _, m := range []event.MemberID{"maple-m2", "oak-m1"} {
		must(t, h.links.Welcome(t.Context(), m, "ana@example.org", phrase.English))
		h.browser().comeBy(path(t, h, h.next().link))
	}
	h.move(time.Hour)
	b := h.browser()
	b.post("/sign-in/mail", "address", "ana@example.org")
	link := path(t, h, h.next().link)
	page := b.get(link).page(http.StatusOK).says("Whom to sign in?", "12 rue maple", "12 rue oak")
	if n := strings.Count(page.body, `name="choice"`); n != 2 {
		t.Errorf("%d choices", n)
	}
	b.post(link).leads(link)
	b.post(link, "choice", "member/pine-m1").leads(link)
	b.post(link, "choice", "member/oak-m1").leads("/home/")
	if b.member() != "oak-m1" {
		t.Errorf("signed in as %q", b.member())
	}
}

func TestStaffComeByLink(t *testing.T) {
	h := newHouse(t)
	_, link := h.colleague("Ana")
	b := h.browser()
	b.get(link).page(http.StatusOK).says("Operator's console")
	b.post(link, "next", "/home/rules").leads("/operator/")
	if b.staff() != "Ana" || b.member() != "" {
		t.Errorf("signed in as %q and %q", b.staff(), b.member())
	}
	_, link = h.colleague("Bo")
	h.browser().post(link, "next", "/operator/alarms?x=1").leads("/operator/alarms?x=1")
	h.browser().post(h.hand("maple-m2"), "next", "/operator/").leads("/home/")
	h.browser().post(h.hand("maple-m2"), "next", "/sign-in/out").leads("/home/")
}

func TestTheChooser(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.get("/").leads("/sign-in")
	b.comeBy(h.hand("maple-m2")).get("/").leads("/home/")
	_, link := h.colleague("Ana")
	h.browser().comeBy(link).get("/").leads("/operator/")
	_, link = h.colleague("Bo")
	b.comeBy(link).get("/").page(http.StatusOK).says("Where to?", "12 rue maple", "Operator's console", "Bo")
	b.get("/sign-in").page(http.StatusOK).says("You are signed in: 12 rue maple.", "You are signed in: Operator's console.")
	h.browser().comeBy(h.hand("bare-m1")).get("/sign-in").page(http.StatusOK).says("You are signed in: Your home.")
	b.get("/nothing-here")
	b.get("/sign-in/nothing").page(http.StatusNotFound)
}

func TestSigningOutEndsOneSessionHere(t *testing.T) {
	h := newHouse(t)
	b, other := h.browser().comeBy(h.hand("maple-m2")), h.browser().comeBy(h.hand("maple-m2"))
	_, link := h.colleague("Ana")
	b.comeBy(link)
	token := b.token(auth.MemberCookie)
	b.post("/sign-in/out").leads("/sign-in/out")
	if b.member() != "" || b.token(auth.MemberCookie) != "" || b.staff() != "Ana" || other.member() != "maple-m2" {
		t.Errorf("now %q, %q, and elsewhere %q", b.member(), b.staff(), other.member())
	}
	if _, err := h.sessions.Check(t.Context(), token); !errors.Is(err, auth.ErrSession) {
		t.Errorf("the session itself: %v", err)
	}
	b.get("/sign-in/out").page(http.StatusOK).says("You are signed out")
	b.post("/sign-in/out").leads("/sign-in/out")
	b.post("/sign-in/out/staff").leads("/sign-in/out?as=staff")
	if b.staff() != "" {
		t.Errorf("still %q", b.staff())
	}
	b.in(phrase.French).get("/sign-in/out?as=staff").page(http.StatusOK).says("Vous êtes déconnecté").silent("Guichet")
}

// Another site's page can neither sign anybody in nor out, nor ask for mails.
func TestOtherSitesCanNotPost(t *testing.T) {
	h := newHouse(t)
	link := h.hand("maple-m2")
	b := h.browser().comeBy(h.hand("oak-m1"))
	evil := *b
	evil.site = "cross-site"
	for _, to := range []string{link, "/sign-in/out", "/sign-in/mail", "/sign-in/member/sessions/end-others", "/sign-in/passkey/begin", "/sign-in/passkey"} {
		evil.post(to, "address", "ana@example.org").page(http.StatusForbidden)
	}
	if b.member() != "oak-m1" {
		t.Errorf("signed in as %q", b.member())
	}
	h.browser().get(link).page(http.StatusOK)
}

func TestTooManyTries(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.from = "198.51.100.7"
	for range 5 {
		b.post("/sign-in/mail", "address", "a@example.org")
		h.move(10 * time.Minute)
		h.move(-10 * time.Minute)
	}
	last := b.post("/sign-in/mail", "address", "b@example.org").page(http.StatusTooManyRequests).says("Too many tries")
	if last.header.Get("Retry-After") == "" {
		t.Error("how long to wait is not said")
	}
	many := 0
	for range 70 {
		if b.get("/sign-in/link/x").status == http.StatusTooManyRequests {
			many++
		}
	}
	if many == 0 {
		t.Error("links can be tried without end")
	}
}

func TestWithoutMails(t *testing.T) {
	h := newHouse(t, withoutMails)
	b := h.browser()
	page := b.get("/sign-in").page(http.StatusOK).says("sends no e-mail", "Sign in with a passkey")
	if strings.Contains(page.body, `name="address"`) {
		t.Error("a form that does nothing")
	}
	b.post("/sign-in/mail", "address", "ana@example.org").leads("/sign-in/mail")
	b.comeBy(h.hand("maple-m2")).get("/sign-in/member").page(http.StatusOK).says("sends no e-mail")
	b.post("/sign-in/member/address", "address", "ana@example.org").page(http.StatusNotFound)
}

func TestWhereThereAreNoPasskeys(t *testing.T) {
	h := newHouse(t, atNumber)
	b := h.browser()
	page := b.get("/sign-in").page(http.StatusOK).says("Passkeys can't be used at this address")
	if strings.Contains(page.body, "data-ceremony") {
		t.Error("a button that does nothing")
	}
	b.in(phrase.French).get("/sign-in").page(http.StatusOK).says("Pas de clé d'accès à cette adresse")
	var refused map[string]string
	if a := b.script("/sign-in/passkey/begin", struct{}{}, &refused); a.status != http.StatusConflict || refused["code"] != "impossible" {
		t.Errorf("%d %v", a.status, refused)
	}
	b.comeBy(h.hand("maple-m2")).get("/sign-in/member").page(http.StatusOK).says("Passkeys can't be used at this address")
}

func TestWhatCanNotBeReadIsSaid(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	link := h.hand("oak-m1")
	h.breakNames(errors.New("the disk is gone: 12 rue verte"))
	for _, path := range []string{"/", "/sign-in", "/sign-in/member", link} {
		page := b.get(path).page(http.StatusServiceUnavailable).says("could not be done now", "Reference:")
		if strings.Contains(page.body, "disk") {
			t.Error("the page tells why")
		}
	}
	h.breakNames(nil)
	b.post(link).leads("/home/")
}

func TestStaffSignInAtTheProvider(t *testing.T) {
	h := newHouse(t, withProvider(idp.People{"ana": {"name": "Ana", "groups": []string{"desk"}}, "eve": {"name": "Eve"}}))
	b := h.browser()
	b.get("/sign-in").page(http.StatusOK).silent("Guichet")
	page := b.get("/operator/sign-in?next=%2Foperator%2Falarms").page(http.StatusOK).says("Sign in with Guichet")
	if !strings.Contains(page.body, `href="/sign-in/openid?next=%2Foperator%2Falarms"`) {
		t.Error("the way on is lost")
	}
	begun := b.get("/sign-in/openid?next=%2Foperator%2Falarms")
	back := idp.NewBrowser(t).SignIn(begun.header.Get("Location"), "ana")
	h.browser().get(back.RequestURI()).page(http.StatusForbidden).says("The sign-in can't be accepted")
	b.get(back.RequestURI()).leads("/operator/alarms")
	if b.staff() != "Ana" || b.token(auth.OpenIDCookie) != "" {
		t.Errorf("signed in as %q, the cookie is %q", b.staff(), b.token(auth.OpenIDCookie))
	}
	b.get(back.RequestURI()).page(http.StatusForbidden)
	b.post("/sign-in/out/staff").leads("/sign-in/out?as=staff")
	b.get("/sign-in/out?as=staff").page(http.StatusOK).says("Sign out of Guichet too")
	if to := b.get("/sign-in/openid/out"); to.status != http.StatusSeeOther || !strings.Contains(to.header.Get("Location"), "/session/end?client_id=loquet") {
		t.Errorf("leads with %d to %q", to.status, to.header.Get("Location"))
	}
}

func TestWhomTheProviderKnowsAndWeDoNot(t *testing.T) {
	h := newHouse(t, withProvider(idp.People{"eve": {"name": "Eve"}}))
	b := h.browser()
	back := idp.NewBrowser(t).SignIn(b.get("/sign-in/openid").header.Get("Location"), "eve")
	page := b.get(back.RequestURI()).page(http.StatusForbidden).says("You have no role here").silent("Eve")
	if !strings.Contains(page.body, `href="/operator/sign-in"`) {
		t.Error("no way on")
	}
	back = idp.NewBrowser(t).Cancel(b.get("/sign-in/openid").header.Get("Location"))
	b.in(phrase.French).get(back.RequestURI()).page(http.StatusForbidden).says("annulée chez le fournisseur d'identité")
	if b.staff() != "" {
		t.Errorf("signed in as %q", b.staff())
	}
}

func TestWithoutAProvider(t *testing.T) {
	b := newHouse(t).browser()
	b.get("/sign-in/openid").page(http.StatusNotFound)
	b.get("/sign-in/openid/back?state=x&code=y").page(http.StatusNotFound)
	b.get("/sign-in/openid/out").page(http.StatusNotFound)
	b.post("/sign-in/openid/ended", "logout_token", "x").page(http.StatusNotFound)
}

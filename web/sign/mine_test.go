package sign_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/sign"
	"github.com/loquet/loquet/web/ui/uitest"
)

// device is a phone with passkeys.
type device struct {
	browser *browser
	party   virtualwebauthn.RelyingParty
	auth    virtualwebauthn.Authenticator
}

func (b *browser) device() *device {
	return &device{browser: b, party: virtualwebauthn.RelyingParty{ID: "localhost", Name: "Loquet", Origin: b.house.at}, auth: virtualwebauthn.NewAuthenticator()}
}

// ceremony is what a page's script gets.
type ceremony struct {
	Ceremony string          `json:"ceremony"`
	Options  json.RawMessage `json:"options"`
}

// said is what a script is answered.
type said struct{ To, Code, Title, Text string }

// add makes a passkey on the page of the own ones, as its script does.
func (d *device) add(base, name string) (answer, said) {
	b := d.browser
	b.t.Helper()
	var c ceremony
	if a := b.script(base+"/passkeys/begin", struct{}{}, &c); a.status != http.StatusOK {
		var why said
		must(b.t, json.Unmarshal([]byte(a.body), &why))
		return a, why
	}
	o, err := virtualwebauthn.ParseAttestationOptions(string(c.Options))
	must(b.t, err)
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(key.Key.AttestationData()) != 77 { // its coordinates without their leading zeros are none of COSE's
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	d.auth.Options.UserHandle = []byte(o.UserID)
	made := virtualwebauthn.CreateAttestationResponse(d.party, d.auth, key, *o)
	d.auth.AddCredential(key)
	return d.finish(base+"/passkeys", c, made, name, "")
}

// answer answers a question that begins and ends at these addresses.
func (d *device) answer(begin, end, next string) (answer, said) {
	b := d.browser
	b.t.Helper()
	var c ceremony
	b.script(begin, struct{}{}, &c)
	o, err := virtualwebauthn.ParseAssertionOptions(string(c.Options))
	must(b.t, err)
	return d.finish(end, c, virtualwebauthn.CreateAssertionResponse(d.party, d.auth, d.auth.Credentials[len(d.auth.Credentials)-1], *o), "", next)
}

func (d *device) finish(end string, c ceremony, response, name, next string) (a answer, s said) {
	d.browser.t.Helper()
	a = d.browser.script(end, map[string]any{"ceremony": c.Ceremony, "response": json.RawMessage(response), "name": name, "next": next}, &s)
	return a, s
}

func (d *device) signIn(next string) (answer, said) {
	d.browser.t.Helper()
	return d.answer("/sign-in/passkey/begin", "/sign-in/passkey", next)
}

func TestAPasskeySignsIn(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	d := b.device()
	if a, s := d.add("/sign-in/member", ""); a.status != http.StatusOK || s.To != "/sign-in/member?done=added" {
		t.Fatalf("%d %+v", a.status, s)
	}
	b.get("/sign-in/member?done=added").page(http.StatusOK).says("The passkey was added.", "Firefox, Linux", "Never used to sign in")
	b.post("/sign-in/out")
	for next, to := range map[string]string{"": "/home/", "/home/rules": "/home/rules", "/operator/": "/home/", "https://evil.example": "/home/"} {
		other := h.browser()
		d.browser = other
		if a, s := d.signIn(next); a.status != http.StatusOK || s.To != to || other.member() != "maple-m2" {
			t.Errorf("%q: %d %+v as %q", next, a.status, s, other.member())
		}
	}
	d.browser.get("/sign-in/member").page(http.StatusOK).says("Last used", "by a passkey")
}

func TestStaffHavePasskeysToo(t *testing.T) {
	h := newHouse(t)
	_, link := h.colleague("Ana")
	b := h.browser().comeBy(link)
	d := b.device()
	if a, s := d.add("/sign-in/staff", "Bureau"); a.status != http.StatusOK {
		t.Fatalf("%d %+v", a.status, s)
	}
	b.in(phrase.French).get("/sign-in/staff").page(http.StatusOK).says("Vos connexions", "Bureau").silent("Adresse e-mail")
	b.post("/sign-in/staff/address", "address", "x@example.org").page(http.StatusNotFound)
	other := h.browser()
	d.browser = other
	if a, s := d.signIn("/operator/alarms"); a.status != http.StatusOK || s.To != "/operator/alarms" || other.staff() != "Ana" {
		t.Errorf("%d %+v as %q", a.status, s, other.staff())
	}
}

func TestAPasskeyThatIsNotKnown(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	d := b.device()
	d.add("/sign-in/member", "x")
	must(t, h.sessions.Forget(t.Context(), "maple-m2"))
	other := h.browser().in(phrase.French)
	d.browser = other
	a, s := d.signIn("")
	if a.status != http.StatusForbidden || s.Code != "passkey" || !strings.Contains(s.Title, "pas connue") || s.Text == "" || other.member() != "" {
		t.Errorf("%d %+v", a.status, s)
	}
	for name, body := range map[string]string{"nothing": "", "no JSON": "x", "no answer": "{}", "another kind": `{"ceremony":7}`} {
		got := other.send(http.MethodPost, "/sign-in/passkey", "application/json", body)
		var s said
		if err := json.Unmarshal([]byte(got.body), &s); err != nil || got.status < 400 || got.status >= 500 || s.Title == "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// Every address of the own ways to sign in is refused to strangers, to the other kind of people, to the other kind's
// session under this one's name, and to who left.
func TestTheOwnPageIsOnesOwn(t *testing.T) {
	h := newHouse(t)
	_, link, err := h.staffs.Add(t.Context(), auth.NewStaff{Name: "Ana", Address: "ana@loquet.example", Role: auth.Admin})
	must(t, err)
	fred, left := h.colleague("Fred")
	staff, member, stranger := h.browser().comeBy("/sign-in/link/"+link.Token), h.browser().comeBy(h.hand("maple-m2")), h.browser()
	moved, gone := h.browser().comeBy(h.hand("oak-m1")), h.browser().comeBy(left)
	must(t, h.sessions.Forget(t.Context(), "oak-m1"))
	admin, err := h.staffs.Check(t.Context(), staff.token(auth.StaffCookie))
	must(t, err)
	must(t, h.staffs.Disable(t.Context(), admin, fred.ID))
	for base, others := range map[string][]*browser{
		"/sign-in/member": {staff, stranger, moved, h.browser().holding(auth.MemberCookie, staff.token(auth.StaffCookie))},
		"/sign-in/staff":  {member, stranger, gone, h.browser().holding(auth.StaffCookie, member.token(auth.MemberCookie))},
	} {
		in := "/sign-in?next=" + strings.ReplaceAll(base, "/", "%2F")
		if base == "/sign-in/staff" {
			in = "/operator" + in
		}
		for _, b := range others {
			for _, way := range sign.MineWays() {
				method, path, _ := strings.Cut(way, " ")
				path = strings.NewReplacer("{id}", "x", "{session}", "x").Replace(path)
				if !scripted[way] {
					b.send(method, base+path, "application/x-www-form-urlencoded", "").leads(in)
					continue
				}
				var s said
				if a := b.script(base+path, struct{}{}, &s); a.status != http.StatusUnauthorized || s.Code != "session" {
					t.Errorf("%s: %d %+v", base+path, a.status, s)
				}
			}
		}
	}
}

// scripted are the ways that a page's script asks.
var scripted = map[string]bool{"POST /passkeys/begin": true, "POST /passkeys": true, "POST /check/begin": true, "POST /check": true}

// What everybody may ask tells nobody who is signed in elsewhere, signs nobody in by itself, and never breaks.
func TestEveryWayIsBornByEverybody(t *testing.T) {
	h := newHouse(t)
	_, link := h.colleague("Ana")
	staff, member := h.browser().comeBy(link), h.browser().comeBy(h.hand("maple-m2"))
	signedAs := h.browser().holding(auth.MemberCookie, staff.token(auth.StaffCookie))
	for _, way := range sign.Ways() {
		method, path, _ := strings.Cut(way, " ")
		path = strings.NewReplacer("{$}", "", "{token}", "x").Replace(path)
		for who, b := range map[string]*browser{"a stranger": h.browser(), "a made-up session": signedAs} {
			a := b.send(method, path, "application/x-www-form-urlencoded", "next=%2Fhome%2F")
			if a.status >= 500 || strings.Contains(a.body, "maple") || strings.Contains(a.body, "Ana") || b.member() != "" || b.staff() != "" {
				t.Errorf("%s at %s: %d, now %q and %q: %s", who, way, a.status, b.member(), b.staff(), a.text())
			}
		}
		for who, b := range map[string]*browser{"a member": member, "staff": staff} {
			if a := b.send(method, path, "application/x-www-form-urlencoded", "next=https%3A%2F%2Fevil.example"); a.status >= 500 || strings.Contains(a.header.Get("Location"), "evil") {
				t.Errorf("%s at %s: %d to %s", who, way, a.status, a.header.Get("Location"))
			}
		}
	}
	if member.member() != "" || staff.staff() != "" {
		t.Error("signing out was left out")
	}
}

// A copied cookie is the session that it was copied from: it is in the list of its owner, who ends it from another phone,
// and after a quarter of an hour it changes nothing of how anybody signs in.
func TestACopiedSession(t *testing.T) {
	h := newHouse(t)
	for _, x := range []struct {
		base, cookie string
		link         func() string
		who          func(*browser) string
	}{
		{"/sign-in/member", auth.MemberCookie, func() string { return h.hand("maple-m2") }, func(b *browser) string { return string(b.member()) }},
		{"/sign-in/staff", auth.StaffCookie, func() string { _, link := h.colleague("Ana"); return link }, (*browser).staff},
	} {
		owner := h.browser().comeBy(x.link())
		phone := owner.device()
		if a, s := phone.add(x.base, "Phone"); a.status != http.StatusOK {
			t.Fatalf("%d %+v", a.status, s)
		}
		thief := h.browser().holding(x.cookie, owner.token(x.cookie))
		if x.who(thief) != x.who(owner) {
			t.Fatalf("the cookie was not copied: %q", x.who(thief))
		}
		page := thief.get(x.base).page(http.StatusOK)
		remove := regexp.MustCompile(x.base + `/passkeys/[a-z2-7]+/remove`).FindString(page.body)
		h.move(auth.RecentFor + time.Minute)
		stolen := thief.device()
		if a, s := stolen.add(x.base, "Mine"); a.status != http.StatusForbidden || s.Code != "recent" {
			t.Errorf("%s: a passkey of the thief: %d %+v", x.base, a.status, s)
		}
		thief.post(remove).page(http.StatusForbidden)
		if x.base == "/sign-in/member" {
			thief.post(x.base+"/address", "address", "eve@example.org").page(http.StatusForbidden)
		}
		stolen.auth.AddCredential(virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2))
		if a, s := stolen.answer(x.base+"/check/begin", x.base+"/check", ""); a.status == http.StatusOK {
			t.Errorf("%s: somebody else's passkey is taken: %+v", x.base, s)
		}
		other := h.browser()
		phone.browser = other
		if a, s := phone.signIn(""); a.status != http.StatusOK {
			t.Fatalf("%d %+v", a.status, s)
		}
		listed := other.get(x.base).page(http.StatusOK).says("Firefox, Linux (this one)", "Last used")
		ends := regexp.MustCompile(x.base+`/sessions/[a-z0-9-]+/end`).FindAllString(listed.body, -1)
		if len(ends) != 1 {
			t.Fatalf("%d others are listed: %s", len(ends), listed.text())
		}
		other.post(ends[0]).leads(x.base + "?done=ended")
		if x.who(thief) != "" || x.who(owner) != "" || x.who(other) == "" {
			t.Errorf("%s: now %q, %q and %q", x.base, x.who(thief), x.who(owner), x.who(other))
		}
	}
}

// Scripts and long words in every field of the forms that these pages have, each alone and all at once, are text.
func TestScriptsInEveryField(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	b.device().add("/sign-in/member", "Phone")
	_, link := h.colleague("Ana")
	b.comeBy(link)
	b.device().add("/sign-in/staff", "Bureau")
	pages, seen := []string{"/", "/sign-in", "/operator/sign-in", "/sign-in/member", "/sign-in/staff", h.hand("oak-m1")}, 0
	for _, path := range pages {
		for _, s := range uitest.Sheets(t, b.get(path).body, "/", map[string]string{"address": "ana@example.org"}) {
			if !s.Text && !strings.Contains(s.Action, "/link/") {
				continue
			}
			seen++
			for _, fields := range s.Hostile() {
				if s.Fields.Has("choice") && fields.Get("choice") == s.Fields.Get("choice") {
					continue // which signs in, once
				}
				a := b.send(s.Method, s.Address(fields), "application/x-www-form-urlencoded", fields.Encode())
				to := a.header.Get("Location")
				if a.status >= 500 || strings.Contains(a.body, uitest.Script) || strings.Contains(to, "javascript:") || strings.HasPrefix(to, "//") {
					t.Errorf("%s with %.200v: %d to %q: %s", s.Action, fields, a.status, to, a.text())
				}
			}
		}
	}
	if seen < 6 {
		t.Errorf("only %d forms were found", seen)
	}
	for _, path := range pages {
		if a := b.get(path); a.status >= 500 || strings.Contains(a.body, uitest.Script) {
			t.Errorf("%s afterwards: %d", path, a.status)
		}
	}
}

func TestPasskeysAreRenamedAndRemoved(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	d := b.device()
	d.add("/sign-in/member", "<script>alert(1)</script>")
	page := b.get("/sign-in/member").page(http.StatusOK).says("<script>alert(1)</script>")
	if strings.Contains(page.body, "<script>alert") {
		t.Error("a name is markup")
	}
	id := regexp.MustCompile(`/passkeys/([a-z2-7]+)/rename`).FindStringSubmatch(page.body)[1]
	rename, remove := "/sign-in/member/passkeys/"+id+"/rename", "/sign-in/member/passkeys/"+id+"/remove"
	b.post(rename, "name-"+id, "Phone").leads("/sign-in/member?done=renamed")
	b.get("/sign-in/member?done=renamed").page(http.StatusOK).says("The passkey was renamed.", "Phone", "Remove this passkey")
	b.post(rename, "name-"+id, " ").page(http.StatusUnprocessableEntity).says("Part of that can't be")
	b.post(rename, "name-"+id, strings.Repeat("x", 500)).page(http.StatusUnprocessableEntity)
	paul := h.browser().comeBy(h.hand("maple-m3"))
	paul.post(rename, "name-"+id, "mine").page(http.StatusForbidden)
	paul.post(remove).leads("/sign-in/member?done=removed")
	b.get("/sign-in/member").page(http.StatusOK).says("Phone")
	b.post(remove).leads("/sign-in/member?done=removed")
	b.get("/sign-in/member?done=removed").page(http.StatusOK).says("The passkey was removed.").silent("Phone")
	b.get("/sign-in/member?done=<script>").page(http.StatusOK)
}

// An hour after signing in nothing is changed until a passkey is shown, and the page says so instead of failing.
func TestAfterAWhileItHasToBeYou(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	d := b.device()
	d.add("/sign-in/member", "Phone")
	h.move(time.Hour)
	page := b.get("/sign-in/member").page(http.StatusOK).says("show that it is you", "Show your passkey", "Remove: after you have shown").silent("Remove this passkey", "New address")
	if strings.Contains(page.body, "/passkeys/begin") {
		t.Error("a button that is refused")
	}
	if a, s := d.add("/sign-in/member", "x"); a.status != http.StatusForbidden || s.Code != "recent" {
		t.Errorf("adding: %d %+v", a.status, s)
	}
	b.post("/sign-in/member/address", "address", "eve@example.org").page(http.StatusForbidden).says("Show once more that it is you")
	b.post("/sign-in/member/passkeys/x/remove").page(http.StatusForbidden)
	if a, s := d.answer("/sign-in/member/check/begin", "/sign-in/member/check", ""); a.status != http.StatusOK || s.To != "/sign-in/member?done=checked" {
		t.Fatalf("%d %+v", a.status, s)
	}
	b.get("/sign-in/member?done=checked").page(http.StatusOK).says("It is you.", "Remove this passkey", "New address")
	if a, s := d.answer("/sign-in/member/check/begin", "/sign-in/member/check", "/home/rehearsal"); a.status != http.StatusOK || s.To != "/home/rehearsal" {
		t.Errorf("%d %+v", a.status, s)
	}
	other := h.browser().comeBy(h.hand("maple-m3"))
	h.move(time.Hour)
	other.in(phrase.French).get("/sign-in/member").page(http.StatusOK).says("déconnectez-vous puis reconnectez-vous")
}

func TestChangingTheOwnAddress(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	b.get("/sign-in/member").page(http.StatusOK).says("No address yet")
	b.post("/sign-in/member/address", "address", "ana@").page(http.StatusUnprocessableEntity).says("There is a problem", "Enter an e-mail address")
	b.in(phrase.French).post("/sign-in/member/address", "address", "ana@example.org").leads("/sign-in/member?done=address")
	b.get("/sign-in/member?done=address").page(http.StatusOK).says("A link is on its way", "ana@example.org waits for you")
	m := h.next()
	if m.to != "ana@example.org" || m.kind != auth.MailConfirmation || m.lang != phrase.French {
		t.Errorf("sent %+v", m)
	}
	b.comeBy(path(t, h, m.link)).get("/sign-in/member").page(http.StatusOK).says("Links to sign in go to ana@example.org.")
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	h := newHouse(t)
	b, other, third := h.browser().comeBy(h.hand("maple-m2")), h.browser().comeBy(h.hand("maple-m2")), h.browser().comeBy(h.hand("maple-m2"))
	paul := h.browser().comeBy(h.hand("maple-m3"))
	page := b.get("/sign-in/member").page(http.StatusOK).says("Where you are signed in", "Firefox, Linux (this one)", "by a link", "Sign out everywhere else")
	ends := regexp.MustCompile(`/sessions/([a-z0-9-]+)/end"`).FindAllStringSubmatch(page.body, -1)
	if len(ends) != 2 {
		t.Fatalf("%d others: %s", len(ends), page.text())
	}
	paul.post("/sign-in/member/sessions/" + ends[0][1] + "/end").leads("/sign-in/member?done=ended")
	if other.member() == "" || third.member() == "" {
		t.Fatal("somebody else's session was ended")
	}
	b.post("/sign-in/member/sessions/" + ends[0][1] + "/end").leads("/sign-in/member?done=ended")
	if (other.member() == "") == (third.member() == "") {
		t.Errorf("now %q and %q", other.member(), third.member())
	}
	b.post("/sign-in/member/sessions/end-others").leads("/sign-in/member?done=endedOthers")
	if b.member() != "maple-m2" || other.member() != "" || third.member() != "" || paul.member() != "maple-m3" {
		t.Errorf("now %q, %q, %q, %q", b.member(), other.member(), third.member(), paul.member())
	}
	b.in(phrase.French).get("/sign-in/member?done=endedOthers").page(http.StatusOK).says("Tous les autres appareils sont déconnectés.").silent("Déconnecter partout")
}

func TestStaffSessionsAreListedAndEnded(t *testing.T) {
	h := newHouse(t)
	a, link := h.colleague("Ana")
	b := h.browser().comeBy(link)
	again, err := h.staffs.Link(t.Context(), a.Address)
	must(t, err)
	other := h.browser().comeBy("/sign-in/link/" + again.Token)
	page := b.get("/sign-in/staff").page(http.StatusOK).says("Where you are signed in")
	id := regexp.MustCompile(`/sessions/([a-z0-9-]+)/end"`).FindStringSubmatch(page.body)[1]
	b.post("/sign-in/staff/sessions/" + id + "/end").leads("/sign-in/staff?done=ended")
	if other.staff() != "" || b.staff() != "Ana" {
		t.Errorf("now %q and %q", b.staff(), other.staff())
	}
	b.post("/sign-in/staff/sessions/end-others").leads("/sign-in/staff?done=endedOthers")
}

// Every page in both languages is well made, and every French one French.
func TestEveryPageInBothLanguages(t *testing.T) {
	h := newHouse(t)
	b := h.browser().comeBy(h.hand("maple-m2"))
	b.device().add("/sign-in/member", "Phone")
	_, link := h.colleague("Ana")
	b.comeBy(link)
	english := regexp.MustCompile(`(?i)\b(the|your|sign|passkey|with|nobody)\b`)
	for path, status := range map[string]int{"/": 200, "/sign-in": 200, "/operator/sign-in": 200, "/sign-in/mail": 200, "/sign-in/out": 200, "/sign-in/out?as=staff": 200,
		"/sign-in/member": 200, "/sign-in/staff": 200, h.hand("oak-m1"): 200, "/sign-in/link/x": 410, "/sign-in/nothing": 404} {
		b.get(path).page(status)
		page := b.in(phrase.French).get(path).page(status)
		if lang, _ := uitest.Attr(uitest.Tags(uitest.Parse(t, page.body), "html")[0], "lang"); lang != "fr" {
			t.Errorf("%s is in %q", path, lang)
		}
		if word := english.FindString(strings.ReplaceAll(page.text(), "Phone", "")); word != "" {
			t.Errorf("%s says %q: %s", path, word, page.text())
		}
	}
}

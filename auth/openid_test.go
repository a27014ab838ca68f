package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/idp"
	"github.com/loquet/loquet/store"
)

// front is the operator's entrance: staff accounts and the provider.
type front struct {
	*bench
	idp    *idp.Provider
	staffs *auth.Staffs
	openid *auth.OpenID
	config auth.OpenIDConfig
	public string
}

// shared is the provider of most tests.
var shared = idp.Shared{Clients: []map[string]any{idp.Client("loquet", "client_secret_basic", ourselves)}}

const ourselves = "http://localhost:8480"

var roleClaims = []auth.RoleClaim{{Claim: "groups", Value: "desk", Role: auth.Dispatcher}, {Claim: "groups", Value: "chiefs", Role: auth.Admin},
	{Claim: "realm_access.roles", Value: "look", Role: auth.Viewer}}

// entrance is one whose clock is that of the provider: the real one.
func (b *bench) entrance(p *idp.Provider, c auth.OpenIDConfig, public string) *front {
	b.t.Helper()
	b.clock.at = time.Now()
	f := &front{bench: b, idp: p, staffs: auth.NewStaffs(b.deps, b.vault), public: public}
	c.Issuer, c.Roles, c.Scopes = p.Issuer, roleClaims, []string{"groups"}
	f.config = c
	transport := &http.Transport{}
	b.t.Cleanup(transport.CloseIdleConnections)
	var err error
	f.openid, err = auth.NewOpenID(auth.OpenIDDeps{Deps: b.deps, Staffs: f.staffs, PublicURL: public,
		HTTP: &http.Client{Transport: transport, Timeout: 20 * time.Second}, Config: c})
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

func loquet(secret string) auth.OpenIDConfig {
	return auth.OpenIDConfig{ClientID: "loquet", ClientSecret: secret, Name: "Guichet"}
}

const rightSecret = "the secret of loquet"

func newFront(t *testing.T, known idp.People) *front {
	t.Helper()
	return newBench(t).entrance(shared.Provider(t, known), loquet(rightSecret), ourselves)
}

func (f *front) begin(next string) auth.OpenIDBegun {
	f.t.Helper()
	begun, err := f.openid.Begin(f.t.Context(), f.arrival(), next)
	if err != nil {
		f.t.Fatal(err)
	}
	return begun
}

func (f *front) finish(begun auth.OpenIDBegun, back *url.URL) (auth.SignedIn, string, error) {
	return f.openid.Finish(f.t.Context(), f.arrival(), begun.Cookie.Value, back.Query())
}

// enter goes the whole way with a new browser.
func (f *front) enter(login string) (auth.SignedIn, error) {
	f.t.Helper()
	begun := f.begin("")
	in, _, err := f.finish(begun, idp.NewBrowser(f.t).SignIn(begun.Address, login))
	return in, err
}

func TestStaffSignInAtTheProvider(t *testing.T) {
	f := newFront(t, idp.People{"ana": {"name": "Ana Lopes", "email": "ana@loquet.example", "email_verified": true, "groups": []string{"desk", "choir"}}})
	begun := f.begin("/operator/alarms")
	c := begun.Cookie
	if c.Name != "__Host-loquet-openid" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
		t.Errorf("the cookie is %+v", c)
	}
	u, err := url.Parse(begun.Address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" ||
		q.Get("state") == "" || q.Get("state") == q.Get("nonce") || q.Get("redirect_uri") != ourselves+"/sign-in/openid/back" || q.Get("scope") != "openid profile email groups" {
		t.Errorf("asks for %v", q)
	}
	if strings.Contains(begun.Address, c.Value) || strings.Contains(f.stored(), strings.Split(c.Value, "_")[2]) || strings.Contains(f.stored(), q.Get("nonce")) {
		t.Error("the browser's secret is known elsewhere")
	}
	in, next, err := f.finish(begun, idp.NewBrowser(t).SignIn(begun.Address, "ana"))
	if err != nil || next != "/operator/alarms" {
		t.Fatalf("%v, %q", err, next)
	}
	who, err := f.staffs.Check(t.Context(), in.Token)
	if err != nil || who.Name() != "Ana Lopes" || who.Role() != auth.Dispatcher || who.Way() != auth.ByOpenID || who.PasskeyAt() != 0 {
		t.Fatalf("%+v, %v", who, err)
	}
	again, err := f.enter("ana")
	if err != nil || again.Staff.ID() != who.ID() {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	admin := f.signInStaff(f.staffs, auth.Admin).Staff
	list, err := f.staffs.List(t.Context(), admin)
	if err != nil || len(list) != 2 || list[0].Name != "Ana Lopes" || !list[0].Provider || list[0].Address != "ana@loquet.example" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, text := range []string{"Ana", "ana@"} {
		if strings.Contains(f.stored(), text) {
			t.Errorf("the register holds %q", text)
		}
	}
}

func TestWhichClaimsGiveWhichRole(t *testing.T) {
	f := newFront(t, idp.People{})
	for name, c := range map[string]struct {
		said map[string]any
		want auth.StaffRole
	}{
		"one group":          {map[string]any{"groups": []string{"desk"}}, auth.Dispatcher},
		"a group as text":    {map[string]any{"groups": "desk"}, auth.Dispatcher},
		"the highest counts": {map[string]any{"groups": []string{"desk", "chiefs"}, "realm_access": map[string]any{"roles": []string{"look"}}}, auth.Admin},
		"inside an object":   {map[string]any{"realm_access": map[string]any{"roles": []string{"look", "x"}}}, auth.Viewer},
		"nothing":            {map[string]any{}, ""},
		"another group":      {map[string]any{"groups": []string{"Desk", "desk2", "chiefs "}}, ""},
		"another type":       {map[string]any{"groups": map[string]any{"desk": true}, "realm_access": "look"}, ""},
		"a number":           {map[string]any{"groups": 7}, ""},
	} {
		login := strings.ReplaceAll(name, " ", "-")
		f.idp.Describe(login, c.said)
		in, err := f.enter(login)
		if c.want == "" {
			want(t, name, err, auth.ErrNoRole)
			continue
		}
		if err != nil || in.Staff.Role() != c.want || in.Staff.Name() != login {
			t.Errorf("%s: %+v, %v", name, in.Staff, err)
		}
	}
}

// The provider's word is followed at each sign-in, for the accounts that came from it.
func TestARoleWithdrawnAtTheProviderIsWithdrawnHere(t *testing.T) {
	f := newFront(t, idp.People{"ana": {"groups": []string{"chiefs"}}})
	first, err := f.enter("ana")
	if err != nil {
		t.Fatal(err)
	}
	f.idp.Describe("ana", map[string]any{"groups": []string{"desk"}})
	second, err := f.enter("ana")
	if err != nil || second.Staff.ID() != first.Staff.ID() || second.Staff.Role() != auth.Dispatcher {
		t.Fatalf("%+v, %v", second, err)
	}
	if who, err := f.staffs.Check(t.Context(), first.Token); err != nil || who.Role() != auth.Dispatcher {
		t.Errorf("the earlier session: %+v, %v", who, err)
	}
	f.idp.Describe("ana", map[string]any{})
	_, err = f.enter("ana")
	want(t, "without a role", err, auth.ErrNoRole)

	f.idp.Describe("ana", map[string]any{"groups": []string{"desk"}})
	admin := f.signInStaff(f.staffs, auth.Admin).Staff
	if err := f.staffs.Disable(t.Context(), admin, first.Staff.ID()); err != nil {
		t.Fatal(err)
	}
	_, err = f.enter("ana")
	want(t, "disabled here", err, auth.ErrNoRole)
}

// An account that an admin made is found by its address, if the provider has verified it, and keeps its role.
func TestAnAccountMadeByHandIsFoundByItsVerifiedAddress(t *testing.T) {
	f := newFront(t, idp.People{
		"bo":  {"email": "bo@loquet.example", "email_verified": false},
		"eve": {"email": "bo@loquet.example"},
		"ana": {"email": "BO@loquet.example", "email_verified": "true", "groups": []string{"chiefs"}},
	})
	made, _, err := f.staffs.Add(t.Context(), auth.NewStaff{Name: "Bo", Address: "bo@loquet.example", Role: auth.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{"bo", "eve"} {
		_, err = f.enter(login)
		want(t, "not verified", err, auth.ErrNoRole)
	}
	for range 2 {
		in, err := f.enter("ana")
		if err != nil || in.Staff.ID() != made.ID || in.Staff.Role() != auth.Viewer || in.Staff.Name() != "Bo" {
			t.Fatalf("%+v, %v", in, err)
		}
	}
	f.idp.Describe("ana", map[string]any{"email": "other@loquet.example"})
	if in, err := f.enter("ana"); err != nil || in.Staff.ID() != made.ID {
		t.Errorf("with another address: %+v, %v", in, err)
	}
}

// What comes back is accepted once, in the browser that asked, in time, and unchanged.
func TestWhatComesBackCountsOnceInTheBrowserThatAsked(t *testing.T) {
	f := newFront(t, idp.People{"ana": {"groups": []string{"desk"}}, "eve": {"groups": []string{"chiefs"}}})
	begun := f.begin("")
	back := idp.NewBrowser(t).SignIn(begun.Address, "ana")
	other := f.begin("")
	change := func(name, value string) *url.URL {
		u := *back
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return &u
	}
	_, _, err := f.finish(auth.OpenIDBegun{}, back)
	want(t, "in a browser that asked nothing", err, auth.ErrOpenID)
	_, _, err = f.finish(other, back)
	want(t, "in another browser", err, auth.ErrOpenID)
	_, _, err = f.finish(begun, change("state", "x"))
	want(t, "with another state", err, auth.ErrOpenID)
	_, _, err = f.finish(begun, &url.URL{})
	want(t, "with nothing", err, auth.ErrOpenID)
	if in, _, err := f.finish(begun, back); err != nil || in.Staff.Role() != auth.Dispatcher {
		t.Fatalf("after all that: %+v, %v", in, err)
	}
	_, _, err = f.finish(begun, back)
	want(t, "again", err, auth.ErrOpenID)

	// Somebody else's code, put into the own answer: it was made for another nonce and another verifier.
	mine := f.begin("")
	evil := idp.NewBrowser(t).SignIn(f.begin("").Address, "eve")
	u, err := url.Parse(mine.Address)
	if err != nil {
		t.Fatal(err)
	}
	q := evil.Query()
	q.Set("state", u.Query().Get("state"))
	evil.RawQuery = q.Encode()
	_, _, err = f.finish(mine, evil)
	want(t, "with another's code", err, auth.ErrOpenID)
}

func TestASignInAtTheProviderEndsInTime(t *testing.T) {
	f := newFront(t, idp.People{"ana": {"groups": []string{"desk"}}})
	begun := f.begin("")
	back := idp.NewBrowser(t).SignIn(begun.Address, "ana")
	f.clock.move(auth.OpenIDLife)
	_, _, err := f.finish(begun, back)
	want(t, "too late", err, auth.ErrOpenID)
}

func TestTheAnswerOfAnotherIssuer(t *testing.T) {
	f := newFront(t, idp.People{"ana": {"groups": []string{"desk"}}})
	for name, iss := range map[string][]string{"another": {"https://evil.example"}, "none, where the provider names itself": nil} {
		begun := f.begin("")
		back := idp.NewBrowser(t).SignIn(begun.Address, "ana")
		q := back.Query()
		if q.Get("iss") != f.idp.Issuer {
			t.Fatalf("the provider names %q", q.Get("iss"))
		}
		q["iss"] = iss
		back.RawQuery = q.Encode()
		_, _, err := f.finish(begun, back)
		want(t, name, err, auth.ErrOpenID)
	}
}

func TestCancellingAtTheProvider(t *testing.T) {
	f := newFront(t, idp.People{})
	begun := f.begin("/operator/")
	_, next, err := f.finish(begun, idp.NewBrowser(t).Cancel(begun.Address))
	want(t, "cancelled", err, auth.ErrDeclined)
	if next != "/operator/" {
		t.Errorf("goes on to %q", next)
	}
}

func TestTheProviderKnowsUsInBothWays(t *testing.T) {
	p := shared.Provider(t, idp.People{"ana": {"groups": []string{"desk"}}})
	wrong := newBench(t).entrance(p, loquet("wrong"), ourselves)
	_, err := wrong.enter("ana")
	want(t, "with a wrong secret", err, auth.ErrOpenID)
	if err != nil && strings.Contains(err.Error(), "wrong secret of") {
		t.Errorf("the error tells %v", err)
	}
	right := newBench(t).entrance(p, loquet(rightSecret), ourselves)
	if _, err := right.enter("ana"); err != nil {
		t.Error(err)
	}
}

func TestAProviderThatDoesNotAnswer(t *testing.T) {
	b := newBench(t)
	f := b.entrance(&idp.Provider{T: t, Issuer: "http://127.0.0.1:1"}, loquet(rightSecret), ourselves)
	for range 2 {
		_, err := f.openid.Begin(t.Context(), f.arrival(), "")
		want(t, "beginning", err, auth.ErrProvider)
	}
	if got := f.openid.SignOutAddress(t.Context()); got != "" {
		t.Errorf("signs out at %q", got)
	}
	want(t, "ending sessions", f.openid.EndSessions(t.Context(), f.arrival(), "x"), auth.ErrProvider)
	if f.stored() != "" {
		t.Error("something was stored")
	}
}

// A provider that is down comes back, and one that goes down later is missed only when it is needed.
func TestAProviderThatComesAndGoes(t *testing.T) {
	var broken bool
	var mu sync.Mutex
	set := func(b bool) { mu.Lock(); broken = b; mu.Unlock() }
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if broken {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"https://idp.example/a","token_endpoint":"https://idp.example/t","jwks_uri":"https://idp.example/k"}`, "http://"+r.Host)
	}))
	t.Cleanup(relay.Close)
	g := newBench(t).entrance(&idp.Provider{T: t, Issuer: relay.URL}, loquet(rightSecret), ourselves)
	set(true)
	_, err := g.openid.Begin(t.Context(), g.arrival(), "")
	want(t, "while it is down", err, auth.ErrProvider)
	set(false)
	_, err = g.openid.Begin(t.Context(), g.arrival(), "")
	want(t, "a moment later", err, auth.ErrProvider)
	g.clock.move(5 * time.Second)
	if _, err := g.openid.Begin(t.Context(), g.arrival(), ""); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	set(true)
	g.clock.move(2 * time.Hour)
	if _, err := g.openid.Begin(t.Context(), g.arrival(), ""); err != nil {
		t.Errorf("with what it said before: %v", err)
	}
}

func TestSigningOutAtTheProvider(t *testing.T) {
	f := newFront(t, idp.People{})
	u, err := url.Parse(f.openid.SignOutAddress(t.Context()))
	if err != nil || !strings.HasPrefix(u.String(), f.idp.Issuer+"/") || u.Query().Get("client_id") != "loquet" ||
		u.Query().Get("post_logout_redirect_uri") != ourselves+"/operator/sign-in" {
		t.Fatalf("%v, %v", u, err)
	}
	idp.NewBrowser(t).SignOut(u.String())
}

// The provider tells us that it has signed somebody out, and that person's sessions end.
func TestTheProviderEndsSessions(t *testing.T) {
	told := make(chan string, 1)
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sign-in/openid/ended" {
			told <- r.PostFormValue("logout_token")
		}
	}))
	t.Cleanup(ours.Close)
	p := idp.Start(t, idp.People{"ana": {"groups": []string{"desk"}}, "bo": {"groups": []string{"desk"}}}, idp.Client("loquet", "client_secret_post", ours.URL))
	f := newBench(t).entrance(p, loquet(rightSecret), ours.URL)
	browser := idp.NewBrowser(t)
	begun := f.begin("")
	in, _, err := f.finish(begun, browser.SignIn(begun.Address, "ana"))
	if err != nil {
		t.Fatal(err)
	}
	bo, err := f.enter("bo")
	if err != nil {
		t.Fatal(err)
	}
	browser.SignOut(f.openid.SignOutAddress(t.Context()))
	token := within(t, told)
	for _, wrong := range []string{"", "x", token + "x", strings.Repeat("a", 100_000)} {
		want(t, "another token", f.openid.EndSessions(t.Context(), f.arrival(), wrong), auth.ErrOpenID)
	}
	if _, err := f.staffs.Check(t.Context(), in.Token); err != nil {
		t.Fatalf("before: %v", err)
	}
	for range 2 {
		if err := f.openid.EndSessions(t.Context(), f.arrival(), token); err != nil {
			t.Fatal(err)
		}
	}
	_, err = f.staffs.Check(t.Context(), in.Token)
	want(t, "hers", err, auth.ErrSession)
	if _, err := f.staffs.Check(t.Context(), bo.Token); err != nil {
		t.Errorf("another's: %v", err)
	}
}

// within waits for something that must come soon.
func within[T any](t *testing.T, come <-chan T) (what T) {
	t.Helper()
	select {
	case what = <-come:
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	return what
}

func TestAFailureWhileTheProvidersAnswerIsTaken(t *testing.T) {
	p := shared.Provider(t, idp.People{"ana": {"groups": []string{"desk"}, "email": "ana@loquet.example", "email_verified": true}})
	for _, method := range []string{"Get auth.openid", "Get auth.staff.openid", "Put auth.staff.openid", "Get auth.staff.address", "Put auth.staff.address", "Put auth.mailbox", "Put auth.staff", "Put auth.staff.session"} {
		b := newBench(t)
		f := b.entrance(p, loquet(rightSecret), ourselves)
		begun := f.begin("")
		back := idp.NewBrowser(t).SignIn(begun.Address, "ana")
		deps := b.deps
		b.deps.Register = &faulty{Register: b.reg, before: map[string]error{method: store.ErrUncertain}}
		in, _, err := b.entrance(p, loquet(rightSecret), ourselves).finish(begun, back)
		want(t, method, err, store.ErrUncertain)
		if errors.Is(err, auth.ErrOpenID) || errors.Is(err, auth.ErrNoRole) || in != (auth.SignedIn{}) {
			t.Errorf("%s: %+v, %v", method, in, err)
		}
		b.deps = deps
		again := b.entrance(p, loquet(rightSecret), ourselves)
		b.clock.move(2 * time.Minute)
		if in, err := again.enter("ana"); err != nil || in.Staff.Role() != auth.Dispatcher {
			t.Errorf("%s, then again: %+v, %v", method, in, err)
		}
	}
}

func TestConfigurationsOfAProviderThatCannotBe(t *testing.T) {
	good := auth.OpenIDConfig{Issuer: "https://idp.example", ClientID: "loquet", Roles: roleClaims}
	if _, err := auth.NewOpenID(auth.OpenIDDeps{Deps: newBench(t).deps, Config: good}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*auth.OpenIDConfig){
		"no issuer":      func(c *auth.OpenIDConfig) { c.Issuer = "" },
		"over http":      func(c *auth.OpenIDConfig) { c.Issuer = "http://idp.example" },
		"no address":     func(c *auth.OpenIDConfig) { c.Issuer = "https:idp" },
		"no client":      func(c *auth.OpenIDConfig) { c.ClientID = "" },
		"nobody a role":  func(c *auth.OpenIDConfig) { c.Roles = nil },
		"another scheme": func(c *auth.OpenIDConfig) { c.Issuer = "file:///etc" },
	} {
		c := good
		change(&c)
		_, err := auth.NewOpenID(auth.OpenIDDeps{Deps: newBench(t).deps, Config: c})
		want(t, name, err, auth.ErrRequest)
	}
	for text, wanted := range map[string]auth.RoleClaim{
		"groups=desk:viewer":                       {Claim: "groups", Value: "desk", Role: auth.Viewer},
		"https://x.example/roles=a:b=c:admin":      {Claim: "https://x.example/roles", Value: "a:b=c", Role: auth.Admin},
		"realm_access.roles=loquet-ops:dispatcher": {Claim: "realm_access.roles", Value: "loquet-ops", Role: auth.Dispatcher},
	} {
		if got, err := auth.ParseRoleClaim(text); err != nil || got != wanted {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "groups", "groups=", "=desk:viewer", "groups=:viewer", "groups=desk", "groups=desk:", "groups=desk:root"} {
		_, err := auth.ParseRoleClaim(text)
		want(t, text, err, auth.ErrRequest)
	}
}

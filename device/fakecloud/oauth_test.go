package fakecloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

const verifier = "a-verifier-of-at-least-forty-three-characters-x"

// office is an authorization server that listens, and a clock for it.
type office struct {
	*testing.T
	*fakecloud.OAuth
	url string
	now time.Time
}

func open(t *testing.T, pkce bool) *office {
	o := &office{T: t, now: time.Unix(1_700_000_000, 0)}
	o.OAuth = fakecloud.NewOAuth(fakecloud.OAuthConfig{
		Maker: "Maker", ClientID: "us", ClientSecret: "s3cret", RedirectURI: "http://localhost/back",
		Scopes: []string{"look", "unlock"}, PKCE: pkce, Now: func() time.Time { return o.now },
		Extra: func(string) url.Values { return url.Values{"user_id": {"u1"}} },
	})
	o.AddAccount("ana")
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", o.ServeAuthorize)
	mux.HandleFunc("/token", o.ServeToken)
	mux.HandleFunc("/revoke", o.ServeRevoke)
	server, err := fakecloud.Serve("127.0.0.1:0", mux)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

func (o *office) ask(more url.Values) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"us"}, "redirect_uri": {"http://localhost/back"}, "scope": {"look required:unlock"},
		"state": {"st"}, "code_challenge": {fakecloud.Challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	for k, v := range more {
		q[k] = v
	}
	return o.url + "/authorize?" + q.Encode()
}

func (o *office) consent(more url.Values, account, answer string) url.Values {
	o.Helper()
	back, err := fakecloud.Consent(o.Context(), o.ask(more), account, answer)
	if err != nil {
		o.Fatal(err)
	}
	return back.Query()
}

// token asks the token endpoint, and returns the status and what it said.
func (o *office) token(form url.Values) (int, fakecloud.Issued, string) {
	o.Helper()
	status, body := o.post("/token", "application/x-www-form-urlencoded", form.Encode(), "s3cret")
	var issued fakecloud.Issued
	var refused struct{ Error string }
	if err := errors.Join(json.Unmarshal([]byte(body), &issued), json.Unmarshal([]byte(body), &refused)); err != nil {
		o.Fatalf("%s: %v", body, err)
	}
	return status, issued, refused.Error
}

func (o *office) post(path, kind, body, password string) (int, string) {
	o.Helper()
	r, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.url+path, strings.NewReader(body))
	if err != nil {
		o.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.SetBasicAuth("us", password)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		o.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		o.Fatal(err)
	}
	return res.StatusCode, string(said)
}

func (o *office) who(token string) error {
	r := httptest.NewRequestWithContext(o.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := o.Who(r)
	return err
}

func exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://localhost/back"}, "code_verifier": {verifier}}
}

func renewal(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func TestConsentBecomesTokens(t *testing.T) {
	o := open(t, true)
	back := o.consent(nil, "ana", "allow")
	if back.Get("state") != "st" || back.Get("user_id") != "u1" {
		t.Fatalf("sent back with %v", back)
	}
	status, first, _ := o.token(exchange(back.Get("code")))
	if status != http.StatusOK || first.Scope != "look unlock" || first.ExpiresIn != 7200 || o.who(first.AccessToken) != nil {
		t.Fatalf("%d, %+v", status, first)
	}
	if _, _, wrong := o.token(exchange(back.Get("code"))); wrong != "invalid_grant" {
		t.Fatalf("a code was exchanged twice: %q", wrong)
	}
	_, second, _ := o.token(renewal(first.RefreshToken))
	if o.who(second.AccessToken) != nil {
		t.Fatal("the refreshed token does not work")
	}
	if _, _, wrong := o.token(renewal(first.RefreshToken)); wrong != "invalid_grant" {
		t.Fatalf("a refresh token was used twice: %q", wrong)
	}
	o.now = o.now.Add(2 * time.Hour)
	if o.who(second.AccessToken) == nil {
		t.Fatal("an access token lives for ever")
	}
	if o.Revoke("ana"); o.IssuedTokens() != 2 {
		t.Fatalf("issued %d times", o.IssuedTokens())
	}
	if _, _, wrong := o.token(renewal(second.RefreshToken)); wrong != "invalid_grant" {
		t.Fatalf("a revoked consent was refreshed: %q", wrong)
	}
}

func TestWhatIsNotConsent(t *testing.T) {
	o := open(t, true)
	if back := o.consent(nil, "ana", "deny"); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("refused: %v", back)
	}
	if back := o.consent(nil, "eve", "allow"); back.Get("error") != "access_denied" {
		t.Errorf("a stranger: %v", back)
	}
	for name, more := range map[string]url.Values{
		"client": {"client_id": {"x"}}, "redirect": {"redirect_uri": {"http://evil/"}}, "kind": {"response_type": {"token"}},
		"scope": {"scope": {"everything"}}, "no scope": {"scope": {""}}, "no challenge": {"code_challenge": {""}},
		"plain": {"code_challenge_method": {"plain"}},
	} {
		if back, err := fakecloud.Consent(t.Context(), o.ask(more), "ana", "allow"); err == nil {
			t.Errorf("%s: accepted, and sent to %v", name, back)
		}
	}
}

func TestACodeIsBound(t *testing.T) {
	o := open(t, true)
	for name, change := range map[string]func(url.Values){
		"verifier": func(f url.Values) { f.Set("code_verifier", "another") },
		"redirect": func(f url.Values) { f.Set("redirect_uri", "http://localhost/other") },
		"too late": func(url.Values) { o.now = o.now.Add(time.Hour) },
		"kind":     func(f url.Values) { f.Set("grant_type", "password") },
	} {
		form := exchange(o.consent(nil, "ana", "allow").Get("code"))
		change(form)
		if status, issued, wrong := o.token(form); status != http.StatusBadRequest || wrong == "" || issued.AccessToken != "" {
			t.Errorf("%s: %d %+v", name, status, issued)
		}
	}
	if status, _ := o.post("/token", "application/x-www-form-urlencoded", "grant_type=client_credentials", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %d", status)
	}
	if status, _ := o.post("/token", "application/json", "{", "s3cret"); status != http.StatusBadRequest {
		t.Errorf("half a body: %d", status)
	}
}

func TestTheApplicationsOwnToken(t *testing.T) {
	o := open(t, false)
	status, body := o.post("/token", "application/json", `{"grant_type":"client_credentials","client_id":"us","client_secret":"s3cret"}`, "s3cret")
	var issued fakecloud.Issued
	if err := json.Unmarshal([]byte(body), &issued); err != nil || status != http.StatusOK || issued.RefreshToken != "" {
		t.Fatalf("%d %s", status, body)
	}
	if err := o.who(issued.AccessToken); err != nil {
		t.Fatal(err)
	}
}

func TestRevokingAndExpiring(t *testing.T) {
	o := open(t, false)
	tokens := func() fakecloud.Issued { return o.Issue(&fakecloud.Grant{Account: "ana", Scopes: []string{"look"}}) }
	one := tokens()
	if o.Expire("ana"); o.who(one.AccessToken) == nil {
		t.Fatal("the expired token works")
	}
	if status, _, _ := o.token(renewal(one.RefreshToken)); status != http.StatusOK {
		t.Fatal("an expired access token can't be refreshed")
	}
	two := tokens()
	o.post("/revoke", "application/x-www-form-urlencoded", "token="+two.RefreshToken, "s3cret")
	if o.who(two.AccessToken) == nil {
		t.Fatal("the revoked grant's access token works")
	}
	if _, _, wrong := o.token(renewal(two.RefreshToken)); wrong != "invalid_grant" {
		t.Fatalf("the revoked refresh token: %q", wrong)
	}
}

func TestThousandsOfTokensAreForgotten(t *testing.T) {
	o := open(t, false)
	g := &fakecloud.Grant{Account: "ana"}
	last := o.Issue(g)
	for range 3000 {
		o.now = o.now.Add(time.Hour)
		last = o.Issue(g)
	}
	if o.who(last.AccessToken) != nil {
		t.Fatal("pruning took what works")
	}
}

func TestConsentNeedsAServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fakecloud.Consent(ctx, "http://127.0.0.1:1/", "ana", "allow"); err == nil {
		t.Fatal("nobody is there, and consents")
	}
}

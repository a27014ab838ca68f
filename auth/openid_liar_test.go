package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/idp"
)

// liar is a provider that answers whatever a test wants it to: a certified one never would.
type liar struct {
	t   *testing.T
	key *ecdsa.PrivateKey
	at  string
	// change changes the identity token's claims, and answer what the token and the userinfo endpoint say.
	change        func(map[string]any)
	token, person func(http.ResponseWriter) bool
	nonce         string
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		l.answer(w, map[string]any{"issuer": l.at, "authorization_endpoint": l.at + "/auth", "token_endpoint": l.at + "/token", "jwks_uri": l.at + "/keys",
			"userinfo_endpoint": l.at + "/me", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		l.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", l.tokens)
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, _ *http.Request) {
		if l.person == nil || !l.person(w) {
			l.answer(w, map[string]any{"sub": "ana", "groups": []string{"desk"}})
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	l.at = server.URL
	return l
}

func (l *liar) answer(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(what); err != nil {
		l.t.Error(err)
	}
}

const accessToken = "access"

func (l *liar) tokens(w http.ResponseWriter, _ *http.Request) {
	if l.token != nil && l.token(w) {
		return
	}
	sum := sha256.Sum256([]byte(accessToken))
	said := map[string]any{"iss": l.at, "sub": "ana", "aud": "loquet", "nonce": l.nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16])}
	if l.change != nil {
		l.change(said)
	}
	l.answer(w, map[string]any{"access_token": accessToken, "token_type": "Bearer", "id_token": l.sign(said)})
}

func (l *liar) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: l.key, KeyID: "1"}}, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		l.t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		l.t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		l.t.Fatal(err)
	}
	return compact
}

// enter goes through a whole sign-in whose provider says what the test wants.
func (l *liar) enter() (auth.SignedIn, error) {
	l.t.Helper()
	f := newBench(l.t).entrance(&idp.Provider{T: l.t, Issuer: l.at}, loquet("secret"), ourselves)
	begun := f.begin("")
	u, err := url.Parse(begun.Address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.nonce = u.Query().Get("nonce")
	in, _, err := f.openid.Finish(l.t.Context(), f.arrival(), begun.Cookie.Value, url.Values{"state": {u.Query().Get("state")}, "code": {"x"}})
	return in, err
}

func TestWhatAProviderMayNotSay(t *testing.T) {
	honest := newLiar(t)
	if in, err := honest.enter(); err != nil || in.Staff.Role() != auth.Dispatcher {
		t.Fatalf("the truth: %+v, %v", in, err)
	}
	set := func(name string, value any) func(map[string]any) {
		return func(said map[string]any) { said[name] = value }
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   error
	}{
		"another nonce":                   {set("nonce", "x"), auth.ErrOpenID},
		"no nonce":                        {func(said map[string]any) { delete(said, "nonce") }, auth.ErrOpenID},
		"another issuer":                  {set("iss", "https://evil.example"), auth.ErrOpenID},
		"another audience":                {set("aud", "another"), auth.ErrOpenID},
		"two audiences, made for another": {func(said map[string]any) { said["aud"], said["azp"] = []string{"loquet", "other"}, "other" }, auth.ErrOpenID},
		"two audiences, made for nobody":  {set("aud", []string{"loquet", "other"}), auth.ErrOpenID},
		"two audiences, made for us":      {func(said map[string]any) { said["aud"], said["azp"] = []string{"loquet", "other"}, "loquet" }, nil},
		"an old token":                    {set("exp", time.Now().Add(-time.Hour).Unix()), auth.ErrOpenID},
		"another access token's hash":     {set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), auth.ErrOpenID},
		"another person than userinfo":    {set("sub", "eve"), auth.ErrOpenID},
	} {
		l := newLiar(t)
		l.change = c.change
		in, err := l.enter()
		want(t, name, err, c.want)
		if (c.want == nil) != (in.Staff.ID() != "") {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

func TestAnswersOfAProviderThatCanNotBeUsed(t *testing.T) {
	status := func(code int, body string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for name, c := range map[string]struct {
		token, person func(http.ResponseWriter) bool
		want          error
	}{
		"the code is refused":        {status(400, `{"error":"invalid_grant","error_description":"code of ana@loquet.example"}`), nil, auth.ErrOpenID},
		"the token endpoint is down": {status(503, "x"), nil, auth.ErrProvider},
		"no identity token":          {status(200, `{"access_token":"x","token_type":"Bearer"}`), nil, auth.ErrOpenID},
		"an unsigned token":          {status(200, `{"access_token":"x","token_type":"Bearer","id_token":"eyJhbGciOiJub25lIn0.e30."}`), nil, auth.ErrOpenID},
		"nonsense":                   {status(200, "<html>"), nil, auth.ErrProvider},
		"userinfo is down":           {nil, status(502, "x"), auth.ErrProvider},
		"userinfo is nonsense":       {nil, status(200, "x"), auth.ErrProvider},
		"userinfo is another's":      {nil, status(200, `{"sub":"eve","groups":["chiefs"]}`), auth.ErrOpenID},
	} {
		l := newLiar(t)
		l.token, l.person = c.token, c.person
		in, err := l.enter()
		want(t, name, err, c.want)
		if in != (auth.SignedIn{}) {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

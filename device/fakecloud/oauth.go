package fakecloud

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// OAuthConfig describes an authorization server (RFC 6749).
type OAuthConfig struct {
	// Maker is named on the page of consent.
	Maker string
	// ClientID and ClientSecret are of the only client; RedirectURI is where consent is sent back to.
	ClientID, ClientSecret, RedirectURI string
	// Scopes are all that can be asked for.
	Scopes []string
	// PKCE makes a code challenge with S256 (RFC 7636) compulsory.
	PKCE bool
	// AccessLife and RefreshLife are how long tokens live (default 2 hours and 60 days).
	AccessLife, RefreshLife time.Duration
	// Extra adds parameters to the way back after consent.
	Extra func(account string) url.Values
	// Now is the clock (default time.Now).
	Now func() time.Time
}

// OAuth is an authorization server: a page of consent, codes, and tokens.
type OAuth struct {
	cfg OAuthConfig

	mu       sync.Mutex
	accounts map[string]bool
	codes    map[string]*code
	access   map[string]*token
	refresh  map[string]*token
	issued   int
}

type code struct {
	grant     *Grant
	redirect  string
	challenge string
	expires   time.Time
}

type token struct {
	grant   *Grant
	expires time.Time
}

// Grant is what somebody consented to. Only its server changes it.
type Grant struct {
	// Account is who consented; "" for the application itself.
	Account string
	Scopes  []string
	revoked bool
}

// Has says whether a scope was granted.
func (g *Grant) Has(scope string) bool { return slices.Contains(g.Scopes, scope) }

// NewOAuth makes a server without accounts.
func NewOAuth(cfg OAuthConfig) *OAuth {
	if cfg.AccessLife == 0 {
		cfg.AccessLife = 2 * time.Hour
	}
	if cfg.RefreshLife == 0 {
		cfg.RefreshLife = 60 * 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &OAuth{
		cfg: cfg, accounts: map[string]bool{}, codes: map[string]*code{},
		access: map[string]*token{}, refresh: map[string]*token{},
	}
}

// AddAccount lets somebody sign in.
func (o *OAuth) AddAccount(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.accounts[name] = true
}

// secret is a random name for a code or a token. It contains nothing.
func secret() string {
	return rand.Text() + rand.Text()
}

// Challenge is the S256 code challenge of a verifier.
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// redeem exchanges a code, once.
func (o *OAuth) redeem(form url.Values) (*Grant, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.codes[form.Get("code")]
	delete(o.codes, form.Get("code"))
	switch {
	case c == nil || o.cfg.Now().After(c.expires) || c.redirect != form.Get("redirect_uri"):
		return nil, "invalid_grant"
	case c.challenge != "" && c.challenge != Challenge(form.Get("code_verifier")):
		return nil, "invalid_grant"
	}
	return c.grant, ""
}

// renew spends a refresh token: the next one comes with the answer.
func (o *OAuth) renew(form url.Values) (*Grant, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := form.Get("refresh_token")
	t := o.refresh[name]
	delete(o.refresh, name)
	if t == nil || t.grant.revoked || o.cfg.Now().After(t.expires) {
		return nil, "invalid_grant"
	}
	return t.grant, ""
}

// Issued is what a token endpoint answers.
type Issued struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope,omitempty"`
}

// Issue makes tokens for a grant, as the token endpoint does after a consent.
func (o *OAuth) Issue(g *Grant) Issued {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.cfg.Now()
	o.issued++
	if o.issued%1024 == 0 {
		o.prune(now)
	}
	is := Issued{AccessToken: secret(), TokenType: "Bearer", ExpiresIn: int(o.cfg.AccessLife / time.Second), Scope: strings.Join(g.Scopes, " ")}
	o.access[is.AccessToken] = &token{g, now.Add(o.cfg.AccessLife)}
	if g.Account != "" {
		is.RefreshToken = secret()
		o.refresh[is.RefreshToken] = &token{g, now.Add(o.cfg.RefreshLife)}
	}
	return is
}

// prune forgets what no longer works.
func (o *OAuth) prune(now time.Time) {
	for _, kept := range []map[string]*token{o.access, o.refresh} {
		for name, t := range kept {
			if t.grant.revoked || now.After(t.expires) {
				delete(kept, name)
			}
		}
	}
}

// IssuedTokens is how many times tokens were issued.
func (o *OAuth) IssuedTokens() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.issued
}

// ErrUnauthorized: no bearer token, or one that does not work (any more).
var ErrUnauthorized = errors.New("the access token is missing, expired or revoked")

// Who says on whose behalf a request comes.
func (o *OAuth) Who(r *http.Request) (*Grant, error) {
	name, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.access[name]
	if !is || t == nil || t.grant.revoked || !o.cfg.Now().Before(t.expires) {
		return nil, ErrUnauthorized
	}
	return t.grant, nil
}

// Expire ends all access tokens of an account at once, before the time that was told when they were issued.
func (o *OAuth) Expire(account string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, t := range o.access {
		if t.grant.Account == account {
			delete(o.access, name)
		}
	}
}

// Revoke withdraws all that an account consented to, as its owner does on the maker's site.
func (o *OAuth) Revoke(account string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, kept := range []map[string]*token{o.access, o.refresh} {
		for _, t := range kept {
			if t.grant.Account == account {
				t.grant.revoked = true
			}
		}
	}
}

// client says whether a request to the token endpoint is our client's: HTTP Basic, or in the form.
func (o *OAuth) client(r *http.Request) bool {
	id, password, basic := r.BasicAuth()
	if !basic {
		id, password = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return id == o.cfg.ClientID && subtle.ConstantTimeCompare([]byte(password), []byte(o.cfg.ClientSecret)) == 1
}

package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OpenIDLife is how long a sign-in at the identity provider may take.
const OpenIDLife = 10 * time.Minute

// OpenIDCookie binds a sign-in at the provider to the browser that began it.
const OpenIDCookie = "__Host-loquet-openid"

// OpenIDPath is where the provider sends the browser back to, below the public address: the redirect URI to be
// registered at the provider.
const OpenIDPath = "/sign-in/openid/back"

// OpenIDConfig is the operator's own identity provider.
type OpenIDConfig struct {
	// Issuer is its address, https except on this machine.
	Issuer       string
	ClientID     string
	ClientSecret string
	// Name is what people call it, for the button.
	Name string
	// Scopes are asked for beside openid, profile and email.
	Scopes []string
	// Roles say which claims give which role. The highest counts.
	Roles []RoleClaim
}

// RoleClaim gives a role to people of whom the provider claims a value.
type RoleClaim struct {
	// Claim is a claim's name, such as groups. A dot leads into an object ("realm_access.roles"), unless the provider
	// has a claim with just that name.
	Claim string
	// Value is the claim's value, or one of its values.
	Value string
	Role  StaffRole
}

// ParseRoleClaim reads "claim=value:role".
func ParseRoleClaim(s string) (RoleClaim, error) {
	claim, rest, ok := strings.Cut(s, "=")
	colon := strings.LastIndexByte(rest, ':')
	if !ok || claim == "" || colon < 1 {
		return RoleClaim{}, fmt.Errorf("%w: %q does not read claim=value:role", ErrRequest, s)
	}
	c := RoleClaim{claim, rest[:colon], StaffRole(rest[colon+1:])}
	if !c.Role.reaches(Viewer) {
		return RoleClaim{}, fmt.Errorf("%w: %q does not end with viewer, dispatcher or admin", ErrRequest, s)
	}
	return c, nil
}

// OpenIDDeps is what OpenID works with. All are required.
type OpenIDDeps struct {
	Deps
	Staffs *Staffs
	// PublicURL is scheme and host under which browsers reach this server.
	PublicURL string
	// HTTP speaks to the provider.
	HTTP   *http.Client
	Config OpenIDConfig
}

// OpenID signs staff in at the operator's identity provider: OpenID Connect Core 1.0 with the authorization code flow,
// PKCE (RFC 7636), nonce, and the issuer in the answer where the provider gives it (RFC 9207). Safe for concurrent
// use.
type OpenID struct {
	OpenIDDeps
	begun book
	gate  gate

	mu       sync.Mutex
	provider *provider
	askedAt  time.Time
}

// provider is what discovery told.
type provider struct {
	*oidc.Provider
	EndSession string `json:"end_session_endpoint"`
	// AuthMethods are how the token endpoint knows us.
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	// NamesIssuer says that answers name their issuer.
	NamesIssuer bool `json:"authorization_response_iss_parameter_supported"`
}

// NewOpenID makes it. The provider is asked when it is needed, so that this server starts without it. Errors:
// ErrRequest.
func NewOpenID(d OpenIDDeps) (*OpenID, error) {
	u, err := url.Parse(d.Config.Issuer)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !ownMachine(u.Hostname())) {
		return nil, fmt.Errorf("%w: the identity provider's address begins with https", ErrRequest)
	}
	if d.Config.ClientID == "" || len(d.Config.Roles) == 0 {
		return nil, fmt.Errorf("%w: the identity provider needs a client identifier, and a claim that gives a role", ErrRequest)
	}
	return &OpenID{OpenIDDeps: d, begun: book{d.Deps, kindOpenID, prefixOpenID, ErrOpenID}, gate: newGate(d.Now)}, nil
}

func ownMachine(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// Name is what people call the provider.
func (o *OpenID) Name() string { return o.Config.Name }

// OpenIDBegun is a sign-in that goes on at the provider.
type OpenIDBegun struct {
	// Address is where the browser goes.
	Address string
	Cookie  http.Cookie
}

// openIDAsked is what a sign-in at the provider comes back to.
type openIDAsked struct {
	Next string `json:"next,omitempty"`
}

// Begin starts a sign-in at the provider; next is the own page to go to afterwards. Errors: ErrProvider, *TooMany, and
// the store's.
func (o *OpenID) Begin(ctx context.Context, a Arrival, next string) (OpenIDBegun, error) {
	if err := o.gate.allow(a.From); err != nil {
		return OpenIDBegun{}, err
	}
	p, err := o.discovered(ctx)
	if err != nil {
		return OpenIDBegun{}, err
	}
	token, err := o.begun.begun(ctx, "", openIDAsked{OwnPath(next)}, OpenIDLife)
	if err != nil {
		return OpenIDBegun{}, err
	}
	address := o.oauth(p).AuthCodeURL(derived("state", token), oidc.Nonce(derived("nonce", token)),
		oauth2.S256ChallengeOption(derived("verifier", token)))
	cookie := http.Cookie{Name: OpenIDCookie, Value: token, Path: "/", MaxAge: int(OpenIDLife / time.Second), Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode}
	return OpenIDBegun{address, cookie}, nil
}

// derived makes the values that the protocol needs of the one secret in the browser's cookie: whoever reads the
// store, or the address with the state in it, can't make the others.
func derived(what, token string) string {
	sum := sha256.Sum256([]byte("loquet openid 1\x00" + what + "\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (o *OpenID) oauth(p *provider) *oauth2.Config {
	e := p.Endpoint()
	// Said, because finding it out would spend the code at the first try. Basic is what holds where nothing is said
	// (OpenID Connect Discovery section 3).
	e.AuthStyle = oauth2.AuthStyleInHeader
	if len(p.AuthMethods) > 0 && !contains(p.AuthMethods, "client_secret_basic") || o.Config.ClientSecret == "" {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	scopes := append([]string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail}, o.Config.Scopes...)
	return &oauth2.Config{ClientID: o.Config.ClientID, ClientSecret: o.Config.ClientSecret, Endpoint: e, Scopes: scopes,
		RedirectURL: strings.TrimSuffix(o.PublicURL, "/") + OpenIDPath}
}

// How long what discovery told is used, and how long a provider that failed is left alone.
const (
	providerLife = time.Hour
	providerRest = 3 * time.Second
)

// discovered returns what the provider says of itself. What it said before is used on while it does not answer.
func (o *OpenID) discovered(ctx context.Context) (*provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.Now()
	if o.provider != nil && now.Sub(o.askedAt) < providerLife {
		return o.provider, nil
	}
	if !o.askedAt.IsZero() && o.provider == nil && now.Sub(o.askedAt) < providerRest {
		return nil, ErrProvider
	}
	o.askedAt = now
	p, err := o.discover(ctx)
	if err == nil {
		o.provider = p
	}
	if o.provider == nil {
		return nil, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	return o.provider, nil
}

func (o *OpenID) discover(ctx context.Context) (*provider, error) {
	found, err := oidc.NewProvider(o.client(ctx), o.Config.Issuer)
	if err != nil {
		return nil, err
	}
	p := &provider{Provider: found}
	return p, found.Claims(p)
}

// client has the libraries use ours.
func (o *OpenID) client(ctx context.Context) context.Context { return oidc.ClientContext(ctx, o.HTTP) }

// Finish ends a sign-in with what the provider sent the browser back with, and begins a session for the account. The
// account is the one that this person signed in to before; else the one whose address the provider has verified; else
// a new one, if a claim gives a role. Whom no claim gives a role any more does not get in, unless an admin made the
// account. It returns the page to go to. Errors: ErrOpenID, ErrDeclined, ErrNoRole, ErrProvider, *TooMany, and the
// store's.
func (o *OpenID) Finish(ctx context.Context, a Arrival, cookie string, back url.Values) (in SignedIn, next string, err error) {
	if err := o.gate.allow(a.From); err != nil {
		return SignedIn{}, "", err
	}
	// Before anything is spent: somebody else's address, followed in this browser, must not end what it waits for.
	if cookie == "" || subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(derived("state", cookie))) != 1 {
		return SignedIn{}, "", ErrOpenID
	}
	_, asked, err := ended[openIDAsked](ctx, o.begun, cookie)
	if err != nil {
		return SignedIn{}, "", err
	}
	p, err := o.discovered(ctx)
	if err != nil {
		return SignedIn{}, asked.Next, err
	}
	if iss := back.Get("iss"); iss != o.Config.Issuer && (iss != "" || p.NamesIssuer) {
		return SignedIn{}, asked.Next, fmt.Errorf("%w: the answer is of another issuer", ErrOpenID)
	}
	if back.Get("error") != "" {
		return SignedIn{}, asked.Next, ErrDeclined
	}
	who, err := o.identify(ctx, p, back.Get("code"), cookie)
	if err != nil {
		return SignedIn{}, asked.Next, err
	}
	in, err = o.Staffs.arrive(ctx, who, a)
	return in, asked.Next, err
}

// identify exchanges the code, and returns whom the provider vouches for.
func (o *OpenID) identify(ctx context.Context, p *provider, code, cookie string) (identity, error) {
	ctx = o.client(ctx)
	config := o.oauth(p)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(derived("verifier", cookie)))
	if err != nil {
		return identity{}, ofExchange(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: o.Config.ClientID, Now: o.Now}).Verify(ctx, raw)
	if err != nil {
		return identity{}, fmt.Errorf("%w: %w", ErrOpenID, err)
	}
	if id.Nonce != derived("nonce", cookie) {
		return identity{}, fmt.Errorf("%w: the nonce is another", ErrOpenID)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return identity{}, fmt.Errorf("%w: %w", ErrOpenID, err)
		}
	}
	said, err := o.claims(ctx, p, id, config.TokenSource(ctx, token))
	if err != nil {
		return identity{}, err
	}
	return said.identity(id.Issuer, id.Subject, o.Config.Roles), nil
}

// ofExchange tells a code that is not accepted from a provider that does not answer.
func ofExchange(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
		// Not the error itself: it quotes the answer, which may hold more than a log should.
		return fmt.Errorf("%w: the code was refused: %s", ErrOpenID, refused.ErrorCode)
	}
	return fmt.Errorf("%w: %w", ErrProvider, err)
}

// claims are those of the identity token, and those that the provider tells at its userinfo endpoint only.
func (o *OpenID) claims(ctx context.Context, p *provider, id *oidc.IDToken, access oauth2.TokenSource) (claims, error) {
	said := claims{}
	if p.UserInfoEndpoint() != "" {
		info, err := p.UserInfo(ctx, access)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProvider, err)
		}
		if info.Subject != id.Subject {
			return nil, fmt.Errorf("%w: the userinfo is another person's", ErrOpenID)
		}
		if err := info.Claims(&said); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOpenID, err)
		}
	}
	if err := id.Claims(&said); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpenID, err)
	}
	if len(id.Audience) > 1 && said["azp"] != o.Config.ClientID {
		return nil, fmt.Errorf("%w: the token was made for another party", ErrOpenID)
	}
	return said, nil
}

// SignOutAddress is where a browser ends the session at the provider too (OpenID Connect RP-Initiated Logout 1.0), and
// comes back from; "" where the provider has no such page or does not answer.
func (o *OpenID) SignOutAddress(ctx context.Context) string {
	p, err := o.discovered(ctx)
	if err != nil || p.EndSession == "" {
		return ""
	}
	u, err := url.Parse(p.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", o.Config.ClientID)
	q.Set("post_logout_redirect_uri", strings.TrimSuffix(o.PublicURL, "/")+"/operator/sign-in")
	u.RawQuery = q.Encode()
	return u.String()
}

// EndSessions ends the sessions of whom the provider has signed out (OpenID Connect Back-Channel Logout 1.0): all that
// this person has here. The token is what the provider posts. Errors: ErrOpenID, ErrProvider, *TooMany, and the
// store's.
func (o *OpenID) EndSessions(ctx context.Context, a Arrival, logoutToken string) error {
	if err := o.gate.allow(a.From); err != nil {
		return err
	}
	p, err := o.discovered(ctx)
	if err != nil {
		return err
	}
	out, err := p.Verifier(&oidc.Config{ClientID: o.Config.ClientID, Now: o.Now}).VerifyLogout(o.client(ctx), logoutToken)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOpenID, err)
	}
	if out.Subject == "" {
		return fmt.Errorf("%w: the token names nobody", ErrOpenID)
	}
	return o.Staffs.depart(ctx, out.Issuer, out.Subject)
}

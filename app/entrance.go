package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/web/sign"
)

// EntranceConfig is how people come in.
type EntranceConfig struct {
	Proxies []string `help:"Addresses or networks of proxies before this server, whose X-Forwarded-For tells where a request comes from." env:"LOQUET_PROXIES" name:"proxy"`

	OIDCIssuer     string   `help:"The operator's OpenID Connect provider, at which staff sign in." env:"LOQUET_OIDC_ISSUER" name:"oidc-issuer"`
	OIDCClient     string   `help:"Our client identifier there." env:"LOQUET_OIDC_CLIENT" name:"oidc-client"`
	OIDCSecretFile string   `help:"File with our client secret; without one, we are a public client." env:"LOQUET_OIDC_SECRET_FILE" name:"oidc-secret-file" type:"path"`
	OIDCName       string   `help:"What staff call the provider." default:"OpenID" env:"LOQUET_OIDC_NAME" name:"oidc-name"`
	OIDCScopes     []string `help:"Scopes to ask for beside openid, profile and email." env:"LOQUET_OIDC_SCOPES" name:"oidc-scope"`
	OIDCRoles      []string `help:"Which claim gives which role, such as groups=dispatch:dispatcher; the highest counts." env:"LOQUET_OIDC_ROLES" name:"oidc-role"`
}

func (c *EntranceConfig) checkEntrance() error {
	if _, err := c.proxies(); err != nil {
		return err
	}
	if c.OIDCIssuer == "" && (c.OIDCClient != "" || c.OIDCSecretFile != "" || len(c.OIDCRoles) > 0) {
		return errors.New("--oidc-client, --oidc-secret-file and --oidc-role belong to --oidc-issuer")
	}
	_, err := c.roles()
	return err
}

func (c *EntranceConfig) roles() (roles []auth.RoleClaim, err error) {
	for _, text := range c.OIDCRoles {
		r, err := auth.ParseRoleClaim(text)
		if err != nil {
			return nil, err
		}
		roles = append(roles, r)
	}
	return roles, nil
}

// openID is nil without a provider.
func (c *EntranceConfig) openID(d auth.Deps, staffs *auth.Staffs, public string) (*auth.OpenID, error) {
	if c.OIDCIssuer == "" {
		return nil, nil
	}
	roles, err := c.roles()
	if err != nil {
		return nil, err
	}
	secret, err := secretOf(c.OIDCSecretFile)
	if err != nil {
		return nil, err
	}
	return auth.NewOpenID(auth.OpenIDDeps{Deps: d, Staffs: staffs, PublicURL: public, HTTP: &http.Client{Timeout: 10 * time.Second},
		Config: auth.OpenIDConfig{Issuer: c.OIDCIssuer, ClientID: c.OIDCClient, ClientSecret: secret, Name: c.OIDCName, Scopes: c.OIDCScopes, Roles: roles}})
}

// people is who may come in, and how.
type people struct {
	deps      auth.Deps
	keys      *auth.Keys
	couriers  *auth.Couriers
	sessions  *auth.Sessions
	staffs    *auth.Staffs
	mailboxes *auth.Mailboxes
	links     *auth.Links
	passkeys  *auth.Passkeys
	openID    *auth.OpenID
	// from is where a request comes from.
	from func(*http.Request) string
}

// buildPeople makes them, but what sends mails.
func (s *server) buildPeople(secrets *vault.Vault) (p *people, err error) {
	deps := auth.Deps{Register: s.store, Now: time.Now, Random: rand.Reader}
	p = &people{deps: deps, keys: auth.NewKeys(deps), couriers: auth.NewCouriers(deps), sessions: auth.NewSessions(deps),
		staffs: auth.NewStaffs(deps, secrets), mailboxes: auth.NewMailboxes(deps, secrets)}
	proxies, err := s.config.proxies()
	if err != nil {
		return nil, err
	}
	p.from = func(r *http.Request) string { return cameFrom(r, proxies) }
	public := s.config.PublicURL
	if p.openID, err = s.config.openID(deps, p.staffs, public); err != nil {
		return nil, err
	}
	p.passkeys, err = auth.NewPasskeys(auth.PasskeysDeps{Deps: deps, Vault: secrets, Sessions: p.sessions, Staffs: p.staffs, PublicURL: public})
	return p, err
}

// buildLinks adds what sends mails, once there is a mail server or not.
func (s *server) buildLinks(p *people) {
	var mailer auth.Mailer = noMail{}
	if s.mail != nil {
		mailer = s.mail
	}
	p.links = auth.NewLinks(auth.LinksDeps{Deps: p.deps, Sessions: p.sessions, Staffs: p.staffs, Mailboxes: p.mailboxes, Mailer: mailer,
		PublicURL: s.config.PublicURL, Failed: func(err error) { s.log.Error("a link could not be mailed", "error", err) }})
}

// noMail stands where there is no mail server.
type noMail struct{}

// Send says so.
func (noMail) Send(context.Context, string, phrase.Lang, auth.MailKind, string) error {
	return errors.New("no mail server is configured (--smtp-host)")
}

func (s *server) buildEntrance(p *people, office *time.Location) (*sign.App, error) {
	return sign.New(sign.Deps{Kit: s.kit, Sessions: p.sessions, Staffs: p.staffs, Passkeys: p.passkeys, Links: p.links, Mailboxes: p.mailboxes,
		Mails: s.mail != nil, OpenID: p.openID, Called: s.api.Called, From: p.from, Reads: s.reads, Zone: office, Now: time.Now, Log: s.log})
}

// proxies are the networks whose word on where a request comes from is taken.
func (c *EntranceConfig) proxies() (nets []netip.Prefix, err error) {
	for _, text := range c.Proxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, errors.New("--proxy " + text + " is neither an address nor a network such as 10.0.0.0/8")
			}
			prefix = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen())
		}
		nets = append(nets, prefix.Masked())
	}
	return nets, nil
}

// cameFrom is the address that a request comes from: the connection's other end, or, while that is a proxy of ours, who
// it says was before it. What stands further left was written by somebody whom nobody knows.
func cameFrom(r *http.Request, proxies []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	told := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(told) - 1; i >= 0 && trusted(host, proxies); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(told[i]))
		if err != nil {
			break
		}
		host = before.String()
	}
	return host
}

func trusted(host string, proxies []netip.Prefix) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range proxies {
		if p.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

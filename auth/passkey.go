package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// MostPasskeys is how many passkeys one person may have.
const MostPasskeys = 20

// PasskeysDeps is what Passkeys work with. All are required.
type PasskeysDeps struct {
	Deps
	Vault    *vault.Vault
	Sessions *Sessions
	Staffs   *Staffs
	// PublicURL is scheme and host under which browsers reach this server: passkeys belong to that host for ever.
	PublicURL string
}

// Passkeys are members' and staff's discoverable credentials (Web Authentication Level 3), which sign in without a
// name, and verify the person by fingerprint, face or PIN. Attestation is not asked for: which maker's authenticator
// somebody uses is nobody's business here. Safe for concurrent use.
type Passkeys struct {
	PasskeysDeps
	web        *webauthn.WebAuthn
	impossible error
	ceremonies book
	gate       gate
}

// Passkey is a passkey as its person sees it listed.
type Passkey struct {
	ID string
	// Name is what the person calls it.
	Name    string
	AddedAt event.Instant
	// UsedAt is 0 while it was never used to sign in.
	UsedAt event.Instant
	// Synced says that the passkey may be on the person's other devices too, through their maker's account.
	Synced bool
	// Copied says that its counter went back, so that a copy may exist. It is not accepted; the person removes it.
	Copied bool
}

// NewPasskeys makes them. At an address that can't have passkeys all they do is say so.
func NewPasskeys(d PasskeysDeps) (*Passkeys, error) {
	p := &Passkeys{PasskeysDeps: d, ceremonies: book{d.Deps, kindCeremony, prefixCeremony, ErrCeremony}, gate: newGate(d.Now)}
	var host, origin string
	if host, origin, p.impossible = partyOf(d.PublicURL); p.impossible != nil {
		return p, nil //nolint:nilerr // not an error of ours: Possible says it
	}
	var err error
	p.web, err = webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Loquet", RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	return p, err
}

// partyOf returns the relying party's identifier and origin. Browsers know passkeys of names only, and only over
// https or on the machine itself.
func partyOf(public string) (host, origin string, err error) {
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" {
		return "", "", fmt.Errorf("%w: %q is not an address", ErrNoPasskeys, public)
	}
	host = strings.ToLower(u.Hostname())
	if net.ParseIP(host) != nil {
		return "", "", fmt.Errorf("%w: they need a host with a name, and %s is a number", ErrNoPasskeys, host)
	}
	if u.Scheme != "https" && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return "", "", fmt.Errorf("%w: they need https", ErrNoPasskeys)
	}
	return host, u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// Possible returns nil if passkeys can be used at this installation's address, and otherwise an error that wraps
// ErrNoPasskeys and says why not. Every other method that begins something returns it too.
func (p *Passkeys) Possible() error { return p.impossible }

// passkeysRecord holds a person's passkeys: one record, so that adding, using and removing are each one change.
type passkeysRecord struct {
	Keys []passkeyRecord `json:"keys"`
}

type passkeyRecord struct {
	// Sealed is the name.
	Sealed     []byte              `json:"sealed"`
	AddedAt    event.Instant       `json:"addedAt"`
	UsedAt     event.Instant       `json:"usedAt,omitempty"`
	Copied     bool                `json:"copied,omitempty"`
	Credential webauthn.Credential `json:"credential"`
}

// id is what a passkey is called in addresses of pages: credentials' own identifiers may have a kilobyte.
func (r passkeyRecord) id() string { return passkeyID(r.Credential.ID) }

func passkeyID(credential []byte) string {
	sum := sha256.Sum256(credential)
	return lower.EncodeToString(sum[:15])
}

// List returns the person's passkeys, the oldest first.
func (p *Passkeys) List(ctx context.Context, who Person) ([]Passkey, error) {
	r, _, err := p.load(ctx, who.holder())
	if err != nil {
		return nil, err
	}
	shown := make([]Passkey, 0, len(r.Keys))
	for _, k := range r.Keys {
		one, err := p.shown(ctx, who.holder(), k)
		if err != nil {
			return nil, err
		}
		shown = append(shown, one)
	}
	return shown, nil
}

func (p *Passkeys) shown(ctx context.Context, h holder, k passkeyRecord) (Passkey, error) {
	name, err := p.Vault.Open(ctx, h.site(), passkeyName(h, k.id()), k.Sealed)
	return Passkey{ID: k.id(), Name: string(name), AddedAt: k.AddedAt, UsedAt: k.UsedAt, Copied: k.Copied,
		Synced: k.Credential.Flags.BackupEligible}, err
}

func passkeyName(h holder, id string) string { return "passkey/" + string(h) + "/" + id }

// Rename changes what the person calls a passkey; 1 to 60 characters. Errors: ErrRequest, ErrPasskey when there is no
// such passkey, and the store's.
func (p *Passkeys) Rename(ctx context.Context, who Person, id, name string) error {
	sealed, err := p.sealName(ctx, who.holder(), id, name)
	if err != nil {
		return err
	}
	return p.change(ctx, who.holder(), func(r *passkeysRecord) error {
		at := r.at(id)
		if at < 0 {
			return ErrPasskey
		}
		r.Keys[at].Sealed = sealed
		return nil
	})
}

// Remove forgets a passkey, which signs nobody in any more; that there is none is not an error. Sessions that it began
// go on. Errors: ErrRecent, and the store's.
func (p *Passkeys) Remove(ctx context.Context, who Person, id string) error {
	if !Recent(who, p.now()) {
		return ErrRecent
	}
	return p.change(ctx, who.holder(), func(r *passkeysRecord) error {
		r.Keys = slices.DeleteFunc(r.Keys, func(k passkeyRecord) bool { return k.id() == id })
		return nil
	})
}

func (r passkeysRecord) at(id string) int {
	return slices.IndexFunc(r.Keys, func(k passkeyRecord) bool { return k.id() == id })
}

func (p *Passkeys) sealName(ctx context.Context, h holder, id, name string) ([]byte, error) {
	const longest = 60
	name = strings.TrimSpace(name)
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > longest {
		return nil, fmt.Errorf("%w: a passkey's name has 1 to %d characters", ErrRequest, longest)
	}
	return p.Vault.Seal(ctx, h.site(), passkeyName(h, id), []byte(name))
}

func (p *Passkeys) load(ctx context.Context, h holder) (passkeysRecord, uint64, error) {
	r, version, err := load[passkeysRecord](ctx, p.Register, kindPasskeys, string(h))
	return r, version, absent(err, nil)
}

func (p *Passkeys) change(ctx context.Context, h holder, apply func(*passkeysRecord) error) error {
	return retry(func() error {
		r, version, err := p.load(ctx, h)
		if err != nil {
			return err
		}
		if err := apply(&r); err != nil {
			return err
		}
		_, err = save(ctx, p.Register, store.Record{Kind: kindPasskeys, ID: string(h), Version: version}, r)
		return err
	})
}

func forgetPasskeys(ctx context.Context, d Deps, h holder) error {
	return erase(ctx, d, kindPasskeys, string(h))
}

// user is a holder as the library knows people. The handle is the holder's identifier: it names nobody, is at most 64
// bytes (WebAuthn section 4, user handle), and finds the record without an index.
type user struct {
	holder      holder
	name, title string
	keys        []passkeyRecord
}

func (u user) WebAuthnID() []byte          { return []byte(u.holder) }
func (u user) WebAuthnName() string        { return u.name }
func (u user) WebAuthnDisplayName() string { return u.title }

func (u user) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(u.keys))
	for i, k := range u.keys {
		all[i] = k.Credential
	}
	return all
}

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/loquet/loquet/event"
)

// CeremonyLife is how long a question to a passkey can be answered.
const CeremonyLife = 5 * time.Minute

// Ceremony is a question that a browser puts to a passkey.
type Ceremony struct {
	// ID comes back with the answer, once.
	ID string `json:"ceremony"`
	// Options are what PublicKeyCredential.parseCreationOptionsFromJSON (adding) or parseRequestOptionsFromJSON takes.
	Options json.RawMessage `json:"options"`
}

// Label is how a browser shows whose a passkey is, when it asks which one to use. It stays on the person's devices.
type Label struct {
	// Name tells the person's accounts apart, such as an e-mail address or the place.
	Name string
	// Title is the person's own name.
	Title string
}

// purpose keeps the ceremonies apart: an answer to one question is none to another.
type purpose string

const (
	toAdd    purpose = "add"
	toSignIn purpose = "sign-in"
	toCheck  purpose = "check"
)

// question is what a ceremony waits for.
type question struct {
	For     purpose              `json:"for"`
	Session string               `json:"session,omitempty"`
	Data    webauthn.SessionData `json:"data"`
}

// BeginAdding asks the browser for a new passkey. Errors: ErrNoPasskeys, ErrRecent, ErrManyPasskeys, and the store's.
func (p *Passkeys) BeginAdding(ctx context.Context, who Person, l Label) (Ceremony, error) {
	if p.impossible != nil {
		return Ceremony{}, p.impossible
	}
	if !Recent(who, p.now()) {
		return Ceremony{}, ErrRecent
	}
	r, _, err := p.load(ctx, who.holder())
	if err != nil {
		return Ceremony{}, err
	}
	if len(r.Keys) >= MostPasskeys {
		return Ceremony{}, ErrManyPasskeys
	}
	challenge, err := p.challenge()
	if err != nil {
		return Ceremony{}, err
	}
	u := user{holder: who.holder(), name: l.Name, title: l.Title, keys: r.Keys}
	had := webauthn.Credentials(u.WebAuthnCredentials()).CredentialDescriptors()
	asked, data, err := p.web.BeginRegistration(u, webauthn.WithExclusions(had),
		func(o *protocol.PublicKeyCredentialCreationOptions) error { o.Challenge = challenge; return nil })
	if err != nil {
		return Ceremony{}, fmt.Errorf("auth: passkey: %w", err)
	}
	return p.ask(ctx, who.holder(), question{toAdd, who.Session(), *data}, asked.Response)
}

// challenge is ours, so that the installation's randomness is the one that was given.
func (p *Passkeys) challenge() (protocol.URLEncodedBase64, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(p.Random, b); err != nil {
		return nil, fmt.Errorf("auth: no randomness: %w", err)
	}
	return b, nil
}

func (p *Passkeys) ask(ctx context.Context, h holder, q question, options any) (Ceremony, error) {
	encoded, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, fmt.Errorf("auth: passkey: %w", err)
	}
	token, err := p.ceremonies.begun(ctx, h, q, CeremonyLife)
	return Ceremony{ID: token, Options: encoded}, err
}

// answered spends a ceremony of that purpose; each counts once, whatever comes of it.
func (p *Passkeys) answered(ctx context.Context, ceremony string, of purpose) (holder, question, error) {
	h, q, err := ended[question](ctx, p.ceremonies, ceremony)
	if err == nil && q.For != of {
		err = ErrCeremony
	}
	return h, q, err
}

// own spends a ceremony of this person's, begun in this session.
func (p *Passkeys) own(ctx context.Context, who Person, ceremony string, of purpose) (question, error) {
	h, q, err := p.answered(ctx, ceremony, of)
	if err == nil && (h != who.holder() || q.Session != who.Session()) {
		err = ErrCeremony
	}
	return q, err
}

// Add keeps the passkey that the browser made (RegistrationResponseJSON), under a name of 1 to 60 characters. Errors:
// ErrCeremony, ErrPasskey, ErrRequest, ErrManyPasskeys, and the store's.
func (p *Passkeys) Add(ctx context.Context, who Person, ceremony string, response []byte, name string) (Passkey, error) {
	if p.impossible != nil {
		return Passkey{}, p.impossible
	}
	q, err := p.own(ctx, who, ceremony, toAdd)
	if err != nil {
		return Passkey{}, err
	}
	made, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	credential, err := p.web.CreateCredential(user{holder: who.holder()}, q.Data, made)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	credential.Attestation = webauthn.CredentialAttestation{} // it proves the maker, which nobody asked
	return p.keep(ctx, who.holder(), *credential, name)
}

func (p *Passkeys) keep(ctx context.Context, h holder, c webauthn.Credential, name string) (Passkey, error) {
	k := passkeyRecord{AddedAt: p.now(), Credential: c}
	sealed, err := p.sealName(ctx, h, k.id(), name)
	if err != nil {
		return Passkey{}, err
	}
	k.Sealed = sealed
	err = p.change(ctx, h, func(r *passkeysRecord) error {
		if r.at(k.id()) >= 0 {
			return fmt.Errorf("%w: it is there already", ErrPasskey)
		}
		if len(r.Keys) >= MostPasskeys {
			return ErrManyPasskeys
		}
		r.Keys = append(r.Keys, k)
		return nil
	})
	if err != nil {
		return Passkey{}, err
	}
	return p.shown(ctx, h, k)
}

// BeginSignIn asks the browser for any passkey of this installation. Errors: ErrNoPasskeys, *TooMany, and the store's.
func (p *Passkeys) BeginSignIn(ctx context.Context, a Arrival) (Ceremony, error) {
	if p.impossible != nil {
		return Ceremony{}, p.impossible
	}
	if err := p.gate.allow(a.From); err != nil {
		return Ceremony{}, err
	}
	challenge, err := p.challenge()
	if err != nil {
		return Ceremony{}, err
	}
	asked, data, err := p.web.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	if err != nil {
		return Ceremony{}, fmt.Errorf("auth: passkey: %w", err)
	}
	return p.ask(ctx, "", question{For: toSignIn, Data: *data}, asked.Response)
}

// SignIn begins a session for whose passkey answered (AuthenticationResponseJSON), a member or one of the staff. The
// error is the same for a passkey that was never here and one that was removed. Errors: ErrCeremony, ErrPasskey,
// ErrCopied, *TooMany, and the store's.
func (p *Passkeys) SignIn(ctx context.Context, a Arrival, ceremony string, response []byte) (SignedIn, error) {
	if p.impossible != nil {
		return SignedIn{}, p.impossible
	}
	if err := p.gate.allow(a.From); err != nil {
		return SignedIn{}, err
	}
	_, q, err := p.answered(ctx, ceremony, toSignIn)
	if err != nil {
		return SignedIn{}, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return SignedIn{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	h := holder(answer.Response.UserHandle)
	if h.member() == "" && h.staff() == "" {
		return SignedIn{}, ErrPasskey
	}
	if err := p.accept(ctx, h, q.Data, answer); err != nil {
		return SignedIn{}, err
	}
	return p.begin(ctx, h, a)
}

func (p *Passkeys) begin(ctx context.Context, h holder, a Arrival) (SignedIn, error) {
	if h.staff() == "" {
		return p.Sessions.begin(ctx, h.member(), ByPasskey, a)
	}
	in, err := p.Staffs.begin(ctx, h.staff(), ByPasskey, a)
	if errors.Is(err, ErrStaff) {
		err = ErrPasskey
	}
	return in, err
}

// BeginCheck asks somebody who is signed in for an own passkey, to be sure that it is really this person, now. Errors:
// ErrNoPasskeys, ErrPasskey when the person has none, and the store's.
func (p *Passkeys) BeginCheck(ctx context.Context, who Person) (Ceremony, error) {
	if p.impossible != nil {
		return Ceremony{}, p.impossible
	}
	r, _, err := p.load(ctx, who.holder())
	if err != nil {
		return Ceremony{}, err
	}
	if len(r.Keys) == 0 {
		return Ceremony{}, ErrPasskey
	}
	challenge, err := p.challenge()
	if err != nil {
		return Ceremony{}, err
	}
	asked, data, err := p.web.BeginLogin(user{holder: who.holder(), keys: r.Keys}, webauthn.WithChallenge(challenge))
	if err != nil {
		return Ceremony{}, fmt.Errorf("auth: passkey: %w", err)
	}
	return p.ask(ctx, who.holder(), question{toCheck, who.Session(), *data}, asked.Response)
}

// Check notes in the person's session that a passkey was shown now: see FreshPasskey and Recent. It counts from the
// person's next request on. Errors: ErrCeremony, ErrPasskey, ErrCopied, ErrSession, and the store's.
func (p *Passkeys) Check(ctx context.Context, who Person, ceremony string, response []byte) error {
	if p.impossible != nil {
		return p.impossible
	}
	q, err := p.own(ctx, who, ceremony, toCheck)
	if err != nil {
		return err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	if err := p.accept(ctx, who.holder(), q.Data, answer); err != nil {
		return err
	}
	if who.holder().staff() != "" {
		return p.Staffs.sittings.shown(ctx, who.holder(), who.Session())
	}
	return p.Sessions.sittings.shown(ctx, who.holder(), who.Session())
}

// accept checks a passkey's answer against the holder's passkeys, and notes its use in the same change: of two answers
// with one counter, one is a copy's.
func (p *Passkeys) accept(ctx context.Context, h holder, asked webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData) error {
	var copied bool
	err := p.change(ctx, h, func(r *passkeysRecord) error {
		at := r.at(passkeyID(answer.RawID))
		if at < 0 {
			return ErrPasskey
		}
		if r.Keys[at].Copied {
			return ErrCopied
		}
		used, err := p.validate(user{holder: h, keys: r.Keys}, asked, answer)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrPasskey, err)
		}
		copied = used.Authenticator.CloneWarning
		r.Keys[at].use(*used, p.now())
		return nil
	})
	if err == nil && copied {
		return ErrCopied
	}
	return err
}

func (r *passkeyRecord) use(c webauthn.Credential, now event.Instant) {
	r.Credential, r.Copied = c, c.Authenticator.CloneWarning
	if !r.Copied {
		r.UsedAt = now
	}
}

// validate checks signature, challenge, origin, relying party, user verification and counter (WebAuthn section 7.2).
func (p *Passkeys) validate(u user, asked webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if len(asked.UserID) > 0 {
		return p.web.ValidateLogin(u, asked, answer)
	}
	return p.web.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return u, nil }, asked, answer)
}

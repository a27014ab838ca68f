package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// PairingLife is how long a pairing code can be used.
const PairingLife = 10 * time.Minute

// A pairing code is typed by hand: 8 of 32 characters, without 0, 1, I and O, so 40 bits. At the 10 tries a second
// that the gate allows to everybody together, finding one of a hundred live codes takes 35 years on average.
const (
	codeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	codeLength   = 8
)

// Binding says which device key is a courier's.
type Binding struct {
	Courier event.CourierID
	// Key is the RFC 7638 thumbprint of PublicJWK; both are "" when no device was ever bound.
	Key       event.KeyID
	PublicJWK string
	// Version grows with each change to the courier's binding, an offered pairing code included.
	Version uint64
	BoundAt event.Instant
	// RevokedAt is 0 while the device may sign.
	RevokedAt event.Instant
}

// Bound is a binding just made.
type Bound struct {
	Binding
	// Replaced is the key that was the courier's until now; "" at first, or when it is the same.
	Replaced event.KeyID
}

// Pairing is an offer to bind one device.
type Pairing struct {
	// Code is shown to the courier, in two groups of four or in one.
	Code  string
	Until event.Instant
}

// courierRecord is the one record of a courier's device. The hash of the offered code stands in it, so that using
// the code and binding the key are one change: two phones with one code can't both win, and a newer code, or a
// revocation, ends the older code.
type courierRecord struct {
	Key       event.KeyID   `json:"key,omitempty"`
	PublicJWK string        `json:"publicJWK,omitempty"`
	BoundAt   event.Instant `json:"boundAt,omitempty"`
	RevokedAt event.Instant `json:"revokedAt,omitempty"`
	Code      string        `json:"code,omitempty"`
	CodeUntil event.Instant `json:"codeUntil,omitempty"`
}

func (r courierRecord) binding(courier event.CourierID, version uint64) Binding {
	return Binding{courier, r.Key, r.PublicJWK, version, r.BoundAt, r.RevokedAt}
}

func (r courierRecord) signs(key event.KeyID) bool { return r.Key == key && r.RevokedAt == 0 }

// pointer is a record that only finds the courier: of a pairing code's hash, or of a device's key. The courier's
// own record decides.
type pointer struct {
	Courier event.CourierID `json:"courier"`
}

// Couriers are the couriers' devices of an installation. Safe for concurrent use.
type Couriers struct {
	deps    Deps
	replays *replays
	gate    gate
}

// NewCouriers works on the register's couriers' devices.
func NewCouriers(d Deps) *Couriers {
	return &Couriers{deps: d, replays: newReplays(), gate: newCodeGate(d.Now)}
}

// Invite offers the courier a pairing code, which replaces an older offer. Whoever has the code binds a device, so
// it goes to the courier by a way that no API key can read. Errors: ErrRequest, and the store's.
func (c *Couriers) Invite(ctx context.Context, courier event.CourierID) (Pairing, error) {
	const longest = 100
	if courier == "" || len(courier) > longest {
		return Pairing{}, fmt.Errorf("%w: a courier's identifier has 1 to %d characters", ErrRequest, longest)
	}
	code, err := newCode(c.deps.Random)
	if err != nil {
		return Pairing{}, err
	}
	hashed, until := hashCode(code), event.InstantOf(c.deps.Now().Add(PairingLife))
	index := store.Record{Kind: kindPairing, ID: hashed, Until: until}
	if _, err := save(ctx, c.deps.Register, index, pointer{courier}); err != nil {
		return Pairing{}, err
	}
	err = c.change(ctx, courier, func(r *courierRecord) error {
		r.Code, r.CodeUntil = hashed, until
		return nil
	}, nil)
	return Pairing{code, until}, err
}

// BindRequest asks to bind a device's key to the courier who was given the code.
type BindRequest struct {
	Code string
	// PublicJWK is the device's public P-256 key.
	PublicJWK string
	// Request is the very request that asks for it; its proof is by that key, which shows that the device has the
	// private half.
	Request Request
	// From is the remote address, to limit tries.
	From string
}

// Bind makes the key the courier's, in place of an earlier one. A site goes on with the key that it was told:
// the caller tells each site with a live assignment of this courier, and only that makes the new key count there.
// Errors: ErrPairing, ErrKeyTaken, *TooMany, those of Verify but ErrUnbound and ErrReplayed, and the store's.
// After any error the binding is as it was, and the code can be used again while it lives; only when the store
// says that the outcome is not known, read the Binding.
func (c *Couriers) Bind(ctx context.Context, b BindRequest) (Bound, error) {
	if err := c.gate.allow(b.From); err != nil {
		return Bound{}, err
	}
	jwk, key, err := proof.Key(b.PublicJWK)
	if err != nil {
		return Bound{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if _, err := b.Request.verify(jwk, c.deps.now()); err != nil {
		return Bound{}, err
	}
	hashed := hashCode(b.Code)
	offer, _, err := load[pointer](ctx, c.deps.Register, kindPairing, hashed)
	if err != nil {
		return Bound{}, absent(err, ErrPairing)
	}
	return c.bind(ctx, offer.Courier, hashed, jwk, key)
}

func (c *Couriers) bind(ctx context.Context, courier event.CourierID, code, jwk string, key event.KeyID) (Bound, error) {
	if err := c.offered(ctx, courier, code); err != nil {
		return Bound{}, err
	}
	if err := c.claim(ctx, key, courier); err != nil {
		return Bound{}, err
	}
	var bound Bound
	err := c.change(ctx, courier, func(r *courierRecord) error {
		if !r.offers(code, c.deps.now()) {
			return ErrPairing
		}
		bound.Replaced = ""
		if r.Key != key {
			bound.Replaced = r.Key
		}
		*r = courierRecord{Key: key, PublicJWK: jwk, BoundAt: c.deps.now()}
		return nil
	}, &bound.Binding)
	if err != nil {
		return Bound{}, err
	}
	c.forgetCode(ctx, code)
	return bound, nil
}

// forgetCode tidies: the courier's record has forgotten the code already, so a failure here changes nothing.
func (c *Couriers) forgetCode(ctx context.Context, code string) {
	if _, version, err := load[pointer](ctx, c.deps.Register, kindPairing, code); err == nil {
		_ = c.deps.Register.Delete(ctx, kindPairing, code, version)
	}
}

func (r courierRecord) offers(code string, now event.Instant) bool {
	return r.Code != "" && r.Code == code && now < r.CodeUntil
}

// offered looks before claim writes, so that guessed codes write nothing.
func (c *Couriers) offered(ctx context.Context, courier event.CourierID, code string) error {
	r, _, err := load[courierRecord](ctx, c.deps.Register, kindCourier, string(courier))
	if err != nil {
		return absent(err, ErrPairing)
	}
	if !r.offers(code, c.deps.now()) {
		return ErrPairing
	}
	return nil
}

// claim lets the key find the courier, unless it is another courier's.
func (c *Couriers) claim(ctx context.Context, key event.KeyID, courier event.CourierID) error {
	return retry(func() error {
		holder, version, err := load[pointer](ctx, c.deps.Register, kindDevice, string(key))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if version > 0 && holder.Courier != courier {
			other, err := c.Binding(ctx, holder.Courier)
			if err != nil {
				return err
			}
			if other.Key == key && other.RevokedAt == 0 {
				return ErrKeyTaken
			}
		}
		_, err = save(ctx, c.deps.Register, store.Record{Kind: kindDevice, ID: string(key), Version: version}, pointer{courier})
		return err
	})
}

// Binding returns the courier's binding, revoked or not; without any, one at version 0.
func (c *Couriers) Binding(ctx context.Context, courier event.CourierID) (Binding, error) {
	r, version, err := load[courierRecord](ctx, c.deps.Register, kindCourier, string(courier))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Binding{}, err
	}
	return r.binding(courier, version), nil
}

// Revoke ends the courier's binding and any offered code at once; nothing that the device signs is accepted any
// more. Revoking again changes nothing.
func (c *Couriers) Revoke(ctx context.Context, courier event.CourierID) (Binding, error) {
	var b Binding
	err := c.change(ctx, courier, func(r *courierRecord) error {
		r.Code, r.CodeUntil = "", 0
		if r.RevokedAt == 0 {
			r.RevokedAt = c.deps.now()
		}
		return nil
	}, &b)
	return b, err
}

// change applies one change to the courier's record, as a compare-and-set that is tried again on a conflict.
func (c *Couriers) change(ctx context.Context, courier event.CourierID, apply func(*courierRecord) error, result *Binding) error {
	return retry(func() error {
		r, version, err := load[courierRecord](ctx, c.deps.Register, kindCourier, string(courier))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := apply(&r); err != nil {
			return err
		}
		version, err = save(ctx, c.deps.Register, store.Record{Kind: kindCourier, ID: string(courier), Version: version}, r)
		if err == nil && result != nil {
			*result = r.binding(courier, version)
		}
		return err
	})
}

func newCode(random io.Reader) (string, error) {
	var b [codeLength]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("auth: no randomness: %w", err)
	}
	for i := range b {
		b[i] = codeAlphabet[b[i]%byte(len(codeAlphabet))]
	}
	return string(b[:]), nil
}

// hashCode forgives how a code is typed: lower case, spaces, hyphens.
func hashCode(code string) string {
	typed := strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(code))
	return hex.EncodeToString(hash(typed))
}

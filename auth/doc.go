// Package auth says who is signed in, on which device, and what they may do.
//
// There are four kinds of principals, and no way from one to another but the last:
//
//   - Client, behind an API key: a merchant's, a carrier's or an operator's program. It books and reads within
//     its scopes.
//   - Courier, behind a device key that never leaves the courier's phone and signs each request (package proof).
//     Only a Courier scans.
//   - Member, behind a session that began with a one-time link or a passkey. Only a Member consents.
//   - Staff, somebody of the operator's own people, behind a session that began with a link, a passkey or a sign-in at
//     the operator's identity provider. A Staff may ask the API as an operator's Client, within the role's scopes.
//
// Each is a type of its own that only this package can fill, so a function that takes a Member can't be reached
// with an API key: that an API key never consents, binds a courier's device or scans needs no check that could
// be forgotten. The zero value of each names nobody and belongs to no site.
//
// How somebody signs in:
//
//	link ──────── GET shows whom it signs in, and spends nothing; POST spends it, once ──┐
//	passkey ───── begin: a challenge, once, 5 minutes; finish: signed, person verified ──┼──▶ session, new token,
//	provider ──── begin: state in the browser's cookie, once, 10 minutes; code, PKCE ────┘    the browser's old one ends
//
// A link comes from the server's own console, or by mail to an address that the person confirmed. Asking for a mail
// answers the same whether the address is known or not, and what is sent is found out only after the answer.
//
// When something fails: a link or challenge is spent before a session begins, so a failure in between leaves nobody
// signed in, and the person asks for another. A provider that can't be reached fails one sign-in; links and passkeys
// go on. Whoever loses all passkeys comes back by mail, and whoever loses the mailbox too by the operator's console.
//
// Secrets are stored hashed, names and addresses sealed by package vault. Everything is kept in a store.Register, each change as a compare-and-set, so any
// number of nodes may share one. Clock and randomness are given to New…; nothing here logs.
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Deps is what every part of the package works with. All three are required.
type Deps struct {
	Register store.Register
	// Now is the server's clock.
	Now func() time.Time
	// Random is a source fit for secrets, safe for concurrent use: crypto/rand.Reader outside of tests.
	Random io.Reader
}

func (d Deps) now() event.Instant { return event.InstantOf(d.Now()) }

// Kinds of records.
const (
	kindKey     = "auth.key"
	kindCourier = "auth.courier"
	kindDevice  = "auth.device"
	kindPairing = "auth.pairing"
	kindLink    = "auth.link"
	kindSession = "auth.session"

	kindMailbox  = "auth.mailbox"
	kindAddress  = "auth.address"
	kindMailLink = "auth.maillink"

	kindStaff        = "auth.staff"
	kindStaffAddress = "auth.staff.address"
	kindStaffOpenID  = "auth.staff.openid"
	kindStaffLink    = "auth.staff.link"
	kindStaffSession = "auth.staff.session"

	kindPasskeys = "auth.passkeys" //nolint:gosec // a kind of record, no secret
	kindCeremony = "auth.ceremony"
	kindOpenID   = "auth.openid"
)

// load reads a record's data; an absent one is store.ErrNotFound.
func load[T any](ctx context.Context, reg store.Register, kind, id string) (data T, version uint64, err error) {
	r, err := reg.Get(ctx, kind, id)
	if err != nil {
		return data, 0, err
	}
	data, err = decode[T](r)
	return data, r.Version, err
}

func decode[T any](r store.Record) (data T, err error) {
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return data, fmt.Errorf("auth: record %s: %w", r.Kind, err)
	}
	return data, nil
}

// save writes the record if its version is still the given one; until is when it may be swept.
func save[T any](ctx context.Context, reg store.Register, r store.Record, data T) (uint64, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return 0, fmt.Errorf("auth: record %s: %w", r.Kind, err)
	}
	r.Data = encoded
	return reg.Put(ctx, r)
}

// maxTries bounds how often a change is tried again because somebody else changed the same record meanwhile.
const maxTries = 16

// retry runs a read-change-write until it no longer conflicts.
func retry(change func() error) error {
	var err error
	for range maxTries {
		if err = change(); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// absent turns "no such record" into the error that the caller tells.
func absent(err, as error) error {
	if errors.Is(err, store.ErrNotFound) {
		return as
	}
	return err
}

// removed forgives deleting what somebody else deleted first.
func removed(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

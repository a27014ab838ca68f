package carlink

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Kinds of records.
const (
	connectionKind = "car.connection"
	tokenKind      = "car.tokens"
	askedKind      = "car.asked"
	claimKind      = "car.vin"
)

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// connection is a household's connection to a maker, as it is kept.
type connection struct {
	// By gave the consent at At; LostAt is when the maker was found to refuse it, 0 while it stands.
	By     event.MemberID `json:"by"`
	At     event.Instant  `json:"at"`
	LostAt event.Instant  `json:"lostAt,omitempty"`
	// Sealed is an owned, under the site's key.
	Sealed []byte `json:"sealed"`
}

// owned is what is personal about a connection.
type owned struct {
	User string `json:"user,omitempty"`
	Cars []car  `json:"cars,omitempty"`
}

// car is a vehicle that was chosen.
type car struct {
	// ID commits to the VIN.
	ID      string          `json:"id"`
	Ref     string          `json:"ref"`
	VIN     string          `json:"vin"`
	Model   string          `json:"model,omitempty"`
	Year    int             `json:"year,omitempty"`
	Extra   json.RawMessage `json:"extra,omitempty"`
	Devices []Reserved      `json:"devices"`
}

// Reserved is a device on a chosen vehicle.
type Reserved struct {
	Device event.DeviceID    `json:"device"`
	Is     event.BarrierKind `json:"is"`
}

func (o owned) devices() []event.DeviceID {
	var all []event.DeviceID
	for _, c := range o.Cars {
		for _, d := range c.Devices {
			all = append(all, d.Device)
		}
	}
	return all
}

// sealedAs is the name under which a record's content is sealed.
func sealedAs(kind string, id string) string { return kind + "/" + id }

func (l *Links) read(ctx context.Context, k key) (connection, owned, error) {
	c, o, _, err := l.load(ctx, k)
	return c, o, err
}

func (l *Links) load(ctx context.Context, k key) (c connection, o owned, version uint64, err error) {
	r, err := l.Register.Get(ctx, connectionKind, k.String())
	if errors.Is(err, store.ErrNotFound) {
		return c, o, 0, ErrNoConsent
	}
	if err != nil {
		return c, o, 0, fmt.Errorf("carlink: %w", err)
	}
	if err := json.Unmarshal(r.Data, &c); err != nil {
		return c, o, 0, fmt.Errorf("carlink: a connection: %w", err)
	}
	o, err = vault.OpenJSON[owned](ctx, l.Vault, k.site, sealedAs(connectionKind, k.String()), c.Sealed)
	if errors.Is(err, vault.ErrErased) {
		return c, o, 0, ErrNoConsent
	}
	return c, o, r.Version, err
}

// change rewrites a connection. Edit may be called more than once, each time with what stands then.
func (l *Links) change(ctx context.Context, k key, edit func(*connection, *owned) error) error {
	return repeated(func() error {
		c, o, version, err := l.load(ctx, k)
		if err != nil {
			return err
		}
		if err := edit(&c, &o); err != nil {
			return err
		}
		return l.write(ctx, k, version, c, o)
	})
}

// given begins a connection, or goes on with one: a consent may be given again, and the cars stay chosen.
func (l *Links) given(ctx context.Context, k key, by event.MemberID, user string) error {
	return repeated(func() error {
		c, o, version, err := l.load(ctx, k)
		if err != nil && !errors.Is(err, ErrNoConsent) {
			return err
		}
		c.By, c.At, c.LostAt, o.User = by, event.InstantOf(l.Now()), 0, user
		return l.write(ctx, k, version, c, o)
	})
}

func (l *Links) write(ctx context.Context, k key, version uint64, c connection, o owned) (err error) {
	if c.Sealed, err = vault.SealJSON(ctx, l.Vault, k.site, sealedAs(connectionKind, k.String()), o); err != nil {
		return err
	}
	return l.put(ctx, store.Record{Kind: connectionKind, ID: k.String(), Version: version}, c)
}

func (l *Links) put(ctx context.Context, r store.Record, content any) (err error) {
	if r.Data, err = json.Marshal(content); err != nil {
		return fmt.Errorf("carlink: %s: %w", r.Kind, err)
	}
	_, err = l.Register.Put(ctx, r)
	return err
}

// discard deletes a record; that it is not there is no error.
func (l *Links) discard(ctx context.Context, kind, id string) error {
	return repeated(func() error {
		r, err := l.Register.Get(ctx, kind, id)
		if err == nil {
			err = l.Register.Delete(ctx, kind, id, r.Version)
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

// repeated repeats a read and its write while others change the record in between; bounded, as that can't last.
func repeated(change func() error) error {
	var err error
	for range 16 {
		if err = change(); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// keeper keeps a consent's tokens, sealed under the site's key. It is a maker.Keeper.
type keeper struct {
	l *Links
	k key
}

// Load returns the tokens that were saved last, or nil where there are none or their site was erased.
func (k keeper) Load(ctx context.Context) (*oauth2.Token, error) {
	r, err := k.l.Register.Get(ctx, tokenKind, k.k.String())
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := vault.OpenJSON[oauth2.Token](ctx, k.l.Vault, k.k.site, sealedAs(tokenKind, k.k.String()), r.Data)
	if errors.Is(err, vault.ErrErased) {
		return nil, nil
	}
	return &t, err
}

// Save replaces the tokens; nil erases them.
func (k keeper) Save(ctx context.Context, t *oauth2.Token) error {
	if t == nil {
		return k.l.discard(ctx, tokenKind, k.k.String())
	}
	sealed, err := vault.SealJSON(ctx, k.l.Vault, k.k.site, sealedAs(tokenKind, k.k.String()), *t)
	if err != nil {
		return err
	}
	return repeated(func() error {
		r, err := k.l.Register.Get(ctx, tokenKind, k.k.String())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		_, err = k.l.Register.Put(ctx, store.Record{Kind: tokenKind, ID: k.k.String(), Version: r.Version, Data: sealed})
		return err
	})
}

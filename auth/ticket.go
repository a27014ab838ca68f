package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// ticket is how everything is stored that somebody holds a token for: one-time links, sessions, and what was begun
// and waits for its end in the same browser.
type ticket struct {
	Hash []byte `json:"hash"`
	// Holder is whom it is for; "" in a link for whoever has the address.
	Holder holder `json:"holder,omitempty"`
	// Address is the mailbox that a link was sent to, "" for one that was handed over.
	Address event.Commitment `json:"address,omitempty"`
	MadeAt  event.Instant    `json:"madeAt"`
	Until   event.Instant    `json:"until"`

	// Asked is what was begun and waits.
	Asked json.RawMessage `json:"asked,omitempty"`

	// The rest is a session's.
	Way       Way           `json:"way,omitempty"`
	Browser   string        `json:"browser,omitempty"`
	SeenAt    event.Instant `json:"seenAt,omitempty"`
	PasskeyAt event.Instant `json:"passkeyAt,omitempty"`
}

// book holds the tickets of one kind.
type book struct {
	deps   Deps
	kind   string
	prefix string
	// refusal is the error for every token that is none of these.
	refusal error
}

// issue makes a ticket that ends at t.Until and returns its token.
func (b book) issue(ctx context.Context, t ticket) (id, token string, made ticket, err error) {
	id, token, err = mint(b.deps.Random, b.prefix, t.Holder.begin())
	if err != nil {
		return "", "", ticket{}, err
	}
	t.Hash = hash(token)
	_, err = save(ctx, b.deps.Register, store.Record{Kind: b.kind, ID: id, Until: t.Until}, t)
	return id, token, t, err
}

// link makes a one-time link.
func (b book) link(ctx context.Context, h holder, address event.Commitment) (Link, error) {
	now := b.deps.Now()
	t := ticket{Holder: h, Address: address, MadeAt: event.InstantOf(now), Until: event.InstantOf(now.Add(LinkLife))}
	_, token, t, err := b.issue(ctx, t)
	if err != nil {
		return Link{}, err
	}
	return Link{token, t.Until}, nil
}

// begun keeps what somebody began, under a token that is good once and for a while.
func (b book) begun(ctx context.Context, h holder, asked any, life time.Duration) (token string, err error) {
	encoded, err := json.Marshal(asked)
	if err != nil {
		return "", fmt.Errorf("auth: %s: %w", b.kind, err)
	}
	now := b.deps.Now()
	t := ticket{Holder: h, MadeAt: event.InstantOf(now), Until: event.InstantOf(now.Add(life)), Asked: encoded}
	_, token, _, err = b.issue(ctx, t)
	return token, err
}

// ended spends the token of what was begun, and returns what that was.
func ended[T any](ctx context.Context, b book, token string) (h holder, asked T, err error) {
	t, err := b.spend(ctx, token)
	if err != nil {
		return "", asked, err
	}
	if err := json.Unmarshal(t.Asked, &asked); err != nil {
		return "", asked, fmt.Errorf("auth: %s: %w", b.kind, err)
	}
	return t.Holder, asked, nil
}

func (b book) find(ctx context.Context, token string) (id string, t ticket, version uint64, err error) {
	id, ok := tokenID(b.prefix, token)
	if !ok {
		return "", ticket{}, 0, b.refusal
	}
	t, version, err = load[ticket](ctx, b.deps.Register, b.kind, id)
	if err != nil {
		return "", ticket{}, 0, absent(err, b.refusal)
	}
	if !matches(token, t.Hash) || b.deps.now() >= t.Until {
		return "", ticket{}, 0, b.refusal
	}
	return id, t, version, nil
}

// spend removes a one-time ticket: of any number who try at once, one succeeds.
func (b book) spend(ctx context.Context, token string) (ticket, error) {
	id, t, version, err := b.find(ctx, token)
	if err != nil {
		return ticket{}, err
	}
	err = b.deps.Register.Delete(ctx, b.kind, id, version)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return ticket{}, b.refusal
	}
	return t, err
}

// each visits the holder's tickets, page by page.
func (b book) each(ctx context.Context, h holder, visit func(store.Record, ticket) error) error {
	const page = 100
	begin := h.begin()
	for after := begin; ; {
		records, err := b.deps.Register.List(ctx, b.kind, after, page)
		if err != nil {
			return err
		}
		for _, r := range records {
			if !strings.HasPrefix(r.ID, begin) {
				return nil
			}
			t, err := decode[ticket](r)
			if err != nil {
				return err
			}
			if t.Holder != h {
				continue
			}
			if err := visit(r, t); err != nil {
				return err
			}
		}
		if len(records) < page {
			return nil
		}
		after = records[len(records)-1].ID
	}
}

// endAll removes the holder's tickets, but the one to keep.
func (b book) endAll(ctx context.Context, h holder, keep string) error {
	return b.each(ctx, h, func(r store.Record, _ ticket) error {
		if r.ID == keep {
			return nil
		}
		return removed(b.deps.Register.Delete(ctx, b.kind, r.ID, r.Version))
	})
}

// sittings are the sessions of one kind of people, and how long they last.
type sittings struct {
	book
	// life is how long a session lasts at most, and idle how long without being used. That it is used is noted
	// once in each length of note, and so known to that.
	life, idle, note time.Duration
}

// begin signs the holder in, always under a new token of our own making. The session that the browser had ends.
func (s sittings) begin(ctx context.Context, h holder, way Way, a Arrival) (in sitting, token string, until event.Instant, err error) {
	at := s.deps.Now()
	t := ticket{Holder: h, MadeAt: event.InstantOf(at), Until: event.InstantOf(at.Add(min(s.idle, s.life))), Way: way,
		Browser: browserOf(a.UserAgent), SeenAt: event.InstantOf(at)}
	if way == ByPasskey {
		t.PasskeyAt = t.MadeAt
	}
	id, token, t, err := s.issue(ctx, t)
	if err != nil {
		return sitting{}, "", 0, err
	}
	s.replace(ctx, a)
	return t.sitting(id), token, event.InstantOf(at.Add(s.life)), nil
}

func (t ticket) sitting(id string) sitting { return sitting{id, t.Way, t.MadeAt, t.PasskeyAt} }

// replace tidies: nobody has the old token any more, so what fails here ends by itself later.
func (s sittings) replace(ctx context.Context, a Arrival) {
	for _, token := range a.had {
		if id, _, version, err := s.find(ctx, token); err == nil {
			_ = s.deps.Register.Delete(ctx, s.kind, id, version)
		}
	}
}

func (s sittings) check(ctx context.Context, token string) (holder, sitting, error) {
	id, t, version, err := s.find(ctx, token)
	if err != nil {
		return "", sitting{}, err
	}
	s.seen(ctx, id, t, version)
	return t.Holder, t.sitting(id), nil
}

// seen notes that the session is used. Nothing depends on this one time: who fails, or meets somebody else who
// notes or ends it, leaves it to the next request.
func (s sittings) seen(ctx context.Context, id string, t ticket, version uint64) {
	now := s.deps.Now()
	if now.Sub(t.SeenAt.Time()) < s.note {
		return
	}
	t.SeenAt = event.InstantOf(now)
	t.Until = min(event.InstantOf(now.Add(s.idle)), event.InstantOf(t.MadeAt.Time().Add(s.life)))
	_, _ = save(ctx, s.deps.Register, store.Record{Kind: s.kind, ID: id, Version: version, Until: t.Until}, t)
}

// list returns the holder's sessions that still work, the last used first.
func (s sittings) list(ctx context.Context, h holder) ([]Session, error) {
	var found []Session
	now := s.deps.now()
	err := s.each(ctx, h, func(r store.Record, t ticket) error {
		if now < t.Until {
			found = append(found, Session{r.ID, t.Way, t.Browser, t.MadeAt, t.SeenAt, t.Until, t.PasskeyAt})
		}
		return nil
	})
	return lastUsedFirst(found), err
}

// lasts says whether a session of the holder's still works.
func (s sittings) lasts(ctx context.Context, h holder, id string) (bool, error) {
	t, _, err := load[ticket](ctx, s.deps.Register, s.kind, id)
	if err != nil {
		return false, removed(err)
	}
	return t.Holder == h && s.deps.now() < t.Until, nil
}

// end ends one session; that it has ended already is not an error.
func (s sittings) end(ctx context.Context, h holder, id string) error {
	return retry(func() error {
		t, version, err := load[ticket](ctx, s.deps.Register, s.kind, id)
		if err != nil {
			return removed(err)
		}
		if t.Holder != h {
			return s.refusal
		}
		return removed(s.deps.Register.Delete(ctx, s.kind, id, version))
	})
}

// shown notes that the person showed a passkey in the session.
func (s sittings) shown(ctx context.Context, h holder, id string) error {
	return retry(func() error {
		t, version, err := load[ticket](ctx, s.deps.Register, s.kind, id)
		if err != nil {
			return absent(err, s.refusal)
		}
		now := s.deps.now()
		if t.Holder != h || now >= t.Until {
			return s.refusal
		}
		t.PasskeyAt = now
		_, err = save(ctx, s.deps.Register, store.Record{Kind: s.kind, ID: id, Version: version, Until: t.Until}, t)
		return err
	})
}

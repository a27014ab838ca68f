package notify

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Kinds of records. What is personal in them is sealed under the key of the person's site.
const (
	kindPerson  = "notify.person"
	kindFailure = "notify.failure"
	kindTrial   = "notify.trial"
	// kindSent holds no personal value.
	kindSent = "notify.sent"
	kindKeys = "notify.vapid"
)

// person is what is kept of a member: how they want to hear, and where. Whoever never chose has no record.
type person struct {
	Lang phrase.Lang `json:"lang,omitempty"`
	// Chosen channels by topic; one that is missing is heard as by default.
	Chosen map[Topic][]Channel `json:"chosen,omitempty"`
	Quiet  Quiet               `json:"quiet,omitzero"`
	// Phone is a number in E.164.
	Phone   string   `json:"phone,omitempty"`
	Devices []device `json:"devices,omitempty"`
}

// by is how the person hears a topic.
func (p person) by(t Topic) []Channel {
	if chosen, ok := p.Chosen[t]; ok {
		return chosen
	}
	return t.custom().by
}

// device is a browser that takes push messages.
type device struct {
	ID string `json:"id"`
	// Endpoint is the address at its push service; P256dh and Auth are its keys (RFC 8291), base64url.
	Endpoint string `json:"endpoint"`
	P256dh   string `json:"p256dh"`
	Auth     string `json:"auth"`
	Name     string `json:"name,omitempty"`
	// Session in which it was added.
	Session string        `json:"session,omitempty"`
	Since   event.Instant `json:"since"`
}

// files keeps what is personal in a register, sealed. Safe for concurrent use.
type files struct {
	register store.Register
	vault    *vault.Vault
}

// Names of sealed values.
func personName(m event.MemberID) string { return "notify/" + string(m) }
func filedName(kind, id string) string   { return kind + "/" + id }

// person reads what is kept of a member; the zero value when nothing is.
func (f *files) person(ctx context.Context, m event.MemberID) (person, error) {
	p, _, err := f.open(ctx, m)
	return p, err
}

func (f *files) open(ctx context.Context, m event.MemberID) (p person, version uint64, err error) {
	r, err := f.register.Get(ctx, kindPerson, string(m))
	if errors.Is(err, store.ErrNotFound) {
		return person{}, 0, nil
	}
	if err != nil {
		return person{}, 0, err
	}
	p, err = vault.OpenJSON[person](ctx, f.vault, event.SiteOf(m), personName(m), r.Data)
	if errors.Is(err, vault.ErrErased) {
		return person{}, r.Version, nil
	}
	return p, r.Version, err
}

// change changes what is kept of a member, whoever else does so meanwhile. Where nothing is kept, it begins to only if it
// is told to.
func (f *files) change(ctx context.Context, m event.MemberID, begin bool, by func(*person) error) error {
	return again(func() error {
		p, version, err := f.open(ctx, m)
		if err != nil {
			return err
		}
		if version == 0 && !begin {
			return nil
		}
		if err := by(&p); err != nil {
			return err
		}
		sealed, err := vault.SealJSON(ctx, f.vault, event.SiteOf(m), personName(m), p)
		if err != nil {
			return err
		}
		_, err = f.register.Put(ctx, store.Record{Kind: kindPerson, ID: string(m), Version: version, Data: sealed})
		return err
	})
}

// again repeats a read and its write while others change the record in between.
func again(change func() error) error {
	const tries = 16
	var err error
	for range tries {
		if err = change(); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// file keeps a value about a member under "<member>/<name>" until then, over whatever stood there.
func file[T any](ctx context.Context, f *files, kind string, m event.MemberID, name string, value T, until event.Instant) error {
	id := string(m) + "/" + name
	sealed, err := vault.SealJSON(ctx, f.vault, event.SiteOf(m), filedName(kind, id), value)
	if err != nil {
		return err
	}
	return again(func() error {
		r, err := f.register.Get(ctx, kind, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		_, err = f.register.Put(ctx, store.Record{Kind: kind, ID: id, Version: r.Version, Data: sealed, Until: until})
		return err
	})
}

// filed reads every value of a kind about a member that has not run out.
func filed[T any](ctx context.Context, f *files, kind string, m event.MemberID, now event.Instant) ([]T, error) {
	var all []T
	err := f.each(ctx, kind, m, func(r store.Record) error {
		if r.Until != 0 && r.Until <= now {
			return nil
		}
		value, err := vault.OpenJSON[T](ctx, f.vault, event.SiteOf(m), filedName(kind, r.ID), r.Data)
		if errors.Is(err, vault.ErrErased) {
			return nil
		}
		all = append(all, value)
		return err
	})
	return all, err
}

// unfile removes a value about a member, if there is one.
func (f *files) unfile(ctx context.Context, kind string, m event.MemberID, name string) error {
	return again(func() error {
		r, err := f.register.Get(ctx, kind, string(m)+"/"+name)
		if err == nil {
			err = f.register.Delete(ctx, kind, r.ID, r.Version)
		}
		return missing(err)
	})
}

// missing forgives that something is not there any more.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// each visits the records of a kind about a member: there are few.
func (f *files) each(ctx context.Context, kind string, m event.MemberID, visit func(store.Record) error) error {
	const most = 100
	begin := string(m) + "/"
	records, err := f.register.List(ctx, kind, begin, most)
	if err != nil {
		return err
	}
	for _, r := range records {
		if !strings.HasPrefix(r.ID, begin) {
			return nil
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// Forget erases everything that is kept of members who left, or whose site was closed. It may be called again.
func (n *Notifier) Forget(ctx context.Context, members []event.MemberID) error {
	for _, m := range members {
		if err := n.files.forget(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (f *files) forget(ctx context.Context, m event.MemberID) error {
	err := again(func() error {
		r, err := f.register.Get(ctx, kindPerson, string(m))
		if err == nil {
			err = f.register.Delete(ctx, kindPerson, r.ID, r.Version)
		}
		return missing(err)
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{kindFailure, kindTrial} {
		err := f.each(ctx, kind, m, func(r store.Record) error {
			return f.unfile(ctx, kind, m, strings.TrimPrefix(r.ID, string(m)+"/"))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropDevice removes a browser that takes no messages any more.
func (f *files) dropDevice(ctx context.Context, m event.MemberID, gone func(device) bool) error {
	return f.change(ctx, m, false, func(p *person) error {
		p.Devices = slices.DeleteFunc(p.Devices, gone)
		return nil
	})
}

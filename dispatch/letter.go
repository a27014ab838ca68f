package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// letter is a message from one site's journal to another's. Exactly one request is set.
type letter struct {
	From    event.SiteID       `json:"from"`
	To      event.SiteID       `json:"to"`
	Grant   *site.GrantLease   `json:"grant,omitempty"`
	Receive *site.ReceiveLease `json:"receive,omitempty"`
	Deny    *site.DenyLease    `json:"deny,omitempty"`
	Return  *site.ReturnLease  `json:"return,omitempty"`
	End     *site.EndLease     `json:"end,omitempty"`
	Observe *site.Observe      `json:"observe,omitempty"`
}

// letterOf says which message follows from an event, by the state before it; each may arrive more than once.
func letterOf(before site.State, e event.Event) (letter, bool) {
	l := letter{From: e.Site}
	switch b := e.Body.(type) {
	case event.LeaseAsked:
		l.To, l.Grant = event.SiteOf(b.Barrier), &site.GrantLease{Lease: b.Lease, Barrier: b.Barrier}
	case event.LeaseGranted:
		l.To, l.Receive = event.SiteOf(b.Lease), &site.ReceiveLease{Lease: b.Lease, Barrier: b.Barrier, Number: b.Number,
			Until: b.Until, Spec: b.Spec, Known: b.Known}
	case event.LeaseRefused:
		l.To, l.Deny = event.SiteOf(b.Lease), &site.DenyLease{Lease: b.Lease, Code: b.Code}
	case event.LeaseReturnAsked:
		l.To, l.Return = event.SiteOf(b.Lease), &site.ReturnLease{Lease: b.Lease, Barrier: b.Barrier}
	case event.LeaseReturned:
		l.To, l.End = event.SiteOf(b.Barrier), &site.EndLease{Lease: b.Lease, Spent: b.Spent}
	case event.BarrierObserved:
		if lent, _ := before.Barrier(b.Barrier); lent.Lent.Lease != "" {
			said := before.PassedOn(b.Barrier, b.Observation)
			l.To, l.Observe = event.SiteOf(lent.Lent.Lease), &site.Observe{Barrier: b.Barrier, Observation: said}
		}
	}
	return l, l.To != ""
}

func (l letter) request() site.Request {
	switch {
	case l.Grant != nil:
		return *l.Grant
	case l.Receive != nil:
		return *l.Receive
	case l.Deny != nil:
		return *l.Deny
	case l.Return != nil:
		return *l.Return
	case l.End != nil:
		return *l.End
	case l.Observe != nil:
		return *l.Observe
	}
	return nil
}

// readLetter reads what workOf wrote. What this release can't read is kept for the one that wrote it.
func readLetter(w store.Work) (letter, error) {
	var l letter
	//nolint:musttag // a request of package site is written under the names of its fields
	if err := json.Unmarshal(w.Data, &l); err != nil {
		return l, fmt.Errorf("dispatch: a letter can't be read: %w", err)
	}
	if l.request() == nil {
		return l, errors.New("dispatch: a letter asks for nothing that this release knows")
	}
	return l, nil
}

// deliver brings a letter to its site. One that is closed, or never was, or knows nothing of the matter, needs no
// letter; but who asked it to lend must hear that it does not. What a lent barrier said before its lease arrived is
// brought again: nobody would say it a second time. A letter that no site will ever take is dropped, and who waits
// for what it brings hears that it does not come.
func (d *Dispatcher) deliver(ctx context.Context, w store.Work) error {
	l, err := readLetter(w)
	if err != nil {
		return err
	}
	err = d.bring(ctx, l.From, l.To, l.request())
	if refused(err) {
		d.log.ErrorContext(ctx, "a letter is refused for good and dropped", slog.Any("work", w.ID), slog.Any("to", l.To), slog.Any("error", err))
	}
	switch {
	case (gone(err) || refused(err)) && l.Grant != nil:
		err = d.bring(ctx, l.To, l.From, site.DenyLease{Lease: l.Grant.Lease, Code: event.LenderRefused})
	case refused(err) && l.Receive != nil:
		err = d.bring(ctx, l.From, l.To, site.DenyLease{Lease: l.Receive.Lease, Code: event.LenderRefused})
	}
	if gone(err) || refused(err) {
		return nil
	}
	return err
}

func (d *Dispatcher) bring(ctx context.Context, from, to event.SiteID, r site.Request) error {
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorSite, ID: string(from)}}
	_, err := d.Do(ctx, to, site.Command{Facts: facts, Do: r})
	return err
}

// refused says whether a letter is malformed, or not its sender's to write: it would be so for ever.
func refused(err error) bool {
	var malformed site.Invalid
	return errors.As(err, &malformed) || errors.Is(err, site.ErrForbidden)
}

func gone(err error) bool { return errors.Is(err, site.ErrUnknown) || errors.Is(err, site.ErrState) }

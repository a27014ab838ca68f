package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/unlock"
)

// redeem commands the device and records what became of it.
func (d *Dispatcher) redeem(ctx context.Context, p *unlock.Permit) {
	outcome, err := d.gate.Redeem(ctx, p)
	if err != nil {
		d.log.WarnContext(ctx, "a barrier was commanded", slog.Any("permit", p.Intent().ID), slog.Any("device", p.Intent().Device), slog.Any("outcome", outcome), slog.Any("error", err))
	}
	done := site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}, Do: site.Resolve{Permit: p.Intent().ID, Outcome: outcome}}
	if err := d.insist(ctx, d.do, event.SiteOf(p.Intent().ID), done); err != nil {
		d.log.ErrorContext(ctx, "an outcome could not be recorded; the site's deadline will call it unknown", slog.Any("permit", p.Intent().ID), slog.Any("error", err))
	}
}

// decider is Do; or do, for what is under way already.
type decider func(ctx context.Context, id event.SiteID, c site.Command, attach ...Attach) (Result, error)

// insistFor is how long something that happened is kept in hand while the store can't take it.
const insistFor = 30 * time.Second

// insist decides a report of something that has happened, again and again while the store fails: repeating
// such a report changes nothing.
func (d *Dispatcher) insist(ctx context.Context, do decider, id event.SiteID, c site.Command) error {
	ctx, cancel := context.WithTimeout(ctx, insistFor)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := do(ctx, id, c)
		if !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// passing says whether an error may pass by waiting.
func passing(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrUncertain) || errors.Is(err, ErrBusy)
}

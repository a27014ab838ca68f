package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// idle is the longest pause between two looks at the deadlines: another node may have set one.
const idle = 5 * time.Second

// afterFailure is how long to wait before the store, or a site, is tried again.
const afterFailure = time.Second

// afterNothing is how long to wait before a deadline is looked at again at which nothing was decided.
const afterNothing = 100 * time.Millisecond

// ticksAtOnce bounds how many sites one look takes.
const ticksAtOnce = 256

// tick lets time decide at every site whose deadline has come, until the context ends.
func (d *Dispatcher) tick(ctx context.Context) {
	for ctx.Err() == nil {
		due, err := d.store.Deadlines(ctx, event.InstantOf(d.now()), ticksAtOnce)
		if err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "the deadlines can't be read", slog.Any("error", err))
		}
		decided, failed := false, err != nil
		for _, site := range due {
			did, err := d.tickSite(ctx, site.Site)
			decided, failed = decided || did, failed || err != nil
		}
		switch {
		case failed:
			d.sleepUntilDeadline(ctx, afterFailure)
		case len(due) > 0 && !decided:
			d.sleepUntilDeadline(ctx, afterNothing)
		case len(due) == 0:
			d.sleepUntilDeadline(ctx, time.Millisecond)
		}
	}
}

// tickSite says whether time decided anything: if not, another process was faster, or asking again at once would
// never end.
func (d *Dispatcher) tickSite(ctx context.Context, id event.SiteID) (decided bool, err error) {
	r, err := d.Do(ctx, id, site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}, Do: site.Tick{}})
	if err != nil && ctx.Err() == nil {
		d.log.ErrorContext(ctx, "time could not decide", slog.Any("site", id), slog.Any("error", err))
	}
	return len(r.Events) > 0, err
}

// sleepUntilDeadline sleeps for at least that long, unless a decision sets a deadline.
func (d *Dispatcher) sleepUntilDeadline(ctx context.Context, least time.Duration) {
	wait := idle
	if next, err := d.store.NextDeadline(ctx); err == nil && next != 0 {
		wait = min(wait, next.Time().Sub(d.now()))
	}
	select {
	case <-ctx.Done():
	case <-time.After(max(wait, least)):
	case <-d.wakeTick:
	}
}

// sweepEvery is how often values past their time are erased.
const sweepEvery = time.Minute

// sweep erases personal values past their time, until the context ends.
func (d *Dispatcher) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := d.store.Sweep(ctx, event.InstantOf(d.now()))
		if err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "values past their time can't be erased", slog.Any("error", err))
		}
		if n > 0 {
			continue
		}
		rest(ctx, sweepEvery)
	}
}

// rest waits, unless the context ends.
func rest(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}

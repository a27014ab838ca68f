package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// idle is the longest pause between two looks at the deadlines: another node may have set one.
const idle = 5 * time.Second

// afterFailure is how long to wait before the store, or a site, is tried again.
const afterFailure = time.Second

// ticksAtOnce bounds how many sites one look takes.
const ticksAtOnce = 256

// tick lets time decide at every site whose deadline has come, until the context ends.
func (d *Dispatcher) tick(ctx context.Context) {
	for ctx.Err() == nil {
		due, err := d.store.Deadlines(ctx, event.InstantOf(d.now()), ticksAtOnce)
		if err != nil && ctx.Err() == nil {
			d.log.Error("the deadlines can't be read", "error", err)
		}
		failed := false
		for _, site := range due {
			failed = d.tickSite(ctx, site.Site) != nil || failed
		}
		if len(due) > 0 && !failed {
			continue
		}
		d.sleepUntilDeadline(ctx, failed || err != nil)
	}
}

// tickSite returns an error, too, when time decided nothing and the deadline stands: asking again at once would
// never end.
func (d *Dispatcher) tickSite(ctx context.Context, id event.SiteID) error {
	r, err := d.Do(ctx, id, site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}, Do: site.Tick{}})
	due := r.State.Deadline()
	if err == nil && len(r.Events) == 0 && due != 0 && due <= event.InstantOf(d.now()) {
		err = errStuck
	}
	if err != nil && ctx.Err() == nil {
		d.log.Error("time could not decide", "site", id, "error", err)
	}
	return err
}

var errStuck = errors.New("dispatch: a deadline has come, and nothing follows")

func (d *Dispatcher) sleepUntilDeadline(ctx context.Context, failed bool) {
	wait := idle
	if next, err := d.store.NextDeadline(ctx); err == nil && next != 0 && !failed {
		wait = min(wait, max(next.Time().Sub(d.now()), time.Millisecond))
	}
	if failed {
		wait = afterFailure
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
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
			d.log.Error("values past their time can't be erased", "error", err)
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

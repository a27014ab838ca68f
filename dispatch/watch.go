package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Watch follows a device that stands at a site until the context ends. What it says goes to the visit that
// holds its barrier, or else to the site's journal and its people.
func (d *Dispatcher) Watch(ctx context.Context, at event.SiteID, dev device.Device) error {
	w, ok := dev.(device.Watcher)
	switch {
	case !ok:
		return nil
	case dev.Spec().Vehicle():
		return d.watchWhileWanted(ctx, at, dev.Spec().Device, w)
	default:
		return d.follow(ctx, at, w)
	}
}

// follow listens until the context ends.
func (d *Dispatcher) follow(ctx context.Context, at event.SiteID, w device.Watcher) error {
	return w.Watch(ctx, func(o event.Observation) {
		if err := d.Heard(ctx, at, o); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "what a device said could not be recorded", slog.Any("device", o.Device), slog.Any("error", err))
		}
	})
}

// wish is whether a site wants to hear a car, and until when if nothing is said; 0 for without an end.
type wish struct {
	listens bool
	until   event.Instant
}

// over ends when a wish does.
func (d *Dispatcher) over(w wish) <-chan time.Time {
	if w.until == 0 {
		return nil
	}
	return time.After(w.until.Since(event.InstantOf(d.now())).Duration())
}

// watchWhileWanted listens to a car while its site wants to hear it, and leaves it alone otherwise. A site's wish begins
// only with its journal, and is looked at whenever that grows, and when it ends.
func (d *Dispatcher) watchWhileWanted(ctx context.Context, at event.SiteID, id event.DeviceID, w device.Watcher) error {
	grown, stop := d.Follow(at)
	defer stop()
	for {
		wanted, err := d.wanted(ctx, at, id)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			d.log.ErrorContext(ctx, "it is not known whether a car is to be listened to", slog.Any("device", id), slog.Any("error", err))
			rest(ctx, afterFailure)
			continue
		case wanted.listens:
			err = d.followWhileWanted(ctx, at, id, w, grown, wanted)
		}
		if err != nil {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// looksAtOnce is how many sites are asked at once what they wish: all that have a car, when a process begins.
const looksAtOnce = 16

// wanted asks a site for its wish, in a goroutine of its own: whoever waits for another wish waits for weeks, for each of
// many thousand cars, and would keep the deep stack that asking takes.
func (d *Dispatcher) wanted(ctx context.Context, at event.SiteID, id event.DeviceID) (wants wish, err error) {
	select {
	case d.looks <- struct{}{}:
	case <-ctx.Done():
		return wish{}, ctx.Err()
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		defer func() { <-d.looks }()
		wants, err = d.wants(ctx, at, id)
	}()
	<-asked
	return wants, err
}

// wants says whether what a device says is to be heard.
func (d *Dispatcher) wants(ctx context.Context, at event.SiteID, id event.DeviceID) (w wish, err error) {
	state, err := d.Load(ctx, at)
	if err != nil {
		return w, err
	}
	now := event.InstantOf(d.now())
	for _, b := range state.Barriers {
		if b.Spec.Device != id || b.Borrowed != "" || !state.Listens(b.ID, now) {
			continue
		}
		w.listens = true
		if end := b.SetUpUntil(); !b.Enrolled && now < end {
			w.until = end
		}
	}
	return w, nil
}

// followWhileWanted listens until nobody wants to any more; an error says that it ended by itself.
func (d *Dispatcher) followWhileWanted(ctx context.Context, at event.SiteID, id event.DeviceID, w device.Watcher, grown <-chan struct{}, wanted wish) error {
	listening, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.follow(listening, at, w) }()
	defer stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-grown:
		case <-d.over(wanted):
		}
		still, err := d.wanted(ctx, at, id)
		if err != nil {
			rest(ctx, afterFailure)
			continue
		}
		if wanted = still; !wanted.listens {
			stop()
			if err := <-ended; ctx.Err() != nil {
				return err
			}
			return nil
		}
	}
}

// Heard takes an observation of a device that stands at a site. A device without a barrier there is not yet,
// or no longer, anybody's business; nor is a car to which nobody listens.
func (d *Dispatcher) Heard(ctx context.Context, at event.SiteID, o event.Observation) error {
	state, err := d.Load(ctx, at)
	if err != nil {
		return err
	}
	for _, b := range state.Barriers {
		if b.Spec.Device != o.Device || b.Borrowed != "" || !state.Listens(b.ID, event.InstantOf(d.now())) {
			continue
		}
		err := d.insist(ctx, d.Do, at, site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorDevice, ID: string(o.Device)}},
			Do: site.Observe{Barrier: b.ID, Observation: o}})
		if err != nil && !errors.Is(err, site.ErrUnknown) && !errors.Is(err, site.ErrState) {
			return err
		}
		d.words.note(b, o, event.InstantOf(d.now()))
	}
	return nil
}

package dispatch

import (
	"context"
	"errors"
	"log/slog"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Watch follows a device that stands at a site until the context ends. What it says goes to the visit that
// holds its barrier, or else to the site's journal and its people.
func (d *Dispatcher) Watch(ctx context.Context, at event.SiteID, dev device.Device) error {
	w, ok := dev.(device.Watcher)
	if !ok {
		return nil
	}
	return w.Watch(ctx, func(o event.Observation) {
		if err := d.Heard(ctx, at, o); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "what a device said could not be recorded", slog.Any("device", o.Device), slog.Any("error", err))
		}
	})
}

// Heard takes an observation of a device that stands at a site. A device without a barrier there is not yet,
// or no longer, anybody's business.
func (d *Dispatcher) Heard(ctx context.Context, at event.SiteID, o event.Observation) error {
	state, err := d.Load(ctx, at)
	if err != nil {
		return err
	}
	for _, b := range state.Barriers {
		if b.Spec.Device != o.Device || b.Borrowed != "" {
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

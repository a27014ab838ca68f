package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Handler does one kind of work. It may be given the same work again; an error makes it due again later.
type Handler func(ctx context.Context, w store.Work) error

// Handle sets who does a kind of work. Call it before Run.
func (d *Dispatcher) Handle(kind string, h Handler) { d.handlers[kind] = h }

// Work is claimed in portions, for a while; this much may be under way at once.
const (
	workAtOnce  = 256
	claimFor    = 60 * event.Second
	workTimeout = 45 * time.Second
)

// Run ticks and works until the context ends, and returns when everything under way has ended. First it asks
// the devices of every unfinished visit.
func (d *Dispatcher) Run(ctx context.Context) error {
	if err := d.resume(ctx); err != nil {
		return err
	}
	var loops sync.WaitGroup
	loops.Go(func() { d.tick(ctx) })
	loops.Go(func() { d.work(ctx) })
	loops.Go(func() { d.sweep(ctx) })
	loops.Wait()
	d.busy.Wait()
	return nil
}

// resume asks the devices of every visit that was under way when the process before this one ended.
func (d *Dispatcher) resume(ctx context.Context) error {
	for after := ""; ; {
		rows, err := d.store.Rows(ctx, partitionVisits, after, 100)
		if err != nil {
			return fmt.Errorf("dispatch: finding unfinished visits: %w", err)
		}
		for _, row := range rows {
			at := event.SiteOf(event.VisitID(row.Key))
			facts := site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}
			if _, err := d.Do(ctx, at, site.Command{Facts: facts, Do: site.Resume{}}); err != nil {
				d.log.Error("an unfinished visit could not be resumed", "visit", row.Key, "error", err)
			}
			after = row.Key
		}
		if len(rows) == 0 {
			return nil
		}
	}
}

func (d *Dispatcher) work(ctx context.Context) {
	kinds := slices.Sorted(maps.Keys(d.handlers))
	slots := make(chan struct{}, workAtOnce)
	var under sync.WaitGroup
	defer under.Wait()
	for ctx.Err() == nil {
		now := event.InstantOf(d.now())
		claimed, err := d.store.Claim(ctx, kinds, now, now.Add(claimFor), workAtOnce)
		if err != nil && ctx.Err() == nil {
			d.log.Error("work can't be claimed", "error", err)
		}
		for _, w := range claimed {
			slots <- struct{}{}
			under.Go(func() {
				defer func() { <-slots }()
				d.attempt(ctx, w)
			})
		}
		if len(claimed) == 0 {
			d.sleepUntilWork(ctx, kinds, err != nil)
		}
	}
}

func (d *Dispatcher) sleepUntilWork(ctx context.Context, kinds []string, failed bool) {
	wait := idle
	if next, err := d.store.NextWork(ctx, kinds); err == nil && next != 0 && !failed {
		wait = min(wait, max(next.Time().Sub(d.now()), time.Millisecond))
	}
	if failed {
		wait = time.Second
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	case <-d.wakeWork:
	}
}

// attempt does one piece of work. What fails is tried again, later each time.
func (d *Dispatcher) attempt(ctx context.Context, w store.Work) {
	doing, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	err := d.handlers[w.Kind](doing, w)
	if err == nil {
		err = d.store.Finish(ctx, w.ID)
	} else {
		d.log.Warn("work will be tried again", "kind", w.Kind, "work", w.ID, "attempt", w.Attempts, "error", err)
		err = d.store.Postpone(ctx, w.ID, event.InstantOf(d.now()).Add(pause(w.Attempts)))
	}
	if err != nil && ctx.Err() == nil {
		d.log.Error("work could not be put away", "kind", w.Kind, "work", w.ID, "error", err)
	}
}

// pause is how long after a failed attempt the next is made.
func pause(attempts int) event.Millis {
	return min(event.Second<<min(max(attempts-1, 0), 10), 10*event.Minute)
}

// secure orders a device to lock or close, if the visit still has the barrier: a site's decision to ask again
// makes new work, so that a failure here is not repeated.
func (d *Dispatcher) secure(ctx context.Context, w store.Work) error {
	order, dev, err := d.deviceWork(ctx, w)
	if err != nil || dev == nil {
		return err
	}
	if s, ok := dev.(device.Securer); ok {
		if outcome, err := s.Secure(ctx); err != nil {
			d.log.Warn("a barrier was ordered shut", "device", order.Device, "outcome", outcome, "error", err)
		}
	}
	return nil
}

// read asks a device for its state. No answer is no answer: the site asks again when it still needs one.
func (d *Dispatcher) read(ctx context.Context, w store.Work) error {
	order, dev, err := d.deviceWork(ctx, w)
	if err != nil || dev == nil {
		return err
	}
	r, ok := dev.(device.Reader)
	if !ok {
		return nil
	}
	o, err := r.Read(ctx)
	if err != nil {
		d.log.Warn("a device did not answer", "device", order.Device, "error", err)
		return nil
	}
	return d.Heard(ctx, event.SiteOf(order.Barrier), o)
}

// forgetCode has a device forget a code, and reports what reading back shows.
func (d *Dispatcher) forgetCode(ctx context.Context, w store.Work) error {
	var order deviceWork
	if err := json.Unmarshal(w.Data, &order); err != nil {
		return fmt.Errorf("dispatch: %w", err)
	}
	dev, _ := d.devices.Device(order.Device)
	outcome, err := event.Unknown, errors.New("no such device, or it takes no codes")
	if c, ok := dev.(device.Coder); ok {
		outcome, err = c.RemoveCode(ctx, order.Permit)
	}
	report := site.ReportCodeRemoval{Permit: order.Permit, Confirmed: outcome == event.Done}
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}
	if _, failed := d.Do(ctx, w.Site, site.Command{Facts: facts, Do: report}); failed != nil {
		return failed
	}
	if outcome != event.Done {
		return fmt.Errorf("dispatch: the code may still be there: %w", err)
	}
	return nil
}

// deviceWork reads an order, and finds its device while the order still stands: the visit is open, or there is none.
func (d *Dispatcher) deviceWork(ctx context.Context, w store.Work) (deviceWork, device.Device, error) {
	var order deviceWork
	if err := json.Unmarshal(w.Data, &order); err != nil {
		return order, nil, fmt.Errorf("dispatch: %w", err)
	}
	state, err := d.Load(ctx, w.Site)
	if err != nil {
		return order, nil, err
	}
	if _, open := state.Visit(order.Visit); !open && order.Visit != "" {
		return order, nil, nil
	}
	dev, _ := d.devices.Device(order.Device)
	return order, dev, nil
}

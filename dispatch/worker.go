package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// trade is one kind of work: who does it, and how to wake them.
type trade struct {
	do   Handler
	wake chan struct{}
	// atOnce is how much of it may be under way, and takes how long an attempt may take.
	atOnce int
	takes  time.Duration
	// unsure, if set, is told when a claim failed and may have hidden work all the same.
	unsure func()
}

// Handle sets who does a kind of work. Call it before Run.
func (d *Dispatcher) Handle(kind string, h Handler) {
	d.trades[kind] = trade{do: h, wake: make(chan struct{}, 1), atOnce: workAtOnce, takes: workTimeout}
}

// Work is claimed in portions, for longer than an attempt may take; this much of a kind may be under way at once.
const (
	workAtOnce  = 256
	workTimeout = 45 * time.Second
	putAway     = 5 * time.Second
	// claimBeyond is for how much longer it is claimed, and claimFor for how long that is of most kinds.
	claimBeyond = 15 * time.Second
	claimFor    = event.Millis((workTimeout + claimBeyond) / time.Millisecond)
)

// claim is until when work that is claimed now is.
func (t trade) claim(now event.Instant) event.Instant {
	return now.Add(event.Millis((t.takes + claimBeyond).Milliseconds()))
}

// Run ticks and works until the context ends, and returns when everything under way has ended. First it asks
// the devices of every unfinished visit. A Dispatcher runs once; afterwards Do decides nothing any more.
func (d *Dispatcher) Run(ctx context.Context) error {
	defer d.busy.close()
	if err := d.resume(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	var loops sync.WaitGroup
	loops.Go(func() { d.tick(ctx) })
	loops.Go(func() { d.sweep(ctx) })
	for kind, t := range d.trades {
		loops.Go(func() { d.work(ctx, kind, t) })
	}
	loops.Wait()
	return nil
}

// resume asks the devices of every visit that was under way when the process before this one ended.
func (d *Dispatcher) resume(ctx context.Context) error {
	for after, last := "", event.SiteID(""); ; {
		rows, err := d.store.Rows(ctx, underwayPartition, after, 100)
		if err != nil {
			return fmt.Errorf("dispatch: finding unfinished visits: %w", err)
		}
		for _, row := range rows {
			at := event.SiteOf(event.VisitID(row.Key))
			if at != last {
				d.resumeSite(ctx, at)
			}
			after, last = row.Key, at
		}
		if len(rows) == 0 {
			return nil
		}
	}
}

func (d *Dispatcher) resumeSite(ctx context.Context, id event.SiteID) {
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}
	if _, err := d.Do(ctx, id, site.Command{Facts: facts, Do: site.Resume{}}); err != nil {
		d.log.ErrorContext(ctx, "unfinished visits could not be resumed; the site's deadlines will ask", slog.Any("site", id), slog.Any("error", err))
	}
}

// work does one kind of work until the context ends. Each kind has places of its own, so that a slow webhook
// never keeps a door waiting.
func (d *Dispatcher) work(ctx context.Context, kind string, t trade) {
	places := make(chan struct{}, t.atOnce)
	var under sync.WaitGroup
	defer under.Wait()
	for d.waitForWork(ctx, kind, t.wake) && waitForPlace(ctx, places) {
		// Only what can begin at once is claimed, so that the claim lasts for all of the attempt.
		now := event.InstantOf(d.now())
		claimed, err := d.store.Claim(ctx, []string{kind}, now, t.claim(now), cap(places)-len(places))
		if err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "work can't be claimed", slog.Any("kind", kind), slog.Any("error", err))
			if t.unsure != nil {
				t.unsure()
			}
			rest(ctx, afterFailure)
		}
		for _, w := range claimed {
			places <- struct{}{}
			under.Go(func() {
				defer func() { <-places }()
				d.attempt(ctx, t, w)
			})
		}
	}
}

// waitForPlace returns once there is a place, false when the context ended first.
func waitForPlace(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		<-places
		return true
	case <-ctx.Done():
		return false
	}
}

// waitForWork returns once work of the kind is due, false when the context ended first.
func (d *Dispatcher) waitForWork(ctx context.Context, kind string, woken <-chan struct{}) bool {
	for {
		next, err := d.store.NextWork(ctx, []string{kind})
		wait := idle
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			d.log.ErrorContext(ctx, "the next work can't be found", slog.Any("kind", kind), slog.Any("error", err))
			wait = afterFailure
		case next != 0:
			wait = min(wait, next.Time().Sub(d.now()))
		}
		if wait <= 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		case <-woken:
		}
	}
}

// attempt does one piece of work. What fails is tried again, later each time.
func (d *Dispatcher) attempt(ctx context.Context, t trade, w store.Work) {
	doing, cancel := context.WithTimeout(ctx, t.takes)
	defer cancel()
	err := handle(doing, t.do, w)
	// What was done while the process was told to end is not to be done again by the next.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), putAway)
	defer cancel()
	if err == nil {
		err = d.store.Finish(ctx, w.ID)
	} else {
		err = d.store.Postpone(ctx, w.ID, d.again(ctx, w, err))
		wake(t.wake)
	}
	if err != nil {
		d.log.ErrorContext(ctx, "work could not be put away; it is due again when its claim ends", slog.Any("kind", w.Kind), slog.Any("work", w.ID), slog.Any("error", err))
	}
}

// again is when work that was not done is due again.
func (d *Dispatcher) again(ctx context.Context, w store.Work, err error) event.Instant {
	if later, ok := errors.AsType[Later](err); ok {
		return later.At
	}
	d.log.WarnContext(ctx, "work will be tried again", slog.Any("kind", w.Kind), slog.Any("work", w.ID), slog.Any("attempt", w.Attempts), slog.Any("error", err))
	return event.InstantOf(d.now()).Add(pause(w.Attempts))
}

// handle lets a handler that breaks fail like any other.
func handle(ctx context.Context, do Handler, w store.Work) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("dispatch: the handler broke: %v", r)
		}
	}()
	return do(ctx, w)
}

// pause is how long after a failed attempt the next is made.
func pause(attempts int) event.Millis {
	return min(event.Second<<min(max(attempts-1, 0), 10), 10*event.Minute)
}

// secure orders a device to lock or close, unless the barrier was opened again since that was decided: a site's
// decision to ask again makes new work, so that a failure here is not repeated. What another process has left
// behind is asked about instead: a bolt must not be thrown into a door that was opened meanwhile.
func (d *Dispatcher) secure(ctx context.Context, w store.Work) error {
	order, dev, err := d.deviceWork(ctx, w)
	if err != nil || dev == nil {
		return err
	}
	ctx = device.For(ctx, device.Securing)
	leftBehind := order.At < d.began || w.Attempts > 1
	if s, ok := dev.(device.Securer); ok && !leftBehind {
		if outcome, err := s.Secure(ctx); err != nil {
			d.log.WarnContext(ctx, "a barrier was ordered shut", slog.Any("device", order.Device), slog.Any("outcome", outcome), slog.Any("error", err))
		}
	}
	// One that was shut already has nothing to report, and what it repeats proves nothing: its answer does.
	return d.ask(ctx, order, dev)
}

// read asks a device for its state. No answer is no answer: the site asks again when it still needs one.
func (d *Dispatcher) read(ctx context.Context, w store.Work) error {
	order, dev, err := d.deviceWork(ctx, w)
	if err != nil || dev == nil {
		return err
	}
	if order.Visit != "" {
		ctx = device.For(ctx, device.Watching)
	}
	return d.ask(ctx, order, dev)
}

func (d *Dispatcher) ask(ctx context.Context, order deviceWork, dev device.Device) error {
	r, ok := dev.(device.Reader)
	if !ok {
		return nil
	}
	o, err := r.Read(ctx)
	if err != nil {
		d.log.WarnContext(ctx, "a device did not answer", slog.Any("device", order.Device), slog.Any("error", err))
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

// deviceWork reads an order, and finds its device while the order still stands: the visit is under way, and the
// barrier was not opened anew since. Work that comes late must not shut a garage door upon a courier. What belongs to no
// visit stands by itself.
func (d *Dispatcher) deviceWork(ctx context.Context, w store.Work) (deviceWork, device.Device, error) {
	var order deviceWork
	if err := json.Unmarshal(w.Data, &order); err != nil {
		return order, nil, fmt.Errorf("dispatch: %w", err)
	}
	state, err := d.Load(ctx, w.Site)
	if err != nil {
		return order, nil, err
	}
	visit, open := state.Visit(order.Visit)
	if order.Visit != "" && (!open || openedSince(visit, order)) {
		return order, nil, nil
	}
	dev, _ := d.devices.Device(order.Device)
	return order, dev, nil
}

func openedSince(v site.Visit, order deviceWork) bool {
	return slices.ContainsFunc(v.Steps, func(p site.Step) bool {
		return p.Barrier == order.Barrier && p.Intended > order.At
	})
}

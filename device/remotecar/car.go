package remotecar

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// Car is a device on a vehicle: what opens, locks, reads and watches it. A connector adds what else it can.
type Car struct {
	vehicle *Vehicle
	spec    event.Spec
	log     device.Log
}

// Device makes a device on the vehicle, as the connector declares it. Opens, Secures and Reads are always so.
func (v *Vehicle) Device(spec event.Spec, log device.Log) *Car {
	spec.Opens, spec.Secures, spec.Reads = true, true, true
	return &Car{v, spec, log}
}

// Spec declares what the device has.
func (c *Car) Spec() event.Spec { return c.spec }

// Reach says whether the vehicle could be reached when it was last asked.
func (c *Car) Reach() event.Reach {
	c.vehicle.mu.Lock()
	defer c.vehicle.mu.Unlock()
	return c.vehicle.reach
}

// skew is by how much a car's clock may be behind ours, so that its report of our own opening still counts as one.
const skew = 2 * time.Second

// Open unlocks, as the package's description says.
func (c *Car) Open(ctx context.Context, o device.Order) (event.Outcome, error) {
	v := c.vehicle
	ctx, cancel := context.WithDeadline(ctx, o.Deadline.Add(max(0, c.spec.Lateness).Duration()))
	defer cancel()
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return event.NotDone, fmt.Errorf("%w: another order was on its way", device.ErrExpired)
	}
	before, err := c.locked(ctx, o)
	if err != nil {
		return event.NotDone, err
	}
	return c.unlock(ctx, o, before)
}

// locked returns what was known of a car that may be opened.
func (c *Car) locked(ctx context.Context, o device.Order) (Said, error) {
	if err := c.inTime(ctx, o); err != nil {
		return Said{}, err
	}
	v := c.vehicle
	if !v.isSettled() {
		if _, _, err := v.ask(device.For(ctx, device.Opening)); err != nil {
			return Said{}, fmt.Errorf("nothing was sent, because the car's state could not be asked for: %w", err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.last.shut() {
		return Said{}, fmt.Errorf("%w: it is %q and %q, and only what is locked and closed is opened", device.ErrRefused, v.last.Bolt, v.last.Contact)
	}
	return v.last, nil
}

// shut says whether it is locked, and closed as far as it says.
func (s Said) shut() bool {
	return s.Bolt == event.BoltLocked && (s.Contact == event.ContactClosed || s.Contact == "")
}

func (v *Vehicle) isSettled() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last.shut() && v.reach == event.ReachOnline && v.cfg.Now().Sub(v.settled) < v.cfg.Settled
}

func (c *Car) inTime(ctx context.Context, o device.Order) error {
	switch {
	case !c.vehicle.cfg.Now().Before(o.Deadline):
		return device.ErrExpired
	case ctx.Err() != nil:
		return fmt.Errorf("nothing was sent: %w", ctx.Err())
	}
	return nil
}

// command is one on its way.
type command struct {
	sent   atomic.Pointer[time.Time] // when it reached the wire; nil before
	result chan result
}

type result struct {
	outcome event.Outcome
	err     error
}

// unlock sends the command, and waits until the car itself says that it was opened, or its maker how it ended.
func (c *Car) unlock(ctx context.Context, o device.Order, before Said) (event.Outcome, error) {
	v := c.vehicle
	ctx, cancel := context.WithCancel(ctx)
	waiter, ignore := v.listen()
	defer ignore()
	one := &command{result: make(chan result, 1)}
	go func() {
		outcome, err := v.cloud.Unlock(ctx, func() error { return c.leaving(ctx, o, one) })
		one.result <- result{outcome, err}
	}()
	how, ended := c.confirm(ctx, waiter, one, before)
	if cancel(); !ended {
		<-one.result
	}
	return how.outcome, how.err
}

// leaving is the last moment before the wire.
func (c *Car) leaving(ctx context.Context, o device.Order, one *command) error {
	if err := c.inTime(ctx, o); err != nil {
		return err
	}
	sent := c.vehicle.cfg.Now()
	if err := c.record(event.ActOpen, o.Permit); err != nil {
		return err
	}
	one.sent.Store(&sent)
	c.vehicle.outdate()
	c.vehicle.speak(sent)
	c.vehicle.attend(device.Watching)
	return nil
}

// errUnlogged is why nothing was sent.
var errUnlogged = errors.New("nothing was sent, because the log could not be written")

func (c *Car) record(act event.Act, permit event.PermitID) error {
	at := event.InstantOf(c.vehicle.cfg.Now())
	if err := c.log.Record(event.Sent{At: at, Device: c.spec.Device, Act: act, Permit: permit}); err != nil {
		return fmt.Errorf("%w: %w", errUnlogged, err)
	}
	return nil
}

// confirm waits for the end of a command: the car's own word, or the maker's. Ended says that its result was taken.
func (c *Car) confirm(ctx context.Context, waiter <-chan Said, one *command, before Said) (how result, ended bool) {
	defer c.vehicle.poll()()
	done, results := ctx.Done(), one.result
	why := errors.New("the maker accepted it, and the car says nothing")
	for {
		select {
		case s := <-waiter:
			if sent := one.sent.Load(); sent != nil && opened(s, *sent, before) {
				return result{event.Done, nil}, results == nil
			}
		case r := <-results:
			if results = nil; one.sent.Load() == nil {
				return result{event.NotDone, r.err}, true
			}
			if r.outcome != event.Unknown {
				return r, true
			}
			if r.err != nil {
				why = r.err
			}
		case <-done:
			if done = nil; results != nil {
				continue // whether it was sent is known in a moment
			}
		}
		if ctx.Err() != nil && results == nil {
			return result{event.Unknown, fmt.Errorf("%w: the command may have arrived (%w)", device.ErrNoAnswer, why)}, true
		}
	}
}

// opened says whether what was heard after a command is what it did.
func opened(s Said, sent time.Time, before Said) bool {
	earliest := sent.Add(-skew)
	bolt := s.Bolt == event.BoltUnlocked && s.BoltAt.After(before.BoltAt) && s.BoltAt.After(earliest)
	contact := s.Contact == event.ContactOpen && before.Contact == event.ContactClosed &&
		s.ContactAt.After(before.ContactAt) && s.ContactAt.After(earliest)
	return bolt || contact
}

// listen is told what is heard from now on.
func (v *Vehicle) listen() (waiter chan Said, ignore func()) {
	waiter = make(chan Said, 16)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiters[waiter] = struct{}{}
	return waiter, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.waiters, waiter)
	}
}

// Read asks. It is the car's own answer only if both parts are; else it is a copy.
func (c *Car) Read(ctx context.Context) (event.Observation, error) {
	c.vehicle.attend(device.PurposeOf(ctx))
	s, before, err := c.vehicle.ask(ctx)
	if err != nil {
		return event.Observation{}, err
	}
	return c.answer(s, before), nil
}

// answer is what a car said of both its parts: an answer if it said both after we had asked, or if both are news since an
// earlier question or command. Everything else is a copy.
func (c *Car) answer(s, before Said) event.Observation {
	c.vehicle.mu.Lock()
	defer c.vehicle.mu.Unlock()
	o := c.vehicle.observation(s, believable(older(s), s.ReceivedAt), newer(before.BoltAt, before.ContactAt), false)
	o.Device, o.Bolt, o.Contact = c.spec.Device, s.Bolt, s.Contact
	if o.Origin != event.OriginAnswer {
		o.Origin, o.AskedAt = event.OriginCached, event.InstantOf(s.AskedAt)
	}
	return o
}

// older is the time of the older part; none if one has none.
func older(s Said) time.Time {
	switch {
	case s.Contact == "":
		return s.BoltAt
	case s.Bolt == "" || s.ContactAt.Before(s.BoltAt):
		return s.ContactAt
	}
	return s.BoltAt
}

// Watch begins with what was last heard, as a copy, and reports what comes.
func (c *Car) Watch(ctx context.Context, sink func(event.Observation)) error {
	v, q := c.vehicle, newQueue()
	v.mu.Lock()
	for _, o := range v.known() {
		o.Device = c.spec.Device
		q.put(o)
	}
	v.watchers[q] = c.spec.Device
	v.mu.Unlock()
	defer v.poll()()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.watchers, q)
	}()
	for {
		o, ok := q.take(ctx)
		if !ok || ctx.Err() != nil {
			return ctx.Err()
		}
		sink(o)
	}
}

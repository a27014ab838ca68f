package remotecar_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// secured is the outcome of an order to lock, when it came.
type secured struct {
	outcome event.Outcome
	err     error
	after   time.Duration
}

// slowly has the cloud answer an order to lock after a minute, as makers' do that wait for the car.
func (b *bench) slowly() {
	b.cloud.lock = func(ctx context.Context, just func() error) (event.Outcome, error) {
		if err := just(); err != nil {
			return event.NotDone, err
		}
		select {
		case <-time.After(time.Minute):
			return event.Unknown, nil
		case <-ctx.Done():
			return event.Unknown, errors.Join(device.ErrNoAnswer, ctx.Err())
		}
	}
}

// secure orders it locked after a while, in the background, by somebody with that much patience.
func (b *bench) secure(wg *sync.WaitGroup, car *remotecar.Car, after, patience time.Duration, how *secured) {
	wg.Go(func() {
		pass(after)
		began := time.Now()
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		defer cancel()
		how.outcome, how.err = car.Secure(ctx)
		how.after = time.Since(began)
	})
}

// TestOneOrderToLockAtATime: a site that repeats what was not answered yet sends nothing more, and hears of the one.
func TestOneOrderToLockAtATime(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.slowly()
		cabin := b.vehicle.Device(event.Spec{Device: "cabin"}, b.log)
		var wg sync.WaitGroup
		how := make([]secured, 5)
		for i, after := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 14 * time.Second} {
			b.secure(&wg, b.car, after, time.Hour, &how[i])
		}
		b.secure(&wg, cabin, 30*time.Second, time.Hour, &how[4]) // the whole car is locked
		wg.Wait()
		if lines := b.log.Lines(event.ActSecure); len(lines) != 1 {
			b.Errorf("%d orders to lock were sent", len(lines))
		}
		for i, h := range how {
			if h.outcome != event.Done || h.err != nil {
				b.Errorf("order %d: %v, %v", i, h.outcome, h.err)
			}
		}
		if how[4].after != 30*time.Second {
			b.Errorf("the last waited %v for the first's end", how[4].after)
		}
		wg = sync.WaitGroup{}
		b.secure(&wg, b.car, 0, time.Hour, &how[0])
		wg.Wait()
		if lines := b.log.Lines(event.ActSecure); len(lines) != 2 {
			b.Errorf("once it had ended, another made it %d", len(lines))
		}
	})
}

// TestWhoWaitsForAnOrderToLockHasHisOwnPatience: the order lasts until the last has lost it.
func TestWhoWaitsForAnOrderToLockHasHisOwnPatience(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.slowly()
		var wg sync.WaitGroup
		how := make([]secured, 3)
		b.secure(&wg, b.car, 0, 5*time.Second, &how[0])
		b.secure(&wg, b.car, 2*time.Second, time.Hour, &how[1])
		b.secure(&wg, b.car, 4*time.Second, time.Second, &how[2])
		wg.Wait()
		for _, i := range []int{0, 2} {
			if h := how[i]; h.outcome != event.Unknown || !errors.Is(h.err, context.DeadlineExceeded) || !errors.Is(h.err, device.ErrNoAnswer) || h.after > 5*time.Second {
				b.Errorf("who left: %+v", h)
			}
		}
		if how[1].outcome != event.Done || how[1].after != 58*time.Second {
			b.Errorf("who stayed: %+v", how[1])
		}
		b.secure(&wg, b.car, 0, 5*time.Second, &how[0])
		wg.Wait()
		if h := how[0]; h.outcome != event.Unknown || !errors.Is(h.err, device.ErrNoAnswer) || h.after != 5*time.Second {
			b.Errorf("given up by all: %+v", h)
		}
		if outcome, err := b.car.Secure(cancelled(b.T)); outcome != event.NotDone || !errors.Is(err, context.Canceled) {
			b.Errorf("without any patience: %v, %v", outcome, err)
		}
		b.cloud.lock = nil
		if outcome, err := b.car.Secure(b.Context()); outcome != event.Done || len(b.log.Lines(event.ActSecure)) != 3 {
			b.Errorf("the next: %v, %v, %d were sent", outcome, err, len(b.log.Lines(event.ActSecure)))
		}
	})
}

// TestAnOrderToLockFromBeforeAnOpeningIsNotJoined: it may have been carried out already.
func TestAnOrderToLockFromBeforeAnOpeningIsNotJoined(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.slowly()
		var wg sync.WaitGroup
		var before, after secured
		b.secure(&wg, b.car, 0, time.Hour, &before)
		synctest.Wait()
		b.cloud.unlock = func(func() error) (event.Outcome, error) { return event.Done, nil }
		if outcome, err := b.open(time.Second); outcome != event.Done {
			b.Fatal(outcome, err)
		}
		b.secure(&wg, b.car, time.Second, time.Hour, &after)
		wg.Wait()
		if lines := b.log.Lines(event.ActSecure); len(lines) != 2 || before.outcome != event.Done || after.outcome != event.Done {
			b.Errorf("%d orders to lock, %+v and %+v", len(lines), before, after)
		}
	})
}

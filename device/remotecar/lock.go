package remotecar

import (
	"context"
	"fmt"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// locking is an order to lock that is under way. It lasts for as long as anybody waits for its outcome.
type locking struct {
	waiting int // the vehicle's lock guards it; 0 is an order that was given up, and winds down
	cancel  context.CancelFunc
	ended   chan struct{}
	how     result // when it has ended
}

// Secure locks. It may be repeated, and does not wait for an opening: what counts is what the car then reports. Whoever
// asks for it while an order to lock is under way waits for that one, and gets its outcome: an order can take minutes, and
// a second one would do nothing but use up the maker's limit, which the reading that proves it needs.
func (c *Car) Secure(ctx context.Context) (event.Outcome, error) {
	one, err := c.join(ctx)
	if err != nil {
		return event.NotDone, fmt.Errorf("nothing was sent: %w", err)
	}
	select {
	case <-one.ended:
	case <-ctx.Done():
		if !c.vehicle.quit(one) {
			return event.Unknown, fmt.Errorf("%w: the order to lock goes on (%w)", device.ErrNoAnswer, ctx.Err())
		}
		<-one.ended // whether it was sent is known in a moment
	}
	return one.how.outcome, one.how.err
}

// join waits for the order that is under way, or gives one.
func (c *Car) join(ctx context.Context) (*locking, error) {
	for ctx.Err() == nil {
		one, joined := c.tryJoin(ctx)
		if joined {
			return one, nil
		}
		select {
		case <-one.ended:
		case <-ctx.Done():
		}
	}
	return nil, ctx.Err()
}

// tryJoin joins no order that was given up.
func (c *Car) tryJoin(ctx context.Context) (one *locking, joined bool) {
	v := c.vehicle
	v.mu.Lock()
	defer v.mu.Unlock()
	if one = v.locking; one == nil {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		one = &locking{waiting: 1, cancel: cancel, ended: make(chan struct{})}
		v.locking = one
		go c.order(own, one)
		return one, true
	}
	if one.waiting == 0 {
		return one, false
	}
	one.waiting++
	return one, true
}

// quit stops waiting for an order, and says whether that was the last who did: the order is given up.
func (v *Vehicle) quit(one *locking) (last bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if one.waiting--; one.waiting > 0 {
		return false
	}
	one.cancel()
	return true
}

// outdate is called when an opening leaves: an order to lock that is under way may have been carried out before it, so that
// nobody joins it any more.
func (v *Vehicle) outdate() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.locking = nil
}

// order gives one order to lock, and ends it.
func (c *Car) order(ctx context.Context, one *locking) {
	v := c.vehicle
	one.how = c.lock(ctx)
	one.cancel()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.locking == one {
		v.locking = nil
	}
	close(one.ended)
}

func (c *Car) lock(ctx context.Context) result {
	sent := false
	outcome, err := c.vehicle.cloud.Lock(ctx, func() error {
		if err := c.record(event.ActSecure, ""); err != nil {
			return err
		}
		c.vehicle.speak(c.vehicle.cfg.Now())
		sent = true
		return nil
	})
	c.vehicle.attend(device.Watching)
	switch {
	case !sent:
		return result{event.NotDone, err}
	case outcome == event.Unknown && err == nil:
		return result{event.Done, nil} // accepted, which is all that it means here
	}
	return result{outcome, err}
}

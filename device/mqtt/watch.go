package mqtt

import (
	"context"
	"sync"

	"github.com/loquet/loquet/event"
)

// most is how many different observations wait for a watcher. Devices change a few times in a minute; more than
// this is a watcher that hangs, or a device that floods.
const most = 1024

// queue holds what a watcher has not taken yet, in order. A repetition takes the place of the one before it. When
// it is full, one "unknown" takes the place of all that doesn't fit, so that the watcher can't mistake the last
// observation that fitted for the present state.
type queue struct {
	mu    sync.Mutex
	items []heard
	full  bool
	more  chan struct{}
}

// heard is an observation, and what is to be acknowledged once it is recorded.
type heard struct {
	event.Observation
	from *receipt
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

func (q *queue) put(o event.Observation, from *receipt) {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := len(q.items) - 1
	switch {
	case q.full:
		return
	case last >= 0 && sameState(q.items[last].Observation, o):
		from.keep()
		q.items[last].from.drop()
		q.items[last] = heard{o, from}
	case last+1 >= most:
		q.full = true
		q.items = append(q.items, heard{Observation: event.Observation{
			Device: o.Device, Bolt: event.BoltUnknown, Contact: event.ContactUnknown,
			ReceivedAt: o.ReceivedAt, Origin: event.OriginLive,
		}})
	default:
		from.keep()
		q.items = append(q.items, heard{o, from})
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// sameState says whether two observations differ in nothing but their times.
func sameState(a, b event.Observation) bool {
	a.ReceivedAt, a.DeviceAt, b.ReceivedAt, b.DeviceAt = 0, 0, 0, 0
	return a == b
}

// take waits for the next observation; false when the context ends.
func (q *queue) take(ctx context.Context) (heard, bool) {
	for {
		if h, ok := q.next(); ok {
			return h, true
		}
		select {
		case <-ctx.Done():
			return heard{}, false
		case <-q.more:
		}
	}
}

func (q *queue) next() (heard, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return heard{}, false
	}
	h := q.items[0]
	q.items = q.items[1:]
	if len(q.items) < most/2 {
		q.full = false
	}
	return h, true
}

// Watch begins with all that was heard so far, if nobody has watched before; else with what was last heard (as
// cached, or retained if it came so). Then it reports what comes.
func (c *core) Watch(ctx context.Context, sink func(event.Observation)) error {
	q := c.newWatcher()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, q)
	}()
	for {
		h, ok := q.take(ctx)
		if !ok || ctx.Err() != nil {
			return ctx.Err()
		}
		sink(h.Observation)
		if ctx.Err() == nil { // else it may not have been recorded
			h.from.drop()
		}
	}
}

func (c *core) newWatcher() *queue {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.early; q != nil {
		c.early = nil
		return q
	}
	q := newQueue()
	c.watchers[q] = struct{}{}
	for _, known := range c.known() {
		q.put(known, nil)
	}
	return q
}

// known is what was last heard, in order of receipt. The caller holds the lock.
func (c *core) known() []event.Observation {
	var all []event.Observation
	first, second := c.bolt, c.contact
	if second.ReceivedAt < first.ReceivedAt {
		first, second = second, first
	}
	for _, o := range []event.Observation{first, second} {
		if o.Device != "" && (len(all) == 0 || all[0] != o) {
			if o.Origin == event.OriginLive {
				o.Origin = event.OriginCached
			}
			all = append(all, o)
		}
	}
	if n := len(all); n == 2 && all[0].ReceivedAt == all[1].ReceivedAt && sameState(all[0], all[1]) {
		all = all[:1]
	}
	if c.reach == event.ReachOffline {
		all = append(all, event.Observation{
			Device: c.spec.Device, Reach: c.reach, Origin: event.OriginCached, ReceivedAt: c.now(),
		})
	}
	return all
}

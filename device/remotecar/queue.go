package remotecar

import (
	"context"
	"sync"

	"github.com/loquet/loquet/event"
)

// most is how many different observations wait for a watcher: more is one that hangs, or a cloud that floods.
const most = 1024

// queue holds what a watcher has not taken yet, in order. A repetition takes the place of the one before it. When it is
// full, one "unknown" takes the place of all that doesn't fit, so that nobody mistakes what fitted for the present.
type queue struct {
	mu    sync.Mutex
	items []event.Observation
	full  bool
	more  chan struct{}
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

func (q *queue) put(o event.Observation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := len(q.items) - 1
	switch {
	case q.full:
		return
	case last >= 0 && sameState(q.items[last], o):
		q.items[last] = o
	case last+1 >= most:
		q.full = true
		q.items = append(q.items, event.Observation{
			Device: o.Device, Bolt: event.BoltUnknown, Contact: event.ContactUnknown,
			ReceivedAt: o.ReceivedAt, Origin: event.OriginLive,
		})
	default:
		q.items = append(q.items, o)
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// sameState says whether two observations differ in nothing but their times.
func sameState(a, b event.Observation) bool {
	a.ReceivedAt, a.DeviceAt, a.AskedAt, b.ReceivedAt, b.DeviceAt, b.AskedAt = 0, 0, 0, 0, 0, 0
	return a == b
}

// take waits for the next observation; false when the context ends.
func (q *queue) take(ctx context.Context) (event.Observation, bool) {
	for {
		if o, ok := q.next(); ok {
			return o, true
		}
		select {
		case <-ctx.Done():
			return event.Observation{}, false
		case <-q.more:
		}
	}
}

func (q *queue) next() (event.Observation, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return event.Observation{}, false
	}
	o := q.items[0]
	q.items = q.items[1:]
	if len(q.items) < most/2 {
		q.full = false
	}
	return o, true
}

package maker

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
)

// again is when a refresh that failed is tried again, and first how long after Keep began the consents that it doesn't
// know yet are looked at, one after another.
const (
	again = 10 * time.Minute
	first = 10 * time.Minute
)

// Keep renews every consent ahead of its end while the context lasts, however little it is used, and never more than
// OfficeConfig.PerSecond. One Keep runs for an Office.
func (o *Office) Keep(ctx context.Context) error {
	for {
		c, err := o.queue.next(ctx, o.cfg.Now)
		if err != nil {
			return err
		}
		if err := o.pace.Wait(ctx); err != nil {
			return ctx.Err()
		}
		o.renewed(ctx, c)
	}
}

// renewed renews one, if nobody was faster, and puts it back into the queue; one that the customer withdrew stays in
// it too, for a consent given again.
func (o *Office) renewed(ctx context.Context, c *Consent) {
	now := o.cfg.Now()
	if _, err := c.current(ctx); err == nil && c.Due().After(now) {
		o.queue.move(c, c.Due())
		return
	}
	switch err := c.Renew(ctx); {
	case err == nil:
		o.queue.move(c, later(c.Due(), now.Add(time.Minute)))
	case errors.Is(err, device.ErrRevoked):
		o.queue.move(c, now.Add(o.cfg.Every))
	default:
		if ctx.Err() == nil {
			o.cfg.Log.Warn("a maker's tokens could not be renewed", "error", err)
		}
		o.queue.move(c, now.Add(again+time.Duration(c.spread*float64(again))))
	}
}

// Add makes Keep renew a consent.
func (o *Office) Add(c *Consent) {
	o.queue.put(c, o.cfg.Now().Add(time.Duration(c.spread*float64(first))))
}

// Remove undoes Add.
func (o *Office) Remove(c *Consent) { o.queue.drop(c) }

// queue orders consents by when they are due.
type queue struct {
	mu      *sync.Mutex
	due     *dues
	at      map[*Consent]*due
	changed chan struct{}
}

type due struct {
	consent *Consent
	at      time.Time
	index   int
}

func newQueue() queue {
	return queue{mu: &sync.Mutex{}, due: &dues{}, at: make(map[*Consent]*due), changed: make(chan struct{}, 1)}
}

func (q queue) put(c *Consent, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at[c] != nil {
		return
	}
	d := &due{consent: c, at: at}
	q.at[c] = d
	heap.Push(q.due, d)
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

// move says when one that was not dropped meanwhile is due again.
func (q queue) move(c *Consent, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.at[c]; d != nil {
		d.at = at
		heap.Fix(q.due, d.index)
	}
}

func (q queue) drop(c *Consent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.at[c]; d != nil {
		heap.Remove(q.due, d.index)
		delete(q.at, c)
	}
}

// next waits for the first that is due. It stays in the queue, so that it can be dropped meanwhile.
func (q queue) next(ctx context.Context, now func() time.Time) (*Consent, error) {
	for {
		c, wait := q.peek(now())
		if c != nil {
			return c, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-q.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (q queue) peek(now time.Time) (*Consent, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(*q.due) == 0 {
		return nil, time.Hour
	}
	if head := (*q.due)[0]; head.at.After(now) {
		return nil, head.at.Sub(now)
	}
	return (*q.due)[0].consent, 0
}

// dues is a heap.
type dues []*due

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}

// Push adds one at the end.
func (d *dues) Push(x any) {
	one := x.(*due)
	one.index = len(*d)
	*d = append(*d, one)
}

// Pop takes the last one.
func (d *dues) Pop() any {
	last := (*d)[len(*d)-1]
	(*d)[len(*d)-1] = nil
	*d = (*d)[:len(*d)-1]
	return last
}

package clip

import (
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
)

// queueBytes bounds what waits for the disk: 16 s at 2 Mbit/s, and still one second at 32.
const queueBytes = 4 << 20

// queueUnits bounds it for streams of tiny units.
const queueUnits = 1024

// queue hands units from a camera's goroutine to the recorder's. Putting never waits.
type queue struct {
	mu      sync.Mutex
	units   []*camera.Unit
	bytes   int
	open    bool
	closed  bool
	lost    int
	skip    bool
	oldest  time.Time
	changed chan struct{}
}

func newQueue() *queue { return &queue{changed: make(chan struct{}, 1)} }

// begin lets units in, and puts some before them, which were bounded elsewhere.
func (q *queue) begin(first []*camera.Unit, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open || q.closed {
		return
	}
	q.open = true
	for _, u := range first {
		q.push(u, now)
	}
	q.wake()
}

// put takes a unit, or drops it and what follows up to the next key unit for which there is room.
func (q *queue) put(u *camera.Unit, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open || q.closed {
		return
	}
	full := q.bytes+u.Size() > queueBytes || len(q.units) >= queueUnits
	q.skip = full || q.skip && !u.Key
	if q.skip {
		q.lost++
		return
	}
	q.push(u, now)
	q.wake()
}

func (q *queue) push(u *camera.Unit, now time.Time) {
	if len(q.units) == 0 {
		q.oldest = now
	}
	q.units = append(q.units, u)
	q.bytes += u.Size()
}

func (q *queue) wake() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

// take returns what waits, and whether nothing will follow.
func (q *queue) take() (units []*camera.Unit, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	units, q.units, q.bytes = q.units, nil, 0
	return units, q.closed
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// waiting returns since when the oldest unit waits (zero: none does), and how many units were dropped in all.
func (q *queue) waiting() (since time.Time, lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.units) > 0 {
		since = q.oldest
	}
	return since, q.lost
}

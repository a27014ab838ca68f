package camera

import (
	"sync"
	"time"
)

// Depth is how much a Ring holds. Whole groups are dropped, the oldest first, as soon as those after them reach back
// Least, or when the ring reaches back more than Most or weighs more than Bytes.
type Depth struct {
	Least, Most time.Duration
	Bytes       int
}

// DefaultDepth holds 6 to 12 s, which is about 3 MB of a 2 Mbit/s stream.
var DefaultDepth = Depth{Least: 6 * time.Second, Most: 12 * time.Second, Bytes: 16 << 20}

// unitWeight is what a unit costs in memory besides its NAL units, so that a million empty ones are not free.
const unitWeight = 256

func (u *Unit) weight() int { return u.Size() + unitWeight }

// From is where a reader begins.
type From int

// Where a reader begins: at the oldest group held (a recorder, for its pre-roll), or at the last key unit (a live
// view, which shows a picture at once).
const (
	FromOldest From = iota
	FromLastKey
)

// Item is what a reader receives.
type Item struct {
	Unit *Unit
	// Lost units were not delivered before this one, because the reader was too slow. The unit is then a key unit.
	Lost int
}

// Ring holds the last groups of one camera, and hands every unit to its readers. It is safe for concurrent use by
// one writer and any number of readers; no reader ever holds up the writer or another reader.
type Ring struct {
	depth Depth

	mu      sync.Mutex
	groups  []Group
	units   int // in all groups
	bytes   int // weight of all groups
	open    bool
	format  *Format
	readers []*Reader
	closed  bool
}

// NewRing returns an empty ring.
func NewRing(depth Depth) *Ring { return &Ring{depth: depth} }

// Reader receives the units of a ring.
type Reader struct {
	// C delivers the units in order. The first is a key unit, and so is the first of each new Format, and the one
	// after a loss. A Format is compared by its pointer: another one has times of its own, and takes another
	// file. C is closed when the reader or the ring is, after what was already in it.
	C <-chan Item

	ring    *Ring
	c       chan Item
	waiting bool // for a key unit
	lost    int

	weights     []int // of what was sent, in a circle as large as the channel
	sent, taken int   // how many units
	bytes       int   // the weight of those that are sent and not known to be taken
}

// Subscribe adds a reader whose channel has room for what the ring holds now and buffer further units. It may lag
// behind by that many, and by twice the weight that the ring may hold.
func (r *Ring) Subscribe(from From, buffer int) *Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	backlog := r.backlog(from)
	room := max(buffer, 1)
	for _, g := range backlog {
		room += len(g)
	}
	c := make(chan Item, room)
	reader := &Reader{C: c, ring: r, c: c, waiting: true, weights: make([]int, room)}
	for _, g := range backlog {
		for _, u := range g {
			reader.offer(u, 2*r.depth.Bytes)
		}
	}
	reader.waiting = reader.waiting || !r.open
	if r.closed {
		close(c)
		return reader
	}
	r.readers = append(r.readers, reader)
	return reader
}

func (r *Ring) backlog(from From) []Group {
	if from == FromOldest {
		return r.groups
	}
	if !r.open {
		return nil // the last picture held is not of this connection, or not complete
	}
	return r.groups[len(r.groups)-1:]
}

// Close ends the subscription. It may be called more than once.
func (r *Reader) Close() {
	r.ring.mu.Lock()
	defer r.ring.mu.Unlock()
	for i, other := range r.ring.readers {
		if other == r {
			r.ring.readers = append(r.ring.readers[:i], r.ring.readers[i+1:]...)
			close(r.c)
			return
		}
	}
}

// Put adds the next unit and hands it to the readers. It never blocks. A unit that can't be decoded, because no
// key unit of its Format came before it, is dropped.
func (r *Ring) Put(u *Unit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !u.Key && r.format != u.Format {
		return
	}
	r.format = u.Format
	r.hold(u)
	for _, reader := range r.readers {
		reader.offer(u, 2*r.depth.Bytes)
	}
}

func (r *Ring) hold(u *Unit) {
	switch {
	case u.Key:
		r.groups, r.open = append(r.groups, Group{u}), true
	case r.open:
		last := &r.groups[len(r.groups)-1]
		*last = append(*last, u)
	default:
		return // its group was too heavy to be held
	}
	r.units++
	r.bytes += u.weight()
	r.trim(u.At)
}

func (r *Ring) trim(now time.Time) {
	for len(r.groups) > 1 && r.spare(now) {
		r.drop()
	}
	if r.bytes > r.depth.Bytes {
		r.drop()
		r.open = false
	}
}

// spare says whether the oldest of several groups is to be dropped.
func (r *Ring) spare(now time.Time) bool {
	return now.Sub(r.groups[1][0].At) >= r.depth.Least ||
		now.Sub(r.groups[0][0].At) > r.depth.Most || r.bytes > r.depth.Bytes
}

func (r *Ring) drop() {
	for _, u := range r.groups[0] {
		r.bytes -= u.weight()
	}
	r.units -= len(r.groups[0])
	r.groups[0] = nil
	r.groups = r.groups[1:]
}

// offer hands on a unit if the reader can take it, and begins again at a key unit if it could not. The ring is locked.
func (r *Reader) offer(u *Unit, limit int) {
	if r.waiting && !u.Key {
		if r.lost > 0 { // else it has only begun, and waits for its first picture
			r.lost++
		}
		return
	}
	r.settle()
	if r.sent-r.taken == len(r.weights) || r.bytes+u.weight() > limit {
		r.waiting = true
		r.lost++
		return
	}
	r.c <- Item{Unit: u, Lost: r.lost} // there is room: only the reader takes, and only this goroutine sends
	r.weights[r.sent%len(r.weights)] = u.weight()
	r.sent++
	r.bytes += u.weight()
	r.waiting, r.lost = false, 0
}

// settle finds out what was taken from the channel since the last time.
func (r *Reader) settle() {
	for r.sent-r.taken > len(r.c) {
		r.bytes -= r.weights[r.taken%len(r.weights)]
		r.taken++
	}
}

// Cut says that the connection ended: what follows begins with a key unit of another Format, and nobody who
// subscribes for a live picture is shown the last one of before. What is held stays for recorders until newer
// groups push it out.
func (r *Ring) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open, r.format = false, nil
}

// Close ends all subscriptions and forgets everything. It may be called more than once.
func (r *Ring) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reader := range r.readers {
		close(reader.c)
	}
	r.readers, r.groups, r.units, r.bytes, r.closed, r.open = nil, nil, 0, 0, true, false
}

// Held says how much the ring holds: units, their weight in bytes, and the time from the first to the last.
func (r *Ring) Held() (units, bytes int, span time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.units == 0 {
		return 0, 0, 0
	}
	last := r.groups[len(r.groups)-1]
	return r.units, r.bytes, last[len(last)-1].At.Sub(r.groups[0][0].At)
}

package audit

import (
	"math"
	"slices"
	"sort"

	"github.com/loquet/loquet/event"
)

// moment is a place in time, and in the journal where two things have the same time.
type moment struct {
	at  event.Instant
	pos int
}

func (m moment) after(other moment) bool {
	return m.at > other.at || m.at == other.at && m.pos > other.pos
}

// wholly is the end of an instant: only what is later counts as after it.
func wholly(at event.Instant) moment { return moment{at, math.MaxInt} }

// part is what was last said of one part of a barrier.
type part[T ~string] struct {
	is   T
	when moment
	// current: by a live report or an answer, not by a stored copy.
	current bool
}

// reading is what is known of a barrier after one observation.
type reading struct {
	pos int
	// counts: the observation was current, and no replay.
	counts  bool
	when    moment
	bolt    part[event.Bolt]
	contact part[event.Contact]
	reach   event.Reach
	// reached is when the device last proved reachable.
	reached moment
	// clock is the latest time that the device itself gave.
	clock event.Instant
	// clockHeard is when it was received: what came before that is late, and no replay.
	clockHeard event.Instant
}

// readings returns what was known of a barrier after each observation in this journal. What is known of a borrowed
// barrier begins anew with each lease.
func (h *history) readings(b event.BarrierID) []reading {
	if list, known := h.said[b]; known {
		return list
	}
	reserved, _ := last[event.BarrierReserved](h, b, h.end())
	spec, leases := reserved.body.Spec, h.borrowings(b)
	var list []reading
	var now reading
	for _, e := range all[event.BarrierObserved](h, b, h.end()) {
		for len(leases) > 0 && leases[0].pos < e.pos {
			now, spec, leases = reading{}, leases[0].body.Spec, leases[1:]
		}
		now = now.hear(e, spec.Reads)
		list = append(list, now)
	}
	h.said[b] = list
	return list
}

// borrowings are the leases of the barrier that were received, in order.
func (h *history) borrowings(b event.BarrierID) []entry[event.LeaseReceived] {
	var list []entry[event.LeaseReceived]
	for _, asked := range all[event.LeaseAsked](h, b, h.end()) {
		if got, ok := last[event.LeaseReceived](h, asked.body.Lease, h.end()); ok {
			list = append(list, got)
		}
	}
	slices.SortFunc(list, func(a, b entry[event.LeaseReceived]) int { return a.pos - b.pos })
	return list
}

// reading is what was known of a barrier before a position; zero when nothing was.
func (h *history) reading(b event.BarrierID, before int) reading {
	earlier := h.readingsBetween(b, -1, before)
	if len(earlier) == 0 {
		return reading{}
	}
	return earlier[len(earlier)-1]
}

// readingsBetween returns what was known of a barrier after each observation after one position and before another.
func (h *history) readingsBetween(b event.BarrierID, after, before int) []reading {
	list := h.readings(b)
	place := func(pos int) int {
		return sort.Search(len(list), func(i int) bool { return list[i].pos >= pos })
	}
	from, to := place(after+1), place(before)
	return list[from:max(from, to)]
}

// said is the moment for which an observation can speak: an answer, for when it was asked.
func said(e entry[event.BarrierObserved]) moment {
	o := e.body.Observation
	at := min(o.ReceivedAt, e.at)
	if o.Origin == event.OriginAnswer {
		at = min(at, o.AskedAt)
	}
	return moment{at, e.pos}
}

func isCurrent(o event.Observation) bool {
	return o.Origin == event.OriginLive || o.Origin == event.OriginAnswer && o.AskedAt != 0
}

// hear takes in one observation. Where the device can be asked (reads), only a change or an answer proves a part: a
// report that repeats what is known may be an old one.
func (r reading) hear(e entry[event.BarrierObserved], reads bool) reading {
	o, when := e.body.Observation, said(e)
	r.pos, r.when, r.counts = e.pos, when, isCurrent(o) && !r.replayed(o)
	if o.Reach != "" {
		r.reach = o.Reach
	}
	if o.Reach == event.ReachOffline {
		r.reached = moment{}
	}
	if !r.counts {
		r.bolt, r.contact = r.bolt.doubt(o.Bolt), r.contact.doubt(o.Contact)
		return r
	}
	proves := !reads || o.Origin == event.OriginAnswer
	answers := o.Origin == event.OriginAnswer
	r.bolt, r.contact = r.bolt.hear(o.Bolt, when, proves, answers), r.contact.hear(o.Contact, when, proves, answers)
	if o.Reach != event.ReachOffline {
		r.reach = event.ReachOnline
		if when.after(r.reached) {
			r.reached = when
		}
	}
	if o.DeviceAt > r.clock || o.Origin == event.OriginAnswer && o.DeviceAt != 0 {
		r.clock, r.clockHeard = o.DeviceAt, o.ReceivedAt
	}
	return r
}

// hear takes in what was said of one part. A report that was received before the last word is past; an answer to
// an older question was given nobody knows when, and can only make that word doubtful.
func (p part[T]) hear(says T, when moment, proves, answers bool) part[T] {
	switch {
	case says == "" || says == p.is && p.current && (!proves || p.when.after(when)):
		return p
	case p.current && p.when.after(when) && answers:
		return p.doubt(says)
	case p.current && p.when.after(when):
		return p
	default:
		return part[T]{says, when, true}
	}
}

// doubt is what a stored copy does: one that says something else makes the part unproven, one that agrees proves
// nothing.
func (p part[T]) doubt(copied T) part[T] {
	if copied != "" && copied != p.is {
		return part[T]{is: copied}
	}
	return p
}

// replayed: by its own clock the device said this before something else that was heard, or it is that message
// again. What it answers to a question is no replay.
func (r reading) replayed(o event.Observation) bool {
	switch {
	case o.Origin == event.OriginAnswer || o.DeviceAt == 0 || o.DeviceAt > r.clock || o.ReceivedAt < r.clockHeard:
		return false
	case o.DeviceAt < r.clock:
		return true
	}
	return (o.Bolt == "" || o.Bolt == r.bolt.is) && (o.Contact == "" || o.Contact == r.contact.is)
}

// sight is when the device last said that it stood open: a bolt withdrawn, or, where there is no bolt, a contact
// open.
func (r reading) sight(c event.Closure) (moment, bool) {
	if r.bolt.is != "" || c.Bolt {
		return r.bolt.when, r.bolt.current && r.bolt.is == event.BoltUnlocked
	}
	return r.contact.when, r.contact.current && r.contact.is == event.ContactOpen
}

// lacks says what is missing for the closure predicate to hold on what was said after a moment; "" when nothing
// is. What an opening moves, the bolt or else the contact, must have spoken since; a contact behind a bolt, which
// nobody may have pushed, counts unchanged if the device was heard since.
func (r reading) lacks(c event.Closure, since moment) string {
	switch {
	case !c.Provable():
		return "nothing can prove it shut"
	case r.reach == event.ReachOffline:
		return "its device could not be reached"
	case c.Bolt && r.bolt.is != event.BoltLocked:
		return "its bolt was not said to be locked"
	case c.Bolt && !r.bolt.current:
		return "only an old message says that its bolt is locked"
	case c.Contact && r.contact.is != event.ContactClosed:
		return "its contact was not said to be closed"
	case c.Contact && !r.contact.current:
		return "only an old message says that its contact is closed"
	case !r.reached.after(since):
		return "nothing current was heard of its device after the opening"
	case c.Bolt && !r.bolt.when.after(since):
		return "that its bolt is locked was said before the opening"
	case !c.Bolt && r.bolt.is == "" && !r.contact.when.after(since):
		return "that its contact is closed was said before the opening"
	}
	return ""
}

// stale says whether the device was last heard longer ago than its horizon.
func (r reading) stale(s event.Spec, at event.Instant) bool {
	return at.Since(r.reached.at) > s.Horizon
}

// ajar: the bolt is out, and the door is not shut.
func (r reading) ajar() bool {
	return r.bolt.current && r.bolt.is == event.BoltLocked && r.contact.current && r.contact.is == event.ContactOpen
}

// moved says whether a part is known to have changed between two readings.
func (r reading) moved(next reading) (bolt, contact bool) {
	return r.bolt.is != "" && r.bolt.is != next.bolt.is, r.contact.is != "" && r.contact.is != next.contact.is
}

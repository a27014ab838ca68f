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

// reading is what is known of a barrier after one observation, or when a lease of it begins.
type reading struct {
	pos int
	// o is what was said; nothing where a lease begins, which lent says.
	o    event.Observation
	lent bool
	// counts: the observation was current, and no replay.
	counts  bool
	when    moment
	bolt    part[event.Bolt]
	contact part[event.Contact]
	// boltWas and contactWas are what was known just before.
	boltWas    part[event.Bolt]
	contactWas part[event.Contact]
	reach      event.Reach
	// reached is when the device last proved reachable.
	reached moment
	clock   clock
}

// readings returns what was known of a barrier after each observation in this journal. What is known of a borrowed
// barrier begins anew with each lease, with what the lender knew; what is known of a car, whenever it is listened to again.
func (h *history) readings(b event.BarrierID) []reading {
	if list, known := h.said[b]; known {
		return list
	}
	reserved, _ := last[event.BarrierReserved](h, b, h.end())
	spec, leases := reserved.body.Spec, h.borrowings(b)
	observed := all[event.BarrierObserved](h, b, h.end())
	list := make([]reading, 0, len(observed)+len(leases))
	var now reading
	var anew []stretch
	if spec.Vehicle() {
		anew = h.heardIn(b)
	}
	for len(observed)+len(leases) > 0 {
		for len(anew) > 0 && len(observed) > 0 && anew[0].from < observed[0].pos {
			now, anew = reading{clock: now.clock}, anew[1:]
		}
		if len(observed) == 0 || len(leases) > 0 && leases[0].pos < observed[0].pos {
			now, spec, leases = lentWith(leases[0]), leases[0].body.Spec, leases[1:]
		} else {
			now, observed = now.hear(observed[0], spec.Reads), observed[1:]
		}
		list = append(list, now)
	}
	h.said[b] = list
	return list
}

// borrowings are the leases of the barrier that were received, in order.
func (h *history) borrowings(b event.BarrierID) []entry[event.LeaseReceived] {
	var list []entry[event.LeaseReceived]
	for _, asked := range all[event.LeaseAsked](h, b, h.end()) {
		list = append(list, all[event.LeaseReceived](h, asked.body.Lease, h.end())...)
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
	r.boltWas, r.contactWas, r.lent = r.bolt, r.contact, false
	r.pos, r.o, r.when, r.counts = e.pos, o, when, isCurrent(o) && !r.replayed(o)
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
	r.clock = r.clock.hear(o, r)
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

// heardAt says whether the device was heard for a moment.
func (r reading) heardAt(at event.Instant) bool {
	return r.counts && r.when.at == at || r.lent && r.reached.at == at
}

// boltSaid says whether a current message said this of the bolt for a moment.
func (r reading) boltSaid(is event.Bolt, at event.Instant) bool {
	return r.counts && r.o.Bolt == is && r.when.at == at || r.lent && r.bolt.current && r.bolt.is == is && r.bolt.when.at == at
}

// contactSaid says the same of the contact.
func (r reading) contactSaid(is event.Contact, at event.Instant) bool {
	return r.counts && r.o.Contact == is && r.when.at == at || r.lent && r.contact.current && r.contact.is == is && r.contact.when.at == at
}

// sight is when the device last said that it stood open: a bolt withdrawn, or, where there is no bolt, a contact
// open. A trunk that opens alone leaves the doors locked.
func (r reading) sight(s event.Spec) (moment, bool) {
	if (r.bolt.is != "" || s.Closure.Bolt) && s.Reveals != event.RevealsTrunk {
		return r.bolt.when, r.bolt.current && r.bolt.is == event.BoltUnlocked
	}
	return r.contact.when, r.contact.current && r.contact.is == event.ContactOpen
}

// lacks says what is missing for the closure predicate to hold on what was said after a moment; "" when nothing
// is. What an opening moves, the bolt or else the contact, must have spoken since; a contact behind a bolt, which
// nobody may have pushed, counts unchanged if the device was heard since. Of a car every part must have spoken.
func (r reading) lacks(s event.Spec, since moment) string {
	c := s.Closure
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
	case c.Contact && (!c.Bolt && r.bolt.is == "" || s.Vehicle()) && !r.contact.when.after(since):
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

// moved says whether a part changed from what was last said of it, by a stored copy too.
func (r reading) moved() (bolt, contact bool) {
	return r.boltWas.is != "" && r.boltWas.is != r.bolt.is, r.contactWas.is != "" && r.contactWas.is != r.contact.is
}

// movedNow says which part a live report shows to have moved, from a state that was known, where the device leaves
// it possible that a hand did it. What is said for the first time, or after a stored copy, may have stood so for
// long; so may what an answer tells.
func (r reading) movedNow() (bolt, contact bool) {
	if !r.counts || r.o.Origin != event.OriginLive || r.o.Cause == "remote" || r.o.Cause == "auto" {
		return false, false
	}
	return r.boltWas.turned(r.bolt), r.contactWas.turned(r.contact)
}

func (p part[T]) turned(next part[T]) bool { return p.known() && next.known() && p.is != next.is }

// known says whether a current message said in which state the part is.
func (p part[T]) known() bool { return p.current && p.is != "" && p.is != "unknown" }

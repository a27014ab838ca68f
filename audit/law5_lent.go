package audit

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/loquet/loquet/event"
)

// lentWith is what is known of a borrowed barrier when a lease is received: what the lender knew, at the lender's
// times, but never later than it was received.
func lentWith(l entry[event.LeaseReceived]) reading {
	k := takenDown(l.body.Known, l.at)
	when := func(at event.Instant) moment { return moment{at, l.pos} }
	r := reading{pos: l.pos, lent: true, when: l.moment(), reach: k.Reach}
	r.bolt = part[event.Bolt]{k.Bolt, when(k.BoltAt), k.BoltAt != 0}
	r.contact = part[event.Contact]{k.Contact, when(k.ContactAt), k.ContactAt != 0}
	r.boltWas, r.contactWas = r.bolt, r.contact
	if k.ReachedAt != 0 {
		r.reached = when(k.ReachedAt)
	}
	if k.DeviceAt != 0 {
		now := tick{k.DeviceAt, k.DeviceHeard, k.Bolt, k.Contact}
		r.clock = clock{now, []tick{now}}
	}
	return r
}

// takenDown is what was known with no time later than an instant.
func takenDown(k event.Known, at event.Instant) event.Known {
	k.BoltAt, k.ContactAt = min(k.BoltAt, at), min(k.ContactAt, at)
	k.ReachedAt, k.DeviceHeard = min(k.ReachedAt, at), min(k.DeviceHeard, at)
	return k
}

// knew judges what a lender wrote of its knowledge with a grant, and keeps what was heard while it lasted. Nothing
// at all is lawful: so did those who lent before knowledge went with it.
func (x *exam) knew(g entry[event.LeaseGranted]) {
	if g.body.Known != (event.Known{}) {
		x.judge(g.pos, x.whyKnown(g).about("what %s says of %s", g.body.Lease, g.body.Barrier))
	}
	x.leases.lent[lending{g.body.Barrier, event.SiteOf(g.body.Lease)}] = true
	until := x.end()
	if ended, ok := last[event.LeaseEnded](x.history, g.body.Lease, x.end()); ok && ended.pos > g.pos {
		until = ended.pos
	}
	for _, r := range x.readingsBetween(g.body.Barrier, g.pos, until) {
		h := heardOf(g.body.Barrier, r.o)
		x.leases.heard[h] = x.leases.heard[h] || r.counts
	}
}

// whyKnown: each part is what was last said of it, from when that is known, and without a time where only a stored
// copy says so; the device was last heard then, and its clock said that.
func (x *exam) whyKnown(g entry[event.LeaseGranted]) (f faults) {
	k, now := g.body.Known, x.reading(g.body.Barrier, g.pos)
	f.need(k.Bolt == now.bolt.is && k.BoltAt == now.bolt.since(), "its bolt was %s, and is given as %s",
		says(now.bolt.is, now.bolt.since()), says(k.Bolt, k.BoltAt))
	f.need(k.Contact == now.contact.is && k.ContactAt == now.contact.since(), "its contact was %s, and is given as %s",
		says(now.contact.is, now.contact.since()), says(k.Contact, k.ContactAt))
	f.need(k.Reach == now.reach && k.ReachedAt == now.reached.at, "its device was %s, and is given as %s",
		says(now.reach, now.reached.at), says(k.Reach, k.ReachedAt))
	clock := now.clock.latest
	f.need(k.DeviceAt == clock.device && k.DeviceHeard == clock.heard, "its own clock said %s at %s, and is given as %s at %s",
		clock.device, clock.heard, k.DeviceAt, k.DeviceHeard)
	return f
}

// since is the time for which the part is known from a current message; 0 when it isn't.
func (p part[T]) since() event.Instant {
	if !p.current {
		return 0
	}
	return p.when.at
}

func says[T ~string](is T, at event.Instant) string {
	if at == 0 {
		return fmt.Sprintf("%q at no known time", is)
	}
	return fmt.Sprintf("%q at %s", is, at)
}

// told is what a borrower wrote that the lender knew.
type told struct {
	where
	lease   event.LeaseID
	barrier event.BarrierID
	number  uint64
	known   event.Known
}

// toldOf keeps what a lease was received with.
func (x *exam) toldOf(l entry[event.LeaseReceived]) {
	asked, ok := last[event.LeaseAsked](x.history, l.body.Lease, l.pos)
	if ok {
		x.leases.told = append(x.leases.told, told{x.where(l.pos), l.body.Lease, asked.body.Barrier, l.body.Number, l.body.Known})
	}
}

// whyTold: the lender's grant says the same; only a time that is not before the receipt may have been taken down to
// it, or to just before it. Whether there was such a grant, is law 1's.
func (l *leases) whyTold(t told) (f faults) {
	grants := l.granted[granted{t.lease, event.SiteOf(t.barrier)}]
	i := slices.IndexFunc(grants, func(g event.LeaseGranted) bool { return g.Number == t.number })
	if i < 0 {
		return nil
	}
	k := grants[i].Known
	same := t.known == k || t.known == takenDown(k, t.at) || t.known == takenDown(k, t.at-1)
	f.need(same, "the lender's grant says something else of %s", t.barrier)
	return f
}

// lending is a barrier that was granted to a borrower at some time.
type lending struct {
	barrier  event.BarrierID
	borrower event.SiteID
}

// heard is one report of one barrier.
type heard uint64

var seed = maphash.MakeSeed()

func heardOf(b event.BarrierID, o event.Observation) heard {
	return heard(maphash.Comparable(seed, struct {
		b event.BarrierID
		o event.Observation
	}{b, o}))
}

// reliance is an event in a borrower's journal, and the reports of a borrowed barrier of which it needs one at least.
type reliance struct {
	where
	barrier event.BarrierID
	reports []heard
}

// relyOn keeps that the event at a position needs one of the reports of another site's barrier.
func (x *exam) relyOn(b event.BarrierID, pos int, reports ...heard) {
	x.leases.reliances = append(x.leases.reliances, reliance{x.where(pos), b, reports})
}

// relyOnEvidence: the event at a position needs each report that shows a barrier shut. What was known when the lease
// began is judged with the lease. A report that was needed before is not told of again.
func (x *exam) relyOnEvidence(b event.BarrierID, c event.Closure, now reading, pos int) {
	needed := []moment{now.reached}
	if c.Bolt {
		needed = append(needed, now.bolt.when)
	}
	if c.Contact {
		needed = append(needed, now.contact.when)
	}
	for _, m := range needed {
		e, observed := x.events[m.pos].Body.(event.BarrierObserved)
		if h := heardOf(b, e.Observation); observed && event.SiteOf(b) != x.site && !x.leases.relied[h] {
			x.leases.relied[h] = true
			x.relyOn(b, pos, h)
		}
	}
}

// relyOnHands: a take-over needs one of the reports that show a hand; one from the site's own barriers is judged
// here.
func (x *exam) relyOnHands(hands map[event.BarrierID][]reading, pos int) {
	var reports []heard
	var barrier event.BarrierID
	for b, list := range hands {
		if event.SiteOf(b) == x.site {
			return
		}
		for _, r := range list {
			reports, barrier = append(reports, heardOf(b, r.o)), max(barrier, b)
		}
	}
	if len(reports) > 0 {
		x.relyOn(barrier, pos, reports...)
	}
}

// whyHeard: the lender's journal has one of these reports, and by what the lender had heard it was no replay. Where
// it was never lent, law 1 tells.
func (l *leases) whyHeard(r reliance) (f faults) {
	if !l.lent[lending{r.barrier, r.site}] {
		return nil
	}
	known := false
	for _, h := range r.reports {
		counts, has := l.heard[h]
		if counts {
			return nil
		}
		known = known || has
	}
	f.need(known, "it rests on a report of %s that its owner never had", r.barrier)
	f.need(!known, "it rests on a report of %s that was a replay, or a copy, by what its owner had heard", r.barrier)
	return f
}

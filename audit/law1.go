package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Bounds of a reason, which stand here independently of the decisions.
const (
	// mostAccuracy and mostAge are how vague (metres) and how old a courier's position may be.
	mostAccuracy = 50
	mostAge      = 30 * event.Second
	// mostRemote and mostCode are how long a command may be under way, and a code be used.
	mostRemote = 30 * event.Second
	mostCode   = 15 * event.Minute
	// clockWindow is how far a phone's clock may be from ours, with the time that gathering the facts takes.
	clockWindow = 65 * event.Second
	// presence is how long having worked a barrier by hand shows that somebody is there.
	presence = 2 * event.Minute
)

// law1 asks of each order to open, of each code shown and of each lease granted what the reason was, and of each
// enrolment whether somebody had worked the barrier by hand.
func law1(x *exam) {
	for _, e := range every[event.BarrierEnrolled](x.history) {
		x.blame(e.pos, x.whyEnrolled(e).about("%s was enrolled", e.body.Barrier))
	}
	x.spots()
	for _, o := range every[event.OpeningIntended](x.history) {
		p := o.body.Permit
		x.judge(o.pos, x.whyOpened(o).about("%s to open %s", p.ID, p.Barrier))
	}
	for _, s := range every[event.CodeShown](x.history) {
		x.judge(s.pos, x.whyShown(s).about("the code of %s was shown", s.body.Permit))
	}
	for _, g := range every[event.LeaseGranted](x.history) {
		x.judge(g.pos, x.whyGranted(g).about("%s was given %s", g.body.Lease, g.body.Barrier))
	}
}

// whyEnrolled: since it was reserved it was opened by hand from where it was known to be shut, and shut again.
func (x *exam) whyEnrolled(e entry[event.BarrierEnrolled]) (f faults) {
	b := e.body.Barrier
	reserved, ok := last[event.BarrierReserved](x.history, b, e.pos)
	if !ok {
		f.need(false, "it had not been reserved")
		return f
	}
	since, opened := x.openedByHand(b, reserved.pos, e.pos)
	f.need(opened, "nobody had opened it by hand")
	if spec := reserved.body.Spec; opened && spec.Closure.Provable() {
		if spec.Vehicle() {
			since = moment{} // a part that nobody moved is shut by its first word
		}
		lacks := x.reading(b, e.pos).lacks(spec, since)
		f.need(lacks == "", "it was not shut again: %s", lacks)
	}
	return f
}

// openedByHand is when a hand last opened a barrier between two positions.
func (x *exam) openedByHand(b event.BarrierID, after, before int) (moment, bool) {
	for _, now := range slices.Backward(x.readingsBetween(b, after, before)) {
		bolt, contact := now.movedNow()
		if bolt && now.bolt.is == event.BoltUnlocked || contact && now.contact.is == event.ContactOpen {
			return now.when, true
		}
	}
	return moment{}, false
}

func (x *exam) whyOpened(o intent) (f faults) {
	p := o.body.Permit
	v, begun := last[event.VisitBegun](x.history, p.Visit, o.pos)
	if !begun {
		f.need(false, "there was no visit %s", p.Visit)
		return f
	}
	x.visitStands(&f, v, o.pos)
	x.barrierReady(&f, o)
	x.inOrder(&f, o, v)
	x.vehicle(&f, o, v)
	deadline(&f, o)
	switch {
	case v.body.Member != "" || p.Member != "":
		x.rehearsal(&f, o, v)
	default:
		x.byCourier(&f, v, courierOf{p.Courier, p.Key, o.body.Signed}, o.pos)
		x.inTime(&f, o)
		x.inPlace(&f, o, v)
		if p.Recovery {
			x.ajar(&f, o)
		} else {
			x.deliveries(&f, v, o.pos)
		}
	}
	return f
}

// visitStands: begun at an access point that is there, not ended, and not in a member's hands.
func (x *exam) visitStands(f *faults, v visit, pos int) {
	f.need(!x.closed(pos), "the members had moved out")
	f.need(!x.over(v.body.Visit, pos), "the visit had ended")
	f.need(!has[event.VisitTakenOver](x.history, v.body.Visit, -1, pos), "a member had taken over")
	f.need(!has[event.AccessPointRetired](x.history, v.body.AccessPoint, -1, pos), "the access point was retired")
}

// barrierReady: there, worked by hand once, of that device, able to open that way, online, and in nobody else's
// hands.
func (x *exam) barrierReady(f *faults, o intent) {
	p, ready := o.body.Permit, o.body.Ready
	spec, _, known := x.spec(p, o.pos)
	f.need(known, "the barrier is not known here")
	if known {
		able := p.Type == event.PermitRemote && spec.Opens || p.Type == event.PermitCode && spec.Codes
		f.need(able, "its device does not open by %q", p.Type)
		f.need(p.Device == spec.Device, "it names the device %s, and the barrier has %s", p.Device, spec.Device)
	}
	f.need(ready.Barrier == p.Barrier && ready.Reach == event.ReachOnline, "its device was not known to be online")
	if event.SiteOf(p.Barrier) != x.site {
		x.borrowed(f, o)
		return
	}
	f.need(has[event.BarrierEnrolled](x.history, p.Barrier, -1, o.pos), "nobody had worked the barrier by hand")
	f.need(!has[event.BarrierRetired](x.history, p.Barrier, -1, o.pos), "the barrier was retired")
	x.free(f, o)
}

// free: no other visit that opened the barrier still goes on. One whose order may yet happen is law 3's.
func (x *exam) free(f *faults, o intent) {
	for earlier := range backwards[event.OpeningIntended](x.history, o.body.Permit.Barrier, o.pos) {
		p := earlier.body.Permit
		if p.Barrier != o.body.Permit.Barrier {
			continue
		}
		held := p.Visit != o.body.Permit.Visit && x.opened(p, o.pos) && !x.over(p.Visit, o.pos)
		f.need(!held, "the visit %s had opened it and not ended", p.Visit)
		return
	}
}

// inOrder: on the way in, by this type of permit, after every barrier that stands before it was opened.
func (x *exam) inOrder(f *faults, o intent, v visit) {
	p, way := o.body.Permit, x.wayIn(v)
	here := slices.IndexFunc(way, func(r event.BarrierRef) bool { return r.Barrier == p.Barrier })
	if here < 0 {
		f.need(false, "the barrier is not on the way to %s", v.body.AccessPoint)
		return
	}
	f.need(way[here].By == p.Type, "on the way in it is opened by %q, not by %q", way[here].By, p.Type)
	standing := x.standing(p.Visit, o.pos)
	for _, before := range way[:here] {
		opened := slices.ContainsFunc(standing, func(s intent) bool {
			return s.body.Permit.Barrier == before.Barrier && (x.opened(s.body.Permit, o.pos) || x.seenOpen(s, o.pos))
		})
		f.need(opened, "%s stands before it and was not opened", before.Barrier)
	}
}

// seenOpen says whether anything at all showed a barrier open after an intent, an old message included: enough to
// go on to the next one, and never to prove anything.
func (x *exam) seenOpen(o intent, before int) bool {
	return slices.ContainsFunc(x.readingsBetween(o.body.Permit.Barrier, o.pos, before), func(r reading) bool {
		return (r.bolt.is == event.BoltUnlocked || r.contact.is == event.ContactOpen)
	})
}

func deadline(f *faults, o intent) {
	p, most := o.body.Permit, mostRemote
	if p.Type == event.PermitCode {
		most = mostCode
	}
	within := p.Deadline.Since(o.at)
	f.need(within > 0 && within <= most, "its deadline is %s after it, at most %s is right", within.Duration(), most.Duration())
}

func (x *exam) inPlace(f *faults, o intent, v visit) {
	at := o.body.Place
	if (at == event.Place{}) {
		f.need(false, "without a position")
		return
	}
	added, _ := last[event.AccessPointAdded](x.history, v.body.AccessPoint, o.pos)
	f.need(at.Distance >= 0 && at.Distance <= added.body.Radius, "%d m away, and the place ends at %d m", at.Distance, added.body.Radius)
	f.need(at.Accuracy >= 0 && at.Accuracy <= mostAccuracy, "by a position good to %d m only", at.Accuracy)
	f.need(at.Age >= 0 && at.Age <= mostAge, "by a position %s old", at.Age.Duration())
}

// ajar: what a recovery needs instead of a delivery that waits.
func (x *exam) ajar(f *faults, o intent) {
	p := o.body.Permit
	opened := slices.ContainsFunc(x.intents(p.Visit, o.pos), func(s intent) bool {
		return s.body.Permit.Barrier == p.Barrier && x.opened(s.body.Permit, o.pos)
	})
	f.need(p.Type == event.PermitRemote, "a code can't recover")
	f.need(opened, "a recovery of what the visit had not opened")
	spec, _, _ := x.spec(p, o.pos)
	f.need(spec.Reveals != event.RevealsTrunk, "a trunk that opens alone is never in the way of its doors' locks")
	f.need(x.reading(p.Barrier, o.pos).ajar(), "a recovery while its device did not say that it stood ajar")
}

// rehearsal: by a member of the site who has just worked by hand the first barrier that is the site's own.
func (x *exam) rehearsal(f *faults, o intent, v visit) {
	p := o.body.Permit
	f.need(p.Member == v.body.Member && p.Member != "", "it names the member %q, and the visit %q", p.Member, v.body.Member)
	f.need(p.Courier == "" && p.Key == "" && len(v.body.Deliveries) == 0, "a rehearsal has neither courier nor delivery")
	f.need(x.isMember(p.Member, o.pos), "%q did not belong to the site", p.Member)
	f.need(!p.Recovery, "a rehearsal does not recover")
	way, by := x.wayIn(v), v.moment()
	own := slices.IndexFunc(way, func(r event.BarrierRef) bool { return event.SiteOf(r.Barrier) == x.site })
	if spec, _, _ := x.spec(p, o.pos); spec.Vehicle() {
		by = o.moment() // nobody listened to the car before
	}
	f.need(own >= 0 && x.workedByHand(way[own].Barrier, by), "the first barrier of its own had not just been worked by hand")
}

// workedByHand says whether a barrier that no visit of ours had opened moved shortly before a moment.
func (x *exam) workedByHand(b event.BarrierID, by moment) bool {
	for _, now := range slices.Backward(x.readingsBetween(b, -1, by.pos)) {
		if by.at.Since(x.events[now.pos].At) > presence {
			break
		}
		bolt, contact := now.movedNow()
		if (bolt || contact) && by.at.Since(now.when.at) <= presence && !x.inUse(b, now.pos) {
			return true
		}
	}
	return false
}

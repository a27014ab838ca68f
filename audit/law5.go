package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// law5 asks of each end what proved that everything was shut, and of each visit whether what stood open too long
// was told.
func law5(x *exam) {
	for _, s := range every[event.BarrierSecured](x.history) {
		x.judge(s.pos, x.whySecured(s).about("%s was called secured", s.body.Barrier))
	}
	for _, e := range every[event.VisitTakenOver](x.history) {
		x.judge(e.pos, x.whyTakenOver(e).about("%s was taken over", e.body.Visit))
	}
	for _, e := range every[event.VisitEnded](x.history) {
		x.judge(e.pos, x.whyOver(e.body.Visit, e.body.How, e.pos).about("%s ended", e.body.Visit))
	}
	x.parted()
	for _, e := range every[event.DeliveryDelivered](x.history) {
		x.judge(e.pos, x.whyDelivered(e).about("%s was called delivered", e.body.Delivery))
	}
	for _, e := range every[event.CourierReleased](x.history) {
		x.judge(e.pos, x.whyShut(e.body.Visit, e.pos).about("the courier of %s was released", e.body.Visit))
	}
	for _, e := range every[event.LeaseReturned](x.history) {
		x.judge(e.pos, x.whyReturned(e).about("%s was returned", e.body.Lease))
	}
	for _, g := range every[event.LeaseGranted](x.history) {
		x.knew(g)
	}
	for _, l := range every[event.LeaseReceived](x.history) {
		x.toldOf(l)
	}
	for _, v := range every[event.VisitBegun](x.history) {
		x.watchAlarms(v)
	}
	for _, a := range every[event.AlarmAcknowledged](x.history) {
		x.judge(a.pos, x.whyOwned(a).about("the alarm of %s was acknowledged", a.body.Visit))
	}
}

// whySecured: the closure predicate really held, on fresh evidence after the last opening, and the event says what
// the device said.
func (x *exam) whySecured(s entry[event.BarrierSecured]) (f faults) {
	standing := x.standing(s.body.Visit, s.pos)
	i := slices.IndexFunc(standing, func(o intent) bool { return o.body.Permit.Barrier == s.body.Barrier })
	if i < 0 {
		f.need(false, "the visit had not opened it")
		return f
	}
	o := standing[i]
	x.evidence(&f, o, s.pos)
	spec, _, _ := x.spec(o.body.Permit, s.pos)
	f.need(s.body.Grade == spec.Grade, "its evidence is called %q, and is %q", s.body.Grade, spec.Grade)
	f.need(x.claimed(s, spec.Closure), "its device did not say that at the times which it gives")
	return f
}

// claimed says whether the times in the event are times at which the device said so.
func (x *exam) claimed(s entry[event.BarrierSecured], c event.Closure) bool {
	now := x.reading(s.body.Barrier, s.pos)
	reached := now.reached.at == s.body.ReachedAt
	bolt := !c.Bolt || now.bolt.is == event.BoltLocked && now.bolt.when.at == s.body.BoltAt
	contact := !c.Contact || now.contact.is == event.ContactClosed && now.contact.when.at == s.body.ContactAt
	for _, r := range slices.Backward(x.readingsBetween(s.body.Barrier, -1, s.pos)) {
		if reached && bolt && contact {
			break
		}
		reached = reached || r.heardAt(s.body.ReachedAt)
		bolt = bolt || r.boltSaid(event.BoltLocked, s.body.BoltAt)
		contact = contact || r.contactSaid(event.ContactClosed, s.body.ContactAt)
	}
	return reached && bolt && contact
}

// evidence says what is missing for the barrier of an intent to be secured at a position.
func (x *exam) evidence(f *faults, o intent, pos int) {
	p := o.body.Permit
	spec, _, known := x.spec(p, pos)
	since, opened := x.openedSince(o, spec, pos)
	if !known || !opened {
		f.need(false, "%s is not known to have been opened", p.Barrier)
		return
	}
	now := x.reading(p.Barrier, pos)
	lacks := now.lacks(spec, since)
	f.need(lacks == "", "%s: %s", p.Barrier, lacks)
	if lacks == "" {
		x.relyOnEvidence(p.Barrier, spec.Closure, now, pos)
	}
	f.need(lacks != "" || !now.stale(spec, x.events[pos].At), "%s: its device was last heard at %s, longer ago than its horizon", p.Barrier, now.reached.at)
}

// openedSince is the moment after which evidence counts: the last time that the device said that it stood open; or
// else, when its opening became known. Of an order that the device did not confirm, also not before it could have
// arrived for the last time.
func (x *exam) openedSince(o intent, s event.Spec, before int) (moment, bool) {
	since, ok := x.lastOpen(o, s, before)
	if late := wholly(x.mayArrive(o.body.Permit, before)); late.after(since) {
		since = late
	}
	return since, ok
}

func (x *exam) lastOpen(o intent, s event.Spec, before int) (moment, bool) {
	p := o.body.Permit
	if !x.opened(p, before) {
		return moment{}, false
	}
	heard := x.readingsBetween(p.Barrier, o.pos, before)
	if !s.Vehicle() { // every part of a car speaks after the first time
		heard = slices.Clone(heard)
		slices.Reverse(heard)
	}
	for _, r := range heard {
		if seen, open := r.sight(s); open && seen.after(o.moment()) {
			return seen, true
		}
	}
	if at, used := x.usedHandle(p, before); s.Reveals == event.RevealsHandle {
		return wholly(at), used
	}
	for _, r := range all[event.OpeningResolved](x.history, p.ID, before) {
		switch {
		case r.body.Outcome != event.Done:
		case r.body.By == event.BySigns, !p.Recovery && x.seenOpen(o, r.pos):
			return x.lastSign(o, r.pos)
		default:
			return wholly(r.at), true
		}
	}
	return moment{}, false
}

// lastSign is when the barrier last showed itself open after an intent, by any part and by a stored copy too. What
// is opened again for recovery stood open before.
func (x *exam) lastSign(o intent, before int) (moment, bool) {
	for _, r := range slices.Backward(x.readingsBetween(o.body.Permit.Barrier, o.pos, before)) {
		if r.bolt.is == event.BoltUnlocked || r.contact.is == event.ContactOpen {
			return r.when, true
		}
	}
	return o.moment(), o.body.Permit.Recovery
}

// whyShut: every barrier that the visit opened, or may have, is secured; or a member took over; or nothing can
// prove it, its owner accepts that, and the courier said to be out.
func (x *exam) whyShut(v event.VisitID, pos int) (f faults) {
	taken := has[event.VisitTakenOver](x.history, v, -1, pos)
	for _, o := range x.standing(v, pos) {
		p := o.body.Permit
		f.need(p.Type != event.PermitCode || x.forgotten(p.ID, pos), "the device of %s had not forgotten the code", p.Barrier)
		if !taken {
			x.shut(&f, o, pos)
		}
	}
	return f
}

func (x *exam) shut(f *faults, o intent, pos int) {
	p := o.body.Permit
	spec, accepted, _ := x.spec(p, pos)
	if !spec.Closure.Provable() {
		f.need(x.opened(p, pos) || p.Resolve != 0 && x.events[pos].At > p.Resolve, "%s may yet be opened", p.Barrier)
		f.need(accepted, "nothing can prove %s shut, and its owner had not accepted that", p.Barrier)
		f.need(has[event.CloseAsked](x.history, p.Visit, o.pos, pos), "nobody said that %s was closed", p.Barrier)
		return
	}
	if !x.secured(o, pos) {
		f.need(false, "%s was not secured", p.Barrier)
		return
	}
	x.evidence(f, o, pos)
}

// secured says whether the journal called the barrier secured after the intent, and not unsecured since.
func (x *exam) secured(o intent, pos int) bool {
	state := false
	p := o.body.Permit
	for _, at := range x.ofVisit(p.Visit) {
		if at <= o.pos || at >= pos {
			continue
		}
		switch b := x.events[at].Body.(type) {
		case event.BarrierSecured:
			state = state || b.Barrier == p.Barrier
		case event.BarrierUnsecured:
			state = state && b.Barrier != p.Barrier
		}
	}
	return state
}

// whyOver: the end is what it is called, and everything was shut.
func (x *exam) whyOver(v event.VisitID, how event.VisitEnd, pos int) faults {
	f := x.whyShut(v, pos)
	f.need(!x.over(v, pos), "it had ended before")
	f.need(has[event.VisitBegun](x.history, v, -1, pos), "it had never begun")
	right := x.howOver(v, pos)
	f.need(how == right, "it is called %q, and was %q", how, right)
	return f
}

func (x *exam) howOver(v event.VisitID, pos int) event.VisitEnd {
	standing := x.standing(v, pos)
	unprovable := slices.ContainsFunc(standing, func(o intent) bool {
		spec, _, _ := x.spec(o.body.Permit, pos)
		return !spec.Closure.Provable()
	})
	switch {
	case has[event.VisitTakenOver](x.history, v, -1, pos):
		return event.EndTakenOver
	case len(standing) == 0:
		return event.EndUnopened
	case unprovable:
		return event.EndUnproven
	default:
		return event.EndSecured
	}
}

// whyDelivered: in a visit that opened the last barrier and ended so, with one of its parcels.
func (x *exam) whyDelivered(e entry[event.DeliveryDelivered]) faults {
	d := e.body
	f := x.whyShut(d.Visit, e.pos)
	right := x.howOver(d.Visit, e.pos)
	f.need(d.How == right, "it is called %q, and was %q", d.How, right)
	v, ok := last[event.VisitBegun](x.history, d.Visit, e.pos)
	f.need(ok && slices.Contains(v.body.Deliveries, d.Delivery), "it was not part of the visit")
	f.need(!has[event.ParcelTooLarge](x.history, d.Delivery, v.pos, e.pos), "the courier had said that it does not fit")
	f.need(ok && x.through(v, e.pos), "the last barrier had not been opened")
	f.need(has[event.ParcelScanned](x.history, d.Delivery, -1, e.pos), "none of its parcels was scanned")
	return f
}

// through says whether the visit opened the last barrier of its way in.
func (x *exam) through(v visit, pos int) bool {
	way := x.wayIn(v)
	return len(way) > 0 && slices.ContainsFunc(x.standing(v.body.Visit, pos), func(o intent) bool {
		return o.body.Permit.Barrier == way[len(way)-1].Barrier && x.opened(o.body.Permit, pos)
	})
}

// whyReturned: a lease that was spent is held until the visit has ended, or until the order came to nothing. That
// it was returned may be said again.
func (x *exam) whyReturned(e entry[event.LeaseReturned]) (f faults) {
	if has[event.LeaseReturned](x.history, e.body.Lease, -1, e.pos) {
		return nil
	}
	for _, o := range all[event.OpeningIntended](x.history, e.body.Lease, e.pos) {
		p := o.body.Permit
		f.need(x.failed(p.ID, e.pos) || x.over(p.Visit, e.pos), "%s had opened with it, and had not ended", p.Visit)
		f.need(e.body.Spent, "it is called unspent")
	}
	return f
}

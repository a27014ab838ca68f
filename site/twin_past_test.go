package site_test

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// How the twin reads the list of events. Each question is answered by looking through all of it.

func (p past) visit(id event.VisitID) (event.VisitBegun, int) {
	for i, e := range p {
		if b, ok := e.Body.(event.VisitBegun); ok && b.Visit == id {
			return b, i
		}
	}
	return event.VisitBegun{}, 0
}

// visitOf finds the visit that a delivery is part of.
func (p past) visitOf(d event.DeliveryID) (event.VisitBegun, int) {
	for i, e := range p {
		b, ok := e.Body.(event.VisitBegun)
		if !ok || p.ended(b.Visit) {
			continue
		}
		for _, x := range p.stillIn(b, i) {
			if x == d {
				return b, i
			}
		}
	}
	return event.VisitBegun{}, 0
}

func (p past) ended(v event.VisitID) bool {
	_, _, ok := lastOf(p, func(b event.VisitEnded) bool { return b.Visit == v })
	return ok
}

func (p past) takenOver(v event.VisitID) bool {
	_, _, ok := lastOf(p, func(b event.VisitTakenOver) bool { return b.Visit == v })
	return ok
}

// stillIn lists the deliveries with which a visit began and which did not leave it since.
func (p past) stillIn(v event.VisitBegun, begun int) []event.DeliveryID {
	var in []event.DeliveryID
	for _, d := range v.Deliveries {
		if !p[begun:].left(d) {
			in = append(in, d)
		}
	}
	return in
}

func (p past) left(d event.DeliveryID) bool {
	for _, e := range p {
		switch b := e.Body.(type) {
		case event.BlockAnswered:
			if b.Delivery == d && b.Verdict == event.BlockWon {
				return true
			}
		case event.CourierUnassigned:
			if b.Delivery == d {
				return true
			}
		case event.DeliveryDiverted:
			if b.Delivery == d {
				return true
			}
		}
	}
	return p.over(d)
}

// over says whether the promise has ended.
func (p past) over(d event.DeliveryID) bool {
	for _, e := range p {
		switch b := e.Body.(type) {
		case event.DeliveryCancelled:
			if b.Delivery == d {
				return true
			}
		case event.DeliveryExpired:
			if b.Delivery == d {
				return true
			}
		case event.DeliveryDelivered:
			if b.Delivery == d {
				return true
			}
		case event.DeliveryReturned:
			if b.Delivery == d {
				return true
			}
		case event.DeliveryDiverted:
			if b.Delivery == d && b.To.Kind != event.FallbackAccessPoint {
				return true
			}
		}
	}
	return false
}

func (p past) blocked(d event.DeliveryID) bool {
	_, _, ok := lastOf(p, func(b event.BlockAnswered) bool {
		return b.Delivery == d && (b.Verdict == event.BlockWon || b.Verdict == event.BlockFromHere)
	})
	return ok
}

func (p past) consented(d event.DeliveryID, at event.Instant) bool {
	var spans []event.Span
	for _, e := range p {
		switch b := e.Body.(type) {
		case event.DeliveryConsented:
			if b.Delivery == d {
				spans = b.Allowed
			}
		case event.DeliveryUnconsented:
			if b.Delivery == d {
				spans = nil
			}
		}
	}
	return event.Within(spans, at)
}

// parcel says whether a parcel was scanned, or declared missing, in a visit.
func (p past) parcel(begun int, v event.VisitID, code event.Commitment) (scanned, missing bool) {
	for _, e := range p[begun:] {
		switch b := e.Body.(type) {
		case event.ParcelScanned:
			scanned = scanned || b.Visit == v && b.Parcel == code
		case event.ParcelMissing:
			missing = missing || b.Visit == v && b.Parcel == code
		}
	}
	return scanned, missing
}

func (p past) rules() event.Rules {
	if r, _, ok := lastOf(p, func(event.RulesSet) bool { return true }); ok {
		return r.Rules
	}
	return event.Rules{Dwell: 5 * event.Minute, Climb: event.Minute, Watch: true}
}

func (p past) radius(a event.AccessPointID) int {
	b, _, _ := lastOf(p, func(b event.AccessPointAdded) bool { return b.AccessPoint == a })
	return b.Radius
}

func (p past) wayIn(a event.AccessPointID) []event.BarrierRef {
	b, _, _ := lastOf(p, func(b event.AccessPointAdded) bool { return b.AccessPoint == a })
	return b.WayIn
}

func (p past) enrolled(id event.BarrierID) bool {
	_, _, ok := lastOf(p, func(b event.BarrierEnrolled) bool { return b.Barrier == id })
	return ok
}

// spec is what a barrier's device can do: our own, or as its owner lent it.
func (p past) spec(id event.BarrierID) event.Spec {
	if b, _, ok := lastOf(p, func(b event.BarrierReserved) bool { return b.Barrier == id }); ok {
		return b.Spec
	}
	for _, e := range p {
		r, ok := e.Body.(event.LeaseReceived)
		asked, _, _ := lastOf(p, func(a event.LeaseAsked) bool { return a.Lease == r.Lease })
		if ok && asked.Barrier == id {
			return r.Spec
		}
	}
	return event.Spec{}
}

func (p past) suspendedSince(begun int, c event.CourierID) bool {
	_, _, ok := lastOf(p[begun:], func(b event.CourierSuspended) bool { return b.Courier == c })
	return ok
}

func (p past) permit(id event.PermitID) event.Permit {
	b, _, _ := lastOf(p, func(b event.OpeningIntended) bool { return b.Permit.ID == id })
	return b.Permit
}

func (p past) cameToNothing(id event.PermitID) bool {
	r, _, ok := lastOf(p, func(r event.OpeningResolved) bool { return r.Permit == id })
	return ok && r.Outcome == event.NotDone
}

// sawOpen: somebody or something says that the barrier was opened in this visit.
func (p past) sawOpen(v event.VisitID, id event.BarrierID) bool {
	o, _, ok := lastOf(p, func(o event.OpeningIntended) bool { return o.Permit.Visit == v && o.Permit.Barrier == id })
	if !ok {
		return false
	}
	_, _, done := lastOf(p, func(r event.OpeningResolved) bool { return r.Permit == o.Permit.ID && r.Outcome == event.Done })
	_, _, seen := lastOf(p, func(x event.BarrierObserved) bool {
		return x.Visit == v && x.Barrier == id && (x.Observation.Bolt == event.BoltUnlocked || x.Observation.Contact == event.ContactOpen)
	})
	if o.Permit.Type == event.PermitCode {
		return p.codeUsed(o.Permit)
	}
	return done || seen
}

// codeUsed: the device said, after the code was shown, that the barrier stands open, and that was called so; where
// nothing can prove it shut, the showing is enough.
func (p past) codeUsed(permit event.Permit) bool {
	_, at, shown := lastOf(p, func(s event.CodeShown) bool { return s.Permit == permit.ID })
	_, _, said := lastOf(p, func(r event.OpeningResolved) bool { return r.Permit == permit.ID && r.By == event.BySight })
	seen := p.saidNow(permit, at, event.BoltUnlocked, event.ContactOpen)
	return shown && (said && seen || !p.spec(permit.Barrier).Closure.Provable())
}

// saidNow: a live report, or the answer to a question from since then, said one of these in the permit's visit.
func (p past) saidNow(permit event.Permit, since event.Instant, bolt event.Bolt, contact event.Contact) bool {
	_, _, said := lastOf(p, func(x event.BarrierObserved) bool {
		o := x.Observation
		now := o.Origin == event.OriginLive && o.ReceivedAt >= since || o.Origin == event.OriginAnswer && o.AskedAt >= since
		return x.Visit == permit.Visit && x.Barrier == permit.Barrier && now &&
			(bolt != "" && o.Bolt == bolt || contact != "" && o.Contact == contact)
	})
	return said
}

// lastSaid is what the device said last of each part, however it came; of a borrowed barrier, since the lease and
// what its lender knew.
func (p past) lastSaid(id event.BarrierID) (bolt event.Bolt, contact event.Contact) {
	for _, e := range p {
		if l, ok := e.Body.(event.LeaseReceived); ok && p.leased(l.Lease) == id {
			bolt, contact = l.Known.Bolt, l.Known.Contact
		}
		if b, ok := e.Body.(event.BarrierObserved); ok && b.Barrier == id {
			if b.Observation.Bolt != "" {
				bolt = b.Observation.Bolt
			}
			if b.Observation.Contact != "" {
				contact = b.Observation.Contact
			}
		}
	}
	return bolt, contact
}

// lastHeard is where the last word of any device stands; -1 for nowhere.
func (p past) lastHeard() int {
	for i, e := range slices.Backward(p) {
		if _, ok := e.Body.(event.BarrierObserved); ok {
			return i
		}
	}
	return -1
}

// saidOther says whether a part was ever said to stand otherwise, or a lender knew so.
func (p past) saidOther(id event.BarrierID, bolt event.Bolt, contact event.Contact) bool {
	other := func(b event.Bolt, c event.Contact) bool {
		return bolt != "" && b != "" && b != event.BoltUnknown && b != bolt ||
			contact != "" && c != "" && c != event.ContactUnknown && c != contact
	}
	_, _, said := lastOf(p, func(b event.BarrierObserved) bool {
		return b.Barrier == id && other(b.Observation.Bolt, b.Observation.Contact)
	})
	_, _, known := lastOf(p, func(b event.LeaseReceived) bool {
		return p.leased(b.Lease) == id && other(b.Known.Bolt, b.Known.Contact)
	})
	return said || known
}

// leased is the barrier that a lease was asked for.
func (p past) leased(l event.LeaseID) event.BarrierID {
	b, _, _ := lastOf(p, func(b event.LeaseAsked) bool { return b.Lease == l })
	return b.Barrier
}

func (p past) notAjar(permit event.Permit) string {
	bolt, contact := p.lastSaid(permit.Barrier)
	if bolt != event.BoltLocked || contact != event.ContactOpen {
		return "it does not stand ajar"
	}
	return ""
}

func (p past) asked(l event.LeaseID) event.Signed {
	b, _, _ := lastOf(p, func(b event.LeaseAsked) bool { return b.Lease == l })
	return b.Signed
}

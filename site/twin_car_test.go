package site_test

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// The twin on cars: found before they are opened, as the household accepted it, and heard of by nobody between visits
// unless it is asked for.

func (p past) terms(a event.AccessPointID) event.VehicleTerms {
	b, _, _ := lastOf(p, func(b event.AccessPointAdded) bool { return b.AccessPoint == a })
	return b.Vehicle
}

// noCar: the last that was found of the car in this visit, no older than five minutes, lets it be opened.
func (p past) noCar(e event.Event, b event.OpeningIntended) string {
	v, begun := p.visit(b.Permit.Visit)
	terms, spec := p.terms(v.AccessPoint), p.spec(b.Permit.Barrier)
	if terms.Reveals != spec.Reveals || terms.Reveals != b.Ready.Reveals {
		return "the car opens otherwise than was accepted"
	}
	if terms.Reveals == "" || b.Permit.Recovery {
		return ""
	}
	found, _, ok := lastOf(p[begun:], func(f event.VehicleFound) bool { return f.Visit == v.Visit })
	seen := found.Seen
	old := seen.Age == event.AgeUnknown || seen.Age > 72*event.Hour
	switch {
	case !ok || seen.Fault != "" || found.Code != "":
		return "the car was not found"
	case e.At.Since(seen.AskedAt) > 5*event.Minute || seen.AskedAt < p[begun].At:
		return "the car was found too long ago"
	case seen.Distance > terms.Within || seen.Motion != event.MotionParked || old:
		return "the car is not where it should be"
	case seen.Bolt != event.BoltLocked || seen.Contact != event.ContactClosed:
		return "the car was not locked and closed"
	case p.indoors(v.AccessPoint):
		return "the car stands indoors"
	case p.unconsented(v.AccessPoint):
		return "the consent at the car's maker is gone"
	}
	bolt, contact := p[begun:].lastSaid(b.Permit.Barrier)
	if bolt != "" && bolt != event.BoltLocked || contact != "" && contact != event.ContactClosed {
		return "the car said since that it is open"
	}
	return ""
}

// unconsented: the last that was heard of the car is that its consent is gone; or its household took it out, ever.
func (p past) unconsented(a event.AccessPointID) bool {
	found, _, _ := lastOf(p, func(f event.VehicleFound) bool { return f.AccessPoint == a })
	_, _, parted := lastOf(p, func(f event.VehicleFound) bool { return f.AccessPoint == a && f.Seen.Fault == event.VehicleParted })
	return parted || found.Seen.Fault == event.VehicleRevoked
}

// indoors: the last word of the household, unless the car has moved since.
func (p past) indoors(a event.AccessPointID) bool {
	for _, e := range slices.Backward(p) {
		switch b := e.Body.(type) {
		case event.SpotDescribed:
			if b.AccessPoint == a {
				return b.Indoors
			}
		case event.VehicleFound:
			if b.AccessPoint == a && b.Seen.Fault == "" && b.Seen.FromSpot > 40 {
				return false
			}
		}
	}
	return false
}

// spotKnown: the household is asked where its car stands only if it never said so, or the car has moved since, or was
// found before and nobody knows any more where.
func (p past) spotKnown(b event.SpotAsked) string {
	forgotten := false
	for _, e := range slices.Backward(p) {
		switch x := e.Body.(type) {
		case event.SpotDescribed:
			if x.AccessPoint == b.AccessPoint {
				return "the household has said where its car stands"
			}
		case event.VehicleFound:
			if x.AccessPoint != b.AccessPoint || x.Seen.Fault != "" {
				continue
			}
			if forgotten || x.Seen.FromSpot > 40 {
				return ""
			}
			forgotten = x.Seen.FromSpot == event.SpotUnknown
		}
	}
	return ""
}

// overheard: a car is heard while it is enrolled, in visits, and where the household asked for it; and no charge ever.
func (p past) overheard(b event.BarrierObserved) string {
	if p.spec(b.Barrier).Reveals == "" {
		return ""
	}
	if b.Observation.Battery != 0 {
		return "a car's charge is written down"
	}
	if !p.enrolled(b.Barrier) || p.rules().WatchCars {
		return ""
	}
	for _, e := range p {
		v, ok := e.Body.(event.VisitBegun)
		if ok && !p.ended(v.Visit) && slices.ContainsFunc(p.wayIn(v.AccessPoint), func(r event.BarrierRef) bool { return r.Barrier == b.Barrier }) {
			return ""
		}
	}
	return "a car is heard to which nobody listens"
}

// foundUnasked: nobody says that a car was found for which nobody looked, but that the consent is gone; and none is taken
// out that a visit needs.
func (p past) foundUnasked(b event.VehicleFound) string {
	switch {
	case b.Seen.Fault == event.VehicleParted && (b.Round != "" || p.visited(b.AccessPoint)):
		return "a car was taken out that was looked for, or visited"
	case b.Seen.Fault == event.VehicleParted, b.Round == "" && b.Seen.Fault == event.VehicleRevoked:
		return ""
	}
	sought, at, ok := lastOf(p, func(s event.VehicleSought) bool {
		return s.AccessPoint == b.AccessPoint && s.Visit == b.Visit && s.Delivery == b.Delivery
	})
	_, found, answered := lastOf(p, func(f event.VehicleFound) bool {
		return f.AccessPoint == b.AccessPoint && f.Visit == b.Visit && f.Delivery == b.Delivery && f.Round != ""
	})
	if !ok || sought.Round != b.Round || b.Seen.AskedAt < at || answered && found > at {
		return "nobody had looked for the car, or had the answer"
	}
	return ""
}

// visited: a visit to the place goes on.
func (p past) visited(a event.AccessPointID) bool {
	return slices.ContainsFunc(p, func(e event.Event) bool {
		v, ok := e.Body.(event.VisitBegun)
		return ok && v.AccessPoint == a && !p.ended(v.Visit)
	})
}

// carUnproven: of a car every part has spoken since it was opened; and where only its handle was freed, and the bolt never
// said that it was used, after that could be used for the last time.
func (p past) carUnproven(o event.OpeningIntended, at event.Instant, b event.BarrierSecured) string {
	spec := p.spec(b.Barrier)
	if spec.Reveals == "" {
		return ""
	}
	if b.BoltAt <= at || b.ContactAt <= at {
		return "a part of the car has not spoken since the order"
	}
	used := p.saidNow(o.Permit, at, event.BoltUnlocked, "") || p.cameToNothing(o.Permit.ID)
	if spec.Reveals == event.RevealsHandle && !used && min(b.BoltAt, b.ContactAt) <= o.Permit.Resolve {
		return "the handle may still be free"
	}
	return ""
}

// tooLarge: the courier said in this visit that it does not fit.
func (p past) tooLarge(d event.DeliveryID, v event.VisitID) bool {
	_, _, said := lastOf(p, func(b event.ParcelTooLarge) bool { return b.Delivery == d && b.Visit == v })
	return said
}

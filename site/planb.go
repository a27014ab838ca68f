package site

import (
	"github.com/loquet/loquet/event"
)

// FollowPlanB says that the courier took the next step of plan B, or found nobody there.
type FollowPlanB struct {
	Delivery event.DeliveryID
	// Shown is the step that the courier saw and did; zero when they don't say. The household may have changed the order
	// meanwhile.
	Shown  event.Fallback
	Nobody bool
	Photo  event.Commitment
}

func (r FollowPlanB) decide(t *turn) error {
	courier, err := t.courier()
	if err != nil {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok {
		return unknown("delivery", string(r.Delivery))
	}
	next, step := t.PlanB(d)
	if r.Shown != (event.Fallback{}) && r.Shown != next {
		return notNow("another step of plan B comes next")
	}
	if code := t.gatePlanB(courier, d, next); code != "" {
		return t.refuse(event.Refused{Asked: event.AskedPlanB, Code: code, Delivery: d.ID, Visit: d.Visit})
	}
	t.say(event.PlanBFollowed{Delivery: d.ID, Step: step, Fallback: next, Nobody: r.Nobody, Photo: r.Photo, Signed: t.facts.Signed})
	switch {
	case r.Nobody:
	case next.Kind == event.FallbackDepot:
		t.say(event.DeliveryReturned{Delivery: d.ID})
	default:
		t.say(event.DeliveryDiverted{Delivery: d.ID, To: next})
	}
	return nil
}

// TooLarge is the courier's word that a delivery of the visit does not fit into the access point: before anything was
// opened, or when it stands open. It is not left there, and what comes next is plan B.
type TooLarge struct {
	Visit    event.VisitID
	Delivery event.DeliveryID
}

func (r TooLarge) decide(t *turn) error {
	v, ok, err := t.ofVisit(r.Visit, event.AskedTooLarge)
	if !ok {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	switch {
	case !ok:
		return unknown("delivery", string(r.Delivery))
	case d.Visit != v.ID:
		return t.refuse(event.Refused{Asked: event.AskedTooLarge, Code: event.WrongParcel, Visit: v.ID, Delivery: d.ID})
	case !d.TooLarge:
		t.say(event.ParcelTooLarge{Visit: v.ID, Delivery: d.ID, Signed: t.facts.Signed})
	}
	return nil
}

// PlanB is the step of plan B that comes next for a delivery, and its place in the order.
func (s State) PlanB(d Delivery) (event.Fallback, int) {
	steps := s.Fallbacks(d)
	for i := d.PlanB; i < len(steps); i++ {
		if s.possible(steps[i], d) {
			return steps[i], i
		}
	}
	return event.Fallback{Kind: event.FallbackDepot}, len(steps) - 1
}

// Fallbacks are all steps of plan B for a delivery, in order: the household's own, and at the end the depot. Where it chose
// none, what is for a car goes to its reference address first.
func (s State) Fallbacks(d Delivery) []event.Fallback {
	steps := s.Rules.PlanB
	if ap, _ := find(s.AccessPoints, d.AccessPoint); ap.IsVehicle() && len(steps) == 0 {
		steps = []event.Fallback{{Kind: event.FallbackReference}}
	}
	return add(steps, event.Fallback{Kind: event.FallbackDepot})
}

// possible says whether a step means anything for a delivery. What was blocked goes to no other access point, and nothing
// but a car has a reference address.
func (s State) possible(f event.Fallback, d Delivery) bool {
	switch f.Kind {
	case event.FallbackAccessPoint:
		_, there := find(s.AccessPoints, f.AccessPoint)
		return there && !d.Blocked && f.AccessPoint != d.AccessPoint
	case event.FallbackReference:
		ap, _ := find(s.AccessPoints, d.AccessPoint)
		return ap.IsVehicle()
	default:
		return true
	}
}

func (t *turn) gatePlanB(courier event.CourierID, d Delivery, next event.Fallback) event.Code {
	switch {
	case d.Courier != courier:
		return event.WrongCourier
	case d.Key != t.facts.Signed.Key:
		return event.WrongDevice
	case t.replayed():
		return event.ProofReused
	case t.intendedFor(d):
		return event.NotSecured
	case next.Kind == event.FallbackDepot, !t.placeKnown(d):
		return ""
	case d.TooLarge && next.Kind == event.FallbackAccessPoint:
		return "" // the courier was there to find that out, and the next place asks anew where the courier is
	case t.at < d.Window.From:
		return event.TooEarly
	}
	return t.checkPlace(Visit{AccessPoint: d.AccessPoint})
}

// placeKnown says whether the delivery's access point still stands, so that being there means something.
func (s State) placeKnown(d Delivery) bool {
	_, ok := find(s.AccessPoints, d.AccessPoint)
	return ok
}

var tooLargeEvolver = on(func(s *State, _ event.Event, b event.ParcelTooLarge) {
	if v, _ := find(s.Visits, b.Visit); !v.intended() {
		s.leaveVisit(b.Delivery)
	}
	edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.TooLarge = true })
})

var planBEvolver = on(func(s *State, _ event.Event, b event.PlanBFollowed) {
	edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.PlanB = b.Step + 1 })
})

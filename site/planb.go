package site

import (
	"github.com/loquet/loquet/event"
)

// FollowPlanB says that the courier took the next step of plan B, or found nobody there.
type FollowPlanB struct {
	Delivery event.DeliveryID
	Nobody   bool
	Photo    event.Commitment
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

// PlanB is the step of plan B that comes next for a delivery, and its place in the order: at the end of the
// household's own steps, the depot. What was blocked goes to no other access point.
func (s State) PlanB(d Delivery) (event.Fallback, int) {
	for i := d.PlanB; i < len(s.Rules.PlanB); i++ {
		f := s.Rules.PlanB[i]
		_, there := find(s.AccessPoints, f.AccessPoint)
		if f.Kind == event.FallbackAccessPoint && (!there || d.Blocked || f.AccessPoint == d.AccessPoint) {
			continue
		}
		return f, i
	}
	return event.Fallback{Kind: event.FallbackDepot}, len(s.Rules.PlanB)
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

var planBEvolver = on(func(s *State, _ event.Event, b event.PlanBFollowed) {
	edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.PlanB = b.Step + 1 })
})

package site

import (
	"github.com/loquet/loquet/event"
)

// Car is what is known of the car that an access point is.
type Car struct {
	// Spot commits to the household's words for where it stands, and Described is when they were given: 0 when nobody
	// said, or the car has moved since. Indoors: it can't be reached there.
	Spot      event.Commitment `json:"spot,omitempty"`
	Described event.Instant    `json:"described,omitempty"`
	Indoors   bool             `json:"indoors,omitempty"`
	// Anchored: it was found since it was described, so that it is known where it stood then, for as long as that is kept.
	Anchored bool `json:"anchored,omitempty"`
	// Parted: the household took it out, or withdrew its consent at the maker, for good.
	Parted bool `json:"parted,omitempty"`
	// Look is that for the spot; Found and Code are of the last look of any kind.
	Look  Look          `json:"look,omitzero"`
	Found event.Instant `json:"found,omitempty"`
	Code  event.Code    `json:"code,omitempty"`
}

// mostDrift is how far from its spot a car may seem to stand without having moved, in metres: what the positions of two
// moments may differ by between houses.
const mostDrift = 40

// hasMoved says whether the car stands elsewhere than where it stood when its spot was described.
func hasMoved(s event.Sighting) bool { return s.Fault == "" && s.FromSpot > mostDrift }

// describedSince says whether the household said where the car stands after it was asked what was seen: that says nothing
// of the spot. The look for a spot is asked for in the instant of its description.
func (c Car) describedSince(s event.Sighting, round event.Round) bool {
	return s.AskedAt < c.Described || s.AskedAt == c.Described && round != event.RoundSpot
}

// find folds what came of looking for the car. One that has moved stands nowhere that anybody described, and neither does
// one of which nobody knows any more where it stood then.
func (c *Car) find(b event.VehicleFound) {
	c.Found, c.Code, c.Parted = b.Seen.AskedAt, b.Code, c.Parted || b.Seen.Fault == event.VehicleParted
	switch {
	case b.Seen.Fault != "", c.describedSince(b.Seen, b.Round):
	case hasMoved(b.Seen), c.forgotten(b.Seen):
		c.Spot, c.Described, c.Indoors, c.Anchored = "", 0, false, false
	default:
		c.Anchored = c.Described != 0
	}
}

// forgotten says whether where the car stood when it was described is kept no longer. What was said to be indoors stays
// so until it is found elsewhere.
func (c *Car) forgotten(s event.Sighting) bool {
	return c.Anchored && !c.Indoors && s.FromSpot == event.SpotUnknown
}

// shuts says why nothing of the car is opened, whatever is found of it; "" when nothing is known against it.
func (c Car) shuts() event.Code {
	switch {
	case c.Parted:
		return event.CarRevoked
	case c.Indoors:
		return event.CarIndoors
	}
	return ""
}

// DescribeSpot is a member's word for where the car stands: "level 2, next to the blue pillar".
type DescribeSpot struct {
	AccessPoint event.AccessPointID
	Spot        event.Commitment
	// Indoors: where it can't be reached, such as an underground garage.
	Indoors bool
}

func (r DescribeSpot) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	ap, ok := find(t.AccessPoints, r.AccessPoint)
	switch {
	case !ok:
		return unknown("access point", string(r.AccessPoint))
	case !ap.IsVehicle():
		return Invalid{"accessPoint", "it is no car, and stands where it stands"}
	case r.Spot == "" && !r.Indoors:
		return Invalid{"spot", "say where the car stands"}
	}
	t.say(event.SpotDescribed{AccessPoint: ap.ID, Spot: r.Spot, Indoors: r.Indoors, By: t.facts.Actor})
	if !ap.Car.Look.pending(t.at) && !ap.Car.Parted {
		t.say(event.VehicleSought{AccessPoint: ap.ID, Round: event.RoundSpot})
	}
	return nil
}

// askSpot asks the household where the car of a visit stands, if nobody has said so.
func (t *turn) askSpot(id event.VisitID) {
	v, _ := find(t.Visits, id)
	ap, _ := find(t.AccessPoints, v.AccessPoint)
	if ap.IsVehicle() && ap.Car.Described == 0 && !v.rehearsal() {
		t.say(event.SpotAsked{AccessPoint: ap.ID, Visit: id, Round: event.RoundApproach})
	}
}

// askSpotAgain asks when the car was found as it should be, but has moved since it was described. Nobody waits for the
// answer: the car itself says where it stands, and the words only help to find it.
func (t *turn) askSpotAgain(found event.VehicleFound) {
	ap, _ := find(t.AccessPoints, found.AccessPoint)
	v, visiting := find(t.Visits, found.Visit)
	d, due := find(t.Deliveries, found.Delivery)
	unasked := visiting && !v.rehearsal() && !v.SpotAsked || due && !d.SpotAsked
	if found.Code == "" && ap.Car.Described == 0 && unasked {
		t.say(event.SpotAsked{AccessPoint: ap.ID, Delivery: found.Delivery, Visit: found.Visit, Round: found.Round})
	}
}

var spotEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.SpotDescribed) {
		edit(&s.AccessPoints, b.AccessPoint, func(x *AccessPoint) {
			x.Car.Spot, x.Car.Described, x.Car.Indoors, x.Car.Anchored = b.Spot, e.At, b.Indoors, false
		})
		s.markSpotAsked(b.AccessPoint, func(event.VisitID, event.DeliveryID) bool { return true }, false)
	}),
	on(func(s *State, _ event.Event, b event.SpotAsked) {
		asked := func(v event.VisitID, d event.DeliveryID) bool {
			return v != "" && v == b.Visit || d != "" && d == b.Delivery
		}
		s.markSpotAsked(b.AccessPoint, asked, true)
	}),
}

// markSpotAsked notes of visits and deliveries to a car whether the household was asked for its spot.
func (s *State) markSpotAsked(ap event.AccessPointID, which func(event.VisitID, event.DeliveryID) bool, asked bool) {
	for _, v := range s.Visits {
		if v.AccessPoint == ap && which(v.ID, "") {
			edit(&s.Visits, v.ID, func(x *Visit) { x.SpotAsked = asked })
		}
	}
	for _, d := range s.Deliveries {
		if d.AccessPoint == ap && which("", d.ID) {
			edit(&s.Deliveries, d.ID, func(x *Delivery) { x.SpotAsked = asked })
		}
	}
}

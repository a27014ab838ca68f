package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// How far a car may stand from the reference address when the household chose nothing, in metres.
const defaultWithin = 300

const (
	// sightingLife is how long what was found of a car lets something be opened.
	sightingLife = 5 * event.Minute
	// seekAgain is when a car that was not fit to be opened may be looked for again. seekLife is how long an answer is
	// waited for: a car that sleeps takes its time.
	seekAgain = 30 * event.Second
	seekLife  = 2 * event.Minute
	// lookTwice is when a car is looked for again of which nobody knows whether it moves: its connector compares the two.
	lookTwice = 50 * event.Second
	// checkingTakes is after how long a courier may try again whose car is being looked for.
	checkingTakes = 10 * event.Second
	// mostBusy is how long a maker's limit is believed before the connector is asked anew.
	mostBusy = event.Hour
	// mostPositionAge is how old a car's position may be. One that says to be parked has not left it since, but falls
	// asleep after some days: what is older than mostParkedAge, it has not said.
	mostPositionAge = 5 * event.Minute
	mostParkedAge   = 3 * event.Day
)

// Look is how far looking for a car has come: for a visit, for a delivery the day before, for a spot that was described.
type Look struct {
	Round  event.Round   `json:"round,omitempty"`
	Sought event.Instant `json:"sought,omitempty"`
	// Pending: the answer to the question of Sought has not come.
	Pending bool `json:"pending,omitempty"`
	// Found is of when the last answer is, Code why nothing may be opened by it, RetryAt when the maker can be asked
	// again.
	Found   event.Instant `json:"found,omitempty"`
	Code    event.Code    `json:"code,omitempty"`
	RetryAt event.Instant `json:"retryAt,omitempty"`
}

// pending says whether an answer may still come.
func (l Look) pending(at event.Instant) bool { return l.Pending && at.Since(l.Sought) < seekLife }

// outdated says whether what was found says nothing of now.
func (l Look) outdated(at event.Instant) bool {
	if l.Code == "" {
		return l.Found == 0 || at.Since(l.Found) > sightingLife
	}
	return at >= max(l.Found.Add(seekAgain), l.RetryAt)
}

func (l *Look) sought(round event.Round, at event.Instant) {
	l.Round, l.Sought, l.Pending = round, at, true
}

func (l *Look) found(b event.VehicleFound) {
	l.Pending, l.Found, l.Code, l.RetryAt = false, b.Seen.AskedAt, b.Code, b.Seen.RetryAt
	if b.Code == event.CarChecking {
		l.RetryAt = b.Seen.AskedAt.Add(lookTwice)
	}
}

// IsVehicle says whether the access point is a car.
func (a AccessPoint) IsVehicle() bool { return a.Vehicle.Reveals != "" }

// checkTerms asks a car's terms of a way in that is a car, and no other: one barrier, opened remotely, that lays open
// exactly what the member accepts.
func (t *turn) checkTerms(r AddAccessPoint) error {
	var car Barrier
	for _, step := range r.WayIn {
		if b, ours := find(t.Barriers, step.Barrier); ours && b.Spec.Vehicle() {
			car = b
		}
	}
	switch {
	case r.Vehicle == event.VehicleTerms{} && car.ID == "":
		return nil
	case car.ID == "" || len(r.WayIn) != 1 || r.WayIn[0].By != event.PermitRemote:
		return Invalid{"wayIn", "a car is a way in of its own, and opened remotely"}
	case r.Vehicle.Reveals != car.Spec.Reveals:
		return Invalid{"vehicle.reveals", "its opening lays open " + string(car.Spec.Reveals) + ", and exactly that must be accepted"}
	case r.Vehicle.Within < leastRadius || r.Vehicle.Within > mostRadius:
		return Invalid{"vehicle.within", "from 10 to 1000 metres"}
	}
	return nil
}

// checkVehicle refuses a car that could not be found again, or of which nobody could say whether it is shut.
func checkVehicle(is event.BarrierKind, s event.Spec) error {
	switch s.Reveals {
	case "", event.RevealsTrunk, event.RevealsHandle, event.RevealsCar:
	default:
		return Invalid{"device", "it lays open something that is not known"}
	}
	switch {
	case s.Vehicle() != (is == event.Trunk || is == event.Cabin):
		return Invalid{"is", "a trunk or a cabin is a car's, and a car has nothing else"}
	case !s.Vehicle():
		return nil
	case is == event.Cabin && s.Reveals != event.RevealsCar:
		return Invalid{"is", "its opening does not reach the cabin"}
	case !s.Locates || !s.Opens || !s.Closure.Bolt || !s.Closure.Contact:
		return Invalid{"device", "a car tells where it stands, and whether it is locked and closed, and takes a command to open"}
	case (s.Reveals == event.RevealsHandle) != (s.Window > 0) || s.Window > event.Hour:
		return Invalid{"device.window", "for how long the trunk's handle is free, up to 1 hour"}
	}
	return nil
}

// seek has the car of a visit looked for, unless that is under way, or what was found still says enough. What was opened
// is watched by its own device.
func (t *turn) seek(id event.VisitID, round event.Round) {
	v, _ := find(t.Visits, id)
	ap, _ := find(t.AccessPoints, v.AccessPoint)
	if !ap.IsVehicle() || v.intended() || v.Look.pending(t.at) || !v.Look.outdated(t.at) {
		return
	}
	if v.rehearsal() {
		round = event.RoundRehearsal
	}
	t.say(event.VehicleSought{AccessPoint: ap.ID, Visit: id, Round: round})
}

// againAt is when the car of a visit is looked for again without anybody asking: shortly after the visit began, while
// nobody knows whether the car moves; else 0.
func (v Visit) againAt() event.Instant {
	at := v.Look.RetryAt
	if v.Look.Code != event.CarChecking || v.Look.Pending || v.intended() || at > v.Begun.Add(sightingLife) {
		return 0
	}
	return at
}

func (t *turn) settleLook(v Visit) bool {
	if at := v.againAt(); at == 0 || at > t.at {
		return false
	}
	t.seek(v.ID, v.Look.Round)
	return true
}

// seekDayBefore has the car of a delivery looked for in good time for the household to do something about it.
func (t *turn) seekDayBefore(d Delivery) {
	ap, _ := find(t.AccessPoints, d.AccessPoint)
	t.say(event.VehicleSought{AccessPoint: ap.ID, Delivery: d.ID, Round: event.RoundDayBefore})
	if ap.Car.Described == 0 {
		t.say(event.SpotAsked{AccessPoint: ap.ID, Delivery: d.ID, Round: event.RoundDayBefore})
	}
}

// seeksDayBefore says whether the car of a delivery is still to be looked for the day before.
func (s State) seeksDayBefore(d Delivery) bool {
	ap, _ := find(s.AccessPoints, d.AccessPoint)
	return ap.IsVehicle() && d.AskAt != 0 && !d.Diverted && d.Look.Sought == 0
}

// gateVehicle says why a car may not be opened now: found for this visit just before, where and as it should be, and
// not heard to be open since.
func (t *turn) gateVehicle(v Visit, step Step) event.Refused {
	ap, _ := find(t.AccessPoints, v.AccessPoint)
	b, _ := find(t.Barriers, step.Barrier)
	switch {
	case b.ID == "":
		return event.Refused{} // borrowed first, or retired
	case t.opensOtherwise(ap, b):
		return event.Refused{Code: event.CarOpensOtherwise}
	case !ap.IsVehicle():
		return event.Refused{}
	case ap.Car.shuts() != "":
		return event.Refused{Code: ap.Car.shuts()}
	case v.Look.pending(t.at) || v.Look.outdated(t.at):
		return event.Refused{Code: event.CarChecking, RetryAt: t.at.Add(checkingTakes)}
	case v.Look.Code != "":
		return event.Refused{Code: v.Look.Code, RetryAt: v.Look.RetryAt}
	case ap.Car.Code == event.CarRevoked: // learnt since
		return event.Refused{Code: event.CarRevoked}
	case b.Bolt != "" && b.Bolt != event.BoltLocked || b.Contact != "" && b.Contact != event.ContactClosed:
		return event.Refused{Code: event.CarNotLocked}
	case v.rehearsal() && !b.byHandJustNow(t.at):
		return event.Refused{Code: event.NotPresent}
	}
	return event.Refused{}
}

// opensOtherwise says whether an opening lays open something else than the household accepted: by what was enrolled, or by
// what the device's connector declares now.
func (t *turn) opensOtherwise(ap AccessPoint, b Barrier) bool {
	now := t.readiness(b.ID)
	return ap.Vehicle.Reveals != b.Spec.Reveals || now.Reach == event.ReachOnline && now.Reveals != b.Spec.Reveals
}

// byHandJustNow says whether somebody stands at the barrier.
func (b Barrier) byHandJustNow(at event.Instant) bool {
	return b.HandAt != 0 && at.Since(b.HandAt) <= claimLife
}

// rehearseCar begins a rehearsal at a car, or goes on with it: the car is looked for, and listened to from now on, so that
// the member can show to be there by working it by hand. The member's tap to open comes after that.
func (t *turn) rehearseCar(who event.MemberID, ap AccessPoint) {
	for _, v := range t.Visits {
		if v.Member == who && v.AccessPoint == ap.ID {
			t.seek(v.ID, event.RoundRehearsal)
			return
		}
	}
	t.begin(event.VisitBegun{Member: who, AccessPoint: ap.ID})
}

// Sight is what came of looking for a car: for a visit, for a delivery the day before, or for its spot when both are "".
// A withdrawn consent at the maker may be told without having been asked for.
type Sight struct {
	AccessPoint event.AccessPointID
	Delivery    event.DeliveryID
	Visit       event.VisitID
	Seen        event.Sighting
}

func (r Sight) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	ap, ok := find(t.AccessPoints, r.AccessPoint)
	if !ok || !ap.IsVehicle() {
		return unknown("car", string(r.AccessPoint))
	}
	if err := checkSighting(r.Seen); err != nil {
		return err
	}
	seen := r.Seen
	seen.AskedAt, seen.RetryAt = min(seen.AskedAt, t.at), min(seen.RetryAt, t.at.Add(mostBusy))
	look, ok := t.look(r)
	asked := ok && look.Pending && seen.AskedAt >= look.Sought
	if !asked && (seen.Fault != event.VehicleRevoked || ap.Car.Code == event.CarRevoked) {
		return nil
	}
	if ap.Car.describedSince(seen, look.Round) {
		seen.FromSpot = event.SpotUnknown // it was measured from the spot before
	}
	found := event.VehicleFound{AccessPoint: ap.ID, Delivery: r.Delivery, Visit: r.Visit, Round: look.Round, Seen: seen,
		Code: t.unfit(ap, seen, r.Visit != "")}
	if !asked {
		found.Delivery, found.Visit, found.Round = "", "", ""
	}
	t.say(found)
	t.askSpotAgain(found)
	return nil
}

// look finds what a sighting answers.
func (s State) look(r Sight) (Look, bool) {
	switch {
	case r.Visit != "":
		v, ok := find(s.Visits, r.Visit)
		return v.Look, ok && v.AccessPoint == r.AccessPoint && r.Delivery == ""
	case r.Delivery != "":
		d, ok := find(s.Deliveries, r.Delivery)
		return d.Look, ok && d.AccessPoint == r.AccessPoint
	default:
		ap, ok := find(s.AccessPoints, r.AccessPoint)
		return ap.Car.Look, ok
	}
}

func checkSighting(s event.Sighting) error {
	switch {
	case !inCalendar(s.AskedAt) || !inCalendar(s.RetryAt):
		return Invalid{"seen", "between 1970 and 9999"}
	case s.Distance < 0 || s.FromSpot < event.SpotUnknown || s.Age < event.AgeUnknown:
		return Invalid{"seen", "distances and ages are not below 0"}
	case s.Fault == event.VehicleParted:
		return Invalid{"seen.fault", "only its household takes a car out"}
	case s.Motion != "" && s.Motion != event.MotionParked && s.Motion != event.MotionMoving:
		return Invalid{"seen.motion", "one of parked, moving, or nothing"}
	}
	return checkKnown(event.Known{Bolt: s.Bolt, Contact: s.Contact})
}

// unfit says why a car that was found so may not be opened; "" when nothing stands against it. That it does not move must
// be known when it is to be opened now.
func (t *turn) unfit(ap AccessPoint, s event.Sighting, now bool) event.Code {
	b, _ := find(t.Barriers, ap.WayIn[0].Barrier)
	c := b.Spec.Closure
	switch {
	case ap.Car.Parted || s.Fault == event.VehicleRevoked:
		return event.CarRevoked
	case ap.Car.Indoors && !hasMoved(s):
		return event.CarIndoors
	case s.Fault != "":
		return ofFault(s.Fault)
	case s.Motion == event.MotionMoving:
		return event.CarMoving
	case s.Age == event.AgeUnknown, s.Age > mostPositionAge && s.Motion != event.MotionParked, s.Age > mostParkedAge:
		return event.CarPositionOld
	case s.Distance > ap.Vehicle.Within:
		return event.CarTooFar
	case c.Bolt && s.Bolt != event.BoltLocked || c.Contact && s.Contact != event.ContactClosed:
		return event.CarNotLocked
	case now && s.Motion != event.MotionParked:
		return event.CarChecking
	}
	return ""
}

func ofFault(f event.VehicleFault) event.Code {
	switch f {
	case event.VehicleAsleep:
		return event.CarAsleep
	case event.VehicleBusy:
		return event.CarBusy
	default:
		return event.CarUnreachable
	}
}

// setUpLife is how long a car is listened to, and may be located, to set it up. Whoever leaves it at that is not listened
// to for ever: the barrier is retired and added again, or worked in a rehearsal.
const setUpLife = event.Hour

// SetUpUntil is when nobody sets the barrier up any more, whether that was finished or not.
func (b Barrier) SetUpUntil() event.Instant { return b.Reserved.Add(setUpLife) }

// Listens says whether what a barrier's device says is heard at an instant. A car's is, for an hour while it is being
// enrolled and while a visit is on its way, and always where the household wants its cars watched; nothing else of it is
// anybody's business.
func (s State) Listens(id event.BarrierID, at event.Instant) bool {
	b, ok := find(s.Barriers, id)
	settingUp := !b.Enrolled && at < b.SetUpUntil()
	return ok && (!b.Spec.Vehicle() || settingUp || s.Rules.WatchCars || s.onTheWay(id))
}

// leadsTo says whether the barrier stands on the way in to an access point.
func (s State) leadsTo(ap event.AccessPointID, id event.BarrierID) bool {
	at, _ := find(s.AccessPoints, ap)
	return slices.ContainsFunc(at.WayIn, func(r event.BarrierRef) bool { return r.Barrier == id })
}

// onTheWay says whether a visit under way has the barrier on its way in.
func (s State) onTheWay(id event.BarrierID) bool {
	for _, v := range s.Visits {
		if _, ok := v.step(id); ok {
			return true
		}
	}
	return false
}

// listenAnew forgets what was known of the cars to which nobody listened: what is heard first then says how they stand,
// and that nothing moved.
func (s *State) listenAnew(at event.Instant, which func(Barrier) bool) {
	for _, b := range s.Barriers {
		if b.Spec.Vehicle() && which(b) && !s.Listens(b.ID, at) {
			edit(&s.Barriers, b.ID, func(x *Barrier) {
				x.Bolt, x.BoltAt, x.BoltOwn, x.Contact, x.ContactAt, x.ContactOwn = "", 0, 0, "", 0, 0
				x.Reach, x.ReachedAt, x.HandAt = "", 0, 0
			})
		}
	}
}

// editLook changes what a look has come to: a visit's, a delivery's, or that for the spot.
func (s *State) editLook(v event.VisitID, d event.DeliveryID, ap event.AccessPointID, change func(*Look)) {
	switch {
	case v != "":
		edit(&s.Visits, v, func(x *Visit) { change(&x.Look) })
	case d != "":
		edit(&s.Deliveries, d, func(x *Delivery) { change(&x.Look) })
	default:
		edit(&s.AccessPoints, ap, func(x *AccessPoint) { change(&x.Car.Look) })
	}
}

var vehicleEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.VehicleSought) {
		s.editLook(b.Visit, b.Delivery, b.AccessPoint, func(l *Look) { l.sought(b.Round, e.At) })
	}),
	on(func(s *State, _ event.Event, b event.VehicleFound) {
		if b.Round != "" {
			s.editLook(b.Visit, b.Delivery, b.AccessPoint, func(l *Look) { l.found(b) })
		}
		edit(&s.AccessPoints, b.AccessPoint, func(x *AccessPoint) { x.Car.find(b) })
	}),
}

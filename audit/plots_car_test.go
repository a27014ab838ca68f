package audit_test

import (
	"github.com/loquet/loquet/event"
)

var (
	trunk = event.Spec{Device: "car-1", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeProven, Horizon: 10 * event.Minute,
		Lateness: 10 * event.Second, Opens: true, Secures: true, Reads: true, Reveals: event.RevealsTrunk, Locates: true}
	handle = func() event.Spec {
		spec := trunk
		spec.Device, spec.Grade, spec.Reveals, spec.Window = "car-2", event.GradeReported, event.RevealsHandle, 2*event.Minute
		return spec
	}()
	whole = func() event.Spec {
		spec := handle
		spec.Device, spec.Reveals, spec.Window = "car-3", event.RevealsCar, 0
		return spec
	}()

	wholly  = event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed}
	opened  = event.Observation{Bolt: event.BoltUnlocked, Contact: event.ContactOpen}
	atWill  = event.Sighting{Distance: 120, FromSpot: 3, Age: 4 * event.Hour, Motion: event.MotionParked, Bolt: event.BoltLocked, Contact: event.ContactClosed}
	unwatch = event.Rules{Dwell: 5 * event.Minute, Climb: event.Minute}
)

// enrolCar has a car's barrier worked by hand.
func enrolCar(spec event.Spec) func(*story) {
	return func(s *story) {
		b := id[event.BarrierID](s, 'b')
		s.doors = append(s.doors, b)
		s.specs[b] = spec
		s.say(event.BarrierReserved{Barrier: b, Is: event.Trunk, Spec: spec, By: s.byMember()})
		for _, o := range []event.Observation{wholly, opened, wholly} {
			s.wait(event.Second)
			s.observe(b, o)
		}
		s.say(event.BarrierEnrolled{Barrier: b})
	}
}

// parkingPlace is the way into a car, with its terms.
func parkingPlace(s *story) {
	s.place = id[event.AccessPointID](s, 'a')
	s.say(event.AccessPointAdded{AccessPoint: s.place, WayIn: []event.BarrierRef{{Barrier: s.doors[0], By: event.PermitRemote}}, Radius: 50,
		Vehicle: event.VehicleTerms{Within: 300, Reveals: s.specs[s.doors[0]].Reveals}, By: s.byMember()})
}

func describe(indoors bool) func(*story) {
	return func(s *story) {
		s.say(event.SpotDescribed{AccessPoint: s.place, Spot: parcel("blue pillar"), Indoors: indoors, By: s.byMember()})
	}
}

func seek(s *story) {
	s.say(event.VehicleSought{AccessPoint: s.place, Visit: s.visit, Round: event.RoundApproach})
}

// found is what came of looking for the car.
func found(change func(*event.Sighting)) func(*story) {
	return func(s *story) {
		s.wait(5 * event.Second)
		seen := atWill
		seen.AskedAt = s.now
		change(&seen)
		s.say(event.VehicleFound{AccessPoint: s.place, Visit: s.visit, Round: event.RoundApproach, Seen: seen})
	}
}

func asItShouldBe(*event.Sighting) {}

// intendCar opens a car by the courier's last request.
func intendCar(s *story) {
	spec := s.specs[s.doors[0]]
	s.intend(s.doors[0], s.asked, func(o *event.OpeningIntended) {
		o.Ready.Reveals = spec.Reveals
		o.Permit.Resolve = o.Permit.Deadline.Add(spec.Lateness + spec.Window)
	})
	s.send()
}

// parking is the way of every plot of a car up to the order to open.
func parking(name string, spec event.Spec) plot {
	return plot{name: name}.with(
		chapter{"move in", moveIn(unwatch)},
		chapter{"enrol", enrolCar(spec)},
		chapter{"way in", parkingPlace},
		chapter{"describe", describe(false)},
		chapter{"consent", consent},
		chapter{"book", book},
		chapter{"assign", assign},
		chapter{"approach", approach},
		chapter{"seek", seek},
		chapter{"said", door(wholly)},
		chapter{"found", found(asItShouldBe)},
		chapter{"scan one", scan("one")},
		chapter{"scan two", scan("two")},
		chapter{"open", intendCar},
	)
}

// aloneTrunk opens while the doors stay locked.
var aloneTrunk = parking("trunk", trunk).with(
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"up", door(ajar)},
	chapter{"deposit", deposit},
	chapter{"down", door(shut)},
	chapter{"close", askClose},
	chapter{"locked", asked(wholly)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// asked has the first door's device answer a question of now.
func asked(o event.Observation) func(*story) {
	return func(s *story) {
		s.wait(3 * event.Second)
		answer := o // stories are told side by side
		answer.Origin, answer.AskedAt = event.OriginAnswer, s.now
		s.observe(s.doors[0], answer)
	}
}

// freedHandle is used as the car says.
var freedHandle = parking("handle", handle).with(
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"up", door(opened)},
	chapter{"used", resolved(event.Done, event.BySight)},
	chapter{"deposit", deposit},
	chapter{"down", door(wholly)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// handleByWord is used as the courier says, and proven shut when it can no longer be used.
var handleByWord = parking("handle by word", handle).with(
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"deposit", deposit},
	chapter{"window", pass(3 * event.Minute)},
	chapter{"locked", asked(wholly)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// windowPassed: nobody opened the trunk, and a second order does.
var windowPassed = parking("window passed", handle).with(
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"window", pass(3 * event.Minute)},
	chapter{"locked", asked(wholly)},
	chapter{"unused", resolved(event.NotDone, event.ByReading)},
	chapter{"seek again", func(s *story) {
		s.say(event.VehicleSought{AccessPoint: s.place, Visit: s.visit, Round: event.RoundApproach})
	}},
	chapter{"found again", found(asItShouldBe)},
	chapter{"open again", func(s *story) { s.wait(event.Second); s.sign(); intendCar(s) }},
	chapter{"done again", resolved(event.Done, event.ByAnswer)},
	chapter{"up", door(opened)},
	chapter{"used", resolved(event.Done, event.BySight)},
	chapter{"down", door(wholly)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// wholeCar is unlocked, and will not stay locked at first.
var wholeCar = parking("whole car", whole).with(
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", door(unlocked)},
	chapter{"up", door(ajar)},
	chapter{"deposit", deposit},
	chapter{"down", door(shut)},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// fits: what does not fit is not left, and what does is.
var fits = func() plot {
	p := after("deposit", func(s *story) {
		s.say(event.ParcelTooLarge{Visit: s.visit, Delivery: s.delivery, Signed: s.sign()})
	})(aloneTrunk)
	p.chapters[p.at("deposit")+1].name = "too large"
	p = instead("leave", func(s *story) {
		s.wait(event.Second)
		s.say(event.CourierReleased{Visit: s.visit, Signed: s.sign()})
		s.say(event.VisitEnded{Visit: s.visit, How: event.EndSecured})
	})(p)
	p.name = "too large"
	return p
}()

// carRehearsal: a member who says to be at the car, and shows it, tries it.
var carRehearsal = plot{name: "car rehearsal"}.with(
	chapter{"move in", moveIn(unwatch)},
	chapter{"enrol", enrolCar(trunk)},
	chapter{"way in", parkingPlace},
	chapter{"later", pass(event.Hour)},
	chapter{"rehearse", rehearsal.chapters[rehearsal.at("rehearse")].tell},
	chapter{"seek", seek},
	chapter{"said", asked(wholly)},
	chapter{"found", found(asItShouldBe)},
	chapter{"by hand", func(s *story) {
		s.wait(event.Second)
		s.foreign(s.doors[0], ajar)
		door(shut)(s)
	}},
	chapter{"open", func(s *story) {
		s.intend(s.doors[0], event.Signed{}, func(o *event.OpeningIntended) {
			o.Permit.Courier, o.Permit.Key, o.Permit.Member, o.Place, o.Ready.Reveals = "", "", s.member, event.Place{}, event.RevealsTrunk
		})
		s.send()
	}},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"up", door(ajar)},
	chapter{"down", asked(wholly)},
	chapter{"secured", secured(0)},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndSecured}) }},
)

// watchedCar: the household asked for its car to be watched between visits.
var watchedCar = func() plot {
	p := instead("move in", moveIn(event.Rules{Dwell: 5 * event.Minute, Climb: event.Minute, WatchCars: true}))(aloneTrunk)
	p = before("approach", func(s *story) {
		s.foreign(s.doors[0], opened)
		s.observe(s.doors[0], wholly)
	})(p)
	p.chapters[p.at("approach")-1].name = "foreign"
	p.name = "watched car"
	return p
}()

package audit_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestLaw1Vehicle(t *testing.T) {
	t.Parallel()
	seen := func(change func(*event.Sighting)) change { return instead("found", found(change)) }
	find(t, 1, []plant{
		{"never looked for", aloneTrunk, without("seek", "found"), "had not been found for this visit"},
		{"found for another visit", aloneTrunk, also(without("seek", "found"), before("approach", func(s *story) {
			s.visit = "home1-v98"
			seek(s)
			found(asItShouldBe)(s)
			s.visit = ""
		})), "had not been found for this visit"},
		{"not found", aloneTrunk, seen(func(x *event.Sighting) { x.Fault = event.VehicleAsleep }), `had not been found: "asleep"`},
		{"found too long ago", aloneTrunk, after("found", pass(5*event.Minute)), "too long ago"},
		{"too far away", aloneTrunk, seen(func(x *event.Sighting) { x.Distance = 301 }), "301 m away, and may be 300 m"},
		{"moving", aloneTrunk, seen(func(x *event.Sighting) { x.Motion = event.MotionMoving }), "was moving"},
		{"not known to stand still", aloneTrunk, seen(func(x *event.Sighting) { x.Motion = "" }), "nobody knew that it stood still"},
		{"parked for too long to know", aloneTrunk, seen(func(x *event.Sighting) { x.Age = 3*event.Day + 1 }), "old"},
		{"at a position of no time", aloneTrunk, seen(func(x *event.Sighting) { x.Age = event.AgeUnknown }), "old"},
		{"unlocked before", aloneTrunk, seen(func(x *event.Sighting) { x.Bolt = event.BoltUnlocked }), "not locked and closed"},
		{"not known to be closed before", aloneTrunk, seen(func(x *event.Sighting) { x.Contact = "" }), "not locked and closed"},
		{"indoors", aloneTrunk, instead("describe", describe(true)), "can't be reached"},
		{"open since it was found", aloneTrunk, after("found", func(s *story) { s.foreign(s.doors[0], ajar) }), "the car said to be open"},
		{"unlocked since it was found", aloneTrunk, after("found", func(s *story) { s.foreign(s.doors[0], unlocked) }), "the car said to be unlocked"},
		{"accepted otherwise", aloneTrunk, edit("way in", func(a *event.AccessPointAdded) { a.Vehicle.Reveals = event.RevealsCar }), `"whole-car" was accepted`},
		{"never accepted", aloneTrunk, edit("way in", func(a *event.AccessPointAdded) { a.Vehicle = event.VehicleTerms{} }), "was accepted"},
		{"accepted by an API key", aloneTrunk, edit("way in", func(a *event.AccessPointAdded) { a.By = operator }), "accepted by no member"},
		{"exchanged for a device that opens more", aloneTrunk, edit("open", func(o *intended) { o.Ready.Reveals = event.RevealsCar }), `declared that it lays open "whole-car"`},
		{"a door that is a car now", home, edit("open", func(o *intended) { o.Ready.Reveals = event.RevealsCar }), `declared that it lays open "whole-car"`},
		{"described by an API key", aloneTrunk, edit("describe", func(d *event.SpotDescribed) { d.By = operator }), "by no member"},
		{"rehearsed by nobody who is there", carRehearsal, instead("by hand", pass(event.Second)), "worked by hand"},
		{"rehearsed long after a hand was there", carRehearsal, after("by hand", pass(2*event.Minute+1)), "worked by hand"},
		{"opened again while it can't be in the way", aloneTrunk, also(upTo("up"), after("up", func(s *story) {
			s.wait(event.Second)
			s.intend(s.doors[0], s.sign(), func(o *intended) { o.Permit.Recovery, o.Ready.Reveals = true, event.RevealsTrunk })
			s.send()
		})), "never in the way"},
		{"whose consent is gone since it was found", aloneTrunk, after("found", gone(event.VehicleRevoked)), "consent at the car's maker was gone"},
		{"that its household had taken out", aloneTrunk, before("approach", gone(event.VehicleParted)), "had taken the car out"},
		{"for what does not fit", aloneTrunk, also(before("open", func(s *story) {
			s.say(event.ParcelTooLarge{Visit: s.visit, Delivery: s.delivery, Signed: s.sign()})
			s.sign()
		}), upTo("open")), "no delivery of the visit was left"},
	})
}

// gone: what is told of a car without having been asked for.
func gone(why event.VehicleFault) func(*story) {
	return func(s *story) {
		s.say(event.VehicleFound{AccessPoint: s.place, Code: event.CarRevoked,
			Seen: event.Sighting{AskedAt: s.now, Fault: why, FromSpot: event.SpotUnknown, Age: event.AgeUnknown}})
	}
}

// What was moved since the household said that it stands indoors, stands indoors no longer.
func TestLaw1AMovedCarIsNotIndoors(t *testing.T) {
	t.Parallel()
	moved := found(func(x *event.Sighting) { x.FromSpot = 41 })
	holds(t, also(instead("describe", describe(true)), instead("found", moved))(aloneTrunk))
	find(t, 1, []plant{
		{"before that was said", aloneTrunk, also(before("found", describe(true)), instead("found", found(func(x *event.Sighting) {
			x.FromSpot, x.AskedAt = 41, x.AskedAt.Add(-6*event.Second)
		}))), "can't be reached"},
		{"by less than one can tell", aloneTrunk, also(instead("describe", describe(true)), instead("found", found(func(x *event.Sighting) { x.FromSpot = 40 }))), "can't be reached"},
		{"and back in again", aloneTrunk, also(instead("found", moved), after("found", describe(true))), "can't be reached"},
	})
}

func TestLaw3Handle(t *testing.T) {
	t.Parallel()
	find(t, 3, []plant{
		{"over before its window is", freedHandle, edit("open", func(o *intended) { o.Permit.Resolve = o.Permit.Deadline.Add(handle.Lateness) }), "counts as over"},
		{"called unused while it was free", windowPassed, also(instead("window", pass(event.Minute)), upTo("unused")), "could still happen"},
	})
}

func TestLaw5Vehicle(t *testing.T) {
	t.Parallel()
	find(t, 5, []plant{
		{"a trunk by its locks alone", aloneTrunk, also(instead("locked", asked(locked)), without("down")), "contact was not said to be closed"},
		{"a trunk by its contact alone", aloneTrunk, without("locked"), "bolt is locked was said before"},
		{"a whole car by its locks alone", wholeCar, without("up", "down"), "contact is closed was said before"},
		{"a handle by what was said while it was free", handleByWord, instead("window", pass(event.Minute)), "after the opening"},
		{"a handle that nobody used", handleByWord, without("deposit"), "not known to have been opened"},
		{"a car that is taken out in its visit", aloneTrunk, also(upTo("found"), after("found", gone(event.VehicleParted))), "was under way"},
		{"what does not fit", fits, instead("leave", leave(event.EndSecured)), "had said that it does not fit"},
	})
}

func TestLaw7And8Vehicle(t *testing.T) {
	t.Parallel()
	find(t, 7, []plant{
		{"how far a car is charged", aloneTrunk, instead("said", door(event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed, Battery: 40})), "charged"},
	})
	find(t, 8, []plant{
		{"a car heard between visits", aloneTrunk, before("approach", func(s *story) { s.observe(s.doors[0], wholly) }), "nobody had asked for it"},
		{"a car heard after its visit", aloneTrunk, after("leave", func(s *story) { s.observe(s.doors[0], wholly) }), "nobody had asked for it"},
		{"a watched car's opening untold", watchedCar, instead("foreign", func(s *story) {
			s.observe(s.doors[0], opened)
			s.observe(s.doors[0], wholly)
		}), "nobody was told"},
		{"a car heard when it is no longer watched", watchedCar, before("foreign", func(s *story) {
			s.say(event.RulesSet{Rules: unwatch, By: s.byMember()})
		}), "nobody had asked for it"},
		{"an opening on the way of a visit", aloneTrunk, after("said", func(s *story) { door(ajar)(s); door(shut)(s) }), "nobody was told"},
	})
}

func TestLaw9And10Vehicle(t *testing.T) {
	t.Parallel()
	again := func(change func(*event.VehicleFound)) change {
		return after("found", func(s *story) {
			f := event.VehicleFound{AccessPoint: s.place, Visit: s.visit, Round: event.RoundApproach, Seen: atWill}
			f.Seen.AskedAt = s.now
			change(&f)
			s.say(f)
		})
	}
	find(t, 9, []plant{
		{"a car refused for an unknown reason", aloneTrunk, also(upTo("found"), edit("found", func(f *event.VehicleFound) { f.Code = "no-petrol" })), "no-petrol"},
	})
	find(t, 10, []plant{
		{"found twice", aloneTrunk, again(func(*event.VehicleFound) {}), "nobody had looked for the car"},
		{"found unasked", aloneTrunk, again(func(f *event.VehicleFound) { f.Visit = "" }), "nobody had looked for the car"},
		{"found in another round", aloneTrunk, edit("found", func(f *event.VehicleFound) { f.Round = event.RoundArrival }), "found in"},
		{"found by an older question", aloneTrunk, edit("found", func(f *event.VehicleFound) { f.Seen.AskedAt = clock("10:39:59") }), "by a question of"},
	})
	holds(t, after("found", gone(event.VehicleRevoked))(upTo("found")(aloneTrunk)))
	holds(t, after("leave", gone(event.VehicleParted))(aloneTrunk))
}

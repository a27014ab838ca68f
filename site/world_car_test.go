package site_test

import (
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// car is the thing itself: where it truly stands, in metres from its reference address, and from where it stood when the
// household last described that.
type car struct {
	place    event.AccessPointID
	barrier  event.BarrierID
	distance int
	fromSpot int
	moving   bool
	// asked are the questions of where it stands that wait for an answer, answered those that had one.
	asked    []site.Sight
	answered []site.Sight
}

// makeCar chooses what the opening of a car lays open.
func (w *world) makeCar(is event.BarrierKind, s *event.Spec) {
	if is != event.Trunk {
		return
	}
	s.Locates = true
	s.Reveals = []event.Reveals{event.RevealsTrunk, event.RevealsHandle, event.RevealsCar}[w.pick(3)]
	if s.Reveals == event.RevealsHandle {
		s.Window = 2 * event.Minute
	}
}

// parkCar gives the home a car with its trunk.
func (w *world) parkCar() {
	trunk := w.install(home, event.Trunk, event.Closure{Bolt: true, Contact: true}, false)
	terms := event.VehicleTerms{Reveals: w.doors[trunk].spec.Reveals}
	w.must(home, w.member(home), site.AddAccessPoint{WayIn: []event.BarrierRef{ref(trunk)}, Radius: 30, Vehicle: terms})
	places := w.home().AccessPoints
	w.car = &car{place: places[len(places)-1].ID, barrier: trunk, distance: 100, fromSpot: event.SpotUnknown}
}

// lookFor is the question to the maker's cloud.
func (w *world) lookFor(b event.VehicleSought) {
	if w.car == nil {
		return
	}
	if b.Round == event.RoundSpot {
		w.car.fromSpot = 0
	}
	r := site.Sight{AccessPoint: b.AccessPoint, Visit: b.Visit, Delivery: b.Delivery, Seen: event.Sighting{AskedAt: w.now}}
	w.car.asked = append(w.car.asked, r)
}

// driver: the car is driven, its spot is described, and its maker's cloud answers: truly, not at all, twice, or with what
// was asked before.
func (w *world) driver() {
	c := w.car
	switch w.pick(8) {
	case 0:
		c.moving = w.pick(2) == 0
		c.distance, c.fromSpot = []int{100, 300, 301, 5000}[w.pick(4)], []int{0, 40, 41, event.SpotUnknown}[w.pick(4)]
	case 1:
		spot := site.DescribeSpot{AccessPoint: c.place, Spot: "by-the-church", Indoors: w.pick(8) == 0}
		w.try(home, w.member(home), spot)
	case 2:
		if len(c.answered) > 0 {
			w.sight(one(w, c.answered))
		}
	case 3:
		w.consentAtMaker()
	default:
		w.answerLook()
	}
}

// consentAtMaker is withdrawn there, given again, or ended here.
func (w *world) consentAtMaker() {
	system := event.Actor{Kind: event.ActorSystem}
	devices := []event.DeviceID{w.doors[w.car.barrier].spec.Device}
	switch n := w.pick(32); {
	case n < 8:
		w.sight(site.Sight{AccessPoint: w.car.place, Seen: event.Sighting{AskedAt: w.now, Fault: event.VehicleRevoked, FromSpot: event.SpotUnknown}})
	case n < 16:
		w.try(home, system, site.RegainCars{Devices: devices})
	case n == 16:
		w.try(home, system, site.PartCars{Devices: devices})
	}
}

// findCar has the car stand where it should, shut, and be found there, as it mostly goes.
func (w *world) findCar() {
	c := w.car
	if len(c.asked) == 0 || w.pick(8) == 0 {
		return
	}
	c.distance, c.moving = 100, false
	d := w.doors[c.barrier]
	w.become(d, event.BoltLocked, event.ContactClosed)
	r := c.asked[len(c.asked)-1]
	c.asked = nil
	r.Seen = event.Sighting{AskedAt: w.now, Distance: 100, FromSpot: c.fromSpot, Motion: event.MotionParked, Bolt: d.bolt, Contact: d.contact}
	w.read(c.barrier)
	w.sight(r)
}

func (w *world) answerLook() {
	c := w.car
	if len(c.asked) == 0 {
		return
	}
	i := w.pick(len(c.asked))
	r := c.asked[i]
	c.asked = slices.Delete(c.asked, i, i+1)
	asked := r.Seen.AskedAt
	if w.pick(8) == 0 {
		r.Seen = event.Sighting{FromSpot: event.SpotUnknown, Fault: []event.VehicleFault{event.VehicleAsleep, event.VehicleUnreached,
			event.VehicleRevoked, event.VehicleBusy, "weird"}[w.pick(5)], RetryAt: w.now.Add(event.Minute)}
	} else {
		r.Seen = c.sighting(w)
	}
	r.Seen.AskedAt = []event.Instant{asked, w.now}[w.pick(2)]
	c.answered = append(c.answered, r)
	d := w.doors[c.barrier]
	o := d.says(w.now)
	o.Origin, o.AskedAt = event.OriginAnswer, w.now
	if w.pick(3) == 0 {
		o.Origin, o.AskedAt = event.OriginCached, 0
	}
	w.hear(d, o)
	w.sight(r)
}

// sighting is what a maker's cloud says of the car: mostly the truth.
func (c *car) sighting(w *world) event.Sighting {
	d := w.doors[c.barrier]
	s := event.Sighting{Distance: c.distance, FromSpot: c.fromSpot, Motion: event.MotionParked, Bolt: d.bolt, Contact: d.contact,
		Age: []event.Millis{0, event.Minute, event.Hour, 73 * event.Hour, event.AgeUnknown}[w.pick(5)]}
	if w.pick(3) > 0 {
		s.Age = 0
	}
	if c.moving {
		s.Motion = event.MotionMoving
	}
	if w.pick(4) == 0 {
		s.Motion = ""
	}
	if w.pick(8) == 0 {
		s.Bolt, s.Contact = "", ""
	}
	return s
}

func (w *world) sight(r site.Sight) {
	w.try(home, event.Actor{Kind: event.ActorSystem}, r)
}

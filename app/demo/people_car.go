package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/event"
)

// atTheCar begins most stories of a car: a parcel is booked, Anna brings it, and the car was found as it should be.
func (p *play) atTheCar() (*delivery, *courier, event.VisitID) {
	d, anna, v := p.onTheWay(trunk)
	p.awaitFound("")
	return d, anna, v
}

// awaitFound waits until the car was looked for, with this result: a reason against it, or "" for none.
func (p *play) awaitFound(code event.Code) {
	p.await("the car is found: "+string(code), func(e event.Event) bool {
		f, ok := e.Body.(event.VehicleFound)
		return ok && f.Code == code
	})
}

// awaitFree waits for the world: the car can be opened by hand.
func (p *play) awaitFree(v *car) {
	p.until("the car is unlocked", look, v.free)
	p.read()
	p.say("car", "%s", picked(v.HandleFree(), "the handle of the trunk is free", "it unlocks"))
}

// opens is the courier at the free car.
func (c *courier) opens(place string) {
	v := c.play.car()
	c.play.awaitFree(v)
	c.play.say("car", "the %s is opened", place)
	c.play.must(v.pull(openingOf(place)))
	c.play.awaitSeenOpen(place)
}

// load is the rest of an ordinary visit, from the order to open on.
func (c *courier) load(v event.VisitID, place string) {
	c.opens(place)
	c.deposit(v)
	c.shuts(v, place)
	c.leave(v).granted()
}

// shuts is how a visit should end: shut, told to lock, and proven.
func (c *courier) shuts(v event.VisitID, place string) {
	c.play.say("car", "the %s is shut", place)
	c.play.must(c.play.car().PullShut())
	c.tellClose(v)
	c.play.awaitSecured(place)
}

func (c *courier) tooLarge(v event.VisitID, d *delivery) {
	c.play.say(c.name, "finds that it does not fit")
	c.ask(v, "too-large", map[string]any{"delivery": d.id}).granted()
}

// finds lets the car flash, to be found among others.
func (c *courier) finds(v event.VisitID) {
	c.play.say(c.name, "taps: let it flash")
	c.locates(v)
	before := c.play.car().Done().Signals
	c.play.must(c.Call(c.play.ctx, "POST", "/v1/courier/visits/"+string(v)+"/signal", map[string]any{"signal": "flash"}, nil))
	if c.play.car().Done().Signals == before {
		c.play.fail("the car did not flash")
	}
	c.play.say("car", "flashes")
}

// locates has the phone say where it is.
func (c *courier) locates(v event.VisitID) {
	c.play.must(c.Call(c.play.ctx, "POST", "/v1/courier/visits/"+string(v)+"/position", c.position(), nil))
}

// insists asks to open the trunk until it was looked for again and nothing stands against it.
func (c *courier) insists(v event.VisitID) {
	c.persist(func() answer { return c.openCar(v, trunk) }, event.CarChecking, event.CarAsleep, event.CarUnreachable, event.CarBusy)
}

// openCar is a signed tap of its own.
func (c *courier) openCar(v event.VisitID, place string) answer {
	c.play.say(c.name, "taps: open the %s", place)
	return c.ask(v, "open", map[string]any{"barrier": c.play.home.barriers[place], "position": c.position()})
}

// car is the household's.
func (p *play) car() *car { return p.stage.makers.cars[p.lot.carName(*p.scenario.car)] }

// carOf is the car that a delivery goes to; nil when it goes to a door.
func (p *play) carOf(d *delivery) *car {
	if p.scenario.car == nil || !slices.Contains(p.scenario.car.places, p.home.nameOf(d.place)) {
		return nil
	}
	return p.car()
}

// turnsAway is how a visit ends to a car that can't be opened, for this reason: with plan B, at the reference address.
func (c *courier) turnsAway(d *delivery, v event.VisitID, why event.Code) {
	c.play.awaitFound(why)
	c.atHouse()
	c.scan(v, d.parcels[0]).refused(why)
	c.planB(d, false)
}

// atHouse brings the courier to the reference address instead.
func (c *courier) atHouse() {
	c.play.say(c.name, "goes to the reference address")
	c.to = nil
}

// awaitShutAgain waits until the trunk's handle is not free any more.
func (p *play) awaitShutAgain() {
	p.say("time", "waiting until the handle is not free any more: two minutes")
	for p.car().HandleFree() {
		p.pause(time.Second) // reading the journal meanwhile would use up what its key may ask
	}
	p.read()
}

// awaitLevel waits for an alarm that has climbed so far.
func (p *play) awaitLevel(level event.AlarmLevel) {
	p.await(fmt.Sprintf("an alarm of level %d", level), func(e event.Event) bool {
		a, ok := e.Body.(event.AlarmRaised)
		return ok && a.Level == level
	})
}

// breaks has something go wrong between the server and the maker's cloud, until it is mended.
func (p *play) breaks(words string, t fakecloud.Trouble) {
	p.stage.makers.wire(p.car().of).Break(t)
	p.say("maker", "%s", words)
}

func (p *play) mends() {
	p.stage.makers.wire(p.car().of).Mend()
	p.say("maker", "answers again")
}

// quirk has the car behave strangely from now on.
func (p *play) quirk(words string, q fakecloud.Quirks) {
	p.car().Behave(q)
	p.say("car", "%s", words)
}

// drives has the household's car driven somewhere: metres from the house.
func (p *play) drives(words string, east, north float64, since time.Duration) {
	p.say("customer", "%s", words)
	p.car().drive(p.lot.house.at.off(east, north), time.Now().Add(-since))
}

package demo

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// body is a door or a car: what stands in the world, and hands can touch.
type body interface {
	Name() string
	Bolt() event.Bolt
	Contact() event.Contact
	// Changed is closed at the next movement, order or report.
	Changed() <-chan struct{}
	// Push opens it and PullShut shuts it, where nothing holds it.
	Push() error
	PullShut() error
	// Hand unlocks it and HandLock locks it, by those who live there; Foreign unlocks it by somebody else's means.
	Hand()
	HandLock()
	Foreign(cause string)
	// OpenCommands counts the orders to open that have reached it.
	OpenCommands() int
	Faults(virtual.Faults)
	// Offline takes it off the net, and Online brings it back.
	Offline()
	Online() error
}

var (
	_ body = (*virtual.Thing)(nil)
	_ body = (*car)(nil)
)

// brand is the maker whose cloud a car is behind.
type brand string

// Brands, as the server calls their connectors.
const (
	volvo    brand = "volvo"
	smartcar brand = "smartcar"
)

// auto describes a car of a scene.
type auto struct {
	of   brand
	vin  string
	make string
	// model, and the year of it.
	model string
	year  int
	// plate and colour are what the household says of it.
	plate, colour string
	// places are those of its openings that take parcels: "trunk", "cabin".
	places []string
	// east and north are where it stands, in metres from the house.
	east, north float64
	// spare: its household has yet to share it.
	spare bool
}

// A car of each maker, and nobody's.
func aVolvo() auto {
	return auto{of: volvo, vin: "YV1XZK5V3R2000123", make: "VOLVO", model: "XC40", year: 2024, plate: "GA-418-VX", colour: tongue("blue", "bleue"), places: []string{trunk}, east: 120, north: 60}
}

func aChevrolet(places ...string) auto {
	return auto{of: smartcar, vin: "1G1ZD5ST0LF000123", make: "CHEVROLET", model: "Malibu", year: 2020, plate: "FR-207-KC", colour: tongue("red", "rouge"), places: places, east: 60, north: -40}
}

// aSpareVolvo is for visitors who want to see how a car is enrolled.
func aSpareVolvo() auto {
	return auto{of: volvo, vin: "YV1UZK5V7S1000456", make: "VOLVO", model: "XC60", year: 2025, places: []string{trunk}, east: 80, north: 110, spare: true}
}

// Openings of a car that take parcels. Their names are those of the places, too.
const (
	trunk = "trunk"
	cabin = "cabin"
)

// car is a car of the stage, behind the fake of its maker's cloud.
type car struct {
	*fakecloud.Car
	auto
	name string
	// owner is the account at the maker, and house where the owner lives or works.
	owner string
	house point
	// mu is held while quirks are changed.
	mu sync.Mutex
	// ajar: what is shut stays open by a finger's breadth, and nobody notices.
	ajar atomic.Bool
}

// carName is what the household's car is called on the stage.
func (l lot) carName(a auto) string { return l.prefix + string(a.of) }

// looks is make and model, as people say them.
func (a auto) looks() string { return a.make[:1] + strings.ToLower(a.make[1:]) + " " + a.model }

// Name is the car's on the stage.
func (c *car) Name() string { return c.name }

// Bolt is how all its locks are.
func (c *car) Bolt() event.Bolt {
	switch s := c.State(); {
	case s.Jammed:
		return event.BoltJammed
	case s.Locked:
		return event.BoltLocked
	}
	return event.BoltUnlocked
}

// Contact is open if anything of it is.
func (c *car) Contact() event.Contact {
	for _, open := range c.State().Open {
		if open {
			return event.ContactOpen
		}
	}
	return event.ContactClosed
}

// Push opens the trunk.
func (c *car) Push() error { return c.pull(fakecloud.Trunk) }

// pull opens something of it from outside: the trunk where its handle is free, anything where the car is unlocked.
func (c *car) pull(o fakecloud.Opening) error {
	if c.State().Locked && o == fakecloud.Trunk {
		if c.PullHandle() != nil {
			return virtual.ErrBolted
		}
		return nil
	}
	if c.State().Locked {
		return virtual.ErrBolted
	}
	c.ByHand(func(s *fakecloud.State) { s.Open[o] = true })
	return nil
}

// PullShut shuts all that is open. What was left ajar looks shut, and isn't.
func (c *car) PullShut() error {
	if c.ajar.Load() {
		return nil
	}
	c.ByHand(func(s *fakecloud.State) { clear(s.Open[:]) })
	return nil
}

// Hand unlocks it with its key.
func (c *car) Hand() { c.ByHand(func(s *fakecloud.State) { s.Locked = false }) }

// HandLock locks it with its key: the mechanical one, for locks that stick.
func (c *car) HandLock() {
	c.ByHand(func(s *fakecloud.State) { s.Locked, s.Jammed = true, false })
}

// Foreign unlocks it with somebody else's key. A car does not tell whose.
func (c *car) Foreign(string) { c.Hand() }

// OpenCommands counts the orders that have reached its maker's cloud.
func (c *car) OpenCommands() int { return c.Done().UnlockCommands }

// Faults are those of doors that cars know.
func (c *car) Faults(f virtual.Faults) {
	c.ajar.Store(f.Ajar)
	c.behave(func(q *fakecloud.Quirks) { q.Jam, q.Deaf, q.MotorDelay = f.Jam, f.Deaf, f.MotorDelay })
}

// behave changes what is wrong with it.
func (c *car) behave(change func(*fakecloud.Quirks)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.Quirks()
	change(&q)
	c.Behave(q)
}

// Offline has it sleep: nothing reaches it.
func (c *car) Offline() { c.behave(func(q *fakecloud.Quirks) { q.Asleep = true }) }

// Online wakes it.
func (c *car) Online() error {
	c.behave(func(q *fakecloud.Quirks) { q.Asleep = false })
	return nil
}

// at is where it stands.
func (c *car) at() point {
	s := c.State()
	return point{s.Latitude, s.Longitude}
}

// drive parks it somewhere else; its maker knows of it as of then.
func (c *car) drive(to point, at time.Time) { c.Park(to.latitude, to.longitude, at, false) }

// free says whether it can be opened by hand now.
func (c *car) free() bool { return c.HandleFree() || !c.State().Locked }

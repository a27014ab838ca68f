package fakecloud

import (
	"errors"
	"sync"
	"time"
)

// Opening is a part of a car that can stand open.
type Opening int

// Openings.
const (
	FrontLeft Opening = iota
	FrontRight
	RearLeft
	RearRight
	Hood
	Trunk
	openings
)

// State is how a car really is, or what its maker's cloud knows of it.
type State struct {
	Locked bool
	Jammed bool // a lock that neither locks nor unlocks
	Open   [openings]bool
	// Latitude and Longitude are degrees in WGS 84.
	Latitude, Longitude float64
	Moving              bool
}

// shut says whether every door, the hood and the trunk are closed.
func (s State) shut() bool { return s.Open == [openings]bool{} }

// Quirks are what is wrong with a car.
type Quirks struct {
	// Asleep: it does not listen, and its cloud knows that. Offline: it can't be reached, and nobody knows why.
	Asleep, Offline bool
	// Deaf: commands are accepted, and nothing happens. Mute: they are carried out, and the cloud never hears of it.
	Deaf, Mute bool
	// Refuse: it answers that it will not.
	Refuse bool
	// Jam: its locks stick at their next movement, and it says so.
	Jam bool
	// MotorDelay is how long after a command the car moves, ReportDelay how long after a movement the cloud knows.
	MotorDelay, ReportDelay time.Duration
	// Stale: the cloud never hears of a change, and passes what it knows off as new.
	Stale bool
	// Odd: the cloud says it in words that nobody has published.
	Odd bool
}

// Done counts what happened to a car.
type Done struct {
	// UnlockCommands and LockCommands have reached the car's cloud, obeyed or not. Openings are how often a command
	// has really unlocked it, Signals how often it flashed or honked.
	UnlockCommands, LockCommands, Openings, Signals int
}

// Car is a car with its connection. It must be made by NewCar.
type Car struct {
	VIN, Make, Model string
	Year             int
	// Tracks: it records where it stands whenever it is asked, and not only at the end of a trip. Set it before its first use.
	Tracks bool
	now    func() time.Time

	mu      sync.Mutex
	state   State
	told    Told
	earlier []Told // what the cloud knew before, newest last
	stamped time.Time
	// stampedAs is what the car was at its last stamp.
	stampedAs State
	quirks    Quirks
	done      Done
	hand      Hand
	window    *time.Timer // while the handle is free
	pending   []*time.Timer
	closed    bool
	changed   chan struct{}
	onTold    func()
}

// NewCar makes a car that is parked, locked and shut, and whose cloud has just heard so.
func NewCar(vin, maker, model string, year int, latitude, longitude float64) *Car {
	c := &Car{VIN: vin, Make: maker, Model: model, Year: year, now: time.Now, changed: make(chan struct{})}
	c.state = State{Locked: true, Latitude: latitude, Longitude: longitude}
	at := c.stamp()
	c.told = Told{c.state, at, at, at}
	return c
}

// Errors of a car's connection.
var (
	ErrAsleep      = errors.New("the car sleeps")
	ErrUnreachable = errors.New("the car can't be reached")
	ErrRefused     = errors.New("the car refused")
	ErrOpen        = errors.New("a door, the hood or the trunk is open")
)

// Unlock is a command to unlock the whole car. What it returns is what the cloud knows at once.
func (c *Car) Unlock() error {
	return c.command(func(d *Done) { d.UnlockCommands++ }, func() { c.unlock() })
}

// FreeHandle is a command to free the trunk's handle for a while: whoever opens the trunk then unlocks the whole car. When
// nobody did, the car says that it is locked as before.
func (c *Car) FreeHandle(length time.Duration) error {
	return c.command(func(d *Done) { d.UnlockCommands++ }, func() {
		if c.window != nil {
			c.window.Stop()
		}
		c.window = time.AfterFunc(length, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.window = nil
			c.report()
			c.signal()
		})
		if c.hand != NoHand {
			c.pullHandle()
			c.state.Open[Trunk] = c.state.Open[Trunk] && c.hand == HandOpens
		}
	})
}

// Lock is a command to lock. A car with something open refuses it.
func (c *Car) Lock() error {
	c.mu.Lock()
	open := !c.state.shut()
	c.mu.Unlock()
	if open {
		c.count(func(d *Done) { d.LockCommands++ })
		return ErrOpen
	}
	return c.command(func(d *Done) { d.LockCommands++ }, func() { c.turn(true) })
}

// Signal is a command to flash or honk.
func (c *Car) Signal() error { return c.command(func(*Done) {}, func() { c.done.Signals++ }) }

func (c *Car) count(how func(*Done)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	how(&c.done)
	c.signal()
}

func (c *Car) command(count func(*Done), act func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.done)
	defer c.signal()
	switch {
	case c.quirks.Asleep:
		return ErrAsleep
	case c.quirks.Offline:
		return ErrUnreachable
	case c.quirks.Refuse:
		return ErrRefused
	case c.quirks.Deaf:
		return nil
	}
	c.after(c.quirks.MotorDelay, func() {
		act()
		c.report()
	})
	return nil
}

// after does something under the lock, now or later.
func (c *Car) after(delay time.Duration, do func()) {
	if delay == 0 {
		do()
		return
	}
	c.pending = append(c.pending, time.AfterFunc(delay, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			do()
			c.signal()
		}
	}))
}

func (c *Car) unlock() {
	if c.state.Locked && c.turn(false) {
		c.done.Openings++
	}
}

// turn moves the locks; false when they stick.
func (c *Car) turn(locked bool) bool {
	if c.quirks.Jam {
		c.state.Jammed = true
		return false
	}
	c.state.Locked, c.state.Jammed = locked, false
	if locked && c.window != nil {
		c.window.Stop()
		c.window = nil
	}
	return true
}

func (c *Car) pullHandle() {
	if c.quirks.Jam {
		c.state.Jammed = true
		return
	}
	c.unlock()
	c.state.Open[Trunk] = true
	if c.window != nil {
		c.window.Stop()
		c.window = nil
	}
}

// Park puts the car somewhere, and its cloud knows it as of a time.
func (c *Car) Park(latitude, longitude float64, at time.Time, moving bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Latitude, c.state.Longitude, c.state.Moving = latitude, longitude, moving
	c.told.Latitude, c.told.Longitude, c.told.Moving, c.told.PlaceAt = latitude, longitude, moving, at
	c.signal()
}

// signal wakes whoever waits for a change. The caller holds the lock.
func (c *Car) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// HandleFree says whether the trunk's handle is free now.
func (c *Car) HandleFree() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.window != nil
}

// PullHandle opens the trunk by its handle, where that is free or the car is unlocked.
func (c *Car) PullHandle() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.window == nil && c.state.Locked {
		return errors.New("the handle does not move")
	}
	c.pullHandle()
	c.report()
	c.signal()
	return nil
}

// Hand is what somebody who stands at the trunk does as soon as its handle is free.
type Hand int

// Hands.
const (
	NoHand Hand = iota
	// HandOpens opens the trunk; HandOpensAndShuts also shuts it again at once.
	HandOpens
	HandOpensAndShuts
)

// Wait has somebody stand at the trunk.
func (c *Car) Wait(hand Hand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hand = hand
}

// ByHand changes the car as somebody with its key would: the cloud hears of it as of anything else.
func (c *Car) ByHand(change func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
	c.report()
	c.signal()
}

// Behave sets what is wrong from now on; the zero value ends all that was wrong, and the cloud then hears how the car
// is. What is on its way is forgotten, as by a car that restarts.
func (c *Car) Behave(q Quirks) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop()
	c.quirks = q
	if q == (Quirks{}) {
		c.state.Jammed = false
		c.report()
	}
	c.signal()
}

// Quirks is what is wrong.
func (c *Car) Quirks() Quirks {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quirks
}

// State is how the car really is.
func (c *Car) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Done is what happened so far.
func (c *Car) Done() Done {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// Changed returns a channel that is closed at the next command, movement or report.
func (c *Car) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Close ends what is still on its way.
func (c *Car) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.stop()
	if c.window != nil {
		c.window.Stop()
	}
}

func (c *Car) stop() {
	for _, t := range c.pending {
		t.Stop()
	}
	c.pending = nil
}

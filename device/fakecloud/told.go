package fakecloud

import (
	"slices"
	"time"
)

// Told is what the maker's cloud knows, and since when: the car's own times.
type Told struct {
	State
	// LockAt and OpenAt are when the car said so of its locks, and of its openings; PlaceAt of its position.
	LockAt, OpenAt, PlaceAt time.Time
}

// report tells the cloud how the car is.
func (c *Car) report() {
	if c.quirks.Mute || c.quirks.Stale || c.quirks.Offline {
		return
	}
	was, at := c.state, c.stamp()
	c.after(c.quirks.ReportDelay, func() { c.tell(was, at) })
}

// stamp is the car's time of what it is now. Clouds tell milliseconds, so that no two states have the same.
func (c *Car) stamp() time.Time {
	at := c.now().Truncate(time.Millisecond)
	if next := c.stamped.Add(time.Millisecond); c.state != c.stampedAs && at.Before(next) {
		at = next
	}
	c.stamped, c.stampedAs = at, c.state
	return at
}

func (c *Car) tell(s State, at time.Time) {
	c.earlier = append(c.earlier, c.told)
	if len(c.earlier) > 8 {
		c.earlier = slices.Delete(c.earlier, 0, 1)
	}
	c.told = Told{s, at, at, c.placedAt(s, at)}
	if c.onTold != nil {
		c.onTold()
	}
	c.signal()
}

// placedAt is of when the place is that it recorded last, as of a time. A record of tomorrow stays one.
func (c *Car) placedAt(s State, at time.Time) time.Time {
	same := c.told.Latitude == s.Latitude && c.told.Longitude == s.Longitude
	if same && (!c.Tracks || at.Before(c.told.PlaceAt)) {
		return c.told.PlaceAt
	}
	return at
}

// Told is what the cloud knows, without asking the car.
func (c *Car) Told() Told {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.told
	if c.quirks.Stale {
		t.LockAt, t.OpenAt, t.PlaceAt = c.now(), c.now(), c.now()
	}
	return t
}

// Ask is what the cloud knows after it has asked the car.
func (c *Car) Ask() (Told, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.quirks.Asleep:
		return Told{}, ErrAsleep
	case c.quirks.Offline:
		return Told{}, ErrUnreachable
	case c.quirks.Mute || c.quirks.ReportDelay > 0:
		return c.told, nil
	case c.quirks.Stale:
		at := c.now()
		return Told{c.told.State, at, at, at}, nil
	}
	at := c.stamp()
	c.told = Told{c.state, at, at, c.placedAt(c.state, at)}
	return c.told, nil
}

// Replay makes the cloud know again what it knew when that last fitted, with the old times; false if it never did.
func (c *Car) Replay(fits func(Told) bool) bool { return c.Restamp(fits, func(*Told, Told) {}) }

// Restamp is Replay with other times: stamp gets what is told again, and what the cloud knew next when that fitted no more.
func (c *Car) Restamp(fits func(Told) bool, stamp func(again *Told, next Told)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.told
	for _, t := range slices.Backward(c.earlier) {
		if !fits(t) {
			next = t
		} else {
			stamp(&t, next)
			c.told = t
			if c.onTold != nil {
				c.onTold()
			}
			c.signal()
			return true
		}
	}
	return false
}

// OnTold calls f, which must not block nor call the car, each time that the cloud hears something new.
func (c *Car) OnTold(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onTold = f
}

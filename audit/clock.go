package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// tick is one time that a device itself gave: when that was heard, and what was known of the device then.
type tick struct {
	device, heard event.Instant
	bolt          event.Bolt
	contact       event.Contact
}

// clock is what is known of a device's own clock since an answer last set it.
type clock struct {
	// latest is the tick with the latest time of the device.
	latest tick
	// ticks are all of them, in the order of the journal; only ever appended to.
	ticks []tick
}

// hear takes in a message that counts; r is what is known with it. What a device answers sets its clock.
func (c clock) hear(o event.Observation, r reading) clock {
	if o.DeviceAt == 0 {
		return c
	}
	now := tick{o.DeviceAt, o.ReceivedAt, r.bolt.is, r.contact.is}
	switch {
	case o.Origin == event.OriginAnswer:
		return clock{now, []tick{now}}
	case o.DeviceAt > c.latest.device:
		c.latest = now
	}
	c.ticks = append(c.ticks, now)
	return c
}

// replayed: by its own clock the device said this before something that had been heard when it came, or it is that
// message again. A report that only reached this journal after a later one is no replay by that one, and may well
// be one by what had been heard before. What a device answers to a question is none.
func (r reading) replayed(o event.Observation) bool {
	latest := r.clock.latest
	if o.Origin == event.OriginAnswer || o.DeviceAt == 0 || o.DeviceAt > latest.device {
		return false
	}
	if o.DeviceAt == latest.device && o.ReceivedAt >= latest.heard {
		return repeats(o, r.bolt.is, r.contact.is)
	}
	for _, t := range slices.Backward(r.clock.ticks) {
		if t.heard <= o.ReceivedAt && (t.device > o.DeviceAt || t.device == o.DeviceAt && repeats(o, t.bolt, t.contact)) {
			return true
		}
	}
	return false
}

// repeats says whether a message tells nothing but what is known.
func repeats(o event.Observation, b event.Bolt, c event.Contact) bool {
	return (o.Bolt == "" || o.Bolt == b) && (o.Contact == "" || o.Contact == c)
}

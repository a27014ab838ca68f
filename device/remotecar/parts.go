package remotecar

import (
	"time"

	"github.com/loquet/loquet/event"
)

// Part is one thing of a car that can stand open, or one of its locks, as a cloud told of it. What is neither closed
// (or locked) nor open (or unlocked) is unknown.
type Part struct {
	Closed, Open bool
	// At is the car's own time of it.
	At time.Time
}

// Contact is closed only if every part is: as of the oldest of their times. If any is open it is open, as of the newest
// of these. Without parts nothing is said.
func Contact(parts ...Part) (event.Contact, time.Time) {
	switch state, at := together(parts); {
	case len(parts) == 0:
		return "", time.Time{}
	case state.Open:
		return event.ContactOpen, at
	case state.Closed:
		return event.ContactClosed, at
	default:
		return event.ContactUnknown, at
	}
}

// Bolt is locked only if every lock is, by the same rule.
func Bolt(locks ...Part) (event.Bolt, time.Time) {
	switch state, at := together(locks); {
	case len(locks) == 0:
		return "", time.Time{}
	case state.Open:
		return event.BoltUnlocked, at
	case state.Closed:
		return event.BoltLocked, at
	default:
		return event.BoltUnknown, at
	}
}

func together(parts []Part) (Part, time.Time) {
	var newestOpen, oldest time.Time
	open, closed := false, true
	for i, p := range parts {
		if p.Open {
			open, newestOpen = true, newer(newestOpen, p.At)
		}
		closed = closed && p.Closed
		if i == 0 || p.At.Before(oldest) {
			oldest = p.At
		}
	}
	if open {
		return Part{Open: true}, newestOpen
	}
	return Part{Closed: closed}, oldest
}

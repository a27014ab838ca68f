package site

import (
	"github.com/loquet/loquet/event"
)

// known is what there is to tell of a barrier to whoever borrows it.
func (b Barrier) known() event.Known {
	return event.Known{Bolt: b.Bolt, BoltAt: b.BoltAt, Contact: b.Contact, ContactAt: b.ContactAt,
		Reach: b.Reach, ReachedAt: b.ReachedAt, DeviceAt: b.DeviceAt, DeviceHeard: b.DeviceHeard}
}

// knowing is the barrier with what its owner knew of it.
func (b Barrier) knowing(k event.Known) Barrier {
	b.Bolt, b.BoltAt, b.Contact, b.ContactAt = k.Bolt, k.BoltAt, k.Contact, k.ContactAt
	b.Reach, b.ReachedAt, b.DeviceAt, b.DeviceHeard = k.Reach, k.ReachedAt, k.DeviceAt, k.DeviceHeard
	return b
}

// checkKnown refuses what no device says, and times that no calendar has or that belong to nothing.
func checkKnown(k event.Known) error {
	switch k.Bolt {
	case "", event.BoltLocked, event.BoltUnlocked, event.BoltJammed, event.BoltUnknown:
	default:
		return Invalid{"known.bolt", "one of locked, unlocked, jammed, unknown, or nothing"}
	}
	switch k.Contact {
	case "", event.ContactClosed, event.ContactOpen, event.ContactUnknown:
	default:
		return Invalid{"known.contact", "one of closed, open, unknown, or nothing"}
	}
	switch k.Reach {
	case "", event.ReachOnline, event.ReachOffline:
	default:
		return Invalid{"known.reach", "one of online, offline, or nothing"}
	}
	return checkKnownTimes(k)
}

func checkKnownTimes(k event.Known) error {
	for _, at := range []event.Instant{k.BoltAt, k.ContactAt, k.ReachedAt, k.DeviceAt, k.DeviceHeard} {
		if !inCalendar(at) {
			return Invalid{"known", "between 1970 and 9999"}
		}
	}
	if k.Bolt == "" && k.BoltAt != 0 || k.Contact == "" && k.ContactAt != 0 || k.Reach != event.ReachOnline && k.ReachedAt != 0 {
		return Invalid{"known", "a time stands beside what it is the time of"}
	}
	return nil
}

// past takes down what was known at times that lie ahead of us to just before now: the owner's clock may run ahead,
// and what was known when the lease was granted must never pass for something said after the opening. The device's
// own time is only compared with itself.
func (t *turn) past(k event.Known) event.Known {
	for _, at := range []*event.Instant{&k.BoltAt, &k.ContactAt, &k.ReachedAt, &k.DeviceHeard} {
		*at = min(*at, t.at-1)
	}
	return k
}

package smartcar

import (
	"time"

	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// state is what was said of a car, and of which of its parts.
type state struct {
	remotecar.Said
	named named
}

// named is how many parts of each kind were told of, even if only that they could not be asked.
type named map[kind]int

// kind of part: a closure by its signal's code, its locks or what can stand open.
type kind struct {
	closure string
	lock    bool
}

// front is what version 2.0 calls a front trunk and an engine's cover alike.
const front = "front"

func (n named) add(closure string, lock bool, parts int) {
	if k := (kind{closure, lock}); parts > 0 {
		n[k] = max(n[k], parts)
	}
}

func (n named) learn(other named) {
	for k, parts := range other {
		n.add(k.closure, k.lock, parts)
	}
}

// within says whether the other tells of all these locks, or of all these openings, and whether there are any.
func (n named) within(other named, lock bool) bool {
	found := false
	for k, parts := range n {
		if k.lock != lock {
			continue
		}
		if found = true; other[k] < parts {
			return false
		}
	}
	return found
}

// read learns from a whole answer what the car has.
func (v *vehicle) read(s state) remotecar.Said {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.has.learn(s.named)
	v.asked = true
	return s.Said
}

// believe is what counts of a webhook, which may tell of some closures only: that one is open proves that the car is; that
// those are shut proves nothing of the others, so that it must tell of all that the car is known to have, by its own
// answers first of all.
func (v *vehicle) believe(s state) remotecar.Said {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.Bolt != event.BoltUnlocked && !(v.asked && v.has.within(s.named, true)) {
		s.Bolt, s.BoltAt = "", time.Time{}
	}
	if s.Contact != event.ContactOpen && !(v.asked && v.has.within(s.named, false)) {
		s.Contact, s.ContactAt = "", time.Time{}
	}
	v.has.learn(s.named)
	return s.Said
}

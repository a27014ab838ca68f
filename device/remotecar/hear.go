package remotecar

import (
	"slices"
	"time"

	"github.com/loquet/loquet/event"
)

// ahead is how far a car's clock may be ahead of ours.
const ahead = time.Minute

// Hear takes what a cloud said: the answer to a question, or what it sent by itself.
func (v *Vehicle) Hear(s Said) { v.hear(s) }

// hear returns what was known before.
func (v *Vehicle) hear(s Said) (before Said) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.ReceivedAt.IsZero() {
		s.ReceivedAt = v.cfg.Now()
	}
	s.BoltAt, s.ContactAt = believable(s.BoltAt, s.ReceivedAt), believable(s.ContactAt, s.ReceivedAt)
	before = v.last
	for _, o := range v.split(s, before) {
		if o.Current() || v.differs(o) {
			v.tell(o)
		}
	}
	v.remember(s, before)
	for waiter := range v.waiters {
		select {
		case waiter <- s:
		default: // it has one to look at, and looks at the state again
		}
	}
	return before
}

// believable is a time that a car may have, or none.
func believable(at, received time.Time) time.Time {
	if at.After(received.Add(ahead)) {
		return time.Time{}
	}
	return at
}

// fromFuture says whether a part has a time that no car can have.
func fromFuture(s Said) bool {
	latest := s.ReceivedAt.Add(ahead)
	return s.BoltAt.After(latest) || s.ContactAt.After(latest)
}

// split makes observations: one if both parts are of one kind and time, else two, the older first: a site takes what is
// older than what it has heard for a replay. Nothing from before we listened is live. The caller holds the lock.
func (v *Vehicle) split(s, before Said) []event.Observation {
	bolt := v.observation(s, s.BoltAt, newer(before.BoltAt, v.since), s.Bolt != before.Bolt)
	contact := v.observation(s, s.ContactAt, newer(before.ContactAt, v.since), s.Contact != before.Contact)
	bolt.Bolt = s.Bolt
	contact.Contact = s.Contact
	switch {
	case s.Bolt == "" && s.Contact == "":
		return nil
	case s.Contact == "":
		return []event.Observation{bolt}
	case s.Bolt == "":
		return []event.Observation{contact}
	case bolt.DeviceAt == contact.DeviceAt && bolt.Origin == contact.Origin && bolt.AskedAt == contact.AskedAt:
		bolt.Contact = s.Contact
		return []event.Observation{bolt}
	case contact.DeviceAt != 0 && contact.DeviceAt < bolt.DeviceAt:
		return []event.Observation{contact, bolt}
	}
	return []event.Observation{bolt, contact}
}

// observation is what is said of a part with a time, when the last heard of it was of another. The caller holds the lock.
func (v *Vehicle) observation(s Said, at, last time.Time, changed bool) event.Observation {
	o := event.Observation{DeviceAt: event.InstantOf(at), ReceivedAt: event.InstantOf(s.ReceivedAt), Origin: event.OriginCached}
	asked := event.InstantOf(v.answered(s, at))
	newer := o.DeviceAt > event.InstantOf(last)
	ofThis := !s.AskedAt.IsZero() && asked >= event.InstantOf(s.AskedAt)
	switch {
	case at.IsZero():
	case asked != 0 && (ofThis || newer && !changed):
		o.Origin, o.AskedAt = event.OriginAnswer, asked
	case newer:
		o.Origin = event.OriginLive
	}
	return o
}

// answered is the last question, or command, that what a car says of a moment answers: it may be another one than that of
// which this is the answer. An earlier one, because the cloud heard of it only after it had answered us; or a later one,
// that left while the answer was on its way. Zero if there is none. The caller holds the lock.
func (v *Vehicle) answered(s Said, at time.Time) (last time.Time) {
	for _, asked := range append(slices.Clone(v.spoken), s.AskedAt) {
		if event.InstantOf(asked) <= event.InstantOf(at) {
			last = newer(last, asked)
		}
	}
	return last
}

// mostSpoken is how many questions and commands are remembered.
const mostSpoken = 64

// speak remembers a question, or a command, that is about to be sent.
func (v *Vehicle) speak(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.spoken = append(v.spoken, at); len(v.spoken) > mostSpoken {
		v.spoken = slices.Delete(v.spoken, 0, mostSpoken/2)
	}
}

// differs says whether a copy says anything that was not told last. The caller holds the lock.
func (v *Vehicle) differs(o event.Observation) bool {
	return o.Bolt != "" && o.Bolt != v.told.Bolt || o.Contact != "" && o.Contact != v.told.Contact
}

// remember keeps the newest of each part. What has no time may be newer, and is kept if it says that a part is not shut.
func (v *Vehicle) remember(s, before Said) {
	if s.Bolt != "" && supersedes(s.BoltAt, before.BoltAt, before.Bolt == "" || s.Bolt != event.BoltLocked) {
		v.last.Bolt, v.last.BoltAt, v.settled = s.Bolt, newer(s.BoltAt, before.BoltAt), s.ReceivedAt
	}
	if s.Contact != "" && supersedes(s.ContactAt, before.ContactAt, before.Contact == "" || s.Contact != event.ContactClosed) {
		v.last.Contact, v.last.ContactAt = s.Contact, newer(s.ContactAt, before.ContactAt)
	}
	v.last.ReceivedAt = s.ReceivedAt
	changed := v.last.Bolt != before.Bolt || v.last.Contact != before.Contact
	if changed && v.cfg.Now().Before(v.until) { // else it is nobody's visit, and can wait
		v.attendNow()
	}
}

// supersedes says whether what is of one time takes the place of what is of another; undated says whether it does
// without one.
func supersedes(at, before time.Time, undated bool) bool {
	if at.IsZero() {
		return undated
	}
	return !at.Before(before)
}

func newer(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// known is what was last heard, as a copy, for a watcher that comes later. The caller holds the lock.
func (v *Vehicle) known() []event.Observation {
	var all []event.Observation
	if v.last.Bolt != "" || v.last.Contact != "" {
		all = append(all, event.Observation{
			Bolt: v.last.Bolt, Contact: v.last.Contact, Origin: event.OriginCached,
			ReceivedAt: event.InstantOf(v.last.ReceivedAt),
		})
	}
	if v.reach == event.ReachOffline {
		all = append(all, event.Observation{Reach: v.reach, Origin: event.OriginCached, ReceivedAt: event.InstantOf(v.cfg.Now())})
	}
	return all
}

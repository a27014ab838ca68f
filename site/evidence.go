package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Barrier is one thing to be opened, with what its device last said.
type Barrier struct {
	ID               event.BarrierID   `json:"id"`
	Is               event.BarrierKind `json:"is"`
	Spec             event.Spec        `json:"spec"`
	AcceptUnprovable bool              `json:"acceptUnprovable,omitempty"`
	// Enrolled: somebody worked it by hand when asked, and the device said so. Worked is the first half of it.
	Enrolled bool `json:"enrolled,omitempty"`
	Worked   bool `json:"worked,omitempty"`
	// Reserved is when its enrolment began.
	Reserved event.Instant `json:"reserved,omitempty"`
	// Bolt and Contact as last said; BoltAt and ContactAt when, 0 if that was not current: a stored copy, a
	// replay, or an answer to a question older than the last report.
	Bolt      event.Bolt    `json:"bolt,omitempty"`
	BoltAt    event.Instant `json:"boltAt,omitempty"`
	Contact   event.Contact `json:"contact,omitempty"`
	ContactAt event.Instant `json:"contactAt,omitempty"`
	// BoltOwn and ContactOwn are the device's own times of those words, 0 where it gave none. They are shown, and nothing
	// is decided by them.
	BoltOwn    event.Instant `json:"boltOwn,omitempty"`
	ContactOwn event.Instant `json:"contactOwn,omitempty"`
	// Reach as last said; ReachedAt is when the device last proved reachable by a current message, 0 once it
	// was said to be offline.
	Reach     event.Reach   `json:"reach,omitempty"`
	ReachedAt event.Instant `json:"reachedAt,omitempty"`
	// DeviceAt is the device's own latest time, and DeviceHeard when we heard it: what is older and came later is
	// a replay.
	DeviceHeard event.Instant `json:"deviceHeard,omitempty"`
	DeviceAt    event.Instant `json:"deviceAt,omitempty"`
	LowBattery  bool          `json:"lowBattery,omitempty"`
	// HandAt is when it last moved while nobody held it: somebody stands there.
	HandAt event.Instant `json:"handAt,omitempty"`
	// Holder is the visit that opened it and has not secured it yet.
	Holder event.VisitID `json:"holder,omitempty"`
	// Lent to another site's visit.
	Lent Lent `json:"lent,omitzero"`
	// Borrowed from another site under this lease, with this fencing number.
	Borrowed event.LeaseID `json:"borrowed,omitempty"`
	Fence    uint64        `json:"fence,omitempty"`
}

// held says whether a visit, ours or a borrower's, has the barrier.
func (b Barrier) held() bool { return b.Holder != "" || b.Lent.Lease != "" }

// lowBattery is the charge in percent below which the site's people are told.
const lowBattery = 20

// hear folds what the device said. What does not speak for now can only unsettle what was known.
func (b Barrier) hear(o event.Observation) Barrier {
	if o.Battery > 0 {
		b.LowBattery = o.Battery < lowBattery
	}
	if !b.speaksNow(o) {
		return b.hearCopy(o)
	}
	before, at := b, o.ReceivedAt
	if o.Origin == event.OriginAnswer {
		at = o.AskedAt
	}
	word := word{at: at, answers: o.Origin == event.OriginAnswer, repeats: !b.Spec.Reads}
	b.Bolt, b.BoltAt = hearPart(b.Bolt, b.BoltAt, o.Bolt, word)
	b.Contact, b.ContactAt = hearPart(b.Contact, b.ContactAt, o.Contact, word)
	b.BoltOwn = ownTime(before.Bolt, b.Bolt, o.Bolt, before.BoltOwn, o.DeviceAt)
	b.ContactOwn = ownTime(before.Contact, b.Contact, o.Contact, before.ContactOwn, o.DeviceAt)
	b.Reach, b.ReachedAt = event.ReachOnline, max(b.ReachedAt, at)
	if o.Reach == event.ReachOffline {
		b.Reach, b.ReachedAt = event.ReachOffline, 0
	}
	if o.DeviceAt > b.DeviceAt || o.Origin == event.OriginAnswer && o.DeviceAt != 0 {
		b.DeviceAt, b.DeviceHeard = o.DeviceAt, o.ReceivedAt
	}
	if !b.held() && before.movedByHand(o, b) {
		b.HandAt = at
	}
	return b
}

// word is how a device spoke: when, whether in answer to a question, and whether a mere repetition counts.
type word struct {
	at      event.Instant
	answers bool
	repeats bool
}

// hearPart folds what was said of one part. Where the device can be asked, a report that only repeats what is
// known proves nothing: it may be an old message, kept or sent twice on its way. A report that we received before
// the last word came late on its way between our own journals, and is past; an answer to an older question, given
// at a time that nobody knows, can only unsettle that word.
func hearPart[T ~string](known T, knownAt event.Instant, said T, w word) (T, event.Instant) {
	switch {
	case said == "" || said == known && (w.at < knownAt || knownAt != 0 && !w.repeats && !w.answers):
		return known, knownAt
	case w.at < knownAt && w.answers:
		return said, 0
	case w.at < knownAt:
		return known, knownAt
	default:
		return said, w.at
	}
}

// ownTime is the device's own time of a part's last word: of what was said now, if that is the word; else as it was.
func ownTime[T ~string](before, after, said T, own, at event.Instant) event.Instant {
	switch {
	case said == "" || said != after:
		return own
	case before != after:
		return at
	default:
		return max(own, at)
	}
}

func (b Barrier) hearCopy(o event.Observation) Barrier {
	if o.Bolt != "" && o.Bolt != b.Bolt {
		b.Bolt, b.BoltAt, b.BoltOwn = o.Bolt, 0, o.DeviceAt
	}
	if o.Contact != "" && o.Contact != b.Contact {
		b.Contact, b.ContactAt, b.ContactOwn = o.Contact, 0, o.DeviceAt
	}
	if o.Reach != "" {
		b.Reach = o.Reach
	}
	if o.Reach == event.ReachOffline {
		b.ReachedAt = 0
	}
	return b
}

// speaksNow says whether the observation can speak for the moment at which it was received.
func (b Barrier) speaksNow(o event.Observation) bool { return o.Current() && !b.replay(o) }

// byHand says whether the device leaves it possible that a hand moved it.
func byHand(o event.Observation) bool { return o.Cause != "remote" && o.Cause != "auto" }

// replay says whether the message is older than one that was heard, or that one again, by the device's clock.
// The clock is only compared with itself, so that it may be wrong; an answer to our question is never a replay,
// and sets right a clock that had run ahead. Having been received before the later one, by whoever passes it on,
// excuses nothing: what had been heard until then is not known here.
func (b Barrier) replay(o event.Observation) bool {
	if o.Origin == event.OriginAnswer || o.DeviceAt == 0 || o.DeviceAt > b.DeviceAt {
		return false
	}
	same := (o.Bolt == "" || o.Bolt == b.Bolt) && (o.Contact == "" || o.Contact == b.Contact)
	return o.DeviceAt < b.DeviceAt || o.ReceivedAt < b.DeviceHeard || same
}

// movedByHand says whether what the device said shows somebody at the barrier now: a part moved, and the device said
// so by itself. An answer shows only that it moved at some time.
func (b Barrier) movedByHand(o event.Observation, after Barrier) bool {
	return (b.boltMoved(after) || b.contactMoved(after)) && o.Origin == event.OriginLive && b.speaksNow(o) && byHand(o)
}

// boltMoved and contactMoved say whether a part stands otherwise than was known from the device itself. Its first
// word, or what differs from a stored copy, shows no movement.
func (b Barrier) boltMoved(after Barrier) bool { return b.BoltAt != 0 && changed(b.Bolt, after.Bolt) }

func (b Barrier) contactMoved(after Barrier) bool {
	return b.ContactAt != 0 && changed(b.Contact, after.Contact)
}

// changed says whether a part went from one known position to another.
func changed[T ~string](before, after T) bool {
	known := func(p T) bool { return p != "" && p != T(event.BoltUnknown) && p != T(event.ContactUnknown) }
	return known(before) && known(after) && before != after
}

// open says whether a part says that the barrier is, or could be, open.
func (b Barrier) open() bool {
	return b.Bolt == event.BoltUnlocked || b.Contact == event.ContactOpen
}

// heardWhole says whether every part of the closure was heard from the device itself.
func (b Barrier) heardWhole() bool {
	c := b.Spec.Closure
	return (!c.Bolt || b.BoltAt != 0) && (!c.Contact || b.ContactAt != 0)
}

// ajar: the bolt is out, but the door is not shut.
func (b Barrier) ajar() bool {
	return b.boltMoves() && b.Spec.Closure.Bolt && b.Bolt == event.BoltLocked && b.BoltAt != 0 &&
		b.Contact == event.ContactOpen && b.ContactAt != 0
}

// unbolted: the device itself said that it is closed, and its bolt is not said to be locked.
func (b Barrier) unbolted() bool {
	return b.Spec.Closure.Bolt && b.Bolt != event.BoltLocked && b.Contact == event.ContactClosed && b.ContactAt != 0
}

// sightOfOpening says whether the device itself shows that an opening intended at that instant took place: a
// bolt that was withdrawn since, or, without a bolt, a contact that opened.
func (b Barrier) sightOfOpening(intended event.Instant) bool { return b.openSince(intended) != 0 }

// openSince returns when the part that shows the opening said so; 0 when none does.
func (b Barrier) openSince(intended event.Instant) event.Instant {
	if b.boltMoves() {
		b.Contact = ""
	} else {
		b.Bolt = ""
	}
	return b.partOpenSince(intended)
}

// partOpenSince returns when a part, the bolt before the contact, currently said that it stands open; 0 when none
// did since that instant.
func (b Barrier) partOpenSince(at event.Instant) event.Instant {
	switch {
	case b.Bolt == event.BoltUnlocked && b.BoltAt >= at:
		return b.BoltAt
	case b.Contact == event.ContactOpen && b.ContactAt >= at:
		return b.ContactAt
	}
	return 0
}

// saidOpenOnce: a stored copy, or an answer to an older question, says that a part stands open. That marks nothing,
// but is worth a question.
func (b Barrier) saidOpenOnce() bool {
	return b.Bolt == event.BoltUnlocked && b.BoltAt == 0 || b.Contact == event.ContactOpen && b.ContactAt == 0
}

// signOfOpening returns when any part first shows the barrier open after an intent, a stored copy that differs
// from what was known included: 0 when none does. It is no proof of who opened it.
func (b Barrier) signOfOpening(before Barrier, intended, at event.Instant) event.Instant {
	bolt := b.Bolt == event.BoltUnlocked && (before.Bolt != b.Bolt || b.BoltAt >= intended)
	contact := b.Contact == event.ContactOpen && (before.Contact != b.Contact || b.ContactAt >= intended)
	switch {
	case bolt && b.BoltAt != 0:
		return b.BoltAt
	case contact && b.ContactAt != 0:
		return b.ContactAt
	case bolt || contact:
		return at
	}
	return 0
}

func (b Barrier) hasBolt() bool { return b.Bolt != "" || b.Spec.Closure.Bolt }

// boltMoves says whether an opening withdraws the bolt. A trunk that opens alone leaves the car's doors locked.
func (b Barrier) boltMoves() bool { return b.hasBolt() && b.Spec.Reveals != event.RevealsTrunk }

// freesHandle: the order opens nothing yet. It frees the handle of a trunk for a while, and whether somebody opened it,
// only the car can say, or the courier who did.
func (b Barrier) freesHandle() bool { return b.Spec.Reveals == event.RevealsHandle }

// shut says whether the closure predicate holds on what was said after an instant. The part that an opening
// moves (the bolt, or a contact without one) must have spoken since; a contact behind a bolt, on a door that
// nobody may have pushed, counts unchanged if the device proved reachable since. Of a car, to which nobody listens between
// visits, every part must have spoken.
func (b Barrier) shut(since event.Instant) bool {
	c := b.Spec.Closure
	if !c.Provable() || b.Reach == event.ReachOffline || b.ReachedAt <= since {
		return false
	}
	if c.Bolt && (b.Bolt != event.BoltLocked || b.BoltAt <= since) {
		return false
	}
	if !c.Contact {
		return true
	}
	return b.Contact == event.ContactClosed && b.ContactAt != 0 && (b.hasBolt() && !b.Spec.Vehicle() || b.ContactAt > since)
}

// staleAt is when what the device said last is older than its horizon.
func (b Barrier) staleAt() event.Instant { return b.ReachedAt.Add(b.Spec.Horizon) }

// fresh says whether the device was heard within its horizon.
func (b Barrier) fresh(at event.Instant) bool { return b.ReachedAt != 0 && at < b.staleAt() }

// since is the instant after which evidence counts for the step: when it was last known to be opened; for an order
// that nobody answered, when it could last have arrived; for a code that nothing showed to be used, when it was gone; for
// a handle of which only the courier, or a contact, says that it was used, when it was no longer free.
func (p Step) since() event.Instant {
	if p.mayArrive() {
		return max(p.Intended, p.Opened, p.Permit.Resolve)
	}
	if p.ByContact {
		return max(p.Opened, p.Removed)
	}
	return max(p.Intended, p.Opened)
}

// mayArrive: an order that the device did not confirm may still open, until it can no longer; so may a hand whose handle
// was freed, where the bolt never said that it was used.
func (p Step) mayArrive() bool {
	return p.By == event.PermitRemote && (!p.Answered || p.Freed != 0 && (p.Opened == 0 || p.ByContact))
}

// mayStillBeUsed: the door moved, and nothing showed that it was the code that opened it. Whatever is known before
// the code is forgotten could be from before its use. A handle may be free for ever of which nobody knows for how long.
func (p Step) mayStillBeUsed() bool {
	return p.ByContact && (p.By == event.PermitCode && p.Removed == 0 || p.By == event.PermitRemote && p.Permit.Resolve == 0)
}

// settleOutcomes states what became of commands that nobody answered.
func (t *turn) settleOutcomes(v Visit) bool {
	for _, p := range v.Steps {
		if !p.live() || p.Outcome == event.Done && p.By == event.PermitRemote && !p.unused() {
			continue
		}
		if r, known := t.outcome(p); known {
			t.say(event.OpeningResolved{Permit: p.Permit.ID, Barrier: p.Barrier, Visit: v.ID, Outcome: r.Outcome, By: r.By})
			return true
		}
	}
	return false
}

// unused: the handle was freed, and nothing says that the trunk was opened by it.
func (p Step) unused() bool { return p.Freed != 0 && p.Opened == 0 }

// windowPassed: nobody opened the trunk while its handle was free.
func (p Step) windowPassed(at event.Instant) bool {
	return p.unused() && (p.Outcome == event.NotDone || p.impossibleNow(at))
}

func (t *turn) outcome(p Step) (r event.OpeningResolved, known bool) {
	b, _ := find(t.Barriers, p.Barrier)
	switch {
	case p.By == event.PermitCode:
		return t.codeOutcome(p, b)
	case b.freesHandle() && b.partOpenSince(p.Intended) != 0:
		return event.OpeningResolved{Outcome: event.Done, By: event.BySight}, true
	case b.sightOfOpening(p.Intended):
		return event.OpeningResolved{Outcome: event.Done, By: event.BySight}, true
	case p.impossibleNow(t.at) && p.Opened != 0: // a recovery is of a barrier that stood open before
		return event.OpeningResolved{Outcome: event.Done, By: event.BySigns}, true
	case p.impossibleNow(t.at) && b.shut(p.Permit.Resolve):
		return event.OpeningResolved{Outcome: event.NotDone, By: event.ByReading}, true
	}
	return t.outcomeByTime(p)
}

// codeOutcome: a code's command sets it; whether the barrier was opened with it, only the device can say, and only
// now: a stored copy may be older than the showing. A door that opens counts, though its bolt says nothing.
func (t *turn) codeOutcome(p Step, b Barrier) (r event.OpeningResolved, known bool) {
	switch {
	case p.Shown != 0 && !p.BySight && b.partOpenSince(p.Shown) != 0:
		return event.OpeningResolved{Outcome: event.Done, By: event.BySight}, true
	case p.Removed != 0 && p.Opened == 0 && (p.Shown == 0 || b.shut(p.Removed)):
		return event.OpeningResolved{Outcome: event.NotDone, By: event.ByReading}, true
	}
	return t.outcomeByTime(p)
}

func (t *turn) outcomeByTime(p Step) (r event.OpeningResolved, known bool) {
	if due := p.unknownAt(); due != 0 && due <= t.at {
		return event.OpeningResolved{Outcome: event.Unknown, By: event.ByTime}, true
	}
	return r, false
}

// unknownAt is when a command that nobody answered is called unknown; 0 for one that was answered.
func (p Step) unknownAt() event.Instant {
	switch {
	case p.Outcome != "":
		return 0
	case p.By == event.PermitCode:
		return p.Intended.Add(openWithin)
	default:
		return p.Permit.Deadline
	}
}

// impossibleNow: the command can no longer take effect.
func (p Step) impossibleNow(at event.Instant) bool {
	return p.resolvable() != 0 && at >= p.resolvable()
}

// resolvable is the first instant at which the command can no longer take effect; 0 if that is never known.
func (p Step) resolvable() event.Instant {
	if p.Permit.Resolve == 0 {
		return 0
	}
	return p.Permit.Resolve + 1
}

// settleProofs states what is proven, and nothing that follows from it yet.
func (t *turn) settleProofs() {
	proves := func(v Visit) bool { return t.settleOutcomes(v) || t.settleSecured(v) }
	for len(t.events) < mostEvents && slices.ContainsFunc(t.Visits, proves) {
	}
}

// settleSecured states where the closure predicate holds on fresh evidence, and where it no longer does: a part
// says otherwise, or nobody has heard of the device for longer than its horizon.
func (t *turn) settleSecured(v Visit) bool {
	for _, p := range v.Steps {
		if !p.live() || p.Opened == 0 || p.Outcome != event.Done {
			continue
		}
		b, _ := find(t.Barriers, p.Barrier)
		shut := !p.mayStillBeUsed() && b.shut(p.since()) && b.fresh(t.at)
		switch {
		case shut && p.Secured == 0:
			t.say(secured(v, b))
			return true
		case !shut && p.Secured != 0:
			t.say(event.BarrierUnsecured{Barrier: b.ID, Visit: v.ID})
			return true
		}
	}
	return false
}

func secured(v Visit, b Barrier) event.BarrierSecured {
	e := event.BarrierSecured{Barrier: b.ID, Visit: v.ID, Grade: b.Spec.Grade, ReachedAt: b.ReachedAt}
	if b.Spec.Closure.Bolt {
		e.BoltAt = b.BoltAt
	}
	if b.Spec.Closure.Contact {
		e.ContactAt = b.ContactAt
	}
	return e
}

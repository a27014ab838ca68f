package site

import (
	"github.com/loquet/loquet/event"
)

// Observe is what a barrier's device said.
type Observe struct {
	Barrier     event.BarrierID
	Observation event.Observation
}

func (r Observe) decide(t *turn) error {
	if err := t.allow(event.ActorDevice, event.ActorSite); err != nil {
		return err
	}
	b, ok := find(t.Barriers, r.Barrier)
	switch {
	case !ok && t.facts.Actor.Kind == event.ActorSite && t.awaiting(r.Barrier):
		return ErrEarly
	case !ok:
		return unknown("barrier", string(r.Barrier))
	case t.facts.Actor.Kind == event.ActorSite && b.Borrowed == "":
		return ErrForbidden
	}
	if !t.Listens(b.ID, t.at) {
		return nil
	}
	o := t.plausible(r.Observation)
	if b.Spec.Vehicle() {
		o.Battery = 0 // nobody's business
	}
	after := b.hear(o)
	if !t.eventful(b, after) {
		return nil
	}
	v, watching := t.watching(b.ID)
	t.say(event.BarrierObserved{Barrier: b.ID, Visit: v.ID, Observation: o})
	t.enrol(b, after, o)
	if !watching && b.Lent.Lease == "" {
		t.foreign(b, after, o)
	}
	t.settleProofs()
	t.proveTakeOver(b, after, o)
	return nil
}

// plausible takes from an observation what can't be: times that lie ahead of us or that no calendar has, and an
// answer to no question.
func (t *turn) plausible(o event.Observation) event.Observation {
	o.ReceivedAt = min(max(o.ReceivedAt, 0), t.at)
	o.AskedAt = min(max(o.AskedAt, 0), o.ReceivedAt)
	if !inCalendar(o.DeviceAt) {
		o.DeviceAt = 0
	}
	if o.Origin == event.OriginAnswer && o.AskedAt == 0 {
		o.Origin = event.OriginCached
	}
	return o
}

// eventful says whether what was heard changes anything: the state, or, while a visit waits for proof, its age.
func (t *turn) eventful(before, after Barrier) bool {
	if before.Bolt != after.Bolt || before.Contact != after.Contact || before.Reach != after.Reach ||
		before.LowBattery != after.LowBattery ||
		(before.BoltAt == 0) != (after.BoltAt == 0) || (before.ContactAt == 0) != (after.ContactAt == 0) {
		return true
	}
	spoke := before.ReachedAt != after.ReachedAt || before.BoltAt != after.BoltAt || before.ContactAt != after.ContactAt
	return spoke && (after.held() || after.Borrowed != "") && t.ageMatters(before)
}

// ageMatters: the repetition proves something if what is known is older than the last opening, or half stale.
func (t *turn) ageMatters(b Barrier) bool {
	if b.Lent.Lease != "" || t.at.Since(b.ReachedAt) >= b.Spec.Horizon/2 {
		return true
	}
	v, watching := t.watching(b.ID)
	p, _ := v.step(b.ID)
	return watching && p.Secured == 0
}

// watching finds the visit that opened, or may have opened, the barrier.
func (s State) watching(id event.BarrierID) (Visit, bool) {
	for _, v := range s.Visits {
		if p, ok := v.step(id); ok && p.spent() {
			return v, true
		}
	}
	return Visit{}, false
}

// enrol completes an enrolment: opened by hand, then shut again, and the device has spoken of every part that
// its closure will rest on. A contact that nobody ever heard could prove nothing later.
func (t *turn) enrol(before, after Barrier, o event.Observation) {
	if before.Enrolled || !before.speaksNow(o) || !before.Worked || after.open() || !after.heardWhole() {
		return
	}
	t.say(event.BarrierEnrolled{Barrier: before.ID, Seen: o})
}

// workedBy says whether somebody opened by hand the barrier that is being enrolled: it was known to be shut before.
func (b Barrier) workedBy(o event.Observation, after Barrier) bool {
	opened := b.boltMoved(after) && after.Bolt == event.BoltUnlocked || b.contactMoved(after) && after.Contact == event.ContactOpen
	return !b.Enrolled && opened && !b.open() && b.movedByHand(o, after)
}

// foreign tells of an opening that nobody asked Loquet for.
func (t *turn) foreign(before, after Barrier, o event.Observation) {
	opened := before.Bolt != event.BoltUnlocked && after.Bolt == event.BoltUnlocked && before.Bolt != "" ||
		before.Contact != event.ContactOpen && after.Contact == event.ContactOpen && before.Contact != ""
	watched := t.Rules.Watch && !before.Spec.Vehicle() || t.Rules.WatchCars && before.Spec.Vehicle()
	if opened && before.Enrolled && (watched || t.onTheWay(before.ID)) {
		t.say(event.ForeignOpening{Barrier: before.ID, Observation: o})
	}
}

// claimLife is how long a member has to work a barrier by hand after saying to be there.
const claimLife = 2 * event.Minute

// proveTakeOver completes a member's claim to be there: a barrier of the visit that is not secured yet was moved
// by hand since. A bolt has a motor: only where the device names a hand does it show one. What was said in time and
// comes too late, through another site's journal, proves nothing any more.
func (t *turn) proveTakeOver(before, after Barrier, o event.Observation) {
	named := o.Cause == "manual" || o.Cause == "keypad"
	if !before.movedByHand(o, after) || !named && !before.contactMoved(after) {
		return
	}
	for _, v := range t.Visits {
		p, ok := v.step(before.ID)
		claimed := v.claimedAt(o.ReceivedAt) && v.claimedAt(t.at)
		if ok && p.spent() && p.Secured == 0 && claimed && t.Member(v.ClaimedBy) {
			t.say(event.VisitTakenOver{Visit: v.ID, Member: v.ClaimedBy})
		}
	}
}

// claimedAt says whether a member's claim to be there waited for its proof at an instant.
func (v Visit) claimedAt(at event.Instant) bool {
	return v.TakenOver == "" && v.Claimed != 0 && v.Claimed <= at && at.Since(v.Claimed) <= claimLife
}

// Resume asks every device of an unfinished visit anew, after a restart. It orders nothing shut: what is known is
// from before, and a bolt must not be thrown into a door that was opened meanwhile.
type Resume struct{}

func (Resume) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	for _, v := range t.Visits {
		if v.Camera != "" {
			t.say(event.FilmingAsked{Visit: v.ID, Camera: v.Camera, Clip: v.Clip})
		}
		for _, p := range v.Steps {
			b, _ := find(t.Barriers, p.Barrier)
			if p.spent() && v.TakenOver == "" && b.Spec.Reads {
				t.say(event.ReadingAsked{Barrier: b.ID, Visit: v.ID})
			}
		}
	}
	return nil
}

// askDevice asks for the device's state: by an order to shut it where that is due, else by a reading.
func (t *turn) askDevice(v Visit, p Step) bool {
	b, _ := find(t.Barriers, p.Barrier)
	order := t.orderFrom(v, p, b)
	switch {
	case order != 0 && order <= t.at:
		t.say(event.SecuringAsked{Barrier: b.ID, Visit: v.ID})
	case b.Spec.Reads:
		t.say(event.ReadingAsked{Barrier: b.ID, Visit: v.ID})
	default:
		return false
	}
	return true
}

// orderFrom is when the device may first be ordered shut; 0 for not as things stand. A bolt is thrown only into
// a door that is shut, and not while the courier may yet open it; one that says to be locked is asked instead, if
// it can be. A door that moves is moved only when the courier has said to be out of it.
func (s State) orderFrom(v Visit, p Step, b Barrier) event.Instant {
	c := b.Spec.Closure
	leaving := v.Closing || v.Danger
	bolt := c.Bolt && b.boltMoves()
	locked := b.Bolt == event.BoltLocked
	switch {
	case !b.Spec.Secures || p.Secured != 0 && b.Spec.Reads:
		return 0
	case bolt && (c.Contact && b.Contact != event.ContactClosed || locked && b.answers(p)):
		return 0
	case !bolt && !leaving:
		return 0
	case !bolt && (locked || !c.Bolt) && b.Contact == event.ContactClosed && b.ContactAt > p.since():
		return b.staleAt()
	case p.Secured != 0:
		return b.askAgainAt()
	case leaving:
		return p.Intended
	case p.Opened == 0:
		return p.resolvable()
	default:
		return p.Began.Add(s.Rules.Dwell)
	}
}

// carAnswers is how many questions a car has to prove what it says already. The clouds of some makers answer from memory
// alone: then only an order makes the car say it anew.
const carAnswers = 2

// answers says whether a barrier that says to be shut is asked for the proof of it, rather than ordered shut again.
func (b Barrier) answers(p Step) bool {
	return b.Spec.Reads && (!b.Spec.Vehicle() || p.Asks < carAnswers)
}

// readFrom is when the device is first worth a question.
func (s State) readFrom(v Visit, p Step, b Barrier) event.Instant {
	switch {
	case !b.Spec.Reads:
		return 0
	case p.Removed != 0 && p.Opened == 0:
		return p.Removed
	case p.Shown != 0 && p.Opened == 0 && b.saidOpenOnce():
		return p.Shown
	case p.Outcome != event.Done || p.Opened == 0:
		return p.Permit.Deadline
	case p.Secured != 0:
		return b.askAgainAt()
	case v.Closing || v.Danger:
		return p.Intended
	default:
		return p.Began.Add(s.Rules.Dwell)
	}
}

// askAgainAt is when what is known of a secured barrier is to be renewed, in good time before it is stale.
func (b Barrier) askAgainAt() event.Instant { return b.ReachedAt.Add(b.Spec.Horizon / 2) }

// Between two questions to a device: first this, then twice as long each time, up to the most.
const (
	firstAsk = 2 * event.Second
	mostAsk  = 5 * event.Minute
)

// nextAsk is when the device of a step is to be asked next; 0 if it is not, or can't be.
func (s State) nextAsk(v Visit, p Step) event.Instant {
	if !p.spent() || v.TakenOver != "" {
		return 0
	}
	b, _ := find(s.Barriers, p.Barrier)
	start := earlier(s.orderFrom(v, p, b), s.readFrom(v, p, b))
	if start == 0 || p.LastAsk == 0 {
		return start
	}
	return max(start, p.LastAsk.Add(min(firstAsk<<min(p.Asks-1, 10), mostAsk)))
}

// earlier of two instants, where 0 is never.
func earlier(a, b event.Instant) event.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (t *turn) settleAsks(v Visit) bool {
	for _, p := range v.Steps {
		if at := t.nextAsk(v, p); at != 0 && at <= t.at {
			return t.askDevice(v, p)
		}
	}
	return false
}

var observationEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.BarrierObserved) {
		before, _ := find(s.Barriers, b.Barrier)
		after := before.hear(b.Observation)
		edit(&s.Barriers, b.Barrier, func(x *Barrier) {
			*x = after
			x.Worked = before.Worked || before.workedBy(b.Observation, after)
		})
		s.editStep(b.Visit, b.Barrier, func(p *Step) { p.hear(before, after, e.At) })
	}),
	on(func(s *State, e event.Event, b event.ReadingAsked) { s.countAsk(b.Visit, b.Barrier, e.At) }),
	on(func(s *State, e event.Event, b event.SecuringAsked) { s.countAsk(b.Visit, b.Barrier, e.At) }),
	on(func(s *State, e event.Event, b event.BarrierSecured) {
		s.editStep(b.Visit, b.Barrier, func(p *Step) { p.Secured, p.Asks, p.LastAsk, p.Reopened = e.At, 0, 0, false })
	}),
	on(func(s *State, _ event.Event, b event.BarrierUnsecured) {
		barrier, _ := find(s.Barriers, b.Barrier)
		s.editStep(b.Visit, b.Barrier, func(p *Step) { p.Secured, p.Asks, p.LastAsk, p.Reopened = 0, 0, 0, barrier.open() })
	}),
}

// hear lets a change start the questions anew, and notes the first sign that an order opened the barrier. Where the
// device gives the instant of an opening, that counts: its answer to the command may have been decided upon
// before its report was.
func (p *Step) hear(before, after Barrier, at event.Instant) {
	renewed := p.Secured != 0 && before.ReachedAt != after.ReachedAt
	if renewed || before.Bolt != after.Bolt || before.Contact != after.Contact || before.Reach != after.Reach {
		p.Asks, p.LastAsk = 0, 0
	}
	seen := after.openSince(p.Intended)
	switch {
	case !p.spent():
	case p.By == event.PermitCode: // nothing but its resolution marks the opening; see resolve
		p.ByContact = p.ByContact && after.openSince(p.Shown) == 0
	case after.freesHandle(): // the same
		p.ByContact = p.ByContact && seen == 0
	case p.Opened == 0:
		p.Opened = after.signOfOpening(before, p.Intended, at)
	case p.Outcome == event.Done && !p.BySight && seen != 0:
		p.Opened, p.BySight = seen, true
	}
}

func (s *State) countAsk(v event.VisitID, b event.BarrierID, at event.Instant) {
	s.editStep(v, b, func(p *Step) { p.Asks, p.LastAsk = p.Asks+1, at })
}

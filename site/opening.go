package site

import (
	"github.com/loquet/loquet/event"
)

// How long a command may be under way, and how long a one-time code may be used.
const (
	openWithin = 20 * event.Second
	codeWithin = 10 * event.Minute
)

// Open is the courier's signed tap for a barrier: the next one further in, the first after offline scans, or
// one whose last command certainly did not happen.
type Open struct {
	Visit   event.VisitID
	Barrier event.BarrierID
}

func (r Open) decide(t *turn) error {
	v, ok, err := t.openable(r.Visit, event.AskedOpen)
	if !ok {
		return err
	}
	step, ok := v.step(r.Barrier)
	if !ok {
		return unknown("barrier on this way in", string(r.Barrier))
	}
	return t.open(v, step, event.AskedOpen)
}

// openable finds the visit of a courier's tap, or of a member's in a rehearsal.
func (t *turn) openable(id event.VisitID, asked event.Asked) (Visit, bool, error) {
	v, found := find(t.Visits, id)
	if !found || !v.rehearsal() {
		return t.ofVisit(id, asked)
	}
	if who, err := t.member(); err != nil || who != v.Member {
		return Visit{}, false, ErrForbidden
	}
	return v, true, nil
}

// open passes the gate and states the intent, or asks another site for its barrier first.
func (t *turn) open(v Visit, step Step, asked event.Asked) error {
	if no := t.gate(v, step); no.Code != "" {
		no.Asked, no.Visit, no.Barrier = asked, v.ID, step.Barrier
		return t.refuseAndSeek(no)
	}
	if !v.rehearsal() {
		t.arrive(v)
	}
	if event.SiteOf(step.Barrier) != t.Site {
		if _, lent := find(t.Barriers, step.Barrier); !lent {
			t.borrow(v, step)
			return nil
		}
	}
	t.intend(v, step, false, opening{*orZero(t.facts.Place), t.readiness(step.Barrier), t.facts.Signed})
	return nil
}

// opening is what stood when somebody asked to open.
type opening struct {
	Place  event.Place
	Ready  event.Readiness
	Signed event.Signed
}

// intend commits to open: this event spends the permit.
func (t *turn) intend(v Visit, step Step, recovery bool, o opening) {
	b, _ := find(t.Barriers, step.Barrier)
	within := openWithin
	if step.By == event.PermitCode {
		within = codeWithin
	}
	p := event.Permit{ID: newID[event.PermitID](t, 'p'), Type: step.By, Visit: v.ID, Barrier: b.ID, Device: b.Spec.Device,
		Courier: v.Courier, Key: v.Key, Member: v.Member, Deadline: t.at.Add(within), Recovery: recovery,
		Lease: b.Borrowed, Fence: b.Fence}
	if b.Spec.Lateness != event.UnboundedLateness {
		p.Resolve = p.Deadline.Add(b.Spec.Lateness + b.Spec.Window)
	}
	t.say(event.OpeningIntended{Permit: p, Place: o.Place, Ready: o.Ready, Picture: t.pictureFor(v), Signed: o.Signed})
}

func orZero[T any](p *T) *T {
	if p == nil {
		p = new(T)
	}
	return p
}

// Reopen is the courier's signed tap for a recovery permit: the door stands ajar, its bolt out, and can't be
// shut without being unlocked again. Possible only while the contact says open.
type Reopen struct {
	Visit   event.VisitID
	Barrier event.BarrierID
}

func (r Reopen) decide(t *turn) error {
	v, ok, err := t.ofVisit(r.Visit, event.AskedOpen)
	if !ok {
		return err
	}
	step, ok := v.step(r.Barrier)
	if !ok {
		return unknown("barrier on this way in", string(r.Barrier))
	}
	if code := t.gateReopen(v, step); code != "" {
		return t.refuse(event.Refused{Asked: event.AskedOpen, Code: code, Visit: v.ID, Barrier: r.Barrier})
	}
	t.intend(v, step, true, opening{*t.facts.Place, t.readiness(r.Barrier), t.facts.Signed})
	return nil
}

func (t *turn) gateReopen(v Visit, step Step) event.Code {
	b, _ := find(t.Barriers, step.Barrier)
	ap, _ := find(t.AccessPoints, v.AccessPoint)
	switch {
	case v.Suspended:
		return event.Suspended
	case v.TakenOver != "":
		return event.AlreadyEnded
	case t.gatePicture(v).Code != "":
		return t.gatePicture(v).Code
	case t.opensOtherwise(ap, b):
		return event.CarOpensOtherwise
	case !step.live() || step.Opened == 0 || step.By != event.PermitRemote:
		return event.NotOpened
	case step.Outcome != event.Done || step.mayArrive() && !step.impossibleNow(t.at):
		// Seen open is not enough: the order itself might still be on its way.
		return event.OutcomePending
	case !b.ajar():
		return event.NotAjar
	case t.readiness(b.ID).Reach != event.ReachOnline:
		return event.DeviceOffline
	}
	return t.checkPlace(v)
}

// Resolve reports what a connector's answer was to the command of a permit.
type Resolve struct {
	Permit  event.PermitID
	Outcome event.Outcome
}

func (r Resolve) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	if r.Outcome != event.Done && r.Outcome != event.NotDone {
		r.Outcome = event.Unknown
	}
	v, step, ok := t.stepOf(r.Permit)
	if !ok || !step.news(r.Outcome) {
		return nil
	}
	t.say(event.OpeningResolved{Permit: r.Permit, Barrier: step.Barrier, Visit: v.ID, Outcome: r.Outcome, By: event.ByAnswer})
	return nil
}

// news says whether a connector's answer adds to what is known: also that an opening which was seen already was
// indeed the command's, so that it will not come later.
func (p Step) news(o event.Outcome) bool {
	switch p.Outcome {
	case event.NotDone:
		return false
	case event.Done:
		return o == event.Done && !p.Answered
	default:
		return o != p.Outcome
	}
}

func (s State) stepOf(p event.PermitID) (Visit, Step, bool) {
	for _, v := range s.Visits {
		for _, step := range v.Steps {
			if p != "" && step.Permit.ID == p {
				return v, step, true
			}
		}
	}
	return Visit{}, Step{}, false
}

var openingEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.OpeningIntended) {
		s.editStep(b.Permit.Visit, b.Permit.Barrier, func(p *Step) {
			before := *p
			*p = Step{Barrier: p.Barrier, By: p.By, Permit: b.Permit, Intended: e.At, Began: e.At}
			if b.Permit.Recovery {
				p.Opened, p.Began = before.Opened, before.Began
			}
		})
		edit(&s.Barriers, b.Permit.Barrier, func(x *Barrier) { x.Holder = b.Permit.Visit })
		edit(&s.Leases, b.Permit.Lease, func(l *Lease) { l.Spent = true })
		edit(&s.Visits, b.Permit.Visit, func(v *Visit) {
			v.Closing = false
			v.Watched = v.Watched || b.Picture.Camera != "" && b.Picture.Fault == ""
		})
	}),
	on(func(s *State, e event.Event, b event.OpeningResolved) {
		s.editStep(b.Visit, b.Barrier, func(p *Step) {
			barrier, _ := find(s.Barriers, b.Barrier)
			p.resolve(b, barrier, e.At)
		})
		v, _ := find(s.Visits, b.Visit)
		if p, _ := v.step(b.Barrier); !p.live() {
			edit(&s.Barriers, b.Barrier, func(x *Barrier) { x.Holder = "" })
		}
	}),
}

// resolve folds an outcome into the step. A recovery that did not happen leaves the opening before it standing.
func (p *Step) resolve(r event.OpeningResolved, b Barrier, at event.Instant) {
	p.Asks, p.LastAsk = 0, 0
	p.Outcome = r.Outcome
	p.Answered = p.Answered || r.By == event.ByAnswer && r.Outcome != event.Unknown
	if r.Outcome == event.NotDone && p.Permit.Recovery {
		p.Outcome = event.Done
		return
	}
	if r.Outcome != event.Done {
		return
	}
	switch {
	case r.By == event.BySight && p.By == event.PermitCode:
		p.Opened, p.BySight, p.ByContact = b.partOpenSince(p.Shown), true, b.openSince(p.Shown) == 0
	case r.By == event.BySight && b.freesHandle():
		p.Opened, p.BySight, p.ByContact = b.partOpenSince(p.Intended), true, b.openSince(p.Intended) == 0
	case r.By == event.BySight:
		p.Opened, p.BySight = b.openSince(p.Intended), true
	case b.freesHandle():
		p.Freed, p.ByContact = at, p.ByContact || p.Opened != 0 && b.openSince(p.Intended) == 0
	case p.By == event.PermitRemote && (p.Opened == 0 || p.Permit.Recovery && !p.BySight):
		p.Opened = at
	}
}

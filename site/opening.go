package site

import (
	"slices"

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
		return t.refuse(no)
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
		p.Resolve = p.Deadline.Add(b.Spec.Lateness)
	}
	t.say(event.OpeningIntended{Permit: p, Place: o.Place, Ready: o.Ready, Camera: t.facts.Camera, Signed: o.Signed})
}

func orZero[T any](p *T) *T {
	if p == nil {
		p = new(T)
	}
	return p
}

// gate says why the barrier may not be opened now; no code means that it may. Its order is the order in which
// a courier can do something about it.
func (t *turn) gate(v Visit, step Step) event.Refused {
	if code := t.gateSteps(v, step); code != "" {
		return event.Refused{Code: code}
	}
	if !v.rehearsal() {
		if v.Suspended {
			return event.Refused{Code: event.Suspended}
		}
		if no := t.gateDeliveries(v); no.Code != "" {
			return no
		}
		if code := t.checkPlace(v); code != "" {
			return event.Refused{Code: code}
		}
	}
	if t.Rules.Camera && t.facts.Camera == nil {
		return event.Refused{Code: event.CameraNotLive}
	}
	return event.Refused{Code: t.gateBarrier(v, step)}
}

// gateSteps keeps the order of the way in, and one command at a time.
func (t *turn) gateSteps(v Visit, step Step) event.Code {
	if v.TakenOver != "" || v.Danger {
		return event.AlreadyEnded
	}
	if step.live() {
		if step.Opened == 0 {
			return event.OutcomePending
		}
		return event.AlreadyOpened
	}
	for _, before := range v.Steps {
		if before.Barrier == step.Barrier {
			return ""
		}
		if !before.live() {
			return event.NotOpened
		}
		if before.Opened == 0 {
			return event.OutcomePending
		}
	}
	return ""
}

// gateDeliveries asks whether there is a reason to open: every delivery of the visit must allow it, but for
// those that were blocked on the way in.
func (t *turn) gateDeliveries(v Visit) event.Refused {
	if t.allBlocked(v) {
		return event.Refused{Code: t.whyNothing(v)}
	}
	if t.parcelsLeft(v) {
		return event.Refused{Code: event.ParcelsLeft}
	}
	for _, id := range v.Deliveries {
		d, _ := find(t.Deliveries, id)
		if no := t.gateDelivery(d); no.Code != "" && !d.Blocked {
			no.Delivery = id
			return no
		}
	}
	return event.Refused{}
}

// whyNothing tells a courier whose deliveries were blocked from one who has none left.
func (t *turn) whyNothing(v Visit) event.Code {
	if slices.ContainsFunc(t.Deliveries, func(d Delivery) bool { return d.Blocked && d.Courier == v.Courier }) {
		return event.Blocked
	}
	return event.NothingToDeliver
}

func (t *turn) gateDelivery(d Delivery) event.Refused {
	switch {
	case t.at < d.Window.From:
		return event.Refused{Code: event.TooEarly, RetryAt: d.Window.From}
	case t.at >= d.Window.To:
		return event.Refused{Code: event.TooLate}
	case !d.Consented:
		return event.Refused{Code: event.NoConsent}
	case !event.Within(d.Allowed, t.at):
		return t.outsideHours(d)
	}
	return event.Refused{Code: t.gateQuestions(d)}
}

// outsideHours: the consent has hours, and it is not one of them.
func (t *turn) outsideHours(d Delivery) event.Refused {
	for _, s := range d.Allowed {
		if t.at < s.From {
			return event.Refused{Code: event.TooEarly, RetryAt: s.From}
		}
	}
	return event.Refused{Code: event.TooLate}
}

func (t *turn) gateQuestions(d Delivery) event.Code {
	for _, q := range t.questions() {
		yes, answered := d.answer(q, event.RoundApproach)
		switch {
		case !answered:
			return event.QuestionOpen
		case !yes && q == event.QuestionPets:
			return event.PetsLoose
		case !yes:
			return event.AlarmOn
		}
	}
	return ""
}

// gateBarrier asks whether the barrier is free and its device ready. Another site's barrier is asked about
// when it has been borrowed.
func (t *turn) gateBarrier(v Visit, step Step) event.Code {
	b, ours := find(t.Barriers, step.Barrier)
	switch {
	case !ours && event.SiteOf(step.Barrier) != t.Site:
		return t.gateLease(v, step)
	case !ours || !b.Enrolled || !takes(b.Spec, step.By):
		return event.BarrierNotReady
	case b.held() && b.Holder != v.ID, b.Borrowed != "" && !t.borrowedFor(v, b):
		return event.BarrierBusy
	case t.readiness(b.ID).Reach != event.ReachOnline:
		return event.DeviceOffline
	}
	return ""
}

// takes says whether a device can be opened in this way.
func takes(s event.Spec, by event.PermitType) bool {
	return by == event.PermitRemote && s.Opens || by == event.PermitCode && s.Codes
}

func (t *turn) readiness(id event.BarrierID) event.Readiness {
	for _, r := range t.facts.Ready {
		if r.Barrier == id {
			return r
		}
	}
	return event.Readiness{Barrier: id}
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
	switch {
	case v.Suspended:
		return event.Suspended
	case v.TakenOver != "":
		return event.AlreadyEnded
	case t.Rules.Camera && t.facts.Camera == nil:
		return event.CameraNotLive
	case !step.live() || step.Opened == 0 || step.By != event.PermitRemote:
		return event.NotOpened
	case step.Outcome != event.Done:
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
			if step.Permit.ID == p {
				return v, step, true
			}
		}
	}
	return Visit{}, Step{}, false
}

// ShowCode is the courier's signed request for the one-time code: its first showing spends the permit.
type ShowCode struct {
	Visit   event.VisitID
	Barrier event.BarrierID
}

func (r ShowCode) decide(t *turn) error {
	v, ok, err := t.openable(r.Visit, event.AskedCode)
	if !ok {
		return err
	}
	step, ok := v.step(r.Barrier)
	if !ok {
		return unknown("barrier on this way in", string(r.Barrier))
	}
	if no := t.gateCode(v, step); no.Code != "" {
		no.Asked, no.Visit, no.Barrier = event.AskedCode, v.ID, r.Barrier
		return t.refuse(no)
	}
	if step.Shown == 0 {
		t.say(event.CodeShown{Permit: step.Permit.ID, Visit: v.ID, Key: v.Key, Signed: t.facts.Signed})
	}
	return nil
}

func (t *turn) gateCode(v Visit, step Step) event.Refused {
	switch {
	case step.Permit.Type != event.PermitCode || !step.live():
		return event.Refused{Code: event.NotOpened}
	case step.Removing || t.at >= step.Permit.Deadline:
		return event.Refused{Code: event.TooLate}
	case step.Outcome != event.Done:
		return event.Refused{Code: event.NotConfirmed}
	case step.Shown != 0:
		return event.Refused{}
	case t.Rules.Camera && t.facts.Camera == nil:
		return event.Refused{Code: event.CameraNotLive}
	case v.rehearsal():
		return event.Refused{}
	}
	if no := t.gateDeliveries(v); no.Code != "" {
		return no
	}
	return event.Refused{Code: t.checkPlace(v)}
}

// ReportCodeRemoval says whether the device, read back, has forgotten the code.
type ReportCodeRemoval struct {
	Permit    event.PermitID
	Confirmed bool
}

func (r ReportCodeRemoval) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	if v, step, ok := t.stepOf(r.Permit); ok && step.Removing && step.Removed == 0 && (r.Confirmed || !step.Stuck) {
		t.say(event.CodeRemoved{Permit: r.Permit, Barrier: step.Barrier, Visit: v.ID, Confirmed: r.Confirmed})
	}
	return nil
}

// settleCodes has a code forgotten once it was used, can't be wanted any more, or is past its time.
func (t *turn) settleCodes(v Visit) bool {
	for _, p := range v.Steps {
		if p.Permit.Type != event.PermitCode || !p.live() || p.Removing {
			continue
		}
		if t.codeOverAt(v, p) <= t.at {
			t.say(event.CodeRemovalAsked{Permit: p.Permit.ID, Barrier: p.Barrier, Visit: v.ID})
			return true
		}
	}
	return false
}

// codeOverAt is from when a code is to be forgotten: not before the lock has it, or can no longer be given it.
func (s State) codeOverAt(v Visit, p Step) event.Instant {
	used := p.Opened != p.Shown && p.Opened != 0
	gone := v.TakenOver != "" || v.Suspended || v.Closing || v.Danger
	wanted := !used && !gone && (p.Shown != 0 || !s.allBlocked(v) && p.Outcome != event.Unknown)
	switch {
	case wanted || !p.Answered && p.Permit.Resolve == 0:
		return p.Permit.Deadline
	case !p.Answered:
		return p.Intended.Add(openWithin + p.Permit.Resolve.Since(p.Permit.Deadline))
	default:
		return p.Intended
	}
}

// allBlocked says whether no delivery of the visit may still be left.
func (s State) allBlocked(v Visit) bool {
	return !v.rehearsal() && !slices.ContainsFunc(v.Deliveries, func(id event.DeliveryID) bool {
		d, _ := find(s.Deliveries, id)
		return !d.Blocked
	})
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
		edit(&s.Visits, b.Permit.Visit, func(v *Visit) { v.Closing = false })
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
	on(func(s *State, e event.Event, b event.CodeShown) {
		v, _ := find(s.Visits, b.Visit)
		for _, p := range v.Steps {
			if p.Permit.ID == b.Permit {
				barrier, _ := find(s.Barriers, p.Barrier)
				s.editStep(b.Visit, p.Barrier, func(p *Step) { p.show(barrier, e.At) })
			}
		}
	}),
	on(func(s *State, _ event.Event, b event.CodeRemovalAsked) {
		s.editStep(b.Visit, b.Barrier, func(p *Step) { p.Removing = true })
	}),
	on(func(s *State, e event.Event, b event.CodeRemoved) {
		s.editStep(b.Visit, b.Barrier, func(p *Step) {
			if p.Stuck = !b.Confirmed; b.Confirmed {
				p.Removed = e.At
			}
		})
	}),
}

// show folds the showing of a code. A barrier that can prove nothing counts as opened from then on.
func (p *Step) show(b Barrier, at event.Instant) {
	p.Shown, p.Began = at, at
	if !b.Spec.Closure.Provable() {
		p.Opened = at
	}
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
	case r.By == event.BySight:
		p.Opened, p.BySight = b.openSince(p.Intended), true
	case p.By == event.PermitRemote && p.Opened == 0:
		p.Opened = at
	}
}

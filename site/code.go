package site

import (
	"github.com/loquet/loquet/event"
)

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
	}
	if no := t.gatePicture(v); no.Code != "" || v.rehearsal() {
		return no
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
	gone := v.TakenOver != "" || v.Suspended || v.Closing || v.Danger
	wanted := !p.BySight && !gone && (p.Shown != 0 || !s.allOut(v) && p.Outcome != event.Unknown)
	switch {
	case wanted || !p.Answered && p.Permit.Resolve == 0:
		return p.Permit.Deadline
	case !p.Answered:
		return p.Intended.Add(openWithin + p.Permit.Resolve.Since(p.Permit.Deadline))
	default:
		return p.Intended
	}
}

var codeEvolvers = []evolver{
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
				p.Removed, p.Asks, p.LastAsk = e.At, 0, 0
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

package site

import (
	"github.com/loquet/loquet/event"
)

// Alarm is what stands in a visit; level 0 for none.
type Alarm struct {
	Reason  event.AlarmReason `json:"reason,omitempty"`
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Level   event.AlarmLevel  `json:"level,omitempty"`
	// At is when this level was reached, Raised when the alarm began.
	At     event.Instant `json:"at,omitempty"`
	Raised event.Instant `json:"raised,omitempty"`
	// Owner acknowledged it, at Owned. Nothing is decided by that.
	Owner event.Actor   `json:"owner,omitzero"`
	Owned event.Instant `json:"owned,omitempty"`
}

// AcknowledgeAlarm says that the operator's staff have the visit's alarm in hand. The first to say so owns it; whoever
// comes after finds the owner in the state, and appends nothing.
type AcknowledgeAlarm struct{ Visit event.VisitID }

func (r AcknowledgeAlarm) decide(t *turn) error {
	if err := t.allow(event.ActorOperator); err != nil {
		return err
	}
	v, ok := find(t.Visits, r.Visit)
	switch {
	case !ok:
		return unknown("visit", string(r.Visit))
	case v.Alarm.Level == 0:
		return notNow("no alarm stands in the visit")
	case v.Alarm.Owned == 0:
		t.say(event.AlarmAcknowledged{Visit: v.ID, By: t.facts.Actor})
	}
	return nil
}

// settleAlarm raises, climbs and ends a visit's alarm.
func (t *turn) settleAlarm(v Visit) bool {
	due := t.alarmAt(v, t.at)
	switch {
	case due == v.Alarm:
		return false
	case due.Level == 0:
		t.say(event.AlarmEnded{Visit: v.ID})
	default:
		t.say(event.AlarmRaised{Visit: v.ID, Barrier: due.Barrier, Reason: due.Reason, Level: due.Level})
	}
	return true
}

// alarmAt is the alarm that should stand at an instant if nothing else happens until then.
func (s State) alarmAt(v Visit, at event.Instant) Alarm {
	reason, barrier := s.problem(v, at)
	if reason == "" {
		return Alarm{}
	}
	due := v.Alarm
	due.Reason, due.Barrier, due.Level = reason, barrier, s.alarmLevel(v, reason, at)
	if due.Level != v.Alarm.Level {
		due.At = at
	}
	return due
}

func (s State) alarmLevel(v Visit, reason event.AlarmReason, at event.Instant) event.AlarmLevel {
	switch {
	case reason == event.AlarmDanger, v.unwatched():
		return event.AlarmOperator
	case v.Alarm.Level == 0:
		return event.AlarmCourier
	case v.Alarm.Level < event.AlarmOperator && at >= v.Alarm.At.Add(s.Rules.Climb):
		return v.Alarm.Level + 1
	default:
		return v.Alarm.Level
	}
}

// problem names what is wrong in the visit at an instant, and where first; "" when nothing is.
func (s State) problem(v Visit, at event.Instant) (event.AlarmReason, event.BarrierID) {
	if v.Danger && v.TakenOver == "" {
		return event.AlarmDanger, ""
	}
	for _, p := range v.Steps {
		if !p.live() {
			continue
		}
		if reason := s.stepProblem(v, p, at); reason != "" {
			return reason, p.Barrier
		}
	}
	if v.unwatched() {
		return event.AlarmPicture, ""
	}
	return "", ""
}

func (s State) stepProblem(v Visit, p Step, at event.Instant) event.AlarmReason {
	b, _ := find(s.Barriers, p.Barrier)
	switch {
	case p.Stuck:
		return event.AlarmCodeStuck
	case !p.spent() || p.Secured != 0 || v.TakenOver != "":
		return ""
	case b.Bolt == event.BoltJammed && b.BoltAt >= p.Intended:
		return event.AlarmJammed
	case p.Opened != 0 && b.ajar():
		return event.AlarmAjar
	case p.Reopened:
		return event.AlarmReopened
	case at < p.Began.Add(s.Rules.Dwell), !b.Spec.Closure.Provable() && s.finishedAt(v, p) != 0:
		return ""
	case b.Reach == event.ReachOffline:
		return event.AlarmUnreached
	case p.Outcome != event.Done || p.Opened == 0:
		return event.AlarmUnknown
	case b.Contact == event.ContactOpen:
		return event.AlarmNotClosed
	case b.unbolted():
		return event.AlarmNotLocked
	default:
		return event.AlarmDwell
	}
}

// nextAlarm is when time alone raises the alarm, changes it, or lets it climb; 0 for never.
func (s State) nextAlarm(v Visit) event.Instant {
	var next event.Instant
	consider := func(at event.Instant) {
		if at > s.At && s.alarmAt(v, at) != v.Alarm {
			next = earlier(next, at)
		}
	}
	if v.Alarm.Level != 0 {
		consider(v.Alarm.At.Add(s.Rules.Climb))
	}
	for _, p := range v.Steps {
		if p.spent() {
			consider(p.Began.Add(s.Rules.Dwell))
		}
	}
	return next
}

var alarmEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.AlarmRaised) {
		edit(&s.Visits, b.Visit, func(v *Visit) {
			if v.Alarm.Level == 0 {
				v.Alarm.Raised = e.At
			}
			if b.Level != v.Alarm.Level {
				v.Alarm.At = e.At
			}
			v.Alarm.Reason, v.Alarm.Barrier, v.Alarm.Level = b.Reason, b.Barrier, b.Level
		})
	}),
	on(func(s *State, e event.Event, b event.AlarmAcknowledged) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Alarm.Owner, v.Alarm.Owned = b.By, e.At })
	}),
	on(func(s *State, _ event.Event, b event.AlarmEnded) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Alarm = Alarm{} })
	}),
}

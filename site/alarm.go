package site

import (
	"github.com/loquet/loquet/event"
)

// Alarm is what stands in a visit; level 0 for none.
type Alarm struct {
	Reason  event.AlarmReason `json:"reason,omitempty"`
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Level   event.AlarmLevel  `json:"level,omitempty"`
	// At is when this level was reached.
	At event.Instant `json:"at,omitempty"`
}

// settleAlarm raises, climbs and ends a visit's alarm.
func (t *turn) settleAlarm(v Visit) bool {
	reason, barrier := t.problem(v)
	switch {
	case reason == "" && v.Alarm.Level == 0:
		return false
	case reason == "":
		t.say(event.AlarmEnded{Visit: v.ID})
		return true
	}
	level := t.alarmLevel(v, reason)
	if reason == v.Alarm.Reason && barrier == v.Alarm.Barrier && level == v.Alarm.Level {
		return false
	}
	t.say(event.AlarmRaised{Visit: v.ID, Barrier: barrier, Reason: reason, Level: level})
	return true
}

func (t *turn) alarmLevel(v Visit, reason event.AlarmReason) event.AlarmLevel {
	switch {
	case reason == event.AlarmDanger:
		return event.AlarmOperator
	case v.Alarm.Level == 0:
		return event.AlarmCourier
	case v.Alarm.Level < event.AlarmOperator && t.at >= v.Alarm.At.Add(t.Rules.Climb):
		return v.Alarm.Level + 1
	default:
		return v.Alarm.Level
	}
}

// problem names what is wrong in the visit now, worst first; "" when nothing is.
func (t *turn) problem(v Visit) (event.AlarmReason, event.BarrierID) {
	if v.TakenOver != "" {
		return "", ""
	}
	worst, where := event.AlarmReason(""), event.BarrierID("")
	for _, p := range v.Steps {
		if !p.live() || t.finished(v, p) {
			continue
		}
		if v.Danger {
			return event.AlarmDanger, p.Barrier
		}
		if reason := t.stepProblem(p); reason != "" && worst == "" {
			worst, where = reason, p.Barrier
		}
	}
	return worst, where
}

func (t *turn) stepProblem(p Step) event.AlarmReason {
	b, _ := find(t.Barriers, p.Barrier)
	switch {
	case p.Stuck:
		return event.AlarmCodeStuck
	case !p.spent() || p.Secured != 0:
		return ""
	case b.Bolt == event.BoltJammed && b.BoltAt >= p.Intended:
		return event.AlarmJammed
	case p.Opened != 0 && b.ajar():
		return event.AlarmAjar
	case p.Reopened:
		return event.AlarmReopened
	case t.at < p.Intended.Add(t.Rules.Dwell):
		return ""
	case b.Reach == event.ReachOffline:
		return event.AlarmUnreached
	case p.Outcome != event.Done || p.Opened == 0:
		return event.AlarmUnknown
	case b.Contact == event.ContactOpen:
		return event.AlarmNotClosed
	default:
		return event.AlarmDwell
	}
}

// nextAlarm is when time alone raises the alarm, or lets it climb; 0 for never.
func (s State) nextAlarm(v Visit) event.Instant {
	if v.TakenOver != "" {
		return 0
	}
	switch v.Alarm.Level {
	case event.AlarmOperator:
		return s.dwellEnds(v)
	case 0:
		return s.dwellEnds(v)
	default:
		return v.Alarm.At.Add(s.Rules.Climb)
	}
}

// dwellEnds is when the first unsecured barrier will have been open too long; 0 if none will, or has already.
func (s State) dwellEnds(v Visit) event.Instant {
	var first event.Instant
	for _, p := range v.Steps {
		if !p.spent() || p.Secured != 0 {
			continue
		}
		if at := p.Intended.Add(s.Rules.Dwell); at > s.At && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

var alarmEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.AlarmRaised) {
		edit(&s.Visits, b.Visit, func(v *Visit) {
			if b.Level != v.Alarm.Level {
				v.Alarm.At = e.At
			}
			v.Alarm.Reason, v.Alarm.Barrier, v.Alarm.Level = b.Reason, b.Barrier, b.Level
		})
	}),
	on(func(s *State, _ event.Event, b event.AlarmEnded) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Alarm = Alarm{} })
	}),
}

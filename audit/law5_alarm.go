package audit

import (
	"github.com/loquet/loquet/event"
)

// watch follows one visit from event to event: what stands open since when, and which alarm stands.
type watch struct {
	*exam
	visit event.VisitID
	// open are the barriers that were opened, or may have been, and are not secured.
	open map[event.BarrierID]ajarSince
	// level of the alarm, 0 for none; at which time it was reached; since when there is none.
	level   event.AlarmLevel
	levelAt event.Instant
	quiet   event.Instant
	danger  event.Instant
	faults  faults
	// told keeps one lateness from being told with every event after it.
	told bool
}

// ajarSince is when a barrier's dwell began, and since when it stands open.
type ajarSince struct{ dwell, open event.Instant }

// watchAlarms asks of a visit whether what stood open too long was told in time, and whether the alarm climbed.
func (x *exam) watchAlarms(v visit) {
	w := &watch{exam: x, visit: v.body.Visit, open: make(map[event.BarrierID]ajarSince), quiet: v.at}
	lastPos := v.pos
	for _, pos := range x.ofVisit(v.body.Visit) {
		if pos <= v.pos {
			continue
		}
		w.until(x.events[pos].At, pos)
		lastPos = pos
		if w.over(x.events[pos].Body) {
			x.concludeAlarms(w, lastPos)
			return
		}
		w.hear(pos)
	}
	w.until(x.now(), x.end())
	if len(x.standing(v.body.Visit, x.end())) > 0 {
		x.law.remark("visits still open")
	}
	x.concludeAlarms(w, lastPos)
}

func (x *exam) concludeAlarms(w *watch, pos int) {
	if len(x.intents(w.visit, x.end())) > 0 {
		x.judge(pos, w.faults.about("%s", w.visit))
	}
}

// over: from here on the visit needs no alarm.
func (w *watch) over(b event.Body) bool {
	switch b.(type) {
	case event.VisitEnded, event.VisitTakenOver:
		return true
	default:
		return false
	}
}

// until judges the time up to an instant.
func (w *watch) until(at event.Instant, pos int) {
	rules, since := w.rules(pos)
	late := w.options.Late
	switch {
	case w.told || w.level == 0 && len(w.open) == 0:
	case len(w.open) > 0 && w.danger != 0 && w.level < event.AlarmOperator && at.Since(w.danger) > late:
		w.tell("the courier left in danger at %s, and the operator was not told", w.danger)
	case w.level == 0:
		due, b := w.due(rules, since)
		if due = max(due, w.quiet); at.Since(due) > late {
			w.tell("%s stood open too long from %s on, and nobody was told", b, due)
		}
	case w.level < event.AlarmOperator:
		due := max(w.levelAt.Add(rules.Climb), since)
		if at.Since(due) > late {
			w.tell("the alarm of level %d was to climb at %s, and did not", w.level, due)
		}
	}
}

func (w *watch) tell(what string, args ...any) {
	w.told = true
	w.faults.need(false, what, args...)
}

// due is the first time at which a barrier that stands open has done so for too long.
func (w *watch) due(rules event.Rules, since event.Instant) (first event.Instant, which event.BarrierID) {
	for b, a := range w.open {
		due := max(a.dwell.Add(rules.Dwell), a.open, since)
		if which == "" || due < first || due == first && b < which {
			first, which = due, b
		}
	}
	return first, which
}

// hear takes in one event of the visit.
func (w *watch) hear(pos int) {
	at := w.events[pos].At
	switch b := w.events[pos].Body.(type) {
	case event.OpeningIntended:
		if b.Permit.Visit == w.visit && b.Permit.Type != event.PermitCode {
			w.opened(b.Permit.Barrier, at)
		}
	case event.CodeShown:
		if o, ok := w.intentOf(b.Permit, pos); ok {
			w.opened(o.body.Permit.Barrier, at)
		}
	case event.OpeningResolved:
		if b.Outcome == event.NotDone {
			w.failed(b, pos)
		}
	case event.BarrierSecured:
		delete(w.open, b.Barrier)
	case event.BarrierUnsecured:
		w.unsecured(b.Barrier, pos)
	case event.CloseAsked:
		w.byWord(pos)
	case event.CourierLeftInDanger:
		w.danger = at
	case event.AlarmRaised:
		if b.Level != w.level {
			w.level, w.levelAt = b.Level, at
		}
	case event.AlarmEnded:
		w.ended(pos)
		w.level, w.quiet = 0, at
	}
}

// ended: an alarm ends on evidence. Nobody's word ends it, nor lets it begin anew from below: that it was acknowledged
// is looked at nowhere in this file but where it was.
func (w *watch) ended(pos int) {
	rules, since := w.rules(pos)
	if due, b := w.due(rules, since); b != "" && due <= w.events[pos].At {
		w.tell("the alarm was ended while %s stood open too long", b)
	}
}

// whyOwned: by the operator's staff, while an alarm stands that nobody owns.
func (x *exam) whyOwned(a entry[event.AlarmAcknowledged]) (f faults) {
	v := a.body.Visit
	ended, _ := last[event.AlarmEnded](x.history, v, a.pos)
	f.need(a.body.By.Kind == event.ActorOperator, "by a %s", a.body.By.Kind)
	f.need(has[event.AlarmRaised](x.history, v, ended.pos, a.pos) && !x.over(v, a.pos), "no alarm stood in it")
	f.need(!has[event.AlarmAcknowledged](x.history, v, ended.pos, a.pos), "somebody had it in hand already")
	return f
}

// opened: the dwell counts from the first order; opening again what stands ajar does not begin it anew.
func (w *watch) opened(b event.BarrierID, at event.Instant) {
	if _, open := w.open[b]; !open {
		w.open[b] = ajarSince{at, at}
	}
}

// failed: the order came to nothing. A recovery that did leaves the opening before it.
func (w *watch) failed(r event.OpeningResolved, pos int) {
	if o, ok := w.intentOf(r.Permit, pos); ok && !o.body.Permit.Recovery {
		delete(w.open, r.Barrier)
	}
}

// unsecured: what was shut stands open again; its dwell counts from the order that opened it.
func (w *watch) unsecured(b event.BarrierID, pos int) {
	for _, o := range w.standing(w.visit, pos) {
		if o.body.Permit.Barrier == b {
			w.open[b] = ajarSince{o.at, w.events[pos].At}
		}
	}
}

// byWord: the courier said to be out, which is all that can be had of what nothing can prove shut.
func (w *watch) byWord(pos int) {
	for _, o := range w.standing(w.visit, pos) {
		spec, accepted, _ := w.spec(o.body.Permit, pos)
		if accepted && !spec.Closure.Provable() {
			delete(w.open, o.body.Permit.Barrier)
		}
	}
}

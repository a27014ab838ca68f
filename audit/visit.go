package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

type (
	visit  = entry[event.VisitBegun]
	intent = entry[event.OpeningIntended]
)

// What a site does that chose no rules.
var unchosen = event.Rules{Dwell: 5 * event.Minute, Climb: event.Minute, Watch: true}

// rules in force before a position, and since when.
func (h *history) rules(before int) (event.Rules, event.Instant) {
	set, ok := latest[event.RulesSet](h, before)
	if !ok {
		return unchosen, 0
	}
	return set.body.Rules, set.at
}

// isMember says whether a person belonged to the site before a position.
func (h *history) isMember(m event.MemberID, before int) bool {
	joined, ok := last[event.MemberJoined](h, m, before)
	return ok && !has[event.MemberLeft](h, m, joined.pos, before) && !h.closed(before)
}

// byMember says whether an actor was a member then.
func (h *history) byMember(a event.Actor, before int) bool {
	return a.Kind == event.ActorMember && h.isMember(event.MemberID(a.ID), before)
}

func (h *history) closed(before int) bool {
	_, closed := latest[event.SiteClosed](h, before)
	return closed
}

// over says whether a visit had ended before a position.
func (h *history) over(v event.VisitID, before int) bool {
	return has[event.VisitEnded](h, v, -1, before)
}

// intents of a visit before a position, in order.
func (h *history) intents(v event.VisitID, before int) []intent {
	return slices.DeleteFunc(all[event.OpeningIntended](h, v, before), func(o intent) bool { return o.body.Permit.Visit != v })
}

// intentOf finds the intent that made a permit.
func (h *history) intentOf(p event.PermitID, before int) (intent, bool) {
	return last[event.OpeningIntended](h, p, before)
}

// outcome is what was last recorded of a permit before a position; "" for nothing.
func (h *history) outcome(p event.PermitID, before int) event.Outcome {
	r, _ := last[event.OpeningResolved](h, p, before)
	return r.body.Outcome
}

// failed says whether a permit is known to have come to nothing.
func (h *history) failed(p event.PermitID, before int) bool {
	return h.outcome(p, before) == event.NotDone
}

// opened says whether a permit is known to have opened its barrier. A code's answer says only that it was set: it
// opened when the device said so, or, where nothing could prove that, when it was shown.
func (h *history) opened(p event.Permit, before int) bool {
	if h.failed(p.ID, before) {
		return false
	}
	if p.Type == event.PermitCode {
		spec, _, _ := h.spec(p, before)
		return h.resolved(p.ID, event.Done, event.BySight, before) ||
			!spec.Closure.Provable() && has[event.CodeShown](h, p.ID, -1, before)
	}
	if spec, _, _ := h.spec(p, before); spec.Reveals == event.RevealsHandle {
		_, used := h.usedHandle(p, before)
		return used
	}
	return slices.ContainsFunc(all[event.OpeningResolved](h, p.ID, before), func(r entry[event.OpeningResolved]) bool {
		return r.body.Outcome == event.Done
	})
}

// resolved says whether an outcome had become known in a way.
func (h *history) resolved(p event.PermitID, o event.Outcome, by event.Resolution, before int) bool {
	return slices.ContainsFunc(all[event.OpeningResolved](h, p, before), func(r entry[event.OpeningResolved]) bool {
		return r.body.Outcome == o && r.body.By == by
	})
}

// mayArrive is the last moment at which a remote order that the device did not confirm may still open: somebody
// else may have opened what was seen. 0 if it can't, or if nobody knows.
func (h *history) mayArrive(p event.Permit, before int) event.Instant {
	if p.Type == event.PermitCode || h.resolved(p.ID, event.Done, event.ByAnswer, before) && !h.handleFree(p, before) {
		return 0
	}
	return p.Resolve
}

// spent says whether a permit could open by then: a remote one from its intent on, a code from its first showing.
func (h *history) spent(o intent, before int) bool {
	p := o.body.Permit
	return p.Type != event.PermitCode || has[event.CodeShown](h, p.ID, o.pos, before)
}

// standing are the last intents for each barrier of a visit that are not known to have come to nothing.
func (h *history) standing(v event.VisitID, before int) []intent {
	var list []intent
	for _, o := range h.intents(v, before) {
		if h.failed(o.body.Permit.ID, before) {
			continue
		}
		list = slices.DeleteFunc(list, func(x intent) bool { return x.body.Permit.Barrier == o.body.Permit.Barrier })
		list = append(list, o)
	}
	return list
}

// wayIn is the order of barriers to the visit's access point; nil if the access point was not there.
func (h *history) wayIn(v visit) []event.BarrierRef {
	added, _ := last[event.AccessPointAdded](h, v.body.AccessPoint, v.pos)
	return added.body.WayIn
}

// spec is what was declared of the permit's barrier: at enrolment, or with the lease. Accepted says that its owner
// accepts that nothing proves it shut; of a barrier that was lent, the owner's own journal tells.
func (h *history) spec(p event.Permit, before int) (s event.Spec, accepted, known bool) {
	if event.SiteOf(p.Barrier) != h.site {
		got, ok := last[event.LeaseReceived](h, p.Lease, before)
		return got.body.Spec, true, ok
	}
	reserved, ok := last[event.BarrierReserved](h, p.Barrier, before)
	return reserved.body.Spec, reserved.body.AcceptUnprovable, ok
}

// due sorts the deliveries that a visit began with, as they stood before a position: those that still wait, and
// those that were blocked. What was cancelled, ended, taken from the courier, or does not fit is neither.
func (h *history) due(v visit, before int) (waiting, blocked []event.DeliveryID) {
	for _, d := range v.body.Deliveries {
		switch {
		case h.isBlocked(d, before):
			blocked = append(blocked, d)
		case !h.gone(d, v, before) && !h.tooLarge(d, before):
			waiting = append(waiting, d)
		}
	}
	return waiting, blocked
}

// isBlocked says whether a block of the delivery had won, wholly or from there on.
func (h *history) isBlocked(d event.DeliveryID, before int) bool {
	return slices.ContainsFunc(all[event.BlockAnswered](h, d, before), func(b entry[event.BlockAnswered]) bool {
		return b.body.Verdict == event.BlockWon || b.body.Verdict == event.BlockFromHere
	})
}

// gone says whether a delivery had ended, or had left the visit.
func (h *history) gone(d event.DeliveryID, v visit, before int) bool {
	return h.finished(d, before) || has[event.CourierUnassigned](h, d, v.pos, before) ||
		has[event.DeliveryDiverted](h, d, v.pos, before)
}

// finished says whether a delivery had ended.
func (h *history) finished(d event.DeliveryID, before int) bool {
	elsewhere := func(e entry[event.DeliveryDiverted]) bool { return e.body.To.Kind != event.FallbackAccessPoint }
	return has[event.DeliveryCancelled](h, d, -1, before) || has[event.DeliveryExpired](h, d, -1, before) ||
		has[event.DeliveryDelivered](h, d, -1, before) || has[event.DeliveryReturned](h, d, -1, before) ||
		slices.ContainsFunc(all[event.DeliveryDiverted](h, d, before), elsewhere)
}

// inUse says whether a barrier was in the hands of a visit that could have opened it, ours or a borrower's.
func (h *history) inUse(b event.BarrierID, before int) bool {
	if _, out := h.lentOut(b, before); out {
		return true
	}
	for o := range backwards[event.OpeningIntended](h, b, before) {
		if o.body.Permit.Barrier != b || h.failed(o.body.Permit.ID, before) {
			continue
		}
		if h.spent(o, before) {
			return !h.over(o.body.Permit.Visit, before)
		}
	}
	return false
}

// lentOut is the lease that has a barrier of ours before a position, if one has.
func (h *history) lentOut(b event.BarrierID, before int) (event.LeaseID, bool) {
	granted, ok := last[event.LeaseGranted](h, b, before)
	if !ok || has[event.LeaseEnded](h, granted.body.Lease, granted.pos, before) {
		return "", false
	}
	return granted.body.Lease, true
}

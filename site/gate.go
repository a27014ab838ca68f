package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

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
	}
	if no := t.gateVehicle(v, step); no.Code != "" {
		return no
	}
	if !v.rehearsal() {
		if code := t.checkPlace(v); code != "" {
			return event.Refused{Code: code}
		}
	}
	if no := t.gatePicture(v); no.Code != "" {
		return no
	}
	return event.Refused{Code: t.gateBarrier(v, step)}
}

// gateSteps keeps the order of the way in, and one command at a time.
func (t *turn) gateSteps(v Visit, step Step) event.Code {
	if v.TakenOver != "" || v.Danger {
		return event.AlreadyEnded
	}
	if step.live() {
		if step.windowPassed(t.at) {
			return event.TrunkWindowPassed
		}
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
// those that were blocked on the way in, or don't fit.
func (t *turn) gateDeliveries(v Visit) event.Refused {
	if t.allOut(v) {
		return event.Refused{Code: t.whyNothing(v)}
	}
	if t.parcelsLeft(v) {
		return event.Refused{Code: event.ParcelsLeft}
	}
	for _, id := range v.Deliveries {
		d, _ := find(t.Deliveries, id)
		if no := t.gateDelivery(d); no.Code != "" && !d.out() {
			no.Delivery = id
			return no
		}
	}
	return event.Refused{}
}

// whyNothing tells a courier whose deliveries were blocked, or don't fit, from one who has none left.
func (t *turn) whyNothing(v Visit) event.Code {
	tooLarge := func(d Delivery) bool { return d.TooLarge && d.Courier == v.Courier && d.AccessPoint == v.AccessPoint }
	switch {
	case slices.ContainsFunc(t.Deliveries, func(d Delivery) bool { return d.Blocked && d.Courier == v.Courier }):
		return event.Blocked
	case slices.ContainsFunc(t.Deliveries, tooLarge):
		return event.ParcelDoesNotFit
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

// allOut says whether no delivery of the visit may still be left.
func (s State) allOut(v Visit) bool {
	return !v.rehearsal() && !slices.ContainsFunc(v.Deliveries, func(id event.DeliveryID) bool {
		d, _ := find(s.Deliveries, id)
		return !d.out()
	})
}

// out says whether a delivery is not left in its visit, whatever is opened: it was blocked, or does not fit.
func (d Delivery) out() bool { return d.Blocked || d.TooLarge }

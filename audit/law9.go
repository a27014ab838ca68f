package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// law9 asks of each refusal whether it says why, in a word that people are given a sentence for; and of each step
// of plan B whether the customer had chosen it.
func law9(x *exam) {
	for _, r := range every[event.Refused](x.history) {
		x.saysWhy(r.pos, r.body.Code)
		x.blame(r.pos, x.toldOfBlock(r).about("the refusal of %q", r.body.Asked))
	}
	for _, r := range every[event.LeaseRefused](x.history) {
		x.saysWhy(r.pos, r.body.Code)
	}
	for _, r := range every[event.LeaseDenied](x.history) {
		x.saysWhy(r.pos, r.body.Code)
	}
	for _, v := range every[event.VehicleFound](x.history) {
		if v.body.Code != "" {
			x.saysWhy(v.pos, v.body.Code)
		}
	}
	for _, p := range every[event.PlanBFollowed](x.history) {
		x.judge(p.pos, x.chosen(p).about("plan B of %s", p.body.Delivery))
	}
	for _, d := range every[event.DeliveryDiverted](x.history) {
		x.judge(d.pos, x.whyDiverted(d).about("%s was diverted", d.body.Delivery))
	}
}

func (x *exam) saysWhy(pos int, c event.Code) {
	var f faults
	f.need(slices.Contains(event.Codes(), c), "a refusal says %q, which is no known reason", c)
	x.judge(pos, f)
}

// toldOfBlock: who is refused because of a block hears that there was one, and nobody else does. Whether other
// reasons stood beside it, a journal doesn't show: only those are judged that say that there is nothing to do.
func (x *exam) toldOfBlock(r entry[event.Refused]) (f faults) {
	code := r.body.Code
	f.need(code != event.Blocked || x.blockWon(r.body.Delivery, r.pos), "it says %q, and no block had won", code)
	empty := code == event.AlreadyEnded || code == event.NothingToDeliver
	f.need(!empty || !x.heldByBlock(r), "it says %q, and all that was left in the visit was blocked", code)
	return f
}

// blockWon says whether a block of a delivery, or of any where none is named, had won.
func (x *exam) blockWon(d event.DeliveryID, pos int) bool {
	if d != "" {
		return x.isBlocked(d, pos)
	}
	return slices.ContainsFunc(every[event.BlockAnswered](x.history), func(b entry[event.BlockAnswered]) bool {
		return b.pos < pos && (b.body.Verdict == event.BlockWon || b.body.Verdict == event.BlockFromHere)
	})
}

// heldByBlock: a courier asked to go on with a visit that lives, and of which nothing is left but what was blocked.
func (x *exam) heldByBlock(r entry[event.Refused]) bool {
	switch r.body.Asked {
	case event.AskedScan, event.AskedMissing, event.AskedOpen, event.AskedCode:
	default:
		return false
	}
	v, begun := last[event.VisitBegun](x.history, r.body.Visit, r.pos)
	if !begun || r.body.By.ID != string(v.body.Courier) || x.closing(v, r.pos) {
		return false
	}
	waiting, blocked := x.due(v, r.pos)
	return len(waiting) == 0 && len(blocked) > 0
}

// closing says whether a visit is over, or about to be, by something else than a block.
func (x *exam) closing(v visit, pos int) bool {
	id := v.body.Visit
	return x.over(id, pos) || has[event.CloseAsked](x.history, id, v.pos, pos) || has[event.VisitTakenOver](x.history, id, v.pos, pos) ||
		has[event.CourierLeftInDanger](x.history, id, v.pos, pos) || has[event.CourierSuspended](x.history, v.body.Courier, v.pos, pos)
}

// chosen: back to the depot is always possible, everything else only if the rules in force held it. Where they hold nothing,
// what is for a car is brought to its reference address, and nothing else has one.
func (x *exam) chosen(p entry[event.PlanBFollowed]) (f faults) {
	step := p.body.Fallback
	rules, _ := x.rules(p.pos)
	atReference := step.Kind == event.FallbackReference
	byDefault := step.Kind == event.FallbackDepot || atReference && len(rules.PlanB) == 0
	f.need(byDefault || slices.Contains(rules.PlanB, step), "%q is not what the customer chose", step.Kind)
	f.need(!atReference || x.forCar(p), "it is for no car, and has no reference address")
	return f
}

// forCar says whether what plan B took was for a car.
func (x *exam) forCar(p entry[event.PlanBFollowed]) bool {
	booked, _ := last[event.DeliveryBooked](x.history, p.body.Delivery, p.pos)
	added, _ := last[event.AccessPointAdded](x.history, x.accessPointOf(booked, p.pos), p.pos)
	return added.body.Vehicle.Reveals != ""
}

// whyDiverted: by the courier's step of plan B just before, and where somebody was there.
func (x *exam) whyDiverted(d entry[event.DeliveryDiverted]) (f faults) {
	step, ok := last[event.PlanBFollowed](x.history, d.body.Delivery, d.pos)
	f.need(ok && step.body.Fallback == d.body.To && !step.body.Nobody, "the courier had not followed plan B to there")
	return f
}

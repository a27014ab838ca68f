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
	}
	for _, r := range every[event.LeaseRefused](x.history) {
		x.saysWhy(r.pos, r.body.Code)
	}
	for _, r := range every[event.LeaseDenied](x.history) {
		x.saysWhy(r.pos, r.body.Code)
	}
	for _, p := range every[event.PlanBFollowed](x.history) {
		x.judge(p.pos, x.chosen(p.body.Fallback, p.pos).about("plan B of %s", p.body.Delivery))
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

// chosen: back to the depot is always possible, everything else only if the rules in force held it.
func (x *exam) chosen(step event.Fallback, pos int) (f faults) {
	rules, _ := x.rules(pos)
	f.need(step.Kind == event.FallbackDepot || slices.Contains(rules.PlanB, step), "%q is not what the customer chose", step.Kind)
	return f
}

// whyDiverted: by the courier's step of plan B just before, and where somebody was there.
func (x *exam) whyDiverted(d entry[event.DeliveryDiverted]) (f faults) {
	step, ok := last[event.PlanBFollowed](x.history, d.body.Delivery, d.pos)
	f.need(ok && step.body.Fallback == d.body.To && !step.body.Nobody, "the courier had not followed plan B to there")
	return f
}

package courier

import (
	"context"
	"net/http"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// planB is the view of plan B, unless the visit is where nothing but the visit counts.
func (a *app) planB(ctx context.Context, who asking, r *http.Request) (view, *api.Problem) {
	ap := event.AccessPointID(r.PathValue("accessPoint"))
	s, problem := a.look(ctx, who, ap)
	if notFound(problem) {
		return a.over(ctx, who, ap)
	}
	if problem != nil {
		return view{}, problem
	}
	if !s.underway() && s.planB() != nil {
		s.screen = PlanB
	}
	return s.view(), nil
}

// planBs are the deliveries of the stop for which something else is to be done, with their steps.
func (s at) planBs() []api.VisitDelivery {
	var all []api.VisitDelivery
	for _, d := range s.deliveries() {
		if d.PlanB != nil {
			all = append(all, d)
		}
	}
	return all
}

// planBSteps are a delivery's steps as a list.
func planBSteps(d api.VisitDelivery) []ui.Step {
	var steps []ui.Step
	for _, f := range d.Fallbacks {
		one := ui.Step{Text: f.Text, State: ui.StepLater}
		switch {
		case f.Next:
			one.State = ui.StepNow
		case f.Tried:
			one.State = ui.StepFailed
		}
		steps = append(steps, one)
	}
	return steps
}

// planBDone is what the button says that takes the next step.
func (s at) planBDone(p *api.PlanB) string {
	return s.t("planb.do."+string(p.Kind), "what", p.Text)
}

// planBTo names a step of plan B: the one for another delivery, or after this one, is another form.
func planBTo(p *api.PlanB) string {
	return string(p.Delivery) + " " + p.Step
}

// planBThen is where the courier goes after it: on with the next delivery of this stop, or back to the list.
func (s at) planBThen() string {
	if len(s.planBs()) > 1 {
		return s.href() + "/plan-b"
	}
	return "/courier/"
}

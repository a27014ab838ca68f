package customer

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// The steps of setting up a place: what it is, which device, what it proves, where it is and for whom, the rehearsal.
const enrolSteps = 5

// kinds are what a household can set up of a house. A car takes its maker's consent first (carKinds).
var kinds = []event.BarrierKind{event.FrontDoor, event.Flat, event.Garage, event.Gate, event.ParcelBox, event.Fridge, event.Lobby}

// allKinds are all that a household can set up.
var allKinds = slices.Concat(kinds, carKinds)

// enrolView is a step of setting up a place.
type enrolView struct {
	*household
	step  int
	is    event.BarrierKind
	flash *flash
	typed url.Values
	wrong []ui.Wrong

	devices []api.HomeDevice
	// may says whether members find devices themselves; looking that a search is under way, since then.
	may     bool
	looking bool
	// provableOnly says that the operator refuses what nothing can prove shut.
	provableOnly bool
	since        time.Duration
	nearby       []api.Found
	device       api.HomeDevice
	barrier      api.Barrier
}

// refused says whether the device can't be taken here.
func (v *enrolView) refused() bool { return v.provableOnly && !v.device.Provable }

// showStep answers with a step.
func (p *person) showStep(v *enrolView, one ui.Page, status int) {
	one.Title, one.Place, one.Status = p.titled(one.Title, v.wrong), p.say("enrol.step", "n", count(v.step), "of", count(enrolSteps)), status
	p.show(v.household, one)
}

func (p *person) enrolView(step int) (*enrolView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	return &enrolView{household: h, step: step, flash: p.flash(), typed: p.r.URL.Query()}, nil
}

// newPlace asks what it is.
func (p *person) newPlace() {
	v, problem := p.enrolView(1)
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showStep(v, ui.Page{Title: p.say("enrol.kind"), Main: kindPage(v)}, http.StatusOK)
}

// kindOf reads which of these is set up; an address without one leads back to the question.
func (p *person) kindOf(typed string, these ...event.BarrierKind) (event.BarrierKind, bool) {
	is := event.BarrierKind(typed)
	if !slices.Contains(these, is) {
		http.Redirect(p.w, p.r, "/home/places/new", http.StatusSeeOther)
		return "", false
	}
	return is, true
}

// newDevice asks which device it is: one that is reserved already, one on the network, or one that is typed.
func (p *person) newDevice() {
	is, ok := p.kindOf(p.r.URL.Query().Get("is"), kinds...)
	if !ok {
		return
	}
	v, problem := p.deviceView(is)
	if problem != nil {
		p.refuse(problem)
		return
	}
	if v.may && p.r.URL.Query().Get("look") != "" {
		if v.nearby, problem = p.look(); problem != nil {
			v.flash = p.not(knownTrouble(problem.Code))
		}
	}
	page := ui.Page{Title: p.say("enrol.device"), Main: devicePage(v)}
	if v.may {
		page.Live = "/home/places/new/device/live"
	}
	p.showStep(v, page, http.StatusOK)
}

func (p *person) deviceView(is event.BarrierKind) (*enrolView, *api.Problem) {
	v, problem := p.enrolView(2)
	if problem != nil {
		return nil, problem
	}
	out, problem := read(p, p.API.ListHomeDevices, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	v.is, v.may, v.provableOnly = is, out.Body.MayReserve, out.Body.ProvableOnly
	for _, d := range out.Body.Devices {
		if d.Barrier == "" && d.Spec.Vehicle() == slices.Contains(carKinds, is) {
			v.devices = append(v.devices, d)
		}
	}
	return v, nil
}

// proofPath is where it is said what a device can prove.
func proofPath(is event.BarrierKind, d event.DeviceID) string {
	return "/home/places/new/proof?" + url.Values{"is": {string(is)}, "device": {string(d)}}.Encode()
}

// proof says in plain words what the device can prove, before it is taken.
func (p *person) proof() {
	is, ok := p.kindOf(p.r.URL.Query().Get("is"), allKinds...)
	if !ok {
		return
	}
	v := p.proofView(is, event.DeviceID(p.r.URL.Query().Get("device")))
	if v != nil {
		p.showStep(v, ui.Page{Title: p.say("enrol.proof"), Main: proofPage(v)}, http.StatusOK)
	}
}

// proofView finds the device among the household's, or answers and returns nil: who goes Back to one that was taken
// meanwhile is led on to its barrier.
func (p *person) proofView(is event.BarrierKind, id event.DeviceID) *enrolView {
	v, problem := p.deviceView(is)
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	if b, taken := found(v.Barriers, func(b api.Barrier) bool { return b.Device == id && b.Is == is && !b.Borrowed }); taken {
		http.Redirect(p.w, p.r, "/home/barriers/"+string(b.ID), http.StatusSeeOther)
		return nil
	}
	device, ok := found(v.devices, func(d api.HomeDevice) bool { return d.ID == id })
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return nil
	}
	v.step, v.device = 3, device
	return v
}

// addBarrier takes the device as a barrier; one that nothing can prove shut takes the owner's acceptance.
func (p *person) addBarrier() {
	is, ok := p.kindOf(p.r.PostFormValue("is"), allKinds...)
	if !ok {
		return
	}
	id, accept := event.DeviceID(p.r.PostFormValue("device")), p.r.PostFormValue("accept") == "yes"
	out, problem := do(p, p.API.AddBarrier, &api.AddBarrierInput{Body: api.BarrierRequest{Device: id, Is: is, AcceptUnprovable: accept}})
	if problem == nil {
		http.Redirect(p.w, p.r, "/home/barriers/"+string(out.Body.ID), http.StatusSeeOther)
		return
	}
	v := p.proofView(is, id)
	switch {
	case v == nil:
	case !v.device.Provable && !accept:
		v.wrong = []ui.Wrong{{Field: "accept", Text: p.say("enrol.accept.missing")}}
		p.showStep(v, ui.Page{Title: p.say("enrol.proof"), Here: proofPath(is, id), Main: proofPage(v)}, http.StatusUnprocessableEntity)
	default:
		p.undone(proofPath(is, id), problem)
	}
}

// barrierView is a barrier that waits to be worked by hand, or was.
func (p *person) barrierView() (*enrolView, *api.Problem) {
	v, problem := p.enrolView(3)
	if problem != nil {
		return nil, problem
	}
	b, ok := v.household.barrier(event.BarrierID(p.r.PathValue("barrier")))
	if !ok || b.Borrowed {
		return nil, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
	}
	v.barrier, v.is = b, b.Is
	return v, nil
}

// byHand has the person work the barrier by hand: that proves physical control.
func (p *person) byHand() {
	v, problem := p.barrierView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showStep(v, ui.Page{Title: v.handTitle(p.ctx()), Step: v.handStep(), Live: "/home/barriers/" + string(v.barrier.ID) + "/live", Main: handPage(v)}, http.StatusOK)
}

func (p *person) byHandLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.barrierView()
		if problem != nil {
			return ui.Frame{}, problem
		}
		return ui.Frame{Title: v.handTitle(p.ctx()), Place: p.say("enrol.step", "n", count(v.step), "of", count(enrolSteps)), Step: v.handStep(),
			Main: handPage(v), Say: v.handSaid(p.ctx(), v.handStep()), Open: !v.barrier.Enrolled}, nil
	})
}

// handStep is how far the work by hand has come.
func (v *enrolView) handStep() string {
	switch {
	case v.barrier.Enrolled:
		return "done"
	case v.barrier.Resting:
		return "over"
	case v.barrier.Worked:
		return "shut"
	case v.barrier.Seen.ReachedAt == 0, v.isCar() && !lockedNow(v.barrier.Seen):
		return "wait"
	}
	return "open"
}

// lockedNow says whether a car is known to stand locked and shut by its own word: what its maker's cloud remembers from before
// would make nothing of an opening.
func lockedNow(s api.Seen) bool {
	return s.BoltAt != 0 && s.Bolt == event.BoltLocked && s.Contact == event.ContactClosed
}

func (v *enrolView) handTitle(ctx context.Context) string {
	if v.isCar() {
		return words.T(ctx, "car.hand")
	}
	return words.T(ctx, "enrol.hand")
}

// handSteps are the same as a list.
func (v *enrolView) handSteps(ctx context.Context) []ui.Step {
	at := slices.Index([]string{"wait", "open", "shut", "done"}, v.handStep())
	var steps []ui.Step
	for i, name := range []string{"wait", "open", "shut"} {
		state := ui.StepLater
		switch {
		case i < at:
			state = ui.StepDone
		case i == at:
			state = ui.StepNow
		}
		steps = append(steps, ui.Step{Text: v.handSaid(ctx, name), State: state})
	}
	return steps
}

// handSaid is a step of the work by hand in words.
func (v *enrolView) handSaid(ctx context.Context, step string) string {
	if v.isCar() && step != "done" {
		return words.T(ctx, "car.hand."+step)
	}
	return words.T(ctx, "enrol.hand."+step)
}

// isCar says whether what is set up is a car's.
func (v *enrolView) isCar() bool { return slices.Contains(carKinds, v.is) }

// retireBarrier takes a barrier out again.
func (p *person) retireBarrier() {
	if _, problem := do(p, p.API.RetireBarrier, &api.BarrierPath{Barrier: event.BarrierID(p.r.PathValue("barrier"))}); problem != nil {
		p.undone("/home/barriers/"+p.r.PathValue("barrier"), problem)
		return
	}
	p.done("/home/", "retired")
}

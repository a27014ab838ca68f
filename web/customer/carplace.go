package customer

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// defaultWithin is how far a car may stand from the reference address, in metres: two blocks.
const defaultWithin = 300

// carPlaceView is U6 from the car that was worked by hand to the place that it is.
type carPlaceView struct {
	*enrolView
	reveals event.Reveals
	// located is where the car says to stand, when it was just asked.
	located *api.CarPosition
}

// newCarPlace asks for the reference address, and what may be opened.
func (p *person) newCarPlace(enrol *enrolView) {
	v, problem := p.carPlaceView(enrol)
	if problem != nil {
		p.refuse(problem)
		return
	}
	if v.typed.Get("within") == "" {
		v.typed.Set("within", strconv.Itoa(defaultWithin))
	}
	p.showCarPlace(v, http.StatusOK)
}

func (p *person) carPlaceView(enrol *enrolView) (*carPlaceView, *api.Problem) {
	out, problem := read(p, p.API.ListHomeDevices, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	device, ok := found(out.Body.Devices, func(d api.HomeDevice) bool { return d.Barrier == enrol.barrier.ID })
	if !ok {
		return nil, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
	}
	return &carPlaceView{enrolView: enrol, reveals: device.Spec.Reveals}, nil
}

func (p *person) showCarPlace(v *carPlaceView, status int) {
	p.showStep(v.enrolView, ui.Page{Title: p.say("carplace.title"), Modules: []string{"customer/js/position.mjs", "customer/js/map.mjs"}, Policy: ui.Policy{Position: true, Workers: true},
		Here: "/home/places/new/where?barrier=" + string(v.barrier.ID), Main: carPlacePage(v)}, status)
}

// addCarPlace makes a place of the car, or asks the car once where it stands. A position stands in a form, and in no address.
func (p *person) addCarPlace() {
	enrol, problem := p.whereView(event.BarrierID(p.r.PostFormValue("barrier")))
	if problem != nil {
		p.refuse(problem)
		return
	}
	v, problem := p.carPlaceView(enrol)
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.typed = p.r.PostForm
	if p.r.PostFormValue("locate") != "" {
		p.locateCar(v)
		return
	}
	req, wrong := p.carPlaceTyped(v)
	if v.wrong = wrong; len(wrong) > 0 {
		p.showCarPlace(v, http.StatusUnprocessableEntity)
		return
	}
	out, problem := do(p, p.API.AddAccessPoint, &api.AddAccessPointInput{Body: req})
	if problem != nil {
		p.undone("/home/places/new/where?barrier="+string(v.barrier.ID), problem)
		return
	}
	http.Redirect(p.w, p.r, "/home/places/new/who?place="+string(out.Body.ID), http.StatusSeeOther)
}

// locateCar asks the car once, and keeps what was typed beside it.
func (p *person) locateCar(v *carPlaceView) {
	out, problem := doAs(p, "locate", p.API.LocateCar, &api.BarrierPath{Barrier: v.barrier.ID})
	if problem != nil {
		v.flash = p.not(knownTrouble(problem.Code))
	} else {
		v.located = &out.Body
		v.typed.Set("position", positionSaid(&out.Body.Position))
	}
	p.showCarPlace(v, http.StatusOK)
}

func (p *person) carPlaceTyped(v *carPlaceView) (api.AccessPointRequest, []ui.Wrong) {
	f := p.r.PostForm
	req, wrong := p.placeTyped(v.enrolView)
	req.WayIn = []event.BarrierRef{{Barrier: v.barrier.ID, By: event.PermitRemote}}
	within, ok := p.number("within", 10, 1000)
	if !ok || within != math.Trunc(within) {
		wrong = append(wrong, ui.Wrong{Field: "within", Text: p.say("where.radius.wrong")})
	}
	if f.Get("accept") != string(v.reveals) {
		wrong = append(wrong, ui.Wrong{Field: "accept", Text: p.say("enrol.accept.missing")})
	}
	req.Vehicle = &api.VehicleTerms{Within: int(within), Reveals: v.reveals}
	return req, wrong
}

// locatedSaid is what the car says of its place, with the age by its own time.
func (v *carPlaceView) locatedSaid(ctx context.Context) string {
	switch {
	case v.located.Moving:
		return words.T(ctx, "carplace.moving")
	case v.located.Age == nil:
		return words.T(ctx, "carplace.ageless")
	default:
		return words.T(ctx, "carplace.located", "minutes", strconv.Itoa(int(v.located.Age.Duration()/time.Minute)))
	}
}

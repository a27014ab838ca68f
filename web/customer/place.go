package customer

import (
	"context"
	"net/http"
	"slices"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// who asks whether deliveries are allowed by rule, or each time.
func (p *person) who() {
	v, problem := p.enrolView(4)
	if problem != nil {
		p.refuse(problem)
		return
	}
	ap, ok := v.place(event.AccessPointID(p.r.URL.Query().Get("place")))
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	p.showStep(v, ui.Page{Title: p.say("who.title"), Main: whoPage(v, ap)}, http.StatusOK)
}

// placeView is everything about one place.
type placeView struct {
	*household
	api.AccessPoint
	flash *flash
	// unfit is what becomes of what does not fit into it; nil for a place of a house.
	unfit *unfit
	// removing unfolds the question whether to remove it.
	removing bool
}

// placeHere is the place that the address names; a problem where there is none.
func (p *person) placeHere() (v placeView, problem *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return v, problem
	}
	ap, ok := h.place(event.AccessPointID(p.r.PathValue("place")))
	if !ok {
		return v, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
	}
	var makers []api.CarMaker
	if ap.Car != nil {
		out, problem := read(p, p.API.ListCarMakers, &struct{}{})
		if problem != nil {
			return v, problem
		}
		makers = out.Body.Makers
	}
	return placeView{household: h, AccessPoint: ap, unfit: h.unfitOf(p.ctx(), ap, makers)}, nil
}

func (p *person) place() {
	v, problem := p.placeHere()
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.flash, v.removing = p.flash(), p.r.URL.Query().Get("remove") == "ask"
	p.show(v.household, ui.Page{Title: v.placeName(v.AccessPoint.ID), Place: v.Address, Live: "/home/places/" + string(v.AccessPoint.ID) + "/live", Main: placePage(v)})
}

func (p *person) placeLive() {
	flash := p.flash()
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.placeHere()
		if problem != nil {
			return ui.Frame{}, problem
		}
		v.flash = flash
		return ui.Frame{Title: v.placeName(v.AccessPoint.ID), Place: v.Address, Main: placePage(v), Open: v.busy()}, nil
	})
}

// retirePlace removes a place: deliveries for it go to plan B.
func (p *person) retirePlace() {
	id := event.AccessPointID(p.r.PathValue("place"))
	if _, problem := do(p, p.API.RetireAccessPoint, &api.AccessPointPath{AccessPoint: id}); problem != nil {
		p.undone("/home/places/"+string(id), problem)
		return
	}
	p.done("/home/", "removed")
}

// watchers are the cameras that film a place.
func (v placeView) watchers() []api.Camera {
	return slices.DeleteFunc(slices.Clone(v.Cameras), func(c api.Camera) bool { return !slices.Contains(c.Sees, v.AccessPoint.ID) })
}

// positionSaid is a place's position, as it is typed.
func positionSaid(at *api.Centre) string {
	if at == nil {
		return ""
	}
	return degrees(at.Latitude) + ", " + degrees(at.Longitude)
}

// canSaid is one line of what a device can prove or do, with the drawing beside it.
type canSaid struct{ Icon, Text string }

// canDo says in plain words what a device can prove and do.
func canDo(ctx context.Context, s event.Spec) []canSaid {
	line := func(yes bool, key string) canSaid {
		if yes {
			return canSaid{"tick", words.T(ctx, key+"yes")}
		}
		return canSaid{"state-unknown", words.T(ctx, key+"no")}
	}
	said := []canSaid{line(s.Closure.Bolt, "can.bolt."), line(s.Closure.Contact, "can.contact."), line(s.Secures, "can.secures."), line(s.Reads, "can.reads.")}
	if s.Codes {
		said = append(said, canSaid{"keyboard", words.T(ctx, "can.codes")})
	}
	if s.Lateness == event.UnboundedLateness {
		said = append(said, canSaid{"clock", words.T(ctx, "can.late")})
	}
	return append(said, canSaid{"receipt", gradeSaid(ctx, s.Grade)})
}

// usable are the household's own doors that are set up.
func (h *household) usable() []api.Barrier {
	return slices.DeleteFunc(slices.Clone(h.Barriers), func(b api.Barrier) bool { return b.Borrowed || !b.Enrolled })
}

func cameraWord(ctx context.Context, c api.Camera) string {
	if c.Proven {
		return words.T(ctx, "camera.good")
	}
	return words.T(ctx, "camera.unchecked")
}

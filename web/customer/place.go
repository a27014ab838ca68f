package customer

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// where asks for a place's name, position and note.
func (p *person) where() {
	v, problem := p.whereView(event.BarrierID(p.r.URL.Query().Get("barrier")))
	if problem != nil {
		p.refuse(problem)
		return
	}
	if v.typed.Get("radius") == "" {
		v.typed.Set("radius", strconv.Itoa(defaultRadius))
	}
	p.showWhere(v, http.StatusOK)
}

// defaultRadius in metres: a phone between houses is good to 10 to 30.
const defaultRadius = 50

func (p *person) showWhere(v *enrolView, status int) {
	p.showStep(v, ui.Page{Title: p.say("where.title"), Modules: []string{"customer/js/position.mjs", "customer/js/map.mjs"}, Policy: ui.Policy{Position: true, Workers: true},
		Here: "/home/places/new/where?barrier=" + string(v.barrier.ID), Main: wherePage(v)}, status)
}

func (p *person) whereView(id event.BarrierID) (*enrolView, *api.Problem) {
	v, problem := p.enrolView(4)
	if problem != nil {
		return nil, problem
	}
	b, ok := v.household.barrier(id)
	if !ok || b.Borrowed || !b.Enrolled {
		return nil, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
	}
	v.barrier = b
	return v, nil
}

// addPlace makes a place of what was typed.
func (p *person) addPlace() {
	v, problem := p.whereView(event.BarrierID(p.r.PostFormValue("barrier")))
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.typed = p.r.PostForm
	req, wrong := p.placeTyped(v)
	if v.wrong = wrong; len(wrong) > 0 {
		p.showWhere(v, http.StatusUnprocessableEntity)
		return
	}
	out, problem := do(p, p.API.AddAccessPoint, &api.AddAccessPointInput{Body: req})
	switch {
	case problem == nil:
		http.Redirect(p.w, p.r, "/home/places/new/who?place="+string(out.Body.ID), http.StatusSeeOther)
	case problem.Status == http.StatusUnprocessableEntity:
		v.wrong = []ui.Wrong{{Field: "lobby", Text: p.say("where.way.wrong")}}
		p.showWhere(v, http.StatusUnprocessableEntity)
	default:
		p.undone("/home/places/new/where?barrier="+string(v.barrier.ID), problem)
	}
}

func (p *person) placeTyped(v *enrolView) (api.AccessPointRequest, []ui.Wrong) {
	f := p.r.PostForm
	var wrong []ui.Wrong
	say := func(field, key string, pairs ...string) {
		wrong = append(wrong, ui.Wrong{Field: field, Text: p.say(key, pairs...)})
	}
	req := api.AccessPointRequest{Name: strings.TrimSpace(f.Get("name")), Note: strings.TrimSpace(f.Get("note")), WayIn: v.wayTyped(f.Get("first"), f.Get("lobby"), f.Get("by"))}
	if len([]rune(req.Name)) > 100 {
		say("name", "form.long", "n", "100")
	}
	if len([]rune(req.Note)) > 500 {
		say("note", "form.long", "n", "500")
	}
	at, ok := positionTyped(f.Get("position"))
	if req.Position = at; !ok {
		say("position", "where.position.wrong")
	}
	radius, ok := p.number("radius", 10, 1000)
	if req.Radius = int(radius); !ok || radius != math.Trunc(radius) {
		say("radius", "where.radius.wrong")
	}
	return req, wrong
}

// wayTyped is the way in from the street inwards: through another door first, of one's own or of the building.
func (v *enrolView) wayTyped(first, lobby, by string) []event.BarrierRef {
	var way []event.BarrierRef
	for _, id := range []string{strings.TrimSpace(lobby), first} {
		if id != "" && id != string(v.barrier.ID) {
			way = append(way, event.BarrierRef{Barrier: event.BarrierID(id), By: event.PermitRemote})
		}
	}
	last := event.BarrierRef{Barrier: v.barrier.ID, By: event.PermitRemote}
	if by == string(event.PermitCode) {
		last.By = event.PermitCode
	}
	return append(way, last)
}

// positionTyped reads "48.85837, 2.29448", in WGS 84 degrees.
func positionTyped(typed string) (at api.Centre, ok bool) {
	north, east, found := strings.Cut(strings.ReplaceAll(typed, ";", ","), ",")
	lat, err := strconv.ParseFloat(strings.TrimSpace(north), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(east), 64)
	ok = found && err == nil && err2 == nil && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 && (lat != 0 || lon != 0)
	return api.Centre{Latitude: lat, Longitude: lon}, ok
}

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
	// removing unfolds the question whether to remove it.
	removing bool
}

func (p *person) place() {
	h, problem := p.household()
	if problem != nil {
		p.refuse(problem)
		return
	}
	ap, ok := h.place(event.AccessPointID(p.r.PathValue("place")))
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	v := placeView{household: h, AccessPoint: ap, flash: p.flash(), removing: p.r.URL.Query().Get("remove") == "ask"}
	p.show(h, ui.Page{Title: h.placeName(ap.ID), Place: h.Address, Live: "/home/places/" + string(ap.ID) + "/live", Main: placePage(v)})
}

func (p *person) placeLive() {
	flash := p.flash()
	p.live(func(p *person) (ui.Frame, error) {
		h, problem := p.household()
		if problem != nil {
			return ui.Frame{}, problem
		}
		ap, ok := h.place(event.AccessPointID(p.r.PathValue("place")))
		if !ok {
			return ui.Frame{}, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
		}
		return ui.Frame{Title: h.placeName(ap.ID), Place: h.Address, Main: placePage(placeView{household: h, AccessPoint: ap, flash: flash}), Open: h.busy()}, nil
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

// firstOptions are the doors that can come before another one.
func (v *enrolView) firstOptions(ctx context.Context) []ui.Option {
	options := []ui.Option{{Text: words.T(ctx, "where.first.none"), Checked: v.typed.Get("first") == ""}}
	for _, b := range v.Barriers {
		if b.ID != v.barrier.ID && b.Enrolled && !b.Borrowed {
			options = append(options, ui.Option{Value: string(b.ID), Text: v.doorName(b), Checked: v.typed.Get("first") == string(b.ID)})
		}
	}
	return options
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

// foundName is what a device on the network calls itself.
func foundName(ctx context.Context, f api.Found) string {
	if f.Name == "" {
		return words.T(ctx, "enrol.unnamed")
	}
	return f.Name
}

// familyOptions are the families of devices that can be typed.
func familyOptions(ctx context.Context, chosen string) []ui.Option {
	var options []ui.Option
	for _, name := range []string{"zigbee2mqtt", "ratgdo", "lock", "cover"} {
		options = append(options, ui.Option{Value: name, Text: words.T(ctx, "typed.family."+name), Hint: words.T(ctx, "typed.family."+name+".hint"), Checked: name == chosen})
	}
	return options
}

func cameraWord(ctx context.Context, c api.Camera) string {
	if c.Proven {
		return words.T(ctx, "camera.good")
	}
	return words.T(ctx, "camera.unchecked")
}

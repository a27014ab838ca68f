package customer

import (
	"context"
	"math"
	"net/http"
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
	if v.isCar() {
		p.newCarPlace(v)
		return
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
	v.barrier, v.is = b, b.Is
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
	req := api.AccessPointRequest{Name: strings.TrimSpace(f.Get("name")), Address: strings.TrimSpace(f.Get("address")), Note: strings.TrimSpace(f.Get("note")),
		WayIn: v.wayTyped(f.Get("first"), f.Get("lobby"), f.Get("by"))}
	if len([]rune(req.Name)) > 100 {
		say("name", "form.long", "n", "100")
	}
	if len([]rune(req.Address)) > 300 {
		say("address", "form.long", "n", "300")
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

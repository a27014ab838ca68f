package customer

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// carView is one of the household's cars: what it looks like, where it stands, and how it was found last.
type carView struct {
	*household
	api.AccessPoint
	flash *flash
	typed url.Values
	wrong []ui.Wrong
}

func carPath(id event.AccessPointID) string { return "/home/places/" + string(id) + "/car" }

// carHere finds the car that the address names, or answers and returns nil.
func (p *person) carHere() *carView {
	h, problem := p.household()
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	ap, ok := h.place(event.AccessPointID(p.r.PathValue("place")))
	if !ok || ap.Car == nil {
		p.Kit.NotFound(p.w, p.r)
		return nil
	}
	return &carView{household: h, AccessPoint: ap, flash: p.flash()}
}

// myCar is the page on which a car is described.
func (p *person) myCar() {
	if v := p.carHere(); v != nil {
		p.showCar(v, http.StatusOK)
	}
}

func (p *person) showCar(v *carView, status int) {
	p.show(v.household, ui.Page{Title: p.titled(p.say("mycar.title", "place", v.placeName(v.AccessPoint.ID)), v.wrong), Place: v.Address, Status: status,
		Here: carPath(v.AccessPoint.ID), Modules: []string{"customer/js/small.mjs"}, Main: carPage(v)})
}

// alike are the household's other places that are cars: the trunk and the cabin of one car are two.
func (v *carView) alike() []api.AccessPoint {
	return slices.DeleteFunc(slices.Clone(v.AccessPoints), func(ap api.AccessPoint) bool { return ap.Car == nil || ap.ID == v.AccessPoint.ID })
}

// alsoOptions are the places that a description may hold for too.
func (v *carView) alsoOptions() []ui.Option {
	var options []ui.Option
	for _, ap := range v.alike() {
		options = append(options, ui.Option{Value: string(ap.ID), Text: v.placeName(ap.ID), Checked: slices.Contains(v.typed["also"], string(ap.ID))})
	}
	return options
}

// each carries out what a form says for the car, and for those that it says is the same.
func (v *carView) each(p *person, carry func(api.AccessPointPath, string) *api.Problem) *api.Problem {
	ids := []event.AccessPointID{v.AccessPoint.ID}
	for _, ap := range v.alike() {
		if slices.Contains(p.r.PostForm["also"], string(ap.ID)) {
			ids = append(ids, ap.ID)
		}
	}
	for _, id := range ids {
		if problem := carry(api.AccessPointPath{AccessPoint: id}, string(id)); problem != nil {
			return problem
		}
	}
	return nil
}

// tooLong says of a typed text that it is longer than is kept.
func (p *person) tooLong(v *carView, field string, most int) {
	if len([]rune(strings.TrimSpace(p.r.PostFormValue(field)))) > most {
		v.wrong = append(v.wrong, ui.Wrong{Field: field, Text: p.say("form.long", "n", count(most))})
	}
}

// describeCar takes what the car looks like.
func (p *person) describeCar() {
	v := p.carHere()
	if v == nil {
		return
	}
	for field, most := range map[string]int{"plate": 16, "make": 60, "colour": 40} {
		p.tooLong(v, field, most)
	}
	v.typed = p.r.PostForm
	f := p.r.PostForm
	said := api.CarDescription{Usual: usualTyped(f),
		CarLooks: api.CarLooks{Plate: strings.TrimSpace(f.Get("plate")), Make: strings.TrimSpace(f.Get("make")), Colour: strings.TrimSpace(f.Get("colour"))}}
	if len(said.Usual) > 5 || slices.ContainsFunc(said.Usual, func(s string) bool { return len([]rune(s)) > 200 }) {
		v.wrong = append(v.wrong, ui.Wrong{Field: "spots", Text: p.say("mycar.spots.wrong")})
	}
	if len(v.wrong) > 0 {
		p.showCar(v, http.StatusUnprocessableEntity)
		return
	}
	problem := v.each(p, func(at api.AccessPointPath, _ string) *api.Problem {
		_, problem := do(p, p.API.DescribeCar, &api.DescribeCarInput{AccessPointPath: at, Body: said})
		return problem
	})
	if problem != nil {
		p.undone(carPath(v.AccessPoint.ID), problem)
		return
	}
	p.done(carPath(v.AccessPoint.ID), "car")
}

// usualTyped are the spots of a form, one a line; nil where it does not ask for them.
func usualTyped(f url.Values) []string {
	if !f.Has("spots") {
		return nil
	}
	spots := []string{}
	for line := range strings.Lines(f.Get("spots")) {
		if spot := strings.TrimSpace(line); spot != "" {
			spots = append(spots, spot)
		}
	}
	return spots
}

// describeSpot takes where the car stands, and goes back to where it was asked.
func (p *person) describeSpot() {
	v := p.carHere()
	if v == nil {
		return
	}
	p.tooLong(v, "spot", 200)
	v.typed = p.r.PostForm
	spot, indoors := strings.TrimSpace(p.r.PostFormValue("spot")), p.r.PostFormValue("indoors") == "yes"
	if spot == "" {
		spot = strings.TrimSpace(p.r.PostFormValue("usual"))
	}
	if spot == "" && !indoors {
		v.wrong = append(v.wrong, ui.Wrong{Field: "spot", Text: p.say("mycar.spot.missing")})
	}
	if len(v.wrong) > 0 {
		p.showCar(v, http.StatusUnprocessableEntity)
		return
	}
	problem := v.each(p, func(at api.AccessPointPath, what string) *api.Problem {
		_, problem := doAs(p, what, p.API.DescribeSpot, &api.DescribeSpotInput{AccessPointPath: at, Body: api.SpotRequest{Spot: spot, Indoors: indoors}})
		return problem
	})
	back := "/home/places/" + string(v.AccessPoint.ID)
	if p.r.PostFormValue("back") == "/home/" {
		back = "/home/"
	}
	if problem != nil {
		p.undone(back, problem)
		return
	}
	p.done(back, "spot")
}

// sendCarPicture takes a picture of the car. A script makes it small before; without one, a small one is taken.
func (p *person) sendCarPicture() {
	data, ok := p.pictureSent()
	v := p.carHere()
	if v == nil {
		return
	}
	if !ok {
		v.wrong = []ui.Wrong{{Field: "picture", Text: p.say("mycar.picture.wrong")}}
		p.showCar(v, http.StatusUnprocessableEntity)
		return
	}
	problem := v.each(p, func(at api.AccessPointPath, _ string) *api.Problem {
		_, problem := do(p, p.API.SendCarPicture, &api.SendCarPictureInput{AccessPointPath: at, RawBody: data})
		return problem
	})
	switch {
	case problem == nil:
		p.done(carPath(v.AccessPoint.ID), "carPicture")
	case problem.Code == "photo":
		v.wrong = []ui.Wrong{{Field: "picture", Text: p.say("mycar.picture.wrong")}}
		p.showCar(v, http.StatusUnprocessableEntity)
	default:
		p.undone(carPath(v.AccessPoint.ID), problem)
	}
}

// pictureSent reads the file of a form.
func (p *person) pictureSent() ([]byte, bool) {
	file, _, err := p.r.FormFile("picture")
	if err != nil {
		return nil, false
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	return data, err == nil && len(data) > 0
}

// carPicture is the picture of the car, for its household.
func (p *person) carPicture() {
	out, problem := read(p, p.API.GetCarPicture, &api.AccessPointPath{AccessPoint: event.AccessPointID(p.r.PathValue("place"))})
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.w.Header().Set("Content-Type", out.Type)
	_, _ = p.w.Write(out.Body) // who went away needs no picture
}

// eraseCarPicture takes it away.
func (p *person) eraseCarPicture() {
	id := event.AccessPointID(p.r.PathValue("place"))
	if _, problem := do(p, p.API.EraseCarPicture, &api.AccessPointPath{AccessPoint: id}); problem != nil {
		p.undone(carPath(id), problem)
		return
	}
	p.done(carPath(id), "carPictureErased")
}

// typedOr is what was typed into a field; what is kept, before anybody typed.
func (v *carView) typedOr(field, kept string) string {
	if v.typed.Has(field) {
		return v.typed.Get(field)
	}
	return kept
}

// carLike is what a car looks like, in one line; "" when nobody said.
func carLike(c api.CarLooks) string {
	said := slices.DeleteFunc([]string{c.Plate, c.Make, c.Colour}, func(s string) bool { return s == "" })
	return strings.Join(said, ", ")
}

// spotSaid is where a car stands, as far as the household said.
func (h *household) spotSaid(ctx context.Context, c api.HomeCar) string {
	switch {
	case c.Described == 0:
		return words.T(ctx, "mycar.spot.none")
	case c.Spot == "":
		return words.T(ctx, "mycar.indoors.said", "time", h.clock(ctx, c.Described))
	case c.Indoors:
		return words.T(ctx, "mycar.spot.indoors", "spot", c.Spot, "time", h.clock(ctx, c.Described))
	default:
		return words.T(ctx, "mycar.spot.said", "spot", c.Spot, "time", h.clock(ctx, c.Described))
	}
}

// lookedSaid is how the car was found last, and how that looks.
func (h *household) lookedSaid(ctx context.Context, l api.CarLooked) (ui.State, string) {
	switch {
	case l.Pending:
		return ui.Underway, words.T(ctx, "mycar.looking")
	case l.At == 0:
		return ui.Neutral, words.T(ctx, "mycar.unlooked")
	case l.Code == "":
		return ui.Neutral, words.T(ctx, "mycar.found", "time", h.clock(ctx, l.At))
	}
	return ui.Refused, words.T(ctx, "mycar.not", "time", h.clock(ctx, l.At), "what", l.Title)
}

// spotAsked are the cars for which somebody comes, and nobody has said where they stand.
func (h *household) spotAsked() []api.AccessPoint {
	return slices.DeleteFunc(slices.Clone(h.AccessPoints), func(ap api.AccessPoint) bool { return ap.Car == nil || !ap.Car.Asked })
}

// usualOptions are where the car stood before.
func usualOptions(c api.HomeCar) []ui.Option {
	var options []ui.Option
	for _, spot := range c.Usual {
		options = append(options, ui.Option{Value: spot, Text: spot})
	}
	return options
}

// onFoot is how many minutes a distance in metres takes.
func onFoot(metres int) string { return count(max(1, (metres+40)/80)) }

// planBSaid is what comes next for the delivery.
func (v *deliveryView) planBSaid() string {
	if v.coming.PlanB == nil {
		return v.lang.Fallback(event.FallbackDepot)
	}
	return v.coming.PlanB.Text
}

// isCar says whether the place that is rehearsed is one.
func (v *rehearsalView) isCar() bool { return v.place.Car != nil }

// waits says whether nothing was opened yet in the rehearsal.
func (v *rehearsalView) waits(ctx context.Context) bool {
	return !slices.ContainsFunc(v.trials(ctx), func(t trial) bool { return t.ordered })
}

// ajarSaid is what to do about what is locked, and not shut.
func (v *rehearsalView) ajarSaid(ctx context.Context) string {
	if v.isCar() {
		return words.T(ctx, "u7.ajar.car")
	}
	return words.T(ctx, "u7.ajar")
}

// beginSaid is what the tap does that begins.
func (v *rehearsalView) beginSaid(ctx context.Context) string {
	if v.isCar() {
		return words.T(ctx, "mycar.begin")
	}
	return words.T(ctx, "u7.begin")
}

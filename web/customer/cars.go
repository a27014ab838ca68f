package customer

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
	"github.com/loquet/loquet/web/ui"
)

// Addresses of U6.
const (
	// CarsBackPath is where makers of cars send customers back to, below the public address.
	CarsBackPath = "/home/cars/back"

	carsPath   = "/home/cars"
	newCarPath = "/home/cars/new"
)

// carKinds are what a car has to be opened.
var carKinds = []event.BarrierKind{event.Trunk, event.Cabin}

// carsView is U6 up to the chosen car: whether it can be connected, the maker's consent, and which car.
type carsView struct {
	*enrolView
	makers []api.CarMaker
	// check is what is known of the car that was asked for; nil before.
	check *api.CarCheck
	// maker is the one at which the household consents, and address its page.
	maker   api.CarMaker
	address string
	// vehicles are those that the consent covers; barriers what was made of their devices.
	vehicles []api.CarVehicle
	barriers map[event.DeviceID]event.BarrierID
}

func (p *person) carsView(step int) (*carsView, *api.Problem) {
	v, problem := p.enrolView(step)
	if problem != nil {
		return nil, problem
	}
	out, problem := read(p, p.API.ListCarMakers, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	return &carsView{enrolView: v, makers: out.Body.Makers}, nil
}

// makerHere finds a maker by the name in the address, or answers and returns nil.
func (p *person) makerHere(step int) *carsView {
	v, problem := p.carsView(step)
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	maker, ok := found(v.makers, func(m api.CarMaker) bool { return m.Maker == p.r.PathValue("maker") })
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return nil
	}
	v.maker = maker
	return v
}

// newCar asks which car it is.
func (p *person) newCar() {
	v, problem := p.carsView(1)
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showNewCar(v, http.StatusOK)
}

func (p *person) showNewCar(v *carsView, status int) {
	p.showStep(v.enrolView, ui.Page{Title: p.say("car.which"), Here: newCarPath, Main: newCarPage(v)}, status)
}

// checkCar says whether such a car can be connected, and what opening it lays open. The number is typed into a form, so
// that it stands in no address.
func (p *person) checkCar() {
	v, problem := p.carsView(1)
	if problem != nil {
		p.refuse(problem)
		return
	}
	req, wrong := p.carTyped()
	v.typed = p.r.PostForm
	if v.wrong = wrong; len(wrong) > 0 {
		p.showNewCar(v, http.StatusUnprocessableEntity)
		return
	}
	out, problem := read(p, p.API.CheckCar, &api.CheckCarInput{Body: req})
	switch {
	case problem == nil:
		v.check = &out.Body
		p.showNewCar(v, http.StatusOK)
	case problem.Code == "invalid":
		v.wrong = []ui.Wrong{{Field: "vin", Text: p.say("car.vin.wrong")}}
		p.showNewCar(v, http.StatusUnprocessableEntity)
	default:
		p.undone(newCarPath, problem)
	}
}

func (p *person) carTyped() (r api.CarCheckRequest, wrong []ui.Wrong) {
	f := func(name string) string { return strings.TrimSpace(p.r.PostFormValue(name)) }
	r = api.CarCheckRequest{VIN: f("vin"), Make: vin.Make(f("make")), Country: strings.ToUpper(f("country"))}
	if r.VIN == "" && !slices.Contains(append([]vin.Make{otherMake}, vin.Makes...), r.Make) {
		wrong = append(wrong, ui.Wrong{Field: "make", Text: p.say("form.choose")})
	}
	if r.Make == otherMake {
		r.Make = ""
	}
	if f("year") != "" {
		year, ok := p.number("year", 1900, 2100)
		if r.Year = int(year); !ok || float64(r.Year) != year {
			wrong = append(wrong, ui.Wrong{Field: "year", Text: p.say("car.year.wrong")})
		}
	}
	if r.Country != "" && (len(r.Country) != 2 || strings.Trim(r.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		wrong = append(wrong, ui.Wrong{Field: "country", Text: p.say("car.country.wrong")})
	}
	return r, wrong
}

// otherMake is any make that is not in the list.
const otherMake vin.Make = "other"

// makeOptions are the makes of which a car can be connected.
func (v *carsView) makeOptions(ctx context.Context) []ui.Option {
	options := []ui.Option{{Text: words.T(ctx, "car.make.choose"), Checked: v.typed.Get("make") == ""}}
	for _, m := range append(slices.Clone(vin.Makes), otherMake) {
		text := string(m)
		if m == otherMake {
			text = words.T(ctx, "car.make.other")
		}
		options = append(options, ui.Option{Value: string(m), Text: text, Checked: v.typed.Get("make") == string(m)})
	}
	return options
}

// carWay is a maker's cloud by which a car can be connected, with all that it can open.
type carWay struct {
	api.CarWay
	title string
	opens []api.CarWay
}

// ways are the check's, one for each maker, and each thing that an opening can lay open once. Those that can't be gone here
// are shown only where there is no other.
func (v *carsView) ways() []carWay {
	var ways []carWay
	for _, w := range v.check.Ways {
		if v.can() && !wayOpen(w) {
			continue
		}
		i := slices.IndexFunc(ways, func(x carWay) bool { return x.Maker == w.Maker })
		if i < 0 {
			maker, _ := found(v.makers, func(m api.CarMaker) bool { return m.Maker == w.Maker })
			ways, i = append(ways, carWay{CarWay: w, title: maker.Title}), len(ways)
		}
		if !slices.ContainsFunc(ways[i].opens, func(o api.CarWay) bool { return o.Reveals == w.Reveals }) {
			ways[i].opens = append(ways[i].opens, w)
		}
	}
	return ways
}

// wayOpen says whether a way can be gone here.
func wayOpen(w api.CarWay) bool { return w.Here && !w.Refused }

// can says whether any of the ways can be gone here.
func (v *carsView) can() bool {
	return slices.ContainsFunc(v.check.Ways, wayOpen)
}

// revealsSaid is what an opening truly lays open, in one sentence.
func revealsSaid(ctx context.Context, r event.Reveals) string {
	return words.T(ctx, "mycar.opens."+string(r))
}

// carName is what the maker says of a car, with how its number ends.
func carName(ctx context.Context, c api.ChosenCar) string {
	name := strings.TrimSpace(c.Model + " " + yearSaid(c.Year))
	if name == "" {
		return words.T(ctx, "car.ending", "end", c.EndOf)
	}
	return words.T(ctx, "car.named", "name", name, "end", c.EndOf)
}

func yearSaid(year int) string {
	if year == 0 {
		return ""
	}
	return strconv.Itoa(year)
}

// authorise leads to the maker's page. A form may lead to our own pages only, so that the way out is a link.
func (p *person) authorise() {
	v, problem := p.carsView(2)
	if problem != nil {
		p.refuse(problem)
		return
	}
	name := p.r.PostFormValue("maker")
	maker, ok := found(v.makers, func(m api.CarMaker) bool { return m.Maker == name })
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	out, problem := read(p, p.API.BeginCarConsent, &api.BeginCarConsentInput{Body: api.CarConsentRequest{Maker: name}})
	if problem != nil {
		p.undone(newCarPath, problem)
		return
	}
	v.maker, v.address = maker, out.Body.Address
	p.showStep(v.enrolView, ui.Page{Title: p.say("car.authorise", "maker", maker.Title), Here: newCarPath, Main: authorisePage(v)}, http.StatusOK)
}

// carsBack is where the maker sends the browser back to. What it brings stands in the address for this one request.
func (p *person) carsBack() {
	q := p.r.URL.Query()
	back := api.CarConsentBack{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), User: q.Get("user_id")}
	out, problem := read(p, p.API.FinishCarConsent, &api.FinishCarConsentInput{Body: back})
	if problem != nil {
		p.undone(newCarPath, problem)
		return
	}
	p.done(makerPath(out.Body.Maker), "consented")
}

func makerPath(maker string) string { return carsPath + "/" + url.PathEscape(maker) }

// vehicles asks which of the cars that the consent covers it is.
func (p *person) vehicles() {
	v := p.makerHere(2)
	if v == nil {
		return
	}
	if v.maker.Consent != nil {
		if problem := p.fillVehicles(v); problem != nil {
			v.flash = p.not(knownTrouble(problem.Code))
		}
	}
	p.showStep(v.enrolView, ui.Page{Title: p.say("car.choose"), Here: makerPath(v.maker.Maker), Main: vehiclesPage(v)}, http.StatusOK)
}

func (p *person) fillVehicles(v *carsView) *api.Problem {
	out, problem := read(p, p.API.ListCarVehicles, &api.MakerPath{Maker: v.maker.Maker})
	if problem != nil {
		return problem
	}
	devices, problem := read(p, p.API.ListHomeDevices, &struct{}{})
	if problem != nil {
		return problem
	}
	v.vehicles, v.barriers = out.Body.Vehicles, map[event.DeviceID]event.BarrierID{}
	for _, d := range devices.Body.Devices {
		v.barriers[d.ID] = d.Barrier
	}
	return nil
}

// next is where the setting-up of a chosen device goes on.
func (v *carsView) next(d api.CarDevice) string {
	if b := v.barriers[d.Device]; b != "" {
		return "/home/barriers/" + string(b)
	}
	return proofPath(d.Is, d.Device)
}

// left are the openings of a car that were not chosen yet.
func left(c api.CarVehicle) []api.CarOpening {
	return slices.DeleteFunc(slices.Clone(c.Opens), func(o api.CarOpening) bool {
		return slices.ContainsFunc(c.Devices, func(d api.CarDevice) bool { return d.Is == o.Is })
	})
}

// openOptions are what of a car can be chosen, each with what it truly lays open.
func (v *carsView) openOptions(ctx context.Context, c api.CarVehicle) []ui.Option {
	var options []ui.Option
	for i, o := range left(c) {
		options = append(options, ui.Option{Value: string(o.Is), Text: v.lang.Barrier(o.Is), Hint: revealsSaid(ctx, o.Reveals), Checked: i == 0})
	}
	return options
}

// chooseCar takes a car: a device is made of what shall be opened.
func (p *person) chooseCar() {
	path := api.CarPath{MakerPath: api.MakerPath{Maker: p.r.PathValue("maker")}, Vehicle: p.r.PathValue("vehicle")}
	is := event.BarrierKind(p.r.PostFormValue("opens"))
	if !slices.Contains(carKinds, is) {
		p.goTo(makerPath(path.Maker), "not", "invalid")
		return
	}
	out, problem := do(p, p.API.ChooseCar, &api.ChooseCarInput{CarPath: path, Body: api.CarChoice{Opens: []event.BarrierKind{is}}})
	if problem != nil {
		p.undone(makerPath(path.Maker), problem)
		return
	}
	d, _ := found(out.Body.Devices, func(d api.CarDevice) bool { return d.Is == is })
	http.Redirect(p.w, p.r, proofPath(d.Is, d.Device), http.StatusSeeOther)
}

// partCar takes a car out again.
func (p *person) partCar() {
	path := api.CarPath{MakerPath: api.MakerPath{Maker: p.r.PathValue("maker")}, Vehicle: p.r.PathValue("vehicle")}
	if _, problem := do(p, p.API.PartCar, &path); problem != nil {
		p.undone(carsPath, problem)
		return
	}
	p.done(carsPath, "parted")
}

// cars shows what the household consented to at makers, and takes it back.
func (p *person) cars() {
	v, problem := p.carsView(1)
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(v.household, ui.Page{Title: p.say("cars.title"), Place: v.Address, Here: carsPath, Main: carsPage(v)})
}

// withdrawCars ends the consent at a maker.
func (p *person) withdrawCars() {
	out, problem := do(p, p.API.WithdrawCarConsent, &api.MakerPath{Maker: p.r.PathValue("maker")})
	switch {
	case problem != nil:
		p.undone(carsPath, problem)
	case out.Body.Told:
		p.done(carsPath, "unconsented")
	default:
		p.done(carsPath, "unconsentedHere")
	}
}

// notConnected says why a car can't be connected.
func notConnected(ctx context.Context, c api.CarCheck) string {
	if c.Why == vin.TooOld {
		return words.T(ctx, "car.why.too-old", "make", string(c.Make), "year", strconv.Itoa(c.Since))
	}
	return words.T(ctx, "car.why."+string(c.Why))
}

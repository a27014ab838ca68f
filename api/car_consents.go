package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// CarOpening is one way to open a car.
type CarOpening struct {
	Is            event.BarrierKind `json:"is" enum:"trunk,cabin"`
	Reveals       event.Reveals     `json:"reveals" enum:"trunk,trunk-handle,whole-car" doc:"What it truly lays open: the trunk alone; the trunk's handle, and the whole car once it is used; the whole car"`
	WindowSeconds float64           `json:"windowSeconds,omitempty" doc:"For how long the trunk's handle is free"`
}

// CarMaker is a maker of cars, or who speaks for several, at which this installation is registered.
type CarMaker struct {
	Maker string       `json:"maker" doc:"The name of its connector" example:"volvo"`
	Title string       `json:"title" doc:"Its name for people"`
	Opens []CarOpening `json:"opens" doc:"What its cars can open at all; a single one may have less"`
	// Pairing is where the customer's phone adds our key to a car.
	Pairing string `json:"pairing,omitempty" doc:"Where the phone adds this server's key to the car, if that is needed"`
	// Elsewhere says that the consent is ended in the maker's own account, too.
	Elsewhere bool        `json:"elsewhere,omitempty" doc:"The maker can't be told that a consent ended: end it in the account there, too"`
	Consent   *CarConsent `json:"consent,omitempty" doc:"What the household consented to there; absent before and after"`
}

// CarMakers are the makers of this installation.
type CarMakers struct {
	Makers []CarMaker `json:"makers"`
}

// CarConsent is what the household consented to at a maker.
type CarConsent struct {
	Maker string         `json:"maker"`
	By    event.MemberID `json:"by"`
	At    event.Instant  `json:"at" format:"date-time"`
	// LostAt is when the maker was found to refuse it.
	LostAt event.Instant `json:"lostAt,omitempty" format:"date-time" doc:"When the maker was found not to accept it any more: give it again"`
	Cars   []ChosenCar   `json:"cars"`
}

// ChosenCar is a car that the household chose.
type ChosenCar struct {
	Vehicle string      `json:"vehicle" doc:"Names it here; it says nothing of the car"`
	Model   string      `json:"model,omitempty"`
	Year    int         `json:"year,omitempty"`
	EndOf   string      `json:"endOfVin" doc:"How its VIN ends, to tell two cars apart"`
	Devices []CarDevice `json:"devices"`
}

// CarDevice is a device on a chosen car, for POST /v1/home/barriers.
type CarDevice struct {
	Device event.DeviceID    `json:"device"`
	Is     event.BarrierKind `json:"is" enum:"trunk,cabin"`
}

// CarVehicle is a car that a consent covers, as the maker lists it now.
type CarVehicle struct {
	ChosenCar
	Opens []CarOpening `json:"opens"`
	Lacks carlink.Lack `json:"lacks,omitempty" enum:"key,commands,too-old,unknown" doc:"Why it can't be chosen: this server's key was not added to the car yet; it takes no commands; cars of its model year can't be connected; it is none of the cars that are known to be"`
	Taken bool         `json:"taken,omitempty" doc:"It is connected for another household, or through another maker"`
}

// CarVehicles are the cars that a consent covers.
type CarVehicles struct {
	Vehicles []CarVehicle `json:"vehicles"`
}

// CarConsentRequest names at which maker the household wants to consent.
type CarConsentRequest struct {
	Maker string `json:"maker" minLength:"1" maxLength:"32"`
}

// CarConsentPage is where to consent.
type CarConsentPage struct {
	Address string `json:"address" doc:"The maker's page; it sends the browser back to this server, for ten minutes and once"`
}

// CarConsentBack is what the maker sent the browser back with.
type CarConsentBack struct {
	State string `json:"state" maxLength:"200"`
	Code  string `json:"code,omitempty" maxLength:"4000"`
	Error string `json:"error,omitempty" maxLength:"200"`
	User  string `json:"user,omitempty" maxLength:"128" pattern:"^[A-Za-z0-9_-]*$" patternDescription:"letters, digits, - and _"`
}

// CarChoice is what a car shall open.
type CarChoice struct {
	Opens []event.BarrierKind `json:"opens" minItems:"1" maxItems:"2" enum:"trunk,cabin"`
}

// CarWithdrawn says what became of a withdrawal.
type CarWithdrawn struct {
	Told bool `json:"told" doc:"The maker took it, too; if not, end it in the account at the maker's"`
}

// MakerPath names a maker.
type MakerPath struct {
	Maker string `path:"maker" maxLength:"32"`
}

// CarPath names a car under a maker.
type CarPath struct {
	MakerPath
	Vehicle string `path:"vehicle" maxLength:"64"`
}

func (a *API) registerCarConsents() {
	at := func(method, path, id, summary, about string, status int) route {
		return route{method: method, path: "/v1/home/cars/" + path, id: id, summary: summary, about: about, tag: "Cars", status: status}
	}
	forMember(a, at(http.MethodGet, "makers", "listCarMakers", "The makers whose cars can be connected here", "", 0), a.ListCarMakers)
	forMember(a, at(http.MethodPost, "consents", "beginCarConsent", "Begin to consent at a maker",
		"The answer is the maker's page. What comes back from there is good in the same session only.", http.StatusCreated), a.BeginCarConsent)
	forMember(a, at(http.MethodPost, "consents/finish", "finishCarConsent", "Come back from the maker's page", "", 0), a.FinishCarConsent)
	forMember(a, at(http.MethodGet, "consents", "listCarConsents", "What the household consented to at makers", "", 0), a.ListCarConsents)
	forMember(a, at(http.MethodDelete, "consents/{maker}", "withdrawCarConsent", "Withdraw the consent at a maker",
		"Its cars can't be asked or opened any more, and their places take no parcels. Not while a visit to one of them is under way.", 0), a.WithdrawCarConsent)
	forMember(a, at(http.MethodGet, "consents/{maker}/vehicles", "listCarVehicles", "The cars that a consent covers",
		"Asks the maker. Only who is listed there owns the car.", 0), a.ListCarVehicles)
	forMember(a, at(http.MethodPost, "consents/{maker}/vehicles/{vehicle}", "chooseCar", "Choose a car, and what of it shall open",
		"Repeating it changes nothing. Its devices are then added as barriers.", http.StatusCreated), a.ChooseCar)
	forMember(a, at(http.MethodDelete, "consents/{maker}/vehicles/{vehicle}", "partCar", "Take a car out again",
		"Not while a visit to it is under way.", http.StatusNoContent), a.PartCar)
}

// connects returns the links to makers, if cars are connected here.
func (a *API) connects(ctx context.Context, m auth.Member) (*carlink.Links, error) {
	if _, err := a.household(ctx, m); err != nil {
		return nil, err
	}
	if a.CarLinks == nil {
		return nil, carlink.ErrMaker
	}
	return a.CarLinks, nil
}

// ListCarMakers is the operation listCarMakers: the makers whose cars can be connected here.
func (a *API) ListCarMakers(ctx context.Context, m auth.Member, _ *struct{}) (*struct{ Body CarMakers }, error) {
	shown := CarMakers{Makers: []CarMaker{}}
	if _, err := a.household(ctx, m); err != nil || a.CarLinks == nil {
		return &struct{ Body CarMakers }{shown}, err
	}
	given, err := a.CarLinks.Connections(ctx, m.Site())
	if err != nil {
		return nil, err
	}
	for _, name := range a.CarLinks.Names() {
		about := a.CarLinks.Makers[name].About()
		one := CarMaker{Maker: name, Title: about.Title, Opens: openingsShown(about.Opens), Pairing: about.Pairing, Elsewhere: about.Elsewhere}
		for _, c := range given {
			if c.Maker == name {
				shown := consentShown(c)
				one.Consent = &shown
			}
		}
		shown.Makers = append(shown.Makers, one)
	}
	return &struct{ Body CarMakers }{shown}, nil
}

func openingsShown(all []carlink.Opening) []CarOpening {
	shown := make([]CarOpening, len(all))
	for i, o := range all {
		shown[i] = CarOpening{o.Is, o.Reveals, o.Window.Duration().Seconds()}
	}
	return shown
}

func consentShown(c carlink.Connection) CarConsent {
	shown := CarConsent{Maker: c.Maker, By: c.By, At: c.At, LostAt: c.LostAt, Cars: []ChosenCar{}}
	for _, x := range c.Cars {
		shown.Cars = append(shown.Cars, ChosenCar{x.ID, x.Model, x.Year, vinEnd(x.VIN), carDevices(x.Devices)})
	}
	return shown
}

// vinEnd is how a VIN ends: the serial number, as far as it tells two cars apart.
func vinEnd(vin string) string { return vin[max(0, len(vin)-4):] }

func carDevices(all []carlink.Reserved) []CarDevice {
	shown := []CarDevice{}
	for _, d := range all {
		shown = append(shown, CarDevice(d))
	}
	return shown
}

// BeginCarConsentInput is what BeginCarConsent takes.
type BeginCarConsentInput struct {
	Body CarConsentRequest
}

// BeginCarConsent is the operation beginCarConsent: begin to consent at a maker.
func (a *API) BeginCarConsent(ctx context.Context, m auth.Member, in *BeginCarConsentInput) (*struct{ Body CarConsentPage }, error) {
	cars, err := a.connects(ctx, m)
	if err != nil {
		return nil, err
	}
	address, err := cars.Begin(ctx, m, in.Body.Maker)
	return &struct{ Body CarConsentPage }{CarConsentPage{address}}, err
}

// FinishCarConsentInput is what FinishCarConsent takes.
type FinishCarConsentInput struct {
	Body CarConsentBack
}

// FinishCarConsent is the operation finishCarConsent: come back from the maker's page.
func (a *API) FinishCarConsent(ctx context.Context, m auth.Member, in *FinishCarConsentInput) (*struct{ Body CarConsent }, error) {
	cars, err := a.connects(ctx, m)
	if err != nil {
		return nil, err
	}
	b := in.Body
	// Whoever goes away meanwhile has consented all the same: the code is good once.
	ctx = context.WithoutCancel(ctx)
	name, err := cars.Finish(ctx, m, carlink.Back{State: b.State, Code: b.Code, Error: b.Error, User: b.User})
	if err != nil {
		return nil, err
	}
	given, err := cars.Connections(ctx, m.Site())
	for _, c := range given {
		if c.Maker == name {
			return &struct{ Body CarConsent }{consentShown(c)}, nil
		}
	}
	return nil, errors.Join(carlink.ErrNoConsent, err)
}

// ListCarConsents is the operation listCarConsents: what the household consented to at makers.
func (a *API) ListCarConsents(ctx context.Context, m auth.Member, _ *struct{}) (*struct {
	Body struct {
		Consents []CarConsent `json:"consents"`
	}
}, error) {
	out := &struct {
		Body struct {
			Consents []CarConsent `json:"consents"`
		}
	}{}
	out.Body.Consents = []CarConsent{}
	if _, err := a.household(ctx, m); err != nil || a.CarLinks == nil {
		return out, err
	}
	given, err := a.CarLinks.Connections(ctx, m.Site())
	for _, c := range given {
		out.Body.Consents = append(out.Body.Consents, consentShown(c))
	}
	return out, err
}

// WithdrawCarConsent is the operation withdrawCarConsent: withdraw the consent at a maker.
func (a *API) WithdrawCarConsent(ctx context.Context, m auth.Member, in *MakerPath) (*struct{ Body CarWithdrawn }, error) {
	cars, err := a.connects(ctx, m)
	if err != nil {
		return nil, err
	}
	told, err := cars.Withdraw(context.WithoutCancel(ctx), m.Site(), in.Maker)
	return &struct{ Body CarWithdrawn }{CarWithdrawn{told}}, err
}

// ListCarVehicles is the operation listCarVehicles: the cars that a consent covers.
func (a *API) ListCarVehicles(ctx context.Context, m auth.Member, in *MakerPath) (*struct{ Body CarVehicles }, error) {
	cars, err := a.connects(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := a.limits.makers.Allow(string(m.Site())); err != nil {
		return nil, err
	}
	seen, err := cars.Vehicles(ctx, m.Site(), in.Maker)
	if err != nil {
		return nil, err
	}
	shown := CarVehicles{Vehicles: []CarVehicle{}}
	for _, s := range seen {
		shown.Vehicles = append(shown.Vehicles, vehicleShown(s))
	}
	return &struct{ Body CarVehicles }{shown}, nil
}

func vehicleShown(s carlink.Seen) CarVehicle {
	return CarVehicle{ChosenCar: ChosenCar{s.ID, s.Model, s.Year, vinEnd(s.VIN), carDevices(s.Devices)}, Opens: openingsShown(s.Opens),
		Lacks: s.Lacks, Taken: s.Taken}
}

// ChooseCarInput is what ChooseCar takes.
type ChooseCarInput struct {
	CarPath
	Body CarChoice
}

// ChooseCar is the operation chooseCar: choose a car, and what of it shall open.
func (a *API) ChooseCar(ctx context.Context, m auth.Member, in *ChooseCarInput) (*struct{ Body CarVehicle }, error) {
	cars, err := a.connects(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := a.limits.makers.Allow(string(m.Site())); err != nil {
		return nil, err
	}
	chosen, err := cars.Choose(context.WithoutCancel(ctx), m.Site(), in.Maker, in.Vehicle, in.Body.Opens)
	return &struct{ Body CarVehicle }{vehicleShown(chosen)}, err
}

// PartCar is the operation partCar: take a car out again.
func (a *API) PartCar(ctx context.Context, m auth.Member, in *CarPath) (*struct{}, error) {
	cars, err := a.connects(ctx, m)
	if err != nil {
		return nil, err
	}
	return nil, cars.Part(context.WithoutCancel(ctx), m.Site(), in.Maker, in.Vehicle)
}

// ofCarLink explains what went wrong with a maker of cars. What a maker's cloud wrote is in none of it.
func ofCarLink(err error) *Problem {
	busy := new(device.BusyError)
	switch {
	case errors.Is(err, carlink.ErrMaker):
		return notFound("maker of cars here")
	case errors.Is(err, carlink.ErrNoConsent):
		return problem(http.StatusNotFound, "no-consent", "The household has consented to nothing at this maker. Nothing was done. Consent on the maker's page first.")
	case errors.Is(err, carlink.ErrVehicle):
		return notFound("car under this consent, or it can't be opened in that way")
	case errors.Is(err, carlink.ErrAsked):
		return problem(http.StatusConflict, "consent-over", "This answer of the maker's belongs to nothing that was begun in this session, or came too late. "+
			"Nothing was done. Begin that step again.")
	case errors.Is(err, carlink.ErrDeclined):
		return problem(http.StatusConflict, "consent-refused", "The maker was not allowed to let this server in. Nothing was done. Begin that step again.")
	case errors.Is(err, carlink.ErrTaken):
		return problem(http.StatusConflict, "car-taken", "This car is connected already, for another household or through another maker. Nothing was done. "+
			"The household that connected it takes it out, withdraws its consent at that maker, or moves out; nobody else can set it free. "+
			"Until then, choose another car or another place.")
	case errors.Is(err, carlink.ErrLacking):
		return problem(http.StatusConflict, "car-lacking", "This car can't be connected, or not yet. Nothing was done. Look at what it lacks; once it has that, choose it again.")
	case errors.As(err, &busy):
		return problem(http.StatusServiceUnavailable, "maker-busy", "The maker takes no more questions now. Nothing was done. Try again later.").
			with("Retry-After", "60")
	case errors.Is(err, device.ErrRevoked):
		return problem(http.StatusConflict, "consent-lost", "The maker does not accept the household's consent any more. Nothing was done. Consent again on its page.")
	case errors.Is(err, device.ErrOffline), errors.Is(err, device.ErrNoAnswer), errors.Is(err, device.ErrNonsense), errors.Is(err, device.ErrAsleep),
		errors.Is(err, device.ErrRefused):
		return problem(http.StatusBadGateway, "maker", "The maker's cloud does not answer as it should now. Nothing was done. Try again in a few minutes.").
			with("Retry-After", "60")
	}
	return nil
}

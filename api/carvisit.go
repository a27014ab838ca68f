package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// VisitCar is the car of a visit, as far as the journal tells of it: nothing that is personal.
type VisitCar struct {
	Reveals event.Reveals `json:"reveals" doc:"What its opening lays open: trunk, trunk-handle or whole-car"`
	// Window is for how long the trunk's handle is free, once it is.
	Window event.Millis `json:"window,omitempty" doc:"For how long an opening frees the trunk's handle, in milliseconds; absent where it opens by itself"`
	Looked CarLooked    `json:"looked" doc:"What came of looking for it for this visit"`
}

// CarCard is what a courier needs to find a car: everything but Near is absent until it was found, and the courier is
// near it; and again when the visit has ended.
type CarCard struct {
	Near bool `json:"near" doc:"Whether the courier is so near, on the way to it, that the rest is shown"`
	CarLooks
	Picture bool   `json:"picture,omitempty" doc:"There is a picture of it"`
	Spot    string `json:"spot,omitempty" doc:"Where it stands, in the household's words; absent where nobody said"`
	// Distance and Direction are of the way on foot.
	Distance  *int   `json:"distance,omitempty" doc:"From the courier to it, in metres; absent once the courier has arrived"`
	Direction string `json:"direction,omitempty" enum:"N,NE,E,SE,S,SW,W,NW" doc:"In which it stands, as seen from the courier"`
	There     bool   `json:"there,omitempty" doc:"The courier is at it, as far as the phone tells"`
	// Age is that of the car's position, by the car's own time.
	Age     *event.Millis   `json:"age,omitempty" doc:"Of the car's position, in milliseconds; absent when it gave no time"`
	Signals []device.Signal `json:"signals" doc:"How it lets itself be found: flash, honk"`
	Now     event.Instant   `json:"now" format:"date-time" doc:"The server's time of this answer"`
}

// SignalRequest lets a car be found.
type SignalRequest struct {
	Signal device.Signal `json:"signal" enum:"flash,honk"`
}

// TooLargeRequest says which delivery does not fit.
type TooLargeRequest struct {
	Delivery event.DeliveryID `json:"delivery" minLength:"1" maxLength:"64"`
}

// carNear is within how many metres of a car its courier may know which one it is, and arrivedNear for how long after the
// arrival: nobody says when a courier drives away.
const (
	carNear     = 500
	arrivedNear = 30 * event.Minute
)

func (a *API) registerCarVisit() {
	const visit = "/v1/courier/visits/{visit}/"
	at := func(method, name, id, summary, about string) route {
		return route{method: method, path: visit + name, id: id, summary: summary, about: about, tag: "Courier"}
	}
	forCourier(a, at(http.MethodGet, "car", "getVisitCar", "Find the car of a visit",
		"Only within 500 metres of it, as the last position tells that was sent with positionVisit, if that is as exact as an arrival asks for; "+
			"for 30 minutes from the arrival; and for as long as something that the visit opened is not proven shut. The first look is recorded."),
		a.GetVisitCar)
	picture := at(http.MethodGet, "car/picture", "getVisitCarPicture", "Look at the picture of a visit's car", "Only near it.")
	picture.media = "image/jpeg"
	forCourier(a, picture, a.GetVisitCarPicture)
	forCourier(a, at(http.MethodPost, "signal", "signalVisitCar", "Have the car of a visit flash or honk", "Only near it. It opens nothing."), a.SignalVisitCar)
	forCourier(a, at(http.MethodPost, "too-large", "tooLargeVisit", "Say that a delivery does not fit",
		"Before anything is opened, or when it stands open. It is not left there in this visit: plan B comes next."), a.TooLargeVisit)
}

// TooLargeVisitInput is what TooLargeVisit takes.
type TooLargeVisitInput struct {
	Idempotent
	VisitPath
	Body TooLargeRequest
}

// TooLargeVisit is the operation tooLargeVisit: say that a delivery does not fit.
func (a *API) TooLargeVisit(ctx context.Context, c auth.Courier, in *TooLargeVisitInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, nil, site.TooLarge{Visit: in.Visit, Delivery: in.Body.Delivery})
}

// carOfVisit is the car of a visit; nil for one to any other place.
func (a *API) carOfVisit(ctx context.Context, s site.State, v site.Visit) *VisitCar {
	ap, ok := s.AccessPoint(v.AccessPoint)
	if !ok || !ap.IsVehicle() {
		return nil
	}
	b, _ := s.Barrier(ap.WayIn[0].Barrier)
	return &VisitCar{Reveals: ap.Vehicle.Reveals, Window: b.Spec.Window, Looked: a.lookedShown(ctx, v.Look)}
}

// nearCar is a car whose courier stands near it.
type nearCar struct {
	state site.State
	visit site.Visit
	ap    site.AccessPoint
	// stands is where the car was found; way how to get there, nil once the courier has arrived.
	stands dispatch.Standing
	way    *carWay
}

// device is the one behind the car.
func (n nearCar) device() event.DeviceID {
	b, _ := n.state.Barrier(n.ap.WayIn[0].Barrier)
	return b.Spec.Device
}

// nearCar finds the car of a courier's visit. ok is false while it is not the courier's business which car that is: before it
// was found, while nothing may be opened by what was found, while the courier is far, and when there is nothing to bring.
func (a *API) nearCar(ctx context.Context, c auth.Courier, id event.VisitID) (n nearCar, ok bool, err error) {
	if event.CheckID(id, 'v') != nil {
		return n, false, notFound("visit")
	}
	if n.state, err = a.Dispatch.Load(ctx, event.SiteOf(id)); err != nil {
		return n, false, err
	}
	n.visit, ok = n.state.Visit(id)
	if !ok || n.visit.Courier != c.ID() || n.visit.Key != c.Signed().Key {
		return n, false, notFound("visit")
	}
	if n.ap, ok = n.state.AccessPoint(n.visit.AccessPoint); !ok || !n.ap.IsVehicle() {
		return n, false, notFound("car")
	}
	if !mayFind(n.visit) {
		return n, false, nil
	}
	stands, known, err := Cars{a.Store, a.Vault}.Open(ctx, n.state.Site, dispatch.CarName(id))
	if err != nil || !known {
		return n, false, err
	}
	n.stands = stands
	now := event.InstantOf(a.Now())
	if n.visit.Arrived != 0 {
		return n, unsecured(n.visit) || now.Since(n.visit.Arrived) < arrivedNear, nil
	}
	n.way = a.positions.toCar(n.visit, now)
	return n, n.way != nil, nil
}

// unsecured says whether something that the visit opened, or may have opened, is not proven shut.
func unsecured(v site.Visit) bool {
	return slices.ContainsFunc(v.Steps, func(p site.Step) bool {
		return p.Intended != 0 && p.Outcome != event.NotDone && p.Secured == 0
	})
}

// mayFind says whether the visit's courier is to find the car: something was opened that is to be shut, or nothing stands
// against opening it.
func mayFind(v site.Visit) bool {
	if unsecured(v) {
		return true
	}
	return !v.Suspended && !v.Danger && v.TakenOver == "" && len(v.Deliveries) > 0 && v.Look.Found != 0 && v.Look.Code == ""
}

// GetVisitCar is the operation getVisitCar: find the car of a visit.
func (a *API) GetVisitCar(ctx context.Context, c auth.Courier, in *VisitPath) (*struct{ Body CarCard }, error) {
	card := CarCard{Signals: []device.Signal{}, Now: event.InstantOf(a.Now())}
	n, near, err := a.nearCar(ctx, c, in.Visit)
	if err != nil {
		return nil, err
	}
	if near {
		err = a.fillCard(ctx, c, n, &card)
	}
	return &struct{ Body CarCard }{card}, err
}

func (a *API) fillCard(ctx context.Context, c auth.Courier, n nearCar, card *CarCard) error {
	if err := a.lookOfCourier(ctx, c, n.state.Site, "the car of visit "+string(n.visit.ID)); err != nil {
		return err
	}
	card.Near, card.There, card.Signals = true, n.visit.Arrived != 0, a.signalsOf(n.device())
	if err := unsealTo(ctx, a, n.state.Site, carName(n.ap.ID), &card.CarLooks); err != nil {
		return err
	}
	if n.ap.Car.Described != 0 {
		if err := unsealTo(ctx, a, n.state.Site, dispatch.SpotName(n.ap.ID), &card.Spot); err != nil {
			return err
		}
	}
	if n.way != nil {
		card.Distance, card.Direction, card.There = &n.way.distance, n.way.direction, n.way.distance <= n.ap.Radius
	}
	if at := n.stands.Position.At; !at.IsZero() {
		age := event.Millis(max(0, a.Now().Sub(at)).Milliseconds())
		card.Age = &age
	}
	var err error
	card.Picture, err = a.hasValue(ctx, n.state.Site, carPictureName(n.ap.ID))
	return err
}

func (a *API) signalsOf(id event.DeviceID) []device.Signal {
	dev, _ := a.Fleet.Device(id)
	if s, ok := dev.(device.Signaller); ok {
		return s.Signals()
	}
	return []device.Signal{}
}

// GetVisitCarPicture is the operation getVisitCarPicture: look at the picture of a visit's car.
func (a *API) GetVisitCarPicture(ctx context.Context, c auth.Courier, in *VisitPath) (*FileOutput, error) {
	n, near, err := a.nearCar(ctx, c, in.Visit)
	if err != nil {
		return nil, err
	}
	if !near {
		return nil, notFound("picture")
	}
	if err := a.lookOfCourier(ctx, c, n.state.Site, "the car of visit "+string(n.visit.ID)); err != nil {
		return nil, err
	}
	return a.photoKept(ctx, n.state.Site, carPictureName(n.ap.ID))
}

// SignalVisitCarInput is what SignalVisitCar takes.
type SignalVisitCarInput struct {
	VisitPath
	Body SignalRequest
}

// Signalled says what became of a signal.
type Signalled struct {
	Outcome event.Outcome `json:"outcome" doc:"done: its maker has accepted it. unknown: it may have flashed"`
}

// signalWithin is how long a car's maker may take to accept a signal.
const signalWithin = 20 * time.Second

// SignalVisitCar is the operation signalVisitCar: have the car of a visit flash or honk.
func (a *API) SignalVisitCar(ctx context.Context, c auth.Courier, in *SignalVisitCarInput) (*struct{ Body Signalled }, error) {
	n, near, err := a.nearCar(ctx, c, in.Visit)
	if err != nil {
		return nil, err
	}
	if !near {
		return nil, problem(http.StatusConflict, "car-not-near", "The car flashes for a courier near it alone. Nothing was done. Go nearer, then try again.")
	}
	dev, _ := a.Fleet.Device(n.device())
	car, ok := dev.(device.Signaller)
	if !ok || !slices.Contains(car.Signals(), in.Body.Signal) {
		return nil, problem(http.StatusConflict, "car-silent", "This car can't do that. Nothing was done. Look for its plate.")
	}
	if err := a.limits.signals.Allow(string(n.visit.ID)); err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), signalWithin)
	defer cancel()
	outcome, err := car.Signal(asking, in.Body.Signal)
	if outcome != event.Done && err != nil {
		return nil, ofCarError(err, a.Now())
	}
	return &struct{ Body Signalled }{Signalled{outcome}}, nil
}

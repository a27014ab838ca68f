package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/photo"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// VehicleTerms are what a household allows of an access point that is a car.
type VehicleTerms struct {
	Within  int           `json:"within,omitempty" minimum:"10" maximum:"1000" doc:"How far from the reference address the car may stand, in metres; 300 when absent"`
	Reveals event.Reveals `json:"reveals" enum:"trunk,trunk-handle,whole-car" doc:"What you accept that an opening lays open: exactly what its device declares"`
}

// HomeCar is the car that an access point is, as its household sees it.
type HomeCar struct {
	VehicleTerms
	CarLooks
	Picture bool `json:"picture,omitempty" doc:"A picture of it is kept"`
	// Spot is where the household says that it stands.
	Spot      string        `json:"spot,omitempty" doc:"Where you said that it stands; absent once it has moved"`
	Indoors   bool          `json:"indoors,omitempty" doc:"You said that it stands where it can't be reached"`
	Described event.Instant `json:"described,omitempty" format:"date-time" doc:"When you said so; absent when nobody did, or the car has moved since"`
	Usual     []string      `json:"usual" doc:"Where it usually stands, as you said, or where you said before that it stands, the latest first"`
	Asked     bool          `json:"asked,omitempty" doc:"A delivery comes, and nobody has said where the car stands"`
	Looked    CarLooked     `json:"looked" doc:"What came of looking for it last, for a delivery or because its spot was described"`
}

// CarLooks are what tells a car from others. They are sealed, and shown to a courier near its visit only.
type CarLooks struct {
	Plate  string `json:"plate,omitempty" maxLength:"16" doc:"Sealed; shown to a courier near a visit only"`
	Make   string `json:"make,omitempty" maxLength:"60" doc:"Make and model; sealed"`
	Colour string `json:"colour,omitempty" maxLength:"40" doc:"Sealed"`
}

// CarLooked is what came of looking for a car.
type CarLooked struct {
	Pending bool          `json:"pending,omitempty" doc:"It is being looked for"`
	At      event.Instant `json:"at,omitempty" format:"date-time" doc:"Of when the answer is; absent before the first"`
	Code    event.Code    `json:"code,omitempty" doc:"Why it can't be opened as it was found; absent when nothing stands against it"`
	Title   string        `json:"title,omitempty"`
	Text    string        `json:"text,omitempty"`
	RetryAt event.Instant `json:"retryAt,omitempty" format:"date-time" doc:"When its maker can be asked again, where a limit was reached"`
}

// SpotRequest says where a car stands.
type SpotRequest struct {
	Spot    string `json:"spot,omitempty" maxLength:"200" doc:"In words: level 2, next to the blue pillar. Sealed"`
	Indoors bool   `json:"indoors,omitempty" doc:"Where it can't be reached, such as an underground garage"`
}

// CarPosition is where a car says that it stands.
type CarPosition struct {
	Position Centre        `json:"position"`
	Age      *event.Millis `json:"age,omitempty" doc:"Of the position, in milliseconds, by the car's own time; absent when it gives none"`
	Moving   bool          `json:"moving,omitempty"`
}

// CarOutput is a HomeCar.
type CarOutput struct{ Body HomeCar }

func (a *API) registerCars() {
	at := func(method, path, id, summary, about string) route {
		return route{method: method, path: "/v1/home/" + path, id: id, summary: summary, about: about, tag: "Cars"}
	}
	const car = "access-points/{accessPoint}/car"
	forMember(a, at(http.MethodPut, car, "describeCar", "Say what the car looks like, and where it usually stands",
		"Sealed. What it looks like is shown to a courier near a visit only; where it usually stands, to nobody but you."), a.DescribeCar)
	forMember(a, at(http.MethodPost, car+"/spot", "describeSpot", "Say where the car stands",
		"The car is then looked for. Said again when it has moved: nobody waits for it."), a.DescribeSpot)
	forMember(a, at(http.MethodPost, car+"/picture", "sendCarPicture", "Send a picture of the car",
		"Where and when it was taken, and with what, is not kept with it."), a.SendCarPicture)
	show := at(http.MethodGet, car+"/picture", "getCarPicture", "Look at the picture of the car", "")
	show.media = "image/jpeg"
	forMember(a, show, a.GetCarPicture)
	erase := at(http.MethodDelete, car+"/picture", "eraseCarPicture", "Erase the picture of the car", "")
	erase.status = http.StatusNoContent
	forMember(a, erase, a.EraseCarPicture)
	forMember(a, at(http.MethodPost, "barriers/{barrier}/locate", "locateCar", "Ask a car where it stands, once",
		"While it is set up, for an hour from when it was added, and while no opening of the car leads to a place: from then on nobody is told. It may take a minute to wake."), a.LocateCar)
	a.registerCarVisit()
}

// Names of a car's sealed values.
func carName(ap event.AccessPointID) string        { return "car-looks/" + string(ap) }
func carPictureName(ap event.AccessPointID) string { return "car-picture/" + string(ap) }
func usualName(ap event.AccessPointID) string      { return "car-usual/" + string(ap) }

// spotPurpose is that of a spot's commitment.
const spotPurpose = "spot"

// mostUsual is how many spots are remembered, mostSpot how many letters each has.
const (
	mostUsual = 5
	mostSpot  = 200
)

// ofCar are the names of what the household said of an access point that is a car; where it stands is erased with it anyway.
func ofCar(ap event.AccessPointID) []string {
	return []string{carName(ap), carPictureName(ap), usualName(ap)}
}

// homeCar finds an access point of the household that is a car.
func (a *API) homeCar(ctx context.Context, m auth.Member, id event.AccessPointID) (site.State, site.AccessPoint, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return s, site.AccessPoint{}, err
	}
	ap, ok := s.AccessPoint(id)
	if !ok || !ap.IsVehicle() {
		return s, ap, notFound("car")
	}
	return s, ap, nil
}

// carShown shows the household its car; nil for any other place.
func (a *API) carShown(ctx context.Context, s site.State, ap site.AccessPoint) (*HomeCar, error) {
	if !ap.IsVehicle() {
		return nil, nil
	}
	shown := &HomeCar{VehicleTerms: VehicleTerms(ap.Vehicle), Indoors: ap.Car.Indoors, Described: ap.Car.Described, Usual: []string{},
		Asked: askedForSpot(s, ap), Looked: a.lookedLast(ctx, ap)}
	err := errors.Join(unsealTo(ctx, a, s.Site, carName(ap.ID), &shown.CarLooks), unsealTo(ctx, a, s.Site, usualName(ap.ID), &shown.Usual))
	if ap.Car.Described != 0 {
		err = errors.Join(err, unsealTo(ctx, a, s.Site, dispatch.SpotName(ap.ID), &shown.Spot))
	}
	picture, none := a.hasValue(ctx, s.Site, carPictureName(ap.ID))
	shown.Picture = picture
	return shown, errors.Join(err, none)
}

// hasValue says whether something is kept under a name.
func (a *API) hasValue(ctx context.Context, at event.SiteID, name string) (bool, error) {
	_, err := a.Store.Value(ctx, at, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// askedForSpot says whether somebody comes who is to find the car, and nobody has said where it stands.
func askedForSpot(s site.State, ap site.AccessPoint) bool {
	return ap.Car.Described == 0 && (slices.ContainsFunc(s.Deliveries, func(d site.Delivery) bool { return d.AccessPoint == ap.ID && d.SpotAsked }) ||
		slices.ContainsFunc(s.Visits, func(v site.Visit) bool { return v.AccessPoint == ap.ID && v.SpotAsked }))
}

// lookedLast is what came of the last look of any kind.
func (a *API) lookedLast(ctx context.Context, ap site.AccessPoint) CarLooked {
	return a.lookedShown(ctx, site.Look{Pending: ap.Car.Look.Pending, Sought: ap.Car.Look.Sought, Found: ap.Car.Found, Code: ap.Car.Code})
}

// mostLooking is after how long nobody waits for a car any more.
const mostLooking = 2 * event.Minute

func (a *API) lookedShown(ctx context.Context, l site.Look) CarLooked {
	now := event.InstantOf(a.Now())
	shown := CarLooked{Pending: l.Pending && now.Since(l.Sought) < mostLooking, At: l.Found, Code: l.Code, RetryAt: l.RetryAt}
	if l.Code != "" {
		words := callOf(ctx).lang.Refusal(l.Code, nil)
		shown.Title, shown.Text = words.Title, words.Text()
	}
	return shown
}

// CarDescription is what a household says of its car.
type CarDescription struct {
	CarLooks
	Usual []string `json:"usual,omitempty" maxItems:"5" doc:"Where it usually stands, to choose from when it is asked, the likeliest first; each at most 200 letters. As before when absent. Sealed"`
}

// DescribeCarInput is what DescribeCar takes.
type DescribeCarInput struct {
	AccessPointPath
	Body CarDescription
}

// DescribeCar is the operation describeCar: say what the car looks like.
func (a *API) DescribeCar(ctx context.Context, m auth.Member, in *DescribeCarInput) (*CarOutput, error) {
	s, ap, err := a.homeCar(ctx, m, in.AccessPoint)
	if err != nil {
		return nil, err
	}
	looks := CarLooks{Plate: oneLine(in.Body.Plate), Make: oneLine(in.Body.Make), Colour: oneLine(in.Body.Colour)}
	v, err := seal(ctx, a, s.Site, carName(ap.ID), looks, 0)
	if err != nil {
		return nil, err
	}
	if err := a.keepUsual(ctx, s.Site, ap.ID, in.Body.Usual); err != nil {
		return nil, err
	}
	if err := a.keepValue(ctx, s.Site, v); err != nil {
		return nil, err
	}
	return a.carNow(ctx, m, ap.ID)
}

// keepUsual keeps where a car usually stands, in place of what was known of it; nil says nothing of it.
func (a *API) keepUsual(ctx context.Context, at event.SiteID, ap event.AccessPointID, said []string) error {
	if said == nil {
		return nil
	}
	usual := []string{}
	for i, spot := range said {
		spot = oneLine(spot)
		if len([]rune(spot)) > mostSpot {
			return invalid("body.usual["+strconv.Itoa(i)+"]", "at most 200 letters")
		}
		if spot != "" && !slices.Contains(usual, spot) {
			usual = append(usual, spot)
		}
	}
	v, err := seal(ctx, a, at, usualName(ap), usual[:min(len(usual), mostUsual)], 0)
	if err != nil {
		return err
	}
	return a.keepValue(ctx, at, v)
}

// oneLine is a text without line breaks and doubled spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// carNow shows the car as it stands after a change.
func (a *API) carNow(ctx context.Context, m auth.Member, id event.AccessPointID) (*CarOutput, error) {
	s, ap, err := a.homeCar(ctx, m, id)
	if err != nil {
		return nil, err
	}
	shown, err := a.carShown(ctx, s, ap)
	if err != nil {
		return nil, err
	}
	return &CarOutput{*shown}, nil
}

// DescribeSpotInput is what DescribeSpot takes.
type DescribeSpotInput struct {
	Idempotent
	AccessPointPath
	Body SpotRequest
}

// DescribeSpot is the operation describeSpot: say where the car stands. The journal holds a commitment to the words.
func (a *API) DescribeSpot(ctx context.Context, m auth.Member, in *DescribeSpotInput) (*CarOutput, error) {
	s, ap, err := a.homeCar(ctx, m, in.AccessPoint)
	if err != nil {
		return nil, err
	}
	do := site.DescribeSpot{AccessPoint: ap.ID, Indoors: in.Body.Indoors}
	words := oneLine(in.Body.Spot)
	values := []store.Value{{Name: dispatch.SpotName(ap.ID)}}
	if words != "" {
		if do.Spot, err = a.Vault.Commit(ctx, s.Site, spotPurpose, words); err != nil {
			return nil, err
		}
		if values, err = a.spotValues(ctx, s.Site, ap.ID, words); err != nil {
			return nil, err
		}
	}
	keep := func(dispatch.Result) (dispatch.Attachments, error) { return dispatch.Attachments{Values: values}, nil }
	if _, err := decide(ctx, a, byMember(m, do).attach(keep), done); err != nil {
		return nil, err
	}
	return a.carNow(ctx, m, ap.ID)
}

// spotValues are the words, and those before them.
func (a *API) spotValues(ctx context.Context, at event.SiteID, ap event.AccessPointID, words string) ([]store.Value, error) {
	usual, _, err := unseal[[]string](ctx, a, at, usualName(ap))
	if err != nil {
		return nil, err
	}
	usual = append([]string{words}, slices.DeleteFunc(usual, func(s string) bool { return s == words })...)
	now, err := seal(ctx, a, at, dispatch.SpotName(ap), words, 0)
	if err != nil {
		return nil, err
	}
	before, err := seal(ctx, a, at, usualName(ap), usual[:min(len(usual), mostUsual)], 0)
	return []store.Value{now, before}, err
}

// SendCarPictureInput is a picture of a car.
type SendCarPictureInput struct {
	AccessPointPath
	RawBody []byte `contentType:"image/jpeg" doc:"JPEG or WebP, at most 200 KB and 4096 pixels a side"`
}

// SendCarPicture is the operation sendCarPicture: send a picture of the car.
func (a *API) SendCarPicture(ctx context.Context, m auth.Member, in *SendCarPictureInput) (*CarOutput, error) {
	s, ap, err := a.homeCar(ctx, m, in.AccessPoint)
	if err != nil {
		return nil, err
	}
	p, err := photo.Read(in.RawBody)
	if err != nil {
		return nil, ofPhoto(err)
	}
	if err := a.limits.photos.Allow(string(ap.ID)); err != nil {
		return nil, err
	}
	sealed, err := a.Vault.Seal(ctx, s.Site, carPictureName(ap.ID), p.Data)
	if err != nil {
		return nil, err
	}
	if err := a.keepValue(ctx, s.Site, store.Value{Name: carPictureName(ap.ID), Sealed: sealed}); err != nil {
		return nil, err
	}
	return a.carNow(ctx, m, ap.ID)
}

// GetCarPicture is the operation getCarPicture: look at the picture of the car.
func (a *API) GetCarPicture(ctx context.Context, m auth.Member, in *AccessPointPath) (*FileOutput, error) {
	s, ap, err := a.homeCar(ctx, m, in.AccessPoint)
	if err != nil {
		return nil, err
	}
	return a.photoKept(ctx, s.Site, carPictureName(ap.ID))
}

// EraseCarPicture is the operation eraseCarPicture: erase the picture of the car.
func (a *API) EraseCarPicture(ctx context.Context, m auth.Member, in *AccessPointPath) (*struct{}, error) {
	s, ap, err := a.homeCar(ctx, m, in.AccessPoint)
	if err != nil {
		return nil, err
	}
	return nil, a.keepValue(ctx, s.Site, store.Value{Name: carPictureName(ap.ID)})
}

// LocateCar is the operation locateCar: ask a car where it stands, once, while it is set up. A member who could ask at
// any time would follow whoever drives it.
func (a *API) LocateCar(ctx context.Context, m auth.Member, in *BarrierPath) (*struct{ Body CarPosition }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	b, ok := s.Barrier(in.Barrier)
	if !ok || b.Borrowed != "" || !b.Spec.Vehicle() {
		return nil, notFound("car")
	}
	switch {
	case a.leadsSomewhere(s, b):
		return nil, problem(http.StatusConflict, "car-set-up", "This car is set up, and nobody is told where it stands. Nothing was asked.")
	case event.InstantOf(a.Now()) >= b.SetUpUntil():
		return nil, problem(http.StatusConflict, "car-set-up", "This car was added more than an hour ago, and nobody is told any more where it stands. "+
			"Nothing was asked. Type the address, or remove this opening and add it again.")
	}
	if err := a.limits.readings.Allow(string(b.Spec.Device)); err != nil {
		return nil, err
	}
	at, err := a.Dispatch.Locate(ctx, b.Spec.Device)
	if err != nil {
		return nil, ofCarError(err, a.Now())
	}
	shown := CarPosition{Position: Centre{at.Latitude, at.Longitude}, Moving: at.Motion == event.MotionMoving}
	if !at.At.IsZero() {
		age := event.Millis(max(0, at.ReceivedAt.Sub(at.At)).Milliseconds())
		shown.Age = &age
	}
	return &struct{ Body CarPosition }{shown}, nil
}

// leadsSomewhere says whether a car's barrier, or another of the same vehicle, is on the way in to a place.
func (a *API) leadsSomewhere(s site.State, car site.Barrier) bool {
	return slices.ContainsFunc(s.Barriers, func(b site.Barrier) bool {
		return a.sameVehicle(car.Spec.Device, b.Spec.Device) &&
			slices.ContainsFunc(s.AccessPoints, func(ap site.AccessPoint) bool { return passes(s, ap.ID, b.ID) })
	})
}

// sameVehicle says whether two devices open one vehicle: their connector was told the same of both.
func (a *API) sameVehicle(one, other event.DeviceID) bool {
	x, known := a.Fleet.Record(one)
	y, also := a.Fleet.Record(other)
	return one == other || known && also && x.Connector == y.Connector && bytes.Equal(x.Config, y.Config)
}

// ofCarError says why a car, or its maker's cloud, did not do what it was asked. Nothing of what a cloud answered is told.
func ofCarError(err error, now time.Time) *Problem {
	var busy *device.BusyError
	switch {
	case errors.As(err, &busy):
		wait := max(1, int(busy.RetryAt.Sub(now).Seconds())+1)
		return problem(http.StatusServiceUnavailable, string(event.CarBusy), "The car's maker takes no more requests for now. Nothing was done. Wait, then try again.").
			with("Retry-After", strconv.Itoa(wait)).because(err)
	case errors.Is(err, device.ErrRevoked):
		return problem(http.StatusConflict, string(event.CarRevoked), "The access to the car was withdrawn, by its owner or by its maker. "+
			"Nothing was done. Give it again.").because(err)
	case errors.Is(err, device.ErrAsleep):
		return problem(http.StatusGatewayTimeout, string(event.CarAsleep), "The car sleeps and did not wake up. Nothing was done. "+
			"Unlock and lock it once, then try again.").because(err)
	default:
		return problem(http.StatusGatewayTimeout, string(event.CarUnreachable), "Neither the car nor its maker gave an answer. Nothing was done. "+
			"Wait a minute, then try again.").because(err)
	}
}

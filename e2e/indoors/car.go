package indoors

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
	"github.com/loquet/loquet/event"
)

// What stands for a car that people know apart. Of these, nobody is told the number.
const (
	Plate  = "AB-123-CV"
	Model  = "Volvo XC40 canary"
	Colour = "canary blue"
	Spot   = "level 2, canary pillar"
	VIN    = "YV1CANARY00000017"
)

// Parked is how far north of the houses a car stands, in metres.
const Parked = 120.0

// cars are a fake of Volvo's cloud, and our client there.
type cars struct {
	fake    *volvotest.Server
	app     *volvo.App
	account *volvo.Account
}

// kept keeps a token in memory.
type kept struct {
	mu    sync.Mutex
	token *oauth2.Token
}

// Load returns the token.
func (k *kept) Load(context.Context) (*oauth2.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token, nil
}

// Save keeps it.
func (k *kept) Save(_ context.Context, t *oauth2.Token) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.token = t
	return nil
}

// volvos starts the cloud, once, and has an owner consent there.
func (in *Installation) volvos() *cars {
	in.T.Helper()
	if in.cars != nil {
		return in.cars
	}
	many := fakecloud.Limit{Name: "many", Most: 1_000_000, Per: time.Hour}
	c := &cars{fake: must(volvotest.Start(volvotest.Config{General: many, Invocations: many, Daily: many}))(in.T)}
	in.T.Cleanup(c.fake.Close)
	limit := maker.Limit{Calls: 100_000, Per: time.Hour}
	c.app = must(volvo.New(volvo.AppConfig{ClientID: c.fake.ClientID, ClientSecret: c.fake.ClientSecret, APIKey: c.fake.APIKey,
		RedirectURL: c.fake.RedirectURI, Origins: volvo.Origins{API: c.fake.URL(), ID: c.fake.URL()}, Limits: []maker.Limit{limit}, Daily: limit,
		Vehicle: remotecar.Config{Soon: 10 * time.Millisecond, Seldom: 50 * time.Millisecond, Idle: 50 * time.Millisecond, Settled: time.Minute},
		Log:     silent{}, Logger: in.Log, AskLimit: 2 * time.Second, CommandLimit: 5 * time.Second}))(in.T)
	in.T.Cleanup(c.app.Close)
	c.fake.AddCar("ana", fakecloud.NewCar("YV1AAAAAARAAAAAA1", "VOLVO", "V60", 2024, Latitude, Longitude))
	address, verifier := c.app.Office().Begin("state-1")
	back := must(fakecloud.Consent(in.T.Context(), address, "ana", "allow"))(in.T)
	token := must(c.app.Office().Finish(in.T.Context(), back.Query().Get("code"), verifier))(in.T)
	consent := c.app.Office().Consent(&kept{})
	must(0, consent.Give(in.T.Context(), token))(in.T)
	c.account = c.app.Account(consent)
	in.cars = c
	return c
}

// car makes a device of a car's configuration.
func (in *Installation) car(id event.DeviceID, config json.RawMessage) (device.Device, error) {
	if in.cars == nil {
		return nil, errors.New("no car has been put up")
	}
	cfg, err := volvo.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	cfg.Device = id
	return in.cars.account.Device(cfg)
}

// Driveway opens a site with one member and a car, whose trunk was enrolled by hand and may be used at every hour. Its
// household has said what it looks like and where it stands: north of the address, Parked metres.
func (in *Installation) Driveway(name string) *Household {
	in.T.Helper()
	h := in.Empty(name)
	h.AddCar()
	var ap api.AccessPoint
	h.post("/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.Barrier, By: event.PermitRemote}}, Radius: 30,
		Position: api.Centre{Latitude: Latitude, Longitude: Longitude}, Name: "The car", Note: "On the left side",
		Vehicle: &api.VehicleTerms{Reveals: event.RevealsHandle}}, &ap)
	h.AccessPoint = ap.ID
	h.post("/v1/home/consents", api.ConsentRequest{AccessPoint: h.AccessPoint, Largest: event.SizeLarge, Inside: true,
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}}, nil)
	path := "/v1/home/access-points/" + string(ap.ID) + "/car"
	must(0, h.Call(in.T.Context(), http.MethodPut, path, api.CarLooks{Plate: Plate, Make: Model, Colour: Colour}, nil))(in.T)
	h.post(path+"/spot", api.SpotRequest{Spot: Spot}, nil)
	AwaitWhere(in, h.Site, func(b event.VehicleFound) bool { return b.Round == event.RoundSpot })
	return h
}

// AddCar puts up a car, reserves its trunk, makes it a barrier and works it by hand.
func (h *Household) AddCar() {
	in := h.in
	in.T.Helper()
	c := in.volvos()
	h.Car = fakecloud.NewCar(VIN, "VOLVO", "XC40", 2024, Latitude+Parked/111_195, Longitude)
	c.fake.AddCar("ana", h.Car)
	id := event.DeviceID(string(h.Site) + ".trunk")
	config := must(json.Marshal(volvo.Config{Device: id, VIN: VIN, Lateness: 300}))(in.T)
	in.post(in.Key(auth.Operator, "swift"), "/v1/devices", api.DeviceRequest{ID: id, Site: h.Site, Connector: "volvo", Config: config}, nil)
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: id, Is: event.Trunk}, &b)
	h.Barrier = b.ID
	h.enrolBy(h.WorkCarByHand)
}

// WorkCarByHand unlocks and opens the car, and shuts and locks it again, slowly enough for its cloud to tell of it.
func (h *Household) WorkCarByHand() {
	h.in.T.Helper()
	for _, change := range []func(*fakecloud.State){
		func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.FrontLeft] = false, true },
		func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.FrontLeft] = true, false },
	} {
		h.Car.ByHand(change)
		<-time.After(150 * time.Millisecond)
	}
}

// FoundFor waits until the visit's car was looked for, and returns why it may not be opened; "" when it may.
func (in *Installation) FoundFor(v event.VisitID) event.Code {
	in.T.Helper()
	found := AwaitWhere(in, event.SiteOf(v), func(b event.VehicleFound) bool { return b.Visit == v })
	return found.Code
}

// Walk says where the courier is, so many metres north of the houses.
func (p *Phone) Walk(v event.VisitID, metres float64) {
	p.in.T.Helper()
	p.in.post(p.Caller, "/v1/courier/visits/"+string(v)+"/position", At(metres), nil)
}

// FreeHandle scans the parcel at the car, and waits until its trunk's handle is free.
func (p *Phone) FreeHandle(v event.VisitID, b Booked) {
	p.in.T.Helper()
	p.FreeHandleAt(v, b, Parked)
}

// FreeHandleAt is FreeHandle for a car that stands so many metres north of the houses.
func (p *Phone) FreeHandleAt(v event.VisitID, b Booked, metres float64) {
	p.in.T.Helper()
	a := p.Act(v, "scan", api.ScanRequest{Text: b.Parcel, Position: At(metres)})
	if a.Refused != nil {
		p.in.T.Fatalf("the scan is refused: %+v", a.Refused)
	}
	AwaitWhere(p.in, b.Home.Site, func(r event.OpeningResolved) bool { return r.Visit == v && r.Outcome == event.Done })
}

// CloseCar shuts the trunk, and waits until the car says that it is closed and locked.
func (p *Phone) CloseCar(v event.VisitID, h *Household) {
	p.in.T.Helper()
	p.Act(v, "deposit", nil)
	h.Car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	p.Act(v, "close", nil)
	AwaitWhere(p.in, h.Site, func(s event.BarrierSecured) bool { return s.Visit == v })
}

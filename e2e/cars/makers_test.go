package cars_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/cloud"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
)

// body is the car itself: what hands and faults do to it, and what has reached it.
type body interface {
	Changed() <-chan struct{}
	// OpenCommands and SecureCommands count the orders that have reached it, Openings those that opened it.
	OpenCommands() int
	SecureCommands() int
	Openings() int
	// Secured and DoorsLocked say how it really is.
	Secured() bool
	DoorsLocked() bool
	// Foreign opens it by somebody else's means, Push what an order has unlocked, and PullShut shuts it.
	Foreign()
	Push() error
	PullShut() error
	Park(devicetest.Place)
	// Play goes wrong so until it behaves; false if it can't. LoseAnswers has orders carried out, and neither them nor
	// what comes of them ever answered.
	Play(devicetest.Fault) bool
	LoseAnswers()
	Behave()
}

// parked is the one car, its maker's cloud, and our application at that.
type parked struct {
	car    body
	wire   *fakecloud.Wire
	meter  *fakecloud.Meter
	device device.Device
	// revoke withdraws the owner's consent, on the maker's own page.
	revoke func()
	// tesla is the car at Tesla's, and motor says that its trunk has one. Nil and false elsewhere.
	tesla *teslaCar
	motor bool
	// smartcar is the application there, and id the car's; nil and "" where it is not Smartcar's.
	smartcar *smartcar.App
	id       string
}

// connect puts the one car at its maker's.
type connect func(*testing.T, device.Log) *parked

// Cars, by their maker and what opens.
const (
	atVolvos     = "volvo"
	atSmartcars  = "smartcar"
	teslaTrunk   = "tesla-trunk"
	teslaPowered = "tesla-powered-trunk"
	teslaCabin   = "tesla-cabin"
)

var connects = map[string]connect{
	atVolvos: atVolvo, atSmartcars: atSmartcar,
	teslaTrunk: atTesla(tesla.Trunk, false), teslaPowered: atTesla(tesla.Trunk, true), teslaCabin: atTesla(tesla.Cabin, false),
}

// clouds is a car at each maker's.
var clouds = []string{atVolvos, atSmartcars, teslaTrunk}

// cars runs a test with each of these cars.
func cars(t *testing.T, test func(*world), names ...string) {
	t.Helper()
	t.Parallel()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, connects[name]))
		})
	}
}

// quick has a car asked often enough for a test, which a maker's limits allow for a short while.
var quick = remotecar.Config{Soon: 500 * time.Millisecond, Seldom: 2 * time.Second, Settled: time.Nanosecond}

// faked is a car behind the fake of a maker's cloud.
type faked struct{ *cloud.World }

func newFaked(wire *fakecloud.Wire, grants *fakecloud.OAuth) *faked {
	car := fakecloud.NewCar(vin, "MAKE", "Model", 2024, reference.Latitude, reference.Longitude)
	return &faked{&cloud.World{Car: car, Wire: wire, OAuth: grants, Owner: owner}}
}

// Push opens the trunk by its handle.
func (c *faked) Push() error { return c.Car.PullHandle() }

// LoseAnswers has orders carried out, and neither them nor what comes of them ever answered.
func (c *faked) LoseAnswers() {
	c.Play(devicetest.Mute)
	c.Play(devicetest.LostAnswer)
}

// consent has the owner consent on the maker's page.
func consent(t *testing.T, office *maker.Office) *maker.Consent {
	t.Helper()
	address, verifier := office.Begin("state-1")
	back, err := fakecloud.Consent(t.Context(), address, owner, "allow")
	if err != nil {
		t.Fatal(err)
	}
	token, err := office.Finish(t.Context(), back.Query().Get("code"), verifier)
	if err != nil {
		t.Fatal(err)
	}
	c := office.Consent(cloud.NewKeeper(nil))
	if err := c.Give(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	return c
}

func atVolvo(t *testing.T, log device.Log) *parked {
	t.Helper()
	fake, err := volvotest.Start(volvotest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	car := newFaked(&fake.Wire, fake.OAuth)
	c := &parked{car: car, wire: &fake.Wire, meter: &fake.Meter, revoke: func() { car.Play(devicetest.Revoked) }}
	fake.AddCar(owner, car.Car)
	app, err := volvo.New(volvo.AppConfig{ClientID: fake.ClientID, ClientSecret: fake.ClientSecret, APIKey: fake.APIKey, RedirectURL: fake.RedirectURI,
		Origins: volvo.Origins{API: fake.URL(), ID: fake.URL()}, Vehicle: quick, Log: log, Logger: slog.New(slog.DiscardHandler),
		AskLimit: 2 * time.Second, CommandLimit: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	if c.device, err = app.Account(consent(t, app.Office())).Device(volvo.Config{Device: "car", VIN: vin, Lateness: 1000}); err != nil {
		t.Fatal(err)
	}
	return c
}

// atSmartcar has a contract for more than the default, and the published limit of a vehicle raised as far as a test asks
// more often than a visit does.
func atSmartcar(t *testing.T, log device.Log) *parked {
	t.Helper()
	many := fakecloud.Limit{Name: "contract", Most: 1000, Per: time.Hour}
	fake, err := smartcartest.Start(smartcartest.Config{Application: many, Vehicle: many})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	car := newFaked(&fake.Wire, fake.OAuth)
	fake.AddUser(owner)
	car.Car.Tracks = true
	at, id := fake.URL(), fake.AddCar(owner, car.Car)
	car.Disconnect = func() { fake.Disconnect(id) }
	c := &parked{car: car, wire: &fake.Wire, meter: &fake.Meter, id: id, revoke: func() { car.Play(devicetest.Revoked) }}
	c.smartcar, err = smartcar.New(smartcar.AppConfig{ClientID: fake.ClientID, ClientSecret: fake.ClientSecret, ManagementToken: fake.ManagementToken,
		RedirectURL: fake.RedirectURI, Origins: smartcar.Origins{API: at, Auth: at, Connect: at, Vehicle: at, IAM: at}, Vehicle: quick,
		Limits: []maker.Limit{{Calls: 1000, Per: time.Hour}}, Log: log, Logger: slog.New(slog.DiscardHandler),
		AskLimit: 2 * time.Second, CommandLimit: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.smartcar.Close)
	if c.device, err = c.smartcar.Device(smartcar.Config{Device: "car", Vehicle: c.id, Lateness: 1000}, consent(t, c.smartcar.Office())); err != nil {
		t.Fatal(err)
	}
	return c
}

package smartcar_test

import (
	"context"
	"log/slog"
	"os"
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
	"github.com/loquet/loquet/event"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

const vin = "1G1ZD5ST0LF000001"

// generous are limits that no test of something else meets.
var generous = []maker.Limit{{Calls: 100_000, Per: time.Hour}}

// rig is a fake, with Ana's car, and our client, to which Ana consented.
type rig struct {
	*testing.T
	fake    *smartcartest.Server
	car     *fakecloud.Car
	id      string
	app     *smartcar.App
	keeper  *cloud.Keeper
	consent *maker.Consent
	user    string // in version 3
	log     *devicetest.Log
	device  device.Device
}

// options of a rig.
type options struct {
	version smartcar.Version
	fake    smartcartest.Config
	limits  []maker.Limit
	vehicle remotecar.Config
	log     device.Log
	// through is an address to reach the fake at, if not its own.
	through func(*testing.T, string) string
}

func build(t *testing.T, o options) *rig {
	t.Helper()
	if o.fake.Vehicle.Most == 0 {
		many := fakecloud.Limit{Name: "many", Most: 1_000_000, Per: time.Hour}
		o.fake.Vehicle, o.fake.Application = many, many
	}
	fake, err := smartcartest.Start(o.fake)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	r := &rig{T: t, fake: fake, keeper: cloud.NewKeeper(nil), log: &devicetest.Log{}}
	r.car = fakecloud.NewCar(vin, "CHEVROLET", "Malibu", 2020, 45.5, -73.6)
	fake.AddUser("ana")
	r.id = fake.AddCar("ana", r.car)
	r.app = r.connect(o)
	r.join(o)
	<-time.After(3 * time.Millisecond) // clouds tell milliseconds, and what was so before is a copy
	return r
}

func (r *rig) connect(o options) *smartcar.App {
	r.Helper()
	url := r.fake.URL()
	if o.through != nil {
		url = o.through(r.T, url)
	}
	if o.limits == nil {
		o.limits = generous
	}
	if o.vehicle.Soon == 0 {
		o.vehicle = remotecar.Config{Soon: 10 * time.Millisecond, Seldom: 30 * time.Millisecond, Idle: 20 * time.Millisecond, Settled: time.Minute}
	}
	if o.log == nil {
		o.log = r.log
	}
	app, err := smartcar.New(smartcar.AppConfig{
		ClientID: r.fake.ClientID, ClientSecret: r.fake.ClientSecret, ManagementToken: r.fake.ManagementToken,
		RedirectURL: r.fake.RedirectURI, Version: o.version, Mode: "test",
		Origins: smartcar.Origins{API: url, Auth: url, Connect: url, Vehicle: url, IAM: url},
		Limits:  o.limits, Vehicle: o.vehicle, Log: o.log, Logger: slog.New(slog.DiscardHandler), AskLimit: 2 * time.Second, CommandLimit: 5 * time.Second,
	})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(app.Close)
	return app
}

// join has Ana consent, and makes the device.
func (r *rig) join(o options) {
	r.Helper()
	address, verifier := r.app.Office().Begin("state-1")
	back, err := fakecloud.Consent(r.Context(), address, "ana", "allow")
	if err != nil {
		r.Fatal(err)
	}
	cfg := smartcar.Config{Device: "trunk", Vehicle: r.id, Lateness: 300}
	if o.version == smartcar.V3 {
		r.user = back.Query().Get("user_id")
		cfg.User = r.user
	} else {
		token, err := r.app.Office().Finish(r.Context(), back.Query().Get("code"), verifier)
		if err != nil {
			r.Fatal(err)
		}
		r.consent = r.app.Office().Consent(r.keeper)
		if err := r.consent.Give(r.Context(), token); err != nil {
			r.Fatal(err)
		}
	}
	if r.device, err = r.app.Device(cfg, r.consent); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) open(length time.Duration) (event.Outcome, error) {
	ctx, cancel := context.WithTimeout(r.Context(), length)
	defer cancel()
	return r.device.(device.Opener).Open(ctx, device.Order{Permit: "home1-p1", Deadline: time.Now().Add(length)})
}

func (r *rig) read() (event.Observation, error) {
	return r.device.(device.Reader).Read(r.Context())
}

// versions runs a test for each version of the API.
func versions(t *testing.T, test func(*testing.T, smartcar.Version)) {
	for _, version := range []smartcar.Version{smartcar.V2, smartcar.V3} {
		t.Run(string(version), func(t *testing.T) { test(t, version) })
	}
}

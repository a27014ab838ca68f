package volvo_test

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
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
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

const vin = "YV1ABCDEFG1234567"

var oneADay = maker.Limit{Calls: 1, Per: 24 * time.Hour}

// rig is a fake, with Ana's car, and our client, to which Ana consented.
type rig struct {
	*testing.T
	fake    *volvotest.Server
	car     *fakecloud.Car
	app     *volvo.App
	account *volvo.Account
	consent *maker.Consent
	keeper  *cloud.Keeper
	log     *devicetest.Log
	device  device.Device
}

// options of a rig.
type options struct {
	fake    volvotest.Config
	limits  []maker.Limit
	vehicle remotecar.Config
	log     device.Log
	// through is an address to reach the fake at, if not its own.
	through func(*testing.T, string) string
}

func build(t *testing.T, o options) *rig {
	t.Helper()
	many := fakecloud.Limit{Name: "many", Most: 1_000_000, Per: time.Hour}
	if o.fake.General.Most == 0 {
		o.fake.General, o.fake.Invocations, o.fake.Daily = many, many, many
	}
	fake, err := volvotest.Start(o.fake)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	r := &rig{T: t, fake: fake, keeper: cloud.NewKeeper(nil), log: &devicetest.Log{}}
	r.car = fakecloud.NewCar(vin, "VOLVO", "XC40", 2024, 57.72, 11.85)
	fake.AddCar("ana", r.car)
	r.connect(o)
	r.join()
	<-time.After(3 * time.Millisecond) // clouds tell milliseconds, and what was so before is a copy
	return r
}

func (r *rig) connect(o options) {
	r.Helper()
	url := r.fake.URL()
	if o.through != nil {
		url = o.through(r.T, url)
	}
	if o.limits == nil {
		o.limits = []maker.Limit{{Calls: 100_000, Per: time.Hour}}
	}
	if o.vehicle.Soon == 0 {
		o.vehicle = remotecar.Config{Soon: 10 * time.Millisecond, Seldom: 30 * time.Millisecond, Idle: 20 * time.Millisecond, Settled: time.Minute}
	}
	if o.log == nil {
		o.log = r.log
	}
	app, err := volvo.New(volvo.AppConfig{
		ClientID: r.fake.ClientID, ClientSecret: r.fake.ClientSecret, APIKey: r.fake.APIKey, RedirectURL: r.fake.RedirectURI,
		Origins: volvo.Origins{API: url, ID: url}, Limits: o.limits, Daily: maker.Limit{Calls: 100_000, Per: time.Hour},
		Vehicle: o.vehicle, Log: o.log, Logger: slog.New(slog.DiscardHandler), AskLimit: 2 * time.Second, CommandLimit: 5 * time.Second,
	})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(app.Close)
	r.app = app
}

// join has Ana consent, and makes the device.
func (r *rig) join() {
	r.Helper()
	address, verifier := r.app.Office().Begin("state-1")
	back, err := fakecloud.Consent(r.Context(), address, "ana", "allow")
	if err != nil {
		r.Fatal(err)
	}
	token, err := r.app.Office().Finish(r.Context(), back.Query().Get("code"), verifier)
	if err != nil {
		r.Fatal(err)
	}
	r.consent = r.app.Office().Consent(r.keeper)
	if err := r.consent.Give(r.Context(), token); err != nil {
		r.Fatal(err)
	}
	r.account = r.app.Account(r.consent)
	if r.device, err = r.account.Device(volvo.Config{Device: "trunk", VIN: vin, Lateness: 300}); err != nil {
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

func (r *rig) lock() (event.Outcome, error) {
	return r.device.(device.Securer).Secure(r.Context())
}

// listen tells what a watcher is told.
func (r *rig) listen() <-chan event.Observation {
	told := make(chan event.Observation, 1000)
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.device.(device.Watcher).Watch(ctx, func(o event.Observation) { told <- o })
	}()
	r.Cleanup(func() { cancel(); <-done })
	return told
}

func (r *rig) await(told <-chan event.Observation, what string, fits func(event.Observation) bool) event.Observation {
	r.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case o := <-told:
			if fits(o) {
				return o
			}
		case <-limit:
			r.Fatalf("it was never told: %s", what)
		}
	}
}

package makers_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/loquet/loquet/app/makers"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest/cloud"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/event"
)

// chevrolet is a car at Smartcar whose owner consented and chose it, in an application of few requests.
type chevrolet struct {
	*testing.T
	fake *smartcartest.Server
	app  *smartcar.App
	all  *makers.Smartcar
	by   carlink.Consented
	ref  string
}

func connected(t *testing.T) *chevrolet {
	t.Helper()
	many := fakecloud.Limit{Name: "many", Most: 1_000_000, Per: time.Hour}
	fake, err := smartcartest.Start(smartcartest.Config{Application: many, Vehicle: many})
	must(t, err)
	t.Cleanup(fake.Close)
	fake.AddUser("ben")
	c := &chevrolet{T: t, fake: fake, ref: fake.AddCar("ben", fakecloud.NewCar(chevroletVIN, "CHEVROLET", "Bolt", 2020, 1, 1))}
	u := fake.URL()
	c.app, err = smartcar.New(smartcar.AppConfig{ClientID: fake.ClientID, ClientSecret: fake.ClientSecret, ManagementToken: fake.ManagementToken,
		RedirectURL: fake.RedirectURI, Origins: smartcar.Origins{API: u, Auth: u, Connect: u, Vehicle: u, IAM: u},
		Limits: []maker.Limit{{Calls: 20, Per: time.Hour}}, Log: unkept{}, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(c.app.Close)
	c.all = makers.NewSmartcar(c.app)
	address, verifier := c.app.Office().Begin("state")
	back, err := fakecloud.Consent(t.Context(), address, "ben", "allow")
	must(t, err)
	token, err := c.app.Office().Finish(t.Context(), back.Query().Get("code"), verifier)
	must(t, err)
	c.by = carlink.Consented{Consent: c.app.Office().Consent(cloud.NewKeeper(nil)), Cars: []string{c.ref}}
	must(t, c.by.Give(t.Context(), token))
	_, err = c.all.Device(c.by, carlink.Chosen{Device: "trunk", Ref: c.ref, Is: event.Trunk})
	must(t, err)
	return c
}

// remembers says whether webhooks of the car reach anybody.
func (c *chevrolet) remembers() bool {
	c.Helper()
	body, signature, err := c.fake.Event(c.ref)
	must(c.T, err)
	_, err = c.app.Receive(body, signature)
	return !errors.Is(err, smartcar.ErrStranger)
}

// covered is how many vehicles Smartcar lets the application reach.
func (c *chevrolet) covered() int {
	c.Helper()
	refs, err := c.app.Vehicles(device.For(c.Context(), device.Securing), c.by.Consent)
	must(c.T, err)
	return len(refs)
}

// Who withdraws does not wait for those who only look at cars, however many these are.
func TestLeavingSmartcarInABusyHour(t *testing.T) {
	t.Parallel()
	c := connected(t)
	var busy *device.BusyError
	for range 20 {
		if _, err := c.all.Vehicles(t.Context(), c.by); errors.As(err, &busy) {
			break
		}
	}
	if busy == nil || !c.remembers() {
		t.Fatal("the hour is not busy")
	}
	must(t, c.all.Leave(t.Context(), c.by, ""))
	if n := c.covered(); n != 0 || c.remembers() {
		t.Errorf("%d vehicles are covered still, remembered: %v", n, c.remembers())
	}
}

// A list that can't be had keeps nobody from ending what was chosen; and whatever Smartcar answers, nothing is left here.
func TestLeavingSmartcarWithoutItsList(t *testing.T) {
	t.Parallel()
	for _, down := range []string{"/vehicles", ""} {
		t.Run(fmt.Sprintf("down at %q", down), func(t *testing.T) {
			t.Parallel()
			c := connected(t)
			_, err := c.all.Vehicles(t.Context(), c.by)
			must(t, err)
			c.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDown, Path: down})
			if err := c.all.Leave(t.Context(), c.by, ""); !errors.Is(err, device.ErrNoAnswer) {
				t.Errorf("that Smartcar did not say all is an error: %v", err)
			}
			c.fake.Wire.Mend()
			if c.remembers() {
				t.Error("the car is remembered")
			}
			if n := c.covered(); (n == 0) != (down != "") {
				t.Errorf("%d vehicles are covered", n)
			}
			asked := c.fake.Wire.Requests()
			if all, err := c.all.Vehicles(t.Context(), c.by); err != nil || len(all) > 0 && c.fake.Wire.Requests()-asked < 3 {
				t.Errorf("its number is remembered: %+v, %v", all, err)
			}
		})
	}
}

package volvo_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest/cloud"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
	"github.com/loquet/loquet/event"
	"golang.org/x/oauth2"
)

// TestLimitsAreKeptWithSomethingLeftToLock: ours come first, and the fake, which counts, never refuses.
func TestLimitsAreKeptWithSomethingLeftToLock(t *testing.T) {
	r := build(t, options{
		fake:   volvotest.Config{General: volvotest.General, Invocations: volvotest.Invocations, Daily: volvotest.Daily},
		limits: volvo.Limits,
	})
	var busy *device.BusyError
	s := r.device.(device.Signaller)
	flashes := 0
	for range 20 {
		if _, err := s.Signal(t.Context(), device.SignalFlash); errors.As(err, &busy) {
			break
		}
		flashes++
	}
	if flashes != 5 {
		t.Fatalf("%d flashes, then %v", flashes, busy)
	}
	if outcome, err := r.open(5 * time.Second); outcome != event.Done {
		t.Fatalf("opening after all the flashes: %v, %v", outcome, err)
	}
	for i := range 4 {
		if outcome, err := r.lock(); outcome != event.Done {
			t.Fatalf("locking for the %d. time: %v, %v", i+1, outcome, err)
		}
	}
	if outcome, err := r.lock(); outcome != event.NotDone || !errors.As(err, &busy) {
		t.Fatalf("locking beyond the limit: %v, %v", outcome, err)
	}
	if outcome, err := r.open(time.Second); outcome != event.NotDone || !errors.As(err, &busy) {
		t.Fatalf("opening without enough left: %v, %v", outcome, err)
	}
	for range 200 {
		_, _ = r.read()
	}
	if exceeded := r.fake.Meter.Exceeded(); len(exceeded) != 0 {
		t.Fatalf("the fake counts %+v", exceeded)
	}
}

// TestManyAtOnceKeepTheLimits: cars of twenty owners, all asked and told by many at the same time.
func TestManyAtOnceKeepTheLimits(t *testing.T) {
	r := build(t, options{
		fake:   volvotest.Config{General: volvotest.General, Invocations: volvotest.Invocations, Daily: volvotest.Daily},
		limits: volvo.Limits,
	})
	var wg sync.WaitGroup
	locked := make([]int, 20)
	for i := range locked {
		dev := r.another(i)
		for range 12 {
			wg.Go(func() {
				_, _ = dev.(device.Signaller).Signal(t.Context(), device.SignalFlash)
				for range 10 {
					_, _ = dev.(device.Reader).Read(t.Context())
				}
			})
		}
		wg.Go(func() {
			for range 4 { // what is kept back for it
				if outcome, _ := dev.(device.Securer).Secure(t.Context()); outcome == event.Done {
					locked[i]++
				}
			}
		})
	}
	wg.Wait()
	if exceeded := r.fake.Meter.Exceeded(); len(exceeded) != 0 {
		t.Errorf("the fake counts %+v", exceeded)
	}
	for i, n := range locked {
		if n != 4 {
			t.Errorf("the car of owner %d was locked %d times of 4", i, n)
		}
	}
}

// another is the car of another owner, who consented too.
func (r *rig) another(i int) device.Device {
	r.Helper()
	owner, number := fmt.Sprint("owner-", i), fmt.Sprintf("YV1ABCDEFG99%05d", i)
	r.fake.AddCar(owner, fakecloud.NewCar(number, "VOLVO", "V60", 2022, 1, 1))
	issued := r.fake.OAuth.Issue(&fakecloud.Grant{Account: owner, Scopes: volvotest.Scopes})
	consent := r.app.Office().Consent(cloud.NewKeeper(&oauth2.Token{
		AccessToken: issued.AccessToken, RefreshToken: issued.RefreshToken, Expiry: time.Now().Add(time.Hour),
	}))
	dev, err := r.app.Account(consent).Device(volvo.Config{Device: event.DeviceID(owner), VIN: number})
	if err != nil {
		r.Fatal(err)
	}
	return dev
}

// TestTheMakersOwnLimitHoldsTheAccount, where another application of the same customer has used it up.
func TestTheMakersOwnLimitHoldsTheAccount(t *testing.T) {
	r := build(t, options{fake: volvotest.Config{
		General: fakecloud.Limit{Name: "general_api", Most: 3, Per: time.Hour}, Invocations: volvotest.Invocations, Daily: volvotest.Daily,
	}})
	var busy *device.BusyError
	for range 5 {
		_, _ = r.read()
	}
	if _, err := r.read(); !errors.As(err, &busy) || time.Until(busy.RetryAt) < 50*time.Second {
		t.Fatalf("%v", err)
	}
	if _, err := r.account.Vehicles(t.Context()); !errors.As(err, &busy) {
		t.Fatalf("something else of the account: %v", err)
	}
	if exceeded := r.fake.Meter.Exceeded(); len(exceeded) != 1 || exceeded[0].Refused != 1 {
		t.Fatalf("the maker had to refuse: %+v", exceeded)
	}
}

func TestTheDailyLimitIsTheApplications(t *testing.T) {
	r := build(t, options{})
	app, err := volvo.New(volvo.AppConfig{
		ClientID: r.fake.ClientID, ClientSecret: r.fake.ClientSecret, APIKey: r.fake.APIKey, Log: r.log,
		Origins: volvo.Origins{API: r.fake.URL(), ID: r.fake.URL()}, Daily: volvo.Daily,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	small, err := volvo.New(volvo.AppConfig{
		ClientID: r.fake.ClientID, ClientSecret: r.fake.ClientSecret, APIKey: r.fake.APIKey, Log: r.log,
		Origins: volvo.Origins{API: r.fake.URL(), ID: r.fake.URL()}, Daily: oneADay,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(small.Close)
	var busy *device.BusyError
	for i := range 2 {
		_, err := small.Account(small.Office().Consent(r.keeper)).Vehicles(t.Context())
		if errors.As(err, &busy) != (i == 1) {
			t.Errorf("call %d of the day, by another account: %v", i+1, err)
		}
		if _, err := app.Account(app.Office().Consent(r.keeper)).Vehicles(t.Context()); err != nil {
			t.Errorf("with the published limit: %v", err)
		}
	}
}

package smartcar_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/event"
)

// TestLimitsAreKeptWithSomethingLeftToLock: our own limiter comes first, the fake counts, and locking goes on.
func TestLimitsAreKeptWithSomethingLeftToLock(t *testing.T) {
	r := build(t, options{
		fake: smartcartest.Config{
			Application: fakecloud.Limit{Name: "application", Most: 120, Per: time.Hour}, Vehicle: fakecloud.Limit{Name: "vehicle", Most: 20, Per: time.Hour},
		},
		limits: smartcar.Limits,
	})
	var busy *device.BusyError
	watching := device.For(t.Context(), device.Watching)
	reads := 0
	for range 30 {
		if _, err := r.device.(device.Reader).Read(watching); errors.As(err, &busy) {
			break
		}
		reads++
	}
	if reads != 16 || time.Until(busy.RetryAt) < 50*time.Minute {
		t.Fatalf("%d readings, then %v", reads, busy)
	}
	if outcome, err := r.open(time.Second); outcome != event.NotDone || !errors.As(err, &busy) {
		t.Fatalf("opening without enough left: %v, %v", outcome, err)
	}
	for i := range 4 {
		if outcome, err := r.device.(device.Securer).Secure(t.Context()); outcome != event.Done {
			t.Fatalf("locking for the %d. time: %v, %v", i+1, outcome, err)
		}
	}
	if outcome, err := r.device.(device.Securer).Secure(t.Context()); outcome != event.NotDone || !errors.As(err, &busy) {
		t.Fatalf("locking beyond the limit: %v, %v", outcome, err)
	}
	if exceeded := r.fake.Meter.Exceeded(); len(exceeded) != 0 {
		t.Fatalf("the fake counts %+v", exceeded)
	}
}

// TestLooksStarveNoVisit: once all that looks may use is used up, one car after another is found, opened, watched and
// locked all the same.
func TestLooksStarveNoVisit(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		t.Parallel()
		r := build(t, options{
			version: version,
			fake: smartcartest.Config{
				Application: fakecloud.Limit{Name: "application", Most: 120, Per: time.Hour}, Vehicle: fakecloud.Limit{Name: "vehicle", Most: 20, Per: time.Hour},
			},
			limits:  smartcar.Limits,
			vehicle: remotecar.Config{Soon: 200 * time.Millisecond, Seldom: 200 * time.Millisecond, Settled: time.Nanosecond},
		})
		visited := make([]device.Device, 5)
		for i := range visited {
			visited[i] = r.another(fmt.Sprintf("1G1ZD5ST0LF0001%02d", i))
		}
		looks := 0
		for i := range 40 {
			looked := r.another(fmt.Sprintf("1G1ZD5ST0LF0002%02d", i))
			if _, err := looked.(device.Locator).Locate(t.Context()); err == nil {
				looks++
			}
			if _, err := looked.(device.Reader).Read(t.Context()); err == nil {
				looks++
			}
		}
		if looks != 48 { // of 120
			t.Errorf("%d looks", looks)
		}
		for i, dev := range visited {
			if err := visit(t, dev); err != nil {
				t.Fatalf("visit %d: %v", i+1, err)
			}
		}
		if exceeded := r.fake.Meter.Exceeded(); len(exceeded) != 0 {
			t.Fatalf("the fake counts %+v", exceeded)
		}
	})
}

// another is another car of Ana's.
func (r *rig) another(vin string) device.Device {
	r.Helper()
	cfg := smartcar.Config{Device: event.DeviceID(vin), Vehicle: r.fake.AddCar("ana", fakecloud.NewCar(vin, "GMC", "Acadia", 2021, 1, 1)), User: r.user}
	dev, err := r.app.Device(cfg, r.consent)
	if err != nil {
		r.Fatal(err)
	}
	return dev
}

// visit is a visit, with all that is asked for it.
func visit(t *testing.T, dev device.Device) error {
	reads := func(p device.Purpose) error {
		_, err := dev.(device.Reader).Read(device.For(t.Context(), p))
		return err
	}
	if _, err := dev.(device.Locator).Locate(device.For(t.Context(), device.Seeking)); err != nil {
		return err
	}
	if err := reads(device.Seeking); err != nil {
		return err
	}
	outcome, err := dev.(device.Opener).Open(t.Context(), device.Order{Permit: "home1-p1", Deadline: time.Now().Add(5 * time.Second)})
	if outcome != event.Done {
		return fmt.Errorf("opening: %v, %w", outcome, err)
	}
	if err := reads(device.Watching); err != nil {
		return err
	}
	if outcome, err := dev.(device.Securer).Secure(t.Context()); outcome != event.Done {
		return fmt.Errorf("locking: %v, %w", outcome, err)
	}
	return reads(device.Securing)
}

func TestALimitOfTheApplicationHoldsAllCars(t *testing.T) {
	r := build(t, options{fake: smartcartest.Config{
		Application: fakecloud.Limit{Name: "application", Most: 3, Refill: time.Hour}, Vehicle: fakecloud.Limit{Name: "vehicle", Most: 100, Per: time.Hour},
	}})
	other := r.fake.AddCar("ana", fakecloud.NewCar("1G1ZD5ST0LF000002", "GMC", "Acadia", 2021, 1, 1))
	second, err := r.app.Device(smartcar.Config{Device: "other", Vehicle: other}, r.consent)
	if err != nil {
		t.Fatal(err)
	}
	var busy *device.BusyError
	for range 4 {
		_, err = r.read()
	}
	if !errors.As(err, &busy) || time.Until(busy.RetryAt) < 50*time.Minute {
		t.Fatalf("the fourth: %v", err)
	}
	if _, err := second.(device.Reader).Read(t.Context()); !errors.As(err, &busy) {
		t.Fatalf("another car: %v", err)
	}
	if refused := r.fake.Meter.Exceeded()[0].Refused; refused != 1 {
		t.Fatalf("the maker had to refuse %d times", refused)
	}
}

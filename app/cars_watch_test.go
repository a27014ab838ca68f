package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/unlock"
)

// restingCar is what a maker's cloud says of a car that somebody works by hand.
type restingCar struct {
	mu    sync.Mutex
	bolt  event.Bolt
	at    time.Time
	asked int
}

func (c *restingCar) Ask(context.Context) (remotecar.Said, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return remotecar.Said{Bolt: c.bolt, Contact: event.ContactClosed, BoltAt: c.at, ContactAt: c.at}, nil
}

func (c *restingCar) Unlock(context.Context, func() error) (event.Outcome, error) {
	panic("nothing is opened between visits")
}

func (c *restingCar) Lock(context.Context, func() error) (event.Outcome, error) {
	panic("nothing is locked between visits")
}

func (c *restingCar) turn(bolt event.Bolt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bolt, c.at = bolt, time.Now()
}

func (c *restingCar) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// drive is a household with that car, which a server asks as its maker's settings say.
type drive struct {
	*testing.T
	restingCar
	car        device.Device
	dispatcher *dispatch.Dispatcher
	member     event.Actor
}

// Device finds the car.
func (d *drive) Device(id event.DeviceID) (device.Device, bool) { return d.car, id == "car" }

func (d *drive) do(who event.Actor, r site.Request) site.State {
	d.Helper()
	result, err := d.dispatcher.Do(d.Context(), "home", site.Command{Facts: site.Facts{Actor: who}, Do: r})
	must(d.T, err)
	return result.State
}

func newDrive(t *testing.T, settings remotecar.Config) *drive {
	d := &drive{T: t}
	d.turn(event.BoltLocked)
	settings.Logger = slog.New(slog.DiscardHandler)
	spec := event.Spec{Device: "car", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported, Horizon: 2 * event.Minute,
		Lateness: event.Minute, Reveals: event.RevealsCar, Locates: true}
	d.car = remotecar.NewVehicle(&d.restingCar, settings).Device(spec, &devicetest.Log{})
	var journal store.Store = memory.New()
	gate := &unlock.Gate{Journal: journal, Devices: d, Now: time.Now, Random: rand.Reader}
	d.dispatcher = dispatch.New(dispatch.Config{Store: journal, Gate: gate, Devices: d, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = d.dispatcher.Run(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	operator := event.Actor{Kind: event.ActorOperator, ID: "ops"}
	d.do(operator, site.OpenSite{Zone: "Europe/Paris"})
	d.member = event.Actor{Kind: event.ActorMember, ID: string(d.do(operator, site.AddMember{}).Members[0].ID)}
	barrier := d.do(d.member, site.ReserveBarrier{Is: event.Cabin, Spec: d.car.Spec()}).Barriers[0].ID
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltLocked} {
		d.do(event.Actor{Kind: event.ActorDevice, ID: "car"}, site.Observe{Barrier: barrier, Observation: event.Observation{Device: "car", Bolt: bolt,
			Contact: event.ContactClosed, Origin: event.OriginLive, ReceivedAt: event.InstantOf(time.Now())}})
	}
	all.Go(func() { _ = d.dispatcher.Watch(ctx, "home", d.car) })
	return d
}

func (d *drive) told() (n int) {
	all, err := d.dispatcher.Events(d.Context(), "home", 0, 1000)
	must(d.T, err)
	for _, e := range all {
		if e.Body.Kind() == (event.ForeignOpening{}).Kind() {
			n++
		}
	}
	return n
}

func pass(length time.Duration) {
	<-time.After(length)
	synctest.Wait()
}

// TestAWatchedCar: with the product's own settings, whoever wants its car watched is told of an opening by hand, as soon as
// the page says; of all others' cars nobody asks anything.
func TestAWatchedCar(t *testing.T) {
	s := registered(t, CarsConfig{})
	for name, c := range map[string]struct {
		settings remotecar.Config
		within   time.Duration
	}{
		"volvo":    {s.atVolvo("secret", "key").Vehicle, 15 * time.Minute},
		"smartcar": {s.atSmartcar("secret", "").Vehicle, 15 * time.Minute},
		"tesla":    {s.atTesla().Polling, 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDrive(t, c.settings)
				pass(time.Hour)
				before := d.count()
				d.turn(event.BoltUnlocked)
				d.turn(event.BoltLocked)
				if pass(48 * time.Hour); d.count() != before || d.told() != 0 {
					t.Errorf("unwatched, it was asked %d times, and %d openings were told", d.count()-before, d.told())
				}
				d.do(d.member, site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, WatchCars: true}})
				pass(24 * time.Hour)
				if n, most := d.count()-before, int(24*time.Hour/c.within); n < most-2 || n > most {
					t.Errorf("watched, it was asked %d times a day", n)
				}
				d.turn(event.BoltUnlocked)
				if pass(c.within); d.told() != 1 {
					t.Errorf("%d openings were told", d.told())
				}
			})
		})
	}
}

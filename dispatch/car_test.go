package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// car is a door that stands somewhere, and sleeps until it is woken.
type car struct {
	*door
	mine sync.Mutex
	at   device.Located
	// wakes, locates count what it was asked; asked is called each time that it is asked where it stands.
	wakes, locates int
	asked          func()
	// purposes are what it was asked and ordered for.
	purposes []device.Purpose
	// asleep, lost and broken are what it answers to being woken, asked where it stands, and read.
	asleep, lost, broken error
	// sleeps is how long it takes to wake.
	sleeps time.Duration
}

func (c *car) Wake(ctx context.Context) error {
	c.mine.Lock()
	c.wakes++
	c.purposes = append(c.purposes, device.PurposeOf(ctx))
	err, sleeps := c.asleep, c.sleeps
	c.mine.Unlock()
	select {
	case <-time.After(sleeps):
		return err
	case <-ctx.Done():
		return device.ErrAsleep
	}
}

func (c *car) Locate(ctx context.Context) (device.Located, error) {
	c.mine.Lock()
	defer c.mine.Unlock()
	c.locates++
	c.purposes = append(c.purposes, device.PurposeOf(ctx))
	if c.asked != nil {
		c.asked()
	}
	at := c.at
	at.ReceivedAt = time.Now()
	return at, c.lost
}

func (c *car) Read(ctx context.Context) (event.Observation, error) {
	c.mine.Lock()
	defer c.mine.Unlock()
	c.purposes = append(c.purposes, device.PurposeOf(ctx))
	if c.broken != nil {
		return event.Observation{}, c.broken
	}
	return c.door.Read(ctx)
}

func (c *car) Secure(ctx context.Context) (event.Outcome, error) {
	c.mine.Lock()
	c.purposes = append(c.purposes, device.PurposeOf(ctx))
	c.mine.Unlock()
	return c.door.Secure(ctx)
}

// askedFor waits until it was asked, or ordered, for something, and returns all that it was since the last call.
func (c *car) askedFor(t *testing.T, want device.Purpose) (all []device.Purpose) {
	t.Helper()
	until(t, "it is asked", func() bool {
		c.mine.Lock()
		defer c.mine.Unlock()
		all = slices.Clone(c.purposes)
		return slices.Contains(all, want)
	})
	c.set(func(c *car) { c.purposes = nil })
	return all
}

// set changes what a car answers.
func (c *car) set(change func(c *car)) {
	c.mine.Lock()
	defer c.mine.Unlock()
	change(c)
}

func (c *car) counts() (wakes, locates int) {
	c.mine.Lock()
	defer c.mine.Unlock()
	return c.wakes, c.locates
}

// ears is how many listen to it.
func (c *car) listeners() int {
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	return len(c.door.ears)
}

// drawer keeps positions in the store, sealed no better than a test needs.
type drawer struct {
	store     store.Store
	mu        sync.Mutex
	reference Position
	unknown   bool
}

func (d *drawer) Reference(context.Context, event.SiteID, event.AccessPointID) (Position, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reference, !d.unknown, nil
}

func (d *drawer) Open(ctx context.Context, at event.SiteID, name string) (s Standing, known bool, err error) {
	sealed, err := d.store.Value(ctx, at, name)
	if errors.Is(err, store.ErrNotFound) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	plain, err := plainly{}.Open(ctx, at, name, sealed)
	if err != nil {
		return s, false, err
	}
	return s, true, json.Unmarshal(plain, &s)
}

func (d *drawer) Seal(ctx context.Context, at event.SiteID, name string, s Standing, eraseAt event.Instant) (store.Value, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return store.Value{}, err
	}
	sealed, err := plainly{}.Seal(ctx, at, name, plain)
	return store.Value{Name: name, Sealed: sealed, EraseAt: eraseAt}, err
}

// Where things stand: about 111 metres for a thousandth of a degree of latitude.
var office = Position{Latitude: 48.8566, Longitude: 2.3522}

func north(thousandths float64) device.Located {
	return device.Located{Latitude: office.Latitude + thousandths/1000, Longitude: office.Longitude, Motion: event.MotionParked}
}

// garage is a household with a car, enrolled by hand, found near the office, and a promise for it.
func (w *town) garage(d *Dispatcher) (home, *car, event.DeliveryID) {
	w.t.Helper()
	spec := event.Spec{Device: "car-1", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeProven, Horizon: 5 * event.Minute,
		Lateness: 2 * event.Second, Opens: true, Secures: true, Reads: true, Reveals: event.RevealsCar, Locates: true, Wakes: true}
	c := &car{door: newDoor("car-1"), at: north(1)}
	c.door.spec = spec
	c.at.At = time.Now()
	w.cars["car-1"], w.at["car-1"], w.places.reference = c, "home", office
	h := home{id: "home", door: c.door}
	w.do(d, h.id, operator(), site.OpenSite{Zone: "Europe/Paris"})
	h.member = the[event.MemberJoined](w.t, w.do(d, h.id, operator(), site.AddMember{})).Member
	h.barrier = the[event.BarrierReserved](w.t, w.do(d, h.id, member(h.member), site.ReserveBarrier{Is: event.Cabin, Spec: spec})).Barrier
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltLocked} {
		c.door.turn(bolt)
		if err := d.Heard(w.t.Context(), h.id, c.door.observation("manual")); err != nil {
			w.t.Fatal(err)
		}
	}
	added := site.AddAccessPoint{WayIn: []event.BarrierRef{{Barrier: h.barrier, By: event.PermitRemote}}, Radius: 30,
		Vehicle: event.VehicleTerms{Reveals: event.RevealsCar}}
	h.place = the[event.AccessPointAdded](w.t, w.do(d, h.id, member(h.member), added)).AccessPoint
	return h, c, w.promise(d, h, "parcel")
}

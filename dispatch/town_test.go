package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/unlock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town is what stands outside of the processes under test: the store, the doors, and who knows what.
type town struct {
	t      testing.TB
	store  store.Store
	doors  doors
	at     map[event.DeviceID]event.SiteID
	cars   map[event.DeviceID]*car
	places *drawer
	proofs atomic.Int64

	// reading guards what the test itself has read: through which process, over which store, and the journals so far.
	reading  sync.Mutex
	reader   *Dispatcher
	readFrom store.Store
	journals map[event.SiteID][]event.Event
}

type doors map[event.DeviceID]*door

func (d doors) Device(id event.DeviceID) (device.Device, bool) {
	dev, ok := d[id]
	if !ok {
		return nil, false
	}
	return dev, true
}

// Device finds a car, or a door.
func (w *town) Device(id event.DeviceID) (device.Device, bool) {
	if c, ok := w.cars[id]; ok {
		return c, true
	}
	return w.doors.Device(id)
}

func newTown(t testing.TB, s store.Store) *town {
	return &town{t: t, store: s, doors: doors{}, at: map[event.DeviceID]event.SiteID{}, cars: map[event.DeviceID]*car{}, places: &drawer{store: s},
		journals: map[event.SiteID][]event.Event{}}
}

// plainly is a sealer that only makes values unlike what they were.
type plainly struct{}

func (plainly) Seal(_ context.Context, _ event.SiteID, _ string, plain []byte) ([]byte, error) {
	return []byte(hex.EncodeToString(plain)), nil
}

func (plainly) Open(_ context.Context, _ event.SiteID, _ string, sealed []byte) ([]byte, error) {
	return hex.DecodeString(string(sealed))
}

// process makes a Dispatcher as a process has one, over the town's store or another way to it.
func (w *town) process(over ...store.Store) *Dispatcher {
	s := w.store
	if len(over) > 0 {
		s = over[0]
	}
	gate := &unlock.Gate{Journal: s, Devices: w, Sealer: plainly{}, Now: time.Now, Random: rand.Reader}
	d := New(Config{Store: s, Gate: gate, Devices: w, Places: w.places, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	w.t.Cleanup(func() { d.memo.check(w.t) })
	return d
}

// run runs a process with its devices, and returns what ends it.
func (w *town) run(d *Dispatcher) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var all sync.WaitGroup
	all.Go(func() {
		if err := d.Run(ctx); err != nil && !errors.Is(err, store.ErrClosed) {
			w.t.Errorf("Run: %v", err)
		}
	})
	for id, dev := range w.doors {
		all.Go(func() { _ = d.Watch(ctx, w.at[id], dev) })
	}
	for id, dev := range w.cars {
		all.Go(func() { _ = d.Watch(ctx, w.at[id], dev) })
	}
	end = func() {
		cancel()
		all.Wait()
	}
	w.t.Cleanup(end)
	return end
}

// Who acts.
func operator() site.Facts {
	return site.Facts{Actor: event.Actor{Kind: event.ActorOperator, ID: "ops"}}
}

func merchant() site.Facts {
	return site.Facts{Actor: event.Actor{Kind: event.ActorMerchant, ID: "flora"}}
}

func system() site.Facts { return site.Facts{Actor: event.Actor{Kind: event.ActorSystem}} }

func member(id event.MemberID) site.Facts {
	return site.Facts{Actor: event.Actor{Kind: event.ActorMember, ID: string(id)}}
}

// courier is a fresh request from somebody who stands at the door.
func (w *town) courier(who event.CourierID) site.Facts {
	n := w.proofs.Add(1)
	return site.Facts{Actor: event.Actor{Kind: event.ActorCourier, ID: string(who)}, Place: &event.Place{Distance: 5, Accuracy: 5},
		Signed: event.Signed{Key: event.KeyID("key-of-" + who), ID: fmt.Sprintf("proof-%d", n), IssuedAt: event.InstantOf(time.Now()), JWS: "a.b.c"}}
}

// do decides, and requires that it was no error.
func (w *town) do(d *Dispatcher, id event.SiteID, f site.Facts, r site.Request) []event.Event {
	w.t.Helper()
	result, err := d.Do(w.t.Context(), id, site.Command{Facts: f, Do: r})
	if err != nil {
		w.t.Fatalf("%s: %T: %v", id, r, err)
	}
	return result.Events
}

// first finds the first event of a kind.
func first[B event.Body](events []event.Event) (B, bool) {
	for _, e := range events {
		if b, ok := e.Body.(B); ok {
			return b, true
		}
	}
	var none B
	return none, false
}

func the[B event.Body](t testing.TB, events []event.Event) B {
	t.Helper()
	b, ok := first[B](events)
	if !ok {
		t.Fatalf("no %T among %s", b, kinds(events))
	}
	return b
}

func kinds(events []event.Event) string {
	var all []string
	for _, e := range events {
		if b, ok := e.Body.(event.Refused); ok {
			all = append(all, string(b.Kind())+":"+string(b.Code))
			continue
		}
		all = append(all, string(e.Body.Kind()))
	}
	return strings.Join(all, " ")
}

// home is a site with a member and one door, as it was set up.
type home struct {
	id      event.SiteID
	member  event.MemberID
	barrier event.BarrierID
	door    *door
	place   event.AccessPointID
}

// household opens a site and enrols its door, worked by hand.
func (w *town) household(d *Dispatcher, id event.SiteID) home {
	w.t.Helper()
	h := home{id: id, door: newDoor(event.DeviceID("door-of-" + id))}
	w.doors[h.door.spec.Device], w.at[h.door.spec.Device] = h.door, id
	w.do(d, id, operator(), site.OpenSite{Zone: "Europe/Paris"})
	h.member = the[event.MemberJoined](w.t, w.do(d, id, operator(), site.AddMember{})).Member
	h.barrier = the[event.BarrierReserved](w.t, w.do(d, id, member(h.member), site.ReserveBarrier{Is: event.FrontDoor, Spec: h.door.spec})).Barrier
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltLocked} {
		h.door.turn(bolt)
		if err := d.Heard(w.t.Context(), id, h.door.observation("manual")); err != nil {
			w.t.Fatal(err)
		}
	}
	return h
}

// placeBehind adds a place with a way in through the barriers, the home's own door last.
func (w *town) placeBehind(d *Dispatcher, h *home, by event.PermitType, through ...event.BarrierID) {
	w.t.Helper()
	var way []event.BarrierRef
	for _, b := range through {
		way = append(way, event.BarrierRef{Barrier: b, By: event.PermitRemote})
	}
	way = append(way, event.BarrierRef{Barrier: h.barrier, By: by})
	h.place = the[event.AccessPointAdded](w.t, w.do(d, h.id, member(h.member), site.AddAccessPoint{WayIn: way, Radius: 30})).AccessPoint
}

// promise books and consents to a delivery of one parcel now, and assigns anna.
func (w *town) promise(d *Dispatcher, h home, parcel event.Commitment) event.DeliveryID {
	w.t.Helper()
	now := event.InstantOf(time.Now())
	b := site.Book{Merchant: "flora", Carrier: "swift", AccessPoint: h.place, Window: event.Span{From: now, To: now.Add(2 * event.Hour)},
		Parcels: []event.Parcel{{Code: parcel, Size: event.SizeSmall}}}
	id := the[event.DeliveryBooked](w.t, w.do(d, h.id, merchant(), b)).Delivery
	w.do(d, h.id, member(h.member), site.ConsentTo{Delivery: id})
	w.do(d, h.id, operator(), site.Assign{Delivery: id, Courier: "anna", Key: "key-of-anna", PublicKey: "{}"})
	return id
}

// ready is a home with a promise, before anybody comes.
func (w *town) ready(by event.PermitType) (home, event.DeliveryID) {
	w.t.Helper()
	d := w.process()
	h := w.household(d, "home")
	w.placeBehind(d, &h, by)
	return h, w.promise(d, h, "parcel")
}

// journal reads all events of a site.
// reads is the process through which the test looks at the store. It decodes once what it looks at again and again. The
// caller holds reading.
func (w *town) reads() *Dispatcher {
	if w.readFrom != w.store {
		w.reader, w.readFrom = w.process(), w.store
	}
	return w.reader
}

func (w *town) journal(id event.SiteID) []event.Event {
	w.t.Helper()
	w.reading.Lock()
	defer w.reading.Unlock()
	for {
		all := w.journals[id]
		more, err := w.reads().Events(w.t.Context(), id, uint64(len(all)), 500)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(more) == 0 {
			return slices.Clone(all)
		}
		w.journals[id] = append(all, more...)
	}
}

func (w *town) state(id event.SiteID) site.State {
	w.t.Helper()
	w.reading.Lock()
	defer w.reading.Unlock()
	s, err := w.reads().Load(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// until lets virtual time go by until something holds; what nobody does within ten minutes never happens.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 6000 {
		synctest.Wait()
		if holds() {
			return
		}
		pass(100 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

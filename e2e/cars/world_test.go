package cars_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/tesla/teslatest"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/unlock"
)

// TestMain lets many tests run beside each other, whatever the machine: they wait, for deadlines of real time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if garage, err = teslatest.Start(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(garage.Close(), goleak.Find()); err != nil && code == 0 {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

const (
	home  = event.SiteID("home")
	vin   = "YV1CZ91H6F0000001"
	owner = "marie"
	// parcel is what a label is kept as.
	parcel = event.Commitment("de0cd0f1b5a4b8a7d0c1f2e3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7")
)

// reference is the household's address; the car stands there.
var reference = dispatch.Position{Latitude: 48.8566, Longitude: 2.3522}

// world is a household with the car, a courier on the way to it, and the server between them.
type world struct {
	*testing.T
	*parked
	log        *devicetest.Log
	store      store.Store
	dispatcher *dispatch.Dispatcher
	place      event.AccessPointID
	barrier    event.BarrierID
	visit      event.VisitID
	member     event.Actor
	// phone signs what the courier asks.
	phone *ecdsa.PrivateKey
}

// Device finds the car.
func (w *world) Device(id event.DeviceID) (device.Device, bool) { return w.device, id == "car" }

// Reference is the household's address.
func (w *world) Reference(context.Context, event.SiteID, event.AccessPointID) (dispatch.Position, bool, error) {
	return reference, true, nil
}

// Open knows of nothing: what is sealed matters elsewhere.
func (w *world) Open(context.Context, event.SiteID, string) (s dispatch.Standing, known bool, err error) {
	return s, false, nil
}

// Seal seals nothing.
func (w *world) Seal(_ context.Context, _ event.SiteID, name string, _ dispatch.Standing, eraseAt event.Instant) (store.Value, error) {
	return store.Value{Name: name, Sealed: []byte("sealed"), EraseAt: eraseAt}, nil
}

func newWorld(t *testing.T, connect connect) *world {
	t.Helper()
	w := &world{T: t, log: &devicetest.Log{}, store: memory.New()}
	var err error
	if w.phone, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	w.parked = connect(t, w.log)
	gate := &unlock.Gate{Journal: w.store, Devices: w, Now: time.Now, Random: rand.Reader}
	w.dispatcher = dispatch.New(dispatch.Config{Store: w.store, Gate: gate, Devices: w, Places: w, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = w.dispatcher.Run(ctx) })
	w.moveIn()
	all.Go(func() { _ = w.dispatcher.Watch(ctx, home, w.device) })
	t.Cleanup(func() { cancel(); all.Wait(); w.audit() })
	return w
}

// audit holds the laws against what was written and sent.
func (w *world) audit() {
	w.Helper()
	sent := slices.Concat(w.log.Lines(event.ActOpen), w.log.Lines(event.ActSecure))
	report, err := audit.Check(func(yield func(audit.Journal, error) bool) {
		yield(audit.Journal{Site: home, Events: w.events()}, nil)
	}, sent, audit.Options{})
	if err != nil || !report.OK() {
		var said strings.Builder
		_ = report.WriteText(&said)
		w.Errorf("%v\n%s", err, said.String())
	}
}

// moveIn opens the household, enrols its car, worked by hand, and promises a parcel.
func (w *world) moveIn() {
	operator := event.Actor{Kind: event.ActorOperator, ID: "ops"}
	w.do(operator, site.OpenSite{Zone: "Europe/Paris"})
	w.member = event.Actor{Kind: event.ActorMember, ID: string(w.do(operator, site.AddMember{}).State.Members[0].ID)}
	spec := w.device.Spec()
	w.barrier = w.do(w.member, site.ReserveBarrier{Is: event.Trunk, Spec: spec}).State.Barriers[0].ID
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltLocked} {
		w.do(event.Actor{Kind: event.ActorDevice, ID: "car"}, site.Observe{Barrier: w.barrier, Observation: event.Observation{Device: "car", Bolt: bolt,
			Contact: event.ContactClosed, Origin: event.OriginLive, ReceivedAt: event.InstantOf(time.Now())}})
	}
	w.place = w.do(w.member, site.AddAccessPoint{WayIn: []event.BarrierRef{{Barrier: w.barrier, By: event.PermitRemote}}, Radius: 50,
		Vehicle: event.VehicleTerms{Reveals: spec.Reveals}}).State.AccessPoints[0].ID
	now := event.InstantOf(time.Now())
	id := w.do(operator, site.Book{Merchant: "shop", Carrier: "swift", Window: event.Span{From: now - 1000, To: now.Add(event.Hour)},
		Parcels: []event.Parcel{{Code: parcel, Size: event.SizeSmall}}, AccessPoint: w.place}).State.Deliveries[0].ID
	w.do(w.member, site.ConsentTo{Delivery: id})
	public, key, err := proof.KeyFrom(&w.phone.PublicKey)
	if err != nil {
		w.Fatal(err)
	}
	w.do(operator, site.Assign{Delivery: id, Courier: "anna", Key: key, PublicKey: public})
}

func (w *world) do(who event.Actor, r site.Request) dispatch.Result {
	w.Helper()
	return w.decide(site.Command{Facts: site.Facts{Actor: who}, Do: r})
}

func (w *world) decide(c site.Command) dispatch.Result {
	w.Helper()
	result, err := w.dispatcher.Do(w.Context(), home, c)
	if err != nil {
		w.Fatalf("%T: %v", c.Do, err)
	}
	return result
}

// ask is a request of the courier's, who stands there; "" when it was granted.
func (w *world) ask(r site.Request) event.Code {
	w.Helper()
	result := w.decide(site.Command{Do: r, Facts: site.Facts{Actor: event.Actor{Kind: event.ActorCourier, ID: "anna"},
		Signed: w.sign(), Place: &event.Place{Distance: 5, Accuracy: 5}}})
	for _, e := range result.Events {
		if b, ok := e.Body.(event.Refused); ok {
			return b.Code
		}
	}
	return ""
}

// sign is the proof of one request of the courier's phone.
func (w *world) sign() event.Signed {
	w.Helper()
	now := time.Now().Truncate(time.Second)
	_, key, err := proof.KeyFrom(&w.phone.PublicKey)
	if err != nil {
		w.Fatal(err)
	}
	id, err := auth.NewProofID(rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	jws, err := auth.Prove(w.phone, http.MethodPost, "https://loquet.example/courier/requests", nil, now, id)
	if err != nil {
		w.Fatal(err)
	}
	return event.Signed{Key: key, ID: id, IssuedAt: event.InstantOf(now), JWS: jws}
}

// approach begins the visit, and waits until the car was looked for.
func (w *world) approach() event.Code {
	w.Helper()
	if code := w.ask(site.Approach{AccessPoint: w.place}); code != "" {
		w.Fatalf("approach: %s", code)
	}
	var v site.Visit
	w.until("the car was looked for", func(s site.State) bool {
		v = s.Visits[0]
		return !v.Look.Pending && v.Look.Code != event.CarChecking // until its maker, or a second look, says that it stands still
	})
	w.visit = v.ID
	return v.Look.Code
}

// step is how far the visit's only barrier has come.
func step(s site.State) site.Step {
	if len(s.Visits) == 0 {
		return site.Step{}
	}
	return s.Visits[0].Steps[0]
}

// patience is how long a test waits for something that must happen.
const patience = 100 * time.Second

// until waits until the household's state is so.
func (w *world) until(what string, holds func(site.State) bool) {
	w.Helper()
	grown, stop := w.dispatcher.Follow(home)
	defer stop()
	limit := time.After(patience)
	for {
		s, err := w.dispatcher.Load(w.Context(), home)
		if err == nil && holds(s) {
			return
		}
		select {
		case <-grown:
		case <-limit:
			w.Fatalf("never: %s\n%+v", what, s.Visits)
		}
	}
}

// enter opens: the car is found, the parcel scanned, and the car has acted.
func (w *world) enter() {
	w.Helper()
	w.mustFind()
	w.mustScan()
	w.until("the car acted", func(s site.State) bool { return step(s).Freed != 0 || step(s).Opened != 0 })
	if !w.trunkAlone() {
		if err := w.car.Push(); err != nil {
			w.Fatal(err)
		}
	}
	w.untilOpen()
}

// untilOpen waits until the car has said that it is open, or whoever ordered that it obeyed.
func (w *world) untilOpen() {
	w.Helper()
	w.until("it is open", func(s site.State) bool { return step(s).Opened != 0 })
}

// mustScan asks to open, by the scan of the last parcel.
func (w *world) mustScan() {
	w.Helper()
	if code := w.ask(site.Scan{Visit: w.visit, Parcel: parcel}); code != "" {
		w.Fatalf("scan: %s", code)
	}
}

// scanInVain asks to open what can't be: that is refused, for one of these reasons, or nothing is sent. What is heard to be
// open after that is taken for opened by it: nobody can tell.
func (w *world) scanInVain(why ...event.Code) {
	w.Helper()
	switch code := w.ask(site.Scan{Visit: w.visit, Parcel: parcel}); {
	case code == "":
		w.until("nothing was done", func(s site.State) bool { return step(s).Outcome == event.NotDone || step(s).BySight })
	case !slices.Contains(why, code):
		w.Errorf("refused as %q", code)
	}
	w.wantOpenings(0)
}

// mustFind is an approach to a car that is as it should be.
func (w *world) mustFind() {
	w.Helper()
	if code := w.approach(); code != "" {
		w.Fatalf("the car is not found: %s", code)
	}
}

// trunkAlone says that an order opens the trunk itself, and that the doors stay locked.
func (w *world) trunkAlone() bool { return w.device.Spec().Reveals == event.RevealsTrunk }

// shut shuts it by hand, unless it has a motor for that.
func (w *world) shut() {
	w.Helper()
	if w.motor {
		return
	}
	if err := w.car.PullShut(); err != nil {
		w.Fatal(err)
	}
}

// untilSecured waits until the car itself has said that it is locked and shut.
func (w *world) untilSecured() {
	w.Helper()
	w.until("the car is secured", func(s site.State) bool { return len(s.Visits) == 0 || step(s).Secured != 0 })
	if !w.car.Secured() {
		w.Error("the car is called secured, and is not")
	}
}

// mustStay: the courier is not released.
func (w *world) mustStay() {
	w.Helper()
	if code := w.ask(site.Leave{Visit: w.visit}); code != event.NotSecured {
		w.Fatalf("leaving a car that is not secured: %q", code)
	}
}

// mustEnd: the courier is released, the visit has ended as secured, and the car was ordered once to open.
func (w *world) mustEnd() {
	w.Helper()
	w.untilSecured()
	if code := w.ask(site.Leave{Visit: w.visit}); code != "" {
		w.Errorf("leaving a secured car: %q", code)
	}
	if w.happened(event.VisitEnded{}.Kind()) != 1 {
		w.Errorf("%d visits ended", w.happened(event.VisitEnded{}.Kind()))
	}
	w.wantOpenings(1)
	w.withinLimits()
}

// insist taps to open until that is granted.
func (w *world) insist() {
	w.Helper()
	again, limit := time.NewTicker(500*time.Millisecond), time.After(patience)
	defer again.Stop()
	for code := event.Code("?"); code != ""; code = w.ask(site.Open{Visit: w.visit, Barrier: w.barrier}) {
		select {
		case <-again.C:
		case <-limit:
			w.Fatalf("never opened: %q", code)
		}
	}
}

// hurry has the household's alarms come soon, and climb fast.
func (w *world) hurry() {
	w.Helper()
	w.do(w.member, site.SetRules{Rules: event.Rules{Dwell: 2 * event.Second, Climb: event.Second}})
}

// untilAlarm waits for an alarm that has climbed so far.
func (w *world) untilAlarm(level event.AlarmLevel) {
	w.Helper()
	w.until("an alarm", func(s site.State) bool { return len(s.Visits) == 1 && s.Visits[0].Alarm.Level >= level })
}

func (w *world) happened(kind event.Kind) int {
	w.Helper()
	return len(slices.DeleteFunc(w.events(), func(e event.Event) bool { return e.Body.Kind() != kind }))
}

// events are the household's journal.
func (w *world) events() []event.Event {
	w.Helper()
	all, err := w.dispatcher.Events(context.Background(), home, 0, 1000)
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// wantOpenings says whether the car was ordered to open so often, by the log of what was sent and by its own count, and
// never opened more often.
func (w *world) wantOpenings(n int) {
	w.Helper()
	if sent, arrived, opened := len(w.log.Lines(event.ActOpen)), w.car.OpenCommands(), w.car.Openings(); sent != n || arrived != n || opened > n {
		w.Errorf("%d orders to open were sent, %d arrived, and %d opened it; want %d", sent, arrived, opened, n)
	}
}

// withinLimits says whether the maker was asked for no more than it allows.
func (w *world) withinLimits() {
	w.Helper()
	if over := w.meter.Exceeded(); len(over) != 0 {
		w.Errorf("the maker was asked for more than it allows: %+v", over)
	}
}

const post = http.MethodPost

package film

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/unlock"
	"github.com/loquet/loquet/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// books are the store in memory, which counts loads, and fails when it is told to.
type books struct {
	*memory.Store
	mu     sync.Mutex
	loads  map[event.SiteID]int
	load   func(event.SiteID) error
	append func(store.Append) error
}

func (b *books) Load(ctx context.Context, id event.SiteID) (store.Snapshot, error) {
	b.mu.Lock()
	b.loads[id]++
	before := b.load
	b.mu.Unlock()
	if before != nil {
		if err := before(id); err != nil {
			return store.Snapshot{}, err
		}
	}
	return b.Store.Load(ctx, id)
}

func (b *books) Append(ctx context.Context, a store.Append) error {
	b.mu.Lock()
	before := b.append
	b.mu.Unlock()
	if before != nil {
		if err := before(a); err != nil {
			return err
		}
	}
	return b.Store.Append(ctx, a)
}

// meanwhile sets what happens before each load and each append.
func (b *books) meanwhile(load func(event.SiteID) error, appended func(store.Append) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.load, b.append = load, appended
}

func (b *books) loaded(id event.SiteID) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loads[id]
}

// latch opens when it is told; what it says, a test says for it.
type latch struct{ spec event.Spec }

func (l latch) Spec() event.Spec { return l.spec }

func (latch) Reach() event.Reach { return event.ReachOnline }

func (latch) Open(context.Context, device.Order) (event.Outcome, error) { return event.Done, nil }

func (latch) Watch(ctx context.Context, _ func(event.Observation)) error {
	<-ctx.Done()
	return ctx.Err()
}

// latches are the doors of all houses.
type latches struct{}

func (latches) Device(id event.DeviceID) (device.Device, bool) {
	return latch{event.Spec{Device: id, Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported, Horizon: event.Hour, Opens: true}}, true
}

// street is what outlives a process: the store, the vault, and the houses.
type street struct {
	*testing.T
	store  *books
	vault  *vault.Vault
	logged bytes.Buffer
	log    *slog.Logger
	proofs int
	// patience is how long a test waits for something that must happen.
	patience time.Duration
}

func newStreet(t *testing.T) *street {
	t.Helper()
	s := &street{T: t, store: &books{Store: memory.New(), loads: map[event.SiteID]int{}}, patience: 30 * time.Minute}
	s.log = slog.New(slog.NewTextHandler(&s.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	master, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master"), rand.Reader)
	s.must(err)
	s.vault = vault.New(vault.Deps{Master: master, Register: s.store, Now: time.Now, Random: rand.Reader})
	return s
}

func (s *street) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// process is a dispatcher with its director, as one process has them.
type process struct {
	*street
	dispatch *dispatch.Dispatcher
	director *Director
}

func (s *street) process(studio camera.Studio) *process {
	gate := &unlock.Gate{Journal: s.store, Devices: latches{}, Sealer: s.vault, Now: time.Now, Random: rand.Reader}
	d := dispatch.New(dispatch.Config{Store: s.store, Gate: gate, Devices: latches{}, Pictures: studio, Now: time.Now, Log: s.log})
	// As the API does it: who moves out takes the site's key along.
	d.Handle(dispatch.WorkForget, func(ctx context.Context, w store.Work) error {
		var f dispatch.Forgetting
		if err := json.Unmarshal(w.Data, &f); err != nil || f.Site == "" {
			return err
		}
		return s.vault.Erase(ctx, f.Site)
	})
	return &process{s, d, New(Deps{Dispatch: d, Store: s.store, Vault: s.vault, Studio: studio, Random: rand.Reader, Log: s.log})}
}

// run works and watches, until it is ended.
func (p *process) run() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var under sync.WaitGroup
	under.Go(func() {
		if err := p.dispatch.Run(ctx); err != nil {
			p.Errorf("the dispatcher: %v", err)
		}
	})
	under.Go(func() { p.director.Run(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		under.Wait()
	})
}

// do decides, and requires that it was no error.
func (p *process) do(at event.SiteID, f site.Facts, r site.Request, with ...dispatch.Attach) []event.Event {
	p.Helper()
	result, err := p.dispatch.Do(context.Background(), at, site.Command{Facts: f, Do: r}, with...)
	if err != nil {
		p.Fatalf("%s: %T: %v", at, r, err)
	}
	return result.Events
}

func actor(kind event.ActorKind, id string) site.Facts {
	return site.Facts{Actor: event.Actor{Kind: kind, ID: id}}
}

// courier is a fresh request from somebody who stands at the door.
func (s *street) courier() site.Facts {
	s.proofs++
	f := actor(event.ActorCourier, "anna")
	f.Place = &event.Place{Distance: 5, Accuracy: 5}
	f.Signed = event.Signed{Key: "key-of-anna", ID: fmt.Sprintf("proof-%d", s.proofs), IssuedAt: event.InstantOf(time.Now()), JWS: "a.b.c"}
	return f
}

func the[B event.Body](s *street, events []event.Event) B {
	s.Helper()
	for _, e := range events {
		if b, ok := e.Body.(B); ok {
			return b
		}
	}
	var none B
	s.Fatalf("no %s among %s", none.Kind(), kinds(events))
	return none
}

func kinds(events []event.Event) string {
	var all []string
	for _, e := range events {
		all = append(all, string(e.Body.Kind()))
	}
	return strings.Join(all, " ")
}

// house is a site with one door, a camera on it, and a delivery that is due.
type house struct {
	*process
	site     event.SiteID
	member   site.Facts
	eye      event.CameraID
	place    event.AccessPointID
	delivery event.DeliveryID
	visit    event.VisitID
	clip     event.ClipID
}

const keepClips = event.Hour

// furnish makes a house whose camera is at an address.
func (p *process) furnish(at event.SiteID, address string) *house {
	p.Helper()
	h := &house{process: p, site: at}
	p.do(at, actor(event.ActorOperator, "ops"), site.OpenSite{Zone: "Europe/Paris"})
	h.member = actor(event.ActorMember, string(the[event.MemberJoined](p.street, p.do(at, actor(event.ActorOperator, "ops"), site.AddMember{})).Member))
	dev, _ := latches{}.Device(h.door())
	barrier := the[event.BarrierReserved](p.street, p.do(at, h.member, site.ReserveBarrier{Is: event.FrontDoor, Spec: dev.Spec()})).Barrier
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltLocked} {
		h.says(bolt, event.ContactClosed)
	}
	way := []event.BarrierRef{{Barrier: barrier, By: event.PermitRemote}}
	h.place = the[event.AccessPointAdded](p.street, p.do(at, h.member, site.AddAccessPoint{WayIn: way, Radius: 30})).AccessPoint
	h.install(address)
	h.book()
	return h
}

// install adds and proves the camera, and asks for it from now on.
func (h *house) install(address string) {
	h.Helper()
	seal := func(r dispatch.Result) (dispatch.Attachments, error) {
		v, err := h.director.SealAddress(context.Background(), the[event.CameraAdded](h.street, r.Events).Camera, address)
		return dispatch.Attachments{Values: []store.Value{v}}, err
	}
	h.eye = the[event.CameraAdded](h.street, h.do(h.site, h.member, site.AddCamera{Sees: []event.AccessPointID{h.place}}, seal)).Camera
	good := event.Picture{Camera: h.eye, At: event.InstantOf(time.Now()), Keys: 3}
	h.do(h.site, h.member, site.ProveCamera{Camera: h.eye, Seen: good})
	h.do(h.site, h.member, site.SetRules{Rules: event.Rules{Dwell: 10 * event.Minute, Climb: 10 * event.Minute, Camera: true, KeepClips: keepClips}})
}

func (h *house) book() {
	h.Helper()
	now := event.InstantOf(time.Now())
	b := site.Book{Merchant: "flora", Carrier: "swift", AccessPoint: h.place, Window: event.Span{From: now, To: now.Add(2 * event.Hour)},
		Parcels: []event.Parcel{{Code: "parcel", Size: event.SizeSmall}}}
	h.delivery = the[event.DeliveryBooked](h.street, h.do(h.site, actor(event.ActorMerchant, "flora"), b)).Delivery
	h.do(h.site, h.member, site.ConsentTo{Delivery: h.delivery})
	h.do(h.site, actor(event.ActorOperator, "ops"), site.Assign{Delivery: h.delivery, Courier: "anna", Key: "key-of-anna", PublicKey: "{}"})
}

func (h *house) door() event.DeviceID { return event.DeviceID("door-of-" + h.site) }

// says has the door say how it is, a moment after what was before.
func (h *house) says(bolt event.Bolt, contact event.Contact) {
	h.Helper()
	<-time.After(10 * time.Millisecond)
	h.must(h.dispatch.Heard(context.Background(), h.site, event.Observation{Device: h.door(), Bolt: bolt, Contact: contact, Reach: event.ReachOnline,
		ReceivedAt: event.InstantOf(time.Now()), Origin: event.OriginLive, Cause: "manual"}))
}

// approach begins the visit.
func (h *house) approach() {
	h.Helper()
	asked := the[event.FilmingAsked](h.street, h.do(h.site, h.courier(), site.Approach{AccessPoint: h.place}))
	h.visit, h.clip = asked.Visit, asked.Clip
}

// scan opens the door, and requires that it is to be opened.
func (h *house) scan() {
	h.Helper()
	the[event.OpeningIntended](h.street, h.do(h.site, h.courier(), site.Scan{Visit: h.visit, Parcel: "parcel"}))
}

// enter is the rest of a visit, until the courier may go.
func (h *house) enter() {
	h.Helper()
	h.until("the door was opened", func(all []event.Event) bool { return count[event.OpeningResolved](all) > 0 })
	h.says(event.BoltUnlocked, event.ContactClosed)
	h.says(event.BoltUnlocked, event.ContactOpen)
	h.do(h.site, h.courier(), site.Deposit{Visit: h.visit})
	h.says(event.BoltUnlocked, event.ContactClosed)
	h.do(h.site, h.courier(), site.Close{Visit: h.visit})
	h.says(event.BoltLocked, event.ContactClosed)
	h.do(h.site, h.courier(), site.Leave{Visit: h.visit})
	if _, running := h.state().Visit(h.visit); running {
		h.Fatalf("the visit goes on: %s", kinds(h.journal()))
	}
}

// giveUp ends the visit before anything was opened.
func (h *house) giveUp() {
	h.Helper()
	h.do(h.site, actor(event.ActorMerchant, "flora"), site.Cancel{Delivery: h.delivery})
	if _, running := h.state().Visit(h.visit); running {
		h.Fatalf("the visit goes on: %s", kinds(h.journal()))
	}
}

func (h *house) state() site.State {
	h.Helper()
	s, err := h.dispatch.Load(context.Background(), h.site)
	h.must(err)
	return s
}

func (h *house) journal() []event.Event {
	h.Helper()
	all, err := h.dispatch.Events(context.Background(), h.site, 0, 10_000)
	h.must(err)
	return all
}

func count[B event.Body](all []event.Event) (n int) {
	for _, e := range all {
		if _, ok := e.Body.(B); ok {
			n++
		}
	}
	return n
}

// until waits until something holds of the journal.
func (h *house) until(what string, holds func([]event.Event) bool) {
	h.Helper()
	grown, stop := h.dispatch.Follow(h.site)
	defer stop()
	limit := time.After(h.patience)
	for !holds(h.journal()) {
		select {
		case <-grown:
		case <-limit:
			h.Fatalf("it never came about that %s: %s", what, kinds(h.journal()))
		}
	}
}

// sealedKey says whether the store holds the clip's key.
func (h *house) sealedKey() bool {
	h.Helper()
	_, err := h.store.Value(context.Background(), h.site, clipName(h.clip))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.Fatal(err)
	}
	return err == nil
}

// work is a piece of work of a kind, as the dispatcher would hand it over.
func (h *house) work() store.Work {
	data, err := json.Marshal(dispatch.Filming{Visit: h.visit, Clip: h.clip})
	h.must(err)
	return store.Work{ID: string(h.site) + "-late", Site: h.site, Kind: dispatch.WorkFilm, Due: event.InstantOf(time.Now()), Data: data}
}

// pass lets virtual time go by, and what it brings be done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

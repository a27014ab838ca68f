package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/film"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/unlock"
	"github.com/loquet/loquet/vault"
)

// patience is how long a test waits for something that must happen.
const patience = 60 * time.Second

// world is a whole installation but for the broker: real API, dispatcher, vault and store, and doors in memory.
type world struct {
	t          testing.TB
	api        *api.API
	url        string
	store      *faulty
	dispatcher *dispatch.Dispatcher
	cars       api.Cars
	director   *film.Director
	keys       *auth.Keys
	couriers   *auth.Couriers
	sessions   *auth.Sessions
	vault      *vault.Vault
	logs       *lockedBuffer
	clock      *clock
	transport  *http.Transport
	// heard is told of every answer that a caller gets; nil for nobody.
	heard func(method, path, body string)

	// secrets must not stand in any answer.
	secrets []string
	// quiet worlds, which a fuzzer floods, keep no logs.
	quiet bool

	mu    sync.Mutex
	doors map[event.DeviceID]*door
	// stands are where cars are.
	stands map[event.DeviceID]*stands
}

// clock is the wall clock, moved when a test says so.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// faulty is the store in memory, with errors that a test asks for.
type faulty struct {
	*memory.Store
	mu     sync.Mutex
	append func(store.Append) error
	// entering, if set, sees the context of each append before it is made.
	entering func(context.Context)
}

func (f *faulty) fail(with func(store.Append) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.append = with
}

func (f *faulty) watch(entering func(context.Context)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entering = entering
}

func (f *faulty) Append(ctx context.Context, a store.Append) error {
	f.mu.Lock()
	with, entering := f.append, f.entering
	f.mu.Unlock()
	if entering != nil {
		entering(ctx)
	}
	if with != nil {
		if err := with(a); err != nil {
			return err
		}
	}
	return f.Store.Append(ctx, a)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Write takes what is logged.
func (w *world) Write(p []byte) (int, error) {
	if w.quiet {
		return len(p), nil
	}
	return w.logs.Write(p)
}

type option func(*api.Deps)

func newWorld(t testing.TB, options ...option) *world {
	t.Helper()
	return build(t, true, &cinema{}, options...)
}

// newFilmedWorld makes one whose visits are filmed by that media service.
func newFilmedWorld(t testing.TB, studio camera.Studio, options ...option) *world {
	t.Helper()
	return build(t, true, studio, options...)
}

// newStillWorld makes one in which no work is done by itself: a test does it.
func newStillWorld(t testing.TB, options ...option) *world {
	t.Helper()
	return build(t, false, &cinema{}, options...)
}

func build(t testing.TB, works bool, studio camera.Studio, options ...option) *world {
	t.Helper()
	w := &world{t: t, store: &faulty{Store: memory.New()}, doors: map[event.DeviceID]*door{}, stands: map[event.DeviceID]*stands{}, logs: &lockedBuffer{}, clock: &clock{},
		transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	master, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master"), rand.Reader)
	must(t, err)
	secrets := vault.New(vault.Deps{Master: master, Register: w.store, Now: w.clock.now, Random: rand.Reader})
	w.vault = secrets
	devices := fleet.New(w.store, map[string]fleet.Connector{"fake": w.connect}, log)
	gate := &unlock.Gate{Journal: w.store, Devices: devices, Sealer: secrets, Now: w.clock.now, Random: rand.Reader}
	w.cars = api.Cars{Store: w.store, Vault: secrets}
	w.dispatcher = dispatch.New(dispatch.Config{Store: w.store, Gate: gate, Devices: devices, Pictures: studio, Now: w.clock.now, Log: log,
		Places: w.cars})
	w.director = film.New(film.Deps{Dispatch: w.dispatcher, Store: w.store, Vault: secrets, Studio: studio, Random: rand.Reader, Log: log})
	deps := auth.Deps{Register: w.store, Now: w.clock.now, Random: rand.Reader}
	w.keys, w.couriers, w.sessions = auth.NewKeys(deps), auth.NewCouriers(deps), auth.NewSessions(deps)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.url = "http://" + listener.Addr().String()
	d := api.Deps{Dispatch: w.dispatcher, Store: w.store, Vault: secrets, Fleet: devices, Film: w.director, Keys: w.keys, Couriers: w.couriers,
		Sessions: w.sessions, Now: w.clock.now, Random: rand.Reader, Log: log, PublicURL: w.url, LocalWebhooks: true}
	for _, o := range options {
		o(&d)
	}
	w.api, err = api.New(d)
	must(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: w.api, ReadHeaderTimeout: time.Minute}}
	server.Start()
	w.run(devices, works)
	t.Cleanup(func() {
		w.api.EndStreams()
		w.transport.CloseIdleConnections()
		server.Close()
	})
	return w
}

func (w *world) run(devices *fleet.Fleet, works bool) {
	ctx, cancel := context.WithCancel(context.Background())
	var under sync.WaitGroup
	under.Go(func() {
		if !works {
			return
		}
		if err := w.dispatcher.Run(ctx); err != nil {
			w.t.Errorf("the dispatcher: %v", err)
		}
	})
	under.Go(func() { devices.Run(ctx, w.dispatcher.Watch) })
	under.Go(func() { w.director.Run(ctx) })
	w.t.Cleanup(func() {
		cancel()
		under.Wait()
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return value
	}
}

// The house stands here; nobody lives there.
const (
	latitude  = 48.8584
	longitude = 2.2945
)

// at is a position so many metres north of the door, measured now.
func (w *world) at(metres float64) *api.Position {
	return &api.Position{Latitude: latitude + metres/111_195, Longitude: longitude, Accuracy: 5, At: w.clock.now()}
}

// home is a household with one door, enrolled, and a standing consent.
type home struct {
	caller
	site    event.SiteID
	member  event.MemberID
	barrier event.BarrierID
	place   event.AccessPointID
	door    *door
	// car is where it stands, of a home that has one.
	car *stands
}

// empty opens a site by its shop, with a member who signs in.
func (w *world) empty(shop caller) *home {
	w.t.Helper()
	h := &home{}
	var s api.Site
	shop.post("/v1/sites", api.SiteRequest{Zone: "Europe/Paris", Address: "12 rue des Lilas, Paris"}, &s)
	var m api.Member
	shop.post("/v1/sites/"+string(s.ID)+"/members", api.MemberRequest{Name: "Camille Martin"}, &m)
	h.site, h.member = s.ID, m.ID
	h.caller = w.signIn(m.ID)
	return h
}

func (w *world) signIn(m event.MemberID) caller {
	w.t.Helper()
	link := get(w.sessions.Invite(w.t.Context(), m))(w.t)
	var session api.Session
	w.anybody().post("/v1/sessions", api.SignInRequest{Token: link.Token}, &session)
	return caller{w, bearing("Session", session.Token)}
}

// by says how the home's door is opened.
func (w *world) homeOf(shop caller, by event.PermitType) *home {
	w.t.Helper()
	h := w.empty(shop)
	h.barrier, h.door = h.addDoor("front")
	var ap api.AccessPoint
	h.post("/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.barrier, By: by}}, Radius: 50,
		Position: api.Centre{Latitude: latitude, Longitude: longitude}, Name: "Front door", Note: "On the bench"}, &ap)
	h.place = ap.ID
	h.post("/v1/home/consents", api.ConsentRequest{AccessPoint: h.place, Largest: event.SizeLarge, Inside: true, Hours: always()}, nil)
	return h
}

func always() []event.Hours {
	return []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}
}

func (w *world) home() *home {
	w.t.Helper()
	return w.homeOf(w.merchant("grocer"), event.PermitRemote)
}

// addDoor reserves a device, makes it a barrier and works it by hand.
func (h *home) addDoor(name string) (event.BarrierID, *door) {
	h.w.t.Helper()
	id := event.DeviceID(string(h.site) + "." + name)
	h.w.operator().post("/v1/devices", api.DeviceRequest{ID: id, Site: h.site, Connector: "fake", Config: json.RawMessage("{}")}, nil)
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: id, Is: event.FrontDoor}, &b)
	h.w.mu.Lock()
	d := h.w.doors[id]
	h.w.mu.Unlock()
	d.move(event.BoltLocked, event.ContactClosed)
	d.move(event.BoltUnlocked, event.ContactOpen)
	d.move(event.BoltLocked, event.ContactClosed)
	await[event.BarrierEnrolled](h.w, h.site)
	return b.ID, d
}

// await waits until an event of the type stands in the site's journal, and returns the last.
func await[B event.Body](w *world, at event.SiteID) B {
	w.t.Helper()
	return awaitWhere(w, at, func(B) bool { return true })
}

func awaitWhere[B event.Body](w *world, at event.SiteID, holds func(B) bool) B {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	grown, stop := w.dispatcher.Follow(at)
	defer stop()
	for {
		for _, e := range slices.Backward(w.journal(at)) {
			if b, ok := e.Body.(B); ok && holds(b) {
				return b
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			var b B
			w.t.Fatalf("%s did not happen at %s: %+v", b.Kind(), at, w.journal(at))
		}
	}
}

func (w *world) journal(at event.SiteID) []event.Event {
	w.t.Helper()
	return get(w.dispatcher.Events(context.Background(), at, 0, 100_000))(w.t)
}

func (w *world) kinds(at event.SiteID) string {
	var all []string
	for _, e := range w.journal(at) {
		all = append(all, string(e.Body.Kind()))
	}
	return strings.Join(all, " ")
}

// sscc makes a code with its check digit, as typed by hand.
func sscc(n int) string {
	digits := fmt.Sprintf("34012345%09d", n)
	sum := 0
	for i, r := range digits {
		sum += int(r-'0') * (3 - 2*(i%2))
	}
	return fmt.Sprintf("(00)%s%d", digits, (10-sum%10)%10)
}

// booking is a delivery for now.
func (w *world) booking(h *home, numbers ...int) api.BookRequest {
	now := w.clock.now()
	b := api.BookRequest{Site: h.site, AccessPoint: h.place, Carrier: "swift", Window: api.Window{From: now.Add(-time.Minute), To: now.Add(2 * time.Hour)}}
	for _, n := range numbers {
		b.Parcels = append(b.Parcels, api.ParcelRequest{Code: sscc(n), Size: event.SizeSmall})
	}
	return b
}

func (w *world) book(shop caller, h *home, numbers ...int) api.Delivery {
	w.t.Helper()
	var d api.Delivery
	shop.post("/v1/deliveries", w.booking(h, numbers...), &d)
	return d
}

func (w *world) assign(d event.DeliveryID, c event.CourierID) {
	w.t.Helper()
	w.operator().post("/v1/deliveries/"+string(d)+"/assign", api.AssignRequest{Courier: c}, nil)
}

func (p phone) approach(h *home) api.Answer {
	p.w.t.Helper()
	var a api.Answer
	p.post("/v1/courier/approach", api.ApproachRequest{Site: h.site, AccessPoint: h.place, ETA: p.w.clock.now().Add(time.Minute)}, &a)
	return a
}

func (p phone) act(v event.VisitID, what string, body any) api.Answer {
	p.w.t.Helper()
	var a api.Answer
	p.post("/v1/courier/visits/"+string(v)+"/"+what, body, &a)
	return a
}

func (p phone) scan(v event.VisitID, n int) api.Answer {
	p.w.t.Helper()
	return p.act(v, "scan", api.ScanRequest{Text: sscc(n), Position: p.w.at(5)})
}

func granted(t testing.TB, a api.Answer) api.Answer {
	t.Helper()
	if a.Refused != nil {
		t.Fatalf("refused: %s: %s", a.Refused.Code, a.Refused.Text)
	}
	return a
}

func refused(t testing.TB, a api.Answer, code event.Code) *api.Refusal {
	t.Helper()
	if a.Refused == nil || a.Refused.Code != code {
		t.Fatalf("not refused as %s: %+v", code, a.Refused)
	}
	if a.Refused.Title == "" || a.Refused.Text == "" || a.Refused.Reference == "" {
		t.Fatalf("a refusal without words: %+v", a.Refused)
	}
	return a.Refused
}

// finish is the rest of an ordinary visit, from the order to open on.
func (p phone) finish(h *home, v event.VisitID) {
	p.w.t.Helper()
	awaitWhere(p.w, h.site, func(b event.OpeningResolved) bool { return b.Visit == v && b.Outcome == event.Done })
	h.door.move(event.BoltUnlocked, event.ContactOpen)
	granted(p.w.t, p.act(v, "deposit", nil))
	h.door.move(event.BoltUnlocked, event.ContactClosed)
	granted(p.w.t, p.act(v, "close", nil))
	awaitWhere(p.w, h.site, func(b event.BarrierSecured) bool { return b.Visit == v })
	a := granted(p.w.t, p.act(v, "leave", nil))
	if a.Visit == nil || a.Visit.Ended == nil || a.Visit.Ended.How != event.EndSecured {
		p.w.t.Fatalf("the visit did not end secured: %+v", a.Visit)
	}
}

// until waits until something holds that no journal tells of.
func (w *world) until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("it never came about that %s", what)
		}
	}
}

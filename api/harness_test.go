package api_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/device"
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
const patience = 20 * time.Second

// world is a whole installation but for the broker: real API, dispatcher, vault and store, and doors in memory.
type world struct {
	t          testing.TB
	api        *api.API
	url        string
	store      *faulty
	dispatcher *dispatch.Dispatcher
	director   *film.Director
	keys       *auth.Keys
	couriers   *auth.Couriers
	sessions   *auth.Sessions
	vault      *vault.Vault
	logs       *lockedBuffer
	clock      *clock
	transport  *http.Transport

	// secrets must not stand in any answer.
	secrets []string
	// quiet worlds, which a fuzzer floods, keep no logs.
	quiet bool

	mu    sync.Mutex
	doors map[event.DeviceID]*door
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
	w := &world{t: t, store: &faulty{Store: memory.New()}, doors: map[event.DeviceID]*door{}, logs: &lockedBuffer{}, clock: &clock{},
		transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	master, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master"), rand.Reader)
	must(t, err)
	secrets := vault.New(vault.Deps{Master: master, Register: w.store, Now: w.clock.now, Random: rand.Reader})
	w.vault = secrets
	devices := fleet.New(w.store, map[string]fleet.Connector{"fake": w.connect}, log)
	gate := &unlock.Gate{Journal: w.store, Devices: devices, Sealer: secrets, Now: w.clock.now, Random: rand.Reader}
	w.dispatcher = dispatch.New(dispatch.Config{Store: w.store, Gate: gate, Devices: devices, Pictures: studio, Now: w.clock.now, Log: log})
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

// door is a lock with a contact, in memory: it opens when told, and is moved by hand.
type door struct {
	id   event.DeviceID
	spec event.Spec
	says chan event.Observation

	mu      sync.Mutex
	bolt    event.Bolt
	contact event.Contact
	offline bool
	opened  int
	codes   map[event.PermitID]string
}

// doorConfig is what the fake connector takes.
type doorConfig struct {
	Unprovable bool   `json:"unprovable,omitempty"`
	Reads      bool   `json:"reads,omitempty"`
	Secret     string `json:"secret,omitempty"`
}

func (w *world) connect(id event.DeviceID, config json.RawMessage) (device.Device, error) {
	var c doorConfig
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("not a configuration of a fake door")
	}
	d := &door{id: id, bolt: event.BoltLocked, contact: event.ContactClosed, says: make(chan event.Observation, 100),
		codes: map[event.PermitID]string{},
		spec: event.Spec{Device: id, Closure: event.Closure{Bolt: !c.Unprovable, Contact: !c.Unprovable}, Grade: event.GradeReported,
			Horizon: event.Hour, Opens: true, Secures: true, Codes: true}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doors[id] = d
	if c.Reads {
		d.spec.Reads = true
		return readable{d}, nil
	}
	return d, nil
}

func (d *door) Spec() event.Spec { return d.spec }

func (d *door) Reach() event.Reach {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.offline {
		return event.ReachOffline
	}
	return event.ReachOnline
}

func (d *door) move(bolt event.Bolt, contact event.Contact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bolt, d.contact = bolt, contact
	d.says <- event.Observation{Device: d.id, Bolt: bolt, Contact: contact, ReceivedAt: event.InstantOf(time.Now()), Origin: event.OriginLive}
}

func (d *door) Open(context.Context, device.Order) (event.Outcome, error) {
	d.mu.Lock()
	d.opened++
	d.mu.Unlock()
	d.move(event.BoltUnlocked, event.ContactClosed)
	return event.Done, nil
}

func (d *door) Secure(context.Context) (event.Outcome, error) {
	d.mu.Lock()
	contact := d.contact
	d.mu.Unlock()
	d.move(event.BoltLocked, contact)
	return event.Done, nil
}

func (d *door) SetCode(_ context.Context, o device.CodeOrder) (event.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.codes[o.Permit] = o.Code
	return event.Done, nil
}

func (d *door) RemoveCode(_ context.Context, p event.PermitID) (event.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.codes, p)
	return event.Done, nil
}

func (d *door) Watch(ctx context.Context, sink func(event.Observation)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-d.says:
			sink(o)
		}
	}
}

func (d *door) openings() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

// caller is one outsider.
type caller struct {
	w    *world
	sign func(r *http.Request, body []byte)
}

type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// send makes a request; a string or bytes are sent as they are.
func (c caller) send(method, path string, body any, header ...string) reply {
	c.w.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	case []byte:
		raw = b
	default:
		raw = get(json.Marshal(b))(c.w.t)
	}
	req := get(http.NewRequestWithContext(c.w.t.Context(), method, c.w.url+path, bytes.NewReader(raw)))(c.w.t)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if c.sign != nil {
		c.sign(req, raw)
	}
	res, err := c.w.transport.RoundTrip(req)
	must(c.w.t, err)
	defer res.Body.Close()
	r := reply{c.w.t, res.StatusCode, res.Header, get(io.ReadAll(res.Body))(c.w.t)}
	conforms(c.w.t, req, r)
	for _, secret := range c.w.secrets {
		if bytes.Contains(r.body, []byte(secret)) {
			c.w.t.Errorf("%s %s tells %q: %s", method, path, secret, r.body)
		}
	}
	return r
}

// want checks the status and decodes the answer.
func (r reply) want(status int, into any) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, not %d: %s", r.status, status, r.body)
	}
	if into != nil {
		reflect.ValueOf(into).Elem().SetZero()
		must(r.t, json.Unmarshal(r.body, into))
	}
	return r
}

// problem checks that the answer is a problem with this code.
func (r reply) problem(status int, code string) api.Problem {
	r.t.Helper()
	var p api.Problem
	r.want(status, &p)
	if p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" || p.Reference == "" {
		r.t.Fatalf("not a problem %q: %s", code, r.body)
	}
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		r.t.Fatalf("a problem as %q", ct)
	}
	return p
}

func (c caller) get(path string, into any) reply {
	c.w.t.Helper()
	return c.send("GET", path, nil).want(200, into)
}

func (c caller) post(path string, body, into any) reply {
	c.w.t.Helper()
	r := c.send("POST", path, body)
	if r.status != 200 && r.status != 201 {
		c.w.t.Fatalf("POST %s: %d %s", path, r.status, r.body)
	}
	return r.want(r.status, into)
}

func (w *world) anybody() caller { return caller{w: w} }

func bearing(scheme, secret string) func(*http.Request, []byte) {
	return func(r *http.Request, _ []byte) { r.Header.Set("Authorization", scheme+" "+secret) }
}

func (w *world) key(role auth.Role, identity string, scopes ...auth.Scope) caller {
	w.t.Helper()
	if len(scopes) == 0 {
		scopes = auth.Scopes()
	}
	_, text, err := w.keys.Create(w.t.Context(), auth.KeyRequest{Role: role, Identity: identity, Scopes: scopes})
	must(w.t, err)
	return caller{w, bearing("Bearer", text)}
}

func (w *world) operator() caller { return w.key(auth.Operator, "swift") }

func (w *world) merchant(name string) caller { return w.key(auth.Merchant, name) }

// phone is a courier's device.
type phone struct {
	caller
	courier event.CourierID
	key     *ecdsa.PrivateKey
}

func (w *world) newPhone() phone {
	key := get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(w.t)
	return phone{caller: caller{w, w.signing(key)}, key: key}
}

func (w *world) signing(key *ecdsa.PrivateKey) func(*http.Request, []byte) {
	return func(r *http.Request, body []byte) {
		id := get(auth.NewProofID(rand.Reader))(w.t)
		r.Header.Set("Loquet-Proof", get(auth.Prove(key, r.Method, r.URL.String(), body, w.clock.now(), id))(w.t))
	}
}

// courier registers a courier and binds a new phone.
func (w *world) courier(id event.CourierID) phone {
	w.t.Helper()
	w.operator().post("/v1/couriers", api.CourierRequest{ID: id, Name: "Anna Sommer"}, nil)
	p := w.newPhone()
	p.courier = id
	p.pair(get(w.couriers.Invite(w.t.Context(), id))(w.t).Code).want(201, nil)
	return p
}

func (p phone) pair(code string) reply {
	p.w.t.Helper()
	jwk, _, err := proof.KeyFrom(&p.key.PublicKey)
	must(p.w.t, err)
	return p.send("POST", "/v1/pair", api.PairRequest{Code: code, PublicJWK: jwk})
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
			w.t.Fatalf("%s did not happen at %s", b.Kind(), at)
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

package notify

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/auth"
	connector "github.com/loquet/loquet/device"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/unlock"
	"github.com/loquet/loquet/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time, from a Monday noon in Paris.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pass(time.Until(time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)))
		f(t)
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

func newFiles(t testing.TB) *files {
	s := memory.New()
	t.Cleanup(func() { _ = s.Close() })
	return &files{register: s, vault: newVault(t, s)}
}

func newVault(t testing.TB, s store.Register) *vault.Vault {
	t.Helper()
	master, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return vault.New(vault.Deps{Master: master, Register: s, Now: time.Now, Random: rand.Reader})
}

// letterbox is where the messages of every channel end, for good or not: what a person reads at their addresses.
type letterbox struct {
	mu sync.Mutex
	// fails says what becomes of a message; nil for all well. taken tells that it was taken in spite of an error, or of
	// a caller who is gone.
	fails func(to target, m message) (err error, taken bool)
	sent  []sending
}

// sending is one message as it was handed over.
type sending struct {
	to target
	m  message
	at time.Time
}

func (b *letterbox) send(ctx context.Context, to target, m message) error {
	b.mu.Lock()
	fails := b.fails
	b.mu.Unlock()
	if fails != nil {
		err, taken := fails(to, m)
		if taken {
			b.take(to, m)
		}
		if err != nil || taken {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return trouble{err: err}
	}
	b.take(to, m)
	return nil
}

func (b *letterbox) take(to target, m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, sending{to, m, time.Now()})
}

func (b *letterbox) failBy(fails func(target, message) (error, bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = fails
}

func (b *letterbox) all() []sending {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// read is what a reader sees at an address: messages of one identifier are one, and have to be the same.
func (b *letterbox) read(t testing.TB, address string) (seen []message) {
	t.Helper()
	for _, s := range b.all() {
		if nameOf(s.to) != address {
			continue
		}
		i := slices.IndexFunc(seen, func(m message) bool { return m.id == s.m.id })
		if i < 0 {
			seen = append(seen, s.m)
			continue
		}
		was, is := seen[i], s.m
		was.left, is.left = 0, 0
		if was != is {
			t.Errorf("%s reads two messages of one identifier:\n%+v\n%+v", address, was, is)
		}
	}
	return seen
}

// nameOf is an address that tests know: "anna by email".
func nameOf(to target) string {
	if to.channel == Push {
		return to.device.Name + " by push"
	}
	return to.address + " by " + string(to.channel)
}

// plainly is a sealer that only makes values unlike what they were.
type plainly struct{}

func (plainly) Seal(_ context.Context, _ event.SiteID, _ string, plain []byte) ([]byte, error) {
	return []byte(hex.EncodeToString(plain)), nil
}

func (plainly) Open(_ context.Context, _ event.SiteID, _ string, sealed []byte) ([]byte, error) {
	return hex.DecodeString(string(sealed))
}

type noDevices struct{}

func (noDevices) Device(event.DeviceID) (connector.Device, bool) { return nil, false }

// addresses are the members' mailboxes.
type addresses map[event.MemberID]string

func (a addresses) Of(_ context.Context, m event.MemberID) (auth.Mailbox, error) {
	return auth.Mailbox{Address: a[m]}, nil
}

// world is one home in Paris with two members, anna and paul, and its front door.
type world struct {
	t          *testing.T
	store      store.Store
	vault      *vault.Vault
	box        *letterbox
	mail       addresses
	anna, paul auth.Member
	barrier    event.BarrierID
	place      event.AccessPointID
	log        *bytes.Buffer
	logMu      sync.Mutex
	seq        int
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: memory.New(), box: &letterbox{}, mail: addresses{}, log: &bytes.Buffer{}}
	w.vault = newVault(t, w.store)
	d, n := w.process(w.store)
	w.do(d, operator(), site.OpenSite{Zone: "Europe/Paris"})
	anna := the[event.MemberJoined](w, w.do(d, operator(), site.AddMember{})).Member
	paul := the[event.MemberJoined](w, w.do(d, member(anna), site.AddMember{})).Member
	w.anna, w.paul = w.signIn(anna), w.signIn(paul)
	w.mail[anna], w.mail[paul] = "anna", "paul"
	spec := event.Spec{Device: "lock", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported, Horizon: 5 * event.Minute, Opens: true}
	w.barrier = the[event.BarrierReserved](w, w.do(d, member(anna), site.ReserveBarrier{Is: event.FrontDoor, Spec: spec})).Barrier
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltLocked} {
		w.hear(d, event.Observation{Bolt: bolt, Contact: event.ContactClosed, Cause: "manual"})
	}
	way := []event.BarrierRef{{Barrier: w.barrier, By: event.PermitRemote}}
	w.place = the[event.AccessPointAdded](w, w.do(d, member(anna), site.AddAccessPoint{WayIn: way, Radius: 30})).AccessPoint
	w.do(d, member(anna), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, Watch: true}})
	w.subscribe(n, w.anna, "anna")
	if _, err := n.SetPhone(t.Context(), w.anna, "06 12 34 56 78"); err != nil {
		t.Fatal(err)
	}
	return w
}

// process makes a dispatcher and a notifier as a process has them, over the world's store or another way to it.
func (w *world) process(s store.Store) (*dispatch.Dispatcher, *Notifier) {
	gate := &unlock.Gate{Journal: s, Devices: noDevices{}, Sealer: plainly{}, Now: time.Now, Random: rand.Reader}
	log := slog.New(slog.NewJSONHandler(w, nil))
	d := dispatch.New(dispatch.Config{Store: s, Gate: gate, Devices: noDevices{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	n := New(Deps{Register: s, Sites: d, Vault: w.vault, Sessions: sessionsIn(s), Addresses: w.mail, PushSubject: "ops@loquet.example", LocalPush: true, Country: "FR",
		Lang: phrase.French, PublicURL: "https://loquet.example", Now: time.Now, Random: rand.Reader, Log: log})
	for _, c := range Channels() {
		n.senders[c] = w.box
	}
	d.Handle(dispatch.WorkNotify, n.Notify)
	return d, n
}

// Write takes the notifier's log.
func (w *world) Write(p []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(p)
}

// run runs a process, and returns what ends it.
func (w *world) run(d *dispatch.Dispatcher) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var all sync.WaitGroup
	all.Go(func() {
		if err := d.Run(ctx); err != nil && !errors.Is(err, store.ErrClosed) {
			w.t.Errorf("Run: %v", err)
		}
	})
	end = func() {
		cancel()
		all.Wait()
	}
	w.t.Cleanup(end)
	return end
}

func sessionsIn(s store.Store) *auth.Sessions {
	return auth.NewSessions(auth.Deps{Register: s, Now: time.Now, Random: rand.Reader})
}

func (w *world) signIn(m event.MemberID) auth.Member {
	w.t.Helper()
	s := sessionsIn(w.store)
	link, err := s.Invite(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	in, err := s.Redeem(w.t.Context(), link.Token, auth.Arrival{})
	if err != nil {
		w.t.Fatal(err)
	}
	return in.Member
}

// subscription is a browser's, of that name.
func subscription(t testing.TB, name string) Subscription {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sub := Subscription{Endpoint: "https://push.example/" + name}
	sub.Keys.P256dh = base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes())
	sub.Keys.Auth = base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	return sub
}

func (w *world) subscribe(n *Notifier, who auth.Member, name string) string {
	w.t.Helper()
	id, err := n.Subscribe(w.t.Context(), who, subscription(w.t, name), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func operator() site.Facts {
	return site.Facts{Actor: event.Actor{Kind: event.ActorOperator, ID: "ops"}}
}

func member(id event.MemberID) site.Facts {
	return site.Facts{Actor: event.Actor{Kind: event.ActorMember, ID: string(id)}}
}

// courier is a fresh request from somebody at the door.
func (w *world) courier() site.Facts {
	w.seq++
	return site.Facts{Actor: event.Actor{Kind: event.ActorCourier, ID: "karim"}, Place: &event.Place{Distance: 5, Accuracy: 5},
		Signed: event.Signed{Key: "key", ID: fmt.Sprint("proof", w.seq), IssuedAt: event.InstantOf(time.Now()), JWS: "a.b.c"}}
}

func (w *world) do(d *dispatch.Dispatcher, f site.Facts, r site.Request) []event.Event {
	w.t.Helper()
	result, err := d.Do(w.t.Context(), "home", site.Command{Facts: f, Do: r})
	if err != nil {
		w.t.Fatalf("%T: %v", r, err)
	}
	return result.Events
}

func the[B event.Body](w *world, events []event.Event) B {
	w.t.Helper()
	for _, e := range events {
		if b, ok := e.Body.(B); ok {
			return b
		}
	}
	var none B
	w.t.Fatalf("no %T", none)
	return none
}

// hear has the front door's device say something.
func (w *world) hear(d *dispatch.Dispatcher, o event.Observation) {
	w.t.Helper()
	o.Device, o.Reach, o.Origin, o.ReceivedAt = "lock", event.ReachOnline, event.OriginLive, event.InstantOf(time.Now())
	if err := d.Heard(w.t.Context(), "home", o); err != nil {
		w.t.Fatal(err)
	}
}

// breakIn is an opening that nobody asked Loquet for.
func (w *world) breakIn(d *dispatch.Dispatcher) {
	w.t.Helper()
	w.hear(d, event.Observation{Bolt: event.BoltUnlocked, Contact: event.ContactOpen, Cause: "keypad"})
}

// promise books a delivery for the next two hours.
func (w *world) promise(d *dispatch.Dispatcher) event.DeliveryID {
	w.t.Helper()
	now := event.InstantOf(time.Now())
	w.seq++
	b := site.Book{Merchant: "flora", Carrier: "swift", AccessPoint: w.place, Window: event.Span{From: now, To: now.Add(2 * event.Hour)},
		Parcels: []event.Parcel{{Code: event.Commitment(fmt.Sprint("parcel", w.seq)), Size: event.SizeSmall}}}
	id := the[event.DeliveryBooked](w, w.do(d, operator(), b)).Delivery
	w.do(d, operator(), site.Assign{Delivery: id, Courier: "karim", Key: "key", PublicKey: "{}"})
	return id
}

// put has something told now that no decision derives here. An alarm's end is true whatever the state is.
func (w *world) put(body event.Body) {
	w.t.Helper()
	s, err := w.store.Load(w.t.Context(), "home")
	if err != nil {
		w.t.Fatal(err)
	}
	w.seq++
	now := event.InstantOf(time.Now())
	data, err := json.Marshal(dispatch.Notice{Event: event.Event{Site: "home", Seq: uint64(1000 + w.seq), At: now, Body: body}, Visit: "home-v9",
		Barrier: w.barrier, Is: event.FrontDoor, Alarm: site.Alarm{Reason: event.AlarmAjar, Level: event.AlarmCustomer}})
	if err != nil {
		w.t.Fatal(err)
	}
	work := store.Work{ID: fmt.Sprintf("home-%d-notify", 1000+w.seq), Site: "home", Kind: dispatch.WorkNotify, Due: now, Data: data}
	if err := w.store.Append(w.t.Context(), store.Append{Site: "home", Version: s.Version, State: s.State, Work: []store.Work{work}}); err != nil {
		w.t.Fatal(err)
	}
}

// noWorkLeft requires that nothing is to be told any more.
func (w *world) noWorkLeft() {
	w.t.Helper()
	if next, err := w.store.NextWork(w.t.Context(), []string{dispatch.WorkNotify}); err != nil || next != 0 {
		w.t.Errorf("work is left, due %s; error %v", next, err)
	}
}

// titles is what is read at an address.
func (w *world) titles(address string) (all []string) {
	w.t.Helper()
	for _, m := range w.box.read(w.t, address) {
		all = append(all, m.title)
	}
	return all
}

// wantTitles requires what is read at an address.
func (w *world) wantTitles(address string, want ...string) {
	w.t.Helper()
	if got := w.titles(address); !slices.Equal(got, want) {
		w.t.Errorf("%s reads %q, want %q", address, got, want)
	}
}

// choose has a person hear some topics on other channels than by default.
func (w *world) choose(n *Notifier, who auth.Member, q Quiet, choices ...Choice) {
	w.t.Helper()
	if err := n.SetPreferences(w.t.Context(), who, Preferences{Choices: choices, Quiet: q}); err != nil {
		w.t.Fatal(err)
	}
}

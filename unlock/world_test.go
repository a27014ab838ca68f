package unlock

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is a device that writes down what it was told, and answers as the test wants.
type door struct {
	answer func(ctx context.Context) (event.Outcome, error)

	mu     sync.Mutex
	orders []device.Order
	codes  []device.CodeOrder
}

func (d *door) Spec() event.Spec   { return event.Spec{Device: "door", Opens: true, Codes: true} }
func (d *door) Reach() event.Reach { return event.ReachOnline }

func (d *door) Open(ctx context.Context, o device.Order) (event.Outcome, error) {
	d.mu.Lock()
	d.orders = append(d.orders, o)
	d.mu.Unlock()
	return d.reply(ctx)
}

func (d *door) SetCode(ctx context.Context, o device.CodeOrder) (event.Outcome, error) {
	d.mu.Lock()
	d.codes = append(d.codes, o)
	d.mu.Unlock()
	return d.reply(ctx)
}

func (d *door) RemoveCode(context.Context, event.PermitID) (event.Outcome, error) {
	return event.NotDone, device.ErrRefused
}

func (d *door) reply(ctx context.Context) (event.Outcome, error) {
	if d.answer != nil {
		return d.answer(ctx)
	}
	return event.Done, nil
}

// sent is how many commands reached the device.
func (d *door) sent() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.orders) + len(d.codes)
}

// sensor is a device that nobody can open.
type sensor struct{}

func (sensor) Spec() event.Spec   { return event.Spec{Device: "sensor"} }
func (sensor) Reach() event.Reach { return event.ReachOnline }

type devices map[event.DeviceID]device.Device

func (d devices) Device(id event.DeviceID) (device.Device, bool) {
	dev, ok := d[id]
	return dev, ok
}

// sealer is AES-GCM under one key, so that what is sealed is unreadable, and bound to its site and name.
type sealer struct {
	aead cipher.AEAD
	fail error
}

func newSealer(t testing.TB) *sealer {
	block, err := aes.NewCipher(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return &sealer{aead: aead}
}

func (s *sealer) Seal(_ context.Context, at event.SiteID, name string, plain []byte) ([]byte, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	return s.aead.Seal(nil, nil, plain, []byte(string(at)+" "+name)), nil
}

func (s *sealer) Open(_ context.Context, at event.SiteID, name string, sealed []byte) ([]byte, error) {
	return s.aead.Open(nil, nil, sealed, []byte(string(at)+" "+name))
}

// start is the tests' time.
var start = time.Date(2026, 3, 2, 14, 2, 3, 0, time.UTC)

// world is a gate over a memory store and one door.
type world struct {
	*Gate
	t      *testing.T
	door   *door
	sealer *sealer
	clock  *time.Time
}

func newWorld(t *testing.T) world { return worldOver(t, memory.New()) }

func worldOver(t *testing.T, journal store.Journal) world {
	now := start
	w := world{t: t, door: &door{}, sealer: newSealer(t), clock: &now}
	w.Gate = &Gate{Journal: journal, Devices: devices{"door": w.door, "sensor": sensor{}}, Sealer: w.sealer,
		Now: func() time.Time { return *w.clock }, Random: rand.Reader}
	return w
}

// permit is one that could have been decided; change makes it another.
func permit(seq uint64, change ...func(*event.Permit)) event.Permit {
	p := event.Permit{ID: event.NewID[event.PermitID]("home", 'p', seq), Type: event.PermitRemote, Visit: "home-v9", Barrier: "home-b3",
		Device: "door", Courier: "anna", Key: "key-of-anna", Deadline: event.InstantOf(start.Add(20 * time.Second)),
		Resolve: event.InstantOf(start.Add(25 * time.Second))}
	for _, c := range change {
		c(&p)
	}
	return p
}

func byCode(p *event.Permit)   { p.Type = event.PermitCode }
func ofSensor(p *event.Permit) { p.Device = "sensor" }
func ofNobody(p *event.Permit) { p.Device = "nobody's" }

// draft prepares the decision to open.
func (w world) draft(version uint64, permits ...event.Permit) Draft {
	w.t.Helper()
	write := store.Append{Site: "home", Version: version, State: []byte("state")}
	var events []event.Event
	for i, p := range permits {
		events = append(events, event.Event{Site: "home", Seq: version + uint64(i) + 1, At: event.InstantOf(start), Body: event.OpeningIntended{Permit: p}})
	}
	d, err := w.Prepare(w.t.Context(), write, events)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// committed is the permit of a decision that was committed.
func (w world) committed(p event.Permit) *Permit {
	w.t.Helper()
	permits, err := w.Commit(w.t.Context(), w.draft(0, p))
	if err != nil || len(permits) != 1 {
		w.t.Fatalf("%d permits, error %v", len(permits), err)
	}
	return permits[0]
}

// redeems requires what a redemption must answer, and how many commands must have reached the door since the start.
func (w world) redeems(p *Permit, outcome event.Outcome, is error, sent int) {
	w.t.Helper()
	got, err := w.Redeem(w.t.Context(), p)
	if got != outcome || !errors.Is(err, is) || (is == nil) != (err == nil) {
		w.t.Errorf("outcome %q, error %v; want %q, %v", got, err, outcome, is)
	}
	if w.door.sent() != sent {
		w.t.Errorf("%d commands reached the door, want %d", w.door.sent(), sent)
	}
}

// journal reads the intents that the store holds.
func (w world) journal() (intents []event.Permit) {
	w.t.Helper()
	entries, err := w.Journal.Events(w.t.Context(), "home", 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		var e event.Event
		if err := json.Unmarshal(entry.Data, &e); err != nil || e.Seq != entry.Seq {
			w.t.Fatalf("%v: %s", err, entry.Data)
		}
		if b, ok := e.Body.(event.OpeningIntended); ok {
			intents = append(intents, b.Permit)
		}
	}
	return intents
}

package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lamp is a device that only exists.
type lamp struct{ id event.DeviceID }

func (l *lamp) Spec() event.Spec   { return event.Spec{Device: l.id} }
func (l *lamp) Reach() event.Reach { return event.ReachOnline }

// maker makes lamps, each identifier once, as a broker's client does. A configuration is {"watts": n}.
type maker struct {
	mu   sync.Mutex
	made map[event.DeviceID]bool
}

func (m *maker) lamp(id event.DeviceID, config json.RawMessage) (device.Device, error) {
	var c struct{ Watts int }
	if err := json.Unmarshal(config, &c); err != nil || c.Watts <= 0 {
		return nil, errors.New("watts: more than 0")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[id] {
		return nil, fmt.Errorf("%s is connected already", id)
	}
	m.made[id] = true
	return &lamp{id}, nil
}

// process is a fleet as after a start of the process, over a register that may have outlived another.
func process(t testing.TB, register store.Register) *Fleet {
	t.Helper()
	m := &maker{made: make(map[event.DeviceID]bool)}
	f := New(register, map[string]Connector{"lamp": m.lamp}, slog.New(slog.DiscardHandler))
	if err := f.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func wanted(id event.DeviceID, at event.SiteID) Record {
	return Record{ID: id, Site: at, Connector: "lamp", Config: json.RawMessage(`{"watts":40}`)}
}

func add(t testing.TB, f *Fleet, r Record) {
	t.Helper()
	dev, err := f.Add(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if running, ok := f.Device(r.ID); !ok || running != dev {
		t.Fatalf("%s does not run: %v", r.ID, running)
	}
	if kept, ok := f.Record(r.ID); !ok || !same(kept, r) {
		t.Fatalf("%s is kept as %+v", r.ID, kept)
	}
}

func same(a, b Record) bool {
	return a.ID == b.ID && a.Site == b.Site && a.Connector == b.Connector && string(a.Config) == string(b.Config)
}

func TestDevicesOutliveTheProcess(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	for i := range 1200 {
		add(t, f, wanted(event.DeviceID(fmt.Sprintf("lamp %d", i)), "home"))
	}
	again := process(t, register)
	for i := range 1200 {
		id := event.DeviceID(fmt.Sprintf("lamp %d", i))
		if dev, ok := again.Device(id); !ok || dev.Spec().Device != id {
			t.Fatalf("%s is gone after a restart", id)
		}
		if kept, _ := again.Record(id); !same(kept, wanted(id, "home")) {
			t.Fatalf("%s is kept as %+v", id, kept)
		}
	}
	if _, ok := again.Device("lamp 1200"); ok {
		t.Error("a device that nobody added")
	}
	if _, ok := again.Record("lamp 1200"); ok {
		t.Error("a record that nobody added")
	}
}

func TestAnIdentifierIsTakenOnce(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	add(t, f, wanted("porch", "home"))
	first, _ := f.Device("porch")
	for _, at := range []event.SiteID{"home", "neighbour"} {
		if _, err := f.Add(t.Context(), wanted("porch", at)); !errors.Is(err, ErrTaken) {
			t.Errorf("added again at %s: %v", at, err)
		}
	}
	// A process that started before knows nothing of it, and yet can't take it.
	if _, err := process(t, register).Add(t.Context(), wanted("porch", "neighbour")); !errors.Is(err, ErrTaken) {
		t.Errorf("added by another process: %v", err)
	}
	if now, _ := f.Device("porch"); now != first {
		t.Error("the refused device took the place of the first")
	}
	if kept, _ := process(t, register).Record("porch"); kept.Site != "home" {
		t.Errorf("it stands at %s", kept.Site)
	}
}

func TestOneOfManyTakesTheIdentifier(t *testing.T) {
	f := process(t, memory.New())
	var all sync.WaitGroup
	results := make(chan error, 50)
	for i := range 50 {
		all.Go(func() {
			_, err := f.Add(t.Context(), wanted("porch", event.SiteID(fmt.Sprintf("home%d", i))))
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrTaken) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of them were told that it is theirs", won)
	}
}

func TestWhatCannotBeUsedReservesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Record)
		want   error
	}{
		{"no identifier", func(r *Record) { r.ID = "" }, ErrConfig},
		{"no such site's name", func(r *Record) { r.Site = "Home!" }, ErrConfig},
		{"no site", func(r *Record) { r.Site = "" }, ErrConfig},
		{"no such connector", func(r *Record) { r.Connector = "candle" }, ErrConnector},
		{"a configuration that the connector refuses", func(r *Record) { r.Config = json.RawMessage(`{"watts":-1}`) }, ErrConfig},
		{"a configuration that is not JSON", func(r *Record) { r.Config = json.RawMessage(`{"watts`) }, ErrConfig},
		{"no configuration", func(r *Record) { r.Config = nil }, ErrConfig},
	} {
		t.Run(c.name, func(t *testing.T) {
			register := memory.New()
			f := process(t, register)
			r := wanted("porch", "home")
			c.change(&r)
			if _, err := f.Add(t.Context(), r); !errors.Is(err, c.want) {
				t.Fatalf("error %v", err)
			}
			if _, ok := f.Device(r.ID); ok {
				t.Error("it runs all the same")
			}
			if kept, err := register.List(t.Context(), recordKind, "", 10); err != nil || len(kept) != 0 {
				t.Fatalf("it is reserved: %v %v", kept, err)
			}
			add(t, f, wanted("porch", "home"))
		})
	}
}

// TestABrokenDeviceKeepsNoOtherFromStarting: a connector that is gone, or a record that can't be read any more.
func TestABrokenDeviceKeepsNoOtherFromStarting(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	add(t, f, wanted("attic", "home"))
	add(t, f, wanted("porch", "home"))
	for id, data := range map[string]string{"broken": "{", "candle": `{"id":"candle","site":"home","connector":"candle"}`,
		"dark": `{"id":"dark","site":"home","connector":"lamp","config":{"watts":0}}`} {
		if _, err := register.Put(t.Context(), store.Record{Kind: recordKind, ID: id, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	again := process(t, register)
	for id, runs := range map[event.DeviceID]bool{"attic": true, "porch": true, "broken": false, "candle": false, "dark": false} {
		if _, ok := again.Device(id); ok != runs {
			t.Errorf("%s runs: %v", id, ok)
		}
	}
	// It is still reserved: its site may have enrolled it.
	if _, err := again.Add(t.Context(), wanted("candle", "neighbour")); !errors.Is(err, ErrTaken) {
		t.Errorf("a device that can't be made now was given away: %v", err)
	}
}

func TestLoadNeedsTheRegister(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	if err := register.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Load(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("error %v", err)
	}
	if _, err := f.Add(t.Context(), wanted("porch", "home")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// TestEachWriteOfAddingFails: whatever the caller is told, the process and the one after it agree, and whoever
// asks again comes to a clear end.
func TestEachWriteOfAddingFails(t *testing.T) {
	storetest.EachWriteTwice(t, func(testing.TB) store.Store { return memory.New() }, func(t *testing.T, s *storetest.Faulty) {
		f := process(t, s)
		bad := wanted("porch", "home")
		bad.Config = json.RawMessage(`{"watts":0}`)
		if _, err := f.Add(t.Context(), bad); !errors.Is(err, ErrConfig) && !errors.Is(err, store.ErrUncertain) {
			t.Fatalf("a bad configuration: %v", err)
		}
		_, err := f.Add(t.Context(), wanted("porch", "home"))
		_, runs := f.Device("porch")
		if runs != (err == nil) {
			t.Fatalf("told %v, and it runs: %v", err, runs)
		}
		if errors.Is(err, store.ErrUncertain) {
			add(t, f, wanted("porch", "home"))
			runs = true
		}
		if _, after := process(t, s).Device("porch"); after != runs {
			t.Fatalf("it ran before the restart: %v, after: %v", runs, after)
		}
	})
}

func TestRunListensToEveryDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		register := memory.New()
		add(t, process(t, register), wanted("attic", "home"))
		f := process(t, register)
		var mu sync.Mutex
		heard := map[event.DeviceID]event.SiteID{}
		ended := 0
		listen := func(ctx context.Context, at event.SiteID, dev device.Device) error {
			mu.Lock()
			heard[dev.Spec().Device] = at
			mu.Unlock()
			if dev.Spec().Device == "deaf" {
				return errors.New("it says nothing")
			}
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			ended++
			return ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Run(ctx, listen)
		}()
		synctest.Wait()
		add(t, f, wanted("porch", "neighbour"))
		add(t, f, wanted("deaf", "home"))
		synctest.Wait()
		mu.Lock()
		if len(heard) != 3 || heard["attic"] != "home" || heard["porch"] != "neighbour" {
			t.Errorf("listened to %v", heard)
		}
		mu.Unlock()
		cancel()
		<-done
		if ended != 2 {
			t.Errorf("Run returned while %d of 2 still listened", 2-ended)
		}
		add(t, f, wanted("late", "home"))
		synctest.Wait()
		if _, ok := heard["late"]; ok {
			t.Error("a device that was added after the end is listened to")
		}
	})
}

// TestAddingWhileTheProcessEnds is for the race detector: every listener that begins is waited for.
func TestAddingWhileTheProcessEnds(t *testing.T) {
	for range 200 {
		f := process(t, memory.New())
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var under []event.DeviceID
		listen := func(ctx context.Context, _ event.SiteID, dev device.Device) error {
			mu.Lock()
			under = append(under, dev.Spec().Device)
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			under = slices.DeleteFunc(under, func(id event.DeviceID) bool { return id == dev.Spec().Device })
			return nil
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() { add(t, f, wanted(event.DeviceID(fmt.Sprint("lamp ", i)), "home")) })
		}
		all.Go(cancel)
		f.Run(ctx, listen)
		mu.Lock()
		if len(under) != 0 {
			t.Fatalf("still listening to %v", under)
		}
		mu.Unlock()
		all.Wait()
	}
}

func TestWhoseDevicesTheseAre(t *testing.T) {
	f := process(t, memory.New())
	for id, at := range map[event.DeviceID]event.SiteID{"b": "home", "a": "home", "c": "other"} {
		if _, err := f.Add(t.Context(), Record{ID: id, Site: at, Connector: "lamp", Config: json.RawMessage(`{"watts":` + fmt.Sprint(10+id[0]) + `}`)}); err != nil {
			t.Fatal(err)
		}
	}
	var ids []event.DeviceID
	for _, r := range f.At("home") {
		ids = append(ids, r.ID)
	}
	if !slices.Equal(ids, []event.DeviceID{"a", "b"}) {
		t.Errorf("at home there are %v", ids)
	}
	if r, held := f.Holds("lamp", json.RawMessage(`{"watts":109}`)); !held || r.ID != "c" {
		t.Errorf("held as %+v", r)
	}
	if r, held := f.Holds("lamp", json.RawMessage(`{"watts":1}`)); held {
		t.Errorf("held as %+v", r)
	}
	if r, held := f.Holds("torch", json.RawMessage(`{"watts":109}`)); held {
		t.Errorf("another connector's is held as %+v", r)
	}
}

// What is removed is not listened to any more, is gone after a restart, and can be added again.
func TestADeviceIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		register := memory.New()
		f := process(t, register)
		add(t, f, wanted("porch", "home"))
		add(t, f, wanted("attic", "home"))
		ended := make(chan event.DeviceID, 2)
		listen := func(ctx context.Context, _ event.SiteID, dev device.Device) error {
			<-ctx.Done()
			ended <- dev.Spec().Device
			return ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Run(ctx, listen)
		}()
		synctest.Wait()
		f.Note(ctx, "porch", event.Observation{Origin: event.OriginLive, ReceivedAt: 5, Battery: 80})
		for range 2 { // it may be repeated
			if err := f.Remove(ctx, "porch"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(ended) != 1 || <-ended != "porch" {
			t.Error("it is still listened to, or another is not")
		}
		if _, there := f.Device("porch"); there || f.Health("porch").Battery != 0 {
			t.Error("it is still there")
		}
		cancel()
		<-done
		again := process(t, register)
		if _, there := again.Device("porch"); there || again.Health("porch").Heard != 0 {
			t.Error("it is there after a restart")
		}
		if _, there := again.Device("attic"); !there {
			t.Error("another one is gone")
		}
		add(t, again, wanted("porch", "neighbour"))
	})
}

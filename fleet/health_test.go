package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

const noon = event.Instant(20_000*24*60*60*1000 + 12*60*60*1000)

func said(at event.Instant, battery int) event.Observation {
	return event.Observation{Device: "porch", ReceivedAt: at, Origin: event.OriginLive, Battery: battery}
}

func TestHealthKeepsOneChargeADay(t *testing.T) {
	var h Health
	for _, o := range []event.Observation{
		said(noon, 80), said(noon.Add(event.Hour), 0), said(noon.Add(2*event.Hour), 79), said(noon.Add(event.Day), 70),
	} {
		h = h.noted(o)
	}
	midnight := noon.Add(-12 * event.Hour)
	want := []Charge{{midnight, 79}, {midnight.Add(event.Day), 70}}
	if h.Battery != 70 || h.Heard != noon.Add(event.Day) || !slices.Equal(h.Charges, want) {
		t.Errorf("%+v", h)
	}
}

func TestHealthHearsOnlyWhatSpeaksForNow(t *testing.T) {
	stored, cached, gone := said(noon, 50), said(noon, 50), said(noon, 50)
	stored.Origin, cached.Origin, gone.Reach = event.OriginRetained, event.OriginCached, event.ReachOffline
	for _, o := range []event.Observation{stored, cached, gone} {
		if h := (Health{}).noted(o); h.Heard != 0 || h.Battery != 0 {
			t.Errorf("%+v made %+v", o, h)
		}
	}
}

// Whatever is heard, in whatever order: a month of days at most, ascending, and what was heard never goes back.
func TestHealthStaysBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h Health
		for range rapid.IntRange(0, 80).Draw(t, "reports") {
			before := h
			at := noon.Add(event.Millis(rapid.IntRange(0, 90).Draw(t, "day")) * event.Day)
			h = h.noted(said(at, rapid.IntRange(0, 100).Draw(t, "battery")))
			if h.Heard < before.Heard {
				t.Fatalf("heard went back from %v to %v", before.Heard, h.Heard)
			}
		}
		sorted := slices.IsSortedFunc(h.Charges, func(a, b Charge) int { return int(a.Day - b.Day) })
		if len(h.Charges) > mostDays || !sorted {
			t.Fatalf("%+v", h.Charges)
		}
	})
}

// bell is a device that reports what the test says.
type bell struct {
	lamp
	says chan event.Observation
}

func (b *bell) Watch(ctx context.Context, sink func(event.Observation)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-b.says:
			sink(o)
		}
	}
}

func TestReportsAreNotedAsTheyPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		register := memory.New()
		f := process(t, register)
		b := &bell{lamp{"porch"}, make(chan event.Observation)}
		ctx, cancel := context.WithCancel(t.Context())
		done, passed := make(chan struct{}), 0
		go func() {
			defer close(done)
			f.Run(ctx, func(ctx context.Context, _ event.SiteID, dev device.Device) error {
				return dev.(device.Watcher).Watch(ctx, func(event.Observation) { passed++ })
			})
		}()
		f.start(running{wanted("porch", "home"), b})
		b.says <- said(noon, 44)
		synctest.Wait()
		if h := f.Health("porch"); passed != 1 || h.Battery != 44 || h.Heard != noon {
			t.Errorf("passed on %d times, noted as %+v", passed, h)
		}
		if h := process(t, register).Health("porch"); h.Battery != 44 || h.Heard != noon {
			t.Errorf("after a restart %+v", h)
		}
		cancel()
		<-done
	})
}

// van is a car that rings.
type van struct{ *bell }

func (v van) Spec() event.Spec { return event.Spec{Device: "porch", Reveals: event.RevealsTrunk} }

// How far a car is charged is nobody's business.
func TestACarsChargeIsNotNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := process(t, memory.New())
		b := &bell{lamp{"porch"}, make(chan event.Observation)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Run(ctx, func(ctx context.Context, _ event.SiteID, dev device.Device) error {
				return dev.(device.Watcher).Watch(ctx, func(event.Observation) {})
			})
		}()
		f.start(running{wanted("porch", "home"), van{b}})
		b.says <- said(noon, 44)
		synctest.Wait()
		if h := f.Health("porch"); h.Battery != 0 || h.Heard != noon {
			t.Errorf("noted as %+v", h)
		}
		cancel()
		<-done
	})
}

func TestHealthIsKeptAtMostOnceAnHour(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	versions := func() uint64 {
		r, err := register.Get(t.Context(), healthKind, "porch")
		if err != nil {
			t.Fatal(err)
		}
		return r.Version
	}
	for minute := range 60 {
		f.Note(t.Context(), "porch", said(noon.Add(event.Millis(minute)*event.Minute), 50))
	}
	if v := versions(); v != 1 {
		t.Errorf("written %d times in an hour", v)
	}
	f.Note(t.Context(), "porch", said(noon.Add(event.Hour), 50))
	if v := versions(); v != 2 {
		t.Errorf("written %d times after an hour", v)
	}
}

// Another process heard the same device: what this one hears is kept with the next report.
func TestHealthIsSharedByProcesses(t *testing.T) {
	register := memory.New()
	one, other := process(t, register), process(t, register)
	one.Note(t.Context(), "porch", said(noon, 60))
	other.Note(t.Context(), "porch", said(noon.Add(hours(2)), 59))
	other.Note(t.Context(), "porch", said(noon.Add(hours(4)), 58))
	if h := process(t, register).Health("porch"); h.Battery != 58 {
		t.Errorf("kept %+v", h)
	}
}

func hours(n int) event.Millis { return event.Millis(n) * event.Hour }

func TestHealthSurvivesAnUnreadableRecord(t *testing.T) {
	register := memory.New()
	if _, err := register.Put(t.Context(), store.Record{Kind: healthKind, ID: "porch", Data: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	f := process(t, register)
	f.Note(t.Context(), "porch", said(noon, 60))
	if h := process(t, register).Health("porch"); h.Battery != 60 {
		t.Errorf("kept %+v", h)
	}
}

// A store that fails loses a note and nothing else.
func TestHealthWithoutAStore(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	if err := register.Close(); err != nil {
		t.Fatal(err)
	}
	f.Note(t.Context(), "porch", said(noon, 60))
	if h := f.Health("porch"); h.Battery != 60 {
		t.Errorf("noted %+v", h)
	}
	if err := f.loadHealths(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("loading: %v", err)
	}
}

func TestRecordsListsEveryDeviceInOrder(t *testing.T) {
	register := memory.New()
	f := process(t, register)
	for i := range 5 {
		add(t, f, wanted(event.DeviceID(fmt.Sprint("lamp ", 4-i)), "home"))
	}
	broken := store.Record{Kind: recordKind, ID: "candle", Data: []byte(`{"id":"candle","site":"home","connector":"candle"}`)}
	if _, err := register.Put(t.Context(), broken); err != nil {
		t.Fatal(err)
	}
	again := process(t, register).Records()
	if len(again) != 6 || again[0].ID != "candle" || again[0].Usable || again[5].ID != "lamp 4" || !again[5].Usable {
		t.Errorf("%+v", again)
	}
}

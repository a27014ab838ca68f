package dispatch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// TestTimeDecidesAtTheInstant: an opened door that nobody shuts is an alarm after the dwell, which climbs, to the
// millisecond; also when that is sooner than the next look at the deadlines would be.
func TestTimeDecidesAtTheInstant(t *testing.T) {
	for _, dwell := range []event.Millis{event.Second, 5 * event.Minute} {
		t.Run(dwell.Duration().String(), func(t *testing.T) { alarmAfter(t, dwell, dwell+500) })
	}
}

func alarmAfter(t *testing.T, dwell, climb event.Millis) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		w.do(d, "home", member(h.member), site.SetRules{Rules: event.Rules{Dwell: dwell, Climb: climb}})
		end := w.run(d)
		defer end()
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		pass(1234 * time.Millisecond)
		opened := event.InstantOf(time.Now())
		w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		synctest.Wait()
		h.door.push()
		pass(time.Hour)
		synctest.Wait()
		var raised []event.Instant
		for _, e := range w.journal("home") {
			if _, ok := e.Body.(event.AlarmRaised); ok {
				raised = append(raised, e.At)
			}
		}
		first := opened.Add(dwell)
		if want := []event.Instant{first, first.Add(climb), first.Add(2 * climb)}; !slices.Equal(raised, want) {
			t.Errorf("raised at %v, want %v", raised, want)
		}
	})
}

// TestADeadlineThatDecidesNothing is tried again, but not at once: the store's deadline is not the state's.
func TestADeadlineThatDecidesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &stale{Store: memory.New()}
		w := newTown(t, s)
		w.ready(event.PermitRemote)
		s.due = []store.Due{{Site: "home", At: event.InstantOf(time.Now())}}
		end := w.run(w.process())
		defer end()
		pass(time.Minute)
		if s.asked() > 1000 {
			t.Errorf("the deadlines were read %d times in a minute", s.asked())
		}
	})
}

// stale is a store that names the same deadline for ever.
type stale struct {
	store.Store
	mu  sync.Mutex
	due []store.Due
	n   int
}

func (s *stale) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *stale) Deadlines(ctx context.Context, now event.Instant, limit int) ([]store.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return s.due, nil
}

// TestManyDeadlinesAtOnce: more sites than one look takes, all at their instant.
func TestManyDeadlinesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newArena(t, 0, func(w *town, d *Dispatcher) {
			h := w.household(d, mould)
			w.placeBehind(d, &h, event.PermitRemote)
			now := event.InstantOf(time.Now())
			w.do(d, mould, merchant(), site.Book{Merchant: "flora", Carrier: "swift", AccessPoint: h.place, Window: event.Span{From: now, To: now.Add(event.Hour)},
				Parcels: []event.Parcel{{Code: "parcel", Size: event.SizeSmall}}})
		})
		due := event.InstantOf(time.Now()).Add(event.Hour)
		const many = 2*ticksAtOnce + 7
		for n := range many {
			a.copy(n)
		}
		end := a.run(a.process())
		defer end()
		pass(time.Hour)
		synctest.Wait()
		for n := range many {
			events := a.journal(siteName(n))
			last := events[len(events)-1]
			if last.Body.Kind() != "delivery.expired" || last.At != due {
				t.Fatalf("site %d: %s at %s, due at %s", n, last.Body.Kind(), last.At, due)
			}
		}
	})
}

// TestTwoProcessesTickOneStore: each deadline decides once.
func TestTwoProcessesTickOneStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.ready(event.PermitRemote)
		for range 2 {
			end := w.run(w.process())
			defer end()
		}
		pass(24 * time.Hour)
		synctest.Wait()
		n := 0
		for _, e := range w.journal("home") {
			if _, ok := e.Body.(event.DeliveryExpired); ok {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the delivery expired %d times", n)
		}
	})
}

func TestValuesAreErasedInTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.ready(event.PermitRemote)
		d := w.process()
		soon, later := event.InstantOf(time.Now().Add(90*time.Second)), event.InstantOf(time.Now().Add(time.Hour))
		attach := func(Result) (Attachments, error) {
			var values []store.Value
			for i := range 1200 {
				values = append(values, store.Value{Name: "soon" + string(rune('a'+i%26)) + time.Duration(i).String(), Sealed: []byte("x"), EraseAt: soon})
			}
			return Attachments{Values: append(values, store.Value{Name: "later", Sealed: []byte("y"), EraseAt: later})}, nil
		}
		if _, err := d.Do(t.Context(), "home", site.Command{Facts: operator(), Do: site.Tick{}}, attach); err != nil {
			t.Fatal(err)
		}
		end := w.run(d)
		defer end()
		for _, c := range []struct {
			after time.Duration
			kept  bool
		}{{80 * time.Second, true}, {60 * time.Second, false}} {
			pass(c.after)
			synctest.Wait()
			_, err := w.store.Value(t.Context(), "home", "soona0s")
			if errors.Is(err, store.ErrNotFound) == c.kept {
				t.Errorf("kept: %v", err)
			}
		}
		if n, err := w.store.Sweep(t.Context(), soon); n != 0 || err != nil {
			t.Errorf("%d were left, %v", n, err)
		}
		if _, err := w.store.Value(t.Context(), "home", "later"); err != nil {
			t.Errorf("erased before its time: %v", err)
		}
	})
}

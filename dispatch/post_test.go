package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

// write puts letters into the store, due now, each "<from>-<seq>" to a site.
func (w *town) write(letters ...[2]string) {
	w.t.Helper()
	for _, x := range letters {
		from, seq, _ := strings.Cut(x[0], "-")
		data, err := json.Marshal(letter{From: event.SiteID(from), To: event.SiteID(x[1]), End: &site.EndLease{Lease: "nowhere-l1"}})
		if err != nil {
			w.t.Fatal(err)
		}
		id := fmt.Sprintf("%s-%019s-letter", from, seq)
		a := store.Append{Site: event.SiteID(from), Work: []store.Work{{ID: id, Site: event.SiteID(from), Kind: workLetter,
			Due: event.InstantOf(time.Now()), Data: data}}}
		if err := w.store.Append(w.t.Context(), a); err != nil {
			w.t.Fatal(err)
		}
	}
}

// mailbox keeps which letters were brought, the first time, by route.
type mailbox struct {
	mu  sync.Mutex
	all map[route][]string
}

// openMailbox lets a process bring letters by a handler.
func openMailbox(d *Dispatcher, deliver Handler) *mailbox {
	m := &mailbox{all: map[route][]string{}}
	m.serve(d, deliver)
	return m
}

func (m *mailbox) serve(d *Dispatcher, deliver Handler) {
	d.trades[workLetter] = d.letters(func(ctx context.Context, w store.Work) error {
		if err := deliver(ctx, w); err != nil {
			return err
		}
		l, err := readLetter(w)
		m.mu.Lock()
		defer m.mu.Unlock()
		if r := (route{l.From, l.To}); !slices.Contains(m.all[r], w.ID) {
			m.all[r] = append(m.all[r], w.ID)
		}
		return err
	})
}

func (m *mailbox) of(from, to event.SiteID) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.all[route{from, to}])
}

// TestALetterThatFailsHoldsBackThoseBehindIt, and no others; once it is there they follow at once.
func TestALetterThatFailsHoldsBackThoseBehindIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.write([2]string{"a-9", "b"}, [2]string{"a-10", "b"}, [2]string{"a-11", "c"}, [2]string{"b-1", "a"})
		d, began := w.process(), time.Now()
		var last atomic.Int64
		box := openMailbox(d, func(_ context.Context, work store.Work) error {
			if strings.HasSuffix(work.ID, "09-letter") && work.Attempts < 5 {
				return errors.New("the site is too busy")
			}
			if strings.HasPrefix(work.ID, "a") && strings.HasSuffix(work.ID, "10-letter") {
				last.Store(time.Now().UnixNano())
			}
			return nil
		})
		end := w.run(d)
		pass(500 * time.Millisecond)
		if box.of("a", "b") != nil || len(box.of("a", "c")) != 1 || len(box.of("b", "a")) != 1 {
			t.Errorf("brought at first: %v", box.all)
		}
		w.write([2]string{"a-12", "b"})
		pass(time.Minute)
		end()
		if got := box.of("a", "b"); len(got) != 3 || !slices.IsSorted(got) {
			t.Errorf("brought: %v", got)
		}
		if took := time.Unix(0, last.Load()).Sub(began); took > 20*time.Second {
			t.Errorf("the second came %s after the beginning", took)
		}
		w.noWorkLeft()
	})
}

// TestTheNextProcessKeepsTheOrder: it was not there when a letter failed.
func TestTheNextProcessKeepsTheOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.write([2]string{"a-1", "b"})
		now := event.InstantOf(time.Now())
		if err := w.store.Postpone(t.Context(), "a-0000000000000000001-letter", now.Add(5*event.Minute)); err != nil {
			t.Fatal(err)
		}
		w.write([2]string{"a-2", "b"}, [2]string{"a-3", "b"}, [2]string{"a-4", "c"})
		d := w.process()
		box := openMailbox(d, func(context.Context, store.Work) error { return nil })
		end := w.run(d)
		pass(500 * time.Millisecond)
		if box.of("a", "b") != nil || len(box.of("a", "c")) != 1 {
			t.Errorf("brought at first: %v", box.all)
		}
		pass(6 * time.Minute)
		end()
		if got := box.of("a", "b"); len(got) != 3 || !slices.IsSorted(got) {
			t.Errorf("brought: %v", got)
		}
		w.noWorkLeft()
	})
}

// TestWhatAnotherProcessBroughtHoldsNothingBack.
func TestWhatAnotherProcessBroughtHoldsNothingBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.write([2]string{"a-1", "b"})
		d := w.process()
		box := openMailbox(d, func(_ context.Context, work store.Work) error {
			if strings.HasSuffix(work.ID, "1-letter") {
				return errors.New("no")
			}
			return nil
		})
		end := w.run(d)
		defer end()
		pass(10 * time.Second)
		if err := w.store.Finish(t.Context(), "a-0000000000000000001-letter"); err != nil {
			t.Fatal(err)
		}
		w.write([2]string{"a-2", "b"})
		pass(10 * time.Second)
		if got := box.of("a", "b"); len(got) != 1 {
			t.Errorf("brought: %v", got)
		}
	})
}

// TestLettersOfAnotherReleaseHoldNothingBack, and stay.
func TestLettersOfAnotherReleaseHoldNothingBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		for n, data := range []string{`{"from":"a","to":"b","song":{}}`, `{`} {
			work := store.Work{ID: fmt.Sprintf("a-000000000000000000%d-letter", n), Site: "a", Kind: workLetter, Due: event.InstantOf(time.Now()), Data: []byte(data)}
			if err := w.store.Append(t.Context(), store.Append{Site: "a", Work: []store.Work{work}}); err != nil {
				t.Fatal(err)
			}
		}
		w.write([2]string{"a-2", "b"})
		d := w.process()
		box := openMailbox(d, func(context.Context, store.Work) error { return nil })
		end := w.run(d)
		pass(10 * time.Second)
		end()
		if got := box.of("a", "b"); len(got) != 1 {
			t.Errorf("brought: %v", got)
		}
		later := event.InstantOf(time.Now()).Add(event.Hour)
		if left, err := w.store.Claim(t.Context(), []string{workLetter}, later, later+1, 10); err != nil || len(left) != 2 {
			t.Errorf("%d letters are left (%v)", len(left), err)
		}
	})
}

// TestLettersStayInOrder, whatever fails: the sites, the store, the process.
func TestLettersStayInOrder(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { lettersInOrder(t, rand.New(rand.NewPCG(seed, 3)).IntN) })
		})
	}
}

func lettersInOrder(t *testing.T, random func(int) int) {
	var mu sync.Mutex
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random(n)
	}
	w := newTown(t, memory.New())
	f := storetest.NewFaulty(w.store)
	for range 10 {
		f.FailAt(1+draw(100), storetest.Fault(1+draw(2)))
	}
	box := &mailbox{all: map[route][]string{}}
	deliver := func(_ context.Context, work store.Work) error {
		if work.Attempts < 6 && draw(3) == 0 {
			return errors.New("no")
		}
		return nil
	}
	for n := 0; n < 30; {
		d := w.process(f)
		box.serve(d, deliver)
		end := w.run(d)
		for range 1 + draw(10) {
			n++
			from, to := string("ab"[draw(2)]), string("cd"[draw(2)])
			w.write([2]string{fmt.Sprint(from, "-", n), to})
			pass(time.Duration(draw(3000)) * time.Millisecond)
		}
		if draw(2) == 0 {
			pass(time.Minute)
		}
		end()
	}
	d := w.process(f)
	box.serve(d, deliver)
	end := w.run(d)
	pass(30 * time.Minute)
	end()
	w.noWorkLeft()
	for r, ids := range box.all {
		if !slices.IsSorted(ids) {
			t.Errorf("%v: %v", r, ids)
		}
	}
}

// TestWhatALentDoorSaysArrivesInOrder, whichever write of either site's fails once.
func TestWhatALentDoorSaysArrivesInOrder(t *testing.T) {
	storetest.EachWriteTwice(t, func(testing.TB) store.Store { return memory.New() }, func(t *testing.T, f *storetest.Faulty) {
		bubble(t, func(t *testing.T) {
			w := newTown(t, f.Store)
			flat, tower := w.building()
			d := w.process()
			end := w.run(d)
			visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
			w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
			until(t, "the lobby is opened", func() bool { return len(every[event.OpeningResolved](w.journal("flat"))) > 0 })
			synctest.Wait()
			end()
			before := len(w.journal("tower"))
			d = w.process(f)
			end = w.run(d)
			defer end()
			for _, o := range []event.Observation{{Contact: event.ContactOpen}, {Contact: event.ContactClosed}, {Bolt: event.BoltLocked}, {Bolt: event.BoltUnlocked}} {
				pass(10 * time.Millisecond)
				o.Device, o.Origin, o.ReceivedAt = tower.door.Spec().Device, event.OriginLive, event.InstantOf(time.Now())
				if err := d.Heard(t.Context(), "tower", o); err != nil {
					t.Fatal(err)
				}
			}
			pass(2 * claimFor.Duration())
			synctest.Wait()
			var said, heard []event.Observation
			for _, b := range every[event.BarrierObserved](w.journal("tower")[before:]) {
				said = append(said, b.Observation)
			}
			for _, b := range every[event.BarrierObserved](w.journal("flat")) {
				if b.Barrier == tower.barrier && slices.Contains(said, b.Observation) && !slices.Contains(heard, b.Observation) {
					heard = append(heard, b.Observation)
				}
			}
			if len(said) < 4 || !slices.Equal(said[:4], heard[:min(4, len(heard))]) {
				t.Errorf("the lobby said %+v, and the flat heard %+v", said, heard)
			}
		})
	})
}

// TestALetterThatIsRefusedForGood is dropped with a word in the log, and whoever waits for what it brings hears that
// it does not come. Those behind it go on.
func TestALetterThatIsRefusedForGood(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, tower := w.building()
		d := w.process()
		var log bytes.Buffer
		d.log = slog.New(slog.NewTextHandler(&log, nil))
		visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
		asked := the[event.LeaseAsked](t, w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}))
		spoilt := letter{From: "tower", To: "flat", Receive: &site.ReceiveLease{Lease: asked.Lease, Barrier: tower.barrier, Until: -1}}
		foreign := letter{From: "tower", To: "flat", Observe: &site.Observe{Barrier: flat.barrier}}
		for _, l := range []letter{spoilt, foreign} {
			data, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			log.Reset()
			if err := d.deliver(t.Context(), store.Work{ID: "tower-99-letter", Site: "tower", Kind: workLetter, Data: data}); err != nil {
				t.Errorf("it would be tried for ever: %v", err)
			}
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "tower-99-letter") {
				t.Errorf("the log says %q", log.String())
			}
		}
		if denied := the[event.LeaseDenied](t, w.journal("flat")); denied.Lease != asked.Lease {
			t.Errorf("denied: %+v", denied)
		}
	})
}

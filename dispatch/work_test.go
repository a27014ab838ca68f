package dispatch

import (
	"context"
	"errors"
	"fmt"
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
)

// put stores work of a kind, due now.
func (w *town) put(ids ...string) {
	w.t.Helper()
	a := store.Append{Site: "depot"}
	for _, id := range ids {
		a.Work = append(a.Work, store.Work{ID: "depot-" + id, Site: "depot", Kind: WorkTell, Due: event.InstantOf(time.Now())})
	}
	if err := w.store.Append(w.t.Context(), a); err != nil {
		w.t.Fatal(err)
	}
}

// tries keeps when each piece of work was tried.
type attempts struct {
	mu sync.Mutex
	at map[string][]time.Time
}

func (a *attempts) note(id string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at = map[string][]time.Time{}
	}
	a.at[id] = append(a.at[id], time.Now())
	return len(a.at[id])
}

func TestWorkIsTriedAgainLaterEachTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.put("w")
		var seen attempts
		d := w.process()
		d.Handle(WorkTell, func(context.Context, store.Work) error {
			if seen.note("w") == 2 {
				panic("a nil map")
			}
			return errors.New("no answer")
		})
		end := w.run(d)
		pass(time.Hour)
		end()
		var gaps []time.Duration
		for i, at := range seen.at["w"][1:] {
			gaps = append(gaps, at.Sub(seen.at["w"][i]).Round(time.Second))
		}
		var want []time.Duration
		for _, seconds := range []int64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600} {
			want = append(want, time.Unix(seconds, 0).Sub(time.Unix(0, 0)))
		}
		if !slices.Equal(gaps, want) {
			t.Errorf("tried again after %v", gaps)
		}
	})
}

func TestPauseStaysInItsBounds(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 2, 10, 11, 100, 1 << 40} {
		if p := pause(n); p < event.Second || p > 10*event.Minute {
			t.Errorf("after %d attempts: %s", n, p.Duration())
		}
	}
}

// TestWorkOutlivesItsProcess: one that claimed it and died, or is stuck in it.
func TestWorkOutlivesItsProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.put("w")
		now := event.InstantOf(time.Now())
		if _, err := w.store.Claim(t.Context(), []string{WorkTell}, now, now.Add(claimFor), 1); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var seen attempts
		d := w.process()
		d.Handle(WorkTell, func(ctx context.Context, work store.Work) error {
			if seen.note(work.ID) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		end := w.run(d)
		defer end()
		until(t, "the work is done", func() bool { next, _ := w.store.NextWork(t.Context(), []string{WorkTell}); return next == 0 })
		at := seen.at["depot-w"]
		if len(at) != 2 || at[0].Sub(began) != claimFor.Duration() || at[1].Sub(at[0]) != workTimeout+2*time.Second {
			t.Errorf("tried at %v, from %v on", at, began)
		}
	})
}

// TestASlowWebhookKeepsNoDoorWaiting: every place of one kind is taken for as long as it may be, and a visit
// goes its way all the same.
func TestASlowWebhookKeepsNoDoorWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		for i := range 3 * workAtOnce {
			w.put(fmt.Sprint("w", i))
		}
		var under, most atomic.Int32
		d := w.process()
		d.Handle(WorkTell, func(ctx context.Context, _ store.Work) error {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			<-ctx.Done()
			return nil
		})
		end := w.run(d)
		began := time.Now()
		(&phone{town: w, home: h, server: always(d)}).deliver()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the visit took %s", took)
		}
		pass(5 * workTimeout)
		synctest.Wait()
		if next, err := w.store.NextWork(t.Context(), []string{WorkTell}); next != 0 || err != nil || most.Load() > workAtOnce {
			t.Errorf("work is left: %s, error %v; %d were under way at once", next, err, most.Load())
		}
		end()
	})
}

// TestAClaimLastsForTheAttempt: what waits for a place, while one after the other becomes free, is not claimed,
// so that nobody does it a second time.
func TestAClaimLastsForTheAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		for i := range 4 * workAtOnce {
			w.put(fmt.Sprint("w", i))
		}
		var seen attempts
		slow := func(ctx context.Context, work store.Work) error {
			seen.note(work.ID)
			takes := workTimeout - time.Second
			if strings.HasSuffix(work.ID, "7") {
				takes = time.Second
			}
			select {
			case <-time.After(takes):
			case <-ctx.Done():
			}
			return nil
		}
		for range 2 {
			d := w.process()
			d.Handle(WorkTell, slow)
			end := w.run(d)
			defer end()
		}
		pass(10 * workTimeout)
		synctest.Wait()
		seen.mu.Lock()
		defer seen.mu.Unlock()
		for id, at := range seen.at {
			if len(at) != 1 {
				t.Fatalf("%s was done %d times, at %v", id, len(at), at)
			}
		}
		if len(seen.at) != 4*workAtOnce {
			t.Errorf("%d pieces were done", len(seen.at))
		}
	})
}

// TestWorkThatIsDoneWhileTheProcessEnds is put away, so that the next does not do it again.
func TestWorkThatIsDoneWhileTheProcessEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.put("w")
		d := w.process()
		d.Handle(WorkTell, func(ctx context.Context, _ store.Work) error {
			<-ctx.Done()
			return nil
		})
		end := w.run(d)
		synctest.Wait()
		end()
		if next, err := w.store.NextWork(t.Context(), []string{WorkTell}); next != 0 || err != nil {
			t.Errorf("left, due %s; error %v", next, err)
		}
	})
}

// flaky is a store whose calls fail while it is told so.
type flaky struct {
	store.Store
	err   atomic.Pointer[error]
	calls atomic.Int64
}

func (f *flaky) fail(err error) { f.err.Store(&err) }

func (f *flaky) now() error {
	f.calls.Add(1)
	if p := f.err.Load(); p != nil {
		return *p
	}
	return nil
}

func (f *flaky) Append(ctx context.Context, a store.Append) error {
	if err := f.now(); err != nil {
		return err
	}
	return f.Store.Append(ctx, a)
}

func (f *flaky) Claim(ctx context.Context, kinds []string, now, again event.Instant, limit int) ([]store.Work, error) {
	if err := f.now(); err != nil {
		return nil, err
	}
	return f.Store.Claim(ctx, kinds, now, again, limit)
}

func (f *flaky) NextWork(ctx context.Context, kinds []string) (event.Instant, error) {
	if err := f.now(); err != nil {
		return 0, err
	}
	return f.Store.NextWork(ctx, kinds)
}

func (f *flaky) Deadlines(ctx context.Context, now event.Instant, limit int) ([]store.Due, error) {
	if err := f.now(); err != nil {
		return nil, err
	}
	return f.Store.Deadlines(ctx, now, limit)
}

func (f *flaky) NextDeadline(ctx context.Context) (event.Instant, error) {
	if err := f.now(); err != nil {
		return 0, err
	}
	return f.Store.NextDeadline(ctx)
}

func (f *flaky) Sweep(ctx context.Context, now event.Instant) (int, error) {
	if err := f.now(); err != nil {
		return 0, err
	}
	return f.Store.Sweep(ctx, now)
}

// TestNoBusyLoop: neither when there is nothing to do nor while the store fails.
func TestNoBusyLoop(t *testing.T) {
	for _, err := range []error{nil, store.ErrFull} {
		bubble(t, func(t *testing.T) {
			f := &flaky{Store: memory.New()}
			w := newTown(t, f)
			w.ready(event.PermitRemote)
			end := w.run(w.process())
			synctest.Wait()
			before := f.calls.Load()
			if err != nil {
				f.fail(err)
			}
			pass(time.Minute)
			end()
			// Six loops look once in five seconds, or once a second while something fails.
			if calls := f.calls.Load() - before; calls > 600 {
				t.Errorf("%d calls in a minute with %v", calls, err)
			}
		})
	}
}

// TestAnOutcomeOutlivesAFullStore: what the door answered is kept in hand until there is room.
func TestAnOutcomeOutlivesAFullStore(t *testing.T) {
	for _, full := range []error{store.ErrFull, store.ErrUncertain} {
		bubble(t, func(t *testing.T) {
			f := &flaky{Store: memory.New()}
			w := newTown(t, f)
			h, _ := w.ready(event.PermitRemote)
			h.door.mute = true
			h.door.answer = func(context.Context, event.PermitID) (event.Outcome, error) {
				f.fail(full)
				return event.NotDone, errors.New("the bolt is blocked")
			}
			d := w.process()
			end := w.run(d)
			visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
			w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
			pass(10 * time.Second)
			if _, resolved := first[event.OpeningResolved](w.journal("home")); resolved {
				t.Fatal("a full store took the outcome")
			}
			f.err.Store(nil)
			until(t, "the outcome is recorded", func() bool { _, ok := first[event.OpeningResolved](w.journal("home")); return ok })
			if r := the[event.OpeningResolved](t, w.journal("home")); r.Outcome != event.NotDone || r.By != event.ByAnswer {
				t.Errorf("recorded: %+v", r)
			}
			end()
		})
	}
}

// TestRunEndsAfterWhatIsUnderWay: a command to a barrier comes to its end, and its outcome to the journal, when
// the process is told to end in the middle; afterwards nothing is decided any more.
func TestRunEndsAfterWhatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		h.door.answer = func(ctx context.Context, _ event.PermitID) (event.Outcome, error) {
			select {
			case <-time.After(7 * time.Second):
				return event.Done, nil
			case <-ctx.Done():
				return event.Unknown, ctx.Err()
			}
		}
		d := w.process()
		end := w.run(d)
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		asked, cancel := context.WithCancel(t.Context())
		if _, err := d.Do(asked, "home", site.Command{Facts: w.courier("anna"), Do: site.Scan{Visit: visit, Parcel: "parcel"}}); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		began := time.Now()
		end()
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("Run ended after %s", took)
		}
		if r := the[event.OpeningResolved](t, w.journal("home")); r.Outcome != event.Done || r.By != event.ByAnswer {
			t.Errorf("recorded: %+v", r)
		}
		if _, err := d.Do(t.Context(), "home", site.Command{Facts: operator(), Do: site.Tick{}}); !errors.Is(err, store.ErrClosed) {
			t.Errorf("decided after the end: %v", err)
		}
	})
}

// TestDoingWhileTheProcessEnds is for the race detector: each permit is redeemed before Run returns, or never made.
func TestDoingWhileTheProcessEnds(t *testing.T) {
	a := newArena(t, 0, atTheDoor)
	for n := range 100 {
		id := a.copy(n)
		d := a.process()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := d.Do(t.Context(), id, site.Command{Facts: a.courier("anna"), Do: site.Scan{Visit: a.state(id).Visits[0].ID, Parcel: "parcel"}})
			if err != nil && !errors.Is(err, store.ErrClosed) {
				t.Error(err)
			}
		})
		all.Go(cancel)
		if err := d.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		sent := a.opensOf(id)
		all.Wait()
		_, intended := first[event.OpeningIntended](a.journal(id))
		if (sent == 1) != intended || a.opensOf(id) != sent {
			t.Fatalf("intended: %v; %d commands when Run returned, %d later", intended, sent, a.opensOf(id))
		}
	}
}

// TestACallerWhoGoesAway in the middle of the commit leaves no intent without a permit.
func TestACallerWhoGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &leaving{Store: memory.New()}
		w := newTown(t, s)
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		ctx, cancel := context.WithCancel(t.Context())
		s.leave.Store(&cancel)
		if _, err := d.Do(ctx, "home", site.Command{Facts: w.courier("anna"), Do: site.Scan{Visit: visit, Parcel: "parcel"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(h.door.opens) != 1 {
			t.Errorf("opened %d times", len(h.door.opens))
		}
		if _, err := d.Do(ctx, "home", site.Command{Facts: operator(), Do: site.Suspend{Courier: "anna"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("somebody who had gone away before: %v", err)
		}
	})
}

// leaving is a store whose caller goes away while it commits; then it does not know.
type leaving struct {
	store.Store
	leave atomic.Pointer[context.CancelFunc]
}

func (l *leaving) Append(ctx context.Context, a store.Append) error {
	if leave := l.leave.Swap(nil); leave != nil {
		(*leave)()
	}
	err := l.Store.Append(context.WithoutCancel(ctx), a)
	if ctx.Err() != nil {
		return store.ErrUncertain
	}
	return err
}

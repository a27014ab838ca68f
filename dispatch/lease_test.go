package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

// building is a flat behind a tower's lobby.
func (w *town) building() (flat, tower home) {
	w.t.Helper()
	d := w.process()
	tower = w.household(d, "tower")
	flat = w.household(d, "flat")
	w.do(d, "tower", member(tower.member), site.AllowLending{Barrier: tower.barrier, Borrower: "flat"})
	w.placeBehind(d, &flat, event.PermitRemote, tower.barrier)
	w.promise(d, flat, "parcel")
	return flat, tower
}

// checkReturned requires that nothing is lent any more.
func (w *town) checkReturned() {
	w.t.Helper()
	if s := w.state("flat"); len(s.Leases) != 0 || len(s.Barriers) != 1 {
		w.t.Errorf("the flat still has %+v, %+v", s.Leases, s.Barriers)
	}
	for _, b := range w.state("tower").Barriers {
		if b.Lent.Lease != "" {
			w.t.Errorf("still lent: %+v", b.Lent)
		}
	}
}

func TestAVisitThroughAnothersDoor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, tower := w.building()
		d := w.process()
		end := w.run(d)
		defer end()
		(&phone{town: w, home: flat, server: always(d)}).deliver()
		until(t, "the lease comes back", func() bool { return w.state("tower").Barriers[0].Lent.Lease == "" })
		w.checkOnce("flat")
		w.checkShut("flat")
		w.checkReturned()
		w.noWorkLeft()
		if len(tower.door.opens) != 1 || len(flat.door.opens) != 1 {
			t.Errorf("lobby opened %d times, flat %d times", len(tower.door.opens), len(flat.door.opens))
		}
		intent := the[event.OpeningIntended](t, w.journal("flat")).Permit
		grant := the[event.LeaseGranted](t, w.journal("tower"))
		if intent.Lease != grant.Lease || intent.Fence != grant.Number {
			t.Errorf("the intent %+v is not under the lease %+v", intent, grant)
		}
		received := the[event.LeaseReceived](t, w.journal("flat"))
		if grant.Known.BoltAt == 0 || received.Known.Bolt != grant.Known.Bolt || received.Known.BoltAt > grant.Known.BoltAt {
			t.Errorf("the tower knew %+v, the flat begins with %+v", grant.Known, received.Known)
		}
		inOrder(t, w.journal("tower"), "lease.granted", "barrier.observed", "lease.ended")
	})
}

// every finds all events of a kind.
func every[B event.Body](events []event.Event) []B {
	var found []B
	for _, e := range events {
		if b, ok := e.Body.(B); ok {
			found = append(found, b)
		}
	}
	return found
}

// TestLettersInAnyOrder: late, twice, lost on the way or on the way back, and overtaking each other.
func TestLettersInAnyOrder(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				flat, _ := w.building()
				d := w.process()
				d.Handle(workLetter, badPost(d.deliver, seed))
				end := w.run(d)
				defer end()
				(&phone{town: w, home: flat, server: always(d)}).deliver()
				until(t, "the lease comes back", func() bool { return w.state("tower").Barriers[0].Lent.Lease == "" })
				pass(2 * claimFor.Duration())
				synctest.Wait()
				w.checkOnce("flat")
				w.checkShut("flat")
				w.checkReturned()
				w.noWorkLeft()
			})
		})
	}
}

// TestEveryLetterAgainWhenAllIsOver: whatever was brought is brought once more, first to last and last to first, after
// the lease was spent and has ended. Nothing is lent by it, and nobody says that it was never spent.
func TestEveryLetterAgainWhenAllIsOver(t *testing.T) {
	for name, order := range map[string]func([]store.Work){"in order": func([]store.Work) {}, "backwards": slices.Reverse[[]store.Work]} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				flat, tower := w.building()
				d := w.process()
				var mu sync.Mutex
				var letters []store.Work // read when nothing is under way
				d.Handle(workLetter, func(ctx context.Context, work store.Work) error {
					mu.Lock()
					letters = append(letters, work)
					mu.Unlock()
					return d.deliver(ctx, work)
				})
				end := w.run(d)
				defer end()
				(&phone{town: w, home: flat, server: always(d)}).deliver()
				until(t, "the lease comes back", func() bool { return w.state("tower").Barriers[0].Lent.Lease == "" })
				synctest.Wait()
				again := slices.Clone(letters)
				order(again)
				for _, work := range again {
					if err := d.deliver(t.Context(), work); err != nil {
						t.Errorf("%s would be tried for ever: %v", work.ID, err)
					}
				}
				pass(2 * claimFor.Duration())
				synctest.Wait()
				w.checkReturned()
				if n := len(every[event.LeaseGranted](w.journal("tower"))); n != 1 {
					t.Errorf("lent %d times for one visit", n)
				}
				for _, back := range every[event.LeaseReturned](w.journal("flat")) {
					if !back.Spent {
						t.Errorf("%s was spent, and is given back as if not", back.Lease)
					}
				}
				for _, back := range every[event.LeaseEnded](w.journal("tower")) {
					if !back.Spent {
						t.Errorf("%s was spent, and its lender hears otherwise", back.Lease)
					}
				}
				if len(tower.door.opens) != 1 {
					t.Errorf("the lobby was opened %d times", len(tower.door.opens))
				}
			})
		})
	}
}

// TestTheLenderAsksForWhatIsOnItsWayBack: asked for it back while it is on its way back, spent.
func TestTheLenderAsksForWhatIsOnItsWayBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, _ := w.building()
		d := w.process()
		lost := errors.New("the letter is late")
		var held store.Work
		var question site.ReturnLease
		d.Handle(workLetter, func(ctx context.Context, work store.Work) error {
			var l letter
			if err := json.Unmarshal(work.Data, &l); err != nil {
				return err
			}
			if l.End != nil && held.ID == "" {
				held, question = work, site.ReturnLease{Lease: l.End.Lease, Barrier: w.state("tower").Barriers[0].ID}
			}
			if l.End != nil && work.ID == held.ID {
				return lost
			}
			return d.deliver(ctx, work)
		})
		end := w.run(d)
		defer end()
		(&phone{town: w, home: flat, server: always(d)}).deliver()
		until(t, "the lease is on its way back", func() bool { return held.ID != "" })
		if err := d.bring(t.Context(), "tower", "flat", question); err != nil && !gone(err) {
			t.Error(err)
		}
		pass(5 * time.Second)
		synctest.Wait()
		if err := d.deliver(t.Context(), held); err != nil {
			t.Error(err)
		}
		if ended := the[event.LeaseEnded](t, w.journal("tower")); !ended.Spent {
			t.Errorf("the lobby was opened under %s, and its owner hears that it was not", ended.Lease)
		}
	})
}

// badPost delivers as a bad post does, and in the end.
func badPost(deliver Handler, seed uint64) Handler {
	random := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	lost := errors.New("the letter was lost")
	return func(ctx context.Context, w store.Work) error {
		for range draw(3) {
			select {
			case <-time.After(time.Duration(draw(5000)) * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			if draw(2) == 0 {
				if err := deliver(ctx, w); err != nil {
					return err
				}
			}
		}
		if w.Attempts < 4 && draw(3) == 0 {
			return lost
		}
		if err := deliver(ctx, w); err != nil {
			return err
		}
		if w.Attempts < 4 && draw(3) == 0 {
			return lost
		}
		return nil
	}
}

// TestEachWriteOfAVisitThroughAnothersDoorFails, in both journals.
func TestEachWriteOfAVisitThroughAnothersDoorFails(t *testing.T) {
	storetest.EachWriteTwice(t, func(testing.TB) store.Store { return memory.New() }, func(t *testing.T, f *storetest.Faulty) {
		bubble(t, func(t *testing.T) {
			w := newTown(t, f.Store)
			flat, _ := w.building()
			d := w.process(f)
			end := w.run(d)
			defer end()
			(&phone{town: w, home: flat, server: always(d)}).deliver()
			until(t, "the lease comes back", func() bool { return w.state("tower").Barriers[0].Lent.Lease == "" })
			pass(2 * claimFor.Duration())
			synctest.Wait()
			w.checkOnce("flat")
			w.checkShut("flat")
			w.checkReturned()
			w.noWorkLeft()
		})
	})
}

// TestTheOwnersBlockAgainstAVisit: a lobby whose lending ended in time is never opened; one that was granted
// already is, and its owner was told so.
func TestTheOwnersBlockAgainstAVisit(t *testing.T) {
	for delay := range 12 {
		t.Run(fmt.Sprint(delay*100, " ms"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				flat, tower := w.building()
				d := w.process()
				d.Handle(workLetter, badPost(d.deliver, uint64(delay)))
				end := w.run(d)
				defer end()
				visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
				w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
				pass(time.Duration(delay) * 100 * time.Millisecond)
				blocked := the[event.LendingEnded](t, w.do(d, "tower", member(tower.member), site.EndLending{Barrier: tower.barrier, Borrower: "flat"}))
				pass(time.Minute)
				synctest.Wait()
				opened := len(tower.door.opens)
				switch _, granted := first[event.LeaseGranted](w.journal("tower")); {
				case blocked.Verdict == event.BlockWon && (opened != 0 || granted):
					t.Errorf("the block won, the lease was granted: %v, the lobby was opened %d times", granted, opened)
				case blocked.Verdict == event.BlockTooLate && !granted:
					t.Error("too late for a lease that was never granted")
				}
			})
		})
	}
}

// A letter for which there is nobody.
func TestLettersToNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, _ := w.building()
		d := w.process()
		visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
		asked := the[event.LeaseAsked](t, w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}))
		bring := func(l letter) error {
			data, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			return d.deliver(t.Context(), store.Work{ID: "flat-9-letter", Site: "flat", Kind: workLetter, Data: data})
		}
		// A site that never was lends nothing, and the borrower hears of it.
		if err := bring(letter{From: "flat", To: "nowhere", Grant: &site.GrantLease{Lease: asked.Lease, Barrier: "nowhere-b1"}}); err != nil {
			t.Error(err)
		}
		if denied := the[event.LeaseDenied](t, w.journal("flat")); denied.Lease != asked.Lease || denied.Code != event.LenderRefused {
			t.Errorf("denied: %+v", denied)
		}
		for name, l := range map[string]letter{
			"an end":                                 {From: "flat", To: "nowhere", End: &site.EndLease{Lease: "flat-l99"}},
			"an observation":                         {From: "tower", To: "flat", Observe: &site.Observe{Barrier: "tower-b77"}},
			"a refusal":                              {From: "tower", To: "nowhere", Deny: &site.DenyLease{Lease: "nowhere-l1"}},
			"a question of a site that is gone, too": {From: "gone", To: "nowhere", Grant: &site.GrantLease{Lease: "gone-l1", Barrier: "nowhere-b1"}},
		} {
			if err := bring(l); err != nil {
				t.Errorf("%s to nobody would be tried for ever: %v", name, err)
			}
		}
		if err := bring(letter{From: "flat", To: "tower"}); err == nil {
			t.Error("a letter of another release is thrown away")
		}
		if err := d.deliver(t.Context(), store.Work{Data: []byte("{")}); err == nil {
			t.Error("a letter that can't be read is thrown away")
		}
	})
}

// What a lent door says is brought until the lease is there, and lost no more than anything else.
func TestWhatTheDoorSaysBeforeItsLeaseArrives(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, tower := w.building()
		d := w.process()
		late := errors.New("the letter is late")
		held := true
		d.Handle(workLetter, func(ctx context.Context, work store.Work) error {
			var l letter
			if err := json.Unmarshal(work.Data, &l); err != nil {
				return err
			}
			if l.Receive != nil && held {
				return late
			}
			return d.deliver(ctx, work)
		})
		end := w.run(d)
		defer end()
		visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
		w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		until(t, "the lobby is lent", func() bool { return w.state("tower").Barriers[0].Lent.Lease != "" })
		said := tower.door.observation("")
		said.Battery = 5
		if err := d.Heard(t.Context(), "tower", said); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		synctest.Wait()
		held = false
		until(t, "the flat hears what the lobby said", func() bool {
			b, ok := w.state("flat").Barrier(tower.barrier)
			return ok && b.LowBattery
		})
	})
}

// TestTheBorrowerMovesOut: the lender asks for its barrier back, and a closed site no longer has it.
func TestTheBorrowerMovesOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, tower := w.building()
		d := w.process()
		// The grant is lost for good: the flat has asked, and never hears.
		d.Handle(workLetter, func(ctx context.Context, work store.Work) error {
			var l letter
			if err := json.Unmarshal(work.Data, &l); err != nil {
				return err
			}
			if l.Receive != nil {
				return nil
			}
			return d.deliver(ctx, work)
		})
		end := w.run(d)
		defer end()
		visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
		w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		until(t, "the lobby is lent", func() bool { return w.state("tower").Barriers[0].Lent.Lease != "" })
		w.do(d, "flat", member(flat.member), site.CloseSite{})
		until(t, "the lobby is free again", func() bool { return w.state("tower").Barriers[0].Lent.Lease == "" })
		if len(tower.door.opens) != 0 {
			t.Errorf("the lobby was opened %d times", len(tower.door.opens))
		}
		synctest.Wait()
		w.noWorkLeft()
	})
}

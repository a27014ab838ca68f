package dispatch

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// contested is a store in which somebody else is faster, a number of times.
type contested struct {
	store.Store
	mu    sync.Mutex
	first int
	other func()
}

func (c *contested) Append(ctx context.Context, a store.Append) error {
	c.mu.Lock()
	faster := c.first > 0
	c.first--
	c.mu.Unlock()
	if faster {
		c.other()
	}
	return c.Store.Append(ctx, a)
}

// TestADecisionIsMadeAgainWhenSomebodyWasFaster, on what they left, and given up after a while.
func TestADecisionIsMadeAgainWhenSomebodyWasFaster(t *testing.T) {
	for _, c := range []struct {
		first int
		err   error
	}{{1, nil}, {tries - 1, nil}, {tries, ErrBusy}} {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		another := w.process()
		s := &contested{Store: w.store, first: c.first}
		s.other = func() {
			w.do(another, "home", operator(), site.Block{Delivery: w.state("home").Deliveries[0].ID})
		}
		attached := 0
		attach := func(r Result) (Attachments, error) {
			attached++
			return Attachments{Values: []store.Value{{Name: fmt.Sprint("note", r.Events[0].Seq), Sealed: []byte("x")}}}, nil
		}
		before := w.state("home").Seq
		r, err := w.process(s).Do(t.Context(), "home", site.Command{Facts: member(h.member), Do: site.AddMember{}}, attach)
		if !errors.Is(err, c.err) || attached != min(c.first+1, tries) {
			t.Fatalf("%d were faster: error %v, decided %d times", c.first, err, attached)
		}
		if err != nil {
			if len(r.Events) != 0 {
				t.Errorf("events with an error: %v", r.Events)
			}
			continue
		}
		at := before + uint64(c.first) + 1
		if r.Events[0].Seq != at || r.State.Seq != at {
			t.Errorf("decided as %d, want %d", r.Events[0].Seq, at)
		}
		for seq := before + 1; seq <= at; seq++ {
			_, err := w.store.Value(t.Context(), "home", fmt.Sprint("note", seq))
			if (err == nil) != (seq == at) {
				t.Errorf("the note of decision %d: %v", seq, err)
			}
		}
	}
}

func TestBadInputChangesNothing(t *testing.T) {
	w := newTown(t, memory.New())
	h, _ := w.ready(event.PermitRemote)
	d := w.process()
	before := w.journal("home")
	fail := errors.New("no vault")
	attach := func(Result) (Attachments, error) { return Attachments{}, fail }
	for name, c := range map[string]struct {
		at     event.SiteID
		facts  site.Facts
		do     site.Request
		attach []Attach
		want   error
	}{
		"a site that is not there":   {"nowhere", operator(), site.Tick{}, nil, site.ErrUnknown},
		"a stranger":                 {"home", member("home-m999"), site.CloseSite{}, nil, site.ErrForbidden},
		"a delivery that never was":  {"home", operator(), site.Block{Delivery: "home-d999"}, nil, site.ErrUnknown},
		"what can't be written with": {"home", member(h.member), site.AddMember{}, []Attach{attach}, fail},
	} {
		if r, err := d.Do(t.Context(), c.at, site.Command{Facts: c.facts, Do: c.do}, c.attach...); !errors.Is(err, c.want) || r.State.Seq != 0 {
			t.Errorf("%s: error %v, result %+v", name, err, r)
		}
	}
	for _, id := range []event.SiteID{"", "Home", "home-1", "home/../x", event.SiteID(make([]byte, 40))} {
		var invalid site.Invalid
		if _, err := d.Do(t.Context(), id, site.Command{Facts: operator(), Do: site.OpenSite{Zone: "UTC"}}); !errors.As(err, &invalid) {
			t.Errorf("site %q: %v", id, err)
		}
	}
	if after := w.journal("home"); !reflect.DeepEqual(before, after) {
		t.Errorf("the journal grew: %s", kinds(after[len(before):]))
	}
}

// TestWhatIsRememberedIsKnownOnce: two requests with one key, of which the second is told that the first was there.
func TestWhatIsRememberedIsKnownOnce(t *testing.T) {
	w := newTown(t, memory.New())
	h, _ := w.ready(event.PermitRemote)
	d := w.process()
	attach := func(r Result) (Attachments, error) {
		return Attachments{Remember: &store.Remembered{Key: "flora/1", Answer: []byte(fmt.Sprint(r.State.Seq)), Until: r.State.At.Add(event.Day)},
			Rows: []store.Row{{Partition: "mine", Key: "k", Data: []byte("row")}}}, nil
	}
	c := site.Command{Facts: member(h.member), Do: site.AddMember{}}
	first, err := d.Do(t.Context(), "home", c, attach)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Do(t.Context(), "home", c, attach); !errors.Is(err, store.ErrExists) {
		t.Errorf("the second: %v", err)
	}
	kept, err := w.store.Recall(t.Context(), "flora/1")
	if err != nil || string(kept.Answer) != fmt.Sprint(first.State.Seq) || w.state("home").Seq != first.State.Seq {
		t.Errorf("%+v %v", kept, err)
	}
	if row, err := w.store.Row(t.Context(), "mine", "k"); err != nil || string(row.Data) != "row" {
		t.Errorf("%+v %v", row, err)
	}
}

// TestAStateOfAnotherRelease is folded from the journal again, and the next decision writes it anew.
func TestAStateOfAnotherRelease(t *testing.T) {
	w := newTown(t, memory.New())
	h, _ := w.ready(event.PermitRemote)
	d := w.process()
	for range 2 * refoldAtOnce {
		w.do(d, "home", member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute}})
	}
	want := w.state("home")
	if err := w.store.Append(t.Context(), store.Append{Site: "home", Version: want.Seq, State: []byte(`{"v":0,"state":{}}`)}); err != nil {
		t.Fatal(err)
	}
	if got := w.state("home"); !reflect.DeepEqual(got, want) {
		t.Errorf("folded again:\n%+v\n%+v", got, want)
	}
	w.do(d, "home", operator(), site.Block{Delivery: want.Deliveries[0].ID})
	snap, err := w.store.Load(t.Context(), "home")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := site.Decode(snap.State); err != nil || !s.Deliveries[0].Blocked {
		t.Errorf("%+v %v", s, err)
	}
}

func TestWhoeverFollowsIsWoken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		mine, stop := d.Follow("home")
		other, stopOther := d.Follow("house")
		second, stopSecond := d.Follow("home")
		rules := site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute}}
		w.do(d, "home", member(h.member), rules)
		w.do(d, "home", member(h.member), rules)
		for range 2 {
			for name, c := range map[string]<-chan struct{}{"the first": mine, "the second": second} {
				select {
				case <-c:
				default:
					t.Errorf("%s was not woken", name)
				}
			}
			stop()
			stop()
			select {
			case <-other:
				t.Error("woken by another site")
			case <-mine:
				t.Error("woken twice for what may be read at once")
			default:
			}
			w.do(d, "home", member(h.member), rules)
			mine, stop = d.Follow("home")
			w.do(d, "home", member(h.member), rules)
		}
		stop()
		stopOther()
		stopSecond()
		if len(d.streams.followers) != 0 {
			t.Errorf("followers are left: %v", d.streams.followers)
		}
	})
}

func TestCommittedIsToldOfEachDecision(t *testing.T) {
	w := newTown(t, memory.New())
	h, _ := w.ready(event.PermitRemote)
	d := w.process()
	var told []event.Event
	d.counted = func(events []event.Event, took time.Duration) {
		if took < 0 || took > time.Minute {
			t.Errorf("took %s", took)
		}
		told = append(told, events...)
	}
	before := len(w.journal("home"))
	w.do(d, "home", operator(), site.Tick{})
	w.do(d, "home", member(h.member), site.AddMember{})
	_, _ = d.Do(t.Context(), "home", site.Command{Facts: merchant(), Do: site.CloseSite{}})
	if want := w.journal("home")[before:]; !reflect.DeepEqual(told, want) {
		t.Errorf("told %s, the journal has %s", kinds(told), kinds(want))
	}
}

// TestHeard: an observation reaches the barrier of the site at which its device stands, and nobody else.
func TestHeard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		flat, tower := w.building()
		d := w.process()
		visit := the[event.VisitBegun](t, w.do(d, "flat", w.courier("anna"), site.Approach{AccessPoint: flat.place})).Visit
		asked := the[event.LeaseAsked](t, w.do(d, "flat", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}))
		neighbour := site.Facts{Actor: event.Actor{Kind: event.ActorSite, ID: "flat"}}
		grant := the[event.LeaseGranted](t, w.do(d, "tower", neighbour, site.GrantLease{Lease: asked.Lease, Barrier: asked.Barrier}))
		w.do(d, "flat", neighbour, site.ReceiveLease{Lease: grant.Lease, Barrier: grant.Barrier, Number: grant.Number, Until: grant.Until, Spec: grant.Spec})
		synctest.Wait()
		if len(tower.door.opens) != 1 {
			t.Fatalf("the lobby was opened %d times", len(tower.door.opens))
		}
		count := func(at event.SiteID) (n int) {
			for _, e := range w.journal(at) {
				if _, ok := e.Body.(event.BarrierObserved); ok {
					n++
				}
			}
			return n
		}
		flatBefore, towerBefore := count("flat"), count("tower")
		hear := func(at event.SiteID, o event.Observation) {
			t.Helper()
			if err := d.Heard(t.Context(), at, o); err != nil {
				t.Errorf("%s at %s: %v", o.Device, at, err)
			}
		}
		unknown := tower.door.observation("")
		unknown.Device = "a device that nobody enrolled"
		hear("flat", unknown)
		hear("nowhere", unknown)
		// The flat has borrowed the lobby; what its device says is the tower's to hear first.
		hear("flat", tower.door.observation(""))
		if count("flat") != flatBefore || count("tower") != towerBefore {
			t.Error("somebody heard what was not theirs to hear")
		}
		hear("tower", tower.door.observation(""))
		if count("flat") != flatBefore || count("tower") != towerBefore+1 {
			t.Errorf("the tower heard %d, the flat %d", count("tower")-towerBefore, count("flat")-flatBefore)
		}
		// Its letter brings it to the flat.
		end := w.run(d)
		defer end()
		until(t, "the flat hears", func() bool { return count("flat") > flatBefore })
	})
}

// TestAnOrderThatComesTooLate: the door was opened anew since it was decided, or the visit is over.
func TestAnOrderThatComesTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		decided := event.InstantOf(time.Now())
		pass(time.Second)
		w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		synctest.Wait()
		work := func(at event.Instant, visit event.VisitID) store.Work {
			data := fmt.Sprintf(`{"device":%q,"barrier":%q,"visit":%q,"at":%q}`, h.door.spec.Device, h.barrier, visit, at)
			return store.Work{ID: "home-1-secure", Site: "home", Kind: workSecure, Data: []byte(data)}
		}
		for name, late := range map[string]store.Work{"before the opening": work(decided, visit), "for another visit": work(event.InstantOf(time.Now()), "home-v1")} {
			if err := d.secure(t.Context(), late); err != nil || h.door.secures != 0 || h.door.reads != 0 {
				t.Errorf("%s: error %v, ordered shut %d times", name, err, h.door.secures)
			}
		}
		if err := d.secure(t.Context(), work(event.InstantOf(time.Now()), visit)); err != nil || h.door.secures != 1 || h.door.reads != 1 {
			t.Errorf("in time: error %v, ordered shut %d times, asked %d times", err, h.door.secures, h.door.reads)
		}
		repeated := work(event.InstantOf(time.Now()), visit)
		repeated.Attempts = 2
		old := work(event.InstantOf(time.Now()), visit)
		pass(time.Millisecond)
		for next, left := range map[*Dispatcher]store.Work{d: repeated, w.process(): old} {
			if err := next.secure(t.Context(), left); err != nil || h.door.secures != 1 {
				t.Errorf("left behind by another process: error %v, ordered shut %d times", err, h.door.secures)
			}
		}
		if h.door.reads != 3 {
			t.Errorf("asked %d times", h.door.reads)
		}
		for _, do := range []Handler{d.secure, d.read, d.forgetCode} {
			if err := do(t.Context(), store.Work{Site: "home", Data: []byte("{")}); err == nil {
				t.Error("work that can't be read was done")
			}
		}
		h.door.reach = event.ReachOffline
		if err := d.read(t.Context(), work(event.InstantOf(time.Now()), visit)); err != nil {
			t.Errorf("no answer is tried again by the queue: %v", err)
		}
		delete(w.doors, h.door.spec.Device)
		if err := d.secure(t.Context(), work(event.InstantOf(time.Now()), visit)); err != nil {
			t.Errorf("a device that is gone: %v", err)
		}
	})
}

// TestACodeThatStays: the device would not forget it, so that it is asked again and again, and it is an alarm.
func TestACodeThatStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitCode)
		h.door.stuck = true
		d := w.process()
		end := w.run(d)
		defer end()
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		pass(12 * time.Minute)
		synctest.Wait()
		if a := the[event.AlarmRaised](t, w.journal("home")); a.Reason != event.AlarmCodeStuck {
			t.Errorf("the alarm is %+v", a)
		}
		if h.door.removes < 5 {
			t.Errorf("asked to forget %d times", h.door.removes)
		}
		h.door.mu.Lock()
		h.door.stuck = false
		h.door.mu.Unlock()
		until(t, "the code is gone", func() bool {
			s := w.state("home")
			return len(s.Visits) == 0 || s.Visits[0].Alarm.Reason != event.AlarmCodeStuck
		})
		w.noWorkLeft()
	})
}

// TestTheNextProcessAsksAtOnce about every visit that was under way, many at one site included.
func TestTheNextProcessAsksAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newArena(t, 0, atTheDoor)
		const many = 230
		for n := range many {
			id := a.copy(n)
			visit := a.state(id).Visits[0].ID
			// The projection's row is written with the decision that begins a visit; a copy has none yet.
			w := store.Append{Site: id, Version: a.state(id).Seq, Rows: []store.Row{{Partition: underwayPartition, Key: string(visit), Data: []byte("{}")}}}
			snap, err := a.store.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			w.State, w.Deadline = snap.State, a.state(id).Deadline()
			if err := a.store.Append(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			d := a.process(&mortal{Store: a.store, last: 2, died: make(chan struct{})})
			_, err = d.Do(t.Context(), id, site.Command{Facts: a.courier("anna"), Do: site.Scan{Visit: visit, Parcel: "parcel"}})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		end := a.run(a.process())
		defer end()
		synctest.Wait()
		for n := range many {
			inOrder(t, a.journal(siteName(n)), "opening.intended", "reading.asked")
		}
		if a.doors["door-of-"+mould].reads < many {
			t.Errorf("the device was asked %d times", a.doors["door-of-"+mould].reads)
		}
	})
}

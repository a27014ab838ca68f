package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// found waits for how many looks have been answered, and returns the last answer.
func (w *town) found(n int) event.VehicleFound {
	w.t.Helper()
	var last event.VehicleFound
	until(w.t, "the car is found", func() bool {
		have := 0
		for _, e := range w.journal("home") {
			if b, ok := e.Body.(event.VehicleFound); ok {
				have, last = have+1, b
			}
		}
		return have >= n
	})
	return last
}

// A car that is being set up is asked at once: nobody else would, before its owner works it by hand.
func TestACarThatIsSetUpIsAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		_, c, _ := w.garage(d)
		w.run(d)
		until(t, "it was asked", func() bool {
			c.door.mu.Lock()
			defer c.door.mu.Unlock()
			return c.door.reads == 1
		})
	})
}

// A car is woken, located and read, and opens where it stands; where it stood is known no longer than the visit lasts.
func TestACarIsFoundAndOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.run(d)
		visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		f := w.found(1)
		if f.Code != "" || f.Seen.Distance < 110 || f.Seen.Distance > 113 || f.Seen.Motion != event.MotionParked || f.Seen.Bolt != event.BoltLocked {
			t.Fatalf("found %+v", f)
		}
		if wakes, locates := c.counts(); wakes != 1 || locates != 1 {
			t.Errorf("woken %d times, located %d times", wakes, locates)
		}
		stands, known, err := w.places.Open(t.Context(), h.id, CarName(visit))
		if err != nil || !known || metresBetween(stands.Position, office) != f.Seen.Distance {
			t.Errorf("kept %v, %v, %v", stands, known, err)
		}
		w.do(d, h.id, w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		until(t, "it is opened", func() bool { return len(c.door.opened()) == 1 })
		c.door.push()
		c.door.shut()
		w.do(d, h.id, w.courier("anna"), site.Close{Visit: visit})
		until(t, "it is locked and closed by its own word", func() bool {
			left, err := first[event.CourierReleased](w.do(d, h.id, w.courier("anna"), site.Leave{Visit: visit}))
			return err && left.Visit == visit
		})
		if _, known, err := w.places.Open(t.Context(), h.id, CarName(visit)); known || err != nil {
			t.Errorf("where it stood is known after the visit: %v, %v", known, err)
		}
	})
}

// What a car is asked for says who goes first where its maker limits that: nobody's visit, a visit's look, something that
// may stand open, a lock.
func TestWhatACarIsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.run(d)
		asks := func(what string, purpose device.Purpose, also ...device.Purpose) {
			t.Helper()
			for _, got := range c.askedFor(t, purpose) {
				if got != purpose && !slices.Contains(also, got) {
					t.Errorf("%s: asked for %v", what, got)
				}
			}
		}
		asks("it is being set up", device.CanWait)
		w.do(d, h.id, member(h.member), site.DescribeSpot{AccessPoint: h.place, Spot: "spot"})
		w.found(1)
		asks("its spot was described", device.CanWait)
		visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.found(2)
		asks("a courier approaches", device.Seeking)
		w.do(d, h.id, w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		until(t, "it is opened", func() bool { return len(c.door.opened()) == 1 })
		w.do(d, h.id, site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}, site.Resume{})
		asks("it may stand open", device.Watching)
		c.door.push()
		c.door.shut()
		w.do(d, h.id, w.courier("anna"), site.Close{Visit: visit})
		asks("it is locked", device.Securing, device.Watching)
	})
}

// No journal holds a position.
func TestAPositionStandsInNoJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, _, _ := w.garage(d)
		w.run(d)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		w.found(1)
		for _, e := range w.journal(h.id) {
			data, err := e.MarshalJSON()
			if err != nil || strings.Contains(string(data), "48.8") || strings.Contains(string(data), "2.352") {
				t.Errorf("%s (%v)", data, err)
			}
		}
	})
}

// What stands in the way of finding a car has its name; what has none is no answer.
func TestWhyACarIsNotFound(t *testing.T) {
	busy := &device.BusyError{RetryAt: time.Date(2026, 3, 2, 12, 10, 0, 0, time.UTC)}
	for name, c := range map[string]struct {
		change func(c *car)
		want   event.Code
		wakes  int
	}{
		"asleep":            {func(c *car) { c.asleep = fmt.Errorf("tesla: %w", device.ErrAsleep) }, event.CarAsleep, 1},
		"revoked":           {func(c *car) { c.lost = fmt.Errorf("volvo: %w", device.ErrRevoked) }, event.CarRevoked, 1},
		"busy":              {func(c *car) { c.broken = fmt.Errorf("smartcar: %w", busy) }, event.CarBusy, 1},
		"offline":           {func(c *car) { c.lost = device.ErrOffline }, event.CarUnreachable, 1},
		"nonsense":          {func(c *car) { c.lost = device.ErrNonsense }, event.CarUnreachable, 1},
		"something else":    {func(c *car) { c.broken = errors.New("503") }, event.CarUnreachable, 1},
		"too far":           {func(c *car) { c.at = north(5); c.at.At = time.Now() }, event.CarTooFar, 1},
		"moving":            {func(c *car) { c.at.Motion = event.MotionMoving }, event.CarMoving, 1},
		"at an old place":   {func(c *car) { c.at.At, c.at.Motion = time.Now().Add(-time.Hour), "" }, event.CarPositionOld, 1},
		"at a time unknown": {func(c *car) { c.at.At = time.Time{} }, event.CarPositionOld, 1},
		"from the future":   {func(c *car) { c.at.At = time.Now().Add(30 * time.Second) }, "", 1},
		"unlocked":          {func(c *car) { c.door.bolt = event.BoltUnlocked }, event.CarNotLocked, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				d := w.process()
				h, car, _ := w.garage(d)
				car.set(c.change)
				w.run(d)
				visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
				f := w.found(1)
				if f.Code != c.want {
					t.Errorf("found %+v", f)
				}
				if c.want == event.CarBusy && f.Seen.RetryAt != event.InstantOf(busy.RetryAt) {
					t.Errorf("to be asked again at %s", f.Seen.RetryAt)
				}
				_, kept, err := w.places.Open(t.Context(), h.id, CarName(visit))
				if err != nil || kept == (f.Seen.Fault != "") {
					t.Errorf("its position is kept: %v, %v", kept, err)
				}
			})
		})
	}
}

// A car may take a minute to wake: it is waited for, by its one finder, and no longer than the site waits for the answer.
func TestACarThatWakesSlowly(t *testing.T) {
	for sleeps, want := range map[time.Duration]event.Code{50 * time.Second: "", 70 * time.Second: "", 100 * time.Second: event.CarAsleep} {
		t.Run(sleeps.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				d := w.process()
				h, c, _ := w.garage(d)
				c.set(func(c *car) { c.sleeps = sleeps })
				w.run(d)
				w.run(w.process())
				w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
				pass(110 * time.Second)
				if f := w.found(1); f.Code != want {
					t.Errorf("found %+v", f)
				}
				if wakes, _ := c.counts(); wakes != 1 {
					t.Errorf("woken %d times", wakes)
				}
			})
		})
	}
}

// Without a reference address a car is nowhere near it.
func TestACarWithoutAReferenceIsTooFar(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, _, _ := w.garage(d)
		w.places.unknown = true
		w.run(d)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		if f := w.found(1); f.Code != event.CarTooFar {
			t.Errorf("found %+v", f)
		}
	})
}

// The household's description holds for where the car stood then, until the car is found elsewhere.
func TestACarLeavesItsSpot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.run(d)
		describe := func() {
			w.do(d, h.id, member(h.member), site.DescribeSpot{AccessPoint: h.place, Spot: "blue-pillar"})
		}
		describe()
		if f := w.found(1); f.Seen.FromSpot != event.SpotUnknown {
			t.Errorf("when described: %+v", f)
		}
		pass(time.Second)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		if f := w.found(2); f.Seen.FromSpot != 0 {
			t.Errorf("where it stood: %+v", f)
		}
		c.set(func(c *car) { c.at = north(2); c.at.At = time.Now() })
		pass(6 * time.Minute)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		if f := w.found(3); f.Seen.FromSpot < 110 || f.Seen.FromSpot > 113 {
			t.Errorf("elsewhere: %+v", f)
		}
		if _, ok := first[event.SpotAsked](w.journal(h.id)); !ok {
			t.Error("the household is not asked again")
		}
		if _, known, _ := w.places.Open(t.Context(), h.id, parkedName(h.place)); known {
			t.Error("where it stood is kept for nothing")
		}
		pass(time.Minute)
		describe()
		w.found(4)
		pass(6 * time.Minute)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		if f := w.found(5); f.Seen.FromSpot != 0 {
			t.Errorf("described anew: %+v", f)
		}
		w.do(d, h.id, w.courier("anna"), site.Leave{Visit: w.state(h.id).Visits[0].ID})
		w.do(d, h.id, member(h.member), site.RetireAccessPoint{AccessPoint: h.place})
		if _, known, _ := w.places.Open(t.Context(), h.id, parkedName(h.place)); known {
			t.Error("where it stood outlasts the place")
		}
	})
}

// Where the car stood when it was described is kept for as long as something is due there, and for three days at most; then
// nobody can tell whether it has moved, and the household is asked once more.
func TestWhereACarStoodIsNotKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, of := w.garage(d)
		w.run(d)
		kept := func(when string, want bool) {
			t.Helper()
			if _, known, err := w.places.Open(t.Context(), h.id, parkedName(h.place)); known != want || err != nil {
				t.Errorf("%s it is kept: %v, %v", when, known, err)
			}
		}
		w.do(d, h.id, member(h.member), site.DescribeSpot{AccessPoint: h.place, Spot: "blue-pillar"})
		w.found(1)
		visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.found(2)
		w.do(d, h.id, w.courier("anna"), site.Leave{Visit: visit})
		kept("while another visit is due", true)
		w.do(d, h.id, operator(), site.Cancel{Delivery: of})
		kept("when nothing is due", false)

		w.do(d, h.id, member(h.member), site.DescribeSpot{AccessPoint: h.place, Spot: "by-the-church"})
		w.found(3)
		pass(3*24*time.Hour - time.Hour)
		kept("for nearly three days", true)
		pass(2 * time.Hour)
		kept("for three days", false)
		c.set(func(c *car) { c.at.At = time.Now() })
		w.promise(d, h, "another")
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		if f := w.found(4); f.Seen.FromSpot != event.SpotUnknown {
			t.Errorf("it is known to have stood %d m away", f.Seen.FromSpot)
		}
		if _, asked := first[event.SpotAsked](w.journal(h.id)); !asked {
			t.Error("the household is not asked again")
		}
	})
}

// What the household says while its car is being looked for stands: what was asked before says nothing of it.
func TestASpotIsDescribedWhileItsCarIsLookedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		describe := func(spot event.Commitment, indoors bool) {
			words := func(Result) (Attachments, error) {
				return Attachments{Values: []store.Value{{Name: SpotName(h.place), Sealed: []byte(spot)}}}, nil
			}
			do := site.DescribeSpot{AccessPoint: h.place, Spot: spot, Indoors: indoors}
			if _, err := d.Do(t.Context(), h.id, site.Command{Facts: member(h.member), Do: do}, words); err != nil {
				t.Fatal(err)
			}
		}
		describe("blue-pillar", false)
		w.run(d)
		w.found(1)
		pass(time.Minute)
		c.set(func(c *car) {
			c.at = north(2)
			c.at.At = time.Now()
			// The look that this asks for is answered after the one that is under way.
			c.asked = func() {
				c.asked, c.sleeps = nil, time.Second
				describe("level-2", true)
			}
		})
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		w.found(2)
		ap, _ := w.state(h.id).AccessPoint(h.place)
		if words, err := w.store.Value(t.Context(), h.id, SpotName(h.place)); err != nil || string(words) != "level-2" {
			t.Errorf("its words are %q, %v", words, err)
		}
		if ap.Car.Spot != "level-2" || !ap.Car.Indoors {
			t.Errorf("the car is known as %+v", ap.Car)
		}
		f := w.found(3)
		if f.Round != event.RoundSpot || f.Code != event.CarIndoors {
			t.Errorf("then found %+v", f)
		}
	})
}

// Work is claimed at least once: what was answered before is not answered again, and another question is not answered by
// an older one.
func TestALookIsAnsweredOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		claimed, err := w.store.Claim(t.Context(), []string{workSeek}, event.InstantOf(time.Now()), event.InstantOf(time.Now())+1, 9)
		if err != nil || len(claimed) != 1 {
			t.Fatalf("%v, %v", claimed, err)
		}
		for range 3 {
			if err := d.seek(t.Context(), claimed[0]); err != nil {
				t.Fatal(err)
			}
		}
		if _, locates := c.counts(); locates != 1 {
			t.Errorf("located %d times", locates)
		}
		pass(10 * time.Minute)
		w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
		if err := d.seek(t.Context(), claimed[0]); err != nil {
			t.Fatal(err)
		}
		if _, locates := c.counts(); locates != 1 {
			t.Errorf("located %d times, by an older question", locates)
		}
	})
}

// A place that was retired while its car was being looked for needs no answer.
func TestACarOfNoPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.do(d, h.id, member(h.member), site.DescribeSpot{AccessPoint: h.place, Spot: "blue-pillar"})
		claimed, err := w.store.Claim(t.Context(), []string{workSeek}, event.InstantOf(time.Now()), event.InstantOf(time.Now())+1, 9)
		if err != nil || len(claimed) != 1 {
			t.Fatalf("%v, %v", claimed, err)
		}
		c.asked = func() { w.do(d, h.id, member(h.member), site.RetireAccessPoint{AccessPoint: h.place}) }
		if err := d.seek(t.Context(), claimed[0]); err != nil {
			t.Error(err)
		}
	})
}

// A car is listened to in visits, and left alone otherwise.
func TestACarIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.run(d)
		pass(time.Minute)
		if n := c.listeners(); n != 0 {
			t.Fatalf("%d listen between visits", n)
		}
		c.door.turn(event.BoltUnlocked)
		c.door.turn(event.BoltLocked)
		visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		until(t, "somebody listens", func() bool { return c.listeners() == 1 })
		w.found(1)
		w.do(d, h.id, w.courier("anna"), site.Leave{Visit: visit})
		until(t, "nobody listens", func() bool { return c.listeners() == 0 })
		w.do(d, h.id, member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, WatchCars: true}})
		until(t, "somebody listens because it was asked for", func() bool { return c.listeners() == 1 })
		c.door.turn(event.BoltLocked)
		pass(time.Second)
		c.door.turn(event.BoltUnlocked)
		until(t, "its opening is told", func() bool { _, ok := first[event.ForeignOpening](w.journal(h.id)); return ok })
		w.do(d, h.id, member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute}})
		until(t, "nobody listens any more", func() bool { return c.listeners() == 0 })
	})
}

// A car whose enrolment is never finished is listened to for an hour.
func TestACarThatIsNeverSetUpIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.do(d, h.id, member(h.member), site.RetireBarrier{Barrier: h.barrier})
		w.run(d)
		w.do(d, h.id, member(h.member), site.ReserveBarrier{Is: event.Cabin, Spec: c.Spec()})
		until(t, "somebody listens", func() bool { return c.listeners() == 1 })
		c.door.turn(event.BoltLocked)
		pass(59 * time.Minute)
		if n := c.listeners(); n != 1 {
			t.Errorf("%d listen within the hour", n)
		}
		pass(2 * time.Minute)
		if n := c.listeners(); n != 0 {
			t.Errorf("%d listen after an hour", n)
		}
		before := len(w.journal(h.id))
		c.door.turn(event.BoltUnlocked)
		pass(time.Minute)
		if n := len(w.journal(h.id)); n != before {
			t.Error("its opening was written down")
		}
	})
}

// A consent that was withdrawn is told once, as soon as a connector knows, and nothing opens.
func TestAConsentThatWasLostIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, _, _ := w.garage(d)
		for range 2 {
			if err := d.ConsentLost(t.Context(), h.id, "car-1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.ConsentLost(t.Context(), h.id, "car-2"); err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, e := range w.journal(h.id) {
			if b, ok := e.Body.(event.VehicleFound); ok && b.Code == event.CarRevoked {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

// A consent that is given again has its car looked for at once, and nobody is told any more that it is gone.
func TestAConsentGivenAgainFindsTheCar(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, _, _ := w.garage(d)
		w.run(d)
		if err := d.ConsentLost(t.Context(), h.id, "car-1"); err != nil {
			t.Fatal(err)
		}
		lost := w.found(1)
		if err := d.ConsentGiven(t.Context(), h.id, []event.DeviceID{"car-1", "car-2"}); err != nil {
			t.Fatal(err)
		}
		again := w.found(2)
		if ap, _ := w.state(h.id).AccessPoint(h.place); lost.Code != event.CarRevoked || again.Round != event.RoundConsent || ap.Car.Code != "" {
			t.Errorf("first %+v, then %+v; the car is %+v", lost, again, ap.Car)
		}
	})
}

// A car is taken out in the decision that finds no visit to it, and no later visit opens it.
func TestACarIsTakenOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.run(d)
		out := func() error { return d.CarsParted(t.Context(), h.id, []event.DeviceID{"car-1"}) }
		visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.found(1)
		if err := out(); !errors.Is(err, site.ErrVisited) {
			t.Fatalf("taken out in a visit: %v", err)
		}
		w.do(d, h.id, w.courier("anna"), site.Leave{Visit: visit})
		for range 2 {
			if err := out(); err != nil {
				t.Fatal(err)
			}
		}
		if refused := the[event.Refused](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})); refused.Code != event.CarRevoked {
			t.Errorf("refused as %q", refused.Code)
		}
		if n := len(c.door.opened()); n != 0 {
			t.Errorf("opened %d times", n)
		}
	})
}

// A car that was exchanged for one that opens more is not opened.
func TestACarThatOpensMoreIsNotOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		d := w.process()
		h, c, _ := w.garage(d)
		w.run(d)
		visit := the[event.VisitBegun](t, w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.found(1)
		c.door.spec.Reveals = event.RevealsHandle
		refused := the[event.Refused](t, w.do(d, h.id, w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}))
		if refused.Code != event.CarOpensOtherwise || len(c.door.opened()) != 0 {
			t.Errorf("refused as %q, opened %d times", refused.Code, len(c.door.opened()))
		}
	})
}

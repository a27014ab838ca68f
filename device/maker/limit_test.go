package maker

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// busyUntil is the RetryAt of an error, or the zero time for no error.
func busyUntil(t testing.TB, err error) time.Time {
	t.Helper()
	if err == nil {
		return time.Time{}
	}
	var busy *device.BusyError
	if !errors.As(err, &busy) {
		t.Fatalf("the error is %v; want a BusyError", err)
	}
	return busy.RetryAt
}

// purposes are all there are, the least urgent first.
var purposes = []device.Purpose{device.CanWait, device.Seeking, device.Opening, device.Watching, device.Securing}

func TestEachPurposeKeepsSomethingForThoseAfterIt(t *testing.T) {
	for purpose, want := range map[device.Purpose]int{
		device.CanWait: 4, device.Seeking: 5, device.Opening: 6, device.Watching: 8, device.Securing: 10,
	} {
		l := NewLimiter(Limit{Calls: 10, Per: time.Minute, PerVehicle: true, Kind: "command"})
		n := 0
		for l.Take(noon, Ask{purpose, "a", "command"}) == nil {
			n++
		}
		if n != want {
			t.Errorf("purpose %d got %d of 10 calls; want %d", purpose, n, want)
		}
		if purpose != device.Securing && l.Take(noon, Ask{device.Securing, "a", "command"}) != nil {
			t.Errorf("after purpose %d nothing was left to lock with", purpose)
		}
	}
}

// TestLooksStarveNoVisit: whoever looks at cars as often as they like, with Smartcar's default limits, six visits in an
// hour go from their own look to the proven lock, one after another or all at once.
func TestLooksStarveNoVisit(t *testing.T) {
	var visit []device.Purpose // of one, as its calls come
	for _, step := range []struct {
		purpose device.Purpose
		calls   int
	}{{device.Seeking, 2}, {device.Opening, 2}, {device.Watching, 4}, {device.Securing, 4}} {
		visit = append(visit, slices.Repeat([]device.Purpose{step.purpose}, step.calls)...)
	}
	rapid.Check(t, func(r *rapid.T) {
		l := NewLimiter(Limit{Calls: 120, Per: 61 * time.Minute}, Limit{Calls: 20, Per: 61 * time.Minute, PerVehicle: true})
		at, looked := noon, 0
		look := func() {
			for l.Take(at, Ask{Vehicle: fmt.Sprint("looked at", looked%100)}) == nil {
				looked++
			}
		}
		var made [6]int
		for range len(made) * len(visit) {
			look()
			at = at.Add(time.Duration(rapid.IntRange(0, 50).Draw(r, "pause")) * time.Second)
			under := rapid.SampledFrom(unended(made[:], len(visit))).Draw(r, "visit")
			ask := Ask{Purpose: visit[made[under]], Vehicle: fmt.Sprint("visited", under)}
			if err := l.Take(at, ask); err != nil {
				r.Fatalf("visit %d was told to wait at its call %d, of purpose %d, after %d looks: %v", under, made[under], ask.Purpose, looked, err)
			}
			made[under]++
		}
		if looked < 48 {
			r.Fatalf("only %d looks", looked)
		}
	})
}

// unended are those that have not come to so many.
func unended(made []int, all int) (left []int) {
	for i, n := range made {
		if n < all {
			left = append(left, i)
		}
	}
	return left
}

func TestSmallLimitsLetEveryPurposeThroughOnce(t *testing.T) {
	for calls := 1; calls < 4; calls++ {
		for _, purpose := range purposes {
			l := NewLimiter(Limit{Calls: calls, Per: time.Minute})
			if err := l.Take(noon, Ask{Purpose: purpose}); err != nil {
				t.Errorf("a limit of %d lets purpose %d through never: %v", calls, purpose, err)
			}
		}
	}
}

func TestBusySaysWhenThereIsRoom(t *testing.T) {
	l := NewLimiter(Limit{Calls: 2, Per: time.Minute})
	ask := Ask{Purpose: device.Securing}
	for i := range 2 {
		if err := l.Take(noon.Add(time.Duration(i)*time.Second), ask); err != nil {
			t.Fatal(err)
		}
	}
	at := noon.Add(10 * time.Second)
	until := busyUntil(t, l.Take(at, ask))
	if want := noon.Add(time.Minute); !until.Equal(want) {
		t.Fatalf("busy until %v; want %v", until, want)
	}
	if l.Take(until.Add(-time.Nanosecond), ask) == nil {
		t.Fatal("there was room before it said")
	}
	if err := l.Take(until, ask); err != nil {
		t.Fatalf("there was no room when it said: %v", err)
	}
}

func TestLimitsCountWhatTheyName(t *testing.T) {
	l := NewLimiter(
		Limit{Calls: 100, Per: 24 * time.Hour},
		Limit{Calls: 1, Per: time.Minute, PerVehicle: true, Kind: "wake"},
	)
	wake := Ask{Purpose: device.Securing, Vehicle: "a", Kind: "wake"}
	if err := l.Take(noon, wake); err != nil {
		t.Fatal(err)
	}
	if l.Take(noon, wake) == nil {
		t.Error("a second wake in a minute")
	}
	for _, other := range []Ask{{device.Securing, "b", "wake"}, {device.Securing, "a", "data"}, {device.Securing, "", "wake"}} {
		if err := l.Take(noon, other); err != nil {
			t.Errorf("%+v: %v", other, err)
		}
	}
	if got := l.Counts(noon); got["wake"] != 3 || got["data"] != 1 {
		t.Errorf("counted %v", got)
	}
	if got := l.Counts(noon.Add(24 * time.Hour)); len(got) != 0 {
		t.Errorf("yesterday's counts are today's: %v", got)
	}
}

func TestARefusedCallIsNotCounted(t *testing.T) {
	l := NewLimiter(Limit{Calls: 5, Per: time.Minute}, Limit{Calls: 1, Per: time.Hour, Kind: "wake"})
	wake, data := Ask{Purpose: device.Securing, Kind: "wake"}, Ask{Purpose: device.Securing, Kind: "data"}
	_ = l.Take(noon, wake)
	for range 10 {
		_ = l.Take(noon, wake)
		_ = l.Check(noon, data)
	}
	for range 4 {
		if err := l.Take(noon, data); err != nil {
			t.Fatalf("what was refused was counted: %v", err)
		}
	}
}

func TestWhatTheMakerAsksForHoldsForAll(t *testing.T) {
	l := NewLimiter()
	l.Hold("a", noon.Add(time.Minute))
	l.Hold("a", noon.Add(time.Second)) // does not shorten it
	if until := busyUntil(t, l.Take(noon, Ask{Purpose: device.Securing, Vehicle: "a"})); !until.Equal(noon.Add(time.Minute)) {
		t.Fatalf("held until %v", until)
	}
	if err := l.Take(noon, Ask{Vehicle: "b"}); err != nil {
		t.Fatalf("another vehicle is held too: %v", err)
	}
	l.Hold("", noon.Add(time.Hour))
	if until := busyUntil(t, l.Take(noon, Ask{Purpose: device.Securing, Vehicle: "b"})); !until.Equal(noon.Add(time.Hour)) {
		t.Fatalf("held until %v", until)
	}
	if err := l.Take(noon.Add(time.Hour), Ask{Vehicle: "a"}); err != nil {
		t.Fatal(err)
	}
}

func TestVehiclesThatAreNotCalledAreForgotten(t *testing.T) {
	l := NewLimiter(Limit{Calls: 10, Per: time.Minute, PerVehicle: true})
	for i := range 10_000 {
		_ = l.Take(noon, Ask{Vehicle: fmt.Sprint(i)})
		l.Hold(fmt.Sprint(i), noon.Add(time.Second))
	}
	_ = l.Take(noon.Add(2*time.Minute), Ask{Vehicle: "1"})
	if len(l.seen) > 1 || len(l.held) > 0 {
		t.Fatalf("%d windows and %d holds are left", len(l.seen), len(l.held))
	}
}

// TestNoWindowHoldsMore compares with the plain definition: in no length of time Per more than Calls, nor more than what
// is usable for any purpose and those that are less urgent; and what is refused has room when it says.
func TestNoWindowHoldsMore(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := Limit{
			Calls: rapid.IntRange(1, 12).Draw(r, "calls"), Per: time.Duration(rapid.IntRange(1, 90).Draw(r, "per")) * time.Second,
			PerVehicle: rapid.Bool().Draw(r, "perVehicle"),
		}
		l := NewLimiter(limit)
		type call struct {
			at      time.Time
			purpose device.Purpose
		}
		made := map[string][]call{}
		at := noon
		for range rapid.IntRange(1, 120).Draw(r, "asks") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(r, "pause")) * time.Millisecond)
			ask := Ask{Purpose: rapid.SampledFrom(purposes).Draw(r, "purpose"), Vehicle: rapid.SampledFrom([]string{"a", "b"}).Draw(r, "vehicle")}
			key := ""
			if limit.PerVehicle {
				key = ask.Vehicle
			}
			room := true
			for _, q := range purposes[ask.Purpose:] {
				inside := 0
				for _, m := range made[key] {
					if m.at.After(at.Add(-limit.Per)) && m.purpose <= q {
						inside++
					}
				}
				room = room && inside < limit.usable(q)
			}
			err := l.Take(at, ask)
			if (err == nil) != room {
				r.Fatalf("%+v, purpose %d of %+v: %v", made[key], ask.Purpose, limit, err)
			}
			if err == nil {
				made[key] = append(made[key], call{at, ask.Purpose})
			} else if l.Check(busyUntil(t, err), ask) != nil {
				r.Fatalf("no room at the time that it named")
			}
		}
	})
}

func TestLimiterIsExactUnderConcurrency(t *testing.T) {
	l := NewLimiter(Limit{Calls: 100, Per: time.Minute})
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if l.Take(noon, Ask{Purpose: device.Securing}) == nil {
					mu.Lock()
					taken++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if taken != 100 {
		t.Fatalf("%d calls got through; want 100", taken)
	}
}

package fakecloud_test

import (
	"testing"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"pgregory.net/rapid"
)

// TestAWindowIsExact compares the meter with a list of everything that was ever admitted.
func TestAWindowIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := fakecloud.Limit{Name: "l", Most: rapid.IntRange(1, 5).Draw(t, "most"), Per: time.Minute}
		now := time.Unix(1_700_000_000, 0)
		var m fakecloud.Meter
		var admitted []time.Time
		refused := 0
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 40), 1, 60).Draw(t, "gaps") {
			now = now.Add(time.Duration(gap) * time.Second)
			within := 0
			for _, at := range admitted {
				if now.Sub(at) < time.Minute {
					within++
				}
			}
			wait, ok := m.Admit(now, limit, "k")
			if ok != (within < limit.Most) {
				t.Fatalf("%d of %d are in the window, and one more is admitted: %v", within, limit.Most, ok)
			}
			if ok {
				admitted = append(admitted, now)
				continue
			}
			refused++
			var again fakecloud.Meter
			for _, at := range admitted {
				again.Admit(at, limit, "k")
			}
			if _, early := again.Admit(now.Add(wait-1), limit, "k"); early || wait <= 0 {
				t.Fatalf("it asks to wait %v, and less is enough", wait)
			}
			if _, then := again.Admit(now.Add(wait), limit, "k"); !then {
				t.Fatalf("it asks to wait %v, which is not enough", wait)
			}
		}
		count := m.Counts()[0]
		if count.Requests != len(admitted) || count.Refused != refused || count.Peak > limit.Most || (len(m.Exceeded()) == 1) != (refused > 0) {
			t.Fatalf("counted %+v", count)
		}
	})
}

func TestABucketRefills(t *testing.T) {
	limit := fakecloud.Limit{Name: "b", Most: 3, Refill: 30 * time.Second}
	now := time.Unix(1_700_000_000, 0)
	var m fakecloud.Meter
	for range 3 {
		if _, ok := m.Admit(now, limit, "app"); !ok {
			t.Fatal("the bucket is not full at first")
		}
	}
	if wait, ok := m.Admit(now.Add(10*time.Second), limit, "app"); ok || wait != 20*time.Second {
		t.Fatalf("an empty bucket: %v, %v", wait, ok)
	}
	if _, ok := m.Admit(now.Add(30*time.Second), limit, "app"); !ok {
		t.Fatal("nothing came back")
	}
	if _, ok := m.Admit(now.Add(31*time.Second), limit, "app"); ok {
		t.Fatal("more came back than one")
	}
	if _, ok := m.Admit(now, limit, "another"); !ok {
		t.Fatal("two applications share a bucket")
	}
	if c := m.Exceeded(); len(c) != 1 || c[0].Refused != 2 || c[0].Peak != 3 {
		t.Fatalf("exceeded: %+v", c)
	}
}

package storetest

import (
	"errors"
	"testing"

	"github.com/loquet/loquet/store"
)

func freshTwin(testing.TB) store.Store { return &twin{} }

func TestFaultyFailsTheChosenWrite(t *testing.T) {
	for _, c := range []struct {
		fault  Fault
		stored uint64
	}{{Lost, 1}, {Unacknowledged, 2}} {
		f := NewFaulty(freshTwin(t))
		f.FailAt(2, c.fault)
		if err := f.Append(t.Context(), decision("a", 0, 1)); err != nil {
			t.Fatal(err)
		}
		if err := f.Append(t.Context(), decision("a", 1, 1)); !errors.Is(err, store.ErrUncertain) {
			t.Fatalf("%s: error %v", c.fault, err)
		}
		if version, _ := load(t.Context(), f, "a"); version != c.stored {
			t.Fatalf("%s: version %d, want %d", c.fault, version, c.stored)
		}
		if err := f.Append(t.Context(), decision("a", c.stored, 1)); err != nil {
			t.Fatalf("%s: the write after it: %v", c.fault, err)
		}
		if f.Writes() != 3 {
			t.Fatalf("%d writes", f.Writes())
		}
	}
}

func TestFaultyFailsEveryKindOfWriteAndNoRead(t *testing.T) {
	for _, c := range calls {
		f := NewFaulty(freshTwin(t))
		if err := f.Append(t.Context(), everything("a", 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Put(t.Context(), store.Record{Kind: "k", ID: "x"}); err != nil {
			t.Fatal(err)
		}
		f.FailAt(3, Lost)
		if err := c.do(t.Context(), f); errors.Is(err, store.ErrUncertain) != c.writes {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

func TestFaultyKeepsTheEnginesOwnRefusal(t *testing.T) {
	f := NewFaulty(freshTwin(t))
	f.FailAt(1, Unacknowledged)
	if err := f.Append(t.Context(), decision("a", 5, 1)); !errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUncertain) {
		t.Fatalf("error %v", err)
	}
}

func TestEachWriteTwice(t *testing.T) {
	seen := map[string]int{}
	EachWriteTwice(t, freshTwin, func(t *testing.T, s *Faulty) {
		// A writer that loads again whenever it is uncertain ends with exactly three events.
		for {
			version, err := load(t.Context(), s, "a")
			if err != nil {
				t.Fatal(err)
			}
			if version == 3 {
				break
			}
			err = s.Append(t.Context(), decision("a", version, 1))
			if err != nil && !errors.Is(err, store.ErrUncertain) {
				t.Fatal(err)
			}
			if err != nil {
				seen[s.fault()]++
			}
		}
	})
	if seen["lost"] != 3 || seen["unacknowledged"] != 3 {
		t.Fatalf("faults seen: %v, want each of 3 writes in both ways", seen)
	}
}

// fault names the only fault that is planned.
func (f *Faulty) fault() string {
	for _, fault := range f.plan {
		return fault.String()
	}
	return ""
}

package mqtt

import (
	"context"
	"testing"

	"github.com/loquet/loquet/event"
	"pgregory.net/rapid"
)

func bolt(b event.Bolt, at int) event.Observation {
	return event.Observation{Device: "d", Bolt: b, Origin: event.OriginLive, ReceivedAt: event.Instant(at)}
}

func drain(q *queue) []event.Observation {
	var all []event.Observation
	for {
		h, ok := q.next()
		if !ok {
			return all
		}
		all = append(all, h.Observation)
	}
}

// TestTheQueueLosesOnlyRepetitions, against the naive twin that keeps everything.
func TestTheQueueLosesOnlyRepetitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := rapid.SliceOfN(rapid.SampledFrom([]event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltJammed}), 0, 200).Draw(t, "states")
		q := newQueue()
		var want []event.Observation
		for i, s := range states {
			q.put(bolt(s, i), nil)
			if n := len(want); n > 0 && want[n-1].Bolt == s {
				want = want[:n-1]
			}
			want = append(want, bolt(s, i))
		}
		got := drain(q)
		if len(got) != len(want) {
			t.Fatalf("kept %v; want %v", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("kept %v; want %v", got, want)
			}
		}
	})
}

func TestARetainedCopyIsNotARepetitionOfALiveReport(t *testing.T) {
	q := newQueue()
	old := bolt(event.BoltLocked, 1)
	old.Origin = event.OriginRetained
	q.put(old, nil)
	q.put(bolt(event.BoltLocked, 2), nil)
	if got := drain(q); len(got) != 2 || got[0].Current() || !got[1].Current() {
		t.Fatalf("kept %v", got)
	}
}

func TestAFullQueueEndsInUnknown(t *testing.T) {
	q := newQueue()
	states := []event.Bolt{event.BoltLocked, event.BoltUnlocked}
	for i := range 2*most + 1 {
		q.put(bolt(states[i%2], i), nil)
	}
	all := drain(q)
	last := all[len(all)-1]
	if len(all) != most+1 || last.Bolt != event.BoltUnknown || last.Contact != event.ContactUnknown {
		t.Fatalf("%d are kept, the last is %+v", len(all), last)
	}
	q.put(bolt(event.BoltLocked, 0), nil)
	if got := drain(q); len(got) != 1 {
		t.Fatalf("an emptied queue takes nothing: %v", got)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o, ok := newQueue().take(ctx); ok {
		t.Fatalf("took %+v from an empty queue", o)
	}
}

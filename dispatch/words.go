package dispatch

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// words are what devices said last in this process. Most of it only repeats what the journal knows, and is not written
// there; pages show by it how fresh a value is. Nothing is decided by it. Safe for concurrent use.
type words struct {
	mu sync.Mutex
	of *lru.Cache[event.BarrierID, word]
}

// word is a barrier with what was heard since it was recorded, and the battery's charge.
type word struct {
	heard     site.Barrier
	battery   int
	batteryAt event.Instant
}

// mostWords is of how many barriers it is known what they said last.
const mostWords = 100_000

func newWords() words {
	of, err := lru.New[event.BarrierID, word](mostWords)
	if err != nil {
		panic(err) // only for a size that isn't positive
	}
	return words{of: of}
}

// note takes what the device of a barrier said, as the barrier stood before. No time in it is later than now.
func (w *words) note(b site.Barrier, o event.Observation, now event.Instant) {
	o.ReceivedAt, o.AskedAt = min(o.ReceivedAt, now), min(o.AskedAt, now)
	w.mu.Lock()
	defer w.mu.Unlock()
	known, _ := w.of.Get(b.ID)
	known.heard = known.on(b).Hearing(o)
	if o.Battery > 0 {
		known.battery, known.batteryAt = o.Battery, o.ReceivedAt
	}
	w.of.Add(b.ID, known)
}

// on makes a barrier as fresh as what was heard of it, where that says the same as the journal.
func (w word) on(b site.Barrier) site.Barrier {
	if b.ReachedAt == 0 || w.heard.ReachedAt == 0 {
		return b
	}
	b.ReachedAt = max(b.ReachedAt, w.heard.ReachedAt)
	if b.BoltAt != 0 && b.Bolt == w.heard.Bolt {
		b.BoltAt, b.BoltOwn = max(b.BoltAt, w.heard.BoltAt), max(b.BoltOwn, w.heard.BoltOwn)
	}
	if b.ContactAt != 0 && b.Contact == w.heard.Contact {
		b.ContactAt, b.ContactOwn = max(b.ContactAt, w.heard.ContactAt), max(b.ContactOwn, w.heard.ContactOwn)
	}
	return b
}

// Fresher is a barrier as the journal knows it, as fresh as what its device has said to this process since.
func (d *Dispatcher) Fresher(b site.Barrier) site.Barrier {
	known, _ := d.words.of.Get(b.ID)
	return known.on(b)
}

// Battery is the charge of a barrier's device in percent, and when it was said; 0 if it has not been said to this
// process.
func (d *Dispatcher) Battery(id event.BarrierID) (percent int, at event.Instant) {
	known, _ := d.words.of.Get(id)
	return known.battery, known.batteryAt
}

package auth

import (
	"sync"
	"time"

	"github.com/loquet/loquet/event"
)

// Bounds on remembered proofs: of all devices together, and of one device among those whose window ends in the
// same minute. Past them requests are refused, never let through unremembered.
const (
	mostReplays  = 1 << 18
	mostOfDevice = 1024
)

// replays remembers proofs until their window ends, in one set for each minute in which windows end: forgetting
// is dropping a set.
type replays struct {
	mu      sync.Mutex
	minutes map[event.Instant]map[event.KeyID]map[string]struct{}
	count   int
	// since is the end of the last minute that was forgotten. Were the clock set back, proofs from before it
	// could not be told from new ones.
	since event.Instant
}

func newReplays() *replays {
	return &replays{minutes: make(map[event.Instant]map[event.KeyID]map[string]struct{})}
}

// add remembers a proof whose window ends at the given instant. Errors: ErrReplayed, ErrClock, *TooMany.
func (r *replays) add(key event.KeyID, jti string, end, now event.Instant) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	minute := end - end%event.Instant(event.Minute)
	if minute < r.since {
		return ErrClock
	}
	seen := r.seen(minute, key)
	if _, twice := seen[jti]; twice {
		return ErrReplayed
	}
	if len(seen) >= mostOfDevice || r.count >= mostReplays {
		return &TooMany{After: time.Minute}
	}
	seen[jti] = struct{}{}
	r.count++
	return nil
}

func (r *replays) seen(minute event.Instant, key event.KeyID) map[string]struct{} {
	keys := r.minutes[minute]
	if keys == nil {
		keys = make(map[event.KeyID]map[string]struct{})
		r.minutes[minute] = keys
	}
	seen := keys[key]
	if seen == nil {
		seen = make(map[string]struct{})
		keys[key] = seen
	}
	return seen
}

// forget drops the minutes that are wholly past.
func (r *replays) forget(now event.Instant) {
	for minute, keys := range r.minutes {
		end := minute.Add(event.Minute)
		if end > now {
			continue
		}
		for _, seen := range keys {
			r.count -= len(seen)
		}
		delete(r.minutes, minute)
		r.since = max(r.since, end)
	}
}

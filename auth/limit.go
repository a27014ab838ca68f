package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter allows each key (a remote address, an API key, a courier) so much at once and so much per second after
// that. Its memory is bounded: when too many keys are in use, new ones share one allowance, so flooding it with
// keys wins nothing. Safe for concurrent use.
type Limiter struct {
	every rate.Limit
	burst int
	most  int
	now   func() time.Time

	mu    sync.Mutex
	keys  map[string]*rate.Limiter
	rest  *rate.Limiter
	swept time.Time
}

// NewLimiter allows burst at once and then one more every interval, for up to most keys at a time. All three are
// greater than 0.
func NewLimiter(burst int, interval time.Duration, most int, now func() time.Time) *Limiter {
	every := rate.Every(interval)
	return &Limiter{
		every: every, burst: burst, most: most, now: now,
		keys: make(map[string]*rate.Limiter), rest: rate.NewLimiter(every, burst), swept: now(),
	}
}

// Allow takes one from the key's allowance, or returns *TooMany.
func (l *Limiter) Allow(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	r := l.limiter(key, now).ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return &TooMany{After: wait}
	}
	return nil
}

func (l *Limiter) limiter(key string, now time.Time) *rate.Limiter {
	if lim, known := l.keys[key]; known {
		return lim
	}
	if len(l.keys) >= l.most {
		l.sweep(now)
	}
	if len(l.keys) >= l.most {
		return l.rest
	}
	lim := rate.NewLimiter(l.every, l.burst)
	l.keys[key] = lim
	return lim
}

// sweep forgets the keys whose allowance is whole again: they are as good as new. At most once a second, as it
// looks at every key.
func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for key, lim := range l.keys {
		if lim.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
}

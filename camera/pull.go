package camera

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Source is where units come from.
type Source interface {
	// Run connects once and hands every unit to sink, in order and from one goroutine at a time, until it fails
	// or ctx ends. It returns a *Fault, or the context's error. Each run begins with a key unit of a new
	// Format. When it has returned, sink is not called any more. Sink never blocks.
	Run(ctx context.Context, sink func(*Unit)) error
}

const (
	firstPause = 250 * time.Millisecond
	mostPause  = 8 * time.Second
	// lastingPause follows a failure that a person has to mend. Cameras lock a user out after a few wrong passwords.
	lastingPause = time.Minute
	// steady is how long a connection stands before the pauses begin anew.
	steady = 10 * time.Second
)

// Pull keeps a Source running, and feeds a Ring and a Judge from it.
type Pull struct {
	source Source
	ring   *Ring

	mu    sync.Mutex
	judge *Judge
	fault *Fault
	since time.Time // when the fault came
}

// NewPull returns a pull that has not begun. The judge belongs to it until Run has returned.
func NewPull(source Source, ring *Ring, judge *Judge) *Pull {
	return &Pull{source: source, ring: ring, judge: judge}
}

// Run connects again and again, with growing pauses, until ctx ends. It neither closes the ring nor forgets what
// the judge knows.
func (p *Pull) Run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		fault := p.once(ctx)
		if time.Since(began) > steady {
			pause = firstPause
		}
		if !wait(ctx, p.pause(pause, fault)) {
			return
		}
		pause = min(2*pause, mostPause)
	}
}

// once runs the source for one connection.
func (p *Pull) once(ctx context.Context) *Fault {
	p.mu.Lock()
	p.judge.Begin(time.Now())
	p.mu.Unlock()
	err := p.source.Run(ctx, p.take)
	p.ring.Cut()
	var fault *Fault
	if !errors.As(err, &fault) {
		fault = &Fault{Why: NoAnswer, Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.since = fault, time.Now()
	return fault
}

func (p *Pull) take(u *Unit) {
	p.mu.Lock()
	p.fault = nil
	p.judge.Add(u)
	p.mu.Unlock()
	p.ring.Put(u)
}

// pause varies, so that many cameras of one network don't come back in the same instant.
func (p *Pull) pause(pause time.Duration, fault *Fault) time.Duration {
	if fault.Why.lasting() {
		pause = lastingPause
	}
	return pause*3/4 + rand.N(pause/2) // #nosec G404 -- nobody gains by guessing it
}

func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Verdict says how it stands at the instant now. Without a connection it gives the last failure's reason.
func (p *Pull) Verdict(now time.Time) Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.judge.Verdict(now)
	if p.fault != nil {
		v.Live, v.Why, v.Since = false, p.fault.Why, p.since
	}
	return v
}

// Fault returns how the last connection failed, and nil as long as one delivers.
func (p *Pull) Fault() *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Fault is how a write fails.
type Fault int

const (
	// Lost: nothing was stored, and the caller is told ErrUncertain.
	Lost Fault = iota + 1
	// Unacknowledged: it was stored, and the caller is told ErrUncertain all the same.
	Unacknowledged
)

// String names the fault in test output.
func (f Fault) String() string {
	switch f {
	case Lost:
		return "lost"
	case Unacknowledged:
		return "unacknowledged"
	}
	return fmt.Sprintf("fault %d", int(f))
}

// errInjected tells an injected fault from a real one in test output.
var errInjected = errors.New("injected by storetest")

// Faulty is a store that fails the writes it is told to. Writes are Append, Claim, Finish, Postpone, Sweep,
// Put and Delete, counted from 1 in the order in which they begin. Safe for concurrent use.
type Faulty struct {
	store.Store
	mu     sync.Mutex
	writes int
	plan   map[int]Fault
}

// NewFaulty wraps a store. Without FailAt it behaves as the store itself.
func NewFaulty(s store.Store) *Faulty {
	return &Faulty{Store: s, plan: map[int]Fault{}}
}

// FailAt makes write number n fail. A write that the engine itself refuses reports the engine's error.
func (f *Faulty) FailAt(n int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan[n] = fault
}

// Writes returns how many writes have begun.
func (f *Faulty) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

func (f *Faulty) next() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	return f.plan[f.writes]
}

// write does one write, and fails it as planned.
func (f *Faulty) write(do func() error) error {
	fault := f.next()
	if fault != Lost {
		if err := do(); err != nil || fault == 0 {
			return err
		}
	}
	return fmt.Errorf("%s, %w: %w", fault, errInjected, store.ErrUncertain)
}

// Append implements store.Journal.
func (f *Faulty) Append(ctx context.Context, a store.Append) error {
	return f.write(func() error { return f.Store.Append(ctx, a) })
}

// Claim implements store.Queue.
func (f *Faulty) Claim(ctx context.Context, kinds []string, now, again event.Instant, limit int) ([]store.Work, error) {
	var work []store.Work
	err := f.write(func() (err error) {
		work, err = f.Store.Claim(ctx, kinds, now, again, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return work, nil
}

// Finish implements store.Queue.
func (f *Faulty) Finish(ctx context.Context, id string) error {
	return f.write(func() error { return f.Store.Finish(ctx, id) })
}

// Postpone implements store.Queue.
func (f *Faulty) Postpone(ctx context.Context, id string, due event.Instant) error {
	return f.write(func() error { return f.Store.Postpone(ctx, id, due) })
}

// Sweep implements store.Queue.
func (f *Faulty) Sweep(ctx context.Context, now event.Instant) (int, error) {
	var n int
	err := f.write(func() (err error) {
		n, err = f.Store.Sweep(ctx, now)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Put implements store.Register.
func (f *Faulty) Put(ctx context.Context, r store.Record) (uint64, error) {
	var version uint64
	err := f.write(func() (err error) {
		version, err = f.Store.Put(ctx, r)
		return err
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// Delete implements store.Register.
func (f *Faulty) Delete(ctx context.Context, kind, id string, version uint64) error {
	return f.write(func() error { return f.Store.Delete(ctx, kind, id, version) })
}

// EachWriteTwice runs the scenario once without a fault to count its writes, then twice for each of them: once
// with that write lost, once stored but unacknowledged. Each run has a fresh store; the scenario itself checks
// what must hold whichever write failed, and must make the same writes each time up to the failing one.
func EachWriteTwice(t *testing.T, fresh func(t testing.TB) store.Store, scenario func(t *testing.T, s *Faulty)) {
	t.Helper()
	writes := 0
	t.Run("no fault", func(t *testing.T) {
		f := NewFaulty(fresh(t))
		scenario(t, f)
		writes = f.Writes()
	})
	for n := 1; n <= writes; n++ {
		for _, fault := range []Fault{Lost, Unacknowledged} {
			t.Run(fmt.Sprintf("write %d %s", n, fault), func(t *testing.T) {
				f := NewFaulty(fresh(t))
				f.FailAt(n, fault)
				scenario(t, f)
			})
		}
	}
}

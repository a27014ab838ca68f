package dispatch

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

// TestEachWriteOfAVisitFails: the courier's phone asks again, the process stays.
func TestEachWriteOfAVisitFails(t *testing.T) {
	for _, by := range []event.PermitType{event.PermitRemote, event.PermitCode} {
		t.Run(string(by), func(t *testing.T) {
			storetest.EachWriteTwice(t, func(testing.TB) store.Store { return memory.New() }, func(t *testing.T, f *storetest.Faulty) {
				bubble(t, func(t *testing.T) {
					w := newTown(t, f.Store)
					h, _ := w.ready(by)
					d := w.process(f)
					end := w.run(d)
					defer end()
					(&phone{town: w, home: h, server: always(d)}).deliver()
					pass(2 * claimFor.Duration())
					synctest.Wait()
					w.checkOnce("home")
					w.checkShut("home")
					w.noWorkLeft()
				})
			})
		})
	}
}

// TestTheProcessDiesAtEachWrite, before it is stored and after, and another takes over.
func TestTheProcessDiesAtEachWrite(t *testing.T) {
	for _, by := range []event.PermitType{event.PermitRemote, event.PermitCode} {
		t.Run(string(by), func(t *testing.T) {
			writes := 0
			for n := 0; n <= writes; n++ {
				for _, stored := range []bool{false, true} {
					t.Run(fmt.Sprintf("write %d stored %v", n, stored), func(t *testing.T) {
						bubble(t, func(t *testing.T) { writes = max(writes, dieAt(t, by, n, stored)) })
					})
				}
			}
		})
	}
}

// dieAt plays a visit whose first process dies at its nth write; it returns how many writes that process made.
func dieAt(t *testing.T, by event.PermitType, n int, stored bool) int {
	kept := memory.New()
	w := newTown(t, kept)
	h, _ := w.ready(by)
	dying := &mortal{Store: w.store, last: n, stored: stored, died: make(chan struct{})}
	d := w.process(dying)
	end := w.run(d)
	p := &phone{town: w, home: h}
	p.server = func() *Dispatcher {
		select {
		case <-dying.died:
			end()
			w.store = kept.Reopen()
			d = w.process()
			end = w.run(d)
			dying.died = nil
		default:
		}
		return d
	}
	p.deliver()
	pass(2 * claimFor.Duration())
	end()
	w.checkOnce("home")
	w.checkShut("home")
	w.noWorkLeft()
	return dying.writes
}

// mortal is a process's way to the store, until the process dies: from then on nothing comes through.
type mortal struct {
	store.Store
	mu     sync.Mutex
	writes int
	last   int
	stored bool
	dead   bool
	died   chan struct{}
}

// write does one write, unless the process is dead, or dies at it.
func (m *mortal) write(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return store.ErrClosed
	}
	m.writes++
	if m.writes != m.last {
		return do()
	}
	m.dead = true
	close(m.died)
	if m.stored {
		_ = do()
	}
	return store.ErrClosed
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return store.ErrClosed
	}
	return nil
}

func (m *mortal) Append(ctx context.Context, a store.Append) error {
	return m.write(func() error { return m.Store.Append(ctx, a) })
}

func (m *mortal) Finish(ctx context.Context, id string) error {
	return m.write(func() error { return m.Store.Finish(ctx, id) })
}

func (m *mortal) Postpone(ctx context.Context, id string, due event.Instant) error {
	return m.write(func() error { return m.Store.Postpone(ctx, id, due) })
}

func (m *mortal) Claim(ctx context.Context, kinds []string, now, again event.Instant, limit int) (work []store.Work, err error) {
	err = m.write(func() (err error) {
		work, err = m.Store.Claim(ctx, kinds, now, again, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return work, nil
}

func (m *mortal) Load(ctx context.Context, id event.SiteID) (store.Snapshot, error) {
	if err := m.alive(); err != nil {
		return store.Snapshot{}, err
	}
	return m.Store.Load(ctx, id)
}

func (m *mortal) Deadlines(ctx context.Context, now event.Instant, limit int) ([]store.Due, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Deadlines(ctx, now, limit)
}

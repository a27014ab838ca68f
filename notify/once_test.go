package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

// checkOnce requires that a break-in was told on every channel, and that each reader sees it once.
func (w *world) checkOnce() {
	w.t.Helper()
	for _, address := range []string{"anna by email", "anna by push", "+33612345678 by sms", "paul by email"} {
		w.wantTitles(address, brokenIn)
	}
	w.noWorkLeft()
}

// TestEachWriteFails: once it is lost, once only its answer is.
func TestEachWriteFails(t *testing.T) {
	storetest.EachWriteTwice(t, func(testing.TB) store.Store { return memory.New() }, func(t *testing.T, f *storetest.Faulty) {
		bubble(t, func(t *testing.T) {
			w := newWorld(t)
			_, n := w.process(w.store)
			w.choose(n, w.anna, Quiet{}, Choice{Foreign, Channels()})
			d, _ := w.process(w.store)
			w.breakIn(d)
			f.Store = w.store
			d, _ = w.process(f)
			defer w.run(d)()
			pass(5 * time.Minute)
			w.checkOnce()
			if n := len(w.box.all()); n != 4 {
				t.Errorf("%d messages were sent: a process that lives knows what it has sent", n)
			}
		})
	})
}

// TestWhatIsSentWhileTheProcessIsToldToEnd is noted all the same, and is not sent again by the next.
func TestWhatIsSentWhileTheProcessIsToldToEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{}, Choice{Foreign, Channels()})
		d, _ := w.process(w.store)
		told := make(chan struct{})
		w.box.failBy(func(target, message) (error, bool) {
			<-told
			return nil, true
		})
		w.breakIn(d)
		end := w.run(d)
		synctest.Wait()
		go func() {
			pass(time.Second)
			close(told)
		}()
		end()
		d, _ = w.process(w.store)
		defer w.run(d)()
		pass(5 * time.Minute)
		w.checkOnce()
		if n := len(w.box.all()); n != 4 {
			t.Errorf("%d messages were sent", n)
		}
	})
}

// TestTheProcessDiesAtEachWrite, before it is stored and after, and another takes over. What it sent before stays sent.
func TestTheProcessDiesAtEachWrite(t *testing.T) {
	again, writes := 0, 0
	for n := 0; n <= writes; n++ {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d stored %v", n, stored), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld(t)
					made := w.dieAt(n, stored)
					writes = max(writes, made)
					w.checkOnce()
					if len(w.box.all()) > 4 {
						again++
					}
				})
			})
		}
	}
	if writes < 6 || again == 0 {
		t.Errorf("%d writes, and in %d cases something was sent again: this tests nothing", writes, again)
	}
}

func (w *world) dieAt(last int, stored bool) (writes int) {
	d, n := w.process(w.store)
	w.choose(n, w.anna, Quiet{}, Choice{Foreign, Channels()})
	w.breakIn(d)
	dying := &mortal{Store: w.store, last: last, stored: stored}
	d, _ = w.process(dying)
	end := w.run(d)
	pass(time.Second)
	end()
	w.store = w.store.(*memory.Store).Reopen()
	d, _ = w.process(w.store)
	defer w.run(d)()
	pass(5 * time.Minute)
	return dying.writes
}

// mortal is a store whose process dies at one of its writes.
type mortal struct {
	store.Store
	mu     sync.Mutex
	writes int
	last   int
	stored bool
	dead   bool
}

func (m *mortal) write(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return store.ErrClosed
	}
	if m.writes++; m.writes != m.last {
		return do()
	}
	m.dead = true
	if m.stored {
		_ = do()
	}
	return store.ErrClosed
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

func (m *mortal) Finish(ctx context.Context, id string) error {
	return m.write(func() error { return m.Store.Finish(ctx, id) })
}

func (m *mortal) Postpone(ctx context.Context, id string, due event.Instant) error {
	return m.write(func() error { return m.Store.Postpone(ctx, id, due) })
}

func (m *mortal) Put(ctx context.Context, r store.Record) (version uint64, err error) {
	err = m.write(func() (err error) {
		version, err = m.Store.Put(ctx, r)
		return err
	})
	return version, err
}

func (m *mortal) Delete(ctx context.Context, kind, id string, version uint64) error {
	return m.write(func() error { return m.Store.Delete(ctx, kind, id, version) })
}

// TestAnAnswerThatIsLost: the other side took the message, and nobody knows. It is sent again, and is the same one.
func TestAnAnswerThatIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{}, Choice{Foreign, Channels()})
		lost := 0
		w.box.failBy(func(target, message) (error, bool) {
			if lost++; lost <= 8 {
				return trouble{err: errors.New("broke off")}, true
			}
			return nil, false
		})
		defer w.run(d)()
		w.breakIn(d)
		pass(time.Hour)
		w.checkOnce()
		if len(w.box.all()) != 12 {
			t.Errorf("sent %d times", len(w.box.all()))
		}
	})
}

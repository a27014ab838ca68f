package dispatch

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// deep is a store to which the way is long, as it is to a database.
type deep struct {
	store.Store
	opens  chan struct{}
	within atomic.Int64
}

// stack is what a question to it takes.
const stack = 64 << 10

func (d *deep) Load(ctx context.Context, id event.SiteID) (store.Snapshot, error) {
	d.within.Add(1)
	<-d.opens
	var room [stack]byte
	dig(room[:])
	return d.Store.Load(ctx, id)
}

//go:noinline
func dig(room []byte) { room[len(room)-1] = 1 }

// TestACarThatNobodyHearsTakesLittle, though there may be many thousands of them, and all sites are asked for their wishes
// when a process begins: a few at a time.
func TestACarThatNobodyHearsTakesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cars, most = 500, 12 << 10
		s := &deep{Store: memory.New(), opens: make(chan struct{})}
		d := newTown(t, s).process()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		before := stacks()
		for i := range cars {
			c := &car{door: newDoor(event.DeviceID("car" + strconv.Itoa(i)))}
			c.spec.Reveals = event.RevealsCar
			all.Go(func() { _ = d.Watch(ctx, event.SiteID("home"+strconv.Itoa(i)), c) })
		}
		synctest.Wait()
		if n := s.within.Load(); n != looksAtOnce {
			t.Errorf("%d sites are asked at once", n)
		}
		close(s.opens)
		synctest.Wait()
		if n := s.within.Load(); n != cars {
			t.Errorf("%d sites of %d were asked", n, cars)
		}
		if each := (stacks() - before) / cars; each > most {
			t.Errorf("each car holds a stack of %d bytes", each)
		}
		cancel()
		all.Wait()
	})
}

// stacks is what the stacks of all goroutines take.
func stacks() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.StackInuse)
}

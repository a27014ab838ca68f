package dispatch

import (
	"hash/maphash"
	"sync"

	"github.com/loquet/loquet/event"
)

// keyedLocks let one decision at a time be made for a site in this process. The store's version check is what
// keeps the truth; this only spares the second of two callers a decision made in vain. Sites share locks.
type keyedLocks struct {
	once  sync.Once
	seed  maphash.Seed
	locks [1024]sync.Mutex
}

func (k *keyedLocks) lock(id event.SiteID) (unlock func()) {
	k.once.Do(func() { k.seed = maphash.MakeSeed() })
	m := &k.locks[maphash.String(k.seed, string(id))%uint64(len(k.locks))]
	m.Lock()
	return m.Unlock
}

// underWay counts what must end before the process may: decisions, commands to barriers, and the recording of
// their outcomes. Once it was closed nothing new begins.
type underWay struct {
	mu     sync.RWMutex
	closed bool
	all    sync.WaitGroup
}

func (u *underWay) begin() bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.closed {
		return false
	}
	u.all.Add(1)
	return true
}

func (u *underWay) end() { u.all.Done() }

// also starts something that belongs to what has begun and not ended yet.
func (u *underWay) also(f func()) { u.all.Go(f) }

// close lets nothing new begin, and waits for the rest.
func (u *underWay) close() {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.all.Wait()
}

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

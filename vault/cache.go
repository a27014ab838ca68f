package vault

import (
	"sync"
	"time"

	"github.com/loquet/loquet/event"
)

// Bounds of the cache: how many sites' keys it holds, and for how long. The second is also how long another
// process may go on reading an erased site.
const (
	cacheMost = 4096
	cacheLife = time.Minute
)

// cache keeps unwrapped keys, so that most calls neither read the register nor unwrap.
type cache struct {
	now func() time.Time

	mu    sync.Mutex
	sites map[event.SiteID]cached
	// round counts what was dropped. Keys that were read before a drop are not put after it: they may be the
	// erased ones.
	round uint64
}

type cached struct {
	keys  siteKeys
	until time.Time
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, sites: make(map[event.SiteID]cached)}
}

func (c *cache) get(site event.SiteID) (keys siteKeys, round uint64, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, found := c.sites[site]
	if !found || !c.now().Before(entry.until) {
		return siteKeys{}, c.round, false
	}
	return entry.keys, c.round, true
}

func (c *cache) put(site event.SiteID, keys siteKeys, round uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round {
		return
	}
	if len(c.sites) >= cacheMost {
		c.makeRoom()
	}
	c.sites[site] = cached{keys, c.now().Add(cacheLife)}
}

// makeRoom drops any one site: the map's order is random, which is as good a guess as a minute's life deserves.
func (c *cache) makeRoom() {
	for site := range c.sites {
		delete(c.sites, site)
		return
	}
}

func (c *cache) drop(site event.SiteID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	delete(c.sites, site)
}

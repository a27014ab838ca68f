package sqlite

import (
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

const (
	// hotSites is how many sites are kept in memory: those that were decided upon last.
	hotSites = 16 << 10
	// hotState bounds the state of a site that is kept, in bytes; most are a tenth of it.
	hotState = 8 << 10
)

// head is a site as a decision finds it. Its slices are never written to once it is in use.
type head struct {
	num      int64
	version  uint64
	deadline event.Instant
	runs     []byte
	state    []byte
}

// hot holds sites as of the last commit, so that neither a caller nor the writer reads what was just written.
// Only the writer adds to it, after a commit and before it answers: a reader that added what it had read might
// bring back a state that has been replaced meanwhile. No other process writes, and should one do so all the
// same, the update of the site's row finds another version there and fails. Safe for concurrent use.
type hot struct {
	sites *lru.Cache[event.SiteID, head]
	// batch holds what the running transaction has changed; only the writer uses it.
	batch map[event.SiteID]head
}

func newHot() *hot {
	sites, err := lru.New[event.SiteID, head](hotSites)
	if err != nil {
		panic(err) // only for a size that isn't positive
	}
	return &hot{sites: sites, batch: map[event.SiteID]head{}}
}

// snapshot answers a caller.
func (h *hot) snapshot(site event.SiteID) (store.Snapshot, bool) {
	found, ok := h.sites.Get(site)
	if !ok {
		return store.Snapshot{}, false
	}
	return store.Snapshot{Version: found.version, State: slices.Clone(found.state)}, true
}

// get answers the writer, who sees what it has not yet committed.
func (h *hot) get(site event.SiteID) (head, bool) {
	if found, ok := h.batch[site]; ok {
		return found, true
	}
	return h.sites.Get(site)
}

// put notes what the running transaction has written. The state is copied, because it is the caller's.
func (h *hot) put(site event.SiteID, now head) {
	now.state = slices.Clone(now.state)
	h.batch[site] = now
}

// committed makes the batch visible.
func (h *hot) committed() {
	for site, now := range h.batch {
		if len(now.state) > hotState {
			h.sites.Remove(site)
			continue
		}
		h.sites.Add(site, now)
	}
	clear(h.batch)
}

// undone forgets everything after a rollback: it is rare, and the file is right in any case.
func (h *hot) undone() {
	clear(h.batch)
	h.sites.Purge()
}

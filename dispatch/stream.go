package dispatch

import (
	"sync"

	"github.com/loquet/loquet/event"
)

// streams wake those who follow a site's journal. They read the journal itself, so that a wake may be missed,
// doubled or early without harm.
type streams struct {
	mu        sync.Mutex
	followers map[event.SiteID]map[chan struct{}]struct{}
}

// Follow returns a channel that is signalled after the site's journal grew in this process, and a function
// that ends it.
func (d *Dispatcher) Follow(id event.SiteID) (grown <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s := &d.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.followers == nil {
		s.followers = make(map[event.SiteID]map[chan struct{}]struct{})
	}
	if s.followers[id] == nil {
		s.followers[id] = make(map[chan struct{}]struct{})
	}
	s.followers[id][c] = struct{}{}
	return c, func() { s.remove(id, c) }
}

// everywhere is the site that those follow who follow every site.
const everywhere event.SiteID = ""

// FollowAll is Follow for every site.
func (d *Dispatcher) FollowAll() (grown <-chan struct{}, stop func()) { return d.Follow(everywhere) }

// Wake signals those who follow a site though its journal did not grow: something else that they show has changed.
func (d *Dispatcher) Wake(id event.SiteID) { d.streams.wake(id) }

func (s *streams) remove(id event.SiteID, c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.followers[id], c)
	if len(s.followers[id]) == 0 {
		delete(s.followers, id)
	}
}

func (s *streams) wake(id event.SiteID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.followers[id] {
		wake(c)
	}
	for c := range s.followers[everywhere] {
		wake(c)
	}
}

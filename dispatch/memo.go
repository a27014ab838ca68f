package dispatch

import (
	"bytes"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

const (
	// memoSites is how many decoded states are kept: those of the sites that were loaded or decided upon last.
	memoSites = 4096
	// memoState bounds, in encoded bytes, a state that is kept; most are an eighth of it. Decoded it takes about
	// twice as much again, so that all of them together stay below 128 MiB at the worst.
	memoState = 8 << 10
)

// memo spares the decoding of a stored state that was decoded, or encoded, before. The store is still asked each
// time, and a state is used only for the very bytes that it belongs to: nothing here can be out of date. States
// are values that nobody changes. Safe for concurrent use.
type memo struct {
	sites *lru.Cache[event.SiteID, decoded]
}

type decoded struct {
	from  []byte
	state site.State
}

func newMemo() memo {
	sites, err := lru.New[event.SiteID, decoded](memoSites)
	if err != nil {
		panic(err) // only for a size that isn't positive
	}
	return memo{sites}
}

// decode is site.Decode.
func (m memo) decode(id event.SiteID, from []byte) (site.State, error) {
	if known, ok := m.sites.Get(id); ok && bytes.Equal(known.from, from) {
		return known.state, nil
	}
	state, err := site.Decode(from)
	if err == nil {
		m.keep(id, from, state)
	}
	return state, err
}

// keep notes what the bytes decode to. They must not change any more.
func (m memo) keep(id event.SiteID, from []byte, state site.State) {
	if len(from) > memoState {
		m.sites.Remove(id)
		return
	}
	m.sites.Add(id, decoded{from, state})
}

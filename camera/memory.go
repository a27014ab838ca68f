package camera

import "math/bits"

const (
	// recentKeys are all remembered: 4.5 hours of a key picture every 2 s, in less than 0.5 MB.
	recentKeys = 8192
	// sampledKeys of those before are remembered too.
	sampledKeys = 2048
)

// memory remembers hashes of key pictures. The last recentKeys are known for certain. Of those before, it keeps an
// even sample, chosen by the hash itself: halved whenever it grows too large, so that it reaches back as far as
// one likes, and thins with age of the whole.
type memory struct {
	ring   []uint64
	next   int
	recent map[uint64]struct{}
	old    map[uint64]struct{}
	thin   int // a hash is in the sample if this many of its lowest bits are zero
}

func newMemory() memory {
	return memory{recent: map[uint64]struct{}{}, old: map[uint64]struct{}{}}
}

// seen says whether a hash is remembered, and remembers it.
func (m *memory) seen(h uint64) bool {
	if _, ok := m.recent[h]; ok {
		return true
	}
	_, known := m.old[h]
	delete(m.old, h)
	m.remember(h)
	return known
}

func (m *memory) remember(h uint64) {
	m.recent[h] = struct{}{}
	if len(m.ring) < recentKeys {
		m.ring = append(m.ring, h)
		return
	}
	m.age(m.ring[m.next])
	m.ring[m.next] = h
	m.next = (m.next + 1) % recentKeys
}

func (m *memory) age(h uint64) {
	delete(m.recent, h)
	if bits.TrailingZeros64(h) < m.thin {
		return
	}
	m.old[h] = struct{}{}
	for len(m.old) > sampledKeys {
		m.thin++
		for h := range m.old {
			if bits.TrailingZeros64(h) < m.thin {
				delete(m.old, h)
			}
		}
	}
}

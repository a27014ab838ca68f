package fakecloud

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Limit is a limit that a maker publishes. With Refill it is a bucket of Most requests that gets one back every
// Refill; else it is at most Most requests in any span of Per.
type Limit struct {
	Name   string
	Most   int
	Per    time.Duration
	Refill time.Duration
}

// Meter counts requests against limits.
type Meter struct {
	mu     sync.Mutex
	counts map[gauge]*count
}

type gauge struct {
	limit Limit
	key   string
}

// Count is what a meter has counted for one key (an account, a vehicle, an application) against one limit.
type Count struct {
	Limit Limit
	Key   string
	// Requests were within the limit; Refused were not.
	Requests, Refused int
	// Peak is how much of the limit was in use at the worst moment: it never exceeds Limit.Most.
	Peak int
}

type count struct {
	Count
	times  []time.Time // of a window, oldest first
	level  int         // of a bucket, how much is used
	filled time.Time   // when level was last brought up to date
}

// Admit counts a request. When it is over the limit, it says after how long one more would be within it.
func (m *Meter) Admit(now time.Time, limit Limit, key string) (wait time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[gauge]*count{}
	}
	c := m.counts[gauge{limit, key}]
	if c == nil {
		c = &count{Count: Count{Limit: limit, Key: key}, filled: now}
		m.counts[gauge{limit, key}] = c
	}
	return c.admit(now)
}

func (c *count) admit(now time.Time) (time.Duration, bool) {
	used, wait := c.used(now)
	if used >= c.Limit.Most {
		c.Refused++
		return wait, false
	}
	c.Requests++
	c.Peak = max(c.Peak, used+1)
	if c.Limit.Refill > 0 {
		c.level++
	} else {
		c.times = append(c.times, now)
	}
	return 0, true
}

// used is how much of the limit is in use, and how long until there is less.
func (c *count) used(now time.Time) (int, time.Duration) {
	if c.Limit.Refill > 0 {
		back := int(now.Sub(c.filled) / c.Limit.Refill)
		c.level = max(0, c.level-back)
		c.filled = c.filled.Add(time.Duration(back) * c.Limit.Refill)
		return c.level, c.filled.Add(c.Limit.Refill).Sub(now)
	}
	old := 0
	for old < len(c.times) && now.Sub(c.times[old]) >= c.Limit.Per {
		old++
	}
	c.times = append(c.times[:0], c.times[old:]...)
	if len(c.times) == 0 {
		return 0, 0
	}
	return len(c.times), c.times[0].Add(c.Limit.Per).Sub(now)
}

// Counts returns everything counted so far, by limit and key.
func (m *Meter) Counts() []Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Count, 0, len(m.counts))
	for _, c := range m.counts {
		all = append(all, c.Count)
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Limit.Name, b.Limit.Name), cmp.Compare(a.Key, b.Key))
	})
	return all
}

// Exceeded returns the counts of those that asked for more than their limit: a client that keeps the limits by itself
// leaves it empty.
func (m *Meter) Exceeded() []Count {
	return slices.DeleteFunc(m.Counts(), func(c Count) bool { return c.Refused == 0 })
}

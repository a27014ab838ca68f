package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// rounds measures one caller; as many as saturate the machine; and, as couriers really come, scans at random
// instants at two rates below that, whether or not the earlier ones have been answered.
func (b *bench) rounds(ctx context.Context, visits int) error {
	fmt.Println("| scans | per second | commit p50 | p99 | above the commit: p50 | p90 | p99 | max | collections | longest pause |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	if _, err := b.round(ctx, "one after the other", visits, callers(1)); err != nil {
		return err
	}
	most, err := b.round(ctx, "64 callers without a pause", visits, callers(64))
	if err != nil {
		return err
	}
	for _, r := range []struct {
		what string
		part float64
	}{{"at random, a tenth of that", 0.1}, {"at random, half of that", 0.5}} {
		if _, err := b.round(ctx, r.what, visits, arrivals(most*r.part)); err != nil {
			return err
		}
	}
	return nil
}

// load starts scan(0) to scan(n-1), each once and with the time at which it was due, and returns when all have
// returned.
type load func(n int, scan func(i int, due time.Time))

// callers each make the next scan as soon as their last one is through.
func callers(many int) load {
	return func(n int, scan func(int, time.Time)) {
		var all sync.WaitGroup
		for c := range many {
			all.Go(func() {
				for i := c; i < n; i += many {
					scan(i, time.Now())
				}
			})
		}
		all.Wait()
	}
}

// arrivals come at random instants, so many per second in the long run. What the timer adds is not counted; what
// it takes until a goroutine runs is.
func arrivals(rate float64) load {
	return func(n int, scan func(int, time.Time)) {
		random := rand.New(rand.NewPCG(1, 2))
		var all sync.WaitGroup
		due := time.Now()
		for i := range n {
			due = due.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
			<-time.After(time.Until(due))
			arrived := time.Now()
			all.Go(func() { scan(i, arrived) })
		}
		all.Wait()
	}
}

// sample is one scan.
type sample struct {
	commit, above time.Duration
	err           error
}

// round prepares visits up to the scan, then has them scanned. It returns how many scans there were per second.
func (b *bench) round(ctx context.Context, what string, visits int, l load) (float64, error) {
	scans := make([]site.Command, visits)
	for i := range scans {
		var err error
		if scans[i], err = b.prepare(ctx); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	samples := make([]sample, visits)
	pauses := collections()
	begun := time.Now()
	l(visits, func(i int, due time.Time) { samples[i] = b.scan(ctx, scans[i], due) })
	rate := float64(visits) / time.Since(begun).Seconds()
	for _, s := range samples {
		if s.err != nil {
			return 0, s.err
		}
	}
	printRow(what, rate, samples, collections().since(pauses))
	return rate, nil
}

// scan takes from the arrival of the request to that of the order.
func (b *bench) scan(ctx context.Context, c site.Command, arrived time.Time) sample {
	id := event.SiteOf(c.Do.(site.Scan).Visit)
	ordered := b.street.expect(id)
	b.commits.watch(id)
	if _, err := b.dispatcher.Do(ctx, id, c); err != nil {
		return sample{err: err}
	}
	select {
	case at := <-ordered:
		commit := b.commits.of(id)
		return sample{commit: commit, above: at.Sub(arrived) - commit}
	case <-time.After(10 * time.Second):
		return sample{err: fmt.Errorf("%s: no order arrived", id)}
	}
}

// commits measures the commit of each scan.
type commits struct {
	store.Store
	mu   sync.Mutex
	took map[event.SiteID]time.Duration
}

// watch has the site's next commit measured, and none after it.
func (c *commits) watch(id event.SiteID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took[id] = 0
}

func (c *commits) of(id event.SiteID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.took[id]
}

// Append measures the one beneath.
func (c *commits) Append(ctx context.Context, a store.Append) error {
	begun := time.Now()
	err := c.Store.Append(ctx, a)
	took := time.Since(begun)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, watched := c.took[a.Site]; watched && known == 0 {
		c.took[a.Site] = took
	}
	return err
}

// gc is what the collector did since the process began, or within a round.
type gc struct {
	cycles  int64
	longest time.Duration
	pauses  []time.Duration
}

func collections() gc {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	return gc{cycles: s.NumGC, pauses: s.Pause}
}

// since tells of what came after an earlier look; the runtime remembers the last 256 pauses.
func (g gc) since(earlier gc) gc {
	g.cycles -= earlier.cycles
	if recent := g.pauses[:min(g.cycles, int64(len(g.pauses)))]; len(recent) > 0 {
		g.longest = slices.Max(recent)
	}
	return g
}

func printRow(what string, rate float64, samples []sample, g gc) {
	var commit, above []time.Duration
	for _, s := range samples {
		commit, above = append(commit, s.commit), append(above, s.above)
	}
	fmt.Printf("| %s | %.0f | %s | %s | %s | %s | %s | %s | %d | %s |\n", what, rate, at(commit, 50), at(commit, 99),
		at(above, 50), at(above, 90), at(above, 99), at(above, 100), g.cycles, g.longest.Round(time.Microsecond))
}

func at(all []time.Duration, percent int) time.Duration {
	slices.Sort(all)
	return all[min(len(all)*percent/100, len(all)-1)].Round(time.Microsecond)
}

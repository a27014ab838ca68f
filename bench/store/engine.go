package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/sqlite"
)

const (
	eventBytes = 300
	workBytes  = 200
	kind       = "notify"
	epoch      = event.Instant(1_800_000_000_000)
)

// engine is the store under test and the sites that are decided upon.
type engine struct {
	s     store.Store
	hot   []event.SiteID
	state []byte
	ids   atomic.Int64
}

// siteNames names n sites, every step-th one from the first.
func siteNames(first, n, step int) []event.SiteID {
	out := make([]event.SiteID, n)
	for i := range out {
		out[i] = siteName(first + i*step)
	}
	return out
}

func siteName(i int) event.SiteID { return event.SiteID(fmt.Sprintf("site%012d", i)) }

// openEngine opens the file and gives every hot site a first event.
func openEngine(path string, hot []event.SiteID, state int) (*engine, error) {
	s, err := sqlite.Open(path)
	if err != nil {
		return nil, err
	}
	e := &engine{s: s, hot: hot, state: make([]byte, state)}
	err = e.callers(256, func(ctx context.Context, mine []event.SiteID, _ int) error {
		for _, site := range mine {
			if err := e.decide(ctx, site, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return e, nil
}

// decide does what storage.md calls one decision: read the state, append 3 events of 300 bytes, replace the
// state and add one piece of work of 200 bytes. In the product a deadline is part of it when it moves.
func (e *engine) decide(ctx context.Context, site event.SiteID, deadline bool) error {
	snap, err := e.s.Load(ctx, site)
	if err != nil {
		return err
	}
	id := e.ids.Add(1)
	data := make([]byte, eventBytes)
	a := store.Append{Site: site, Version: snap.Version, State: e.state}
	for i := range uint64(3) {
		a.Events = append(a.Events, store.Entry{Seq: snap.Version + 1 + i, Data: data})
	}
	if deadline {
		a.Deadline = epoch + event.Instant(id)
	}
	a.Work = []store.Work{{ID: fmt.Sprintf("%s-w%d", site, id), Site: site, Kind: kind, Due: epoch + event.Instant(id), Data: data[:workBytes]}}
	return e.s.Append(ctx, a)
}

// callers runs f in n goroutines, each with sites of its own, and waits for them.
func (e *engine) callers(n int, f func(ctx context.Context, mine []event.SiteID, i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			from, to := i*len(e.hot)/n, (i+1)*len(e.hot)/n
			errs[i] = f(context.Background(), e.hot[from:to], i)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// turn lets n callers decide upon random sites for that long.
func (e *engine) turn(n int, d time.Duration, deadline bool) (float64, error) {
	if err := e.finishAll(); err != nil {
		return 0, err
	}
	var done atomic.Int64
	start := time.Now()
	err := e.callers(n, func(ctx context.Context, mine []event.SiteID, i int) error {
		random := rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))
		for time.Since(start) < d {
			if err := e.decide(ctx, mine[random.IntN(len(mine))], deadline); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	return float64(done.Load()) / time.Since(start).Seconds(), err
}

// finishAll does the work of the turn before, as the product would meanwhile.
func (e *engine) finishAll() error {
	ctx := context.Background()
	for {
		all, err := e.s.Claim(ctx, []string{kind}, 1<<60, 1<<61, 4096)
		if err != nil || len(all) == 0 {
			return err
		}
		queue := make(chan string, len(all))
		for _, w := range all {
			queue <- w.ID
		}
		close(queue)
		err = e.callers(256, func(ctx context.Context, _ []event.SiteID, _ int) error {
			for id := range queue {
				if err := e.s.Finish(ctx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

var concurrencyChecks = []check{
	{"exactly one of many writers wins each version", checkRace},
	{"a failing decision among many fails alone", checkFailsAlone},
	{"each piece of work is claimed by one", checkClaimRace},
	{"a record has one winner per version", checkRegisterRace},
	{"a key is remembered for one", checkRememberRace},
	{"closing commits what is under way or says that it did not", checkCloseRace},
	{"cancelling leaves no false answer", checkCancelRace},
}

// each runs f in n goroutines at once and waits for all of them.
func each(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

func checkRace(h harness) {
	const writers, versions = 8, 40
	wins := make([][]uint64, writers)
	each(writers, func(i int) {
		for {
			version, err := load(h.Context(), h.s, "a")
			if err != nil || version == versions {
				h.check(err)
				return
			}
			a := decision("a", version, 1)
			a.Events[0].Data = fmt.Appendf(nil, "writer %d", i)
			switch err := h.s.Append(h.Context(), a); {
			case err == nil:
				wins[i] = append(wins[i], version+1)
			case !errors.Is(err, store.ErrConflict):
				h.check(err)
				return
			}
		}
	})
	h.wonOnce(wins, versions)
}

// check reports an error from a goroutine.
func (h harness) check(err error) {
	if err != nil {
		h.Error(err)
	}
}

// wonOnce requires that each version was won once, and that the journal names its winner.
func (h harness) wonOnce(wins [][]uint64, versions int) {
	h.Helper()
	want := make([]store.Entry, versions)
	total := 0
	for writer, won := range wins {
		for _, version := range won {
			want[version-1] = store.Entry{Seq: version, Data: fmt.Appendf(nil, "writer %d", writer)}
			total++
		}
	}
	if total != versions {
		h.Fatalf("%d wins of %d versions", total, versions)
	}
	h.events("a", 0, versions+1, want)
}

func checkFailsAlone(h harness) {
	const callers, rounds = 32, 10
	each(callers, func(i int) {
		site := event.SiteID(fmt.Sprintf("s%d", i))
		for round := range uint64(rounds) {
			bad := decision(site, round+5, 1)
			bad.Rows = []store.Row{{Partition: "bad", Key: string(site), Data: []byte("x")}}
			if err := h.s.Append(h.Context(), bad); !errors.Is(err, store.ErrConflict) {
				h.Errorf("an append at a wrong version: %v", err)
			}
			h.check(h.s.Append(h.Context(), decision(site, round, 1)))
		}
	})
	for i := range callers {
		h.version(event.SiteID(fmt.Sprintf("s%d", i)), rounds)
	}
	h.rows("bad", "", 10, "")
}

func checkClaimRace(h harness) {
	const workers, pieces = 8, 100
	for i := range pieces {
		h.put(work(fmt.Sprintf("a-%d", i), "k", t0))
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	each(workers, func(int) {
		for {
			got, err := h.s.Claim(h.Context(), []string{"k"}, t0, t1, 3)
			h.check(err)
			if err != nil || len(got) == 0 {
				return
			}
			mu.Lock()
			for _, w := range got {
				claimed[w.ID]++
			}
			mu.Unlock()
		}
	})
	if len(claimed) != pieces {
		h.Fatalf("%d of %d pieces were claimed", len(claimed), pieces)
	}
	for id, n := range claimed {
		if n != 1 {
			h.Fatalf("%s was claimed %d times", id, n)
		}
	}
}

func checkRegisterRace(h harness) {
	const writers, versions = 8, 25
	var mu sync.Mutex
	wins := map[uint64]int{}
	each(writers, func(int) {
		for seen := uint64(0); seen < versions; {
			version, err := h.s.Put(h.Context(), store.Record{Kind: "k", ID: "x", Version: seen})
			if err == nil {
				mu.Lock()
				wins[version]++
				mu.Unlock()
			} else if !errors.Is(err, store.ErrConflict) {
				h.check(err)
				return
			}
			r, err := h.s.Get(h.Context(), "k", "x")
			h.check(err)
			seen = max(seen, r.Version)
		}
	})
	for version := range uint64(versions) {
		if wins[version+1] != 1 {
			h.Fatalf("version %d was won %d times", version+1, wins[version+1])
		}
	}
}

func checkRememberRace(h harness) {
	const callers = 16
	errs := make([]error, callers)
	each(callers, func(i int) {
		a := decision(event.SiteID(fmt.Sprintf("s%d", i)), 0, 1)
		a.Remember = &store.Remembered{Key: "key", Answer: []byte(a.Site), Until: t3}
		errs[i] = h.s.Append(h.Context(), a)
	})
	got, err := h.s.Recall(h.Context(), "key")
	h.must(err)
	for i, err := range errs {
		site := fmt.Sprintf("s%d", i)
		if site == string(got.Answer) {
			h.must(err)
			h.version(event.SiteID(site), 1)
			continue
		}
		h.fails(err, store.ErrExists)
		h.version(event.SiteID(site), 0)
	}
}

// checkCloseRace: whoever got no error was committed before the store closed, whoever got ErrClosed was not.
func checkCloseRace(h harness) {
	const callers = 16
	each(callers+1, func(i int) {
		if i == callers {
			h.check(h.s.Close())
			return
		}
		site := event.SiteID(fmt.Sprintf("s%d", i))
		for version := uint64(0); ; version++ {
			if err := h.s.Append(h.Context(), decision(site, version, 1)); err != nil {
				if !errors.Is(err, store.ErrClosed) {
					h.Errorf("append while closing: %v", err)
				}
				return
			}
		}
	})
}

// checkCancelRace cancels appends at any moment. No error means stored, a conflict or a plain cancellation
// means not stored, and only ErrUncertain leaves it open.
func checkCancelRace(h harness) {
	const callers, rounds = 8, 30
	each(callers, func(i int) {
		site := event.SiteID(fmt.Sprintf("s%d", i))
		for range rounds {
			before, err := load(h.Context(), h.s, site)
			h.check(err)
			err = h.appendCancelled(site, before)
			after, loadErr := h.settled(site)
			h.check(loadErr)
			switch {
			case err == nil && after != before+1, !uncertain(err) && err != nil && after != before:
				h.Errorf("%s went from %d to %d with error %v", site, before, after, err)
			case err != nil && !errors.Is(err, context.Canceled):
				h.Errorf("a cancelled append: %v", err)
			}
		}
	})
}

func uncertain(err error) bool { return errors.Is(err, store.ErrUncertain) }

// appendCancelled appends while another goroutine cancels.
func (h harness) appendCancelled(site event.SiteID, version uint64) error {
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	go cancel()
	return h.s.Append(ctx, decision(site, version, 1))
}

// settled loads the site once every append that may be under way has ended: writes are done in order.
func (h harness) settled(site event.SiteID) (uint64, error) {
	if err := h.s.Finish(h.Context(), "none"); err != nil {
		return 0, err
	}
	return load(h.Context(), h.s, site)
}

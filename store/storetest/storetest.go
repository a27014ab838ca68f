// Package storetest is the one suite that every engine of package store passes, and the tools with which other
// packages test what they do when a store fails them.
//
// Run checks each sentence of the contract, then compares the engine with a naive twin over random histories.
// Faulty fails a chosen write; EachWriteTwice fails each write of a scenario in both ways.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Factory opens a fresh, empty store; the factory sees to it that it is closed when the test ends. Reopen
// opens the same store once more after it was closed, as the only process that has it; it is nil for an engine
// that keeps nothing, or that several processes share.
type Factory func(t testing.TB) (s store.Store, reopen func() store.Store)

// Run runs the suite.
func Run(t *testing.T, open Factory) {
	for _, group := range [][]check{journalChecks, queueChecks, readChecks, registerChecks, lifeChecks, concurrencyChecks} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				s, _ := open(t)
				c.run(harness{t, s})
			})
		}
	}
	t.Run("what is acknowledged is there after reopening", func(t *testing.T) { checkReopened(t, open) })
	t.Run("the same as a naive twin", func(t *testing.T) { checkTwin(t, open) })
}

// check is one promise of the contract.
type check struct {
	name string
	run  func(h harness)
}

// harness is one store under test, with the calls that must succeed.
type harness struct {
	*testing.T
	s store.Store
}

const (
	t0 = event.Instant(1_800_000_000_000)
	t1 = t0 + event.Instant(event.Minute)
	t2 = t1 + event.Instant(event.Minute)
	t3 = t2 + event.Instant(event.Minute)
)

// entries makes n events numbered from version+1 on.
func entries(site event.SiteID, version uint64, n int) []store.Entry {
	out := make([]store.Entry, n)
	for i := range out {
		seq := version + 1 + uint64(i)
		out[i] = store.Entry{Seq: seq, Data: fmt.Appendf(nil, "%s event %d", site, seq)}
	}
	return out
}

// decision is an append of n events and a state that names the new version.
func decision(site event.SiteID, version uint64, n int) store.Append {
	a := store.Append{Site: site, Version: version, Events: entries(site, version, n)}
	if end := version + uint64(n); end > 0 {
		a.State = fmt.Appendf(nil, "%s state %d", site, end)
	}
	return a
}

func (h harness) append(a store.Append) {
	h.Helper()
	h.must(h.s.Append(h.Context(), a))
}

func (h harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// fails requires an error of the given class.
func (h harness) fails(err, want error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Fatalf("error %v, want %v", err, want)
	}
}

func (h harness) version(site event.SiteID, want uint64) {
	h.Helper()
	snap, err := h.s.Load(h.Context(), site)
	h.must(err)
	if snap.Version != want {
		h.Fatalf("%s is at version %d, want %d", site, snap.Version, want)
	}
	if state := string(decision(site, want, 0).State); string(snap.State) != state {
		h.Fatalf("%s has state %q, want %q", site, snap.State, state)
	}
}

func (h harness) events(site event.SiteID, after uint64, limit int, want []store.Entry) {
	h.Helper()
	got, err := h.s.Events(h.Context(), site, after, limit)
	h.must(err)
	if show(got) != show(want) {
		h.Fatalf("events of %s after %d: %s, want %s", site, after, show(got), show(want))
	}
}

// show makes entries comparable and readable.
func show(all []store.Entry) string {
	out := ""
	for _, e := range all {
		out += fmt.Sprintf("[%d %s]", e.Seq, e.Data)
	}
	return out
}

func (h harness) claim(now, again event.Instant, limit int, kinds ...string) []store.Work {
	h.Helper()
	got, err := h.s.Claim(h.Context(), kinds, now, again, limit)
	h.must(err)
	return got
}

// claims requires that exactly this work is claimed, in this order.
func (h harness) claims(now, again event.Instant, limit int, kinds []string, want ...string) {
	h.Helper()
	got := []string{}
	for _, w := range h.claim(now, again, limit, kinds...) {
		got = append(got, w.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Fatalf("claimed %q, want %q", got, want)
	}
}

func (h harness) nextWork(want event.Instant, kinds ...string) {
	h.Helper()
	got, err := h.s.NextWork(h.Context(), kinds)
	h.must(err)
	if got != want {
		h.Fatalf("next work at %d, want %d", got, want)
	}
}

func (h harness) deadlines(now event.Instant, limit int, want ...store.Due) {
	h.Helper()
	got, err := h.s.Deadlines(h.Context(), now, limit)
	h.must(err)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Fatalf("deadlines %v, want %v", got, want)
	}
}

func (h harness) cancelled() context.Context {
	ctx, cancel := context.WithCancel(h.Context())
	cancel()
	return ctx
}

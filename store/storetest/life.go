package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/loquet/loquet/store"
)

var lifeChecks = []check{
	{"a healthy store says so", func(h harness) { h.must(h.s.Check(h.Context())) }},
	{"a closed store refuses everything", checkClosed},
	{"closing twice is not an error", checkCloseTwice},
	{"a cancelled request does nothing", checkCancelled},
}

// call is one method of the store with arguments that have an effect if it has one.
type call struct {
	name   string
	writes bool
	do     func(ctx context.Context, s store.Store) error
}

// calls are all methods but Close.
var calls = []call{
	{"Load", false, func(ctx context.Context, s store.Store) error { _, err := s.Load(ctx, "a"); return err }},
	{"Append", true, func(ctx context.Context, s store.Store) error { return s.Append(ctx, everything("b", 0)) }},
	{"Events", false, func(ctx context.Context, s store.Store) error { _, err := s.Events(ctx, "a", 0, 1); return err }},
	{"Sites", false, func(ctx context.Context, s store.Store) error { _, err := s.Sites(ctx, "", 1); return err }},
	{"Value", false, func(ctx context.Context, s store.Store) error { _, err := s.Value(ctx, "a", "v"); return err }},
	{"Recall", false, func(ctx context.Context, s store.Store) error { _, err := s.Recall(ctx, "key of a"); return err }},
	{"Deadlines", false, func(ctx context.Context, s store.Store) error { _, err := s.Deadlines(ctx, t3, 1); return err }},
	{"NextDeadline", false, func(ctx context.Context, s store.Store) error { _, err := s.NextDeadline(ctx); return err }},
	{"Claim", true, func(ctx context.Context, s store.Store) error {
		_, err := s.Claim(ctx, []string{"k"}, t0, t3+1, 1)
		return err
	}},
	{"Finish", true, func(ctx context.Context, s store.Store) error { return s.Finish(ctx, "a-w") }},
	{"Postpone", true, func(ctx context.Context, s store.Store) error { return s.Postpone(ctx, "a-w", t3+1) }},
	{"NextWork", false, func(ctx context.Context, s store.Store) error { _, err := s.NextWork(ctx, []string{"k"}); return err }},
	{"Sweep", true, func(ctx context.Context, s store.Store) error { _, err := s.Sweep(ctx, t3+1); return err }},
	{"Rows", false, func(ctx context.Context, s store.Store) error { _, err := s.Rows(ctx, "p", "", 1); return err }},
	{"Row", false, func(ctx context.Context, s store.Store) error { _, err := s.Row(ctx, "p", "a"); return err }},
	{"Get", false, func(ctx context.Context, s store.Store) error { _, err := s.Get(ctx, "k", "x"); return err }},
	{"Put", true, func(ctx context.Context, s store.Store) error {
		_, err := s.Put(ctx, store.Record{Kind: "k", ID: "x", Version: 1})
		return err
	}},
	{"Delete", true, func(ctx context.Context, s store.Store) error { return s.Delete(ctx, "k", "x", 1) }},
	{"List", false, func(ctx context.Context, s store.Store) error { _, err := s.List(ctx, "k", "", 1); return err }},
	{"Check", false, func(ctx context.Context, s store.Store) error { return s.Check(ctx) }},
}

// prepared fills what calls read.
func (h harness) prepared() {
	h.Helper()
	h.append(everything("a", 0))
	_, err := h.s.Put(h.Context(), store.Record{Kind: "k", ID: "x"})
	h.must(err)
}

func checkClosed(h harness) {
	h.prepared()
	h.must(h.s.Close())
	for _, c := range calls {
		if err := c.do(h.Context(), h.s); !errors.Is(err, store.ErrClosed) {
			h.Errorf("%s on a closed store: %v", c.name, err)
		}
	}
}

func checkCloseTwice(h harness) {
	h.must(h.s.Close())
	h.must(h.s.Close())
}

// checkCancelled: a context that was cancelled before the call leaves no doubt, so it is not ErrUncertain.
func checkCancelled(h harness) {
	h.prepared()
	ctx := h.cancelled()
	for _, c := range calls {
		err := c.do(ctx, h.s)
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUncertain) {
			h.Errorf("%s with a cancelled context: %v", c.name, err)
		}
	}
	h.record(store.Record{Kind: "k", ID: "x", Version: 1})
	h.version("b", 0)
	h.nothingBut("a")
}

// reclaimed requires that work which was claimed once, until t1, is claimed anew before that.
func (h harness) reclaimed(id string) {
	h.Helper()
	got := h.claim(t0, t1, 1, "k")
	if len(got) != 1 || got[0].ID != id || got[0].Due != t0 || got[0].Attempts != 2 {
		h.Fatalf("claimed %+v, want %s for the second time", got, id)
	}
}

// checkReopened closes a store in the middle of its life and requires that all of it is there afterwards.
func checkReopened(t *testing.T, open Factory) {
	s, reopen := open(t)
	if reopen == nil {
		t.Skip("this engine keeps nothing")
	}
	h := harness{t, s}
	h.prepared()
	h.append(decision("c", 0, 100))
	h.claims(t0, t1, 1, []string{"k"}, "a-w")
	h.must(s.Close())
	h.s = reopen()
	h.version("a", 1)
	h.version("c", 100)
	h.events("c", 10, 90, entries("c", 10, 90))
	h.record(store.Record{Kind: "k", ID: "x", Version: 1})
	h.reclaimed("a-w")
	h.nothingBut("a")
	h.fails(h.s.Append(h.Context(), everything("a", 0)), store.ErrExists)
	h.append(decision("a", 1, 2))
	h.version("a", 3)
}

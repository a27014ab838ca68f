package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// checkTwin does the same random things to the engine and to its naive twin, and compares every answer. Few
// names and few instants make collisions likely.
func checkTwin(t *testing.T, open Factory) {
	rapid.Check(t, func(r *rapid.T) {
		s, reopen := open(t)
		naive := &twin{unclaimedDue: map[string]event.Instant{}}
		p := &pair{ctx: t.Context(), engine: s, twin: naive}
		defer func() { p.must(r, p.engine.Close()) }()
		actions := map[string]func(*rapid.T){
			"append": p.append, "claim": p.claim, "work": p.changeWork, "sweep": p.sweep, "put": p.putRecord, "": p.compareAll,
		}
		if reopen != nil {
			actions["reopen"] = func(r *rapid.T) {
				p.must(r, p.engine.Close())
				p.engine = reopen()
				naive.releaseClaims()
			}
		}
		r.Repeat(actions)
	})
}

// pair is an engine and its twin.
type pair struct {
	ctx    context.Context
	engine store.Store
	twin   store.Store
}

var (
	anySite    = rapid.SampledFrom([]event.SiteID{"a", "b", "ab"})
	anyName    = rapid.SampledFrom([]string{"x", "y", "xy"})
	anyKind    = rapid.SampledFrom([]string{"k", "l"})
	anyKinds   = rapid.SliceOfN(anyKind, 0, 2)
	anyInstant = rapid.SampledFrom([]event.Instant{t0, t0 + 1, t1, t2, t3})
	maybe      = rapid.OneOf(rapid.Just(event.Instant(0)), anyInstant)
	anyData    = rapid.SliceOfN(rapid.Byte(), 1, 40)
	maybeData  = rapid.OneOf(rapid.Just([]byte(nil)), anyData)
	anyLimit   = rapid.IntRange(0, 4)
)

func (p *pair) must(r *rapid.T, err error) {
	if err != nil {
		r.Fatal(err)
	}
}

// both asks both, and requires the same answer and the same class of error.
func (p *pair) both(r *rapid.T, what string, ask func(s store.Store) (any, error)) {
	got, gotErr := ask(p.engine)
	want, wantErr := ask(p.twin)
	if class(gotErr) != class(wantErr) || fmt.Sprint(got) != fmt.Sprint(want) {
		r.Fatalf("%s: %v (error %v), the twin says %v (error %v)", what, got, gotErr, want, wantErr)
	}
}

func class(err error) string {
	for _, known := range []error{store.ErrConflict, store.ErrExists, store.ErrNotFound, store.ErrFull, store.ErrClosed, store.ErrUncertain} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "another error"
	}
	return ""
}

func (p *pair) append(r *rapid.T) {
	site := anySite.Draw(r, "site")
	version, err := load(p.ctx, p.twin, site)
	p.must(r, err)
	if rapid.IntRange(0, 9).Draw(r, "stale") == 0 {
		version += 1
	}
	a := decision(site, version, rapid.IntRange(0, 3).Draw(r, "events"))
	a.Deadline = maybe.Draw(r, "deadline")
	a.Rows = rapid.SliceOfN(rapid.Custom(drawRow), 0, 3).Draw(r, "rows")
	a.Work = rapid.SliceOfN(rapid.Custom(drawWork), 0, 3).Draw(r, "work")
	a.Values = rapid.SliceOfN(rapid.Custom(drawValue), 0, 2).Draw(r, "values")
	if rapid.Bool().Draw(r, "remember") {
		a.Remember = &store.Remembered{Key: anyName.Draw(r, "key"), Digest: "d", Answer: anyData.Draw(r, "answer"), Until: maybe.Draw(r, "until")}
	}
	p.both(r, "append", func(s store.Store) (any, error) { return nil, s.Append(p.ctx, a) })
}

func drawRow(r *rapid.T) store.Row {
	return store.Row{Partition: anyKind.Draw(r, "partition"), Key: anyName.Draw(r, "key"), Data: maybeData.Draw(r, "row")}
}

func drawWork(r *rapid.T) store.Work {
	site := anySite.Draw(r, "site")
	id := string(site) + "-" + anyName.Draw(r, "id")
	return store.Work{ID: id, Site: site, Kind: anyKind.Draw(r, "kind"), Due: anyInstant.Draw(r, "due"), Data: anyData.Draw(r, "work")}
}

func drawValue(r *rapid.T) store.Value {
	return store.Value{Name: anyName.Draw(r, "name"), Sealed: maybeData.Draw(r, "sealed"), EraseAt: maybe.Draw(r, "erase")}
}

func (p *pair) claim(r *rapid.T) {
	kinds, now, again, limit := anyKinds.Draw(r, "kinds"), anyInstant.Draw(r, "now"), anyInstant.Draw(r, "again"), anyLimit.Draw(r, "limit")
	p.both(r, "claim", func(s store.Store) (any, error) { return s.Claim(p.ctx, kinds, now, again, limit) })
}

func (p *pair) changeWork(r *rapid.T) {
	id, due := drawWork(r).ID, anyInstant.Draw(r, "due")
	finish := rapid.Bool().Draw(r, "finish")
	p.both(r, "finish or postpone", func(s store.Store) (any, error) {
		if finish {
			return nil, s.Finish(p.ctx, id)
		}
		return nil, s.Postpone(p.ctx, id, due)
	})
}

func (p *pair) sweep(r *rapid.T) {
	now := anyInstant.Draw(r, "now")
	p.both(r, "sweep", func(s store.Store) (any, error) { return s.Sweep(p.ctx, now) })
}

func (p *pair) putRecord(r *rapid.T) {
	rec := store.Record{Kind: anyKind.Draw(r, "kind"), ID: anyName.Draw(r, "id"), Version: rapid.Uint64Range(0, 3).Draw(r, "version"),
		Data: anyData.Draw(r, "data"), Until: maybe.Draw(r, "until")}
	remove := rapid.IntRange(0, 3).Draw(r, "remove") == 0
	p.both(r, "put or delete", func(s store.Store) (any, error) {
		if remove {
			return nil, s.Delete(p.ctx, rec.Kind, rec.ID, rec.Version)
		}
		return s.Put(p.ctx, rec)
	})
}

// compareAll reads everything there is by every way of reading.
func (p *pair) compareAll(r *rapid.T) {
	now, after, limit := anyInstant.Draw(r, "now"), anyName.Draw(r, "after"), anyLimit.Draw(r, "limit")
	site, name, kind, kinds := anySite.Draw(r, "site"), anyName.Draw(r, "name"), anyKind.Draw(r, "kind"), anyKinds.Draw(r, "kinds")
	seq := rapid.Uint64Range(0, 20).Draw(r, "seq")
	asks := map[string]func(s store.Store) (any, error){
		"load":          func(s store.Store) (any, error) { return s.Load(p.ctx, site) },
		"events":        func(s store.Store) (any, error) { return s.Events(p.ctx, site, seq, limit*4) },
		"sites":         func(s store.Store) (any, error) { return s.Sites(p.ctx, site, limit) },
		"value":         func(s store.Store) (any, error) { return s.Value(p.ctx, site, name) },
		"recall":        func(s store.Store) (any, error) { return s.Recall(p.ctx, name) },
		"deadlines":     func(s store.Store) (any, error) { return s.Deadlines(p.ctx, now, limit) },
		"next deadline": func(s store.Store) (any, error) { return s.NextDeadline(p.ctx) },
		"next work":     func(s store.Store) (any, error) { return s.NextWork(p.ctx, kinds) },
		"rows":          func(s store.Store) (any, error) { return s.Rows(p.ctx, kind, after, limit) },
		"row":           func(s store.Store) (any, error) { return s.Row(p.ctx, kind, name) },
		"get":           func(s store.Store) (any, error) { return s.Get(p.ctx, kind, name) },
		"list":          func(s store.Store) (any, error) { return s.List(p.ctx, kind, after, limit) },
	}
	for what, ask := range asks {
		p.both(r, what, ask)
	}
}

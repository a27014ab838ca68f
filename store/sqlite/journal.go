package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Load implements store.Journal.
func (s *Store) Load(ctx context.Context, site event.SiteID) (snap store.Snapshot, err error) {
	if err := s.readable(ctx); err != nil {
		return store.Snapshot{}, err
	}
	if s.writer != nil {
		if snap, found := s.writer.hot.snapshot(site); found {
			return snap, nil
		}
	}
	err = s.read(ctx, func(c conn) error {
		_, err := c.one("SELECT version, state FROM sites WHERE site = ?", func(stmt *sqlite.Stmt) {
			snap.Version, snap.State = uint64(stmt.ColumnInt64(0)), blob(stmt, 1)
		}, string(site))
		return err
	})
	return snap, err
}

// Append implements store.Journal. The slices in a are the store's until it returns, and after ErrUncertain for
// good.
func (s *Store) Append(ctx context.Context, a store.Append) error {
	return s.write(ctx, func(w *writer) error { return w.append(&a) })
}

func (w *writer) append(a *store.Append) error {
	h, err := w.admit(a)
	if err != nil {
		return err
	}
	if err := w.appendEvents(&h, a); err != nil {
		return err
	}
	for _, x := range a.Work {
		if err := w.putWork(x); err != nil {
			return err
		}
	}
	for _, r := range a.Rows {
		if err := w.putRow(r); err != nil {
			return err
		}
	}
	for _, v := range a.Values {
		w.erased = w.erased || v.Sealed == nil
		if err := w.putValue(a.Site, v); err != nil {
			return err
		}
	}
	return w.remember(a.Remember)
}

// admit checks everything that can be refused, before anything is written.
func (w *writer) admit(a *store.Append) (head, error) {
	if a.Remember != nil {
		known, err := w.one("SELECT 1 FROM remembered WHERE key = ?", func(*sqlite.Stmt) {}, a.Remember.Key)
		if err != nil {
			return head{}, err
		}
		if known {
			return head{}, refuse(store.ErrExists, "append to site %s: this idempotency key", a.Site)
		}
	}
	h, err := w.head(a.Site)
	if err != nil {
		return head{}, err
	}
	if h.version != a.Version {
		return head{}, refuse(store.ErrConflict, "append to site %s at version %d, it is at %d", a.Site, a.Version, h.version)
	}
	if err := checkEvents(a); err != nil {
		return head{}, refuse(err, "append to site %s", a.Site)
	}
	return h, nil
}

func checkEvents(a *store.Append) error {
	for i, e := range a.Events {
		if want := a.Version + 1 + uint64(i); e.Seq != want {
			return fmt.Errorf("event %d of the decision is numbered %d, not %d", i, e.Seq, want)
		}
	}
	if a.Version == 0 && len(a.Events) == 0 && (a.State != nil || a.Deadline != 0) {
		return errors.New("a site without events has neither state nor deadline")
	}
	return nil
}

func (w *writer) head(site event.SiteID) (h head, err error) {
	if h, found := w.hot.get(site); found {
		return h, nil
	}
	_, err = w.one("SELECT num, version, deadline, runs FROM sites WHERE site = ?", func(stmt *sqlite.Stmt) {
		h.num, h.version = stmt.ColumnInt64(0), uint64(stmt.ColumnInt64(1))
		h.deadline, h.runs = event.Instant(stmt.ColumnInt64(2)), blob(stmt, 3)
	}, string(site))
	return h, err
}

// appendEvents writes the events and the site's row. A site comes into being with its first event.
func (w *writer) appendEvents(h *head, a *store.Append) error {
	if h.num == 0 && len(a.Events) == 0 {
		return nil
	}
	if h.num == 0 {
		if err := w.exec("INSERT INTO sites (site, version, deadline, runs, state) VALUES (?, 0, 0, x'', x'')", string(a.Site)); err != nil {
			return err
		}
		h.num = w.LastInsertRowID()
	}
	if err := w.insertEvents(h, a.Events); err != nil {
		return err
	}
	return w.updateSite(h, a)
}

// errForeign is not a conflict: nobody but this writer may have changed the version.
var errForeign = errors.New("another program has changed the file. Stop it, and run loquet audit")

// updateSite replaces the site's row; deadlines have an index that is spared when they stay.
func (w *writer) updateSite(h *head, a *store.Append) error {
	h.version, h.state = a.Version+uint64(len(a.Events)), a.State
	var err error
	if h.deadline == a.Deadline {
		err = w.exec("UPDATE sites SET version = ?, runs = ?, state = ? WHERE num = ? AND version = ?",
			int64(h.version), h.runs, h.state, h.num, int64(a.Version))
	} else {
		h.deadline = a.Deadline
		err = w.exec("UPDATE sites SET version = ?, runs = ?, state = ?, deadline = ? WHERE num = ? AND version = ?",
			int64(h.version), h.runs, h.state, int64(h.deadline), h.num, int64(a.Version))
	}
	if err == nil && w.Changes() != 1 {
		err = errForeign
	}
	if err == nil {
		w.hot.put(a.Site, *h)
	}
	return err
}

// insertEvents writes the events side by side, and notes where.
func (w *writer) insertEvents(h *head, events []store.Entry) error {
	if len(events) == 0 {
		return nil
	}
	var n int64
	for i, e := range events {
		if err := w.exec("INSERT INTO events (site, seq, data) VALUES (?, ?, ?)", h.num, int64(e.Seq), e.Data); err != nil {
			return err
		}
		if i == 0 {
			n = w.LastInsertRowID()
		}
	}
	return w.noteRun(h, run{seq: events[0].Seq, n: n, count: uint64(len(events))})
}

// noteRun adds a run to the site's row, and moves what the row holds away when it is full.
func (w *writer) noteRun(h *head, r run) error {
	full, err := countRuns(h.runs)
	if err != nil {
		return err
	}
	if full >= runsInRow {
		if err := w.exec("INSERT INTO runs (site, last, runs) VALUES (?, ?, ?)", h.num, int64(r.seq-1), h.runs); err != nil {
			return err
		}
		h.runs = nil
	}
	h.runs, err = appendRun(slices.Clip(h.runs), r)
	return err
}

// Events implements store.Journal.
func (s *Store) Events(ctx context.Context, site event.SiteID, after uint64, limit int) (out []store.Entry, err error) {
	if after > math.MaxInt64 {
		after = math.MaxInt64
	}
	err = s.read(ctx, func(c conn) error {
		out, err = c.events(site, after, limit)
		return err
	})
	return out, err
}

// runsOf selects the runs of a site that hold what comes after a sequence, in order. One statement, and so one
// snapshot: between two, runs could have moved from the site's row to their table.
const runsOf = `
SELECT last, runs FROM (
	SELECT r.last AS last, r.runs AS runs FROM sites AS s JOIN runs AS r ON r.site = s.num WHERE s.site = ?1 AND r.last > ?2
	UNION ALL
	SELECT version, runs FROM sites WHERE site = ?1 AND version > ?2
) ORDER BY last`

// errEnough ends a query early.
var errEnough = errors.New("enough")

func (c conn) events(site event.SiteID, after uint64, limit int) (out []store.Entry, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = c.query(runsOf, func(stmt *sqlite.Stmt) error {
		var inner error
		err := eachRun(blob(stmt, 1), func(r run) bool {
			if r.seq+r.count > after+1 {
				out, inner = c.readRun(out, r, after, limit)
			}
			return inner == nil && len(out) < limit
		})
		if err == nil && inner == nil && len(out) >= limit {
			return errEnough
		}
		return errors.Join(err, inner)
	}, string(site), int64(after))
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// readRun adds the run's events after the sequence, up to limit in all.
func (c conn) readRun(out []store.Entry, r run, after uint64, limit int) ([]store.Entry, error) {
	if skip := after + 1; skip > r.seq {
		r.n, r.count, r.seq = r.n+int64(skip-r.seq), r.count-(skip-r.seq), skip
	}
	r.count = min(r.count, uint64(limit-len(out)))
	err := c.query("SELECT seq, data FROM events WHERE n >= ? AND n < ? ORDER BY n", func(stmt *sqlite.Stmt) error {
		e := store.Entry{Seq: uint64(stmt.ColumnInt64(0)), Data: blob(stmt, 1)}
		if e.Seq != r.seq {
			return fmt.Errorf("%w: event %d stands where %d should", errRuns, e.Seq, r.seq)
		}
		out, r.seq = append(out, e), r.seq+1
		return nil
	}, r.n, r.n+int64(r.count))
	return out, err
}

// Sites implements store.Journal.
func (s *Store) Sites(ctx context.Context, after event.SiteID, limit int) (out []event.SiteID, err error) {
	err = s.read(ctx, func(c conn) error {
		return c.query("SELECT site FROM sites WHERE site > ? ORDER BY site LIMIT ?", func(stmt *sqlite.Stmt) error {
			out = append(out, event.SiteID(stmt.ColumnText(0)))
			return nil
		}, string(after), atMost(limit))
	})
	return out, err
}

// atMost is a LIMIT; SQLite takes a negative one for none at all.
func atMost(limit int) int64 { return int64(max(0, limit)) }

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Load implements store.Journal.
func (s *Store) Load(ctx context.Context, site event.SiteID) (snap store.Snapshot, err error) {
	err = s.read(ctx, func(c conn) error {
		_, err := c.one("SELECT version, state FROM sites WHERE site = ?", func(stmt *sqlite.Stmt) {
			snap.Version, snap.State = uint64(stmt.ColumnInt64(0)), blob(stmt, 1)
		}, string(site))
		return err
	})
	return snap, err
}

// Append implements store.Journal.
func (s *Store) Append(ctx context.Context, a store.Append) error {
	return s.write(ctx, func(c conn) error { return c.append(&a) })
}

// head is a site as a decision finds it.
type head struct {
	num      int64
	version  uint64
	deadline event.Instant
	runs     []byte
}

func (c conn) append(a *store.Append) error {
	h, err := c.admit(a)
	if err != nil {
		return err
	}
	if err := c.appendEvents(&h, a); err != nil {
		return err
	}
	for _, w := range a.Work {
		if err := c.putWork(w); err != nil {
			return err
		}
	}
	for _, r := range a.Rows {
		if err := c.putRow(r); err != nil {
			return err
		}
	}
	for _, v := range a.Values {
		if err := c.putValue(a.Site, v); err != nil {
			return err
		}
	}
	return c.remember(a.Remember)
}

// admit checks everything that can be refused, before anything is written.
func (c conn) admit(a *store.Append) (head, error) {
	if a.Remember != nil {
		known, err := c.one("SELECT 1 FROM remembered WHERE key = ?", func(*sqlite.Stmt) {}, a.Remember.Key)
		if err != nil {
			return head{}, err
		}
		if known {
			return head{}, refuse(store.ErrExists, "append to site %s: this idempotency key", a.Site)
		}
	}
	h, err := c.head(a.Site)
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

func (c conn) head(site event.SiteID) (h head, err error) {
	_, err = c.one("SELECT num, version, deadline, runs FROM sites WHERE site = ?", func(stmt *sqlite.Stmt) {
		h = head{stmt.ColumnInt64(0), uint64(stmt.ColumnInt64(1)), event.Instant(stmt.ColumnInt64(2)), blob(stmt, 3)}
	}, string(site))
	return h, err
}

// appendEvents writes the events and the site's row. A site comes into being with its first event.
func (c conn) appendEvents(h *head, a *store.Append) error {
	if h.num == 0 && len(a.Events) == 0 {
		return nil
	}
	if h.num == 0 {
		if err := c.exec("INSERT INTO sites (site, version, deadline, runs, state) VALUES (?, 0, 0, x'', x'')", string(a.Site)); err != nil {
			return err
		}
		h.num = c.LastInsertRowID()
	}
	if err := c.insertEvents(h, a.Events); err != nil {
		return err
	}
	version := int64(a.Version) + int64(len(a.Events))
	if h.deadline == a.Deadline { // spares the index of deadlines
		return c.exec("UPDATE sites SET version = ?, runs = ?, state = ? WHERE num = ?", version, h.runs, a.State, h.num)
	}
	return c.exec("UPDATE sites SET version = ?, runs = ?, state = ?, deadline = ? WHERE num = ?",
		version, h.runs, a.State, int64(a.Deadline), h.num)
}

// insertEvents writes the events side by side, and notes where.
func (c conn) insertEvents(h *head, events []store.Entry) error {
	if len(events) == 0 {
		return nil
	}
	var n int64
	for i, e := range events {
		if err := c.exec("INSERT INTO events (site, seq, data) VALUES (?, ?, ?)", h.num, int64(e.Seq), e.Data); err != nil {
			return err
		}
		if i == 0 {
			n = c.LastInsertRowID()
		}
	}
	return c.noteRun(h, run{seq: events[0].Seq, n: n, count: uint64(len(events))})
}

// noteRun adds a run to the site's row, and moves what the row holds away when it is full.
func (c conn) noteRun(h *head, r run) error {
	full, err := countRuns(h.runs)
	if err != nil {
		return err
	}
	if full >= runsInRow {
		if err := c.exec("INSERT INTO runs (site, last, runs) VALUES (?, ?, ?)", h.num, int64(r.seq-1), h.runs); err != nil {
			return err
		}
		h.runs = nil
	}
	h.runs, err = appendRun(h.runs, r)
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

package sqlite

import (
	"cmp"
	"context"
	"math"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// What is due is looked up all the time, so each of these statements must find it in an index.
const (
	deadlinesDue = "SELECT site, deadline FROM sites WHERE deadline <> 0 AND deadline <= ? ORDER BY deadline, site LIMIT ?"
	workDue      = "SELECT id, site, due, attempts, data FROM work WHERE kind = ? AND due <= ? ORDER BY due, id LIMIT ?"
	workNext     = "SELECT due FROM work WHERE kind = ? ORDER BY due LIMIT 1"
)

// Of claimed work, unclaimed_due keeps when it was due before the first of its claims.
const (
	claimWork    = "UPDATE work SET due = ?, attempts = ?, unclaimed_due = coalesce(unclaimed_due, due) WHERE id = ?"
	postponeWork = "UPDATE work SET due = ?, unclaimed_due = NULL WHERE id = ?"
	releaseWork  = "UPDATE work SET due = unclaimed_due, unclaimed_due = NULL WHERE unclaimed_due IS NOT NULL"
)

// sweepMost bounds how many values, answers and records one Sweep removes, so that it holds nobody up.
const sweepMost = 500

// Deadlines implements store.Queue.
func (s *Store) Deadlines(ctx context.Context, now event.Instant, limit int) (out []store.Due, err error) {
	err = s.read(ctx, func(c conn) error {
		return c.query(deadlinesDue,
			func(stmt *sqlite.Stmt) error {
				out = append(out, store.Due{Site: event.SiteID(stmt.ColumnText(0)), At: event.Instant(stmt.ColumnInt64(1))})
				return nil
			}, int64(now), atMost(limit))
	})
	return out, err
}

// NextDeadline implements store.Queue.
func (s *Store) NextDeadline(ctx context.Context) (event.Instant, error) {
	first, err := s.Deadlines(ctx, math.MaxInt64, 1)
	if err != nil || len(first) == 0 {
		return 0, err
	}
	return first[0].At, nil
}

func (c conn) putWork(w store.Work) error {
	return c.exec("INSERT INTO work (id, kind, due, attempts, site, data) VALUES (?, ?, ?, 0, ?, ?) ON CONFLICT (id) DO NOTHING",
		w.ID, w.Kind, int64(w.Due), string(w.Site), w.Data)
}

// Claim implements store.Queue. The work's Due is the time at which it was due, not the one it is hidden until.
func (s *Store) Claim(ctx context.Context, kinds []string, now, again event.Instant, limit int) ([]store.Work, error) {
	if len(kinds) == 0 || limit <= 0 {
		return nil, s.readable(ctx)
	}
	// A look first: a write with nothing to claim would cost the writer its time.
	next, err := s.NextWork(ctx, kinds)
	if err != nil || next == 0 || next > now {
		return nil, err
	}
	return write(ctx, s, func(w *writer) ([]store.Work, error) { return w.claim(kinds, now, again, limit) })
}

func (c conn) claim(kinds []string, now, again event.Instant, limit int) ([]store.Work, error) {
	all, err := c.due(kinds, now, limit)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Attempts++
		if err := c.exec(claimWork, int64(again), int64(all[i].Attempts), all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// due lists what is due of the given kinds, earliest first, then in order of the identifier. Each kind is a
// range of its own in the index.
func (c conn) due(kinds []string, now event.Instant, limit int) ([]store.Work, error) {
	var all []store.Work
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		err := c.query(workDue,
			func(stmt *sqlite.Stmt) error {
				all = append(all, store.Work{ID: stmt.ColumnText(0), Site: event.SiteID(stmt.ColumnText(1)), Kind: kind,
					Due: event.Instant(stmt.ColumnInt64(2)), Attempts: stmt.ColumnInt(3), Data: blob(stmt, 4)})
				return nil
			}, kind, int64(now), atMost(limit))
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b store.Work) int { return cmp.Or(cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID)) })
	return all[:min(limit, len(all))], nil
}

// Finish implements store.Queue.
func (s *Store) Finish(ctx context.Context, id string) error {
	return s.write(ctx, func(w *writer) error { return w.exec("DELETE FROM work WHERE id = ?", id) })
}

// Postpone implements store.Queue. Postponing what is not there is not an error: it was finished meanwhile.
func (s *Store) Postpone(ctx context.Context, id string, due event.Instant) error {
	return s.write(ctx, func(w *writer) error { return w.exec(postponeWork, int64(due), id) })
}

// NextWork implements store.Queue.
func (s *Store) NextWork(ctx context.Context, kinds []string) (event.Instant, error) {
	var next event.Instant
	err := s.read(ctx, func(c conn) error {
		for _, kind := range kinds {
			err := c.query(workNext, func(stmt *sqlite.Stmt) error {
				if due := event.Instant(stmt.ColumnInt64(0)); next == 0 || due < next {
					next = due
				}
				return nil
			}, kind)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return next, err
}

// sweeps removes what is past its time, each table up to a limit.
var sweeps = []string{
	"DELETE FROM personal WHERE (site, name) IN (SELECT site, name FROM personal WHERE erase_at <> 0 AND erase_at <= ? LIMIT ?)",
	"DELETE FROM remembered WHERE key IN (SELECT key FROM remembered WHERE until <> 0 AND until <= ? LIMIT ?)",
	"DELETE FROM register WHERE (kind, id) IN (SELECT kind, id FROM register WHERE until <> 0 AND until <= ? LIMIT ?)",
}

// Sweep implements store.Queue. Records of the register past their time go too. What was erased stands in the log
// until that is copied and cut off: within a few commits after a sweep that finds nothing more, or after a later
// one if somebody else's read keeps the log.
func (s *Store) Sweep(ctx context.Context, now event.Instant) (int, error) {
	return write(ctx, s, func(w *writer) (int, error) {
		n := 0
		for _, sql := range sweeps {
			if err := w.exec(sql, int64(now), int64(sweepMost-n)); err != nil {
				return 0, err
			}
			n += w.Changes()
		}
		w.swept(n)
		return n, nil
	})
}

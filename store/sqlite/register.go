package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Get implements store.Register.
func (s *Store) Get(ctx context.Context, kind, id string) (r store.Record, err error) {
	err = s.read(ctx, func(c conn) error {
		found, err := c.one("SELECT version, until, data FROM register WHERE kind = ? AND id = ?", func(stmt *sqlite.Stmt) {
			r = store.Record{Kind: kind, ID: id, Version: uint64(stmt.ColumnInt64(0)), Until: event.Instant(stmt.ColumnInt64(1)), Data: blob(stmt, 2)}
		}, kind, id)
		if err == nil && !found {
			err = notFound("%s %s", kind, id)
		}
		return err
	})
	return r, err
}

// Put implements store.Register.
func (s *Store) Put(ctx context.Context, r store.Record) (uint64, error) {
	return write(ctx, s, func(w *writer) (uint64, error) {
		version, err := w.recordVersion(r.Kind, r.ID)
		if err != nil {
			return 0, err
		}
		if version != r.Version {
			return 0, refuse(store.ErrConflict, "%s %s is at version %d, not %d", r.Kind, r.ID, version, r.Version)
		}
		return version + 1, w.exec(`INSERT INTO register (kind, id, version, until, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, id)
			DO UPDATE SET version = excluded.version, until = excluded.until, data = excluded.data`,
			r.Kind, r.ID, int64(version)+1, int64(r.Until), r.Data)
	})
}

// recordVersion returns 0 when there is no such record.
func (c conn) recordVersion(kind, id string) (version uint64, err error) {
	_, err = c.one("SELECT version FROM register WHERE kind = ? AND id = ?", func(stmt *sqlite.Stmt) {
		version = uint64(stmt.ColumnInt64(0))
	}, kind, id)
	return version, err
}

// Delete implements store.Register.
func (s *Store) Delete(ctx context.Context, kind, id string, version uint64) error {
	return s.write(ctx, func(w *writer) error {
		stored, err := w.recordVersion(kind, id)
		switch {
		case err != nil:
			return err
		case stored == 0:
			return refuse(store.ErrNotFound, "%s %s", kind, id)
		case stored != version:
			return refuse(store.ErrConflict, "%s %s is at version %d, not %d", kind, id, stored, version)
		}
		w.erased = true
		return w.exec("DELETE FROM register WHERE kind = ? AND id = ?", kind, id)
	})
}

// List implements store.Register.
func (s *Store) List(ctx context.Context, kind, after string, limit int) (out []store.Record, err error) {
	err = s.read(ctx, func(c conn) error {
		return c.query("SELECT id, version, until, data FROM register WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", func(stmt *sqlite.Stmt) error {
			out = append(out, store.Record{Kind: kind, ID: stmt.ColumnText(0), Version: uint64(stmt.ColumnInt64(1)),
				Until: event.Instant(stmt.ColumnInt64(2)), Data: blob(stmt, 3)})
			return nil
		}, kind, after, atMost(limit))
	})
	return out, err
}

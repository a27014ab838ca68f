package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// notFound says what is missing.
func notFound(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, store.ErrNotFound)...)
}

// Value implements store.Journal.
func (s *Store) Value(ctx context.Context, site event.SiteID, name string) (sealed []byte, err error) {
	err = s.read(ctx, func(c conn) error {
		found, err := c.one("SELECT sealed FROM personal WHERE site = ? AND name = ?", func(stmt *sqlite.Stmt) {
			sealed = blob(stmt, 0)
		}, string(site), name)
		if err == nil && !found {
			err = notFound("value %s of site %s", name, site)
		}
		return err
	})
	return sealed, err
}

func (c conn) putValue(site event.SiteID, v store.Value) error {
	if v.Sealed == nil {
		return c.exec("DELETE FROM personal WHERE site = ? AND name = ?", string(site), v.Name)
	}
	return c.exec(`INSERT INTO personal (site, name, erase_at, sealed) VALUES (?, ?, ?, ?)
		ON CONFLICT (site, name) DO UPDATE SET erase_at = excluded.erase_at, sealed = excluded.sealed`,
		string(site), v.Name, int64(v.EraseAt), v.Sealed)
}

// Recall implements store.Journal.
func (s *Store) Recall(ctx context.Context, key string) (r store.Remembered, err error) {
	err = s.read(ctx, func(c conn) error {
		found, err := c.one("SELECT digest, until, answer FROM remembered WHERE key = ?", func(stmt *sqlite.Stmt) {
			r = store.Remembered{Key: key, Digest: stmt.ColumnText(0), Until: event.Instant(stmt.ColumnInt64(1)), Answer: blob(stmt, 2)}
		}, key)
		if err == nil && !found {
			err = notFound("answer to a request")
		}
		return err
	})
	return r, err
}

// remember keeps an answer; admit has made sure that the key is new.
func (c conn) remember(r *store.Remembered) error {
	if r == nil {
		return nil
	}
	return c.exec("INSERT INTO remembered (key, digest, until, answer) VALUES (?, ?, ?, ?)", r.Key, r.Digest, int64(r.Until), r.Answer)
}

// Rows implements store.Projection.
func (s *Store) Rows(ctx context.Context, partition, after string, limit int) (out []store.Row, err error) {
	err = s.read(ctx, func(c conn) error {
		return c.query("SELECT key, data FROM projection WHERE part = ? AND key > ? ORDER BY key LIMIT ?", func(stmt *sqlite.Stmt) error {
			out = append(out, store.Row{Partition: partition, Key: stmt.ColumnText(0), Data: blob(stmt, 1)})
			return nil
		}, partition, after, atMost(limit))
	})
	return out, err
}

// Row implements store.Projection.
func (s *Store) Row(ctx context.Context, partition, key string) (r store.Row, err error) {
	err = s.read(ctx, func(c conn) error {
		found, err := c.one("SELECT data FROM projection WHERE part = ? AND key = ?", func(stmt *sqlite.Stmt) {
			r = store.Row{Partition: partition, Key: key, Data: blob(stmt, 0)}
		}, partition, key)
		if err == nil && !found {
			err = notFound("row %s of %s", key, partition)
		}
		return err
	})
	return r, err
}

func (c conn) putRow(r store.Row) error {
	if r.Data == nil {
		return c.exec("DELETE FROM projection WHERE part = ? AND key = ?", r.Partition, r.Key)
	}
	return c.exec("INSERT INTO projection (part, key, data) VALUES (?, ?, ?) ON CONFLICT (part, key) DO UPDATE SET data = excluded.data",
		r.Partition, r.Key, r.Data)
}

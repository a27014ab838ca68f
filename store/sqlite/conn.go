package sqlite

import (
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// busyTimeout covers the instants in which a connection holds a lock that another one needs, as when a
// checkpoint starts the write-ahead log anew.
const busyTimeout = 5 * time.Second

// tuning holds for every connection. secure_delete overwrites what is erased; memory holds temporary tables;
// the cache is in KiB. Checkpoints are run by a goroutine of their own, never inside a commit.
var tuning = []string{
	"synchronous = FULL", "wal_autocheckpoint = 0", "secure_delete = ON", "temp_store = MEMORY",
	"cell_size_check = ON", "trusted_schema = OFF",
}

// uri names the file for SQLite; vfs is empty except in tests.
func uri(path, mode, vfs string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	query := url.Values{"mode": {mode}}
	if vfs != "" {
		query.Set("vfs", vfs)
	}
	return (&url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}).String(), nil
}

// conn is one connection; one goroutine at a time uses it. Statements are prepared once.
type conn struct {
	*sqlite.Conn
}

// connect opens one connection with a page cache of that many KiB.
func connect(uri string, cacheKiB int, flags sqlite.OpenFlags) (conn, error) {
	c, err := sqlite.OpenConn(uri, flags|sqlite.OpenURI)
	if err != nil {
		return conn{}, err
	}
	c.SetBusyTimeout(busyTimeout)
	for _, setting := range append(tuning[:len(tuning):len(tuning)], fmt.Sprintf("cache_size = -%d", cacheKiB)) {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+setting, nil); err != nil {
			return conn{}, closing(c, err)
		}
	}
	return conn{c}, nil
}

// closing closes the connection because of err.
func closing(c *sqlite.Conn, err error) error {
	_ = c.Close() // err says more
	return err
}

// useWAL turns the write-ahead log on; the file remembers it.
func (c conn) useWAL() error {
	mode, err := c.text("PRAGMA journal_mode = WAL")
	if err == nil && mode != "wal" {
		err = fmt.Errorf("a write-ahead log isn't possible here (journal mode %q): use a local disk", mode)
	}
	return err
}

// text returns the first column of the last row, which is the only one of most pragmas.
func (c conn) text(sql string) (out string, err error) {
	err = c.query(sql, func(stmt *sqlite.Stmt) error {
		out = stmt.ColumnText(0)
		return nil
	})
	return out, err
}

// exec runs a statement whose rows, if any, are of no interest.
func (c conn) exec(sql string, args ...any) error {
	return c.query(sql, ignore, args...)
}

func ignore(*sqlite.Stmt) error { return nil }

// query calls row for each row. The statement is reset in any case, so that it holds no snapshot open.
func (c conn) query(sql string, row func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	bind(stmt, args)
	for {
		more, err := stmt.Step()
		if err != nil {
			return err // Step has reset it
		}
		if !more {
			return stmt.Reset()
		}
		if err := row(stmt); err != nil {
			_ = stmt.Reset() // err says more
			return err
		}
	}
}

// one is query for at most one row; found says whether there was one.
func (c conn) one(sql string, row func(*sqlite.Stmt), args ...any) (found bool, err error) {
	err = c.query(sql, func(stmt *sqlite.Stmt) error {
		found = true
		row(stmt)
		return nil
	}, args...)
	return found, err
}

// bind sets the parameters of a statement in order.
func bind(stmt *sqlite.Stmt, args []any) {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			stmt.BindText(i+1, v)
		case []byte:
			stmt.BindBytes(i+1, v)
		case int64:
			stmt.BindInt64(i+1, v)
		default:
			panic(fmt.Sprintf("sqlite: parameter of type %T", arg))
		}
	}
}

// blob copies a column; it is never nil, because no column is null.
func blob(stmt *sqlite.Stmt, col int) []byte {
	b := make([]byte, stmt.ColumnLen(col))
	stmt.ColumnBytes(col, b)
	return b
}

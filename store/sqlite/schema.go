package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// appID marks the file as Loquet's ("LOQT"), for file(1) and against opening something else by mistake.
const appID = 0x4c4f5154

// schema lists the migrations in order of their file names. A published one never changes.
func schema() (sqlitemigration.Schema, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return sqlitemigration.Schema{}, err
	}
	s := sqlitemigration.Schema{AppID: appID}
	for _, name := range names {
		sql, err := schemaFiles.ReadFile(name)
		if err != nil {
			return sqlitemigration.Schema{}, err
		}
		s.Migrations = append(s.Migrations, string(sql))
	}
	return s, nil
}

// migrate brings the file to this version's schema, and changes nothing in a file of a newer one.
func migrate(ctx context.Context, conn *sqlite.Conn) error {
	s, err := schema()
	if err != nil {
		return err
	}
	if err := refuseForeign(conn, len(s.Migrations)); err != nil {
		return err
	}
	return sqlitemigration.Migrate(ctx, conn, s)
}

// refuseForeign refuses a file of a newer version, and one that isn't Loquet's.
func refuseForeign(conn *sqlite.Conn, known int) error {
	version, err := pragmaInt(conn, "user_version")
	if err != nil {
		return err
	}
	if version > int64(known) {
		return fmt.Errorf("it was written by a newer version of Loquet (schema %d; this version knows %d). "+
			"Nothing was changed. Use that version again, or restore a backup made before the upgrade", version, known)
	}
	id, err := pragmaInt(conn, "application_id")
	if err != nil {
		return err
	}
	tables, err := resultInt(conn, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if id != appID && (id != 0 || tables != 0) {
		return fmt.Errorf("it is a database of another program (application_id %#x). Nothing was changed", id)
	}
	return nil
}

func pragmaInt(conn *sqlite.Conn, name string) (int64, error) {
	return resultInt(conn, "PRAGMA "+name)
}

func resultInt(conn *sqlite.Conn, query string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		n = stmt.ColumnInt64(0)
		return nil
	}})
	return n, err
}

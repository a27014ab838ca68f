package sqlite

import (
	"zombiezen.com/go/sqlite"
)

const (
	// checkEvery is after how many commits the length of the log is looked at.
	checkEvery = 8
	// logPages is from which length on, in pages of 4 KiB, the log is copied into the file: 32 MiB.
	logPages = 8 << 10
)

// maintain wakes the checkpointer now and then; it never waits for it.
func (w *writer) maintain() {
	if w.commits++; w.commits%checkEvery != 0 {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// checkpoints copies the log into the file beside the writer, which goes on meanwhile. What the writer has added
// during a long copy is copied at once after it, so that the log soon can start anew at its beginning.
func (w *writer) checkpoints() {
	for range w.wake {
		length, err := w.log.checkpoint("NOOP")
		for err == nil && length > logPages {
			length, err = w.log.checkpoint("PASSIVE")
		}
	}
}

// checkpoint returns how many pages of the log are not yet in the file.
func (c conn) checkpoint(mode string) (int64, error) {
	var missing int64
	err := c.query("PRAGMA wal_checkpoint("+mode+")", func(stmt *sqlite.Stmt) error {
		missing = stmt.ColumnInt64(1) - stmt.ColumnInt64(2)
		return nil
	})
	return missing, err
}

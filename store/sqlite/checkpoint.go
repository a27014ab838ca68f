package sqlite

import (
	"time"

	"zombiezen.com/go/sqlite"
)

const (
	// checkEvery is after how many commits the length of the log is looked at.
	checkEvery = 8
	// logPages is how many pages of 4 KiB the log holds before they are copied into the file: 128 MiB.
	logPages = 32 << 10
	// restartAt is at how many times logPages the writer helps. A log starts anew at its beginning only if all of
	// it has been copied, which never happens while one commit follows the other.
	restartAt = 2
	// restartWait is how long it then waits for readers of the old log.
	restartWait = 20 * time.Millisecond
)

// maintain follows each batch. It wakes the checkpointer now and then and never waits for it; seldom, when the log
// is long and all but its end has been copied, the writer copies that end itself, so that the log starts anew.
func (w *writer) maintain() {
	if w.commits++; w.commits%checkEvery == 0 || w.cut.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	if w.restart.Load() {
		w.restartLog()
		w.restart.Store(false) // only now, so that the checkpointer stays out of the way
	}
}

// swept follows a sweep that removed n values. When nothing is left to sweep, the log is to be cut off once if
// anything was erased since it last was.
func (w *writer) swept(n int) {
	if n > 0 {
		w.erased = true
		return
	}
	w.cut.Store(w.erased)
}

// restartLog waits only briefly for readers: one of them may be another program that takes long. Where something
// was erased it also cuts the log off, so that the old pages are gone; if that is not possible now, the next sweep
// asks for it again.
func (w *writer) restartLog() {
	mode := "RESTART"
	if w.cut.Swap(false) {
		mode = "TRUNCATE"
	}
	w.SetBusyTimeout(restartWait)
	// An error leaves the log as long as it is; the next time may do better.
	length, _, err := w.checkpoint(mode)
	w.SetBusyTimeout(busyTimeout)
	if mode == "TRUNCATE" && err == nil && length == 0 {
		w.erased = false
	}
}

// checkpoints copies the log into the file beside the writer, which goes on meanwhile.
func (w *writer) checkpoints() {
	for range w.wake {
		if w.restart.Load() {
			continue
		}
		_, missing, err := w.log.checkpoint("NOOP")
		if err != nil || missing < w.logPages && !w.cut.Load() {
			continue
		}
		if length, _, err := w.log.checkpoint("PASSIVE"); err == nil && (length > restartAt*w.logPages || w.cut.Load()) {
			w.restart.Store(true)
		}
	}
}

// checkpoint returns the length of the log in pages, and how many of them are not yet in the file.
func (c conn) checkpoint(mode string) (length, missing int64, err error) {
	err = c.query("PRAGMA wal_checkpoint("+mode+")", func(stmt *sqlite.Stmt) error {
		length, missing = stmt.ColumnInt64(1), stmt.ColumnInt64(1)-stmt.ColumnInt64(2)
		return nil
	})
	return length, missing, err
}

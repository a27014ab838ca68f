package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/store"
)

// own are the errors that are already what the contract names.
var own = []error{store.ErrConflict, store.ErrExists, store.ErrNotFound, store.ErrFull, store.ErrUncertain, store.ErrClosed}

// classify turns SQLite's error into the contract's for a write. Before a commit nothing is written, so that an
// error of the disk is ErrFull; what remains is a fault of the file or of this program, and is passed on as it is.
func classify(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range own {
		if errors.Is(err, known) {
			return err
		}
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultReadOnly, sqlite.ResultCantOpen, sqlite.ResultBusy, sqlite.ResultPerm:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	default:
		return damaged(err)
	}
}

// errDamaged is for people: the file itself is at fault.
var errDamaged = errors.New("the file is damaged, or is no store of Loquet. Keep it as it is and restore a backup")

// damaged names a fault of the file; it is all that a read has to tell apart.
func damaged(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return fmt.Errorf("%w: %w", errDamaged, err)
	default:
		return err
	}
}

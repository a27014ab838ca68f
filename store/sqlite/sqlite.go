// Package sqlite keeps the store in one SQLite file, written by one process.
//
// # Writing
//
// One goroutine writes. It takes what callers have queued, up to 256 of them and without waiting for more, and
// commits it with one sync of the write-ahead log (synchronous=FULL). Each decision is checked before it
// writes, so that one that is refused leaves nothing behind; if one fails while it writes, the whole batch is
// rolled back and each is tried in a transaction of its own. Nobody is answered before the sync.
//
// # Reading
//
// Readers have connections of their own and see the last commit. They never wait for the writer.
//
// # Failure
//
//   - No room, no permission, an error of the disk before the commit: store.ErrFull, and nothing was written.
//   - The commit itself fails, as when the sync reports an error: what was written may or may not come back
//     after a crash. The writer at once commits something else in its place in the log, which settles that it did
//     not happen, then answers store.ErrUncertain. As long as it can't settle it, reads answer
//     store.ErrUncertain too, because what they would say might change.
//   - The power goes: what was acknowledged is there.
//   - A second process: refused by a lock beside the file. OpenReadOnly reads while another process writes.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/store"
)

// Page caches in KiB: the writer's holds the hot set of a busy installation.
const (
	writerCache = 64 << 10
	readerCache = 4 << 10
)

// Store implements store.Store on one file. Safe for concurrent use.
type Store struct {
	path string
	uri  string
	lock *flock.Flock

	// ops is nil in a store that only reads. gate is held for reading while an operation is queued.
	ops    chan *op
	gate   sync.RWMutex
	closed bool

	writer   *writer
	readers  chan conn
	pool     []conn
	shut     chan struct{}
	stopped  sync.WaitGroup
	closeErr error

	// unsettled: the last commit failed, and it is not yet certain that it won't come back after a crash.
	unsettled atomic.Bool
}

var _ store.Store = (*Store)(nil)

// Open opens the file for reading and writing, and creates it (mode 0600) with its tables if it is missing. Claims
// of work are released: it is due again when it was before, and its attempts still count.
// Errors: another process has it open for writing; it was written by a newer version; it is damaged or no
// store; the disk can't be written. A file that is refused is not changed.
func Open(path string) (*Store, error) { return open(path, options{logPages: logPages}) }

// OpenReadOnly opens an existing file for reading, while another process may write. Every write answers
// store.ErrFull.
func OpenReadOnly(path string) (*Store, error) {
	s, err := openReadOnly(path)
	if err != nil {
		return nil, fmt.Errorf("open %s for reading: %w", path, damaged(err))
	}
	return s, nil
}

// options are what tests set otherwise.
type options struct {
	// vfs is the name of SQLite's layer over the files; empty for its own.
	vfs string
	// logPages is from which length on the log is copied into the file.
	logPages int64
}

func open(path string, o options) (*Store, error) {
	s := &Store{path: path, shut: make(chan struct{})}
	if err := s.open(o); err != nil {
		_ = s.release() // err says more
		return nil, fmt.Errorf("open %s: %w", path, classify(err))
	}
	return s, nil
}

func (s *Store) open(o options) (err error) {
	if err := s.own(); err != nil {
		return err
	}
	if err := create(s.path); err != nil {
		return err
	}
	if s.uri, err = uri(s.path, "rw", o.vfs); err != nil {
		return err
	}
	if err := s.openWriter(o.logPages); err != nil {
		return err
	}
	return s.openReaders(sqlite.OpenReadWrite)
}

// own makes this process the only one that writes. The lock is a file of its own: a lock on the database itself
// would be lost whenever the process closes any descriptor of it.
func (s *Store) own() error {
	s.lock = flock.New(s.path+".lock", flock.SetPermissions(0o600))
	free, err := s.lock.TryLock()
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	if !free {
		return errors.New("another process has it open for writing. Nothing was changed. Stop that process first, " +
			"or open it for reading only")
	}
	return nil
}

// create makes an empty file for the owner alone, and makes its name durable; SQLite gives the files beside it
// the same mode. An existing file is left as it is.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (s *Store) openWriter(logPages int64) error {
	c, err := connect(s.uri, writerCache, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	if err := c.useWAL(); err != nil {
		return closing(c.Conn, err)
	}
	if err := migrate(context.Background(), c.Conn); err != nil {
		return closing(c.Conn, err)
	}
	// Whoever claimed work is gone: this process alone has the file.
	if err := c.exec(releaseWork); err != nil {
		return closing(c.Conn, err)
	}
	log, err := connect(s.uri, readerCache, sqlite.OpenReadWrite)
	if err != nil {
		return closing(c.Conn, err)
	}
	s.ops = make(chan *op, batchMost)
	s.writer = newWriter(c, log, logPages, &s.unsettled)
	s.stopped.Go(func() { s.writer.run(s.ops) })
	return nil
}

func openReadOnly(path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, shut: make(chan struct{})}
	var err error
	if s.uri, err = uri(path, "ro", ""); err != nil {
		return nil, err
	}
	if err := s.openReaders(sqlite.OpenReadOnly); err != nil {
		_ = s.release() // err says more
		return nil, err
	}
	if err := s.checkSchema(); err != nil {
		_ = s.release() // err says more
		return nil, err
	}
	return s, nil
}

// checkSchema refuses, for reading too, what this version doesn't know.
func (s *Store) checkSchema() error {
	known, err := schema()
	if err == nil {
		err = refuseForeign(s.pool[0].Conn, len(known.Migrations))
	}
	if err == nil {
		err = s.pool[0].upToDate(len(known.Migrations))
	}
	return err
}

// upToDate requires that a writer of this version has opened the file before.
func (c conn) upToDate(known int) error {
	version, err := pragmaInt(c.Conn, "user_version")
	if err == nil && version < int64(known) {
		err = fmt.Errorf("it has schema %d, this version reads schema %d: open it for writing once", version, known)
	}
	return err
}

func (s *Store) openReaders(flags sqlite.OpenFlags) error {
	n := max(4, runtime.GOMAXPROCS(0))
	s.readers = make(chan conn, n)
	for range n {
		c, err := connect(s.uri, readerCache, flags)
		if err != nil {
			return err
		}
		s.pool = append(s.pool, c)
		if _, err := resultInt(c.Conn, "SELECT count(*) FROM sqlite_schema"); err != nil {
			return err
		}
		s.readers <- c
	}
	return nil
}

// Check implements store.Store: it commits a row and reads it.
func (s *Store) Check(ctx context.Context) error {
	if err := s.write(ctx, func(w *writer) error { return w.pulse() }); err != nil {
		return err
	}
	return s.read(ctx, func(c conn) error {
		_, err := c.text("SELECT n FROM pulse")
		return err
	})
}

// read runs f on a reader's connection. f returns its data copied.
func (s *Store) read(ctx context.Context, f func(c conn) error) error {
	if err := s.readable(ctx); err != nil {
		return err
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return damaged(f(c))
	case <-s.shut:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readable says whether an answer could be given now that stays true.
func (s *Store) readable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.shut:
		return store.ErrClosed
	default:
	}
	if s.unsettled.Load() {
		return s.resettle(ctx)
	}
	return nil
}

// resettle has the writer try once more to settle a failed commit, which each of its transactions begins with.
func (s *Store) resettle(ctx context.Context) error {
	err := s.write(ctx, func(w *writer) error { return w.pulse() })
	if err == nil || errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: the last commit failed and could not be settled yet (%w)", store.ErrUncertain, err)
}

// Close implements store.Store: what is queued is committed, then everything is closed. Closing again returns
// the same.
func (s *Store) Close() error {
	s.gate.Lock()
	first := !s.closed
	s.closed = true
	s.gate.Unlock()
	if first {
		close(s.shut)
		for range s.pool {
			<-s.readers // each is back from its last use
		}
		s.closeErr = s.release()
	}
	return s.closeErr
}

// release ends the writer after its last commit and closes whatever is open. The writer's connection is the
// last one, because closing it empties the log.
func (s *Store) release() error {
	var errs []error
	if s.ops != nil {
		close(s.ops)
		s.stopped.Wait()
	}
	for _, c := range s.pool {
		errs = append(errs, c.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

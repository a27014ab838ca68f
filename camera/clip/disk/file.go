package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/loquet/loquet/camera/clip"
)

// file is a clip that is being written.
type file struct {
	*os.File
	id    clip.ID
	shelf *Shelf

	mu     sync.Mutex
	closed bool
	dirty  bool
	synced time.Time
	// failed is what syncing met: what was written before may be lost, so nothing more is.
	failed error
}

func (s *Shelf) hold(id clip.ID, part *os.File) *file {
	f := &file{File: part, id: id, shelf: s}
	s.open[id] = f
	s.syncer.add(f)
	return f
}

// Write appends.
func (f *file) Write(p []byte) (int, error) {
	if err := f.failure(); err != nil {
		return 0, err
	}
	n, err := f.File.Write(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty = true
	return n, full(err)
}

// Synced is set by the syncer.
func (f *file) Synced() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced
}

// settle says whether anything was written since the last time.
func (f *file) settle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	grown := f.dirty
	f.dirty = false
	return grown
}

// settled notes how syncing went that began at a time.
func (f *file) settled(begun time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.synced = begun
	case !errors.Is(err, os.ErrClosed):
		f.failed = full(fmt.Errorf("writing %s through to the disk: %w", f.id, err))
	}
}

func (f *file) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// Finish syncs, closes and renames.
func (f *file) Finish(context.Context) error {
	begun := time.Now()
	f.settled(begun, f.File.Sync())
	if err := f.failure(); err != nil {
		return err
	}
	f.shelf.mu.Lock()
	defer f.shelf.mu.Unlock()
	if err := f.release(); err != nil {
		return err
	}
	home := f.shelf.home(f.id)
	if err := os.Rename(filepath.Join(home, partName), filepath.Join(home, clipName)); err != nil {
		return missing(err, f.id)
	}
	return syncDir(home)
}

// Close leaves the part as it is.
func (f *file) Close() error {
	f.shelf.mu.Lock()
	defer f.shelf.mu.Unlock()
	return f.release()
}

// release gives the clip free; the shelf is locked.
func (f *file) release() error {
	if f.closed {
		return nil
	}
	f.closed = true
	f.shelf.syncer.remove(f)
	if f.shelf.open[f.id] == f {
		delete(f.shelf.open, f.id)
	}
	return f.File.Close()
}

// replace writes a small file beside another one and takes its place, durably.
func replace(folder, name string, b []byte) error {
	part := filepath.Join(folder, name+".new")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, filepath.Join(folder, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return syncDir(folder)
}

// syncDir makes the names in a folder durable.
func syncDir(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

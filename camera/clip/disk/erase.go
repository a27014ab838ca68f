package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loquet/loquet/camera/clip"
)

// Erase moves the clip's folder away, durably, and removes it there.
func (s *Shelf) Erase(_ context.Context, id clip.ID) error {
	if err := id.Check(); err != nil {
		return err
	}
	return s.erase(id)
}

func (s *Shelf) erase(id clip.ID) error {
	gone, err := os.MkdirTemp(s.path("gone"), "")
	if err != nil {
		// A full disk must not keep a clip from being erased: it goes in place, the entry last.
		return s.eraseInPlace(id, err)
	}
	if err := s.moveAway(id, gone); err != nil {
		return errors.Join(err, os.RemoveAll(gone))
	}
	return os.RemoveAll(gone)
}

func (s *Shelf) moveAway(id clip.ID, gone string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.home(id)
	err := os.Rename(home, filepath.Join(gone, string(id)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// Without this a power cut could bring the clip back after its erasing was reported.
	if err := errors.Join(syncDir(filepath.Dir(home)), syncDir(gone)); err != nil {
		return err
	}
	return s.leaveSite(filepath.Dir(home))
}

// leaveSite removes the folder of a site that has no clip any more: its name is the household's.
func (s *Shelf) leaveSite(dir string) error {
	err := unix.Rmdir(dir)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncDir(s.path("clips")))
}

// eraseInPlace removes a clip's files one by one; a kill leaves the entry, so that the next sweep goes on.
func (s *Shelf) eraseInPlace(id clip.ID, why error) error {
	if !errors.Is(full(why), clip.ErrFull) {
		return why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.home(id)
	names, err := os.ReadDir(home)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, name := range names {
		if name.Name() != entryName {
			err = errors.Join(err, os.Remove(filepath.Join(home, name.Name())))
		}
	}
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(home), syncDir(filepath.Dir(home))); err != nil {
		return err
	}
	return s.leaveSite(filepath.Dir(home))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Sweep erases what is due. Clips whose entry can't be read are reported every time, never guessed about.
func (s *Shelf) Sweep(ctx context.Context, now time.Time) (erased int, failed error) {
	ids, failed := s.all()
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return erased, errors.Join(failed, err)
		}
		info, err := s.Stat(ctx, id)
		if errors.Is(err, clip.ErrNotFound) || err == nil && info.EraseAt.After(now) {
			continue
		}
		if err == nil {
			err = s.erase(id)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("sweeping %s: %w", id, err))
			continue
		}
		erased++
	}
	return erased, failed
}

// clean removes what a killed process was making or removing. Nothing else works on the folder yet.
func (s *Shelf) clean() error {
	var failed error
	for _, room := range []string{"new", "gone"} {
		names, err := os.ReadDir(s.path(room))
		failed = errors.Join(failed, err)
		for _, name := range names {
			failed = errors.Join(failed, os.RemoveAll(s.path(room, name.Name())))
		}
	}
	sites, err := os.ReadDir(s.path("clips"))
	failed = errors.Join(failed, err)
	for _, site := range sites {
		failed = errors.Join(failed, s.leaveSite(s.path("clips", site.Name())))
	}
	return failed
}

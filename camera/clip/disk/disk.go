// Package disk keeps clips in a folder.
//
//	<folder>/clips/<site>/<clip>/entry.json    what is known without the key; there from the first moment
//	                             part          the sealed file while it is written …
//	                             clip          … and once it is finished
//	                             poster        sealed too
//	<folder>/new/                              clips that are being made
//	<folder>/gone/                             clips that are being removed
//	<folder>/lock                              one process at a time
//
// A clip is a folder of its own, so that it appears and goes by one rename: made under new with its entry, and moved
// under gone to be erased. What a kill leaves in either is removed at the next start. Renames and entries are synced
// before a call returns.
//
// # Why what is written is synced every two seconds, by one goroutine
//
// A kill loses nothing that was handed to the system, so syncing is only against power cuts. A sync in each
// recorder would be 300 a second for 300 cameras, each waiting for the disk (and with synchronous writes, 112 of 400
// streams went stale in a prototype). Instead one goroutine syncs the whole file system every two seconds (syncfs, on
// Linux), which is one commit of its journal: for 300 files that had grown by 250 kB each, 35 to 290 ms where one fsync
// after the other took 340 ms to 1.1 s and held up everybody else's commits. If that fails, or elsewhere, files are
// synced one by one.
package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// Names in a clip's folder.
const (
	entryName  = "entry.json"
	partName   = "part"
	clipName   = "clip"
	posterName = "poster"
)

// Shelf keeps clips in a folder, for one process at a time.
type Shelf struct {
	folder string
	lock   *flock.Flock
	syncer *syncer

	mu sync.Mutex // over moving folders, and what follows
	// open are the clips that are being recorded.
	open map[clip.ID]*file
}

var _ clip.Shelf = (*Shelf)(nil)

// Open opens a folder, making it if needed, and removes what a killed process was making or erasing. Another process
// has it: [clip.ErrInUse].
func Open(folder string) (*Shelf, error) {
	s := &Shelf{folder: folder, open: map[clip.ID]*file{}}
	for _, name := range []string{s.path("clips"), s.path("new"), s.path("gone")} {
		if err := os.MkdirAll(name, 0o700); err != nil {
			return nil, full(err)
		}
	}
	s.lock = flock.New(s.path("lock"))
	held, err := s.lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, fmt.Errorf("%w: another process records to %s", clip.ErrInUse, folder)
	}
	if err := s.clean(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	s.syncer = newSyncer(folder)
	return s, nil
}

// Close ends the syncing, after a last round.
func (s *Shelf) Close() error {
	s.syncer.close()
	return s.lock.Close()
}

func (s *Shelf) path(elem ...string) string {
	return filepath.Join(append([]string{s.folder}, elem...)...)
}

// home is where a clip stands.
func (s *Shelf) home(id clip.ID) string { return s.path("clips", string(id.Site()), string(id)) }

// Create makes the clip's folder elsewhere and moves it into place, so that a clip always has an entry.
func (s *Shelf) Create(_ context.Context, entry clip.Entry) (clip.File, error) {
	if err := entry.Check(); err != nil {
		return nil, err
	}
	made := s.path("new", string(entry.ID))
	if err := os.Mkdir(made, 0o700); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %s is being made", clip.ErrExists, entry.ID)
	} else if err != nil {
		return nil, full(err)
	}
	f, err := s.create(made, entry)
	if err != nil {
		return nil, errors.Join(full(err), os.RemoveAll(made))
	}
	return f, nil
}

func (s *Shelf) create(made string, entry clip.Entry) (*file, error) {
	if err := writeEntry(made, entry); err != nil {
		return nil, err
	}
	part, err := os.OpenFile(filepath.Join(made, partName), os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syncDir(made); err != nil {
		return nil, errors.Join(err, part.Close())
	}
	f, err := s.settle(made, entry.ID, part)
	if err != nil {
		return nil, errors.Join(err, part.Close())
	}
	// A failed sync is met again when the file is written.
	f.settled(time.Time{}, errors.Join(syncDir(filepath.Dir(s.home(entry.ID))), syncDir(s.path("clips"))))
	return f, nil
}

// settle moves a clip's folder to its place.
func (s *Shelf) settle(made string, id clip.ID, part *os.File) (*file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.home(id)
	if _, err := os.Lstat(home); err == nil {
		return nil, fmt.Errorf("%w: %s", clip.ErrExists, id)
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		return nil, err
	}
	if err := os.Rename(made, home); err != nil {
		return nil, err
	}
	return s.hold(id, part), nil
}

// Resume opens a clip's part, and cuts it.
func (s *Shelf) Resume(_ context.Context, id clip.ID, keep int64) (clip.File, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id] != nil {
		return nil, fmt.Errorf("%w: %s is being recorded", clip.ErrInUse, id)
	}
	part, err := os.OpenFile(filepath.Join(s.home(id), partName), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, missing(err, id)
	}
	if err := part.Truncate(keep); err != nil {
		return nil, errors.Join(err, part.Close())
	}
	return s.hold(id, part), nil
}

// Open opens a clip for reading.
func (s *Shelf) Open(_ context.Context, id clip.ID) (clip.Blob, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.Open(filepath.Join(s.home(id), clipName))
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(filepath.Join(s.home(id), partName))
	}
	if err != nil {
		return nil, missing(err, id)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &blob{f, info.Size()}, nil
}

type blob struct {
	*os.File
	size int64
}

// Size is that at the time of opening.
func (b *blob) Size() int64 { return b.size }

// Keep replaces a clip's entry.
func (s *Shelf) Keep(_ context.Context, id clip.ID, eraseAt time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := s.stat(id)
	if err != nil {
		return err
	}
	info.EraseAt = eraseAt
	if err := info.Check(); err != nil {
		return err
	}
	return full(writeEntry(s.home(id), info.Entry))
}

// SetPoster replaces a clip's poster.
func (s *Shelf) SetPoster(_ context.Context, id clip.ID, sealed []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.stat(id); err != nil {
		return err
	}
	return full(replace(s.home(id), posterName, sealed))
}

// Poster reads a clip's poster.
func (s *Shelf) Poster(_ context.Context, id clip.ID) ([]byte, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(s.home(id), posterName))
	return b, missing(err, id)
}

// Room is what the file system gives to this process' user.
func (s *Shelf) Room(context.Context) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(s.folder, &stat); err != nil {
		return 0, fmt.Errorf("asking %s for its room: %w", s.folder, err)
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // another type on other systems
}

// Stat reads a clip's folder.
func (s *Shelf) Stat(_ context.Context, id clip.ID) (clip.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stat(id)
}

func (s *Shelf) stat(id clip.ID) (clip.Info, error) {
	if err := id.Check(); err != nil {
		return clip.Info{}, err
	}
	home := s.home(id)
	b, err := os.ReadFile(filepath.Join(home, entryName))
	if err != nil {
		return clip.Info{}, missing(err, id)
	}
	var info clip.Info
	if err := json.Unmarshal(b, &info.Entry); err != nil {
		return clip.Info{}, fmt.Errorf("the entry of %s can't be read: %w", id, err)
	}
	if info.ID != id {
		return clip.Info{}, fmt.Errorf("the entry of %s is that of %s", id, info.ID)
	}
	names, err := os.ReadDir(home)
	if err != nil {
		return clip.Info{}, missing(err, id)
	}
	for _, name := range names {
		if err := take(&info, name); err != nil {
			return clip.Info{}, err
		}
	}
	return info, nil
}

func take(info *clip.Info, name fs.DirEntry) error {
	switch name.Name() {
	case posterName:
		info.Poster = true
	case clipName, partName:
		info.Finished = name.Name() == clipName
		stat, err := name.Info()
		if err != nil {
			return err
		}
		info.Size = stat.Size()
	}
	return nil
}

// List reads the folders of a site, or of all.
func (s *Shelf) List(_ context.Context, site event.SiteID) ([]clip.Info, error) {
	list := s.all
	if site != "" {
		list = func() ([]clip.ID, error) { return s.ids(string(site)) }
	}
	ids, err := list()
	if err != nil {
		return nil, err
	}
	return s.stats(ids)
}

// stats leaves out what was erased meanwhile.
func (s *Shelf) stats(ids []clip.ID) (infos []clip.Info, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		info, err := s.stat(id)
		switch {
		case errors.Is(err, clip.ErrNotFound):
		case err != nil:
			failed = errors.Join(failed, err)
		default:
			infos = append(infos, info)
		}
	}
	return infos, failed
}

// Unfinished looks through all sites.
func (s *Shelf) Unfinished(context.Context) ([]clip.Info, error) {
	ids, err := s.all()
	if err != nil {
		return nil, err
	}
	infos, err := s.stats(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	left := infos[:0]
	for _, info := range infos {
		if !info.Finished && s.open[info.ID] == nil {
			left = append(left, info)
		}
	}
	return left, err
}

// all are the ids of the clips of every site.
func (s *Shelf) all() (ids []clip.ID, err error) {
	sites, err := os.ReadDir(s.path("clips"))
	for _, site := range sites {
		found, failed := s.ids(site.Name())
		ids = append(ids, found...)
		err = errors.Join(err, failed)
	}
	return ids, err
}

func (s *Shelf) ids(site string) (ids []clip.ID, err error) {
	if err := clip.ID(site + "-0").Check(); err != nil {
		return nil, fmt.Errorf("%q is no site", site)
	}
	names, err := os.ReadDir(s.path("clips", site))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range names {
		ids = append(ids, clip.ID(name.Name()))
	}
	return ids, err
}

// missing turns "no such file" into "no such clip".
func missing(err error, id clip.ID) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", clip.ErrNotFound, id)
	}
	return err
}

// full marks an error that says that there is no room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", clip.ErrFull, err)
	}
	return err
}

func writeEntry(folder string, entry clip.Entry) error {
	b, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	return replace(folder, entryName, b)
}

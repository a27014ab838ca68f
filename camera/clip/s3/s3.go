// Package s3 keeps finished clips in an S3-compatible bucket.
//
// Recording never waits for a network: it goes to a spool, which is another shelf, on the local disk. A finished clip is
// moved from there by one goroutine, one clip at a time, as one object put by one request, with an MD5 that the bucket
// checks; the spool's copy goes when everything is there. Until then, and while the bucket can't be reached, the clip
// is read from the spool, whose room is the room of this shelf. Reading from the bucket is by ranges.
//
//	<prefix><site>/<clip>/entry-<erase at, Unix seconds>   the entry, put first and removed last
//	                      clip                             the sealed file
//	                      poster
//
// The time of erasing stands in a name, so that a sweep needs only to list. Whatever stands without an entry belongs to
// an erasing or a moving that was killed, and the next sweep removes it. Where a kill left two entries while the time
// was changed, the earlier one counts.
//
// # Limits
//
//   - A clip that is still in one machine's spool is not seen by others, and can be erased only there.
//   - A bucket that keeps old versions, or is locked, can't erase: Open refuses it.
//
// The tests run against versitygw, a server of its own that checks signatures and checksums.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// Config says where the bucket is.
type Config struct {
	// Endpoint is host or host:port, and Plain says that it is spoken to without TLS.
	Endpoint string
	Plain    bool
	Region   string
	Bucket   string
	// Prefix stands before every name, "" or ending in "/".
	Prefix            string
	AccessKey, Secret string
	// Transport carries the requests; nil: the client's own.
	Transport http.RoundTripper
	// Retry is how long after a failure moving is tried again; 0: ten seconds.
	Retry time.Duration
}

// Shelf keeps clips in a bucket.
type Shelf struct {
	spool  clip.Shelf
	bucket *bucket
	mover  *mover
}

var _ clip.Shelf = (*Shelf)(nil)

// Open checks that the bucket is there and can erase, and begins to move what the spool holds. The spool is closed with
// the shelf.
func Open(ctx context.Context, c Config, spool clip.Shelf, log *slog.Logger) (*Shelf, error) {
	client, err := minio.New(c.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKey, c.Secret, ""),
		Secure: !c.Plain, Region: c.Region, Transport: c.Transport, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("the bucket's address: %w", err)
	}
	b := &bucket{client: client, name: c.Bucket, prefix: c.Prefix}
	if err := b.check(ctx); err != nil {
		return nil, err
	}
	if c.Retry == 0 {
		c.Retry = 10 * time.Second
	}
	m, err := newMover(spool, b, c.Retry, log)
	if err != nil {
		return nil, err
	}
	return &Shelf{spool: spool, bucket: b, mover: m}, nil
}

// Close ends the moving, also in the middle, and closes the spool.
func (s *Shelf) Close() error {
	s.mover.close()
	return s.spool.Close()
}

// Create makes the clip in the spool.
func (s *Shelf) Create(ctx context.Context, entry clip.Entry) (clip.File, error) {
	if err := entry.Check(); err != nil {
		return nil, err
	}
	release := s.mover.stop(entry.ID)
	defer release()
	switch names, err := s.bucket.names(ctx, entry.ID); {
	case err != nil:
		// Without the bucket a visit is filmed all the same: ids don't come twice.
	case len(names) > 0:
		return nil, fmt.Errorf("%w: %s", clip.ErrExists, entry.ID)
	}
	f, err := s.spool.Create(ctx, entry)
	return s.hold(f, entry.ID, err)
}

// Resume goes on in the spool.
func (s *Shelf) Resume(ctx context.Context, id clip.ID, keep int64) (clip.File, error) {
	f, err := s.spool.Resume(ctx, id, keep)
	return s.hold(f, id, err)
}

func (s *Shelf) hold(f clip.File, id clip.ID, err error) (clip.File, error) {
	if err != nil {
		return nil, err
	}
	return &file{f, id, s.mover}, nil
}

// file tells the mover when it is finished.
type file struct {
	clip.File
	id    clip.ID
	mover *mover
}

// Finish finishes it in the spool: moving comes later.
func (f *file) Finish(ctx context.Context) error {
	if err := f.File.Finish(ctx); err != nil {
		return err
	}
	f.mover.add(f.id)
	return nil
}

// Open reads from the spool, or from the bucket.
func (s *Shelf) Open(ctx context.Context, id clip.ID) (clip.Blob, error) {
	blob, err := s.spool.Open(ctx, id)
	if errors.Is(err, clip.ErrNotFound) {
		return s.bucket.open(ctx, id)
	}
	return blob, err
}

// Stat asks the spool, or the bucket.
func (s *Shelf) Stat(ctx context.Context, id clip.ID) (clip.Info, error) {
	info, err := s.spool.Stat(ctx, id)
	if errors.Is(err, clip.ErrNotFound) {
		return s.bucket.stat(ctx, id)
	}
	return info, err
}

// List asks both: a clip that is being moved is listed as it stands in the spool.
func (s *Shelf) List(ctx context.Context, site event.SiteID) ([]clip.Info, error) {
	local, err := s.spool.List(ctx, site)
	if err != nil {
		return nil, err
	}
	moved, err := s.bucket.list(ctx, site)
	if err != nil {
		return nil, err
	}
	all := map[clip.ID]clip.Info{}
	for _, info := range slices.Concat(moved, local) {
		all[info.ID] = info
	}
	return slices.SortedFunc(maps.Values(all), func(a, b clip.Info) int {
		return strings.Compare(string(a.ID), string(b.ID))
	}), nil
}

// Unfinished asks the spool: what is in the bucket was finished.
func (s *Shelf) Unfinished(ctx context.Context) ([]clip.Info, error) { return s.spool.Unfinished(ctx) }

// Keep changes the entry where the clip stands.
func (s *Shelf) Keep(ctx context.Context, id clip.ID, eraseAt time.Time) error {
	release := s.mover.stop(id)
	defer release()
	err := s.spool.Keep(ctx, id, eraseAt)
	if errors.Is(err, clip.ErrNotFound) {
		return s.bucket.keep(ctx, id, eraseAt)
	}
	return err
}

// SetPoster puts the poster where the clip stands.
func (s *Shelf) SetPoster(ctx context.Context, id clip.ID, sealed []byte) error {
	release := s.mover.stop(id)
	defer release()
	err := s.spool.SetPoster(ctx, id, sealed)
	if !errors.Is(err, clip.ErrNotFound) {
		return err
	}
	if _, err := s.bucket.stat(ctx, id); err != nil {
		return err
	}
	return s.bucket.put(ctx, id, posterName, sealed)
}

// Poster reads the poster where the clip stands.
func (s *Shelf) Poster(ctx context.Context, id clip.ID) ([]byte, error) {
	b, err := s.spool.Poster(ctx, id)
	if errors.Is(err, clip.ErrNotFound) {
		return s.bucket.get(ctx, id, posterName)
	}
	return b, err
}

// Erase stops a moving of the clip, and removes it from both.
func (s *Shelf) Erase(ctx context.Context, id clip.ID) error {
	if err := id.Check(); err != nil {
		return err
	}
	release := s.mover.stop(id)
	defer release()
	if err := s.spool.Erase(ctx, id); err != nil {
		return err
	}
	return s.bucket.erase(ctx, id)
}

// Sweep erases what is due in either, and what an erasing left in the spool.
func (s *Shelf) Sweep(ctx context.Context, now time.Time) (erased int, failed error) {
	due, failed := s.due(ctx, now)
	for _, id := range due {
		if err := s.Erase(ctx, id); err != nil {
			failed = errors.Join(failed, fmt.Errorf("sweeping %s: %w", id, err))
			continue
		}
		erased++
	}
	more, err := s.spool.Sweep(ctx, now)
	return erased + more, errors.Join(failed, err)
}

func (s *Shelf) due(ctx context.Context, now time.Time) ([]clip.ID, error) {
	due, failed := s.bucket.due(ctx, now)
	local, err := s.spool.List(ctx, "")
	for _, info := range local {
		// What is being moved stands in both, and the spool knows its time.
		due = slices.DeleteFunc(due, func(id clip.ID) bool { return id == info.ID })
		if !info.EraseAt.After(now) {
			due = append(due, info.ID)
		}
	}
	return due, errors.Join(failed, err)
}

// Room is the spool's: a bucket does not say how much it takes.
func (s *Shelf) Room(ctx context.Context) (int64, error) { return s.spool.Room(ctx) }

// Moved waits until everything that was finished before is in the bucket.
func (s *Shelf) Moved(ctx context.Context) error { return s.mover.wait(ctx) }

// blob reads an object by ranges. Reads that follow one another use one request.
type blob struct {
	ctx    context.Context
	bucket *bucket
	object string
	// etag makes sure that all ranges are of the same object.
	etag string
	size int64

	mu   sync.Mutex
	body io.ReadCloser
	at   int64
}

// Size of the object.
func (b *blob) Size() int64 { return b.size }

// ReadAt goes on in the request that is open, or makes another one up to the object's end.
func (b *blob) ReadAt(p []byte, at int64) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at >= b.size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), b.size-at)]
	if err := b.seek(at); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(b.body, want)
	b.at += int64(n)
	if err != nil {
		return n, errors.Join(fmt.Errorf("reading a clip from the bucket: %w", err), b.drop())
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *blob) seek(at int64) error {
	if b.body != nil && b.at == at {
		return nil
	}
	if err := b.drop(); err != nil {
		return err
	}
	body, err := b.bucket.ranged(b.ctx, b.object, b.etag, at, b.size-1)
	if err != nil {
		return err
	}
	b.body, b.at = body, at
	return nil
}

func (b *blob) drop() error {
	if b.body == nil {
		return nil
	}
	body := b.body
	b.body = nil
	return body.Close()
}

// Close ends the request that is open.
func (b *blob) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drop()
}

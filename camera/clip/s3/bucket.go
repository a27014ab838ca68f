package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// Names of a clip's objects.
const (
	clipName    = "clip"
	posterName  = "poster"
	entryPrefix = "entry-"
)

// posterMost is the largest poster that is read.
const posterMost = 4 << 20

// bucket speaks to the storage.
type bucket struct {
	client *minio.Client
	name   string
	prefix string
}

// check refuses a bucket that is missing, or from which nothing can be erased.
func (b *bucket) check(ctx context.Context) error {
	found, err := b.client.BucketExists(ctx, b.name)
	if err != nil {
		return fmt.Errorf("asking for the bucket %q: %w", b.name, err)
	}
	if !found {
		return fmt.Errorf("there is no bucket %q: make it, without versions and locks", b.name)
	}
	versions, err := b.client.GetBucketVersioning(ctx, b.name)
	if err != nil && minio.ToErrorResponse(err).StatusCode != http.StatusNotImplemented {
		return fmt.Errorf("asking whether the bucket %q keeps old versions: %w", b.name, err)
	}
	if versions.Enabled() || versions.Suspended() {
		return fmt.Errorf("the bucket %q keeps old versions, from which clips can't be erased: use one that never did", b.name)
	}
	return nil
}

func (b *bucket) site(site event.SiteID) string { return b.prefix + string(site) + "/" }

func (b *bucket) folder(id clip.ID) string { return b.site(id.Site()) + string(id) + "/" }

func entryName(eraseAt time.Time) string {
	// A second that has begun counts as a whole one: nothing is erased before its time.
	return entryPrefix + strconv.FormatInt(eraseAt.Add(time.Second-1).Unix(), 10)
}

// put writes one object by one request.
func (b *bucket) put(ctx context.Context, id clip.ID, name string, content []byte) error {
	return b.upload(ctx, id, name, bytes.NewReader(content), int64(len(content)))
}

// upload never makes parts: what a kill would leave of them is not listed, and would outlive the clip.
func (b *bucket) upload(ctx context.Context, id clip.ID, name string, from io.Reader, size int64) error {
	_, err := b.client.PutObject(ctx, b.name, b.folder(id)+name, from, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", DisableMultipart: true, SendContentMd5: true,
	})
	if err != nil {
		return fmt.Errorf("writing to the bucket: %w", err)
	}
	return nil
}

// putEntry puts the entry, and then removes others.
func (b *bucket) putEntry(ctx context.Context, entry clip.Entry) error {
	content, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	name := entryName(entry.EraseAt)
	if err := b.put(ctx, entry.ID, name, content); err != nil {
		return err
	}
	names, err := b.names(ctx, entry.ID)
	for _, other := range names {
		if strings.HasPrefix(other, entryPrefix) && other != name {
			err = errors.Join(err, b.remove(ctx, entry.ID, other))
		}
	}
	return err
}

func (b *bucket) remove(ctx context.Context, id clip.ID, name string) error {
	err := b.client.RemoveObject(ctx, b.name, b.folder(id)+name, minio.RemoveObjectOptions{})
	if err != nil && !isMissing(err) {
		return fmt.Errorf("erasing from the bucket: %w", err)
	}
	return nil
}

// get reads a small object.
func (b *bucket) get(ctx context.Context, id clip.ID, name string) ([]byte, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	core := minio.Core{Client: b.client}
	body, _, _, err := core.GetObject(ctx, b.name, b.folder(id)+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, missing(err, id)
	}
	content, err := io.ReadAll(io.LimitReader(body, posterMost))
	return content, errors.Join(err, body.Close())
}

func (b *bucket) open(ctx context.Context, id clip.ID) (clip.Blob, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	object := b.folder(id) + clipName
	info, err := b.client.StatObject(ctx, b.name, object, minio.StatObjectOptions{})
	if err != nil {
		return nil, missing(err, id)
	}
	return &blob{ctx: ctx, bucket: b, object: object, etag: info.ETag, size: info.Size}, nil
}

func (b *bucket) ranged(ctx context.Context, object, etag string, from, to int64) (io.ReadCloser, error) {
	var options minio.GetObjectOptions
	if err := errors.Join(options.SetRange(from, to), options.SetMatchETag(etag)); err != nil {
		return nil, err
	}
	core := minio.Core{Client: b.client}
	body, _, header, err := core.GetObject(ctx, b.name, object, options)
	if err != nil {
		return nil, fmt.Errorf("reading a clip from the bucket: %w", err)
	}
	if want := fmt.Sprintf("bytes %d-%d/", from, to); !strings.HasPrefix(header.Get("Content-Range"), want) {
		return nil, errors.Join(errors.New("the bucket gave another range than asked for"), body.Close())
	}
	return body, nil
}

// found is what is listed of one clip.
type found struct {
	id      clip.ID
	names   []string
	size    int64
	eraseAt time.Time
	entry   string
}

// walk lists what stands under a prefix, clip by clip.
func (b *bucket) walk(ctx context.Context, prefix string, each func(found) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var one found
	for object := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if object.Err != nil {
			return fmt.Errorf("listing the bucket: %w", object.Err)
		}
		parts := strings.Split(strings.TrimPrefix(object.Key, b.prefix), "/")
		if len(parts) != 3 || clip.ID(parts[1]).Check() != nil || string(clip.ID(parts[1]).Site()) != parts[0] {
			continue // not ours
		}
		if id := clip.ID(parts[1]); id != one.id {
			if err := one.give(each); err != nil {
				return err
			}
			one = found{id: id}
		}
		one.take(parts[2], object.Size)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return one.give(each)
}

func (f *found) give(each func(found) error) error {
	if f.id == "" {
		return nil
	}
	return each(*f)
}

func (f *found) take(name string, size int64) {
	f.names = append(f.names, name)
	if name == clipName {
		f.size = size
	}
	unix, err := strconv.ParseInt(strings.TrimPrefix(name, entryPrefix), 10, 64)
	if !strings.HasPrefix(name, entryPrefix) || err != nil {
		return
	}
	if at := time.Unix(unix, 0).UTC(); f.eraseAt.IsZero() || at.Before(f.eraseAt) {
		f.eraseAt, f.entry = at, name
	}
}

// whole says whether moving had come to its end.
func (f *found) whole() bool { return f.entry != "" && slices.Contains(f.names, clipName) }

func (b *bucket) names(ctx context.Context, id clip.ID) (names []string, err error) {
	err = b.walk(ctx, b.folder(id), func(f found) error {
		names = f.names
		return nil
	})
	return names, err
}

func (b *bucket) stat(ctx context.Context, id clip.ID) (clip.Info, error) {
	if err := id.Check(); err != nil {
		return clip.Info{}, err
	}
	infos, err := b.infos(ctx, b.folder(id))
	if err != nil {
		return clip.Info{}, err
	}
	if len(infos) == 0 {
		return clip.Info{}, fmt.Errorf("%w: %s", clip.ErrNotFound, id)
	}
	return infos[0], nil
}

func (b *bucket) list(ctx context.Context, site event.SiteID) ([]clip.Info, error) {
	if site == "" {
		return b.infos(ctx, b.prefix)
	}
	return b.infos(ctx, b.site(site))
}

func (b *bucket) infos(ctx context.Context, prefix string) (infos []clip.Info, err error) {
	err = b.walk(ctx, prefix, func(f found) error {
		if !f.whole() {
			return nil
		}
		info, err := b.info(ctx, f)
		if errors.Is(err, clip.ErrNotFound) {
			return nil // erased meanwhile
		}
		infos = append(infos, info)
		return err
	})
	return infos, err
}

func (b *bucket) info(ctx context.Context, f found) (clip.Info, error) {
	content, err := b.get(ctx, f.id, f.entry)
	if err != nil {
		return clip.Info{}, err
	}
	info := clip.Info{Size: f.size, Finished: true, Poster: slices.Contains(f.names, posterName)}
	if err := json.Unmarshal(content, &info.Entry); err != nil {
		return clip.Info{}, fmt.Errorf("the entry of %s can't be read: %w", f.id, err)
	}
	if info.ID != f.id {
		return clip.Info{}, fmt.Errorf("the entry of %s is that of %s", f.id, info.ID)
	}
	return info, nil
}

func (b *bucket) keep(ctx context.Context, id clip.ID, eraseAt time.Time) error {
	info, err := b.stat(ctx, id)
	if err != nil {
		return err
	}
	info.EraseAt = eraseAt
	if err := info.Check(); err != nil {
		return err
	}
	return b.putEntry(ctx, info.Entry)
}

// erase removes a clip's objects, its entries last: a kill before leaves what the next sweep finds.
func (b *bucket) erase(ctx context.Context, id clip.ID) error {
	names, err := b.names(ctx, id)
	if err != nil {
		return err
	}
	isEntry := func(name string) bool { return strings.HasPrefix(name, entryPrefix) }
	for _, entries := range []bool{false, true} {
		for _, name := range names {
			if isEntry(name) != entries {
				continue
			}
			if err := b.remove(ctx, id, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// due are the clips whose time has come, or whose entry is gone.
func (b *bucket) due(ctx context.Context, now time.Time) (ids []clip.ID, err error) {
	err = b.walk(ctx, b.prefix, func(f found) error {
		if !f.eraseAt.After(now) {
			ids = append(ids, f.id)
		}
		return nil
	})
	return ids, err
}

func missing(err error, id clip.ID) error {
	if isMissing(err) {
		return fmt.Errorf("%w: %s", clip.ErrNotFound, id)
	}
	return fmt.Errorf("reading from the bucket: %w", err)
}

func isMissing(err error) bool { return minio.ToErrorResponse(err).StatusCode == http.StatusNotFound }

package clip

import (
	"errors"
	"fmt"
	"io"
	"sort"
)

// Blob is a stored file, open for reading. It is used by one goroutine.
type Blob interface {
	io.ReaderAt
	io.Closer
	// Size in bytes when it was opened.
	Size() int64
}

// Reader reads the film of a clip, for [net/http.ServeContent] for example: any range of it, decrypting only the
// records in which it stands. It is used by one goroutine.
type Reader struct {
	blob   Blob
	sealer *sealer
	layout *layout
	end    *ending
	// starts are where each record's bytes begin in the film, and size is where the film ends.
	starts []int64
	size   int64

	pos    int64
	cached int
	cache  []byte
	sealed []byte
}

// NewReader opens the film in a sealed file. It closes the blob when it fails, and when it is closed itself.
func NewReader(blob Blob, id ID, key Key) (*Reader, error) {
	r, err := newReader(blob, id, key)
	if err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return r, nil
}

func newReader(blob Blob, id ID, key Key) (*Reader, error) {
	s, err := newSealer(id, key)
	if err != nil {
		return nil, err
	}
	l, end, err := load(blob, blob.Size(), s)
	if err != nil {
		return nil, err
	}
	r := &Reader{blob: blob, sealer: s, layout: l, end: end, cached: -1}
	for i, record := range l.records {
		r.starts = append(r.starts, r.size)
		if i == 0 && end != nil {
			r.size += int64(len(end.head))
			continue
		}
		r.size += record.plain()
	}
	return r, nil
}

// Summary describes the clip. It is false if the clip has no end: its recording goes on, was killed, or was cut.
func (r *Reader) Summary() (Summary, bool) {
	if r.end == nil {
		return Summary{}, false
	}
	return r.end.summary, true
}

// Size of the film in bytes.
func (r *Reader) Size() int64 { return r.size }

// Read gives [ErrDamaged] where the stored bytes are not those that were recorded.
func (r *Reader) Read(p []byte) (int, error) {
	if r.pos >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	i := sort.Search(len(r.starts), func(i int) bool { return r.starts[i] > r.pos }) - 1
	if err := r.load(i); err != nil {
		return 0, err
	}
	n := copy(p, r.cache[r.pos-r.starts[i]:])
	r.pos += int64(n)
	return n, nil
}

// load decrypts one record into the cache.
func (r *Reader) load(i int) error {
	if i == r.cached {
		return nil
	}
	r.cached = -1
	record := r.layout.records[i]
	if cap(r.sealed) < record.size {
		r.sealed = make([]byte, record.size)
	}
	sealed := r.sealed[:record.size]
	if err := readFull(r.blob, sealed, record.at); err != nil {
		return err
	}
	k := kindPart
	if i == 0 {
		k = kindInit
	}
	plain, err := r.sealer.open(r.cache[:0], sealed, k, uint32(i))
	if err != nil {
		return err
	}
	if i == 0 && r.end != nil {
		plain = append(plain[:0], r.end.head...)
	}
	r.cache, r.cached = plain, i
	return nil
}

// Seek sets where the next Read begins.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, fmt.Errorf("there is no way %d to seek", whence)
	}
	if offset < 0 {
		return 0, errors.New("nothing stands before the film's beginning")
	}
	r.pos = offset
	return offset, nil
}

// Close closes the stored file.
func (r *Reader) Close() error { return r.blob.Close() }

package clip

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a shelf of one process' memory, whose files can be made to stand still or fail.
type memory struct {
	Shelf // whatever is not below is not called

	mu    sync.Mutex
	files map[ID]*memoryFile
	full  error
	// gate, if set, holds up every write until it is closed.
	gate chan struct{}
}

func newMemory() *memory { return &memory{files: map[ID]*memoryFile{}} }

type memoryFile struct {
	shelf    *memory
	id       ID
	content  []byte
	finished bool
	// failAfter bytes a write fails, if it is not 0.
	failAfter int
}

func (m *memory) Create(_ context.Context, entry Entry) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full != nil {
		return nil, m.full
	}
	if m.files[entry.ID] != nil {
		return nil, ErrExists
	}
	f := &memoryFile{shelf: m, id: entry.ID}
	m.files[entry.ID] = f
	return f, nil
}

func (m *memory) Resume(_ context.Context, id ID, keep int64) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.files[id]
	f.content = f.content[:keep]
	f.failAfter = 0
	return f, nil
}

func (m *memory) Open(_ context.Context, id ID) (Blob, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.files[id]
	if f == nil {
		return nil, ErrNotFound
	}
	return blobOf(f.content), nil
}

func (m *memory) Erase(_ context.Context, id ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, id)
	return nil
}

func (m *memory) setFull(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = err
	for _, f := range m.files {
		f.failAfter = len(f.content) + 10
	}
}

func (m *memory) ids() (ids []ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.files {
		ids = append(ids, id)
	}
	return ids
}

func (f *memoryFile) Write(p []byte) (int, error) {
	if f.shelf.gate != nil {
		<-f.shelf.gate
	}
	f.shelf.mu.Lock()
	defer f.shelf.mu.Unlock()
	if f.failAfter > 0 && len(f.content)+len(p) > f.failAfter {
		n := max(0, f.failAfter-len(f.content))
		f.content = append(f.content, p[:n]...)
		return n, ErrFull
	}
	f.content = append(f.content, p...)
	return len(p), nil
}

func (f *memoryFile) ReadAt(p []byte, at int64) (int, error) {
	f.shelf.mu.Lock()
	defer f.shelf.mu.Unlock()
	return bytes.NewReader(f.content).ReadAt(p, at)
}

func (f *memoryFile) Synced() time.Time            { return time.Time{} }
func (f *memoryFile) Finish(context.Context) error { f.finished = true; return nil }
func (f *memoryFile) Close() error                 { return nil }

type memoryBlob struct{ *bytes.Reader }

func (b memoryBlob) Size() int64  { return b.Reader.Size() }
func (b memoryBlob) Close() error { return nil }

func blobOf(content []byte) Blob { return memoryBlob{bytes.NewReader(bytes.Clone(content))} }

var quiet = slog.New(slog.DiscardHandler)

const testClip event.ClipID = "ab12-f7"

var testKey = Key{1, 2, 3}

func naming(n int) (Entry, Key) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	return Entry{ID: FileID(testClip, n), Camera: "ab12-c1", Begun: now, EraseAt: now.Add(7 * 24 * time.Hour)}, testKey
}

// recordAll records units from beginning to end.
func recordAll(t testing.TB, shelf Shelf, units []*camera.Unit) []Recorded {
	t.Helper()
	r := NewRecorder(shelf, naming, quiet)
	r.Begin(units)
	return closed(t, r)
}

func closed(t testing.TB, r *Recorder) []Recorded {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	clips, err := r.Close(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return clips
}

func readAll(t testing.TB, content []byte, id ID) []byte {
	t.Helper()
	b, _, err := tryRead(content, id, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tryRead(content []byte, id ID, key Key) ([]byte, bool, error) {
	r, err := NewReader(blobOf(content), id, key)
	if err != nil {
		return nil, false, err
	}
	_, finished := r.Summary()
	b, err := io.ReadAll(r)
	return b, finished, err
}

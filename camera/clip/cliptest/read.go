// Package cliptest holds what every shelf for clips must do, and what tests of recording share.
package cliptest

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// Key seals all clips of tests.
var Key = clip.Key{1, 2, 3}

// Begun is when all clips of tests begin, and Life is how long they are kept.
var Begun = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

// Life is how long clips of tests are kept.
const Life = 7 * 24 * time.Hour

// Entry is that of the n-th file of a visit's clip.
func Entry(c event.ClipID, n int) clip.Entry {
	return clip.Entry{
		ID: clip.FileID(c, n), Camera: event.NewID[event.CameraID](event.SiteOf(c), 'c', 1), Begun: Begun, EraseAt: Begun.Add(Life),
	}
}

// Start begins to record.
func Start(shelf clip.Shelf, c event.ClipID) *clip.Recorder {
	next := func(n int) (clip.Entry, clip.Key) { return Entry(c, n), Key }
	return clip.NewRecorder(shelf, next, slog.New(slog.DiscardHandler))
}

// Record records one film, and returns its id.
func Record(t testing.TB, shelf clip.Shelf, c event.ClipID, units []*camera.Unit) clip.ID {
	t.Helper()
	r := Start(shelf, c)
	r.Begin(units)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := r.Close(ctx)
	if err != nil || len(got) != 1 || got[0].Err != nil {
		t.Fatalf("recorded %+v, %v", got, err)
	}
	return got[0].ID
}

// Break makes a clip as a kill leaves it: with a torn last record, and no end.
func Break(t testing.TB, shelf clip.Shelf, c event.ClipID, units []*camera.Unit) clip.ID {
	t.Helper()
	id := Record(t, shelf, c, units)
	content := Sealed(t, shelf, id)
	if err := shelf.Erase(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	f, err := shelf.Create(t.Context(), Entry(c, 0))
	if err != nil {
		t.Fatal(err)
	}
	// The file's last four bytes are the length of its end; some of the last fragment goes too.
	cut := len(content) - 4 - int(binary.BigEndian.Uint32(content[len(content)-4:])) - 5
	if _, err := f.Write(content[:cut]); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return id
}

// Sealed returns a clip as it is stored.
func Sealed(t testing.TB, shelf clip.Shelf, id clip.ID) []byte {
	t.Helper()
	blob, err := shelf.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	b, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Save writes the film of a clip to a file, for programs that look at it.
func Save(t testing.TB, shelf clip.Shelf, id clip.ID, key clip.Key) string {
	t.Helper()
	file := t.TempDir() + "/" + string(id) + ".mp4"
	if err := os.WriteFile(file, Read(t, shelf, id, key), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Read returns the film of a clip.
func Read(t testing.TB, shelf clip.Shelf, id clip.ID, key clip.Key) []byte {
	t.Helper()
	b, err := ReadFilm(t.Context(), shelf, id, key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ReadFilm reads the film of a clip as far as it can be read.
func ReadFilm(ctx context.Context, shelf clip.Shelf, id clip.ID, key clip.Key) ([]byte, error) {
	blob, err := shelf.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := clip.NewReader(blob, id, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

var secret = []byte("seldom said; ")

// withSecret stores a value of several pages, to be erased at 5, and something else afterwards.
func withSecret(t *testing.T, s *Store) {
	t.Helper()
	a := decided("a", 0)
	a.Values = []store.Value{{Name: "v", Sealed: bytes.Repeat(secret, 1000), EraseAt: 5}}
	must(t, s.Append(t.Context(), a))
	must(t, s.Append(t.Context(), decided("a", 1)))
	if !holdsSecret(t, s) {
		t.Fatal("the files never held the value")
	}
}

// holdsSecret looks into all files of the store.
func holdsSecret(t *testing.T, s *Store) bool {
	t.Helper()
	files, err := filepath.Glob(s.path + "*")
	must(t, err)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err == nil && bytes.Contains(data, secret) {
			return true
		}
	}
	return false
}

// sweep wants so many values removed.
func sweep(t *testing.T, s *Store, want int) {
	t.Helper()
	n, err := s.Sweep(t.Context(), 5)
	must(t, err)
	if n != want {
		t.Fatalf("swept %d, want %d", n, want)
	}
}

// goneSoon sweeps until the files hold the secret no more.
func goneSoon(t *testing.T, s *Store) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); {
		if !holdsSecret(t, s) {
			return
		}
		sweep(t, s, 0)
	}
	t.Fatal("the files still hold the value")
}

func TestErasedValuesAreGoneFromTheFile(t *testing.T) {
	s := opener(t)()
	withSecret(t, s)
	sweep(t, s, 1)
	sweep(t, s, 0)
	goneSoon(t, s)
	wantVersion(t, s, "a", 2)
}

// Values that a decision deletes, and records, go the same way.
func TestDeletedValuesAreGoneFromTheFile(t *testing.T) {
	s := opener(t)()
	nothingErased(t, s)
	_, err := s.Put(t.Context(), store.Record{Kind: "key", ID: "a", Data: secret})
	must(t, err)
	must(t, s.Delete(t.Context(), "key", "a", 1))
	sweep(t, s, 0)
	goneSoon(t, s)
	nothingErased(t, s)
	a := decided("a", 0)
	a.Values = []store.Value{{Name: "w", Sealed: secret}}
	must(t, s.Append(t.Context(), a))
	a = decided("a", 1)
	a.Values = []store.Value{{Name: "w"}}
	must(t, s.Append(t.Context(), a))
	sweep(t, s, 0)
	goneSoon(t, s)
}

// nothingErased waits until the log is cut off for everything so far, also for what the process before this one
// may have left.
func nothingErased(t *testing.T, s *Store) {
	t.Helper()
	for wants := true; wants; {
		sweep(t, s, 0)
		must(t, s.write(t.Context(), func(w *writer) error { wants = w.erased; return nil }))
	}
}

// The process was killed between erasing and cutting the log off: the next one does it.
func TestWhatAKilledProcessErasedIsGoneFromTheFile(t *testing.T) {
	d, s := onDisk(t)
	withSecret(t, s)
	sweep(t, s, 1)
	s = afterKill(t, d)
	if !holdsSecret(t, s) {
		t.Fatal("there is nothing left to do")
	}
	sweep(t, s, 0)
	goneSoon(t, s)
}

// Somebody else reads for long: nobody waits for them, and once they are done the next sweep sees to it.
func TestALongReadKeepsTheLogOnlyForAWhile(t *testing.T) {
	s := opener(t)()
	withSecret(t, s)
	reader, err := OpenReadOnly(s.path)
	must(t, err)
	must(t, reader.read(t.Context(), func(c conn) error {
		must(t, c.exec("BEGIN"))
		_, err := c.one("SELECT count(*) FROM sites", func(*sqlite.Stmt) {})
		must(t, err)
		sweep(t, s, 1)
		sweep(t, s, 0)
		for version := event.Instant(2); version < 200; version++ {
			must(t, s.Append(t.Context(), decided("a", uint64(version))))
		}
		if !holdsSecret(t, s) {
			t.Error("the log was cut off under a reader")
		}
		return c.exec("ROLLBACK")
	}))
	must(t, reader.Close())
	sweep(t, s, 0)
	goneSoon(t, s)
}

// Without anything erased the log is left alone.
func TestASweepThatFindsNothingCostsNothing(t *testing.T) {
	s := opener(t)()
	nothingErased(t, s)
	a := decided("a", 0)
	a.Values = []store.Value{{Name: "v", Sealed: bytes.Repeat(secret, 1000), EraseAt: 6}}
	must(t, s.Append(t.Context(), a))
	for range 100 {
		sweep(t, s, 0)
	}
	if info, err := os.Stat(s.path + "-wal"); err != nil || info.Size() < int64(1000*len(secret)) {
		t.Errorf("the log is %d bytes long (%v)", info.Size(), err)
	}
}

package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	lib "modernc.org/sqlite/lib"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// holdFile makes the test binary hold a store open as another process, until its input ends.
const holdFile = "LOQUET_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdFile); path != "" {
		os.Exit(hold(path))
	}
	goleak.VerifyTestMain(m)
}

func hold(path string) int {
	s, err := Open(path)
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	os.Stdout.WriteString("open\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	if err := s.Close(); err != nil {
		return 1
	}
	return 0
}

// onDisk opens a store whose disk can fail.
func onDisk(t *testing.T) (*disk, *Store) {
	d := newDisk(t)
	s, err := open(d.path(), options{vfs: diskVFS, logPages: logPages})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.setFault(nil)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func wantVersion(t *testing.T, s *Store, site event.SiteID, want uint64) {
	t.Helper()
	snap, err := s.Load(t.Context(), site)
	must(t, err)
	events, err := s.Events(t.Context(), site, 0, 100)
	must(t, err)
	if snap.Version != want || uint64(len(events)) != want {
		t.Fatalf("%s is at version %d with %d events, want %d", site, snap.Version, len(events), want)
	}
}

// failing makes calls of one kind fail on files with that suffix, the given number of times; -1 for ever.
func failing(op, suffix string, code int32, times int) func(string, string) int32 {
	return func(o, name string) int32 {
		if o != op || !strings.HasSuffix(name, suffix) || times == 0 {
			return 0
		}
		times--
		return code
	}
}

func TestDiskFull(t *testing.T) {
	d, s := onDisk(t)
	must(t, s.Append(t.Context(), decided("a", 0)))
	d.setFault(failing("write", "-wal", lib.SQLITE_FULL, -1))
	wantError(t, s.Append(t.Context(), decided("a", 1)), store.ErrFull)
	_, err := s.Put(t.Context(), store.Record{Kind: "k", ID: "x"})
	wantError(t, err, store.ErrFull)
	wantError(t, s.Check(t.Context()), store.ErrFull)
	wantVersion(t, s, "a", 1)
	d.setFault(nil)
	must(t, s.Check(t.Context()))
	must(t, s.Append(t.Context(), decided("a", 1)))
	wantVersion(t, s, "a", 2)
}

// A decision that is too large for the room that is left fails alone: those committed with it succeed.
func TestWithoutRoomOneFailsAlone(t *testing.T) {
	s := opener(t)()
	must(t, s.Append(t.Context(), decided("b", 0)))
	must(t, s.write(t.Context(), func(w *writer) error { return w.exec("PRAGMA max_page_count = 60") }))
	large := decided("a", 0)
	large.State = make([]byte, 1<<20)
	release := s.holdWriter(t)
	results := make(chan error, 3)
	for _, a := range []store.Append{decided("b", 1), large, decided("c", 0)} {
		go func() { results <- s.Append(context.Background(), a) }()
	}
	waitQueued(s, 3)
	release()
	var full int
	for range 3 {
		if err := <-results; err != nil {
			wantError(t, err, store.ErrFull)
			full++
		}
	}
	if full != 1 {
		t.Fatalf("%d of 3 failed, want 1", full)
	}
	wantVersion(t, s, "a", 0)
	wantVersion(t, s, "b", 2)
	wantVersion(t, s, "c", 1)
}

// holdWriter keeps the writer busy until release is called, so that a batch can gather.
func (s *Store) holdWriter(t *testing.T) (release func()) {
	begun, held, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.write(context.Background(), func(*writer) error {
			close(begun)
			<-held
			return nil
		})
	}()
	<-begun
	return func() {
		close(held)
		must(t, <-done)
	}
}

// waitQueued waits until that many operations are queued.
func waitQueued(s *Store, n int) {
	for len(s.ops) < n {
	}
}

func TestFailedSyncIsUncertainAndThenSettled(t *testing.T) {
	d, s := onDisk(t)
	must(t, s.Append(t.Context(), decided("a", 0)))
	d.setFault(failing("sync", "-wal", lib.SQLITE_IOERR_FSYNC, 1))
	wantError(t, s.Append(t.Context(), decided("a", 1)), store.ErrUncertain)
	wantVersion(t, s, "a", 1)
	// What a reader was told stays true: the failed commit does not come back after a crash, whatever of the
	// log reached the disk: all of it, or any part.
	leftovers := []string{d.cut(t, nil)}
	for seed := range uint64(10) {
		leftovers = append(leftovers, d.cut(t, rand.New(rand.NewPCG(seed, 0))))
	}
	for _, dir := range leftovers {
		after, err := Open(filepath.Join(dir, "store.db"))
		must(t, err)
		wantVersion(t, after, "a", 1)
		must(t, after.Close())
	}
	must(t, s.Append(t.Context(), decided("a", 1)))
	wantVersion(t, s, "a", 2)
}

func TestUnsettledAnswersNobodyUntilTheDiskIsBack(t *testing.T) {
	d, s := onDisk(t)
	must(t, s.Append(t.Context(), decided("a", 0)))
	d.setFault(failing("sync", "-wal", lib.SQLITE_IOERR_FSYNC, -1))
	wantError(t, s.Append(t.Context(), decided("a", 1)), store.ErrUncertain)
	_, err := s.Load(t.Context(), "a")
	wantError(t, err, store.ErrUncertain)
	_, err = s.Sites(t.Context(), "", 1)
	wantError(t, err, store.ErrUncertain)
	wantError(t, s.Append(t.Context(), decided("a", 1)), store.ErrFull)
	d.setFault(nil)
	wantVersion(t, s, "a", 1)
	must(t, s.Append(t.Context(), decided("a", 1)))
}

func TestReadOnlyFile(t *testing.T) {
	d := newDisk(t)
	s, err := open(d.path(), options{vfs: diskVFS, logPages: logPages})
	must(t, err)
	must(t, s.Append(t.Context(), decided("a", 0)))
	must(t, s.Close())
	d.readOnly = true
	_, err = open(d.path(), options{vfs: diskVFS, logPages: logPages})
	wantError(t, err, store.ErrFull)
}

// wantRefused requires that the file is refused with these words, and left as it is.
func wantRefused(t *testing.T, path string, words ...string) {
	t.Helper()
	before, err := os.ReadFile(path)
	must(t, err)
	for name, open := range map[string]func(string) (*Store, error){"Open": Open, "OpenReadOnly": OpenReadOnly} {
		s, err := open(path)
		if err == nil {
			t.Fatalf("%s accepted it: %v", name, s.Close())
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", name, err, word)
			}
		}
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the refused file was changed")
	}
}

func TestRefusesWhatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	must(t, os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600))
	wantRefused(t, path, "damaged", "backup")
}

func TestRefusesANewerSchema(t *testing.T) {
	path := changed(t, "PRAGMA user_version = 99")
	wantRefused(t, path, "newer version", "99")
}

func TestRefusesAnotherProgramsDatabase(t *testing.T) {
	path := changed(t, "PRAGMA application_id = 7")
	wantRefused(t, path, "another program")
}

// changed makes a store, closes it and runs SQL on its file.
func changed(t *testing.T, sql string) (path string) {
	path = filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	must(t, err)
	must(t, s.Append(t.Context(), decided("a", 0)))
	must(t, s.Close())
	runSQL(t, path, sql)
	return path
}

// runSQL is another program that writes to the file.
func runSQL(t *testing.T, path, sql string) {
	t.Helper()
	name, err := uri(path, "rw", "")
	must(t, err)
	c, err := connect(name, readerCache, 2)
	must(t, err)
	must(t, c.exec(sql))
	must(t, c.Close())
}

func TestDamagedPage(t *testing.T) {
	open := opener(t)
	s := open()
	for version := range uint64(200) {
		a := decided("a", version)
		a.Work = nil // opening looks at it
		must(t, s.Append(t.Context(), a))
	}
	must(t, s.Close())
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	for page := int64(15); page < info.Size()/4096; page++ {
		_, err = f.WriteAt(bytes.Repeat([]byte{0xee}, 512), page*4096)
		must(t, err)
	}
	must(t, f.Close())
	s = open()
	_, err = s.Events(t.Context(), "a", 0, 1000)
	wantError(t, err, errDamaged)
}

func TestAnotherProgramThatWritesIsNoticed(t *testing.T) {
	s := opener(t)()
	must(t, s.Append(t.Context(), decided("a", 0)))
	runSQL(t, s.path, "UPDATE sites SET version = 5")
	wantError(t, s.Append(t.Context(), decided("a", 1)), errForeign)
	wantError(t, s.Append(t.Context(), decided("a", 1)), store.ErrConflict)
}

func TestASecondProcessIsRefusedButMayRead(t *testing.T) {
	path := changed(t, "PRAGMA optimize")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdFile+"="+path)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = out.Read(make([]byte, 5))
	must(t, err)
	_, err = Open(path)
	if err == nil || !strings.Contains(err.Error(), "another process has it open for writing") {
		t.Fatalf("error %v", err)
	}
	reader, err := OpenReadOnly(path)
	must(t, err)
	wantVersion(t, reader, "a", 1)
	must(t, reader.Close())
	must(t, in.Close())
	must(t, cmd.Wait())
	again, err := Open(path)
	must(t, err)
	must(t, again.Close())
}

func TestReadOnlySeesWhatIsCommittedAndWritesNothing(t *testing.T) {
	s := opener(t)()
	reader, err := OpenReadOnly(s.path)
	must(t, err)
	for version := range uint64(3) {
		must(t, s.Append(t.Context(), decided("a", version)))
		wantVersion(t, reader, "a", version+1)
	}
	wantError(t, reader.Append(t.Context(), decided("a", 3)), store.ErrFull)
	wantError(t, reader.Check(t.Context()), store.ErrFull)
	must(t, reader.Close())
	wantError(t, reader.Append(t.Context(), decided("a", 3)), store.ErrClosed)
	_, err = OpenReadOnly(filepath.Join(t.TempDir(), "none.db"))
	wantError(t, err, os.ErrNotExist)
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	s := opener(t)()
	must(t, s.Append(t.Context(), decided("a", 0)))
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(s.path + suffix)
		must(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("store.db%s has mode %o", suffix, mode)
		}
	}
}

// The log must start anew under load, or it would fill the disk.
func TestTheLogStartsAnewUnderLoad(t *testing.T) {
	d := newDisk(t)
	s, err := open(d.path(), options{vfs: diskVFS, logPages: 20})
	must(t, err)
	version := uint64(0)
	for ; restarts(t, d.path()) < 3 && version < 100_000; version++ {
		must(t, s.Append(t.Context(), decided("a", version)))
	}
	must(t, s.Close())
	if version == 100_000 {
		t.Fatal("it did not")
	}
}

// restarts says how often the log of a file began anew: it stands in the log's header.
func restarts(t *testing.T, path string) uint32 {
	t.Helper()
	f, err := os.Open(path + "-wal")
	must(t, err)
	defer f.Close()
	var header [16]byte
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return 0 // nothing was written yet
	}
	return binary.BigEndian.Uint32(header[12:])
}

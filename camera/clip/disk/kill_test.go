package disk_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/event"
)

// Words by which this test's program is told to be a child that is killed.
const (
	childWork   = "LOQUET_CHILD_WORK"
	childFolder = "LOQUET_CHILD_FOLDER"
)

// child does what a killed process was doing; false if this is none.
func child() bool {
	work := map[string]func(*disk.Shelf){"record": recordForever, "sweep": sweepAll, "make": makeForever}[os.Getenv(childWork)]
	if work == nil {
		return false
	}
	shelf, err := disk.Open(os.Getenv(childFolder))
	if err != nil {
		fmt.Println(err)
		return true
	}
	work(shelf)
	return true
}

// recordForever records four times as fast as a camera films, and says how many units it took.
func recordForever(shelf *disk.Shelf) {
	r := cliptest.Start(shelf, "ab12-f1")
	units := shot.Stream(2000, 2000)
	r.Begin(units[:100])
	tick := time.NewTicker(10 * time.Millisecond)
	for i, u := range units[100:] {
		<-tick.C
		r.Put(u)
		fmt.Println("took", 100+i+1)
	}
}

func sweepAll(shelf *disk.Shelf) {
	fmt.Println("ready")
	_, _ = shelf.Sweep(context.Background(), cliptest.Begun.Add(cliptest.Life))
	fmt.Println("swept")
}

func makeForever(shelf *disk.Shelf) {
	fmt.Println("ready")
	for i := 0; ; i++ {
		f, err := shelf.Create(context.Background(), cliptest.Entry(event.ClipID(fmt.Sprintf("ab12-f%d", i)), 0))
		if err == nil {
			err = errors.Join(f.Close(), shelf.Erase(context.Background(), clip.FileID(event.ClipID(fmt.Sprintf("ab12-f%d", i)), 0)))
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
}

// spawn starts a child on a folder; said gives its lines.
func spawn(t *testing.T, work, folder string) (cmd *exec.Cmd, said *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), childWork+"="+work, childFolder+"="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// TestAKilledRecordingPlaysUpToItsLastSecond kills a process while it records.
func TestAKilledRecordingPlaysUpToItsLastSecond(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cmd, said := spawn(t, "record", folder)
	took := 0
	for took < 320 && said.Scan() {
		took, _ = strconv.Atoi(strings.TrimPrefix(said.Text(), "took "))
	}
	kill(t, cmd)
	if took < 320 {
		t.Fatalf("the child said %q", said.Text())
	}
	shelf := engine(folder).Open(t)
	defer shelf.Close()
	left, err := shelf.Unfinished(t.Context())
	if err != nil || len(left) != 1 {
		t.Fatalf("unfinished: %+v, %v", left, err)
	}
	if got := cliptest.Read(t, shelf, left[0].ID, cliptest.Key); len(got) < 200*2000 {
		t.Errorf("without being finished it plays %d bytes", len(got))
	}
	summary, err := clip.Finish(t.Context(), shelf, left[0].ID, cliptest.Key)
	// One second is being collected, and one may be on its way to the file.
	if err != nil || summary.Frames < took-50 {
		t.Errorf("of %d pictures %d are left, %v", took, summary.Frames, err)
	}
	if film := cliptest.Read(t, shelf, left[0].ID, cliptest.Key); int64(len(film)) != summary.Size {
		t.Errorf("the film has %d bytes, the summary says %d", len(film), summary.Size)
	}
}

// TestAKilledSweepIsEndedByTheNext kills sweeps until nothing is left; each may stop anywhere.
func TestAKilledSweepIsEndedByTheNext(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	fill(t, folder, 120)
	whole := len(engine(folder).Left(t))
	for round := range 8 {
		cmd, said := spawn(t, "sweep", folder)
		said.Scan()
		<-time.After(time.Duration(round) * 3 * time.Millisecond)
		kill(t, cmd)
	}
	left := engine(folder).Left(t)
	t.Logf("after eight kills %d of %d files and folders were left", len(left), whole)
	shelf := engine(folder).Open(t)
	defer shelf.Close()
	// Whatever stands in its place is a whole clip with its poster: nothing is half erased there.
	infos, err := shelf.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if !info.Finished || !info.Poster || info.Size == 0 {
			t.Errorf("half a clip: %+v", info)
		}
	}
	if _, err := shelf.Sweep(t.Context(), cliptest.Begun.Add(cliptest.Life)); err != nil {
		t.Fatal(err)
	}
	if left := engine(folder).Left(t); len(left) > 0 {
		t.Errorf("the sweep left %q", left)
	}
}

func fill(t *testing.T, folder string, n int) {
	t.Helper()
	shelf := engine(folder).Open(t)
	defer shelf.Close()
	for i := range n {
		entry := cliptest.Entry(event.ClipID(fmt.Sprintf("s%d-f1", i%7)), i)
		f, err := shelf.Create(t.Context(), entry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, 4000)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Finish(t.Context()), shelf.SetPoster(t.Context(), entry.ID, []byte("poster"))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatAKillLeavesOfMakingIsRemoved kills processes that make and erase clips.
func TestWhatAKillLeavesOfMakingIsRemoved(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for round := range 6 {
		cmd, said := spawn(t, "make", folder)
		said.Scan()
		<-time.After(time.Duration(2+3*round) * time.Millisecond)
		kill(t, cmd)
		shelf := engine(folder).Open(t)
		left, err := shelf.Unfinished(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, info := range left {
			if err := shelf.Erase(t.Context(), info.ID); err != nil {
				t.Error(err)
			}
		}
		if left := engine(folder).Left(t); len(left) > 0 {
			t.Errorf("still there: %q", left)
		}
		if err := shelf.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOneProcessHasTheFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	shelf := engine(folder).Open(t)
	if _, err := disk.Open(folder); !errors.Is(err, clip.ErrInUse) {
		t.Errorf("the second one: %v", err)
	}
	if err := shelf.Close(); err != nil {
		t.Fatal(err)
	}
	if err := engine(folder).Open(t).Close(); err != nil {
		t.Error(err)
	}
}

// TestAnEntryThatCanNotBeReadIsTold: the clip stays until somebody looks, and does not keep others from being swept.
func TestAnEntryThatCanNotBeReadIsTold(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	fill(t, folder, 3)
	if err := os.WriteFile(filepath.Join(folder, "clips", "s1", "s1-f1-1", "entry.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	shelf := engine(folder).Open(t)
	defer shelf.Close()
	n, err := shelf.Sweep(t.Context(), cliptest.Begun.Add(cliptest.Life))
	if n != 2 || err == nil || !strings.Contains(err.Error(), "s1-f1-1") {
		t.Errorf("%d erased, %v", n, err)
	}
	if err := shelf.Erase(t.Context(), "s1-f1-1"); err != nil {
		t.Error(err)
	}
	if left := engine(folder).Left(t); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
}

// TestAFullDisk needs a small file system of its own.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := unix.Mount("loquet-test", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("mounting a small file system is not possible here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	shelf := engine(folder).Open(t)
	defer shelf.Close()
	before, err := shelf.Room(t.Context())
	if err != nil || before <= 0 || before > 4<<20 {
		t.Errorf("room: %d, %v", before, err)
	}
	kept := cliptest.Record(t, shelf, "ab12-f1", shot.Stream(50, 1000))
	// Its end, with an index of 2,000 pictures, takes more room than the last page of a file has.
	broken := cliptest.Break(t, shelf, "ab12-f4", shot.Stream(2000, 100))
	r := cliptest.Start(shelf, "ab12-f2")
	r.Begin(shot.Stream(400, 12_000)) // more than there is room for
	got, err := r.Close(t.Context())
	if err != nil || len(got) == 0 || !errors.Is(got[0].Err, clip.ErrFull) {
		t.Fatalf("recorded %+v, %v", got, err)
	}
	if _, err := io.Copy(io.Discard, sealed(t, shelf, got[0].ID)); err != nil {
		t.Error(err)
	}
	ballast(t, folder)
	if room, err := shelf.Room(t.Context()); err != nil || room != 0 {
		t.Errorf("room on a full disk: %d, %v", room, err)
	}
	_, err = shelf.Create(t.Context(), cliptest.Entry("ab12-f3", 0))
	if !errors.Is(err, clip.ErrFull) {
		t.Errorf("making a clip on a full disk: %v", err)
	}
	_, err = clip.Finish(t.Context(), shelf, broken, cliptest.Key)
	if !errors.Is(err, clip.ErrFull) {
		t.Errorf("finishing on a full disk: %v", err)
	}
	cliptest.Read(t, shelf, kept, cliptest.Key)
	if err := shelf.Erase(t.Context(), kept); err != nil {
		t.Errorf("erasing on a full disk: %v", err)
	}
	if err := os.Remove(filepath.Join(folder, "lock.ballast")); err != nil {
		t.Fatal(err)
	}
	for id, least := range map[clip.ID]int{broken: 1970, got[0].ID: 200} {
		summary, err := clip.Finish(t.Context(), shelf, id, cliptest.Key)
		if err != nil || summary.Frames < least {
			t.Errorf("finishing %s with room again: %+v, %v", id, summary, err)
		}
	}
	if _, err := shelf.Sweep(t.Context(), cliptest.Begun.Add(cliptest.Life)); err != nil {
		t.Error(err)
	}
	if left := engine(folder).Left(t); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
}

func sealed(t *testing.T, shelf clip.Shelf, id clip.ID) io.Reader {
	t.Helper()
	film, err := cliptest.ReadFilm(t.Context(), shelf, id, cliptest.Key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReader(string(film))
}

// ballast takes the room that is left, to the last page.
func ballast(t *testing.T, folder string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "lock.ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

package sendlog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/event"
)

var _ device.Log = (*sendlog.Log)(nil)

func open(t *testing.T, path string) *sendlog.Log {
	t.Helper()
	log, err := sendlog.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

func sent(seq uint64) event.Sent {
	return event.Sent{
		At: event.Instant(seq), Device: "lock1", Act: event.ActOpen,
		Permit: event.NewID[event.PermitID]("home1", 'p', seq),
	}
}

func TestWhatIsRecordedIsReadInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sent.jsonl")
	log := open(t, path)
	want := []event.Sent{sent(1), sent(2), {At: 3, Device: "garage1", Act: event.ActSecure}}
	for _, s := range want {
		if err := log.Record(s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := sendlog.Read(path)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("read %v, %v; want %v", got, err, want)
	}
}

func TestTheFileIsForItsOwnerAndKeptWhenReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sent.jsonl")
	for seq := range uint64(3) {
		log := open(t, path)
		if err := log.Record(sent(seq + 1)); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if got, err := sendlog.Read(path); err != nil || len(got) != 3 {
		t.Fatalf("read %d lines, %v; want 3", len(got), err)
	}
}

func TestAMissingFileIsAnEmptyLog(t *testing.T) {
	got, err := sendlog.Read(filepath.Join(t.TempDir(), "none"))
	if err != nil || got != nil {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestATornLastLineIsSkippedAndDoesNotSwallowTheNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sent.jsonl")
	log := open(t, path)
	if err := log.Record(sent(1)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < len(whole)-1; cut++ {
		if err := os.WriteFile(path, append(slices.Clone(whole), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := sendlog.Read(path); err != nil || len(got) != 1 {
			t.Fatalf("cut at %d: read %d lines, %v; want the whole one", cut, len(got), err)
		}
		if err := open(t, path).Record(sent(2)); err != nil {
			t.Fatal(err)
		}
		if got, err := sendlog.Read(path); err != nil || len(got) != 2 || got[1] != sent(2) {
			t.Fatalf("cut at %d, then recorded: %v, %v", cut, got, err)
		}
	}
}

func TestALineThatIsNotALineIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sent.jsonl")
	for _, bad := range []string{
		"rubbish\n", `{"at":"","device":"d","act":"open","extra":1}` + "\n", `{"device":"d"}` + "\n", "{}{}\n", "[]\n",
		`{"at":"yesterday","device":"d","act":"open"}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := sendlog.Read(path); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		} else if !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v does not name the line", bad, err)
		}
	}
}

func TestAClosedLogRefuses(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "sent.jsonl"))
	_ = log.Close()
	if log.Record(sent(1)) == nil {
		t.Fatal("a closed log recorded")
	}
}

func TestManyWritersKeepTheirLinesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sent.jsonl")
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		log := open(t, path) // one file descriptor each, as several processes would have
		wg.Go(func() {
			for i := range uint64(50) {
				if err := log.Record(sent(worker*50 + i + 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := sendlog.Read(path)
	if err != nil || len(got) != 400 {
		t.Fatalf("read %d lines, %v; want 400", len(got), err)
	}
	seen := map[event.PermitID]bool{}
	for _, s := range got {
		seen[s.Permit] = true
	}
	if len(seen) != 400 {
		t.Fatalf("%d different permits; want 400", len(seen))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"at":"2026-01-02T03:04:05.000Z","device":"d","act":"open","permit":"s-p1"}` + "\n"))
	f.Add([]byte("{\"at\":\"\"\n\n{"))
	path := filepath.Join(f.TempDir(), "sent.jsonl")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := sendlog.Read(path)
		if err != nil && got != nil {
			t.Fatal("an error with lines")
		}
		for _, s := range got {
			if s.Device == "" || s.Act == "" {
				t.Fatalf("an incomplete line was accepted: %+v", s)
			}
		}
	})
}

package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// claims requires which work is claimed at the instant, until another, and for which time.
func claims(t *testing.T, s *Store, now, again event.Instant, attempts int, want ...string) {
	t.Helper()
	got, err := s.Claim(t.Context(), []string{"k"}, now, again, 10)
	must(t, err)
	if len(got) != len(want) {
		t.Fatalf("claimed %+v, want %q", got, want)
	}
	for i, w := range got {
		if w.ID != want[i] || w.Attempts != attempts {
			t.Fatalf("claimed %+v, want %s for the %d. time", w, want[i], attempts)
		}
	}
}

// withWork opens a store on a disk with work due at 1, 2 and 3.
func withWork(t *testing.T) (*disk, *Store) {
	d, s := onDisk(t)
	a := decided("a", 0)
	a.Work = nil
	for due, id := range map[event.Instant]string{1: "a-first", 2: "a-second", 3: "a-third"} {
		a.Work = append(a.Work, store.Work{ID: id, Site: "a", Kind: "k", Due: due})
	}
	must(t, s.Append(t.Context(), a))
	return d, s
}

// afterKill opens what a killed process leaves behind.
func afterKill(t *testing.T, d *disk) *Store {
	t.Helper()
	s, err := Open(filepath.Join(d.cut(t, nil), "store.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// A killed process holds no claim: its work comes first again, in the order in which it was due.
func TestOpeningReleasesClaims(t *testing.T) {
	d, s := withWork(t)
	claims(t, s, 2, 1000, 1, "a-first", "a-second")
	claims(t, s, 2, 1000, 1)
	s = afterKill(t, d)
	claims(t, s, 2, 1000, 2, "a-first", "a-second")
	claims(t, s, 1000-1, 2000, 1, "a-third")
}

// One claim after the other ran out: the work is due when it first was.
func TestOpeningReleasesAClaimThatWasRepeated(t *testing.T) {
	d, s := withWork(t)
	claims(t, s, 1, 10, 1, "a-first")
	must(t, s.Finish(t.Context(), "a-second"))
	must(t, s.Finish(t.Context(), "a-third"))
	claims(t, s, 10, 1000, 2, "a-first")
	claims(t, afterKill(t, d), 1, 2000, 3, "a-first")
}

// What was finished or postponed is claimed no more.
func TestOpeningReleasesClaimsOnly(t *testing.T) {
	d, s := withWork(t)
	claims(t, s, 3, 1000, 1, "a-first", "a-second", "a-third")
	must(t, s.Finish(t.Context(), "a-first"))
	must(t, s.Postpone(t.Context(), "a-second", 50))
	s = afterKill(t, d)
	claims(t, s, 49, 2000, 2, "a-third")
	claims(t, s, 50, 2000, 2, "a-second")
}

// Who only reads beside the process that works takes nothing away from it.
func TestReadingReleasesNoClaims(t *testing.T) {
	_, s := withWork(t)
	claims(t, s, 3, 1000, 1, "a-first", "a-second", "a-third")
	reader, err := OpenReadOnly(s.path)
	must(t, err)
	must(t, reader.Close())
	claims(t, s, 999, 2000, 1)
}

// The schema before this one knew no claims: what it hid stays hidden until its time.
func TestClaimsOfAnOlderSchema(t *testing.T) {
	d, s := withWork(t)
	claims(t, s, 1, 1000, 1, "a-first")
	dir := d.cut(t, nil)
	path := filepath.Join(dir, "store.db")
	runSQL(t, path, "ALTER TABLE work DROP COLUMN unclaimed_due")
	runSQL(t, path, "PRAGMA user_version = 1")
	s, err := Open(path)
	must(t, err)
	defer s.Close()
	claims(t, s, 3, 2000, 1, "a-second", "a-third")
	claims(t, s, 1000, 3000, 2, "a-first")
}

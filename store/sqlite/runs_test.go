package sqlite

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
)

func TestRunsComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		next := run{seq: rapid.Uint64Range(1, 1<<40).Draw(r, "seq"), n: rapid.Int64Range(1, 1<<50).Draw(r, "n")}
		var encoded []byte
		var want []run
		for range rapid.IntRange(0, runsInRow).Draw(r, "runs") {
			next.count = rapid.Uint64Range(1, 300).Draw(r, "count")
			var err error
			if encoded, err = appendRun(encoded, next); err != nil {
				r.Fatal(err)
			}
			want = append(want, next)
			next.seq, next.n = next.seq+next.count, next.n+int64(next.count)+rapid.Int64Range(0, 1<<40).Draw(r, "gap")
		}
		i := 0
		err := eachRun(encoded, func(got run) bool {
			if i >= len(want) || got != want[i] {
				r.Fatalf("run %d is %+v, want %+v", i, got, want)
			}
			i++
			return true
		})
		if n, countErr := countRuns(encoded); err != nil || countErr != nil || n != len(want) || i != len(want) {
			r.Fatalf("%d runs, counted %d, want %d (%v, %v)", i, n, len(want), err, countErr)
		}
	})
}

func FuzzRuns(f *testing.F) {
	good, err := appendRun(nil, run{seq: 1, n: 70, count: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:1])
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		err := eachRun(b, func(run) bool { n++; return true })
		if err != nil && !errors.Is(err, errRuns) {
			t.Fatal(err)
		}
		if n > len(b) {
			t.Fatalf("%d runs out of %d bytes", n, len(b))
		}
	})
}

// The list in a site's row is rewritten by each decision, and so must not grow with the site's age.
func TestRunsInTheSitesRowStayFew(t *testing.T) {
	s := opener(t)()
	longest := int64(0)
	for version := range uint64(5 * runsInRow) {
		must(t, s.Append(t.Context(), decided("a", version)))
		must(t, s.read(t.Context(), func(c conn) error {
			n, err := resultInt(c.Conn, "SELECT max(length(runs)) FROM sites")
			longest = max(longest, n)
			return err
		}))
	}
	if longest > runsInRow*8 {
		t.Fatalf("the list of runs grew to %d bytes", longest)
	}
	wantWhole(t, s, "a", 5*runsInRow)
}

func wantWhole(t *testing.T, s *Store, site event.SiteID, version uint64) {
	t.Helper()
	snap, err := s.Load(t.Context(), site)
	must(t, err)
	if snap.Version != version {
		t.Fatalf("%s is at version %d, want %d", site, snap.Version, version)
	}
	must(t, whole(t.Context(), s, site, snap))
}

package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
)

// plant is one violation: a plot that keeps every law, what is changed in it, and the words by which the law's
// report tells it.
type plant struct {
	what   string
	plot   plot
	change change
	says   string
}

// find plants each violation, and wants it found by exactly this law.
func find(t *testing.T, law int, plants []plant) {
	t.Helper()
	for _, p := range plants {
		t.Run(p.what, func(t *testing.T) {
			t.Parallel()
			report := tell(p.change(p.plot)).check(t, audit.Options{})
			if got := broken(report); !slices.Equal(got, []int{law}) {
				t.Fatalf("found by the laws %v, want exactly %d:\n%s", got, law, text(report))
			}
			found := report.Laws[law-1].Violations
			if !strings.Contains(fmt.Sprint(found), p.says) {
				t.Errorf("does not say %q:\n%s", p.says, text(report))
			}
		})
	}
}

// holds wants nothing found.
func holds(t *testing.T, p plot) {
	t.Helper()
	if report := tell(p).check(t, audit.Options{}); !report.OK() {
		t.Errorf("found something:\n%s", text(report))
	}
}

package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// TestNothingIsFoundWhereEveryLawHolds is half of what an auditor must do.
func TestNothingIsFoundWhereEveryLawHolds(t *testing.T) {
	t.Parallel()
	looked := make([]int, 10)
	for _, p := range plots {
		t.Run(p.name, func(t *testing.T) {
			report := tell(p).check(t, audit.Options{})
			if !report.OK() {
				t.Errorf("found something:\n%s", text(report))
			}
			for i, l := range report.Laws {
				looked[i] += l.Cases
			}
		})
	}
	for i, n := range looked {
		if n == 0 {
			t.Errorf("no plot gave law %d anything to look at", i+1)
		}
	}
	_ = event.Second
}

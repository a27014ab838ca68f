package sqlite

import (
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
)

// Each of these runs all the time or over the largest tables: it must search an index, and sort nothing but a
// few rows of the same key.
func TestWhatIsDueIsFoundInAnIndex(t *testing.T) {
	s := opener(t)()
	for _, sql := range append([]string{deadlinesDue, workDue, workNext, runsOf}, sweeps...) {
		err := s.read(t.Context(), func(c conn) error {
			return c.query("EXPLAIN QUERY PLAN "+sql, func(stmt *sqlite.Stmt) error {
				if step := stmt.ColumnText(3); strings.HasPrefix(step, "SCAN") && !strings.HasPrefix(step, "SCAN (subquery") ||
					strings.Contains(step, "TEMP B-TREE FOR ORDER BY") {
					t.Errorf("%s\n%s", sql, step)
				}
				return nil
			})
		})
		must(t, err)
	}
}

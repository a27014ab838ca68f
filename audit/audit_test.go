package audit_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestNothingIsFoundWhereEveryLawHolds is half of what an auditor must do.
func TestNothingIsFoundWhereEveryLawHolds(t *testing.T) {
	t.Parallel()
	looked := make([]int, 10)
	for _, p := range plots {
		report := tell(p).check(t, audit.Options{})
		if !report.OK() {
			t.Errorf("%s: found something:\n%s", p.name, text(report))
		}
		for i, l := range report.Laws {
			looked[i] += l.Cases
		}
	}
	for i, n := range looked {
		if n == 0 {
			t.Errorf("no plot gave law %d anything to look at", i+1)
		}
	}
}

// TestEmptyInstallation has ten laws and no case.
func TestEmptyInstallation(t *testing.T) {
	t.Parallel()
	report := tell(plot{}).check(t, audit.Options{})
	if !report.OK() || strings.Count(text(report), "0 cases") != 10 {
		t.Errorf("\n%s", text(report))
	}
}

// TestReadingFails: what was found until then is given with the error, and nothing is called whole.
func TestReadingFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	s := tell(home)
	report, err := audit.Check(func(yield func(audit.Journal, error) bool) {
		if yield(audit.Journal{Site: "home1", Events: s.of("home1").events}, nil) {
			yield(audit.Journal{}, broken)
		}
	}, s.sent, audit.Options{})
	if !errors.Is(err, broken) || report.Laws[0].Cases != 1 {
		t.Errorf("error %v, report\n%s", err, text(report))
	}
}

// TestReport is what `loquet audit` prints, for a person and for a program.
func TestReport(t *testing.T) {
	t.Parallel()
	p := also(after("open", (*story).send), without("locked"), edit("leave", func(e *event.VisitEnded) { e.How = event.EndUnproven }))(home)
	report := tell(p).check(t, audit.Options{})
	golden(t, "report.txt", text(report))
	var b strings.Builder
	if err := report.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", b.String())
	var again audit.Report
	if err := json.Unmarshal([]byte(b.String()), &again); err != nil || text(again) != text(report) {
		t.Errorf("read again (%v):\n%s", err, text(again))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

package app_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// The architecture's rules, checked over the source that is really there. Each has a check that finds what breaks
// it, and a reason that the failure prints: whoever meets it should not have to ask.
var rules = []rule{
	{
		name:  "everything has a place",
		why:   "an unplaced package would be held to none of these rules: add it to rings in architecture_imports_test.go",
		check: unplaced,
	},
	{
		name:  "arrows run inward",
		why:   "what decides and opens must not depend on what shows, serves or stores it",
		check: outwardImports,
	},
	{
		name:  "inner packages import only what they may",
		why:   "the core stays pure, a connector's author never needs the decisions, and the audit shares nothing but events with what it audits",
		check: unlistedImports,
	},
	{
		name:  "only app imports implementations",
		why:   "everything else takes the interface, so that one engine or connector can be replaced by another",
		check: importedImplementations,
	},
	{
		name:  "suites are for tests",
		why:   "a conformance suite in the product would bring testing, and a second way of opening, into the binary",
		check: importedSuites,
	},
	{
		name:  "web apps share web/ui only",
		why:   "each app can be read, changed and left out by itself; what two of them need belongs to all",
		check: importedRooms,
	},
	{
		name:  "nothing imports app",
		why:   "wiring is the outermost ring: only cmd/loquet starts it, and e2e looks at it from outside",
		check: importedApp,
	},
	{
		name:  "the core is pure: imports",
		why:   "event and site decide from what they are given; everything that can do more than compute stays outside",
		check: impureImports,
	},
	{
		name:  "the core is pure: symbols",
		why:   "a decision that reads a clock, a zone or chance, or prints, can't be replayed from the journal",
		check: impureSymbols,
	},
	{
		name:  "only unlock opens",
		why:   "a permit is spent once because exactly one piece of code can command an opening or set a code",
		check: strayOpenings,
	},
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	h := loadHouse(t, root)
	for _, p := range h.packages {
		if len(p.broken) > 0 {
			t.Errorf("%s can't be checked before it compiles: %v", p.path, p.broken[0])
		}
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range r.check(h) {
				t.Errorf("%s: %s\n\trule:    %s\n\tbecause: %s", f.at, f.what, r.name, r.why)
			}
		})
	}
}

// TestRulesFindWhatBreaksThem runs every rule over small houses, in which a comment "// want: rule" marks each
// line that must be found. Nothing else may be.
func TestRulesFindWhatBreaksThem(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/architecture/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no houses to look at: %v", err)
	}
	proven := map[string]bool{}
	for _, archive := range archives {
		root := t.TempDir()
		want := unpack(t, archive, root)
		got := findings(loadHouse(t, root))
		for _, w := range want {
			proven[w[strings.Index(w, " ")+1:]] = true
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\nfound\n\t%s\nwant\n\t%s", archive, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
	for _, r := range rules {
		if !proven[r.name] {
			t.Errorf("no house breaks the rule %q: it may find nothing at all", r.name)
		}
	}
}

// TestWhatMayBeImportedImportsNoMore makes checking each import by itself enough: no package reaches through one
// that it may import another that it may not. cmd/loquet does, through app, which is there to do so.
func TestWhatMayBeImportedImportsNoMore(t *testing.T) {
	t.Parallel()
	for importer, may := range mayImport {
		for _, direct := range may {
			_, further, listed := permitted(direct)
			if !listed && direct != "app" {
				t.Errorf("%s may import %s, which may import anything: list it too", importer, direct)
			}
			for _, f := range further {
				if !slices.Contains(may, f) {
					t.Errorf("%s may import %s, and reaches %s through it", importer, direct, f)
				}
			}
		}
	}
}

// findings lists what every rule finds, as "file:line rule", sorted and without repetitions.
func findings(h house) []string {
	var all []string
	for _, r := range rules {
		for _, f := range r.check(h) {
			all = append(all, f.at+" "+r.name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// unpack writes the files of an archive below root, and returns what its "// want:" comments expect, like findings.
func unpack(t *testing.T, archive, root string) []string {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range a.Files {
		path := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		want = append(want, wanted(f)...)
	}
	slices.Sort(want)
	return want
}

func wanted(f txtar.File) []string {
	var want []string
	lines := bufio.NewScanner(bytes.NewReader(f.Data))
	for n := 1; lines.Scan(); n++ {
		_, names, _ := strings.Cut(lines.Text(), "// want: ")
		for name := range strings.SplitSeq(names, "; ") {
			if name != "" {
				want = append(want, fmt.Sprintf("%s:%d %s", f.Name, n, name))
			}
		}
	}
	return want
}

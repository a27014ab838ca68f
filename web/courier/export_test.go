package courier

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
)

var installing sync.Mutex

// install fetches what the browsers' scripts import, once.
func install(t testing.TB) {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	if _, err := os.Stat("testdata/node_modules/playwright-core/package.json"); err == nil {
		return
	}
	out, err := exec.Command("npm", "ci", "--prefix", "testdata", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput()
	if err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}

// Install is install, for the tests outside of the package.
var Install = install

// Ways are the patterns of every place that a phone can ask for, below /courier/view/ and /courier/live/.
func Ways() []string { return slices.Sorted(maps.Keys(ways)) }

// Documents are the patterns of the shells, which any phone gets.
func Documents() []string { return slices.Sorted(maps.Keys(documents(""))) }

package courier

import (
	"os"
	"os/exec"
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

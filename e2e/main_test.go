package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// loquet is the program under test. That this package imports its parts, for the server over a disk that forgets,
// also lets go test know that a result is old once one of them has changed.
var loquet string

// TestMain builds the program; started with a mirror, it is itself a server over a disk that forgets.
func TestMain(m *testing.M) {
	if mirror := os.Getenv(mirrorVariable); mirror != "" {
		os.Exit(serveOnForgetful(mirror, os.Args[1:]))
	}
	os.Exit(run(m))
}

// atOnce is how many tests run side by side: they mostly wait, for orders to become void.
const atOnce = "16"

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "loquet-e2e-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	loquet = filepath.Join(dir, "loquet")
	args := []string{"build", "-o", loquet}
	if os.Getenv("LOQUET_RACE") != "" {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../cmd/loquet")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "loquet can't be built: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

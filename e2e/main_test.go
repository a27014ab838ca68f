package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// loquet and powercut are the programs under test: loquet, and loquet over a disk that forgets.
var loquet, powercut string

func TestMain(m *testing.M) { os.Exit(run(m)) }

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
	loquet, powercut = filepath.Join(dir, "loquet"), filepath.Join(dir, "powercut")
	for program, from := range map[string]string{loquet: "../cmd/loquet", powercut: "./powercut"} {
		args := []string{"build", "-o", program}
		if os.Getenv("LOQUET_RACE") != "" {
			args = append(args, "-race")
		}
		if out, err := exec.Command("go", append(args, from)...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s can't be built: %v\n%s", from, err, out)
			return 1
		}
	}
	return m.Run()
}

package demo

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	programDir string
	built      = sync.OnceValues(func() (string, error) {
		program := filepath.Join(programDir, "loquet")
		out, err := exec.Command("go", "build", "-o", program, "github.com/loquet/loquet/cmd/loquet").CombinedOutput()
		return string(out), err
	})
)

// Cars are the scenarios with a car.
func Cars() []string {
	var names []string
	for _, s := range Scenarios() {
		if s.car != nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// Program is the loquet that the tests play against, built once.
func Program(t *testing.T) string {
	t.Helper()
	if out, err := built(); err != nil {
		t.Fatalf("loquet can't be built: %v\n%s", err, out)
	}
	return filepath.Join(programDir, "loquet")
}

// TestMain lets three play beside each other, whatever the machine: they wait more than they compute, but for cameras.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	var err error
	if programDir, err = os.MkdirTemp("", "loquet-demo-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programDir)
	os.Exit(code)
}

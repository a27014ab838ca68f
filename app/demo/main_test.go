package demo

import (
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

// Program is the loquet that the tests play against, built once.
func Program(t *testing.T) string {
	t.Helper()
	if out, err := built(); err != nil {
		t.Fatalf("loquet can't be built: %v\n%s", err, out)
	}
	return filepath.Join(programDir, "loquet")
}

func TestMain(m *testing.M) {
	var err error
	if programDir, err = os.MkdirTemp("", "loquet-demo-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programDir)
	os.Exit(code)
}

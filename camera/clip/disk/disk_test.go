package disk_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest"
	"github.com/loquet/loquet/camera/clip/disk"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestShelf(t *testing.T) {
	t.Parallel()
	cliptest.Run(t, func(t *testing.T) cliptest.Engine {
		t.Parallel()
		return engine(t.TempDir())
	})
}

// engine is a folder.
type engine string

func (e engine) Open(t testing.TB) clip.Shelf {
	t.Helper()
	shelf, err := disk.Open(string(e))
	if err != nil {
		t.Fatal(err)
	}
	return shelf
}

func (engine) Settle(testing.TB, clip.Shelf) {}

// Left lists everything below the three rooms of the folder, folders too.
func (e engine) Left(t testing.TB) (left []string) {
	t.Helper()
	err := filepath.WalkDir(string(e), func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(string(e), path)
		switch name {
		case ".", "clips", "new", "gone", "lock":
			return err
		}
		left = append(left, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

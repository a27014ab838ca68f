package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFolder writes the whole file system of a folder through to the disk, in one go.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close())
}

package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/loquet/loquet/app/record"
)

// smallDisk is a data folder's disk that can be filled and freed while a server runs on it.
type smallDisk struct{ fill, free func() error }

// smallDisks are ways to make one; false when it is not possible here.
var smallDisks = map[string]func(*installation) (smallDisk, bool){
	"no room":                tinyFileSystem,
	"a limit on file's size": cappedFiles,
}

// tinyFileSystem mounts a file system of a few megabytes on the data folder, which takes root.
func tinyFileSystem(in *installation) (smallDisk, bool) {
	in.must(os.MkdirAll(in.data, 0o700))
	if err := unix.Mount("loquet-e2e", in.data, "tmpfs", 0, "size=8m"); err != nil {
		return smallDisk{}, false
	}
	// The server ends before the folder goes: what was added later is cleaned up first.
	in.Cleanup(func() {
		in.server.kill()
		in.file.close()
		if err := unix.Unmount(in.data, unix.MNT_DETACH); err != nil {
			in.Error(err)
		}
	})
	ballast := filepath.Join(in.data, "ballast")
	return smallDisk{
		fill: func() error { return fillUp(ballast) },
		free: func() error { return os.Remove(ballast) },
	}, true
}

// fillUp writes until there is no room, to the last page.
func fillUp(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(bytes.Repeat([]byte{'x'}, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			return err
		}
	}
	return nil
}

// cappedFiles lets no file of the server's grow beyond what its write-ahead log has, which takes no right at all.
func cappedFiles(in *installation) (smallDisk, bool) {
	limit := func(to uint64) error {
		return unix.Prlimit(in.server.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: to, Max: unix.RLIM_INFINITY}, nil)
	}
	return smallDisk{
		fill: func() error {
			info, err := os.Stat(filepath.Join(in.data, record.StoreName+"-wal"))
			if err != nil {
				return err
			}
			return limit(uint64(info.Size()))
		},
		free: func() error { return limit(unix.RLIM_INFINITY) },
	}, true
}

// readOnly takes the right to write from a folder: for root by a mount, for others by the files' modes.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	if unix.Mount(dir, dir, "", unix.MS_BIND, "") == nil {
		t.Cleanup(func() {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		return
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o400)
	})
	if err := errors.Join(err, os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
}

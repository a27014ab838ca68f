package vault

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// MasterKey wraps every site's key. It prints as its name, never as its bytes.
type MasterKey struct{ key [keySize]byte }

// String hides the key from every kind of printing.
func (MasterKey) String() string { return "master key" }

// GoString hides it from %#v too.
func (MasterKey) GoString() string { return "master key" }

// LoadOrCreate reads the master key from a file, or draws one and writes it there when there is no such file. The
// file holds 64 hexadecimal digits and belongs to its owner alone (0600): one that others may read or write is
// refused. Whoever loses the file loses every personal value; whoever has it and the store can read them all.
func LoadOrCreate(path string, random io.Reader) (MasterKey, error) {
	key, err := readMaster(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key, err = createMaster(path, random)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return readMaster(path)
	}
	return key, err
}

func readMaster(path string) (MasterKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return MasterKey{}, fmt.Errorf("vault: master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return MasterKey{}, fmt.Errorf("vault: master key: %w", err)
	}
	if err := checkMode(path, info.Mode()); err != nil {
		return MasterKey{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 2*keySize+2))
	if err != nil {
		return MasterKey{}, fmt.Errorf("vault: master key: %w", err)
	}
	return parseMaster(path, string(text))
}

// checkMode refuses a file that others can reach. Windows has no such bits; there the folder's rights count.
func checkMode(path string, mode fs.FileMode) error {
	if !mode.IsRegular() {
		return fmt.Errorf("vault: the master key %s is not a file", path)
	}
	if others := mode.Perm() & 0o077; others != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("vault: the master key %s can be reached by others (mode %04o): make it 0600, "+
			"and think of it as known if it ever was readable", path, mode.Perm())
	}
	return nil
}

func parseMaster(path, text string) (MasterKey, error) {
	raw, err := hex.DecodeString(strings.TrimSuffix(text, "\n"))
	if err != nil || len(raw) != keySize {
		// Never a part of the text: it may be most of a key.
		return MasterKey{}, fmt.Errorf("vault: the master key %s does not hold %d hexadecimal digits: "+
			"restore it from its backup; remove it only if nothing was stored with it yet", path, 2*keySize)
	}
	return MasterKey{[keySize]byte(raw)}, nil
}

func createMaster(path string, random io.Reader) (MasterKey, error) {
	var key MasterKey
	if _, err := io.ReadFull(random, key.key[:]); err != nil {
		return MasterKey{}, fmt.Errorf("vault: no randomness: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return MasterKey{}, fmt.Errorf("vault: master key: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key.key[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(path)); err != nil {
		// It was made here just now and nothing is sealed with it.
		return MasterKey{}, fmt.Errorf("vault: master key: %w", errors.Join(err, os.Remove(path)))
	}
	return key, nil
}

// syncFolder makes the new file's name durable: a key that a power cut takes away would take the values with it.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder can't be synced there, and needs not be
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

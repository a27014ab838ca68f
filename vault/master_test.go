package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/loquet/loquet/vault"
)

func TestTheMasterKeyIsMadeOnceForItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := vault.LoadOrCreate(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := vault.LoadOrCreate(path, rand.Reader)
	if err != nil || second != first {
		t.Errorf("the second start has another key, %v", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %04o", info.Mode().Perm())
	}
}

func TestAMasterKeyThatOthersReachIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := vault.LoadOrCreate(path, rand.Reader); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.LoadOrCreate(path, rand.Reader); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode)) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.LoadOrCreate(path, rand.Reader); err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

// What can't be read as a key is never overwritten by a new one: values may be sealed with what it once held.
func TestADamagedMasterKeyIsKept(t *testing.T) {
	good := strings.Repeat("0123456789abcdef", 4)
	for name, text := range map[string]string{
		"empty":      "",
		"cut":        good[:63],
		"too long":   good + "00",
		"no digits":  strings.Repeat("x", 64),
		"two lines":  good + "\n\n",
		"a megabyte": strings.Repeat("0", 1<<20),
	} {
		path := filepath.Join(t.TempDir(), "master.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := vault.LoadOrCreate(path, rand.Reader)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		if kept, _ := os.ReadFile(path); string(kept) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.LoadOrCreate(path, rand.Reader); err != nil {
		t.Errorf("without its last line feed: %v", err)
	}
}

func TestAMasterKeyNeedsItsPlaceAndRandomness(t *testing.T) {
	folder := t.TempDir()
	if _, err := vault.LoadOrCreate(filepath.Join(folder, "no", "such", "folder"), rand.Reader); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := vault.LoadOrCreate(folder, rand.Reader); err == nil {
		t.Error("a folder was read as a key")
	}
	path := filepath.Join(folder, "master.key")
	if _, err := vault.LoadOrCreate(path, bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("made a key of 31 bytes")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without randomness there is a file: %v", err)
	}
}

func TestOfTwoFirstStartsOneKeyRemains(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "master.key")
		keys, errs := make([]vault.MasterKey, 4), make([]error, 4)
		var wait sync.WaitGroup
		for i := range keys {
			wait.Go(func() { keys[i], errs[i] = vault.LoadOrCreate(path, rand.Reader) })
		}
		wait.Wait()
		kept, err := vault.LoadOrCreate(path, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range keys {
			// A start that saw the file half written says so; it never goes on with a key of its own.
			if errs[i] == nil && keys[i] != kept {
				t.Fatal("a start went on with a key that was not kept")
			}
		}
	}
}

func TestTheMasterKeyIsNotPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	key, err := vault.LoadOrCreate(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	digits, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := struct{ Master vault.MasterKey }{key}
	for _, text := range []string{
		fmt.Sprint(key), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key), fmt.Sprintf("%x", key),
		fmt.Sprintf("%+v", wrapped), fmt.Sprintf("%#v", wrapped),
	} {
		if strings.Contains(text, string(digits[:8])) || strings.Contains(text, "0x") || len(text) > 60 {
			t.Errorf("it prints as %s", text)
		}
	}
}

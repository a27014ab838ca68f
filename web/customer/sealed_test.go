package customer_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/web/customer"
)

// What is written in whatever pieces is read in whatever pieces, and stands nowhere as it is.
func TestSealedFiles(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s, err := customer.NewSealed(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Remove() }()
		var plain []byte
		for range rapid.IntRange(0, 6).Draw(t, "pieces") {
			piece := bytes.Repeat([]byte(rapid.StringN(1, 8, 8).Draw(t, "text")), rapid.IntRange(1, 12_000).Draw(t, "times"))
			n, err := s.Write(piece)
			if err != nil || n != len(piece) {
				t.Fatalf("wrote %d of %d: %v", n, len(piece), err)
			}
			plain = append(plain, piece...)
		}
		if err := s.Finish(); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(io.NewSectionReader(s, 0, int64(len(plain))))
		if err != nil || !bytes.Equal(all, plain) {
			t.Fatalf("read %d of %d bytes: %v", len(all), len(plain), err)
		}
		at, length := rapid.IntRange(0, len(plain)).Draw(t, "at"), rapid.IntRange(0, 100_000).Draw(t, "length")
		part := make([]byte, length)
		n, err := s.ReadAt(part, int64(at))
		want := plain[at:min(at+length, len(plain))]
		if !bytes.Equal(part[:n], want) || (n < length) != errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes at %d of %d: %d, %v", length, at, len(plain), n, err)
		}
		if stored := kept(t, folder); len(plain) > 64 && bytes.Contains(stored, plain[:64]) {
			t.Fatal("it stands in the file as it is")
		}
	})
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

// kept is what stands in the only file of a folder.
func kept(t interface{ Fatal(...any) }, folder string) []byte {
	names, err := filepath.Glob(filepath.Join(folder, "export-*.sealed"))
	if err != nil || len(names) != 1 {
		t.Fatal("there is not one file")
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A file that was changed on its disk is not read.
func TestASealedFileThatWasChanged(t *testing.T) {
	folder := t.TempDir()
	s, err := customer.NewSealed(folder)
	must(t, err)
	_, err = s.Write(bytes.Repeat([]byte("secret "), 20_000))
	must(t, err)
	must(t, s.Finish())
	names, _ := filepath.Glob(filepath.Join(folder, "*"))
	file, err := os.OpenFile(names[0], os.O_RDWR, 0)
	must(t, err)
	_, err = file.WriteAt([]byte{1, 2, 3}, 70_000)
	must(t, errors.Join(err, file.Close()))
	if _, err := s.ReadAt(make([]byte, 10), 0); err != nil {
		t.Errorf("the part before: %v", err)
	}
	if _, err := s.ReadAt(make([]byte, 10), 65_536); err == nil {
		t.Error("it is read")
	}
	must(t, s.Remove())
	if _, err := s.ReadAt(make([]byte, 10), 0); err == nil {
		t.Error("what is removed is read")
	}
}

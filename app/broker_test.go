package app

import (
	"os"
	"path/filepath"
	"testing"
)

// TestANameAtTheBrokerIsForGood: it outlives the process, is another's in another folder, and is drawn anew only
// where a power cut has left nothing of it.
func TestANameAtTheBrokerIsForGood(t *testing.T) {
	draw := func(path string) string {
		t.Helper()
		name, err := loadOrDrawName(path)
		if err != nil || !knownName.MatchString(name) || len(name) != 23 {
			t.Fatalf("drew %q, %v", name, err)
		}
		return name
	}
	path := filepath.Join(t.TempDir(), clientName)
	first := draw(path)
	if again := draw(path); again != first {
		t.Errorf("it was %q and is %q", first, again)
	}
	if other := draw(filepath.Join(t.TempDir(), clientName)); other == first {
		t.Errorf("two folders have the name %q", other)
	}
	for _, rest := range []string{"", "loquet-12", "loquet-0123456789abcdeg\n", "loquet-0123456789abcdef/#"} {
		if err := os.WriteFile(path, []byte(rest), 0o600); err != nil {
			t.Fatal(err)
		}
		if anew := draw(path); anew == first || draw(path) != anew {
			t.Errorf("after %q it is %q", rest, anew)
		}
	}
	if _, err := loadOrDrawName(filepath.Join(path, "below", "a-file")); err == nil {
		t.Error("a name that can't be kept was given out")
	}
}

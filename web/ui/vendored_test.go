package ui_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestVendored: what is served is what the README says, with a licence, and pages name it.
func TestVendored(t *testing.T) {
	readme, layout := style(t, "vendored/README.md"), style(t, "layout.templ")
	files, err := os.ReadDir("vendored")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Name()
		switch {
		case name == "README.md":
			continue
		case strings.HasSuffix(name, "-LICENSE.txt"):
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("the README does not name %s", name)
			}
			continue
		}
		digest := sha256.Sum256([]byte(style(t, "vendored/"+name)))
		if !strings.Contains(readme, hex.EncodeToString(digest[:])) || !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the README tells of another %s", name)
		}
		if !strings.Contains(layout, "ui/vendored/"+name) {
			t.Errorf("no page loads %s", name)
		}
	}
}

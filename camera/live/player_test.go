package live

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestVendored: what is served is what the README says, and live.mjs imports it.
func TestVendored(t *testing.T) {
	const name = "hls-1.7.4.light.min.mjs"
	script, err := fs.ReadFile(Player(), name)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("player/README.md")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(script)
	if !strings.Contains(string(readme), hex.EncodeToString(digest[:])) || !strings.Contains(string(readme), "`"+name+"`") {
		t.Error("the README names another file")
	}
	ours, err := fs.ReadFile(Player(), "live.mjs")
	if err != nil || !strings.Contains(string(ours), "'./"+name+"'") {
		t.Errorf("live.mjs imports another file: %v", err)
	}
}

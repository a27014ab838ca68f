package maps_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/loquet/loquet/web/ui/maps"
	"github.com/loquet/loquet/web/ui/uitest"
)

// What other projects made is what the README says.
func TestVendoredFilesAreAsTheirPackagesHaveThem(t *testing.T) {
	table, err := os.ReadFile("vendored/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` .*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(table), -1)
	if len(rows) != 6 {
		t.Fatalf("%d files are listed", len(rows))
	}
	for _, row := range rows {
		data, err := os.ReadFile("vendored/" + row[1])
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != row[2] {
			t.Errorf("%s is not the file of the package", row[1])
		}
	}
}

// What is drawn around a point is where it says.
func TestGeometry(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed: scripts/need.sh installs it")
	}
	if out, err := exec.Command("node", "testdata/geometry.mjs").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A map ends with its part of the page, and what is drawn on one that is still loading appears.
func TestParts(t *testing.T) {
	if out, err := exec.Command("node", "testdata/parts.mjs").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The files are embedded once, however many apps ask for them.
func TestEmbedding(t *testing.T) {
	kit := uitest.Kit(t)
	for range 2 {
		if err := maps.Embed(kit); err != nil {
			t.Fatal(err)
		}
	}
	if at := kit.Asset("maps/js/draw.mjs"); !strings.HasSuffix(at, "/maps/js/draw.mjs") {
		t.Error(at)
	}
}

// header is the beginning of a PMTiles file.
func header(version, kind byte) []byte {
	data := make([]byte, 200)
	copy(data, "PMTiles")
	data[7], data[99] = version, kind
	return data
}

// A map of streets is the first file of the folder that is one; what is none is said to whoever runs the server.
func TestStreets(t *testing.T) {
	folder := t.TempDir()
	var logs bytes.Buffer
	s := maps.Streets{Folder: folder, Path: "/home/map", Log: slog.New(slog.NewTextHandler(&logs, nil))}
	told := func() string {
		w := httptest.NewRecorder()
		s.Tell(w, httptest.NewRequest("GET", "/home/map", nil))
		return strings.TrimSpace(w.Body.String())
	}
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const none = `{"url":"","vector":false}`
	if got := told(); got != none {
		t.Errorf("an empty folder: %s", got)
	}
	put("notes.txt", []byte("no map"))
	put("b.pmtiles", header(3, 1))
	if got := told(); got != `{"url":"/home/map/b.pmtiles","vector":true}` {
		t.Errorf("a vector map: %s", got)
	}
	for what, data := range map[string][]byte{"an old version": header(2, 1), "a short file": []byte("PMTiles"), "another file": bytes.Repeat([]byte("x"), 200)} {
		logs.Reset()
		put("a.pmtiles", data)
		if got := told(); got != none || !strings.Contains(logs.String(), "a.pmtiles") {
			t.Errorf("%s: %s, %s", what, got, logs.String())
		}
	}
	put("a.pmtiles", header(3, 2))
	if got := told(); got != `{"url":"/home/map/a.pmtiles","vector":false}` {
		t.Errorf("a map of pictures: %s", got)
	}
}

// Only the map itself is served, in ranges.
func TestServingStreets(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a.pmtiles", "secret.key"} {
		if err := os.WriteFile(filepath.Join(folder, name), header(3, 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := maps.Streets{Folder: folder, Path: "/home/map", Log: slog.New(slog.DiscardHandler)}
	get := func(name, part string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/home/map/x", nil)
		if part != "" {
			r.Header.Set("Range", part)
		}
		s.Serve(w, r, name)
		return w
	}
	if w := get("a.pmtiles", "bytes=0-6"); w.Code != http.StatusPartialContent || w.Body.String() != "PMTiles" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	for _, name := range []string{"", "b.pmtiles", "secret.key", "../a.pmtiles", "..%2fa.pmtiles"} {
		if w := get(name, ""); w.Code != http.StatusNotFound {
			t.Errorf("%q: %d", name, w.Code)
		}
	}
	s.Folder = ""
	if w := get("", ""); w.Code != http.StatusNotFound {
		t.Errorf("without a folder: %d", w.Code)
	}
}

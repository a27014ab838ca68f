package ui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

func fetch(k *ui.Kit, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	k.Assets().ServeHTTP(w, r)
	return w
}

// The files of a process are compressed once, however many kits it has.
func TestFilesAreCompressedOnce(t *testing.T) {
	text := bytes.Repeat([]byte("the same file "), 100)
	one, other := ui.Packed("a.css", text), ui.Packed("b.css", bytes.Clone(text))
	if len(one) == 0 || &one[0] != &other[0] {
		t.Error("the same file was compressed twice")
	}
	if changed := ui.Packed("a.css", append(text, '.')); bytes.Equal(one, changed) {
		t.Error("two files are one")
	}
}

func TestAssetsAreServedForEver(t *testing.T) {
	k := uitest.Kit(t)
	at := k.Asset("ui/vendored/htmx-2.0.11.min.js")
	want, err := os.ReadFile("vendored/htmx-2.0.11.min.js")
	if err != nil {
		t.Fatal(err)
	}
	plain := fetch(k, at)
	if plain.Code != http.StatusOK || !bytes.Equal(plain.Body.Bytes(), want) || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("%d, %d bytes", plain.Code, plain.Body.Len())
	}
	for name, value := range map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/javascript; charset=utf-8",
		"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"} {
		if got := plain.Header().Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
	packed := fetch(k, at, "Accept-Encoding", "br;q=1, gzip;q=0.8")
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(got, want) || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("packed: %v", err)
	}
	if refused := fetch(k, at, "Accept-Encoding", "gzip;q=0"); refused.Header().Get("Content-Encoding") != "" {
		t.Error("packed for whoever refused it")
	}
	if again := fetch(k, at, "If-None-Match", plain.Header().Get("Etag")); again.Code != http.StatusNotModified {
		t.Errorf("asked again: %d", again.Code)
	}
	if part := fetch(k, at, "Range", "bytes=0-9", "Accept-Encoding", "gzip"); part.Code != http.StatusPartialContent || !bytes.Equal(part.Body.Bytes(), want[:10]) {
		t.Errorf("a part: %d %q", part.Code, part.Body)
	}
}

// TestOurOwnTravelLight: comments are for readers of the source. What others wrote travels as they wrote it.
func TestOurOwnTravelLight(t *testing.T) {
	k := uitest.Kit(t)
	files := fstest.MapFS{"own.mjs": {Data: []byte("/** says so */\nexport const aWord = 1; // one\n")}, "own.css": {Data: []byte("/* red */\np { color: red; }\n")},
		"vendored/other.mjs": {Data: []byte("// by others\nexport const aWord = 1;\n")}}
	if err := k.Embed("light", files); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"own.mjs": "export const aWord=1", "own.css": "p{color:red}", "vendored/other.mjs": string(files["vendored/other.mjs"].Data)} {
		if got := fetch(k, k.Asset("light/"+name)).Body.String(); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if err := uitest.Kit(t).Embed("broken", fstest.MapFS{"own.mjs": {Data: []byte("const = 1")}}); err == nil || !strings.Contains(err.Error(), "own.mjs") {
		t.Errorf("a script that is none: %v", err)
	}
}

func TestAssetsOfAnotherRelease(t *testing.T) {
	k := uitest.Kit(t)
	old := fetch(k, "/assets/0123456789abcdef/ui/css/ui.css")
	if old.Code != http.StatusOK || old.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("another release's page gets %d, %s", old.Code, old.Header().Get("Cache-Control"))
	}
	for _, path := range []string{"/assets/", "/assets/x", "/assets/x/ui/none.css", "/assets/x/ui/../kit.go", "/assets/x/ui/vendored/README.md", "/assets/x/ui/css"} {
		if w := fetch(k, path); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %s", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}

func TestAppsAddFiles(t *testing.T) {
	one, two := uitest.Kit(t), uitest.Kit(t)
	files := func(content string) fstest.MapFS {
		return fstest.MapFS{"js/map.mjs": {Data: []byte(content)}, "scan.wasm": {Data: []byte{0}}, "README.md": {Data: []byte("x")}}
	}
	for k, content := range map[*ui.Kit]string{one: "a", two: "b"} {
		if err := k.Embed("courier", files(content)); err != nil {
			t.Fatal(err)
		}
	}
	at := one.Asset("courier/js/map.mjs")
	if at == two.Asset("courier/js/map.mjs") || at == uitest.Kit(t).Asset("ui/css/ui.css") {
		t.Error("other content has the same address")
	}
	if w := fetch(one, at); w.Body.String() != "a" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := fetch(one, one.Asset("courier/scan.wasm")); w.Header().Get("Content-Type") != "application/wasm" {
		t.Errorf("wasm is %s", w.Header().Get("Content-Type"))
	}
	if got := one.AssetList("courier/", "ui/css/"); !slices.Equal(got, []string{at, one.Asset("courier/scan.wasm"), one.Asset("ui/css/tokens.css"), one.Asset("ui/css/ui.css")}) {
		t.Errorf("listed %q", got)
	}
	if err := one.Embed("late", files("c")); err == nil {
		t.Error("files were added after addresses were used")
	}
	defer func() {
		if recover() == nil {
			t.Error("a file that is not there has an address")
		}
	}()
	one.Asset("courier/none.mjs")
}

// firstLoad is what the first load of a page with every component may cost, as it travels. The design allows 120 KB.
const firstLoad = 70 << 10

func TestFirstLoad(t *testing.T) {
	k := uitest.Kit(t)
	mux := http.NewServeMux()
	mux.Handle("/assets/", k.Assets())
	mux.Handle("/home/", k.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, _ := exampleFrame(r.Context())
		k.Render(w, r, ui.Page{App: ui.Customer, Title: "Door open", Main: f.Main, Live: "/home/live"})
	})))
	if sum := uitest.FirstLoad(t, mux, "/home/"); sum > firstLoad {
		t.Errorf("the first load has %d bytes, more than %d", sum, firstLoad)
	}
}

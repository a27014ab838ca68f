package ui

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/css"
	"github.com/tdewolff/minify/v2/js"
)

//go:embed css js icons vendored
var shared embed.FS

const assetsPath = "/assets/"

// assets are the embedded files. Their addresses carry one hash of them all, known once the last was added.
type assets struct {
	mu     sync.RWMutex
	files  map[string]asset
	sealed string
	// prefixes are what was added: what two apps share is added once.
	prefixes []string
}

// asset is one file. gzipped compresses it once, when somebody asks for it first; nil where that saves little.
type asset struct {
	plain     []byte
	gzipped   func() []byte
	kind, tag string
}

// fileTypes are the types of files that the system's own table may lack or name otherwise.
var fileTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".wasm": "application/wasm", ".json": "application/json", ".webmanifest": "application/manifest+json",
	".geojson": "application/geo+json", ".png": "image/png", ".txt": "text/plain; charset=utf-8",
}

func (a *assets) add(prefix string, files fs.FS) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sealed != "" {
		return fmt.Errorf("ui: the files of %q come too late: addresses are in use", prefix)
	}
	if slices.Contains(a.prefixes, prefix) {
		return nil
	}
	if a.files == nil {
		a.files = map[string]asset{}
	}
	a.prefixes = append(a.prefixes, prefix)
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".md" {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("ui: %w", err)
		}
		if data, err = lighten(name, data); err != nil {
			return err
		}
		a.files[path.Join(prefix, name)] = newAsset(name, data)
		return nil
	})
}

// lighten leaves out of our own scripts and style sheets what is for their readers alone. Names stay, so that what a browser
// says of an error can be found.
func lighten(name string, data []byte) ([]byte, error) {
	kind, _, _ := strings.Cut(fileTypes[path.Ext(name)], ";")
	minifier, ours := minifiers[kind]
	if !ours || strings.HasPrefix(name, "vendored/") {
		return data, nil
	}
	var light bytes.Buffer
	if err := minifier.Minify(minify.New(), &light, bytes.NewReader(data), nil); err != nil {
		return nil, fmt.Errorf("ui: %s: %w", name, err)
	}
	return light.Bytes(), nil
}

var minifiers = map[string]minify.Minifier{"text/javascript": &js.Minifier{KeepVarNames: true}, "text/css": &css.Minifier{}}

func newAsset(name string, data []byte) asset {
	sum := sha256.Sum256(data)
	gzipped, _ := packed.LoadOrStore(sum, sync.OnceValue(func() []byte { return compress(data) }))
	return asset{plain: data, gzipped: gzipped.(func() []byte),
		kind: cmp.Or(fileTypes[path.Ext(name)], mime.TypeByExtension(path.Ext(name)), "application/octet-stream"), tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// packed are what this process has compressed, by digest: its kits have the same files.
var packed sync.Map

func compress(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
	_, _ = z.Write(data)                                  // a buffer takes everything
	_ = z.Close()
	if b.Len() >= len(data)*9/10 {
		return nil
	}
	return b.Bytes()
}

// hash is what all addresses carry; from the first time on no file can be added.
func (a *assets) hash() string {
	a.mu.RLock()
	sealed := a.sealed
	a.mu.RUnlock()
	if sealed != "" {
		return sealed
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := sha256.New()
	for _, name := range a.names() {
		fmt.Fprintf(sum, "%s %s\n", name, a.files[name].tag)
	}
	a.sealed = hex.EncodeToString(sum.Sum(nil)[:8])
	return a.sealed
}

func (a *assets) names() []string {
	names := make([]string, 0, len(a.files))
	for name := range a.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (a *assets) address(name string) string {
	hash := a.hash()
	if _, ok := a.files[name]; !ok {
		panic("ui: no file " + name + " is embedded")
	}
	return assetsPath + hash + "/" + name
}

func (a *assets) list(prefixes []string) []string {
	hash := a.hash()
	var found []string
	for _, name := range a.names() {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			found = append(found, assetsPath+hash+"/"+name)
		}
	}
	return found
}

// ServeHTTP serves a file. Under another release's hash a page that is still open gets the file of today, for once.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, assetsPath), "/")
	current := a.hash()
	file, ok := a.files[name]
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !ok:
		header.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	case hash != current:
		header.Set("Cache-Control", "no-cache")
	default:
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	file.serve(w, r)
}

func (f asset) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.kind)
	header.Set("Etag", f.tag)
	header.Set("Vary", "Accept-Encoding")
	body := f.plain
	if acceptsGzip(r) && r.Header.Get("Range") == "" {
		if gzipped := f.gzipped(); gzipped != nil {
			header.Set("Content-Encoding", "gzip")
			body = gzipped
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding, as far as browsers use it.
func acceptsGzip(r *http.Request) bool {
	for _, one := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

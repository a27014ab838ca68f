package uitest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// FirstLoad is what a browser that has nothing yet fetches to show a page: the page and everything that it names, what
// its scripts import at once, and the icon of its manifest; in bytes as they travel, packed and with their headers.
// Each part is logged.
func FirstLoad(t testing.TB, h http.Handler, page string) int {
	t.Helper()
	l := &load{t: t, h: h, had: map[string]bool{}}
	l.add(page)
	t.Logf("%6d in all", l.sum)
	return l.sum
}

type load struct {
	t   testing.TB
	h   http.Handler
	had map[string]bool
	sum int
}

// imports finds what a script imports as it is loaded; what it imports later, by import(), is not of the first load.
var imports = regexp.MustCompile(`(?m)^(?:import|export)\s(?:[^;'"]*?from )?'(\.[^']+)'`)

func (l *load) add(address string) {
	l.t.Helper()
	if l.had[address] {
		return
	}
	l.had[address] = true
	body, kind := l.fetch(address)
	switch {
	case strings.HasPrefix(kind, "text/html"):
		l.page(body)
	case strings.HasPrefix(kind, "text/javascript"):
		for _, found := range imports.FindAllSubmatch(body, -1) {
			l.add(path.Join(path.Dir(address), string(found[1])))
		}
	case strings.HasPrefix(kind, "application/manifest+json"):
		l.manifest(address, body)
	}
}

// fetch counts what an address answers with, and returns it unpacked.
func (l *load) fetch(address string) (body []byte, kind string) {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	l.h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		l.t.Errorf("%s: %d", address, w.Code)
	}
	var sent bytes.Buffer
	if err := w.Result().Write(&sent); err != nil {
		l.t.Fatal(err)
	}
	l.t.Logf("%6d %s", sent.Len(), address)
	l.sum += sent.Len()
	body, kind = w.Body.Bytes(), w.Header().Get("Content-Type")
	if w.Header().Get("Content-Encoding") != "gzip" {
		return body, kind
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	if body, err = io.ReadAll(unpacked); err != nil {
		l.t.Fatal(err)
	}
	return body, kind
}

func (l *load) page(body []byte) {
	l.t.Helper()
	for _, n := range All(Parse(l.t, string(body)), func(n *html.Node) bool {
		return n.Data == "link" || n.Data == "script" || n.Data == "use" || n.Data == "img"
	}) {
		for _, name := range []string{"href", "src"} {
			if at, ok := Attr(n, name); ok && strings.HasPrefix(at, "/") {
				at, _, _ = strings.Cut(at, "#")
				l.add(at)
			}
		}
	}
}

// manifest adds the smallest icon, which comes first: browsers fetch one at once.
func (l *load) manifest(address string, body []byte) {
	l.t.Helper()
	var m struct{ Icons []struct{ Src string } }
	if err := json.Unmarshal(body, &m); err != nil {
		l.t.Fatal(err)
	}
	if len(m.Icons) > 0 {
		l.add(path.Join(path.Dir(address), m.Icons[0].Src))
	}
}

package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// raw answers with what the media service writes. What that says of an error becomes a problem like every other,
// unless it is one already.
func (a *API) raw(handle http.HandlerFunc) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		handle(&mediaWriter{ResponseWriter: w, fail: func(status int) { a.fail(w, r, ofMedia(status)) }}, r)
	}}
}

// Stream answers a page's request with what an operation streams.
func Stream(w http.ResponseWriter, r *http.Request, out *huma.StreamResponse) {
	out.Body(humago.NewContext(&huma.Operation{}, r, w))
}

// mediaWriter lets no error of the media service through but as a problem, and nothing without the fields that go
// with every answer of ours.
type mediaWriter struct {
	http.ResponseWriter
	fail    func(status int)
	written bool
	failed  bool
}

// Unwrap lets an http.ResponseController find what it needs.
func (m *mediaWriter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// aboutContent are the fields that speak of what a problem takes the place of.
var aboutContent = []string{"Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Range", "Etag", "Last-Modified", "Location"}

func (m *mediaWriter) WriteHeader(status int) {
	header := m.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	m.written = m.written || status >= http.StatusOK
	if status < http.StatusBadRequest || strings.HasPrefix(header.Get("Content-Type"), "application/problem+json") {
		m.ResponseWriter.WriteHeader(status)
		return
	}
	for _, field := range aboutContent {
		header.Del(field)
	}
	m.failed = true
	m.fail(status)
}

func (m *mediaWriter) Write(b []byte) (int, error) {
	if !m.written {
		m.WriteHeader(http.StatusOK)
	}
	if m.failed {
		return len(b), nil
	}
	return m.ResponseWriter.Write(b)
}

// ofMedia makes a problem of a status with which the media service refused.
func ofMedia(status int) *Problem {
	switch status {
	case http.StatusNotFound:
		return notFound("picture or film")
	case http.StatusGone:
		return problem(status, "look-ended", "This view has ended. Nothing was done. Open it again if you still want to look.")
	case http.StatusRequestedRangeNotSatisfiable:
		return problem(status, "range", "The film is shorter than the part that was asked for. Nothing was done. Ask for an earlier part, or for all of it.")
	default:
		return unshown()
	}
}

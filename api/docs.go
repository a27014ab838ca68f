package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
)

//go:embed static/*.html static/*.js static/*.txt
var static embed.FS

// describe serves the description and the page that shows it. Everything comes from this server.
func (a *API) describe(mux *http.ServeMux) error {
	// The framework states its own form of errors, which is never sent.
	schemas := a.schemas().Map()
	delete(schemas, "V2ErrorModel")
	delete(schemas, "V2ErrorDetail")
	a.document = sync.OnceValues(a.description)
	files, err := fs.Sub(static, "static")
	if err != nil {
		return fmt.Errorf("api: the docs page: %w", err)
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
		document, err := a.document()
		if err != nil {
			a.fail(w, r, explained(err))
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document) // the client went away: nobody to tell
	})
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs/", http.StatusMovedPermanently)
	})
	pages := http.StripPrefix("/docs/", http.FileServerFS(files))
	mux.HandleFunc("GET /docs/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "max-age=3600")
		pages.ServeHTTP(w, r)
	})
	return nil
}

// docsPolicy lets the page load nothing from elsewhere, and run no script but its own files. The viewer writes
// style attributes.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// description is that of the API (OpenAPI 3.1), made from the routes themselves.
func (a *API) description() ([]byte, error) {
	compacted, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("api: the description: %w", err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, compacted, "", "  "); err != nil {
		return nil, fmt.Errorf("api: the description: %w", err)
	}
	return append(pretty.Bytes(), '\n'), nil
}

package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
)

//go:embed static/*.html static/*.js static/*.txt
var static embed.FS

// describe serves the description and the page that shows it. Everything comes from this server.
func (a *API) describe(mux *http.ServeMux) error {
	document, err := a.OpenAPI()
	if err != nil {
		return err
	}
	a.document = document
	files, err := fs.Sub(static, "static")
	if err != nil {
		return fmt.Errorf("api: the docs page: %w", err)
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(a.document) // the client went away: nobody to tell
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

// OpenAPI is the description of the API (OpenAPI 3.1), made from the routes themselves.
func (a *API) OpenAPI() ([]byte, error) {
	doc := a.huma.OpenAPI()
	// The framework states its own form of errors, which is never sent.
	delete(doc.Components.Schemas.Map(), "V2ErrorModel")
	delete(doc.Components.Schemas.Map(), "V2ErrorDetail")
	compacted, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("api: the description: %w", err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, compacted, "", "  "); err != nil {
		return nil, fmt.Errorf("api: the description: %w", err)
	}
	return append(pretty.Bytes(), '\n'), nil
}

package api

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// ExportHomeInput says what an export holds.
type ExportHomeInput struct {
	Films bool `query:"films" default:"true" doc:"With what was filmed; without, it is only listed"`
}

// ExportProgress is how far an export of the member's has come.
type ExportProgress struct {
	Running bool `json:"running"`
	// Part of Parts is being written; both are 0 before the first export.
	Part  int           `json:"part"`
	Parts int           `json:"parts"`
	Bytes int64         `json:"bytes" doc:"Written so far"`
	Of    int64         `json:"of" doc:"About how many it will be"`
	Ended event.Instant `json:"ended,omitempty" format:"date-time" doc:"When the last one was written whole; absent when it was not"`
}

func (a *API) registerExport() {
	forMember(a, route{method: http.MethodGet, path: "/v1/home/export", id: "exportHome", summary: "Everything about the household",
		about: "A ZIP archive: the journal, what is personal, openings, looks, photos and films. Each film is a look, and recorded.",
		tag:   "Home", media: "application/zip"}, a.ExportHome)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/export/progress", id: "exportProgress", summary: "How far the export has come",
		tag: "Home"}, a.ExportProgress)
}

// exports are the exports of members, by who asked: the last of each. Safe for concurrent use.
type exports struct {
	mu   sync.Mutex
	last *lru.Cache[event.MemberID, ExportProgress]
}

// mostExports is of how many members it is known how far their exports have come.
const mostExports = 1000

func newExports() *exports {
	last, err := lru.New[event.MemberID, ExportProgress](mostExports)
	if err != nil {
		panic(err) // only for a size that isn't positive
	}
	return &exports{last: last}
}

func (e *exports) of(m event.MemberID) ExportProgress {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, _ := e.last.Get(m)
	return p
}

// begin counts an export in, unless the member has one under way.
func (e *exports) begin(m event.MemberID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p, _ := e.last.Get(m); p.Running {
		return false
	}
	e.last.Add(m, ExportProgress{Running: true})
	return true
}

func (e *exports) change(m event.MemberID, change func(*ExportProgress)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, _ := e.last.Get(m)
	change(&p)
	e.last.Add(m, p)
}

// ExportProgress is the operation exportProgress: how far the export has come.
func (a *API) ExportProgress(ctx context.Context, m auth.Member, _ *struct{}) (*struct{ Body ExportProgress }, error) {
	if _, err := a.household(ctx, m); err != nil {
		return nil, err
	}
	return &struct{ Body ExportProgress }{a.exports.of(m.ID())}, nil
}

// ExportHome is the operation exportHome: everything about the household.
func (a *API) ExportHome(ctx context.Context, m auth.Member, in *ExportHomeInput) (*huma.StreamResponse, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		if !a.exports.begin(m.ID()) {
			a.fail(w, r, problem(http.StatusConflict, "export-running", "Your export is being written already. Nothing was done. Wait until it has ended."))
			return
		}
		x := &export{api: a, ctx: ctx, member: m, site: s, films: in.Films, to: w, control: http.NewResponseController(w)}
		x.write()
	}}, nil
}

// export is one archive that is being written.
type export struct {
	api     *API
	ctx     context.Context //nolint:containedctx // it lives as long as its request
	member  auth.Member
	site    site.State
	films   bool
	to      http.ResponseWriter
	control *http.ResponseController
	zip     *zip.Writer
}

// part is one file of an archive.
type part struct {
	name  string
	write func(io.Writer) error
}

// write sends the archive. What fails on the way breaks the connection: an archive that ends early must not look whole.
func (x *export) write() {
	ended := false
	defer func() {
		x.api.exports.change(x.member.ID(), func(p *ExportProgress) {
			if p.Running = false; ended {
				p.Ended = event.InstantOf(x.api.Now())
			}
		})
	}()
	parts, expected := x.parts()
	x.api.exports.change(x.member.ID(), func(p *ExportProgress) { p.Parts, p.Of = len(parts), expected })
	header := x.to.Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Content-Disposition", `attachment; filename="loquet-`+string(x.site.Site)+`.zip"`)
	header.Set("Loquet-Expected-Bytes", strconv.FormatInt(expected, 10))
	x.zip = zip.NewWriter(x)
	for i, p := range parts {
		x.api.exports.change(x.member.ID(), func(e *ExportProgress) { e.Part = i + 1 })
		if err := x.put(p); err != nil {
			x.broken(p.name, err)
		}
	}
	if err := x.zip.Close(); err != nil {
		x.broken("the end", err)
	}
	ended = true
}

func (x *export) broken(part string, err error) {
	x.api.Log.Warn("an export broke off", "reference", callOf(x.ctx).reference, "part", part, "error", err)
	panic(http.ErrAbortHandler)
}

// put writes one file. Films are packed already.
func (x *export) put(p part) error {
	if err := callOf(x.ctx).again(x.ctx); err != nil {
		return err
	}
	h := &zip.FileHeader{Name: p.name, Method: zip.Deflate, Modified: x.api.Now()}
	if isFilm(p.name) {
		h.Method = zip.Store
	}
	w, err := x.zip.CreateHeader(h)
	if err != nil {
		return err
	}
	return p.write(w)
}

// Write sends what the archive is made of, and counts it. A client that does not accept it in time is gone.
func (x *export) Write(b []byte) (int, error) {
	_ = x.control.SetWriteDeadline(time.Now().Add(writeWithin))
	n, err := x.to.Write(b)
	x.api.exports.change(x.member.ID(), func(p *ExportProgress) { p.Bytes += int64(n) })
	return n, err
}

// asJSON writes one value, for people to read too.
func asJSON(value func() (any, error)) func(io.Writer) error {
	return func(w io.Writer) error {
		v, err := value()
		if err != nil {
			return err
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
}

// line writes one value on a line of its own.
func line(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("api: a line of an export: %w", err)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

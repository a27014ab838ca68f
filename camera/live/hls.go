package live

import (
	"context"
	"net/http"
	"net/url"
	"path"
)

const (
	playlist = "index.m3u8"
	// param carries the look through the addresses of all files.
	param = "look"
)

// HLS serves one file of a camera's stream: the last element of the request's path. Asking for index.m3u8 without a
// look begins one, and all addresses in the playlists carry it in their query.
func (s *Server) HLS(w http.ResponseWriter, r *http.Request, v View) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuseMethod(w, "GET, HEAD")
		return
	}
	file, id := path.Base(r.URL.Path), r.URL.Query().Get(param)
	if file == playlist && id == "" {
		s.beginHLS(w, r, v)
		return
	}
	if err := s.serveHLS(w, r, v.Camera, id, file); err != nil {
		s.fail(w, v, err)
	}
}

// beginHLS waits until there is something to play, and serves the first playlist.
func (s *Server) beginHLS(w http.ResponseWriter, r *http.Request, v View) {
	look, err := s.looks.reserve(v, HLS)
	if err != nil {
		s.fail(w, v, err)
		return
	}
	err = s.join(r.Context(), look, v)
	if err == nil && !s.looks.begin(look, func() {}) {
		err = ErrEnded
	}
	if err == nil {
		err = s.serveHLS(w, r, v.Camera, look.look.ID, playlist)
	}
	if err != nil {
		s.looks.end(look.look.ID, WhyFailed)
		s.fail(w, v, err)
	}
}

// serveHLS serves a file to a look that lasts.
func (s *Server) serveHLS(w http.ResponseWriter, r *http.Request, camera, id, file string) error {
	look, err := s.looks.enter(id, camera)
	if err != nil {
		return err
	}
	defer s.looks.leave(look)
	g := &guard{ResponseWriter: w, ctx: look.ctx}
	look.muxer.out.Handle(g, plain(r, id, file))
	if !g.answered {
		return errNoFile
	}
	return nil
}

// plain is the request as the muxer should see it: it copies the query into the addresses that it writes, and waits
// for the parts that the reserved parameters name.
func plain(r *http.Request, id, file string) *http.Request {
	query := url.Values{param: {id}}
	for _, name := range []string{"_HLS_msn", "_HLS_part", "_HLS_skip"} {
		if value := r.URL.Query().Get(name); value != "" {
			query.Set(name, value)
		}
	}
	out := r.Clone(r.Context())
	out.URL = &url.URL{Path: "/" + file, RawQuery: query.Encode()}
	return out
}

// guard sends nothing more once its look has ended, and lets nothing be kept by whoever passes it on.
type guard struct {
	http.ResponseWriter
	ctx      context.Context
	answered bool
}

func (g *guard) WriteHeader(status int) {
	g.answered = true
	if g.ctx.Err() != nil {
		ErrEnded.write(g.ResponseWriter)
		return
	}
	g.Header().Set("Cache-Control", "no-store")
	g.ResponseWriter.WriteHeader(status)
}

func (g *guard) Write(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.ResponseWriter.Write(p)
}

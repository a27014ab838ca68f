package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Offer is where a browser's offer to receive a visit's picture goes.
type Offer struct {
	Visit   event.VisitID `path:"visit" maxLength:"64"`
	RawBody []byte        `contentType:"application/sdp"`
}

// LookPath names a look by WebRTC.
type LookPath struct {
	Visit event.VisitID `path:"visit" maxLength:"64"`
	Look  string        `path:"look" maxLength:"64" pattern:"^[A-Za-z0-9_-]+$"`
}

// HLSFile names a file of a visit's picture by HLS, and which part of it a player waits for.
type HLSFile struct {
	Visit event.VisitID `path:"visit" maxLength:"64"`
	File  string        `path:"file" maxLength:"128" pattern:"^[A-Za-z0-9_-]+[.](m3u8|mp4)$" doc:"Begin with index.m3u8"`
	Look  string        `query:"look" maxLength:"64" doc:"The look that the file belongs to; stands in the playlists' own addresses"`
	Msn   string        `query:"_HLS_msn" maxLength:"20" doc:"Low-latency HLS: wait for this segment"`
	Part  string        `query:"_HLS_part" maxLength:"20" doc:"Low-latency HLS: wait for this part"`
	Skip  string        `query:"_HLS_skip" maxLength:"3" doc:"Low-latency HLS: leave out what is known"`
}

// firstFile of HLS begins a look.
const firstFile = "index.m3u8"

// registerLive states the routes of the live view, for the household and for the operator.
func (a *API) registerLive() {
	at := func(method, path, id, summary, about string) route {
		return route{method: method, path: path, id: id, summary: summary, about: about, tag: "Camera", scope: auth.PicturesRead}
	}
	const whep = "WHEP: an SDP offer is answered, and Location is the look. Each look is recorded."
	const hls = "Begin with `index.m3u8`: each look is recorded then."
	const only = " Only where the household allows it, and while an alarm stands."
	offer := func(path, id, about string) route {
		r := at(http.MethodPost, path+"/whep", id, "Watch a visit live", about)
		r.status, r.media = http.StatusCreated, "application/sdp"
		return r
	}
	read := func(path, id, about string) route {
		r := at(http.MethodGet, path+"/hls/{file}", id, "Watch a visit live by HLS", about)
		r.media = "application/octet-stream"
		return r
	}
	home, operators := "/v1/home/visits/{visit}/live", "/v1/visits/{visit}/live"
	serve(a, offer(home, "watchVisit", whep), memberSchemes, a.viewer, a.WatchVisit)
	serve(a, at(http.MethodDelete, home+"/whep/{look}", "endLook", "End a look", ""), memberSchemes, a.viewer, a.EndLook)
	serve(a, read(home, "watchVisitByHLS", hls), memberSchemes, a.viewer, a.WatchVisitByHLS)
	forClient(a, offer(operators, "watchVisitAsOperator", whep+only), a.WatchVisitAsOperator)
	forClient(a, at(http.MethodDelete, operators+"/whep/{look}", "endLookAsOperator", "End a look", ""), a.EndLookAsOperator)
	forClient(a, read(operators, "watchVisitByHLSAsOperator", hls+only), a.WatchVisitByHLSAsOperator)
}

// WatchVisit is the operation watchVisit: watch a visit live.
func (a *API) WatchVisit(ctx context.Context, m auth.Member, in *Offer) (*huma.StreamResponse, error) {
	return a.offered(ctx, byMember(m, site.WatchPicture{Visit: in.Visit}), in)
}

// WatchVisitAsOperator is the operation watchVisitAsOperator: watch a visit live.
func (a *API) WatchVisitAsOperator(ctx context.Context, c auth.Client, in *Offer) (*huma.StreamResponse, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	return a.offered(ctx, byClient(c, event.SiteOf(in.Visit), site.WatchPicture{Visit: in.Visit}), in)
}

// WatchVisitByHLS is the operation watchVisitByHLS: watch a visit live by HLS.
func (a *API) WatchVisitByHLS(ctx context.Context, m auth.Member, in *HLSFile) (*huma.StreamResponse, error) {
	return a.read(ctx, byMember(m, site.WatchPicture{Visit: in.Visit}), in)
}

// WatchVisitByHLSAsOperator is the operation watchVisitByHLSAsOperator: watch a visit live by HLS.
func (a *API) WatchVisitByHLSAsOperator(ctx context.Context, c auth.Client, in *HLSFile) (*huma.StreamResponse, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	return a.read(ctx, byClient(c, event.SiteOf(in.Visit), site.WatchPicture{Visit: in.Visit}), in)
}

// EndLook is the operation endLook: end a look.
func (a *API) EndLook(ctx context.Context, m auth.Member, in *LookPath) (*huma.StreamResponse, error) {
	if event.SiteOf(in.Visit) != m.Site() {
		return nil, notFound("look")
	}
	return a.left(in)
}

// EndLookAsOperator is the operation endLookAsOperator: end a look.
func (a *API) EndLookAsOperator(ctx context.Context, c auth.Client, in *LookPath) (*huma.StreamResponse, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	return a.left(in)
}

// offered begins a look by WebRTC, which is recorded before, and ended when it is no longer allowed.
func (a *API) offered(ctx context.Context, o order, in *Offer) (*huma.StreamResponse, error) {
	director, err := a.filming()
	if err != nil {
		return nil, err
	}
	if err := a.watched(ctx, o); err != nil {
		return nil, err
	}
	return a.raw(func(w http.ResponseWriter, r *http.Request) {
		r.Body = io.NopCloser(bytes.NewReader(in.RawBody))
		director.Studio.ServeLive(w, r, in.Visit, "whep")
		if at := w.Header().Get("Location"); at != "" {
			a.attend(context.WithoutCancel(ctx), o, LookPath{in.Visit, path.Base(at)})
		}
	}), nil
}

// attend has a look by WebRTC ended once it is no longer allowed: its pictures are sent without being asked for. Who
// reads the answer may leave at once, so that the look is known before the answer is out.
func (a *API) attend(ctx context.Context, o order, look LookPath) {
	ctx, left := context.WithCancel(ctx)
	a.attended.Store(look, left)
	go func() {
		defer left()
		defer a.attended.Delete(look)
		a.endWhenForbidden(ctx, o, look)
	}()
}

func (a *API) endWhenForbidden(ctx context.Context, o order, look LookPath) {
	grown, stop := a.Dispatch.Follow(o.site)
	defer stop()
	tick := time.NewTicker(a.streams.heartbeat)
	defer tick.Stop()
	for allowed := true; allowed && a.mayWatch(ctx, o) == nil; {
		select {
		case <-ctx.Done():
			return
		case <-a.streams.ended:
			allowed = false
		case <-grown:
		case <-tick.C:
			allowed = callOf(ctx).again(ctx) == nil
		}
	}
	if ctx.Err() != nil {
		return // it was left while it was asked whether it is allowed
	}
	if r, err := http.NewRequestWithContext(ctx, http.MethodDelete, "/", nil); err == nil {
		a.Film.Studio.ServeLive(&unheard{header: http.Header{}}, r, look.Visit, "whep/"+look.Look)
	}
}

// left ends a look.
func (a *API) left(look *LookPath) (*huma.StreamResponse, error) {
	director, err := a.filming()
	if err != nil {
		return nil, err
	}
	if attending, ok := a.attended.Load(*look); ok {
		attending.(context.CancelFunc)()
	}
	return a.raw(func(w http.ResponseWriter, r *http.Request) {
		director.Studio.ServeLive(w, r, look.Visit, "whep/"+look.Look)
	}), nil
}

// read serves a file of HLS. What goes on with a look asks anew whether it may.
func (a *API) read(ctx context.Context, o order, in *HLSFile) (*huma.StreamResponse, error) {
	director, err := a.filming()
	if err != nil {
		return nil, err
	}
	if in.File == firstFile && in.Look == "" {
		err = a.watched(ctx, o)
	} else {
		err = a.mayWatch(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	return a.raw(func(w http.ResponseWriter, r *http.Request) {
		r.URL = in.address()
		director.Studio.ServeLive(w, r, in.Visit, "hls/"+in.File)
	}), nil
}

// address is all that the live view reads of what was asked for: one that it read otherwise might begin a look unseen.
func (f *HLSFile) address() *url.URL {
	query := url.Values{}
	for name, value := range map[string]string{"look": f.Look, "_HLS_msn": f.Msn, "_HLS_part": f.Part, "_HLS_skip": f.Skip} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return &url.URL{Path: "/" + f.File, RawQuery: query.Encode()}
}

// watched records a look, if it is allowed.
func (a *API) watched(ctx context.Context, o order) error {
	o.natural = true
	_, err := decide(ctx, a, o, done)
	return err
}

// mayWatch asks the site's decision without committing it.
func (a *API) mayWatch(ctx context.Context, o order) error {
	state, err := a.Dispatch.Load(ctx, o.site)
	if err != nil {
		return err
	}
	o.facts.At = event.InstantOf(a.Now())
	_, err = site.Decide(state, site.Command{Facts: o.facts, Do: o.do})
	return err
}

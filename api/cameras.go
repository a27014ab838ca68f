package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/film"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// CameraRequest names a camera and what it films.
type CameraRequest struct {
	Address string                `json:"address" minLength:"8" maxLength:"500" doc:"rtsp://name:password@host:port/path; sealed, and never shown again"`
	Sees    []event.AccessPointID `json:"sees" minItems:"1" maxItems:"16" doc:"The access points that it films"`
}

// Camera is a camera of the home.
type Camera struct {
	ID     event.CameraID        `json:"camera"`
	Sees   []event.AccessPointID `json:"sees"`
	Proven bool                  `json:"proven" doc:"False until a check found it good enough"`
	// Filming says what it shows in a visit that is under way.
	Filming *Picture `json:"filming,omitempty" doc:"What it shows; absent while it films no visit"`
}

// Picture is what is known of a camera's picture.
type Picture struct {
	Live  bool               `json:"live" doc:"Proven live, and what is filmed can be kept"`
	Fault event.PictureFault `json:"fault,omitempty"`
	At    event.Instant      `json:"at,omitempty" format:"date-time" doc:"When the newest picture came"`
	Title string             `json:"title,omitempty"`
	Text  string             `json:"text,omitempty"`
}

// CameraCheck is what a look at a camera found.
type CameraCheck struct {
	Good    bool          `json:"good" doc:"Good enough for visits"`
	Picture Picture       `json:"picture"`
	Stream  camera.Report `json:"stream"`
}

// Clip is what was kept of a visit.
type Clip struct {
	ID    event.ClipID  `json:"clip"`
	Visit event.VisitID `json:"visit"`
	// EraseAt is when it will be erased; absent while the visit goes on.
	EraseAt event.Instant `json:"eraseAt,omitempty" format:"date-time"`
	Files   []ClipFile    `json:"files" doc:"In order. Several when the camera's stream broke off or changed"`
}

// ClipFile is one file of a clip.
type ClipFile struct {
	Number int           `json:"number" doc:"Its place, counted from 1"`
	SHA256 string        `json:"sha256" doc:"Of the file as it is downloaded; stands in the journal"`
	Bytes  int64         `json:"bytes"`
	From   event.Instant `json:"from" format:"date-time"`
	To     event.Instant `json:"to" format:"date-time"`
	Whole  bool          `json:"whole" doc:"False when it broke off"`
}

// CameraPath names a camera.
type CameraPath struct {
	Camera event.CameraID `path:"camera" maxLength:"64"`
}

// ClipPath names a clip.
type ClipPath struct {
	Clip event.ClipID `path:"clip" maxLength:"64"`
}

// LivePath is below a visit's live view.
type LivePath struct {
	Visit event.VisitID `path:"visit" maxLength:"64"`
	Rest  string        `path:"rest" maxLength:"200"`
}

const (
	videoMP4 = "video/mp4"
	anyMedia = "application/octet-stream"
)

func (a *API) registerCameras() {
	post := func(path, id, summary, about string, status int) route {
		return route{method: http.MethodPost, path: "/v1/home/" + path, id: id, summary: summary, about: about, tag: "Camera", status: status}
	}
	forMember(a, post("cameras", "addCamera", "Add a camera", "It films visits once a check found it good enough.", http.StatusCreated), a.addCamera)
	forMember(a, post("cameras/{camera}/check", "checkCamera", "Check a camera",
		"Looks at it for as long as a proof takes, some seconds. What is good enough films visits from then on.", 0), a.checkCamera)
	forMember(a, route{method: http.MethodDelete, path: "/v1/home/cameras/{camera}", id: "retireCamera", summary: "Remove a camera",
		tag: "Camera", status: http.StatusNoContent}, a.retireCamera)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/clips", id: "listClips", summary: "List what was filmed", tag: "Camera"}, a.listClips)
	forMember(a, route{method: http.MethodDelete, path: "/v1/home/clips/{clip}", id: "eraseClip", summary: "Erase what was filmed",
		about: "Everything that belongs to it, at once.", tag: "Camera", status: http.StatusAccepted}, a.eraseClip)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/clips/{clip}/files/{number}", id: "watchClip", summary: "Watch or download a file of a clip",
		about: "Whole or in ranges. Each look is recorded.", tag: "Camera", media: videoMP4}, a.watchClip)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/clips/{clip}/poster", id: "clipPoster", summary: "A clip's picture", tag: "Camera",
		media: "image/jpeg"}, a.clipPoster)
	a.registerLive()
}

// registerLive states the routes of the live view: a WHEP offer is posted, its session deleted; HLS is read.
func (a *API) registerLive() {
	about := "WHEP: post an SDP offer to `whep`. HLS: read `hls/index.m3u8`. Each beginning of a look is recorded."
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodPatch} {
		lower := map[string]string{"POST": "offer", "GET": "read", "DELETE": "end", "PATCH": "change"}[method]
		forMember(a, route{method: method, path: "/v1/home/visits/{visit}/live/{rest...}", id: lower + "Live", summary: "Watch a visit live",
			about: about, tag: "Camera", media: anyMedia}, a.memberLive)
		forClient(a, route{method: method, path: "/v1/visits/{visit}/live/{rest...}", id: lower + "LiveAsOperator", summary: "Watch a visit live",
			about: about + " Only where the household allows it, and while an alarm stands.", tag: "Camera", scope: auth.PicturesRead, media: anyMedia}, a.operatorLive)
	}
}

// filming returns who films, or why nobody does.
func (a *API) filming() (*film.Director, error) {
	if a.Film == nil {
		return nil, problem(http.StatusServiceUnavailable, "no-media", "This server has no media service. Nothing was done. Ask who runs it.")
	}
	return a.Film, nil
}

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "rtsp" || u.Hostname() == "" || u.Fragment != "" {
		return invalid("body.address", "an address such as rtsp://name:password@192.168.1.20:554/stream1")
	}
	return nil
}

func (a *API) addCamera(ctx context.Context, m auth.Member, in *struct {
	Idempotent
	Body CameraRequest
}) (*struct{ Body Camera }, error) {
	director, err := a.filming()
	if err != nil {
		return nil, err
	}
	if err := checkAddress(in.Body.Address); err != nil {
		return nil, err
	}
	seal := func(r dispatch.Result) (dispatch.Attachments, error) {
		added, _ := happened[event.CameraAdded](r)
		value, err := director.SealAddress(ctx, added.Camera, in.Body.Address)
		return dispatch.Attachments{Values: []store.Value{value}}, err
	}
	shown, err := decide(ctx, a, byMember(m, site.AddCamera{Sees: in.Body.Sees}).attach(seal), func(_ context.Context, r dispatch.Result) (Camera, error) {
		added, _ := happened[event.CameraAdded](r)
		c, _ := r.State.Camera(added.Camera)
		return a.cameraShown(callOf(ctx).lang, r.State, c), nil
	})
	return &struct{ Body Camera }{shown}, err
}

func (a *API) camerasOf(lang phrase.Lang, s site.State) []Camera {
	shown := []Camera{}
	for _, c := range s.Cameras {
		shown = append(shown, a.cameraShown(lang, s, c))
	}
	return shown
}

func (a *API) cameraShown(lang phrase.Lang, s site.State, c site.Camera) Camera {
	shown := Camera{ID: c.ID, Sees: c.Sees, Proven: c.Proven}
	for _, v := range s.Visits {
		if v.Camera == c.ID && a.Film != nil {
			picture := pictureShown(lang, a.Film.Studio.Picture(c.ID))
			shown.Filming = &picture
		}
	}
	return shown
}

func pictureShown(lang phrase.Lang, p event.Picture) Picture {
	shown := Picture{Live: p.Fault == "", Fault: p.Fault, At: p.At}
	if p.Fault != "" {
		words := lang.Picture(p.Fault)
		shown.Title, shown.Text = words.Title, words.Text()
	}
	return shown
}

func (a *API) checkCamera(ctx context.Context, m auth.Member, in *struct {
	CameraPath
	Body *Nothing
}) (*struct{ Body CameraCheck }, error) {
	director, err := a.filming()
	if err != nil {
		return nil, err
	}
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	if _, ok := s.Camera(in.Camera); !ok {
		return nil, notFound("camera")
	}
	address, err := director.Address(ctx, in.Camera)
	if err != nil {
		return nil, err
	}
	report, err := director.Studio.Check(ctx, address)
	if err != nil {
		return nil, err
	}
	report.Picture.Camera = in.Camera
	check := CameraCheck{Picture: pictureShown(callOf(ctx).lang, report.Picture), Stream: report}
	if report.Picture.Fault != "" {
		return &struct{ Body CameraCheck }{check}, nil
	}
	prove := byMember(m, site.ProveCamera{Camera: in.Camera, Seen: report.Picture})
	prove.natural = true
	proven, err := decide(ctx, a, prove, func(context.Context, dispatch.Result) (CameraCheck, error) {
		check.Good = true
		return check, nil
	})
	return &struct{ Body CameraCheck }{proven}, err
}

func (a *API) retireCamera(ctx context.Context, m auth.Member, in *CameraPath) (*struct{}, error) {
	forget := func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Values: []store.Value{film.ForgetAddress(in.Camera)}}, nil
	}
	_, err := decide(ctx, a, byMember(m, site.RetireCamera{Camera: in.Camera}).attach(forget), done)
	return nil, err
}

func (a *API) listClips(ctx context.Context, m auth.Member, _ *struct{}) (*struct {
	Body struct {
		Clips []Clip `json:"clips"`
	}
}, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Clips []Clip `json:"clips"`
		}
	}{}
	out.Body.Clips = []Clip{}
	for _, c := range s.Clips {
		if !c.Erasing {
			out.Body.Clips = append(out.Body.Clips, clipShown(c))
		}
	}
	return out, nil
}

func clipShown(c site.Clip) Clip {
	shown := Clip{ID: c.ID, Visit: c.Visit, EraseAt: c.EraseAt, Files: []ClipFile{}}
	for i, f := range c.Files {
		shown.Files = append(shown.Files, ClipFile{Number: i + 1, SHA256: f.SHA256, Bytes: f.Bytes, From: f.From, To: f.To, Whole: f.Whole})
	}
	return shown
}

func (a *API) eraseClip(ctx context.Context, m auth.Member, in *ClipPath) (*struct{}, error) {
	_, err := decide(ctx, a, byMember(m, site.EraseClip{Clip: in.Clip}), done)
	return nil, err
}

func (a *API) watchClip(ctx context.Context, m auth.Member, in *struct {
	ClipPath
	Number int `path:"number" minimum:"1" maximum:"1000"`
}) (*huma.StreamResponse, error) {
	director, key, err := a.clip(ctx, m, in.Clip)
	if err != nil {
		return nil, err
	}
	// A player asks for many ranges of what it shows: only the one that begins is a look.
	if r := callOf(ctx).ranged; r == "" || r == "bytes=0-" {
		if err := a.watched(ctx, byMember(m, site.WatchPicture{Clip: in.Clip})); err != nil {
			return nil, err
		}
	}
	return raw(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", `inline; filename="`+string(in.Clip)+"-"+strconv.Itoa(in.Number)+`.mp4"`)
		director.Studio.ServeFile(w, r, in.Clip, in.Number-1, key)
	}), nil
}

func (a *API) clipPoster(ctx context.Context, m auth.Member, in *ClipPath) (*huma.StreamResponse, error) {
	director, key, err := a.clip(ctx, m, in.Clip)
	if err != nil {
		return nil, err
	}
	return raw(func(w http.ResponseWriter, r *http.Request) { director.Studio.ServePoster(w, r, in.Clip, key) }), nil
}

// clip finds a clip of the member's own site, and what opens it.
func (a *API) clip(ctx context.Context, m auth.Member, id event.ClipID) (*film.Director, []byte, error) {
	director, err := a.filming()
	if err != nil {
		return nil, nil, err
	}
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	if c, ok := s.Clip(id); !ok || c.Erasing || !c.Finished {
		return nil, nil, notFound("clip")
	}
	key, err := director.ClipKey(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, notFound("clip")
	}
	return director, key, err
}

func (a *API) memberLive(ctx context.Context, m auth.Member, in *LivePath) (*huma.StreamResponse, error) {
	return a.live(ctx, byMember(m, site.WatchPicture{Visit: in.Visit}), in)
}

func (a *API) operatorLive(ctx context.Context, c auth.Client, in *LivePath) (*huma.StreamResponse, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	return a.live(ctx, byClient(c, event.SiteOf(in.Visit), site.WatchPicture{Visit: in.Visit}), in)
}

// live shows a visit to somebody who may see it now. What begins a look is recorded; what goes on with one asks anew
// whether it may.
func (a *API) live(ctx context.Context, o order, in *LivePath) (*huma.StreamResponse, error) {
	director, err := a.filming()
	if err != nil {
		return nil, err
	}
	if in.Rest == "whep" || in.Rest == "hls/index.m3u8" {
		err = a.watched(ctx, o)
	} else {
		err = a.mayWatch(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	return raw(func(w http.ResponseWriter, r *http.Request) { director.Studio.ServeLive(w, r, in.Visit, in.Rest) }), nil
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

// raw answers with what a handler writes.
func raw(handle http.HandlerFunc) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		handle(w, r)
	}}
}

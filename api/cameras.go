package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

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
	// FreshFor is how long it may be shown as live if nothing newer comes.
	FreshFor event.Millis `json:"freshFor,omitempty" doc:"How long it counts as live, in milliseconds from now on; absent when it does not"`
}

// CameraCheck is what a look at a camera found.
type CameraCheck struct {
	Good    bool          `json:"good" doc:"Good enough for visits"`
	Picture Picture       `json:"picture"`
	Stream  camera.Report `json:"stream"`
}

// CameraPath names a camera.
type CameraPath struct {
	Camera event.CameraID `path:"camera" maxLength:"64"`
}

func (a *API) registerCameras() {
	post := func(path, id, summary, about string, status int) route {
		return route{method: http.MethodPost, path: "/v1/home/" + path, id: id, summary: summary, about: about, tag: "Camera", status: status}
	}
	forMember(a, post("cameras", "addCamera", "Add a camera", "It films visits once a check found it good enough.", http.StatusCreated), a.AddCamera)
	forMember(a, post("cameras/{camera}/check", "checkCamera", "Check a camera",
		"Looks at it for as long as a proof takes, some seconds. What is good enough films visits from then on.", 0), a.CheckCamera)
	forMember(a, route{method: http.MethodDelete, path: "/v1/home/cameras/{camera}", id: "retireCamera", summary: "Remove a camera",
		tag: "Camera", status: http.StatusNoContent}, a.RetireCamera)
	a.registerClips()
	a.registerLive()
}

// filming returns who films, or why nobody does.
func (a *API) filming() (*film.Director, error) {
	if a.Film == nil {
		return nil, problem(http.StatusServiceUnavailable, "no-media", "This server has no media service. Nothing was done. Ask who runs it.")
	}
	return a.Film, nil
}

// unshown is when the media service does not answer, or can't.
func unshown() *Problem {
	return problem(http.StatusServiceUnavailable, "media", "The media service does not answer now. Nothing was done. Try again in a few seconds.").
		with("Retry-After", "2")
}

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "rtsp" || u.Hostname() == "" || u.Fragment != "" || !validPort(u.Port()) {
		return invalid("body.address", "an address such as rtsp://name:password@192.168.1.20:554/stream1")
	}
	return nil
}

// validPort says whether a port is one, or none.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// AddCameraInput is what AddCamera takes.
type AddCameraInput struct {
	Idempotent
	Body CameraRequest
}

// AddCamera is the operation addCamera: add a camera.
func (a *API) AddCamera(ctx context.Context, m auth.Member, in *AddCameraInput) (*struct{ Body Camera }, error) {
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
			picture := pictureShown(lang, a.Film.Studio.Picture(c.ID), event.InstantOf(a.Now()))
			shown.Filming = &picture
		}
	}
	return shown
}

func pictureShown(lang phrase.Lang, p event.Picture, now event.Instant) Picture {
	shown := Picture{Live: p.Fault == "", Fault: p.Fault, At: p.At}
	if shown.Live {
		shown.FreshFor = max(p.At.Add(site.PictureCounts).Since(now), 0)
	}
	if p.Fault != "" {
		words := lang.Picture(p.Fault)
		shown.Title, shown.Text = words.Title, words.Text()
	}
	return shown
}

// CheckCameraInput is what CheckCamera takes.
type CheckCameraInput struct {
	CameraPath
	Body *Nothing
}

// CheckCamera is the operation checkCamera: check a camera.
func (a *API) CheckCamera(ctx context.Context, m auth.Member, in *CheckCameraInput) (*struct{ Body CameraCheck }, error) {
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
		return nil, unshown().because(err)
	}
	report.Picture.Camera = in.Camera
	check := CameraCheck{Picture: pictureShown(callOf(ctx).lang, report.Picture, event.InstantOf(a.Now())), Stream: report}
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

// RetireCamera is the operation retireCamera: remove a camera.
func (a *API) RetireCamera(ctx context.Context, m auth.Member, in *CameraPath) (*struct{}, error) {
	forget := func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Values: []store.Value{film.ForgetAddress(in.Camera)}}, nil
	}
	_, err := decide(ctx, a, byMember(m, site.RetireCamera{Camera: in.Camera}).attach(forget), done)
	return nil, err
}

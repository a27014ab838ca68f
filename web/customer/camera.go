package customer

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// cameraView is U5: a camera that is added, checked, or looked after.
type cameraView struct {
	*household
	flash *flash
	typed url.Values
	wrong []ui.Wrong
	// may says whether members look for cameras on the server's network, and nearby what they found; nil before.
	may    bool
	nearby []api.FoundCamera
	looked bool

	camera api.Camera
	// check is what the last look at it found; nil before.
	check *api.CameraCheck
}

func (p *person) cameraView() (*cameraView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	devices, problem := read(p, p.API.ListHomeDevices, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	return &cameraView{household: h, flash: p.flash(), typed: url.Values{}, may: devices.Body.MayReserve}, nil
}

// newCamera asks for a camera's address, and what it films.
func (p *person) newCamera() {
	v, problem := p.cameraView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	for _, ap := range v.AccessPoints {
		v.typed.Add("sees", string(ap.ID))
	}
	p.showNewCamera(v, http.StatusOK)
}

func (p *person) showNewCamera(v *cameraView, status int) {
	p.show(v.household, ui.Page{Title: p.titled(p.say("u5.title"), v.wrong), Place: v.Address, Status: status, Here: "/home/cameras/new", Main: newCameraPage(v)})
}

// findCameras looks on the server's network, with the name and password that were typed.
func (p *person) findCameras() {
	v, problem := p.cameraView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	user, password := p.r.PostFormValue("user"), p.r.PostFormValue("password")
	v.typed = p.r.PostForm
	out, problem := read(p, p.API.DiscoverHomeCameras, &api.DiscoverHomeCamerasInput{Body: &api.FindCamerasRequest{User: user, Password: password}})
	if problem != nil {
		p.undone("/home/cameras/new", problem)
		return
	}
	v.nearby, v.looked = out.Body.Cameras, true
	p.showNewCamera(v, http.StatusOK)
}

// addCamera adds it, and has it looked at next.
func (p *person) addCamera() {
	v, problem := p.cameraView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	address := addressTyped(p.r)
	v.typed = p.r.PostForm
	sees := v.placesTyped(p.r.PostForm["sees"])
	if address == "" {
		v.wrong = append(v.wrong, ui.Wrong{Field: "address", Text: p.say("u5.address.wrong")})
	}
	if len(sees) == 0 {
		v.wrong = append(v.wrong, ui.Wrong{Field: "sees", Text: p.say("u5.sees.wrong")})
	}
	if len(v.wrong) > 0 {
		p.showNewCamera(v, http.StatusUnprocessableEntity)
		return
	}
	out, problem := do(p, p.API.AddCamera, &api.AddCameraInput{Body: api.CameraRequest{Address: address, Sees: sees}})
	switch {
	case problem == nil:
		http.Redirect(p.w, p.r, "/home/cameras/"+string(out.Body.ID), http.StatusSeeOther)
	case problem.Status == http.StatusUnprocessableEntity:
		v.wrong = []ui.Wrong{{Field: "address", Text: p.say("u5.address.wrong")}}
		p.showNewCamera(v, http.StatusUnprocessableEntity)
	default:
		p.undone("/home/cameras/new", problem)
	}
}

// addressTyped is the camera's address: a stream that was found, or what was typed, with name and password if those
// were given apart.
func addressTyped(r *http.Request) string {
	typed := strings.TrimSpace(r.PostFormValue("address"))
	if stream := r.PostForm.Get("stream"); stream != "" {
		typed = stream
	}
	u, err := url.Parse(typed)
	if err != nil || u.Scheme != "rtsp" || u.Hostname() == "" || len(typed) > 400 {
		return ""
	}
	if user := r.PostForm.Get("user"); user != "" && u.User == nil {
		u.User = url.UserPassword(user, r.PostForm.Get("password"))
	}
	return u.String()
}

func (h *household) placesTyped(typed []string) []event.AccessPointID {
	var sees []event.AccessPointID
	for _, id := range typed {
		if _, ok := h.place(event.AccessPointID(id)); ok {
			sees = append(sees, event.AccessPointID(id))
		}
	}
	return sees
}

// cameraOf finds the camera that the address names, or answers and returns nil.
func (p *person) cameraOf() *cameraView {
	v, problem := p.cameraView()
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	camera, ok := found(v.Cameras, func(c api.Camera) bool { return string(c.ID) == p.r.PathValue("camera") })
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return nil
	}
	v.camera = camera
	return v
}

func (p *person) camera() {
	if v := p.cameraOf(); v != nil {
		p.showCamera(v, http.StatusOK)
	}
}

func (p *person) showCamera(v *cameraView, status int) {
	p.show(v.household, ui.Page{Title: p.say("u5.one"), Place: v.Address, Status: status, Here: "/home/cameras/" + string(v.camera.ID), Main: cameraPage(v)})
}

// checkCamera looks at it for as long as a proof takes, and shows each result.
func (p *person) checkCamera() {
	v := p.cameraOf()
	if v == nil {
		return
	}
	out, problem := do(p, p.API.CheckCamera, &api.CheckCameraInput{CameraPath: api.CameraPath{Camera: v.camera.ID}})
	if problem != nil {
		p.undone("/home/cameras/"+string(v.camera.ID), problem)
		return
	}
	if v = p.cameraOf(); v != nil {
		v.check = &out.Body
		p.showCamera(v, http.StatusOK)
	}
}

func (p *person) retireCamera() {
	id := p.r.PathValue("camera")
	if _, problem := do(p, p.API.RetireCamera, &api.CameraPath{Camera: event.CameraID(id)}); problem != nil {
		p.undone("/home/cameras/"+id, problem)
		return
	}
	p.done("/home/", "cameraRemoved")
}

// checks are the five things that a look at a camera tells, in the order in which it can, with the faults of each.
var checks = []struct {
	key    string
	faults []event.PictureFault
}{
	{"u5.check.moves", []event.PictureFault{event.PictureUnreached, event.PictureRefused, event.PictureUnserved}},
	{"u5.check.records", []event.PictureFault{event.PictureFormat, event.PictureFull, event.PictureUnwritten}},
	{"u5.check.clock", []event.PictureFault{event.PictureStale, event.PictureClock}},
	{"u5.check.frozen", []event.PictureFault{event.PictureFrozen}},
	{"u5.check.loop", []event.PictureFault{event.PictureLoop, event.PictureProving}},
}

// results are the checks as steps: those before a fault passed, those after it are not known.
func (v *cameraView) results(ctx context.Context) []ui.Step {
	state, note := ui.StepDone, "u5.yes"
	var steps []ui.Step
	for _, c := range checks {
		if slices.Contains(c.faults, v.check.Picture.Fault) {
			steps = append(steps, ui.Step{Text: words.T(ctx, c.key), State: ui.StepFailed, Note: v.check.Picture.Title})
			state, note = ui.StepLater, "u5.unknown"
			continue
		}
		steps = append(steps, ui.Step{Text: words.T(ctx, c.key), State: state, Note: words.T(ctx, note)})
	}
	return steps
}

// seesSaid names what a camera films.
func (v *cameraView) seesSaid(ctx context.Context) string {
	var names []string
	for _, id := range v.camera.Sees {
		names = append(names, v.placeName(id))
	}
	return joined(ctx, names)
}

func (v *cameraView) seesOptions() []ui.Option {
	var options []ui.Option
	for _, ap := range v.AccessPoints {
		options = append(options, ui.Option{Value: string(ap.ID), Text: v.placeName(ap.ID), Checked: slices.Contains(v.typed["sees"], string(ap.ID))})
	}
	return options
}

// streamOptions are the streams that were found, to choose one from.
func (v *cameraView) streamOptions() []ui.Option {
	var options []ui.Option
	for _, c := range v.nearby {
		for _, s := range c.Streams {
			options = append(options, ui.Option{Value: s.Address, Text: strings.TrimSpace(c.Name + " " + c.Hardware + " " + s.Name),
				Hint: strings.TrimSpace(s.Codec + " " + count(s.Width) + " × " + count(s.Height)), Checked: v.typed.Get("stream") == s.Address})
		}
	}
	return options
}

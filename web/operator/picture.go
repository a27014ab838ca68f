package operator

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// Pictures are personal data. The live one is shown while an alarm stands, photos as long as they are kept, both only
// where the household allows it; every look is recorded before anything is shown, and the page says so before.

// watching says whether the live picture was asked for, and may be shown.
func (v *visitView) watching() bool { return v.Watchable && v.toWatch() }

// toWatch says whether the page asks for the picture, there or not: what the page needs for it comes with it once, or each
// picture that is lost would have the page loaded anew.
func (v *visitView) toWatch() bool {
	return v.dispatches() && v.r.URL.Query().Get("watch") == "true"
}

func watchPath(id event.VisitID) string { return visitPath(id) + "?watch=true" }

func picturePath(id event.VisitID) string { return visitPath(id) + "/picture" }

// poster is what the camera shows, as the page says it.
func (v *visitView) poster(ctx context.Context) ui.Picture {
	shown := ui.Picture{Alt: words.T(ctx, "o2.picture"), Player: picturePath(v.ID)}
	switch pic := v.Picture; {
	case pic == nil:
		shown.Why = words.T(ctx, "camera.unknown")
	case pic.Fault == event.PictureProving:
		shown.Why = words.T(ctx, "camera.proving")
	case pic.Live:
		shown.Live, shown.Age, shown.Fresh = true, pictureAge(v.visitRow), pictureFresh(v.visitRow)
		shown.Newest = clockSeconds(ctx, pic.At, v.zone)
	case pic.At != 0:
		shown.Lost = clockSeconds(ctx, pic.At, v.zone)
	default:
		shown.Why = pic.Title
	}
	return shown
}

// offerPicture begins a look by WebRTC.
func (p *person) offerPicture() {
	body, err := io.ReadAll(p.r.Body)
	if err != nil {
		p.streamed(nil, &api.Problem{Status: http.StatusBadRequest, Code: "unreadable", Title: http.StatusText(http.StatusBadRequest)})
		return
	}
	p.streamed(read(p, p.API.WatchVisitAsOperator, &api.Offer{Visit: p.visitID(), RawBody: body}))
}

// leavePicture ends a look by WebRTC.
func (p *person) leavePicture() {
	p.streamed(read(p, p.API.EndLookAsOperator, &api.LookPath{Visit: p.visitID(), Look: p.r.PathValue("look")}))
}

// pictureFile serves a file of a look by HLS.
func (p *person) pictureFile() {
	q := p.r.URL.Query()
	p.streamed(read(p, p.API.WatchVisitByHLSAsOperator, &api.HLSFile{Visit: p.visitID(), File: p.r.PathValue("file"), Look: q.Get("look"),
		Msn: q.Get("_HLS_msn"), Part: q.Get("_HLS_part"), Skip: q.Get("_HLS_skip")}))
}

// streamed answers the player: with what the camera shows, or with why not, as it reads it.
func (p *person) streamed(out *huma.StreamResponse, problem *api.Problem) {
	if problem == nil {
		api.Stream(p.w, p.r, out)
		return
	}
	p.w.Header().Set("Content-Type", "application/problem+json")
	p.w.WriteHeader(problem.Status)
	_ = json.NewEncoder(p.w).Encode(problem) //nolint:errchkjson // who went away needs no answer
}

// photo is where parcels were put down, as a courier's picture shows it.
type photo struct {
	*person
	back, backText string
	// src is the picture itself: looked at once, it is fetched once.
	src string
}

// depositPhoto is the photo of a visit's deposit.
func (p *person) depositPhoto() {
	out, problem := read(p, p.API.GetDepositPhotoAsOperator, &api.VisitPath{Visit: p.visitID()})
	p.showPhoto(string(p.visitID()), visitPath(p.visitID()), out, problem)
}

// planBPhoto is the photo of where plan B left a delivery.
func (p *person) planBPhoto() {
	out, problem := read(p, p.API.GetPlanBPhotoAsOperator, &api.DeliveryPath{Delivery: p.deliveryID()})
	p.showPhoto(string(p.deliveryID()), deliveryPath(p.deliveryID()), out, problem)
}

func (p *person) showPhoto(of, back string, out *api.FileOutput, problem *api.Problem) {
	switch {
	case problem != nil && problem.Status == http.StatusNotFound:
		p.fail("photo", problem.Status)
		return
	case problem != nil && problem.Code == "forbidden":
		p.fail("household", problem.Status)
		return
	case problem != nil:
		p.refuse(problem)
		return
	}
	src := "data:" + out.Type + ";base64," + base64.StdEncoding.EncodeToString(out.Body)
	p.show(ui.Page{Title: p.say("photo"), Place: of, Step: "photo", Main: photoPage(&photo{p, back, of, src})})
}

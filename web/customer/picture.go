package customer

import (
	"context"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// filming is what a visit's camera shows now, and what the journal tells of it.
type filming struct {
	*household
	visit *api.Visit
	told  *story
}

// shows says what is to be said of the picture: that it is live, that it is proven, or that it is no longer live.
type shows int

const (
	pictureConnects shows = iota
	pictureLive
	pictureLost
	pictureNone
)

func (f filming) shows() shows {
	switch pic := f.visit.Picture; {
	case pic == nil || pic.Fault == event.PictureProving:
		return pictureConnects
	case pic.Live:
		return pictureLive
	case pic.At != 0:
		return pictureLost
	}
	return pictureNone
}

// poster is what the camera shows, as the page says it.
func (f filming) poster(ctx context.Context) ui.Picture {
	shown := ui.Picture{Alt: words.T(ctx, "u2.picture"), Player: livePath(f.visit.ID)}
	switch f.shows() {
	case pictureConnects:
		shown.Why = words.T(ctx, "u2.picture.connects")
	case pictureLive:
		shown.Live, shown.Age = true, f.ago(f.visit.Picture.At)
		shown.Fresh, shown.Newest = shown.Age+f.visit.Picture.FreshFor.Duration(), f.clockSeconds(ctx, f.visit.Picture.At)
	case pictureLost:
		shown.Lost = f.clockSeconds(ctx, f.visit.Picture.At)
	default:
		shown.Why = f.visit.Picture.Title
	}
	return shown
}

// line is the camera beside bolt and contact: what it shows, and whether that is kept.
func (f filming) line(ctx context.Context) ui.Part {
	p := ui.Part{Icon: "camera", Name: words.T(ctx, "u2.camera"), State: ui.Unknown}
	if !f.visit.Filmed {
		p.State, p.Word = ui.Neutral, words.T(ctx, "u2.camera.none")
		return p
	}
	switch f.shows() {
	case pictureConnects:
		p.State, p.Word = ui.Underway, words.T(ctx, "u2.camera.connects")
	case pictureLive:
		p.State, p.Word, p.Heard, p.Age = ui.Underway, words.T(ctx, "u2.camera.live"), true, f.ago(f.visit.Picture.At)
		p.Fresh, p.Source = p.Age+f.visit.Picture.FreshFor.Duration(), f.kept(ctx)
		p.Gone = words.T(ctx, "u2.camera.lost", "time", f.clockSeconds(ctx, f.visit.Picture.At))
	case pictureLost:
		p.Wide, p.Gone = true, words.T(ctx, "u2.camera.lost", "time", f.clockSeconds(ctx, f.visit.Picture.At))
	default:
		p.Wide, p.Gone = true, words.T(ctx, "u2.camera.silent")
	}
	return p
}

// kept says whether what is filmed now is kept: from the first order to open on.
func (f filming) kept(ctx context.Context) string {
	if f.told.clip != "" {
		return words.T(ctx, "u2.camera.kept")
	}
	return words.T(ctx, "u2.camera.unkept")
}

// trouble says why there is no picture, and since when the journal knows it; "" while there is one.
func (f filming) trouble(ctx context.Context) string {
	pic := f.visit.Picture
	if pic == nil || pic.Title == "" || f.shows() == pictureConnects {
		return ""
	}
	said := pic.Title + ". " + pic.Text
	if f.told.lost != 0 {
		said += " " + words.T(ctx, "u2.picture.since", "time", f.clockSeconds(ctx, f.told.lost))
	}
	return said
}

func livePath(id event.VisitID) string { return "/v1/home/visits/" + string(id) + "/live" }

// liveSources are where the page's script finds the picture: by WebRTC, or else by HLS.
func liveSources(id event.VisitID) templ.Attributes {
	return templ.Attributes{"data-whep": livePath(id) + "/whep", "data-hls": livePath(id) + "/hls/index.m3u8"}
}

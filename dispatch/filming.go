package dispatch

import (
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Pictures says what is known of a camera's picture at this moment, from memory. Safe for concurrent use.
type Pictures interface {
	Picture(id event.CameraID) event.Picture
}

// Kinds of work that a camera crew does. Each may be asked for again, and is then done once.
const (
	// WorkFilm has the filming of a visit brought to where the visit stands: begun, kept, ended. Its data is a Filming.
	WorkFilm = "film"
	// WorkErase erases everything that belongs to a clip. Its data is a Filming.
	WorkErase = "erase-clip"
)

// Filming names what a camera crew is to look at.
type Filming struct {
	Visit event.VisitID `json:"visit"`
	Clip  event.ClipID  `json:"clip"`
}

// filmingOf derives the work of a camera crew from an event; "" for none.
func filmingOf(before site.State, e event.Event) (kind string, f Filming) {
	switch b := e.Body.(type) {
	case event.FilmingAsked:
		return WorkFilm, Filming{Visit: b.Visit, Clip: b.Clip}
	case event.RecordingAsked:
		return WorkFilm, Filming{Visit: b.Visit, Clip: b.Clip}
	case event.FilmingEnded:
		return WorkFilm, Filming{Visit: b.Visit, Clip: b.Clip}
	case event.ClipErasureAsked:
		c, _ := before.Clip(b.Clip)
		return WorkErase, Filming{Visit: c.Visit, Clip: b.Clip}
	}
	return "", Filming{}
}

// seen gathers what the cameras of a site show.
func (d *Dispatcher) seen(s site.State) []event.Picture {
	all := make([]event.Picture, 0, len(s.Cameras))
	for _, c := range s.Cameras {
		all = append(all, d.pictures.Picture(c.ID))
	}
	return all
}

// unfilmed are the pictures where no camera is ever watched.
type unfilmed struct{}

// Picture says that nobody watches the camera.
func (unfilmed) Picture(id event.CameraID) event.Picture {
	return event.Picture{Camera: id, Fault: event.PictureUnserved}
}

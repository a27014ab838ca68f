package site_test

import (
	"strings"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Sentences about cameras and what they filmed: "member marie …", "eye shows live", "system keeps …".
var cameraSentences = []sentence{
	says(`adds camera (\w+) on (.+)`, func(s *stage, w []string) site.Request {
		var sees []event.AccessPointID
		for _, ap := range split(w[2]) {
			sees = append(sees, id[event.AccessPointID](s, ap))
		}
		s.call(w[1])
		return site.AddCamera{Sees: sees}
	}),
	says(`has camera (\w+) checked, it shows (\S+)`, func(s *stage, w []string) site.Request {
		return site.ProveCamera{Camera: id[event.CameraID](s, w[1]), Seen: s.shown(w[1], w[2])}
	}),
	says(`retires camera (\w+)`, func(s *stage, w []string) site.Request {
		return site.RetireCamera{Camera: id[event.CameraID](s, w[1])}
	}),
	says(`shows (\S+)`, func(s *stage, w []string) site.Request {
		return site.SeePicture{Seen: s.shown(w[0], w[1])}
	}),
	says(`keeps (\d+) files? of (\w+)`, func(s *stage, w []string) site.Request {
		return site.FinishClip{Clip: id[event.ClipID](s, w[2]), Files: make([]event.ClipFile, number(s, w[1]))}
	}),
	says(`has erased (\w+)`, func(s *stage, w []string) site.Request {
		return site.ConfirmErasure{Clip: id[event.ClipID](s, w[1])}
	}),
	says(`erases (\w+)`, func(s *stage, w []string) site.Request {
		return site.EraseClip{Clip: id[event.ClipID](s, w[1])}
	}),
	says(`watches (\w+) live`, func(s *stage, w []string) site.Request {
		return site.WatchPicture{Visit: s.visit(w[1])}
	}),
	says(`watches (\w+)`, func(s *stage, w []string) site.Request {
		return site.WatchPicture{Clip: id[event.ClipID](s, w[1])}
	}),
}

// shown is a picture of a camera: "live", or why it does not count. One that is live was seen to move for a while.
func (s *stage) shown(camera, how string) event.Picture {
	p := event.Picture{Camera: id[event.CameraID](s, camera), At: s.now, Since: s.now.Add(-6 * event.Second), Keys: 4}
	switch how {
	case "live":
	case "old":
		p.At = s.now.Add(-3 * event.Second)
	case "new":
		p.Keys = 2
	default:
		p.Fault = event.PictureFault(how)
	}
	return p
}

// showing is a remark on what a camera shows at this moment: "eye live".
func (s *stage) showing(c *site.Command, camera, how string) bool {
	if !strings.Contains(s.ids[camera], "-c") {
		return false
	}
	c.Facts.Pictures = append(c.Facts.Pictures, s.shown(camera, how))
	return true
}

func (s *stage) filming(b event.Body) string {
	switch b := b.(type) {
	case event.CameraAdded:
		return sprintf("camera %s waits to be proven", s.name(b.Camera))
	case event.CameraProven:
		return sprintf("camera %s is good enough for visits", s.name(b.Camera))
	case event.CameraRetired:
		return sprintf("camera %s films no more", s.name(b.Camera))
	case event.FilmingAsked:
		return sprintf("%s is to film the visit, in memory", s.name(b.Camera))
	case event.RecordingAsked:
		return sprintf("from now on what %s films is kept", s.name(b.Camera))
	case event.PictureLost:
		return sprintf("THE PICTURE IS LOST: %s", b.Seen.Fault)
	case event.PictureBack:
		return "the picture is back"
	case event.FilmingEnded:
		return sprintf("%s is left alone%s", s.name(b.Camera), after("; what it filmed is kept until ", dayOf(b.EraseAt)))
	case event.ClipFinished:
		return sprintf("%d file(s) of the visit are kept", len(b.Files))
	case event.ClipErasureAsked:
		return sprintf("what was filmed is to be erased: %s", b.Why)
	case event.ClipErased:
		return "nothing of what was filmed is left"
	case event.PictureWatched:
		return sprintf("%s watches%s", b.By.Kind, when(b.Clip != "", " what was kept"))
	}
	return ""
}

func dayOf(i event.Instant) string {
	if i == 0 {
		return ""
	}
	return i.Time().Format("2006-01-02 15:04:05")
}

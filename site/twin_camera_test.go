package site_test

import (
	"github.com/loquet/loquet/event"
)

// Law 6 as the twin sees it: no picture, no opening; and what was filmed is kept for a visit that took place, and for
// no longer than it may be.

func (p past) noPicture(e event.Event, b event.OpeningIntended) string {
	if !p.rules().Camera {
		return ""
	}
	asked, _, filmed := lastOf(p, func(f event.FilmingAsked) bool { return f.Visit == b.Permit.Visit })
	_, _, proven := lastOf(p, func(c event.CameraProven) bool { return c.Camera == b.Picture.Camera })
	seen := b.Picture
	switch {
	case !filmed || asked.Camera != seen.Camera || !proven:
		return "the household wants a picture, and no proven camera films the visit"
	case seen.Fault != "" || seen.Keys < 3 || e.At.Since(seen.At) > 2*event.Second || e.At < seen.At:
		return "the household wants a live picture"
	}
	return ""
}

func (p past) wrongClip(e event.Event) string {
	switch b := e.Body.(type) {
	case event.RecordingAsked:
		return p.keptTooSoon(b)
	case event.FilmingEnded:
		if !p.ended(b.Visit) {
			return "a visit goes on that nobody films any more"
		}
	case event.ClipErasureAsked:
		return p.erasedTooSoon(e, b)
	case event.ClipErased:
		if _, _, asked := lastOf(p, func(a event.ClipErasureAsked) bool { return a.Clip == b.Clip }); !asked {
			return "nobody asked to erase that"
		}
	}
	return ""
}

// keptTooSoon: what is filmed stays in memory until something is opened.
func (p past) keptTooSoon(b event.RecordingAsked) string {
	for _, e := range p {
		switch o := e.Body.(type) {
		case event.OpeningIntended:
			if o.Permit.Visit == b.Visit && o.Permit.Type == event.PermitRemote {
				return ""
			}
		case event.CodeShown:
			if o.Visit == b.Visit {
				return ""
			}
		}
	}
	return "a visit that opened nothing is kept"
}

func (p past) erasedTooSoon(e event.Event, b event.ClipErasureAsked) string {
	ended, _, known := lastOf(p, func(f event.FilmingEnded) bool { return f.Clip == b.Clip })
	switch {
	case !known:
		return "a clip is erased whose visit goes on"
	case b.Why == event.EraseInTime && e.At < ended.EraseAt:
		return "a clip is erased before its time"
	}
	return ""
}

// outlived names a clip whose time is over and that nobody asked to erase.
func (p past) outlived(now event.Instant) string {
	for _, e := range p {
		f, ok := e.Body.(event.FilmingEnded)
		if !ok || !f.Kept || now < f.EraseAt {
			continue
		}
		if _, _, asked := lastOf(p, func(a event.ClipErasureAsked) bool { return a.Clip == f.Clip }); !asked {
			return "what was filmed in " + string(f.Visit) + " outlives its time"
		}
	}
	return ""
}

// blind names a visit that stands open without its picture, and no alarm.
func (p past) blind() string {
	for i, e := range p {
		l, ok := e.Body.(event.PictureLost)
		if !ok || p.ended(l.Visit) || p.takenOver(l.Visit) || p.seenAgain(i, l.Visit) {
			continue
		}
		for j, x := range p {
			o, opens := x.Body.(event.OpeningIntended)
			if !opens || o.Permit.Visit != l.Visit || p.superseded(j, o.Permit) {
				continue
			}
			_, spent := p.openSince(x.At, o.Permit)
			if spent && p.stillOpen(0, j, o.Permit) != "" && !p.waitsForTimeOnly(j, o.Permit) && !p.alarmed(l.Visit) {
				return "no alarm for the lost picture of " + string(l.Visit)
			}
		}
	}
	return ""
}

func (p past) seenAgain(after int, v event.VisitID) bool {
	for _, e := range p[after:] {
		if b, ok := e.Body.(event.PictureBack); ok && b.Visit == v {
			return true
		}
	}
	return false
}

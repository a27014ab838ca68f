package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Bounds of a picture that counts, which stand here independently of the decisions.
const (
	// mostPictureAge is how long before a decision the newest picture may have been received.
	mostPictureAge = 2 * event.Second
	// leastKeys is how many different key pictures show that it moves with time.
	leastKeys = 3
)

// law6 asks of each opening at a site that wants a camera whether its picture counted, of each visit that a camera
// films whether it was recorded from the first opening to the end and no longer, and of each picture that was lost
// whether it was an alarm. Without a camera there is nothing to look at.
func law6(x *exam) {
	x.cameras()
	for _, o := range every[event.OpeningIntended](x.history) {
		if rules, _ := x.rules(o.pos); rules.Camera {
			p := o.body.Permit
			x.judge(o.pos, x.whyInView(o).about("%s to open %s", p.ID, p.Barrier))
		}
	}
	for _, s := range every[event.CodeShown](x.history) {
		if rules, _ := x.rules(s.pos); rules.Camera {
			x.judge(s.pos, x.stillInView(s).about("the code of %s was shown", s.body.Permit))
		}
	}
	x.films()
	for _, c := range every[event.ClipFinished](x.history) {
		x.judge(c.pos, x.whyFinished(c).about("%s was finished", c.body.Clip))
	}
}

// cameras: they come, are found good enough and go by a member's word only.
func (x *exam) cameras() {
	byMember := func(pos int, c event.CameraID, by event.Actor, what string) {
		var f faults
		f.need(x.byMember(by, pos), "%s by no member of the site", what)
		if proven, is := x.events[pos].Body.(event.CameraProven); is {
			f.need(has[event.CameraAdded](x.history, c, -1, pos), "it had not been added")
			f.need(proven.Seen.Camera == c, "by a picture of %q", proven.Seen.Camera)
			live(&f, proven.Seen)
		}
		x.judge(pos, f.about("the camera %s", c))
	}
	for _, e := range every[event.CameraAdded](x.history) {
		byMember(e.pos, e.body.Camera, e.body.By, "was added")
	}
	for _, e := range every[event.CameraProven](x.history) {
		byMember(e.pos, e.body.Camera, e.body.By, "was proven")
	}
	for _, e := range every[event.CameraRetired](x.history) {
		byMember(e.pos, e.body.Camera, e.body.By, "was retired")
	}
}

// whyInView: by a picture that counts, of the camera that films the visit and has not lost it.
func (x *exam) whyInView(o intent) (f faults) {
	seen, visit := o.body.Picture, o.body.Permit.Visit
	v, begun := last[event.VisitBegun](x.history, visit, o.pos)
	if !begun {
		return nil // law 1 tells
	}
	if seen.Camera == "" {
		f.need(false, "without a picture")
		return f
	}
	x.sees(&f, seen.Camera, v.body.AccessPoint, o.pos)
	asked, ok := last[event.FilmingAsked](x.history, visit, o.pos)
	f.need(ok && asked.body.Camera == seen.Camera, "%s had not been asked to film the visit", seen.Camera)
	live(&f, seen)
	x.fresh(&f, seen, o.at)
	f.need(!x.lost(visit, o.pos), "while the picture was lost")
	return f
}

// stillInView: the showing of a code carries no picture of its own.
func (x *exam) stillInView(s entry[event.CodeShown]) (f faults) {
	f.need(has[event.FilmingAsked](x.history, s.body.Visit, -1, s.pos), "no camera had been asked to film the visit")
	f.need(!x.lost(s.body.Visit, s.pos), "while the picture was lost")
	return f
}

// sees: a camera of the site, proven and not retired, that films the access point.
func (x *exam) sees(f *faults, c event.CameraID, a event.AccessPointID, pos int) {
	added, ok := last[event.CameraAdded](x.history, c, pos)
	if !ok {
		f.need(false, "the site has no camera %s", c)
		return
	}
	f.need(slices.Contains(added.body.Sees, a), "%s does not see %s", c, a)
	f.need(has[event.CameraProven](x.history, c, added.pos, pos), "%s had not been proven", c)
	f.need(!has[event.CameraRetired](x.history, c, added.pos, pos), "%s was retired", c)
}

// live: without fault, and different every time.
func live(f *faults, p event.Picture) {
	f.need(p.Fault == "", "its picture did not count: %q", p.Fault)
	f.need(p.Keys >= leastKeys, "by %d key pictures, and %d are needed", p.Keys, leastKeys)
}

// fresh: received just before the decision, by clocks that may be apart.
func (x *exam) fresh(f *faults, p event.Picture, at event.Instant) {
	age, skew := at.Since(p.At), x.options.Skew
	f.need(age >= -skew && age <= mostPictureAge+skew, "the newest picture was received at %s, and it is decided at %s", p.At, at)
}

// lost says whether the picture of a visit was lost, and not back.
func (h *history) lost(v event.VisitID, before int) bool {
	lost, ok := last[event.PictureLost](h, v, before)
	return ok && !has[event.PictureBack](h, v, lost.pos, before)
}

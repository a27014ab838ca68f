package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Camera films access points of the site.
type Camera struct {
	ID   event.CameraID        `json:"id"`
	Sees []event.AccessPointID `json:"sees"`
	// Proven: a member had it checked, and it was good enough.
	Proven bool `json:"proven,omitempty"`
}

// Clip is what was kept of a visit's pictures, until nothing of it is left.
type Clip struct {
	ID    event.ClipID  `json:"id"`
	Visit event.VisitID `json:"visit"`
	// EraseAt is when its time is over; 0 while the visit goes on.
	EraseAt  event.Instant    `json:"eraseAt,omitempty"`
	Finished bool             `json:"finished,omitempty"`
	Files    []event.ClipFile `json:"files,omitempty"`
	Erasing  bool             `json:"erasing,omitempty"`
}

func (c Camera) key() event.CameraID { return c.ID }
func (c Clip) key() event.ClipID     { return c.ID }

// PictureCounts is how long a picture counts as live if nothing newer comes.
const PictureCounts = 2 * event.Second

// How good a picture must be to open: this fresh, and so many key pictures that differ.
const (
	mostPictureAge = PictureCounts
	leastKeys      = 3
	// provingTakes is after how long a courier may try again whose camera is still being proven.
	provingTakes = 5 * event.Second
)

// How long clips are kept when the site chose nothing, and what it may choose.
const (
	defaultKeepClips              = 7 * event.Day
	leastKeepClips, mostKeepClips = event.Hour, 30 * event.Day
)

const (
	mostCameras = 16
	mostSeen    = 16
)

// AddCamera names a camera and the access points that it films. It counts once it has been proven.
type AddCamera struct{ Sees []event.AccessPointID }

func (r AddCamera) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if len(t.Cameras) >= mostCameras {
		return notNow("the site has 16 cameras already")
	}
	if len(r.Sees) == 0 || len(r.Sees) > mostSeen {
		return Invalid{"sees", "from 1 to 16 access points"}
	}
	for _, ap := range r.Sees {
		if _, ok := find(t.AccessPoints, ap); !ok {
			return Invalid{"sees", "no such access point at this site"}
		}
		if _, filmed := t.cameraOn(ap, false); filmed {
			return notNow("another camera films that access point; retire it first")
		}
	}
	t.say(event.CameraAdded{Camera: newID[event.CameraID](t, 'c'), Sees: r.Sees, By: t.facts.Actor})
	return nil
}

// ProveCamera completes a camera's enrolment: a member had it checked, and the check has just seen a picture that
// counts.
type ProveCamera struct {
	Camera event.CameraID
	Seen   event.Picture
}

func (r ProveCamera) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if _, ok := find(t.Cameras, r.Camera); !ok {
		return unknown("camera", string(r.Camera))
	}
	if r.Seen.Camera != r.Camera || t.fault(r.Seen) != "" {
		return notNow("the camera's picture is not proven live")
	}
	t.say(event.CameraProven{Camera: r.Camera, Seen: r.Seen, By: t.facts.Actor})
	return nil
}

// RetireCamera takes a camera out of use.
type RetireCamera struct{ Camera event.CameraID }

func (r RetireCamera) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if _, ok := find(t.Cameras, r.Camera); !ok {
		return unknown("camera", string(r.Camera))
	}
	for _, v := range t.Visits {
		if v.Camera == r.Camera {
			return notNow("it films a visit")
		}
	}
	t.say(event.CameraRetired{Camera: r.Camera, By: t.facts.Actor})
	return nil
}

// cameraOn finds the camera that films an access point.
func (s State) cameraOn(ap event.AccessPointID, proven bool) (Camera, bool) {
	for _, c := range s.Cameras {
		if (c.Proven || !proven) && slices.Contains(c.Sees, ap) {
			return c, true
		}
	}
	return Camera{}, false
}

// film asks the access point's camera, if there is one, to film a visit that it does not film yet.
func (t *turn) film(id event.VisitID) {
	v, _ := find(t.Visits, id)
	if c, ok := t.cameraOn(v.AccessPoint, true); ok && v.Camera == "" {
		t.say(event.FilmingAsked{Visit: id, Camera: c.ID, Clip: newID[event.ClipID](t, 'f')})
	}
}

// picture is what stands in the facts of a camera.
func (t *turn) picture(id event.CameraID) event.Picture {
	for _, p := range t.facts.Pictures {
		if p.Camera == id {
			return p
		}
	}
	return event.Picture{Camera: id, Fault: event.PictureUnserved}
}

// fault says why a picture does not count now; "" when it does.
func (t *turn) fault(p event.Picture) event.PictureFault {
	switch {
	case p.Fault != "":
		return p.Fault
	case p.At > t.at || t.at.Since(p.At) > mostPictureAge:
		return event.PictureStale
	case p.Keys < leastKeys:
		return event.PictureProving
	}
	return ""
}

// gatePicture: no picture, no opening, where the site asks for a camera. One that was lost must have been seen to be back.
func (t *turn) gatePicture(v Visit) event.Refused {
	if !t.Rules.Camera {
		return event.Refused{}
	}
	if v.Camera == "" || v.Unseen != "" {
		return event.Refused{Code: event.CameraNotLive}
	}
	switch t.fault(t.picture(v.Camera)) {
	case "":
		return event.Refused{}
	case event.PictureProving:
		return event.Refused{Code: event.CameraProving, RetryAt: t.at.Add(provingTakes)}
	case event.PictureFull:
		return event.Refused{Code: event.CameraNoRoom}
	default:
		return event.Refused{Code: event.CameraNotLive}
	}
}

// mustProve says that a rehearsal has to wait for its picture: its camera was asked to film a moment ago. It goes on with
// the tap that opens the first barrier.
func (t *turn) mustProve(v Visit) bool {
	return t.Rules.Camera && v.Camera != "" && t.fault(t.picture(v.Camera)) != ""
}

// pictureFor is what stands beside an intent: nothing where no camera films the visit.
func (t *turn) pictureFor(v Visit) event.Picture {
	if v.Camera == "" {
		return event.Picture{}
	}
	p := t.picture(v.Camera)
	p.Fault = t.fault(p)
	return p
}

// SeePicture is the media service's word on a camera's picture.
type SeePicture struct{ Seen event.Picture }

func (r SeePicture) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	seen := r.Seen
	seen.At, seen.Since = min(max(seen.At, 0), t.at), min(max(seen.Since, 0), t.at)
	seen.Fault = t.fault(seen)
	for _, v := range t.Visits {
		switch {
		case v.Camera != seen.Camera || !v.Watched:
		case seen.Fault != "" && v.Unseen == "":
			t.say(event.PictureLost{Visit: v.ID, Seen: seen})
		case seen.Fault == "" && v.Unseen != "":
			t.say(event.PictureBack{Visit: v.ID, Seen: seen})
		}
	}
	return nil
}

// unwatched says whether a picture that should be there is missing while something stands open.
func (v Visit) unwatched() bool {
	return v.Unseen != "" && v.TakenOver == "" &&
		slices.ContainsFunc(v.Steps, func(p Step) bool { return p.spent() && p.Secured == 0 })
}

// settleFilming has a visit's pictures kept from its first opening on: a code counts from its showing.
func (t *turn) settleFilming(v Visit) bool {
	if v.Camera == "" || v.Kept || !slices.ContainsFunc(v.Steps, Step.spent) {
		return false
	}
	t.say(event.RecordingAsked{Visit: v.ID, Camera: v.Camera, Clip: v.Clip})
	return true
}

// endFilming leaves the camera alone. A clip of a visit in which nothing was opened after all is erased at once.
func (t *turn) endFilming(v Visit) {
	if v.Camera == "" {
		return
	}
	e := event.FilmingEnded{Visit: v.ID, Camera: v.Camera, Clip: v.Clip, Kept: v.Kept}
	if v.Kept {
		e.EraseAt = t.at
		if v.intended() {
			e.EraseAt = t.at.Add(t.KeepClips())
		}
	}
	t.say(e)
}

// KeepClips is how long what is filmed is kept here.
func (s State) KeepClips() event.Millis {
	if s.Rules.KeepClips != 0 {
		return s.Rules.KeepClips
	}
	return defaultKeepClips
}

// FinishClip says which files were kept of a visit.
type FinishClip struct {
	Clip  event.ClipID
	Files []event.ClipFile
}

func (FinishClip) answeredForever() {}

func (r FinishClip) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	if c, ok := find(t.Clips, r.Clip); ok && c.EraseAt != 0 && !c.Finished && !c.Erasing {
		t.say(event.ClipFinished{Clip: r.Clip, Files: append([]event.ClipFile(nil), r.Files...)})
	}
	return nil
}

// EraseClip is a member's wish to have a clip erased before its time.
type EraseClip struct{ Clip event.ClipID }

func (r EraseClip) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	c, ok := find(t.Clips, r.Clip)
	switch {
	case !ok:
		return unknown("clip", string(r.Clip))
	case c.EraseAt == 0:
		return notNow("the visit is still being filmed; what was kept of it can be erased once it has ended")
	case !c.Erasing:
		t.say(event.ClipErasureAsked{Clip: c.ID, Why: event.EraseOnRequest, By: t.facts.Actor})
	}
	return nil
}

// ConfirmErasure says that nothing of a clip is left.
type ConfirmErasure struct{ Clip event.ClipID }

func (ConfirmErasure) answeredForever() {}

func (r ConfirmErasure) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	if c, ok := find(t.Clips, r.Clip); ok && c.Erasing {
		t.say(event.ClipErased{Clip: r.Clip})
	}
	return nil
}

// settleClips asks for what is past its time to be erased.
func (t *turn) settleClips() bool {
	for _, c := range t.Clips {
		if c.EraseAt != 0 && c.EraseAt <= t.at && !c.Erasing {
			t.say(event.ClipErasureAsked{Clip: c.ID, Why: event.EraseInTime, By: event.Actor{Kind: event.ActorSystem}})
			return true
		}
	}
	return false
}

func (c Clip) deadline(consider func(event.Instant)) {
	if !c.Erasing {
		consider(c.EraseAt)
	}
}

// WatchPicture asks to be shown what a camera sees in a visit, or what was kept of it: each look is recorded before it
// is granted. Members always may; the operator's staff only live, where the site allowed it and an alarm stands.
type WatchPicture struct {
	Visit event.VisitID
	Clip  event.ClipID
}

func (r WatchPicture) decide(t *turn) error {
	v, filmed := find(t.Visits, r.Visit)
	filmed = filmed && v.Camera != "" && r.Clip == ""
	if t.facts.Actor.Kind == event.ActorOperator {
		if !filmed || !WatchableByOperator(t.State, v) {
			return ErrForbidden
		}
	} else if _, err := t.member(); err != nil {
		return err
	}
	c, kept := find(t.Clips, r.Clip)
	if !filmed && (!kept || c.Erasing || c.EraseAt == 0 || r.Visit != "") {
		return unknown("picture", string(r.Visit)+string(r.Clip))
	}
	t.say(event.PictureWatched{Visit: r.Visit, Clip: r.Clip, By: t.facts.Actor})
	return nil
}

// WatchableByOperator says whether the operator's staff may look at a visit's live picture: where the site allows it, and
// while an alarm stands.
func WatchableByOperator(s State, v Visit) bool {
	return v.Camera != "" && s.Rules.OperatorWatches && v.Alarm.Level != 0
}

var cameraEvolvers = []evolver{
	on(func(s *State, _ event.Event, b event.CameraAdded) {
		s.Cameras = add(s.Cameras, Camera{ID: b.Camera, Sees: b.Sees})
	}),
	on(func(s *State, _ event.Event, b event.CameraProven) {
		edit(&s.Cameras, b.Camera, func(c *Camera) { c.Proven = true })
	}),
	on(func(s *State, _ event.Event, b event.CameraRetired) {
		s.Cameras = without(s.Cameras, is[event.CameraID, Camera](b.Camera))
	}),
	on(func(s *State, _ event.Event, b event.FilmingAsked) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Camera, v.Clip = b.Camera, b.Clip })
	}),
	on(func(s *State, _ event.Event, b event.RecordingAsked) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Kept = true })
		s.Clips = add(s.Clips, Clip{ID: b.Clip, Visit: b.Visit})
	}),
	on(func(s *State, _ event.Event, b event.PictureLost) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Unseen = b.Seen.Fault })
	}),
	on(func(s *State, _ event.Event, b event.PictureBack) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Unseen = "" })
	}),
	on(func(s *State, _ event.Event, b event.FilmingEnded) {
		edit(&s.Clips, b.Clip, func(c *Clip) { c.EraseAt = b.EraseAt })
	}),
	on(func(s *State, _ event.Event, b event.ClipFinished) {
		edit(&s.Clips, b.Clip, func(c *Clip) { c.Finished, c.Files = true, b.Files })
	}),
	on(func(s *State, _ event.Event, b event.ClipErasureAsked) {
		edit(&s.Clips, b.Clip, func(c *Clip) { c.Erasing = true })
	}),
	on(func(s *State, _ event.Event, b event.ClipErased) {
		s.Clips = without(s.Clips, is[event.ClipID, Clip](b.Clip))
	}),
}

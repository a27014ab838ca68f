package event

// PictureFault says why a camera's picture does not count; "" when it is live and what it films can be kept.
type PictureFault string

// Reasons why a picture does not count.
const (
	// PictureUnreached: the camera does not answer, or answers with no picture.
	PictureUnreached PictureFault = "no-stream"
	// PictureRefused: it does not take our password.
	PictureRefused PictureFault = "password"
	// PictureFormat: it sends nothing that can be judged, kept and shown.
	PictureFormat PictureFault = "format"
	// PictureProving: it sends, and not enough was seen yet.
	PictureProving PictureFault = "proving"
	// PictureStale: the last picture is more than a second old.
	PictureStale PictureFault = "stale"
	// PictureClock: its pictures do not pass as fast as time does.
	PictureClock PictureFault = "clock"
	// PictureFrozen: the same picture again and again.
	PictureFrozen PictureFault = "frozen"
	// PictureLoop: pictures that were seen before.
	PictureLoop PictureFault = "loop"
	// PictureFull: there is no room to keep what it films.
	PictureFull PictureFault = "no-room"
	// PictureUnwritten: what it films is not being kept.
	PictureUnwritten PictureFault = "not-written"
	// PictureUnserved: the media service itself does not answer.
	PictureUnserved PictureFault = "no-service"
)

// PictureFaults lists every reason why a picture does not count.
func PictureFaults() []PictureFault {
	return []PictureFault{PictureUnreached, PictureRefused, PictureFormat, PictureProving, PictureStale, PictureClock,
		PictureFrozen, PictureLoop, PictureFull, PictureUnwritten, PictureUnserved}
}

// Picture is what the media service knows of a camera's picture at one moment.
type Picture struct {
	Camera CameraID     `json:"camera"`
	Fault  PictureFault `json:"fault,omitempty"`
	// At is our receipt of the newest picture; Since, since when the picture has counted without a break.
	At    Instant `json:"at,omitempty"`
	Since Instant `json:"since,omitempty"`
	// Keys is how many key pictures, each different from all others, were seen since.
	Keys int `json:"keys,omitempty"`
}

// CameraAdded: a camera films these access points. Its address is a personal value.
type CameraAdded struct {
	Camera CameraID        `json:"camera"`
	Sees   []AccessPointID `json:"sees"`
	By     Actor           `json:"by"`
}

// Kind of event.
func (CameraAdded) Kind() Kind { return "camera.added" }

// CameraProven: a member had the camera checked, and it is good enough to film visits.
type CameraProven struct {
	Camera CameraID `json:"camera"`
	Seen   Picture  `json:"seen"`
	By     Actor    `json:"by"`
}

// Kind of event.
func (CameraProven) Kind() Kind { return "camera.proven" }

// CameraRetired: the camera films no visit any more.
type CameraRetired struct {
	Camera CameraID `json:"camera"`
	By     Actor    `json:"by"`
}

// Kind of event.
func (CameraRetired) Kind() Kind { return "camera.retired" }

// FilmingAsked: the camera is to film the visit, in memory until something is opened, and to be ready to keep it under
// this name. Asked again after a restart.
type FilmingAsked struct {
	Visit  VisitID  `json:"visit"`
	Camera CameraID `json:"camera"`
	Clip   ClipID   `json:"clip"`
}

// Kind of event.
func (FilmingAsked) Kind() Kind { return "filming.asked" }

// RecordingAsked: something is being opened; from now on, and from some seconds before, what the camera films is
// kept.
type RecordingAsked struct {
	Visit  VisitID  `json:"visit"`
	Camera CameraID `json:"camera"`
	Clip   ClipID   `json:"clip"`
}

// Kind of event.
func (RecordingAsked) Kind() Kind { return "recording.asked" }

// PictureLost: in a visit that has opened something, the picture no longer counts.
type PictureLost struct {
	Visit VisitID `json:"visit"`
	Seen  Picture `json:"seen"`
}

// Kind of event.
func (PictureLost) Kind() Kind { return "picture.lost" }

// PictureBack: it counts again.
type PictureBack struct {
	Visit VisitID `json:"visit"`
	Seen  Picture `json:"seen"`
}

// Kind of event.
func (PictureBack) Kind() Kind { return "picture.back" }

// FilmingEnded: the visit is over, and the camera is left alone. Nothing of what it showed is kept unless something
// was to be opened. EraseAt is when the time of a clip that was Kept is over.
type FilmingEnded struct {
	Visit   VisitID  `json:"visit"`
	Camera  CameraID `json:"camera"`
	Clip    ClipID   `json:"clip"`
	Kept    bool     `json:"kept,omitempty"`
	EraseAt Instant  `json:"eraseAt,omitempty"`
}

// Kind of event.
func (FilmingEnded) Kind() Kind { return "filming.ended" }

// ClipFile is one file of a clip. A clip has several when its camera's stream broke off or changed.
type ClipFile struct {
	// SHA256 of the whole file as it is shown and downloaded, hexadecimal.
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// From and To are when its first and last picture were received.
	From Instant `json:"from"`
	To   Instant `json:"to"`
	// Whole: it was closed in order, and not broken off by a crash.
	Whole bool `json:"whole,omitempty"`
}

// ClipFinished: what was kept of a visit; no file when nothing could be kept.
type ClipFinished struct {
	Clip  ClipID     `json:"clip"`
	Files []ClipFile `json:"files,omitempty"`
}

// Kind of event.
func (ClipFinished) Kind() Kind { return "clip.finished" }

// ErasureReason is why a clip is erased.
type ErasureReason string

// Reasons to erase a clip.
const (
	EraseInTime    ErasureReason = "time"
	EraseOnRequest ErasureReason = "request"
	EraseMovedOut  ErasureReason = "moved-out"
)

// ClipErasureAsked: everything that belongs to the clip is to be erased.
type ClipErasureAsked struct {
	Clip ClipID        `json:"clip"`
	Why  ErasureReason `json:"why"`
	By   Actor         `json:"by"`
}

// Kind of event.
func (ClipErasureAsked) Kind() Kind { return "clip.erasure-asked" }

// ClipErased: nothing of the clip is left.
type ClipErased struct {
	Clip ClipID `json:"clip"`
}

// Kind of event.
func (ClipErased) Kind() Kind { return "clip.erased" }

// PictureWatched: somebody is about to be shown what a camera sees in a visit, or what was kept of it.
type PictureWatched struct {
	Visit VisitID `json:"visit,omitempty"`
	Clip  ClipID  `json:"clip,omitempty"`
	By    Actor   `json:"by"`
}

// Kind of event.
func (PictureWatched) Kind() Kind { return "picture.watched" }

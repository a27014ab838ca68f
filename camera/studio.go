package camera

import (
	"context"
	"net/http"

	"github.com/loquet/loquet/event"
)

// Shot is a visit to be filmed.
type Shot struct {
	Camera event.CameraID
	Visit  event.VisitID
	// Address of the camera: rtsp://name:password@host:port/path. It is never logged.
	Address string
	// Clip is the name under which what is filmed is kept, with Key (32 bytes) to seal it; both empty while it is
	// to stay in memory.
	Clip event.ClipID
	Key  []byte
}

// Studio films visits: it pulls cameras, says whether their pictures count, keeps what is to be kept, and shows it.
// All methods are safe for concurrent use.
type Studio interface {
	// Film has a visit filmed, from now until Cut. Asked again with a clip it keeps what it films, from some
	// seconds before on; asked again with nothing new it changes nothing.
	Film(ctx context.Context, s Shot) error
	// Cut ends the filming of a visit and returns the files that were kept under the clip, in order. Of a visit
	// without a clip nothing is left. Asked again it answers the same.
	Cut(ctx context.Context, v event.VisitID, c event.ClipID) ([]event.ClipFile, error)
	// Erase removes everything that belongs to a clip, and returns nil only when nothing is left of it.
	Erase(ctx context.Context, c event.ClipID) error
	// Picture is what is known of a camera at this moment, from memory.
	Picture(c event.CameraID) event.Picture
	// Watch reports the pictures of all cameras that are filmed, a few times a second, until the context ends.
	Watch(ctx context.Context, sink func(event.Picture)) error
	// Check looks at a camera for as long as a proof takes.
	Check(ctx context.Context, address string) (Report, error)

	// ServeLive answers a request below a visit's live view: a WHEP offer, or HLS. Rest is the path below it.
	ServeLive(w http.ResponseWriter, r *http.Request, v event.VisitID, rest string)
	// ServeFile answers a request for one file of a clip, whole or in ranges; ServePoster for its picture.
	ServeFile(w http.ResponseWriter, r *http.Request, c event.ClipID, file int, key []byte)
	ServePoster(w http.ResponseWriter, r *http.Request, c event.ClipID, key []byte)
}

// Report is what a check found.
type Report struct {
	// Picture is the verdict at the end.
	Picture event.Picture `json:"picture"`
	// Codec, Width, Height, Rate (pictures a second) and KeyEvery (seconds between key pictures) of the stream;
	// zero where it was not seen.
	Codec    Codec   `json:"codec,omitempty"`
	Width    int     `json:"width,omitempty"`
	Height   int     `json:"height,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
	KeyEvery float64 `json:"keyEvery,omitempty"`
	// Live says whether browsers can show it by WebRTC; else they use HLS.
	WebRTC bool `json:"webrtc"`
}

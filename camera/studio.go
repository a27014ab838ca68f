package camera

import (
	"context"
	"net/http"

	"github.com/loquet/loquet/event"
)

// Shot is a visit to be filmed.
type Shot struct {
	Camera event.CameraID `json:"camera"`
	Visit  event.VisitID  `json:"visit"`
	// Address of the camera: rtsp://name:password@host:port/path. It is never logged.
	Address string `json:"address"`
	// Clip is the name under which what is filmed is kept once it is to be, and Key (32 bytes) seals it.
	Clip event.ClipID `json:"clip"`
	Key  []byte       `json:"key"`
	// EraseAt is when nothing of the clip may be left, should nobody ever ask for its erasure.
	EraseAt event.Instant `json:"eraseAt"`
	// Keep: something is being opened. From some seconds before this was first said, what is filmed is kept.
	Keep bool `json:"keep,omitempty"`
}

// Studio films visits: it pulls cameras, says whether their pictures count, keeps what is to be kept, and shows it.
// All methods are safe for concurrent use.
type Studio interface {
	// Film has a visit filmed, from now until Cut, in memory and ready to keep it. Asked again it changes nothing but
	// Keep, which is never taken back.
	Film(ctx context.Context, s Shot) error
	// Cut ends the filming of a visit and returns the files that were kept under its clip, in order; what broke off
	// is ended in order with the key. Of a visit that was not to be kept nothing is left. Asked again it answers the
	// same.
	Cut(ctx context.Context, v event.VisitID, c event.ClipID, key []byte) ([]event.ClipFile, error)
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

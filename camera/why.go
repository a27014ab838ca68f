package camera

import "fmt"

// Why is a picture not live, or not there at all? The words for people are in their languages' catalogues.
type Why string

// Reasons that a Judge finds in the picture.
const (
	// Live is no reason: the picture is proven live.
	Live Why = ""
	// NoStream: nothing was received yet.
	NoStream Why = "no-stream"
	// Stale: the last picture is older than MaxAge.
	Stale Why = "stale"
	// Clock: the stream's own time does not go with ours, so that what is shown is late, slow or replayed fast.
	Clock Why = "clock"
	// Loop: a key picture came again, bit by bit. No sensor does that.
	Loop Why = "loop"
	// Frozen: key pictures come again, and nothing happens between them.
	Frozen Why = "frozen"
	// Still: nothing happens between key pictures, and too few of them were seen to know that they differ.
	Still Why = "still"
	// TooFew: fewer key pictures were seen than a proof needs.
	TooFew Why = "too-few"
)

// Reasons why a Source has no stream.
const (
	// NoHost: nobody knows the camera's name.
	NoHost Why = "no-host"
	// NoAnswer: nobody answers at the camera's address, or no longer.
	NoAnswer Why = "no-answer"
	// WrongPassword: the camera wants a user and a password, and not these.
	WrongPassword Why = "wrong-password"
	// NotFound: the camera has no stream of that name.
	NotFound Why = "not-found"
	// NoVideo: the stream has no picture.
	NoVideo Why = "no-video"
	// WrongFormat: the picture is encoded in a way that is not understood.
	WrongFormat Why = "format"
	// Broken: what the camera sends breaks the protocol, or the limits that protect us.
	Broken Why = "broken"
)

// Fault is how a Source fails. Its text is for operators' logs: it never holds a user name or a password.
type Fault struct {
	Why Why
	Err error
}

func (f *Fault) Error() string {
	if f.Err == nil {
		return string(f.Why)
	}
	return fmt.Sprintf("%s: %v", f.Why, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// lasting says that trying again at once is useless, and may get us locked out.
func (w Why) lasting() bool {
	switch w {
	case WrongPassword, NotFound, NoVideo, WrongFormat:
		return true
	default:
		return false
	}
}

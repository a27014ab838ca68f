package live

import (
	"encoding/json"
	"net/http"
)

// Error is why there is no picture, as a page sees it (RFC 9457, application/problem+json).
type Error struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Code is a stable word for programs.
	Code string `json:"code"`
	// Detail says what happened and what to do now.
	Detail string `json:"detail"`

	retry string // seconds, for Retry-After
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

func problem(status int, code, detail string) *Error {
	return &Error{Type: "urn:loquet:problem:" + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

func (e *Error) retryAfter(seconds string) *Error {
	e.retry = seconds
	return e
}

// What a viewer can be told. Each is an *Error, to be compared with errors.Is.
var (
	// ErrUseHLS says that WebRTC can't carry this camera's picture.
	ErrUseHLS = problem(http.StatusUnprocessableEntity, "use-hls",
		"This camera's picture can't be sent by WebRTC: browsers take H.264 without B-frames only. Play it by HLS.")
	// ErrNoPicture says that the camera sends nothing now.
	ErrNoPicture = problem(http.StatusServiceUnavailable, "no-picture",
		"The camera sends no picture at the moment. Try again in a few seconds.").retryAfter("2")
	// ErrTooMany says that a limit is reached.
	ErrTooMany = problem(http.StatusServiceUnavailable, "too-many-viewers",
		"Too many people are looking at the moment. Close another view of this camera, or try again in a few seconds.").retryAfter("5")
	// ErrOffer says that what the browser offered can't be answered.
	ErrOffer = problem(http.StatusBadRequest, "offer",
		"The offer is not one that this server can answer: it takes one SDP offer to receive H.264 video over DTLS-SRTP.")
	// ErrNoCodec says that the browser does not take H.264.
	ErrNoCodec = problem(http.StatusUnprocessableEntity, "use-hls",
		"This browser does not take H.264 by WebRTC. Play the picture by HLS.")
	// ErrEnded says that a look is over, or never was.
	ErrEnded = problem(http.StatusGone, "look-ended", "This view has ended. Open it again if you still want to look.")

	errMethod   = problem(http.StatusMethodNotAllowed, "method", "This address does not take that method.")
	errType     = problem(http.StatusUnsupportedMediaType, "media-type", "Send the offer as application/sdp.")
	errSize     = problem(http.StatusRequestEntityTooLarge, "too-large", "The offer is too long.")
	errBusy     = problem(http.StatusTooManyRequests, "too-many-requests", "This view has too many requests under way.").retryAfter("1")
	errNoFile   = problem(http.StatusNotFound, "not-found", "There is no such file.")
	errInternal = problem(http.StatusInternalServerError, "internal", "The view could not be opened. Try again, or play it by HLS.")
)

func (e *Error) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if e.retry != "" {
		w.Header().Set("Retry-After", e.retry)
	}
	body, err := json.Marshal(e)
	if err != nil {
		panic(err) // it is made of strings and a number
	}
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // if the client went away nobody is left to be told
}

func refuseMethod(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	errMethod.write(w)
}

package site

import (
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
)

// Command is one request with the facts that stood when the server received it.
type Command struct {
	Facts Facts
	Do    Request
}

// Facts are gathered outside the core, before the decision.
type Facts struct {
	// At is the server's time of receipt.
	At event.Instant
	// Actor has been authenticated: a member by a session, a courier by the device key in Signed.
	Actor event.Actor
	// Signed is the proof of a courier's request; the zero value for everybody else.
	Signed event.Signed
	// Place is where the courier's phone says it is; nil without a position.
	Place *event.Place
	// Pictures is what the media service knows of the cameras.
	Pictures []event.Picture
	// Ready is what the connectors know of the barriers' devices.
	Ready []event.Readiness
}

// Request is what somebody asks of a site. The types that implement it are the vocabulary of commands.
type Request interface{ decide(*turn) error }

// Errors of requests that can't be decided at all. They append nothing.
var (
	// ErrForbidden: this kind of actor never may.
	ErrForbidden = errors.New("not allowed to you")
	// ErrUnknown: the request names something that is not here, or no longer.
	ErrUnknown = errors.New("no such thing at this site")
	// ErrState: the request does not fit what stands.
	ErrState = errors.New("not possible now")
	// ErrVisited is an ErrState: a visit under way needs the car, which could not be locked any more.
	ErrVisited = fmt.Errorf("%w: a visit to the car is under way", ErrState)
	// ErrEarly: another site's message has overtaken the one that it follows. It is to be brought again.
	ErrEarly = errors.New("what comes before it has not arrived yet")
)

// Invalid is a malformed request: which field, and what is wrong with it.
type Invalid struct {
	Field   string
	Problem string
}

func (e Invalid) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }

// inCalendar says whether an instant is none, or lies in the years 1970 to 9999 that its encoding can hold.
func inCalendar(i event.Instant) bool { return i >= 0 && i < 253_402_300_800_000 }

func unknown(what, id string) error { return fmt.Errorf("%w: %s %q", ErrUnknown, what, id) }

func notNow(why string) error { return fmt.Errorf("%w: %s", ErrState, why) }

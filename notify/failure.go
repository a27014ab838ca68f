package notify

import (
	"errors"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// Reason says why a channel does not reach a person.
type Reason string

// Reasons.
const (
	// ReasonRefused: the person's own mail server, or the gateway, refuses the address for good.
	ReasonRefused Reason = "refused"
	// ReasonExpired: the browser or its push service has ended the subscription, which was removed.
	ReasonExpired Reason = "expired"
	// ReasonLate: it could not be handed over in time, and was given up.
	ReasonLate Reason = "late"
)

// Failure is the last thing that went wrong on a person's channel. It goes with the next message that is taken there, or
// after thirty days.
type Failure struct {
	Channel Channel       `json:"channel"`
	At      event.Instant `json:"at"`
	Reason  Reason        `json:"reason"`
	// Detail is what the other side said, for whoever helps the person; "" for nothing. It is not translated, and has
	// to be escaped.
	Detail string `json:"detail,omitempty"`
}

// failureKept is how long a failure is shown.
const failureKept = 30 * event.Day

// Text says what failed, and what to do now.
func (f Failure) Text(l phrase.Lang) string {
	return say(l, "failure."+string(f.Channel)+"."+string(f.Reason))
}

// refusal is the error of a message that an address will never take.
type refusal struct {
	reason Reason
	detail string
}

func (r refusal) Error() string {
	return "notify: refused for good (" + string(r.reason) + "): " + r.detail
}

// trouble is the error of a message that may be taken later. Its text names no person.
type trouble struct {
	err error
	// wait is how long the other side asks to be left alone; 0 when it says nothing.
	wait time.Duration
}

func (t trouble) Error() string { return t.err.Error() }
func (t trouble) Unwrap() error { return t.err }

// refusedFor finds a refusal in an error.
func refusedFor(err error) (refusal, bool) { return errors.AsType[refusal](err) }

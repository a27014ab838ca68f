// Package device says what can be opened, watched and asked: a few small capabilities that each connector
// implements as far as its hardware truly goes. It knows nothing of visits or permits beyond their names, so
// that the author of a connector never needs the decisions.
//
// Every connector passes devicetest, and writes to its Log before each command reaches the wire.
package device

import (
	"context"
	"errors"
	"time"

	"github.com/loquet/loquet/event"
)

// Device is what every connector gives for one piece of hardware. All methods of a device and of its
// capabilities may be called by several goroutines at once.
type Device interface {
	// Spec declares what the device truly has. It does not change while the process runs.
	Spec() event.Spec
	// Reach says whether the device can be reached now, as far as the connector knows without asking;
	// "" when it does not know. It does not block.
	Reach() event.Reach
}

// Order is a command to open once.
type Order struct {
	Permit event.PermitID
	// Deadline is when the command becomes void, on the wire too wherever the protocol can enforce that.
	Deadline time.Time
}

// Opener opens. Only package unlock calls it.
type Opener interface {
	// Open sends the command at most once, whatever happens: no retry, no queue, no redelivery after the
	// deadline. Done means that the device itself confirmed the opening. NotDone means that it certainly did
	// not happen and never will (nothing left the process, or the device refused). Everything else, an
	// unclassified error and a cancelled context included, is Unknown. The error explains, for the logs.
	Open(ctx context.Context, o Order) (event.Outcome, error)
}

// CodeOrder is a command to set a one-time code.
type CodeOrder struct {
	Permit event.PermitID
	// Code is what is typed: decimal digits.
	Code string
	// Deadline is when the code must have ceased to work; whoever asked also removes it then.
	Deadline time.Time
}

// Coder sets and removes one-time codes. Only package unlock calls SetCode.
type Coder interface {
	// SetCode sends the code at most once. Done means that the device confirmed that it holds the code.
	SetCode(ctx context.Context, o CodeOrder) (event.Outcome, error)
	// RemoveCode makes the device forget the code of the permit. It may be repeated. Done only when reading
	// back shows the code gone.
	RemoveCode(ctx context.Context, permit event.PermitID) (event.Outcome, error)
}

// Securer locks or closes. It is directional: it never toggles, and never opens.
type Securer interface {
	// Secure may be repeated. Done means only that the device accepted it: what counts is what it reports.
	Secure(ctx context.Context) (event.Outcome, error)
}

// Reader asks the device for its state now.
type Reader interface {
	// Read returns the device's own answer (OriginAnswer, AskedAt set), or an error when there was none
	// before the context ended. A cached answer is returned as OriginCached.
	Read(ctx context.Context) (event.Observation, error)
}

// Watcher reports what the device says by itself.
type Watcher interface {
	// Watch calls sink for each observation, one at a time and in order of receipt, until the context ends;
	// it reconnects by itself, and reports the loss of the device as ReachOffline. The sink may block; a
	// watcher that falls behind keeps the order and loses nothing but repetitions.
	Watch(ctx context.Context, sink func(event.Observation)) error
}

// Log is the connectors' own log of what may have been sent. The audit reconciles it with the journals.
type Log interface {
	// Record appends one line. It must have returned nil before the command reaches the wire; on an error the
	// command is not sent, and is NotDone. Safe for concurrent use.
	Record(s event.Sent) error
}

// Errors that connectors wrap, so that logs read alike.
var (
	// ErrExpired: the deadline had passed before anything was sent.
	ErrExpired = errors.New("the order's deadline had passed")
	// ErrOffline: the device or the way to it is known to be unreachable; nothing was sent.
	ErrOffline = errors.New("the device can't be reached")
	// ErrRefused: the device answered that it did not and will not do it.
	ErrRefused = errors.New("the device refused")
	// ErrNoAnswer: the command left and nothing came back in time.
	ErrNoAnswer = errors.New("no answer from the device")
)

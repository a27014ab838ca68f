package auth

import (
	"errors"
	"fmt"
	"time"
)

// Errors that callers tell apart. Their sentences are safe to show and never say more than the caller knows; what
// else was wrong is wrapped, for the logs. Any other error is the store's.
var (
	// ErrUnknownKey: no such API key, or not any more.
	ErrUnknownKey = errors.New("the API key is not known, or was revoked")
	// ErrScope: the API key may not do this.
	ErrScope = errors.New("the API key is not allowed to do this")
	// ErrRequest: what was asked for makes no sense; the sentence says which part.
	ErrRequest = errors.New("the request can't be carried out")
	// ErrPairing: a pairing code that is unknown, used, replaced by a newer one, or too old.
	ErrPairing = errors.New("the pairing code is not known, or was used, or is more than 10 minutes old; ask for a new one")
	// ErrKeyTaken: the device's key is bound to another courier.
	ErrKeyTaken = errors.New("this device's key belongs to another courier; make a new key on the device")
	// ErrProof: the request's proof can't be read, or isn't signed by the key that it names.
	ErrProof = errors.New("the request is not signed by this device")
	// ErrUnbound: the proof's key is not, or no longer, a courier's.
	ErrUnbound = errors.New("this device is not bound to a courier")
	// ErrOtherRequest: the proof was made for another method, address or body.
	ErrOtherRequest = errors.New("the signature belongs to another request")
	// ErrClock: the proof is too old, or the device's clock is too far from the server's. The device learns the
	// server's time from the answer's Date field and signs again.
	ErrClock = errors.New("the signature is too old, or the device's clock is wrong")
	// ErrReplayed: a proof with this identifier was seen before.
	ErrReplayed = errors.New("the signature was used before; sign each request anew")
	// ErrLink: a sign-in link that is unknown, used or too old.
	ErrLink = errors.New("the link is not known, or was used, or is too old; ask for a new one")
	// ErrSession: no such session, or not any more.
	ErrSession = errors.New("nobody is signed in here any more; sign in again")
)

// TooMany is the error when something is tried too often. Nothing was changed.
type TooMany struct {
	// After is how long to wait before the next try.
	After time.Duration
}

// Error says how long to wait, in whole seconds.
func (e *TooMany) Error() string {
	return fmt.Sprintf("too many tries; wait %d seconds", e.Seconds())
}

// Seconds is After rounded up, as the Retry-After field of HTTP has it.
func (e *TooMany) Seconds() int { return int((e.After + time.Second - 1) / time.Second) }

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
	// ErrChoose: the address belongs to several; say who of them is to be signed in. The link is not spent.
	ErrChoose = errors.New("choose who is to be signed in")
	// ErrAddress: what was typed is no e-mail address.
	ErrAddress = errors.New("this is not an e-mail address")
	// ErrRecent: changing how to sign in needs a sign-in, or a passkey, of the last 15 minutes.
	ErrRecent = errors.New("show once more that it is you: with your passkey, or by signing in again")

	// ErrRole: the person's role does not allow this.
	ErrRole = errors.New("your role does not allow this")
	// ErrStaff: no such account of the staff, or it is disabled.
	ErrStaff = errors.New("there is no such account, or it is disabled")
	// ErrTaken: the address is another account's, which may be a disabled one.
	ErrTaken = errors.New("an account has this address already")
	// ErrOwnAccount: nobody changes the own role or disables the own account.
	ErrOwnAccount = errors.New("this is your own account; another admin has to change it")

	// ErrNoPasskeys: this installation's address can't have passkeys; the wrapped sentence says why.
	ErrNoPasskeys = errors.New("passkeys can't be used at this address")
	// ErrPasskey: the passkey is not known here any more, or its answer does not fit the question.
	ErrPasskey = errors.New("this passkey is not known here, or its answer can't be checked; sign in another way")
	// ErrCeremony: the question to the passkey is unknown, was answered, or is more than 5 minutes old.
	ErrCeremony = errors.New("this took too long, or was answered already; try again")
	// ErrCopied: the passkey's counter went back, so a copy of it may exist. It is not accepted any more.
	ErrCopied = errors.New("this passkey may have been copied and is not accepted any more; sign in another way and remove it")
	// ErrManyPasskeys: the person has as many passkeys as are kept.
	ErrManyPasskeys = errors.New("there are too many passkeys; remove one first")

	// ErrOpenID: the sign-in at the identity provider was not begun in this browser, was finished already, took longer
	// than 10 minutes, or what came back can't be trusted.
	ErrOpenID = errors.New("the sign-in at the identity provider can't be accepted; begin again")
	// ErrProvider: the identity provider can't be reached, or does not answer as one.
	ErrProvider = errors.New("the identity provider does not answer; try again, or sign in another way")
	// ErrDeclined: the identity provider itself let nobody in; the person may have cancelled there.
	ErrDeclined = errors.New("the identity provider signed nobody in")
	// ErrNoRole: the provider knows the person, and nothing gives that person a role here.
	ErrNoRole = errors.New("you are signed in at the identity provider, and have no role here; ask an admin")
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

package maker

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// StatusError is an answer that is no success. Its text is only the status: what a server wrote may hold secrets.
type StatusError struct {
	Status int
	// Body is the answer's JSON; nil where it was none. It goes into no log.
	Body []byte
}

// Error says the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the maker answered %d %s", e.Status, http.StatusText(e.Status))
}

// Unwrap says that a server that is overburdened or out of order is no answer of the vehicle.
func (e *StatusError) Unwrap() error {
	if e.Status >= http.StatusInternalServerError {
		return device.ErrNoAnswer
	}
	return nil
}

// refusals are the statuses with which a server says that it has not begun.
var refusals = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
	http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
	http.StatusTooManyRequests,
}

// Outcome says what became of a command whose call failed with err: NotDone only where it certainly did not and will
// not happen. A connector that understands the body of a StatusError may know more.
func Outcome(err error) event.Outcome {
	var busy *device.BusyError
	var status *StatusError
	switch {
	case errors.As(err, &status):
		if slices.Contains(refusals, status.Status) {
			return event.NotDone
		}
	case errors.As(err, &busy), errors.Is(err, device.ErrRevoked), errors.Is(err, device.ErrOffline), errors.Is(err, errUnsent):
		return event.NotDone
	}
	return event.Unknown
}

// errUnsent marks what failed before anything was sent.
var errUnsent = errors.New("nothing was sent")

// bare is a network error without the address that it was for: that names a vehicle.
func bare(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

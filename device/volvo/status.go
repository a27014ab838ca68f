package volvo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
)

// meaning of an invokeStatus: Unknown without an error is "accepted".
type meaning struct {
	outcome event.Outcome
	err     error
}

// errPassed: the handle was free, and is no more.
var errPassed = errors.New("the time to open the trunk has passed")

// meanings are those of every published invokeStatus; see the package's description.
var meanings = map[string]meaning{
	"COMPLETED": {event.Done, nil},
	"SUCCESS":   {event.Done, nil},

	"WAITING":   {event.Unknown, nil},
	"SENT":      {event.Unknown, nil},
	"DELIVERED": {event.Unknown, nil},
	"RUNNING":   {event.Unknown, nil},

	"REJECTED":                     {event.NotDone, device.ErrRefused},
	"NOT_SUPPORTED":                {event.NotDone, device.ErrRefused},
	"NOT_ALLOWED_PRIVACY_ENABLED":  {event.NotDone, device.ErrRefused},
	"NOT_ALLOWED_WRONG_USAGE_MODE": {event.NotDone, device.ErrRefused},
	"UNABLE_TO_LOCK_DOOR_OPEN":     {event.NotDone, device.ErrRefused},
	"VEHICLE_IN_SLEEP":             {event.NotDone, device.ErrAsleep},
	"CAR_IN_SLEEP_MODE":            {event.NotDone, device.ErrAsleep},

	"UNLOCK_TIME_FRAME_PASSED":  {event.Unknown, errPassed},
	"CONNECTION_FAILURE":        {event.Unknown, device.ErrOffline},
	"TIMEOUT":                   {event.Unknown, device.ErrNoAnswer},
	"CAR_TIMEOUT":               {event.Unknown, device.ErrNoAnswer},
	"DELIVERY_TIMEOUT":          {event.Unknown, device.ErrNoAnswer},
	"EXPIRED":                   {event.Unknown, device.ErrNoAnswer},
	"CAR_ERROR":                 {event.Unknown, device.ErrNoAnswer},
	"INVOCATION_SPECIFIC_ERROR": {event.Unknown, device.ErrNoAnswer},
	"UNKNOWN":                   {event.Unknown, device.ErrNoAnswer},
}

// command is what a car can be told to do.
type command string

// Commands.
const (
	lock   command = "lock"
	unlock command = "unlock"
	flash  command = "flash"
	honk   command = "honk"
)

// invoked is the answer to a command.
type invoked struct {
	InvokeStatus  string `json:"invokeStatus"`
	ReadyToUnlock bool   `json:"readyToUnlock"`
}

// parseInvoked reads what became of a command.
func parseInvoked(c command, body []byte) (event.Outcome, error) {
	var said struct {
		Data invoked `json:"data"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return event.Unknown, err
	}
	return said.Data.meaning(c)
}

func (i invoked) meaning(c command) (event.Outcome, error) {
	status := strings.ToUpper(i.InvokeStatus)
	m, known := meanings[status]
	switch {
	case !known || c != lock && status == "UNABLE_TO_LOCK_DOOR_OPEN":
		return event.Unknown, fmt.Errorf("%w: the answer to the command has an unknown status", device.ErrNonsense)
	case m.err != nil:
		return m.outcome, fmt.Errorf("%w: %s", m.err, status) // one of the words above, and nothing else
	case c == unlock && !i.ReadyToUnlock:
		return event.Unknown, nil
	}
	return m.outcome, nil
}

// explain says what a failed call means, and what became of a command that it was.
func explain(c command, err error) (event.Outcome, error) {
	var status *maker.StatusError
	if !errors.As(err, &status) {
		return maker.Outcome(err), err
	}
	if outcome, word := failed(c, status.Body); word != nil {
		return outcome, fmt.Errorf("%w: %w", word, err)
	}
	switch status.Status {
	case http.StatusForbidden:
		if !isVolvos(status.Body) {
			return event.Unknown, fmt.Errorf("%w: it was forbidden, and not in Volvo's words: %w", device.ErrNoAnswer, err)
		}
		return event.NotDone, fmt.Errorf("%w: %w", device.ErrRevoked, err)
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity:
		return event.NotDone, fmt.Errorf("%w: %w", device.ErrRefused, err)
	}
	return maker.Outcome(err), err
}

// isVolvos says whether a body is an error as Volvo writes it. Another one is of a firewall or a gateway on the way, which
// knows neither of a consent nor of what became of a command.
func isVolvos(body []byte) bool {
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	return json.Unmarshal(body, &said) == nil && said.Error.Message != ""
}

// failed is the word on a command that an answer other than 2xx has, if any: that it was done is none.
func failed(c command, body []byte) (event.Outcome, error) {
	var said struct {
		invoked
		Data invoked `json:"data"`
	}
	_ = json.Unmarshal(body, &said) // what is no JSON has no word
	word := said.Data
	if word.InvokeStatus == "" {
		word = said.invoked
	}
	if word.InvokeStatus == "" {
		return event.Unknown, nil
	}
	outcome, err := word.meaning(c)
	if err == nil { // a success that came as a failure
		return event.Unknown, device.ErrNoAnswer
	}
	return outcome, err
}

package smartcar

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
)

// problem is one of Smartcar's errors, as far as it is needed.
type problem struct {
	Type string `json:"type"`
	Code string `json:"code"`
}

// parseProblem reads an error of version 2.0, or of version 3, alone or in a list.
func parseProblem(body []byte) problem {
	var said struct {
		problem
		Errors []problem `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil {
		return problem{}
	}
	if said.Type == "" && len(said.Errors) > 0 {
		return said.Errors[0]
	}
	return said.problem
}

// states are the codes of VEHICLE_STATE that are no refusal.
var states = map[string]struct {
	err     error
	outcome event.Outcome
}{
	"ASLEEP":                      {device.ErrAsleep, event.NotDone},
	"UNREACHABLE":                 {device.ErrOffline, event.Unknown},
	"VEHICLE_OFFLINE_FOR_SERVICE": {device.ErrOffline, event.Unknown},
	"UNKNOWN":                     {device.ErrNoAnswer, event.Unknown},
}

// refusals are the states in which a car does not do what it is asked to.
var refusals = map[string]bool{
	"DOOR_OPEN": true, "TRUNK_OPEN": true, "HOOD_OPEN": true, "IGNITION_ON": true, "IN_MOTION": true,
	"REMOTE_ACCESS_DISABLED": true,
}

// explain says what a failed call means, and what became of a command that it was.
func explain(err error) (event.Outcome, error) {
	var status *maker.StatusError
	if !errors.As(err, &status) {
		return maker.Outcome(err), err
	}
	p := parseProblem(status.Body)
	outcome, because := p.meaning()
	if because == nil {
		return maker.Outcome(err), err
	}
	return outcome, fmt.Errorf("%w: %w", because, err)
}

// meaning is nil for what is not known.
func (p problem) meaning() (event.Outcome, error) {
	switch p.Type {
	case "PERMISSION", "CONNECTED_SERVICES_ACCOUNT":
		return event.NotDone, device.ErrRevoked
	case "BILLING", "COMPATIBILITY", "VALIDATION", "RESOURCE_NOT_FOUND":
		return event.NotDone, device.ErrRefused
	case "UPSTREAM", "SERVER":
		return event.Unknown, device.ErrNoAnswer
	case "VEHICLE_STATE":
		if refusals[p.Code] {
			return event.NotDone, device.ErrRefused
		}
		if state, known := states[p.Code]; known {
			return state.outcome, state.err
		}
		return event.Unknown, device.ErrNoAnswer
	}
	return event.Unknown, nil
}

// ofApplication says whether a limit that was reached is not only the vehicle's.
func ofApplication(err error) bool {
	var status *maker.StatusError
	return errors.As(err, &status) && status.Status == http.StatusTooManyRequests && parseProblem(status.Body).Code == "SMARTCAR_API"
}

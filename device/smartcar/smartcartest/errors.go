package smartcartest

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// problem is one of Smartcar's errors.
type problem struct {
	status     int
	kind, code string
	text       string
	resolution string
	retry      time.Duration
}

var (
	unauthorized  = problem{status: http.StatusUnauthorized, kind: "AUTHENTICATION", text: "The access token is missing or does not work."}
	forbidden     = problem{status: http.StatusForbidden, kind: "PERMISSION", text: "The owner has not granted this permission.", resolution: "REAUTHENTICATE"}
	notFound      = problem{status: http.StatusNotFound, kind: "RESOURCE_NOT_FOUND", code: "PATH", text: "There is nothing at this path."}
	invalid       = problem{status: http.StatusBadRequest, kind: "VALIDATION", text: "The request is not as described."}
	overLimit     = problem{status: http.StatusTooManyRequests, kind: "RATE_LIMIT", code: "SMARTCAR_API", text: "The application asks too often.", resolution: "RETRY_LATER"}
	overVehicle   = problem{status: http.StatusTooManyRequests, kind: "RATE_LIMIT", code: "VEHICLE", text: "The vehicle is asked too often.", resolution: "RETRY_LATER"}
	asleep        = problem{status: http.StatusConflict, kind: "VEHICLE_STATE", code: "ASLEEP", text: "The vehicle sleeps."}
	unreachable   = problem{status: http.StatusConflict, kind: "VEHICLE_STATE", code: "UNREACHABLE", text: "The vehicle can't be reached."}
	doorOpen      = problem{status: http.StatusConflict, kind: "VEHICLE_STATE", code: "DOOR_OPEN", text: "A door stands open."}
	remoteOff     = problem{status: http.StatusConflict, kind: "VEHICLE_STATE", code: "REMOTE_ACCESS_DISABLED", text: "The vehicle takes no commands."}
	upstreamFails = problem{status: http.StatusBadGateway, kind: "UPSTREAM", code: "UNKNOWN_ISSUE", text: "The maker's system answers strangely.", resolution: "RETRY_LATER"}
)

// body is the shape of version 2.0; version 3 names some fields differently.
func (p problem) body(v3 bool) map[string]any {
	resolution := map[string]any{"type": nil}
	if p.resolution != "" {
		resolution["type"] = p.resolution
	}
	var code any
	if p.code != "" {
		code = p.code
	}
	b := map[string]any{"type": p.kind, "code": code, "resolution": resolution, "suggestedUserMessage": p.text}
	if v3 {
		b["title"], b["detail"], b["status"] = p.kind, p.text, strconv.Itoa(p.status)
		return b
	}
	b["description"], b["statusCode"], b["requestId"], b["docURL"] = p.text, p.status, uuid(), "https://smartcar.com/docs"
	return b
}

func refuse(w http.ResponseWriter, p problem) { p.write(w, false) }

func (p problem) write(w http.ResponseWriter, v3 bool) {
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	fakecloud.WriteJSON(w, p.status, p.body(v3))
}

// of says what Smartcar makes of an error of the car's.
func of(err error) problem {
	switch {
	case errors.Is(err, fakecloud.ErrAsleep):
		return asleep
	case errors.Is(err, fakecloud.ErrUnreachable):
		return unreachable
	case errors.Is(err, fakecloud.ErrOpen):
		return doorOpen
	case errors.Is(err, fakecloud.ErrRefused):
		return remoteOff
	}
	return upstreamFails
}

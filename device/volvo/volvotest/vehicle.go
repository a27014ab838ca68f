package volvotest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// value is how Volvo says anything of a car: with the time when the car was last heard of it.
type value struct {
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"`
}

func details(w http.ResponseWriter, c *owned) {
	answer(w, map[string]any{
		"vin": c.VIN, "modelYear": c.Year, "gearbox": "AUTOMATIC", "fuelType": "PETROL", "externalColour": "Blue",
		"descriptions": map[string]string{"model": c.Model, "upholstery": "null", "steering": "LEFT"},
	})
}

func doors(w http.ResponseWriter, c *owned) {
	told := c.Told()
	of := func(o fakecloud.Opening) value { return value{c.word(told.Open[o]), fakecloud.Time(told.OpenAt)} }
	answer(w, map[string]value{
		"centralLock":   {c.lock(told), fakecloud.Time(told.LockAt)},
		"frontLeftDoor": of(fakecloud.FrontLeft), "frontRightDoor": of(fakecloud.FrontRight),
		"rearLeftDoor": of(fakecloud.RearLeft), "rearRightDoor": of(fakecloud.RearRight),
		"hood": of(fakecloud.Hood), "tailgate": of(fakecloud.Trunk),
		"tankLid": {"CLOSED", fakecloud.Time(told.OpenAt)},
	})
}

func (c *owned) word(open bool) string {
	switch {
	case c.Quirks().Odd:
		return "HALFWAY"
	case open:
		return "OPEN"
	}
	return "CLOSED"
}

func (c *owned) lock(told fakecloud.Told) string {
	switch {
	case c.Quirks().Odd:
		return "HALFWAY"
	case told.Jammed:
		return "UNSPECIFIED"
	case told.Locked:
		return "LOCKED"
	}
	return "UNLOCKED"
}

func windows(w http.ResponseWriter, c *owned) {
	at := fakecloud.Time(c.Told().OpenAt)
	answer(w, map[string]value{
		"frontLeftWindow": {"CLOSED", at}, "frontRightWindow": {"CLOSED", at}, "rearLeftWindow": {"CLOSED", at},
		"rearRightWindow": {"CLOSED", at}, "sunroof": {"UNSPECIFIED", at},
	})
}

func engine(w http.ResponseWriter, c *owned) {
	told, word := c.Told(), "STOPPED"
	if told.Moving {
		word = "RUNNING"
	}
	answer(w, map[string]value{"engineStatus": {word, fakecloud.Time(told.OpenAt)}})
}

// location is the only one without an envelope in the published samples; the wire has one.
func location(w http.ResponseWriter, c *owned) {
	told := c.Told()
	answer(w, map[string]any{
		"type":       "Feature",
		"properties": map[string]string{"timestamp": fakecloud.Time(told.PlaceAt), "heading": "90"},
		"geometry":   map[string]any{"type": "Point", "coordinates": []float64{told.Longitude, told.Latitude, 0}},
	})
}

func accessibility(w http.ResponseWriter, c *owned) {
	status := map[string]string{"value": "AVAILABLE", "timestamp": fakecloud.Time(time.Now())}
	switch q := c.Quirks(); {
	case q.Asleep:
		status["value"], status["unavailableReason"] = "UNAVAILABLE", "POWER_SAVING_MODE"
	case q.Offline:
		status["value"], status["unavailableReason"] = "UNAVAILABLE", "NO_INTERNET"
	case c.Told().Moving:
		status["value"], status["unavailableReason"] = "UNAVAILABLE", "CAR_IN_USE"
	}
	answer(w, map[string]any{"availabilityStatus": status})
}

// known are the commands.
var known = map[string]struct {
	scope string
	act   func(*Server, *owned) error
}{
	"lock":               {"conve:lock", func(_ *Server, c *owned) error { return c.Lock() }},
	"lock-reduced-guard": {"conve:lock", func(_ *Server, c *owned) error { return c.Lock() }},
	"unlock":             {"conve:unlock", func(s *Server, c *owned) error { return c.FreeHandle(s.Window) }},
	"flash":              {"conve:honk_flash", func(_ *Server, c *owned) error { return c.Signal() }},
	"honk":               {"conve:honk_flash", func(_ *Server, c *owned) error { return c.Signal() }},
	"honk-flash":         {"conve:honk_flash", func(_ *Server, c *owned) error { return c.Signal() }},
}

func (s *Server) commands(w http.ResponseWriter, c *owned) {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	data := []map[string]string{}
	for _, name := range names {
		command := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if name == "honk-flash" {
			command = "HONK_AND_FLASH"
		}
		data = append(data, map[string]string{"command": command, "href": "/v2/vehicles/" + c.VIN + "/commands/" + name})
	}
	answer(w, data)
}

func (s *Server) invoke(w http.ResponseWriter, c *owned, scope string, act func(*Server, *owned) error) {
	status := invoked(act(s, c), c.Quirks())
	if forced := s.forced(c.VIN); forced != "" {
		status = forced
	}
	data := map[string]any{"vin": c.VIN, "invokeStatus": status, "message": ""}
	if scope == "conve:unlock" {
		ready := status == "COMPLETED" || status == "SUCCESS" || status == "DELIVERED"
		data["readyToUnlock"], data["readyToUnlockUntil"] = ready, 0
		if ready {
			data["readyToUnlockUntil"] = int(s.Window / time.Second)
		}
	}
	answer(w, data)
}

// invoked is what the cloud knows of a command at once.
func invoked(err error, q fakecloud.Quirks) string {
	switch {
	case errors.Is(err, fakecloud.ErrAsleep):
		return "VEHICLE_IN_SLEEP"
	case errors.Is(err, fakecloud.ErrUnreachable):
		return "CONNECTION_FAILURE"
	case errors.Is(err, fakecloud.ErrOpen):
		return "UNABLE_TO_LOCK_DOOR_OPEN"
	case errors.Is(err, fakecloud.ErrRefused):
		return "REJECTED"
	case q.Deaf || q.Mute || q.Stale || q.MotorDelay > 0 || q.ReportDelay > 0:
		return "DELIVERED"
	case q.Jam:
		return "CAR_ERROR"
	}
	return "COMPLETED"
}

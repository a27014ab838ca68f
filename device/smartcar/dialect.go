package smartcar

import (
	"fmt"
	"net/http"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
)

// dialect is a version of the API: what is asked, and how the answers read. Parsers may be given anything.
type dialect interface {
	state(Config) maker.Call
	parseState(maker.Answer) (state, error)
	command(c Config, lock bool) maker.Call
	// parseCommand returns Unknown without an error for what was accepted.
	parseCommand(maker.Answer) (event.Outcome, error)
	place(Config) maker.Call
	parsePlace(maker.Answer) (device.Located, error)
}

// placed checks a position.
func placed(latitude, longitude *float64, at, received time.Time) (device.Located, error) {
	if latitude == nil || longitude == nil {
		return device.Located{}, nonsense("it says no position")
	}
	l := device.Located{Latitude: *latitude, Longitude: *longitude, At: at, ReceivedAt: received}
	return l, l.Check()
}

// nonsense says what of an answer makes none.
func nonsense(what string) error { return fmt.Errorf("%w: %s", device.ErrNonsense, what) }

func get(path ...string) maker.Call { return maker.Call{Method: http.MethodGet, Path: path} }

func post(body string, path ...string) maker.Call {
	call := maker.Call{Method: http.MethodPost, Path: path}
	if body != "" {
		call.JSON = []byte(body)
	}
	return call
}

package smartcar

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// v3 is version 3: paths below /v3, the customer in a header, and signals that each have a time.
type v3 struct{}

func (v3) forUser(c Config, call maker.Call) maker.Call {
	call.Header = http.Header{"Sc-User-Id": {c.User}}
	return call
}

func (d v3) state(c Config) maker.Call { return d.forUser(c, get("vehicles", c.Vehicle, "signals")) }

func (d v3) place(c Config) maker.Call {
	return d.forUser(c, get("vehicles", c.Vehicle, "signals", "location-preciselocation"))
}

func (d v3) command(c Config, lock bool) maker.Call {
	act := "unlock"
	if lock {
		act = "lock"
	}
	return d.forUser(c, post("", "vehicles", c.Vehicle, "commands", "security", act))
}

// signal is one of a vehicle's signals. In webhooks its attributes stand beside its meta.
type signal struct {
	Code   string          `json:"code"`
	Status status          `json:"status"`
	Body   json.RawMessage `json:"body"`
	Meta   meta            `json:"meta"`
}

type status struct {
	Value string `json:"value"`
	Error struct {
		Type string `json:"type"`
		Code string `json:"code"`
	} `json:"error"`
}

// lacking says that the car has no such part. That Smartcar can't tell of one has other codes.
func (s status) lacking() bool {
	return s.failed() && s.Error.Type == "COMPATIBILITY" && s.Error.Code == "VEHICLE_NOT_CAPABLE"
}

func (s status) failed() bool { return s.Value != "" && s.Value != "SUCCESS" }

type meta struct {
	OEMUpdatedAt moment `json:"oemUpdatedAt"`
}

// moment is a time as Smartcar writes it: seconds or milliseconds since 1970, or ISO 8601. What is none is zero.
type moment struct{ time.Time }

// UnmarshalJSON accepts anything.
func (m *moment) UnmarshalJSON(data []byte) error {
	m.Time = momentOf(string(bytes.Trim(data, `"`)))
	return nil
}

func momentOf(text string) time.Time {
	n, err := strconv.ParseFloat(text, 64)
	const seconds, milliseconds, most = 1e8, 1e11, 1e15 // from 1973 on, in either
	switch {
	case err != nil:
		at, _ := time.Parse(time.RFC3339, text) // zero if it is none
		return at
	case !(n >= seconds && n <= most):
		return time.Time{}
	case n < milliseconds:
		return time.Unix(int64(n), 0)
	}
	return time.UnixMilli(int64(n))
}

// resource is a signal as the API wraps it.
type resource struct {
	Attributes signal `json:"attributes"`
	Meta       meta   `json:"meta"`
}

func (r resource) signal() signal {
	s := r.Attributes
	s.Meta = r.Meta
	return s
}

func (v3) parseState(a maker.Answer) (state, error) {
	var said struct {
		Data []resource `json:"data"`
	}
	if err := maker.Decode(a.Body, &said); err != nil {
		return state{}, err
	}
	signals := make([]signal, len(said.Data))
	for i, r := range said.Data {
		signals[i] = r.signal()
	}
	s := saidBy(signals)
	if s.Bolt == "" {
		return state{}, nonsense("it does not say whether the car is locked")
	}
	return s, nil
}

// lockable is a closure: whether it is open, and whether it is locked, where that is said.
type lockable struct {
	IsOpen   *bool `json:"isOpen"`
	IsLocked *bool `json:"isLocked"`
}

// saidBy puts the signals of locks and openings together. What can't be read is unknown, and so is what failed: the car
// has it, and nobody knows how it stands.
func saidBy(signals []signal) state {
	var locks, openings []remotecar.Part
	s := state{named: named{}}
	for _, one := range signals {
		if one.Status.lacking() {
			continue
		}
		l, o := one.parts()
		locks, openings = append(locks, l...), append(openings, o...)
		s.named.add(one.Code, true, len(l))
		s.named.add(one.Code, false, len(o))
		if one.Code == "closure-fronttrunk" || one.Code == "closure-enginecover" {
			s.named.add(front, false, len(o))
		}
	}
	s.Bolt, s.BoltAt = remotecar.Bolt(locks...)
	s.Contact, s.ContactAt = remotecar.Contact(openings...)
	return s
}

func (s signal) parts() (locks, openings []remotecar.Part) {
	at := s.Meta.OEMUpdatedAt.Time
	if s.Status.failed() {
		s.Body = nil // what is left in it is not how the car stands
	}
	switch s.Code {
	case "closure-islocked":
		var body struct {
			Value *bool `json:"value"`
		}
		if json.Unmarshal(s.Body, &body) != nil {
			return []remotecar.Part{{At: at}}, nil
		}
		return []remotecar.Part{part(body.Value, true, at)}, nil
	case "closure-doors":
		var body struct {
			Values []lockable `json:"values"`
		}
		if json.Unmarshal(s.Body, &body) != nil {
			return nil, []remotecar.Part{{At: at}}
		}
		for _, door := range body.Values {
			l, o := door.parts(at)
			locks, openings = append(locks, l...), append(openings, o...)
		}
		return locks, openings
	case "closure-reartrunk", "closure-fronttrunk", "closure-enginecover", "closure-tailgate":
		var body lockable
		if json.Unmarshal(s.Body, &body) != nil {
			return nil, []remotecar.Part{{At: at}}
		}
		return body.parts(at)
	}
	return nil, nil
}

// parts of a closure: its lock only where it has one that tells.
func (l lockable) parts(at time.Time) (locks, openings []remotecar.Part) {
	if l.IsLocked != nil {
		locks = append(locks, part(l.IsLocked, true, at))
	}
	return locks, append(openings, part(l.IsOpen, false, at))
}

// part is closed if the value is so, open if it is the other one, and unknown without one.
func part(value *bool, closed bool, at time.Time) remotecar.Part {
	if value == nil {
		return remotecar.Part{At: at}
	}
	return remotecar.Part{Closed: *value == closed, Open: *value != closed, At: at}
}

// parseCommand: SUCCESS says that the command was executed, by whom it doesn't say. A failure in an answer that began
// as a success may have come after the car had moved.
func (v3) parseCommand(a maker.Answer) (event.Outcome, error) {
	var said struct {
		Data struct {
			Attributes struct {
				Status status `json:"status"`
			} `json:"attributes"`
		} `json:"data"`
	}
	if err := maker.Decode(a.Body, &said); err != nil {
		return event.Unknown, err
	}
	switch said.Data.Attributes.Status.Value {
	case "SUCCESS", "PENDING":
		return event.Unknown, nil
	}
	return event.Unknown, nonsense("the answer to the command has an unknown status")
}

func (v3) parsePlace(a maker.Answer) (device.Located, error) {
	var said struct {
		resource
		Data *resource `json:"data"`
	}
	if err := maker.Decode(a.Body, &said); err != nil {
		return device.Located{}, err
	}
	r := said.resource
	if said.Data != nil {
		r = *said.Data
	}
	var body struct {
		Latitude     *float64 `json:"latitude"`
		Longitude    *float64 `json:"longitude"`
		LocationType string   `json:"locationType"`
	}
	if json.Unmarshal(r.Attributes.Body, &body) != nil {
		return device.Located{}, nonsense("it says no position")
	}
	located, err := placed(body.Latitude, body.Longitude, r.Meta.OEMUpdatedAt.Time, a.At)
	if err == nil && (body.LocationType == "PARKED" || body.LocationType == "LAST_PARKED") {
		located.Motion = event.MotionParked
	}
	return located, err
}

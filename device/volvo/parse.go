package volvo

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
)

// value is how Volvo says anything of a car, with the time when the car was last heard of it.
type value struct {
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"`
}

// at is the car's time; zero if there is none.
func (v value) at() time.Time {
	at, _ := time.Parse(time.RFC3339, v.Timestamp) // zero if it is none
	return at
}

// values are all that an answer says of a car. What can't be read is unknown.
type values map[string]json.RawMessage

func parseValues(body []byte) (values, error) {
	var said struct {
		Data values `json:"data"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return nil, err
	}
	if said.Data == nil {
		return nil, fmt.Errorf("%w: it says nothing", device.ErrNonsense)
	}
	return said.Data, nil
}

// get returns a value, and whether the car has it at all.
func (all values) get(name string) (value, bool) {
	raw, has := all[name]
	var v value
	if json.Unmarshal(raw, &v) != nil {
		v = value{}
	}
	return v, has && string(raw) != "null"
}

// openings are what stands in the way of a car that is shut. The tank's lid is not part of it.
var openings = []string{"frontLeftDoor", "frontRightDoor", "rearLeftDoor", "rearRightDoor", "hood", "tailgate"}

// parseDoors reads locks and openings.
func parseDoors(body []byte) (remotecar.Said, error) {
	all, err := parseValues(body)
	if err != nil {
		return remotecar.Said{}, err
	}
	central, has := all.get("centralLock")
	if !has {
		return remotecar.Said{}, fmt.Errorf("%w: it does not say whether the car is locked", device.ErrNonsense)
	}
	var s remotecar.Said
	s.Bolt, s.BoltAt = remotecar.Bolt(remotecar.Part{
		Closed: central.Value == "LOCKED", Open: central.Value == "UNLOCKED", At: central.at(),
	})
	var parts []remotecar.Part
	for _, name := range openings {
		if v, has := all.get(name); has {
			parts = append(parts, remotecar.Part{Closed: v.Value == "CLOSED", Open: v.Value == "OPEN" || v.Value == "AJAR", At: v.at()})
		}
	}
	s.Contact, s.ContactAt = remotecar.Contact(parts...)
	return s, nil
}

// reasons are why a car takes no commands. One that is driven can be reached all the same.
var reasons = map[string]error{
	"POWER_SAVING_MODE": device.ErrAsleep,
	"NO_INTERNET":       device.ErrOffline,
	"CAR_IN_USE":        nil,
}

// parseAccessibility says whether a car can be reached: nil, or why not.
func parseAccessibility(body []byte) error {
	all, err := parseValues(body)
	if err != nil {
		return err
	}
	var status struct {
		Value             string `json:"value"`
		UnavailableReason string `json:"unavailableReason"`
	}
	if json.Unmarshal(all["availabilityStatus"], &status) != nil {
		return fmt.Errorf("%w: it does not say whether the car can be reached", device.ErrNonsense)
	}
	if beside, has := all.get("unavailableReason"); has && status.UnavailableReason == "" {
		status.UnavailableReason = beside.Value
	}
	switch status.Value {
	case "AVAILABLE":
		return nil
	case "UNAVAILABLE":
		if reason, known := reasons[status.UnavailableReason]; known {
			return reason
		}
		return device.ErrOffline
	}
	return nil // it does not know: then the car's own times tell
}

// parsePlace reads GeoJSON (RFC 7946): longitude first.
func parsePlace(body []byte, received time.Time) (device.Located, error) {
	var said struct {
		Data struct {
			Properties struct {
				Timestamp string `json:"timestamp"`
			} `json:"properties"`
			Geometry struct {
				Type        string    `json:"type"`
				Coordinates []float64 `json:"coordinates"`
			} `json:"geometry"`
		} `json:"data"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return device.Located{}, err
	}
	at := value{Timestamp: said.Data.Properties.Timestamp}.at()
	where := said.Data.Geometry.Coordinates
	if said.Data.Geometry.Type != "Point" || len(where) < 2 {
		return device.Located{}, fmt.Errorf("%w: it says no position", device.ErrNonsense)
	}
	l := device.Located{Latitude: where[1], Longitude: where[0], At: at, ReceivedAt: received}
	return l, l.Check()
}

// parseEngine says whether a car moves: with its engine on it may, and counts as moving.
func parseEngine(body []byte) event.Motion {
	all, err := parseValues(body)
	if err != nil {
		return ""
	}
	switch v, _ := all.get("engineStatus"); v.Value {
	case "RUNNING":
		return event.MotionMoving
	case "STOPPED":
		return event.MotionParked
	}
	return ""
}

// parseVINs reads the vehicles of an account.
func parseVINs(body []byte) ([]string, error) {
	var said struct {
		Data []struct {
			VIN string `json:"vin"`
		} `json:"data"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return nil, err
	}
	vins := make([]string, 0, len(said.Data))
	for _, one := range said.Data {
		if !vin.WellFormed(one.VIN) {
			return nil, fmt.Errorf("%w: a vehicle's identification number is none", device.ErrNonsense)
		}
		vins = append(vins, one.VIN)
	}
	return vins, nil
}

// Details are what Volvo says of a car's model.
type Details struct {
	Model string
	Year  int
}

func parseDetails(body []byte) (Details, error) {
	var said struct {
		Data struct {
			ModelYear    int `json:"modelYear"`
			Descriptions struct {
				Model string `json:"model"`
			} `json:"descriptions"`
		} `json:"data"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return Details{}, err
	}
	return Details{said.Data.Descriptions.Model, said.Data.ModelYear}, nil
}

// Able is what a car can be told to do.
type Able struct {
	Locks, Unlocks bool
	Signals        []device.Signal
}

func parseCommands(body []byte) (Able, error) {
	var said struct {
		Data []struct {
			Command string `json:"command"`
		} `json:"data"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return Able{}, err
	}
	var able Able
	for _, one := range said.Data {
		switch one.Command {
		case "LOCK":
			able.Locks = true
		case "UNLOCK":
			able.Unlocks = true
		case "FLASH":
			able.Signals = append(able.Signals, device.SignalFlash)
		case "HONK":
			able.Signals = append(able.Signals, device.SignalHonk)
		}
	}
	return able, nil
}

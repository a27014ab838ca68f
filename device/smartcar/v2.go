package smartcar

import (
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// v2 is version 2.0: paths below /v2.0, and a data age for each answer.
type v2 struct{}

func (v2) state(c Config) maker.Call { return get("vehicles", c.Vehicle, "security") }

func (v2) place(c Config) maker.Call { return get("vehicles", c.Vehicle, "location") }

func (v2) command(c Config, lock bool) maker.Call {
	action := `{"action":"UNLOCK"}`
	if lock {
		action = `{"action":"LOCK"}`
	}
	return post(action, "vehicles", c.Vehicle, "security")
}

// age is when the car recorded the answer's data; zero if that is not said.
func age(a maker.Answer) time.Time {
	at, err := time.Parse(time.RFC3339, a.Header.Get("SC-Data-Age"))
	if err != nil {
		return time.Time{}
	}
	return at
}

// security is the answer to "lock status".
type security struct {
	IsLocked *bool      `json:"isLocked"`
	Doors    []standing `json:"doors"`
	Storage  []standing `json:"storage"`
}

// standing is a door, or the trunk or the hood, with its state.
type standing struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

func (v2) parseState(a maker.Answer) (state, error) {
	var said security
	if err := maker.Decode(a.Body, &said); err != nil {
		return state{}, err
	}
	if said.IsLocked == nil {
		return state{}, nonsense("it does not say whether the car is locked")
	}
	at := age(a)
	s := state{named: said.named()}
	s.Bolt, s.BoltAt = remotecar.Bolt(remotecar.Part{Closed: *said.IsLocked, Open: !*said.IsLocked, At: at})
	var parts []remotecar.Part
	for _, list := range [][]standing{said.Doors, said.Storage} {
		for _, p := range list {
			parts = append(parts, remotecar.Part{Closed: p.Status == "CLOSED", Open: p.Status == "OPEN", At: at})
		}
	}
	s.Contact, s.ContactAt = remotecar.Contact(parts...)
	return s, nil
}

// named are the parts that it tells of, as webhooks call them. What has no name there is told of by none.
func (s security) named() named {
	n := named{}
	n.add("closure-islocked", true, 1)
	n.add("closure-doors", false, len(s.Doors))
	for _, p := range s.Storage {
		switch p.Type {
		case "rear":
			n.add("closure-reartrunk", false, 1)
		case "front":
			n.add(front, false, 1)
		default:
			n.add("storage "+p.Type, false, 1)
		}
	}
	return n
}

// parseCommand: "success" means that it was sent.
func (v2) parseCommand(a maker.Answer) (event.Outcome, error) {
	var said struct {
		Status string `json:"status"`
	}
	if err := maker.Decode(a.Body, &said); err != nil {
		return event.Unknown, err
	}
	if said.Status != "success" {
		return event.Unknown, nonsense("the answer to the command has an unknown status")
	}
	return event.Unknown, nil
}

func (v2) parsePlace(a maker.Answer) (device.Located, error) {
	var said struct{ Latitude, Longitude *float64 }
	if err := maker.Decode(a.Body, &said); err != nil {
		return device.Located{}, err
	}
	return placed(said.Latitude, said.Longitude, age(a), a.At)
}

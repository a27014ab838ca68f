package virtual

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/event"
)

// state is how a device is, for its reports.
type state struct {
	bolt    event.Bolt
	contact event.Contact
	moving  string
	cause   string
	battery int
	at      time.Time // the device's own clock
}

// part is a part of a device's state, as bits: a device reports what changed, and everything when it appears.
type part int

const (
	partBolt part = 1 << iota
	partContact
	partBattery
	partAll = partBolt | partContact | partBattery
)

type act int

const (
	actNone act = iota
	actOpen
	actSecure
	actGet
	actSetCode
	actClearCode
	actGetCode
)

// order is what a message tells the device to do.
type order struct {
	act  act
	slot int
	code string
}

// dialect is a way to speak: topics and payloads.
type dialect interface {
	// commands are the topics to subscribe to.
	commands() []string
	// reports are the topics that it publishes on.
	reports() []string
	// announcements are published, retained, at each connection.
	announcements() []publication
	// present says that the device is there; will, that it is not.
	present() []publication
	will() publication
	// report says how the device is, at least as far as it changed.
	report(s state, changed part) []publication
	// accepted is what is said on receipt of an order, before anything moves.
	accepted(a act) []publication
	// refusal answers an order that is refused.
	refusal(p *paho.Publish) []publication
	// codeReport says what is in a slot.
	codeReport(s state, slot int, code string) []publication
	// understand reads an order; one that makes no sense is actNone.
	understand(topic string, payload []byte) order
	// register is the entry in Loquet's register of devices.
	register(id event.DeviceID) map[string]any
}

func newDialect(prefix string, d Device) (dialect, error) {
	base := prefix + "/" + d.Name
	switch d.Kind {
	case Lock, LobbyDoor, Box:
		return &haLock{id: prefix + "-" + d.Name, base: base, device: d}, nil
	case Garage:
		return &haCover{id: prefix + "-" + d.Name, base: base, device: d}, nil
	case ZigbeeLock:
		return &zigbee{base: prefix + "/zigbee2mqtt", device: d, memory: map[string]any{}}, nil
	case RatgdoGarage:
		return &ratgdo{base: base}, nil
	}
	return nil, errors.New("there is no such kind of device")
}

// Register is the device's entry for Loquet's register of devices, as whoever enrols it would write it.
func (c Config) Register(name string, id event.DeviceID) (json.RawMessage, error) {
	d, err := c.find(name)
	if err != nil {
		return nil, err
	}
	speaks, err := newDialect(c.Prefix, d)
	if err != nil {
		return nil, err
	}
	return json.Marshal(speaks.register(id))
}

// Topics are those that the device reports on, and takes orders on: what its account at the broker needs.
func (c Config) Topics(name string) (reports, commands []string, err error) {
	d, err := c.find(name)
	if err != nil {
		return nil, nil, err
	}
	speaks, err := newDialect(c.Prefix, d)
	if err != nil {
		return nil, nil, err
	}
	return speaks.reports(), speaks.commands(), nil
}

func (c Config) find(name string) (Device, error) {
	for _, d := range c.Devices {
		if d.Name == name {
			return d, nil
		}
	}
	return Device{}, errors.New("there is no device of that name")
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("plain data always encodes: " + err.Error())
	}
	return string(text)
}

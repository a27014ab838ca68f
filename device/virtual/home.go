package virtual

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/event"
)

// Kind is a make of device.
type Kind string

// Kinds of devices.
const (
	// Lock is a motor lock with a contact, as Home Assistant's MQTT lock.
	Lock Kind = "lock"
	// LobbyDoor is an electric strike without a contact: nothing it reports proves it shut.
	LobbyDoor Kind = "lobby-door"
	// Box is a fridge or parcel box whose spring lock falls shut, with a contact; it takes no command to lock.
	Box Kind = "box"
	// Garage is a garage door as Home Assistant's MQTT cover.
	Garage Kind = "garage"
	// ZigbeeLock is a lock with a keypad and a door sensor behind Zigbee2MQTT.
	ZigbeeLock Kind = "zigbee-lock"
	// RatgdoGarage is a garage door behind a ratgdo board.
	RatgdoGarage Kind = "ratgdo-garage"
)

// Config says where the home's devices connect to.
type Config struct {
	// URL of the broker, "mqtt://host:port" or "mqtts://host:port".
	URL string
	// TLS for mqtts; nil trusts the system's roots.
	TLS *tls.Config
	// Prefix begins all topics of the home, except those of discovery, so that homes can share a broker.
	Prefix  string
	Devices []Device
}

// Device describes one device of the home.
type Device struct {
	// Name is unique in the home: letters, digits, '-' and '_'.
	Name               string
	Kind               Kind
	Username, Password string
	// AutoLock is how long after falling shut it locks by itself; 0 is never. Without a contact it locks that
	// long after it was unlocked.
	AutoLock time.Duration
	// Travel is how long a garage door takes (default 50 ms, so that tests are quick).
	Travel time.Duration
	// Heartbeat is how often it says how it is, though nothing happened; 0 is never.
	Heartbeat time.Duration
	// Timestamps makes it report its own time: "ts" in a JSON object, or Zigbee2MQTT's "last_seen".
	Timestamps bool
	// CodeSlots is how many codes a keypad holds (default 10).
	CodeSlots int
}

// Home is a running home. Its methods, and those of its things, are safe for concurrent use.
type Home struct {
	things map[string]*Thing
	order  []string
}

// Start connects every device, and returns when all are there. The home runs until Close; the context bounds only
// the start.
func Start(ctx context.Context, cfg Config) (*Home, error) {
	target, err := url.Parse(cfg.URL)
	if err != nil || target.Host == "" {
		return nil, errors.New("the broker's address must look like mqtt://host:port")
	}
	home := &Home{things: map[string]*Thing{}}
	for _, d := range cfg.Devices {
		if err := home.add(cfg, target, d); err != nil {
			home.Close()
			return nil, fmt.Errorf("device %q: %w", d.Name, err)
		}
	}
	for _, name := range home.order {
		home.things[name].link.up()
	}
	for _, name := range home.order {
		if err := home.things[name].link.await(ctx); err != nil {
			home.Close()
			return nil, fmt.Errorf("device %q could not connect: %w", name, err)
		}
		home.things[name].live()
	}
	return home, nil
}

func (h *Home) add(cfg Config, target *url.URL, d Device) error {
	if h.things[d.Name] != nil {
		return errors.New("another device has that name")
	}
	thing, err := newThing(cfg, target, d)
	if err != nil {
		return err
	}
	h.things[d.Name] = thing
	h.order = append(h.order, d.Name)
	return nil
}

// Thing returns a device by its name; nil when there is none.
func (h *Home) Thing(name string) *Thing { return h.things[name] }

// Close disconnects all devices, and waits for it.
func (h *Home) Close() {
	var wg sync.WaitGroup
	for _, thing := range h.things {
		wg.Go(thing.close)
	}
	wg.Wait()
}

func checkName(name string) error {
	ok := name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
	if !ok {
		return errors.New("a name has letters, digits, '-' and '_'")
	}
	return nil
}

// Faults are the ways in which a device goes wrong. They hold from the next command or movement on.
type Faults struct {
	// Jam: the bolt sticks half-way at its next movements; a garage door reverses when closing.
	Jam bool
	// Ajar: the door does not fall shut when it is pulled; the bolt then moves in the open door.
	Ajar bool
	// Deaf: it accepts a command, says so, and does nothing.
	Deaf bool
	// Mute: it acts and says nothing.
	Mute bool
	// Refuse: it answers that it refuses to open (only where it can answer).
	Refuse bool
	// Lose is how many of its next reports are lost.
	Lose int
	// Duplicate: each report is sent twice.
	Duplicate bool
	// MotorDelay is how long it waits before it moves, unless it is hurried. It forgets a command whose expiry passes meanwhile.
	MotorDelay time.Duration
	// ActLate: it acts on a command even though its expiry has passed.
	ActLate bool
	// ReportDelay is how late each report is.
	ReportDelay time.Duration
	// ClockOffset is how wrong its clock is.
	ClockOffset time.Duration
	// KeepCodes: it accepts the removal of a code, and keeps the code.
	KeepCodes bool
}

// Command is one message on a command topic, as the device received it.
type Command struct {
	At      time.Time
	Topic   string
	Payload string
	// Permit is the user property "loquet-permit".
	Permit   event.PermitID
	Retained bool
	// Expiry is what is left of the message's life, in whole seconds; 0 when it has no end.
	Expiry time.Duration
	// Opens says whether it orders the device to open.
	Opens bool
}

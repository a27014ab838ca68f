package tesla

import (
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
)

// Opens is what a device on a car opens.
type Opens string

// Openings of a car.
const (
	// Trunk opens the rear trunk, and the doors stay locked.
	Trunk Opens = "trunk"
	// Cabin unlocks every door.
	Cabin Opens = "cabin"
)

// Config is one device on one car.
type Config struct {
	Device event.DeviceID `json:"device"`
	VIN    string         `json:"vin"`
	Opens  Opens          `json:"opens"`
	// Unproven accepts what the car did not sign: cars with software before 2024.38 don't sign what they answer. Their
	// grade is "reported".
	Unproven bool `json:"unproven,omitempty"`
	// Horizon is how long a report stays fresh, in milliseconds (default 60000).
	Horizon event.Millis `json:"horizon,omitempty"`
}

// lateness is how long after its deadline a command may still act: its signature ends (see signed), in the car's own
// clock of whole seconds.
const lateness = event.Millis(15_000)

// ParseConfig reads the JSON of a Config.
func ParseConfig(raw []byte) (Config, error) {
	var c Config
	if err := event.Strict(raw, &c); err != nil {
		return Config{}, errors.New(`the configuration of a Tesla is an object like {"device":"…","vin":"5YJ…","opens":"trunk"}`)
	}
	return c, c.check()
}

func (c Config) check() error {
	switch {
	case c.Device == "":
		return errors.New("the car's device has no identifier")
	case !vin.WellFormed(c.VIN):
		return errors.New("vin must be the 17 characters of a vehicle identification number")
	case c.Opens != Trunk && c.Opens != Cabin:
		return fmt.Errorf("opens must be %q or %q", Trunk, Cabin)
	case c.Horizon < 0:
		return errors.New("horizon must not be negative")
	}
	return nil
}

func (c Config) spec() event.Spec {
	s := event.Spec{
		Device: c.Device, Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeProven, Horizon: 60_000,
		Lateness: lateness, Reveals: event.RevealsTrunk, Locates: true, Wakes: true, Signals: true,
	}
	if c.Opens == Cabin {
		s.Reveals = event.RevealsCar
	}
	if c.Unproven {
		s.Grade = event.GradeReported
	}
	if c.Horizon > 0 {
		s.Horizon = c.Horizon
	}
	return s
}

package smartcar

import (
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
)

// Config describes one device in the register of devices. A car that may receive parcels in its trunk and in its cabin
// is two devices with one vehicle.
type Config struct {
	Device event.DeviceID `json:"device"`
	// Vehicle is Smartcar's identifier of the vehicle. User is that of the customer, which version 3 needs: it comes
	// back with the consent.
	Vehicle string `json:"vehicle"`
	User    string `json:"user,omitempty"`
	// Closure says what proves the car shut, where it isn't locks and openings: a car that says nothing of its doors
	// has locks only.
	Closure *event.Closure `json:"closure,omitempty"`
	// Horizon is how long an observation stays fresh (default 2 min), and Lateness how long after its deadline a
	// command may still act (default 310 s: Smartcar answers within 300; -1: nobody knows), in milliseconds.
	Horizon  event.Millis `json:"horizon,omitempty"`
	Lateness event.Millis `json:"lateness,omitempty"`
}

const (
	defaultHorizon  = 2 * event.Minute
	defaultLateness = 310 * event.Second
)

// ParseConfig decodes a configuration strictly, and checks it.
func ParseConfig(data []byte) (Config, error) {
	var cfg Config
	if err := event.Strict(data, &cfg); err != nil {
		return Config{}, fmt.Errorf("the car's configuration can't be read: %w", err)
	}
	if err := cfg.check(); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

func (cfg Config) check() error {
	switch {
	case cfg.Device == "":
		return errors.New("the car's device has no identifier")
	case !identifier(cfg.Vehicle) || cfg.User != "" && !identifier(cfg.User):
		return errors.New("the vehicle's or the user's identifier is not one of Smartcar's")
	case cfg.Horizon < 0 || cfg.Lateness < event.UnboundedLateness:
		return errors.New("the horizon and the lateness are milliseconds, not negative (a lateness of -1 is unbounded)")
	}
	return nil
}

// identifier says whether it is one of Smartcar's: letters, digits, hyphens and underscores.
func identifier(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

func (cfg Config) spec() event.Spec {
	s := event.Spec{
		Device: cfg.Device, Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported,
		Horizon: defaultHorizon, Lateness: defaultLateness, Reveals: event.RevealsCar, Locates: true,
	}
	if cfg.Closure != nil {
		s.Closure = *cfg.Closure
	}
	if cfg.Horizon != 0 {
		s.Horizon = cfg.Horizon
	}
	if cfg.Lateness != 0 {
		s.Lateness = cfg.Lateness
	}
	return s
}

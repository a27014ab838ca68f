package volvo

import (
	"errors"
	"fmt"
	"slices"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
)

// Config describes one device in the register of devices. A car that may receive parcels in its trunk and in its cabin
// is two devices with one VIN.
type Config struct {
	Device event.DeviceID `json:"device"`
	VIN    string         `json:"vin"`
	// Signals are how the car lets itself be found (default: flash and honk); an empty list is none. Account.Commands
	// tells.
	Signals *[]device.Signal `json:"signals,omitempty"`
	// Closure says what proves the car shut, where it isn't locks and openings.
	Closure *event.Closure `json:"closure,omitempty"`
	// Horizon is how long an observation stays fresh (default 2 min), and Lateness how long after its deadline a
	// command may still act (default 3 min, until the car gets it: the time for which its handle is then free comes on top;
	// nobody publishes how long that takes; -1: nobody knows), in milliseconds.
	Horizon  event.Millis `json:"horizon,omitempty"`
	Lateness event.Millis `json:"lateness,omitempty"`
}

const (
	defaultHorizon  = 2 * event.Minute
	defaultLateness = 3 * event.Minute
	// Window is for how long at most the trunk's handle is free.
	Window = 120 * event.Second
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
	strange := func(s device.Signal) bool { return s != device.SignalFlash && s != device.SignalHonk }
	switch {
	case cfg.Device == "":
		return errors.New("the car's device has no identifier")
	case !vin.WellFormed(cfg.VIN):
		return errors.New("the vehicle identification number must have 17 capitals and digits, without I, O and Q")
	case slices.ContainsFunc(cfg.signals(), strange):
		return errors.New("a car flashes or honks; there are no other signals")
	case cfg.Horizon < 0 || cfg.Lateness < event.UnboundedLateness:
		return errors.New("the horizon and the lateness are milliseconds, not negative (a lateness of -1 is unbounded)")
	}
	return nil
}

func (cfg Config) signals() []device.Signal {
	if cfg.Signals == nil {
		return []device.Signal{device.SignalFlash, device.SignalHonk}
	}
	return *cfg.Signals
}

func (cfg Config) spec() event.Spec {
	s := event.Spec{
		Device: cfg.Device, Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported,
		Horizon: defaultHorizon, Lateness: defaultLateness, Reveals: event.RevealsHandle, Window: Window,
		Locates: true, Signals: len(cfg.signals()) > 0,
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

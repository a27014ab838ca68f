package volvo

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// vehicle is one car's cloud, and the devices on it.
type vehicle struct {
	account *Account
	vin     string
	shared  *remotecar.Vehicle
}

// car is a device: it opens, locks, reads, watches and locates.
type car struct {
	*remotecar.Car
	vehicle *vehicle
}

// signaller is a car that can also be found.
type signaller struct {
	car
	signals []device.Signal
}

var (
	_ device.Opener    = car{}
	_ device.Securer   = car{}
	_ device.Reader    = car{}
	_ device.Watcher   = car{}
	_ device.Locator   = car{}
	_ device.Signaller = signaller{}
)

// Device makes a device of its configuration.
func (a *Account) Device(cfg Config) (device.Device, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Lateness = cmp.Or(cfg.Lateness, a.app.cfg.Lateness)
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.vehicles[cfg.VIN]
	if v == nil {
		v = &vehicle{account: a, vin: cfg.VIN}
		v.shared = remotecar.NewVehicle(v, a.app.cfg.Vehicle)
		a.vehicles[cfg.VIN] = v
	}
	c := car{v.shared.Device(cfg.spec(), a.app.cfg.Log), v}
	if signals := cfg.signals(); len(signals) > 0 {
		return signaller{c, signals}, nil
	}
	return c, nil
}

// ask asks for something about the car.
func (v *vehicle) ask(ctx context.Context, path ...string) (maker.Answer, error) {
	call := maker.Call{Method: http.MethodGet, Path: path}
	call.Purpose, call.Vehicle = device.PurposeOf(ctx), v.vin
	answer, err := v.account.do(ctx, v.account.app.asks, call)
	if err != nil {
		_, err = explain("", err)
	}
	return answer, err
}

// AskTakes is how many calls it takes to ask a car how it stands.
const AskTakes = 2

// Ask asks whether the car can be reached, and for its locks and openings.
func (v *vehicle) Ask(ctx context.Context) (remotecar.Said, error) {
	answer, err := v.ask(ctx, conve(v.vin, "command-accessibility")...)
	if err != nil {
		return remotecar.Said{}, err
	}
	if err := parseAccessibility(answer.Body); err != nil {
		return remotecar.Said{}, err
	}
	if answer, err = v.ask(ctx, conve(v.vin, "doors")...); err != nil {
		return remotecar.Said{}, err
	}
	return parseDoors(answer.Body)
}

// Unlock frees the trunk's handle.
func (v *vehicle) Unlock(ctx context.Context, just func() error) (event.Outcome, error) {
	return v.command(ctx, unlock, device.Opening, just)
}

// Lock locks everything.
func (v *vehicle) Lock(ctx context.Context, just func() error) (event.Outcome, error) {
	return v.command(ctx, lock, device.Securing, just)
}

func (v *vehicle) command(ctx context.Context, c command, purpose device.Purpose, just func() error) (event.Outcome, error) {
	call := maker.Call{Method: http.MethodPost, Path: conve(v.vin, "commands", string(c)), JSON: []byte("{}"), Just: just}
	call.Purpose, call.Vehicle, call.Kind = purpose, v.vin, kindCommand
	answer, err := v.account.do(ctx, v.account.app.commands, call)
	if err != nil {
		return explain(c, err)
	}
	return parseInvoked(c, answer.Body)
}

// Locate asks where the car stood at the end of its last trip, and whether its engine runs since.
func (c car) Locate(ctx context.Context) (device.Located, error) {
	v := c.vehicle
	answer, err := v.ask(ctx, "location", "v1", "vehicles", v.vin, "location")
	if err != nil {
		return device.Located{}, err
	}
	located, err := parsePlace(answer.Body, answer.At)
	if err != nil {
		return device.Located{}, err
	}
	if answer, err = v.ask(ctx, conve(v.vin, "engine-status")...); err == nil {
		located.Motion = parseEngine(answer.Body)
	}
	return located, nil
}

// Signals are those of the configuration.
func (s signaller) Signals() []device.Signal { return append([]device.Signal(nil), s.signals...) }

// Signal flashes or honks. Done means that it was accepted.
func (s signaller) Signal(ctx context.Context, signal device.Signal) (event.Outcome, error) {
	what := map[device.Signal]command{device.SignalFlash: flash, device.SignalHonk: honk}[signal]
	if what == "" {
		return event.NotDone, fmt.Errorf("%w: there is no signal %q", device.ErrRefused, signal)
	}
	outcome, err := s.vehicle.command(ctx, what, device.Seeking, nil)
	if outcome == event.Unknown && err == nil {
		return event.Done, nil
	}
	return outcome, err
}

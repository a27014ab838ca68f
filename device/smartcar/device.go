package smartcar

import (
	"context"
	"fmt"
	"sync"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// vehicle is one vehicle's cloud, and the devices on it.
type vehicle struct {
	app     *App
	cfg     Config // of its first device: the identifiers
	consent *maker.Consent
	shared  *remotecar.Vehicle
	stand   stand

	mu sync.Mutex
	// has is what the car is known to have; asked says whether it was told so by an answer, and not by webhooks alone.
	has   named
	asked bool
}

// car is a device: it opens, locks, reads, watches and locates.
type car struct {
	*remotecar.Car
	vehicle *vehicle
}

var (
	_ device.Opener  = car{}
	_ device.Securer = car{}
	_ device.Reader  = car{}
	_ device.Watcher = car{}
	_ device.Locator = car{}
)

// Device makes a device of its configuration, in the name of the customer who consented (nil in version 3, where the
// configuration names the user). All devices of one vehicle must have the same consent.
func (a *App) Device(cfg Config, consent *maker.Consent) (device.Device, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if (a.cfg.Version == V3) != (cfg.User != "" && consent == nil) || a.cfg.Version == V2 && consent == nil {
		return nil, fmt.Errorf("version %s needs %s", a.cfg.Version, map[Version]string{V2: "a consent", V3: "the user's identifier"}[a.cfg.Version])
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.vehicles[cfg.Vehicle]
	if v == nil || v.consent != consent || v.cfg.User != cfg.User {
		v = &vehicle{app: a, cfg: cfg, consent: consent, has: named{}}
		v.shared = remotecar.NewVehicle(v, a.cfg.Vehicle)
		a.vehicles[cfg.Vehicle] = v
	}
	return car{v.shared.Device(cfg.spec(), a.cfg.Log), v}, nil
}

// Forget ends what is known of a vehicle: webhooks of it reach nobody any more.
func (a *App) Forget(vehicle string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.vehicles, vehicle)
}

// Ask asks for the locks and openings.
func (v *vehicle) Ask(ctx context.Context) (remotecar.Said, error) {
	call := v.app.dialect.state(v.cfg)
	call.Purpose, call.Vehicle = device.PurposeOf(ctx), v.cfg.Vehicle
	answer, err := v.app.do(ctx, v.app.asks, v.consent, call)
	if err != nil {
		_, err = explain(err)
		return remotecar.Said{}, err
	}
	s, err := v.app.dialect.parseState(answer)
	if err != nil {
		return remotecar.Said{}, err
	}
	return v.read(s), nil
}

// Unlock unlocks the whole car.
func (v *vehicle) Unlock(ctx context.Context, just func() error) (event.Outcome, error) {
	return v.command(ctx, false, device.Opening, just)
}

// Lock locks the whole car.
func (v *vehicle) Lock(ctx context.Context, just func() error) (event.Outcome, error) {
	return v.command(ctx, true, device.Securing, just)
}

func (v *vehicle) command(ctx context.Context, lock bool, purpose device.Purpose, just func() error) (event.Outcome, error) {
	call := v.app.dialect.command(v.cfg, lock)
	call.Purpose, call.Vehicle, call.Just = purpose, v.cfg.Vehicle, just
	answer, err := v.app.do(ctx, v.app.commands, v.consent, call)
	if err != nil {
		return explain(err)
	}
	return v.app.dialect.parseCommand(answer)
}

// Locate asks where the car stands. Whether it moves is known of the version that tells, else of two positions.
func (c car) Locate(ctx context.Context) (device.Located, error) {
	v := c.vehicle
	call := v.app.dialect.place(v.cfg)
	call.Purpose, call.Vehicle = device.PurposeOf(ctx), v.cfg.Vehicle
	answer, err := v.app.do(ctx, v.app.asks, v.consent, call)
	if err != nil {
		_, err = explain(err)
		return device.Located{}, err
	}
	located, err := v.app.dialect.parsePlace(answer)
	if err == nil && located.Motion == "" {
		located.Motion = v.stand.motion(located)
	}
	return located, err
}

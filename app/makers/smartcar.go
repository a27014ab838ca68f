package makers

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/event"
)

// Smartcar is a carlink.Maker and a carlink.Checker.
type Smartcar struct {
	app *smartcar.App

	mu sync.Mutex
	// vins are those of vehicles that permit what is needed: requests are few, and neither changes.
	vins map[string]string
}

// NewSmartcar is the application at Smartcar.
func NewSmartcar(app *smartcar.App) *Smartcar {
	return &Smartcar{app: app, vins: make(map[string]string)}
}

var smartcarOpens = []carlink.Opening{{Is: event.Trunk, Reveals: event.RevealsCar}, {Is: event.Cabin, Reveals: event.RevealsCar}}

// About says what cars at Smartcar can do: unlocking opens the whole car.
func (*Smartcar) About() carlink.About {
	return carlink.About{Title: "Smartcar", Opens: smartcarOpens}
}

// Office is where customers consent.
func (m *Smartcar) Office() *maker.Office { return m.app.Office() }

// Vehicles asks for the vehicles that were shared.
func (m *Smartcar) Vehicles(ctx context.Context, by carlink.Consented) ([]carlink.Vehicle, error) {
	ids, err := m.app.Vehicles(ctx, by.Consent)
	if err != nil {
		return nil, err
	}
	all := make([]carlink.Vehicle, len(ids))
	for i, id := range ids {
		if all[i], err = m.vehicle(ctx, by, id); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// vehicle asks whether one that was shared permits what is needed, and for its VIN, until both were told once.
func (m *Smartcar) vehicle(ctx context.Context, by carlink.Consented, id string) (carlink.Vehicle, error) {
	one := carlink.Vehicle{Ref: id, Opens: smartcarOpens}
	m.mu.Lock()
	one.VIN = m.vins[id]
	m.mu.Unlock()
	if one.VIN != "" {
		return one, nil
	}
	missing, err := m.app.Missing(ctx, by.Consent, id)
	if err != nil {
		return one, err
	}
	if slices.Contains(missing, "read_vin") {
		one.Lacks = carlink.LacksCommands
		return one, nil
	}
	if one.VIN, err = m.app.VIN(ctx, by.Consent, id); err != nil {
		return one, err
	}
	if len(missing) > 0 {
		one.Lacks = carlink.LacksCommands
		return one, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.vins[id] = one.VIN
	return one, nil
}

// Compatible asks Smartcar, which judges by make and model.
func (m *Smartcar) Compatible(ctx context.Context, vin, country string) (bool, error) {
	c, err := m.app.Compatible(ctx, vin, country)
	return c.Compatible && len(c.Missing) == 0, err
}

// Device makes the device of a trunk or of a cabin; what opens is the whole car.
func (m *Smartcar) Device(by carlink.Consented, c carlink.Chosen) (device.Device, error) {
	return m.app.Device(smartcar.Config{Device: c.Device, Vehicle: c.Ref}, by.Consent)
}

// Leave ends the application's access at Smartcar, where that is done for each vehicle.
func (m *Smartcar) Leave(ctx context.Context, by carlink.Consented, ref string) error {
	refs := []string{ref}
	if ref == "" {
		var err error
		if refs, err = m.app.Vehicles(ctx, by.Consent); err != nil {
			return err
		}
	}
	var err error
	for _, r := range refs {
		err = errors.Join(err, m.app.Disconnect(ctx, by.Consent, r))
		m.forget(r)
	}
	return err
}

func (m *Smartcar) forget(ref string) {
	m.app.Forget(ref)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.vins, ref)
}

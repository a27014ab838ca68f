package makers

import (
	"context"
	"errors"
	"maps"
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
	vins map[shared]string
}

// shared is a vehicle, by Smartcar's name, that a consent covers.
type shared struct {
	by  *maker.Consent
	ref string
}

// NewSmartcar is the application at Smartcar.
func NewSmartcar(app *smartcar.App) *Smartcar {
	return &Smartcar{app: app, vins: make(map[shared]string)}
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
	one.VIN = m.vins[shared{by.Consent, id}]
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
	m.vins[shared{by.Consent, id}] = one.VIN
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

// Leave ends the application's access at Smartcar, where that is done for each vehicle. Whatever becomes of that, nothing
// of them is left here.
func (m *Smartcar) Leave(ctx context.Context, by carlink.Consented, ref string) (err error) {
	refs := []string{ref}
	if ref == "" {
		refs, err = m.covered(ctx, by)
		defer m.forgetAll(by)
	}
	for _, r := range refs {
		err = errors.Join(err, m.app.Disconnect(ctx, by.Consent, r))
		m.forget(by, r)
	}
	return err
}

// covered are the vehicles that a consent covers, or those that were chosen where Smartcar does not say. Who withdraws does
// not wait for those who only look, as in Disconnect.
func (m *Smartcar) covered(ctx context.Context, by carlink.Consented) ([]string, error) {
	refs, err := m.app.Vehicles(device.For(ctx, device.Watching), by.Consent)
	if err != nil {
		return by.Cars, err
	}
	return refs, nil
}

func (m *Smartcar) forget(by carlink.Consented, ref string) {
	m.app.Forget(ref)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.vins, shared{by.Consent, ref})
}

// forgetAll forgets what was learned under a consent, of vehicles too that Smartcar does not list any more.
func (m *Smartcar) forgetAll(by carlink.Consented) {
	for _, ref := range by.Cars {
		m.app.Forget(ref)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.vins, func(s shared, _ string) bool { return s.by == by.Consent })
}

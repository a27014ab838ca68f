package carlink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/vin"
)

// Seen is a vehicle as the maker lists it now.
type Seen struct {
	Vehicle
	// ID is the household's own name for it; it says nothing of the vehicle.
	ID string
	// Devices are those that the household chose.
	Devices []Reserved
	// Taken says that it is connected for another household, or in another way.
	Taken bool
}

// Vehicles asks the maker what the household's consent covers. Errors: ErrMaker, ErrNoConsent, and those of package device.
func (l *Links) Vehicles(ctx context.Context, at event.SiteID, name string) ([]Seen, error) {
	k := key{at, name}
	o, vehicles, err := l.listed(ctx, k)
	if err != nil {
		return nil, err
	}
	seen := make([]Seen, len(vehicles))
	for i, v := range vehicles {
		s := Seen{Vehicle: v}
		if why := l.unfit(name, v); why != "" {
			s.Lacks = why // whatever else it lacks can't help it
		}
		if s.ID, err = l.vehicleID(ctx, at, v.VIN); err != nil {
			return nil, err
		}
		holder, held, err := l.holder(ctx, v.VIN)
		if err != nil {
			return nil, err
		}
		s.Taken = held && holder != k.String()
		if n := indexOf(o.Cars, s.ID); n >= 0 {
			s.Devices = o.Cars[n].Devices
		}
		seen[i] = s
	}
	return seen, nil
}

// unfit says why no car of such a make, model and year can be connected at a maker, by what the maker itself tells of it;
// "" if it can.
func (l *Links) unfit(name string, v Vehicle) Lack {
	number, err := vin.Parse(v.VIN)
	if err != nil {
		return LacksKnown
	}
	kind := number.Car(l.Now().Year())
	if v.Year != 0 {
		kind.Year = v.Year
	}
	ways, why := vin.Ways(kind)
	switch {
	case slices.ContainsFunc(ways, func(w vin.Way) bool { return string(w.Connector) == name }):
		return ""
	case why == vin.TooOld:
		return LacksYear
	}
	return LacksKnown
}

func indexOf(cars []car, id string) int {
	return slices.IndexFunc(cars, func(c car) bool { return c.ID == id })
}

// listed asks the maker. That it refuses the consent is noted, and told to the household.
func (l *Links) listed(ctx context.Context, k key) (owned, []Vehicle, error) {
	mk := l.Makers[k.maker]
	if mk == nil {
		return owned{}, nil, ErrMaker
	}
	_, o, err := l.read(ctx, k)
	if err != nil {
		return o, nil, err
	}
	vehicles, err := mk.Vehicles(ctx, l.consented(k, o))
	if errors.Is(err, device.ErrRevoked) {
		l.gone(ctx, k)
	}
	return o, vehicles, err
}

// vehicleID names a vehicle for one household: in addresses, logs and the register of devices, where no VIN may stand.
func (l *Links) vehicleID(ctx context.Context, at event.SiteID, number string) (string, error) {
	c, err := l.Vault.Commit(ctx, at, "vehicle", number)
	if err != nil {
		return "", err
	}
	return string(c)[:16], nil
}

// Choose makes devices of what a vehicle shall open, reserved for the household. What was chosen before stays chosen, and
// its devices are the same. Errors: ErrVehicle, ErrLacking, ErrTaken, and those of Vehicles.
func (l *Links) Choose(ctx context.Context, at event.SiteID, name, id string, opens []event.BarrierKind) (Seen, error) {
	k := key{at, name}
	all, err := l.Vehicles(ctx, at, name)
	if err != nil {
		return Seen{}, err
	}
	i := slices.IndexFunc(all, func(s Seen) bool { return s.ID == id })
	switch {
	case i < 0 || len(opens) == 0 || !all[i].can(opens):
		return Seen{}, ErrVehicle
	case all[i].Taken:
		return Seen{}, ErrTaken
	case all[i].Lacks != "":
		return Seen{}, ErrLacking
	}
	seen := all[i]
	if err := l.claim(ctx, k, seen.VIN); err != nil {
		return Seen{}, err
	}
	chosen, err := l.keepChosen(ctx, k, seen, opens)
	if err != nil {
		if len(seen.Devices) == 0 && !errors.Is(err, store.ErrUncertain) {
			err = errors.Join(err, l.release(ctx, k, seen.VIN))
		}
		return Seen{}, err
	}
	seen.Devices = chosen
	return seen, l.reserve(ctx, k, seen)
}

func (v Vehicle) can(opens []event.BarrierKind) bool {
	for _, is := range opens {
		if !slices.ContainsFunc(v.Opens, func(o Opening) bool { return o.Is == is }) {
			return false
		}
	}
	return true
}

// keepChosen writes down what was chosen before any device is reserved: a connector makes only what stands here.
func (l *Links) keepChosen(ctx context.Context, k key, s Seen, opens []event.BarrierKind) (devices []Reserved, err error) {
	err = l.change(ctx, k, func(_ *connection, o *owned) error {
		n := indexOf(o.Cars, s.ID)
		if n < 0 {
			o.Cars, n = append(o.Cars, car{ID: s.ID, VIN: s.VIN}), len(o.Cars)
		}
		c := &o.Cars[n]
		c.Ref, c.Model, c.Year, c.Extra = s.Ref, s.Model, s.Year, s.Extra
		for _, is := range opens {
			if slices.ContainsFunc(c.Devices, func(d Reserved) bool { return d.Is == is }) {
				continue
			}
			drawn, err := l.draw(12)
			if err != nil {
				return err
			}
			c.Devices = append(c.Devices, Reserved{event.DeviceID(string(k.site) + "." + drawn), is})
		}
		devices = slices.Clone(c.Devices)
		return nil
	})
	return devices, err
}

// reserve registers the devices that are not there yet.
func (l *Links) reserve(ctx context.Context, k key, s Seen) error {
	raw, err := json.Marshal(config{k.site, s.ID})
	if err != nil {
		return fmt.Errorf("carlink: %w", err)
	}
	for _, d := range s.Devices {
		if _, there := l.fleet.Device(d.Device); there {
			continue
		}
		_, err := l.fleet.Add(ctx, fleet.Record{ID: d.Device, Site: k.site, Connector: k.maker, Config: raw})
		if err != nil && !errors.Is(err, fleet.ErrTaken) { // taken by the same request, sent twice at once
			return err
		}
	}
	return nil
}

// Part takes a vehicle out again: the site is told, and its devices are forgotten. The consent stands. Errors: ErrMaker,
// ErrNoConsent, ErrVehicle, those of Sites, with which nothing has changed, and the store's; it may be repeated.
func (l *Links) Part(ctx context.Context, at event.SiteID, name, id string) error {
	k := key{at, name}
	if l.Makers[name] == nil {
		return ErrMaker
	}
	_, o, err := l.read(ctx, k)
	if err != nil {
		return err
	}
	n := indexOf(o.Cars, id)
	if n < 0 {
		return ErrVehicle
	}
	c := o.Cars[n]
	if err := l.forgetDevices(ctx, at, []car{c}); err != nil {
		return err
	}
	if err := l.Makers[name].Leave(ctx, l.consented(k, o), c.Ref); err != nil {
		l.Log.WarnContext(ctx, "a maker was not told that a car was taken out", slog.String("maker", name), slog.Any("error", err))
	}
	if err := l.release(ctx, k, c.VIN); err != nil {
		return err
	}
	return l.change(ctx, k, func(_ *connection, o *owned) error {
		o.Cars = slices.DeleteFunc(o.Cars, func(x car) bool { return x.ID == id })
		return nil
	})
}

// claim reserves a VIN for one connection of one household.
func (l *Links) claim(ctx context.Context, k key, number string) error {
	id, err := l.claimID(ctx, number)
	if err != nil {
		return err
	}
	err = l.put(ctx, store.Record{Kind: claimKind, ID: id}, k.String())
	if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrUncertain) {
		return err
	}
	switch holder, held, again := l.holder(ctx, number); {
	case again != nil:
		return again
	case !held:
		return err
	case holder != k.String():
		return ErrTaken
	}
	return nil
}

// claimID commits to a VIN under the installation's own key: the same for every household.
func (l *Links) claimID(ctx context.Context, number string) (string, error) {
	c, err := l.Vault.Commit(ctx, vault.Own, "vin", number)
	return string(c), err
}

// holder is whose a VIN is.
func (l *Links) holder(ctx context.Context, number string) (holder string, held bool, err error) {
	id, err := l.claimID(ctx, number)
	if err != nil {
		return "", false, err
	}
	r, err := l.Register.Get(ctx, claimKind, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if err := json.Unmarshal(r.Data, &holder); err != nil {
		return "", false, fmt.Errorf("carlink: a claim: %w", err)
	}
	return holder, true, nil
}

// release gives a VIN back, if it is this connection's.
func (l *Links) release(ctx context.Context, k key, number string) error {
	holder, held, err := l.holder(ctx, number)
	if err != nil || !held || holder != k.String() {
		return err
	}
	id, err := l.claimID(ctx, number)
	if err != nil {
		return err
	}
	return l.discard(ctx, claimKind, id)
}

package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// PartCars is the household's word that it takes cars out, or withdraws its consent at their maker, by their devices. It
// is one decision: no visit needs them now, and none opens them after it. Errors: ErrVisited.
type PartCars struct{ Devices []event.DeviceID }

func (r PartCars) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	for _, v := range t.Visits {
		if slices.ContainsFunc(v.Steps, func(p Step) bool { return t.isOf(p.Barrier, r.Devices) }) {
			return ErrVisited
		}
	}
	for _, ap := range t.carsOf(r.Devices) {
		if !ap.Car.Parted {
			t.say(event.VehicleFound{AccessPoint: ap.ID, Code: event.CarRevoked,
				Seen: event.Sighting{AskedAt: t.at, Fault: event.VehicleParted, FromSpot: event.SpotUnknown, Age: event.AgeUnknown}})
		}
	}
	return nil
}

// RegainCars says that a consent at a maker was given again: cars that were not found for want of it are looked for, so
// that nobody is told any more that it is gone.
type RegainCars struct{ Devices []event.DeviceID }

func (r RegainCars) decide(t *turn) error {
	if err := t.allow(event.ActorSystem); err != nil {
		return err
	}
	for _, ap := range t.carsOf(r.Devices) {
		if ap.Car.Code == event.CarRevoked && !ap.Car.Parted && !ap.Car.Look.pending(t.at) {
			t.say(event.VehicleSought{AccessPoint: ap.ID, Round: event.RoundConsent})
		}
	}
	return nil
}

// carsOf are the access points that are cars with one of the devices.
func (s State) carsOf(devices []event.DeviceID) []AccessPoint {
	var cars []AccessPoint
	for _, ap := range s.AccessPoints {
		if ap.IsVehicle() && s.isOf(ap.WayIn[0].Barrier, devices) {
			cars = append(cars, ap)
		}
	}
	return cars
}

func (s State) isOf(b event.BarrierID, devices []event.DeviceID) bool {
	known, ok := find(s.Barriers, b)
	return ok && slices.Contains(devices, known.Spec.Device)
}

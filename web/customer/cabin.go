package customer

import (
	"context"
	"slices"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// unfit is what becomes of a parcel that does not fit into a trunk: plan B, of which the car's cabin is a step only where
// the household made it a place, and named it there.
type unfit struct {
	// steps are those of plan B, in order.
	steps string
	// said is how the cabin stands to it, and do the next thing to do about that, at href; "" for nothing.
	said, do, href string
}

// unfitOf is what to say of a place; nil for one that is no car's.
func (h *household) unfitOf(ctx context.Context, ap api.AccessPoint, makers []api.CarMaker) *unfit {
	switch h.leadsTo(ap.ID) {
	case event.Trunk:
		return h.unfitTrunk(ctx, ap, makers)
	case event.Cabin:
		u := &unfit{said: words.T(ctx, "unfit.here")}
		if !h.planBNames(ap.ID) {
			u.said, u.do, u.href = words.T(ctx, "unfit.unnamed", "cabin", h.placeName(ap.ID)), words.T(ctx, "unfit.name"), "/home/rules"
		}
		return u
	default:
		return nil
	}
}

func (h *household) unfitTrunk(ctx context.Context, ap api.AccessPoint, makers []api.CarMaker) *unfit {
	u := &unfit{steps: h.planBSteps(ctx, ap.ID, true)}
	cabins := slices.DeleteFunc(slices.Clone(h.AccessPoints), func(p api.AccessPoint) bool { return h.leadsTo(p.ID) != event.Cabin })
	named := slices.ContainsFunc(cabins, func(p api.AccessPoint) bool { return h.planBNames(p.ID) })
	href := h.cabinPath(ap, makers)
	switch {
	case named:
	case href != "":
		u.said, u.do, u.href = words.T(ctx, "unfit.cabin"), words.T(ctx, "unfit.setUp"), href
	case len(cabins) > 0:
		u.said, u.do, u.href = words.T(ctx, "unfit.unnamed", "cabin", h.placeName(cabins[0].ID)), words.T(ctx, "unfit.name"), "/home/rules"
	}
	return u
}

func (h *household) planBNames(id event.AccessPointID) bool {
	return slices.ContainsFunc(h.Rules.PlanB, func(f api.Fallback) bool { return f.AccessPoint == id })
}

// cabinPath is where the cabin of a trunk's car is set up, or its setting-up goes on; "" where its maker opens none, where
// nobody here consented at one, and where it is set up.
func (h *household) cabinPath(ap api.AccessPoint, makers []api.CarMaker) string {
	trunk, _ := h.barrier(ap.WayIn[len(ap.WayIn)-1].Barrier)
	for _, m := range makers {
		car, ok := carOf(m, trunk.Device)
		if !ok || m.Consent.LostAt != 0 || !slices.ContainsFunc(m.Opens, func(o api.CarOpening) bool { return o.Is == event.Cabin }) {
			continue
		}
		if d, chosen := found(car.Devices, func(d api.CarDevice) bool { return d.Is == event.Cabin }); chosen {
			return h.goOnWith(d)
		}
		return makerPath(m.Maker)
	}
	return ""
}

// carOf is the car at a maker that a device is on.
func carOf(m api.CarMaker, id event.DeviceID) (api.ChosenCar, bool) {
	if m.Consent == nil {
		return api.ChosenCar{}, false
	}
	return found(m.Consent.Cars, func(c api.ChosenCar) bool {
		return slices.ContainsFunc(c.Devices, func(d api.CarDevice) bool { return d.Device == id })
	})
}

// goOnWith is where the setting-up of a chosen car's device goes on; "" once it is a place.
func (h *household) goOnWith(d api.CarDevice) string {
	b, ok := found(h.Barriers, func(b api.Barrier) bool { return b.Device == d.Device })
	placed := func(ap api.AccessPoint) bool { return ap.WayIn[len(ap.WayIn)-1].Barrier == b.ID }
	switch {
	case !ok:
		return proofPath(d.Is, d.Device)
	case !b.Enrolled:
		return "/home/barriers/" + string(b.ID)
	case !slices.ContainsFunc(h.AccessPoints, placed):
		return "/home/places/new/where?barrier=" + string(b.ID)
	}
	return ""
}

// planBSteps are the steps of plan B for what was to go to a place; the depot is always the last, and only a car has a
// reference address: the first, where nothing was chosen.
func (h *household) planBSteps(ctx context.Context, from event.AccessPointID, car bool) string {
	var steps []string
	if car && len(h.Rules.PlanB) == 0 {
		steps = append(steps, h.lang.Fallback(event.FallbackReference))
	}
	for _, f := range h.Rules.PlanB {
		if f.Kind == event.FallbackAccessPoint && f.AccessPoint == from || f.Kind == event.FallbackReference && !car {
			continue
		}
		steps = append(steps, h.fallbackSaid(ctx, f))
	}
	if !h.endsAtDepot() {
		steps = append(steps, h.lang.Fallback(event.FallbackDepot))
	}
	return strings.Join(steps, words.T(ctx, "rules.then")+" ")
}

// fallbackPlace is a place as a step of plan B, with what it lays open where that is more than the place.
func (h *household) fallbackPlace(ctx context.Context, id event.AccessPointID) string {
	if ap, _ := h.place(id); ap.Car != nil && ap.Car.Reveals == event.RevealsCar {
		return words.T(ctx, "unfit.whole", "place", h.placeName(id))
	}
	return h.placeName(id)
}

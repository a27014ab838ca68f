package customer_test

import (
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/customer"
)

// garage is a home with a car, whose cabin is a place too if that is said.
func garage(cabin bool, planB ...api.Fallback) api.Home {
	place := func(id event.AccessPointID, name string, b event.BarrierID, reveals event.Reveals) api.AccessPoint {
		return api.AccessPoint{ID: id, Name: name, WayIn: []event.BarrierRef{{Barrier: b}}, Car: &api.HomeCar{VehicleTerms: api.VehicleTerms{Reveals: reveals}}}
	}
	home := api.Home{Barriers: []api.Barrier{{ID: "h-b1", Is: event.Trunk, Device: "h.trunk", Enrolled: true}, {ID: "h-b3", Is: event.FrontDoor, Device: "h.front"}},
		AccessPoints: []api.AccessPoint{place("h-a1", "Boot", "h-b1", event.RevealsTrunk), {ID: "h-a3", Name: "Hall", WayIn: []event.BarrierRef{{Barrier: "h-b3"}}}}}
	if cabin {
		home.Barriers = append(home.Barriers, api.Barrier{ID: "h-b2", Is: event.Cabin, Device: "h.cabin", Enrolled: true})
		home.AccessPoints = append(home.AccessPoints, place("h-a2", "Seats", "h-b2", event.RevealsCar))
	}
	home.Rules.PlanB = planB
	return home
}

// consented is a maker at which the household chose its car, with those devices of it.
func consented(opens []event.BarrierKind, devices ...api.CarDevice) api.CarMaker {
	m := api.CarMaker{Maker: "tesla", Consent: &api.CarConsent{Cars: []api.ChosenCar{{Vehicle: "v1", Devices: devices}}}}
	for _, is := range opens {
		m.Opens = append(m.Opens, api.CarOpening{Is: is})
	}
	return m
}

// What does not fit into the trunk leads to the cabin only where that can help, and says what allowing it means.
func TestTheCabinIsFound(t *testing.T) {
	both := []event.BarrierKind{event.Trunk, event.Cabin}
	trunk, cabin := api.CarDevice{Device: "h.trunk", Is: event.Trunk}, api.CarDevice{Device: "h.cabin", Is: event.Cabin}
	neighbour := api.Fallback{Kind: event.FallbackNeighbour, Who: "Mr Petit"}
	seats := api.Fallback{Kind: event.FallbackAccessPoint, AccessPoint: "h-a2"}
	worked := garage(false)
	worked.Barriers = append(worked.Barriers, api.Barrier{ID: "h-b2", Is: event.Cabin, Device: "h.cabin", Enrolled: true})
	unworked := garage(false)
	unworked.Barriers = append(unworked.Barriers, api.Barrier{ID: "h-b2", Is: event.Cabin, Device: "h.cabin"})
	lost := consented(both, trunk)
	lost.Consent.LostAt = 1
	const allow, unnamed = "if you allow that: the whole car is unlocked", "Plan B does not name this place: Seats."
	for name, x := range map[string]struct {
		home              api.Home
		makers            []api.CarMaker
		steps, said, href string
	}{
		"no maker is known":            {garage(false, neighbour), nil, "Mr Petit, then Back to the depot", "", ""},
		"its maker opens no cabin":     {garage(false), []api.CarMaker{consented(both[:1], trunk)}, "In person, at the reference address, then Back to the depot", "", ""},
		"its maker opens cabins":       {garage(false), []api.CarMaker{consented(both, trunk)}, "In person, at the reference address, then Back to the depot", allow, "/home/cars/tesla"},
		"another car's maker does":     {garage(false), []api.CarMaker{consented(both, api.CarDevice{Device: "x.trunk", Is: event.Trunk})}, "In person, at the reference address, then Back to the depot", "", ""},
		"its maker does not accept us": {garage(false), []api.CarMaker{lost}, "In person, at the reference address, then Back to the depot", "", ""},
		"nobody consented":             {garage(false), []api.CarMaker{{Maker: "tesla", Opens: consented(both).Opens}}, "In person, at the reference address, then Back to the depot", "", ""},
		"chosen, and no barrier":       {garage(false), []api.CarMaker{consented(both, trunk, cabin)}, "In person, at the reference address, then Back to the depot", allow, "/home/places/new/proof?"},
		"not worked by hand":           {unworked, []api.CarMaker{consented(both, trunk, cabin)}, "In person, at the reference address, then Back to the depot", allow, "/home/barriers/h-b2"},
		"worked, and no place":         {worked, []api.CarMaker{consented(both, trunk, cabin)}, "In person, at the reference address, then Back to the depot", allow, "/home/places/new/where?barrier=h-b2"},
		"a place that is not named":    {garage(true, neighbour), []api.CarMaker{consented(both, trunk, cabin)}, "Mr Petit, then Back to the depot", unnamed, "/home/rules"},
		"named":                        {garage(true, seats, neighbour), []api.CarMaker{consented(both, trunk, cabin)}, "Seats (the whole car is unlocked), then Mr Petit, then Back to the depot", "", ""},
	} {
		steps, said, href, ok := customer.Unfit(t.Context(), x.home, "h-a1", x.makers...)
		if !ok || steps != x.steps || (x.said == "") != (said == "") || !strings.Contains(said, x.said) || (x.href == "") != (href == "") || !strings.HasPrefix(href, x.href) {
			t.Errorf("%s: %q, %q, to %q", name, steps, said, href)
		}
	}
	if _, said, href, _ := customer.Unfit(t.Context(), garage(true), "h-a2"); !strings.Contains(said, unnamed) || href != "/home/rules" {
		t.Errorf("the cabin itself: %q, to %q", said, href)
	}
	if _, said, href, _ := customer.Unfit(t.Context(), garage(true, seats), "h-a2"); !strings.Contains(said, "The whole car is unlocked for it.") || href != "" {
		t.Errorf("the cabin itself, named: %q, to %q", said, href)
	}
	if _, _, _, ok := customer.Unfit(t.Context(), garage(true), "h-a3"); ok {
		t.Error("the hall is no car")
	}
}

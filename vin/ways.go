package vin

import (
	"slices"
	"strings"

	"github.com/loquet/loquet/event"
)

// Connector names what reaches a car, as the register of devices does.
type Connector string

// Connectors.
const (
	ByTesla    Connector = "tesla"
	ByVolvo    Connector = "volvo"
	BySmartcar Connector = "smartcar"
)

// Way is one way to let parcels into a car.
type Way struct {
	Connector Connector
	// Opens is where the parcel goes, and Reveals what that lays open: the owner consents to exactly that.
	Opens   event.BarrierKind
	Reveals event.Reveals
	// Service is what the car must have, and be subscribed to, at its maker: a name, the same in every language.
	Service string
}

// line is of which cars a way is known.
type line struct {
	makes []Make
	// from is the first model year.
	from int
	// models are the fourth characters of the numbers; "" for all.
	models string
	way    Way
	// source is where that is said.
	source string
}

var (
	generalMotors = []Make{Buick, Cadillac, Chevrolet, GMC}

	trunkOnly  = Way{Connector: ByTesla, Opens: event.Trunk, Reveals: event.RevealsTrunk, Service: "Tesla Connectivity"}
	teslaCabin = Way{Connector: ByTesla, Opens: event.Cabin, Reveals: event.RevealsCar, Service: "Tesla Connectivity"}
	handle     = Way{Connector: ByVolvo, Opens: event.Trunk, Reveals: event.RevealsHandle, Service: "Volvo On Call / Google built-in"}
)

// whole is a way by Smartcar, whose only opening is to unlock everything.
func whole(opens event.BarrierKind, service string) Way {
	return Way{Connector: BySmartcar, Opens: opens, Reveals: event.RevealsCar, Service: service}
}

// lines are all that is known, the ways that lay open the least first. No year is before 2015: what is older may answer,
// but its network is being switched off country by country.
var lines = slices.Concat(
	[]line{
		{[]Make{Tesla}, 2017, "3Y", trunkOnly, teslaCommands},
		{[]Make{Tesla}, 2021, "SX", trunkOnly, teslaCommands},
		{[]Make{Volvo}, 2015, "", handle, volvoAvailability},
		{[]Make{Tesla}, 2017, "3Y", teslaCabin, teslaCommands},
		{[]Make{Tesla}, 2021, "SX", teslaCabin, teslaCommands},
	},
	both(generalMotors, 2015, "OnStar", "smartcar.com/brand/{buick,cadillac,chevrolet,gmc}; 4G modems since model year 2015"),
	both([]Make{Audi}, 2015, "Audi connect", "smartcar.com/brand/audi"),
	both([]Make{Ford}, 2017, "FordPass Connect", "smartcar.com/brand/ford; SYNC Connect modems since model year 2017"),
	both([]Make{Volvo}, 2015, "Volvo On Call / Google built-in", "smartcar.com/brand/volvo"),
)

const (
	// The protocol of signed commands, which is the only one here: Model S and X have it since 2021.
	teslaCommands = "github.com/teslamotors/vehicle-command; developer.tesla.com/docs/fleet-api"
	// With Volvo On Call from model year 2010 to 2024, with Google built-in since 2020.
	volvoAvailability = "developer.volvocars.com/apis/connected-vehicle/v2/overview"
)

// both are the trunk and the cabin of a car that opens as a whole.
func both(makes []Make, from int, service, source string) []line {
	return []line{
		{makes, from, "", whole(event.Trunk, service), source},
		{makes, from, "", whole(event.Cabin, service), source},
	}
}

// Why is why there is no way; "" if there is one.
type Why string

// Reasons.
const (
	// UnknownMake: none of the makes that can be connected.
	UnknownMake Why = "unknown-make"
	// TooOld: the first year of the make is Since.
	TooOld Why = "too-old"
	// NotThisModel: other models of the make can be connected.
	NotThisModel Why = "not-this-model"
)

// Ways are all ways to let parcels into a car, those that lay open the least first, or why there is none. What nobody
// knows of a car stands against nothing: the maker has the last word.
func Ways(c Car) ([]Way, Why) {
	var ways []Way
	old := false
	for _, l := range lines {
		switch {
		case !l.of(c):
		case c.Year != 0 && c.Year < l.from:
			old = true
		case !slices.Contains(ways, l.way):
			ways = append(ways, l.way)
		}
	}
	switch {
	case len(ways) > 0:
		return ways, ""
	case old:
		return nil, TooOld
	case slices.Contains(Makes, c.Make):
		return nil, NotThisModel
	}
	return nil, UnknownMake
}

// of says whether a line is of such cars, whatever their year.
func (l line) of(c Car) bool {
	return slices.Contains(l.makes, c.Make) && (l.models == "" || c.Model == 0 || strings.IndexByte(l.models, c.Model) >= 0)
}

// Since is the first model year of which a car of that make, and model if it is known, can be connected; 0 if none can.
func Since(c Car) int {
	first := 0
	for _, l := range lines {
		if l.of(c) && (first == 0 || l.from < first) {
			first = l.from
		}
	}
	return first
}

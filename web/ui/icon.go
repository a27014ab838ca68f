package ui

import "github.com/loquet/loquet/event"

// drawings of what can be opened, by its kind.
var drawings = map[event.BarrierKind]string{
	event.FrontDoor: "door", event.Lobby: "lobby", event.Flat: "flat", event.Gate: "gate", event.Garage: "garage", event.Fridge: "fridge",
	event.ParcelBox: "box", event.KeyDesk: "desk", event.Trunk: "trunk", event.Cabin: "cabin", event.RobotBay: "bay",
}

// IconOf is the drawing of a kind of barrier; a kind that has none is drawn as a door.
func IconOf(kind event.BarrierKind) string {
	if name, ok := drawings[kind]; ok {
		return name
	}
	return drawings[event.FrontDoor]
}

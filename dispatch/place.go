package dispatch

import (
	"math"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geo"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Position is where a phone says it is, or where an access point lies: WGS 84 degrees.
type Position struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	// Accuracy is the radius, in metres, within which the phone is sure to be.
	Accuracy float64 `json:"accuracy,omitempty"`
	// At is when the phone measured it.
	At time.Time `json:"at,omitzero"`
}

// Check says what is wrong with a position, or nil.
func (p Position) Check() error {
	switch {
	case !(p.Latitude >= -90 && p.Latitude <= 90):
		return site.Invalid{Field: "latitude", Problem: "from -90 to 90 degrees"}
	case !(p.Longitude >= -180 && p.Longitude <= 180):
		return site.Invalid{Field: "longitude", Problem: "from -180 to 180 degrees"}
	case !(p.Accuracy >= 0 && p.Accuracy <= 1e6):
		return site.Invalid{Field: "accuracy", Problem: "from 0 to 1000000 metres"}
	}
	return nil
}

// PlaceOf reduces a phone's position to what the journal may know: how far from the centre, how sure, how old.
// A position that claims to come from the future is as old as the claim is wrong.
func PlaceOf(p, centre Position, received time.Time) *event.Place {
	age := received.Sub(p.At)
	return &event.Place{Distance: metresBetween(p, centre), Accuracy: whole(p.Accuracy), Age: event.Millis(age.Abs().Milliseconds())}
}

// metresBetween rounds up.
func metresBetween(a, b Position) int {
	return whole(geo.DistanceHaversine(orb.Point{a.Longitude, a.Latitude}, orb.Point{b.Longitude, b.Latitude}))
}

// directions are the eight of the compass rose, clockwise from the north.
var directions = [8]string{"N", "NE", "E", "SE", "S", "SW", "W", "NW"}

// DirectionOf says in which of eight directions a position lies, as seen from another.
func DirectionOf(p, from Position) string {
	degrees := geo.Bearing(orb.Point{from.Longitude, from.Latitude}, orb.Point{p.Longitude, p.Latitude})
	return directions[(int(math.Round(degrees/45))%8+8)%8]
}

// farthest is more than half of the way around the earth, in metres.
const farthest = 20_100_000

// whole rounds up. What is not a number, as between antipodes, is never near: converted as it is, it would be 0
// on some machines.
func whole(metres float64) int {
	if !(metres >= 0 && metres <= farthest) {
		return farthest
	}
	return int(math.Ceil(metres))
}

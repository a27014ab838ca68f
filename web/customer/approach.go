package customer

import (
	"context"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/web/ui"
)

// stopsIn says how many stops come before this one, as far as anybody knows; "" otherwise.
func stopsIn(ctx context.Context, d *api.HomeDelivery) string {
	switch {
	case d == nil || d.StopsBefore == nil:
		return ""
	case *d.StopsBefore == 0:
		return words.T(ctx, "u2.stops.none")
	}
	return words.T(ctx, "u2.stops", "n", count(*d.StopsBefore))
}

// standsSo says how a coming delivery stands, and how far off its courier is where that is known.
func standsSo(ctx context.Context, d *api.HomeDelivery) string {
	said := words.T(ctx, "home.is."+string(standingOf(*d)))
	if stops := stopsIn(ctx, d); stops != "" {
		return said + ". " + stops
	}
	return said
}

// estimateIn says when the courier comes, as far as anybody knows.
func (v *deliveryView) estimateIn(ctx context.Context) string {
	switch from, to := estimate(v.under.ETA, v.now); {
	case from.IsZero():
		return words.T(ctx, "u2.estimate.none")
	case to.Before(v.now):
		return words.T(ctx, "u2.estimate.late", "time", v.clock(ctx, v.under.ETA))
	default:
		return words.T(ctx, "u2.estimate", "from", ui.Clock(ctx, from, v.zone), "to", ui.Clock(ctx, to, v.zone))
	}
}

// compass is each direction as steps east and north.
var compass = map[string][2]float64{"N": {0, 1}, "NE": {diagonal, diagonal}, "E": {1, 0}, "SE": {diagonal, -diagonal}, "S": {0, -1},
	"SW": {-diagonal, -diagonal}, "W": {-1, 0}, "NW": {-diagonal, diagonal}}

const diagonal = 0.7071

// sketchOf draws where the courier was, seen from the place.
func sketchOf(w *api.Where, who, place string) ui.Sketch {
	to := compass[w.Direction]
	far := float64(w.Distance)
	return ui.Sketch{From: ui.Spot{East: to[0] * far, North: to[1] * far, Radius: float64(w.Accuracy), Label: who}, To: ui.Spot{Label: place}}
}

package courier

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// revealBefore is how long before its window a stop's address is shown, and a visit may begin.
const revealBefore = 2 * time.Hour

// revealed is from when a stop's address is shown.
func revealed(ctx context.Context, s api.Stop) string {
	first := s.Deliveries[0].Window.From.Time()
	for _, d := range s.Deliveries {
		if from := d.Window.From.Time(); from.Before(first) {
			first = from
		}
	}
	return ui.Clock(ctx, first.Add(-revealBefore), zoneOf(s.Zone))
}

// whereOf lets the page know where the next stop lies, for the sun there.
func whereOf(s api.Stop) templ.OrderedAttributes {
	if s.Position == nil {
		return nil
	}
	return pairs([]string{"data-latitude", degrees(s.Position.Latitude), "data-longitude", degrees(s.Position.Longitude)})
}

// wayOf is what the phone needs to say how far it is, and to tell the household.
func wayOf(s at) templ.OrderedAttributes {
	with := []string{"class", "way-there", "data-way", string(s.stop.AccessPoint), "data-radius", strconv.Itoa(s.spot().Radius),
		"data-site", string(s.stop.Site), "data-access-point", string(s.stop.AccessPoint)}
	if p := s.spot().Position; p != nil && !s.card.Near { // near a car, the way goes on to where it stands
		with = append(with, "data-latitude", degrees(p.Latitude), "data-longitude", degrees(p.Longitude))
	}
	if s.visit != nil {
		with = append(with, "data-visit", string(s.visit.ID), "data-position", s.act("position"))
	}
	return pairs(with)
}

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// mapOf is the address by which a phone opens its own map: RFC 5870, which Apple's don't know (they have their map links).
func mapOf(s at) string {
	p := s.spot().Position
	place := degrees(p.Latitude) + "," + degrees(p.Longitude)
	if s.apple {
		return "maps:?daddr=" + place
	}
	return "geo:" + place + "?q=" + place
}

// ofApple says whether a browser runs on one of Apple's devices, as it says of itself.
func ofApple(agent string) bool {
	return strings.Contains(agent, "iPhone") || strings.Contains(agent, "iPad") || strings.Contains(agent, "Macintosh")
}

// windowLeft is how long the window stays open, once that is worth saying.
func (s at) windowLeft() (left time.Duration, soon bool) {
	from, to := s.window()
	left = to.Sub(s.now)
	return left, left > 0 && left < time.Hour && !s.now.Before(from)
}

// eighths are the directions in which the household's sketch places the courier, in degrees from north.
var eighths = map[string]float64{"N": 0, "NE": 45, "E": 90, "SE": 135, "S": 180, "SW": 225, "W": 270, "NW": 315}

// sketch draws where the courier is, as the household sees it: in one of eight directions.
func (s at) sketch() (ui.Sketch, bool) {
	const tooNear = 30 // a sketch of one's own feet helps nobody
	if s.visit == nil || s.card.Near || s.visit.Where == nil || s.visit.Where.Distance < tooNear {
		return ui.Sketch{}, false
	}
	w := s.visit.Where
	sin, cos := math.Sincos(eighths[w.Direction] * math.Pi / 180)
	return ui.Sketch{From: ui.Spot{East: sin * float64(w.Distance), North: cos * float64(w.Distance), Radius: float64(w.Accuracy), Label: s.t("sketch.you")},
		To: ui.Spot{Radius: float64(s.spot().Radius), Label: s.t("sketch.stop", "n", strconv.Itoa(s.stop.Number))}}, true
}

// hints are what the shop asks for, in words.
func (s at) hints() []string {
	var ring, cold, whole bool
	for _, d := range s.deliveries() {
		ring, cold, whole = ring || d.DoNotRing, cold || d.KeepCold, whole || d.Whole
	}
	var hints []string
	for _, h := range []struct {
		set bool
		key string
	}{{ring, "hint.ring"}, {cold, "hint.cold"}, {whole, "hint.whole"}} {
		if h.set {
			hints = append(hints, s.t(h.key))
		}
	}
	return hints
}

func parcelState(p api.Parcel) string {
	switch {
	case p.Scanned:
		return "scanned"
	case p.Missing:
		return "missing"
	}
	return "open"
}

func parcelIcon(p api.Parcel) string {
	return map[string]string{"scanned": "tick", "missing": "cross", "open": "parcel"}[parcelState(p)]
}

// accountedFor counts the parcels that were scanned or said to be missing.
func (s at) accountedFor() int {
	n := 0
	for _, p := range s.parcels() {
		if accounted(p) {
			n++
		}
	}
	return n
}

// parcelEnds names a delivery by its parcels.
func parcelEnds(d api.VisitDelivery) string {
	var ends []string
	for _, p := range d.Parcels {
		ends = append(ends, "…"+p.LastFour)
	}
	return strings.Join(ends, ", ")
}

// putWhere is where the parcels go, in the household's words.
func (s at) putWhere() string {
	if note := s.spot().Note; note != "" {
		return note
	}
	return s.t("note.none")
}

func openText(ctx context.Context, p api.Step) string {
	if p.By == event.PermitCode {
		return words.T(ctx, "opening.code", "name", p.Name)
	}
	return words.T(ctx, "opening.open", "name", p.Name)
}

func codeTitle(ctx context.Context, p api.Step) string {
	if p.Is == event.KeyDesk {
		return words.T(ctx, "code.keeper")
	}
	return words.T(ctx, "code.title", "name", p.Name)
}

// rowName is a stop of the list: its address while it may be known, else its number.
func rowName(ctx context.Context, r row) string {
	if r.stop.Address != "" {
		return r.stop.Address
	}
	return words.T(ctx, "stops.stop", "n", strconv.Itoa(r.number))
}

func overState(e *api.EndedDelivery) ui.State {
	if delivered(e) && e.How == event.EndSecured {
		return ui.Secured
	}
	return ui.Neutral
}

func overText(ctx context.Context, e *api.EndedDelivery) string {
	if delivered(e) {
		return words.T(ctx, "done.delivered."+string(e.How))
	}
	return words.T(ctx, fmt.Sprintf("done.%s.text", e.Status))
}

// nobodyHome says whether the step of plan B needs somebody who may not be there.
func nobodyHome(p *api.PlanB) bool {
	return p.Kind == event.FallbackNeighbour || p.Kind == event.FallbackReference
}

// pieceCodes are the codes after which a piece of the shell is shown; the one for all others has none.
func pieceCodes(n next) string {
	if n == nextCall {
		return ""
	}
	return codesOf(n)
}

package dispatch

import (
	"context"
	"errors"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Standing is where a car stands. It is personal: it leaves memory only sealed.
type Standing struct {
	Position Position `json:"position"`
	// Described is which description of the spot it belongs to.
	Described event.Instant `json:"described,omitempty"`
}

// Places keeps where cars stand and should stand, sealed under the site's key. Safe for concurrent use.
type Places interface {
	// Reference is where the reference address of an access point lies; known is false when nobody said, or it is erased.
	Reference(ctx context.Context, at event.SiteID, ap event.AccessPointID) (p Position, known bool, err error)
	// Open reads what was sealed under a name and written; known is false when nothing was, or it is erased.
	Open(ctx context.Context, at event.SiteID, name string) (s Standing, known bool, err error)
	// Seal makes the value that is written with a decision, to be erased at an instant, 0 for with the site.
	Seal(ctx context.Context, at event.SiteID, name string, s Standing, eraseAt event.Instant) (store.Value, error)
}

// mostStanding is after how long the position of a visit's car is erased, whatever becomes of the visit.
const mostStanding = event.Day

// mostParked is after how long the position that a description belongs to is erased: a car that tells no more is believed
// to be parked there no longer than that.
const mostParked = 3 * event.Day

// CarName is under which name the position of a visit's car is kept, until the visit ends.
func CarName(v event.VisitID) string { return "car/" + string(v) }

// SpotName is under which name the household's words for where a car stands are kept, until it has moved.
func SpotName(ap event.AccessPointID) string { return "car-spot/" + string(ap) }

// parkedName is under which name it is kept where a car stood when its spot was described: as long as a visit or a delivery
// needs it to tell whether the car has moved.
func parkedName(ap event.AccessPointID) string { return "parked/" + string(ap) }

// leftBehind are the values to be erased with a decision: where a car stood is known no longer than its visit lasts, or
// than another is due there, and its spot than it is a place.
func leftBehind(before site.State, r Result) []store.Value {
	var all []store.Value
	for _, ap := range before.AccessPoints {
		if ap.IsVehicle() && awaited(before, ap.ID) && !awaited(r.State, ap.ID) {
			all = append(all, store.Value{Name: parkedName(ap.ID)})
		}
	}
	for _, e := range r.Events {
		switch b := e.Body.(type) {
		case event.VisitEnded:
			if v, _ := before.Visit(b.Visit); v.Look.Sought != 0 {
				all = append(all, store.Value{Name: CarName(b.Visit)})
			}
		case event.AccessPointRetired:
			if ap, _ := before.AccessPoint(b.AccessPoint); ap.IsVehicle() {
				all = append(all, store.Value{Name: parkedName(b.AccessPoint)}, store.Value{Name: SpotName(b.AccessPoint)})
			}
		}
	}
	return all
}

// awaited says whether a visit or a delivery is due at an access point.
func awaited(s site.State, ap event.AccessPointID) bool {
	return slices.ContainsFunc(s.Visits, func(v site.Visit) bool { return v.AccessPoint == ap }) ||
		slices.ContainsFunc(s.Deliveries, func(d site.Delivery) bool { return d.AccessPoint == ap })
}

// nowhere is where cars stand when nobody keeps that.
type nowhere struct{}

var errNowhere = errors.New("dispatch: nobody keeps where cars stand")

// Reference knows of none.
func (nowhere) Reference(context.Context, event.SiteID, event.AccessPointID) (p Position, known bool, err error) {
	return p, false, nil
}

// Open knows of none.
func (nowhere) Open(context.Context, event.SiteID, string) (s Standing, known bool, err error) {
	return s, false, nil
}

// Seal is an error.
func (nowhere) Seal(context.Context, event.SiteID, string, Standing, event.Instant) (v store.Value, err error) {
	return v, errNowhere
}

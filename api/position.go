package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Where is where a courier is on the way, no more exactly than a household needs to know.
type Where struct {
	Distance  int           `json:"distance" doc:"From the access point, in metres, rounded to 10; from the reference address of a car"`
	Accuracy  int           `json:"accuracy" doc:"Within so many metres, rounded to 10"`
	Direction string        `json:"direction" enum:"N,NE,E,SE,S,SW,W,NW" doc:"In which the courier is, seen from the access point"`
	At        event.Instant `json:"at" format:"date-time"`
	Age       event.Millis  `json:"age" doc:"In milliseconds"`
	FreshFor  event.Millis  `json:"freshFor" doc:"How long it is shown from now on, in milliseconds, if nothing newer comes"`
}

// PositionVisitInput is where a courier's phone is, on the way to a visit.
type PositionVisitInput struct {
	VisitPath
	Body Position
}

// PositionShown is what the household is shown of a position; nothing from the arrival on.
type PositionShown struct {
	Where *Where `json:"where,omitempty" doc:"What the household sees; absent once the courier has arrived"`
}

func (a *API) registerPosition() {
	forCourier(a, route{method: http.MethodPost, path: "/v1/courier/visits/{visit}/position", id: "positionVisit", summary: "Say where you are",
		about: "On the way, for the household's sketch: its distance and direction alone, for two minutes, in memory. From the arrival on nothing is taken.",
		tag:   "Courier"}, a.PositionVisit)
}

// PositionVisit takes a courier's position between approach and arrival. It is written nowhere: not in the journal, the
// store or the logs.
func (a *API) PositionVisit(ctx context.Context, c auth.Courier, in *PositionVisitInput) (*struct{ Body PositionShown }, error) {
	if event.CheckID(in.Visit, 'v') != nil {
		return nil, notFound("visit")
	}
	s, err := a.Dispatch.Load(ctx, event.SiteOf(in.Visit))
	if err != nil {
		return nil, err
	}
	v, ok := s.Visit(in.Visit)
	if !ok || v.Courier != c.ID() || v.Key != c.Signed().Key {
		return nil, notFound("visit")
	}
	if err := a.positioned(ctx, s, v, in.Body); err != nil {
		return nil, err
	}
	return &struct{ Body PositionShown }{PositionShown{Where: a.positions.of(v, event.InstantOf(a.Now()))}}, nil
}

// positioned keeps of a position what the household may see.
func (a *API) positioned(ctx context.Context, s site.State, v site.Visit, p Position) error {
	if !approaching(v) {
		a.positions.forget(v.ID)
		return nil
	}
	at := event.SiteOf(v.ID)
	// Of a car this is the reference address: how far the courier is from where it stands would tell where that is.
	where, known, err := unseal[spot](ctx, a, at, spotName(v.AccessPoint))
	if err != nil || !known {
		return err
	}
	way, err := a.wayToCar(ctx, s, v, dispatch.Position(p))
	if err != nil {
		return err
	}
	now := a.Now()
	place := dispatch.PlaceOf(dispatch.Position(p), where.Position, now)
	shown := Where{Distance: toTen(place.Distance), Accuracy: toTen(place.Accuracy), At: event.InstantOf(now).Add(-place.Age),
		Direction: dispatch.DirectionOf(dispatch.Position(p), where.Position)}
	if a.positions.keep(v.ID, shown, way, event.InstantOf(now)) {
		a.Dispatch.Wake(at)
	}
	return nil
}

// carWay is how a courier who is near a car gets there.
type carWay struct {
	// distance in metres; direction in which the car stands, as seen from the courier.
	distance  int
	direction string
}

// wayToCar is nil for a visit to any other place, while nobody knows where the car stands, from farther than carNear, and
// by a position with which nobody could arrive: one that is good to 5 km is near to everything.
func (a *API) wayToCar(ctx context.Context, s site.State, v site.Visit, from dispatch.Position) (*carWay, error) {
	if ap, _ := s.AccessPoint(v.AccessPoint); !ap.IsVehicle() {
		return nil, nil
	}
	stands, known, err := a.centreOf(ctx, s, v)
	if err != nil || !known {
		return nil, err
	}
	place := dispatch.PlaceOf(from, stands, a.Now())
	if place.Distance > carNear || site.Vague(*place) {
		return nil, nil
	}
	return &carWay{place.Distance, dispatch.DirectionOf(stands, from)}, nil
}

// approaching says whether a courier is between approach and arrival, for a delivery that is theirs.
func approaching(v site.Visit) bool {
	return v.Courier != "" && v.Arrived == 0 && !v.Suspended && !v.Danger && len(v.Deliveries) > 0
}

func toTen(metres int) int { return (metres + 5) / 10 * 10 }

// positions of couriers on the way, the last of each, and nowhere but here. Safe for concurrent use.
type positions struct{ kept *sync.Map }

// kept is a position, and when its followers were last woken.
type keptPosition struct {
	where Where
	car   *carWay
	woken event.Instant
	gone  *time.Timer
}

const (
	// positionKept is how long a position is kept if none follows it.
	positionKept = 2 * event.Minute
	// wakeEvery is how often those who follow a site are woken for a position.
	wakeEvery = event.Second
)

func newPositions() positions { return positions{&sync.Map{}} }

// keep replaces what is known of a courier, unless it is old, and says whether those who follow are to be woken.
func (p positions) keep(v event.VisitID, w Where, car *carWay, now event.Instant) (wake bool) {
	if now.Since(w.At) >= positionKept {
		return false
	}
	one := &keptPosition{where: w, car: car, woken: now}
	one.gone = time.AfterFunc(positionKept.Duration(), func() { p.kept.CompareAndDelete(v, one) })
	wake = true
	if old, had := p.kept.Swap(v, one); had {
		before := old.(*keptPosition)
		before.gone.Stop()
		if wake = now.Since(before.woken) >= wakeEvery; !wake {
			one.woken = before.woken
		}
	}
	return wake
}

// of is where the courier of a visit is, as far as that may be shown.
func (p positions) of(v site.Visit, now event.Instant) *Where {
	known, ok := p.kept.Load(v.ID)
	if !ok || !approaching(v) {
		return nil
	}
	w := known.(*keptPosition).where
	w.Age = max(now.Since(w.At), 0)
	w.FreshFor = positionKept - w.Age
	if w.FreshFor <= 0 {
		return nil
	}
	return &w
}

// toCar is how the courier of a visit gets to its car; nil when that is not to be told.
func (p positions) toCar(v site.Visit, now event.Instant) *carWay {
	known, ok := p.kept.Load(v.ID)
	if !ok || p.of(v, now) == nil {
		return nil
	}
	return known.(*keptPosition).car
}

func (p positions) forget(v event.VisitID) {
	if old, had := p.kept.LoadAndDelete(v); had {
		old.(*keptPosition).gone.Stop()
	}
}

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
	Distance  int           `json:"distance" doc:"From the access point, in metres, rounded to 10"`
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
	if err := a.positioned(ctx, v, in.Body); err != nil {
		return nil, err
	}
	return &struct{ Body PositionShown }{PositionShown{Where: a.positions.of(v, event.InstantOf(a.Now()))}}, nil
}

// positioned keeps of a position what the household may see.
func (a *API) positioned(ctx context.Context, v site.Visit, p Position) error {
	if !approaching(v) {
		a.positions.forget(v.ID)
		return nil
	}
	at := event.SiteOf(v.ID)
	centre, known, err := unseal[spot](ctx, a, at, spotName(v.AccessPoint))
	if err != nil || !known {
		return err
	}
	now := a.Now()
	place := dispatch.PlaceOf(dispatch.Position(p), centre.Position, now)
	where := Where{Distance: toTen(place.Distance), Accuracy: toTen(place.Accuracy), At: event.InstantOf(now).Add(-place.Age),
		Direction: dispatch.DirectionOf(dispatch.Position(p), centre.Position)}
	if a.positions.keep(v.ID, where, event.InstantOf(now)) {
		a.Dispatch.Wake(at)
	}
	return nil
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
func (p positions) keep(v event.VisitID, w Where, now event.Instant) (wake bool) {
	if now.Since(w.At) >= positionKept {
		return false
	}
	one := &keptPosition{where: w, woken: now}
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

func (p positions) forget(v event.VisitID) {
	if old, had := p.kept.LoadAndDelete(v); had {
		old.(*keptPosition).gone.Stop()
	}
}

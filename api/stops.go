package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Stops is what a courier is to bring, in order of the windows' beginnings.
type Stops struct {
	Stops []Stop `json:"stops"`
	// Now is what ages and waits are to be counted from: no phone's clock is right.
	Now event.Instant `json:"now" format:"date-time" doc:"The server's time of this answer"`
	// Ended is what ended in the last hours, in the order in which it did.
	Ended []EndedDelivery `json:"ended" doc:"What ended in the courier's hands in the last 16 hours"`
	// Of is how many stops the day has, ended ones included.
	Of int `json:"of" doc:"How many stops the day has, ended ones included"`
}

// EndedDelivery is a delivery that ended in a courier's hands. Where it went is no longer the courier's to know.
type EndedDelivery struct {
	Delivery    event.DeliveryID    `json:"delivery"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Number      int                 `json:"number" doc:"The stop's place in the day, counted from 1"`
	Status      dispatch.Status     `json:"status" doc:"delivered, diverted, returned, cancelled or expired"`
	// How the visit ended that delivered it.
	How event.VisitEnd `json:"how,omitempty" doc:"How the visit ended that delivered it"`
	At  event.Instant  `json:"at" format:"date-time"`
	// Zone is the site's.
	Zone string `json:"zone" doc:"The site's time zone"`
	// Parcels are how the numbers end of those that the courier still holds.
	Parcels []string `json:"parcels,omitempty" doc:"The last four of each parcel that goes back to the depot"`
}

// Stop is one access point with everything that the courier brings there.
type Stop struct {
	Site        event.SiteID        `json:"site"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	// Near says whether the visit is so near that the personal fields are shown.
	Near     bool    `json:"near" doc:"Whether the window is so near that address, place and note are shown"`
	Address  string  `json:"address,omitempty"`
	Name     string  `json:"name,omitempty"`
	Note     string  `json:"note,omitempty"`
	Position *Centre `json:"position,omitempty"`
	Radius   int     `json:"radius" doc:"Within so many metres the courier is there"`
	Zone     string  `json:"zone" doc:"The site's time zone"`
	// WayIn is what stands between the street and the place, from the street inwards.
	WayIn  []event.BarrierKind `json:"wayIn" doc:"The kinds of barriers of the way in, from the street inwards"`
	Filmed bool                `json:"filmed,omitempty" doc:"A visit there is filmed"`
	// Number is its place among the Of stops of the day.
	Number int `json:"number" doc:"Its place in the day, counted from 1, ended stops included"`
	Of     int `json:"of" doc:"How many stops the day has"`
	// Visit is under way, if one is.
	Visit      event.VisitID  `json:"visit,omitempty"`
	Deliveries []StopDelivery `json:"deliveries"`
}

// StopDelivery is one delivery of a stop.
type StopDelivery struct {
	VisitDelivery
	Window   Span             `json:"window"`
	Merchant event.MerchantID `json:"merchant"`
	// OtherDevice says that the delivery names another device of the courier's: it has to be assigned again.
	OtherDevice bool `json:"otherDevice,omitempty" doc:"It names another device of yours, and has to be assigned again"`
}

// Centre is where an access point lies: WGS 84 degrees.
type Centre struct {
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180"`
}

// near is how long before its window a courier sees where a delivery goes: as early as a visit may begin.
const near = 2 * event.Hour

// ListStops is the operation listStops: what to bring, and where.
func (a *API) ListStops(ctx context.Context, c auth.Courier, _ *struct{}) (*struct{ Body Stops }, error) {
	list := stopList{api: a, courier: c, now: event.InstantOf(a.Now()), states: map[event.SiteID]site.State{}}
	err := a.eachOfCourier(ctx, c.ID(), func(s dispatch.Summary) error { return list.add(ctx, s) })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list.stops, func(x, y Stop) int { return int(x.from() - y.from()) })
	if list.stops == nil {
		list.stops = []Stop{}
	}
	r, err := a.roundOf(ctx, c.ID())
	if err != nil {
		return nil, err
	}
	for i := range list.stops {
		list.stops[i].Number, list.stops[i].Of = r.number(list.stops[i].AccessPoint), r.stops()
	}
	ended, err := a.endedShown(ctx, r)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Stops }{Stops{Stops: list.stops, Now: list.now, Ended: ended, Of: r.stops()}}, nil
}

// ShowStop is the operation showStop: look at one stop.
func (a *API) ShowStop(ctx context.Context, c auth.Courier, in *AccessPointPath) (*struct{ Body Stop }, error) {
	if event.CheckID(in.AccessPoint, 'a') != nil {
		return nil, notFound("stop")
	}
	state, err := a.Dispatch.Load(ctx, event.SiteOf(in.AccessPoint))
	if err != nil {
		return nil, err
	}
	list := stopList{api: a, courier: c, now: event.InstantOf(a.Now())}
	for _, d := range state.Deliveries {
		if d.AccessPoint != in.AccessPoint {
			continue
		}
		if err := list.take(ctx, state, d); err != nil {
			return nil, err
		}
	}
	if len(list.stops) == 0 {
		return nil, notFound("stop")
	}
	r, err := a.roundOf(ctx, c.ID())
	if err != nil {
		return nil, err
	}
	stop := list.stops[0]
	stop.Number, stop.Of = r.number(stop.AccessPoint), r.stops()
	return &struct{ Body Stop }{stop}, nil
}

// from is when the first window of a stop begins.
func (s Stop) from() event.Instant {
	first := s.Deliveries[0].Window.From
	for _, d := range s.Deliveries {
		first = min(first, d.Window.From)
	}
	return first
}

type stopList struct {
	api     *API
	courier auth.Courier
	now     event.Instant
	states  map[event.SiteID]site.State
	stops   []Stop
}

// add takes a delivery that the projection names, if the site's own state says so too: only that decides who sees
// what.
func (l *stopList) add(ctx context.Context, s dispatch.Summary) error {
	state, err := l.state(ctx, s.Site)
	if err != nil {
		return err
	}
	d, ok := state.Delivery(s.Delivery)
	if !ok {
		return nil
	}
	return l.take(ctx, state, d)
}

// take adds a delivery to its stop, if it is this courier's.
func (l *stopList) take(ctx context.Context, state site.State, d site.Delivery) error {
	if d.Courier != l.courier.ID() {
		return nil
	}
	shown, err := l.api.visitDelivery(ctx, state, d)
	if err != nil {
		return err
	}
	mine := d.Key == l.courier.Signed().Key
	if !mine || !l.near(d) {
		shown.PlanB, shown.Fallbacks, shown.Questions = nil, nil, nil
	}
	stop, err := l.stopAt(ctx, state, d, mine)
	if err != nil {
		return err
	}
	stop.Deliveries = append(stop.Deliveries, StopDelivery{VisitDelivery: shown, Window: spanShown(d.Window), Merchant: d.Merchant, OtherDevice: !mine})
	return nil
}

func (l *stopList) state(ctx context.Context, id event.SiteID) (site.State, error) {
	if s, known := l.states[id]; known {
		return s, nil
	}
	s, err := l.api.Dispatch.Load(ctx, id)
	l.states[id] = s
	return s, err
}

// stopAt finds or makes the stop of a delivery, and shows where it is if the delivery is near and this device's.
func (l *stopList) stopAt(ctx context.Context, s site.State, d site.Delivery, mine bool) (*Stop, error) {
	i := slices.IndexFunc(l.stops, func(x Stop) bool { return x.AccessPoint == d.AccessPoint })
	if i < 0 {
		ap, _ := s.AccessPoint(d.AccessPoint)
		way, err := l.api.kindsOf(ctx, s, ap)
		if err != nil {
			return nil, err
		}
		l.stops = append(l.stops, Stop{Site: s.Site, AccessPoint: d.AccessPoint, Radius: ap.Radius, Zone: s.Zone, WayIn: way, Filmed: s.Filmed(ap.ID)})
		i = len(l.stops) - 1
	}
	stop := &l.stops[i]
	if d.Visit != "" {
		stop.Visit = d.Visit
	}
	if mine && !stop.Near && l.near(d) {
		return stop, l.reveal(ctx, stop)
	}
	return stop, nil
}

// near says whether a delivery is so near that its courier may know where it goes.
func (l *stopList) near(d site.Delivery) bool { return d.Window.From.Add(-near) <= l.now }

func (l *stopList) reveal(ctx context.Context, stop *Stop) error {
	address, _, err := unseal[string](ctx, l.api, stop.Site, addressName)
	if err != nil {
		return err
	}
	where, known, err := unseal[spot](ctx, l.api, stop.Site, spotName(stop.AccessPoint))
	if err != nil {
		return err
	}
	stop.Near, stop.Address, stop.Name, stop.Note = true, cmp.Or(where.Address, address), where.Name, where.Note
	if known {
		stop.Position = &Centre{where.Position.Latitude, where.Position.Longitude}
	}
	return nil
}

package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
)

// Numbers are a day in short. Deliveries count for the day on which their window began, everything else for the day on
// which it happened.
type Numbers struct {
	Delivered int `json:"delivered"`
	// PlanB went elsewhere than planned, or back.
	PlanB     int `json:"planB" doc:"Left elsewhere than planned, or taken back"`
	Blocked   int `json:"blocked"`
	Expired   int `json:"expired" doc:"Their window passed, and nobody came"`
	Cancelled int `json:"cancelled"`
	Ahead     int `json:"ahead" doc:"Still to come, or under way"`
	Refused   int `json:"refused" doc:"Couriers' requests that were refused"`
	Alarms    int `json:"alarms" doc:"Alarms that have ended"`
	Foreign   int `json:"foreign" doc:"Openings that Loquet did not ask for"`
	Visits    int `json:"visits" doc:"Visits that have ended"`
	// ScanToOpen is from the last scan to the device's own report that it is open. Absent when there was none.
	ScanToOpen *Spread `json:"scanToOpen,omitempty" doc:"From the last scan until the device said that it is open"`
	// TimeOpen is from there until everything was proven shut.
	TimeOpen *Spread `json:"timeOpen,omitempty" doc:"From there until everything was proven shut"`
}

// Spread is how long something took, over several times.
type Spread struct {
	Count  int          `json:"count"`
	Median event.Millis `json:"median" doc:"In milliseconds"`
	Worst  event.Millis `json:"worst" doc:"In milliseconds"`
}

// DayShown is everything that happened on a day, for its pictures.
type DayShown struct {
	Day     string        `json:"day" example:"2027-03-01"`
	Zone    string        `json:"zone"`
	From    event.Instant `json:"from" format:"date-time"`
	To      event.Instant `json:"to" format:"date-time"`
	Numbers Numbers       `json:"numbers"`
	Visits  []DayVisit    `json:"visits" doc:"Those that ended, in order"`
	// Refusals, Alarms and Foreign are what happened beside.
	Refusals []DayRefusal  `json:"refusals"`
	Alarms   []ClosedAlarm `json:"alarms" doc:"Those that were raised on the day and have ended"`
	Foreign  []DayForeign  `json:"foreign"`
}

// DayVisit is a visit that ended.
type DayVisit struct {
	Visit      event.VisitID       `json:"visit"`
	How        event.VisitEnd      `json:"how"`
	Courier    event.CourierID     `json:"courier,omitempty"`
	Rehearsal  bool                `json:"rehearsal,omitempty"`
	Place      event.AccessPointID `json:"accessPoint"`
	Begun      event.Instant       `json:"begun" format:"date-time"`
	Ended      event.Instant       `json:"ended" format:"date-time"`
	ScanToOpen event.Millis        `json:"scanToOpen,omitempty" doc:"Absent when the device did not say that it opened"`
	TimeOpen   event.Millis        `json:"timeOpen,omitempty" doc:"Absent when it was not proven shut"`
}

// DayRefusal is a request that was refused.
type DayRefusal struct {
	At       event.Instant    `json:"at" format:"date-time"`
	Code     event.Code       `json:"code"`
	Title    string           `json:"title" doc:"In the reader's language"`
	Asked    event.Asked      `json:"asked"`
	By       event.ActorKind  `json:"by"`
	Site     event.SiteID     `json:"site"`
	Visit    event.VisitID    `json:"visit,omitempty"`
	Delivery event.DeliveryID `json:"delivery,omitempty"`
	Zone     string           `json:"zone,omitempty" doc:"The site's time zone, in a courier's last refusals"`
}

// DayForeign is an opening that Loquet did not ask for.
type DayForeign struct {
	At      event.Instant   `json:"at" format:"date-time"`
	Site    event.SiteID    `json:"site"`
	Barrier event.BarrierID `json:"barrier"`
	Cause   string          `json:"cause,omitempty"`
}

func (a *API) registerDays() {
	forClient(a, route{method: http.MethodGet, path: "/v1/days/{day}", id: "getDay", summary: "What happened on a day",
		about: "For operators. No name and no address stands there.", tag: "Board", scope: auth.DeliveriesRead}, a.GetDay)
	forClient(a, route{method: http.MethodGet, path: "/v1/days/{day}/deliveries", id: "listDay", summary: "A day's deliveries, by window",
		about: "For operators.", tag: "Board", scope: auth.DeliveriesRead}, a.ListDay)
	forClient(a, route{method: http.MethodGet, path: "/v1/visits/{visit}", id: "getBoardVisit", summary: "One visit, as the board shows it",
		about: "For operators. Its address as in getBoard.", tag: "Board", scope: auth.DeliveriesRead}, a.GetBoardVisit)
}

// DayPath names a day in a zone.
type DayPath struct {
	Day  string `path:"day" maxLength:"10" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" example:"2027-03-01"`
	Zone string `query:"zone" maxLength:"64" doc:"Whose day; UTC when absent" example:"Europe/Paris"`
}

// span is the day's beginning and end, which with daylight saving are not always 24 hours apart.
func (d DayPath) span() (from, to event.Instant, zone *time.Location, err error) {
	if zone, err = zoneNamed("query.zone", d.Zone); err != nil {
		return 0, 0, nil, err
	}
	day, parsed := time.Parse(time.DateOnly, d.Day)
	if parsed != nil {
		return 0, 0, nil, invalid("path.day", "not a day, such as 2027-03-01")
	}
	from, to = midnight(day.Year(), day.Month(), day.Day(), zone), midnight(day.Year(), day.Month(), day.Day()+1, zone)
	return from, to, zone, nil
}

// GetDayInput is what GetDay takes.
type GetDayInput struct{ DayPath }

// GetDay is the operation getDay: what happened on a day.
func (a *API) GetDay(ctx context.Context, c auth.Client, in *GetDayInput) (*struct{ Body DayShown }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	from, to, zone, err := in.span()
	if err != nil {
		return nil, err
	}
	facts, err := a.factsSince(ctx, from, to-1)
	if err != nil {
		return nil, err
	}
	day := DayShown{Day: in.Day, Zone: zone.String(), From: from, To: to, Visits: []DayVisit{}, Refusals: []DayRefusal{}, Alarms: []ClosedAlarm{},
		Foreign: []DayForeign{}}
	for _, f := range facts {
		day.take(ctx, f)
	}
	day.Numbers, err = a.numbersOf(ctx, facts, from, to)
	return &struct{ Body DayShown }{day}, err
}

func (d *DayShown) take(ctx context.Context, f dispatch.Fact) {
	switch {
	case f.Ended != nil:
		v := f.Ended
		shown := DayVisit{Visit: f.Visit, How: v.How, Courier: v.Courier, Rehearsal: v.Rehearsal, Place: v.AccessPoint, Begun: v.Begun, Ended: f.At}
		shown.ScanToOpen, _ = scanToOpen(*v)
		shown.TimeOpen, _ = v.OpenedToSecured()
		d.Visits = append(d.Visits, shown)
	case f.Refusal != nil:
		d.Refusals = append(d.Refusals, refusalShown(ctx, f))
	case f.Alarm != nil:
		d.Alarms = append(d.Alarms, closedAlarm(ctx, f))
	case f.Foreign != nil:
		d.Foreign = append(d.Foreign, DayForeign{At: f.At, Site: f.Site, Barrier: f.Foreign.Barrier, Cause: f.Foreign.Cause})
	}
}

func refusalShown(ctx context.Context, f dispatch.Fact) DayRefusal {
	title := callOf(ctx).lang.RefusalAt(f.Refusal.Is, f.Refusal.Code, nil).Title
	return DayRefusal{At: f.At, Code: f.Refusal.Code, Title: title, Asked: f.Refusal.Asked, By: f.Refusal.By, Site: f.Site, Visit: f.Visit,
		Delivery: f.Delivery}
}

// scanToOpen is how long a courier waited at the door; false when the device did not say that it opened.
func scanToOpen(v dispatch.VisitFact) (event.Millis, bool) {
	order, given := v.ScanToOrder()
	opening, seen := v.OrderToOpened()
	return order + opening, given && seen && !v.Rehearsal
}

// numbersOf counts what happened between two instants, and the deliveries whose window began there.
func (a *API) numbersOf(ctx context.Context, facts []dispatch.Fact, from, to event.Instant) (Numbers, error) {
	var n Numbers
	var waits, opens []event.Millis
	for _, f := range facts {
		switch {
		case f.Refusal != nil && f.Refusal.By == event.ActorCourier:
			n.Refused++
		case f.Alarm != nil:
			n.Alarms++
		case f.Foreign != nil:
			n.Foreign++
		case f.Ended != nil:
			n.Visits++
			if wait, ok := scanToOpen(*f.Ended); ok {
				waits = append(waits, wait)
			}
			if open, ok := f.Ended.OpenedToSecured(); ok && !f.Ended.Rehearsal {
				opens = append(opens, open)
			}
		}
	}
	n.ScanToOpen, n.TimeOpen = spreadOf(waits), spreadOf(opens)
	return n, a.eachOn(ctx, from, to, func(s dispatch.Summary) bool {
		n.count(s.Status)
		return true
	})
}

func (n *Numbers) count(s dispatch.Status) {
	switch s {
	case dispatch.StatusDelivered:
		n.Delivered++
	case dispatch.StatusDiverted, dispatch.StatusReturned:
		n.PlanB++
	case dispatch.StatusBlocked:
		n.Blocked++
	case dispatch.StatusExpired:
		n.Expired++
	case dispatch.StatusCancelled:
		n.Cancelled++
	default:
		n.Ahead++
	}
}

// spreadOf is nil when nothing was measured.
func spreadOf(all []event.Millis) *Spread {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return &Spread{Count: len(all), Median: all[len(all)/2], Worst: all[len(all)-1]}
}

// eachOn visits the deliveries whose window begins between two instants, in order, until it is told to stop.
func (a *API) eachOn(ctx context.Context, from, to event.Instant, visit func(dispatch.Summary) bool) error {
	for day := from; dispatch.DayOf(day) <= dispatch.DayOf(to-1); day = day.Add(event.Day) {
		for after := ""; ; {
			rows, next, err := a.Dispatch.DeliveriesOn(ctx, dispatch.DayOf(day), after, boardAtOnce)
			if err != nil {
				return err
			}
			for _, s := range rows {
				if s.Window.From >= from && s.Window.From < to && !visit(s) {
					return nil
				}
			}
			if after = next; next == "" {
				break
			}
		}
	}
	return nil
}

// ListDayInput is what ListDay takes.
type ListDayInput struct {
	DayPath
	Page
	Status dispatch.Status `query:"status" doc:"Only those" enum:"booked,consented,assigned,visiting,blocked,delivered,diverted,returned,cancelled,expired"`
}

// ListDay is the operation listDay: a day's deliveries, by window.
func (a *API) ListDay(ctx context.Context, c auth.Client, in *ListDayInput) (*struct{ Body Deliveries }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	from, to, _, err := in.span()
	if err != nil {
		return nil, err
	}
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	page := Deliveries{Deliveries: []Delivery{}}
	err = a.eachOn(ctx, from, to, func(s dispatch.Summary) bool {
		if dayKey(s) <= after || in.Status != "" && s.Status != in.Status {
			return true
		}
		if len(page.Deliveries) == in.size() {
			page.Next = cursor(after)
			return false
		}
		page.Deliveries = append(page.Deliveries, summaryShown(s))
		after = dayKey(s)
		return true
	})
	return &struct{ Body Deliveries }{page}, err
}

func dayKey(s dispatch.Summary) string {
	return padded(int64(s.Window.From)) + "/" + string(s.Delivery)
}

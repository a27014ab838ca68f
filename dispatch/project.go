package dispatch

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// The projections are read by pages and lists, and decide nothing. Each is told by the journals alone.

// SiteDeliveries is the partition of one site's deliveries, ended ones included, by identifier.
func SiteDeliveries(id event.SiteID) string { return "site/" + string(id) }

// MerchantDeliveries is the partition of one merchant's deliveries.
func MerchantDeliveries(id event.MerchantID) string { return "merchant/" + string(id) }

// CourierDeliveries is the partition of what a courier is to bring, by identifier.
func CourierDeliveries(id event.CourierID) string { return "courier/" + string(id) }

// CourierEnded is the partition of what ended in a courier's hands, in the order in which it did (see EndedAfter).
func CourierEnded(id event.CourierID) string { return "ended/" + string(id) }

// EndedAfter is the key in CourierEnded after which everything stands that ended later than the instant.
func EndedAfter(at event.Instant) string { return fmt.Sprintf("%013d~", int64(at)) }

func endedKey(at event.Instant, d event.DeliveryID) string { return timeKey(at, string(d)) }

// timeKey makes the keys of a partition sort by time, the earliest first.
func timeKey(at event.Instant, what string) string { return fmt.Sprintf("%013d-%s", int64(at), what) }

// Day is a calendar day in UTC, as "2027-03-01".
type Day string

// DayOf is the day of an instant.
func DayOf(at event.Instant) Day { return Day(at.Time().Format(time.DateOnly)) }

// deliveriesOn is the partition of the deliveries whose window begins on a day, in the order of the windows.
func deliveriesOn(d Day) string { return "deliveries/" + string(d) }

// Status of a delivery, for lists.
type Status string

// Statuses of a delivery.
const (
	StatusBooked    Status = "booked"
	StatusConsented Status = "consented"
	StatusAssigned  Status = "assigned"
	StatusVisiting  Status = "visiting"
	StatusBlocked   Status = "blocked"
	StatusDelivered Status = "delivered"
	StatusDiverted  Status = "diverted"
	StatusReturned  Status = "returned"
	StatusCancelled Status = "cancelled"
	StatusExpired   Status = "expired"
)

// Summary is one delivery in a list.
type Summary struct {
	Delivery    event.DeliveryID    `json:"delivery"`
	Site        event.SiteID        `json:"site"`
	Merchant    event.MerchantID    `json:"merchant"`
	Carrier     event.CarrierID     `json:"carrier"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Window      event.Span          `json:"window"`
	Parcels     int                 `json:"parcels"`
	Visit       event.VisitID       `json:"visit,omitempty"`
	Status      Status              `json:"status"`
	// How the visit ended that delivered it: proven secured, closed but unproven, or taken over.
	How event.VisitEnd `json:"how,omitempty"`
	At  event.Instant  `json:"at"`
}

// rowsOf derives the rows that a decision changes, event by event, so that it does not matter which events came
// to be decided together.
func rowsOf(before site.State, r Result) ([]store.Row, error) {
	p := projector{site: before.Site, index: make(map[[2]string]int)}
	for _, e := range r.Events {
		after := site.Evolve(before, e)
		p.at = e.At
		if !same(before.Deliveries, after.Deliveries) {
			p.deliveries(before, after, e)
		}
		if !same(before.Visits, after.Visits) {
			p.visits(before, after, e)
		}
		p.beside(before, e)
		before = after
	}
	return p.rows, p.err
}

// Retell returns every row that a site's journal makes, told anew from its first event on; what is dropped in the end
// has no data.
func Retell(id event.SiteID, journal []event.Event) ([]store.Row, error) {
	return rowsOf(site.State{Site: id}, Result{Events: journal})
}

// same says whether nothing was changed: Evolve copies the slices that it changes.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

type projector struct {
	site event.SiteID
	at   event.Instant
	rows []store.Row
	// index finds the row of a partition and key that was written already.
	index map[[2]string]int
	err   error
}

func (p *projector) deliveries(before, after site.State, e event.Event) {
	for _, d := range after.Deliveries {
		old, had := before.Delivery(d.ID)
		p.standing(old, had, d)
	}
	for _, d := range before.Deliveries {
		if _, stands := after.Delivery(d.ID); !stands {
			p.ended(d, e)
		}
	}
}

// standing writes a delivery that has not ended, if anything that a list shows has changed.
func (p *projector) standing(old site.Delivery, had bool, d site.Delivery) {
	was, is := Summarize(old, 0), Summarize(d, 0)
	if had && was == is {
		return
	}
	p.put(Summarize(d, p.at))
	if had && old.Courier != "" && old.Courier != d.Courier {
		p.drop(CourierDeliveries(old.Courier), string(d.ID))
	}
	if d.Courier != "" {
		p.row(CourierDeliveries(d.Courier), string(d.ID), Summarize(d, p.at))
	}
}

// ended writes how a delivery ended, and takes it off its courier's list to that of what ended.
func (p *projector) ended(d site.Delivery, e event.Event) {
	s := Summarize(d, p.at)
	switch b := e.Body.(type) {
	case event.DeliveryDelivered:
		s.Status, s.How = StatusDelivered, b.How
	case event.DeliveryDiverted:
		s.Status = StatusDiverted
	case event.DeliveryReturned:
		s.Status = StatusReturned
	case event.DeliveryCancelled:
		s.Status = StatusCancelled
	case event.DeliveryExpired:
		s.Status = StatusExpired
	}
	p.put(s)
	if d.Courier != "" {
		p.drop(CourierDeliveries(d.Courier), string(d.ID))
		p.row(CourierEnded(d.Courier), endedKey(s.At, d.ID), s)
	}
}

// Summarize says of a delivery that has not ended what a list says of it, as of an instant.
func Summarize(d site.Delivery, at event.Instant) Summary {
	s := Summary{Delivery: d.ID, Site: event.SiteOf(d.ID), Merchant: d.Merchant, Carrier: d.Carrier, Courier: d.Courier,
		AccessPoint: d.AccessPoint, Window: d.Window, Parcels: len(d.Parcels), Visit: d.Visit, At: at, Status: StatusBooked}
	switch {
	case d.Blocked:
		s.Status = StatusBlocked
	case d.Visit != "":
		s.Status = StatusVisiting
	case d.Courier != "":
		s.Status = StatusAssigned
	case d.Consented:
		s.Status = StatusConsented
	}
	return s
}

func (p *projector) put(s Summary) {
	p.row(SiteDeliveries(s.Site), string(s.Delivery), s)
	p.row(MerchantDeliveries(s.Merchant), string(s.Delivery), s)
	p.row(deliveriesOn(DayOf(s.Window.From)), timeKey(s.Window.From, string(s.Delivery)), s)
}

func (p *projector) row(partition, key string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil {
		p.err = fmt.Errorf("dispatch: a row of %s: %w", partition, err)
	}
	p.write(store.Row{Partition: partition, Key: key, Data: encoded})
}

func (p *projector) drop(partition, key string) {
	p.write(store.Row{Partition: partition, Key: key})
}

// write replaces what an earlier event of the decision wrote in the same place.
func (p *projector) write(r store.Row) {
	place := [2]string{r.Partition, r.Key}
	if i, written := p.index[place]; written {
		p.rows[i] = r
		return
	}
	p.index[place] = len(p.rows)
	p.rows = append(p.rows, r)
}

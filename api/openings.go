package api

import (
	"context"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Opener is by whom a barrier was opened.
type Opener string

// Openers.
const (
	ByCourier   Opener = "courier"
	ByRehearsal Opener = "rehearsal"
	ByOthers    Opener = "foreign"
	ByBorrower  Opener = "lent"
)

// Opening is one opening of a barrier of the home, or an order to open it.
type Opening struct {
	At      event.Instant     `json:"at" format:"date-time" doc:"When it was ordered, seen, or lent"`
	Who     Opener            `json:"who" enum:"courier,rehearsal,foreign,lent" doc:"foreign: not by Loquet. lent: a visit of another site"`
	Barrier event.BarrierID   `json:"barrier"`
	Is      event.BarrierKind `json:"is,omitempty"`
	Name    string            `json:"name,omitempty" doc:"The kind of barrier, in the reader's language"`
	// Visit, with its courier or the member who rehearsed; none for what Loquet did not order.
	Visit       event.VisitID       `json:"visit,omitempty"`
	AccessPoint event.AccessPointID `json:"accessPoint,omitempty"`
	Deliveries  []event.DeliveryID  `json:"deliveries,omitempty"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	CourierName string              `json:"courierName,omitempty"`
	Member      event.MemberID      `json:"member,omitempty"`
	MemberName  string              `json:"memberName,omitempty"`
	By          event.PermitType    `json:"by,omitempty" doc:"remote: Loquet opened it. code: a one-time code did"`
	Recovery    bool                `json:"recovery,omitempty" doc:"It was opened again because it stood ajar"`
	Shown       event.Instant       `json:"shown,omitempty" format:"date-time" doc:"When the code was first shown"`
	Outcome     event.Outcome       `json:"outcome,omitempty" doc:"Of the order: done, not-done, or unknown; absent while nobody knows"`
	Opened      event.Instant       `json:"opened,omitempty" format:"date-time" doc:"When it is known to have been opened"`
	Seen        bool                `json:"seen,omitempty" doc:"The device itself showed it open; else only its answer to the order says so"`
	Secured     event.Instant       `json:"secured,omitempty" format:"date-time" doc:"When it was proven shut again; absent when it was not"`
	Grade       event.Grade         `json:"grade,omitempty" doc:"proven: from the device itself. reported: through something that could forge it"`
	Cause       string              `json:"cause,omitempty" doc:"The device's own word on who moved it"`
	Borrower    event.SiteID        `json:"borrower,omitempty" doc:"Whose visit passed through"`
	Back        event.Instant       `json:"back,omitempty" format:"date-time" doc:"When the borrower gave it back"`
}

// Openings is a page of openings.
type Openings struct {
	Openings []Opening `json:"openings" doc:"The latest first"`
	Next     string    `json:"next,omitempty" doc:"The cursor of the next page; none at the end"`
}

// ListOpeningsInput says which openings are wanted.
type ListOpeningsInput struct {
	Page
	Barrier event.BarrierID `query:"barrier" maxLength:"64" doc:"Of this barrier alone"`
	Who     Opener          `query:"who" enum:"courier,rehearsal,foreign,lent" doc:"By these alone"`
	From    time.Time       `query:"from" doc:"Not before this time"`
	To      time.Time       `query:"to" doc:"Before this time"`
}

func (a *API) registerOpenings() {
	forMember(a, route{method: http.MethodGet, path: "/v1/home/openings", id: "listOpenings", summary: "Every opening ever",
		about: "By Loquet and by others, the latest first. A page may have fewer than asked for though more follow.", tag: "Home"}, a.ListOpenings)
}

// openingsScanned bounds how many openings are looked through for one page.
const openingsScanned = 2000

// ListOpenings is the operation listOpenings: every opening ever.
func (a *API) ListOpenings(ctx context.Context, m auth.Member, in *ListOpeningsInput) (*struct{ Body Openings }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	names := newOpeners(a, s)
	shown := Openings{Openings: []Opening{}}
	for scanned := 0; scanned < openingsScanned && len(shown.Openings) < in.size(); {
		some, next, err := a.Dispatch.Openings(ctx, s.Site, after, in.size()-len(shown.Openings))
		if err != nil {
			return nil, err
		}
		for _, o := range some {
			if in.From.After(o.At.Time()) {
				return &struct{ Body Openings }{shown}, nil
			}
			if !in.wants(o) {
				continue
			}
			one, err := names.shown(ctx, o)
			if err != nil {
				return nil, err
			}
			shown.Openings = append(shown.Openings, one)
		}
		if after, scanned = next, scanned+len(some); next == "" {
			return &struct{ Body Openings }{shown}, nil
		}
	}
	shown.Next = cursor(after)
	return &struct{ Body Openings }{shown}, nil
}

func (in *ListOpeningsInput) wants(o dispatch.Opening) bool {
	return (in.Barrier == "" || in.Barrier == o.Barrier) && (in.Who == "" || in.Who == openerOf(o)) &&
		(in.To.IsZero() || o.At.Time().Before(in.To))
}

func openerOf(o dispatch.Opening) Opener {
	switch {
	case o.Foreign:
		return ByOthers
	case o.Borrower != "":
		return ByBorrower
	case o.Member != "":
		return ByRehearsal
	default:
		return ByCourier
	}
}

// openers knows the names of those who opened, each read once.
type openers struct {
	api      *API
	site     site.State
	couriers map[event.CourierID]string
	members  map[event.MemberID]string
}

func newOpeners(a *API, s site.State) openers {
	return openers{a, s, map[event.CourierID]string{}, map[event.MemberID]string{}}
}

func (n openers) shown(ctx context.Context, o dispatch.Opening) (Opening, error) {
	shown := Opening{At: o.At, Who: openerOf(o), Barrier: o.Barrier, Is: o.Is, Name: callOf(ctx).lang.Barrier(o.Is), Visit: o.Visit,
		AccessPoint: o.AccessPoint, Deliveries: o.Deliveries, Courier: o.Courier, Member: o.Member, By: o.By, Recovery: o.Recovery, Shown: o.Shown,
		Outcome: o.Outcome, Opened: o.Opened, Seen: o.Seen, Secured: o.Secured, Grade: o.Grade, Cause: o.Cause, Borrower: o.Borrower, Back: o.Back}
	var err error
	if shown.CourierName, err = once(n.couriers, o.Courier, func() (string, error) { return n.api.nameOf(ctx, o.Courier) }); err != nil {
		return shown, err
	}
	shown.MemberName, err = once(n.members, o.Member, func() (string, error) {
		name, _, err := unseal[string](ctx, n.api, n.site.Site, memberName(o.Member))
		return name, err
	})
	return shown, err
}

// once reads a name that is not known yet; nobody's name is "".
func once[K ~string](known map[K]string, of K, read func() (string, error)) (string, error) {
	if name, ok := known[of]; ok || of == "" {
		return name, nil
	}
	name, err := read()
	known[of] = name
	return name, err
}

// openingsOf are the orders to open among the events of a story, in order.
func (a *API) openingsOf(ctx context.Context, s site.State, events []event.Event) ([]Opening, error) {
	names, shown := newOpeners(a, s), []Opening{}
	for _, e := range events {
		b, ok := e.Body.(event.OpeningIntended)
		if !ok {
			continue
		}
		o, err := a.Dispatch.Opening(ctx, b.Permit.ID)
		if err != nil {
			return nil, err
		}
		one, err := names.shown(ctx, o)
		if err != nil {
			return nil, err
		}
		shown = append(shown, one)
	}
	return shown, nil
}

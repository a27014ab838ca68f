package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// CourierState is a courier as the operator's console lists them.
type CourierState struct {
	Courier
	// Name is shown to the operator's own staff, and to no API key.
	Name string `json:"name,omitempty" doc:"For the operator's signed-in staff alone"`
	// Owner is who registered the courier, such as carrier/swift.
	Owner        string        `json:"owner" doc:"Who registered the courier, such as carrier/swift"`
	BoundAt      event.Instant `json:"boundAt,omitempty" format:"date-time" doc:"Since when the phone signs for the courier"`
	Revoked      event.Instant `json:"revoked,omitempty" format:"date-time" doc:"Since when the phone no longer may"`
	SuspendedBy  string        `json:"suspendedBy,omitempty"`
	SuspendedFor string        `json:"suspendedFor,omitempty" doc:"For the operator's signed-in staff alone"`
	// Ahead are the deliveries that the courier still brings, Ended those that came to their end today, and Visits those
	// that are under way.
	Ahead  int             `json:"ahead" doc:"How many deliveries are still to be brought"`
	Ended  int             `json:"ended" doc:"How many came to their end in the last 16 hours"`
	Visits []event.VisitID `json:"visits" doc:"Those that are under way"`
	// Refusals are the last requests that were refused, the latest first.
	Refusals []DayRefusal `json:"refusals" doc:"The courier's last requests that were refused, the latest first; at most 5"`
	// Stale are deliveries that name another phone than the one that is bound now.
	Stale []event.DeliveryID `json:"stale" doc:"Deliveries that name another phone: they go on when they are assigned again"`
}

// CourierStates is a page of couriers.
type CourierStates struct {
	Couriers []CourierState `json:"couriers"`
	Next     string         `json:"next,omitempty" doc:"The cursor of the next page; none at the end"`
}

func (a *API) registerCourierList() {
	forClient(a, route{method: http.MethodGet, path: "/v1/couriers", id: "listCouriers", summary: "List couriers",
		about: "For operators, in order of identifier.", tag: "Couriers", scope: auth.DeliveriesRead}, a.ListCouriers)
	forClient(a, route{method: http.MethodGet, path: "/v1/couriers/{courier}/round", id: "getRound", summary: "What a courier still brings",
		about: "For operators.", tag: "Couriers", scope: auth.DeliveriesRead}, a.GetRound)
}

// namesTo says whether couriers' names are shown to a client: to a person of the operator's staff, signed in at the
// console with a role that works with couriers, and to no program.
func namesTo(c auth.Client) bool {
	return c.Role() == auth.Operator && strings.HasPrefix(c.Key(), "staff/") && c.Require(auth.CouriersWrite) == nil
}

// lastRefusals is how many refusals are listed of a courier.
const lastRefusals = 5

// ListCouriersInput is what ListCouriers takes.
type ListCouriersInput struct {
	Page
	Courier event.CourierID `query:"courier" maxLength:"64" doc:"Only this one"`
}

// ListCouriers is the operation listCouriers: list couriers.
func (a *API) ListCouriers(ctx context.Context, c auth.Client, in *ListCouriersInput) (*struct{ Body CourierStates }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	records, err := a.courierRecords(ctx, in, after)
	if err != nil {
		return nil, err
	}
	page, states := CourierStates{Couriers: []CourierState{}}, stateCache{api: a, known: map[event.SiteID]site.State{}}
	for _, r := range records {
		shown, err := a.courierState(ctx, c, &states, r)
		if err != nil {
			return nil, err
		}
		page.Couriers = append(page.Couriers, shown)
	}
	if len(records) == in.size() && in.Courier == "" {
		page.Next = cursor(records[len(records)-1].ID)
	}
	return &struct{ Body CourierStates }{page}, nil
}

// courierRecords are those of a page, or of the one who is named.
func (a *API) courierRecords(ctx context.Context, in *ListCouriersInput, after string) ([]store.Record, error) {
	if in.Courier == "" {
		return a.Store.List(ctx, kindCourier, after, in.size())
	}
	r, err := a.Store.Get(ctx, kindCourier, string(in.Courier))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []store.Record{r}, err
}

func (a *API) courierState(ctx context.Context, c auth.Client, states *stateCache, r store.Record) (CourierState, error) {
	id := event.CourierID(r.ID)
	var rec courierRecord
	if err := json.Unmarshal(r.Data, &rec); err != nil {
		return CourierState{}, fmt.Errorf("api: a courier's record: %w", err)
	}
	b, err := a.Couriers.Binding(ctx, id)
	if err != nil {
		return CourierState{}, err
	}
	shown := CourierState{Courier: Courier{ID: id, Bound: b.Key != "" && b.RevokedAt == 0, Suspended: rec.SuspendedAt}, Owner: rec.Owner,
		BoundAt: b.BoundAt, Revoked: b.RevokedAt, SuspendedBy: rec.SuspendedBy, Visits: []event.VisitID{}, Refusals: []DayRefusal{}}
	if namesTo(c) {
		if shown.Name, shown.SuspendedFor, err = a.courierSecrets(ctx, id, rec); err != nil {
			return shown, err
		}
	}
	if err := a.countRound(ctx, &shown); err != nil {
		return shown, err
	}
	if err := a.fillRefusals(ctx, states, &shown); err != nil {
		return shown, err
	}
	shown.Stale, err = a.staleAssignments(ctx, b)
	return shown, err
}

func (a *API) fillRefusals(ctx context.Context, states *stateCache, shown *CourierState) error {
	refused, _, err := a.Dispatch.Refusals(ctx, shown.ID, "", lastRefusals)
	if err != nil {
		return err
	}
	for _, f := range refused {
		state, err := states.of(ctx, f.Site)
		if err != nil {
			return err
		}
		one := refusalShown(ctx, f)
		one.Zone = state.Zone
		shown.Refusals = append(shown.Refusals, one)
	}
	return nil
}

func (a *API) courierSecrets(ctx context.Context, id event.CourierID, rec courierRecord) (name, reason string, err error) {
	if name, err = a.courierName(ctx, id, rec); err != nil || len(rec.SuspendedFor) == 0 {
		return name, "", err
	}
	opened, err := a.Vault.Open(ctx, vault.Own, suspendedForOf(id), rec.SuspendedFor)
	return name, string(opened), err
}

func (a *API) countRound(ctx context.Context, shown *CourierState) error {
	since := event.InstantOf(a.Now()).Add(-dayLasts)
	if err := a.endedSince(ctx, shown.ID, since, func(dispatch.Summary) { shown.Ended++ }); err != nil {
		return err
	}
	seen := map[event.VisitID]bool{}
	return a.eachOfCourier(ctx, shown.ID, func(s dispatch.Summary) error {
		shown.Ahead++
		if s.Visit != "" && !seen[s.Visit] {
			seen[s.Visit] = true
			shown.Visits = append(shown.Visits, s.Visit)
		}
		return nil
	})
}

// GetRound is the operation getRound: what a courier still brings.
func (a *API) GetRound(ctx context.Context, c auth.Client, in *CourierInput) (*struct{ Body Deliveries }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if _, _, err := a.ofClient(ctx, c, in.Courier); err != nil {
		return nil, err
	}
	page := Deliveries{Deliveries: []Delivery{}}
	err := a.eachOfCourier(ctx, in.Courier, func(s dispatch.Summary) error {
		page.Deliveries = append(page.Deliveries, summaryShown(s))
		return nil
	})
	return &struct{ Body Deliveries }{page}, err
}

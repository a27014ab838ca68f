package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// CourierRequest registers a courier.
type CourierRequest struct {
	ID   event.CourierID `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" patternDescription:"letters, digits and ._:-" doc:"Your name for the courier, for good"`
	Name string          `json:"name,omitempty" maxLength:"100" doc:"Sealed; the household sees it during a visit"`
}

// Courier is a person or a robot that delivers. The name is not among what an API key sees.
type Courier struct {
	ID event.CourierID `json:"id"`
	// Bound says whether a device may sign for the courier. Binding takes a pairing code, which no API key can make.
	Bound bool `json:"bound"`
	// Suspended couriers are assigned nothing, and open nothing.
	Suspended event.Instant `json:"suspended,omitempty" format:"date-time" doc:"Since when nothing opens for the courier"`
}

// Suspended is what a suspension did.
type Suspended struct {
	Courier Courier `json:"courier"`
	// Sites are those that had something of the courier's, and have committed.
	Sites []event.SiteID `json:"sites"`
}

// SuspendRequest says why a courier is suspended.
type SuspendRequest struct {
	Reason string `json:"reason,omitempty" maxLength:"300" doc:"For the operator's own staff; sealed"`
}

// SuspendCourierInput is what SuspendCourier takes.
type SuspendCourierInput struct {
	CourierInput
	Body *SuspendRequest
}

// CourierInput names a courier.
type CourierInput struct {
	Courier event.CourierID `path:"courier" maxLength:"64"`
}

// CourierOutput is a courier.
type CourierOutput struct{ Body Courier }

func (a *API) registerCouriers() {
	forClient(a, route{method: http.MethodPost, path: "/v1/couriers", id: "registerCourier", summary: "Register a courier",
		about: "Repeating it with the same content changes nothing. A device is bound with a pairing code, which no API key can make.",
		tag:   "Couriers", status: http.StatusCreated, scope: auth.CouriersWrite}, a.RegisterCourier)
	forClient(a, route{method: http.MethodGet, path: "/v1/couriers/{courier}", id: "getCourier", summary: "Look at a courier", tag: "Couriers",
		scope: auth.CouriersWrite}, a.GetCourier)
	forClient(a, route{method: http.MethodPost, path: "/v1/couriers/{courier}/suspend", id: "suspendCourier", summary: "Suspend a courier",
		about: "For operators. Acknowledged when every site with a live assignment has committed. What is open stays under watch until secured.",
		tag:   "Couriers", scope: auth.CouriersWrite}, a.SuspendCourier)
	forClient(a, route{method: http.MethodPost, path: "/v1/couriers/{courier}/reinstate", id: "reinstateCourier", summary: "End a suspension",
		about: "For operators. Assignments that the suspension took are not given back.",
		tag:   "Couriers", scope: auth.CouriersWrite}, a.ReinstateCourier)
}

// kindCourier is the register of couriers; whose device signs for them is auth's.
const kindCourier = "api.courier"

// courierRecord is a courier as registered. Owner is who may look at it, besides operators.
type courierRecord struct {
	Owner       string        `json:"owner"`
	Name        []byte        `json:"name,omitempty"`
	SuspendedAt event.Instant `json:"suspendedAt,omitempty"`
	SuspendedBy string        `json:"suspendedBy,omitempty"`
	// SuspendedFor is why, sealed.
	SuspendedFor []byte `json:"suspendedFor,omitempty"`
}

func ownerOf(c auth.Client) string { return string(c.Role()) + "/" + c.Identity() }

func courierNameOf(id event.CourierID) string { return "courier/" + string(id) }

func suspendedForOf(id event.CourierID) string { return "courier/" + string(id) + "/suspended-for" }

// courierRecord returns a courier as registered, and the record's version; version 0 when there is none.
func (a *API) courierRecord(ctx context.Context, id event.CourierID) (data courierRecord, version uint64, err error) {
	r, err := a.Store.Get(ctx, kindCourier, string(id))
	if errors.Is(err, store.ErrNotFound) {
		return data, 0, nil
	}
	if err != nil {
		return data, 0, err
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return data, 0, fmt.Errorf("api: a courier's record: %w", err)
	}
	return data, r.Version, nil
}

func (a *API) putCourier(ctx context.Context, id event.CourierID, version uint64, data courierRecord) error {
	encoded, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("api: a courier's record: %w", err)
	}
	_, err = a.Store.Put(ctx, store.Record{Kind: kindCourier, ID: string(id), Version: version, Data: encoded})
	return err
}

// RegisterCourierInput is what RegisterCourier takes.
type RegisterCourierInput struct {
	Body CourierRequest
}

// RegisterCourier is the operation registerCourier: register a courier.
func (a *API) RegisterCourier(ctx context.Context, c auth.Client, in *RegisterCourierInput) (*CourierOutput, error) {
	rec, version, err := a.courierRecord(ctx, in.Body.ID)
	if err != nil {
		return nil, err
	}
	if version > 0 {
		return a.registeredAlready(ctx, c, in.Body, rec)
	}
	rec = courierRecord{Owner: ownerOf(c)}
	if in.Body.Name != "" {
		if rec.Name, err = a.Vault.Seal(ctx, vault.Own, courierNameOf(in.Body.ID), []byte(in.Body.Name)); err != nil {
			return nil, err
		}
	}
	if err := a.putCourier(ctx, in.Body.ID, 0, rec); err != nil {
		return nil, err
	}
	seen, err := a.courierSeen(ctx, in.Body.ID, rec)
	return &CourierOutput{seen}, err
}

// registeredAlready answers a repetition as the first time, and refuses another courier's identifier.
func (a *API) registeredAlready(ctx context.Context, c auth.Client, want CourierRequest, rec courierRecord) (*CourierOutput, error) {
	taken := problem(http.StatusConflict, "taken", "A courier with that identifier is registered already. Nothing was changed. Choose another identifier.")
	if rec.Owner != ownerOf(c) {
		return nil, taken
	}
	name, err := a.courierName(ctx, want.ID, rec)
	if err != nil {
		return nil, err
	}
	if name != want.Name {
		return nil, taken
	}
	seen, err := a.courierSeen(ctx, want.ID, rec)
	return &CourierOutput{seen}, err
}

func (a *API) courierSeen(ctx context.Context, id event.CourierID, rec courierRecord) (Courier, error) {
	b, err := a.Couriers.Binding(ctx, id)
	if err != nil {
		return Courier{}, err
	}
	return Courier{ID: id, Bound: b.Key != "" && b.RevokedAt == 0, Suspended: rec.SuspendedAt}, nil
}

func (a *API) courierName(ctx context.Context, id event.CourierID, rec courierRecord) (string, error) {
	if len(rec.Name) == 0 {
		return "", nil
	}
	name, err := a.Vault.Open(ctx, vault.Own, courierNameOf(id), rec.Name)
	return string(name), err
}

// ofClient returns a courier that the client registered, or any for an operator.
func (a *API) ofClient(ctx context.Context, c auth.Client, id event.CourierID) (courierRecord, uint64, error) {
	rec, version, err := a.courierRecord(ctx, id)
	if err != nil {
		return rec, 0, err
	}
	if version == 0 || c.Role() != auth.Operator && rec.Owner != ownerOf(c) {
		return rec, 0, notFound("courier")
	}
	return rec, version, nil
}

// GetCourier is the operation getCourier: look at a courier.
func (a *API) GetCourier(ctx context.Context, c auth.Client, in *CourierInput) (*CourierOutput, error) {
	rec, _, err := a.ofClient(ctx, c, in.Courier)
	if err != nil {
		return nil, err
	}
	seen, err := a.courierSeen(ctx, in.Courier, rec)
	return &CourierOutput{seen}, err
}

// SuspendCourier writes the register first: from then on nothing new is assigned. Then every site that has
// something of the courier's decides; repeating it after an error goes on where it ended.
func (a *API) SuspendCourier(ctx context.Context, c auth.Client, in *SuspendCourierInput) (*struct{ Body Suspended }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	rec, err := a.changeSuspension(ctx, c, in.Courier, func(rec *courierRecord) (err error) {
		if rec.SuspendedAt == 0 {
			rec.SuspendedAt, rec.SuspendedBy = event.InstantOf(a.Now()), c.Identity()
			rec.SuspendedFor, err = a.sealReason(ctx, in.Courier, orZero(in.Body).Reason)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sites, err := a.sitesWith(ctx, in.Courier)
	if err != nil {
		return nil, err
	}
	for _, id := range sites {
		if err := a.suspendAt(ctx, id, in.Courier, rec); err != nil {
			return nil, err
		}
	}
	seen, err := a.courierSeen(ctx, in.Courier, rec)
	return &struct{ Body Suspended }{Suspended{seen, sites}}, err
}

// changeSuspension changes whether a courier is suspended, once more where another request was faster: the second press of a hasty
// pair finds what the first one did.
func (a *API) changeSuspension(ctx context.Context, c auth.Client, id event.CourierID, change func(*courierRecord) error) (courierRecord, error) {
	for {
		rec, version, err := a.ofClient(ctx, c, id)
		if err != nil {
			return rec, err
		}
		was := rec.SuspendedAt
		if err := change(&rec); err != nil {
			return rec, err
		}
		if rec.SuspendedAt == was {
			return rec, nil
		}
		if err := a.putCourier(ctx, id, version, rec); !errors.Is(err, store.ErrConflict) {
			return rec, err
		}
	}
}

func (a *API) sealReason(ctx context.Context, id event.CourierID, reason string) ([]byte, error) {
	if reason == "" {
		return nil, nil
	}
	return a.Vault.Seal(ctx, vault.Own, suspendedForOf(id), []byte(reason))
}

// sitesWith lists the sites where the courier has a live assignment.
func (a *API) sitesWith(ctx context.Context, id event.CourierID) ([]event.SiteID, error) {
	sites := []event.SiteID{}
	seen := map[event.SiteID]bool{}
	err := a.eachOfCourier(ctx, id, func(s dispatch.Summary) error {
		if !seen[s.Site] {
			seen[s.Site] = true
			sites = append(sites, s.Site)
		}
		return nil
	})
	return sites, err
}

// eachOfCourier visits what a courier is to bring, as the projection knows it.
func (a *API) eachOfCourier(ctx context.Context, id event.CourierID, visit func(dispatch.Summary) error) error {
	for after := ""; ; {
		rows, err := a.Store.Rows(ctx, dispatch.CourierDeliveries(id), after, 200)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			after = row.Key
			s, err := summaryOf(row)
			if err != nil {
				return err
			}
			if err := visit(s); err != nil {
				return err
			}
		}
	}
}

func summaryOf(row store.Row) (dispatch.Summary, error) {
	var s dispatch.Summary
	err := decodeRow(row, &s)
	return s, err
}

func decodeRow(row store.Row, into any) error {
	if err := json.Unmarshal(row.Data, into); err != nil {
		return fmt.Errorf("api: a row of %s: %w", row.Partition, err)
	}
	return nil
}

// suspendAt has one site take everything from a suspended courier. A site that is gone has nothing to take.
func (a *API) suspendAt(ctx context.Context, at event.SiteID, id event.CourierID, rec courierRecord) error {
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorOperator, ID: rec.SuspendedBy}}
	_, err := a.Dispatch.Do(ctx, at, site.Command{Facts: facts, Do: site.Suspend{Courier: id}})
	if errors.Is(err, site.ErrState) || errors.Is(err, site.ErrUnknown) {
		return nil
	}
	return err
}

// heal makes a suspension hold where an assignment slipped in beside it.
func (a *API) heal(ctx context.Context, at event.SiteID, id event.CourierID) (suspended bool, err error) {
	rec, _, err := a.courierRecord(ctx, id)
	if err != nil || rec.SuspendedAt == 0 {
		return false, err
	}
	return true, a.suspendAt(context.WithoutCancel(ctx), at, id, rec)
}

// ReinstateCourier is the operation reinstateCourier: end a suspension.
func (a *API) ReinstateCourier(ctx context.Context, c auth.Client, in *CourierInput) (*CourierOutput, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	rec, err := a.changeSuspension(context.WithoutCancel(ctx), c, in.Courier, func(rec *courierRecord) error {
		rec.SuspendedAt, rec.SuspendedBy, rec.SuspendedFor = 0, "", nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	seen, err := a.courierSeen(ctx, in.Courier, rec)
	return &CourierOutput{seen}, err
}

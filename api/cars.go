package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Cars keeps where cars stand and should stand among the sites' sealed values. It is dispatch.Places.
type Cars struct {
	Store store.Store
	Vault *vault.Vault
}

// Reference is the centre that the household gave the access point.
func (c Cars) Reference(ctx context.Context, at event.SiteID, ap event.AccessPointID) (p dispatch.Position, known bool, err error) {
	s, known, err := readValue[spot](ctx, c.Store, c.Vault, at, spotName(ap))
	return s.Position, known, err
}

// Open reads where a car stands.
func (c Cars) Open(ctx context.Context, at event.SiteID, name string) (s dispatch.Standing, known bool, err error) {
	return readValue[dispatch.Standing](ctx, c.Store, c.Vault, at, name)
}

// Seal seals where a car stands.
func (c Cars) Seal(ctx context.Context, at event.SiteID, name string, s dispatch.Standing, eraseAt event.Instant) (store.Value, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return store.Value{}, fmt.Errorf("api: a value: %w", err)
	}
	sealed, err := c.Vault.Seal(ctx, at, name, plain)
	return store.Value{Name: name, Sealed: sealed, EraseAt: eraseAt}, err
}

// centreOf is around which a visit's courier is to be: an access point's own centre, or where a car was found for the
// visit.
func (a *API) centreOf(ctx context.Context, s site.State, v site.Visit) (p dispatch.Position, known bool, err error) {
	if ap, _ := s.AccessPoint(v.AccessPoint); ap.IsVehicle() {
		stands, known, err := Cars{a.Store, a.Vault}.Open(ctx, s.Site, dispatch.CarName(v.ID))
		return stands.Position, known, err
	}
	where, known, err := unseal[spot](ctx, a, s.Site, spotName(v.AccessPoint))
	return where.Position, known, err
}

// placeForPlanB is how near a courier is to the address whose plan B is followed; of a car, to its reference address or to
// the car itself. What is handed over at the reference address is handed over there alone.
func (a *API) placeForPlanB(ctx context.Context, s site.State, d site.Delivery, p Position) (*event.Place, error) {
	place, err := a.placeAt(ctx, s.Site, d.AccessPoint, p)
	v, visiting := s.Visit(d.Visit)
	next, _ := s.PlanB(d)
	if ap, _ := s.AccessPoint(d.AccessPoint); err != nil || !visiting || !ap.IsVehicle() || next.Kind == event.FallbackReference {
		return place, err
	}
	centre, known, err := a.centreOf(ctx, s, v)
	if err != nil || !known {
		return place, err
	}
	if there := dispatch.PlaceOf(dispatch.Position(p), centre, a.Now()); place == nil || there.Distance < place.Distance {
		return there, nil
	}
	return place, nil
}

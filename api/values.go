package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Personal values of a site, sealed under its key, by name. What they hold never stands in the journal.
const addressName = "address"

func memberName(id event.MemberID) string       { return "member/" + string(id) }
func spotName(id event.AccessPointID) string    { return "spot/" + string(id) }
func parcelsName(id event.DeliveryID) string    { return "parcels/" + string(id) }
func neighbourName(who event.Commitment) string { return "neighbour/" + string(who) }

// Purposes of commitments.
const (
	parcelPurpose    = "parcel"
	photoPurpose     = "photo"
	neighbourPurpose = "neighbour"
)

// parcelsKept is how long after its window a delivery's codes can still be printed and shown.
const parcelsKept = 7 * event.Day

// spot is what is personal about an access point. Address is empty where it is the site's.
type spot struct {
	Name     string            `json:"name,omitempty"`
	Address  string            `json:"address,omitempty"`
	Note     string            `json:"note,omitempty"`
	Position dispatch.Position `json:"position"`
}

// codes are a delivery's parcels' canonical codes, in the order of booking.
type codes []codeOf

// codeOf is a parcel's canonical code beside the commitment that stands in for it.
type codeOf struct {
	Parcel event.Commitment `json:"parcel"`
	Code   string           `json:"code"`
}

// lastFour is how a parcel's code ends; "" when it is not known any more.
func (c codes) lastFour(p event.Commitment) string {
	i := slices.IndexFunc(c, func(x codeOf) bool { return x.Parcel == p })
	if i < 0 {
		return ""
	}
	var code parcel.Code
	if err := code.UnmarshalText([]byte(c[i].Code)); err != nil {
		return ""
	}
	return code.LastFour()
}

// seal makes a value that is written with a decision.
func seal[T any](ctx context.Context, a *API, at event.SiteID, name string, value T, eraseAt event.Instant) (store.Value, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return store.Value{}, fmt.Errorf("api: a value: %w", err)
	}
	sealed, err := a.Vault.Seal(ctx, at, name, plain)
	if err != nil {
		return store.Value{}, err
	}
	return store.Value{Name: name, Sealed: sealed, EraseAt: eraseAt}, nil
}

// unseal reads a value; known is false when it was never given, or erased.
func unseal[T any](ctx context.Context, a *API, at event.SiteID, name string) (value T, known bool, err error) {
	return readValue[T](ctx, a.Store, a.Vault, at, name)
}

// unsealTo reads a value, and leaves what is there where none is kept.
func unsealTo[T any](ctx context.Context, a *API, at event.SiteID, name string, into *T) error {
	v, known, err := unseal[T](ctx, a, at, name)
	if known {
		*into = v
	}
	return err
}

func readValue[T any](ctx context.Context, s store.Store, v *vault.Vault, at event.SiteID, name string) (value T, known bool, err error) {
	sealed, err := s.Value(ctx, at, name)
	if errors.Is(err, store.ErrNotFound) {
		return value, false, nil
	}
	if err != nil {
		return value, false, err
	}
	plain, err := v.Open(ctx, at, name, sealed)
	if errors.Is(err, vault.ErrErased) {
		return value, false, nil
	}
	if err != nil {
		return value, false, err
	}
	if err := json.Unmarshal(plain, &value); err != nil {
		return value, false, fmt.Errorf("api: a value: %w", err)
	}
	return value, true, nil
}

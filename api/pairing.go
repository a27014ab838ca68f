package api

import (
	"context"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
)

// PairRequest binds a device's key to the courier who was given the code.
type PairRequest struct {
	Code      string `json:"code" minLength:"1" maxLength:"32" doc:"The pairing code" example:"K7QM-2XTD"`
	PublicJWK string `json:"publicJwk" minLength:"1" maxLength:"1024" doc:"The device's public P-256 key as a JWK; its private half never leaves the device"`
}

// Paired is a device's key just bound.
type Paired struct {
	Courier event.CourierID `json:"courier"`
	Key     event.KeyID     `json:"key" doc:"The key's RFC 7638 thumbprint"`
	// Replaced is the key that was the courier's until now.
	Replaced event.KeyID `json:"replaced,omitempty"`
	// Stale are live assignments that still name another key: they go on when they are assigned again.
	Stale []event.DeliveryID `json:"stale" doc:"Deliveries that name another key; the new one counts there when they are assigned again"`
}

func (a *API) registerPairing() {
	forStranger(a, route{method: http.MethodPost, path: "/v1/pair", id: "pairDevice", summary: "Bind a courier's device",
		about: "Signed with Loquet-Proof by the very key that is to be bound. The code works once, for ten minutes.",
		tag:   "Courier", status: http.StatusCreated}, a.PairDevice)
}

// PairDeviceInput is what PairDevice takes.
type PairDeviceInput struct {
	Proof string `header:"Loquet-Proof" required:"true" maxLength:"2048"`
	Body  PairRequest
}

// PairDevice is the operation pairDevice: bind a courier's device.
func (a *API) PairDevice(ctx context.Context, s stranger, in *PairDeviceInput) (*struct{ Body Paired }, error) {
	c := callOf(ctx)
	request := auth.Request{Method: c.method, URL: c.url, Body: c.body, Proof: in.Proof}
	bound, err := a.Couriers.Bind(context.WithoutCancel(ctx),
		auth.BindRequest{Code: in.Body.Code, PublicJWK: in.Body.PublicJWK, Request: request, From: s.From})
	if err != nil {
		return nil, err
	}
	stale, err := a.staleAssignments(ctx, bound.Binding)
	return &struct{ Body Paired }{Paired{Courier: bound.Courier, Key: bound.Key, Replaced: bound.Replaced, Stale: stale}}, err
}

// staleAssignments lists the courier's live deliveries that name another key. That a key was bound is no word to
// their sites: only assigning again is, and the site's people see it.
func (a *API) staleAssignments(ctx context.Context, b auth.Binding) ([]event.DeliveryID, error) {
	stale := []event.DeliveryID{}
	err := a.eachOfCourier(ctx, b.Courier, func(s dispatch.Summary) error {
		state, err := a.Dispatch.Load(ctx, s.Site)
		if err != nil {
			return err
		}
		if d, ok := state.Delivery(s.Delivery); ok && d.Courier == b.Courier && d.Key != b.Key {
			stale = append(stale, d.ID)
		}
		return nil
	})
	return stale, err
}

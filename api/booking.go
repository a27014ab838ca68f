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
)

// plan is a booking before it is decided.
type plan struct {
	state site.State
	do    site.Book
	kept  codes
}

// planned reads a booking, and looks at everything but the decision itself.
func (a *API) planned(ctx context.Context, c auth.Client, req BookRequest) (plan, error) {
	merchant, err := merchantOf(c, req.Merchant)
	if err != nil {
		return plan{}, err
	}
	read, err := readParcels(req.Parcels)
	if err != nil {
		return plan{}, err
	}
	p := plan{}
	if p.state, err = a.known(ctx, req.Site); err != nil {
		return plan{}, err
	}
	if p.do, err = bookingOf(req, merchant, p.state); err != nil {
		return plan{}, err
	}
	for i, code := range read {
		commitment, err := a.Vault.Commit(ctx, req.Site, parcelPurpose, code.String())
		if err != nil {
			return plan{}, err
		}
		p.do.Parcels = append(p.do.Parcels, event.Parcel{Code: commitment, Size: req.Parcels[i].Size})
		p.kept = append(p.kept, codeOf{commitment, code.String()})
	}
	return p, nil
}

// BookingCheck says what booking would do.
type BookingCheck struct {
	// Booked is the delivery that was booked under the same reference already.
	Booked      event.DeliveryID    `json:"booked,omitempty" doc:"The delivery that is booked under that reference already; then nothing would be booked"`
	Site        event.SiteID        `json:"site"`
	AccessPoint event.AccessPointID `json:"accessPoint" doc:"Where it would be left"`
	Window      Span                `json:"window"`
	ParcelCount int                 `json:"parcelCount"`
	// Consented says whether a standing consent allows it already.
	Consented bool `json:"consented" doc:"Whether a standing consent allows it. Without one the household is asked"`
}

// CheckBookingInput is what CheckBooking takes.
type CheckBookingInput struct {
	Body BookRequest
}

// CheckBooking is the operation checkBooking: see whether a delivery could be booked.
func (a *API) CheckBooking(ctx context.Context, c auth.Client, in *CheckBookingInput) (*struct{ Body BookingCheck }, error) {
	p, err := a.planned(ctx, c, in.Body)
	if err != nil {
		return nil, err
	}
	seen := BookingCheck{Site: in.Body.Site, AccessPoint: p.do.AccessPoint, Window: spanShown(p.do.Window), ParcelCount: len(p.do.Parcels)}
	if seen.Booked, err = a.referenced(ctx, p.do.Merchant, in.Body.Reference); err != nil {
		return nil, err
	}
	if seen.Booked != "" {
		return &struct{ Body BookingCheck }{seen}, nil
	}
	events, err := site.Decide(p.state, site.Command{Facts: site.Facts{Actor: c.Actor(), At: event.InstantOf(a.Now())}, Do: p.do})
	if err != nil {
		return nil, err
	}
	_, seen.Consented = happened[event.DeliveryConsented](dispatch.Result{Events: events})
	return &struct{ Body BookingCheck }{seen}, nil
}

// references is the partition of a merchant's own number: one row for each merchant that used it.
func references(reference string) string { return "reference/" + reference }

// reference is the row of a merchant's own number.
type reference struct {
	Delivery event.DeliveryID `json:"delivery"`
}

// referenced returns the delivery that a merchant booked under a number; "" for none.
func (a *API) referenced(ctx context.Context, m event.MerchantID, number string) (event.DeliveryID, error) {
	if number == "" {
		return "", nil
	}
	row, err := a.Store.Row(ctx, references(number), string(m))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var r reference
	err = decodeRow(row, &r)
	return r.Delivery, err
}

// unreferenced refuses a number under which something was booked.
func (a *API) unreferenced(ctx context.Context, m event.MerchantID, number string) error {
	id, err := a.referenced(ctx, m, number)
	if err != nil || id == "" {
		return err
	}
	return problem(http.StatusConflict, "already-booked", "Delivery "+string(id)+" is booked under that reference already. Nothing more was booked.").
		about("body.reference", "used already")
}

// keepReference writes the number with the booking. It looks again: two requests may have passed the first look.
func (a *API) keepReference(ctx context.Context, number string) dispatch.Attach {
	return func(r dispatch.Result) (more dispatch.Attachments, err error) {
		b, ok := happened[event.DeliveryBooked](r)
		if !ok || number == "" {
			return more, nil
		}
		if err := a.unreferenced(ctx, b.Merchant, number); err != nil {
			return more, err
		}
		data, err := json.Marshal(reference{b.Delivery})
		if err != nil {
			return more, fmt.Errorf("api: a reference: %w", err)
		}
		more.Rows = []store.Row{{Partition: references(number), Key: string(b.Merchant), Data: data}}
		return more, nil
	}
}

// FindReferenceInput is what FindReference takes.
type FindReferenceInput struct {
	Reference string `path:"reference" minLength:"1" maxLength:"64" doc:"The merchant's own number"`
}

// mostFound is how many merchants' deliveries of one number are shown.
const mostFound = 50

// FindReference is the operation findReference: find deliveries by the merchant's own number.
func (a *API) FindReference(ctx context.Context, c auth.Client, in *FindReferenceInput) (*struct{ Body Deliveries }, error) {
	rows, err := a.Store.Rows(ctx, references(in.Reference), "", mostFound)
	if err != nil {
		return nil, err
	}
	found := Deliveries{Deliveries: []Delivery{}}
	for _, row := range rows {
		var r reference
		if err := decodeRow(row, &r); err != nil {
			return nil, err
		}
		if !mayRead(c, event.MerchantID(row.Key)) {
			continue
		}
		s, err := a.summary(ctx, c, r.Delivery)
		if err != nil {
			return nil, err
		}
		found.Deliveries = append(found.Deliveries, summaryShown(s))
	}
	return &struct{ Body Deliveries }{found}, nil
}

// SiteZone is a site's calendar.
type SiteZone struct {
	Zone string `json:"zone" doc:"IANA time zone"`
	Open bool   `json:"open" doc:"False once the members have moved out"`
}

// GetSiteZone is the operation getSiteZone: a site's time zone, for whoever writes windows in its local time.
func (a *API) GetSiteZone(ctx context.Context, c auth.Client, in *SitePath) (*struct{ Body SiteZone }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	state, err := a.known(ctx, in.Site)
	if err != nil {
		return nil, err
	}
	return &struct{ Body SiteZone }{SiteZone{state.Zone, state.Open}}, nil
}

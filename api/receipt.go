package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// receiptFormat names the form of a receipt, and how its digests are made.
const receiptFormat = "loquet-receipt-1"

// Receipt is what a journal tells of one visit that has ended, with a digest that covers all of it. It holds no name
// and no address.
type Receipt struct {
	Format string        `json:"format" enum:"loquet-receipt-1"`
	Server string        `json:"server" doc:"Who issued it"`
	Issued event.Instant `json:"issued" format:"date-time"`
	// Evidence says what stands behind it.
	Evidence string         `json:"evidence" enum:"server" doc:"server: the word of this server alone. Nothing outside of it shows that the events are all, or were not written later"`
	Summary  ReceiptSummary `json:"summary"`
	Events   []ReceiptEvent `json:"events" doc:"In order"`
	Chain    string         `json:"chain" doc:"SHA-256, hexadecimal, over the digests of the events in a chain: of the link before and the event's digest, beginning with that of the format's name"`
}

// ReceiptSummary is what, who and when, in short. The events say it too.
type ReceiptSummary struct {
	Site        event.SiteID        `json:"site"`
	Zone        string              `json:"zone"`
	Visit       event.VisitID       `json:"visit"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	Member      event.MemberID      `json:"member,omitempty" doc:"Who rehearsed"`
	Deliveries  []event.DeliveryID  `json:"deliveries" doc:"Those that were delivered"`
	Begun       event.Instant       `json:"begun" format:"date-time"`
	Arrived     event.Instant       `json:"arrived,omitempty" format:"date-time"`
	Ended       event.Instant       `json:"ended" format:"date-time"`
	How         event.VisitEnd      `json:"how"`
	// Openings and Secured are the orders to open, and what proved everything shut.
	Openings []ReceiptOpening `json:"openings"`
	Secured  []ReceiptSecured `json:"secured"`
}

// ReceiptOpening is one order to open.
type ReceiptOpening struct {
	Barrier event.BarrierID  `json:"barrier"`
	Permit  event.PermitID   `json:"permit"`
	By      event.PermitType `json:"by"`
	At      event.Instant    `json:"at" format:"date-time"`
}

// ReceiptSecured is a proof that a barrier was shut.
type ReceiptSecured struct {
	Barrier event.BarrierID `json:"barrier"`
	Grade   event.Grade     `json:"grade"`
	At      event.Instant   `json:"at" format:"date-time"`
}

// ReceiptEvent is one event, in its canonical encoding.
type ReceiptEvent struct {
	Event  json.RawMessage `json:"event" doc:"As it stands in the journal"`
	SHA256 string          `json:"sha256" doc:"Of its canonical encoding, hexadecimal"`
}

// ReceiptCheck is what checking a receipt found.
type ReceiptCheck struct {
	Result string `json:"result" enum:"matches,altered,other" doc:"matches: it says what this server's journal says, and all of it. altered: it does not. other: it is of another household, or of no visit here"`
	// Evidence is the same as a receipt's.
	Evidence string        `json:"evidence" enum:"server" doc:"server: the word of this server alone"`
	Visit    event.VisitID `json:"visit,omitempty"`
	At       event.Instant `json:"at" format:"date-time" doc:"When it was checked"`
}

// VerifyReceiptInput is a receipt to be checked.
type VerifyReceiptInput struct{ Body Receipt }

func (a *API) registerReceipts() {
	forMember(a, route{method: http.MethodGet, path: "/v1/home/visits/{visit}/receipt", id: "getReceipt", summary: "A visit's receipt",
		about: "Once the visit has ended.", tag: "Home"}, a.GetReceipt)
	forClient(a, route{method: http.MethodGet, path: "/v1/visits/{visit}/receipt", id: "getReceiptAsOperator", summary: "A visit's receipt",
		about: "For operators. It holds no name and no address.", tag: "Deliveries", scope: auth.JournalsRead}, a.GetReceiptAsOperator)
	forMember(a, route{method: http.MethodPost, path: "/v1/home/receipts/verify", id: "verifyReceipt", summary: "Check a receipt",
		about: "Against what this server's journal says now.", tag: "Home"}, a.VerifyReceipt)
}

// GetReceipt is the operation getReceipt: a visit's receipt.
func (a *API) GetReceipt(ctx context.Context, m auth.Member, in *VisitPath) (*struct{ Body Receipt }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	r, err := a.receipt(ctx, s, in.Visit, true)
	return &struct{ Body Receipt }{r}, err
}

// GetReceiptAsOperator is the operation getReceiptAsOperator: a visit's receipt.
func (a *API) GetReceiptAsOperator(ctx context.Context, c auth.Client, in *VisitPath) (*struct{ Body Receipt }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if event.CheckID(in.Visit, 'v') != nil {
		return nil, notFound("visit")
	}
	s, err := a.known(ctx, event.SiteOf(in.Visit))
	if err != nil {
		return nil, err
	}
	r, err := a.receipt(ctx, s, in.Visit, true)
	return &struct{ Body Receipt }{r}, err
}

// receipt makes the receipt of a visit, with what was kept of its pictures if that is wanted and known.
func (a *API) receipt(ctx context.Context, s site.State, id event.VisitID, withClip bool) (Receipt, error) {
	t, err := a.visitTale(ctx, s, id)
	if err != nil {
		return Receipt{}, err
	}
	if t.over == 0 {
		return Receipt{}, problem(http.StatusConflict, "conflict", "The visit is still under way. Nothing was done. Its receipt is there once it has ended.")
	}
	r := Receipt{Format: receiptFormat, Server: a.public, Issued: event.InstantOf(a.Now()), Evidence: "server",
		Summary: ReceiptSummary{Site: s.Site, Zone: s.Zone, Deliveries: []event.DeliveryID{}, Openings: []ReceiptOpening{}, Secured: []ReceiptSecured{}}}
	for _, e := range receipted(t, withClip) {
		encoded, err := json.Marshal(e)
		if err != nil {
			return Receipt{}, fmt.Errorf("api: an event of a receipt: %w", err)
		}
		sum := sha256.Sum256(encoded)
		r.Events = append(r.Events, ReceiptEvent{Event: encoded, SHA256: hex.EncodeToString(sum[:])})
		r.Summary.tell(e)
	}
	r.Chain, err = chained(r.Events)
	return r, err
}

// receipted are the events of a story that belong into a receipt: until the visit's end, the end of its filming, and
// what was kept of it. What is looked at and erased later is none of its business.
func receipted(t *tale, withClip bool) (events []event.Event) {
	for _, e := range t.events {
		belongs := e.At <= t.over
		switch e.Body.(type) {
		case event.ClipFinished:
			belongs = withClip
		case event.PictureWatched, event.ClipErasureAsked, event.ClipErased:
			belongs = false
		}
		if belongs {
			events = append(events, e)
		}
	}
	return events
}

// tell takes what an event says of the visit as a whole.
func (r *ReceiptSummary) tell(e event.Event) {
	switch b := e.Body.(type) {
	case event.VisitBegun:
		r.Visit, r.AccessPoint, r.Courier, r.Member, r.Begun = b.Visit, b.AccessPoint, b.Courier, b.Member, e.At
	case event.VisitArrived:
		r.Arrived = e.At
	case event.DeliveryDelivered:
		r.Deliveries = append(r.Deliveries, b.Delivery)
	case event.OpeningIntended:
		r.Openings = append(r.Openings, ReceiptOpening{Barrier: b.Permit.Barrier, Permit: b.Permit.ID, By: b.Permit.Type, At: e.At})
	case event.BarrierSecured:
		r.Secured = append(r.Secured, ReceiptSecured{Barrier: b.Barrier, Grade: b.Grade, At: e.At})
	case event.BarrierUnsecured:
		r.Secured = slices.DeleteFunc(r.Secured, func(s ReceiptSecured) bool { return s.Barrier == b.Barrier })
	case event.VisitEnded:
		r.Ended, r.How = e.At, b.How
	}
}

var errReceipt = errors.New("api: the receipt does not hold together")

// chained computes the digest over all events, whose own digests must be right.
func chained(events []ReceiptEvent) (string, error) {
	link := sha256.Sum256([]byte(receiptFormat))
	for _, e := range events {
		canonical, err := canonicalEvent(e.Event)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(canonical)
		if hex.EncodeToString(sum[:]) != e.SHA256 {
			return "", errReceipt
		}
		link = sha256.Sum256(append(link[:], sum[:]...))
	}
	return hex.EncodeToString(link[:]), nil
}

// canonicalEvent is the one encoding of an event, however it was written down.
func canonicalEvent(written []byte) ([]byte, error) {
	var e event.Event
	if err := json.Unmarshal(written, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", errReceipt, err)
	}
	return json.Marshal(e)
}

// Whole says whether a receipt holds together: every event has its digest, and the chain covers them all. That nobody
// wrote it anew, only the server that issued it can say.
func (r Receipt) Whole() bool {
	chain, err := chained(r.Events)
	return err == nil && r.Format == receiptFormat && chain == r.Chain
}

// VerifyReceipt is the operation verifyReceipt: check a receipt against the journal.
func (a *API) VerifyReceipt(ctx context.Context, m auth.Member, in *VerifyReceiptInput) (*struct{ Body ReceiptCheck }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	found := ReceiptCheck{Result: "altered", Evidence: "server", Visit: in.Body.Summary.Visit, At: event.InstantOf(a.Now())}
	same, err := a.sameReceipt(ctx, s, in.Body)
	var p *Problem
	switch {
	case errors.As(err, &p) && p.Status < http.StatusInternalServerError:
		found.Result, found.Visit = "other", ""
	case err != nil:
		return nil, err
	case same && in.Body.Whole():
		found.Result = "matches"
	}
	return &struct{ Body ReceiptCheck }{found}, nil
}

// sameReceipt makes the receipt again and compares. One from before the clip was finished lacks that event, and is no
// less true.
func (a *API) sameReceipt(ctx context.Context, s site.State, given Receipt) (bool, error) {
	for _, withClip := range []bool{true, false} {
		ours, err := a.receipt(ctx, s, given.Summary.Visit, withClip)
		if err != nil {
			return false, err
		}
		ours.Issued, ours.Server = given.Issued, given.Server
		if same, err := alike(ours, given); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

// alike says whether two receipts say the same, however their events are written down.
func alike(ours, given Receipt) (bool, error) {
	given.Events = slices.Clone(given.Events)
	for i, e := range given.Events {
		canonical, err := canonicalEvent(e.Event)
		if err != nil {
			return false, nil //nolint:nilerr // it says something else
		}
		given.Events[i].Event = canonical
	}
	one, err := json.Marshal(ours)
	if err != nil {
		return false, fmt.Errorf("api: a receipt: %w", err)
	}
	two, err := json.Marshal(given)
	return err == nil && bytes.Equal(one, two), nil
}

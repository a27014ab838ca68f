package api

import (
	"context"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/site"
)

// Position is where a phone says it is: WGS 84 degrees.
type Position struct {
	Latitude  float64   `json:"latitude" minimum:"-90" maximum:"90"`
	Longitude float64   `json:"longitude" minimum:"-180" maximum:"180"`
	Accuracy  float64   `json:"accuracy" minimum:"0" maximum:"1000000" doc:"Within so many metres"`
	At        time.Time `json:"at" doc:"When the phone measured it, with a zone"`
}

// ApproachRequest begins a visit, or renews its estimate.
type ApproachRequest struct {
	Site        event.SiteID        `json:"site" maxLength:"32"`
	AccessPoint event.AccessPointID `json:"accessPoint" maxLength:"64"`
	ETA         time.Time           `json:"eta,omitzero" doc:"Estimated time of arrival, with a zone"`
}

// ArriveRequest says that the courier stands at the access point.
type ArriveRequest struct {
	Position *Position `json:"position,omitempty"`
}

// ScanRequest is a parcel's code as it was read.
type ScanRequest struct {
	Text      string    `json:"text" minLength:"1" maxLength:"512" doc:"What the scanner gave, or what was typed"`
	Symbology string    `json:"symbology,omitempty" maxLength:"3" doc:"Symbology identifier (ISO/IEC 15424), if known"`
	Offline   bool      `json:"offline,omitempty" doc:"Read without network and sent later: it opens nothing"`
	Position  *Position `json:"position,omitempty"`
}

// MissingRequest says that the courier does not have a parcel.
type MissingRequest struct {
	Parcel   event.Commitment `json:"parcel" minLength:"1" maxLength:"64" doc:"The parcel's reference, as the visit lists it"`
	Position *Position        `json:"position,omitempty"`
}

// OpenRequest is the tap for one barrier: to open it, to open it again, or for its one-time code.
type OpenRequest struct {
	Barrier  event.BarrierID `json:"barrier" minLength:"1" maxLength:"64"`
	Position *Position       `json:"position,omitempty"`
}

// DepositRequest says that the parcels were put down.
type DepositRequest struct {
	Photo string `json:"photo,omitempty" maxLength:"128" doc:"Digest of a picture, if one was taken; the journal holds a commitment to it"`
}

// PlanBRequest says that the courier took the next step of plan B, or found nobody there.
type PlanBRequest struct {
	Step     string    `json:"step,omitempty" maxLength:"64" doc:"Which step was shown and done. When another one comes next by now, nothing is recorded"`
	Nobody   bool      `json:"nobody,omitempty" doc:"Nobody was there; the step after it comes next"`
	Photo    string    `json:"photo,omitempty" maxLength:"128" doc:"Digest of a picture, if one was taken"`
	Position *Position `json:"position,omitempty"`
}

// Nothing is the body of a request that says everything in its address: {} or none.
type Nothing struct{}

// VisitPath names a visit.
type VisitPath struct {
	Visit event.VisitID `path:"visit" maxLength:"64"`
}

// NothingInput says everything in its address.
type NothingInput struct {
	Idempotent
	VisitPath
	Body *Nothing
}

func (a *API) registerCourier() {
	forCourier(a, route{method: http.MethodGet, path: "/v1/courier/stops", id: "listStops", summary: "What to bring, and where", tag: "Courier",
		about: "Address, place and note are shown from two hours before the window on."}, a.ListStops)
	forCourier(a, route{method: http.MethodGet, path: "/v1/courier/stops/{accessPoint}", id: "showStop", summary: "Look at one stop", tag: "Courier"},
		a.ShowStop)
	forCourier(a, route{method: http.MethodPost, path: "/v1/courier/approach", id: "approach", summary: "Begin a visit",
		about: "With every due delivery of the courier for that access point; again, to renew the estimate.", tag: "Courier"}, a.Approach)
	forCourier(a, route{method: http.MethodGet, path: "/v1/courier/visits/{visit}", id: "getVisit", summary: "Look at a visit", tag: "Courier"}, a.GetVisit)
	a.registerVisit()
	forCourier(a, route{method: http.MethodPost, path: "/v1/courier/deliveries/{delivery}/plan-b", id: "planB", summary: "Follow plan B",
		tag: "Courier"}, a.PlanB)
}

// registerVisit states what a courier does during a visit. Whatever may open something says so.
func (a *API) registerVisit() {
	act := func(name, summary, about string) route {
		return route{method: http.MethodPost, path: "/v1/courier/visits/{visit}/" + name, id: name + "Visit", summary: summary, about: about, tag: "Courier"}
	}
	forCourier(a, act("arrive", "Say to be there", ""), a.ArriveVisit)
	forCourier(a, act("scan", "Scan a parcel",
		"The last parcel of a visit, scanned or missing, is itself the request to open the first barrier."), a.ScanVisit)
	forCourier(a, act("missing", "Say that a parcel is missing",
		"The last parcel of a visit, scanned or missing, is itself the request to open the first barrier."), a.MissingVisit)
	forCourier(a, act("open", "Open a barrier", "The next one further in, the first after scans without network, or one that certainly did not open."), a.OpenVisit)
	forCourier(a, act("reopen", "Open a barrier again", "Only while it stands ajar: its bolt out, its contact open."), a.ReopenVisit)
	forCourier(a, act("code", "Ask for the one-time code", "Asking again shows the same code; that is no second opening."), a.CodeVisit)
	forCourier(a, act("deposit", "Say that the parcels were put down", ""), a.DepositVisit)
	forCourier(a, act("close", "Say that everything is to be shut", ""), a.CloseVisit)
	forCourier(a, act("leave", "Ask to be released", "Granted when every barrier is secured, or nothing was opened."), a.LeaveVisit)
	forCourier(a, act("danger", "Leave in danger", "The alarm climbs, and the visit stays open until secured."), a.DangerVisit)
}

// answered has a site decide upon a courier's request. A suspension that did not reach the site yet does so first.
func (a *API) answered(ctx context.Context, c auth.Courier, v event.VisitID, o order) (*AnswerOutput, error) {
	if _, err := a.heal(ctx, o.site, c.ID()); err != nil {
		return nil, err
	}
	answer, err := decide(ctx, a, o, a.visitAnswer(v, o.facts.Place))
	if err != nil {
		return nil, err
	}
	if shown := answer.Visit; shown != nil && (shown.Arrived != 0 || shown.Ended != nil) {
		a.positions.forget(v)
	}
	return &AnswerOutput{answer}, nil
}

// about has a visit's site decide upon a courier's request for the visit.
func (a *API) about(ctx context.Context, c auth.Courier, v event.VisitID, p *Position, do site.Request) (*AnswerOutput, error) {
	o, err := a.orderAbout(ctx, c, v, p, do)
	if err != nil {
		return nil, err
	}
	return a.answered(ctx, c, v, o)
}

func (a *API) orderAbout(ctx context.Context, c auth.Courier, v event.VisitID, p *Position, do site.Request) (order, error) {
	if event.CheckID(v, 'v') != nil {
		return order{}, notFound("visit")
	}
	place, err := a.placeAtVisit(ctx, v, p)
	return byCourier(c, event.SiteOf(v), do, place), err
}

// placeAtVisit reduces a position to its distance from the visit's access point, which alone the journal may know. It
// returns nil when its centre is not known: the site then refuses for want of a position.
func (a *API) placeAtVisit(ctx context.Context, id event.VisitID, p *Position) (*event.Place, error) {
	if p == nil {
		return nil, nil
	}
	state, err := a.Dispatch.Load(ctx, event.SiteOf(id))
	if err != nil {
		return nil, err
	}
	v, ok := state.Visit(id)
	if !ok {
		return nil, nil
	}
	centre, known, err := a.centreOf(ctx, state, v)
	if err != nil || !known {
		return nil, err
	}
	return dispatch.PlaceOf(dispatch.Position(*p), centre, a.Now()), nil
}

// placeAt reduces a position to its distance from what the household gave as an access point's centre; nil when that is
// not known.
func (a *API) placeAt(ctx context.Context, at event.SiteID, ap event.AccessPointID, p Position) (*event.Place, error) {
	centre, known, err := unseal[spot](ctx, a, at, spotName(ap))
	if err != nil || !known {
		return nil, err
	}
	return dispatch.PlaceOf(dispatch.Position(p), centre.Position, a.Now()), nil
}

// ApproachInput is what Approach takes.
type ApproachInput struct {
	Idempotent
	Body ApproachRequest
}

// Approach is the operation approach: begin a visit.
func (a *API) Approach(ctx context.Context, c auth.Courier, in *ApproachInput) (*AnswerOutput, error) {
	if _, err := a.known(ctx, in.Body.Site); err != nil {
		return nil, err
	}
	do := site.Approach{AccessPoint: in.Body.AccessPoint, ETA: event.InstantOf(in.Body.ETA)}
	o := byCourier(c, in.Body.Site, do, nil)
	if _, err := a.heal(ctx, o.site, c.ID()); err != nil {
		return nil, err
	}
	answer, err := decide(ctx, a, o, a.approached)
	return &AnswerOutput{answer}, err
}

// approached shows the visit that began, or that was under way.
func (a *API) approached(ctx context.Context, r dispatch.Result) (Answer, error) {
	if renewed, ok := happened[event.VisitEstimated](r); ok {
		return a.visitAnswer(renewed.Visit, nil)(ctx, r)
	}
	begun, _ := happened[event.VisitBegun](r)
	return a.visitAnswer(begun.Visit, nil)(ctx, r)
}

// GetVisit is the operation getVisit: look at a visit.
func (a *API) GetVisit(ctx context.Context, c auth.Courier, in *VisitPath) (*struct{ Body Visit }, error) {
	if event.CheckID(in.Visit, 'v') != nil {
		return nil, notFound("visit")
	}
	state, err := a.Dispatch.Load(ctx, event.SiteOf(in.Visit))
	if err != nil {
		return nil, err
	}
	if v, ok := state.Visit(in.Visit); ok {
		if v.Courier != c.ID() || v.Key != c.Signed().Key {
			return nil, notFound("visit")
		}
		shown, err := a.visitShown(ctx, state, v)
		if err != nil {
			return nil, err
		}
		return &struct{ Body Visit }{*shown}, nil
	}
	shown, err := a.endedVisit(ctx, in.Visit)
	if err != nil {
		return nil, err
	}
	if shown.Courier != c.ID() {
		return nil, notFound("visit")
	}
	return &struct{ Body Visit }{*shown}, nil
}

// ArriveVisitInput is what ArriveVisit takes.
type ArriveVisitInput struct {
	Idempotent
	VisitPath
	Body ArriveRequest
}

// ArriveVisit is the operation arriveVisit: say to be there.
func (a *API) ArriveVisit(ctx context.Context, c auth.Courier, in *ArriveVisitInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, in.Body.Position, site.Arrive{Visit: in.Visit})
}

// ScanVisitInput is what ScanVisit takes.
type ScanVisitInput struct {
	Idempotent
	VisitPath
	Body ScanRequest
}

// ScanVisit is the operation scanVisit: scan a parcel.
func (a *API) ScanVisit(ctx context.Context, c auth.Courier, in *ScanVisitInput) (*AnswerOutput, error) {
	code, err := parcel.Parse(in.Body.Text, in.Body.Symbology)
	if err != nil {
		return nil, err
	}
	commitment, err := a.committed(ctx, in.Visit, parcelPurpose, code.String())
	if err != nil {
		return nil, err
	}
	return a.about(ctx, c, in.Visit, in.Body.Position, site.Scan{Visit: in.Visit, Parcel: commitment, Offline: in.Body.Offline})
}

// committed stands in for a value at the site of a visit or a delivery that may be there: a site that is not, or
// no longer, gets no key by being asked.
func (a *API) committed(ctx context.Context, visit event.VisitID, purpose, value string) (event.Commitment, error) {
	if event.CheckID(visit, 'v') != nil {
		return "", notFound("visit")
	}
	state, err := a.known(ctx, event.SiteOf(visit))
	if err != nil {
		return "", err
	}
	if !state.Open {
		return "", notFound("visit")
	}
	if value == "" {
		return "", nil
	}
	return a.Vault.Commit(ctx, state.Site, purpose, value)
}

// MissingVisitInput is what MissingVisit takes.
type MissingVisitInput struct {
	Idempotent
	VisitPath
	Body MissingRequest
}

// MissingVisit is the operation missingVisit: say that a parcel is missing.
func (a *API) MissingVisit(ctx context.Context, c auth.Courier, in *MissingVisitInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, in.Body.Position, site.Missing{Visit: in.Visit, Parcel: in.Body.Parcel})
}

// OpenInput is a tap for one barrier of a visit.
type OpenInput struct {
	Idempotent
	VisitPath
	Body OpenRequest
}

// OpenVisit is the operation openVisit: open a barrier.
func (a *API) OpenVisit(ctx context.Context, c auth.Courier, in *OpenInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, in.Body.Position, site.Open{Visit: in.Visit, Barrier: in.Body.Barrier})
}

// ReopenVisit is the operation reopenVisit: open a barrier again.
func (a *API) ReopenVisit(ctx context.Context, c auth.Courier, in *OpenInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, in.Body.Position, site.Reopen{Visit: in.Visit, Barrier: in.Body.Barrier})
}

// CodeVisit shows the one-time code, which is added to the answer after its showing is committed. Asking again is no
// second showing, so that no answer with a code in it has to be remembered.
func (a *API) CodeVisit(ctx context.Context, c auth.Courier, in *OpenInput) (*AnswerOutput, error) {
	o, err := a.orderAbout(ctx, c, in.Visit, in.Body.Position, site.ShowCode{Visit: in.Visit, Barrier: in.Body.Barrier})
	if err != nil {
		return nil, err
	}
	o.natural = true
	out, err := a.answered(ctx, c, in.Visit, o)
	if err != nil || out.Body.Refused != nil {
		return out, err
	}
	out.Body.Code, err = a.shownCode(ctx, in.Visit, in.Body.Barrier)
	return out, err
}

// shownCode is the one-time code of a showing that was committed; "" when none was.
func (a *API) shownCode(ctx context.Context, id event.VisitID, b event.BarrierID) (string, error) {
	state, err := a.Dispatch.Load(ctx, event.SiteOf(id))
	if err != nil {
		return "", err
	}
	v, _ := state.Visit(id)
	for _, p := range v.Steps {
		if p.Barrier == b && p.Shown != 0 {
			return a.Dispatch.ShownCode(ctx, event.CodeShown{Permit: p.Permit.ID, Visit: v.ID, Key: v.Key})
		}
	}
	return "", nil
}

// DepositVisitInput is what DepositVisit takes.
type DepositVisitInput struct {
	Idempotent
	VisitPath
	Body *DepositRequest
}

// DepositVisit is the operation depositVisit: say that the parcels were put down.
func (a *API) DepositVisit(ctx context.Context, c auth.Courier, in *DepositVisitInput) (*AnswerOutput, error) {
	req := orZero(in.Body)
	photo, err := a.committed(ctx, in.Visit, photoPurpose, req.Photo)
	if err != nil {
		return nil, err
	}
	return a.about(ctx, c, in.Visit, nil, site.Deposit{Visit: in.Visit, Photo: photo})
}

// orZero is the body of a request that may have none.
func orZero[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

// CloseVisit is the operation closeVisit: say that everything is to be shut.
func (a *API) CloseVisit(ctx context.Context, c auth.Courier, in *NothingInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, nil, site.Close{Visit: in.Visit})
}

// LeaveVisit is the operation leaveVisit: ask to be released.
func (a *API) LeaveVisit(ctx context.Context, c auth.Courier, in *NothingInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, nil, site.Leave{Visit: in.Visit})
}

// DangerVisit is the operation dangerVisit: leave in danger.
func (a *API) DangerVisit(ctx context.Context, c auth.Courier, in *NothingInput) (*AnswerOutput, error) {
	return a.about(ctx, c, in.Visit, nil, site.Danger{Visit: in.Visit})
}

// PlanBInput is what PlanB takes.
type PlanBInput struct {
	Idempotent
	DeliveryPath
	Body PlanBRequest
}

// PlanB is the operation planB: follow plan B.
func (a *API) PlanB(ctx context.Context, c auth.Courier, in *PlanBInput) (*AnswerOutput, error) {
	if event.CheckID(in.Delivery, 'd') != nil {
		return nil, notFound("delivery")
	}
	state, err := a.known(ctx, event.SiteOf(in.Delivery))
	if err != nil {
		return nil, err
	}
	d, ok := state.Delivery(in.Delivery)
	if !ok {
		return nil, notFound("delivery")
	}
	do := site.FollowPlanB{Delivery: in.Delivery, Nobody: in.Body.Nobody}
	if next, _ := state.PlanB(d); in.Body.Step != "" && in.Body.Step != stepName(next) {
		return nil, problem(http.StatusConflict, "conflict", "Another step of plan B comes next by now. Nothing was recorded. Look at it, or call.")
	} else if in.Body.Step != "" {
		do.Shown = next
	}
	if in.Body.Photo != "" {
		if do.Photo, err = a.Vault.Commit(ctx, state.Site, photoPurpose, in.Body.Photo); err != nil {
			return nil, err
		}
	}
	var place *event.Place
	if in.Body.Position != nil {
		if place, err = a.placeForPlanB(ctx, state, d, *in.Body.Position); err != nil {
			return nil, err
		}
	}
	return a.answered(ctx, c, d.Visit, byCourier(c, state.Site, do, place))
}

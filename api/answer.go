package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

// Answer is what became of a request that a site decided upon.
type Answer struct {
	Visit *Visit `json:"visit,omitempty" doc:"The visit as it stands now, if the request was about one"`
	// Refused is absent when the request was granted.
	Refused *Refusal     `json:"refused,omitempty" doc:"Why not; absent when it was granted"`
	Events  []event.Kind `json:"events" doc:"What was written to the site's journal"`
	// Code is the one-time code, in answer to a request for it alone.
	Code string `json:"code,omitempty" doc:"The one-time code, in answer to a request for it alone" example:"481926"`
	// Now is that of the first answer where a request is answered again.
	Now event.Instant `json:"now" format:"date-time" doc:"The server's time of the decision: waits are counted from it"`
}

// Refusal is a no, with what to do now.
type Refusal struct {
	Code  event.Code `json:"code" doc:"For programs"`
	Title string     `json:"title" doc:"Two to four words, in the reader's language"`
	Text  string     `json:"text" doc:"What happened, what did not, what to do now"`
	// RetryAt is when the same request may be made again, if time alone cures it.
	RetryAt event.Instant `json:"retryAt,omitempty" format:"date-time" doc:"When to ask again, if waiting cures it"`
	PlanB   *PlanB        `json:"planB,omitempty" doc:"What comes next for the delivery, if it can't be left as planned"`
	// Reference is the refusal's place in the journal.
	Reference string `json:"reference" doc:"Finds the refusal in the journal"`
}

// PlanB is the next step for a delivery that can't be left as planned.
type PlanB struct {
	Delivery    event.DeliveryID    `json:"delivery"`
	Kind        event.FallbackKind  `json:"kind"`
	AccessPoint event.AccessPointID `json:"accessPoint,omitempty"`
	Who         string              `json:"who,omitempty" doc:"Which neighbour, and where"`
	Text        string              `json:"text"`
	// Step names it: it is followed only while it is the one that comes next.
	Step string `json:"step" doc:"Names this step, for POST /v1/courier/deliveries/{delivery}/plan-b" example:"5f1b02a9c3de"`
}

// stepName names a step of plan B, and says nothing of it.
func stepName(f event.Fallback) string {
	sum := sha256.Sum256([]byte(string(f.Kind) + "\n" + string(f.AccessPoint) + "\n" + string(f.Who)))
	return hex.EncodeToString(sum[:6])
}

// plainAnswer answers a request that is not about a visit.
func (a *API) plainAnswer(ctx context.Context, r dispatch.Result) (Answer, error) {
	return a.answerFrom(ctx, r, nil)
}

// answerFrom answers a request that was made from a place, if it was.
func (a *API) answerFrom(ctx context.Context, r dispatch.Result, place *event.Place) (Answer, error) {
	answer := Answer{Events: []event.Kind{}, Now: event.InstantOf(a.Now())}
	for _, e := range r.Events {
		answer.Events = append(answer.Events, e.Body.Kind())
	}
	seq, refused, ok := refusalIn(r)
	if !ok {
		return answer, nil
	}
	refusal, err := a.refusal(ctx, r, seq, refused, place)
	answer.Refused = refusal
	return answer, err
}

// refusalIn finds the refusal among a decision's events: the answer to the request itself comes before what
// follows from it.
func refusalIn(r dispatch.Result) (seq uint64, refused event.Refused, ok bool) {
	for _, e := range r.Events {
		if b, is := e.Body.(event.Refused); is {
			return e.Seq, b, true
		}
	}
	return 0, refused, false
}

func (a *API) refusal(ctx context.Context, r dispatch.Result, seq uint64, b event.Refused, place *event.Place) (*Refusal, error) {
	planB, err := a.nextPlanB(ctx, r.State, b)
	if err != nil {
		return nil, err
	}
	kind := dispatch.KindAt(r.State, b)
	values := placeValues(place)
	if place != nil && (kind == event.Trunk || kind == event.Cabin) && (place.Distance > carNear || b.Asked == event.AskedPlanB) {
		delete(values, phrase.Distance) // where a car stands is told near it alone, and no distance to it as one to an address
	}
	if at, ok := localTime(r.State.Zone, b.RetryAt)[phrase.Time]; ok {
		values[phrase.From] = at
	}
	if planB != nil {
		values[phrase.PlanB] = planB.Text
	}
	words := callOf(ctx).lang.RefusalAt(kind, b.Code, values)
	if b.Asked == event.AskedPlanB {
		words = callOf(ctx).lang.PlanBRefusal(kind, b.Code, values)
	}
	if v, ok := r.State.Visit(b.Visit); ok && opened(v) {
		// "Nothing was opened" speaks of the request: it would mislead where a door stands open.
		words.Safe = ""
	}
	return &Refusal{Code: b.Code, Title: words.Title, Text: words.Text(), RetryAt: b.RetryAt, PlanB: planB,
		Reference: string(r.State.Site) + "-" + strconv.FormatUint(seq, 10)}, nil
}

// strange says whether a request was refused because it is none of the asking courier's, or device's, business:
// then the answer shows nothing of the visit.
func strange(code event.Code) bool { return code == event.WrongCourier || code == event.WrongDevice }

// nextPlanB is what comes next for the refused delivery; nil when none is known, or something stands open.
func (a *API) nextPlanB(ctx context.Context, s site.State, b event.Refused) (*PlanB, error) {
	v, visiting := s.Visit(b.Visit)
	if visiting && opened(v) || strange(b.Code) {
		return nil, nil
	}
	id := b.Delivery
	if id == "" && len(v.Deliveries) > 0 {
		id = v.Deliveries[0]
	}
	d, ok := s.Delivery(id)
	if !ok {
		return nil, nil
	}
	return a.planB(ctx, s, d)
}

func (a *API) planB(ctx context.Context, s site.State, d site.Delivery) (*PlanB, error) {
	next, _ := s.PlanB(d)
	return a.fallback(ctx, s, d.ID, next)
}

// fallback says a step of plan B in words, with the neighbour's or the place's name.
func (a *API) fallback(ctx context.Context, s site.State, d event.DeliveryID, next event.Fallback) (*PlanB, error) {
	p := &PlanB{Delivery: d, Kind: next.Kind, AccessPoint: next.AccessPoint, Text: callOf(ctx).lang.Fallback(next.Kind), Step: stepName(next)}
	switch next.Kind {
	case event.FallbackNeighbour:
		who, _, err := unseal[string](ctx, a, s.Site, neighbourName(next.Who))
		if err != nil {
			return nil, err
		}
		if who != "" {
			p.Who, p.Text = who, who
		}
	case event.FallbackAccessPoint:
		where, _, err := unseal[spot](ctx, a, s.Site, spotName(next.AccessPoint))
		if err != nil {
			return nil, err
		}
		if where.Name != "" {
			p.Text = where.Name
		}
	default: // the catalogue's word says it
	}
	return p, nil
}

// opened says whether something was opened in the visit, or may have been.
func opened(v site.Visit) bool {
	for _, p := range v.Steps {
		if p.Intended != 0 && p.Outcome != event.NotDone {
			return true
		}
	}
	return false
}

// placeValues says how far off somebody is; none without a position.
func placeValues(p *event.Place) phrase.Values {
	if p == nil {
		return phrase.Values{}
	}
	return phrase.Values{phrase.Distance: strconv.Itoa(p.Distance), phrase.Accuracy: strconv.Itoa(p.Accuracy)}
}

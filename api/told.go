package api

import (
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// Happening is an event of a delivery or its visit, as those outside the household may know it: no position, no
// commitment, no signature, and nothing of what else happens at the site.
type Happening struct {
	ID         string             `json:"id" doc:"The event's place in its site's journal; the same event always has the same"`
	Kind       event.Kind         `json:"kind"`
	At         event.Instant      `json:"at" format:"date-time"`
	Site       event.SiteID       `json:"site"`
	Deliveries []event.DeliveryID `json:"deliveries" doc:"Which of your deliveries it is about"`
	Visit      event.VisitID      `json:"visit,omitempty"`
	Courier    event.CourierID    `json:"courier,omitempty"`
	ETA        event.Instant      `json:"eta,omitempty" format:"date-time"`
	Code       event.Code         `json:"code,omitempty" doc:"Why it was refused, or went back. For merchants and carriers place-not-ready stands for whatever a car or a home says of itself"`
	Verdict    event.BlockVerdict `json:"verdict,omitempty" doc:"How a block ended"`
	Outcome    event.Outcome      `json:"outcome,omitempty" doc:"What became of an order to open"`
	How        event.VisitEnd     `json:"how,omitempty" doc:"How the visit ended"`
	Reason     event.AlarmReason  `json:"reason,omitempty" doc:"Why an alarm stands"`
	Level      event.AlarmLevel   `json:"level,omitempty" doc:"How far an alarm has climbed"`
	PlanB      event.FallbackKind `json:"planB,omitempty" doc:"Which step of plan B"`
	Text       string             `json:"text" doc:"What happened, in the reader's language"`
}

// happeningOf says what may be told of an event; ok is false for everything that is the household's own business, such as
// what it is that opens there.
// Deliveries are those that the event names; one that only names a visit leaves them to the caller.
func happeningOf(lang phrase.Lang, zone string, e event.Event) (h Happening, ok bool) {
	h = Happening{ID: eventID(e), Kind: e.Body.Kind(), At: e.At, Site: e.Site, Text: lang.Line("", e.Body, lineValues(zone, e.Body))}
	return h, h.ofDelivery(e.Body) || h.ofVisit(e.Body) || h.ofWay(e.Body)
}

// discreet is an event as merchants and carriers are told it: why a courier was refused is theirs to know, and not what
// a household's car, animals or alarm are doing.
func discreet(e event.Event) event.Event {
	switch b := e.Body.(type) {
	case event.Refused:
		b.Code = b.Code.Discreet()
		e.Body = b
	case event.DeliveryReturned:
		b.Why = b.Why.Discreet()
		e.Body = b
	}
	return e
}

// ofDelivery takes what is told of a delivery.
func (h *Happening) ofDelivery(body event.Body) bool {
	switch b := body.(type) {
	case event.DeliveryBooked:
		h.name(b.Delivery)
	case event.DeliveryConsented:
		h.name(b.Delivery)
	case event.DeliveryUnconsented:
		h.name(b.Delivery)
	case event.CourierAssigned:
		h.name(b.Delivery)
		h.Courier = b.Courier
	case event.CourierUnassigned:
		h.name(b.Delivery)
		h.Courier = b.Courier
	case event.DeliveryCancelled:
		h.name(b.Delivery)
	case event.DeliveryExpired:
		h.name(b.Delivery)
	case event.BlockAnswered:
		h.name(b.Delivery)
		h.Verdict, h.Visit = b.Verdict, b.Visit
	case event.PlanBFollowed:
		h.name(b.Delivery)
		h.PlanB = b.Fallback.Kind
	case event.DeliveryDelivered:
		h.name(b.Delivery)
		h.How, h.Visit = b.How, b.Visit
	case event.DeliveryDiverted:
		h.name(b.Delivery)
		h.PlanB = b.To.Kind
	case event.DeliveryReturned:
		h.name(b.Delivery)
		h.Code = b.Why
	case event.ParcelTooLarge:
		h.name(b.Delivery)
		h.Code, h.Visit = event.ParcelDoesNotFit, b.Visit
	default:
		return false
	}
	return true
}

// ofVisit takes what is told of a visit's course.
func (h *Happening) ofVisit(body event.Body) bool {
	switch b := body.(type) {
	case event.VisitBegun:
		h.Visit, h.ETA, h.Deliveries = b.Visit, b.ETA, b.Deliveries
	case event.VisitEstimated:
		h.Visit, h.ETA = b.Visit, b.ETA
	case event.VisitArrived:
		h.Visit = b.Visit
	case event.ParcelScanned:
		h.name(b.Delivery)
		h.Visit = b.Visit
	case event.ParcelMissing:
		h.name(b.Delivery)
		h.Visit = b.Visit
	case event.Refused:
		h.Visit, h.Code = b.Visit, b.Code
		if b.Delivery != "" {
			h.name(b.Delivery)
		}
	case event.DepositRecorded:
		h.Visit = b.Visit
	case event.CloseAsked:
		h.Visit = b.Visit
	case event.CourierLeftInDanger:
		h.Visit = b.Visit
	case event.CourierReleased:
		h.Visit = b.Visit
	case event.VisitTakenOver:
		h.Visit = b.Visit
	case event.VisitEnded:
		h.Visit, h.How = b.Visit, b.How
	default:
		return false
	}
	return true
}

// ofWay takes what is told of the way in: that something was opened and secured, not what stands there.
func (h *Happening) ofWay(body event.Body) bool {
	switch b := body.(type) {
	case event.OpeningIntended:
		h.Visit = b.Permit.Visit
	case event.OpeningResolved:
		h.Visit, h.Outcome = b.Visit, b.Outcome
	case event.BarrierSecured:
		h.Visit = b.Visit
	case event.BarrierUnsecured:
		h.Visit = b.Visit
	case event.AlarmRaised:
		h.Visit, h.Reason, h.Level = b.Visit, b.Reason, b.Level
	case event.AlarmAcknowledged:
		h.Visit = b.Visit
	case event.AlarmEnded:
		h.Visit = b.Visit
	default:
		return false
	}
	return true
}

func (h *Happening) name(d event.DeliveryID) { h.Deliveries = []event.DeliveryID{d} }

// thread follows one delivery through its site's journal.
type thread struct {
	delivery event.DeliveryID
	// visit that the delivery is part of now.
	visit event.VisitID
	// over: nothing more will happen to it.
	over bool
}

// take says what an event tells of the delivery; ok is false when it is none of its business.
func (t *thread) take(lang phrase.Lang, zone string, e event.Event) (h Happening, ok bool) {
	h, told := happeningOf(lang, zone, e)
	named := slices.Contains(h.Deliveries, t.delivery)
	if !told || !named && (len(h.Deliveries) > 0 || t.visit == "" || h.Visit != t.visit) {
		return h, false
	}
	h.Deliveries = []event.DeliveryID{t.delivery}
	t.move(e.Body)
	return h, true
}

// move keeps which visit the delivery is part of, and whether it has come to its end.
func (t *thread) move(body event.Body) {
	switch b := body.(type) {
	case event.VisitBegun:
		t.visit = b.Visit
	case event.VisitEnded, event.CourierUnassigned:
		t.visit = ""
	case event.BlockAnswered:
		if b.Verdict == event.BlockWon {
			t.visit = ""
		}
	case event.DeliveryDiverted:
		t.visit = ""
		t.over = b.To.Kind != event.FallbackAccessPoint
	case event.DeliveryDelivered:
		// The visit that delivered it ends with the next event.
		t.over = true
	case event.DeliveryCancelled, event.DeliveryExpired, event.DeliveryReturned:
		t.visit, t.over = "", true
	}
}

// ended says whether nothing is left to follow.
func (t *thread) ended() bool { return t.over && t.visit == "" }

package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Limits of a booking.
const (
	mostParcels = 50
	mostWindow  = 7 * event.Day
	mostAhead   = 90 * event.Day
)

// Delivery is a promise that has not ended.
type Delivery struct {
	ID          event.DeliveryID    `json:"id"`
	Merchant    event.MerchantID    `json:"merchant"`
	Carrier     event.CarrierID     `json:"carrier"`
	Window      event.Span          `json:"window"`
	Parcels     []Parcel            `json:"parcels"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	DoNotRing   bool                `json:"doNotRing,omitempty"`
	KeepCold    bool                `json:"keepCold,omitempty"`
	Whole       bool                `json:"whole,omitempty"`
	// Consented with Allowed spans; Consent is the standing one, "" for a member's word.
	Consented bool            `json:"consented,omitempty"`
	Consent   event.ConsentID `json:"consent,omitempty"`
	Allowed   []event.Span    `json:"allowed,omitempty"`
	// Courier and Key: who brings it, with which device key.
	Courier event.CourierID `json:"courier,omitempty"`
	Key     event.KeyID     `json:"key,omitempty"`
	AskAt   event.Instant   `json:"askAt,omitempty"`
	Asked   []Ask           `json:"asked,omitempty"`
	Blocked bool            `json:"blocked,omitempty"`
	// TooLarge: it does not fit into the access point, so that only plan B helps.
	TooLarge bool `json:"tooLarge,omitempty"`
	// BlockedFrom is the visit that had nothing left when the delivery was blocked.
	BlockedFrom event.VisitID `json:"blockedFrom,omitempty"`
	// Visit that it is part of now.
	Visit event.VisitID `json:"visit,omitempty"`
	// PlanB is how many steps of plan B were tried in vain.
	PlanB int `json:"planB,omitempty"`
	// Diverted: it was booked for another access point.
	Diverted bool `json:"diverted,omitempty"`
	// Look is what was found, the day before, of the car that the access point is.
	Look Look `json:"look,omitzero"`
	// SpotAsked: the household was asked where it stands, the day before.
	SpotAsked bool `json:"spotAsked,omitempty"`
}

// Parcel is one parcel of a delivery.
type Parcel struct {
	Code    event.Commitment `json:"code"`
	Size    event.Size       `json:"size"`
	Scanned bool             `json:"scanned,omitempty"`
	Missing bool             `json:"missing,omitempty"`
}

// Ask is a question that the household was asked.
type Ask struct {
	Question event.Question `json:"question"`
	Round    event.Round    `json:"round"`
	Answered bool           `json:"answered,omitempty"`
	Yes      bool           `json:"yes,omitempty"`
	// At is when it was answered last.
	At event.Instant `json:"at,omitempty"`
}

func (d Delivery) asked(q event.Question, round event.Round) bool {
	return slices.ContainsFunc(d.Asked, func(a Ask) bool { return a.Question == q && a.Round == round })
}

func (d Delivery) answer(q event.Question, round event.Round) (yes, answered bool) {
	for _, a := range d.Asked {
		if a.Question == q && a.Round == round {
			return a.Yes, a.Answered
		}
	}
	return false, false
}

func (d Delivery) lastRound(q event.Question) (event.Round, bool) {
	for i := len(d.Asked) - 1; i >= 0; i-- {
		if d.Asked[i].Question == q {
			return d.Asked[i].Round, true
		}
	}
	return "", false
}

// accounted says whether every parcel was scanned or declared missing.
func (d Delivery) accounted() bool {
	return !slices.ContainsFunc(d.Parcels, func(p Parcel) bool { return !p.Scanned && !p.Missing })
}

func (d Delivery) anyScanned() bool {
	return slices.ContainsFunc(d.Parcels, func(p Parcel) bool { return p.Scanned })
}

func (d Delivery) anyMissing() bool {
	return slices.ContainsFunc(d.Parcels, func(p Parcel) bool { return p.Missing })
}

// intendedFor says whether something was opened, or may have been, in a visit for the delivery.
func (s State) intendedFor(d Delivery) bool {
	v, ok := find(s.Visits, d.Visit)
	return ok && v.intended()
}

// Book promises parcels.
type Book struct {
	Merchant    event.MerchantID
	Carrier     event.CarrierID
	Window      event.Span
	Parcels     []event.Parcel
	AccessPoint event.AccessPointID
	DoNotRing   bool
	KeepCold    bool
	Whole       bool
	// AskAt is when to ask the household the day before, from the calendar.
	AskAt event.Instant
	// Spans holds, for each standing consent, when its hours allow the window.
	Spans []ConsentSpans
}

// ConsentSpans are the instants within a window that one standing consent's hours allow.
type ConsentSpans struct {
	Consent event.ConsentID
	Spans   []event.Span
}

func (r Book) decide(t *turn) error {
	if err := t.allow(event.ActorMerchant, event.ActorOperator, event.ActorMember); err != nil {
		return err
	}
	if err := t.checkBooking(r); err != nil {
		return err
	}
	booked := event.DeliveryBooked{Delivery: newID[event.DeliveryID](t, 'd'), Merchant: r.Merchant, Carrier: r.Carrier,
		Window: r.Window, Parcels: r.Parcels, AccessPoint: r.AccessPoint, DoNotRing: r.DoNotRing, KeepCold: r.KeepCold,
		Whole: r.Whole}
	ap, _ := find(t.AccessPoints, r.AccessPoint)
	if r.AskAt > t.at && r.AskAt < r.Window.From && (len(t.questions()) > 0 || ap.IsVehicle()) {
		booked.AskAt = r.AskAt
	}
	t.say(booked)
	t.consentAtBooking(booked.Delivery, r.Spans)
	return nil
}

func (t *turn) checkBooking(r Book) error {
	switch {
	case r.Merchant == "":
		return Invalid{"merchant", "name the merchant"}
	case r.Carrier == "":
		return Invalid{"carrier", "name the carrier"}
	case r.Window.From >= r.Window.To:
		return Invalid{"window", "it must begin before it ends"}
	case r.Window.To <= t.at:
		return Invalid{"window", "it has passed"}
	case r.Window.From > t.at.Add(mostAhead):
		return Invalid{"window", "at most 90 days ahead"}
	case r.Window.To > max(r.Window.From, 0).Add(mostWindow):
		return Invalid{"window", "at most 7 days long"}
	case len(r.Parcels) == 0 || len(r.Parcels) > mostParcels:
		return Invalid{"parcels", "from 1 to 50"}
	}
	if _, ok := find(t.AccessPoints, r.AccessPoint); !ok {
		return Invalid{"accessPoint", "no such access point at this site"}
	}
	return t.checkParcels(r.Parcels)
}

// checkParcels refuses a parcel that is awaited here already: a scan must name one delivery only.
func (t *turn) checkParcels(parcels []event.Parcel) error {
	for i, p := range parcels {
		if p.Code == "" || !p.Size.Known() {
			return Invalid{"parcels", "each has a code, and a size that is one of small, medium, large"}
		}
		if slices.ContainsFunc(parcels[:i], func(x event.Parcel) bool { return x.Code == p.Code }) {
			return Invalid{"parcels", "the same code stands there twice"}
		}
		for _, d := range t.Deliveries {
			if slices.ContainsFunc(d.Parcels, func(x Parcel) bool { return x.Code == p.Code }) {
				return Invalid{"parcels", "a parcel with that code is awaited here already"}
			}
		}
	}
	return nil
}

func (t *turn) consentAtBooking(id event.DeliveryID, spans []ConsentSpans) {
	d, _ := find(t.Deliveries, id)
	for _, c := range t.Consents {
		i := slices.IndexFunc(spans, func(x ConsentSpans) bool { return x.Consent == c.ID })
		if i < 0 || !covers(c, d) {
			continue
		}
		if allowed := clip(spans[i].Spans, d.Window, c.Until); len(allowed) > 0 {
			t.say(event.DeliveryConsented{Delivery: id, Consent: c.ID, Allowed: allowed, By: event.Actor{Kind: event.ActorSystem}})
			return
		}
	}
}

// Cancel withdraws the promise, as long as nothing was opened for it.
type Cancel struct{ Delivery event.DeliveryID }

func (r Cancel) decide(t *turn) error {
	if err := t.allow(event.ActorMerchant, event.ActorOperator, event.ActorMember); err != nil {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok {
		return unknown("delivery", string(r.Delivery))
	}
	if t.intendedFor(d) {
		return t.refuse(event.Refused{Asked: event.AskedCancel, Code: event.AlreadyOpened, Delivery: d.ID, Visit: d.Visit})
	}
	t.say(event.DeliveryCancelled{Delivery: d.ID, By: t.facts.Actor})
	return nil
}

// Assign names who brings the delivery, instead of whoever did before.
type Assign struct {
	Delivery  event.DeliveryID
	Courier   event.CourierID
	Key       event.KeyID
	PublicKey string
}

func (r Assign) decide(t *turn) error {
	if err := t.allow(event.ActorMerchant, event.ActorCarrier, event.ActorOperator); err != nil {
		return err
	}
	if r.Courier == "" || r.Key == "" || r.PublicKey == "" {
		return Invalid{"courier", "a courier with a bound device is needed"}
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok {
		return unknown("delivery", string(r.Delivery))
	}
	if t.intendedFor(d) {
		return notNow("a visit has opened something for it")
	}
	if d.Courier == r.Courier && d.Key == r.Key {
		return nil
	}
	t.unassign(d)
	t.say(event.CourierAssigned{Delivery: d.ID, Courier: r.Courier, Key: r.Key, PublicKey: r.PublicKey, By: t.facts.Actor})
	return nil
}

func (t *turn) unassign(d Delivery) {
	if d.Courier != "" {
		t.say(event.CourierUnassigned{Delivery: d.ID, Courier: d.Courier, By: t.facts.Actor})
	}
}

// Suspend takes every assignment here from a courier. What was opened stays under watch until secured.
type Suspend struct{ Courier event.CourierID }

func (r Suspend) decide(t *turn) error {
	if err := t.allow(event.ActorOperator); err != nil {
		return err
	}
	if r.Courier == "" {
		return Invalid{"courier", "name the courier"}
	}
	if !slices.ContainsFunc(t.Deliveries, func(d Delivery) bool { return d.Courier == r.Courier }) &&
		!slices.ContainsFunc(t.Visits, func(v Visit) bool { return v.Courier == r.Courier && !v.Suspended }) {
		return nil
	}
	t.say(event.CourierSuspended{Courier: r.Courier, By: t.facts.Actor})
	for _, d := range t.Deliveries {
		if d.Courier == r.Courier && !t.intendedFor(d) {
			t.unassign(d)
		}
	}
	return nil
}

// settleDeliveries asks the day before, and ends what is past its window and in no visit.
func (t *turn) settleDeliveries() bool {
	for _, d := range t.Deliveries {
		if d.AskAt != 0 && d.AskAt <= t.at && d.AskAt < d.Window.From && !d.askedAll(t.questions(), event.RoundDayBefore) {
			t.ask(d, event.RoundDayBefore)
			return true
		}
		if d.AskAt <= t.at && t.seeksDayBefore(d) {
			t.seekDayBefore(d)
			return true
		}
		if d.expiresAt() != 0 && d.expiresAt() <= t.at {
			t.say(event.DeliveryExpired{Delivery: d.ID})
			return true
		}
	}
	return false
}

func (d Delivery) askedAll(questions []event.Question, round event.Round) bool {
	return !slices.ContainsFunc(questions, func(q event.Question) bool { return !d.asked(q, round) })
}

// planBTime is how long after its window the courier may still take the parcels to plan B.
const planBTime = 12 * event.Hour

// expiresAt is when the delivery ends by itself: with its window, or, for a courier who has the parcels, when
// the time for plan B is over; 0 while a visit holds it.
func (d Delivery) expiresAt() event.Instant {
	switch {
	case d.Visit != "":
		return 0
	case d.Courier != "":
		return d.Window.To.Add(planBTime)
	default:
		return d.Window.To
	}
}

func (s State) deliveryDeadlines(d Delivery, consider func(event.Instant)) {
	consider(d.expiresAt())
	if d.AskAt < d.Window.From && !d.askedAll(s.questions(), event.RoundDayBefore) || s.seeksDayBefore(d) {
		consider(d.AskAt)
	}
}

func ended[B event.Body](id func(B) event.DeliveryID) evolver {
	return on(func(s *State, _ event.Event, b B) { s.dropDelivery(id(b)) })
}

func (s *State) dropDelivery(id event.DeliveryID) {
	s.leaveVisit(id)
	s.Deliveries = without(s.Deliveries, is[event.DeliveryID, Delivery](id))
}

// leaveVisit takes a delivery out of the visit that it is part of.
func (s *State) leaveVisit(id event.DeliveryID) {
	d, _ := find(s.Deliveries, id)
	edit(&s.Visits, d.Visit, func(v *Visit) {
		v.Deliveries = without(v.Deliveries, func(x event.DeliveryID) bool { return x == id })
	})
	edit(&s.Deliveries, id, (*Delivery).leave)
}

// leave ends a delivery's part in a visit. What was scanned and answered for that visit counts for no other.
func (d *Delivery) leave() {
	d.Visit = ""
	d.Asked = without(d.Asked, func(a Ask) bool { return a.Round == event.RoundApproach })
	d.Parcels = slices.Clone(d.Parcels)
	for i := range d.Parcels {
		d.Parcels[i].Scanned, d.Parcels[i].Missing = false, false
	}
}

var deliveryEvolvers = []evolver{
	on(func(s *State, _ event.Event, b event.DeliveryBooked) {
		d := Delivery{ID: b.Delivery, Merchant: b.Merchant, Carrier: b.Carrier, Window: b.Window, AccessPoint: b.AccessPoint,
			DoNotRing: b.DoNotRing, KeepCold: b.KeepCold, Whole: b.Whole, AskAt: b.AskAt}
		for _, p := range b.Parcels {
			d.Parcels = append(d.Parcels, Parcel{Code: p.Code, Size: p.Size})
		}
		s.Deliveries = add(s.Deliveries, d)
	}),
	on(func(s *State, _ event.Event, b event.CourierAssigned) {
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.Courier, d.Key = b.Courier, b.Key })
	}),
	on(func(s *State, _ event.Event, b event.CourierUnassigned) {
		s.leaveVisit(b.Delivery)
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.Courier, d.Key = "", "" })
	}),
	on(func(s *State, _ event.Event, b event.CourierSuspended) {
		for _, v := range s.Visits {
			if v.Courier == b.Courier {
				edit(&s.Visits, v.ID, func(v *Visit) { v.Suspended = true })
			}
		}
	}),
	ended(func(b event.DeliveryCancelled) event.DeliveryID { return b.Delivery }),
	ended(func(b event.DeliveryExpired) event.DeliveryID { return b.Delivery }),
	ended(func(b event.DeliveryDelivered) event.DeliveryID { return b.Delivery }),
	ended(func(b event.DeliveryReturned) event.DeliveryID { return b.Delivery }),
	on(func(s *State, _ event.Event, b event.DeliveryDiverted) {
		if b.To.Kind != event.FallbackAccessPoint {
			s.dropDelivery(b.Delivery)
			return
		}
		s.leaveVisit(b.Delivery)
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) {
			d.AccessPoint, d.TooLarge, d.Diverted = b.To.AccessPoint, false, true
		})
	}),
}

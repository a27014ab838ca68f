package dispatch

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Kinds of work. An opening is not among them: it is never in a queue.
const (
	workSecure     = "secure"
	workRead       = "read"
	workForgetCode = "forget-code"
	workLetter     = "letter"
	// WorkForget erases what a site's people leave behind when they move out: sessions, and with the site its key.
	WorkForget = "forget"
	// WorkTell tells the outside of an event: merchants' and operators' webhooks.
	WorkTell = "tell"
)

// deviceWork is what secure, read and forget-code need to know.
type deviceWork struct {
	Device  event.DeviceID  `json:"device"`
	Barrier event.BarrierID `json:"barrier"`
	Visit   event.VisitID   `json:"visit,omitempty"`
	Permit  event.PermitID  `json:"permit,omitempty"`
	// At is when it was decided.
	At event.Instant `json:"at"`
}

// workOf derives what must happen because of a decision.
func workOf(before site.State, r Result) ([]store.Work, error) {
	var all []store.Work
	state := before
	for _, e := range r.Events {
		after := site.Evolve(state, e)
		work, err := workOfEvent(state, after, e)
		if err != nil {
			return nil, err
		}
		told, err := workOfTelling(before, after, e)
		if err != nil {
			return nil, err
		}
		notified, err := workOfNotifying(change{first: before, before: state, after: after, event: e})
		if err != nil {
			return nil, err
		}
		all, state = slices.Concat(all, work, told, notified), after
	}
	return all, nil
}

// newWork is one piece of work that follows from an event.
func newWork(e event.Event, kind string, data any) (store.Work, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return store.Work{}, fmt.Errorf("dispatch: work of %s: %w", e.Body.Kind(), err)
	}
	id := fmt.Sprintf("%s-%019d-%s", e.Site, e.Seq, kind) // in the order of the journal as text too
	return store.Work{ID: id, Site: e.Site, Kind: kind, Due: e.At, Data: encoded}, nil
}

func workOfEvent(before, after site.State, e event.Event) ([]store.Work, error) {
	var all []store.Work
	add := func(kind string, data any) error {
		w, err := newWork(e, kind, data)
		all = append(all, w)
		return err
	}
	var err error
	switch b := e.Body.(type) {
	case event.SecuringAsked:
		err = add(workSecure, deviceWork{Device: deviceOf(after, b.Barrier), Barrier: b.Barrier, Visit: b.Visit, At: e.At})
	case event.ReadingAsked:
		err = add(workRead, deviceWork{Device: deviceOf(after, b.Barrier), Barrier: b.Barrier, Visit: b.Visit, At: e.At})
	case event.BarrierReserved:
		// A car says nothing by itself until it is asked; its owner is about to work it by hand.
		if b.Spec.Vehicle() && b.Spec.Reads {
			err = add(workRead, deviceWork{Device: b.Spec.Device, Barrier: b.Barrier, At: e.At})
		}
	case event.CodeRemovalAsked:
		err = add(workForgetCode, deviceWork{Device: deviceOf(after, b.Barrier), Barrier: b.Barrier, Visit: b.Visit, Permit: b.Permit, At: e.At})
	case event.MemberLeft:
		err = add(WorkForget, Forgetting{Members: []event.MemberID{b.Member}})
	case event.SiteClosed:
		forget := Forgetting{Site: e.Site}
		for _, m := range before.Members {
			forget.Members = append(forget.Members, m.ID)
		}
		err = add(WorkForget, forget)
	}
	if err != nil {
		return nil, err
	}
	if s, ok := seekOf(e); ok {
		if err := add(workSeek, s); err != nil {
			return nil, err
		}
	}
	if kind, f := filmingOf(before, e); kind != "" {
		if err := add(kind, f); err != nil {
			return nil, err
		}
	}
	if l, ok := letterOf(before, e); ok {
		if err := add(workLetter, l); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// workOfTelling tells an event to the outside, by the state before the whole decision: what ends a visit ends its
// deliveries in the same decision, and those who sent them are to hear of both.
func workOfTelling(before, after site.State, e event.Event) ([]store.Work, error) {
	t, ok := tellingOf(before, after, e)
	if !ok {
		return nil, nil
	}
	w, err := newWork(e, WorkTell, t)
	return []store.Work{w}, err
}

func deviceOf(s site.State, id event.BarrierID) event.DeviceID {
	for _, b := range s.Barriers {
		if b.ID == id {
			return b.Spec.Device
		}
	}
	return ""
}

// Forgetting names who left a site, and the site when nobody is left.
type Forgetting struct {
	Members []event.MemberID `json:"members"`
	Site    event.SiteID     `json:"site,omitempty"`
}

// Telling is an event that concerns somebody outside, with the deliveries that it is about.
type Telling struct {
	Event      event.Event        `json:"event"`
	Deliveries []event.DeliveryID `json:"deliveries,omitempty"`
	Merchants  []event.MerchantID `json:"merchants,omitempty"`
}

// tellingOf says whom an event is to be told to, by the states before its decision and after itself; nobody hears of
// a household's own business.
func tellingOf(before, after site.State, e event.Event) (Telling, bool) {
	var ids []event.DeliveryID
	switch b := e.Body.(type) {
	case event.DeliveryBooked:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryConsented:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryUnconsented:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryCancelled:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryExpired:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryDelivered:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryDiverted:
		ids = []event.DeliveryID{b.Delivery}
	case event.DeliveryReturned:
		ids = []event.DeliveryID{b.Delivery}
	case event.BlockAnswered:
		ids = []event.DeliveryID{b.Delivery}
	case event.VisitBegun:
		ids = b.Deliveries
	case event.VisitArrived:
		ids = deliveriesOf(b.Visit, before, after)
	case event.AlarmRaised:
		ids = deliveriesOf(b.Visit, before, after)
	case event.AlarmEnded:
		ids = deliveriesOf(b.Visit, before, after)
	case event.VisitEnded:
		ids = deliveriesOf(b.Visit, before, after)
	}
	t := Telling{Event: e, Deliveries: ids, Merchants: merchantsOf(before, after, ids)}
	return t, len(t.Merchants) > 0
}

// deliveriesOf are the deliveries of a visit in the first of the states that knows it.
func deliveriesOf(id event.VisitID, states ...site.State) []event.DeliveryID {
	for _, s := range states {
		if v, ok := s.Visit(id); ok {
			return v.Deliveries
		}
	}
	return nil
}

func merchantsOf(before, after site.State, ids []event.DeliveryID) []event.MerchantID {
	var all []event.MerchantID
	seen := make(map[event.MerchantID]bool)
	for _, id := range ids {
		for _, s := range []site.State{before, after} {
			if d, ok := s.Delivery(id); ok && !seen[d.Merchant] {
				seen[d.Merchant] = true
				all = append(all, d.Merchant)
			}
		}
	}
	return all
}

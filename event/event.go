package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Kind names a type of event in the journal. It never changes once written.
type Kind string

// Body is what happened. Every type that implements it is a plain struct, listed in bodies.
type Body interface{ Kind() Kind }

// Event is one entry of a site's journal.
type Event struct {
	Site SiteID
	// Seq counts from 1 within the site, without a gap.
	Seq uint64
	// At is the time of decision: the server's receipt, never earlier than the event before.
	At   Instant
	Body Body
}

// envelope is the encoding of an Event: these names, in this order.
type envelope struct {
	Site SiteID          `json:"site"`
	Seq  uint64          `json:"seq"`
	At   Instant         `json:"at"`
	Kind Kind            `json:"kind"`
	Body json.RawMessage `json:"body"`
}

// MarshalJSON writes the canonical encoding.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Body == nil {
		return nil, errors.New("event: no body")
	}
	body, err := json.Marshal(e.Body)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Body.Kind(), err)
	}
	return json.Marshal(envelope{e.Site, e.Seq, e.At, e.Body.Kind(), body})
}

// UnmarshalJSON reads what MarshalJSON wrote. An unknown kind or field is an error: a journal that this
// version can't read whole must not be decided upon.
func (e *Event) UnmarshalJSON(data []byte) error {
	var env envelope
	if err := Strict(data, &env); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	body, err := decodeBody(env.Kind, env.Body)
	if err != nil {
		return err
	}
	*e = Event{Site: env.Site, Seq: env.Seq, At: env.At, Body: body}
	return nil
}

func decodeBody(kind Kind, data []byte) (Body, error) {
	typ, known := bodies[kind]
	if !known {
		return nil, fmt.Errorf("event: unknown kind %q", trim(string(kind)))
	}
	ptr := reflect.New(typ)
	if err := Strict(data, ptr.Interface()); err != nil {
		return nil, fmt.Errorf("event %s: %w", kind, err)
	}
	return ptr.Elem().Interface().(Body), nil
}

// bodies finds the Go type of each kind.
var bodies = register(
	SiteOpened{}, SiteClosed{}, MemberJoined{}, MemberLeft{}, RulesSet{},
	BarrierReserved{}, BarrierEnrolled{}, BarrierRetired{}, AccessPointAdded{}, AccessPointRetired{},
	ConsentGiven{}, ConsentWithdrawn{}, LendingAllowed{}, LendingEnded{},
	DeliveryBooked{}, DeliveryConsented{}, DeliveryUnconsented{}, CourierAssigned{}, CourierUnassigned{}, CourierSuspended{},
	QuestionAsked{}, QuestionAnswered{}, DeliveryCancelled{}, DeliveryExpired{}, BlockAnswered{},
	PlanBFollowed{}, DeliveryDelivered{}, DeliveryDiverted{}, DeliveryReturned{},
	VisitBegun{}, VisitEstimated{}, VisitArrived{}, ParcelScanned{}, ParcelMissing{}, Refused{},
	OpeningIntended{}, OpeningResolved{}, CodeShown{}, CodeRemovalAsked{}, CodeRemoved{}, DepositRecorded{},
	SecuringAsked{}, ReadingAsked{}, BarrierObserved{}, BarrierSecured{}, BarrierUnsecured{}, ForeignOpening{},
	AlarmRaised{}, AlarmAcknowledged{}, AlarmEnded{}, TakeOverAsked{}, VisitTakenOver{}, CloseAsked{}, CourierLeftInDanger{}, CourierReleased{}, VisitEnded{},
	CameraAdded{}, CameraProven{}, CameraRetired{}, FilmingAsked{}, RecordingAsked{}, PictureLost{}, PictureBack{}, FilmingEnded{},
	ClipFinished{}, ClipErasureAsked{}, ClipErased{}, PictureWatched{},
	SpotDescribed{}, SpotAsked{}, VehicleSought{}, VehicleFound{}, ParcelTooLarge{},
	LeaseAsked{}, LeaseGranted{}, LeaseRefused{}, LeaseReceived{}, LeaseDenied{}, LeaseReturnAsked{}, LeaseReturned{}, LeaseEnded{},
)

func register(all ...Body) map[Kind]reflect.Type {
	m := make(map[Kind]reflect.Type, len(all))
	for _, b := range all {
		if _, twice := m[b.Kind()]; twice {
			panic("event: kind " + string(b.Kind()) + " registered twice")
		}
		m[b.Kind()] = reflect.TypeOf(b)
	}
	return m
}

// Kinds lists every kind of event, in no particular order.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(bodies))
	for k := range bodies {
		kinds = append(kinds, k)
	}
	return kinds
}

// Zero returns an empty body of the kind, or nil when there is no such kind; for tests and documentation.
func Zero(kind Kind) Body {
	typ, known := bodies[kind]
	if !known {
		return nil
	}
	return reflect.Zero(typ).Interface().(Body)
}

package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Visit is a courier at an access point, from approach until everything is secured.
type Visit struct {
	ID      event.VisitID   `json:"id"`
	Courier event.CourierID `json:"courier,omitempty"`
	Key     event.KeyID     `json:"key,omitempty"`
	// Member marks a rehearsal.
	Member      event.MemberID      `json:"member,omitempty"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Deliveries  []event.DeliveryID  `json:"deliveries,omitempty"`
	Steps       []Step              `json:"steps"`
	Begun       event.Instant       `json:"begun"`
	ETA         event.Instant       `json:"eta,omitempty"`
	Arrived     event.Instant       `json:"arrived,omitempty"`
	// Scanned is when a parcel was last scanned or said to be missing.
	Scanned event.Instant `json:"scanned,omitempty"`
	// Deposited: the courier said that the parcels were put down. Closing: that everything is to be shut.
	Deposited bool `json:"deposited,omitempty"`
	Closing   bool `json:"closing,omitempty"`
	Suspended bool `json:"suspended,omitempty"`
	Danger    bool `json:"danger,omitempty"`
	// Claimed is when a member said to be there; TakenOver by whom, once proven.
	Claimed   event.Instant  `json:"claimed,omitempty"`
	ClaimedBy event.MemberID `json:"claimedBy,omitempty"`
	TakenOver event.MemberID `json:"takenOver,omitempty"`
	Alarm     Alarm          `json:"alarm,omitzero"`
	// Camera films the visit; from the first opening on it is Kept, under the name of Clip.
	Camera event.CameraID `json:"camera,omitempty"`
	Clip   event.ClipID   `json:"clip,omitempty"`
	Kept   bool           `json:"kept,omitempty"`
	// Watched: its picture counted when something was opened. Unseen is why it no longer does.
	Watched bool               `json:"watched,omitempty"`
	Unseen  event.PictureFault `json:"unseen,omitempty"`
	// Look is what was found of the car that the access point is.
	Look Look `json:"look,omitzero"`
	// SpotAsked: the household was asked where it stands, for this visit.
	SpotAsked bool `json:"spotAsked,omitempty"`
}

// Step is one barrier of the way in.
type Step struct {
	Barrier event.BarrierID  `json:"barrier"`
	By      event.PermitType `json:"by"`
	// Permit is the last one intended for this step; zero before.
	Permit event.Permit `json:"permit,omitzero"`
	// Intended is when its intent was committed.
	Intended event.Instant `json:"intended,omitempty"`
	// Began is since when the barrier may be open in this visit, whatever was opened again since.
	Began event.Instant `json:"began,omitempty"`
	// Outcome of the permit: "" while nobody knows anything, then what was recorded last.
	Outcome event.Outcome `json:"outcome,omitempty"`
	// Answered: the device confirmed the command, so that it will not happen later.
	Answered bool `json:"answered,omitempty"`
	// Freed is when the device confirmed that the trunk's handle is free; the trunk is opened by hand after that.
	Freed event.Instant `json:"freed,omitempty"`
	// Opened is when the barrier is known to have been opened; BySight when the device's own report says so.
	Opened  event.Instant `json:"opened,omitempty"`
	BySight bool          `json:"bySight,omitempty"`
	// ByContact: a code's use was seen only by a contact behind a bolt, so that it could still be unused; or a handle's,
	// or the courier alone says so.
	ByContact bool `json:"byContact,omitempty"`
	// Secured is when its closure predicate held; 0 again when it no longer does.
	Secured event.Instant `json:"secured,omitempty"`
	// Asks counts questions to the device since the last change, LastAsk is when the last was asked.
	Asks    int           `json:"asks,omitempty"`
	LastAsk event.Instant `json:"lastAsk,omitempty"`
	// Shown is when a one-time code was first shown; Removing and Removed (when that was confirmed) follow its end.
	Shown    event.Instant `json:"shown,omitempty"`
	Removing bool          `json:"removing,omitempty"`
	Removed  event.Instant `json:"removed,omitempty"`
	// Stuck: the device would not forget the code. Reopened: it was secured before, and is no longer.
	Stuck    bool `json:"stuck,omitempty"`
	Reopened bool `json:"reopened,omitempty"`
}

// live says whether the step's permit was intended and is not known to have come to nothing.
func (p Step) live() bool { return p.Intended != 0 && p.Outcome != event.NotDone }

// spent says whether the barrier may be open because of us: a code counts from its showing.
func (p Step) spent() bool { return p.live() && (p.By == event.PermitRemote || p.Shown != 0) }

// intended says whether any barrier of the visit was opened, or may have been.
func (v Visit) intended() bool { return slices.ContainsFunc(v.Steps, Step.live) }

// lastIntent is when the latest intent that still counts was committed; 0 when there is none.
func (v Visit) lastIntent() event.Instant {
	var last event.Instant
	for _, p := range v.Steps {
		if p.live() {
			last = max(last, p.Intended)
		}
	}
	return last
}

func (v Visit) step(b event.BarrierID) (Step, bool) {
	i := slices.IndexFunc(v.Steps, func(p Step) bool { return p.Barrier == b })
	if i < 0 {
		return Step{}, false
	}
	return v.Steps[i], true
}

func (s *State) editStep(visit event.VisitID, barrier event.BarrierID, change func(*Step)) {
	edit(&s.Visits, visit, func(v *Visit) {
		v.Steps = slices.Clone(v.Steps)
		for i := range v.Steps {
			if v.Steps[i].Barrier == barrier {
				change(&v.Steps[i])
			}
		}
	})
}

// rehearsal says whether a member tries the way in, without a delivery.
func (v Visit) rehearsal() bool { return v.Member != "" }

// early is how long before its window a delivery may already be part of a visit.
const early = 2 * event.Hour

// Approach begins a visit with every due delivery of the courier, or renews the estimate of a running one.
type Approach struct {
	AccessPoint event.AccessPointID
	ETA         event.Instant
}

func (r Approach) decide(t *turn) error {
	courier, err := t.courier()
	if err != nil {
		return err
	}
	if _, ok := find(t.AccessPoints, r.AccessPoint); !ok {
		return unknown("access point", string(r.AccessPoint))
	}
	if !inCalendar(r.ETA) {
		return Invalid{"eta", "between 1970 and 9999"}
	}
	if t.replayed() {
		return t.refuse(event.Refused{Asked: event.AskedApproach, Code: event.ProofReused})
	}
	if v, running := t.visitOf(courier, r.AccessPoint); running {
		t.say(event.VisitEstimated{Visit: v.ID, ETA: r.ETA, Signed: t.facts.Signed})
		t.askOnApproach(v.Deliveries)
		t.film(v.ID)
		t.seek(v.ID, event.RoundApproach)
		return nil
	}
	due, no := t.due(courier, r.AccessPoint)
	if ap, _ := find(t.AccessPoints, r.AccessPoint); no.Code == "" {
		no.Code = ap.Car.shuts()
	}
	if no.Code != "" {
		no.Asked = event.AskedApproach
		return t.refuse(no)
	}
	t.begin(event.VisitBegun{Courier: courier, Key: t.facts.Signed.Key, AccessPoint: r.AccessPoint, Deliveries: due,
		ETA: r.ETA, Signed: t.facts.Signed})
	return nil
}

func (t *turn) begin(v event.VisitBegun) event.VisitID {
	v.Visit = newID[event.VisitID](t, 'v')
	t.say(v)
	t.askOnApproach(v.Deliveries)
	t.film(v.Visit)
	t.seek(v.Visit, event.RoundApproach)
	t.askSpot(v.Visit)
	return v.Visit
}

func (t *turn) askOnApproach(deliveries []event.DeliveryID) {
	for _, id := range deliveries {
		d, _ := find(t.Deliveries, id)
		t.ask(d, event.RoundApproach)
	}
}

// due lists the courier's deliveries for the access point that a visit beginning now would serve, or says why
// there is none.
func (t *turn) due(courier event.CourierID, ap event.AccessPointID) ([]event.DeliveryID, event.Refused) {
	var due []event.DeliveryID
	why := event.Refused{Code: event.WrongCourier}
	for _, d := range t.Deliveries {
		if d.Courier != courier || d.AccessPoint != ap {
			continue
		}
		if no := t.notDue(d); no.Code != "" {
			why = no
			continue
		}
		due = append(due, d.ID)
	}
	if len(due) > 0 {
		return due, event.Refused{}
	}
	return nil, why
}

func (t *turn) notDue(d Delivery) event.Refused {
	from := d.Window.From.Add(-early)
	switch {
	case d.Key != t.facts.Signed.Key:
		return event.Refused{Code: event.WrongDevice, Delivery: d.ID}
	case d.Blocked:
		return event.Refused{Code: event.Blocked, Delivery: d.ID}
	case d.TooLarge:
		return event.Refused{Code: event.ParcelDoesNotFit, Delivery: d.ID}
	case t.at >= d.Window.To:
		return event.Refused{Code: event.TooLate, Delivery: d.ID}
	case t.at < from:
		return event.Refused{Code: event.TooEarly, Delivery: d.ID, RetryAt: from}
	}
	return event.Refused{}
}

func (t *turn) visitOf(courier event.CourierID, ap event.AccessPointID) (Visit, bool) {
	for _, v := range t.Visits {
		if v.Courier == courier && v.AccessPoint == ap && v.Key == t.facts.Signed.Key {
			return v, true
		}
	}
	return Visit{}, false
}

// courier returns the acting courier, whose request must be signed by a device key.
func (t *turn) courier() (event.CourierID, error) {
	s := t.facts.Signed
	if t.facts.Actor.Kind != event.ActorCourier || t.facts.Actor.ID == "" || s.ID == "" || s.Key == "" {
		return "", ErrForbidden
	}
	if !inCalendar(s.IssuedAt) {
		return "", Invalid{"signed", "issued between 1970 and 9999"}
	}
	return event.CourierID(t.facts.Actor.ID), nil
}

// replayed says whether the request's proof was used before.
func (t *turn) replayed() bool { return t.facts.Signed.ID != "" && t.proofUsed(t.facts.Signed.ID) }

// ofVisit finds the visit that a courier's request is for. A refusal is stated when it is not this courier's,
// not from the right device, or a replay; then ok is false and err nil.
func (t *turn) ofVisit(id event.VisitID, asked event.Asked) (v Visit, ok bool, err error) {
	courier, err := t.courier()
	if err != nil {
		return Visit{}, false, err
	}
	v, found := find(t.Visits, id)
	if !found && t.everBegun(id) {
		no := t.whyOver(id, courier)
		no.Asked, no.Visit = asked, id
		return Visit{}, false, t.refuse(no)
	}
	if !found {
		return Visit{}, false, unknown("visit", string(id))
	}
	var code event.Code
	switch {
	case v.Courier != courier:
		code = event.WrongCourier
	case v.Key != t.facts.Signed.Key:
		code = event.WrongDevice
	case t.replayed():
		code = event.ProofReused
	default:
		return v, true, nil
	}
	return Visit{}, false, t.refuse(event.Refused{Asked: asked, Code: code, Visit: id})
}

// everBegun: the identifier is of this site, so that the visit has ended if it is not here.
func (t *turn) everBegun(id event.VisitID) bool {
	return event.CheckID(id, 'v') == nil && event.SiteOf(id) == t.Site
}

// whyOver tells a courier whose visit ended because everything in it was blocked from one whose visit just ended.
func (t *turn) whyOver(id event.VisitID, courier event.CourierID) event.Refused {
	for _, d := range t.Deliveries {
		if d.Blocked && d.BlockedFrom == id && d.Courier == courier {
			return event.Refused{Code: event.Blocked, Delivery: d.ID}
		}
	}
	return event.Refused{Code: event.AlreadyEnded}
}

// Arrive says that the courier stands at the access point.
type Arrive struct{ Visit event.VisitID }

func (r Arrive) decide(t *turn) error {
	v, ok, err := t.ofVisit(r.Visit, event.AskedArrive)
	if !ok {
		return err
	}
	no := t.gateVehicle(v, v.Steps[0])
	if no.Code == "" || v.intended() {
		no = event.Refused{Code: t.checkPlace(v)}
	}
	if no.Code != "" {
		no.Asked, no.Visit = event.AskedArrive, v.ID
		return t.refuseAndSeek(no)
	}
	t.arrive(v)
	return nil
}

// refuseAndSeek refuses, and has a car looked for of which nothing is known now.
func (t *turn) refuseAndSeek(no event.Refused) error {
	err := t.refuse(no)
	if no.Code == event.CarChecking {
		t.seek(no.Visit, event.RoundArrival)
	}
	return err
}

func (t *turn) arrive(v Visit) {
	if v.Arrived == 0 {
		t.say(event.VisitArrived{Visit: v.ID, Place: *t.facts.Place, Signed: t.facts.Signed})
	}
}

// What a position must be to count: good to this many metres, and at most this old.
const (
	mostAccuracy = 50
	mostPlaceAge = 30 * event.Second
)

// Vague says whether a position is not exact enough to say where somebody is.
func Vague(p event.Place) bool { return p.Accuracy < 0 || p.Accuracy > mostAccuracy }

func (t *turn) checkPlace(v Visit) event.Code {
	ap, _ := find(t.AccessPoints, v.AccessPoint)
	p := t.facts.Place
	switch {
	case p == nil || p.Distance < 0 || p.Accuracy < 0:
		return event.NoPosition
	case Vague(*p):
		return event.PositionVague
	case p.Age < 0 || p.Age > mostPlaceAge:
		return event.PositionOld
	case p.Distance > ap.Radius:
		return event.WrongPlace
	}
	return ""
}

// settleVisits states what follows in each visit: what is proven, what must be asked, alarms, ends.
func (t *turn) settleVisits() bool {
	for _, v := range t.Visits {
		if t.settleOutcomes(v) || t.settleSecured(v) || t.settleCodes(v) || t.settleFilming(v) || t.settleAlarm(v) ||
			t.settleEnd(v) || t.settleLeases(v) || t.settleAsks(v) || t.settleLook(v) {
			return true
		}
	}
	return false
}

var visitEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.VisitBegun) {
		s.listenAnew(e.At, func(x Barrier) bool { return s.leadsTo(b.AccessPoint, x.ID) })
		v := Visit{ID: b.Visit, Courier: b.Courier, Key: b.Key, Member: b.Member, AccessPoint: b.AccessPoint,
			Deliveries: b.Deliveries, Begun: e.At, ETA: b.ETA}
		ap, _ := find(s.AccessPoints, b.AccessPoint)
		for _, ref := range ap.WayIn {
			v.Steps = append(v.Steps, Step{Barrier: ref.Barrier, By: ref.By})
		}
		s.Visits = add(s.Visits, v)
		for _, id := range b.Deliveries {
			edit(&s.Deliveries, id, func(d *Delivery) { d.Visit = b.Visit })
		}
	}),
	on(func(s *State, _ event.Event, b event.VisitEstimated) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.ETA = b.ETA })
	}),
	on(func(s *State, e event.Event, b event.VisitArrived) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Arrived = e.At })
	}),
	on(func(s *State, e event.Event, b event.ParcelScanned) {
		s.editParcel(b.Delivery, b.Parcel, func(p *Parcel) { p.Scanned, p.Missing = true, false })
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Scanned = e.At })
	}),
	on(func(s *State, e event.Event, b event.ParcelMissing) {
		s.editParcel(b.Delivery, b.Parcel, func(p *Parcel) { p.Missing = true })
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Scanned = e.At })
	}),
	on(func(s *State, _ event.Event, b event.VisitEnded) {
		v, _ := find(s.Visits, b.Visit)
		for _, id := range v.Deliveries {
			edit(&s.Deliveries, id, (*Delivery).leave)
		}
		s.Visits = without(s.Visits, is[event.VisitID, Visit](b.Visit))
		for _, barrier := range s.Barriers {
			if barrier.Holder == b.Visit {
				edit(&s.Barriers, barrier.ID, func(x *Barrier) { x.Holder = "" })
			}
		}
	}),
}

func (s *State) editParcel(d event.DeliveryID, code event.Commitment, change func(*Parcel)) {
	edit(&s.Deliveries, d, func(d *Delivery) {
		d.Parcels = slices.Clone(d.Parcels)
		for i := range d.Parcels {
			if d.Parcels[i].Code == code {
				change(&d.Parcels[i])
			}
		}
	})
}

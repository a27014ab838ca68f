package dispatch

import (
	"fmt"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// WorkNotify tells a site's people of an event. Its data is a Notice.
const WorkNotify = "notify"

// Later, as the error of a Handler, has the work done again at a time of its own choosing. Nothing failed by that.
type Later struct{ At event.Instant }

func (l Later) Error() string { return fmt.Sprintf("dispatch: to be done at %s", l.At) }

// NearBy is how long before the courier is expected a household hears that they are near.
const NearBy = 10 * event.Minute

// SettledAfter is how long after a permission was taken back the others hear of it, if none has been given by then: who
// changes one withdraws it and gives another.
const SettledAfter = event.Minute

// Notice is an event that concerns the people of a site, with what was so when it happened: the state has moved on
// by the time they are told.
type Notice struct {
	Event event.Event `json:"event"`
	// Deliveries and Visit that it is about; Window is that of the first delivery.
	Deliveries []event.DeliveryID `json:"deliveries,omitempty"`
	Visit      event.VisitID      `json:"visit,omitempty"`
	Window     event.Span         `json:"window,omitzero"`
	// Barrier that it is about, and what that is; "" for another site's. Without a barrier, Is is what the visit or the
	// delivery leads to.
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Is      event.BarrierKind `json:"is,omitempty"`
	// Camera: one watches the visit. Kept: what it films is kept.
	Camera bool `json:"camera,omitempty"`
	Kept   bool `json:"kept,omitempty"`
	// Alarm that stood in the visit until this event.
	Alarm site.Alarm `json:"alarm,omitzero"`
	// Secured is when the last of what the visit opened was seen secured, 0 while something is not; Seen is what was
	// seen of all of it.
	Secured event.Instant `json:"secured,omitempty"`
	Seen    event.Closure `json:"seen,omitzero"`
	// Rebound: the courier who is assigned was so already, with another phone.
	Rebound bool `json:"rebound,omitempty"`
}

// change is one event of a decision, with the states before the whole decision, before the event and after it.
type change struct {
	first, before, after site.State
	event                event.Event
}

// workOfNotifying tells the site's people of an event, if it concerns them.
func workOfNotifying(c change) ([]store.Work, error) {
	n, due, ok := noticeOf(c)
	if !ok {
		return nil, nil
	}
	w, err := newWork(c.event, WorkNotify, n)
	w.Due = max(w.Due, due)
	return []store.Work{w}, err
}

// noticeOf says what the site's people are told of an event, and from when on; 0 for at once.
func noticeOf(c change) (n Notice, due event.Instant, ok bool) {
	n = Notice{Event: c.event}
	switch b := c.event.Body.(type) {
	case event.VisitBegun, event.VisitEstimated, event.VisitArrived:
		return c.nearing(n)
	case event.OpeningResolved:
		n.Barrier, n.Visit, ok = b.Barrier, b.Visit, c.opened(b)
	case event.Refused:
		n.Visit, n.Deliveries, ok = b.Visit, some(b.Delivery), heardByHousehold(b)
	case event.AlarmRaised:
		n.Visit, n.Barrier, ok = b.Visit, b.Barrier, c.alarming(b)
	case event.AlarmEnded:
		v, _ := c.before.Visit(b.Visit)
		n.Visit, n.Barrier, ok = b.Visit, v.Alarm.Barrier, v.Alarm.Level >= event.AlarmCustomer
	case event.AlarmAcknowledged:
		v, _ := c.before.Visit(b.Visit)
		n.Visit, n.Barrier, ok = b.Visit, v.Alarm.Barrier, v.Alarm.Level >= event.AlarmCustomer
	case event.ForeignOpening:
		n.Barrier, ok = b.Barrier, true
	case event.BarrierObserved:
		n.Barrier, ok = b.Barrier, c.batteryLow(b.Barrier)
	case event.DeliveryUnconsented:
		n.Deliveries, due, ok = some(b.Delivery), c.event.At.Add(SettledAfter), true
	case event.SpotAsked:
		n.Deliveries, n.Visit, ok = some(b.Delivery), b.Visit, true
	case event.VehicleFound:
		n.Deliveries, n.Visit, ok = some(b.Delivery), b.Visit, lookedInVain(b)
	case event.CourierAssigned:
		d, _ := c.first.Delivery(b.Delivery)
		n.Deliveries, n.Rebound, ok = some(b.Delivery), d.Courier == b.Courier, true
	default:
		n.Deliveries, n.Visit, ok = c.ofDelivery()
	}
	if !ok {
		return n, 0, false
	}
	return c.complete(n), due, true
}

// nearing tells once in a visit that the courier is near: from NearBy before the estimate, which may change until
// then, or on arrival if that is earlier. What is due and no longer so is for whoever tells to drop.
func (c change) nearing(n Notice) (_ Notice, due event.Instant, ok bool) {
	switch b := c.event.Body.(type) {
	case event.VisitBegun:
		n.Visit, due, ok = b.Visit, nearAt(b.ETA), true
	case event.VisitEstimated:
		v, _ := c.before.Visit(b.Visit)
		n.Visit, due = b.Visit, nearAt(b.ETA)
		ok = v.Arrived == 0 && v.ETA != b.ETA && nearAt(v.ETA) > c.event.At
	case event.VisitArrived:
		v, _ := c.before.Visit(b.Visit)
		n.Visit, ok = b.Visit, nearAt(v.ETA) > c.event.At
	}
	if v, _ := c.after.Visit(n.Visit); v.Member != "" {
		return n, 0, false
	}
	return c.complete(n), due, ok
}

// nearAt is from when a courier with this estimate counts as near: at once without one.
func nearAt(eta event.Instant) event.Instant { return max(0, eta.Add(-NearBy)) }

// opened says whether a barrier of a delivery's visit is known to have been opened by this event, for the first time.
// A code that a lock has taken opens nothing yet.
func (c change) opened(b event.OpeningResolved) bool {
	v, _ := c.before.Visit(b.Visit)
	i := slices.IndexFunc(v.Steps, func(p site.Step) bool { return p.Permit.ID == b.Permit })
	if i < 0 || v.Member != "" || b.Outcome != event.Done || v.Steps[i].Permit.Recovery {
		return false
	}
	if was := v.Steps[i]; was.By == event.PermitRemote {
		return was.Outcome != event.Done
	}
	now, _ := c.after.Visit(b.Visit)
	return v.Steps[i].Opened == 0 && now.Steps[i].Opened != 0
}

// heardByHousehold says whether a refusal is of the household's concern: it can do something about it, or somebody
// came who should not have.
func heardByHousehold(b event.Refused) bool {
	if b.By.Kind != event.ActorCourier {
		return false
	}
	switch b.Code {
	case event.NoConsent, event.QuestionOpen, event.PetsLoose, event.AlarmOn, event.TooLate, event.DeviceOffline,
		event.BarrierNotReady, event.CameraNotLive, event.CameraNoRoom, event.LenderRefused, event.LenderBlocked,
		event.ParcelMissed, event.WrongDevice, event.Suspended, event.ParcelDoesNotFit,
		event.CarTooFar, event.CarMoving, event.CarPositionOld, event.CarIndoors, event.CarNotLocked, event.CarAsleep,
		event.CarUnreachable, event.CarRevoked, event.CarOpensOtherwise:
		return true
	case event.WrongCourier:
		return b.Asked == event.AskedScan || b.Asked == event.AskedOpen
	default: // the courier's own to put right
		return false
	}
}

// lookedInVain says whether the household can do something about how its car was found: the day before about what may
// last, on approach about whatever keeps the courier out, and about a consent at the maker at any time. What is found when
// the courier stands there comes as a refusal.
func lookedInVain(b event.VehicleFound) bool {
	switch b.Code {
	case event.CarRevoked:
		return b.Round != event.RoundArrival
	case event.CarTooFar, event.CarIndoors, event.CarPositionOld, event.CarAsleep, event.CarUnreachable:
		return b.Round == event.RoundDayBefore || b.Round == event.RoundApproach
	case event.CarMoving, event.CarNotLocked:
		return b.Round == event.RoundApproach
	default:
		return false
	}
}

// alarming says whether the alarm has climbed, to the household or on to the operator, or is about something else since:
// another barrier, or what concerns none. That one barrier is alarming in another way is no other alarm.
func (c change) alarming(b event.AlarmRaised) bool {
	v, _ := c.before.Visit(b.Visit)
	same := v.Alarm.Barrier == b.Barrier && (b.Barrier != "" || v.Alarm.Reason == b.Reason)
	return b.Level >= event.AlarmCustomer && (v.Alarm.Level < b.Level || !same)
}

func (c change) batteryLow(id event.BarrierID) bool {
	before, _ := c.before.Barrier(id)
	after, _ := c.after.Barrier(id)
	return after.LowBattery && !before.LowBattery && after.Borrowed == ""
}

// ofDelivery says of what is told of a delivery's own life which deliveries and which visit it is about.
func (c change) ofDelivery() (ids []event.DeliveryID, visit event.VisitID, ok bool) {
	switch b := c.event.Body.(type) {
	case event.DeliveryBooked:
		return some(b.Delivery), "", true
	case event.DeliveryCancelled:
		return some(b.Delivery), "", b.By.Kind != event.ActorMember
	case event.DeliveryExpired:
		return some(b.Delivery), "", true
	case event.DeliveryDiverted:
		return some(b.Delivery), "", true
	case event.DeliveryReturned:
		return some(b.Delivery), "", true
	case event.QuestionAsked:
		return some(b.Delivery), "", true
	case event.BlockAnswered:
		return some(b.Delivery), b.Visit, b.Verdict == event.BlockWon || b.Verdict == event.BlockFromHere || b.Verdict == event.BlockTooLate
	case event.CourierSuspended:
		ids := c.suspended(b.Courier)
		return ids, "", len(ids) > 0
	case event.DeliveryDelivered:
		return some(b.Delivery), b.Visit, c.firstOfVisit(b)
	}
	return nil, "", false
}

// firstOfVisit: what a visit delivered ends one after the other, in one decision, and is told of once.
func (c change) firstOfVisit(b event.DeliveryDelivered) bool {
	was, _ := c.first.Visit(b.Visit)
	is, _ := c.before.Visit(b.Visit)
	return len(was.Deliveries) == len(is.Deliveries)
}

func (c change) suspended(courier event.CourierID) []event.DeliveryID {
	var ids []event.DeliveryID
	for _, d := range c.before.Deliveries {
		if d.Courier == courier {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func some(id event.DeliveryID) []event.DeliveryID {
	if id == "" {
		return nil
	}
	return []event.DeliveryID{id}
}

// complete adds what stood there when the event happened.
func (c change) complete(n Notice) Notice {
	if len(n.Deliveries) == 0 {
		n.Deliveries = deliveriesOf(n.Visit, c.before, c.after)
	}
	if len(n.Deliveries) > 0 {
		n.Window = c.window(n.Deliveries[0])
	}
	for _, s := range []site.State{c.before, c.after} {
		if b, ok := s.Barrier(n.leadsTo(s)); ok {
			n.Is = b.Is
		}
		if v, ok := s.Visit(n.Visit); ok {
			n.Camera, n.Kept = v.Camera != "", v.Kept
		}
	}
	if v, ok := c.before.Visit(n.Visit); ok {
		n.Alarm = v.Alarm
		n.Secured, n.Seen = secured(c.before, v)
	}
	return n
}

// leadsTo is the barrier that it is about, or else the last on the way of its visit or delivery.
func (n Notice) leadsTo(s site.State) event.BarrierID {
	if n.Barrier != "" {
		return n.Barrier
	}
	if v, _ := s.Visit(n.Visit); len(v.Steps) > 0 {
		return v.Steps[len(v.Steps)-1].Barrier
	}
	for _, id := range n.Deliveries {
		d, _ := s.Delivery(id)
		if ap, _ := s.AccessPoint(d.AccessPoint); len(ap.WayIn) > 0 {
			return ap.WayIn[len(ap.WayIn)-1].Barrier
		}
	}
	return ""
}

func (c change) window(id event.DeliveryID) event.Span {
	for _, s := range []site.State{c.first, c.before, c.after} {
		if d, ok := s.Delivery(id); ok {
			return d.Window
		}
	}
	return event.Span{}
}

// secured says when the last of what a visit opened was seen secured, and which parts were seen of all of it.
func secured(s site.State, v site.Visit) (at event.Instant, seen event.Closure) {
	seen = event.Closure{Bolt: true, Contact: true}
	for _, p := range v.Steps {
		if p.Intended == 0 || p.Outcome == event.NotDone {
			continue
		}
		b, _ := s.Barrier(p.Barrier)
		if p.Secured == 0 || !b.Spec.Closure.Provable() {
			return 0, event.Closure{}
		}
		at = max(at, p.Secured)
		seen.Bolt, seen.Contact = seen.Bolt && b.Spec.Closure.Bolt, seen.Contact && b.Spec.Closure.Contact
	}
	if at == 0 {
		return 0, event.Closure{}
	}
	return at, seen
}

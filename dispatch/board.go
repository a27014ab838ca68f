package dispatch

import (
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Partitions of what the operator's staff look at.
const (
	// underwayPartition holds the visits that have not ended, by identifier; a restart resumes them.
	underwayPartition = "visits"
	// alarmsPartition holds the alarms that stand, by visit.
	alarmsPartition = "alarms"
	// lastRefusals holds the last refusal because of each barrier.
	lastRefusals = "refusals"
)

// refusalsOf is the partition of a courier's requests that were refused, the latest first.
func refusalsOf(id event.CourierID) string { return "refusals-of/" + string(id) }

// factsOn is the partition of what happened on a day, in order of time.
func factsOn(d Day) string { return "facts/" + string(d) }

// Underway is a visit that has not ended, as it began. What stands there now, the site's state tells.
type Underway struct {
	Visit       event.VisitID       `json:"visit"`
	Site        event.SiteID        `json:"site"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	// Courier, or the Member who rehearses.
	Courier event.CourierID `json:"courier,omitempty"`
	Member  event.MemberID  `json:"member,omitempty"`
	Begun   event.Instant   `json:"begun"`
}

// StandingAlarm is an alarm that has not ended.
type StandingAlarm struct {
	Underway
	site.Alarm
}

// Fact is one thing that happened, for the numbers of a day: exactly one of the pointers is set.
type Fact struct {
	At   event.Instant `json:"at"`
	Site event.SiteID  `json:"site"`
	// Visit and Delivery lead to the story behind it, as far as they are known.
	Visit    event.VisitID    `json:"visit,omitempty"`
	Delivery event.DeliveryID `json:"delivery,omitempty"`
	Refusal  *RefusalFact     `json:"refusal,omitempty"`
	Ended    *VisitFact       `json:"ended,omitempty"`
	Alarm    *AlarmFact       `json:"alarm,omitempty"`
	Foreign  *ForeignFact     `json:"foreign,omitempty"`
}

// RefusalFact is a request that was refused.
type RefusalFact struct {
	Asked event.Asked     `json:"asked"`
	Code  event.Code      `json:"code"`
	By    event.ActorKind `json:"by"`
	// Is what was to be opened; "" where that is not known.
	Is event.BarrierKind `json:"is,omitempty"`
}

// VisitFact is a visit that ended. Its instants are 0 where there is none.
type VisitFact struct {
	How         event.VisitEnd      `json:"how"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	// Rehearsal: a member tried the way in.
	Rehearsal bool          `json:"rehearsal,omitempty"`
	Begun     event.Instant `json:"begun"`
	Arrived   event.Instant `json:"arrived,omitempty"`
	// Scanned is when the last parcel was scanned or said to be missing.
	Scanned event.Instant `json:"scanned,omitempty"`
	// Ordered is when the first barrier was ordered open, or its code shown, and Opened when its device showed it
	// open. Secured is when the last barrier was proven shut that the visit opened; 0 if one was not.
	Ordered event.Instant `json:"ordered,omitempty"`
	Opened  event.Instant `json:"opened,omitempty"`
	Secured event.Instant `json:"secured,omitempty"`
}

// AlarmFact is an alarm that ended, on the day on which it was raised.
type AlarmFact struct {
	// Reason and Barrier as they were last, and what that Is; Level the highest that it climbed to.
	Reason  event.AlarmReason `json:"reason"`
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Is      event.BarrierKind `json:"is,omitempty"`
	Level   event.AlarmLevel  `json:"level"`
	Raised  event.Instant     `json:"raised"`
	Owner   event.Actor       `json:"owner,omitzero"`
	Owned   event.Instant     `json:"owned,omitempty"`
	Ended   event.Instant     `json:"ended"`
}

// ForeignFact is an opening that Loquet did not ask for.
type ForeignFact struct {
	Barrier event.BarrierID `json:"barrier"`
	Cause   string          `json:"cause,omitempty"`
}

// ScanToOrder is how long after the last parcel was scanned the first order to open was given; false where either is
// missing.
func (v VisitFact) ScanToOrder() (event.Millis, bool) { return between(v.Scanned, v.Ordered) }

// OrderToOpened is how long after that order the device showed the barrier open.
func (v VisitFact) OrderToOpened() (event.Millis, bool) { return between(v.Ordered, v.Opened) }

// OpenedToSecured is how long after that everything was proven shut again.
func (v VisitFact) OpenedToSecured() (event.Millis, bool) { return between(v.Opened, v.Secured) }

func between(from, to event.Instant) (event.Millis, bool) {
	return to.Since(from), from != 0 && to != 0 && to >= from
}

// visits keeps what is under way, what alarms, what was opened, and what is over.
func (p *projector) visits(before, after site.State, e event.Event) {
	for _, v := range after.Visits {
		old, had := before.Visit(v.ID)
		if !had {
			p.row(underwayPartition, string(v.ID), underwayOf(v))
		}
		p.alarm(before, old, v, e)
		p.openings(after, old, v)
	}
	for _, v := range before.Visits {
		if _, stands := after.Visit(v.ID); stands {
			continue
		}
		p.drop(underwayPartition, string(v.ID))
		p.alarm(before, v, site.Visit{ID: v.ID}, e)
		if b, ended := e.Body.(event.VisitEnded); ended && b.Visit == v.ID {
			p.fact(e, e.At, Fact{Visit: v.ID, Ended: visitFact(v, b.How)})
		}
	}
}

func underwayOf(v site.Visit) Underway {
	return Underway{Visit: v.ID, Site: event.SiteOf(v.ID), AccessPoint: v.AccessPoint, Courier: v.Courier, Member: v.Member, Begun: v.Begun}
}

// alarm keeps an alarm as long as it stands, and tells of it once it has ended.
func (p *projector) alarm(before site.State, old, v site.Visit, e event.Event) {
	was, is := old.Alarm, v.Alarm
	switch {
	case was == is:
	case is.Level != 0:
		p.row(alarmsPartition, string(v.ID), StandingAlarm{underwayOf(v), is})
	default:
		p.drop(alarmsPartition, string(v.ID))
		of, _ := before.Barrier(was.Barrier)
		p.fact(e, was.Raised, Fact{Visit: v.ID, Alarm: &AlarmFact{Reason: was.Reason, Barrier: was.Barrier, Is: of.Is, Level: was.Level,
			Raised: was.Raised, Owner: was.Owner, Owned: was.Owned, Ended: e.At}})
	}
}

// beside keeps what happened that changes no visit.
func (p *projector) beside(before site.State, e event.Event) {
	switch b := e.Body.(type) {
	case event.Refused:
		p.refused(before, e, b)
	case event.ForeignOpening:
		p.fact(e, e.At, Fact{Foreign: &ForeignFact{Barrier: b.Barrier, Cause: b.Observation.Cause}})
		p.foreign(before, e, b)
	case event.LeaseEnded:
		p.lent(before, e, b)
	}
}

// refused keeps a refusal, that it was the last because of its barrier, and that it was its courier's.
func (p *projector) refused(before site.State, e event.Event, b event.Refused) {
	f := Fact{Visit: b.Visit, Delivery: b.Delivery, Refusal: &RefusalFact{Asked: b.Asked, Code: b.Code, By: b.By.Kind, Is: KindAt(before, b)}}
	p.fact(e, e.At, f)
	f.At, f.Site = e.At, p.site
	if b.Barrier != "" {
		p.row(lastRefusals, string(b.Barrier), f)
	}
	if b.By.Kind == event.ActorCourier {
		p.row(refusalsOf(event.CourierID(b.By.ID)), lateKey(e.At, eventKey(e.Site, e.Seq)), f)
	}
}

// KindAt is what a refused request was about: a barrier, or the first of where the visit or the delivery goes; "" for
// none that is known.
func KindAt(s site.State, b event.Refused) event.BarrierKind {
	id := b.Barrier
	if v, _ := s.Visit(b.Visit); id == "" && len(v.Steps) > 0 {
		id = v.Steps[0].Barrier
	}
	if d, ok := s.Delivery(b.Delivery); id == "" && ok {
		if ap, _ := s.AccessPoint(d.AccessPoint); len(ap.WayIn) > 0 {
			id = ap.WayIn[0].Barrier
		}
	}
	barrier, _ := s.Barrier(id)
	return barrier.Is
}

// fact writes what happened at an instant, as an event tells. One event can end a visit and its alarm.
func (p *projector) fact(e event.Event, at event.Instant, f Fact) {
	f.At, f.Site = at, p.site
	key := eventKey(e.Site, e.Seq)
	if f.Alarm != nil {
		key += "-alarm"
	}
	p.row(factsOn(DayOf(at)), timeKey(at, key), f)
}

func visitFact(v site.Visit, how event.VisitEnd) *VisitFact {
	f := &VisitFact{How: how, AccessPoint: v.AccessPoint, Courier: v.Courier, Rehearsal: v.Member != "", Begun: v.Begun, Arrived: v.Arrived,
		Scanned: v.Scanned}
	shut := true
	for _, s := range v.Steps {
		ordered := orderedAt(s)
		if ordered == 0 {
			continue
		}
		if f.Ordered == 0 {
			f.Ordered = ordered
			if s.BySight {
				f.Opened = s.Opened
			}
		}
		f.Secured, shut = max(f.Secured, s.Secured), shut && s.Secured != 0
	}
	if !shut {
		f.Secured = 0
	}
	return f
}

// orderedAt is when a step's barrier was ordered open, or its code shown; 0 for one that was not, or certainly did not
// open.
func orderedAt(s site.Step) event.Instant {
	switch {
	case s.Intended == 0 || s.Outcome == event.NotDone:
		return 0
	case s.By == event.PermitCode:
		return s.Shown
	default:
		return s.Began
	}
}

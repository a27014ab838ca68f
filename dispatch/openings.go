package dispatch

import (
	"fmt"
	"math"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// openingsAt is the partition of a site's openings, the latest first.
func openingsAt(id event.SiteID) string { return "openings/" + string(id) }

// Opening is one order to open a barrier of a site, one opening that nobody asked Loquet for, or one lease with which
// another site's visit passed.
type Opening struct {
	// At is when it was ordered, seen, or lent.
	At      event.Instant     `json:"at"`
	Barrier event.BarrierID   `json:"barrier"`
	Is      event.BarrierKind `json:"is,omitempty"`
	// Visit that ordered it, with its Courier or the Member who rehearsed, and the deliveries that it began with.
	Visit       event.VisitID       `json:"visit,omitempty"`
	AccessPoint event.AccessPointID `json:"accessPoint,omitempty"`
	Deliveries  []event.DeliveryID  `json:"deliveries,omitempty"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	Member      event.MemberID      `json:"member,omitempty"`
	By          event.PermitType    `json:"by,omitempty"`
	// Recovery opened again what stood ajar. Shown is when a code was first shown.
	Recovery bool          `json:"recovery,omitempty"`
	Shown    event.Instant `json:"shown,omitempty"`
	// Outcome of the order: "" while nobody knows anything.
	Outcome event.Outcome `json:"outcome,omitempty"`
	// Opened is when it is known to have been opened; Seen that the device's own report says so.
	Opened event.Instant `json:"opened,omitempty"`
	Seen   bool          `json:"seen,omitempty"`
	// Secured is since when it was proven shut at the visit's end, or is now; Grade how well that is authenticated.
	Secured event.Instant `json:"secured,omitempty"`
	Grade   event.Grade   `json:"grade,omitempty"`
	// Foreign: Loquet did not ask for it. Cause is the device's own word on who moved it.
	Foreign bool   `json:"foreign,omitempty"`
	Cause   string `json:"cause,omitempty"`
	// Borrower is the site whose visit passed through, until Back.
	Borrower event.SiteID  `json:"borrower,omitempty"`
	Back     event.Instant `json:"back,omitempty"`
}

// backwardsKey makes the keys of a partition sort by an event's place in its journal, the latest first.
func backwardsKey(seq uint64) string { return fmt.Sprintf("%019d", math.MaxInt64-int64(seq)) }

// lateKey makes the keys of a partition sort by time, the latest first.
func lateKey(at event.Instant, what string) string {
	return fmt.Sprintf("%019d-%s", math.MaxInt64-int64(at), what)
}

// eventKey names an event.
func eventKey(id event.SiteID, seq uint64) string { return fmt.Sprintf("%s-%d", id, seq) }

// openings keeps each order to open of a visit as it stands.
func (p *projector) openings(s site.State, old, v site.Visit) {
	for i, step := range v.Steps {
		var before site.Step
		if i < len(old.Steps) {
			before = old.Steps[i]
		}
		if is := openingOf(s, v, step); step.Intended != 0 && (before.Permit.ID != step.Permit.ID || changed(openingOf(s, old, before), is)) {
			p.row(openingsAt(p.site), backwardsKey(event.SeqOf(step.Permit.ID)), is)
		}
	}
}

// changed says whether anything became known of an order.
func changed(was, is Opening) bool {
	return was.Outcome != is.Outcome || was.Opened != is.Opened || was.Seen != is.Seen || was.Secured != is.Secured || was.Shown != is.Shown
}

func openingOf(s site.State, v site.Visit, p site.Step) Opening {
	b, _ := s.Barrier(p.Barrier)
	return Opening{At: p.Intended, Barrier: p.Barrier, Is: b.Is, Visit: v.ID, AccessPoint: v.AccessPoint, Deliveries: v.Deliveries, Courier: v.Courier,
		Member: v.Member, By: p.By, Recovery: p.Permit.Recovery, Shown: p.Shown, Outcome: p.Outcome, Opened: p.Opened, Seen: p.BySight,
		Secured: p.Secured, Grade: b.Spec.Grade}
}

// foreign keeps an opening that nobody asked Loquet for.
func (p *projector) foreign(before site.State, e event.Event, b event.ForeignOpening) {
	of, _ := before.Barrier(b.Barrier)
	p.row(openingsAt(p.site), backwardsKey(e.Seq), Opening{At: e.At, Barrier: b.Barrier, Is: of.Is, Foreign: true, Cause: b.Observation.Cause,
		Opened: b.Observation.ReceivedAt, Seen: true, Grade: of.Spec.Grade})
}

// lent keeps that another site's visit passed through a barrier of ours.
func (p *projector) lent(before site.State, e event.Event, b event.LeaseEnded) {
	of, _ := before.Barrier(b.Barrier)
	if !b.Spent {
		return
	}
	p.row(openingsAt(p.site), backwardsKey(e.Seq), Opening{At: of.Lent.At, Barrier: b.Barrier, Is: of.Is, Borrower: event.SiteOf(b.Lease), Back: e.At,
		Grade: of.Spec.Grade})
}

package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Block stops a delivery: it wins or loses against the order to open, never both. The journal orders the two.
type Block struct{ Delivery event.DeliveryID }

func (r Block) decide(t *turn) error {
	if err := t.mayBlock(); err != nil {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok && !t.everBooked(r.Delivery) {
		return unknown("delivery", string(r.Delivery))
	}
	v, _ := find(t.Visits, d.Visit)
	answer := event.BlockAnswered{Delivery: r.Delivery, Visit: v.ID, By: t.facts.Actor, IntendedAt: v.lastIntent()}
	answer.Verdict = verdict(d, ok, v)
	if answer.Verdict == event.BlockWon {
		answer.IntendedAt = 0
	}
	t.say(answer)
	return nil
}

func (t *turn) mayBlock() error {
	if t.facts.Actor.Kind == event.ActorMember {
		_, err := t.member()
		return err
	}
	return t.allow(event.ActorMerchant, event.ActorOperator)
}

// everBooked: the identifier is of this site and its event lies in the past, so that it ended.
func (t *turn) everBooked(id event.DeliveryID) bool {
	return event.CheckID(id, 'd') == nil && event.SiteOf(id) == t.Site && event.SeqOf(id) <= t.Seq
}

func verdict(d Delivery, open bool, v Visit) event.BlockVerdict {
	spent := slices.ContainsFunc(v.Steps, Step.spent)
	switch {
	case !open:
		return event.BlockEnded
	case d.Blocked:
		return event.BlockAlready
	case !spent:
		return event.BlockWon
	case !v.Steps[len(v.Steps)-1].spent():
		return event.BlockFromHere
	default:
		return event.BlockTooLate
	}
}

var blockEvolver = on(func(s *State, _ event.Event, b event.BlockAnswered) {
	switch b.Verdict {
	case event.BlockWon:
		s.leaveVisit(b.Delivery)
		v, in := find(s.Visits, b.Visit)
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) {
			if d.Blocked = true; in && len(v.Deliveries) == 0 {
				d.BlockedFrom = v.ID
			}
		})
	case event.BlockFromHere:
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.Blocked = true })
	default: // the others change nothing
	}
})

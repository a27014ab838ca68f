package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// whyTakenOver: by a member of the site who had just said to be there, and since then worked a barrier of the visit
// by hand.
func (x *exam) whyTakenOver(e entry[event.VisitTakenOver]) (f faults) {
	v := e.body.Visit
	standing := x.standing(v, e.pos)
	f.need(x.isMember(e.body.Member, e.pos), "%q did not belong to the site", e.body.Member)
	f.need(len(standing) > 0, "the visit had opened nothing")
	claims := slices.DeleteFunc(all[event.TakeOverAsked](x.history, v, e.pos), func(c entry[event.TakeOverAsked]) bool {
		return c.body.Member != e.body.Member || e.at.Since(c.at) > presence
	})
	if len(claims) == 0 {
		f.need(false, "the member had not just said to be there")
		return f
	}
	hands := make(map[event.BarrierID][]reading)
	for _, o := range standing {
		b := o.body.Permit.Barrier
		if list := x.hands(b, claims[0], e.pos); len(list) > 0 {
			hands[b] = list
		}
	}
	f.need(len(hands) > 0, "no barrier of the visit was worked by hand since")
	x.relyOnHands(hands, e.pos)
	return f
}

// hands are the reports between a claim and a position, received after the claim, by which a barrier moved as only
// a hand moves it: its contact, or its bolt where the device itself names a hand.
func (x *exam) hands(b event.BarrierID, claim entry[event.TakeOverAsked], before int) (list []reading) {
	for _, now := range x.readingsBetween(b, claim.pos, before) {
		bolt, contact := now.movedNow()
		named := now.o.Cause == "manual" || now.o.Cause == "keypad"
		if now.when.at >= claim.at && (contact || bolt && named) {
			list = append(list, now)
		}
	}
	return list
}

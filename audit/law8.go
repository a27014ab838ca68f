package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// law8 asks of each opening that a device of the site reported whether a visit had asked for it, or else whether
// the site's people were told, if they want to be or a visit was on its way through; and of each word of a car whether
// anybody was to listen.
func law8(x *exam) {
	for _, enrolled := range every[event.BarrierEnrolled](x.history) {
		b := enrolled.body.Barrier
		if event.SiteOf(b) != x.site || has[event.BarrierEnrolled](x.history, b, -1, enrolled.pos) {
			continue
		}
		x.openings(b, enrolled.pos)
	}
	for _, reserved := range every[event.BarrierReserved](x.history) {
		if reserved.body.Spec.Vehicle() {
			x.overheard(reserved.body.Barrier)
		}
	}
}

func (x *exam) openings(b event.BarrierID, enrolled int) {
	for _, now := range x.readings(b) {
		if now.pos < enrolled || !now.opens() {
			continue
		}
		var f faults
		f.need(x.accounted(b, now), "its device said that it opened, nobody had asked for it, and nobody was told")
		x.judge(now.pos, f.about("%s", b))
	}
}

// opens says whether a part that was said to be something else is open now.
func (r reading) opens() bool {
	bolt, contact := r.moved()
	return bolt && r.bolt.is == event.BoltUnlocked || contact && r.contact.is == event.ContactOpen
}

func (x *exam) accounted(b event.BarrierID, seen reading) bool {
	if x.inUse(b, seen.pos) {
		return true
	}
	rules, _ := x.rules(seen.pos)
	watched := rules.Watch
	if reserved, _ := last[event.BarrierReserved](x.history, b, seen.pos); reserved.body.Spec.Vehicle() {
		watched = rules.WatchCars
	}
	if !watched && !x.onTheWay(b, seen.pos) {
		return true
	}
	told := between[event.ForeignOpening](x.history, b, seen.pos, x.end())
	return slices.ContainsFunc(told, func(f entry[event.ForeignOpening]) bool {
		return f.body.Observation == seen.o && f.at == x.events[seen.pos].At
	})
}

// onTheWay says whether a visit under way has the barrier on its way in.
func (x *exam) onTheWay(b event.BarrierID, pos int) bool {
	return slices.ContainsFunc(every[event.VisitBegun](x.history), func(v visit) bool {
		return v.pos < pos && !x.over(v.body.Visit, pos) && slices.ContainsFunc(x.wayIn(v), func(r event.BarrierRef) bool {
			return r.Barrier == b
		})
	})
}

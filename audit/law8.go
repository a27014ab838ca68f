package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// law8 asks of each opening that a device of the site reported whether a visit had asked for it, or else whether
// the site's people were told, if they want to be or a visit was on its way through.
func law8(x *exam) {
	for _, enrolled := range every[event.BarrierEnrolled](x.history) {
		b := enrolled.body.Barrier
		if event.SiteOf(b) != x.site || has[event.BarrierEnrolled](x.history, b, -1, enrolled.pos) {
			continue
		}
		x.openings(b, enrolled.pos)
	}
}

func (x *exam) openings(b event.BarrierID, enrolled int) {
	var before reading
	for _, now := range x.readings(b) {
		opened := before.opens(now)
		before = now
		if now.pos < enrolled || !opened {
			continue
		}
		var f faults
		f.need(x.accounted(b, now.pos), "its device said that it opened, nobody had asked for it, and nobody was told")
		x.judge(now.pos, f.about("%s", b))
	}
}

// opens says whether a part that was known to be shut is open in the next reading.
func (r reading) opens(next reading) bool {
	bolt, contact := r.moved(next)
	return bolt && next.bolt.is == event.BoltUnlocked || contact && next.contact.is == event.ContactOpen
}

func (x *exam) accounted(b event.BarrierID, pos int) bool {
	if x.inUse(b, pos) {
		return true
	}
	rules, _ := x.rules(pos)
	if !rules.Watch && !x.onTheWay(b, pos) {
		return true
	}
	seen := x.events[pos].Body.(event.BarrierObserved).Observation
	return slices.ContainsFunc(between[event.ForeignOpening](x.history, b, pos, x.end()), func(f entry[event.ForeignOpening]) bool {
		return f.body.Observation == seen && f.at == x.events[pos].At
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

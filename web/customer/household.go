package customer

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// household is the home as the pages speak of it: what stands there, at one moment, in one language.
type household struct {
	api.Home
	zone *time.Location
	now  time.Time
	lang phrase.Lang
}

// household asks for the home as it stands now.
func (p *person) household() (*household, *api.Problem) {
	out, problem := read(p, p.API.GetHome, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	h := &household{Home: out.Body, now: p.Now(), lang: p.lang(), zone: time.UTC}
	if zone, err := time.LoadLocation(h.Zone); err == nil {
		h.zone = zone
	}
	return h, nil
}

// you is the name of the member who asks.
func (h *household) you() string {
	for _, m := range h.Members {
		if m.You {
			return m.Name
		}
	}
	return ""
}

func (h *household) barrier(id event.BarrierID) (api.Barrier, bool) {
	return found(h.Barriers, func(b api.Barrier) bool { return b.ID == id })
}

func (h *household) place(id event.AccessPointID) (api.AccessPoint, bool) {
	return found(h.AccessPoints, func(a api.AccessPoint) bool { return a.ID == id })
}

// underWay is a visit that has not ended.
func (h *household) underWay(id event.VisitID) (api.Visit, bool) {
	return found(h.Visits, func(v api.Visit) bool { return v.ID == id })
}

// coming is a delivery that has not ended.
func (h *household) coming(id event.DeliveryID) (api.HomeDelivery, bool) {
	return found(h.Deliveries, func(d api.HomeDelivery) bool { return d.ID == id })
}

func found[T any](all []T, is func(T) bool) (one T, ok bool) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], true
	}
	return one, false
}

// placeName is what the household calls a place, or else the last door on the way there.
func (h *household) placeName(id event.AccessPointID) string {
	ap, _ := h.place(id)
	if ap.Name != "" || len(ap.WayIn) == 0 {
		return ap.Name
	}
	return h.barrierName(ap.WayIn[len(ap.WayIn)-1].Barrier)
}

// leadsTo is what stands last on the way to a place; "" where that is not known any more.
func (h *household) leadsTo(id event.AccessPointID) event.BarrierKind {
	ap, _ := h.place(id)
	if len(ap.WayIn) == 0 {
		return ""
	}
	b, _ := h.barrier(ap.WayIn[len(ap.WayIn)-1].Barrier)
	return b.Is
}

// isCar says whether a place is one.
func (h *household) isCar(id event.AccessPointID) bool {
	ap, _ := h.place(id)
	return ap.Car != nil
}

func (h *household) barrierName(id event.BarrierID) string {
	b, ok := h.barrier(id)
	if !ok {
		return h.lang.Barrier(event.Lobby) // another site's, which nobody lent yet
	}
	return h.lang.Barrier(b.Is)
}

// doorName tells a door from another of its kind: by the place that it leads to.
func (h *household) doorName(b api.Barrier) string {
	for _, ap := range h.AccessPoints {
		if ap.Name != "" && ap.Name != b.Name && ap.WayIn[len(ap.WayIn)-1].Barrier == b.ID {
			return b.Name + " – " + ap.Name
		}
	}
	return b.Name
}

// step is what a visit under way has done to a barrier.
func (h *household) step(id event.BarrierID) *api.Step {
	for _, v := range h.Visits {
		for i := range v.Steps {
			if v.Steps[i].Barrier == id {
				return &v.Steps[i]
			}
		}
	}
	return nil
}

// shown is what a barrier looks like now.
func (h *household) shown(b api.Barrier) ui.Shown {
	sight := ui.SightOfBarrier(b)
	if s := h.step(b.ID); s != nil {
		sight.Held, sight.Asked, sight.Recorded, sight.Secured = false, s.Asked, s.Recorded, s.Secured
	}
	return ui.StateOf(h.lang, sight, h.now, h.zone)
}

// shownStep is what a step of a visit looks like now; its barrier may be another site's.
func (h *household) shownStep(s api.Step) ui.Shown {
	sight := ui.SightOfStep(s)
	if sight.Name == "" {
		sight.Name = h.barrierName(s.Barrier)
	}
	return ui.StateOf(h.lang, sight, h.now, h.zone)
}

// toldFrom is the level of an alarm from which on the household is told.
const toldFrom = event.AlarmCustomer

// alarms are the visits in which one stands that the household is told of.
func (h *household) alarms() []api.Visit {
	var all []api.Visit
	for _, v := range h.Visits {
		if alarming(v) {
			all = append(all, v)
		}
	}
	return all
}

// alarming says whether an alarm stands in a visit that the household is told of.
func alarming(v api.Visit) bool { return v.Alarm != nil && v.Alarm.Level >= toldFrom }

// busy says whether anything is open or under way in a visit: then a page looks more often.
func (h *household) busy() bool { return len(h.Visits) > 0 }

// filmed says whether a picture is shown that ends without an event.
func (h *household) filmed() bool {
	return slices.ContainsFunc(h.Visits, func(v api.Visit) bool { return v.Picture != nil })
}

// next is when a live page renders itself again without being woken: a picture may stop at any moment.
func (h *household) next() time.Duration {
	if h.filmed() {
		return time.Second
	}
	return 0
}

// soonest is the shortest of some times; 0 stands for none.
func soonest(times ...time.Duration) time.Duration {
	least := time.Duration(0)
	for _, d := range times {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

// leastLeft is how long all of them can be shown without hearing from a device; 0 where none depends on one.
func leastLeft(all []ui.Shown) time.Duration {
	least := time.Duration(0)
	for _, one := range all {
		least = soonest(least, one.Left)
	}
	return least
}

// bySeveral is for barriers that are secured in different ways.
const bySeveral ui.Why = "several"

// inAllBy is what all of them are secured by, where it is the same; at least one is given.
func inAllBy(all []ui.Shown) ui.Why {
	for _, one := range all {
		if one.Why != all[0].Why {
			return bySeveral
		}
	}
	return all[0].Why
}

// clock is a time of day at the home, and clockSeconds the same with seconds.
func (h *household) clock(ctx context.Context, at event.Instant) string {
	return ui.Clock(ctx, at.Time(), h.zone)
}

func (h *household) clockSeconds(ctx context.Context, at event.Instant) string {
	return ui.ClockSeconds(ctx, at.Time(), h.zone)
}

// ago is how long something is past at the moment of the page.
func (h *household) ago(at event.Instant) time.Duration { return max(0, h.now.Sub(at.Time())) }

func count(n int) string { return strconv.Itoa(n) }

package customer

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// homeView is everything on the first page: what is open, what is coming, and how each place stands.
type homeView struct {
	*household
	flash *flash
	// last is the latest opening of any origin; nil before the first.
	last *api.Opening
}

func (p *person) homeView() (homeView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return homeView{}, problem
	}
	v := homeView{household: h, flash: p.flash()}
	out, problem := read(p, p.API.ListOpenings, &api.ListOpeningsInput{Page: api.Page{Limit: 1}})
	if problem == nil && len(out.Body.Openings) > 0 {
		v.last = &out.Body.Openings[0]
	}
	return v, problem
}

// home is the page of U1.
func (p *person) home() {
	v, problem := p.homeView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(v.household, ui.Page{Title: v.title(p), Place: v.Address, Step: "home", Live: "/home/live", Main: homePage(v)})
}

// places all stand on the first page.
func (p *person) places() { http.Redirect(p.w, p.r, "/home/", http.StatusSeeOther) }

// homeLive keeps it true.
func (p *person) homeLive() {
	flash := p.flash()
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.homeView()
		if problem != nil {
			return ui.Frame{}, problem
		}
		v.flash = flash
		return ui.Frame{Title: v.title(p), Place: v.Address, Step: "home", Main: homePage(v), Alarm: v.alarmSaid(), Open: v.busy(),
			Next: soonest(v.next(), v.standing().Left)}, nil
	})
}

// live serves a page's stream: woken by the household's journal, and ended with the session.
func (p *person) live(render func(*person) (ui.Frame, error)) {
	grown, stop := p.Dispatch.Follow(p.member.Site())
	defer stop()
	p.liveBy(grown, render)
}

// liveBy serves a page's stream that is woken by something else.
func (p *person) liveBy(wake <-chan struct{}, render func(*person) (ui.Frame, error)) {
	token := ""
	if c, err := p.r.Cookie(cookieName); err == nil {
		token = c.Value
	}
	p.Kit.Live(p.w, p.r, ui.LiveView{Wake: wake, Who: string(p.member.ID()),
		Render: func(ctx context.Context) (ui.Frame, error) {
			f, err := render(p.during(ctx))
			return f, goneFor(err)
		},
		Again: func(ctx context.Context) error {
			_, err := p.Sessions.Check(ctx, token)
			return err
		}})
}

// goneFor has a page loaded again whose thing is not there any more, or is not this person's.
func goneFor(err error) error {
	var problem *api.Problem
	if errors.As(err, &problem) && (problem.Status == http.StatusNotFound || problem.Status == http.StatusUnauthorized) {
		return ui.ErrGone
	}
	return err
}

// standing is what can be said of the whole household at once.
type standing struct {
	State ui.State
	// Key names the sentence.
	Key string
	// Left is how long it holds without hearing from the devices; 0 where it does not depend on them.
	Left time.Duration
	// Seen is when the part was heard of that was heard of longest ago.
	Seen time.Time
}

// standing takes the worst of all places. Nothing is called shut that is not seen.
func (h *household) standing() standing {
	if len(h.AccessPoints) == 0 {
		return standing{State: ui.Neutral, Key: "home.empty"}
	}
	all := h.enrolled()
	if len(all) == 0 && h.rests() {
		return standing{State: ui.Neutral, Key: "home.resting"}
	}
	worst := standing{State: ui.Unknown, Left: leastLeft(all)}
	if len(all) > 0 && h.waysWhole() {
		worst.State = ui.Secured
	}
	for _, shown := range all {
		if rank(shown.State) > rank(worst.State) {
			worst.State = shown.State
		}
		for _, part := range []ui.Part{shown.Bolt, shown.Contact} {
			if part.Heard && (worst.Seen.IsZero() || part.At.Before(worst.Seen)) {
				worst.Seen = part.At
			}
		}
	}
	worst.Key = "home." + string(worst.State)
	if worst.State == ui.Secured {
		worst.Key += "." + string(cmp.Or(inAllBy(all), "both"))
	}
	return worst
}

// enrolled are the barriers that were worked by hand once and are listened to, as they look now.
func (h *household) enrolled() []ui.Shown {
	var all []ui.Shown
	for _, b := range h.Barriers {
		if b.Enrolled && !b.Resting {
			all = append(all, h.shown(b))
		}
	}
	return all
}

// rests says whether there are cars, and nobody listens to them between visits.
func (h *household) rests() bool {
	return slices.ContainsFunc(h.Barriers, func(b api.Barrier) bool { return b.Enrolled && b.Resting })
}

// waysWhole says whether every barrier of the household's own that a way in leads through is there to be seen.
func (h *household) waysWhole() bool {
	for _, ap := range h.AccessPoints {
		for _, step := range ap.WayIn {
			if b, there := h.barrier(step.Barrier); event.SiteOf(step.Barrier) == h.Site && !(there && b.Enrolled) {
				return false
			}
		}
	}
	return true
}

// placeState is the worst of the barriers on the way to a place.
func (h *household) placeState(ap api.AccessPoint) ui.Shown {
	var worst ui.Shown
	for _, step := range ap.WayIn {
		b, ok := h.barrier(step.Barrier)
		if !ok || b.Resting {
			continue
		}
		if shown := h.shown(b); worst.State == "" || rank(shown.State) > rank(worst.State) {
			worst = shown
		}
	}
	return worst
}

// lastSaid tells of the latest opening: when, which door, by whom.
func (v homeView) lastSaid(ctx context.Context) string {
	return words.T(ctx, "home.last", "time", v.clock(ctx, v.last.At), "door", v.last.Name, "who", v.openedBy(ctx, *v.last))
}

// rank orders states from calm to alarming.
func rank(s ui.State) int {
	return slices.Index([]ui.State{ui.Secured, ui.Neutral, ui.Refused, ui.Unknown, ui.Underway, ui.Open, ui.Alarming}, s)
}

func (v homeView) title(p *person) string { return p.say(v.standing().Key) }

// alarmSaid is what is read out at once: the alarms that stand.
func (v homeView) alarmSaid() string {
	var said []string
	for _, visit := range v.alarms() {
		said = append(said, visit.Alarm.Title)
	}
	return strings.Join(said, ". ")
}

// visiting are the couriers' visits under way, the oldest first.
func (v homeView) visiting() []api.Visit {
	return slices.DeleteFunc(slices.Clone(v.Visits), func(v api.Visit) bool { return v.Rehearsal != "" })
}

// rehearsals are those of members.
func (v homeView) rehearsals() []api.Visit {
	return slices.DeleteFunc(slices.Clone(v.Visits), func(v api.Visit) bool { return v.Rehearsal == "" })
}

// upcoming are the deliveries that no visit serves yet, the earliest first.
func (v homeView) upcoming() []api.HomeDelivery {
	later := slices.DeleteFunc(slices.Clone(v.Deliveries), func(d api.HomeDelivery) bool { _, now := v.underWay(d.Visit); return now })
	slices.SortFunc(later, func(a, b api.HomeDelivery) int { return cmp.Compare(a.Window.From, b.Window.From) })
	return later
}

// unfinished are barriers that still wait to be worked by hand, or that lead to no place.
func (v homeView) unfinished() []api.Barrier {
	return slices.DeleteFunc(slices.Clone(v.Barriers), func(b api.Barrier) bool {
		return b.Borrowed || b.Enrolled && slices.ContainsFunc(v.AccessPoints, func(ap api.AccessPoint) bool { return leadsBy(ap, b.ID) })
	})
}

func leadsBy(ap api.AccessPoint, b event.BarrierID) bool {
	return slices.ContainsFunc(ap.WayIn, func(s event.BarrierRef) bool { return s.Barrier == b })
}

// waiting are the questions of a delivery that were not answered in their round.
func waiting(d api.HomeDelivery) []api.Question {
	last := map[event.Question]api.Question{}
	for _, q := range d.Questions {
		last[q.Question] = q
	}
	var open []api.Question
	for _, q := range d.Questions {
		if one := last[q.Question]; !one.Answered && one.Round == q.Round {
			open = append(open, one)
		}
	}
	return open
}

// firstName is how a courier is called on the household's pages.
func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}

// deliveryPath is where a delivery is followed.
func deliveryPath(id event.DeliveryID) string { return "/home/deliveries/" + string(id) }

// visitPath is where a visit is followed: its first delivery's page, or the rehearsal's.
func visitPath(v api.Visit) string {
	if v.Rehearsal == "" && len(v.Deliveries) > 0 {
		return deliveryPath(v.Deliveries[0].Delivery)
	}
	return "/home/visits/" + string(v.ID)
}

// standingOf is how far a delivery has come that no visit serves yet.
func standingOf(d api.HomeDelivery) stage {
	switch {
	case d.Blocked:
		return stageBlocked
	case !d.Consented:
		return stageUnconsented
	case d.Courier == "":
		return stageUnassigned
	}
	return stageAssigned
}

// served are the deliveries of a visit that have not ended.
func (h *household) served(v api.Visit) []api.HomeDelivery {
	var list []api.HomeDelivery
	for _, one := range v.Deliveries {
		if d, ok := h.coming(one.Delivery); ok {
			list = append(list, d)
		}
	}
	return list
}

// comes says of a visit who comes, and how far they are.
func (h *household) comes(ctx context.Context, v api.Visit) string {
	who := firstName(v.CourierName)
	switch from, to := estimate(v.ETA, h.now); {
	case stepOpen(v) != "":
		return words.T(ctx, keyFor(v.Car != nil, "home.visit.open"), "who", who)
	case v.Arrived != 0:
		return words.T(ctx, "home.visit.arrived", "who", who)
	case from.IsZero():
		return words.T(ctx, "home.visit.underway", "who", who)
	case to.Before(h.now):
		return words.T(ctx, "home.visit.late", "who", who, "time", h.clock(ctx, v.ETA))
	default:
		return words.T(ctx, "home.visit.between", "who", who, "from", ui.Clock(ctx, from, h.zone), "to", ui.Clock(ctx, to, h.zone))
	}
}

// stepOpen is a barrier of the visit that was ordered open and is not secured; "" when there is none.
func stepOpen(v api.Visit) event.BarrierID {
	for _, s := range v.Steps {
		if ordered(s) && s.Secured == 0 {
			return s.Barrier
		}
	}
	return ""
}

// charge is what a device said of its battery, and when; "" where it did not.
func (h *household) charge(ctx context.Context, b api.Barrier) string {
	if b.BatteryAt == 0 {
		return ""
	}
	return words.T(ctx, "battery.is", "n", count(b.Battery), "time", h.clock(ctx, b.BatteryAt))
}

// addKind: adding a place is the thing to do only when nobody is on the way.
func addKind(v homeView) ui.Kind {
	if len(v.visiting()) > 0 {
		return ui.Secondary
	}
	return ui.Primary
}

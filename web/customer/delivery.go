package customer

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// stage is how far a delivery has come; each has its sentence.
type stage string

// Stages of a delivery, in the order in which they come.
const (
	stageUnconsented stage = "unconsented"
	stageUnassigned  stage = "unassigned"
	stageAssigned    stage = "assigned"
	stageUnderway    stage = "underway"
	stageArrived     stage = "arrived"
	stageOpening     stage = "opening"
	stageUnknown     stage = "unknown"
	stageOpen        stage = "open"
	stageAjar        stage = "ajar"
	stageShut        stage = "shut"
	stageUnseen      stage = "unseen"
	stageBetween     stage = "between"
	stageSecured     stage = "secured"
	stageBlocked     stage = "blocked"
	stageDelivered   stage = "delivered"
	stageDiverted    stage = "diverted"
	stageReturned    stage = "returned"
	stageCancelled   stage = "cancelled"
	stageExpired     stage = "expired"
)

// deliveryView is one delivery as its page shows it.
type deliveryView struct {
	*household
	*story
	flash *flash
	// coming is nil once the delivery has ended, and under nil while no visit serves it.
	coming *api.HomeDelivery
	under  *api.Visit
	// asking unfolds the question whether to block; unconfirmed is the key of a block whose answer never came.
	asking      bool
	unconfirmed string
	phone       string
}

// deliveryID is the delivery that the address names, if it can be one of the household's.
func (p *person) deliveryID() (event.DeliveryID, bool) {
	id := event.DeliveryID(p.r.PathValue("delivery"))
	return id, event.CheckID(id, 'd') == nil && event.SiteOf(id) == p.member.Site()
}

// delivery is the page of U2, with U3 in it.
func (p *person) delivery() { p.deliveryWith(http.StatusOK, func(*deliveryView) {}) }

func (p *person) deliveryWith(status int, more func(*deliveryView)) {
	id, ok := p.deliveryID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	v, problem := p.deliveryView(storyOf(id))
	switch {
	case problem != nil:
		p.refuse(problem)
		return
	case !v.known:
		p.Kit.NotFound(p.w, p.r)
		return
	}
	more(v)
	p.show(v.household, ui.Page{Title: v.title(p.ctx()), Place: v.where(), Step: string(v.stage()), Live: v.live(), Here: v.here(),
		Alarm: v.alarmSaid(), Modules: []string{"customer/js/block.mjs", "ui/js/watch.mjs", "customer/js/map.mjs"}, Policy: ui.Policy{Workers: true}, Main: deliveryPage(v), Status: status})
}

// deliveryLive keeps it true. The story is read on from where it was.
func (p *person) deliveryLive() {
	id, ok := p.deliveryID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	told, asking := storyOf(id), p.r.URL.Query().Has("asking")
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.deliveryView(told)
		if problem == nil && !v.known {
			problem = &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
		}
		if problem != nil {
			return ui.Frame{}, problem
		}
		v.asking = asking
		return ui.Frame{Title: v.title(p.ctx()), Place: v.where(), Step: string(v.stage()), Main: deliveryPage(v), Say: v.sentence(p.ctx()), Alarm: v.alarmSaid(),
			Open: v.under != nil, Next: v.nextLook()}, nil
	})
}

// deliveryView brings a story and the household to now.
func (p *person) deliveryView(told *story) (*deliveryView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	if problem := told.readOn(p); problem != nil {
		return nil, problem
	}
	v := h.following(told)
	v.flash, v.phone = p.flash(), p.Phone
	return v, nil
}

// following is the delivery that a story tells of, as it stands in the household.
func (h *household) following(told *story) *deliveryView {
	v := &deliveryView{household: h, story: told}
	if d, ok := h.coming(told.delivery); ok {
		v.coming = &d
	}
	// What stands open after the last delivery has left its visit is still to be seen from here.
	if visit, ok := h.underWay(told.visit); ok && (serves(visit, told.delivery) || len(visit.Deliveries) == 0 && opened(visit)) {
		v.under = &visit
	}
	return v
}

// serves says whether a visit still brings a delivery: one that was blocked, withdrawn or sent back has left it, and the visit may go
// on for others.
func serves(v api.Visit, d event.DeliveryID) bool {
	return slices.ContainsFunc(v.Deliveries, func(one api.VisitDelivery) bool { return one.Delivery == d })
}

// beside are the other deliveries that are being brought by the same way in, or a part of it: whatever becomes of this one,
// what opens may be for them.
func (v *deliveryView) beside() []api.HomeDelivery {
	if v.coming == nil {
		return nil
	}
	ap, _ := v.place(v.coming.AccessPoint)
	var others []api.HomeDelivery
	for _, visit := range v.Visits {
		if slices.ContainsFunc(visit.Steps, func(s api.Step) bool { return leadsBy(ap, s.Barrier) }) {
			others = append(others, v.served(visit)...)
		}
	}
	return slices.DeleteFunc(others, func(d api.HomeDelivery) bool { return d.ID == v.coming.ID || out(d) })
}

// out says whether a delivery is not left where it was to be, whatever opens there.
func out(d api.HomeDelivery) bool { return d.Blocked || d.TooLarge }

// here is the address that shows the page again.
func (v *deliveryView) here() string {
	if v.asking {
		return deliveryPath(v.story.delivery) + "/block"
	}
	return deliveryPath(v.story.delivery)
}

// live is the address of the page's stream, which answers whoever asks for the block as the page does.
func (v *deliveryView) live() string {
	if v.asking {
		return deliveryPath(v.story.delivery) + "/live?asking=1"
	}
	return deliveryPath(v.story.delivery) + "/live"
}

// roundEvery is how often a page looks how far the courier's round has come: other homes' journals don't wake it.
const roundEvery = 20 * time.Second

// nextLook is when the page looks again without being woken: when what it says may be over.
func (v *deliveryView) nextLook() time.Duration {
	round := time.Duration(0)
	if v.coming != nil && v.coming.StopsBefore != nil {
		round = roundEvery
	}
	return soonest(round, v.next(), v.stageLeft())
}

func (v *deliveryView) film() filming { return filming{v.household, v.under, v.story} }

func (v *deliveryView) where() string { return v.placeName(v.booked.AccessPoint) }

// stage is how far the delivery has come, on what is known now.
func (v *deliveryView) stage() stage {
	switch {
	case v.end != nil && v.under == nil:
		return map[event.Kind]stage{event.DeliveryDelivered{}.Kind(): stageDelivered, event.DeliveryDiverted{}.Kind(): stageDiverted,
			event.DeliveryReturned{}.Kind(): stageReturned, event.DeliveryCancelled{}.Kind(): stageCancelled,
			event.DeliveryExpired{}.Kind(): stageExpired}[v.end.Kind]
	case v.under != nil && opened(*v.under):
		return v.stageOpened()
	case v.coming != nil && v.coming.Blocked:
		return stageBlocked
	case v.under != nil && v.under.Arrived != 0:
		return stageArrived
	case v.under != nil:
		return stageUnderway
	case v.coming != nil && !v.coming.Consented:
		return stageUnconsented
	case v.coming != nil && v.coming.Courier == "":
		return stageUnassigned
	}
	return stageAssigned
}

// ordered says whether an order to open a barrier went, and is not known to have come to nothing.
func ordered(s api.Step) bool {
	return s.Asked != nil && (s.Recorded == nil || s.Recorded.Outcome != event.NotDone)
}

// spent says whether nothing can stop the opening of a barrier any more: a one-time code counts from its showing.
func spent(s api.Step) bool {
	return ordered(s) && (s.By == event.PermitRemote || s.Asked.Shown != 0)
}

// opened says whether anything was opened in a visit, or may have been.
func opened(v api.Visit) bool { return slices.ContainsFunc(v.Steps, ordered) }

// stageOpened is the worst of the barriers that were opened.
func (v *deliveryView) stageOpened() stage {
	worst := stageSecured
	order := map[stage]int{stageSecured: 0, stageShut: 1, stageUnseen: 2, stageUnknown: 3, stageOpening: 4, stageOpen: 5, stageAjar: 6}
	for _, s := range v.under.Steps {
		if !ordered(s) {
			continue
		}
		if one := v.stageOf(s); order[one] > order[worst] {
			worst = one
		}
	}
	if last := v.under.Steps[len(v.under.Steps)-1]; worst == stageSecured && !ordered(last) {
		return stageBetween
	}
	return worst
}

func (v *deliveryView) stageOf(s api.Step) stage {
	shown := v.shownStep(s)
	switch {
	case shown.State == ui.Alarming:
		return stageAjar
	case shown.State == ui.Open:
		return stageOpen
	case s.Secured != 0 && shown.State == ui.Secured:
		return stageSecured
	case s.Recorded == nil:
		return stageOpening
	case s.Recorded.Outcome != event.Done:
		return stageUnknown
	case shown.SaidShut():
		return stageShut
	}
	return stageUnseen
}

// opens are the barriers that were opened in the visit, as they look now.
func (v *deliveryView) opens() []ui.Shown {
	var all []ui.Shown
	for _, s := range v.under.Steps {
		if ordered(s) {
			all = append(all, v.shownStep(s))
		}
	}
	return all
}

// stageLeft is how long the stage holds without hearing from the devices; 0 where it does not depend on them.
func (v *deliveryView) stageLeft() time.Duration {
	switch v.stage() {
	case stageOpen, stageAjar, stageShut, stageBetween, stageSecured:
		return leastLeft(v.opens())
	default:
		return 0
	}
}

// state is how the stage looks.
func (v *deliveryView) state() ui.State {
	switch v.stage() {
	case stageOpening, stageUnderway, stageArrived, stageBetween:
		return ui.Underway
	case stageOpen:
		return ui.Open
	case stageAjar:
		return ui.Alarming
	case stageUnknown, stageUnseen, stageShut:
		return ui.Unknown
	case stageSecured:
		return ui.Secured
	case stageBlocked:
		return ui.Refused
	default: // what is only planned, or over
		return ui.Neutral
	}
}

func (v *deliveryView) title(ctx context.Context) string {
	if v.stage() == stageSecured {
		if all := v.opens(); inAllBy(all) != bySeveral {
			return all[0].Word
		}
	}
	return words.T(ctx, keyFor(v.isCar(v.booked.AccessPoint), "u2.title."+string(v.stage())))
}

// sentence says in one breath how the delivery stands; it is read out when it changes.
func (v *deliveryView) sentence(ctx context.Context) string {
	key := "u2.stage." + string(v.stage())
	switch {
	case v.stage() == stageDelivered:
		key += "." + string(v.end.How)
	case v.stage() == stageOpen && v.coming != nil && out(*v.coming):
		key += ".out"
	}
	if v.stage() == stageDiverted {
		return words.T(ctx, key, "to", v.lang.Fallback(v.end.To), "time", v.clock(ctx, v.end.At))
	}
	pairs := []string{"who", v.who(ctx), "place", v.where(), "window", v.window(ctx), "n", count(len(v.booked.Parcels)), "shut", v.seenShut(ctx, v.household)}
	if v.end != nil {
		pairs = append(pairs, "time", v.clock(ctx, v.end.At))
	}
	return words.T(ctx, keyFor(v.isCar(v.booked.AccessPoint), key), pairs...)
}

// who is the courier's first name and whose courier that is.
func (v *deliveryView) who(ctx context.Context) string {
	carrier := string(v.booked.Carrier)
	if v.under != nil && v.under.CourierName != "" {
		return firstName(v.under.CourierName) + ", " + carrier
	}
	if v.coming != nil && v.coming.Courier == "" {
		return carrier
	}
	return words.T(ctx, "u2.courierOf", "carrier", carrier)
}

func (v *deliveryView) window(ctx context.Context) string {
	return ui.Window(ctx, v.booked.Window.From.Time(), v.booked.Window.To.Time(), v.zone)
}

// openSince is when the first barrier was opened that is not secured; 0 when nothing stands open.
func (v *deliveryView) openSince() event.Instant {
	var since event.Instant
	if v.under == nil {
		return 0
	}
	for _, s := range v.under.Steps {
		if s.Recorded != nil && s.Recorded.Opened != 0 && s.Secured == 0 && (since == 0 || s.Recorded.Opened < since) {
			since = s.Recorded.Opened
		}
	}
	return since
}

// estimate is between when and when the courier comes, as honestly as the last word of their phone allows: the
// further off, the wider. Both are 0 without one.
func estimate(eta event.Instant, now time.Time) (from, to time.Time) {
	if eta == 0 {
		return from, to
	}
	at := eta.Time()
	margin := 2*time.Minute + max(0, at.Sub(now))/4
	from, to = at.Add(-margin).Truncate(5*time.Minute), at.Add(margin+5*time.Minute-time.Nanosecond).Truncate(5*time.Minute)
	if from.Before(now) {
		from = now
	}
	return from, to
}

// alarmSaid is what is read out at once: an alarm, and how a block ended.
func (v *deliveryView) alarmSaid() string {
	var said []string
	if v.under != nil && alarming(*v.under) {
		said = append(said, v.under.Alarm.Title+". "+v.under.Alarm.Text)
	}
	if v.block != nil && v.now.Sub(v.block.At.Time()) < time.Minute {
		words := v.blockWords(nil)
		said = append(said, words.Title+". "+words.Text())
	}
	return strings.Join(said, " ")
}

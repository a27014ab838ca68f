package customer

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// historyView is U9: every opening, ours and others', the latest first.
type historyView struct {
	*household
	asked    url.Values
	wrong    []ui.Wrong
	openings []api.Opening
	next     string
	// news is how many came after the page was asked for; they wait behind a link.
	news int
}

// perPage is how many openings a page has.
const perPage = 50

func (p *person) history() {
	v, problem := p.historyView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	live := ""
	if len(v.wrong) == 0 && v.asked.Get("cursor") == "" {
		live = "/home/history/live"
	}
	p.show(v.household, ui.Page{Title: p.titled(p.say("history.title"), v.wrong), Place: v.Address, Live: live, Say: v.found(p.ctx()), Main: historyPage(v)})
}

// historyLive counts what is new; the list itself stays as it was read.
func (p *person) historyLive() {
	var top *event.Instant
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.historyView()
		if problem != nil {
			return ui.Frame{}, problem
		}
		if top == nil {
			newest := v.newest()
			top = &newest
		}
		v.hideAfter(*top)
		return ui.Frame{Title: p.say("history.title"), Place: v.Address, Main: historyPage(v)}, nil
	})
}

func (v *historyView) newest() event.Instant {
	if len(v.openings) == 0 {
		return 0
	}
	return v.openings[0].At
}

func (v *historyView) hideAfter(top event.Instant) {
	for len(v.openings) > 0 && v.openings[0].At > top {
		v.openings, v.news = v.openings[1:], v.news+1
	}
}

func (p *person) historyView() (*historyView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	v := &historyView{household: h, asked: p.r.URL.Query()}
	in := &api.ListOpeningsInput{Page: api.Page{Limit: perPage, Cursor: v.asked.Get("cursor")}, Barrier: event.BarrierID(v.asked.Get("barrier"))}
	if who := api.Opener(v.asked.Get("who")); slices.Contains(openers, who) {
		in.Who = who
	}
	if in.From, v.wrong = v.day(p, "from", 0, v.wrong); len(v.wrong) == 0 {
		in.To, v.wrong = v.day(p, "to", 1, v.wrong)
	}
	if len(v.wrong) > 0 {
		return v, nil
	}
	out, problem := read(p, p.API.ListOpenings, in)
	if problem != nil {
		return nil, problem
	}
	v.openings, v.next = out.Body.Openings, out.Body.Next
	return v, nil
}

// openers are by whom a barrier can have been opened.
var openers = []api.Opener{api.ByCourier, api.ByRehearsal, api.ByOthers, api.ByBorrower}

// day reads a date of the search: its beginning, some days later, in the home's own time.
func (v *historyView) day(p *person, name string, later int, wrong []ui.Wrong) (time.Time, []ui.Wrong) {
	typed := v.asked.Get(name)
	if typed == "" {
		return time.Time{}, wrong
	}
	day, err := time.ParseInLocation(time.DateOnly, typed, v.zone)
	if err != nil {
		return time.Time{}, append(wrong, ui.Wrong{Field: name, Text: p.say("consent.until.wrong")})
	}
	return day.AddDate(0, 0, later), wrong
}

// nothing says why the list is empty, as far as anybody looked: a search ends early where there is much to look through.
func (v *historyView) nothing(ctx context.Context) string {
	switch {
	case v.next != "":
		return words.T(ctx, "history.none.yet")
	case v.searched():
		return words.T(ctx, "history.none")
	}
	return words.T(ctx, "history.empty")
}

// found says how many a search found; it is read out.
func (v *historyView) found(ctx context.Context) string {
	switch {
	case len(v.wrong) > 0:
		return ""
	case len(v.openings) == 0:
		return v.nothing(ctx)
	case v.next != "":
		return words.T(ctx, "history.found.more", "n", count(len(v.openings)))
	}
	return words.T(ctx, "history.found", "n", count(len(v.openings)))
}

// older is the address of the next page of the same search.
func (v *historyView) older() string {
	q := url.Values{}
	for _, name := range []string{"barrier", "who", "from", "to"} {
		if value := v.asked.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	q.Set("cursor", v.next)
	return "/home/history?" + q.Encode()
}

// days are the openings by the day at the home.
func (v *historyView) days() [][]api.Opening {
	var days [][]api.Opening
	last := ""
	for _, o := range v.openings {
		if day := o.At.Time().In(v.zone).Format(time.DateOnly); day != last {
			days, last = append(days, nil), day
		}
		days[len(days)-1] = append(days[len(days)-1], o)
	}
	return days
}

// openedBy says who it was.
func (h *household) openedBy(ctx context.Context, o api.Opening) string {
	switch o.Who {
	case api.ByCourier:
		return words.T(ctx, "history.by.courier", "who", firstName(o.CourierName))
	case api.ByRehearsal:
		return words.T(ctx, "history.by.rehearsal", "who", o.MemberName)
	case api.ByBorrower:
		return words.T(ctx, "history.by.lent")
	default:
		return words.T(ctx, "history.by.foreign")
	}
}

// openingState is how an opening ended, as a state with its word.
func (h *household) openingState(ctx context.Context, o api.Opening) (ui.State, string) {
	switch {
	case o.Who == api.ByOthers:
		return ui.Unknown, words.T(ctx, "history.foreign")
	case o.Who == api.ByBorrower:
		return ui.Neutral, words.T(ctx, "history.lent")
	case o.Outcome == event.NotDone:
		return ui.Neutral, words.T(ctx, "history.not")
	case o.Opened == 0:
		return ui.Unknown, words.T(ctx, "history.unknown")
	case o.Secured != 0:
		return ui.Neutral, words.T(ctx, "history.shut", "time", h.clock(ctx, o.Secured))
	}
	return ui.Open, words.T(ctx, "history.unshut")
}

// receiptView is what stands of one visit.
type receiptView struct {
	*household
	api.HomeVisit
	moments []ui.Moment
}

// visitID is the visit that the address names, if it can be one of the household's.
func (p *person) visitID() (event.VisitID, bool) {
	id := event.VisitID(p.r.PathValue("visit"))
	return id, event.CheckID(id, 'v') == nil && event.SiteOf(id) == p.member.Site()
}

// visit is the receipt of a visit that is over; one under way is shown where it is followed.
func (p *person) visit() {
	v := p.receipt()
	switch {
	case v == nil:
	case v.Visit.Ended == nil && v.Visit.Rehearsal != "":
		http.Redirect(p.w, p.r, rehearsalPath(v.Visit.AccessPoint), http.StatusSeeOther)
	case v.Visit.Ended == nil && len(v.Visit.Deliveries) > 0:
		http.Redirect(p.w, p.r, deliveryPath(v.Visit.Deliveries[0].Delivery), http.StatusSeeOther)
	default:
		p.show(v.household, ui.Page{Title: p.say("receipt.title"), Place: v.placeName(v.Visit.AccessPoint), Modules: []string{"ui/js/print.mjs"}, Main: receiptPage(v)})
	}
}

// receipt reads a visit, or answers for it and returns nil.
func (p *person) receipt() *receiptView {
	id, ok := p.visitID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return nil
	}
	h, problem := p.household()
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	out, problem := read(p, p.API.GetHomeVisit, &api.VisitPath{Visit: id})
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	v := &receiptView{household: h, HomeVisit: out.Body}
	for _, told := range slices.Backward(out.Body.Events) {
		e, err := eventOf(told)
		if err != nil {
			p.refuse(p.unreadable(err))
			return nil
		}
		if !quiet(e.Body) {
			v.moments = append(v.moments, ui.Moment{At: h.clockSeconds(p.ctx(), e.At), Text: told.Text, State: look(e.Body)})
		}
	}
	return v
}

// receiptFile is the same for a program: everything that this server has of the visit.
func (p *person) receiptFile() {
	v := p.receipt()
	if v == nil {
		return
	}
	p.w.Header().Set("Content-Type", "application/json")
	p.w.Header().Set("Content-Disposition", `attachment; filename="`+string(v.Visit.ID)+`.json"`)
	enc := json.NewEncoder(p.w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v.HomeVisit); err != nil {
		p.Log.Debug("a reader went away", "error", err)
	}
}

// visitor is who came: the courier's first name, or the member who rehearsed.
func (v *receiptView) visitor(ctx context.Context) string {
	if v.Visit.Rehearsal != "" {
		return words.T(ctx, "history.by.rehearsal", "who", v.memberName(string(v.Visit.Rehearsal)))
	}
	return firstName(v.Visit.CourierName)
}

// gradeSaid says how well what a device says is authenticated.
func gradeSaid(ctx context.Context, g event.Grade) string {
	if g == event.GradeProven {
		return words.T(ctx, "grade.proven")
	}
	return words.T(ctx, "grade.reported")
}

// rehearsalPath is where the way in of a place is rehearsed.
func rehearsalPath(ap event.AccessPointID) string { return "/home/places/" + string(ap) + "/rehearsal" }

// searched says whether the list is only a part of all.
func (v *historyView) searched() bool {
	return slices.ContainsFunc([]string{"barrier", "who", "from", "to"}, func(name string) bool { return v.asked.Get(name) != "" })
}

func (v *historyView) barrierOptions(ctx context.Context) []ui.Option {
	options := []ui.Option{{Text: words.T(ctx, "history.all")}}
	for _, b := range v.Barriers {
		options = append(options, ui.Option{Value: string(b.ID), Text: v.doorName(b), Checked: v.asked.Get("barrier") == string(b.ID)})
	}
	return options
}

func (v *historyView) whoOptions(ctx context.Context) []ui.Option {
	options := []ui.Option{{Text: words.T(ctx, "history.anybody")}}
	for _, who := range openers {
		options = append(options, ui.Option{Value: string(who), Text: words.T(ctx, "history.who."+string(who)), Checked: v.asked.Get("who") == string(who)})
	}
	return options
}

// timeOnly is a time of day where the day is said already.
func (h *household) timeOnly(at event.Instant) string { return at.Time().In(h.zone).Format("15:04") }

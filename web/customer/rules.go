package customer

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// rulesView is U8: what holds, read back, and the forms that change it.
type rulesView struct {
	*household
	flash *flash
	// entered are the rules as somebody typed them; those that stand, when nobody did.
	entered api.Rules
	typed   url.Values
	wrong   []ui.Wrong
	// changed is who else changed the rules after this page was asked for; zero when nobody did.
	changed change
	// given is by whom each consent was given.
	given map[event.ConsentID]change
}

func (p *person) rules() {
	v, problem := p.rulesView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showRules(v, http.StatusOK)
}

func (p *person) showRules(v *rulesView, status int) {
	p.show(v.household, ui.Page{Title: p.titled(p.say("rules.title"), v.wrong), Place: v.Address, Step: "rules", Status: status,
		Live: "/home/rules/live", Still: len(v.wrong) > 0, Here: "/home/rules", Main: rulesPage(v)})
}

// titled marks the title of a form that was refused.
func (p *person) titled(title string, wrong []ui.Wrong) string {
	if len(wrong) > 0 {
		return p.say("form.error", "title", title)
	}
	return title
}

// rulesLive tells when another member changes what this page shows. Which rules it began with is not in the stream's address:
// with another address the page would be loaded as a whole, and what is being typed there be lost.
func (p *person) rulesLive() {
	began := ""
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.rulesView()
		if problem != nil {
			return ui.Frame{}, problem
		}
		if began, v.changed, problem = p.changedSince(cmp.Or(began, v.Rules.Tag), v); problem != nil {
			return ui.Frame{}, problem
		}
		said := ""
		if v.changed.At != 0 {
			said = v.changed.said(p.ctx(), v.household)
		}
		return ui.Frame{Title: p.say("rules.title"), Place: v.Address, Step: "rules", Main: rulesPage(v), Say: said}, nil
	})
}

// changedSince is who changed the rules that a page began with, zero when nobody else did, and which rules it goes on from:
// those that this member saved are no news.
func (p *person) changedSince(began string, v *rulesView) (from string, last change, problem *api.Problem) {
	if v.Rules.Tag == began {
		return began, change{}, nil
	}
	if last, problem = p.lastChange(v.household); problem != nil || last.By != p.member.Actor() {
		return began, last, problem
	}
	return v.Rules.Tag, change{}, nil
}

func (p *person) rulesView() (*rulesView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	v := &rulesView{household: h, flash: p.flash(), entered: h.Rules, given: map[event.ConsentID]change{}}
	for _, c := range h.Consents {
		if v.given[c.ID], problem = p.givenBy(c.ID); problem != nil {
			return nil, problem
		}
	}
	return v, nil
}

// givenBy reads from the journal who gave a consent, and when.
func (p *person) givenBy(id event.ConsentID) (change, *api.Problem) {
	events, problem := p.eventsAfter(before(event.SeqOf(id)), 1)
	for _, e := range events {
		if b, ok := e.Body.(event.ConsentGiven); ok {
			return change{b.By, e.At}, nil
		}
	}
	return change{}, problem
}

// eventsAfter reads a portion of the journal.
func (p *person) eventsAfter(seq uint64, most int) ([]event.Event, *api.Problem) {
	out, problem := read(p, p.API.GetHomeJournal, &api.GetHomeJournalInput{After: api.After{After: seq, Limit: most}})
	if problem != nil {
		return nil, problem
	}
	var events []event.Event
	for _, told := range out.Body.Events {
		e, err := eventOf(told)
		if err != nil {
			return nil, p.unreadable(err)
		}
		events = append(events, e)
	}
	return events, nil
}

// lastChange finds who changed the rules last, from the journal's end on.
func (p *person) lastChange(h *household) (change, *api.Problem) {
	for end := h.Seq; end > 0; {
		begin := end - min(end, portion)
		events, problem := p.eventsAfter(begin, portion)
		if problem != nil {
			return change{}, problem
		}
		for _, e := range slices.Backward(events) {
			if b, ok := e.Body.(event.RulesSet); ok {
				return change{b.By, e.At}, nil
			}
		}
		end = begin
	}
	return change{}, nil
}

// setRules saves what the form says. What is not in this form stays as it is.
func (p *person) setRules() {
	v, problem := p.rulesView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.entered, v.wrong = p.enteredRules(v.Rules)
	if len(v.wrong) > 0 {
		v.typed = p.r.PostForm
		p.showRules(v, http.StatusUnprocessableEntity)
		return
	}
	p.saveRules(v, "rules")
}

// saveRules has the rules set, unless somebody else changed them since the form was shown.
func (p *person) saveRules(v *rulesView, flash string) {
	v.entered.Tag = p.r.PostFormValue("tag")
	_, problem := do(p, p.API.SetRules, &api.SetRulesInput{Body: v.entered})
	switch {
	case problem == nil:
		p.done("/home/rules", flash)
	case problem.Code == "changed-meanwhile":
		if v.changed, problem = p.lastChange(v.household); problem != nil {
			p.refuse(problem)
			return
		}
		v.wrong = []ui.Wrong{{Text: v.changed.said(p.ctx(), v.household) + " " + p.say("rules.changed.yours")}}
		p.showRules(v, http.StatusConflict)
	case problem.Status == http.StatusUnprocessableEntity:
		v.wrong = []ui.Wrong{{Text: p.say("trouble.invalid.title")}}
		p.showRules(v, http.StatusUnprocessableEntity)
	default:
		p.undone("/home/rules", problem)
	}
}

// enteredRules reads the form.
func (p *person) enteredRules(r api.Rules) (api.Rules, []ui.Wrong) {
	var wrong []ui.Wrong
	on := func(name string) bool { return slices.Contains(p.r.PostForm["on"], name) }
	_ = p.r.PostFormValue("tag") // parses the form
	r.Camera, r.Operator, r.AskPets, r.AskAlarm, r.Watch = on("camera"), on("operator"), on("pets"), on("alarm"), on("watch")
	if slices.Contains(p.r.PostForm["offered"], "watchCars") {
		r.WatchCars = on("watchCars")
	}
	minutes, ok := p.number("dwell", 1, 60)
	if r.DwellSeconds = minutes * 60; !ok {
		wrong = append(wrong, ui.Wrong{Field: "dwell", Text: p.say("rules.dwell.wrong")})
	}
	if r.KeepClips, ok = p.number("keep", 1, 30); !ok {
		wrong = append(wrong, ui.Wrong{Field: "keep", Text: p.say("rules.keep.wrong")})
	}
	return r, wrong
}

// watchOptions are what is watched between visits; cars only where there are some, or they are watched.
func (v *rulesView) watchOptions(ctx context.Context) []ui.Option {
	options := []ui.Option{{Value: "watch", Text: words.T(ctx, "rules.watch"), Hint: words.T(ctx, "rules.watch.hint"), Checked: v.entered.Watch}}
	if v.cars() {
		options = append(options, ui.Option{Value: "watchCars", Text: words.T(ctx, "rules.watchCars"), Hint: words.T(ctx, "rules.watchCars.hint"), Checked: v.entered.WatchCars})
	}
	return options
}

// cars says whether a rule about cars can be set.
func (v *rulesView) cars() bool {
	return v.Rules.WatchCars || v.hasCar()
}

// number reads a field with a number between two; a decimal comma is one too.
func (p *person) number(name string, least, most float64) (float64, bool) {
	typed := strings.TrimSpace(strings.ReplaceAll(p.r.PostFormValue(name), ",", "."))
	v, err := strconv.ParseFloat(typed, 64)
	if err != nil || math.IsNaN(v) || v < least || v > most {
		return 0, false
	}
	return v, true
}

// planB changes the order of plan B: one step added, moved or removed.
func (p *person) planB() {
	v, problem := p.rulesView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	steps := slices.Clone(v.Rules.PlanB)
	i, err := strconv.Atoi(p.r.PostFormValue("step"))
	there := err == nil && i >= 0 && i < len(steps)
	switch what := p.r.PostFormValue("do"); {
	case what == "add":
		byDefault := len(steps) == 0 && v.hasCar()
		if steps, v.wrong = p.addFallback(v.household, steps); byDefault && len(steps) == 1 {
			steps = besideReference(steps[0])
		}
	case what == "up" && there && i > 0:
		steps[i-1], steps[i] = steps[i], steps[i-1]
	case what == "down" && there && i < len(steps)-1:
		steps[i+1], steps[i] = steps[i], steps[i+1]
	case what == "remove" && there:
		steps = slices.Delete(steps, i, i+1)
	}
	if len(v.wrong) > 0 {
		v.typed = p.r.PostForm
		p.showRules(v, http.StatusUnprocessableEntity)
		return
	}
	v.entered = v.Rules
	v.entered.PlanB = steps
	p.saveRules(v, "planB")
}

// besideReference is the order of plan B once the first step was added to what holds for a car by itself: a place comes before
// its reference address, such as the cabin for what does not fit into the trunk, and everything else after it.
func besideReference(f api.Fallback) []api.Fallback {
	reference := api.Fallback{Kind: event.FallbackReference}
	switch f.Kind {
	case event.FallbackReference:
		return []api.Fallback{f}
	case event.FallbackAccessPoint:
		return []api.Fallback{f, reference}
	default:
		return []api.Fallback{reference, f}
	}
}

// mostPlanB is how many steps there can be.
const mostPlanB = 8

func (p *person) addFallback(h *household, steps []api.Fallback) ([]api.Fallback, []ui.Wrong) {
	kind, place, _ := strings.Cut(p.r.PostFormValue("kind"), "/")
	f := api.Fallback{Kind: event.FallbackKind(kind), AccessPoint: event.AccessPointID(place)}
	who := strings.TrimSpace(p.r.PostFormValue("who"))
	if f.Kind == event.FallbackNeighbour {
		f.Who = who
	}
	_, known := h.place(f.AccessPoint)
	switch {
	case len(steps) >= mostPlanB:
		return steps, []ui.Wrong{{Field: "kind", Text: p.say("rules.planB.full")}}
	case f.Kind == event.FallbackNeighbour && who == "":
		return steps, []ui.Wrong{{Field: "who", Text: p.say("rules.planB.who.wrong")}}
	case len([]rune(who)) > 100:
		return steps, []ui.Wrong{{Field: "who", Text: p.say("form.long", "n", "100")}}
	case f.Kind == event.FallbackAccessPoint && !known,
		!slices.Contains([]event.FallbackKind{event.FallbackNeighbour, event.FallbackReference, event.FallbackOutside, event.FallbackDepot, event.FallbackAccessPoint}, f.Kind):
		return steps, []ui.Wrong{{Field: "kind", Text: p.say("form.choose")}}
	}
	return append(steps, f), nil
}

// wrongIn is what is wrong with a field.
func wrongIn(wrong []ui.Wrong, field string) string {
	one, _ := found(wrong, func(w ui.Wrong) bool { return w.Field == field })
	return one.Text
}

// keepValue and dwellValue are the two numbers as they stand in their fields.
func (v *rulesView) keepValue() string {
	switch {
	case v.typed.Has("keep"):
		return v.typed.Get("keep")
	case v.entered.KeepClips == 0:
		return "7"
	}
	return decimalOf(v.entered.KeepClips)
}

func (v *rulesView) dwellValue() string {
	if v.typed.Has("dwell") {
		return v.typed.Get("dwell")
	}
	return decimalOf(v.entered.DwellSeconds / 60)
}

func (h *household) consentsFor(ap event.AccessPointID) []api.Consent {
	return slices.DeleteFunc(slices.Clone(h.Consents), func(c api.Consent) bool { return c.AccessPoint != ap })
}

// fallbackOptions are the kinds of plan B that there are here.
func (h *household) fallbackOptions(ctx context.Context) []ui.Option {
	options := []ui.Option{{Value: string(event.FallbackNeighbour), Text: h.lang.Fallback(event.FallbackNeighbour), Checked: true}}
	for _, ap := range h.AccessPoints {
		options = append(options, ui.Option{Value: string(event.FallbackAccessPoint) + "/" + string(ap.ID), Text: h.fallbackPlace(ctx, ap.ID)})
	}
	if h.hasCar() {
		options = append(options, ui.Option{Value: string(event.FallbackReference), Text: h.lang.Fallback(event.FallbackReference)})
	}
	return append(options, ui.Option{Value: string(event.FallbackOutside), Text: words.T(ctx, "rules.planB.outside")},
		ui.Option{Value: string(event.FallbackDepot), Text: h.lang.Fallback(event.FallbackDepot)})
}

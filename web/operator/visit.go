package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// visitView is one visit, with its alarm if it has or had one.
type visitView struct {
	*person
	visitRow
	flash *flash
	// course is how its alarms went, from the journal.
	course []moment
	// cause is what they came from, once somebody said; asked whether somebody may say so now.
	cause *api.AlarmCause
	asked bool
}

// moment is one step of an alarm's course.
type moment struct {
	at   event.Instant
	text string
	// climbed is the level that was reached, 0 for anything else.
	climbed event.AlarmLevel
	state   ui.State
	// ended says that the alarm is over.
	ended bool
}

func (p *person) visitID() event.VisitID { return event.VisitID(p.r.PathValue("visit")) }

// visit is the page of one visit: O2 while an alarm stands in it.
func (p *person) visit() {
	v, problem := p.visitView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	one := ui.Page{Title: v.title(), Place: v.where(p.ctx()), Step: "visit", Live: visitPath(v.ID) + "/live", Here: visitPath(v.ID), Main: visitPage(v)}
	if v.toWatch() {
		one.Here, one.Modules, one.Policy = watchPath(v.ID), []string{"ui/js/watch.mjs"}, ui.Policy{Workers: true}
	}
	p.show(one)
}

func (p *person) visitLive() {
	var aloud herald
	p.liveAt(event.SiteOf(p.visitID()), func(p *person) (ui.Frame, error) {
		v, problem := p.visitView()
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		f := ui.Frame{Title: v.title(), Place: v.where(p.ctx()), Step: "visit", Main: visitPage(v), Open: v.Ended == nil}
		if v.Ended == nil {
			f.Next = 5 * time.Second
		}
		f.Alarm = aloud.says(p.ctx(), []visitRow{v.visitRow})
		return f, nil
	})
}

func (p *person) visitView() (*visitView, *api.Problem) {
	out, problem := read(p, p.API.GetBoardVisit, &api.GetBoardVisitInput{Visit: p.visitID()})
	if problem != nil {
		return nil, problem
	}
	v := &visitView{person: p, visitRow: p.row(out.Body), flash: p.flash()}
	if problem := v.readCourse(); problem != nil {
		return nil, problem
	}
	v.asked = v.Alarm == nil && len(v.course) > 0 && p.dispatches()
	if v.asked {
		said, problem := read(p, p.API.GetAlarmCause, &api.VisitPath{Visit: v.ID})
		if problem != nil && problem.Status != http.StatusNotFound {
			return nil, problem
		}
		if problem == nil {
			v.cause = &said.Body
		}
	}
	return v, nil
}

// readCourse reads from the journal how the visit's alarms went.
func (v *visitView) readCourse() *api.Problem {
	const portion = 500
	in := &api.GetJournalInput{SitePath: api.SitePath{Site: v.Site}, After: api.After{After: event.SeqOf(v.ID) - 1, Limit: portion}}
	for {
		out, problem := read(v.person, v.API.GetJournal, in)
		if problem != nil {
			return problem
		}
		for _, e := range out.Body.Events {
			in.After.After = e.Seq
			if m, ok := v.momentOf(e); ok {
				v.course = append(v.course, m)
			}
			var over event.VisitEnded
			if e.Kind == over.Kind() && json.Unmarshal(e.Body, &over) == nil && over.Visit == v.ID {
				v.endCourse(e.At, over.How)
				return nil
			}
		}
		if len(out.Body.Events) < portion {
			return nil
		}
	}
}

// endCourse is how an alarm ends that still stood when its visit did: with it.
func (v *visitView) endCourse(at event.Instant, how event.VisitEnd) {
	if n := len(v.course); n == 0 || v.course[n-1].ended {
		return
	}
	m := moment{at: at, text: v.say("course.visitEnded", "how", v.lang().End(how).Title), state: ui.Neutral, ended: true}
	if how == event.EndSecured {
		m.state = ui.Secured
	}
	v.course = append(v.course, m)
}

// momentOf is an event of the visit's alarms.
func (v *visitView) momentOf(e api.JournalEvent) (moment, bool) {
	switch e.Kind {
	case event.AlarmRaised{}.Kind():
		var b event.AlarmRaised
		if json.Unmarshal(e.Body, &b) == nil && b.Visit == v.ID {
			what := v.lang().AlarmAt(v.kindOf(b.Barrier), b.Reason, nil).Title
			return moment{at: e.At, text: v.say("course.level."+strconv.Itoa(int(b.Level)), "what", what), climbed: b.Level, state: ui.Alarming}, true
		}
	case event.AlarmAcknowledged{}.Kind():
		var b event.AlarmAcknowledged
		if json.Unmarshal(e.Body, &b) == nil && b.Visit == v.ID {
			return moment{at: e.At, text: v.say("course.owned", "who", v.nameOf(b.By.ID)), state: ui.Neutral}, true
		}
	case event.AlarmEnded{}.Kind():
		var b event.AlarmEnded
		if json.Unmarshal(e.Body, &b) == nil && b.Visit == v.ID {
			return moment{at: e.At, text: v.say("course.ended"), state: ui.Neutral, ended: true}, true
		}
	}
	return moment{}, false
}

// kindOf is what a barrier of the visit is; "" for any other.
func (v *visitView) kindOf(id event.BarrierID) event.BarrierKind {
	for _, p := range v.Steps {
		if p.Barrier == id {
			return p.Is
		}
	}
	return ""
}

// title is the state of the visit.
func (v *visitView) title() string {
	switch {
	case v.Alarm != nil:
		return v.Alarm.Title
	case v.Ended != nil:
		return v.Ended.Title
	default:
		return v.say("phase." + string(v.Phase))
	}
}

// timeline is the course, the latest first.
func (v *visitView) timeline(ctx context.Context) []ui.Moment {
	var all []ui.Moment
	for _, m := range slices.Backward(v.course) {
		all = append(all, ui.Moment{At: clockSeconds(ctx, m.at, v.zone), Text: m.text, State: m.state})
	}
	return all
}

// guideSteps is the most steps that any guide has.
const guideSteps = 6

// guide is what to do about the alarm, in order: to take it, the steps of its reason, and what ends it.
func (v *visitView) guide() []ui.Step {
	owned := v.Alarm.Acknowledged != nil
	steps := []ui.Step{{Text: v.say("guide.own"), State: ui.StepNow}}
	if owned {
		steps[0].State = ui.StepDone
	}
	for n := 1; n <= guideSteps; n++ {
		key := v.guideKey(n)
		if !words.Has(key) {
			break
		}
		step := ui.Step{Text: v.say(key), State: ui.StepLater}
		if owned && n == 1 {
			step.State = ui.StepNow
		}
		steps = append(steps, step)
	}
	return append(steps, ui.Step{Text: v.say("guide.end"), State: ui.StepLater})
}

// guideKey names a step of the guide: a car's is its own, where it is no house's.
func (v *visitView) guideKey(n int) string {
	step := string(v.Alarm.Reason) + "." + strconv.Itoa(n)
	if car := "guide.car." + step; v.focus != nil && (v.focus.Is == event.Trunk || v.focus.Is == event.Cabin) && words.Has(car) {
		return car
	}
	return "guide." + step
}

// told says how far the alarm has climbed.
func (v *visitView) told(ctx context.Context) []ui.Step {
	var steps []ui.Step
	for level := event.AlarmCourier; level <= event.AlarmOperator; level++ {
		step := ui.Step{Text: words.T(ctx, "told."+strconv.Itoa(int(level))), State: ui.StepLater}
		if v.Alarm.Level >= level {
			step.State = ui.StepDone
		}
		for _, m := range v.course {
			if m.climbed >= level && m.at >= v.Alarm.Since {
				step.Note = clockSeconds(ctx, m.at, v.zone)
				break
			}
		}
		steps = append(steps, step)
	}
	return steps
}

// causes are what an alarm can have come from.
var causes = []api.Cause{api.CauseNotPulled, api.CauseStuck, api.CauseReopened, api.CauseSilent, api.CauseWrong, api.CauseCamera, api.CauseDanger,
	api.CauseHousehold, api.CauseExercise, api.CauseOther}

func (v *visitView) causeChoice(ctx context.Context) ui.Choice {
	c := ui.Choice{Name: "cause", Label: words.T(ctx, "cause.label")}
	for _, one := range causes {
		c.Options = append(c.Options, ui.Option{Value: string(one), Text: words.T(ctx, "cause."+string(one)), Checked: v.cause != nil && v.cause.Cause == one})
	}
	return c
}

func (v *visitView) note() string {
	if v.cause == nil {
		return ""
	}
	return v.cause.Note
}

// barriers are the whole way in, as it stands.
func (v *visitView) barriers() []ui.Shown {
	var all []ui.Shown
	for _, s := range v.Steps {
		all = append(all, shownOf(v.person, s, v.zone))
	}
	return all
}

// acknowledge takes an alarm in hand, or says who was first.
func (p *person) acknowledge() {
	id := p.visitID()
	back := cmp.Or(auth.OwnPath(p.r.PostFormValue("back")), visitPath(id))
	out, problem := do(p, p.API.AcknowledgeAlarm, &api.NothingInput{VisitPath: api.VisitPath{Visit: id}})
	switch {
	case problem != nil:
		p.undone(back, problem)
	case out.Body.Yours:
		p.done(back, "acknowledged")
	default:
		p.done(back, "owned", "who", p.nameOf(out.Body.Alarm.Acknowledged.By))
	}
}

// closeAlarm says what an alarm came from.
func (p *person) closeAlarm() {
	in := &api.CloseAlarmInput{VisitPath: api.VisitPath{Visit: p.visitID()},
		Body: api.CauseRequest{Cause: api.Cause(p.r.PostFormValue("cause")), Note: p.r.PostFormValue("note")}}
	if _, problem := do(p, p.API.CloseAlarm, in); problem != nil {
		p.undone(visitPath(in.Visit), problem)
		return
	}
	p.done(visitPath(in.Visit), "cause")
}

// presence says who is at the door, as far as that is known.
func presence(ctx context.Context, r visitRow) string {
	key := "presence.coming"
	switch {
	case r.TakenOver != "":
		key = "presence.household"
	case r.Danger:
		key = "presence.left"
	case r.Arrived != 0 || r.Opened != 0:
		key = "presence.there"
	}
	return words.T(ctx, key, "who", r.who(ctx))
}

func acknowledgeKind(first bool) ui.Kind {
	if first {
		return ui.Primary
	}
	return ui.Secondary
}

func levelKey(l event.AlarmLevel) string { return strconv.Itoa(int(l)) }

func deliveryPath(id event.DeliveryID) string { return "/operator/deliveries/" + string(id) }

// attributes puts a map's entries in order.
func attributes(of map[string]string) templ.OrderedAttributes {
	var list templ.OrderedAttributes
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, templ.KeyValue[string, any]{Key: name, Value: of[name]})
	}
	return list
}

func pictureAge(r visitRow) time.Duration { return max(0, r.now.Sub(r.Picture.At.Time())) }

// pictureFresh is the age up to which the last picture is taken for now.
func pictureFresh(r visitRow) time.Duration { return pictureAge(r) + r.Picture.FreshFor.Duration() }

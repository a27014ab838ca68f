package customer

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// rehearsalView is U7: the way in, tried with one's own hands and ticked by the devices.
type rehearsalView struct {
	*household
	place api.AccessPoint
	flash *flash
	// under is the rehearsal under way; nil before and after. told is what the journal tells of it, or of the last one.
	under *api.Visit
	told  *story
	// refused is why it could not go on; code what the keypad of the barrier coded takes.
	refused *api.Refusal
	code    string
	coded   event.BarrierID
}

// rehearsal is the page of a place's rehearsal: before, during, and after the one that the address names.
func (p *person) rehearsal() {
	v, problem := p.rehearsalView(nil)
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.showRehearsal(v, http.StatusOK)
}

func (p *person) showRehearsal(v *rehearsalView, status int) {
	live := rehearsalPath(v.place.ID) + "/live"
	p.show(v.household, ui.Page{Title: p.say("u7.title." + v.stage()), Place: v.placeName(v.place.ID), Step: v.stage(), Status: status, Live: live,
		Here: v.here(), Modules: []string{"ui/js/watch.mjs"}, Policy: ui.Policy{Workers: true}, Main: rehearsalPage(v)})
}

func (v *rehearsalView) here() string {
	if v.told == nil {
		return rehearsalPath(v.place.ID)
	}
	return rehearsalPath(v.place.ID) + "?visit=" + string(v.told.visit)
}

func (p *person) rehearsalLive() {
	var told *story
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.rehearsalView(told)
		if problem != nil {
			return ui.Frame{}, problem
		}
		told = v.told
		return ui.Frame{Title: p.say("u7.title." + v.stage()), Place: v.placeName(v.place.ID), Step: v.stage(), Main: rehearsalPage(v), Say: v.heard(p.ctx()),
			Open: true, Next: v.next()}, nil
	})
}

// rehearsalView brings the page to now. known is a story that was read before.
func (p *person) rehearsalView(known *story) (*rehearsalView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	ap, ok := h.place(event.AccessPointID(p.r.PathValue("place")))
	if !ok {
		return nil, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
	}
	v := &rehearsalView{household: h, place: ap, flash: p.flash(), told: known}
	visit := event.VisitID(p.r.URL.Query().Get("visit"))
	if under, ok := found(h.Visits, func(v api.Visit) bool { return v.Rehearsal == p.member.ID() && v.AccessPoint == ap.ID }); ok {
		v.under, visit = &under, under.ID
	}
	if known := event.CheckID(visit, 'v') == nil; !known || event.SiteOf(visit) != p.member.Site() {
		return v, nil
	}
	if v.told == nil || v.told.visit != visit {
		v.told = visitStory(visit)
	}
	if problem := v.told.readOn(p); problem != nil {
		return nil, problem
	}
	if v.told.begun.AccessPoint != ap.ID || v.told.begun.Member == "" {
		v.told = nil // another's, or none
	}
	return v, nil
}

// stage is how far the rehearsal has come.
func (v *rehearsalView) stage() string {
	switch {
	case v.under != nil:
		return "now"
	case v.told == nil:
		return "before"
	case v.told.end != nil && v.told.end.How == event.EndSecured:
		return "ready"
	}
	return "over"
}

// begins says whether a rehearsal can begin: only a barrier of one's own, worked by hand, shows that somebody is there.
func (v *rehearsalView) begins() bool {
	return slices.ContainsFunc(v.place.WayIn, func(step event.BarrierRef) bool {
		b, ok := v.household.barrier(step.Barrier)
		return ok && !b.Borrowed
	})
}

// begin opens the first barrier of the way in, for a member who is there.
func (p *person) begin() {
	id := event.AccessPointID(p.r.PathValue("place"))
	out, problem := do(p, p.API.Rehearse, &api.RehearseInput{AccessPointPath: api.AccessPointPath{AccessPoint: id}})
	switch {
	case problem != nil:
		p.undone(rehearsalPath(id), problem)
	case out.Body.Refused != nil && out.Body.Refused.Code == event.CameraProving:
		http.Redirect(p.w, p.r, rehearsalPath(id), http.StatusSeeOther) // it has begun, and waits there for its picture
	case out.Body.Refused != nil:
		p.rehearsalRefused(out.Body.Refused)
	default:
		http.Redirect(p.w, p.r, rehearsalPath(id)+"?visit="+string(out.Body.Visit.ID), http.StatusSeeOther)
	}
}

func (p *person) rehearsalRefused(why *api.Refusal) {
	v, problem := p.rehearsalView(nil)
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.refused = why
	p.showRehearsal(v, http.StatusConflict)
}

// inRehearsal carries out a tap in the rehearsal that is under way.
func (p *person) inRehearsal(carry func(event.VisitID) (*api.AnswerOutput, *api.Problem)) {
	v, problem := p.rehearsalView(nil)
	switch {
	case problem != nil:
		p.refuse(problem)
		return
	case v.under == nil:
		p.goTo(rehearsalPath(v.place.ID), "not", "conflict")
		return
	}
	out, problem := carry(v.under.ID)
	switch {
	case problem != nil:
		p.undone(v.here(), problem)
	case out.Body.Refused != nil:
		p.rehearsalRefused(out.Body.Refused)
	case out.Body.Code != "":
		v.code, v.coded = out.Body.Code, p.tap().Barrier
		p.showRehearsal(v, http.StatusOK)
	default:
		http.Redirect(p.w, p.r, v.here(), http.StatusSeeOther)
	}
}

func (p *person) tap() api.BarrierTap {
	return api.BarrierTap{Barrier: event.BarrierID(p.r.PostFormValue("barrier"))}
}

// openNext opens the next barrier further in.
func (p *person) openNext() {
	p.inRehearsal(func(v event.VisitID) (*api.AnswerOutput, *api.Problem) {
		return do(p, p.API.OpenInRehearsal, &api.OpenInRehearsalInput{VisitPath: api.VisitPath{Visit: v}, Body: p.tap()})
	})
}

// showCode shows the one-time code of a keypad.
func (p *person) showCode() {
	p.inRehearsal(func(v event.VisitID) (*api.AnswerOutput, *api.Problem) {
		return do(p, p.API.CodeInRehearsal, &api.OpenInRehearsalInput{VisitPath: api.VisitPath{Visit: v}, Body: p.tap()})
	})
}

// closeAll says that everything is to be shut.
func (p *person) closeAll() {
	p.inRehearsal(func(v event.VisitID) (*api.AnswerOutput, *api.Problem) {
		return do(p, p.API.CloseAtHome, &api.NothingInput{VisitPath: api.VisitPath{Visit: v}})
	})
}

// trial is one barrier's part of a rehearsal: each step as its device ticked it.
type trial struct {
	barrier event.BarrierID
	name    string
	steps   []ui.Step
	// worst is the longest that the device took for what it does by itself.
	worst time.Duration
	// ordered and open say how far it is; secured that it was proven shut.
	ordered, shut, secured bool
	ajar                   bool
}

// trials are those of the way in, from the street inwards.
func (v *rehearsalView) trials(ctx context.Context) []trial {
	var all []trial
	for _, step := range v.place.WayIn {
		b, _ := v.household.barrier(step.Barrier)
		all = append(all, v.trial(ctx, b, step))
	}
	return all
}

// trial puts one barrier's times into steps.
func (v *rehearsalView) trial(ctx context.Context, b api.Barrier, step event.BarrierRef) trial {
	t := trial{barrier: step.Barrier, name: v.barrierName(step.Barrier)}
	var o opening
	if v.told != nil {
		o = v.told.opened[step.Barrier]
	}
	t.ordered, t.secured, t.shut = o.Ordered != 0, o.Secured != 0, o.Shut != 0 || !b.Seen.Closure.Contact && o.Opened != 0
	t.ajar = t.ordered && v.shown(b).Why == ui.WhyAjar
	times := []event.Instant{o.Ordered, o.Opened}
	names := []string{"u7.opens"}
	if b.Seen.Closure.Contact {
		times, names = append(times, o.Wide, o.Shut), append(names, "u7.youOpen", "u7.youClose")
	}
	times, names = append(times, o.Secured), append(names, lastStep(b))
	done := true
	for i, name := range names {
		from, at := times[i], times[i+1]
		one := ui.Step{Text: words.T(ctx, name), State: ui.StepLater}
		switch {
		case at != 0 && at >= o.Ordered && t.ordered:
			one.State, one.Note = ui.StepDone, words.T(ctx, "u7.took", "n", v.tenths(at.Since(from).Duration()))
			if byDevice := i == 0 || i == len(names)-1; byDevice {
				t.worst = max(t.worst, at.Since(from).Duration())
			}
		case done && t.ordered:
			one.State = ui.StepNow
		}
		done = one.State == ui.StepDone
		t.steps = append(t.steps, one)
	}
	return t
}

// lastStep is what shows a barrier shut: its lock, or its contact alone.
func lastStep(b api.Barrier) string {
	if b.Seen.Closure.Bolt || !b.Seen.Closure.Contact {
		return "u7.locks"
	}
	return "u7.proven"
}

// tenths is a length of time in seconds with one decimal.
func (v *rehearsalView) tenths(d time.Duration) string {
	return comma(v.lang, strconv.FormatFloat(max(0, d.Seconds()), 'f', 1, 64))
}

// worst is the longest that any device took.
func (v *rehearsalView) worst(ctx context.Context) string {
	var worst time.Duration
	for _, t := range v.trials(ctx) {
		worst = max(worst, t.worst)
	}
	return v.tenths(worst)
}

// nextToOpen is the barrier that is to be opened now; nil when all were.
func (v *rehearsalView) nextToOpen(ctx context.Context) *trial {
	for _, t := range v.trials(ctx) {
		if !t.ordered {
			return &t
		}
	}
	return nil
}

// allShut says whether every barrier that was opened was pulled shut again.
func (v *rehearsalView) allShut(ctx context.Context) bool {
	for _, t := range v.trials(ctx) {
		if !t.ordered || !t.shut {
			return false
		}
	}
	return true
}

func (v *rehearsalView) film() filming { return filming{v.household, v.under, v.told} }

// unpictured says that the household asks for a live picture, and there is none now.
func (v *rehearsalView) unpictured() bool {
	return v.Rules.Camera && v.film().shows() != pictureLive
}

// codes are the barriers whose one-time code can be shown now.
func (v *rehearsalView) codes() []api.Step {
	var list []api.Step
	for _, s := range v.under.Steps {
		if s.By == event.PermitCode && ordered(s) && s.Recorded != nil && s.Recorded.Outcome == event.Done && !s.Asked.Over {
			list = append(list, s)
		}
	}
	return list
}

// codeCounts says whether the code of a barrier was shown, and can still be typed in: it was neither used nor is it over.
func (v *rehearsalView) codeCounts(b event.BarrierID) bool {
	if v.under == nil {
		return false
	}
	s, ok := found(v.under.Steps, func(s api.Step) bool { return s.Barrier == b })
	return ok && s.Asked != nil && s.Asked.Shown != 0 && !s.Asked.Over && (s.Recorded == nil || s.Recorded.Opened == 0)
}

// heard is what is read out: the last tick.
func (v *rehearsalView) heard(ctx context.Context) string {
	said := ""
	if v.under != nil && v.under.Filmed && !v.unpictured() {
		said = words.T(ctx, "u7.picture")
	}
	for _, t := range v.trials(ctx) {
		for _, s := range t.steps {
			if s.State == ui.StepDone {
				said = t.name + ": " + s.Text
			}
		}
	}
	return said
}

package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// storyView is one delivery's whole story.
type storyView struct {
	*person
	api.DeliveryStory
	flash *flash
	// names were asked for, and that look was recorded.
	names bool
	// all of the lines were asked for.
	all      bool
	zone     *time.Location
	lines    []storyLine
	receipts []receiptLine
	// couriers to whom it can be given.
	couriers []api.CourierState
}

// storyLine is one event of the story.
type storyLine struct {
	api.HomeEvent
	// visit that it belongs to; "" for what came before, between or after.
	visit event.VisitID
	// source is who says so, and theirs the time by their own clock; 0 when they gave none.
	source string
	theirs event.Instant
	state  ui.State
	// photo is where the one is that was taken then; "" without one.
	photo string
}

// receiptLine is a visit's receipt, by the digest over its events. The server makes it from its journal whenever it is
// asked for: that it agrees with itself proves nothing.
type receiptLine struct {
	visit event.VisitID
	chain string
}

// mostLines is how many lines are shown at first.
const mostLines = 60

func (p *person) deliveryID() event.DeliveryID { return event.DeliveryID(p.r.PathValue("delivery")) }

// story is the page of O3.
func (p *person) story() {
	v, problem := p.storyView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(ui.Page{Title: v.title(p.ctx()), Place: string(v.Delivery.ID), Step: "story", Live: deliveryPath(v.Delivery.ID) + "/live",
		Modules: []string{"ui/js/print.mjs"}, Main: storyPage(v)})
}

func (p *person) storyLive() {
	p.liveAt(event.SiteOf(p.deliveryID()), func(p *person) (ui.Frame, error) {
		v, problem := p.storyView()
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		return ui.Frame{Title: v.title(p.ctx()), Place: string(v.Delivery.ID), Step: "story", Main: storyPage(v), Open: v.Delivery.Visit != "" && !v.Over}, nil
	})
}

func (p *person) storyView() (*storyView, *api.Problem) {
	q := p.r.URL.Query()
	v := &storyView{person: p, flash: p.flash(), names: q.Get("names") == "true" && p.dispatches(), all: q.Get("all") == "true"}
	out, problem := read(p, p.API.GetDeliveryStory, &api.GetDeliveryStoryInput{DeliveryPath: api.DeliveryPath{Delivery: p.deliveryID()}, Names: v.names})
	if problem != nil {
		return nil, problem
	}
	v.DeliveryStory = out.Body
	v.zone = p.zoneOf(v.Zone)
	v.lines = linesOf(v.Events)
	if problem := v.readReceipts(); problem != nil {
		return nil, problem
	}
	if v.assignable() {
		list, problem := read(p, p.API.ListCouriers, &api.ListCouriersInput{Page: api.Page{Limit: 200}})
		if problem != nil {
			return nil, problem
		}
		v.couriers = slices.DeleteFunc(list.Body.Couriers, func(c api.CourierState) bool { return !c.Bound || c.Courier.Suspended != 0 })
	}
	return v, nil
}

// readReceipts reads the receipt of each visit that has ended.
func (v *storyView) readReceipts() *api.Problem {
	for _, visit := range v.Visits {
		if visit.Ended == nil {
			continue
		}
		out, problem := read(v.person, v.API.GetReceiptAsOperator, &api.VisitPath{Visit: visit.Visit})
		if problem != nil {
			return problem
		}
		v.receipts = append(v.receipts, receiptLine{visit.Visit, out.Body.Chain})
	}
	return nil
}

// assignable says whether the person may give it to a courier now.
func (v *storyView) assignable() bool {
	return v.dispatches() && !v.Over && v.Delivery.Visit == ""
}

// title is the state of the delivery.
func (v *storyView) title(ctx context.Context) string {
	return words.T(ctx, "status."+string(v.Delivery.Status))
}

// sentence says how it stands in the end.
func (v *storyView) sentence(ctx context.Context) string {
	if len(v.Visits) == 0 && !v.Over && v.Delivery.Status != dispatch.StatusBlocked {
		return words.T(ctx, "o3.nothing")
	}
	if v.Delivery.How == event.EndSecured && len(v.receipts) > 0 {
		return words.T(ctx, "o3.complete")
	}
	if v.Delivery.How != "" {
		return v.lang().End(v.Delivery.How).Text()
	}
	if key := "o3.end." + string(v.Delivery.Status); words.Has(key) {
		return words.T(ctx, key)
	}
	return ""
}

// linesOf reads what the events say beside their text: whose word it is, and their own time.
func linesOf(events []api.HomeEvent) []storyLine {
	lines := make([]storyLine, len(events))
	var under event.VisitID
	for i, shown := range events {
		lines[i] = storyLine{HomeEvent: shown, visit: under, source: "system", state: ui.Neutral}
		e, err := bodyOf(shown.JournalEvent)
		if err != nil {
			continue
		}
		if b, ok := e.(event.VisitBegun); ok {
			under = b.Visit
		}
		lines[i].visit = cmp.Or(visitIn(e), under)
		lines[i].source, lines[i].theirs = sourceOf(e)
		lines[i].state = looksOf(e)
		lines[i].photo = photoIn(e)
		if _, over := e.(event.VisitEnded); over {
			under = ""
		}
	}
	return lines
}

// photoIn is the address of the photo that an event names.
func photoIn(body event.Body) string {
	switch b := body.(type) {
	case event.DepositRecorded:
		if b.Photo != "" {
			return visitPath(b.Visit) + "/photo"
		}
	case event.PlanBFollowed:
		if b.Photo != "" {
			return deliveryPath(b.Delivery) + "/photo"
		}
	}
	return ""
}

// photos are the lines with one, the latest first. One address shows only the last that was taken.
func (v *storyView) photos() []storyLine {
	var all []storyLine
	for _, line := range slices.Backward(v.lines) {
		if line.photo != "" && !slices.ContainsFunc(all, func(l storyLine) bool { return l.photo == line.photo }) {
			all = append(all, line)
		}
	}
	return all
}

// bodyOf decodes a stored event.
func bodyOf(stored api.JournalEvent) (event.Body, error) {
	data, err := json.Marshal(stored)
	if err != nil {
		return nil, err
	}
	var e event.Event
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	return e.Body, nil
}

// sourceOf says whose word an event is, and when by their own clock.
func sourceOf(body event.Body) (string, event.Instant) {
	switch b := body.(type) {
	case event.BarrierObserved:
		return string(event.ActorDevice), b.Observation.DeviceAt
	case event.ForeignOpening:
		return string(event.ActorDevice), b.Observation.DeviceAt
	case event.OpeningResolved:
		if b.By == event.ByAnswer || b.By == event.BySight || b.By == event.ByReading {
			return string(event.ActorDevice), 0
		}
		return string(event.ActorSystem), 0
	}
	if s, ok := body.(event.Signer); ok && s.Proof().ID != "" {
		return string(event.ActorCourier), s.Proof().IssuedAt
	}
	if actor := fieldOf[event.Actor](body, "By"); actor.Kind != "" {
		return string(actor.Kind), 0
	}
	return string(event.ActorSystem), 0
}

// visitIn is the visit that an event names; "" for one that names none.
func visitIn(body event.Body) event.VisitID { return fieldOf[event.VisitID](body, "Visit") }

// fieldOf is a field of an event by its name; the zero value where it has none of that type.
func fieldOf[T any](body event.Body, name string) (value T) {
	if field := reflect.ValueOf(body).FieldByName(name); field.IsValid() {
		value, _ = field.Interface().(T)
	}
	return value
}

// looksOf gives colour to what was refused or alarming, and to nothing else.
func looksOf(body event.Body) ui.State {
	switch b := body.(type) {
	case event.Refused:
		return ui.Refused
	case event.AlarmRaised, event.PictureLost, event.CourierLeftInDanger, event.BarrierUnsecured, event.ForeignOpening:
		return ui.Alarming
	case event.BarrierSecured:
		return ui.Secured
	case event.OpeningResolved:
		if b.Outcome == event.Unknown {
			return ui.Unknown
		}
	}
	return ui.Neutral
}

// phase is a part of the story: before a visit, a visit, or after.
type phase struct {
	visit event.VisitID
	lines []storyLine
}

// phases cut the story into its parts, the newest first, each with its newest line first. cut is how many lines were
// left away.
func (v *storyView) phases() (all []phase, cut int) {
	shown := v.lines
	if !v.all && len(shown) > mostLines {
		cut = len(shown) - mostLines
		shown = shown[cut:]
	}
	for _, line := range slices.Backward(shown) {
		if len(all) == 0 || all[len(all)-1].visit != line.visit {
			all = append(all, phase{visit: line.visit})
		}
		last := &all[len(all)-1]
		last.lines = append(last.lines, line)
	}
	return all, cut
}

// courierName is who brings it, as far as that may be shown.
func (v *storyView) courierName(ctx context.Context) string {
	return cmp.Or(v.CourierName, string(v.Delivery.Courier), words.T(ctx, "none"))
}

func (v *storyView) courierChoice(ctx context.Context) ui.Choice {
	c := ui.Choice{Name: "courier", Label: words.T(ctx, "assign.label")}
	for _, one := range v.couriers {
		text := string(one.ID)
		if one.Name != "" {
			text = one.Name + " (" + text + ")"
		}
		c.Options = append(c.Options, ui.Option{Value: string(one.ID), Text: text, Checked: one.ID == v.Delivery.Courier})
	}
	return c
}

// assign gives a delivery to a courier.
func (p *person) assign() {
	id := p.deliveryID()
	in := &api.AssignDeliveryInput{DeliveryPath: api.DeliveryPath{Delivery: id}, Body: api.AssignRequest{Courier: event.CourierID(p.r.PostFormValue("courier"))}}
	if _, problem := do(p, p.API.AssignDelivery, in); problem != nil {
		p.undone(deliveryPath(id), problem)
		return
	}
	p.done(deliveryPath(id), "assigned", "who", p.r.PostFormValue("courier"))
}

// cancelDelivery withdraws a delivery for which nothing was opened.
func (p *person) cancelDelivery() {
	id := p.deliveryID()
	out, problem := do(p, p.API.CancelDelivery, &api.DeliveryPath{Delivery: id})
	switch {
	case problem != nil:
		p.undone(deliveryPath(id), problem)
	case out.Body.Refused != nil:
		p.goTo(deliveryPath(id), "not", knownTrouble(string(out.Body.Refused.Code)))
	default:
		p.done(deliveryPath(id), "cancelled")
	}
}

// blockDelivery keeps a delivery from opening anything more. The server's answer is shown in the story.
func (p *person) blockDelivery() {
	id := p.deliveryID()
	out, problem := do(p, p.API.BlockDelivery, &api.BlockDeliveryInput{DeliveryPath: api.DeliveryPath{Delivery: id}})
	if problem != nil {
		p.undone(deliveryPath(id), problem)
		return
	}
	p.done(deliveryPath(id), "block."+string(out.Body.Verdict))
}

// labels prints a delivery's labels.
func (p *person) labels() {
	out, problem := read(p, p.API.GetLabelPDF, &api.DeliveryPath{Delivery: p.deliveryID()})
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.file(out.Type, out.Name, out.Body)
}

// file answers with a file.
func (p *person) file(kind, disposition string, body []byte) {
	h := p.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition)
	h.Set("Content-Security-Policy", "sandbox")
	_, _ = p.w.Write(body) // who went away needs no answer
}

// exportStory is the story as a file, with names only if they were asked for.
func (p *person) exportStory() {
	v, problem := p.storyView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	data, err := json.MarshalIndent(v.DeliveryStory, "", "  ")
	if err != nil {
		p.fail("other", http.StatusInternalServerError)
		return
	}
	p.file("application/json", `attachment; filename="`+string(v.Delivery.ID)+`.json"`, append(data, '\n'))
}

// lineText is what an event says; its kind where no catalogue has words for it.
func lineText(line storyLine) string { return cmp.Or(line.Text, string(line.Kind)) }

func seq(n uint64) string { return strconv.FormatUint(n, 10) }

// phaseID names a part of the story for the page.
func phaseID(p phase) string {
	return "phase-" + cmp.Or(string(p.visit), "e"+seq(p.lines[len(p.lines)-1].Seq))
}

func (v *storyView) exportPath() string {
	return v.with(deliveryPath(v.Delivery.ID)+"/file.json", false)
}

func (v *storyView) allPath() string { return v.with(deliveryPath(v.Delivery.ID), true) }

// with keeps what was asked for of the story.
func (v *storyView) with(path string, all bool) string {
	q := url.Values{}
	if v.names {
		q.Set("names", "true")
	}
	if all {
		q.Set("all", "true")
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

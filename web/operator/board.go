package operator

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/maps"
)

// boardView is the live board.
type boardView struct {
	*person
	api.Board
	flash *flash
	// trouble is the reference of why the board could not be read now; "" when it was.
	trouble string
}

// board is the page of O1.
func (p *person) board() {
	v := p.boardView()
	p.show(ui.Page{Title: v.title(), Step: "board", Live: "/operator/live", Here: "/operator/", Modules: []string{"operator/js/map.mjs"},
		Policy: ui.Policy{Workers: true}, Main: boardPage(v)})
}

// boardLive keeps it true. What the devices of a visit say changes by itself, so an open board is looked at anew.
func (p *person) boardLive() {
	var aloud herald
	p.live(func(p *person) (ui.Frame, error) {
		v := p.boardView()
		f := ui.Frame{Title: v.title(), Step: "board", Main: boardPage(v), Alarm: aloud.says(p.ctx(), v.rows()), Open: len(v.Visits) > 0, Next: time.Minute}
		if len(v.Visits) > 0 || v.trouble != "" {
			f.Next = 5 * time.Second
		}
		return f, nil
	})
}

func (p *person) boardView() *boardView {
	v := &boardView{person: p, flash: p.flash()}
	out, problem := read(p, p.API.GetBoard, &api.GetBoardInput{Zone: p.Zone.String()})
	if problem != nil {
		v.trouble = problem.Reference
		return v
	}
	v.Board = out.Body
	return v
}

// title is the state of the day in a few words.
func (v *boardView) title() string {
	alarms := v.alarming()
	switch {
	case v.trouble != "":
		return v.say("o1.title.trouble")
	case len(alarms) > 0:
		return v.say("o1.title.alarms", "n", strconv.Itoa(len(alarms)))
	case len(v.Visits) > 0:
		return v.say("o1.title.visits", "n", strconv.Itoa(len(v.Visits)))
	default:
		return v.say("o1.title.quiet")
	}
}

// alarming are the visits with an alarm: those that nobody has in hand first, then by how long it has stood.
func (v *boardView) alarming() []visitRow { return alarming(v.rows()) }

func alarming(rows []visitRow) []visitRow {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r visitRow) bool { return r.Alarm == nil })
	slices.SortStableFunc(rows, func(a, b visitRow) int {
		return cmp.Or(owned(a.Alarm)-owned(b.Alarm), cmp.Compare(a.Alarm.Since, b.Alarm.Since))
	})
	return rows
}

func owned(a *api.Alarm) int {
	if a.Acknowledged != nil {
		return 1
	}
	return 0
}

// unowned counts the alarms that nobody has in hand.
func unowned(rows []visitRow) (n int) {
	for _, r := range rows {
		n += 1 - owned(r.Alarm)
	}
	return n
}

// herald reads out the newest alarm of a live page: kind, place, since when. One that is left when a newer one has ended
// is no news.
type herald struct{ newest event.Instant }

func (h *herald) says(ctx context.Context, rows []visitRow) string {
	said := ""
	for _, r := range rows {
		if r.Alarm != nil && r.Alarm.Since >= h.newest {
			h.newest = r.Alarm.Since
			said = words.T(ctx, "alarm.said", "what", r.Alarm.Title, "where", r.where(ctx), "time", clock(ctx, r.Alarm.Since, r.zone))
		}
	}
	return said
}

func (v *boardView) rows() []visitRow {
	rows := make([]visitRow, len(v.Visits))
	for i, one := range v.Visits {
		rows[i] = v.row(one)
	}
	return rows
}

// visitRow is a visit as the tables show it.
type visitRow struct {
	api.BoardVisit
	zone *time.Location
	// focus is the barrier that matters most now, and shown how it stands; nil for a way in without barriers.
	focus *api.Step
	shown ui.Shown
	now   time.Time
}

func (p *person) row(v api.BoardVisit) visitRow {
	r := visitRow{BoardVisit: v, zone: p.zoneOf(v.Zone), focus: focusOf(v.Visit), now: ui.ViewOf(p.ctx()).Now}
	if r.focus != nil {
		r.shown = shownOf(p, *r.focus, r.zone)
	}
	return r
}

// focusOf is the barrier that the alarm is about, else the innermost that may stand open, else the next to be opened.
func focusOf(v api.Visit) *api.Step {
	of := func(which func(api.Step) bool) *api.Step {
		for i := len(v.Steps) - 1; i >= 0; i-- {
			if which(v.Steps[i]) {
				return &v.Steps[i]
			}
		}
		return nil
	}
	about := func(s api.Step) bool { return v.Alarm != nil && s.Barrier == v.Alarm.Barrier }
	next := slices.IndexFunc(v.Steps, func(s api.Step) bool { return s.Asked == nil || failed(s) })
	switch step := cmp.Or(of(about), of(mayBeOpen)); {
	case step != nil || len(v.Steps) == 0:
		return step
	case next >= 0:
		return &v.Steps[next]
	default:
		return &v.Steps[len(v.Steps)-1]
	}
}

// mayBeOpen says whether a barrier may stand open because of its visit. A code that was shown to nobody opens nothing.
func mayBeOpen(s api.Step) bool {
	return s.Asked != nil && !failed(s) && s.Secured == 0 && (s.By == event.PermitRemote || s.Asked.Shown != 0)
}

// failed says whether the order to open it certainly did nothing.
func failed(s api.Step) bool { return s.Recorded != nil && s.Recorded.Outcome == event.NotDone }

// shownOf is how a barrier of a visit stands.
func shownOf(p *person, s api.Step, zone *time.Location) ui.Shown {
	sight := ui.Sight{Barrier: s.Barrier, Is: s.Is, Name: s.Name, Seen: s.Seen, Asked: s.Asked, Recorded: s.Recorded, Secured: s.Secured}
	return ui.StateOf(p.lang(), sight, ui.ViewOf(p.ctx()).Now, zone)
}

func visitPath(id event.VisitID) string { return "/operator/visits/" + string(id) }

func (r visitRow) href() string { return visitPath(r.ID) }

// where is the barrier and its place: "Front door, 12 rue Verte".
func (r visitRow) where(ctx context.Context) string {
	parts := []string{r.barrierName(ctx)}
	if r.Place != nil {
		parts = append(parts, cmp.Or(r.Place.Address, r.Place.Name))
	}
	if r.Place == nil || r.Place.Address == "" && r.Place.Name == "" {
		parts = append(parts, string(r.Site))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func (r visitRow) barrierName(ctx context.Context) string {
	if r.focus == nil {
		return words.T(ctx, "visit.noBarrier")
	}
	return r.focus.Name
}

// who is the courier, or the member who rehearses.
func (r visitRow) who(ctx context.Context) string {
	if r.Rehearsal != "" {
		return words.T(ctx, "visit.rehearsal")
	}
	return cmp.Or(r.CourierName, string(r.Courier))
}

// state is how the row looks.
func (r visitRow) state() ui.State {
	switch {
	case r.Alarm != nil:
		return ui.Alarming
	case r.focus == nil:
		return ui.Neutral
	case r.Opened == 0 && r.Phase != api.PhaseSecured:
		return ui.Underway
	default:
		return r.shown.State
	}
}

// lasts is how long something has stood open.
func (r visitRow) lasts() time.Duration { return r.now.Sub(r.Opened.Time()) }

// camera is what the visit's camera shows, as a state with its word.
func (r visitRow) camera(ctx context.Context) (ui.State, string) {
	switch {
	case !r.Filmed:
		return ui.Neutral, words.T(ctx, "camera.none")
	case r.Picture == nil:
		return ui.Unknown, words.T(ctx, "camera.unknown")
	case r.Picture.Live:
		return ui.Neutral, words.T(ctx, "camera.live")
	case r.Picture.Fault == event.PictureProving:
		return ui.Underway, words.T(ctx, "camera.proving")
	default:
		return ui.Alarming, words.T(ctx, "camera.lost")
	}
}

// onMap are the attributes by which the map finds what the table says; none where no position may be shown.
func (r visitRow) onMap(ctx context.Context) map[string]string {
	if r.Place == nil || r.Place.Position == nil {
		return nil
	}
	at := map[string]string{"data-lat": degrees(r.Place.Position.Latitude), "data-lng": degrees(r.Place.Position.Longitude),
		"data-label": r.where(ctx) + ", " + words.T(ctx, "phase."+string(r.Phase)), "data-short": cmp.Or(r.Place.Address, r.Place.Name, string(r.Site)),
		"data-icon": ui.ViewOf(ctx).Asset("ui/icons/icons.svg") + "#" + r.drawing(), "data-looks": string(r.state())}
	if w := r.Where; w != nil {
		at["data-courier"] = r.who(ctx)
		at["data-away"], at["data-direction"] = strconv.Itoa(w.Distance), w.Direction
		at["data-who"] = words.T(ctx, "map.courier", "who", r.who(ctx), "distance", ui.Metres(ui.ViewOf(ctx).Lang, float64(w.Distance)),
			"age", ui.Ago(ui.ViewOf(ctx).Lang, w.Age.Duration()))
	}
	return at
}

// drawing is what stands for the visit on the map: its alarm, or its barrier as that is seen.
func (r visitRow) drawing() string {
	switch {
	case r.Alarm != nil:
		return "state-alarm"
	case r.shown.Contact.Wide:
		return ui.IconOf(r.shown.Is) + "-open"
	default:
		return ui.IconOf(r.shown.Is)
	}
}

func degrees(d float64) string { return strconv.FormatFloat(d, 'f', 6, 64) }

// upcomingName is the way in of a delivery to come: "Lobby, flat".
func upcomingName(ctx context.Context, up api.Upcoming) string {
	names := make([]string, len(up.Kinds))
	for i, kind := range up.Kinds {
		names[i] = ui.ViewOf(ctx).Lang.Barrier(kind)
	}
	return strings.Join(names, ", ")
}

// numbers are the day in short, in the order in which they are read.
func (v *boardView) numbers() []number {
	n := v.Today
	return []number{{"delivered", n.Delivered}, {"refused", n.Refused}, {"planB", n.PlanB}, {"blocked", n.Blocked}, {"expired", n.Expired},
		{"alarms", n.Alarms}, {"foreign", n.Foreign}, {"ahead", n.Ahead}}
}

// number is one of the day's, by the name of its word.
type number struct {
	key string
	n   int
}

// seconds is a length of time to a tenth: "1.1 s", and "< 0.1 s" below that.
func seconds(ctx context.Context, d event.Millis) string {
	said := strconv.FormatFloat(d.Duration().Seconds(), 'f', 1, 64)
	if d < event.Second/10 {
		said = "<\u00a00.1"
	}
	if ui.ViewOf(ctx).Lang == "fr" {
		said = strings.Replace(said, ".", ",", 1)
	}
	return said + "\u00a0s"
}

// streets is the operator's own map, for the board's.
func (p *person) streets() maps.Streets {
	return maps.Streets{Folder: p.Tiles, Path: "/operator/map", Log: p.Log}
}

func (p *person) tellStreets() { p.streets().Tell(p.w, p.r) }

func (p *person) serveStreets() { p.streets().Serve(p.w, p.r, p.r.PathValue("name")) }

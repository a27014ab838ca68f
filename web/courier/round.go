package courier

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// day is the courier's round, as C1 shows it.
type day struct {
	stops []api.Stop
	ended []api.EndedDelivery
	of    int
	lang  phrase.Lang
	now   time.Time
	phone string
}

// lookRound is how often the list is made anew without being woken: new stops come from sites that it does not follow.
const lookRound = 10 * time.Second

func (a *app) stops(ctx context.Context, who asking, _ *http.Request) (view, *api.Problem) {
	d, problem := a.day(ctx, who)
	if problem != nil {
		return view{}, problem
	}
	v := view{screen: Stops, title: d.t("stops.title"), say: d.justEnded(), next: lookRound, main: stopsPage(d)}
	for _, s := range d.stops {
		if !slices.Contains(v.sites, s.Site) {
			v.sites = append(v.sites, s.Site)
		}
	}
	return v, nil
}

func (a *app) day(ctx context.Context, who asking) (day, *api.Problem) {
	list, problem := api.Ask(ctx, a.API, who.call, who.who, a.API.ListStops, &struct{}{})
	if problem != nil {
		return day{}, problem
	}
	return day{list.Body.Stops, list.Body.Ended, list.Body.Of, who.call.Lang, a.Now(), a.Phone}, nil
}

// justEnded says what became, a moment ago, of the stop that ended last. What the courier did is said in the words of the
// stop's own page: whoever heard them there does not hear them again.
func (d day) justEnded() string {
	var last api.EndedDelivery
	for _, e := range d.ended {
		if e.Status != dispatch.StatusExpired && e.At > last.At && d.now.Sub(e.At.Time()) < 2*lookRound {
			last = e
		}
	}
	switch last.Status {
	case "":
		return ""
	case dispatch.StatusCancelled:
		return d.t("stops.withdrawn", "n", strconv.Itoa(last.Number))
	default:
		return d.t("done." + string(last.Status) + ".title")
	}
}

func (d day) t(key string, pairs ...string) string { return words.In(d.lang, key, pairs...) }

// next is the stop to go to: one that a visit is under way at, else the first at which something can be left; nil when
// nothing is.
func (d day) next() *api.Stop {
	if i := slices.IndexFunc(d.stops, func(s api.Stop) bool { return s.Visit != "" }); i >= 0 {
		return &d.stops[i]
	}
	if i := slices.IndexFunc(d.stops, func(s api.Stop) bool { return ScreenOf(&s, nil) == Go }); i >= 0 {
		return &d.stops[i]
	}
	return nil
}

// after is the stop that comes after another, in a few words; "" when none does.
func (a *app) after(ctx context.Context, who asking, ap event.AccessPointID) (string, *api.Problem) {
	d, problem := a.day(ctx, who)
	if problem != nil {
		return "", problem
	}
	for i := range d.stops {
		if s := &d.stops[i]; s.AccessPoint != ap && ScreenOf(s, nil) == Go {
			what := windowText(ctx, s)
			if s.Near {
				what = s.Address + ", " + what
			}
			return d.t("secured.then", "n", strconv.Itoa(s.Number), "what", what), nil
		}
	}
	return "", nil
}

// row is one stop of the list.
type row struct {
	number int
	// stop is nil for one that has ended.
	stop  *api.Stop
	word  string
	state ui.State
	// at is when it ended, and zone that of its place.
	at   event.Instant
	zone *time.Location
}

// rows are the day's stops in order, with what became of each.
func (d day) rows() []row {
	var rows []row
	for i, s := range d.stops {
		r := row{number: s.Number, stop: &d.stops[i], state: ui.Neutral, word: d.t("stops.planned")}
		switch {
		case s.Visit != "":
			r.state, r.word = ui.Underway, d.t("stops.underway")
		case elsewhere(&s):
			r.state, r.word = ui.Refused, d.t("stops.elsewhere")
		case tooLarge(deliveriesOf(&s)):
			r.state, r.word = ui.Refused, d.t("stops.too-large")
		case allOut(deliveriesOf(&s)):
			r.state, r.word = ui.Refused, d.t("stops.blocked")
		}
		rows = append(rows, r)
	}
	for _, e := range d.ended {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.number == e.Number }) {
			rows = append(rows, row{number: e.Number, word: d.t("stops.ended." + string(e.Status)), state: ui.Neutral, at: e.At, zone: zoneOf(e.Zone)})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.number - b.number })
	return rows
}

// back is the ends of the numbers of what goes back to the depot.
func (d day) back() []string {
	var ends []string
	for _, e := range d.ended {
		ends = append(ends, e.Parcels...)
	}
	return ends
}

// finished counts the stops of which nothing is left to do.
func (d day) finished() int { return d.of - len(d.stops) }

// end is when the last window closes.
func (d day) end(ctx context.Context) string {
	var last *api.Stop
	for i, s := range d.stops {
		if _, to := windowOf(&s); last == nil {
			last = &d.stops[i]
		} else if _, was := windowOf(last); to.After(was) {
			last = &d.stops[i]
		}
	}
	if last == nil {
		return ""
	}
	_, to := windowOf(last)
	return ui.Clock(ctx, to, zoneOf(last.Zone))
}

// sketch draws the next stop, the one after it and those that follow, as far as the courier may know where they are.
func (d day) sketch() (ui.Sketch, bool) {
	first := d.next()
	if first == nil || first.Position == nil {
		return ui.Sketch{}, false
	}
	spots := []ui.Spot{d.spot(*first, *first.Position)}
	for _, s := range d.stops {
		if s.Position != nil && s.AccessPoint != first.AccessPoint {
			spots = append(spots, d.spot(s, *first.Position))
		}
	}
	if len(spots) < 2 {
		return ui.Sketch{}, false
	}
	return ui.Sketch{From: spots[0], To: spots[1], Others: spots[2:]}, true
}

// spot is where a stop lies from another, in metres; near enough for a sketch of one round.
func (d day) spot(s api.Stop, from api.Centre) ui.Spot {
	const metres = 111_195.0 // of one degree of latitude
	return ui.Spot{North: (s.Position.Latitude - from.Latitude) * metres,
		East:  (s.Position.Longitude - from.Longitude) * metres * math.Cos(from.Latitude*math.Pi/180),
		Label: d.t("sketch.stop", "n", strconv.Itoa(s.Number))}
}

// over is the view of a stop that is no longer the courier's: what became of it, or that nothing is known.
func (a *app) over(ctx context.Context, who asking, ap event.AccessPointID) (view, *api.Problem) {
	d, problem := a.day(ctx, who)
	if problem != nil {
		return view{}, problem
	}
	var last *api.EndedDelivery
	for i, e := range d.ended {
		if e.AccessPoint == ap {
			last = &d.ended[i]
		}
	}
	v := view{screen: Done, title: d.t("done.gone.title"), next: lookQuiet}
	if last != nil {
		v.title = d.t("done." + string(last.Status) + ".title")
		v.where = d.t("stop.of", "n", strconv.Itoa(last.Number), "of", strconv.Itoa(d.of))
	}
	v.say = v.title
	v.main = overPage(d, last, who.place)
	return v, nil
}

// delivered says whether a delivery that ended was left where it should be.
func delivered(e *api.EndedDelivery) bool { return e != nil && e.Status == dispatch.StatusDelivered }

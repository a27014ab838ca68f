package operator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/operator/chart"
	"github.com/loquet/loquet/web/ui"
)

// metricsView is one day in five pictures.
type metricsView struct {
	*person
	api.DayShown
	day      time.Time
	pictures []picture
}

// picture is one of them: a sentence that reads it, the drawing for two widths, and its numbers as a table.
type picture struct {
	id, title, reading string
	wide, narrow       string
	head               []string
	rows               []tableRow
}

// tableRow is one bar's numbers, with the stories behind it.
type tableRow struct {
	label, value string
	stories      []storyLink
}

// storyLink leads to one of them.
type storyLink struct{ text, href string }

// Widths in pixels for which pictures are drawn, and how many stories are linked behind one bar.
const (
	wideChart   = 620
	narrowChart = 330
	mostStories = 12
)

// metrics is the page of O6.
func (p *person) metrics() {
	v, problem := p.metricsView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	live := ""
	if v.isToday() {
		live = "/operator/metrics/live"
	}
	p.show(ui.Page{Title: p.say("o6.title", "day", ui.Day(p.ctx(), v.day, p.Zone)), Step: "metrics", Live: live, Main: metricsPage(v)})
}

// metricsLive draws today anew each minute, silently.
func (p *person) metricsLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.metricsView()
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		return ui.Frame{Step: "metrics", Main: metricsPage(v), Next: time.Minute}, nil
	})
}

func (p *person) metricsView() (*metricsView, *api.Problem) {
	v := &metricsView{person: p, day: p.dayAsked()}
	in := &api.GetDayInput{DayPath: api.DayPath{Day: v.day.Format(time.DateOnly), Zone: p.Zone.String()}}
	out, problem := read(p, p.API.GetDay, in)
	if problem != nil {
		return nil, problem
	}
	v.DayShown = out.Body
	ctx := p.ctx()
	v.pictures = []picture{v.byHour(ctx), v.refusalsByReason(ctx),
		v.lengths(ctx, "wait", waitEdges, func(d api.DayVisit) event.Millis { return d.ScanToOpen }, v.Numbers.ScanToOpen),
		v.lengths(ctx, "open", openEdges, func(d api.DayVisit) event.Millis { return d.TimeOpen }, v.Numbers.TimeOpen), v.alarmsOver(ctx)}
	return v, nil
}

func (v *metricsView) isToday() bool {
	now := ui.ViewOf(v.ctx()).Now.In(v.person.Zone)
	return v.day.Format(time.DateOnly) == now.Format(time.DateOnly)
}

// empty says whether nothing happened on the day.
func (v *metricsView) empty() bool { return len(v.Visits)+len(v.Refusals)+len(v.Alarms) == 0 }

func (v *metricsView) on(days int) string {
	return "/operator/metrics?day=" + v.day.AddDate(0, 0, days).Format(time.DateOnly)
}

// byHour counts the visits by the hour in which they began.
func (v *metricsView) byHour(ctx context.Context) picture {
	p := picture{id: "hours", title: words.T(ctx, "o6.hours"), head: []string{words.T(ctx, "o6.hour"), words.T(ctx, "o6.count"), words.T(ctx, "o6.stories")}}
	var hours [24][]api.DayVisit
	for _, visit := range v.Visits {
		h := visit.Begun.Time().In(v.person.Zone).Hour()
		hours[h] = append(hours[h], visit)
	}
	bars, top := make([]chart.Bar, 24), 0
	for h, visits := range hours {
		bars[h] = chart.Bar{Label: fmt.Sprintf("%02d", h), Value: float64(len(visits))}
		if len(visits) > len(hours[top]) {
			top = h
		}
		if len(visits) > 0 {
			p.rows = append(p.rows, tableRow{hourSpan(h), strconv.Itoa(len(visits)), v.visitLinks(ctx, visits)})
		}
	}
	p.reading = words.T(ctx, "o6.hours.none")
	if n := len(v.Visits); n > 0 {
		alike := slices.ContainsFunc(hours[top+1:], func(v []api.DayVisit) bool { return len(v) == len(hours[top]) })
		p.reading = words.T(ctx, "o6.hours."+readingOf(alike), "n", strconv.Itoa(n), "span", hourSpan(top), "most", strconv.Itoa(len(hours[top])))
	}
	p.wide, p.narrow = chart.Columns(p.reading, wideChart, bars), chart.Columns(p.reading, narrowChart, bars)
	return p
}

// readingOf names the sentence that reads a drawing: where the two highest bars are alike, none is the highest.
func readingOf(alike bool) string {
	if alike {
		return "alike"
	}
	return "reading"
}

func hourSpan(h int) string { return fmt.Sprintf("%02d:00–%02d:00", h, h+1) }

func (v *metricsView) visitLinks(ctx context.Context, visits []api.DayVisit) []storyLink {
	var links []storyLink
	for _, visit := range visits[:min(len(visits), mostStories)] {
		links = append(links, storyLink{clock(ctx, visit.Begun, v.person.Zone), visitPath(visit.Visit)})
	}
	return v.andMore(ctx, links, len(visits))
}

// andMore leads to all of the day where a bar has more stories than are linked.
func (v *metricsView) andMore(ctx context.Context, links []storyLink, all int) []storyLink {
	if all <= len(links) {
		return links
	}
	return append(links, storyLink{words.T(ctx, "o6.more", "n", strconv.Itoa(all-len(links))), "/operator/deliveries?day=" + v.day.Format(time.DateOnly)})
}

// refusalsByReason counts couriers' requests that were refused.
func (v *metricsView) refusalsByReason(ctx context.Context) picture {
	p := picture{id: "refusals", title: words.T(ctx, "o6.refusals"), head: []string{words.T(ctx, "o6.reason"), words.T(ctx, "o6.count"), words.T(ctx, "o6.stories")}}
	byTitle := map[string][]api.DayRefusal{}
	var titles []string
	for _, r := range v.Refusals {
		if r.By != event.ActorCourier {
			continue
		}
		if byTitle[r.Title] == nil {
			titles = append(titles, r.Title)
		}
		byTitle[r.Title] = append(byTitle[r.Title], r)
	}
	slices.SortStableFunc(titles, func(a, b string) int { return cmp.Compare(len(byTitle[b]), len(byTitle[a])) })
	var bars []chart.Bar
	total := 0
	for _, title := range titles {
		n := len(byTitle[title])
		total += n
		bars = append(bars, chart.Bar{Label: title, Value: float64(n), Looks: "refused"})
		p.rows = append(p.rows, tableRow{title, strconv.Itoa(n), v.refusalLinks(ctx, byTitle[title])})
	}
	p.reading = words.T(ctx, "o6.refusals.none")
	if total > 0 {
		alike := len(titles) > 1 && len(byTitle[titles[0]]) == len(byTitle[titles[1]])
		p.reading = words.T(ctx, "o6.refusals."+readingOf(alike), "n", strconv.Itoa(total), "what", titles[0], "most", strconv.Itoa(len(byTitle[titles[0]])))
	}
	p.wide, p.narrow = chart.Rows(p.reading, wideChart, bars), chart.Rows(p.reading, narrowChart, bars)
	return p
}

func (v *metricsView) refusalLinks(ctx context.Context, all []api.DayRefusal) []storyLink {
	var links []storyLink
	for _, r := range all[:min(len(all), mostStories)] {
		link := storyLink{clock(ctx, r.At, v.person.Zone), ""}
		if r.Visit != "" {
			link.href = visitPath(r.Visit)
		} else if r.Delivery != "" {
			link.href = deliveryPath(r.Delivery)
		}
		links = append(links, link)
	}
	return v.andMore(ctx, links, len(all))
}

// Edges between the bars of lengths of time, in milliseconds; the last bar has no end.
var (
	waitEdges = []event.Millis{0, event.Second, 2 * event.Second, 3 * event.Second, 5 * event.Second, 10 * event.Second, 20 * event.Second}
	openEdges = []event.Millis{0, 30 * event.Second, event.Minute, 2 * event.Minute, 3 * event.Minute, 5 * event.Minute, 10 * event.Minute}
)

// lengths counts the visits by how long something took.
func (v *metricsView) lengths(ctx context.Context, id string, edges []event.Millis, of func(api.DayVisit) event.Millis, spread *api.Spread) picture {
	p := picture{id: id, title: words.T(ctx, "o6."+id), head: []string{words.T(ctx, "o6.length"), words.T(ctx, "o6.count"), words.T(ctx, "o6.stories")}}
	groups := make([][]api.DayVisit, len(edges))
	for _, visit := range v.Visits {
		if took := of(visit); took > 0 && !visit.Rehearsal {
			i, exact := slices.BinarySearch(edges, took)
			if !exact {
				i--
			}
			groups[i] = append(groups[i], visit)
		}
	}
	bars := make([]chart.Bar, len(edges))
	for i, visits := range groups {
		bars[i] = chart.Bar{Label: lengthFrom(ctx, edges[i]), Value: float64(len(visits))}
		if len(visits) > 0 {
			p.rows = append(p.rows, tableRow{lengthSpan(ctx, edges, i), strconv.Itoa(len(visits)), v.visitLinks(ctx, visits)})
		}
	}
	p.reading = words.T(ctx, "o6."+id+".none")
	if spread != nil {
		p.reading = words.T(ctx, "o6."+id+".reading", "median", length(ctx, spread.Median), "worst", length(ctx, spread.Worst), "n", strconv.Itoa(spread.Count))
	}
	p.wide, p.narrow = chart.Columns(p.reading, wideChart, bars), chart.Columns(p.reading, narrowChart, bars)
	return p
}

func lengthFrom(ctx context.Context, from event.Millis) string {
	if from == 0 {
		return "0"
	}
	return length(ctx, from)
}

func lengthSpan(ctx context.Context, edges []event.Millis, i int) string {
	if i == len(edges)-1 {
		return words.T(ctx, "o6.over", "length", length(ctx, edges[i]))
	}
	return words.T(ctx, "o6.between", "from", lengthFrom(ctx, edges[i]), "to", length(ctx, edges[i+1]))
}

// length is a length of time: "1.1 s", "2 min 5 s".
func length(ctx context.Context, d event.Millis) string {
	if d < event.Minute {
		if d%event.Second == 0 {
			return strconv.Itoa(int(d/event.Second)) + "\u00a0s"
		}
		return seconds(ctx, d)
	}
	whole := d.Duration().Round(time.Second)
	said := strconv.Itoa(int(whole/time.Minute)) + "\u00a0min"
	if rest := int(whole % time.Minute / time.Second); rest > 0 {
		said += "\u00a0" + strconv.Itoa(rest) + "\u00a0s"
	}
	return said
}

// alarmsOver draws the day's alarms over its hours.
func (v *metricsView) alarmsOver(ctx context.Context) picture {
	p := picture{id: "alarms", title: words.T(ctx, "o6.alarms"), head: []string{words.T(ctx, "o2.what"), words.T(ctx, "o2.lasted"), words.T(ctx, "o6.stories")}}
	var pieces []chart.Stretch
	var longest, total event.Millis
	for _, a := range v.Alarms {
		lasted := a.Ended.Since(a.Raised)
		longest, total = max(longest, lasted), total+lasted
		said := ui.Span(lasted.Duration())
		pieces = append(pieces, chart.Stretch{From: v.part(a.Raised), To: v.part(a.Ended), Label: a.Title + ", " + said, Looks: "alarm"})
		p.rows = append(p.rows, tableRow{a.Title, said, []storyLink{{clock(ctx, a.Raised, v.person.Zone), visitPath(a.Visit)}}})
	}
	p.reading = words.T(ctx, "o6.alarms.none")
	if n := len(v.Alarms); n > 0 {
		p.reading = words.T(ctx, "o6.alarms.reading", "n", strconv.Itoa(n), "longest", length(ctx, longest), "total", length(ctx, total))
	}
	p.wide, p.narrow = chart.Stretches(p.reading, wideChart, v.ticks(4), pieces), chart.Stretches(p.reading, narrowChart, v.ticks(8), pieces)
	return p
}

// part is where in the day an instant lies, from 0 to 1. A day has 23 or 25 hours when the clocks change.
func (v *metricsView) part(at event.Instant) float64 {
	return float64(at.Since(v.From)) / float64(v.To.Since(v.From))
}

// ticks mark the day every few hours of its clocks.
func (v *metricsView) ticks(every int) []chart.Tick {
	var ticks []chart.Tick
	for h := 0; h <= 24; h += every {
		at := time.Date(v.day.Year(), v.day.Month(), v.day.Day(), h, 0, 0, 0, v.person.Zone)
		ticks = append(ticks, chart.Tick{At: v.part(event.InstantOf(at)), Label: fmt.Sprintf("%02d:00", h)})
	}
	return ticks
}

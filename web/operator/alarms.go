package operator

import (
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// alarmsView is every alarm that stands, and those of the last days.
type alarmsView struct {
	*person
	flash *flash
	rows  []visitRow
	past  []api.AlarmOfDay
	now   event.Instant
}

// pastDays is how far back alarms that are over are listed.
const pastDays = 7

// alarms is the page of O2.
func (p *person) alarms() {
	v, problem := p.alarmsView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(ui.Page{Title: v.title(), Step: "alarms", Live: "/operator/alarms/live", Here: "/operator/alarms", Main: alarmsPage(v)})
}

func (p *person) alarmsLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.alarmsView()
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		f := ui.Frame{Title: v.title(), Step: "alarms", Main: alarmsPage(v), Alarm: newestAlarm(p.ctx(), v.rows), Open: len(v.rows) > 0}
		if f.Open {
			f.Next = 5 * time.Second
		}
		return f, nil
	})
}

func (p *person) alarmsView() (*alarmsView, *api.Problem) {
	out, problem := read(p, p.API.GetBoard, &api.GetBoardInput{Zone: p.Zone.String()})
	if problem != nil {
		return nil, problem
	}
	v := &alarmsView{person: p, flash: p.flash(), now: out.Body.Now}
	for _, one := range out.Body.Visits {
		v.rows = append(v.rows, p.row(one))
	}
	v.rows = alarming(v.rows)
	return v, v.readPast()
}

// readPast reads the alarms of the last days, the latest first.
func (v *alarmsView) readPast() *api.Problem {
	for back := range pastDays {
		day := dispatch.DayOf(v.now.Add(-event.Millis(back) * event.Day))
		var ofDay []api.AlarmOfDay
		for in := (&api.ListAlarmsInput{Day: day}); ; {
			out, problem := read(v.person, v.API.ListAlarms, in)
			if problem != nil {
				return problem
			}
			ofDay = append(ofDay, out.Body.Alarms...)
			if in.Cursor = out.Body.Next; in.Cursor == "" {
				break
			}
		}
		slices.Reverse(ofDay)
		v.past = append(v.past, ofDay...)
	}
	return nil
}

func (v *alarmsView) title() string {
	if len(v.rows) == 0 {
		return v.say("o2.title.none")
	}
	return v.say("o1.title.alarms", "n", strconv.Itoa(len(v.rows)))
}

// lasted is how long an alarm stood that is over.
func lasted(a api.AlarmOfDay) string { return ui.Span(a.Ended.Since(a.Raised).Duration()) }

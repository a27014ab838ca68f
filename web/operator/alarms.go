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
	past  []pastAlarm
}

// pastAlarm is an alarm that is over, with who had it in hand; "" for nobody.
type pastAlarm struct {
	api.AlarmOfDay
	owner string
}

// pastDays is how far back alarms that are over are listed.
const pastDays = 7

// alarms is the page of O2.
func (p *person) alarms() {
	v, problem := p.alarmsView(&pastAlarms{})
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(ui.Page{Title: v.title(), Step: "alarms", Live: "/operator/alarms/live", Here: "/operator/alarms", Main: alarmsPage(v)})
}

func (p *person) alarmsLive() {
	var past pastAlarms
	var aloud herald
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.alarmsView(&past)
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		f := ui.Frame{Title: v.title(), Step: "alarms", Main: alarmsPage(v), Alarm: aloud.says(p.ctx(), v.rows), Open: len(v.rows) > 0, Next: time.Minute}
		if f.Open {
			f.Next = 5 * time.Second
		}
		return f, nil
	})
}

func (p *person) alarmsView(past *pastAlarms) (*alarmsView, *api.Problem) {
	out, problem := read(p, p.API.GetBoard, &api.GetBoardInput{Zone: p.Zone.String()})
	if problem != nil {
		return nil, problem
	}
	v := &alarmsView{person: p, flash: p.flash()}
	for _, one := range out.Body.Visits {
		v.rows = append(v.rows, p.row(one))
	}
	v.rows = alarming(v.rows)
	problem = past.refresh(p, out.Body)
	v.past = past.rows
	return v, problem
}

// pastAlarms are the alarms of the last days, as they were read last. Reading them takes an operation for each day, so a
// live page does that when one has ended, and each minute, for what somebody said they came from.
type pastAlarms struct {
	rows []pastAlarm
	read event.Instant
	// ended are those that the board still showed then.
	ended []event.Instant
}

func (c *pastAlarms) refresh(p *person, b api.Board) *api.Problem {
	var ended []event.Instant
	for _, one := range b.Closed {
		ended = append(ended, one.Ended)
	}
	if c.read != 0 && b.Now.Since(c.read) < event.Minute && slices.Equal(ended, c.ended) {
		return nil
	}
	rows, problem := p.readPast(b.Now)
	if problem == nil {
		*c = pastAlarms{rows, b.Now, ended}
	}
	return problem
}

// readPast reads the alarms of the last days, the latest first.
func (p *person) readPast(now event.Instant) (past []pastAlarm, problem *api.Problem) {
	for back := range pastDays {
		day := dispatch.DayOf(now.Add(-event.Millis(back) * event.Day))
		var ofDay []pastAlarm
		for in := (&api.ListAlarmsInput{Day: day}); ; {
			out, problem := read(p, p.API.ListAlarms, in)
			if problem != nil {
				return nil, problem
			}
			for _, a := range out.Body.Alarms {
				ofDay = append(ofDay, pastAlarm{a, p.ownerOf(a)})
			}
			if in.Cursor = out.Body.Next; in.Cursor == "" {
				break
			}
		}
		slices.Reverse(ofDay)
		past = append(past, ofDay...)
	}
	return past, nil
}

func (p *person) ownerOf(a api.AlarmOfDay) string {
	if a.Acknowledged == nil {
		return ""
	}
	return p.nameOf(a.Acknowledged.By)
}

func (v *alarmsView) title() string {
	if len(v.rows) == 0 {
		return v.say("o2.title.none")
	}
	return v.say("o1.title.alarms", "n", strconv.Itoa(len(v.rows)))
}

// lasted is how long an alarm stood that is over.
func lasted(a pastAlarm) string { return ui.Span(a.Ended.Since(a.Raised).Duration()) }

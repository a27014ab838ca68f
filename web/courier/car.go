package courier

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// either is one text for doors, and another for cars.
func (s at) either(door, car string, pairs ...string) string {
	if s.ofCar() {
		return s.t(car, pairs...)
	}
	return s.t(door, pairs...)
}

// ofCar says whether the stop is a car: it may stand elsewhere than at its address.
func (s at) ofCar() bool {
	return slices.ContainsFunc(s.stop.WayIn, func(k event.BarrierKind) bool { return k == event.Trunk || k == event.Cabin })
}

// leadsTo is what the way in ends at; "" without one.
func (s at) leadsTo() event.BarrierKind {
	if len(s.stop.WayIn) == 0 {
		return ""
	}
	return s.stop.WayIn[len(s.stop.WayIn)-1]
}

// car is the visit's car; nil for one to any other place, and once the visit has ended.
func (s at) car() *api.VisitCar {
	if s.visit == nil || s.visit.Ended != nil {
		return nil
	}
	return s.visit.Car
}

// findCar asks which car it is, as far as the courier may know that where they are.
func (a *app) findCar(ctx context.Context, who asking, s *at) *api.Problem {
	if s.car() == nil {
		return nil
	}
	card, problem := api.Ask(ctx, a.API, who.call, who.who, a.API.GetVisitCar, &api.VisitPath{Visit: s.visit.ID})
	if problem != nil {
		if notFound(problem) {
			return nil // it has ended meanwhile
		}
		return problem
	}
	s.card = card.Body
	return nil
}

// opens is what is opened, in one sentence.
func (s at) opens() string { return s.t("car.opens." + string(s.car().Reveals)) }

// spelled is a plate letter by letter, for screen readers.
func spelled(plate string) string {
	var letters []string
	for _, r := range plate {
		if r != ' ' && r != '-' {
			letters = append(letters, string(r))
		}
	}
	return strings.Join(letters, " ")
}

// carLike is what the car looks like: "Volvo V60, blue".
func (s at) carLike() string {
	said := slices.DeleteFunc([]string{s.card.Make, s.card.Colour}, func(s string) bool { return s == "" })
	return strings.Join(said, ", ")
}

// carWay is how to walk to the car; "" where the courier is, or when that is not known.
func (s at) carWay() string {
	switch {
	case s.visit.Arrived != 0:
		return ""
	case s.card.There:
		return s.t("car.there")
	case s.card.Distance == nil:
		return ""
	}
	return s.t("car.way", "distance", strconv.Itoa(*s.card.Distance), "direction", s.t("js.wind."+strings.ToLower(s.card.Direction)))
}

// carAge is how old the word of its position is; "" where it gives no time.
func (s at) carAge() string {
	if s.card.Age == nil || s.visit.Arrived != 0 {
		return ""
	}
	switch age := s.card.Age.Duration(); {
	case age < time.Minute:
		return s.t("car.age.now")
	case age < time.Hour:
		return s.t("car.age.minutes", "n", strconv.Itoa(int(age.Minutes())))
	default:
		return s.t("car.age.hours", "n", strconv.Itoa(int(age.Hours())))
	}
}

// signals says whether the car lets itself be found that way.
func (s at) signals(signal device.Signal) bool { return slices.Contains(s.card.Signals, signal) }

// flashFirst says whether the lights are the next thing to do: near the car, and not at it yet.
func (s at) flashFirst() bool {
	return s.screen == Go && s.card.Near && !s.card.There && s.signals(device.SignalFlash)
}

// carLost says whether the car won't open here today, as it was found: what comes next is plan B.
func (s at) carLost() bool {
	looked := s.car().Looked
	return !looked.Pending && nextAfter(looked.Code) == nextPlanB && s.planB() != nil
}

// carStuck says whether the car has raised an alarm: what to do about it then stands before all else. Its folding part is
// another one than before, since an update never opens one that is there.
func (s at) carStuck() bool { return s.alarm() != nil && s.ofCar() }

// carReadiness is the line of the car among what must be so before it can open.
func (s at) carReadiness() (line readiness, ok bool) {
	car := s.car()
	if car == nil {
		return line, false
	}
	line = readiness{icon: ui.IconOf(s.stop.WayIn[0]), name: s.t("car"), state: ui.Neutral, word: s.t("car.found")}
	switch looked := car.Looked; {
	case looked.Pending || looked.Code == event.CarChecking:
		line.state, line.word = ui.Underway, s.t("car.looking")
	case looked.Code != "":
		line.state, line.word = ui.Refused, looked.Title
	case looked.At == 0:
		line.state, line.word = ui.Unknown, s.t("car.unknown")
	}
	return line, true
}

// freed is the step whose trunk's handle is free; nil when none is. left is for how long.
func (s at) freed() (p *api.Step, left time.Duration) {
	for i := range s.visit.Steps {
		if one := &s.visit.Steps[i]; live(*one) && one.FreeUntil != 0 {
			return one, s.left(one.FreeUntil)
		}
	}
	return nil, 0
}

// handlePassed says whether the last order freed a handle that nobody used.
func (s at) handlePassed() bool { return s.visit != nil && s.visit.Steps[0].FreeUntil != 0 }

// fitting are the deliveries of the visit of which nobody said that they don't fit.
func (s at) fitting() []api.VisitDelivery {
	return slices.DeleteFunc(slices.Clone(s.deliveries()), func(d api.VisitDelivery) bool { return d.TooLarge || d.Blocked })
}

// out says whether a delivery is not left there: it was blocked, or does not fit.
func out(d api.VisitDelivery) bool { return d.Blocked || d.TooLarge }

// tooLarge says whether nothing of what is left out was blocked.
func tooLarge(all []api.VisitDelivery) bool {
	return allOut(all) && !slices.ContainsFunc(all, func(d api.VisitDelivery) bool { return d.Blocked })
}

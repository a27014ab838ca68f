package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// play is one scenario under way. Its steps end the scene at the first thing that is not as it should be, by a
// panic that run recovers: a scene reads like a script, without an error after each line.
type play struct {
	*cast
	ctx      context.Context
	scenario Scenario
	lot      lot
	report   *report

	operator *client.Caller
	home     *customer
	building *customer
	// first is the delivery that the scene is about.
	first *delivery
	// seen is how far the home's journal was told; at is where each wait begins to look.
	seen   uint64
	events []event.Event
	at     int
	// held is a courier who waits until a door is shut; nil when nobody does.
	held *held
}

// held is a courier in a visit that can't end yet.
type held struct {
	courier *courier
	visit   event.VisitID
	door    string
}

// failure is what a scene panics with.
type failure struct{ error }

func (p *play) fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func (p *play) must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// say tells what somebody does or sees, after what was recorded before.
func (p *play) say(who, format string, args ...any) {
	p.pause(p.report.pace)
	p.read()
	p.report.tell(time.Now(), who, fmt.Sprintf(format, args...))
}

// patience is how long a scene waits for something; an order whose outcome nobody knows takes half a minute,
// and finding a car anew that does not tell whether it moves one and a half.
const patience = 120 * time.Second

// look is how often the journal is read at first.
const look = 15 * time.Millisecond

// await reads the journal until it holds such an event after the last one that was waited for.
func (p *play) await(what string, match func(event.Event) bool) {
	limit := time.Now().Add(patience)
	for pace := look; ; pace = min(pace+pace/10, time.Second) { // or a long wait uses up what the API lets a key ask
		if i := slices.IndexFunc(p.events[p.at:], match); i >= 0 {
			p.at += i + 1
			return
		}
		if time.Now().After(limit) {
			p.fail("waited in vain for: %s", what)
		}
		p.pause(pace)
		p.read()
	}
}

// until waits for something in the world, and looks every so often.
func (p *play) until(what string, every time.Duration, is func() bool) {
	for limit := time.Now().Add(patience); !is(); p.pause(every) {
		if time.Now().After(limit) {
			p.fail("waited in vain until %s", what)
		}
	}
}

func (p *play) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.ctx.Done():
		p.must(p.ctx.Err())
	}
}

// read takes what is new in the journal, and tells it.
func (p *play) read() {
	if p.home == nil {
		return
	}
	for {
		var page struct {
			Events []event.Event `json:"events"`
		}
		path := fmt.Sprintf("/v1/sites/%s/journal?after=%d&limit=100", p.home.site, p.seen)
		if err := p.operator.Call(p.ctx, "GET", path, nil, &page); err != nil || len(page.Events) == 0 {
			return
		}
		for _, e := range page.Events {
			p.seen = e.Seq
			p.events = append(p.events, e)
			if text := phrase.English.Line("", e.Body, nil); text != "" && p.telling(e) {
				p.report.tell(e.At.Time(), "loquet", text)
			}
		}
	}
}

// body is a door or the car of the scene, by its name or by that of one of the car's places.
func (p *play) body(name string) body {
	if a := p.scenario.car; a != nil && slices.Contains(a.places, name) {
		return p.car()
	}
	return p.thing(name)
}

// owns says whether a door, or a car, of the stage is the household's.
func (p *play) owns(name string) bool {
	is := func(d virtual.Device) bool { return p.lot.prefix+d.Name == name }
	return slices.ContainsFunc(p.scenario.devices, is) || p.scenario.car != nil && p.car().Name() == name
}

// thing is a device of the scene.
func (p *play) thing(name string) *virtual.Thing { return p.stage.home.Thing(p.lot.prefix + name) }

func (p *play) kind(name string) virtual.Kind {
	i := slices.IndexFunc(p.scenario.devices, func(d virtual.Device) bool { return d.Name == name })
	if i < 0 {
		return ""
	}
	return p.scenario.devices[i].Kind
}

// telling leaves out how the stage was set.
func (p *play) telling(e event.Event) bool {
	return p.first != nil || e.Body.Kind() == event.ForeignOpening{}.Kind()
}

func (p *play) awaitBody(what string, kind event.Kind) {
	p.await(what, func(e event.Event) bool { return e.Body.Kind() == kind })
}

// awaitOpened waits for the world, not for the journal: the door is free to be pushed.
func (p *play) awaitOpened(name string) {
	thing := p.thing(name)
	p.until(name+" opens", look, func() bool { return thing.Bolt() == event.BoltUnlocked || thing.Contact() == event.ContactOpen })
	p.read()
	p.say("door", "%s is free to be opened", name)
}

// awaitSeenOpen waits until the door's contact has said that it is open, if it has one: whoever acts before that
// acts on a door that is still known as shut.
func (p *play) awaitSeenOpen(name string) {
	if p.kind(name) == virtual.LobbyDoor {
		return
	}
	at, id := p.at, p.home.barriers[name]
	p.at = max(0, len(p.events)-1)
	p.await(name+" is seen open", func(e event.Event) bool {
		o, ok := e.Body.(event.BarrierObserved)
		return ok && o.Barrier == id && o.Observation.Contact == event.ContactOpen
	})
	p.at = at
}

// awaitSecured waits until the barrier is proven shut since it was last opened.
func (p *play) awaitSecured(name string) {
	id := p.home.barriers[name]
	p.at = 0
	p.await(name+" is proven shut", func(e event.Event) bool {
		s, ok := e.Body.(event.BarrierSecured)
		return ok && s.Barrier == id && !p.openedSince(e.Seq, id)
	})
}

func (p *play) openedSince(seq uint64, id event.BarrierID) bool {
	return slices.ContainsFunc(p.events, func(e event.Event) bool {
		intent, again := e.Body.(event.OpeningIntended)
		loose, opened := e.Body.(event.BarrierUnsecured)
		return e.Seq > seq && (again && intent.Permit.Barrier == id || opened && loose.Barrier == id)
	})
}

func (p *play) awaitOutcome(o event.Outcome) {
	p.await("the outcome is "+string(o), func(e event.Event) bool {
		r, ok := e.Body.(event.OpeningResolved)
		return ok && r.Outcome == o
	})
}

func (p *play) awaitAlarm(reason event.AlarmReason, level event.AlarmLevel) {
	p.await(fmt.Sprintf("an alarm: %s, level %d", reason, level), func(e event.Event) bool {
		a, ok := e.Body.(event.AlarmRaised)
		return ok && a.Reason == reason && a.Level == level
	})
}

// wait lets time pass until an instant.
func (p *play) wait(what string, until time.Time) {
	p.say("time", "waiting until %s", what)
	p.pause(time.Until(until))
	p.read()
}

// crashAtOrder kills the server while it sends an order to open: before the order arrives, or just after.
func (p *play) crashAtOrder(withhold bool, act func()) {
	trap := p.stage.proxy.arm(withhold)
	acted := make(chan struct{})
	go func() {
		defer close(acted)
		act()
	}()
	select {
	case <-trap.sprung:
	case <-time.After(patience):
		p.fail("no order to open was sent")
	}
	if !withhold {
		p.awaitThingOrdered()
	}
	p.stage.server.kill()
	<-acted
	p.say("crash", "the server is killed %s", picked(withhold, "before its order reaches the lock", "just after its order reached the lock"))
	p.stage.proxy.cut()
	p.must(p.stage.serve(p.ctx))
	p.say("loquet", "runs again, on what it had written")
}

func (p *play) awaitThingOrdered() {
	thing := p.thing(p.scenario.devices[0].Name)
	for thing.OpenCommands() == 0 {
		<-thing.Changed()
	}
}

// verdict reads how the scene ended, from outside: the API, the send log and the audit.
func (p *play) verdict() (Result, error) {
	r := Result{Scenario: p.scenario.Name}
	var summary struct {
		Status dispatch.Status `json:"status"`
		How    event.VisitEnd  `json:"how"`
	}
	if err := p.operator.Call(p.ctx, "GET", "/v1/deliveries/"+string(p.first.id), nil, &summary); err != nil {
		return r, err
	}
	r.State, r.Secured = string(summary.Status), summary.How == event.EndSecured
	sent, err := record.Sent(p.stage.data())
	if err != nil {
		return r, err
	}
	for _, s := range sent {
		if s.Act == event.ActOpen || s.Act == event.ActSetCode {
			r.Openings++
		}
	}
	found, err := record.Audit(p.ctx, p.stage.data())
	if err != nil {
		return r, err
	}
	r.Violations = found.Count()
	r.judge(p.scenario)
	if p.stage.makers != nil && p.stage.makers.exceeded() && r.OK {
		r.OK, r.Problem = false, "a maker was asked more often than it allows"
	}
	for _, law := range found.Laws {
		for _, v := range law.Violations {
			p.report.tell(time.Now(), "audit", fmt.Sprintf("law %d, event %d: %s", law.Number, v.Seq, v.What))
		}
	}
	return r, nil
}

func (r *Result) judge(want Scenario) {
	switch {
	case r.Violations > 0:
		r.Problem = plural(r.Violations, "violation") + " of the laws"
	case r.State != want.state:
		r.Problem = "the delivery should be " + want.state
	case r.Openings != want.openings:
		r.Problem = fmt.Sprintf("there should be %d orders to open", want.openings)
	case r.Secured != want.secured:
		r.Problem = fmt.Sprintf("secured should be %v", want.secured)
	default:
		r.OK = true
	}
}

package site_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// world is a small town of two sites in which anything may happen: people, couriers and doors that choose by a
// source of choices, over a network that loses, delays and doubles. Every command is checked as it is decided.
type world struct {
	t testing.TB
	// pick chooses one of n; it is all the chance there is.
	pick  func(n int) int
	now   event.Instant
	sites map[event.SiteID]*journal
	doors map[event.BarrierID]*door
	mail  []letter
	// car stands somewhere, and its maker's cloud is asked where.
	car *car
	// forged: commands that no connector would send come too, so that nothing is true about the doors.
	forged bool
	proofs int
	parcel int
	// heard is told of each command and its answer, if set.
	heard func(c site.Command, events []event.Event, err error)
}

// journal is one site: its state, and everything that led to it.
type journal struct {
	state site.State
	// stored is the encoding of the state as it was last put away.
	stored []byte
	log    []event.Event
}

// letter is a message from one site to another, on its way.
type letter struct {
	to event.SiteID
	do site.Request
}

const (
	home  event.SiteID = "home"
	tower event.SiteID = "tower"
)

// newWorld builds the sites: the home has a door, a garage, a box with a keypad and a gate that can prove nothing,
// behind a lobby that the tower lends, and whose closure may ask for its contact; and a car.
func newWorld(t testing.TB, pick func(n int) int) *world {
	w := &world{t: t, pick: pick, now: event.Instant(1_772_000_000_000), sites: map[event.SiteID]*journal{},
		doors: map[event.BarrierID]*door{}}
	for _, id := range []event.SiteID{tower, home} {
		w.sites[id] = &journal{state: site.State{Site: id}}
		w.sites[id].store(t)
		w.must(id, event.Actor{Kind: event.ActorOperator}, site.OpenSite{Zone: "Europe/Paris"})
		w.must(id, event.Actor{Kind: event.ActorOperator}, site.AddMember{})
	}
	lobby := w.install(tower, event.Lobby, event.Closure{Bolt: true, Contact: w.pick(2) == 0}, false)
	w.must(tower, w.member(tower), site.AllowLending{Barrier: lobby, Borrower: home})
	door := w.install(home, event.FrontDoor, event.Closure{Bolt: true, Contact: true}, false)
	garage := w.install(home, event.Garage, event.Closure{Contact: true}, false)
	box := w.install(home, event.ParcelBox, event.Closure{Bolt: true, Contact: true}, true)
	gate := w.install(home, event.Gate, event.Closure{}, w.pick(2) == 0)
	for _, way := range [][]event.BarrierRef{{ref(door)}, {ref(lobby), ref(door)}, {ref(garage), ref(door)},
		{{Barrier: box, By: event.PermitCode}}, {w.either(gate)}} {
		w.must(home, w.member(home), site.AddAccessPoint{WayIn: way, Radius: 30})
	}
	w.hangCamera()
	w.parkCar()
	return w
}

func ref(b event.BarrierID) event.BarrierRef {
	return event.BarrierRef{Barrier: b, By: event.PermitRemote}
}

func (w *world) either(b event.BarrierID) event.BarrierRef {
	if w.doors[b].spec.Codes {
		return event.BarrierRef{Barrier: b, By: event.PermitCode}
	}
	return ref(b)
}

// install enrols a barrier, by hand, with a device whose abilities are chosen.
func (w *world) install(at event.SiteID, is event.BarrierKind, c event.Closure, codes bool) event.BarrierID {
	spec := event.Spec{Device: event.DeviceID("device-" + strconv.Itoa(len(w.doors))), Closure: c, Grade: event.GradeReported,
		Horizon: []event.Millis{30 * event.Second, event.Minute, event.Hour}[w.pick(3)],
		Opens:   !codes, Codes: codes, Reads: w.pick(2) == 0, Secures: w.pick(2) == 0}
	if w.pick(4) == 0 {
		spec.Lateness = 5 * event.Second
	} else if w.pick(8) == 0 {
		spec.Lateness = event.UnboundedLateness
	}
	w.makeCar(is, &spec)
	w.must(at, w.member(at), site.ReserveBarrier{Is: is, Spec: spec, AcceptUnprovable: !c.Provable()})
	state := w.sites[at].state
	id := state.Barriers[len(state.Barriers)-1].ID
	d := &door{id: id, site: at, spec: spec, bolted: is != event.Garage, bolt: event.BoltLocked, contact: event.ContactClosed,
		clocked: w.pick(2) == 0, fast: []event.Millis{0, event.Hour, -event.Hour}[w.pick(3)]}
	w.doors[id] = d
	for _, o := range []event.Observation{d.says(w.now), {Bolt: event.BoltUnlocked, Contact: event.ContactOpen}, d.says(w.now + 3)} {
		w.now++
		o.Device, o.ReceivedAt, o.Origin = spec.Device, w.now, event.OriginLive
		if !d.bolted {
			o.Bolt = ""
		}
		w.must(at, event.Actor{Kind: event.ActorDevice}, site.Observe{Barrier: id, Observation: o})
	}
	if b, _ := w.sites[at].state.Barrier(id); !b.Enrolled {
		w.t.Fatalf("%s is not enrolled", id)
	}
	return id
}

func (w *world) member(at event.SiteID) event.Actor {
	return event.Actor{Kind: event.ActorMember, ID: string(w.sites[at].state.Members[0].ID)}
}

// must decides what can't fail.
func (w *world) must(at event.SiteID, who event.Actor, r site.Request) {
	w.t.Helper()
	if err := w.decide(at, site.Command{Facts: site.Facts{Actor: who}, Do: r}); err != nil {
		w.t.Fatalf("%T: %v", r, err)
	}
}

// decide plays one command, checks what holds for every command, and lets the world answer the events.
func (w *world) decide(at event.SiteID, c site.Command) error {
	w.t.Helper()
	j := w.sites[at]
	c.Facts.At = w.now
	before := j.state
	events, err := site.Decide(before, c)
	if err != nil && len(events) > 0 {
		w.t.Fatalf("Decide(%T) returned events with the error %v", c.Do, err)
	}
	if w.heard != nil {
		w.heard(c, events, err)
	}
	if len(events) > 200 {
		w.t.Fatalf("Decide(%T) stated %d events at once", c.Do, len(events))
	}
	j.fold(w.t, events, c.Do)
	w.checkQuiet(j)
	w.checkLaws(j, len(events))
	for _, e := range events {
		w.answer(before, e)
		before = site.Evolve(before, e)
	}
	return err
}

// fold evolves the state, and checks numbers, times and encodings on the way, and that neither the decision nor
// the folding changed the state that they were given.
func (j *journal) fold(t testing.TB, events []event.Event, r site.Request) {
	t.Helper()
	given := j.state
	for _, e := range events {
		if e.Seq != j.state.Seq+1 || e.At < j.state.At || e.Site != j.state.Site {
			t.Fatalf("event %d at %s of %s follows %d at %s of %s", e.Seq, e.At, e.Site, j.state.Seq, j.state.At, j.state.Site)
		}
		checkEvent(t, e)
		j.state = site.Evolve(j.state, e)
		j.log = append(j.log, e)
	}
	if !bytes.Equal(j.stored, encode(t, given)) {
		t.Fatalf("%T changed the state that it was given", r)
	}
	if len(events) > 0 {
		j.store(t)
	}
}

// store puts the state away and takes it out again, as a store does.
func (j *journal) store(t testing.TB) {
	t.Helper()
	j.stored = encode(t, j.state)
	back, err := site.Decode(j.stored)
	if err != nil || !bytes.Equal(encode(t, back), j.stored) {
		t.Fatalf("the state does not survive its encoding (%v): %s", err, j.stored)
	}
	j.state = back
}

func checkEvent(t testing.TB, e event.Event) {
	t.Helper()
	data, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back event.Event
	if err := back.UnmarshalJSON(data); err != nil || !reflect.DeepEqual(e, back) {
		t.Fatalf("the event does not survive its encoding (%v): %s", err, data)
	}
}

// checkQuiet: whatever was decided, nothing is left to decide at the same instant, nor before the deadline.
func (w *world) checkQuiet(j *journal) {
	w.t.Helper()
	if !j.state.Open {
		return
	}
	due := j.state.Deadline()
	if due != 0 && due <= w.now {
		w.t.Fatalf("at %s the deadline %s lies behind", w.now, due)
	}
	w.tickSaysNothing(j, w.now)
	if due > w.now+1 {
		w.tickSaysNothing(j, due-1)
	}
	if due == 0 {
		w.tickSaysNothing(j, w.now.Add(1000*event.Day))
	}
}

func (w *world) tickSaysNothing(j *journal, at event.Instant) {
	w.t.Helper()
	events, err := site.Decide(j.state, site.Command{Facts: site.Facts{At: at}, Do: site.Tick{}})
	if err != nil || len(events) > 0 {
		w.t.Fatalf("a tick at %s, before the deadline %s, says %v (%v)", at, j.state.Deadline(), kinds(events), err)
	}
}

// dump shows how a journal ended.
func (j *journal) dump() string {
	var b strings.Builder
	for _, e := range j.log[max(0, len(j.log)-30):] {
		fmt.Fprintf(&b, "%d %s %s %+v\n", e.Seq, e.At.Time().Format("15:04:05.000"), e.Body.Kind(), e.Body)
	}
	return b.String()
}

func kinds(events []event.Event) []event.Kind {
	all := make([]event.Kind, len(events))
	for i, e := range events {
		all[i] = e.Body.Kind()
	}
	return all
}

// wait lets time pass; the ticks come when they are due, or too late when the choice is so.
func (w *world) wait(until event.Instant) {
	w.t.Helper()
	if w.pick(4) == 0 {
		w.now = max(w.now, until)
	}
	for range 2000 {
		due := w.nextDue()
		if due == 0 || due > until {
			w.now = max(w.now, until)
			w.physics()
			return
		}
		w.now = max(w.now, due)
		w.physics()
		w.tickAll()
	}
	w.t.Fatalf("the ticks until %s never end", until)
}

// tickAll: a tick at or after a deadline decides something, and moves the deadline into the future.
func (w *world) tickAll() {
	w.t.Helper()
	for _, id := range []event.SiteID{home, tower} {
		j := w.sites[id]
		due := j.state.Deadline()
		if due == 0 || due > w.now {
			continue
		}
		before := len(j.log)
		w.must(id, event.Actor{Kind: event.ActorSystem}, site.Tick{})
		if len(j.log) == before {
			w.t.Fatalf("the tick at %s for the deadline %s of %s decided nothing", w.now, due, id)
		}
	}
}

func (w *world) nextDue() event.Instant {
	var next event.Instant
	consider := func(at event.Instant) {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	for _, j := range w.sites {
		consider(j.state.Deadline())
	}
	for _, d := range w.doors {
		for _, e := range d.coming {
			consider(e.at)
		}
	}
	return next
}

// last returns the latest event of a type in a journal, and whether there is one.
func lastOf[B event.Body](log []event.Event, match func(B) bool) (B, event.Instant, bool) {
	for _, e := range slices.Backward(log) {
		if b, ok := e.Body.(B); ok && match(b) {
			return b, e.At, true
		}
	}
	var none B
	return none, 0, false
}

package dispatch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// phone is a courier who does, again and again, what the app would say is next, whatever the answers were. It
// pushes doors that are open, and shuts them behind.
type phone struct {
	*town
	home home
	// server returns the process to talk to; it may be another one each time.
	server func() *Dispatcher
	code   string
}

// deliver goes on until the delivery has ended and the visit too.
func (p *phone) deliver() {
	p.t.Helper()
	for range 600 {
		synctest.Wait()
		if p.step() {
			return
		}
		synctest.Wait()
		pass(time.Second)
	}
	p.t.Fatal("the visit does not end")
}

func (p *phone) step() (done bool) {
	s, err := p.server().Load(p.t.Context(), p.home.id)
	if err != nil {
		p.bearable(err)
		return false
	}
	if len(s.Visits) == 0 {
		if len(s.Deliveries) == 0 {
			return true
		}
		p.ask(site.Approach{AccessPoint: p.home.place})
		return false
	}
	p.act(s, s.Visits[0])
	return false
}

func (p *phone) act(s site.State, v site.Visit) {
	if p.handOver(s, v) {
		return
	}
	for _, step := range v.Steps {
		if step.Opened == 0 || step.Outcome == event.NotDone {
			p.enter(v, step)
			return
		}
		p.walkThrough(s, step)
	}
	switch {
	case !v.Deposited:
		p.ask(site.Deposit{Visit: v.ID})
	case !v.Closing:
		p.ask(site.Close{Visit: v.ID})
	default:
		p.ask(site.Leave{Visit: v.ID})
	}
}

// handOver scans what is not scanned.
func (p *phone) handOver(s site.State, v site.Visit) bool {
	for _, id := range v.Deliveries {
		d, _ := s.Delivery(id)
		for _, parcel := range d.Parcels {
			if !parcel.Scanned {
				p.ask(site.Scan{Visit: v.ID, Parcel: parcel.Code})
				return true
			}
		}
	}
	return false
}

// enter taps for a barrier, or types its code.
func (p *phone) enter(v site.Visit, step site.Step) {
	switch {
	case step.Intended == 0 || step.Outcome == event.NotDone:
		p.ask(site.Open{Visit: v.ID, Barrier: step.Barrier})
	case step.By != event.PermitCode || step.Outcome != event.Done:
	case step.Shown == 0:
		p.ask(site.ShowCode{Visit: v.ID, Barrier: step.Barrier})
	default:
		code, err := p.server().ShownCode(p.t.Context(), event.CodeShown{Permit: step.Permit.ID})
		if err != nil {
			p.bearable(err)
			return
		}
		p.code = code
		p.home.door.key(code)
	}
}

// walkThrough pushes a door that is open, once, and shuts it.
func (p *phone) walkThrough(s site.State, step site.Step) {
	b, _ := s.Barrier(step.Barrier)
	door := p.doors[b.Spec.Device]
	if bolt, contact := door.looks(); bolt == event.BoltUnlocked && contact == event.ContactClosed && step.Secured == 0 && s.Visits[0].Deposited == false {
		door.push()
		synctest.Wait()
		door.shut()
	}
}

func (p *phone) ask(r site.Request) {
	_, err := p.server().Do(p.t.Context(), p.home.id, site.Command{Facts: p.courier("anna"), Do: r})
	p.bearable(err)
}

// bearable fails the test for an error that a phone should never get.
func (p *phone) bearable(err error) {
	p.t.Helper()
	for _, ok := range []error{nil, store.ErrUncertain, store.ErrClosed, store.ErrFull, ErrBusy, context.Canceled} {
		if errors.Is(err, ok) {
			return
		}
	}
	p.t.Fatalf("the phone was told: %v", err)
}

// checkOnce requires that no barrier was commanded twice for a permit, none was opened twice in a visit nor had
// two codes at once, and only for intents that the journals hold.
func (w *town) checkOnce(sites ...event.SiteID) {
	w.t.Helper()
	intents := map[event.PermitID]event.Permit{}
	for _, id := range sites {
		for _, e := range w.journal(id) {
			if b, ok := e.Body.(event.OpeningIntended); ok {
				intents[b.Permit.ID] = b.Permit
			}
		}
	}
	for id, door := range w.doors {
		visits, permits := map[event.VisitID]bool{}, map[event.PermitID]bool{}
		for _, p := range door.opened() {
			intent, ok := intents[p]
			if !ok || intent.Device != id {
				w.t.Errorf("%s was commanded by %s, of which the journals know nothing", id, p)
			}
			if permits[p] || visits[intent.Visit] || door.overlap {
				w.t.Errorf("%s was commanded twice in visit %s: %v", id, intent.Visit, door.opened())
			}
			permits[p], visits[intent.Visit] = true, intent.Type == event.PermitRemote
		}
	}
}

// checkShut requires that what was opened is shut, and that the delivery was delivered and proven so.
func (w *town) checkShut(id event.SiteID) {
	w.t.Helper()
	all := w.journal(id)
	if end := the[event.VisitEnded](w.t, all); end.How != event.EndSecured {
		w.t.Errorf("the visit ended %q", end.How)
	}
	if d := the[event.DeliveryDelivered](w.t, all); d.How != event.EndSecured || !d.Confirmed {
		w.t.Errorf("delivered %+v", d)
	}
	for id, door := range w.doors {
		if bolt, contact := door.looks(); bolt != event.BoltLocked || contact != event.ContactClosed {
			w.t.Errorf("%s is %s and %s", id, bolt, contact)
		}
	}
}

// noWorkLeft requires that nothing is due any more, but for what nobody handles here.
func (w *town) noWorkLeft() {
	w.t.Helper()
	own := []string{workSecure, workRead, workForgetCode, workLetter}
	if next, err := w.store.NextWork(w.t.Context(), own); err != nil || next != 0 {
		w.t.Errorf("work is left, due %s; error %v", next, err)
	}
}

// inOrder requires these kinds among the events, in this order.
func inOrder(t testing.TB, events []event.Event, want ...event.Kind) {
	t.Helper()
	left := slices.Clone(want)
	for _, e := range events {
		if len(left) > 0 && e.Body.Kind() == left[0] {
			left = left[1:]
		}
	}
	if len(left) > 0 {
		t.Errorf("%s did not come in its order:\n%s", left[0], kinds(events))
	}
}

// always is a phone's server that never changes.
func always(d *Dispatcher) func() *Dispatcher { return func() *Dispatcher { return d } }

// bubble runs a test in virtual time, from a Monday noon.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pass(time.Until(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)))
		f(t)
	})
}

package demo

import (
	"context"
	"slices"
	"time"

	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/web/desk"
)

// State implements desk.World.
func (t *town) State() desk.State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := desk.State{Camera: t.camera, Wire: !t.cut, Server: !t.dead, Cut: map[desk.App]time.Duration{}, Story: t.story.shown(),
		Courier: t.courierShown(), Parcel: t.parcelShown(),
		Behind: desk.Behind{Data: t.stage.data(), Broker: t.stage.broker.URL(), Key: t.operatorKey}}
	for _, p := range t.plays {
		for _, d := range p.scenario.devices {
			s.Doors = append(s.Doors, t.doorShown(p, d))
		}
		if p.scenario.car != nil {
			s.Doors = append(s.Doors, t.carShown(p))
		}
	}
	if t.now != nil {
		s.Here = t.now.play.body(t.now.play.home.nameOf(t.now.place)).Name()
	}
	for _, a := range desk.Apps() {
		if until := t.front.cutUntil(string(a)); !until.IsZero() {
			s.Cut[a] = time.Until(until)
		}
	}
	return s
}

// doorShown is a door as it really stands. The caller holds the lock.
func (t *town) doorShown(p *play, d virtual.Device) desk.Door {
	thing, owner := p.thing(d.Name), p.home
	if d.Name == "lobby" {
		owner = p.building
	}
	shown := desk.Door{ID: thing.Name(), Name: owner.calls(d.Name), Address: owner.house.address, Is: owner.kindOf(d), Bolt: thing.Bolt(),
		Contact: thing.Contact(), Keypad: d.Kind == virtual.ZigbeeLock, Filmed: p.scenario.camera != noCamera}
	t.handsShown(&shown)
	return shown
}

// handsShown adds what hands did to a door. The caller holds the lock.
func (t *town) handsShown(d *desk.Door) {
	if h := t.hands[d.ID]; h != nil {
		d.Jam, d.Deaf, d.Slow, d.Dead = h.faults.Jam, h.faults.Deaf, h.faults.MotorDelay > 0, h.dead
		d.Ajar = h.faults.Ajar && d.Contact == event.ContactOpen
	}
}

// courierShown is where the courier is. The caller holds the lock.
func (t *town) courierShown() desk.Walk {
	at := t.walk.standing()
	return desk.Walk{Name: karim, Metres: int(at.left), Walking: at.walking, Vague: at.accuracy != good,
		Latitude: at.latitude, Longitude: at.longitude, Accuracy: at.accuracy, Page: t.page}
}

// parcelShown is what the courier brings. The caller holds the lock.
func (t *town) parcelShown() *desk.Parcel {
	if t.now == nil {
		return nil
	}
	code, err := parcel.Parse(t.now.parcels[0], "")
	if err != nil {
		return nil
	}
	home := t.now.play.home
	return &desk.Parcel{Code: t.now.parcels[0], Place: home.house.address + ", " + home.calls(home.nameOf(t.now.place)), Over: t.over,
		Label: parcel.Label{Code: code, Title: rapido, Rows: []parcel.Row{{Name: "From", Value: t.now.play.lot.shop}, {Name: "To", Value: home.house.address}}}}
}

// Audit implements desk.World.
func (t *town) Audit(ctx context.Context) (desk.Audit, error) {
	found, err := record.Audit(ctx, t.stage.data())
	a := desk.Audit{Violations: found.Count(), At: time.Now()}
	for _, law := range found.Laws {
		a.Cases += law.Cases
	}
	return a, err
}

// step is what the scripted courier's phone does every other second.
func (t *town) step() error {
	p := t.camille(t.ctx)
	return p.perform(func() {
		t.mu.Lock()
		now, over, page := t.now, t.over, t.page
		t.mu.Unlock()
		if now == nil || over {
			return
		}
		if ended(p.status(now.delivery)) {
			t.endStop(now)
			return
		}
		if !page {
			t.report(p, now.delivery)
		}
	})
}

// endStop notes that a stop is over, unless another was sent meanwhile.
func (t *town) endStop(s *stop) {
	t.set(func() { t.over = t.over || t.now == s })
}

// report is what the scripted phone says by itself: where it is, and the estimate whenever that has moved.
func (t *town) report(p *play, d *delivery) {
	t.mu.Lock()
	drift := t.walk.arrives().Sub(t.promised)
	t.mu.Unlock()
	if drift.Abs() > 20*time.Second {
		t.announce(p, d)
		return
	}
	t.locate(p)
}

// locate has the scripted phone say where it is.
func (t *town) locate(p *play) {
	t.mu.Lock()
	visit := t.visit
	t.mu.Unlock()
	at := t.walk.standing()
	p.must(p.courier(karim).Call(p.ctx, "POST", "/v1/courier/visits/"+string(visit)+"/position",
		map[string]any{"latitude": at.latitude, "longitude": at.longitude, "accuracy": at.accuracy, "at": now()}, nil))
}

// ended says whether a delivery's life is over.
func ended(s dispatch.Status) bool {
	return slices.Contains([]dispatch.Status{dispatch.StatusDelivered, dispatch.StatusDiverted, dispatch.StatusReturned, dispatch.StatusCancelled}, s)
}

package api_test

import (
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

func (p phone) seen(v event.VisitID) api.Visit {
	p.w.t.Helper()
	var seen api.Visit
	p.get("/v1/courier/visits/"+string(v), &seen)
	return seen
}

// Values say how long they stay fresh from the server's own time on, and are fresh again by a mere repetition.
func TestFreshness(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	seen := h.look()
	b := seen.Barriers[0].Seen
	now := event.InstantOf(w.clock.now())
	if seen.Now == 0 || now.Since(seen.Now) > event.Minute {
		t.Errorf("the server's time: %s", seen.Now)
	}
	if b.FreshFor != h.door.spec.Horizon || seen.Now.Since(b.ReachedAt) >= b.FreshFor || !b.Closure.Bolt || !b.Closure.Contact {
		t.Errorf("fresh for %d ms from %s on", b.FreshFor, b.ReachedAt)
	}
	w.clock.advance(2 * time.Hour)
	if stale := h.look(); stale.Now.Since(stale.Barriers[0].Seen.ReachedAt) < b.FreshFor || stale.Barriers[0].Seen.Bolt == "" {
		t.Errorf("two hours later: %+v", stale.Barriers[0].Seen)
	}
	events := len(w.journal(h.site))
	h.door.says <- event.Observation{Device: h.door.id, Bolt: event.BoltLocked, Battery: 82, ReceivedAt: event.InstantOf(w.clock.now()), Origin: event.OriginLive}
	w.until(t, "the repetition is heard", func() bool { return h.look().Barriers[0].Battery == 82 })
	if again := h.look(); again.Now.Since(again.Barriers[0].Seen.ReachedAt) > event.Minute || again.Barriers[0].BatteryAt == 0 {
		t.Errorf("after a repetition: %+v", again.Barriers[0])
	}
	if n := len(w.journal(h.site)) - events; n != 0 {
		t.Errorf("a repetition wrote %d events", n)
	}
}

// Before the scan the courier knows whether the way in could be opened, what the household answered and when, and
// what it says of the place; nobody else does.
func TestBeforeTheScan(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	h.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, AskPets: true,
		PlanB: []api.Fallback{{Kind: event.FallbackNeighbour, Who: "M. Petit, porte 3"}, {Kind: event.FallbackOutside}, {Kind: event.FallbackDepot}}}).want(200, nil)
	anna := w.courier("anna")
	w.assign(w.book(w.merchant("grocer"), h, 1).ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit
	if visit.Now == 0 || visit.Zone != "Europe/Paris" || !visit.MayLeave || visit.Filmed {
		t.Errorf("the visit: %+v", visit)
	}
	if p := visit.Place; p == nil || p.Note != "On the bench" || p.Address == "" || p.Position == nil || p.Radius != 50 {
		t.Errorf("the place: %+v", p)
	}
	d := visit.Deliveries[0]
	if len(d.Questions) != 1 || d.Questions[0].Answered || d.Questions[0].At != 0 {
		t.Errorf("asked: %+v", d.Questions)
	}
	if f := d.Fallbacks; len(f) != 3 || f[0].Who != "M. Petit, porte 3" || !f[0].Next || f[1].Next || f[2].Kind != event.FallbackDepot {
		t.Errorf("plan B: %+v", f)
	}
	if r := visit.Ready; r == nil || !r.Ready || len(r.Barriers) != 1 || r.Barriers[0].Reach != event.ReachOnline || r.Camera != nil {
		t.Errorf("ready: %+v", r)
	}
	h.post("/v1/home/deliveries/"+string(d.Delivery)+"/answers", api.AnswersRequest{Question: event.QuestionPets, Yes: true}, nil)
	h.door.mu.Lock()
	h.door.offline = true
	h.door.mu.Unlock()
	seen := anna.seen(visit.ID)
	if q := seen.Deliveries[0].Questions[0]; !q.Answered || !q.Yes || q.At == 0 || seen.Now.Since(q.At) > event.Minute {
		t.Errorf("answered: %+v", q)
	}
	if seen.Ready.Ready || seen.Ready.Barriers[0].Ready || seen.Ready.Barriers[0].Reach != event.ReachOffline {
		t.Errorf("offline: %+v", seen.Ready)
	}
	refused(t, anna.scan(visit.ID, 1), event.DeviceOffline)
}

// Readiness is that of the whole way in: another site's lobby says what it is and whether it can be reached, not how
// it stands, and nothing at all once it is no longer lent.
func TestReadinessOfALobby(t *testing.T) {
	w := newWorld(t)
	tower := w.home()
	h := w.empty(w.merchant("grocer"))
	flat, _ := h.addDoor("flat")
	tower.post("/v1/home/lending", api.Lending{Barrier: tower.barrier, Borrower: h.site}, nil)
	var ap api.AccessPoint
	h.post("/v1/home/access-points", api.AccessPointRequest{Radius: 50, Position: api.Centre{Latitude: latitude, Longitude: longitude},
		WayIn: []event.BarrierRef{{Barrier: tower.barrier, By: event.PermitRemote}, {Barrier: flat, By: event.PermitRemote}}}, &ap)
	h.place = ap.ID
	h.post("/v1/home/consents", api.ConsentRequest{AccessPoint: h.place, Largest: event.SizeLarge, Hours: always()}, nil)
	anna := w.courier("anna")
	w.assign(w.book(w.merchant("grocer"), h, 1).ID, anna.courier)
	var stops api.Stops
	anna.get("/v1/courier/stops", &stops)
	if way := stops.Stops[0].WayIn; len(way) != 2 || way[0] != event.FrontDoor || way[1] != event.FrontDoor || stops.Now == 0 || stops.Stops[0].Zone == "" {
		t.Errorf("the stop: %+v", stops)
	}
	visit := granted(t, anna.approach(h)).Visit
	if !visit.Ready.Ready || visit.Steps[0].Is != event.FrontDoor || visit.Steps[0].Seen.Bolt != "" || visit.Steps[1].Seen.Bolt == "" {
		t.Errorf("the way in: %+v, %+v", visit.Ready, visit.Steps)
	}
	tower.send("DELETE", "/v1/home/lending/"+string(tower.barrier)+"/"+string(h.site), nil).want(200, nil)
	if seen := anna.seen(visit.ID); seen.Ready.Ready || seen.Ready.Barriers[0].Reach != "" || seen.Steps[0].Is != "" {
		t.Errorf("no longer lent: %+v, %+v", seen.Ready, seen.Steps[0])
	}
}

// Where a picture is asked for, the way in is ready with it alone.
func TestReadinessOfACamera(t *testing.T) {
	s := newFilmed(t)
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Camera: true}).want(200, nil)
	s.cinema.show(event.PictureProving)
	if v := s.phone.seen(s.visit); v.Ready.Ready || v.Ready.Camera == nil || v.Ready.Camera.Ready || !v.Filmed || v.Picture.FreshFor != 0 {
		t.Errorf("proving: %+v", v.Ready)
	}
	s.cinema.show("")
	if v := s.phone.seen(s.visit); !v.Ready.Ready || !v.Ready.Camera.Ready || v.Picture.FreshFor <= 0 || v.Picture.FreshFor > 2*event.Second {
		t.Errorf("live: %+v, %+v", v.Ready, v.Picture)
	}
	s.open()
	if v := s.phone.seen(s.visit); v.Ready != nil || v.MayLeave || v.Steps[0].ShutBy == 0 || !v.Steps[0].Secures {
		t.Errorf("open: %+v", v)
	}
}

// What is personal of a stop waits until the visit is near, and is for the device that brings it.
func TestStopsTellWhatIsNear(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	h.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, AskPets: true,
		PlanB: []api.Fallback{{Kind: event.FallbackNeighbour, Who: "M. Petit, porte 3"}}}).want(200, nil)
	anna := w.courier("anna")
	b := w.booking(h, 1)
	b.Window.From, b.Window.To = w.clock.now().Add(3*time.Hour), w.clock.now().Add(4*time.Hour)
	var d api.Delivery
	w.merchant("grocer").post("/v1/deliveries", b, &d)
	w.assign(d.ID, anna.courier)
	var stops api.Stops
	anna.get("/v1/courier/stops", &stops)
	if one := stops.Stops[0]; one.Near || one.Deliveries[0].PlanB != nil || one.Deliveries[0].Fallbacks != nil || one.Deliveries[0].Questions != nil {
		t.Errorf("far: %+v", one)
	}
	w.clock.advance(90 * time.Minute)
	anna.get("/v1/courier/stops", &stops)
	if one := stops.Stops[0]; !one.Near || len(one.Deliveries[0].Fallbacks) != 2 {
		t.Errorf("near: %+v", one)
	}
}

// A household hears how many stops come before theirs where the windows tell it, near the time, and not at all otherwise.
func TestStopsBefore(t *testing.T) {
	w := newWorld(t)
	anna, shop := w.courier("anna"), w.merchant("grocer")
	first, ours, began := w.home(), w.home(), w.clock.now().Truncate(time.Second)
	book := func(h *home, number int, from time.Duration) api.Delivery {
		b := w.booking(h, number)
		b.Window.From, b.Window.To = began.Add(from), began.Add(6*time.Hour)
		var d api.Delivery
		shop.post("/v1/deliveries", b, &d)
		return d
	}
	before := func() *int { return ours.look().Deliveries[0].StopsBefore }
	says := func(when string, want int) {
		t.Helper()
		if n := before(); n == nil || *n != want {
			t.Errorf("%s: %v, not %d", when, n, want)
		}
	}
	silent := func(when string) {
		t.Helper()
		if n := before(); n != nil {
			t.Errorf("%s: %d", when, *n)
		}
	}
	d := book(ours, 1, 3*time.Hour)
	silent("nobody brings it yet")
	w.assign(d.ID, anna.courier)
	silent("three hours before")
	w.clock.advance(90 * time.Minute)
	says("alone", 0)
	earlier := book(first, 2, 2*time.Hour)
	w.assign(earlier.ID, anna.courier)
	says("another stop first", 1)
	w.assign(book(first, 3, 4*time.Hour).ID, anna.courier)
	says("two parcels for that stop", 1)
	after := w.home()
	w.assign(book(after, 4, 4*time.Hour).ID, anna.courier)
	says("one after", 1)
	underway := granted(t, anna.approach(first)).Visit.ID
	says("at the stop before", 1)
	granted(t, anna.act(underway, "leave", nil))
	w.clock.advance(31 * time.Minute)
	granted(t, anna.approach(after))
	silent("at the stop after, which was planned for later")
	w.assign(book(w.home(), 5, 3*time.Hour).ID, anna.courier)
	silent("one at the same time")
}

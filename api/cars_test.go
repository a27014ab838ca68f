package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// parked is a car, 200 metres north of its reference address unless it is moved.
type parked struct {
	readable
	stands *stands
}

// stands is how a car can be found.
type stands struct {
	mu     sync.Mutex
	at     device.Located
	err    error
	flash  []device.Signal
	looked int
}

const north = latitude + 200.0/111_195

func newStands() *stands {
	return &stands{at: device.Located{Latitude: north, Longitude: longitude, Motion: event.MotionParked}}
}

func (s *stands) change(change func(*stands)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *stands) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looked
}

func (s *stands) flashed() []device.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]device.Signal(nil), s.flash...)
}

func (p parked) Locate(context.Context) (device.Located, error) {
	p.stands.mu.Lock()
	defer p.stands.mu.Unlock()
	p.stands.looked++
	now := time.Now()
	at := p.stands.at
	if at.ReceivedAt = now; at.At.IsZero() {
		at.At = now
	}
	return at, p.stands.err
}

func (parked) Signals() []device.Signal {
	return []device.Signal{device.SignalFlash, device.SignalHonk}
}

func (p parked) Signal(_ context.Context, s device.Signal) (event.Outcome, error) {
	p.stands.mu.Lock()
	defer p.stands.mu.Unlock()
	p.stands.flash = append(p.stands.flash, s)
	return event.Done, nil
}

// driveway is a household with a car instead of a door.
func (w *world) driveway(shop caller) *home {
	w.t.Helper()
	h := w.empty(shop)
	h.barrier, h.door = h.addCar("car")
	var ap api.AccessPoint
	h.post("/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.barrier, By: event.PermitRemote}}, Radius: 30,
		Position: api.Centre{Latitude: latitude, Longitude: longitude}, Name: "The car", Vehicle: &api.VehicleTerms{Reveals: event.RevealsCar}}, &ap)
	if ap.Car == nil || ap.Car.Within != 300 || ap.Car.Reveals != event.RevealsCar {
		w.t.Fatalf("added as %+v", ap.Car)
	}
	h.place, h.car = ap.ID, w.stands[event.DeviceID(string(h.site)+".car")]
	return h
}

// addCar reserves a car, makes it a barrier and works it by hand.
func (h *home) addCar(name string) (event.BarrierID, *door) {
	h.w.t.Helper()
	id := event.DeviceID(string(h.site) + "." + name)
	h.w.operator().post("/v1/devices", api.DeviceRequest{ID: id, Site: h.site, Connector: "fake", Config: json.RawMessage(`{"car":true,"secret":"YV1CANARY00000017"}`)}, nil)
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: id, Is: event.Cabin}, &b)
	h.w.mu.Lock()
	d := h.w.doors[id]
	h.w.mu.Unlock()
	await[event.BarrierObserved](h.w, h.site) // asked how it stands: what moved before that answer would be past
	d.move(event.BoltUnlocked, event.ContactOpen)
	d.move(event.BoltLocked, event.ContactClosed)
	await[event.BarrierEnrolled](h.w, h.site)
	return b.ID, d
}

// bound books a delivery to the car, and assigns it.
func (w *world) bound(shop caller, h *home, p phone, numbers ...int) api.Delivery {
	w.t.Helper()
	d := w.book(shop, h, numbers...)
	h.post("/v1/home/deliveries/"+string(d.ID)+"/consent", nil, nil)
	w.assign(d.ID, p.courier)
	return d
}

// A courier is near a car where the car was found, not at the address; plan B is followed at either.
func TestACourierIsNearTheCarItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop := w.merchant("grocer")
	h := w.driveway(shop)
	p := w.courier("anna")
	d := w.bound(shop, h, p, 1)
	outside := event.Fallback{Kind: event.FallbackOutside}
	rules := event.Rules{Dwell: event.Minute, Climb: event.Minute, PlanB: []event.Fallback{outside, outside, outside}}
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorMember, ID: string(h.member)}}
	_, err := w.dispatcher.Do(t.Context(), h.site, site.Command{Facts: facts, Do: site.SetRules{Rules: rules}})
	must(t, err)
	a := p.approach(h)
	found := await[event.VehicleFound](w, h.site)
	if found.Code != "" || found.Seen.Distance < 199 || found.Seen.Distance > 201 {
		t.Fatalf("found %+v", found)
	}
	visit := "/v1/courier/visits/" + string(a.Visit.ID) + "/arrive"
	for metres, code := range map[float64]event.Code{0: event.WrongPlace, 240: event.WrongPlace, 190: ""} {
		var answer api.Answer
		p.post(visit, map[string]any{"position": w.at(metres)}, &answer)
		if got := refusal(answer); got != code {
			t.Errorf("%v metres north of the address: %q", metres, got)
		}
	}
	for metres, code := range map[float64]event.Code{0: "", 100: event.WrongPlace, 205: ""} {
		var answer api.Answer
		p.post("/v1/courier/deliveries/"+string(d.ID)+"/plan-b", map[string]any{"nobody": true, "position": w.at(metres)}, &answer)
		if got := refusal(answer); got != code {
			t.Errorf("plan B, %v metres north of the address: %q", metres, got)
		}
	}
}

// What can't be left in a car comes to its reference address, where nobody chose otherwise, and is handed over there: not at
// the car, and not at the household's own address where that is another.
func TestAParcelForACarComesToItsReferenceAddress(t *testing.T) {
	t.Parallel()
	j := newJourney(t)
	var home api.AccessPoint
	office := api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: j.home.barrier, By: event.PermitRemote}}, Radius: 30, Address: "3 quai du Bureau",
		Position: api.Centre{Latitude: latitude, Longitude: longitude}, Vehicle: &api.VehicleTerms{Reveals: event.RevealsCar}}
	j.home.post("/v1/home/access-points", office, &home)
	if home.Address != office.Address || j.home.look().AccessPoints[1].Address != office.Address {
		t.Errorf("added as %+v", home)
	}
	var stops api.Stops
	j.phone.get("/v1/courier/stops", &stops)
	if f := stops.Stops[0].Deliveries[0].Fallbacks; len(f) != 2 || f[0].Kind != event.FallbackReference || !f[0].Next || f[1].Kind != event.FallbackDepot {
		t.Errorf("plan B: %+v", f)
	}
	path := "/v1/courier/deliveries/" + string(j.of) + "/plan-b"
	for _, metres := range []float64{200, 100} {
		var a api.Answer
		j.phone.post(path, api.PlanBRequest{Position: j.w.at(metres)}, &a)
		if refusal(a) != event.WrongPlace || !strings.HasPrefix(a.Refused.Text, "You are too far from the address.") || strings.Contains(a.Refused.Text, "door") {
			t.Errorf("%v metres north of the address: %+v", metres, a.Refused)
		}
	}
	var a api.Answer
	j.phone.post(path, api.PlanBRequest{Position: j.w.at(5)}, &a)
	if to := await[event.DeliveryDiverted](j.w, j.home.site).To; a.Refused != nil || to.Kind != event.FallbackReference {
		t.Errorf("at the address: %+v, %+v", a.Refused, to)
	}
	j.home.place = home.ID
	d := j.w.bound(j.shop, j.home, j.phone, 2)
	j.phone.get("/v1/courier/stops", &stops)
	if s := stops.Stops[0]; s.Deliveries[0].Delivery != d.ID || s.Address != office.Address {
		t.Errorf("the courier is sent to %+v", s)
	}
}

func refusal(a api.Answer) event.Code {
	if a.Refused == nil {
		return ""
	}
	return a.Refused.Code
}

package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// What must be told of a car to nobody but those who are to find it, and to nobody at all.
const (
	plate  = "AB-123-CV"
	model  = "Volvo V60 canary"
	colour = "canary blue"
	pillar = "level 2, canary pillar"
	vin    = "YV1CANARY00000017"
	carLat = "48.8601" // where it stands, as far as four digits tell
)

// looks describes the home's car as people know it apart.
func (h *home) looks() {
	h.w.t.Helper()
	path := "/v1/home/access-points/" + string(h.place) + "/car"
	h.send("PUT", path, api.CarLooks{Plate: " " + plate, Make: model, Colour: colour}).want(200, nil)
	h.send("POST", path+"/picture", snapshot(h.w.t, 40), "Content-Type", "image/jpeg").want(200, nil)
	h.post(path+"/spot", api.SpotRequest{Spot: pillar}, nil)
	awaitWhere(h.w, h.site, func(b event.VehicleFound) bool { return b.Round == event.RoundSpot })
}

// A household says what its car looks like and where it stands; what it says is sealed, and goes with the place.
func TestAHouseholdDescribesItsCar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.driveway(w.merchant("grocer"))
	path := "/v1/home/access-points/" + string(h.place) + "/car"
	h.looks()
	c := h.look().AccessPoints[0].Car
	if c == nil || c.Plate != plate || c.Make != model || c.Colour != colour || !c.Picture || c.Spot != pillar || c.Described == 0 || c.Indoors || c.Looked.At == 0 || c.Looked.Code != "" {
		t.Fatalf("the car: %+v", c)
	}
	if r := h.send("GET", path+"/picture", nil).want(200, nil); bytes.Contains(r.body, []byte(secretPlace)) || r.header.Get("Content-Type") != "image/jpeg" {
		t.Error("the picture tells where it was taken")
	}
	var indoors api.HomeCar
	h.post(path+"/spot", api.SpotRequest{Indoors: true}, &indoors)
	if !indoors.Indoors || indoors.Spot != "" || len(indoors.Usual) != 1 || indoors.Usual[0] != pillar {
		t.Errorf("indoors: %+v", indoors)
	}
	h.usualSpots(path)
	h.send("POST", path+"/spot", api.SpotRequest{Spot: "   "}).problem(422, "invalid")
	h.send("POST", path+"/picture", "no picture", "Content-Type", "image/jpeg").problem(422, "photo")
	h.send("PUT", path, api.CarLooks{Plate: strings.Repeat("A", 17)}).problem(422, "invalid")
	journal := string(get(json.Marshal(w.journal(h.site)))(t)) + w.logs.String()
	for _, secret := range []string{plate, model, colour, pillar, carLat} {
		if strings.Contains(journal, secret) {
			t.Errorf("%q was written down", secret)
		}
	}
	other := w.empty(w.merchant("butcher"))
	other.send("PUT", path, api.CarLooks{}).problem(404, "not-found")
	other.send("GET", path+"/picture", nil).problem(404, "not-found")
	h.send("DELETE", path+"/picture", nil).want(204, nil)
	h.send("GET", path+"/picture", nil).problem(404, "not-found")
	h.send("POST", path+"/picture", snapshot(t, 40), "Content-Type", "image/jpeg").want(200, nil)
	h.send("DELETE", "/v1/home/access-points/"+string(h.place), nil).want(204, nil)
	for _, name := range []string{"car-looks/", "car-picture/", "car-spot/", "car-usual/", "spot/", "parked/"} {
		if _, err := w.store.Value(t.Context(), h.site, name+string(h.place)); err == nil {
			t.Errorf("%s outlives the place", name)
		}
	}
}

// usualSpots: where a car usually stands is kept like where it was said to stand, in place of it, and joined by it; whoever
// says nothing of it changes nothing.
func (h *home) usualSpots(path string) {
	t := h.w.t
	t.Helper()
	looks := api.CarLooks{Plate: plate, Make: model, Colour: colour}
	says := func(want []string, said ...string) {
		t.Helper()
		var got api.HomeCar
		h.send("PUT", path, api.CarDescription{CarLooks: looks, Usual: said}).want(200, &got)
		if !slices.Equal(got.Usual, want) {
			t.Errorf("%q usually stands at %q", said, got.Usual)
		}
	}
	says([]string{pillar, "in the yard"}, " "+pillar, "", "in  the yard", pillar)
	says([]string{pillar, "in the yard"})
	for _, said := range [][]string{{"", "", "", "", "", ""}, {strings.Repeat("a", 201)}} {
		h.send("PUT", path, api.CarDescription{Usual: said}).problem(422, "invalid")
	}
	says([]string{"by the tree", pillar}, "by the tree", pillar)
	var spoken api.HomeCar
	h.post(path+"/spot", api.SpotRequest{Spot: "by the station"}, &spoken)
	if want := []string{"by the station", "by the tree", pillar}; !slices.Equal(spoken.Usual, want) || spoken.Plate != plate {
		t.Errorf("after it was said where it stands: %+v", spoken)
	}
	if sealed, err := h.w.store.Value(t.Context(), h.site, "car-usual/"+string(h.place)); err != nil || bytes.Contains(sealed, []byte("by the tree")) {
		t.Errorf("kept as %+v, %v", sealed, err)
	}
}

// A door is described as no car, and a car is not added without what its opening lays open being accepted.
func TestTermsOfCars(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.home()
	h.send("PUT", "/v1/home/access-points/"+string(h.place)+"/car", api.CarLooks{}).problem(404, "not-found")
	h.send("POST", "/v1/home/barriers/"+string(h.barrier)+"/locate", nil).problem(404, "not-found")
	garage := w.empty(w.merchant("butcher"))
	car, _ := garage.addCar("car")
	ask := api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: car, By: event.PermitRemote}}, Radius: 30}
	for name, terms := range map[string]*api.VehicleTerms{"none": nil, "others": {Reveals: event.RevealsTrunk}, "too far": {Reveals: event.RevealsCar, Within: 2000}} {
		ask.Vehicle = terms
		if p := garage.send("POST", "/v1/home/access-points", ask).problem(422, "invalid"); len(p.Errors) == 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// A car says where it stands while it is set up, and to nobody from then on.
func TestACarIsLocatedWhileItIsSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.empty(w.merchant("grocer"))
	car, _ := h.addCar("car")
	at := w.stands[event.DeviceID(string(h.site)+".car")]
	at.change(func(s *stands) { s.at.At = time.Now().Add(-time.Hour) })
	path := "/v1/home/barriers/" + string(car) + "/locate"
	var p api.CarPosition
	h.post(path, nil, &p)
	if p.Position.Latitude != north || p.Age == nil || p.Age.Duration() < time.Hour || p.Moving {
		t.Errorf("it stands at %+v", p)
	}
	at.change(func(s *stands) { s.err = fmt.Errorf("volvo: %w", device.ErrAsleep) })
	h.send("POST", path, nil).problem(504, "car-asleep")
	at.change(func(s *stands) { s.err = &device.BusyError{RetryAt: time.Now().Add(90 * time.Second)} })
	if r := h.send("POST", path, nil); r.problem(503, "car-busy").Detail == "" || r.header.Get("Retry-After") < "8" {
		t.Errorf("busy: %v", r.header)
	}
	h.send("POST", path, nil).problem(429, "too-many")
	w.clock.advance(time.Minute)
	h.post("/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: car, By: event.PermitRemote}}, Radius: 30,
		Position: p.Position, Vehicle: &api.VehicleTerms{Reveals: event.RevealsCar}}, nil)
	asked := at.asked()
	h.send("POST", path, nil).problem(409, "car-set-up")
	if at.asked() != asked {
		t.Error("it was asked")
	}
}

// Neither another opening of a car in use nor an enrolment that was never finished lets a member follow whoever drives it.
func TestACarIsNotLocatedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.driveway(w.merchant("grocer"))
	other, _ := h.addCar("cabin")
	asked := h.car.asked()
	h.send("POST", "/v1/home/barriers/"+string(other)+"/locate", nil).problem(409, "car-set-up")
	if h.car.asked() != asked || w.stands[event.DeviceID(string(h.site)+".cabin")].asked() != 0 {
		t.Error("the car in use was asked by its other opening")
	}
	late := w.empty(w.merchant("butcher"))
	car, _ := late.addCar("car")
	path := "/v1/home/barriers/" + string(car) + "/locate"
	w.clock.advance(59 * time.Minute)
	late.post(path, nil, nil)
	w.clock.advance(time.Minute)
	late.send("POST", path, nil).problem(409, "car-set-up")
}

// journey is a courier on the way to a car.
type journey struct {
	w     *world
	home  *home
	shop  caller
	phone phone
	visit event.VisitID
	of    event.DeliveryID
}

func newJourney(t *testing.T) *journey {
	t.Helper()
	j := &journey{w: newWorld(t)}
	j.shop = j.w.merchant("grocer")
	j.home, j.phone = j.w.driveway(j.shop), j.w.courier("anna")
	j.home.looks()
	j.of = j.w.bound(j.shop, j.home, j.phone, 1).ID
	j.visit = granted(t, j.phone.approach(j.home)).Visit.ID
	awaitWhere(j.w, j.home.site, func(b event.VehicleFound) bool { return b.Visit == j.visit })
	return j
}

func (j *journey) path(what string) string {
	return "/v1/courier/visits/" + string(j.visit) + "/" + what
}

// card is what the courier is shown of the car, so many metres north of the address.
func (j *journey) card(metres float64) (c api.CarCard) {
	j.w.t.Helper()
	j.phone.post(j.path("position"), j.w.at(metres), nil)
	j.phone.get(j.path("car"), &c)
	return c
}

// A courier is shown which car it is on the way to it, near it; far from it, and when the visit is over, nothing.
func TestWhoIsShownACar(t *testing.T) {
	t.Parallel()
	j := newJourney(t)
	var none api.CarCard
	if j.phone.get(j.path("car"), &none); none.Near || none.Plate != "" {
		t.Errorf("without a position: %+v", none)
	}
	for _, metres := range []float64{-320, 900} {
		if c := j.card(metres); c.Near || c.Plate+c.Spot+c.Direction+c.Make+c.Colour != "" || c.Distance != nil || c.Age != nil || len(c.Signals) > 0 || c.Picture {
			t.Errorf("far: %+v", c)
		}
		j.phone.send("GET", j.path("car/picture"), nil).problem(404, "not-found")
		j.phone.send("POST", j.path("signal"), api.SignalRequest{Signal: "flash"}).problem(409, "car-not-near")
	}
	vague := j.w.at(190)
	vague.Accuracy = 51
	j.phone.post(j.path("position"), vague, nil)
	var unsure api.CarCard
	if j.phone.get(j.path("car"), &unsure); unsure.Near || unsure.Plate != "" {
		t.Errorf("by a position good to 51 metres: %+v", unsure)
	}
	c := j.card(0)
	if !c.Near || c.Plate != plate || c.Make != model || c.Colour != colour || c.Spot != pillar || !c.Picture || c.There ||
		c.Distance == nil || *c.Distance < 199 || *c.Distance > 202 || c.Direction != "N" || c.Age == nil || len(c.Signals) != 2 {
		t.Errorf("near: %+v", c)
	}
	if c = j.card(190); !c.There {
		t.Errorf("at it: %+v", c)
	}
	j.phone.send("GET", j.path("car/picture"), nil).want(200, nil)
	ben := j.w.courier("ben")
	for _, what := range []string{"car", "car/picture"} {
		ben.send("GET", j.path(what), nil).problem(404, "not-found")
	}
	ben.send("POST", j.path("signal"), api.SignalRequest{Signal: "flash"}).problem(404, "not-found")
	var looks api.Looks
	j.home.get("/v1/home/looks", &looks)
	if len(looks.Looks) != 1 || looks.Looks[0].Who != "courier/anna" || !strings.Contains(looks.Looks[0].What, "car") {
		t.Errorf("the looks: %+v", looks)
	}
	j.phone.post(j.path("position"), j.w.at(0), nil)
	j.w.clock.advance(3 * time.Minute)
	if j.phone.get(j.path("car"), &c); c.Near {
		t.Errorf("by an old position: %+v", c)
	}
	j.phone.post("/v1/courier/deliveries/"+string(j.of)+"/plan-b", map[string]any{"position": j.w.at(0)}, nil)
	j.phone.send("GET", j.path("car"), nil).problem(404, "not-found")
}

// Whoever has arrived is at the car for half an hour, wherever the phone is then; longer only while something stands open
// that this visit opened.
func TestAnArrivalIsNotNearForEver(t *testing.T) {
	t.Parallel()
	shown := func(j *journey) (near bool) {
		t.Helper()
		var c api.CarCard
		if j.phone.get(j.path("car"), &c); c.Near != (c.Plate != "") {
			t.Errorf("shown %+v", c)
		}
		return c.Near
	}
	j := newJourney(t)
	granted(t, j.phone.act(j.visit, "arrive", api.ArriveRequest{Position: j.w.at(195)}))
	j.w.clock.advance(29 * time.Minute)
	if !shown(j) {
		t.Error("29 minutes after the arrival the courier is shown nothing")
	}
	j.w.clock.advance(time.Minute)
	if shown(j) {
		t.Error("30 minutes after the arrival the courier is shown which car it is")
	}
	j.phone.send("GET", j.path("car/picture"), nil).problem(404, "not-found")
	j.phone.send("POST", j.path("signal"), api.SignalRequest{Signal: "flash"}).problem(409, "car-not-near")

	k := newJourney(t)
	granted(t, k.phone.scanAt(k.visit, 1, 195))
	awaitWhere(k.w, k.home.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	k.home.door.move(event.BoltUnlocked, event.ContactOpen)
	k.w.clock.advance(31 * time.Minute)
	if !shown(k) {
		t.Error("it stands open, and its courier is not shown which car it is")
	}
	k.home.door.move(event.BoltLocked, event.ContactClosed)
	k.phone.act(k.visit, "close", nil)
	awaitWhere(k.w, k.home.site, func(b event.BarrierSecured) bool { return b.Visit == k.visit })
	if shown(k) {
		t.Error("it is shut, and its courier is still shown which car it is")
	}
}

// The car flashes for its courier, as often as its maker bears.
func TestACarFlashes(t *testing.T) {
	t.Parallel()
	j := newJourney(t)
	j.card(100)
	var s api.Signalled
	j.phone.post(j.path("signal"), api.SignalRequest{Signal: "flash"}, &s)
	j.phone.post(j.path("signal"), api.SignalRequest{Signal: "honk"}, nil)
	j.phone.post(j.path("signal"), api.SignalRequest{Signal: "flash"}, nil)
	j.phone.send("POST", j.path("signal"), api.SignalRequest{Signal: "flash"}).problem(429, "too-many")
	j.phone.send("POST", j.path("signal"), `{"signal":"open"}`).problem(422, "invalid")
	if got := fmt.Sprint(j.home.car.flashed()); s.Outcome != event.Done || got != "[flash honk flash]" || j.home.door.openings() != 0 {
		t.Errorf("%s: %v", s.Outcome, got)
	}
}

// What stands against opening a car is told in words, and which car it is not.
func TestACarThatMayNotBeOpenedIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop := w.merchant("grocer")
	h, p := w.driveway(shop), w.courier("anna")
	h.looks()
	w.bound(shop, h, p, 1)
	h.car.change(func(s *stands) { s.at.Latitude = latitude + 0.0045 }) // 500 metres from the address
	j := &journey{w: w, home: h, phone: p, visit: granted(t, p.approach(h)).Visit.ID}
	found := awaitWhere(w, h.site, func(b event.VehicleFound) bool { return b.Visit == j.visit })
	if c := j.card(450); found.Code != event.CarTooFar || c.Near {
		t.Errorf("%s: %+v", found.Code, c)
	}
	var v api.Visit
	p.get("/v1/courier/visits/"+string(j.visit), &v)
	if v.Car == nil || v.Car.Looked.Code != event.CarTooFar || v.Car.Looked.Text == "" || v.Car.Reveals != event.RevealsCar {
		t.Errorf("the visit's car: %+v", v.Car)
	}
	if home := h.look(); home.Visits[0].Car == nil || home.AccessPoints[0].Car.Spot != "" || home.AccessPoints[0].Car.Described != 0 {
		t.Errorf("the car moved, and the household sees %+v", home.AccessPoints[0].Car)
	}
}

// A car that has moved a little is found all the same, and its household is asked where it stands now.
func TestASpotIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop := w.merchant("grocer")
	h, p := w.driveway(shop), w.courier("anna")
	h.looks()
	w.bound(shop, h, p, 1)
	h.car.change(func(s *stands) { s.at.Latitude = latitude + 0.001 })
	j := &journey{w: w, home: h, phone: p, visit: granted(t, p.approach(h)).Visit.ID}
	await[event.SpotAsked](w, h.site)
	if c := h.look().AccessPoints[0].Car; !c.Asked || c.Spot != "" || len(c.Usual) != 1 {
		t.Errorf("the household is asked by %+v", c)
	}
	if c := j.card(100); !c.Near || c.Plate != plate || c.Spot != "" {
		t.Errorf("the courier finds it by %+v", c)
	}
	h.post("/v1/home/access-points/"+string(h.place)+"/car/spot", api.SpotRequest{Spot: "before the bakery"}, nil)
	if c := h.look().AccessPoints[0].Car; c.Asked || c.Spot != "before the bakery" {
		t.Errorf("and then by %+v", c)
	}
	if c := j.card(100); c.Spot != "before the bakery" {
		t.Errorf("the courier is told %+v", c)
	}
}

// How far a courier is from a car is told near it alone: three distances from afar would tell where it stands.
func TestDistancesDoNotTellWhereACarStands(t *testing.T) {
	t.Parallel()
	j := newJourney(t)
	far := refused(t, j.phone.act(j.visit, "arrive", api.ArriveRequest{Position: j.w.at(4000)}), event.WrongPlace)
	near := refused(t, j.phone.act(j.visit, "arrive", api.ArriveRequest{Position: j.w.at(0)}), event.WrongPlace)
	if strings.Contains(far.Text, "380") || !strings.Contains(near.Text, "20") || !strings.Contains(near.Text, "car") {
		t.Errorf("from afar %q, near %q", far.Text, near.Text)
	}
	var shown api.PositionShown
	j.phone.post(j.path("position"), j.w.at(1000), &shown)
	if shown.Where == nil || shown.Where.Distance < 990 || shown.Where.Distance > 1010 {
		t.Errorf("from the reference address: %+v", shown.Where)
	}
}

// What does not fit goes to plan B, before anything was opened and after.
func TestAParcelDoesNotFit(t *testing.T) {
	t.Parallel()
	j := newJourney(t)
	a := granted(t, j.phone.act(j.visit, "too-large", api.TooLargeRequest{Delivery: j.of}))
	if a.Visit == nil || a.Visit.Ended == nil && len(a.Visit.Deliveries) != 0 {
		t.Errorf("before: %+v", a.Visit)
	}
	var stops api.Stops
	j.phone.get("/v1/courier/stops", &stops)
	if d := stops.Stops[0].Deliveries[0]; !d.TooLarge || d.PlanB == nil {
		t.Errorf("the stop: %+v", d)
	}
	if d := j.home.look().Deliveries[0]; !d.TooLarge {
		t.Errorf("the household sees %+v", d)
	}
	refused(t, j.phone.approach(j.home), event.ParcelDoesNotFit)

	k := newJourney(t)
	granted(t, k.phone.act(k.visit, "scan", api.ScanRequest{Text: sscc(1), Position: k.w.at(190)}))
	awaitWhere(k.w, k.home.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	k.home.door.move(event.BoltUnlocked, event.ContactOpen)
	if a = granted(t, k.phone.act(k.visit, "too-large", api.TooLargeRequest{Delivery: k.of})); a.Visit == nil || !a.Visit.Deliveries[0].TooLarge {
		t.Errorf("after: %+v", a.Visit)
	}
	k.home.door.move(event.BoltLocked, event.ContactClosed)
	granted(t, k.phone.act(k.visit, "close", nil))
	awaitWhere(k.w, k.home.site, func(b event.BarrierSecured) bool { return b.Visit == k.visit })
	granted(t, k.phone.act(k.visit, "leave", nil))
	if d := k.home.look().Deliveries[0]; !d.TooLarge || d.PlanB == nil {
		t.Errorf("the household sees %+v", d)
	}
}

// Between visits nobody is shown how a car stands, unless its household has it watched: then the household alone.
func TestARestingCarSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.driveway(w.merchant("grocer"))
	w.until(t, "it rests", func() bool { return h.look().Barriers[0].Resting })
	if b := h.look().Barriers[0]; b.Seen.Bolt != "" || b.Seen.Contact != "" || b.Seen.ReachedAt != 0 {
		t.Errorf("resting: %+v", b.Seen)
	}
	operator := w.operator()
	dev := "/v1/devices/" + string(h.site) + ".car"
	listed := func() api.DeviceState {
		var page api.DeviceStates
		operator.get("/v1/devices?device="+string(h.site)+".car", &page)
		return page.Devices[0]
	}
	if d := listed(); d.Car == nil || d.Bolt != "" || d.Contact != "" || d.Battery != 0 || d.Trouble == api.TroubleSilent {
		t.Errorf("the operator sees %+v", d)
	}
	var read api.DeviceReading
	operator.post(dev+"/read", nil, &read)
	if read.Bolt != "" || read.Contact != "" || read.Battery != 0 || read.DeviceAt != 0 || read.At == 0 {
		t.Errorf("the operator reads %+v", read)
	}
	rules := h.look().Rules
	rules.WatchCars = true
	h.send("PUT", "/v1/home/rules", rules).want(200, nil)
	if got := h.look().Rules; !got.WatchCars {
		t.Errorf("the rules: %+v", got)
	}
	w.until(t, "it is listened to", func() bool {
		h.door.move(event.BoltUnlocked, event.ContactClosed)
		return h.look().Barriers[0].Seen.Bolt == event.BoltUnlocked
	})
	if d := listed(); d.Bolt != "" || d.Heard != 0 {
		t.Errorf("watched for its household, and the operator sees %+v", d)
	}
	h.car.change(func(s *stands) { s.err = fmt.Errorf("volvo: %w", device.ErrRevoked) })
	h.post("/v1/home/access-points/"+string(h.place)+"/car/spot", api.SpotRequest{Spot: "in the yard"}, nil)
	awaitWhere(w, h.site, func(b event.VehicleFound) bool { return b.Code == event.CarRevoked })
	if d := listed(); d.Trouble != api.TroubleRevoked || d.Car.Code != event.CarRevoked || d.Car.Title == "" || d.Heard == 0 {
		t.Errorf("revoked: %+v", d)
	}
}

// Whatever is told of a car's visit, during it and after, is told to those who need it: every answer that anybody can
// read, every line of the log, every word of the journal and of what is told outside.
func TestNobodyElseIsToldOfACar(t *testing.T) {
	t.Parallel()
	j := newJourney(t)
	j.w.api.SetHeartbeat(5 * time.Millisecond)
	s := &stage{w: j.w, home: j.home, shop: j.shop, phone: j.phone, delivery: j.of, visit: j.visit, guest: j.home.member}
	answers := j.overhear(t)
	for name, walk := range map[string]func(){
		"far":    func() { j.card(900) },
		"nearby": func() { j.card(100) },
	} {
		walk()
		j.walk(t, s, name)
		j.ask(t, s)
	}
	granted(t, j.phone.scanAt(j.visit, 1, 195))
	j.phone.finish(j.home, j.visit)
	j.walk(t, s, "afterwards")
	j.ask(t, s)
	j.home.send("POST", "/v1/home/deliveries/"+string(j.of)+"/block", nil)
	for _, what := range []string{"approach", "position", "arrive", "signal", "scan", "deposit", "close", "leave", "plan-b", "too-large", "read", "locate", "block"} {
		if answers[what] == 0 {
			t.Errorf("nobody heard an answer to %s", what)
		}
	}
	journal := string(get(json.Marshal(j.w.journal(j.home.site)))(t)) + j.w.logs.String()
	for _, secret := range append(personal, nowhere...) {
		if strings.Contains(journal, secret) {
			t.Errorf("%q was written down", secret)
		}
	}
	for _, name := range []string{"car/" + string(j.visit), "parked/" + string(j.home.place)} {
		if _, err := j.w.store.Value(t.Context(), j.home.site, name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("where it stood is kept after the visit as %s: %v", name, err)
		}
	}
	if n := j.w.api.Positions(); n != 0 {
		t.Errorf("%d positions are kept", n)
	}
}

// personal is told to the household, and to the courier near the car; nowhere is where it stands, and what nobody is told.
var (
	personal = []string{plate, model, colour, pillar}
	nowhere  = []string{carLat, vin, "odometer", "fuel"}
)

// walk reads everything that can be read by anybody, and looks for what they must not be told.
func (j *journey) walk(t *testing.T, s *stage, when string) {
	t.Helper()
	readers := []struct {
		name  string
		by    caller
		knows map[string]bool
	}{
		{"the operator", j.w.operator(), nil},
		{"the merchant", j.shop, nil},
		{"the carrier", j.w.key("carrier", "swift"), nil},
		{"another courier", j.w.courier("ben").caller, nil},
		{"another household", j.w.empty(j.w.merchant("butcher")).caller, nil},
		{"the courier", j.phone.caller, map[string]bool{"getVisitCar": when == "nearby"}},
		{"the household", j.home.caller, map[string]bool{"getHome": true, "exportHome": true}},
	}
	for _, op := range operations(t) {
		if op.method != http.MethodGet {
			continue
		}
		for _, r := range readers {
			body := r.by.raw(s.filled(op.path), "")
			if strings.HasSuffix(op.path, "/events") {
				body += r.by.raw(s.filled(op.path), string(j.home.site)+"-0")
			}
			for _, secret := range nowhere {
				if strings.Contains(body, secret) {
					t.Errorf("%s: %s tells %s %q", when, op.id, r.name, secret)
				}
			}
			for _, secret := range personal {
				if strings.Contains(body, secret) && !r.knows[op.id] {
					t.Errorf("%s: %s tells %s %q", when, op.id, r.name, secret)
				}
			}
		}
	}
}

// overhear counts the answers to whatever is sent from now on, by what was asked, and looks in each for what it must not tell.
func (j *journey) overhear(t *testing.T) map[string]int {
	answers := map[string]int{}
	j.w.heard = func(method, path, body string) {
		if method == http.MethodGet {
			return // what anybody reads is walked through
		}
		answers[path[strings.LastIndex(path, "/")+1:]]++
		for _, secret := range append(slices.Clone(personal), nowhere...) {
			if strings.Contains(body, secret) {
				t.Errorf("the answer to %s %s tells %q: %s", method, path, secret, body)
			}
		}
	}
	return answers
}

// ask sends what those may send who have to do with the visit, and what those try who have not. What they are answered is
// overheard.
func (j *journey) ask(t *testing.T, s *stage) {
	t.Helper()
	here := map[string]any{"position": j.w.at(100)}
	j.phone.send("POST", "/v1/courier/approach", api.ApproachRequest{Site: j.home.site, AccessPoint: j.home.place, ETA: j.w.clock.now().Add(time.Minute)})
	j.phone.send("POST", j.path("position"), j.w.at(100))
	j.phone.send("POST", j.path("arrive"), here)
	j.phone.send("POST", j.path("signal"), api.SignalRequest{Signal: "flash"})
	j.phone.send("POST", j.path("scan"), api.ScanRequest{Text: sscc(1), Position: j.w.at(900)})
	j.phone.send("POST", j.path("too-large"), api.TooLargeRequest{Delivery: "none"})
	j.phone.send("POST", "/v1/courier/deliveries/"+string(j.of)+"/plan-b", map[string]any{"position": j.w.at(900)})
	j.w.operator().send("POST", "/v1/devices/"+string(j.home.site)+".car/read", nil)
	j.home.send("POST", "/v1/home/barriers/"+string(j.home.barrier)+"/locate", nil)
	strangers := map[string][]caller{"deviceProof": {j.w.courier("ben").caller}, "sessionCookie session": {j.w.empty(j.w.merchant("butcher")).caller},
		"apiKey": {j.w.merchant("florist"), j.w.key("carrier", "slow")}}
	for _, op := range operations(t) {
		for _, stranger := range strangers[expected(op.path)] {
			if op.method == http.MethodPost && strings.Contains(op.path, "{") {
				stranger.send(op.method, s.filled(op.path), s.meant(op.method+" "+op.path))
			}
		}
	}
}

// raw reads an answer; of a stream, from after an event on or from now on, until it says that it is still there, and so has
// said everything.
func (c caller) raw(path, last string) string {
	c.w.t.Helper()
	req := get(http.NewRequestWithContext(c.w.t.Context(), http.MethodGet, c.w.url+path, nil))(c.w.t)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	c.sign(req, nil)
	res, err := c.w.transport.RoundTrip(req)
	must(c.w.t, err)
	defer res.Body.Close()
	if res.Header.Get("Content-Type") != "text/event-stream" {
		return string(get(io.ReadAll(res.Body))(c.w.t))
	}
	var said strings.Builder
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), ":") {
		said.WriteString(lines.Text() + "\n")
	}
	must(c.w.t, lines.Err())
	return said.String()
}

func (p phone) scanAt(v event.VisitID, n int, metres float64) api.Answer {
	p.w.t.Helper()
	return p.act(v, "scan", api.ScanRequest{Text: sscc(n), Position: p.w.at(metres)})
}

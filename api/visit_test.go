package api_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

func TestDeliveryEndToEnd(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	anna := w.courier("anna")
	d := w.book(shop, h, 1)
	w.assign(d.ID, anna.courier)

	var stops api.Stops
	anna.get("/v1/courier/stops", &stops)
	if len(stops.Stops) != 1 || stops.Stops[0].Name != "Front door" || stops.Stops[0].Position == nil || stops.Stops[0].Address == "" {
		t.Fatalf("the stop: %+v", stops)
	}
	visit := granted(t, anna.approach(h)).Visit.ID
	a := granted(t, anna.scan(visit, 1))
	if a.Visit.Steps[0].Asked == nil {
		t.Fatal("the last scan asked for no opening")
	}
	anna.finish(h, visit)

	var after api.Delivery
	shop.get("/v1/deliveries/"+string(d.ID), &after)
	if after.Status != "delivered" || after.How != event.EndSecured {
		t.Errorf("the delivery: %+v", after)
	}
	if n := h.door.openings(); n != 1 {
		t.Errorf("%d openings", n)
	}
	var seen api.Visit
	anna.get("/v1/courier/visits/"+string(visit), &seen)
	if seen.Ended == nil || seen.Ended.How != event.EndSecured || seen.Arrived == 0 {
		t.Errorf("the ended visit: %+v", seen)
	}
}

// A one-time code is shown once it is confirmed, again to whoever has it, and stands in no journal and no answer
// that is kept.
func TestOneTimeCode(t *testing.T) {
	w := newWorld(t)
	h := w.homeOf(w.merchant("grocer"), event.PermitCode)
	anna := w.courier("anna")
	d := w.book(w.merchant("grocer"), h, 1)
	w.assign(d.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	body := api.OpenRequest{Barrier: h.barrier, Position: w.at(5)}
	refused(t, anna.act(visit, "code", body), event.NotOpened)
	granted(t, anna.scan(visit, 1))
	awaitWhere(w, h.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })

	path := "/v1/courier/visits/" + string(visit) + "/code"
	var first, again, repeated api.Answer
	anna.send("POST", path, body, "Idempotency-Key", "c").want(200, &first)
	anna.send("POST", path, body, "Idempotency-Key", "c").want(200, &repeated)
	anna.send("POST", path, body).want(200, &again)
	if len(first.Code) != 6 || again.Code != first.Code || repeated.Code != first.Code {
		t.Errorf("codes %q, %q, %q", first.Code, again.Code, repeated.Code)
	}
	if n := count[event.CodeShown](w, h.site); n != 1 {
		t.Errorf("%d showings", n)
	}
	refused(t, w.courier("ben").act(visit, "code", body), event.WrongCourier)
	if strings.Contains(string(get(json.Marshal(w.journal(h.site)))(t)), first.Code) {
		t.Error("the code is in the journal")
	}
	var seen api.Visit
	anna.get("/v1/courier/visits/"+string(visit), &seen)
	if seen.Steps[0].Asked == nil || seen.Steps[0].Asked.Shown == 0 {
		t.Errorf("the step: %+v", seen.Steps[0])
	}
}

func TestRefusals(t *testing.T) {
	s := newStage(t)
	far := refused(t, s.phone.act(s.visit, "arrive", api.ArriveRequest{Position: s.w.at(300)}), event.WrongPlace)
	if !strings.Contains(far.Text, "30") {
		t.Errorf("not told how far: %q", far.Text)
	}
	if far.PlanB == nil || far.PlanB.Kind != event.FallbackDepot || far.PlanB.Text == "" {
		t.Errorf("plan B: %+v", far.PlanB)
	}
	refused(t, s.phone.act(s.visit, "arrive", api.ArriveRequest{}), event.NoPosition)
	vague := s.w.at(5)
	vague.Accuracy = 400
	refused(t, s.phone.act(s.visit, "arrive", api.ArriveRequest{Position: vague}), event.PositionVague)
	old := s.w.at(5)
	old.At = old.At.Add(-time.Hour)
	refused(t, s.phone.act(s.visit, "arrive", api.ArriveRequest{Position: old}), event.PositionOld)
	refused(t, s.phone.act(s.visit, "deposit", nil), event.NotOpened)
	refused(t, s.phone.act(s.visit, "close", nil), event.NotOpened)
	r := refused(t, s.phone.scan(s.visit, 99), event.WrongParcel)
	if !strings.HasPrefix(r.Reference, string(s.home.site)+"-") {
		t.Errorf("the reference %q", r.Reference)
	}
	granted(t, s.phone.act(s.visit, "arrive", api.ArriveRequest{Position: s.w.at(5)}))
	refused(t, s.phone.act(s.visit, "open", api.OpenRequest{Barrier: s.home.barrier, Position: s.w.at(5)}), event.ParcelsLeft)
	refused(t, s.phone.act(s.visit, "reopen", api.OpenRequest{Barrier: s.home.barrier, Position: s.w.at(5)}), event.NotOpened)
	if n := s.home.door.openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
}

func TestTooEarlySaysWhen(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	anna := w.courier("anna")
	b := w.booking(h, 1)
	b.Window.From = w.clock.now().Add(time.Hour)
	var d api.Delivery
	w.merchant("grocer").post("/v1/deliveries", b, &d)
	w.assign(d.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	r := refused(t, anna.scan(visit, 1), event.TooEarly)
	zone := get(time.LoadLocation("Europe/Paris"))(t)
	if r.RetryAt != event.InstantOf(b.Window.From) || !strings.Contains(r.Text, b.Window.From.In(zone).Format("15:04")) {
		t.Errorf("when: %+v", r)
	}
}

func TestMissingParcel(t *testing.T) {
	s := newStage(t)
	seen := granted(t, s.phone.scan(s.visit, 1)).Visit
	var missing event.Commitment
	for _, p := range seen.Deliveries[0].Parcels {
		if !p.Scanned {
			missing = p.Parcel
		}
	}
	refused(t, s.phone.act(s.visit, "missing", api.MissingRequest{Parcel: "nothing", Position: s.w.at(5)}), event.WrongParcel)
	granted(t, s.phone.act(s.visit, "missing", api.MissingRequest{Parcel: missing, Position: s.w.at(5)}))
	s.phone.finish(s.home, s.visit)
}

func TestOfflineScanOpensNothing(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	granted(t, s.phone.act(s.visit, "scan", api.ScanRequest{Text: sscc(2), Offline: true}))
	if n := s.home.door.openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
	granted(t, s.phone.act(s.visit, "open", api.OpenRequest{Barrier: s.home.barrier, Position: s.w.at(5)}))
	s.phone.finish(s.home, s.visit)
}

func TestPlanB(t *testing.T) {
	s := newStage(t)
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60,
		PlanB: []api.Fallback{{Kind: event.FallbackNeighbour, Who: "Mr Petit, door 3"}}}).want(200, nil)
	path := "/v1/courier/deliveries/" + string(s.delivery) + "/plan-b"
	r := refused(t, s.phone.scan(s.visit, 99), event.WrongParcel)
	if r.PlanB.Who != "Mr Petit, door 3" {
		t.Errorf("plan B: %+v", r.PlanB)
	}
	var a api.Answer
	s.phone.post(path, api.PlanBRequest{Position: s.w.at(500)}, &a)
	refused(t, a, event.WrongPlace)
	// What was done is what was shown, or it is not recorded: the household may have changed the order.
	s.phone.send("POST", path, api.PlanBRequest{Step: "0123456789ab", Position: s.w.at(5)}).problem(409, "conflict")
	s.phone.post(path, api.PlanBRequest{Step: r.PlanB.Step, Position: s.w.at(500)}, &a)
	refused(t, a, event.WrongPlace)
	s.phone.post(path, api.PlanBRequest{Nobody: true, Position: s.w.at(5)}, &a)
	granted(t, a)
	s.w.courier("ben").post(path, api.PlanBRequest{Position: s.w.at(5)}, &a)
	refused(t, a, event.WrongCourier)
	// The phone repeats what it was not answered: the delivery is gone by then, and the answer is the same.
	back := api.PlanBRequest{Photo: "sha256:00ff", Position: s.w.at(5)}
	first := s.phone.send("POST", path, back, "Idempotency-Key", "b").want(200, &a)
	granted(t, a)
	if again := s.phone.send("POST", path, back, "Idempotency-Key", "b").want(200, nil); string(again.body) != string(first.body) {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	var d api.Delivery
	s.shop.get("/v1/deliveries/"+string(s.delivery), &d)
	if d.Status != "returned" {
		t.Errorf("the delivery: %+v", d)
	}
}

func TestDanger(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	granted(t, s.phone.scan(s.visit, 2))
	awaitWhere(s.w, s.home.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	awaitWhere(s.w, s.home.site, func(b event.BarrierObserved) bool {
		return b.Observation.Contact == event.ContactOpen && b.Visit == s.visit
	})
	a := granted(t, s.phone.act(s.visit, "danger", nil))
	if a.Visit.Alarm == nil || a.Visit.Alarm.Reason != event.AlarmDanger || a.Visit.Alarm.Title == "" || !a.Visit.Danger {
		t.Errorf("the visit: %+v", a.Visit)
	}
	r := refused(t, s.phone.act(s.visit, "leave", nil), event.NotSecured)
	if strings.Contains(r.Text, "Nothing was opened") || r.PlanB != nil {
		t.Errorf("while a door stands open: %+v", r)
	}
}

// Whoever bound another phone meanwhile sees nothing of the visit from there, nor does another courier of its end.
func TestVisitBelongsToOneDevice(t *testing.T) {
	s := newStage(t)
	other := s.w.newPhone()
	other.pair(get(s.w.couriers.Invite(t.Context(), "anna"))(t).Code).want(201, nil)
	other.send("GET", "/v1/courier/visits/"+string(s.visit), nil).problem(404, "not-found")
	a := other.scan(s.visit, 1)
	refused(t, a, event.WrongDevice)
	if a.Visit != nil {
		t.Errorf("shown to another phone: %+v", a.Visit)
	}
}

func TestEndedVisitIsItsCouriers(t *testing.T) {
	s := newStage(t)
	granted(t, s.phone.act(s.visit, "leave", nil))
	var seen api.Visit
	s.phone.get("/v1/courier/visits/"+string(s.visit), &seen)
	if seen.Ended == nil || seen.Ended.How != event.EndUnopened || seen.Ended.Title == "" {
		t.Errorf("the visit: %+v", seen)
	}
	s.w.courier("ben").send("GET", "/v1/courier/visits/"+string(s.visit), nil).problem(404, "not-found")
	for _, id := range []string{"-v1", "-v9999", "-v0"} {
		s.phone.send("GET", "/v1/courier/visits/"+string(s.home.site)+id, nil).problem(404, "not-found")
	}
	refused(t, s.phone.scan(s.visit, 1), event.AlreadyEnded)
}

// Stops come in the order of their windows; deliveries for one access point are one stop.
func TestStopsInOrder(t *testing.T) {
	w := newWorld(t)
	first, second := w.home(), w.homeOf(w.merchant("butcher"), event.PermitRemote)
	anna := w.courier("anna")
	book := func(h *home, n int, in time.Duration) {
		b := w.booking(h, n)
		b.Window.From = w.clock.now().Add(in)
		var d api.Delivery
		w.merchant("grocer").post("/v1/deliveries", b, &d)
		w.assign(d.ID, anna.courier)
	}
	book(second, 1, 40*time.Minute)
	book(first, 2, 30*time.Minute)
	book(second, 3, 10*time.Minute)
	var stops api.Stops
	anna.get("/v1/courier/stops", &stops)
	if len(stops.Stops) != 2 || stops.Stops[0].Site != second.site || len(stops.Stops[0].Deliveries) != 2 || stops.Stops[1].Site != first.site {
		t.Errorf("the stops: %+v", stops)
	}
}

// A stop is shown by itself as in the list, to whom it is assigned; what ended keeps its number, and where it went is
// no longer told.
func TestStopsOfADay(t *testing.T) {
	w := newWorld(t)
	first, second := w.home(), w.homeOf(w.merchant("butcher"), event.PermitRemote)
	anna := w.courier("anna")
	var booked []api.Delivery
	for i, h := range []*home{first, second} {
		d := w.book(w.merchant("grocer"), h, i+1)
		w.assign(d.ID, anna.courier)
		booked = append(booked, d)
	}
	var list api.Stops
	anna.get("/v1/courier/stops", &list)
	if list.Of != 2 || len(list.Ended) != 0 || list.Stops[0].Number != 1 || list.Stops[1].Number != 2 || list.Stops[1].Of != 2 {
		t.Fatalf("the stops: %+v", list)
	}
	var one api.Stop
	anna.get("/v1/courier/stops/"+string(second.place), &one)
	want := list.Stops[slices.IndexFunc(list.Stops, func(s api.Stop) bool { return s.AccessPoint == second.place })]
	if !reflect.DeepEqual(one, want) || one.Address == "" {
		t.Errorf("the stop: %+v, in the list: %+v", one, want)
	}
	w.courier("ben").send("GET", "/v1/courier/stops/"+string(second.place), nil).problem(404, "not-found")
	for _, id := range []string{"x", string(second.site) + "-a9999", "nowhere-a1"} {
		anna.send("GET", "/v1/courier/stops/"+id, nil).problem(404, "not-found")
	}

	anna.post("/v1/courier/deliveries/"+string(booked[0].ID)+"/plan-b", api.PlanBRequest{}, nil)
	list = api.Stops{}
	raw := anna.get("/v1/courier/stops", &list)
	if list.Of != 2 || len(list.Stops) != 1 || len(list.Ended) != 1 {
		t.Fatalf("the stops: %+v", list)
	}
	e := list.Ended[0]
	if e.Delivery != booked[0].ID || e.Status != "returned" || e.Number == list.Stops[0].Number || len(e.Parcels) != 1 || e.Parcels[0] != booked[0].Parcels[0].LastFour || e.Zone == "" {
		t.Errorf("what ended: %+v of %+v", e, booked[0])
	}
	if strings.Count(string(raw.body), "rue des Lilas") != 1 {
		t.Errorf("addresses: %s", raw.body)
	}
	anna.send("GET", "/v1/courier/stops/"+string(first.place), nil).problem(404, "not-found")
	w.clock.advance(17 * time.Hour)
	if anna.get("/v1/courier/stops", &list); len(list.Ended) != 0 {
		t.Errorf("the next day: %+v", list.Ended)
	}
}

// Plan B may be another door of the same home, named as the household names it.
func TestPlanBAtAnotherDoor(t *testing.T) {
	s := newStage(t)
	barrier, _ := s.home.addDoor("garage")
	var ap api.AccessPoint
	s.home.post("/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: barrier, By: event.PermitRemote}}, Radius: 50,
		Position: api.Centre{Latitude: latitude, Longitude: longitude}, Name: "Garage, on the left"}, &ap)
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60,
		PlanB: []api.Fallback{{Kind: event.FallbackAccessPoint, AccessPoint: ap.ID}}}).want(200, nil)
	r := refused(t, s.phone.scan(s.visit, 99), event.WrongParcel)
	if r.PlanB == nil || r.PlanB.AccessPoint != ap.ID || r.PlanB.Text != "Garage, on the left" {
		t.Errorf("plan B: %+v", r.PlanB)
	}
	var a api.Answer
	s.phone.post("/v1/courier/deliveries/"+string(s.delivery)+"/plan-b", api.PlanBRequest{Position: s.w.at(5)}, &a)
	granted(t, a)
	var d api.Delivery
	s.shop.get("/v1/deliveries/"+string(s.delivery), &d)
	if d.AccessPoint != ap.ID {
		t.Errorf("the delivery: %+v", d)
	}
}

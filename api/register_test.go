package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

func TestSite(t *testing.T) {
	s := newStage(t)
	if !regexp.MustCompile(`^[a-z0-9]{12}$`).MatchString(string(s.home.site)) {
		t.Errorf("a site named %q", s.home.site)
	}
	theirs := s.w.book(s.w.merchant("butcher"), s.home, 7)

	var merchants, operators api.Site
	s.shop.get("/v1/sites/"+string(s.home.site), &merchants)
	if merchants.Address == "" || len(merchants.AccessPoints) != 1 || merchants.AccessPoints[0].Name != "Front door" {
		t.Errorf("the merchant that opened it sees %+v", merchants)
	}
	if len(merchants.Barriers) != 0 || len(merchants.Deliveries) != 1 || merchants.Deliveries[0].ID != s.delivery {
		t.Errorf("a merchant sees the household's own business: %+v", merchants)
	}
	if ap := merchants.AccessPoints[0]; ap.Position != nil || ap.Note != "" {
		t.Errorf("a merchant sees where: %+v", ap)
	}
	s.w.operator().get("/v1/sites/"+string(s.home.site), &operators)
	if len(operators.Deliveries) != 2 || operators.Deliveries[1].ID != theirs.ID || len(operators.Barriers) != 1 {
		t.Fatalf("the operator sees %+v", operators)
	}
	b := operators.Barriers[0]
	if b.Seen.Bolt != event.BoltLocked || b.Seen.Contact != event.ContactClosed || b.Seen.BoltAt == 0 || b.Seen.Reach != event.ReachOnline || !b.Enrolled {
		t.Errorf("the barrier: %+v", b)
	}

	// Both looks are there for the household to see.
	var looks api.Looks
	s.home.get("/v1/home/looks", &looks)
	if len(looks.Looks) != 2 || looks.Looks[0].Who != "merchant/grocer" || looks.Looks[1].Who != "operator/swift" || looks.Looks[0].Key == "" {
		t.Errorf("the looks: %+v", looks)
	}
	s.home.get("/v1/home/looks?limit=1", &looks)
	first := looks.Looks[0]
	s.home.get("/v1/home/looks?limit=1&cursor="+looks.Next, &looks)
	if looks.Looks[0] == first {
		t.Error("the second page is the first")
	}
}

// Nothing personal is shown when the look can't be recorded.
func TestNoLookWithoutARecord(t *testing.T) {
	s := newStage(t)
	s.w.store.fail(func(storeAppend) error { return errSecretive })
	defer s.w.store.fail(nil)
	s.shop.send("GET", "/v1/sites/"+string(s.home.site), nil).problem(500, "internal")
}

func TestFirstMember(t *testing.T) {
	w := newWorld(t)
	shop := w.merchant("grocer")
	h := w.empty(shop)
	shop.send("POST", "/v1/sites/"+string(h.site)+"/members", api.MemberRequest{Name: "Second"}).problem(403, "forbidden")
	w.operator().send("POST", "/v1/sites/"+string(h.site)+"/members", api.MemberRequest{}).problem(403, "forbidden")
}

func TestJournalOfAnOperator(t *testing.T) {
	s := newStage(t)
	var seen []event.Event
	for after := uint64(0); ; {
		var page struct{ Events []event.Event }
		s.w.operator().get(fmt.Sprintf("/v1/sites/%s/journal?after=%d&limit=3", s.home.site, after), &page)
		if len(page.Events) == 0 {
			break
		}
		seen = append(seen, page.Events...)
		after = page.Events[len(page.Events)-1].Seq
	}
	want := s.w.journal(s.home.site)
	if len(seen) != len(want) {
		t.Fatalf("%d events of %d", len(seen), len(want))
	}
	for i := range seen {
		if !bytes.Equal(get(json.Marshal(seen[i]))(t), get(json.Marshal(want[i]))(t)) {
			t.Errorf("event %d differs", i+1)
		}
	}
}

func TestDevice(t *testing.T) {
	w := newWorld(t)
	h := w.empty(w.merchant("grocer"))
	var proves, never api.Device
	op := w.operator()
	op.post("/v1/devices", api.DeviceRequest{ID: "a", Site: h.site, Connector: "fake", Config: json.RawMessage(`{"secret":"hush"}`)}, &proves)
	r := op.send("POST", "/v1/devices", api.DeviceRequest{ID: "b", Site: h.site, Connector: "fake", Config: json.RawMessage(`{"unprovable":true}`)}).want(201, &never)
	if !proves.Provable || never.Provable || !strings.Contains(never.Text, "Nothing can prove it shut") || proves.Reach != event.ReachOnline {
		t.Errorf("%+v\n%+v", proves, never)
	}
	seen := op.get("/v1/devices/a", nil)
	if strings.Contains(string(seen.body)+string(r.body), "hush") {
		t.Errorf("the configuration is shown: %s", seen.body)
	}
	op.send("GET", "/v1/devices/c", nil).problem(404, "not-found")
	op.send("POST", "/v1/devices", api.DeviceRequest{ID: "c", Site: "nowhere", Connector: "fake", Config: json.RawMessage(`{}`)}).problem(404, "not-found")

	// Unprovable: its owner must accept that.
	bar := api.BarrierRequest{Device: "b", Is: event.ParcelBox}
	h.send("POST", "/v1/home/barriers", bar).problem(422, "invalid")
	bar.AcceptUnprovable = true
	var b api.Barrier
	h.post("/v1/home/barriers", bar, &b)
	if b.Provable || !b.AcceptUnprovable || b.Enrolled {
		t.Errorf("the barrier: %+v", b)
	}
	h.send("POST", "/v1/home/barriers", bar).problem(409, "conflict")
	h.send("DELETE", "/v1/home/barriers/"+string(b.ID), nil).want(204, nil)
	h.send("DELETE", "/v1/home/barriers/"+string(b.ID), nil).problem(404, "not-found")
}

func TestDiscover(t *testing.T) {
	var listened time.Duration
	found := []api.Found{{Connector: "mqtt", Name: "Front", Config: json.RawMessage(`{"lock":{}}`)}, {Connector: "mqtt", Refused: "no lock"}}
	var fails error
	w := newWorld(t, func(d *api.Deps) {
		d.Discover = func(_ context.Context, length time.Duration) ([]api.Found, error) {
			listened = length
			return found, fails
		}
	})
	var answer api.Discovered
	w.operator().post("/v1/devices/discover", nil, &answer)
	if len(answer.Devices) != 2 || listened != 5*time.Second {
		t.Errorf("%+v after %s", answer, listened)
	}
	w.operator().post("/v1/devices/discover", api.DiscoverRequest{Seconds: 1}, &answer)
	if listened != time.Second {
		t.Errorf("listened for %s", listened)
	}
	fails = errors.New("broker at 10.1.2.3 is away")
	r := w.operator().send("POST", "/v1/devices/discover", nil)
	r.problem(503, "no-discovery")
	if strings.Contains(string(r.body), "10.1.2.3") {
		t.Errorf("the cause is told: %s", r.body)
	}
	newWorld(t).operator().send("POST", "/v1/devices/discover", nil).problem(409, "no-discovery")
}

func TestCourier(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	h := w.home()
	d := w.book(w.merchant("grocer"), h, 1)
	assign := "/v1/deliveries/" + string(d.ID) + "/assign"

	var c api.Courier
	op.post("/v1/couriers", api.CourierRequest{ID: "anna", Name: "Anna Sommer"}, &c)
	if c.Bound {
		t.Error("bound without a device")
	}
	op.send("POST", assign, api.AssignRequest{Courier: "anna"}).problem(409, "courier-unbound")
	phone := w.newPhone()
	phone.pair("WRONGCODE").problem(403, "pairing")
	code := get(w.couriers.Invite(t.Context(), "anna"))(t).Code
	var paired api.Paired
	phone.pair(code).want(201, &paired)
	phone.pair(code).problem(403, "pairing")
	if paired.Courier != "anna" || paired.Key == "" || paired.Replaced != "" {
		t.Errorf("paired: %+v", paired)
	}
	op.get("/v1/couriers/anna", &c)
	if !c.Bound {
		t.Error("not bound")
	}
	if strings.Contains(string(op.get("/v1/couriers/anna", nil).body), "Sommer") {
		t.Error("an API key sees the name")
	}
	w.assign(d.ID, "anna")

	// A new phone: assignments that name the old key are said to be stale, and count again once assigned again.
	other := w.newPhone()
	other.pair(get(w.couriers.Invite(t.Context(), "anna"))(t).Code).want(201, &paired)
	if len(paired.Stale) != 1 || paired.Stale[0] != d.ID || paired.Replaced == "" {
		t.Errorf("paired again: %+v", paired)
	}
	phone.send("GET", "/v1/courier/stops", nil).problem(401, "device-not-bound")
	var stops api.Stops
	other.get("/v1/courier/stops", &stops)
	if len(stops.Stops) != 1 || stops.Stops[0].Near || stops.Stops[0].Address != "" || !stops.Stops[0].Deliveries[0].OtherDevice {
		t.Errorf("the new phone sees %+v", stops)
	}
	refused(t, other.approach(h), event.WrongDevice)
	w.assign(d.ID, "anna")
	granted(t, other.approach(h))
	other.get("/v1/courier/stops", &stops)
	if !stops.Stops[0].Near || stops.Stops[0].Address == "" || stops.Stops[0].Visit == "" {
		t.Errorf("assigned again, the new phone sees %+v", stops)
	}
}

// A courier sees where a delivery goes two hours before its window, and not earlier.
func TestNeedToKnow(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	anna := w.courier("anna")
	b := w.booking(h, 1)
	b.Window = api.Window{From: w.clock.now().Add(5 * time.Hour), To: w.clock.now().Add(6 * time.Hour)}
	var d api.Delivery
	w.merchant("grocer").post("/v1/deliveries", b, &d)
	w.assign(d.ID, anna.courier)
	r := anna.get("/v1/courier/stops", nil)
	for _, personal := range []string{"Lilas", "On the bench", "48.85", "Front door"} {
		if strings.Contains(string(r.body), personal) {
			t.Errorf("shown five hours before: %s", r.body)
		}
	}
	w.clock.advance(3*time.Hour + time.Minute)
	r = anna.get("/v1/courier/stops", nil)
	for _, personal := range []string{"Lilas", "On the bench", "48.85", "Front door"} {
		if !strings.Contains(string(r.body), personal) {
			t.Errorf("two hours before, %q is not shown: %s", personal, r.body)
		}
	}
}

func TestSuspension(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	h, other := w.home(), w.homeOf(w.merchant("butcher"), event.PermitRemote)
	anna := w.courier("anna")
	first, second := w.book(w.merchant("grocer"), h, 1), w.book(w.merchant("butcher"), other, 2)
	w.assign(first.ID, anna.courier)
	w.assign(second.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID

	var s api.Suspended
	op.post("/v1/couriers/anna/suspend", nil, &s)
	if len(s.Sites) != 2 || s.Courier.Suspended == 0 {
		t.Errorf("suspended: %+v", s)
	}
	for _, at := range []event.SiteID{h.site, other.site} {
		if n := count[event.CourierSuspended](w, at); n != 1 {
			t.Errorf("%d suspensions at %s", n, at)
		}
	}
	op.post("/v1/couriers/anna/suspend", nil, &s)
	if len(s.Sites) != 0 {
		t.Errorf("suspended again: %+v", s)
	}
	if a := anna.scan(visit, 1); a.Refused == nil {
		t.Error("a suspended courier's scan is granted")
	}
	op.send("POST", "/v1/deliveries/"+string(first.ID)+"/assign", api.AssignRequest{Courier: "anna"}).problem(409, "courier-suspended")
	if n := h.door.openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
	op.post("/v1/couriers/anna/reinstate", nil, nil)
	w.assign(first.ID, anna.courier)
	op.send("POST", "/v1/couriers/nobody/suspend", nil).problem(404, "not-found")
}

// Whoever presses twice in haste, or beside a colleague, is told that it is done.
func TestSuspendedByManyAtOnce(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	h := w.home()
	w.courier("anna")
	d := w.book(w.merchant("grocer"), h, 1)
	for round := 1; round <= 20; round++ {
		w.assign(d.ID, "anna")
		for _, what := range []string{"suspend", "reinstate"} {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if r := op.send("POST", "/v1/couriers/anna/"+what, nil); r.status != 200 {
						t.Errorf("%s: %d %s", what, r.status, r.body)
					}
				})
			}
			all.Wait()
		}
		if n := count[event.CourierSuspended](w, h.site); n != round {
			t.Fatalf("%d suspensions after %d rounds", n, round)
		}
	}
}

// An assignment that slips in beside a suspension is taken back.
func TestSuspensionWhileAssigning(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	anna := w.courier("anna")
	d := w.book(w.merchant("grocer"), h, 1)
	op := w.operator()
	once := false
	w.store.fail(func(a storeAppend) error {
		if a.Site == h.site && !once {
			once = true
			// The suspension looks for assignments before this one is committed.
			op.post("/v1/couriers/anna/suspend", nil, nil)
		}
		return nil
	})
	op.send("POST", "/v1/deliveries/"+string(d.ID)+"/assign", api.AssignRequest{Courier: anna.courier}).problem(409, "courier-suspended")
	w.store.fail(nil)
	var after api.Delivery
	op.get("/v1/deliveries/"+string(d.ID), &after)
	if after.Courier != "" {
		t.Errorf("still assigned to %s", after.Courier)
	}
}

func TestDeliveriesByPage(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	want := map[event.DeliveryID]bool{}
	for n := range 7 {
		want[w.book(shop, h, n+1).ID] = true
	}
	for _, path := range []string{"/v1/deliveries?limit=3", "/v1/deliveries?limit=7"} {
		seen := map[event.DeliveryID]bool{}
		for next := ""; ; {
			var page api.Deliveries
			shop.get(path+"&cursor="+next, &page)
			for _, d := range page.Deliveries {
				if seen[d.ID] {
					t.Errorf("%s twice", d.ID)
				}
				seen[d.ID] = true
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%s: %d of %d", path, len(seen), len(want))
		}
	}
	var page api.Deliveries
	w.operator().get("/v1/deliveries?merchant=grocer", &page)
	if len(page.Deliveries) != 7 {
		t.Errorf("the operator sees %d of a merchant", len(page.Deliveries))
	}
	w.operator().get("/v1/deliveries?site="+string(h.site), &page)
	if len(page.Deliveries) != 7 {
		t.Errorf("the operator sees %d of a site", len(page.Deliveries))
	}
	w.operator().send("GET", "/v1/deliveries", nil).problem(422, "invalid")
	w.key(auth.Carrier, "swift").send("GET", "/v1/deliveries", nil).problem(403, "forbidden")
}

func TestBooking(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	b := w.booking(h, 1, 2)
	b.AccessPoint, b.Parcels[1].Size = "", event.SizeLarge
	var d api.Delivery
	shop.post("/v1/deliveries", b, &d)
	if d.AccessPoint != h.place || d.Merchant != "grocer" || d.Status != "consented" || d.ParcelCount != 2 {
		t.Errorf("booked: %+v", d)
	}
	if d.Parcels[0].LastFour != sscc(1)[len(sscc(1))-4:] || d.Parcels[1].Size != event.SizeLarge {
		t.Errorf("the parcels: %+v", d.Parcels)
	}
	op := w.booking(h, 3)
	w.operator().send("POST", "/v1/deliveries", op).problem(422, "invalid")
	op.Merchant = "grocer"
	w.operator().post("/v1/deliveries", op, nil)
	w.key(auth.Carrier, "swift").send("POST", "/v1/deliveries", w.booking(h, 4)).problem(403, "forbidden")

	var cancelled api.Answer
	shop.send("DELETE", "/v1/deliveries/"+string(d.ID), nil).want(200, &cancelled)
	granted(t, cancelled)
	shop.send("DELETE", "/v1/deliveries/"+string(d.ID), nil).problem(404, "not-found")
	shop.get("/v1/deliveries/"+string(d.ID), &d)
	if d.Status != "cancelled" || len(d.Parcels) != 0 || d.ParcelCount != 2 {
		t.Errorf("cancelled: %+v", d)
	}
	var blocked api.BlockAnswer
	shop.post("/v1/deliveries/"+string(d.ID)+"/block", nil, &blocked)
	if blocked.Verdict != event.BlockEnded || blocked.Title == "" {
		t.Errorf("blocked: %+v", blocked)
	}
}

func TestLabels(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	d := w.book(shop, h, 1, 2)
	path := "/v1/deliveries/" + string(d.ID) + "/label."
	r := shop.get(path+"pdf", nil)
	if !bytes.HasPrefix(r.body, []byte("%PDF-")) || r.header.Get("Content-Type") != "application/pdf" {
		t.Errorf("a PDF as %s: %.20q", r.header.Get("Content-Type"), r.body)
	}
	for _, number := range []string{"", "?parcel=2"} {
		r = shop.get(path+"png"+number, nil)
		if _, err := png.Decode(bytes.NewReader(r.body)); err != nil || r.header.Get("Content-Type") != "image/png" {
			t.Errorf("a PNG as %s: %v", r.header.Get("Content-Type"), err)
		}
	}
	shop.send("GET", path+"png?parcel=3", nil).problem(404, "not-found")
	// The codes are erased some days after the window.
	w.clock.advance(8 * 24 * time.Hour)
	get(w.store.Sweep(t.Context(), event.InstantOf(w.clock.now())))(t)
	shop.send("GET", path+"pdf", nil).problem(410, "erased")
}

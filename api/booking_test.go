package api_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

func TestUnderOneReferenceNothingIsBookedTwice(t *testing.T) {
	w := newWorld(t)
	h, shop := w.home(), w.merchant("grocer")
	b := w.booking(h, 1)
	b.Reference = "order-4471"
	var first api.Delivery
	shop.post("/v1/deliveries", b, &first)
	again := w.booking(h, 2)
	again.Reference = b.Reference
	p := shop.send("POST", "/v1/deliveries", again).problem(http.StatusConflict, "already-booked")
	if len(p.Errors) != 1 || p.Errors[0].Field != "body.reference" {
		t.Errorf("not about the reference: %+v", p)
	}
	var found api.Deliveries
	shop.get("/v1/references/order-4471", &found)
	if len(found.Deliveries) != 1 || found.Deliveries[0].ID != first.ID {
		t.Errorf("found %+v", found)
	}
	// Another merchant's numbers are its own.
	b = w.booking(h, 3)
	b.Reference = "order-4471"
	w.merchant("butcher").post("/v1/deliveries", b, nil)
	shop.get("/v1/references/order-4471", &found)
	if len(found.Deliveries) != 1 {
		t.Errorf("a merchant sees %+v", found)
	}
	w.operator().get("/v1/references/order-4471", &found)
	if len(found.Deliveries) != 2 {
		t.Errorf("the operator sees %+v", found)
	}
	w.operator().get("/v1/references/order-1", &found)
	if len(found.Deliveries) != 0 {
		t.Errorf("what nobody booked: %+v", found)
	}
}

// An answer that was lost on the way is given again, whatever the reference says.
func TestARepeatedBookingWithAReference(t *testing.T) {
	w := newWorld(t)
	h, shop := w.home(), w.merchant("grocer")
	b := w.booking(h, 1)
	b.Reference = "order-1"
	var first, again api.Delivery
	shop.send("POST", "/v1/deliveries", b, "Idempotency-Key", "k1").want(201, &first)
	shop.send("POST", "/v1/deliveries", b, "Idempotency-Key", "k1").want(201, &again)
	if first.ID != again.ID {
		t.Errorf("booked as %s, then %s", first.ID, again.ID)
	}
}

func TestOneOfManyBooksAReference(t *testing.T) {
	w := newWorld(t)
	h, shop := w.home(), w.merchant("grocer")
	var all sync.WaitGroup
	status := make(chan int, 20)
	for i := range 20 {
		all.Go(func() {
			b := w.booking(h, 1+i)
			b.Reference = "order-1"
			status <- shop.send("POST", "/v1/deliveries", b).status
		})
	}
	all.Wait()
	close(status)
	won := 0
	for s := range status {
		if s == 201 {
			won++
		} else if s != 409 {
			t.Errorf("status %d", s)
		}
	}
	if won != 1 {
		t.Errorf("%d of them were booked", won)
	}
}

func TestReferencesAreBounded(t *testing.T) {
	w := newWorld(t)
	h, shop := w.home(), w.merchant("grocer")
	for _, bad := range []string{"two words", "a/b", "ü", string(make([]byte, 65))} {
		b := w.booking(h, 1)
		b.Reference = bad
		shop.send("POST", "/v1/deliveries", b).problem(422, "invalid")
	}
}

func TestCheckingABookingBooksNothing(t *testing.T) {
	w := newWorld(t)
	h, shop := w.home(), w.merchant("grocer")
	before := w.kinds(h.site)
	b := w.booking(h, 1)
	b.Reference, b.AccessPoint = "order-1", ""
	var seen api.BookingCheck
	shop.post("/v1/deliveries/check", b, &seen)
	if seen.Booked != "" || !seen.Consented || seen.AccessPoint != h.place || seen.ParcelCount != 1 {
		t.Errorf("%+v", seen)
	}
	if after := w.kinds(h.site); after != before {
		t.Errorf("the journal went on: %s", after)
	}
	var d api.Delivery
	shop.post("/v1/deliveries", b, &d)
	shop.post("/v1/deliveries/check", b, &seen)
	if seen.Booked != d.ID {
		t.Errorf("booked as %s, and seen as %+v", d.ID, seen)
	}
}

// What booking would refuse, the check refuses in the same words.
func TestACheckSaysWhatBookingWouldSay(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	w.book(w.merchant("grocer"), h, 9)
	for name, change := range map[string]func(*api.BookRequest){
		"no such site":       func(b *api.BookRequest) { b.Site = "elsewhere" },
		"an unreadable code": func(b *api.BookRequest) { b.Parcels[0].Code = "(00)1" },
		"an awaited code":    func(b *api.BookRequest) { b.Parcels[0].Code = sscc(9) },
		"a window gone by":   func(b *api.BookRequest) { b.Window.To = b.Window.From },
		"no such place":      func(b *api.BookRequest) { b.AccessPoint = event.AccessPointID(string(h.site) + "-a999") },
		"another's merchant": func(b *api.BookRequest) { b.Merchant = "butcher" },
		"no carrier":         func(b *api.BookRequest) { b.Carrier = "" },
		"a size of its own":  func(b *api.BookRequest) { b.Parcels[0].Size = "vast" },
		"a window of 8 days": func(b *api.BookRequest) { b.Window.To = b.Window.From.AddDate(0, 0, 8) },
		"too far in the time": func(b *api.BookRequest) {
			b.Window.From, b.Window.To = b.Window.From.AddDate(1, 0, 0), b.Window.To.AddDate(1, 0, 0)
		},
	} {
		b := w.booking(h, 1)
		change(&b)
		shop := w.merchant("grocer")
		checked, booked := shop.send("POST", "/v1/deliveries/check", b), shop.send("POST", "/v1/deliveries", b)
		var one, other api.Problem
		checked.want(booked.status, &one)
		booked.want(booked.status, &other)
		if booked.status < 400 || one.Code != other.Code || one.Detail != other.Detail {
			t.Errorf("%s: checked %d %s, booked %d %s", name, checked.status, checked.body, booked.status, booked.body)
		}
	}
}

func (w *world) couriersListed() map[event.CourierID]api.CourierState {
	w.t.Helper()
	all := map[event.CourierID]api.CourierState{}
	for next := ""; ; {
		var page api.CourierStates
		w.operator().get("/v1/couriers?limit=2&cursor="+next, &page)
		for _, c := range page.Couriers {
			all[c.ID] = c
		}
		if next = page.Next; next == "" {
			return all
		}
	}
}

func TestCouriersAreListedWithWhatTheyBring(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	anna, ben := w.courier("anna"), w.courier("ben")
	w.courier("cleo")
	d := w.book(w.merchant("grocer"), h, 1)
	w.assign(d.ID, anna.courier)
	v := granted(t, anna.approach(h)).Visit
	w.operator().post("/v1/couriers/ben/suspend", api.SuspendRequest{Reason: "lost the phone"}, nil)
	all := w.couriersListed()
	if a := all["anna"]; len(all) != 3 || !a.Bound || a.BoundAt == 0 || a.Ahead != 1 || len(a.Visits) != 1 || a.Visits[0] != v.ID {
		t.Errorf("%+v", all)
	}
	if b := all[ben.courier]; b.Suspended == 0 || b.SuspendedBy != "swift" || b.Owner != "operator/swift" {
		t.Errorf("%+v", b)
	}
	for _, c := range all {
		if c.Name != "" || c.SuspendedFor != "" {
			t.Errorf("an API key is told %+v", c)
		}
	}
	var round api.Deliveries
	w.operator().get("/v1/couriers/anna/round", &round)
	if len(round.Deliveries) != 1 || round.Deliveries[0].ID != d.ID {
		t.Errorf("the round is %+v", round)
	}
	granted(t, anna.scan(v.ID, 1))
	anna.finish(h, v.ID)
	w.until(t, "the delivery has ended", func() bool { c := w.couriersListed()["anna"]; return c.Ahead == 0 && c.Ended == 1 })
	w.operator().send("GET", "/v1/couriers/none/round", nil).problem(404, "not-found")
	w.key(auth.Carrier, "swift").send("GET", "/v1/couriers", nil).problem(403, "forbidden")
}

func TestASitesZoneIsAllThatIsShownOfIt(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	var z api.SiteZone
	w.key(auth.Operator, "swift", auth.DeliveriesRead).get("/v1/sites/"+string(h.site)+"/zone", &z)
	if z.Zone != "Europe/Paris" || !z.Open {
		t.Errorf("%+v", z)
	}
	w.operator().send("GET", "/v1/sites/nowhere/zone", nil).problem(404, "not-found")
}

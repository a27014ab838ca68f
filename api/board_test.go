package api_test

import (
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// noonZone is a zone in which it is about noon, so that no test runs over a midnight.
func (w *world) noonZone() string {
	ahead := 12 - w.clock.now().UTC().Hour()
	if ahead > 0 {
		return "Etc/GMT-" + strconv.Itoa(ahead)
	}
	return "Etc/GMT+" + strconv.Itoa(-ahead)
}

// today is the day in that zone, as a query of the routes of a day.
func (w *world) today() (day, query string) {
	zone := get(time.LoadLocation(w.noonZone()))(w.t)
	return w.clock.now().In(zone).Format(time.DateOnly), "?zone=" + url.QueryEscape(zone.String())
}

func (w *world) board(c caller) api.Board {
	w.t.Helper()
	var b api.Board
	_, zone := w.today()
	c.get("/v1/board"+zone, &b)
	return b
}

func TestABoardWithoutAnything(t *testing.T) {
	w := newWorld(t)
	b := w.board(w.operator())
	if len(b.Visits)+len(b.Next)+len(b.Closed) != 0 || b.NextAt != 0 || b.Now == 0 || b.Today != (api.Numbers{}) {
		t.Errorf("%+v", b)
	}
	w.operator().send("GET", "/v1/board?zone=Nowhere", nil).problem(422, "invalid")
	w.operator().send("GET", "/v1/board?zone=Local", nil).problem(422, "invalid")
	w.merchant("grocer").send("GET", "/v1/board", nil).problem(403, "forbidden")
}

// A delivery goes over the board from the next hour to the day's numbers.
func TestTheBoardFollowsADelivery(t *testing.T) {
	w := newWorld(t)
	h, anna, op := w.home(), w.courier("anna"), w.operator()
	d := w.book(w.merchant("grocer"), h, 1)
	b := w.board(op)
	if len(b.Next) != 1 || b.Next[0].Delivery != d.ID || !slices.Equal(b.Next[0].Kinds, []event.BarrierKind{event.FrontDoor}) ||
		len(b.Next[0].Risks) != 1 || b.Next[0].Risks[0].Risk != api.RiskCourier {
		t.Fatalf("booked: %+v", b.Next)
	}
	w.assign(d.ID, anna.courier)
	if b = w.board(op); len(b.Next) != 1 || len(b.Next[0].Risks) != 0 {
		t.Fatalf("assigned: %+v", b.Next)
	}
	v := granted(t, anna.approach(h)).Visit
	b = w.board(op)
	if len(b.Next) != 0 || len(b.Visits) != 1 || b.Visits[0].ID != v.ID || b.Visits[0].Phase != api.PhaseComing || b.Visits[0].Opened != 0 {
		t.Fatalf("on the way: %+v", b)
	}
	granted(t, anna.scan(v.ID, 1))
	awaitWhere(w, h.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	if b = w.board(op); b.Visits[0].Opened == 0 || b.Visits[0].Phase != api.PhaseInside || b.Today.Ahead != 1 {
		t.Errorf("opened: %+v", b.Visits[0])
	}
	anna.finish(h, v.ID)
	b = w.board(op)
	if len(b.Visits) != 0 || b.Today.Delivered != 1 || b.Today.Visits != 1 || b.Today.Ahead != 0 {
		t.Errorf("delivered: %+v", b)
	}
}

// Where a visit is, is shown to keys that may see addresses, and the household sees that it was.
func TestTheBoardShowsAddressesOnlyAsLooks(t *testing.T) {
	w := newWorld(t)
	h, anna := w.home(), w.courier("anna")
	d := w.book(w.merchant("grocer"), h, 1)
	w.assign(d.ID, anna.courier)
	v := granted(t, anna.approach(h)).Visit
	looks := func() int {
		var all api.Looks
		h.get("/v1/home/looks", &all)
		return len(all.Looks)
	}
	blind := w.key(auth.Operator, "swift", auth.DeliveriesRead)
	b := w.board(blind)
	if b.Visits[0].Place != nil || b.Visits[0].Where != nil || looks() != 0 {
		t.Errorf("without sites:read: %+v, %d looks", b.Visits[0].Place, looks())
	}
	seeing := w.key(auth.Operator, "swift", auth.DeliveriesRead, auth.SitesRead)
	for range 3 {
		b = w.board(seeing)
	}
	if b.Visits[0].Place == nil || b.Visits[0].Place.Address == "" || b.Visits[0].Place.Note != "" {
		t.Errorf("with sites:read: %+v", b.Visits[0].Place)
	}
	if n := looks(); n != 1 {
		t.Errorf("three boards in a row are %d looks", n)
	}
	w.clock.advance(11 * time.Minute)
	w.board(seeing)
	if n := looks(); n != 2 {
		t.Errorf("%d looks after a while", n)
	}
	var one api.BoardVisit
	blind.get("/v1/visits/"+string(v.ID), &one)
	if one.ID != v.ID || one.Place != nil || one.CourierName != "" {
		t.Errorf("one visit: %+v", one)
	}
	blind.send("GET", "/v1/visits/"+string(h.site)+"-v999", nil).problem(404, "not-found")
	blind.send("GET", "/v1/visits/nonsense", nil).problem(404, "not-found")
}

// A look that can't be recorded shows nothing, and the board goes on.
func TestABoardThatCannotRecordShowsNoAddress(t *testing.T) {
	w := newWorld(t)
	h, anna, op := w.home(), w.courier("anna"), w.operator()
	w.assign(w.book(w.merchant("grocer"), h, 1).ID, anna.courier)
	granted(t, anna.approach(h))
	w.store.fail(func(storeAppend) error { return store.ErrFull })
	b := w.board(op)
	w.store.fail(nil)
	if len(b.Visits) != 1 || b.Visits[0].Place != nil {
		t.Errorf("%+v", b.Visits)
	}
	if b = w.board(op); b.Visits[0].Place == nil {
		t.Error("nothing is shown once it can be recorded")
	}
}

func TestRisksOfTheNextHour(t *testing.T) {
	w := newWorld(t)
	h, anna, op := w.home(), w.courier("anna"), w.operator()
	d := w.book(w.merchant("grocer"), h, 1)
	w.assign(d.ID, anna.courier)
	risks := func() (all []api.Risk) {
		for _, up := range w.board(op).Next {
			for _, r := range up.Risks {
				all = append(all, r.Risk)
			}
		}
		return all
	}
	h.door.mu.Lock()
	h.door.offline = true
	h.door.mu.Unlock()
	if got := risks(); !slices.Equal(got, []api.Risk{api.RiskOffline}) {
		t.Errorf("offline: %v", got)
	}
	v := granted(t, anna.approach(h)).Visit
	refused(t, anna.scan(v.ID, 1), event.DeviceOffline)
	if d := w.deviceState(event.DeviceID(string(h.site) + ".front")); d.Refused == nil || d.Refused.Code != event.DeviceOffline || d.Refused.Visit != v.ID {
		t.Errorf("the door's last refusal: %+v", d.Refused)
	}
	w.operator().post("/v1/deliveries/"+string(w.book(w.merchant("grocer"), h, 5).ID)+"/assign", api.AssignRequest{Courier: "anna"}, nil)
	w.courier("anna") // another phone
	if got := risks(); !slices.Contains(got, api.RiskPhone) {
		t.Errorf("another phone: %v", got)
	}
	w.operator().post("/v1/couriers/anna/suspend", nil, nil)
	if got := risks(); !slices.Contains(got, api.RiskCourier) {
		t.Errorf("suspended: %v", got)
	}
	var consents api.Home
	h.get("/v1/home", &consents)
	h.send("DELETE", "/v1/home/consents/"+string(consents.Consents[0].ID), nil).want(204, nil)
	if got := risks(); !slices.Contains(got, api.RiskConsent) {
		t.Errorf("without consent: %v", got)
	}
	// What begins later is only told of.
	b := w.booking(h, 2)
	b.Window = api.Window{From: w.clock.now().Add(3 * time.Hour), To: w.clock.now().Add(4 * time.Hour)}
	w.merchant("grocer").post("/v1/deliveries", b, nil)
	if board := w.board(op); len(board.Next) != 2 || board.NextAt != event.InstantOf(b.Window.From) {
		t.Errorf("%d next, then at %v", len(board.Next), board.NextAt)
	}
}

// An alarm that is over stays for a minute, with who had it.
func TestClosedAlarmsStayAMinute(t *testing.T) {
	w := newWorld(t)
	h, anna, op := w.home(), w.courier("anna"), w.operator()
	w.assign(w.book(w.merchant("grocer"), h, 1).ID, anna.courier)
	v := granted(t, anna.approach(h)).Visit
	granted(t, anna.scan(v.ID, 1))
	awaitWhere(w, h.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	h.door.move(event.BoltUnlocked, event.ContactOpen)
	granted(t, anna.act(v.ID, "danger", nil))
	b := w.board(op)
	if b.Visits[0].Alarm == nil || b.Visits[0].Phase != api.PhaseDanger || b.Visits[0].Alarm.Acknowledged != nil {
		t.Fatalf("in danger: %+v", b.Visits[0])
	}
	op.post("/v1/visits/"+string(v.ID)+"/acknowledge", nil, nil)
	h.post("/v1/home/visits/"+string(v.ID)+"/take-over", nil, nil)
	h.door.move(event.BoltUnlocked, event.ContactClosed)
	awaitWhere(w, h.site, func(event.AlarmEnded) bool { return true })
	b = w.board(op)
	if len(b.Closed) != 1 || b.Closed[0].Reason != event.AlarmDanger || b.Closed[0].Acknowledged == nil || b.Closed[0].Acknowledged.By != "swift" {
		t.Fatalf("closed: %+v", b.Closed)
	}
	w.clock.advance(61 * time.Second)
	if b = w.board(op); len(b.Closed) != 0 || b.Today.Alarms != 1 {
		t.Errorf("after a minute: %+v", b)
	}
}

func TestADayIsToldInFull(t *testing.T) {
	w := newWorld(t)
	h, anna, ben, op := w.home(), w.courier("anna"), w.courier("ben"), w.operator()
	d := w.book(w.merchant("grocer"), h, 1)
	w.assign(d.ID, anna.courier)
	v := granted(t, anna.approach(h)).Visit
	refused(t, ben.scan(v.ID, 1), event.WrongCourier)
	granted(t, anna.scan(v.ID, 1))
	anna.finish(h, v.ID)
	today, zone := w.today()
	var day api.DayShown
	op.get("/v1/days/"+today+zone, &day)
	if len(day.Visits) != 1 || day.Visits[0].How != event.EndSecured || day.Visits[0].Visit != v.ID || day.Visits[0].TimeOpen <= 0 {
		t.Errorf("visits: %+v", day.Visits)
	}
	if len(day.Refusals) != 1 || day.Refusals[0].Code != event.WrongCourier || day.Refusals[0].Title == "" || day.Numbers.Refused != 1 {
		t.Errorf("refusals: %+v, %+v", day.Refusals, day.Numbers)
	}
	var couriers api.CourierStates
	op.get("/v1/couriers", &couriers)
	for _, c := range couriers.Couriers {
		if refused := len(c.Refusals) == 1 && c.Refusals[0].Code == event.WrongCourier; refused != (c.ID == ben.courier) {
			t.Errorf("%s's last refusals: %+v", c.ID, c.Refusals)
		}
	}
	if s := day.Numbers.ScanToOpen; s == nil || s.Count != 1 || s.Median > s.Worst {
		t.Errorf("scan to open: %+v", s)
	}
	var list api.Deliveries
	op.get("/v1/days/"+today+"/deliveries"+zone+"&status=delivered", &list)
	if len(list.Deliveries) != 1 || list.Deliveries[0].ID != d.ID {
		t.Errorf("the day's deliveries: %+v", list)
	}
	var none api.DayShown
	op.get("/v1/days/2001-01-01?zone=Europe/Paris", &none)
	if len(none.Visits) != 0 || none.To.Since(none.From) != event.Day {
		t.Errorf("another day: %+v", none)
	}
	for _, bad := range []string{"2001-02-30", "2001-1-1", "today"} {
		op.send("GET", "/v1/days/"+bad, nil).problem(422, "invalid")
	}
}

// A day in a zone is as long as its clocks say.
func TestDaysOfDaylightSaving(t *testing.T) {
	w := newWorld(t)
	for day, hours := range map[string]event.Millis{"2027-03-28": 23, "2027-10-31": 25, "2027-06-01": 24} {
		var shown api.DayShown
		w.operator().get("/v1/days/"+day+"?zone=Europe/Paris", &shown)
		if length := shown.To.Since(shown.From); length != hours*event.Hour {
			t.Errorf("%s has %v", day, length.Duration())
		}
	}
}

// Pages of a day's deliveries meet, whatever their size.
func TestPagesOfADay(t *testing.T) {
	w := newWorld(t)
	h, shop := w.home(), w.merchant("grocer")
	for n := range 7 {
		w.book(shop, h, 1+n)
	}
	var from api.Delivery
	seen := map[event.DeliveryID]bool{}
	day, zone := w.today()
	for next := ""; ; {
		var page api.Deliveries
		w.operator().get("/v1/days/"+day+"/deliveries"+zone+"&limit=2&cursor="+next, &page)
		for _, d := range page.Deliveries {
			if seen[d.ID] || d.Window.From < from.Window.From {
				t.Errorf("%s again, or out of order", d.ID)
			}
			seen[d.ID], from = true, d
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d of 7", len(seen))
	}
}

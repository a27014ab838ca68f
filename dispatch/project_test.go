package dispatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store/memory"
)

// naive is every row that the projections should hold, told from the journal alone, one event at a time.
type naive struct {
	deliveries map[event.DeliveryID]*told
	visits     map[event.VisitID][]event.DeliveryID
}

// told is what the journal says of a delivery.
type told struct {
	Summary
	consented, blocked bool
	end                Status
}

func retell(events []event.Event) naive {
	n := naive{deliveries: map[event.DeliveryID]*told{}, visits: map[event.VisitID][]event.DeliveryID{}}
	for _, e := range events {
		n.tell(e)
	}
	return n
}

func (n naive) tell(e event.Event) {
	switch b := e.Body.(type) {
	case event.DeliveryBooked:
		n.deliveries[b.Delivery] = &told{Summary: Summary{Delivery: b.Delivery, Site: e.Site, Merchant: b.Merchant, Carrier: b.Carrier,
			AccessPoint: b.AccessPoint, Window: b.Window, Parcels: len(b.Parcels)}}
	case event.DeliveryConsented:
		n.deliveries[b.Delivery].consented = true
	case event.DeliveryUnconsented:
		n.deliveries[b.Delivery].consented = false
	case event.CourierAssigned:
		n.deliveries[b.Delivery].Courier = b.Courier
	case event.CourierUnassigned:
		n.deliveries[b.Delivery].Courier, n.deliveries[b.Delivery].Visit = "", ""
	case event.BlockAnswered:
		n.block(b)
	case event.VisitBegun:
		n.visits[b.Visit] = b.Deliveries
		for _, id := range b.Deliveries {
			n.deliveries[id].Visit = b.Visit
		}
	case event.VisitEnded:
		for _, id := range n.visits[b.Visit] {
			if d := n.deliveries[id]; d.end == "" && d.Visit == b.Visit {
				d.Visit = ""
			}
		}
		delete(n.visits, b.Visit)
	case event.DeliveryDiverted:
		if b.To.Kind == event.FallbackAccessPoint {
			n.deliveries[b.Delivery].AccessPoint, n.deliveries[b.Delivery].Visit = b.To.AccessPoint, ""
			return
		}
		n.deliveries[b.Delivery].end = StatusDiverted
	case event.DeliveryDelivered:
		n.deliveries[b.Delivery].end, n.deliveries[b.Delivery].How = StatusDelivered, b.How
	case event.DeliveryReturned:
		n.deliveries[b.Delivery].end = StatusReturned
	case event.DeliveryCancelled:
		n.deliveries[b.Delivery].end = StatusCancelled
	case event.DeliveryExpired:
		n.deliveries[b.Delivery].end = StatusExpired
	}
}

func (n naive) block(b event.BlockAnswered) {
	switch b.Verdict {
	case event.BlockWon:
		n.deliveries[b.Delivery].blocked, n.deliveries[b.Delivery].Visit = true, ""
	case event.BlockFromHere:
		n.deliveries[b.Delivery].blocked = true
	}
}

func (d *told) summary() Summary {
	s := d.Summary
	switch {
	case d.end != "":
		s.Status = d.end
	case d.blocked:
		s.Status = StatusBlocked
	case d.Visit != "":
		s.Status = StatusVisiting
	case d.Courier != "":
		s.Status = StatusAssigned
	case d.consented:
		s.Status = StatusConsented
	default:
		s.Status = StatusBooked
	}
	return s
}

// rows are the partitions as they should be; the time of the last change is left out.
func (n naive) rows() map[string]map[string]Summary {
	all := map[string]map[string]Summary{}
	put := func(partition string, s Summary) {
		if all[partition] == nil {
			all[partition] = map[string]Summary{}
		}
		all[partition][string(s.Delivery)] = s
	}
	for _, d := range n.deliveries {
		put(SiteDeliveries(d.Site), d.summary())
		put(MerchantDeliveries(d.Merchant), d.summary())
		if d.Courier != "" && d.end == "" {
			put(CourierDeliveries(d.Courier), d.summary())
		}
		if d.Courier != "" && d.end != "" {
			put(CourierEnded(d.Courier), d.summary())
		}
	}
	return all
}

// life is a random one: every request may be wrong.
type life struct {
	*town
	rt     *rapid.T
	d      *Dispatcher
	now    time.Time
	homes  []home
	second map[event.SiteID]event.AccessPointID
}

var (
	merchants = []event.MerchantID{"flora", "bakery"}
	couriers  = []event.CourierID{"anna", "bert"}
)

func pick[T any](l *life, what string, from []T) (T, bool) {
	if len(from) == 0 {
		var none T
		return none, false
	}
	return rapid.SampledFrom(from).Draw(l.rt, what), true
}

func (l *life) request(h home, s site.State) (site.Facts, site.Request) {
	d, _ := pick(l, "delivery", s.Deliveries)
	v, _ := pick(l, "visit", s.Visits)
	who, _ := pick(l, "courier", couriers)
	if rapid.IntRange(0, 9).Draw(l.rt, "whoever") > 0 {
		who = cmp.Or(v.Courier, d.Courier, who)
	}
	courier := l.courier(who)
	place := h.place
	if rapid.IntRange(0, 3).Draw(l.rt, "place") == 0 {
		place = l.second[h.id]
	}
	if v.ID != "" {
		d, _ = s.Delivery(append(v.Deliveries, d.ID)[0])
	}
	parcel := event.Commitment("none")
	if p, ok := pick(l, "parcel", d.Parcels); ok {
		parcel = p.Code
	}
	switch rapid.IntRange(0, 17).Draw(l.rt, "request") {
	case 0, 1, 2:
		return merchant(), l.booking(place)
	case 3, 4:
		return operator(), site.Assign{Delivery: d.ID, Courier: who, Key: courier.Signed.Key, PublicKey: "{}"}
	case 5:
		return member(h.member), site.ConsentTo{Delivery: d.ID}
	case 6:
		return member(h.member), site.WithdrawFrom{Delivery: d.ID}
	case 7:
		return operator(), site.Block{Delivery: d.ID}
	case 8:
		return operator(), site.Cancel{Delivery: d.ID}
	case 9:
		return operator(), site.Suspend{Courier: who}
	case 10, 11:
		return courier, site.Approach{AccessPoint: place}
	case 12, 13:
		return courier, site.Scan{Visit: v.ID, Parcel: parcel}
	case 14:
		return courier, site.Missing{Visit: v.ID, Parcel: parcel}
	case 15:
		return courier, site.FollowPlanB{Delivery: d.ID, Nobody: rapid.Bool().Draw(l.rt, "nobody")}
	case 16:
		return courier, site.Leave{Visit: v.ID}
	default:
		return courier, site.Close{Visit: v.ID}
	}
}

func (l *life) booking(place event.AccessPointID) site.Book {
	m, _ := pick(l, "merchant", merchants)
	from := event.InstantOf(l.now).Add(event.Minute * event.Millis(rapid.IntRange(-30, 30).Draw(l.rt, "from")))
	b := site.Book{Merchant: m, Carrier: "swift", AccessPoint: place, Window: event.Span{From: from, To: from.Add(event.Hour)}}
	for i := range rapid.IntRange(1, 2).Draw(l.rt, "parcels") {
		b.Parcels = append(b.Parcels, event.Parcel{Code: event.Commitment(fmt.Sprint("parcel-", l.proofs.Add(1), "-", i)), Size: event.SizeSmall})
	}
	return b
}

// happen lets one thing happen: a request, some time, the door moving, or, rarely, the household moving out.
func (l *life) happen() {
	h, _ := pick(l, "home", l.homes)
	s := l.state(h.id)
	switch rapid.IntRange(0, 9).Draw(l.rt, "kind") {
	case 0, 1:
		l.now = l.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 15 * time.Minute, 5 * time.Hour}).Draw(l.rt, "pause"))
		l.decide(h.id, system(), site.Tick{})
	case 2, 3:
		l.hand(h, rapid.SampledFrom([]event.Bolt{event.BoltLocked, event.BoltUnlocked}).Draw(l.rt, "bolt"))
	case 4:
		if rapid.IntRange(0, 15).Draw(l.rt, "moves out") == 0 {
			l.decide(h.id, member(h.member), site.CloseSite{})
		}
	case 5, 6:
		l.goOn(h, s)
	case 7:
		for range 12 {
			l.goOn(h, l.state(h.id))
			l.d.busy.all.Wait()
			l.now = l.now.Add(time.Second)
		}
	default:
		facts, r := l.request(h, s)
		l.decide(h.id, facts, r)
	}
	l.d.busy.all.Wait()
	l.now = l.now.Add(time.Duration(rapid.IntRange(1, 30_000).Draw(l.rt, "ms")) * time.Millisecond)
}

// hand turns the bolt, and the device says so when asked.
func (l *life) hand(h home, to event.Bolt) {
	h.door.turn(to)
	o := h.door.observation("manual")
	o.Origin, o.AskedAt, o.ReceivedAt = event.OriginAnswer, event.InstantOf(l.now), event.InstantOf(l.now)
	if err := l.d.Heard(l.t.Context(), h.id, o); err != nil {
		l.rt.Fatal(err)
	}
}

// goOn does what comes next for a visit or a delivery, so that some lives get somewhere.
func (l *life) goOn(h home, s site.State) {
	if v, ok := pick(l, "visit", s.Visits); ok {
		l.goOnVisiting(h, s, v)
		return
	}
	d, ok := pick(l, "delivery", s.Deliveries)
	switch {
	case !ok:
	case d.Courier == "":
		l.decide(h.id, operator(), site.Assign{Delivery: d.ID, Courier: "anna", Key: "key-of-anna", PublicKey: "{}"})
	case !d.Consented:
		l.decide(h.id, member(h.member), site.ConsentTo{Delivery: d.ID})
	case rapid.IntRange(0, 4).Draw(l.rt, "plan B") == 0:
		l.decide(h.id, l.courier(d.Courier), site.FollowPlanB{Delivery: d.ID, Nobody: rapid.Bool().Draw(l.rt, "nobody")})
	default:
		l.decide(h.id, l.courier(d.Courier), site.Approach{AccessPoint: d.AccessPoint})
	}
}

func (l *life) goOnVisiting(h home, s site.State, v site.Visit) {
	for _, id := range v.Deliveries {
		d, _ := s.Delivery(id)
		for _, p := range d.Parcels {
			if !p.Scanned {
				l.decide(h.id, l.courier(v.Courier), site.Scan{Visit: v.ID, Parcel: p.Code})
				return
			}
		}
	}
	switch {
	case v.Steps[0].Opened == 0:
		l.decide(h.id, l.courier(v.Courier), site.Open{Visit: v.ID, Barrier: h.barrier})
	case !v.Deposited:
		l.decide(h.id, l.courier(v.Courier), site.Deposit{Visit: v.ID})
	case v.Steps[0].Secured == 0:
		l.hand(h, event.BoltLocked)
	default:
		l.decide(h.id, l.courier(v.Courier), site.Leave{Visit: v.ID})
	}
}

// decide makes a request, which may well be an error.
func (l *life) decide(id event.SiteID, f site.Facts, r site.Request) {
	_, _ = l.d.Do(l.t.Context(), id, site.Command{Facts: f, Do: r})
}

// TestRowsTellWhatTheJournalsTell, again and again in random lives of two homes.
func TestRowsTellWhatTheJournalsTell(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{town: newTown(t, memory.New()), rt: rt, now: noon, second: map[event.SiteID]event.AccessPointID{}}
		l.d = l.process()
		l.d.now, l.d.gate.Now = func() time.Time { return l.now }, func() time.Time { return l.now }
		for _, id := range []event.SiteID{"home", "house"} {
			h := l.household(l.d, id)
			l.placeBehind(l.d, &h, event.PermitRemote)
			l.second[id] = h.place
			l.placeBehind(l.d, &h, event.PermitRemote)
			planB := []event.Fallback{{Kind: event.FallbackAccessPoint, AccessPoint: l.second[id]}, {Kind: event.FallbackOutside}}
			if id == "house" {
				planB = planB[:1]
			}
			l.decide(id, member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, PlanB: planB}})
			l.homes = append(l.homes, h)
		}
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			l.happen()
			if rapid.IntRange(0, 4).Draw(rt, "look") == 0 {
				l.compareRows(rt, l.now, "home", "house")
			}
		}
		l.compareRows(rt, l.now, "home", "house")
	})
}

// TestEveryStatusHasItsRow.
func TestEveryStatusHasItsRow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		w.do(d, "home", member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, PlanB: []event.Fallback{{Kind: event.FallbackOutside}}}})
		compare := func() {
			t.Helper()
			synctest.Wait()
			w.compareRows(t, time.Now(), "home")
		}
		(&phone{town: w, home: h, server: always(d)}).deliver()
		compare()
		booking := func(parcel event.Commitment) event.DeliveryID {
			now := event.InstantOf(time.Now())
			return the[event.DeliveryBooked](t, w.do(d, "home", merchant(), site.Book{Merchant: "flora", Carrier: "swift", AccessPoint: h.place,
				Window: event.Span{From: now, To: now.Add(event.Hour)}, Parcels: []event.Parcel{{Code: parcel, Size: event.SizeSmall}}})).Delivery
		}
		booking("expired")
		pass(time.Hour + time.Second)
		compare()
		w.do(d, "home", operator(), site.Cancel{Delivery: w.promise(d, h, "cancelled")})
		w.do(d, "home", w.courier("anna"), site.FollowPlanB{Delivery: w.promise(d, h, "diverted")})
		returned := w.promise(d, h, "returned")
		w.do(d, "home", w.courier("anna"), site.FollowPlanB{Delivery: returned, Nobody: true})
		compare()
		w.do(d, "home", w.courier("anna"), site.FollowPlanB{Delivery: returned})
		w.do(d, "home", operator(), site.Block{Delivery: w.promise(d, h, "blocked")})
		w.promise(d, h, "visiting")
		w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})
		compare()
		booking("booked")
		w.do(d, "home", member(h.member), site.ConsentTo{Delivery: booking("consented")})
		w.promise(d, h, "assigned")
		compare()
		seen := map[Status]int{}
		for _, d := range retell(w.journal("home")).deliveries {
			seen[d.summary().Status]++
		}
		for _, s := range []Status{StatusBooked, StatusConsented, StatusAssigned, StatusVisiting, StatusBlocked, StatusDelivered, StatusDiverted,
			StatusReturned, StatusCancelled, StatusExpired} {
			if seen[s] != 1 {
				t.Errorf("%d deliveries are %s: %v", seen[s], s, seen)
			}
		}
	})
}

// What a courier ended after an instant is read from there on, in order.
func TestEndedKeysAreInOrderOfTime(t *testing.T) {
	const at = event.Instant(999_999_999_999)
	if before, after := endedKey(at, "home-d9"), endedKey(at+1, "home-d1"); !(before < EndedAfter(at) && EndedAfter(at) < after) {
		t.Errorf("%s, %s, %s", before, EndedAfter(at), after)
	}
}

// compareRows requires every row of these sites to be as their journals tell, at this time.
func (w *town) compareRows(t rapid.TB, now time.Time, sites ...event.SiteID) {
	t.Helper()
	want := map[string]map[string]Summary{}
	visits := map[string]bool{}
	for _, id := range sites {
		n := retell(w.journal(id))
		for partition, rows := range n.rows() {
			if want[partition] == nil {
				want[partition] = map[string]Summary{}
			}
			maps.Copy(want[partition], rows)
		}
		for v := range n.visits {
			visits[string(v)] = true
		}
	}
	for _, partition := range []string{SiteDeliveries("home"), SiteDeliveries("house"), MerchantDeliveries("flora"), MerchantDeliveries("bakery"),
		CourierDeliveries("anna"), CourierDeliveries("bert"), CourierEnded("anna"), CourierEnded("bert")} {
		w.comparePartition(t, now, partition, want[partition])
	}
	w.compareRetold(t, sites...)
	rows, err := w.store.Rows(w.t.Context(), underwayPartition, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !visits[r.Key] {
			t.Fatalf("a visit that is not under way: %s", r.Key)
		}
		delete(visits, r.Key)
	}
	if len(visits) != 0 {
		t.Fatalf("visits that nobody would resume: %v", slices.Collect(maps.Keys(visits)))
	}
}

func (w *town) comparePartition(t rapid.TB, now time.Time, partition string, want map[string]Summary) {
	t.Helper()
	rows, err := w.store.Rows(w.t.Context(), partition, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		var got Summary
		if err := json.Unmarshal(r.Data, &got); err != nil {
			t.Fatal(err)
		}
		if got.At <= 0 || got.At > event.InstantOf(now) {
			t.Fatalf("%s %s changed at %s, now is %s", partition, r.Key, got.At, now)
		}
		if ended := strings.HasPrefix(partition, "ended/"); r.Key != string(got.Delivery) && (!ended || r.Key != endedKey(got.At, got.Delivery)) {
			t.Fatalf("%s has the key %s for %s", partition, r.Key, got.Delivery)
		}
		got.At = 0
		if should := want[string(got.Delivery)]; got != should {
			t.Fatalf("%s %s\nis     %+v\nshould %+v", partition, r.Key, got, should)
		}
	}
	if len(rows) != len(want) {
		t.Fatalf("%s holds %d rows, should hold %d", partition, len(rows), len(want))
	}
}

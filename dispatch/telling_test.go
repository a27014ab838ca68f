package dispatch

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// tellings reads what is to be told, in order of the journal.
func (w *town) tellings() (all []Telling) {
	w.t.Helper()
	now := w.state("home").At
	work, err := w.store.Claim(w.t.Context(), []string{WorkTell}, now, now+1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range work {
		var told Telling
		if err := json.Unmarshal(x.Data, &told); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, told)
	}
	slices.SortFunc(all, func(a, b Telling) int { return int(a.Event.Seq) - int(b.Event.Seq) })
	return all
}

// TestWhoIsTold: the merchant hears of its deliveries from the booking to the end, and nothing of the household.
func TestWhoIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, delivery := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		(&phone{town: w, home: h, server: always(d)}).deliver()
		end()
		var kinds []event.Kind
		for _, told := range w.tellings() {
			kinds = append(kinds, told.Event.Body.Kind())
			if !slices.Equal(told.Merchants, []event.MerchantID{"flora"}) || !slices.Equal(told.Deliveries, []event.DeliveryID{delivery}) {
				t.Errorf("%s: of %v, to %v", told.Event.Body.Kind(), told.Deliveries, told.Merchants)
			}
		}
		want := []event.Kind{"delivery.booked", "delivery.consented", "visit.begun", "visit.arrived", "delivery.delivered", "visit.ended"}
		if !slices.Equal(kinds, want) {
			t.Errorf("told %v, want %v", kinds, want)
		}
	})
}

// TestTwoMerchantsInOneVisit are told together of what concerns both, and alone of what does not.
func TestTwoMerchantsInOneVisit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, flora := w.ready(event.PermitRemote)
		d := w.process()
		s := w.state("home")
		b := site.Book{Merchant: "bakery", Carrier: "swift", AccessPoint: h.place, Window: s.Deliveries[0].Window,
			Parcels: []event.Parcel{{Code: "bread", Size: event.SizeSmall}}}
		bakery := the[event.DeliveryBooked](t, w.do(d, "home", merchant(), b)).Delivery
		w.do(d, "home", operator(), site.Assign{Delivery: bakery, Courier: "anna", Key: "key-of-anna", PublicKey: "{}"})
		w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})
		w.do(d, "home", operator(), site.Block{Delivery: bakery})
		w.do(d, "home", operator(), site.Block{Delivery: bakery})
		w.do(d, "home", operator(), site.Cancel{Delivery: flora})
		synctest.Wait()
		for _, told := range w.tellings() {
			var want []event.MerchantID
			switch b := told.Event.Body.(type) {
			case event.VisitBegun:
				want = []event.MerchantID{"flora", "bakery"}
			case event.DeliveryBooked:
				want = []event.MerchantID{b.Merchant}
			case event.BlockAnswered:
				want = []event.MerchantID{"bakery"}
			default:
				want = []event.MerchantID{"flora"}
			}
			if !slices.Equal(told.Merchants, want) {
				t.Errorf("%s is told to %v, want %v", told.Event.Body.Kind(), told.Merchants, want)
			}
		}
	})
}

// TestWhoHearsOfAnAlarm: those who sent what was in the visit, of its end too, and of the visit's, though their
// deliveries ended with it.
func TestWhoHearsOfAnAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, flora := w.ready(event.PermitRemote)
		d := w.process()
		b := site.Book{Merchant: "bakery", Carrier: "swift", AccessPoint: h.place, Window: w.state("home").Deliveries[0].Window,
			Parcels: []event.Parcel{{Code: "bread", Size: event.SizeSmall}}}
		bakery := the[event.DeliveryBooked](t, w.do(d, "home", merchant(), b)).Delivery
		w.do(d, "home", member(h.member), site.ConsentTo{Delivery: bakery})
		w.do(d, "home", operator(), site.Assign{Delivery: bakery, Courier: "anna", Key: "key-of-anna", PublicKey: "{}"})
		end := w.run(d)
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "bread"})
		synctest.Wait()
		h.door.push()
		until(t, "the alarm", func() bool { return len(every[event.AlarmRaised](w.journal("home"))) > 0 })
		h.door.shut()
		w.do(d, "home", w.courier("anna"), site.Close{Visit: visit})
		until(t, "the visit ends", func() bool { return len(w.state("home").Visits) == 0 })
		end()
		told := map[event.Kind]int{}
		for _, x := range w.tellings() {
			kind := x.Event.Body.Kind()
			told[kind]++
			both := []event.Kind{"visit.begun", "visit.arrived", "alarm.raised", "alarm.ended", "visit.ended"}
			if !slices.Contains(both, kind) {
				continue
			}
			if !slices.Equal(x.Merchants, []event.MerchantID{"flora", "bakery"}) || !slices.Equal(x.Deliveries, []event.DeliveryID{flora, bakery}) {
				t.Errorf("%s: of %v, to %v", kind, x.Deliveries, x.Merchants)
			}
		}
		if told["alarm.raised"] == 0 || told["alarm.ended"] != 1 || told["visit.ended"] != 1 || told["delivery.delivered"] != 2 {
			t.Errorf("told %v", told)
		}
	})
}

// TestWorkHasOneNameForEver: the same decision never makes two pieces of work of one name.
func TestWorkHasOneNameForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &names{Store: memory.New(), seen: map[string]int{}}
		w := newTown(t, s)
		flat, _ := w.building()
		d := w.process()
		end := w.run(d)
		defer end()
		(&phone{town: w, home: flat, server: always(d)}).deliver()
		s.mu.Lock()
		defer s.mu.Unlock()
		for id, n := range s.seen {
			if n != 1 {
				t.Errorf("%s was written %d times", id, n)
			}
		}
		if len(s.seen) < 10 {
			t.Errorf("only %d pieces of work", len(s.seen))
		}
	})
}

// names is a store that counts the names of the work that is written.
type names struct {
	store.Store
	mu   sync.Mutex
	seen map[string]int
}

func (n *names) Append(ctx context.Context, a store.Append) error {
	err := n.Store.Append(ctx, a)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range a.Work {
		n.seen[w.ID]++
	}
	return nil
}

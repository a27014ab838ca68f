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
		want := []event.Kind{"delivery.booked", "delivery.consented", "visit.begun", "visit.arrived", "delivery.delivered"}
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

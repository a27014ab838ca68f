package site_test

import (
	"math"
	"reflect"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// requests lists every type of request; forge fills one with what no honest caller sends.
var requests = []site.Request{
	site.OpenSite{}, site.CloseSite{}, site.AddMember{}, site.RemoveMember{}, site.SetRules{}, site.ReserveBarrier{},
	site.RetireBarrier{}, site.AddAccessPoint{}, site.RetireAccessPoint{}, site.AllowLending{}, site.EndLending{},
	site.GiveConsent{}, site.WithdrawConsent{}, site.ConsentTo{}, site.WithdrawFrom{}, site.Answer{}, site.Book{},
	site.Cancel{}, site.Assign{}, site.Suspend{}, site.Block{}, site.FollowPlanB{}, site.Approach{}, site.Arrive{},
	site.Scan{}, site.Missing{}, site.Open{}, site.Reopen{}, site.ShowCode{}, site.Deposit{}, site.Close{}, site.Leave{},
	site.Danger{}, site.TakeOver{}, site.Rehearse{}, site.Observe{}, site.Resolve{}, site.ReportCodeRemoval{},
	site.Resume{}, site.Tick{}, site.AcknowledgeAlarm{}, site.GrantLease{}, site.ReceiveLease{}, site.DenyLease{}, site.ReturnLease{}, site.EndLease{},
	site.DescribeSpot{}, site.Sight{}, site.TooLarge{}, site.PartCars{}, site.RegainCars{},
}

// forge plays one request of any type, with any actor and any values in it. The facts that the server itself
// gathers stay plausible.
func (w *world) forge() {
	w.t.Helper()
	w.forged = true
	r := reflect.New(reflect.TypeOf(one(w, requests))).Elem()
	w.fill(r, 0)
	actors := []event.ActorKind{event.ActorMember, event.ActorCourier, event.ActorMerchant, event.ActorOperator,
		event.ActorDevice, event.ActorSystem, event.ActorSite, ""}
	f := site.Facts{Actor: event.Actor{Kind: one(w, actors), ID: w.anyText()}, Ready: w.ready()}
	w.fill(reflect.ValueOf(&f.Signed).Elem(), 0)
	if w.pick(2) == 0 {
		f.Place = &event.Place{}
		w.fill(reflect.ValueOf(f.Place).Elem(), 0)
	}
	at := home
	if w.pick(8) == 0 {
		at = tower
	}
	_ = w.decide(at, site.Command{Facts: f, Do: r.Interface().(site.Request)})
}

func (w *world) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			w.fill(v.Field(i), depth+1)
		}
	case reflect.Slice:
		for range w.pick(4 - min(depth, 3)) {
			x := reflect.New(v.Type().Elem()).Elem()
			w.fill(x, depth+1)
			v.Set(reflect.Append(v, x))
		}
	case reflect.String:
		v.SetString(w.anyText())
	case reflect.Bool:
		v.SetBool(w.pick(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(w.anyNumber())
	case reflect.Uint64:
		v.SetUint(uint64(w.anyNumber()))
	default:
		w.t.Fatalf("forge can't fill a %s", v.Type())
	}
}

// anyText is mostly an identifier or a word that means something here.
func (w *world) anyText() string {
	words := []string{"", "-", "home", "home-", "home-d0", "home-v99999", "tower-l1", "home-l1", "anna", "bruno", "flora",
		"key-of-anna", "key-of-bruno", "remote", "code", "locked", "unlocked", "open", "closed", "jammed", "online", "offline",
		"live", "answer", "retained", "done", "not-done", "small", "large", "pets-shut-away", "access-point", "neighbour",
		"outside", "manual", "parcel1", "trunk", "cabin", "whole-car", "trunk-handle", "parked", "moving", "asleep", "revoked", "parted", "limit", "Ünïcødé ☂ \x00 \" \\ <>&\u2028"}
	s := w.home()
	for _, v := range s.Visits {
		words = append(words, string(v.ID), string(v.AccessPoint))
		for _, p := range v.Steps {
			words = append(words, string(p.Barrier), string(p.Permit.ID))
		}
	}
	for _, d := range s.Deliveries {
		words = append(words, string(d.ID), string(d.Parcels[0].Code))
	}
	for _, b := range s.Barriers {
		words = append(words, string(b.ID), string(b.Spec.Device), string(b.Borrowed))
	}
	for _, l := range s.Leases {
		words = append(words, string(l.ID))
	}
	for _, m := range s.Members {
		words = append(words, string(m.ID))
	}
	return one(w, words)
}

func (w *world) anyNumber() int64 {
	numbers := []int64{0, 1, -1, 2, 7, 30, 1440, math.MaxInt64, math.MinInt64, int64(w.now), int64(w.now) - 1, int64(w.now) + 60_000,
		int64(w.now) + 86_400_000, 5000, 60_000, 253_402_300_799_999, 253_402_300_800_000}
	return one(w, numbers)
}

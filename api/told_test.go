package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// private kinds are the household's own business: nobody outside hears of them.
var private = []event.Kind{
	"site.opened", "site.closed", "member.joined", "member.left", "rules.set", "barrier.reserved", "barrier.enrolled", "barrier.retired",
	"access-point.added", "access-point.retired", "consent.given", "consent.withdrawn", "lending.allowed", "lending.ended",
	"question.asked", "question.answered", "courier.suspended", "barrier.observed", "barrier.foreign-opening", "reading.asked", "securing.asked",
	"code.shown", "code.removal-asked", "code.removed", "visit.take-over-asked",
	"camera.added", "camera.proven", "camera.retired", "filming.asked", "recording.asked", "picture.lost", "picture.back", "filming.ended",
	"clip.finished", "clip.erasure-asked", "clip.erased", "picture.watched",
	"spot.described", "spot.asked", "vehicle.sought", "vehicle.found",
	"lease.asked", "lease.granted", "lease.refused", "lease.received", "lease.denied", "lease.return-asked", "lease.returned", "lease.ended",
}

// marked fills a body with marks wherever the outside may not look.
func marked(t *testing.T, kind event.Kind) event.Body {
	t.Helper()
	empty := map[string]any{"site": "home", "seq": 9, "at": "2027-03-01T09:00:00.000Z", "kind": kind, "body": map[string]any{}}
	var e event.Event
	encoded, err := json.Marshal(empty)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &e); err != nil {
		t.Fatal(err)
	}
	body := reflect.New(reflect.TypeOf(e.Body)).Elem()
	mark(body)
	return body.Interface().(event.Body)
}

const hidden = "h1dden"

func mark(v reflect.Value) {
	switch v.Interface().(type) {
	case event.Commitment, event.Signed, event.BarrierID, event.DeviceID, event.MemberID, event.KeyID, event.Actor, event.ConsentID, event.AccessPointID:
		fill(v)
		return
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			mark(v.Field(i))
		}
	}
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(hidden)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
	}
}

// Every kind of event is either told or private, and what is told holds no commitment, signature, barrier, member
// or access point.
func TestWhatIsTold(t *testing.T) {
	for _, kind := range event.Kinds() {
		body := marked(t, kind)
		h, ok := happeningOf(phrase.English, "Europe/Paris", event.Event{Site: "home", Seq: 9, At: 1000, Body: body})
		if ok == slices.Contains(private, kind) {
			t.Errorf("%s: told is %t", kind, ok)
		}
		if !ok {
			continue
		}
		told, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(told), hidden) {
			t.Errorf("%s tells too much: %s", kind, told)
		}
		if h.Text == "" || h.ID != "home-9" || h.Kind != kind {
			t.Errorf("%s tells %s", kind, told)
		}
	}
}

// Merchants learn that a courier was refused, and not what a car or a home says of itself: whatever is, the words and the
// code are the same.
func TestMerchantsAreToldNothingOfCarsAndHomes(t *testing.T) {
	private := []event.Code{event.PetsLoose, event.AlarmOn, event.TrunkWindowPassed}
	for _, code := range event.Codes() {
		if strings.HasPrefix(string(code), "car-") {
			private = append(private, code)
		}
	}
	for _, lang := range []phrase.Lang{phrase.English, phrase.French} {
		var said []string
		for _, code := range private {
			for _, body := range []event.Body{event.Refused{Code: code, Visit: "home-v1"}, event.DeliveryReturned{Delivery: "home-d1", Why: code}} {
				h, ok := happeningOf(lang, "", discreet(event.Event{Site: "home", Seq: 9, At: 1000, Body: body}))
				if !ok || h.Code != event.PlaceNotReady {
					t.Errorf("%s is told as %q", code, h.Code)
				}
				said = append(said, string(body.Kind())+h.Text)
			}
		}
		slices.Sort(said)
		if all := slices.Compact(said); len(all) != 2 {
			t.Errorf("the words differ: %q", all)
		}
	}
	for _, code := range []event.Code{event.WrongParcel, event.TooLate, event.ParcelDoesNotFit, event.NoConsent} {
		if code.Discreet() != code {
			t.Errorf("%s is told as %q", code, code.Discreet())
		}
	}
}

// naive says which events concern a delivery by looking at the whole journal each time: those that name it, and
// those of a visit while the delivery is part of it.
func naive(all []event.Event, d event.DeliveryID) []uint64 {
	var seqs []uint64
	for i, e := range all {
		visit := visitBefore(all[:i], d)
		h, ok := happeningOf(phrase.English, "", e)
		if ok && (slices.Contains(h.Deliveries, d) || len(h.Deliveries) == 0 && visit != "" && h.Visit == visit) {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

// visitBefore is the visit that a delivery is part of after these events.
func visitBefore(all []event.Event, d event.DeliveryID) (visit event.VisitID) {
	for _, e := range all {
		switch b := e.Body.(type) {
		case event.VisitBegun:
			if slices.Contains(b.Deliveries, d) {
				visit = b.Visit
			}
		case event.VisitEnded:
			if b.Visit == visit {
				visit = ""
			}
		case event.BlockAnswered:
			if b.Delivery == d && b.Verdict == event.BlockWon {
				visit = ""
			}
		case event.CourierUnassigned:
			if b.Delivery == d {
				visit = ""
			}
		case event.DeliveryDiverted:
			if b.Delivery == d {
				visit = ""
			}
		case event.DeliveryCancelled:
			if b.Delivery == d {
				visit = ""
			}
		case event.DeliveryReturned:
			if b.Delivery == d {
				visit = ""
			}
		}
	}
	return visit
}

// A thread picks the same events as the naive reading, whatever order they come in, and names no other delivery.
func TestThreadAgainstANaiveReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deliveries := []event.DeliveryID{"home-d1", "home-d2", "home-d3"}
		visits := []event.VisitID{"home-v1", "home-v2"}
		var all []event.Event
		for i := range rapid.IntRange(0, 40).Draw(t, "events") {
			d, v := rapid.SampledFrom(deliveries).Draw(t, "delivery"), rapid.SampledFrom(visits).Draw(t, "visit")
			body := rapid.SampledFrom([]event.Body{
				event.VisitBegun{Visit: v, Deliveries: rapid.SliceOfNDistinct(rapid.SampledFrom(deliveries), 1, 3, rapid.ID).Draw(t, "part")},
				event.VisitEnded{Visit: v}, event.VisitArrived{Visit: v}, event.ParcelScanned{Visit: v, Delivery: d},
				event.OpeningIntended{Permit: event.Permit{Visit: v}}, event.AlarmRaised{Visit: v}, event.Refused{Visit: v},
				event.Refused{Visit: v, Delivery: d}, event.BlockAnswered{Delivery: d, Verdict: event.BlockWon},
				event.BlockAnswered{Delivery: d, Verdict: event.BlockTooLate}, event.CourierUnassigned{Delivery: d},
				event.DeliveryDiverted{Delivery: d, To: event.Fallback{Kind: event.FallbackAccessPoint}}, event.DeliveryReturned{Delivery: d},
				event.DeliveryCancelled{Delivery: d}, event.BarrierObserved{Visit: v}, event.QuestionAsked{Delivery: d},
			}).Draw(t, "body")
			all = append(all, event.Event{Site: "home", Seq: uint64(i + 1), At: event.Instant(1000 + i), Body: body})
		}
		thread := &thread{delivery: deliveries[0]}
		var picked []uint64
		for _, e := range all {
			h, ok := thread.take(phrase.English, "", e)
			if !ok {
				continue
			}
			picked = append(picked, e.Seq)
			if len(h.Deliveries) != 1 || h.Deliveries[0] != thread.delivery {
				t.Fatalf("%d names %v", e.Seq, h.Deliveries)
			}
		}
		if want := naive(all, deliveries[0]); !slices.Equal(picked, want) {
			t.Fatalf("picked %v, not %v", picked, want)
		}
		if last := visitBefore(all, deliveries[0]); thread.visit != last {
			t.Fatalf("in visit %q, not %q", thread.visit, last)
		}
	})
}

func TestEndOfAThread(t *testing.T) {
	for _, c := range []struct {
		name   string
		bodies []event.Body
		over   bool
	}{
		{"booked", []event.Body{event.DeliveryBooked{Delivery: "d"}}, false},
		{"cancelled", []event.Body{event.DeliveryCancelled{Delivery: "d"}}, true},
		{"expired", []event.Body{event.DeliveryExpired{Delivery: "d"}}, true},
		{"returned", []event.Body{event.DeliveryReturned{Delivery: "d"}}, true},
		{"at a neighbour's", []event.Body{event.DeliveryDiverted{Delivery: "d", To: event.Fallback{Kind: event.FallbackNeighbour}}}, true},
		{"to another door", []event.Body{event.DeliveryDiverted{Delivery: "d", To: event.Fallback{Kind: event.FallbackAccessPoint}}}, false},
		{"delivered, and the visit goes on", []event.Body{event.VisitBegun{Visit: "v", Deliveries: []event.DeliveryID{"d"}},
			event.DeliveryDelivered{Delivery: "d", Visit: "v"}}, false},
		{"delivered", []event.Body{event.VisitBegun{Visit: "v", Deliveries: []event.DeliveryID{"d"}},
			event.DeliveryDelivered{Delivery: "d", Visit: "v"}, event.VisitEnded{Visit: "v"}}, true},
		{"a visit for nothing", []event.Body{event.VisitBegun{Visit: "v", Deliveries: []event.DeliveryID{"d"}}, event.VisitEnded{Visit: "v"}}, false},
	} {
		thread := &thread{delivery: "d"}
		for i, b := range c.bodies {
			thread.take(phrase.English, "", event.Event{Site: "s", Seq: uint64(i + 1), Body: b})
		}
		if thread.ended() != c.over {
			t.Errorf("%s: ended is %t", c.name, thread.ended())
		}
	}
}

func TestLastEventID(t *testing.T) {
	for text, want := range map[string]uint64{"": 0, "home-1": 1, "home-9223372036854775807": 1<<63 - 1} {
		if got, err := (LastEventID{text}).after("home"); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"home", "home-", "home-x", "home--1", "home-9223372036854775808", "house-1", "1", fmt.Sprint("home-1", "\n")} {
		if _, err := (LastEventID{text}).after("home"); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

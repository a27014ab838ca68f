package customer_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/customer"
)

// A delivery that leaves its visit before anything was opened has no part in what the visit does for the others, and keeps
// what it had a part in.
func TestAStoryPartsFromItsVisit(t *testing.T) {
	ours, theirs := []event.DeliveryID{ourDelivery}, []event.DeliveryID{ourDelivery, another}
	begun := func(all []event.DeliveryID) event.Body { return event.VisitBegun{Visit: ourVisit, Deliveries: all} }
	order := func(by event.PermitType) event.Body {
		return event.OpeningIntended{Permit: event.Permit{ID: "n509mu23zcod-p95", Type: by, Visit: ourVisit, Barrier: front}}
	}
	resolved := func(o event.Outcome) event.Body {
		return event.OpeningResolved{Permit: "n509mu23zcod-p95", Visit: ourVisit, Barrier: front, Outcome: o}
	}
	shown := event.CodeShown{Permit: "n509mu23zcod-p95", Visit: ourVisit}
	blocked := event.BlockAnswered{Delivery: ourDelivery, Visit: ourVisit, Verdict: event.BlockWon}
	tooLarge := event.ParcelTooLarge{Delivery: ourDelivery, Visit: ourVisit}
	cancelled, unassigned := event.DeliveryCancelled{Delivery: ourDelivery}, event.CourierUnassigned{Delivery: ourDelivery}
	over, returned := event.VisitEnded{Visit: ourVisit}, event.DeliveryReturned{Delivery: ourDelivery}
	for name, c := range map[string]struct {
		journal []event.Body
		belongs bool
	}{
		"in its visit":                       {[]event.Body{begun(theirs)}, true},
		"blocked":                            {[]event.Body{begun(theirs), blocked}, false},
		"blocked, alone":                     {[]event.Body{begun(ours), blocked}, true},
		"blocked, as the last":               {[]event.Body{begun(theirs), event.DeliveryCancelled{Delivery: another}, blocked}, true},
		"blocked after nothing came of it":   {[]event.Body{begun(theirs), order(event.PermitRemote), resolved(event.NotDone), blocked}, false},
		"blocked before the code was shown":  {[]event.Body{begun(theirs), order(event.PermitCode), resolved(event.Done), blocked}, false},
		"withdrawn after the code was shown": {[]event.Body{begun(theirs), order(event.PermitCode), resolved(event.Done), shown, cancelled}, true},
		"withdrawn with the order out":       {[]event.Body{begun(theirs), order(event.PermitRemote), cancelled}, true},
		"withdrawn when nobody knows":        {[]event.Body{begun(theirs), order(event.PermitRemote), resolved(event.Unknown), cancelled}, true},
		"taken from the courier":             {[]event.Body{begun(theirs), unassigned}, false},
		"too large":                          {[]event.Body{begun(theirs), tooLarge}, false},
		"too large, with a code on its way":  {[]event.Body{begun(theirs), order(event.PermitCode), tooLarge}, true},
		"returned after the visit":           {[]event.Body{begun(theirs), over, returned}, true},
		"taken away, and in another visit":   {[]event.Body{begun(theirs), unassigned, begun(theirs)}, true},
	} {
		told, visited := customer.Told(ourDelivery, append(c.journal, event.AlarmRaised{Visit: ourVisit})...)
		if belongs := slices.Contains(told, event.AlarmRaised{}.Kind()); belongs != c.belongs || visited != c.belongs {
			t.Errorf("%s: the visit belongs to it %t, %t", name, belongs, visited)
		}
	}
}

// Every kind of event that names a delivery or a visit is one of a story, whichever of both it names: what is new in a journal
// is not left out of what a household reads.
func TestEveryEventOfADeliveryIsTold(t *testing.T) {
	for _, name := range []reflect.Type{reflect.TypeFor[event.DeliveryID](), reflect.TypeFor[event.VisitID]()} {
		for _, kind := range event.Kinds() {
			body := reflect.New(reflect.TypeOf(event.Zero(kind))).Elem()
			fill(body, name)
			filled := body.Interface().(event.Body)
			if len(event.Names(filled)) > 0 && !customer.Mentions(filled) {
				t.Errorf("%s names a %s, and is in no story", kind, name.Name())
			}
		}
	}
}

// fill gives every field of a type a name.
func fill(v reflect.Value, name reflect.Type) {
	switch {
	case v.Type() == name:
		v.SetString("maple-x1")
	case v.Kind() == reflect.Struct && v.Type().PkgPath() == name.PkgPath():
		for i := range v.NumField() {
			fill(v.Field(i), name)
		}
	}
}

package ui_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

var (
	both        = event.Closure{Bolt: true, Contact: true}
	contactOnly = event.Closure{Contact: true}
	boltOnly    = event.Closure{Bolt: true}
)

// ago is an instant before uitest.Now.
func ago(d time.Duration) event.Instant { return event.InstantOf(uitest.Now.Add(-d)) }

// saw is what a device said 2 s ago, of a minute's freshness.
func saw(bolt event.Bolt, contact event.Contact, needs event.Closure) api.Seen {
	s := api.Seen{Bolt: bolt, Contact: contact, Reach: event.ReachOnline, ReachedAt: ago(2 * time.Second), Closure: needs, FreshFor: event.Minute}
	if bolt != "" {
		s.BoltAt = ago(time.Hour)
	}
	if contact != "" {
		s.ContactAt = ago(time.Hour)
	}
	return s
}

func with(s api.Seen, change func(*api.Seen)) api.Seen {
	change(&s)
	return s
}

func TestStateOf(t *testing.T) {
	shut := saw(event.BoltLocked, event.ContactClosed, both)
	asked := &api.Asked{At: ago(5 * time.Second)}
	done := &api.Recorded{Outcome: event.Done, Opened: ago(4 * time.Second)}
	for name, c := range map[string]struct {
		sight ui.Sight
		state ui.State
		word  string
	}{
		"at rest, shut and locked":                {ui.Sight{Seen: shut}, ui.Secured, "Shut and locked"},
		"contact alone, shut":                     {ui.Sight{Seen: saw("", event.ContactClosed, contactOnly)}, ui.Secured, "Shut"},
		"bolt alone, locked":                      {ui.Sight{Seen: saw(event.BoltLocked, "", boltOnly)}, ui.Secured, "Locked"},
		"locked, the contact never heard":         {ui.Sight{Seen: saw(event.BoltLocked, "", both)}, ui.Unknown, "Unknown"},
		"locked, the contact unknown":             {ui.Sight{Seen: saw(event.BoltLocked, event.ContactUnknown, both)}, ui.Unknown, "Unknown"},
		"shut, the bolt unknown":                  {ui.Sight{Seen: saw(event.BoltUnknown, event.ContactClosed, both)}, ui.Unknown, "Unknown"},
		"locked and open":                         {ui.Sight{Seen: saw(event.BoltLocked, event.ContactOpen, both)}, ui.Alarming, "Ajar"},
		"locked and open, bolt alone needed":      {ui.Sight{Seen: saw(event.BoltLocked, event.ContactOpen, boltOnly)}, ui.Alarming, "Ajar"},
		"jammed":                                  {ui.Sight{Seen: saw(event.BoltJammed, event.ContactClosed, both)}, ui.Alarming, "Bolt jammed"},
		"open":                                    {ui.Sight{Seen: saw(event.BoltUnlocked, event.ContactOpen, both)}, ui.Open, "Open"},
		"open, the bolt unknown":                  {ui.Sight{Seen: saw("", event.ContactOpen, both)}, ui.Open, "Open"},
		"shut, not locked":                        {ui.Sight{Seen: saw(event.BoltUnlocked, event.ContactClosed, both)}, ui.Open, "Not locked"},
		"shut, a bolt that is not needed":         {ui.Sight{Seen: saw(event.BoltUnlocked, event.ContactClosed, contactOnly)}, ui.Secured, "Shut"},
		"nothing heard":                           {ui.Sight{Seen: api.Seen{Closure: both, FreshFor: event.Minute}}, ui.Unknown, "Unknown"},
		"too long ago":                            {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.ReachedAt = ago(time.Minute) })}, ui.Unknown, "Unknown"},
		"just in time":                            {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.ReachedAt = ago(time.Minute - time.Millisecond) })}, ui.Secured, "Shut and locked"},
		"open, too long ago":                      {ui.Sight{Seen: with(saw(event.BoltUnlocked, event.ContactOpen, both), func(s *api.Seen) { s.ReachedAt = ago(2 * time.Minute) })}, ui.Unknown, "Unknown"},
		"ajar, too long ago":                      {ui.Sight{Seen: with(saw(event.BoltLocked, event.ContactOpen, both), func(s *api.Seen) { s.ReachedAt = ago(2 * time.Minute) })}, ui.Unknown, "Unknown"},
		"no horizon":                              {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.FreshFor = 0 })}, ui.Unknown, "Unknown"},
		"offline":                                 {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.Reach = event.ReachOffline })}, ui.Unknown, "Unknown"},
		"the bolt a stored copy":                  {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.BoltAt = 0 })}, ui.Unknown, "Unknown"},
		"the contact a stored copy":               {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.ContactAt = 0 })}, ui.Unknown, "Unknown"},
		"open by a stored copy":                   {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.Contact, s.ContactAt = event.ContactOpen, 0 })}, ui.Unknown, "Unknown"},
		"unprovable, says locked":                 {ui.Sight{Seen: saw(event.BoltLocked, "", event.Closure{})}, ui.Unknown, "Closed, unproven"},
		"unprovable, says unlocked":               {ui.Sight{Seen: saw(event.BoltUnlocked, "", event.Closure{})}, ui.Open, "Not locked"},
		"unprovable, says nothing":                {ui.Sight{Seen: saw("", "", event.Closure{})}, ui.Unknown, "Unknown"},
		"unprovable, secured by mistake":          {ui.Sight{Seen: saw(event.BoltLocked, event.ContactClosed, event.Closure{}), Asked: asked, Recorded: done, Secured: ago(time.Second)}, ui.Unknown, "Closed, unproven"},
		"opening sent":                            {ui.Sight{Seen: shut, Asked: asked}, ui.Underway, "Opening sent"},
		"opening sent, seen unlocked":             {ui.Sight{Seen: saw(event.BoltUnlocked, event.ContactClosed, both), Asked: asked}, ui.Open, "Not locked"},
		"opening sent, nothing known":             {ui.Sight{Seen: api.Seen{Closure: both}, Asked: asked}, ui.Underway, "Opening sent"},
		"outcome unknown":                         {ui.Sight{Seen: shut, Asked: asked, Recorded: &api.Recorded{Outcome: event.Unknown}}, ui.Unknown, "Not known whether it opened"},
		"an outcome of tomorrow":                  {ui.Sight{Seen: shut, Asked: asked, Recorded: &api.Recorded{Outcome: "perhaps"}}, ui.Unknown, "Not known whether it opened"},
		"not done":                                {ui.Sight{Seen: shut, Asked: asked, Recorded: &api.Recorded{Outcome: event.NotDone}}, ui.Secured, "Shut and locked"},
		"opened, shut again, not yet proven":      {ui.Sight{Seen: shut, Asked: asked, Recorded: done}, ui.Unknown, "Not proven shut yet"},
		"opened, secured":                         {ui.Sight{Seen: shut, Asked: asked, Recorded: done, Secured: ago(time.Second)}, ui.Secured, "Shut and locked"},
		"opened, secured, then open again":        {ui.Sight{Seen: saw(event.BoltUnlocked, event.ContactOpen, both), Asked: asked, Recorded: done, Secured: ago(time.Second)}, ui.Open, "Open"},
		"opened, secured, then silent":            {ui.Sight{Seen: with(shut, func(s *api.Seen) { s.ReachedAt = ago(time.Hour) }), Asked: asked, Recorded: done, Secured: ago(time.Second)}, ui.Unknown, "Unknown"},
		"held by a visit that has not secured it": {ui.Sight{Seen: shut, Held: true}, ui.Unknown, "Not proven shut yet"},
	} {
		got := ui.StateOf(phrase.English, c.sight, uitest.Now, nil)
		if got.State != c.state || got.Word != c.word {
			t.Errorf("%s: %s %q, want %s %q", name, got.State, got.Word, c.state, c.word)
		}
	}
}

// TestSightsCarryEverything: the state of a step and of a barrier follows from what the API tells of it.
func TestSightsCarryEverything(t *testing.T) {
	shut := saw(event.BoltLocked, event.ContactClosed, both)
	step := api.Step{Barrier: "s-1", Is: event.Flat, Name: "Flat", Seen: shut, Asked: &api.Asked{}, Recorded: &api.Recorded{Outcome: event.Done}, Secured: 7}
	s := ui.SightOfStep(step)
	if s.Barrier != "s-1" || s.Is != event.Flat || s.Name != "Flat" || s.Seen != shut || s.Asked == nil || s.Recorded == nil || s.Secured != 7 || s.Held {
		t.Errorf("a step: %+v", s)
	}
	for name, b := range map[string]api.Barrier{"held": {Holder: "v"}, "lent": {Lent: "other"}} {
		if !ui.SightOfBarrier(b).Held {
			t.Errorf("a barrier that is %s is not held", name)
		}
	}
	if b := ui.SightOfBarrier(api.Barrier{ID: "s-1", Is: event.Flat, Name: "Flat", Seen: shut}); b.Held || b.Barrier != "s-1" || b.Seen != shut || b.Name != "Flat" {
		t.Errorf("a barrier: %+v", b)
	}
}

func TestPartsAreTwoLines(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	got := ui.StateOf(phrase.English, ui.Sight{Is: event.Flat, Seen: saw(event.BoltUnlocked, event.ContactOpen, both)}, uitest.Now, paris)
	if got.Name != "Flat door" || got.Left != 58*time.Second {
		t.Errorf("%q holds for %v", got.Name, got.Left)
	}
	bolt, contact := got.Bolt, got.Contact
	if bolt.Word != "unlocked" || bolt.State != ui.Open || bolt.Age != 2*time.Second || bolt.Fresh != time.Minute || bolt.Source != "lock" || bolt.Was != "was: unlocked, 16:02:46" {
		t.Errorf("bolt: %+v", bolt)
	}
	if contact.Word != "open" || contact.State != ui.Open || !contact.Wide || contact.Icon != "flat" || contact.Source != "sensor" || contact.Gone != "unknown" {
		t.Errorf("contact: %+v", contact)
	}
	alone := ui.StateOf(phrase.French, ui.Sight{Is: event.Garage, Seen: saw("", event.ContactClosed, contactOnly)}, uitest.Now, paris)
	if alone.Bolt.State != ui.Neutral || alone.Bolt.Word != "pas de verrou qui réponde" || alone.Bolt.Was != "" || alone.Contact.Word != "fermée" {
		t.Errorf("no bolt: %+v, %+v", alone.Bolt, alone.Contact)
	}
	copied := ui.StateOf(phrase.English, ui.Sight{Seen: with(saw(event.BoltLocked, event.ContactClosed, both), func(s *api.Seen) { s.ContactAt = 0 })}, uitest.Now, paris)
	if copied.Contact.State != ui.Unknown || copied.Contact.Heard || copied.Contact.Was != "was: shut" {
		t.Errorf("a stored copy: %+v", copied.Contact)
	}
	if ahead := ui.StateOf(phrase.English, ui.Sight{Seen: with(saw(event.BoltLocked, event.ContactClosed, both), func(s *api.Seen) { s.ReachedAt = ago(-time.Hour) })}, uitest.Now, paris); ahead.Bolt.Age != 0 {
		t.Errorf("heard %v ago", ahead.Bolt.Age)
	}
}

// What a car says may be of long before it was heard of: its parts have their own times beside the age. A door's speak as
// they move.
func TestACarsOwnTimes(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	spoke := with(saw(event.BoltLocked, event.ContactClosed, both), func(s *api.Seen) { s.BoltOwn, s.ContactOwn = ago(90*time.Second), 0 })
	car := ui.StateOf(phrase.English, ui.Sight{Is: event.Trunk, Seen: spoke}, uitest.Now, paris)
	if want := "at " + uitest.Now.Add(-90*time.Second).In(paris).Format("15:04:05") + " by its own clock"; car.Bolt.Own != want || car.Contact.Own != "" {
		t.Errorf("a car: %q, %q, want %q", car.Bolt.Own, car.Contact.Own, want)
	}
	if door := ui.StateOf(phrase.English, ui.Sight{Is: event.FrontDoor, Seen: spoke}, uitest.Now, paris); door.Bolt.Own != "" {
		t.Errorf("a door: %q", door.Bolt.Own)
	}
	jammed := ui.Sight{Is: event.Trunk, Seen: saw(event.BoltJammed, event.ContactClosed, both)}
	if word := ui.StateOf(phrase.French, jammed, uitest.Now, paris).Word; word != "Serrure coincée" {
		t.Errorf("a car's lock: %q", word)
	}
}

// drawSight draws anything that an API could tell, sensible or not.
func drawSight(t *rapid.T) ui.Sight {
	instant := func(name string) event.Instant {
		return rapid.SampledFrom([]event.Instant{0, ago(time.Millisecond), ago(10 * time.Second), ago(2 * time.Minute), ago(-time.Minute)}).Draw(t, name)
	}
	s := ui.Sight{Held: rapid.Bool().Draw(t, "held"), Secured: instant("secured"), Seen: api.Seen{
		Bolt:    rapid.SampledFrom([]event.Bolt{"", event.BoltLocked, event.BoltLocked, event.BoltUnlocked, event.BoltJammed, event.BoltUnknown, "odd"}).Draw(t, "bolt"),
		Contact: rapid.SampledFrom([]event.Contact{"", event.ContactClosed, event.ContactClosed, event.ContactOpen, event.ContactUnknown, "odd"}).Draw(t, "contact"),
		Reach:   rapid.SampledFrom([]event.Reach{"", event.ReachOnline, event.ReachOffline}).Draw(t, "reach"),
		BoltAt:  instant("boltAt"), ContactAt: instant("contactAt"), ReachedAt: instant("reachedAt"),
		Closure:  event.Closure{Bolt: rapid.Bool().Draw(t, "needs bolt"), Contact: rapid.Bool().Draw(t, "needs contact")},
		FreshFor: rapid.SampledFrom([]event.Millis{0, 5 * event.Second, event.Minute}).Draw(t, "fresh for"),
	}}
	if rapid.Bool().Draw(t, "asked") {
		s.Asked = &api.Asked{At: instant("asked at")}
	}
	if rapid.Bool().Draw(t, "recorded") {
		s.Recorded = &api.Recorded{Outcome: rapid.SampledFrom([]event.Outcome{event.Done, event.NotDone, event.Unknown, "odd"}).Draw(t, "outcome")}
	}
	return s
}

// TestGreenIsProven: whatever is told, green is only what is proven now, and stays so no longer than the proof.
func TestGreenIsProven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSight(t)
		shown := ui.StateOf(phrase.English, s, uitest.Now, nil)
		seen := s.Seen
		if shown.Word == "" || shown.Bolt.Name == "" || shown.Contact.Name == "" {
			t.Fatalf("nameless: %+v", shown)
		}
		ajar := seen.Bolt == event.BoltLocked && seen.Contact == event.ContactOpen
		if shown.Why == ui.WhyAjar && !ajar {
			t.Fatal("ajar, and nobody said so")
		}
		if shown.State != ui.Secured {
			return
		}
		switch {
		case !seen.Closure.Provable():
			t.Fatal("green without anything to prove it")
		case seen.Closure.Bolt && (seen.Bolt != event.BoltLocked || seen.BoltAt == 0):
			t.Fatal("green without its bolt")
		case seen.Closure.Contact && (seen.Contact != event.ContactClosed || seen.ContactAt == 0):
			t.Fatal("green without its contact")
		case seen.Contact == event.ContactOpen && seen.ContactAt != 0, seen.Bolt == event.BoltJammed && seen.BoltAt != 0:
			t.Fatal("green, and a part says otherwise")
		case seen.Reach == event.ReachOffline || seen.ReachedAt == 0 || uitest.Now.Sub(seen.ReachedAt.Time()) >= seen.FreshFor.Duration():
			t.Fatal("green on what is not fresh")
		case s.Held && s.Secured == 0, s.Asked != nil && s.Secured == 0 && (s.Recorded == nil || s.Recorded.Outcome != event.NotDone):
			t.Fatal("green after an opening that the core did not see secured")
		}
		if shown.Left <= 0 || shown.Left > seen.FreshFor.Duration() {
			t.Fatalf("green for %v", shown.Left)
		}
		if later := ui.StateOf(phrase.English, s, uitest.Now.Add(shown.Left+2*time.Minute), nil); later.State == ui.Secured {
			t.Fatal("green when its time is over")
		}
	})
}

// TestWhatIsNotKnownIsUnknown: a part that is no fact now is never shown as one.
func TestWhatIsNotKnownIsUnknown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSight(t)
		shown := ui.StateOf(phrase.French, s, uitest.Now, nil)
		fresh := s.Seen.ReachedAt != 0 && s.Seen.Reach != event.ReachOffline && uitest.Now.Sub(s.Seen.ReachedAt.Time()) < s.Seen.FreshFor.Duration()
		for name, c := range map[string]struct {
			part ui.Part
			at   event.Instant
		}{"bolt": {shown.Bolt, s.Seen.BoltAt}, "contact": {shown.Contact, s.Seen.ContactAt}} {
			fact := c.part.Heard && c.part.Age < c.part.Fresh
			if fact && (!fresh || c.at == 0) {
				t.Fatalf("the %s is shown as a fact: %+v", name, c.part)
			}
			if !fact && c.part.State != ui.Unknown && c.part.Source != "" {
				t.Fatalf("the %s is no fact, and looks like %s", name, c.part.State)
			}
		}
	})
}

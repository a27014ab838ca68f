package customer_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// The home of these tests: two doors and a garage, and a visit that brings one delivery and another.
const (
	ourHome     = event.SiteID("n509mu23zcod")
	ourVisit    = event.VisitID("n509mu23zcod-v90")
	ourDelivery = event.DeliveryID("n509mu23zcod-d80")
	another     = event.DeliveryID("n509mu23zcod-d81")
	front       = event.BarrierID("n509mu23zcod-b1")
	flat        = event.BarrierID("n509mu23zcod-b2")
)

var (
	boltAndContact = event.Closure{Bolt: true, Contact: true}
	contactAlone   = event.Closure{Contact: true}
	boltAlone      = event.Closure{Bolt: true}
)

// before is an instant before uitest.Now.
func before(d time.Duration) event.Instant { return event.InstantOf(uitest.Now.Add(-d)) }

// said is what a device said an hour ago, heard of last some time ago, of a minute's freshness.
func said(bolt event.Bolt, contact event.Contact, needs event.Closure, heard time.Duration) api.Seen {
	return api.Seen{Bolt: bolt, Contact: contact, BoltAt: before(time.Hour), ContactAt: before(time.Hour), Reach: event.ReachOnline,
		ReachedAt: before(heard), Closure: needs, FreshFor: event.Minute}
}

func shutAs(needs event.Closure, heard time.Duration) api.Seen {
	return said(event.BoltLocked, event.ContactClosed, needs, heard)
}

func home(seen ...api.Seen) api.Home {
	h := api.Home{Site: ourHome, AccessPoints: []api.AccessPoint{{ID: "n509mu23zcod-a1"}}}
	for i, one := range seen {
		id := []event.BarrierID{front, flat}[i]
		h.Barriers = append(h.Barriers, api.Barrier{ID: id, Enrolled: true, Seen: one})
		h.AccessPoints[0].WayIn = append(h.AccessPoints[0].WayIn, event.BarrierRef{Barrier: id})
	}
	return h
}

// The first page says of all doors no more than was seen of each, and nothing good of what it did not count.
func TestTheWholeHome(t *testing.T) {
	quiet := 10 * time.Second
	both, garage, bolt := shutAs(boltAndContact, quiet), shutAs(contactAlone, quiet), shutAs(boltAlone, quiet)
	gone := home()
	gone.AccessPoints[0].WayIn = []event.BarrierRef{{Barrier: front}}
	goneBeside := home(both)
	goneBeside.AccessPoints[0].WayIn = append(goneBeside.AccessPoints[0].WayIn, event.BarrierRef{Barrier: flat})
	lobby := home(both)
	lobby.AccessPoints[0].WayIn = append(lobby.AccessPoints[0].WayIn, event.BarrierRef{Barrier: "o509mu23zcod-b1"})
	unproved := home(both, both)
	unproved.Barriers[1].Enrolled = false
	const unknown = "Not known whether all is shut"
	for name, c := range map[string]struct {
		home  api.Home
		state ui.State
		says  string
	}{
		"all parts":                            {home(both, both), ui.Secured, "All shut and locked"},
		"a garage alone":                       {home(garage), ui.Secured, "All shut"},
		"a bolt alone":                         {home(bolt), ui.Secured, "All locked"},
		"a door and a garage":                  {home(both, garage), ui.Secured, "All secured"},
		"one that is silent":                   {home(both, shutAs(boltAndContact, time.Hour)), ui.Unknown, unknown},
		"its one barrier was retired":          {gone, ui.Unknown, unknown},
		"one of its barriers was retired":      {goneBeside, ui.Unknown, unknown},
		"another's door on the way":            {lobby, ui.Secured, "All shut and locked"},
		"a way in through one not worked once": {unproved, ui.Unknown, unknown},
		"no place":                             {api.Home{Site: ourHome}, ui.Neutral, "No place for parcels yet"},
	} {
		if state, says, _ := customer.Standing(c.home, uitest.Now); state != c.state || says != c.says {
			t.Errorf("%s: %s %q, want %s %q", name, state, says, c.state, c.says)
		}
	}
	if _, _, left := customer.Standing(home(both, shutAs(boltAndContact, 20*time.Second)), uitest.Now); left != 40*time.Second {
		t.Errorf("it holds for %s", left)
	}
}

// visiting is a home in which a visit opened its barriers, secured or not.
func visiting(secured event.Instant, deliveries []event.DeliveryID, seen ...api.Seen) api.Home {
	h := home(seen...)
	v := api.Visit{ID: ourVisit, Arrived: before(time.Minute), CourierName: "Karim B"}
	for _, d := range deliveries {
		v.Deliveries = append(v.Deliveries, api.VisitDelivery{Delivery: d})
	}
	for i, one := range seen {
		v.Steps = append(v.Steps, api.Step{Barrier: h.Barriers[i].ID, By: event.PermitRemote, Seen: one, Asked: &api.Asked{At: before(30 * time.Second)},
			Recorded: &api.Recorded{Outcome: event.Done, Opened: before(29 * time.Second)}, Secured: secured})
	}
	h.Visits = []api.Visit{v}
	return h
}

// What a delivery's page says first is never more than the devices say now.
func TestTheStageOfADelivery(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	now := 5 * time.Second
	open := func(heard time.Duration) api.Seen {
		return said(event.BoltUnlocked, event.ContactOpen, boltAndContact, heard)
	}
	offline := open(now)
	offline.Reach = event.ReachOffline
	ours, theirs := []event.DeliveryID{ourDelivery}, []event.DeliveryID{another}
	blocked := visiting(0, theirs, open(now))
	blocked.Deliveries = []api.HomeDelivery{{Delivery: api.Delivery{ID: ourDelivery}, Blocked: true}}
	for name, c := range map[string]struct {
		home         api.Home
		ended        event.Body
		stage, title string
		left         time.Duration
	}{
		"open":                             {visiting(0, ours, open(now)), nil, "open", "Open", 55 * time.Second},
		"open when it fell silent":         {visiting(0, ours, open(time.Hour)), nil, "unseen", "Not known whether it is shut", 0},
		"open when it went offline":        {visiting(0, ours, offline), nil, "unseen", "Not known whether it is shut", 0},
		"shut when it fell silent":         {visiting(0, ours, shutAs(boltAndContact, time.Hour)), nil, "unseen", "Not known whether it is shut", 0},
		"shut, not recorded so":            {visiting(0, ours, shutAs(boltAndContact, now)), nil, "shut", "Shut, not proven yet", 55 * time.Second},
		"one shut, one silent":             {visiting(0, ours, shutAs(boltAndContact, now), open(time.Hour)), nil, "unseen", "Not known whether it is shut", 0},
		"secured":                          {visiting(before(now), ours, shutAs(boltAndContact, now)), nil, "secured", "Shut and locked", 55 * time.Second},
		"secured by its contact":           {visiting(before(now), ours, shutAs(contactAlone, now)), nil, "secured", "Shut", 55 * time.Second},
		"secured by its bolt":              {visiting(before(now), ours, shutAs(boltAlone, now)), nil, "secured", "Locked", 55 * time.Second},
		"secured, each in its own way":     {visiting(before(now), ours, shutAs(boltAlone, now), shutAs(contactAlone, now)), nil, "secured", "All secured", 55 * time.Second},
		"secured when it fell silent":      {visiting(before(now), ours, shutAs(boltAndContact, time.Hour)), nil, "unseen", "Not known whether it is shut", 0},
		"open for another, ours blocked":   {blocked, nil, "blocked", "Blocked", 0},
		"open for another, ours withdrawn": {visiting(0, theirs, open(now)), event.DeliveryCancelled{Delivery: ourDelivery}, "cancelled", "Withdrawn", 0},
		"open, and nothing left to bring":  {visiting(0, nil, open(now)), event.DeliveryReturned{Delivery: ourDelivery}, "open", "Open", 55 * time.Second},
	} {
		got := customer.Follow(ctx, c.home, ourDelivery, ourVisit, c.ended, uitest.Now)
		if got.Stage != c.stage || got.Title != c.title || got.Left != c.left || got.Next != c.left {
			got.Page = ""
			t.Errorf("%s: %+v, want %s %q for %s", name, got, c.stage, c.title, c.left)
		}
	}
}

// What is brought beside a delivery is told where it comes by the same way in, or a part of it, and as long as something can
// open for it: not what was blocked from there on, or does not fit.
func TestWhatIsBroughtBeside(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	const garage, hall = event.AccessPointID("n509mu23zcod-a5"), event.AccessPointID("n509mu23zcod-a6")
	open := said(event.BoltUnlocked, event.ContactOpen, boltAndContact, time.Second)
	for name, c := range map[string]struct {
		to    event.AccessPointID
		other api.HomeDelivery
		told  bool
	}{
		"on its way":          {"n509mu23zcod-a1", api.HomeDelivery{}, true},
		"blocked":             {"n509mu23zcod-a1", api.HomeDelivery{Blocked: true}, false},
		"does not fit":        {"n509mu23zcod-a1", api.HomeDelivery{TooLarge: true}, false},
		"through the hall":    {hall, api.HomeDelivery{}, true},
		"by a way of its own": {garage, api.HomeDelivery{}, false},
	} {
		c.other.Delivery = api.Delivery{ID: another}
		h := visiting(0, []event.DeliveryID{another}, open)
		h.AccessPoints = append(h.AccessPoints, api.AccessPoint{ID: garage, WayIn: []event.BarrierRef{{Barrier: flat}}},
			api.AccessPoint{ID: hall, WayIn: []event.BarrierRef{{Barrier: front}, {Barrier: flat}}})
		h.Deliveries = []api.HomeDelivery{{Delivery: api.Delivery{ID: ourDelivery, AccessPoint: c.to}}, c.other}
		page := customer.Follow(ctx, h, ourDelivery, ourVisit, nil, uitest.Now).Page
		if told := strings.Contains(page, `href="/home/deliveries/`+string(another)+`"`); told != c.told {
			t.Errorf("%s: told %t", name, told)
		}
	}
}

// What is open for another is not told as this one's: blocked from there on, it is not dropped.
func TestOpenForAnother(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	h := visiting(0, []event.DeliveryID{ourDelivery, another}, said(event.BoltUnlocked, event.ContactOpen, boltAndContact, time.Second))
	h.Deliveries = []api.HomeDelivery{{Delivery: api.Delivery{ID: ourDelivery}, Blocked: true}}
	got := customer.Follow(ctx, h, ourDelivery, ourVisit, nil, uitest.Now)
	if got.Stage != "open" || got.Sentence != "Something is open. This delivery is not left there." {
		t.Errorf("%s: %q", got.Stage, got.Sentence)
	}
}

// An alarm is the household's from the level on at which it is told of it, on every page alike.
func TestWhoseAlarmItIs(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	for level, shown := range map[event.AlarmLevel]bool{event.AlarmCourier: false, event.AlarmCustomer: true, event.AlarmOperator: true} {
		h := visiting(0, []event.DeliveryID{ourDelivery}, said(event.BoltUnlocked, event.ContactOpen, boltAndContact, time.Second))
		h.Visits[0].Alarm = &api.Alarm{Level: level, Title: "Door not shut"}
		if page := customer.Follow(ctx, h, ourDelivery, ourVisit, nil, uitest.Now).Page; strings.Contains(page, "Door not shut") != shown {
			t.Errorf("level %d: shown %t", level, !shown)
		}
	}
}

// A door is called ajar on what its device says now.
func TestAjarInARehearsal(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	for heard, ajar := range map[time.Duration]bool{time.Second: true, time.Hour: false} {
		if got := customer.Ajar(ctx, home(said(event.BoltLocked, event.ContactOpen, boltAndContact, heard)), uitest.Now); got != ajar {
			t.Errorf("heard %s ago: ajar %t", heard, got)
		}
	}
}

// How a door was shut at last is told with what saw it, and when; not as if it were so for ever.
func TestHowItWasSeenShut(t *testing.T) {
	ctx, at := uitest.Context(t, phrase.English), before(0)
	clock := at.Time().UTC().Format("15:04:05")
	both := event.BarrierSecured{Barrier: front, BoltAt: at, ContactAt: at}
	for says, secured := range map[string][]event.BarrierSecured{
		"": nil,
		"The door was seen shut and locked: sensor and lock, " + clock + ".": {both},
		"The door was seen shut: sensor, " + clock + ".":                     {{Barrier: front, ContactAt: at}},
		"The door was seen locked: lock, " + clock + ".":                     {{Barrier: front, BoltAt: at}},
		"Everything was seen secured, the last at " + clock + ".":            {both, {Barrier: flat, ContactAt: at}},
	} {
		if got := customer.SeenShut(ctx, at, secured...); got != says {
			t.Errorf("%+v: %q, want %q", secured, got, says)
		}
	}
}

// A door that was open when its device fell silent is not called shut, and the headline of an open one ends with what it rests on.
func TestAnOpenDoorFallsSilent(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	anna.Enter(d)
	me.shows(pathOf(d), "is dropping 1 parcel")
	for _, tag := range []string{"h1", "p"} {
		stage := uitest.With(uitest.Parse(t, me.page(pathOf(d))), "class", "stage")[0]
		seen := uitest.With(uitest.Tags(stage, tag)[0], "class", "seen")
		if len(seen) != 1 {
			t.Fatalf("the %s does not end", tag)
		}
		if fresh, _ := uitest.Attr(seen[0], "data-fresh"); fresh == "" {
			t.Errorf("the %s does not end", tag)
		}
	}
	h.Home.Close()
	reach := func(o event.BarrierObserved) bool { return o.Observation.Reach == event.ReachOffline }
	indoors.AwaitWhere(b.Installation, h.Site, reach)
	both(t, me, pathOf(d), "Not known whether it is shut", "On ne sait pas si c'est fermé")
	if said := plain(t, me.page(pathOf(d))); strings.Contains(said, "Shut, not proven yet") {
		t.Errorf("an open door is called shut: %s", said)
	}
}

// An empty list says how far somebody looked.
func TestNothingFound(t *testing.T) {
	t.Parallel()
	ctx := uitest.Context(t, phrase.English)
	search := url.Values{"from": {"2020-01-01"}}
	for want, got := range map[string]string{
		"No opening yet.": customer.Nothing(ctx, nil, ""),
		"Nothing was opened by these, there, in this time.":  customer.Nothing(ctx, search, ""),
		"None among the latest openings; look further back.": customer.Nothing(ctx, search, "cursor"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	b := build(t)
	me := b.visitor(t, b.Household("Camille"))
	if said := plain(t, me.page("/home/history?from=yesterday")); strings.Contains(said, "Nothing was opened") || strings.Contains(said, "No opening") {
		t.Errorf("nobody looked, and it says: %s", said)
	}
}

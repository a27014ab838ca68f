package notify

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

var update = flag.Bool("update", false, "write the golden files anew")

var placeholders = regexp.MustCompile(`\{[^{}]*\}`)

// TestBothLanguagesSayTheSameThings, with the same placeholders.
func TestBothLanguagesSayTheSameThings(t *testing.T) {
	en, fr := languages[phrase.English], languages[phrase.French]
	if a, b := slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(fr)); !slices.Equal(a, b) {
		t.Errorf("the keys differ:\n%v\n%v", a, b)
	}
	for key, text := range en {
		a, b := placeholders.FindAllString(text, -1), placeholders.FindAllString(fr[key], -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: %v and %v", key, a, b)
		}
		for _, said := range []string{text, fr[key]} {
			if said == "" || strings.TrimSpace(said) != said || regexp.MustCompile(`[<>&]|  |!`).MatchString(said) {
				t.Errorf("%s reads %q", key, said)
			}
		}
		if bad := regexp.MustCompile(`(^|[^\x{00a0}])[:;?%]`).FindString(placeholders.ReplaceAllString(fr[key], "x")); bad != "" {
			t.Errorf("%s: no no-break space in %q", key, fr[key])
		}
	}
	if n := len(strings.Fields(en["months"])); n != 12 || len(strings.Fields(fr["months"])) != 12 {
		t.Errorf("a year has %d months", n)
	}
}

// TestEveryTextIsUsed, and every text that is used exists: keys stand in the source whole, or with a beginning that one
// of our lists completes.
func TestEveryTextIsUsed(t *testing.T) {
	families := map[string][]string{
		"opened.body.":   {"answer", string(event.BySight), string(event.BySigns), "answer.car", "sight.car"},
		"delivered.":     {"both", "bolt", "contact", "both.car", "bolt.car", "contact.car"},
		"foreign.cause.": {"manual", "keypad", "remote", "auto"},
		"failure.":       nil,
		"refused.":       {"diverted", "returned", "expired", "device-offline.car", "barrier-not-enrolled.car"},
	}
	for _, kind := range []auth.MailKind{auth.MailSignIn, auth.MailInvitation, auth.MailConfirmation, auth.MailStaff} {
		families["link."] = append(families["link."], string(kind)+".title", string(kind)+".body", string(kind)+".action")
	}
	for _, c := range Channels() {
		families["failure."] = append(families["failure."], string(c)+"."+string(ReasonRefused), string(c)+"."+string(ReasonLate))
	}
	families["failure."] = append(families["failure."], "push."+string(ReasonExpired))
	for _, n := range everyNotice() {
		if b, ok := n.Event.Body.(event.Refused); ok {
			families["refused."] = append(families["refused."], string(b.Code))
		}
		if b, ok := n.Event.Body.(event.VehicleFound); ok {
			families["car."] = append(families["car."], string(b.Code))
		}
	}
	used := map[string]bool{}
	for begin, ends := range families {
		for _, end := range ends {
			used[begin+end] = true
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`"[a-z]+(\.[a-z-]+)*"`)
	for _, name := range sources {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range literal.FindAllString(string(source), -1) {
			used[strings.Trim(l, `"`)] = !strings.HasSuffix(name, "_test.go") || used[strings.Trim(l, `"`)]
		}
	}
	for key := range languages[phrase.English] {
		if !used[key] {
			t.Errorf("nobody says %s", key)
		}
	}
	for begin, ends := range families {
		for _, end := range ends {
			if languages[phrase.English][begin+end] == "" {
				t.Errorf("there is no text %s", begin+end)
			}
		}
	}
}

// noon in Paris, on a Sunday.
var noon = event.InstantOf(time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC))

// everyNotice is one of each kind of notice.
func everyNotice() (all []dispatch.Notice) {
	window := event.Span{From: noon.Add(2 * event.Hour), To: noon.Add(6 * event.Hour)}
	tomorrow := event.Span{From: window.From.Add(event.Day), To: window.To.Add(event.Day)}
	add := func(body event.Body, change ...func(*dispatch.Notice)) {
		n := dispatch.Notice{Event: event.Event{Site: "home", Seq: uint64(len(all) + 1), At: noon.Add(4 * event.Second), Body: body}, Visit: "home-v7",
			Deliveries: []event.DeliveryID{"home-d3"}, Window: window, Barrier: "home-b2", Is: event.FrontDoor}
		for _, c := range change {
			c(&n)
		}
		all = append(all, n)
	}
	filmed := func(n *dispatch.Notice) { n.Camera, n.Kept = true, true }
	plain := func(n *dispatch.Notice) { n.Visit, n.Barrier, n.Is = "", "", "" }
	alone := func(n *dispatch.Notice) { n.Deliveries, n.Visit, n.Window = nil, "", event.Span{} }
	secured := func(c event.Closure) func(*dispatch.Notice) {
		return func(n *dispatch.Notice) { n.Secured, n.Seen = noon.Add(-9*event.Second), c }
	}
	courier := event.Actor{Kind: event.ActorCourier, ID: "karim"}

	add(event.VisitBegun{Visit: "home-v7", ETA: noon.Add(8 * event.Minute)})
	add(event.VisitBegun{Visit: "home-v7"})
	add(event.VisitEstimated{Visit: "home-v7", ETA: noon.Add(13 * event.Hour)})
	add(event.VisitArrived{Visit: "home-v7"})
	add(event.OpeningResolved{Visit: "home-v7", Barrier: "home-b2", Outcome: event.Done, By: event.ByAnswer}, filmed)
	add(event.OpeningResolved{Visit: "home-v7", Barrier: "home-b2", Outcome: event.Done, By: event.BySight})
	add(event.OpeningResolved{Visit: "home-v7", Barrier: "block-b2", Outcome: event.Done, By: event.BySigns}, func(n *dispatch.Notice) { n.Is = "" })
	for _, c := range []event.Closure{{Bolt: true, Contact: true}, {Bolt: true}, {Contact: true}} {
		add(event.DeliveryDelivered{Delivery: "home-d3", Visit: "home-v7", How: event.EndSecured, Confirmed: true}, secured(c), filmed)
	}
	add(event.DeliveryDelivered{Delivery: "home-d3", Visit: "home-v7", How: event.EndUnproven})
	add(event.DeliveryDelivered{Delivery: "home-d3", Visit: "home-v7", How: event.EndTakenOver, Confirmed: true})
	for _, code := range []event.Code{event.NoConsent, event.QuestionOpen, event.PetsLoose, event.AlarmOn, event.TooLate, event.DeviceOffline,
		event.BarrierNotReady, event.CameraNotLive, event.CameraNoRoom, event.LenderRefused, event.LenderBlocked, event.ParcelMissed,
		event.WrongDevice, event.Suspended, event.WrongCourier, event.ParcelDoesNotFit, event.CarTooFar, event.CarMoving, event.CarPositionOld,
		event.CarIndoors, event.CarNotLocked, event.CarAsleep, event.CarUnreachable, event.CarRevoked, event.CarOpensOtherwise} {
		add(event.Refused{Asked: event.AskedScan, Code: code, Visit: "home-v7", By: courier})
	}
	add(event.DeliveryDiverted{Delivery: "home-d3", To: event.Fallback{Kind: event.FallbackNeighbour}}, plain)
	add(event.DeliveryReturned{Delivery: "home-d3", Why: event.NoConsent}, plain)
	add(event.DeliveryExpired{Delivery: "home-d3"}, plain)
	for _, verdict := range []event.BlockVerdict{event.BlockWon, event.BlockFromHere, event.BlockTooLate} {
		add(event.BlockAnswered{Delivery: "home-d3", Visit: "home-v7", Verdict: verdict, IntendedAt: noon.Add(3 * event.Second), By: event.Actor{Kind: event.ActorMember}})
	}
	for _, reason := range []event.AlarmReason{event.AlarmDwell, event.AlarmAjar, event.AlarmJammed, event.AlarmNotClosed, event.AlarmNotLocked, event.AlarmUnknown,
		event.AlarmReopened, event.AlarmUnreached, event.AlarmCodeStuck} {
		add(event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Reason: reason, Level: event.AlarmCustomer}, filmed)
	}
	owned := func(level event.AlarmLevel) func(*dispatch.Notice) {
		return func(n *dispatch.Notice) {
			n.Alarm = site.Alarm{Reason: event.AlarmAjar, Barrier: "home-b2", Level: level, Raised: noon.Add(-7 * event.Minute), Owned: noon.Add(-5 * event.Minute)}
		}
	}
	none := func(n *dispatch.Notice) { n.Barrier, n.Is = "", "" }
	add(event.AlarmRaised{Visit: "home-v7", Reason: event.AlarmDanger, Level: event.AlarmOperator}, none)
	add(event.AlarmRaised{Visit: "home-v7", Reason: event.AlarmPicture, Level: event.AlarmOperator}, none, filmed)
	ajar := func(n *dispatch.Notice) {
		n.Alarm = site.Alarm{Reason: event.AlarmAjar, Barrier: "home-b2", Level: event.AlarmCustomer, Raised: noon.Add(-7 * event.Minute)}
	}
	add(event.AlarmAcknowledged{Visit: "home-v7", By: event.Actor{Kind: event.ActorOperator, ID: "ana"}}, ajar)
	add(event.AlarmEnded{Visit: "home-v7"}, ajar, secured(event.Closure{Bolt: true, Contact: true}))
	add(event.AlarmEnded{Visit: "home-v7"}, ajar)
	add(event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Reason: event.AlarmAjar, Level: event.AlarmOperator}, filmed, ajar)
	add(event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Reason: event.AlarmAjar, Level: event.AlarmCustomer}, owned(event.AlarmCourier))
	add(event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Reason: event.AlarmAjar, Level: event.AlarmOperator}, owned(event.AlarmCustomer))
	for _, cause := range []string{"", "manual", "keypad", "remote", "auto", "fingerprint"} {
		add(event.ForeignOpening{Barrier: "home-b2", Observation: event.Observation{Bolt: event.BoltUnlocked, Reach: event.ReachOnline, Cause: cause}}, alone)
	}
	add(event.ForeignOpening{Barrier: "home-b2", Observation: event.Observation{Contact: event.ContactOpen}}, func(n *dispatch.Notice) { n.Is = event.Garage })
	for _, q := range []event.Question{event.QuestionPets, event.QuestionAlarm} {
		add(event.QuestionAsked{Delivery: "home-d3", Question: q, Round: event.RoundDayBefore}, plain, func(n *dispatch.Notice) { n.Window = tomorrow })
		add(event.QuestionAsked{Delivery: "home-d3", Question: q, Round: event.RoundApproach}, plain)
	}
	add(event.SpotAsked{AccessPoint: "home-a4", Delivery: "home-d3", Round: event.RoundDayBefore}, plain, func(n *dispatch.Notice) { n.Window = tomorrow })
	add(event.SpotAsked{AccessPoint: "home-a4", Visit: "home-v7", Round: event.RoundApproach})
	for _, code := range []event.Code{event.CarTooFar, event.CarIndoors, event.CarPositionOld, event.CarAsleep, event.CarUnreachable} {
		add(event.VehicleFound{AccessPoint: "home-a4", Delivery: "home-d3", Round: event.RoundDayBefore, Code: code}, plain, func(n *dispatch.Notice) { n.Window = tomorrow })
	}
	for _, code := range []event.Code{event.CarMoving, event.CarNotLocked} {
		add(event.VehicleFound{AccessPoint: "home-a4", Visit: "home-v7", Round: event.RoundApproach, Code: code})
	}
	add(event.VehicleFound{AccessPoint: "home-a4", Code: event.CarRevoked}, alone)
	add(event.BarrierObserved{Barrier: "home-b2", Observation: event.Observation{Battery: 12}}, alone)
	add(event.DeliveryUnconsented{Delivery: "home-d3", By: event.Actor{Kind: event.ActorMember, ID: "home-m2"}}, plain)
	add(event.CourierAssigned{Delivery: "home-d3", Courier: "karim"}, plain, func(n *dispatch.Notice) { n.Rebound = true })
	add(event.CourierSuspended{Courier: "karim"}, plain)
	add(event.DeliveryBooked{Delivery: "home-d3"}, plain, func(n *dispatch.Notice) { n.Window = tomorrow })
	add(event.DeliveryBooked{Delivery: "home-d4"}, plain, func(n *dispatch.Notice) { n.Deliveries = []event.DeliveryID{"home-d4"} })
	add(event.CourierAssigned{Delivery: "home-d3", Courier: "karim"}, plain)
	add(event.DeliveryCancelled{Delivery: "home-d3"}, plain, func(n *dispatch.Notice) { n.Window.To = tomorrow.To })

	trunk := func(n *dispatch.Notice) { n.Is = event.Trunk }
	add(event.OpeningResolved{Visit: "home-v7", Barrier: "home-b2", Outcome: event.Done, By: event.ByAnswer}, trunk)
	add(event.OpeningResolved{Visit: "home-v7", Barrier: "home-b2", Outcome: event.Done, By: event.BySight}, trunk)
	for _, c := range []event.Closure{{Bolt: true, Contact: true}, {Bolt: true}, {Contact: true}} {
		add(event.DeliveryDelivered{Delivery: "home-d3", Visit: "home-v7", How: event.EndSecured, Confirmed: true}, none, trunk, secured(c))
	}
	for _, code := range []event.Code{event.DeviceOffline, event.BarrierNotReady} {
		add(event.Refused{Asked: event.AskedScan, Code: code, Visit: "home-v7", By: courier}, trunk)
	}
	for _, verdict := range []event.BlockVerdict{event.BlockWon, event.BlockTooLate} {
		add(event.BlockAnswered{Delivery: "home-d3", Visit: "home-v7", Verdict: verdict, IntendedAt: noon.Add(3 * event.Second),
			By: event.Actor{Kind: event.ActorMember}}, none, trunk)
	}
	add(event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Reason: event.AlarmNotClosed, Level: event.AlarmCustomer}, trunk)
	add(event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Reason: event.AlarmAjar, Level: event.AlarmOperator}, trunk, ajar)
	add(event.AlarmEnded{Visit: "home-v7"}, trunk, ajar, secured(event.Closure{Bolt: true, Contact: true}))
	add(event.ForeignOpening{Barrier: "home-b2", Observation: event.Observation{Bolt: event.BoltUnlocked, Contact: event.ContactOpen}}, alone, trunk)
	return all
}

// TestNothingOfACarIsAHouses: no message about a car speaks of a door as of a house's, of a lock or of a sensor beside it.
func TestNothingOfACarIsAHouses(t *testing.T) {
	house := map[phrase.Lang]*regexp.Regexp{phrase.English: regexp.MustCompile(`(?i)\b(the|your|front|every) (door|lock|sensor)s?\b`),
		phrase.French: regexp.MustCompile(`(?i)\b(la|votre) (porte|serrure)\b|\ble capteur\b|d'entrée`)}
	cars := 0
	for _, n := range everyNotice() {
		if n.Is != event.Trunk {
			continue
		}
		cars++
		for lang, pattern := range house {
			text := voice{lang: lang, zone: zoneOf(nil, "Europe/Paris"), now: noon}.compose(news{notice: n, topic: topicOf(n, site.State{})})
			if bad := pattern.FindString(text.title + ". " + text.body); bad != "" {
				t.Errorf("%s, %s: %q in %q %q", n.Event.Body.Kind(), lang, bad, text.title, text.body)
			}
		}
	}
	if cars < 10 {
		t.Errorf("only %d messages about a car", cars)
	}
}

// TestWhatIsSaid is to be read: testdata/messages.txt holds every message in both languages.
func TestWhatIsSaid(t *testing.T) {
	s := site.State{Deliveries: []site.Delivery{{ID: "home-d3"}, {ID: "home-d4", Consented: true}}}
	zone := zoneOf(nil, "Europe/Paris")
	var said strings.Builder
	for _, n := range everyNotice() {
		x := news{notice: n, topic: topicOf(n, s)}
		x.thread, x.tag = aboutOf(n, x.topic)
		fmt.Fprintf(&said, "%s: %s, %s, tag %s\n", n.Event.Body.Kind(), x.topic, pathOf(n, x.topic), x.tag)
		for _, lang := range []phrase.Lang{phrase.English, phrase.French} {
			text := voice{lang: lang, zone: zone, now: noon.Add(event.Minute)}.compose(x)
			for _, part := range []string{text.title, text.body, text.action} {
				if part == "" || strings.ContainsAny(part, "{}") || strings.Contains(part, "  ") {
					t.Errorf("%s, %s: %q", n.Event.Body.Kind(), lang, part)
				}
			}
			if len([]rune(text.title)) > 60 {
				t.Errorf("the title %q is cut on a phone", text.title)
			}
			for _, r := range smsText(message{text: text}) {
				if !strings.ContainsRune(alphabet, r) {
					t.Errorf("%q has %q, which doubles the price of a text message", text.title, r)
				}
			}
			fmt.Fprintf(&said, "  %s  %s\n      %s  [%s]\n", lang, text.title, text.body, text.action)
		}
	}
	golden(t, "testdata/messages.txt", said.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./notify -run %s -update writes it anew, to be read", name, t.Name())
	}
}

// TestTimesAreOfThePlace: 24 hours, with the date when it is not today there.
func TestTimesAreOfThePlace(t *testing.T) {
	at := func(text string) event.Instant {
		i, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return event.InstantOf(i)
	}
	v := voice{lang: phrase.English, zone: zoneOf(nil, "Europe/Paris"), now: at("2026-11-22T22:30:00Z")} // 23:30 there
	for _, c := range []struct{ at, en, fr string }{
		{"2026-11-22T13:02:05Z", "14:02", "14:02"},
		{"2026-11-21T23:00:00Z", "00:00", "00:00"},
		{"2026-11-22T23:00:00Z", "00:00 on 23 November", "00:00 le 23 novembre"},
		{"2025-11-22T13:02:05Z", "14:02 on 22 November", "14:02 le 22 novembre"},
		{"2026-08-01T13:02:05Z", "15:02 on 1 August", "15:02 le 1 août"},
	} {
		v.lang = phrase.English
		if got := v.time(at(c.at)); got != c.en {
			t.Errorf("%s is %q, want %q", c.at, got, c.en)
		}
		v.lang = phrase.French
		if got := v.time(at(c.at)); got != c.fr {
			t.Errorf("%s est %q, want %q", c.at, got, c.fr)
		}
	}
	v.lang = phrase.English
	for _, c := range []struct{ from, to, want string }{
		{"2026-11-22T22:40:00Z", "2026-11-22T22:50:00Z", "between 23:40 and 23:50"},
		{"2026-11-23T13:00:00Z", "2026-11-23T17:00:00Z", "on 23 November between 14:00 and 18:00"},
		{"2026-11-22T22:40:00Z", "2026-11-23T09:00:00Z", "between 23:40 and 10:00 on 23 November"},
		{"2026-11-23T22:00:00Z", "2026-11-24T09:00:00Z", "between 23:00 on 23 November and 10:00 on 24 November"},
	} {
		if got := v.span(event.Span{From: at(c.from), To: at(c.to)}); got != c.want {
			t.Errorf("%s is %q, want %q", c.from, got, c.want)
		}
	}
	if v.lang = "de"; v.time(noon) != "12:00" {
		t.Error("whoever speaks another language is spoken to in English")
	}
}

package site_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// The laws for cars, each by name, in the language of the scripts.

func TestLaw1NoCarThatWasNotFound(t *testing.T) {
	const scan = "14:00:10 courier anna scans 4471 at 8m±5m"
	given := []string{"given car", "10:00:00 merchant flora books roses to van, 14:00-16:00: 4471 small", "10:05:00 operator assigns anna to roses",
		"13:59:00 courier anna approaches van, due 14:00"}
	for name, c := range map[string]struct {
		found string
		why   event.Code
	}{
		"as it should be":          {"is found 300m away, 40m from its spot, parked, locked, closed", ""},
		"with nothing to compare":  {"is found 300m away, parked, locked, closed, position 72h old", ""},
		"saying not that it moves": {"is found 300m away, locked, closed, position 5m old", event.CarChecking},
		"too far":                  {"is found 301m away, parked, locked, closed", event.CarTooFar},
		"moving":                   {"is found 3m away, moving, locked, closed", event.CarMoving},
		"by an old position":       {"is found 3m away, locked, closed, position 301s old", event.CarPositionOld},
		"parked for too long":      {"is found 3m away, parked, locked, closed, position 4321m old", event.CarPositionOld},
		"at no known time":         {"is found 3m away, parked, locked, closed, position of no time", event.CarPositionOld},
		"unlocked":                 {"is found 3m away, parked, unlocked, closed", event.CarNotLocked},
		"open":                     {"is found 3m away, parked, locked, open", event.CarNotLocked},
		"saying nothing of a lock": {"is found 3m away, parked, closed", event.CarNotLocked},
		"saying nothing of a door": {"is found 3m away, parked, locked", event.CarNotLocked},
		"asleep":                   {"is not found: asleep", event.CarAsleep},
		"unreached":                {"is not found: unreached", event.CarUnreachable},
		"revoked":                  {"is not found: revoked", event.CarRevoked},
		"for a reason of tomorrow": {"is not found: eclipse", event.CarUnreachable},
		"busy":                     {"is not found: limit (retry 14:30:00)", event.CarBusy},
		"not at all":               {"", event.CarChecking},
		"before it was asked":      {"is found 3m away, parked, locked, closed (looked at 13:58:59)", event.CarChecking},
		"too long ago":             {"is found 3m away, parked, locked, closed (looked at 13:55:09)", event.CarChecking},
	} {
		t.Run(name, func(t *testing.T) {
			lines := given
			if c.found != "" {
				lines = append(lines[:len(lines):len(lines)], "14:00:00 van "+c.found)
			}
			log := tale(t, append(lines[:len(lines):len(lines)], scan)...)
			opened := count[event.OpeningIntended](log) == 1
			if opened != (c.why == "") || lastRefusal(log) != c.why {
				t.Errorf("opened %v, refused as %q instead of %q", opened, lastRefusal(log), c.why)
			}
		})
	}
}

// What was found lets a car be opened for five minutes, to the millisecond.
func TestLaw1ASightingGrowsOld(t *testing.T) {
	for at, opened := range map[string]bool{"14:00:05": true, "14:00:05.001": false} {
		log := tale(t, "given car-roses", at+" courier anna scans 4471 at 8m±5m")
		if got := count[event.OpeningIntended](log) == 1; got != opened {
			t.Errorf("at %s: opened %v", at, got)
		}
	}
}

// A car opens as its household accepted it, or not at all.
func TestLaw1ACarOpensAsAccepted(t *testing.T) {
	for declares, why := range map[string]event.Code{"trunk": "", "whole-car": event.CarOpensOtherwise, "trunk-handle": event.CarOpensOtherwise,
		"": event.CarOpensOtherwise} {
		log := tale(t, "given car-roses", "14:00:03 courier anna scans 4471 at 8m±5m (boot reveals "+declares+")")
		if lastRefusal(log) != why {
			t.Errorf("declared as %q: %q", declares, lastRefusal(log))
		}
	}
	log := tale(t, "given roses", "14:02:10 courier anna scans 4471 at 8m±5m (door reveals whole-car)")
	if lastRefusal(log) != event.CarOpensOtherwise {
		t.Error("a door that is a car now was opened")
	}
}

// Law 5: every combination of what a car may have said last, of how that came and of when, for each way to open it. Anna
// is released in exactly one kind of case: each part said so after the opening.
func TestLaw5ACarSaysItselfThatItIsShut(t *testing.T) {
	for _, bolt := range []string{"locked", "unlocked", "jammed", "bolt unknown", ""} {
		for _, contact := range []string{"closed", "open", "contact unknown", ""} {
			for how, proves := range map[string]bool{"(retained)": false, "(cached)": false, "(unasked)": false,
				"(asked 14:00:50)": true, "(asked 14:00:04)": false} {
				said := strings.Trim(bolt+", "+contact, ", ")
				if said == "" {
					continue
				}
				log := tale(t, "given car-open", "14:00:40 boot says closed (cached)", "14:00:51 boot says "+said+" "+how, "14:00:52 courier anna leaves")
				shut := bolt == "locked" && contact == "closed" && proves
				if released := count[event.CourierReleased](log) == 1; released != shut {
					t.Errorf("boot says %s %s: released %v", said, how, released)
				}
			}
		}
	}
}

// Law 5: parts of different times are several words, and each counts from its own.
func TestLaw5EachPartOfACarByItsOwnTime(t *testing.T) {
	for name, c := range map[string]struct {
		lines    []string
		released bool
	}{
		"both, one after the other":      {[]string{"14:00:40 boot says closed", "14:00:50 boot says locked (asked 14:00:49)"}, true},
		"the doors only":                 {[]string{"14:00:50 boot says locked (asked 14:00:49)"}, false},
		"the trunk only":                 {[]string{"14:00:40 boot says closed"}, false},
		"the doors as of before":         {[]string{"14:00:40 boot says closed", "14:00:50 boot says locked (cached)"}, false},
		"the doors, asked before":        {[]string{"14:00:40 boot says closed", "14:00:50 boot says locked (asked 14:00:02)"}, false},
		"the trunk, asked before":        {[]string{"14:00:40 boot says closed (asked 14:00:04)", "14:00:50 boot says locked (asked 14:00:49)"}, false},
		"shut, and opened again":         {[]string{"14:00:40 boot says closed", "14:00:50 boot says locked (asked 14:00:49)", "14:00:51 boot says open"}, false},
		"shut, and unlocked by somebody": {[]string{"14:00:40 boot says closed", "14:00:50 boot says locked (asked 14:00:49)", "14:00:51 boot says unlocked"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			log := tale(t, append(append([]string{"given car-open"}, c.lines...), "14:00:58 courier anna leaves")...)
			if released := count[event.CourierReleased](log) == 1; released != c.released {
				t.Errorf("released %v", released)
			}
		})
	}
}

// Law 5: of a handle that was freed, nothing is known to be opened, delivered or secured before the car or the courier
// says that it was used; and where only the courier or a contact does, not before it can no longer be.
func TestLaw5AHandleIsNoOpening(t *testing.T) {
	freed := []string{"given handle", "14:00:00 courier anna scans 4471 at 8m±5m", "14:00:05 boot answers done"}
	shut := func(at string) string { return at + " boot says locked, closed (asked " + at + ")" }
	for name, c := range map[string]struct {
		lines              []string
		secured, delivered bool
	}{
		"unused, while it is free":      {[]string{shut("14:01:00"), "14:01:01 courier anna leaves"}, false, false},
		"unused, after that":            {[]string{shut("14:02:26"), "14:02:27 courier anna leaves"}, false, false},
		"used by the courier's word":    {[]string{"14:00:30 courier anna deposits", shut("14:01:00"), "14:01:01 courier anna leaves"}, false, false},
		"and later":                     {[]string{"14:00:30 courier anna deposits", shut("14:02:26"), "14:02:27 courier anna leaves"}, true, true},
		"used as a contact says":        {[]string{"14:00:30 boot says open", shut("14:01:00"), "14:01:01 courier anna leaves"}, false, false},
		"and later, again":              {[]string{"14:00:30 boot says open", shut("14:02:26"), "14:02:27 courier anna leaves"}, true, true},
		"used as the bolt says":         {[]string{"14:00:30 boot says unlocked, open", shut("14:01:00"), "14:01:01 courier anna leaves"}, true, true},
		"used as the bolt says at last": {[]string{"14:00:30 boot says open", "14:00:40 boot says unlocked", shut("14:01:00"), "14:01:01 courier anna leaves"}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			log := tale(t, append(freed[:len(freed):len(freed)], c.lines...)...)
			if s, d := count[event.BarrierSecured](log) > 0, count[event.DeliveryDelivered](log) > 0; s != c.secured || d != c.delivered {
				t.Errorf("secured %v, delivered %v", s, d)
			}
		})
	}
}

// Law 7: nobody listens to a car but in a visit, at its enrolment, and where the household asked for it.
func TestLaw7NobodyListensToACar(t *testing.T) {
	heard := func(lines ...string) int {
		before := count[event.BarrierObserved](tale(t, lines[:len(lines)-1]...))
		return count[event.BarrierObserved](tale(t, lines...)) - before
	}
	for name, c := range map[string]struct {
		lines []string
		n     int
	}{
		"between visits":    {[]string{"given car", "12:00:00 boot says unlocked"}, 0},
		"asked for":         {[]string{"given car", "11:00:00 member marie sets rules: watch cars too", "12:00:00 boot says unlocked"}, 1},
		"no longer":         {[]string{"given car", "11:00:00 member marie sets rules: watch cars too", "11:30:00 member marie sets rules: watch", "12:00:00 boot says unlocked"}, 0},
		"in a visit":        {[]string{"given car-roses", "13:59:40 boot says unlocked"}, 1},
		"after it":          {[]string{"given car-roses", "13:59:40 courier anna leaves", "13:59:41 boot says unlocked"}, 0},
		"of another place":  {[]string{"given car-roses", "13:59:39 member marie reserves front-door door: bolt, opens", "13:59:40 door says locked"}, 1},
		"of its charge":     {[]string{"given car-roses", "13:59:40 boot says battery 8%"}, 0},
		"at its enrolment":  {[]string{"given car", "12:00:00 member marie reserves cabin doors: bolt, contact, opens, reveals whole-car, locates", "12:00:10 doors says locked"}, 1},
		"at a rehearsal":    {[]string{"given car", "12:00:00 member marie rehearses van", "12:00:10 boot says locked"}, 1},
		"when that is over": {[]string{"given car", "12:00:00 member marie rehearses van", "12:10:00 boot says locked"}, 0},
	} {
		if n := heard(c.lines...); n != c.n {
			t.Errorf("%s: %d words", name, n)
		}
	}
}

// Who listens again knows nothing of how a car stood before: its first word shows no movement, no hand, and nobody's
// opening.
func TestLaw8AFirstWordIsNoOpening(t *testing.T) {
	const approach = "13:55:00 courier anna approaches van, due 14:02"
	given := []string{"given car", "10:00:00 merchant flora books roses to van, 14:00-16:00: 4471 small", "10:05:00 operator assigns anna to roses"}
	for lines, want := range map[string]int{approach: 0, approach + "\n13:56:00 boot says locked, closed": 1} {
		log := tale(t, append(given[:len(given):len(given)], lines, "13:57:00 boot says unlocked, open")...)
		if n := count[event.ForeignOpening](log); n != want {
			t.Errorf("after %q: %d openings by somebody else", lines, n)
		}
	}
}

// A delivery that does not fit is left by no way in which it was said not to fit, whoever brings it, until plan B moves it.
func TestWhatDoesNotFitIsNotLeft(t *testing.T) {
	given := []string{"given car-roses", "13:59:40 courier anna finds roses too large at 8m±5m"}
	for name, c := range map[string]struct {
		line string
		why  event.Code
	}{
		"approached again": {"14:00:00 courier anna approaches van, due 14:01", event.ParcelDoesNotFit},
		"scanned":          {"14:00:00 courier anna scans 4471 at 8m±5m", event.AlreadyEnded},
		"said again":       {"14:00:00 courier anna finds roses too large at 8m±5m", event.AlreadyEnded},
		"by another":       {"14:00:00 operator assigns bruno to roses\n14:00:01 courier bruno approaches van, due 14:01", event.ParcelDoesNotFit},
	} {
		log := tale(t, append(given[:len(given):len(given)], c.line)...)
		if lastRefusal(log) != c.why {
			t.Errorf("%s: %q", name, lastRefusal(log))
		}
	}
	both := []string{"given car", "10:00:00 merchant flora books roses to van, 14:00-16:00: 1 small", "10:00:01 merchant flora books palms to van, 14:00-16:00: 2 large",
		"10:05:00 operator assigns anna to roses", "10:05:01 operator assigns anna to palms", "13:58:00 courier anna approaches van, due 14:02",
		"13:58:05 van is found 120m away, parked, locked, closed", "14:00:00 courier anna finds palms too large"}
	log := tale(t, append(both[:len(both):len(both)], "14:00:01 courier anna scans 2 at 8m±5m")...)
	if lastRefusal(log) != event.ParcelDoesNotFit {
		t.Errorf("scanned beside another: %q", lastRefusal(log))
	}
	log = tale(t, append(both[:len(both):len(both)], "14:00:02 courier anna scans 1 at 8m±5m")...)
	if count[event.OpeningIntended](log) != 1 {
		t.Error("what fits is not left")
	}
}

// Law 10: what no connector can have found changes nothing.
func TestLaw10NonsenseAboutACarLosesNothing(t *testing.T) {
	scene := play(t, "given car-roses\n14:00:06 courier anna scans 4471 at 8m±5m").sites[home]
	visit, place := scene.state.Visits[0].ID, scene.state.Visits[0].AccessPoint
	at := scene.state.At
	good := event.Sighting{AskedAt: at, Distance: 3, FromSpot: 3, Motion: event.MotionParked, Bolt: event.BoltLocked, Contact: event.ContactClosed}
	system := event.Actor{Kind: event.ActorSystem}
	for name, c := range map[string]struct {
		by     event.Actor
		change func(*site.Sight)
		events int
	}{
		"as it should be":       {system, func(*site.Sight) {}, 1},
		"by a device":           {event.Actor{Kind: event.ActorDevice}, func(*site.Sight) {}, 0},
		"by a member":           {event.Actor{Kind: event.ActorMember, ID: "home-m2"}, func(*site.Sight) {}, 0},
		"off the globe":         {system, func(r *site.Sight) { r.Seen.Distance = -1 }, 0},
		"less than nowhere":     {system, func(r *site.Sight) { r.Seen.FromSpot = -2 }, 0},
		"younger than now":      {system, func(r *site.Sight) { r.Seen.Age = -2 }, 0},
		"flying":                {system, func(r *site.Sight) { r.Seen.Motion = "flying" }, 0},
		"with an unknown lock":  {system, func(r *site.Sight) { r.Seen.Bolt = "melted" }, 0},
		"with an unknown door":  {system, func(r *site.Sight) { r.Seen.Contact = "gone" }, 0},
		"at no time":            {system, func(r *site.Sight) { r.Seen.AskedAt = 0 }, 0},
		"before all time":       {system, func(r *site.Sight) { r.Seen.AskedAt = -1 }, 0},
		"at the end of time":    {system, func(r *site.Sight) { r.Seen.AskedAt = 1 << 60 }, 0},
		"from tomorrow":         {system, func(r *site.Sight) { r.Seen.AskedAt = at.Add(event.Day) }, 1},
		"for another place":     {system, func(r *site.Sight) { r.AccessPoint = "home-a99" }, 0},
		"for another visit":     {system, func(r *site.Sight) { r.Visit = "home-v99" }, 0},
		"for a delivery":        {system, func(r *site.Sight) { r.Visit, r.Delivery = "", "home-d13" }, 0},
		"for both":              {system, func(r *site.Sight) { r.Delivery = "home-d13" }, 0},
		"for its spot, unasked": {system, func(r *site.Sight) { r.Visit = "" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := site.Sight{AccessPoint: place, Visit: visit, Seen: good}
			c.change(&r)
			events, _ := site.Decide(scene.state, site.Command{Facts: site.Facts{At: at, Actor: c.by}, Do: r})
			if len(events) != c.events {
				t.Errorf("%v", kinds(events))
			}
			for _, e := range events {
				if found, is := e.Body.(event.VehicleFound); is && found.Seen.AskedAt > e.At {
					t.Errorf("asked at %s, decided at %s", found.Seen.AskedAt, e.At)
				}
			}
		})
	}
}

// A maker's limit is believed for an hour, so that one wrong word does not keep a car shut for ever.
func TestAMakersLimitIsNotForEver(t *testing.T) {
	lines := []string{"given car", "10:00:00 merchant flora books roses to van, 14:00-20:00: 4471 small", "10:05:00 operator assigns anna to roses",
		"13:59:00 courier anna approaches van, due 14:00", "14:00:00 van is not found: limit (retry 23:00:00)"}
	for at, want := range map[string]event.Code{"14:59:59": event.CarBusy, "15:00:00": event.CarChecking} {
		log := tale(t, append(lines[:len(lines):len(lines)], fmt.Sprintf("%s courier anna scans 4471 at 8m±5m", at))...)
		if lastRefusal(log) != want {
			t.Errorf("at %s: %q", at, lastRefusal(log))
		}
	}
}

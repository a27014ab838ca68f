package site_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// The laws, each by name, in the language of the scripts. What holds in any order of things is checked by the
// worlds of TestWorld; here stands what a reader looks for first.

// tale plays a few lines and returns what the home's journal holds then.
func tale(t *testing.T, lines ...string) []event.Event {
	t.Helper()
	return play(t, strings.Join(lines, "\n")).sites[home].log
}

func count[B event.Body](log []event.Event) int {
	n := 0
	for _, e := range log {
		if _, ok := e.Body.(B); ok {
			n++
		}
	}
	return n
}

// lastRefusal is why the last request was refused.
func lastRefusal(log []event.Event) event.Code {
	r, _, _ := lastOf(log, func(event.Refused) bool { return true })
	return r.Code
}

func TestLaw1NoOpeningWithoutAReason(t *testing.T) {
	const scan = "14:02:10 courier anna scans 4471 at 8m±5m"
	if n := count[event.OpeningIntended](tale(t, "given roses", scan)); n != 1 {
		t.Fatalf("with every reason there, %d openings", n)
	}
	for name, c := range map[string]struct {
		lines []string
		why   event.Code
	}{
		"by another courier":         {[]string{"14:02:10 courier bruno scans 4471 at 8m±5m"}, event.WrongCourier},
		"with another phone":         {[]string{scan + " (from another phone)"}, event.WrongDevice},
		"without a scan":             {[]string{"14:02:10 courier anna opens door at 8m±5m"}, event.ParcelsLeft},
		"with another parcel":        {[]string{"14:02:10 courier anna scans 4472 at 8m±5m"}, event.WrongParcel},
		"from elsewhere":             {[]string{"14:02:10 courier anna scans 4471 at 31m±5m"}, event.WrongPlace},
		"from nowhere":               {[]string{"14:02:10 courier anna scans 4471"}, event.NoPosition},
		"with a vague position":      {[]string{"14:02:10 courier anna scans 4471 at 8m±51m"}, event.PositionVague},
		"with an old position":       {[]string{scan + " (position 31s old)"}, event.PositionOld},
		"with the device offline":    {[]string{scan + " (door unreachable)"}, event.DeviceOffline},
		"without consent":            {[]string{"14:02:09 member marie takes back the consent to roses", scan}, event.NoConsent},
		"with the consent withdrawn": {[]string{"14:02:09 member marie withdraws flowers", scan}, event.NoConsent},
		"blocked":                    {[]string{"14:02:09 member marie blocks roses", scan}, event.Blocked},
		"cancelled":                  {[]string{"14:02:09 merchant flora cancels roses", scan}, event.AlreadyEnded},
		"reassigned":                 {[]string{"14:02:09 operator assigns bruno to roses", scan}, event.AlreadyEnded},
		"suspended":                  {[]string{"14:02:09 operator suspends anna", scan}, event.AlreadyEnded},
		"after the window":           {[]string{"16:00:00 courier anna scans 4471 at 8m±5m"}, event.AlreadyEnded},
		"with pets about": {[]string{"14:02:08 member marie sets rules: ask pets", "14:02:09 courier anna approaches hall, due 14:03",
			scan}, event.QuestionOpen},
		"without a picture": {[]string{"14:02:09 member marie sets rules: camera", scan}, event.CameraNotLive},
		"with a proof that was used": {[]string{"14:02:09 courier anna arrives at 8m±5m", "14:02:09 courier anna scans 4471 at 99m±5m",
			scan + " (the same proof again)"}, event.ProofReused},
		"read without network": {[]string{"14:02:10 courier anna scans 4471 without network at 8m±5m"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log := tale(t, append([]string{"given roses"}, c.lines...)...)
			if n := count[event.OpeningIntended](log); n != 0 || lastRefusal(log) != c.why {
				t.Errorf("%d openings, refused as %q instead of %q", n, lastRefusal(log), c.why)
			}
		})
	}
}

func TestLaw2Once(t *testing.T) {
	opened := []string{"given roses", "14:02:10 courier anna scans 4471 at 8m±5m"}
	for name, again := range map[string][]string{
		"scanned twice":         {"14:02:10 courier anna scans 4471 at 8m±5m"},
		"the same request":      {"14:02:10 courier anna scans 4471 at 8m±5m (the same proof again)"},
		"tapped":                {"14:02:10 courier anna opens door at 8m±5m"},
		"tapped when done":      {"14:02:11 door answers done", "14:02:12 courier anna opens door at 8m±5m"},
		"tapped when unknown":   {"14:02:11 door answers unknown", "14:02:12 courier anna opens door at 8m±5m"},
		"tapped after its time": {"14:02:40 courier anna opens door at 8m±5m"},
		"after a restart":       {"14:02:11 system resumes", "14:02:12 system resumes"},
		"opened again":          {"14:02:11 door answers done", "14:02:12 door says unlocked", "14:02:13 courier anna opens door again at 8m±5m"},
		"secured": {"14:02:11 door answers done", "14:02:12 door says unlocked", "14:02:13 door says locked",
			"14:02:14 courier anna opens door at 8m±5m"},
		"another visit": {"14:02:11 door answers done", "14:02:12 courier anna approaches hall, due 14:03"},
	} {
		t.Run(name, func(t *testing.T) {
			if n := count[event.OpeningIntended](tale(t, append(slices.Clone(opened), again...)...)); n != 1 {
				t.Errorf("%d openings", n)
			}
		})
	}
}

// Law 3: after an intent without an outcome the device is asked, and nothing opens before the order is over.
func TestLaw3IntentBeforeAct(t *testing.T) {
	for _, answer := range []string{"", "14:02:11 door answers unknown"} {
		lines := []string{"given roses", "14:02:10 courier anna scans 4471 at 8m±5m", answer, "14:02:12 system resumes"}
		for second := 13; second < 60; second += 3 {
			lines = append(lines, fmt.Sprintf("14:02:%02d courier anna opens door at 8m±5m", second))
		}
		log := tale(t, lines...)
		if count[event.OpeningIntended](log) != 1 || count[event.ReadingAsked](log) == 0 {
			t.Errorf("after %q: %d openings, %d questions", answer, count[event.OpeningIntended](log), count[event.ReadingAsked](log))
		}
	}
}

// Law 4: a block is put before and after each line of a visit. Either it wins and nothing opens after it, or the
// journal held the order before it.
func TestLaw4ABlockWinsOrLoses(t *testing.T) {
	visit := []string{"13:55:00 courier anna approaches inside, due 14:02", "14:02:00 courier anna scans 4471 at 8m±5m",
		"14:02:01 garage answers done", "14:02:02 garage says open", "14:02:10 courier anna opens door at 8m±5m",
		"14:02:11 door answers done", "14:02:12 door says unlocked", "14:02:20 courier anna deposits", "14:02:21 courier anna is out",
		"14:02:22 door says locked", "14:02:23 garage says closed", "14:02:25 courier anna leaves"}
	want := []event.BlockVerdict{event.BlockWon, event.BlockWon, event.BlockFromHere, event.BlockFromHere, event.BlockFromHere,
		event.BlockTooLate, event.BlockTooLate, event.BlockTooLate, event.BlockTooLate, event.BlockTooLate, event.BlockTooLate,
		event.BlockTooLate, event.BlockEnded}
	given := []string{"given flat", "10:00:00 merchant flora books roses to inside, 14:00-16:00: 4471 small",
		"10:00:01 operator assigns anna to roses"}
	for at := range len(visit) + 1 {
		moment := "13:54:59"
		if at > 0 {
			moment, _, _ = strings.Cut(visit[at-1], " ")
		}
		lines := slices.Insert(slices.Clone(visit), at, moment+" member marie blocks roses")
		log := tale(t, append(slices.Clone(given), lines...)...)
		block, _, _ := lastOf(log, func(event.BlockAnswered) bool { return true })
		i := slices.IndexFunc(log, func(e event.Event) bool { _, is := e.Body.(event.BlockAnswered); return is })
		after := count[event.OpeningIntended](log[i:])
		stops := block.Verdict == event.BlockWon || block.Verdict == event.BlockFromHere
		if block.Verdict != want[at] || stops && after > 0 {
			t.Errorf("blocked after %d lines: %s, %d openings after it, want %s", at, block.Verdict, after, want[at])
		}
	}
}

// Law 5: every combination of what a lock may have said last, of how that came, and of when. Anna is released in
// exactly one kind of case.
func TestLaw5NotSecuredIsNotDone(t *testing.T) {
	bolts := []string{"locked", "unlocked", "jammed", "bolt unknown", ""}
	contacts := []string{"closed", "open", "contact unknown", ""}
	for _, bolt := range bolts {
		for _, contact := range contacts {
			for how, proves := range map[string]bool{"": true, "(retained)": false, "(cached)": false, "(unasked)": false,
				"(asked 14:02:50)": true, "(asked 14:02:02)": false, "(received 14:02:03)": false} {
				said := strings.Trim(bolt+", "+contact, ", ")
				if said == "" {
					continue
				}
				log := tale(t, "given open", "14:02:51 door says "+said+" "+how, "14:02:52 courier anna leaves")
				shut := bolt == "locked" && contact == "closed" && proves
				if released := count[event.CourierReleased](log) == 1; released != shut {
					t.Errorf("door says %s %s: released %v", said, how, released)
				}
			}
		}
	}
}

// Law 5: leaving in danger is one tap and an alarm, whatever the state of things.
func TestLaw5DangerIsHeardAlways(t *testing.T) {
	moments := [][]string{{}, {"14:02:03 courier anna scans 4471 at 8m±5m"},
		{"14:02:03 courier anna scans 4471 at 8m±5m", "14:02:04 door answers done"},
		{"14:02:03 courier anna scans 4471 at 8m±5m", "14:02:04 door answers done", "14:02:05 door says unlocked", "14:02:06 door says locked"}}
	for _, lines := range moments {
		log := tale(t, append(append([]string{"given roses"}, lines...), "14:02:10 courier anna flees")...)
		alarm, _, _ := lastOf(log, func(event.AlarmRaised) bool { return true })
		if alarm.Reason != event.AlarmDanger || alarm.Level != event.AlarmOperator {
			t.Errorf("after %d lines: %+v", len(lines), alarm)
		}
	}
}

// Law 6, as far as it is decided here: where a picture is asked for, every opening carries its proof.
func TestLaw6NoPictureNoOpening(t *testing.T) {
	for picture, openings := range map[string]int{"": 0, " (eye live)": 1, " (eye loop)": 0, " (eye frozen)": 0, " (eye stale)": 0,
		" (eye old)": 0, " (eye new)": 0, " (eye no-room)": 0, " (eye not-written)": 0, " (eye no-service)": 0} {
		log := tale(t, "given filmed", "14:02:03 courier anna scans 4471 at 8m±5m"+picture)
		intent, _, _ := lastOf(log, func(event.OpeningIntended) bool { return true })
		if n := count[event.OpeningIntended](log); n != openings || n == 1 && intent.Picture.Keys < 3 {
			t.Errorf("%q: %d openings, picture %v", picture, n, intent.Picture)
		}
	}
}

// Law 8: an opening is either an order's, or somebody else's and told.
func TestLaw8EverythingThatOpensIsAccountedFor(t *testing.T) {
	for name, c := range map[string]struct {
		lines   []string
		foreign int
	}{
		"between visits":    {[]string{"given home", "12:00:00 door says unlocked"}, 1},
		"as a stored copy":  {[]string{"given home", "12:00:00 door says unlocked (retained)"}, 1},
		"only the contact":  {[]string{"given home", "12:00:00 door says open"}, 1},
		"on the way":        {[]string{"given roses", "14:02:01 door says unlocked"}, 1},
		"ours":              {[]string{"given roses", "14:02:01 courier anna scans 4471 at 8m±5m", "14:02:02 door says unlocked"}, 0},
		"a code, not shown": {[]string{"given keypad", "14:02:01 courier anna scans 4471 at 8m±5m", "14:02:02 door says unlocked"}, 1},
		"still open":        {[]string{"given home", "12:00:00 door says unlocked", "12:00:01 door says unlocked"}, 1},
		"after it certainly did not": {[]string{"given roses", "14:02:01 courier anna scans 4471 at 8m±5m", "14:02:02 door answers not-done",
			"14:02:03 door says unlocked"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			log := tale(t, c.lines...)
			at := slices.IndexFunc(log, func(e event.Event) bool { return e.Body.Kind() == event.BarrierEnrolled{}.Kind() })
			if n := count[event.ForeignOpening](log[at:]); n != c.foreign {
				t.Errorf("%d openings by somebody else told, want %d", n, c.foreign)
			}
		})
	}
}

// Law 9: whatever a courier asks has an answer in the journal, or an error that says what is wrong with it; the
// only silent answers are those to something that holds already.
func TestLaw9ARefusalIsAnAnswer(t *testing.T) {
	silent := []site.Request{site.ShowCode{}, site.Danger{}, site.Scan{}, site.Arrive{}, site.TooLarge{}}
	for seed := range uint64(8) {
		bytes := choices{data: randomBytes(seed, 1500)}
		w := newWorld(t, bytes.pick)
		w.heard = func(c site.Command, events []event.Event, err error) {
			known := slices.ContainsFunc(silent, func(r site.Request) bool { return fmt.Sprintf("%T", r) == fmt.Sprintf("%T", c.Do) })
			if c.Facts.Actor.Kind == event.ActorCourier && err == nil && len(events) == 0 && !known {
				t.Errorf("%+v of %s has no answer", c.Do, c.Facts.Actor.ID)
			}
		}
		for bytes.left() {
			w.live()
		}
	}
}

// Law 9: after a block that won, the courier is told of it, whatever they ask next and whether or not the visit goes
// on with something else; nobody else is.
func TestLaw9ABlockIsToldToItsCourier(t *testing.T) {
	const block = "14:02:09 member marie blocks roses"
	two := []string{"given home", "10:00:00 merchant flora books roses to hall, 14:00-16:00: 4471 small",
		"10:00:01 merchant flora books tulips to hall, 14:00-16:00: 4472 small", "10:00:02 operator assigns anna to roses",
		"10:00:03 operator assigns anna to tulips", "13:55:00 courier anna approaches hall, due 14:02"}
	for name, c := range map[string]struct {
		lines []string
		why   event.Code
	}{
		"scanned":           {[]string{"given roses", block, "14:02:10 courier anna scans 4471 at 8m±5m"}, event.Blocked},
		"scanned offline":   {[]string{"given roses", block, "14:02:10 courier anna scans 4471 without network at 8m±5m"}, event.Blocked},
		"missed":            {[]string{"given roses", block, "14:02:10 courier anna misses 4471"}, event.Blocked},
		"tapped":            {[]string{"given roses", block, "14:02:10 courier anna opens door at 8m±5m"}, event.Blocked},
		"arrived":           {[]string{"given roses", block, "14:02:10 courier anna arrives at 8m±5m"}, event.Blocked},
		"approached":        {[]string{"given roses", block, "14:02:10 courier anna approaches hall, due 14:03"}, event.Blocked},
		"another parcel":    {[]string{"given roses", block, "14:02:10 courier anna scans 4472 at 8m±5m"}, event.Blocked},
		"by somebody else":  {[]string{"given roses", block, "14:02:10 operator assigns bruno to roses", "14:02:11 courier anna scans 4471 at 8m±5m"}, event.AlreadyEnded},
		"after plan B":      {[]string{"given roses", block, "14:02:10 courier anna takes roses to plan B", "14:02:11 courier anna scans 4471 at 8m±5m"}, event.AlreadyEnded},
		"beside another":    {append(slices.Clone(two), block, "14:02:10 courier anna scans 4471 at 8m±5m"), event.Blocked},
		"after the visit":   {append(slices.Clone(two), block, "14:02:10 merchant flora cancels tulips", "14:02:11 courier anna scans 4471 at 8m±5m"), event.Blocked},
		"the other itself":  {append(slices.Clone(two), block, "14:02:10 merchant flora cancels tulips", "14:02:11 courier anna scans 4472 at 8m±5m"), event.AlreadyEnded},
		"the other's visit": {append(slices.Clone(two), block, "14:02:10 merchant flora cancels tulips", "14:02:11 courier anna opens door at 8m±5m"), event.AlreadyEnded},
	} {
		t.Run(name, func(t *testing.T) {
			log := tale(t, c.lines...)
			if lastRefusal(log) != c.why || count[event.OpeningIntended](log) != 0 {
				t.Errorf("refused as %q instead of %q", lastRefusal(log), c.why)
			}
		})
	}
}

// Law 9: plan B never leaves a parcel outside unless the customer said so.
func TestLaw9OutsideOnlyByTheCustomersWord(t *testing.T) {
	steps := []string{"plan B neighbour claude", "plan B outside", "plan B depot"}
	for chosen := range 1 << len(steps) {
		rules, outside := []string{"dwell 5m"}, false
		for i, step := range steps {
			if chosen&(1<<i) != 0 {
				rules, outside = append(rules, step), outside || step == "plan B outside"
			}
		}
		lines := []string{"given roses", "14:02:01 member marie sets rules: " + strings.Join(rules, ", ")}
		for second := range 6 {
			lines = append(lines, fmt.Sprintf("14:02:%02d courier anna takes roses to plan B, nobody there at 8m±5m", 10+second))
		}
		left := slices.ContainsFunc(tale(t, lines...), func(e event.Event) bool {
			b, ok := e.Body.(event.PlanBFollowed)
			return ok && b.Fallback.Kind == event.FallbackOutside
		})
		if left != outside {
			t.Errorf("with the rules %q the courier was sent outside: %v", rules, left)
		}
	}
}

// Law 10: bad input changes nothing, and says what is wrong.
func TestLaw10BadInputLosesNothing(t *testing.T) {
	for _, line := range []string{"14:02:10 courier anna scans 4471 at 8m±5m (from another phone)", "14:02:10 cellar says open",
		"14:02:10 member eve blocks roses", "14:02:10 merchant flora books roses to hall, 16:00-14:00: 1 small",
		"14:02:10 member marie sets rules: dwell 0s"} {
		before := play(t, "given roses").sites[home]
		after := play(t, "given roses\n"+line).sites[home]
		extra := after.log[len(before.log):]
		if len(extra) > count[event.Refused](extra) || len(after.state.Visits) != 1 || len(after.state.Deliveries) != 1 {
			t.Errorf("%s: %v", line, kinds(extra))
		}
	}
}

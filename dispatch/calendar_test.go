package dispatch

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

var everyDay = []int{1, 2, 3, 4, 5, 6, 7}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// instant reads RFC 3339 with its offset, so that a test says which of two equal local times it means.
func instant(t testing.TB, text string) event.Instant {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return event.InstantOf(at)
}

func window(t testing.TB, text string) event.Span {
	t.Helper()
	from, to, _ := strings.Cut(text, " ")
	return event.Span{From: instant(t, from), To: instant(t, to)}
}

// hours reads "08:00-20:00".
func hours(t testing.TB, text string, days ...int) []event.Hours {
	t.Helper()
	h := event.Hours{Days: days}
	var fh, fm, th, tm int
	if _, err := fmt.Sscanf(text, "%d:%d-%d:%d", &fh, &fm, &th, &tm); err != nil {
		t.Fatal(err)
	}
	h.From, h.To = fh*60+fm, th*60+tm
	return []event.Hours{h}
}

func TestExpand(t *testing.T) {
	for _, c := range []struct {
		name, zone, hours string
		days              []int
		window            string
		want              []string
	}{
		{"inside the hours", "Europe/Paris", "08:00-20:00", everyDay,
			"2026-03-02T14:00:00+01:00 2026-03-02T16:00:00+01:00",
			[]string{"2026-03-02T14:00:00+01:00 2026-03-02T16:00:00+01:00"}},
		{"clipped at both ends", "Europe/Paris", "15:00-15:30", everyDay,
			"2026-03-02T14:00:00+01:00 2026-03-02T16:00:00+01:00",
			[]string{"2026-03-02T15:00:00+01:00 2026-03-02T15:30:00+01:00"}},
		{"another day of the week", "Europe/Paris", "08:00-20:00", []int{2, 3},
			"2026-03-02T14:00:00+01:00 2026-03-02T16:00:00+01:00", nil},
		{"the day is the home's, not UTC's", "Pacific/Auckland", "08:00-09:00", []int{2},
			"2026-03-02T18:00:00Z 2026-03-02T21:00:00Z",
			[]string{"2026-03-03T08:00:00+13:00 2026-03-03T09:00:00+13:00"}},
		{"a window over midnight", "Europe/Paris", "00:00-24:00", []int{1},
			"2026-03-01T22:00:00+01:00 2026-03-02T02:00:00+01:00",
			[]string{"2026-03-02T00:00:00+01:00 2026-03-02T02:00:00+01:00"}},
		{"hours of two days in a window over midnight", "Europe/Paris", "01:00-23:00", everyDay,
			"2026-03-01T22:00:00+01:00 2026-03-02T02:00:00+01:00",
			[]string{"2026-03-01T22:00:00+01:00 2026-03-01T23:00:00+01:00", "2026-03-02T01:00:00+01:00 2026-03-02T02:00:00+01:00"}},
		{"a week, on Wednesday and Sunday", "Europe/Paris", "08:00-09:00", []int{3, 7},
			"2026-03-02T00:00:00+01:00 2026-03-09T00:00:00+01:00",
			[]string{"2026-03-04T08:00:00+01:00 2026-03-04T09:00:00+01:00", "2026-03-08T08:00:00+01:00 2026-03-08T09:00:00+01:00"}},

		// Paris: 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on 2026-10-25.
		{"begins in Paris's gap", "Europe/Paris", "02:30-05:00", everyDay,
			"2026-03-29T00:00:00+01:00 2026-03-29T12:00:00+02:00",
			[]string{"2026-03-29T03:00:00+02:00 2026-03-29T05:00:00+02:00"}},
		{"ends in Paris's gap", "Europe/Paris", "01:00-02:30", everyDay,
			"2026-03-29T00:00:00+01:00 2026-03-29T12:00:00+02:00",
			[]string{"2026-03-29T01:00:00+01:00 2026-03-29T03:00:00+02:00"}},
		{"lies in Paris's gap", "Europe/Paris", "02:10-02:50", everyDay,
			"2026-03-29T00:00:00+01:00 2026-03-29T12:00:00+02:00", nil},
		{"over Paris's gap", "Europe/Paris", "01:00-04:00", everyDay,
			"2026-03-29T00:00:00+01:00 2026-03-29T12:00:00+02:00",
			[]string{"2026-03-29T01:00:00+01:00 2026-03-29T04:00:00+02:00"}},
		{"begins in Paris's hour that exists twice", "Europe/Paris", "02:30-05:00", everyDay,
			"2026-10-25T00:00:00+02:00 2026-10-25T12:00:00+01:00",
			[]string{"2026-10-25T02:30:00+02:00 2026-10-25T05:00:00+01:00"}},
		{"ends in Paris's hour that exists twice", "Europe/Paris", "01:00-02:30", everyDay,
			"2026-10-25T00:00:00+02:00 2026-10-25T12:00:00+01:00",
			[]string{"2026-10-25T01:00:00+02:00 2026-10-25T02:30:00+01:00"}},
		{"lies in Paris's hour that exists twice", "Europe/Paris", "02:10-02:50", everyDay,
			"2026-10-25T00:00:00+02:00 2026-10-25T12:00:00+01:00",
			[]string{"2026-10-25T02:10:00+02:00 2026-10-25T02:50:00+01:00"}},

		// New York, west of Greenwich: 02:00 becomes 03:00 on 2026-03-08, and 02:00 becomes 01:00 on 2026-11-01.
		{"begins in New York's gap", "America/New_York", "02:30-05:00", everyDay,
			"2026-03-08T00:00:00-05:00 2026-03-08T12:00:00-04:00",
			[]string{"2026-03-08T03:00:00-04:00 2026-03-08T05:00:00-04:00"}},
		{"ends in New York's gap", "America/New_York", "01:00-02:30", everyDay,
			"2026-03-08T00:00:00-05:00 2026-03-08T12:00:00-04:00",
			[]string{"2026-03-08T01:00:00-05:00 2026-03-08T03:00:00-04:00"}},
		{"in New York's hour that exists twice", "America/New_York", "01:10-01:50", everyDay,
			"2026-11-01T00:00:00-04:00 2026-11-01T12:00:00-05:00",
			[]string{"2026-11-01T01:10:00-04:00 2026-11-01T01:50:00-05:00"}},

		// Lord Howe Island moves by half an hour: 02:00 becomes 02:30 on 2026-10-04, 02:00 becomes 01:30 on 2026-04-05.
		{"begins in Lord Howe's gap", "Australia/Lord_Howe", "02:10-03:00", everyDay,
			"2026-10-04T00:00:00+10:30 2026-10-04T12:00:00+11:00",
			[]string{"2026-10-04T02:30:00+11:00 2026-10-04T03:00:00+11:00"}},
		{"in Lord Howe's half hour that exists twice", "Australia/Lord_Howe", "01:40-01:50", everyDay,
			"2026-04-05T00:00:00+11:00 2026-04-05T12:00:00+10:30",
			[]string{"2026-04-05T01:40:00+11:00 2026-04-05T01:50:00+10:30"}},

		// Cairo has no midnight on 2026-04-24: 00:00 becomes 01:00.
		{"a day without a midnight", "Africa/Cairo", "00:00-02:00", []int{5},
			"2026-04-23T12:00:00+02:00 2026-04-24T12:00:00+03:00",
			[]string{"2026-04-24T01:00:00+03:00 2026-04-24T02:00:00+03:00"}},
		{"a day whose evening exists twice", "Africa/Cairo", "00:00-24:00", []int{4},
			"2026-10-29T22:00:00+03:00 2026-10-30T12:00:00+02:00",
			[]string{"2026-10-29T22:00:00+03:00 2026-10-30T00:00:00+02:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []event.Span
			for _, w := range c.want {
				want = append(want, window(t, w))
			}
			z := zone(t, c.zone)
			got := Expand(hours(t, c.hours, c.days...), window(t, c.window), z)
			if fmt.Sprint(inZone(got, z)) != fmt.Sprint(inZone(want, z)) {
				t.Errorf("got  %v\nwant %v", inZone(got, z), inZone(want, z))
			}
		})
	}
}

func inZone(spans []event.Span, z *time.Location) (all []string) {
	for _, s := range spans {
		all = append(all, s.From.Time().In(z).Format(time.RFC3339)+"/"+s.To.Time().In(z).Format(time.RFC3339))
	}
	return all
}

// TestExpandAllowsWhatTheClockOnTheWallAllows: a minute whose local time exists once is allowed exactly when the
// wall clock and the calendar on the wall say so.
func TestExpandAllowsWhatTheClockOnTheWallAllows(t *testing.T) {
	zones := []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "Pacific/Chatham", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2026, 1, 1, 0, rapid.IntRange(0, 365*24*60).Draw(t, "start"), 0, 0, time.UTC)
		w := event.Span{From: event.InstantOf(start), To: event.InstantOf(start.Add(time.Duration(rapid.IntRange(1, 7*24*60).Draw(t, "length")) * time.Minute))}
		from := rapid.IntRange(0, 1439).Draw(t, "from")
		h := event.Hours{From: from, To: rapid.IntRange(from+1, 1440).Draw(t, "to"),
			Days: rapid.SliceOfNDistinct(rapid.IntRange(1, 7), 1, 7, rapid.ID[int]).Draw(t, "days")}
		spans := Expand([]event.Hours{h}, w, z)
		for range 20 {
			at := w.From.Add(event.Minute * event.Millis(rapid.IntRange(0, int(w.To.Since(w.From)/event.Minute)-1).Draw(t, "minute")))
			wall := at.Time().In(z)
			if twice(wall) {
				continue
			}
			minute := wall.Hour()*60 + wall.Minute()
			want := containsDay(h.Days, wall) && h.From <= minute && minute < h.To
			if got := event.Within(spans, at); got != want {
				t.Fatalf("%s: %v, want %v, by %v in %v", wall, got, want, h, inZone(spans, z))
			}
		}
	})
}

// twice says whether the wall clock shows this time a second time within the day.
func twice(wall time.Time) bool {
	const layout = "2006-01-02 15:04"
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour} {
		if wall.Add(shift).Format(layout) == wall.Format(layout) || wall.Add(-shift).Format(layout) == wall.Format(layout) {
			return true
		}
	}
	return false
}

func containsDay(days []int, t time.Time) bool {
	names := [...]time.Weekday{1: time.Monday, 2: time.Tuesday, 3: time.Wednesday, 4: time.Thursday, 5: time.Friday, 6: time.Saturday, 7: time.Sunday}
	for _, d := range days {
		if names[d] == t.Weekday() {
			return true
		}
	}
	return false
}

func TestAskAtIsTheEveningBefore(t *testing.T) {
	for _, c := range []struct{ zone, window, want string }{
		{"Europe/Paris", "2026-03-03T14:00:00+01:00 2026-03-03T16:00:00+01:00", "2026-03-02T18:00:00+01:00"},
		{"Europe/Paris", "2026-03-29T14:00:00+02:00 2026-03-29T16:00:00+02:00", "2026-03-28T18:00:00+01:00"},
		{"America/New_York", "2026-03-01T00:30:00-05:00 2026-03-01T02:00:00-05:00", "2026-02-28T18:00:00-05:00"},
		{"Pacific/Auckland", "2026-03-03T01:00:00+13:00 2026-03-03T02:00:00+13:00", "2026-03-02T18:00:00+13:00"},
	} {
		if got := AskAt(window(t, c.window), zone(t, c.zone)); got != instant(t, c.want) {
			t.Errorf("%s %s: %s, want %s", c.zone, c.window, got, instant(t, c.want))
		}
	}
}

func TestSpansOfConsents(t *testing.T) {
	z := zone(t, "Europe/Paris")
	w := window(t, "2026-03-02T14:00:00+01:00 2026-03-02T16:00:00+01:00")
	s := site.State{
		Consents: []event.Consent{
			{ID: "home-k1", Hours: hours(t, "08:00-15:00", everyDay...)},
			{ID: "home-k2", Hours: hours(t, "08:00-15:00", 7)}},
		Deliveries: []site.Delivery{{ID: "home-d1", Window: w}, {ID: "home-d2", Window: w, Consented: true},
			{ID: "home-d3", Window: w, Consented: true, Consent: "home-k2"}},
	}
	consents := ConsentSpans(s, w, z)
	if len(consents) != 2 || consents[0].Consent != "home-k1" || len(consents[0].Spans) != 1 || len(consents[1].Spans) != 0 {
		t.Errorf("the consents allow %v", consents)
	}
	open := OpenSpans(s, "", hours(t, "15:30-20:00", everyDay...), z)
	if len(open) != 1 || open[0].Delivery != "home-d1" || open[0].Spans[0].From != instant(t, "2026-03-02T15:30:00+01:00") {
		t.Errorf("the deliveries that wait for consent: %v", open)
	}
	if open = OpenSpans(s, "home-k2", hours(t, "15:30-20:00", everyDay...), z); len(open) != 2 || open[1].Delivery != "home-d3" {
		t.Errorf("and those that rest on what is replaced: %v", open)
	}
}

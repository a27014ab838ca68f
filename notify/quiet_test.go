package notify

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// zones change their clocks in all the ways there are: at night, at midnight, by half an hour, on another day, never.
var zones = []string{"Europe/Paris", "America/New_York", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia",
	"America/Sao_Paulo", "Asia/Tehran", "Africa/Casablanca", "Pacific/Chatham", "UTC"}

func zoneOf(t interface{ Fatal(...any) }, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestQuietHoursEndOnTheWallClock: all of it is quiet until the end, and the end is not, whatever the clocks do.
func TestQuietHoursEndOnTheWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := zoneOf(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		q := Quiet{From: rapid.IntRange(0, day-1).Draw(t, "from"), To: rapid.IntRange(0, day-1).Draw(t, "to")}
		from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		at := time.Unix(rapid.Int64Range(from, from+40*365*24*3600).Draw(t, "at"), 0).In(zone)
		end := q.end(at)
		if q.holds(end) || end.Before(at) {
			t.Fatalf("%v from %s ends at %s, which is quiet", q, at, end)
		}
		for minute := at; minute.Before(end); minute = minute.Add(time.Minute) {
			if !q.holds(minute) {
				t.Fatalf("%v from %s ends at %s, but %s is not quiet", q, at, end, minute)
			}
		}
		if end.Sub(at) > 49*time.Hour {
			t.Fatalf("%v from %s ends at %s", q, at, end)
		}
		if q.From == q.To && q.holds(at) {
			t.Fatalf("%v is quiet", q)
		}
	})
}

// TestQuietHoursAroundTheChangesOfTheClocks of Paris in 2026: 29 March has no 02:30, 25 October has two.
func TestQuietHoursAroundTheChangesOfTheClocks(t *testing.T) {
	paris := zoneOf(t, "Europe/Paris")
	for what, c := range map[string]struct {
		quiet   Quiet
		at, end string // UTC
	}{
		"a night":                     {Quiet{22 * 60, 7 * 60}, "2026-06-01T21:00:00Z", "2026-06-02T05:00:00Z"},
		"the short night":             {Quiet{22 * 60, 7 * 60}, "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		"the long night":              {Quiet{22 * 60, 7 * 60}, "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"},
		"its end is skipped":          {Quiet{60, 2*60 + 30}, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		"all of it is skipped":        {Quiet{2*60 + 10, 2*60 + 50}, "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z"},
		"its end comes twice":         {Quiet{60, 2*60 + 30}, "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z"},
		"its end comes a second time": {Quiet{60, 2*60 + 30}, "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"},
		"by day":                      {Quiet{9 * 60, 12 * 60}, "2026-06-01T08:59:59.999Z", "2026-06-01T10:00:00Z"},
		"just over":                   {Quiet{9 * 60, 12 * 60}, "2026-06-01T10:00:00Z", "2026-06-01T10:00:00Z"},
		"none":                        {Quiet{}, "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if end := c.quiet.end(at.In(paris)).UTC().Format(time.RFC3339); end != c.end {
			t.Errorf("%s: ends %s, want %s", what, end, c.end)
		}
	}
}

package dispatch

import (
	"slices"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Expand turns a consent's local hours into instants within a window. A local time that does not exist, because
// the clocks went forward, is the jump; of one that exists twice, because they went back, a stretch begins with
// the first and ends with the second.
func Expand(hours []event.Hours, window event.Span, zone *time.Location) []event.Span {
	var spans []event.Span
	last := dateOf(window.To.Time().In(zone))
	for day := dateOf(window.From.Time().In(zone)); !day.After(last); day = day.AddDate(0, 0, 1) {
		for _, h := range hours {
			if slices.Contains(h.Days, weekday(day)) {
				from, _ := local(day, h.From, zone)
				_, to := local(day, h.To, zone)
				spans = append(spans, clipped(event.Span{From: event.InstantOf(from), To: event.InstantOf(to)}, window)...)
			}
		}
	}
	return spans
}

// dateOf is the calendar's day of a moment, kept as that day's midnight in UTC, where every day has one.
func dateOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// weekday counts from Monday, 1, to Sunday, 7.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// local finds the first and the last instant at which a zone's clocks show so many minutes after midnight.
// time.Date can't be asked: which instant it takes, in a gap or an overlap, depends on the zone.
func local(day time.Time, minutes int, zone *time.Location) (first, last time.Time) {
	shown := day.Add(time.Duration(minutes) * time.Minute)
	// No zone changes its clocks twice within two days: one of these offsets is that before a change, the other
	// that after it.
	before, after := shown.Add(-offset(shown.Add(-24*time.Hour), zone)), shown.Add(-offset(shown.Add(24*time.Hour), zone))
	shownBefore, shownAfter := shows(before, shown, zone), shows(after, shown, zone)
	switch {
	case shownBefore && shownAfter:
		return before, after
	case shownBefore:
		return before, before
	case shownAfter:
		return after, after
	}
	jump, _ := before.In(zone).ZoneBounds()
	return jump, jump
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

func shows(t, local time.Time, zone *time.Location) bool {
	return t.Add(offset(t, zone)).Equal(local)
}

func clipped(s, window event.Span) []event.Span {
	s = event.Span{From: max(s.From, window.From), To: min(s.To, window.To)}
	if s.From >= s.To {
		return nil
	}
	return []event.Span{s}
}

// askHour is the local hour at which a household is asked the day before.
const askHour = 18

// AskAt is when to ask the household about a delivery: the evening before its window.
func AskAt(window event.Span, zone *time.Location) event.Instant {
	at, _ := local(dateOf(window.From.Time().In(zone)).AddDate(0, 0, -1), askHour*60, zone)
	return event.InstantOf(at)
}

// ConsentSpans computes, for each standing consent of a site, when its hours allow a window.
func ConsentSpans(s site.State, window event.Span, zone *time.Location) []site.ConsentSpans {
	var all []site.ConsentSpans
	for _, c := range s.Consents {
		all = append(all, site.ConsentSpans{Consent: c.ID, Spans: Expand(c.Hours, window, zone)})
	}
	return all
}

// OpenSpans computes when a consent's hours allow each delivery that waits for consent, or rests on the one that it
// replaces, "" for none.
func OpenSpans(s site.State, replaces event.ConsentID, hours []event.Hours, zone *time.Location) []site.DeliverySpans {
	var all []site.DeliverySpans
	for _, d := range s.Deliveries {
		if !d.Consented || replaces != "" && d.Consent == replaces {
			all = append(all, site.DeliverySpans{Delivery: d.ID, Spans: Expand(hours, d.Window, zone)})
		}
	}
	return all
}

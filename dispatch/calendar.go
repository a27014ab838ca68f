package dispatch

import (
	"slices"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Expand turns a consent's local hours into instants within a window. Where the clocks go forward, a minute
// that does not exist begins at the jump; where they go back, an hour that exists twice counts twice.
func Expand(hours []event.Hours, window event.Span, zone *time.Location) []event.Span {
	var spans []event.Span
	first := window.From.Time().In(zone).AddDate(0, 0, -1)
	for day := midnight(first); day.Before(window.To.Time()); day = day.AddDate(0, 0, 1) {
		for _, h := range hours {
			if slices.Contains(h.Days, weekday(day)) {
				spans = append(spans, clipped(localSpan(day, h), window)...)
			}
		}
	}
	return spans
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// weekday counts from Monday, 1, to Sunday, 7.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// localSpan asks the zone for each end: time.Date resolves a time in a gap by the offset before it, which is
// past the jump, and a time that exists twice by its first occurrence; the end takes the second.
func localSpan(day time.Time, h event.Hours) event.Span {
	return event.Span{From: event.InstantOf(local(day, h.From)), To: event.InstantOf(secondOccurrence(local(day, h.To)))}
}

func local(day time.Time, minutes int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, minutes, 0, 0, day.Location())
}

// secondOccurrence returns the later of two instants that the zone gives the same local time.
func secondOccurrence(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if end.IsZero() {
		return t
	}
	_, before := t.Zone()
	_, after := end.Zone()
	later := t.Add(time.Duration(before-after) * time.Second)
	if before > after && !later.Before(end) && t.Before(end) {
		return later
	}
	return t
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
	day := window.From.Time().In(zone).AddDate(0, 0, -1)
	return event.InstantOf(time.Date(day.Year(), day.Month(), day.Day(), askHour, 0, 0, 0, zone))
}

// ConsentSpans computes, for each standing consent of a site, when its hours allow a window.
func ConsentSpans(s site.State, window event.Span, zone *time.Location) []site.ConsentSpans {
	var all []site.ConsentSpans
	for _, c := range s.Consents {
		all = append(all, site.ConsentSpans{Consent: c.ID, Spans: Expand(c.Hours, window, zone)})
	}
	return all
}

// OpenSpans computes when a consent's hours allow each delivery that waits for consent.
func OpenSpans(s site.State, hours []event.Hours, zone *time.Location) []site.DeliverySpans {
	var all []site.DeliverySpans
	for _, d := range s.Deliveries {
		if !d.Consented {
			all = append(all, site.DeliverySpans{Delivery: d.ID, Spans: Expand(hours, d.Window, zone)})
		}
	}
	return all
}

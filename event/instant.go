package event

import (
	"fmt"
	"time"
)

// Instant is a moment in milliseconds since 1970-01-01 UTC; 0 means "none". It carries no zone: local time is
// a matter of the pages and of the calendar outside the core. In JSON it is RFC 3339 in UTC with milliseconds,
// and "" for none.
type Instant int64

// Millis is a length of time in milliseconds.
type Millis int64

// Lengths of time, for readable constants.
const (
	Second Millis = 1000
	Minute        = 60 * Second
	Hour          = 60 * Minute
	Day           = 24 * Hour
)

const instantLayout = "2006-01-02T15:04:05.000Z"

// InstantOf converts from the standard library's time, rounding down to the millisecond.
func InstantOf(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time converts to the standard library's time, in UTC; none becomes the zero time.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// Add returns the instant d later.
func (i Instant) Add(d Millis) Instant { return i + Instant(d) }

// Since returns how long after earlier i is; negative when it is before.
func (i Instant) Since(earlier Instant) Millis { return Millis(i - earlier) }

// Duration converts to the standard library's duration.
func (d Millis) Duration() time.Duration { return time.Duration(d) * time.Millisecond }

// String is the form that JSON has too.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return i.Time().Format(instantLayout)
}

// MarshalText encodes as RFC 3339 in UTC.
func (i Instant) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText accepts only what MarshalText writes, so that one instant has one encoding.
func (i *Instant) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*i = 0
		return nil
	}
	t, err := time.Parse(instantLayout, string(text))
	if err != nil || t.Format(instantLayout) != string(text) || t.UnixMilli() == 0 {
		return fmt.Errorf("%q is not an instant of the form %s", trim(string(text)), instantLayout)
	}
	*i = Instant(t.UnixMilli())
	return nil
}

// Span is the time from From (included) to To (excluded).
type Span struct {
	From Instant `json:"from"`
	To   Instant `json:"to"`
}

// Holds says whether the span contains the instant.
func (s Span) Holds(i Instant) bool { return s.From <= i && i < s.To }

// Within says whether any of the spans contains the instant.
func Within(spans []Span, i Instant) bool {
	for _, s := range spans {
		if s.Holds(i) {
			return true
		}
	}
	return false
}

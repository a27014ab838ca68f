package ui

import (
	"context"
	"strconv"
	"time"

	"github.com/loquet/loquet/phrase"
)

// Clock is a time of day at the place: "14:02", with the day when it is not today there. A nil place is UTC.
func Clock(ctx context.Context, at time.Time, place *time.Location) string {
	return clock(ctx, at, place, "15:04")
}

// ClockIn is Clock where there is no request.
func ClockIn(lang phrase.Lang, at, now time.Time, place *time.Location) string {
	return clockIn(lang, at, now, place, "15:04")
}

// ClockSeconds is Clock with seconds: "14:02:05".
func ClockSeconds(ctx context.Context, at time.Time, place *time.Location) string {
	return clock(ctx, at, place, "15:04:05")
}

func clock(ctx context.Context, at time.Time, place *time.Location, layout string) string {
	v := ViewOf(ctx)
	return clockIn(v.Lang, at, v.Now, place, layout)
}

func clockIn(lang phrase.Lang, at, now time.Time, place *time.Location, layout string) string {
	if at.IsZero() {
		return ""
	}
	if place == nil {
		place = time.UTC
	}
	at, now = at.In(place), now.In(place)
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return at.Format(layout)
	}
	return dayIn(lang, at, now) + " " + at.Format(layout) // in large letters both need two lines
}

// nbsp is a space at which no line breaks.
const nbsp = "\u00a0"

// Day is a day at the place: "Tue 3 Jun", with the year when it is not this one.
func Day(ctx context.Context, at time.Time, place *time.Location) string {
	if place == nil {
		place = time.UTC
	}
	v := ViewOf(ctx)
	return dayIn(v.Lang, at.In(place), v.Now.In(place))
}

func dayIn(lang phrase.Lang, at, now time.Time) string {
	weekday, month := own.In(lang, "weekday."+strconv.Itoa(int(at.Weekday()))), own.In(lang, "month."+strconv.Itoa(int(at.Month())))
	said := weekday + nbsp + strconv.Itoa(at.Day()) + nbsp + month
	if at.Year() != now.Year() {
		said += nbsp + strconv.Itoa(at.Year())
	}
	return said
}

// Window is a span of time at the place: "14:00–18:00".
func Window(ctx context.Context, from, until time.Time, place *time.Location) string {
	if place == nil {
		place = time.UTC
	}
	a, b := from.In(place), until.In(place)
	if a.Year() == b.Year() && a.YearDay() == b.YearDay() {
		return Clock(ctx, from, place) + "–" + b.Format("15:04")
	}
	return Clock(ctx, from, place) + " – " + Clock(ctx, until, place)
}

// Ago is an age in words: "2 s ago". The page counts it on from there.
func Ago(lang phrase.Lang, age time.Duration) string {
	unit, n := agoUnit(max(0, age))
	return own.In(lang, "js.ago."+unit, "n", strconv.FormatInt(n, 10))
}

// agoUnit is the same as in ages.mjs: seconds below a minute, whole minutes below an hour, and so on.
func agoUnit(age time.Duration) (string, int64) {
	switch {
	case age < time.Minute:
		return "s", int64(age / time.Second)
	case age < time.Hour:
		return "min", int64(age / time.Minute)
	case age < 24*time.Hour:
		return "h", int64(age / time.Hour)
	default:
		return "d", int64(age / (24 * time.Hour))
	}
}

// Span is a length of time for a running clock: "00:42", "1:02:03".
func Span(d time.Duration) string {
	s := int64(max(0, d) / time.Second)
	if s < 3600 {
		return two(s/60) + ":" + two(s%60)
	}
	return strconv.FormatInt(s/3600, 10) + ":" + two(s/60%60) + ":" + two(s%60)
}

func two(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// Metres is a distance in words: "180 m", "1.2 km".
func Metres(lang phrase.Lang, metres float64) string {
	if metres < 1000 {
		return strconv.Itoa(int(metres+0.5)) + nbsp + "m"
	}
	said := strconv.FormatFloat(metres/1000, 'f', 1, 64)
	return decimal(lang, said) + nbsp + "km"
}

func decimal(lang phrase.Lang, said string) string {
	if lang != phrase.French {
		return said
	}
	out := []byte(said)
	for i, c := range out {
		if c == '.' {
			out[i] = ','
		}
	}
	return string(out)
}

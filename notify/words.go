package notify

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

// words are one language's texts, by key, with placeholders in braces.
type words map[string]string

var languages = map[phrase.Lang]words{phrase.English: mustRead(english), phrase.French: mustRead(french)}

// mustRead panics on a file that is broken: it is part of the program.
func mustRead(data []byte) words {
	var w words
	if err := json.Unmarshal(data, &w); err != nil {
		panic(fmt.Errorf("notify: %w", err))
	}
	return w
}

// say returns a text with its placeholders filled: pairs of a name and its value. A language that we don't speak is
// English.
func say(l phrase.Lang, key string, pairs ...string) string {
	w, known := languages[l]
	if !known {
		w = languages[phrase.English]
	}
	text := w[key]
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// voice speaks to one person, at one moment, of one site.
type voice struct {
	lang phrase.Lang
	zone *time.Location
	now  event.Instant
}

func (v voice) say(key string, pairs ...string) string { return say(v.lang, key, pairs...) }

func (v voice) local(at event.Instant) time.Time { return at.Time().In(v.zone) }

// today says whether an instant is of the day on which the person is told.
func (v voice) today(at event.Instant) bool { return sameDay(v.local(at), v.local(v.now)) }

func sameDay(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }

// time is an instant in local time, "14:02", with the date when that is not today.
func (v voice) time(at event.Instant) string { return v.dated(at, "15:04") }

// exact is time to the second.
func (v voice) exact(at event.Instant) string { return v.dated(at, "15:04:05") }

func (v voice) dated(at event.Instant, layout string) string {
	key := "at.date"
	if v.today(at) {
		key = "at.today"
	}
	return v.say(key, "clock", v.local(at).Format(layout), "date", v.date(at))
}

func (v voice) date(at event.Instant) string {
	t := v.local(at)
	months := strings.Fields(v.say("months"))
	return v.say("date", "day", strconv.Itoa(t.Day()), "month", months[t.Month()-1])
}

// span is a window, with its date when it is of one day that is not today.
func (v voice) span(s event.Span) string {
	if v.today(s.From) || !sameDay(v.local(s.From), v.local(s.To)) {
		return v.say("span.today", "from", v.time(s.From), "until", v.time(s.To))
	}
	clock := func(at event.Instant) string { return v.local(at).Format("15:04") }
	return v.say("span.date", "date", v.date(s.From), "from", clock(s.From), "until", clock(s.To))
}

// barrier names a kind of barrier; another site's has none that we know.
func (v voice) barrier(is event.BarrierKind) string {
	if is == "" {
		return v.say("barrier.shared")
	}
	return v.lang.Barrier(is)
}

// keyFor is where the words for a kind of barrier stand: a car's own, as far as it has any.
func keyFor(is event.BarrierKind, key string) string {
	own := key + ".car"
	if _, has := languages[phrase.English][own]; has && (is == event.Trunk || is == event.Cabin) {
		return own
	}
	return key
}

// lowerFirst is for what follows a colon.
func lowerFirst(s string) string {
	for i, r := range s {
		return strings.ToLower(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// join puts sentences one after the other, and leaves out those that say nothing.
func join(sentences ...string) string {
	var all []string
	for _, s := range sentences {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, " ")
}

// Package phrase holds the words, in English and French, for everything that people read from the core: why a
// request was refused, how a block ended, what is alarming, what happened when.
//
// The words stand in one file per language, en.json and fr.json, with the same keys and the same placeholders.
// They are plain text: whoever puts them on a page escapes them, and fills in what the core does not know (the
// name of plan B, a local time), already in the reader's language.
package phrase

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/loquet/loquet/event"
)

// Lang is a language, as its BCP 47 tag. Any other value speaks English.
type Lang string

// Languages.
const (
	English Lang = "en"
	French  Lang = "fr"
)

var (
	languages = []Lang{English, French}
	matcher   = language.NewMatcher([]language.Tag{language.English, language.French})
)

// Match chooses the language that suits an Accept-Language field best; English when none does.
func Match(acceptLanguage string) Lang {
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return English
	}
	_, i, _ := matcher.Match(wanted...)
	return languages[i]
}

// Name is a placeholder.
type Name string

// Placeholders, and what is put in their place. Times are local to the address, "14:02" or "14:02:05".
const (
	// From and Until are when a door can be opened.
	From  Name = "from"
	Until Name = "until"
	// Time is when the thing happened that is spoken of, or will.
	Time Name = "time"
	// Minutes is a whole number.
	Minutes Name = "minutes"
	// Distance and Accuracy are whole metres.
	Distance Name = "distance"
	Accuracy Name = "accuracy"
	// Last4 is how a parcel's number ends.
	Last4 Name = "last4"
	// Count is a whole number of parcels.
	Count Name = "count"
	// PlanB is the next step of plan B: "Mr Petit, door 3".
	PlanB Name = "planB"
	// By is who did it, as Lang.Actor says it.
	By Name = "by"

	// title is filled in by Line itself.
	title Name = "title"
)

// Values fill placeholders. A sentence whose placeholders have not all a value is said in its plainer form.
type Values map[Name]string

// Words say one thing to a person. Any but Title and What may be "".
type Words struct {
	// Title is for the head of a screen; of a refusal two to four words.
	Title string
	// What happened.
	What string
	// Safe says what did not happen: for most refusals, that nothing was opened by this request. Leave it out
	// where another door stands open.
	Safe string
	// Now is what to do.
	Now string
}

// Text is everything but the title, in the order in which it is said.
func (w Words) Text() string {
	var parts []string
	for _, s := range []string{w.What, w.Safe, w.Now} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

func (l Lang) catalogue() *catalogue {
	if c, ok := catalogues[l]; ok {
		return c
	}
	return catalogues[English]
}

// Refusal says why a request was refused. A code that it does not know gets words that are safe for any.
func (l Lang) Refusal(code event.Code, v Values) Words {
	c := l.catalogue()
	if e, ok := c.Refusals[code]; ok {
		return e.words(v)
	}
	return c.Unknown.words(v)
}

// Block says how a block ended.
func (l Lang) Block(verdict event.BlockVerdict, v Values) Words {
	return l.catalogue().Blocks[verdict].words(v)
}

// Alarm says why an alarm stands.
func (l Lang) Alarm(reason event.AlarmReason, v Values) Words {
	return l.catalogue().Alarms[reason].words(v)
}

// Picture says why a camera's picture does not count.
func (l Lang) Picture(fault event.PictureFault) Words {
	return l.catalogue().Pictures[fault].words(nil)
}

// End says how a visit ended.
func (l Lang) End(end event.VisitEnd) Words { return l.catalogue().Ends[end].words(nil) }

// Question asks the household.
func (l Lang) Question(q event.Question) Words { return l.catalogue().Questions[q].words(nil) }

// Barrier names a kind of barrier.
func (l Lang) Barrier(kind event.BarrierKind) string { return l.catalogue().Barriers[kind].fill(nil) }

// Fallback names a kind of plan B.
func (l Lang) Fallback(kind event.FallbackKind) string {
	return l.catalogue().Fallbacks[kind].fill(nil)
}

// Actor names who did something, as the beginning of a sentence.
func (l Lang) Actor(kind event.ActorKind) string { return l.catalogue().Actors[kind].fill(nil) }

// Observed says what a device said: one line for its bolt, one for its contact, one for its reachability, as far
// as it spoke of them. A line never says more than its source.
func (l Lang) Observed(o event.Observation) []string {
	c := l.catalogue()
	var lines []string
	for _, t := range []text{c.Bolts[o.Bolt], c.Contacts[o.Contact], c.Reaches[o.Reach]} {
		if line := t.fill(nil); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Line says in one line what an event tells, for a timeline.
func (l Lang) Line(body event.Body, v Values) string {
	c := l.catalogue()
	key, about := l.subject(body)
	filled := Values{title: lowerFirst(about)}
	for name, value := range v {
		filled[name] = value
	}
	return c.Lines[key].fill(filled)
}

// lowerFirst is for what follows a colon.
func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || strings.HasPrefix(s, "Loquet") {
		return s
	}
	return string(unicode.ToLower(r)) + s[size:]
}

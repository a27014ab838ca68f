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

	// title and barrier are filled in by Line itself.
	title   Name = "title"
	barrier Name = "barrier"
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
func (l Lang) Refusal(code event.Code, v Values) Words { return l.RefusalAt("", code, v) }

// RefusalAt is Refusal for a request about a kind of barrier: a car has no door that one stands before.
func (l Lang) RefusalAt(kind event.BarrierKind, code event.Code, v Values) Words {
	c := l.catalogue()
	if e, ok := at(kind, c.Car.Refusals, c.Refusals, code); ok {
		return e.words(v)
	}
	return c.Unknown.words(v)
}

// PlanBRefusal is RefusalAt for a step of plan B, which is at an address, also where the parcels were for a car.
func (l Lang) PlanBRefusal(kind event.BarrierKind, code event.Code, v Values) Words {
	if e, ok := l.catalogue().PlanB[code]; ok {
		return e.words(v)
	}
	return l.RefusalAt(kind, code, v)
}

// at is what is said at a kind of barrier: a car's own words, where it has any.
func at[K comparable, V any](kind event.BarrierKind, car, plain map[K]V, key K) (V, bool) {
	if said, ok := car[key]; ok && ofCar(kind) {
		return said, true
	}
	said, ok := plain[key]
	return said, ok
}

func ofCar(kind event.BarrierKind) bool { return kind == event.Trunk || kind == event.Cabin }

// Block says how a block ended.
func (l Lang) Block(verdict event.BlockVerdict, v Values) Words { return l.BlockAt("", verdict, v) }

// BlockAt is Block for a delivery to a kind of barrier.
func (l Lang) BlockAt(kind event.BarrierKind, verdict event.BlockVerdict, v Values) Words {
	c := l.catalogue()
	e, _ := at(kind, c.Car.Blocks, c.Blocks, verdict)
	return e.words(v)
}

// Alarm says why an alarm stands.
func (l Lang) Alarm(reason event.AlarmReason, v Values) Words { return l.AlarmAt("", reason, v) }

// AlarmAt is Alarm for a kind of barrier.
func (l Lang) AlarmAt(kind event.BarrierKind, reason event.AlarmReason, v Values) Words {
	c := l.catalogue()
	e, _ := at(kind, c.Car.Alarms, c.Alarms, reason)
	return e.words(v)
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

// Observed says what the device of a kind of barrier said: one line for its bolt, one for its contact, one for its
// reachability, as far as it spoke of them. A line never says more than its source.
func (l Lang) Observed(kind event.BarrierKind, o event.Observation) []string {
	c := l.catalogue()
	bolt, _ := at(kind, c.Car.Bolts, c.Bolts, o.Bolt)
	contact, _ := at(kind, c.Car.Contacts, c.Contacts, o.Contact)
	reach, _ := at(kind, c.Car.Reaches, c.Reaches, o.Reach)
	var lines []string
	for _, t := range []text{bolt, contact, reach} {
		if line := t.fill(nil); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Line says in one line what an event tells of a kind of barrier, for a timeline; "" is for an event that is about none,
// and for one that is not told which.
func (l Lang) Line(kind event.BarrierKind, body event.Body, v Values) string {
	c := l.catalogue()
	key, about := l.subject(kind, body)
	filled := Values{title: lowerFirst(about), barrier: l.Barrier(kind)}
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

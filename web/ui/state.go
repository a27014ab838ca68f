package ui

import (
	"cmp"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// State is what something looks like: a word, an icon, an edge and a colour together.
type State string

// States. Secured is the only green one; Neutral is for what is planned or done.
const (
	Secured  State = "secured"
	Open     State = "open"
	Alarming State = "alarm"
	Underway State = "underway"
	Refused  State = "refused"
	Unknown  State = "unknown"
	Neutral  State = "neutral"
)

// Sight is everything that the state of a barrier follows from: what was asked, what was recorded, and what its
// device was seen to say.
type Sight struct {
	Barrier event.BarrierID
	Is      event.BarrierKind
	// Name is the barrier's, in the reader's language; "" names its kind.
	Name string
	Seen api.Seen
	// Asked, Recorded and Secured tell how far a visit came with it; absent where none is under way.
	Asked    *api.Asked
	Recorded *api.Recorded
	Secured  event.Instant
	// Held says that a visit opened it and has not secured it yet, where its steps are not told.
	Held bool
}

// SightOfStep is what StateOf needs of a step of a visit.
func SightOfStep(s api.Step) Sight {
	return Sight{Barrier: s.Barrier, Is: s.Is, Name: s.Name, Seen: s.Seen, Asked: s.Asked, Recorded: s.Recorded, Secured: s.Secured}
}

// SightOfBarrier is what StateOf needs of a barrier of a home.
func SightOfBarrier(b api.Barrier) Sight {
	return Sight{Barrier: b.ID, Is: b.Is, Name: b.Name, Seen: b.Seen, Held: b.Holder != "" || b.Lent != ""}
}

// Shown is a barrier as people see it. It holds for as long as nothing new is heard, up to Left.
type Shown struct {
	Barrier event.BarrierID
	Is      event.BarrierKind
	Name    string
	State   State
	// Word is what the state is called, and Why tells the words of one state apart.
	Word string
	Why  Why
	// Left is how long the state can be shown without hearing from the device; 0 is for a state that does not
	// depend on it.
	Left time.Duration
	// Bolt and Contact are two lines, always.
	Bolt, Contact Part
}

// Why is which of a state's words fits; "" is the plain one.
type Why string

// Whys. WhyContact and WhyBolt are secured by that part alone. WhyUnproven says that it is shut, and the core did not record so after
// the opening; WhyUnprovable says so, and nothing can prove it.
const (
	WhyAjar       Why = "ajar"
	WhyJammed     Why = "jammed"
	WhyUnlocked   Why = "unlocked"
	WhyAsked      Why = "asked"
	WhyOutcome    Why = "outcome"
	WhyUnproven   Why = "unproven"
	WhyUnprovable Why = "unprovable"
	WhyContact    Why = "contact"
	WhyBolt       Why = "bolt"
)

// SaidShut says of an unknown state whether every part that counts is said to be shut all the same.
func (s Shown) SaidShut() bool { return s.Why == WhyUnproven || s.Why == WhyUnprovable }

// Part is one part of a barrier, or a camera, as its device told it.
type Part struct {
	// Icon is a drawing's name, and Wide its open drawing.
	Icon string
	Wide bool
	Name string
	// Word is what it was said to be: "locked".
	Word  string
	State State
	// Heard says that Age and Fresh hold: the device spoke for itself. Age is how long ago it was heard of last, and
	// Fresh how long what it said counts.
	Heard      bool
	Age, Fresh time.Duration
	// Source is who says so, and Grade how well that is authenticated.
	Source string
	Grade  event.Grade
	// Was is the last word, with its time, for when the value is no longer known. At is that time, of the server.
	Was string
	At  time.Time
	// Gone is what the value is called once it is not known any more.
	Gone string
	// Own is when it said so by its own clock, in words; "" for one that speaks as it moves, so that the age says it.
	Own string
}

// known says whether the part is a fact now.
func (p Part) known() bool { return p.Heard && p.Age < p.Fresh }

// StateOf is what the state of a barrier is called, and the one place where that is decided. It is Secured only if
// every part that its closure needs was seen shut on evidence that is still fresh, and, once it was opened in a visit,
// only if the core recorded that it is secured. What can't be proven is never Secured. Bolt out and door not shut is
// an alarm. Whatever is not known is Unknown.
func StateOf(lang phrase.Lang, s Sight, now time.Time, place *time.Location) Shown {
	bolt, contact := s.bolt(lang, now), s.contact(lang, now)
	bolt.Was, contact.Was = was(lang, bolt, now, place), was(lang, contact, now, place)
	if s.ofCar() {
		bolt.Own, contact.Own = ownTime(lang, s.Seen.BoltOwn, now, place), ownTime(lang, s.Seen.ContactOwn, now, place)
	}
	shown := Shown{Barrier: s.Barrier, Is: s.Is, Name: cmp.Or(s.Name, lang.Barrier(s.Is)), Bolt: bolt, Contact: contact}
	shown.State, shown.Why = s.state(bolt, contact)
	key := "state." + string(shown.State) + dotted(shown.Why)
	if car := key + ".car"; s.ofCar() && own.Has(car) {
		key = car
	}
	shown.Word = own.In(lang, key)
	if shown.State != Underway && (shown.State != Unknown || shown.SaidShut()) {
		shown.Left = left(bolt, contact)
	}
	return shown
}

func dotted(why Why) string {
	if why == "" {
		return ""
	}
	return "." + string(why)
}

// state decides. The second result says which word of the state fits.
func (s Sight) state(bolt, contact Part) (State, Why) {
	boltSays, contactSays := said(bolt, s.Seen.Bolt), said(contact, s.Seen.Contact)
	switch {
	case boltSays == event.BoltLocked && contactSays == event.ContactOpen:
		return Alarming, WhyAjar
	case boltSays == event.BoltJammed:
		return Alarming, WhyJammed
	case contactSays == event.ContactOpen:
		return Open, ""
	case boltSays == event.BoltUnlocked && (s.needs().Bolt || !s.needs().Provable()):
		return Open, WhyUnlocked
	}
	if state, why, decided := s.ordered(); decided {
		return state, why
	}
	if !s.shut(boltSays, contactSays) {
		return Unknown, ""
	}
	return s.proven()
}

func (s Sight) needs() event.Closure { return s.Seen.Closure }

// said is what a part says, as far as it is known now.
func said[T ~string](p Part, word T) T {
	if !p.known() {
		return ""
	}
	return word
}

// ordered is the state that follows from an order to open whose end is not known.
func (s Sight) ordered() (State, Why, bool) {
	switch {
	case s.Asked == nil || s.Secured != 0:
		return "", "", false
	case s.Recorded == nil:
		return Underway, WhyAsked, true
	case s.Recorded.Outcome != event.Done && s.Recorded.Outcome != event.NotDone:
		return Unknown, WhyOutcome, true
	}
	return "", "", false
}

// shut says whether every part that is needed says that it is shut; where none is, whether any does.
func (s Sight) shut(bolt event.Bolt, contact event.Contact) bool {
	n := s.needs()
	if !n.Provable() {
		return bolt == event.BoltLocked || contact == event.ContactClosed
	}
	return (!n.Bolt || bolt == event.BoltLocked) && (!n.Contact || contact == event.ContactClosed)
}

// proven says what it is called when all parts say that it is shut. After an opening, only the core knows whether they
// said so since.
func (s Sight) proven() (State, Why) {
	opened := s.Held || s.Asked != nil && (s.Recorded == nil || s.Recorded.Outcome != event.NotDone)
	switch n := s.needs(); {
	case !n.Provable():
		return Unknown, WhyUnprovable
	case opened && s.Secured == 0:
		return Unknown, WhyUnproven
	case !n.Bolt:
		return Secured, WhyContact
	case !n.Contact:
		return Secured, WhyBolt
	}
	return Secured, ""
}

// left is how long what the parts say holds without news: as long as the device is counted as heard.
func left(parts ...Part) time.Duration {
	var least time.Duration
	for _, p := range parts {
		if p.known() && (least == 0 || p.Fresh-p.Age < least) {
			least = p.Fresh - p.Age
		}
	}
	return least
}

func (s Sight) bolt(lang phrase.Lang, now time.Time) Part {
	p := s.part(lang, "bolt", string(s.Seen.Bolt), s.Seen.BoltAt, now)
	p.Icon, p.Wide = "bolt", s.Seen.Bolt != event.BoltLocked
	switch s.Seen.Bolt {
	case event.BoltLocked:
		p.State = Neutral
	case event.BoltUnlocked:
		p.State = Open
	case event.BoltJammed:
		p.State = Alarming
	default:
		p.unsaid(lang, "bolt", s.needs().Bolt)
	}
	return p.settled()
}

func (s Sight) contact(lang phrase.Lang, now time.Time) Part {
	p := s.part(lang, "contact", string(s.Seen.Contact), s.Seen.ContactAt, now)
	p.Icon, p.Wide = IconOf(s.Is), s.Seen.Contact == event.ContactOpen
	switch s.Seen.Contact {
	case event.ContactClosed:
		p.State = Neutral
	case event.ContactOpen:
		p.State = Open
	default:
		p.unsaid(lang, "contact", s.needs().Contact)
	}
	if s.Seen.Contact == event.ContactOpen && s.Seen.Bolt == event.BoltLocked {
		p.State = Alarming
	}
	return p.settled()
}

// ofCar says whether it is one: a car is heard of through its maker, and what it says may be of long before.
func (s Sight) ofCar() bool { return s.Is == event.Trunk || s.Is == event.Cabin }

// ownTime is a device's own time of what it said.
func ownTime(lang phrase.Lang, at event.Instant, now time.Time, place *time.Location) string {
	if at == 0 {
		return ""
	}
	return own.In(lang, "part.own", "time", clockIn(lang, at.Time(), now, place, "15:04:05"))
}

// part is what holds for either. A part is as fresh as its device: one that was heard since would have told a change.
func (s Sight) part(lang phrase.Lang, name, word string, at event.Instant, now time.Time) Part {
	of := "part."
	if s.ofCar() {
		of = "part.car." // all of its locks, all of its openings, and it says so itself
	}
	p := Part{Name: own.In(lang, of+name), Word: own.In(lang, "part."+word), Gone: own.In(lang, "part.unknown."+name),
		Source: own.In(lang, of+"source."+name), Grade: s.Seen.Grade}
	if at == 0 || s.Seen.ReachedAt == 0 || s.Seen.Reach == event.ReachOffline {
		if at != 0 {
			p.At = at.Time()
		}
		return p
	}
	p.At = max(at, s.Seen.ReachedAt).Time()
	p.Heard, p.Age, p.Fresh = true, max(0, now.Sub(s.Seen.ReachedAt.Time())), s.Seen.FreshFor.Duration()
	return p
}

// unsaid is a part of which its device says nothing that helps.
func (p *Part) unsaid(lang phrase.Lang, name string, needed bool) {
	p.State, p.Heard = Unknown, false
	if p.Word = own.In(lang, "part.unknown."+name); !needed {
		p.State, p.Source, p.Word = Neutral, "", own.In(lang, "part.none."+name)
	}
}

// settled turns a value that is no fact any more into an unknown one. What a device has no part for stays as it is.
func (p Part) settled() Part {
	if p.Source != "" && !p.known() {
		p.State = Unknown
	}
	return p
}

// was is the last word, with its time.
func was(lang phrase.Lang, p Part, now time.Time, place *time.Location) string {
	if p.Source == "" || p.Word == "" {
		return ""
	}
	if p.At.IsZero() {
		return own.In(lang, "was", "what", p.Word)
	}
	return own.In(lang, "was.at", "what", p.Word, "time", clockIn(lang, p.At, now, place, "15:04:05"))
}

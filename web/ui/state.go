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
	// Word is what the state is called.
	Word string
	// Left is how long the state can be shown without hearing from the device; 0 is for a state that does not
	// depend on it.
	Left time.Duration
	// Bolt and Contact are two lines, always.
	Bolt, Contact Part
	// Ajar: the bolt is out, and the door is not shut.
	Ajar bool
}

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
	shown := Shown{Barrier: s.Barrier, Is: s.Is, Name: cmp.Or(s.Name, lang.Barrier(s.Is)), Bolt: bolt, Contact: contact}
	state, why := s.state(bolt, contact)
	shown.State, shown.Ajar = state, why == "ajar"
	shown.Word = own.In(lang, "state."+string(state)+dotted(why))
	shown.Left = s.left(state, bolt, contact)
	return shown
}

func dotted(why string) string {
	if why == "" {
		return ""
	}
	return "." + why
}

// state decides. The second result says which word of the state fits.
func (s Sight) state(bolt, contact Part) (State, string) {
	boltSays, contactSays := said(bolt, s.Seen.Bolt), said(contact, s.Seen.Contact)
	switch {
	case boltSays == event.BoltLocked && contactSays == event.ContactOpen:
		return Alarming, "ajar"
	case boltSays == event.BoltJammed:
		return Alarming, "jammed"
	case contactSays == event.ContactOpen:
		return Open, ""
	case boltSays == event.BoltUnlocked && (s.needs().Bolt || !s.needs().Provable()):
		return Open, "unlocked"
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
func (s Sight) ordered() (State, string, bool) {
	switch {
	case s.Asked == nil || s.Secured != 0:
		return "", "", false
	case s.Recorded == nil:
		return Underway, "asked", true
	case s.Recorded.Outcome != event.Done && s.Recorded.Outcome != event.NotDone:
		return Unknown, "outcome", true
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
func (s Sight) proven() (State, string) {
	opened := s.Held || s.Asked != nil && (s.Recorded == nil || s.Recorded.Outcome != event.NotDone)
	switch n := s.needs(); {
	case !n.Provable():
		return Unknown, "unprovable"
	case opened && s.Secured == 0:
		return Unknown, "unproven"
	case !n.Bolt:
		return Secured, "contact"
	case !n.Contact:
		return Secured, "bolt"
	}
	return Secured, ""
}

// left is how long a state that is a fact holds without news: as long as the device is counted as heard.
func (s Sight) left(state State, parts ...Part) time.Duration {
	if state == Unknown || state == Underway {
		return 0
	}
	var left time.Duration
	for _, p := range parts {
		if p.known() && (left == 0 || p.Fresh-p.Age < left) {
			left = p.Fresh - p.Age
		}
	}
	return left
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

// part is what holds for either. A part is as fresh as its device: one that was heard since would have told a change.
func (s Sight) part(lang phrase.Lang, name, word string, at event.Instant, now time.Time) Part {
	p := Part{Name: own.In(lang, "part."+name), Word: own.In(lang, "part."+word), Gone: own.In(lang, "part.unknown."+name),
		Source: own.In(lang, "part.source."+name), Grade: s.Seen.Grade}
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

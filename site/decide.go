package site

import (
	"errors"

	"github.com/loquet/loquet/event"
)

// proofLife is how long a used proof is remembered: longer than any clock window in which it is accepted.
const proofLife = 10 * event.Minute

// turn is one decision under way: the state as folded so far, the facts, and the events stated.
type turn struct {
	State
	facts  Facts
	at     event.Instant
	events []event.Event
}

// Decide returns the events that follow from the command, in order; none when nothing follows. An error means
// that nothing is appended: the request was malformed, forbidden, or names what is not here. A refusal is an
// event. Decide is pure, and leaves s as it was.
func Decide(s State, c Command) ([]event.Event, error) {
	t := &turn{State: s, facts: c.Facts, at: max(c.Facts.At, s.At)}
	t.settle()
	if err := t.handle(c.Do); err != nil {
		return nil, err
	}
	t.settle()
	if len(t.events) >= mostEvents {
		return nil, errEndless
	}
	return t.events, nil
}

// mostEvents is more than any decision needs. A rule that undoes what another does would fill the memory.
const mostEvents = 100_000

var errEndless = errors.New("site: a decision does not come to its end")

func (t *turn) handle(r Request) error {
	if _, opens := r.(OpenSite); !opens && t.Seq == 0 {
		return unknown("site", string(t.Site))
	}
	if _, late := r.(answeredForever); !t.Open && t.Seq > 0 && !late {
		return notNow("the site is closed")
	}
	return r.decide(t)
}

// answeredForever marks the requests that a site answers after its members moved out, because another site waits.
type answeredForever interface{ answeredForever() }

// say states an event and folds it.
func (t *turn) say(b event.Body) {
	e := event.Event{Site: t.Site, Seq: t.Seq + 1, At: t.at, Body: b}
	t.State = Evolve(t.State, e)
	t.events = append(t.events, e)
}

// newID makes the identifier of what the next event creates.
func newID[T ~string](t *turn, letter byte) T { return event.NewID[T](t.Site, letter, t.Seq+1) }

// refuse states a refusal; what is known of the request is filled in.
func (t *turn) refuse(r event.Refused) error {
	r.By, r.Signed = t.facts.Actor, t.facts.Signed
	t.say(r)
	return nil
}

// allow returns ErrForbidden unless the actor is of one of the kinds.
func (t *turn) allow(kinds ...event.ActorKind) error {
	for _, k := range kinds {
		if t.facts.Actor.Kind == k {
			return nil
		}
	}
	return ErrForbidden
}

// member returns the acting member, who must belong to the site.
func (t *turn) member() (event.MemberID, error) {
	id := event.MemberID(t.facts.Actor.ID)
	if t.facts.Actor.Kind != event.ActorMember {
		return "", ErrForbidden
	}
	if _, ok := find(t.Members, id); !ok {
		return "", ErrForbidden
	}
	return id, nil
}

// Tick lets the passing of time decide. It appends nothing when nothing is due.
type Tick struct{}

func (Tick) decide(*turn) error { return nil }

// settle states what follows without anybody asking, until nothing does. Each rule states at most one thing
// and returns whether it did; each makes progress, so that the loop ends.
func (t *turn) settle() {
	for len(t.events) < mostEvents && t.settleOne() {
	}
}

func (t *turn) settleOne() bool {
	if t.Seq == 0 || !t.Open {
		return false
	}
	return t.settleVisits() || t.settleDeliveries() || t.settleLent() || t.settleClips()
}

// Deadline is the next instant at which the passing of time alone decides something; 0 for never.
func (s State) Deadline() event.Instant {
	var next event.Instant
	consider := func(at event.Instant) {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if !s.Open {
		return 0
	}
	for _, v := range s.Visits {
		s.visitDeadlines(v, consider)
	}
	for _, d := range s.Deliveries {
		s.deliveryDeadlines(d, consider)
	}
	for _, b := range s.Barriers {
		b.lentDeadline(consider)
	}
	for _, c := range s.Clips {
		c.deadline(consider)
	}
	return next
}

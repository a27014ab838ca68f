package mqtt

import (
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
)

// plan of a Home Assistant lock. Done is "unlocked", "open": "unlocking" and "opening" say that the motor runs,
// not that the bolt is back.
func (l *Lock) plan() (plan, error) {
	p := plan{
		open:    &command{l.CommandTopic, []byte(or(l.Open, "UNLOCK"))},
		hasBolt: true,
	}
	if !l.LocksItself {
		p.secure = &command{l.CommandTopic, []byte(or(l.Secure, "LOCK"))}
	}
	words, err := l.States.words()
	if err != nil {
		return plan{}, err
	}
	p.listen(l.State.Topic, l.State.words(words, said{Bolt: event.BoltUnknown}))
	p.needed = []string{l.State.Topic}
	if l.Contact != nil {
		p.closure = event.Closure{Bolt: true, Contact: true}
	}
	err = l.Extras.extend(&p)
	return p, err
}

func (s LockStates) words() (map[string]said, error) {
	return dictionary([]word{
		{or(s.Locked, "LOCKED"), said{Bolt: event.BoltLocked, secures: true}},
		{or(s.Locking, "LOCKING"), said{Bolt: event.BoltUnknown, secures: true}},
		{or(s.Unlocked, "UNLOCKED"), said{Bolt: event.BoltUnlocked, opens: true}},
		{or(s.Unlocking, "UNLOCKING"), said{Bolt: event.BoltUnknown}},
		{or(s.Jammed, "JAMMED"), said{Bolt: event.BoltJammed}},
		{or(s.Open, "OPEN"), said{Bolt: event.BoltUnlocked, opens: true}},
		{or(s.Opening, "OPENING"), said{Bolt: event.BoltUnknown}},
	})
}

// plan of a Home Assistant cover. Done is "opening" already: the door has left the ground.
func (c *Cover) plan() (plan, error) {
	p := plan{
		open:       &command{c.CommandTopic, []byte(or(c.Open, "OPEN"))},
		secure:     &command{c.CommandTopic, []byte(or(c.Close, "CLOSE"))},
		closure:    event.Closure{Contact: true},
		hasContact: true,
	}
	words, err := c.States.words()
	if err != nil {
		return plan{}, err
	}
	if c.Contact != nil {
		return plan{}, errors.New("a cover's own state is its contact: no contact beside it, for they could contradict each other")
	}
	p.listen(c.State.Topic, c.State.words(words, said{Contact: event.ContactUnknown}))
	p.needed = []string{c.State.Topic}
	err = c.Extras.extend(&p)
	return p, err
}

func (s CoverStates) words() (map[string]said, error) {
	return dictionary([]word{
		{or(s.Open, "open"), said{Contact: event.ContactOpen, opens: true}},
		{or(s.Opening, "opening"), said{Contact: event.ContactOpen, opens: true}},
		{or(s.Closed, "closed"), said{Contact: event.ContactClosed, secures: true}},
		{or(s.Closing, "closing"), said{Contact: event.ContactOpen, secures: true}},
		{or(s.Stopped, "stopped"), said{Contact: event.ContactUnknown}},
	})
}

func (e Extras) extend(p *plan) error {
	if e.Contact != nil {
		words, err := dictionary([]word{
			{or(e.Contact.Open, "ON"), said{Contact: event.ContactOpen}},
			{or(e.Contact.Closed, "OFF"), said{Contact: event.ContactClosed}},
		})
		if err != nil {
			return err
		}
		p.listen(e.Contact.Topic, e.Contact.words(words, said{Contact: event.ContactUnknown}))
		p.hasContact = true
	}
	if e.Battery != nil {
		p.listen(e.Battery.Topic, e.Battery.battery)
	}
	if e.Answers != "" {
		p.listen(e.Answers, readAnswer)
		p.needed = append(p.needed, e.Answers)
		p.answers = e.Answers
	}
	return e.extendAvailability(p)
}

func (e Extras) extendAvailability(p *plan) error {
	switch e.AvailabilityMode {
	case "", "latest", "all", "any":
		p.availabilityMode = e.AvailabilityMode
	default:
		return fmt.Errorf("%q is not a mode of availability (all, any, latest)", e.AvailabilityMode)
	}
	for _, a := range e.Availability {
		words, err := dictionary([]word{
			{or(a.Online, "online"), said{Reach: event.ReachOnline}},
			{or(a.Offline, "offline"), said{Reach: event.ReachOffline}},
		})
		if err != nil {
			return err
		}
		p.listen(a.Topic, a.words(words, said{}))
		p.availability = append(p.availability, a.Topic)
	}
	return nil
}

type word struct {
	text string
	said said
}

// dictionary refuses two meanings for one word.
func dictionary(words []word) (map[string]said, error) {
	all := make(map[string]said, len(words))
	for _, w := range words {
		if _, twice := all[w.text]; twice {
			return nil, fmt.Errorf("the word %q has two meanings", w.text)
		}
		all[w.text] = w.said
	}
	return all, nil
}

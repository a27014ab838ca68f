package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// DeliverySpans are the instants, within one delivery's window, that a standing consent's hours allow. The
// calendar outside the core computes them.
type DeliverySpans struct {
	Delivery event.DeliveryID
	Spans    []event.Span
}

// GiveConsent is a member's standing permission.
type GiveConsent struct {
	Consent event.Consent
	// Replaces is the permission that ends with this decision; "" for none. What rests on it rests on the new one from then
	// on, where that covers it.
	Replaces event.ConsentID
	// Open holds, for each delivery that waits for consent or rests on what is replaced, when these hours allow it.
	Open []DeliverySpans
}

func (r GiveConsent) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if err := t.checkConsent(r.Consent); err != nil {
		return err
	}
	if r.Replaces != "" {
		if !t.stands(r.Replaces) {
			return notNow("the consent that it replaces has ended already")
		}
		t.say(event.ConsentWithdrawn{Consent: r.Replaces, By: t.facts.Actor})
	}
	c := r.Consent
	c.ID = newID[event.ConsentID](t, 'k')
	t.say(event.ConsentGiven{Consent: c, By: t.facts.Actor})
	for _, o := range r.Open {
		d, ok := find(t.Deliveries, o.Delivery)
		if !ok || d.Consented && !t.restsOn(d, r.Replaces) || !covers(c, d) {
			continue
		}
		if allowed := clip(o.Spans, d.Window, c.Until); len(allowed) > 0 {
			t.say(event.DeliveryConsented{Delivery: d.ID, Consent: c.ID, Allowed: allowed, By: t.facts.Actor})
		}
	}
	t.unconsent(r.Replaces)
	return nil
}

func (s State) stands(id event.ConsentID) bool {
	return slices.ContainsFunc(s.Consents, func(c event.Consent) bool { return c.ID == id })
}

// restsOn says whether a delivery may come by a standing permission, and loses it with that: nothing was opened for it.
func (s State) restsOn(d Delivery, c event.ConsentID) bool {
	return c != "" && d.Consent == c && !s.intendedFor(d)
}

// unconsent takes back what rests on a standing permission that has ended.
func (t *turn) unconsent(ended event.ConsentID) {
	for _, d := range t.Deliveries {
		if t.restsOn(d, ended) {
			t.say(event.DeliveryUnconsented{Delivery: d.ID, By: t.facts.Actor})
		}
	}
}

func (t *turn) checkConsent(c event.Consent) error {
	if _, ok := find(t.AccessPoints, c.AccessPoint); !ok {
		return unknown("access point", string(c.AccessPoint))
	}
	if !c.Largest.Known() {
		return Invalid{"largest", "one of small, medium, large"}
	}
	if !inCalendar(c.Until) {
		return Invalid{"until", "between 1970 and 9999"}
	}
	if len(c.Hours) == 0 {
		return Invalid{"hours", "say on which days and hours"}
	}
	for _, h := range c.Hours {
		if h.From < 0 || h.From >= h.To || h.To > 24*60 {
			return Invalid{"hours", "from before to, within one day"}
		}
		if len(h.Days) == 0 || !slices.IsSorted(h.Days) || h.Days[0] < 1 || h.Days[len(h.Days)-1] > 7 {
			return Invalid{"hours.days", "1 (Monday) to 7 (Sunday), ascending"}
		}
	}
	return nil
}

// covers says whether a standing consent's limits, hours aside, allow the delivery.
func covers(c event.Consent, d Delivery) bool {
	return c.AccessPoint == d.AccessPoint &&
		(len(c.Merchants) == 0 || slices.Contains(c.Merchants, d.Merchant)) &&
		(len(c.Carriers) == 0 || slices.Contains(c.Carriers, d.Carrier)) &&
		!slices.ContainsFunc(d.Parcels, func(p Parcel) bool { return !p.Size.Fits(c.Largest) }) &&
		(c.Until == 0 || d.Window.From < c.Until)
}

// clip keeps the parts of the spans that lie within the window, and before the consent ends.
func clip(spans []event.Span, window event.Span, until event.Instant) []event.Span {
	var kept []event.Span
	if until != 0 {
		window.To = min(window.To, until)
	}
	for _, s := range spans {
		s = event.Span{From: max(s.From, window.From), To: min(s.To, window.To)}
		if s.From < s.To {
			kept = append(kept, s)
		}
	}
	return kept
}

// WithdrawConsent ends a standing permission. Deliveries that rest on it lose it, unless something was opened
// for them already.
type WithdrawConsent struct{ Consent event.ConsentID }

func (r WithdrawConsent) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if !t.stands(r.Consent) {
		return unknown("consent", string(r.Consent))
	}
	t.say(event.ConsentWithdrawn{Consent: r.Consent, By: t.facts.Actor})
	t.unconsent(r.Consent)
	return nil
}

// ConsentTo is a member's word for one delivery, for the whole of its window.
type ConsentTo struct{ Delivery event.DeliveryID }

func (r ConsentTo) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok {
		return unknown("delivery", string(r.Delivery))
	}
	t.say(event.DeliveryConsented{Delivery: d.ID, Allowed: []event.Span{d.Window}, By: t.facts.Actor})
	return nil
}

// WithdrawFrom takes back the consent to one delivery.
type WithdrawFrom struct{ Delivery event.DeliveryID }

func (r WithdrawFrom) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok {
		return unknown("delivery", string(r.Delivery))
	}
	if t.intendedFor(d) {
		return notNow("something was opened for it already: block what is still shut instead")
	}
	t.say(event.DeliveryUnconsented{Delivery: d.ID, By: t.facts.Actor})
	return nil
}

// Answer is a member's answer to the question that was asked last.
type Answer struct {
	Delivery event.DeliveryID
	Question event.Question
	Yes      bool
}

func (r Answer) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	d, ok := find(t.Deliveries, r.Delivery)
	if !ok {
		return unknown("delivery", string(r.Delivery))
	}
	round, asked := d.lastRound(r.Question)
	if !asked {
		return notNow("that was not asked")
	}
	t.say(event.QuestionAnswered{Delivery: d.ID, Question: r.Question, Round: round, Yes: r.Yes, By: t.facts.Actor})
	return nil
}

// questions lists what the household wants to be asked.
func (s State) questions() []event.Question {
	var all []event.Question
	if s.Rules.AskPets {
		all = append(all, event.QuestionPets)
	}
	if s.Rules.AskAlarm {
		all = append(all, event.QuestionAlarm)
	}
	return all
}

// ask states the questions of a round that were not asked yet.
func (t *turn) ask(d Delivery, round event.Round) {
	for _, q := range t.questions() {
		if !d.asked(q, round) {
			t.say(event.QuestionAsked{Delivery: d.ID, Question: q, Round: round})
		}
	}
}

var consentEvolvers = []evolver{
	on(func(s *State, _ event.Event, b event.ConsentGiven) { s.Consents = add(s.Consents, b.Consent) }),
	on(func(s *State, _ event.Event, b event.ConsentWithdrawn) {
		s.Consents = without(s.Consents, func(c event.Consent) bool { return c.ID == b.Consent })
	}),
	on(func(s *State, _ event.Event, b event.DeliveryConsented) {
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.Consented, d.Consent, d.Allowed = true, b.Consent, b.Allowed })
	}),
	on(func(s *State, _ event.Event, b event.DeliveryUnconsented) {
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) { d.Consented, d.Consent, d.Allowed = false, "", nil })
	}),
	on(func(s *State, _ event.Event, b event.QuestionAsked) {
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) {
			d.Asked = add(d.Asked, Ask{Question: b.Question, Round: b.Round})
		})
	}),
	on(func(s *State, e event.Event, b event.QuestionAnswered) {
		edit(&s.Deliveries, b.Delivery, func(d *Delivery) {
			d.Asked = slices.Clone(d.Asked)
			for i, a := range d.Asked {
				if a.Question == b.Question && a.Round == b.Round {
					d.Asked[i].Answered, d.Asked[i].Yes, d.Asked[i].At = true, b.Yes, e.At
				}
			}
		})
	}),
}

package audit_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestLaw8EverythingThatOpensIsAccountedFor(t *testing.T) {
	t.Parallel()
	find(t, 8, []plant{
		{"an opening untold", home, before("approach", func(s *story) { door(unlocked)(s); door(locked)(s) }), "nobody was told"},
		{"a door pushed open untold", home, before("approach", func(s *story) { door(ajar)(s); door(shut)(s) }), "nobody was told"},
		{"an opening after the visit", home, after("leave", door(unlocked)), "nobody was told"},
		{"an opening after the order came to nothing", retry, after("not done", func(s *story) { door(unlocked)(s); door(locked)(s) }), "nobody was told"},
		{"an opening by a code that was not shown", code, before("shown", func(s *story) { door(unlocked)(s); door(locked)(s) }), "nobody was told"},
		{"told of another opening", rehearsal, edit("by hand", func(f *event.ForeignOpening) { f.Observation.Cause = "keypad" }), "nobody was told"},
		{"told much later", home, before("approach", func(s *story) {
			door(unlocked)(s)
			seen := s.of(s.site).events
			o := seen[len(seen)-1].Body.(event.BarrierObserved).Observation
			door(locked)(s)
			s.wait(event.Hour)
			s.say(event.ForeignOpening{Barrier: s.doors[0], Observation: o})
		}), "nobody was told"},
		{"a car heard for more than the hour of its enrolment", aloneTrunk, instead("enrol", func(s *story) {
			enrolCar(trunk)(s)
			b := id[event.BarrierID](s, 'b')
			s.say(event.BarrierReserved{Barrier: b, Is: event.Trunk, Spec: trunk, By: s.byMember()})
			s.wait(event.Hour)
			s.observe(b, wholly)
		}), "listened to between visits"},
		{"an opening on the way of a visit, though nobody watches", planB, after("approach", func(s *story) { door(unlocked)(s); door(locked)(s) }), "nobody was told"},
	})
}

func TestLaw8WhatNeedsNoTelling(t *testing.T) {
	t.Parallel()
	byHand := func(s *story) { door(unlocked)(s); door(locked)(s) }
	for name, p := range map[string]plot{
		"nobody watches": before("approach", byHand)(planB),
		"not yet enrolled": before("way in", func(s *story) {
			b := id[event.BarrierID](s, 'b')
			s.say(event.BarrierReserved{Barrier: b, Is: event.Gate, Spec: inner, By: s.byMember()})
			s.observe(b, locked)
			s.observe(b, unlocked)
		})(home),
		"told":                   before("approach", func(s *story) { s.foreign(s.doors[0], unlocked); door(locked)(s) })(home),
		"never known to be shut": after("enrol", func(s *story) { s.observe("home1-b98", unlocked) })(home),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holds(t, p)
		})
	}
}

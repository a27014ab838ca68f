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
		{"an opening on the way of a visit, though nobody watches", planB, after("approach", func(s *story) { door(unlocked)(s); door(locked)(s) }), "nobody was told"},
	})
}

func TestLaw8WhatNeedsNoTelling(t *testing.T) {
	t.Parallel()
	byHand := func(s *story) { door(unlocked)(s); door(locked)(s) }
	t.Run("nobody watches", func(t *testing.T) { holds(t, before("approach", byHand)(planB)) })
	t.Run("not yet enrolled", func(t *testing.T) {
		holds(t, before("way in", func(s *story) {
			s.say(event.BarrierReserved{Barrier: id[event.BarrierID](s, 'b'), Is: event.Gate, Spec: inner, By: s.byMember()})
			s.observe(event.NewID[event.BarrierID](s.site, 'b', uint64(len(s.of(s.site).events))), locked)
			s.observe(event.NewID[event.BarrierID](s.site, 'b', uint64(len(s.of(s.site).events))-1), unlocked)
		})(home))
	})
	t.Run("told", func(t *testing.T) {
		holds(t, before("approach", func(s *story) { s.foreign(s.doors[0], unlocked); door(locked)(s) })(home))
	})
	t.Run("never known to be shut", func(t *testing.T) {
		holds(t, after("enrol", func(s *story) {
			s.specs["home1-b98"] = inner
			s.observe("home1-b98", unlocked)
		})(home))
	})
}

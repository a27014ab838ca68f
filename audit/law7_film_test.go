package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func merchant(*story) event.Actor { return event.Actor{Kind: event.ActorMerchant, ID: "shop"} }

func TestLaw7Looks(t *testing.T) {
	t.Parallel()
	quiet := cameraRules
	quiet.OperatorWatches = false
	find(t, 7, []plant{
		{"the courier, live", lost, after("alarm", look((*story).byCourier)), `by a "courier" who was not allowed`},
		{"the merchant, live", lost, after("alarm", look(merchant)), `by a "merchant" who was not allowed`},
		{"the operator, without the members' word", lost, instead("move in", moveIn(quiet)), `by a "operator" who was not allowed`},
		{"the operator, without an alarm", lost, after("pushed", look(theOperator)), `by a "operator" who was not allowed`},
		{"the operator, after the alarm", lost, after("calm", look(theOperator)), `by a "operator" who was not allowed`},
		{"the operator, what was kept", lost, after("watched", watchClip(theOperator)), `by a "operator" who was not allowed`},
		{"the courier, what was kept", filmed, after("watched", watchClip((*story).byCourier)), `by a "courier" who was not allowed`},
		{"nobody", filmed, edit("watched", func(w *event.PictureWatched) { w.By = event.Actor{} }), `by a "" who was not allowed`},
		{"a member who had left", filmed, before("watched", func(s *story) { s.say(event.MemberLeft{Member: s.member, By: s.byMember()}) }), `by a "member" who was not allowed`},
		{"a member of another site", filmed, edit("watched", func(w *event.PictureWatched) { w.By.ID = "tower9-m2" }), `by a "member" who was not allowed`},
		{"live, before the camera was asked", filmed, before("film", func(s *story) {
			s.say(event.PictureWatched{Visit: s.visit, By: s.byMember()})
		}), "no camera filmed that visit then"},
		{"live, after the visit", filmed, after("left alone", look((*story).byMember)), "no camera filmed that visit then"},
		{"nothing at all", filmed, edit("watched", func(w *event.PictureWatched) { w.Clip = "" }), "no camera filmed that visit then"},
		{"what was kept, during the visit", filmed, after("unlocked", watchClip((*story).byMember)), "nothing was kept of it yet"},
		{"what was not kept", unkept, after("left alone", watchClip((*story).byMember)), "nothing was kept of it yet"},
		{"what was kept, of another visit", filmed, edit("watched", func(w *event.PictureWatched) { w.Visit = "home1-v99" }), "it is of home1-v16"},
		{"what was to be erased", filmed, before("erased", watchClip((*story).byMember)), "it was to be erased"},
		{"what was erased", shortly, after("erased", watchClip((*story).byMember)), "it was to be erased"},
	})
}

func TestLaw7WhatWasFilmedIsErased(t *testing.T) {
	t.Parallel()
	late := func(s *story) {
		s.wait(event.Minute + 1)
		s.say(event.RulesSet{Rules: cameraRules, By: s.byMember()})
	}
	find(t, 7, []plant{
		{"kept for too long", filmed, instead("left alone", leftAlone(8*event.Day)), "and not at 2026-03-09"},
		{"kept for too short a time", filmed, instead("left alone", leftAlone(event.Day)), "and not at 2026-03-09"},
		{"kept for a week, and not for a day", shortly, instead("left alone", leftAlone(7*event.Day)), "and not at 2026-03-03"},
		{"kept, though nothing was opened", undone, also(upTo("left alone"), instead("left alone", leftAlone(event.Day))), "and not at 2026-03-02"},
		{"a time for what is not kept", unkept, edit("left alone", func(e *event.FilmingEnded) { e.EraseAt = clock("11:00:00") }), "it is not kept"},
		{"never", filmed, also(upTo("days"), after("days", late)), "nobody asked for it to be erased"},
		{"late, and the journal had gone on", filmed, before("erase", func(s *story) { late(s); s.wait(1) }), "nobody asked for it to be erased"},
		{"before its time", filmed, without("days"), "it was to be kept until"},
		{"at the operator's wish", shortly, edit("erase", func(a *event.ClipErasureAsked) { a.By = operator }), "by no member"},
		{"by a member who had left", shortly, before("erase", func(s *story) { s.say(event.MemberLeft{Member: s.member, By: s.byMember()}) }), "by no member"},
		{"because of moving out, and nobody did", movedOut, without("move out"), "had not moved out"},
		{"because of moving out, before that", movedOut, before("move out", pass(1)), "had not moved out"},
		{"for no known reason", shortly, edit("erase", func(a *event.ClipErasureAsked) { a.Why = "" }), "for no known reason"},
		{"during the visit", filmed, after("unlocked", erase(event.EraseOnRequest)), "nothing was kept of it"},
		{"what was not kept", unkept, after("left alone", erase(event.EraseOnRequest)), "nothing was kept of it"},
		{"unasked", shortly, without("erase"), "nobody had asked for that"},
		{"left behind", movedOut, without("erase", "erased"), "home1-f17 was kept"},
	})
}

// TestLaw7WaitsForTheJournalToGoOn: nothing can be erased while no server runs; the first thing that it writes is too
// late only by what is written before the erasure.
func TestLaw7WaitsForTheJournalToGoOn(t *testing.T) {
	t.Parallel()
	holds(t, upTo("watched")(filmed))
	holds(t, before("erase", pass(event.Day))(filmed))
	if report := tell(upTo("watched")(filmed)).check(t, audit.Options{Now: clock("10:00:00").Add(30 * event.Day)}); !report.OK() {
		t.Errorf("found something:\n%s", text(report))
	}
}

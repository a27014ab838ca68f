package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func TestLaw3IntentBeforeAct(t *testing.T) {
	t.Parallel()
	find(t, 3, []plant{
		{"sent, and intended in no journal", home, after("leave", func(s *story) {
			s.sent = append(s.sent, event.Sent{At: s.now, Device: "lock-1", Act: event.ActOpen, Permit: "home1-p99"})
		}), "no journal intended"},
		{"sent for a site without a journal", home, after("leave", func(s *story) {
			s.sent = append(s.sent, event.Sent{At: s.now, Device: "lock-1", Act: event.ActOpen, Permit: "nowhere-p1"})
		}), "no journal intended"},
		{"sent before the intent", home, instead("open", func(s *story) {
			s.intend(s.doors[0], s.asked, func(*intended) {})
			s.sendAt(s.now - 1)
		}), "before the intent"},
		{"while nothing is known of the first order", retry, without("not done"), "might still happen"},
		{"while the first order is unknown", retry, instead("not done", resolved(event.Unknown, event.ByAnswer)), "might still happen"},
		{"recovery while the opening is unknown", recovery, also(
			instead("done again", func(*story) {}),
			after("recover", func(s *story) {
				s.wait(event.Minute)
				s.intend(s.doors[0], s.sign(), func(o *intended) { o.Permit.Recovery = true })
				s.send()
				resolved(event.Done, event.ByAnswer)(s)
			}),
			before("unlocked again", func(s *story) { // so that only the order is at fault
				resolved(event.Done, event.ByAnswer)(s)
			})), "might still happen"},
		{"in the next visit, before the old order's last moment", retry, also(without("not done"), upTo("open"), after("open", func(s *story) {
			s.wait(21 * event.Second)
			resolved(event.Unknown, event.ByTime)(s)
			s.takeOver()
			s.again()
		})), "might still happen"},
		{"while a code may still be typed", code, also(upTo("done"), after("done", func(s *story) {
			s.visit = ""
			book(s)
			assign(s)
			s.again()
		})), "might still happen"},
		{"counts as over too early", home, edit("open", func(o *intended) { o.Permit.Resolve = o.Permit.Deadline }), "may act until"},
		{"counts as over, and nobody knows how late it acts", unprovable, edit("open", func(o *intended) {
			o.Permit.Resolve = o.Permit.Deadline.Add(event.Hour)
		}), "nobody knows how late"},
		{"not done because time passed", retry, edit("not done", func(r *event.OpeningResolved) { r.By = event.ByTime }), "because time passed"},
		{"not done by sight", retry, edit("not done", func(r *event.OpeningResolved) { r.By = event.BySight }), "by sight"},
		{"done after it had come to nothing", retry, also(upTo("not done"), after("not done", resolved(event.Done, event.ByAnswer))), "to have come to nothing"},
		{"not done by a reading before it was impossible", retry, edit("not done", func(r *event.OpeningResolved) { r.By = event.ByReading }), "could still happen"},
		{"not done by a reading that was asked before", retry, edit("read", func(o *event.BarrierObserved) {
			o.Observation.AskedAt = clock("10:40:20")
		}), "nothing current was heard"},
		{"not done by a stored copy", retry, edit("read", func(o *event.BarrierObserved) {
			o.Observation.Origin, o.Observation.AskedAt = event.OriginRetained, 0
		}), "nothing current was heard"},
		{"not done while the door stands open", retry, also(upTo("never"), edit("read", func(o *event.BarrierObserved) {
			o.Observation.Contact = event.ContactUnknown
		})), "not said to be closed"},
		{"done by signs while it could still arrive", signs, also(without("too late now"), upTo("by signs")), "by signs while it could still happen"},
		{"done by signs, and there were none", signs, also(without("copy"), upTo("by signs")), "there are none"},
		{"unknown by signs", signs, also(edit("by signs", func(r *event.OpeningResolved) { r.Outcome = event.NotDone }), upTo("by signs")), "there are none"},
		{"not done, and the code was never forgotten", rehearsedCode, also(without("forget", "forgotten"), upTo("unused")), "had not forgotten the code"},
		{"recovery while an order that was only seen may still arrive", recovery, edit("done", func(r *event.OpeningResolved) {
			r.By = event.BySight
		}), "might still happen"},
		{"an outcome of nothing", home, also(edit("done", func(r *event.OpeningResolved) { r.Permit = "home1-p99" }), upTo("done")), "nothing intended it"},
	})
}

func TestLaw3Lease(t *testing.T) {
	t.Parallel()
	second := func(s *story) {
		s.at("tower9", func() {
			g := grant(s)
			g.Lease, g.Number = "home1-l99", 2
			s.say(g)
		})
	}
	find(t, 3, []plant{
		{"lent while it is lent", lobby, after("grant", second), "still had it"},
		{"taken back before it was returned", lobby, also(without("return")), "had not been returned"},
		{"opened by the lender while it is lent", home, before("open", func(s *story) {
			s.say(event.LendingAllowed{Barrier: s.doors[0], Borrower: "home2", By: s.byMember()})
			s.say(event.LeaseGranted{Lease: "home2-l7", Barrier: s.doors[0], Number: 1, Until: s.now.Add(event.Minute), Spec: lock})
		}), "lent out by home2-l7"},
		{"lent while the lender's visit has it", home, after("unlocked", func(s *story) {
			s.say(event.LendingAllowed{Barrier: s.doors[0], Borrower: "home2", By: s.byMember()})
			s.say(event.LeaseGranted{Lease: "home2-l7", Barrier: s.doors[0], Number: 1, Until: s.now.Add(event.Minute), Spec: lock})
		}), "a visit of the lender"},
	})
}

// TestLaw3AfterATakeOver: once a member took over and the old command can't happen any more, the door serves the
// next visit.
func TestLaw3AfterATakeOver(t *testing.T) {
	t.Parallel()
	holds(t, also(without("not done"), upTo("open"), after("open", func(s *story) {
		s.wait(21 * event.Second)
		resolved(event.Unknown, event.ByTime)(s)
		s.wait(event.Minute)
		s.takeOver()
		s.again()
	}))(retry))
}

// takeOver has the member come home to an open visit and end it.
func (s *story) takeOver() {
	s.takenByHand()
	s.visitEnds()
}

func (s *story) takenByHand() {
	s.say(event.TakeOverAsked{Visit: s.visit, Member: s.member})
	door(event.Observation{Bolt: event.BoltUnlocked, Cause: "manual"})(s)
	s.say(event.VisitTakenOver{Visit: s.visit, Member: s.member})
	door(locked)(s)
}

func (s *story) visitEnds() {
	s.say(event.VisitEnded{Visit: s.visit, How: event.EndTakenOver})
	s.visit = ""
}

// again has the courier come again and open.
func (s *story) again() {
	at := s.now
	approach(s)
	s.now = at.Add(event.Second)
	scan("one")(s)
	scan("two")(s)
	s.now = max(s.now, at)
	open(0)(s)
}

// TestLaw3KnowsClocks: on several machines a command's line may seem older than its intent.
func TestLaw3KnowsClocks(t *testing.T) {
	t.Parallel()
	early := instead("open", func(s *story) {
		s.intend(s.doors[0], s.asked, func(*intended) {})
		s.sendAt(s.now - 400)
	})(home)
	if report := tell(early).check(t, audit.Options{Skew: event.Second}); !report.OK() {
		t.Errorf("found something:\n%s", text(report))
	}
}

// TestLaw3GrantedAgain: a question that came twice is answered twice; the second lease waits for the first to be
// back, and is returned unspent.
func TestLaw3GrantedAgain(t *testing.T) {
	t.Parallel()
	holds(t, after("take back", func(s *story) {
		s.at("tower9", func() {
			g := grant(s)
			g.Number = 2
			s.say(g)
		})
		s.say(event.LeaseReturned{Lease: s.lease})
		s.at("tower9", func() { s.say(event.LeaseEnded{Lease: s.lease, Barrier: s.doors[0]}) })
	})(lobby))
}

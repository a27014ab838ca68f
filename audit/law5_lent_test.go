package audit_test

import (
	"slices"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// knowing changes what the lender says that it knew, and what the borrower wrote of it.
func knowing(do func(*event.Known)) change {
	return also(edit("grant", func(g *event.LeaseGranted) { do(&g.Known) }), edit("receive", func(r *event.LeaseReceived) { do(&r.Known) }))
}

// told changes only what the borrower wrote.
func told(do func(*event.Known)) change {
	return edit("receive", func(r *event.LeaseReceived) { do(&r.Known) })
}

// inTower has the lobby's device say something to its owner alone.
func inTower(o event.Observation) func(*story) {
	return func(s *story) {
		visit := s.visit
		s.visit = ""
		s.at("tower9", func() { s.observe(s.doors[0], o) })
		s.visit = visit
	}
}

func TestLaw5WhatTheLenderKnew(t *testing.T) {
	t.Parallel()
	const given = "is given as"
	find(t, 5, []plant{
		{"another bolt", lent, knowing(func(k *event.Known) { k.Bolt = event.BoltUnlocked }), "its bolt was"},
		{"another contact", lentAlarmed, knowing(func(k *event.Known) { k.Contact = event.ContactOpen }), "its contact was"},
		{"a bolt that was said later", lent, knowing(func(k *event.Known) { k.BoltAt++ }), given},
		{"a contact that was said later", lent, knowing(func(k *event.Known) { k.ContactAt = clock("10:40:00") }), given},
		{"a contact concealed", lentAlarmed, knowing(func(k *event.Known) { k.Contact, k.ContactAt = "", 0 }), given},
		{"a contact as if only a copy said so", lentAlarmed, knowing(func(k *event.Known) { k.ContactAt = 0 }), given},
		{"heard later", lent, knowing(func(k *event.Known) { k.ReachedAt = clock("10:40:00") }), "its device was"},
		{"offline, while it was heard", lent, knowing(func(k *event.Known) { k.Reach = event.ReachOffline }), "its device was"},
		{"heard, while it was offline", lent, before("grant", inTower(event.Observation{Reach: event.ReachOffline})), `its device was "offline" at no known time`},
		{"known, where a copy had made it doubtful", lent, before("grant", inTower(event.Observation{
			Contact: event.ContactUnknown, Origin: event.OriginRetained})), `its contact was "unknown" at no known time`},
		{"a clock of its own concealed", lent, also(
			before("grant", inTower(event.Observation{Contact: event.ContactClosed, DeviceAt: clock("08:00:00")})),
			knowing(func(k *event.Known) { k.ReachedAt = clock("10:40:08") })), "its own clock said"},
		{"a clock of its own, heard at another time", lent, also(
			before("grant", inTower(event.Observation{Contact: event.ContactClosed, DeviceAt: clock("08:00:00")})),
			knowing(func(k *event.Known) {
				k.ReachedAt, k.DeviceAt, k.DeviceHeard = clock("10:40:08"), clock("08:00:00"), clock("09:00:03")
			})), "its own clock said"},
		{"a clock of its own that nobody heard", lent, knowing(func(k *event.Known) {
			k.DeviceAt, k.DeviceHeard = clock("08:00:00"), clock("09:00:03")
		}), "its own clock said"},

		{"a replay by the clock that the lender knew", lent, also(
			before("grant", inTower(event.Observation{Contact: event.ContactClosed, DeviceAt: clock("09:50:00")})),
			knowing(func(k *event.Known) {
				k.ReachedAt, k.DeviceAt, k.DeviceHeard = clock("10:40:08"), clock("09:50:00"), clock("10:40:08")
			}),
			instead("locked", both(event.Observation{Bolt: event.BoltLocked, DeviceAt: clock("08:00:00")}))), "old message says that its bolt"},
		{"received with another bolt", lent, told(func(k *event.Known) { k.Bolt = event.BoltUnlocked }), "says something else"},
		{"received with a later contact", lent, told(func(k *event.Known) { k.ContactAt = clock("10:40:00") }), "says something else"},
		{"received with an earlier contact", lent, told(func(k *event.Known) { k.ContactAt-- }), "says something else"},
		{"received with another clock", lent, told(func(k *event.Known) { k.DeviceAt = clock("08:00:00") }), "says something else"},
		{"received without what was known", lentAlarmed, told(func(k *event.Known) { *k = event.Known{} }), "says something else"},
		{"received with what nobody had known", lent, edit("grant", func(g *event.LeaseGranted) { g.Known = event.Known{} }), "says something else"},

		{"a contact that nobody ever heard of", lent, knowing(func(k *event.Known) { *k = event.Known{} }), "not said to be closed"},
		{"a lock that says only what was known", lent, without("unlocked"), "before the opening"},
		{"what was known is all that there is", lent, without("unlocked", "locked"), "nothing current was heard"},
	})
}

// TestLaw5NothingKnown: who lent before knowledge went with it keeps the laws. What was known in an earlier lease is
// forgotten.
func TestLaw5NothingKnown(t *testing.T) {
	t.Parallel()
	holds(t, also(knowing(func(k *event.Known) { *k = event.Known{} }), instead("locked", both(event.Observation{
		Bolt: event.BoltLocked, Contact: event.ContactClosed})))(lent))
	holds(t, lobby)
}

// TestLaw5TheLendersClockIsAhead: what was known at times after the receipt may be taken down to it, and never
// counts as said after the opening.
func TestLaw5TheLendersClockIsAhead(t *testing.T) {
	t.Parallel()
	// ahead has the tower grant when its clock is so much ahead, with what its lobby said just then; the borrower
	// takes the time down to so much before the receipt.
	ahead := func(by, take event.Millis) plot {
		known := lobbyKnown
		return also(
			instead("grant", func(s *story) {
				s.wait(by)
				for _, o := range []event.Observation{unlocked, locked} {
					s.at("tower9", func() { s.foreign(s.doors[0], o) })
				}
				known.BoltAt, known.ReachedAt = s.now, s.now
				s.at("tower9", func() {
					g := grant(s)
					g.Known = known
					s.say(g)
				})
				s.wait(-by)
			}),
			instead("receive", func(s *story) {
				s.wait(30)
				known.BoltAt, known.ReachedAt = s.now.Add(-take), s.now.Add(-take)
				s.say(event.LeaseReceived{Lease: s.lease, Number: 1, Until: s.now.Add(event.Minute), Spec: lock, Known: known})
			}))(lent)
	}
	silent := also(without("unlocked", "locked"), before("take back", pass(event.Minute)))
	holds(t, ahead(event.Second, 0))
	holds(t, ahead(event.Second, 1))
	find(t, 5, []plant{
		{"taken down too far", ahead(event.Second, 2), also(), "says something else"},
		{"nothing heard since", ahead(20*event.Second, 0), silent, "nothing current was heard"},
		{"as if heard since", ahead(20*event.Second, 30-20*event.Second), silent, "nothing current was heard"},
	})
}

func TestLaw5WhatTheLenderHeard(t *testing.T) {
	t.Parallel()
	alone := func(o event.Observation) func(*story) {
		return func(s *story) {
			s.wait(2 * event.Second)
			s.observe(s.doors[0], o)
		}
	}
	find(t, 5, []plant{
		{"a report that the owner never had", lent, instead("locked", alone(locked)), "never had"},
		{"reached, as the owner never heard", lent, after("locked", alone(event.Observation{Reach: event.ReachOnline})), "never had"},
		{"a bolt that the owner never heard of", lent, before("locked", inTurn(alone(locked))), "never had"},
		{"a contact that the owner never heard of", lobby, instead("locked", inTurn(alone(shut), both(locked))), "never had"},
		{"a replay that overtook what shows it to be one", lent, instead("locked", inTurn(
			inTower(event.Observation{Bolt: event.BoltUnlocked, DeviceAt: clock("09:50:00")}),
			both(event.Observation{Bolt: event.BoltLocked, DeviceAt: clock("08:00:00")}))), "was a replay"},
		{"a hand that the owner never heard of", lentAlarmed, instead("by hand", alone(shut)), "never had"},
	})
}

// inTurn tells one thing after the other.
func inTurn(tell ...func(*story)) func(*story) {
	return func(s *story) {
		for _, t := range tell {
			t(s)
		}
	}
}

// TestLaw5LateReports: a report that reaches the journal after a later one is judged by what had been heard when it
// was received: it may be one that was under way, or a replay.
func TestLaw5LateReports(t *testing.T) {
	t.Parallel()
	late := func(at event.Instant) change {
		return also(
			instead("unlocked", door(event.Observation{Bolt: event.BoltUnlocked, DeviceAt: clock("08:00:20")})),
			instead("locked", func(s *story) {
				s.wait(2 * event.Second)
				received := s.now
				s.wait(2 * event.Second)
				s.observe(s.doors[0], event.Observation{Contact: event.ContactClosed, DeviceAt: clock("08:00:30")})
				s.wait(event.Second)
				s.observeAt(s.doors[0], event.Observation{Bolt: event.BoltLocked, DeviceAt: at}, received)
			}),
			instead("secured", func(s *story) {
				secured(0)(s)
				events := s.of(s.site).events
				body := events[len(events)-1].Body.(event.BarrierSecured)
				body.ReachedAt = s.now.Add(-event.Second)
				events[len(events)-1].Body = body
			}))
	}
	holds(t, late(clock("08:00:25"))(home))
	find(t, 5, []plant{
		{"a replay, received before what came to the journal first", home, late(clock("08:00:10")), "old message"},
		{"the same message again, received so", home, also(
			edit("enrol", func(r *event.BarrierReserved) { r.Spec.Reads = false }),
			before("approach", door(event.Observation{Bolt: event.BoltLocked, DeviceAt: clock("08:00:20")})),
			late(clock("08:00:20")), without("unlocked", "pushed")), "before the opening"},
	})
}

// TestJournalsReadOneAfterTheOther: what a borrower wrote after the reading began may rest on what its lender wrote
// after its journal was read.
func TestJournalsReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := tell(lent)
	tower := s.of("tower9")
	whole := tower.events
	for i, e := range whole {
		if _, granted := e.Body.(event.LeaseGranted); !granted {
			continue
		}
		tower.events = whole[:i]
		if report := s.check(t, audit.Options{Now: e.At - 1}); !report.OK() || len(report.Laws[0].Remarks) != 1 {
			t.Errorf("a grant after the reading:\n%s", text(report))
		}
		if report := s.check(t, audit.Options{Now: e.At.Add(event.Hour)}); !slices.Equal(broken(report), []int{1}) {
			t.Errorf("no grant:\n%s", text(report))
		}
		tower.events = whole[:i+1]
		if report := s.check(t, audit.Options{Now: e.At.Add(event.Second)}); !report.OK() || len(report.Laws[4].Remarks) != 1 {
			t.Errorf("reports after the reading:\n%s", text(report))
		}
		if report := s.check(t, audit.Options{Now: e.At.Add(event.Hour)}); !slices.Equal(broken(report), []int{5}) {
			t.Errorf("no reports:\n%s", text(report))
		}
	}
}

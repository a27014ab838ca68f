package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func TestLaw5NotSecuredIsNotDone(t *testing.T) {
	t.Parallel()
	find(t, 5, []plant{
		{"ended unsecured", home, without("locked", "secured"), "was not secured"},
		{"ended secured, and never called so", home, without("secured"), "was not secured"},
		{"called secured while unlocked", home, without("locked"), "not said to be locked"},
		{"called secured while ajar", home, without("pulled"), "not said to be closed"},
		{"ended after it was unsecured again", home, after("secured", func(s *story) {
			door(unlocked)(s)
			s.say(event.BarrierUnsecured{Barrier: s.doors[0], Visit: s.visit})
		}), "was not secured"},
		{"ended while the device says otherwise", home, after("secured", door(unlocked)), "not said to be locked"},
		{"ended on stale evidence", home, after("secured", pass(lock.Horizon)), "longer ago than its horizon"},
		{"secured on stale evidence", home, after("locked", func(s *story) {
			s.wait(4 * event.Minute)
			alarm(event.AlarmDwell, event.AlarmOperator)(s)
			s.wait(lock.Horizon)
		}), "longer ago than its horizon"},
		{"secured by a retained message", home, instead("locked", door(event.Observation{Bolt: event.BoltLocked, Origin: event.OriginRetained})), "old message"},
		{"secured by a cloud's cache", home, instead("pulled", door(event.Observation{Contact: event.ContactClosed, Origin: event.OriginCached})), "old message"},
		{"secured by an answer to an older question", home, instead("locked", func(s *story) {
			s.wait(3 * event.Second)
			s.observe(s.doors[0], event.Observation{Bolt: event.BoltLocked, Origin: event.OriginAnswer, AskedAt: s.intended()})
		}), "old message"},
		{"secured by a replayed message", home, also(
			instead("unlocked", door(event.Observation{Bolt: event.BoltUnlocked, DeviceAt: clock("08:00:09")})),
			instead("locked", door(event.Observation{Bolt: event.BoltLocked, DeviceAt: clock("08:00:05")}))), "old message"},
		{"secured by a report that says nothing new", home, without("unlocked", "pushed", "pulled"), "before the opening"},
		{"garage secured by what was known before the opening", garage, instead("shut", door(event.Observation{Reach: event.ReachOnline})), "before the opening"},
		{"secured by what was known before the opening", home, without("unlocked", "pushed", "pulled", "locked"), "nothing current was heard"},
		{"secured while unreachable", home, after("locked", door(event.Observation{Reach: event.ReachOffline})), "could not be reached"},
		{"secured before the opening is known", home, without("done"), "not known to have been opened"},
		{"proven, by what could be forged", home, edit("secured", func(s *event.BarrierSecured) { s.Grade = event.GradeProven }), `is called "proven"`},
		{"bolt at a time when nothing was said", home, edit("secured", func(s *event.BarrierSecured) { s.BoltAt++ }), "did not say that at"},
		{"contact at a time when nothing was said", home, edit("secured", func(s *event.BarrierSecured) { s.ContactAt++ }), "did not say that at"},
		{"reached when it was not", home, edit("secured", func(s *event.BarrierSecured) { s.ReachedAt++ }), "did not say that at"},
		{"secured in another visit", home, edit("secured", func(s *event.BarrierSecured) { s.Visit = "home1-v99" }), "had not opened it"},
		{"called unopened", home, also(instead("leave", func(s *story) {
			s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened})
		})), `it is called "nothing-opened", and was "secured"`},
		{"called secured, and nothing was opened", blocked, edit("end", func(e *event.VisitEnded) { e.How = event.EndSecured }), `was "nothing-opened"`},
		{"unprovable, called secured", unprovable, instead("leave", leave(event.EndSecured)), `was "closed-unproven"`},
		{"unprovable, and not accepted", unprovable, edit("enrol", func(b *event.BarrierReserved) { b.AcceptUnprovable = false }), "had not accepted"},
		{"unprovable, and the order may yet arrive", unprovable, without("done"), "may yet be opened"},
		{"secured before an order that was only seen could last arrive", home, edit("done", func(r *event.OpeningResolved) {
			r.By = event.BySight
		}), "nothing current was heard"},
		{"secured by an answer to a question from before that", signs, edit("locked", func(o *event.BarrierObserved) {
			o.Observation.AskedAt = o.Observation.AskedAt.Add(-2 * event.Second)
		}), "nothing current was heard"},
		{"a code that proves nothing, never shown", unprovableCode, without("shown"), "may yet be opened"},
		{"delivered though it was cancelled", twoDoors, also(edit("approach", func(v *event.VisitBegun) {
			v.Deliveries = append(v.Deliveries, "home1-d99")
		}), before("leave", func(s *story) {
			s.say(event.DeliveryDelivered{Delivery: "home1-d99", Visit: s.visit, How: event.EndSecured})
		}), before("scan two", func(s *story) {
			s.say(event.DeliveryCancelled{Delivery: "home1-d99", By: operator})
		})), "none of its parcels"},
		{"unprovable, and nobody closed", unprovable, without("close"), "nobody said that"},
		{"ended twice", home, after("leave", func(s *story) {
			s.say(event.VisitEnded{Visit: "home1-v14", How: event.EndSecured})
		}), "ended before"},
		{"ended, and never begun", home, after("leave", func(s *story) {
			s.say(event.VisitEnded{Visit: "home1-v99", How: event.EndUnopened})
		}), "never begun"},
		{"code not forgotten", code, without("forgotten"), "had not forgotten"},
		{"code forgotten by word only", code, edit("forgotten", func(r *event.CodeRemoved) { r.Confirmed = false }), "had not forgotten"},
		{"courier released early", home, also(upTo("pushed"), after("pushed", func(s *story) {
			s.say(event.CourierReleased{Visit: s.visit, Signed: s.sign()})
		})), "was released"},
		{"delivered behind an inner door that was shut", twoDoors, without("open inner", "inner done", "inner unlocked", "inner locked", "inner secured"), "last barrier"},
		{"delivered as something else", home, edit("leave", func(d *event.DeliveryDelivered) { d.How = event.EndTakenOver }), "was called delivered"},
		{"delivered in a visit that it was not part of", home, edit("leave", func(d *event.DeliveryDelivered) { d.Delivery = "home1-d99" }), "not part of the visit"},
		{"lobby returned before it was secured", lobby, also(upTo("unlocked"), after("unlocked", func(s *story) {
			s.say(event.LeaseReturned{Lease: s.lease, Spent: true})
		})), "had not ended"},
		{"lobby returned as unspent", lobby, edit("return", func(r *event.LeaseReturned) { r.Spent = false }), "called unspent"},
	})
}

func TestLaw5TakenOver(t *testing.T) {
	t.Parallel()
	find(t, 5, []plant{
		{"by nobody who had said so", alarmed, without("claim"), "had not just said"},
		{"by somebody who is no member", alarmed, also(
			edit("claim", func(e *event.TakeOverAsked) { e.Member = "home1-m99" }),
			edit("taken over", func(e *event.VisitTakenOver) { e.Member = "home1-m99" })), "did not belong"},
		{"by another member than had said so", alarmed, edit("claim", func(e *event.TakeOverAsked) { e.Member = "home1-m99" }), "had not just said"},
		{"much later", alarmed, before("by hand", pass(3*event.Minute)), "had not just said"},
		{"without a hand", alarmed, without("by hand"), "worked by hand"},
		{"by a bolt that moved by itself", alarmed, instead("by hand", door(locked)), "worked by hand"},
		{"by a stored copy", alarmed, instead("by hand", door(event.Observation{Contact: event.ContactClosed, Origin: event.OriginRetained})), "worked by hand"},
		{"by an answer", alarmed, instead("by hand", func(s *story) {
			s.wait(3 * event.Second)
			s.observe(s.doors[0], event.Observation{Contact: event.ContactClosed, Origin: event.OriginAnswer, AskedAt: s.now})
		}), "worked by hand"},
		{"by a motor", alarmed, instead("by hand", door(event.Observation{Contact: event.ContactClosed, Cause: "auto"})), "worked by hand"},
		{"by a contact that is lost", alarmed, instead("by hand", door(event.Observation{Contact: event.ContactUnknown})), "worked by hand"},
		{"by a contact that is found again", alarmed, also(
			after("pushed", door(event.Observation{Contact: event.ContactUnknown}))), "worked by hand"},
		{"by the first word of a contact", lentAlarmed, also(without("pushed"), knowing(func(k *event.Known) { *k = event.Known{} })), "worked by hand"},
		{"by a difference from a stored copy", alarmed, before("by hand", door(event.Observation{
			Contact: event.ContactUnknown, Origin: event.OriginRetained})), "worked by hand"},
		{"by a report that says nothing new", alarmed, instead("by hand", door(ajar)), "worked by hand"},
		{"by a replay", alarmed, also(
			instead("unlocked", door(event.Observation{Bolt: event.BoltUnlocked, DeviceAt: clock("08:00:20")})),
			instead("by hand", door(event.Observation{Contact: event.ContactClosed, DeviceAt: clock("08:00:10")}))), "worked by hand"},
		{"by what was received before the claim, and came after it", lentAlarmed, also(
			before("claim", inTower(shut)), instead("by hand", func(s *story) {
				s.wait(event.Second)
				s.observeAt(s.doors[0], shut, s.claimed().Add(-event.Minute))
			})), "worked by hand"},
		{"by a barrier of another visit", alarmed, also(
			instead("by hand", func(s *story) { s.wait(event.Second) }),
			after("enrol", enrol(inner)),
			before("taken over", func(s *story) { s.foreign(s.doors[1], ajar) })), "worked by hand"},
		{"though nothing was opened", alarmed, also(upTo("approach"), after("approach", func(s *story) {
			s.say(event.TakeOverAsked{Visit: s.visit, Member: s.member})
			s.foreign(s.doors[0], ajar)
			s.say(event.VisitTakenOver{Visit: s.visit, Member: s.member})
		})), "had opened nothing"},
		{"and called secured", alarmed, edit("end", func(e *event.VisitEnded) { e.How = event.EndSecured }), `was "taken-over"`},
	})
}

// TestLaw5TakenOverLawfully: by a bolt that the device says a hand moved, and by a letter that came late, while the
// claim still stood.
func TestLaw5TakenOverLawfully(t *testing.T) {
	t.Parallel()
	for _, cause := range []string{"manual", "keypad"} {
		holds(t, instead("by hand", door(event.Observation{Bolt: event.BoltLocked, Cause: cause}))(alarmed))
	}
	late := func(wait event.Millis) change {
		return instead("by hand", func(s *story) {
			s.wait(event.Second)
			received := s.now
			inTower(shut)(s)
			s.wait(wait)
			s.observeAt(s.doors[0], shut, received)
		})
	}
	holds(t, late(90*event.Second)(lentAlarmed))
	find(t, 5, []plant{{"by a letter that came too late", lentAlarmed, late(2 * event.Minute), "had not just said"}})
	// Who says it again is there as from the first time.
	holds(t, after("by hand", func(s *story) {
		s.wait(event.Second)
		s.say(event.TakeOverAsked{Visit: s.visit, Member: s.member})
	})(alarmed))
}

// claimed is when a member last claimed to be there.
func (s *story) claimed() (at event.Instant) {
	for _, e := range s.of(s.site).events {
		if _, ok := e.Body.(event.TakeOverAsked); ok {
			at = e.At
		}
	}
	return at
}

func TestLaw5Alarms(t *testing.T) {
	t.Parallel()
	find(t, 5, []plant{
		{"none after the dwell", alarmed, without("alarm", "alarm customer", "alarm operator"), "nobody was told"},
		{"late", alarmed, before("alarm", pass(11*event.Second)), "nobody was told"},
		{"that does not climb", alarmed, without("alarm customer", "alarm operator"), "was to climb"},
		{"that stops climbing", alarmed, without("alarm operator"), "was to climb"},
		{"that climbs late", alarmed, before("alarm customer", pass(11*event.Second)), "was to climb"},
		{"ended while the door stands open", alarmed, after("alarm operator", func(s *story) {
			s.say(event.AlarmEnded{Visit: s.visit})
		}), "stood open too long"},
		{"none for a door that came open again", home, after("secured", func(s *story) {
			s.wait(event.Minute)
			door(unlocked)(s)
			s.say(event.BarrierUnsecured{Barrier: s.doors[0], Visit: s.visit})
			s.wait(rules.Dwell)
			door(locked)(s)
			secured(0)(s)
		}), "nobody was told"},
		{"none for an order whose outcome nobody knows", retry, also(upTo("unknown"), after("unknown", func(s *story) {
			s.wait(rules.Dwell)
			s.observe(s.doors[0], event.Observation{Reach: event.ReachOnline})
		})), "nobody was told"},
		{"none for a code that was shown", code, also(upTo("shown"), after("shown", func(s *story) {
			s.wait(rules.Dwell + event.Minute)
			s.observe(s.doors[0], locked)
		})), "nobody was told"},
		{"not for the operator, though the courier left in danger", home, after("pushed", func(s *story) {
			s.say(event.CourierLeftInDanger{Visit: s.visit, Signed: s.sign()})
			alarm(event.AlarmDanger, event.AlarmCourier)(s)
			s.wait(30 * event.Second)
			s.say(event.AlarmEnded{Visit: s.visit})
		}), "left in danger"},
	})
}

// TestLaw5AlarmsThatSomebodyOwns: it is written down who has an alarm in hand, and nothing follows from it.
func TestLaw5AlarmsThatSomebodyOwns(t *testing.T) {
	t.Parallel()
	end := func(s *story) { s.say(event.AlarmEnded{Visit: s.visit}) }
	soon := func(s *story) { s.wait(5 * event.Second); alarm(event.AlarmNotClosed, event.AlarmCourier)(s) }
	find(t, 5, []plant{
		{"that does not climb any more", acknowledged, without("alarm customer", "alarm operator"), "was to climb"},
		{"that climbs more slowly", acknowledged, before("alarm customer", pass(11*event.Second)), "was to climb"},
		{"that is over with it", acknowledged, after("acknowledge", end), "stood open too long"},
		{"that begins anew with it", acknowledged, also(upTo("acknowledge"), after("acknowledge", soon), after("acknowledge", end)),
			"stood open too long"},
		{"where none stands", alarmed, before("alarm", acknowledge("ana")), "no alarm stood"},
		{"where none stands any more", recovery, after("calm", acknowledge("ana")), "no alarm stood"},
		{"where none ever stood", home, after("pushed", acknowledge("ana")), "no alarm stood"},
		{"after the visit", alarmed, after("end", acknowledge("ana")), "no alarm stood"},
		{"owned by two", acknowledged, after("alarm customer", acknowledge("tom")), "already"},
		{"by a member", alarmed, after("alarm", func(s *story) {
			s.say(event.AlarmAcknowledged{Visit: s.visit, By: s.byMember()})
		}), "by a member"},
	})
	// Each alarm of a visit has an owner of its own.
	holds(t, also(after("alarm", acknowledge("ana")), after("secured", func(s *story) {
		door(unlocked)(s)
		s.say(event.BarrierUnsecured{Barrier: s.doors[0], Visit: s.visit})
		alarm(event.AlarmReopened, event.AlarmCourier)(s)
		acknowledge("tom")(s)
		door(locked)(s)
		secured(0)(s)
		end(s)
	}))(recovery))
}

// acknowledge has somebody of the operator's staff take the alarm in hand.
func acknowledge(who string) func(*story) {
	return func(s *story) {
		s.wait(event.Second)
		s.say(event.AlarmAcknowledged{Visit: s.visit, By: event.Actor{Kind: event.ActorOperator, ID: who}})
	}
}

// TestLaw5OpenVisits: a visit under way is no violation; one that was forgotten is.
func TestLaw5OpenVisits(t *testing.T) {
	t.Parallel()
	running := upTo("pushed")(home)
	report := tell(running).check(t, audit.Options{Now: clock("10:41:00")})
	want := audit.Remark{What: "visits still open", Count: 1}
	if got := report.Laws[4].Remarks; !report.OK() || len(got) != 1 || got[0] != want {
		t.Errorf("remarks %v, want %v:\n%s", got, want, text(report))
	}
	for now, late := range map[string]bool{"10:45:15": false, "10:45:19": true, "23:00:00": true} {
		report := tell(running).check(t, audit.Options{Now: clock(now)})
		if report.OK() == late {
			t.Errorf("at %s: OK is %v:\n%s", now, report.OK(), text(report))
		}
	}
	if report := tell(running).check(t, audit.Options{Now: clock("10:46:00"), Late: event.Minute}); !report.OK() {
		t.Errorf("with a minute of patience:\n%s", text(report))
	}
}

// TestLaw5ContactThatDidNotMove: nobody pushed the door, and its contact counts because the device was heard.
func TestLaw5ContactThatDidNotMove(t *testing.T) {
	t.Parallel()
	holds(t, without("pushed", "pulled")(home))
}

// TestLaw5ByAnswerAlone: the device never said that it opened; what it answers when asked later counts.
func TestLaw5ByAnswerAlone(t *testing.T) {
	t.Parallel()
	holds(t, also(without("unlocked", "pushed", "pulled"), instead("locked", func(s *story) {
		s.wait(event.Second)
		s.observe(s.doors[0], event.Observation{Bolt: event.BoltLocked, Origin: event.OriginAnswer, AskedAt: s.now.Add(-10)})
	}))(home))
}

// TestLaw5OpenedFromInside: the door is opened from inside after it was secured, and shut again, with its alarm.
func TestLaw5OpenedFromInside(t *testing.T) {
	t.Parallel()
	holds(t, after("secured", func(s *story) {
		door(unlocked)(s)
		s.say(event.BarrierUnsecured{Barrier: s.doors[0], Visit: s.visit})
		alarm(event.AlarmReopened, event.AlarmCourier)(s)
		door(locked)(s)
		secured(0)(s)
		s.say(event.AlarmEnded{Visit: s.visit})
	})(home))
}

// TestLaw5RulesInForce: the dwell that counts is that of the rules in force, chosen or not, and a shorter one counts
// from when it was chosen.
func TestLaw5RulesInForce(t *testing.T) {
	t.Parallel()
	set := func(dwell event.Millis) func(*story) {
		return func(s *story) {
			s.say(event.RulesSet{Rules: event.Rules{Dwell: dwell, Climb: event.Minute, Watch: true}, By: s.byMember()})
		}
	}
	unchosen := instead("move in", func(s *story) {
		s.say(event.SiteOpened{Zone: "Europe/Paris"})
		s.member = id[event.MemberID](s, 'm')
		s.say(event.MemberJoined{Member: s.member, By: operator})
	})
	for _, test := range []struct {
		what   string
		change change
		now    string
		late   bool
	}{
		{"five minutes where nobody chose: not yet", unchosen, "10:45:00", false},
		{"five minutes where nobody chose", unchosen, "10:45:30", true},
		{"an hour", instead("move in", moveIn(event.Rules{Dwell: event.Hour, Climb: event.Minute})), "11:30:00", false},
		{"made longer meanwhile", after("unlocked", set(event.Hour)), "11:30:00", false},
		{"made shorter: told at once", after("pushed", set(event.Second)), "10:40:20", false},
		{"made shorter, and not told", after("pushed", set(event.Second)), "10:40:40", true},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			report := tell(test.change(upTo("pushed")(home))).check(t, audit.Options{Now: clock(test.now)})
			if report.OK() == test.late {
				t.Errorf("late is %v:\n%s", test.late, text(report))
			}
		})
	}
}

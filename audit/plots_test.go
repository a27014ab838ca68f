package audit_test

import (
	"github.com/loquet/loquet/event"
)

var (
	unlocked = event.Observation{Bolt: event.BoltUnlocked}
	ajar     = event.Observation{Contact: event.ContactOpen}
	shut     = event.Observation{Contact: event.ContactClosed}
	locked   = event.Observation{Bolt: event.BoltLocked}
)

// arrival is the way of every plot up to the first parcel.
func arrival(name string, r event.Rules, enrolment []chapter, steps ...event.PermitType) plot {
	p := plot{name: name}.with(chapter{"move in", moveIn(r)}).with(enrolment...)
	return p.with(
		chapter{"way in", wayIn(steps...)},
		chapter{"consent", consent},
		chapter{"book", book},
		chapter{"assign", assign},
		chapter{"approach", approach},
		chapter{"scan one", scan("one")},
		chapter{"scan two", scan("two")},
	)
}

// home: the front door opens once, closes, and is proven locked and shut.
var home = arrival("home", rules, []chapter{{"enrol", enrol(lock)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", door(unlocked)},
	chapter{"pushed", door(ajar)},
	chapter{"deposit", deposit},
	chapter{"pulled", door(shut)},
	chapter{"close", askClose},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// twoDoors: a second door further in takes a tap of its own.
var twoDoors = arrival("two doors", rules, []chapter{{"enrol", enrol(lock)}, {"enrol inner", enrol(inner)}}, event.PermitRemote, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", door(unlocked)},
	chapter{"open inner", tap(1)},
	chapter{"inner done", resolved(event.Done, event.ByAnswer)},
	chapter{"inner unlocked", func(s *story) {
		s.wait(event.Second)
		s.observe(s.doors[1], unlocked)
	}},
	chapter{"close", askClose},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"inner locked", func(s *story) {
		s.wait(event.Second)
		s.observe(s.doors[1], event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed})
	}},
	chapter{"inner secured", secured(1)},
	chapter{"leave", leave(event.EndSecured)},
)

var inner = func() event.Spec {
	spec := lock
	spec.Device = "lock-2"
	return spec
}()

// garage: a door that has no bolt is shut when its contact says so.
var garage = arrival("garage", rules, []chapter{{"enrol", enrol(gate)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"shut", func(s *story) {
		s.wait(event.Second)
		s.observe(s.doors[0], event.Observation{Contact: event.ContactClosed, Origin: event.OriginAnswer, AskedAt: s.now})
	}},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

var gate = event.Spec{Device: "gate-1", Closure: event.Closure{Contact: true}, Grade: event.GradeProven,
	Horizon: 10 * event.Minute, Opens: true, Reads: true}

// code: a one-time code, shown once, used, and forgotten.
var code = arrival("code", rules, []chapter{{"enrol", enrol(keypad)}}, event.PermitCode).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"shown", show},
	chapter{"unlocked", door(unlocked)},
	chapter{"used", resolved(event.Done, event.BySight)},
	chapter{"forget", func(s *story) {
		s.say(event.CodeRemovalAsked{Permit: s.permit.ID, Barrier: s.permit.Barrier, Visit: s.visit})
	}},
	chapter{"forgotten", func(s *story) {
		s.say(event.CodeRemoved{Permit: s.permit.ID, Barrier: s.permit.Barrier, Visit: s.visit, Confirmed: true})
	}},
	chapter{"close", askClose},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

func show(s *story) {
	s.wait(event.Second)
	s.say(event.CodeShown{Permit: s.permit.ID, Visit: s.visit, Key: s.phone.key, Signed: s.sign()})
}

// unprovable: nothing proves the shutter shut; the courier's word ends the visit.
var unprovable = arrival("unprovable", rules, []chapter{{"enrol", enrol(shutter)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"close", askClose},
	chapter{"leave", leave(event.EndUnproven)},
)

// unprovableCode: a box with a keypad that proves nothing; who was shown the code counts as having opened it.
var unprovableCode = arrival("unprovable code", rules, []chapter{{"enrol", enrol(box)}}, event.PermitCode).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"shown", show},
	chapter{"close", askClose},
	chapter{"forget", code.chapters[code.at("forget")].tell},
	chapter{"forgotten", code.chapters[code.at("forgotten")].tell},
	chapter{"leave", leave(event.EndUnproven)},
)

var box = event.Spec{Device: "box-1", Grade: event.GradeReported, Horizon: 10 * event.Minute, Codes: true}

// signs: after a crash nobody knows the outcome; a stored copy shows that something opened, and once the order can
// no longer arrive, the device's answer shows the door shut.
var signs = arrival("signs", rules, []chapter{{"enrol", enrol(lock)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"copy", door(event.Observation{Bolt: event.BoltUnlocked, Origin: event.OriginRetained})},
	chapter{"unknown", func(s *story) { s.wait(20 * event.Second); resolved(event.Unknown, event.ByTime)(s) }},
	chapter{"too late now", func(s *story) { s.now = s.permit.Resolve }},
	chapter{"by signs", resolved(event.Done, event.BySigns)},
	chapter{"locked", func(s *story) {
		s.wait(2 * event.Second)
		s.observe(s.doors[0], event.Observation{Bolt: event.BoltLocked, Origin: event.OriginAnswer, AskedAt: s.now.Add(-event.Second)})
	}},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// alarmed: the door stands open too long, the alarm climbs, and a member comes home and takes over.
var alarmed = arrival("alarmed", rules, []chapter{{"enrol", enrol(lock)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", door(unlocked)},
	chapter{"pushed", door(ajar)},
	chapter{"dwell", func(s *story) { s.now = s.intended().Add(rules.Dwell) }},
	chapter{"alarm", alarm(event.AlarmNotClosed, event.AlarmCourier)},
	chapter{"climb", pass(rules.Climb)},
	chapter{"alarm customer", alarm(event.AlarmNotClosed, event.AlarmCustomer)},
	chapter{"climb on", pass(rules.Climb)},
	chapter{"alarm operator", alarm(event.AlarmNotClosed, event.AlarmOperator)},
	chapter{"claim", func(s *story) {
		s.wait(event.Minute)
		s.say(event.TakeOverAsked{Visit: s.visit, Member: s.member})
	}},
	chapter{"by hand", door(shut)},
	chapter{"taken over", func(s *story) { s.say(event.VisitTakenOver{Visit: s.visit, Member: s.member}) }},
	chapter{"end", func(s *story) { s.end(event.EndTakenOver) }},
)

// acknowledged: the same, with somebody who has the alarm in hand.
var acknowledged = func() plot {
	p := after("alarm", acknowledge("ana"))(alarmed)
	p.chapters[p.at("alarm")+1].name = "acknowledge"
	p = instead("climb", pass(rules.Climb-event.Second))(p)
	p.name = "acknowledged"
	return p
}()

func (s *story) intended() (at event.Instant) {
	for _, e := range s.of(s.site).events {
		if _, ok := e.Body.(event.OpeningIntended); ok {
			at = e.At
		}
	}
	return at
}

// recovery: the bolt is out while the door stands open; it is opened again to be shut.
var recovery = arrival("recovery", rules, []chapter{{"enrol", enrol(lock)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", door(unlocked)},
	chapter{"pushed", door(ajar)},
	chapter{"bolt out", door(locked)},
	chapter{"alarm", alarm(event.AlarmAjar, event.AlarmCourier)},
	chapter{"recover", func(s *story) {
		s.wait(5 * event.Second)
		s.intend(s.doors[0], s.sign(), func(o *event.OpeningIntended) { o.Permit.Recovery = true })
		s.send()
	}},
	chapter{"done again", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked again", door(unlocked)},
	chapter{"calm", func(s *story) { s.say(event.AlarmEnded{Visit: s.visit}) }},
	chapter{"pulled", door(shut)},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// retry: the first order comes to nothing, by the device's own word, and a second one opens.
var retry = arrival("retry", rules, []chapter{{"enrol", enrol(lock)}}, event.PermitRemote).with(
	chapter{"open", open(0)},
	chapter{"not done", resolved(event.NotDone, event.ByAnswer)},
	chapter{"open again", tap(0)},
	chapter{"unknown", func(s *story) { s.wait(20 * event.Second); resolved(event.Unknown, event.ByTime)(s) }},
	chapter{"read", func(s *story) {
		s.wait(event.Minute)
		s.observe(s.doors[0], event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed, Origin: event.OriginAnswer, AskedAt: s.now.Add(-100)})
	}},
	chapter{"never", resolved(event.NotDone, event.ByReading)},
	chapter{"open at last", tap(0)},
	chapter{"seen", func(s *story) { door(unlocked)(s); resolved(event.Done, event.BySight)(s) }},
	chapter{"confirmed", resolved(event.Done, event.ByAnswer)},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
)

// rehearsal: a member who has just worked the door by hand tries the way in.
var rehearsal = plot{name: "rehearsal"}.with(
	chapter{"move in", moveIn(rules)},
	chapter{"enrol", enrol(lock)},
	chapter{"way in", wayIn(event.PermitRemote)},
	chapter{"by hand", func(s *story) {
		s.wait(event.Hour)
		s.foreign(s.doors[0], event.Observation{Bolt: event.BoltUnlocked, Cause: "manual"})
		door(locked)(s)
	}},
	chapter{"rehearse", func(s *story) {
		s.wait(event.Minute)
		s.visit = id[event.VisitID](s, 'v')
		s.say(event.VisitBegun{Visit: s.visit, Member: s.member, AccessPoint: s.place})
	}},
	chapter{"open", func(s *story) {
		s.intend(s.doors[0], event.Signed{}, func(o *event.OpeningIntended) {
			o.Permit.Courier, o.Permit.Key, o.Permit.Member, o.Place = "", "", s.member, event.Place{}
		})
		s.send()
	}},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", door(unlocked)},
	chapter{"locked", door(locked)},
	chapter{"secured", secured(0)},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndSecured}) }},
)

// rehearsedCode: a member tries the keypad.
var rehearsedCode = plot{name: "rehearsed code"}.with(
	chapter{"move in", moveIn(rules)},
	chapter{"enrol", enrol(keypad)},
	chapter{"way in", wayIn(event.PermitCode)},
	chapter{"rehearse", rehearsal.chapters[rehearsal.at("rehearse")].tell},
	chapter{"open", rehearsal.chapters[rehearsal.at("open")].tell},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"shown", func(s *story) { s.say(event.CodeShown{Permit: s.permit.ID, Visit: s.visit}) }},
	chapter{"forget", code.chapters[code.at("forget")].tell},
	chapter{"forgotten", code.chapters[code.at("forgotten")].tell},
	chapter{"read", func(s *story) { s.wait(event.Second); s.observe(s.doors[0], locked) }},
	chapter{"unused", resolved(event.NotDone, event.ByReading)},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened}) }},
)

// foreign is an opening that nobody asked for, and of which the site's people are told.
func (s *story) foreign(b event.BarrierID, o event.Observation) {
	s.observe(b, o)
	seen := s.of(s.site).events
	s.say(event.ForeignOpening{Barrier: b, Observation: seen[len(seen)-1].Body.(event.BarrierObserved).Observation})
}

// lobby: the way in leads through the building's door, which another site lends.
var lobby = plot{name: "lobby"}.with(
	chapter{"building", func(s *story) {
		s.at("tower9", func() {
			moveIn(rules)(s)
			enrol(lock)(s)
		})
	}},
	chapter{"lend", func(s *story) {
		s.at("tower9", func() { s.say(event.LendingAllowed{Barrier: s.doors[0], Borrower: "home1", By: s.byMember()}) })
	}},
	chapter{"move in", moveIn(rules)},
	chapter{"enrol", enrol(inner)},
	chapter{"way in", wayIn(event.PermitRemote, event.PermitRemote)},
	chapter{"consent", consent},
	chapter{"book", book},
	chapter{"assign", assign},
	chapter{"approach", approach},
	chapter{"scan one", scan("one")},
	chapter{"scan two", scan("two")},
	chapter{"ask", func(s *story) {
		s.lease = id[event.LeaseID](s, 'l')
		s.say(event.LeaseAsked{Lease: s.lease, Visit: s.visit, Barrier: s.doors[0], Place: near, Signed: s.asked})
	}},
	chapter{"grant", func(s *story) {
		s.wait(30)
		s.at("tower9", func() { s.say(grant(s)) })
	}},
	chapter{"receive", func(s *story) {
		s.wait(30)
		s.say(event.LeaseReceived{Lease: s.lease, Number: 1, Until: s.now.Add(2 * event.Minute), Spec: lock})
	}},
	chapter{"open", func(s *story) {
		s.intend(s.doors[0], s.asked, func(o *event.OpeningIntended) { o.Permit.Lease, o.Permit.Fence = s.lease, 1 })
		s.send()
	}},
	chapter{"done", resolved(event.Done, event.ByAnswer)},
	chapter{"unlocked", both(unlocked)},
	chapter{"open inner", tap(1)},
	chapter{"inner done", resolved(event.Done, event.ByAnswer)},
	chapter{"inner unlocked", func(s *story) {
		s.wait(event.Second)
		s.observe(s.doors[1], unlocked)
	}},
	chapter{"inner locked", func(s *story) {
		s.wait(event.Second)
		s.observe(s.doors[1], event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed})
	}},
	chapter{"inner secured", secured(1)},
	chapter{"locked", both(event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed})},
	chapter{"secured", secured(0)},
	chapter{"leave", leave(event.EndSecured)},
	chapter{"return", func(s *story) { s.say(event.LeaseReturned{Lease: s.lease, Spent: true}) }},
	chapter{"take back", func(s *story) {
		s.wait(30)
		s.at("tower9", func() { s.say(event.LeaseEnded{Lease: s.lease, Barrier: s.doors[0], Spent: true}) })
	}},
)

// rehearsedLobby: a member who has just worked the inner door by hand tries the whole way, through the building's.
var rehearsedLobby = func() plot {
	tap := func(i int, change func(*story, *event.Permit)) func(*story) {
		return func(s *story) {
			s.wait(event.Second)
			s.intend(s.doors[i], event.Signed{}, func(o *event.OpeningIntended) {
				o.Permit.Courier, o.Permit.Key, o.Permit.Member, o.Place = "", "", s.member, event.Place{}
				change(s, &o.Permit)
			})
			s.send()
		}
	}
	p := without("consent", "book", "assign", "scan one", "scan two")(lobby)
	p = instead("approach", rehearsal.chapters[rehearsal.at("rehearse")].tell)(p)
	p = before("approach", handAt(1))(p)
	p.chapters[p.at("approach")-1].name = "by hand"
	p = instead("ask", func(s *story) {
		s.lease = id[event.LeaseID](s, 'l')
		s.say(event.LeaseAsked{Lease: s.lease, Visit: s.visit, Barrier: s.doors[0]})
	})(p)
	p = instead("open", tap(0, func(s *story, p *event.Permit) { p.Lease, p.Fence = s.lease, 1 }))(p)
	p = instead("open inner", tap(1, func(*story, *event.Permit) {}))(p)
	p = instead("leave", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndSecured}) })(p)
	p.name = "rehearsed lobby"
	return p
}()

// handAt has somebody work a door of the site by hand.
func handAt(i int) func(*story) {
	return func(s *story) {
		s.wait(event.Hour)
		s.foreign(s.doors[i], event.Observation{Bolt: event.BoltUnlocked, Cause: "manual"})
		s.wait(event.Second)
		s.observe(s.doors[i], event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed})
	}
}

func grant(s *story) event.LeaseGranted {
	return event.LeaseGranted{Lease: s.lease, Barrier: s.doors[0], Number: 1, Until: s.now.Add(2 * event.Minute), Spec: lock}
}

// both has the lobby's door say something, to its owner, who forwards it to the borrower.
func both(o event.Observation) func(*story) {
	return func(s *story) {
		s.wait(2 * event.Second)
		visit := s.visit
		s.visit = ""
		s.at("tower9", func() { s.observe(s.doors[0], o) })
		s.visit = visit
		s.observe(s.doors[0], o)
	}
}

// lent: the lender's knowledge comes with the lease. The lobby's contact does not move in the visit, and is not said
// again.
var lent = func() plot {
	p := edit("grant", func(g *event.LeaseGranted) { g.Known = lobbyKnown })(lobby)
	p = instead("receive", func(s *story) {
		s.wait(30)
		s.say(event.LeaseReceived{Lease: s.lease, Number: 1, Until: s.now.Add(2 * event.Minute), Spec: lock, Known: lobbyKnown})
	})(p)
	p = instead("locked", both(locked))(p)
	p.name = "lent with what is known"
	return p
}()

// lobbyKnown is what the tower's journal says of its lobby: enrolled, locked at the end, and its contact never moved.
var lobbyKnown = event.Known{Bolt: event.BoltLocked, BoltAt: clock("09:00:03"), Contact: event.ContactClosed, ContactAt: clock("09:00:01"),
	Reach: event.ReachOnline, ReachedAt: clock("09:00:03")}

// lentAlarmed: the lobby stands open too long, and a member comes home and shuts it.
var lentAlarmed = upTo("unlocked")(lent).with(
	chapter{"pushed", both(ajar)},
	chapter{"dwell", func(s *story) { s.now = s.intended().Add(rules.Dwell) }},
	chapter{"alarm", alarm(event.AlarmNotClosed, event.AlarmOperator)},
	chapter{"claim", func(s *story) {
		s.wait(event.Minute)
		s.say(event.TakeOverAsked{Visit: s.visit, Member: s.member})
	}},
	chapter{"by hand", both(shut)},
	chapter{"taken over", func(s *story) { s.say(event.VisitTakenOver{Visit: s.visit, Member: s.member}) }},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndTakenOver}) }},
)

// planB: nobody consents in time, the neighbour is not at home, and the parcels stay outside as the customer chose.
var planB = plot{name: "plan B"}.with(
	chapter{"move in", moveIn(event.Rules{Dwell: event.Minute, Climb: event.Minute, PlanB: []event.Fallback{neighbour, {Kind: event.FallbackOutside}}})},
	chapter{"enrol", enrol(lock)},
	chapter{"way in", wayIn(event.PermitRemote)},
	chapter{"consent", consent},
	chapter{"book", book},
	chapter{"assign", assign},
	chapter{"approach", approach},
	chapter{"refused", func(s *story) {
		s.say(event.Refused{Asked: event.AskedScan, Code: event.DeviceOffline, Visit: s.visit, By: event.Actor{Kind: event.ActorCourier, ID: string(courier)}, Signed: s.sign()})
	}},
	chapter{"nobody", func(s *story) {
		s.wait(event.Minute)
		s.say(event.PlanBFollowed{Delivery: s.delivery, Fallback: neighbour, Nobody: true, Signed: s.sign()})
	}},
	chapter{"outside", func(s *story) {
		s.wait(event.Minute)
		outside := event.Fallback{Kind: event.FallbackOutside}
		s.say(event.PlanBFollowed{Delivery: s.delivery, Step: 1, Fallback: outside, Signed: s.sign()})
		s.say(event.DeliveryDiverted{Delivery: s.delivery, To: outside})
	}},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened}) }},
)

var neighbour = event.Fallback{Kind: event.FallbackNeighbour, Who: parcel("neighbour")}

// blocked: the customer blocks before the order, and too late for a second delivery.
var blocked = arrival("blocked", rules, []chapter{{"enrol", enrol(lock)}}, event.PermitRemote).with(
	chapter{"block", block(event.BlockWon)},
	chapter{"refused", func(s *story) {
		s.wait(event.Second)
		s.say(event.Refused{Asked: event.AskedOpen, Code: event.Blocked, Visit: s.visit, By: event.Actor{Kind: event.ActorCourier, ID: string(courier)}, Signed: s.sign()})
	}},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened}) }},
)

// tooLate: the block comes after the order to open.
var tooLate = func() plot {
	p := after("done", block(event.BlockTooLate))(home)
	p.chapters[p.at("done")+1].name = "blocked"
	p.name = "blocked too late"
	return p
}()

// asking: the household wants to be asked about its pets.
var asking = func() plot {
	p := instead("move in", moveIn(event.Rules{Dwell: rules.Dwell, Climb: rules.Climb, Watch: true, AskPets: true}))(home)
	p = after("approach", func(s *story) {
		s.say(event.QuestionAsked{Delivery: s.delivery, Question: event.QuestionPets, Round: event.RoundApproach})
		s.say(event.QuestionAnswered{Delivery: s.delivery, Question: event.QuestionPets, Round: event.RoundApproach, Yes: true, By: s.byMember()})
	})(p)
	p.chapters[p.at("approach")+1].name = "asked"
	p.name = "asking"
	return p
}()

// plots keep every law.
var plots = []plot{home, twoDoors, garage, code, unprovable, unprovableCode, signs, alarmed, acknowledged, recovery, retry, rehearsal, rehearsedCode, lobby, rehearsedLobby, lent, lentAlarmed, planB, blocked, tooLate, asking,
	filmed, filmedCode, filmedRehearsal, filmedLobby, unasked, joined, resumed, lost, unkept, undone, shortly, movedOut,
	aloneTrunk, freedHandle, handleByWord, windowPassed, wholeCar, fits, carRehearsal, watchedCar}

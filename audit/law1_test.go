package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

type (
	intended = event.OpeningIntended
	scanned  = event.ParcelScanned
)

func TestLaw1NoOpeningWithoutAReason(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"before the window", home, instead("approach", func(s *story) {
			s.visit = id[event.VisitID](s, 'v')
			s.say(event.VisitBegun{Visit: s.visit, Courier: courier, Key: s.phone.key, AccessPoint: s.place,
				Deliveries: []event.DeliveryID{s.delivery}, Signed: s.sign()})
		}), "outside its window"},
		{"after the window", home, after("approach", func(s *story) { s.now = clock("12:00:00") }), "outside its window"},
		{"no delivery was left: cancelled", home, before("open", func(s *story) {
			s.say(event.DeliveryCancelled{Delivery: s.delivery, By: operator})
		}), "no delivery"},
		{"no delivery was left: expired", home, before("open", func(s *story) {
			s.say(event.DeliveryExpired{Delivery: s.delivery})
		}), "no delivery"},
		{"no delivery was left: given back", home, before("open", func(s *story) {
			s.say(event.CourierUnassigned{Delivery: s.delivery, Courier: courier, By: operator})
		}), "no delivery"},
		{"never booked", home, also(edit("approach", func(v *event.VisitBegun) {
			v.Deliveries = []event.DeliveryID{"home1-d99"}
		}), upTo("open")), "never booked"},
		{"for another access point", home, edit("book", func(d *event.DeliveryBooked) { d.AccessPoint = "home1-a99" }), "it goes to another access point"},
		{"no such visit", home, also(edit("open", func(o *intended) { o.Permit.Visit = "home1-v99" }), upTo("open")), "no visit"},
		{"the visit had ended", home, also(before("open", func(s *story) {
			s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened})
		}), upTo("open")), "had ended"},
		{"a member had taken over", recovery, also(upTo("bolt out"), after("bolt out", func(s *story) {
			s.say(event.TakeOverAsked{Visit: s.visit, Member: s.member})
			door(shut)(s)
			s.say(event.VisitTakenOver{Visit: s.visit, Member: s.member})
			door(ajar)(s)
			s.intend(s.doors[0], s.sign(), func(o *intended) { o.Permit.Recovery = true })
		})), "taken over"},
		{"the members had moved out", home, before("open", func(s *story) { s.say(event.SiteClosed{By: s.byMember()}) }), "moved out"},
		{"deadline that had passed", home, also(edit("open", func(o *intended) { o.Permit.Deadline = clock("10:40:08") }), upTo("open"), unsent), "its deadline is"},
		{"deadline tomorrow", home, edit("open", func(o *intended) {
			o.Permit.Deadline += event.Instant(event.Day)
			o.Permit.Resolve += event.Instant(event.Day)
		}), "its deadline is"},
	})
}

// unsent forgets the log of what was sent.
func unsent(p plot) plot {
	return p.with(chapter{"", func(s *story) { s.sent = nil }})
}

func TestLaw1Consent(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"outside the hours allowed", home, edit("book", func(c *event.DeliveryConsented) {
			c.Allowed = []event.Span{{From: clock("11:00:00"), To: clock("12:00:00")}}
		}), "outside what was allowed"},
		{"taken back for the delivery", home, before("scan two", func(s *story) {
			s.say(event.DeliveryUnconsented{Delivery: s.delivery, By: s.byMember()})
		}), "nobody consented"},
		{"never given", home, edit("book", func(c *event.DeliveryConsented) { c.Delivery = "home1-d99" }), "nobody consented"},
		{"that does not exist", home, edit("book", func(c *event.DeliveryConsented) { c.Consent = "home1-k99" }), "does not exist"},
		{"withdrawn", home, before("scan two", func(s *story) {
			s.say(event.ConsentWithdrawn{Consent: s.consent, By: s.byMember()})
		}), "was withdrawn"},
		{"by an API key", home, edit("consent", func(c *event.ConsentGiven) { c.By = operator }), "who is no member"},
		{"by a member who had left", home, before("consent", func(s *story) {
			s.say(event.MemberLeft{Member: s.member, By: s.byMember()})
		}), "who is no member"},
		{"to one delivery by an API key", home, edit("book", func(c *event.DeliveryConsented) {
			c.Consent, c.By = "", event.Actor{Kind: event.ActorMerchant, ID: "shop"}
		}), "who is no member"},
		{"for another access point", home, edit("consent", func(c *event.ConsentGiven) { c.Consent.AccessPoint = "home1-a99" }), "another access point"},
		{"for another merchant", home, edit("consent", func(c *event.ConsentGiven) {
			c.Consent.Merchants = []event.MerchantID{"other"}
		}), "this merchant"},
		{"for another carrier", home, edit("consent", func(c *event.ConsentGiven) {
			c.Consent.Carriers = []event.CarrierID{"other"}
		}), "this carrier"},
		{"for smaller parcels", home, edit("consent", func(c *event.ConsentGiven) { c.Consent.Largest = event.SizeSmall }), "larger than"},
		{"that had run out", home, edit("consent", func(c *event.ConsentGiven) { c.Consent.Until = clock("10:30:00") }), "had run out"},
		{"pets not shut away", asking, edit("asked", func(a *event.QuestionAnswered) { a.Yes = false }), "pets"},
		{"pets shut away yesterday", asking, edit("asked", func(a *event.QuestionAnswered) { a.Round = event.RoundDayBefore }), "pets"},
		{"pets shut away, says the operator", asking, edit("asked", func(a *event.QuestionAnswered) { a.By = operator }), "pets"},
		{"alarm not said to be off", home, instead("move in", moveIn(event.Rules{Dwell: rules.Dwell, Climb: rules.Climb, Watch: true, AskAlarm: true})), "alarm was off"},
	})
}

// TestLaw1GoesOnAfterAWithdrawal: consent withdrawn after the first opening leaves the courier a way out.
func TestLaw1GoesOnAfterAWithdrawal(t *testing.T) {
	t.Parallel()
	holds(t, before("open inner", func(s *story) {
		s.say(event.ConsentWithdrawn{Consent: s.consent, By: s.byMember()})
	})(twoDoors))
}

func TestLaw1Courier(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"never assigned", home, without("assign"), "no courier was assigned"},
		{"suspended", home, before("open", func(s *story) { s.say(event.CourierSuspended{Courier: courier, By: operator}) }), "suspended"},
		{"no longer the delivery's", home, before("open", func(s *story) { s.assignTo("courier-8", otherPhone) }), "not assigned to this courier"},
		{"forged: another courier", home, edit("open", func(o *intended) { o.Permit.Courier = "courier-8" }), "courier-8"},
		{"forged: another device key", home, edit("open", func(o *intended) { o.Permit.Key = otherPhone.key }), "another device key"},
		{"forged: another public key", home, edit("assign", func(c *event.CourierAssigned) { c.PublicKey = otherPhone.jwk }), "not by this device's key"},
		{"public key that is none", home, edit("assign", func(c *event.CourierAssigned) { c.PublicKey = "{" }), "can't be read"},
		{"signed by another phone", home, edit("open", func(o *intended) { o.Signed = otherPhone.once(clock("10:40:13")) }), "another key"},
		{"forged: signature", home, edit("open", func(o *intended) {
			o.Signed.JWS = o.Signed.JWS[:len(o.Signed.JWS)-8] + "AAAAAAAA"
		}), "not by this device's key"},
		{"not signed", home, edit("open", func(o *intended) { o.Signed = event.Signed{} }), "another key"},
		{"another name than the proof's", home, edit("open", func(o *intended) { o.Signed.ID = "request-of-nobody" }), "something else"},
		{"signed an hour ago", home, edit("open", func(o *intended) { o.Signed = courierPhone.once(clock("09:40:00")) }), "the request was made at"},
		{"signed in the future", home, edit("open", func(o *intended) { o.Signed = courierPhone.once(clock("11:40:00")) }), "the request was made at"},
		{"proof of an earlier scan", home, instead("open", func(s *story) {
			s.intend(s.doors[0], signedScan(s), func(*intended) {})
		}), "had been used"},
		{"proof that was refused", home, also(before("scan two", func(s *story) {
			s.wait(event.Second)
			s.say(event.Refused{Asked: event.AskedOpen, Code: event.ParcelsLeft, Visit: s.visit, Signed: s.sign()})
		}), instead("open", func(s *story) {
			s.intend(s.doors[0], refusedRequest(s), func(*intended) {})
		})), "had been used"},
		{"proof of the same kind twice at once", twoDoors, instead("open inner", func(s *story) {
			s.intend(s.doors[1], s.asked, func(*intended) {})
		}), "had been used"},
	})
}

func signedScan(s *story) event.Signed {
	for _, e := range s.of(s.site).events {
		if b, ok := e.Body.(scanned); ok {
			return b.Signed
		}
	}
	return event.Signed{}
}

func refusedRequest(s *story) event.Signed {
	for _, e := range s.of(s.site).events {
		if b, ok := e.Body.(event.Refused); ok {
			return b.Signed
		}
	}
	return event.Signed{}
}

func TestLaw1Parcels(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"one neither scanned nor missing", home, instead("scan two", func(s *story) {
			s.wait(4 * event.Second)
			s.sign()
		}), "neither scanned nor missing"},
		{"all missing", home, also(instead("scan one", missing("one")), instead("scan two", missing("two")), upTo("open")), "none of its parcels"},
		{"scanned in an earlier visit", home, after("scan two", func(s *story) {
			s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened})
			approach(s)
		}), "none of its parcels was scanned in this visit"},
		{"scanned by another phone", home, edit("scan one", func(p *scanned) { p.Signed = otherPhone.once(clock("10:40:04")) }), "scanned by another device"},
		{"a forged scan", home, edit("scan one", func(p *scanned) {
			p.Signed.JWS = p.Signed.JWS[:len(p.Signed.JWS)-8] + "AAAAAAAA"
		}), "a scan:"},
		{"a replayed scan", home, instead("scan two", func(s *story) {
			s.wait(4 * event.Second)
			s.say(scanned{Visit: s.visit, Delivery: s.delivery, Parcel: parcel("two"), Signed: signedScan(s)})
			s.sign()
		}), "proof of a scan"},
		{"too far away", home, edit("open", func(o *intended) { o.Place.Distance = 51 }), "51 m away"},
		{"position too vague", home, edit("open", func(o *intended) { o.Place.Accuracy = 51 }), "good to 51 m only"},
		{"position too old", home, edit("open", func(o *intended) { o.Place.Age = 31 * event.Second }), "31s old"},
		{"no position", home, edit("open", func(o *intended) { o.Place = event.Place{} }), "without a position"},
	})
}

// TestLaw1OneMissingIsNotAll: what is left is still a reason.
func TestLaw1OneMissingIsNotAll(t *testing.T) {
	t.Parallel()
	holds(t, instead("scan two", missing("two"))(home))
}

func missing(name string) func(*story) {
	return func(s *story) {
		s.wait(4 * event.Second)
		s.say(event.ParcelMissing{Visit: s.visit, Delivery: s.delivery, Parcel: parcel(name), Signed: s.sign()})
	}
}

func TestLaw1Barrier(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"device offline", home, edit("open", func(o *intended) { o.Ready.Reach = event.ReachOffline }), "online"},
		{"never enrolled at all", home, also(upTo("scan two"), after("scan two", func(s *story) {
			s.intend("home1-b99", s.asked, func(*intended) {})
		})), "not known here"},
		{"another barrier was ready", home, edit("open", func(o *intended) { o.Ready.Barrier = "home1-b99" }), "online"},
		{"another device than enrolled", home, instead("open", func(s *story) {
			s.intend(s.doors[0], s.asked, func(o *intended) { o.Permit.Device = "lock-9" })
			s.send()
		}), "lock-9"},
		{"a device that does not open", home, edit("enrol", func(b *event.BarrierReserved) { b.Spec.Opens = false }), "does not open"},
		{"never worked by hand", home, edit("enrol", func(e *event.BarrierEnrolled) { e.Barrier = "home1-b99" }), "by hand"},
		{"retired", home, before("open", func(s *story) { s.say(event.BarrierRetired{Barrier: s.doors[0], By: s.byMember()}) }), "retired"},
		{"access point retired", home, before("open", func(s *story) {
			s.say(event.AccessPointRetired{AccessPoint: s.place, By: s.byMember()})
		}), "retired"},
		{"inner door before the outer", twoDoors, also(without("open", "done", "unlocked"), upTo("inner done")), "stands before it"},
		{"inner door while the outer is unknown", twoDoors, also(without("done", "unlocked"), upTo("inner done")), "stands before it"},
		{"not on the way in", home, also(edit("way in", func(a *event.AccessPointAdded) { a.WayIn[0].Barrier = "home1-b99" }), upTo("done")), "not on the way"},
		{"by a code, where it is opened remotely", home, edit("way in", func(a *event.AccessPointAdded) { a.WayIn[0].By = event.PermitCode }), `not by "remote"`},
		{"held by another visit", home, also(upTo("unlocked"), after("unlocked", func(s *story) {
			alarm(event.AlarmNotClosed, event.AlarmOperator)(s)
			s.visit = ""
			book(s)
			assign(s)
			approach(s)
			scan("one")(s)
			scan("two")(s)
			open(0)(s)
		})), "and not ended"},
		{"recovery by a code", recovery, also(upTo("alarm"), after("alarm", func(s *story) {
			s.wait(5 * event.Second)
			s.intend(s.doors[0], s.sign(), func(o *intended) { o.Permit.Recovery, o.Permit.Type = true, event.PermitCode })
		})), "a code can't recover"},
		{"recovery of a door that is not ajar", recovery, without("bolt out"), "stood ajar"},
		{"recovery of what was not opened", recovery, also(without("open", "done", "unlocked"), upTo("recover"), instead("pushed", func(s *story) {
			s.foreign(s.doors[0], ajar)
		})), "had not opened"},
	})
}

func TestLaw1Enrolment(t *testing.T) {
	t.Parallel()
	both := event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed}
	says := func(said ...event.Observation) change {
		return also(upTo("enrol"), instead("enrol", func(s *story) {
			b := id[event.BarrierID](s, 'b')
			s.specs[b] = lock
			s.say(event.BarrierReserved{Barrier: b, Is: event.FrontDoor, Spec: lock, By: s.byMember()})
			for _, o := range said {
				s.wait(event.Second)
				s.observe(b, o)
			}
			s.say(event.BarrierEnrolled{Barrier: b})
		}))
	}
	find(t, 1, []plant{
		{"never worked", home, says(both), "nobody had opened it by hand"},
		{"never heard of", home, says(), "nobody had opened it by hand"},
		{"open by its first word", home, says(unlocked, both), "nobody had opened it by hand"},
		{"opened by a motor", home, says(both, event.Observation{Bolt: event.BoltUnlocked, Cause: "remote"}, locked), "nobody had opened it by hand"},
		{"opened by an answer", home, says(both, event.Observation{Bolt: event.BoltUnlocked, Origin: event.OriginAnswer, AskedAt: clock("09:00:01")}, locked), "nobody had"},
		{"opened from a stored copy", home, says(event.Observation{Bolt: event.BoltLocked, Origin: event.OriginRetained}, unlocked, both), "nobody had"},
		{"opened by a stored copy", home, says(both, event.Observation{Bolt: event.BoltUnlocked, Origin: event.OriginCached}, locked), "nobody had"},
		{"only ever shut", home, says(event.Observation{Contact: event.ContactClosed}, both, ajar), "not shut again"},
		{"not shut again", home, says(both, unlocked), "not shut again"},
		{"shut again by a stored copy", home, says(both, unlocked, event.Observation{Bolt: event.BoltLocked, Origin: event.OriginRetained}), "not shut again"},
		{"before it was reserved", home, also(upTo("enrol"), edit("enrol", func(r *event.BarrierReserved) {}), before("enrol", func(s *story) {
			s.say(event.BarrierEnrolled{Barrier: "home1-b9"})
		})), "had not been reserved"},
	})
	holds(t, says(both, unlocked, ajar, shut, locked)(home))
}

func TestLaw1Rehearsal(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"by nobody who is there", rehearsal, instead("by hand", pass(event.Hour)), "worked by hand"},
		{"an hour after", rehearsal, after("by hand", pass(event.Hour)), "worked by hand"},
		{"shown by a stored copy only", rehearsal, instead("by hand", func(s *story) {
			s.wait(event.Hour)
			s.foreign(s.doors[0], event.Observation{Bolt: event.BoltUnlocked, Origin: event.OriginRetained})
			door(event.Observation{Bolt: event.BoltLocked, Origin: event.OriginRetained})(s)
		}), "worked by hand"},
		{"shown by an answer only", rehearsal, instead("by hand", func(s *story) {
			s.wait(event.Hour)
			s.foreign(s.doors[0], event.Observation{Bolt: event.BoltUnlocked, Origin: event.OriginAnswer, AskedAt: s.now})
			s.wait(event.Second)
			s.observe(s.doors[0], event.Observation{Bolt: event.BoltLocked, Origin: event.OriginAnswer, AskedAt: s.now})
		}), "worked by hand"},
		{"by who went through the lobby", rehearsedLobby, instead("by hand", func(s *story) {
			s.at("tower9", func() { handAt(0)(s) })
		}), "worked by hand"},
		{"by somebody who left", rehearsal, before("rehearse", func(s *story) {
			s.say(event.MemberLeft{Member: s.member, By: operator})
		}), "did not belong"},
		{"for another member", rehearsal, edit("open", func(o *intended) { o.Permit.Member = "home1-m9" }), "it names the member"},
		{"code shown to somebody who left", rehearsedCode, before("shown", func(s *story) {
			s.say(event.MemberLeft{Member: s.member, By: operator})
		}), "did not belong"},
		{"that recovers", rehearsal, also(upTo("unlocked"), after("unlocked", func(s *story) {
			door(ajar)(s)
			door(locked)(s)
			s.intend(s.doors[0], event.Signed{}, func(o *intended) {
				o.Permit.Courier, o.Permit.Key, o.Permit.Member, o.Place, o.Permit.Recovery = "", "", s.member, event.Place{}, true
			})
		})), "does not recover"},
		{"for a courier", rehearsal, edit("open", func(o *intended) { o.Permit.Courier = courier }), "neither courier"},
	})
}

func TestLaw1Code(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"shown after the window", code, also(
			edit("book", func(d *event.DeliveryBooked) { d.Window.To = clock("10:40:10") }), upTo("shown")), "outside its window"},
		{"shown to a suspended courier", code, before("shown", func(s *story) {
			s.say(event.CourierSuspended{Courier: courier, By: operator})
		}), "suspended"},
		{"shown for an unsigned request", code, edit("shown", func(c *event.CodeShown) { c.Signed = event.Signed{} }), "another key"},
		{"shown for a request of long ago", code, edit("shown", func(c *event.CodeShown) { c.Signed = courierPhone.once(clock("10:00:00")) }), "was made at"},
		{"shown for a replayed request", code, edit("shown", func(c *event.CodeShown) { c.Signed = courierPhone.ofStory().sign(clock("10:30:00")) }), "had been used"},
		{"that was never intended", code, also(edit("shown", func(c *event.CodeShown) { c.Permit = "home1-p99" }), upTo("shown")), "no such code"},
	})
}

func TestLaw1Lease(t *testing.T) {
	t.Parallel()
	find(t, 1, []plant{
		{"without a grant", lobby, also(without("grant"), upTo("open")), "no grant"},
		{"with no journal of the lender", lent, after("take back", func(s *story) { s.journals = s.journals[1:] }), "no grant"},
		{"another fencing number", lobby, edit("open", func(o *intended) { o.Permit.Fence = 2 }), "its fencing number is 2"},
		{"a number that the lender never gave", lobby, also(
			edit("receive", func(r *event.LeaseReceived) { r.Number = 2 }),
			edit("open", func(o *intended) { o.Permit.Fence = 2 })), "no grant of home1-l18 with the fencing number 2"},
		{"another device than the lender's", lobby, also(
			edit("receive", func(r *event.LeaseReceived) { r.Spec.Horizon = event.Hour })), "another device"},
		{"never received", lobby, also(without("receive"), upTo("open")), "no lease of it was received"},
		{"asked for another visit", lobby, edit("ask", func(a *event.LeaseAsked) { a.Visit = "home1-v99" }), "not asked for this"},
		{"returned before", lobby, also(before("open", func(s *story) { s.say(event.LeaseReturned{Lease: s.lease}) }), upTo("open")), "had been returned"},
		{"spent before", lobby, also(upTo("open"), after("open", func(s *story) {
			resolved(event.NotDone, event.ByAnswer)(s)
			s.intend(s.doors[0], s.sign(), func(o *intended) { o.Permit.Lease, o.Permit.Fence = s.lease, 1 })
		})), "had been spent"},
		{"never allowed by the lender", lobby, without("lend"), "no member had allowed"},
		{"allowed by an API key", lobby, edit("lend", func(a *event.LendingAllowed) { a.By = operator }), "no member had allowed"},
		{"to another site than allowed", lobby, edit("lend", func(a *event.LendingAllowed) { a.Borrower = "home2" }), "no member had allowed"},
		{"fencing number that does not rise", lobby, after("take back", func(s *story) {
			s.at("tower9", func() {
				g := grant(s)
				g.Lease = "home1-l99"
				s.say(g)
			})
		}), "not above the last"},
		{"a barrier of the lender that nobody had worked by hand", lobby, edit("building", func(b *event.BarrierEnrolled) { b.Barrier = "tower9-b99" }), "by hand"},
		{"a barrier of the lender that was retired", lobby, before("grant", func(s *story) {
			s.at("tower9", func() { s.say(event.BarrierRetired{Barrier: s.doors[0], By: s.byMember()}) })
		}), "was retired"},
		{"by a lender that had moved out", lobby, before("grant", func(s *story) {
			s.at("tower9", func() { s.say(event.SiteClosed{By: s.byMember()}) })
		}), "moved out"},
		{"another barrier than the lender's grant names", lobby, also(edit("grant", func(g *event.LeaseGranted) { g.Barrier = "tower9-b99" }), upTo("open")), "the lender granted tower9-b99"},
		{"a barrier that nothing proves shut, and its owner had not accepted", lobby, also(
			edit("building", func(b *event.BarrierReserved) { b.Spec.Closure = event.Closure{} }),
			edit("grant", func(g *event.LeaseGranted) { g.Spec.Closure = event.Closure{} }),
			edit("receive", func(r *event.LeaseReceived) { r.Spec.Closure = event.Closure{} }), upTo("open")), "had not accepted"},
		{"lent as another device", lobby, also(edit("grant", func(g *event.LeaseGranted) { g.Spec.Device = "lock-9" })), "something else than was enrolled"},
	})
}

// TestLaw1KnowsClocks: a phone's clock may be a minute off, and more where the nodes' clocks differ too.
func TestLaw1KnowsClocks(t *testing.T) {
	t.Parallel()
	for apart, skew := range map[event.Millis]event.Millis{
		-60 * event.Second: 0, 60 * event.Second: 0, -66 * event.Second: event.Second * 2, 66 * event.Second: event.Second * 2,
	} {
		off := edit("open", func(o *intended) { o.Signed = courierPhone.once(clock("10:40:08").Add(apart)) })(home)
		if report := tell(off).check(t, audit.Options{Skew: skew}); !report.OK() {
			t.Errorf("%s apart:\n%s", apart.Duration(), text(report))
		}
	}
}

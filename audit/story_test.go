package audit_test

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/loquet/loquet/event"
)

const courier event.CourierID = "courier-7"

var (
	lock = event.Spec{Device: "lock-1", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported,
		Horizon: 10 * event.Minute, Lateness: 30 * event.Second, Opens: true, Secures: true, Reads: true}
	keypad  = event.Spec{Device: "keypad-1", Closure: event.Closure{Bolt: true}, Grade: event.GradeReported, Horizon: 10 * event.Minute, Codes: true}
	shutter = event.Spec{Device: "shutter-1", Grade: event.GradeReported, Horizon: 10 * event.Minute, Lateness: event.UnboundedLateness, Opens: true}

	window = event.Span{From: clock("10:00:00"), To: clock("12:00:00")}
	near   = event.Place{Distance: 12, Accuracy: 8, Age: 900}
	rules  = event.Rules{Dwell: 5 * event.Minute, Climb: event.Minute, Watch: true}
)

func parcel(name string) event.Commitment {
	sum := sha256.Sum256([]byte(name))
	return event.Commitment(hex.EncodeToString(sum[:]))
}

// moveIn opens the site, with one member and its rules.
func moveIn(r event.Rules) func(*story) {
	return func(s *story) {
		s.say(event.SiteOpened{Zone: "Europe/Paris"})
		s.member = id[event.MemberID](s, 'm')
		s.say(event.MemberJoined{Member: s.member, By: operator})
		s.say(event.RulesSet{Rules: r, By: s.byMember()})
	}
}

// enrol reserves a barrier, has it worked by hand, and leaves it shut.
func enrol(spec event.Spec) func(*story) {
	return func(s *story) {
		b := id[event.BarrierID](s, 'b')
		s.doors = append(s.doors, b)
		s.specs[b] = spec
		s.say(event.BarrierReserved{Barrier: b, Is: event.FrontDoor, Spec: spec, AcceptUnprovable: !spec.Closure.Provable(), By: s.byMember()})
		first, moved, last := event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed}, unlocked, locked
		if !spec.Closure.Bolt {
			first, moved, last = shut, ajar, shut
		}
		for _, o := range []event.Observation{first, moved, last} {
			s.wait(event.Second)
			s.observe(b, o)
		}
		s.say(event.BarrierEnrolled{Barrier: b, Seen: event.Observation{Device: spec.Device, Bolt: event.BoltLocked, ReceivedAt: s.now, Origin: event.OriginLive}})
	}
}

// observe has a barrier's device say something by itself, unless an origin is given.
func (s *story) observe(b event.BarrierID, o event.Observation) {
	o.Device, o.ReceivedAt = s.specs[b].Device, s.now
	if o.Origin == "" {
		o.Origin = event.OriginLive
	}
	s.say(event.BarrierObserved{Barrier: b, Visit: s.visit, Observation: o})
}

// observeAt has a device say something by itself that was received earlier, and reaches the journal now.
func (s *story) observeAt(b event.BarrierID, o event.Observation, received event.Instant) {
	o.Device, o.ReceivedAt, o.Origin = s.specs[b].Device, received, event.OriginLive
	s.say(event.BarrierObserved{Barrier: b, Visit: s.visit, Observation: o})
}

// door has the first door's device say something.
func door(o event.Observation) func(*story) {
	return func(s *story) {
		s.wait(3 * event.Second)
		s.observe(s.doors[0], o)
	}
}

func wayIn(steps ...event.PermitType) func(*story) {
	return func(s *story) {
		var way []event.BarrierRef
		for i, by := range steps {
			way = append(way, event.BarrierRef{Barrier: s.doors[i], By: by})
		}
		s.place = id[event.AccessPointID](s, 'a')
		s.say(event.AccessPointAdded{AccessPoint: s.place, WayIn: way, Radius: 50, By: s.byMember()})
	}
}

func consent(s *story) {
	s.consent = id[event.ConsentID](s, 'k')
	s.say(event.ConsentGiven{By: s.byMember(), Consent: event.Consent{ID: s.consent, AccessPoint: s.place, Merchants: []event.MerchantID{"shop"},
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5}, From: 600, To: 720}}, Largest: event.SizeMedium}})
}

func book(s *story) {
	s.delivery = id[event.DeliveryID](s, 'd')
	s.say(event.DeliveryBooked{Delivery: s.delivery, Merchant: "shop", Carrier: "carrier", Window: window, AccessPoint: s.place,
		Parcels: []event.Parcel{{Code: parcel("one"), Size: event.SizeSmall}, {Code: parcel("two"), Size: event.SizeMedium}}})
	s.say(event.DeliveryConsented{Delivery: s.delivery, Consent: s.consent, Allowed: []event.Span{window}, By: event.Actor{Kind: event.ActorSystem}})
}

func assign(s *story) { s.assignTo(courier, s.phone) }

func (s *story) assignTo(c event.CourierID, p *phone) {
	s.say(event.CourierAssigned{Delivery: s.delivery, Courier: c, Key: p.key, PublicKey: p.jwk, By: operator})
}

func approach(s *story) {
	s.now = max(s.now, clock("10:30:00"))
	s.visit = id[event.VisitID](s, 'v')
	s.say(event.VisitBegun{Visit: s.visit, Courier: courier, Key: s.phone.key, AccessPoint: s.place, Deliveries: []event.DeliveryID{s.delivery},
		ETA: s.now.Add(10 * event.Minute), Signed: s.sign()})
	s.wait(10 * event.Minute)
}

// scan reads a parcel's label, with a request of its own.
func scan(name string) func(*story) {
	return func(s *story) {
		s.wait(4 * event.Second)
		signed := s.sign()
		if name == "one" {
			s.say(event.VisitArrived{Visit: s.visit, Place: near, Signed: signed})
		}
		s.say(event.ParcelScanned{Visit: s.visit, Delivery: s.delivery, Parcel: parcel(name), Signed: signed})
	}
}

// open intends to open a door by the last request, and sends the command.
func open(i int) func(*story) {
	return func(s *story) {
		s.intend(s.doors[i], s.asked, func(*event.OpeningIntended) {})
		s.send()
	}
}

// tap is a signed request of its own to open a door.
func tap(i int) func(*story) {
	return func(s *story) {
		s.wait(5 * event.Second)
		s.sign()
		open(i)(s)
	}
}

func (s *story) intend(b event.BarrierID, signed event.Signed, change func(*event.OpeningIntended)) {
	spec := s.specs[b]
	p := event.Permit{ID: id[event.PermitID](s, 'p'), Type: event.PermitRemote, Visit: s.visit, Barrier: b, Device: spec.Device,
		Courier: courier, Key: s.phone.key, Deadline: s.now.Add(20 * event.Second)}
	if spec.Codes {
		p.Type, p.Deadline = event.PermitCode, s.now.Add(10*event.Minute)
	}
	if spec.Lateness != event.UnboundedLateness {
		p.Resolve = p.Deadline.Add(spec.Lateness)
	}
	o := event.OpeningIntended{Permit: p, Place: near, Ready: event.Readiness{Barrier: b, Reach: event.ReachOnline}, Signed: signed}
	if s.film.Visit == s.visit {
		o.Picture = s.picture()
	}
	change(&o)
	s.permit = o.Permit
	s.say(o)
}

// send writes the line of the last permit's command.
func (s *story) send() { s.sendAt(s.now.Add(40)) }

func (s *story) sendAt(at event.Instant) {
	act := event.ActOpen
	if s.permit.Type == event.PermitCode {
		act = event.ActSetCode
	}
	s.sent = append(s.sent, event.Sent{At: at, Device: s.permit.Device, Act: act, Permit: s.permit.ID})
}

func resolved(o event.Outcome, by event.Resolution) func(*story) {
	return func(s *story) {
		s.wait(event.Second)
		s.say(event.OpeningResolved{Permit: s.permit.ID, Barrier: s.permit.Barrier, Visit: s.visit, Outcome: o, By: by})
	}
}

// secured calls a door secured, with the times at which its device last spoke.
func secured(i int) func(*story) {
	return func(s *story) {
		b := s.doors[i]
		e := event.BarrierSecured{Barrier: b, Visit: s.visit, Grade: s.specs[b].Grade}
		for _, x := range s.of(s.site).events {
			switch seen := x.Body.(type) {
			case event.BarrierObserved:
				if seen.Barrier == b {
					s.remember(&e, seen.Observation)
				}
			case event.LeaseReceived:
				if event.SiteOf(b) != s.site {
					e.BoltAt, e.ContactAt, e.ReachedAt = seen.Known.BoltAt, seen.Known.ContactAt, seen.Known.ReachedAt
				}
			}
		}
		s.say(e)
	}
}

func (s *story) remember(e *event.BarrierSecured, o event.Observation) {
	c, at := s.specs[e.Barrier].Closure, o.ReceivedAt
	if o.Origin == event.OriginAnswer {
		at = o.AskedAt
	}
	if o.Origin == event.OriginRetained {
		return
	}
	if c.Bolt && o.Bolt != "" {
		e.BoltAt = at
	}
	if c.Contact && o.Contact != "" {
		e.ContactAt = at
	}
	e.ReachedAt = max(e.ReachedAt, at)
}

func deposit(s *story) {
	s.wait(20 * event.Second)
	s.say(event.DepositRecorded{Visit: s.visit, Photo: parcel("photo"), Signed: s.sign()})
}

func askClose(s *story) {
	s.wait(event.Second)
	s.say(event.CloseAsked{Visit: s.visit, Signed: s.sign()})
}

// leave releases the courier and ends the visit, with its delivery delivered.
func leave(how event.VisitEnd) func(*story) {
	return func(s *story) {
		s.wait(2 * event.Second)
		s.say(event.CourierReleased{Visit: s.visit, Signed: s.sign()})
		s.end(how)
	}
}

func (s *story) end(how event.VisitEnd) {
	s.say(event.DeliveryDelivered{Delivery: s.delivery, Visit: s.visit, How: how, Confirmed: true})
	s.say(event.VisitEnded{Visit: s.visit, How: how})
	s.visit = ""
}

func block(v event.BlockVerdict) func(*story) {
	return func(s *story) {
		s.wait(event.Second)
		b := event.BlockAnswered{Delivery: s.delivery, Visit: s.visit, Verdict: v, By: s.byMember()}
		for _, e := range s.of(s.site).events {
			if _, ok := e.Body.(event.OpeningIntended); ok && v != event.BlockWon {
				b.IntendedAt = e.At
			}
		}
		s.say(b)
	}
}

func alarm(r event.AlarmReason, level event.AlarmLevel) func(*story) {
	return func(s *story) {
		s.say(event.AlarmRaised{Visit: s.visit, Barrier: s.doors[0], Reason: r, Level: level})
	}
}

func pass(d event.Millis) func(*story) { return func(s *story) { s.wait(d) } }

package site

import (
	"github.com/loquet/loquet/event"
)

// Rules when the site chose none: five minutes for the parcel, a minute for each level of an alarm.
const (
	defaultDwell = 5 * event.Minute
	defaultClimb = event.Minute
)

// Limits of rules and access points.
const (
	leastDwell, mostDwell   = event.Second, event.Hour
	leastRadius, mostRadius = 10, 1000 // metres
	mostWayIn               = 8
	mostPlanB               = 8
)

// OpenSite begins a journal.
type OpenSite struct{ Zone string }

func (r OpenSite) decide(t *turn) error {
	if err := t.allow(event.ActorMerchant, event.ActorOperator, event.ActorSystem); err != nil {
		return err
	}
	if t.Seq > 0 {
		return notNow("the site is there already")
	}
	if r.Zone == "" {
		return Invalid{"zone", "name the time zone, such as Europe/Paris"}
	}
	t.say(event.SiteOpened{Zone: r.Zone})
	return nil
}

// CloseSite: the members move out; everything is revoked. Not while something is open.
type CloseSite struct{}

func (CloseSite) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	for _, v := range t.Visits {
		if v.intended() {
			return notNow("a visit has opened something; it must be secured first")
		}
	}
	for _, b := range t.Barriers {
		if b.Lent.Lease != "" {
			return notNow("a barrier is lent to another site's visit")
		}
	}
	for _, l := range t.Leases {
		t.say(event.LeaseReturned{Lease: l.ID, Barrier: l.Barrier, Spent: l.Spent})
	}
	for _, v := range t.Visits {
		t.say(event.VisitEnded{Visit: v.ID, How: event.EndUnopened})
		t.endFilming(v)
	}
	for _, d := range t.Deliveries {
		t.say(event.DeliveryCancelled{Delivery: d.ID, By: t.facts.Actor})
	}
	for _, c := range t.Clips {
		if !c.Erasing {
			t.say(event.ClipErasureAsked{Clip: c.ID, Why: event.EraseMovedOut, By: t.facts.Actor})
		}
	}
	t.say(event.SiteClosed{By: t.facts.Actor})
	return nil
}

// AddMember lets a person decide at the site. The first is added by the operator, the others by a member.
type AddMember struct{}

func (AddMember) decide(t *turn) error {
	if len(t.Members) > 0 {
		if _, err := t.member(); err != nil {
			return err
		}
	} else if err := t.allow(event.ActorOperator, event.ActorMerchant, event.ActorSystem); err != nil {
		return err
	}
	t.say(event.MemberJoined{Member: newID[event.MemberID](t, 'm'), By: t.facts.Actor})
	return nil
}

// RemoveMember ends a person's say. The last one moves out instead.
type RemoveMember struct{ Member event.MemberID }

func (r RemoveMember) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if _, ok := find(t.Members, r.Member); !ok {
		return unknown("member", string(r.Member))
	}
	if len(t.Members) == 1 {
		return notNow("the last member moves out by closing the site")
	}
	t.say(event.MemberLeft{Member: r.Member, By: t.facts.Actor})
	return nil
}

// SetRules replaces the site's rules.
type SetRules struct{ Rules event.Rules }

func (r SetRules) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if err := t.checkRules(r.Rules); err != nil {
		return err
	}
	t.say(event.RulesSet{Rules: r.Rules, By: t.facts.Actor})
	return nil
}

func (t *turn) checkRules(r event.Rules) error {
	if r.Dwell < leastDwell || r.Dwell > mostDwell {
		return Invalid{"dwell", "from 1 second to 1 hour"}
	}
	if r.Climb < leastDwell || r.Climb > mostDwell {
		return Invalid{"climb", "from 1 second to 1 hour"}
	}
	if r.KeepClips != 0 && (r.KeepClips < leastKeepClips || r.KeepClips > mostKeepClips) {
		return Invalid{"keepClips", "from 1 hour to 30 days"}
	}
	if len(r.PlanB) > mostPlanB {
		return Invalid{"planB", "at most 8 steps"}
	}
	for _, f := range r.PlanB {
		if err := t.checkFallback(f); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) checkFallback(f event.Fallback) error {
	switch f.Kind {
	case event.FallbackReference, event.FallbackOutside, event.FallbackDepot:
		return nil
	case event.FallbackNeighbour:
		if f.Who == "" {
			return Invalid{"planB.who", "say which neighbour"}
		}
		return nil
	case event.FallbackAccessPoint:
		if _, ok := find(t.AccessPoints, f.AccessPoint); !ok {
			return Invalid{"planB.accessPoint", "no such access point at this site"}
		}
		return nil
	}
	return Invalid{"planB.kind", "one of access-point, neighbour, reference, outside, depot"}
}

// ReserveBarrier begins the enrolment of a barrier: its device waits to be worked by hand.
type ReserveBarrier struct {
	Is               event.BarrierKind
	Spec             event.Spec
	AcceptUnprovable bool
}

func (r ReserveBarrier) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if err := checkSpec(r.Spec); err != nil {
		return err
	}
	if err := checkVehicle(r.Is, r.Spec); err != nil {
		return err
	}
	if !r.Spec.Closure.Provable() && !r.AcceptUnprovable {
		return Invalid{"acceptUnprovable", "nothing can prove this barrier shut; its owner must accept that"}
	}
	for _, b := range t.Barriers {
		if b.Spec.Device == r.Spec.Device && b.Borrowed == "" {
			return notNow("that device stands at this site already")
		}
	}
	t.say(event.BarrierReserved{Barrier: newID[event.BarrierID](t, 'b'), Is: r.Is, Spec: r.Spec,
		AcceptUnprovable: r.AcceptUnprovable && !r.Spec.Closure.Provable(), By: t.facts.Actor})
	return nil
}

func checkSpec(s event.Spec) error {
	if s.Device == "" {
		return Invalid{"device", "name the device"}
	}
	if s.Horizon < event.Second || s.Horizon > event.Day {
		return Invalid{"horizon", "from 1 second to 1 day"}
	}
	if s.Lateness < event.UnboundedLateness || s.Lateness > event.Day {
		return Invalid{"lateness", "from 0 to 1 day, or -1 for unbounded"}
	}
	if !s.Opens && !s.Codes {
		return Invalid{"device", "it takes neither a command to open nor a one-time code"}
	}
	return nil
}

// RetireBarrier takes a barrier away. A way in that leads through it stays, and is refused as not ready.
type RetireBarrier struct{ Barrier event.BarrierID }

func (r RetireBarrier) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	b, ok := find(t.Barriers, r.Barrier)
	if !ok || b.Borrowed != "" {
		return unknown("barrier", string(r.Barrier))
	}
	if b.held() {
		return notNow("a visit holds the barrier")
	}
	t.say(event.BarrierRetired{Barrier: r.Barrier, By: t.facts.Actor})
	return nil
}

// AddAccessPoint names a place and its way in, from the street inwards; of a car, with its terms.
type AddAccessPoint struct {
	WayIn  []event.BarrierRef
	Radius int
	// Vehicle.Within of 0 stands for 300 metres.
	Vehicle event.VehicleTerms
}

func (r AddAccessPoint) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if len(r.WayIn) == 0 || len(r.WayIn) > mostWayIn {
		return Invalid{"wayIn", "from 1 to 8 barriers"}
	}
	if r.Radius < leastRadius || r.Radius > mostRadius {
		return Invalid{"radius", "from 10 to 1000 metres"}
	}
	if err := t.checkWayIn(r.WayIn); err != nil {
		return err
	}
	if r.Vehicle.Reveals != "" && r.Vehicle.Within == 0 {
		r.Vehicle.Within = defaultWithin
	}
	if err := t.checkTerms(r); err != nil {
		return err
	}
	t.say(event.AccessPointAdded{AccessPoint: newID[event.AccessPointID](t, 'a'), WayIn: r.WayIn, Radius: r.Radius, Vehicle: r.Vehicle,
		By: t.facts.Actor})
	return nil
}

func (t *turn) checkWayIn(way []event.BarrierRef) error {
	seen := make([]event.BarrierID, 0, len(way))
	for _, step := range way {
		if err := event.CheckID(step.Barrier, 'b'); err != nil {
			return Invalid{"wayIn.barrier", err.Error()}
		}
		for _, before := range seen {
			if before == step.Barrier {
				return Invalid{"wayIn.barrier", "the same barrier stands there twice"}
			}
		}
		seen = append(seen, step.Barrier)
		if step.By != event.PermitRemote && step.By != event.PermitCode {
			return Invalid{"wayIn.by", "one of remote, code"}
		}
		if event.SiteOf(step.Barrier) == t.Site {
			if err := t.checkStep(step); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *turn) checkStep(step event.BarrierRef) error {
	b, ok := find(t.Barriers, step.Barrier)
	if !ok {
		return Invalid{"wayIn.barrier", "no such barrier at this site"}
	}
	if !takes(b.Spec, step.By) {
		return Invalid{"wayIn.by", "the device can't be opened that way"}
	}
	return nil
}

// RetireAccessPoint ends an access point; deliveries booked for it go to plan B.
type RetireAccessPoint struct{ AccessPoint event.AccessPointID }

func (r RetireAccessPoint) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	if _, ok := find(t.AccessPoints, r.AccessPoint); !ok {
		return unknown("access point", string(r.AccessPoint))
	}
	for _, v := range t.Visits {
		if v.AccessPoint == r.AccessPoint {
			return notNow("a visit is under way there")
		}
	}
	t.say(event.AccessPointRetired{AccessPoint: r.AccessPoint, By: t.facts.Actor})
	return nil
}

var householdEvolvers = []evolver{
	on(func(s *State, _ event.Event, b event.SiteOpened) {
		s.Open, s.Zone = true, b.Zone
		s.Rules = event.Rules{Dwell: defaultDwell, Climb: defaultClimb, Watch: true}
	}),
	on(func(s *State, _ event.Event, _ event.SiteClosed) {
		*s = State{Site: s.Site, Seq: s.Seq, At: s.At, Zone: s.Zone, Fence: s.Fence, Borrowers: s.Borrowers, Spent: s.Spent,
			Clips: s.Clips}
	}),
	on(func(s *State, _ event.Event, b event.MemberJoined) { s.Members = add(s.Members, Member{b.Member}) }),
	on(func(s *State, _ event.Event, b event.MemberLeft) {
		s.Members = without(s.Members, is[event.MemberID, Member](b.Member))
	}),
	on(func(s *State, e event.Event, b event.RulesSet) {
		if b.Rules.WatchCars {
			s.listenAnew(e.At, func(Barrier) bool { return true })
		}
		s.Rules = b.Rules
	}),
	on(func(s *State, e event.Event, b event.BarrierReserved) {
		s.Barriers = add(s.Barriers, Barrier{ID: b.Barrier, Is: b.Is, Spec: b.Spec, AcceptUnprovable: b.AcceptUnprovable, Reserved: e.At})
	}),
	on(func(s *State, _ event.Event, b event.BarrierEnrolled) {
		edit(&s.Barriers, b.Barrier, func(x *Barrier) { x.Enrolled = true })
	}),
	on(func(s *State, _ event.Event, b event.BarrierRetired) {
		s.Barriers = without(s.Barriers, is[event.BarrierID, Barrier](b.Barrier))
		s.Lending = without(s.Lending, func(l Lending) bool { return l.Barrier == b.Barrier })
	}),
	on(func(s *State, _ event.Event, b event.AccessPointAdded) {
		s.AccessPoints = add(s.AccessPoints, AccessPoint{ID: b.AccessPoint, WayIn: b.WayIn, Radius: b.Radius, Vehicle: b.Vehicle})
	}),
	on(func(s *State, _ event.Event, b event.AccessPointRetired) {
		s.AccessPoints = without(s.AccessPoints, is[event.AccessPointID, AccessPoint](b.AccessPoint))
		s.Consents = without(s.Consents, func(c event.Consent) bool { return c.AccessPoint == b.AccessPoint })
	}),
}

package site

import (
	"math"
	"slices"

	"github.com/loquet/loquet/event"
)

const (
	// grace is how long a secured visit waits for the courier's last tap before it ends by itself: a phone may
	// be dead.
	grace = 15 * event.Second
	// between is how long a courier may be on the way from one barrier to the next.
	between = 15 * event.Minute
	// rehearsalLife is how long a rehearsal that opened nothing stays.
	rehearsalLife = 10 * event.Minute
)

// Deposit says that the parcels were put down. Photo commits to a picture, if one was taken.
type Deposit struct {
	Visit event.VisitID
	Photo event.Commitment
}

func (r Deposit) decide(t *turn) error {
	v, ok, err := t.ofVisit(r.Visit, event.AskedDeposit)
	if !ok {
		return err
	}
	if code := t.gateDeposit(v); code != "" {
		return t.refuse(event.Refused{Asked: event.AskedDeposit, Code: code, Visit: v.ID})
	}
	t.say(event.DepositRecorded{Visit: v.ID, Photo: r.Photo, Signed: t.facts.Signed})
	return nil
}

// gateDeposit: the last barrier was opened, or its handle was freed and the courier says so.
func (t *turn) gateDeposit(v Visit) event.Code {
	last := v.Steps[len(v.Steps)-1]
	switch {
	case last.windowPassed(t.at):
		return event.TrunkWindowPassed
	case v.through(), last.unused():
		return ""
	}
	return event.NotOpened
}

// through says whether the last barrier of the way in was opened.
func (v Visit) through() bool {
	last := v.Steps[len(v.Steps)-1]
	return last.live() && last.Opened != 0
}

// reached says whether the parcels came to the access point. Without the courier's word that is not so if they
// fled, or if a member who took over opened the last barrier.
func (v Visit) reached() bool {
	last := v.Steps[len(v.Steps)-1]
	return v.through() && (v.Deposited || !v.Danger && (v.TakenOver == "" || last.Opened < v.Claimed))
}

// Close says that the courier is out: everything is to be shut. A member says it of a rehearsal, and of a visit
// that nothing but somebody's word can end.
type Close struct{ Visit event.VisitID }

func (r Close) decide(t *turn) error {
	if t.facts.Actor.Kind == event.ActorMember {
		return t.closeForMember(r.Visit)
	}
	v, ok, err := t.ofVisit(r.Visit, event.AskedClose)
	if !ok {
		return err
	}
	if !v.intended() {
		return t.refuse(event.Refused{Asked: event.AskedClose, Code: event.NotOpened, Visit: v.ID})
	}
	t.say(event.CloseAsked{Visit: v.ID, Signed: t.facts.Signed})
	return nil
}

func (t *turn) closeForMember(id event.VisitID) error {
	who, err := t.member()
	if err != nil {
		return err
	}
	v, ok := find(t.Visits, id)
	switch {
	case !ok:
		return unknown("visit", string(id))
	case !v.intended():
		return t.refuse(event.Refused{Asked: event.AskedClose, Code: event.NotOpened, Visit: id})
	case v.Member != who && !t.wordOnly(v):
		return ErrForbidden
	}
	t.say(event.CloseAsked{Visit: id, Member: who})
	return nil
}

// wordOnly says whether nothing that the visit opened can be proven shut.
func (s State) wordOnly(v Visit) bool {
	return !slices.ContainsFunc(v.Steps, func(p Step) bool {
		b, _ := find(s.Barriers, p.Barrier)
		return p.live() && b.Spec.Closure.Provable()
	})
}

// Leave asks to be released: granted only when every barrier is secured, or nothing was opened.
type Leave struct{ Visit event.VisitID }

func (r Leave) decide(t *turn) error {
	v, ok, err := t.ofVisit(r.Visit, event.AskedLeave)
	if !ok {
		return err
	}
	if v.intended() && !v.Closing {
		t.say(event.CloseAsked{Visit: v.ID, Signed: t.facts.Signed})
		v, _ = find(t.Visits, v.ID)
	}
	if left := t.unfinished(v, t.at); left != "" {
		return t.refuse(event.Refused{Asked: event.AskedLeave, Code: event.NotSecured, Visit: v.ID, Barrier: left})
	}
	t.say(event.CourierReleased{Visit: v.ID, Signed: t.facts.Signed})
	t.end(v)
	return nil
}

// unfinished names a barrier that keeps the visit from ending; "" when none does.
func (s State) unfinished(v Visit, at event.Instant) event.BarrierID {
	for _, p := range v.Steps {
		if done := s.finishedAt(v, p); p.live() && (done == 0 || done > at) {
			return p.Barrier
		}
	}
	return ""
}

// finishedAt is from when a step that was opened, or may have been, no longer keeps its visit from ending; 0 for
// not as things stand.
func (s State) finishedAt(v Visit, p Step) event.Instant {
	b, _ := find(s.Barriers, p.Barrier)
	switch {
	case p.By == event.PermitCode && p.Removed == 0, p.Outcome == "":
		return 0
	case v.TakenOver != "":
		return max(v.Claimed, p.overAt())
	case b.Spec.Closure.Provable():
		return p.Secured
	case !v.Closing || !b.AcceptUnprovable || p.Outcome != event.Done && p.Permit.Resolve == 0:
		return 0
	default:
		return p.overAt()
	}
}

// overAt is from when the order to open can have no further effect. Where nobody can know, it is taken as over:
// the opening was seen, or a person has decided.
func (p Step) overAt() event.Instant {
	if p.mayArrive() {
		return max(p.Intended, p.resolvable())
	}
	return p.Intended
}

// Danger: the courier leaves at once. The alarm climbs, and the visit stays open until secured.
type Danger struct{ Visit event.VisitID }

func (r Danger) decide(t *turn) error {
	v, ok, err := t.ofVisit(r.Visit, event.AskedDanger)
	if !ok {
		return err
	}
	if !v.Danger {
		t.say(event.CourierLeftInDanger{Visit: v.ID, Signed: t.facts.Signed})
	}
	return nil
}

// TakeOver is a member's word to be there and to take charge of what is open. Working a barrier by hand within
// two minutes proves it.
type TakeOver struct{ Visit event.VisitID }

func (r TakeOver) decide(t *turn) error {
	who, err := t.member()
	if err != nil {
		return err
	}
	v, ok := find(t.Visits, r.Visit)
	if !ok {
		return unknown("visit", string(r.Visit))
	}
	if !v.intended() {
		return t.refuse(event.Refused{Asked: event.AskedTakeOver, Code: event.NotOpened, Visit: v.ID})
	}
	t.say(event.TakeOverAsked{Visit: v.ID, Member: who})
	return nil
}

// Rehearse lets a present member try the way in. Having worked its first own barrier by hand just before is what shows
// the presence: who comes and goes through another's lobby says nothing of this household.
type Rehearse struct{ AccessPoint event.AccessPointID }

func (r Rehearse) decide(t *turn) error {
	who, err := t.member()
	if err != nil {
		return err
	}
	ap, ok := find(t.AccessPoints, r.AccessPoint)
	if !ok {
		return unknown("access point", string(r.AccessPoint))
	}
	switch {
	case ap.Car.Parted:
		return t.refuse(event.Refused{Asked: event.AskedRehearse, Code: event.CarRevoked, Barrier: ap.WayIn[0].Barrier})
	case ap.IsVehicle():
		t.rehearseCar(who, ap)
		return nil
	}
	if own, _ := find(t.Barriers, t.firstOwn(ap)); !own.byHandJustNow(t.at) {
		return t.refuse(event.Refused{Asked: event.AskedRehearse, Code: event.NotPresent, Barrier: t.firstOwn(ap)})
	}
	id := t.begin(event.VisitBegun{Member: who, AccessPoint: r.AccessPoint})
	v, _ := find(t.Visits, id)
	if t.mustProve(v) {
		return t.refuse(event.Refused{Asked: event.AskedRehearse, Code: event.CameraProving, Visit: id, Barrier: v.Steps[0].Barrier, RetryAt: t.at.Add(provingTakes)})
	}
	if err := t.open(v, v.Steps[0], event.AskedRehearse); err != nil {
		return err
	}
	if v, _ = find(t.Visits, id); !v.intended() && !t.borrowing(v) {
		t.end(v)
	}
	return nil
}

// firstOwn is the first barrier of the way in that is the household's; the first of all where none is.
func (s State) firstOwn(ap AccessPoint) event.BarrierID {
	i := slices.IndexFunc(ap.WayIn, func(r event.BarrierRef) bool { return event.SiteOf(r.Barrier) == s.Site })
	return ap.WayIn[max(0, i)].Barrier
}

// settleEnd ends a visit when nothing keeps it open and nobody needs to be waited for.
func (t *turn) settleEnd(v Visit) bool {
	if at := t.endsAt(v); at == 0 || at > t.at {
		return false
	}
	t.end(v)
	return true
}

// endsAt is when the visit ends by itself; 0 while a barrier stands against it.
func (s State) endsAt(v Visit) event.Instant {
	if !v.intended() {
		return s.unopenedEndsAt(v)
	}
	var last, began event.Instant
	for _, p := range v.Steps {
		if !p.live() {
			continue
		}
		at := s.finishedAt(v, p)
		if at == 0 {
			return 0
		}
		last, began = max(last, at), max(began, p.Began)
	}
	if v.TakenOver != "" || v.Danger {
		return last
	}
	return s.courierGoneAt(v, last, began)
}

// courierGoneAt is until when a visit waits in which everything is secured. Without the courier's word they may
// be on the way to the next barrier, or inside, behind a door that locks by itself.
func (s State) courierGoneAt(v Visit, last, began event.Instant) event.Instant {
	switch {
	case v.Closing:
		return last.Add(grace)
	case !v.through() && !v.Suspended && !s.allOut(v):
		return last.Add(between)
	}
	return max(last, min(began.Add(s.Rules.Dwell), s.provenUntil(v))).Add(grace)
}

// provenUntil is when the proof of a secured barrier runs out that nobody can renew by asking, less the grace.
func (s State) provenUntil(v Visit) event.Instant {
	until := event.Instant(math.MaxInt64)
	for _, p := range v.Steps {
		b, _ := find(s.Barriers, p.Barrier)
		if p.Secured != 0 && !b.Spec.Reads && s.orderFrom(v, p, b) == 0 {
			until = min(until, b.staleAt().Add(-grace-1))
		}
	}
	return until
}

func (s State) unopenedEndsAt(v Visit) event.Instant {
	switch {
	case v.Danger:
		return v.Begun
	case v.rehearsal():
		return v.Begun.Add(rehearsalLife)
	}
	latest := v.Begun
	for _, id := range v.Deliveries {
		if d, _ := find(s.Deliveries, id); !d.TooLarge {
			latest = max(latest, d.Window.To)
		}
	}
	return latest
}

// end states what the visit leaves behind: what was delivered, barriers given back, and its own end.
func (t *turn) end(v Visit) {
	how := t.howEnded(v)
	for _, id := range v.Deliveries {
		d, _ := find(t.Deliveries, id)
		if v.reached() && !d.out() && d.anyScanned() {
			t.say(event.DeliveryDelivered{Delivery: id, Visit: v.ID, How: how, Confirmed: v.Deposited})
		}
	}
	t.say(event.VisitEnded{Visit: v.ID, How: how})
	t.endFilming(v)
	for _, l := range t.Leases {
		if l.Visit == v.ID && l.Received {
			t.say(event.LeaseReturned{Lease: l.ID, Barrier: l.Barrier, Spent: l.Spent})
		}
	}
	if v.Suspended {
		t.unassignAll(v)
	}
}

// unassignAll takes what a visit leaves undelivered from its courier.
func (t *turn) unassignAll(v Visit) {
	for _, id := range v.Deliveries {
		if d, ok := find(t.Deliveries, id); ok {
			t.unassign(d)
		}
	}
}

func (t *turn) howEnded(v Visit) event.VisitEnd {
	if v.TakenOver != "" {
		return event.EndTakenOver
	}
	if !v.intended() {
		return event.EndUnopened
	}
	unproven := slices.ContainsFunc(v.Steps, func(p Step) bool {
		b, _ := find(t.Barriers, p.Barrier)
		return p.live() && !b.Spec.Closure.Provable()
	})
	if unproven {
		return event.EndUnproven
	}
	return event.EndSecured
}

// visitDeadlines names the instants at which time alone decides something in the visit.
func (s State) visitDeadlines(v Visit, consider func(event.Instant)) {
	consider(s.endsAt(v))
	consider(s.nextAlarm(v))
	consider(v.againAt())
	for _, p := range v.Steps {
		if p.live() {
			s.stepDeadlines(v, p, consider)
		}
	}
	for _, l := range s.Leases {
		if l.Visit == v.ID && l.Received && !l.Spent {
			consider(l.Until)
		}
	}
}

func (s State) stepDeadlines(v Visit, p Step, consider func(event.Instant)) {
	b, _ := find(s.Barriers, p.Barrier)
	consider(s.nextAsk(v, p))
	consider(p.unknownAt())
	if p.By == event.PermitCode && !p.Removing {
		consider(s.codeOverAt(v, p))
	}
	if p.By == event.PermitRemote && p.Outcome != event.Done && p.Opened != 0 {
		consider(p.resolvable())
	}
	if p.Secured != 0 {
		consider(b.staleAt())
	}
}

var closingEvolvers = []evolver{
	on(func(s *State, e event.Event, b event.DepositRecorded) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Deposited = true })
		v, _ := find(s.Visits, b.Visit)
		for _, p := range v.Steps {
			if p.live() && p.unused() {
				s.editStep(v.ID, p.Barrier, func(p *Step) { p.Opened, p.ByContact = e.At, true })
			}
		}
	}),
	on(func(s *State, _ event.Event, b event.CloseAsked) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Closing = true })
	}),
	on(func(s *State, _ event.Event, b event.CourierLeftInDanger) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Danger = true })
	}),
	on(func(s *State, e event.Event, b event.TakeOverAsked) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Claimed, v.ClaimedBy = e.At, b.Member })
	}),
	on(func(s *State, _ event.Event, b event.VisitTakenOver) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.TakenOver = b.Member })
	}),
}

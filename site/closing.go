package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// grace is how long a secured visit waits for the courier's tap before it ends by itself: a phone may be dead.
const grace = 15 * event.Second

// rehearsalLife is how long a rehearsal that opened nothing stays.
const rehearsalLife = 10 * event.Minute

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
	if !v.through() {
		return t.refuse(event.Refused{Asked: event.AskedDeposit, Code: event.NotOpened, Visit: v.ID})
	}
	t.say(event.DepositRecorded{Visit: v.ID, Photo: r.Photo, Signed: t.facts.Signed})
	return nil
}

// through says whether the last barrier of the way in was opened.
func (v Visit) through() bool {
	last := v.Steps[len(v.Steps)-1]
	return last.live() && last.Opened != 0
}

// Close says that the courier is out: everything is to be shut.
type Close struct{ Visit event.VisitID }

func (r Close) decide(t *turn) error {
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
	if left := t.unfinished(v); left != "" {
		return t.refuse(event.Refused{Asked: event.AskedLeave, Code: event.NotSecured, Visit: v.ID, Barrier: left})
	}
	t.say(event.CourierReleased{Visit: v.ID, Signed: t.facts.Signed})
	t.end(v)
	return nil
}

// unfinished names a barrier that keeps the visit from ending; "" when none does.
func (t *turn) unfinished(v Visit) event.BarrierID {
	for _, p := range v.Steps {
		if p.live() && !t.finished(v, p) {
			return p.Barrier
		}
	}
	return ""
}

func (t *turn) finished(v Visit, p Step) bool {
	b, _ := find(t.Barriers, p.Barrier)
	switch {
	case p.By == event.PermitCode && !p.Removed:
		return false
	case v.TakenOver != "":
		return true
	case p.Opened == 0 || p.Outcome != event.Done:
		return false
	case !b.Spec.Closure.Provable():
		return v.Closing && b.AcceptUnprovable
	default:
		return p.Secured != 0 && b.fresh(t.at)
	}
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

// Rehearse lets a present member try the way in. Having worked the first barrier by hand just before is what
// shows the presence.
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
	first, _ := find(t.Barriers, ap.WayIn[0].Barrier)
	if first.HandAt == 0 || t.at.Since(first.HandAt) > claimLife {
		return t.refuse(event.Refused{Asked: event.AskedRehearse, Code: event.NotPresent, Barrier: ap.WayIn[0].Barrier})
	}
	id := t.begin(event.VisitBegun{Member: who, AccessPoint: r.AccessPoint})
	v, _ := find(t.Visits, id)
	return t.open(v, v.Steps[0], event.AskedRehearse)
}

// settleEnd ends a visit when nothing keeps it open and nobody needs to be waited for.
func (t *turn) settleEnd(v Visit) bool {
	if at := t.endsAt(v); at == 0 || at > t.at || t.unfinished(v) != "" {
		return false
	}
	t.end(v)
	return true
}

// endsAt is the earliest instant at which the visit may end by itself; 0 while a barrier still stands against it.
func (s State) endsAt(v Visit) event.Instant {
	switch {
	case !v.intended():
		return s.unopenedEndsAt(v)
	case v.TakenOver != "":
		return v.Claimed
	}
	var last event.Instant
	for _, p := range v.Steps {
		if p.live() {
			b, _ := find(s.Barriers, p.Barrier)
			if p.Secured == 0 && b.Spec.Closure.Provable() {
				return 0
			}
			last = max(last, p.Secured, p.Intended)
		}
	}
	if v.Danger {
		return last
	}
	return last.Add(grace)
}

func (s State) unopenedEndsAt(v Visit) event.Instant {
	if v.rehearsal() {
		return v.Begun.Add(rehearsalLife)
	}
	latest := v.Begun
	for _, id := range v.Deliveries {
		d, _ := find(s.Deliveries, id)
		latest = max(latest, d.Window.To)
	}
	return latest
}

// end states what the visit leaves behind: what was delivered, barriers given back, and its own end.
func (t *turn) end(v Visit) {
	how := t.howEnded(v)
	for _, id := range v.Deliveries {
		d, _ := find(t.Deliveries, id)
		if v.through() && !d.Blocked && d.anyScanned() {
			t.say(event.DeliveryDelivered{Delivery: id, Visit: v.ID, How: how, Confirmed: v.Deposited})
		}
	}
	t.say(event.VisitEnded{Visit: v.ID, How: how})
	for _, l := range t.Leases {
		if l.Visit == v.ID && l.Received {
			t.say(event.LeaseReturned{Lease: l.ID, Barrier: l.Barrier, Spent: l.Spent})
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
	consider(s.endDeadline(v))
	consider(s.nextAlarm(v))
	for _, p := range v.Steps {
		if !p.live() {
			continue
		}
		consider(s.nextAsk(v, p))
		consider(p.outcomeDeadline())
		if p.By == event.PermitRemote && p.Outcome != event.Done && p.Opened != 0 {
			consider(p.resolvable())
		}
	}
	for _, l := range s.Leases {
		if l.Visit == v.ID && l.Received && !l.Spent {
			consider(l.Until)
		}
	}
}

// endDeadline is endsAt where only time is missing.
func (s State) endDeadline(v Visit) event.Instant {
	t := turn{State: s, at: s.endsAt(v)}
	if t.at == 0 || t.unfinished(v) != "" {
		return 0
	}
	return t.at
}

// outcomeDeadline is when an unanswered command is first called unknown, and a code is to be forgotten.
func (p Step) outcomeDeadline() event.Instant {
	switch {
	case p.Outcome == "" && p.By == event.PermitCode:
		return p.Intended.Add(openWithin)
	case p.By == event.PermitCode && !p.Removing, p.Outcome == "":
		return p.Permit.Deadline
	default:
		return 0
	}
}

var closingEvolvers = []evolver{
	on(func(s *State, _ event.Event, b event.DepositRecorded) {
		edit(&s.Visits, b.Visit, func(v *Visit) { v.Deposited = true })
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

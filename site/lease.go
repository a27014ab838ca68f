package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// leaseLife is how long a lease may wait to be spent before the lender asks for it back, and then again each
// askBackEvery.
const (
	leaseLife    = 2 * event.Minute
	askBackEvery = event.Minute
)

// Lease is a barrier of another site that a visit of ours has asked for, or has. Borrower's state.
type Lease struct {
	ID      event.LeaseID   `json:"id"`
	Visit   event.VisitID   `json:"visit"`
	Barrier event.BarrierID `json:"barrier"`
	// Asked, Place and Signed are of the courier's request to open.
	Asked    event.Instant `json:"asked"`
	Place    event.Place   `json:"place"`
	Signed   event.Signed  `json:"signed"`
	Received bool          `json:"received,omitempty"`
	Until    event.Instant `json:"until,omitempty"`
	Spent    bool          `json:"spent,omitempty"`
}

// Lent is a barrier of ours in the hands of another site's visit. Lender's state.
type Lent struct {
	Lease event.LeaseID `json:"lease"`
	Until event.Instant `json:"until"`
	// At is when it was granted.
	At event.Instant `json:"at,omitempty"`
	// LastAsk is when it was last asked back.
	LastAsk event.Instant `json:"lastAsk,omitempty"`
}

// Borrower is a site that has asked for a barrier of ours, with the number of its latest question: what is asked
// with a lower one is an old letter. Lender's state.
type Borrower struct {
	Site event.SiteID `json:"site"`
	Last uint64       `json:"last"`
}

// SpentLease is the latest lease of another site's barrier that was spent and given back. Its owner lends a barrier
// once at a time, so that no older lease of it can be out. Borrower's state.
type SpentLease struct {
	Barrier event.BarrierID `json:"barrier"`
	Lease   event.LeaseID   `json:"lease"`
}

// AllowLending lets another site's visits through a barrier of ours.
type AllowLending struct {
	Barrier  event.BarrierID
	Borrower event.SiteID
}

func (r AllowLending) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	b, ok := find(t.Barriers, r.Barrier)
	switch {
	case !ok || b.Borrowed != "":
		return unknown("barrier", string(r.Barrier))
	case b.Spec.Vehicle():
		return Invalid{"barrier", "a car is lent to nobody"}
	}
	if err := event.CheckSiteID(r.Borrower); err != nil {
		return Invalid{"borrower", err.Error()}
	}
	if r.Borrower == t.Site {
		return Invalid{"borrower", "a site passes through its own barriers anyway"}
	}
	if !t.lendsTo(r.Barrier, r.Borrower) {
		t.say(event.LendingAllowed{Barrier: r.Barrier, Borrower: r.Borrower, By: t.facts.Actor})
	}
	return nil
}

// EndLending is the lender's block: it wins against leases to come, and is too late for one that is out.
type EndLending struct {
	Barrier  event.BarrierID
	Borrower event.SiteID
}

func (r EndLending) decide(t *turn) error {
	if _, err := t.member(); err != nil {
		return err
	}
	b, ok := find(t.Barriers, r.Barrier)
	if !ok || b.Borrowed != "" {
		return unknown("barrier", string(r.Barrier))
	}
	verdict := event.BlockWon
	switch {
	case event.SiteOf(b.Lent.Lease) == r.Borrower:
		verdict = event.BlockTooLate
	case !t.lendsTo(r.Barrier, r.Borrower):
		verdict = event.BlockAlready
	}
	t.say(event.LendingEnded{Barrier: r.Barrier, Borrower: r.Borrower, Verdict: verdict, By: t.facts.Actor})
	return nil
}

func (s State) lendsTo(b event.BarrierID, borrower event.SiteID) bool {
	return slices.Contains(s.Lending, Lending{b, borrower})
}

// borrow asks the barrier's owner for a lease; the opening follows when it is received.
func (t *turn) borrow(v Visit, step Step) {
	t.say(event.LeaseAsked{Lease: newID[event.LeaseID](t, 'l'), Visit: v.ID, Barrier: step.Barrier,
		Place: *orZero(t.facts.Place), Signed: t.facts.Signed})
}

// borrowedFor says whether a borrowed barrier is this visit's to open.
func (s State) borrowedFor(v Visit, b Barrier) bool {
	l, ok := find(s.Leases, b.Borrowed)
	return ok && l.Visit == v.ID
}

func (t *turn) gateLease(v Visit, step Step) event.Code {
	if slices.ContainsFunc(t.Leases, func(l Lease) bool { return l.Visit == v.ID && l.Barrier == step.Barrier }) {
		return event.LeasePending
	}
	return ""
}

// awaiting says whether another site's barrier was asked for, and the answer has not arrived.
func (s State) awaiting(id event.BarrierID) bool {
	return slices.ContainsFunc(s.Leases, func(l Lease) bool { return l.Barrier == id && !l.Received })
}

// borrowing says whether the visit has asked for, or has, another site's barrier.
func (s State) borrowing(v Visit) bool {
	return slices.ContainsFunc(s.Leases, func(l Lease) bool { return l.Visit == v.ID })
}

// GrantLease is the borrower's question to the lender. Asking again for a lease that is out changes nothing; what was
// answered before, and what is older than the latest answer, is refused.
type GrantLease struct {
	Lease   event.LeaseID
	Barrier event.BarrierID
}

func (r GrantLease) decide(t *turn) error {
	if err := t.allow(event.ActorSite); err != nil {
		return err
	}
	if err := event.CheckID(r.Lease, 'l'); err != nil {
		return Invalid{"lease", err.Error()}
	}
	b, ok := find(t.Barriers, r.Barrier)
	if !ok || b.Borrowed != "" {
		return t.refuseLease(r, event.LenderRefused)
	}
	if b.Lent.Lease == r.Lease {
		return nil
	}
	if code := t.gateGrant(b, r.Lease); code != "" {
		return t.refuseLease(r, code)
	}
	t.say(event.LeaseGranted{Lease: r.Lease, Barrier: b.ID, Number: t.Fence + 1, Until: t.at.Add(leaseLife), Spec: b.Spec,
		Known: b.known()})
	return nil
}

func (t *turn) refuseLease(r GrantLease, code event.Code) error {
	t.say(event.LeaseRefused{Lease: r.Lease, Barrier: r.Barrier, Code: code})
	return nil
}

func (t *turn) gateGrant(b Barrier, l event.LeaseID) event.Code {
	borrower := event.SiteOf(l)
	last, _ := find(t.Borrowers, borrower)
	switch {
	case !t.lendsTo(b.ID, borrower):
		return event.LenderBlocked
	case !b.Enrolled:
		return event.BarrierNotReady
	case b.held():
		return event.BarrierBusy
	case t.readiness(b.ID).Reach != event.ReachOnline:
		return event.DeviceOffline
	case event.SeqOf(l) <= last.Last: // the borrower goes on to another question, or waits for none
		return event.BarrierBusy
	}
	return ""
}

// ReceiveLease is the lender's grant. What is no longer wanted is returned at once.
type ReceiveLease struct {
	Lease   event.LeaseID
	Barrier event.BarrierID
	Number  uint64
	Until   event.Instant
	Spec    event.Spec
	Known   event.Known
}

func (ReceiveLease) answeredForever() {}

func (r ReceiveLease) decide(t *turn) error {
	if err := t.allow(event.ActorSite); err != nil {
		return err
	}
	if !inCalendar(r.Until) {
		return Invalid{"until", "between 1970 and 9999"}
	}
	if err := checkSpec(r.Spec); err != nil {
		return err
	}
	if r.Spec.Vehicle() {
		return Invalid{"spec", "a car is lent to nobody"}
	}
	if err := checkKnown(r.Known); err != nil {
		return err
	}
	l, ok := find(t.Leases, r.Lease)
	v, visiting := find(t.Visits, l.Visit)
	switch {
	case ok && l.Received:
		return nil
	case !ok || !visiting || t.at >= r.Until:
		return t.sendBack(r.Lease, r.Barrier)
	}
	t.say(event.LeaseReceived{Lease: r.Lease, Number: r.Number, Until: r.Until, Spec: r.Spec, Known: t.past(r.Known)})
	return t.openBorrowed(v, l)
}

// sendBack returns an unspent lease to the barrier's owner. One that was spent is back, or on its way.
func (t *turn) sendBack(l event.LeaseID, b event.BarrierID) error {
	if event.SiteOf(l) != t.Site || event.CheckID(l, 'l') != nil {
		return unknown("lease", string(l))
	}
	if !t.wasSpent(l, b) {
		t.say(event.LeaseReturned{Lease: l, Barrier: b})
	}
	return nil
}

func (s State) wasSpent(l event.LeaseID, b event.BarrierID) bool {
	last, ok := find(s.Spent, b)
	return ok && event.SeqOf(l) <= event.SeqOf(last.Lease)
}

// openBorrowed goes on with the courier's request that asked for the lease, if it still holds.
func (t *turn) openBorrowed(v Visit, l Lease) error {
	place := l.Place
	place.Age += t.at.Since(l.Asked)
	t.facts.Place = &place
	step, _ := v.step(l.Barrier)
	if no := t.gate(v, step); no.Code != "" {
		no.Asked, no.Visit, no.Barrier = event.AskedOpen, v.ID, l.Barrier
		return t.refuse(no)
	}
	t.intend(v, step, false, opening{place, t.readiness(l.Barrier), l.Signed})
	return nil
}

// DenyLease is the lender's refusal.
type DenyLease struct {
	Lease event.LeaseID
	Code  event.Code
}

func (r DenyLease) decide(t *turn) error {
	if err := t.allow(event.ActorSite); err != nil {
		return err
	}
	if l, ok := find(t.Leases, r.Lease); ok && !l.Received {
		t.say(event.LeaseDenied{Lease: r.Lease, Code: r.Code})
	}
	return nil
}

// ReturnLease is the lender's question for it back: yes if it is unspent, otherwise when everything is secured.
type ReturnLease struct {
	Lease   event.LeaseID
	Barrier event.BarrierID
}

func (ReturnLease) answeredForever() {}

func (r ReturnLease) decide(t *turn) error {
	if err := t.allow(event.ActorSite); err != nil {
		return err
	}
	if l, ok := find(t.Leases, r.Lease); ok && l.Spent {
		return nil
	}
	return t.sendBack(r.Lease, r.Barrier)
}

// EndLease is the borrower's return.
type EndLease struct {
	Lease event.LeaseID
	Spent bool
}

func (r EndLease) decide(t *turn) error {
	if err := t.allow(event.ActorSite); err != nil {
		return err
	}
	for _, b := range t.Barriers {
		if b.Lent.Lease == r.Lease {
			t.say(event.LeaseEnded{Lease: r.Lease, Barrier: b.ID, Spent: r.Spent})
		}
	}
	return nil
}

// settleLeases gives back what the visit can't use any more.
func (t *turn) settleLeases(v Visit) bool {
	for _, l := range t.Leases {
		if l.Visit != v.ID || !l.Received {
			continue
		}
		p, _ := v.step(l.Barrier)
		unused := !l.Spent && (t.at >= l.Until || t.allOut(v))
		if unused || l.Spent && !p.live() {
			t.say(event.LeaseReturned{Lease: l.ID, Barrier: l.Barrier, Spent: l.Spent})
			return true
		}
	}
	return false
}

// settleLent asks for a lease back that is past its time, and can do no more than ask.
func (t *turn) settleLent() bool {
	for _, b := range t.Barriers {
		if due := b.askBackAt(); due != 0 && due <= t.at {
			t.say(event.LeaseReturnAsked{Lease: b.Lent.Lease, Barrier: b.ID})
			return true
		}
	}
	return false
}

func (b Barrier) askBackAt() event.Instant {
	switch {
	case b.Lent.Lease == "":
		return 0
	case b.Lent.LastAsk == 0:
		return b.Lent.Until
	default:
		return b.Lent.LastAsk.Add(askBackEvery)
	}
}

func (b Barrier) lentDeadline(consider func(event.Instant)) { consider(b.askBackAt()) }

// rememberQuestion keeps the number of a borrower's latest question: it only grows.
func (s *State) rememberQuestion(l event.LeaseID) {
	who := event.SiteOf(l)
	last, _ := find(s.Borrowers, who)
	last = Borrower{who, max(last.Last, event.SeqOf(l))}
	s.Borrowers = add(without(s.Borrowers, is[event.SiteID, Borrower](who)), last)
}

var leaseEvolvers = []evolver{
	blockEvolver, planBEvolver, tooLargeEvolver,
	on(func(s *State, _ event.Event, b event.LendingAllowed) {
		s.Lending = add(s.Lending, Lending{b.Barrier, b.Borrower})
	}),
	on(func(s *State, _ event.Event, b event.LendingEnded) {
		s.Lending = without(s.Lending, func(l Lending) bool { return l == Lending{b.Barrier, b.Borrower} })
	}),
	on(func(s *State, e event.Event, b event.LeaseAsked) {
		s.Leases = add(s.Leases, Lease{ID: b.Lease, Visit: b.Visit, Barrier: b.Barrier, Asked: e.At, Place: b.Place, Signed: b.Signed})
	}),
	on(func(s *State, _ event.Event, b event.LeaseReceived) {
		l, _ := find(s.Leases, b.Lease)
		edit(&s.Leases, b.Lease, func(l *Lease) { l.Received, l.Until = true, b.Until })
		borrowed := Barrier{ID: l.Barrier, Is: event.Lobby, Spec: b.Spec, Enrolled: true,
			AcceptUnprovable: !b.Spec.Closure.Provable(), Borrowed: b.Lease, Fence: b.Number}
		s.Barriers = add(s.Barriers, borrowed.knowing(b.Known))
	}),
	on(func(s *State, _ event.Event, b event.LeaseDenied) {
		s.Leases = without(s.Leases, is[event.LeaseID, Lease](b.Lease))
	}),
	on(func(s *State, _ event.Event, b event.LeaseReturned) {
		if b.Spent {
			s.Spent = add(without(s.Spent, is[event.BarrierID, SpentLease](b.Barrier)), SpentLease{b.Barrier, b.Lease})
		}
		s.Leases = without(s.Leases, is[event.LeaseID, Lease](b.Lease))
		s.Barriers = without(s.Barriers, func(x Barrier) bool { return x.Borrowed == b.Lease })
	}),
	on(func(s *State, e event.Event, b event.LeaseGranted) {
		s.Fence = b.Number
		s.rememberQuestion(b.Lease)
		edit(&s.Barriers, b.Barrier, func(x *Barrier) { x.Lent = Lent{Lease: b.Lease, Until: b.Until, At: e.At} })
	}),
	on(func(s *State, _ event.Event, b event.LeaseRefused) { s.rememberQuestion(b.Lease) }),
	on(func(s *State, e event.Event, b event.LeaseReturnAsked) {
		edit(&s.Barriers, b.Barrier, func(x *Barrier) { x.Lent.LastAsk = e.At })
	}),
	on(func(s *State, _ event.Event, b event.LeaseEnded) {
		edit(&s.Barriers, b.Barrier, func(x *Barrier) { x.Lent = Lent{} })
	}),
}

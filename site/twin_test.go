package site_test

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// The twin: the laws once more, by somebody who knows nothing of package site's state. It has only the list of
// all events so far, and answers each question by reading that list from the start.

// past is everything that a journal held before something happened.
type past []event.Event

// checkLaws reads the last n events of a journal against everything before each of them.
func (w *world) checkLaws(j *journal, n int) {
	w.t.Helper()
	from := len(j.log) - n
	for i := from; i < len(j.log); i++ {
		p, e := past(j.log[:i]), j.log[i]
		if why := w.breach(p, e, j.log[:from]); why != "" {
			w.t.Fatalf("event %d at %s, %s, breaks a law: %s\n%s", e.Seq, e.At, e.Body.Kind(), why, j.dump())
		}
	}
	if why := first(past(j.log).missingAlarm(w.now), past(j.log).outlived(w.now), past(j.log).blind()); why != "" {
		w.t.Fatalf("at %s: %s\n%s", w.now, why, j.dump())
	}
}

func (w *world) breach(p past, e event.Event, before past) string {
	switch b := e.Body.(type) {
	case event.OpeningIntended:
		return first(p.noReason(e, b), p.noCar(e, b), p.notOnce(e, b), before.replayed(e.At, b))
	case event.CodeShown:
		return p.codeWithoutReason(e, b)
	case event.BlockAnswered:
		return p.wrongVerdict(b)
	case event.BarrierSecured:
		return first(p.unproven(e, b), w.untrue(b))
	case event.VisitEnded:
		return p.endedTooSoon(e, b)
	case event.CourierReleased:
		return p.endedTooSoon(e, event.VisitEnded{Visit: b.Visit, How: p.howItMustEnd(b.Visit)})
	case event.DeliveryDelivered:
		return p.notDelivered(b)
	case event.VisitTakenOver:
		return p.notThere(e, b)
	case event.LeaseGranted:
		return p.lentTwice(b)
	case event.LeaseReturned:
		return p.wronglyReturned(b)
	case event.AlarmAcknowledged:
		return p.wronglyOwned(b)
	case event.BarrierObserved:
		return p.overheard(b)
	case event.VehicleFound:
		return p.foundUnasked(b)
	case event.SpotAsked:
		return p.spotKnown(b)
	}
	return p.wrongClip(e)
}

// first returns the first of several answers that is not empty.
func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// Law 1: no opening without a reason.
func (p past) noReason(e event.Event, b event.OpeningIntended) string {
	v, begun := p.visit(b.Permit.Visit)
	switch {
	case v.Visit == "" || p.ended(v.Visit):
		return "there is no such visit"
	case b.Permit.Courier != v.Courier || b.Permit.Key != v.Key || b.Permit.Member != v.Member:
		return "the permit is for somebody else than the visit"
	case b.Ready.Reach != event.ReachOnline && b.Permit.Lease == "":
		return "the device could not be reached"
	case p.noPicture(e, b) != "":
		return p.noPicture(e, b)
	case !p.enrolled(b.Permit.Barrier) && b.Permit.Lease == "":
		return "nobody ever worked the barrier by hand"
	case v.Member != "":
		return ""
	case b.Signed.Key != v.Key:
		return "signed by another key"
	case b.Place.Accuracy > 50 || b.Place.Age > 30*event.Second || b.Place.Distance > p.radius(v.AccessPoint):
		return "not at the place"
	case p.suspendedSince(begun, v.Courier):
		return "the courier is suspended"
	case b.Permit.Recovery:
		return p.notAjar(b.Permit)
	}
	return first(p.noDelivery(e.At, v, begun), p.outOfOrder(v, b.Permit.Barrier))
}

func (p past) codeWithoutReason(e event.Event, b event.CodeShown) string {
	v, begun := p.visit(b.Visit)
	if p.permit(b.Permit).Deadline <= e.At {
		return "the code is past its time"
	}
	if v.Member != "" {
		return ""
	}
	if p.suspendedSince(begun, v.Courier) {
		return "the courier is suspended"
	}
	return p.noDelivery(e.At, v, begun)
}

// noDelivery: at least one delivery of the visit is live, and every live one may take place now.
func (p past) noDelivery(at event.Instant, v event.VisitBegun, begun int) string {
	live := 0
	for _, d := range p.stillIn(v, begun) {
		if p.blocked(d) || p.tooLarge(d, v.Visit) {
			continue
		}
		live++
		if why := p.mayNotCome(at, v, begun, d); why != "" {
			return string(d) + ": " + why
		}
	}
	if live == 0 {
		return "no live delivery"
	}
	return ""
}

func (p past) mayNotCome(at event.Instant, v event.VisitBegun, begun int, d event.DeliveryID) string {
	booked, _, _ := lastOf(p, func(b event.DeliveryBooked) bool { return b.Delivery == d })
	assigned, _, ok := lastOf(p, func(b event.CourierAssigned) bool { return b.Delivery == d })
	scanned := 0
	for _, parcel := range booked.Parcels {
		was, is := p.parcel(begun, v.Visit, parcel.Code)
		if !was && !is {
			return "a parcel is neither there nor missing"
		}
		if was {
			scanned++
		}
	}
	switch {
	case !booked.Window.Holds(at):
		return "outside its window"
	case !ok || assigned.Courier != v.Courier || assigned.Key != v.Key:
		return "it is another courier's, or another phone's"
	case !p.consented(d, at):
		return "the household did not consent"
	case scanned == 0:
		return "none of its parcels was scanned"
	}
	return p.unanswered(begun, d)
}

// unanswered: what the household wants to be asked must have been answered with yes since the visit began.
func (p past) unanswered(begun int, d event.DeliveryID) string {
	r := p.rules()
	for q, wanted := range map[event.Question]bool{event.QuestionPets: r.AskPets, event.QuestionAlarm: r.AskAlarm} {
		a, _, ok := lastOf(p[begun:], func(a event.QuestionAnswered) bool {
			return a.Delivery == d && a.Question == q && a.Round == event.RoundApproach
		})
		if wanted && (!ok || !a.Yes) {
			return "the household did not say yes: " + string(q)
		}
	}
	return ""
}

// outOfOrder: each barrier nearer to the street must have been opened in this visit before.
func (p past) outOfOrder(v event.VisitBegun, b event.BarrierID) string {
	for _, step := range p.wayIn(v.AccessPoint) {
		if step.Barrier == b {
			return ""
		}
		if !p.sawOpen(v.Visit, step.Barrier) {
			return "the barrier before it was not opened"
		}
	}
	return "it does not stand on the way in"
}

// Law 2 and 3: one permit at a time for each barrier, and none while the last order may still take effect.
func (p past) notOnce(e event.Event, b event.OpeningIntended) string {
	for i, old := range p {
		o, ok := old.Body.(event.OpeningIntended)
		if !ok || o.Permit.Barrier != b.Permit.Barrier {
			continue
		}
		if o.Permit.ID == b.Permit.ID {
			return "the permit exists already"
		}
		again := b.Permit.Recovery && o.Permit.Visit == b.Permit.Visit
		if !again && !p.cameToNothing(o.Permit.ID) && !p.ended(o.Permit.Visit) {
			return "another permit is live"
		}
		if p[i:].mayStillHappen(o.Permit, p.spec(o.Permit.Barrier), e.At) {
			return "an older order may still take effect"
		}
	}
	return ""
}

// mayStillHappen: nobody answered for the command, its time is not over, and nobody saw it happen where that
// is all one will ever know.
func (p past) mayStillHappen(permit event.Permit, spec event.Spec, at event.Instant) bool {
	if permit.Type == event.PermitCode {
		return !p.codeGone(permit)
	}
	for _, e := range p {
		r, ok := e.Body.(event.OpeningResolved)
		freed := r.Outcome == event.Done && spec.Reveals == event.RevealsHandle && !p.saidNow(permit, p[0].At, event.BoltUnlocked, "")
		if ok && r.Permit == permit.ID && r.Outcome != event.Unknown && r.By == event.ByAnswer && !freed {
			return false
		}
	}
	if permit.Resolve == 0 {
		return !p.sawOpen(permit.Visit, permit.Barrier) && !p.takenOver(permit.Visit)
	}
	return at <= permit.Resolve
}

func (p past) codeGone(permit event.Permit) bool {
	if p.cameToNothing(permit.ID) {
		return true
	}
	_, _, gone := lastOf(p, func(b event.CodeRemoved) bool { return b.Permit == permit.ID && b.Confirmed })
	return gone
}

func (p past) replayed(at event.Instant, b event.OpeningIntended) string {
	for _, e := range p {
		s, ok := e.Body.(event.Signer)
		if !ok || b.Signed.ID == "" || s.Proof().ID != b.Signed.ID || e.At.Add(10*event.Minute) <= at {
			continue
		}
		if no, refused := e.Body.(event.Refused); refused && no.Code == event.ProofReused {
			continue
		}
		if b.Permit.Lease != "" && p.asked(b.Permit.Lease).ID == b.Signed.ID {
			continue
		}
		return "its proof was used before"
	}
	return ""
}

// Law 4: a block wins or loses, by what the journal held before it.
func (p past) wrongVerdict(b event.BlockAnswered) string {
	want := event.BlockWon
	v, begun := p.visitOf(b.Delivery)
	way := p.wayIn(v.AccessPoint)
	switch {
	case p.over(b.Delivery):
		want = event.BlockEnded
	case p.blocked(b.Delivery):
		want = event.BlockAlready
	case v.Visit == "":
	case p[begun:].wasSpent(v.Visit, way[len(way)-1].Barrier):
		want = event.BlockTooLate
	case slices.ContainsFunc(way, func(r event.BarrierRef) bool { return p[begun:].wasSpent(v.Visit, r.Barrier) }):
		want = event.BlockFromHere
	}
	if b.Verdict != want {
		return "the verdict should be " + string(want)
	}
	return ""
}

// wasSpent: an order to open is out that did not come to nothing; a code only once it was shown.
func (p past) wasSpent(v event.VisitID, b event.BarrierID) bool {
	o, _, ok := lastOf(p, func(o event.OpeningIntended) bool { return o.Permit.Visit == v && o.Permit.Barrier == b })
	if !ok || p.cameToNothing(o.Permit.ID) && !o.Permit.Recovery {
		return false
	}
	_, _, shown := lastOf(p, func(s event.CodeShown) bool { return s.Permit == o.Permit.ID })
	return o.Permit.Type == event.PermitRemote || shown
}

// Law 5: not secured is not done.
func (p past) unproven(e event.Event, b event.BarrierSecured) string {
	o, at, ok := lastOf(p, func(o event.OpeningIntended) bool {
		return o.Permit.Visit == b.Visit && o.Permit.Barrier == b.Barrier
	})
	spec := p.spec(b.Barrier)
	bolt, contact := p.lastSaid(b.Barrier)
	switch {
	case !ok:
		return "nothing was opened"
	case !spec.Closure.Provable():
		return "nothing can prove it shut"
	case spec.Closure.Bolt && bolt != event.BoltLocked, spec.Closure.Contact && contact != event.ContactClosed:
		return "its device says otherwise"
	case b.ReachedAt <= at || spec.Closure.Bolt && b.BoltAt <= at:
		return "the proof is older than the order to open"
	case o.Permit.Type == event.PermitRemote && b.ReachedAt <= o.Permit.Resolve && p.mayStillHappen(o.Permit, spec, b.ReachedAt):
		return "the order may have arrived after the proof"
	case e.At.Since(b.ReachedAt) >= spec.Horizon:
		return "the proof is older than the device's horizon"
	}
	if why := first(p.codeMayBeUsed(o.Permit, b), p.carUnproven(o, at, b)); why != "" {
		return why
	}
	_, _, resolved := lastOf(p, func(r event.OpeningResolved) bool {
		return r.Permit == o.Permit.ID && (r.Outcome == event.Done || o.Permit.Recovery)
	})
	if !resolved {
		return "nobody knows yet whether it was opened"
	}
	return ""
}

// codeMayBeUsed: somebody opened the door, and its bolt never said so since the code was shown: the proof must be
// from after the code was forgotten.
func (p past) codeMayBeUsed(permit event.Permit, b event.BarrierSecured) string {
	_, at, _ := lastOf(p, func(s event.CodeShown) bool { return s.Permit == permit.ID })
	if permit.Type != event.PermitCode || !p.spec(permit.Barrier).Closure.Bolt || p.saidNow(permit, at, event.BoltUnlocked, "") {
		return ""
	}
	_, gone, ok := lastOf(p, func(c event.CodeRemoved) bool { return c.Permit == permit.ID && c.Confirmed })
	if !ok || b.BoltAt <= gone {
		return "the code could still have been used after the proof"
	}
	return ""
}

func (p past) endedTooSoon(e event.Event, b event.VisitEnded) string {
	if p.ended(b.Visit) {
		return "it had ended"
	}
	if want := p.howItMustEnd(b.Visit); b.How != want {
		return "it should end as " + string(want)
	}
	for i, old := range p {
		o, ok := old.Body.(event.OpeningIntended)
		if !ok || o.Permit.Visit != b.Visit || p.superseded(i, o.Permit) {
			continue
		}
		if why := p.stillOpen(e.At, i, o.Permit); why != "" {
			return string(o.Permit.Barrier) + ": " + why
		}
	}
	return ""
}

// superseded: a later permit stands in this one's place.
func (p past) superseded(i int, old event.Permit) bool {
	_, _, later := lastOf(p[i+1:], func(o event.OpeningIntended) bool {
		return o.Permit.Visit == old.Visit && o.Permit.Barrier == old.Barrier
	})
	return later
}

func (p past) stillOpen(at event.Instant, intended int, o event.Permit) string {
	if p.cameToNothing(o.ID) && !o.Recovery {
		return ""
	}
	if p[intended:].mayStillHappen(o, p.spec(o.Barrier), at) {
		return "the order may still take effect"
	}
	if p.takenOver(o.Visit) {
		return ""
	}
	if !p.spec(o.Barrier).Closure.Provable() {
		_, _, word := lastOf(p[intended:], func(c event.CloseAsked) bool { return c.Visit == o.Visit })
		return map[bool]string{true: "", false: "nobody gave their word"}[word]
	}
	for _, e := range slices.Backward(p[intended:]) {
		switch b := e.Body.(type) {
		case event.BarrierSecured:
			if b.Barrier == o.Barrier && b.Visit == o.Visit {
				return ""
			}
		case event.BarrierUnsecured:
			if b.Barrier == o.Barrier && b.Visit == o.Visit {
				return "it is no longer secured"
			}
		}
	}
	return "it was never secured"
}

// notThere: the last thing that was heard shows no hand at a barrier of the visit, in time after the member's claim.
func (p past) notThere(e event.Event, b event.VisitTakenOver) string {
	_, claimed, ok := lastOf(p, func(c event.TakeOverAsked) bool { return c.Visit == b.Visit && c.Member == b.Member })
	i := p.lastHeard()
	if !ok || i < 0 {
		return "nobody claimed it, or nothing was heard"
	}
	seen := p[i].Body.(event.BarrierObserved)
	o := seen.Observation
	hand := o.Contact != "" && p[:i].saidOther(seen.Barrier, "", o.Contact) ||
		o.Bolt != "" && p[:i].saidOther(seen.Barrier, o.Bolt, "") && (o.Cause == "manual" || o.Cause == "keypad")
	switch {
	case seen.Visit != b.Visit || p[i].At != e.At:
		return "nothing was heard of its barriers now"
	case o.Origin != event.OriginLive || o.Cause == "remote" || o.Cause == "auto":
		return "it was no hand that was heard of"
	case o.ReceivedAt < claimed || e.At.Since(claimed) > 2*event.Minute:
		return "it was heard before the claim, or too long after it"
	case !hand:
		return "nothing is known to have moved"
	}
	return ""
}

func (p past) howItMustEnd(v event.VisitID) event.VisitEnd {
	how := event.EndUnopened
	if p.takenOver(v) {
		return event.EndTakenOver
	}
	for _, e := range p {
		o, ok := e.Body.(event.OpeningIntended)
		switch {
		case !ok || o.Permit.Visit != v || p.cameToNothing(o.Permit.ID) && !o.Permit.Recovery:
		case !p.spec(o.Permit.Barrier).Closure.Provable():
			return event.EndUnproven
		default:
			how = event.EndSecured
		}
	}
	return how
}

func (p past) notDelivered(b event.DeliveryDelivered) string {
	v, begun := p.visit(b.Visit)
	way := p.wayIn(v.AccessPoint)
	switch {
	case p.blocked(b.Delivery):
		return "it was blocked"
	case p.tooLarge(b.Delivery, b.Visit):
		return "it does not fit"
	case !slices.Contains(p.stillIn(v, begun), b.Delivery):
		return "it was not part of the visit"
	case !p.sawOpen(b.Visit, way[len(way)-1].Barrier):
		return "the last barrier was never opened"
	}
	return ""
}

// missingAlarm: an order to open that is older than the dwell, whose barrier is neither secured nor taken over,
// is an alarm.
func (p past) missingAlarm(now event.Instant) string {
	for i, e := range p {
		o, ok := e.Body.(event.OpeningIntended)
		if !ok || p.ended(o.Permit.Visit) || p.superseded(i, o.Permit) || o.Permit.Recovery {
			continue
		}
		since, spent := p.openSince(e.At, o.Permit)
		overdue := spent && now >= since.Add(p.rules().Dwell) && !p.takenOver(o.Permit.Visit)
		if overdue && p.stillOpen(0, i, o.Permit) != "" && !p.waitsForTimeOnly(i, o.Permit) && !p.alarmed(o.Permit.Visit) {
			return "no alarm for " + string(o.Permit.Barrier) + ", intended at " + e.At.String()
		}
	}
	return ""
}

func (p past) openSince(intended event.Instant, o event.Permit) (event.Instant, bool) {
	if o.Type == event.PermitRemote {
		return intended, true
	}
	_, at, shown := lastOf(p, func(s event.CodeShown) bool { return s.Permit == o.ID })
	return at, shown
}

// waitsForTimeOnly: everything is shut, and only the last possible moment of an order is waited for.
func (p past) waitsForTimeOnly(i int, o event.Permit) bool {
	return p.stillOpen(1<<60, i, o) == ""
}

func (p past) alarmed(v event.VisitID) bool {
	for _, e := range slices.Backward(p) {
		switch b := e.Body.(type) {
		case event.AlarmRaised:
			if b.Visit == v {
				return true
			}
		case event.AlarmEnded:
			if b.Visit == v {
				return false
			}
		}
	}
	return false
}

// An alarm that stands has one owner, of the operator's staff.
func (p past) wronglyOwned(b event.AlarmAcknowledged) string {
	if b.By.Kind != event.ActorOperator || !p.alarmed(b.Visit) {
		return "there is no alarm, or it is not this actor's business"
	}
	for _, e := range slices.Backward(p) {
		switch x := e.Body.(type) {
		case event.AlarmAcknowledged:
			if x.Visit == b.Visit {
				return "it has an owner already"
			}
		case event.AlarmEnded:
			if x.Visit == b.Visit {
				return ""
			}
		}
	}
	return ""
}

// A barrier is lent to one visit at a time, with a number that only grows.
func (p past) lentTwice(b event.LeaseGranted) string {
	for i, e := range p {
		g, ok := e.Body.(event.LeaseGranted)
		if !ok {
			continue
		}
		switch {
		case g.Number >= b.Number:
			return "the fencing number does not grow"
		case g.Lease == b.Lease:
			return "that lease was granted before"
		}
		_, _, back := lastOf(p[i:], func(x event.LeaseEnded) bool { return x.Lease == g.Lease })
		if g.Barrier == b.Barrier && !back {
			return "it is lent already"
		}
	}
	return ""
}

// A lease was spent if an order to open went out under it, and given back as that.
func (p past) wronglyReturned(b event.LeaseReturned) string {
	_, _, spent := lastOf(p, func(o event.OpeningIntended) bool { return o.Permit.Lease == b.Lease })
	if spent != b.Spent {
		return map[bool]string{true: "it was spent", false: "it was not spent"}[spent]
	}
	return ""
}

// untrue asks the door itself: since the order to open reached it, it must have been shut at some moment.
func (w *world) untrue(b event.BarrierSecured) string {
	d := w.doors[b.Barrier]
	if w.forged || d.opened == 0 || d.shut() || d.openAt > d.opened || w.now.Since(d.opened) <= latency {
		return ""
	}
	return "in truth the door was never shut since " + d.opened.String()
}

package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// law4 asks of each block whether its answer was the right one, and of everything that opened later whether a
// block had won.
func law4(x *exam) {
	for _, b := range every[event.BlockAnswered](x.history) {
		x.judge(b.pos, x.whyAnswered(b).about("the block of %s", b.body.Delivery))
	}
	for _, e := range every[event.LendingEnded](x.history) {
		x.judge(e.pos, x.whyEnded(e).about("the end of lending %s to %s", e.body.Barrier, e.body.Borrower))
	}
	for _, o := range every[event.OpeningIntended](x.history) {
		if p := o.body.Permit; !p.Recovery && p.Member == "" {
			x.blame(o.pos, x.blockedBefore(p.Visit, o.pos).about("%s to open %s", p.ID, p.Barrier))
		}
	}
	for _, s := range every[event.CodeShown](x.history) {
		x.blame(s.pos, x.blockedBefore(s.body.Visit, s.pos).about("the code of %s was shown", s.body.Permit))
	}
	for _, d := range every[event.DeliveryDelivered](x.history) {
		var f faults
		f.need(!x.isBlocked(d.body.Delivery, d.pos), "%s was blocked, and called delivered", d.body.Delivery)
		x.blame(d.pos, f)
	}
	for _, g := range every[event.LeaseGranted](x.history) {
		x.blame(g.pos, x.lendingEndedBefore(g).about("%s was given %s", g.body.Lease, g.body.Barrier))
	}
}

// blockedBefore: not everything that the visit still had was blocked. For a delivery that was not, the visit goes on.
func (x *exam) blockedBefore(id event.VisitID, pos int) (f faults) {
	v, ok := last[event.VisitBegun](x.history, id, pos)
	if !ok {
		return nil // law 1 tells
	}
	waiting, blocked := x.due(v, pos)
	f.need(len(blocked) == 0 || len(waiting) > 0, "a block of all that was left had been answered with yes")
	return f
}

// whyAnswered works the verdict out again.
func (x *exam) whyAnswered(b entry[event.BlockAnswered]) (f faults) {
	right, orders := x.verdict(b.body.Delivery, b.pos)
	f.need(b.body.Verdict == right, "was answered %q, and should have been %q", b.body.Verdict, right)
	switch b.body.Verdict {
	case event.BlockWon:
		f.need(b.body.IntendedAt == 0, "nothing was to be opened, and it names an order of %s", b.body.IntendedAt)
	case event.BlockFromHere, event.BlockTooLate:
		f.need(slices.ContainsFunc(orders, func(o intent) bool { return o.at == b.body.IntendedAt }),
			"it names an order of %s, and there was none", b.body.IntendedAt)
	default: // nothing was promised
	}
	return f
}

// verdict is the right answer to a block at a position, with the orders to open that had been given for it.
func (x *exam) verdict(d event.DeliveryID, pos int) (right event.BlockVerdict, orders []intent) {
	_, booked := last[event.DeliveryBooked](x.history, d, pos)
	switch {
	case !booked || x.finished(d, pos):
		return event.BlockEnded, nil
	case x.isBlocked(d, pos):
		return event.BlockAlready, nil
	}
	v, ok := last[event.VisitBegun](x.history, d, pos)
	if !ok || x.over(v.body.Visit, pos) || x.gone(d, v, pos) {
		return event.BlockWon, nil
	}
	spent := make(map[event.BarrierID]bool)
	for _, o := range x.standing(v.body.Visit, pos) {
		spent[o.body.Permit.Barrier] = x.spent(o, pos)
	}
	return verdictOf(x.wayIn(v), spent), x.intents(v.body.Visit, pos)
}

// verdictOf: nothing spent, the block wins; the last barrier spent, it comes too late.
func verdictOf(way []event.BarrierRef, spent map[event.BarrierID]bool) event.BlockVerdict {
	right := event.BlockWon
	for i, step := range way {
		switch {
		case !spent[step.Barrier]:
		case i == len(way)-1:
			return event.BlockTooLate
		default:
			right = event.BlockFromHere
		}
	}
	return right
}

func (x *exam) whyEnded(e entry[event.LendingEnded]) (f faults) {
	right := event.BlockWon
	lease, out := x.lentOut(e.body.Barrier, e.pos)
	switch {
	case out && event.SiteOf(lease) == e.body.Borrower:
		right = event.BlockTooLate
	case !x.lends(e.body.Barrier, e.body.Borrower, e.pos):
		right = event.BlockAlready
	}
	f.need(e.body.Verdict == right, "was answered %q, and should have been %q", e.body.Verdict, right)
	return f
}

// lends says whether the lending to a borrower was allowed and had not ended.
func (x *exam) lends(b event.BarrierID, borrower event.SiteID, pos int) bool {
	allowed := -1
	for _, a := range all[event.LendingAllowed](x.history, b, pos) {
		if a.body.Borrower == borrower {
			allowed = a.pos
		}
	}
	return allowed >= 0 && !x.lendingEnded(b, borrower, allowed, pos)
}

func (x *exam) lendingEnded(b event.BarrierID, borrower event.SiteID, after, before int) bool {
	for _, e := range between[event.LendingEnded](x.history, b, after, before) {
		if e.body.Borrower == borrower {
			return true
		}
	}
	return false
}

// lendingEndedBefore: the lending had not ended, which is the lender's block. Whether it was ever allowed, is law
// 1's.
func (x *exam) lendingEndedBefore(g entry[event.LeaseGranted]) (f faults) {
	borrower := event.SiteOf(g.body.Lease)
	ended := x.everLent(g.body.Barrier, borrower, g.pos) && !x.lends(g.body.Barrier, borrower, g.pos)
	f.need(!ended, "the lending to %s had ended", borrower)
	return f
}

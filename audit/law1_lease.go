package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// borrowed: another site's barrier is opened by a lease that was received, not returned, and not spent before. What
// the lender wrote is compared when all journals have been read.
func (x *exam) borrowed(f *faults, o intent) {
	p := o.body.Permit
	got, ok := last[event.LeaseReceived](x.history, p.Lease, o.pos)
	if !ok {
		f.need(false, "the barrier is another site's, and no lease of it was received")
		return
	}
	asked, ok := last[event.LeaseAsked](x.history, p.Lease, got.pos)
	f.need(ok && asked.body.Barrier == p.Barrier && asked.body.Visit == p.Visit, "the lease was not asked for this barrier and visit")
	f.need(got.body.Number == p.Fence, "its fencing number is %d, and the lease's %d", p.Fence, got.body.Number)
	f.need(!has[event.LeaseReturned](x.history, p.Lease, got.pos, o.pos), "the lease had been returned")
	f.need(p.Recovery || !x.spentInVain(o), "the lease had been spent")
	x.leases.spent = append(x.leases.spent, spentLease{x.where(o.pos), p, got.body.Spec})
}

// spentInVain says whether the lease had a permit that came to nothing; one that opened, or may yet, is found by
// the laws 2 and 3.
func (x *exam) spentInVain(o intent) bool {
	return slices.ContainsFunc(all[event.OpeningIntended](x.history, o.body.Permit.Lease, o.pos), func(e intent) bool {
		return !e.body.Permit.Recovery && x.failed(e.body.Permit.ID, o.pos)
	})
}

// whyGranted: what the lender needs for the grant, which is its intent.
func (x *exam) whyGranted(g entry[event.LeaseGranted]) (f faults) {
	b, borrower := g.body.Barrier, event.SiteOf(g.body.Lease)
	reserved, ok := last[event.BarrierReserved](x.history, b, g.pos)
	f.need(ok && has[event.BarrierEnrolled](x.history, b, -1, g.pos), "nobody had worked the barrier by hand")
	f.need(!has[event.BarrierRetired](x.history, b, -1, g.pos), "the barrier was retired")
	f.need(reserved.body.Spec == g.body.Spec, "it was lent as something else than was enrolled")
	f.need(g.body.Spec.Closure.Provable() || reserved.body.AcceptUnprovable, "nothing can prove it shut, and its owner had not accepted that")
	f.need(!x.closed(g.pos), "the members had moved out")
	f.need(x.everLent(b, borrower, g.pos), "no member had allowed %s to borrow it", borrower)
	before, ok := latest[event.LeaseGranted](x.history, g.pos)
	f.need(!ok || before.body.Number < g.body.Number, "its fencing number %d is not above the last, %d", g.body.Number, before.body.Number)
	of := granted{g.body.Lease, x.site}
	x.leases.granted[of] = append(x.leases.granted[of], g.body)
	return f
}

// everLent says whether a member had allowed the lending; whether it had ended again is law 4's.
func (x *exam) everLent(b event.BarrierID, borrower event.SiteID, pos int) bool {
	return slices.ContainsFunc(all[event.LendingAllowed](x.history, b, pos), func(a entry[event.LendingAllowed]) bool {
		return a.body.Borrower == borrower && x.byMember(a.body.By, a.pos)
	})
}

// leases is what has to be compared between the journals of borrowers and lenders.
type leases struct {
	// granted are the grants of a lease: more than one when the question came again, after it had been returned.
	granted  map[granted][]event.LeaseGranted
	returned map[event.LeaseID]bool
	spent    []spentLease
	ended    []endedLease
	told     []told
	// heard are the reports of barriers while they were lent, and whether each counts by what the lender had heard.
	heard     map[heard]bool
	lent      map[lending]bool
	reliances []reliance
	relied    map[heard]bool
}

type granted struct {
	lease  event.LeaseID
	lender event.SiteID
}

// where is an event that has to be compared with another journal.
type where struct {
	site event.SiteID
	seq  uint64
	at   event.Instant
}

func (x *exam) where(pos int) where { return where{x.site, x.seq(pos), x.events[pos].At} }

type spentLease struct {
	where
	permit event.Permit
	spec   event.Spec
}

type endedLease struct {
	where
	lease event.LeaseID
}

func newLeases() *leases {
	return &leases{granted: make(map[granted][]event.LeaseGranted), returned: make(map[event.LeaseID]bool),
		heard: make(map[heard]bool), lent: make(map[lending]bool), relied: make(map[heard]bool)}
}

// acrossSites compares: each lease that was spent, with its grant; each that ended, with its return; what each was
// received with, and what was reported of its barrier, with what the lender knew.
func (c *check) acrossSites() {
	l, reason, intent, evidence := c.leases, &c.report.Laws[0], &c.report.Laws[2], &c.report.Laws[4]
	for _, s := range l.spent {
		c.compare(reason, s.where, l.whyLent(s).about("%s to open %s", s.permit.ID, s.permit.Barrier))
	}
	for _, e := range l.ended {
		var f faults
		f.need(l.returned[e.lease], "the barrier was taken back, and %s had not been returned", e.lease)
		c.compare(intent, e.where, f)
	}
	for _, t := range l.told {
		c.compare(evidence, t.where, l.whyTold(t).about("%s was received", t.lease))
	}
	for _, r := range l.reliances {
		c.compare(evidence, r.where, l.whyHeard(r))
	}
}

// compare tells of faults, unless the event was written after the reading of the journals began: the other journal
// may have been read before it.
func (c *check) compare(law *LawReport, at where, f faults) {
	switch {
	case len(f) == 0:
	case c.options.Now != 0 && at.at > c.options.Now:
		law.remark("too young to be compared with another site's journal")
	default:
		law.violate(at.site, at.seq, f.String())
	}
}

// whyLent: the lender granted this lease, for this barrier and device, with this fencing number.
func (l *leases) whyLent(s spentLease) (f faults) {
	p := s.permit
	grants := l.granted[granted{p.Lease, event.SiteOf(p.Barrier)}]
	i := slices.IndexFunc(grants, func(g event.LeaseGranted) bool { return g.Number == p.Fence })
	if i < 0 {
		f.need(false, "the lender's journal has no grant of %s with the fencing number %d", p.Lease, p.Fence)
		return f
	}
	f.need(grants[i].Barrier == p.Barrier, "the lender granted %s", grants[i].Barrier)
	f.need(grants[i].Spec == s.spec, "the lender described another device")
	return f
}

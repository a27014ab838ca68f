package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// law3 asks of each command whether its intent came first, and of each intent whether every earlier command to
// that barrier was over.
func law3(x *exam) {
	pending := make(map[event.BarrierID][]intent)
	for _, o := range every[event.OpeningIntended](x.history) {
		p := o.body.Permit
		var f faults
		x.intendedFirst(&f, o)
		x.resolveTime(&f, o)
		x.notLent(&f, o)
		pending[p.Barrier] = slices.DeleteFunc(pending[p.Barrier], func(e intent) bool { return x.settled(e, o.pos) })
		for _, e := range pending[p.Barrier] {
			f.need(x.mayNotHappen(e, o), "the command of %s might still happen", e.body.Permit.ID)
		}
		pending[p.Barrier] = append(pending[p.Barrier], o)
		x.judge(o.pos, f.about("%s to open %s", p.ID, p.Barrier))
	}
	for _, r := range every[event.OpeningResolved](x.history) {
		x.blame(r.pos, x.whyResolved(r).about("the outcome of %s", r.body.Permit))
	}
	x.lentOnce()
}

// intendedFirst: the command left after the intent was written.
func (x *exam) intendedFirst(f *faults, o intent) {
	for _, s := range x.sent.of(o.body.Permit.ID) {
		f.need(s.At.Add(x.options.Skew) >= o.at, "it was sent at %s, before the intent of %s", s.At, o.at)
	}
}

// resolveTime: the moment after which the command can't happen any more is as late as the device declares.
func (x *exam) resolveTime(f *faults, o intent) {
	p := o.body.Permit
	spec, _, known := x.spec(p, o.pos)
	switch {
	case !known: // law 1 tells
	case spec.Lateness == event.UnboundedLateness:
		f.need(p.Resolve == 0, "nobody knows how late its device may act, and it counts as over at %s", p.Resolve)
	default:
		over := p.Deadline.Add(spec.Lateness + spec.Window)
		f.need(p.Resolve == 0 || p.Resolve >= over, "it counts as over at %s, and its device may act until %s", p.Resolve, over)
	}
}

// settled says whether a command is known to be over: it came to nothing, or it was done, by the device's own word
// or at any rate too long ago to come again, and a code was forgotten.
func (x *exam) settled(o intent, pos int) bool {
	p := o.body.Permit
	switch x.outcome(p.ID, pos) {
	case event.NotDone:
		return true
	case event.Done:
		return x.events[pos].At > x.mayArrive(p, pos) && (p.Type != event.PermitCode || x.forgotten(p.ID, pos))
	default:
		return false
	}
}

// forgotten says whether the device, read back, no longer had the code.
func (h *history) forgotten(p event.PermitID, before int) bool { return h.forgottenAt(p, before) != 0 }

func (h *history) forgottenAt(p event.PermitID, before int) event.Instant {
	for _, r := range all[event.CodeRemoved](h, p, before) {
		if r.body.Confirmed {
			return r.at
		}
	}
	return 0
}

// mayNotHappen says whether a command without a known outcome is over when the next is intended: its visit is, and
// the device's latest time to act has passed; where it has none, a member took the visit over. A second code in a
// visit that set one is law 2's.
func (x *exam) mayNotHappen(e, o intent) bool {
	p := e.body.Permit
	if p.Type == event.PermitCode {
		return x.outcome(p.ID, o.pos) == event.Done && p.Visit == o.body.Permit.Visit || x.forgotten(p.ID, o.pos)
	}
	taken := has[event.VisitTakenOver](x.history, p.Visit, e.pos, o.pos)
	if p.Resolve == 0 {
		return taken
	}
	return (taken || x.over(p.Visit, o.pos)) && o.at > p.Resolve
}

// notLent: no borrower holds a lease of the barrier.
func (x *exam) notLent(f *faults, o intent) {
	lease, out := x.lentOut(o.body.Permit.Barrier, o.pos)
	f.need(!out, "it was lent out by %s", lease)
}

// whyResolved: "not done" is believed only from the device itself, or when the command can no longer happen and
// the barrier was seen shut since; "done", never because time passed.
func (x *exam) whyResolved(r entry[event.OpeningResolved]) (f faults) {
	o, ok := x.intentOf(r.body.Permit, r.pos)
	if !ok {
		f.need(false, "nothing intended it")
		return f
	}
	before := x.outcome(r.body.Permit, r.pos)
	f.need(before != event.NotDone, "it was known to have come to nothing, and became %q", r.body.Outcome)
	f.need(r.body.By != event.ByTime || r.body.Outcome == event.Unknown, "%q because time passed", r.body.Outcome)
	f.need(r.body.By != event.BySight || r.body.Outcome == event.Done, "%q by sight", r.body.Outcome)
	if r.body.By == event.BySigns {
		_, seen := x.lastSign(o, r.pos)
		f.need(seen && r.body.Outcome == event.Done, "%q by signs, and there are none", r.body.Outcome)
		f.need(o.body.Permit.Resolve != 0 && r.at > o.body.Permit.Resolve, "by signs while it could still happen")
	}
	if r.body.By == event.ByReading && r.body.Outcome == event.NotDone {
		x.cameToNothing(&f, o, r)
	}
	return f
}

func (x *exam) cameToNothing(f *faults, o intent, r entry[event.OpeningResolved]) {
	p := o.body.Permit
	spec, _, _ := x.spec(p, o.pos)
	over := p.Resolve
	if p.Type == event.PermitCode {
		f.need(x.forgotten(p.ID, r.pos), "the device had not forgotten the code")
		if !x.spent(o, r.pos) {
			return
		}
		over = x.forgottenAt(p.ID, r.pos)
	}
	f.need(over != 0 && r.at >= over, "it could still happen")
	lacks := x.reading(p.Barrier, r.pos).lacks(spec, wholly(over))
	f.need(lacks == "", "nothing showed the barrier shut since: %s", lacks)
}

// lentOnce: for the lender a grant is the intent; a second one waits until the first lease is back.
func (x *exam) lentOnce() {
	for _, g := range every[event.LeaseGranted](x.history) {
		lease, out := x.lentOut(g.body.Barrier, g.pos)
		x.law.Cases++
		var f faults
		f.need(!out, "%s still had it", lease)
		f.need(out || !x.inUse(g.body.Barrier, g.pos), "a visit of the lender still had it")
		x.blame(g.pos, f.about("%s was lent by %s", g.body.Barrier, g.body.Lease))
	}
	for _, e := range every[event.LeaseEnded](x.history) {
		x.leases.ended = append(x.leases.ended, endedLease{x.where(e.pos), e.body.Lease})
	}
	for _, r := range every[event.LeaseReturned](x.history) {
		if event.SiteOf(r.body.Lease) == x.site {
			x.leases.returned[r.body.Lease] = true
		}
	}
}

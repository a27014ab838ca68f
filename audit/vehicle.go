package audit

import (
	"maps"
	"slices"
	"sort"

	"github.com/loquet/loquet/event"
)

// Bounds of a car that was found, which stand here independently of the decisions.
const (
	// mostSightingAge is how long before an order to open the car may have been looked for.
	mostSightingAge = 5 * event.Minute
	// mostParkedAge is how old its position may be: it says to be parked, or nothing opens.
	mostParkedAge = 3 * event.Day
	// mostSetUp is for how long a car is listened to that is being enrolled.
	mostSetUp = event.Hour
	// mostDrift is how far it may seem to stand from its spot without having moved, in metres.
	mostDrift = 40
)

// sameLook: what was found belongs to the same visit, the same delivery, or else the same car's spot.
func sameLook(s event.VehicleSought, f event.VehicleFound) bool {
	return s.AccessPoint == f.AccessPoint && s.Visit == f.Visit && s.Delivery == f.Delivery
}

// vehicle: a car is opened only as a member accepted it, and was found for this visit just before: near the reference
// address, not moving, not indoors, locked and closed, and not heard to be open since. What is opened again in a visit
// was found before its first opening.
func (x *exam) vehicle(f *faults, o intent, v visit) {
	p := o.body.Permit
	spec, _, _ := x.spec(p, o.pos)
	added, _ := last[event.AccessPointAdded](x.history, v.body.AccessPoint, o.pos)
	terms := added.body.Vehicle
	f.need(terms.Reveals == spec.Reveals, "its opening lays open %q, and %q was accepted", spec.Reveals, terms.Reveals)
	f.need(o.body.Ready.Reveals == spec.Reveals, "its device declared that it lays open %q, and was enrolled with %q", o.body.Ready.Reveals, spec.Reveals)
	if !spec.Vehicle() {
		return
	}
	f.need(x.byMember(added.body.By, added.pos), "its terms were accepted by no member")
	f.need(p.Type == event.PermitRemote, "a car takes no code")
	if p.Recovery {
		return
	}
	f.need(!x.indoors(v.body.AccessPoint, o.pos), "the car stood where it can't be reached")
	x.consentStands(f, v.body.AccessPoint, o.pos)
	found, ok := last[event.VehicleFound](x.history, p.Visit, o.pos)
	if !ok {
		f.need(false, "the car had not been found for this visit")
		return
	}
	f.need(o.at.Since(found.body.Seen.AskedAt) <= mostSightingAge, "the car was found at %s, and that is too long ago", found.body.Seen.AskedAt)
	fit(f, found.body.Seen, terms, spec.Closure)
	x.silentSince(f, p.Barrier, v, o.pos)
}

// consentStands: the household never took the car out, and the last word about it is not that the consent at its maker is
// gone.
func (x *exam) consentStands(f *faults, a event.AccessPointID, pos int) {
	latest := true
	for found := range backwards[event.VehicleFound](x.history, a, pos) {
		fault := found.body.Seen.Fault
		f.need(fault != event.VehicleParted, "its household had taken the car out")
		f.need(!latest || fault != event.VehicleRevoked, "the consent at the car's maker was gone")
		latest = false
	}
}

// fit: what was found of a car lets it be opened.
func fit(f *faults, s event.Sighting, terms event.VehicleTerms, c event.Closure) {
	if s.Fault != "" {
		f.need(false, "the car had not been found: %q", s.Fault)
		return
	}
	f.need(s.Distance >= 0 && s.Distance <= terms.Within, "the car stood %d m away, and may be %d m away", s.Distance, terms.Within)
	f.need(s.Motion == event.MotionParked, "the car was moving, or nobody knew that it stood still")
	f.need(s.Age >= 0 && s.Age <= mostParkedAge, "the car's position was %s old", s.Age.Duration())
	shut := (!c.Bolt || s.Bolt == event.BoltLocked) && (!c.Contact || s.Contact == event.ContactClosed)
	f.need(shut, "the car was not locked and closed")
}

// silentSince: nothing that the car said since the visit began shows it open or unlocked.
func (x *exam) silentSince(f *faults, b event.BarrierID, v visit, pos int) {
	heard := x.readingsBetween(b, v.pos, pos)
	if len(heard) == 0 {
		return
	}
	now := heard[len(heard)-1]
	f.need(now.bolt.is == "" || now.bolt.is == event.BoltLocked, "the car said to be %s", now.bolt.is)
	f.need(now.contact.is == "" || now.contact.is == event.ContactClosed, "the car said to be %s", now.contact.is)
}

// indoors says whether the household's last word is that the car can't be reached where it stands, and it was not found
// elsewhere by a look that began since.
func (x *exam) indoors(a event.AccessPointID, pos int) bool {
	said, ok := last[event.SpotDescribed](x.history, a, pos)
	return ok && said.body.Indoors &&
		!slices.ContainsFunc(between[event.VehicleFound](x.history, a, said.pos, pos), func(f entry[event.VehicleFound]) bool {
			return f.body.Seen.Fault == "" && f.body.Seen.AskedAt >= said.at && f.body.Seen.FromSpot > mostDrift
		})
}

// spots: where a car stands is a member's word.
func (x *exam) spots() {
	for _, s := range every[event.SpotDescribed](x.history) {
		var f faults
		f.need(x.byMember(s.body.By, s.pos), "by no member of the site")
		x.blame(s.pos, f.about("where %s stands was described", s.body.AccessPoint))
	}
}

// parted: a car is not taken out while a visit needs it: it could not be locked any more.
func (x *exam) parted() {
	for _, found := range every[event.VehicleFound](x.history) {
		if found.body.Seen.Fault != event.VehicleParted {
			continue
		}
		var f faults
		for _, v := range all[event.VisitBegun](x.history, found.body.AccessPoint, found.pos) {
			f.need(x.over(v.body.Visit, found.pos), "the visit %s was under way", v.body.Visit)
		}
		x.judge(found.pos, f.about("%s was taken out", found.body.AccessPoint))
	}
}

// sought: a finding answers the last question, once, by what was asked of the car since. That a consent is gone, or a car
// was taken out, may be told at any time.
func (x *exam) sought(f *faults, pos int) {
	found, is := x.events[pos].Body.(event.VehicleFound)
	told := found.Seen.Fault == event.VehicleRevoked || found.Seen.Fault == event.VehicleParted
	if !is || found.Round == "" && told {
		return
	}
	asked, answered := -1, -1
	for s := range backwards[event.VehicleSought](x.history, found.AccessPoint, pos) {
		if sameLook(s.body, found) {
			asked = s.pos
			f.need(found.Seen.AskedAt >= s.at, "it is called found by a question of %s, and was looked for at %s", found.Seen.AskedAt, s.at)
			f.need(found.Round == s.body.Round, "it was looked for in the round %q, and found in %q", s.body.Round, found.Round)
			break
		}
	}
	for e := range backwards[event.VehicleFound](x.history, found.AccessPoint, pos) {
		if e.body.Round != "" && e.body.Visit == found.Visit && e.body.Delivery == found.Delivery {
			answered = e.pos
			break
		}
	}
	f.need(asked > answered, "nobody had looked for the car")
}

// heardIn are the stretches of the journal in which a car is listened to: until it is enrolled, for an hour at most, while
// a visit is on its way to it, and while the household wants its cars watched.
func (h *history) heardIn(b event.BarrierID) []stretch {
	reasons := 1 // being enrolled
	begins, ends := make(map[int]int), make(map[int]int)
	ends[h.setUp(b)]++
	for _, a := range all[event.AccessPointAdded](h, b, h.end()) {
		for _, v := range all[event.VisitBegun](h, a.body.AccessPoint, h.end()) {
			begins[v.pos]++
			if ended, ok := last[event.VisitEnded](h, v.body.Visit, h.end()); ok {
				ends[ended.pos]++
			}
		}
	}
	watched := false
	for _, r := range every[event.RulesSet](h) {
		if r.body.Rules.WatchCars != watched {
			watched = !watched
			map[bool]map[int]int{true: begins, false: ends}[watched][r.pos]++
		}
	}
	return stretches(begins, ends, reasons, h.end())
}

// setUp is where nobody listens to a car any more because it is being enrolled.
func (h *history) setUp(b event.BarrierID) int {
	over := h.end()
	for _, e := range all[event.BarrierEnrolled](h, b, h.end()) {
		over = e.pos
		break
	}
	reserved, ok := last[event.BarrierReserved](h, b, h.end())
	if !ok {
		return over
	}
	late := sort.Search(len(h.events), func(i int) bool { return h.events[i].At >= reserved.at.Add(mostSetUp) })
	return min(over, late)
}

// stretch is from one position to another, neither included.
type stretch struct{ from, to int }

// stretches are where the number of reasons, which begins at the start and changes at positions, is above 0. Where one ends
// by its time and another begins, nobody listened between them.
func stretches(begins, ends map[int]int, reasons, end int) []stretch {
	var list []stretch
	if reasons > 0 {
		list = append(list, stretch{-1, end})
	}
	positions := append(slices.Collect(maps.Keys(begins)), slices.Collect(maps.Keys(ends))...)
	slices.Sort(positions)
	for _, pos := range slices.Compact(positions) {
		if before := reasons; before > 0 && before <= ends[pos] {
			list[len(list)-1].to = pos
		}
		reasons -= ends[pos]
		if reasons <= 0 && reasons+begins[pos] > 0 {
			list = append(list, stretch{pos, end})
		}
		reasons += begins[pos]
	}
	return list
}

// overheard: what a car says outside these stretches is in nobody's journal, and how far it is charged never is.
func (x *exam) overheard(b event.BarrierID) {
	heard := x.heardIn(b)
	for _, o := range all[event.BarrierObserved](x.history, b, x.end()) {
		var f faults
		asked := slices.ContainsFunc(heard, func(s stretch) bool { return s.from < o.pos && o.pos < s.to })
		f.need(asked, "it was listened to between visits, and nobody had asked for it")
		x.judge(o.pos, f.about("%s", b))
	}
}

// charges: of a car, a journal holds nothing but what a visit needs.
func (x *exam) charges(f *faults, pos int) {
	if o, is := x.events[pos].Body.(event.BarrierObserved); is && o.Observation.Battery != 0 {
		reserved, _ := last[event.BarrierReserved](x.history, o.Barrier, pos)
		f.need(!reserved.body.Spec.Vehicle(), "it tells how far a car is charged")
	}
}

// tooLarge says whether a courier had said that a delivery does not fit into the access point that it goes to.
func (h *history) tooLarge(d event.DeliveryID, before int) bool {
	said, ok := last[event.ParcelTooLarge](h, d, before)
	return ok && !has[event.DeliveryDiverted](h, d, said.pos, before)
}

// handleFree says whether a trunk's handle that an order freed may still be used: until the bolt says that it was.
func (h *history) handleFree(p event.Permit, before int) bool {
	spec, _, _ := h.spec(p, before)
	o, ok := h.intentOf(p.ID, before)
	return ok && spec.Reveals == event.RevealsHandle && !slices.ContainsFunc(h.readingsBetween(p.Barrier, o.pos, before), func(r reading) bool {
		return r.bolt.current && r.bolt.is == event.BoltUnlocked && r.bolt.when.after(o.moment())
	})
}

// usedHandle says since when a trunk is known to be open by the handle that an order freed: the car said so, or the courier
// did. What is opened again stood open before.
func (h *history) usedHandle(p event.Permit, before int) (event.Instant, bool) {
	used := before
	for _, r := range all[event.OpeningResolved](h, p.ID, before) {
		switch {
		case r.body.Outcome != event.Done:
		case r.body.By != event.ByAnswer || p.Recovery:
			used = min(used, r.pos)
		default:
			for _, d := range between[event.DepositRecorded](h, p.Visit, r.pos, before) {
				used = min(used, d.pos)
			}
		}
	}
	if used == before {
		return 0, false
	}
	return h.events[used].At, true
}

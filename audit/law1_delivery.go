package audit

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// courierOf is who acted, with which key, and the request that shows it.
type courierOf struct {
	courier event.CourierID
	key     event.KeyID
	signed  event.Signed
}

// byCourier: the visit's courier, assigned and not suspended, by a request that the assigned key signed and that
// counted once.
func (x *exam) byCourier(f *faults, v visit, c courierOf, pos int) {
	f.need(c.courier != "" && c.courier == v.body.Courier, "it is for the courier %q, and the visit is %q's", c.courier, v.body.Courier)
	f.need(c.key != "" && c.key == v.body.Key, "it is for another device key than the visit")
	assigned, ok := x.assignedKey(c.courier, c.key, pos)
	if !ok {
		f.need(false, "no courier was assigned with that key")
		return
	}
	f.need(!has[event.CourierSuspended](x.history, c.courier, min(assigned.pos, v.pos), pos), "the courier was suspended")
	f.need(c.signed.Key == c.key, "the request is signed by another key")
	if err := x.signature(assigned.body.PublicKey, c.signed); err != nil {
		f.need(false, "the request: %v", err)
	}
	f.need(!x.used(c.signed, pos), "the proof of the request had been used")
}

// assignedKey is the latest assignment of a courier with a key, which holds the public key itself.
func (h *history) assignedKey(c event.CourierID, k event.KeyID, before int) (entry[event.CourierAssigned], bool) {
	for a := range backwards[event.CourierAssigned](h, k, before) {
		if a.body.Courier == c {
			return a, true
		}
	}
	return entry[event.CourierAssigned]{pos: -1}, false
}

// deliveries: at least one still waits, and each that does allows it. Where all that are left were blocked, law 4
// tells.
func (x *exam) deliveries(f *faults, v visit, pos int) {
	waiting, blocked := x.due(v, pos)
	f.need(len(waiting)+len(blocked) > 0, "no delivery of the visit was left")
	for _, d := range waiting {
		var of faults
		x.delivery(&of, d, v, pos)
		*f = append(*f, of.about("%s", d)...)
	}
}

func (x *exam) delivery(f *faults, d event.DeliveryID, v visit, pos int) {
	booked, ok := last[event.DeliveryBooked](x.history, d, pos)
	if !ok {
		f.need(false, "it was never booked")
		return
	}
	at := x.events[pos].At
	window := booked.body.Window
	f.need(window.Holds(at), "at %s, outside its window from %s to %s", at, window.From, window.To)
	assigned, ok := last[event.CourierAssigned](x.history, d, pos)
	f.need(ok && assigned.body.Courier == v.body.Courier && assigned.body.Key == v.body.Key &&
		!has[event.CourierUnassigned](x.history, d, assigned.pos, pos), "it was not assigned to this courier with this key")
	f.need(x.accessPointOf(booked, pos) == v.body.AccessPoint, "it goes to another access point")
	x.consent(f, booked, v, pos)
	x.parcels(f, booked, v, pos)
	x.questions(f, d, v, pos)
}

// accessPointOf is where a delivery goes: where it was booked for, or where plan B moved it.
func (x *exam) accessPointOf(booked entry[event.DeliveryBooked], pos int) event.AccessPointID {
	moved, ok := last[event.DeliveryDiverted](x.history, booked.body.Delivery, pos)
	if ok && moved.body.To.Kind == event.FallbackAccessPoint {
		return moved.body.To.AccessPoint
	}
	return booked.body.AccessPoint
}

// consent: given by a member, not taken back, within its limits and at that time.
func (x *exam) consent(f *faults, booked entry[event.DeliveryBooked], v visit, pos int) {
	given, ok := last[event.DeliveryConsented](x.history, booked.body.Delivery, pos)
	if !ok || has[event.DeliveryUnconsented](x.history, booked.body.Delivery, given.pos, pos) {
		f.need(false, "nobody consented")
		return
	}
	at := x.events[pos].At
	f.need(event.Within(given.body.Allowed, at), "at %s, outside what was allowed", at)
	if given.body.Consent == "" {
		f.need(x.byMember(given.body.By, given.pos), "the consent is by %s %s, who is no member", given.body.By.Kind, given.body.By.ID)
		return
	}
	x.standingConsent(f, booked, v, given, pos)
}

// standingConsent: its limits cover the delivery. Where it was withdrawn after something had been opened in the
// visit, the visit may go on.
func (x *exam) standingConsent(f *faults, booked entry[event.DeliveryBooked], v visit, given entry[event.DeliveryConsented], pos int) {
	standing, ok := last[event.ConsentGiven](x.history, given.body.Consent, given.pos)
	if !ok {
		f.need(false, "the consent %s does not exist", given.body.Consent)
		return
	}
	c, d := standing.body.Consent, booked.body
	withdrawn, ended := last[event.ConsentWithdrawn](x.history, c.ID, pos)
	f.need(!ended || withdrawn.pos < standing.pos || len(x.standing(v.body.Visit, withdrawn.pos)) > 0, "the consent was withdrawn")
	f.need(x.byMember(standing.body.By, standing.pos), "the consent is by %s %s, who is no member", standing.body.By.Kind, standing.body.By.ID)
	f.need(c.AccessPoint == d.AccessPoint, "the consent is for another access point")
	f.need(len(c.Merchants) == 0 || slices.Contains(c.Merchants, d.Merchant), "the consent is not for this merchant")
	f.need(len(c.Carriers) == 0 || slices.Contains(c.Carriers, d.Carrier), "the consent is not for this carrier")
	f.need(c.Until == 0 || x.events[pos].At < c.Until, "the consent had run out")
	tooLarge := slices.ContainsFunc(d.Parcels, func(p event.Parcel) bool { return !p.Size.Fits(c.Largest) })
	f.need(!tooLarge, "a parcel is larger than the consent allows")
}

// parcels: one at least was scanned in this visit, by its key, and none is left unaccounted for.
func (x *exam) parcels(f *faults, booked entry[event.DeliveryBooked], v visit, pos int) {
	d := booked.body.Delivery
	scans := between[event.ParcelScanned](x.history, d, v.pos, pos)
	missing := between[event.ParcelMissing](x.history, d, v.pos, pos)
	here := 0
	for _, p := range booked.body.Parcels {
		scan := slices.IndexFunc(scans, func(s entry[event.ParcelScanned]) bool {
			return s.body.Parcel == p.Code && s.body.Visit == v.body.Visit
		})
		gone := slices.ContainsFunc(missing, func(m entry[event.ParcelMissing]) bool {
			return m.body.Parcel == p.Code && m.body.Visit == v.body.Visit
		})
		f.need(scan >= 0 || gone, "a parcel was neither scanned nor missing in this visit")
		if scan >= 0 {
			here++
			x.scan(f, scans[scan], v)
		}
	}
	f.need(here > 0, "none of its parcels was scanned in this visit")
}

// scan: signed by the visit's key, with a proof that counted once.
func (x *exam) scan(f *faults, s entry[event.ParcelScanned], v visit) {
	signed := s.body.Signed
	f.need(signed.Key == v.body.Key, "a parcel was scanned by another device")
	assigned, ok := x.assignedKey(v.body.Courier, v.body.Key, s.pos)
	if ok && signed.Key == v.body.Key {
		err := x.signature(assigned.body.PublicKey, signed)
		f.need(err == nil, "a scan: %v", err)
	}
	f.need(!x.used(signed, s.pos), "the proof of a scan had been used")
}

// questions: whatever the household wants to be asked was answered with yes, by a member, in this visit.
func (x *exam) questions(f *faults, d event.DeliveryID, v visit, pos int) {
	rules, _ := x.rules(pos)
	if rules.AskPets {
		f.need(x.saidYes(d, event.QuestionPets, v, pos), "nobody said that the pets were shut away")
	}
	if rules.AskAlarm {
		f.need(x.saidYes(d, event.QuestionAlarm, v, pos), "nobody said that the alarm was off")
	}
}

func (x *exam) saidYes(d event.DeliveryID, q event.Question, v visit, pos int) bool {
	for a := range backwards[event.QuestionAnswered](x.history, d, pos) {
		if a.pos > v.pos && a.body.Question == q && a.body.Round == event.RoundApproach {
			return a.body.Yes && x.byMember(a.body.By, a.pos)
		}
	}
	return false
}

// whyShown: the showing of a code has a reason of its own, as it stands then; the event has no position.
func (x *exam) whyShown(s entry[event.CodeShown]) (f faults) {
	o, ok := x.intentOf(s.body.Permit, s.pos)
	v, begun := last[event.VisitBegun](x.history, s.body.Visit, s.pos)
	if !ok || !begun || o.body.Permit.Visit != s.body.Visit || o.body.Permit.Type != event.PermitCode {
		f.need(false, "there was no such code in the visit %s", s.body.Visit)
		return f
	}
	x.visitStands(&f, v, s.pos)
	if m := v.body.Member; m != "" {
		f.need(x.isMember(m, s.pos) && o.body.Permit.Member == m, "%q did not belong to the site", m)
		return f
	}
	if s.body.Key == o.body.Permit.Key { // shown to another key it is law 2's
		x.byCourier(&f, v, courierOf{v.body.Courier, s.body.Key, s.body.Signed}, s.pos)
		x.onTime(&f, s.body.Signed, s.at)
	}
	x.deliveries(&f, v, s.pos)
	return f
}

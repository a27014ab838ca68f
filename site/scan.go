package site

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Scan is a parcel that the courier's device read. The last parcel of a visit, scanned or missing, is itself
// the request to open the first barrier.
type Scan struct {
	Visit  event.VisitID
	Parcel event.Commitment
	// Offline: it was read without network and sent later; it opens nothing.
	Offline bool
}

func (r Scan) decide(t *turn) error {
	v, ok, err := t.ofParcel(r.Visit, r.Parcel, event.AskedScan)
	if !ok {
		return err
	}
	d, p, found := t.parcelOf(v, r.Parcel)
	switch {
	case !found:
		return t.refuse(t.notHere(v, r.Parcel))
	case p.Scanned && v.intended():
		return t.refuse(event.Refused{Asked: event.AskedScan, Code: event.AlreadyScanned, Visit: v.ID, Delivery: d.ID})
	case !p.Scanned:
		t.say(event.ParcelScanned{Visit: v.ID, Delivery: d.ID, Parcel: r.Parcel, Offline: r.Offline, Signed: t.facts.Signed})
		t.returnIncomplete(d.ID)
	}
	if r.Offline {
		return nil
	}
	return t.openWhenAccounted(v.ID, event.AskedScan)
}

// ofParcel finds the visit that a courier's request about a parcel is for. Where the visit has ended, a parcel that
// was blocked is refused as that.
func (t *turn) ofParcel(id event.VisitID, code event.Commitment, asked event.Asked) (Visit, bool, error) {
	courier, err := t.courier()
	if err != nil {
		return Visit{}, false, err
	}
	d, blocked := t.blockedParcel(code)
	if _, lives := find(t.Visits, id); !lives && t.everBegun(id) && blocked && d.Courier == courier {
		return Visit{}, false, t.refuse(event.Refused{Asked: asked, Code: event.Blocked, Visit: id, Delivery: d.ID})
	}
	return t.ofVisit(id, asked)
}

// notHere tells a parcel that was blocked, or does not fit, from one that never belonged here. Its delivery is named where
// it is this courier's.
func (t *turn) notHere(v Visit, code event.Commitment) event.Refused {
	no := event.Refused{Asked: event.AskedScan, Code: event.WrongParcel, Visit: v.ID}
	d, blocked := t.blockedParcel(code)
	tooLarge := slices.IndexFunc(t.Deliveries, func(d Delivery) bool { return d.TooLarge && d.has(code) })
	switch {
	case blocked:
		no.Code = event.Blocked
	case tooLarge >= 0:
		d, no.Code = t.Deliveries[tooLarge], event.ParcelDoesNotFit
	}
	if d.Courier == v.Courier {
		no.Delivery = d.ID
	}
	return no
}

// blockedParcel finds the blocked delivery that a parcel belongs to.
func (t *turn) blockedParcel(code event.Commitment) (Delivery, bool) {
	i := slices.IndexFunc(t.Deliveries, func(d Delivery) bool { return d.Blocked && d.has(code) })
	if i < 0 {
		return Delivery{}, false
	}
	return t.Deliveries[i], true
}

func (d Delivery) has(code event.Commitment) bool {
	return slices.ContainsFunc(d.Parcels, func(p Parcel) bool { return p.Code == code })
}

// parcelOf finds a parcel among the visit's deliveries.
func (t *turn) parcelOf(v Visit, code event.Commitment) (Delivery, Parcel, bool) {
	for _, id := range v.Deliveries {
		d, _ := find(t.Deliveries, id)
		for _, p := range d.Parcels {
			if p.Code == code {
				return d, p, true
			}
		}
	}
	return Delivery{}, Parcel{}, false
}

// Missing says that the courier does not have a parcel. A delivery that must come whole, or of which nothing
// is left, then goes back; the others go on.
type Missing struct {
	Visit  event.VisitID
	Parcel event.Commitment
}

func (r Missing) decide(t *turn) error {
	v, ok, err := t.ofParcel(r.Visit, r.Parcel, event.AskedMissing)
	if !ok {
		return err
	}
	d, p, found := t.parcelOf(v, r.Parcel)
	switch {
	case !found:
		return t.refuse(event.Refused{Asked: event.AskedMissing, Code: event.WrongParcel, Visit: v.ID})
	case p.Scanned:
		return t.refuse(event.Refused{Asked: event.AskedMissing, Code: event.AlreadyScanned, Visit: v.ID, Delivery: d.ID})
	case v.intended():
		return t.refuse(event.Refused{Asked: event.AskedMissing, Code: event.AlreadyOpened, Visit: v.ID, Delivery: d.ID})
	case !p.Missing:
		t.say(event.ParcelMissing{Visit: v.ID, Delivery: d.ID, Parcel: r.Parcel, Signed: t.facts.Signed})
		t.returnIncomplete(d.ID)
	}
	return t.openWhenAccounted(v.ID, event.AskedMissing)
}

// returnIncomplete sends a delivery back of which nothing is there, or not everything that had to come together.
func (t *turn) returnIncomplete(id event.DeliveryID) {
	d, _ := find(t.Deliveries, id)
	if d.accounted() && d.anyMissing() && (d.Whole || !d.anyScanned()) && !t.intendedFor(d) {
		t.say(event.DeliveryReturned{Delivery: id, Why: event.ParcelMissed})
	}
}

// openWhenAccounted opens the first barrier once nothing of the visit is left to scan.
func (t *turn) openWhenAccounted(id event.VisitID, asked event.Asked) error {
	v, _ := find(t.Visits, id)
	if len(v.Deliveries) == 0 || t.parcelsLeft(v) || v.intended() {
		return nil
	}
	return t.open(v, v.Steps[0], asked)
}

func (t *turn) parcelsLeft(v Visit) bool {
	return slices.ContainsFunc(v.Deliveries, func(id event.DeliveryID) bool {
		d, _ := find(t.Deliveries, id)
		return !d.accounted()
	})
}

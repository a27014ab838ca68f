package audit

import (
	"encoding/json"

	"github.com/loquet/loquet/event"
)

// law10 asks of each event whether it stands where and as it should: nothing is lost, doubled or out of order, all
// of it can be read again, each thing has the identifier that its event gives it, and no request counted twice.
func law10(x *exam) {
	if x.seen[x.site] {
		x.law.violate(x.site, 0, "the journal was given twice")
	}
	if x.damage != nil {
		x.law.violate(x.site, 0, "the rest of the journal can't be read: "+x.damage.Error())
	}
	for pos, e := range x.events {
		var f faults
		x.inSequence(&f, pos)
		if e.Body == nil {
			f.need(false, "it is of no known kind")
		} else {
			readable(&f, e)
			x.created(&f, pos)
			x.countedOnce(&f, pos)
			x.sought(&f, pos)
		}
		x.judge(pos, f)
	}
}

// inSequence: after its predecessor in number and in time, in its own site's journal, which begins by being
// opened.
func (x *exam) inSequence(f *faults, pos int) {
	e := x.events[pos]
	f.need(e.Site == x.site, "it is an event of the site %q", e.Site)
	if pos == 0 {
		_, opened := e.Body.(event.SiteOpened)
		f.need(e.Seq == 1 && opened, "the journal does not begin with number 1, the opening of the site")
		return
	}
	before := x.events[pos-1]
	f.need(e.Seq == before.Seq+1, "it follows number %d", before.Seq)
	f.need(e.At >= before.At, "it is of %s, and the one before of %s", e.At, before.At)
}

// readable: written, it is read again by the strict rules.
func readable(f *faults, e event.Event) {
	written, err := json.Marshal(e)
	if err == nil {
		err = json.Unmarshal(written, new(event.Event))
	}
	f.need(err == nil, "it can't be read again: %v", err)
}

// created: what an event creates is called after it. What is filmed of a visit is created once, by the first asking.
func (x *exam) created(f *faults, pos int) {
	e := x.events[pos]
	var id string
	var letter byte
	switch b := e.Body.(type) {
	case event.MemberJoined:
		id, letter = string(b.Member), 'm'
	case event.BarrierReserved:
		id, letter = string(b.Barrier), 'b'
	case event.AccessPointAdded:
		id, letter = string(b.AccessPoint), 'a'
	case event.ConsentGiven:
		id, letter = string(b.Consent.ID), 'k'
	case event.DeliveryBooked:
		id, letter = string(b.Delivery), 'd'
	case event.VisitBegun:
		id, letter = string(b.Visit), 'v'
	case event.OpeningIntended:
		id, letter = string(b.Permit.ID), 'p'
	case event.LeaseAsked:
		id, letter = string(b.Lease), 'l'
	case event.CameraAdded:
		id, letter = string(b.Camera), 'c'
	case event.FilmingAsked:
		if has[event.FilmingAsked](x.history, b.Visit, -1, pos) {
			return
		}
		id, letter = string(b.Clip), 'f'
	default:
		return
	}
	right := event.NewID[string](e.Site, letter, e.Seq)
	f.need(id == right, "what it creates is called %q, not %q", id, right)
}

// countedOnce: a courier's proof counts in one request. Those that open are law 1's; a refusal may well be of one
// that had been used.
func (x *exam) countedOnce(f *faults, pos int) {
	switch b := x.events[pos].Body.(type) {
	case event.OpeningIntended, event.CodeShown, event.ParcelScanned, event.Refused:
		return
	case event.Signer:
		s := b.Proof()
		f.need(s.ID == "" || !x.used(s, pos), "the proof of its request had been used")
	}
}

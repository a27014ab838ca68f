package site_test

import (
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// door is the thing itself: what is true of it, whatever anybody was told.
type door struct {
	id      event.BarrierID
	site    event.SiteID
	spec    event.Spec
	bolted  bool
	bolt    event.Bolt
	contact event.Contact
	// openAt is when it last stopped being shut.
	openAt event.Instant
	// clocked: it gives its own time, by a clock that is so much fast. heard are its reports that arrived.
	clocked bool
	fast    event.Millis
	heard   []event.Observation
	// coming are orders under way to the device; said are its reports under way to us.
	coming []order
	said   []event.Observation
	// free is until when a trunk's handle is.
	free event.Instant
	// code is the permit whose code it knows.
	code event.PermitID
	// obeyed is the last permit whose order arrived, at opened.
	obeyed event.PermitID
	opened event.Instant
}

// order is a command on its way to a device.
type order struct {
	at     event.Instant
	permit event.PermitID
	act    event.Act
}

// says is what the device reports at an instant.
func (d *door) says(now event.Instant) event.Observation {
	o := event.Observation{Device: d.spec.Device, Contact: d.contact, Origin: event.OriginLive}
	if d.clocked {
		o.DeviceAt = now.Add(d.fast)
	}
	if d.bolted {
		o.Bolt = d.bolt
	}
	return o
}

func (d *door) shut() bool {
	return (!d.spec.Closure.Bolt || d.bolt == event.BoltLocked) && (!d.spec.Closure.Contact || d.contact == event.ContactClosed)
}

// become changes the door, and sends its report on the way.
func (w *world) become(d *door, bolt event.Bolt, contact event.Contact) {
	was := d.shut()
	if d.bolt == bolt && d.contact == contact {
		return
	}
	d.bolt, d.contact = bolt, contact
	if was && !d.shut() {
		d.openAt = w.now
	}
	o := d.says(w.now)
	o.ReceivedAt = w.now
	d.said = append(d.said, o)
}

// latency is how long a report may be on its way; one that takes longer is lost. Where a device has no clock of
// its own, nobody could tell a report that took minutes from a new one.
const latency = 2 * event.Second

// physics lets the orders arrive whose time has come.
func (w *world) physics() {
	for _, id := range w.doorIDs() {
		d := w.doors[id]
		for _, o := range d.coming {
			if o.at <= w.now {
				w.obey(d, o)
			}
		}
		d.coming = slices.DeleteFunc(d.coming, func(o order) bool { return o.at <= w.now })
	}
}

func (w *world) obey(d *door, o order) {
	if o.permit != "" {
		d.obeyed, d.opened = o.permit, w.now
	}
	switch {
	case o.act == event.ActOpen && d.spec.Reveals == event.RevealsHandle:
		d.free = w.now.Add(d.spec.Window)
	case o.act == event.ActOpen && d.bolted && d.spec.Reveals != event.RevealsTrunk:
		w.become(d, event.BoltUnlocked, d.contact)
	case o.act == event.ActOpen:
		w.become(d, d.bolt, event.ContactOpen)
	case d.bolted && d.contact == event.ContactClosed:
		w.become(d, event.BoltLocked, d.contact)
	case !d.bolted:
		w.become(d, d.bolt, event.ContactClosed)
	}
}

func (w *world) doorIDs() []event.BarrierID {
	ids := make([]event.BarrierID, 0, len(w.doors))
	for id := range w.doors {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// answer lets the outside react to an event as connectors and other sites do.
func (w *world) answer(before site.State, e event.Event) {
	switch b := e.Body.(type) {
	case event.OpeningIntended:
		w.send(b.Permit)
	case event.CodeRemovalAsked:
		w.forget(b)
	case event.SecuringAsked:
		w.order(b.Barrier, order{at: w.now + event.Instant(w.pick(3)*1000), act: event.ActSecure})
	case event.ReadingAsked:
		w.read(b.Barrier)
	case event.BarrierObserved:
		w.forward(before, b)
	case event.VehicleSought:
		w.lookFor(b)
	default:
		w.post(e)
	}
}

func (w *world) order(b event.BarrierID, o order) {
	if d := w.doors[b]; w.pick(3) > 0 {
		d.coming = append(d.coming, o)
	}
}

// send is the connector's: the command arrives within its time, or never, and the answer is true or missing.
func (w *world) send(p event.Permit) {
	d := w.doors[p.Barrier]
	if p.Type == event.PermitCode {
		d.code = p.ID
		return
	}
	if w.pick(4) == 0 {
		return
	}
	within := p.Deadline.Since(w.now) + max(0, d.spec.Lateness)
	delay := []event.Millis{0, event.Second, within}[w.pick(3)]
	d.coming = append(d.coming, order{at: w.now.Add(delay), permit: p.ID, act: event.ActOpen})
}

func (w *world) forget(b event.CodeRemovalAsked) {
	gone := w.pick(3) > 0
	if gone {
		w.doors[b.Barrier].code = ""
	}
	w.try(event.SiteOf(b.Visit), event.Actor{Kind: event.ActorSystem}, site.ReportCodeRemoval{Permit: b.Permit, Confirmed: gone})
}

// read asks the device, which answers now or not at all; its owner hears the answer.
func (w *world) read(b event.BarrierID) {
	d := w.doors[b]
	if w.pick(3) == 0 {
		return
	}
	o := d.says(w.now)
	o.Origin, o.AskedAt, o.ReceivedAt = event.OriginAnswer, w.now, w.now
	w.try(d.site, event.Actor{Kind: event.ActorDevice}, site.Observe{Barrier: b, Observation: o})
}

// forward passes what the lender's device said to whoever borrowed it.
func (w *world) forward(before site.State, b event.BarrierObserved) {
	at, ok := before.Barrier(b.Barrier)
	if ok && at.Lent.Lease != "" {
		said := before.PassedOn(b.Barrier, b.Observation)
		w.mail = append(w.mail, letter{event.SiteOf(at.Lent.Lease), site.Observe{Barrier: b.Barrier, Observation: said}})
	}
}

func (w *world) post(e event.Event) {
	var l letter
	switch b := e.Body.(type) {
	case event.LeaseAsked:
		l = letter{event.SiteOf(b.Barrier), site.GrantLease{Lease: b.Lease, Barrier: b.Barrier}}
	case event.LeaseGranted:
		l = letter{event.SiteOf(b.Lease), site.ReceiveLease{Lease: b.Lease, Barrier: b.Barrier, Number: b.Number, Until: b.Until, Spec: b.Spec,
			Known: b.Known}}
	case event.LeaseRefused:
		l = letter{event.SiteOf(b.Lease), site.DenyLease{Lease: b.Lease, Code: b.Code}}
	case event.LeaseReturnAsked:
		l = letter{event.SiteOf(b.Lease), site.ReturnLease{Lease: b.Lease, Barrier: b.Barrier}}
	case event.LeaseReturned:
		l = letter{event.SiteOf(b.Barrier), site.EndLease{Lease: b.Lease, Spent: b.Spent}}
	default:
		return
	}
	w.mail = append(w.mail, l)
}

// try decides what may be refused or forbidden.
func (w *world) try(at event.SiteID, who event.Actor, r site.Request) {
	w.t.Helper()
	_ = w.decide(at, site.Command{Facts: site.Facts{Actor: who, Ready: w.ready()}, Do: r})
}

func (w *world) ready() []event.Readiness {
	all := make([]event.Readiness, 0, len(w.doors))
	for _, id := range w.doorIDs() {
		all = append(all, event.Readiness{Barrier: id, Reach: event.ReachOnline, Reveals: w.doors[id].spec.Reveals})
	}
	if w.pick(12) == 0 {
		all[w.pick(len(all))].Reach = event.ReachOffline
	}
	if w.pick(12) == 0 {
		all[w.pick(len(all))].Reveals = event.RevealsCar
	}
	return all
}

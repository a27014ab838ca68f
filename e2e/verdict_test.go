package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/event"
)

// end is how a visit ended, as its site's journal has it.
type end string

// Ends of a visit that was killed; all but lost are ones that somebody answers for.
const (
	endSecured   end = "secured"
	endTakenOver end = "taken over"
	endDiverted  end = "diverted"
	endUnopened  end = "nothing opened"
	endAlarmed   end = "alarmed"
	endLost      end = "LOST"
)

// account is what one journal says of openings, in order.
type account struct {
	intents  []event.OpeningIntended
	intended map[event.PermitID]uint64
	notDone  map[event.PermitID]uint64
	outcome  map[event.PermitID]event.Outcome
	ends     map[event.VisitID]event.VisitEnd
	alarms   map[event.VisitID]event.AlarmReason
	diverted map[event.DeliveryID]bool
}

func read(events []event.Event) account {
	a := account{intended: map[event.PermitID]uint64{}, notDone: map[event.PermitID]uint64{}, outcome: map[event.PermitID]event.Outcome{},
		ends: map[event.VisitID]event.VisitEnd{}, alarms: map[event.VisitID]event.AlarmReason{}, diverted: map[event.DeliveryID]bool{}}
	for _, e := range events {
		switch b := e.Body.(type) {
		case event.OpeningIntended:
			a.intents, a.intended[b.Permit.ID] = append(a.intents, b), e.Seq
		case event.OpeningResolved:
			if a.outcome[b.Permit] = b.Outcome; b.Outcome == event.NotDone {
				a.notDone[b.Permit] = e.Seq
			}
		case event.VisitEnded:
			a.ends[b.Visit] = b.How
		case event.AlarmRaised:
			a.alarms[b.Visit] = b.Reason
		case event.AlarmEnded:
			delete(a.alarms, b.Visit)
		case event.DeliveryDiverted:
			a.diverted[b.Delivery] = true
		case event.DeliveryReturned:
			a.diverted[b.Delivery] = true
		}
	}
	return a
}

// end of one visit.
func (a account) end(v *visit) end {
	switch how, ended := a.ends[v.id], a.alarms[v.id]; {
	case how == event.EndSecured:
		return endSecured
	case how == event.EndTakenOver:
		return endTakenOver
	case a.diverted[v.delivery.id]:
		return endDiverted
	case how == event.EndUnopened:
		return endUnopened
	case ended != "":
		return endAlarmed + end(": "+ended)
	default:
		return endLost
	}
}

// orders are the witness's messages about this installation's home that open something.
func (in *installation) orders() []mosquitto.Message {
	var all []mosquitto.Message
	for _, m := range in.street.witness.Messages()[in.seen:] {
		ours := strings.HasPrefix(m.Topic, in.config.Prefix+"/")
		if ours && (m.Permit != "" || m.Payload == "UNLOCK" || m.Payload == "OPEN") {
			all = append(all, m)
		}
	}
	return all
}

// permits counts the orders by permit.
func permits(orders []mosquitto.Message) map[event.PermitID]int {
	all := make(map[event.PermitID]int)
	for _, m := range orders {
		all[event.PermitID(m.Permit)]++
	}
	return all
}

// judge compares what the witness saw, what the journal holds, what the devices got, what the connector's log
// says, and what the auditor finds. It returns the account of the home's journal.
func (in *installation) judge(logLost bool) account {
	in.Helper()
	a := read(in.events(in.home.site, 0))
	orders := in.orders()
	in.judgeOrders(a, orders)
	in.judgeRepeats(a)
	in.judgeDevices(a, orders)
	in.judgeAudit(a, orders, logLost)
	return a
}

// judgeOrders: each order has a permit of its own, that the journal intended, and is no message that could come
// again by itself.
func (in *installation) judgeOrders(a account, orders []mosquitto.Message) {
	in.Helper()
	for permit, n := range permits(orders) {
		if n > 1 {
			in.Errorf("the witness saw %d orders for the permit %q", n, permit)
		}
		if a.intended[permit] == 0 {
			in.Errorf("the witness saw an order for the permit %q, which no journal intended", permit)
		}
	}
	for _, m := range orders {
		if m.Retained || m.QoS != 0 || m.Expiry <= 0 {
			in.Errorf("an order may come again by itself: %+v", m)
		}
	}
}

// judgeRepeats: a visit opens a barrier once, unless the order before is proven to have come to nothing.
func (in *installation) judgeRepeats(a account) {
	in.Helper()
	type place struct {
		visit   event.VisitID
		barrier event.BarrierID
	}
	last := make(map[place]event.PermitID)
	for _, o := range a.intents {
		at := place{o.Permit.Visit, o.Permit.Barrier}
		if before, again := last[at]; again {
			if nothing := a.notDone[before]; nothing == 0 || nothing > a.intended[o.Permit.ID] {
				in.Errorf("%s was intended again by %s while %s may have opened it", at.barrier, o.Permit.ID, before)
			}
		}
		last[at] = o.Permit.ID
	}
}

// judgeDevices: every device got what the witness saw, and of what it got nothing counts as not done.
func (in *installation) judgeDevices(a account, orders []mosquitto.Message) {
	in.Helper()
	got := make(map[event.PermitID]int)
	for _, d := range in.config.Devices {
		for _, c := range in.doors.Thing(d.Name).Commands() {
			if c.Opens {
				got[c.Permit]++
			}
		}
	}
	for permit, n := range got {
		if n > 1 {
			in.Errorf("the device got %d orders for the permit %q", n, permit)
		}
		if a.outcome[permit] == event.NotDone {
			in.Errorf("the device got the order for %s, and the journal says that it came to nothing", permit)
		}
	}
	for permit := range permits(orders) {
		if got[permit] == 0 {
			in.Errorf("the witness saw the order for %s, and the device did not get it", permit)
		}
	}
}

// judgeAudit: the auditor finds nothing wrong, and counts as the witness does. What was written down as sent and
// not seen was held back on the line, or the sender died beside it.
func (in *installation) judgeAudit(a account, orders []mosquitto.Message, logLost bool) {
	in.Helper()
	report, err := record.Audit(context.Background(), in.data)
	in.must(err)
	if !report.OK() {
		var text strings.Builder
		in.must(report.WriteText(&text))
		in.Errorf("the audit found violations:\n%s", &text)
	}
	once := report.Laws[1]
	if once.Cases != len(a.intents) {
		in.Errorf("the auditor counts %d openings, the journal has %d", once.Cases, len(a.intents))
	}
	if logLost {
		return
	}
	sent, err := record.Sent(in.data)
	in.must(err)
	written, unsent := make(map[event.PermitID]int), 0
	for _, s := range sent {
		if s.Act == event.ActOpen {
			written[s.Permit]++
		}
	}
	for permit := range permits(orders) {
		if written[permit] != 1 {
			in.Errorf("the witness saw an order for %s, and it was written down %d times", permit, written[permit])
		}
	}
	for _, o := range a.intents {
		if written[o.Permit.ID] == 0 && a.outcome[o.Permit.ID] != event.NotDone {
			unsent++
		}
	}
	for _, r := range once.Remarks {
		if strings.Contains(r.What, "not known to be sent") {
			unsent -= r.Count
		}
	}
	if unsent != 0 {
		in.Errorf("the auditor's count of openings not known to be sent is off by %d", unsent)
	}
}

// judgeCalm: nothing was killed, so each barrier was ordered open exactly once, and the auditor's count is the
// witness's.
func (in *installation) judgeCalm(a account, v *visit) {
	in.Helper()
	seen := 0
	for _, o := range a.intents {
		if o.Permit.Visit == v.id {
			seen += permits(in.orders())[o.Permit.ID]
		}
	}
	if want := len(in.config.Devices); seen != want {
		in.Errorf("an undisturbed visit saw %d orders to open, and should have seen %d", seen, want)
	}
	if how := a.end(v); how != endSecured {
		in.Errorf("an undisturbed visit ended as: %s\n%s", how, v.story())
	}
}

// tally counts how killed visits ended, by the moment of the kill.
type tally map[string]map[end]int

func (t tally) add(moment string, how end) {
	if t[moment] == nil {
		t[moment] = make(map[end]int)
	}
	t[moment][how]++
}

func (t tally) of(how end) (n int) {
	for _, ends := range t {
		n += ends[how]
	}
	return n
}

func (t tally) String() string {
	var lines []string
	for moment, ends := range t {
		for how, n := range ends {
			lines = append(lines, fmt.Sprintf("%-44s %-20s %3d", moment, how, n))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// settled waits until the visit has its end in the journal, or somebody was alarmed.
func (in *installation) settled(v *visit) {
	in.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if read(in.events(in.home.site, 0)).end(v) != endLost {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			return
		}
	}
}

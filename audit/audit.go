package audit

import (
	"fmt"
	"iter"

	"github.com/loquet/loquet/event"
)

// Journal is everything that was written for one site, in the order of the journal.
type Journal struct {
	Site   event.SiteID
	Events []event.Event
	// Damage says why the event after the last of Events could not be decoded; nil for a whole journal.
	Damage error
}

// Options of one audit. The zero value is for one machine that has stopped.
type Options struct {
	// Now is when the reading of the journals began; 0 judges each of them as of its last event. What was written
	// later is not compared between journals: they are read one after the other.
	Now event.Instant
	// Late is how much later than due an alarm may be raised; 0 means 10 seconds.
	Late event.Millis
	// Skew is how far the clocks of the installation's nodes may be apart.
	Skew event.Millis
}

const defaultLate = 10 * event.Second

// Check looks at each journal once, in the order given, and keeps one of them in memory at a time. Sent may be in
// any order. An error of the iterator ends the audit and is returned with what was found until then; a journal
// that is damaged is no error but a violation of law 10. Check never panics, whatever it is given.
func Check(journals iter.Seq2[Journal, error], sent []event.Sent, o Options) (Report, error) {
	if o.Late == 0 {
		o.Late = defaultLate
	}
	c := &check{options: o, sent: newSends(sent), leases: newLeases(), seen: make(map[event.SiteID]bool), report: newReport()}
	for j, err := range journals {
		if err != nil {
			return c.report, fmt.Errorf("audit: reading the journals: %w", err)
		}
		c.journal(j)
	}
	c.acrossSites()
	c.sent.leftOver(&c.report.Laws[1], &c.report.Laws[2])
	c.report.sort()
	return c.report, nil
}

// check is one audit under way.
type check struct {
	options Options
	sent    *sends
	leases  *leases
	seen    map[event.SiteID]bool
	report  Report
}

// exam is one law's look at one site.
type exam struct {
	*history
	*check
	law *LawReport
}

// laws are the laws in their order: what each is called, and what it looks at in one site.
var laws = []struct {
	name string
	look func(*exam)
}{
	{"No opening without a reason", law1},
	{"Once", law2},
	{"Intent before act", law3},
	{"A block wins or loses, never both", law4},
	{"Not secured is not done", law5},
	{"No picture, no opening", law6},
	{"Need to know", law7},
	{"Everything that opens is accounted for", law8},
	{"A refusal is an answer", law9},
	{"Bad input loses nothing", law10},
}

func (c *check) journal(j Journal) {
	h := newHistory(j)
	for i, l := range laws {
		l.look(&exam{history: h, check: c, law: &c.report.Laws[i]})
	}
	c.seen[j.Site] = true
	c.sent.settle(h)
}

// now is when this journal is judged.
func (x *exam) now() event.Instant {
	if x.options.Now != 0 || len(x.events) == 0 {
		return x.options.Now
	}
	return x.events[len(x.events)-1].At
}

// judge counts one case, and a violation if there is any fault.
func (x *exam) judge(pos int, f faults) {
	x.law.Cases++
	x.blame(pos, f)
}

func (x *exam) blame(pos int, f faults) {
	if len(f) > 0 {
		x.law.violate(x.site, x.seq(pos), f.String())
	}
}

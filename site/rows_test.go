package site_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
)

// TestRowsOfEveryScript: what the lists of pages hold of a journal is what its events tell, by a second reading of them.
func TestRowsOfEveryScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	total := tally{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for id, scene := range play(t, read(t, file)).sites {
				want, got := tallied(scene.log), rowsTold(t, id, scene.log)
				if !reflect.DeepEqual(want, got) {
					t.Errorf("%s\nits journal tells %v\nits rows tell     %v", id, want, got)
				}
				for what, n := range got {
					total[what] += n
				}
			}
		})
	}
	for _, what := range []string{"refused", "ended", "alarm", "alarm owned", "alarm standing", "foreign", "under way", "opening", "opening foreign",
		"opening lent", "opening secured", "opening not-done", "opening done", "opening unknown", "opening shown", "opening recovery"} {
		if total[what] == 0 {
			t.Errorf("no script shows: %s", what)
		}
	}
}

// tally counts what lists show.
type tally map[string]int

func rowsTold(t *testing.T, id event.SiteID, log []event.Event) tally {
	t.Helper()
	rows, err := dispatch.Retell(id, log)
	if err != nil {
		t.Fatal(err)
	}
	n := tally{}
	for _, r := range rows {
		kind, _, _ := strings.Cut(r.Partition, "/")
		if r.Data == nil {
			continue
		}
		switch kind {
		case "visits":
			n["under way"]++
		case "alarms":
			n.alarm(decoded[dispatch.StandingAlarm](t, r.Data))
		case "facts":
			n.fact(decoded[dispatch.Fact](t, r.Data))
		case "openings":
			n.opening(decoded[dispatch.Opening](t, r.Data))
		}
	}
	return n
}

func decoded[T any](t *testing.T, data []byte) (row T) {
	t.Helper()
	if err := json.Unmarshal(data, &row); err != nil {
		t.Fatal(err)
	}
	return row
}

func (n tally) alarm(a dispatch.StandingAlarm) {
	n["alarm standing"]++
	if a.Owned != 0 {
		n["alarm owned"]++
	}
}

func (n tally) fact(f dispatch.Fact) {
	switch {
	case f.Refusal != nil:
		n["refused"]++
	case f.Ended != nil:
		n["ended"]++
	case f.Alarm != nil:
		n["alarm"]++
		if f.Alarm.Owned != 0 {
			n["alarm owned"]++
		}
	case f.Foreign != nil:
		n["foreign"]++
	}
}

func (n tally) opening(o dispatch.Opening) {
	for what, is := range map[string]bool{"": true, " foreign": o.Foreign, " lent": o.Borrower != "", " secured": o.Secured != 0, " shown": o.Shown != 0,
		" recovery": o.Recovery, " " + string(o.Outcome): o.Outcome != ""} {
		if is {
			n["opening"+what]++
		}
	}
}

// tallied counts the same from the events alone, by looking back and ahead in the list of them.
func tallied(log []event.Event) tally {
	n := tally{}
	for i, e := range log {
		switch b := e.Body.(type) {
		case event.Refused:
			n["refused"]++
		case event.VisitBegun:
			if !later(log[i:], func(x event.VisitEnded) bool { return x.Visit == b.Visit }) {
				n["under way"]++
			}
		case event.VisitEnded:
			n["ended"]++
		case event.AlarmRaised:
			n.raised(past(log[:i]), log[i:], b)
		case event.AlarmAcknowledged:
			n["alarm owned"]++
		case event.ForeignOpening:
			n["foreign"]++
			n["opening"]++
			n["opening foreign"]++
		case event.LeaseEnded:
			if b.Spent {
				n["opening"]++
				n["opening lent"]++
			}
		case event.OpeningIntended:
			n.intended(log[i:], b.Permit)
		}
	}
	for what, k := range n {
		if k == 0 {
			delete(n, what)
		}
	}
	return n
}

// raised counts an alarm once, where it begins. Its end is its own, or that of its visit.
func (n tally) raised(before past, from []event.Event, b event.AlarmRaised) {
	if before.alarmed(b.Visit) {
		return
	}
	ended := later(from, func(x event.AlarmEnded) bool { return x.Visit == b.Visit }) ||
		later(from, func(x event.VisitEnded) bool { return x.Visit == b.Visit })
	if ended {
		n["alarm"]++
	} else {
		n["alarm standing"]++
	}
}

// intended counts an order to open, with what became of it until another order took its place.
func (n tally) intended(from []event.Event, p event.Permit) {
	n["opening"]++
	if p.Recovery {
		n["opening recovery"]++
	}
	outcome, secured, shown := event.Outcome(""), false, false
	for _, e := range from[1:] {
		switch b := e.Body.(type) {
		case event.OpeningIntended:
			if b.Permit.Visit == p.Visit && b.Permit.Barrier == p.Barrier {
				n.became(outcome, secured, shown)
				return
			}
		case event.OpeningResolved:
			if b.Permit == p.ID {
				outcome = b.Outcome
				if b.Outcome == event.NotDone && p.Recovery {
					outcome = event.Done // the opening before it stands
				}
			}
		case event.BarrierSecured:
			secured = secured || b.Barrier == p.Barrier && b.Visit == p.Visit
		case event.BarrierUnsecured:
			secured = secured && (b.Barrier != p.Barrier || b.Visit != p.Visit)
		case event.CodeShown:
			shown = shown || b.Permit == p.ID
		}
	}
	n.became(outcome, secured, shown)
}

func (n tally) became(outcome event.Outcome, secured, shown bool) {
	if outcome != "" {
		n["opening "+string(outcome)]++
	}
	if secured {
		n["opening secured"]++
	}
	if shown {
		n["opening shown"]++
	}
}

func later[B event.Body](log []event.Event, is func(B) bool) bool {
	for _, e := range log {
		if b, ok := e.Body.(B); ok && is(b) {
			return true
		}
	}
	return false
}

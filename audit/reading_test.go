package audit_test

import (
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// heard is something that a device said, so many seconds after the order to open; asked, for an answer, when it was
// asked.
type heard struct {
	after, asked event.Millis
	o            event.Observation
}

// TestWhatCountsAsShut tells what a device said after an opening, and whether that proves its door shut at the end.
// The answer to the order came one second after it.
func TestWhatCountsAsShut(t *testing.T) {
	t.Parallel()
	const sec = event.Second
	retained := func(o event.Observation) event.Observation { o.Origin = event.OriginRetained; return o }
	cached := func(o event.Observation) event.Observation { o.Origin = event.OriginCached; return o }
	at := func(o event.Observation, s event.Millis) event.Observation {
		o.DeviceAt = clock("04:00:00").Add(s * sec)
		return o
	}
	both := event.Observation{Bolt: event.BoltLocked, Contact: event.ContactClosed}
	offline, online := event.Observation{Reach: event.ReachOffline}, event.Observation{Reach: event.ReachOnline}
	tests := []struct {
		name  string
		spec  event.Spec
		said  []heard
		wants string // what is missing; "" when it is shut
	}{
		{"opened and locked", lock, []heard{{2, 0, unlocked}, {5, 0, locked}}, ""},
		{"opened, pushed, pulled and locked", lock, []heard{{2, 0, unlocked}, {3, 0, ajar}, {4, 0, shut}, {5, 0, locked}}, ""},
		{"locked while ajar, then pulled", lock, []heard{{2, 0, unlocked}, {3, 0, ajar}, {4, 0, locked}, {5, 0, shut}}, ""},
		{"the report of the opening before the answer to the order", lock, []heard{{0, 0, unlocked}, {5, 0, locked}}, ""},
		{"both at the same moment", lock, []heard{{2, 0, unlocked}, {2, 0, locked}}, ""},
		{"nothing said", lock, nil, "nothing current"},
		{"only opened", lock, []heard{{2, 0, unlocked}}, "not said to be locked"},
		{"jammed", lock, []heard{{2, 0, unlocked}, {5, 0, event.Observation{Bolt: event.BoltJammed}}}, "not said to be locked"},
		{"bolt unknown", lock, []heard{{2, 0, unlocked}, {5, 0, event.Observation{Bolt: event.BoltUnknown}}}, "not said to be locked"},
		{"ajar", lock, []heard{{2, 0, unlocked}, {3, 0, ajar}, {5, 0, locked}}, "not said to be closed"},
		{"contact unknown", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, event.Observation{Contact: event.ContactUnknown}}}, "not said to be closed"},
		{"locked and opened from inside", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, unlocked}}, "not said to be locked"},
		{"locked, opened from inside, locked", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, unlocked}, {7, 0, locked}}, ""},

		{"says again that it is locked, and was never seen open", lock, []heard{{5, 0, locked}}, "before the opening"},
		{"answers that it is locked, and was never seen open", lock, []heard{{5, 4, both}}, ""},
		{"answers a question from before the answer to the order", lock, []heard{{5, 1, both}}, "nothing current"},
		{"answers a question from before it was seen open", lock, []heard{{3, 0, unlocked}, {5, 2, both}}, "old message"},
		{"answers such a question after it was locked", lock, []heard{{2, 0, unlocked}, {3, 0, locked}, {5, 1, event.Observation{Bolt: event.BoltUnlocked}}}, "not said to be locked"},
		{"agrees late with what it said", lock, []heard{{2, 0, unlocked}, {4, 0, locked}, {5, 1, both}}, ""},

		{"a device that can't be asked says it again", keypad, []heard{{5, 0, locked}}, ""},
		{"such a device, before the answer to the order", keypad, []heard{{0, 0, locked}}, "nothing current"},

		{"retained", lock, []heard{{2, 0, unlocked}, {5, 0, retained(both)}}, "old message"},
		{"cached by a cloud", lock, []heard{{2, 0, unlocked}, {5, 0, cached(both)}}, "old message"},
		{"answered to no question", lock, []heard{{2, 0, unlocked}, {5, -999, both}}, "old message"},
		{"retained, then live", lock, []heard{{2, 0, unlocked}, {5, 0, retained(both)}, {6, 0, locked}}, ""},
		{"a retained copy that agrees", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, retained(both)}}, ""},
		{"a retained copy that doesn't", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, retained(unlocked)}}, "not said to be locked"},
		{"a retained copy of the contact", lock, []heard{{2, 0, unlocked}, {3, 0, ajar}, {4, 0, retained(shut)}, {5, 0, locked}}, "old message says that its contact"},

		{"its clock is wrong, and runs", lock, []heard{{2, 0, at(unlocked, 1)}, {5, 0, at(locked, 4)}}, ""},
		{"a message from before, by its own clock", lock, []heard{{2, 0, at(unlocked, 9)}, {5, 0, at(locked, 4)}}, "old message"},
		{"claimed by the same message again", lock, []heard{{2, 0, at(unlocked, 1)}, {4, 0, at(locked, 4)}, {6, 0, at(locked, 4)}}, "did not say that at"},
		{"opened again, then the same old message", lock, []heard{{2, 0, at(unlocked, 1)}, {3, 0, at(locked, 4)}, {4, 0, at(unlocked, 6)}, {5, 0, at(locked, 4)}}, "old message"},
		{"two messages in one second of its clock", lock, []heard{{2, 0, at(unlocked, 1)}, {2, 0, at(locked, 1)}}, ""},
		{"an answer sets its clock right", lock, []heard{{2, 0, at(unlocked, 9000)}, {4, 3, at(unlocked, 3)}, {5, 0, at(locked, 4)}}, ""},

		{"offline since", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, offline}}, "could not be reached"},
		{"offline and online again", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, offline}, {7, 0, online}}, ""},
		{"online again by a stored word", lock, []heard{{2, 0, unlocked}, {5, 0, locked}, {6, 0, offline}, {7, 0, retained(online)}}, "nothing current"},

		{"garage: opened and closed", gate, []heard{{2, 0, ajar}, {5, 0, shut}}, ""},
		{"garage: open", gate, []heard{{2, 0, ajar}}, "not said to be closed"},
		{"garage: never said a word", gate, []heard{{5, 0, online}}, "before the opening"},
		{"garage: says again that it is closed", gate, []heard{{5, 0, shut}}, "before the opening"},
		{"garage: answers that it is closed", gate, []heard{{5, 4, shut}}, ""},
		{"garage: retained", gate, []heard{{2, 0, ajar}, {5, 0, retained(shut)}}, "old message"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := test.spec
			spec.Opens, spec.Codes = true, false
			p := arrival(test.name, rules, []chapter{{"enrol", enrol(spec)}}, event.PermitRemote).with(
				chapter{"order", func(s *story) { s.tellHeard(test.said) }},
				chapter{"end", func(s *story) { s.end(event.EndSecured) }},
			)
			report := tell(p).check(t, audit.Options{})
			if said := text(report); report.OK() != (test.wants == "") || !strings.Contains(said, test.wants) {
				t.Errorf("want %q:\n%s", test.wants, said)
			}
		})
	}
}

// tellHeard tells an order, its answer one second later, and what the device says around it; at the end the journal
// calls the door secured.
func (s *story) tellHeard(said []heard) {
	open(0)(s)
	begin := s.now
	answered := false
	answer := func(now event.Instant) {
		if !answered && now >= begin.Add(event.Second) {
			answered = true
			s.now = begin
			resolved(event.Done, event.ByAnswer)(s)
		}
	}
	for _, h := range said {
		now := begin.Add(h.after * event.Second)
		answer(now)
		s.now = now
		o := h.o
		if h.asked != 0 {
			o.Origin, o.AskedAt = event.OriginAnswer, max(0, begin.Add(h.asked*event.Second))
		}
		if h.asked < 0 {
			o.AskedAt = 0
		}
		s.observe(s.doors[0], o)
	}
	answer(begin.Add(10 * event.Second))
	s.now = begin.Add(10 * event.Second)
	secured(0)(s)
}

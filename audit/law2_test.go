package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func TestLaw2Once(t *testing.T) {
	t.Parallel()
	find(t, 2, []plant{
		{"sent twice", home, after("open", (*story).send), "it was sent 2 times"},
		{"sent again an hour later", home, after("leave", func(s *story) { s.sendAt(s.permit.Deadline) }), "it was sent 2 times"},
		{"sent after its deadline", home, instead("open", func(s *story) {
			s.intend(s.doors[0], s.asked, func(*intended) {})
			s.sendAt(s.permit.Deadline + 1)
		}), "its deadline was"},
		{"sent to another device", home, instead("open", func(s *story) {
			open(0)(s)
			s.sent[0].Device = "lock-9"
		}), "lock-9"},
		{"a code sent for a remote permit", home, instead("open", func(s *story) {
			open(0)(s)
			s.sent[0].Act = event.ActSetCode
		}), `"set-code" was sent`},
		{"sent without a permit", home, after("leave", func(s *story) {
			s.sent = append(s.sent, event.Sent{At: s.now, Device: "lock-1", Act: event.ActOpen})
		}), "without a permit"},
		{"sent with a permit that is none", home, after("leave", func(s *story) {
			s.sent = append(s.sent, event.Sent{At: s.now, Device: "lock-1", Act: event.ActOpen, Permit: "home1-d3"})
		}), "without a permit"},
		{"opened twice in one visit", home, before("locked", func(s *story) { tap(0)(s); resolved(event.Done, event.ByAnswer)(s) }), "the visit had opened it"},
		{"a second code in one visit", code, also(upTo("done"), after("done", func(s *story) {
			s.wait(event.Second)
			s.sign()
			open(0)(s)
		})), "the visit had opened it"},
		{"code shown to another phone", code, edit("shown", func(c *event.CodeShown) { c.Key = otherPhone.key }), "another device key"},
		{"code shown after its time", code, also(before("shown", pass(11*event.Minute)), upTo("shown")), "was void from"},
		{"code shown after it was removed", code, also(upTo("done"), after("done", func(s *story) {
			s.say(event.CodeRemovalAsked{Permit: s.permit.ID, Barrier: s.permit.Barrier, Visit: s.visit})
			show(s)
		})), "after it was over"},
	})
}

// TestLaw2ShowingAgainIsNoSecondOpening: the same phone may look again.
func TestLaw2ShowingAgainIsNoSecondOpening(t *testing.T) {
	t.Parallel()
	holds(t, after("shown", show)(code))
}

// TestLaw2OtherCommandsAreNoOpenings: locking and forgetting codes may be sent as often as it takes.
func TestLaw2OtherCommandsAreNoOpenings(t *testing.T) {
	t.Parallel()
	holds(t, after("locked", func(s *story) {
		for range 3 {
			s.sent = append(s.sent, event.Sent{At: s.now, Device: "lock-1", Act: event.ActSecure},
				event.Sent{At: s.now, Device: "lock-1", Act: event.ActRemoveCode, Permit: s.permit.ID})
		}
	})(home))
}

// TestLaw2TellsWhatWasNotSeenSent: the log isn't synced, so that a missing line is no violation; but it is told.
func TestLaw2TellsWhatWasNotSeenSent(t *testing.T) {
	t.Parallel()
	report := tell(unsent(home)).check(t, audit.Options{})
	want := audit.Remark{What: "intended, and not known to be sent", Count: 1}
	if got := report.Laws[1].Remarks; !report.OK() || len(got) != 1 || got[0] != want {
		t.Errorf("remarks %v, want %v:\n%s", got, want, text(report))
	}
}

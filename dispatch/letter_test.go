package dispatch

import (
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store/memory"
)

// TestALenderPassesOnItsJudgement: what its door said goes on as it came; a replay goes as a copy, because the borrower
// may not have heard yet what unmasks it.
func TestALenderPassesOnItsJudgement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		_, tower := w.building()
		s := site.Evolve(w.state("tower"), w.eventAfter("tower", event.LeaseGranted{Lease: "flat-l7", Barrier: tower.barrier, Number: 1}))
		told := func(o event.Observation) event.Observation {
			e := event.Event{Site: "tower", Seq: s.Seq + 1, At: s.At, Body: event.BarrierObserved{Barrier: tower.barrier, Observation: o}}
			l, ok := letterOf(s, e)
			if !ok || l.From != "tower" || l.To != "flat" || l.Observe == nil || l.Observe.Barrier != tower.barrier {
				t.Fatalf("the letter %+v", l)
			}
			s = site.Evolve(s, e)
			return l.Observe.Observation
		}
		said := event.Observation{Bolt: event.BoltUnlocked, DeviceAt: s.At, ReceivedAt: s.At, Origin: event.OriginLive}
		if got := told(said); got != said {
			t.Errorf("passed on as %+v", got)
		}
		old := event.Observation{Bolt: event.BoltLocked, DeviceAt: s.At - 1, ReceivedAt: s.At, Origin: event.OriginLive}
		want := old
		want.Origin = event.OriginRetained
		if got := told(old); got != want {
			t.Errorf("a replay is passed on as %+v", got)
		}
		answer := event.Observation{Bolt: event.BoltLocked, DeviceAt: s.At - 1, AskedAt: s.At, ReceivedAt: s.At, Origin: event.OriginAnswer}
		if got := told(answer); got != answer {
			t.Errorf("an answer is passed on as %+v", got)
		}
		cached := event.Observation{Bolt: event.BoltLocked, ReceivedAt: s.At, Origin: event.OriginCached}
		if got := told(cached); got != cached {
			t.Errorf("a cloud's memory is passed on as %+v", got)
		}
	})
}

// TestWhatIsNotLentIsNobodysBusiness: no letter tells what a door said that is at home.
func TestWhatIsNotLentIsNobodysBusiness(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		_, tower := w.building()
		e := w.eventAfter("tower", event.BarrierObserved{Barrier: tower.barrier, Observation: event.Observation{Bolt: event.BoltUnlocked}})
		if l, ok := letterOf(w.state("tower"), e); ok {
			t.Errorf("the letter %+v", l)
		}
	})
}

// eventAfter makes the event that would follow in a journal.
func (w *town) eventAfter(at event.SiteID, b event.Body) event.Event {
	s := w.state(at)
	return event.Event{Site: at, Seq: s.Seq + 1, At: s.At, Body: b}
}

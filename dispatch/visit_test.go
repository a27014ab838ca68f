package dispatch

import (
	"testing"
	"testing/synctest"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store/memory"
)

func TestAVisitFromApproachToSecured(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		synctest.Wait()
		(&phone{town: w, home: h, server: always(d)}).deliver()
		synctest.Wait()
		w.checkOnce("home")
		w.checkShut("home")
		w.noWorkLeft()
		if len(h.door.opened()) != 1 || h.door.secures == 0 {
			t.Errorf("opened %v, secured %d times", h.door.opened(), h.door.secures)
		}
		inOrder(t, w.journal("home"), "visit.begun", "parcel.scanned", "visit.arrived", "opening.intended", "opening.resolved", "deposit.recorded",
			"closing.asked", "securing.asked", "barrier.secured", "courier.released", "delivery.delivered", "visit.ended")
		if s := w.state("home"); len(s.Visits)+len(s.Deliveries) != 0 {
			t.Errorf("left: %+v", s)
		}
	})
}

func TestAVisitByCode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitCode)
		d := w.process()
		end := w.run(d)
		defer end()
		p := &phone{town: w, home: h, server: always(d)}
		p.deliver()
		synctest.Wait()
		w.checkOnce("home")
		w.checkShut("home")
		w.noWorkLeft()
		if len(h.door.set) != 1 || len(h.door.codes) != 0 || len(h.door.opens) != 0 || h.door.set[0].Code != p.code {
			t.Errorf("codes set: %v, left: %v, opened remotely %d times", h.door.set, h.door.codes, len(h.door.opens))
		}
		inOrder(t, w.journal("home"), "opening.intended", "code.shown", "code.removal-asked", "code.removed", "barrier.secured", "visit.ended")
	})
}

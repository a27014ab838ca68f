package customer_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/customer"
)

// The answer to an earlier block is not taken for that to a new one, on the page and in its script.
func TestEachBlockHasItsOwnAnswer(t *testing.T) {
	for verdict, stands := range map[event.BlockVerdict]bool{event.BlockWon: true, event.BlockFromHere: true, event.BlockAlready: true, event.BlockTooLate: false,
		event.BlockEnded: false} {
		if got := customer.StillAnswered(verdict, ourDelivery); got != stands {
			t.Errorf("%s, and another visit: stands %t", verdict, got)
		}
	}
	out, err := exec.CommandContext(t.Context(), "node", "testdata/block.mjs").CombinedOutput()
	if said := strings.TrimSpace(string(out)); err != nil || said != "revealed: new" {
		t.Errorf("%v: %s", err, said)
	}
}

// flatBehind opens a household whose way in leads through a lobby that another site lends it.
func (b *building) flatBehind(t *testing.T) (lobby, flat *indoors.Household) {
	t.Helper()
	lobby, flat = b.Household("Keeper"), b.Household("Camille")
	must(t, lobby.Call(t.Context(), "POST", "/v1/home/lending", api.Lending{Barrier: lobby.Barrier, Borrower: flat.Site}, nil))
	var place api.AccessPoint
	must(t, flat.Call(t.Context(), "POST", "/v1/home/access-points", api.AccessPointRequest{Radius: 50, Name: "Flat 12",
		Position: api.Centre{Latitude: indoors.Latitude, Longitude: indoors.Longitude},
		WayIn:    []event.BarrierRef{{Barrier: lobby.Barrier, By: event.PermitRemote}, {Barrier: flat.Barrier, By: event.PermitRemote}}}, &place))
	flat.AccessPoint = place.ID
	must(t, flat.Call(t.Context(), "POST", "/v1/home/consents", api.ConsentRequest{AccessPoint: place.ID, Largest: event.SizeLarge, Inside: true,
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}}, nil))
	return lobby, flat
}

// With the lobby open and the flat still shut, the button says what is left to block, and what it is too late for; the
// answer is that it is blocked from here, with both times, and what stands open. The flat stays shut.
func TestBlockedFromHere(t *testing.T) {
	t.Parallel()
	b := build(t)
	lobby, flat := b.flatBehind(t)
	me, anna := b.visitor(t, flat), b.Courier("swift-anna")
	d := b.Assigned(flat, anna)
	me.shows(pathOf(d), "Block this delivery")
	v := anna.Approach(d)
	if a := anna.Scan(v, d); a.Refused != nil {
		t.Fatalf("the scan is refused: %+v", a.Refused)
	}
	indoors.AwaitWhere(b.Installation, flat.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, lobby.Door.Push())
	indoors.AwaitWhere(b.Installation, flat.Site, func(o event.BarrierObserved) bool { return o.Observation.Contact == event.ContactOpen })
	both(t, me, pathOf(d), "Block what is left: front door", "Bloquer le reste : porte d'entrée")
	both(t, me, pathOf(d), "Stays shut for this delivery: front door. Too late for: lobby door.", "Reste fermé pour cette livraison : porte d'entrée. Trop tard pour : porte de l'immeuble.")
	block(t, me, d)
	if answer := indoors.Await[event.BlockAnswered](b.Installation, flat.Site); answer.Verdict != event.BlockFromHere {
		t.Fatalf("the block: %+v", answer)
	}
	both(t, me, pathOf(d), "Blocked from here at ", "Bloqué à partir d'ici à ")
	page := me.shows(pathOf(d), "You pressed at", "the last order to open went at", "Lobby door – Open")
	if strings.Contains(page, "data-block") {
		t.Error("what is blocked can be blocked again")
	}
	if a := anna.Act(v, "open", api.OpenRequest{Barrier: flat.Barrier, Position: indoors.At(5)}); a.Refused == nil {
		t.Error("the flat's opening is taken")
	}
	if l, f := lobby.Door.Openings(), flat.Door.Openings(); l != 1 || f != 0 {
		t.Errorf("the lobby was opened %d times, the flat %d times", l, f)
	}
}

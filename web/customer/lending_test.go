package customer_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui/uitest"
)

// A door is lent to another home, which puts it on the way to its own place, and the lending is ended again.
func TestLendingADoor(t *testing.T) {
	t.Parallel()
	b := build(t)
	lobby, flat := b.Household("Keeper"), b.Household("Camille")
	keeper, camille := b.visitor(t, lobby), b.visitor(t, flat)
	both(t, keeper, "/home/lending", "Lend a door to another home", "Prêter une porte à un autre foyer")
	keeper.shows("/home/rules", "None of your doors is lent.")
	camille.shows("/home/lending", string(flat.Site))
	if to := keeper.post("/home/lending", "/home/lending", "barrier", string(lobby.Barrier), "borrower", " "+strings.ToUpper(string(flat.Site))); to != "/home/lending?done=lent" {
		t.Fatalf("lent, and led to %s", to)
	}
	both(t, keeper, "/home/lending?done=lent", "Give them the number of the door.", "Donnez-leur le numéro de la porte.")
	keeper.shows("/home/lending", string(lobby.Barrier), string(flat.Site))
	keeper.shows("/home/rules", "1 lending stands.")

	where := "/home/places/new/where?barrier=" + string(flat.Barrier)
	camille.post(where, "/home/places", "name", "Flat 12", "position", "48.8584, 2.2945", "lobby", string(lobby.Barrier))
	camille.shows("/home/", "Flat 12", "Another door on the way belongs to the building.")

	if to := keeper.post("/home/lending", "/home/lending/end"); to != "/home/lending?done=unlent.blocked" {
		t.Fatalf("ended, and led to %s", to)
	}
	both(t, keeper, "/home/lending?done=unlent.blocked", "The lending has ended.", "Le prêt est terminé.")
	if ended := indoors.Await[event.LendingEnded](b.Installation, lobby.Site); ended.Borrower != flat.Site || ended.Verdict != event.BlockWon {
		t.Errorf("the journal has %+v", ended)
	}
	again := url.Values{"key": {"again"}, "barrier": {string(lobby.Barrier)}, "borrower": {string(flat.Site)}}
	if a := keeper.send("POST", "/home/lending/end", again); a.header.Get("Location") != "/home/lending?done=unlent.already-blocked" {
		t.Errorf("ended twice: %d %s", a.status, a.header.Get("Location"))
	}
	for _, done := range []string{"too-late", "already-blocked"} {
		keeper.page("/home/lending?done=unlent." + done)
	}
}

// What can't be lent is named beside its field, and nothing that was typed is lost.
func TestWhatCannotBeLent(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, other := b.Household("Keeper"), b.Household("Camille")
	me := b.visitor(t, h)
	for _, x := range []struct{ barrier, borrower, says string }{
		{string(h.Barrier), "", "A number of lower-case letters"}, {string(h.Barrier), "not-a number", "A number of lower-case letters"},
		{string(h.Barrier), strings.Repeat("a", 33), "A number of lower-case letters"}, {string(h.Barrier), string(h.Site), "your own home"},
		{string(other.Barrier), string(other.Site), "Choose one of these."}, {"", string(other.Site), "Choose one of these."},
	} {
		a := me.send("POST", "/home/lending", url.Values{"key": {x.borrower + x.barrier}, "barrier": {x.barrier}, "borrower": {x.borrower}})
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), x.says) || !strings.Contains(a.body, `value="`+x.borrower+`"`) {
			t.Errorf("%+v: %d %s", x, a.status, plain(t, a.body))
		}
		uitest.Lint(t, a.body)
		wrong(t, a.body)
	}
	if n := countOf(b, h, event.LendingAllowed{}.Kind()); n != 0 {
		t.Errorf("%d lendings", n)
	}
	empty := b.Empty("Paul")
	b.visitor(t, empty).shows("/home/lending", "Lend a door: when one of yours is set up", string(empty.Site))
}

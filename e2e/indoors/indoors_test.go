package indoors_test

import (
	"testing"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
)

func TestADeliveryIndoors(t *testing.T) {
	t.Parallel()
	in := indoors.New(t, nil)
	home := in.Household("Camille")
	anna := in.Courier("swift-anna")
	d := in.Assigned(home, anna)
	v := anna.Enter(d)
	anna.Finish(d, v)
	if end := indoors.Await[event.VisitEnded](in, home.Site); end.Visit != v || end.How != event.EndSecured {
		t.Fatalf("the visit ended as %+v", end)
	}
	if n := home.Door.Openings(); n != 1 {
		t.Fatalf("the door was opened %d times", n)
	}
}

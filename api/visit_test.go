package api_test

import (
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

func TestDeliveryEndToEnd(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	anna := w.courier("anna")
	d := w.book(shop, h, 1)
	w.assign(d.ID, anna.courier)

	var stops api.Stops
	anna.get("/v1/courier/stops", &stops)
	if len(stops.Stops) != 1 || stops.Stops[0].Name != "Front door" || stops.Stops[0].Position == nil || stops.Stops[0].Address == "" {
		t.Fatalf("the stop: %+v", stops)
	}
	visit := granted(t, anna.approach(h)).Visit.ID
	a := granted(t, anna.scan(visit, 1))
	if a.Visit.Steps[0].Asked == nil {
		t.Fatal("the last scan asked for no opening")
	}
	anna.finish(h, visit)

	var after api.Delivery
	shop.get("/v1/deliveries/"+string(d.ID), &after)
	if after.Status != "delivered" || after.How != event.EndSecured {
		t.Errorf("the delivery: %+v", after)
	}
	if n := h.door.openings(); n != 1 {
		t.Errorf("%d openings", n)
	}
	var seen api.Visit
	anna.get("/v1/courier/visits/"+string(visit), &seen)
	if seen.Ended == nil || seen.Ended.How != event.EndSecured || seen.Arrived == 0 {
		t.Errorf("the ended visit: %+v", seen)
	}
}

package customer_test

import (
	"testing"

	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestWords(t *testing.T) { uitest.CheckWords(t, ".", customer.Words()) }

func TestHome(t *testing.T) {
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	me.shows("/home/", "All shut and locked", "Front door", "No delivery is on its way.")
	anna := b.Courier("swift-anna")
	d := b.Booked(h)
	me.shows("/home/", "Next deliveries", "1 parcel from grocer", "no courier assigned yet")
	_ = anna
	me.shows("/home/deliveries/"+string(d.ID), "Not assigned yet", "Block this delivery")
}

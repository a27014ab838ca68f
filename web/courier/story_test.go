package courier_test

import (
	"testing"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
)

// lends what most stories need: a delivery, its parcel, the hands at the door, and how often what happened.
func (b *browsing) ordinary() *indoors.Booked {
	booked := new(indoors.Booked)
	b.hands["assign"] = func() any { *booked = b.Assigned(b.home, b.anna); return true }
	b.hands["parcel"] = func() any { return booked.Parcel }
	b.hands["push"] = func() any { return b.home.Door.Push() }
	b.hands["shut"] = func() any { return b.home.Door.PullShut() }
	b.hands["openings"] = func() any { return b.home.Door.Openings() }
	b.hands["arrived"] = func() any { return count[event.VisitArrived](b) > 0 }
	b.hands["scans"] = func() any { return count[event.ParcelScanned](b) }
	b.hands["refusals"] = func() any { return count[event.Refused](b) }
	return booked
}

// count is how often something happened at the home.
func count[B event.Body](b *browsing) int {
	n := 0
	for _, e := range b.Journal(b.home.Site) {
		if _, ok := e.Body.(B); ok {
			n++
		}
	}
	return n
}

// A courier's visit, from tying the phone to leaving.
func TestAVisitByHand(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("story.mjs")
}

// A phone without the key is nobody, whatever else was copied; and a phone whose clock is hours off works.
func TestKeysOfPhones(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("keys.mjs")
}

// Without a network the app opens, nothing is shown from memory that could mislead, and scans are sent once.
func TestWithoutNetwork(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("offline.mjs")
}

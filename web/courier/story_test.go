package courier_test

import (
	"testing"

	"github.com/loquet/loquet/e2e/indoors"
)

// A courier's visit, from tying the phone to leaving, in a real browser.
func TestAVisitByHand(t *testing.T) {
	b := newBrowsing(t)
	var booked indoors.Booked
	b.hands["assign"] = func() any { booked = b.Assigned(b.home, b.anna); return true }
	b.hands["parcel"] = func() any { return booked.Parcel }
	b.hands["push"] = func() any { return b.home.Door.Push() }
	b.hands["shut"] = func() any { return b.home.Door.PullShut() }
	b.hands["openings"] = func() any { return b.home.Door.Openings() }
	b.run("story.mjs")
}

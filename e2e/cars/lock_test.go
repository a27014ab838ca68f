package cars_test

import (
	"testing"

	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// TestALockIsTriedUntilItIsProven: the car takes the orders to lock, and nothing happens. It is ordered again and again,
// within the maker's limits, the courier is not released before, and then the car says itself that it is locked.
func TestALockIsTriedUntilItIsProven(t *testing.T) {
	cars(t, func(w *world) {
		w.enter()
		w.shut()
		w.car.Play(devicetest.Deaf)
		w.ask(site.Close{Visit: w.visit})
		for w.car.SecureCommands() < 3 {
			changed := w.car.Changed()
			w.mustStay()
			<-changed
		}
		w.car.Behave()
		w.mustEnd()
	}, locked...)
}

// locked are the cars that an order locks, or shuts.
var locked = []string{atVolvos, atSmartcars, teslaPowered, teslaCabin}

// TestALockWhoseAnswersAreLost is tried until the car says that it is locked, all the same.
func TestALockWhoseAnswersAreLost(t *testing.T) {
	cars(t, func(w *world) {
		w.enter()
		w.shut()
		w.wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDropped, Method: post, Times: 2})
		w.ask(site.Close{Visit: w.visit})
		w.mustEnd()
		if w.car.SecureCommands() < 1 {
			w.Error("nothing ordered it to lock")
		}
	}, locked...)
}

// TestACarThatWillNotLock is an alarm that climbs, until it does.
func TestACarThatWillNotLock(t *testing.T) {
	cars(t, func(w *world) {
		w.hurry()
		w.enter()
		w.shut()
		w.car.Play(devicetest.Jam)
		w.ask(site.Close{Visit: w.visit})
		w.mustStay()
		w.untilAlarm(event.AlarmOperator)
		w.mustStay()
		w.car.Behave()
		w.mustEnd()
	}, atSmartcars, teslaCabin)
}

// TestATrunkThatIsLeftAjar keeps the courier, and is an alarm. No order can shut it: only a hand.
func TestATrunkThatIsLeftAjar(t *testing.T) {
	cars(t, func(w *world) {
		w.hurry()
		w.enter()
		w.tesla.LeaveAjar()
		w.mustStay()
		w.untilAlarm(event.AlarmCourier)
		w.mustStay()
		w.shut()
		w.mustEnd()
	}, teslaTrunk)
}

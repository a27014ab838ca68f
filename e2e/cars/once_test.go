package cars_test

import (
	"testing"
	"time"

	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/tesla/teslatest"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// TestAVisitOpensOnce, whatever is scanned and tapped meanwhile. Of a car whose trunk opens alone, the doors stay locked.
func TestAVisitOpensOnce(t *testing.T) {
	cars(t, func(w *world) {
		w.enter()
		if w.car.DoorsLocked() != w.trunkAlone() {
			w.Errorf("the trunk opens alone: %v, and then the doors are locked: %v", w.trunkAlone(), w.car.DoorsLocked())
		}
		for _, again := range []site.Request{site.Open{Visit: w.visit, Barrier: w.barrier}, site.Scan{Visit: w.visit, Parcel: parcel}} {
			if code := w.ask(again); code == "" {
				w.Errorf("%T is granted a second time", again)
			}
		}
		w.mustStay()
		if code := w.ask(site.Deposit{Visit: w.visit}); code != "" {
			w.Errorf("the parcel is put down: %q", code)
		}
		w.shut()
		w.ask(site.Close{Visit: w.visit})
		w.mustEnd()
		if w.car.Openings() != 1 {
			w.Errorf("it was opened %d times", w.car.Openings())
		}
	}, atVolvos, atSmartcars, teslaTrunk, teslaPowered, teslaCabin)
}

// TestAnOutcomeThatNobodyKnowsIsNotSentAgain: the order may have arrived, its answer is lost, and the car's cloud never
// hears what became of it. Whatever the courier tries, one order was sent. (A second one would shut a trunk with a motor.)
func TestAnOutcomeThatNobodyKnowsIsNotSentAgain(t *testing.T) {
	cars(t, func(w *world) {
		w.mustFind()
		w.car.LoseAnswers()
		w.mustScan()
		w.until("the order's end is unknown", func(s site.State) bool { return step(s).Outcome == event.Unknown })
		again := time.NewTicker(500 * time.Millisecond)
		defer again.Stop()
		for range 12 { // beyond the order's deadline, its lateness, and the maker's own time for an answer
			<-again.C
			if code := w.ask(site.Open{Visit: w.visit, Barrier: w.barrier}); code != event.OutcomePending {
				w.Errorf("opening again: %q", code)
			}
			if code := w.ask(site.Scan{Visit: w.visit, Parcel: parcel}); code == "" {
				w.Error("scanning again is granted")
			}
		}
		w.wantOpenings(1)
		w.withinLimits()
	}, atVolvos, atSmartcars, teslaTrunk, teslaPowered)
}

// TestAnAnswerThatIsCutOff is no reason to order again: the car itself is asked, and says that it opened.
func TestAnAnswerThatIsCutOff(t *testing.T) {
	cars(t, func(w *world) {
		w.mustFind()
		w.car.Play(devicetest.LostAnswer)
		w.mustScan()
		w.untilOpen()
		w.car.Behave()
		if err := w.car.PullShut(); err != nil {
			w.Fatal(err)
		}
		w.ask(site.Close{Visit: w.visit})
		w.mustEnd()
	}, teslaTrunk, teslaPowered, teslaCabin)
}

// TestWhatWasOpenedByHandIsNotOrdered to open, although it was found shut just before: a trunk with a motor would shut.
func TestWhatWasOpenedByHandIsNotOrdered(t *testing.T) {
	cars(t, func(w *world) {
		w.mustFind()
		w.car.Foreign()
		w.scanInVain(event.CarNotLocked)
		if w.car.Secured() {
			w.Error("it was shut")
		}
	}, atVolvos, atSmartcars, teslaTrunk, teslaPowered, teslaCabin)
}

// TestACarThatSleeps is woken when it is looked for. One that fell asleep since is not opened, and nothing reaches it: once
// it is awake again, it is ordered for the first time.
func TestACarThatSleeps(t *testing.T) {
	cars(t, func(w *world) {
		w.car.Play(devicetest.Asleep)
		w.mustFind()
		if n := w.tesla.Report().Wakes; n != 1 {
			w.Errorf("it was called %d times", n)
		}
		w.tesla.Misbehave(teslatest.Quirks{Asleep: true})
		w.scanInVain(event.DeviceOffline)
		w.car.Behave()
		w.insist()
		w.untilOpen()
		w.shut()
		w.ask(site.Close{Visit: w.visit})
		w.mustEnd()
	}, teslaTrunk, teslaPowered)
}

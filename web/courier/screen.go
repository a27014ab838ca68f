package courier

import (
	"slices"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// Screen is what a courier sees of a stop. The design guide calls them C1 to C10.
type Screen string

// Screens.
const (
	Stops   Screen = "stops"   // C1: the day
	Go      Screen = "go"      // C2: reach the place
	Arrive  Screen = "arrive"  // C3: what to expect before scanning
	Scan    Screen = "scan"    // C4: prove the parcels
	Opening Screen = "opening" // C5: from the order to the open door, and the tap for the next one
	Inside  Screen = "inside"  // C6: put down, shut
	Secured Screen = "secured" // C7: leave
	Refusal Screen = "refusal" // C8: why not, and what now
	PlanB   Screen = "plan-b"  // C9: the next best
	Code    Screen = "code"    // C10: one code, one opening
	// Fled: the courier left in danger, and the visit goes on under watch.
	Fled Screen = "fled"
	// TakenOver: a member of the household has taken charge.
	TakenOver Screen = "taken-over"
	// Done: the visit has ended, or the stop is no longer the courier's.
	Done Screen = "done"
)

// ScreenOf is the screen of a stop, with the visit that is under way there or has just ended; nil for none. It follows
// from what the server knows, and from nothing else.
func ScreenOf(stop *api.Stop, v *api.Visit) Screen {
	switch {
	case v == nil && (elsewhere(stop) || stop != nil && allOut(deliveriesOf(stop))):
		return Refusal
	case v == nil:
		return Go
	case v.Ended != nil:
		return Done
	case v.TakenOver != "":
		return TakenOver
	case v.Danger:
		return Fled
	}
	if furthest := furthestIn(v); furthest >= 0 {
		return openedScreen(v, furthest)
	}
	return unopenedScreen(v)
}

// unopenedScreen is for a visit in which nothing was opened, and nothing is on its way to be.
func unopenedScreen(v *api.Visit) Screen {
	switch {
	case v.Suspended, allOut(v.Deliveries), failed(v):
		return Refusal
	case v.Arrived == 0 && !anyAccounted(v.Deliveries):
		return Go
	case !anyAccounted(v.Deliveries):
		return Arrive
	case !allAccounted(v.Deliveries):
		return Scan
	}
	return Opening
}

// openedScreen is for a visit in which the step was opened, or may have been, and none further in.
func openedScreen(v *api.Visit, furthest int) Screen {
	step := v.Steps[furthest]
	switch {
	case v.MayLeave && (v.Deposited || v.Closing):
		return Secured
	case coded(v, step):
		return Code
	case opened(step) == 0:
		return Opening
	case furthest+1 < len(v.Steps) && !turnsBack(v):
		return Opening
	}
	return Inside
}

// furthestIn is the innermost step with an order that may have opened it, or -1.
func furthestIn(v *api.Visit) int {
	for i, p := range slices.Backward(v.Steps) {
		if live(p) {
			return i
		}
	}
	return -1
}

// live says whether an order to open was given, and is not known to have come to nothing.
func live(p api.Step) bool {
	return p.Asked != nil && (p.Recorded == nil || p.Recorded.Outcome != event.NotDone)
}

// failed says whether the order for the outermost barrier certainly did nothing.
func failed(v *api.Visit) bool {
	return len(v.Steps) > 0 && v.Steps[0].Asked != nil && !live(v.Steps[0])
}

// opened is when a step is known to have been opened; 0 if it is not.
func opened(p api.Step) event.Instant {
	if p.Recorded == nil {
		return 0
	}
	return p.Recorded.Opened
}

// coded says whether the step waits for its one-time code to be used. What can't report an opening waits for the
// courier's word to be inside.
func coded(v *api.Visit, p api.Step) bool {
	if p.By != event.PermitCode || p.Asked.Over {
		return false
	}
	return opened(p) == 0 || !p.Provable && !v.Deposited && !v.Closing
}

// turnsBack says whether the courier goes no further in: all that is left is to shut what is open.
func turnsBack(v *api.Visit) bool { return v.Closing || v.Suspended || allOut(v.Deliveries) }

// elsewhere says whether everything of the stop is tied to another phone of the courier's.
func elsewhere(stop *api.Stop) bool {
	return stop != nil && !slices.ContainsFunc(stop.Deliveries, func(d api.StopDelivery) bool { return !d.OtherDevice })
}

func deliveriesOf(stop *api.Stop) []api.VisitDelivery {
	var all []api.VisitDelivery
	for _, d := range stop.Deliveries {
		all = append(all, d.VisitDelivery)
	}
	return all
}

// allOut says whether there were deliveries, and all were blocked, or don't fit.
func allOut(all []api.VisitDelivery) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(d api.VisitDelivery) bool { return !out(d) })
}

func parcelsOf(all []api.VisitDelivery) []api.Parcel {
	var parcels []api.Parcel
	for _, d := range all {
		if !out(d) {
			parcels = append(parcels, d.Parcels...)
		}
	}
	return parcels
}

func accounted(p api.Parcel) bool { return p.Scanned || p.Missing }

func anyAccounted(all []api.VisitDelivery) bool {
	return slices.ContainsFunc(parcelsOf(all), accounted)
}

func allAccounted(all []api.VisitDelivery) bool {
	return !slices.ContainsFunc(parcelsOf(all), func(p api.Parcel) bool { return !accounted(p) })
}

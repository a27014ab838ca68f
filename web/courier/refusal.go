package courier

import (
	"slices"
	"strings"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// next is the one thing to do after a refusal.
type next string

const (
	nextWait  next = "wait"   // the same again, in a while
	nextAgain next = "again"  // something to put right here first
	nextPlanB next = "plan-b" // nothing opens here today
	nextList  next = "list"   // on to the next stop
	nextCall  next = "call"   // a person has to help
)

// afterwards says what to do after each refusal; one that is not here is met with a call.
var afterwards = map[event.Code]next{
	event.WrongParcel: nextAgain, event.WrongPlace: nextAgain, event.NoPosition: nextAgain, event.PositionVague: nextAgain,
	event.PositionOld: nextAgain, event.AlreadyScanned: nextAgain, event.AlreadyOpened: nextAgain, event.ParcelsLeft: nextAgain,
	event.NotSecured: nextAgain, event.NotAjar: nextAgain, event.NotOpened: nextAgain, event.ProofReused: nextAgain,

	event.TooEarly: nextWait, event.QuestionOpen: nextWait, event.BarrierBusy: nextWait, event.DeviceOffline: nextWait,
	event.OutcomePending: nextWait, event.CameraProving: nextWait, event.LeasePending: nextWait, event.NotConfirmed: nextWait,

	event.TooLate: nextPlanB, event.NoConsent: nextPlanB, event.PetsLoose: nextPlanB, event.AlarmOn: nextPlanB, event.Blocked: nextPlanB,
	event.BarrierNotReady: nextPlanB, event.CameraNotLive: nextPlanB, event.CameraNoRoom: nextPlanB, event.LenderRefused: nextPlanB,
	event.LenderBlocked: nextPlanB,

	event.CarChecking: nextWait, event.CarAsleep: nextWait, event.CarUnreachable: nextWait, event.CarBusy: nextWait, event.CarMoving: nextWait,
	event.CarPositionOld: nextWait, event.CarNotLocked: nextAgain, event.TrunkWindowPassed: nextAgain,
	event.CarTooFar: nextPlanB, event.CarIndoors: nextPlanB, event.CarRevoked: nextPlanB, event.CarOpensOtherwise: nextPlanB,
	event.ParcelDoesNotFit: nextPlanB,

	event.AlreadyEnded: nextList, event.NothingToDeliver: nextList, event.ParcelMissed: nextList, event.WrongCourier: nextList,

	event.WrongDevice: nextCall, event.Suspended: nextCall, event.NotPresent: nextCall,
}

func nextAfter(code event.Code) next {
	if n, known := afterwards[code]; known {
		return n
	}
	return nextCall
}

// nexts are all of them, for the pieces of the shell.
var nexts = []next{nextWait, nextAgain, nextPlanB, nextList, nextCall}

// codesOf lists the refusals after which this comes, as an attribute. A call comes after any that nobody knows.
func codesOf(n next) string {
	var codes []string
	for code, after := range afterwards {
		if after == n {
			codes = append(codes, string(code))
		}
	}
	slices.Sort(codes)
	return strings.Join(codes, " ")
}

// refused is a refusal that the state of the visit is by itself, without a tap.
type refused struct {
	title, text string
	next        next
	// barrier is what may be asked for again; "" for none.
	barrier event.BarrierID
}

// refusal is why nothing can be opened at this stop as things stand.
func (s at) refusal() refused {
	switch {
	case s.visit == nil && elsewhere(s.stop):
		return s.because(event.WrongDevice)
	case s.visit != nil && s.visit.Suspended:
		return s.because(event.Suspended)
	case tooLarge(s.deliveries()):
		return s.because(event.ParcelDoesNotFit)
	case allOut(s.deliveries()):
		return s.because(event.Blocked)
	case s.handlePassed():
		passed := s.because(event.TrunkWindowPassed)
		passed.barrier = s.visit.Steps[0].Barrier
		return passed
	}
	return refused{title: s.t("refusal.failed.title"), text: s.either("refusal.failed.text", "refusal.failed.text.car"), next: nextAgain, barrier: s.visit.Steps[0].Barrier}
}

func (s at) because(code event.Code) refused {
	values := phrase.Values{}
	if p := s.planB(); p != nil {
		values[phrase.PlanB] = p.Text
	}
	said := s.lang.RefusalAt(s.leadsTo(), code, values)
	return refused{title: said.Title, text: said.Text(), next: nextAfter(code)}
}

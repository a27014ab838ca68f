package event

import "slices"

// Code says why a request was refused. Package phrase has a sentence for each in every language: what
// happened, that nothing was opened, what to do now.
type Code string

// Codes of refusals.
const (
	WrongParcel      Code = "wrong-parcel"
	WrongCourier     Code = "wrong-courier"
	WrongDevice      Code = "wrong-device"
	WrongPlace       Code = "wrong-place"
	NoPosition       Code = "no-position"
	PositionVague    Code = "position-vague"
	PositionOld      Code = "position-old"
	TooEarly         Code = "too-early"
	TooLate          Code = "too-late"
	NoConsent        Code = "no-consent"
	QuestionOpen     Code = "question-open"
	PetsLoose        Code = "pets-loose"
	AlarmOn          Code = "alarm-on"
	Blocked          Code = "blocked"
	AlreadyScanned   Code = "already-scanned"
	AlreadyOpened    Code = "already-opened"
	AlreadyEnded     Code = "already-ended"
	NothingToDeliver Code = "nothing-to-deliver"
	ParcelsLeft      Code = "parcels-left"
	BarrierBusy      Code = "barrier-busy"
	BarrierNotReady  Code = "barrier-not-enrolled"
	DeviceOffline    Code = "device-offline"
	OutcomePending   Code = "outcome-pending"
	CameraNotLive    Code = "camera-not-live"
	CameraProving    Code = "camera-proving"
	CameraNoRoom     Code = "camera-no-room"
	LenderRefused    Code = "lender-refused"
	LenderBlocked    Code = "lender-blocked"
	LeasePending     Code = "lease-pending"
	NotSecured       Code = "not-secured"
	NotAjar          Code = "not-ajar"
	NotOpened        Code = "not-opened"
	NotPresent       Code = "not-present"
	ProofReused      Code = "proof-reused"
	Suspended        Code = "courier-suspended"
	NotConfirmed     Code = "code-not-confirmed"
	ParcelMissed     Code = "parcel-missing"
)

// Codes of refusals that are about a car, and about what does not fit into a place.
const (
	// CarTooFar: it does not stand within the radius around the reference address.
	CarTooFar Code = "car-too-far"
	CarMoving Code = "car-moving"
	// CarPositionOld: nobody knows where it is now.
	CarPositionOld Code = "car-position-old"
	// CarIndoors: the household says that it stands where it can't be reached.
	CarIndoors Code = "car-indoors"
	// CarNotLocked: it is not known to be locked and closed before the visit opens it.
	CarNotLocked Code = "car-not-locked"
	// CarChecking: it is being looked for.
	CarChecking Code = "car-checking"
	CarAsleep   Code = "car-asleep"
	// CarUnreachable: neither it nor its maker's cloud answers.
	CarUnreachable Code = "car-unreachable"
	// CarBusy: the maker's limit is reached.
	CarBusy Code = "car-busy"
	// CarRevoked: the customer or the maker withdrew the consent at the maker.
	CarRevoked Code = "car-revoked"
	// CarOpensOtherwise: its opening lays open something else than the household accepted.
	CarOpensOtherwise Code = "car-opens-otherwise"
	// TrunkWindowPassed: the trunk's handle was free for a while, and nobody opened the trunk.
	TrunkWindowPassed Code = "trunk-window-passed"
	ParcelDoesNotFit  Code = "parcel-too-large"
)

// PlaceNotReady is said to those whose business it is not what a household's car or home says of itself: of a refusal they
// learn that nothing could be left, and no journal holds this code.
const PlaceNotReady Code = "place-not-ready"

// private are the codes that say what a car or a home reports of itself.
var private = []Code{
	CarTooFar, CarMoving, CarPositionOld, CarIndoors, CarNotLocked, CarChecking, CarAsleep, CarUnreachable, CarBusy, CarRevoked,
	CarOpensOtherwise, TrunkWindowPassed, PetsLoose, AlarmOn,
}

// Discreet is the code as merchants and carriers are told it.
func (c Code) Discreet() Code {
	if slices.Contains(private, c) {
		return PlaceNotReady
	}
	return c
}

// Codes lists every code of refusal.
func Codes() []Code {
	return []Code{
		WrongParcel, WrongCourier, WrongDevice, WrongPlace, NoPosition, PositionVague, PositionOld, TooEarly, TooLate,
		NoConsent, QuestionOpen, PetsLoose, AlarmOn, Blocked, AlreadyScanned, AlreadyOpened, AlreadyEnded,
		NothingToDeliver, ParcelsLeft, BarrierBusy, BarrierNotReady, DeviceOffline, OutcomePending, CameraNotLive, CameraProving, CameraNoRoom,
		LenderRefused, LenderBlocked, LeasePending, NotSecured, NotAjar, NotOpened, NotPresent, ProofReused, Suspended,
		NotConfirmed, ParcelMissed,
		CarTooFar, CarMoving, CarPositionOld, CarIndoors, CarNotLocked, CarChecking, CarAsleep, CarUnreachable, CarBusy, CarRevoked,
		CarOpensOtherwise, TrunkWindowPassed, ParcelDoesNotFit,
	}
}

// Asked names the request that was refused.
type Asked string

// Requests that can be refused.
const (
	AskedApproach Asked = "approach"
	AskedArrive   Asked = "arrive"
	AskedScan     Asked = "scan"
	AskedMissing  Asked = "missing"
	AskedOpen     Asked = "open"
	AskedCode     Asked = "code"
	AskedDeposit  Asked = "deposit"
	AskedClose    Asked = "close"
	AskedLeave    Asked = "leave"
	AskedPlanB    Asked = "plan-b"
	AskedDanger   Asked = "danger"
	AskedTakeOver Asked = "take-over"
	AskedRehearse Asked = "rehearse"
	AskedBook     Asked = "book"
	AskedCancel   Asked = "cancel"
	AskedTooLarge Asked = "too-large"
)

// Refused: a request was understood and answered with no. Nothing was opened by it.
type Refused struct {
	Asked    Asked      `json:"asked"`
	Code     Code       `json:"code"`
	Visit    VisitID    `json:"visit,omitempty"`
	Delivery DeliveryID `json:"delivery,omitempty"`
	Barrier  BarrierID  `json:"barrier,omitempty"`
	// RetryAt is when the same request may be made again, if time alone cures it.
	RetryAt Instant `json:"retryAt,omitempty"`
	By      Actor   `json:"by"`
	Signed  Signed  `json:"signed,omitzero"`
}

// Kind of event.
func (Refused) Kind() Kind { return "request.refused" }

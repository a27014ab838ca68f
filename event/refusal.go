package event

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

// Codes lists every code of refusal.
func Codes() []Code {
	return []Code{
		WrongParcel, WrongCourier, WrongDevice, WrongPlace, NoPosition, PositionVague, PositionOld, TooEarly, TooLate,
		NoConsent, QuestionOpen, PetsLoose, AlarmOn, Blocked, AlreadyScanned, AlreadyOpened, AlreadyEnded,
		NothingToDeliver, ParcelsLeft, BarrierBusy, BarrierNotReady, DeviceOffline, OutcomePending, CameraNotLive, CameraProving, CameraNoRoom,
		LenderRefused, LenderBlocked, LeasePending, NotSecured, NotAjar, NotOpened, NotPresent, ProofReused, Suspended,
		NotConfirmed, ParcelMissed,
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

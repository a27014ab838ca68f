package event

// Place is how far from the access point a request was made.
type Place struct {
	// Distance and Accuracy are in metres, Age in milliseconds at receipt.
	Distance int    `json:"distance"`
	Accuracy int    `json:"accuracy"`
	Age      Millis `json:"age"`
}

// VisitBegun: a courier approaches with every due delivery for this access point. A visit with a Member and
// without deliveries is a rehearsal.
type VisitBegun struct {
	Visit       VisitID       `json:"visit"`
	Courier     CourierID     `json:"courier,omitempty"`
	Key         KeyID         `json:"key,omitempty"`
	Member      MemberID      `json:"member,omitempty"`
	AccessPoint AccessPointID `json:"accessPoint"`
	Deliveries  []DeliveryID  `json:"deliveries,omitempty"`
	ETA         Instant       `json:"eta,omitempty"`
	Signed      Signed        `json:"signed,omitzero"`
}

// Kind of event.
func (VisitBegun) Kind() Kind { return "visit.begun" }

// VisitEstimated: the courier's estimated time of arrival changed.
type VisitEstimated struct {
	Visit  VisitID `json:"visit"`
	ETA    Instant `json:"eta"`
	Signed Signed  `json:"signed,omitzero"`
}

// Kind of event.
func (VisitEstimated) Kind() Kind { return "visit.estimated" }

// VisitArrived: the courier is inside the access point's geofence.
type VisitArrived struct {
	Visit  VisitID `json:"visit"`
	Place  Place   `json:"place"`
	Signed Signed  `json:"signed"`
}

// Kind of event.
func (VisitArrived) Kind() Kind { return "visit.arrived" }

// ParcelScanned: a parcel of the visit was read by the courier's device.
type ParcelScanned struct {
	Visit    VisitID    `json:"visit"`
	Delivery DeliveryID `json:"delivery"`
	Parcel   Commitment `json:"parcel"`
	// Offline: it was read without network and sent later; it registers the parcel and opens nothing.
	Offline bool   `json:"offline,omitempty"`
	Signed  Signed `json:"signed"`
}

// Kind of event.
func (ParcelScanned) Kind() Kind { return "parcel.scanned" }

// ParcelMissing: the courier does not have a parcel of the visit.
type ParcelMissing struct {
	Visit    VisitID    `json:"visit"`
	Delivery DeliveryID `json:"delivery"`
	Parcel   Commitment `json:"parcel"`
	Signed   Signed     `json:"signed"`
}

// Kind of event.
func (ParcelMissing) Kind() Kind { return "parcel.missing" }

// DepositRecorded: the courier put the parcels down. Photo commits to a picture, if one was taken.
type DepositRecorded struct {
	Visit  VisitID    `json:"visit"`
	Photo  Commitment `json:"photo,omitempty"`
	Signed Signed     `json:"signed"`
}

// Kind of event.
func (DepositRecorded) Kind() Kind { return "deposit.recorded" }

// AlarmLevel is who is told: the courier, then also the customer, then also the operator.
type AlarmLevel int

// Levels of an alarm, in the order of climbing.
const (
	AlarmCourier  AlarmLevel = 1
	AlarmCustomer AlarmLevel = 2
	AlarmOperator AlarmLevel = 3
)

// AlarmReason is why an alarm stands.
type AlarmReason string

// Reasons for an alarm.
const (
	// AlarmDwell: nothing has shown for too long that it is shut, nor what keeps it from being.
	AlarmDwell     AlarmReason = "dwell"
	AlarmAjar      AlarmReason = "ajar"
	AlarmJammed    AlarmReason = "jammed"
	AlarmNotClosed AlarmReason = "not-closed"
	// AlarmNotLocked: its contact says closed, and its bolt does not say locked.
	AlarmNotLocked AlarmReason = "not-locked"
	AlarmUnknown   AlarmReason = "outcome-unknown"
	AlarmDanger    AlarmReason = "danger"
	AlarmReopened  AlarmReason = "reopened"
	AlarmUnreached AlarmReason = "unreachable"
	AlarmCodeStuck AlarmReason = "code-not-removed"
	// AlarmPicture: the visit's camera shows nothing that counts.
	AlarmPicture AlarmReason = "picture-lost"
)

// AlarmRaised: an alarm of the visit stands at this level, and whoever the level names is told.
type AlarmRaised struct {
	Visit   VisitID     `json:"visit"`
	Barrier BarrierID   `json:"barrier,omitempty"`
	Reason  AlarmReason `json:"reason"`
	Level   AlarmLevel  `json:"level"`
}

// Kind of event.
func (AlarmRaised) Kind() Kind { return "alarm.raised" }

// AlarmEnded: nothing in the visit is alarming any more.
type AlarmEnded struct {
	Visit VisitID `json:"visit"`
}

// Kind of event.
func (AlarmEnded) Kind() Kind { return "alarm.ended" }

// AlarmAcknowledged: somebody of the operator's staff has the visit's alarm in hand. It is not solved by that, climbs on
// as before, and ends on evidence alone.
type AlarmAcknowledged struct {
	Visit VisitID `json:"visit"`
	By    Actor   `json:"by"`
}

// Kind of event.
func (AlarmAcknowledged) Kind() Kind { return "alarm.acknowledged" }

// TakeOverAsked: a member says to be there; working a barrier by hand within the next minutes proves it.
type TakeOverAsked struct {
	Visit  VisitID  `json:"visit"`
	Member MemberID `json:"member"`
}

// Kind of event.
func (TakeOverAsked) Kind() Kind { return "visit.take-over-asked" }

// VisitTakenOver: a present member of the site took charge of what was open.
type VisitTakenOver struct {
	Visit  VisitID  `json:"visit"`
	Member MemberID `json:"member"`
}

// Kind of event.
func (VisitTakenOver) Kind() Kind { return "visit.taken-over" }

// CloseAsked: the courier is out and asks that everything be shut. Member, instead, when a member says so: of a
// rehearsal, or of what nothing but a word can end.
type CloseAsked struct {
	Visit  VisitID  `json:"visit"`
	Member MemberID `json:"member,omitempty"`
	Signed Signed   `json:"signed,omitzero"`
}

// Kind of event.
func (CloseAsked) Kind() Kind { return "closing.asked" }

// CourierLeftInDanger: the courier left at once; the alarm climbs and the visit stays open until secured.
type CourierLeftInDanger struct {
	Visit  VisitID `json:"visit"`
	Signed Signed  `json:"signed"`
}

// Kind of event.
func (CourierLeftInDanger) Kind() Kind { return "courier.left-in-danger" }

// CourierReleased: the courier was told that everything is done and may go.
type CourierReleased struct {
	Visit  VisitID `json:"visit"`
	Signed Signed  `json:"signed,omitzero"`
}

// Kind of event.
func (CourierReleased) Kind() Kind { return "courier.released" }

// VisitEnd is how a visit ended.
type VisitEnd string

// Ends of a visit.
const (
	// EndSecured: something was opened, and every barrier is proven secured.
	EndSecured VisitEnd = "secured"
	// EndUnproven: a barrier that can't prove it was closed by the courier's word; never shown as secured.
	EndUnproven VisitEnd = "closed-unproven"
	// EndTakenOver: a present member took charge.
	EndTakenOver VisitEnd = "taken-over"
	// EndUnopened: nothing was opened.
	EndUnopened VisitEnd = "nothing-opened"
)

// VisitEnded is the last event of a visit.
type VisitEnded struct {
	Visit VisitID  `json:"visit"`
	How   VisitEnd `json:"how"`
}

// Kind of event.
func (VisitEnded) Kind() Kind { return "visit.ended" }

package event

// Parcel is one parcel of a delivery, known by a commitment to its canonical code.
type Parcel struct {
	Code Commitment `json:"code"`
	Size Size       `json:"size"`
}

// DeliveryBooked: a promise of parcels for the site, in one window.
type DeliveryBooked struct {
	Delivery    DeliveryID    `json:"delivery"`
	Merchant    MerchantID    `json:"merchant"`
	Carrier     CarrierID     `json:"carrier"`
	Window      Span          `json:"window"`
	Parcels     []Parcel      `json:"parcels"`
	AccessPoint AccessPointID `json:"accessPoint"`
	DoNotRing   bool          `json:"doNotRing,omitempty"`
	KeepCold    bool          `json:"keepCold,omitempty"`
	// Whole: when a parcel is missing, the rest is not left either.
	Whole bool `json:"whole,omitempty"`
	// AskAt is when the household is asked the day before; 0 when there is no question or no day before.
	AskAt Instant `json:"askAt,omitempty"`
}

// Kind of event.
func (DeliveryBooked) Kind() Kind { return "delivery.booked" }

// DeliveryConsented: the delivery may take place during the allowed spans, by a standing consent, or by a
// member's word for this delivery when Consent is "".
type DeliveryConsented struct {
	Delivery DeliveryID `json:"delivery"`
	Consent  ConsentID  `json:"consent,omitempty"`
	Allowed  []Span     `json:"allowed"`
	By       Actor      `json:"by"`
}

// Kind of event.
func (DeliveryConsented) Kind() Kind { return "delivery.consented" }

// DeliveryUnconsented: nothing allows the delivery any more.
type DeliveryUnconsented struct {
	Delivery DeliveryID `json:"delivery"`
	By       Actor      `json:"by"`
}

// Kind of event.
func (DeliveryUnconsented) Kind() Kind { return "delivery.unconsented" }

// CourierAssigned: this courier, with this device key, brings the delivery. PublicKey is the key as a JWK, so
// that the audit can check what it signed.
type CourierAssigned struct {
	Delivery  DeliveryID `json:"delivery"`
	Courier   CourierID  `json:"courier"`
	Key       KeyID      `json:"key"`
	PublicKey string     `json:"publicKey"`
	By        Actor      `json:"by"`
}

// Kind of event.
func (CourierAssigned) Kind() Kind { return "courier.assigned" }

// CourierUnassigned: the courier no longer brings the delivery.
type CourierUnassigned struct {
	Delivery DeliveryID `json:"delivery"`
	Courier  CourierID  `json:"courier"`
	By       Actor      `json:"by"`
}

// Kind of event.
func (CourierUnassigned) Kind() Kind { return "courier.unassigned" }

// CourierSuspended: nothing more opens for this courier here. A visit with an open barrier goes on until secured.
type CourierSuspended struct {
	Courier CourierID `json:"courier"`
	By      Actor     `json:"by"`
}

// Kind of event.
func (CourierSuspended) Kind() Kind { return "courier.suspended" }

// Question is something that the household is asked before a visit.
type Question string

// Questions.
const (
	QuestionPets  Question = "pets-shut-away"
	QuestionAlarm Question = "alarm-off"
)

// Round is when a question is asked; an answer counts for its round only.
type Round string

// Rounds of questions.
const (
	RoundDayBefore Round = "day-before"
	RoundApproach  Round = "approach"
)

// QuestionAsked: the household is asked.
type QuestionAsked struct {
	Delivery DeliveryID `json:"delivery"`
	Question Question   `json:"question"`
	Round    Round      `json:"round"`
}

// Kind of event.
func (QuestionAsked) Kind() Kind { return "question.asked" }

// QuestionAnswered: a member answered; only yes on approach lets the visit go on.
type QuestionAnswered struct {
	Delivery DeliveryID `json:"delivery"`
	Question Question   `json:"question"`
	Round    Round      `json:"round"`
	Yes      bool       `json:"yes"`
	By       Actor      `json:"by"`
}

// Kind of event.
func (QuestionAnswered) Kind() Kind { return "question.answered" }

// DeliveryCancelled: the promise was withdrawn before anything opened.
type DeliveryCancelled struct {
	Delivery DeliveryID `json:"delivery"`
	By       Actor      `json:"by"`
}

// Kind of event.
func (DeliveryCancelled) Kind() Kind { return "delivery.cancelled" }

// DeliveryExpired: its window passed and no visit stands.
type DeliveryExpired struct {
	Delivery DeliveryID `json:"delivery"`
}

// Kind of event.
func (DeliveryExpired) Kind() Kind { return "delivery.expired" }

// BlockVerdict is the one answer to a block.
type BlockVerdict string

// Answers to a block.
const (
	// BlockWon: nothing opens for this delivery.
	BlockWon BlockVerdict = "blocked"
	// BlockFromHere: a barrier was opened already; those further in stay shut for this delivery.
	BlockFromHere BlockVerdict = "blocked-from-here"
	// BlockTooLate: the last order to open had gone.
	BlockTooLate BlockVerdict = "too-late"
	// BlockAlready: it was blocked before.
	BlockAlready BlockVerdict = "already-blocked"
	// BlockEnded: the delivery had ended.
	BlockEnded BlockVerdict = "already-ended"
)

// BlockAnswered: somebody blocked a delivery, and this is how it ended. IntendedAt is when the last order to
// open had been committed, if any had.
type BlockAnswered struct {
	Delivery   DeliveryID   `json:"delivery"`
	Visit      VisitID      `json:"visit,omitempty"`
	Verdict    BlockVerdict `json:"verdict"`
	IntendedAt Instant      `json:"intendedAt,omitempty"`
	By         Actor        `json:"by"`
}

// Kind of event.
func (BlockAnswered) Kind() Kind { return "block.answered" }

// PlanBFollowed: the courier took a step of plan B (counted from 0); Nobody when nobody was there.
type PlanBFollowed struct {
	Delivery DeliveryID `json:"delivery"`
	Step     int        `json:"step"`
	Fallback Fallback   `json:"fallback"`
	Nobody   bool       `json:"nobody,omitempty"`
	Photo    Commitment `json:"photo,omitempty"`
	Signed   Signed     `json:"signed"`
}

// Kind of event.
func (PlanBFollowed) Kind() Kind { return "plan-b.followed" }

// DeliveryDelivered: the parcels lie at the access point and the visit ended as How says.
type DeliveryDelivered struct {
	Delivery DeliveryID `json:"delivery"`
	Visit    VisitID    `json:"visit"`
	How      VisitEnd   `json:"how"`
	// Confirmed: the courier said that the parcels were put down; otherwise only the visit's end speaks for it.
	Confirmed bool `json:"confirmed,omitempty"`
}

// Kind of event.
func (DeliveryDelivered) Kind() Kind { return "delivery.delivered" }

// DeliveryDiverted: plan B took the parcels, or moves them to another access point.
type DeliveryDiverted struct {
	Delivery DeliveryID `json:"delivery"`
	To       Fallback   `json:"to"`
}

// Kind of event.
func (DeliveryDiverted) Kind() Kind { return "delivery.diverted" }

// DeliveryReturned: the parcels go back to the depot.
type DeliveryReturned struct {
	Delivery DeliveryID `json:"delivery"`
	Why      Code       `json:"why,omitempty"`
}

// Kind of event.
func (DeliveryReturned) Kind() Kind { return "delivery.returned" }

package event

// VehicleTerms are what the household allows of an access point that is a car; the zero value for any other place. The
// reference address, from which Within counts, is a personal value.
type VehicleTerms struct {
	// Within is how far from the reference address the car may stand, in metres.
	Within int `json:"within"`
	// Reveals is what a member accepted that an opening lays open. It is exactly what the device declares, or nothing
	// opens.
	Reveals Reveals `json:"reveals"`
}

// Vehicle says whether what stands behind the device is a car: its opening lays open more than a barrier.
func (s Spec) Vehicle() bool { return s.Reveals != "" }

// Motion is whether a car moves; "" when it says nothing of it.
type Motion string

// Motions.
const (
	MotionParked Motion = "parked"
	MotionMoving Motion = "moving"
)

// VehicleFault is why looking for a car found nothing; "" when it was found.
type VehicleFault string

// Reasons why a car was not found.
const (
	// VehicleAsleep: it sleeps, and did not wake in time.
	VehicleAsleep VehicleFault = "asleep"
	// VehicleUnreached: neither it nor its maker's cloud gave an answer that makes sense.
	VehicleUnreached VehicleFault = "unreached"
	// VehicleRevoked: the consent at the maker was withdrawn.
	VehicleRevoked VehicleFault = "revoked"
	// VehicleParted: the household took the car out, or withdrew its consent here. It is not looked for any more.
	VehicleParted VehicleFault = "parted"
	// VehicleBusy: the maker's limit is reached until Sighting.RetryAt.
	VehicleBusy VehicleFault = "limit"
)

// What a sighting says of what nobody knows.
const (
	// AgeUnknown: the car does not say of when its position is.
	AgeUnknown Millis = -1
	// SpotUnknown: it is not known where the car stood when the spot was described.
	SpotUnknown = -1
)

// Sighting is what was found when somebody looked for a car: distances and ages, never a position.
type Sighting struct {
	// AskedAt is when looking began, by our clock: whatever else stands here is of then, or of later.
	AskedAt Instant      `json:"askedAt"`
	Fault   VehicleFault `json:"fault,omitempty"`
	// RetryAt is when the maker can be asked again, where a limit was reached.
	RetryAt Instant `json:"retryAt,omitempty"`
	// Distance from the reference address, and FromSpot from where the car stood when the household described the spot,
	// in metres; SpotUnknown when there is nothing to compare with.
	Distance int `json:"distance"`
	FromSpot int `json:"fromSpot"`
	// Age of the position, by the car's own time; AgeUnknown when it gives none.
	Age    Millis `json:"age"`
	Motion Motion `json:"motion,omitempty"`
	// Bolt and Contact are of all locks and of all openings, however old the word is: enough to refuse by, and never a
	// proof.
	Bolt    Bolt    `json:"bolt,omitempty"`
	Contact Contact `json:"contact,omitempty"`
}

// RoundArrival, RoundRehearsal, RoundSpot and RoundConsent are rounds in which a car is looked for, beside those of questions.
const (
	// RoundArrival: what was found on approach is too old, or may have changed.
	RoundArrival Round = "arrival"
	// RoundRehearsal: a member says to be at the car.
	RoundRehearsal Round = "rehearsal"
	// RoundSpot: the household has just described where the car stands.
	RoundSpot Round = "spot"
	// RoundConsent: the consent at the maker was given again.
	RoundConsent Round = "consent"
)

// SpotDescribed: a member says where the car stands. Spot commits to the words; Indoors is a place where the car can't
// be reached, such as an underground garage.
type SpotDescribed struct {
	AccessPoint AccessPointID `json:"accessPoint"`
	Spot        Commitment    `json:"spot,omitempty"`
	Indoors     bool          `json:"indoors,omitempty"`
	By          Actor         `json:"by"`
}

// Kind of event.
func (SpotDescribed) Kind() Kind { return "spot.described" }

// SpotAsked: the household is asked where the car stands, because it never said, or because the car has moved since.
type SpotAsked struct {
	AccessPoint AccessPointID `json:"accessPoint"`
	Delivery    DeliveryID    `json:"delivery,omitempty"`
	Visit       VisitID       `json:"visit,omitempty"`
	Round       Round         `json:"round"`
}

// Kind of event.
func (SpotAsked) Kind() Kind { return "spot.asked" }

// VehicleSought: the car is to be woken, located and read, for a visit, for a delivery the day before, or because its
// spot was described or its consent given again.
type VehicleSought struct {
	AccessPoint AccessPointID `json:"accessPoint"`
	Delivery    DeliveryID    `json:"delivery,omitempty"`
	Visit       VisitID       `json:"visit,omitempty"`
	Round       Round         `json:"round"`
}

// Kind of event.
func (VehicleSought) Kind() Kind { return "vehicle.sought" }

// VehicleFound: what came of looking for the car. Code is why nothing may be opened by that; "" when nothing stands
// against it. A consent that is gone, or a car that was taken out, is told without having been asked for; Round is "" then.
type VehicleFound struct {
	AccessPoint AccessPointID `json:"accessPoint"`
	Delivery    DeliveryID    `json:"delivery,omitempty"`
	Visit       VisitID       `json:"visit,omitempty"`
	Round       Round         `json:"round,omitempty"`
	Seen        Sighting      `json:"seen"`
	Code        Code          `json:"code,omitempty"`
}

// Kind of event.
func (VehicleFound) Kind() Kind { return "vehicle.found" }

// ParcelTooLarge: the courier says that a delivery does not fit into this access point, before anything was opened or
// after. It is not left there in this visit.
type ParcelTooLarge struct {
	Visit    VisitID    `json:"visit"`
	Delivery DeliveryID `json:"delivery"`
	Signed   Signed     `json:"signed"`
}

// Kind of event.
func (ParcelTooLarge) Kind() Kind { return "parcel.too-large" }

// Proof of the courier's device.
func (e ParcelTooLarge) Proof() Signed { return e.Signed }

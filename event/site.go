package event

// ActorKind is in which role somebody acted.
type ActorKind string

// Kinds of actors.
const (
	ActorMember   ActorKind = "member"
	ActorCourier  ActorKind = "courier"
	ActorMerchant ActorKind = "merchant"
	ActorCarrier  ActorKind = "carrier"
	ActorOperator ActorKind = "operator"
	ActorDevice   ActorKind = "device"
	ActorSystem   ActorKind = "system"
	// ActorSite is another site, in the matter of a lease.
	ActorSite ActorKind = "site"
)

// Actor is who acted; ID is of the kind's own identifiers.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"`
}

// Signed is a request's proof by a courier's device key, kept for the audit. JWS is the compact proof: it
// names the method, the address, the digest of the body and its own identifier, and no personal value.
type Signed struct {
	Key KeyID  `json:"key"`
	ID  string `json:"id"`
	// IssuedAt is the phone's time, checked against ours at receipt.
	IssuedAt Instant `json:"issuedAt"`
	JWS      string  `json:"jws"`
}

// SiteOpened is the first event of every journal.
type SiteOpened struct {
	// Zone is the IANA name of the site's time zone, for the calendar outside the core.
	Zone string `json:"zone"`
}

// Kind of event.
func (SiteOpened) Kind() Kind { return "site.opened" }

// SiteClosed: the members moved out. Every consent, access point, barrier and member ends with it.
type SiteClosed struct {
	By Actor `json:"by"`
}

// Kind of event.
func (SiteClosed) Kind() Kind { return "site.closed" }

// MemberJoined: a person may now decide at the site.
type MemberJoined struct {
	Member MemberID `json:"member"`
	By     Actor    `json:"by"`
}

// Kind of event.
func (MemberJoined) Kind() Kind { return "member.joined" }

// MemberLeft: a person may no longer decide at the site.
type MemberLeft struct {
	Member MemberID `json:"member"`
	By     Actor    `json:"by"`
}

// Kind of event.
func (MemberLeft) Kind() Kind { return "member.left" }

// Rules are the site's choices that are not consent.
type Rules struct {
	// Dwell is how long a barrier may stay unsecured in a visit before it is an alarm; Climb how long each
	// level of an alarm lasts before the next is told.
	Dwell Millis `json:"dwell"`
	Climb Millis `json:"climb"`
	// Camera asks for a live picture: no picture, no opening.
	Camera bool `json:"camera,omitempty"`
	// KeepClips is how long what was filmed is kept; 0 for the default of seven days.
	KeepClips Millis `json:"keepClips,omitempty"`
	// OperatorWatches lets the operator's staff see a visit's live picture while an alarm stands in it.
	OperatorWatches bool `json:"operatorWatches,omitempty"`
	// AskPets and AskAlarm ask the day before and again on approach: are the pets shut away, is the alarm off.
	AskPets  bool `json:"askPets,omitempty"`
	AskAlarm bool `json:"askAlarm,omitempty"`
	// Watch reports openings between visits that Loquet did not ask for.
	Watch bool `json:"watch,omitempty"`
	// WatchCars has cars watched between visits too, and reports their openings in the same way.
	WatchCars bool `json:"watchCars,omitempty"`
	// PlanB is what the courier does, in order, when the parcel can't be left as planned. While it is empty, what is for a
	// car goes to its reference address first.
	PlanB []Fallback `json:"planB,omitempty"`
}

// FallbackKind is a kind of plan B.
type FallbackKind string

// Kinds of plan B. Outside is possible only because the customer put it there. Reference is where a car is to stand near:
// handed over there, in person.
const (
	FallbackAccessPoint FallbackKind = "access-point"
	FallbackNeighbour   FallbackKind = "neighbour"
	FallbackOutside     FallbackKind = "outside"
	FallbackReference   FallbackKind = "reference"
	FallbackDepot       FallbackKind = "depot"
)

// Fallback is one step of plan B. Who commits to a neighbour's name and door.
type Fallback struct {
	Kind        FallbackKind  `json:"kind"`
	AccessPoint AccessPointID `json:"accessPoint,omitempty"`
	Who         Commitment    `json:"who,omitempty"`
}

// RulesSet replaces the site's rules.
type RulesSet struct {
	Rules Rules `json:"rules"`
	By    Actor `json:"by"`
}

// Kind of event.
func (RulesSet) Kind() Kind { return "rules.set" }

// BarrierReserved: a device stands at the site and waits to be worked by hand, which proves physical control.
type BarrierReserved struct {
	Barrier BarrierID   `json:"barrier"`
	Is      BarrierKind `json:"is"`
	Spec    Spec        `json:"spec"`
	// AcceptUnprovable: its owner was told that nothing can prove it shut, and consents.
	AcceptUnprovable bool  `json:"acceptUnprovable,omitempty"`
	By               Actor `json:"by"`
}

// Kind of event.
func (BarrierReserved) Kind() Kind { return "barrier.reserved" }

// BarrierEnrolled: the person worked the barrier by hand when asked, and the device reported it.
type BarrierEnrolled struct {
	Barrier BarrierID   `json:"barrier"`
	Seen    Observation `json:"seen"`
}

// Kind of event.
func (BarrierEnrolled) Kind() Kind { return "barrier.enrolled" }

// BarrierRetired: the barrier no longer takes part.
type BarrierRetired struct {
	Barrier BarrierID `json:"barrier"`
	By      Actor     `json:"by"`
}

// Kind of event.
func (BarrierRetired) Kind() Kind { return "barrier.retired" }

// AccessPointAdded: a place where a parcel may be left, with its way in from the street inwards.
type AccessPointAdded struct {
	AccessPoint AccessPointID `json:"accessPoint"`
	WayIn       []BarrierRef  `json:"wayIn"`
	// Radius of the geofence around the place, in metres; the centre is a personal value.
	Radius int `json:"radius"`
	// Vehicle holds the terms of a car. The radius is then around the car itself.
	Vehicle VehicleTerms `json:"vehicle,omitzero"`
	By      Actor        `json:"by"`
}

// Kind of event.
func (AccessPointAdded) Kind() Kind { return "access-point.added" }

// AccessPointRetired: nothing is left there any more.
type AccessPointRetired struct {
	AccessPoint AccessPointID `json:"accessPoint"`
	By          Actor         `json:"by"`
}

// Kind of event.
func (AccessPointRetired) Kind() Kind { return "access-point.retired" }

// Hours is a stretch of local time on some days of the week.
type Hours struct {
	// Days are 1 (Monday) to 7 (Sunday), ascending.
	Days []int `json:"days"`
	// From and To are minutes after local midnight, From < To <= 1440.
	From int `json:"from"`
	To   int `json:"to"`
}

// Size of a parcel or of the largest one allowed.
type Size string

// Sizes, ascending.
const (
	SizeSmall  Size = "small"
	SizeMedium Size = "medium"
	SizeLarge  Size = "large"
)

// Known says whether the size is one of these.
func (s Size) Known() bool { return s == SizeSmall || s == SizeMedium || s == SizeLarge }

// Fits says whether a parcel of this size is allowed where most is the largest.
func (s Size) Fits(most Size) bool { return sizeOrder(s) <= sizeOrder(most) }

func sizeOrder(s Size) int {
	switch s {
	case SizeSmall:
		return 1
	case SizeMedium:
		return 2
	default:
		return 3
	}
}

// Consent is a standing permission with its limits. An empty list of merchants or carriers means any.
type Consent struct {
	ID          ConsentID     `json:"id"`
	AccessPoint AccessPointID `json:"accessPoint"`
	Merchants   []MerchantID  `json:"merchants,omitempty"`
	Carriers    []CarrierID   `json:"carriers,omitempty"`
	// Hours are turned into instants outside the core, at booking and at each change of rules.
	Hours   []Hours `json:"hours"`
	Largest Size    `json:"largest"`
	// Inside allows the courier past the last barrier; without it the parcel is left just behind it.
	Inside bool    `json:"inside,omitempty"`
	Until  Instant `json:"until,omitempty"`
}

// ConsentGiven: a signed-in member allows deliveries within limits.
type ConsentGiven struct {
	Consent Consent `json:"consent"`
	By      Actor   `json:"by"`
}

// Kind of event.
func (ConsentGiven) Kind() Kind { return "consent.given" }

// ConsentWithdrawn: the standing permission ends; deliveries that rest on it lose it unless intended already.
type ConsentWithdrawn struct {
	Consent ConsentID `json:"consent"`
	By      Actor     `json:"by"`
}

// Kind of event.
func (ConsentWithdrawn) Kind() Kind { return "consent.withdrawn" }

// LendingAllowed: the owner of a shared barrier lets another site's visits through it.
type LendingAllowed struct {
	Barrier  BarrierID `json:"barrier"`
	Borrower SiteID    `json:"borrower"`
	By       Actor     `json:"by"`
}

// Kind of event.
func (LendingAllowed) Kind() Kind { return "lending.allowed" }

// LendingEnded: no further lease is granted to that site. The verdict says whether one was out already.
type LendingEnded struct {
	Barrier  BarrierID    `json:"barrier"`
	Borrower SiteID       `json:"borrower"`
	Verdict  BlockVerdict `json:"verdict"`
	By       Actor        `json:"by"`
}

// Kind of event.
func (LendingEnded) Kind() Kind { return "lending.ended" }

package event

// Bolt is what a device says of its bolt; "" when it says nothing of it.
type Bolt string

// States of a bolt.
const (
	BoltLocked   Bolt = "locked"
	BoltUnlocked Bolt = "unlocked"
	BoltJammed   Bolt = "jammed"
	BoltUnknown  Bolt = "unknown"
)

// Contact is what a device says of the door's contact; "" when it says nothing of it.
type Contact string

// States of a contact.
const (
	ContactClosed  Contact = "closed"
	ContactOpen    Contact = "open"
	ContactUnknown Contact = "unknown"
)

// Reach is whether a device can be reached; "" when nothing is said of it.
type Reach string

// States of reachability.
const (
	ReachOnline  Reach = "online"
	ReachOffline Reach = "offline"
)

// Origin is how an observation came to us. Only live changes and answers can be fresh.
type Origin string

// Origins of an observation.
const (
	// OriginLive is a report that the device made by itself while we listened.
	OriginLive Origin = "live"
	// OriginAnswer is the device's own answer to a question that we asked at AskedAt.
	OriginAnswer Origin = "answer"
	// OriginRetained is a broker's stored copy: it may be of any age.
	OriginRetained Origin = "retained"
	// OriginCached is a maker's cloud answering from its memory.
	OriginCached Origin = "cached"
)

// Grade is how well a device's evidence is authenticated, and is shown as such.
type Grade string

// Grades of evidence.
const (
	// GradeProven: authenticated from the device itself.
	GradeProven Grade = "proven"
	// GradeReported: through something that could forge it, a broker or a cloud.
	GradeReported Grade = "reported"
)

// Observation is what a device said, once. A part that it did not speak of is "".
type Observation struct {
	Device  DeviceID `json:"device"`
	Bolt    Bolt     `json:"bolt,omitempty"`
	Contact Contact  `json:"contact,omitempty"`
	Reach   Reach    `json:"reach,omitempty"`
	// Battery is the charge in percent, 1 to 100; 0 when nothing is said of it.
	Battery int `json:"battery,omitempty"`
	// DeviceAt is the device's own time, if it has one; it is compared, never trusted to be right.
	DeviceAt Instant `json:"deviceAt,omitempty"`
	// ReceivedAt is our time of receipt.
	ReceivedAt Instant `json:"receivedAt"`
	Origin     Origin  `json:"origin"`
	// AskedAt is when the question was asked that an answer answers.
	AskedAt Instant `json:"askedAt,omitempty"`
	// Cause is the device's own word on who moved it ("manual", "keypad", "remote", "auto"), if it gives one.
	Cause string `json:"cause,omitempty"`
}

// Current says whether the observation can speak for the moment it was received: a live change, or an answer.
func (o Observation) Current() bool { return o.Origin == OriginLive || o.Origin == OriginAnswer }

// Known is what was known of a barrier at one moment, for another journal to go on from. A time of 0 means that the
// part was not known from a current message: it stands for nothing but a difference.
type Known struct {
	Bolt      Bolt    `json:"bolt,omitempty"`
	BoltAt    Instant `json:"boltAt,omitempty"`
	Contact   Contact `json:"contact,omitempty"`
	ContactAt Instant `json:"contactAt,omitempty"`
	// Reach as last said, and ReachedAt when the device last proved reachable; 0 since it was said to be offline.
	Reach     Reach   `json:"reach,omitempty"`
	ReachedAt Instant `json:"reachedAt,omitempty"`
	// DeviceAt is the device's own latest time, and DeviceHeard when it was heard: what is older and came later is
	// a replay.
	DeviceAt    Instant `json:"deviceAt,omitempty"`
	DeviceHeard Instant `json:"deviceHeard,omitempty"`
}

// Outcome is what became of a command to a device.
type Outcome string

// Outcomes of a command.
const (
	// Done: the device itself confirmed it.
	Done Outcome = "done"
	// NotDone: it certainly did not and will not happen.
	NotDone Outcome = "not-done"
	// Unknown: it may have happened, or may yet.
	Unknown Outcome = "unknown"
)

// Act is what a command asks of a device.
type Act string

// Acts.
const (
	ActOpen       Act = "open"
	ActSetCode    Act = "set-code"
	ActRemoveCode Act = "remove-code"
	ActSecure     Act = "secure"
)

// Sent is one line of a connector's own log: a command that may have been sent, written just before the wire.
// A line of an opening act names its permit.
type Sent struct {
	At     Instant  `json:"at"`
	Device DeviceID `json:"device"`
	Act    Act      `json:"act"`
	Permit PermitID `json:"permit,omitempty"`
}

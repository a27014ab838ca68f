package event

// BarrierKind is what a barrier is, for words and drawings; the decisions look only at its Spec.
type BarrierKind string

// Kinds of barriers.
const (
	FrontDoor BarrierKind = "front-door"
	Lobby     BarrierKind = "lobby"
	Flat      BarrierKind = "flat"
	Gate      BarrierKind = "gate"
	Garage    BarrierKind = "garage"
	Fridge    BarrierKind = "fridge"
	ParcelBox BarrierKind = "parcel-box"
	KeyDesk   BarrierKind = "key-desk"
	Trunk     BarrierKind = "trunk"
	Cabin     BarrierKind = "cabin"
	RobotBay  BarrierKind = "robot-bay"
)

// Closure is a barrier's closure predicate: the parts that must be seen, fresh, before it counts as secured.
// A barrier whose closure asks for nothing is unprovable.
type Closure struct {
	// Bolt asks for a bolt that is locked.
	Bolt bool `json:"bolt,omitempty"`
	// Contact asks for a contact that is closed.
	Contact bool `json:"contact,omitempty"`
}

// Provable says whether there is anything that could prove the barrier shut.
func (c Closure) Provable() bool { return c.Bolt || c.Contact }

// UnboundedLateness says that a command to a device may still arrive at any later time.
const UnboundedLateness Millis = -1

// Reveals is what an opening truly lays open, beyond the barrier itself; "" for the barrier alone. The customer consents
// to exactly that.
type Reveals string

// What the opening of a car lays open.
const (
	// RevealsTrunk: the trunk opens, the doors stay locked.
	RevealsTrunk Reveals = "trunk"
	// RevealsHandle: the trunk's handle is free for Spec.Window; once the trunk is opened by it, the whole car is.
	RevealsHandle Reveals = "trunk-handle"
	// RevealsCar: every door and the trunk.
	RevealsCar Reveals = "whole-car"
)

// Spec is what a barrier's device truly can do, as its connector declares it and as it was when enrolled.
type Spec struct {
	Device  DeviceID `json:"device"`
	Closure Closure  `json:"closure"`
	Grade   Grade    `json:"grade"`
	// Horizon is how long an observation stays fresh.
	Horizon Millis `json:"horizon"`
	// Lateness is how long after its deadline a command may still take effect; UnboundedLateness if nobody knows.
	Lateness Millis `json:"lateness"`
	// Opens, Secures, Reads and Codes say which commands the device takes: open, close or lock, tell its state
	// when asked, one-time codes.
	Opens   bool `json:"opens,omitempty"`
	Secures bool `json:"secures,omitempty"`
	Reads   bool `json:"reads,omitempty"`
	Codes   bool `json:"codes,omitempty"`
	// Reveals is what its opening lays open; Window is for how long the trunk's handle then is free.
	Reveals Reveals `json:"reveals,omitempty"`
	Window  Millis  `json:"window,omitempty"`
	// Locates, Wakes and Signals say that a vehicle tells where it stands, can be woken, and can flash or honk.
	Locates bool `json:"locates,omitempty"`
	Wakes   bool `json:"wakes,omitempty"`
	Signals bool `json:"signals,omitempty"`
}

// BarrierRef is one step of a way in. It may name another site's barrier (the building's lobby).
type BarrierRef struct {
	Barrier BarrierID `json:"barrier"`
	// By is the type of permit that this step takes.
	By PermitType `json:"by"`
}

// PermitType is how a permit opens.
type PermitType string

// Types of permits.
const (
	// PermitRemote: Loquet commands the device.
	PermitRemote PermitType = "remote"
	// PermitCode: a one-time code that the courier types or shows.
	PermitCode PermitType = "code"
)

// Permit is the right to open one barrier once. It exists only inside a committed OpeningIntended.
type Permit struct {
	ID      PermitID   `json:"id"`
	Type    PermitType `json:"type"`
	Visit   VisitID    `json:"visit"`
	Barrier BarrierID  `json:"barrier"`
	Device  DeviceID   `json:"device"`
	// Courier and Key are who may use it; for a rehearsal Member is, and both are "".
	Courier CourierID `json:"courier,omitempty"`
	Key     KeyID     `json:"key,omitempty"`
	Member  MemberID  `json:"member,omitempty"`
	// Deadline is when the command (or the code) becomes void.
	Deadline Instant `json:"deadline"`
	// Resolve is the moment after which the old command can no longer happen; 0 if that is never known.
	Resolve Instant `json:"resolve,omitempty"`
	// Recovery marks the reopening of a barrier that stood ajar in the same visit.
	Recovery bool `json:"recovery,omitempty"`
	// Lease and Fence belong to a borrowed barrier.
	Lease LeaseID `json:"lease,omitempty"`
	Fence uint64  `json:"fence,omitempty"`
}

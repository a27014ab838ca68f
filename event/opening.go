package event

// Readiness is what was known of a barrier's device when somebody asked to open.
type Readiness struct {
	Barrier BarrierID `json:"barrier"`
	Reach   Reach     `json:"reach"`
	// Reveals is what the device's connector declares, then, that an opening lays open.
	Reveals Reveals `json:"reveals,omitempty"`
}

// OpeningIntended commits the site to open one barrier once: the permit is spent by this very event. Whatever
// justified it stands beside it, for the audit.
type OpeningIntended struct {
	Permit  Permit    `json:"permit"`
	Place   Place     `json:"place,omitzero"`
	Ready   Readiness `json:"ready"`
	Picture Picture   `json:"picture,omitzero"`
	Signed  Signed    `json:"signed,omitzero"`
}

// Kind of event.
func (OpeningIntended) Kind() Kind { return "opening.intended" }

// Resolution is how an outcome became known.
type Resolution string

// Ways in which an outcome becomes known.
const (
	// ByAnswer: the device answered the command.
	ByAnswer Resolution = "answer"
	// BySight: the device reported the opening.
	BySight Resolution = "sight"
	// BySigns: signs of an opening were seen after the intent that don't say whose it was (a door that moved, a
	// stored copy), and the command can no longer happen.
	BySigns Resolution = "signs"
	// ByReading: the command can no longer happen, and a reading since then shows the barrier shut.
	ByReading Resolution = "reading"
	// ByTime: the command's deadline passed and nobody said anything; the outcome is unknown. An order to open
	// again what stood open is taken as done once it can no longer arrive.
	ByTime Resolution = "time"
)

// OpeningResolved: what became of an intended opening. Unknown may later be followed by Done or NotDone.
type OpeningResolved struct {
	Permit  PermitID   `json:"permit"`
	Barrier BarrierID  `json:"barrier"`
	Visit   VisitID    `json:"visit"`
	Outcome Outcome    `json:"outcome"`
	By      Resolution `json:"by"`
}

// Kind of event.
func (OpeningResolved) Kind() Kind { return "opening.resolved" }

// CodeShown: the one-time code was shown to the courier's device for the first time. Showing it again to the
// same key is not a second opening.
type CodeShown struct {
	Permit PermitID `json:"permit"`
	Visit  VisitID  `json:"visit"`
	Key    KeyID    `json:"key"`
	Signed Signed   `json:"signed"`
}

// Kind of event.
func (CodeShown) Kind() Kind { return "code.shown" }

// CodeRemovalAsked: the code was used, blocked or is past its time; the device is to forget it.
type CodeRemovalAsked struct {
	Permit  PermitID  `json:"permit"`
	Barrier BarrierID `json:"barrier"`
	Visit   VisitID   `json:"visit"`
}

// Kind of event.
func (CodeRemovalAsked) Kind() Kind { return "code.removal-asked" }

// CodeRemoved: the device was asked to forget the code, and read back; Confirmed when it is really gone.
type CodeRemoved struct {
	Permit    PermitID  `json:"permit"`
	Barrier   BarrierID `json:"barrier"`
	Visit     VisitID   `json:"visit"`
	Confirmed bool      `json:"confirmed"`
}

// Kind of event.
func (CodeRemoved) Kind() Kind { return "code.removed" }

// SecuringAsked: the device is to be locked or closed by order, as often as it takes.
type SecuringAsked struct {
	Barrier BarrierID `json:"barrier"`
	Visit   VisitID   `json:"visit"`
}

// Kind of event.
func (SecuringAsked) Kind() Kind { return "securing.asked" }

// ReadingAsked: the device is to be asked for its state.
type ReadingAsked struct {
	Barrier BarrierID `json:"barrier"`
	Visit   VisitID   `json:"visit,omitempty"`
}

// Kind of event.
func (ReadingAsked) Kind() Kind { return "reading.asked" }

// BarrierObserved: the device said something that changes what is known.
type BarrierObserved struct {
	Barrier     BarrierID   `json:"barrier"`
	Visit       VisitID     `json:"visit,omitempty"`
	Observation Observation `json:"observation"`
}

// Kind of event.
func (BarrierObserved) Kind() Kind { return "barrier.observed" }

// BarrierSecured: the closure predicate holds on fresh evidence. BoltAt and ContactAt are when each part was
// last said (0 when the closure does not ask for it), ReachedAt when the device last proved reachable.
type BarrierSecured struct {
	Barrier   BarrierID `json:"barrier"`
	Visit     VisitID   `json:"visit"`
	Grade     Grade     `json:"grade"`
	BoltAt    Instant   `json:"boltAt,omitempty"`
	ContactAt Instant   `json:"contactAt,omitempty"`
	ReachedAt Instant   `json:"reachedAt"`
}

// Kind of event.
func (BarrierSecured) Kind() Kind { return "barrier.secured" }

// BarrierUnsecured: a barrier of a running visit no longer meets its closure predicate.
type BarrierUnsecured struct {
	Barrier BarrierID `json:"barrier"`
	Visit   VisitID   `json:"visit"`
}

// Kind of event.
func (BarrierUnsecured) Kind() Kind { return "barrier.unsecured" }

// ForeignOpening: the device reports an opening that Loquet did not ask for.
type ForeignOpening struct {
	Barrier     BarrierID   `json:"barrier"`
	Observation Observation `json:"observation"`
}

// Kind of event.
func (ForeignOpening) Kind() Kind { return "barrier.foreign-opening" }

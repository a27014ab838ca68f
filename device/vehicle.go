package device

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/loquet/loquet/event"
)

// A vehicle is a device whose bolt is locked only while every lock that it has is, and whose contact is closed only
// while every door, the trunk and the bonnet are. It has two things to be opened, the trunk and the cabin, which are two
// devices with one vehicle behind them: a connector's configuration says which.
//
// Each part of what a vehicle said has a time of its own, so that a connector reports parts of different times as several
// observations, each with its DeviceAt: for several locks that is the oldest of their times. A maker's cloud answers from
// its memory: that is an answer only where the part's own time is not before the question, a live report where its time
// is newer than the last one that this process heard, and a cached copy otherwise.

// Located is where a vehicle says it stands. It is a personal value: it leaves memory only sealed.
type Located struct {
	// Latitude and Longitude are degrees in WGS 84.
	Latitude, Longitude float64
	// At is the vehicle's own time of the position; zero when it does not tell, and then the position has no age.
	At time.Time
	// ReceivedAt is when we were told.
	ReceivedAt time.Time
	Motion     event.Motion
}

// PlaceAhead is how far a vehicle's clock may be ahead of ours where it says when it was somewhere.
const PlaceAhead = time.Minute

// Check refuses a place that no vehicle can be at, and a time that has not come, with an error that wraps ErrNonsense.
// (0, 0), in the sea, is what a receiver says that has heard no satellite.
func (l Located) Check() error {
	switch {
	case !(math.Abs(l.Latitude) <= 90) || !(math.Abs(l.Longitude) <= 180):
		return fmt.Errorf("%w: the position is not on the globe", ErrNonsense)
	case l.Latitude == 0 && l.Longitude == 0:
		return fmt.Errorf("%w: the vehicle does not know where it is", ErrNonsense)
	case l.At.After(l.ReceivedAt.Add(PlaceAhead)):
		return fmt.Errorf("%w: the position is from the future", ErrNonsense)
	}
	return nil
}

// Locator asks a vehicle where it stands.
type Locator interface {
	// Locate returns the last position that the maker's cloud or the vehicle knows, with the vehicle's own time, if
	// Located.Check has nothing against it.
	Locate(ctx context.Context) (Located, error)
}

// Waker wakes a vehicle that sleeps. Waking opens nothing.
type Waker interface {
	// Wake returns nil once the vehicle itself is known to be awake. It may be repeated; an error that wraps ErrAsleep
	// says that it did not wake before the context ended.
	Wake(ctx context.Context) error
}

// Signal is how a vehicle lets itself be found.
type Signal string

// Signals.
const (
	SignalFlash Signal = "flash"
	SignalHonk  Signal = "honk"
)

// Signaller lets a vehicle flash or honk. Neither locks nor opens anything.
type Signaller interface {
	// Signals lists what this vehicle can do; it does not change while the process runs.
	Signals() []Signal
	// Signal may be repeated. Done means that the maker accepted it.
	Signal(ctx context.Context, s Signal) (event.Outcome, error)
}

// Errors of vehicles and their makers' clouds.
var (
	// ErrAsleep: the vehicle sleeps, and nothing was done.
	ErrAsleep = errors.New("the vehicle is asleep")
	// ErrRevoked: the customer or the maker withdrew the consent; nothing can be asked any more until it is given again.
	ErrRevoked = errors.New("the consent at the maker was withdrawn")
	// ErrNonsense: the answer can't be what a vehicle says (no JSON, a position off the globe, a time from the future).
	ErrNonsense = errors.New("the answer makes no sense")
)

// BusyError is a limit of the maker that was reached, or would have been: nothing was sent.
type BusyError struct {
	// RetryAt is when the same may be asked again.
	RetryAt time.Time
}

// Error says until when.
func (e *BusyError) Error() string {
	return "the maker's limit is reached until " + e.RetryAt.UTC().Format(time.RFC3339)
}

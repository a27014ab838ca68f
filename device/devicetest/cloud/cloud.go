// Package cloud is what the tests of connectors to makers' clouds share: the vehicle's side of devicetest, played by a
// fakecloud.Car behind a fake of its maker's cloud, and a place for tokens.
package cloud

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/fakecloud"
)

// World plays the vehicle's side with a car, and troubles on the way to its maker's cloud.
type World struct {
	// Proxy is the line to the cloud, which can be cut.
	*devicetest.Proxy
	Car   *fakecloud.Car
	Wire  *fakecloud.Wire
	OAuth *fakecloud.OAuth
	// Owner consented.
	Owner string
	// OneTime says that the cloud tells one time for all parts of the car.
	OneTime bool
	// Disconnect is what else happens at the maker when the owner withdraws; nil for nothing.
	Disconnect func()
}

var _ devicetest.Vehicle = &World{}

// DoorsLocked says whether the car is really locked.
func (w *World) DoorsLocked() bool { return w.Car.State().Locked }

// Signals is how often it flashed or honked.
func (w *World) Signals() int { return w.Car.Done().Signals }

// Requests are all but those for consents and tokens.
func (w *World) Requests() int { return w.Wire.Requests("oauth", "oauth2", "as") }

// Park puts the car somewhere.
func (w *World) Park(p devicetest.Place) { w.Car.Park(p.Latitude, p.Longitude, p.At, p.Moving) }

// OpenCommands are how often the cloud was told to unlock it.
func (w *World) OpenCommands() int { return w.Car.Done().UnlockCommands }

// SecureCommands are how often the cloud was told to lock it.
func (w *World) SecureCommands() int { return w.Car.Done().LockCommands }

// Openings are how often that really unlocked it.
func (w *World) Openings() int { return w.Car.Done().Openings }

// Changed is closed at the next command, movement or report.
func (w *World) Changed() <-chan struct{} { return w.Car.Changed() }

// Secured says whether the car is really locked, and everything shut.
func (w *World) Secured() bool {
	s := w.Car.State()
	return s.Locked && s.Open == (fakecloud.State{}).Open
}

// quirks of the car, and troubles on the way to its cloud.
var (
	quirks = map[devicetest.Fault]fakecloud.Quirks{
		devicetest.Deaf: {Deaf: true}, devicetest.Mute: {Mute: true}, devicetest.Refuse: {Refuse: true}, devicetest.Jam: {Jam: true},
		devicetest.Slow: {MotorDelay: devicetest.Delay}, devicetest.TooSlow: {MotorDelay: 1200 * time.Millisecond},
		devicetest.Late: {ReportDelay: devicetest.Delay}, devicetest.Asleep: {Asleep: true}, devicetest.Odd: {Odd: true},
	}
	troubles = map[devicetest.Fault]fakecloud.Trouble{
		devicetest.Busy:       {Kind: fakecloud.TroubleTooMany, Length: time.Minute},
		devicetest.LostAnswer: {Kind: fakecloud.TroubleDropped, Method: http.MethodPost, After: true},
		devicetest.HTML:       {Kind: fakecloud.TroubleHTML}, devicetest.Truncated: {Kind: fakecloud.TroubleTruncated},
		devicetest.Stall: {Kind: fakecloud.TroubleStall},
	}
)

// Play begins a fault; false if there is no such fault of cars.
func (w *World) Play(f devicetest.Fault) bool {
	if q, can := quirks[f]; can {
		w.Car.Behave(q)
		return true
	}
	if t, can := troubles[f]; can {
		w.Wire.Break(t)
		return true
	}
	switch f {
	case devicetest.Replay:
		return w.replay(func(told fakecloud.Told) bool { return !told.Locked }, asItWas)
	case devicetest.OldAsNew: // with its old times: with new ones, nobody could tell
		return w.replay(lockedThen, asItWas)
	case devicetest.OldRestamped:
		return w.replay(lockedThen, justBefore)
	case devicetest.LocksRestamped:
		return !w.OneTime && w.replay(lockedThen, locksNow)
	case devicetest.ExpiredToken:
		w.OAuth.Expire(w.Owner)
		w.OAuth.Expire("") // the application's, where it has one
	case devicetest.Revoked:
		w.OAuth.Revoke(w.Owner)
		if w.Disconnect != nil {
			w.Disconnect()
		}
	default:
		return false
	}
	return true
}

// replay makes the cloud know what it knew before, as of these times, and ask no more.
func (w *World) replay(fits func(fakecloud.Told) bool, stamp func(*fakecloud.Told, fakecloud.Told)) bool {
	w.Car.Behave(fakecloud.Quirks{Mute: true})
	return w.Car.Restamp(fits, stamp)
}

// lockedThen is the state before an opening.
func lockedThen(told fakecloud.Told) bool {
	return told.Locked && told.Open == (fakecloud.State{}).Open
}

// Times of what is told again.
func asItWas(*fakecloud.Told, fakecloud.Told) {}

func justBefore(again *fakecloud.Told, opened fakecloud.Told) {
	again.LockAt, again.OpenAt = opened.LockAt.Add(-time.Millisecond), opened.OpenAt.Add(-time.Millisecond)
}

func locksNow(again *fakecloud.Told, _ fakecloud.Told) { again.LockAt = time.Now() }

// Behave ends all faults.
func (w *World) Behave() {
	w.Wire.Mend()
	w.Car.Behave(fakecloud.Quirks{})
}

// Pause lets a car's clock, which tells milliseconds, go on.
func Pause() { <-time.After(3 * time.Millisecond) }

// Foreign unlocks it with the owner's key.
func (w *World) Foreign() {
	Pause()
	w.Car.ByHand(func(s *fakecloud.State) { s.Locked = false })
}

// Shut shuts everything and locks it with the owner's key.
func (w *World) Shut() {
	Pause()
	w.Car.ByHand(func(s *fakecloud.State) { s.Locked, s.Open = true, (fakecloud.State{}).Open })
}

// Push opens the trunk by hand.
func (w *World) Push() error {
	if w.Car.State().Locked {
		return errors.New("it is locked")
	}
	Pause()
	w.Car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = true })
	return nil
}

// PullShut shuts the trunk by hand.
func (w *World) PullShut() error {
	Pause()
	w.Car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	return nil
}

// TypeCode is nothing that a car has.
func (w *World) TypeCode(string) error { return errors.ErrUnsupported }

// Offline takes the car off its network, and Online brings it back.
func (w *World) Offline() { w.Car.Behave(fakecloud.Quirks{Offline: true}) }

// Online is the end of Offline.
func (w *World) Online() { w.Car.Behave(fakecloud.Quirks{}) }

// Keeper is a maker.Keeper in memory.
type Keeper struct {
	mu    sync.Mutex
	token *oauth2.Token
}

// NewKeeper makes one with these tokens; nil for none.
func NewKeeper(t *oauth2.Token) *Keeper { return &Keeper{token: t} }

// Token is what is kept now.
func (k *Keeper) Token() *oauth2.Token {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token
}

// Load returns what is kept.
func (k *Keeper) Load(context.Context) (*oauth2.Token, error) { return k.Token(), nil }

// Save replaces it.
func (k *Keeper) Save(_ context.Context, t *oauth2.Token) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.token = t
	return nil
}

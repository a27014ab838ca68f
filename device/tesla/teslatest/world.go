package teslatest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/loquet/loquet/device/devicetest"
)

// Numbers of Tesla's protocol for a Body's Lock (VehicleLockState_E in vcsec.proto).
const (
	Unlocked = iota
	Locked
)

// Numbers for all of a Body that can stand open (ClosureState_E).
const (
	Shut = iota
	Open
	Ajar
	Unknown
	FailedUnlatch
	Opening
	Closing
)

// Novel is a number that nobody has published.
const Novel = 99

// World plays the physical side of a car, its cloud and its owner, all but the line to it: with that it is a
// devicetest.Vehicle. One goroutine at a time plays.
type World struct {
	*Car
	// Key is the public half (PEM) of the key that the car knows, until it is revoked.
	Key []byte
	// Cabin says that an order unlocks the doors; else it opens the trunk.
	Cabin bool

	// Old says that its software signs no answers.
	Old bool

	quirks Quirks
	parked json.RawMessage
}

// Changed returns a channel that is closed at the next change.
func (w *World) Changed() <-chan struct{} { return w.Car.Changed() }

// OpenCommands counts the orders to open that the car took for genuine, obeyed or not.
func (w *World) OpenCommands() int { return w.Report().OpenCommands }

// SecureCommands counts those to lock and to close.
func (w *World) SecureCommands() int { return w.Report().SecureCommands }

// Openings counts how often an order really opened what it is for.
func (w *World) Openings() int { return w.Report().Openings }

// Signals counts how often it flashed or honked.
func (w *World) Signals() int { return w.Report().Signals }

// Requests counts what reached Tesla's cloud.
func (w *World) Requests() int { return w.Report().Requests }

// DoorsLocked says whether the doors really are.
func (w *World) DoorsLocked() bool { return w.Report().Body.Lock == Locked }

// Secured says whether it really is locked, and shut.
func (w *World) Secured() bool {
	b := w.Report().Body
	return b.Lock == Locked && b.Trunk == Shut && b.Frunk == Shut && b.Door == Shut
}

// Misbehave makes the car so wrong, and no more than that. It stands where it was parked.
func (w *World) Misbehave(q Quirks) {
	w.t.Helper()
	w.quirks = q
	q.Old = q.Old || w.Old
	if q.Drive == nil {
		q.Drive = w.parked
	}
	w.Car.Play(q)
}

// faults of the car, and of its cloud.
var faults = map[devicetest.Fault]Quirks{
	devicetest.Deaf: {Deaf: true}, devicetest.Jam: {Jam: true}, devicetest.Refuse: {Refuse: true},
	devicetest.Slow: {MotorDelay: int(devicetest.Delay.Milliseconds())}, devicetest.TooSlow: {MotorDelay: 1500},
	devicetest.Late: {ReportDelay: int(devicetest.Delay.Milliseconds())},
	devicetest.Mute: {Mute: true}, devicetest.Silent: {LostAnswers: "silent"},

	devicetest.Asleep: {Asleep: true, SleepsFor: 100}, devicetest.Busy: {Status: 429, RetryAfter: "60"},
	devicetest.ExpiredToken: {Token: "access-2"}, devicetest.LostAnswer: {Lost: "cut"}, devicetest.OldAsNew: {Replay: true},
	devicetest.HTML: {HTML: true}, devicetest.Truncated: {LostAnswers: "truncated"}, devicetest.Stall: {Stall: true},
}

// Play goes wrong so; false if it can't.
func (w *World) Play(f devicetest.Fault) bool {
	w.t.Helper()
	q, can := faults[f]
	switch {
	case can:
		w.Misbehave(q)
	case f == devicetest.Revoked:
		w.Unpair(w.Key)
	case f == devicetest.Odd:
		w.Set(Body{Lock: Novel, Trunk: Novel, Door: Novel})
	default:
		return false
	}
	return true
}

// Behave ends what was wrong.
func (w *World) Behave() {
	w.t.Helper()
	if w.Report().Body.Lock == Novel {
		w.Shut()
	}
	w.Misbehave(Quirks{})
}

// Park makes the car report this position from now on.
func (w *World) Park(p devicetest.Place) {
	w.t.Helper()
	gear := "null"
	if p.Moving {
		gear = `"D"`
	}
	w.parked = fmt.Appendf(nil, `{"latitude":%v,"longitude":%v,"gps_as_of":%d,"shift_state":%s,"speed":null}`,
		p.Latitude, p.Longitude, p.At.Unix(), gear)
	w.Misbehave(w.quirks)
}

// Foreign opens what an order would, by somebody else's means.
func (w *World) Foreign() {
	w.t.Helper()
	w.byHand(func(b *Body) {
		if b.Lock = Unlocked; !w.Cabin {
			b.Trunk = Open
		}
	})
}

// byHand changes the car as somebody does who stands there.
func (w *World) byHand(change func(*Body)) {
	w.t.Helper()
	b := w.Report().Body
	change(&b)
	w.Set(b)
}

// Shut shuts and locks it all.
func (w *World) Shut() {
	w.t.Helper()
	w.byHand(func(b *Body) { b.Lock, b.Trunk, b.Frunk, b.Door = Locked, Shut, Shut, Shut })
}

// Push opens the driver's door.
func (w *World) Push() error {
	w.t.Helper()
	w.byHand(func(b *Body) { b.Door = Open })
	return nil
}

// PullShut shuts the door and the trunk.
func (w *World) PullShut() error {
	w.t.Helper()
	w.byHand(func(b *Body) { b.Door, b.Trunk = Shut, Shut })
	return nil
}

// LeaveAjar leaves the trunk ajar.
func (w *World) LeaveAjar() { w.t.Helper(); w.byHand(func(b *Body) { b.Trunk = Ajar }) }

// TypeCode fails: it has no keypad.
func (w *World) TypeCode(string) error { return errors.ErrUnsupported }

// Offline takes it off its network, and Online brings it back.
func (w *World) Offline() { w.quirks.Offline = true; w.Misbehave(w.quirks) }

// Online brings it back to its network.
func (w *World) Online() { w.quirks.Offline = false; w.Misbehave(w.quirks) }

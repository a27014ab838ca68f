// Package devicetest is the suite that every connector passes. It holds what field experience has taught about
// locks, garage doors and their clouds as tests with names.
//
// A connector's own test gives a Factory: a device as its users get it, and the World on its other side, which
// is as real as runs here. What a World can't play is skipped, and the skip says so; what a connector does not
// implement is not asked of it.
package devicetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// World is the physical side of the device under test, and the way to it. It must be safe for concurrent use.
type World interface {
	// OpenCommands is how many orders to open have reached the device, obeyed or not, those for codes excluded.
	OpenCommands() int
	// SecureCommands is the same for locking or closing.
	SecureCommands() int
	// Openings is how often an order or a code has really opened it.
	Openings() int
	// Secured says whether it is really locked and shut, as far as it has these parts.
	Secured() bool
	// Changed returns a channel that is closed at the next command or movement.
	Changed() <-chan struct{}

	// Play makes the device go wrong from now on; false when this world can't. Behave ends it.
	Play(Fault) bool
	Behave()
	// Foreign opens it with somebody else's key; Shut makes it locked and shut by hand, whatever it was.
	Foreign()
	Shut()
	// Push opens the door by hand where nothing holds it, PullShut closes it; an error where it doesn't move, and
	// errors.ErrUnsupported for what has no door to push.
	Push() error
	PullShut() error
	// TypeCode types on the keypad; errors.ErrUnsupported where there is none.
	TypeCode(code string) error

	// Offline takes the device off the net, and Online brings it back.
	Offline()
	Online()
	// Cut breaks the way between the connector and the rest of the world, and Mend repairs it.
	Cut()
	Mend()
}

// Fault is one way to go wrong.
type Fault string

// Faults.
const (
	// Jam: the bolt sticks at its next movement.
	Jam Fault = "jam"
	// Deaf: commands are accepted, and nothing happens.
	Deaf Fault = "deaf"
	// Mute: commands are carried out, and nothing is reported.
	Mute Fault = "mute"
	// Silent: questions are not answered, and commands are obeyed.
	Silent Fault = "silent"
	// Refuse: the device answers that it refuses to open.
	Refuse Fault = "refuse"
	// Slow: the motor starts Delay after the command.
	Slow Fault = "slow"
	// TooSlow: the motor would start after any deadline of this suite, and then forgets the command.
	TooSlow Fault = "too-slow"
	// Late: reports come Delay late.
	Late Fault = "late"
	// Twice: each report comes twice.
	Twice Fault = "twice"
	// WrongClock: the device restarts, and its clock is three hours slow since then.
	WrongClock Fault = "wrong-clock"
	// Replay: the last report of an opening before the present state is sent again, with its old time. It happens
	// at once, and needs a device with a clock.
	Replay Fault = "replay"
	// KeepCodes: the removal of a code is accepted, and the code stays.
	KeepCodes Fault = "keep-codes"
)

// Delay of Slow and Late.
const Delay = 600 * time.Millisecond

// Rig is one device under test.
type Rig struct {
	Device device.Device
	World  World
	// Bolted says that the device reports a bolt, which then tells of its openings; else its contact does, as it does
	// for the trunk of a car whose doors stay locked.
	Bolted bool
	// ByHand says that a command locks it, and that only a hand can close it.
	ByHand bool
	// Cannot is what can't hold for it, by the test's name, and why. A device whose evidence is proven has none.
	Cannot map[string]string
}

// Factory makes a fresh rig: connected, reachable, locked and shut. It cleans up with the test.
type Factory func(t *testing.T, log device.Log) Rig

// Times of the suite.
const (
	enough  = 10 * time.Second       // for something that must happen
	brief   = 400 * time.Millisecond // for something that must not
	lasting = 5 * time.Second        // a deadline that does not matter
)

// Run runs the whole suite for a device that is no vehicle, each test with a fresh rig.
func Run(t *testing.T, factory Factory) {
	run(t, factory, slices.Concat(openingCases, reportCases, lineCases, codeCases))
}

func run(t *testing.T, factory Factory, cases []testCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			log := &Log{}
			rig := factory(t, log)
			if why, cannot := rig.Cannot[c.name]; cannot {
				if rig.Device.Spec().Grade == event.GradeProven {
					t.Fatalf("what is proven has no exceptions: %s", why)
				}
				t.Skip(why)
			}
			c.run(&bench{T: t, Rig: rig, log: log})
		})
	}
}

type testCase struct {
	name string
	run  func(*bench)
}

// bench is a rig with what tests need.
type bench struct {
	*testing.T
	Rig
	log    *Log
	permit uint64
}

// Log is a device.Log in memory, which can be told to fail, and calls a hook before it answers.
type Log struct {
	mu     sync.Mutex
	lines  []event.Sent
	err    error
	before func(event.Sent)
}

// Record keeps a line.
func (l *Log) Record(s event.Sent) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.before != nil {
		l.before(s)
	}
	if l.err != nil {
		return l.err
	}
	l.lines = append(l.lines, s)
	return nil
}

// Lines are what was recorded for an act.
func (l *Log) Lines(act event.Act) []event.Sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	var some []event.Sent
	for _, s := range l.lines {
		if s.Act == act {
			some = append(some, s)
		}
	}
	return some
}

// FailWith makes Record fail from now on.
func (l *Log) FailWith(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// Before calls a hook at the beginning of each Record.
func (l *Log) Before(hook func(event.Sent)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before = hook
}

func (b *bench) opener() device.Opener {
	b.Helper()
	o, ok := b.Device.(device.Opener)
	if !ok {
		b.Skip("it opens nothing")
	}
	return o
}

func (b *bench) securer() device.Securer {
	b.Helper()
	s, ok := b.Device.(device.Securer)
	if !ok {
		b.Skip("it takes no command to lock or close")
	}
	return s
}

func (b *bench) reader() device.Reader {
	b.Helper()
	r, ok := b.Device.(device.Reader)
	if !ok {
		b.Skip("it can't be asked")
	}
	return r
}

func (b *bench) coder() device.Coder {
	b.Helper()
	c, ok := b.Device.(device.Coder)
	if !ok {
		b.Skip("it takes no codes")
	}
	return c
}

func (b *bench) play(f Fault) {
	b.Helper()
	if !b.World.Play(f) {
		b.Skipf("this world can't play %q", f)
	}
}

// within is a context that ends after a while.
func (b *bench) within(length time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), length)
	b.Cleanup(cancel)
	return ctx
}

func (b *bench) nextPermit() event.PermitID {
	b.permit++
	return event.NewID[event.PermitID]("home1", 'p', b.permit)
}

// open orders an opening, and waits for its outcome as long as given.
func (b *bench) open(length time.Duration) (event.Outcome, error) {
	b.Helper()
	return b.opener().Open(b.within(length), device.Order{Permit: b.nextPermit(), Deadline: time.Now().Add(lasting)})
}

// tried orders an opening, and gives up so long after the order has reached the device.
func (b *bench) tried(length time.Duration) (outcome event.Outcome, err error) {
	b.Helper()
	opener, order := b.opener(), device.Order{Permit: b.nextPermit(), Deadline: time.Now().Add(lasting)}
	b.reached(b.World.OpenCommands, length, func(ctx context.Context) { outcome, err = opener.Open(ctx, order) })
	return outcome, err
}

// reached gives an order, and cancels it so long after one more is counted at the device.
func (b *bench) reached(count func() int, length time.Duration, give func(context.Context)) {
	b.Helper()
	before := count()
	ctx, cancel := context.WithCancel(b.within(enough))
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		give(ctx)
	}()
	b.until("the order reaches it", func() bool { return count() > before })
	select {
	case <-ended:
	case <-time.After(length):
	}
	cancel()
	<-ended
}

// mustOpen orders an opening that has to succeed.
func (b *bench) mustOpen() {
	b.Helper()
	if outcome, err := b.open(enough); outcome != event.Done || err != nil {
		b.Fatalf("opening: %v, %v; want done", outcome, err)
	}
}

func (b *bench) wantOutcome(got event.Outcome, err error, want event.Outcome) {
	b.Helper()
	if got != want {
		b.Fatalf("the outcome is %q (%v); want %q", got, err, want)
	}
	if (err == nil) != (want == event.Done) {
		b.Fatalf("outcome %q with error %v: exactly what is not done has one", got, err)
	}
}

func (b *bench) wantCommands(want int) {
	b.Helper()
	if got := b.World.OpenCommands(); got != want {
		b.Fatalf("%d orders to open reached the device; want %d", got, want)
	}
}

// until waits for the world to be so.
func (b *bench) until(what string, so func() bool) {
	b.Helper()
	limit := time.NewTimer(enough)
	defer limit.Stop()
	for {
		changed := b.World.Changed()
		if so() {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			b.Fatalf("it never happened: %s", what)
		}
	}
}

// record watches the device.
func (b *bench) record() *record {
	b.Helper()
	w, ok := b.Device.(device.Watcher)
	if !ok {
		b.Skip("it reports nothing by itself")
	}
	r := &record{b: b, changed: make(chan struct{})}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Watch(ctx, r.add)
	}()
	b.Cleanup(func() { cancel(); <-done })
	r.begin()
	return r
}

// hold makes the sink block from its next observation on, until released.
func (r *record) hold() (release func()) {
	gate := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gate = gate
	return sync.OnceFunc(func() {
		r.mu.Lock()
		r.gate = nil
		r.mu.Unlock()
		close(gate)
	})
}

// begin waits until the watcher listens: it is told at once what is known, if anything is.
func (r *record) begin() {
	r.mu.Lock()
	changed, told := r.changed, len(r.all) > 0
	r.mu.Unlock()
	if told {
		return
	}
	select {
	case <-changed:
	case <-time.After(brief):
	}
}

// record is what a watcher was told.
type record struct {
	b       *bench
	mu      sync.Mutex
	all     []event.Observation
	changed chan struct{}
	gate    chan struct{} // when set, the sink waits for it before it takes the next
}

func (r *record) add(o event.Observation) {
	r.mu.Lock()
	r.all = append(r.all, o)
	close(r.changed)
	r.changed = make(chan struct{})
	gate := r.gate
	r.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// list is for messages of failed tests: the last of them.
func list(all []event.Observation) string {
	var lines strings.Builder
	all = all[max(0, len(all)-20):]
	for _, o := range all {
		fmt.Fprintf(&lines, "%+v\n", o)
	}
	return lines.String()
}

// mark is a place in the record.
func (r *record) mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

func (r *record) since(mark int) []event.Observation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all[mark:])
}

// wait returns the first observation after the mark that fits, and the place after it.
func (r *record) wait(mark int, what string, fits func(event.Observation) bool) (event.Observation, int) {
	r.b.Helper()
	limit := time.NewTimer(enough)
	defer limit.Stop()
	for {
		r.mu.Lock()
		changed, all := r.changed, r.all
		r.mu.Unlock()
		for i := mark; i < len(all); i++ {
			if fits(all[i]) {
				return all[i], i + 1
			}
		}
		select {
		case <-changed:
		case <-limit.C:
			r.b.Fatalf("it was never reported: %s\n%s", what, list(r.since(0)))
		}
	}
}

// opened says whether an observation shows the device open, now, by the part that tells of it.
func (b *bench) opened(o event.Observation) bool {
	if b.Bolted {
		return o.Current() && o.Bolt == event.BoltUnlocked
	}
	return o.Current() && o.Contact == event.ContactOpen
}

// shut says whether an observation shows the device locked or closed, now.
func (b *bench) shut(o event.Observation) bool {
	if b.Bolted {
		return o.Current() && o.Bolt == event.BoltLocked
	}
	return o.Current() && o.Contact == event.ContactClosed
}

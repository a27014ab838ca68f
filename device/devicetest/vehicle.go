package devicetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// Vehicle is the World of a vehicle behind its maker's cloud.
type Vehicle interface {
	World
	// DoorsLocked says whether every door is really locked.
	DoorsLocked() bool
	// Signals is how often it has flashed or honked.
	Signals() int
	// Requests is how many requests have reached the maker's interface, refused or not, those for tokens excluded.
	Requests() int
	// Park makes the vehicle report this position from now on.
	Park(Place)
}

// Place is where a vehicle says it stands.
type Place struct {
	Latitude, Longitude float64
	// At is the vehicle's own time of the position.
	At     time.Time
	Moving bool
}

// Faults of vehicles and their makers' clouds.
const (
	// Asleep: the vehicle sleeps until it is woken.
	Asleep Fault = "asleep"
	// Busy: the maker answers that there were too many requests, and when the next may come: in a minute.
	Busy Fault = "busy"
	// ExpiredToken: the maker does not take the access token any more; a new one is to be had.
	ExpiredToken Fault = "expired-token"
	// Revoked: the customer has withdrawn the consent at the maker, or the key from the vehicle.
	Revoked Fault = "revoked"
	// LostAnswer: commands to open are carried out, and the maker's answer to them never arrives.
	LostAnswer Fault = "lost-answer"
	// OldAsNew: the state as it was before the last change is passed off as the present.
	OldAsNew Fault = "old-as-new"
	// OldRestamped: the state before it was opened, as of a moment before its maker heard that it was open.
	OldRestamped Fault = "old-restamped"
	// LocksRestamped: the locks as they were before the last change, as of now, and the openings as of then. It needs a
	// cloud that tells a time for each.
	LocksRestamped Fault = "locks-restamped"
	// Odd: locks and openings are in states that nobody has published.
	Odd Fault = "odd"
	// HTML: a page instead of JSON, with status 200.
	HTML Fault = "html"
	// Truncated: every answer ends in its middle.
	Truncated Fault = "truncated"
	// Stall: no answer for 30 s. Connectors under test have a shorter limit.
	Stall Fault = "stall"
)

// RunVehicle runs the whole suite for a vehicle, whose World is a Vehicle.
func RunVehicle(t *testing.T, factory Factory) {
	run(t, factory, slices.Concat(openingCases, reportCases, lineCases, codeCases, vehicleCases))
}

var vehicleCases = []testCase{
	{"a vehicle declares what it is and what its opening reveals", vehicleDeclares},
	{"a trunk opens while the doors stay locked", trunkOnly},
	{"what stands open is not commanded", openIsNotCommanded},
	{"what is not known to be shut is not commanded", oddIsNotCommanded},
	{"an unknown outcome is never sent again", unknownIsNotSentAgain},
	{"a limit of the maker is obeyed, and nothing is sent meanwhile", busyIsObeyed},
	{"an expired token is renewed, and nothing is sent twice", tokenIsRenewed},
	{"a withdrawn consent is said", revokedIsSaid},
	{"what sleeps is not commanded, and can be woken", asleepIsWoken},
	{"an old state passed off as new proves nothing", func(b *bench) { oldAsNew(b, OldAsNew) }},
	{"an old state as of a moment before the opening proves nothing", func(b *bench) { oldAsNew(b, OldRestamped) }},
	{"new locks don't make old openings new", locksRestamped},
	{"a page instead of JSON is no answer", func(b *bench) { brokenCloud(b, HTML) }},
	{"an answer that ends in its middle is no answer", func(b *bench) { brokenCloud(b, Truncated) }},
	{"a stall ends", func(b *bench) { brokenCloud(b, Stall) }},
	{"a lock that is accepted and never done is not locked, and is tried again", lockAgain},
	{"a position has its age and its motion", positionHasAge},
	{"a position off the globe, of nowhere, or from the future, makes no sense", positionMakesSense},
	{"signals open nothing", signalsOpenNothing},
}

func (b *bench) vehicle() Vehicle {
	b.Helper()
	v, is := b.World.(Vehicle)
	if !is {
		b.Fatal("the world is no Vehicle")
	}
	return v
}

func (b *bench) locator() device.Locator {
	b.Helper()
	l, ok := b.Device.(device.Locator)
	if !ok {
		b.Skip("it does not say where it is")
	}
	return l
}

func vehicleDeclares(b *bench) {
	b.vehicle()
	spec := b.Device.Spec()
	_, locates := b.Device.(device.Locator)
	_, wakes := b.Device.(device.Waker)
	signaller, signals := b.Device.(device.Signaller)
	if spec.Locates != locates || spec.Wakes != wakes || spec.Signals != signals {
		b.Errorf("it declares %+v; it has locator %v, waker %v, signaller %v", spec, locates, wakes, signals)
	}
	if signals && len(signaller.Signals()) == 0 {
		b.Error("it signals, and has no signal")
	}
	known := []event.Reveals{event.RevealsTrunk, event.RevealsHandle, event.RevealsCar}
	if !slices.Contains(known, spec.Reveals) || (spec.Reveals == event.RevealsHandle) != (spec.Window > 0) {
		b.Errorf("it reveals %q for %v", spec.Reveals, spec.Window)
	}
	if !spec.Closure.Bolt || !spec.Closure.Contact {
		b.Errorf("a vehicle is secured when it is locked and shut, not by %+v", spec.Closure)
	}
}

func trunkOnly(b *bench) {
	b.mustOpen()
	locked := b.vehicle().DoorsLocked()
	if reveals := b.Device.Spec().Reveals; (reveals == event.RevealsTrunk) != locked {
		b.Fatalf("it declares that opening it reveals %q, and then the doors are locked: %v", reveals, locked)
	}
}

func openIsNotCommanded(b *bench) {
	b.World.Foreign()
	outcome, err := b.open(enough)
	b.wantOutcome(outcome, err, event.NotDone)
	b.wantCommands(0)
	if len(b.log.Lines(event.ActOpen)) != 0 {
		b.Error("the log has a line for what was not sent")
	}
}

func oddIsNotCommanded(b *bench) {
	b.play(Odd)
	if o, err := b.reader().Read(b.within(enough)); err == nil {
		if o.Bolt == event.BoltLocked && o.Contact == event.ContactClosed {
			b.Fatalf("what nobody has published is read as %+v", o)
		}
	}
	outcome, err := b.open(2 * time.Second)
	b.wantOutcome(outcome, err, event.NotDone)
	b.wantCommands(0)
	b.World.Behave()
	b.mustOpen()
}

func unknownIsNotSentAgain(b *bench) {
	b.play(LostAnswer)
	outcome, err := b.open(enough)
	if outcome == event.NotDone || (outcome == event.Done) != (err == nil) {
		b.Fatalf("it may have opened, and the outcome is %q, %v", outcome, err)
	}
	b.wantCommands(1)
	b.World.Behave()
	if _, err := b.reader().Read(b.within(enough)); err != nil {
		b.Fatal(err)
	}
	b.wantCommands(1)
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it opened %d times", got)
	}
}

func busyIsObeyed(b *bench) {
	b.play(Busy)
	var busy *device.BusyError
	if _, err := b.reader().Read(b.within(enough)); !errors.As(err, &busy) {
		b.Fatalf("the error is %v; want a BusyError", err)
	}
	if left := time.Until(busy.RetryAt); left < 30*time.Second || left > 61*time.Second {
		b.Fatalf("in %v it may be asked again; the maker said in a minute", left)
	}
	asked := b.vehicle().Requests()
	outcome, err := b.open(brief)
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.As(err, &busy) {
		b.Errorf("the error is %v; want a BusyError", err)
	}
	if _, err := b.reader().Read(b.within(brief)); !errors.As(err, &busy) {
		b.Errorf("the error is %v; want a BusyError", err)
	}
	if more := b.vehicle().Requests() - asked; more != 0 {
		b.Fatalf("%d requests although the maker asked us to wait", more)
	}
	b.wantCommands(0)
}

func tokenIsRenewed(b *bench) {
	b.play(ExpiredToken)
	outcome, err := b.open(enough)
	if outcome == event.Unknown || (outcome == event.Done) != (err == nil) {
		b.Fatalf("the outcome is %q, %v", outcome, err)
	}
	if outcome == event.NotDone {
		b.mustOpen()
	}
	b.wantCommands(1)
}

func revokedIsSaid(b *bench) {
	b.play(Revoked)
	if _, err := b.reader().Read(b.within(enough)); !errors.Is(err, device.ErrRevoked) {
		_, err = b.reader().Read(b.within(enough)) // the first one may have learnt only that the token is not taken
		if !errors.Is(err, device.ErrRevoked) {
			b.Fatalf("the error is %v; want ErrRevoked", err)
		}
	}
	outcome, err := b.open(enough)
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.Is(err, device.ErrRevoked) {
		b.Errorf("the error is %v; want ErrRevoked", err)
	}
	b.wantCommands(0)
}

func asleepIsWoken(b *bench) {
	b.play(Asleep)
	outcome, err := b.open(2 * time.Second)
	b.wantOutcome(outcome, err, event.NotDone)
	if got := b.World.Openings(); got != 0 {
		b.Fatalf("it opened %d times in its sleep", got)
	}
	w, wakes := b.Device.(device.Waker)
	if !wakes {
		b.Skip("it can't be woken")
	}
	if err := w.Wake(b.within(enough)); err != nil {
		b.Fatal(err)
	}
	b.mustOpen()
	b.play(Asleep)
	gone, cancel := context.WithCancel(b.Context())
	cancel()
	if err := w.Wake(gone); err == nil {
		b.Error("it woke up although nobody waited for it")
	}
}

// oldAsNew: it stands open, and what it said before comes as if it were now.
func oldAsNew(b *bench, how Fault) {
	r := b.record()
	b.mustOpen()
	r.wait(0, "the opening", b.opened)
	b.play(how)
	mark := r.mark()
	o, err := b.reader().Read(b.within(enough))
	if err == nil && o.Origin == event.OriginAnswer && o.Bolt == event.BoltLocked && o.Contact == event.ContactClosed {
		b.Fatalf("what it said before counts as its answer: %+v", o)
	}
	<-time.After(brief) // for reports that come by themselves
	for _, o := range r.since(mark) {
		if b.shut(o) {
			b.Fatalf("what it said before counts as the present: %+v", o)
		}
	}
}

// locksRestamped: it stands open, its locks are said to be locked now, and its openings to be shut as they once were.
func locksRestamped(b *bench) {
	r := b.record()
	b.mustOpen()
	if err := b.World.Push(); err != nil {
		b.Skip(err)
	}
	_, mark := r.wait(0, "that it stands open", func(o event.Observation) bool { return o.Current() && o.Contact == event.ContactOpen })
	b.play(LocksRestamped)
	o, err := b.reader().Read(b.within(enough))
	if err == nil && o.Origin == event.OriginAnswer && o.Contact == event.ContactClosed {
		b.Fatalf("that it was closed counts as its answer: %+v", o)
	}
	// It may be heard as a copy, where one of its locks is old.
	r.wait(mark, "that it is locked", func(o event.Observation) bool { return o.Bolt == event.BoltLocked })
	<-time.After(brief) // for reports that come by themselves
	for _, o := range r.since(mark) {
		if o.Current() && o.Contact == event.ContactClosed {
			b.Fatalf("that it was closed counts as the present: %+v", o)
		}
	}
}

// brokenCloud: nothing that comes makes sense; then all is well again.
func brokenCloud(b *bench, f Fault) {
	b.play(f)
	if o, err := b.reader().Read(b.within(enough)); err == nil {
		b.Fatalf("it was read as %+v", o)
	}
	outcome, err := b.open(enough)
	if outcome == event.Done || err == nil {
		b.Fatalf("the outcome is %q, %v", outcome, err)
	}
	sent := b.World.OpenCommands()
	if sent > 0 && outcome == event.NotDone {
		b.Fatalf("%d orders reached it, and it is said not to be done", sent)
	}
	b.World.Behave()
	if sent == 0 {
		b.mustOpen()
	}
	b.wantCommands(max(1, sent))
}

func lockAgain(b *bench) {
	s := b.securer()
	b.mustOpen()
	b.byHand()
	b.play(Deaf)
	b.reached(b.World.SecureCommands, 0, func(ctx context.Context) {
		_, _ = s.Secure(ctx) // that it was accepted is all that an outcome says
	})
	o, err := b.reader().Read(b.within(enough))
	if b.Bolted && (err != nil || o.Bolt != event.BoltUnlocked) {
		b.Fatalf("it is not locked, and says %+v, %v", o, err)
	}
	b.World.Behave()
	if outcome, err := s.Secure(b.within(enough)); outcome == event.NotDone {
		b.Fatal(err)
	}
	b.until("it is secured", b.World.Secured)
	if got := b.World.SecureCommands(); got < 2 { // one with a motor in its trunk takes two each time
		b.Fatalf("%d orders to secure reached it; want 2", got)
	}
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it opened %d times", got)
	}
}

func positionHasAge(b *bench) {
	locator := b.locator()
	for _, want := range []Place{
		{45.7578, 4.8320, time.Now().Add(-3 * time.Second), false},
		{-33.8568, 151.2153, time.Now().Add(-26 * time.Hour), false},
		{51.5007, -0.1246, time.Now(), true},
	} {
		b.vehicle().Park(want)
		got, err := locator.Locate(b.within(enough))
		if err != nil {
			b.Fatal(err)
		}
		if math.Abs(got.Latitude-want.Latitude) > 1e-4 || math.Abs(got.Longitude-want.Longitude) > 1e-4 {
			b.Errorf("it is at %v, %v; want %v, %v", got.Latitude, got.Longitude, want.Latitude, want.Longitude)
		}
		if off := got.At.Sub(want.At).Abs(); off > 2*time.Second {
			b.Errorf("the position is of %v; want %v", got.At, want.At)
		}
		if got.ReceivedAt.IsZero() || time.Since(got.ReceivedAt).Abs() > enough {
			b.Errorf("it was received at %v", got.ReceivedAt)
		}
		if moving := got.Motion == event.MotionMoving; got.Motion != "" && moving != want.Moving {
			b.Errorf("it is %q; want moving %v", got.Motion, want.Moving)
		}
	}
}

func positionMakesSense(b *bench) {
	locator := b.locator()
	now := time.Now()
	for _, bad := range []Place{
		{91, 0, now, false}, {-90.5, 4, now, false}, {45, 180.5, now, false}, {45, -1000, now, false},
		{0, 0, now, false}, {45, 4, now.Add(time.Hour), false},
	} {
		b.vehicle().Park(bad)
		if got, err := locator.Locate(b.within(enough)); !errors.Is(err, device.ErrNonsense) {
			b.Errorf("%+v became %+v, %v; want ErrNonsense", bad, got, err)
		}
	}
}

func signalsOpenNothing(b *bench) {
	s, ok := b.Device.(device.Signaller)
	if !ok {
		b.Skip("it has no signals")
	}
	for i, signal := range s.Signals() {
		outcome, err := s.Signal(b.within(enough), signal)
		b.wantOutcome(outcome, err, event.Done)
		b.until("the signal", func() bool { return b.vehicle().Signals() == i+1 })
	}
	if outcome, err := s.Signal(b.within(enough), "sing"); outcome != event.NotDone || err == nil {
		b.Errorf("a signal that it has not: %q, %v", outcome, err)
	}
	b.wantCommands(0)
	if !b.World.Secured() {
		b.Error("it is not secured any more")
	}
}

package devicetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

var openingCases = []testCase{
	{"what it declares is what it can do", declares},
	{"it opens once, and says so", opensOnce},
	{"the log is written before the wire", logBeforeWire},
	{"what can't be logged is not sent", logFails},
	{"an expired order is not sent", expired},
	{"a cancelled order is not sent", cancelledBefore},
	{"accepted is not done", acceptedIsNotDone},
	{"an opening that nobody reports is unknown", muteIsUnknown},
	{"cancelling leaves it unknown", cancelledDuring},
	{"an order without a limit of its own still gets an answer", unboundedContext},
	{"a jam is never an opening", jamIsNotDone},
	{"a refusal by the device is not done", refused},
	{"a slow motor is awaited", slowMotor},
	{"a command is void after its deadline", voidAfterDeadline},
	{"reports that come twice change nothing", twice},
	{"a wrong clock changes nothing", wrongClock},
	{"an earlier opening by somebody else confirms nothing", foreignConfirmsNothing},
	{"openings at the same time are one command each", concurrent},
}

func declares(b *bench) {
	spec := b.Device.Spec()
	_, opens := b.Device.(device.Opener)
	_, secures := b.Device.(device.Securer)
	_, reads := b.Device.(device.Reader)
	_, codes := b.Device.(device.Coder)
	if spec.Opens != opens || spec.Secures != secures || spec.Reads != reads || spec.Codes != codes {
		b.Errorf("it declares %+v; it has opener %v, securer %v, reader %v, coder %v", spec, opens, secures, reads, codes)
	}
	if spec.Device == "" || spec.Horizon <= 0 || spec.Lateness < event.UnboundedLateness {
		b.Errorf("it declares %+v: no identifier, no horizon or no lateness", spec)
	}
	if spec.Grade != event.GradeProven && spec.Grade != event.GradeReported {
		b.Errorf("it declares the grade %q", spec.Grade)
	}
	if spec != b.Device.Spec() {
		b.Error("it declares something else the second time")
	}
	if spec.Closure.Bolt && !b.Bolted && spec.Reveals != event.RevealsTrunk {
		b.Error("its closure asks for a bolt that it has not")
	}
}

func opensOnce(b *bench) {
	r := b.record()
	b.mustOpen()
	b.wantCommands(1)
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it really opened %d times", got)
	}
	r.wait(0, "the opening", b.opened)
	lines := b.log.Lines(event.ActOpen)
	want := event.NewID[event.PermitID]("home1", 'p', 1)
	if len(lines) != 1 || lines[0].Permit != want || lines[0].Device != b.Device.Spec().Device || lines[0].At == 0 {
		b.Fatalf("the log has %+v", lines)
	}
}

func logBeforeWire(b *bench) {
	var sentBefore int
	b.log.Before(func(event.Sent) { sentBefore = b.World.OpenCommands() })
	b.mustOpen()
	if sentBefore != 0 {
		b.Fatal("the command was on the wire before its line was in the log")
	}
	if len(b.log.Lines(event.ActOpen)) != 1 {
		b.Fatal("the log has no line")
	}
}

func logFails(b *bench) {
	full := errors.New("the disk is full")
	b.log.FailWith(full)
	outcome, err := b.open(enough)
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.Is(err, full) {
		b.Errorf("the error %v does not say why", err)
	}
	b.log.FailWith(nil)
	b.mustOpen() // and this one is the only one that arrives
	b.wantCommands(1)
}

func expired(b *bench) {
	outcome, err := b.opener().Open(b.within(enough), device.Order{Permit: b.nextPermit(), Deadline: time.Now().Add(-time.Millisecond)})
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.Is(err, device.ErrExpired) {
		b.Errorf("the error is %v; want ErrExpired", err)
	}
	if lines := b.log.Lines(event.ActOpen); len(lines) != 0 {
		b.Errorf("the log claims that it may have been sent: %+v", lines)
	}
	b.mustOpen()
	b.wantCommands(1)
}

func cancelledBefore(b *bench) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	outcome, err := b.opener().Open(ctx, device.Order{Permit: b.nextPermit(), Deadline: time.Now().Add(lasting)})
	if outcome == event.Done || err == nil {
		b.Fatalf("a cancelled order: %v, %v", outcome, err)
	}
	b.mustOpen()
	if outcome == event.NotDone {
		b.wantCommands(1)
	}
}

func acceptedIsNotDone(b *bench) {
	b.play(Deaf)
	outcome, err := b.tried(brief)
	b.wantOutcome(outcome, err, event.Unknown)
	if b.World.Openings() != 0 {
		b.Fatal("the world is not as the test wants it")
	}
}

func muteIsUnknown(b *bench) {
	b.play(Mute)
	outcome, err := b.tried(brief)
	b.wantOutcome(outcome, err, event.Unknown)
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it opened %d times", got)
	}
	b.wantCommands(1)
}

func cancelledDuring(b *bench) {
	b.play(Mute)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	result := make(chan event.Outcome, 1)
	go func() {
		outcome, _ := b.opener().Open(ctx, device.Order{Permit: b.nextPermit(), Deadline: time.Now().Add(lasting)})
		result <- outcome
	}()
	b.until("the command", func() bool { return b.World.OpenCommands() == 1 })
	cancel()
	select {
	case outcome := <-result:
		b.wantOutcome(outcome, errors.New("cancelled"), event.Unknown)
	case <-time.After(enough):
		b.Fatal("it did not come back when it was cancelled")
	}
}

func unboundedContext(b *bench) {
	if b.Device.Spec().Lateness == event.UnboundedLateness {
		b.Skip("its commands may come at any later time")
	}
	b.play(Deaf)
	done := make(chan event.Outcome, 1)
	deadline := time.Now().Add(2 * brief)
	go func() {
		outcome, _ := b.opener().Open(b.Context(), device.Order{Permit: b.nextPermit(), Deadline: deadline})
		done <- outcome
	}()
	limit := time.Until(deadline) + b.Device.Spec().Lateness.Duration() + enough
	select {
	case outcome := <-done:
		b.wantOutcome(outcome, device.ErrNoAnswer, event.Unknown)
	case <-time.After(limit):
		b.Fatal("it waits for ever")
	}
}

func jamIsNotDone(b *bench) {
	b.play(Jam)
	outcome, err := b.open(brief)
	if b.World.Openings() > 0 {
		b.Skip("what is played as a jam does not keep this one from opening")
	}
	if outcome == event.Done || err == nil {
		b.Fatalf("a jammed one: %v, %v", outcome, err)
	}
}

func refused(b *bench) {
	b.play(Refuse)
	outcome, err := b.open(enough)
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.Is(err, device.ErrRefused) {
		b.Errorf("the error is %v; want ErrRefused", err)
	}
	b.World.Behave()
	b.mustOpen()
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it opened %d times; the refused order must not", got)
	}
}

func slowMotor(b *bench) {
	b.play(Slow)
	start := time.Now()
	b.mustOpen()
	if took := time.Since(start); took < Delay {
		b.Fatalf("done after %v, before the motor moved", took)
	}
	b.wantCommands(1)
}

func voidAfterDeadline(b *bench) {
	b.play(TooSlow)
	deadline := time.Now().Add(2 * brief)
	outcome, err := b.opener().Open(b.within(2*brief), device.Order{Permit: b.nextPermit(), Deadline: deadline})
	b.wantOutcome(outcome, err, event.Unknown)
	b.World.Behave()
	b.mustOpen() // it is open by this one only
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it opened %d times", got)
	}
}

func twice(b *bench) {
	b.play(Twice)
	r := b.record()
	b.mustOpen()
	_, mark := r.wait(0, "the opening", b.opened)
	b.World.Shut()
	_, mark = r.wait(mark, "that it is shut", b.shut)
	b.mustOpen()
	r.wait(mark, "the second opening", b.opened)
	b.wantCommands(2)
	if got := b.World.Openings(); got != 2 {
		b.Fatalf("it opened %d times", got)
	}
}

func wrongClock(b *bench) {
	r := b.record()
	b.play(WrongClock)
	_, mark := r.wait(0, "that it is gone", offline)
	_, mark = r.wait(mark, "that it is back", func(o event.Observation) bool { return o.Reach == event.ReachOnline })
	before := event.InstantOf(time.Now())
	b.mustOpen()
	o, _ := r.wait(mark, "the opening", b.opened)
	if o.ReceivedAt < before || o.ReceivedAt > event.InstantOf(time.Now()) {
		b.Fatalf("received at %v, which is not our time", o.ReceivedAt)
	}
}

// foreignConfirmsNothing: a door that stands open already when the order comes, and then does nothing.
func foreignConfirmsNothing(b *bench) {
	r := b.record()
	b.World.Foreign()
	r.wait(0, "the opening by somebody else", b.opened)
	b.World.Cut()
	r.wait(0, "that it is out of reach", func(o event.Observation) bool { return o.Reach == event.ReachOffline })
	b.play(Deaf)
	b.World.Mend()
	outcome, err := b.open(2 * brief)
	if outcome == event.Done {
		b.Fatalf("an old state confirmed the opening (%v)", err)
	}
}

func concurrent(b *bench) {
	opener := b.opener()
	const orders = 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := 0
	for range orders {
		permit := b.nextPermit()
		wg.Go(func() {
			outcome, err := opener.Open(b.within(2*time.Second), device.Order{Permit: permit, Deadline: time.Now().Add(time.Second)})
			mu.Lock()
			defer mu.Unlock()
			if outcome != event.NotDone {
				sent++
			}
			if (outcome == event.Done) != (err == nil) {
				b.Errorf("outcome %v with error %v", outcome, err)
			}
		})
	}
	wg.Wait()
	if got := b.World.OpenCommands(); got > sent {
		b.Fatalf("%d orders to open reached the device, for %d that may have been sent", got, sent)
	}
	permits := map[event.PermitID]bool{}
	for _, line := range b.log.Lines(event.ActOpen) {
		if permits[line.Permit] {
			b.Fatalf("two lines for the permit %s", line.Permit)
		}
		permits[line.Permit] = true
	}
}

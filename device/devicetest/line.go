package devicetest

import (
	"errors"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

var lineCases = []testCase{
	{"a device without power is offline, not locked", deadBattery},
	{"a device that is offline is not commanded", offlineIsNotCommanded},
	{"a broken line is reported, and mended by itself", brokenLine},
	{"without a line nothing is sent, then or later", nothingWithoutLine},
	{"nothing is sent again after a broken line", nothingSentAgain},
	{"nothing is sent again to a device that comes back", nothingSentToReturned},
	{"what was so before the line broke is not fresh", oldStateIsNotFresh},
}

func offline(o event.Observation) bool { return o.Reach == event.ReachOffline }

func deadBattery(b *bench) {
	r := b.record()
	mark := r.mark()
	b.World.Offline()
	_, mark = r.wait(mark, "that it is offline", offline)
	if got := b.Device.Reach(); got != event.ReachOffline {
		b.Errorf("it is %q; want offline", got)
	}
	for _, o := range r.since(mark) {
		if o.Current() && (o.Bolt != "" || o.Contact != "") {
			b.Errorf("a device without power says %+v", o)
		}
	}
	b.World.Online()
	r.wait(mark, "that it is back", func(o event.Observation) bool { return o.Reach == event.ReachOnline })
	b.mustOpen()
}

func offlineIsNotCommanded(b *bench) {
	r := b.record()
	b.World.Offline()
	r.wait(0, "that it is offline", offline)
	outcome, err := b.open(brief)
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.Is(err, device.ErrOffline) {
		b.Errorf("the error is %v; want ErrOffline", err)
	}
	mark := r.mark()
	b.World.Online()
	r.wait(mark, "that it is back", func(o event.Observation) bool { return o.Reach == event.ReachOnline })
	b.mustOpen()
	b.wantCommands(1)
}

// reconnect breaks the line and mends it, and waits for both to be noticed.
func (b *bench) reconnect(r *record) {
	mark := r.mark()
	b.World.Cut()
	_, mark = r.wait(mark, "that the line is broken", offline)
	b.World.Mend()
	r.wait(mark, "anything, after the line was mended", func(o event.Observation) bool { return o.Reach != event.ReachOffline })
}

func brokenLine(b *bench) {
	r := b.record()
	b.World.Cut()
	o, _ := r.wait(0, "that the line is broken", offline)
	if o.Origin != event.OriginLive {
		b.Errorf("the loss of the line is %+v; want it live", o)
	}
	if got := b.Device.Reach(); got != event.ReachOffline {
		b.Errorf("without a line it is %q", got)
	}
	mark := r.mark()
	b.World.Mend()
	r.wait(mark, "anything, after the line was mended", func(o event.Observation) bool { return !offline(o) })
	b.mustOpen()
}

func nothingWithoutLine(b *bench) {
	r := b.record()
	mark := r.mark()
	b.World.Cut()
	r.wait(mark, "that the line is broken", offline)
	outcome, err := b.open(brief)
	b.wantOutcome(outcome, err, event.NotDone)
	mark = r.mark()
	b.World.Mend()
	r.wait(mark, "anything, after the line was mended", func(o event.Observation) bool { return !offline(o) })
	b.mustOpen() // it would arrive after anything that was kept
	b.wantCommands(1)
	if len(b.log.Lines(event.ActOpen)) > 1 {
		b.Error("the log has a line for what was not sent")
	}
}

func nothingSentAgain(b *bench) {
	r := b.record()
	b.play(Deaf)
	outcome, err := b.tried(brief)
	b.wantOutcome(outcome, err, event.Unknown)
	for range 3 {
		b.reconnect(r)
	}
	b.World.Behave()
	b.mustOpen()
	b.wantCommands(2)
	if got := b.World.Openings(); got != 1 {
		b.Fatalf("it opened %d times", got)
	}
}

// nothingSentToReturned: the device vanishes while the command is on its way, and comes back later.
func nothingSentToReturned(b *bench) {
	r := b.record()
	b.play(Deaf)
	result := make(chan event.Outcome, 1)
	opener := b.opener()
	permit := b.nextPermit()
	go func() {
		outcome, _ := opener.Open(b.within(2*brief), device.Order{Permit: permit, Deadline: time.Now().Add(2 * brief)})
		result <- outcome
	}()
	b.until("the command", func() bool { return b.World.OpenCommands() == 1 })
	b.World.Offline()
	r.wait(0, "that it is offline", offline)
	b.World.Behave()
	mark := r.mark()
	b.World.Online()
	r.wait(mark, "that it is back", func(o event.Observation) bool { return o.Reach == event.ReachOnline })
	if outcome := <-result; outcome != event.Unknown {
		b.Fatalf("the outcome is %q; want unknown", outcome)
	}
	b.wantCommands(1)
	b.mustOpen()
	b.wantCommands(2)
}

func oldStateIsNotFresh(b *bench) {
	r := b.record()
	b.mustOpen()
	_, mark := r.wait(0, "the opening", b.opened)
	b.World.Shut()
	r.wait(mark, "that it is shut", b.shut)
	mark = r.mark()
	b.World.Cut()
	_, mark = r.wait(mark, "that the line is broken", offline)
	b.World.Mend()
	r.wait(mark, "anything, after the line was mended", func(o event.Observation) bool { return !offline(o) })
	b.mustOpen() // whatever was kept has come by now
	_, end := r.wait(mark, "the opening", b.opened)
	for _, o := range r.since(mark)[:end-mark-1] {
		if o.Origin == event.OriginLive && b.shut(o) {
			b.Errorf("nobody moved it, and its old state counts as live: %+v", o)
		}
	}
}

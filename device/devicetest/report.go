package devicetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

var reportCases = []testCase{
	{"an opening by somebody else is reported as it happens", foreignIsReported},
	{"a late report still comes, and belongs to nobody's question", lateReport},
	{"a replayed report is not fresh", replayed},
	{"an observation has our time, and belongs to the device", stamped},
	{"the order of reports is the order of events", inOrder},
	{"a watcher that is slow loses no change", slowWatcher},
	{"two watchers are told the same", twoWatchers},
	{"watching ends with its context", watchingEnds},
	{"a bolt in an open door is not a shut door", ajar},
	{"securing is directional, and may be repeated", directional},
	{"securing goes into the log, without a permit", securingIsLogged},
	{"a jam while locking is not locked", jamWhileLocking},
	{"an answer says when it was asked", answers},
	{"no answer is an error, or a copy", noAnswer},
}

func foreignIsReported(b *bench) {
	r := b.record()
	b.World.Foreign()
	r.wait(0, "the opening by somebody else", b.opened)
	if len(b.log.Lines(event.ActOpen)) != 0 {
		b.Fatal("the log claims that we opened")
	}
}

func lateReport(b *bench) {
	b.play(Late)
	r := b.record()
	outcome, err := b.tried(Delay / 3)
	b.wantOutcome(outcome, err, event.Unknown)
	r.wait(0, "the opening, later", b.opened)
	b.wantCommands(1)
}

func replayed(b *bench) {
	r := b.record()
	mark := b.openAndShutLater(r)
	b.play(Replay)
	o, _ := r.wait(mark, "the replayed report", b.saysOpen)
	if o.Current() {
		b.Fatalf("an old report counts as the present: %+v", o)
	}
}

// saysOpen is opened for an observation of any origin.
func (b *bench) saysOpen(o event.Observation) bool {
	o.Origin = event.OriginLive
	return b.opened(o)
}

// openAndShutLater opens and shuts it so that the device's clock has moved between the two.
func (b *bench) openAndShutLater(r *record) int {
	mark := r.mark()
	for {
		var open, shut event.Observation
		b.World.Foreign()
		open, mark = r.wait(mark, "the opening", b.opened)
		b.World.Shut()
		shut, mark = r.wait(mark, "that it is shut", b.shut)
		if open.DeviceAt < shut.DeviceAt || open.DeviceAt == 0 {
			return mark
		}
	}
}

func stamped(b *bench) {
	r := b.record()
	before := event.InstantOf(time.Now())
	b.mustOpen()
	r.wait(0, "the opening", b.opened)
	for _, o := range r.since(0) {
		if o.Device != b.Device.Spec().Device || o.ReceivedAt == 0 || o.Origin == "" {
			b.Errorf("incomplete: %+v", o)
		}
		if o.Battery < 0 || o.Battery > 100 {
			b.Errorf("a battery of %d %%", o.Battery)
		}
		if o.Current() && o.ReceivedAt < before && b.opened(o) {
			b.Errorf("opened before it was asked to: %+v", o)
		}
	}
}

// turns is how often the tests of order open and shut it.
const turns = 5

// openAndShut works the door by hand, and waits for each report, so that no two are alike in a row.
func (b *bench) openAndShut(r *record) {
	mark := r.mark()
	for range turns {
		b.World.Foreign()
		_, mark = r.wait(mark, "that it is open", b.opened)
		b.World.Shut()
		_, mark = r.wait(mark, "that it is shut", b.shut)
	}
}

// changes reduces a record to "open" and "shut", without repetitions.
func (b *bench) changes(all []event.Observation) []string {
	var words []string
	for _, o := range all {
		word := ""
		switch {
		case b.opened(o):
			word = "open"
		case b.shut(o):
			word = "shut"
		}
		if word != "" && (len(words) == 0 || words[len(words)-1] != word) {
			words = append(words, word)
		}
	}
	return words
}

func alternating() []string {
	var words []string
	for range turns {
		words = append(words, "open", "shut")
	}
	return words
}

func inOrder(b *bench) {
	r := b.record()
	b.openAndShut(r)
	received := event.Instant(0)
	for _, o := range r.since(0) {
		if o.Current() && o.ReceivedAt < received {
			b.Fatalf("out of order: %s", list(r.since(0)))
		}
		if o.Current() {
			received = o.ReceivedAt
		}
	}
	if got := b.trimmed(b.changes(r.since(0))); !slices.Equal(got, alternating()) {
		b.Fatalf("reported %v", got)
	}
}

// trimmed drops a "shut" at the beginning: what was so before.
func (b *bench) trimmed(words []string) []string {
	if len(words) > 0 && words[0] == "shut" {
		return words[1:]
	}
	return words
}

func slowWatcher(b *bench) {
	slow := b.record()
	b.World.Foreign()
	_, mark := slow.wait(0, "that it is open", b.opened)
	b.World.Shut()
	slow.wait(mark, "that it is shut", b.shut)
	mark = slow.mark()
	release := slow.hold()
	defer release()
	b.openAndShut(b.record()) // the other one sees all, while the slow one holds its first
	release()
	seen := func(event.Observation) bool {
		return slices.Equal(b.trimmed(b.changes(slow.since(mark))), alternating())
	}
	slow.wait(mark, "every change", seen)
}

func twoWatchers(b *bench) {
	first, second := b.record(), b.record()
	b.mustOpen()
	one, _ := first.wait(0, "the opening", b.opened)
	two, _ := second.wait(0, "the opening", b.opened)
	if one != two {
		b.Fatalf("told %+v and %+v", one, two)
	}
}

func watchingEnds(b *bench) {
	w, ok := b.Device.(device.Watcher)
	if !ok {
		b.Skip("it reports nothing by itself")
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- w.Watch(ctx, func(event.Observation) {}) }()
	cancel()
	select {
	case <-done:
	case <-time.After(enough):
		b.Fatal("it watches on after its context has ended")
	}
}

// ajar: the door is open, and the bolt goes out all the same.
func ajar(b *bench) {
	if closure := b.Device.Spec().Closure; !closure.Bolt || !closure.Contact {
		b.Skip("its closure is not of bolt and contact")
	}
	r := b.record()
	b.mustOpen()
	if err := b.World.Push(); err != nil {
		b.Fatal(err)
	}
	open := func(o event.Observation) bool { return o.Current() && o.Contact == event.ContactOpen }
	_, mark := r.wait(0, "the open door", open)
	if outcome, err := b.securer().Secure(b.within(enough)); outcome == event.NotDone && errors.Is(err, device.ErrRefused) {
		b.neverClosed(r, mark) // it does not lock while it stands open, as cars don't
		return
	} else if err != nil {
		b.Fatal(err)
	}
	r.wait(mark, "the bolt", func(o event.Observation) bool { return o.Current() && o.Bolt == event.BoltLocked })
	b.neverClosed(r, mark)
}

func (b *bench) neverClosed(r *record, mark int) {
	b.Helper()
	for _, o := range r.since(mark) {
		if o.Contact == event.ContactClosed {
			b.Fatalf("it claims that the open door is closed: %+v", o)
		}
	}
}

func directional(b *bench) {
	s := b.securer()
	r := b.record()
	b.mustOpen()
	_, mark := r.wait(0, "the opening", b.opened)
	b.byHand()
	if _, err := s.Secure(b.within(enough)); err != nil {
		b.Fatal(err)
	}
	r.wait(mark, "that it is shut", b.shut)
	for range 2 { // what is shut already stays so; that nobody answers then is no failure
		if outcome, err := s.Secure(b.within(brief)); outcome == event.NotDone {
			b.Fatalf("securing again: %v, %v", outcome, err)
		}
	}
	b.until("three orders to secure", func() bool { return b.World.SecureCommands() >= 3 })
	if !b.World.Secured() || b.World.Openings() != 1 {
		b.Fatalf("after securing three times: secured %v, %d openings", b.World.Secured(), b.World.Openings())
	}
}

// byHand closes what only a hand can.
func (b *bench) byHand() {
	b.Helper()
	if !b.ByHand {
		return
	}
	if err := b.World.PullShut(); err != nil {
		b.Fatal(err)
	}
}

func securingIsLogged(b *bench) {
	s := b.securer()
	b.mustOpen()
	if _, err := s.Secure(b.within(enough)); err != nil {
		b.Fatal(err)
	}
	lines := b.log.Lines(event.ActSecure)
	if len(lines) != 1 || lines[0].Permit != "" {
		b.Fatalf("the log has %+v", lines)
	}
	b.log.FailWith(errors.New("the disk is full"))
	outcome, err := s.Secure(b.within(brief))
	b.wantOutcome(outcome, err, event.NotDone)
}

func jamWhileLocking(b *bench) {
	s := b.securer()
	if !b.Bolted {
		b.Skip("it has no bolt")
	}
	r := b.record()
	b.mustOpen()
	_, mark := r.wait(0, "the opening", b.opened)
	b.play(Jam)
	b.reached(b.World.SecureCommands, 0, func(ctx context.Context) {
		_, _ = s.Secure(ctx) // that it began is all that an outcome says
	})
	r.wait(mark, "that the bolt is not out", func(o event.Observation) bool {
		return o.Current() && o.Bolt != "" && o.Bolt != event.BoltLocked
	})
	for _, o := range r.since(mark) {
		if o.Bolt == event.BoltLocked {
			b.Fatalf("it claims to be locked: %+v", o)
		}
	}
	if b.World.Openings() != 1 {
		b.Fatal("securing opened it")
	}
}

func answers(b *bench) {
	reader := b.reader()
	asked := event.InstantOf(time.Now())
	o, err := reader.Read(b.within(enough))
	if err != nil {
		b.Fatal(err)
	}
	if o.AskedAt == 0 || o.AskedAt < asked || o.ReceivedAt < o.AskedAt || o.Device != b.Device.Spec().Device {
		b.Fatalf("asked at %v: %+v", asked, o)
	}
	if o.Origin != event.OriginAnswer && o.Origin != event.OriginCached {
		b.Fatalf("an answer of origin %q", o.Origin)
	}
	if o.Bolt != event.BoltLocked {
		b.Fatalf("it is locked, and answers %+v", o)
	}
	b.mustOpen()
	if o, err = reader.Read(b.within(enough)); err != nil || !b.saysOpen(o) {
		b.Fatalf("it is open, and answers %+v, %v", o, err)
	}
}

func noAnswer(b *bench) {
	reader := b.reader()
	if !b.World.Play(Silent) { // a world that tells no answer from a report
		b.play(Mute)
	}
	if o, err := reader.Read(b.within(brief)); err == nil && o.Origin != event.OriginCached {
		b.Fatalf("a mute device answered %+v", o)
	}
}

package unlock

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

func TestAPermitOpensOnce(t *testing.T) {
	w := newWorld(t)
	p := w.committed(permit(1))
	if p.Intent() != permit(1) {
		t.Errorf("the intent is %+v", p.Intent())
	}
	w.redeems(p, event.Done, nil, 1)
	if got := w.door.orders[0]; got != (device.Order{Permit: "home-p1", Deadline: start.Add(20 * time.Second)}) {
		t.Errorf("the order was %+v", got)
	}
	w.redeems(p, event.Unknown, ErrSpent, 1)
}

func TestWhatIsNoPermitOpensNothing(t *testing.T) {
	w := newWorld(t)
	foreign := newWorld(t).committed(permit(1))
	for name, p := range map[string]*Permit{
		"nil":              nil,
		"the zero value":   {},
		"another gate's":   foreign,
		"an intent alone":  {intent: permit(1)},
		"a forged pointer": {intent: permit(1), gate: new(Gate)},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.redeems(p, event.NotDone, ErrNoPermit, 0)
		})
	}
	if foreign.spent.Load() {
		t.Error("being refused by a gate that did not make it spent the permit")
	}
}

func TestAHundredRedeemAtOnce(t *testing.T) {
	w := newWorld(t)
	p := w.committed(permit(1))
	var done, spent atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			switch outcome, err := w.Redeem(t.Context(), p); {
			case outcome == event.Done && err == nil:
				done.Add(1)
			case outcome == event.Unknown && errors.Is(err, ErrSpent):
				spent.Add(1)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || spent.Load() != 99 || w.door.sent() != 1 {
		t.Errorf("%d opened, %d were refused, %d commands were sent", done.Load(), spent.Load(), w.door.sent())
	}
}

// TestAHundredCommitOneDraft: the store lets one of them have the version; nobody else gets a permit.
func TestAHundredCommitOneDraft(t *testing.T) {
	w := newWorld(t)
	d := w.draft(0, permit(1))
	var permits atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			got, err := w.Commit(t.Context(), d)
			if err != nil && !errors.Is(err, store.ErrConflict) {
				t.Error(err)
			}
			permits.Add(int32(len(got)))
			for _, p := range got {
				_, _ = w.Redeem(t.Context(), p)
			}
		})
	}
	all.Wait()
	if permits.Load() != 1 || w.door.sent() != 1 || len(w.journal()) != 1 {
		t.Errorf("%d permits, %d commands, %d intents", permits.Load(), w.door.sent(), len(w.journal()))
	}
}

func TestTheDeadlineIsCheckedBeforeTheWire(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		opens bool
	}{{0, true}, {20*time.Second - time.Millisecond, true}, {20 * time.Second, false}, {time.Hour, false}} {
		w := newWorld(t)
		p := w.committed(permit(1))
		*w.clock = start.Add(c.after)
		if c.opens {
			w.redeems(p, event.Done, nil, 1)
			continue
		}
		w.redeems(p, event.NotDone, device.ErrExpired, 0)
		*w.clock = start
		w.redeems(p, event.Unknown, ErrSpent, 0)
	}
	w := newWorld(t)
	w.redeems(w.committed(permit(1, func(p *event.Permit) { p.Deadline = 0 })), event.NotDone, device.ErrExpired, 0)
}

// TestTheConnectorIsGivenUntilTheDeadline, and no longer: one that never answers leaves an unknown outcome.
func TestTheConnectorIsGivenUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		*w.clock = time.Now()
		w.door.answer = func(ctx context.Context) (event.Outcome, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}
		p := w.committed(permit(1, func(p *event.Permit) { p.Deadline = event.InstantOf(w.clock.Add(20 * time.Second)) }))
		began := time.Now()
		w.redeems(p, event.Unknown, context.DeadlineExceeded, 1)
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("it was given %s", took)
		}
	})
}

func TestWhatTheConnectorAnswers(t *testing.T) {
	broken := errors.New("read: connection reset by peer")
	for _, c := range []struct {
		name   string
		answer func(context.Context) (event.Outcome, error)
		want   event.Outcome
		err    error
	}{
		{"done", func(context.Context) (event.Outcome, error) { return event.Done, nil }, event.Done, nil},
		{"refused", func(context.Context) (event.Outcome, error) { return event.NotDone, device.ErrRefused }, event.NotDone, device.ErrRefused},
		{"unknown", func(context.Context) (event.Outcome, error) { return event.Unknown, device.ErrNoAnswer }, event.Unknown, device.ErrNoAnswer},
		{"an unclassified error", func(context.Context) (event.Outcome, error) { return "", broken }, event.Unknown, broken},
		{"no word at all", func(context.Context) (event.Outcome, error) { return "", nil }, event.Unknown, nil},
		{"a word that is no outcome", func(context.Context) (event.Outcome, error) { return "accepted", nil }, event.Unknown, nil},
		{"the words of another case", func(context.Context) (event.Outcome, error) { return "NOT-DONE", broken }, event.Unknown, broken},
	} {
		for _, change := range []func(*event.Permit){func(*event.Permit) {}, byCode} {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t)
				w.door.answer = c.answer
				p := w.committed(permit(1, change))
				w.redeems(p, c.want, c.err, 1)
				w.redeems(p, event.Unknown, ErrSpent, 1)
			})
		}
	}
}

func TestAConnectorThatBreaks(t *testing.T) {
	w := newWorld(t)
	w.door.answer = func(context.Context) (event.Outcome, error) { panic("nil map") }
	p := w.committed(permit(1))
	outcome, err := w.Redeem(t.Context(), p)
	if outcome != event.Unknown || err == nil || !strings.Contains(err.Error(), "nil map") {
		t.Errorf("outcome %q, error %v", outcome, err)
	}
	w.redeems(p, event.Unknown, ErrSpent, 1)
}

func TestADeviceThatCannot(t *testing.T) {
	for name, change := range map[string]func(*event.Permit){
		"open": ofSensor, "be found": ofNobody,
		"take codes": func(p *event.Permit) { byCode(p); ofSensor(p) },
		"do that":    func(p *event.Permit) { p.Type = "by-magic" },
		"be no type": func(p *event.Permit) { p.Type = "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.committed(permit(1, change))
			w.redeems(p, event.NotDone, ErrUnable, 0)
			w.redeems(p, event.Unknown, ErrSpent, 0)
		})
	}
}

func TestACommitHasAPermitForEachIntent(t *testing.T) {
	w := newWorld(t)
	permits, err := w.Commit(t.Context(), w.draft(0, permit(1), permit(2, byCode), permit(3)))
	if err != nil || len(permits) != 3 {
		t.Fatalf("%d permits, %v", len(permits), err)
	}
	for i, want := range []event.Permit{permit(1), permit(2, byCode), permit(3)} {
		if permits[i].Intent() != want {
			t.Errorf("permit %d is %+v", i, permits[i].Intent())
		}
		w.redeems(permits[i], event.Done, nil, i+1)
	}
	if len(w.door.orders) != 2 || len(w.door.codes) != 1 {
		t.Errorf("orders %v, codes %v", w.door.orders, w.door.codes)
	}
}

func TestADecisionWithoutAnIntentHasNoPermit(t *testing.T) {
	w := newWorld(t)
	d, err := w.Prepare(t.Context(), store.Append{Site: "home"}, []event.Event{{Site: "home", Seq: 1, At: 1, Body: event.SiteOpened{Zone: "UTC"}}})
	if err != nil {
		t.Fatal(err)
	}
	if permits, err := w.Commit(t.Context(), d); err != nil || len(permits) != 0 {
		t.Errorf("%v %v", permits, err)
	}
	if permits, err := w.Commit(t.Context(), Draft{}); len(permits) != 0 {
		t.Errorf("an empty draft: %v %v", permits, err)
	}
}

func TestWhatCannotBePrepared(t *testing.T) {
	w := newWorld(t)
	at := func(body event.Body) []event.Event { return []event.Event{{Site: "home", Seq: 1, At: 1, Body: body}} }
	write := store.Append{Site: "home"}
	full := errors.New("no room")
	for _, c := range []struct {
		name   string
		set    func()
		events []event.Event
	}{
		{"an event without a body", func() {}, at(nil)},
		{"an intent of another site", func() {}, at(event.OpeningIntended{Permit: permit(1, func(p *event.Permit) { p.ID = "tower-p1" })})},
		{"a code that can't be sealed", func() { w.sealer.fail = full }, at(event.OpeningIntended{Permit: permit(1, byCode)})},
		{"a code that can't be drawn", func() { w.Random = bytes.NewReader([]byte{1}) }, at(event.OpeningIntended{Permit: permit(1, byCode)})},
	} {
		w.sealer.fail, w.Random = nil, rand.NewChaCha8([32]byte{})
		c.set()
		if d, err := w.Prepare(t.Context(), write, c.events); err == nil || len(d.intents) != 0 || len(d.write.Events) != 0 {
			t.Errorf("%s: %+v, error %v", c.name, d, err)
		}
	}
}

// TestPrepareLeavesTheWriteAlone: a decision made again must not find the last one's codes in its slices.
func TestPrepareLeavesTheWriteAlone(t *testing.T) {
	w := newWorld(t)
	values := make([]store.Value, 1, 8)
	values[0].Name = "note"
	write := store.Append{Site: "home", Values: values}
	first, err := w.Prepare(t.Context(), write, []event.Event{{Site: "home", Seq: 1, At: 1, Body: event.OpeningIntended{Permit: permit(1, byCode)}}})
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(first.write.Values)
	if _, err := w.Prepare(t.Context(), write, []event.Event{{Site: "home", Seq: 1, At: 1, Body: event.OpeningIntended{Permit: permit(2, byCode)}}}); err != nil {
		t.Fatal(err)
	}
	if len(write.Values) != 1 || first.write.Values[1].Name != before[1].Name || first.write.Values[0].Name != "note" {
		t.Errorf("%v became %v", before, first.write.Values)
	}
}

func TestACodeIsSealedWithItsIntent(t *testing.T) {
	w := newWorld(t)
	d := w.draft(0, permit(1, byCode))
	sealed := d.write.Values[0]
	code := d.codes[0]
	if len(code) != codeDigits || strings.Trim(code, "0123456789") != "" {
		t.Fatalf("the code is %q", code)
	}
	if len(d.write.Values) != 1 || sealed.Name != "code/home-p1" || sealed.EraseAt != permit(1).Deadline.Add(codeKept) {
		t.Errorf("the value is %+v", sealed)
	}
	for _, e := range d.write.Events {
		if bytes.Contains(e.Data, []byte(code)) {
			t.Errorf("the code stands in the journal: %s", e.Data)
		}
	}
	if bytes.Contains(sealed.Sealed, []byte(code)) {
		t.Error("the code stands in the store as it is")
	}
	if _, err := w.Journal.Value(t.Context(), "home", "code/home-p1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before the commit the store has %v", err)
	}
	permits, err := w.Commit(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	w.redeems(permits[0], event.Done, nil, 1)
	if got := w.door.codes[0]; got != (device.CodeOrder{Permit: "home-p1", Code: code, Deadline: start.Add(20 * time.Second)}) {
		t.Errorf("the device was given %+v", got)
	}
	for range 2 {
		shown, err := w.ShownCode(t.Context(), event.CodeShown{Permit: "home-p1", Visit: "home-v9"})
		if err != nil || shown != code {
			t.Errorf("shown %q, error %v; the code is %q", shown, err, code)
		}
	}
}

func TestACodeThatIsGone(t *testing.T) {
	w := newWorld(t)
	p := w.committed(permit(1, byCode))
	if code, err := w.ShownCode(t.Context(), event.CodeShown{Permit: "home-p2"}); !errors.Is(err, store.ErrNotFound) || code != "" {
		t.Errorf("a code that never was: %q %v", code, err)
	}
	if err := w.Journal.Append(t.Context(), store.Append{Site: "home", Version: 1, Values: []store.Value{{Name: "code/home-p1", Sealed: []byte("forged, and long enough for a nonce")}}}); err != nil {
		t.Fatal(err)
	}
	if code, err := w.ShownCode(t.Context(), event.CodeShown{Permit: p.Intent().ID}); err == nil || code != "" {
		t.Errorf("a forged value: %q", code)
	}
}

func TestTheCodeIsErasedInTime(t *testing.T) {
	w := newWorld(t)
	w.committed(permit(1, byCode))
	end := permit(1).Deadline.Add(codeKept)
	for _, at := range []event.Instant{end - 1, end} {
		if _, err := w.Journal.(*memory.Store).Sweep(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ShownCode(t.Context(), event.CodeShown{Permit: "home-p1"}); errors.Is(err, store.ErrNotFound) != (at == end) {
			t.Errorf("swept at %s: %v", at, err)
		}
	}
}

// TestCodesAreDrawnEvenly: each digit at each place equally often (chi-square with 9 degrees of freedom stays
// under 40 but once in a hundred thousand; the source is seeded), codes below 100000 among them.
func TestCodesAreDrawnEvenly(t *testing.T) {
	w := newWorld(t)
	w.Random = rand.NewChaCha8([32]byte{1, 2, 3})
	const drawn = 20000
	var seen [codeDigits][10]int
	short := 0
	for range drawn {
		code, err := w.drawCode()
		if err != nil || len(code) != codeDigits {
			t.Fatalf("%q %v", code, err)
		}
		if code[0] == '0' {
			short++
		}
		for place, digit := range code {
			seen[place][digit-'0']++
		}
	}
	if short == 0 {
		t.Error("no code begins with 0")
	}
	for place, counts := range seen {
		chi := 0.0
		for _, n := range counts {
			off := float64(n) - drawn/10
			chi += off * off / (drawn / 10)
		}
		if chi > 40 {
			t.Errorf("place %d: %v, chi-square %.1f", place, counts, chi)
		}
	}
}

// TestTheSmallestAndTheLargestCode: what lies above the range is drawn again instead of being folded into it.
func TestTheSmallestAndTheLargestCode(t *testing.T) {
	number := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n)[1:] }
	w := newWorld(t)
	for _, c := range []struct {
		random []byte
		want   string
	}{
		{number(0), "000000"}, {number(42), "000042"}, {number(999_999), "999999"},
		{slices.Concat(number(1_000_000), number(7)), "000007"},
	} {
		w.Random = bytes.NewReader(c.random)
		if got, err := w.drawCode(); err != nil || got != c.want {
			t.Errorf("%x gives %q, error %v; want %q", c.random, got, err, c.want)
		}
	}
	w.Random = bytes.NewReader(nil)
	if code, err := w.drawCode(); !errors.Is(err, io.EOF) || code != "" {
		t.Errorf("without randomness: %q %v", code, err)
	}
}

// TestEachWriteFails: a commit that is not known to be durable yields no permit, and nothing is ever sent for
// it, whatever the caller tries then.
func TestEachWriteFails(t *testing.T) {
	for _, change := range []func(*event.Permit){func(*event.Permit) {}, byCode} {
		for _, fault := range []storetest.Fault{storetest.Lost, storetest.Unacknowledged} {
			t.Run(fault.String(), func(t *testing.T) {
				faulty := storetest.NewFaulty(memory.New())
				faulty.FailAt(1, fault)
				w := worldOver(t, faulty)
				d := w.draft(0, permit(1, change))
				permits, err := w.Commit(t.Context(), d)
				if !errors.Is(err, store.ErrUncertain) || permits != nil {
					t.Fatalf("%v, error %v", permits, err)
				}
				stored := len(w.journal())
				if want := map[storetest.Fault]int{storetest.Lost: 0, storetest.Unacknowledged: 1}[fault]; stored != want {
					t.Fatalf("%d intents are stored, want %d", stored, want)
				}
				// The same draft again has its one permit only if the first was not stored.
				permits, err = w.Commit(t.Context(), d)
				if len(permits) != 1-stored || (stored == 1) != errors.Is(err, store.ErrConflict) {
					t.Fatalf("%d permits, error %v", len(permits), err)
				}
				for _, p := range permits {
					w.redeems(p, event.Done, nil, 1)
				}
				if w.door.sent() != 1-stored || len(w.journal()) != 1 {
					t.Errorf("%d commands for %d intents", w.door.sent(), len(w.journal()))
				}
			})
		}
	}
}

func TestAStoreThatRefuses(t *testing.T) {
	conflict := func(w world) { w.committed(permit(9)) }
	closed := func(w world) { _ = w.Journal.(*memory.Store).Close() }
	for _, c := range []struct {
		before func(world)
		want   error
	}{{conflict, store.ErrConflict}, {closed, store.ErrClosed}} {
		w := newWorld(t)
		d := w.draft(0, permit(1))
		c.before(w)
		if permits, err := w.Commit(t.Context(), d); !errors.Is(err, c.want) || permits != nil {
			t.Errorf("%v, error %v; want %v", permits, err, c.want)
		}
		if w.door.sent() != 0 {
			t.Errorf("%d commands were sent", w.door.sent())
		}
	}
}

package remotecar_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
	"pgregory.net/rapid"
)

func TestOriginsFollowTheCarsOwnTime(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		now := time.Now()
		for _, step := range []struct {
			name           string
			bolt, contact  time.Duration // of their times, against now
			asked          bool
			origin, second event.Origin // of the bolt, and of the contact if it is another
		}{
			{"older than we listen", -time.Hour, -time.Hour, true, event.OriginCached, ""},
			{"newer than the last", -500 * time.Millisecond, -500 * time.Millisecond, true, event.OriginLive, ""},
			{"not newer than the last", -500 * time.Millisecond, -500 * time.Millisecond, true, "", ""},
			{"of our question", 0, 0, true, event.OriginAnswer, ""},
			{"sent by itself", time.Millisecond, time.Millisecond, false, event.OriginLive, ""},
			{"parts of two times", 2 * time.Millisecond, time.Millisecond, true, event.OriginAnswer, event.OriginAnswer},
			{"one part old", 3 * time.Millisecond, -time.Minute, true, event.OriginAnswer, ""},
			{"from the future", 2 * time.Minute, 2 * time.Minute, true, "", ""},
		} {
			told := b.watch()
			before := len(told())
			s := remotecar.Said{
				Bolt: event.BoltLocked, Contact: event.ContactClosed, BoltAt: now.Add(step.bolt), ContactAt: now.Add(step.contact),
			}
			if step.asked {
				s.AskedAt = now
			}
			b.vehicle.Hear(s)
			all := told()[before:]
			var origins []event.Origin
			for _, o := range all {
				origins = append(origins, o.Origin)
				if (o.Origin == event.OriginAnswer) != (o.AskedAt != 0) || o.Device != "trunk" {
					b.Errorf("%s: %+v", step.name, o)
				}
			}
			var want []event.Origin
			for _, o := range []event.Origin{step.origin, step.second} {
				if o != "" {
					want = append(want, o)
				}
			}
			if !slices.Equal(origins, want) {
				b.Errorf("%s: told %+v; want %v", step.name, all, want)
			}
		}
	})
}

// TestPartsOfOneReadingComeInTheirOrder: the older first, or what is heard of it later would count as a replay.
func TestPartsOfOneReadingComeInTheirOrder(t *testing.T) {
	for name, test := range map[string]struct {
		bolt, contact time.Duration // of their times, against now; 0 is none
		want          []event.Observation
	}{
		"closed, then locked": {-10 * time.Second, -30 * time.Second, []event.Observation{{Contact: event.ContactClosed}, {Bolt: event.BoltLocked}}},
		"locked, then closed": {-30 * time.Second, -10 * time.Second, []event.Observation{{Bolt: event.BoltLocked}, {Contact: event.ContactClosed}}},
		"at the same time":    {-10 * time.Second, -10 * time.Second, []event.Observation{{Bolt: event.BoltLocked, Contact: event.ContactClosed}}},
		"a bolt of no time":   {0, -10 * time.Second, []event.Observation{{Bolt: event.BoltLocked}, {Contact: event.ContactClosed}}},
		"closed at no time":   {-10 * time.Second, 0, []event.Observation{{Bolt: event.BoltLocked}, {Contact: event.ContactClosed}}},
	} {
		inBubble(t, remotecar.Config{}, func(b *bench) {
			told := b.watch()
			pass(time.Minute)
			at := func(age time.Duration) (at time.Time) {
				if age != 0 {
					at = time.Now().Add(age)
				}
				return at
			}
			b.vehicle.Hear(remotecar.Said{Bolt: event.BoltLocked, Contact: event.ContactClosed, BoltAt: at(test.bolt), ContactAt: at(test.contact)})
			var got []event.Observation
			for _, o := range told() {
				got = append(got, event.Observation{Bolt: o.Bolt, Contact: o.Contact})
			}
			if !slices.Equal(got, test.want) {
				b.Errorf("%s: told %+v", name, told())
			}
		})
	}
}

// TestACloudThatAnswersFromMemory proves all the same what the car said after an order: what is the same as before counts
// as of that order, and no earlier; what was known already is a copy, however often it is told.
func TestACloudThatAnswersFromMemory(t *testing.T) {
	inBubble(t, remotecar.Config{Soon: time.Hour}, func(b *bench) {
		b.cloud.say(event.BoltUnlocked, event.ContactClosed, time.Now())
		told := b.watch()
		if _, err := b.car.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		pass(10 * time.Second)
		ordered := time.Now()
		if outcome, err := b.car.Secure(b.Context()); outcome != event.Done {
			b.Fatal(outcome, err)
		}
		pass(time.Second)
		locked := time.Now()
		b.cloud.say(event.BoltLocked, event.ContactClosed, locked)
		pass(time.Second)
		before := len(told())
		o, err := b.car.Read(b.Context())
		if err != nil || o.Origin != event.OriginAnswer || o.AskedAt != event.InstantOf(ordered) || o.DeviceAt != event.InstantOf(locked) {
			b.Errorf("the first reading: %+v, %v", o, err)
		}
		if news := told()[before:]; len(news) != 2 || news[0].Origin != event.OriginLive || news[0].Bolt != event.BoltLocked ||
			news[1].Origin != event.OriginAnswer || news[1].Contact != event.ContactClosed || news[1].AskedAt != event.InstantOf(ordered) {
			b.Errorf("told %+v", news)
		}
		pass(time.Second)
		before = len(told())
		if o, err := b.car.Read(b.Context()); err != nil || o.Origin != event.OriginCached || len(told()) != before {
			b.Errorf("the second reading: %+v, %v, and told %+v", o, err, told()[before:])
		}
	})
}

// TestAnAnswerThatAnOrderOvertook is of after the order, if the car says so.
func TestAnAnswerThatAnOrderOvertook(t *testing.T) {
	inBubble(t, remotecar.Config{Soon: time.Hour}, func(b *bench) {
		told := b.watch()
		asked := time.Now()
		pass(time.Second)
		ordered := time.Now()
		if outcome, err := b.car.Secure(b.Context()); outcome != event.Done {
			b.Fatal(outcome, err)
		}
		before := len(told())
		pass(time.Second)
		b.vehicle.Hear(remotecar.Said{Bolt: event.BoltUnlocked, Contact: event.ContactOpen, BoltAt: time.Now(), ContactAt: time.Now(), AskedAt: asked})
		if news := told()[before:]; len(news) != 1 || news[0].Origin != event.OriginAnswer || news[0].AskedAt != event.InstantOf(ordered) {
			b.Errorf("told %+v", news)
		}
	})
}

// TestNoOrderIsAnsweredByWhatCameBefore: a report that the car made before an order, and that its cloud told later.
func TestNoOrderIsAnsweredByWhatCameBefore(t *testing.T) {
	inBubble(t, remotecar.Config{Soon: time.Hour}, func(b *bench) {
		asked := time.Now()
		if _, err := b.car.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		pass(time.Second)
		b.cloud.say(event.BoltLocked, event.ContactClosed, time.Now())
		pass(time.Second)
		if outcome, err := b.car.Secure(b.Context()); outcome != event.Done {
			b.Fatal(outcome, err)
		}
		pass(time.Second)
		o, err := b.car.Read(b.Context())
		if err != nil || o.Origin != event.OriginAnswer || o.AskedAt != event.InstantOf(asked) {
			b.Errorf("%+v, %v", o, err)
		}
	})
}

// word is something that a cloud says, after a pause, of a time that is so much after now.
type word struct {
	pause, age int // milliseconds
	bolt       event.Bolt
	asked      bool
}

// TestNothingOldIsCurrent: whatever a cloud says in whatever order, what counts is newer than all before it, or not
// before its question.
func TestNothingOldIsCurrent(t *testing.T) {
	words := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) word {
		return word{
			rapid.IntRange(1, 5000).Draw(r, "pause"), rapid.IntRange(-8000, 90_000).Draw(r, "age"),
			rapid.SampledFrom([]event.Bolt{event.BoltLocked, event.BoltUnlocked, event.BoltUnknown}).Draw(r, "bolt"),
			rapid.Bool().Draw(r, "asked"),
		}
	}), 1, 20)
	rapid.Check(t, func(r *rapid.T) {
		var wrong string
		all := words.Draw(r, "words")
		synctest.Test(t, func(t *testing.T) { wrong = contradiction(build(t, remotecar.Config{}), all) })
		if wrong != "" {
			r.Fatal(wrong)
		}
	})
}

func contradiction(b *bench, words []word) string {
	b.cloud.fail(&device.BusyError{RetryAt: time.Now().Add(24 * time.Hour)}) // only the test speaks
	newest := event.InstantOf(b.made)
	told, seen := b.watch(), 0
	for _, w := range words {
		pass(time.Duration(w.pause) * time.Millisecond)
		s := remotecar.Said{Bolt: w.bolt, BoltAt: time.Now().Add(time.Duration(w.age) * time.Millisecond)}
		if w.asked {
			s.AskedAt = time.Now()
		}
		b.vehicle.Hear(s)
		for _, o := range told()[seen:] {
			seen++
			future := o.DeviceAt > o.ReceivedAt.Add(event.Minute)
			live := o.Origin == event.OriginLive && (o.DeviceAt <= newest || future)
			answer := o.Origin == event.OriginAnswer && (o.DeviceAt < o.AskedAt || o.AskedAt == 0 || future)
			if live || answer {
				return fmt.Sprintf("the newest was of %v, and current is %+v", newest, o)
			}
			newest = max(newest, o.DeviceAt)
		}
	}
	return ""
}

func TestALateWatcherIsToldWhatIsKnown(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.vehicle.Hear(remotecar.Said{Bolt: event.BoltUnlocked, BoltAt: time.Now()})
		b.cloud.fail(device.ErrOffline)
		_, _ = b.car.Read(b.Context())
		all := b.watch()()
		if len(all) != 2 || all[0].Bolt != event.BoltUnlocked || all[1].Reach != event.ReachOffline {
			b.Fatalf("told %+v", all)
		}
		for _, o := range all {
			if o.Current() {
				b.Errorf("what was known before counts as current: %+v", o)
			}
		}
	})
}

func TestAWatcherThatHangsIsNotDeceived(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		hold := make(chan struct{})
		var last event.Observation
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = b.car.Watch(ctx, func(o event.Observation) {
				<-hold
				last = o
			})
		}()
		synctest.Wait()
		for i := range 3000 {
			pass(10 * time.Millisecond)
			bolt := []event.Bolt{event.BoltLocked, event.BoltUnlocked}[i%2]
			b.vehicle.Hear(remotecar.Said{Bolt: bolt, BoltAt: time.Now()})
		}
		close(hold)
		synctest.Wait()
		if last.Bolt != event.BoltUnknown {
			b.Errorf("the last that it was told is %+v", last)
		}
		cancel()
		<-done
	})
}

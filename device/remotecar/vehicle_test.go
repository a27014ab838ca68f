package remotecar_test

import (
	"slices"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

func TestNobodyIsAskedForNothing(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.watch()
		pass(20 * time.Hour)
		if asked := b.cloud.count(); asked != 0 {
			b.Fatalf("a car in which nothing goes on was asked for %d times", asked)
		}
		if _, err := b.car.Secure(b.Context()); err != nil {
			b.Fatal(err)
		}
		pass(20 * time.Hour)
		if asked := b.cloud.count(); asked < 10 || asked > 20 {
			b.Fatalf("asked for %d times after a command", asked)
		}
	})
}

func TestALimitIsWaitedFor(t *testing.T) {
	inBubble(t, remotecar.Config{Idle: time.Second}, func(b *bench) {
		b.cloud.fail(&device.BusyError{RetryAt: time.Now().Add(time.Hour)})
		b.watch()
		pass(30 * time.Minute)
		if asked := b.cloud.count(); asked != 1 || b.car.Reach() != "" {
			b.Fatalf("asked %d times, and it is %q", asked, b.car.Reach())
		}
		b.cloud.fail(nil)
		pass(31 * time.Minute)
		if b.cloud.count() < 2 || b.car.Reach() != event.ReachOnline {
			b.Fatal("it was never asked again")
		}
	})
}

// TestWhatACloudIsAskedFor: what is asked from time to time can wait, unless something was opened or locked just before.
func TestWhatACloudIsAskedFor(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.watch()
		read := func(p device.Purpose) {
			if _, err := b.car.Read(device.For(b.Context(), p)); err != nil {
				b.Fatal(err)
			}
		}
		for _, step := range []struct {
			name string
			do   func()
			want []device.Purpose
		}{
			{"looked at", func() { read(device.CanWait) }, []device.Purpose{device.CanWait}},
			{"looked for", func() { read(device.Seeking) }, []device.Purpose{device.Seeking, device.CanWait}},
			{"opened", func() { _, _ = b.open(10 * time.Second) }, []device.Purpose{device.Opening, device.Watching}},
			{"looked at while open", func() { read(device.CanWait) }, []device.Purpose{device.CanWait, device.Watching}},
			{"locked", func() { _, _ = b.car.Secure(b.Context()); read(device.Securing) }, []device.Purpose{device.Securing, device.Watching}},
			{"left alone", func() { pass(10 * time.Minute) }, []device.Purpose{device.Watching, device.CanWait}},
			{"looked for again", func() { read(device.Seeking) }, []device.Purpose{device.Seeking}},
		} {
			step.do()
			pass(2 * time.Minute)
			if got := b.cloud.askedFor(); !slices.Equal(got, step.want) {
				b.Errorf("%s: asked for %v; want %v", step.name, got, step.want)
			}
		}
	})
}

// TestACarThatDoesNotAnswerIsAskedAgain after it was looked for, until it does.
func TestACarThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.watch()
		look := func() error {
			_, err := b.car.Read(device.For(b.Context(), device.Seeking))
			return err
		}
		if err := look(); err != nil {
			b.Fatal(err)
		}
		b.cloud.fail(device.ErrOffline)
		if err := look(); err == nil || b.car.Reach() != event.ReachOffline {
			b.Fatalf("%v, and it is %q", err, b.car.Reach())
		}
		pass(time.Minute)
		b.cloud.fail(nil)
		pass(time.Minute)
		if b.car.Reach() != event.ReachOnline {
			b.Fatalf("it is still %q", b.car.Reach())
		}
	})
}

// TestALimitOfLooksKeepsNobodyFromWatching what was opened since.
func TestALimitOfLooksKeepsNobodyFromWatching(t *testing.T) {
	inBubble(t, remotecar.Config{Settled: time.Minute}, func(b *bench) {
		told := b.watch()
		if _, err := b.car.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.cloud.mu.Lock()
		b.cloud.least = device.Opening
		b.cloud.mu.Unlock()
		pass(30 * time.Second) // it is told to wait for an hour
		_, _ = b.open(time.Second)
		opened := time.Now()
		b.cloud.say(event.BoltUnlocked, event.ContactOpen, opened)
		pass(10 * time.Second)
		if all := told(); all[len(all)-1].DeviceAt != event.InstantOf(opened) {
			b.Fatalf("told %+v", all)
		}
	})
}

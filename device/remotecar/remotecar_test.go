package remotecar_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// cloud is a cloud whose every word the test chooses.
type cloud struct {
	mu      sync.Mutex
	says    remotecar.Said
	fails   error
	asked   []device.Purpose // what for
	least   device.Purpose   // for anything less urgent there is a limit, for an hour
	unlock  func(just func() error) (event.Outcome, error)
	lock    func(ctx context.Context, just func() error) (event.Outcome, error)
	unlocks int
}

func (c *cloud) Ask(ctx context.Context) (remotecar.Said, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	purpose := device.PurposeOf(ctx)
	c.asked = append(c.asked, purpose)
	if purpose < c.least {
		return remotecar.Said{}, &device.BusyError{RetryAt: time.Now().Add(time.Hour)}
	}
	return c.says, c.fails
}

func (c *cloud) Unlock(_ context.Context, just func() error) (event.Outcome, error) {
	if err := just(); err != nil {
		return event.NotDone, err
	}
	c.mu.Lock()
	c.unlocks++
	act := c.unlock
	c.mu.Unlock()
	if act == nil {
		return event.Unknown, nil
	}
	return act(just)
}

func (c *cloud) Lock(ctx context.Context, just func() error) (event.Outcome, error) {
	if c.lock != nil {
		return c.lock(ctx, just)
	}
	return event.Unknown, just()
}

func (c *cloud) say(bolt event.Bolt, contact event.Contact, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.says, c.fails = remotecar.Said{Bolt: bolt, Contact: contact, BoltAt: at, ContactAt: at}, nil
}

func (c *cloud) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = err
}

func (c *cloud) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

// askedFor is what it was asked for since the last call, without repetitions.
func (c *cloud) askedFor() []device.Purpose {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Compact(c.asked)
	c.asked = nil
	return all
}

// pass lets virtual time pass.
func pass(length time.Duration) { <-time.After(length) }

// bench is a car whose cloud said, an hour ago, that it is locked and shut; a second has passed since it was made.
type bench struct {
	*testing.T
	cloud   *cloud
	vehicle *remotecar.Vehicle
	car     *remotecar.Car
	log     *devicetest.Log
	made    time.Time
}

func build(t *testing.T, cfg remotecar.Config) *bench {
	b := &bench{T: t, cloud: &cloud{}, log: &devicetest.Log{}, made: time.Now()}
	b.cloud.say(event.BoltLocked, event.ContactClosed, time.Now().Add(-time.Hour))
	cfg.Logger = slog.New(slog.DiscardHandler)
	b.vehicle = remotecar.NewVehicle(b.cloud, cfg)
	b.car = b.vehicle.Device(event.Spec{Device: "trunk", Lateness: 60 * event.Second, Horizon: event.Minute, Grade: event.GradeReported}, b.log)
	pass(time.Second)
	return b
}

// watch keeps what a watcher is told.
func (b *bench) watch() func() []event.Observation {
	var mu sync.Mutex
	var all []event.Observation
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.car.Watch(ctx, func(o event.Observation) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, o)
		})
	}()
	b.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return func() []event.Observation {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func (b *bench) open(length time.Duration) (event.Outcome, error) {
	ctx, cancel := context.WithTimeout(b.Context(), length)
	defer cancel()
	return b.car.Open(ctx, device.Order{Permit: "home1-p1", Deadline: time.Now().Add(5 * time.Second)})
}

func inBubble(t *testing.T, cfg remotecar.Config, test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(build(t, cfg)) })
}

func TestAcceptedIsNotDone(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		outcome, err := b.open(30 * time.Second)
		if outcome != event.Unknown || !errors.Is(err, device.ErrNoAnswer) {
			b.Fatalf("%v, %v", outcome, err)
		}
		if lines := b.log.Lines(event.ActOpen); len(lines) != 1 || lines[0].Permit != "home1-p1" || b.cloud.unlocks != 1 {
			b.Fatalf("%d commands, and the log has %+v", b.cloud.unlocks, lines)
		}
		if asked := b.cloud.count(); asked < 3 || asked > 6 {
			b.Fatalf("asked %d times in 30 s", asked)
		}
	})
}

func TestTheCarConfirms(t *testing.T) {
	for name, test := range map[string]struct {
		bolt    event.Bolt
		contact event.Contact
		lag     time.Duration // of the car's clock
		want    event.Outcome
	}{
		"unlocked":           {event.BoltUnlocked, event.ContactClosed, 0, event.Done},
		"open":               {event.BoltUnknown, event.ContactOpen, 0, event.Done},
		"still locked":       {event.BoltLocked, event.ContactClosed, 0, event.Unknown},
		"jammed":             {event.BoltJammed, event.ContactClosed, 0, event.Unknown},
		"its clock is late":  {event.BoltUnlocked, event.ContactClosed, time.Second, event.Done},
		"by an earlier hand": {event.BoltUnlocked, event.ContactClosed, 5 * time.Second, event.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, remotecar.Config{}, func(b *bench) {
				pass(10 * time.Second)
				b.cloud.unlock = func(func() error) (event.Outcome, error) {
					b.cloud.say(test.bolt, test.contact, time.Now().Add(-test.lag))
					return event.Unknown, errors.New("the answer broke off")
				}
				if outcome, err := b.open(20 * time.Second); outcome != test.want || (err == nil) != (outcome == event.Done) {
					b.Fatalf("%v, %v", outcome, err)
				}
			})
		})
	}
}

func TestWhatIsNotSent(t *testing.T) {
	full := errors.New("the disk is full")
	for name, test := range map[string]struct {
		prepare func(*bench)
		want    error
	}{
		"open already":   {func(b *bench) { b.cloud.say(event.BoltUnlocked, event.ContactClosed, time.Now()) }, device.ErrRefused},
		"ajar":           {func(b *bench) { b.cloud.say(event.BoltLocked, event.ContactOpen, time.Now()) }, device.ErrRefused},
		"half known":     {func(b *bench) { b.cloud.say(event.BoltLocked, event.ContactUnknown, time.Now()) }, device.ErrRefused},
		"unknown":        {func(b *bench) { b.cloud.say(event.BoltUnknown, event.ContactClosed, time.Now()) }, device.ErrRefused},
		"asleep":         {func(b *bench) { b.cloud.fail(device.ErrAsleep) }, device.ErrAsleep},
		"away":           {func(b *bench) { b.cloud.fail(device.ErrOffline) }, device.ErrOffline},
		"nonsense":       {func(b *bench) { b.cloud.fail(device.ErrNonsense) }, device.ErrNonsense},
		"revoked":        {func(b *bench) { b.cloud.fail(device.ErrRevoked) }, device.ErrRevoked},
		"not to be told": {func(b *bench) { b.log.FailWith(full) }, full},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, remotecar.Config{}, func(b *bench) {
				test.prepare(b)
				outcome, err := b.open(10 * time.Second)
				if outcome != event.NotDone || !errors.Is(err, test.want) || b.cloud.unlocks != 0 || len(b.log.Lines(event.ActOpen)) != 0 {
					b.Fatalf("%v, %v, %d commands", outcome, err, b.cloud.unlocks)
				}
			})
		})
	}
}

// TestAFailedQuestionUnsettles: what was heard before it is not good enough to open by.
func TestAFailedQuestionUnsettles(t *testing.T) {
	inBubble(t, remotecar.Config{Settled: time.Hour}, func(b *bench) {
		if _, err := b.car.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.cloud.fail(device.ErrNonsense)
		_, _ = b.car.Read(b.Context())
		if outcome, err := b.open(time.Second); outcome != event.NotDone || !errors.Is(err, device.ErrNonsense) || b.cloud.unlocks != 0 {
			b.Fatalf("%v, %v", outcome, err)
		}
	})
}

// TestWhatIsNotShutIsRemembered, even as an old copy, or one without a time: it is not opened.
func TestWhatIsNotShutIsRemembered(t *testing.T) {
	for name, at := range map[string]func(*bench) time.Time{
		"of the same old time": func(b *bench) time.Time { return b.cloud.says.BoltAt },
		"without a time":       func(*bench) time.Time { return time.Time{} },
		"from the future":      func(*bench) time.Time { return time.Now().Add(time.Hour) },
	} {
		inBubble(t, remotecar.Config{Settled: time.Nanosecond}, func(b *bench) {
			_, _ = b.car.Read(b.Context())
			pass(time.Millisecond)
			b.cloud.say(event.BoltUnknown, event.ContactClosed, at(b))
			want := device.ErrRefused
			if name == "from the future" {
				want = device.ErrNonsense
			}
			if outcome, err := b.open(time.Second); outcome != event.NotDone || !errors.Is(err, want) {
				b.Errorf("%s: %v, %v", name, outcome, err)
			}
			b.cloud.fail(device.ErrOffline)
			if said := b.watch()(); len(said) == 0 || said[0].Bolt != event.BoltUnknown {
				b.Errorf("%s: remembered %+v", name, said)
			}
		})
	}
}

// TestNothingOpensByAStateOfTheFuture, which is an error each time: to be locked tomorrow is not to be locked.
func TestNothingOpensByAStateOfTheFuture(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		b.cloud.say(event.BoltLocked, event.ContactClosed, time.Now().Add(time.Hour))
		for range 3 {
			if o, err := b.car.Read(b.Context()); !errors.Is(err, device.ErrNonsense) || o != (event.Observation{}) {
				b.Errorf("read %+v, %v", o, err)
			}
			if outcome, err := b.open(time.Second); outcome != event.NotDone || !errors.Is(err, device.ErrNonsense) {
				b.Errorf("%v, %v", outcome, err)
			}
		}
		if b.cloud.unlocks != 0 {
			b.Errorf("%d orders to open", b.cloud.unlocks)
		}
		b.cloud.say(event.BoltLocked, event.ContactClosed, time.Now().Add(30*time.Second)) // a clock that is a little ahead
		if _, err := b.car.Read(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

func TestTooLateIsNotSent(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		for name, ctx := range map[string]context.Context{"expired": b.Context(), "cancelled": cancelled(b.T)} {
			o := device.Order{Permit: "home1-p1", Deadline: time.Now().Add(time.Minute)}
			if name == "expired" {
				o.Deadline = time.Now()
			}
			if outcome, err := b.car.Open(ctx, o); outcome != event.NotDone || err == nil || b.cloud.unlocks != 0 {
				b.Errorf("%s: %v, %v", name, outcome, err)
			}
		}
	})
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestOneOrderAtATime(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		var wg sync.WaitGroup
		outcomes := make([]event.Outcome, 3)
		wg.Go(func() { outcomes[0], _ = b.open(4 * time.Second) })
		synctest.Wait()
		for i := range 2 {
			wg.Go(func() { outcomes[i+1], _ = b.open(2 * time.Second) })
		}
		wg.Wait()
		slices.Sort(outcomes)
		if b.cloud.unlocks != 1 || !slices.Equal(outcomes, []event.Outcome{event.NotDone, event.NotDone, event.Unknown}) {
			b.Fatalf("%d commands for %v", b.cloud.unlocks, outcomes)
		}
	})
}

func TestTheConnectorsWordCounts(t *testing.T) {
	for want, err := range map[event.Outcome]error{event.Done: nil, event.NotDone: device.ErrRefused} {
		inBubble(t, remotecar.Config{}, func(b *bench) {
			b.cloud.unlock = func(func() error) (event.Outcome, error) { return want, err }
			if outcome, got := b.open(time.Second); outcome != want || !errors.Is(got, err) {
				b.Fatalf("%v, %v", outcome, got)
			}
		})
	}
}

func TestSecuring(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		if outcome, err := b.car.Secure(b.Context()); outcome != event.Done || err != nil {
			b.Fatalf("accepted: %v, %v", outcome, err)
		}
		b.cloud.lock = func(_ context.Context, just func() error) (event.Outcome, error) {
			return event.NotDone, errors.Join(just(), device.ErrRefused)
		}
		if outcome, err := b.car.Secure(b.Context()); outcome != event.NotDone || !errors.Is(err, device.ErrRefused) {
			b.Fatalf("refused: %v, %v", outcome, err)
		}
		b.cloud.lock = func(_ context.Context, just func() error) (event.Outcome, error) {
			return event.Unknown, errors.Join(just(), device.ErrNoAnswer)
		}
		if outcome, err := b.car.Secure(b.Context()); outcome != event.Unknown || err == nil {
			b.Fatalf("nobody knows: %v, %v", outcome, err)
		}
		b.cloud.lock = nil
		b.log.FailWith(errors.New("the disk is full"))
		if outcome, err := b.car.Secure(b.Context()); outcome != event.NotDone || err == nil {
			b.Fatalf("not logged: %v, %v", outcome, err)
		}
		if lines := b.log.Lines(event.ActSecure); len(lines) != 3 || lines[0].Permit != "" {
			b.Fatalf("the log has %+v", lines)
		}
	})
}

func TestReading(t *testing.T) {
	inBubble(t, remotecar.Config{}, func(b *bench) {
		if o, err := b.car.Read(b.Context()); err != nil || o.Origin != event.OriginCached || o.AskedAt == 0 || o.Bolt != event.BoltLocked {
			b.Fatalf("%+v, %v", o, err)
		}
		b.cloud.say(event.BoltLocked, event.ContactClosed, time.Now())
		if o, err := b.car.Read(b.Context()); err != nil || o.Origin != event.OriginAnswer || o.DeviceAt < o.AskedAt {
			b.Fatalf("%+v, %v", o, err)
		}
		b.cloud.says.ContactAt = time.Now().Add(-time.Hour)
		if o, err := b.car.Read(b.Context()); err != nil || o.Origin != event.OriginCached {
			b.Fatalf("with an old part: %+v, %v", o, err)
		}
		b.cloud.fail(device.ErrNoAnswer)
		if _, err := b.car.Read(b.Context()); err == nil || b.car.Reach() != event.ReachOffline {
			b.Fatalf("no answer: %v, %q", err, b.car.Reach())
		}
	})
}

func TestTwoDevicesOfOneVehicle(t *testing.T) {
	inBubble(t, remotecar.Config{Idle: time.Minute}, func(b *bench) {
		cabin := b.vehicle.Device(event.Spec{Device: "cabin"}, b.log)
		trunk := b.watch()
		other := (&bench{T: b.T, car: cabin}).watch()
		pass(time.Minute + time.Second)
		if b.cloud.count() != 1 {
			b.Errorf("two devices asked %d times", b.cloud.count())
		}
		one, two := trunk(), other()
		if len(one) == 0 || len(one) != len(two) || one[0].Device != "trunk" || two[0].Device != "cabin" {
			b.Errorf("told %+v and %+v", one, two)
		}
	})
}

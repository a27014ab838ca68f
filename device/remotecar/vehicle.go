package remotecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// Cloud is a maker's cloud, as far as one vehicle is concerned. Its methods may be called by several goroutines at
// once. Each sends at most one command, and none is repeated by it.
type Cloud interface {
	// Ask returns what the cloud says of the vehicle's locks and openings; what for, the context says (device.PurposeOf).
	// Errors wrap device.ErrAsleep, device.ErrOffline, device.ErrNoAnswer, device.ErrNonsense, device.ErrRevoked or a
	// *device.BusyError.
	Ask(ctx context.Context) (Said, error)
	// Unlock and Lock call just right before the wire, and send nothing if it fails. Done means that the vehicle
	// itself confirmed it, NotDone that it certainly won't happen; Unknown without an error that it was accepted.
	Unlock(ctx context.Context, just func() error) (event.Outcome, error)
	Lock(ctx context.Context, just func() error) (event.Outcome, error)
}

// Said is what a cloud said of a vehicle at one moment.
type Said struct {
	// Bolt is locked only if every lock is, Contact closed only if everything that can stand open is. "" says nothing.
	Bolt    event.Bolt
	Contact event.Contact
	// BoltAt and ContactAt are the vehicle's own times of them; zero if it has none.
	BoltAt, ContactAt time.Time
	// AskedAt is when we asked; zero for what came by itself. ReceivedAt is when it was here.
	AskedAt, ReceivedAt time.Time
}

// Config says when a cloud is asked. What is zero has a default.
type Config struct {
	// Soon is how long after a command, a change or a question the cloud is asked again (default 5 s); then half as
	// long again each time, up to Seldom (default 1 min), for as long as Attention after the last of these (default
	// 10 min).
	Soon, Seldom, Attention time.Duration
	// Idle is how often it is asked while somebody watches and nothing goes on, or more seldom as Quota says; 0 is never.
	Idle  time.Duration
	Quota *Quota
	// Settled is for how long what was heard is good enough to open by; else it is asked first (default 2 s).
	Settled time.Duration
	// Now is the clock (default time.Now).
	Now func() time.Time
	// Logger is told what can't be returned to anybody; default slog.Default().
	Logger *slog.Logger
}

func (c *Config) complete() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Soon, 5 * time.Second},
		{&c.Seldom, time.Minute},
		{&c.Attention, 10 * time.Minute},
		{&c.Settled, 2 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// Vehicle is one vehicle, with one or two devices on it: its trunk and its cabin.
type Vehicle struct {
	cfg   Config
	cloud Cloud
	since time.Time     // when we began to listen
	turn  chan struct{} // held by the one that opens

	mu       sync.Mutex
	last     Said // the newest that was heard of each part
	settled  time.Time
	spoken   []time.Time       // when the last questions and commands left, the oldest first
	told     event.Observation // the last of each part that watchers were told
	reach    event.Reach
	watchers map[*queue]event.DeviceID
	waiters  map[chan Said]struct{}
	locking  *locking // the order to lock that is under way, if any
	interval time.Duration
	until    time.Time      // of attention
	purpose  device.Purpose // of asking in that time
	notUntil time.Time      // the maker's limit, for that purpose
	users    int            // of the poll
	stop     context.CancelFunc
	stopped  chan struct{}
	nudged   chan struct{}
}

// NewVehicle makes a vehicle of which nothing is known. What it said before now is a copy.
func NewVehicle(cloud Cloud, cfg Config) *Vehicle {
	cfg.complete()
	v := &Vehicle{
		cfg: cfg, cloud: cloud, since: cfg.Now(), turn: make(chan struct{}, 1), interval: cfg.Soon,
		watchers: map[*queue]event.DeviceID{}, waiters: map[chan Said]struct{}{}, nudged: make(chan struct{}, 1),
	}
	return v
}

// attend asks the cloud soon, and for a while: for whoever watches something open, if that is why, until the attention
// ends; else only where it can wait, so that what is asked in passing takes nothing from a visit. Who looks for a car that
// is to be opened asks again by himself: a small contract has not many questions for each visit.
func (v *Vehicle) attend(why device.Purpose) {
	if why == device.Seeking {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.cfg.Now().Before(v.until) {
		v.purpose = device.CanWait
	}
	if why >= device.Watching {
		v.purpose, v.notUntil = device.Watching, time.Time{}
	}
	v.attendNow()
}

func (v *Vehicle) attendNow() {
	v.interval = v.cfg.Soon
	v.until = v.cfg.Now().Add(v.cfg.Attention)
	select {
	case v.nudged <- struct{}{}:
	default:
	}
}

// poll asks the cloud from time to time until the last of its users is gone.
func (v *Vehicle) poll() (release func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.users++; v.users == 1 {
		v.cfg.Quota.count(1)
		ctx, cancel := context.WithCancel(context.Background())
		v.stop, v.stopped = cancel, make(chan struct{})
		go v.run(ctx, v.stopped)
	}
	return sync.OnceFunc(func() {
		v.mu.Lock()
		v.users--
		stop, stopped, last := v.stop, v.stopped, v.users == 0
		v.mu.Unlock()
		if last {
			v.cfg.Quota.count(-1)
			stop()
			<-stopped
		}
	})
}

func (v *Vehicle) run(ctx context.Context, stopped chan struct{}) {
	defer close(stopped)
	for ctx.Err() == nil {
		timer := time.NewTimer(v.wait())
		select {
		case <-ctx.Done():
		case <-v.nudged: // the wait is another one now
		case <-timer.C:
			_, _, _ = v.ask(device.For(ctx, v.pollsFor())) // what comes of it is heard, and reach says the rest
		}
		timer.Stop()
	}
}

// pollsFor is what the cloud is asked for from time to time.
func (v *Vehicle) pollsFor() device.Purpose {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cfg.Now().Before(v.until) {
		return v.purpose
	}
	return device.CanWait
}

// never is how long a vehicle that is not to be asked waits.
const never = 24 * time.Hour

// wait is how long until the cloud is asked again.
func (v *Vehicle) wait() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, wait := v.cfg.Now(), max(v.cfg.Idle, v.cfg.Quota.interval())
	if v.cfg.Idle == 0 {
		wait = never
	}
	if now.Before(v.until) {
		wait = min(wait, v.interval)
		v.interval = min(v.interval+v.interval/2, v.cfg.Seldom)
	}
	return max(wait, v.notUntil.Sub(now))
}

// ask asks the cloud, and hands on what it says. Before is what was known until then. What is of the future is heard, for
// it may say that the car is open, and is no answer.
func (v *Vehicle) ask(ctx context.Context) (said, before Said, err error) {
	asked := v.cfg.Now()
	v.speak(asked)
	said, err = v.cloud.Ask(ctx)
	if err != nil {
		v.failed(ctx, err)
		return Said{}, Said{}, err
	}
	said.AskedAt, said.ReceivedAt = asked, v.cfg.Now()
	v.reached(event.ReachOnline)
	before = v.hear(said)
	if fromFuture(said) {
		v.unsettle()
		v.cfg.Logger.Warn("a maker's answer about a vehicle was of the future")
		return Said{}, Said{}, fmt.Errorf("%w: the car's state is of the future", device.ErrNonsense)
	}
	return said, before, nil
}

// failed says what a question without an answer means for reachability.
func (v *Vehicle) failed(ctx context.Context, err error) {
	var busy *device.BusyError
	v.unsettle()
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &busy):
		v.mu.Lock()
		defer v.mu.Unlock()
		v.notUntil = busy.RetryAt
	case errors.Is(err, device.ErrNonsense):
		v.cfg.Logger.Warn("a maker's answer about a vehicle made no sense", "error", err)
	default:
		v.reached(event.ReachOffline)
	}
}

// unsettle makes the next opening ask first.
func (v *Vehicle) unsettle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settled = time.Time{}
}

func (v *Vehicle) reached(reach event.Reach) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.reach == reach {
		return
	}
	v.reach = reach
	if reach == event.ReachOffline {
		v.attendNow() // nothing opens it until it has answered again
	}
	v.tell(event.Observation{Reach: reach, Origin: event.OriginLive, ReceivedAt: event.InstantOf(v.cfg.Now())})
}

// tell hands an observation to every watcher, as of its own device. The caller holds the lock.
func (v *Vehicle) tell(o event.Observation) {
	if o.Bolt != "" {
		v.told.Bolt = o.Bolt
	}
	if o.Contact != "" {
		v.told.Contact = o.Contact
	}
	for q, id := range v.watchers {
		o.Device = id
		q.put(o)
	}
}

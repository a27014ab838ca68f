package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/unlock"
)

// Dispatcher decides commands and does what follows from them. Safe for concurrent use.
type Dispatcher struct {
	store   store.Store
	gate    *unlock.Gate
	devices unlock.Devices
	// pictures of the sites' cameras
	pictures Pictures
	places   Places
	now      func() time.Time
	log      *slog.Logger
	counted  func([]event.Event, time.Duration)
	// began is when this process did.
	began event.Instant

	sites    keyedLocks
	memo     memo
	words    words
	streams  streams
	trades   map[string]trade
	wakeTick chan struct{}
	looks    chan struct{} // holds one for each car whose site is being asked for its wish
	busy     underWay
}

// Config is what a Dispatcher needs.
type Config struct {
	Store   store.Store
	Gate    *unlock.Gate
	Devices unlock.Devices
	// Pictures of the sites' cameras; nil where none is watched.
	Pictures Pictures
	// Places keeps where cars stand; nil where there are none.
	Places Places
	Now    func() time.Time
	Log    *slog.Logger
	// Committed, if set, is told of each decision that was committed, and how long it took from receipt. It must
	// not block.
	Committed func(events []event.Event, took time.Duration)
}

// New makes a Dispatcher. Run starts its loops.
func New(c Config) *Dispatcher {
	if c.Pictures == nil {
		c.Pictures = unfilmed{}
	}
	if c.Places == nil {
		c.Places = nowhere{}
	}
	d := &Dispatcher{store: c.Store, gate: c.Gate, devices: c.Devices, pictures: c.Pictures, places: c.Places, now: c.Now, log: c.Log, counted: c.Committed,
		began: event.InstantOf(c.Now()), memo: newMemo(), words: newWords(), trades: make(map[string]trade), wakeTick: make(chan struct{}, 1),
		looks: make(chan struct{}, looksAtOnce)}
	d.Handle(workSecure, d.secure)
	d.Handle(workRead, d.read)
	d.Handle(workForgetCode, d.forgetCode)
	d.trades[workSeek] = d.seeking()
	d.trades[workLetter] = d.letters(d.deliver)
	return d
}

// Result is a decision that was committed.
type Result struct {
	Events []event.Event
	State  site.State
}

// Attachments are written in the same commit as the decision.
type Attachments struct {
	Values []store.Value
	// Rows are of partitions that the dispatcher's own projections do not use.
	Rows     []store.Row
	Remember *store.Remembered
}

// Attach makes what is to be written with a decision, once it is known. It may be called again when the
// decision has to be made again, and must not do anything else.
type Attach func(Result) (Attachments, error)

// tries bounds how often a decision is made again because somebody else's came first.
const tries = 20

// ErrBusy: others kept changing the site; nothing was done.
var ErrBusy = errors.New("dispatch: the site is too busy")

// Do decides one command and commits what follows. Time of receipt and readiness of the devices are filled
// in. With an error nothing was appended, except for store.ErrUncertain, where that is not known; what the
// site holds afterwards is the truth. Barriers are commanded after it has returned. Once Run has ended nothing
// is decided any more: the error is store.ErrClosed.
func (d *Dispatcher) Do(ctx context.Context, id event.SiteID, c site.Command, attach ...Attach) (Result, error) {
	if !d.busy.begin() {
		return Result{}, fmt.Errorf("dispatch: ending: %w", store.ErrClosed)
	}
	defer d.busy.end()
	return d.do(ctx, id, c, attach...)
}

func (d *Dispatcher) do(ctx context.Context, id event.SiteID, c site.Command, attach ...Attach) (Result, error) {
	received := d.now()
	unlockSite := d.sites.lock(id)
	defer unlockSite()
	for range tries {
		made, err := d.try(ctx, id, c, attach)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return Result{}, err
		}
		for _, p := range made.permits {
			d.busy.also(func() { d.redeem(context.WithoutCancel(ctx), p) })
		}
		d.announce(id, made)
		if d.counted != nil && len(made.Events) > 0 {
			d.counted(made.Events, d.now().Sub(received))
		}
		return made.Result, nil
	}
	return Result{}, ErrBusy
}

// decision is what was committed, with what is to be done because of it.
type decision struct {
	Result
	permits []*unlock.Permit
	work    []store.Work
}

func (d *Dispatcher) try(ctx context.Context, id event.SiteID, c site.Command, attach []Attach) (decision, error) {
	state, err := d.Load(ctx, id)
	if err != nil {
		return decision{}, err
	}
	c.Facts.Ready = d.readiness(state, c.Do)
	c.Facts.Pictures = d.seen(state)
	// After everything that it is compared with: what comes from later than the decision counts for nothing.
	c.Facts.At = event.InstantOf(d.now())
	events, err := site.Decide(state, c)
	if err != nil {
		return decision{}, err
	}
	result := Result{Events: events, State: site.Fold(state, events)}
	write, err := d.write(state, result, attach)
	if err != nil {
		return decision{}, err
	}
	made := decision{Result: result, work: write.Work}
	if len(events) == 0 && len(write.Values) == 0 && len(write.Rows) == 0 && write.Remember == nil {
		return made, nil
	}
	if made.permits, err = d.commit(ctx, write, events); err != nil {
		return decision{}, err
	}
	d.memo.keep(id, write.State, result.State)
	return made, nil
}

// commitWithin is how long a commit may take before its fate counts as unknown.
const commitWithin = 10 * time.Second

// commit makes the decision durable. A caller who goes away in the middle, a phone that lost its network, does
// not stop it: that would leave an intent whose permit nobody holds.
func (d *Dispatcher) commit(ctx context.Context, write store.Append, events []event.Event) ([]*unlock.Permit, error) {
	draft, err := d.gate.Prepare(ctx, write, events)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	return d.gate.Commit(ctx, draft)
}

// write gathers everything that one decision writes.
func (d *Dispatcher) write(before site.State, r Result, attach []Attach) (store.Append, error) {
	state, err := site.Encode(r.State)
	if err != nil {
		return store.Append{}, err
	}
	w := store.Append{Site: before.Site, Version: before.Seq, State: state, Deadline: r.State.Deadline()}
	if w.Work, err = workOf(before, r); err != nil {
		return store.Append{}, err
	}
	if w.Rows, err = rowsOf(before, r); err != nil {
		return store.Append{}, err
	}
	w.Values = leftBehind(before, r)
	for _, a := range attach {
		more, err := a(r)
		if err != nil {
			return store.Append{}, err
		}
		w.Values, w.Rows = append(w.Values, more.Values...), append(w.Rows, more.Rows...)
		if more.Remember != nil {
			w.Remember = more.Remember
		}
	}
	return w, nil
}

// readiness asks the connectors what they know of every barrier here, borrowed ones included, and of the one
// that a lease brings.
func (d *Dispatcher) readiness(s site.State, asked site.Request) []event.Readiness {
	var all []event.Readiness
	for _, b := range s.Barriers {
		all = append(all, d.ready(b.ID, b.Spec.Device))
	}
	if lease, ok := asked.(site.ReceiveLease); ok {
		all = append(all, d.ready(lease.Barrier, lease.Spec.Device))
	}
	return all
}

// ready is what a barrier's connector knows and declares at this moment.
func (d *Dispatcher) ready(b event.BarrierID, id event.DeviceID) event.Readiness {
	r := event.Readiness{Barrier: b}
	if dev, ok := d.devices.Device(id); ok {
		r.Reach, r.Reveals = dev.Reach(), dev.Spec().Reveals
	}
	return r
}

func (d *Dispatcher) reach(id event.DeviceID) event.Reach {
	if dev, ok := d.devices.Device(id); ok {
		return dev.Reach()
	}
	return ""
}

// Reach says whether a device can be reached now, as far as its connector knows without asking; "" when it does not.
func (d *Dispatcher) Reach(id event.DeviceID) event.Reach { return d.reach(id) }

// announce wakes whoever waits for what was committed.
func (d *Dispatcher) announce(id event.SiteID, made decision) {
	if len(made.Events) == 0 {
		return
	}
	d.streams.wake(id)
	for _, w := range made.work {
		wake(d.trades[w.Kind].wake)
	}
	if made.State.Deadline() != 0 {
		wake(d.wakeTick)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// ShownCode returns the code of a showing that was committed.
func (d *Dispatcher) ShownCode(ctx context.Context, shown event.CodeShown) (string, error) {
	return d.gate.ShownCode(ctx, shown)
}

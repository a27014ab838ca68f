package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	now     func() time.Time
	log     *slog.Logger
	counted func([]event.Event, time.Duration)

	sites    keyedLocks
	streams  streams
	handlers map[string]Handler
	wakeWork chan struct{}
	wakeTick chan struct{}
	// busy counts what must end before the process may: commands under way, and their outcomes.
	busy sync.WaitGroup
}

// Config is what a Dispatcher needs.
type Config struct {
	Store   store.Store
	Gate    *unlock.Gate
	Devices unlock.Devices
	Now     func() time.Time
	Log     *slog.Logger
	// Committed, if set, is told of each decision that was committed, and how long it took from receipt. It must
	// not block.
	Committed func(events []event.Event, took time.Duration)
}

// New makes a Dispatcher. Run starts its loops.
func New(c Config) *Dispatcher {
	d := &Dispatcher{store: c.Store, gate: c.Gate, devices: c.Devices, now: c.Now, log: c.Log, counted: c.Committed,
		wakeWork: make(chan struct{}, 1), wakeTick: make(chan struct{}, 1)}
	d.handlers = map[string]Handler{
		workSecure: d.secure, workRead: d.read, workForgetCode: d.forgetCode, workLetter: d.deliver,
	}
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
// site holds afterwards is the truth. Barriers are commanded after it has returned.
func (d *Dispatcher) Do(ctx context.Context, id event.SiteID, c site.Command, attach ...Attach) (Result, error) {
	received := d.now()
	unlockSite := d.sites.lock(id)
	defer unlockSite()
	for range tries {
		result, permits, err := d.try(ctx, id, c, attach)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return Result{}, err
		}
		for _, p := range permits {
			d.busy.Go(func() { d.redeem(context.WithoutCancel(ctx), p) })
		}
		d.announce(id, result)
		if d.counted != nil && len(result.Events) > 0 {
			d.counted(result.Events, d.now().Sub(received))
		}
		return result, nil
	}
	return Result{}, ErrBusy
}

func (d *Dispatcher) try(ctx context.Context, id event.SiteID, c site.Command, attach []Attach) (Result, []*unlock.Permit, error) {
	state, err := d.Load(ctx, id)
	if err != nil {
		return Result{}, nil, err
	}
	c.Facts.At = event.InstantOf(d.now())
	c.Facts.Ready = d.readiness(state)
	events, err := site.Decide(state, c)
	if err != nil {
		return Result{}, nil, err
	}
	result := Result{Events: events, State: site.Fold(state, events)}
	write, err := d.write(state, result, attach)
	if err != nil {
		return Result{}, nil, err
	}
	if len(events) == 0 && len(write.Values) == 0 && len(write.Rows) == 0 && write.Remember == nil {
		return result, nil, nil
	}
	draft, err := d.gate.Prepare(ctx, write, events)
	if err != nil {
		return Result{}, nil, err
	}
	permits, err := d.gate.Commit(ctx, draft)
	return result, permits, err
}

// Load returns the site as of its last commit; a site that does not exist has Seq 0.
func (d *Dispatcher) Load(ctx context.Context, id event.SiteID) (site.State, error) {
	if err := event.CheckSiteID(id); err != nil {
		return site.State{}, site.Invalid{Field: "site", Problem: err.Error()}
	}
	snap, err := d.store.Load(ctx, id)
	if err != nil {
		return site.State{}, err
	}
	if snap.Version == 0 {
		return site.State{Site: id}, nil
	}
	return site.Decode(snap.State)
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

// readiness asks the connectors what they know of every barrier on a way in, other sites' included.
func (d *Dispatcher) readiness(s site.State) []event.Readiness {
	var all []event.Readiness
	for _, b := range s.Barriers {
		r := event.Readiness{Barrier: b.ID}
		if dev, ok := d.devices.Device(b.Spec.Device); ok {
			r.Reach = dev.Reach()
		}
		all = append(all, r)
	}
	return all
}

// redeem commands the device and records what became of it.
func (d *Dispatcher) redeem(ctx context.Context, p *unlock.Permit) {
	outcome, err := d.gate.Redeem(ctx, p)
	if err != nil {
		d.log.Warn("a barrier was commanded", "permit", p.Intent().ID, "device", p.Intent().Device, "outcome", outcome, "error", err)
	}
	done := site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}, Do: site.Resolve{Permit: p.Intent().ID, Outcome: outcome}}
	if err := d.insist(ctx, event.SiteOf(p.Intent().ID), done); err != nil {
		d.log.Error("an outcome could not be recorded; the site's deadline will call it unknown", "permit", p.Intent().ID, "error", err)
	}
}

// insistFor is how long something that happened is kept in hand while the store can't take it.
const insistFor = 30 * time.Second

// insist decides a report of something that has happened, again and again while the store fails: repeating
// such a report changes nothing.
func (d *Dispatcher) insist(ctx context.Context, id event.SiteID, c site.Command) error {
	ctx, cancel := context.WithTimeout(ctx, insistFor)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := d.Do(ctx, id, c)
		if !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// passing says whether an error may pass by waiting.
func passing(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrUncertain) || errors.Is(err, ErrBusy)
}

// announce wakes whoever waits for what was committed.
func (d *Dispatcher) announce(id event.SiteID, r Result) {
	if len(r.Events) == 0 {
		return
	}
	d.streams.wake(id)
	wake(d.wakeWork)
	if r.State.Deadline() != 0 {
		wake(d.wakeTick)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Events returns up to limit events of a site's journal after the sequence, in order.
func (d *Dispatcher) Events(ctx context.Context, id event.SiteID, after uint64, limit int) ([]event.Event, error) {
	entries, err := d.store.Events(ctx, id, after, limit)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Data, &events[i]); err != nil {
			return nil, fmt.Errorf("dispatch: %s %d: %w", id, entry.Seq, err)
		}
	}
	return events, nil
}

// ShownCode returns the code of a showing that was committed.
func (d *Dispatcher) ShownCode(ctx context.Context, shown event.CodeShown) (string, error) {
	return d.gate.ShownCode(ctx, shown)
}

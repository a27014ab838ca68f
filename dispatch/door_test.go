package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// door is a lock on a door with a contact: it does what it is told, says what happens to it, and counts.
type door struct {
	spec event.Spec
	// answer, if set, is what a command is answered with; a door that answers NotDone does not move.
	answer func(ctx context.Context, p event.PermitID) (event.Outcome, error)

	mu      sync.Mutex
	reach   event.Reach
	bolt    event.Bolt
	contact event.Contact
	opens   []device.Order
	codes   map[event.PermitID]device.CodeOrder
	set     []device.CodeOrder
	// secures, reads and removes count the other commands; stuck makes it keep its codes, mute say nothing.
	secures, reads, removes int
	stuck, mute             bool
	// overlap: a code was set while another was still there.
	overlap bool
	ears    map[*ear]bool
}

// ear is somebody who listens: what is said is kept until it is taken.
type ear struct {
	said []event.Observation
	more chan struct{}
}

func newDoor(id event.DeviceID) *door {
	return &door{reach: event.ReachOnline, bolt: event.BoltLocked, contact: event.ContactClosed, codes: make(map[event.PermitID]device.CodeOrder),
		ears: make(map[*ear]bool),
		spec: event.Spec{Device: id, Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported,
			Horizon: 5 * event.Minute, Lateness: 2 * event.Second, Opens: true, Secures: true, Reads: true, Codes: true}}
}

func (d *door) Spec() event.Spec { return d.spec }

func (d *door) Reach() event.Reach {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reach
}

func (d *door) Open(ctx context.Context, o device.Order) (event.Outcome, error) {
	d.mu.Lock()
	d.opens = append(d.opens, o)
	d.mu.Unlock()
	if d.answer != nil {
		if outcome, err := d.answer(ctx, o.Permit); outcome != event.Done {
			return outcome, err
		}
	}
	d.move("remote", func() { d.bolt = event.BoltUnlocked })
	return event.Done, nil
}

func (d *door) SetCode(ctx context.Context, o device.CodeOrder) (event.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.overlap = d.overlap || len(d.codes) > 0
	d.set = append(d.set, o)
	d.codes[o.Permit] = o
	return event.Done, nil
}

// key is somebody who types a code.
func (d *door) key(code string) bool {
	opens := false
	d.move("keypad", func() {
		for _, o := range d.codes {
			if o.Code == code && time.Now().Before(o.Deadline) {
				d.bolt, opens = event.BoltUnlocked, true
			}
		}
	})
	return opens
}

func (d *door) RemoveCode(_ context.Context, p event.PermitID) (event.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.removes++
	if d.stuck {
		return event.Unknown, device.ErrNoAnswer
	}
	delete(d.codes, p)
	return event.Done, nil
}

func (d *door) Secure(context.Context) (event.Outcome, error) {
	d.move("remote", func() { d.secures, d.bolt = d.secures+1, event.BoltLocked })
	return event.Done, nil
}

func (d *door) Read(context.Context) (event.Observation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	if d.reach == event.ReachOffline {
		return event.Observation{}, device.ErrOffline
	}
	now := event.InstantOf(time.Now())
	o := d.observation("")
	o.Origin, o.AskedAt = event.OriginAnswer, now
	return o, nil
}

func (d *door) observation(cause string) event.Observation {
	return event.Observation{Device: d.spec.Device, Bolt: d.bolt, Contact: d.contact, Reach: d.reach,
		ReceivedAt: event.InstantOf(time.Now()), Origin: event.OriginLive, Cause: cause}
}

// move changes the door, which says so.
func (d *door) move(cause string, change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	if d.mute {
		return
	}
	for e := range d.ears {
		e.said = append(e.said, d.observation(cause))
		wake(e.more)
	}
}

func (d *door) push() { d.move("", func() { d.contact = event.ContactOpen }) }
func (d *door) shut() { d.move("", func() { d.contact = event.ContactClosed }) }

// turn is a hand at the bolt.
func (d *door) turn(to event.Bolt) { d.move("manual", func() { d.bolt = to }) }

func (d *door) Watch(ctx context.Context, sink func(event.Observation)) error {
	e := &ear{more: make(chan struct{}, 1)}
	d.mu.Lock()
	d.ears[e] = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.ears, e)
		d.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.more:
		}
		d.mu.Lock()
		said := e.said
		e.said = nil
		d.mu.Unlock()
		for _, o := range said {
			sink(o)
		}
	}
}

// looks is a snapshot of the door.
func (d *door) looks() (bolt event.Bolt, contact event.Contact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bolt, d.contact
}

// opened returns the permits of all orders to open so far.
func (d *door) opened() (permits []event.PermitID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.opens {
		permits = append(permits, o.Permit)
	}
	for _, o := range d.set {
		permits = append(permits, o.Permit)
	}
	return permits
}

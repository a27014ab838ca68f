package virtual

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/event"
)

// Thing is one device and the door that it sits on.
type Thing struct {
	device  Device
	speaks  dialect
	link    *link
	hasBolt bool
	lifts   bool // a garage door: opening takes a while, and there is no bolt
	sprung  bool // it locks itself by falling shut
	senses  bool // it has a contact

	mu       sync.Mutex
	bolt     event.Bolt
	contact  event.Contact // where the door really is
	moving   string        // "opening", "closing" or ""
	battery  int
	faults   Faults
	codes    map[int]string
	openings int
	commands []Command
	timers   map[*time.Timer]bool
	waiting  []func()  // what a slow motor is about to do; what it did already is not done again
	motion   uint64    // counts a garage door's movements, so that the end of one isn't taken for the end of another
	ticked   time.Time // the last time of its clock
	closed   bool
	changed  chan struct{} // closed and replaced at each change, for Await
}

func newThing(cfg Config, target *url.URL, d Device) (*Thing, error) {
	if err := checkName(d.Name); err != nil {
		return nil, err
	}
	speaks, err := newDialect(cfg.Prefix, d)
	if err != nil {
		return nil, err
	}
	d.Travel, d.CodeSlots = cmp.Or(d.Travel, 50*time.Millisecond), cmp.Or(d.CodeSlots, 10)
	t := &Thing{
		device: d, speaks: speaks,
		lifts: d.Kind == Garage || d.Kind == RatgdoGarage, sprung: d.Kind == Box, senses: d.Kind != LobbyDoor,
		contact: event.ContactClosed, battery: 90, codes: map[int]string{},
		timers: map[*time.Timer]bool{}, changed: make(chan struct{}),
	}
	if t.hasBolt = !t.lifts; t.hasBolt {
		t.bolt = event.BoltLocked
	}
	t.link = newLink(cfg, target, d, speaks.will(), t.appear, t.receive)
	return t, nil
}

// Name of the device.
func (t *Thing) Name() string { return t.device.Name }

// appear is called at each new connection: the device subscribes, announces itself and says how it is.
func (t *Thing) appear() ([]string, []publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := append(t.speaks.announcements(), t.speaks.present()...)
	return t.speaks.commands(), append(first, t.speaks.report(t.state(""), partAll)...)
}

// state is what a dialect may report. The caller holds the lock.
func (t *Thing) state(cause string) state {
	return state{
		bolt: t.bolt, contact: t.contact, moving: t.moving, cause: cause, battery: t.battery, at: t.clock(),
	}
}

// clock is the device's own time, right or wrong. Nothing moves twice within one tick of it, as no real bolt
// does. The caller holds the lock.
func (t *Thing) clock() time.Time {
	const tick = time.Millisecond
	now := time.Now().Add(t.faults.ClockOffset)
	if behind := t.ticked.Sub(now); behind > -tick && behind < time.Second {
		now = t.ticked.Add(tick)
	}
	t.ticked = now
	return now
}

// report says how the device is, with the faults of its reports. The caller holds the lock.
func (t *Thing) report(cause string, changed part) {
	close(t.changed)
	t.changed = make(chan struct{})
	t.send(t.speaks.report(t.state(cause), changed))
}

func (t *Thing) send(publications []publication) {
	if t.faults.Mute {
		return
	}
	for _, p := range publications {
		if t.faults.Lose > 0 && p.report {
			t.faults.Lose--
			continue
		}
		t.link.send(p, t.faults.ReportDelay)
		if t.faults.Duplicate {
			t.link.send(p, t.faults.ReportDelay)
		}
	}
}

// live begins the heartbeat, if there is one.
func (t *Thing) live() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.device.Heartbeat > 0 {
		t.beat()
	}
}

// beat says how it is, after a while and again. The caller holds the lock.
func (t *Thing) beat() {
	t.later(t.device.Heartbeat, func() {
		t.send(t.speaks.report(t.state(""), partAll))
		t.beat()
	})
}

// receive takes a message on a command topic.
func (t *Thing) receive(p *paho.Publish) {
	order := t.speaks.understand(p.Topic, p.Payload)
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Command{At: time.Now(), Topic: p.Topic, Payload: string(p.Payload), Retained: p.Retain, Opens: order.act == actOpen}
	if p.Properties != nil {
		c.Permit = event.PermitID(p.Properties.User.Get("loquet-permit"))
		if p.Properties.MessageExpiry != nil {
			c.Expiry = time.Duration(*p.Properties.MessageExpiry) * time.Second
		}
	}
	t.commands = append(t.commands, c)
	close(t.changed)
	t.changed = make(chan struct{})
	if p.Retain {
		return // a command that the broker kept is not an order: nobody knows how old it is
	}
	t.obey(order, c, p)
}

// obey carries an order out, as far as the faults let it. The caller holds the lock.
func (t *Thing) obey(order order, c Command, p *paho.Publish) {
	switch order.act {
	case actGet:
		t.send(t.speaks.report(t.state(""), partAll))
	case actGetCode:
		t.send(t.speaks.codeReport(t.state(""), order.slot, t.codes[order.slot]))
	case actSetCode, actClearCode:
		t.setCode(order)
	case actOpen, actSecure:
		t.send(t.speaks.accepted(order.act))
		if t.faults.Refuse && order.act == actOpen {
			t.send(t.speaks.refusal(p))
			return
		}
		if t.faults.Deaf {
			return
		}
		t.drive(func() {
			if c.Expiry > 0 && time.Since(c.At) >= c.Expiry && !t.faults.ActLate {
				return
			}
			t.move(order.act == actOpen, "remote")
		})
	case actNone:
	}
}

// drive has the motor begin after its delay, or once it is hurried. The caller holds the lock.
func (t *Thing) drive(begin func()) {
	if t.faults.MotorDelay <= 0 {
		begin()
		return
	}
	begin = sync.OnceFunc(begin)
	t.waiting = append(t.waiting, begin)
	t.later(t.faults.MotorDelay, begin)
}

// later runs f under the lock after a while; at once when there is nothing to wait for. The caller holds the lock.
func (t *Thing) later(wait time.Duration, f func()) {
	if wait <= 0 {
		f()
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.timers, timer)
		if !t.closed {
			f()
		}
	})
	t.timers[timer] = true
}

// move opens or secures. The caller holds the lock.
func (t *Thing) move(open bool, cause string) {
	switch {
	case t.lifts:
		t.travel(open, cause)
	case t.faults.Jam:
		t.bolt = event.BoltJammed
		t.report(cause, partBolt)
	case open:
		if t.bolt != event.BoltUnlocked {
			t.openings++
		}
		t.bolt = event.BoltUnlocked
		t.report(cause, partBolt)
		if !t.senses {
			t.autoLock()
		}
	default:
		t.bolt = event.BoltLocked
		t.report(cause, partBolt)
	}
}

// travel moves a garage door. The caller holds the lock.
func (t *Thing) travel(open bool, cause string) {
	if open {
		if t.contact == event.ContactClosed {
			t.openings++
		}
		t.contact, t.moving = event.ContactOpen, "opening"
	} else {
		if t.contact == event.ContactClosed {
			t.report(cause, partContact) // it is down already
			return
		}
		t.moving = "closing"
	}
	t.report(cause, partContact)
	t.motion++
	this := t.motion
	t.later(t.device.Travel, func() {
		if t.motion != this {
			return
		}
		if t.moving == "closing" && !t.faults.Jam {
			t.contact = event.ContactClosed
		}
		t.moving = "" // a closing door that meets something goes up again
		t.report(cause, partContact)
	})
}

// autoLock locks after the device's own time. The caller holds the lock.
func (t *Thing) autoLock() {
	if t.device.AutoLock <= 0 || !t.hasBolt {
		return
	}
	t.later(t.device.AutoLock, func() {
		if t.contact == event.ContactClosed && t.bolt == event.BoltUnlocked {
			t.move(false, "auto")
		}
	})
}

func (t *Thing) setCode(order order) {
	switch {
	case order.slot < 0 || order.slot >= t.device.CodeSlots:
		return
	case order.act == actSetCode:
		t.codes[order.slot] = order.code
	case !t.faults.KeepCodes:
		delete(t.codes, order.slot)
	}
}

// Errors of the physical world.
var (
	// ErrBolted: the bolt is out, and the door doesn't move.
	ErrBolted = errors.New("the bolt is out: the door does not move")
	// ErrWrongCode: the keypad doesn't know the code.
	ErrWrongCode = errors.New("the keypad does not know this code")
)

// Push opens the door by hand from outside: it moves only when nothing holds it.
func (t *Thing) Push() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.contact == event.ContactOpen:
		return nil
	case t.hasBolt && t.bolt == event.BoltLocked:
		return ErrBolted
	case t.lifts:
		return errors.New("a garage door is held by its motor")
	}
	t.contact = event.ContactOpen
	t.report("manual", partContact)
	return nil
}

// PullShut closes the door by hand. With the fault Ajar it stays open a finger's breadth, and nobody notices.
func (t *Thing) PullShut() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.contact == event.ContactClosed, t.faults.Ajar:
		return nil
	case t.hasBolt && t.bolt == event.BoltLocked:
		return ErrBolted
	case t.lifts:
		return errors.New("a garage door is held by its motor")
	}
	t.contact = event.ContactClosed
	changed := partContact
	if t.sprung {
		t.bolt = event.BoltLocked
		changed |= partBolt
	}
	t.report("manual", changed)
	t.autoLock()
	return nil
}

// Hand works the inside handle, thumb turn or wall button: it opens from inside, whatever the permits say.
func (t *Thing) Hand() { t.byHand(true, "manual") }

// HandLock locks or closes from inside.
func (t *Thing) HandLock() { t.byHand(false, "manual") }

// Foreign opens with somebody else's key ("key") or app ("remote").
func (t *Thing) Foreign(cause string) { t.byHand(true, cause) }

// byHand moves it without counting an opening by order.
func (t *Thing) byHand(open bool, cause string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.openings
	t.move(open, cause)
	t.openings = before
}

// TypeCode types a code on the keypad. A right one opens, and counts as an opening.
func (t *Thing) TypeCode(code string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.codes {
		if known == code {
			t.move(true, "keypad")
			return nil
		}
	}
	return ErrWrongCode
}

// Drain sets the battery's charge in percent, and reports it.
func (t *Thing) Drain(percent int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.battery = percent
	t.report("", partBattery)
}

// Faults replaces the device's faults.
func (t *Thing) Faults(f Faults) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = f
}

// Hurry has its motor begin now what it waits to do (MotorDelay).
func (t *Thing) Hurry() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, begin := range t.waiting {
		begin()
	}
	t.waiting = nil
}

// Offline takes the device off the net as an empty battery does: without a word. The broker publishes its last
// will. It returns when the connection is gone.
func (t *Thing) Offline() { t.link.down() }

// Online brings it back, and returns when it is connected or after ten seconds. What it did meanwhile is only
// seen in its present state.
func (t *Thing) Online() error { return t.link.back() }

// Replay sends an old report again, byte for byte: the last one whose payload contains the text and that is
// not the present one. It returns false when there is none.
func (t *Thing) Replay(text string) bool { return t.link.replay(text) }

// Bolt is where the bolt really is.
func (t *Thing) Bolt() event.Bolt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bolt
}

// Contact is where the door really is.
func (t *Thing) Contact() event.Contact {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.contact
}

// Openings is how often an order or a code really opened it.
func (t *Thing) Openings() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.openings
}

// Commands are all messages that it received, oldest first.
func (t *Thing) Commands() []Command {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.commands)
}

// OpenCommands is how many orders to open it received, obeyed or not, kept ones included.
func (t *Thing) OpenCommands() int {
	n := 0
	for _, c := range t.Commands() {
		if c.Opens {
			n++
		}
	}
	return n
}

// Changed returns a channel that is closed at the next command or movement. Take it before looking.
func (t *Thing) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

func (t *Thing) close() {
	t.mu.Lock()
	t.closed = true
	for timer := range t.timers {
		timer.Stop()
	}
	t.mu.Unlock()
	t.link.close()
}

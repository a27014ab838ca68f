package mqtt

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// core is one device: what is known of it, and who waits for what. The capabilities are small types around it.
type core struct {
	client *Client
	spec   event.Spec
	plan   plan
	turn   chan struct{} // holds one token: commands to open and codes go one at a time
	asking chan struct{} // holds one token: so do questions, else one's answer could be taken for another's

	mu        sync.Mutex
	reach     event.Reach
	available map[string]event.Reach // by topic of availability
	latest    string                 // the topic of availability that spoke last
	heard     map[string]earlier     // by topic: the last message that had a time
	memory    map[string]said        // by topic: what a gateway remembered last
	bolt      event.Observation      // the last of each part, for watchers that come later
	contact   event.Observation
	watchers  map[*queue]struct{}
	early     *queue // what was heard before anybody watched; nil since somebody does
	waiters   map[*waiter]struct{}
	missing   map[string]bool // needed topics that are not yet subscribed
	ready     chan struct{}   // closed when none is missing
	holder    event.PermitID  // whose code is in the slot; "" when nobody knows
}

// earlier is what is needed to tell a repetition from news: the newest time, and what was said at that time.
type earlier struct {
	at       event.Instant
	payloads [][]byte
}

// sameTime is how many different messages of one time are told apart from repetitions.
const sameTime = 16

// waiter gets the reports that are live (or, for a question, its answer) until it is removed.
type waiter struct {
	reports chan report
}

// report is one message as a waiter sees it.
type report struct {
	said
	correlation string
	at          event.Instant
}

func newCore(client *Client, cfg Config, p plan) *core {
	c := &core{
		client: client, spec: cfg.spec(p), plan: p, turn: make(chan struct{}, 1), asking: make(chan struct{}, 1),
		early: newQueue(), waiters: map[*waiter]struct{}{},
	}
	c.watchers = map[*queue]struct{}{c.early: {}}
	c.turn <- struct{}{}
	c.asking <- struct{}{}
	c.reset()
	return c
}

// reset forgets what an earlier connection said. The caller holds the lock, or is alone.
func (c *core) reset() {
	c.available, c.latest = map[string]event.Reach{}, ""
	c.heard, c.memory = map[string]earlier{}, map[string]said{}
	if len(c.missing) == 0 { // then it is closed, or there is none yet
		c.ready = make(chan struct{})
	}
	c.missing = map[string]bool{}
	for _, topic := range c.plan.needed {
		c.missing[topic] = true
	}
}

// Spec declares what the device has.
func (c *core) Spec() event.Spec { return c.spec }

// Reach is what is known without asking.
func (c *core) Reach() event.Reach {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reach
}

// rejoin begins a new connection: nothing is known, and nothing is subscribed.
func (c *core) rejoin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
	c.reach = ""
}

// joined notes that a topic is subscribed. Once the last needed one is, a device that can be asked is asked, so
// that there is something to compare its gateway's memory with.
func (c *core) joined(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.missing[topic] {
		return
	}
	if delete(c.missing, topic); len(c.missing) > 0 {
		return
	}
	close(c.ready)
	if c.plan.ask != nil {
		c.client.background(func(ctx context.Context) { _, _ = c.read(ctx) })
	}
}

// lost tells the watchers that the way to the device is gone.
func (c *core) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
	if c.reach == event.ReachOffline {
		return
	}
	c.reach = event.ReachOffline
	c.tell(event.Observation{
		Device: c.spec.Device, Reach: event.ReachOffline, Origin: event.OriginLive,
		ReceivedAt: event.InstantOf(time.Now()),
	}, nil)
}

// hear takes one message in. It is called in the order of receipt.
func (c *core) hear(m message, read reader) {
	if len(m.payload) > maxPayload {
		c.client.misunderstood(c.spec.Device, m)
		return
	}
	if m.waited && m.origin == event.OriginLive && c.spec.Horizon.Duration() < 2*c.client.oldest() {
		m.origin = event.OriginCached // it may be too old for this device
	}
	s, understood := read(m.payload)
	if !understood {
		c.client.misunderstood(c.spec.Device, m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.Reach != "" {
		c.hearReach(m, s)
		return
	}
	if m.origin == event.OriginLive && c.stale(m, s) {
		m.origin = event.OriginRetained
	}
	if m.origin == event.OriginLive {
		c.alive()
	} else {
		s.opens, s.secures = false, false
	}
	c.hearParts(m, s)
}

// hearReach combines what the topics of availability say.
func (c *core) hearReach(m message, s said) {
	c.available[m.topic], c.latest = s.Reach, m.topic
	reach := c.combined()
	if s.Reach == event.ReachOnline {
		c.heard = map[string]earlier{} // a device that comes back may have set its clock
	}
	if reach == "" || reach == c.reach {
		return
	}
	c.reach = reach
	c.tell(c.observation(m, said{Reach: reach}, m.origin), m.receipt)
}

func (c *core) combined() event.Reach {
	online := 0
	for _, topic := range c.plan.availability {
		if c.available[topic] == event.ReachOnline {
			online++
		}
	}
	switch {
	case c.plan.availabilityMode == "all" && slices.ContainsFunc(c.plan.availability, c.saysOffline):
		return event.ReachOffline
	case c.plan.availabilityMode == "all":
		return reachIf(online == len(c.plan.availability), "")
	case c.plan.availabilityMode == "any":
		return reachIf(online > 0, event.ReachOffline)
	}
	return c.available[c.latest]
}

func (c *core) saysOffline(topic string) bool { return c.available[topic] == event.ReachOffline }

func reachIf(online bool, otherwise event.Reach) event.Reach {
	if online {
		return event.ReachOnline
	}
	return otherwise
}

// alive notes that a device that says nothing of its availability has just spoken by itself.
func (c *core) alive() {
	if c.reach == "" && len(c.plan.availability) == 0 {
		c.reach = event.ReachOnline
	}
}

// stale says whether a message that came live is older than another one that was heard, or the same again: by
// the device's own clock, which need not be right to be compared with itself.
func (c *core) stale(m message, s said) bool {
	if s.At == 0 {
		return false
	}
	before := c.heard[m.topic]
	if s.At < before.at {
		return true
	}
	if s.At > before.at {
		before = earlier{at: s.At}
	}
	if slices.ContainsFunc(before.payloads, func(p []byte) bool { return bytes.Equal(p, m.payload) }) {
		// A bolt may go to and fro within one tick of a coarse clock: then rather believe that it is open.
		return s.Bolt != event.BoltUnlocked && s.Contact != event.ContactOpen
	}
	if len(before.payloads) < sameTime {
		before.payloads = append(before.payloads, bytes.Clone(m.payload))
	}
	c.heard[m.topic] = before
	return false
}

// hearParts tells watchers and waiters. Of a gateway's memory, only what changed is live; the rest is told as
// cached. Waiters hear no copies, and nothing that waited at the broker: it is older than what they wait for.
func (c *core) hearParts(m message, s said) {
	answer := s // an answer to a question may well be what was known before
	if s.memory {
		kept := c.remember(m.topic, &s)
		c.tellParts(m, kept, copyOf(m.origin))
	}
	c.tellParts(m, s, m.origin)
	if m.origin != event.OriginLive || m.waited {
		return
	}
	answer.opens, answer.secures = s.opens, s.secures
	for w := range c.waiters {
		select {
		case w.reports <- report{said: answer, correlation: m.correlation, at: m.at}:
		default: // a waiter that doesn't keep up has had its share: its outcome is then unknown
		}
	}
}

// remember removes from s what the gateway had said before, and returns that. What is heard for the first time
// was not seen to change, so it may be of any age.
func (c *core) remember(topic string, s *said) said {
	before, now := c.memory[topic], *s
	kept := said{At: s.At}
	if s.Bolt != "" && (before.Bolt == "" || before.Bolt == s.Bolt) {
		kept.Bolt, s.Bolt, s.opens, s.secures = s.Bolt, "", false, false
	}
	if s.Contact != "" && (before.Contact == "" || before.Contact == s.Contact) {
		kept.Contact, s.Contact = s.Contact, ""
	}
	if s.Battery != 0 && (before.Battery == 0 || before.Battery == s.Battery) {
		kept.Battery, s.Battery = s.Battery, 0
	}
	c.memory[topic] = said{
		Bolt: or(now.Bolt, before.Bolt), Contact: or(now.Contact, before.Contact), Battery: or(now.Battery, before.Battery),
	}
	return kept
}

func (c *core) tellParts(m message, s said, origin event.Origin) {
	if s.empty() {
		return
	}
	o := c.observation(m, s, origin)
	if o.Bolt != "" {
		c.bolt = o
	}
	if o.Contact != "" {
		c.contact = o
	}
	c.tell(o, m.receipt)
}

func (c *core) observation(m message, s said, origin event.Origin) event.Observation {
	return event.Observation{
		Device: c.spec.Device, Bolt: s.Bolt, Contact: s.Contact, Reach: s.Reach, Battery: s.Battery,
		DeviceAt: s.At, ReceivedAt: m.at, Origin: origin, Cause: s.Cause,
	}
}

// copyOf is the origin of what a message only repeats.
func copyOf(origin event.Origin) event.Origin {
	if origin == event.OriginLive {
		return event.OriginCached
	}
	return origin
}

// tell hands an observation to all watchers. The caller holds the lock.
func (c *core) tell(o event.Observation, from *receipt) {
	if c.early != nil {
		from = nil // nobody is there yet to record it
	}
	for q := range c.watchers {
		q.put(o, from)
	}
}

// listen adds a waiter. Its reports are those from now on.
func (c *core) listen() (*waiter, func()) {
	w := &waiter{reports: make(chan report, 64)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiters[w] = struct{}{}
	return w, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiters, w)
	}
}

// capable is the device with exactly the capabilities that it truly has.
func (c *core) capable() device.Device {
	switch {
	case c.plan.slot != nil:
		return keypadLock{c, opener{c}, securer{c}, asker{c}, coder{c}}
	case c.plan.ask != nil:
		return answeringLock{c, opener{c}, securer{c}, asker{c}}
	case c.plan.secure != nil:
		return lock{c, opener{c}, securer{c}}
	}
	return box{c, opener{c}}
}

// What devices can be. core gives Spec, Reach and Watch; the others one capability each.
type (
	box struct { // it falls shut by itself
		*core
		opener
	}
	lock struct {
		*core
		opener
		securer
	}
	answeringLock struct {
		*core
		opener
		securer
		asker
	}
	keypadLock struct {
		*core
		opener
		securer
		asker
		coder
	}
)

type (
	opener  struct{ of *core }
	securer struct{ of *core }
	asker   struct{ of *core }
	coder   struct{ of *core }
)

// Each type has what it says, and the compiler checks it.
var (
	_ interface {
		device.Device
		device.Watcher
		device.Opener
	} = box{}
	_ interface {
		device.Device
		device.Watcher
		device.Opener
		device.Securer
	} = lock{}
	_ interface {
		device.Device
		device.Watcher
		device.Opener
		device.Securer
		device.Reader
	} = answeringLock{}
	_ interface {
		device.Device
		device.Watcher
		device.Opener
		device.Securer
		device.Reader
		device.Coder
	} = keypadLock{}
)

package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// ClientConfig says how to reach one broker.
type ClientConfig struct {
	// URL is "mqtt://host:port", or "mqtts://host:port" for TLS.
	URL string
	// Username and Password of the server's own account.
	Username, Password string
	// ClientID names this installation at the broker for good: what devices report while nobody listens then waits
	// there for the next connection (see the package's description). "" keeps nothing. Two servers with one name
	// throw each other out.
	ClientID string
	// TLS for mqtts; nil trusts the system's roots.
	TLS *tls.Config
	// KeepAlive is rounded to seconds (default 10 s): a broker that is silent for 1.5 times as long is gone.
	KeepAlive time.Duration
	// Log takes a line before each command. It must be set.
	Log device.Log
	// Logger gets what operators may want to know, never the content of messages; nil discards.
	Logger *slog.Logger
}

// Client is how one broker is spoken and listened to, until Close. It is safe for concurrent use.
type Client struct {
	config ClientConfig
	target *url.URL
	log    device.Log
	logger *slog.Logger
	ctx    context.Context // ends with the client; for work that no caller waits for
	stop   context.CancelFunc
	work   sync.WaitGroup
	wake   chan struct{} // tells the subscriber that there is something to do
	done   chan struct{} // closed when the subscriber has ended

	misread atomic.Uint64
	leaving atomic.Bool
	ousted  atomic.Bool // somebody else has taken our name at the broker

	// order is held while messages are handed on, so that they keep their order; backlog is set while they wait.
	order   sync.Mutex
	backlog *backlog

	mu       sync.Mutex
	speaking *autopaho.ConnectionManager // carries commands and searches; nothing of it outlives a connection
	hearing  *autopaho.ConnectionManager // carries what devices report; its session may outlive the process
	line     net.Conn                    // of the hearing connection
	anew     bool                        // it must begin without a backlog
	speaks   bool                        // whether the one is up
	hears    bool                        // whether the other is up
	deaf     bool                        // it was tried, and isn't up
	epoch    uint64                      // counts hearing connections, so that an answer to an old subscription isn't taken for a new one
	devices  map[event.DeviceID]*core
	routes   map[string][]route
	pending  []string        // topics to subscribe to in this connection
	unwanted map[string]bool // topics to unsubscribe from, unless somebody wants them again
	found    *finder         // set while Discover runs
}

// route is one device that wants a topic.
type route struct {
	core *core
	read reader
}

// message is what came from the broker.
type message struct {
	topic       string
	payload     []byte
	qos         byte
	origin      event.Origin
	waited      bool // it may have waited at the broker
	correlation string
	at          event.Instant
	receipt     *receipt
}

// New makes a client that is not connected yet, so that its devices can be made before their reports arrive. It
// returns an error for a configuration that can't work.
func New(cfg ClientConfig) (*Client, error) {
	target, err := url.Parse(cfg.URL)
	if err != nil || target.Host == "" || (target.Scheme != "mqtt" && target.Scheme != "mqtts") {
		return nil, errors.New("the broker's address must look like mqtt://host:port or mqtts://host:port")
	}
	if cfg.Log == nil {
		return nil, errors.New("a client needs a log of what it sends")
	}
	if checkTopic(markTopic(cfg.ClientID)) != nil {
		return nil, fmt.Errorf("%q can't be a client's name: it becomes part of a topic", cfg.ClientID)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.KeepAlive = min(max(or(cfg.KeepAlive, 10*time.Second), time.Second), time.Hour)
	return &Client{
		config: cfg, target: target, log: cfg.Log, logger: cfg.Logger,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		devices: map[event.DeviceID]*core{}, routes: map[string][]route{}, unwanted: map[string]bool{},
	}, nil
}

// Connect begins to connect, once, and keeps trying and reconnecting until the context ends or Close is called.
// Await waits for the connection.
func (c *Client) Connect(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx, c.stop = context.WithCancel(ctx)
	var err error
	if c.speaking, err = autopaho.NewConnection(c.ctx, c.speakingConfig()); err == nil {
		c.hearing, err = autopaho.NewConnection(c.ctx, c.hearingConfig())
	}
	if err != nil {
		c.stop()
		return fmt.Errorf("set up the connection to the broker: %w", err)
	}
	go c.subscriber(c.ctx)
	return nil
}

// Dial is New and Connect.
func Dial(ctx context.Context, cfg ClientConfig) (*Client, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return c, c.Connect(ctx)
}

// Await waits until the client is connected, or the context ends.
func (c *Client) Await(ctx context.Context) error {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !c.Connected() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
	return nil
}

// Connected says whether the broker can be spoken and listened to.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hears && c.speaks
}

// Misread is how many messages made no sense.
func (c *Client) Misread() uint64 { return c.misread.Load() }

// Leave is for a process that is about to end: what arrives from now on is still handed on, but stays with the
// broker for the next process, because nobody may be there any more to record it.
func (c *Client) Leave() { c.leaving.Store(true) }

// Close disconnects, and waits for it until the context ends. Devices of the client are then offline. What waits
// at the broker for the next connection goes on waiting.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	speaking, hearing := c.speaking, c.hearing
	c.mu.Unlock()
	if hearing == nil {
		return nil // it was never connected
	}
	c.deafened()
	err := errors.Join(speaking.Disconnect(ctx), hearing.Disconnect(ctx))
	c.stop()
	select {
	case <-c.done:
		c.work.Wait() // it ends with the context that was just stopped
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	return err
}

// background runs something that no caller waits for, for a short while.
func (c *Client) background(f func(context.Context)) {
	c.work.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, firstAnswer)
		defer cancel()
		f(ctx)
	})
}

// publish sends a command, on the connection of which nothing is ever sent again.
func (c *Client) publish(ctx context.Context, p *paho.Publish) (*paho.PublishResponse, error) {
	c.mu.Lock()
	speaking := c.speaking
	c.mu.Unlock()
	if speaking == nil {
		return nil, autopaho.ConnectionDownError
	}
	return speaking.Publish(ctx, p)
}

// awaitLine returns at once when the broker can't be heard. When it can, it also waits until it can be spoken to:
// two connections that broke together come back one after the other.
func (c *Client) awaitLine(ctx context.Context) error {
	c.mu.Lock()
	speaking, hears := c.speaking, c.hears
	c.mu.Unlock()
	if !hears {
		return device.ErrOffline
	}
	if err := speaking.AwaitConnection(ctx); err != nil {
		return fmt.Errorf("%w: the broker can be heard only (%w)", device.ErrOffline, err)
	}
	return nil
}

// Device makes the device that the configuration describes, and listens to it from now on. What it can do is
// what its type implements: device.Opener, device.Securer, device.Reader, device.Coder, device.Watcher.
func (c *Client) Device(cfg Config) (device.Device, error) {
	plan, err := cfg.plan()
	if err != nil {
		return nil, err
	}
	core := newCore(c, cfg, plan)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.devices[cfg.Device] != nil {
		return nil, fmt.Errorf("the device %s is connected already", cfg.Device)
	}
	c.devices[cfg.Device] = core
	for topic, readers := range plan.topics {
		for _, read := range readers {
			c.routes[topic] = append(c.routes[topic], route{core, read})
		}
		if c.hears {
			c.pending = append(c.pending, topic)
		}
	}
	if c.deaf {
		core.lost()
	}
	c.nudge()
	return core.capable(), nil
}

// Forget stops listening to a device. Its watchers are told that it is offline, and hear no more.
func (c *Client) Forget(id event.DeviceID) {
	c.mu.Lock()
	core := c.devices[id]
	delete(c.devices, id)
	if core != nil {
		c.unroute(core)
	}
	c.mu.Unlock()
	if core != nil {
		core.lost()
	}
	c.nudge()
}

// unroute removes a device from the routes, and marks the topics that nobody wants any more. The caller holds
// the lock.
func (c *Client) unroute(core *core) {
	for topic := range core.plan.topics {
		kept := make([]route, 0, len(c.routes[topic]))
		for _, r := range c.routes[topic] {
			if r.core != core {
				kept = append(kept, r)
			}
		}
		if c.routes[topic] = kept; len(kept) == 0 {
			delete(c.routes, topic)
			c.unwanted[topic] = true
		}
	}
}

// heard starts a new round of subscriptions. It must not block.
func (c *Client) heard() {
	c.mu.Lock()
	c.hears, c.deaf = true, false
	c.epoch++
	c.pending = c.pending[:0]
	for topic := range c.routes {
		c.pending = append(c.pending, topic)
	}
	for _, core := range c.devices {
		core.rejoin()
	}
	c.mu.Unlock()
	c.nudge()
}

// deafened tells every device's watchers that nothing can be heard of it.
func (c *Client) deafened() {
	c.mu.Lock()
	c.hears, c.deaf = false, true
	c.epoch++
	c.pending = nil
	all := make([]*core, 0, len(c.devices))
	for _, core := range c.devices {
		all = append(all, core)
	}
	c.mu.Unlock()
	for _, core := range all {
		core.lost()
	}
}

// hand gives a message to the devices of its topic, in the order of receipt. A topic that nobody wants is left
// over from a device of an earlier connection: it must not fill the queue that waits for us.
func (c *Client) hand(m message) {
	c.mu.Lock()
	routes := c.routes[m.topic]
	if len(routes) == 0 {
		c.unwanted[m.topic] = true
		c.nudge()
	}
	c.mu.Unlock()
	for _, r := range routes {
		r.core.hear(m, r.read)
	}
	m.receipt.drop()
}

// misunderstood counts a message that made no sense.
func (c *Client) misunderstood(id event.DeviceID, m message) {
	c.misread.Add(1)
	c.logger.Debug("a message was not understood", "device", id, "bytes", len(m.payload))
}

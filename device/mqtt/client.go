package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/patience"
	"github.com/loquet/loquet/event"
)

// ClientConfig says how to reach one broker.
type ClientConfig struct {
	// URL is "mqtt://host:port", or "mqtts://host:port" for TLS.
	URL string
	// Username and Password of the server's own account.
	Username, Password string
	// ClientID names the connection; "" draws one. Two connections with one name throw each other out.
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

// Client is one connection to a broker, kept up until Close. It is safe for concurrent use.
type Client struct {
	log    device.Log
	logger *slog.Logger
	conn   *autopaho.ConnectionManager
	ctx    context.Context // ends with the client; for work that no caller waits for
	stop   context.CancelFunc
	work   sync.WaitGroup
	wake   chan struct{} // tells the subscriber that there is something to subscribe to
	done   chan struct{} // closed when the subscriber has ended

	misread atomic.Uint64

	mu      sync.Mutex
	up      bool
	epoch   uint64 // counts connections, so that an answer to an old subscription isn't taken for a new one
	devices map[event.DeviceID]*core
	routes  map[string][]route
	pending []string // topics to subscribe to in this connection
	found   *finder  // set while Discover runs
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
	retained    bool
	correlation string
	at          event.Instant
}

// Dial begins to connect, and keeps trying and reconnecting until the context ends or Close is called. It
// returns an error only for a configuration that can't work; Await waits for the connection.
func Dial(ctx context.Context, cfg ClientConfig) (*Client, error) {
	target, err := url.Parse(cfg.URL)
	if err != nil || target.Host == "" || (target.Scheme != "mqtt" && target.Scheme != "mqtts") {
		return nil, errors.New("the broker's address must look like mqtt://host:port or mqtts://host:port")
	}
	if cfg.Log == nil {
		return nil, errors.New("a client needs a log of what it sends")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(ctx)
	c := &Client{
		log: cfg.Log, logger: cfg.Logger, ctx: ctx, stop: stop,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		devices: map[event.DeviceID]*core{}, routes: map[string][]route{},
	}
	conn, err := autopaho.NewConnection(ctx, c.connectionConfig(cfg, target))
	if err != nil {
		stop()
		return nil, fmt.Errorf("set up the connection to the broker: %w", err)
	}
	c.conn = conn
	go c.subscriber(ctx)
	return c, nil
}

func (c *Client) connectionConfig(cfg ClientConfig, target *url.URL) autopaho.ClientConfig {
	keepAlive := max(1, int(cfg.KeepAlive/time.Second))
	if cfg.KeepAlive == 0 {
		keepAlive = 10
	}
	if cfg.ClientID == "" {
		cfg.ClientID = fmt.Sprintf("loquet-%016x", rand.Uint64())
	}
	return autopaho.ClientConfig{
		ServerUrls:        []*url.URL{target},
		TlsCfg:            cfg.TLS,
		KeepAlive:         uint16(min(keepAlive, 3600)),
		ConnectUsername:   cfg.Username,
		ConnectPassword:   []byte(cfg.Password),
		ReconnectBackoff:  backoff,
		ConnectTimeout:    10 * time.Second,
		AttemptConnection: dial,
		ConnectPacketBuilder: func(cp *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			cp.CleanStart = true // nothing of an earlier connection is ever sent again
			return cp, nil
		},
		OnConnectionUp:   func(*autopaho.ConnectionManager, *paho.Connack) { c.connected() },
		OnConnectionDown: func() bool { c.disconnected(); return true },
		OnConnectError:   func(err error) { c.logger.Warn("the broker can't be reached", "error", err) },
		ClientConfig: paho.ClientConfig{
			ClientID:          cfg.ClientID,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.received},
		},
	}
}

// backoff is how long to wait before an attempt: soon at first, never in a tight loop, at most about 5 s.
func backoff(attempt int) time.Duration {
	longest := min(50*time.Millisecond<<min(attempt, 8), 5*time.Second)
	return longest/2 + rand.N(longest/2)
}

// dial opens a connection that gives up a silent broker soon.
func dial(ctx context.Context, cfg autopaho.ClientConfig, target *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	conn, err := patience.Dialer().DialContext(ctx, "tcp", target.Host)
	if err != nil || target.Scheme == "mqtt" {
		return conn, err
	}
	settings := &tls.Config{}
	if cfg.TlsCfg != nil {
		settings = cfg.TlsCfg.Clone()
	}
	if settings.ServerName == "" {
		settings.ServerName = target.Hostname()
	}
	secured := tls.Client(conn, settings)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return packets.NewThreadSafeConn(secured), nil
}

// Await waits until the connection is up, or the context ends.
func (c *Client) Await(ctx context.Context) error { return c.conn.AwaitConnection(ctx) }

// Connected says whether the connection to the broker is up.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// Misread is how many messages made no sense.
func (c *Client) Misread() uint64 { return c.misread.Load() }

// Close disconnects, and waits for it until the context ends. Devices of the client are then offline.
func (c *Client) Close(ctx context.Context) error {
	c.disconnected()
	err := c.conn.Disconnect(ctx)
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
	core.reach = c.initialReach()
	for topic, readers := range plan.topics {
		for _, read := range readers {
			c.routes[topic] = append(c.routes[topic], route{core, read})
		}
		if c.up {
			c.pending = append(c.pending, topic)
		}
	}
	c.nudge()
	return core.capable(), nil
}

func (c *Client) initialReach() event.Reach {
	if c.up {
		return ""
	}
	return event.ReachOffline
}

// Forget stops listening to a device. Its watchers are told that it is offline, and hear no more.
func (c *Client) Forget(id event.DeviceID) {
	c.mu.Lock()
	core := c.devices[id]
	delete(c.devices, id)
	var unused []string
	if core != nil {
		unused = c.unroute(core)
	}
	up := c.up
	c.mu.Unlock()
	if core != nil {
		core.lost()
	}
	if up && len(unused) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = c.conn.Unsubscribe(ctx, &paho.Unsubscribe{Topics: unused}) // else its messages are ignored
	}
}

// unroute removes a device from the routes and returns the topics that nobody wants any more. The caller holds
// the lock.
func (c *Client) unroute(core *core) []string {
	var unused []string
	for topic := range core.plan.topics {
		kept := make([]route, 0, len(c.routes[topic]))
		for _, r := range c.routes[topic] {
			if r.core != core {
				kept = append(kept, r)
			}
		}
		if c.routes[topic] = kept; len(kept) == 0 {
			delete(c.routes, topic)
			unused = append(unused, topic)
		}
	}
	return unused
}

// connected starts a new round of subscriptions. It must not block.
func (c *Client) connected() {
	c.mu.Lock()
	c.up = true
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

// disconnected tells every device's watchers that nothing can be heard of it.
func (c *Client) disconnected() {
	c.mu.Lock()
	c.up = false
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

// received hands a message to the devices of its topic, in the order of receipt.
func (c *Client) received(pr paho.PublishReceived) (bool, error) {
	m := message{
		topic: pr.Packet.Topic, payload: pr.Packet.Payload, retained: pr.Packet.Retain,
		at: event.InstantOf(time.Now()),
	}
	if pr.Packet.Properties != nil {
		m.correlation = string(pr.Packet.Properties.CorrelationData)
	}
	c.mu.Lock()
	routes, found := c.routes[m.topic], c.found
	c.mu.Unlock()
	for _, r := range routes {
		r.core.hear(m, r.read)
	}
	if found != nil {
		found.hear(m)
	}
	return true, nil
}

// misunderstood counts a message that made no sense.
func (c *Client) misunderstood(id event.DeviceID, m message) {
	c.misread.Add(1)
	c.logger.Debug("a message was not understood", "device", id, "bytes", len(m.payload))
}

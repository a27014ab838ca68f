package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device/patience"
	"github.com/loquet/loquet/event"
)

const (
	// receiveMost is how many messages the broker may have under way to us.
	receiveMost = 1024
	// acksEvery is how often what was recorded is acknowledged. Until then the broker counts it as under way, and
	// it lets no more than a few (mosquitto: 20) be so.
	acksEvery = 10 * time.Millisecond
	// afterOusting is how long to leave a broker alone where somebody else seems to have taken our name: it said so,
	// or, as mosquitto doesn't say it, has ended this many connections in a row within so short a time each.
	afterOusting = 5 * time.Second
	shortLives   = 5
	shortLife    = 10 * time.Second
	// takenOver is MQTT 5's reason code for "session taken over" (3.14.2.1).
	takenOver = 0x8E
)

// speakingConfig is for commands and searches: nothing of an earlier connection is ever sent again.
func (c *Client) speakingConfig() autopaho.ClientConfig {
	cfg := c.linkConfig()
	cfg.ClientID = drawnName()
	cfg.ConnectPacketBuilder = func(cp *paho.Connect, _ *url.URL) (*paho.Connect, error) {
		return clean(cp), nil
	}
	cfg.OnConnectionUp = func(*autopaho.ConnectionManager, *paho.Connack) { c.setSpeaks(true) }
	cfg.OnConnectionDown = func() bool { c.setSpeaks(false); return true }
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){c.announced}
	return cfg
}

// hearingConfig is for reports. With a name of its own, the broker keeps them for us while we are away.
func (c *Client) hearingConfig() autopaho.ClientConfig {
	cfg := c.linkConfig()
	cfg.ClientID = or(c.config.ClientID, drawnName())
	cfg.ConnectPacketBuilder = func(cp *paho.Connect, _ *url.URL) (*paho.Connect, error) {
		c.awaitBacklog() // it may arrive as soon as the broker has agreed
		if c.config.ClientID == "" {
			return clean(cp), nil
		}
		cp.CleanStart = c.begins()
		return limited(cp, uint32(waitsAtMost/time.Second)), nil
	}
	began, shorts := time.Time{}, 0
	cfg.OnConnectionUp = func(_ *autopaho.ConnectionManager, answer *paho.Connack) {
		began = time.Now()
		if !answer.SessionPresent {
			c.release(c.awaited(), false)
		}
		c.heard()
	}
	cfg.OnConnectionDown = func() bool {
		c.release(c.awaited(), false)
		c.deafened()
		if shorts++; time.Since(began) >= shortLife {
			shorts = 0
		}
		if shorts >= shortLives {
			c.oust()
		}
		return true
	}
	cfg.OnConnectError = func(err error) {
		c.logger.Warn("the broker can't be reached", "error", err)
		c.deafened()
	}
	cfg.OnServerDisconnect = c.dismissed
	cfg.AttemptConnection = c.dialUnlessOusted
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){c.received}
	cfg.EnableManualAcknowledgment, cfg.SendAcksInterval = true, acksEvery
	return cfg
}

// linkConfig is what both connections have in common.
func (c *Client) linkConfig() autopaho.ClientConfig {
	return autopaho.ClientConfig{
		ServerUrls:        []*url.URL{c.target},
		TlsCfg:            c.config.TLS,
		KeepAlive:         uint16(c.config.KeepAlive / time.Second),
		ConnectUsername:   c.config.Username,
		ConnectPassword:   []byte(c.config.Password),
		ReconnectBackoff:  backoff,
		ConnectTimeout:    10 * time.Second,
		AttemptConnection: dial,
	}
}

func drawnName() string { return fmt.Sprintf("loquet-%016x", rand.Uint64()) }

// clean asks for a connection of which the broker keeps nothing.
func clean(cp *paho.Connect) *paho.Connect {
	cp.CleanStart = true
	return limited(cp, 0)
}

func limited(cp *paho.Connect, expiry uint32) *paho.Connect {
	most := uint16(receiveMost)
	cp.Properties = &paho.ConnectProperties{SessionExpiryInterval: &expiry, ReceiveMaximum: &most}
	return cp
}

func (c *Client) setSpeaks(up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.speaks = up
}

// dismissed tells the operator why the broker has ended a connection, where it says so.
func (c *Client) dismissed(d *paho.Disconnect) {
	c.logger.Warn("the broker has ended the connection", "reason", d.ReasonCode)
	if d.ReasonCode == takenOver {
		c.oust()
	}
}

// oust notes that somebody else seems to have our name.
func (c *Client) oust() {
	if !c.ousted.Swap(true) {
		c.logger.Error("the broker ends each connection soon, as it does when two servers have one name there: "+
			"give each server a data folder of its own, not a copy of another's", "name", c.config.ClientID)
	}
}

// dialUnlessOusted leaves two servers with one name some time each, instead of throwing each other out without end.
func (c *Client) dialUnlessOusted(ctx context.Context, cfg autopaho.ClientConfig, target *url.URL) (net.Conn, error) {
	if c.ousted.Swap(false) {
		select {
		case <-time.After(afterOusting):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	line, err := dial(ctx, cfg, target)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line = line
	return line, err
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

// received takes a message in, in the order of receipt.
func (c *Client) received(pr paho.PublishReceived) (bool, error) {
	m := message{
		topic: pr.Packet.Topic, payload: pr.Packet.Payload, qos: pr.Packet.QoS, origin: event.OriginLive,
		at: event.InstantOf(time.Now()), receipt: c.newReceipt(pr),
	}
	if pr.Packet.Retain {
		m.origin = event.OriginRetained
	}
	if pr.Packet.Properties != nil {
		m.correlation = string(pr.Packet.Properties.CorrelationData)
	}
	c.order.Lock()
	defer c.order.Unlock()
	switch {
	case m.topic == markTopic(c.config.ClientID):
		c.marked(m)
	case c.backlog != nil:
		c.backlog.add(m)
	default:
		c.hand(m)
	}
	return true, nil
}

// announced takes what a search hears.
func (c *Client) announced(pr paho.PublishReceived) (bool, error) {
	c.mu.Lock()
	found := c.found
	c.mu.Unlock()
	if found != nil {
		found.hear(pr.Packet.Topic, pr.Packet.Payload)
	}
	return true, nil
}

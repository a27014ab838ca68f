package virtual

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// publication is one message that a device sends.
type publication struct {
	topic       string
	payload     string
	retain      bool
	report      bool   // it says how the device is, and may be lost by a fault
	correlation []byte // of an answer
}

// link is a device's own connection.
type link struct {
	target  *url.URL
	tls     *tls.Config
	device  Device
	id      string
	will    publication
	appear  func() ([]string, []publication)
	receive func(*paho.Publish)

	outbox chan dated
	done   chan struct{} // closed when the outbox has ended
	end    context.CancelFunc
	ctx    context.Context

	mu      sync.Mutex
	manager *autopaho.ConnectionManager
	socket  net.Conn
	ready   chan struct{} // closed when the device has appeared on this connection
	sent    []publication
	work    sync.WaitGroup
}

// dated is a message that is not sent before its time, or a greeting.
type dated struct {
	publication
	due time.Time
	// greets is the connection that is to be greeted with how the device stands when its turn has come: a greeting
	// beside the queue could overtake what has happened since.
	greets *autopaho.ConnectionManager
}

// remembered is how many reports can be replayed.
const remembered = 256

func newLink(
	cfg Config, target *url.URL, d Device, will publication,
	appear func() ([]string, []publication), receive func(*paho.Publish),
) *link {
	ctx, end := context.WithCancel(context.Background())
	l := &link{
		target: target, tls: cfg.TLS, device: d, will: will, appear: appear, receive: receive,
		id:     fmt.Sprintf("%s-%s-%08x", cfg.Prefix, d.Name, rand.Uint32()),
		outbox: make(chan dated, 1024), done: make(chan struct{}), ctx: ctx, end: end, ready: make(chan struct{}),
	}
	go l.drain()
	return l
}

// up begins to connect.
func (l *link) up() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.manager != nil || l.ctx.Err() != nil {
		return
	}
	l.ready = make(chan struct{})
	manager, err := autopaho.NewConnection(l.ctx, l.config())
	if err != nil {
		panic("a connection with a parsed address: " + err.Error())
	}
	l.manager = manager
}

func (l *link) config() autopaho.ClientConfig {
	return autopaho.ClientConfig{
		ServerUrls: []*url.URL{l.target}, KeepAlive: 10,
		// Each connection begins anew: what was under way when the last one broke must not come after the greeting,
		// which says how the device stands now.
		ConnectPacketBuilder: func(c *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			c.CleanStart = true
			return c, nil
		},
		ConnectUsername: l.device.Username, ConnectPassword: []byte(l.device.Password),
		ReconnectBackoff:        func(attempt int) time.Duration { return min(20*time.Millisecond<<min(attempt, 6), time.Second) },
		ConnectTimeout:          5 * time.Second,
		AttemptConnection:       l.dial,
		DisconnectPacketBuilder: func() *paho.Disconnect { return nil }, // it leaves without a word
		WillMessage: &paho.WillMessage{
			Topic: l.will.topic, Payload: []byte(l.will.payload), QoS: 1, Retain: true,
		},
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) { l.work.Go(func() { l.greet(m) }) },
		ClientConfig: paho.ClientConfig{
			ClientID: l.id,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(pr paho.PublishReceived) (bool, error) {
				l.receive(pr.Packet)
				return true, nil
			}},
		},
	}
}

// dial keeps the socket, so that it can be cut.
func (l *link) dial(ctx context.Context, cfg autopaho.ClientConfig, target *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", target.Host)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.socket = conn
	l.mu.Unlock()
	if target.Scheme != "mqtts" {
		return conn, nil
	}
	settings := &tls.Config{}
	if l.tls != nil {
		settings = l.tls.Clone()
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

// greet subscribes to the commands, then has the device say that and how it is.
func (l *link) greet(m *autopaho.ConnectionManager) {
	ctx, cancel := context.WithTimeout(l.ctx, 10*time.Second)
	defer cancel()
	topics, _ := l.appear()
	request := &paho.Subscribe{}
	for _, topic := range topics {
		request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{Topic: topic, QoS: 1})
	}
	if _, err := m.Subscribe(ctx, request); err != nil {
		return // the broker refused, or the connection broke: then there will be another
	}
	l.queue(dated{greets: m})
}

// introduce says how the device stands now.
func (l *link) introduce(m *autopaho.ConnectionManager) {
	ctx, cancel := context.WithTimeout(l.ctx, 10*time.Second)
	defer cancel()
	_, publications := l.appear()
	for _, p := range publications {
		if err := l.publish(ctx, m, p); err != nil {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.ready:
	default:
		if l.manager == m {
			close(l.ready)
		}
	}
}

func (l *link) await(ctx context.Context) error {
	l.mu.Lock()
	ready := l.ready
	l.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send queues a message, to go out no earlier than after the delay and never before an earlier one.
func (l *link) send(p publication, delay time.Duration) {
	l.queue(dated{publication: p, due: time.Now().Add(delay)})
}

func (l *link) queue(d dated) {
	select {
	case l.outbox <- d:
	default: // nobody reads: a real device would lose it too
	}
}

// drain sends what is in the outbox, in order. What can't be sent is lost.
func (l *link) drain() {
	defer close(l.done)
	for {
		select {
		case <-l.ctx.Done():
			return
		case next := <-l.outbox:
			l.deliver(next)
		}
	}
}

func (l *link) deliver(next dated) {
	if next.greets != nil {
		l.introduce(next.greets)
		return
	}
	if wait := time.Until(next.due); wait > 0 {
		select {
		case <-l.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	l.mu.Lock()
	manager := l.manager
	if next.report {
		l.sent = append(l.sent, next.publication)
		l.sent = l.sent[max(0, len(l.sent)-remembered):]
	}
	l.mu.Unlock()
	if manager == nil {
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, 2*time.Second)
	defer cancel()
	_ = l.publish(ctx, manager, next.publication) // a lost report is what a real device has too
}

func (l *link) publish(ctx context.Context, m *autopaho.ConnectionManager, p publication) error {
	message := &paho.Publish{Topic: p.topic, Payload: []byte(p.payload), QoS: 1, Retain: p.retain}
	if p.correlation != nil {
		message.Properties = &paho.PublishProperties{CorrelationData: p.correlation}
	}
	_, err := m.Publish(ctx, message)
	return err
}

// replay sends an old report again.
func (l *link) replay(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.sent) - 1; i >= 0; i-- {
		old := l.sent[i]
		if strings.Contains(old.payload, text) && !l.latest(i) {
			old.report = false // else it could be replayed as the present one
			l.send(old, 0)
			return true
		}
	}
	return false
}

// latest says whether a report is the last one on its topic. The caller holds the lock.
func (l *link) latest(index int) bool {
	for _, later := range l.sent[index+1:] {
		if later.topic == l.sent[index].topic {
			return false
		}
	}
	return true
}

// down cuts the connection, and waits until it is gone.
func (l *link) down() {
	l.mu.Lock()
	manager := l.manager
	l.manager = nil
	l.mu.Unlock()
	if manager == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = manager.Disconnect(ctx) // it only stops reconnecting: no packet is sent
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket != nil {
		_ = l.socket.Close()
		l.socket = nil
	}
}

// back connects again and waits for it.
func (l *link) back() error {
	l.up()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return l.await(ctx)
}

func (l *link) close() {
	l.down()
	l.end()
	<-l.done
	l.work.Wait()
}

package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/event"
)

const (
	// waitsAtMost is how long the broker keeps messages for a connection that has ended: less than the 20 s and more
	// for which an order that nobody answered may still arrive, so that nothing from before the order is taken for
	// what became of it.
	waitsAtMost = 15 * time.Second
	// markWithin is how long the mark may take to come back.
	markWithin = 5 * time.Second
	// unacknowledged is how many messages of the backlog are left unacknowledged until they are handed on: fewer
	// than brokers have under way at one time, else the rest would never come.
	unacknowledged = 10
	// trusted is how many messages a backlog may have. More may be more than the broker has kept: mosquitto, EMQX,
	// HiveMQ and VerneMQ keep 1000 unless told otherwise, and some of them drop the newest.
	trusted = 500
)

// oldest is how long ago a message may have been sent to the broker that waited there: as long as it takes the
// broker to notice that a connection has ended (MQTT 5, 3.1.2.10), and to forget its session.
func (c *Client) oldest() time.Duration { return waitsAtMost + c.config.KeepAlive*3/2 }

// markTopic is where a client tells itself that its backlog is over.
func markTopic(clientID string) string { return "loquet/" + clientID + "/mark" }

// backlog holds what arrives on a new connection until what had waited at the broker is certainly over: until a
// mark that we sent ourselves, and that the broker has put behind it, comes back.
type backlog struct {
	mark     string
	messages []message
	over     chan struct{} // closed when it is released
}

func (b *backlog) add(m message) {
	m.waited = true
	b.messages = append(b.messages, m)
	if n := len(b.messages); n > unacknowledged {
		b.messages[n-unacknowledged-1].receipt.acknowledge()
	}
}

// settle makes copies of those messages that can't speak for the present: all but the last of each topic; all of a
// topic whose messages are of different quality, because MQTT keeps no order between these (5, 4.6); and simply all
// when it isn't certain that they are all there.
func (b *backlog) settle(whole bool) []message {
	last, quality, mixed := map[string]int{}, map[string]byte{}, map[string]bool{}
	for i, m := range b.messages {
		if before, again := quality[m.topic]; again && before != m.qos {
			mixed[m.topic] = true
		}
		last[m.topic], quality[m.topic] = i, m.qos
	}
	whole = whole && len(b.messages) <= trusted
	for i := range b.messages {
		m := &b.messages[i]
		if m.origin == event.OriginLive && (!whole || last[m.topic] != i || mixed[m.topic]) {
			m.origin = event.OriginCached
		}
	}
	return b.messages
}

// awaitBacklog holds messages from now on.
func (c *Client) awaitBacklog() {
	c.order.Lock()
	defer c.order.Unlock()
	c.backlog = &backlog{mark: fmt.Sprintf("%016x", rand.Uint64()), over: make(chan struct{})}
}

func (c *Client) awaited() *backlog {
	c.order.Lock()
	defer c.order.Unlock()
	return c.backlog
}

// release hands a backlog on, unless that was done.
func (c *Client) release(b *backlog, whole bool) {
	c.order.Lock()
	defer c.order.Unlock()
	c.releaseNow(b, whole)
}

// releaseNow is release for a caller that holds the order.
func (c *Client) releaseNow(b *backlog, whole bool) {
	if b == nil || c.backlog != b {
		return
	}
	c.backlog = nil
	for _, m := range b.settle(whole) {
		c.hand(m)
	}
	close(b.over)
}

// marked takes a mark in: that of this connection ends the backlog. The caller holds the order.
func (c *Client) marked(m message) {
	if c.backlog != nil && c.backlog.mark == string(m.payload) {
		c.releaseNow(c.backlog, true)
	}
	m.receipt.drop()
}

// prepareSession sees the backlog through, and has the broker keep marks for the next time.
func (c *Client) prepareSession(ctx context.Context, epoch uint64) {
	if c.config.ClientID == "" {
		return
	}
	b := c.awaited()
	err := c.sendMark(ctx, b)
	if now, up := c.round(); err == nil || ctx.Err() != nil || now != epoch || !up {
		return // what is held when a connection ends is released then
	}
	c.logger.Warn("what devices reported while this server was away proves nothing: the account needs the right to "+
		"publish and to subscribe on this topic, and the queue at the broker room for all", "topic",
		markTopic(c.config.ClientID), "error", err)
	if b != nil {
		c.beginAnew()
	}
}

// beginAnew ends a connection of which nobody can say when the backlog is over, and its session. What is held is
// then released as copies, and the next connection has no backlog.
func (c *Client) beginAnew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.anew = true
	_ = c.line.Close() // it is closed again by its owner
}

// begins says whether the next session is to be a new one.
func (c *Client) begins() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	anew := c.anew
	c.anew = false
	return anew
}

// sendMark subscribes to marks and, where there may be a backlog, sends one and waits until it is back.
func (c *Client) sendMark(ctx context.Context, b *backlog) error {
	topic := markTopic(c.config.ClientID)
	refused, err := c.subscribe(ctx, c.hearing, []string{topic})
	if err != nil || refused[topic] || b == nil {
		return errors.Join(err, errIf(refused[topic], "the broker refused the subscription"))
	}
	ctx, cancel := context.WithTimeout(ctx, markWithin)
	defer cancel()
	expiry := uint32(markWithin / time.Second)
	_, err = c.hearing.Publish(ctx, &paho.Publish{
		Topic: topic, Payload: []byte(b.mark), QoS: 1, Properties: &paho.PublishProperties{MessageExpiry: &expiry},
	})
	if err != nil {
		return err
	}
	select {
	case <-b.over:
		return nil
	case <-ctx.Done():
		return errors.New("the mark did not come back")
	}
}

func errIf(so bool, text string) error {
	if so {
		return errors.New(text)
	}
	return nil
}

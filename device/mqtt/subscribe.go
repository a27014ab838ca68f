package mqtt

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// topicsAtOnce is how many topics one SUBSCRIBE names: few enough for small brokers' packet limits.
const topicsAtOnce = 100

func (c *Client) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

// subscriber sees each connection's backlog through, then subscribes to whatever is pending, until the context
// ends. It alone does so, so that the connection's callbacks never wait.
func (c *Client) subscriber(ctx context.Context) {
	defer close(c.done)
	prepared := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		if epoch, up := c.round(); up && epoch != prepared {
			c.prepareSession(ctx, epoch)
			c.awaitSpeaking(ctx)
			prepared = epoch
		}
		c.unsubscribe(ctx)
		for c.subscribeSome(ctx) {
		}
	}
}

// awaitSpeaking waits a little for the other connection, because a device that can be asked is asked as soon as it
// is listened to.
func (c *Client) awaitSpeaking(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel()
	_ = c.speaking.AwaitConnection(ctx) // without it, listening is better than nothing
}

// round returns which hearing connection this is, and whether it is up.
func (c *Client) round() (epoch uint64, up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch, c.hears
}

// unsubscribe from what nobody wants any more. If it fails, the next message on such a topic brings it here again.
func (c *Client) unsubscribe(ctx context.Context) {
	for _, topics := range c.takeUnwanted() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, _ = c.hearing.Unsubscribe(ctx, &paho.Unsubscribe{Topics: topics})
		cancel()
	}
}

// takeUnwanted returns batches of topics, and none while the connection is down.
func (c *Client) takeUnwanted() (batches [][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for topic := range c.unwanted {
		if len(c.routes[topic]) == 0 && c.hears {
			all = append(all, topic)
		}
	}
	clear(c.unwanted)
	return slices.Collect(slices.Chunk(all, topicsAtOnce))
}

// subscribeSome subscribes to one batch, and says whether to go on.
func (c *Client) subscribeSome(ctx context.Context) bool {
	c.mu.Lock()
	count := min(topicsAtOnce, len(c.pending))
	batch := append([]string{}, c.pending[:count]...)
	c.pending = c.pending[count:]
	epoch := c.epoch
	c.mu.Unlock()
	if count == 0 {
		return false
	}
	refused, err := c.subscribe(ctx, c.hearing, batch)
	if err != nil {
		return c.retry(ctx, batch, epoch, err)
	}
	c.settle(batch, refused, epoch)
	return true
}

// identifierInUse refuses a request whose packet identifier is in use (MQTT 5, 3.9.3). Brokers that count their own
// identifiers and the client's together, as mochi does, say so while a message of theirs is not acknowledged: the next
// request has another identifier.
const identifierInUse = 0x91

var errIdentifierInUse = errors.New("the packet identifier is in use")

// subscribe returns the topics that the broker refused.
func (c *Client) subscribe(ctx context.Context, on *autopaho.ConnectionManager, topics []string) (map[string]bool, error) {
	request := &paho.Subscribe{}
	for _, topic := range topics {
		// QoS 1, so that a report isn't lost; retain as published stays off, so that the flag on a message means
		// "this is the broker's copy".
		request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{Topic: topic, QoS: 1})
	}
	answer, err := on.Subscribe(ctx, request)
	if answer == nil {
		return nil, err
	}
	if slices.Contains(answer.Reasons, identifierInUse) {
		return nil, errIdentifierInUse
	}
	refused := map[string]bool{}
	for i, reason := range answer.Reasons {
		if reason >= 0x80 && i < len(topics) {
			refused[topics[i]] = true
			c.logger.Warn("the broker refused a subscription", "topic", topics[i], "reason", reason)
		}
	}
	return refused, nil
}

// retry puts a batch back after a pause, unless its connection has ended: the next one starts anew.
func (c *Client) retry(ctx context.Context, batch []string, epoch uint64, cause error) bool {
	pause := backoff(4)
	if errors.Is(cause, errIdentifierInUse) {
		pause = backoff(0)
	} else {
		c.logger.Warn("subscribing failed", "topics", len(batch), "error", cause)
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		c.pending = append(c.pending, batch...)
	}
	return true
}

// settle tells the devices that they are being listened to.
func (c *Client) settle(batch []string, refused map[string]bool, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	for _, topic := range batch {
		if refused[topic] {
			continue
		}
		for _, r := range c.routes[topic] {
			r.core.joined(topic)
		}
	}
}

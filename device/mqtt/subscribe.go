package mqtt

import (
	"context"
	"time"

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

// subscriber subscribes to whatever is pending, until the context ends. It alone does so, so that the
// connection's callbacks never wait.
func (c *Client) subscriber(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for c.subscribeSome(ctx) {
		}
	}
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
	refused, err := c.subscribe(ctx, batch)
	if err != nil {
		return c.retry(ctx, batch, epoch, err)
	}
	c.settle(batch, refused, epoch)
	return true
}

// subscribe returns the topics that the broker refused.
func (c *Client) subscribe(ctx context.Context, topics []string) (map[string]bool, error) {
	request := &paho.Subscribe{}
	for _, topic := range topics {
		// QoS 1, so that a report isn't lost; retain as published stays off, so that the flag on a message means
		// "this is the broker's copy".
		request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{Topic: topic, QoS: 1})
	}
	answer, err := c.conn.Subscribe(ctx, request)
	if answer == nil {
		return nil, err
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
	c.logger.Warn("subscribing failed", "topics", len(batch), "error", cause)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(backoff(4)):
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

package mqtt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// MQTT 5 user properties of a command to open or to set a code. The permit is the correlation data too. The
// deadline (RFC 3339, UTC) is for devices with a clock: a broker that hangs hands a command on when it wakes up,
// and begins to count its message expiry only then.
const (
	PermitProperty   = "loquet-permit"
	DeadlineProperty = "loquet-deadline"
)

// Lengths of waiting.
const (
	// repeatable is how long a command that may be repeated is good for, and how long it waits for the device.
	repeatable = 10 * time.Second
	// firstAnswer is how long a device may take to answer what is asked at each connection.
	firstAnswer = 3 * time.Second
	// noSubscriber is MQTT 5's reason code for "no matching subscribers" (3.4.2.1).
	noSubscriber = 0x10
)

func (c *core) now() event.Instant { return event.InstantOf(time.Now()) }

// Open publishes the command once. See the package's description.
func (o opener) Open(ctx context.Context, order device.Order) (event.Outcome, error) {
	c := o.of
	release, err := c.prepare(ctx, order.Deadline)
	if err != nil {
		return event.NotDone, err
	}
	defer release()
	waiter, ignore := c.listen()
	defer ignore()
	outcome, err := c.once(ctx, *c.plan.open, event.ActOpen, order.Permit, order.Deadline)
	if err != nil {
		return outcome, err
	}
	ctx, cancel := c.untilTooLate(ctx, order.Deadline)
	defer cancel()
	return waiter.opening(ctx, order.Permit)
}

// opening waits for the device's own word.
func (w *waiter) opening(ctx context.Context, permit event.PermitID) (event.Outcome, error) {
	jammed := false
	for {
		select {
		case <-ctx.Done():
			if jammed {
				return event.Unknown, fmt.Errorf("%w that it opened: it reported a jam", device.ErrNoAnswer)
			}
			return event.Unknown, device.ErrNoAnswer
		case r := <-w.reports:
			switch {
			case r.opens:
				return event.Done, nil
			case r.refused && r.correlation == string(permit):
				return event.NotDone, device.ErrRefused
			case r.Bolt == event.BoltJammed:
				jammed = true // it may still free itself, and may stand half open
			}
		}
	}
}

// prepare waits for the device's turn, and for its topics to be subscribed. After an error nothing was sent.
func (c *core) prepare(ctx context.Context, deadline time.Time) (release func(), err error) {
	if !time.Now().Before(deadline) {
		return nil, device.ErrExpired
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case <-c.turn:
	case <-ctx.Done():
		return nil, fmt.Errorf("nothing was sent while another command ran: %w", whyEnded(ctx, deadline))
	}
	release = func() { c.turn <- struct{}{} }
	if err := c.awaitReady(ctx, deadline); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// awaitReady returns when the device can be commanded and heard.
func (c *core) awaitReady(ctx context.Context, deadline time.Time) error {
	if c.Reach() == event.ReachOffline {
		return device.ErrOffline
	}
	if err := c.client.awaitLine(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	ready := c.ready
	c.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the broker did not let us listen to it (%w)", device.ErrOffline, whyEnded(ctx, deadline))
	}
}

func whyEnded(ctx context.Context, deadline time.Time) error {
	if !time.Now().Before(deadline) {
		return device.ErrExpired
	}
	return ctx.Err()
}

// once writes the log, then publishes at QoS 0, with the deadline as message expiry. An outcome of NotDone says
// that nothing left.
func (c *core) once(
	ctx context.Context, what command, act event.Act, permit event.PermitID, deadline time.Time,
) (event.Outcome, error) {
	if err := c.client.log.Record(event.Sent{At: c.now(), Device: c.spec.Device, Act: act, Permit: permit}); err != nil {
		return event.NotDone, fmt.Errorf("nothing was sent, because the log could not be written: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return event.NotDone, fmt.Errorf("nothing was sent: %w", err)
	}
	left := time.Until(deadline)
	if left <= 0 {
		return event.NotDone, device.ErrExpired
	}
	sent := make(chan error, 1) // a socket that is full must not hold the caller beyond its context
	go func() {
		_, err := c.client.publish(ctx, c.voidable(what, permit, deadline, left))
		sent <- err
	}()
	select {
	case err := <-sent:
		return sendingOutcome(err)
	case <-ctx.Done():
		return event.Unknown, fmt.Errorf("%w: the connection to the broker is stuck", device.ErrNoAnswer)
	}
}

// sendingOutcome tells what never left from what may have.
func sendingOutcome(err error) (event.Outcome, error) {
	switch {
	case err == nil:
		return event.Unknown, nil
	case errors.Is(err, autopaho.ConnectionDownError):
		return event.NotDone, device.ErrOffline
	case errors.Is(err, paho.ErrInvalidArguments):
		return event.NotDone, fmt.Errorf("nothing was sent: %w", err)
	}
	return event.Unknown, fmt.Errorf("the connection broke while sending: %w", err)
}

// voidable is a publication that says when it is void, to the broker and to the device.
func (c *core) voidable(what command, permit event.PermitID, deadline time.Time, left time.Duration) *paho.Publish {
	p := c.publication(what, permit, left, 0)
	p.Properties.User.Add(DeadlineProperty, event.InstantOf(deadline).String())
	return p
}

// publication is never retained. Its expiry is in whole seconds (MQTT 5, 3.3.2.3.3), rounded up.
func (c *core) publication(what command, permit event.PermitID, left time.Duration, qos byte) *paho.Publish {
	expiry := uint32(max(1, (left+time.Second-1)/time.Second))
	properties := &paho.PublishProperties{MessageExpiry: &expiry}
	if permit != "" {
		properties.User.Add(PermitProperty, string(permit))
		properties.CorrelationData = []byte(permit)
		properties.ResponseTopic = c.plan.answers
	}
	return &paho.Publish{Topic: what.topic, Payload: what.payload, QoS: qos, Properties: properties}
}

// untilTooLate ends when the command can no longer act, so that a caller without a limit of its own gets an
// answer.
func (c *core) untilTooLate(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, deadline.Add(max(0, c.spec.Lateness).Duration()))
}

// Secure locks or closes. Done when the device reports that it began to, or has.
func (s securer) Secure(ctx context.Context) (event.Outcome, error) {
	c := s.of
	ctx, cancel := context.WithTimeout(ctx, repeatable)
	defer cancel()
	waiter, ignore := c.listen()
	defer ignore()
	if outcome, err := c.repeatably(ctx, *c.plan.secure, event.ActSecure, ""); err != nil {
		return outcome, err
	}
	for {
		select {
		case <-ctx.Done():
			return event.Unknown, device.ErrNoAnswer
		case r := <-waiter.reports:
			if r.secures {
				return event.Done, nil
			}
		}
	}
}

// repeatably publishes at QoS 1 what may be sent again: locking, closing, asking, removing a code.
func (c *core) repeatably(ctx context.Context, what command, act event.Act, permit event.PermitID) (event.Outcome, error) {
	if err := c.client.awaitLine(ctx); err != nil {
		return event.NotDone, err
	}
	if act != "" {
		if err := c.client.log.Record(event.Sent{At: c.now(), Device: c.spec.Device, Act: act, Permit: permit}); err != nil {
			return event.NotDone, fmt.Errorf("nothing was sent, because the log could not be written: %w", err)
		}
	}
	answer, err := c.client.publish(ctx, c.publication(what, permit, repeatable, 1))
	if errors.Is(err, autopaho.ConnectionDownError) {
		return event.NotDone, device.ErrOffline
	}
	if err != nil {
		return event.Unknown, fmt.Errorf("the broker did not take it: %w", err)
	}
	if answer.ReasonCode == noSubscriber {
		return event.NotDone, fmt.Errorf("%w: nobody listens to its commands", device.ErrOffline)
	}
	return event.Unknown, nil
}

// Read asks the device for its state, and returns the first that it then says of its bolt.
func (a asker) Read(ctx context.Context) (event.Observation, error) { return a.of.read(ctx) }

func (c *core) read(ctx context.Context) (event.Observation, error) {
	select {
	case <-c.asking:
	case <-ctx.Done():
		return event.Observation{}, fmt.Errorf("%w: an earlier question is still open (%w)", device.ErrNoAnswer, ctx.Err())
	}
	defer func() { c.asking <- struct{}{} }()
	if err := c.client.awaitLine(ctx); err != nil { // before the question: what comes while waiting is no answer
		return event.Observation{}, err
	}
	waiter, ignore := c.listen()
	defer ignore()
	asked := c.now()
	if _, err := c.repeatably(ctx, *c.plan.ask, "", ""); err != nil {
		return event.Observation{}, err
	}
	for {
		select {
		case <-ctx.Done():
			return event.Observation{}, fmt.Errorf("%w: %w", device.ErrNoAnswer, ctx.Err())
		case r := <-waiter.reports:
			if r.Bolt != "" {
				return c.answer(r, asked), nil
			}
		}
	}
}

// answer is what the device said when asked. Only its bolt was asked for; the rest may be older.
func (c *core) answer(r report, asked event.Instant) event.Observation {
	return event.Observation{
		Device: c.spec.Device, Bolt: r.Bolt, DeviceAt: r.At,
		ReceivedAt: r.at, Origin: event.OriginAnswer, AskedAt: asked,
	}
}

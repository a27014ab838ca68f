package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// slot is the keypad's user slot that is reserved for one-time codes.
type slot struct {
	set, get string
	number   int
}

// slotState is what the lock says of a slot: "enabled", "available" and others; the code if the bridge shows it.
type slotState struct{ status, code string }

// askAgain is how long to wait for a lock to answer before it is asked again what is in the slot.
const askAgain = time.Second

// SetCode sends the code at most once, like an opening, then reads the slot until it is in use.
func (k coder) SetCode(ctx context.Context, order device.CodeOrder) (event.Outcome, error) {
	c := k.of
	if err := checkCode(order.Code); err != nil {
		return event.NotDone, err
	}
	release, err := c.prepare(ctx, order.Deadline)
	if err != nil {
		return event.NotDone, err
	}
	defer release()
	c.hold(order.Permit)
	outcome, err := c.once(ctx, c.plan.slot.setting(order.Code), event.ActSetCode, order.Permit, order.Deadline)
	if err != nil {
		return outcome, err
	}
	ctx, cancel := c.untilTooLate(ctx, order.Deadline)
	defer cancel()
	return c.readSlot(ctx, func(s slotState) bool {
		return s.status == "enabled" && (s.code == "" || s.code == order.Code)
	})
}

// RemoveCode clears the slot, then reads it until it is free. A slot that holds another permit's code by now is
// left alone: setting that one has overwritten this one.
func (k coder) RemoveCode(ctx context.Context, permit event.PermitID) (event.Outcome, error) {
	c := k.of
	select {
	case <-c.turn:
	case <-ctx.Done():
		return event.NotDone, ctx.Err()
	}
	defer func() { c.turn <- struct{}{} }()
	if holder := c.hold(""); holder != "" && holder != permit {
		c.hold(holder)
		return event.Done, nil
	}
	outcome, err := c.repeatably(ctx, c.plan.slot.clearing(), event.ActRemoveCode, permit)
	if err != nil {
		return outcome, err
	}
	return c.readSlot(ctx, func(s slotState) bool { return s.status == "available" })
}

// hold notes whose code is in the slot and returns whose was.
func (c *core) hold(permit event.PermitID) event.PermitID {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.holder
	c.holder = permit
	return before
}

// readSlot asks what is in the slot until it is as wanted (Done), or the context ends (Unknown).
func (c *core) readSlot(ctx context.Context, wanted func(slotState) bool) (event.Outcome, error) {
	waiter, ignore := c.listen()
	defer ignore()
	for {
		if _, err := c.repeatably(ctx, c.plan.slot.reading(), "", ""); err != nil {
			return event.Unknown, fmt.Errorf("what the keypad holds can't be read back: %w", err)
		}
		if waiter.sees(ctx, wanted) {
			return event.Done, nil
		}
		if ctx.Err() != nil {
			return event.Unknown, device.ErrNoAnswer
		}
	}
}

// sees waits a little for a slot as wanted.
func (w *waiter) sees(ctx context.Context, wanted func(slotState) bool) bool {
	again := time.NewTimer(askAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-again.C:
			return false
		case r := <-w.reports:
			if r.slot != nil && wanted(*r.slot) {
				return true
			}
		}
	}
}

// checkCode accepts what keypads accept: 4 to 8 digits.
func checkCode(code string) error {
	if len(code) < 4 || len(code) > 8 {
		return errors.New("a keypad's code has 4 to 8 digits")
	}
	for _, digit := range code {
		if digit < '0' || digit > '9' {
			return errors.New("a keypad's code has digits only")
		}
	}
	return nil
}

// setting is Zigbee2MQTT's pin_code. The code is a string, so that a leading zero survives.
func (s *slot) setting(code string) command {
	return s.command(s.set, map[string]any{
		"user": s.number, "user_type": "unrestricted", "user_enabled": true, "pin_code": code,
	})
}

func (s *slot) clearing() command {
	return s.command(s.set, map[string]any{"user": s.number, "pin_code": nil})
}

func (s *slot) reading() command { return s.command(s.get, map[string]any{"user": s.number}) }

func (s *slot) command(topic string, pin map[string]any) command {
	payload, err := json.Marshal(map[string]any{"pin_code": pin})
	if err != nil {
		panic("numbers and strings always encode: " + err.Error())
	}
	return command{topic, payload}
}

package tesla

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
)

// Lengths of waking.
const (
	// listens is how often Tesla is asked whether the car woke up, and insists how often it is called again.
	listens, insists = 3 * time.Second, 35 * time.Second
	// wakesWithin bounds waking for a caller without a limit.
	wakesWithin = 2 * time.Minute
)

// Wake calls the car until Tesla says that it is online. That takes 10 to 60 s. A cloud that does not even say that the car
// sleeps is not waited for.
func (d *Device) Wake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wakesWithin)
	defer cancel()
	var called time.Time
	for {
		state, err := d.state(ctx)
		asleep := err == nil && state != online || errors.Is(err, device.ErrAsleep)
		if asleep && time.Since(called) >= insists {
			called = time.Now()
			state, err = d.wakeUp(ctx)
		}
		switch {
		case err == nil && state == online:
			return nil
		case err != nil && (called.IsZero() || !passing(err)):
			return err
		}
		select {
		case <-time.After(listens):
		case <-ctx.Done():
			return fmt.Errorf("%w: it did not wake up in time (%w)", device.ErrAsleep, ctx.Err())
		}
	}
}

const online = "online"

// passing says whether waking goes on after an error.
func passing(err error) bool {
	return errors.Is(err, device.ErrAsleep) || errors.Is(err, device.ErrNoAnswer)
}

func (d *Device) state(ctx context.Context) (string, error) {
	answer, err := d.car.call(ctx, d.by, maker.Call{
		Ask: maker.Ask{Purpose: device.PurposeOf(ctx), Kind: kindData}, Method: http.MethodGet, Path: d.car.path(),
	})
	return parseState(answer.Body, err)
}

// wakeUp calls the car. Nothing but calls counts against their limit, so that nothing is kept back for anything else.
func (d *Device) wakeUp(ctx context.Context) (string, error) {
	answer, err := d.car.call(ctx, d.by, maker.Call{
		Ask: maker.Ask{Purpose: device.Watching, Kind: kindWake}, Method: http.MethodPost, Path: d.car.path("wake_up"), JSON: []byte("{}"),
	})
	return parseState(answer.Body, err)
}

// parseState reads "online", "asleep" or "offline".
func parseState(body []byte, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var said struct {
		Response struct {
			State string `json:"state"`
		} `json:"response"`
	}
	err = maker.Decode(body, &said)
	return said.Response.State, err
}

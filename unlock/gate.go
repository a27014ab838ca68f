package unlock

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Errors of redeeming.
var (
	// ErrNoPermit: it was not made by Commit of this gate.
	ErrNoPermit = errors.New("unlock: that is not a permit")
	// ErrSpent: it was redeemed before; nothing was sent now.
	ErrSpent = errors.New("unlock: the permit is spent")
	// ErrUnable: the device does not take such a command; nothing was sent.
	ErrUnable = errors.New("unlock: the device can't be opened that way")
)

// Devices finds what stands behind a barrier.
type Devices interface {
	Device(id event.DeviceID) (device.Device, bool)
}

// Sealer keeps personal values; a one-time code is one.
type Sealer interface {
	Seal(ctx context.Context, site event.SiteID, name string, plain []byte) ([]byte, error)
	Open(ctx context.Context, site event.SiteID, name string, sealed []byte) ([]byte, error)
}

// Gate is the way from a decision to a device. Safe for concurrent use.
type Gate struct {
	Journal store.Journal
	Devices Devices
	Sealer  Sealer
	// Now is the clock, Random the source of one-time codes.
	Now    func() time.Time
	Random io.Reader
}

// Draft is a decision that is ready to be committed.
type Draft struct {
	write   store.Append
	intents []event.OpeningIntended
	codes   []string
}

// codeDigits is the length of a one-time code; keypads of the field take 4 to 8.
const codeDigits = 6

// codeKept is how long after its deadline a sealed code is kept, for the courier who asks again.
const codeKept = event.Hour

// Prepare encodes the events into the write, and draws and seals a code for each intent that needs one.
func (g *Gate) Prepare(ctx context.Context, write store.Append, events []event.Event) (Draft, error) {
	d := Draft{write: write}
	d.write.Events, d.write.Values = slices.Clip(write.Events), slices.Clip(write.Values)
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			return Draft{}, fmt.Errorf("unlock: %w", err)
		}
		d.write.Events = append(d.write.Events, store.Entry{Seq: e.Seq, Data: data})
		if intent, ok := e.Body.(event.OpeningIntended); ok {
			if err := g.prepareIntent(ctx, &d, intent); err != nil {
				return Draft{}, err
			}
		}
	}
	return d, nil
}

func (g *Gate) prepareIntent(ctx context.Context, d *Draft, intent event.OpeningIntended) error {
	if event.SiteOf(intent.Permit.ID) != d.write.Site {
		return fmt.Errorf("unlock: %s is not an intent of %s", intent.Permit.ID, d.write.Site)
	}
	code := ""
	if p := intent.Permit; p.Type == event.PermitCode {
		var err error
		if code, err = g.drawCode(); err != nil {
			return err
		}
		sealed, err := g.Sealer.Seal(ctx, event.SiteOf(p.ID), codeName(p.ID), []byte(code))
		if err != nil {
			return fmt.Errorf("unlock: sealing a code: %w", err)
		}
		d.write.Values = append(d.write.Values, store.Value{Name: codeName(p.ID), Sealed: sealed, EraseAt: p.Deadline.Add(codeKept)})
	}
	d.intents, d.codes = append(d.intents, intent), append(d.codes, code)
	return nil
}

func codeName(p event.PermitID) string { return "code/" + string(p) }

func (g *Gate) drawCode() (string, error) {
	most := big.NewInt(1)
	for range codeDigits {
		most.Mul(most, big.NewInt(10))
	}
	n, err := rand.Int(g.Random, most)
	if err != nil {
		return "", fmt.Errorf("unlock: drawing a code: %w", err)
	}
	return fmt.Sprintf("%0*d", codeDigits, n), nil
}

// Commit appends the decision, and returns a permit for each intent in it. On any error, store.ErrUncertain
// included, there is no permit: whatever the store holds by then will be found again by its deadline, and is
// asked about, never sent.
func (g *Gate) Commit(ctx context.Context, d Draft) ([]*Permit, error) {
	if err := g.Journal.Append(ctx, d.write); err != nil {
		return nil, err
	}
	permits := make([]*Permit, 0, len(d.intents))
	for i, intent := range d.intents {
		permits = append(permits, &Permit{intent: intent.Permit, gate: g, code: d.codes[i]})
	}
	return permits, nil
}

// Redeem commands the device, at most once for the permit: remotely, or by setting its one-time code. Unless
// the outcome is NotDone, something may have happened. With ErrNoPermit and ErrSpent this call sent nothing,
// and its outcome says nothing of an earlier one.
func (g *Gate) Redeem(ctx context.Context, p *Permit) (event.Outcome, error) {
	if p == nil || p.gate != g {
		return event.NotDone, ErrNoPermit
	}
	if !p.spent.CompareAndSwap(false, true) {
		return event.Unknown, ErrSpent
	}
	deadline := p.intent.Deadline.Time()
	if !g.Now().Before(deadline) {
		return event.NotDone, device.ErrExpired
	}
	dev, ok := g.Devices.Device(p.intent.Device)
	if !ok {
		return event.NotDone, ErrUnable
	}
	ctx, cancel := context.WithTimeout(ctx, deadline.Sub(g.Now()))
	defer cancel()
	return command(ctx, dev, p)
}

// command calls the connector. A connector that breaks has an unknown outcome, as has one that answers with
// something that is not an outcome.
func command(ctx context.Context, dev device.Device, p *Permit) (outcome event.Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			outcome, err = event.Unknown, fmt.Errorf("unlock: the connector broke: %v", r)
		}
	}()
	outcome, err = send(ctx, dev, p)
	if outcome != event.Done && outcome != event.NotDone {
		outcome = event.Unknown
	}
	return outcome, err
}

func send(ctx context.Context, dev device.Device, p *Permit) (event.Outcome, error) {
	deadline := p.intent.Deadline.Time()
	switch p.intent.Type {
	case event.PermitRemote:
		if opener, ok := dev.(device.Opener); ok {
			return opener.Open(ctx, device.Order{Permit: p.intent.ID, Deadline: deadline})
		}
	case event.PermitCode:
		if coder, ok := dev.(device.Coder); ok {
			return coder.SetCode(ctx, device.CodeOrder{Permit: p.intent.ID, Code: p.code, Deadline: deadline})
		}
	}
	return event.NotDone, ErrUnable
}

// ShownCode returns the one-time code of a permit whose CodeShown is committed, for the courier's screen.
func (g *Gate) ShownCode(ctx context.Context, shown event.CodeShown) (string, error) {
	at := event.SiteOf(shown.Permit)
	sealed, err := g.Journal.Value(ctx, at, codeName(shown.Permit))
	if err != nil {
		return "", fmt.Errorf("unlock: the code is gone: %w", err)
	}
	code, err := g.Sealer.Open(ctx, at, codeName(shown.Permit), sealed)
	if err != nil {
		return "", fmt.Errorf("unlock: the code can't be read: %w", err)
	}
	return string(code), nil
}

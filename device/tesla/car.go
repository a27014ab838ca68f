package tesla

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
	"github.com/teslamotors/vehicle-command/pkg/connector"
	universal "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/universalmessage"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/vcsec"
	"github.com/teslamotors/vehicle-command/pkg/vehicle"
	"google.golang.org/protobuf/proto"
)

// Lengths of a talk with a car.
const (
	// valid is how long the signature of a command is good: the car itself refuses it later.
	valid = 10 * time.Second
	// looks is how often the car is asked whether an opening came true, before that is left to whoever watches.
	looks = 2
)

// car is one car, which one talks to at a time: its counters must arrive in order, and it has little memory.
type car struct {
	account *Account
	vin     string
	turn    chan struct{} // held by the one that talks

	motor *bool // whether the trunk has one, once Tesla told; guarded by turn

	live *talk // the last conversation, as long as its sessions may be used again; guarded by turn
	idle *time.Timer
}

func (c *car) path(last ...string) []string {
	return append([]string{"api", "1", "vehicles", c.vin}, last...)
}

// call makes one call, and tells a car that sleeps from a cloud that failed.
func (c *car) call(ctx context.Context, by *maker.Consent, call maker.Call) (maker.Answer, error) {
	call.Vehicle, call.By = c.vin, by
	answer, err := c.account.caller.Do(ctx, call)
	var status *maker.StatusError
	if errors.As(err, &status) && status.Status == http.StatusRequestTimeout && saysAsleep(status.Body) {
		return answer, fmt.Errorf("%w, or %w: %w", device.ErrAsleep, device.ErrOffline, err)
	}
	return answer, err
}

// saysAsleep reads the body of a 408: only with these words it says that the car was not reached at all. Tesla doesn't
// tell a car that sleeps from one without a network.
func saysAsleep(body []byte) bool {
	var said struct {
		Error string `json:"error"`
	}
	return json.Unmarshal(body, &said) == nil &&
		(strings.Contains(said.Error, "offline or asleep") || strings.Contains(said.Error, "vehicle is offline"))
}

// talk is a conversation with a car: what the library calls a vehicle. It is kept for a while, because its sessions save
// a handshake each time. (The library could store them, but each time they lose up to a second of the car's clock, until
// the car takes every signature for one that has ended.)
type talk struct {
	car  *car
	link *link
	lib  *vehicle.Vehicle
	by   *maker.Consent // of the one whose turn it is
}

// lingers is how long a conversation is kept after its last use.
const lingers = 10 * time.Minute

// talk waits for the car's turn, and goes on with the conversation or begins one.
func (c *car) talk(ctx context.Context, by *maker.Consent, about func(*talk) error) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: another conversation with the car goes on", device.ErrExpired)
	}
	if c.live == nil {
		if err := c.begin(ctx); err != nil {
			return err
		}
	}
	c.live.by = by
	err := about(c.live)
	if err != nil { // whatever it was, the next one begins afresh
		c.end()
		return err
	}
	c.idle.Reset(lingers)
	return nil
}

func (c *car) begin(ctx context.Context) error {
	link := newLink(c)
	link.begin(&step{}) // nothing may be sent yet
	lib, err := vehicle.NewVehicle(link, c.account.cfg.Key.private, nil)
	if err != nil {
		return fmt.Errorf("the key for cars can't be used: %w", err)
	}
	// This only starts a goroutine, which a context that ends meanwhile would leave behind for ever.
	if err := lib.Connect(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	c.live = &talk{car: c, link: link, lib: lib}
	c.idle = time.AfterFunc(lingers, c.hangUp)
	return nil
}

// end forgets the conversation. The caller has the turn.
func (c *car) end() {
	if c.live != nil {
		c.idle.Stop()
		c.live.lib.Disconnect()
		c.live = nil
	}
}

// hangUp ends the conversation when it is nobody's turn.
func (c *car) hangUp() {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.end()
}

// do makes one step, and gives the library a limit, without which it would wait for ever.
func (t *talk) do(ctx context.Context, s *step, ask func(context.Context) error) error {
	limit := t.car.account.cfg.Limit
	if s.just != nil {
		limit = valid // the signature ends with the context
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s.by = t.by
	t.link.begin(s)
	defer t.link.begin(&step{})
	return ask(ctx)
}

// greet makes sure that there is a session. Its messages are free of consequences.
func (t *talk) greet(ctx context.Context, purpose device.Purpose, domain universal.Domain) error {
	s := &step{ask: maker.Ask{Purpose: purpose, Kind: kindCommand}, messages: 2}
	err := t.do(ctx, s, func(ctx context.Context) error {
		return t.lib.StartSession(ctx, []universal.Domain{domain})
	})
	if err == nil {
		return nil
	}
	_, err = s.verdict(err)
	return err
}

// status asks the car itself. A session that has ended is renewed, which takes a second message.
func (t *talk) status(ctx context.Context, purpose device.Purpose, unproven bool) (*vcsec.VehicleStatus, error) {
	if err := t.greet(ctx, purpose, universal.Domain_DOMAIN_VEHICLE_SECURITY); err != nil {
		return nil, err
	}
	s := &step{ask: maker.Ask{Purpose: purpose, Kind: kindCommand}, messages: 2, unproven: unproven}
	var answer []byte
	err := t.do(ctx, s, func(ctx context.Context) (err error) {
		answer, err = t.lib.Send(ctx, universal.Domain_DOMAIN_VEHICLE_SECURITY, statusRequest, connector.AuthMethodHMAC)
		return err
	})
	if err != nil {
		_, err = s.verdict(err)
		return nil, err
	}
	return parseStatus(answer)
}

// statusRequest is the library's BodyControllerState, which it doesn't sign: then the car doesn't sign its answer.
var statusRequest, _ = proto.Marshal(&vcsec.UnsignedMessage{
	SubMessage: &vcsec.UnsignedMessage_InformationRequest{InformationRequest: &vcsec.InformationRequest{
		InformationRequestType: vcsec.InformationRequestType_INFORMATION_REQUEST_TYPE_GET_STATUS,
	}},
})

// opening is one opening of a car, as a cloud that remotecar knows how to use.
type opening struct {
	car *car
	by  *maker.Consent
	cfg Config
}

var _ remotecar.Cloud = opening{}

// Ask asks the car itself. It has no time of its own that we could read; but what it signs is bound to the question, so
// that it can't be older than that.
func (o opening) Ask(ctx context.Context) (said remotecar.Said, err error) {
	err = o.car.talk(ctx, o.by, func(t *talk) error {
		status, err := t.status(ctx, device.PurposeOf(ctx), o.cfg.Unproven)
		if err != nil {
			return err
		}
		now := time.Now()
		said = remotecar.Said{Bolt: bolt(status), Contact: contact(status), BoltAt: now, ContactAt: now}
		return nil
	})
	return said, err
}

// Unlock opens what the device opens. The car is asked first: a trunk with a motor would close at the same command.
func (o opening) Unlock(ctx context.Context, just func() error) (done event.Outcome, err error) {
	done = event.NotDone // until something is sent
	err = o.car.talk(ctx, o.by, func(t *talk) error {
		status, err := t.status(ctx, device.Opening, o.cfg.Unproven)
		if err != nil {
			return fmt.Errorf("nothing was sent, because the car could not be asked: %w", err)
		}
		if !o.isShut(status) {
			return fmt.Errorf("%w: nothing was sent, because what was to be opened is not known to be shut", device.ErrRefused)
		}
		if done, err = t.act(ctx, device.Opening, just, o.open); err == nil {
			done = o.look(ctx, t)
		}
		return err
	})
	return done, err
}

// open is the one command that opens. (Tesla's OpenTrunk is a toggle where the trunk has a motor.)
func (o opening) open(ctx context.Context, lib *vehicle.Vehicle) error {
	if o.cfg.Opens == Trunk {
		return lib.OpenTrunk(ctx)
	}
	return lib.Unlock(ctx)
}

// isShut says whether what would be opened is known to be shut.
func (o opening) isShut(s *vcsec.VehicleStatus) bool {
	if o.cfg.Opens == Trunk {
		return trunk(s) == event.ContactClosed
	}
	return bolt(s) == event.BoltLocked
}

// isOpen says whether it is known to be open.
func (o opening) isOpen(s *vcsec.VehicleStatus) bool {
	if o.cfg.Opens == Trunk {
		return trunk(s) == event.ContactOpen
	}
	return bolt(s) == event.BoltUnlocked
}

// look asks the car whether an accepted opening came true. Unknown is no failure: it is asked again later.
func (o opening) look(ctx context.Context, t *talk) event.Outcome {
	for range looks {
		if status, err := t.status(ctx, device.Watching, o.cfg.Unproven); err == nil && o.isOpen(status) {
			return event.Done
		}
		select {
		case <-time.After(o.car.account.cfg.Polling.Soon):
		case <-ctx.Done():
			return event.Unknown
		}
	}
	return event.Unknown
}

// act sends one command, once.
func (t *talk) act(
	ctx context.Context, purpose device.Purpose, just func() error, command func(context.Context, *vehicle.Vehicle) error,
) (event.Outcome, error) {
	s := &step{ask: maker.Ask{Purpose: purpose, Kind: kindCommand}, just: just, messages: 1, unproven: true}
	err := t.do(ctx, s, func(ctx context.Context) error { return command(ctx, t.lib) })
	if err != nil && s.messages > 0 {
		return event.NotDone, fmt.Errorf("nothing was sent: %w", err)
	}
	return s.verdict(err)
}

// Lock closes the trunk, where a motor can and it is open, and locks. Both are directional.
func (o opening) Lock(ctx context.Context, just func() error) (done event.Outcome, err error) {
	done = event.NotDone
	err = o.car.talk(ctx, o.by, func(t *talk) error {
		status, err := t.status(ctx, device.Securing, o.cfg.Unproven)
		if errors.Is(err, device.ErrAsleep) || errors.Is(err, device.ErrRevoked) {
			return err
		}
		if err == nil && trunk(status) == event.ContactOpen && t.motorized(ctx) {
			if done, err = t.act(ctx, device.Securing, just, closeTrunk); err != nil && done == event.NotDone {
				return err
			}
			just = func() error { return nil } // one line for both
		}
		done, err = t.act(ctx, device.Securing, just, lock)
		return err
	})
	return done, err
}

func closeTrunk(ctx context.Context, lib *vehicle.Vehicle) error { return lib.CloseTrunk(ctx) }
func lock(ctx context.Context, lib *vehicle.Vehicle) error       { return lib.Lock(ctx) }

// Signals are what every Tesla can do.
func (d *Device) Signals() []device.Signal {
	return []device.Signal{device.SignalFlash, device.SignalHonk}
}

// Signal flashes the lights or sounds the horn.
func (d *Device) Signal(ctx context.Context, s device.Signal) (done event.Outcome, err error) {
	command := map[device.Signal]func(context.Context, *vehicle.Vehicle) error{
		device.SignalFlash: func(ctx context.Context, lib *vehicle.Vehicle) error { return lib.FlashLights(ctx) },
		device.SignalHonk:  func(ctx context.Context, lib *vehicle.Vehicle) error { return lib.HonkHorn(ctx) },
	}[s]
	if command == nil {
		return event.NotDone, fmt.Errorf("%w: it has no signal %q", device.ErrRefused, s)
	}
	done = event.NotDone
	err = d.car.talk(ctx, d.by, func(t *talk) error {
		if err := t.greet(ctx, device.Seeking, universal.Domain_DOMAIN_INFOTAINMENT); err != nil {
			return err
		}
		if done, err = t.act(ctx, device.Seeking, unlogged, command); err == nil {
			done = event.Done
		}
		return err
	})
	return done, err
}

// unlogged is for what neither opens nor locks.
func unlogged() error { return nil }

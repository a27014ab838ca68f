package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// door is a lock with a contact, in memory: it opens when told, and is moved by hand.
type door struct {
	id   event.DeviceID
	spec event.Spec
	says chan event.Observation

	mu      sync.Mutex
	bolt    event.Bolt
	contact event.Contact
	offline bool
	opened  int
	codes   map[event.PermitID]string
}

// doorConfig is what the fake connector takes.
type doorConfig struct {
	Unprovable bool   `json:"unprovable,omitempty"`
	Reads      bool   `json:"reads,omitempty"`
	Secret     string `json:"secret,omitempty"`
	// Car makes it one that stands 200 metres north of the house.
	Car bool `json:"car,omitempty"`
}

func (w *world) connect(id event.DeviceID, config json.RawMessage) (device.Device, error) {
	var c doorConfig
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("not a configuration of a fake door")
	}
	d := &door{id: id, bolt: event.BoltLocked, contact: event.ContactClosed, says: make(chan event.Observation, 100),
		codes: map[event.PermitID]string{},
		spec: event.Spec{Device: id, Closure: event.Closure{Bolt: !c.Unprovable, Contact: !c.Unprovable}, Grade: event.GradeReported,
			Horizon: event.Hour, Opens: true, Secures: true, Codes: true}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doors[id] = d
	if c.Car {
		d.spec.Reads, d.spec.Codes, d.spec.Reveals, d.spec.Locates = true, false, event.RevealsCar, true
		w.stands[id] = newStands()
		return parked{readable{d}, w.stands[id]}, nil
	}
	if c.Reads {
		d.spec.Reads = true
		return readable{d}, nil
	}
	return d, nil
}

func (d *door) Spec() event.Spec { return d.spec }

func (d *door) Reach() event.Reach {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.offline {
		return event.ReachOffline
	}
	return event.ReachOnline
}

func (d *door) move(bolt event.Bolt, contact event.Contact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bolt, d.contact = bolt, contact
	d.says <- event.Observation{Device: d.id, Bolt: bolt, Contact: contact, ReceivedAt: event.InstantOf(time.Now()), Origin: event.OriginLive}
}

func (d *door) Open(context.Context, device.Order) (event.Outcome, error) {
	d.mu.Lock()
	d.opened++
	d.mu.Unlock()
	d.move(event.BoltUnlocked, event.ContactClosed)
	return event.Done, nil
}

func (d *door) Secure(context.Context) (event.Outcome, error) {
	d.mu.Lock()
	contact := d.contact
	d.mu.Unlock()
	d.move(event.BoltLocked, contact)
	return event.Done, nil
}

func (d *door) SetCode(_ context.Context, o device.CodeOrder) (event.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.codes[o.Permit] = o.Code
	return event.Done, nil
}

func (d *door) RemoveCode(_ context.Context, p event.PermitID) (event.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.codes, p)
	return event.Done, nil
}

func (d *door) Watch(ctx context.Context, sink func(event.Observation)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-d.says:
			sink(o)
		}
	}
}

func (d *door) openings() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

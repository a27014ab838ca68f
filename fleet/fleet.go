// Package fleet keeps the devices of an installation: which device stands at which site, by which connector it
// is spoken to, and the running connectors themselves.
//
// A device is reserved for one site before it is enrolled there as a barrier, so that an observation can only
// ever reach that site's journal.
package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// recordKind is the register's name for devices.
const recordKind = "device"

// Errors of adding a device.
var (
	// ErrConnector: there is no such connector in this installation.
	ErrConnector = errors.New("no such connector")
	// ErrConfig: the connector can't work with that configuration, or the device can't be used; the wrapped
	// text says why and may be shown.
	ErrConfig = errors.New("the device can't be used")
	// ErrTaken: the identifier is in use, for this site or another.
	ErrTaken = errors.New("a device with that identifier is there already")
)

// Record is one device as it is kept.
type Record struct {
	ID        event.DeviceID  `json:"id"`
	Site      event.SiteID    `json:"site"`
	Connector string          `json:"connector"`
	Config    json.RawMessage `json:"config"`
}

// Connector makes a device of one family from its configuration, without waiting for the device.
type Connector func(id event.DeviceID, config json.RawMessage) (device.Device, error)

// Listen follows a device until the context ends.
type Listen func(ctx context.Context, at event.SiteID, dev device.Device) error

// Fleet runs the installation's devices. Safe for concurrent use.
type Fleet struct {
	register   store.Register
	connectors map[string]Connector
	log        *slog.Logger

	healths healths

	mu      sync.RWMutex
	devices map[event.DeviceID]running
	// unusable are those that could not be made.
	unusable []Record
	// listen and ctx are set while Run runs; a device added before waits for it.
	listen    Listen
	ctx       context.Context
	listeners sync.WaitGroup
	// quits end the listening to one device.
	quits map[event.DeviceID]context.CancelFunc
}

type running struct {
	Record
	device device.Device
}

// New makes a fleet over the register. Load and Run start it.
func New(register store.Register, connectors map[string]Connector, log *slog.Logger) *Fleet {
	return &Fleet{register: register, connectors: connectors, log: log, devices: make(map[event.DeviceID]running),
		quits: make(map[event.DeviceID]context.CancelFunc)}
}

// Load makes the devices of the register. One that can't be made is logged and stays unreachable; the others
// go on.
func (f *Fleet) Load(ctx context.Context) error {
	if err := f.loadHealths(ctx); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	for after := ""; ; {
		records, err := f.register.List(ctx, recordKind, after, 500)
		if err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
		for _, r := range records {
			after = r.ID
			if err := f.revive(r.Data); err != nil {
				f.log.ErrorContext(ctx, "a device can't be used", slog.Any("device", r.ID), slog.Any("error", err))
			}
		}
		if len(records) == 0 {
			return nil
		}
	}
}

func (f *Fleet) revive(data []byte) error {
	var rec Record
	if err := json.Unmarshal(data, &rec); err != nil {
		return err
	}
	dev, err := f.connect(rec)
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.unusable = append(f.unusable, rec)
		return err
	}
	f.start(running{rec, dev})
	return nil
}

func (f *Fleet) connect(r Record) (device.Device, error) {
	connector, ok := f.connectors[r.Connector]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrConnector, r.Connector)
	}
	dev, err := connector(r.ID, r.Config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return dev, nil
}

// Run listens to every device until the context ends.
func (f *Fleet) Run(ctx context.Context, listen Listen) {
	f.mu.Lock()
	f.listen, f.ctx = listen, ctx
	for _, r := range f.devices {
		f.follow(r)
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	f.listen = nil // nobody begins to listen any more
	f.mu.Unlock()
	f.listeners.Wait()
}

// Add reserves a device for a site, durably, and starts it. Errors: ErrConnector, ErrConfig, ErrTaken, and the
// store's; then nothing is reserved, unless the store can't take it back, which is logged.
func (f *Fleet) Add(ctx context.Context, r Record) (device.Device, error) {
	if r.ID == "" {
		return nil, fmt.Errorf("%w: it has no identifier", ErrConfig)
	}
	if err := event.CheckSiteID(r.Site); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	version, err := f.reserve(ctx, r)
	if err != nil {
		return nil, err
	}
	dev, err := f.connect(r)
	if err != nil {
		f.release(ctx, r.ID, version)
		return nil, err
	}
	f.start(running{r, dev})
	return dev, nil
}

// reserve comes before the connector is asked, which may know each identifier only once.
func (f *Fleet) reserve(ctx context.Context, r Record) (version uint64, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	version, err = f.register.Put(ctx, store.Record{Kind: recordKind, ID: string(r.ID), Data: data})
	if errors.Is(err, store.ErrUncertain) {
		kept, again := f.register.Get(ctx, recordKind, string(r.ID))
		if again == nil && bytes.Equal(kept.Data, data) {
			return kept.Version, nil
		}
	}
	if errors.Is(err, store.ErrConflict) {
		return 0, ErrTaken
	}
	if err != nil {
		return 0, fmt.Errorf("fleet: %w", err)
	}
	return version, nil
}

// release takes a reservation back, whether or not whoever asked for it is still there.
func (f *Fleet) release(ctx context.Context, id event.DeviceID, version uint64) {
	err := f.register.Delete(context.WithoutCancel(ctx), recordKind, string(id), version)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		f.log.ErrorContext(ctx, "a device that can't be used stays reserved", slog.Any("device", id), slog.Any("error", err))
	}
}

func (f *Fleet) start(r running) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.devices[r.ID] = r
	f.follow(r)
}

// follow listens to a device; the lock is held.
func (f *Fleet) follow(r running) {
	if f.listen == nil {
		return
	}
	listen := f.listen
	ctx, quit := context.WithCancel(f.ctx)
	f.quits[r.ID] = quit
	f.listeners.Go(func() {
		defer quit()
		if err := listen(ctx, r.Site, f.heard(r)); err != nil && ctx.Err() == nil {
			f.log.ErrorContext(ctx, "a device is not heard any more", slog.Any("device", r.ID), slog.Any("error", err))
		}
	})
}

// Remove forgets a device, and ends the listening to it. What was asked of it before may still come to its end. That it is
// not there is no error, so that it may be repeated.
func (f *Fleet) Remove(ctx context.Context, id event.DeviceID) error {
	f.stop(id)
	for _, kind := range []string{healthKind, recordKind} { // the device last: while it is there, it can be removed again
		if err := f.discard(ctx, kind, id); err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
	}
	return nil
}

// stop is the opposite of start.
func (f *Fleet) stop(id event.DeviceID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if quit := f.quits[id]; quit != nil {
		quit()
	}
	delete(f.quits, id)
	delete(f.devices, id)
	f.unusable = slices.DeleteFunc(f.unusable, func(r Record) bool { return r.ID == id })
	f.healths.drop(id)
}

// discard deletes a record, whatever its version.
func (f *Fleet) discard(ctx context.Context, kind string, id event.DeviceID) error {
	for {
		r, err := f.register.Get(ctx, kind, string(id))
		if err == nil {
			err = f.register.Delete(ctx, kind, string(id), r.Version)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case errors.Is(err, store.ErrConflict) && ctx.Err() == nil: // it was heard of just now
		default:
			return err
		}
	}
}

// Device returns a running device.
func (f *Fleet) Device(id event.DeviceID) (device.Device, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	r, ok := f.devices[id]
	return r.device, ok
}

// Record returns how a running device is kept.
func (f *Fleet) Record(id event.DeviceID) (Record, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	r, ok := f.devices[id]
	return r.Record, ok
}

// At lists the running devices that are reserved for a site, by identifier.
func (f *Fleet) At(site event.SiteID) []Record {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var here []Record
	for _, r := range f.devices {
		if r.Site == site {
			here = append(here, r.Record)
		}
	}
	slices.SortFunc(here, func(a, b Record) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return here
}

// Holds finds the running device of this connector with this very configuration, whatever its site.
func (f *Fleet) Holds(connector string, config json.RawMessage) (Record, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, r := range f.devices {
		if r.Connector == connector && bytes.Equal(r.Config, config) {
			return r.Record, true
		}
	}
	return Record{}, false
}

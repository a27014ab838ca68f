package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Health is how a device has been doing, for whoever wants to find the one that will fail tomorrow. It decides
// nothing.
type Health struct {
	// Heard is our receipt of the last message that the device sent by itself or in answer; 0 for never.
	Heard event.Instant `json:"heard,omitempty"`
	// Battery is the charge in percent that it told last, 0 if it never told one.
	Battery int `json:"battery,omitempty"`
	// Charges are the last charge of each day (in UTC) on which it told one, oldest first, for a month at most.
	Charges []Charge `json:"charges,omitempty"`
}

// Charge is a battery on one day.
type Charge struct {
	// Day is its midnight in UTC.
	Day     event.Instant `json:"day"`
	Percent int           `json:"percent"`
}

const (
	healthKind = "device.health"
	mostDays   = 30
	// savedEvery is how much of what was heard a restart may forget.
	savedEvery = event.Hour
)

// noted returns the health after an observation.
func (h Health) noted(o event.Observation) Health {
	if !o.Current() || o.Reach == event.ReachOffline {
		return h
	}
	h.Heard = max(h.Heard, o.ReceivedAt)
	if o.Battery <= 0 {
		return h
	}
	h.Battery = o.Battery
	today := Charge{o.ReceivedAt - o.ReceivedAt%event.Instant(event.Day), o.Battery}
	h.Charges = slices.Clone(h.Charges)
	if last := len(h.Charges) - 1; last >= 0 && h.Charges[last].Day >= today.Day {
		h.Charges[last].Percent = today.Percent
	} else {
		h.Charges = append(h.Charges, today)
	}
	h.Charges = h.Charges[max(0, len(h.Charges)-mostDays):]
	return h
}

// worthKeeping says whether a restart should find it.
func (h Health) worthKeeping(kept Health) bool {
	return h.Heard.Since(kept.Heard) >= savedEvery || len(h.Charges) != len(kept.Charges) || kept.Heard == 0
}

// healths are those of all devices. Safe for concurrent use.
type healths struct {
	mu  sync.Mutex
	all map[event.DeviceID]*health
}

// health is one device's, and how much of it is stored at which version.
type health struct {
	saving sync.Mutex
	now    Health
	kept   Health
	// version is that of the record, 0 for none.
	version uint64
}

func (h *healths) of(id event.DeviceID) *health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[event.DeviceID]*health)
	}
	if h.all[id] == nil {
		h.all[id] = &health{}
	}
	return h.all[id]
}

func (h *healths) drop(id event.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, id)
}

// Health says how a device has been doing; the zero value when nothing is known.
func (f *Fleet) Health(id event.DeviceID) Health {
	one := f.healths.of(id)
	f.healths.mu.Lock()
	defer f.healths.mu.Unlock()
	return one.now
}

// Note takes what a device said into its health: what it answered to a question that somebody asked.
func (f *Fleet) Note(ctx context.Context, id event.DeviceID, o event.Observation) {
	one := f.healths.of(id)
	f.healths.mu.Lock()
	one.now = one.now.noted(o)
	now, keep := one.now, one.now.worthKeeping(one.kept)
	f.healths.mu.Unlock()
	if !keep {
		return
	}
	if err := f.keepHealth(ctx, id, one, now); err != nil && ctx.Err() == nil {
		f.log.DebugContext(ctx, "a device's health was not kept", slog.Any("device", id), slog.Any("error", err))
	}
}

// keepHealth stores it. Whoever else writes the same device's record heard as much: then the next report keeps more.
func (f *Fleet) keepHealth(ctx context.Context, id event.DeviceID, one *health, now Health) error {
	one.saving.Lock()
	defer one.saving.Unlock()
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	version, err := f.register.Put(ctx, store.Record{Kind: healthKind, ID: string(id), Version: one.version, Data: data})
	if errors.Is(err, store.ErrConflict) {
		r, err := f.register.Get(ctx, healthKind, string(id))
		if err == nil {
			one.version = r.Version
		}
		return err
	}
	if err != nil {
		return err
	}
	one.version = version
	f.healths.mu.Lock()
	defer f.healths.mu.Unlock()
	one.kept = now
	return nil
}

// loadHealths reads what was kept before the process began.
func (f *Fleet) loadHealths(ctx context.Context) error {
	for after := ""; ; {
		records, err := f.register.List(ctx, healthKind, after, 500)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			after = r.ID
			one := f.healths.of(event.DeviceID(r.ID))
			if err := json.Unmarshal(r.Data, &one.now); err != nil {
				f.log.WarnContext(ctx, "a device's health can't be read", slog.Any("device", r.ID), slog.Any("error", err))
			}
			one.kept, one.version = one.now, r.Version
		}
	}
}

// noting is a device whose reports are noted as they pass.
type noting struct {
	device.Device
	device.Watcher
	fleet *Fleet
	id    event.DeviceID
}

// Watch notes what the device says once it was passed on: a visit does not wait for it.
func (n noting) Watch(ctx context.Context, sink func(event.Observation)) error {
	return n.Watcher.Watch(ctx, func(o event.Observation) {
		sink(o)
		if n.Device.Spec().Vehicle() {
			o.Battery = 0 // how far a car is charged is nobody's business
		}
		n.fleet.Note(ctx, n.id, o)
	})
}

// heard is the device as it is listened to.
func (f *Fleet) heard(r running) device.Device {
	if w, ok := r.device.(device.Watcher); ok {
		return noting{r.device, w, f, r.ID}
	}
	return r.device
}

// Records returns how every device is kept, in order of identifier; usable is false for one that no connector could
// make when the process began.
func (f *Fleet) Records() []Listed {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := make([]Listed, 0, len(f.devices)+len(f.unusable))
	for _, r := range f.devices {
		all = append(all, Listed{r.Record, true})
	}
	for _, r := range f.unusable {
		all = append(all, Listed{r, false})
	}
	slices.SortFunc(all, func(a, b Listed) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Listed is a device in the list of all.
type Listed struct {
	Record
	Usable bool
}

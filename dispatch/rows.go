package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// The readers of the projections return up to limit rows after a cursor ("" for the beginning), and the cursor of the
// page after, "" at the end. A row may be as old as the moment at which it was read; what decides is the site's state.

// Underway lists the visits that have not ended.
func (d *Dispatcher) Underway(ctx context.Context, after string, limit int) ([]Underway, string, error) {
	return page[Underway](ctx, d, underwayPartition, after, limit)
}

// StandingAlarms lists the alarms that have not ended.
func (d *Dispatcher) StandingAlarms(ctx context.Context, after string, limit int) ([]StandingAlarm, string, error) {
	return page[StandingAlarm](ctx, d, alarmsPartition, after, limit)
}

// DeliveriesOn lists the deliveries whose window begins on a day, in the order of the windows.
func (d *Dispatcher) DeliveriesOn(ctx context.Context, day Day, after string, limit int) ([]Summary, string, error) {
	return page[Summary](ctx, d, deliveriesOn(day), after, limit)
}

// Facts lists what happened on a day, in order of time: visits that ended, requests that were refused, openings that
// nobody asked for, and the alarms that were raised on it and have ended.
func (d *Dispatcher) Facts(ctx context.Context, day Day, after string, limit int) ([]Fact, string, error) {
	return page[Fact](ctx, d, factsOn(day), after, limit)
}

// LastRefusal is the last request that was refused because of a barrier; false when there was none.
func (d *Dispatcher) LastRefusal(ctx context.Context, b event.BarrierID) (Fact, bool, error) {
	return row[Fact](ctx, d, lastRefusals, string(b))
}

// Refusals lists a courier's requests that were refused, the latest first.
func (d *Dispatcher) Refusals(ctx context.Context, c event.CourierID, after string, limit int) ([]Fact, string, error) {
	return page[Fact](ctx, d, refusalsOf(c), after, limit)
}

func row[T any](ctx context.Context, d *Dispatcher, partition, key string) (one T, known bool, err error) {
	r, err := d.store.Row(ctx, partition, key)
	if errors.Is(err, store.ErrNotFound) {
		return one, false, nil
	}
	if err != nil {
		return one, false, fmt.Errorf("dispatch: reading %s: %w", partition, err)
	}
	if err := json.Unmarshal(r.Data, &one); err != nil {
		return one, false, fmt.Errorf("dispatch: a row of %s: %w", partition, err)
	}
	return one, true, nil
}

// Openings lists every opening of a site's barriers, by Loquet or not, the latest first.
func (d *Dispatcher) Openings(ctx context.Context, id event.SiteID, after string, limit int) ([]Opening, string, error) {
	return page[Opening](ctx, d, openingsAt(id), after, limit)
}

func page[T any](ctx context.Context, d *Dispatcher, partition, after string, limit int) (all []T, next string, err error) {
	rows, err := d.store.Rows(ctx, partition, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("dispatch: reading %s: %w", partition, err)
	}
	all = make([]T, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Data, &all[i]); err != nil {
			return nil, "", fmt.Errorf("dispatch: a row of %s: %w", partition, err)
		}
	}
	if len(rows) > 0 && len(rows) == limit {
		next = rows[len(rows)-1].Key
	}
	return all, next, nil
}

// Opening returns the order to open that a permit was for. Errors: store.ErrNotFound.
func (d *Dispatcher) Opening(ctx context.Context, id event.PermitID) (Opening, error) {
	var o Opening
	row, err := d.store.Row(ctx, openingsAt(event.SiteOf(id)), backwardsKey(event.SeqOf(id)))
	if err != nil {
		return o, fmt.Errorf("dispatch: the opening of %s: %w", id, err)
	}
	if err := json.Unmarshal(row.Data, &o); err != nil {
		return o, fmt.Errorf("dispatch: the opening of %s: %w", id, err)
	}
	return o, nil
}

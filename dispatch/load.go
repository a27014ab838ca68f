package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Load returns the site as of its last commit; a site that does not exist has Seq 0.
func (d *Dispatcher) Load(ctx context.Context, id event.SiteID) (site.State, error) {
	if err := event.CheckSiteID(id); err != nil {
		return site.State{}, site.Invalid{Field: "site", Problem: err.Error()}
	}
	snap, err := d.store.Load(ctx, id)
	if err != nil {
		return site.State{}, err
	}
	if snap.Version == 0 {
		return site.State{Site: id}, nil
	}
	state, err := d.memo.decode(id, snap.State)
	if err != nil {
		d.log.WarnContext(ctx, "a stored state can't be read; it is folded from the journal again", slog.Any("site", id), slog.Any("error", err))
		return d.refold(ctx, id, snap.Version)
	}
	return state, nil
}

// refoldAtOnce is how many events are read at once to fold a state again.
const refoldAtOnce = 1000

// refold makes the state of a version from the journal: the stored one was written by another release.
func (d *Dispatcher) refold(ctx context.Context, id event.SiteID, version uint64) (site.State, error) {
	state := site.State{Site: id}
	for state.Seq < version {
		events, err := d.Events(ctx, id, state.Seq, int(min(refoldAtOnce, version-state.Seq)))
		if err != nil {
			return site.State{}, err
		}
		if len(events) == 0 {
			return site.State{}, fmt.Errorf("dispatch: the journal of %s ends at %d, not at %d", id, state.Seq, version)
		}
		state = site.Fold(state, events)
	}
	return state, nil
}

// Events returns up to limit events of a site's journal after the sequence, in order.
func (d *Dispatcher) Events(ctx context.Context, id event.SiteID, after uint64, limit int) ([]event.Event, error) {
	entries, err := d.store.Events(ctx, id, after, limit)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Data, &events[i]); err != nil {
			return nil, fmt.Errorf("dispatch: %s %d: %w", id, entry.Seq, err)
		}
	}
	return events, nil
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// kindTold is the register of events that some webhooks have, and others not yet.
const kindTold = "api.told"

// progress is which webhooks have an event already. It is written only when another one failed.
type progress struct {
	work    string
	version uint64
	done    []string
}

// progress reads how far earlier attempts at a piece of work came.
func (w *Webhooks) progress(ctx context.Context, work store.Work) (progress, error) {
	p := progress{work: work.ID}
	r, err := w.store.Get(ctx, kindTold, work.ID)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.version = r.Version
	if err := json.Unmarshal(r.Data, &p.done); err != nil {
		return p, fmt.Errorf("api: progress of %s: %w", work.ID, err)
	}
	return p, nil
}

func (p *progress) has(id string) bool { return slices.Contains(p.done, id) }

func (p *progress) add(id string) {
	if !p.has(id) {
		p.done = append(p.done, id)
	}
}

func (p *progress) save(ctx context.Context, reg store.Register, now event.Instant) error {
	data, err := json.Marshal(p.done)
	if err != nil {
		return fmt.Errorf("api: progress of %s: %w", p.work, err)
	}
	until := now.Add(2 * giveUpAfter)
	_, err = reg.Put(ctx, store.Record{Kind: kindTold, ID: p.work, Version: p.version, Data: data, Until: until})
	return err
}

// forget tidies once everybody has the event.
func (p *progress) forget(ctx context.Context, reg store.Register) error {
	if p.version == 0 {
		return nil
	}
	err := reg.Delete(ctx, kindTold, p.work, p.version)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

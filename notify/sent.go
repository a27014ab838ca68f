package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// sentKept is how long beyond its worth a message is remembered: until nobody would send it again.
const sentKept = event.Hour

// verdict is what became of one message to one address.
type verdict struct {
	// Failed: it will not be sent; otherwise the other side has it.
	Failed bool `json:"failed,omitempty"`
}

// ledger remembers what was sent, right after each message. A crash in between, or a note that was lost, sends the
// message again under its old identifier.
type ledger struct{ register store.Register }

// find returns what became of a message; known is false when it has to be sent.
func (l ledger) find(ctx context.Context, id string) (v verdict, known bool, err error) {
	r, err := l.register.Get(ctx, kindSent, id)
	if errors.Is(err, store.ErrNotFound) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	if err := json.Unmarshal(r.Data, &v); err != nil {
		return v, false, fmt.Errorf("notify: record %s: %w", kindSent, err)
	}
	return v, true, nil
}

// note remembers what became of a message. A note whose fate is not known is written again; one that is there already
// says the same.
func (l ledger) note(ctx context.Context, id string, v verdict, until event.Instant) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("notify: record %s: %w", kindSent, err)
	}
	const tries = 3
	for range tries {
		_, err = l.register.Put(ctx, store.Record{Kind: kindSent, ID: id, Data: data, Until: until.Add(sentKept)})
		if err == nil || errors.Is(err, store.ErrConflict) {
			return nil
		}
		if !errors.Is(err, store.ErrUncertain) {
			return err
		}
	}
	return err
}

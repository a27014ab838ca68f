package unlock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/loquet/loquet/event"
)

// Permit is the right to open one barrier once. Only Commit makes one; the zero value is refused. It is used
// through a pointer and never copied.
type Permit struct {
	intent event.Permit
	gate   *Gate
	code   string
	spent  atomic.Bool
}

// Intent is the committed intent that the permit comes from.
func (p *Permit) Intent() event.Permit { return p.intent }

// Encode writes the canonical bytes of an intent: what a hub in the home will check a signature over.
func Encode(p event.Permit) ([]byte, error) { return json.Marshal(p) }

// Parse reads what Encode wrote, and nothing else: unknown fields, another order or other spacing are errors.
func Parse(data []byte) (event.Permit, error) {
	var p event.Permit
	if err := event.Strict(data, &p); err != nil {
		return event.Permit{}, fmt.Errorf("unlock: a permit can't be read: %w", err)
	}
	again, err := Encode(p)
	if err != nil || !bytes.Equal(again, data) {
		return event.Permit{}, errors.New("unlock: a permit is not in its canonical form")
	}
	return p, nil
}

package mqtt

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// recordedWithin is how long a message stays unacknowledged for a watcher that has not recorded it: acknowledgments
// go in order, so that one that hangs would make the broker keep everybody's messages.
const recordedWithin = 3 * time.Second

// receipt acknowledges one message when all watchers have recorded it. If the process ends before, the broker sends
// it again. A nil receipt is of a message that needs no acknowledgment.
type receipt struct {
	waiting atomic.Int32 // watchers that have not recorded it, and whoever hands it on
	once    sync.Once
	ack     func()
}

func (c *Client) newReceipt(pr paho.PublishReceived) *receipt {
	if pr.Packet.QoS == 0 {
		return nil
	}
	r := &receipt{ack: func() {
		if !c.leaving.Load() {
			_ = pr.Client.Ack(pr.Packet) // of a connection that has ended, it is no longer wanted
		}
	}}
	r.waiting.Store(1)
	return r
}

// keep makes the acknowledgment wait for one more drop.
func (r *receipt) keep() {
	if r == nil {
		return
	}
	if r.waiting.Add(1) == 2 {
		time.AfterFunc(recordedWithin, r.acknowledge)
	}
}

// drop ends one waiting.
func (r *receipt) drop() {
	if r != nil && r.waiting.Add(-1) == 0 {
		r.acknowledge()
	}
}

func (r *receipt) acknowledge() {
	if r != nil {
		r.once.Do(r.ack)
	}
}

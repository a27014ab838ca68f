package broker

import (
	"net"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// presence is one connection under a client identifier, from its authentication until the library has dealt
// with its end.
//
// The library, when a client comes back under its identifier while it still clears up after the old connection,
// clears up the new one: the client is connected, and never hears anything again. So a new connection waits
// here until the old one is gone.
type presence struct {
	conn net.Conn
	gone chan struct{}
	// narrow is set where the client takes fewer messages that it has not acknowledged than the broker keeps.
	narrow bool
}

// patienceWithOld is how long a new connection waits for the old one of its name to end.
const patienceWithOld = 5 * time.Second

// arrive makes a client the only one of its identifier. It says whether it could.
func (g *guard) arrive(cl *mochi.Client) bool {
	limit := time.NewTimer(patienceWithOld)
	defer limit.Stop()
	for {
		old := g.enter(cl)
		if old == nil {
			return true
		}
		if other, found := g.broker.Clients.Get(cl.ID); found {
			_ = g.broker.DisconnectClient(other, packets.ErrSessionTakenOver) // its error is the code itself
		}
		_ = old.conn.Close()
		select {
		case <-old.gone:
		case <-limit.C:
			return false
		}
	}
}

// enter takes the place of a client identifier, or returns who has it.
func (g *guard) enter(cl *mochi.Client) *presence {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.present[cl.ID]; old != nil {
		return old
	}
	mine := &presence{conn: cl.Net.Conn, gone: make(chan struct{})}
	g.present[cl.ID], g.places[cl.Net.Conn] = mine, cl.ID
	return nil
}

// left is called when the library has dealt with the end of a connection.
func (g *guard) left(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, found := g.places[conn]
	if !found {
		return
	}
	close(g.present[id].gone)
	delete(g.present, id)
	delete(g.places, conn)
}

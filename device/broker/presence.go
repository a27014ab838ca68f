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
	client *mochi.Client
	conn   net.Conn
	gone   chan struct{}
}

// patienceWithOld is how long a new connection waits for the old one of its name to end.
const patienceWithOld = 5 * time.Second

// arrive makes a client, whose password fits the hash, the only one of its identifier. It says whether it could.
func (g *guard) arrive(cl *mochi.Client, hash string) bool {
	limit := time.NewTimer(patienceWithOld)
	defer limit.Stop()
	for {
		old, valid := g.enter(cl, hash)
		if old == nil || !valid {
			return valid
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

// enter takes the place of a client identifier, or returns who has it. It is not valid any more if the account's password
// was changed since it was checked.
func (g *guard) enter(cl *mochi.Client, hash string) (old *presence, valid bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hashOf(string(cl.Properties.Username)) != hash {
		return nil, false
	}
	if old := g.present[cl.ID]; old != nil {
		return old, true
	}
	mine := &presence{client: cl, conn: cl.Net.Conn, gone: make(chan struct{})}
	g.present[cl.ID], g.places[cl.Net.Conn] = mine, mine
	return nil, true
}

// left is called when the library has dealt with the end of a connection.
func (g *guard) left(conn net.Conn) {
	g.mu.RLock()
	mine := g.places[conn]
	g.mu.RUnlock()
	if mine == nil {
		return
	}
	g.clear(mine.client)
	g.mu.Lock()
	defer g.mu.Unlock()
	close(mine.gone)
	delete(g.present, mine.client.ID)
	delete(g.places, conn)
}

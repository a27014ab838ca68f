package broker

import (
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// What becomes of sessions: each is counted as soon as the library can keep anything of it, and is as short as it says.

// OnSessionEstablish counts a session, and has the library forget what it can't be trusted with.
//
// Where it counts by a client's Receive Maximum, it takes a lock twice at each acknowledgement (Inflight.NextImmediate), and
// where another message is on its way to the client just then, neither gets any further, nor does anybody else. What is
// under way to a client is bounded by Limits.Inflight instead, which the server takes and others are never sent.
//
// An alias of a topic is one that the client never heard of where the message that named it was dropped. A last will is
// not kept beyond its session.
func (g *guard) OnSessionEstablish(cl *mochi.Client, _ packets.Packet) {
	cl.Properties.Props.ReceiveMaximum = 0
	cl.State.Inflight.ResetSendQuota(0)
	cl.Properties.Props.TopicAliasMaximum = 0
	cl.Properties.Will.WillDelayInterval = min(cl.Properties.Will.WillDelayInterval, g.lasts(cl))
	g.mu.Lock()
	defer g.mu.Unlock()
	username := string(cl.Properties.Username)
	if g.sessions[username] == nil {
		g.sessions[username] = map[string]bool{}
	}
	g.sessions[username][cl.ID] = true
	g.owners[cl.ID] = username
}

// lasts is for how many seconds a client's session outlives its connection.
func (g *guard) lasts(cl *mochi.Client) uint32 {
	if cl.Properties.ProtocolVersion == 5 {
		return min(cl.Properties.Props.SessionExpiryInterval, g.limits.SessionSeconds)
	}
	if cl.Properties.Clean {
		return 0
	}
	return g.limits.SessionSeconds
}

// OnPacketRead ends a connection whose client the library does not know any more, as where a session expired in the moment
// in which it was taken up: it would be answered, and never hear of anything.
func (g *guard) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type == packets.Connect {
		return pk, nil
	}
	if known, _ := g.broker.Clients.Get(cl.ID); known != cl {
		cl.Stop(packets.ErrSessionTakenOver)
		return pk, packets.ErrRejectPacket
	}
	return pk, nil
}

// OnSubscribe grants a device no quality of service: the library would wait for whoever does not read while it gives a
// message its number, and the server's orders to all other devices behind it. A filter too many is made an invalid one.
func (g *guard) OnSubscribe(cl *mochi.Client, pk packets.Packet) packets.Packet {
	if string(cl.Properties.Username) == g.server.Username {
		return pk
	}
	room := g.limits.Subscriptions - cl.State.Subscriptions.Len()
	for i := range pk.Filters {
		pk.Filters[i].Qos = 0
		if i >= room {
			pk.Filters[i].Filter = ""
		}
	}
	return pk
}

// OnDisconnect forgets a session that ends with its connection. One that was taken over lives on in the
// connection that took it.
func (g *guard) OnDisconnect(cl *mochi.Client, _ error, expire bool) {
	if expire && !cl.IsTakenOver() {
		g.forget(cl)
	}
}

// OnClientExpired forgets an offline session, and its subscriptions, which the library leaves behind.
func (g *guard) OnClientExpired(cl *mochi.Client) {
	g.broker.UnsubscribeClient(cl)
	cl.ClearInflights()
	g.forget(cl)
}

// clear drops a session that should have ended with its connection: the library leaves it where it breaks at a packet,
// and where it can't tell a client that it is connected.
func (g *guard) clear(cl *mochi.Client) {
	if known, _ := g.broker.Clients.Get(cl.ID); known == cl && g.lasts(cl) == 0 {
		g.OnClientExpired(cl)
		g.broker.Clients.Delete(cl.ID)
	}
}

// end closes a connection and drops its session.
func (g *guard) end(clientID string) {
	cl, found := g.broker.Clients.Get(clientID)
	if !found {
		return
	}
	_ = g.broker.DisconnectClient(cl, packets.ErrNotAuthorized) // its error is the code itself
	g.OnClientExpired(cl)
	g.broker.Clients.Delete(clientID)
}

func (g *guard) forget(cl *mochi.Client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	username := string(cl.Properties.Username)
	if g.owners[cl.ID] == username {
		delete(g.owners, cl.ID)
	}
	delete(g.sessions[username], cl.ID)
	if len(g.sessions[username]) == 0 {
		delete(g.sessions, username)
	}
}

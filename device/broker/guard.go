package broker

import (
	"maps"
	"net"
	"slices"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// guard is the hook that decides who may do what. Whatever it does not name is denied.
type guard struct {
	mochi.HookBase
	broker *mochi.Server
	server Credentials
	limits Limits
	decoy  string // what a password for an unknown name is compared with, so that both take as long

	mu       sync.RWMutex
	accounts map[string]Account
	commands map[string]int             // plain command topics, with the number of accounts that name them
	wild     map[string]int             // the same for those with wildcards, which are few
	present  map[string]*presence       // by client identifier: who is connected
	places   map[net.Conn]*presence     // the same by their connections
	sessions map[string]map[string]bool // by user name: the client identifiers of its sessions
	owners   map[string]string          // client identifier → user name
	retained map[string]string          // topic → user name of whoever keeps a message there
	kept     map[string]int             // user name → number of topics kept
}

func newGuard(broker *mochi.Server, server Credentials, limits Limits) *guard {
	return &guard{
		broker: broker, server: server, limits: limits, decoy: HashPassword(NewPassword()),
		accounts: map[string]Account{}, commands: map[string]int{}, wild: map[string]int{},
		present: map[string]*presence{}, places: map[net.Conn]*presence{}, sessions: map[string]map[string]bool{}, owners: map[string]string{},
		retained: map[string]string{}, kept: map[string]int{},
	}
}

// ID names the hook in the library's log.
func (*guard) ID() string { return "loquet-guard" }

// Provides says which events the hook wants.
func (*guard) Provides(b byte) bool {
	switch b {
	case mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnWill, mochi.OnRetainMessage, mochi.OnRetainedExpired,
		mochi.OnSessionEstablish, mochi.OnPacketRead, mochi.OnSubscribe, mochi.OnDisconnect, mochi.OnClientExpired:
		return true
	}
	return false
}

// OnConnectAuthenticate checks the password, the last will (which the library publishes without asking) and
// the number of sessions.
func (g *guard) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	username := string(pk.Connect.Username)
	g.mu.RLock()
	hash := g.hashOf(username)
	g.mu.RUnlock()
	if !matches(hash, string(pk.Connect.Password)) {
		g.Log.Warn("a wrong user name or password was refused", "username", username)
		return false
	}
	if !g.sessionAllowed(username, cl.ID) {
		g.Log.Warn("a connection was refused: another account's client identifier, or too many sessions", "username", username)
		return false
	}
	if pk.Connect.WillFlag && !g.willAllowed(username, pk) {
		g.Log.Warn("a connection was refused: its last will is not on a topic of its own", "username", username)
		return false
	}
	return g.arrive(cl, hash)
}

// hashOf is what an account's password must fit. The caller holds the lock.
func (g *guard) hashOf(username string) string {
	if username == g.server.Username {
		return g.server.PasswordHash
	}
	if account, found := g.accounts[username]; found {
		return account.PasswordHash
	}
	return g.decoy
}

// sessionAllowed keeps an account from taking over another's session by naming it, and from leaving sessions
// behind without end.
func (g *guard) sessionAllowed(username, clientID string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if owner, taken := g.owners[clientID]; taken {
		return owner == username
	}
	return username == g.server.Username || len(g.sessions[username]) < g.limits.SessionsPerAccount
}

func (g *guard) willAllowed(username string, pk packets.Packet) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	topic := pk.Connect.WillTopic
	account, found := g.accounts[username]
	return found && plain(topic) && bounded(topic) && account.mayPublish(topic) && !(pk.Connect.WillRetain && g.isCommand(topic))
}

// OnACLCheck is asked before each publication, subscription and delivery.
func (g *guard) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	if topic == "" || topic[0] == '$' || !bounded(topic) {
		return false
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	username := string(cl.Properties.Username)
	if username == g.server.Username {
		return !write || g.isCommand(topic)
	}
	account, found := g.accounts[username]
	if !found {
		return false
	}
	if write {
		return account.mayPublish(topic)
	}
	return account.maySubscribe(topic)
}

// isCommand says whether some device takes orders on the topic. The caller holds the lock.
func (g *guard) isCommand(topic string) bool {
	if g.commands[topic] > 0 {
		return true
	}
	for filter := range g.wild {
		if covers(filter, topic) {
			return true
		}
	}
	return false
}

// OnPublish refuses what must not be kept. Only with ErrRejectPacket does the library drop a message at every
// quality of service and version; the specific code is for those who can be told.
func (g *guard) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if !pk.FixedHeader.Retain {
		return pk, nil
	}
	reason, ok := g.retainAllowed(string(cl.Properties.Username), pk)
	if ok {
		return pk, nil
	}
	g.Log.Warn("a retained message was refused", "username", string(cl.Properties.Username), "reason", reason.Reason)
	if pk.FixedHeader.Qos == 1 && cl.Properties.ProtocolVersion == 5 {
		return pk, reason
	}
	return pk, packets.ErrRejectPacket
}

func (g *guard) retainAllowed(username string, pk packets.Packet) (packets.Code, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.isCommand(pk.TopicName) {
		return packets.ErrNotAuthorized, false
	}
	_, again := g.retained[pk.TopicName]
	if len(pk.Payload) > 0 && !again && g.kept[username] >= g.limits.RetainedPerAccount {
		return packets.ErrQuotaExceeded, false
	}
	return packets.CodeSuccess, true
}

// OnRetainMessage counts what is kept; an empty message clears the topic.
func (g *guard) OnRetainMessage(cl *mochi.Client, pk packets.Packet, _ int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(pk.TopicName)
	if len(pk.Payload) > 0 {
		username := string(cl.Properties.Username)
		g.retained[pk.TopicName] = username
		g.kept[username]++
	}
}

// OnWill keeps no last will that would be a retained message too many, or of an account that is gone.
func (g *guard) OnWill(cl *mochi.Client, will mochi.Will) (mochi.Will, error) {
	username := string(cl.Properties.Username)
	_, ok := g.retainAllowed(username, packets.Packet{TopicName: will.TopicName, Payload: will.Payload})
	g.mu.RLock()
	defer g.mu.RUnlock()
	_, found := g.accounts[username]
	will.Retain = will.Retain && ok && found
	return will, nil
}

// OnRetainedExpired counts what is no longer kept, and has the library forget its topic too, which it leaves behind.
func (g *guard) OnRetainedExpired(topic string) {
	g.broker.Topics.RetainMessage(packets.Packet{TopicName: topic})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(topic)
}

// drop forgets who keeps a message on a topic. The caller holds the lock.
func (g *guard) drop(topic string) {
	if owner, found := g.retained[topic]; found {
		delete(g.retained, topic)
		if g.kept[owner]--; g.kept[owner] == 0 {
			delete(g.kept, owner)
		}
	}
}

func (g *guard) allow(a Account) error {
	if err := a.check(); err != nil {
		return err
	}
	if a.Username == g.server.Username {
		return errServerAccount
	}
	g.evict(a.Username)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[a.Username] = a
	g.countCommands(a, 1)
	return nil
}

// remove forgets an account and what it kept.
func (g *guard) remove(username string) {
	g.evict(username)
	g.mu.Lock()
	var kept []string
	for topic, owner := range g.retained {
		if owner == username {
			kept = append(kept, topic)
		}
	}
	g.mu.Unlock()
	for _, topic := range kept {
		g.OnRetainedExpired(topic)
	}
}

// evict forgets an account and ends its sessions, but leaves what it kept.
func (g *guard) evict(username string) {
	g.mu.Lock()
	if account, found := g.accounts[username]; found {
		g.countCommands(account, -1)
		delete(g.accounts, username)
	}
	var here []net.Conn
	for conn, one := range g.places {
		if string(one.client.Properties.Username) == username {
			here = append(here, conn)
		}
	}
	gone := slices.Collect(maps.Keys(g.sessions[username]))
	g.mu.Unlock()
	for _, clientID := range gone {
		g.end(clientID)
	}
	for _, conn := range here { // also those that have no session yet
		_ = conn.Close()
	}
}

// countCommands adds n to the count of each of an account's command topics. The caller holds the lock.
func (g *guard) countCommands(a Account, n int) {
	for _, filter := range a.Commands {
		count := g.wild
		if plain(filter) {
			count = g.commands
		}
		if count[filter] += n; count[filter] <= 0 {
			delete(count, filter)
		}
	}
}

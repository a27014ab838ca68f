// Package broker is the embedded MQTT 5 broker, for households and small operators that run none of their own.
//
// Everything that no account names is denied. Each device has an account of its own, with its own topics: it
// may publish where it reports, and subscribe to where it takes commands; nothing else, not even another
// device's state. The server's account may publish on those command topics and subscribe to everything, and so
// can't forge a report. A retained message on a command topic is refused to everybody, because it would act
// again at each reconnection.
//
// It listens on loopback unless told otherwise. What it keeps is bounded: sessions, messages in flight,
// retained messages, sizes of packets.
package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/loquet/loquet/device/patience"
	mochi "github.com/mochi-mqtt/server/v2"
)

// Config says how the broker listens and what it keeps. The zero value of a limit takes the default.
type Config struct {
	// Address to listen on, "host:port"; "" is "127.0.0.1:0", loopback on a free port.
	Address string
	// TLS, if set, is the only way in. Beyond loopback it should be set.
	TLS *tls.Config
	// Server is the account of Loquet itself; its topics are those of the devices.
	Server Credentials
	Limits Limits
	Logger *slog.Logger
}

// Credentials are a name and a hash made by HashPassword.
type Credentials struct {
	Username     string
	PasswordHash string
}

// Limits on what the broker keeps.
type Limits struct {
	// Connections at one time (default 10,000).
	Connections int
	// SessionsPerAccount, connected or not (default 4).
	SessionsPerAccount int
	// SessionSeconds is how long an offline session is kept (default 3,600).
	SessionSeconds uint32
	// Inflight messages at QoS 1 and 2 that the server has not acknowledged (default 1,024, which its client takes).
	// Devices are given none.
	Inflight uint16
	// Subscriptions of one device's session (default 256).
	Subscriptions int
	// RetainedPerAccount is how many topics one account may keep a retained message on (default 64).
	RetainedPerAccount int
	// PacketBytes is the size of the largest packet (default 65,536).
	PacketBytes uint32
}

// receiveMost is how many messages at QoS 2 a client may have under way to the broker.
const receiveMost = 256

func (l Limits) withDefaults() Limits {
	l.Connections = or(l.Connections, 10_000)
	l.SessionsPerAccount = or(l.SessionsPerAccount, 4)
	l.SessionSeconds = or(l.SessionSeconds, 3600)
	l.Inflight = or(l.Inflight, 1024)
	l.Subscriptions = or(l.Subscriptions, 256)
	l.RetainedPerAccount = or(l.RetainedPerAccount, 64)
	l.PacketBytes = or(l.PacketBytes, 65_536)
	return l
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Broker is a running broker. Its methods are safe for concurrent use.
type Broker struct {
	server  *mochi.Server
	guard   *guard
	address string
	secure  bool
	close   func() error // once
}

// Start listens and serves until Close.
func Start(cfg Config) (*Broker, error) {
	if cfg.Server.Username == "" || cfg.Server.PasswordHash == "" {
		return nil, errors.New("the broker needs an account for the server")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	listener, err := listen(cfg)
	if err != nil {
		return nil, fmt.Errorf("the broker can't listen: %w", err)
	}
	limits := cfg.Limits.withDefaults()
	server := mochi.New(options(limits, slog.New(discreet{cfg.Logger.Handler()})))
	guard := newGuard(server, cfg.Server, limits)
	if err := errors.Join(server.AddHook(guard, nil), server.AddListener(newDoorkeeper(listener, limits.Connections, guard.left))); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if err := server.Serve(); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &Broker{
		server: server, guard: guard, address: listener.Addr().String(), secure: cfg.TLS != nil,
		close: sync.OnceValue(server.Close),
	}, nil
}

func listen(cfg Config) (net.Listener, error) {
	listener, err := patience.Listen(or(cfg.Address, "127.0.0.1:0"))
	if err != nil || cfg.TLS == nil {
		return listener, err
	}
	return tls.NewListener(listener, cfg.TLS), nil
}

func options(limits Limits, logger *slog.Logger) *mochi.Options {
	can := mochi.NewDefaultServerCapabilities()
	can.MaximumClients = int64(limits.Connections)
	can.MaximumSessionExpiryInterval = limits.SessionSeconds
	can.MaximumInflight = limits.Inflight
	can.ReceiveMaximum = receiveMost
	can.MaximumPacketSize = limits.PacketBytes
	// Slow readers lose messages instead of filling the memory: a command at QoS 0 is void by then anyway.
	can.MaximumClientWritesPending = 1024
	// 0 means "as the message says"; any other value would also drop the retained messages of that age, and a
	// lock that has not moved for a day would lose its state.
	can.MaximumMessageExpiryInterval = 0
	// The library checks the rights of an aliased message against an empty topic; shared subscriptions hide
	// their topic in a prefix. Neither is needed here.
	can.TopicAliasMaximum = 0
	can.SharedSubAvailable = 0
	can.Compatibilities.NoInheritedPropertiesOnAck = true
	return &mochi.Options{Capabilities: can, Logger: logger, SysTopicResendInterval: 3600}
}

// Address is "host:port" of the listening socket.
func (b *Broker) Address() string { return b.address }

// URL is the address in the form that clients take: "mqtt://host:port", or "mqtts://" with TLS.
func (b *Broker) URL() string {
	if b.secure {
		return "mqtts://" + b.address
	}
	return "mqtt://" + b.address
}

// Allow adds a device's account or replaces it. Replacing ends its connections, because their rights were
// the old ones.
func (b *Broker) Allow(a Account) error { return b.guard.allow(a) }

// Remove forgets an account, ends its connections and drops its sessions. An unknown name is no error.
func (b *Broker) Remove(username string) { b.guard.remove(username) }

// Close ends all connections and stops listening. It may be called again.
func (b *Broker) Close() error { return b.close() }

package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device/broker"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var passwords = map[string]string{
	"loquet": broker.NewPassword(), "front": broker.NewPassword(), "garage": broker.NewPassword(),
}

// start runs a broker with two devices, each with its own topics.
func start(t *testing.T, cfg broker.Config) *broker.Broker {
	t.Helper()
	cfg.Server = broker.Credentials{Username: "loquet", PasswordHash: broker.HashPassword(passwords["loquet"])}
	b, err := broker.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"front", "garage"} {
		allow(t, b, name)
	}
	return b
}

func allow(t *testing.T, b *broker.Broker, name string) {
	t.Helper()
	if err := b.Allow(broker.Account{
		Credentials: broker.Credentials{Username: name, PasswordHash: broker.HashPassword(passwords[name])},
		Reports:     []string{"home/" + name + "/state", "home/" + name + "/log/+"},
		Commands:    []string{"home/" + name + "/set", "home/" + name + "/set/#"},
	}); err != nil {
		t.Fatal(err)
	}
}

// peer is a client without any cleverness.
type peer struct {
	*paho.Client
	t    *testing.T
	conn net.Conn
	got  chan *paho.Publish
	gone chan struct{}
}

type option func(*paho.Connect)

func connect(t *testing.T, b *broker.Broker, name string, options ...option) (*peer, error) {
	t.Helper()
	conn, err := net.Dial("tcp", b.Address())
	if err != nil {
		t.Fatal(err)
	}
	return connectOn(t, conn, name, options...)
}

func connectOn(t *testing.T, conn net.Conn, name string, options ...option) (*peer, error) {
	t.Helper()
	p := &peer{t: t, conn: conn, got: make(chan *paho.Publish, 100), gone: make(chan struct{})}
	gone := sync.OnceFunc(func() { close(p.gone) })
	p.Client = paho.NewClient(paho.ClientConfig{
		Conn:               conn,
		OnServerDisconnect: func(*paho.Disconnect) { gone() },
		OnClientError:      func(error) { gone() },
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(pr paho.PublishReceived) (bool, error) {
			p.got <- pr.Packet
			return true, nil
		}},
	})
	packet := &paho.Connect{
		ClientID: name + "-client", CleanStart: true, KeepAlive: 30,
		Username: name, UsernameFlag: true, Password: []byte(passwords[name]), PasswordFlag: true,
	}
	for _, o := range options {
		o(packet)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := p.Connect(ctx, packet)
	t.Cleanup(p.cut)
	return p, err
}

func must(t *testing.T, b *broker.Broker, name string, options ...option) *peer {
	t.Helper()
	p, err := connect(t, b, name, options...)
	if err != nil {
		t.Fatalf("%s can't connect: %v", name, err)
	}
	return p
}

func (p *peer) cut() {
	_ = p.conn.Close()
	select {
	case <-p.Done():
	case <-time.After(5 * time.Second):
		p.t.Error("the client did not end")
	}
}

func (p *peer) subscribe(filter string) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	_, err := p.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
	return err
}

func (p *peer) publish(topic, payload string, qos byte, retain bool) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	_, err := p.Publish(ctx, &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: retain})
	return err
}

// next returns the next message's topic and payload, and whether the broker had kept it.
func (p *peer) next() (string, bool) {
	p.t.Helper()
	select {
	case m := <-p.got:
		return m.Topic + " " + string(m.Payload), m.Retain
	case <-time.After(5 * time.Second):
		p.t.Fatal("no message came")
		return "", false
	}
}

// nothingBut publishes a last message and checks that the receiver was given that one only.
func (p *peer) nothingBut(sender *peer, topic string) {
	p.t.Helper()
	if err := sender.publish(topic, "last", 1, false); err != nil {
		p.t.Fatal(err)
	}
	if got, _ := p.next(); got != topic+" last" {
		p.t.Fatalf("was given %q", got)
	}
}

func (p *peer) isGone() {
	p.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(5 * time.Second):
		p.t.Fatal("it is still connected")
	}
}

func TestItListensOnLoopback(t *testing.T) {
	b := start(t, broker.Config{})
	if !strings.HasPrefix(b.Address(), "127.0.0.1:") || b.URL() != "mqtt://"+b.Address() {
		t.Fatalf("it listens on %s (%s)", b.Address(), b.URL())
	}
}

func TestOnlyTheRightPasswordLetsIn(t *testing.T) {
	b := start(t, broker.Config{})
	must(t, b, "front")
	for name, bad := range map[string]option{
		"another device's password": func(c *paho.Connect) { c.Password = []byte(passwords["garage"]) },
		"no password":               func(c *paho.Connect) { c.PasswordFlag, c.Password = false, nil },
		"nobody":                    func(c *paho.Connect) { c.UsernameFlag, c.Username = false, "" },
		"an unknown name":           func(c *paho.Connect) { c.Username = "cellar" },
		"the hash as the password":  func(c *paho.Connect) { c.Password = []byte(broker.HashPassword(passwords["front"])) },
	} {
		if _, err := connect(t, b, "front", bad); err == nil {
			t.Errorf("%s was let in", name)
		}
	}
}

func TestADeviceSeesAndDoesOnlyItsOwn(t *testing.T) {
	b := start(t, broker.Config{})
	front, server := must(t, b, "front"), must(t, b, "loquet")
	for _, filter := range []string{
		"#", "+/+/set", "home/+/set", "home/garage/set", "home/front/state", "$SYS/#", "$SYS/broker/version",
		"$share/all/home/front/set", "home/front/+", "home/#",
	} {
		if front.subscribe(filter) == nil {
			t.Errorf("a device may subscribe to %q", filter)
		}
	}
	if err := errors.Join(front.subscribe("home/front/set"), front.subscribe("home/front/set/now"), server.subscribe("home/#")); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"home/garage/state", "home/garage/set", "home/front/set", "home/front/log", "home/front/log/a/b", "cellar"} {
		if front.publish(topic, "forged", 1, false) == nil {
			t.Errorf("a device may publish on %q", topic)
		}
		_ = front.publish(topic, "forged", 0, false)
	}
	server.nothingBut(front, "home/front/state")
	server.nothingBut(front, "home/front/log/today")
}

func TestTheServerCommandsAndCantForgeReports(t *testing.T) {
	b := start(t, broker.Config{})
	front, server, other := must(t, b, "front"), must(t, b, "loquet"), must(t, b, "garage")
	if err := errors.Join(front.subscribe("home/front/set"), other.subscribe("home/garage/set"), server.subscribe("home/#")); err != nil {
		t.Fatal(err)
	}
	if server.publish("home/front/state", "LOCKED", 1, false) == nil {
		t.Error("the server may forge a report")
	}
	if server.publish("anything", "x", 1, false) == nil {
		t.Error("the server may publish where nobody takes commands")
	}
	if server.subscribe("$SYS/#") == nil {
		t.Error("the server may look into the broker")
	}
	front.nothingBut(server, "home/front/set")
	other.nothingBut(server, "home/garage/set")
	for range 2 {
		_, _ = server.next() // it hears its own commands, and nothing of the forged ones
	}
	server.nothingBut(front, "home/front/state")
}

func TestNoCommandIsRetained(t *testing.T) {
	b := start(t, broker.Config{})
	server := must(t, b, "loquet")
	for qos := range byte(2) {
		_ = server.publish("home/front/set", "UNLOCK", qos, true)
		_ = server.publish("home/front/set/deep/er", "UNLOCK", qos, true)
	}
	if server.publish("home/front/set", "UNLOCK", 1, true) == nil {
		t.Error("a retained command was acknowledged")
	}
	front := must(t, b, "front")
	if err := errors.Join(front.subscribe("home/front/set"), front.subscribe("home/front/set/#")); err != nil {
		t.Fatal(err)
	}
	front.nothingBut(server, "home/front/set/deep/er")
}

func TestAReportIsRetainedUntilItsAccountIsRemoved(t *testing.T) {
	b := start(t, broker.Config{})
	front := must(t, b, "front")
	if err := front.publish("home/front/state", "LOCKED", 1, true); err != nil {
		t.Fatal(err)
	}
	server := must(t, b, "loquet")
	if err := server.subscribe("home/front/state"); err != nil {
		t.Fatal(err)
	}
	if got, kept := server.next(); got != "home/front/state LOCKED" || !kept {
		t.Fatalf("was given %q, kept %v", got, kept)
	}
	b.Remove("front")
	front.isGone()
	late := must(t, b, "loquet", func(c *paho.Connect) { c.ClientID = "late" })
	if err := late.subscribe("home/#"); err != nil {
		t.Fatal(err)
	}
	late.nothingBut(must(t, b, "garage"), "home/garage/state")
	if _, err := connect(t, b, "front"); err == nil {
		t.Fatal("a removed account was let in")
	}
	b.Remove("front") // again is no error
}

func TestReplacingAnAccountEndsItsConnectionsAndKeepsItsState(t *testing.T) {
	b := start(t, broker.Config{})
	front := must(t, b, "front")
	if err := front.publish("home/front/state", "LOCKED", 1, true); err != nil {
		t.Fatal(err)
	}
	allow(t, b, "front")
	front.isGone()
	server := must(t, b, "loquet")
	if err := server.subscribe("home/front/state"); err != nil {
		t.Fatal(err)
	}
	if got, _ := server.next(); got != "home/front/state LOCKED" {
		t.Fatalf("was given %q", got)
	}
	must(t, b, "front")
}

func will(topic string, retain bool) option {
	return func(c *paho.Connect) {
		c.WillMessage = &paho.WillMessage{Topic: topic, Payload: []byte("offline"), QoS: 1, Retain: retain}
	}
}

func TestALastWillIsOnlyForOwnTopics(t *testing.T) {
	b := start(t, broker.Config{})
	for _, topic := range []string{"home/garage/state", "home/garage/set", "home/front/set", "$SYS/x", "home/front/log/+"} {
		if _, err := connect(t, b, "front", will(topic, true)); err == nil {
			t.Errorf("a last will on %q was accepted", topic)
		}
	}
	server := must(t, b, "loquet")
	if err := server.subscribe("home/#"); err != nil {
		t.Fatal(err)
	}
	front := must(t, b, "front", will("home/front/state", true))
	front.cut()
	if got, _ := server.next(); got != "home/front/state offline" {
		t.Fatalf("was given %q", got)
	}
}

func TestNobodyTakesOverAnothersSession(t *testing.T) {
	b := start(t, broker.Config{})
	front := must(t, b, "front")
	if err := front.subscribe("home/front/set"); err != nil {
		t.Fatal(err)
	}
	thief := func(c *paho.Connect) { c.ClientID, c.CleanStart = "front-client", false }
	if _, err := connect(t, b, "garage", thief); err == nil {
		t.Fatal("another account took the session over")
	}
	front.nothingBut(must(t, b, "loquet"), "home/front/set")
	again := must(t, b, "front") // its own account may
	front.isGone()
	if err := again.subscribe("home/front/set"); err != nil {
		t.Fatal(err)
	}
}

// TestAClientThatComesBackAtOnceIsHeard: the library clears up after the old connection for a while, and must
// not clear up the new one, which would then be connected and hear nothing.
func TestAClientThatComesBackAtOnceIsHeard(t *testing.T) {
	b := start(t, broker.Config{})
	sender := must(t, b, "front")
	for range 10 {
		server := must(t, b, "loquet")
		many := &paho.Subscribe{}
		for i := range 2000 {
			many.Subscriptions = append(many.Subscriptions, paho.SubscribeOptions{Topic: fmt.Sprintf("home/n%d/state", i)})
		}
		if _, err := server.Subscribe(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		server.cut()
		again := must(t, b, "loquet")
		if err := again.subscribe("home/front/state"); err != nil {
			t.Fatal(err)
		}
		again.nothingBut(sender, "home/front/state")
		again.cut()
	}
}

func expiry(seconds uint32, id string) option {
	return func(c *paho.Connect) {
		c.ClientID, c.CleanStart = id, false
		c.Properties = &paho.ConnectProperties{SessionExpiryInterval: &seconds}
	}
}

func TestSessionsAreCappedAndExpire(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{SessionsPerAccount: 2, SessionSeconds: 1}})
	for _, id := range []string{"one", "two"} {
		p := must(t, b, "front", expiry(1_000_000, id))
		if err := p.subscribe("home/front/set"); err != nil {
			t.Fatal(err)
		}
		p.cut()
	}
	if _, err := connect(t, b, "front", expiry(1_000_000, "three")); err == nil {
		t.Fatal("a third session was accepted")
	}
	must(t, b, "front", expiry(1_000_000, "two")).cut() // but an old one may be taken up
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond) // the sessions end by the broker's own clock
	defer tick.Stop()
	for {
		if _, err := connect(t, b, "front", expiry(1, "three")); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("offline sessions never end")
		}
		<-tick.C
	}
}

func TestRetainedMessagesAreCapped(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{RetainedPerAccount: 2}})
	front := must(t, b, "front")
	for i := range 2 {
		if err := front.publish(fmt.Sprintf("home/front/log/%d", i), "x", 1, true); err != nil {
			t.Fatal(err)
		}
	}
	if front.publish("home/front/log/2", "x", 1, true) == nil {
		t.Fatal("a third topic was retained")
	}
	_ = front.publish("home/front/log/3", "x", 0, true)
	if err := front.publish("home/front/log/1", "y", 1, true); err != nil {
		t.Fatalf("what is kept already can't be replaced: %v", err)
	}
	if err := front.publish("home/front/log/0", "", 1, true); err != nil {
		t.Fatalf("what is kept can't be cleared: %v", err)
	}
	if err := front.publish("home/front/log/2", "z", 1, true); err != nil {
		t.Fatalf("clearing made no room: %v", err)
	}
	if err := must(t, b, "garage").publish("home/garage/state", "x", 1, true); err != nil {
		t.Fatalf("another device pays for it: %v", err)
	}
}

func TestConnectionsAndPacketsAreCapped(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{Connections: 2, PacketBytes: 1024}})
	silent, err := net.Dial("tcp", b.Address()) // says nothing, and still counts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	front := must(t, b, "front")
	if _, err := connect(t, b, "garage"); err == nil {
		t.Fatal("a third connection was accepted")
	}
	_ = front.publish("home/front/state", strings.Repeat("x", 2000), 0, false)
	front.isGone()
}

// TestAliasesAreNotAWayAround: the library checks an aliased message against an empty topic.
func TestAliasesAreNotAWayAround(t *testing.T) {
	b := start(t, broker.Config{})
	conn, err := net.Dial("tcp", b.Address())
	if err != nil {
		t.Fatal(err)
	}
	front, err := connectOn(t, conn, "front")
	if err != nil {
		t.Fatal(err)
	}
	server := must(t, b, "loquet")
	if err := server.subscribe("home/#"); err != nil {
		t.Fatal(err)
	}
	alias := uint16(1)
	packet := packets.NewControlPacket(packets.PUBLISH)
	publish := packet.Content.(*packets.Publish)
	publish.Topic, publish.Payload, publish.Properties = "home/garage/state", []byte("forged"), &packets.Properties{TopicAlias: &alias}
	_, _ = packet.WriteTo(conn)
	publish.Topic = ""
	_, _ = packet.WriteTo(conn)
	front.isGone()
	server.nothingBut(must(t, b, "garage"), "home/garage/state")
}

func TestACommandForNobodyThereIsNotKept(t *testing.T) {
	b := start(t, broker.Config{})
	offline := must(t, b, "front", expiry(1000, "front-1"))
	if err := offline.subscribe("home/front/set"); err != nil {
		t.Fatal(err)
	}
	offline.cut()
	server := must(t, b, "loquet")
	if err := server.publish("home/front/set", "UNLOCK", 0, false); err != nil {
		t.Fatal(err)
	}
	if err := server.publish("home/garage/set", "x", 1, false); err != nil { // its answer comes after the first was dealt with
		t.Fatal(err)
	}
	back := must(t, b, "front", expiry(1000, "front-1"))
	if err := back.subscribe("home/front/set"); err != nil {
		t.Fatal(err)
	}
	back.nothingBut(server, "home/front/set")
}

func TestTLSIsTheOnlyWayIn(t *testing.T) {
	certificate, roots := selfSigned(t)
	b := start(t, broker.Config{TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	if !strings.HasPrefix(b.URL(), "mqtts://") {
		t.Errorf("its address is %s", b.URL())
	}
	if _, err := connect(t, b, "front"); err == nil {
		t.Error("a connection in the clear was accepted")
	}
	conn, err := tls.Dial("tcp", b.Address(), &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connectOn(t, packets.NewThreadSafeConn(conn), "front"); err != nil {
		t.Fatal(err)
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestBadAccountsAreRefused(t *testing.T) {
	b := start(t, broker.Config{})
	good := broker.Credentials{Username: "cellar", PasswordHash: broker.HashPassword(broker.NewPassword())}
	for name, a := range map[string]broker.Account{
		"no name":           {Credentials: broker.Credentials{PasswordHash: good.PasswordHash}},
		"no hash":           {Credentials: broker.Credentials{Username: "cellar"}},
		"a bare password":   {Credentials: broker.Credentials{Username: "cellar", PasswordHash: "secret"}},
		"the server's name": {Credentials: broker.Credentials{Username: "loquet", PasswordHash: good.PasswordHash}},
		"a system topic":    {Credentials: good, Reports: []string{"$SYS/x"}},
		"an empty topic":    {Credentials: good, Commands: []string{""}},
		"a bad wildcard":    {Credentials: good, Commands: []string{"home/fr+nt"}},
		"an inner #":        {Credentials: good, Commands: []string{"home/#/set"}},
	} {
		if b.Allow(a) == nil {
			t.Errorf("%s: the account was accepted", name)
		}
	}
	if _, err := broker.Start(broker.Config{}); err == nil {
		t.Error("a broker without an account for the server started")
	}
}

func TestClosingEndsEveryConnection(t *testing.T) {
	b := start(t, broker.Config{})
	silent, err := net.Dial("tcp", b.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	front := must(t, b, "front")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	front.isGone()
	if err := silent.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a silent connection outlives the broker: %v", err)
	}
}

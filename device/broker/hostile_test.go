package broker_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device/broker"
)

// What a single client may not do to the broker, and to all others by it.

// receiveMost is an MQTT 5 client's Receive Maximum.
func receiveMost(n uint16) option {
	return func(c *paho.Connect) { c.Properties = &paho.ConnectProperties{ReceiveMaximum: &n} }
}

// TestManyReportsAtOnceDoNotStopTheBroker: the library takes a lock twice where a client that has said how much it takes
// acknowledges one message while the next is on its way to it. Nothing moves any more then, for nobody.
func TestManyReportsAtOnceDoNotStopTheBroker(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{Inflight: 60_000, SessionsPerAccount: 8}})
	server := must(t, b, "loquet", receiveMost(1024))
	if err := server.subscribe("home/#"); err != nil {
		t.Fatal(err)
	}
	const senders, reports = 8, 500
	var sending sync.WaitGroup
	defer sending.Wait()
	for i := range senders {
		front := must(t, b, "front", expiry(0, fmt.Sprintf("front-%d", i)))
		sending.Go(func() {
			for range reports {
				if err := front.publish("home/front/state", "shut", 1, false); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range senders * reports {
		server.next()
	}
}

// TestADeviceIsGrantedNoQuality: what has a number must be given one, and that waits for whoever does not read.
func TestADeviceIsGrantedNoQuality(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{Subscriptions: 2}})
	for name, want := range map[string][]byte{"loquet": {1, 1, 1}, "front": {0, 0, packets.SubackTopicFilterinvalid}} {
		ack, err := must(t, b, name).Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{
			{Topic: "home/front/set", QoS: 1}, {Topic: "home/front/set/a", QoS: 1}, {Topic: "home/front/set/b", QoS: 1},
		}})
		if ack == nil || !bytes.Equal(ack.Reasons, want) {
			t.Errorf("%s was granted %v (%v), not %v", name, ack, err, want)
		}
	}
}

// raw sends what no client would.
func (p *peer) raw(packet ...byte) {
	p.t.Helper()
	if _, err := p.conn.Write(packet); err != nil {
		p.t.Fatal(err)
	}
}

// TestAPacketThatBreaksTheLibraryEndsItsConnectionAlone: a SUBSCRIBE that ends behind its filter has the library read past
// the end. Its session, which could have no other beside it, is over.
func TestAPacketThatBreaksTheLibraryEndsItsConnectionAlone(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{SessionsPerAccount: 1}})
	other := must(t, b, "garage")
	front := must(t, b, "front")
	front.raw(0x82, 6, 0, 1, 0, 0, 1, 'a')
	front.isGone()
	keeps(t, b, 1)
	must(t, b, "front", expiry(0, "another"))
	server := must(t, b, "loquet")
	if err := server.subscribe("home/garage/state"); err != nil {
		t.Fatal(err)
	}
	server.nothingBut(other, "home/garage/state")
}

// TestAClientThatCantBeToldThatItIsInLeavesNothing: its CONNACK is larger than what it takes.
func TestAClientThatCantBeToldThatItIsInLeavesNothing(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{SessionsPerAccount: 1}})
	one := uint32(1)
	tiny := func(c *paho.Connect) { c.Properties = &paho.ConnectProperties{MaximumPacketSize: &one} }
	if _, err := connect(t, b, "front", tiny); err == nil {
		t.Fatal("it is in")
	}
	keeps(t, b, 0)
	must(t, b, "front", expiry(0, "another"))
}

// keeps waits until the library keeps so many sessions: it deals with the end of a connection by itself.
func keeps(t *testing.T, b *broker.Broker, sessions int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Second); broker.Sessions(b) != sessions; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are kept", broker.Sessions(b))
		}
	}
}

// TestAConnectionThatTheLibraryForgotEnds: where a session expires in the moment in which it is taken up, the library answers
// its client, and never tells it anything.
func TestAConnectionThatTheLibraryForgotEnds(t *testing.T) {
	b := start(t, broker.Config{})
	front := must(t, b, "front")
	broker.Forget(b, "front-client")
	_ = front.publish("home/front/state", "shut", 1, false)
	front.isGone()
}

// TestTopicsAreShallow: the library's work on a topic grows with the square of its levels.
func TestTopicsAreShallow(t *testing.T) {
	b := start(t, broker.Config{})
	if err := b.Allow(broker.Account{
		Credentials: broker.Credentials{Username: "garage", PasswordHash: broker.HashPassword(passwords["garage"])}, Reports: []string{"gw/#"},
	}); err != nil {
		t.Fatal(err)
	}
	gateway := must(t, b, "garage")
	if err := gateway.publish("gw"+strings.Repeat("/a", 31), "shut", 1, true); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"gw" + strings.Repeat("/a", 32), "gw/" + strings.Repeat("a", 510)} {
		if err := gateway.publish(topic, "shut", 1, true); err == nil {
			t.Errorf("%d levels in %d bytes are taken", strings.Count(topic, "/")+1, len(topic))
		}
	}
}

// TestALastWillIsNotKeptBeyondItsSession, nor as a retained message too many.
func TestALastWillIsNotKeptBeyondItsSession(t *testing.T) {
	b := start(t, broker.Config{Limits: broker.Limits{RetainedPerAccount: 1}})
	server := must(t, b, "loquet")
	if err := server.subscribe("home/front/log/+"); err != nil {
		t.Fatal(err)
	}
	keeps := must(t, b, "front", expiry(0, "keeps"))
	if err := keeps.publish("home/front/state", "shut", 1, true); err != nil {
		t.Fatal(err)
	}
	late := uint32(1_000_000)
	must(t, b, "front", will("home/front/log/gone", true), func(c *paho.Connect) {
		c.WillProperties = &paho.WillProperties{WillDelayInterval: &late}
	}).cut()
	if got, _ := server.next(); !strings.HasPrefix(got, "home/front/log/gone ") {
		t.Errorf("was given %q", got)
	}
	again := must(t, b, "loquet", expiry(0, "again"))
	if err := again.subscribe("home/front/log/+"); err != nil {
		t.Fatal(err)
	}
	again.nothingBut(keeps, "home/front/log/door")
}

// TestTheLogHoldsNothingThatWasSaid: the library logs packets that it can't use, with all that is in them.
func TestTheLogHoldsNothingThatWasSaid(t *testing.T) {
	var said syncBuffer
	b := start(t, broker.Config{Logger: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})).With("part", "broker")})
	front := must(t, b, "front")
	again := packets.NewControlPacket(packets.CONNECT)
	c := again.Content.(*packets.Connect)
	c.ClientID, c.Username, c.UsernameFlag, c.Password, c.PasswordFlag = "front-client", "front", true, []byte("hunter2"), true
	if _, err := again.WriteTo(front.conn); err != nil {
		t.Fatal(err)
	}
	front.isGone()
	must(t, b, "front") // the old connection has been dealt with
	if log := said.String(); !strings.Contains(log, "error processing packet") || strings.Contains(log, "pk=") || !strings.Contains(log, "part=broker") {
		t.Errorf("the log says %s", log)
	}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

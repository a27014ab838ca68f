package mqtt_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// TestASubscriptionWhoseIdentifierIsInUseIsRepeated: a broker that counts its own packet identifiers and ours together
// refuses one by chance. The device is heard all the same.
func TestASubscriptionWhoseIdentifierIsInUseIsRepeated(t *testing.T) {
	t.Parallel()
	h := build(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	var refusals atomic.Int32
	between := relay(t, strings.TrimPrefix(h.broker.URL(), "mqtt://"), func() bool { return refusals.Add(1) <= 2 })
	client := dial(t, "mqtt://"+between, &devicetest.Log{})
	dev := enrol(t, client, h.config, "front")
	waitFor(t, "front to be reachable", func() bool { return dev.Reach() == event.ReachOnline })
	if n := refusals.Load(); n < 3 {
		t.Errorf("%d subscriptions", n)
	}
}

// relay passes everything on between clients and a broker, but refuses subscriptions as if their identifiers were in
// use. The broker never hears of those.
func relay(t *testing.T, target string, refuse func() bool) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				return
			}
			back := &shared{w: client}
			go func() {
				_, _ = io.Copy(back, server)
				_ = client.Close()
			}()
			go func() {
				defer server.Close()
				for pass(client, server, back, refuse) == nil {
				}
			}()
		}
	}()
	return l.Addr().String()
}

// pass takes one packet of the client's.
func pass(client io.Reader, server, back io.Writer, refuse func() bool) error {
	p, err := packets.ReadPacket(client)
	if err != nil {
		return err
	}
	if asked, ok := p.Content.(*packets.Subscribe); ok && refuse() {
		no := packets.NewControlPacket(packets.SUBACK)
		ack := no.Content.(*packets.Suback)
		ack.PacketID, ack.Reasons = asked.PacketID, bytes.Repeat([]byte{0x91}, len(asked.Subscriptions))
		var whole bytes.Buffer
		if _, err := no.WriteTo(&whole); err != nil {
			return err
		}
		_, err = back.Write(whole.Bytes())
		return err
	}
	_, err = p.WriteTo(server)
	return err
}

// shared is written by two, a packet at a time.
type shared struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

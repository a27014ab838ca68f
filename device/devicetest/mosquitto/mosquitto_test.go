package mosquitto_test

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
)

func dial(t *testing.T, b *mosquitto.Broker, username, password string) (*autopaho.ConnectionManager, error) {
	t.Helper()
	target, err := url.Parse(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	m, err := autopaho.NewConnection(t.Context(), autopaho.ClientConfig{
		ServerUrls: []*url.URL{target}, KeepAlive: 10, CleanStartOnInitialConnection: true,
		ConnectUsername: username, ConnectPassword: []byte(password),
		ReconnectBackoff: func(int) time.Duration { return 20 * time.Millisecond },
		ClientConfig:     paho.ClientConfig{ClientID: "test-" + username},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Disconnect(context.Background()) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	return m, m.AwaitConnection(ctx)
}

func TestTheWitnessSeesCommandsAndTheAclHolds(t *testing.T) {
	b := mosquitto.Start(t,
		mosquitto.User{Name: "witness", Password: "w", Reads: []string{"home/#"}},
		mosquitto.User{Name: "server", Password: "s", Writes: []string{"home/front/set"}},
	)
	w := mosquitto.Watch(t, b.URL(), "witness", "w", "home/+/set")
	m, err := dial(t, b, "server", "s")
	if err != nil {
		t.Fatalf("%v\n%s", err, b.Output())
	}
	expiry := uint32(7)
	send := func(topic, payload string) {
		properties := &paho.PublishProperties{MessageExpiry: &expiry}
		properties.User.Add("loquet-permit", "home1-p4")
		if _, err := m.Publish(t.Context(), &paho.Publish{Topic: topic, Payload: []byte(payload), Properties: properties}); err != nil {
			t.Fatal(err)
		}
	}
	send("home/garage/set", "FORBIDDEN")
	send("home/front/set", "UNLOCK")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	all := func(mosquitto.Message) bool { return true }
	if err := w.Wait(ctx, 1, all); err != nil {
		t.Fatal(err)
	}
	got := w.Messages()
	if len(got) != 1 {
		t.Fatalf("the witness saw %v", got)
	}
	m0 := got[0]
	m0.At = time.Time{}
	want := mosquitto.Message{Topic: "home/front/set", Payload: "UNLOCK", Permit: "home1-p4", Expiry: 7 * time.Second}
	if m0 != want {
		t.Fatalf("the witness saw %+v; want %+v", m0, want)
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	b := mosquitto.Start(t, mosquitto.User{Name: "server", Password: "right"})
	if _, err := dial(t, b, "server", "wrong"); err == nil {
		t.Fatal("a wrong password was accepted")
	}
}

func TestStopAndRestartKeepTheAddress(t *testing.T) {
	b := mosquitto.Start(t, mosquitto.User{Name: "server", Password: "s"})
	b.Kill()
	if conn, err := net.Dial("tcp", b.Address()); err == nil {
		conn.Close()
		t.Fatal("a killed broker still listens")
	}
	b.Restart()
	if _, err := dial(t, b, "server", "s"); err != nil {
		t.Fatalf("%v\n%s", err, b.Output())
	}
}

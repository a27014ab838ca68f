package mosquitto

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// Message is one message as the witness saw it.
type Message struct {
	At       time.Time
	Topic    string
	Payload  string
	QoS      byte
	Retained bool
	// Permit is the user property "loquet-permit" of a command.
	Permit string
	// Expiry is what was left of its life, in whole seconds; 0 when it has no end.
	Expiry time.Duration
}

// Witness is an independent subscriber that writes down every message on its topics. It knows nothing of the
// code under test.
type Witness struct {
	manager *autopaho.ConnectionManager

	mu      sync.Mutex
	all     []Message
	changed chan struct{}
}

// Watch subscribes, on any MQTT 5 broker, and returns when the broker has agreed. It ends with the test, and
// subscribes again when the broker comes back.
func Watch(t testing.TB, address, username, password string, filters ...string) *Witness {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := &Witness{changed: make(chan struct{})}
	ready := make(chan error, 1)
	w.manager, err = autopaho.NewConnection(context.Background(), autopaho.ClientConfig{
		ServerUrls: []*url.URL{target}, KeepAlive: 10, CleanStartOnInitialConnection: true,
		ConnectUsername: username, ConnectPassword: []byte(password),
		ReconnectBackoff: func(int) time.Duration { return 20 * time.Millisecond },
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) {
			go func() {
				err := subscribe(m, filters)
				select {
				case ready <- err:
				default:
				}
			}()
		},
		ClientConfig: paho.ClientConfig{
			ClientID: fmt.Sprintf("witness-%016x", rand.Uint64()),
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(pr paho.PublishReceived) (bool, error) {
				w.see(pr.Packet)
				return true, nil
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = w.manager.Disconnect(ctx)
	})
	select {
	case err := <-ready:
		if err != nil {
			t.Fatalf("the witness can't subscribe: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the witness can't reach the broker")
	}
	return w
}

func subscribe(m *autopaho.ConnectionManager, filters []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request := &paho.Subscribe{}
	for _, filter := range filters {
		// As published: the witness wants to see whether the sender set the retain flag.
		request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{Topic: filter, QoS: 2, RetainAsPublished: true})
	}
	_, err := m.Subscribe(ctx, request)
	return err
}

func (w *Witness) see(p *paho.Publish) {
	m := Message{At: time.Now(), Topic: p.Topic, Payload: string(p.Payload), QoS: p.QoS, Retained: p.Retain}
	if p.Properties != nil {
		m.Permit = p.Properties.User.Get("loquet-permit")
		if p.Properties.MessageExpiry != nil {
			m.Expiry = time.Duration(*p.Properties.MessageExpiry) * time.Second
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, m)
	close(w.changed)
	w.changed = make(chan struct{})
}

// Messages are all that were seen, oldest first.
func (w *Witness) Messages() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// Count is how many messages fit.
func (w *Witness) Count(fits func(Message) bool) int {
	n := 0
	for _, m := range w.Messages() {
		if fits(m) {
			n++
		}
	}
	return n
}

// Wait returns nil as soon as at least n messages fit, or the context's error.
func (w *Witness) Wait(ctx context.Context, n int, fits func(Message) bool) error {
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if w.Count(fits) >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

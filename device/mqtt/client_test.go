package mqtt_test

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
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// house is a mosquitto with a virtual home and a witness.
type house struct {
	broker  *mosquitto.Broker
	witness *mosquitto.Witness
	home    *virtual.Home
	config  virtual.Config
	client  *mqtt.Client
	log     *devicetest.Log
}

func build(t *testing.T, devices ...virtual.Device) *house {
	t.Helper()
	h := &house{log: &devicetest.Log{}}
	users := []mosquitto.User{{Name: serverName, Password: serverPassword}, {Name: "witness", Password: "w", Reads: []string{"#"}}}
	h.config = virtual.Config{Prefix: "home1", Devices: devices}
	for i := range devices {
		d := &h.config.Devices[i]
		d.Username, d.Password = d.Name, broker.NewPassword()
		reports, commands, err := h.config.Topics(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, mosquitto.User{Name: d.Username, Password: d.Password, Reads: commands, Writes: reports})
	}
	h.broker = mosquitto.Start(t, users...)
	h.config.URL = h.broker.URL()
	h.witness = mosquitto.Watch(t, h.broker.URL(), "witness", "w", "home1/+/set", "home1/zigbee2mqtt/+/set", "home1/+/command/door")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var err error
	if h.home, err = virtual.Start(ctx, h.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.home.Close)
	h.client = dial(t, h.broker.URL(), h.log)
	return h
}

func (h *house) device(t *testing.T, name string) device.Device {
	t.Helper()
	dev := enrol(t, h.client, h.config, name)
	waitFor(t, name+" to be reachable", func() bool { return dev.Reach() == event.ReachOnline })
	return dev
}

func open(t *testing.T, dev device.Device, permit event.PermitID, length time.Duration) (event.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	return dev.(device.Opener).Open(ctx, device.Order{Permit: permit, Deadline: time.Now().Add(2500 * time.Millisecond)})
}

func isSecuring(m mosquitto.Message) bool {
	return m.Payload == "LOCK" || m.Payload == "CLOSE" || m.Payload == "close" || m.Payload == `{"state":"LOCK"}`
}

// TestCommandsOnTheWire: what an independent subscriber sees of an opening and of a securing.
func TestCommandsOnTheWire(t *testing.T) {
	kinds := map[string]virtual.Kind{
		"lock": virtual.Lock, "garage": virtual.Garage, "zigbee": virtual.ZigbeeLock, "ratgdo": virtual.RatgdoGarage, "box": virtual.Box,
	}
	var devices []virtual.Device
	for name, kind := range kinds {
		devices = append(devices, virtual.Device{Name: name, Kind: kind})
	}
	h := build(t, devices...)
	for name := range kinds {
		permit := event.NewID[event.PermitID](event.SiteID(name), 'p', 7)
		dev := h.device(t, name)
		if outcome, err := open(t, dev, permit, 5*time.Second); outcome != event.Done {
			t.Fatalf("%s: %v, %v", name, outcome, err)
		}
		ours := func(m mosquitto.Message) bool { return m.Permit == string(permit) }
		if err := h.witness.Wait(t.Context(), 1, ours); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(h.witness.Messages(), ours)
		m := h.witness.Messages()[i]
		if m.QoS != 0 || m.Retained || m.Expiry < 2*time.Second || m.Expiry > 3*time.Second {
			t.Errorf("%s: the opening is %+v", name, m)
		}
		secured := h.witness.Count(isSecuring)
		if s, ok := dev.(device.Securer); ok {
			if outcome, err := s.Secure(t.Context()); outcome != event.Done {
				t.Fatalf("%s: securing: %v, %v", name, outcome, err)
			}
			if err := h.witness.Wait(t.Context(), secured+1, isSecuring); err != nil {
				t.Fatal(err)
			}
			all := h.witness.Messages()
			if last := all[len(all)-1]; last.QoS != 1 || last.Retained || last.Permit != "" || last.Expiry == 0 {
				t.Errorf("%s: the securing is %+v", name, last)
			}
		}
		if n := h.witness.Count(ours); n != 1 {
			t.Errorf("%s: the witness saw %d openings", name, n)
		}
	}
}

// TestABrokerThatVanishes in the middle of an opening, and comes back with nothing in its memory.
func TestABrokerThatVanishes(t *testing.T) {
	h := build(t, virtual.Device{Name: "lock", Kind: virtual.Lock})
	dev, thing := h.device(t, "lock"), h.home.Thing("lock")
	thing.Faults(virtual.Faults{Deaf: true})
	result := make(chan event.Outcome, 1)
	go func() {
		outcome, _ := open(t, dev, "home1-p1", time.Second)
		result <- outcome
	}()
	arrived := func() bool { return thing.OpenCommands() == 1 }
	waitFor(t, "the command", arrived)
	h.broker.Kill()
	if outcome := <-result; outcome != event.Unknown {
		t.Fatalf("the outcome is %q", outcome)
	}
	waitFor(t, "the loss to be noticed", func() bool { return dev.Reach() == event.ReachOffline })
	if outcome, err := open(t, dev, "home1-p2", time.Second); outcome != event.NotDone || !errors.Is(err, device.ErrOffline) {
		t.Fatalf("without a broker: %v, %v", outcome, err)
	}
	if outcome, err := dev.(device.Securer).Secure(t.Context()); outcome != event.NotDone || err == nil {
		t.Fatalf("securing without a broker: %v, %v", outcome, err)
	}
	thing.Faults(virtual.Faults{})
	h.broker.Restart()
	waitFor(t, "the device to be back", func() bool { return dev.Reach() == event.ReachOnline })
	if outcome, err := open(t, dev, "home1-p3", 5*time.Second); outcome != event.Done {
		t.Fatalf("after the restart: %v, %v", outcome, err)
	}
	if n := thing.OpenCommands(); n != 2 {
		t.Fatalf("%d commands reached the lock; want the first and the third", n)
	}
	if n := h.witness.Count(func(m mosquitto.Message) bool { return m.Permit == "home1-p2" }); n != 0 {
		t.Fatal("the witness saw what was not sent")
	}
}

// TestABrokerThatHangs holds the command; whoever waits gets an answer all the same.
func TestABrokerThatHangs(t *testing.T) {
	h := build(t, virtual.Device{Name: "lock", Kind: virtual.Lock})
	dev := h.device(t, "lock")
	h.broker.Freeze()
	defer h.broker.Thaw()
	start := time.Now()
	outcome, err := open(t, dev, "home1-p1", 500*time.Millisecond)
	if outcome != event.Unknown || !errors.Is(err, device.ErrNoAnswer) {
		t.Fatalf("%v, %v", outcome, err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Fatalf("it took %v", took)
	}
	if lines := h.log.Lines(event.ActOpen); len(lines) != 1 {
		t.Fatalf("the log has %+v", lines)
	}
}

func TestDiscoveryFindsTheHome(t *testing.T) {
	h := build(t,
		virtual.Device{Name: "lock", Kind: virtual.Lock, Timestamps: true}, virtual.Device{Name: "garage", Kind: virtual.Garage},
		virtual.Device{Name: "zigbee", Kind: virtual.ZigbeeLock}, virtual.Device{Name: "lobby", Kind: virtual.LobbyDoor},
	)
	found, err := h.client.Discover(t.Context(), 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]mqtt.Config{}
	for _, f := range found {
		if f.Refused != "" {
			t.Errorf("%s is refused: %s", f.Topic, f.Refused)
		}
		names[f.Name] = f.Config
	}
	if len(names) != 4 || names["lock"].Lock.Contact == nil || names["lobby"].Lock.Contact != nil || names["zigbee"].Zigbee2MQTT == nil {
		t.Fatalf("found %+v", found)
	}
	cfg := names["lock"] // what was found works as it is
	cfg.Device = "found"
	dev, err := h.client.Device(cfg)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the found lock", func() bool { return dev.Reach() == event.ReachOnline })
	if outcome, err := open(t, dev, "home1-p1", 5*time.Second); outcome != event.Done {
		t.Fatalf("%v, %v", outcome, err)
	}
}

func TestAForgottenDeviceIsSilent(t *testing.T) {
	h := build(t, virtual.Device{Name: "lock", Kind: virtual.Lock}, virtual.Device{Name: "garage", Kind: virtual.Garage})
	lock := h.device(t, "lock")
	if _, err := h.client.Device(configOf(t, h, "lock")); err == nil {
		t.Fatal("one device was connected twice")
	}
	h.client.Forget("lock")
	h.client.Forget("lock") // again is no error
	if lock.Reach() != event.ReachOffline {
		t.Errorf("a forgotten device is %q", lock.Reach())
	}
	if outcome, err := open(t, lock, "home1-p1", time.Second); outcome != event.NotDone {
		t.Fatalf("a forgotten device: %v, %v", outcome, err)
	}
	again := h.device(t, "lock")
	if outcome, err := open(t, again, "home1-p2", 5*time.Second); outcome != event.Done {
		t.Fatalf("the device, connected anew: %v, %v", outcome, err)
	}
}

func configOf(t *testing.T, h *house, name string) mqtt.Config {
	t.Helper()
	entry, err := h.config.Register(name, event.DeviceID(name))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := mqtt.ParseConfig(entry)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestBadClientsAreRefused(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:1883", "http://x", "mqtt://", "ws://x", "mqtt://%"} {
		if c, err := mqtt.Dial(t.Context(), mqtt.ClientConfig{URL: address, Log: &devicetest.Log{}}); err == nil {
			_ = c.Close(t.Context())
			t.Errorf("%q was accepted", address)
		}
	}
	if _, err := mqtt.Dial(t.Context(), mqtt.ClientConfig{URL: "mqtt://127.0.0.1:1"}); err == nil {
		t.Error("a client without a log was accepted")
	}
}

func TestWithoutABrokerNothingHangs(t *testing.T) {
	c, err := mqtt.Dial(t.Context(), mqtt.ClientConfig{URL: "mqtt://127.0.0.1:1", Log: &devicetest.Log{}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := mqtt.ParseConfig([]byte(`{"device":"d","ratgdo":{"prefix":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	dev, err := c.Device(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := open(t, dev, "home1-p1", time.Second); outcome != event.NotDone || !errors.Is(err, device.ErrOffline) {
		t.Fatalf("%v, %v", outcome, err)
	}
	if _, err := c.Discover(t.Context(), time.Millisecond); !errors.Is(err, device.ErrOffline) {
		t.Fatalf("discovering without a broker: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestOverTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	password := broker.NewPassword()
	b, err := broker.Start(broker.Config{
		TLS:    &tls.Config{Certificates: []tls.Certificate{certificate}},
		Server: broker.Credentials{Username: serverName, PasswordHash: broker.HashPassword(password)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	address := strings.Replace(b.URL(), "127.0.0.1", "localhost", 1)
	connects := func(trust *x509.CertPool) error {
		c, err := mqtt.Dial(t.Context(), mqtt.ClientConfig{
			URL: address, Username: serverName, Password: password, TLS: &tls.Config{RootCAs: trust}, Log: &devicetest.Log{},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		defer c.Close(context.Background())
		return c.Await(ctx)
	}
	if err := connects(roots); err != nil {
		t.Errorf("with the right certificate: %v", err)
	}
	if connects(x509.NewCertPool()) == nil {
		t.Error("an unknown certificate was trusted")
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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

// speaker publishes whatever a test wants, as one device's account.
func speaker(t *testing.T, address, username, password string) func(topic, payload string) {
	t.Helper()
	return publisher(t, address, username, password, false)
}

func publisher(t *testing.T, address, username, password string, retain bool) func(topic, payload string) {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	m, err := autopaho.NewConnection(context.Background(), autopaho.ClientConfig{
		ServerUrls: []*url.URL{target}, KeepAlive: 10, ConnectUsername: username, ConnectPassword: []byte(password),
		ReconnectBackoff: func(int) time.Duration { return 10 * time.Millisecond },
		ClientConfig:     paho.ClientConfig{ClientID: fmt.Sprint("speaker-", username, retain)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Disconnect(context.Background()) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := m.AwaitConnection(ctx); err != nil {
		t.Fatal(err)
	}
	return func(topic, payload string) {
		if _, err := m.Publish(t.Context(), &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain}); err != nil {
			t.Error(err)
		}
	}
}

// TestHostileMessages: rubbish of a device's own account is "unknown", counted, and harms nobody else.
func TestHostileMessages(t *testing.T) {
	b, say := oneAccount(t)
	client := dial(t, b.URL(), &devicetest.Log{})
	var last atomic.Value
	watch(t, client, "left", &last)
	said := func(o event.Observation) func() bool {
		return func() bool {
			got, _ := last.Load().(event.Observation)
			return got.Contact == o.Contact && got.Origin == o.Origin
		}
	}
	closed := said(event.Observation{Contact: event.ContactClosed, Origin: event.OriginLive})
	waitFor(t, "the door to be closed", func() bool { // said until somebody listens
		say("farm/left/status/door", "closed")
		return closed()
	})
	say("farm/left/status/door", "\x00\xff{{{")
	waitFor(t, "the door to be unknown", said(event.Observation{Contact: event.ContactUnknown, Origin: event.OriginLive}))
	misread := client.Misread()
	say("farm/left/status/availability", "maybe")
	say("farm/left/status/door", "closed")
	waitFor(t, "the door to be closed again", closed)
	if got := client.Misread(); got != misread+1 {
		t.Errorf("%d messages were not understood; want one more than %d", got, misread)
	}
}

func oneAccount(t *testing.T) (*broker.Broker, func(topic, payload string)) {
	t.Helper()
	b, err := broker.Start(broker.Config{
		Server: broker.Credentials{Username: serverName, PasswordHash: broker.HashPassword(serverPassword)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	password := broker.NewPassword()
	if err := b.Allow(broker.Account{
		Credentials: broker.Credentials{Username: "farm", PasswordHash: broker.HashPassword(password)},
		Reports:     []string{"farm/+/status/+"}, Commands: []string{"farm/+/command/door"},
	}); err != nil {
		t.Fatal(err)
	}
	return b, speaker(t, b.URL(), "farm", password)
}

// watch keeps the last observation of a ratgdo door.
func watch(t *testing.T, client *mqtt.Client, name string, last *atomic.Value) {
	t.Helper()
	cfg, err := mqtt.ParseConfig(fmt.Appendf(nil, `{"device":%q,"ratgdo":{"prefix":"farm/%s"}}`, name, name))
	if err != nil {
		t.Fatal(err)
	}
	dev, err := client.Device(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = dev.(device.Watcher).Watch(ctx, func(o event.Observation) { last.Store(o) })
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// TestThousandsOfDevices share one connection; a message finds its device at once, and a lost connection reaches
// every one.
func TestThousandsOfDevices(t *testing.T) {
	const count = 3000
	b, say := oneAccount(t)
	proxy := devicetest.NewProxy(t, b.Address())
	client := dial(t, "mqtt://"+proxy.Address(), &devicetest.Log{})
	devices := make([]device.Device, count)
	for i := range devices {
		cfg, err := mqtt.ParseConfig(fmt.Appendf(nil, `{"device":"d%d","ratgdo":{"prefix":"farm/n%d"}}`, i, i))
		if err != nil {
			t.Fatal(err)
		}
		if devices[i], err = client.Device(cfg); err != nil {
			t.Fatal(err)
		}
	}
	online := func(name string) func() bool {
		return func() bool {
			say("farm/"+name+"/status/availability", "online")
			return devices[count-1].Reach() == event.ReachOnline
		}
	}
	waitFor(t, "the last device", online(fmt.Sprintf("n%d", count-1)))
	say("farm/n0/status/availability", "online")
	waitFor(t, "the first device", func() bool { return devices[0].Reach() == event.ReachOnline })
	if devices[1].Reach() != "" {
		t.Errorf("a device that said nothing is %q", devices[1].Reach())
	}
	proxy.Cut()
	waitFor(t, "every device to be offline", func() bool {
		return !slices.ContainsFunc(devices, func(d device.Device) bool { return d.Reach() != event.ReachOffline })
	})
	proxy.Mend()
	waitFor(t, "the last device, again", online(fmt.Sprintf("n%d", count-1)))
}

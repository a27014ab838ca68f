package mqtt_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // these tests wait more than they compute
	os.Exit(leakFree(m))
}

// leakFree runs the tests, and fails when a goroutine of ours outlives them.
func leakFree(m *testing.M) int {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

// TestConformance runs the suite for each family, on the embedded broker and on a real mosquitto.
func TestConformance(t *testing.T) {
	devices := []virtual.Device{
		{Name: "lock", Kind: virtual.Lock},
		{Name: "lock-with-clock", Kind: virtual.Lock, Timestamps: true},
		{Name: "lobby", Kind: virtual.LobbyDoor},
		{Name: "fridge", Kind: virtual.Box},
		{Name: "garage", Kind: virtual.Garage},
		{Name: "garage-with-clock", Kind: virtual.Garage, Timestamps: true},
		{Name: "zigbee", Kind: virtual.ZigbeeLock},
		{Name: "zigbee-with-clock", Kind: virtual.ZigbeeLock, Timestamps: true},
		{Name: "ratgdo", Kind: virtual.RatgdoGarage},
	}
	for name, start := range map[string]func(*testing.T, virtual.Config) string{
		"embedded": embedded, "mosquitto": register,
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range devices {
				if testing.Short() && (name == "mosquitto" || d.Kind == virtual.Garage || d.Timestamps) {
					continue
				}
				t.Run(d.Name, func(t *testing.T) {
					t.Parallel()
					devicetest.Run(t, func(t *testing.T, log device.Log) devicetest.Rig { return rig(t, log, d, start) })
				})
			}
		})
	}
}

const serverName = "loquet"

var serverPassword = broker.NewPassword()

// embedded starts our broker with an account for each device, and returns its address.
func embedded(t *testing.T, home virtual.Config) string {
	t.Helper()
	b, err := broker.Start(broker.Config{
		Server: broker.Credentials{Username: serverName, PasswordHash: broker.HashPassword(serverPassword)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	for _, d := range home.Devices {
		reports, commands, err := home.Topics(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Allow(broker.Account{
			Credentials: broker.Credentials{Username: d.Username, PasswordHash: broker.HashPassword(d.Password)},
			Reports:     reports, Commands: commands,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Address()
}

// real starts a mosquitto with the same rights.
func register(t *testing.T, home virtual.Config) string {
	t.Helper()
	users := []mosquitto.User{{Name: serverName, Password: serverPassword}}
	for _, d := range home.Devices {
		reports, commands, err := home.Topics(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, mosquitto.User{Name: d.Username, Password: d.Password, Reads: commands, Writes: reports})
	}
	return mosquitto.Start(t, users...).Address()
}

// rig is one device at a broker of its own, with a line that can be cut.
func rig(t *testing.T, log device.Log, d virtual.Device, start func(*testing.T, virtual.Config) string) devicetest.Rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d.Username, d.Password = d.Name, broker.NewPassword()
	cfg := virtual.Config{Prefix: "home1", Devices: []virtual.Device{d}}
	address := start(t, cfg)
	cfg.URL = "mqtt://" + address
	home, err := virtual.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.Close)
	proxy := devicetest.NewProxy(t, address)
	client := dial(t, "mqtt://"+proxy.Address(), log)
	dev := enrol(t, client, cfg, d.Name)
	waitFor(t, "the device to be reachable", func() bool { return dev.Reach() == event.ReachOnline })
	if r, ok := dev.(device.Reader); ok { // its gateway's memory is known before anything happens
		if _, err := r.Read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return devicetest.Rig{
		Device: dev, World: &world{Proxy: proxy, Thing: home.Thing(d.Name), device: d},
		Bolted: d.Kind != virtual.Garage && d.Kind != virtual.RatgdoGarage,
	}
}

func dial(t *testing.T, address string, log device.Log) *mqtt.Client {
	t.Helper()
	client, err := mqtt.Dial(context.Background(), mqtt.ClientConfig{
		URL: address, Username: serverName, Password: serverPassword, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			t.Errorf("closing the client: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	return client
}

// enrol makes a device of its entry in the register.
func enrol(t *testing.T, client *mqtt.Client, cfg virtual.Config, name string) device.Device {
	t.Helper()
	entry, err := cfg.Register(name, event.DeviceID(name))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := mqtt.ParseConfig(entry)
	if err != nil {
		t.Fatalf("%s: %v", entry, err)
	}
	parsed.Lateness = 300 // shorter than it truly is, so that no test waits for it long
	dev, err := client.Device(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// waitFor polls what has no channel to wait on.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-limit.C:
			t.Fatalf("waited in vain for %s", what)
		case <-again.C:
		}
	}
}

// world plays the physical side with a virtual thing.
type world struct {
	*devicetest.Proxy
	*virtual.Thing
	device virtual.Device
}

func (w *world) SecureCommands() int {
	n := 0
	for _, c := range w.Commands() {
		switch c.Payload {
		case "LOCK", "CLOSE", "close", `{"state":"LOCK"}`:
			n++
		}
	}
	return n
}

func (w *world) OpenCommands() int { return w.Thing.OpenCommands() }

func (w *world) Secured() bool {
	return w.Contact() == event.ContactClosed && (w.Bolt() == "" || w.Bolt() == event.BoltLocked)
}

func (w *world) Play(f devicetest.Fault) bool {
	switch f {
	case devicetest.Jam:
		w.Faults(virtual.Faults{Jam: true})
	case devicetest.Deaf:
		w.Faults(virtual.Faults{Deaf: true})
	case devicetest.Mute:
		w.Faults(virtual.Faults{Mute: true})
	case devicetest.Refuse:
		w.Faults(virtual.Faults{Refuse: true})
		return w.device.Kind != virtual.ZigbeeLock && w.device.Kind != virtual.RatgdoGarage
	case devicetest.Slow:
		w.Faults(virtual.Faults{MotorDelay: devicetest.Delay})
	case devicetest.TooSlow:
		w.Faults(virtual.Faults{MotorDelay: 1200 * time.Millisecond})
	case devicetest.Late:
		w.Faults(virtual.Faults{ReportDelay: devicetest.Delay})
	case devicetest.Twice:
		w.Faults(virtual.Faults{Duplicate: true})
	case devicetest.WrongClock:
		w.Faults(virtual.Faults{ClockOffset: -3 * time.Hour})
		w.Offline() // it has been wrong since it started
		return w.device.Timestamps && w.Thing.Online() == nil
	case devicetest.Replay:
		text := map[virtual.Kind]string{virtual.Lock: "UNLOCKED", virtual.Garage: `"open"`, virtual.ZigbeeLock: `"unlocked"`}
		return w.device.Timestamps && w.Thing.Replay(text[w.device.Kind])
	case devicetest.KeepCodes:
		w.Faults(virtual.Faults{KeepCodes: true})
		return w.device.Kind == virtual.ZigbeeLock
	default:
		return false
	}
	return true
}

func (w *world) Behave() { w.Faults(virtual.Faults{}) }

func (w *world) Foreign() { w.Thing.Foreign("key") }

func (w *world) Shut() {
	_ = w.PullShut() // a garage door has nothing to pull
	w.HandLock()
}

func (w *world) TypeCode(code string) error {
	if w.device.Kind != virtual.ZigbeeLock {
		return errors.ErrUnsupported
	}
	return w.Thing.TypeCode(code)
}

func (w *world) Online() { _ = w.Thing.Online() }

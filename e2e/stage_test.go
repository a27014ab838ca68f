package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store/sqlite"
)

// house is a way in, from the street inwards. A device named lobby belongs to a site of its own, which lends it.
type house []virtual.Device

func lock(name string) virtual.Device {
	return virtual.Device{Name: name, Kind: virtual.Lock, Timestamps: true}
}

// Houses that the tests visit.
var (
	frontDoor = house{lock("front-door")}
	garage    = house{{Name: "garage", Kind: virtual.Garage, Timestamps: true}}
	flat      = house{lock("lobby"), lock("flat-door")}
)

const (
	witnessAccount = "witness"
	password       = "known to this test only"
)

// street is a real broker with accounts for several homes, and a witness who sees every command on it.
type street struct {
	broker  *mosquitto.Broker
	witness *mosquitto.Witness
	homes   []virtual.Config
}

// newStreet starts mosquitto. Each device and each home's server has an account of its own, for its own topics.
func newStreet(t testing.TB, houses ...house) *street {
	t.Helper()
	s := &street{}
	users := []mosquitto.User{{Name: witnessAccount, Password: password, Reads: []string{"#"}}}
	for i, devices := range houses {
		config := virtual.Config{Prefix: fmt.Sprintf("home%d", i), Devices: slices.Clone(devices)}
		for j := range config.Devices {
			config.Devices[j].Username = config.Prefix + "-" + config.Devices[j].Name
			config.Devices[j].Password = password
		}
		for _, d := range config.Devices {
			reports, commands, err := config.Topics(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, mosquitto.User{Name: d.Username, Password: password, Reads: commands, Writes: reports})
		}
		users = append(users, mosquitto.User{Name: config.Prefix, Password: password,
			Reads:  []string{config.Prefix + "/#", "homeassistant/#", "loquet/+/mark"},
			Writes: []string{config.Prefix + "/+/set", "loquet/+/mark"}})
		s.homes = append(s.homes, config)
	}
	s.broker = mosquitto.Start(t, users...)
	s.witness = mosquitto.Watch(t, s.broker.URL(), witnessAccount, password, "+/+/set", "+/zigbee2mqtt/+/set")
	for i := range s.homes {
		s.homes[i].URL = s.broker.URL()
	}
	return s
}

// installation is a server with everything around it that is needed for visits to one home.
type installation struct {
	*testing.T
	ctx     context.Context
	street  *street
	config  virtual.Config
	doors   *virtual.Home
	wire    *wire
	server  *server
	data    string
	dir     string
	program string

	people
	file journalFile
	// seen is how much the witness had seen before.
	seen int
}

// settle starts a server and a home, and moves people in. It ends with the test.
func (s *street) settle(t *testing.T, number int) *installation {
	t.Helper()
	in := s.build(t, number, loquet)
	in.must(in.server.start())
	in.moveIn()
	return in
}

// build prepares an installation, without starting its server.
func (s *street) build(t *testing.T, number int, program string, more ...string) *installation {
	t.Helper()
	in := &installation{T: t, ctx: t.Context(), street: s, config: s.homes[number], dir: t.TempDir(), program: program,
		seen: len(s.witness.Messages())}
	in.data = filepath.Join(in.dir, "data")
	home, err := virtual.Start(t.Context(), in.config)
	in.must(err)
	in.doors = home
	t.Cleanup(home.Close)
	in.wire = newWire(t, s.broker.Address())
	secret := filepath.Join(in.dir, "broker-password")
	in.must(os.WriteFile(secret, []byte(password), 0o600))
	in.server = newServer(t, program, in.data, append([]string{"--mqtt-url", in.wire.url(), "--mqtt-user", in.config.Prefix,
		"--mqtt-password-file", secret}, more...)...)
	t.Cleanup(in.file.close)
	return in
}

func (in *installation) must(err error) {
	in.Helper()
	if err != nil {
		in.Fatal(err)
	}
}

// moveOut ends everything that settle began, so that another installation can take its place.
func (in *installation) moveOut() {
	in.server.kill()
	in.file.close()
	in.wire.cut()
	in.doors.Close()
}

// crash kills the server and runs it again on what it left behind.
func (in *installation) crash() error {
	in.server.kill()
	in.wire.cut()
	return in.server.start()
}

// front is the innermost barrier's device.
func (in *installation) front() *virtual.Thing {
	return in.doors.Thing(in.config.Devices[len(in.config.Devices)-1].Name)
}

// journal reads a site's events from the file, whether a server runs on it or not.
func (in *installation) journal(site event.SiteID, after uint64) ([]event.Event, error) {
	return in.file.read(filepath.Join(in.data, record.StoreName), site, after)
}

// events is journal for what must be readable.
func (in *installation) events(site event.SiteID, after uint64) []event.Event {
	in.Helper()
	all, err := in.journal(site, after)
	in.must(err)
	return all
}

// journalFile is a store's file, open for reading. Safe for concurrent use.
type journalFile struct {
	mu   sync.Mutex
	open *sqlite.Store
}

func (f *journalFile) read(path string, site event.SiteID, after uint64) (all []event.Event, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		if f.open, err = sqlite.OpenReadOnly(path); err != nil {
			return nil, err
		}
	}
	for {
		entries, err := f.open.Events(context.Background(), site, after, 500)
		if err != nil || len(entries) == 0 {
			return all, err
		}
		for _, entry := range entries {
			var e event.Event
			if err := json.Unmarshal(entry.Data, &e); err != nil {
				return all, err
			}
			all, after = append(all, e), entry.Seq
		}
	}
}

func (f *journalFile) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open != nil {
		_ = f.open.Close() // it was only read
		f.open = nil
	}
}

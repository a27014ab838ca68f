package tesla_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/cloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/device/tesla/teslatest"
	"github.com/loquet/loquet/event"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"
)

// garage is one process for all tests of this package.
var garage *teslatest.Garage

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "24") // these tests wait more than they compute
	os.Exit(run(m))
}

func run(m *testing.M) int {
	g, err := teslatest.Start()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	garage = g
	code := m.Run()
	if err := g.Close(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var vins atomic.Int64

// nextVIN is a VIN of its own for each car.
func nextVIN() string { return fmt.Sprintf("5YJ3E1EA%09d", vins.Add(1)) }

// rig is a car with one device on it.
type rig struct {
	*teslatest.Car
	proxy   *devicetest.Proxy
	account *tesla.Account
	device  *tesla.Device
	key     *tesla.Key
	by      *maker.Consent
	cfg     tesla.Config
}

// quick are the lengths of the suite.
func quick() remotecar.Config {
	return remotecar.Config{
		Soon: 30 * time.Millisecond, Seldom: 50 * time.Millisecond, Attention: time.Hour, Idle: 50 * time.Millisecond,
	}
}

// newRig makes a car that knows our key, and a device on it.
func newRig(t *testing.T, log device.Log, cfg tesla.Config, change func(*tesla.AccountConfig)) *rig {
	t.Helper()
	key, err := tesla.OpenKey(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Device, cfg.VIN = "car-1", nextVIN()
	r := &rig{Car: garage.Car(t, cfg.VIN), key: key, cfg: cfg, proxy: devicetest.NewProxy(t, garage.API[len("https://"):])}
	r.Pair(key.Public())
	account := tesla.AccountConfig{
		Base: "https://" + r.proxy.Address(), Key: key, TLS: garage.TLS(), Log: log, Polling: quick(),
		Limiter: maker.NewLimiter(), Limit: 2 * time.Second, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&account)
	}
	if r.account, err = tesla.NewAccount(account); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.account.Close)
	r.by = newTokens(t).by
	if r.device, err = r.account.Device(cfg, r.by); err != nil {
		t.Fatal(err)
	}
	return r
}

// tokens is where tokens come from: the second access token is access-2.
type tokens struct {
	server *httptest.Server
	by     *maker.Consent
}

func newTokens(t *testing.T) *tokens {
	t.Helper()
	s := &tokens{server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"access-2","refresh_token":"refresh-2","token_type":"Bearer","expires_in":28800}`)
	}))}
	t.Cleanup(s.server.Close)
	cfg, err := tesla.Office(tesla.Europe, "us", "secret", "https://us.example/back")
	if err != nil {
		t.Fatal(err)
	}
	cfg.TokenURL = s.server.URL
	office, err := maker.NewOffice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(office.Close)
	s.by = office.Consent(cloud.NewKeeper(&oauth2.Token{AccessToken: "access-1", RefreshToken: "refresh-1"}))
	return s
}

// unsigned is what can't hold for a car that signs no answers: they have no time, and nothing binds them to a question.
var unsigned = map[string]string{
	"an old state passed off as new proves nothing": "an old answer that nobody signed looks like a new one: its grade is reported, and the household is told so",
	"a refusal by the device is not done":           "a refusal that nobody signed could be anybody's: it stays unknown, and the car is asked",
}

// TestConformance runs the suite against Tesla's own verifier.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg     tesla.Config
		powered bool
		cannot  map[string]string
	}{
		"trunk":         {tesla.Config{Opens: tesla.Trunk}, false, nil},
		"powered-trunk": {tesla.Config{Opens: tesla.Trunk}, true, nil},
		"cabin":         {tesla.Config{Opens: tesla.Cabin}, false, nil},
		"unproven":      {tesla.Config{Opens: tesla.Trunk, Unproven: true}, false, unsigned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			devicetest.RunVehicle(t, func(t *testing.T, log device.Log) devicetest.Rig {
				t.Parallel()
				rig := conform(t, newRig(t, log, c.cfg, nil), c.powered)
				rig.Cannot = c.cannot
				return rig
			})
		})
	}
}

// conform makes a rig whose line to the cloud can be cut. A car of which no signature is asked has software that makes none.
func conform(t *testing.T, r *rig, powered bool) devicetest.Rig {
	t.Helper()
	trunk := r.cfg.Opens == tesla.Trunk
	r.Set(teslatest.Body{Lock: teslatest.Locked, Powered: powered})
	world := world{&teslatest.World{Car: r.Car, Key: r.key.Public(), Cabin: !trunk, Old: r.cfg.Unproven}, r.proxy}
	world.Behave()
	await(t, "the car to be reached", func() bool {
		_, err := r.device.Read(t.Context())
		return err == nil && r.device.Reach() == event.ReachOnline
	})
	return devicetest.Rig{Device: r.device, World: world, Bolted: !trunk, ByHand: trunk && !powered}
}

// await polls what has no channel to wait on.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-limit.C:
			t.Fatalf("waited in vain for %s", what)
		case <-again.C:
		}
	}
}

// world is the car, and the line to its cloud.
type world struct {
	*teslatest.World
	*devicetest.Proxy
}

var _ devicetest.Vehicle = world{}

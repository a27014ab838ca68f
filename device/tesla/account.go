package tesla

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
)

// Region is where a customer's account lives; a car is asked only there.
type Region string

// Regions (developer.tesla.com, "Regional requirements").
const (
	NorthAmerica Region = "na" // and Asia-Pacific, without China
	Europe       Region = "eu" // and the Middle East and Africa
	China        Region = "cn"
)

// regions are the addresses of the Fleet API and of its tokens.
var regions = map[Region]struct{ base, auth, token string }{
	NorthAmerica: {"https://fleet-api.prd.na.vn.cloud.tesla.com", authURL, tokenURL},
	Europe:       {"https://fleet-api.prd.eu.vn.cloud.tesla.com", authURL, tokenURL},
	China: {"https://fleet-api.prd.cn.vn.cloud.tesla.cn",
		"https://auth.tesla.cn/oauth2/v3/authorize", "https://auth.tesla.cn/oauth2/v3/token"},
}

const (
	authURL  = "https://auth.tesla.com/oauth2/v3/authorize"
	tokenURL = "https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token" //nolint:gosec // an address
)

// Scopes are what the customer is asked for: to see the car's state and place, and to command it.
func Scopes() []string {
	return []string{"openid", "offline_access", "vehicle_device_data", "vehicle_location", "vehicle_cmds"}
}

// Office is how customers consent at Tesla. A refresh token ends three months after its last use. Tesla has no address
// for withdrawing: the customer is told to do that in Tesla's account as well, and to remove the key from the car.
func Office(region Region, clientID, clientSecret, redirectURL string) (maker.OfficeConfig, error) {
	at, known := regions[region]
	if !known {
		return maker.OfficeConfig{}, errRegion
	}
	return maker.OfficeConfig{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Scopes: Scopes(),
		AuthURL: at.auth, TokenURL: at.token, TokenParams: map[string]string{"audience": at.base},
		Every: 7 * 24 * time.Hour,
	}, nil
}

var errRegion = errors.New("the region must be na, eu or cn")

// Kinds of calls that Tesla counts.
const (
	kindData    = "data"
	kindCommand = "command"
	kindWake    = "wake"
)

// Limits are Tesla's published limits for each car (developer.tesla.com, "Billing and Limits"). A signed question counts
// as a command. What Tesla bills is limited where its account is: see Account.Counts.
func Limits() []maker.Limit {
	return []maker.Limit{
		{Calls: 60, Per: time.Minute, PerVehicle: true, Kind: kindData},
		{Calls: 30, Per: time.Minute, PerVehicle: true, Kind: kindCommand},
		{Calls: 3, Per: time.Minute, PerVehicle: true, Kind: kindWake},
	}
}

// AccountConfig is our registration at Tesla.
type AccountConfig struct {
	Region Region
	// Base overrides the address that the region has.
	Base string
	// Key signs what is sent. The customer adds its public half to the car.
	Key *Key
	// Limiter counts the calls; one with Limits if nil.
	Limiter *maker.Limiter
	// Limit is how long a call may take; 20 s if 0.
	Limit time.Duration
	// TLS overrides whom to trust; nil for the system's roots.
	TLS *tls.Config
	// Polling says when cars are asked while somebody watches.
	Polling remotecar.Config
	// Log is the connectors' log of what was sent.
	Log device.Log
	// Logger is told what can't be returned to anybody; slog.Default() if nil.
	Logger *slog.Logger
}

// soon is how long a car is given before it is asked what became of a command: a latch moves within a second.
const soon = 1500 * time.Millisecond

// Account makes devices of cars. It is safe for concurrent use.
type Account struct {
	cfg    AccountConfig
	caller *maker.Caller

	mu   sync.Mutex
	cars map[string]*car // by VIN: the trunk and the cabin of one car take turns
}

// NewAccount makes an Account, or says what is wrong with its configuration.
func NewAccount(cfg AccountConfig) (*Account, error) {
	if cfg.Base == "" {
		if _, known := regions[cfg.Region]; !known {
			return nil, errRegion
		}
		cfg.Base = regions[cfg.Region].base
	}
	if cfg.Key == nil || cfg.Log == nil {
		return nil, errors.New("the key that signs commands, or the log of what is sent, is missing")
	}
	if cfg.Limiter == nil {
		cfg.Limiter = maker.NewLimiter(Limits()...)
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 20 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Polling.Logger == nil {
		cfg.Polling.Logger = cfg.Logger
	}
	if cfg.Polling.Soon <= 0 {
		cfg.Polling.Soon = soon
	}
	caller, err := maker.NewCaller(maker.CallerConfig{Base: cfg.Base, Limiter: cfg.Limiter, Limit: cfg.Limit, TLS: cfg.TLS})
	if err != nil {
		return nil, err
	}
	return &Account{cfg: cfg, caller: caller, cars: make(map[string]*car)}, nil
}

// Close ends all conversations, and gives back connections that wait. No device may be used after it.
func (a *Account) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for vin, c := range a.cars {
		c.hangUp()
		delete(a.cars, vin)
	}
	a.caller.Close()
}

// Counts are the calls made on the UTC day of at, by kind: data, command, wake. Tesla bills each.
func (a *Account) Counts(at time.Time) map[string]int64 { return a.cfg.Limiter.Counts(at) }

func (a *Account) car(vin string) *car {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cars[vin] == nil {
		a.cars[vin] = &car{account: a, vin: vin, turn: make(chan struct{}, 1)}
	}
	return a.cars[vin]
}

// Device makes the device of one opening of a car.
func (a *Account) Device(cfg Config, by *maker.Consent) (*Device, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if by == nil {
		return nil, errors.New("the customer's consent is missing")
	}
	c := a.car(cfg.VIN)
	vehicle := remotecar.NewVehicle(opening{c, by, cfg}, a.cfg.Polling)
	return &Device{Car: vehicle.Device(cfg.spec(), a.cfg.Log), car: c, by: by}, nil
}

// Device is the trunk or the cabin of a Tesla.
type Device struct {
	*remotecar.Car
	car *car
	by  *maker.Consent
}

var (
	_ device.Opener    = (*Device)(nil)
	_ device.Securer   = (*Device)(nil)
	_ device.Reader    = (*Device)(nil)
	_ device.Watcher   = (*Device)(nil)
	_ device.Locator   = (*Device)(nil)
	_ device.Waker     = (*Device)(nil)
	_ device.Signaller = (*Device)(nil)
)

// String names no VIN: that is personal.
func (d *Device) String() string { return fmt.Sprintf("a Tesla (%s)", d.Spec().Device) }

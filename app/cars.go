package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/loquet/loquet/app/makers"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/web/customer"
)

// CarsConfig is at which makers of cars this installation is registered: docs/connectors.md.
type CarsConfig struct {
	VolvoClient     string        `help:"Our client id at Volvo; without one, no Volvo is connected." env:"LOQUET_VOLVO_CLIENT" name:"volvo-client"`
	VolvoSecretFile string        `help:"File with our client secret there." env:"LOQUET_VOLVO_SECRET_FILE" name:"volvo-secret-file" type:"path"`
	VolvoKeyFile    string        `help:"File with our application's VCC API key." env:"LOQUET_VOLVO_KEY_FILE" name:"volvo-key-file" type:"path"`
	VolvoLateness   time.Duration `help:"How long after its time an order may still reach a Volvo, which nobody publishes: only after that, and the handle's two minutes, may there be another one." default:"3m" env:"LOQUET_VOLVO_LATENESS" name:"volvo-lateness"`
	VolvoURL        string        `help:"Where Volvo's cloud is, instead of the real one." hidden:"" env:"LOQUET_VOLVO_URL" name:"volvo-url"`

	SmartcarClient      string `help:"Our client id at Smartcar; without one, no car is connected through it." env:"LOQUET_SMARTCAR_CLIENT" name:"smartcar-client"`
	SmartcarSecretFile  string `help:"File with our client secret there." env:"LOQUET_SMARTCAR_SECRET_FILE" name:"smartcar-secret-file" type:"path"`
	SmartcarWebhookFile string `help:"File with our management token there, which signs webhooks; without one, none are taken." env:"LOQUET_SMARTCAR_WEBHOOK_FILE" name:"smartcar-webhook-file" type:"path"`
	SmartcarHourly      int    `help:"How many requests an hour our contract there allows; 120 when left out." env:"LOQUET_SMARTCAR_HOURLY" name:"smartcar-hourly"`
	SmartcarVehicle     int    `help:"How many of these for each car; 20 when left out." env:"LOQUET_SMARTCAR_VEHICLE_HOURLY" name:"smartcar-vehicle-hourly"`
	SmartcarMode        string `help:"live, or test or simulated for cars that are none." default:"live" enum:"live,test,simulated" env:"LOQUET_SMARTCAR_MODE" name:"smartcar-mode"`
	SmartcarURL         string `help:"Where Smartcar's cloud is, instead of the real one." hidden:"" env:"LOQUET_SMARTCAR_URL" name:"smartcar-url"`

	TeslaClient     string `help:"Our client id at Tesla; without one, no Tesla is connected." env:"LOQUET_TESLA_CLIENT" name:"tesla-client"`
	TeslaSecretFile string `help:"File with our client secret there." env:"LOQUET_TESLA_SECRET_FILE" name:"tesla-secret-file" type:"path"`
	TeslaRegion     string `help:"Where the accounts of our customers live: na, eu or cn." default:"eu" enum:"na,eu,cn" env:"LOQUET_TESLA_REGION" name:"tesla-region"`
	TeslaKeyFile    string `help:"File with the key that signs what is sent to Teslas, made where there is none; tesla.key in the data folder when left out." env:"LOQUET_TESLA_KEY_FILE" name:"tesla-key-file" type:"path"`
}

// teslaKeyName is the key's file in the data folder.
const teslaKeyName = "tesla.key"

// smartcarHooks is where Smartcar's webhooks come to.
const smartcarHooks = "/hooks/smartcar"

func (c *CarsConfig) checkCars() error {
	switch {
	case c.VolvoClient == "" && (c.VolvoSecretFile != "" || c.VolvoKeyFile != ""):
		return errors.New("--volvo-secret-file and --volvo-key-file belong to --volvo-client")
	case c.VolvoClient != "" && (c.VolvoSecretFile == "" || c.VolvoKeyFile == ""):
		return errors.New("--volvo-client needs --volvo-secret-file and --volvo-key-file")
	case c.VolvoLateness < 0:
		return errors.New("--volvo-lateness is a time, such as 3m")
	case c.SmartcarClient == "" && (c.SmartcarSecretFile != "" || c.SmartcarWebhookFile != "" || c.SmartcarHourly != 0 || c.SmartcarVehicle != 0):
		return errors.New("--smartcar-secret-file, --smartcar-webhook-file, --smartcar-hourly and --smartcar-vehicle-hourly belong to --smartcar-client")
	case c.SmartcarClient != "" && c.SmartcarSecretFile == "":
		return errors.New("--smartcar-client needs --smartcar-secret-file")
	case c.SmartcarHourly < 0 || c.SmartcarVehicle < 0:
		return errors.New("--smartcar-hourly and --smartcar-vehicle-hourly are numbers of requests")
	case (c.TeslaClient == "") != (c.TeslaSecretFile == ""):
		return errors.New("--tesla-client and --tesla-secret-file belong together")
	}
	return nil
}

// clouds are the makers' clouds in use.
type clouds struct {
	makers map[string]carlink.Maker
	// hooks takes Smartcar's webhooks, and key is what cars of Tesla's look for here; nil where they are not in use.
	hooks  http.Handler
	key    *tesla.Key
	closes []func()
}

func (c *clouds) close() {
	for _, end := range c.closes {
		end()
	}
}

// buildCarLinks makes what connects cars. It asks no maker for anything yet.
func (s *server) buildCarLinks(ctx context.Context, secrets *vault.Vault) error {
	s.clouds = &clouds{makers: map[string]carlink.Maker{}}
	if err := errors.Join(s.addVolvo(), s.addSmartcar(), s.addTesla()); err != nil {
		return err
	}
	s.carLinks = carlink.New(carlink.Deps{Register: s.store, Vault: secrets, Makers: s.clouds.makers, Now: time.Now, Random: rand.Reader, Log: s.log})
	return s.carLinks.Load(ctx)
}

// connectors are all that devices can be reserved with.
func (s *server) connectors() map[string]fleet.Connector {
	all := map[string]fleet.Connector{"mqtt": s.mqttDevice}
	maps.Copy(all, s.carLinks.Connectors())
	return all
}

// consentedAt is where makers send customers back to.
func (s *server) consentedAt() string { return s.config.PublicURL + customer.CarsBackPath }

func (s *server) addVolvo() error {
	c := s.config.CarsConfig
	if c.VolvoClient == "" {
		return nil
	}
	secret, err1 := secretOf(c.VolvoSecretFile)
	key, err2 := secretOf(c.VolvoKeyFile)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	app, err := volvo.New(s.atVolvo(secret, key))
	if err != nil {
		return fmt.Errorf("--volvo-client: %w", err)
	}
	s.clouds.makers["volvo"] = makers.NewVolvo(app)
	s.clouds.closes = append(s.clouds.closes, app.Close)
	return nil
}

func (s *server) atVolvo(secret, key string) volvo.AppConfig {
	c := s.config.CarsConfig
	return volvo.AppConfig{ClientID: c.VolvoClient, ClientSecret: secret, APIKey: key, RedirectURL: s.consentedAt(),
		Origins: volvo.Origins{API: c.VolvoURL, ID: c.VolvoURL}, Lateness: event.Millis(c.VolvoLateness.Milliseconds()),
		Vehicle: watching(volvo.Daily, volvo.AskTakes), Log: s.sent, Logger: s.log}
}

// Cars that their household wants watched are asked this often between visits. A Tesla is left the time to fall asleep.
const (
	watchEvery      = 15 * time.Minute
	watchTeslaEvery = 30 * time.Minute
)

// watching is how often cars are asked between visits whose maker limits all calls together: as many cars as they are, a
// question takes that many of them.
func watching(limit maker.Limit, takes int) remotecar.Config {
	return remotecar.Config{Idle: watchEvery, Quota: remotecar.QuotaOf(limit.Calls, limit.Per, takes)}
}

func (s *server) addSmartcar() error {
	c := s.config.CarsConfig
	if c.SmartcarClient == "" {
		return nil
	}
	secret, err1 := secretOf(c.SmartcarSecretFile)
	token, err2 := secretOf(c.SmartcarWebhookFile)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	app, err := smartcar.New(s.atSmartcar(secret, token))
	if err != nil {
		return fmt.Errorf("--smartcar-client: %w", err)
	}
	s.clouds.makers["smartcar"] = makers.NewSmartcar(app)
	s.clouds.closes = append(s.clouds.closes, app.Close)
	if token != "" {
		s.clouds.hooks = app
	}
	return nil
}

func (s *server) atSmartcar(secret, token string) smartcar.AppConfig {
	c, limits := s.config.CarsConfig, s.config.smartcarLimits()
	shared := slices.IndexFunc(limits, func(l maker.Limit) bool { return !l.PerVehicle })
	u := c.SmartcarURL
	return smartcar.AppConfig{ClientID: c.SmartcarClient, ClientSecret: secret, ManagementToken: token,
		RedirectURL: s.consentedAt(), Origins: smartcar.Origins{API: u, Auth: u, Connect: u, Vehicle: u, IAM: u}, Limits: limits,
		Mode: c.SmartcarMode, Vehicle: watching(limits[shared], 1), Log: s.sent, Logger: s.log}
}

// smartcarLimits are those of the contract: the usual ones where it says no other.
func (c *CarsConfig) smartcarLimits() []maker.Limit {
	limits := slices.Clone(smartcar.Limits)
	for i := range limits {
		calls := c.SmartcarHourly
		if limits[i].PerVehicle {
			calls = c.SmartcarVehicle
		}
		limits[i].Calls = cmp.Or(calls, limits[i].Calls)
	}
	return limits
}

func (s *server) addTesla() error {
	c := s.config.CarsConfig
	if c.TeslaClient == "" {
		return nil
	}
	secret, err := secretOf(c.TeslaSecretFile)
	if err != nil {
		return err
	}
	at, err := tesla.Office(tesla.Region(c.TeslaRegion), c.TeslaClient, secret, s.consentedAt())
	if err != nil {
		return fmt.Errorf("--tesla-region: %w", err)
	}
	at.Log = s.log
	office, err := maker.NewOffice(at)
	if err != nil {
		return fmt.Errorf("--tesla-client: %w", err)
	}
	if s.clouds.key, err = tesla.OpenKey(s.teslaKey()); err != nil {
		return err
	}
	account, err := tesla.NewAccount(s.atTesla())
	if err != nil {
		return fmt.Errorf("--tesla-client: %w", err)
	}
	domain, err := url.Parse(s.config.PublicURL)
	if err != nil {
		return err
	}
	s.clouds.makers["tesla"] = makers.NewTesla(account, office, domain.Hostname())
	s.clouds.closes = append(s.clouds.closes, office.Close, account.Close)
	return nil
}

func (s *server) atTesla() tesla.AccountConfig {
	return tesla.AccountConfig{Region: tesla.Region(s.config.TeslaRegion), Key: s.clouds.key,
		Polling: remotecar.Config{Idle: watchTeslaEvery}, Log: s.sent, Logger: s.log}
}

func (s *server) teslaKey() string {
	if s.config.TeslaKeyFile != "" {
		return filepath.Clean(s.config.TeslaKeyFile)
	}
	return s.config.file(teslaKeyName)
}

// mountCars serves what makers ask this server for.
func (s *server) mountCars(mux *http.ServeMux) {
	if s.clouds.hooks != nil {
		mux.Handle("POST "+smartcarHooks, s.clouds.hooks)
	}
	if s.clouds.key == nil {
		return
	}
	mux.HandleFunc("GET "+tesla.PublicPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(s.clouds.key.Public()) // who went away needs no answer
	})
}

package volvo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// Scopes are what is asked of the customer.
var Scopes = []string{
	"openid", "conve:vehicle_relation", "conve:doors_status", "conve:lock_status", "conve:engine_status", "conve:commands",
	"conve:command_accessibility", "conve:lock", "conve:unlock", "conve:honk_flash", "location:read",
}

// kindCommand are the calls that Volvo calls invocations.
const kindCommand = "command"

// onTheWay is how much later than another one a call may arrive: as long as a connection may take. Volvo counts
// arrivals, and we departures.
const onTheWay = 10 * time.Second

// Limits are Volvo's for each Volvo ID and application, and Daily that of the application.
var (
	Limits = []maker.Limit{{Calls: 100, Per: time.Minute + onTheWay}, {Calls: 10, Per: time.Minute + onTheWay, Kind: kindCommand}}
	Daily  = maker.Limit{Calls: 10_000, Per: 24*time.Hour + onTheWay}
)

// Origins are Volvo's hosts. What is "" is the real one.
type Origins struct {
	API, ID string
}

// AppConfig is our application at Volvo.
type AppConfig struct {
	ClientID, ClientSecret string
	// APIKey is the application's "vcc-api-key".
	APIKey      string
	RedirectURL string
	Origins     Origins
	// Limits and Daily are those of the application (default: as published).
	Limits []maker.Limit
	Daily  maker.Limit
	// Vehicle says when a car is asked (default: 5 s after a command, and then more and more seldom, up to 1 min).
	Vehicle remotecar.Config
	// AskLimit and CommandLimit are how long a question and a command may take (default 30 s and 2 min).
	AskLimit, CommandLimit time.Duration
	// Lateness is that of devices whose configuration names none (default: as Config.Lateness says).
	Lateness event.Millis
	Log      device.Log
	Logger   *slog.Logger
}

func (cfg *AppConfig) complete() {
	if cfg.Origins.API == "" {
		cfg.Origins.API = "https://api.volvocars.com"
	}
	if cfg.Origins.ID == "" {
		cfg.Origins.ID = "https://volvoid.eu.volvocars.com"
	}
	if cfg.Limits == nil {
		cfg.Limits = Limits
	}
	if cfg.Daily.Calls == 0 {
		cfg.Daily = Daily
	}
	if cfg.AskLimit == 0 {
		cfg.AskLimit = 30 * time.Second
	}
	if cfg.CommandLimit == 0 {
		cfg.CommandLimit = 2 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Vehicle.Logger = cfg.Logger
}

// App is our application at Volvo. It is safe for concurrent use.
type App struct {
	cfg            AppConfig
	office         *maker.Office
	daily          *maker.Limiter
	asks, commands *maker.Caller
}

// New makes the application, or says what is wrong with its configuration. It asks for nothing yet.
func New(cfg AppConfig) (*App, error) {
	cfg.complete()
	switch {
	case cfg.ClientID == "" || cfg.ClientSecret == "" || cfg.APIKey == "":
		return nil, errors.New("an application at Volvo needs a client id, a secret and an API key")
	case cfg.Log == nil:
		return nil, errors.New("the log of what is sent is missing")
	}
	office, err1 := maker.NewOffice(maker.OfficeConfig{
		ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RedirectURL: cfg.RedirectURL, Scopes: Scopes, InHeader: true,
		AuthURL: cfg.Origins.ID + "/as/authorization.oauth2", TokenURL: cfg.Origins.ID + "/as/token.oauth2",
		RevokeURL: cfg.Origins.ID + "/as/revoke_token.oauth2", Log: cfg.Logger,
	})
	a := &App{cfg: cfg, office: office, daily: maker.NewLimiter(cfg.Daily)}
	var err2, err3 error
	a.asks, err2 = a.caller(cfg.AskLimit)
	a.commands, err3 = a.caller(cfg.CommandLimit)
	return a, errors.Join(err1, err2, err3)
}

// caller makes calls of accounts, each with a limiter of its own.
func (a *App) caller(limit time.Duration) (*maker.Caller, error) {
	return maker.NewCaller(maker.CallerConfig{
		Base: a.cfg.Origins.API, Limiter: maker.NewLimiter(), Limit: limit, Header: http.Header{"Vcc-Api-Key": {a.cfg.APIKey}},
	})
}

// Office is where customers consent.
func (a *App) Office() *maker.Office { return a.office }

// Close ends it. Devices of it can't be used any more.
func (a *App) Close() {
	a.office.Close()
	a.asks.Close()
	a.commands.Close()
}

// Account is one Volvo ID, which consented. It is safe for concurrent use. There must be one for each Volvo ID, because
// it counts its calls.
type Account struct {
	app     *App
	consent *maker.Consent
	limiter *maker.Limiter

	mu       sync.Mutex
	vehicles map[string]*vehicle // by VIN
}

// Account makes the account of a consent.
func (a *App) Account(consent *maker.Consent) *Account {
	return &Account{app: a, consent: consent, limiter: maker.NewLimiter(a.cfg.Limits...), vehicles: map[string]*vehicle{}}
}

// do makes a call in the account's name, within its limits and the application's.
func (a *Account) do(ctx context.Context, caller *maker.Caller, call maker.Call) (maker.Answer, error) {
	just := call.Just
	call.By, call.Limiter = a.consent, a.limiter
	call.Just = func() error {
		if err := a.app.daily.Take(time.Now(), maker.Ask{Purpose: call.Purpose}); err != nil || just == nil {
			return err
		}
		return just()
	}
	answer, err := caller.Do(ctx, call)
	var busy *device.BusyError
	var status *maker.StatusError
	if errors.As(err, &busy) && errors.As(err, &status) {
		a.limiter.Hold("", busy.RetryAt) // Volvo's limits are the account's
	}
	return answer, err
}

// conve are paths of the Connected Vehicle API.
func conve(path ...string) []string {
	return append([]string{"connected-vehicle", "v2", "vehicles"}, path...)
}

// look asks for something about the account or a car that can wait.
func (a *Account) look(ctx context.Context, path ...string) ([]byte, error) {
	call := maker.Call{Method: http.MethodGet, Path: conve(path...)}
	answer, err := a.do(ctx, a.app.asks, call)
	if err != nil {
		_, err = explain("", err)
	}
	return answer.Body, err
}

// Vehicles lists the VINs of the account's cars: that a car is among them proves that it is the customer's.
func (a *Account) Vehicles(ctx context.Context) ([]string, error) {
	body, err := a.look(ctx)
	if err != nil {
		return nil, err
	}
	return parseVINs(body)
}

// Details asks for a car's model.
func (a *Account) Details(ctx context.Context, vin string) (Details, error) {
	body, err := a.look(ctx, vin)
	if err != nil {
		return Details{}, err
	}
	return parseDetails(body)
}

// Commands asks what a car can be told to do.
func (a *Account) Commands(ctx context.Context, vin string) (Able, error) {
	body, err := a.look(ctx, vin, "commands")
	if err != nil {
		return Able{}, err
	}
	return parseCommands(body)
}

package smartcar

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/vin"
)

// Scopes are what is asked of the customer: the vehicle's make and VIN, where it stands, its locks, and unlocking.
var Scopes = []string{"required:read_vehicle_info", "required:read_vin", "required:read_location", "required:read_security", "required:control_security"}

// Limits are Smartcar's default limits, for the whole application. Its bucket of 120 requests that gets 2 back a minute
// is never empty for whoever asks at most 120 times in any hour, and a little more because calls arrive later than they
// leave. A contract may allow more.
var Limits = []maker.Limit{{Calls: 120, Per: 61 * time.Minute}, {Calls: 20, Per: 61 * time.Minute, PerVehicle: true}}

// Version of the API.
type Version string

// Versions.
const (
	V2 Version = "2.0"
	V3 Version = "3"
)

// Origins are Smartcar's hosts. What is "" is the real one.
type Origins struct {
	API, Auth, Connect, Vehicle, IAM string
}

// AppConfig is our application at Smartcar.
type AppConfig struct {
	ClientID, ClientSecret string
	// ManagementToken signs webhooks; "" where there are none.
	ManagementToken string
	RedirectURL     string
	Version         Version // default V2
	Origins         Origins
	// Limits are those of the contract (default: Limits).
	Limits []maker.Limit
	// Mode is Connect's: "live" (default), "test" or "simulated".
	Mode string
	// Vehicle says when a car is asked (default: 6 s after a command, and then more and more seldom, up to 3 min).
	Vehicle remotecar.Config
	// AskLimit and CommandLimit are how long a question and a command may take (default 60 s and 310 s).
	AskLimit, CommandLimit time.Duration
	Log                    device.Log
	Logger                 *slog.Logger
}

func (cfg *AppConfig) complete() {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&cfg.Origins.API, "https://api.smartcar.com"},
		{&cfg.Origins.Auth, "https://auth.smartcar.com"},
		{&cfg.Origins.Connect, "https://connect.smartcar.com"},
		{&cfg.Origins.Vehicle, "https://vehicle.api.smartcar.com"},
		{&cfg.Origins.IAM, "https://iam.smartcar.com"},
		{&cfg.Mode, "live"},
		{(*string)(&cfg.Version), string(V2)},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&cfg.Vehicle.Soon, 6 * time.Second},
		{&cfg.Vehicle.Seldom, 3 * time.Minute},
		{&cfg.AskLimit, time.Minute},
		{&cfg.CommandLimit, 310 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if cfg.Limits == nil {
		cfg.Limits = Limits
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Vehicle.Logger = cfg.Logger
}

// App is our application at Smartcar. It is safe for concurrent use.
type App struct {
	cfg       AppConfig
	dialect   dialect
	office    *maker.Office
	limiter   *maker.Limiter
	asks      *maker.Caller // of the version in use
	commands  *maker.Caller
	basic     *maker.Caller // with the application's own name and secret
	ownTokens *application

	mu       sync.Mutex
	vehicles map[string]*vehicle
}

// New makes the application, or says what is wrong with its configuration. It asks for nothing yet.
func New(cfg AppConfig) (*App, error) {
	cfg.complete()
	switch {
	case cfg.ClientID == "" || cfg.ClientSecret == "":
		return nil, errors.New("an application at Smartcar needs a client id and a secret")
	case cfg.Log == nil:
		return nil, errors.New("the log of what is sent is missing")
	case cfg.Version != V2 && cfg.Version != V3:
		return nil, errors.New("the version of Smartcar's API must be 2.0 or 3")
	}
	a := &App{cfg: cfg, dialect: v2{}, limiter: maker.NewLimiter(cfg.Limits...), vehicles: map[string]*vehicle{}}
	base := cfg.Origins.API + "/v2.0"
	if cfg.Version == V3 {
		base = cfg.Origins.Vehicle + "/v3"
		a.dialect, a.ownTokens = v3{}, newApplication(cfg)
	}
	return a, a.connect(base)
}

func (a *App) connect(base string) error {
	office, err1 := maker.NewOffice(maker.OfficeConfig{
		ClientID: a.cfg.ClientID, ClientSecret: a.cfg.ClientSecret, RedirectURL: a.cfg.RedirectURL, Scopes: Scopes,
		AuthURL: a.cfg.Origins.Connect + "/oauth/authorize", TokenURL: a.cfg.Origins.Auth + "/oauth/token", InHeader: true,
		AuthParams: map[string]string{"mode": a.cfg.Mode, "approval_prompt": "force"}, Log: a.cfg.Logger,
	})
	asks, err2 := maker.NewCaller(maker.CallerConfig{Base: base, Limiter: a.limiter, Limit: a.cfg.AskLimit})
	commands, err3 := maker.NewCaller(maker.CallerConfig{Base: base, Limiter: a.limiter, Limit: a.cfg.CommandLimit})
	secret := base64.StdEncoding.EncodeToString([]byte(a.cfg.ClientID + ":" + a.cfg.ClientSecret))
	basic, err4 := maker.NewCaller(maker.CallerConfig{
		Base: a.cfg.Origins.API + "/v2.0", Limiter: a.limiter, Limit: a.cfg.AskLimit,
		Header: http.Header{"Authorization": {"Basic " + secret}},
	})
	a.office, a.asks, a.commands, a.basic = office, asks, commands, basic
	return errors.Join(err1, err2, err3, err4)
}

// Office is where customers consent. What comes back with the consent in version 3 is "user_id", for Config.User.
func (a *App) Office() *maker.Office { return a.office }

// Close ends it. Devices of it can't be used any more.
func (a *App) Close() {
	a.office.Close()
	for _, c := range []*maker.Caller{a.asks, a.commands, a.basic} {
		c.Close()
	}
	if a.ownTokens != nil {
		a.ownTokens.close()
	}
}

// do makes a call in a customer's name, or in the application's.
func (a *App) do(ctx context.Context, caller *maker.Caller, consent *maker.Consent, call maker.Call) (maker.Answer, error) {
	call.By = consent
	if a.ownTokens != nil {
		call.By = a.ownTokens
	}
	answer, err := caller.Do(ctx, call)
	a.heed(err)
	return answer, err
}

// heed holds everything back if a limit of the whole application was reached.
func (a *App) heed(err error) {
	var busy *device.BusyError
	if ofApplication(err) && errors.As(err, &busy) {
		a.limiter.Hold("", busy.RetryAt)
	}
}

// Vehicles lists Smartcar's identifiers of the vehicles that a customer has just shared (version 2.0); what for, the context
// says (device.PurposeOf).
func (a *App) Vehicles(ctx context.Context, consent *maker.Consent) ([]string, error) {
	call := get("vehicles")
	call.Purpose = device.PurposeOf(ctx)
	answer, err := a.do(ctx, a.asks, consent, call)
	if err != nil {
		_, err = explain(err)
		return nil, err
	}
	return parseVehicles(answer.Body)
}

func parseVehicles(body []byte) ([]string, error) {
	var said struct {
		Vehicles []string `json:"vehicles"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return nil, err
	}
	for _, id := range said.Vehicles {
		if !identifier(id) {
			return nil, nonsense("a vehicle's identifier is none")
		}
	}
	return said.Vehicles, nil
}

// VIN asks for a shared vehicle's own identification number.
func (a *App) VIN(ctx context.Context, consent *maker.Consent, vehicle string) (string, error) {
	call := get("vehicles", vehicle, "vin")
	call.Vehicle = vehicle
	answer, err := a.do(ctx, a.asks, consent, call)
	if err != nil {
		_, err = explain(err)
		return "", err
	}
	var said struct{ VIN string }
	if err := maker.Decode(answer.Body, &said); err != nil {
		return "", err
	}
	if !vin.WellFormed(said.VIN) {
		return "", nonsense("the vehicle's identification number is none")
	}
	return said.VIN, nil
}

// Missing asks which permissions of Scopes a shared vehicle lacks, because it is not capable of them or because its owner
// took them out (version 2.0). That a permission is required keeps its owner from the latter, and no vehicle away.
func (a *App) Missing(ctx context.Context, consent *maker.Consent, vehicle string) ([]string, error) {
	call := get("vehicles", vehicle, "permissions")
	call.Vehicle = vehicle
	answer, err := a.do(ctx, a.asks, consent, call)
	if err != nil {
		_, err = explain(err)
		return nil, err
	}
	return parsePermissions(answer.Body)
}

func parsePermissions(body []byte) (missing []string, err error) {
	var said struct {
		Permissions *[]string `json:"permissions"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return nil, err
	}
	if said.Permissions == nil {
		return nil, nonsense("it does not say what is permitted")
	}
	for _, scope := range Scopes {
		if scope = strings.TrimPrefix(scope, "required:"); !slices.Contains(*said.Permissions, scope) {
			missing = append(missing, scope)
		}
	}
	return missing, nil
}

// Compatibility is what Smartcar thinks that a vehicle can do. It judges by make and model: only the car itself proves it.
type Compatibility struct {
	Compatible bool
	// Missing are the permissions of Scopes that the vehicle is not capable of.
	Missing []string
	// Reason is Smartcar's word for why it is not compatible.
	Reason string
}

// Compatible asks whether a vehicle could be connected at all. Country is ISO 3166-1 alpha-2.
func (a *App) Compatible(ctx context.Context, vin, country string) (Compatibility, error) {
	call := get("compatibility")
	call.Query = url.Values{"vin": {vin}, "country": {country}, "scope": {strings.ReplaceAll(strings.Join(Scopes, " "), "required:", "")}}
	answer, err := a.basic.Do(ctx, call)
	a.heed(err)
	if err != nil {
		_, err = explain(err)
		return Compatibility{}, err
	}
	return parseCompatibility(answer.Body)
}

func parseCompatibility(body []byte) (Compatibility, error) {
	var said struct {
		Compatible   *bool
		Reason       string
		Capabilities []struct {
			Permission string
			Capable    bool
		}
	}
	if err := maker.Decode(body, &said); err != nil {
		return Compatibility{}, err
	}
	if said.Compatible == nil {
		return Compatibility{}, nonsense("it does not say whether the vehicle is compatible")
	}
	c := Compatibility{Compatible: *said.Compatible, Reason: said.Reason}
	for _, one := range said.Capabilities {
		if !one.Capable {
			c.Missing = append(c.Missing, one.Permission)
		}
	}
	return c, nil
}

// Disconnect ends our access to a vehicle at Smartcar (version 2.0). Consent.Withdraw forgets the tokens. Who withdraws
// does not wait for those who only look.
func (a *App) Disconnect(ctx context.Context, consent *maker.Consent, vehicle string) error {
	call := maker.Call{Method: http.MethodDelete, Path: []string{"vehicles", vehicle, "application"}}
	call.Purpose, call.Vehicle = device.Watching, vehicle
	_, err := a.do(ctx, a.asks, consent, call)
	if err != nil {
		_, err = explain(err)
	}
	return err
}

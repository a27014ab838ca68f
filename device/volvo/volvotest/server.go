package volvotest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// Published limits (developer.volvocars.com, "API rate limits", and the daily quota of an application).
var (
	// General and Invocations are for each Volvo ID and application.
	General     = fakecloud.Limit{Name: "general_api", Most: 100, Per: time.Minute}
	Invocations = fakecloud.Limit{Name: "invocation_methods", Most: 10, Per: time.Minute}
	// Daily is for each application.
	Daily = fakecloud.Limit{Name: "daily", Most: 10_000, Per: 24 * time.Hour}
)

// Scopes are Volvo's that matter here.
var Scopes = []string{
	"openid", "conve:vehicle_relation", "conve:doors_status", "conve:lock_status", "conve:windows_status",
	"conve:engine_status", "conve:commands", "conve:command_accessibility", "conve:lock", "conve:unlock",
	"conve:honk_flash", "location:read",
}

// Config describes a fake; every field may be left empty.
type Config struct {
	// Address to listen on; default is a loopback port of its own.
	Address string
	// ClientID, ClientSecret and APIKey are the application's (default "client-1", "secret-1", "key-1").
	ClientID, ClientSecret, APIKey string
	// RedirectURI is where Volvo ID sends the owner back to (default "http://localhost/back").
	RedirectURI string
	// General, Invocations and Daily are the limits (default: as published).
	General, Invocations, Daily fakecloud.Limit
	// AccessLife is how long an access token lives (default 30 minutes).
	AccessLife time.Duration
	// Window is how long an unlock frees the trunk's handle (default, and at most, 120 s).
	Window time.Duration
}

func (c *Config) complete() {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.Address, "127.0.0.1:0"},
		{&c.ClientID, "client-1"},
		{&c.ClientSecret, "secret-1"},
		{&c.APIKey, "key-1"},
		{&c.RedirectURI, "http://localhost/back"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	for _, d := range []struct{ field, value *fakecloud.Limit }{
		{&c.General, &General}, {&c.Invocations, &Invocations}, {&c.Daily, &Daily},
	} {
		if d.field.Most == 0 {
			*d.field = *d.value
		}
	}
	if c.AccessLife == 0 {
		c.AccessLife = 30 * time.Minute
	}
	if c.Window == 0 {
		c.Window = 120 * time.Second
	}
}

// Server is the fake.
type Server struct {
	Config
	// OAuth is who consented to what. Wire is what goes wrong on the way. Meter is who asked how often: keys are
	// the owners' accounts, and the application's API key.
	OAuth *fakecloud.OAuth
	Wire  fakecloud.Wire
	Meter fakecloud.Meter

	http *fakecloud.Server

	mu     sync.Mutex
	cars   map[string]*owned // by VIN
	status map[string]string // by VIN: what commands answer, whatever happens
}

type owned struct {
	*fakecloud.Car
	owner string
}

// Start listens.
func Start(cfg Config) (*Server, error) {
	cfg.complete()
	s := &Server{Config: cfg, cars: map[string]*owned{}, status: map[string]string{}}
	s.OAuth = fakecloud.NewOAuth(fakecloud.OAuthConfig{
		Maker: "Volvo ID", ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RedirectURI: cfg.RedirectURI,
		Scopes: Scopes, PKCE: true, AccessLife: cfg.AccessLife,
	})
	server, err := fakecloud.Serve(cfg.Address, s.Wire.Handler(s.routes()))
	s.http = server
	return s, err
}

// URL is where it listens: the origin of the API and of Volvo ID.
func (s *Server) URL() string { return s.http.URL }

// Close ends the server and its cars.
func (s *Server) Close() {
	s.mu.Lock()
	for _, c := range s.cars {
		defer c.Close()
	}
	s.mu.Unlock()
	s.http.Close()
}

// AddCar gives an owner a car.
func (s *Server) AddCar(account string, car *fakecloud.Car) {
	s.OAuth.AddAccount(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cars[car.VIN] = &owned{car, account}
}

// AnswerWith makes every command to a car answer with this invokeStatus, whatever happens; "" ends it.
func (s *Server) AnswerWith(vin, invokeStatus string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status[vin] = invokeStatus
}

func (s *Server) forced(vin string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status[vin]
}

func (s *Server) car(vin, account string) *owned {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cars[vin]; c != nil && c.owner == account {
		return c
	}
	return nil
}

const vehicles = "/connected-vehicle/v2/vehicles"

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/as/authorization.oauth2", s.OAuth.ServeAuthorize)
	mux.HandleFunc("POST /as/token.oauth2", s.OAuth.ServeToken)
	mux.HandleFunc("POST /as/revoke_token.oauth2", s.OAuth.ServeRevoke)
	mux.HandleFunc("GET "+vehicles, s.withGrant("conve:vehicle_relation", s.list))
	for path, h := range map[string]struct {
		scope string
		then  onCar
	}{
		"":                       {"conve:vehicle_relation", details},
		"/doors":                 {"conve:doors_status", doors},
		"/windows":               {"conve:windows_status", windows},
		"/engine-status":         {"conve:engine_status", engine},
		"/commands":              {"conve:commands", s.commands},
		"/command-accessibility": {"conve:command_accessibility", accessibility},
	} {
		mux.HandleFunc("GET "+vehicles+"/{vin}"+path, s.withCar(h.scope, h.then))
	}
	for name, c := range known {
		mux.HandleFunc("POST "+vehicles+"/{vin}/commands/"+name, s.invocation(c.scope, c.act))
	}
	mux.HandleFunc("GET /location/v1/vehicles/{vin}/location", s.withCar("location:read", location))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "There is nothing at this path")
	})
	return mux
}

func refuse(w http.ResponseWriter, status int, message, description string) {
	fakecloud.WriteJSON(w, status, map[string]any{"error": map[string]string{"message": message, "description": description}})
}

func answer(w http.ResponseWriter, data any) {
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"data": data})
}

// withGrant checks the application's key, its daily limit, the token, the owner's limit and the scope.
func (s *Server) withGrant(scope string, then func(http.ResponseWriter, *http.Request, *fakecloud.Grant)) http.HandlerFunc {
	return s.limited(s.General, scope, then)
}

func (s *Server) limited(limit fakecloud.Limit, scope string, then func(http.ResponseWriter, *http.Request, *fakecloud.Grant)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("vcc-api-key") != s.APIKey {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "The vcc-api-key is missing or unknown")
			return
		}
		if !s.admit(w, s.Daily, s.APIKey) {
			return
		}
		g, err := s.OAuth.Who(r)
		if err != nil {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", err.Error())
			return
		}
		if !s.admit(w, limit, g.Account) {
			return
		}
		if !g.Has(scope) {
			refuse(w, http.StatusForbidden, "FORBIDDEN", "The scope "+scope+" was not granted")
			return
		}
		then(w, r, g)
	}
}

// admit counts a request. Volvo names no Retry-After: one waits until the minute is over.
func (s *Server) admit(w http.ResponseWriter, limit fakecloud.Limit, key string) bool {
	_, ok := s.Meter.Admit(time.Now(), limit, key)
	if !ok {
		refuse(w, http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "The limit "+limit.Name+" is exceeded")
	}
	return ok
}

type onCar func(http.ResponseWriter, *owned)

// withCar also checks that the car is the owner's.
func (s *Server) withCar(scope string, then onCar) http.HandlerFunc {
	return s.withGrant(scope, s.find(then))
}

func (s *Server) invocation(scope string, act func(*Server, *owned) error) http.HandlerFunc {
	return s.limited(s.Invocations, scope, s.find(func(w http.ResponseWriter, c *owned) { s.invoke(w, c, scope, act) }))
}

func (s *Server) find(then onCar) func(http.ResponseWriter, *http.Request, *fakecloud.Grant) {
	return func(w http.ResponseWriter, r *http.Request, g *fakecloud.Grant) {
		c := s.car(r.PathValue("vin"), g.Account)
		if c == nil {
			refuse(w, http.StatusNotFound, "VEHICLE_NOT_FOUND", "This account has no such vehicle")
			return
		}
		then(w, c)
	}
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request, g *fakecloud.Grant) {
	s.mu.Lock()
	var vins []string
	for vin, c := range s.cars {
		if c.owner == g.Account {
			vins = append(vins, vin)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(vins, strings.Compare)
	data := []map[string]string{}
	for _, vin := range vins {
		data = append(data, map[string]string{"vin": vin})
	}
	answer(w, data)
}

package smartcartest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// Published limits (smartcar.com/docs, "API limits" and "Make requests to Smartcar").
var (
	// Application is of all requests of one application: a bucket of 120 that gets 2 back a minute.
	Application = fakecloud.Limit{Name: "application", Most: 120, Refill: 30 * time.Second}
	// Vehicle is of all requests for one vehicle: fewer than 20 an hour are advised.
	Vehicle = fakecloud.Limit{Name: "vehicle", Most: 20, Per: time.Hour}
)

// Scopes are Smartcar's permissions that matter here.
var Scopes = []string{"read_vehicle_info", "read_vin", "read_location", "read_security", "control_security"}

// Config describes a fake; every field may be left empty.
type Config struct {
	// Address to listen on; default is a loopback port of its own.
	Address string
	// ClientID and ClientSecret are the application's (default "client-1" and "secret-1").
	ClientID, ClientSecret string
	// ManagementToken signs webhooks and opens the management interface (default "amt-1").
	ManagementToken string
	// RedirectURI is where Connect sends the owner back to (default "http://localhost/back").
	RedirectURI string
	// Application and Vehicle are the limits (default: as published).
	Application, Vehicle fakecloud.Limit
	// AccessLife is how long an access token lives (default 2 hours).
	AccessLife time.Duration
}

func (c *Config) complete() {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.Address, "127.0.0.1:0"},
		{&c.ClientID, "client-1"},
		{&c.ClientSecret, "secret-1"},
		{&c.ManagementToken, "amt-1"},
		{&c.RedirectURI, "http://localhost/back"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if c.Application.Most == 0 {
		c.Application = Application
	}
	if c.Vehicle.Most == 0 {
		c.Vehicle = Vehicle
	}
}

// Server is the fake.
type Server struct {
	Config
	// OAuth is who consented to what. Wire is what goes wrong on the way. Meter is who asked how often: keys are
	// the application's identifier, and vehicles' identifiers.
	OAuth *fakecloud.OAuth
	Wire  fakecloud.Wire
	Meter fakecloud.Meter

	http *fakecloud.Server
	work sync.WaitGroup

	mu       sync.Mutex
	vehicles map[string]*vehicle
	users    map[string]string // account → Smartcar's identifier of the user
	hook     hook
	closed   bool
}

type vehicle struct {
	*fakecloud.Car
	id, owner    string
	disconnected bool
}

// Start listens.
func Start(cfg Config) (*Server, error) {
	cfg.complete()
	s := &Server{Config: cfg, vehicles: map[string]*vehicle{}, users: map[string]string{}}
	s.OAuth = fakecloud.NewOAuth(fakecloud.OAuthConfig{
		Maker: "Smartcar Connect", ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RedirectURI: cfg.RedirectURI,
		Scopes: Scopes, AccessLife: cfg.AccessLife,
		Extra: func(account string) url.Values { return url.Values{"user_id": {s.UserID(account)}} },
	})
	server, err := fakecloud.Serve(cfg.Address, s.Wire.Handler(s.routes()))
	s.http = server
	return s, err
}

// URL is where it listens: the origin of all of Smartcar's hosts at once.
func (s *Server) URL() string { return s.http.URL }

// Close ends the server, its cars and its webhooks.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, v := range s.all() {
		v.Close()
	}
	s.http.Close()
	s.work.Wait()
}

// AddUser makes an account of a car's owner.
func (s *Server) AddUser(account string) {
	s.OAuth.AddAccount(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[account] = uuid()
}

// UserID is Smartcar's identifier of an owner.
func (s *Server) UserID(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[account]
}

// AddCar gives an owner a car, and returns Smartcar's identifier of it.
func (s *Server) AddCar(account string, car *fakecloud.Car) string {
	v := &vehicle{Car: car, id: uuid(), owner: account}
	s.mu.Lock()
	s.vehicles[v.id] = v
	s.mu.Unlock()
	car.OnTold(func() { s.changed(v) })
	return v.id
}

// Disconnect ends our application's access to a vehicle, as its owner does on the maker's site.
func (s *Server) Disconnect(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.vehicles[id]; v != nil {
		v.disconnected = true
	}
}

func (s *Server) all() []*vehicle {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*vehicle, 0, len(s.vehicles))
	for _, v := range s.vehicles {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *vehicle) int { return strings.Compare(a.id, b.id) })
	return all
}

// owned are the vehicles that an account shares; of everybody's for "".
func (s *Server) owned(account string) []*vehicle {
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []*vehicle
	for _, v := range s.vehicles {
		if !v.disconnected && (account == "" || v.owner == account) {
			some = append(some, v)
		}
	}
	slices.SortFunc(some, func(a, b *vehicle) int { return strings.Compare(a.id, b.id) })
	return some
}

func (s *Server) account(userID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for account, id := range s.users {
		if id == userID && id != "" {
			return account
		}
	}
	return ""
}

// uuid is a random identifier (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth/authorize", s.OAuth.ServeAuthorize)
	mux.HandleFunc("POST /oauth/authorize", s.OAuth.ServeAuthorize)
	mux.HandleFunc("POST /oauth/token", s.OAuth.ServeToken)
	mux.HandleFunc("POST /oauth2/token", s.OAuth.ServeToken)
	s.routesV2(mux)
	s.routesV3(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, notFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := strings.TrimRight(r.URL.Path, "/"); path != "" { // the vendor's client ends some paths with a slash
			r.URL.Path = path
		}
		mux.ServeHTTP(w, r)
	})
}

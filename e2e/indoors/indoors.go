// Package indoors is a whole installation inside a test's own process: the real API, dispatcher and vault on a store
// in memory, a real broker, and a virtual home that speaks the real protocols to it. Tests of the pages use it.
//
//	in := indoors.New(t, func(in *indoors.Installation) http.Handler { return customer.New(…in.API…) })
//	home := in.Household("Camille")
//	anna := in.Courier("anna")
//	d := in.Assigned(home, anna)
//	v := anna.Approach(d)
//	anna.Scan(v, d)          // the door opens
//	home.Door.Push()
package indoors

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/app/makers"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/film"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/unlock"
	"github.com/loquet/loquet/vault"
)

// Patience is how long a test waits for something that must happen.
const Patience = 60 * time.Second

// Installation is everything but the pages.
type Installation struct {
	T testing.TB
	// URL is scheme and host, http://localhost:port: browsers take secure cookies and passkeys there.
	URL        string
	Store      *memory.Store
	Vault      *vault.Vault
	Fleet      *fleet.Fleet
	CarLinks   *carlink.Links
	Dispatcher *dispatch.Dispatcher
	// Film is nil without a studio.
	Film     *film.Director
	Keys     *auth.Keys
	Couriers *auth.Couriers
	Sessions *auth.Sessions
	API      *api.API
	Broker   *broker.Broker
	Log      *slog.Logger

	mqtt  *mqtt.Client
	cars  *cars
	homes int
}

// Option changes an installation before it is built.
type Option func(*options)

type options struct {
	log    io.Writer
	studio camera.Studio
	makers map[string]carlink.Maker
	wire   func(*api.Deps)
}

// Filmed has visits filmed by that media service.
func Filmed(s camera.Studio) Option { return func(o *options) { o.studio = s } }

// Registered has cars connected at those makers.
func Registered(at map[string]carlink.Maker) Option { return func(o *options) { o.makers = at } }

// AtVolvo has Volvos connected.
func AtVolvo(application *volvo.App) Option {
	return Registered(map[string]carlink.Maker{"volvo": makers.NewVolvo(application)})
}

// Logged has everything logged there, down to what is of use to nobody but a programmer.
func Logged(to io.Writer) Option { return func(o *options) { o.log = to } }

// Wired changes what the API works with.
func Wired(change func(*api.Deps)) Option { return func(o *options) { o.wire = change } }

// New builds an installation that ends with the test. Pages are what mount makes, beside the API; nil for none.
func New(t testing.TB, mount func(*Installation) http.Handler, with ...Option) *Installation {
	t.Helper()
	o := options{wire: func(*api.Deps) {}}
	for _, change := range with {
		change(&o)
	}
	in := &Installation{T: t, Store: memory.New(), Log: slog.New(slog.DiscardHandler)}
	if o.log != nil {
		in.Log = slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	in.connect()
	in.build(o)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	in.URL = "http://localhost:" + port
	deps := api.Deps{Dispatch: in.Dispatcher, Store: in.Store, Vault: in.Vault, Fleet: in.Fleet, CarLinks: in.CarLinks, Film: in.Film, Keys: in.Keys,
		Couriers: in.Couriers, Sessions: in.Sessions, Discover: in.discover, Now: time.Now, Random: rand.Reader, Log: in.Log, PublicURL: in.URL,
		LocalWebhooks: true}
	o.wire(&deps)
	in.API = must(api.New(deps))(t)
	in.serve(listener, mount)
	in.run()
	return in
}

// connect starts the broker, and the client that will hear its devices.
func (in *Installation) connect() {
	in.T.Helper()
	password := broker.NewPassword()
	started, err := broker.Start(broker.Config{Logger: in.Log, Server: broker.Credentials{Username: "loquet", PasswordHash: broker.HashPassword(password)}})
	in.Broker = must(started, err)(in.T)
	in.mqtt = must(mqtt.New(mqtt.ClientConfig{URL: in.Broker.URL(), Username: "loquet", Password: password, Log: silent{}, Logger: in.Log}))(in.T)
}

// silent keeps no log of what was sent.
type silent struct{}

// Record keeps nothing.
func (silent) Record(event.Sent) error { return nil }

func (in *Installation) build(o options) {
	in.T.Helper()
	master := must(vault.LoadOrCreate(filepath.Join(in.T.TempDir(), "master"), rand.Reader))(in.T)
	in.Vault = vault.New(vault.Deps{Master: master, Register: in.Store, Now: time.Now, Random: rand.Reader})
	in.CarLinks = carlink.New(carlink.Deps{Register: in.Store, Vault: in.Vault, Makers: o.makers, Now: time.Now, Random: rand.Reader, Log: in.Log})
	connectors := map[string]fleet.Connector{"mqtt": in.device, "volvo": in.car}
	maps.Copy(connectors, in.CarLinks.Connectors())
	in.Fleet = fleet.New(in.Store, connectors, in.Log)
	gate := &unlock.Gate{Journal: in.Store, Devices: in.Fleet, Sealer: in.Vault, Now: time.Now, Random: rand.Reader}
	config := dispatch.Config{Store: in.Store, Gate: gate, Devices: in.Fleet, Now: time.Now, Log: in.Log,
		Places: api.Cars{Store: in.Store, Vault: in.Vault}}
	if o.studio != nil {
		config.Pictures = o.studio
	}
	in.Dispatcher = dispatch.New(config)
	in.CarLinks.Attach(in.Fleet, in.Dispatcher)
	if o.studio != nil {
		in.Film = film.New(film.Deps{Dispatch: in.Dispatcher, Store: in.Store, Vault: in.Vault, Studio: o.studio, Random: rand.Reader, Log: in.Log})
	}
	deps := auth.Deps{Register: in.Store, Now: time.Now, Random: rand.Reader}
	in.Keys, in.Couriers, in.Sessions = auth.NewKeys(deps), auth.NewCouriers(deps), auth.NewSessions(deps)
}

func (in *Installation) device(id event.DeviceID, config json.RawMessage) (device.Device, error) {
	c, err := mqtt.ParseConfigFor(id, config)
	if err != nil {
		return nil, err
	}
	return in.mqtt.Device(c)
}

// discover listens for devices that announce themselves.
func (in *Installation) discover(ctx context.Context, length time.Duration) ([]api.Found, error) {
	heard, err := in.mqtt.Discover(ctx, length)
	if err != nil {
		return nil, err
	}
	found := make([]api.Found, len(heard))
	for i, h := range heard {
		found[i] = api.Found{Connector: "mqtt", Name: h.Name, Refused: h.Refused}
		if found[i].Config, err = json.Marshal(h.Config); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (in *Installation) serve(listener net.Listener, mount func(*Installation) http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("/v1/", in.API)
	if mount != nil {
		mux.Handle("/", mount(in))
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}}
	server.Start()
	in.T.Cleanup(func() {
		in.API.EndStreams()
		server.CloseClientConnections()
		server.Close()
	})
}

func (in *Installation) run() {
	in.T.Helper()
	ctx, end := context.WithCancel(context.Background())
	var under sync.WaitGroup
	under.Go(func() {
		if err := in.Dispatcher.Run(ctx); err != nil {
			in.T.Errorf("the dispatcher: %v", err)
		}
	})
	under.Go(func() { in.Fleet.Run(ctx, in.Dispatcher.Watch) })
	under.Go(func() { in.CarLinks.Run(ctx) })
	if in.Film != nil {
		under.Go(func() { in.Film.Run(ctx) })
	}
	if err := in.mqtt.Connect(ctx); err != nil {
		in.T.Fatal(err)
	}
	in.T.Cleanup(func() {
		end()
		under.Wait()
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(in.mqtt.Close(limit), in.Broker.Close()); err != nil {
			in.T.Errorf("ending: %v", err)
		}
	})
}

// as is somebody who shows a secret.
func (in *Installation) as(scheme, secret string) *client.Caller {
	return &client.Caller{URL: in.URL, Authorize: client.WithSecret(scheme, secret)}
}

// Key calls with a new API key of the role, with all of its scopes.
func (in *Installation) Key(role auth.Role, identity string) *client.Caller {
	in.T.Helper()
	_, text, err := in.Keys.Create(in.T.Context(), auth.KeyRequest{Role: role, Identity: identity, Scopes: auth.Scopes()})
	return in.as("Bearer", must(text, err)(in.T))
}

// must returns the value, or ends the test.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/film"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/store/sqlite"
	"github.com/loquet/loquet/unlock"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/ui"
)

// Names of files in the data folder.
const (
	storeName  = record.StoreName
	masterName = "master.key"
	sentName   = record.SentName
	clientName = "mqtt.name"
)

// endWithin is how long what is under way may take when the process is told to end.
const endWithin = 25 * time.Second

// server is a running installation on one machine.
type server struct {
	config     ServeConfig
	log        *slog.Logger
	store      *sqlite.Store
	sent       *sendlog.Log
	mqtt       *mqtt.Client
	accounts   *accounts
	fleet      *fleet.Fleet
	clouds     *clouds
	carLinks   *carlink.Links
	dispatcher *dispatch.Dispatcher
	// film is nil without a media service, and keepMedia has one running as long as its context.
	film      *film.Director
	keepMedia func(context.Context)
	metrics   *metrics
	// links mails the ways in.
	links *auth.Links
	// notifier tells people; mail is nil without a mail server.
	notifier *notify.Notifier
	mail     *notify.Mail
	api      *api.API
	kit      *ui.Kit
	console  *operator.Console
	home     *customer.App
	pages    http.Handler
	public   net.Listener
	local    net.Listener
	http     *http.Server
	admin    *http.Server
}

func serve(ctx context.Context, c ServeConfig, logs io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	s := &server{config: c, log: slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: level}))}
	// What is under way when the process is told to end must still be recorded: the parts live a little longer
	// than the wish to serve.
	parts, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	if err := s.build(parts); err != nil {
		return errors.Join(err, s.close())
	}
	return errors.Join(s.run(ctx, parts, end), s.close())
}

// build makes every part, from the store outwards.
func (s *server) build(ctx context.Context) (err error) {
	if err := s.config.makeData(); err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	if s.store, err = sqlite.Open(s.config.file(storeName)); err != nil {
		return err
	}
	master, err := vault.LoadOrCreate(s.config.file(masterName), rand.Reader)
	if err != nil {
		return err
	}
	if s.sent, err = sendlog.Open(s.config.file(sentName)); err != nil {
		return err
	}
	if s.mqtt, s.accounts, err = prepareMQTT(ctx, s.config, s.store, s.sent, s.log); err != nil {
		return err
	}
	s.metrics = newMetrics(s.mqtt.Connected)
	secrets := vault.New(vault.Deps{Master: master, Register: s.store, Now: time.Now, Random: rand.Reader})
	if err := s.buildCarLinks(ctx, secrets); err != nil {
		return err
	}
	s.fleet = fleet.New(s.store, s.connectors(), s.log)
	if err := s.fleet.Load(ctx); err != nil {
		return err
	}
	gate := &unlock.Gate{Journal: s.store, Devices: s.fleet, Sealer: secrets, Now: time.Now, Random: rand.Reader}
	studio, keep, err := studioOf(s.config, s.log)
	if err != nil {
		return err
	}
	s.keepMedia = keep
	s.dispatcher = dispatch.New(dispatch.Config{Store: s.store, Gate: gate, Devices: s.fleet, Pictures: studio, Now: time.Now, Log: s.log,
		Places:    api.Cars{Store: s.store, Vault: secrets},
		Committed: s.metrics.committed})
	s.carLinks.Attach(s.fleet, s.dispatcher)
	if studio != nil {
		s.film = film.New(film.Deps{Dispatch: s.dispatcher, Store: s.store, Vault: secrets, Studio: studio, Random: rand.Reader, Log: s.log})
	}
	return s.buildHTTP(secrets)
}

func (s *server) mqttDevice(id event.DeviceID, config json.RawMessage) (device.Device, error) {
	c, err := mqtt.ParseConfigFor(id, config)
	if err != nil {
		return nil, err
	}
	return s.mqtt.Device(c)
}

// discover listens for devices that announce themselves, in the words of the API.
func (s *server) discover(ctx context.Context, length time.Duration) ([]api.Found, error) {
	heard, err := s.mqtt.Discover(ctx, length)
	if err != nil {
		return nil, err
	}
	found := make([]api.Found, 0, len(heard))
	for _, h := range heard {
		f := api.Found{Connector: "mqtt", Name: h.Name, Refused: h.Refused}
		if h.Refused == "" {
			if f.Config, err = json.Marshal(h.Config); err != nil {
				return nil, err
			}
		}
		found = append(found, f)
	}
	return found, nil
}

// listen takes the address of the HTTP API. Nobody is answered yet; but from here on it is known how clients reach it.
func (s *server) listen() (err error) {
	if s.public, err = net.Listen("tcp", s.config.Listen); err != nil {
		return fmt.Errorf("--listen %s: %w", s.config.Listen, err)
	}
	if s.config.PublicURL == "" {
		s.config.PublicURL = "http://" + s.public.Addr().String()
	}
	return nil
}

func (s *server) buildHTTP(secrets *vault.Vault) (err error) {
	who, err := s.buildPeople(secrets)
	if err != nil {
		return err
	}
	if err := s.buildNotifier(secrets, who); err != nil {
		return err
	}
	s.buildLinks(who)
	s.links = who.links
	s.api, err = api.New(api.Deps{Dispatch: s.dispatcher, Store: s.store, Vault: secrets, Fleet: s.fleet, Discover: s.discover,
		FindCameras: findCameras, MembersReserve: s.config.MembersReserve, ProvableOnly: s.config.ProvableOnly,
		CarLinks: s.carLinks, Film: s.film, Keys: who.keys, Couriers: who.couriers, Sessions: who.sessions, ClientAddress: who.from, Forget: s.forget, Others: kept(who, s.notifier, s.carLinks), Now: time.Now, Random: rand.Reader, Log: s.log,
		PublicURL: s.config.PublicURL, LocalWebhooks: s.config.LocalWebhooks, Version: versionText()})
	if err != nil {
		return err
	}
	if err := s.buildPages(who, secrets); err != nil {
		return err
	}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	if s.local, err = listenLocal(s.config.file(socketName)); err != nil {
		return err
	}
	local := &admin{people: who, accounts: s.accounts, public: s.config.PublicURL}
	s.admin = &http.Server{Handler: local.handler(), ReadHeaderTimeout: 10 * time.Second}
	return nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.metrics.count(s.api))
	s.mountPages(mux)
	s.mountCars(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// ready says whether a delivery could take place now: the store takes writes and the broker is there.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.store.Check(r.Context()); err != nil {
		s.log.Error("not ready", "error", err)
		http.Error(w, "not ready: the store can't be written", http.StatusServiceUnavailable)
		return
	}
	if !s.mqtt.Connected() {
		http.Error(w, "not ready: no connection to the MQTT broker", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// run serves until the context ends, then lets what is under way come to its end.
func (s *server) run(ctx, parts context.Context, end context.CancelFunc) error {
	failed := make(chan error, 4)
	var under sync.WaitGroup
	under.Go(func() { failed <- s.dispatcher.Run(parts) })
	under.Go(func() { s.fleet.Run(parts, s.dispatcher.Watch) })
	under.Go(func() { s.carLinks.Run(parts) })
	under.Go(func() { s.keepMedia(parts) })
	under.Go(func() { s.links.Run(parts) })
	if s.film != nil {
		under.Go(func() { s.film.Run(parts) })
	}
	// Only now, with every device made: what waited at the broker comes at once. The connection outlives what is
	// under way, and is closed after it, because an order that was sent waits for its report.
	if err := s.mqtt.Connect(context.WithoutCancel(parts)); err != nil {
		failed <- err
	}
	go func() { failed <- s.http.Serve(s.public) }()
	go func() { failed <- s.admin.Serve(s.local) }()
	s.log.Info("serving", "url", s.config.PublicURL, "version", versionText(), "data", s.config.Data)

	var err error
	select {
	case <-ctx.Done():
		s.log.Info("ending")
	case err = <-failed:
	}
	limit, cancel := context.WithTimeout(parts, endWithin)
	defer cancel()
	s.api.EndStreams()
	s.kit.EndStreams()
	err = errors.Join(err, s.http.Shutdown(limit), s.admin.Shutdown(limit))
	s.console.Close()
	s.home.Close()
	s.mqtt.Leave()
	end()
	under.Wait()
	return err
}

// close ends the parts, in the opposite order of build.
func (s *server) close() error {
	var err error
	for _, l := range []net.Listener{s.public, s.local} {
		if l != nil {
			_ = l.Close() // closed already by its server, unless building failed before
		}
	}
	if s.mqtt != nil {
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(err, s.mqtt.Close(limit))
	}
	if s.clouds != nil {
		s.clouds.close()
	}
	if s.accounts != nil && s.accounts.broker != nil {
		err = errors.Join(err, s.accounts.broker.Close())
	}
	if s.sent != nil {
		err = errors.Join(err, s.sent.Close())
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// trustOnly makes a TLS configuration that trusts the authorities of a PEM file.
func trustOnly(path string) (*tls.Config, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the certificate authority can't be read: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

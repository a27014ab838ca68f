package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/sqlite"
	"github.com/loquet/loquet/unlock"
	"github.com/loquet/loquet/vault"
)

// town is a server, as far as cars need one, and the households whose cars stand there.
type town struct {
	clouds     *clouds
	store      *sqlite.Store
	vault      *vault.Vault
	sent       *sendlog.Log
	volvo      *volvo.App
	smartcar   *smartcar.App
	hook       *fakecloud.Server
	fleet      *fleet.Fleet
	dispatcher *dispatch.Dispatcher
	consents   map[string]*maker.Consent // by vehicle
}

// siteOf is the household of a car.
func siteOf(car int) event.SiteID { return event.SiteID("home" + strconv.Itoa(car)) }

// places keeps where cars stand, sealed; all reference addresses are where the first car stands.
type places struct{ api.Cars }

// Reference is the address of everybody.
func (places) Reference(context.Context, event.SiteID, event.AccessPointID) (dispatch.Position, bool, error) {
	return dispatch.Position{Latitude: latitude, Longitude: longitude}, true, nil
}

func openTown(dir string, c *clouds, o options) (*town, error) {
	t := &town{clouds: c, consents: make(map[string]*maker.Consent, o.cars)}
	var err error
	if t.store, err = sqlite.Open(filepath.Join(dir, "loquet.db")); err != nil {
		return nil, err
	}
	if t.sent, err = sendlog.Open(filepath.Join(dir, "sent.jsonl")); err != nil {
		return nil, err
	}
	master, err := vault.LoadOrCreate(filepath.Join(dir, "master.key"), rand.Reader)
	if err != nil {
		return nil, err
	}
	t.vault = vault.New(vault.Deps{Master: master, Register: t.store, Now: time.Now, Random: rand.Reader})
	if err := t.join(o); err != nil {
		return nil, err
	}
	t.consentTo()
	log := slog.New(slog.DiscardHandler)
	t.fleet = fleet.New(t.store, map[string]fleet.Connector{isVolvo: t.volvoDevice, isSmartcar: t.smartcarDevice}, log)
	gate := &unlock.Gate{Journal: t.store, Devices: t.fleet, Sealer: t.vault, Now: time.Now, Random: rand.Reader}
	t.dispatcher = dispatch.New(dispatch.Config{Store: t.store, Gate: gate, Devices: t.fleet, Now: time.Now, Log: log,
		Places: places{api.Cars{Store: t.store, Vault: t.vault}}})
	return t, nil
}

// join makes the applications at the makers, with the makers' own limits.
func (t *town) join(o options) (err error) {
	log := slog.New(slog.DiscardHandler)
	t.volvo, err = volvo.New(volvo.AppConfig{ClientID: "client-1", ClientSecret: "secret-1", APIKey: "key-1", RedirectURL: "http://localhost/back",
		Origins: volvo.Origins{API: t.clouds.Volvo, ID: t.clouds.Volvo}, Log: t.sent, Logger: log})
	if err != nil {
		return err
	}
	at := t.clouds.Smartcar
	t.smartcar, err = smartcar.New(smartcar.AppConfig{ClientID: "client-1", ClientSecret: "secret-1", ManagementToken: "amt-1", RedirectURL: "http://localhost/back",
		Origins: smartcar.Origins{API: at, Auth: at, Connect: at, Vehicle: at, IAM: at}, Log: t.sent, Logger: log,
		Limits: []maker.Limit{{Calls: o.contract, Per: 61 * time.Minute}, smartcar.Limits[1]}})
	if err != nil {
		return err
	}
	t.hook, err = fakecloud.Serve("127.0.0.1:0", t.smartcar)
	return err
}

func (t *town) close() {
	t.hook.Close()
	t.volvo.Close()
	t.smartcar.Close()
	_ = t.sent.Close()
	_ = t.store.Close()
}

func (t *town) volvoDevice(_ event.DeviceID, config json.RawMessage) (device.Device, error) {
	cfg, err := volvo.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	return t.volvo.Account(t.consents[cfg.VIN]).Device(cfg)
}

func (t *town) smartcarDevice(_ event.DeviceID, config json.RawMessage) (device.Device, error) {
	cfg, err := smartcar.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	return t.smartcar.Device(cfg, t.consents[cfg.Vehicle])
}

// atOnce is how many households move in at once.
const atOnce = 64

// enrol moves all households in.
func (t *town) enrol(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make([]error, atOnce)
	for worker := range atOnce {
		all.Go(func() {
			for i := worker; i < len(t.clouds.Cars) && failed[worker] == nil; i += atOnce {
				failed[worker] = t.moveIn(ctx, i)
			}
		})
	}
	all.Wait()
	return errors.Join(errors.Join(failed...), t.forgetReadings(ctx))
}

// forgetReadings puts away what enrolling leaves to be done: each car would be asked once, and these were long ago.
func (t *town) forgetReadings(ctx context.Context) error {
	for {
		now := event.InstantOf(time.Now())
		claimed, err := t.store.Claim(ctx, []string{"read"}, now, now.Add(event.Minute), 500)
		if err != nil || len(claimed) == 0 {
			return err
		}
		for _, w := range claimed {
			if err := t.store.Finish(ctx, w.ID); err != nil {
				return err
			}
		}
	}
}

// moveIn keeps the owner's consent, sealed, and enrols the car, worked by hand.
func (t *town) moveIn(ctx context.Context, i int) error {
	car := t.clouds.Cars[i]
	id := siteOf(i)
	if err := t.keep(ctx, id, car); err != nil {
		return err
	}
	name := event.DeviceID("car" + strconv.Itoa(i))
	config := map[string]any{"device": name}
	opens := event.Trunk
	if config["vin"] = car.Vehicle; car.Maker == isSmartcar {
		config, opens = map[string]any{"device": name, "vehicle": car.Vehicle}, event.Cabin
	}
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	dev, err := t.fleet.Add(ctx, fleet.Record{ID: name, Site: id, Connector: car.Maker, Config: data})
	if err != nil {
		return err
	}
	p := preparation{ctx: ctx, town: t, site: id}
	operator := event.Actor{Kind: event.ActorOperator, ID: "bench"}
	p.do(operator, site.OpenSite{Zone: "Europe/Paris"})
	member := event.Actor{Kind: event.ActorMember, ID: string(only(p.do(operator, site.AddMember{}).Members).ID)}
	barrier := only(p.do(member, site.ReserveBarrier{Is: opens, Spec: dev.Spec()}).Barriers).ID
	for _, o := range []event.Observation{{Bolt: event.BoltLocked, Contact: event.ContactClosed}, {Bolt: event.BoltUnlocked}, {Bolt: event.BoltLocked}} {
		o.Device, o.Origin, o.ReceivedAt = name, event.OriginLive, event.InstantOf(time.Now())
		p.do(event.Actor{Kind: event.ActorDevice, ID: string(name)}, site.Observe{Barrier: barrier, Observation: o})
	}
	p.do(member, site.AddAccessPoint{WayIn: []event.BarrierRef{{Barrier: barrier, By: event.PermitRemote}}, Radius: 50,
		Vehicle: event.VehicleTerms{Reveals: dev.Spec().Reveals}})
	return p.err
}

// only is the first of what a new household has.
func only[T any](all []T) (one T) {
	if len(all) > 0 {
		one = all[0]
	}
	return one
}

// keep keeps a consent as if it had been given a day ago: its token has ended, and it is due to be renewed.
func (t *town) keep(ctx context.Context, id event.SiteID, car consented) error {
	return keeper{t, id}.Save(ctx, &oauth2.Token{AccessToken: car.Token.AccessToken, RefreshToken: car.Token.RefreshToken, TokenType: "Bearer",
		ExpiresIn: int64(car.Token.ExpiresIn), Expiry: time.Now().Add(-24 * time.Hour)})
}

// consentTo makes the consents of all cars.
func (t *town) consentTo() {
	for i, car := range t.clouds.Cars {
		office := t.volvo.Office()
		if car.Maker == isSmartcar {
			office = t.smartcar.Office()
		}
		c := office.Consent(keeper{t, siteOf(i)})
		office.Add(c)
		t.consents[car.Vehicle] = c
	}
}

// keeper keeps the tokens of one consent in the register, sealed under the site's own key.
type keeper struct {
	town *town
	site event.SiteID
}

const kindTokens = "bench.tokens"

// Load opens them.
func (k keeper) Load(ctx context.Context) (*oauth2.Token, error) {
	r, err := k.town.store.Get(ctx, kindTokens, string(k.site))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return vault.OpenJSON[*oauth2.Token](ctx, k.town.vault, k.site, kindTokens, r.Data)
}

// Save seals them.
func (k keeper) Save(ctx context.Context, token *oauth2.Token) error {
	r, err := k.town.store.Get(ctx, kindTokens, string(k.site))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r.Kind, r.ID = kindTokens, string(k.site)
	if r.Data, err = vault.SealJSON(ctx, k.town.vault, k.site, kindTokens, token); err != nil {
		return err
	}
	_, err = k.town.store.Put(ctx, r)
	return err
}

// run runs everything that a server runs for its cars.
func (t *town) run(ctx context.Context) (end func(), err error) {
	if err := t.fleet.Load(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { _ = t.dispatcher.Run(ctx) })
	all.Go(func() { t.fleet.Run(ctx, t.dispatcher.Watch) })
	all.Go(func() { _ = t.volvo.Office().Keep(ctx) })
	all.Go(func() { _ = t.smartcar.Office().Keep(ctx) })
	return func() {
		cancel()
		all.Wait()
	}, nil
}

// subscribe has Smartcar send its webhooks here.
func (t *town) subscribe(ctx context.Context) error {
	return t.clouds.ask(ctx, http.MethodPost, "/webhooks", url.Values{"address": {t.hook.URL}}, nil)
}

// preparation decides commands until one fails.
type preparation struct {
	ctx  context.Context
	town *town
	site event.SiteID
	err  error
}

func (p *preparation) do(who event.Actor, r site.Request) site.State {
	if p.err != nil {
		return site.State{}
	}
	result, err := p.town.dispatcher.Do(p.ctx, p.site, site.Command{Facts: site.Facts{Actor: who}, Do: r})
	if err != nil {
		p.err = fmt.Errorf("%s: %T: %w", p.site, r, err)
	}
	return result.State
}

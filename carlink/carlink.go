package carlink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Errors that callers tell apart. Others are the store's, the vault's, and package device's for a maker's cloud.
var (
	// ErrMaker: this installation is not registered at such a maker.
	ErrMaker = errors.New("there is no such maker here")
	// ErrAsked: nothing was begun in this session that this could be the end of, or it has ended already.
	ErrAsked = errors.New("no consent was asked for here, or not any more")
	// ErrDeclined: the customer or the maker said no on the maker's page.
	ErrDeclined = errors.New("the consent was refused on the maker's page")
	// ErrNoConsent: the household has given none at this maker, or has withdrawn it.
	ErrNoConsent = errors.New("there is no consent at this maker")
	// ErrVehicle: the consent covers no such vehicle, or it can't be opened in that way.
	ErrVehicle = errors.New("the consent covers no such vehicle, or not for that")
	// ErrLacking: the vehicle can't be used, or not yet; see Vehicle.Lacks.
	ErrLacking = errors.New("something is missing at the vehicle")
	// ErrTaken: the vehicle is connected for another household, or in another way.
	ErrTaken = errors.New("the vehicle is connected already, for another household or in another way")
)

// Maker is a maker's cloud, or one that speaks for several makers, at which this installation is registered. Safe for
// concurrent use.
type Maker interface {
	// About says what people must know of it; it does not change.
	About() About
	// Office is where customers consent.
	Office() *maker.Office
	// Vehicles lists what a consent covers.
	Vehicles(ctx context.Context, by Consented) ([]Vehicle, error)
	// Device makes the device of one opening of a chosen vehicle, without waiting for it.
	Device(by Consented, c Chosen) (device.Device, error)
	// Leave ends what the maker allows us for a single vehicle, or, where ref is "", for all that the consent covers just
	// before it is withdrawn; and what is known of them here.
	Leave(ctx context.Context, by Consented, ref string) error
}

// Checker is a Maker that says of a VIN, before anybody consents, whether such a vehicle can be connected.
type Checker interface {
	// Compatible asks for a vehicle that is registered in a country (ISO 3166-1 alpha-2).
	Compatible(ctx context.Context, vin, country string) (bool, error)
}

// About is what people must know of a maker.
type About struct {
	// Title is its name for people.
	Title string
	// Opens is what its cars can open at all. A single car may have less.
	Opens []Opening
	// Elsewhere says that the maker can't be told by us that a consent ended: the customer does that at the maker's.
	Elsewhere bool
	// Pairing is where the customer's phone adds our key to a car; "" where that is not needed.
	Pairing string
}

// Opening is one way to open a vehicle.
type Opening struct {
	Is      event.BarrierKind
	Reveals event.Reveals
	// Window is for how long the trunk's handle is free; 0 where it does not matter.
	Window event.Millis
}

// Lack is why a vehicle can't be used, or not yet.
type Lack string

// Lacks.
const (
	// LacksKey: the owner has not added our key to the car.
	LacksKey Lack = "key"
	// LacksCommands: the car, or its subscription, takes no commands to lock and unlock.
	LacksCommands Lack = "commands"
	// LacksYear: it is older than what can be connected at this maker.
	LacksYear Lack = "too-old"
	// LacksKnown: it is no car that is known to be connectable at this maker, or its number is none.
	LacksKnown Lack = "unknown"
)

// Vehicle is a vehicle that a consent covers.
type Vehicle struct {
	// Ref is the maker's name for it, and VIN its own. Both are personal.
	Ref string
	VIN string
	// Model and Year are as the maker says, "" and 0 where it doesn't.
	Model string
	Year  int
	Opens []Opening
	Lacks Lack
	// Extra is what its connector needs beside, as it gets it back in Chosen.
	Extra json.RawMessage
}

// Consented is a household's consent at one maker.
type Consented struct {
	*maker.Consent
	// User is the maker's name for who consented; "" where it tells none.
	User string
	// Cars are the maker's names of the vehicles that the household chose.
	Cars []string
}

// Chosen is one opening of a vehicle that a household chose.
type Chosen struct {
	Device event.DeviceID
	Ref    string
	Is     event.BarrierKind
	Extra  json.RawMessage
}

// Deps is what Links work with. All are required.
type Deps struct {
	Register store.Register
	Vault    *vault.Vault
	// Makers are those at which this installation is registered, by the names of their connectors, as vin.Connector has them.
	Makers map[string]Maker
	Now    func() time.Time
	// Random is a source fit for secrets, safe for concurrent use.
	Random io.Reader
	Log    *slog.Logger
}

// Sites are told what becomes of the consents behind their devices. Each may be told again. *dispatch.Dispatcher is one.
type Sites interface {
	// ConsentLost: the maker refuses the consent behind a device.
	ConsentLost(ctx context.Context, at event.SiteID, id event.DeviceID) error
	// ConsentGiven: the consent behind devices was given again.
	ConsentGiven(ctx context.Context, at event.SiteID, ids []event.DeviceID) error
	// CarsParted: the household takes devices out. On an error, such as that a visit needs one of them, nothing has changed;
	// without one, nothing opens them any more.
	CarsParted(ctx context.Context, at event.SiteID, ids []event.DeviceID) error
}

// Links are the connections of all households. Safe for concurrent use.
type Links struct {
	Deps
	fleet *fleet.Fleet
	sites Sites

	mu sync.Mutex
	// consents are those that were given here, whatever became of them.
	consents map[key]*maker.Consent
}

// key names a household's connection to a maker.
type key struct {
	site  event.SiteID
	maker string
}

func (k key) String() string { return string(k.site) + "." + k.maker }

// New makes Links. Load, Attach and Run start it, in this order.
func New(d Deps) *Links { return &Links{Deps: d, consents: make(map[key]*maker.Consent)} }

// Load finds the consents that were given before the process began. Devices can be made after it.
func (l *Links) Load(ctx context.Context) error {
	for after := ""; ; {
		records, err := l.Register.List(ctx, connectionKind, after, 500)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			after = r.ID
			k, ok := keyOf(r.ID)
			if !ok || l.Makers[k.maker] == nil {
				l.Log.WarnContext(ctx, "a household's cars can't be reached: this installation is not registered at their maker any more",
					slog.String("maker", k.maker))
				continue
			}
			l.consent(k)
		}
	}
}

func keyOf(id string) (key, bool) {
	at, name, ok := strings.Cut(id, ".")
	return key{event.SiteID(at), name}, ok
}

// Attach names where devices are registered, and who tells sites of their consents. Nothing is chosen before it.
func (l *Links) Attach(f *fleet.Fleet, s Sites) { l.fleet, l.sites = f, s }

// Run renews every consent ahead of its end while the context lasts.
func (l *Links) Run(ctx context.Context) {
	var under sync.WaitGroup
	for _, m := range l.Makers {
		under.Go(func() { _ = m.Office().Keep(ctx) }) // its only error is the context's
	}
	under.Wait()
}

// Connectors make devices of the register, by the names of the makers.
func (l *Links) Connectors() map[string]fleet.Connector {
	all := make(map[string]fleet.Connector)
	for name := range l.Makers {
		all[name] = func(id event.DeviceID, config json.RawMessage) (device.Device, error) {
			return l.device(name, id, config)
		}
	}
	return all
}

// config is what the register of devices has of a car's device.
type config struct {
	Site    event.SiteID `json:"site"`
	Vehicle string       `json:"vehicle"`
}

var errNotChosen = errors.New("a car is chosen by its household, after consenting on the maker's page")

// device makes a device that its household chose.
func (l *Links) device(name string, id event.DeviceID, raw json.RawMessage) (device.Device, error) {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, errNotChosen
	}
	ctx, k := context.Background(), key{c.Site, name}
	_, o, err := l.read(ctx, k)
	if errors.Is(err, ErrNoConsent) {
		return nil, errNotChosen
	}
	if err != nil {
		return nil, err
	}
	for _, car := range o.Cars {
		for _, d := range car.Devices {
			if d.Device == id && car.ID == c.Vehicle {
				return l.Makers[name].Device(l.consented(k, o), Chosen{Device: id, Ref: car.Ref, Is: d.Is, Extra: car.Extra})
			}
		}
	}
	return nil, errNotChosen
}

// consent is a connection's consent, and the same one as long as the process runs: it counts its calls, and renews its
// tokens once at a time.
func (l *Links) consent(k key) *maker.Consent {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.consents[k]; c != nil {
		return c
	}
	office := l.Makers[k.maker].Office()
	c := office.Consent(keeper{l, k})
	c.OnLost(func(ctx context.Context) { l.gone(ctx, k) })
	office.Add(c)
	l.consents[k] = c
	return c
}

func (l *Links) consented(k key, o owned) Consented {
	by := Consented{Consent: l.consent(k), User: o.User}
	for _, c := range o.Cars {
		by.Cars = append(by.Cars, c.Ref)
	}
	return by
}

// drop forgets a consent that was withdrawn.
func (l *Links) drop(k key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.consents[k]; c != nil {
		l.Makers[k.maker].Office().Remove(c)
	}
	delete(l.consents, k)
}

// gone notes that the maker refuses a consent for good, and tells the household's site, once for each time that it was
// given.
func (l *Links) gone(ctx context.Context, k key) {
	var devices []event.DeviceID
	err := l.change(ctx, k, func(c *connection, o *owned) error {
		devices = o.devices()
		if c.LostAt == 0 {
			c.LostAt = event.InstantOf(l.Now())
		}
		return nil
	})
	if errors.Is(err, ErrNoConsent) {
		return
	}
	for _, id := range devices {
		err = errors.Join(err, l.sites.ConsentLost(ctx, k.site, id))
	}
	if err != nil {
		l.Log.ErrorContext(ctx, "a household was not told of a lost consent; it is tried again with the next renewal", slog.Any("error", err))
	}
}

// draw returns n random characters of base32, in lower case.
func (l *Links) draw(n int) (string, error) {
	b := make([]byte, (n*5+7)/8)
	if _, err := io.ReadFull(l.Random, b); err != nil {
		return "", fmt.Errorf("carlink: no randomness: %w", err)
	}
	return lower.EncodeToString(b)[:n], nil
}

// Compatible says whether a maker takes a vehicle for one that can be connected. A maker that can't be asked, or does not
// answer, says nothing against it.
func (l *Links) Compatible(ctx context.Context, name, vin, country string) bool {
	c, asks := l.Makers[name].(Checker)
	if !asks {
		return true
	}
	ok, err := c.Compatible(ctx, vin, country)
	if err != nil {
		l.Log.InfoContext(ctx, "a maker did not say whether a car is compatible", slog.String("maker", name), slog.Any("error", err))
	}
	return ok || err != nil
}

// Names are the makers' here, in order.
func (l *Links) Names() []string {
	var names []string
	for name := range l.Makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

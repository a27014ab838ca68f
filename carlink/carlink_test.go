package carlink_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
	"github.com/loquet/loquet/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vin = "YV1ABCDEFG1234567"

// brand is a maker with one authorization server and the cars of each of its accounts.
type brand struct {
	office *maker.Office

	mu       sync.Mutex
	vehicles []carlink.Vehicle
	fails    error
	left     []string
}

func (b *brand) About() carlink.About { return carlink.About{Title: "Brand"} }

func (b *brand) Office() *maker.Office { return b.office }

func (b *brand) Vehicles(ctx context.Context, by carlink.Consented) ([]carlink.Vehicle, error) {
	if _, err := by.Access(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.vehicles), b.fails
}

func (b *brand) Device(by carlink.Consented, c carlink.Chosen) (device.Device, error) {
	if string(c.Extra) != `{"signals":["flash"]}` {
		return nil, errors.New("what the connector needs is lost")
	}
	return parked{c, by}, nil
}

func (b *brand) Leave(_ context.Context, by carlink.Consented, ref string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = append(b.left, fmt.Sprintf("left %q of %v", ref, by.Cars))
	return nil
}

// parked is a car's device of which nobody wants anything.
type parked struct {
	carlink.Chosen
	by carlink.Consented
}

func (p parked) Spec() event.Spec { return event.Spec{Device: p.Chosen.Device} }
func (parked) Reach() event.Reach { return "" }

// street is an installation with two households that have cars of one brand.
type street struct {
	*testing.T
	store    store.Store
	vault    *vault.Vault
	oauth    *fakecloud.OAuth
	brand    *brand
	sessions *auth.Sessions
	links    *carlink.Links
	fleet    *fleet.Fleet

	mu  sync.Mutex
	now time.Time
	// visited says that the sites need their cars now; lost, given and parted are what they were told.
	visited             bool
	lost, given, parted []event.DeviceID
}

func build(t *testing.T, s store.Store) *street {
	t.Helper()
	b := &street{T: t, store: s, now: time.Now()}
	b.oauth = fakecloud.NewOAuth(fakecloud.OAuthConfig{Maker: "Brand", ClientID: "client-1", ClientSecret: "secret-1", RedirectURI: "http://localhost/back",
		Scopes: []string{"cars"}, PKCE: true, AccessLife: 10 * time.Second}) // so short that each use renews it
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", b.oauth.ServeAuthorize)
	mux.HandleFunc("POST /token", b.oauth.ServeToken)
	mux.HandleFunc("POST /revoke", b.oauth.ServeRevoke)
	cloud, err := fakecloud.Serve("127.0.0.1:0", mux)
	must(t, err)
	t.Cleanup(cloud.Close)
	office, err := maker.NewOffice(maker.OfficeConfig{ClientID: "client-1", ClientSecret: "secret-1", AuthURL: cloud.URL + "/authorize",
		TokenURL: cloud.URL + "/token", RevokeURL: cloud.URL + "/revoke", RedirectURL: "http://localhost/back", Scopes: []string{"cars"}, Log: quiet})
	must(t, err)
	t.Cleanup(office.Close)
	b.brand = &brand{office: office, vehicles: []carlink.Vehicle{{Ref: "ref-" + vin, VIN: vin, Model: "XC40", Year: 2024, Extra: json.RawMessage(`{"signals":["flash"]}`),
		Opens: []carlink.Opening{{Is: event.Trunk, Reveals: event.RevealsTrunk}, {Is: event.Cabin, Reveals: event.RevealsCar}}}}}
	master, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master"), rand.Reader)
	must(t, err)
	b.vault = vault.New(vault.Deps{Master: master, Register: s, Now: b.clock, Random: rand.Reader})
	b.sessions = auth.NewSessions(auth.Deps{Register: memory.New(), Now: b.clock, Random: rand.Reader})
	b.restart()
	return b
}

var quiet = slog.New(slog.DiscardHandler)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// restart builds the process anew on what is kept.
func (b *street) restart() {
	b.Helper()
	b.links = carlink.New(carlink.Deps{Register: b.store, Vault: b.vault, Makers: map[string]carlink.Maker{"volvo": b.brand}, Now: b.clock, Random: rand.Reader, Log: quiet})
	must(b, b.links.Load(b.Context()))
	b.fleet = fleet.New(b.store, b.links.Connectors(), quiet)
	must(b, b.fleet.Load(b.Context()))
	b.links.Attach(b.fleet, b)
}

// The street is what its sites hear: carlink.Sites.

func (b *street) ConsentLost(_ context.Context, at event.SiteID, id event.DeviceID) error {
	return b.tell(&b.lost, at, id)
}

func (b *street) ConsentGiven(_ context.Context, at event.SiteID, ids []event.DeviceID) error {
	return b.tell(&b.given, at, ids...)
}

var errVisited = errors.New("a visit needs it")

func (b *street) CarsParted(_ context.Context, at event.SiteID, ids []event.DeviceID) error {
	if b.visited {
		return errVisited
	}
	return b.tell(&b.parted, at, ids...)
}

func (b *street) tell(list *[]event.DeviceID, at event.SiteID, ids ...event.DeviceID) error {
	if at == "" {
		b.Error("nobody's site was told")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	*list = append(*list, ids...)
	return nil
}

func (b *street) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *street) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *street) told(list *[]event.DeviceID) []event.DeviceID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(*list)
}

// member signs somebody in, in a session of its own each time.
func (b *street) member(id event.MemberID) auth.Member {
	b.Helper()
	link, err := b.sessions.Invite(b.Context(), id)
	must(b, err)
	in, err := b.sessions.Redeem(b.Context(), link.Token, auth.Arrival{})
	must(b, err)
	m, err := b.sessions.Check(b.Context(), in.Cookie().Value)
	must(b, err)
	return m
}

// back is what a member's browser comes back with from the maker's page.
func (b *street) back(m auth.Member, account, answer string) (carlink.Back, error) {
	b.Helper()
	address, err := b.links.Begin(b.Context(), m, "volvo")
	if err != nil {
		return carlink.Back{}, err
	}
	b.oauth.AddAccount(account)
	u, err := fakecloud.Consent(b.Context(), address, account, answer)
	must(b, err)
	return backOf(u), nil
}

func backOf(u *url.URL) carlink.Back {
	q := u.Query()
	return carlink.Back{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error")}
}

// consent gives one, or fails as the links do.
func (b *street) consent(m auth.Member, account string) error {
	back, err := b.back(m, account, "allow")
	if err == nil {
		_, err = b.links.Finish(b.Context(), m, back)
	}
	return err
}

// choose takes the first vehicle's trunk.
func (b *street) choose(at event.SiteID, opens ...event.BarrierKind) (carlink.Seen, error) {
	seen, err := b.links.Vehicles(b.Context(), at, "volvo")
	if err != nil {
		return carlink.Seen{}, err
	}
	return b.links.Choose(b.Context(), at, "volvo", seen[0].ID, opens)
}

// records are everything that is kept of a kind.
func (b *street) records(kind string) []store.Record {
	b.Helper()
	all, err := b.store.List(b.Context(), kind, "", 100)
	must(b, err)
	return all
}

func TestACarIsConnected(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	ana := b.member("home1-m1")
	must(t, b.consent(ana, "ana"))
	seen, err := b.choose("home1", event.Trunk)
	must(t, err)
	if len(seen.Devices) != 1 || seen.Devices[0].Is != event.Trunk || seen.Model != "XC40" {
		t.Fatalf("chosen: %+v", seen)
	}
	// Chosen again, with more of it: what there was stays.
	both, err := b.choose("home1", event.Trunk, event.Cabin)
	must(t, err)
	if len(both.Devices) != 2 || both.Devices[0] != seen.Devices[0] {
		t.Fatalf("chosen again: %+v", both)
	}
	for range 2 { // before and after a restart
		for i, d := range both.Devices {
			dev, there := b.fleet.Device(d.Device)
			if !there || dev.(parked).Ref != "ref-"+vin || dev.(parked).Is != both.Devices[i].Is {
				t.Fatalf("the %s is %+v", d.Is, dev)
			}
			if rec, _ := b.fleet.Record(d.Device); rec.Site != "home1" || rec.Connector != "volvo" {
				t.Fatalf("the %s is registered as %+v", d.Is, rec)
			}
		}
		b.restart()
	}
	given, err := b.links.Connections(t.Context(), "home1")
	must(t, err)
	if len(given) != 1 || given[0].By != "home1-m1" || given[0].LostAt != 0 || len(given[0].Cars) != 1 || given[0].Cars[0].VIN != vin {
		t.Fatalf("consented: %+v", given)
	}
}

// Nothing that stands in the register can be read without the site's key: neither whose car it is, nor what opens it.
func TestWhatIsKeptIsSealed(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	ana := b.member("home1-m1")
	must(t, b.consent(ana, "ana"))
	_, err := b.choose("home1", event.Trunk)
	must(t, err)
	_, err = b.links.Begin(t.Context(), ana, "volvo") // and one that is not finished
	must(t, err)
	var kinds int
	for _, kind := range []string{"car.connection", "car.tokens", "car.asked", "car.vin", "device"} {
		for _, r := range b.records(kind) {
			kinds++
			for _, secret := range []string{vin, "ref-", "XC40", "refresh_token", "verifier", ana.Session()} {
				if bytes.Contains(r.Data, []byte(secret)) || bytes.Contains([]byte(r.ID), []byte(secret)) {
					t.Errorf("%s %s says %q", kind, r.ID, secret)
				}
			}
		}
	}
	if kinds != 5 {
		t.Errorf("%d records", kinds)
	}
	must(t, b.vault.Erase(t.Context(), "home1"))
	if given, err := b.links.Connections(t.Context(), "home1"); err != nil || len(given) != 0 {
		t.Errorf("after the erasure of the site: %+v, %v", given, err)
	}
}

// What comes back from the maker is good once, for a while, and for the session that asked.
func TestAConsentEndsWhereItBegan(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	ana := b.member("home1-m1")
	for name, c := range map[string]struct {
		by     auth.Member
		change func(*carlink.Back)
		want   error
	}{
		"as asked":                      {ana, func(*carlink.Back) {}, nil},
		"in another session":            {b.member("home1-m1"), func(*carlink.Back) {}, carlink.ErrAsked},
		"by another of the household":   {b.member("home1-m2"), func(*carlink.Back) {}, carlink.ErrAsked},
		"by another household":          {b.member("home2-m1"), func(*carlink.Back) {}, carlink.ErrAsked},
		"with another state":            {ana, func(x *carlink.Back) { x.State = "abc" }, carlink.ErrAsked},
		"without a state":               {ana, func(x *carlink.Back) { x.State = "" }, carlink.ErrAsked},
		"with a made-up code":           {ana, func(x *carlink.Back) { x.Code = "made-up" }, carlink.ErrDeclined},
		"without a code":                {ana, func(x *carlink.Back) { x.Code = "" }, carlink.ErrDeclined},
		"with an error beside the code": {ana, func(x *carlink.Back) { x.Error = "access_denied" }, carlink.ErrDeclined},
	} {
		back, err := b.back(ana, "ana", "allow")
		must(t, err)
		right := back
		c.change(&back)
		if _, err := b.links.Finish(t.Context(), c.by, back); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		// Who had no right to it has spent nothing; whoever had, has.
		_, err = b.links.Finish(t.Context(), ana, right)
		if spent := c.want == nil || errors.Is(c.want, carlink.ErrDeclined); spent != errors.Is(err, carlink.ErrAsked) {
			t.Errorf("%s, and then as asked: %v", name, err)
		}
	}
	refused, err := b.back(ana, "ana", "deny")
	must(t, err)
	if name, err := b.links.Finish(t.Context(), ana, refused); !errors.Is(err, carlink.ErrDeclined) || name != "volvo" {
		t.Errorf("refused on the maker's page: %q, %v", name, err)
	}
	late, err := b.back(ana, "ana", "allow")
	must(t, err)
	b.pass(carlink.AskedFor)
	if _, err := b.links.Finish(t.Context(), ana, late); !errors.Is(err, carlink.ErrAsked) {
		t.Errorf("too late: %v", err)
	}
	if _, err := b.links.Begin(t.Context(), ana, "horse"); !errors.Is(err, carlink.ErrMaker) {
		t.Errorf("at no maker: %v", err)
	}
}

// One VIN is one household's at a time, however its second owner came to an account that lists it.
func TestACarOfAnotherHousehold(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	must(t, b.consent(b.member("home1-m1"), "ana"))
	must(t, b.consent(b.member("home2-m1"), "ben"))
	first, err := b.choose("home1", event.Trunk)
	must(t, err)
	if _, err := b.choose("home2", event.Trunk); !errors.Is(err, carlink.ErrTaken) {
		t.Fatalf("chosen twice: %v", err)
	}
	seen, err := b.links.Vehicles(t.Context(), "home2", "volvo")
	must(t, err)
	if !seen[0].Taken || len(seen[0].Devices) != 0 || seen[0].ID == first.ID {
		t.Errorf("the other household sees %+v", seen[0])
	}
	if _, err := b.links.Choose(t.Context(), "home2", "volvo", first.ID, []event.BarrierKind{event.Trunk}); !errors.Is(err, carlink.ErrVehicle) {
		t.Errorf("under the first household's name for it: %v", err)
	}
	must(t, b.links.Part(t.Context(), "home1", "volvo", first.ID))
	second, err := b.choose("home2", event.Trunk)
	must(t, err)
	if _, there := b.fleet.Device(first.Devices[0].Device); there || second.Devices[0] == first.Devices[0] {
		t.Error("the first household still has it")
	}
}

// Of many households that choose one car at once, one gets it; of many taps of one household, all get the same devices.
func TestManyChooseAtOnce(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	homes := []event.SiteID{"home1", "home2", "home3", "home4", "home5", "home6", "home7", "home8"}
	for _, at := range homes {
		must(t, b.consent(b.member(event.MemberID(at+"-m1")), string(at)))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[event.SiteID][]event.DeviceID{}
	for range 3 {
		for _, at := range homes {
			all.Go(func() {
				seen, err := b.choose(at, event.Trunk)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got[at] = append(got[at], seen.Devices[0].Device)
				} else if !errors.Is(err, carlink.ErrTaken) {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if len(got) != 1 || len(b.records("device")) != 1 {
		t.Fatalf("it went to %v", got)
	}
	for _, devices := range got {
		if len(devices) != 3 || len(slices.Compact(devices)) != 1 {
			t.Errorf("its household got %v", devices)
		}
	}
}

// rival is a store in which something happens just before a VIN is claimed for the first time.
type rival struct {
	store.Store
	before func()
}

// Put writes a record.
func (r *rival) Put(ctx context.Context, rec store.Record) (uint64, error) {
	if before := r.before; rec.Kind == "car.vin" && before != nil {
		r.before = nil
		before()
	}
	return r.Store.Put(ctx, rec)
}

// Another household is faster by a moment, after it was looked whether the car is free.
func TestAnotherHouseholdIsFaster(t *testing.T) {
	t.Parallel()
	s := &rival{Store: memory.New()}
	b := build(t, s)
	must(t, b.consent(b.member("home1-m1"), "ana"))
	must(t, b.consent(b.member("home2-m1"), "ben"))
	s.before = func() {
		_, err := b.choose("home2", event.Trunk)
		must(t, err)
	}
	if _, err := b.choose("home1", event.Trunk); !errors.Is(err, carlink.ErrTaken) {
		t.Errorf("chosen all the same: %v", err)
	}
	if given, err := b.links.Connections(t.Context(), "home1"); err != nil || len(given[0].Cars) != 0 || len(b.records("device")) != 1 {
		t.Errorf("it has %+v, %v", given, err)
	}
}

// Who may reserve devices can't reach a car with a configuration of his own.
func TestACarIsNotReservedByHand(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	must(t, b.consent(b.member("home1-m1"), "ana"))
	seen, err := b.choose("home1", event.Trunk)
	must(t, err)
	rec, _ := b.fleet.Record(seen.Devices[0].Device)
	for name, r := range map[string]fleet.Record{
		"for another site":     {ID: "mine", Site: "home2", Connector: "volvo", Config: rec.Config},
		"for the site":         {ID: "mine", Site: "home1", Connector: "volvo", Config: rec.Config},
		"with a VIN":           {ID: "mine", Site: "home2", Connector: "volvo", Config: json.RawMessage(`{"device":"mine","vin":"` + vin + `"}`)},
		"with nonsense":        {ID: "mine", Site: "home2", Connector: "volvo", Config: json.RawMessage(`[]`)},
		"of a site with dots":  {ID: "mine", Site: "home2", Connector: "volvo", Config: json.RawMessage(`{"site":"home1.volvo","vehicle":"x"}`)},
		"of a site without it": {ID: "mine", Site: "home2", Connector: "volvo", Config: json.RawMessage(`{"site":"home2","vehicle":"x"}`)},
	} {
		if _, err := b.fleet.Add(t.Context(), r); !errors.Is(err, fleet.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// lacking wants the first vehicle listed with what it lacks, and not to be chosen.
func (b *street) lacking(name string, want carlink.Lack) {
	b.Helper()
	seen, err := b.links.Vehicles(b.Context(), "home1", "volvo")
	must(b, err)
	if seen[0].Lacks != want {
		b.Errorf("%s lacks %q, not %q", name, seen[0].Lacks, want)
	}
	if _, err := b.choose("home1", event.Trunk); !errors.Is(err, carlink.ErrLacking) {
		b.Errorf("%s: %v", name, err)
	}
}

func TestWhatCanNotBeChosen(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	if _, err := b.links.Vehicles(t.Context(), "home1", "volvo"); !errors.Is(err, carlink.ErrNoConsent) {
		t.Errorf("without a consent: %v", err)
	}
	must(t, b.consent(b.member("home1-m1"), "ana"))
	if _, err := b.choose("home1"); !errors.Is(err, carlink.ErrVehicle) {
		t.Errorf("nothing of it: %v", err)
	}
	if _, err := b.choose("home1", event.Fridge); !errors.Is(err, carlink.ErrVehicle) {
		t.Errorf("its fridge: %v", err)
	}
	b.brand.vehicles[0].Lacks = carlink.LacksKey
	if _, err := b.choose("home1", event.Trunk); !errors.Is(err, carlink.ErrLacking) {
		t.Errorf("without our key: %v", err)
	}
	b.brand.vehicles[0].Lacks = ""
	for number, want := range map[string]carlink.Lack{
		"YV1CZ91H6E1000000": carlink.LacksYear,  // of 2014
		"XP7YGCEK0PB000000": carlink.LacksKnown, // another maker's
		"YV2RT40A0FB000000": carlink.LacksKnown, // a lorry
		"YV1CZ91H6O1000000": carlink.LacksKnown, // no number of a vehicle
		"":                  carlink.LacksKnown,
	} {
		b.brand.vehicles[0].VIN, b.brand.vehicles[0].Year = number, 0
		b.lacking(number, want)
	}
	// Whatever else it lacks; and what the maker says of its year is worth more than what its number does.
	b.brand.vehicles[0] = carlink.Vehicle{Ref: "r", VIN: vin, Year: 2014, Lacks: carlink.LacksKey, Opens: b.brand.vehicles[0].Opens}
	b.lacking("of 2014, as its maker says", carlink.LacksYear)
	b.brand.fails = device.ErrNoAnswer
	if _, err := b.choose("home1", event.Trunk); !errors.Is(err, device.ErrNoAnswer) {
		t.Errorf("from a silent cloud: %v", err)
	}
	for _, kind := range []string{"device", "car.vin"} {
		if n := len(b.records(kind)); n != 0 {
			t.Errorf("%d %s all the same", n, kind)
		}
	}
}

// Withdrawn, nothing is left: at the maker, in the fleet, or of what was kept.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	ana := b.member("home1-m1")
	must(t, b.consent(ana, "ana"))
	seen, err := b.choose("home1", event.Trunk, event.Cabin)
	must(t, err)
	told, err := b.links.Withdraw(t.Context(), "home1", "volvo")
	if err != nil || !told {
		t.Fatalf("withdrawn: %v, %v", told, err)
	}
	if told := b.told(&b.parted); len(told) != 2 || told[0] != seen.Devices[0].Device || told[1] != seen.Devices[1].Device {
		t.Errorf("the site was told of %v", told)
	}
	b.restart()
	for _, kind := range []string{"car.connection", "car.tokens", "car.vin", "device"} {
		if all := b.records(kind); len(all) != 0 {
			t.Errorf("there is still %+v", all)
		}
	}
	if !slices.Equal(b.brand.left, []string{`left "" of [ref-` + vin + `]`}) {
		t.Errorf("the maker was told %q", b.brand.left)
	}
	if _, err := b.links.Withdraw(t.Context(), "home1", "volvo"); !errors.Is(err, carlink.ErrNoConsent) {
		t.Errorf("again: %v", err)
	}
	must(t, b.links.Forget(t.Context(), "home1"))
	must(t, b.consent(ana, "ana")) // and given again
	again, err := b.choose("home1", event.Trunk)
	must(t, err)
	if again.Devices[0].Device == seen.Devices[0].Device {
		t.Error("a device came back")
	}
}

// What a site refuses to part with stays as it was, with the consent that locks it again.
func TestNoWithdrawalWhileTheSiteSaysNo(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	must(t, b.consent(b.member("home1-m1"), "ana"))
	seen, err := b.choose("home1", event.Trunk)
	must(t, err)
	b.visited = true
	if _, err := b.links.Withdraw(t.Context(), "home1", "volvo"); !errors.Is(err, errVisited) {
		t.Errorf("withdrawn: %v", err)
	}
	if err := b.links.Part(t.Context(), "home1", "volvo", seen.ID); !errors.Is(err, errVisited) {
		t.Errorf("taken out: %v", err)
	}
	dev, there := b.fleet.Device(seen.Devices[0].Device)
	if !there {
		t.Fatal("its device is gone")
	}
	if _, err := dev.(parked).by.Access(t.Context()); err != nil {
		t.Errorf("the consent is gone: %v", err)
	}
}

// The owner withdraws on the maker's own page: the site is told as soon as the tokens are to be renewed, and the cars
// wait for a consent that is given again.
func TestAConsentIsLostAtTheMaker(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New())
	ana := b.member("home1-m1")
	must(t, b.consent(ana, "ana"))
	seen, err := b.choose("home1", event.Trunk)
	must(t, err)
	b.oauth.Revoke("ana")
	b.restart()
	ctx, end := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		b.links.Run(ctx) // which renews it ahead of its end, in ten minutes at the latest
	}()
	dev, _ := b.fleet.Device(seen.Devices[0].Device)
	if _, err := dev.(parked).by.Access(ctx); !errors.Is(err, device.ErrRevoked) { // or whoever needs it before
		t.Fatalf("of a lost consent: %v", err)
	}
	end()
	<-kept
	b.brand.office.Close() // it has told everybody then
	given, err := b.links.Connections(t.Context(), "home1")
	must(t, err)
	if lost := slices.Compact(b.told(&b.lost)); !slices.Equal(lost, []event.DeviceID{seen.Devices[0].Device}) || given[0].LostAt == 0 {
		t.Errorf("told %v, kept %+v", lost, given)
	}
	if _, err := b.links.Vehicles(t.Context(), "home1", "volvo"); !errors.Is(err, device.ErrRevoked) {
		t.Errorf("the vehicles of a lost consent: %v", err)
	}
	must(t, b.consent(ana, "ana"))
	given, err = b.links.Connections(t.Context(), "home1")
	must(t, err)
	if given[0].LostAt != 0 || len(given[0].Cars) != 1 {
		t.Errorf("given again: %+v", given)
	}
	if told := b.told(&b.given); !slices.Equal(told, []event.DeviceID{seen.Devices[0].Device}) {
		t.Errorf("the site was told of %v", told)
	}
	if again, err := b.choose("home1", event.Trunk); err != nil || again.Devices[0] != seen.Devices[0] {
		t.Errorf("chosen again: %+v, %v", again, err)
	}
}

// Each write fails, lost or unacknowledged: what is done again then ends as if nothing had failed, and no car is anybody's
// whose household does not know of it.
func TestEachWriteOfAConnectionFails(t *testing.T) {
	t.Parallel()
	storetest.EachWriteTwice(t, func(testing.TB) store.Store { return memory.New() }, func(t *testing.T, s *storetest.Faulty) {
		b := build(t, s)
		ana := b.member("home1-m1")
		twice(t, func() error { return b.consent(ana, "ana") })
		twice(t, func() error { _, err := b.choose("home1", event.Trunk); return err })
		given, err := b.links.Connections(t.Context(), "home1")
		must(t, err)
		if _, there := b.fleet.Device(given[0].Cars[0].Devices[0].Device); !there || len(given[0].Cars[0].Devices) != 1 {
			t.Fatalf("connected: %+v", given)
		}
		twice(t, func() error {
			_, err := b.links.Withdraw(t.Context(), "home1", "volvo")
			if errors.Is(err, carlink.ErrNoConsent) {
				err = nil
			}
			return err
		})
		for _, kind := range []string{"car.connection", "car.tokens", "car.vin", "device"} {
			if all := b.records(kind); len(all) != 0 {
				t.Errorf("there is still %+v", all)
			}
		}
	})
}

// twice does something again that failed.
func twice(t *testing.T, do func() error) {
	t.Helper()
	if do() != nil {
		must(t, do())
	}
}

package makers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/app/makers"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
)

// Numbers that stand in no answer.
const (
	volvoVIN     = "YV1CANARY00004711"
	chevroletVIN = "1G1CANAR7L0004712"
)

type unkept struct{}

// Record keeps nothing.
func (unkept) Record(event.Sent) error { return nil }

// road is an installation that is registered at fakes of Volvo and of Smartcar, over real sockets.
type road struct {
	T *testing.T
	*indoors.Installation
	volvo    *volvotest.Server
	smartcar *smartcartest.Server
	hooks    *smartcar.App
	car      *fakecloud.Car
	ref      string // Smartcar's name for the Chevrolet
}

func build(t *testing.T) *road {
	t.Helper()
	many := fakecloud.Limit{Name: "many", Most: 1_000_000, Per: time.Hour}
	limit := maker.Limit{Calls: 100_000, Per: time.Hour}
	often := remotecar.Config{Soon: 10 * time.Millisecond, Seldom: 50 * time.Millisecond, Idle: 50 * time.Millisecond}
	quiet := slog.New(slog.DiscardHandler)
	r := &road{T: t}
	var err error
	r.volvo, err = volvotest.Start(volvotest.Config{General: many, Invocations: many, Daily: many, AccessLife: 10 * time.Second}) // each use renews it
	must(t, err)
	t.Cleanup(r.volvo.Close)
	r.smartcar, err = smartcartest.Start(smartcartest.Config{Application: many, Vehicle: many})
	must(t, err)
	t.Cleanup(r.smartcar.Close)
	v, err := volvo.New(volvo.AppConfig{ClientID: r.volvo.ClientID, ClientSecret: r.volvo.ClientSecret, APIKey: r.volvo.APIKey, RedirectURL: r.volvo.RedirectURI,
		Origins: volvo.Origins{API: r.volvo.URL(), ID: r.volvo.URL()}, Limits: []maker.Limit{limit}, Daily: limit, Vehicle: often, Log: unkept{}, Logger: quiet})
	must(t, err)
	t.Cleanup(v.Close)
	u := r.smartcar.URL()
	r.hooks, err = smartcar.New(smartcar.AppConfig{ClientID: r.smartcar.ClientID, ClientSecret: r.smartcar.ClientSecret, ManagementToken: r.smartcar.ManagementToken,
		RedirectURL: r.smartcar.RedirectURI, Origins: smartcar.Origins{API: u, Auth: u, Connect: u, Vehicle: u, IAM: u}, Limits: []maker.Limit{limit},
		Vehicle: often, Log: unkept{}, Logger: quiet})
	must(t, err)
	t.Cleanup(r.hooks.Close)
	r.car = fakecloud.NewCar(volvoVIN, "VOLVO", "XC40", 2024, indoors.Latitude, indoors.Longitude)
	r.volvo.AddCar("ana", r.car)
	r.smartcar.AddUser("ben")
	r.ref = r.smartcar.AddCar("ben", fakecloud.NewCar(chevroletVIN, "CHEVROLET", "Bolt", 2020, indoors.Latitude, indoors.Longitude))
	r.Installation = indoors.New(t, nil, indoors.Registered(map[string]carlink.Maker{"volvo": makers.NewVolvo(v), "smartcar": makers.NewSmartcar(r.hooks)}))
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask calls the API in a household's name, and holds its answer against what no answer may say.
func (r *road) ask(h *indoors.Household, method, path string, body, answer any) error {
	r.T.Helper()
	var raw json.RawMessage
	err := h.Call(r.T.Context(), method, "/v1/home/cars/"+path, body, &raw)
	for _, secret := range []string{volvoVIN, chevroletVIN, r.ref, "refresh_token"} {
		if strings.Contains(string(raw), secret) || err != nil && strings.Contains(err.Error(), secret) {
			r.T.Errorf("%s %s says %q", method, path, secret)
		}
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(raw, answer)
	}
	return err
}

// consent has a household consent at a maker, in the name of an account there.
func (r *road) consent(h *indoors.Household, name, account string) {
	r.T.Helper()
	var page api.CarConsentPage
	must(r.T, r.ask(h, http.MethodPost, "consents", api.CarConsentRequest{Maker: name}, &page))
	back, err := fakecloud.Consent(r.T.Context(), page.Address, account, "allow")
	must(r.T, err)
	q := back.Query()
	must(r.T, r.ask(h, http.MethodPost, "consents/finish", api.CarConsentBack{State: q.Get("state"), Code: q.Get("code"), User: q.Get("user_id")}, nil))
}

// vehicles are those that the household's consent covers.
func (r *road) vehicles(h *indoors.Household, name string) []api.CarVehicle {
	r.T.Helper()
	var listed api.CarVehicles
	must(r.T, r.ask(h, http.MethodGet, "consents/"+name+"/vehicles", nil, &listed))
	return listed.Vehicles
}

func (r *road) choose(h *indoors.Household, name string, opens ...event.BarrierKind) (chosen api.CarVehicle, err error) {
	r.T.Helper()
	err = r.ask(h, http.MethodPost, "consents/"+name+"/vehicles/"+r.vehicles(h, name)[0].Vehicle, api.CarChoice{Opens: opens}, &chosen)
	return chosen, err
}

// park sets the Volvo up as a place for parcels.
func (r *road) park(h *indoors.Household) event.AccessPointID {
	r.T.Helper()
	r.consent(h, "volvo", "ana")
	chosen, err := r.choose(h, "volvo", event.Trunk)
	must(r.T, err)
	var b api.Barrier
	must(r.T, h.Call(r.T.Context(), http.MethodPost, "/v1/home/barriers", api.BarrierRequest{Device: chosen.Devices[0].Device, Is: event.Trunk}, &b))
	r.workByHand(h.Site)
	var ap api.AccessPoint
	must(r.T, h.Call(r.T.Context(), http.MethodPost, "/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: b.ID, By: event.PermitRemote}},
		Radius: 30, Position: api.Centre{Latitude: indoors.Latitude, Longitude: indoors.Longitude}, Vehicle: &api.VehicleTerms{Reveals: event.RevealsHandle}}, &ap))
	return ap.ID
}

// workByHand opens the car and shuts it, until its device has shown both.
func (r *road) workByHand(at event.SiteID) {
	r.T.Helper()
	enrolled := func() bool {
		return slices.ContainsFunc(r.Journal(at), func(e event.Event) bool { return e.Body.Kind() == event.BarrierEnrolled{}.Kind() })
	}
	for i, limit := 0, time.After(indoors.Patience); !enrolled(); i++ {
		r.car.ByHand(func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.FrontLeft] = i%2 == 1, i%2 == 0 })
		select {
		case <-time.After(150 * time.Millisecond): // slowly enough for a cloud that is asked from time to time
		case <-limit:
			r.T.Fatal("it was worked by hand, and is not enrolled")
		}
	}
}

func code(err error) string {
	if p, is := errors.AsType[*client.Problem](err); is {
		return p.Code
	}
	return fmt.Sprint(err)
}

func TestAVolvoFromTheMakersPageToItsPlace(t *testing.T) {
	t.Parallel()
	r := build(t)
	h := r.Empty("Camille")
	place := r.park(h)
	var listed api.CarMakers
	must(t, r.ask(h, http.MethodGet, "makers", nil, &listed))
	if len(listed.Makers) != 2 || listed.Makers[1].Maker != "volvo" || listed.Makers[1].Consent == nil || len(listed.Makers[1].Consent.Cars) != 1 ||
		listed.Makers[0].Consent != nil || listed.Makers[1].Opens[0].Reveals != event.RevealsHandle || listed.Makers[1].Opens[0].WindowSeconds != 120 {
		t.Fatalf("the makers are %+v", listed.Makers)
	}
	if v := r.vehicles(h, "volvo"); len(v) != 1 || v[0].Model != "XC40" || v[0].Year != 2024 || v[0].EndOf != "4711" || len(v[0].Devices) != 1 {
		t.Errorf("the vehicles are %+v", v)
	}
	// The owner takes it back on the maker's page: the household is told before any courier comes.
	r.volvo.OAuth.Revoke("ana")
	if err := r.ask(h, http.MethodGet, "consents/volvo/vehicles", nil, nil); code(err) != "consent-lost" {
		t.Errorf("of a lost consent: %v", err)
	}
	found := indoors.AwaitWhere(r.Installation, h.Site, func(f event.VehicleFound) bool { return f.Seen.Fault == event.VehicleRevoked })
	if found.AccessPoint != place || found.Code != event.CarRevoked {
		t.Errorf("told %+v", found)
	}
	var given struct{ Consents []api.CarConsent }
	must(t, r.ask(h, http.MethodGet, "consents", nil, &given))
	if len(given.Consents) != 1 || given.Consents[0].LostAt == 0 {
		t.Errorf("consented: %+v", given)
	}
}

// A car that one household has is no other's, whoever else is on the maker's account; and no key reserves it.
func TestACarIsOneHouseholds(t *testing.T) {
	t.Parallel()
	r := build(t)
	first, second := r.Empty("Camille"), r.Empty("Paul")
	r.consent(first, "volvo", "ana")
	r.consent(second, "volvo", "ana")
	chosen, err := r.choose(first, "volvo", event.Trunk)
	must(t, err)
	if _, err := r.choose(second, "volvo", event.Trunk); code(err) != "car-taken" {
		t.Errorf("chosen twice: %v", err)
	}
	if _, err := r.choose(first, "volvo", event.Cabin); code(err) != "not-found" {
		t.Errorf("a Volvo's cabin: %v", err)
	}
	rec, _ := r.Fleet.Record(chosen.Devices[0].Device)
	for _, config := range []string{string(rec.Config), `{"vin":"` + volvoVIN + `"}`} {
		err := r.Key(auth.Operator, "swift").Call(t.Context(), http.MethodPost, "/v1/devices",
			api.DeviceRequest{ID: "mine", Site: second.Site, Connector: "volvo", Config: json.RawMessage(config)}, nil)
		if code(err) != "invalid" {
			t.Errorf("reserved by a key: %v", err)
		}
	}
	must(t, r.ask(first, http.MethodDelete, "consents/volvo/vehicles/"+chosen.Vehicle, nil, nil))
	if _, err := r.choose(second, "volvo", event.Trunk); err != nil {
		t.Errorf("once it was taken out: %v", err)
	}
}

// One household can't use up the questions that a maker answers for all.
func TestAHouseholdAsksAMakerSoOften(t *testing.T) {
	t.Parallel()
	r := build(t)
	h := r.Empty("Camille")
	r.consent(h, "volvo", "ana")
	asked := 0
	for err := error(nil); err == nil && asked < 100; asked++ {
		err = r.ask(h, http.MethodGet, "consents/volvo/vehicles", nil, nil)
		if err != nil && code(err) != "too-many" {
			t.Fatal(err)
		}
	}
	if asked != 13 {
		t.Errorf("it was refused the %dth time", asked)
	}
	other := r.Empty("Paul")
	r.consent(other, "volvo", "ana")
	r.vehicles(other, "volvo")
}

// A consent is not withdrawn while a visit could not be ended without it.
func TestNoWithdrawalInAVisit(t *testing.T) {
	t.Parallel()
	r := build(t)
	h := r.Empty("Camille")
	place := r.park(h)
	must(t, h.Call(t.Context(), http.MethodPost, "/v1/home/access-points/"+string(place)+"/rehearse", struct{}{}, nil))
	indoors.Await[event.VisitBegun](r.Installation, h.Site)
	if err := r.ask(h, http.MethodDelete, "consents/volvo", nil, nil); code(err) != "car-visited" {
		t.Errorf("withdrawn in a visit: %v", err)
	}
	car := r.vehicles(h, "volvo")[0]
	if err := r.ask(h, http.MethodDelete, "consents/volvo/vehicles/"+car.Vehicle, nil, nil); code(err) != "car-visited" {
		t.Errorf("taken out in a visit: %v", err)
	}
	if _, there := r.Fleet.Device(car.Devices[0].Device); !there {
		t.Fatal("its device is gone")
	}
}

// Withdrawn, the maker knows it, and the household's place says that it opens for nobody.
func TestAWithdrawalIsTold(t *testing.T) {
	t.Parallel()
	r := build(t)
	h := r.Empty("Camille")
	place := r.park(h)
	car := r.vehicles(h, "volvo")[0]
	var ended api.CarWithdrawn
	must(t, r.ask(h, http.MethodDelete, "consents/volvo", nil, &ended))
	if !ended.Told {
		t.Error("the maker was not told")
	}
	if found := indoors.Await[event.VehicleFound](r.Installation, h.Site); found.AccessPoint != place || found.Code != event.CarRevoked {
		t.Errorf("told %+v", found)
	}
	if _, there := r.Fleet.Device(car.Devices[0].Device); there {
		t.Error("its device is there still")
	}
	if err := r.ask(h, http.MethodDelete, "consents/volvo", nil, nil); code(err) != "no-consent" {
		t.Errorf("again: %v", err)
	}
}

// Who moves out leaves nothing with which a maker could be asked.
func TestMovingOutWithdraws(t *testing.T) {
	t.Parallel()
	r := build(t)
	h := r.Empty("Camille")
	r.park(h)
	must(t, h.Call(t.Context(), http.MethodPost, "/v1/home/close", struct{}{}, nil))
	for limit := time.After(indoors.Patience); ; {
		left := 0
		for _, kind := range []string{"car.connection", "car.tokens", "car.vin", "device"} {
			all, err := r.Store.List(t.Context(), kind, "", 10)
			must(t, err)
			left += len(all)
		}
		if left == 0 {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			t.Fatalf("%d records are left", left)
		}
	}
}

// A car at Smartcar opens as a whole, for its trunk and for its cabin; a compatibility is asked for; what it sends is
// believed by its signature; and leaving ends the application's access there.
func TestAChevroletAtSmartcar(t *testing.T) {
	t.Parallel()
	r := build(t)
	h := r.Empty("Camille")
	for number, refused := range map[string]bool{chevroletVIN: false, "1G1FY6S06L4100001": true} {
		var check api.CarCheck
		err := r.ask(h, http.MethodPost, "check", api.CarCheckRequest{VIN: number, Country: "US"}, &check)
		must(t, err)
		if len(check.Ways) != 2 || check.Ways[0].Maker != "smartcar" || !check.Ways[0].Here || check.Make != "Chevrolet" {
			t.Fatalf("%s: %+v", number, check)
		}
		if check.Ways[0].Refused != refused {
			t.Errorf("refused %v", check.Ways[0].Refused)
		}
	}
	r.consent(h, "smartcar", "ben")
	// A car that does not permit what is needed, or not even to be named, is not chosen; it is looked at again each time.
	for permitted, lacks := range map[string]carlink.Lack{
		`"read_vehicle_info","read_vin","read_location","read_security"`: carlink.LacksCommands, `"read_security","control_security"`: carlink.LacksKnown} {
		r.smartcar.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Path: "/permissions", Body: `{"permissions":[` + permitted + `]}`})
		if v := r.vehicles(h, "smartcar"); len(v) != 1 || v[0].Lacks != lacks {
			t.Errorf("permitting %s: %+v", permitted, v)
		}
		if _, err := r.choose(h, "smartcar", event.Trunk); code(err) != "car-lacking" {
			t.Errorf("permitting %s, it is chosen: %v", permitted, err)
		}
		r.smartcar.Wire.Mend()
	}
	chosen, err := r.choose(h, "smartcar", event.Trunk, event.Cabin)
	must(t, err)
	if len(chosen.Devices) != 2 || chosen.EndOf != "4712" {
		t.Fatalf("chosen: %+v", chosen)
	}
	for _, d := range chosen.Devices {
		dev, there := r.Fleet.Device(d.Device)
		if !there || dev.Spec().Reveals != event.RevealsCar {
			t.Errorf("the %s is %+v", d.Is, dev)
		}
	}
	body, signature, err := r.smartcar.Event(r.ref)
	must(t, err)
	for given, want := range map[string]int{signature: http.StatusOK, strings.Repeat("0", 64): http.StatusUnauthorized, "": http.StatusUnauthorized} {
		req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hooks/smartcar", strings.NewReader(string(body)))
		req.Header.Set("SC-Signature", given)
		w := httptest.NewRecorder()
		r.hooks.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("signed %.8q: %d", given, w.Code)
		}
	}
	must(t, r.ask(h, http.MethodDelete, "consents/smartcar", nil, nil))
	r.consent(h, "smartcar", "ben")
	if v := r.vehicles(h, "smartcar"); len(v) != 0 {
		t.Errorf("Smartcar still shares %+v", v)
	}
}

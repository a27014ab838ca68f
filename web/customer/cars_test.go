package customer_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui/uitest"
)

// carVIN is a number that no page may show whole.
const carVIN = "YV1CANARY00004711"

// volvos is a fake of Volvo's cloud, with the connector to it.
type volvos struct {
	*volvotest.Server
	app *volvo.App
	car *fakecloud.Car
}

type unkept struct{}

// Record keeps nothing.
func (unkept) Record(event.Sent) error { return nil }

func newVolvos(t *testing.T) *volvos {
	t.Helper()
	many := fakecloud.Limit{Name: "many", Most: 1_000_000, Per: time.Hour}
	fake, err := volvotest.Start(volvotest.Config{General: many, Invocations: many, Daily: many})
	must(t, err)
	t.Cleanup(fake.Close)
	limit := maker.Limit{Calls: 100_000, Per: time.Hour}
	app, err := volvo.New(volvo.AppConfig{ClientID: fake.ClientID, ClientSecret: fake.ClientSecret, APIKey: fake.APIKey, RedirectURL: fake.RedirectURI,
		Origins: volvo.Origins{API: fake.URL(), ID: fake.URL()}, Limits: []maker.Limit{limit}, Daily: limit, Log: unkept{}, Logger: slog.New(slog.DiscardHandler),
		Vehicle: remotecar.Config{Soon: 10 * time.Millisecond, Seldom: 50 * time.Millisecond, Idle: 50 * time.Millisecond}})
	must(t, err)
	t.Cleanup(app.Close)
	v := &volvos{fake, app, fakecloud.NewCar(carVIN, "VOLVO", "XC40", 2024, indoors.Latitude, indoors.Longitude)}
	fake.AddCar("ana", v.car)
	return v
}

// here registers the installation at Volvo.
func (v *volvos) here() indoors.Option {
	return indoors.AtVolvo(v.app)
}

// consents does what a member does: asks for the way to the maker's page, answers there, and is sent back.
func (v *visitor) consents(account, answer string) (location string) {
	v.t.Helper()
	checked := v.send("POST", "/home/cars/new", changed(form(v.t, v.page("/home/cars/new"), "/home/cars/new"), "make", "Volvo", "year", "2024"))
	uitest.Lint(v.t, checked.body)
	gone := v.send("POST", "/home/cars/authorise", form(v.t, checked.body, "/home/cars/authorise"))
	uitest.Lint(v.t, gone.body)
	back, err := fakecloud.Consent(v.t.Context(), wayOut(v.t, gone.body), account, answer)
	must(v.t, err)
	a := v.send("GET", customer.CarsBackPath+"?"+back.RawQuery, nil)
	if a.status != http.StatusSeeOther {
		v.t.Fatalf("back from the maker: %d %s", a.status, plain(v.t, a.body))
	}
	return a.header.Get("Location")
}

// wayOut is the link to the maker's page.
func wayOut(t testing.TB, body string) string {
	t.Helper()
	for _, a := range uitest.Tags(uitest.Parse(t, body), "a") {
		if href, _ := uitest.Attr(a, "href"); strings.Contains(href, "/as/authorization.oauth2") {
			return href
		}
	}
	t.Fatalf("no link leads to the maker: %s", plain(t, body))
	return ""
}

func changed(fields url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		fields.Set(pairs[i], pairs[i+1])
	}
	return fields
}

// A car that nobody listens to any more is not said to be waited for: it is to be added again.
func TestACarWhoseHourIsOver(t *testing.T) {
	t.Parallel()
	page := plain(t, customer.Hand(t.Context(), api.Barrier{ID: "home-b1", Is: event.Trunk, Resting: true}))
	if !strings.Contains(page, "that is over") || !strings.Contains(page, "Take this device out again") || strings.Contains(page, "Unlock it once") {
		t.Error(page)
	}
}

// From "I have a Volvo" to the rehearsal: the maker's page, the car, its handle accepted in one sentence, worked by hand,
// found and described. Its number stands on no page.
func TestACarIsSetUp(t *testing.T) {
	t.Parallel()
	cloud := newVolvos(t)
	b := build(t, cloud.here())
	h := b.Empty("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/places/new", "Car: trunk or cabin", "Voiture : coffre ou habitacle")
	both(t, me, "/home/cars/new", "Which car?", "Quelle voiture ?")
	here := me.consents("ana", "allow")
	if here != "/home/cars/volvo?done=consented" {
		t.Fatalf("back from the maker, and led to %s", here)
	}
	both(t, me, here, "XC40 2024, number ending 4711", "XC40 2024, numéro qui finit par 4711")
	page := me.page("/home/cars/volvo")
	if strings.Contains(page, carVIN) {
		t.Error("the page says the whole number")
	}
	proof := me.post("/home/cars/volvo", actionBelow(t, page, "/home/cars/volvo/"), "opens", "trunk")
	if !strings.HasPrefix(proof, "/home/places/new/proof?device=") {
		t.Fatalf("chosen, and led to %s", proof)
	}
	both(t, me, proof, "Opening the trunk unlocks the whole car.", "Ouvrir le coffre déverrouille toute la voiture.")
	hand := me.post(proof, "/home/places/new/barrier")
	h.Barrier = event.BarrierID(strings.TrimPrefix(hand, "/home/barriers/"))
	both(t, me, hand, "Shut everything, and lock it", "Fermez tout, et verrouillez-la")
	if body := me.page(hand); !strings.Contains(body, `data-step="wait"`) {
		t.Errorf("it is to be opened before anything of it is known:\n%s", plain(t, body))
	}
	cloud.workByHand(t, b, h)
	where := "/home/places/new/where?barrier=" + string(h.Barrier)
	both(t, me, where, "The trunk's handle is free for two minutes.", "La poignée du coffre est libre deux minutes")
	typed := lastForm(t, me.page(where), "/home/cars/places")
	if typed.Get("within") != "300" {
		t.Errorf("it may stand %q metres away", typed.Get("within"))
	}
	typed = changed(typed, "within", "200", "radius", "40", "name", "Blue car", "address", "3 quai du Bureau",
		"note", "Left of the spare wheel", "accept", "trunk-handle")
	typed.Del("add")
	located := me.send("POST", "/home/cars/places", changed(typed, "locate", "1"))
	if said := plain(t, located.body); located.status != http.StatusOK || !strings.Contains(said, "The car says that it stands there, as of 0 min ago.") {
		t.Fatalf("located: %d %s", located.status, said)
	}
	uitest.Lint(t, located.body)
	if page := uitest.Parse(t, located.body); !slices.Contains(uitest.With(page, "data-keep", ""), uitest.ID(page, "locate")) {
		t.Error("the answer takes \"I am here\" away")
	}
	both(t, me, where, "What can't be left in the car: In person, at the reference address, then Back to the depot.", "En main propre, à l'adresse de référence, puis Retour au dépôt.")
	fields := lastForm(t, located.body, "/home/cars/places")
	for _, field := range []string{"within", "radius", "name", "address", "note", "accept"} {
		if fields.Get(field) != typed.Get(field) {
			t.Errorf("%q was typed as its %s, and %q stands there after it was asked where it stands", typed.Get(field), field, fields.Get(field))
		}
	}
	if a := me.send("POST", "/home/cars/places", changed(fields, "accept", "trunk-handle", "address", strings.Repeat("a", 301))); a.status != http.StatusUnprocessableEntity {
		t.Errorf("an address of 301 letters: %d", a.status)
	}
	fields = lastForm(t, located.body, "/home/cars/places")
	if fields.Get("position") != "48.85840, 2.29450" {
		t.Errorf("the car stands at %q", fields.Get("position"))
	}
	fields.Del("accept")
	a := me.send("POST", "/home/cars/places", fields) // without the word that it takes
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), "Without this it cannot be used.") {
		t.Fatalf("nothing accepted: %d %s", a.status, plain(t, a.body))
	}
	wrong(t, a.body)
	a = me.send("POST", "/home/cars/places", changed(fields, "accept", "trunk-handle", "name", "Blue car", "within", "250", "address", " 3 quai du Bureau",
		"key", typed.Get("key"))) // Back, to the page as it was before the car was asked
	who := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(who, "/home/places/new/who?place=") {
		t.Fatalf("placed: %d %s %s", a.status, who, plain(t, a.body))
	}
	home := look(t, h)
	if len(home.AccessPoints) != 1 || home.AccessPoints[0].Car == nil {
		t.Fatalf("the home has %+v", home.AccessPoints)
	}
	if got := home.AccessPoints[0].Address; got != "3 quai du Bureau" {
		t.Errorf("its reference address is %q", got)
	}
	car := home.AccessPoints[0].Car
	if car.Within != 250 || car.Reveals != event.RevealsHandle {
		t.Errorf("the car is %+v", car)
	}
	place := strings.TrimPrefix(who, "/home/places/new/who?place=")
	me.shows("/home/places/"+place, "Blue car")
	me.shows("/home/places/"+place, "3 quai du Bureau")
	planBOfACar(t, me, h)
	me.shows("/home/household", "Cars and authorisations")
}

// planBOfACar: what can't be left in it comes to its reference address, until its household chooses otherwise, and first of
// all where it adds something.
func planBOfACar(t *testing.T, me *visitor, h *indoors.Household) {
	t.Helper()
	both(t, me, "/home/rules", "1. In person, at the reference address for a car, until you add steps", "1. En main propre, à l'adresse de référence pour une voiture")
	do := func(fields ...string) {
		t.Helper()
		tag := look(t, h).Rules.Tag
		me.send("POST", "/home/rules/plan-b", changed(url.Values{"tag": {tag}, "key": {tag + strings.Join(fields, "/")}}, fields...))
	}
	do("do", "add", "kind", "neighbour", "who", "Mr Petit, door 3")
	if got := look(t, h).Rules.PlanB; len(got) != 2 || got[0].Kind != event.FallbackReference || got[1].Who != "Mr Petit, door 3" {
		t.Fatalf("plan B: %+v", got)
	}
	me.shows("/home/rules", "Otherwise: Mr Petit, door 3, then Back to the depot.")
	me.shows("/home/rules", "What can't be left in the car: In person, at the reference address, then Mr Petit, door 3, then Back to the depot.")
	do("do", "remove", "step", "0")
	me.shows("/home/rules", "What can't be left in the car: Mr Petit, door 3, then Back to the depot.")
	do("do", "remove", "step", "0")
	do("do", "add", "kind", "access-point/"+string(look(t, h).AccessPoints[0].ID))
	if got := look(t, h).Rules.PlanB; len(got) != 2 || got[0].Kind != event.FallbackAccessPoint || got[1].Kind != event.FallbackReference {
		t.Errorf("a place: %+v", got)
	}
	do("do", "remove", "step", "1")
	do("do", "add", "kind", "reference")
	if got := look(t, h).Rules.PlanB; len(got) != 2 || got[1].Kind != event.FallbackReference {
		t.Errorf("plan B: %+v", got)
	}
}

// workByHand opens the car and shuts it, until its device has shown both.
func (v *volvos) workByHand(t *testing.T, b *building, h *indoors.Household) {
	t.Helper()
	enrolled := func() bool {
		return slices.ContainsFunc(b.Journal(h.Site), func(e event.Event) bool {
			done, is := e.Body.(event.BarrierEnrolled)
			return is && done.Barrier == h.Barrier
		})
	}
	for i, limit := 0, time.After(indoors.Patience); !enrolled(); i++ {
		v.car.ByHand(func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.FrontLeft] = i%2 == 1, i%2 == 0 })
		select {
		case <-time.After(150 * time.Millisecond): // slowly enough for a cloud that is asked from time to time
		case <-limit:
			t.Fatal("it was worked by hand, and is not enrolled")
		}
	}
}

// lastForm is the last form of a page that goes to an address: the others have one button.
func lastForm(t testing.TB, body, action string) url.Values {
	t.Helper()
	i := strings.LastIndex(body, `action="`+action+`"`)
	if i < 0 {
		t.Fatalf("no form goes to %s", action)
	}
	return form(t, body[strings.LastIndex(body[:i], "<form"):], action)
}

// A refusal on the maker's page, and an answer that was used already, are said with what to do; nothing is authorised.
func TestAConsentThatIsNone(t *testing.T) {
	t.Parallel()
	cloud := newVolvos(t)
	b := build(t, cloud.here())
	me := b.visitor(t, b.Empty("Camille"))
	if to := me.consents("ana", "deny"); to != "/home/cars/new?not=consent-refused" {
		t.Fatalf("refused, and led to %s", to)
	}
	both(t, me, "/home/cars/new?not=consent-refused", "The maker was not allowed to let us in", "Le constructeur n'a pas été autorisé à nous laisser entrer")
	for _, query := range []string{"state=made-up&code=x", "", "state=" + strings.Repeat("x", 300)} {
		a := me.send("GET", customer.CarsBackPath+"?"+query, nil)
		if to := a.header.Get("Location"); a.status != http.StatusSeeOther || to != "/home/cars/new?not=consent-over" && to != "/home/cars/new?not=invalid" {
			t.Errorf("%.20q: %d %s", query, a.status, to)
		}
	}
	me.shows("/home/cars/volvo", "Choose the car: when it is authorised at Volvo")
	if a := me.send("GET", "/home/cars/horse", nil); a.status != http.StatusNotFound {
		t.Errorf("at no maker: %d", a.status)
	}
}

// Whether a car can be connected is said before anybody leaves for the maker's page; what is typed wrongly is named.
func TestCheckingACar(t *testing.T) {
	t.Parallel()
	cloud := newVolvos(t)
	b := build(t, cloud.here())
	me := b.visitor(t, b.Empty("Camille"))
	page := me.page("/home/cars/new")
	for _, x := range []struct {
		change []string
		want   int
		says   string
	}{
		{[]string{"make", "Volvo", "year", "2024"}, 200, "Authorise at Volvo"},
		{[]string{"make", "Volvo"}, 200, "Authorise at Volvo"},
		{[]string{"vin", carVIN}, 200, "Authorise at Volvo"},
		{[]string{"make", "Chevrolet"}, 200, "Authorise: when the operator is registered at this maker"},
		{[]string{"make", "Volvo", "year", "2009"}, 200, "Volvo: from model year 2015 on."},
		{[]string{"make", "other"}, 200, "None of this make can be, as far as is known."},
		{[]string{}, 422, "Choose one of these."},
		{[]string{"make", "Volvo", "year", "20.5"}, 422, "A year such as 2021."},
		{[]string{"vin", "YV1"}, 422, "That cannot be one"},
		{[]string{"make", "Volvo", "country", "France"}, 422, "Two letters, such as FR."},
	} {
		a := me.send("POST", "/home/cars/new", changed(form(t, page, "/home/cars/new"), x.change...))
		if a.status != x.want || !strings.Contains(spaced(plain(t, a.body)), x.says) {
			t.Errorf("%v: %d %s", x.change, a.status, plain(t, a.body))
		}
		uitest.Lint(t, a.body)
		if x.want == 422 {
			wrong(t, a.body)
		}
		if strings.Contains(x.says, "Authorise at") && strings.Contains(plain(t, a.body), "when the operator is registered") {
			t.Errorf("%v: beside the way that is open stands one that is none", x.change)
		}
	}
}

// What the maker tells of a car decides, whatever was typed before: a car that can't be connected is listed, and can't be
// chosen.
func TestACarThatCannotBeConnected(t *testing.T) {
	t.Parallel()
	cloud := newVolvos(t)
	b := build(t, cloud.here())
	cloud.AddCar("ben", fakecloud.NewCar("YV1CZ91H6E1000000", "VOLVO", "V40", 2014, indoors.Latitude, indoors.Longitude))
	cloud.AddCar("eva", fakecloud.NewCar("YV2RT40A0FB000000", "VOLVO", "FH", 0, indoors.Latitude, indoors.Longitude))
	for owner, said := range map[string][2]string{
		"ben": {"It is too old to be connected through Volvo.", "Elle est trop ancienne pour être reliée par Volvo."},
		"eva": {"It is none of those that can be connected through Volvo", "Elle n'est aucune de celles qui peuvent être reliées par Volvo"},
	} {
		me := b.visitor(t, b.Empty(owner))
		here := me.consents(owner, "allow")
		both(t, me, here, said[0], said[1])
		if strings.Contains(me.page(here), `name="opens"`) {
			t.Errorf("%s may choose", owner)
		}
	}
}

// Withdrawn, the household's car is asked for nothing any more, and the page says so.
func TestWithdrawingAConsent(t *testing.T) {
	t.Parallel()
	cloud := newVolvos(t)
	b := build(t, cloud.here())
	h := b.Empty("Camille")
	me := b.visitor(t, h)
	me.consents("ana", "allow")
	both(t, me, "/home/cars", "Withdraw the authorisation", "Retirer l'autorisation")
	to := me.post("/home/cars", "/home/cars/volvo/withdraw")
	if to != "/home/cars?done=unconsented" {
		t.Fatalf("withdrawn, and led to %s", to)
	}
	both(t, me, to, "Authorisation withdrawn. The maker is told", "Autorisation retirée. Le constructeur est prévenu")
	me.shows("/home/cars/volvo", "Choose the car: when it is authorised at Volvo")
	if given, err := b.CarLinks.Connections(t.Context(), h.Site); err != nil || len(given) != 0 {
		t.Errorf("there is still %+v, %v", given, err)
	}
	again := me.send("POST", "/home/cars/volvo/withdraw", url.Values{"key": {"again"}})
	if again.status != http.StatusNotFound {
		t.Errorf("again: %d %s", again.status, again.header.Get("Location"))
	}
}

// Where no maker knows the installation, the page says whose turn it is.
func TestNoMakerKnowsUs(t *testing.T) {
	t.Parallel()
	b := build(t)
	me := b.visitor(t, b.Empty("Camille"))
	both(t, me, "/home/cars/new", "when the operator is registered at its maker", "quand l'exploitant sera inscrit chez son constructeur")
	me.shows("/home/cars", "when the operator is registered at its maker")
}

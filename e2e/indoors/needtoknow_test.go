package indoors_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/web/courier"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/ui"
)

// book keeps what is said to it.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// ServeHTTP takes whatever is told, as a gateway for text messages and as a shop's webhook.
func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(b, r.Body) // what does not arrive is not read either
	_, _ = fmt.Fprintln(b)
	w.WriteHeader(http.StatusOK)
}

// village is a whole installation: the three apps over one API, somebody who is told by text message, by mail and by push, a
// shop that is told by its webhook, and everything that is logged.
type village struct {
	*indoors.Installation
	t                 *testing.T
	home              *indoors.Household
	anna              *indoors.Phone
	staff             *http.Cookie
	tells             *notify.Notifier
	logs, texts, shop *book
	mails             *postman
	pushes            *browser
}

// What is told of a car: which it is, to those who are to find it; and what is told to nobody.
var (
	known   = []string{indoors.Plate, indoors.Model, indoors.Colour, indoors.Spot}
	untold  = []string{indoors.VIN, "48.8594", "48.8604", "odometer", "fuel"}
	noCar   = append(append([]string{}, known...), untold...)
	nothing = http.StatusNotFound
)

func newVillage(t *testing.T) *village {
	t.Helper()
	v := &village{t: t, logs: &book{}, texts: &book{}, shop: &book{}, mails: newPostman(t), pushes: newBrowser(t)}
	v.Installation = indoors.New(t, v.apps, indoors.Logged(v.logs))
	v.home = v.Driveway("Camille")
	v.anna = v.Courier("swift-anna")
	v.tellByAll()
	listens := httptest.NewServer(v.shop)
	t.Cleanup(listens.Close)
	shop := v.Key(auth.Merchant, "grocer")
	if err := shop.Call(t.Context(), http.MethodPost, "/v1/webhooks", api.WebhookRequest{URL: listens.URL}, nil); err != nil {
		t.Fatal(err)
	}
	return v
}

// apps mounts the three apps, and signs one of the operator's staff in.
func (v *village) apps(in *indoors.Installation) http.Handler {
	v.gateway(in)
	kit, err := ui.New(ui.Options{Public: in.URL, Log: in.Log, Now: time.Now, Random: rand.Reader})
	v.must(err)
	v.t.Cleanup(kit.EndStreams)
	deps := auth.Deps{Register: in.Store, Now: time.Now, Random: rand.Reader}
	staffs := auth.NewStaffs(deps, in.Vault)
	links := auth.NewLinks(auth.LinksDeps{Deps: deps, Sessions: in.Sessions, Staffs: staffs, Mailboxes: auth.NewMailboxes(deps, in.Vault), PublicURL: in.URL})
	_, link, err := staffs.Add(v.t.Context(), auth.NewStaff{Name: "Ana", Address: "ana@loquet.example", Role: auth.Dispatcher})
	v.must(err)
	entered, err := links.Redeem(v.t.Context(), link.Token, "", auth.Arrival{})
	v.must(err)
	cookie := entered.Cookie()
	v.staff = &cookie
	couriers, err := courier.New(courier.Deps{API: in.API, Couriers: in.Couriers, Dispatch: in.Dispatcher, Kit: kit, Now: time.Now, Log: in.Log})
	v.must(err)
	homes, err := customer.New(customer.Deps{API: in.API, Sessions: in.Sessions, Dispatch: in.Dispatcher, Kit: kit, Now: time.Now, Log: in.Log,
		Player: live.Player(), Folder: v.t.TempDir()})
	v.must(err)
	v.t.Cleanup(homes.Close)
	console, err := operator.New(operator.Deps{API: in.API, Staffs: staffs, Links: links, Couriers: in.Couriers, Dispatch: in.Dispatcher,
		Register: in.Store, Vault: in.Vault, Now: time.Now, Random: rand.Reader, Log: in.Log, Zone: time.UTC, Kit: kit, Player: live.Player()})
	v.must(err)
	v.t.Cleanup(console.Close)
	mux := http.NewServeMux()
	mux.Handle("/assets/", kit.Assets())
	mux.Handle("/courier/", kit.Guard(couriers))
	mux.Handle("/home/", kit.Guard(homes))
	mux.Handle("/operator/", kit.Guard(console))
	return mux
}

func (v *village) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// gateway hands text messages to a book, letters to the postman, and push messages to the browser.
func (v *village) gateway(in *indoors.Installation) {
	v.t.Helper()
	gateway := httptest.NewServer(v.texts)
	v.t.Cleanup(gateway.Close)
	texts, err := notify.NewTextMessages(notify.SMSConfig{URL: gateway.URL, Secret: strings.Repeat("s", 32)}, time.Now)
	v.must(err)
	letters, err := notify.NewMail(notify.MailConfig{Host: "127.0.0.1", Port: v.mails.port, TLS: notify.MailNoTLS, From: "Loquet <loquet@home.test>"})
	v.must(err)
	v.tells = notify.New(notify.Deps{Register: in.Store, Sites: in.Dispatcher, Vault: in.Vault, Sessions: in.Sessions, SMS: texts, Country: "FR",
		Mail: letters, Addresses: livesAt("camille@home.test"), LocalPush: true,
		PushSubject: "mailto:operator@loquet.example", PublicURL: in.URL, Lang: phrase.English, Now: time.Now, Random: rand.Reader, Log: in.Log})
	in.Dispatcher.Handle(dispatch.WorkNotify, v.tells.Notify)
}

// tellByAll has the household told everything on every channel.
func (v *village) tellByAll() {
	v.t.Helper()
	camille, err := v.Sessions.Check(v.t.Context(), v.home.Cookie.Value)
	v.must(err)
	_, err = v.tells.SetPhone(v.t.Context(), camille, "+33612345678")
	v.must(err)
	_, err = v.tells.Subscribe(v.t.Context(), camille, v.pushes.subscription(), "phone")
	v.must(err)
	var all []notify.Choice
	for _, topic := range notify.Topics() {
		all = append(all, notify.Choice{Topic: topic, Channels: notify.Channels()})
	}
	v.must(v.tells.SetPreferences(v.t.Context(), camille, notify.Preferences{Lang: phrase.English, Choices: all}))
}

// read gets a page: by a cookie, or signed by the courier's phone.
func (v *village) read(path string, who *http.Cookie) (status int, body string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.URL+path, nil)
	v.must(err)
	if who != nil {
		r.AddCookie(who)
	} else {
		v.must(v.anna.Authorize(r, nil))
	}
	answer, err := (&http.Client{Timeout: indoors.Patience}).Do(r)
	v.must(err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	v.must(err)
	return answer.StatusCode, string(data)
}

// hides is an error for each of the secrets that a page, or what was written, has.
func (v *village) hides(what, said string, secrets []string) {
	v.t.Helper()
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			v.t.Errorf("%s tells %q: %.3000s", what, secret, said)
		}
	}
}

// walk reads every page of the visit, and everything that was told outside. near says that the courier is at the car.
func (v *village) walk(when string, b indoors.Booked, visit event.VisitID, near bool) {
	v.t.Helper()
	place, delivery := string(v.home.AccessPoint), string(b.ID)
	for _, path := range []string{"", "deliveries/" + delivery, "places/" + place, "places/" + place + "/car", "history", "rules", "household", "visits/" + string(visit)} {
		_, body := v.read("/home/"+path, v.home.Cookie)
		v.hides(when+": /home/"+path, body, untold)
	}
	for _, path := range []string{"", "alarms", "deliveries", "deliveries/" + delivery, "visits/" + string(visit), "devices", "devices/" + string(v.home.Site) + ".trunk",
		"couriers", "couriers/swift-anna", "metrics", "search?q=" + string(v.home.Site)} {
		_, body := v.read("/operator/"+path, v.staff)
		v.hides(when+": /operator/"+path, body, noCar)
	}
	for _, path := range []string{"stops", "stop/" + place, "stop/" + place + "/plan-b", "scan/" + string(visit)} {
		secrets := noCar
		if near && path != "stops" {
			secrets = untold
		}
		_, body := v.read("/courier/view/"+path, nil)
		v.hides(when+": the courier's "+path, body, secrets)
	}
	v.hides(when+": the log", v.logs.String(), noCar)
	v.hides(when+": the text messages", v.texts.String(), noCar)
	v.hides(when+": the letters", v.mails.String(), noCar)
	v.hides(when+": the push messages", v.pushes.String(), noCar)
	v.hides(when+": the shop's webhook", v.shop.String(), noCar)
	for _, e := range v.Journal(v.home.Site) {
		said, err := e.MarshalJSON()
		v.must(err)
		v.hides(when+": the journal", string(said), noCar)
	}
}

// Which car it is, is told to its household, and to the courier near it while a visit goes there; where it stands, its
// number and what else it reports, to nobody: on no page, in no message, in no line of the log.
func TestNeedToKnowOfACar(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	b := v.Assigned(v.home, v.anna)
	v.walk("before", b, "", false)
	visit := v.anna.Approach(b)
	v.FoundFor(visit)
	v.anna.Walk(visit, 2000)
	v.walk("far", b, visit, false)
	v.anna.Walk(visit, indoors.Parked-10)
	v.walk("near", b, visit, true)
	if _, card := v.read("/courier/view/stop/"+string(v.home.AccessPoint), nil); !strings.Contains(card, indoors.Plate) {
		t.Errorf("near it, the courier is not shown the car: %s", card)
	}
	v.anna.FreeHandle(visit, b)
	v.must(v.home.Car.PullHandle())
	v.walk("open", b, visit, true)
	if _, err := v.Store.Value(t.Context(), v.home.Site, "parked/"+string(v.home.AccessPoint)); err != nil {
		t.Errorf("during the visit nobody could tell whether the car has moved: %v", err)
	}
	v.anna.CloseCar(visit, v.home)
	v.walk("shut", b, visit, true)
	v.anna.Leave(visit)
	v.walk("afterwards", b, visit, false)
	if status, _ := v.read("/v1/courier/visits/"+string(visit)+"/car", nil); status != nothing {
		t.Errorf("afterwards the card is answered with %d", status)
	}
	for _, name := range []string{dispatch.CarName(visit), "parked/" + string(v.home.AccessPoint)} {
		if _, err := v.Store.Value(t.Context(), v.home.Site, name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("where it stood is kept as %s: %v", name, err)
		}
	}
	v.wasTold()
	v.walk("told", b, visit, false)
}

// wasTold waits until the shop was told something, and the household of its parcel on every channel: what nobody is told
// says nothing.
func (v *village) wasTold() {
	v.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(indoors.Patience)
	told := func(said string) bool { return strings.Contains(said, "Delivered") }
	for !told(v.texts.String()) || !told(v.mails.String()) || !told(v.pushes.String()) || v.shop.String() == "" {
		select {
		case <-tick.C:
		case <-limit:
			v.t.Fatalf("somebody was not told: the shop %d bytes, texts %s\nletters %s\npushes %s", len(v.shop.String()), v.texts, v.mails, v.pushes)
		}
	}
}

// Nor is it told where things go wrong: a car that moved, one that its cloud does not know, and none that answers.
func TestNeedToKnowWhereACarFails(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	for name, fail := range map[string]func(){
		"moved":   func() { v.home.Car.Park(indoors.Latitude+0.0020, indoors.Longitude, time.Now(), false) }, // 48.8604
		"offline": func() { v.home.Car.Behave(fakecloud.Quirks{Offline: true}) },
		"asleep":  func() { v.home.Car.Behave(fakecloud.Quirks{Asleep: true}) },
		"odd":     func() { v.home.Car.Behave(fakecloud.Quirks{Odd: true}) },
	} {
		fail()
		b := v.Assigned(v.home, v.anna)
		visit := v.anna.Approach(b)
		v.FoundFor(visit)
		v.anna.Walk(visit, 2000)
		v.walk(name, b, visit, false)
		v.anna.Act(visit, "too-large", api.TooLargeRequest{Delivery: b.ID})
		v.anna.Act(visit, "leave", nil)
		v.home.Car.Behave(fakecloud.Quirks{})
	}
}

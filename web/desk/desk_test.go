package desk_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/web/desk"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// world is a world that does what it is told, and remembers it.
type world struct {
	mu      sync.Mutex
	state   desk.State
	changed chan struct{}
	acts    []desk.Act
	fails   error
	to      string
	audit   desk.Audit
	phone   desk.Phone
}

func (w *world) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *world) State() desk.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.state
	s.Doors = slices.Clone(s.Doors)
	return s
}

func (w *world) change(f func(*desk.State)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.state)
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) Do(_ context.Context, a desk.Act) error {
	w.acts = append(w.acts, a)
	return w.fails
}
func (w *world) Offer(a desk.App, door string) string {
	return "/demo/in/" + string(a) + "/fresh" + door
}
func (w *world) Enter(_ context.Context, a desk.App, token string) (string, error) {
	return w.to + token, w.fails
}
func (w *world) Audit(context.Context) (desk.Audit, error) { return w.audit, w.fails }

func newWorld(t *testing.T) *world {
	t.Helper()
	code, err := parcel.Parse("(00)340123450000000017", "")
	if err != nil {
		t.Fatal(err)
	}
	return &world{changed: make(chan struct{}), state: desk.State{Camera: desk.CameraLive, Wire: true, Server: true,
		Doors: []desk.Door{
			{ID: "front", Name: "Front door", Address: "12 rue des Lilas", Is: event.FrontDoor, Bolt: event.BoltLocked, Contact: event.ContactClosed, Filmed: true},
			{ID: "side", Name: "Side door", Address: "12 rue des Lilas", Is: event.FrontDoor, Bolt: event.BoltUnlocked, Contact: event.ContactOpen, Keypad: true},
			{ID: "garage", Name: "Garage", Address: "4 rue du Lys", Is: event.Garage, Contact: event.ContactClosed},
			{ID: "car", Name: "Volvo XC40", Address: "2 cours des Lices", Is: event.Trunk, Bolt: event.BoltLocked, Contact: event.ContactClosed, Dead: true,
				Car: &desk.Car{Away: 134, Within: 300, Handle: true}}},
		Courier: desk.Walk{Name: "Karim", Metres: 780, Latitude: 48.85, Longitude: 2.29, Accuracy: 6},
		Parcel:  &desk.Parcel{Code: "(00)340123450000000017", Place: "12 rue des Lilas, Front door", Label: parcel.Label{Code: code, Title: "Rapido"}},
		Behind:  desk.Behind{Data: "/tmp/data", Broker: "mqtt://127.0.0.1:1", Key: "lq_key"}}}
}

// serve puts the desk before a world; requests come in a language.
func serve(t *testing.T, w *world) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	kit, err := ui.New(ui.Options{Public: "http://" + server.Listener.Addr().String(), Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: rand.Reader, Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	if server.Config.Handler, err = desk.New(desk.Deps{World: w, Phone: &w.phone, Kit: kit, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(func() {
		kit.EndStreams()
		server.Close()
	})
	return server
}

func ask(t *testing.T, method, address string, form url.Values, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestThePageStandsInBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	w.state.Doors[0].Jam, w.state.Doors[0].Dead = true, true
	w.state.Story = &desk.Story{Name: desk.StoryAjar, Playing: true, Steps: []desk.Step{{Key: "come", Done: true}, {Key: "scan"}, {Key: "unlock"}}}
	w.state.Cut = map[desk.App]time.Duration{desk.Customer: time.Second}
	for lang, want := range map[string]string{"en": "Front door: shut, locked", "fr": "Front door\u00a0: fermée, verrouillée"} {
		for _, door := range []string{"", "side", "garage", "car", "nobody's"} {
			res, body := ask(t, "GET", s.URL+"/demo/?door="+url.QueryEscape(door), nil, "Accept-Language", lang)
			if res.StatusCode != http.StatusOK || door == "" && !strings.Contains(body, want) {
				t.Errorf("%s, %q: %s", lang, door, res.Status)
			}
			uitest.Lint(t, body)
		}
	}
}

// TestACarIsShownAsOne: where it stands, whether its trunk's handle is free, and what can be done to it and not to a door.
func TestACarIsShownAsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	shows := func(door string, there bool, texts ...string) {
		t.Helper()
		_, body := ask(t, "GET", s.URL+"/demo/?door="+door, nil, "Accept-Language", "en")
		for _, text := range texts {
			if strings.Contains(body, text) != there {
				t.Errorf("%s, %q: %v expected", door, text, there)
			}
		}
	}
	forCars := []string{"Open the trunk", "The locks stick", "Around the corner", "cloud is down"}
	shows("car", true, append(forCars, "Stands 134 m from the address; up to 300 m", "handle of the trunk is free", "asleep", `data-kind="car"`)...)
	shows("car", false, "Push open", "Battery empty")
	shows("front", false, forCars...)
	w.change(func(s *desk.State) { s.Doors[3].Car = &desk.Car{Away: 4046, Within: 300} })
	shows("car", true, "Stands 4046 m from the address: too far, 300 m")
	shows("car", false, "handle of the trunk is free")
}

func TestTheWordsAreWhole(t *testing.T) {
	t.Parallel()
	uitest.CheckWords(t, ".", desk.Words)
	for _, key := range desk.Keys() {
		if !desk.Words.Has(key) {
			t.Errorf("no catalogue has %q", key)
		}
	}
}

func TestHandsDoWhatTheButtonsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	res, _ := ask(t, "POST", s.URL+"/demo/act", url.Values{"do": {"push"}, "door": {"side"}})
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/demo/?door=side" {
		t.Errorf("%s to %s", res.Status, res.Header.Get("Location"))
	}
	ask(t, "POST", s.URL+"/demo/act", url.Values{"do": {"film"}, "to": {"frozen"}})
	want := []desk.Act{{Do: desk.Push, Door: "side"}, {Do: desk.Film, To: "frozen"}}
	if !slices.Equal(w.acts, want) {
		t.Errorf("%+v", w.acts)
	}
}

func TestARefusalIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	w.fails = &desk.Refusal{Code: "bolted"}
	ask(t, "POST", s.URL+"/demo/act", url.Values{"do": {"push"}, "door": {"front"}})
	if _, body := ask(t, "GET", s.URL+"/demo/", nil); !strings.Contains(body, "The bolt is out: the door does not move.") {
		t.Errorf("the page says nothing of it:\n%s", body)
	}
	w.fails = nil
	ask(t, "POST", s.URL+"/demo/act", url.Values{"do": {"turn"}, "door": {"front"}})
	if _, body := ask(t, "GET", s.URL+"/demo/", nil); strings.Contains(body, "The bolt is out") {
		t.Error("it is still said after something else was done")
	}
	w.fails = errors.New("/secret/path")
	res, body := ask(t, "POST", s.URL+"/demo/act", url.Values{"do": {"kill"}})
	if res.StatusCode != http.StatusBadGateway || strings.Contains(body, "secret") {
		t.Errorf("%s\n%s", res.Status, body)
	}
}

func TestNobodyElsesPageWorksTheHands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	for _, path := range []string{"/demo/act", "/demo/offer", "/demo/audit"} {
		res, _ := ask(t, "POST", s.URL+path, url.Values{"do": {"push"}, "app": {"customer"}}, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site")
		if res.StatusCode != http.StatusForbidden || len(w.acts) > 0 {
			t.Errorf("%s: %s, %v", path, res.Status, w.acts)
		}
	}
}

func TestAWayInIsUsedByWhoComesAndNotByWhoLooksAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	w.to = "/sign-in/link/"
	res, _ := ask(t, "GET", s.URL+"/demo/in/customer/abc", nil)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/sign-in/link/abc" {
		t.Errorf("%s to %s", res.Status, res.Header.Get("Location"))
	}
	if res, _ := ask(t, "GET", s.URL+"/demo/in/customer/abc", nil, "Sec-Purpose", "prefetch;prerender"); res.Header.Get("Location") != "" {
		t.Error("looking ahead used it up")
	}
	if res, _ := ask(t, "HEAD", s.URL+"/demo/in/customer/abc", nil); res.Header.Get("Location") != "" {
		t.Error("asking for it used it up")
	}
	if res, _ := ask(t, "GET", s.URL+"/demo/in/admin/abc", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("an app that is none: %s", res.Status)
	}
}

func TestAUsedWayInSaysSoAndOffersANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	at := time.Date(2027, 3, 1, 14, 2, 0, 0, time.Local)
	for _, c := range []struct {
		spent desk.Spent
		want  string
	}{{desk.Spent{At: at}, "This link was used at 14:02"}, {desk.Spent{}, "used any more"}} {
		w.fails = &c.spent
		res, body := ask(t, "GET", s.URL+"/demo/in/courier/abc", nil)
		if res.StatusCode != http.StatusGone || !strings.Contains(body, c.want) || !strings.Contains(body, `action="/demo/offer"`) || !strings.Contains(body, `value="courier"`) {
			t.Errorf("%s\n%s", res.Status, body)
		}
		uitest.Lint(t, body)
	}
	w.fails = nil
	res, _ := ask(t, "POST", s.URL+"/demo/offer", url.Values{"app": {"courier"}})
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/demo/in/courier/fresh" {
		t.Errorf("a new one: %s to %s", res.Status, res.Header.Get("Location"))
	}
}

func TestWhatTheCouriersPageAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	more := lent(t, s, "courier")
	if more.Place != (place{48.85, 2.29, 6}) || more.Ask != nil {
		t.Errorf("%+v", more)
	}
	if len(more.Aids) != 1 || more.Aids[0].Code != "(00)340123450000000017" || more.Aids[0].Text != "Use the label …0017" {
		t.Errorf("%+v", more.Aids)
	}
	w.change(func(s *desk.State) { s.Parcel.Over = true })
	if more := lent(t, s, "courier"); len(more.Aids) != 0 {
		t.Errorf("a parcel that is gone: %+v", more)
	}
	if more := lent(t, s, "operator"); !strings.Contains(more.Say, "12 rue des Lilas") || len(more.Aids) != 2 || more.Aids[1].Offer != "courier" {
		t.Errorf("the operator's: %+v", more)
	}
	if more := lent(t, s, "customer"); more.Say != "" || more.Place != (place{}) {
		t.Errorf("the customer's: %+v", more)
	}
	res, image := ask(t, "GET", s.URL+"/demo/label.png", nil)
	if res.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(image, "\x89PNG") {
		t.Errorf("the label: %s", res.Header.Get("Content-Type"))
	}
	res, _ = ask(t, "GET", s.URL+"/demo/page.mjs", nil)
	if h := res.Header; res.StatusCode != http.StatusOK || !strings.HasPrefix(h.Get("Content-Type"), "text/javascript") || h.Get("Cache-Control") != "no-cache" {
		t.Errorf("the script: %d %v", res.StatusCode, h)
	}
}

type place struct{ Latitude, Longitude, Accuracy float64 }

// loan is what a page is lent.
type loan struct {
	Say   string
	Aids  []struct{ Text, Offer, Code string }
	Place place
	Go    string
	Ask   *struct {
		ID, Path string
		Body     map[string]string
	}
}

func lent(t *testing.T, s *httptest.Server, app string) (l loan) {
	t.Helper()
	_, body := ask(t, "GET", s.URL+"/demo/page?app="+app, nil)
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return l
}

func back(t *testing.T, s *httptest.Server, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/demo/page", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

func TestAPageLendsItselfToAStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	var answered struct{ Visit string }
	if err := w.phone.Call(t.Context(), "POST", "/v1/courier/approach", nil, &answered); !errors.Is(err, desk.ErrAbsent) {
		t.Errorf("with no page there: %v", err)
	}
	lent(t, s, "courier") // a page is there
	done := make(chan error, 1)
	go func() {
		done <- w.phone.Call(t.Context(), "POST", "/v1/courier/approach", map[string]string{"site": "x"}, &answered)
	}()
	asked := waitForAsk(t, s)
	if asked.Ask.Path != "/v1/courier/approach" || asked.Ask.Body["site"] != "x" {
		t.Errorf("%+v", asked.Ask)
	}
	if again := lent(t, s, "courier"); again.Ask != nil {
		t.Error("the same request is asked for twice")
	}
	back(t, s, `{"id":"somebody else's","answer":{}}`)
	back(t, s, `not even JSON`)
	back(t, s, `{"id":"`+asked.Ask.ID+`","answer":{"visit":"v1"}}`)
	if err := <-done; err != nil || answered.Visit != "v1" {
		t.Errorf("%v, %+v", err, answered)
	}
	go func() { done <- w.phone.Call(t.Context(), "POST", "/x", nil, nil) }()
	back(t, s, `{"id":"`+waitForAsk(t, s).Ask.ID+`","problem":"refused"}`)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a problem: %v", err)
	}
}

func TestAStoryTakesThePageToItsStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.state.Story = &desk.Story{Name: desk.StoryHome, Stop: "x-a4", Playing: true}
	s := serve(t, w)
	for at, want := range map[string]string{"/courier/": "/courier/stop/x-a4", "/courier/stop/x-a44": "/courier/stop/x-a4", "/courier/stop/x-a4": "", "/courier/stop/x-a4/plan-b": ""} {
		if got := lent(t, s, "courier&at="+url.QueryEscape(at)).Go; got != want {
			t.Errorf("from %s to %q", at, got)
		}
	}
	w.change(func(s *desk.State) { s.Story.Playing = false })
	if got := lent(t, s, "courier&at=/courier/").Go; got != "" {
		t.Errorf("after its end to %q", got)
	}
}

func waitForAsk(t *testing.T, s *httptest.Server) loan {
	t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); {
		if l := lent(t, s, "courier"); l.Ask != nil {
			return l
		}
	}
	t.Fatal("nothing is asked")
	return loan{}
}

func TestThePageLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/demo/live?door=front", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	hear := func(what string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("never heard %q: %v", what, lines.Err())
	}
	hear("data: Front door: shut, locked")
	w.change(func(s *desk.State) { s.Doors[0].Bolt, s.Doors[0].Contact = event.BoltUnlocked, event.ContactOpen })
	hear("data: Front door: open, unlocked")
}

func TestThePageFollowsTheCourierUnlessADoorIsChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	w.state.Here = "garage"
	for door, want := range map[string]string{"": "Garage: shut", "side": "Side door: open"} {
		_, body := ask(t, "GET", s.URL+"/demo/?door="+door, nil)
		if !strings.Contains(body, want) {
			t.Errorf("%q does not show %s", door, want)
		}
	}
	_, body := ask(t, "GET", s.URL+"/demo/", nil)
	if !strings.Contains(body, `sse-connect="/demo/live"`) {
		t.Error("it lives with a door of its own")
	}
	res, _ := ask(t, "POST", s.URL+"/demo/act", url.Values{"do": {"turn"}, "door": {"garage"}})
	if to := res.Header.Get("Location"); to != "/demo/" {
		t.Errorf("after the courier's door was worked it goes to %s", to)
	}
}

func TestTheAuditIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, w)
	w.audit = desk.Audit{Cases: 412, At: time.Now()}
	ask(t, "POST", s.URL+"/demo/audit", url.Values{})
	if _, body := ask(t, "GET", s.URL+"/demo/", nil); !strings.Contains(body, "0 violations in 412 cases") {
		t.Errorf("%s", body)
	}
}

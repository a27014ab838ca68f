package courier_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui/uitest"
)

// The shells are the same for everybody: they open without any signature, name nobody, and let a page do only what it
// needs. WebAssembly runs on the scan page alone.
func TestShells(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Assigned(h.home, h.anna)
	for path, wasm := range map[string]bool{
		"/courier/": false, "/courier/stop/x-a1": false, "/courier/stop/x-a1/plan-b": false, "/courier/pair": false, "/courier/scan/x-v1": true,
	} {
		for _, lang := range []string{"en", "fr"} {
			status, header, page := h.get(nil, lang, path)
			if status != http.StatusOK || strings.Contains(page, "Lilas") || strings.Contains(page, "x-a1") || strings.Contains(page, "x-v1") {
				t.Errorf("%s: %d: %s", path, status, page)
			}
			policy := header.Get("Content-Security-Policy")
			if got := strings.Contains(policy, "wasm-unsafe-eval"); got != wasm || strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, " 'unsafe-eval") {
				t.Errorf("%s: %s", path, policy)
			}
			if got := strings.Contains(header.Get("Permissions-Policy"), "camera=(self)"); got != wasm {
				t.Errorf("%s: %s", path, header.Get("Permissions-Policy"))
			}
			before, after, _ := strings.Cut(page, "<template")
			_, after, found := strings.Cut(after, "</template>")
			if found {
				page = before + after // its pieces are pages of their own
			}
			uitest.Lint(t, page)
			if doc := uitest.Parse(t, page); !slices.ContainsFunc(uitest.Tags(doc, "html"), func(n *html.Node) bool { l, _ := uitest.Attr(n, "lang"); return l == lang }) {
				t.Errorf("%s is not in %s", path, lang)
			}
		}
	}
	if status, _, _ := h.get(nil, "en", "/courier/nonsense"); status != http.StatusNotFound {
		t.Errorf("a made-up page: %d", status)
	}
}

// Whatever is personal comes to the phone whose key signed for that very address, and to no other.
func TestViewsAreForTheSigningPhone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.Assigned(h.home, h.anna)
	stranger := h.Courier("swift-ben")
	visit := h.anna.Approach(d)
	for _, kind := range []string{"view", "live"} {
		for _, place := range []string{"stops", "stop/" + string(h.home.AccessPoint), "stop/" + string(h.home.AccessPoint) + "/plan-b", "scan/" + string(visit)} {
			path := "/courier/" + kind + "/" + place
			status, header, body := h.get(nil, "en", path)
			if status != http.StatusUnauthorized || problem(t, body) != "proof" || !strings.Contains(header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s unsigned: %d %s", path, status, body)
			}
		}
	}
	for place, status := range map[string]int{"stops": 200, "stop/" + string(h.home.AccessPoint): 200, "scan/" + string(visit): 404, "scan/x-v1": 404, "scan/nonsense": 404} {
		got, _, body := h.get(stranger, "en", "/courier/view/"+place)
		if got != status || strings.Contains(body, "Lilas") || strings.Contains(body, "bench") {
			t.Errorf("%s for another courier: %d %s", place, got, body)
		}
	}
	if body := func() string {
		_, _, b := h.get(stranger, "en", "/courier/view/stop/"+string(h.home.AccessPoint))
		return b
	}(); screen(t, body) != "done" {
		t.Errorf("another courier's stop: %s", body)
	}
}

// The same page follows a visit from the list to the end, and is right whenever it is asked.
func TestViewsFollowTheVisit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stop := "stop/" + string(h.home.AccessPoint)
	shows := func(step, want string) string {
		t.Helper()
		v := h.view("en", stop)
		if got := screen(t, v); got != want {
			t.Fatalf("%s: %s, not %s", step, got, want)
		}
		return v
	}
	if v := h.view("en", "stops"); !strings.Contains(v, "No stop today") {
		t.Errorf("an empty day: %s", v)
	}
	d := h.Assigned(h.home, h.anna)
	if v := h.view("fr", "stops"); !strings.Contains(v, "12 rue des Lilas") || !strings.Contains(v, "Aller à l&#39;arrêt 1") || !strings.Contains(v, `action="/v1/courier/approach"`) {
		t.Errorf("the list: %s", v)
	}
	if v := shows("assigned", "go"); !strings.Contains(v, "Begin this stop") {
		t.Errorf("before the visit: %s", v)
	}
	visit := h.anna.Approach(d)
	if v := shows("approached", "go"); !strings.Contains(v, "/visits/"+string(visit)+"/arrive") || !strings.Contains(v, "/position") || !strings.Contains(v, "zxing_reader.wasm") {
		t.Errorf("on the way: %s", v)
	}
	h.anna.Act(visit, "arrive", api.ArriveRequest{Position: indoors.At(5)})
	if v := shows("arrived", "arrive"); !strings.Contains(v, "/courier/scan/"+string(visit)) || !strings.Contains(v, "On the bench") {
		t.Errorf("there: %s", v)
	}
	if v := h.view("en", "scan/"+string(visit)); screen(t, v) != "scan" || !strings.Contains(v, "/missing") {
		t.Errorf("the scanner: %s", v)
	}
	h.anna.Act(visit, "scan", api.ScanRequest{Text: d.Parcel, Offline: true})
	if v := shows("scanned without network", "opening"); !strings.Contains(v, `data-act="open"`) {
		t.Errorf("a fresh tap is needed: %s", v)
	}
	if v := h.view("en", "scan/"+string(visit)); screen(t, v) != "opening" {
		t.Errorf("the scanner has nothing to do: %s", v)
	}
	h.anna.Act(visit, "open", api.OpenRequest{Barrier: h.home.Barrier, Position: indoors.At(5)})
	indoors.AwaitWhere(h.Installation, h.home.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	if v := shows("opened", "inside"); !strings.Contains(v, "/deposit") || !strings.Contains(v, "/danger") || strings.Contains(v, `data-act="leave"`) {
		t.Errorf("inside: %s", v)
	}
	if err := h.home.Door.Push(); err != nil {
		t.Fatal(err)
	}
	h.anna.Finish(d, visit)
	v := shows("finished", "done")
	if !strings.Contains(v, "Delivered") || strings.Contains(v, "Lilas") || strings.Contains(v, "bench") {
		t.Errorf("after the visit: %s", v)
	}
	if v := h.view("en", "stops"); !strings.Contains(v, "1 of 1 finished") || !strings.Contains(v, `data-say="Delivered"`) || strings.Contains(v, "Lilas") {
		t.Errorf("the list after it: %s", v)
	}
}

// A page that is open sees what happens, and nothing more once the phone is no longer the courier's.
func TestLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.Assigned(h.home, h.anna)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/courier/live/stop/"+string(h.home.AccessPoint), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.anna.Authorize(r, nil); err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Timeout: indoors.Patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	until := func(what string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("%q never came: %v", what, lines.Err())
	}
	until(`data-screen="go"`)
	visit := h.anna.Approach(d)
	until(string(visit))
	h.anna.Scan(visit, d)
	until(`data-screen="inside"`)
	if _, err := h.Couriers.Revoke(t.Context(), h.anna.Courier); err != nil {
		t.Fatal(err)
	}
	until("event: gone")
	if status, _, body := h.get(h.anna, "en", "/courier/view/stops"); status != 401 || problem(t, body) != "device-not-bound" {
		t.Errorf("a revoked phone: %d %s", status, body)
	}
}

// A blocked delivery is told as what it is, with the way to plan B, which ends at the depot.
func TestBlockedThenPlanB(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.Assigned(h.home, h.anna)
	h.call(h.home.Caller, "POST", "/v1/home/deliveries/"+string(d.ID)+"/block", nil, nil)
	stop := "stop/" + string(h.home.AccessPoint)
	v := h.view("fr", stop)
	if screen(t, v) != "refusal" || !strings.Contains(v, "Livraison bloquée") || !strings.Contains(v, stop+"/plan-b") {
		t.Errorf("blocked: %s", v)
	}
	if v := h.view("fr", stop+"/plan-b"); screen(t, v) != "plan-b" || !strings.Contains(v, "Retour au dépôt") || !strings.Contains(v, string(d.ID)) {
		t.Errorf("plan B: %s", v)
	}
	h.call(h.anna.Caller, "POST", "/v1/courier/deliveries/"+string(d.ID)+"/plan-b", api.PlanBRequest{}, nil)
	if v := h.view("fr", stop+"/plan-b"); screen(t, v) != "done" || !strings.Contains(v, "Retour au dépôt") || !strings.Contains(v, d.Parcel[len(d.Parcel)-4:]) {
		t.Errorf("done: %s", v)
	}
	if v := h.view("fr", "stops"); !strings.Contains(v, "À rapporter au dépôt") || !strings.Contains(v, `data-say="Retour au dépôt"`) {
		t.Errorf("the list: %s", v)
	}
}

// A stop that is tied to another phone of the courier's says so, and shows nothing of the place.
func TestAnotherPhoneIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Assigned(h.home, h.anna)
	second := h.Courier("swift-anna")
	status, _, v := h.get(second, "en", "/courier/view/stop/"+string(h.home.AccessPoint))
	if status != 200 || screen(t, v) != "refusal" || !strings.Contains(v, "Another phone expected") || strings.Contains(v, "Lilas") {
		t.Errorf("%d %s", status, v)
	}
	if status, _, body := h.get(h.anna, "en", "/courier/view/stops"); status != 401 || problem(t, body) != "device-not-bound" {
		t.Errorf("the first phone: %d %s", status, body)
	}
}

// The service worker keeps what every phone may have, and what the scanner needs only once it is needed.
func TestServiceWorker(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	status, header, script := h.get(nil, "en", "/courier/sw.js")
	list, _, _ := strings.Cut(strings.TrimPrefix(script, "const files = "), ";\n")
	var kept []string
	if err := json.Unmarshal([]byte(list), &kept); err != nil || status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/javascript") {
		t.Fatalf("%d %v %s", status, err, list)
	}
	for _, name := range []string{"/courier/js/app.mjs", "/courier/js/scan.mjs", "/ui/js/live.mjs", "/courier/css/courier.css", "/courier/manifest-fr.webmanifest"} {
		if !slices.ContainsFunc(kept, func(a string) bool { return strings.HasSuffix(a, name) }) {
			t.Errorf("%s is not kept", name)
		}
	}
	for _, address := range kept {
		if strings.Contains(address, "zxing") {
			t.Errorf("%s is kept before it is needed", address)
		}
		if status, _, _ := h.get(nil, "en", address); status != 200 {
			t.Errorf("%s: %d", address, status)
		}
	}
	for _, lang := range []string{"en", "fr"} {
		i := slices.IndexFunc(kept, func(a string) bool { return strings.HasSuffix(a, "manifest-"+lang+".webmanifest") })
		_, _, body := h.get(nil, lang, kept[i])
		var m struct {
			StartURL string `json:"start_url"`
			Scope    string
			Icons    []struct{ Src string }
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil || m.StartURL != "/courier/" || m.Scope != "/courier/" || len(m.Icons) != 4 {
			t.Errorf("the manifest: %v %s", err, body)
		}
	}
}

// call asks the API and fails the test on an error.
func (h *house) call(c caller, method, path string, body, answer any) {
	h.t.Helper()
	if err := c.Call(h.t.Context(), method, path, body, answer); err != nil {
		h.t.Fatal(err)
	}
}

type caller interface {
	Call(ctx context.Context, method, path string, body, answer any) error
}

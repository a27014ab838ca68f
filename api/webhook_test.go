package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// receiver is a shop's own server.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	answer   int
	messages []received
	arrived  chan struct{}
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{answer: http.StatusNoContent, arrived: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.messages = append(r.messages, received{req.Header, body})
		if r.answer == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(r.answer)
		r.arrived <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

func (r *receiver) types(t *testing.T) []string {
	var said []string
	for _, m := range r.all() {
		var e struct{ Type string }
		must(t, json.Unmarshal(m.body, &e))
		said = append(said, strings.TrimPrefix(e.Type, "com.github.loquet."))
	}
	return said
}

// until waits until an event of the type has arrived.
func (r *receiver) until(t *testing.T, kind string) {
	t.Helper()
	limit := time.After(patience)
	for !slices.Contains(r.types(t), kind) {
		select {
		case <-r.arrived:
		case <-limit:
			t.Fatalf("%s did not arrive: %v", kind, r.types(t))
		}
	}
}

func TestWebhook(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop, anna := w.merchant("grocer"), w.courier("anna")
	mine, theirs, boss := newReceiver(t), newReceiver(t), newReceiver(t)
	var hook api.Webhook
	shop.post("/v1/webhooks", api.WebhookRequest{URL: mine.URL + "/in"}, &hook)
	w.merchant("butcher").post("/v1/webhooks", api.WebhookRequest{URL: theirs.URL}, nil)
	w.operator().post("/v1/webhooks", api.WebhookRequest{URL: boss.URL}, nil)
	if !strings.HasPrefix(hook.Secret, "whsec_") {
		t.Fatalf("the secret is %q", hook.Secret)
	}
	d := w.book(shop, h, 1)
	w.assign(d.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	granted(t, anna.scan(visit, 1))
	anna.finish(h, visit)
	mine.until(t, "delivery.delivered")
	boss.until(t, "delivery.delivered")

	verifier := get(standardwebhooks.NewWebhook(hook.Secret))(t)
	for _, m := range mine.all() {
		must(t, verifier.Verify(m.body, m.header))
		var fields map[string]any
		must(t, json.Unmarshal(m.body, &fields))
		if len(fields) != 8 || fields["specversion"] != "1.0" || fields["id"] != m.header.Get("webhook-id") ||
			fields["subject"] != string(d.ID) || fields["datacontenttype"] != "application/json" ||
			fields["source"] != w.url+"/v1/sites/"+string(h.site) {
			t.Errorf("the message %s", m.body)
		}
		for _, personal := range []string{"Camille", "Lilas", "48.85", "signed", "jws", "distance"} {
			if strings.Contains(string(m.body), personal) {
				t.Errorf("%q is told: %s", personal, m.body)
			}
		}
		m.body[len(m.body)-2] = 'x'
		if verifier.Verify(m.body, m.header) == nil {
			t.Error("a changed message verifies")
		}
	}
	if got := theirs.types(t); len(got) != 0 {
		t.Errorf("another merchant is told of %v", got)
	}
}

// Two merchants share one visit: each is told of its own delivery alone, the operator of both.
func TestWebhooksOfASharedVisitKeepApart(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	grocer, butcher, anna := w.merchant("grocer"), w.merchant("butcher"), w.courier("anna")
	theirs, boss := newReceiver(t), newReceiver(t)
	butcher.post("/v1/webhooks", api.WebhookRequest{URL: theirs.URL}, nil)
	w.operator().post("/v1/webhooks", api.WebhookRequest{URL: boss.URL}, nil)
	mine, other := w.book(grocer, h, 1), w.book(butcher, h, 2)
	w.assign(mine.ID, anna.courier)
	w.assign(other.ID, anna.courier)
	granted(t, anna.approach(h))
	theirs.until(t, "visit.begun")
	boss.until(t, "visit.begun")
	for _, m := range theirs.all() {
		if strings.Contains(string(m.body), string(mine.ID)) {
			t.Errorf("told of another's delivery: %s", m.body)
		}
	}
	begun := boss.all()[slices.Index(boss.types(t), "visit.begun")]
	if !strings.Contains(string(begun.body), string(mine.ID)) || !strings.Contains(string(begun.body), string(other.ID)) {
		t.Errorf("the operator is told %s", begun.body)
	}
}

// telling is the work that an event makes.
func telling(t *testing.T, at time.Time, d event.DeliveryID, m event.MerchantID) store.Work {
	tell := dispatch.Telling{Event: event.Event{Site: event.SiteOf(d), Seq: 7, At: event.InstantOf(at), Body: event.DeliveryExpired{Delivery: d}},
		Deliveries: []event.DeliveryID{d}, Merchants: []event.MerchantID{m}}
	return store.Work{ID: "w1", Data: get(json.Marshal(tell))(t), Attempts: 1}
}

// One address fails, the other has the event already: only the failing one is called again, under the same id.
func TestWebhookIsTriedAgain(t *testing.T) {
	w := newStillWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	d := w.book(shop, h, 1)
	good, bad := newReceiver(t), newReceiver(t)
	shop.post("/v1/webhooks", api.WebhookRequest{URL: good.URL}, nil)
	shop.post("/v1/webhooks", api.WebhookRequest{URL: bad.URL}, nil)
	work := telling(t, w.clock.now(), d.ID, "grocer")
	bad.answers(http.StatusInternalServerError)
	for range 2 {
		if err := w.api.Webhooks.Tell(t.Context(), work); err == nil {
			t.Fatal("the failure is not reported")
		}
	}
	bad.answers(http.StatusOK)
	must(t, w.api.Webhooks.Tell(t.Context(), work))
	if g, b := len(good.all()), len(bad.all()); g != 1 || b != 3 {
		t.Errorf("%d and %d messages", g, b)
	}
	ids := map[string]bool{}
	for _, m := range append(good.all(), bad.all()...) {
		ids[m.header.Get("webhook-id")] = true
	}
	if len(ids) != 1 {
		t.Errorf("ids: %v", ids)
	}
	var list api.WebhookList
	shop.get("/v1/webhooks", &list)
	for _, hook := range list.Webhooks {
		if hook.FailingSince != 0 || hook.Secret != "" {
			t.Errorf("the webhook: %+v", hook)
		}
	}
}

func TestWebhookIsGivenUp(t *testing.T) {
	w := newStillWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	d := w.book(shop, h, 1)
	bad := newReceiver(t)
	bad.answers(http.StatusTeapot)
	shop.post("/v1/webhooks", api.WebhookRequest{URL: bad.URL}, nil)
	work := telling(t, w.clock.now(), d.ID, "grocer")
	if err := w.api.Webhooks.Tell(t.Context(), work); err == nil {
		t.Fatal("the failure is not reported")
	}
	var list api.WebhookList
	shop.get("/v1/webhooks", &list)
	if list.Webhooks[0].FailingSince == 0 || list.Webhooks[0].Disabled != 0 {
		t.Errorf("after one failure: %+v", list.Webhooks[0])
	}
	w.clock.advance(73 * time.Hour)
	must(t, w.api.Webhooks.Tell(t.Context(), work))
	shop.get("/v1/webhooks", &list)
	if list.Webhooks[0].Disabled == 0 {
		t.Errorf("after three days: %+v", list.Webhooks[0])
	}
	n := len(bad.all())
	must(t, w.api.Webhooks.Tell(t.Context(), telling(t, w.clock.now(), d.ID, "grocer")))
	if len(bad.all()) != n {
		t.Error("a disabled address is called")
	}
}

// An old message is let go, so that one that an address never takes does not stay for ever.
func TestOldMessageIsLetGo(t *testing.T) {
	w := newStillWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	d := w.book(shop, h, 1)
	bad := newReceiver(t)
	bad.answers(http.StatusBadRequest)
	shop.post("/v1/webhooks", api.WebhookRequest{URL: bad.URL}, nil)
	must(t, w.api.Webhooks.Tell(t.Context(), telling(t, w.clock.now().Add(-73*time.Hour), d.ID, "grocer")))
}

func TestWebhookFollowsNoRedirect(t *testing.T) {
	w := newStillWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	d := w.book(shop, h, 1)
	bad := newReceiver(t)
	bad.answers(http.StatusFound)
	shop.post("/v1/webhooks", api.WebhookRequest{URL: bad.URL}, nil)
	if err := w.api.Webhooks.Tell(t.Context(), telling(t, w.clock.now(), d.ID, "grocer")); err == nil {
		t.Error("a redirect is taken for an answer")
	}
	if n := len(bad.all()); n != 1 {
		t.Errorf("%d requests", n)
	}
	bad.answers(http.StatusGone)
	must(t, w.api.Webhooks.Tell(t.Context(), telling(t, w.clock.now(), d.ID, "grocer")))
	var list api.WebhookList
	shop.get("/v1/webhooks", &list)
	if list.Webhooks[0].Disabled == 0 {
		t.Error("an address that is gone is not disabled")
	}
}

// Nobody makes the server call into its own network: neither by address, nor by a name that resolves there.
func TestWebhooksStayOutside(t *testing.T) {
	w := newStillWorld(t, func(d *api.Deps) { d.LocalWebhooks = false })
	h := w.home()
	shop := w.merchant("grocer")
	for _, address := range []string{
		"http://shop.example/", "http://127.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://192.168.1.1/",
		"https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/",
		"https://[64:ff9b::7f00:1]/", "https://100.64.0.1/", "https://[fd00::1]/", "https://", "https:///x", "//shop.example", "https://x.example/#f",
	} {
		shop.send("POST", "/v1/webhooks", api.WebhookRequest{URL: address}).problem(422, "invalid")
	}
	inside := newReceiver(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	shop.post("/v1/webhooks", api.WebhookRequest{URL: "https://localhost:" + port + "/"}, nil)
	d := w.book(shop, h, 1)
	err := w.api.Webhooks.Tell(t.Context(), telling(t, w.clock.now(), d.ID, "grocer"))
	if err == nil || !strings.Contains(err.Error(), "public internet") {
		t.Errorf("the name was called: %v", err)
	}
}

// For trying things out, http goes to this machine, and still nowhere else.
func TestLocalWebhooks(t *testing.T) {
	shop := newWorld(t).merchant("grocer")
	for _, address := range []string{"http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/", "https://10.0.0.1/"} {
		shop.send("POST", "/v1/webhooks", api.WebhookRequest{URL: address}).want(201, nil)
	}
	for _, address := range []string{"http://shop.example/", "http://10.0.0.1/", "ftp://localhost/"} {
		shop.send("POST", "/v1/webhooks", api.WebhookRequest{URL: address}).problem(422, "invalid")
	}
}

func TestWebhooksAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	shop, other := w.merchant("grocer"), w.merchant("butcher")
	var hook, again api.Webhook
	shop.post("/v1/webhooks", api.WebhookRequest{URL: "https://shop.example/in"}, &hook)
	shop.post("/v1/webhooks", api.WebhookRequest{URL: "https://shop.example/in"}, &again)
	if again.ID != hook.ID || again.Secret != "" {
		t.Errorf("added again: %+v", again)
	}
	other.send("DELETE", "/v1/webhooks/"+hook.ID, nil).problem(404, "not-found")
	var list api.WebhookList
	other.get("/v1/webhooks", &list)
	if len(list.Webhooks) != 0 {
		t.Errorf("another's: %+v", list)
	}
	shop.send("DELETE", "/v1/webhooks/"+hook.ID, nil).want(204, nil)
	shop.send("DELETE", "/v1/webhooks/"+hook.ID, nil).problem(404, "not-found")
	w.key(auth.Carrier, "swift").send("POST", "/v1/webhooks", api.WebhookRequest{URL: "https://x.example/"}).problem(403, "forbidden")
	for i := range 20 {
		shop.post("/v1/webhooks", api.WebhookRequest{URL: "https://shop.example/" + strings.Repeat("x", i+1)}, nil)
	}
	shop.send("POST", "/v1/webhooks", api.WebhookRequest{URL: "https://shop.example/more"}).problem(409, "too-many-webhooks")
}

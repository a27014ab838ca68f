package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

type storeAppend = store.Append

var errSecretive = errors.New("disk /dev/sdb7 is on fire")

func count[B event.Body](w *world, at event.SiteID) (n int) {
	for _, e := range w.journal(at) {
		if _, ok := e.Body.(B); ok {
			n++
		}
	}
	return n
}

func TestRepeatedUnderOneKey(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	body := w.booking(h, 1)
	first := shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k1").want(201, nil)
	again := shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k1").want(201, nil)
	if string(first.body) != string(again.body) {
		t.Errorf("two answers:\n%s\n%s", first.body, again.body)
	}
	if n := count[event.DeliveryBooked](w, h.site); n != 1 {
		t.Errorf("%d bookings", n)
	}
	shop.send("POST", "/v1/deliveries", w.booking(h, 2), "Idempotency-Key", "k1").problem(422, "idempotency-key-reused")
	if n := count[event.DeliveryBooked](w, h.site); n != 1 {
		t.Errorf("%d bookings", n)
	}
	// Another principal's key of the same name is another key.
	w.merchant("butcher").send("POST", "/v1/deliveries", w.booking(h, 3), "Idempotency-Key", "k1").want(201, nil)
	// What failed is not remembered.
	bad := w.booking(h, 4)
	bad.AccessPoint = "x-a1"
	shop.send("POST", "/v1/deliveries", bad, "Idempotency-Key", "k2").problem(422, "invalid")
	shop.send("POST", "/v1/deliveries", w.booking(h, 4), "Idempotency-Key", "k2").want(201, nil)
}

func TestRepeatedAtOnce(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	body := w.booking(h, 1)
	answers := make([]string, 16)
	var under sync.WaitGroup
	for i := range answers {
		under.Go(func() {
			answers[i] = string(shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k").body)
		})
	}
	under.Wait()
	for _, a := range answers {
		if a != answers[0] || !strings.Contains(a, `"delivery"`) {
			t.Errorf("another answer: %s", a)
		}
	}
	if n := count[event.DeliveryBooked](w, h.site); n != 1 {
		t.Errorf("%d bookings", n)
	}
}

// The phone sends its scan again, signed anew, because no answer came: it opens once, and reads the same answer.
func TestScanRepeated(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	body := api.ScanRequest{Text: sscc(2), Position: s.w.at(5)}
	path := "/v1/courier/visits/" + string(s.visit) + "/scan"
	answers := make([]string, 8)
	var under sync.WaitGroup
	for i := range answers {
		under.Go(func() { answers[i] = string(s.phone.send("POST", path, body, "Idempotency-Key", "scan-2").body) })
	}
	under.Wait()
	for _, a := range answers {
		if a != answers[0] || strings.Contains(a, `"refused"`) {
			t.Errorf("another answer: %s", a)
		}
	}
	s.phone.finish(s.home, s.visit)
	if n := s.home.door.openings(); n != 1 {
		t.Errorf("%d openings", n)
	}
	if n := count[event.Refused](s.w, s.home.site); n != 0 {
		t.Errorf("%d refusals", n)
	}
}

// A proof that was used opens nothing, also when it is sent again byte for byte.
func TestOverheardRequest(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	var overheard string
	listening := s.phone.caller
	listening.sign = recording(s.phone.sign, &overheard)
	path := "/v1/courier/visits/" + string(s.visit) + "/scan"
	body := api.ScanRequest{Text: sscc(2), Position: s.w.at(5)}
	listening.send("POST", path, body).want(200, nil)
	s.w.anybody().send("POST", path, body, "Loquet-Proof", overheard).problem(401, "proof-replayed")
	other := body
	other.Text = sscc(1)
	s.w.anybody().send("POST", path, other, "Loquet-Proof", overheard).problem(401, "proof-other-request")
	s.w.anybody().send("POST", strings.Replace(path, "scan", "close", 1), body, "Loquet-Proof", overheard).problem(401, "proof-other-request")
}

func recording(sign func(*http.Request, []byte), proof *string) func(*http.Request, []byte) {
	return func(r *http.Request, body []byte) {
		sign(r, body)
		*proof = r.Header.Get("Loquet-Proof")
	}
}

func TestStoreFails(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")

	w.store.fail(func(storeAppend) error { return fmt.Errorf("no room: %w", store.ErrFull) })
	r := shop.send("POST", "/v1/deliveries", w.booking(h, 1), "Idempotency-Key", "k")
	r.problem(503, "full")
	if r.header.Get("Retry-After") == "" {
		t.Error("not told how long to wait")
	}
	w.store.fail(nil)
	if n := count[event.DeliveryBooked](w, h.site); n != 0 {
		t.Errorf("%d bookings", n)
	}

	// Stored, but nobody knows: the same key finds out.
	body := w.booking(h, 2)
	w.store.fail(func(a storeAppend) error {
		if err := w.store.Store.Append(t.Context(), a); err != nil {
			return err
		}
		return store.ErrUncertain
	})
	shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k3").problem(503, "uncertain")
	w.store.fail(nil)
	var d api.Delivery
	shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k3").want(201, &d)
	if n := count[event.DeliveryBooked](w, h.site); n != 1 || d.ID == "" {
		t.Errorf("%d bookings, %+v", n, d)
	}

	// Lost, and nobody knows: the same key does it.
	body = w.booking(h, 5)
	w.store.fail(func(storeAppend) error { return store.ErrUncertain })
	shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k4").problem(503, "uncertain")
	w.store.fail(nil)
	shop.send("POST", "/v1/deliveries", body, "Idempotency-Key", "k4").want(201, nil)
	if n := count[event.DeliveryBooked](w, h.site); n != 2 {
		t.Errorf("%d bookings", n)
	}
}

// A scan whose commit nobody knows of opens nothing by itself, and says so.
func TestUncertainScanOpensNothing(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	s.w.store.fail(func(a storeAppend) error {
		if len(a.Events) == 0 {
			return nil
		}
		_ = s.w.store.Store.Append(t.Context(), a)
		return store.ErrUncertain
	})
	s.phone.send("POST", "/v1/courier/visits/"+string(s.visit)+"/scan", api.ScanRequest{Text: sscc(2), Position: s.w.at(5)}).problem(503, "uncertain")
	s.w.store.fail(nil)
	if n := s.home.door.openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
	var seen api.Visit
	s.phone.get("/v1/courier/visits/"+string(s.visit), &seen)
	if seen.Steps[0].Asked == nil || seen.Steps[0].Recorded != nil {
		t.Errorf("the step: %+v", seen.Steps[0])
	}
}

// What only the register holds is repeated by its own identifier.
func TestRegistersRepeat(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	op := w.operator()
	device := api.DeviceRequest{ID: "d1", Site: h.site, Connector: "fake", Config: []byte(`{"secret": "x"}`)}
	first := op.send("POST", "/v1/devices", device).want(201, nil)
	device.Config = []byte(`{"secret":"x"}`)
	if again := op.send("POST", "/v1/devices", device).want(201, nil); string(again.body) != string(first.body) {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	device.Config = []byte(`{"secret":"y"}`)
	op.send("POST", "/v1/devices", device).problem(409, "taken")

	c := api.CourierRequest{ID: "carla", Name: "Carla Jones"}
	op.send("POST", "/v1/couriers", c).want(201, nil)
	op.send("POST", "/v1/couriers", c).want(201, nil)
	w.merchant("grocer").send("POST", "/v1/couriers", c).problem(409, "taken")
	c.Name = "Somebody Else"
	op.send("POST", "/v1/couriers", c).problem(409, "taken")
}

// A phone that loses the network right after it asked: what it asked for is decided and done all the same, and the
// same key brings the answer.
func TestClientGoesAway(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	path := "/v1/courier/visits/" + string(s.visit) + "/scan"
	body := api.ScanRequest{Text: sscc(2), Position: s.w.at(5)}
	raw := get(json.Marshal(body))(t)
	ctx, leave := context.WithCancel(t.Context())
	req := get(http.NewRequestWithContext(ctx, "POST", s.w.url+path, bytes.NewReader(raw)))(t)
	req.Header.Set("Idempotency-Key", "k")
	s.phone.sign(req, raw)
	s.w.store.watch(func(deciding context.Context) {
		leave()
		select {
		case <-deciding.Done():
			t.Error("the decision ended with its client")
		case <-time.After(200 * time.Millisecond):
		}
	})
	if res, err := s.w.transport.RoundTrip(req); err == nil {
		_ = res.Body.Close()
		t.Error("answered before the client went away")
	}
	s.w.store.watch(nil)
	var a api.Answer
	s.phone.send("POST", path, body, "Idempotency-Key", "k").want(200, &a)
	granted(t, a)
	s.phone.finish(s.home, s.visit)
	if n := s.home.door.openings(); n != 1 {
		t.Errorf("%d openings", n)
	}
}

// A handler that breaks answers for itself, and the server goes on.
func TestBrokenHandler(t *testing.T) {
	s := newStage(t)
	s.w.store.fail(func(storeAppend) error { panic(errSecretive) })
	r := s.shop.send("POST", "/v1/deliveries", s.w.booking(s.home, 8))
	p := r.problem(500, "internal")
	s.w.store.fail(nil)
	if strings.Contains(string(r.body), errSecretive.Error()) || !strings.Contains(s.w.logs.String(), p.Reference) {
		t.Errorf("a broken handler says %s", r.body)
	}
	s.shop.get("/v1/deliveries", nil)
}

package smartcar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/event"
)

// silent asks for nothing by itself, so that only webhooks speak.
var silent = remotecar.Config{Soon: time.Hour, Seldom: time.Hour}

// listen tells what a watcher is told.
func (r *rig) listen() <-chan event.Observation {
	told := make(chan event.Observation, 1000)
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.device.(device.Watcher).Watch(ctx, func(o event.Observation) { told <- o })
	}()
	r.Cleanup(func() { cancel(); <-done })
	return told
}

func (r *rig) await(told <-chan event.Observation, fits func(event.Observation) bool) event.Observation {
	r.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case o := <-told:
			if fits(o) {
				return o
			}
		case <-limit:
			r.Fatal("it was never told")
		}
	}
}

// TestWebhooksReachWatchers over real sockets: the fake asks for the challenge, and delivers what changes.
func TestWebhooksReachWatchers(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		r := build(t, options{version: version, vehicle: silent})
		receiver := httptest.NewServer(r.app)
		t.Cleanup(receiver.Close)
		told := r.listen()
		if err := r.fake.Subscribe(t.Context(), receiver.URL); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
		r.car.ByHand(func(s *fakecloud.State) { s.Locked = false })
		o := r.await(told, func(o event.Observation) bool { return o.Bolt == event.BoltUnlocked })
		if o.Origin != event.OriginLive || o.AskedAt != 0 || o.DeviceAt == 0 || o.Device != "trunk" {
			t.Fatalf("told %+v", o)
		}
		<-time.After(5 * time.Millisecond)
		r.car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.FrontLeft] = true })
		r.await(told, func(o event.Observation) bool { return o.Contact == event.ContactOpen && o.Current() })
	})
}

// TestAWebhookConfirmsAnOpening: nobody has to ask.
func TestAWebhookConfirmsAnOpening(t *testing.T) {
	r := build(t, options{vehicle: silent})
	receiver := httptest.NewServer(r.app)
	t.Cleanup(receiver.Close)
	if err := r.fake.Subscribe(t.Context(), receiver.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := r.read(); err != nil {
		t.Fatal(err)
	}
	<-time.After(5 * time.Millisecond)
	if outcome, err := r.open(10 * time.Second); outcome != event.Done {
		t.Fatalf("%v, %v", outcome, err)
	}
}

func TestWebhooksThatAreNotBelieved(t *testing.T) {
	r := build(t, options{vehicle: silent})
	told := r.listen()
	<-time.After(5 * time.Millisecond) // clouds tell milliseconds
	r.car.ByHand(func(s *fakecloud.State) { s.Locked = false })
	body, signature, err := r.fake.Event(r.id)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(body, []byte(r.id), []byte("another-car"), 1)
	for name, test := range map[string]struct {
		body      []byte
		signature string
		want      error
	}{
		"no signature":      {body, "", smartcar.ErrForged},
		"another's":         {body, smartcartest.Sign("another", body), smartcar.ErrForged},
		"half a signature":  {body, signature[:32], smartcar.ErrForged},
		"in capitals":       {body, strings.ToUpper(signature), smartcar.ErrForged},
		"a changed body":    {changed, signature, smartcar.ErrForged},
		"a space more":      {append(bytes.Clone(body), ' '), signature, smartcar.ErrForged},
		"not JSON":          {[]byte("{"), smartcartest.Sign(r.fake.ManagementToken, []byte("{")), device.ErrNonsense},
		"nothing":           {nil, smartcartest.Sign(r.fake.ManagementToken, nil), device.ErrNonsense},
		"an unknown kind":   signed(r, `{"eventType":"VEHICLE_SOLD"}`, device.ErrNonsense),
		"an unknown car":    signed(r, `{"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"x"}}}`, smartcar.ErrStranger),
		"an odd challenge":  {[]byte(`{"eventType":"VERIFY","data":{"challenge":"` + strings.ReplaceAll(string(body), `"`, `\"`) + `"}}`), "", device.ErrNonsense},
		"an empty one":      {[]byte(`{"eventType":"VERIFY","data":{}}`), "", device.ErrNonsense},
		"signals that fail": signed(r, `{"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"`+r.id+`"},"signals":[{"code":"closure-islocked","status":{"value":"ERROR"}}]}}`, nil),
	} {
		answer, err := r.app.Receive(test.body, test.signature)
		if !errors.Is(err, test.want) || answer != nil {
			t.Errorf("%s: %s, %v", name, answer, err)
		}
	}
	select {
	case o := <-told:
		t.Fatalf("a watcher was told %+v", o)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := r.app.Receive(body, signature); err != nil {
		t.Fatalf("the true one: %v", err)
	}
	r.await(told, func(o event.Observation) bool { return o.Bolt == event.BoltUnlocked && o.Origin == event.OriginLive })
	if _, err := r.app.Receive(body, signature); err != nil {
		t.Fatalf("the same again: %v", err)
	}
	select {
	case o := <-told:
		if o.Current() {
			t.Fatalf("the same again counts as %+v", o)
		}
	case <-time.After(50 * time.Millisecond):
	}
}

// some is a signed webhook of these signals, all of now.
func (r *rig) some(signals ...string) (body []byte, signature string) {
	at := fmt.Sprintf(`,"meta":{"oemUpdatedAt":%d}}`, time.Now().UnixMilli())
	body = []byte(`{"eventType":"VEHICLE_STATE","data":{"user":{"id":"` + r.user + `"},"vehicle":{"id":"` + r.id + `"},"signals":[` +
		strings.Join(signals, at+",") + at + `]}}`)
	return body, smartcartest.Sign(r.fake.ManagementToken, body)
}

// Signals of a webhook, without their times.
const (
	trunkShut   = `{"code":"closure-reartrunk","body":{"isOpen":false,"isLocked":true}`
	trunkOpen   = `{"code":"closure-reartrunk","body":{"isOpen":true,"isLocked":false}`
	coverShut   = `{"code":"closure-enginecover","status":{"value":"SUCCESS"},"body":{"isOpen":false}`
	doorShut    = `{"code":"closure-doors","body":{"values":[{"isOpen":false,"isLocked":true}]}`
	doorsFailed = `{"code":"closure-doors","status":{"value":"ERROR","error":{"type":"UPSTREAM","code":"NO_RESPONSE"}}`
	doorsAbsent = `{"code":"closure-doors","status":{"value":"ERROR","error":{"type":"COMPATIBILITY","code":"VEHICLE_NOT_CAPABLE"}}`
	isLocked    = `{"code":"closure-islocked","body":{"value":true}`
)

// TestAWebhookOfSomeClosuresProvesNothingShut, while a door that it does not tell of stands open.
func TestAWebhookOfSomeClosuresProvesNothingShut(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		r := build(t, options{version: version, vehicle: silent})
		if _, err := r.read(); err != nil {
			t.Fatal(err)
		}
		told := r.listen()
		for name, signals := range map[string][]string{
			"the trunk alone": {trunkShut}, "no doors": {isLocked, trunkShut, coverShut}, "one door of four": {trunkShut, coverShut, doorShut},
			"doors that failed": {trunkShut, coverShut, doorsFailed}, "doors that it denies": {trunkShut, coverShut, doorsAbsent},
		} {
			<-time.After(5 * time.Millisecond)
			r.car.ByHand(func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.FrontLeft] = false, true })
			if _, err := r.app.Receive(r.some(signals...)); err != nil {
				t.Fatal(name, err)
			}
			r.quiet(told, func(o event.Observation) bool { return o.Current() && o.Contact == event.ContactClosed }, name)
		}
		if _, err := r.app.Receive(r.some(trunkOpen)); err != nil {
			t.Fatal(err)
		}
		r.await(told, func(o event.Observation) bool { return o.Current() && o.Contact == event.ContactOpen })
		<-time.After(5 * time.Millisecond)
		r.car.ByHand(func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.FrontLeft] = true, false })
		body, signature, err := r.fake.Event(r.id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.app.Receive(body, signature); err != nil {
			t.Fatal(err)
		}
		o := r.await(told, func(o event.Observation) bool { return o.Contact == event.ContactClosed && o.Current() })
		if o.Bolt != event.BoltLocked {
			t.Errorf("all closures told: %+v", o)
		}
	})
}

// TestAWebhookAloneProvesNothingShut: what the car has, only its own answer says; and one lock is not all.
func TestAWebhookAloneProvesNothingShut(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		r := build(t, options{version: version, vehicle: silent})
		told := r.listen()
		shut := func(o event.Observation) bool { return o.Bolt == event.BoltLocked || o.Contact == event.ContactClosed }
		for range 2 {
			<-time.After(5 * time.Millisecond)
			if _, err := r.app.Receive(r.some(isLocked, trunkShut, coverShut, doorShut)); err != nil {
				t.Fatal(err)
			}
			r.quiet(told, shut, "before it was asked")
		}
		if _, err := r.read(); err != nil {
			t.Fatal(err)
		}
		r.await(told, shut)
		<-time.After(5 * time.Millisecond)
		if _, err := r.app.Receive(r.some(trunkShut)); err != nil {
			t.Fatal(err)
		}
		r.quiet(told, shut, "its trunk's lock alone")
	})
}

// quiet says that watchers are told nothing of this kind.
func (r *rig) quiet(told <-chan event.Observation, wrong func(event.Observation) bool, name string) {
	r.Helper()
	for limit := time.After(30 * time.Millisecond); ; {
		select {
		case o := <-told:
			if wrong(o) {
				r.Errorf("%s: told %+v", name, o)
			}
		case <-limit:
			return
		}
	}
}

func signed(r *rig, body string, want error) struct {
	body      []byte
	signature string
	want      error
} {
	return struct {
		body      []byte
		signature string
		want      error
	}{[]byte(body), smartcartest.Sign(r.fake.ManagementToken, []byte(body)), want}
}

// TestAChallengeSignsNoEvent: whoever can post a challenge must not get a signature that an event could have.
func TestAChallengeSignsNoEvent(t *testing.T) {
	r := build(t, options{})
	for _, forged := range []string{`{"eventType":"VEHICLE_STATE"}`, `{}`, `[]`, `"x"`, "a b", "a\nb", strings.Repeat("a", 200)} {
		question, err := json.Marshal(map[string]any{"eventType": "VERIFY", "data": map[string]string{"challenge": forged}})
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := r.app.Receive(question, ""); err == nil {
			t.Errorf("%q was signed: %s", forged, answer)
		}
	}
}

func TestAVersion3WebhookOfAnotherCustomer(t *testing.T) {
	r := build(t, options{version: smartcar.V3, vehicle: silent})
	body := `{"eventType":"VEHICLE_STATE","data":{"user":{"id":"bob"},"vehicle":{"id":"` + r.id + `"},"signals":[]}}`
	if _, err := r.app.Receive([]byte(body), smartcartest.Sign(r.fake.ManagementToken, []byte(body))); !errors.Is(err, smartcar.ErrStranger) {
		t.Fatalf("%v", err)
	}
}

func TestTheReceiverAnswersOverHTTP(t *testing.T) {
	r := build(t, options{vehicle: silent})
	body, signature, err := r.fake.Event(r.id)
	if err != nil {
		t.Fatal(err)
	}
	stranger := signed(r, `{"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"x"}}}`, nil)
	for name, test := range map[string]struct {
		method    string
		body      []byte
		signature string
		want      int
	}{
		"good":      {http.MethodPost, body, signature, 200},
		"forged":    {http.MethodPost, body, "00", 401},
		"get":       {http.MethodGet, body, signature, 400},
		"too long":  {http.MethodPost, bytes.Repeat([]byte("a"), 2<<20), "", 400},
		"a strange": {http.MethodPost, stranger.body, stranger.signature, 200},
		"challenge": {http.MethodPost, []byte(`{"eventType":"VERIFY","data":{"challenge":"abc"}}`), "", 200},
		"nonsense":  {http.MethodPost, []byte(`{"eventType":"VERIFY"}`), "", 400},
	} {
		w := httptest.NewRecorder()
		q := httptest.NewRequestWithContext(t.Context(), test.method, "/", bytes.NewReader(test.body))
		q.Header.Set("SC-Signature", test.signature)
		if r.app.ServeHTTP(w, q); w.Code != test.want {
			t.Errorf("%s: %d", name, w.Code)
		}
		if name == "challenge" && !strings.Contains(w.Body.String(), smartcartest.Sign(r.fake.ManagementToken, []byte("abc"))) {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

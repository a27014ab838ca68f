package maker

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vin = "5YJ30123456789ABC"

// cloud is a maker's interface on a real socket with TLS.
type cloud struct {
	*httptest.Server
	calls atomic.Int32
}

func newCloud(t *testing.T, h http.HandlerFunc) *cloud {
	t.Helper()
	c := &cloud{}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.calls.Add(1)
		body, _ := io.ReadAll(r.Body) // or it would never hear that the other side has hung up
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}))
	t.Cleanup(c.Server.Close)
	return c
}

func (c *cloud) trust() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(c.Certificate())
	return &tls.Config{RootCAs: roots}
}

// caller makes calls to a cloud, with a consent that lasts.
func caller(t *testing.T, c *cloud, change func(*CallerConfig)) (*Caller, *Consent) {
	t.Helper()
	cfg := CallerConfig{Base: c.URL + "/api/1", Limiter: NewLimiter(), TLS: c.trust()}
	if change != nil {
		change(&cfg)
	}
	made, err := NewCaller(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	s := newServer(t, time.Hour)
	return made, office(t, s, nil).Consent(&drawer{token: &oauth2.Token{AccessToken: "access-1", RefreshToken: "refresh-1"}})
}

func command(by *Consent) Call {
	return Call{
		Ask: Ask{Purpose: device.Opening, Vehicle: vin, Kind: "command"}, By: by, Method: http.MethodPost,
		Path: []string{"vehicles", vin, "command"}, JSON: []byte(`{"do":"it"}`),
	}
}

// answers is a handler for one answer.
func answers(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestACall(t *testing.T) {
	var seen *http.Request
	var body []byte
	c := newCloud(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		answers(200, "application/vnd.maker.v2+json; charset=utf-8", `{"state":"locked"}`)(w, r)
	})
	made, by := caller(t, c, func(cfg *CallerConfig) { cfg.Header = http.Header{"vcc-api-key": {"key-1"}} })
	call := command(by)
	call.Path = []string{"vehicles", "a/../b?c#d", "do"}
	call.Query = url.Values{"a": {"b&c"}}
	call.Header = http.Header{"Sc-User-Id": {"u"}}
	answer, err := made.Do(t.Context(), call)
	if err != nil || string(answer.Body) != `{"state":"locked"}` || answer.Status != 200 || answer.At.IsZero() {
		t.Fatalf("%+v, %v", answer, err)
	}
	if seen.RequestURI != "/api/1/vehicles/a%2F..%2Fb%3Fc%23d/do?a=b%26c" {
		t.Errorf("asked for %s", seen.RequestURI)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer access-1", "Vcc-Api-Key": "key-1", "Sc-User-Id": "u", "Accept": "application/json",
		"Content-Type": "application/json",
	} {
		if got := seen.Header.Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	if string(body) != `{"do":"it"}` {
		t.Errorf("the body is %s", body)
	}
}

func TestACallInNobodysName(t *testing.T) {
	var seen string
	c := newCloud(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("Authorization")
		answers(401, "application/json", "{}")(w, r)
	})
	made, _ := caller(t, c, func(cfg *CallerConfig) { cfg.Header = http.Header{"Authorization": {"Basic xyz"}} })
	call := command(nil)
	call.By = nil
	if _, err := made.Do(t.Context(), call); Outcome(err) != event.NotDone || seen != "Basic xyz" {
		t.Fatalf("%v, %q", err, seen)
	}
}

func TestEachAccountHasItsOwnLimit(t *testing.T) {
	c := newCloud(t, answers(200, "application/json", "{}"))
	made, by := caller(t, c, nil)
	one, two := NewLimiter(Limit{Calls: 1, Per: time.Hour}), NewLimiter(Limit{Calls: 1, Per: time.Hour})
	var busy *device.BusyError
	for i, limiter := range []*Limiter{one, one, two, nil, nil} {
		call := command(by)
		call.Limiter = limiter
		if _, err := made.Do(t.Context(), call); errors.As(err, &busy) != (i == 1) {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}

func TestWhatAnswersMean(t *testing.T) {
	t.Parallel()
	const secret = "secret-in-a-body"
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		err     error
		outcome event.Outcome
	}{
		"HTML instead of JSON": {answers(200, "text/html", "<html>"+secret), device.ErrNonsense, event.Unknown},
		"no content type":      {answers(200, "", "{}"), device.ErrNonsense, event.Unknown},
		"endless":              {answers(200, "application/json", strings.Repeat(" ", maxBody+1)), device.ErrNonsense, event.Unknown},
		"a stall": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, device.ErrNoAnswer, event.Unknown},
		"a stall in the body": {func(w http.ResponseWriter, r *http.Request) {
			answers(200, "application/json", `{"a":`)(w, r)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // returning would end the body as if it were whole
		}, device.ErrNoAnswer, event.Unknown},
		"a truncated body": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			answers(200, "application/json", `{"a":`)(w, r)
		}, device.ErrNoAnswer, event.Unknown},
		"hung up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, device.ErrNoAnswer, event.Unknown},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/"+secret, http.StatusTemporaryRedirect)
		}, nil, event.Unknown},
		"bad request":       {answers(400, "application/json", `{"e":"`+secret+`"}`), nil, event.NotDone},
		"not allowed":       {answers(403, "application/json", `{}`), nil, event.NotDone},
		"request timeout":   {answers(408, "application/json", `{}`), nil, event.Unknown},
		"conflict":          {answers(409, "application/json", `{}`), nil, event.Unknown},
		"too many":          {answers(429, "application/json", `{}`), nil, event.NotDone},
		"out of order":      {answers(500, "text/html", secret), device.ErrNoAnswer, event.Unknown},
		"overburdened":      {answers(503, "text/html", secret), device.ErrNoAnswer, event.Unknown},
		"gateway's timeout": {answers(504, "text/html", secret), device.ErrNoAnswer, event.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, test.answer)
			made, by := caller(t, c, func(cfg *CallerConfig) { cfg.Limit = 300 * time.Millisecond })
			_, err := made.Do(t.Context(), command(by))
			if err == nil || test.err != nil && !errors.Is(err, test.err) {
				t.Fatalf("the error is %v; want %v", err, test.err)
			}
			if got := Outcome(err); got != test.outcome {
				t.Errorf("the outcome is %q (%v); want %q", got, err, test.outcome)
			}
			for _, private := range []string{vin, "access-1", "secret", "elsewhere"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("the error holds %q: %v", private, err)
				}
			}
			if n := c.calls.Load(); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestWhatWasNotSent(t *testing.T) {
	c := newCloud(t, answers(200, "application/json", "{}"))
	made, by := caller(t, c, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	full := errors.New("the disk is full")
	withdrawn := office(t, newServer(t, time.Hour), nil).Consent(&drawer{})
	for name, test := range map[string]struct {
		ctx    context.Context
		change func(*Call)
		want   error
	}{
		"its context had ended": {gone, nil, context.Canceled},
		"the log":               {t.Context(), func(c *Call) { c.Just = func() error { return full } }, full},
		"withdrawn":             {t.Context(), func(c *Call) { c.By = withdrawn }, device.ErrRevoked},
		"no identifier":         {t.Context(), func(c *Call) { c.Path = []string{"vehicles", ""} }, nil},
		"upwards":               {t.Context(), func(c *Call) { c.Path = []string{"..", "admin"} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			call := command(by)
			if test.change != nil {
				test.change(&call)
			}
			_, err := made.Do(test.ctx, call)
			if err == nil || Outcome(err) != event.NotDone || test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("%v, which is %q", err, Outcome(err))
			}
		})
	}
	if n := c.calls.Load(); n != 0 {
		t.Fatalf("sent %d times", n)
	}
}

func TestNobodyThere(t *testing.T) {
	c := newCloud(t, nil)
	made, by := caller(t, c, nil)
	c.Server.Close()
	_, err := made.Do(t.Context(), command(by))
	if !errors.Is(err, device.ErrOffline) || Outcome(err) != event.NotDone {
		t.Fatalf("%v, which is %q", err, Outcome(err))
	}
}

func TestAServerThatIsNotTheMakers(t *testing.T) {
	c := newCloud(t, answers(200, "application/json", "{}"))
	made, by := caller(t, c, func(cfg *CallerConfig) { cfg.TLS = nil })
	_, err := made.Do(t.Context(), command(by))
	if !errors.Is(err, device.ErrOffline) || c.calls.Load() != 0 {
		t.Fatalf("%v after %d calls", err, c.calls.Load())
	}
}

func TestTooManyIsHeeded(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0": time.Second, "": time.Minute, "soon": time.Minute, "1.5": 1500 * time.Millisecond,
		"99999999999": 24 * time.Hour, "-3": time.Minute, "Sun, 22 Nov 2026 12:02:00 GMT": 2 * time.Minute,
		"Sun, 22 Nov 2020 12:02:00 GMT": time.Second, "NaN": time.Minute,
	} {
		c := newCloud(t, func(w http.ResponseWriter, r *http.Request) {
			if value != "" {
				w.Header().Set("Retry-After", value)
			}
			answers(429, "application/json", "{}")(w, r)
		})
		made, by := caller(t, c, func(cfg *CallerConfig) { cfg.Now = func() time.Time { return noon } })
		_, err := made.Do(t.Context(), command(by))
		if got := busyUntil(t, err).Sub(noon); got != want {
			t.Errorf("Retry-After %q means %v; want %v", value, got, want)
		}
		secure := command(by)
		secure.Purpose = device.Securing
		if _, err := made.Do(t.Context(), secure); err == nil || c.calls.Load() != 1 {
			t.Errorf("asked again although told to wait: %v", err)
		}
		other := command(by)
		other.Vehicle = "another"
		if _, _ = made.Do(t.Context(), other); c.calls.Load() != 2 {
			t.Error("another vehicle had to wait too")
		}
	}
}

func TestOurOwnLimitStopsBeforeTheWire(t *testing.T) {
	c := newCloud(t, answers(200, "application/json", "{}"))
	made, by := caller(t, c, func(cfg *CallerConfig) {
		cfg.Limiter = NewLimiter(Limit{Calls: 5, Per: time.Hour, PerVehicle: true})
	})
	logged := 0
	for range 10 {
		call := command(by)
		call.Just = func() error { logged++; return nil }
		_, _ = made.Do(t.Context(), call)
	}
	if n := c.calls.Load(); n != 3 || logged != 3 {
		t.Fatalf("%d openings sent and %d logged; 60 %% of 5 are 3", n, logged)
	}
}

func TestARefusedTokenIsForgotten(t *testing.T) {
	c := newCloud(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer access-1" {
			answers(401, "application/json", "{}")(w, r)
			return
		}
		answers(200, "application/json", "{}")(w, r)
	})
	made, _ := caller(t, c, nil)
	s := newServer(t, time.Hour)
	by := office(t, s, nil).Consent(&drawer{token: s.issue()})
	if _, err := made.Do(t.Context(), command(by)); Outcome(err) != event.NotDone {
		t.Fatalf("%v", err)
	}
	if n := c.calls.Load(); n != 1 {
		t.Fatalf("sent %d times", n)
	}
	if _, err := made.Do(t.Context(), command(by)); err != nil {
		t.Fatalf("with a new token: %v", err)
	}
}

// TestAWithdrawnConsentIsKnownAtOnce: the maker takes the token no more, and gives no other.
func TestAWithdrawnConsentIsKnownAtOnce(t *testing.T) {
	c := newCloud(t, answers(401, "application/json", "{}"))
	made, by := caller(t, c, nil)
	_, err := made.Do(t.Context(), command(by))
	if n := c.calls.Load(); !errors.Is(err, device.ErrRevoked) || Outcome(err) != event.NotDone || n != 1 {
		t.Fatalf("%v, sent %d times", err, n)
	}
}

// TestNothingIsSentTwice: a server that takes a command on a connection that was used before, and hangs up; Go's library
// would send a GET again.
func TestNothingIsSentTwice(t *testing.T) {
	for _, test := range []struct {
		method string
		body   []byte
	}{{http.MethodGet, nil}, {http.MethodPost, nil}, {http.MethodPost, []byte("{}")}, {http.MethodDelete, nil}} {
		method := test.method
		var n atomic.Int32
		c := newCloud(t, func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength != int64(len(test.body)) || r.TransferEncoding != nil {
				t.Errorf("%s: a body of %d bytes, %v", method, r.ContentLength, r.TransferEncoding)
			}
			if n.Add(1) > 1 {
				panic(http.ErrAbortHandler)
			}
			answers(200, "application/json", "{}")(w, r)
		})
		made, by := caller(t, c, nil)
		call := command(by)
		call.Method, call.JSON = method, test.body
		if _, err := made.Do(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		_, err := made.Do(t.Context(), call)
		if !errors.Is(err, device.ErrNoAnswer) {
			t.Errorf("%s: %v", method, err)
		}
		if got := n.Load(); got != 2 {
			t.Errorf("%s: the second call reached the server %d times", method, got-1)
		}
	}
}

// TestADeadIdleConnectionIsNoObstacle: the server closed the connection that waited; the next call makes a new one.
func TestADeadIdleConnectionIsNoObstacle(t *testing.T) {
	c := newCloud(t, answers(200, "application/json", "{}"))
	made, by := caller(t, c, nil)
	for range 3 {
		if _, err := made.Do(t.Context(), command(by)); err != nil {
			t.Fatal(err)
		}
		c.CloseClientConnections()
		made.Close()
	}
}

func TestCallersThatAreRefused(t *testing.T) {
	for _, base := range []string{
		"", "ftp://a.example", "http://a.example", "https://", "https://user:pw@a.example", "https://a.example?x=1", "%%",
		"http://127.0.0.1.example/",
	} {
		if _, err := NewCaller(CallerConfig{Base: base, Limiter: NewLimiter()}); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
	for _, base := range []string{"https://a.example/v2", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"} {
		if _, err := NewCaller(CallerConfig{Base: base, Limiter: NewLimiter()}); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := NewCaller(CallerConfig{Base: "https://a.example"}); err == nil {
		t.Error("without limits")
	}
}

func TestDecode(t *testing.T) {
	var v struct{ A int }
	if err := Decode([]byte(` {"a":1} `), &v); err != nil || v.A != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	for _, bad := range []string{``, `{`, `{"a":1}{"a":2}`, `{"a":"secret"}`, `null,`, `<html>`} {
		err := Decode([]byte(bad), &v)
		if !errors.Is(err, device.ErrNonsense) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzAnswers: whatever bytes a server answers with, there is an error or JSON's type, and nothing is quoted.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 429 Too Many\r\nRetry-After: 1e309\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nffffffffff\r\n",
		"HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 307 Go\r\nLocation: http://[::1]:1/\r\nContent-Length: 0\r\n\r\n", "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		made, err := NewCaller(CallerConfig{Base: "http://127.0.0.1:1", Limiter: NewLimiter(), Limit: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer made.Close()
		made.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			return played(raw), nil
		}
		by := office(t, newServer(t, time.Hour), nil).Consent(&drawer{token: &oauth2.Token{AccessToken: "access-1", RefreshToken: "r"}})
		answer, err := made.Do(t.Context(), command(by))
		if err == nil && (answer.Status < 200 || answer.Status > 299) {
			t.Fatalf("a success of status %d", answer.Status)
		}
		if err == nil && len(answer.Body) > 0 && !jsonType(answer.Header.Get("Content-Type")) {
			t.Fatal("a body that is no JSON")
		}
		if err != nil && strings.Contains(err.Error(), vin) {
			t.Fatalf("an error that names the vehicle: %v", err)
		}
	})
}

// played is a connection that swallows what is sent, and answers with raw.
func played(raw []byte) net.Conn {
	near, far := net.Pipe()
	go func() {
		_, _ = io.CopyN(io.Discard, far, int64(len("POST")))
		go func() { _, _ = io.Copy(io.Discard, far) }()
		_, _ = io.Copy(far, bytes.NewReader(raw))
		_ = far.Close()
	}()
	return near
}

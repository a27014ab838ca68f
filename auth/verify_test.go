package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
)

func TestASignedRequestIsItsCouriers(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	r := p.request("POST", scanURL, `{"code":"X"}`)
	who, err := c.Verify(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if who.ID() != "karim" || who.PublicJWK() != p.jwk || who.Actor() != (event.Actor{Kind: event.ActorCourier, ID: "karim"}) {
		t.Errorf("it is %+v", who)
	}
	s := who.Signed()
	if s.Key != p.id || s.JWS != r.Proof || s.IssuedAt != event.InstantOf(b.clock.now()) {
		t.Errorf("kept as %+v", s)
	}
	claims, err := proof.VerifySigned(who.PublicJWK(), s)
	if err != nil || claims.URL != scanURL || claims.ID != s.ID {
		t.Errorf("checked again: %+v, %v", claims, err)
	}
}

func TestAProofIsForOneRequest(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	b.bound(c, "lea")
	for name, change := range map[string]func(*auth.Request){
		"another method":      func(r *auth.Request) { r.Method = "DELETE" },
		"another visit":       func(r *auth.Request) { r.URL = strings.Replace(r.URL, "a-v1", "a-v2", 1) },
		"another host":        func(r *auth.Request) { r.URL = strings.Replace(r.URL, "loquet", "evil", 1) },
		"without encryption":  func(r *auth.Request) { r.URL = strings.Replace(r.URL, "https", "http", 1) },
		"an address unread":   func(r *auth.Request) { r.URL = "::" },
		"another body":        func(r *auth.Request) { r.Body = []byte(`{"code":"Y"}`) },
		"a space in the body": func(r *auth.Request) { r.Body = append(r.Body, ' ') },
		"no body":             func(r *auth.Request) { r.Body = nil },
	} {
		r := p.request("POST", scanURL, `{"code":"X"}`)
		change(&r)
		_, err := c.Verify(t.Context(), r)
		want(t, name, err, auth.ErrOtherRequest)
	}
	same := p.request("POST", scanURL, `{"code":"X"}`)
	same.URL = "HTTPS://Loquet.Example:443/v1/visits/a-v1/scans?trace=1"
	if _, err := c.Verify(t.Context(), same); err != nil {
		t.Errorf("the same address in another form: %v", err)
	}
}

func TestAProofIsByTheBoundDevice(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	stranger := b.phone()
	_, err := c.Verify(t.Context(), stranger.request("POST", scanURL, ""))
	want(t, "an unbound device", err, auth.ErrUnbound)
	mixed := p.request("POST", scanURL, "")
	forged := stranger.request("POST", scanURL, "")
	parts, other := strings.Split(mixed.Proof, "."), strings.Split(forged.Proof, ".")
	mixed.Proof = parts[0] + "." + other[1] + "." + other[2]
	_, err = c.Verify(t.Context(), mixed)
	want(t, "the bound device's name over a stranger's signature", err, auth.ErrProof)
	for name, text := range map[string]string{"nothing": "", "words": "hello", "huge": strings.Repeat("A", 1<<20)} {
		mixed.Proof = text
		_, err = c.Verify(t.Context(), mixed)
		want(t, name, err, auth.ErrProof)
	}
}

func TestAProofHasItsTime(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	for name, at := range map[string]struct {
		offset time.Duration
		want   error
	}{
		"a minute ago":                 {-time.Minute, nil},
		"more than a minute ago":       {-time.Minute - time.Second, auth.ErrClock},
		"in a minute":                  {time.Minute, nil},
		"in more than a minute":        {time.Minute + time.Second, auth.ErrClock},
		"by a clock three hours early": {3 * time.Hour, auth.ErrClock},
		"by a clock three hours late":  {-3 * time.Hour, auth.ErrClock},
	} {
		jti, _ := auth.NewProofID(rand.Reader)
		token, err := auth.Prove(p.key, "POST", scanURL, nil, b.clock.now().Add(at.offset), jti)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Verify(t.Context(), auth.Request{Method: "POST", URL: scanURL, Proof: token})
		want(t, name, err, at.want)
	}
}

func TestAProofCountsOnce(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p, other := b.bound(c, "karim"), b.bound(c, "lea")
	r := p.request("POST", scanURL, "")
	if _, err := c.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err := c.Verify(t.Context(), r)
	want(t, "at once again", err, auth.ErrReplayed)

	jti := firstID(t, p, r)
	token, err := auth.Prove(p.key, "GET", bindURL, nil, b.clock.now(), jti)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Verify(t.Context(), auth.Request{Method: "GET", URL: bindURL, Proof: token})
	want(t, "its identifier for another request", err, auth.ErrReplayed)

	token, _ = auth.Prove(other.key, "POST", scanURL, nil, b.clock.now(), jti)
	if _, err = c.Verify(t.Context(), auth.Request{Method: "POST", URL: scanURL, Proof: token}); err != nil {
		t.Errorf("another device's proof of the same identifier: %v", err)
	}
}

func firstID(t *testing.T, p *phone, r auth.Request) string {
	t.Helper()
	c, err := proof.Verify(p.jwk, r.Proof)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// At no moment between signing and the end of its window does a proof count twice, wherever the minutes fall.
func TestAProofIsRememberedUntilItsWindowEnds(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	for start := range 7 {
		b.clock.move(time.Duration(start) * 9 * time.Second)
		early := signedAt(t, p, b.clock.now().Add(time.Minute))
		if _, err := c.Verify(t.Context(), early); err != nil {
			t.Fatal(err)
		}
		for range 130 {
			b.clock.move(time.Second)
			if _, err := c.Verify(t.Context(), p.request("GET", scanURL, "")); err != nil {
				t.Fatalf("a new request meanwhile: %v", err)
			}
			if _, err := c.Verify(t.Context(), signedAt(t, p, b.clock.now().Add(-time.Minute))); err != nil {
				t.Fatalf("a new request by a slow clock: %v", err)
			}
			if _, err := c.Verify(t.Context(), early); !errors.Is(err, auth.ErrReplayed) && !errors.Is(err, auth.ErrClock) {
				t.Fatalf("again at %s: %v", b.clock.now(), err)
			}
		}
	}
}

func signedAt(t *testing.T, p *phone, at time.Time) auth.Request {
	t.Helper()
	jti, err := auth.NewProofID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token, err := auth.Prove(p.key, "POST", scanURL, nil, at, jti)
	if err != nil {
		t.Fatal(err)
	}
	return auth.Request{Method: "POST", URL: scanURL, Proof: token}
}

// When the server's clock is set back, what it has already forgotten must not count as new.
func TestAClockSetBackDoesNotReviveProofs(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	r := p.request("POST", scanURL, "")
	if _, err := c.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	b.clock.move(5 * time.Minute)
	if _, err := c.Verify(t.Context(), p.request("POST", scanURL, "")); err != nil {
		t.Fatal(err)
	}
	b.clock.move(-5 * time.Minute)
	_, err := c.Verify(t.Context(), r)
	want(t, "the old proof on the old clock", err, auth.ErrClock)
}

func TestOfManyCopiesOneCounts(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	r := b.bound(c, "karim").request("POST", scanURL, "")
	var accepted atomic.Int32
	var wait sync.WaitGroup
	for range 32 {
		wait.Go(func() {
			if _, err := c.Verify(t.Context(), r); err == nil {
				accepted.Add(1)
			} else if !errors.Is(err, auth.ErrReplayed) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if accepted.Load() != 1 {
		t.Errorf("%d copies counted", accepted.Load())
	}
}

func TestOneDeviceCannotFillTheMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("signs a thousand requests")
	}
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p, other := b.bound(c, "karim"), b.bound(c, "lea")
	accepted := 0
	for ; accepted < 2000; accepted++ {
		if _, err := c.Verify(t.Context(), p.request("GET", scanURL, "")); tooMany(err) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if accepted != 1024 {
		t.Errorf("%d requests in one minute were remembered", accepted)
	}
	if _, err := c.Verify(t.Context(), other.request("GET", scanURL, "")); err != nil {
		t.Errorf("another device: %v", err)
	}
	b.clock.move(time.Minute)
	if _, err := c.Verify(t.Context(), p.request("GET", scanURL, "")); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestProveRefusesWhatNobodyWouldAccept(t *testing.T) {
	p := newBench(t).phone()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const jti = "abcdefghijklmnop"
	now := newClock().now()
	for name, prove := range map[string]func() (string, error){
		"another curve":  func() (string, error) { return auth.Prove(p384, "POST", scanURL, nil, now, jti) },
		"no address":     func() (string, error) { return auth.Prove(p.key, "POST", "/v1", nil, now, jti) },
		"no identifier":  func() (string, error) { return auth.Prove(p.key, "POST", scanURL, nil, now, "") },
		"one too long":   func() (string, error) { return auth.Prove(p.key, "POST", scanURL, nil, now, strings.Repeat("a", 65)) },
		"a strange word": func() (string, error) { return auth.Prove(p.key, "POST", scanURL, nil, now, "abcdefgh.jklmnop") },
	} {
		if token, err := prove(); err == nil {
			t.Errorf("%s: made %s", name, token)
		}
	}
}

func FuzzVerifyRequest(f *testing.F) {
	f.Add("POST", scanURL, []byte("x"), "a.b.c")
	f.Add("", "", []byte(nil), "")
	f.Fuzz(func(t *testing.T, method, url string, body []byte, token string) {
		_, err := auth.NewCouriers(newBench(t).deps).Verify(t.Context(), auth.Request{Method: method, URL: url, Body: body, Proof: token})
		if !errors.Is(err, auth.ErrProof) && !errors.Is(err, auth.ErrUnbound) {
			t.Fatalf("%v", err)
		}
	})
}

// What a signature costs on the way of a scan, the register's reads in memory included.
func BenchmarkVerify(b *testing.B) {
	bench := newBench(b)
	c := auth.NewCouriers(bench.deps)
	p := bench.bound(c, "karim")
	for b.Loop() {
		b.StopTimer()
		bench.clock.move(time.Second) // fewer than the device's own limit
		r := p.request("POST", scanURL, `{"code":"X"}`)
		b.StartTimer()
		if _, err := c.Verify(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

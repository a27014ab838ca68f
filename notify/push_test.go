package notify

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/outbound"
)

// pushService is a push service and the browser behind it: it has the keys of a subscription, and reads what is pushed.
type pushService struct {
	*httptest.Server
	t      *testing.T
	key    *ecdh.PrivateKey
	secret []byte
	// answer of the service; 0 for 201.
	mu     sync.Mutex
	answer int
	after  string
	got    []pushedTo
}

// pushedTo is one message, as the browser reads it.
type pushedTo struct {
	header  http.Header
	path    string
	payload map[string]any
	claims  map[string]any
	// key that the service was shown.
	key string
}

func newPushService(t *testing.T) *pushService {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &pushService{t: t, key: key, secret: make([]byte, 16)}
	if _, err := rand.Read(s.secret); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *pushService) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != 0 {
		w.Header().Set("Retry-After", s.after)
		w.WriteHeader(s.answer)
		return
	}
	m := pushedTo{header: r.Header, path: r.URL.Path}
	m.claims, m.key = s.vapid(r.Header.Get("Authorization"))
	if err := json.Unmarshal(s.decrypt(body), &m.payload); err != nil {
		s.t.Error(err)
	}
	s.got = append(s.got, m)
	w.WriteHeader(http.StatusCreated)
}

// decrypt reads a message encrypted for the browser (RFC 8291 over RFC 8188, one record).
func (s *pushService) decrypt(body []byte) []byte {
	salt, idLen := body[:16], int(body[20])
	if rs := binary.BigEndian.Uint32(body[16:20]); int(rs) < len(body)-21-idLen {
		s.t.Errorf("the record is longer than it says, %d", rs)
	}
	sender, sealed := body[21:21+idLen], body[21+idLen:]
	public, err := ecdh.P256().NewPublicKey(sender)
	s.must(err)
	shared, err := s.key.ECDH(public)
	s.must(err)
	info := "WebPush: info\x00" + string(s.key.PublicKey().Bytes()) + string(sender)
	ikm, err := hkdf.Key(sha256.New, shared, s.secret, info, 32)
	s.must(err)
	cek, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	s.must(err)
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	s.must(err)
	block, err := aes.NewCipher(cek)
	s.must(err)
	gcm, err := cipher.NewGCM(block)
	s.must(err)
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	s.must(err)
	plain = []byte(strings.TrimRight(string(plain), "\x00"))
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		s.t.Error("the record has no end")
	}
	return plain[:len(plain)-1]
}

// vapid checks the signature of the application server (RFC 8292) and returns what it claims.
func (s *pushService) vapid(authorization string) (claims map[string]any, key string) {
	rest, ok := strings.CutPrefix(authorization, "vapid t=")
	token, key, found := strings.Cut(rest, ", k=")
	parts := strings.Split(token, ".")
	if !ok || !found || len(parts) != 3 {
		s.t.Fatalf("Authorization: %q", authorization)
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	s.must(err)
	by, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	s.must(err)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	s.must(err)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(signature) != 64 || !ecdsa.Verify(by, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		s.t.Error("the signature is not by that key")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	s.must(err)
	s.must(json.Unmarshal(body, &claims))
	return claims, key
}

func (s *pushService) must(err error) {
	if err != nil {
		s.t.Error(err)
	}
}

func (s *pushService) set(answer int, after string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.after = answer, after
}

func (s *pushService) pushed() []pushedTo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// subscription is what the browser's Push API gives for an address at the service.
func (s *pushService) subscription(path string) Subscription {
	var sub Subscription
	sub.Endpoint = s.URL + path
	sub.Keys.P256dh = base64.RawURLEncoding.EncodeToString(s.key.PublicKey().Bytes())
	sub.Keys.Auth = base64.RawURLEncoding.EncodeToString(s.secret)
	return sub
}

// pusher is one that trusts the service's certificate and may call this machine.
func (s *pushService) trust(p *pusher) *pusher {
	p.client.Transport.(*http.Transport).TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	s.t.Cleanup(p.client.CloseIdleConnections)
	return p
}

func (s *pushService) target(path string) target {
	d, err := s.subscription(path).device(outbound.Policy{Local: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return target{channel: Push, id: "push/" + d.ID, device: d}
}

// TestAPushMessageIsReadByTheBrowserAlone, signed by the installation, and takes the place of the one before.
func TestAPushMessageIsReadByTheBrowserAlone(t *testing.T) {
	s := newPushService(t)
	ring := &keyring{files: newFiles(t)}
	p := s.trust(newPusher("ops@loquet.example", outbound.Policy{Local: true}, ring.keys))
	m := someMessage()
	m.block, m.blockLabel, m.left = m.link+"/block", "Bloquer", 90*event.Second
	for range 2 {
		if err := p.send(t.Context(), s.target("/push/abc"), m); err != nil {
			t.Fatal(err)
		}
	}
	got := s.pushed()
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	first := got[0]
	want := map[string]any{"id": m.id, "tag": "home-v7", "topic": "delivered", "lang": "fr", "title": m.title, "body": m.body, "url": m.link,
		"at": "2026-11-22T13:04:31.000Z", "actions": []any{map[string]any{"action": "block", "title": "Bloquer", "url": m.block}}}
	if a, b := asJSON(t, first.payload), asJSON(t, want); a != b {
		t.Errorf("the payload is\n%s, want\n%s", a, b)
	}
	own, err := ring.keys(t.Context())
	if err != nil || first.key != own.Public {
		t.Errorf("signed by %s, not %s: %v", first.key, own.Public, err)
	}
	exp, ok := first.claims["exp"].(float64)
	if left := time.Until(time.Unix(int64(exp), 0)); first.claims["aud"] != s.URL || first.claims["sub"] != "mailto:ops@loquet.example" || !ok || left < time.Minute || left > 24*time.Hour {
		t.Errorf("it claims %v", first.claims)
	}
	for field, want := range map[string]string{"Ttl": "90", "Urgency": "normal", "Content-Encoding": "aes128gcm", "Topic": digest("topic", "home-v7")} {
		if got := first.header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if topic := first.header.Get("Topic"); len(topic) > 32 || topic != got[1].header.Get("Topic") {
		t.Errorf("topics %q and %q", topic, got[1].header.Get("Topic"))
	}
	m.urgent = true
	if err := p.send(t.Context(), s.target("/push/abc"), m); err != nil || s.pushed()[2].header.Get("Urgency") != "high" {
		t.Errorf("an alarm: %v", err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatAPushServiceAnswers(t *testing.T) {
	s := newPushService(t)
	ring := &keyring{files: newFiles(t)}
	p := s.trust(newPusher("ops@loquet.example", outbound.Policy{Local: true}, ring.keys))
	for code, want := range map[int]Reason{404: ReasonExpired, 410: ReasonExpired, 400: ReasonRefused, 401: ReasonRefused, 403: ReasonRefused, 413: ReasonRefused,
		429: "", 500: "", 503: "", 302: ""} {
		s.set(code, "120")
		err := p.send(t.Context(), s.target("/secret-address"), someMessage())
		no, final := refusedFor(err)
		if err == nil || final != (want != "") || no.reason != want {
			t.Errorf("%d: %v", code, err)
		}
		if trouble, ok := errors.AsType[trouble](err); ok && trouble.wait != 2*time.Minute {
			t.Errorf("%d: again after %s", code, trouble.wait)
		}
	}
	s.Close()
	err := p.send(t.Context(), s.target("/secret-address"), someMessage())
	if _, final := refusedFor(err); err == nil || final || strings.Contains(err.Error(), "secret-address") {
		t.Errorf("nobody there: %v", err)
	}
}

// TestAPushServiceInOurOwnNetworkIsNotCalled: the address is a stranger's.
func TestAPushServiceInOurOwnNetworkIsNotCalled(t *testing.T) {
	s := newPushService(t)
	ring := &keyring{files: newFiles(t)}
	p := s.trust(newPusher("ops@loquet.example", outbound.Policy{}, ring.keys))
	to := s.target("/")
	to.device.Endpoint = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if err := p.send(t.Context(), to, someMessage()); !errors.Is(err, outbound.ErrNotPublic) || len(s.pushed()) != 0 {
		t.Errorf("it was called: %v", err)
	}
}

func TestSubscriptions(t *testing.T) {
	s := newPushService(t)
	good := s.subscription("/push/abc")
	good.Endpoint = "https://push.example/abc"
	if _, err := good.device(outbound.Policy{}); err != nil {
		t.Fatal(err)
	}
	padded := good
	padded.Keys.Auth = base64.URLEncoding.EncodeToString(s.secret)
	if d, err := padded.device(outbound.Policy{}); err != nil || d.Auth != good.Keys.Auth {
		t.Errorf("with padding: %+v, %v", d, err)
	}
	for what, change := range map[string]func(*Subscription){
		"no address":         func(s *Subscription) { s.Endpoint = "" },
		"not https":          func(s *Subscription) { s.Endpoint = "http://push.example/" },
		"this machine":       func(s *Subscription) { s.Endpoint = "https://127.0.0.1/" },
		"a long address":     func(s *Subscription) { s.Endpoint += strings.Repeat("x", 2000) },
		"no key":             func(s *Subscription) { s.Keys.P256dh = "" },
		"a key of no curve":  func(s *Subscription) { s.Keys.P256dh = base64.RawURLEncoding.EncodeToString(make([]byte, 65)) },
		"half a key":         func(s *Subscription) { s.Keys.P256dh = s.Keys.P256dh[:40] },
		"no secret":          func(s *Subscription) { s.Keys.Auth = "" },
		"a short secret":     func(s *Subscription) { s.Keys.Auth = "AAAA" },
		"something else":     func(s *Subscription) { s.Keys.Auth = "<script>" },
		"an address of text": func(s *Subscription) { s.Endpoint = "javascript:alert(1)" },
	} {
		bad := good
		change(&bad)
		if _, err := bad.device(outbound.Policy{}); !errors.Is(err, ErrSubscription) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzSubscription: what a browser sends is a stranger's; what passes can be encrypted for.
func FuzzSubscription(f *testing.F) {
	f.Add([]byte(`{"endpoint":"https://push.example/a","keys":{"p256dh":"BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM","auth":"tBHItJI5svbpez7KI4CCXg"}}`))
	f.Add([]byte(`{"endpoint":"https://push.example/a","keys":{"p256dh":"BA","auth":"AA"}}`))
	f.Add([]byte(`{"endpoint":"https://[::1]/","keys":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Subscription
		if json.Unmarshal(data, &s) != nil {
			return
		}
		d, err := s.device(outbound.Policy{})
		if err != nil {
			return
		}
		again := Subscription{Endpoint: d.Endpoint}
		again.Keys.P256dh, again.Keys.Auth = d.P256dh, d.Auth
		if same, err := again.device(outbound.Policy{}); err != nil || same != d {
			t.Fatalf("%+v is read as %+v, %v", d, same, err)
		}
		if !strings.HasPrefix(d.Endpoint, "https://") {
			t.Fatalf("the address %q passes", d.Endpoint)
		}
	})
}

func TestWhoAnswersForOurMessages(t *testing.T) {
	for _, c := range []struct{ given, public, from, want string }{
		{"mailto:ops@loquet.example", "https://loquet.example", "", "ops@loquet.example"},
		{"https://loquet.example/contact", "", "", "https://loquet.example/contact"},
		{"", "https://loquet.example", "Loquet <loquet@mail.example>", "https://loquet.example"},
		{"", "http://localhost:8480", "Loquet <loquet@mail.example>", "loquet@mail.example"},
		{"", "https://localhost", "", ""},
		{"", "https://loquet.localhost", "loquet@localhost", ""},
		{"", "https://127.0.0.1:8480", "", ""},
		{"", "http://loquet.example", "", ""},
		{"", "", "", ""},
	} {
		if got := PushSubject(c.given, c.public, c.from); got != c.want {
			t.Errorf("%q, %q, %q: %q, want %q", c.given, c.public, c.from, got, c.want)
		}
	}
}

// TestTheKeysAreKept: a browser's subscription holds for one key only.
func TestTheKeysAreKept(t *testing.T) {
	f := newFiles(t)
	var wait sync.WaitGroup
	got := make([]keys, 8)
	for i := range got {
		wait.Go(func() {
			k, err := (&keyring{files: f}).keys(t.Context())
			if err != nil {
				t.Error(err)
			}
			got[i] = k
		})
	}
	wait.Wait()
	for _, k := range got {
		if k != got[0] || k.Public == "" {
			t.Fatalf("two keys: %v", got)
		}
	}
	r, err := f.register.Get(t.Context(), kindKeys, "1")
	if err != nil || strings.Contains(string(r.Data), got[0].Private) {
		t.Errorf("the key lies open: %v", err)
	}
}

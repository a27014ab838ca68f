package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/vault"
)

func TestMain(m *testing.M) {
	if err := makeMaster(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	shared.End()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// clock is a clock that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bench is a register, a clock, and what stands on them.
type bench struct {
	t     testing.TB
	clock *clock
	reg   store.Register
	deps  auth.Deps
	vault *vault.Vault
	// arrivals counts the browsers.
	arrivals atomic.Int64
}

func newBench(t testing.TB) *bench {
	t.Helper()
	s := memory.New()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := newClock()
	b := &bench{t: t, clock: c, reg: s, deps: auth.Deps{Register: s, Now: c.now, Random: rand.Reader}}
	b.vault = vault.New(vault.Deps{Master: master, Register: s, Now: c.now, Random: rand.Reader})
	return b
}

// master is one key for all tests: what they check does not depend on it.
var master vault.MasterKey

func makeMaster() error {
	folder, err := os.MkdirTemp("", "loquet-auth-")
	if err != nil {
		return err
	}
	master, err = vault.LoadOrCreate(filepath.Join(folder, "master.key"), rand.Reader)
	return errors.Join(err, os.RemoveAll(folder))
}

// arrival is a browser that nobody has limited yet.
func (b *bench) arrival() auth.Arrival {
	n := b.arrivals.Add(1)
	return auth.Arrival{From: fmt.Sprintf("192.0.%d.%d", n/256, n%256), UserAgent: firefox}
}

const firefox = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"

// phone is a courier's device.
type phone struct {
	t     testing.TB
	clock *clock
	key   *ecdsa.PrivateKey
	jwk   string
	id    event.KeyID
}

func (b *bench) phone() *phone {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	jwk, id, err := proof.KeyFrom(&key.PublicKey)
	if err != nil {
		b.t.Fatal(err)
	}
	return &phone{b.t, b.clock, key, jwk, id}
}

const (
	scanURL = "https://loquet.example/v1/visits/a-v1/scans"
	bindURL = "https://loquet.example/v1/pairing"
)

func (p *phone) request(method, url, body string) auth.Request {
	p.t.Helper()
	jti, err := auth.NewProofID(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := auth.Prove(p.key, method, url, []byte(body), p.clock.now(), jti)
	if err != nil {
		p.t.Fatal(err)
	}
	return auth.Request{Method: method, URL: url, Body: []byte(body), Proof: token}
}

func (p *phone) bind(code string) auth.BindRequest {
	p.t.Helper()
	return auth.BindRequest{
		Code: code, PublicJWK: p.jwk, From: "192.0.2.1",
		Request: p.request("POST", bindURL, `{"code":"`+code+`"}`),
	}
}

// bound is a phone that is the courier's.
func (b *bench) bound(c *auth.Couriers, courier event.CourierID) *phone {
	b.t.Helper()
	p := b.phone()
	if _, err := c.Bind(b.t.Context(), p.bind(b.invite(c, courier))); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) invite(c *auth.Couriers, courier event.CourierID) string {
	b.t.Helper()
	offer, err := c.Invite(b.t.Context(), courier)
	if err != nil {
		b.t.Fatal(err)
	}
	return offer.Code
}

// stored is everything that the register holds, as text, to look for secrets in it.
func (b *bench) stored() string {
	b.t.Helper()
	var all strings.Builder
	for _, kind := range []string{"auth.key", "auth.courier", "auth.device", "auth.pairing", "auth.link", "auth.session",
		"auth.mailbox", "auth.address", "auth.maillink", "auth.staff", "auth.staff.address", "auth.staff.openid", "auth.staff.link",
		"auth.staff.session", "auth.passkeys", "auth.ceremony", "auth.openid"} {
		records, err := b.reg.List(b.t.Context(), kind, "", 1000)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, r := range records {
			text, err := json.Marshal(r.ID + " " + string(r.Data))
			if err != nil {
				b.t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// want fails unless err is the wanted one.
func want(t *testing.T, what string, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Errorf("%s: got %v, want %v", what, err, wanted)
	}
}

func tooMany(err error) bool {
	var many *auth.TooMany
	return errors.As(err, &many)
}

// faulty fails the next call of each named method of a register, before or after it was carried out.
type faulty struct {
	store.Register
	mu     sync.Mutex
	before map[string]error
	after  map[string]error
}

func (f *faulty) fail(from map[string]error, method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := from[method]
	delete(from, method)
	return err
}

func (f *faulty) Get(ctx context.Context, kind, id string) (store.Record, error) {
	if err := f.fail(f.before, "Get "+kind); err != nil {
		return store.Record{}, err
	}
	return f.Register.Get(ctx, kind, id)
}

func (f *faulty) Put(ctx context.Context, r store.Record) (uint64, error) {
	if err := f.fail(f.before, "Put "+r.Kind); err != nil {
		return 0, err
	}
	version, err := f.Register.Put(ctx, r)
	if late := f.fail(f.after, "Put "+r.Kind); late != nil {
		return 0, late
	}
	return version, err
}

func (f *faulty) List(ctx context.Context, kind, after string, limit int) ([]store.Record, error) {
	if err := f.fail(f.before, "List "+kind); err != nil {
		return nil, err
	}
	return f.Register.List(ctx, kind, after, limit)
}

func (f *faulty) Delete(ctx context.Context, kind, id string, version uint64) error {
	if err := f.fail(f.before, "Delete "+kind); err != nil {
		return err
	}
	return f.Register.Delete(ctx, kind, id, version)
}

// Randomness that runs dry must never lead to a secret of zeros.
func TestWithoutRandomnessNothingIsMade(t *testing.T) {
	b := newBench(t)
	b.deps.Random = bytes.NewReader([]byte{1, 2, 3})
	if _, text, err := auth.NewKeys(b.deps).Create(t.Context(), aKey()); err == nil {
		t.Errorf("made the key %q", text)
	}
	if offer, err := auth.NewCouriers(b.deps).Invite(t.Context(), "karim"); err == nil {
		t.Errorf("made the code %q", offer.Code)
	}
	if link, err := auth.NewSessions(b.deps).Invite(t.Context(), "a-m1"); err == nil {
		t.Errorf("made the link %q", link.Token)
	}
	if jti, err := auth.NewProofID(b.deps.Random); err == nil {
		t.Errorf("made the identifier %q", jti)
	}
	if all := b.stored(); all != "" {
		t.Errorf("stored %s", all)
	}
}

// hooked runs something once after its next read.
type hooked struct {
	store.Register
	onGet func()
}

func (h *hooked) Get(ctx context.Context, kind, id string) (store.Record, error) {
	r, err := h.Register.Get(ctx, kind, id)
	if hook := h.onGet; hook != nil {
		h.onGet = nil
		hook()
	}
	return r, err
}

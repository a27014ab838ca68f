package maker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"golang.org/x/oauth2"
)

// server is a maker's authorization server that rotates refresh tokens: each is good once.
type server struct {
	t    *testing.T
	life time.Duration

	mu        sync.Mutex
	good      map[string]bool // refresh tokens
	made      int
	refreshes []time.Time
	withdrawn []string
	forms     []url.Values
	fail      http.HandlerFunc // instead of the next answers
	delay     time.Duration
	verifiers map[string]string // code to challenge
}

func newServer(t *testing.T, life time.Duration) *server {
	return &server{t: t, life: life, good: map[string]bool{}, verifiers: map[string]string{}}
}

// RoundTrip serves without sockets, so that virtual time passes.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		s.t.Error(err)
	}
	s.forms = append(s.forms, r.Form)
	switch {
	case s.fail != nil:
		s.fail(w, r)
	case r.URL.Path == "/revoke":
		s.withdrawn = append(s.withdrawn, r.Form.Get("token"))
	case r.Form.Get("grant_type") == "authorization_code":
		challenge := oauth2.S256ChallengeFromVerifier(r.Form.Get("code_verifier"))
		if s.verifiers[r.Form.Get("code")] != challenge {
			refuse(http.StatusBadRequest, "invalid_grant")(w, r)
			return
		}
		s.grant(w)
	case s.good[r.Form.Get("refresh_token")]:
		s.refreshes = append(s.refreshes, time.Now())
		delete(s.good, r.Form.Get("refresh_token"))
		s.grant(w)
	default:
		refuse(http.StatusBadRequest, "invalid_grant")(w, r)
	}
}

func (s *server) grant(w http.ResponseWriter) {
	s.made++
	refresh := fmt.Sprintf("refresh-%d", s.made)
	s.good[refresh] = true
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": fmt.Sprintf("access-%d", s.made), "refresh_token": refresh, "token_type": "Bearer",
		"expires_in": int(s.life.Seconds()),
	})
}

func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":"secret-in-a-body"}`, code)
	}
}

func (s *server) failWith(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = h
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.refreshes)
}

// issue makes tokens as if the customer had consented just now.
func (s *server) issue() *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	refresh := fmt.Sprintf("refresh-%d", s.made)
	s.good[refresh] = true
	return &oauth2.Token{
		AccessToken: fmt.Sprintf("access-%d", s.made), RefreshToken: refresh,
		Expiry: time.Now().Add(s.life), ExpiresIn: int64(s.life.Seconds()),
	}
}

// pass lets virtual time pass.
func pass(length time.Duration) { <-time.After(length) }

// drawer is a Keeper in memory.
type drawer struct {
	mu    sync.Mutex
	token *oauth2.Token
	saves int
	fail  error
}

func (d *drawer) Load(context.Context) (*oauth2.Token, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.token, nil
}

func (d *drawer) Save(_ context.Context, t *oauth2.Token) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	d.token, d.saves = t, d.saves+1
	return nil
}

func (d *drawer) failWith(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

func (d *drawer) kept() *oauth2.Token {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.token
}

// office is one whose server is in memory.
func office(t *testing.T, s *server, change func(*OfficeConfig)) *Office {
	t.Helper()
	cfg := OfficeConfig{
		ClientID: "us", ClientSecret: "secret", AuthURL: "https://maker.example/authorize",
		TokenURL: "https://maker.example/token", RevokeURL: "https://maker.example/revoke",
		RedirectURL: "https://us.example/back", Scopes: []string{"lock"}, Rand: func() float64 { return 0 },
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	o, err := NewOffice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.client.Transport = s
	return o
}

func mustAccess(t *testing.T, c *Consent, want string) {
	t.Helper()
	got, err := c.Access(t.Context())
	if err != nil || got != want {
		t.Fatalf("the token is %q, %v; want %q", got, err, want)
	}
}

func TestATokenIsRenewedAheadOfItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		kept := &drawer{token: s.issue()}
		c := office(t, s, nil).Consent(kept)
		mustAccess(t, c, "access-1")
		pass(53 * time.Minute)
		mustAccess(t, c, "access-1")
		pass(2 * time.Minute) // a tenth of its life is left
		mustAccess(t, c, "access-2")
		mustAccess(t, c, "access-2")
		if s.count() != 1 || kept.kept().AccessToken != "access-2" {
			t.Fatalf("%d refreshes; kept %q", s.count(), kept.kept().AccessToken)
		}
	})
}

func TestManyAsksAreOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		s.delay = 3 * time.Second
		c := office(t, s, nil).Consent(&drawer{token: s.issue()})
		pass(2 * time.Hour)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { mustAccess(t, c, "access-2") })
		}
		wg.Wait()
		if s.count() != 1 {
			t.Fatalf("%d refreshes", s.count())
		}
	})
}

func TestARefreshGoesOnWhenItsCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		s.delay = 3 * time.Second
		kept := &drawer{token: s.issue()}
		c := office(t, s, nil).Consent(kept)
		pass(2 * time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Access(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the error is %v", err)
		}
		c.office.Close()
		if got := kept.kept().AccessToken; got != "access-2" {
			t.Fatalf("the renewed token was lost; kept is %q", got)
		}
	})
}

func TestAFailingRefreshIsNoErrorWhileTheTokenIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		c := office(t, s, nil).Consent(&drawer{token: s.issue()})
		s.failWith(refuse(http.StatusBadGateway, ""))
		pass(55 * time.Minute)
		for range 10 {
			mustAccess(t, c, "access-1")
		}
		if n := len(s.forms); n != 1 {
			t.Fatalf("asked %d times at once; a failure is rested on", n)
		}
		pass(5 * time.Minute)
		_, err := c.Access(t.Context())
		var status *StatusError
		if !errors.As(err, &status) || status.Status != 502 || errors.Is(err, device.ErrRevoked) {
			t.Fatalf("the error is %v", err)
		}
		s.failWith(nil)
		pass(rest)
		mustAccess(t, c, "access-2")
	})
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		fail    http.HandlerFunc
		revoked bool
	}{
		"a refused grant":         {refuse(400, "invalid_grant"), true},
		"a login that is needed":  {refuse(401, "login_required"), true},
		"our own registration":    {refuse(401, "invalid_client"), false},
		"a server out of order":   {refuse(500, "server_error"), false},
		"too many":                {refuse(429, "slow_down"), false},
		"a page instead of JSON":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>secret-in-a-body")) }, false},
		"an answer without token": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, false},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/token", http.StatusTemporaryRedirect)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, time.Hour)
				c := office(t, s, nil).Consent(&drawer{token: s.issue()})
				pass(2 * time.Hour)
				s.failWith(test.fail)
				_, err := c.Access(t.Context())
				if err == nil || errors.Is(err, device.ErrRevoked) != test.revoked {
					t.Fatalf("the error is %v", err)
				}
				for _, secret := range []string{"secret", "refresh-", "access-"} {
					if strings.Contains(err.Error(), secret) {
						t.Fatalf("the error holds %q: %v", secret, err)
					}
				}
				if n := len(s.forms); n != 1 {
					t.Fatalf("asked %d times", n)
				}
				s.failWith(nil)
				pass(2 * time.Minute)
				if _, err := c.Access(t.Context()); (err == nil) == test.revoked {
					t.Fatalf("later: %v", err)
				}
			})
		})
	}
}

func TestATokenEndpointThatAsksToWaitIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		c := office(t, s, nil).Consent(&drawer{token: s.issue()})
		pass(2 * time.Hour)
		s.failWith(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "90")
			refuse(http.StatusTooManyRequests, "slow_down")(w, r)
		})
		_, err := c.Access(t.Context())
		if until := busyUntil(t, err); time.Until(until) != 90*time.Second {
			t.Fatalf("busy until %v", until)
		}
		s.failWith(nil)
		pass(89 * time.Second)
		if _, err := c.Access(t.Context()); err == nil || len(s.forms) != 1 {
			t.Fatalf("asked %d times (%v)", len(s.forms), err)
		}
		pass(time.Second)
		mustAccess(t, c, "access-2")
	})
}

func TestTwoNodesWithOneConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		kept := &drawer{token: s.issue()}
		o := office(t, s, nil)
		here, there := o.Consent(kept), o.Consent(kept)
		mustAccess(t, here, "access-1")
		mustAccess(t, there, "access-1")
		pass(55 * time.Minute)
		mustAccess(t, here, "access-2")
		mustAccess(t, there, "access-2") // taken from the keeper; its own refresh token is void
		if s.count() != 1 {
			t.Fatalf("%d refreshes", s.count())
		}
		pass(55 * time.Minute)
		s.mu.Lock()
		s.delay = time.Second
		s.mu.Unlock()
		var wg sync.WaitGroup
		for _, c := range []*Consent{here, there} { // at once: one of them is refused, and finds the other's
			wg.Go(func() { mustAccess(t, c, "access-3") })
			pass(10 * time.Millisecond)
		}
		wg.Wait()
	})
}

func TestARejectedTokenIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		c := office(t, s, nil).Consent(&drawer{token: s.issue()})
		mustAccess(t, c, "access-1")
		c.Reject("access-0") // an older one: nothing to do
		mustAccess(t, c, "access-1")
		c.Reject("access-1")
		mustAccess(t, c, "access-2")
	})
}

func TestATokenThatCannotBeKeptIsUsedAndKeptLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		kept := &drawer{token: s.issue()}
		c := office(t, s, nil).Consent(kept)
		pass(2 * time.Hour)
		kept.failWith(errors.New("the disk is full"))
		mustAccess(t, c, "access-2")
		pass(2 * time.Hour)
		if _, err := c.Access(t.Context()); err == nil || s.count() != 1 {
			t.Fatalf("a second token was asked for while the first was not kept: %v, %d refreshes", err, s.count())
		}
		kept.failWith(nil)
		pass(rest)
		mustAccess(t, c, "access-3")
		if got := kept.kept().AccessToken; got != "access-3" {
			t.Fatalf("kept is %q", got)
		}
	})
}

func TestWithdrawing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		kept := &drawer{token: s.issue()}
		c := office(t, s, nil).Consent(kept)
		mustAccess(t, c, "access-1")
		if err := c.Withdraw(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.withdrawn) != 1 || s.withdrawn[0] != "refresh-1" || kept.kept() != nil {
			t.Fatalf("the maker was told of %v; kept is %v", s.withdrawn, kept.kept())
		}
		for range 2 {
			if _, err := c.Access(t.Context()); !errors.Is(err, device.ErrRevoked) {
				t.Fatalf("after withdrawing: %v", err)
			}
		}
		if err := c.Give(t.Context(), s.issue()); err != nil {
			t.Fatal(err)
		}
		mustAccess(t, c, "access-2")
	})
}

func TestWithdrawingWinsOverARefreshOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		s.delay = time.Second
		kept := &drawer{token: s.issue()}
		c := office(t, s, nil).Consent(kept)
		pass(2 * time.Hour)
		go func() { _, _ = c.Access(t.Context()) }()
		synctest.Wait()
		if err := c.Withdraw(t.Context()); err != nil {
			t.Fatal(err)
		}
		if kept.kept() != nil || len(s.withdrawn) != 1 || s.withdrawn[0] != "refresh-2" {
			t.Fatalf("kept %v; withdrawn %v", kept.kept(), s.withdrawn)
		}
	})
}

func TestWithdrawingWhenTheMakerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		kept := &drawer{token: s.issue()}
		c := office(t, s, nil).Consent(kept)
		s.failWith(refuse(http.StatusBadGateway, ""))
		if err := c.Withdraw(t.Context()); err == nil {
			t.Fatal("nobody was told, and nothing says so")
		}
		if kept.kept() != nil {
			t.Fatal("the tokens are still here")
		}
	})
}

func TestConsentingWithPKCE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		o := office(t, s, func(c *OfficeConfig) {
			c.AuthParams, c.TokenParams = map[string]string{"mode": "live"}, map[string]string{"audience": "https://api.example"}
		})
		address, verifier := o.Begin("state-1")
		to, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := to.Query()
		for name, want := range map[string]string{
			"state": "state-1", "mode": "live", "code_challenge_method": "S256", "response_type": "code",
			"redirect_uri": "https://us.example/back", "client_id": "us", "scope": "lock",
		} {
			if q.Get(name) != want {
				t.Errorf("%s is %q; want %q", name, q.Get(name), want)
			}
		}
		if strings.Contains(address, verifier) {
			t.Fatal("the verifier is in the address")
		}
		s.verifiers["code-1"] = q.Get("code_challenge")
		if _, err := o.Finish(t.Context(), "code-1", "another verifier"); !errors.Is(err, device.ErrRevoked) {
			t.Fatalf("a stolen code: %v", err)
		}
		token, err := o.Finish(t.Context(), "code-1", verifier)
		if err != nil || token.RefreshToken == "" || token.ExpiresIn != 3600 {
			t.Fatalf("%+v, %v", token, err)
		}
		if got := s.forms[len(s.forms)-1].Get("audience"); got != "https://api.example" {
			t.Errorf("the audience is %q", got)
		}
	})
}

// TestKeepWithoutAStorm: ten thousand consents of the same moment are all renewed ahead of their end, at no moment too
// many, and none more often than needed.
func TestKeepWithoutAStorm(t *testing.T) {
	const cars, perSecond = 10_000, 5
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 8*time.Hour)
		spread := 0
		o := office(t, s, func(c *OfficeConfig) {
			c.Every, c.PerSecond = 6*time.Hour, perSecond
			c.Rand = func() float64 { spread++; return float64(spread%1000) / 1000 }
		})
		var all []*drawer
		for range cars {
			d := &drawer{token: s.issue()}
			all = append(all, d)
			o.Add(o.Consent(d))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.Keep(ctx) }()
		for range 24 {
			pass(30 * time.Minute)
			for i, d := range all {
				if !time.Now().Before(d.kept().Expiry) {
					t.Fatalf("consent %d has ended", i)
				}
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		o.Close()
		if n := len(s.refreshes); n < cars || n > 5*cars/2 {
			t.Fatalf("%d refreshes of %d consents in twelve hours", n, cars)
		}
		for i := perSecond + 1; i < len(s.refreshes); i++ {
			if s.refreshes[i].Sub(s.refreshes[i-perSecond-1]) < time.Second {
				t.Fatalf("a storm at %v", s.refreshes[i])
			}
		}
	})
}

func TestKeepForgetsWhatIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, time.Hour)
		o := office(t, s, func(c *OfficeConfig) { c.Every = 30 * time.Minute })
		gone, stays := o.Consent(&drawer{token: s.issue()}), o.Consent(&drawer{token: s.issue()})
		empty := o.Consent(&drawer{})
		for _, c := range []*Consent{gone, stays, stays, empty} {
			o.Add(c)
		}
		o.Remove(gone)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = o.Keep(ctx) }()
		pass(125 * time.Minute)
		if n := s.count(); n != 4 {
			t.Fatalf("%d refreshes; want one each half hour for one consent", n)
		}
	})
}

func TestOfficesThatAreRefused(t *testing.T) {
	for name, cfg := range map[string]OfficeConfig{
		"no client":   {AuthURL: "https://a.example", TokenURL: "https://a.example"},
		"plain http":  {ClientID: "us", AuthURL: "https://a.example", TokenURL: "http://a.example"},
		"no token":    {ClientID: "us", AuthURL: "https://a.example"},
		"no address":  {ClientID: "us", AuthURL: "::", TokenURL: "https://a.example"},
		"plain leave": {ClientID: "us", AuthURL: "https://a.example", TokenURL: "https://a.example", RevokeURL: "http://a.example"},
	} {
		if _, err := NewOffice(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

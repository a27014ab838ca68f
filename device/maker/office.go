package maker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"
)

// OfficeConfig is our registration at a maker's authorization server (OAuth 2, RFC 6749; PKCE, RFC 7636; revocation,
// RFC 7009).
type OfficeConfig struct {
	ClientID, ClientSecret string
	// AuthURL is where the customer consents, TokenURL where tokens come from, and RevokeURL where they are withdrawn;
	// "" where the maker has none.
	AuthURL, TokenURL, RevokeURL string
	// RedirectURL is where the maker sends the customer back to.
	RedirectURL string
	Scopes      []string
	// InHeader sends the client's id and secret as HTTP Basic; else they are parameters. It is never tried out: a code
	// that was shown twice is void at some makers.
	InHeader bool
	// AuthParams and TokenParams are added where the customer consents, and where the code is exchanged.
	AuthParams, TokenParams map[string]string
	// Every is the longest time between two refreshes of a consent that nobody uses, well below the life of the maker's
	// refresh tokens; a day if 0.
	Every time.Duration
	// PerSecond is how many refreshes a second Keep makes at most; 5 if 0.
	PerSecond float64
	// TLS overrides whom to trust; nil for the system's roots.
	TLS *tls.Config
	// Now tells the time (time.Now if nil), and Rand a number in [0, 1) that spreads refreshes (math/rand if nil).
	Now  func() time.Time
	Rand func() float64
	Log  *slog.Logger
}

// Office is where consents are given, refreshed and withdrawn. It is safe for concurrent use.
type Office struct {
	cfg    OfficeConfig
	oauth  oauth2.Config
	client *http.Client
	pace   *rate.Limiter
	queue  queue

	work sync.WaitGroup // refreshes on their way
}

// NewOffice makes an Office, or says what is wrong with its configuration.
func NewOffice(cfg OfficeConfig) (*Office, error) {
	for _, address := range []string{cfg.AuthURL, cfg.TokenURL, cfg.RevokeURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || !safe(u)) {
			return nil, errors.New("a maker's address of authorization must be https")
		}
	}
	if cfg.ClientID == "" || cfg.AuthURL == "" || cfg.TokenURL == "" {
		return nil, errors.New("a maker's registration needs a client id and its addresses of authorization and tokens")
	}
	cfg.fill()
	style := oauth2.AuthStyleInParams
	if cfg.InHeader {
		style = oauth2.AuthStyleInHeader
	}
	return &Office{
		cfg: cfg,
		oauth: oauth2.Config{
			ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RedirectURL: cfg.RedirectURL, Scopes: cfg.Scopes,
			Endpoint: oauth2.Endpoint{AuthURL: cfg.AuthURL, TokenURL: cfg.TokenURL, AuthStyle: style},
		},
		client: newClient(cfg.TLS), pace: rate.NewLimiter(rate.Limit(cfg.PerSecond), 1), queue: newQueue(),
	}, nil
}

func (c *OfficeConfig) fill() {
	if c.Every <= 0 {
		c.Every = 24 * time.Hour
	}
	if c.PerSecond <= 0 {
		c.PerSecond = 5
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Close waits for refreshes on their way: a token that was renewed and not kept is lost.
func (o *Office) Close() {
	o.work.Wait()
	o.client.CloseIdleConnections()
}

// Begin returns where to send the customer's browser to, and a verifier that proves later that we sent it. State comes
// back with the customer: it must be unguessable, and belong to the customer's own session. Both are used once.
func (o *Office) Begin(state string) (address, verifier string) {
	verifier = oauth2.GenerateVerifier()
	options := append(params(o.cfg.AuthParams), oauth2.S256ChallengeOption(verifier), oauth2.AccessTypeOffline)
	return o.oauth.AuthCodeURL(state, options...), verifier
}

// Finish exchanges the code, with which the customer came back, for tokens. They go to Consent.Give.
func (o *Office) Finish(ctx context.Context, code, verifier string) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, waits, errTooLong)
	defer cancel()
	token, err := o.oauth.Exchange(o.with(ctx), code, append(params(o.cfg.TokenParams), oauth2.VerifierOption(verifier))...)
	if err != nil {
		return nil, o.why(ctx, err)
	}
	return token, nil
}

func params(all map[string]string) []oauth2.AuthCodeOption {
	var options []oauth2.AuthCodeOption
	for name, value := range all {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return options
}

func (o *Office) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, o.client)
}

// refresh asks for new tokens, once.
func (o *Office) refresh(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, waits, errTooLong)
	defer cancel()
	fresh, err := o.oauth.TokenSource(o.with(ctx), &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	if err != nil {
		return nil, o.why(ctx, err)
	}
	return fresh, nil
}

// forGood are the errors (RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6) that no later try can mend: what the customer gave
// is gone. That our own registration is refused (invalid_client) is not among them.
var forGood = []string{"invalid_grant", "access_denied", "login_required", "consent_required", "interaction_required"}

// why is an error without what the server wrote, which may hold tokens.
func (o *Office) why(ctx context.Context, err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return fmt.Errorf("the maker's tokens can't be had now: %w", unanswered(ctx, hidden(err), true))
	}
	if slices.Contains(forGood, refused.ErrorCode) {
		return device.ErrRevoked
	}
	status := &StatusError{Status: refused.Response.StatusCode}
	if wait := refused.Response.Header.Get("Retry-After"); wait != "" || status.Status == http.StatusTooManyRequests {
		return errors.Join(&device.BusyError{RetryAt: retryAt(o.cfg.Now(), wait)}, status)
	}
	return status
}

// restUntil is when a refresh that failed may be tried again.
func (o *Office) restUntil(err error) time.Time {
	var busy *device.BusyError
	if errors.As(err, &busy) {
		return busy.RetryAt
	}
	return o.cfg.Now().Add(rest)
}

// hidden is the error if it is the network's, and the like of it if it may quote an answer.
func hidden(err error) error {
	var network *url.Error
	if errors.As(err, &network) {
		return network
	}
	return device.ErrNonsense
}

// withdraw tells the maker that a consent ends.
func (o *Office) withdraw(ctx context.Context, token *oauth2.Token) error {
	if o.cfg.RevokeURL == "" || token == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, waits, errTooLong)
	defer cancel()
	form := url.Values{"token": {token.RefreshToken}, "token_type_hint": {"refresh_token"}}
	if !o.cfg.InHeader {
		form.Set("client_id", o.cfg.ClientID)
		if o.cfg.ClientSecret != "" {
			form.Set("client_secret", o.cfg.ClientSecret)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.cfg.RevokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("the maker's address for withdrawing is wrong")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if o.cfg.InHeader {
		request.SetBasicAuth(url.QueryEscape(o.cfg.ClientID), url.QueryEscape(o.cfg.ClientSecret))
	}
	response, err := o.client.Do(request)
	if err != nil {
		return fmt.Errorf("the maker was not told: %w", unanswered(ctx, err, true))
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the maker was not told: %w", &StatusError{Status: response.StatusCode})
	}
	return nil
}

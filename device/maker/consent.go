package maker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"golang.org/x/oauth2"
)

// Keeper keeps the tokens of one consent, encrypted at rest. Several nodes may share what it keeps.
type Keeper interface {
	// Load returns the tokens that were saved last, or nil where there are none.
	Load(ctx context.Context) (*oauth2.Token, error)
	// Save replaces the tokens, durably; nil erases them.
	Save(ctx context.Context, t *oauth2.Token) error
}

// Lengths of a consent's life.
const (
	// early is how long before its end a token is renewed at the latest; a tenth of its life if that is longer.
	early = time.Minute
	// saves is how long keeping a renewed token may take. It is not cut short: the token that it replaces is void.
	saves = 10 * time.Second
	// rest is how long after a refresh that failed no other is tried, unless the maker says how long.
	rest = 5 * time.Second
)

// Consent is what one customer allowed us at the maker. All methods may be called by several goroutines at once.
type Consent struct {
	office *Office
	keeper Keeper

	mu      sync.Mutex
	token   *oauth2.Token // as known here; nil before the first use
	unsaved bool          // the token is newer than what is kept
	stale   string        // an access token that the maker did not take
	refused string        // a refresh token that was refused for good
	ended   bool          // withdrawn here
	flight  *flight       // the refresh on its way, if any
	failed  error         // what the last refresh failed with, good until resting
	resting time.Time
	spread  float64 // this consent's own share of jitter, in [0, 1)
	lost    func(context.Context)
}

// flight is one refresh, which many may wait for.
type flight struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// Consent makes the consent whose tokens the keeper has. It asks for nothing yet.
func (o *Office) Consent(keeper Keeper) *Consent {
	return &Consent{office: o, keeper: keeper, spread: o.cfg.Rand()}
}

// OnLost has tell called each time that the maker refuses the tokens for good, by whomever that was found out. Office.Close
// waits for it. Call it before the consent is used.
func (c *Consent) OnLost(tell func(context.Context)) { c.lost = tell }

// Give keeps tokens that the customer has just consented to, and forgets those before.
func (c *Consent) Give(ctx context.Context, t *oauth2.Token) error {
	if err := c.keeper.Save(ctx, t); err != nil {
		return fmt.Errorf("the maker's tokens can't be kept: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.unsaved, c.stale, c.refused, c.ended, c.failed = t, false, "", "", false, nil
	return nil
}

// Withdraw ends the consent: nothing is asked with it any more, from now on and whatever becomes of the rest; what is
// kept is erased; and the maker is told. An error says what of that could not be done; it may be repeated.
func (c *Consent) Withdraw(ctx context.Context) error {
	token, err := c.end(ctx)
	if err != nil {
		return fmt.Errorf("the maker's tokens can't be read: %w", err)
	}
	told := c.office.withdraw(ctx, token)
	if err := c.keeper.Save(ctx, nil); err != nil {
		return errors.Join(told, fmt.Errorf("the maker's tokens can't be erased: %w", err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.unsaved = nil, false
	return told
}

// end stops all use, waits for a refresh on its way, and returns the last tokens.
func (c *Consent) end(ctx context.Context) (*oauth2.Token, error) {
	c.mu.Lock()
	c.ended = true
	running, token := c.flight, c.token
	c.mu.Unlock()
	if running != nil {
		select {
		case <-running.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c.mu.Lock()
		token = c.token
		c.mu.Unlock()
	}
	if token != nil {
		return token, nil
	}
	return c.keeper.Load(ctx)
}

// Access returns an access token that is good for a while. It is renewed ahead of its end; as long as it is good, a
// failing refresh is no error. An error that wraps device.ErrRevoked says that only the customer can mend it.
func (c *Consent) Access(ctx context.Context) (string, error) {
	token, err := c.current(ctx)
	if err != nil {
		return "", err
	}
	if !c.wanting(token) {
		return token.AccessToken, nil
	}
	fresh, err := c.renew(ctx, token)
	if err == nil {
		return fresh.AccessToken, nil
	}
	if errors.Is(err, device.ErrRevoked) || !c.usable(token) {
		return "", err
	}
	return token.AccessToken, nil
}

// Reject says that the maker did not take an access token: the next use renews it.
func (c *Consent) Reject(access string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = access
}

// Renew renews the tokens now, whatever their age, so that a consent that nobody uses does not end by itself.
func (c *Consent) Renew(ctx context.Context) error {
	token, err := c.current(ctx)
	if err != nil {
		return err
	}
	_, err = c.renew(ctx, token)
	return err
}

// Due is when Renew should be called next, as far as is known here.
func (c *Consent) Due() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, every := c.office.cfg.Now(), c.office.cfg.Every
	if c.token == nil {
		return now
	}
	since := now
	if begun := c.token.Expiry.Add(-life(c.token)); c.token.ExpiresIn > 0 && begun.Before(now) {
		since = begun
	}
	return since.Add(every - time.Duration(c.spread*float64(every)/10))
}

// current returns the tokens as they are known; from the keeper at first, and after a refusal.
func (c *Consent) current(ctx context.Context) (*oauth2.Token, error) {
	c.mu.Lock()
	token, refused, ended := c.token, c.refused, c.ended
	c.mu.Unlock()
	if ended {
		return nil, device.ErrRevoked
	}
	if token != nil && (refused == "" || token.RefreshToken != refused) {
		return token, nil
	}
	kept, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	if kept.RefreshToken == refused {
		return nil, device.ErrRevoked
	}
	return kept, nil
}

// load takes what is kept, unless what is known here is newer.
func (c *Consent) load(ctx context.Context) (*oauth2.Token, error) {
	kept, err := c.keeper.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("the maker's tokens can't be read: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsaved {
		return c.token, nil
	}
	if kept == nil || kept.RefreshToken == "" || c.ended {
		return nil, device.ErrRevoked
	}
	c.token = kept
	return kept, nil
}

// life is how long a token was made for; 0 if unknown.
func life(t *oauth2.Token) time.Duration { return time.Duration(t.ExpiresIn) * time.Second }

// wanting says whether a token should be renewed before it is used. The moment differs from consent to consent.
func (c *Consent) wanting(t *oauth2.Token) bool {
	if !c.usable(t) {
		return true
	}
	ahead := max(early, life(t)/10)
	ahead += time.Duration(c.spread * float64(ahead))
	return !t.Expiry.IsZero() && !c.office.cfg.Now().Before(t.Expiry.Add(-ahead))
}

// usable says whether the maker may still take it.
func (c *Consent) usable(t *oauth2.Token) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.AccessToken != "" && t.AccessToken != c.stale &&
		(t.Expiry.IsZero() || c.office.cfg.Now().Before(t.Expiry.Add(-waits)))
}

// renew makes one refresh at a time, which goes on when the caller leaves: its answer voids the tokens before.
func (c *Consent) renew(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	c.mu.Lock()
	if c.token != nil && c.token.AccessToken != old.AccessToken && !c.ended { // another one was faster
		defer c.mu.Unlock()
		return c.token, nil
	}
	f := c.flight
	if f == nil {
		if c.failed != nil && c.office.cfg.Now().Before(c.resting) {
			defer c.mu.Unlock()
			return nil, c.failed
		}
		f = &flight{done: make(chan struct{})}
		c.flight = f
		detached := context.WithoutCancel(ctx)
		c.office.work.Go(func() { c.fly(detached, f) })
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fly is one refresh.
func (c *Consent) fly(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, waits+2*saves)
	defer cancel()
	token, err := c.fresh(ctx)
	c.land(f, token, err)
	if errors.Is(err, device.ErrRevoked) && c.lost != nil && !c.isEnded() {
		c.lost(ctx)
	}
}

// land tells everybody who waits what came of it.
func (c *Consent) land(f *flight, token *oauth2.Token, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed = err; err != nil {
		c.resting = c.office.restUntil(err)
	}
	f.token, f.err = token, err
	c.flight = nil
	close(f.done)
}

func (c *Consent) isEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// fresh takes what another node has renewed meanwhile, or renews it.
func (c *Consent) fresh(ctx context.Context) (*oauth2.Token, error) {
	known := c.known()
	kept, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	if known != nil && kept.AccessToken != known.AccessToken && !c.wanting(kept) {
		return kept, nil
	}
	return c.exchange(ctx, kept)
}

func (c *Consent) known() *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// exchange renews the tokens at the maker and keeps them. A maker that refuses for good may have been asked with a token
// that another node had just renewed: then that one's is taken.
func (c *Consent) exchange(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	if err := c.saveAgain(ctx); err != nil {
		return nil, err
	}
	fresh, err := c.office.refresh(ctx, old)
	if errors.Is(err, device.ErrRevoked) {
		return c.refusedFor(ctx, old)
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.token, c.unsaved, c.stale = fresh, true, ""
	c.mu.Unlock()
	if err := c.saveAgain(ctx); err != nil { // it is good all the same, and is saved before the next one
		c.office.cfg.Log.Error("a maker's renewed tokens could not be kept", "error", err)
	}
	return fresh, nil
}

// saveAgain keeps what could not be kept before. Without it no refresh is made: the next token would be lost as well.
func (c *Consent) saveAgain(ctx context.Context) error {
	c.mu.Lock()
	token, unsaved := c.token, c.unsaved
	c.mu.Unlock()
	if !unsaved {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, saves)
	defer cancel()
	if err := c.keeper.Save(ctx, token); err != nil {
		return fmt.Errorf("the maker's tokens can't be kept: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.unsaved = false
	}
	return nil
}

func (c *Consent) refusedFor(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	if kept, err := c.keeper.Load(ctx); err == nil && kept != nil && kept.RefreshToken != old.RefreshToken {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.token = kept
		return kept, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = old.RefreshToken
	return nil, device.ErrRevoked
}

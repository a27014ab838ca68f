package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/loquet/loquet/auth"
)

// proofHeader is where a courier's device signs; sessions are in cookies of package auth or in Authorization.
const proofHeader = "Loquet-Proof"

// limits bound how much each principal may ask: a burst, then so much per second.
type limits struct {
	clients, members, viewers, couriers, strangers, readings, photos, signals, makers *auth.Limiter
}

func newLimits(now func() time.Time) limits {
	const most = 100_000
	return limits{
		clients:   auth.NewLimiter(400, 20*time.Millisecond, most, now),
		members:   auth.NewLimiter(120, 200*time.Millisecond, most, now),
		viewers:   auth.NewLimiter(400, 20*time.Millisecond, most, now),
		couriers:  auth.NewLimiter(120, 200*time.Millisecond, most, now),
		strangers: auth.NewLimiter(20, 3*time.Second, most, now),
		// Of each device: an answer costs its battery.
		readings: auth.NewLimiter(3, 10*time.Second, most, now),
		// Of each household: makers of cars count the questions of all of them together.
		makers: auth.NewLimiter(12, 2*time.Minute, most, now),
		// Of each visit, or delivery.
		photos: auth.NewLimiter(5, 30*time.Second, most, now),
		// Of each visit: its maker counts them too.
		signals: auth.NewLimiter(3, 20*time.Second, most, now),
	}
}

// credentials returns what follows a scheme's name in the Authorization field; "" if it is another's.
func credentials(r *http.Request, scheme string) string {
	name, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(name, scheme) {
		return ""
	}
	return strings.TrimSpace(value)
}

func (a *API) client(ctx context.Context, r *http.Request, scope auth.Scope) (auth.Client, error) {
	c, err := a.Keys.Check(ctx, credentials(r, "Bearer"))
	if err != nil {
		return auth.Client{}, err
	}
	if err := a.limits.clients.Allow(c.Key()); err != nil {
		return auth.Client{}, err
	}
	return c, c.Require(scope)
}

func (a *API) member(ctx context.Context, r *http.Request) (auth.Member, error) {
	return a.memberWithin(ctx, r, a.limits.members)
}

// viewer is a member who watches a visit: a player asks for a fifth of a second at a time, and for the list of them.
func (a *API) viewer(ctx context.Context, r *http.Request) (auth.Member, error) {
	return a.memberWithin(ctx, r, a.limits.viewers)
}

func (a *API) memberWithin(ctx context.Context, r *http.Request, limit *auth.Limiter) (auth.Member, error) {
	token := credentials(r, "Session")
	if token == "" {
		token = auth.TokenIn(r, auth.MemberCookie)
	}
	m, err := a.Sessions.Check(ctx, token)
	if err != nil {
		return auth.Member{}, err
	}
	return m, limit.Allow(string(m.ID()))
}

func (a *API) courier(ctx context.Context, r *http.Request) (auth.Courier, error) {
	c, err := a.Couriers.Verify(ctx, a.signedRequest(ctx, r))
	if err != nil {
		return auth.Courier{}, err
	}
	return c, a.limits.couriers.Allow(string(c.ID()))
}

// signedRequest is the request as a device signed it.
func (a *API) signedRequest(ctx context.Context, r *http.Request) auth.Request {
	c := callOf(ctx)
	return auth.Request{Method: c.method, URL: c.url, Body: c.body, Proof: r.Header.Get(proofHeader)}
}

func (a *API) stranger(ctx context.Context, r *http.Request) (stranger, error) {
	from := callOf(ctx).from
	return stranger{auth.ArrivalOf(r, from)}, a.limits.strangers.Allow(from)
}

// asOperator refuses everybody's keys but an operator's.
func asOperator(c auth.Client) error {
	if c.Role() != auth.Operator {
		return forbidden("Only an operator's API key may do this.").because(errors.New("role " + string(c.Role())))
	}
	return nil
}

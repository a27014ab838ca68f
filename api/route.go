package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loquet/loquet/auth"
)

// route is one operation of the API.
type route struct {
	method, path string
	id           string
	summary      string
	// about is said below the summary.
	about string
	tag   string
	// status is that of success; 200 when 0.
	status int
	// scope is what an API key needs.
	scope auth.Scope
	// media is what is answered, unless it is JSON.
	media string
}

// handler serves a route: P is who asks, I the input, O the answer.
type handler[P, I, O any] func(ctx context.Context, who P, in *I) (*O, error)

// forClient registers a route for API keys with the route's scope.
func forClient[I, O any](a *API, r route, h handler[auth.Client, I, O]) {
	who := func(ctx context.Context, req *http.Request) (auth.Client, error) { return a.client(ctx, req, r.scope) }
	serve(a, r, []string{schemeKey}, who, h)
}

// forMember registers a route for signed-in members.
func forMember[I, O any](a *API, r route, h handler[auth.Member, I, O]) {
	serve(a, r, memberSchemes, a.member, h)
}

var memberSchemes = []string{schemeCookie, schemeSession}

// forCourier registers a route for couriers' bound devices.
func forCourier[I, O any](a *API, r route, h handler[auth.Courier, I, O]) {
	serve(a, r, []string{schemeProof}, a.courier, h)
}

// stranger is who has not said who it is.
type stranger struct{ auth.Arrival }

// forStranger registers a route for whoever has a one-time secret in its body.
func forStranger[I, O any](a *API, r route, h handler[stranger, I, O]) {
	serve(a, r, nil, a.stranger, h)
}

// principal is the key under which a request's context holds who asks.
type principal[P any] struct{}

func serve[P, I, O any](a *API, r route, schemes []string, who func(context.Context, *http.Request) (P, error), h handler[P, I, O]) {
	a.askable[nameOf(h)] = askable{r.scope, paramsOf(a.schemas(), reflect.TypeFor[I]())}
	op := a.operation(r, schemes)
	op.Middlewares = huma.Middlewares{func(hc huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(hc)
		p, err := who(hc.Context(), req)
		if err != nil {
			a.fail(w, req, explained(err))
			return
		}
		callOf(hc.Context()).again = func(ctx context.Context) error {
			_, err := who(ctx, req)
			return err
		}
		next(huma.WithValue(hc, principal[P]{}, p))
	}}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		p, ok := ctx.Value(principal[P]{}).(P)
		if !ok {
			return nil, a.told(ctx, internal())
		}
		out, known, err := replayed[O](ctx, a, scoped(p))
		if err == nil && !known {
			out, err = h(ctx, p, in)
		}
		if err != nil {
			return nil, a.told(ctx, explained(err))
		}
		return out, nil
	})
}

// bodyIsHere keeps Huma from limiting the time for reading a body that the guard has read: that limit would go on behind
// it, and end each request after five seconds.
const bodyIsHere = -1

func (a *API) operation(r route, schemes []string) huma.Operation {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Description: r.about, Tags: []string{r.tag},
		DefaultStatus: r.status, MaxBodyBytes: maxBody + 1, BodyReadTimeout: bodyIsHere, Responses: map[string]*huma.Response{"default": a.problemResponse()}}
	for _, s := range schemes {
		op.Security = append(op.Security, map[string][]string{s: {}})
	}
	if r.media != "" {
		op.Responses[strconv.Itoa(r.status)] = &huma.Response{Description: http.StatusText(r.status),
			Content: map[string]*huma.MediaType{r.media: {Schema: &huma.Schema{Type: huma.TypeString}}}}
	}
	return op
}

func (a *API) problemResponse() *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	return &huma.Response{Description: "An error: nothing was done, unless the code is `uncertain`.",
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}

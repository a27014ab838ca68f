package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"runtime"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
)

// Call is a page's request, as the operations that it asks for see it.
type Call struct {
	Lang phrase.Lang
	// Key makes a form that is sent again do its work once; "" where nothing is changed.
	Key string
	// Page is the address that the form went to: one key counts for one address.
	Page string
	// From is where the request comes from, for the logs' reference alone.
	From string
	// Again checks anew that the person may still ask: what goes on after the answer, as a stream does, asks it now and
	// then. Left out, such things end at the first time.
	Again func(context.Context) error
}

// Ask has an operation done for somebody whom a page of this server has authenticated, as the operation's route would:
// with the same scope, the same checks of what is sent, the same memory of answers and the same errors. Every operation
// is the method of API that is named like it; nothing else is done.
func Ask[P, I, O any](ctx context.Context, a *API, c Call, who P, operation func(context.Context, P, *I) (*O, error), in *I) (*O, *Problem) {
	ctx, err := a.called(ctx, c, in)
	if err != nil {
		return nil, a.told(ctx, explained(err))
	}
	if err := a.limits.viewers.Allow(scoped(who)); err != nil {
		return nil, a.told(ctx, explained(err))
	}
	known, err := mayAsk(a, who, operation)
	if err != nil {
		return nil, a.told(ctx, explained(err))
	}
	if p := a.acceptable(known.params, in); p != nil {
		return nil, a.told(ctx, p)
	}
	out, before, err := replayed[O](ctx, a, scoped(who))
	if err == nil && !before {
		out, err = operation(ctx, who, in)
	}
	if err != nil {
		return nil, a.told(ctx, explained(err))
	}
	return out, nil
}

// askable is what a page's asking an operation has of the operation's route.
type askable struct {
	scope  auth.Scope
	params []param
}

// mayAsk finds the operation's route and requires its scope. What has no route is an error, so that a function of a
// page's own, or one whose route was forgotten, is refused to everybody.
func mayAsk[P, I, O any](a *API, who P, operation handler[P, I, O]) (askable, error) {
	name := nameOf(operation)
	known, routed := a.askable[name]
	if !routed {
		return known, fmt.Errorf("api: %s is asked by a page, and has no route", name)
	}
	if c, is := any(who).(auth.Client); is {
		return known, c.Require(known.scope)
	}
	return known, nil
}

// nameOf is the same for an operation wherever its method is named, and another's for no other function.
func nameOf[P, I, O any](operation handler[P, I, O]) string {
	return runtime.FuncForPC(reflect.ValueOf(operation).Pointer()).Name()
}

// CourierBehind returns the courier whose phone signed a page's request, checked and limited as the API's own requests
// are. The request must come to the address that its signature names: PublicURL and the path as it came.
func (a *API) CourierBehind(r *http.Request) (auth.Courier, *Problem) {
	ctx := context.WithValue(r.Context(), callKey{}, a.newCall(r))
	who, err := a.courier(ctx, r)
	if err != nil {
		return auth.Courier{}, a.told(ctx, explained(err))
	}
	return who, nil
}

// called puts the request into the context. Its digest is of what is asked, as that of a route is of its body.
func (a *API) called(ctx context.Context, c Call, in any) (context.Context, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return ctx, fmt.Errorf("api: what a page asks: %w", err)
	}
	if c.Again == nil {
		c.Again = func(context.Context) error { return auth.ErrSession }
	}
	made := &call{reference: a.reference(), lang: c.Lang, method: http.MethodPost, path: c.Page, body: body, from: c.From, key: c.Key, browser: true, again: c.Again}
	return context.WithValue(ctx, callKey{}, made), nil
}

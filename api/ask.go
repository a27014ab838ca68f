package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

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
}

// Ask has an operation done for somebody whom a page of this server has authenticated, as the operation's route would:
// with the same checks of what is sent, the same memory of answers and the same errors. The route's scope is not
// checked here: a page for the operator's staff checks the role first. Every operation is the method of API that is
// named like it.
func Ask[P, I, O any](ctx context.Context, a *API, c Call, who P, operation func(context.Context, P, *I) (*O, error), in *I) (*O, *Problem) {
	ctx, err := a.called(ctx, c, in)
	if err != nil {
		return nil, a.told(ctx, explained(err))
	}
	if err := a.limits.viewers.Allow(scoped(who)); err != nil {
		return nil, a.told(ctx, explained(err))
	}
	if p := a.acceptable(in); p != nil {
		return nil, a.told(ctx, p)
	}
	out, known, err := replayed[O](ctx, a, scoped(who))
	if err == nil && !known {
		out, err = operation(ctx, who, in)
	}
	if err != nil {
		return nil, a.told(ctx, explained(err))
	}
	return out, nil
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
	made := &call{reference: a.reference(), lang: c.Lang, method: http.MethodPost, path: c.Page, body: body, from: c.From, key: c.Key, browser: true}
	return context.WithValue(ctx, callKey{}, made), nil
}

// acceptable checks the body of an input as its route does.
func (a *API) acceptable(in any) *Problem {
	body := reflect.ValueOf(in).Elem()
	if body.Kind() != reflect.Struct || !body.FieldByName("Body").IsValid() {
		return nil
	}
	sent := body.FieldByName("Body")
	if sent.Kind() == reflect.Pointer {
		if sent.IsNil() {
			return nil
		}
		sent = sent.Elem()
	}
	encoded, err := json.Marshal(sent.Interface())
	if err != nil {
		return internal().because(err)
	}
	var plain any
	if err := json.Unmarshal(encoded, &plain); err != nil {
		return internal().because(err)
	}
	schemas := a.huma.OpenAPI().Components.Schemas
	where, found := huma.NewPathBuffer(nil, 0), &huma.ValidateResult{}
	where.Push("body")
	huma.Validate(schemas, schemas.Schema(sent.Type(), true, ""), where, huma.ModeWriteToServer, plain, found)
	if len(found.Errors) == 0 {
		return nil
	}
	p := unacceptable(http.StatusUnprocessableEntity)
	for _, e := range found.Errors {
		if detail, ok := e.(huma.ErrorDetailer); ok {
			d := detail.ErrorDetail()
			_ = p.about(clipped(d.Location, 200), harmless(d.Message))
		}
	}
	return p
}

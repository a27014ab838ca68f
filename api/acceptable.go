package api

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// param is a part of an operation's address, and what may stand there.
type param struct {
	index []int
	// place is "path" or "query".
	place, name string
	required    bool
	schema      *huma.Schema
}

// paramsOf are those of an operation's input.
func paramsOf(schemas huma.Registry, in reflect.Type) (all []param) {
	for _, f := range reflect.VisibleFields(in) {
		for _, place := range []string{"path", "query"} {
			if name, is := f.Tag.Lookup(place); is {
				all = append(all, param{f.Index, place, name, f.Tag.Get("required") == "true", huma.SchemaFromField(schemas, f, "")})
			}
		}
	}
	return all
}

// put fills in the default of a number that was left out, and says whether there is something to check.
func (p param) put(v reflect.Value) bool {
	if v.IsZero() && p.schema.Default != nil && v.CanInt() {
		v.Set(reflect.ValueOf(p.schema.Default).Convert(v.Type()))
	}
	return p.required || !v.IsZero()
}

// acceptable checks an input as its route does what is sent.
func (a *API) acceptable(params []param, in any) *Problem {
	v := reflect.ValueOf(in).Elem()
	found := &huma.ValidateResult{}
	for _, p := range params {
		if at := v.FieldByIndex(p.index); p.put(at) {
			if err := a.check(p.schema, at, found, p.place, p.name); err != nil {
				return internal().because(err)
			}
		}
	}
	if body, is := bodyIn(v); is {
		if err := a.check(a.schemas().Schema(body.Type(), true, ""), body, found, "body"); err != nil {
			return internal().because(err)
		}
	}
	return unaccepted(found)
}

// bodyIn is what was sent as an input's body, if anything can be and was.
func bodyIn(in reflect.Value) (reflect.Value, bool) {
	body := in.FieldByName("Body")
	if body.IsValid() && body.Kind() == reflect.Pointer {
		body = body.Elem()
	}
	return body, body.IsValid()
}

func (a *API) schemas() huma.Registry { return a.huma.OpenAPI().Components.Schemas }

// check adds to found what the schema has against a value, in the form in which it would have been sent.
func (a *API) check(schema *huma.Schema, v reflect.Value, found *huma.ValidateResult, where ...string) error {
	encoded, err := json.Marshal(v.Interface())
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(encoded, &plain); err != nil {
		return err
	}
	path := huma.NewPathBuffer(nil, 0)
	for _, name := range where {
		path.Push(name)
	}
	huma.Validate(a.schemas(), schema, path, huma.ModeWriteToServer, plain, found)
	return nil
}

// unaccepted makes a problem of what was found; nil if nothing was.
func unaccepted(found *huma.ValidateResult) *Problem {
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

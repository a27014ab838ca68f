package api_test

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const described = "../docs/openapi.json"

// The committed description is what the code serves. `go test ./api -run TestDescriptionIsCommitted -update` renews it.
func TestDescriptionIsCommitted(t *testing.T) {
	w := newWorld(t)
	served := w.anybody().send("GET", "/openapi.json", nil).want(200, nil)
	if ct := served.header.Get("Content-Type"); ct != "application/openapi+json" {
		t.Errorf("served as %q", ct)
	}
	if *update {
		must(t, os.MkdirAll("../docs", 0o755))
		must(t, os.WriteFile(described, served.body, 0o644))
	}
	committed := get(os.ReadFile(described))(t)
	if !bytes.Equal(committed, served.body) {
		t.Errorf("%s is not what the routes say; renew it with -update", described)
	}
}

func TestDescriptionIsValid(t *testing.T) {
	if valid, found := description(t).ValidateDocument(); !valid {
		t.Error(explain(found))
	}
}

// description is the committed description, as a validator of requests' answers.
func description(t testing.TB) validator.Validator {
	t.Helper()
	return get(loadDescription())(t)
}

var loadDescription = sync.OnceValues(func() (validator.Validator, error) {
	text, err := os.ReadFile(described)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// validating is held while an answer is checked: the validator is for one at a time.
var validating sync.Mutex

// conforms checks an answer against the description: every test that makes a request is a test of it, too.
func conforms(t testing.TB, req *http.Request, r reply) {
	t.Helper()
	ct := r.header.Get("Content-Type")
	if ct != "application/json" && ct != "application/problem+json" || !strings.HasPrefix(req.URL.Path, "/v1/") || r.status == 404 || r.status == 405 {
		return
	}
	described := &http.Response{StatusCode: r.status, Header: r.header, Body: http.NoBody, Request: req}
	described.Body = readCloser{bytes.NewReader(r.body)}
	validating.Lock()
	defer validating.Unlock()
	if valid, found := description(t).ValidateHttpResponse(req, described); !valid {
		t.Errorf("%s %s answered what is not described: %s\n%s", req.Method, req.URL.Path, explain(found), r.body)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func explain(found []*errors.ValidationError) string {
	var said []string
	for _, e := range found {
		said = append(said, e.Message+": "+e.Reason)
		for _, s := range e.SchemaValidationErrors {
			said = append(said, s.Location+": "+s.Reason)
		}
	}
	return strings.Join(said, "; ")
}

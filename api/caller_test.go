package api_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
)

// caller is one outsider.
type caller struct {
	w    *world
	sign func(r *http.Request, body []byte)
}

type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// send makes a request; a string or bytes are sent as they are.
func (c caller) send(method, path string, body any, header ...string) reply {
	c.w.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	case []byte:
		raw = b
	default:
		raw = get(json.Marshal(b))(c.w.t)
	}
	req := get(http.NewRequestWithContext(c.w.t.Context(), method, c.w.url+path, bytes.NewReader(raw)))(c.w.t)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if c.sign != nil {
		c.sign(req, raw)
	}
	res, err := c.w.transport.RoundTrip(req)
	must(c.w.t, err)
	defer res.Body.Close()
	r := reply{c.w.t, res.StatusCode, res.Header, get(io.ReadAll(res.Body))(c.w.t)}
	conforms(c.w.t, req, r)
	for _, secret := range c.w.secrets {
		if bytes.Contains(r.body, []byte(secret)) {
			c.w.t.Errorf("%s %s tells %q: %s", method, path, secret, r.body)
		}
	}
	if c.w.heard != nil {
		c.w.heard(method, path, string(r.body))
	}
	return r
}

// want checks the status and decodes the answer.
func (r reply) want(status int, into any) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, not %d: %s", r.status, status, r.body)
	}
	if into != nil {
		reflect.ValueOf(into).Elem().SetZero()
		must(r.t, json.Unmarshal(r.body, into))
	}
	return r
}

// problem checks that the answer is a problem with this code.
func (r reply) problem(status int, code string) api.Problem {
	r.t.Helper()
	var p api.Problem
	r.want(status, &p)
	if p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" || p.Reference == "" {
		r.t.Fatalf("not a problem %q: %s", code, r.body)
	}
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		r.t.Fatalf("a problem as %q", ct)
	}
	return p
}

func (c caller) get(path string, into any) reply {
	c.w.t.Helper()
	return c.send("GET", path, nil).want(200, into)
}

func (c caller) post(path string, body, into any) reply {
	c.w.t.Helper()
	r := c.send("POST", path, body)
	if r.status != 200 && r.status != 201 {
		c.w.t.Fatalf("POST %s: %d %s", path, r.status, r.body)
	}
	return r.want(r.status, into)
}

func (w *world) anybody() caller { return caller{w: w} }

func bearing(scheme, secret string) func(*http.Request, []byte) {
	return func(r *http.Request, _ []byte) { r.Header.Set("Authorization", scheme+" "+secret) }
}

func (w *world) key(role auth.Role, identity string, scopes ...auth.Scope) caller {
	w.t.Helper()
	if len(scopes) == 0 {
		scopes = auth.Scopes()
	}
	_, text, err := w.keys.Create(w.t.Context(), auth.KeyRequest{Role: role, Identity: identity, Scopes: scopes})
	must(w.t, err)
	return caller{w, bearing("Bearer", text)}
}

func (w *world) operator() caller { return w.key(auth.Operator, "swift") }

func (w *world) merchant(name string) caller { return w.key(auth.Merchant, name) }

// phone is a courier's device.
type phone struct {
	caller
	courier event.CourierID
	key     *ecdsa.PrivateKey
}

func (w *world) newPhone() phone {
	key := get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(w.t)
	return phone{caller: caller{w, w.signing(key)}, key: key}
}

func (w *world) signing(key *ecdsa.PrivateKey) func(*http.Request, []byte) {
	return func(r *http.Request, body []byte) {
		id := get(auth.NewProofID(rand.Reader))(w.t)
		r.Header.Set("Loquet-Proof", get(auth.Prove(key, r.Method, r.URL.String(), body, w.clock.now(), id))(w.t))
	}
}

// courier registers a courier and binds a new phone.
func (w *world) courier(id event.CourierID) phone {
	w.t.Helper()
	w.operator().post("/v1/couriers", api.CourierRequest{ID: id, Name: "Anna Sommer"}, nil)
	p := w.newPhone()
	p.courier = id
	p.pair(get(w.couriers.Invite(w.t.Context(), id))(w.t).Code).want(201, nil)
	return p
}

func (p phone) pair(code string) reply {
	p.w.t.Helper()
	jwk, _, err := proof.KeyFrom(&p.key.PublicKey)
	must(p.w.t, err)
	return p.send("POST", "/v1/pair", api.PairRequest{Code: code, PublicJWK: jwk})
}

// Package client speaks the HTTP API as an outsider does: with an API key, a member's session, or a courier's
// device key that signs each request. The demo and the end-to-end tests are its users; an integrator may be too.
package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
)

// Caller is one outsider. Not safe for concurrent use; copies are independent.
type Caller struct {
	// URL is scheme and host of the server.
	URL string
	// Authorize adds what shows who calls.
	Authorize func(r *http.Request, body []byte) error
	// last is the request that was sent last, as an eavesdropper would have it.
	last struct {
		request *http.Request
		body    []byte
	}
}

// WithSecret shows an API key (scheme Bearer) or a member's session (scheme Session).
func WithSecret(scheme, secret string) func(*http.Request, []byte) error {
	return func(r *http.Request, _ []byte) error {
		r.Header.Set("Authorization", scheme+" "+secret)
		return nil
	}
}

// SignedBy signs each request anew, as the courier's phone does.
func SignedBy(key *ecdsa.PrivateKey) func(*http.Request, []byte) error {
	return func(r *http.Request, body []byte) error {
		id, err := auth.NewProofID(rand.Reader)
		if err != nil {
			return err
		}
		proof, err := auth.Prove(key, r.Method, r.URL.String(), body, time.Now(), id)
		r.Header.Set("Loquet-Proof", proof)
		return err
	}
}

// Problem is an error as the API writes it (RFC 9457).
type Problem struct {
	// Request is the method and the path that were asked for.
	Request string `json:"-"`
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Title   string `json:"title"`
	Detail  string `json:"detail"`
}

// Error says what the server said.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", p.Request, p.Status, p.Title, p.Detail)
}

// ErrUnanswered: the connection broke before an answer came; nobody knows what happened.
var ErrUnanswered = errors.New("no answer")

// Call makes one request and decodes the answer into answer, unless that is nil.
func (c *Caller) Call(ctx context.Context, method, path string, body, answer any) error {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.Authorize(req, encoded); err != nil {
		return err
	}
	c.last.request, c.last.body = req.Clone(ctx), encoded
	return send(req, answer)
}

// Again sends the last request once more, byte for byte.
func (c *Caller) Again(answer any) error {
	req := c.last.request.Clone(c.last.request.Context())
	req.Body = io.NopCloser(bytes.NewReader(c.last.body))
	return send(req, answer)
}

// patient gives a server that hangs up after a while.
var patient = &http.Client{Timeout: time.Minute}

func send(req *http.Request, answer any) error {
	res, err := patient.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	if res.StatusCode >= 300 {
		p := &Problem{Request: req.Method + " " + req.URL.Path, Status: res.StatusCode, Title: http.StatusText(res.StatusCode), Detail: string(data)}
		_ = json.Unmarshal(data, p) // what is not a problem document stays as it is
		return p
	}
	if answer == nil || len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, answer)
}

package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/loquet/loquet/phrase"
)

// maxBody is the most bytes that a request's body may have.
const maxBody = 256 << 10

// bodyWithin is how long a request's body may take to arrive: for the largest, 9 KB a second. What is done with it may
// take longer; each part of that has a limit of its own.
const bodyWithin = 30 * time.Second

// call is one request, as everything behind the guard sees it.
type call struct {
	// reference finds the request in the logs.
	reference string
	lang      phrase.Lang
	method    string
	// url is the address as the client sees it, path as it came.
	url  string
	path string
	body []byte
	from string
	// browser says that a browser made it: no script can leave its own fields away.
	browser bool
	// again checks anew that the principal may still ask: a stream outlives a session.
	again func(context.Context) error
	// key is the Idempotency-Key, "" without one.
	key string
	// ranged is the part of a file that is asked for, "" for all of it.
	ranged string
}

type callKey struct{}

// callOf returns the request that the context belongs to.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		return &call{lang: phrase.English}
	}
	return c
}

// digest tells a repetition from another request.
func (c *call) digest() string {
	sum := sha256.New()
	sum.Write([]byte(c.method + " " + c.path + "\n"))
	sum.Write(c.body)
	return hex.EncodeToString(sum.Sum(nil))
}

// guarded is everything that stands before the routes: what it lets through is bounded, and comes from where its
// cookie may be used.
func (a *API) guarded(mux *http.ServeMux) http.Handler {
	origin := http.NewCrossOriginProtection()
	if err := origin.AddTrustedOrigin(a.public); err != nil {
		a.Log.Error("the public URL is no origin", "error", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := a.newCall(r)
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		defer a.recovered(w, r)
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		if err := origin.Check(r); err != nil {
			a.fail(w, r, problem(http.StatusForbidden, "cross-origin", "The request comes from another site's page. "+
				"Nothing was done. Open Loquet's own page.").because(err))
			return
		}
		if p := c.readBody(w, r); p != nil {
			a.fail(w, r, p)
			return
		}
		a.route(mux, w, r)
	})
}

func (a *API) newCall(r *http.Request) *call {
	c := &call{lang: phrase.Match(r.Header.Get("Accept-Language")), method: r.Method, path: r.URL.EscapedPath(),
		from: a.ClientAddress(r), key: r.Header.Get("Idempotency-Key"), ranged: r.Header.Get("Range"), browser: r.Header.Get("Sec-Fetch-Site") != ""}
	c.url = a.public + c.path
	c.reference = a.reference()
	return c
}

// reference draws what finds a request in the logs; "" without randomness.
func (a *API) reference() string {
	var b [5]byte
	if _, err := io.ReadFull(a.Random, b[:]); err != nil {
		return ""
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// readBody reads the whole body: a signature covers it, and so does an idempotency key. The time that it may take ends
// with it: a connection whose time to read is over takes the request's context with it.
func (c *call) readBody(w http.ResponseWriter, r *http.Request) *Problem {
	arrival := http.NewResponseController(w)
	_ = arrival.SetReadDeadline(time.Now().Add(bodyWithin)) // a writer without a connection has nothing to wait for
	defer func() { _ = arrival.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem(http.StatusRequestEntityTooLarge, "too-large", "The request has more than 256 KB. Nothing was done.")
	case err != nil:
		return problem(http.StatusBadRequest, "unreadable", "The request did not arrive whole. Nothing was done. Send it again.").because(err)
	}
	c.body = body
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// route serves the request, and says in our own words that there is no such route or method.
func (a *API) route(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	h, pattern := mux.Handler(r)
	if pattern != "" {
		mux.ServeHTTP(w, r)
		return
	}
	answer := &unheard{header: http.Header{}}
	h.ServeHTTP(answer, r)
	if allow := answer.header.Get("Allow"); answer.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allow)
		a.fail(w, r, problem(http.StatusMethodNotAllowed, "method", "This address takes "+allow+". Nothing was done."))
		return
	}
	a.fail(w, r, problem(http.StatusNotFound, "no-route", "There is no such address. Nothing was done. The API is described at /docs."))
}

// unheard takes an answer that is only looked at.
type unheard struct {
	header http.Header
	status int
}

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) WriteHeader(status int)      { u.status = status }
func (u *unheard) Write(b []byte) (int, error) { return len(b), nil }

// recovered answers for a handler that broke. The dispatcher's decisions are durable or not by themselves.
func (a *API) recovered(w http.ResponseWriter, r *http.Request) {
	broke := recover()
	if broke == nil {
		return
	}
	if broke == http.ErrAbortHandler { //nolint:errorlint // the standard library panics with this very value
		panic(broke)
	}
	c := callOf(r.Context())
	a.Log.Error("a handler broke", "reference", c.reference, "route", r.Pattern, "panic", broke, "stack", string(debug.Stack()))
	a.fail(w, r, internal())
}

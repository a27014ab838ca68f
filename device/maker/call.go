package maker

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/patience"
)

// Lengths and sizes of a call.
const (
	// waits is how long a call may take with its answer, unless the Caller says otherwise.
	waits = 20 * time.Second
	// maxBody is the largest answer that is read. Makers' are a few kilobytes.
	maxBody = 1 << 20
	// heldAtLeast, heldUnsaid and heldAtMost bound how long a Retry-After is obeyed, and what none of them means.
	heldAtLeast, heldUnsaid, heldAtMost = time.Second, time.Minute, 24 * time.Hour
)

// CallerConfig says how to reach one maker's interface.
type CallerConfig struct {
	// Base is what all paths begin with: "https://host/prefix"; plain http only to this machine itself.
	Base string
	// Limiter counts the calls. It may be shared by several Callers of one account.
	Limiter *Limiter
	// Header goes with every call: keys of the application.
	Header http.Header
	// Limit is how long a call may take; 20 s if 0.
	Limit time.Duration
	// TLS overrides whom to trust; nil for the system's roots.
	TLS *tls.Config
	// Now tells the time; time.Now if nil.
	Now func() time.Time
}

// Caller makes calls to one host. It sends each once, follows no redirect, and repeats nothing. It is safe for
// concurrent use.
type Caller struct {
	base    *url.URL
	cfg     CallerConfig
	client  *http.Client
	limiter *Limiter
}

// NewCaller makes a Caller, or says what is wrong with its configuration.
func NewCaller(cfg CallerConfig) (*Caller, error) {
	base, err := url.Parse(cfg.Base)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || !safe(base) {
		return nil, errors.New("the maker's address must be https://host, without a user or a query")
	}
	if cfg.Limiter == nil {
		return nil, errors.New("a maker's limits are missing")
	}
	if cfg.Limit <= 0 {
		cfg.Limit = waits
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Caller{base: base, cfg: cfg, client: newClient(cfg.TLS), limiter: cfg.Limiter}, nil
}

// safe says whether what is sent there can't be read on the way.
func safe(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (ip.IsLoopback() || u.Hostname() == "localhost")
}

// newClient speaks HTTP/1.1, whose library sends a command again only if nothing of it had left. It gives up a silent
// peer soon, and takes a redirect for an answer.
func newClient(trust *tls.Config) *http.Client {
	var one http.Protocols
	one.SetHTTP1(true)
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: patience.Dialer().DialContext, TLSClientConfig: trust,
			TLSHandshakeTimeout: 10 * time.Second, Protocols: &one, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close gives back the connections that wait for the next call.
func (c *Caller) Close() { c.client.CloseIdleConnections() }

// Bearer has access tokens.
type Bearer interface {
	// Access returns one that is good for a while.
	Access(ctx context.Context) (string, error)
	// Reject says that the maker did not take one.
	Reject(access string)
}

// Call is one call.
type Call struct {
	Ask
	// Limiter counts this call instead of the Caller's: that of an account, where many share a Caller.
	Limiter *Limiter
	// By has the token: of a customer's consent, or of our application. Nil makes a call without one.
	By Bearer
	// Method is GET or POST.
	Method string
	// Path are the segments after Base, not escaped.
	Path  []string
	Query url.Values
	// Header is added to that of every call.
	Header http.Header
	// JSON is the body; none if nil.
	JSON []byte
	// Just runs just before the wire, after everything else that could stop the call. Its error stops it too.
	Just func() error
}

// Answer is a success of the maker's (2xx), which says nothing yet of the vehicle.
type Answer struct {
	Status int
	Header http.Header
	// Body is JSON, or empty.
	Body []byte
	// At is when the answer was complete.
	At time.Time
}

// Do makes a call. See the package's description for its errors.
func (c *Caller) Do(ctx context.Context, call Call) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Limit, errTooLong)
	defer cancel()
	if err := c.limits(call).Check(c.cfg.Now(), call.Ask); err != nil {
		return Answer{}, err
	}
	token, err := call.token(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", errUnsent, err)
	}
	request, err := c.request(ctx, call, token)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", errUnsent, err)
	}
	if err := c.allowed(call); err != nil {
		return Answer{}, err
	}
	answer, err := c.send(request)
	return answer, c.heed(ctx, err, answer, call, token)
}

func (c *Caller) limits(call Call) *Limiter {
	if call.Limiter != nil {
		return call.Limiter
	}
	return c.limiter
}

func (c Call) token(ctx context.Context) (string, error) {
	if c.By == nil {
		return "", nil
	}
	return c.By.Access(ctx)
}

var errTooLong = errors.New("it took too long")

// allowed counts the call, and asks the caller a last time.
func (c *Caller) allowed(call Call) error {
	if err := c.limits(call).Take(c.cfg.Now(), call.Ask); err != nil {
		return err
	}
	if call.Just == nil {
		return nil
	}
	if err := call.Just(); err != nil {
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	return nil
}

// heed obeys a maker that asks us to wait, and forgets a token that it does not take: if no other can be had because the
// consent was withdrawn, that is why.
func (c *Caller) heed(ctx context.Context, err error, answer Answer, call Call, token string) error {
	var status *StatusError
	if !errors.As(err, &status) {
		return err
	}
	until := retryAt(c.cfg.Now(), answer.Header.Get("Retry-After"))
	switch status.Status {
	case http.StatusUnauthorized:
		if call.By != nil {
			call.By.Reject(token)
			if _, why := call.By.Access(ctx); errors.Is(why, device.ErrRevoked) {
				return errors.Join(why, status)
			}
		}
	case http.StatusTooManyRequests:
		c.limits(call).Hold(call.Vehicle, until)
		return errors.Join(&device.BusyError{RetryAt: until}, status)
	case http.StatusServiceUnavailable:
		if answer.Header.Get("Retry-After") != "" {
			c.limits(call).Hold(call.Vehicle, until)
		}
	}
	return err
}

// retryAt reads a Retry-After (RFC 9110, 10.2.3): seconds, or a date.
func retryAt(now time.Time, value string) time.Time {
	wait := heldUnsaid
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && seconds >= 0 {
		wait = time.Duration(min(seconds, heldAtMost.Seconds()) * float64(time.Second))
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return now.Add(min(max(wait, heldAtLeast), heldAtMost))
}

func (c *Caller) request(ctx context.Context, call Call, token string) (*http.Request, error) {
	segments := make([]string, len(call.Path))
	for i, s := range call.Path {
		if s == "" || s == "." || s == ".." {
			return nil, errors.New("an empty part of an address")
		}
		segments[i] = url.PathEscape(s)
	}
	to := c.base.JoinPath(segments...)
	to.RawQuery = call.Query.Encode()
	request, err := http.NewRequestWithContext(ctx, call.Method, to.String(), call.body())
	if err != nil {
		return nil, errors.New("no address can be made of it")
	}
	if call.JSON != nil {
		request.ContentLength = int64(len(call.JSON))
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Loquet")
	for _, header := range []http.Header{c.cfg.Header, call.Header} {
		for name, values := range header {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if call.By != nil {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// body is one that Go's library can't copy, and so never sends a second time. It would send a GET that has none again if
// the connection ended before the answer: that has an empty one.
func (c Call) body() io.ReadCloser {
	if c.JSON == nil && c.Method != http.MethodGet {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(c.JSON))
}

// send sends it once.
func (c *Caller) send(request *http.Request) (Answer, error) {
	ctx := request.Context()
	var left atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }}
	response, err := c.client.Do(request.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return Answer{}, unanswered(ctx, err, left.Load())
	}
	defer func() { _ = response.Body.Close() }()
	return c.read(ctx, response)
}

// unanswered tells what never left from what may have.
func unanswered(ctx context.Context, err error, left bool) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if left {
		return fmt.Errorf("%w: %w", device.ErrNoAnswer, bare(err))
	}
	return fmt.Errorf("%w: %w", device.ErrOffline, bare(err))
}

func (c *Caller) read(ctx context.Context, response *http.Response) (Answer, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	answer := Answer{Status: response.StatusCode, Header: response.Header, At: c.cfg.Now()}
	isJSON := jsonType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		if isJSON && err == nil && len(body) <= maxBody {
			return answer, &StatusError{Status: response.StatusCode, Body: body}
		}
		return answer, &StatusError{Status: response.StatusCode}
	case err != nil:
		return answer, fmt.Errorf("the answer broke off: %w", unanswered(ctx, err, true))
	case len(body) > maxBody:
		return answer, fmt.Errorf("%w: it is longer than %d bytes", device.ErrNonsense, maxBody)
	case len(body) > 0 && !isJSON:
		return answer, fmt.Errorf("%w: it is no JSON", device.ErrNonsense)
	}
	answer.Body = body
	return answer, nil
}

func jsonType(value string) bool {
	kind, _, err := mime.ParseMediaType(value)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// Decode reads one JSON value and nothing after it into v. An error wraps device.ErrNonsense, and quotes nothing.
func Decode(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: it is no JSON of the kind that was expected", device.ErrNonsense)
	}
	return nil
}

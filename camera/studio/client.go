package studio

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

// How long a call of the studio may take, how long it may be silent before nothing that it said counts any more, and
// how long to wait before calling it again.
const (
	callWithin = 35 * time.Second
	silence    = 4 * reportEvery
	callAgain  = 250 * time.Millisecond
)

// Client is a studio in another process. It implements camera.Studio. What it is asked to film it asks for again when
// that process comes back. Safe for concurrent use; pictures are known while Watch runs.
type Client struct {
	base  *url.URL
	http  *http.Client
	proxy *httputil.ReverseProxy
	log   *slog.Logger
	// elsewhere: the studio is on another machine, with a clock of its own.
	elsewhere bool

	mu       sync.Mutex
	shots    map[event.VisitID]camera.Shot
	pictures map[event.CameraID]event.Picture
	heard    time.Time
}

var _ camera.Studio = (*Client)(nil)

// OverSocket returns a client of the studio that listens at a Unix socket.
func OverSocket(path string, log *slog.Logger) *Client {
	var d net.Dialer
	return newClient(&url.URL{Scheme: "http", Host: "studio"}, &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}, log)
}

// OverTLS returns a client of the studio at an https address, which asks for a token.
func OverTLS(address string, trust *tls.Config, token string, log *slog.Logger) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "https" || base.Host == "" || strings.Trim(base.Path, "/") != "" {
		return nil, errors.New("the media service's address is of the form https://host:port")
	}
	c := newClient(&url.URL{Scheme: base.Scheme, Host: base.Host}, bearer{&http.Transport{TLSClientConfig: trust}, token}, log)
	c.elsewhere = true
	return c, nil
}

// bearer presents the token with each request.
type bearer struct {
	via   http.RoundTripper
	token string
}

func (b bearer) CloseIdleConnections() {
	if t, ok := b.via.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.via.RoundTrip(r)
}

func newClient(base *url.URL, via http.RoundTripper, log *slog.Logger) *Client {
	c := &Client{base: base, http: &http.Client{Transport: via}, log: log, shots: make(map[event.VisitID]camera.Shot),
		pictures: make(map[event.CameraID]event.Picture)}
	c.proxy = &httputil.ReverseProxy{Transport: via, Rewrite: c.rewrite, ErrorHandler: c.unserved}
	return c
}

// Close ends the client's idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Film implements camera.Studio.
func (c *Client) Film(ctx context.Context, s camera.Shot) error {
	c.mu.Lock()
	s.Keep = s.Keep || c.shots[s.Visit].Keep
	c.shots[s.Visit] = s
	c.mu.Unlock()
	return c.put(ctx, s)
}

func (c *Client) put(ctx context.Context, s camera.Shot) error {
	return c.call(ctx, http.MethodPut, visitPath(s.Visit, ""), nil, s, nil)
}

func visitPath(v event.VisitID, clip event.ClipID) string {
	return "/visits/" + url.PathEscape(string(v)) + "?clip=" + url.QueryEscape(string(clip))
}

// Cut implements camera.Studio.
func (c *Client) Cut(ctx context.Context, v event.VisitID, id event.ClipID, key []byte) ([]event.ClipFile, error) {
	c.mu.Lock()
	delete(c.shots, v)
	c.mu.Unlock()
	var cut cutting
	err := c.call(ctx, http.MethodDelete, visitPath(v, id), key, nil, &cut)
	return cut.Files, err
}

// Erase implements camera.Studio.
func (c *Client) Erase(ctx context.Context, id event.ClipID) error {
	return c.call(ctx, http.MethodDelete, "/clips/"+url.PathEscape(string(id)), nil, nil, nil)
}

// Check implements camera.Studio.
func (c *Client) Check(ctx context.Context, address string) (report camera.Report, err error) {
	err = c.call(ctx, http.MethodPost, "/checks", nil, checking{address}, &report)
	return report, err
}

// call asks the studio for something, and reads its answer.
func (c *Client) call(ctx context.Context, method, path string, key []byte, ask, answer any) error {
	ctx, stop := context.WithTimeout(ctx, callWithin)
	defer stop()
	body, err := json.Marshal(ask)
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	if key != nil {
		r.Header.Set(keyHeader, hex.EncodeToString(key))
	}
	res, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("studio: the media service does not answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("studio: the media service answered %s", res.Status)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("studio: the media service's answer: %w", err)
	}
	return nil
}

// Picture implements camera.Studio.
func (c *Client) Picture(id event.CameraID) event.Picture {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.heard) > silence {
		return event.Picture{Camera: id, Fault: event.PictureUnserved}
	}
	if p, known := c.pictures[id]; known {
		return p
	}
	return event.Picture{Camera: id, Fault: event.PictureProving}
}

// Watch implements camera.Studio. While the studio does not answer, it says so of every camera that was to film.
func (c *Client) Watch(ctx context.Context, sink func(event.Picture)) error {
	for ctx.Err() == nil {
		err := c.listen(ctx, sink)
		if ctx.Err() != nil {
			break
		}
		c.log.WarnContext(ctx, "the media service does not answer", "error", err)
		c.lose()
		for _, s := range c.wanted() {
			sink(event.Picture{Camera: s.Camera, Fault: event.PictureUnserved})
		}
		select {
		case <-ctx.Done():
		case <-time.After(callAgain):
		}
	}
	return ctx.Err()
}

// listen follows the studio's reports until they break off. What it has to film is asked for first.
func (c *Client) listen(ctx context.Context, sink func(event.Picture)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/pictures", nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for _, s := range c.wanted() {
		if err := c.askAgain(ctx, s); err != nil {
			return err
		}
	}
	// A studio that hangs says nothing, and neither does its connection.
	hangs := time.AfterFunc(silence, stop)
	defer hangs.Stop()
	for in := json.NewDecoder(io.Reader(res.Body)); ; {
		var all round
		if err := in.Decode(&all); err != nil {
			return errors.Join(err, ctx.Err())
		}
		hangs.Reset(silence)
		all = c.rebased(all)
		c.hear(all)
		for _, p := range all.Pictures {
			sink(p)
		}
	}
}

// askAgain has a visit filmed by a studio that came back. One that was cut meanwhile is cut again: the two may have
// overtaken each other.
func (c *Client) askAgain(ctx context.Context, s camera.Shot) error {
	if err := c.put(ctx, s); err != nil {
		return err
	}
	c.mu.Lock()
	_, wanted := c.shots[s.Visit]
	c.mu.Unlock()
	if wanted {
		return nil
	}
	return c.call(ctx, http.MethodDelete, visitPath(s.Visit, s.Clip), nil, nil, nil)
}

func (c *Client) wanted() []camera.Shot {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]camera.Shot, 0, len(c.shots))
	for _, s := range c.shots {
		all = append(all, s)
	}
	return all
}

// lose forgets what was heard: it counts no more from the moment when the line broke.
func (c *Client) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = time.Time{}
}

func (c *Client) hear(all round) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = time.Now()
	clear(c.pictures)
	for _, p := range all.Pictures {
		c.pictures[p.Camera] = p
	}
}

// rebased brings what another machine says to this one's clock.
func (c *Client) rebased(all round) round {
	if !c.elsewhere {
		return all
	}
	ahead := event.InstantOf(time.Now()).Since(all.Now)
	for i, p := range all.Pictures {
		if p.At != 0 {
			all.Pictures[i].At, all.Pictures[i].Since = p.At.Add(ahead), p.Since.Add(ahead)
		}
	}
	return all
}

// ServeLive implements camera.Studio.
func (c *Client) ServeLive(w http.ResponseWriter, r *http.Request, v event.VisitID, rest string) {
	c.forward(w, r, "/visits/"+string(v)+"/live/"+rest, nil)
}

// ServeFile implements camera.Studio.
func (c *Client) ServeFile(w http.ResponseWriter, r *http.Request, id event.ClipID, file int, key []byte) {
	c.forward(w, r, "/clips/"+string(id)+"/files/"+strconv.Itoa(file), key)
}

// ServePoster implements camera.Studio.
func (c *Client) ServePoster(w http.ResponseWriter, r *http.Request, id event.ClipID, key []byte) {
	c.forward(w, r, "/clips/"+string(id)+"/poster", key)
}

// forwarding is where a request goes instead.
type forwarding struct {
	path string
	key  []byte
}

type forwardingKey struct{}

func (c *Client) forward(w http.ResponseWriter, r *http.Request, path string, key []byte) {
	c.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), forwardingKey{}, forwarding{path, key})))
}

// passed are the fields of a request that the studio has a use for; nobody's session goes there.
var passed = []string{"Accept", "Content-Type", "Content-Length", "Range", "If-Range", "If-None-Match", "If-Modified-Since"}

func (c *Client) rewrite(p *httputil.ProxyRequest) {
	to, _ := p.In.Context().Value(forwardingKey{}).(forwarding)
	p.SetURL(c.base)
	p.Out.URL.Path, p.Out.URL.RawPath = to.path, ""
	p.Out.Header = http.Header{}
	for _, name := range passed {
		for _, value := range p.In.Header.Values(name) {
			p.Out.Header.Add(name, value)
		}
	}
	if to.key != nil {
		p.Out.Header.Set(keyHeader, hex.EncodeToString(to.key))
	}
}

func (c *Client) unserved(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		c.log.WarnContext(r.Context(), "the media service does not answer", "error", err)
	}
	http.Error(w, "The camera service does not answer now. Try again in a few seconds.", http.StatusServiceUnavailable)
}

package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
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

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
	"github.com/loquet/loquet/web/ui"
)

// front is what browsers reach: it passes everything on to the server but what is for the Demo desk, which so has the
// same origin as the pages. It belongs to the demo and not to the server, as the wires do: it can be cut for one app.
type front struct {
	listener net.Listener
	http     *http.Server
	pass     *httputil.ReverseProxy
	// desk answers below /demo/, and for its own files below assetsAt.
	desk     http.Handler
	assets   http.Handler
	assetsAt string
	// paired hears of each device that was bound to a courier, with the deliveries that still name another; approached
	// of each delivery that a courier is on the way with.
	paired     func(ctx context.Context, courier event.CourierID, stale []event.DeliveryID)
	approached func(event.DeliveryID)

	endStreams func()

	mu    sync.Mutex
	cut   map[string]time.Time
	under map[*exchange]struct{}
}

// exchange is one request under way.
type exchange struct {
	app string
	end context.CancelFunc
}

// Apps whose pages' link can be cut, by the beginnings of the addresses that they use.
var appPaths = map[string][]string{
	"customer": {"/home", "/v1/home"},
	"courier":  {"/courier", "/v1/courier", "/v1/pair"},
	"operator": {"/operator"},
}

// openFront takes an address; requests wait until serve is called.
func openFront() (*front, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	return &front{listener: l, cut: map[string]time.Time{}, under: map[*exchange]struct{}{}}, err
}

// url is where browsers find everything. Passkeys and cookies for secure places need a name, and take this one.
func (f *front) url() string {
	return "http://localhost:" + strconv.Itoa(f.listener.Addr().(*net.TCPAddr).Port)
}

// seat puts the Demo desk in.
func (f *front) seat(w desk.World, phone *desk.Phone, log *slog.Logger) error {
	kit, err := ui.New(ui.Options{Public: f.url(), Log: log, Now: time.Now, Random: rand.Reader, Demo: true})
	if err != nil {
		return err
	}
	if f.desk, err = desk.New(desk.Deps{World: w, Phone: phone, Kit: kit, Log: log}); err != nil {
		return err
	}
	const name = "desk/css/desk.css"
	f.assets, f.assetsAt = kit.Assets(), strings.TrimSuffix(kit.Asset(name), name)
	f.endStreams = kit.EndStreams
	return nil
}

// serve begins to pass on, to the server at this address.
func (f *front) serve(server string) {
	target := &url.URL{Scheme: "http", Host: server}
	f.pass = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		FlushInterval:  -1,
		ModifyResponse: f.overhear,
		// A server that is dead does not answer either.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	f.http = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.http.Serve(f.listener) }() // it ends when it is closed
}

// ServeHTTP passes a request on, or cuts it off.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/demo" || strings.HasPrefix(r.URL.Path, "/demo/"):
		f.toDesk(w, r)
		return
	case strings.HasPrefix(r.URL.Path, f.assetsAt):
		f.assets.ServeHTTP(w, r)
		return
	}
	ctx, end := context.WithCancel(r.Context())
	defer end()
	e := &exchange{appOf(r), end}
	if !f.enter(e) {
		panic(http.ErrAbortHandler)
	}
	defer f.leave(e)
	f.pass.ServeHTTP(w, r.WithContext(ctx))
}

// toDesk lets only those in who came under our own name: what the desk gives away is for whoever sits here.
func (f *front) toDesk(w http.ResponseWriter, r *http.Request) {
	if "http://"+r.Host != f.url() {
		http.Error(w, "The Demo desk is at "+f.url()+"/demo/.", http.StatusMisdirectedRequest)
		return
	}
	f.desk.ServeHTTP(w, r)
}

// appOf is whose page asks; "" for what is not a browser's request for an app.
func appOf(r *http.Request) string {
	if r.Header.Get("Sec-Fetch-Mode") == "" {
		return ""
	}
	for app, beginnings := range appPaths {
		for _, b := range beginnings {
			if r.URL.Path == b || strings.HasPrefix(r.URL.Path, b+"/") {
				return app
			}
		}
	}
	return ""
}

func (f *front) enter(e *exchange) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.cut[e.app]) {
		return false
	}
	f.under[e] = struct{}{}
	return true
}

func (f *front) leave(e *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.under, e)
}

// cutFor takes the link of an app's pages away for a while; 0 gives it back.
func (f *front) cutFor(app string, length time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cut[app] = time.Now().Add(length); length == 0 {
		return
	}
	for e := range f.under {
		if e.app == app {
			e.end()
		}
	}
}

// cutUntil is when the link of an app's pages is back; zero when it is there.
func (f *front) cutUntil(app string) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if until := f.cut[app]; time.Now().Before(until) {
		return until
	}
	return time.Time{}
}

// overhear tells of what people of the town would see: a courier has a new phone, or sets out for a stop. It does so
// before the page knows: the operator's office gives a courier's deliveries to the new phone at once.
func (f *front) overhear(res *http.Response) error {
	var answer struct {
		Courier event.CourierID    `json:"courier"`
		Stale   []event.DeliveryID `json:"stale"`
		Visit   struct {
			Deliveries []struct {
				Delivery event.DeliveryID `json:"delivery"`
			} `json:"deliveries"`
		} `json:"visit"`
	}
	path := res.Request.URL.Path
	if path != "/v1/pair" && path != "/v1/courier/approach" || res.StatusCode >= 300 || f.paired == nil {
		return nil
	}
	if err := peek(res, &answer); err != nil {
		return err
	}
	if len(answer.Stale) > 0 {
		f.paired(res.Request.Context(), answer.Courier, answer.Stale)
	}
	if len(answer.Visit.Deliveries) > 0 {
		f.approached(answer.Visit.Deliveries[0].Delivery)
	}
	return nil
}

// peek decodes an answer, which goes on as it was. One that is something else says nothing.
func peek(res *http.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	_ = res.Body.Close() // it was read to its end
	res.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, into)
	return nil
}

func (f *front) close() {
	if f.http != nil {
		f.endStreams()
		_ = f.http.Close()
	}
	_ = f.listener.Close()
}

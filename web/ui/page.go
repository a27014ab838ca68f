package ui

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// App is whose page it is. It decides sizes and density.
type App string

// Apps.
const (
	Customer App = "customer"
	Courier  App = "courier"
	Operator App = "operator"
	Sign     App = "sign"
	Desk     App = "desk"
)

// start is where an app begins. A courier is known by the phone's signature alone, which the chooser at "/" can't see.
func (a App) start() string {
	if a == Courier {
		return "/courier/"
	}
	return "/"
}

// NavItem is one way to go from the header.
type NavItem struct {
	Href, Text string
	// Count is shown behind the text, if it is not 0: open alarms.
	Count int
	// Here marks the page that is shown.
	Here bool
}

// Page is one page, as an app says it. Only App, Title and Main are required.
type Page struct {
	App App
	// Title is the state, and Place where it holds: the browser shows "Title – Place – Loquet".
	Title, Place string
	// Step names the step that the page shows. When it changes by the person's own action, the focus goes to the h1.
	// Title if it is "".
	Step string
	Nav  []NavItem
	// Live is the address of the page's event stream, "" for a page that does not live.
	Live string
	// Still has the page keep what it shows until the person's next action, though its stream goes on: for what was typed. A form
	// that was refused (422) is still by itself.
	Still bool
	// Modules are embedded scripts of the page's own, by name: "customer/map.mjs".
	Modules []string
	// Styles are embedded style sheets of the page's own.
	Styles []string
	Policy Policy
	Main   templ.Component
	// Say is read out by screen readers as the page comes, Alarm at once.
	Say, Alarm string
	// Status is the HTTP status; 0 is 200.
	Status int
	// Person is the name of whoever is signed in, and SignOut the address that takes a POST to end that.
	Person, SignOut string
	// Here is the address that shows this page again by GET; the request's own if it is "". Set it for a page that
	// answers a POST: the browser goes by it then.
	Here string
	// Zone is the place's time zone ("Europe/Paris"), for the times that scripts say; "" is the phone's own.
	Zone string
	// Manifest is the embedded web app manifest, if the page can be installed.
	Manifest string
	// Data goes on <html> as data attributes, for the page's own scripts: {"vapid": "..."}.
	Data map[string]string
}

// frameHeader tells the server which frame a script already has, and frameKey is what it holds.
const frameHeader = "Loquet-Frame"

// Render answers with a whole page. Where a form was sent by htmx, the browser takes over what changed; if the page
// needs another frame (other scripts, permissions, stream or language), it is told to load it as a whole: but for a failure of
// the server's, which would take the place of a page that a script only wanted to bring up to now.
func (k *Kit) Render(w http.ResponseWriter, r *http.Request, p Page) {
	v := ViewOf(r.Context())
	if p.Here != "" && !safe(r.Method) {
		// What a form was sent to may be no page: Back and reload would lead nowhere.
		w.Header().Set(historyHeader(r, p.Here), p.Here)
	}
	if p.Live != "" && safe(r.Method) && !strings.Contains(p.Here, "?") {
		p.Here = LiveAt(p.Here, r.URL) // with another stream it would be another frame, and be loaded as a whole
	}
	p = p.filled(v)
	frame := k.frame(v, p)
	w.Header().Add("Vary", "HX-Request")
	if had := r.Header.Get(frameHeader); had != "" && had != frame {
		if safe(r.Method) && p.Status < http.StatusInternalServerError {
			// Not p.Here: what a form has to say stands in the address.
			w.Header().Set("HX-Redirect", v.Path)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		frame = had
	}
	p.Policy.write(w.Header())
	k.write(w, r, cmp.Or(p.Status, http.StatusOK), layout(v, p, frame))
}

// historyHeader has htmx add a page to the browser's history, or, where the browser is there already, only draw it anew:
// Back leads past each refusal then.
func historyHeader(r *http.Request, here string) string {
	if at, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && at.RequestURI() == here {
		return "HX-Replace-Url"
	}
	return "HX-Push-Url"
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func (p Page) filled(v *View) Page {
	p.Step = cmp.Or(p.Step, p.Title)
	p.Here = cmp.Or(p.Here, v.Path)
	p.Still = p.Still || p.Status == http.StatusUnprocessableEntity
	return p
}

// LiveAt is the address of a page's stream, or of the page anew, with what the page's own address asks for. What a form that
// led here had to say (done or not, and its words) is said once, by the page: another frame for it would load everything again.
func LiveAt(live string, page *url.URL) string {
	q := page.Query()
	if q.Has("done") || q.Has("not") {
		for _, once := range []string{"done", "not", "who", "n"} {
			q.Del(once)
		}
	}
	if live == "" || len(q) == 0 {
		return live
	}
	path, own, _ := strings.Cut(live, "?")
	if own != "" {
		own = "&" + own
	}
	return path + "?" + q.Encode() + own
}

// FullTitle is what the browser shows.
func (p Page) FullTitle() string { return fullTitle(p.Title, p.Place) }

func fullTitle(parts ...string) string {
	var said []string
	for _, s := range append(parts, "Loquet") {
		if s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, " – ")
}

// frame names everything of a page that can't be taken over piece by piece.
func (k *Kit) frame(v *View, p Page) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s %v %q %q %q", k.assets.hash(), v.Lang, v.Theme, p.App, p.Policy, p.Live, p.Modules, p.Styles))
	return hex.EncodeToString(sum[:6])
}

// Part answers with the inside of <main> alone, for a page whose frame is already there: the courier's. Title, step
// and what to say come along as attributes.
func (k *Kit) Part(w http.ResponseWriter, r *http.Request, p Page) {
	k.write(w, r, cmp.Or(p.Status, http.StatusOK), part(p.filled(ViewOf(r.Context()))))
}

// write renders before anything is sent, so that what breaks can still be answered for.
func (k *Kit) write(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	b := buffers.get()
	defer buffers.put(b)
	if err := c.Render(r.Context(), b); err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // whoever asked is gone
		}
		panic(fmt.Errorf("ui: %w", err))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	body := b.Bytes()
	if len(body) > gzipFrom && acceptsGzip(r) {
		z := buffers.get()
		defer buffers.put(z)
		pack(z, body)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		body = z.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the browser went away: nobody to tell
}

// render is a component as bytes in a borrowed buffer.
func render(ctx context.Context, c templ.Component, b *bytes.Buffer) error {
	if c == nil {
		return nil
	}
	return c.Render(ctx, b)
}

// Trouble is a failure, as a person is told of it: what failed, what is safe, and one thing to do now.
type Trouble struct {
	Title, Safe, Now string
	// Href and Action are the one way on; the start page if they are "".
	Href, Action string
	// Status is the HTTP status; 0 is 500.
	Status int
	// Reference can be read out; the request's own if it is "".
	Reference string
	// App is whose page it is.
	App App
}

// Fail answers with a page for a failure.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, t Trouble) {
	v := ViewOf(r.Context())
	t.Status = cmp.Or(t.Status, http.StatusInternalServerError)
	t.Reference = cmp.Or(t.Reference, v.Reference)
	t.App = cmp.Or(t.App, Sign)
	if t.Href == "" {
		t.Href, t.Action = "/", own.In(v.Lang, "trouble.home")
	}
	k.Render(w, r, Page{App: t.App, Title: t.Title, Step: "trouble", Main: troublePage(t), Status: t.Status, Here: t.Href})
}

// Broke logs what a page could not do, unless whoever asked for it is gone: then that is why.
func (k *Kit) Broke(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		k.Log.ErrorContext(ctx, "a page broke", "what", what, "reference", ViewOf(ctx).Reference, "error", err)
	}
}

// NotFound answers that there is no such page, which is also what another household's page is.
func (k *Kit) NotFound(w http.ResponseWriter, r *http.Request) {
	k.Fail(w, r, troubleOf(r, "notFound", http.StatusNotFound))
}

// Forbidden answers that the person's role does not reach so far.
func (k *Kit) Forbidden(w http.ResponseWriter, r *http.Request) {
	k.Fail(w, r, troubleOf(r, "forbidden", http.StatusForbidden))
}

func troubleOf(r *http.Request, key string, status int) Trouble {
	ctx := r.Context()
	key = "trouble." + key
	return Trouble{Title: own.T(ctx, key+".title"), Safe: own.T(ctx, key+".safe"), Now: own.T(ctx, key+".now"), Status: status}
}

package desk

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/web/ui"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

var words = ui.MustWords(english, french)

//go:embed css js
var files embed.FS

// Deps are what the desk works with. All are required.
type Deps struct {
	World World
	Phone *Phone
	Kit   *ui.Kit
	Log   *slog.Logger
}

// desk answers everything below /demo/.
type desk struct {
	Deps

	mu sync.Mutex
	// no is what was refused last, and at when.
	no      string
	at      time.Time
	noticed chan struct{}
	// found is what the audit found last.
	found *Audit
}

// New is the Demo desk in front of a world. It answers for /demo and everything below, its guard included. It adds its
// files to the kit, so call it before the kit serves any.
func New(d Deps) (http.Handler, error) {
	if d.World == nil || d.Phone == nil || d.Kit == nil || d.Log == nil {
		return nil, errors.New("desk: something that it works with is missing")
	}
	if err := d.Kit.Embed("desk", files); err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	page := &desk{Deps: d, noticed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/demo/", http.StatusSeeOther) })
	mux.HandleFunc("GET /demo/{$}", page.show)
	mux.HandleFunc("GET /demo/live", page.live)
	mux.HandleFunc("POST /demo/act", page.act)
	mux.HandleFunc("POST /demo/audit", page.audit)
	mux.HandleFunc("POST /demo/offer", page.offer)
	mux.HandleFunc("GET /demo/in/{app}/{token}", page.enter)
	mux.HandleFunc("GET /demo/label.png", page.label)
	mux.HandleFunc("GET /demo/page.mjs", page.script)
	mux.HandleFunc("GET /demo/page", page.lend)
	mux.HandleFunc("POST /demo/page", page.lentBack)
	mux.HandleFunc("/demo/", d.Kit.NotFound)
	return d.Kit.Guard(mux), nil
}

// boardOf is the desk with the door that the address names.
func (d *desk) boardOf(r *http.Request) board {
	s := d.World.State()
	b := board{State: s, door: s.Door(r.URL.Query().Get("door"))}
	d.mu.Lock()
	defer d.mu.Unlock()
	b.audit = d.found
	if time.Since(d.at) < noFor {
		b.no = d.no
	}
	return b
}

// noFor is how long a refusal stands on the page.
const noFor = 8 * time.Second

func (d *desk) show(w http.ResponseWriter, r *http.Request) {
	b := d.boardOf(r)
	d.Kit.Render(w, r, ui.Page{App: ui.Desk, Title: b.sentence(r.Context()), Place: words.T(r.Context(), "place"), Step: "desk",
		Live: at("/demo/live", r.URL.Query().Get("door")), Styles: []string{"desk/css/desk.css"}, Main: page(b), Say: b.said(r.Context())})
}

// said is what screen readers hear of a page.
func (b board) said(ctx context.Context) string {
	if b.no != "" {
		return words.T(ctx, "no."+b.no)
	}
	return ""
}

func (d *desk) live(w http.ResponseWriter, r *http.Request) {
	d.Kit.Live(w, r, ui.LiveView{Wake: d.wakes(r.Context()), Render: func(ctx context.Context) (ui.Frame, error) {
		b := d.boardOf(r)
		f := ui.Frame{Title: b.sentence(ctx), Place: words.T(ctx, "place"), Step: "desk", Main: page(b), Say: b.door.said(ctx), Open: true}
		if b.no != "" || b.Courier.Walking || len(b.Cut) > 0 {
			f.Next = time.Second
		}
		return f, nil
	}})
}

// wakes tells of every change, until the context ends.
func (d *desk) wakes(ctx context.Context) <-chan struct{} {
	wake := make(chan struct{}, 1)
	go func() {
		for {
			changed, noticed := d.World.Changed(), d.notice()
			select {
			case wake <- struct{}{}:
			default: // one is waiting
			}
			select {
			case <-changed:
			case <-noticed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return wake
}

func (d *desk) notice() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.noticed
}

// refuse puts a refusal on the page for a while, or takes it off.
func (d *desk) refuse(code string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.no, d.at = code, time.Now(); code != "" {
		close(d.noticed)
		d.noticed = make(chan struct{})
	}
}

// act does what a button says, and shows the desk again.
func (d *desk) act(w http.ResponseWriter, r *http.Request) {
	a := Act{Do: Deed(r.PostFormValue("do")), Door: r.PostFormValue("door"), To: r.PostFormValue("to")}
	err := d.World.Do(r.Context(), a)
	var no *Refusal
	switch {
	case errors.As(err, &no):
		d.refuse(no.Code)
	case err != nil:
		d.broke(w, r, err)
		return
	default:
		d.refuse("")
	}
	if a.Door == d.World.State().Here {
		a.Door = ""
	}
	http.Redirect(w, r, at("/demo/", a.Door), http.StatusSeeOther)
}

// at is the desk with a door in the hands; without one it follows the courier.
func at(path, door string) string {
	if door == "" {
		return path
	}
	return path + "?door=" + url.QueryEscape(door)
}

// audit checks the laws, and shows the desk again.
func (d *desk) audit(w http.ResponseWriter, r *http.Request) {
	found, err := d.World.Audit(r.Context())
	if err != nil {
		d.broke(w, r, err)
		return
	}
	d.mu.Lock()
	d.found = &found
	d.mu.Unlock()
	http.Redirect(w, r, "/demo/", http.StatusSeeOther)
}

// broke is a failure of the demo itself.
func (d *desk) broke(w http.ResponseWriter, r *http.Request, err error) {
	d.Log.Error("the demo broke", "error", err)
	ctx := r.Context()
	d.Kit.Fail(w, r, ui.Trouble{Title: words.T(ctx, "broke"), Safe: words.T(ctx, "broke.safe"), Now: words.T(ctx, "broke.now"), Href: "/demo/",
		Action: words.T(ctx, "place"), Status: http.StatusBadGateway})
}

// offer makes a new way into an app, and goes there.
func (d *desk) offer(w http.ResponseWriter, r *http.Request) {
	a, ok := appOf(r.PostFormValue("app"))
	if !ok {
		d.Kit.NotFound(w, r)
		return
	}
	http.Redirect(w, r, d.World.Offer(a, r.PostFormValue("door")), http.StatusSeeOther)
}

func appOf(name string) (App, bool) {
	for _, a := range Apps() {
		if string(a) == name {
			return a, true
		}
	}
	return "", false
}

// enter uses a way in up. A browser that only looks ahead does not.
func (d *desk) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead || r.Header.Get("Sec-Purpose") != "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	a, ok := appOf(r.PathValue("app"))
	if !ok {
		d.Kit.NotFound(w, r)
		return
	}
	to, err := d.World.Enter(r.Context(), a, r.PathValue("token"))
	var spent *Spent
	switch {
	case errors.As(err, &spent):
		d.spent(w, r, a, spent)
	case err != nil:
		d.broke(w, r, err)
	default:
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

func (d *desk) spent(w http.ResponseWriter, r *http.Request, a App, s *Spent) {
	used, title := "", words.T(r.Context(), "spent.over")
	if !s.At.IsZero() {
		used = s.At.Local().Format("15:04")
		title = words.T(r.Context(), "spent.used", "time", used)
	}
	d.Kit.Render(w, r, ui.Page{App: ui.Desk, Title: title, Place: words.T(r.Context(), "place"), Main: spentPage(a, used), Status: http.StatusGone})
}

// label is the label of the parcel that is on its way, to be filmed from the screen.
func (d *desk) label(w http.ResponseWriter, r *http.Request) {
	p := d.World.State().Parcel
	if p == nil {
		d.Kit.NotFound(w, r)
		return
	}
	image, err := p.Label.PNG()
	if err != nil {
		d.broke(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(image) // the browser went away: nobody to tell
}

// place is where a phone is, as browsers tell it: degrees (WGS 84), and metres.
type place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Accuracy  float64 `json:"accuracy"`
}

// aid is something that a page's band offers: a way into an app, or a parcel's code to be typed.
type aid struct {
	Text  string `json:"text"`
	Offer App    `json:"offer,omitempty"`
	Code  string `json:"code,omitempty"`
}

// lent is what the demo adds to a page.
type lent struct {
	Say   string `json:"say,omitempty"`
	Aids  []aid  `json:"aids,omitempty"`
	Place *place `json:"place,omitempty"`
	// Ask is what the courier's page is to send for a story, and Go where it is to be first.
	Ask *call  `json:"ask,omitempty"`
	Go  string `json:"go,omitempty"`
	// Again is when the page asks again, in milliseconds.
	Again int64 `json:"again"`
}

// lend answers a page that asks what the demo adds to it.
func (d *desk) lend(w http.ResponseWriter, r *http.Request) {
	s, ctx := d.World.State(), r.Context()
	more := lent{Again: 5000}
	switch App(r.URL.Query().Get("app")) {
	case Operator:
		more.Say = words.T(ctx, "watch", "address", s.Doors[0].Address)
		more.Aids = []aid{{Text: words.T(ctx, "app.customer"), Offer: Customer}, {Text: words.T(ctx, "app.courier"), Offer: Courier}}
	case Courier:
		more.Place = &place{s.Courier.Latitude, s.Courier.Longitude, s.Courier.Accuracy}
		more.Go, more.Again = s.Story.away(r.URL.Query().Get("at")), 1000
		if s.Story != nil && s.Story.Playing {
			more.Again = 200
		}
		if more.Go == "" {
			more.Ask = d.Phone.take()
		}
		if p := s.Parcel; p != nil && !p.Over {
			more.Aids = []aid{{Text: words.T(ctx, "label.use", "last", p.Label.Code.LastFour()), Code: p.Code}}
		}
	case Customer:
	}
	answer(w, more)
}

// away is where a courier's page has to go for a story; "" when it is there.
func (s *Story) away(at string) string {
	if s == nil || !s.Playing || s.Stop == "" {
		return ""
	}
	stop := "/courier/stop/" + string(s.Stop)
	if at == stop || strings.HasPrefix(at, stop+"/") {
		return ""
	}
	return stop
}

// lentBack takes what became of a request that a courier's page sent for a story.
func (d *desk) lentBack(w http.ResponseWriter, r *http.Request) {
	var back reply
	if err := json.NewDecoder(r.Body).Decode(&back); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.Phone.hand(back)
	w.WriteHeader(http.StatusNoContent)
}

func answer[T any](w http.ResponseWriter, v T) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers and texts
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the page has gone: nobody to tell
}

// script is what the demo adds to every page. Its address has no hash, so it is asked for anew each time.
func (d *desk) script(w http.ResponseWriter, r *http.Request) {
	r.URL.Path = "/assets/now/desk/js/page.mjs"
	d.Kit.Assets().ServeHTTP(w, r)
}

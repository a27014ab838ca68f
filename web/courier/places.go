package courier

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// view is one state of a place, as it is rendered.
type view struct {
	screen Screen
	// title is the state in words, and where the place that it holds for.
	title, where string
	main         templ.Component
	// say is read out when it changes, alarm at once.
	say, alarm string
	// open: something stands open or is under way. next is when to look again without being woken.
	open bool
	next time.Duration
	// sites are those whose journals tell of changes.
	sites []event.SiteID
}

// place makes the view of what an address names, for the courier who asks.
type place func(context.Context, asking, *http.Request) (view, *api.Problem)

// asking is a courier's request for a view.
type asking struct {
	who auth.Courier
	// call is how the API's operations are asked in the courier's name.
	call api.Call
	// place is the address below /courier/view/.
	place string
	// apple: the phone opens its map by Apple's links.
	apple bool
}

// ways are the places that a phone can ask for, below /courier/view/ and /courier/live/.
var ways = map[string]func(*app) place{
	"stops":                     func(a *app) place { return a.stops },
	"stop/{accessPoint}":        func(a *app) place { return a.stop },
	"stop/{accessPoint}/plan-b": func(a *app) place { return a.planB },
	"scan/{visit}":              func(a *app) place { return a.scan },
}

func (a *app) places() {
	for pattern, placeOf := range ways {
		p := placeOf(a)
		a.mux.HandleFunc("GET /courier/view/"+pattern, a.signed(p, a.show))
		a.mux.HandleFunc("GET /courier/live/"+pattern, a.signed(p, a.follow))
	}
}

const prefix = len("/courier/view/") // as long as "/courier/live/"

// signed lets a request through whose signature says which courier asks.
func (a *app) signed(p place, answer func(http.ResponseWriter, *http.Request, asking, place)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, problem := a.API.CourierBehind(r)
		if problem != nil {
			a.turnAway(w, problem)
			return
		}
		call := api.Call{Lang: ui.ViewOf(r.Context()).Lang, Page: r.URL.Path, From: string(who.ID())}
		answer(w, r, asking{who, call, r.URL.Path[prefix:], ofApple(r.UserAgent())}, p)
	}
}

// turnAway answers a phone's script, which knows what to show for each code.
func (a *app) turnAway(w http.ResponseWriter, p *api.Problem) {
	if err := p.Write(w); err != nil {
		a.Log.Debug("a courier's phone went away", "error", err)
	}
}

// show answers with the view as it is now.
func (a *app) show(w http.ResponseWriter, r *http.Request, who asking, p place) {
	v, problem := p(r.Context(), who, r)
	if problem != nil {
		a.turnAway(w, problem)
		return
	}
	a.Kit.Part(w, r, ui.Page{App: ui.Courier, Title: v.title, Place: v.where, Step: string(v.screen), Main: v.main, Say: v.say, Alarm: v.alarm})
}

// follow answers with the view as a stream, for as long as the phone is the courier's.
func (a *app) follow(w http.ResponseWriter, r *http.Request, who asking, p place) {
	first, problem := p(r.Context(), who, r)
	if problem != nil {
		a.turnAway(w, problem)
		return
	}
	wake, stop := a.wakes(first.sites)
	defer stop()
	a.Kit.Live(w, r, ui.LiveView{Wake: wake, Who: "courier/" + string(who.who.ID()),
		Render: func(ctx context.Context) (ui.Frame, error) {
			v, problem := p(ctx, who, r)
			if problem != nil {
				return ui.Frame{}, problem
			}
			return ui.Frame{Title: v.title, Place: v.where, Step: string(v.screen), Main: v.main, Say: v.say, Alarm: v.alarm, Open: v.open, Next: v.next}, nil
		},
		Again: func(ctx context.Context) error { return a.stillBound(ctx, who.who) }})
}

var errUnbound = errors.New("courier: the phone is no longer the courier's")

// stillBound: a stream outlives its signature, but not the phone's binding.
func (a *app) stillBound(ctx context.Context, who auth.Courier) error {
	b, err := a.Couriers.Binding(ctx, who.ID())
	if err != nil {
		return err
	}
	if b.Key != who.Signed().Key || b.RevokedAt != 0 {
		return errUnbound
	}
	return nil
}

// wakes is one channel for the journals of several sites.
func (a *app) wakes(sites []event.SiteID) (wake <-chan struct{}, stop func()) {
	merged, ended := make(chan struct{}, 1), make(chan struct{})
	var stops []func()
	for _, id := range sites {
		grown, end := a.Dispatch.Follow(id)
		stops = append(stops, end)
		go pass(grown, merged, ended)
	}
	return merged, func() {
		close(ended)
		for _, end := range stops {
			end()
		}
	}
}

// pass hands wakes on until it is ended; one that is waiting already is enough.
func pass(from <-chan struct{}, to chan<- struct{}, ended <-chan struct{}) {
	for {
		select {
		case <-from:
		case <-ended:
			return
		}
		select {
		case to <- struct{}{}:
		default:
		}
	}
}

// notFound says whether the API does not know what was asked for, or does not show it to this courier.
func notFound(p *api.Problem) bool { return p != nil && p.Status == http.StatusNotFound }

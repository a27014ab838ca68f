package customer

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/maps"
)

//go:embed css js
var files embed.FS

// Deps are what the app works with. All are required but Player, Links, Notifier and Phone.
type Deps struct {
	API      *api.API
	Sessions *auth.Sessions
	// Dispatch wakes the live pages; nothing is asked of it.
	Dispatch *dispatch.Dispatcher
	Kit      *ui.Kit
	Now      func() time.Time
	Log      *slog.Logger
	// Player is the script that plays live pictures (camera/live); nil where no camera can be.
	Player fs.FS
	// Links mail one-time links to sign in; nil where no mail is sent.
	Links *auth.Links
	// Notifier tells people; nil where nobody is told.
	Notifier *notify.Notifier
	// Phone is the operator's number for people in need, as it is dialled; "" for none.
	Phone string
	// Tiles is a folder in which the operator may have put a map, as one .pmtiles file; "" for none.
	Tiles string
	// Folder is this process's own, where exports wait to be fetched, sealed.
	Folder string
}

// App serves /home/. Safe for concurrent use.
type App struct {
	Deps
	mux     *http.ServeMux
	exports *exports
}

// New makes the app, and adds its files to the kit's: call it before the kit's files are served.
func New(d Deps) (*App, error) {
	a := &App{Deps: d, mux: http.NewServeMux()}
	if err := errors.Join(d.Kit.Embed("customer", files), maps.Embed(d.Kit)); err != nil {
		return nil, err
	}
	if d.Player != nil {
		if err := d.Kit.Embed("live", d.Player); err != nil {
			return nil, err
		}
	}
	var err error
	if a.exports, err = newExports(a); err != nil {
		return nil, fmt.Errorf("customer: %w", err)
	}
	a.routes()
	return a, nil
}

// Close ends the exports that are being written, and removes those that wait.
func (a *App) Close() { a.exports.close() }

// Forget removes what is kept of members who left: their exports. It may be called again.
func (a *App) Forget(members []event.MemberID) { a.exports.forget(members) }

// ServeHTTP serves a page; the kit's guard stands before it.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// routes states every address of the app.
func (a *App) routes() {
	for pattern, serve := range pages {
		a.mux.Handle(pattern, a.signedIn(serve))
	}
	a.mux.HandleFunc("GET /home/sw.js", a.worker)
	a.mux.Handle("/home/", a.signedIn((*person).nothingHere))
}

// signedIn finds out who asks; whoever is a stranger signs in first, and comes back.
func (a *App) signedIn(serve page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := a.member(r)
		switch {
		case errors.Is(err, auth.ErrSession):
			a.strange(w, r)
		case err != nil:
			a.Kit.Broke(r.Context(), "nobody can be recognised", err)
			p := &person{App: a, w: w, r: r}
			p.fail("unread", http.StatusServiceUnavailable)
		default:
			serve(&person{App: a, w: w, r: r, member: m})
		}
	})
}

// cookieName is the cookie of a member's session.
const cookieName = "__Host-loquet"

func (a *App) member(r *http.Request) (auth.Member, error) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return auth.Member{}, auth.ErrSession
	}
	return a.Sessions.Check(r.Context(), c.Value)
}

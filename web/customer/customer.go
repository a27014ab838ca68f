package customer

import (
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/web/ui"
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
}

// App serves /home/. Safe for concurrent use.
type App struct {
	Deps
	mux *http.ServeMux
}

// New makes the app, and adds its files to the kit's: call it before the kit's files are served.
func New(d Deps) (*App, error) {
	a := &App{Deps: d, mux: http.NewServeMux()}
	if err := d.Kit.Embed("customer", files); err != nil {
		return nil, err
	}
	if d.Player != nil {
		if err := d.Kit.Embed("live", d.Player); err != nil {
			return nil, err
		}
	}
	a.routes()
	return a, nil
}

// ServeHTTP serves a page; the kit's guard stands before it.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// page is what answers a request of a signed-in member.
type page func(*person)

// routes states every address of the app.
func (a *App) routes() {
	for pattern, serve := range map[string]page{
		"GET /home/{$}":                                     (*person).home,
		"GET /home/live":                                    (*person).homeLive,
		"GET /home/deliveries/{delivery}":                   (*person).delivery,
		"GET /home/deliveries/{delivery}/live":              (*person).deliveryLive,
		"POST /home/deliveries/{delivery}/block":            (*person).block,
		"POST /home/deliveries/{delivery}/consent":          (*person).consentTo,
		"POST /home/deliveries/{delivery}/withdraw":         (*person).withdrawFrom,
		"POST /home/deliveries/{delivery}/answer":           (*person).answer,
		"POST /home/deliveries/{delivery}/cancel":           (*person).cancel,
		"POST /home/deliveries/{delivery}/take-over":        (*person).takeOver,
		"GET /home/history":                                 (*person).history,
		"GET /home/history/live":                            (*person).historyLive,
		"GET /home/visits/{visit}/receipt.json":             (*person).receiptFile,
		"GET /home/cameras/new":                             (*person).newCamera,
		"POST /home/cameras/find":                           (*person).findCameras,
		"POST /home/cameras":                                (*person).addCamera,
		"GET /home/cameras/{camera}":                        (*person).camera,
		"POST /home/cameras/{camera}/check":                 (*person).checkCamera,
		"POST /home/cameras/{camera}/remove":                (*person).retireCamera,
		"GET /home/notifications":                           (*person).notifications,
		"GET /home/notifications/live":                      (*person).notificationsLive,
		"POST /home/notifications":                          (*person).setNotifications,
		"POST /home/notifications/phone":                    (*person).setPhone,
		"POST /home/notifications/test":                     (*person).sendTest,
		"POST /home/notifications/devices":                  (*person).subscribe,
		"POST /home/notifications/devices/{device}/remove":  (*person).unsubscribe,
		"GET /home/places":                                  (*person).places,
		"GET /home/household":                               (*person).members,
		"POST /home/household/members":                      (*person).addMember,
		"POST /home/household/members/{member}/remove":      (*person).removeMember,
		"GET /home/household/export":                        (*person).export,
		"GET /home/household/leave":                         (*person).leave,
		"POST /home/household/leave":                        (*person).moveOut,
		"GET /home/places/new":                              (*person).newPlace,
		"GET /home/places/new/device":                       (*person).newDevice,
		"GET /home/places/new/device/live":                  (*person).newDeviceLive,
		"POST /home/places/new/device":                      (*person).takeDevice,
		"GET /home/places/new/typed":                        (*person).typedDevice,
		"GET /home/places/new/proof":                        (*person).proof,
		"POST /home/places/new/barrier":                     (*person).addBarrier,
		"GET /home/barriers/{barrier}":                      (*person).byHand,
		"GET /home/barriers/{barrier}/live":                 (*person).byHandLive,
		"POST /home/barriers/{barrier}/retire":              (*person).retireBarrier,
		"GET /home/places/new/where":                        (*person).where,
		"POST /home/places":                                 (*person).addPlace,
		"GET /home/places/new/who":                          (*person).who,
		"GET /home/places/{place}":                          (*person).place,
		"GET /home/places/{place}/live":                     (*person).placeLive,
		"POST /home/places/{place}/remove":                  (*person).retirePlace,
		"GET /home/places/{place}/rehearsal":                (*person).rehearsal,
		"GET /home/places/{place}/rehearsal/live":           (*person).rehearsalLive,
		"POST /home/places/{place}/rehearsal":               (*person).begin,
		"POST /home/places/{place}/rehearsal/open":          (*person).openNext,
		"POST /home/places/{place}/rehearsal/code":          (*person).showCode,
		"POST /home/places/{place}/rehearsal/close":         (*person).closeAll,
		"GET /home/recordings":                              (*person).recordings,
		"GET /home/recordings/live":                         (*person).recordingsLive,
		"GET /home/recordings/{clip}":                       (*person).recording,
		"GET /home/recordings/{clip}/{number}/captions.vtt": (*person).captions,
		"POST /home/recordings/{clip}/erase":                (*person).eraseClip,
		"GET /home/rules":                                   (*person).rules,
		"GET /home/rules/live":                              (*person).rulesLive,
		"POST /home/rules":                                  (*person).setRules,
		"POST /home/rules/plan-b":                           (*person).planB,
		"GET /home/consents/new":                            (*person).consentForm,
		"POST /home/consents":                               (*person).giveConsent,
		"POST /home/consents/{consent}/withdraw":            (*person).withdrawConsent,
		"GET /home/visits/{visit}":                          (*person).visit,
	} {
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
			a.Log.Error("nobody can be recognised", "reference", ui.ViewOf(r.Context()).Reference, "error", err)
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

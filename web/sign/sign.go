package sign

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

//go:embed css js
var files embed.FS

// Deps are what the pages work with. All are required but OpenID, From, Reads and Zone.
type Deps struct {
	Kit      *ui.Kit
	Sessions *auth.Sessions
	Staffs   *auth.Staffs
	Passkeys *auth.Passkeys
	Links    *auth.Links
	// Mailboxes tell people their own address.
	Mailboxes *auth.Mailboxes
	// Mails says that mails are sent: without, only passkeys and links from the server's console sign in.
	Mails bool
	// OpenID is the operator's identity provider, nil without one.
	OpenID *auth.OpenID
	// Called names a member's place and the member.
	Called func(context.Context, event.MemberID) (place, name string, err error)
	// Reads is told in which language a member who signed in reads.
	Reads func(context.Context, auth.Member, phrase.Lang)
	// From is where a request comes from, for limits; nil for the connection's other end.
	From func(*http.Request) string
	// Zone is for the days at which sessions began; UTC when nil.
	Zone *time.Location
	Now  func() time.Time
	Log  *slog.Logger
}

// App serves /, /sign-in… and /operator/sign-in. Safe for concurrent use.
type App struct {
	Deps
	mux *http.ServeMux
}

// New makes the app, and adds its files to the kit's: call it before the kit's files are served.
func New(d Deps) (*App, error) {
	if d.From == nil {
		d.From = remoteHost
	}
	if d.Reads == nil {
		d.Reads = func(context.Context, auth.Member, phrase.Lang) {}
	}
	a := &App{Deps: d, mux: http.NewServeMux()}
	if err := d.Kit.Embed("sign", files); err != nil {
		return nil, err
	}
	a.routes()
	return a, nil
}

// ServeHTTP serves a page; the kit's guard stands before it.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Patterns are the addresses that the app answers, for whoever mounts it.
func Patterns() []string { return []string{"/{$}", "/sign-in", "/sign-in/", "/operator/sign-in"} }

// Addresses of the pages.
const (
	signInPath = "/sign-in"
	staffPath  = "/operator/sign-in"
	memberHome = "/home/"
	staffHome  = "/operator/"
	mineMember = "/sign-in/member"
	mineStaff  = "/sign-in/staff"
)

// ways are the addresses that everybody may ask.
var ways = map[string]func(*visit){
	"GET /{$}":                    (*visit).choose,
	"GET /sign-in":                (*visit).signIn,
	"GET /operator/sign-in":       (*visit).signIn,
	"POST /sign-in/mail":          (*visit).askForMail,
	"GET /sign-in/mail":           (*visit).mailSent,
	"GET /sign-in/link/{token}":   (*visit).link,
	"POST /sign-in/link/{token}":  (*visit).redeem,
	"POST /sign-in/passkey/begin": (*visit).beginPasskey,
	"POST /sign-in/passkey":       (*visit).passkey,
	"GET /sign-in/openid":         (*visit).beginOpenID,
	"GET " + auth.OpenIDPath:      (*visit).openID,
	"POST /sign-in/openid/ended":  (*visit).endedAtProvider,
	"GET /sign-in/openid/out":     (*visit).outAtProvider,
	"GET /sign-in/out":            (*visit).out,
	"POST /sign-in/out":           (*visit).memberOut,
	"POST /sign-in/out/staff":     (*visit).staffOut,
}

// mineWays are those of one's own ways to sign in, after the method and the base for members or for staff.
var mineWays = map[string]func(*mine){
	"GET ":                         (*mine).show,
	"POST /passkeys/begin":         (*mine).beginAdding,
	"POST /passkeys":               (*mine).add,
	"POST /passkeys/{id}/rename":   (*mine).rename,
	"POST /passkeys/{id}/remove":   (*mine).remove,
	"POST /check/begin":            (*mine).beginCheck,
	"POST /check":                  (*mine).check,
	"POST /address":                (*mine).changeAddress,
	"POST /sessions/{session}/end": (*mine).end,
	"POST /sessions/end-others":    (*mine).endOthers,
}

func (a *App) routes() {
	for pattern, serve := range ways {
		a.mux.Handle(pattern, a.visited(serve))
	}
	for base, find := range map[string]finder{mineMember: (*visit).asMember, mineStaff: (*visit).asStaff} {
		for pattern, serve := range mineWays {
			method, path, _ := strings.Cut(pattern, " ")
			a.mux.Handle(method+" "+base+path, a.visited(known(find, base, serve)))
		}
	}
	a.mux.Handle("/", http.HandlerFunc(a.Kit.NotFound))
}

// visit is one request.
type visit struct {
	*App
	w http.ResponseWriter
	r *http.Request
}

func (a *App) visited(serve func(*visit)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(&visit{a, w, r}) })
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// whole is the request's context without its end: a browser that goes away must not leave a link half spent.
func (v *visit) whole() context.Context { return context.WithoutCancel(v.r.Context()) }

func (v *visit) say(key string, pairs ...string) string { return words.T(v.ctx(), key, pairs...) }

func (v *visit) arrival() auth.Arrival { return auth.ArrivalOf(v.r, v.From(v.r)) }

// member is who of a household is signed in, with ErrSession for nobody.
func (v *visit) member() (auth.Member, error) {
	return v.Sessions.Check(v.ctx(), auth.TokenIn(v.r, auth.MemberCookie))
}

// staff is who of the staff is signed in, with ErrSession for nobody.
func (v *visit) staff() (auth.Staff, error) {
	return v.Staffs.Check(v.ctx(), auth.TokenIn(v.r, auth.StaffCookie))
}

// forStaff says whether the page is that of the staff.
func (v *visit) forStaff() bool { return v.r.URL.Path == staffPath }

// show answers with a page.
func (v *visit) show(p ui.Page) {
	p.App = ui.Sign
	p.Styles = append(p.Styles, "sign/css/sign.css")
	v.Kit.Render(v.w, v.r, p)
}

func (v *visit) goTo(path string) { http.Redirect(v.w, v.r, path, http.StatusSeeOther) }

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// unlessStranger returns err, but nil for ErrSession: that nobody is signed in is no failure.
func unlessStranger(err error) error {
	if errors.Is(err, auth.ErrSession) {
		return nil
	}
	return err
}

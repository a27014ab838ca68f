package operator_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// office is an installation with the operator's console before it.
type office struct {
	*indoors.Installation
	t       *testing.T
	kit     *ui.Kit
	console *operator.Console
	deps    operator.Deps
	staffs  *auth.Staffs
	links   *auth.Links
	mails   mails
	tiles   string
	hired   int
}

// mails are those that were sent, by address.
type mails struct {
	mu   sync.Mutex
	sent map[string]string
}

// Send keeps the link.
func (m *mails) Send(_ context.Context, to string, _ phrase.Lang, _ auth.MailKind, link string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sent == nil {
		m.sent = map[string]string{}
	}
	m.sent[to] = link
	return nil
}

func open(t *testing.T, with ...indoors.Option) *office {
	t.Helper()
	o := &office{t: t, tiles: t.TempDir()}
	o.Installation = indoors.New(t, func(in *indoors.Installation) http.Handler { return o.mount(in) }, with...)
	return o
}

func (o *office) mount(in *indoors.Installation) http.Handler {
	o.t.Helper()
	deps := auth.Deps{Register: in.Store, Now: time.Now, Random: rand.Reader}
	o.staffs = auth.NewStaffs(deps, in.Vault)
	o.links = auth.NewLinks(auth.LinksDeps{Deps: deps, Sessions: in.Sessions, Staffs: o.staffs, Mailboxes: auth.NewMailboxes(deps, in.Vault),
		Mailer: &o.mails, PublicURL: in.URL, Failed: func(err error) { o.t.Error(err) }})
	o.deps = operator.Deps{API: in.API, Staffs: o.staffs, Links: o.links, Couriers: in.Couriers, Dispatch: in.Dispatcher,
		Register: in.Store, Vault: in.Vault, Now: time.Now, Random: rand.Reader, Log: in.Log, Zone: paris(o.t), Tiles: o.tiles,
		Player: live.Player()}
	o.reopen()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/assets/") {
			o.kit.Assets().ServeHTTP(w, r)
			return
		}
		o.kit.Guard(o.console).ServeHTTP(w, r)
	})
}

// reopen makes the console anew, as a restart of the server does.
func (o *office) reopen() {
	o.t.Helper()
	var err error
	o.kit, err = ui.New(ui.Options{Public: o.deps.API.Deps.PublicURL, Log: o.deps.Log, Now: time.Now, Random: rand.Reader})
	must(o.t, err)
	o.deps.Kit = o.kit
	o.console, err = operator.New(o.deps)
	must(o.t, err)
	o.t.Cleanup(o.kit.EndStreams)
	o.t.Cleanup(o.console.Close)
}

func paris(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	must(t, err)
	return zone
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// staff makes an account of the role and signs it in, in a browser.
func (o *office) staff(name string, role auth.StaffRole) *visitor {
	o.t.Helper()
	o.hired++
	address := "colleague" + strconv.Itoa(o.hired) + "@example.org"
	_, link, err := o.staffs.Add(o.t.Context(), auth.NewStaff{Name: name, Address: address, Role: role})
	must(o.t, err)
	in, err := o.links.Redeem(o.t.Context(), link.Token, "", auth.Arrival{From: "127.0.0.1"})
	must(o.t, err)
	cookie := in.Cookie()
	return &visitor{t: o.t, at: o.URL, cookie: &cookie, lang: phrase.English, who: in.Staff}
}

// stranger is somebody who has not signed in.
func (o *office) stranger() *visitor { return &visitor{t: o.t, at: o.URL, lang: phrase.English} }

// visitor is somebody with a browser: signed in, or not.
type visitor struct {
	t      testing.TB
	at     string
	cookie *http.Cookie
	lang   phrase.Lang
	who    auth.Staff
}

func (v *visitor) in(lang phrase.Lang) *visitor {
	other := *v
	other.lang = lang
	return &other
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) send(method, path string, form url.Values) answer {
	v.t.Helper()
	return v.sendBody(method, path, "application/x-www-form-urlencoded", form.Encode())
}

func (v *visitor) sendBody(method, path, kind, body string, header ...string) answer {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.at+path, strings.NewReader(body))
	must(v.t, err)
	req.Header.Set("Accept-Language", string(v.lang))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Origin", v.at)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if v.cookie != nil {
		req.AddCookie(v.cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(v.t, err)
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	must(v.t, err)
	return answer{res.StatusCode, res.Header, string(said)}
}

// page gets a page, which must be well made.
func (v *visitor) page(path string) string {
	v.t.Helper()
	a := v.send("GET", path, nil)
	if a.status != http.StatusOK {
		v.t.Fatalf("GET %s: %d %s", path, a.status, plain(v.t, a.body))
	}
	uitest.Lint(v.t, a.body)
	return a.body
}

// plain is what a page's main says.
func plain(t testing.TB, body string) string {
	t.Helper()
	doc := uitest.Parse(t, body)
	if mains := uitest.Tags(doc, "main"); len(mains) == 1 {
		return uitest.Text(mains[0])
	}
	return uitest.Text(doc)
}

// shows requires that a page says each of the texts.
func (v *visitor) shows(path string, texts ...string) string {
	v.t.Helper()
	body := v.page(path)
	said := plain(v.t, body)
	for _, text := range texts {
		if !strings.Contains(said, text) {
			v.t.Errorf("%s does not say %q:\n%s", path, text, said)
		}
	}
	return body
}

// hides requires that a page says none of the texts, anywhere.
func (v *visitor) hides(path string, texts ...string) {
	v.t.Helper()
	body := v.page(path)
	for _, text := range texts {
		if strings.Contains(body, text) {
			v.t.Errorf("%s says %q:\n%s", path, text, plain(v.t, body))
		}
	}
}

// form finds the form of a page that goes to an address, and its fields as they are rendered; nil without one.
func form(t testing.TB, body, action string) url.Values {
	t.Helper()
	found := uitest.With(uitest.Parse(t, body), "action", action)
	if len(found) == 0 {
		return nil
	}
	return uitest.Fields(found[0])
}

// post sends a page's form, with some fields changed, and returns where it leads.
func (v *visitor) post(page, action string, change ...string) (location string) {
	v.t.Helper()
	body := v.page(page)
	fields := form(v.t, body, action)
	if fields == nil {
		v.t.Fatalf("no form of %s goes to %s:\n%s", page, action, plain(v.t, body))
	}
	for i := 0; i+1 < len(change); i += 2 {
		fields.Set(change[i], change[i+1])
	}
	a := v.send("POST", action, fields)
	if a.status != http.StatusSeeOther {
		v.t.Fatalf("POST %s: %d %s", action, a.status, plain(v.t, a.body))
	}
	return a.header.Get("Location")
}

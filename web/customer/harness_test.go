package customer_test

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// phoneNumber is that of the operator, in tests.
const phoneNumber = "+33199000000"

// building is an installation with the household's app before it.
type building struct {
	*indoors.Installation
	kit *ui.Kit
	app *customer.App
	// folder is where exports wait.
	folder string
	// logs is what was logged.
	logs *logbook
}

type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func build(t *testing.T, with ...indoors.Option) *building {
	t.Helper()
	b := &building{logs: &logbook{}, folder: t.TempDir()}
	b.Installation = indoors.New(t, func(in *indoors.Installation) http.Handler { return b.mount(t, in) }, with...)
	t.Cleanup(b.app.Close)
	t.Cleanup(b.kit.EndStreams)
	return b
}

func (b *building) mount(t *testing.T, in *indoors.Installation) http.Handler {
	t.Helper()
	kit, err := ui.New(ui.Options{Public: in.URL, Log: in.Log, Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	tells := notify.New(notify.Deps{Register: in.Store, Sites: in.Dispatcher, Sessions: in.Sessions, Vault: in.Vault, PushSubject: "mailto:operator@loquet.example", LocalPush: true,
		PublicURL: in.URL, Now: time.Now, Random: rand.Reader, Log: in.Log})
	app, err := customer.New(customer.Deps{API: in.API, Sessions: in.Sessions, Dispatch: in.Dispatcher, Kit: kit, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(b.logs, nil)), Player: live.Player(), Notifier: tells, Phone: phoneNumber, Folder: b.folder})
	if err != nil {
		t.Fatal(err)
	}
	b.kit, b.app = kit, app
	mux := http.NewServeMux()
	mux.Handle("/assets/", kit.Assets())
	mux.Handle("/", kit.Guard(app))
	return mux
}

// visitor is somebody with a browser: signed in, or not.
type visitor struct {
	t      testing.TB
	at     string
	cookie *http.Cookie
	lang   phrase.Lang
	site   string
}

func (b *building) visitor(t testing.TB, h *indoors.Household) *visitor {
	return &visitor{t: t, at: b.URL, cookie: h.Cookie, lang: phrase.English}
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
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", string(v.lang))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", v.at)
		if v.site != "" {
			req.Header.Set("Sec-Fetch-Site", v.site)
			req.Header.Set("Origin", "https://elsewhere.example")
		}
	}
	if v.cookie != nil {
		req.AddCookie(v.cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
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
	said := spaced(plain(v.t, body))
	for _, text := range texts {
		if !strings.Contains(said, spaced(text)) {
			v.t.Errorf("%s does not say %q:\n%s", path, text, said)
		}
	}
	return body
}

// spaced takes spaces that do not break for spaces.
func spaced(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

// form finds the form of a page that goes to an address, and its fields as they are rendered.
func form(t testing.TB, body, action string) url.Values {
	t.Helper()
	doc := uitest.Parse(t, body)
	forms := uitest.With(doc, "action", action)
	if len(forms) == 0 {
		t.Fatalf("no form goes to %s:\n%s", action, plain(t, body))
	}
	return uitest.Fields(forms[0])
}

// post sends a page's form, with some fields changed, and follows to where it leads.
func (v *visitor) post(page, action string, change ...string) (location string) {
	v.t.Helper()
	fields := form(v.t, v.page(page), action)
	for i := 0; i+1 < len(change); i += 2 {
		fields.Set(change[i], change[i+1])
	}
	a := v.send("POST", action, fields)
	if a.status != http.StatusSeeOther {
		v.t.Fatalf("POST %s: %d %s", action, a.status, plain(v.t, a.body))
	}
	return a.header.Get("Location")
}

package sign_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/idp"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/web/sign"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is the sign-in pages on a server of their own, with everything real behind them.
type house struct {
	t        *testing.T
	at       string
	deps     auth.Deps
	vault    *vault.Vault
	sessions *auth.Sessions
	staffs   *auth.Staffs
	links    *auth.Links
	passkeys *auth.Passkeys
	post     post

	mu  sync.Mutex
	now time.Time
	// from counts the addresses from which people come, so that no limit is met unless the test means to.
	from int
	// broken is what Called fails with.
	broken error
}

// option changes what the house has.
type option func(*house, *sign.Deps)

func withoutMails(_ *house, d *sign.Deps) { d.Mails = false }

// atNumber has the pages at an address that is a number.
func atNumber(h *house, _ *sign.Deps) { h.at = strings.Replace(h.at, "localhost", "127.0.0.1", 1) }

// withProvider adds an identity provider.
func withProvider(known idp.People) option {
	return func(h *house, d *sign.Deps) {
		h.t.Helper()
		p := idp.Start(h.t, known, idp.Client("loquet", "client_secret_basic", h.at))
		transport := &http.Transport{}
		h.t.Cleanup(transport.CloseIdleConnections)
		o, err := auth.NewOpenID(auth.OpenIDDeps{Deps: h.deps, Staffs: h.staffs, PublicURL: h.at, HTTP: &http.Client{Transport: transport, Timeout: 20 * time.Second},
			Config: auth.OpenIDConfig{Issuer: p.Issuer, ClientID: "loquet", ClientSecret: "the secret of loquet", Name: "Guichet", Scopes: []string{"groups"},
				Roles: []auth.RoleClaim{{Claim: "groups", Value: "desk", Role: auth.Dispatcher}}}})
		must(h.t, err)
		d.OpenID = o
	}
}

func newHouse(t *testing.T, with ...option) *house {
	t.Helper()
	h := &house{t: t, now: time.Now()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	h.at = "http://localhost:" + port
	db := memory.New()
	master, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master"), rand.Reader)
	must(t, err)
	h.deps = auth.Deps{Register: db, Now: h.clock, Random: rand.Reader}
	h.vault = vault.New(vault.Deps{Master: master, Register: db, Now: h.clock, Random: rand.Reader})
	h.sessions, h.staffs = auth.NewSessions(h.deps), auth.NewStaffs(h.deps, h.vault)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h.handler(with), ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		must(t, db.Close())
	})
	return h
}

func (h *house) handler(with []option) http.Handler {
	h.t.Helper()
	boxes := auth.NewMailboxes(h.deps, h.vault)
	d := sign.Deps{Sessions: h.sessions, Staffs: h.staffs, Mailboxes: boxes, Mails: true, Called: h.called, From: h.nextFrom, Now: h.clock, Log: slog.New(slog.DiscardHandler)}
	for _, change := range with {
		change(h, &d)
	}
	kit, err := ui.New(ui.Options{Public: h.at, Log: d.Log, Now: h.clock, Random: rand.Reader})
	must(h.t, err)
	h.links = auth.NewLinks(auth.LinksDeps{Deps: h.deps, Sessions: h.sessions, Staffs: h.staffs, Mailboxes: boxes, Mailer: &h.post, PublicURL: h.at,
		Failed: func(err error) { h.t.Error(err) }})
	ctx, end := context.WithCancel(context.Background())
	var under sync.WaitGroup
	under.Go(func() { h.links.Run(ctx) })
	h.t.Cleanup(func() { end(); under.Wait() })
	h.passkeys, err = auth.NewPasskeys(auth.PasskeysDeps{Deps: h.deps, Vault: h.vault, Sessions: h.sessions, Staffs: h.staffs, PublicURL: h.at})
	must(h.t, err)
	d.Kit, d.Links, d.Passkeys = kit, h.links, h.passkeys
	app, err := sign.New(d)
	must(h.t, err)
	pages := http.NewServeMux()
	for _, pattern := range sign.Patterns() {
		pages.Handle(pattern, app)
	}
	for _, other := range []string{"/home/", "/operator/", "/courier/"} {
		pages.HandleFunc(other, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the page ", r.URL.RequestURI()) })
	}
	mux := http.NewServeMux()
	mux.Handle("/assets/", kit.Assets())
	mux.Handle("/", kit.Guard(pages))
	return mux
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) nextFrom(r *http.Request) string {
	if from := r.Header.Get("Test-From"); from != "" {
		return from
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.from++
	return fmt.Sprintf("192.0.%d.%d", h.from/256, h.from%256)
}

// called names places and people after the member's identifier.
func (h *house) called(_ context.Context, m event.MemberID) (place, name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m == "bare-m1" {
		return "", "", h.broken
	}
	return "12 rue " + string(event.SiteOf(m)), "Ana <b>" + string(m) + "</b>", h.broken
}

func (h *house) breakNames(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = err
}

// post keeps mails.
type post struct {
	mu   sync.Mutex
	come chan mail
}

type mail struct {
	to, link string
	lang     phrase.Lang
	kind     auth.MailKind
}

func (p *post) box() chan mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.come == nil {
		p.come = make(chan mail, 100)
	}
	return p.come
}

// Send keeps it.
func (p *post) Send(_ context.Context, to string, lang phrase.Lang, kind auth.MailKind, link string) error {
	p.box() <- mail{to, link, lang, kind}
	return nil
}

// next waits for the next mail.
func (h *house) next() mail {
	h.t.Helper()
	select {
	case m := <-h.post.box():
		return m
	case <-time.After(time.Minute):
		h.t.Fatal("no mail came")
	}
	return mail{}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hand makes a link for a member.
func (h *house) hand(m event.MemberID) string {
	h.t.Helper()
	link, err := h.sessions.Invite(h.t.Context(), m)
	must(h.t, err)
	return "/sign-in/link/" + link.Token
}

// colleague makes an account, and a link for it.
func (h *house) colleague(name string) (auth.Account, string) {
	h.t.Helper()
	a, link, err := h.staffs.Add(h.t.Context(), auth.NewStaff{Name: name, Address: strings.ToLower(name) + "@loquet.example", Role: auth.Viewer})
	must(h.t, err)
	return a, "/sign-in/link/" + link.Token
}

// browser is somebody's browser, without scripts.
type browser struct {
	t     *testing.T
	house *house
	http  *http.Client
	lang  phrase.Lang
	from  string
	site  string
}

func (h *house) browser() *browser {
	jar := &plainJar{}
	jar.Jar, _ = cookiejar.New(nil)
	transport := &http.Transport{}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: h.t, house: h, lang: phrase.English, http: &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// plainJar treats localhost as browsers do: as secure.
type plainJar struct{ *cookiejar.Jar }

func secured(u *url.URL) *url.URL {
	other := *u
	other.Scheme = "https"
	return &other
}

// SetCookies keeps them.
func (j *plainJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.Jar.SetCookies(secured(u), cookies)
}

// Cookies returns them.
func (j *plainJar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secured(u)) }

func (b *browser) in(lang phrase.Lang) *browser {
	other := *b
	other.lang = lang
	return &other
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (b *browser) send(method, path, kind, body string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.house.at+path, strings.NewReader(body))
	must(b.t, err)
	req.Header.Set("Accept-Language", string(b.lang))
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	req.Header.Set("Test-From", b.from)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Origin", b.house.at)
	}
	if b.site != "" {
		req.Header.Set("Sec-Fetch-Site", b.site)
		req.Header.Set("Origin", "https://evil.example")
	}
	res, err := b.http.Do(req)
	must(b.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(b.t, err)
	return answer{b.t, res.StatusCode, res.Header, string(data)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.send(http.MethodGet, path, "", "")
}

func (b *browser) post(path string, pairs ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

// script sends JSON, as the page's script does, and reads the answer.
func (b *browser) script(path string, body any, into any) answer {
	b.t.Helper()
	data, err := json.Marshal(body)
	must(b.t, err)
	a := b.send(http.MethodPost, path, "application/json", string(data))
	must(b.t, json.Unmarshal([]byte(a.body), into))
	return a
}

// page is a well made page with that status.
func (a answer) page(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d: %s", a.status, a.text())
	}
	uitest.Lint(a.t, a.body)
	return a
}

// text is what the page's main says.
func (a answer) text() string {
	doc := uitest.Parse(a.t, a.body)
	if mains := uitest.Tags(doc, "main"); len(mains) == 1 {
		return uitest.Text(mains[0])
	}
	return uitest.Text(doc)
}

// says requires texts on the page.
func (a answer) says(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.text(), text) {
			a.t.Errorf("the page does not say %q: %s", text, a.text())
		}
	}
	return a
}

// silent requires that the page does not say texts.
func (a answer) silent(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.text(), text) {
			a.t.Errorf("the page says %q: %s", text, a.text())
		}
	}
	return a
}

// leads requires that the browser is sent on.
func (a answer) leads(to string) answer {
	a.t.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != to {
		a.t.Errorf("leads with %d to %q, want %q: %s", a.status, got, to, a.text())
	}
	return a
}

// comeBy signs in by a link.
func (b *browser) comeBy(link string) *browser {
	b.t.Helper()
	if a := b.post(link); a.status != http.StatusSeeOther {
		b.t.Fatalf("answered %d: %s", a.status, a.text())
	}
	return b
}

// token is that of the session cookie with the name; "" without one.
func (b *browser) token(name string) string {
	u, err := url.Parse(b.house.at)
	must(b.t, err)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// holding has the browser hold a cookie as if it had come by it.
func (b *browser) holding(name, value string) *browser {
	b.t.Helper()
	u, err := url.Parse(b.house.at)
	must(b.t, err)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true}})
	return b
}

// member is who is signed in, "" for nobody.
func (b *browser) member() event.MemberID {
	b.t.Helper()
	m, err := b.house.sessions.Check(b.t.Context(), b.token(auth.MemberCookie))
	if err != nil && !errors.Is(err, auth.ErrSession) {
		b.t.Fatal(err)
	}
	return m.ID()
}

// staff is the name of who of the staff is signed in, "" for nobody.
func (b *browser) staff() string {
	b.t.Helper()
	s, err := b.house.staffs.Check(b.t.Context(), b.token(auth.StaffCookie))
	if err != nil && !errors.Is(err, auth.ErrSession) {
		b.t.Fatal(err)
	}
	return s.Name()
}

package ui_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// directives reads a Content-Security-Policy.
func directives(t *testing.T, w *httptest.ResponseRecorder) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for one := range strings.SplitSeq(w.Header().Get("Content-Security-Policy"), ";") {
		words := strings.Fields(one)
		if len(words) == 0 {
			t.Fatalf("policy %q", w.Header().Get("Content-Security-Policy"))
		}
		found[words[0]] = words[1:]
	}
	return found
}

func plain(k *ui.Kit, p ui.Policy) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k.Render(w, r, ui.Page{App: ui.Customer, Title: "T", Main: heading("T"), Policy: p})
	}
}

func TestPolicyAllowsNothingFromElsewhereAndNothingInline(t *testing.T) {
	k := uitest.Kit(t)
	w := get(k, "/home/", plain(k, ui.Policy{}))
	for name, want := range map[string]string{"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
		"form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'", "worker-src": "'self'", "img-src": "'self' data: blob:", "media-src": "'self' blob:"} {
		if got := strings.Join(directives(t, w)[name], " "); got != want {
			t.Errorf("%s %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	may := w.Header().Get("Permissions-Policy")
	for _, no := range []string{"camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()"} {
		if !strings.Contains(may, no) {
			t.Errorf("%s is not refused: %s", no, may)
		}
	}
}

func TestPolicyOfAPage(t *testing.T) {
	k := uitest.Kit(t)
	for name, c := range map[string]struct {
		policy        ui.Policy
		script        string
		worker        string
		allowed, none string
	}{
		"scan":     {ui.Policy{Scan: true, Camera: true}, "'self' 'wasm-unsafe-eval'", "'self' blob:", "camera=(self)", "geolocation=()"},
		"position": {ui.Policy{Position: true}, "'self'", "'self'", "geolocation=(self)", "camera=()"},
		"map":      {ui.Policy{Workers: true}, "'self'", "'self' blob:", "", "camera=()"},
	} {
		w := get(k, "/", plain(k, c.policy))
		d := directives(t, w)
		if got := strings.Join(d["script-src"], " "); got != c.script {
			t.Errorf("%s: script-src %s", name, got)
		}
		if got := strings.Join(d["worker-src"], " "); got != c.worker {
			t.Errorf("%s: worker-src %s", name, got)
		}
		if may := w.Header().Get("Permissions-Policy"); !strings.Contains(may, c.allowed) || !strings.Contains(may, c.none) {
			t.Errorf("%s: %s", name, may)
		}
	}
}

// post sends a form to a guarded handler.
func post(k *ui.Kit, path string, form url.Values, h http.HandlerFunc, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	k.Guard(h).ServeHTTP(w, r)
	return w
}

func TestFormsFromElsewhereDoNothing(t *testing.T) {
	k := uitest.Kit(t)
	done := 0
	do := func(http.ResponseWriter, *http.Request) { done++ }
	for name, c := range map[string]struct {
		header []string
		runs   bool
	}{
		"another site":                      {[]string{"Sec-Fetch-Site", "cross-site"}, false},
		"another site's subdomain":          {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"another origin, old browser":       {[]string{"Origin", "https://evil.example"}, false},
		"its own page":                      {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"typed into the browser":            {[]string{"Sec-Fetch-Site", "none"}, true},
		"the public origin, behind a proxy": {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://localhost"}, true},
		"no browser":                        {nil, true},
	} {
		done = 0
		w := post(k, "/home/block", url.Values{}, do, c.header...)
		if (done == 1) != c.runs {
			t.Errorf("%s: done %d times", name, done)
		}
		if !c.runs {
			uitest.Lint(t, w.Body.String())
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Nothing was done.") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	k := uitest.Kit(t)
	read := func(allow int64) (n int64, err error) {
		h := func(w http.ResponseWriter, r *http.Request) {
			if allow > 0 {
				ui.AllowBody(w, r, allow)
			}
			n, err = io.Copy(io.Discard, r.Body)
		}
		post(k, "/home/photo", url.Values{"x": {strings.Repeat("x", 300<<10)}}, h)
		return n, err
	}
	if n, err := read(0); err == nil || n != 256<<10 {
		t.Errorf("read %d of 300 KB: %v", n, err)
	}
	if n, err := read(1 << 20); err != nil || n != 300<<10+2 {
		t.Errorf("a form that allows more read %d: %v", n, err)
	}
	if n, err := read(1000); err == nil || n != 1000 {
		t.Errorf("a form that allows less read %d: %v", n, err)
	}
}

// logging is a kit, and what it logs.
func logging(t *testing.T) (*ui.Kit, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	k, err := ui.New(ui.Options{Public: "http://localhost", Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Random: strings.NewReader(strings.Repeat("x", 999))})
	if err != nil {
		t.Fatal(err)
	}
	return k, log
}

func TestAPageThatBreaks(t *testing.T) {
	k, log := logging(t)
	for name, h := range map[string]http.HandlerFunc{
		"a handler": func(http.ResponseWriter, *http.Request) { panic("secret detail") },
		"a component": func(w http.ResponseWriter, r *http.Request) {
			k.Render(w, r, ui.Page{App: ui.Customer, Title: "T", Main: broken})
		},
	} {
		log.Reset()
		w := get(k, "/home/", h)
		uitest.Lint(t, w.Body.String())
		reference := uitest.Text(uitest.With(uitest.Parse(t, w.Body.String()), "class", "meta")[0])
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") || !strings.HasPrefix(reference, "Reference: ") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), strings.TrimPrefix(reference, "Reference: ")) {
			t.Errorf("%s: %q is not in the log: %s", name, reference, log.String())
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"half sent": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("later") },
		"aborted":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler { //nolint:errorlint // this very value
					t.Errorf("%s: the connection is not cut off", name)
				}
			}()
			get(k, "/home/", h)
		}()
	}
}

// Somebody who leaves while a page is made for them is nobody's failure.
func TestAPageThatNobodyWaitsFor(t *testing.T) {
	k, log := logging(t)
	ctx, leave := context.WithCancel(t.Context())
	left := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave()
		k.Render(w, r, ui.Page{App: ui.Customer, Title: "T", Main: templ.Raw("<p>here</p>")})
	})
	w := httptest.NewRecorder()
	defer func() {
		if broke := recover(); broke != http.ErrAbortHandler || w.Body.Len() > 0 || log.Len() > 0 { //nolint:errorlint // this very value
			t.Errorf("%v, answered %q, logged %s", broke, w.Body, log)
		}
	}()
	k.Guard(left).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/home/", nil))
}

func TestLanguageOfThePerson(t *testing.T) {
	k := uitest.Kit(t)
	for _, c := range []struct {
		accept, cookie string
		want           phrase.Lang
	}{
		{"", "", phrase.English}, {"fr-CA,en;q=0.5", "", phrase.French}, {"de", "", phrase.English},
		{"fr", "loquet-lang=en", phrase.English}, {"en", "loquet-lang=fr", phrase.French}, {"fr", "loquet-lang=xx", phrase.French},
	} {
		var got phrase.Lang
		get(k, "/", func(_ http.ResponseWriter, r *http.Request) { got = ui.ViewOf(r.Context()).Lang }, "Accept-Language", c.accept, "Cookie", c.cookie)
		if got != c.want {
			t.Errorf("%q, %q: %s", c.accept, c.cookie, got)
		}
	}
}

func TestChoosing(t *testing.T) {
	k := uitest.Kit(t)
	never := func(http.ResponseWriter, *http.Request) { t.Error("the pages were asked") }
	for name, c := range map[string]struct {
		form         url.Values
		cookie, back string
	}{
		"French":            {url.Values{"lang": {"fr"}, "back": {"/home/visits/7?step=2"}}, "loquet-lang=fr", "/home/visits/7?step=2"},
		"dark":              {url.Values{"theme": {"dark"}, "back": {"/home/"}}, "loquet-theme=dark", "/home/"},
		"as the phone":      {url.Values{"theme": {""}, "back": {"/home/"}}, "loquet-theme=;", "/home/"},
		"nonsense":          {url.Values{"lang": {"xx"}, "theme": {"pink"}}, "", "/"},
		"to another host":   {url.Values{"lang": {"en"}, "back": {"https://evil.example/"}}, "loquet-lang=en", "/"},
		"to another host 2": {url.Values{"lang": {"en"}, "back": {"//evil.example/"}}, "loquet-lang=en", "/"},
		"to another host 3": {url.Values{"lang": {"en"}, "back": {"/\\evil.example/"}}, "loquet-lang=en", "/"},
		"to a script":       {url.Values{"lang": {"en"}, "back": {"javascript:alert(1)"}}, "loquet-lang=en", "/"},
		"to a line":         {url.Values{"lang": {"en"}, "back": {"/a\r\nSet-Cookie: b=c"}}, "loquet-lang=en", "/"},
	} {
		w := post(k, "/choose", c.form, never)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.back {
			t.Errorf("%s: %d to %q", name, w.Code, w.Header().Get("Location"))
		}
		if got := strings.Join(w.Header().Values("Set-Cookie"), "\n"); c.cookie == "" && got != "" || !strings.HasPrefix(got, c.cookie) {
			t.Errorf("%s: %q", name, got)
		}
	}
	var told []string
	k.Chosen = func(_ *http.Request, lang phrase.Lang) { told = append(told, string(lang)) }
	for _, lang := range []string{"fr", "xx", "en"} {
		post(k, "/choose", url.Values{"lang": {lang}}, never)
	}
	post(k, "/choose", url.Values{"theme": {"dark"}}, never)
	post(k, "/choose", url.Values{"lang": {"fr"}}, never, "Sec-Fetch-Site", "cross-site")
	if got := strings.Join(told, " "); got != "fr en" {
		t.Errorf("chosen were %q", got)
	}
	if w := get(k, "/choose", never); w.Code != http.StatusSeeOther || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("a link chose: %d %v", w.Code, w.Header())
	}
	if w := post(k, "/choose", url.Values{"lang": {"fr"}}, never, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site chose: %d", w.Code)
	}
}

func TestCookiesAreForTheServerAlone(t *testing.T) {
	for public, secure := range map[string]bool{"https://loquet.example": true, "http://localhost": false} {
		k, err := ui.New(ui.Options{Public: public, Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: strings.NewReader("xxxxxxxxxx")})
		if err != nil {
			t.Fatal(err)
		}
		w := post(k, "/choose", url.Values{"lang": {"fr"}}, nil)
		c := w.Result().Cookies()[0]
		if c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("%s: %v", public, c)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := ui.Options{Public: "https://loquet.example/", Log: slog.Default(), Now: time.Now, Random: strings.NewReader("")}
	if _, err := ui.New(good); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*ui.Options){
		"no log": func(o *ui.Options) { o.Log = nil }, "no clock": func(o *ui.Options) { o.Now = nil }, "no randomness": func(o *ui.Options) { o.Random = nil },
		"a path": func(o *ui.Options) { o.Public = "https://loquet.example/app" }, "no scheme": func(o *ui.Options) { o.Public = "loquet.example" },
	} {
		o := good
		if spoil(&o); func() bool { _, err := ui.New(o); return err == nil }() {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestTokensDiffer(t *testing.T) {
	k := uitest.Kit(t)
	var drawn []string
	for range 100 {
		one := k.Token()
		if len(one) != 24 || slices.Contains(drawn, one) {
			t.Fatalf("token %q", one)
		}
		drawn = append(drawn, one)
	}
}

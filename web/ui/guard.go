package ui

import (
	"cmp"
	"encoding/base32"
	"io"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
)

// maxBody is the most bytes that a form may have, but for one that allows more.
const maxBody = 256 << 10

// choosePath takes the choice of language and theme.
const choosePath = "/choose"

// Guard is everything that stands before the pages: headers that let a browser load and do only what a page needs,
// the refusal of forms from elsewhere, a bound on bodies, an answer when a handler breaks, and the person's view,
// which ViewOf finds. It answers POST /choose itself.
func (k *Kit) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := k.newView(r)
		v.body = bounded{r.Body}
		out := &answer{ResponseWriter: w}
		r = r.WithContext(withView(r.Context(), v))
		defer k.recovered(out, r)
		guardHeaders(w.Header())
		Policy{}.write(w.Header())
		if err := k.origin.Check(r); err != nil {
			k.Fail(out, r, troubleOf(r, "crossOrigin", http.StatusForbidden))
			return
		}
		AllowBody(out, r, maxBody)
		if r.URL.Path == choosePath {
			k.choose(out, r)
			return
		}
		next.ServeHTTP(out, r)
	})
}

func guardHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Origin-Agent-Cluster", "?1")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept-Language")
}

// Policy is what a page needs of the browser beyond showing itself. The zero value asks for nothing.
type Policy struct {
	// Camera and Position let the page ask for them.
	Camera, Position bool
	// Scan lets the page run the scanner: WebAssembly, in a worker.
	Scan bool
	// Workers lets the page start workers from its own scripts: the map, and the player of live pictures.
	Workers bool
}

// write sets the page's own part of the headers.
func (p Policy) write(h http.Header) {
	h.Set("Content-Security-Policy", p.content())
	h.Set("Permissions-Policy", p.permissions())
}

func (p Policy) content() string {
	script, worker := "script-src 'self'", "worker-src 'self'"
	if p.Scan {
		script += " 'wasm-unsafe-eval'"
	}
	if p.Scan || p.Workers {
		worker += " blob:"
	}
	return "default-src 'none'; " + script + "; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
		"media-src 'self' blob:; manifest-src 'self'; " + worker + "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

func (p Policy) permissions() string {
	allow := func(name string, yes bool) string {
		if yes {
			return name + "=(self)"
		}
		return name + "=()"
	}
	list := []string{allow("camera", p.Camera), allow("geolocation", p.Position), allow("screen-wake-lock", p.Camera || p.Position)}
	for _, name := range []string{"microphone", "payment", "usb", "serial", "midi", "accelerometer", "gyroscope",
		"magnetometer", "display-capture", "browsing-topics"} {
		list = append(list, allow(name, false))
	}
	return strings.Join(list, ", ")
}

// bounded is a request's body before any limit.
type bounded struct{ io.ReadCloser }

// AllowBody lets a request's body have so many bytes, instead of 256 KB: for a form that takes a picture or a file.
// Call it before anything is read.
func AllowBody(w http.ResponseWriter, r *http.Request, most int64) {
	if body := ViewOf(r.Context()).body; body.ReadCloser != nil {
		r.Body = http.MaxBytesReader(w, body.ReadCloser, most)
	}
}

// answer knows whether anything was sent yet.
type answer struct {
	http.ResponseWriter
	sent bool
}

func (a *answer) WriteHeader(status int) {
	a.sent = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.sent = true
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// recovered answers for a handler that broke; what was half sent is cut off. That somebody went away is no failure.
func (k *Kit) recovered(w *answer, r *http.Request) {
	broke := recover()
	if broke == nil {
		return
	}
	if broke == http.ErrAbortHandler || w.sent { //nolint:errorlint // the standard library panics with this very value
		if r.Context().Err() == nil {
			k.Log.Error("a page broke off", "route", r.Pattern, "panic", broke)
		}
		panic(http.ErrAbortHandler)
	}
	k.Log.Error("a page broke", "reference", ViewOf(r.Context()).Reference, "route", r.Pattern, "panic", broke, "stack", string(debug.Stack()))
	k.Fail(w, r, troubleOf(r, "broke", http.StatusInternalServerError))
}

// reference is short, and drawn: "k3fq-7xla".
func (k *Kit) reference() string {
	var b [5]byte
	if _, err := io.ReadFull(k.Random, b[:]); err != nil {
		return ""
	}
	s := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	return s[:4] + "-" + s[4:]
}

// choose keeps a person's language or theme, and goes back to where the person was.
func (k *Kit) choose(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	switch lang := r.PostFormValue("lang"); phrase.Lang(lang) {
	case phrase.English, phrase.French:
		k.keep(w, langCookie, lang)
		if k.Chosen != nil {
			k.Chosen(r, phrase.Lang(lang))
		}
	}
	if r.PostForm.Has("theme") {
		switch theme := r.PostForm.Get("theme"); Theme(theme) {
		case ThemeAuto, ThemeLight, ThemeDark:
			k.keep(w, themeCookie, theme)
		}
	}
	http.Redirect(w, r, cmp.Or(auth.OwnPath(r.PostFormValue("back")), "/"), http.StatusSeeOther) //nolint:gosec // OwnPath never leaves this server
}

func (k *Kit) keep(w http.ResponseWriter, name, value string) {
	const year = 365 * 24 * 60 * 60
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: year, HttpOnly: true, SameSite: http.SameSiteLaxMode, //nolint:gosec // says nothing of who it is
		Secure: strings.HasPrefix(k.Public, "https:")}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

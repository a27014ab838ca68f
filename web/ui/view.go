package ui

import (
	"context"
	"net/http"
	"time"

	"github.com/loquet/loquet/phrase"
)

// View is one person's view of a page: in which language and light, of which address, at which moment.
type View struct {
	Lang phrase.Lang
	// Theme is ThemeLight, ThemeDark, or ThemeAuto: as the phone says.
	Theme Theme
	// Now is when the page, or this state of it, is rendered. Ages count from here.
	Now time.Time
	// Path is the request's own path and query.
	Path string
	// Demo says that nothing real opens here.
	Demo bool
	// Reference finds the request in the logs; short enough to read out.
	Reference string

	kit *Kit
	// body is the request's body before it was bounded.
	body bounded
}

// Theme is how light a page is.
type Theme string

// Themes.
const (
	ThemeAuto  Theme = ""
	ThemeLight Theme = "light"
	ThemeDark  Theme = "dark"
)

type viewKey struct{}

// ViewOf is the view that a context belongs to. Outside a request it is an English one of now.
func ViewOf(ctx context.Context) *View {
	if v, ok := ctx.Value(viewKey{}).(*View); ok {
		return v
	}
	return &View{Lang: phrase.English, Now: time.Now(), Path: "/"}
}

// With puts a view of the kit into a context, for pages that are rendered outside a request.
func (k *Kit) With(ctx context.Context, lang phrase.Lang) context.Context {
	return withView(ctx, &View{Lang: lang, Now: k.Now(), Path: "/", Demo: k.Demo, kit: k})
}

func withView(ctx context.Context, v *View) context.Context {
	return context.WithValue(ctx, viewKey{}, v)
}

// later is the same view at the present moment: a page that lives is rendered many times.
func (k *Kit) later(ctx context.Context) context.Context {
	v := *ViewOf(ctx)
	v.Now = k.Now()
	return withView(ctx, &v)
}

// Asset is the address of an embedded file.
func (v *View) Asset(name string) string {
	if v.kit == nil {
		return assetsPath + "-/" + name
	}
	return v.kit.Asset(name)
}

// Token is an idempotency key, drawn for this rendering.
func (v *View) Token() string {
	if v.kit == nil {
		return ""
	}
	return v.kit.Token()
}

func (k *Kit) newView(r *http.Request) *View {
	return &View{Lang: langOf(r), Theme: themeOf(r), Now: k.Now(), Path: r.URL.RequestURI(), Demo: k.Demo,
		Reference: k.reference(), kit: k}
}

// Cookies of what a person chose. They say nothing of who it is.
const (
	langCookie  = "loquet-lang"
	themeCookie = "loquet-theme"
)

func langOf(r *http.Request) phrase.Lang {
	if c, err := r.Cookie(langCookie); err == nil && (c.Value == string(phrase.English) || c.Value == string(phrase.French)) {
		return phrase.Lang(c.Value)
	}
	return phrase.Match(r.Header.Get("Accept-Language"))
}

func themeOf(r *http.Request) Theme {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == string(ThemeLight) || c.Value == string(ThemeDark)) {
		return Theme(c.Value)
	}
	return ThemeAuto
}

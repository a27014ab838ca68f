package ui_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// heading is the smallest main that a page can have.
func heading(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<h1>"+templ.EscapeString(text)+"</h1>")
		return err
	})
}

// get asks a guarded handler for a page.
func get(k *ui.Kit, path string, h http.HandlerFunc, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	k.Guard(h).ServeHTTP(w, r)
	return w
}

func TestRenderAWholePage(t *testing.T) {
	k := uitest.Kit(t)
	show := func(w http.ResponseWriter, r *http.Request) {
		k.Render(w, r, ui.Page{App: ui.Customer, Title: "Door <open>", Place: "12 rue Verte", Main: heading("Open"), Live: "/home/live",
			Nav: []ui.NavItem{{Href: "/home/", Text: "Home", Here: true}}, Say: "said", Alarm: "alarmed", Person: "Ana"})
	}
	w := get(k, "/home/?x=1", show, "Accept-Language", "fr-FR")
	page := w.Body.String()
	uitest.Lint(t, page)
	doc := uitest.Parse(t, page)
	if got := uitest.Text(uitest.Tags(doc, "title")[0]); got != "Door <open> – 12 rue Verte – Loquet" {
		t.Errorf("title %q", got)
	}
	if lang, _ := uitest.Attr(uitest.Tags(doc, "html")[0], "lang"); lang != string(phrase.French) {
		t.Errorf("lang %q", lang)
	}
	if got := uitest.Text(uitest.ID(doc, "status")) + uitest.Text(uitest.ID(doc, "alert")); got != "saidalarmed" {
		t.Errorf("said %q", got)
	}
	if !strings.Contains(page, `sse-connect="/home/live"`) {
		t.Error("the page does not live")
	}
}

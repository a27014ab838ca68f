package ui_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// pageOf shows one page.
func pageOf(k *ui.Kit, p ui.Page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { k.Render(w, r, p) }
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

// frameOf is the frame that a page says it has.
func frameOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	frame, _ := uitest.Attr(uitest.Tags(uitest.Parse(t, w.Body.String()), "html")[0], "data-frame")
	if frame == "" {
		t.Fatal("the page has no frame")
	}
	return frame
}

// TestAnotherFrameIsLoadedWhole: what a script can't take over, the browser loads.
func TestTheStreamDoesNotSayAgainWhatAFormHadToSay(t *testing.T) {
	for page, want := range map[string]string{
		"/home/":                              "/home/live",
		"/home/?done=acknowledged&who=Ana":    "/home/live",
		"/home/?day=2026-11-22&not=busy":      "/home/live?day=2026-11-22",
		"/home/history?who=others&place=x-a1": "/home/live?place=x-a1&who=others",
		"/home/history?n=2&cursor=%2B%26%3D":  "/home/live?cursor=%2B%26%3D&n=2",
	} {
		u, err := url.Parse(page)
		if err != nil {
			t.Fatal(err)
		}
		if got := ui.LiveAt("/home/live", u); got != want {
			t.Errorf("%s: %s", page, got)
		}
		if got := ui.LiveAt("/home/live?tag=T", u); got != want+map[bool]string{true: "&", false: "?"}[strings.Contains(want, "?")]+"tag=T" {
			t.Errorf("%s, with a question of its own: %s", page, got)
		}
		if got := ui.LiveAt("", u); got != "" {
			t.Errorf("a page without a stream: %s", got)
		}
	}
}

func TestAnotherFrameIsLoadedWhole(t *testing.T) {
	k := uitest.Kit(t)
	page := ui.Page{App: ui.Customer, Title: "T", Main: heading("T"), Live: "/live"}
	show := func(p ui.Page) http.HandlerFunc { return pageOf(k, p) }
	frame := frameOf(t, get(k, "/home/", show(page)))
	same := page
	same.Title, same.Person, same.Main = "U", "Ana", heading("U")
	if w := get(k, "/home/", show(same), "Loquet-Frame", frame); w.Code != http.StatusOK || frameOf(t, w) != frame {
		t.Errorf("the same frame: %d", w.Code)
	}
	for name, change := range map[string]func(*ui.Page){
		"app": func(p *ui.Page) { p.App = ui.Operator }, "policy": func(p *ui.Page) { p.Policy.Camera = true },
		"stream": func(p *ui.Page) { p.Live = "/other" }, "modules": func(p *ui.Page) { p.Modules = []string{"ui/js/time.mjs"} },
	} {
		other := page
		change(&other)
		other.Here = "/home/"
		w := get(k, "/home/?a=1", show(other), "Loquet-Frame", frame)
		if w.Code != http.StatusNoContent || w.Header().Get("HX-Redirect") != "/home/?a=1" || w.Body.Len() > 0 {
			t.Errorf("another %s: %d, %q", name, w.Code, w.Header().Get("HX-Redirect"))
		}
	}
	if w := get(k, "/home/", show(page), "Loquet-Frame", frame, "Accept-Language", "fr"); w.Code != http.StatusNoContent {
		t.Errorf("another language: %d", w.Code)
	}
	broken := show(ui.Page{App: ui.Sign, Title: "T", Main: heading("T"), Status: http.StatusInternalServerError})
	if w := get(k, "/home/", broken, "Loquet-Frame", frame); w.Code != http.StatusInternalServerError || w.Header().Get("HX-Redirect") != "" {
		t.Errorf("a failure: %d, %q", w.Code, w.Header().Get("HX-Redirect"))
	}
	refused := show(ui.Page{App: ui.Sign, Title: "T", Main: heading("T"), Status: http.StatusUnprocessableEntity, Here: "/home/rules"})
	answer := post(k, "/home/rules/plan-b", nil, refused, "Loquet-Frame", frame)
	if answer.Code != http.StatusUnprocessableEntity || frameOf(t, answer) != frame || answer.Header().Get("HX-Push-Url") != "/home/rules" {
		t.Errorf("an answer to a form: %d, shown as %q", answer.Code, answer.Header().Get("HX-Push-Url"))
	}
	again := post(k, "/home/rules/plan-b", nil, refused, "HX-Current-URL", "http://localhost/home/rules").Header()
	if again.Get("HX-Replace-Url") != "/home/rules" || again.Get("HX-Push-Url") != "" {
		t.Errorf("an answer on the page itself: %v", again)
	}
}

func TestThemeOfThePerson(t *testing.T) {
	k := uitest.Kit(t)
	for cookie, want := range map[string]string{"": "", "loquet-theme=dark": "dark", "loquet-theme=light": "light", "loquet-theme=pink": ""} {
		w := get(k, "/", plain(k, ui.Policy{}), "Cookie", cookie)
		root := uitest.Tags(uitest.Parse(t, w.Body.String()), "html")[0]
		if got, ok := uitest.Attr(root, "data-theme"); got != want || ok != (want != "") {
			t.Errorf("%q: %q", cookie, got)
		}
	}
}

// TestChoicesComeBackHere: language and theme keep the step, also on a page that answers a form.
func TestChoicesComeBackHere(t *testing.T) {
	k := uitest.Kit(t)
	back := func(w *httptest.ResponseRecorder) string {
		value, _ := uitest.Attr(uitest.With(uitest.Parse(t, w.Body.String()), "name", "back")[0], "value")
		return value
	}
	if got := back(get(k, "/home/visits/7?step=2", plain(k, ui.Policy{}))); got != "/home/visits/7?step=2" {
		t.Errorf("back to %q", got)
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		k.Render(w, r, ui.Page{App: ui.Customer, Title: "T", Main: heading("T"), Here: "/home/rules/edit"})
	}
	if got := back(post(k, "/home/rules", nil, answer)); got != "/home/rules/edit" {
		t.Errorf("back to %q", got)
	}
}

func TestFailures(t *testing.T) {
	k := uitest.Kit(t)
	for name, c := range map[string]struct {
		h      http.HandlerFunc
		status int
		says   []string
		href   string
	}{
		"not found": {k.NotFound, http.StatusNotFound, []string{"There is no such page", "Nothing was changed.", "Reference: "}, "/"},
		"forbidden": {k.Forbidden, http.StatusForbidden, []string{"Your role does not show this"}, "/"},
		"its own": {func(w http.ResponseWriter, r *http.Request) {
			k.Fail(w, r, ui.Trouble{Title: "The list <could> not be read", Safe: "Your rules still hold.", Now: "Open it again.", Href: "/home/rules", Action: "Open it", Status: 503, Reference: "abcd"})
		}, 503, []string{"The list <could> not be read", "Your rules still hold.", "Open it again.", "Reference: abcd", "Open it"}, "/home/rules"},
	} {
		w := get(k, "/home/x", c.h)
		uitest.Lint(t, w.Body.String())
		main := uitest.ID(uitest.Parse(t, w.Body.String()), "main")
		said := uitest.Text(main)
		for _, want := range c.says {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q lacks %q", name, said, want)
			}
		}
		if w.Code != c.status || len(uitest.With(main, "href", c.href)) != 1 {
			t.Errorf("%s: %d, leads not to %s", name, w.Code, c.href)
		}
	}
}

func TestPartIsWhatTheFrameTakesOver(t *testing.T) {
	k := uitest.Kit(t)
	w := get(k, "/courier/view/stops", func(w http.ResponseWriter, r *http.Request) {
		k.Part(w, r, ui.Page{App: ui.Courier, Title: "Stop 3", Step: "c3", Main: heading("Arrive"), Say: "Ready", Alarm: "Ajar"})
	})
	part := uitest.ID(uitest.Parse(t, w.Body.String()), "part")
	for name, want := range map[string]string{"data-title": "Stop 3 – Loquet", "data-step": "c3", "data-say": "Ready", "data-alarm": "Ajar"} {
		if got, _ := uitest.Attr(part, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if uitest.Text(part) != "Arrive" || strings.Contains(w.Body.String(), "<html") {
		t.Errorf("the part is %s", w.Body)
	}
}

func TestDemoBand(t *testing.T) {
	for _, demo := range []bool{true, false} {
		k := uitest.Kit(t)
		k.Demo = demo
		if got := strings.Contains(get(k, "/", plain(k, ui.Policy{})).Body.String(), "nothing real opens"); got != demo {
			t.Errorf("demo %v: band %v", demo, got)
		}
	}
}

// TestAPageThatAsksForSomethingIsFetchedAnewAsItIs: from the address that it says, in the frame that it has.
func TestAPageThatAsksForSomethingIsFetchedAnewAsItIs(t *testing.T) {
	k := newKit(t)
	board := func(w http.ResponseWriter, r *http.Request) {
		k.Render(w, r, ui.Page{App: ui.Operator, Title: "Board", Live: ui.LiveAt("/operator/live", r.URL), Here: "/operator/"})
	}
	first := get(k, "/operator/?place=x-a1&done=assigned&who=Ana", board).Body.String()
	said := func(name string) string {
		_, rest, _ := strings.Cut(first, name+`="`)
		value, _, _ := strings.Cut(rest, `"`)
		return html.UnescapeString(value)
	}
	if here := said("data-here"); here != "/operator/?place=x-a1" {
		t.Errorf("it says that it is at %q", here)
	}
	if again := get(k, said("data-here"), board, "HX-Request", "true", "Loquet-Frame", said("data-frame")); again.Code != http.StatusOK {
		t.Errorf("it is to be loaded as a whole: %d", again.Code)
	}
}

// A refused form is not taken away by a stream, be it that of the page which it was sent from.
func TestARefusedFormIsStill(t *testing.T) {
	k := uitest.Kit(t)
	for status, still := range map[int]bool{0: false, http.StatusOK: false, http.StatusUnprocessableEntity: true} {
		body := get(k, "/", pageOf(k, ui.Page{App: ui.Customer, Title: "A form", Status: status, Main: heading("A form")})).Body.String()
		if strings.Contains(body, "data-still") != still {
			t.Errorf("status %d: %s", status, body)
		}
	}
}

package ui_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// drawn renders a component in English and parses it.
func drawn(t *testing.T, c templ.Component) *html.Node {
	t.Helper()
	return uitest.Parse(t, uitest.HTML(t, uitest.Context(t, phrase.English), c))
}

func attr(n *html.Node, name string) string {
	value, _ := uitest.Attr(n, name)
	return value
}

func class(doc *html.Node, name string) []*html.Node {
	return uitest.All(doc, func(n *html.Node) bool { return strings.Contains(" "+attr(n, "class")+" ", " "+name+" ") })
}

// around puts children into a component that takes them.
func around(c templ.Component, children string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Raw(children)), w)
	})
}

func TestExamplePages(t *testing.T) {
	for _, lang := range []phrase.Lang{phrase.English, phrase.French} {
		k := uitest.Kit(t)
		f, err := exampleFrame(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, app := range []ui.App{ui.Customer, ui.Courier, ui.Operator, ui.Sign, ui.Desk} {
			k.Demo = true
			w := get(k, "/", pageOf(k, ui.Page{App: app, Title: "Door open", Place: "Lys 4", Main: f.Main, Live: "/live", Person: "Ana", SignOut: "/sign-out",
				Nav: []ui.NavItem{{Href: "/a", Text: "A", Here: true}, {Href: "/b", Text: "B", Count: 3}}}), "Accept-Language", string(lang))
			uitest.Lint(t, w.Body.String())
		}
	}
}

func TestSeenSaysHowOldAndWhatComesAfter(t *testing.T) {
	doc := drawn(t, around(ui.Seen(ui.Reading{Age: 2100 * time.Millisecond, Fresh: 15 * time.Second, Was: "was: shut, 14:02:09", Gone: "no longer known"}), "shut"))
	seen := class(doc, "seen")[0]
	if attr(seen, "data-age") != "2100" || attr(seen, "data-fresh") != "15000" {
		t.Errorf("attributes %v", seen.Attr)
	}
	if now, gone := uitest.Text(class(doc, "seen-now")[0]), uitest.Text(class(doc, "seen-gone")[0]); now != "shut" || gone != "no longer known was: shut, 14:02:09" {
		t.Errorf("%q, then %q", now, gone)
	}
	for name, r := range map[string]ui.Reading{"over": {Age: 15 * time.Second, Fresh: 15 * time.Second}, "never": {}} {
		seen := class(drawn(t, ui.Seen(r)), "seen")[0]
		if _, counts := uitest.Attr(seen, "data-age"); counts || attr(seen, "data-over") != "true" {
			t.Errorf("%s: %v", name, seen.Attr)
		}
	}
}

func TestBarrierCard(t *testing.T) {
	card := func(s ui.Sight) *html.Node {
		return drawn(t, ui.BarrierCard(ui.StateOf(phrase.English, s, uitest.Now, nil)))
	}
	doc := card(ui.Sight{Is: event.Flat, Seen: saw(event.BoltLocked, event.ContactClosed, both)})
	parts := class(doc, "part")
	if len(parts) != 2 {
		t.Fatalf("%d lines for bolt and contact", len(parts))
	}
	chip := class(doc, "chip")
	if len(chip) != 2 || attr(chip[0], "data-state") != "secured" || attr(chip[1], "data-state") != "unknown" {
		t.Errorf("a state that holds for a while has no other to turn to: %v", chip)
	}
	if seen := class(doc, "seen"); len(seen) != 4 || attr(seen[0], "data-fresh") != "60000" || attr(seen[1], "data-fresh") != "58000" {
		t.Errorf("the state does not end with its evidence")
	}
	for _, p := range parts {
		if got := uitest.Text(p); !strings.Contains(got, "2 s ago") || !strings.Contains(got, "was: ") {
			t.Errorf("a part says %q", got)
		}
	}
	if group := class(doc, "barrier")[0]; attr(group, "role") != "group" || attr(group, "aria-label") != "Flat door" {
		t.Errorf("a name that can't end with its evidence: %s", attr(group, "aria-label"))
	}
	silent := card(ui.Sight{Is: event.Flat, Seen: with(saw(event.BoltLocked, event.ContactClosed, both), func(s *api.Seen) { s.ReachedAt = ago(time.Hour) })})
	if states := uitest.With(silent, "data-state", "secured"); len(states) != 0 {
		t.Error("a silent device is green")
	}
	for _, s := range class(silent, "seen") {
		if attr(s, "data-over") != "true" {
			t.Errorf("a silent device's value is a fact: %v", s.Attr)
		}
	}
	bare := card(ui.Sight{Is: event.Garage, Seen: saw("", event.ContactOpen, contactOnly)})
	if !strings.Contains(uitest.HTML(t, uitest.Context(t, phrase.English), ui.BarrierCard(ui.StateOf(phrase.English, ui.Sight{Is: event.Garage, Seen: saw("", event.ContactOpen, contactOnly)}, uitest.Now, nil))), "#garage-open") {
		t.Error("an open garage is drawn shut")
	}
	if lock := class(silent, "padlock"); len(lock) != 1 || attr(lock[0], "data-over") != "true" {
		t.Error("a silent lock's padlock is a fact")
	}
	if len(class(bare, "padlock")) != 0 || len(class(bare, "part")) != 2 {
		t.Error("a barrier without a bolt has a padlock, or a line less")
	}
}

func TestButtons(t *testing.T) {
	link := uitest.Tags(drawn(t, ui.Button(ui.Act{Kind: ui.Primary, Text: "Go", Href: "/courier/go"})), "a")[0]
	if attr(link, "data-action-id") != "/courier/go" || attr(link, "class") != "button primary" {
		t.Errorf("link %v", link.Attr)
	}
	button := uitest.Tags(drawn(t, ui.Button(ui.Act{Kind: ui.Danger, Text: "Block", Name: "do", Value: "block", Form: "f"})), "button")[0]
	if attr(button, "data-action-id") != "do=block" || attr(button, "form") != "f" || attr(button, "type") != "submit" || attr(button, "value") != "block" {
		t.Errorf("button %v", button.Attr)
	}
	for to, safe := range map[string]bool{"javascript:alert(1)": false, "data:text/html,x": false, "tel:+331": true, "geo:48.1,2.3": true, "maps:?daddr=48.1,2.3": true, "/a?b": true} {
		link := uitest.Tags(drawn(t, ui.Button(ui.Act{Text: "x", Href: to})), "a")[0]
		form := uitest.Tags(drawn(t, ui.Form(to)), "form")[0]
		if (attr(link, "href") == to) != safe || (attr(form, "action") == to) != safe {
			t.Errorf("%s becomes %s, %s", to, attr(link, "href"), attr(form, "action"))
		}
	}
}

func TestFormsHaveKeys(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	key := func(c templ.Component) string {
		return attr(uitest.With(uitest.Parse(t, uitest.HTML(t, ctx, c)), "name", "key")[0], "value")
	}
	if a, b := key(ui.Form("/home/block")), key(ui.Form("/home/block")); len(a) != 24 || a == b {
		t.Errorf("keys %q and %q", a, b)
	}
	form := uitest.Tags(drawn(t, ui.FormWith("photo", "/home/photo", true)), "form")[0]
	if attr(form, "enctype") != "multipart/form-data" || attr(form, "id") != "photo" || attr(form, "method") != "post" || attr(form, "hx-encoding") == "" {
		t.Errorf("form %v", form.Attr)
	}
}

func TestFieldsSayWhatIsWrong(t *testing.T) {
	doc := drawn(t, ui.Field(ui.Input{Name: "w", Label: "Weight", Hint: "in kg", Value: `"><script>`, Error: "Too heavy", Mode: "numeric", Most: 5}))
	input := uitest.Tags(doc, "input")[0]
	for name, want := range map[string]string{"id": "w", "name": "w", "type": "text", "value": `"><script>`, "aria-invalid": "true", "aria-describedby": "w-hint w-error",
		"aria-required": "true", "maxlength": "5", "inputmode": "numeric"} {
		if got := attr(input, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if len(uitest.Tags(doc, "script")) != 0 {
		t.Error("a value became a script")
	}
	if got := uitest.Text(uitest.ID(doc, "w-error")); got != "Error: Too heavy" {
		t.Errorf("said %q", got)
	}
	plain := uitest.Tags(drawn(t, ui.Field(ui.Input{Name: "n", Label: "Note", Rows: 3, Value: "a", Optional: true})), "textarea")[0]
	if attr(plain, "rows") != "3" || uitest.Text(plain) != "a" || attr(plain, "aria-invalid") != "" || attr(plain, "aria-required") != "" {
		t.Errorf("textarea %v", plain.Attr)
	}
	summary := drawn(t, ui.ErrorSummary([]ui.Wrong{{Field: "w", Text: "Too heavy"}, {Text: "No link"}}))
	if links := uitest.Tags(summary, "a"); len(links) != 1 || attr(links[0], "href") != "#w" {
		t.Errorf("the summary leads to %v", links)
	}
	if uitest.HTML(t, t.Context(), ui.ErrorSummary(nil)) != "" {
		t.Error("a form without a problem has a summary")
	}
}

func TestPictures(t *testing.T) {
	for name, c := range map[string]struct {
		picture ui.Picture
		state   string
		says    string
	}{
		"live":  {ui.Picture{Live: true, Age: 400 * time.Millisecond, Fresh: 2 * time.Second}, "live", "LIVE 0 s ago No longer live"},
		"dated": {ui.Picture{Live: true, Fresh: 2 * time.Second, Newest: "14:03:10"}, "live", "LIVE 0 s ago No longer live since 14:03:10"},
		"lost":  {ui.Picture{Src: "/x.jpg", Alt: "hall", Live: true, Lost: "14:03:10"}, "lost", "No longer live since 14:03:10"},
		"still": {ui.Picture{Src: "/x.jpg", Alt: "hall", Taken: "14:02"}, "still", "Picture of 14:02"},
		"none":  {ui.Picture{Why: "The camera starts."}, "lost", "No picture The camera starts."},
	} {
		doc := drawn(t, ui.Poster(c.picture))
		if got := attr(uitest.Tags(doc, "figure")[0], "data-picture"); got != c.state {
			t.Errorf("%s: %s", name, got)
		}
		if got := uitest.Text(uitest.Tags(doc, "figcaption")[0]); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s says %q", name, got)
		}
	}
}

func TestCodeIsReadOneByOne(t *testing.T) {
	doc := drawn(t, ui.Code("48192"))
	if got := uitest.Text(class(doc, "said")[0]); got != "Code: 4, 8, 1, 9, 2" {
		t.Errorf("read %q", got)
	}
	if pairs := class(doc, "pair"); len(pairs) != 3 || uitest.Text(pairs[2]) != "2" {
		t.Errorf("%d pairs", len(pairs))
	}
}

func TestStepsAndTimeline(t *testing.T) {
	doc := drawn(t, ui.Steps([]ui.Step{{Text: "Open", State: ui.StepDone, Note: "1 s"}, {Text: "Close", State: ui.StepNow}, {Text: "Lock", State: ui.StepLater}}))
	if now := uitest.With(doc, "aria-current", "step"); len(now) != 1 || uitest.Text(now[0]) != "Close now" {
		t.Errorf("now: %v", now)
	}
	line := drawn(t, ui.Timeline([]ui.Moment{{At: "14:02:06", Text: "Door <opened>", Source: "sensor", State: ui.Open, Href: "/x"}}))
	if got := uitest.Text(uitest.Tags(line, "li")[0]); got != "14:02:06 Door <opened> sensor" {
		t.Errorf("line %q", got)
	}
}

func TestProgress(t *testing.T) {
	doc := drawn(t, ui.Progress("Import", 3, 6))
	if bar := uitest.Tags(doc, "progress")[0]; attr(bar, "value") != "3" || attr(bar, "max") != "6" || !strings.Contains(uitest.Text(doc), "3 of 6") {
		t.Errorf("%s", uitest.Text(doc))
	}
	if _, known := uitest.Attr(uitest.Tags(drawn(t, ui.Progress("Export", 0, 0)), "progress")[0], "value"); known {
		t.Error("a length that nobody knows is shown")
	}
}

func TestSketch(t *testing.T) {
	at := func(from, to ui.Spot) string {
		return attr(uitest.Tags(drawn(t, ui.MapSketch(ui.Sketch{From: from, To: to})), "svg")[0], "aria-label")
	}
	for _, c := range []struct {
		to   ui.Spot
		want string
	}{
		{ui.Spot{North: 350}, "350\u00a0m, to the north"}, {ui.Spot{East: 100, North: 100}, "141\u00a0m, to the north-east"},
		{ui.Spot{East: 1500}, "1.5\u00a0km, to the east"}, {ui.Spot{North: -10}, "10\u00a0m, to the south"},
		{ui.Spot{East: -10, North: -1}, "10\u00a0m, to the west"}, {ui.Spot{East: -7, North: 7}, "10\u00a0m, to the north-west"},
		{ui.Spot{}, "0\u00a0m, to the north"},
	} {
		if got := at(ui.Spot{}, c.to); got != "Sketch of the way: "+c.want {
			t.Errorf("%v: %q", c.to, got)
		}
	}
	doc := drawn(t, ui.MapSketch(ui.Sketch{From: ui.Spot{East: -400, Radius: 20}, To: ui.Spot{East: 400}, Others: []ui.Spot{{North: 900, Label: "stop <2>"}}}))
	for _, n := range append(uitest.Tags(doc, "circle"), uitest.Tags(doc, "rect")...) {
		for _, name := range []string{"cx", "cy", "x", "y", "r"} {
			if v := attr(n, name); strings.HasPrefix(v, "-") || v == "NaN" || v == "+Inf" {
				t.Errorf("%s=%s lies outside", name, v)
			}
		}
	}
	if len(class(doc, "sketch-ring")) != 1 || !strings.Contains(uitest.Text(doc), "stop <2>") {
		t.Error("the sketch lacks a ring or a label")
	}
}

func TestClocksAreSilent(t *testing.T) {
	for name, c := range map[string]templ.Component{"countdown": ui.Countdown(90 * time.Second), "elapsed": ui.Elapsed(90 * time.Second)} {
		doc := drawn(t, c)
		clock := class(doc, name)[0]
		if attr(clock, "role") != "timer" || attr(clock, "aria-live") != "" || uitest.Text(clock) != "01:30" || attr(clock, "data-left")+attr(clock, "data-since") != "90000" {
			t.Errorf("%s: %v %s", name, clock.Attr, uitest.Text(doc))
		}
	}
}

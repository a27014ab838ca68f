package uitest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Lint reports everything in a whole page that no page may have.
func Lint(t testing.TB, page string) {
	t.Helper()
	for _, what := range Findings(Parse(t, page)) {
		t.Error(what)
	}
}

// Findings are what is wrong in a page: inline styles and scripts, elements without names, identifiers that are not
// unique or lead nowhere, other hosts.
func Findings(doc *html.Node) []string {
	l := &lint{ids: map[string]int{}}
	for _, n := range All(doc, func(*html.Node) bool { return true }) {
		if id, ok := Attr(n, "id"); ok {
			l.ids[id]++
		}
	}
	for id, times := range l.ids {
		if times > 1 || id == "" {
			l.say("id %q stands %d times", id, times)
		}
	}
	l.whole(doc)
	for _, n := range All(doc, func(*html.Node) bool { return true }) {
		l.element(doc, n)
	}
	slices.Sort(l.found)
	return l.found
}

type lint struct {
	ids   map[string]int
	found []string
}

func (l *lint) say(format string, args ...any) {
	l.found = append(l.found, fmt.Sprintf(format, args...))
}

func (l *lint) whole(doc *html.Node) {
	if n := len(Tags(doc, "h1")); n != 1 {
		l.say("%d elements h1, not 1", n)
	}
	if n := len(Tags(doc, "main")); n != 1 {
		l.say("%d elements main, not 1", n)
	}
	for _, root := range Tags(doc, "html") {
		if lang, _ := Attr(root, "lang"); lang == "" {
			l.say("html has no lang")
		}
	}
	if titles := All(doc, func(n *html.Node) bool { return n.Data == "title" && n.Parent != nil && n.Parent.Data == "head" }); len(titles) != 1 || Text(titles[0]) == "" {
		l.say("the page has no title")
	}
}

func (l *lint) element(doc, n *html.Node) {
	l.attributes(n)
	switch n.Data {
	case "style":
		l.say("a style element")
	case "script":
		if _, ok := Attr(n, "src"); !ok {
			l.say("an inline script")
		}
	case "img":
		if _, ok := Attr(n, "alt"); !ok {
			l.say("img without alt: %s", show(n))
		}
	case "button":
		if kind, _ := Attr(n, "type"); kind != "submit" && kind != "button" && kind != "reset" {
			l.say("button without type: %s", show(n))
		}
		l.named(n)
	case "a":
		l.named(n)
	case "input", "select", "textarea":
		l.labelled(doc, n)
	case "form":
		if method, _ := Attr(n, "method"); method != "" && method != "get" && method != "post" {
			l.say("form with method %q", method)
		}
	case "svg":
		if _, ok := Attr(n, "role"); !ok && !has(n, "aria-hidden", "true") {
			l.say("svg neither hidden nor with a role: %s", show(n))
		}
	}
}

// addressed are the attributes that make a browser load or go somewhere.
var addressed = []string{"href", "src", "action", "formaction", "poster", "srcset", "sse-connect", "hx-get", "hx-post"}

// referring are the attributes that name other elements.
var referring = []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "form"}

func (l *lint) attributes(n *html.Node) {
	for _, a := range n.Attr {
		switch {
		case a.Key == "style":
			l.say("an inline style: %s", show(n))
		case strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on"):
			l.say("an inline handler %s: %s", a.Key, show(n))
		case slices.Contains(addressed, a.Key) && foreign(a.Val) && !wayOut(n, a):
			l.say("%s leads to another host: %q", a.Key, a.Val)
		case slices.Contains(referring, a.Key):
			for id := range strings.FieldsSeq(a.Val) {
				if l.ids[id] == 0 {
					l.say("%s names %q, which is not there: %s", a.Key, id, show(n))
				}
			}
		case a.Key == "tabindex" && a.Val != "0" && a.Val != "-1":
			l.say("tabindex %s: %s", a.Val, show(n))
		}
	}
}

// foreign says whether an address leaves the server; telephone numbers and mail do as well, by a person's own tap.
func foreign(address string) bool {
	address = strings.ToLower(strings.TrimSpace(address))
	for _, fine := range []string{"tel:", "mailto:", "sms:", "geo:", "maps:", "data:image/", "blob:"} {
		if strings.HasPrefix(address, fine) {
			return false
		}
	}
	scheme, _, ok := strings.Cut(address, ":")
	return strings.HasPrefix(address, "//") || ok && !strings.ContainsAny(scheme, "/?#")
}

// wayOut says whether it is a link that says of itself to leave for another host, and tells it nothing of ours.
func wayOut(n *html.Node, a html.Attribute) bool {
	rel, _ := Attr(n, "rel")
	web := strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://127.0.0.1:") // a fake, in tests and in the demo
	return n.Data == "a" && a.Key == "href" && rel == "external noreferrer" && web
}

// named: a link or a button says what it does.
func (l *lint) named(n *html.Node) {
	if label, _ := Attr(n, "aria-label"); label != "" {
		return
	}
	for _, img := range Tags(n, "img") {
		if alt, _ := Attr(img, "alt"); alt != "" {
			return
		}
	}
	if Text(n) == "" {
		l.say("%s says nothing", show(n))
	}
}

func (l *lint) labelled(doc, n *html.Node) {
	switch kind, _ := Attr(n, "type"); kind {
	case "hidden", "submit", "button":
		return
	}
	for _, by := range []string{"aria-label", "aria-labelledby"} {
		if name, _ := Attr(n, by); name != "" {
			return
		}
	}
	for p := range n.Ancestors() {
		if p.Data == "label" {
			return
		}
	}
	if id, _ := Attr(n, "id"); id != "" && len(All(doc, func(d *html.Node) bool { return d.Data == "label" && has(d, "for", id) })) > 0 {
		return
	}
	l.say("%s has no label", show(n))
}

func has(n *html.Node, name, value string) bool {
	got, ok := Attr(n, name)
	return ok && got == value
}

// show is an element's opening tag.
func show(n *html.Node) string {
	var b strings.Builder
	b.WriteString("<" + n.Data)
	for _, a := range n.Attr {
		fmt.Fprintf(&b, " %s=%q", a.Key, a.Val)
	}
	return b.String() + ">"
}

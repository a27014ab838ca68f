// Package uitest helps the apps test their pages: it renders components, parses what came out, and finds what no page
// may have.
package uitest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// Now is the moment at which the pages of Context are rendered: a Tuesday afternoon.
var Now = time.Date(2026, time.June, 2, 14, 2, 48, 0, time.UTC)

// Kit is a kit for http://localhost whose clock stands at Now.
func Kit(t testing.TB) *ui.Kit {
	t.Helper()
	k, err := ui.New(ui.Options{Public: "http://localhost", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return Now }, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Context is one in which a component can be rendered, in a language, at Now.
func Context(t testing.TB, lang phrase.Lang) context.Context {
	t.Helper()
	return Kit(t).With(t.Context(), lang)
}

// HTML renders a component.
func HTML(t testing.TB, ctx context.Context, c templ.Component) string { //nolint:revive // the test comes first
	t.Helper()
	var b strings.Builder
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Parse parses a page, or a part of one.
func Parse(t testing.TB, text string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// All finds the elements that a test accepts, in order.
func All(n *html.Node, accept func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && accept(d) {
			found = append(found, d)
		}
	}
	return found
}

// Tags finds the elements of a name.
func Tags(n *html.Node, name string) []*html.Node {
	return All(n, func(d *html.Node) bool { return d.Data == name })
}

// With finds the elements that have an attribute, with a value, or with any if it is "".
func With(n *html.Node, attribute, value string) []*html.Node {
	return All(n, func(d *html.Node) bool {
		got, ok := Attr(d, attribute)
		return ok && (value == "" || got == value)
	})
}

// ID finds the element with an id, or nil.
func ID(n *html.Node, id string) *html.Node {
	if found := With(n, "id", id); len(found) > 0 {
		return found[0]
	}
	return nil
}

// Attr is the value of an attribute, and whether there is one.
func Attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// Text is what a node says, with white space made single.
func Text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' }), " ")
}

// Fields are a form's fields as a browser would send them untouched, but for its buttons.
func Fields(form *html.Node) url.Values {
	fields := url.Values{}
	for _, in := range Tags(form, "input") {
		name, _ := Attr(in, "name")
		value, _ := Attr(in, "value")
		kind, _ := Attr(in, "type")
		_, checked := Attr(in, "checked")
		if name != "" && (kind != "checkbox" && kind != "radio" || checked) {
			fields.Add(name, value)
		}
	}
	for _, area := range Tags(form, "textarea") {
		name, _ := Attr(area, "name")
		var typed strings.Builder
		for d := range area.Descendants() {
			typed.WriteString(d.Data)
		}
		fields.Add(name, strings.ReplaceAll(typed.String(), "\n", "\r\n")) // as forms are sent
	}
	for _, s := range Tags(form, "select") {
		name, _ := Attr(s, "name")
		for _, o := range Tags(s, "option") {
			if _, chosen := Attr(o, "selected"); chosen {
				value, _ := Attr(o, "value")
				fields.Add(name, value)
			}
		}
	}
	return fields
}

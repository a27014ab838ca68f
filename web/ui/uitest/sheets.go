package uitest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Sheet is a form of a page as somebody fills it in.
type Sheet struct {
	Method, Action string
	// Fields are sent when nothing is wrong in them, as far as a page can tell.
	Fields url.Values
	// Typed are the names of all fields: whoever sends a form by hand types into every one.
	Typed []string
	// Text says that a person types into it too.
	Text bool
}

// Sheets are the forms of a page that go below an address. like holds what fields of a name are filled with that somebody
// types into; what must be filled and has no such value gets one after its kind.
func Sheets(t testing.TB, body, below string, like map[string]string) []Sheet {
	t.Helper()
	var all []Sheet
	for _, form := range Tags(Parse(t, body), "form") {
		action, _ := Attr(form, "action")
		if !strings.HasPrefix(action, below) {
			continue
		}
		method, _ := Attr(form, "method")
		s := Sheet{Method: strings.ToUpper(method), Action: action, Fields: Fields(form)}
		s.fill(form, like)
		all = append(all, s)
	}
	return all
}

func (s *Sheet) fill(form *html.Node, like map[string]string) {
	for _, in := range All(form, func(n *html.Node) bool {
		return slices.Contains([]string{"input", "textarea", "select", "button"}, n.Data)
	}) {
		name, _ := Attr(in, "name")
		if name == "" {
			continue
		}
		kind, _ := Attr(in, "type")
		if in.Data != "input" {
			kind = in.Data
		}
		if kind != "button" && !slices.Contains(s.Typed, name) {
			s.Typed = append(s.Typed, name)
		}
		text := !slices.Contains([]string{"hidden", "checkbox", "radio", "select", "button", "submit", "file"}, kind)
		s.Text = s.Text || text
		if s.Fields.Get(name) != "" {
			continue
		}
		_, required := Attr(in, "required")
		switch {
		case !text:
			s.choose(name, in)
		case like[name] != "":
			s.Fields.Set(name, like[name])
		case required:
			s.Fields.Set(name, usual(kind))
		}
	}
}

// choose takes the first of what there is to choose from.
func (s *Sheet) choose(name string, in *html.Node) {
	for _, o := range append(Tags(in, "option"), in) {
		if value, _ := Attr(o, "value"); value != "" {
			s.Fields.Set(name, value)
			return
		}
	}
}

// usual is what is typed into a field of that kind.
func usual(kind string) string {
	usually := map[string]string{"number": "20", "time": "09:00", "date": "2030-01-31", "email": "ana@example.org", "tel": "+33612345678", "url": "https://example.org/"}
	if text, known := usually[kind]; known {
		return text
	}
	return "Something"
}

// Script is what must never stand in a page as it is.
const Script = "<script>alert(2)</script>"

// Hostile is the form with a script, with 500 letters, and with what is odd in an address or on a screen: in each of its
// fields alone, and in all at once. Each counts as a request of its own.
func (s Sheet) Hostile() []url.Values {
	var all []url.Values
	send := func(bad string, into ...string) {
		fields := url.Values{}
		for name, values := range s.Fields {
			fields[name] = slices.Clone(values)
		}
		if fields.Get("key") != "" {
			fields.Set("key", fields.Get("key")+"-"+strconv.Itoa(len(all)))
		}
		for _, name := range into {
			fields[name] = []string{bad}
		}
		all = append(all, fields)
	}
	for _, bad := range []string{Script + `"'&`, strings.Repeat("W", 500), "\x00\u202e\ufffdjavascript:alert(1)//../../etc"} {
		for _, name := range s.Typed {
			send(bad, name)
		}
		send(bad, s.Typed...)
	}
	return all
}

// Address is where the form goes: what it asks with GET stands in its address.
func (s Sheet) Address(fields url.Values) string {
	if s.Method == http.MethodGet {
		return s.Action + "?" + fields.Encode()
	}
	return s.Action
}

package operator_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/ui/uitest"
)

// journals is everything that happened at the sites of the office.
func (b *busy) journals() string {
	b.t.Helper()
	var all strings.Builder
	for _, at := range []event.SiteID{b.home.Site, b.danger.Site} {
		for _, e := range b.Journal(at) {
			fmt.Fprintln(&all, e.Site, e.Seq, e.Body.Kind())
		}
	}
	return all.String()
}

// Each address of the console's own table takes the roles that it says, and tells the others whom to ask. Nobody who is
// not signed in gets in, a household's session is none, and whoever was turned away changed nothing.
func TestEveryRouteAndEveryRole(t *testing.T) {
	b := busyOffice(t)
	household := &visitor{t: t, at: b.URL, lang: phrase.English, cookie: b.home.Cookie}
	former := b.staff("Fred", auth.Admin)
	must(t, b.staffs.Disable(t.Context(), b.admin.who, former.who.ID()))
	least, before := operator.Roles(), b.journals()
	for _, pattern := range operator.Addresses() {
		method, path, _ := strings.Cut(pattern, " ")
		path = b.filled(path)
		for who, v := range map[string]*visitor{"a stranger": b.stranger(), "a household": household, "a former colleague": former} {
			a := v.send(method, path, url.Values{"key": {"k"}})
			if strings.HasSuffix(path, "/live") {
				if a.body != "event: gone\ndata: 1\n\n" {
					t.Errorf("%s at %s: %q", who, pattern, a.body)
				}
			} else if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/operator/sign-in?next=") {
				t.Errorf("%s at %s: %d %s", who, pattern, a.status, a.body)
			}
		}
		for _, v := range []*visitor{b.viewer, b.dispatcher} {
			if v.who.Require(least[pattern]) == nil {
				continue
			}
			a := v.send(method, path, url.Values{"key": {"k"}})
			if a.status != http.StatusForbidden || !strings.Contains(plain(t, a.body), "Ask an admin of your team") {
				t.Errorf("a %s at %s: %d", v.who.Role(), pattern, a.status)
			}
		}
	}
	if after := b.journals(); after != before {
		t.Errorf("the journals went on: %s", strings.TrimPrefix(after, before))
	}
}

// What is not there, of another kind, or nonsense is not found at any address, and nothing breaks over it.
func TestEveryRouteWithWhatIsNotThere(t *testing.T) {
	b := busyOffice(t)
	elsewhere := string(b.danger.Site) + "-"
	allow(t, b.home)
	allow(t, b.danger)
	for _, pattern := range operator.Addresses() {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.Contains(path, "/{") || strings.Contains(path, "{$}") || strings.HasSuffix(path, "/live") {
			continue
		}
		for _, id := range []string{"nowhere-v1", "nowhere-d1", elsewhere + "v9999", elsewhere + "d9999", string(b.danger.Site), string(b.delivered.ID) + "0",
			"..%2f..%2fmaster.key", "%00", "%3Cscript%3E", strings.Repeat("x", 500), "none.pmtiles", "index.m3u8"} {
			filled := path
			for strings.Contains(filled, "{") {
				filled = filled[:strings.Index(filled, "{")] + id + filled[strings.Index(filled, "}")+1:]
			}
			form := url.Values{"key": {"k"}, "reason": {"x"}, "courier": {"karim"}, "role": {"viewer"}, "cause": {"other"}}
			a := b.admin.send(method, filled, form)
			// Where nobody films, and where a file's name is none, the player is told so first.
			if a.status != http.StatusNotFound && (!strings.Contains(path, "/picture/") || a.status < 400) {
				t.Errorf("%s %.80s: %d", method, filled, a.status)
			}
			if strings.Contains(a.body, "<script>") {
				t.Errorf("%s %.80s repeats a script", method, filled)
			}
		}
	}
}

// sheet is a form of a page, as somebody may send it.
type sheet struct {
	method, action string
	fields         url.Values
	// typed are the fields that take any text.
	typed []string
}

// sheets are the forms of a page that are the console's own.
func sheets(t testing.TB, body string) map[string]sheet {
	t.Helper()
	all := map[string]sheet{}
	for _, n := range uitest.Tags(uitest.Parse(t, body), "form") {
		action, _ := uitest.Attr(n, "action")
		if !strings.HasPrefix(action, "/operator/") {
			continue
		}
		method, _ := uitest.Attr(n, "method")
		s := sheet{method: strings.ToUpper(method), action: action, fields: url.Values{}}
		for _, in := range uitest.All(n, func(n *html.Node) bool {
			return slices.Contains([]string{"input", "textarea", "select"}, n.Data)
		}) {
			name, _ := uitest.Attr(in, "name")
			value, _ := uitest.Attr(in, "value")
			if name == "" {
				continue
			}
			s.fields.Set(name, value)
			s.typed = append(s.typed, name)
		}
		all[s.method+" "+action] = s
	}
	return all
}

// Scripts and 500 letters in every field of every form that is found on any page: each alone, and all at once. It is
// taken as text, or refused in words; it is shown as text wherever it comes up again.
func TestScriptsInEveryField(t *testing.T) {
	b := busyOffice(t)
	pages := append(b.addresses(), visitAt(b.ended), visitAt(b.coming), "/operator/deliveries/"+string(b.ahead.ID), "/operator/couriers/lea")
	seen := map[string]sheet{}
	pages = slices.DeleteFunc(pages, func(path string) bool { return strings.HasSuffix(path, "/live") })
	for _, path := range pages {
		if a := b.admin.send("GET", path, nil); strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			maps.Copy(seen, sheets(t, a.body))
		}
	}
	if len(seen) < 12 {
		t.Errorf("only %d forms were found", len(seen))
	}
	for what, s := range seen {
		for _, fields := range hostile(s) {
			a := b.admin.send(s.method, withQuery(s, fields), fields)
			if a.status >= 500 || a.status == http.StatusForbidden || strings.Contains(a.body, "<script>alert") {
				t.Errorf("%s with %.300v: %d %.300s", what, fields, a.status, plain(t, a.body))
			}
			if to := a.header.Get("Location"); a.status == http.StatusSeeOther {
				pages = append(pages, to)
			}
		}
	}
	for _, path := range pages {
		a := b.admin.send("GET", path, nil)
		if a.status >= 500 || strings.Contains(a.body, "<script>alert") {
			t.Errorf("%.80s afterwards: %d", path, a.status)
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			uitest.Lint(t, a.body)
		}
	}
}

// hostile is a form with a script, with 500 letters, and with both: in each of its fields alone, and in all at once.
func hostile(s sheet) []url.Values {
	var all []url.Values
	for _, bad := range []string{"<script>alert(2)</script>", strings.Repeat("x", 500), "<script>alert(2)</script>" + strings.Repeat("x", 500)} {
		whole := maps.Clone(s.fields)
		for _, name := range s.typed {
			one := maps.Clone(s.fields)
			one[name], whole[name] = []string{bad}, []string{bad}
			all = append(all, one)
		}
		all = append(all, whole)
	}
	return all
}

// withQuery is where a form goes: what it asks with GET stands in its address.
func withQuery(s sheet, fields url.Values) string {
	if s.method == http.MethodGet {
		return s.action + "?" + fields.Encode()
	}
	return s.action
}

// What people are called is text too, and so is what an address makes a page say.
func TestScriptsInNamesAndAddresses(t *testing.T) {
	o := open(t)
	ana := o.staff("<script>alert(1)</script>", auth.Admin)
	bad := url.QueryEscape("<script>alert(2)</script>" + strings.Repeat("x", 300))
	for _, path := range []string{"/operator/", "/operator/staff", "/operator/search?q=" + bad, "/operator/?done=" + bad, "/operator/?done=owned&who=" + bad,
		"/operator/?not=" + bad, "/operator/deliveries?day=" + bad, "/operator/devices?trouble=" + bad + "&order=" + bad, "/operator/couriers?cursor=" + bad} {
		a := ana.send("GET", path, nil)
		if a.status >= 500 || strings.Contains(a.body, "<script>alert") {
			t.Errorf("%.60s: %d", path, a.status)
		}
	}
}

package operator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

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

// lookedAt are the addresses that everybody of the staff may ask, and kept those for admins alone; whatever else a page
// asks, and whatever changes something or shows a name, a picture or a file of bookings, takes a dispatcher.
var (
	lookedAt = []string{"", "live", "alarms", "alarms/live", "visits/{visit}", "visits/{visit}/live", "map", "map/{name}", "search", "deliveries",
		"deliveries/{delivery}", "deliveries/{delivery}/live", "deliveries/{delivery}/file.json", "devices", "devices/live", "devices/{device}",
		"devices/{device}/live", "couriers", "couriers/live", "couriers/{courier}", "couriers/{courier}/live", "metrics", "metrics/live"}
	dispatched = []string{"POST visits/{visit}/picture/whep", "DELETE visits/{visit}/picture/whep/{look}", "GET visits/{visit}/picture/hls/{file}",
		"GET visits/{visit}/photo", "POST visits/{visit}/acknowledge", "POST visits/{visit}/cause", "GET deliveries/{delivery}/labels.pdf",
		"GET deliveries/{delivery}/photo", "POST deliveries/{delivery}/assign", "POST deliveries/{delivery}/block", "POST deliveries/{delivery}/cancel",
		"POST devices/{device}/read", "POST couriers", "POST couriers/{courier}/suspend", "POST couriers/{courier}/reinstate",
		"POST couriers/{courier}/invite", "GET book", "POST book", "GET import", "POST import", "GET import/{import}", "GET import/{import}/live",
		"POST import/{import}/book", "GET import/{import}/labels.pdf"}
	kept = []string{"GET staff", "POST staff", "POST staff/{staff}/role", "POST staff/{staff}/disable", "POST staff/{staff}/enable"}
)

// leastOf is the least role that an address must take, if it is known.
func leastOf(pattern string) (role auth.StaffRole, known bool) {
	what := strings.Replace(strings.Replace(pattern, "/operator/", "", 1), "{$}", "", 1)
	path, looks := strings.CutPrefix(what, "GET ")
	switch {
	case looks && slices.Contains(lookedAt, path):
		return auth.Viewer, true
	case slices.Contains(dispatched, what):
		return auth.Dispatcher, true
	}
	return auth.Admin, slices.Contains(kept, what)
}

// Each address of the console takes the roles that it must, and tells the others whom to ask. Nobody who is
// not signed in gets in, a household's session is none, and whoever was turned away changed nothing.
func TestEveryRouteAndEveryRole(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	household := &visitor{t: t, at: b.URL, lang: phrase.English, cookie: b.home.Cookie}
	former := b.staff("Fred", auth.Admin)
	must(t, b.staffs.Disable(t.Context(), b.admin.who, former.who.ID()))
	signedAs := &visitor{t: t, at: b.URL, lang: phrase.English, cookie: &http.Cookie{Name: auth.StaffCookie, Value: b.home.Cookie.Value}}
	before := b.journals()
	for _, pattern := range operator.Addresses() {
		least, known := leastOf(pattern)
		if !known {
			t.Errorf("which role does %s take?", pattern)
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = b.filled(path)
		for who, v := range map[string]*visitor{"a stranger": b.stranger(), "a household": household, "a household as staff": signedAs, "a former colleague": former} {
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
			if v.who.Require(least) == nil {
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
	t.Parallel()
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

// Scripts and 500 letters in every field of every form that is found on any page: each alone, and all at once. It is
// taken as text, or refused in words; it is shown as text wherever it comes up again.
func TestScriptsInEveryField(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	pages := append(b.addresses(), visitAt(b.ended), visitAt(b.coming), "/operator/deliveries/"+string(b.ahead.ID), "/operator/couriers/lea")
	seen := map[string]uitest.Sheet{}
	pages = slices.DeleteFunc(pages, func(path string) bool { return strings.HasSuffix(path, "/live") })
	for _, path := range pages {
		if a := b.admin.send("GET", path, nil); strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			for _, s := range uitest.Sheets(t, a.body, "/operator/", nil) {
				seen[s.Method+" "+s.Action] = s
			}
		}
	}
	if len(seen) < 12 {
		t.Errorf("only %d forms were found", len(seen))
	}
	for what, s := range seen {
		for _, fields := range s.Hostile() {
			a := b.admin.send(s.Method, s.Address(fields), fields)
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

// What people are called is text too, and so is what an address makes a page say.
func TestScriptsInNamesAndAddresses(t *testing.T) {
	t.Parallel()
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

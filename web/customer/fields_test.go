package customer_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui/uitest"
)

// like is what fields are filled with that are to be right but for one.
var like = map[string]string{"address": "rtsp://192.0.2.7/door", "position": "48.85, 2.29", "radius": "50", "within": "200", "plate": "AB-123-CD", "make": "Volvo",
	"colour": "blue", "spots": "by the tree", "spot": "by the tree", "country": "FR", "phone": "+33612345678", "who": "Mr Petit", "name": "Paul", "dwell": "5", "keep": "7"}

// pages are all addresses of a household that show a page at once.
func (t things) pages() []string {
	var all []string
	for _, pattern := range customer.Patterns() {
		method, path, _ := t.filled(pattern)
		if method == http.MethodGet && !strings.HasSuffix(path, "/live") && !strings.HasPrefix(path, "/home/map") {
			all = append(all, path)
		}
	}
	return all
}

// Scripts and long words in every field of every form that is found on any page are text, everywhere, and break nothing:
// each field alone, with the others filled in as people do, and all at once.
func TestEveryFieldTakesWhateverIsTyped(t *testing.T) {
	t.Parallel()
	b, h, mine := furnished(t, indoors.Wired(reserving))
	me := b.visitor(t, h)
	pages, seen := []string{}, map[string]uitest.Sheet{}
	for _, path := range append(mine.pages(), "/home/places/new/where?barrier="+mine["trunk"]) {
		a := me.send("GET", path, nil)
		if !strings.Contains(path, "?") {
			a = me.send("GET", path+"?"+ownQuery(mine), nil)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		pages = append(pages, path)
		for _, s := range uitest.Sheets(t, a.body, "/home/", like) {
			if s.Text {
				seen[s.Method+" "+s.Action] = s
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d forms were found: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
	for what, s := range seen {
		paul, _ := b.joins(t, h) // nobody may ask for so much so fast
		for _, fields := range s.Hostile() {
			a := paul.send(s.Method, s.Address(fields), fields)
			paul.bears(what, a)
			if to := a.header.Get("Location"); a.status == http.StatusSeeOther && !slices.Contains(pages, to) {
				pages = append(pages, to)
			}
		}
	}
	paul, _ := b.joins(t, h)
	for _, path := range pages {
		paul.bears(path+" afterwards", paul.send("GET", path, nil))
	}
	if strings.Contains(b.logs.String(), "panic") {
		t.Errorf("something broke: %s", b.logs)
	}
}

// bears requires an answer that repeats no script, leads nowhere else, and is no failure.
func (v *visitor) bears(what string, a answer) {
	v.t.Helper()
	to := a.header.Get("Location")
	if a.status >= 500 || a.status == http.StatusTooManyRequests || strings.Contains(a.body, "<script>alert") || strings.Contains(to, "javascript:") || strings.Contains(to, "//") {
		v.t.Errorf("%s: %d to %.80q %.300s", what, a.status, to, plain(v.t, a.body))
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && to == "" && a.body != "" {
		uitest.Lint(v.t, a.body)
	}
}

// What is odd in an address makes no page say it, and breaks none; nor does what is sent to an address without its form.
func TestEveryAddressTakesWhateverIsAsked(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	mine := thingsOf(h, d, string(anna.Approach(d)))
	mine["member"] = string(h.Site) + "-m999" // the own one would be gone afterwards
	names := []string{"cursor", "visit", "look", "block", "done", "not", "arrived", "remove", "is", "device", "barrier", "place", "key", "yes", "do", "kind"}
	for _, pattern := range customer.Patterns() {
		method, path, _ := mine.filled(pattern)
		if strings.HasSuffix(path, "/live") || strings.HasSuffix(path, "new/device") || strings.HasSuffix(path, "/find") || method == "POST" && strings.HasSuffix(path, "/leave") {
			continue
		}
		for _, fields := range (uitest.Sheet{Typed: names}).Hostile() {
			if len(fields) < len(names) {
				continue // all at once will do
			}
			if method == http.MethodGet {
				me.bears(pattern, me.send(method, path+"?"+fields.Encode(), nil))
			} else {
				me.bears(pattern, me.send(method, path, fields))
			}
		}
	}
	if strings.Contains(b.logs.String(), "panic") {
		t.Errorf("something broke: %s", b.logs)
	}
}

// Names that hold markup are shown as they are.
func TestNamesAreText(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	const name = `<script>alert("Paul")</script>`
	must(t, h.Call(t.Context(), "POST", "/v1/home/members", api.MemberRequest{Name: name}, nil))
	rules := look(t, h).Rules
	rules.PlanB = []api.Fallback{{Kind: event.FallbackNeighbour, Who: name}}
	must(t, h.Call(t.Context(), "PUT", "/v1/home/rules", rules, nil))
	for _, path := range []string{"/home/household", "/home/rules"} {
		me.shows(path, name)
	}
}

package customer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/web/customer"
)

// things are the identifiers that stand in addresses.
type things map[string]string

// thingsOf are those of a household with a delivery under way.
func thingsOf(h *indoors.Household, d indoors.Booked, visit string) things {
	site := string(h.Site)
	return things{"site": site, "delivery": string(d.ID), "place": string(h.AccessPoint), "barrier": string(h.Barrier), "visit": visit, "camera": site + "-c1", "clip": site + "-f1",
		"consent": site + "-k1", "member": string(h.Member), "device": site + ".front", "number": "1", "name": "none.pmtiles"}
}

// madeUp are identifiers that nobody ever had.
func madeUp() things {
	return things{"site": "aaaa", "delivery": "aaaa-d9", "place": "aaaa-a9", "barrier": "aaaa-b9", "visit": "aaaa-v9", "camera": "aaaa-c9", "clip": "aaaa-f9", "consent": "aaaa-k9",
		"member": "aaaa-m9", "device": "zzzz", "number": "1", "name": "none.pmtiles"}
}

var named = regexp.MustCompile(`\{(\w+)\}`)

// filled puts identifiers into a pattern.
func (t things) filled(pattern string) (method, path string, names bool) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.ReplaceAll(path, "{$}", "")
	names = named.MatchString(path)
	return method, named.ReplaceAllStringFunc(path, func(name string) string { return t[name[1:len(name)-1]] }), names
}

// Whoever is not signed in is led to where they can sign in, and back; a stream has its page load anew.
func TestStrangersSignInFirst(t *testing.T) {
	t.Parallel()
	b := build(t)
	nobody := &visitor{t: t, at: b.URL}
	stale := &visitor{t: t, at: b.URL, cookie: &http.Cookie{Name: "__Host-loquet", Value: "lqs_made-up"}}
	for _, pattern := range customer.Patterns() {
		method, path, _ := madeUp().filled(pattern)
		for _, who := range []*visitor{nobody, stale} {
			a := who.send(method, path, url.Values{"key": {"k"}})
			switch {
			case strings.HasSuffix(path, "/live"):
				if !strings.Contains(a.body, "event: gone") || len(a.body) > 100 {
					t.Errorf("%s: %d %q", pattern, a.status, a.body)
				}
			case a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/sign-in?next=%2Fhome%2F"):
				t.Errorf("%s: %d to %q", pattern, a.status, a.header.Get("Location"))
			}
		}
	}
	if a := nobody.send("GET", "/home/deliveries/x-d1/block", nil); a.header.Get("Location") != "/sign-in?next=%2Fhome%2Fdeliveries%2Fx-d1%2Fblock" {
		t.Errorf("a link in a message leads to %q", a.header.Get("Location"))
	}
}

// Another household's identifier, in whatever address or field, is answered like one that nobody ever had, and changes
// nothing. Its own members find every address.
func TestAnotherHouseholdIsNotThere(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, other := b.Household("Camille"), b.Household("Paul")
	anna := b.Courier("swift-anna")
	d := b.Assigned(h, anna)
	theirs := thingsOf(h, d, string(anna.Approach(d)))
	before := len(b.Journal(h.Site))
	me, owner := b.visitor(t, other), b.visitor(t, h)
	for i, pattern := range customer.Patterns() {
		method, path, names := theirs.filled(pattern)
		if method == "POST" && (strings.HasSuffix(path, "/leave") || strings.HasSuffix(path, "/export")) {
			continue // takes no identifier, and changes what other pages say
		}
		_, invented, _ := madeUp().filled(pattern)
		for j, asked := range []string{"", "fields"} {
			key := fmt.Sprintf("%d-%d", i, j)
			got, want := me.ask(method, path, theirs.fields(key+"a", asked != "")), me.ask(method, invented, madeUp().fields(key+"b", asked != ""))
			if names && !strings.Contains(path, "/notifications/") && got.status != http.StatusNotFound && got.body != "event: gone" && got.body != "" {
				t.Errorf("%s: %d for theirs: %s", pattern, got.status, plain(t, got.body))
			}
			if got.status != want.status || theirs.shape(t, got) != madeUp().shape(t, want) {
				t.Errorf("%s %s: they can be told apart:\n%s\n%s", pattern, asked, theirs.shape(t, got), madeUp().shape(t, want))
			}
		}
		if method == "GET" && !strings.HasSuffix(path, "/live") && !strings.Contains(path, "/cameras/") && !strings.Contains(path, "/recordings/") &&
			!strings.HasSuffix(path, "/proof") && !strings.HasPrefix(path, "/home/map/") { // the device is in use already, and there is no map
			if a := owner.send("GET", path+"?"+ownQuery(theirs), nil); a.status >= 400 {
				t.Errorf("%s is not there for its own household: %d", pattern, a.status)
			}
		}
	}
	if after := len(b.Journal(h.Site)); after != before {
		t.Errorf("the household's journal grew by %d", after-before)
	}
}

// ownQuery is what pages that take an identifier beside their path need.
func ownQuery(mine things) string {
	return url.Values{"is": {"garage"}, "barrier": {mine["barrier"]}, "place": {mine["place"]}}.Encode()
}

// ask sends a form, or the same as a query; of a stream, only what it says at once.
func (v *visitor) ask(method, path string, fields url.Values) answer {
	v.t.Helper()
	if method == "POST" {
		return v.send(method, path, fields)
	}
	if !strings.HasSuffix(path, "/live") {
		return v.send(method, path+"?"+fields.Encode(), nil)
	}
	ctx, end := context.WithCancel(v.t.Context())
	defer end()
	for line := range v.live(ctx, path+"?"+fields.Encode()) {
		if strings.HasPrefix(line, "event: ") {
			return answer{body: line}
		}
	}
	return answer{}
}

// fields puts the identifiers into every field that takes one.
func (t things) fields(key string, all bool) url.Values {
	fields := url.Values{"key": {key}, "yes": {"true"}}
	if !all {
		return fields
	}
	for name, what := range map[string]string{"barrier": "barrier", "first": "barrier", "lobby": "barrier", "place": "place", "sees": "place", "device": "device",
		"replaces": "consent", "from": "consent", "visit": "visit", "cursor": "visit", "borrower": "site"} {
		fields.Set(name, t[what])
	}
	for name, value := range map[string]string{"is": "garage", "kind": "access-point/" + t["place"], "do": "add", "next": "/home/places/" + t["place"] + "/rehearsal",
		"position": "48.85, 2.29", "radius": "50", "address": "rtsp://192.0.2.7/door", "days": "1", "to": "18:00", "largest": "small", "dwell": "5", "keep": "7"} {
		fields.Set(name, value)
	}
	return fields
}

var drawn = regexp.MustCompile(`Reference: \S+`)

// shape is what an answer says and where it leads, but for the identifiers, and for the reference that is drawn anew.
func (t things) shape(tb testing.TB, a answer) string {
	said := a.header.Get("Location") + " "
	if kind := a.header.Get("Content-Type"); kind == "" || strings.HasPrefix(kind, "text/html") {
		said += drawn.ReplaceAllString(plain(tb, a.body), "Reference: …") // before an identifier can be found in it
	}
	for name, id := range t {
		if name != "number" && name != "name" {
			said = strings.NewReplacer(id, "‹"+name+"›", url.QueryEscape(id), "‹"+name+"›").Replace(said)
		}
	}
	return said
}

// A form of another site's page does nothing here.
func TestFormsOfOtherSitesDoNothing(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	d := b.Booked(h)
	mine := thingsOf(h, d, string(h.Site)+"-v1")
	before := len(b.Journal(h.Site))
	evil := b.visitor(t, h)
	evil.site = "cross-site"
	for _, pattern := range customer.Patterns() {
		method, path, _ := mine.filled(pattern)
		if method != "POST" {
			continue
		}
		if a := evil.send(method, path, url.Values{"key": {"k"}, "yes": {"true"}, "do": {"save"}}); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", pattern, a.status)
		}
	}
	if after := len(b.Journal(h.Site)); after != before {
		t.Errorf("the journal grew by %d", after-before)
	}
}

// What a page may load and do is said by its headers, and nothing is kept by anybody in between.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := build(t)
	a := b.visitor(t, b.Household("Camille")).send("GET", "/home/", nil)
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	if cache := a.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control: %s", cache)
	}
	worker := (&visitor{t: t, at: b.URL}).send("GET", "/home/sw.js", nil)
	if worker.status != http.StatusOK || !strings.HasPrefix(worker.header.Get("Content-Type"), "text/javascript") || !strings.Contains(worker.body, "notificationclick") {
		t.Errorf("the service worker: %d %s", worker.status, worker.header)
	}
}

package customer_test

import (
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
	return things{"delivery": string(d.ID), "place": string(h.AccessPoint), "barrier": string(h.Barrier), "visit": visit, "camera": site + "-c1", "clip": site + "-f1",
		"consent": site + "-k1", "member": string(h.Member), "device": "0123", "number": "1"}
}

// madeUp are identifiers that nobody ever had.
func madeUp() things {
	return things{"delivery": "aaaa-d9", "place": "aaaa-a9", "barrier": "aaaa-b9", "visit": "aaaa-v9", "camera": "aaaa-c9", "clip": "aaaa-f9", "consent": "aaaa-k9",
		"member": "aaaa-m9", "device": "zzzz", "number": "1"}
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

// Another household's identifier, in whatever address, is answered like one that nobody ever had, and changes nothing.
func TestAnotherHouseholdIsNotThere(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, other := b.Household("Camille"), b.Household("Paul")
	anna := b.Courier("swift-anna")
	d := b.Assigned(h, anna)
	theirs := thingsOf(h, d, string(anna.Approach(d)))
	before := len(b.Journal(h.Site))
	me := b.visitor(t, other)
	for _, pattern := range customer.Patterns() {
		method, path, names := theirs.filled(pattern)
		if !names || strings.HasSuffix(path, "/live") || strings.Contains(path, "/notifications/") {
			continue
		}
		_, invented, _ := madeUp().filled(pattern)
		got, want := me.send(method, path, url.Values{"key": {"k1"}, "yes": {"true"}}), me.send(method, invented, url.Values{"key": {"k2"}, "yes": {"true"}})
		if got.status != http.StatusNotFound || want.status != http.StatusNotFound {
			t.Errorf("%s: %d for theirs, %d for a made-up one: %s", pattern, got.status, want.status, plain(t, got.body))
			continue
		}
		if shape(t, got.body) != shape(t, want.body) {
			t.Errorf("%s: they can be told apart:\n%s\n%s", pattern, plain(t, got.body), plain(t, want.body))
		}
	}
	for _, path := range []string{"/home/places/new/where?barrier=", "/home/places/new/who?place=", "/home/consents/new?from=", "/home/places/new/proof?is=garage&device="} {
		id := map[bool]string{true: theirs["barrier"], false: theirs["place"]}[strings.Contains(path, "barrier")]
		if a := me.send("GET", path+id, nil); a.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path+id, a.status)
		}
	}
	if after := len(b.Journal(h.Site)); after != before {
		t.Errorf("the household's journal grew by %d", after-before)
	}
}

var drawn = regexp.MustCompile(`[a-z2-7]{4}-[a-z2-7]{4}`)

// shape is what a page says, but for the reference that is drawn anew each time.
func shape(t *testing.T, body string) string { return drawn.ReplaceAllString(plain(t, body), "…") }

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

package customer_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
)

// staffed signs somebody of the operator's staff in, who is an admin.
func (b *building) staffed(t *testing.T) *http.Cookie {
	t.Helper()
	deps := auth.Deps{Register: b.Store, Now: time.Now, Random: rand.Reader}
	staffs := auth.NewStaffs(deps, b.Vault)
	_, link, err := staffs.Add(t.Context(), auth.NewStaff{Name: "Ana", Address: "ana@loquet.example", Role: auth.Admin})
	must(t, err)
	links := auth.NewLinks(auth.LinksDeps{Deps: deps, Sessions: b.Sessions, Staffs: staffs, Mailboxes: auth.NewMailboxes(deps, b.Vault), PublicURL: b.URL})
	in, err := links.Redeem(t.Context(), link.Token, "", auth.Arrival{})
	must(t, err)
	cookie := in.Cookie()
	return &cookie
}

// joins signs another member of a household in.
func (b *building) joins(t *testing.T, h *indoors.Household) (*visitor, event.MemberID) {
	t.Helper()
	var paul api.Member
	must(t, h.Call(t.Context(), "POST", "/v1/home/members", api.MemberRequest{Name: "Paul"}, &paul))
	return &visitor{t: t, at: b.URL, cookie: b.SignIn(paul.ID), lang: phrase.English}, paul.ID
}

// left signs a second member of a household in, who then is removed.
func (b *building) left(t *testing.T, h *indoors.Household) *http.Cookie {
	t.Helper()
	paul, id := b.joins(t, h)
	paul.page("/home/")
	must(t, h.Call(t.Context(), "DELETE", "/v1/home/members/"+string(id), nil, nil))
	return paul.cookie
}

// Whoever is not signed in as a member is led to where they can sign in, and back; a stream has its page load anew. So is
// the staff, whatever name their session is given, and who left the household.
func TestStrangersSignInFirst(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	nobody, staff := &visitor{t: t, at: b.URL}, b.staffed(t)
	strangers := map[string]*visitor{"nobody": nobody, "made up": {t: t, at: b.URL, cookie: &http.Cookie{Name: auth.MemberCookie, Value: "lqs_made-up"}},
		"staff": {t: t, at: b.URL, cookie: staff}, "staff as a member": {t: t, at: b.URL, cookie: &http.Cookie{Name: auth.MemberCookie, Value: staff.Value}},
		"who left": {t: t, at: b.URL, cookie: b.left(t, h)}}
	mine := thingsOf(h, b.Booked(h), string(h.Site)+"-v1")
	before := len(b.Journal(h.Site))
	for _, pattern := range customer.Patterns() {
		method, path, _ := mine.filled(pattern)
		for who, v := range strangers {
			a := v.send(method, path, url.Values{"key": {"k"}})
			switch {
			case strings.HasSuffix(path, "/live"):
				if !strings.Contains(a.body, "event: gone") || len(a.body) > 100 {
					t.Errorf("%s: %s %d %q", pattern, who, a.status, a.body)
				}
			case a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/sign-in?next=%2Fhome%2F"):
				t.Errorf("%s: %s %d to %q", pattern, who, a.status, a.header.Get("Location"))
			}
		}
	}
	if after := len(b.Journal(h.Site)); after != before {
		t.Errorf("the household's journal grew by %d", after-before)
	}
	if a := nobody.send("GET", "/home/deliveries/x-d1/block", nil); a.header.Get("Location") != "/sign-in?next=%2Fhome%2Fdeliveries%2Fx-d1%2Fblock" {
		t.Errorf("a link in a message leads to %q", a.header.Get("Location"))
	}
}

// Another household's identifier, in whatever address or field, is answered like one that nobody ever had, and changes
// nothing. Its own members find every address.
func TestAnotherHouseholdIsNotThere(t *testing.T) {
	t.Parallel()
	b, h, theirs := furnished(t)
	owner := b.visitor(t, h)
	var others [3]*visitor // who take turns: one alone would ask too much at once
	for i, name := range []string{"paul", "lea", "tom"} {
		others[i] = b.visitor(t, b.Household(name))
		others[i].consents(name, "allow") // whoever has no car of their own is told so, whatever they ask
	}
	before := len(b.Journal(h.Site))
	for i, pattern := range customer.Patterns() {
		me := others[i%len(others)]
		method, path, names := theirs.filled(pattern)
		if method == "POST" && (strings.HasSuffix(path, "/leave") || strings.HasSuffix(path, "/export") || strings.HasSuffix(path, "/withdraw") && !names) {
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
		if method == "GET" && !strings.HasSuffix(path, "/live") && !strings.HasPrefix(path, "/home/map/") { // there is no map
			if a := owner.send("GET", path+"?"+ownQuery(theirs), nil); a.status >= 400 {
				t.Errorf("%s is not there for its own household: %d", pattern, a.status)
			}
		}
	}
	if after := len(b.Journal(h.Site)); after != before {
		t.Errorf("the household's journal grew by %d", after-before)
	}
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

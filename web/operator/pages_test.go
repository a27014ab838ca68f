package operator_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/ui/uitest"
)

// busy is an office with a day behind it: one delivery delivered, one visit in danger, one on the way, one booked.
type busy struct {
	*office
	admin, dispatcher, viewer *visitor
	home, danger              *indoors.Household
	delivered, alarmed, ahead indoors.Booked
	ended, alarm, coming      event.VisitID
	phone                     *indoors.Phone
}

func busyOffice(t *testing.T) *busy {
	t.Helper()
	b := &busy{office: open(t)}
	b.admin, b.dispatcher, b.viewer = b.staff("Ana", auth.Admin), b.staff("Ben", auth.Dispatcher), b.staff("Vera", auth.Viewer)
	b.home, b.danger = b.Household("Camille"), b.Household("Denis")
	karim, lea := b.Courier("karim"), b.Courier("lea")
	b.phone = lea
	b.delivered = b.Assigned(b.home, karim)
	b.ended = karim.Enter(b.delivered)
	karim.Finish(b.delivered, b.ended)
	b.alarmed = b.Assigned(b.danger, lea)
	b.alarm = lea.Enter(b.alarmed)
	lea.Act(b.alarm, "danger", nil)
	next := b.Assigned(b.home, karim)
	b.coming = karim.Approach(next)
	b.ahead = b.Booked(b.danger)
	return b
}

// addresses are every page of the console that a GET shows, with real names in them.
func (b *busy) addresses() []string {
	var all []string
	for _, pattern := range operator.Addresses() {
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodGet {
			all = append(all, b.filled(path))
		}
	}
	return all
}

func (b *busy) filled(path string) string {
	return strings.NewReplacer("{$}", "", "{visit}", string(b.alarm), "{delivery}", string(b.delivered.ID), "{device}", string(b.home.Site)+".front",
		"{courier}", "karim", "{staff}", string(b.viewer.who.ID()), "{import}", "nothing", "{name}", "none.pmtiles").Replace(path)
}

// Every page in both languages, for every role that may see it: well made, without a word of the other language's
// catalogue key, and nothing that a role may not see.
func TestEveryPageInBothLanguages(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	keyLike := regexp.MustCompile(`\b(?:o[1-6]|done|trouble|risk|phase|status|line|csv|guide|cause)\.[a-z]+`)
	for _, path := range append(b.addresses(), visitAt(b.ended), visitAt(b.coming), "/operator/deliveries/"+string(b.ahead.ID), "/operator/search?q=zzz",
		"/operator/search?q="+string(b.home.Site), "/operator/deliveries?day=2001-01-01", "/operator/metrics?day=2001-01-01") {
		if strings.HasSuffix(path, "/live") {
			continue
		}
		for who, v := range map[string]*visitor{"admin": b.admin, "dispatcher": b.dispatcher, "viewer": b.viewer} {
			for _, lang := range []phrase.Lang{phrase.English, phrase.French} {
				a := v.in(lang).send("GET", path, nil)
				kind := a.header.Get("Content-Type")
				if a.status >= 500 {
					t.Errorf("%s for the %s: %d %s", path, who, a.status, plain(t, a.body))
				}
				if !strings.HasPrefix(kind, "text/html") {
					continue
				}
				uitest.Lint(t, a.body)
				if key := keyLike.FindString(plain(t, a.body)); key != "" {
					t.Errorf("%s in %s shows the key %q", path, lang, key)
				}
				if want := `lang="` + string(lang) + `"`; !strings.Contains(a.body, want) {
					t.Errorf("%s is not in %s", path, lang)
				}
			}
		}
	}
}

func visitAt(v event.VisitID) string { return "/operator/visits/" + string(v) }

// Nothing of what only a household knows stands on any page for a viewer.
func TestAViewerSeesNoPersonalData(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	personal := []string{"rue des Lilas", "Anna Sommer", "Camille", "Denis", "On the bench", "48.8584"}
	for _, path := range b.addresses() {
		if strings.HasSuffix(path, "/live") {
			continue
		}
		body := b.viewer.send("GET", path, nil).body
		for _, what := range personal {
			if strings.Contains(body, what) {
				t.Errorf("%s shows a viewer %q", path, what)
			}
		}
	}
	var looks api.Looks
	must(t, b.home.Call(t.Context(), "GET", "/v1/home/looks", nil, &looks))
	if len(looks.Looks) != 0 {
		t.Errorf("looks of a viewer: %+v", looks)
	}
}

// Whoever sees an address is on record, once for a page that is shown again and again.
func TestLooksAreRecorded(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	for range 3 {
		b.dispatcher.shows("/operator/", "12 rue des Lilas, Paris", "Anna Sommer")
	}
	b.dispatcher.shows("/operator/deliveries/"+string(b.delivered.ID)+"?names=true", "Anna Sommer", "Front door", "This look is recorded")
	b.dispatcher.hides("/operator/deliveries/"+string(b.delivered.ID), "Anna Sommer")
	var looks api.Looks
	must(t, b.home.Call(t.Context(), "GET", "/v1/home/looks", nil, &looks))
	if len(looks.Looks) != 2 || looks.Looks[0].Key != "staff/"+string(b.dispatcher.who.ID()) {
		t.Errorf("looks: %+v", looks)
	}
}

// A form from another site's page does nothing.
func TestFormsFromElsewhere(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	a := b.dispatcher.sendBody("POST", visitAt(b.alarm)+"/acknowledge", "application/x-www-form-urlencoded", "key=k",
		"Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example")
	if a.status != http.StatusForbidden {
		t.Errorf("status %d", a.status)
	}
	b.viewer.shows(visitAt(b.alarm), "Nobody has it in hand yet")
}

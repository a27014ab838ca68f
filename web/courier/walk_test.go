package courier_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/courier"
)

// personal is what only the courier of the home's visit may read.
var personal = []string{"Lilas", "bench", "Front door", "48.85"}

func shown(body string) string {
	for _, what := range personal {
		if strings.Contains(body, what) {
			return what
		}
	}
	return ""
}

// Every place of the app's own table, asked by nobody, by a phone that is nobody's, by one that was replaced, by another
// courier and by the courier, with what is theirs, another's, made up and nonsense. Only the last is shown anything.
func TestEveryPlaceAndEveryPhone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	visit := h.anna.Approach(h.Assigned(h.home, h.anna))
	ben, carl := h.Courier("swift-ben"), h.Courier("swift-carl")
	replaced := carl
	h.Courier("swift-carl")
	elsewhere := h.Household("Denis")
	h.Assigned(elsewhere, ben)
	theirs := strings.NewReplacer("{accessPoint}", string(h.home.AccessPoint), "{visit}", string(visit))
	for _, pattern := range courier.Ways() {
		for _, kind := range []string{"view", "live"} {
			path := "/courier/" + kind + "/" + theirs.Replace(pattern)
			for who, p := range map[string]*indoors.Phone{"nobody": nil, "a replaced phone": replaced} {
				status, header, body := h.get(p, "en", path)
				if status != http.StatusUnauthorized || shown(body) != "" || !strings.Contains(header.Get("Cache-Control"), "no-store") {
					t.Errorf("%s at %s: %d %s", who, path, status, body)
				}
			}
		}
		if status, _, body := h.get(h.anna, "en", "/courier/view/"+theirs.Replace(pattern)); status != http.StatusOK || !strings.Contains(body, "data-screen") {
			t.Errorf("the courier at %s: %d %s", pattern, status, body)
		}
		if !strings.Contains(pattern, "{") {
			continue
		}
		_, _, own := h.get(ben, "en", "/courier/view/"+theirs.Replace(pattern)) // another's
		for _, id := range []string{"nowhere-a1", "nowhere-v1", string(h.home.Site) + "-a9999", string(h.home.Site) + "-v9999", string(h.home.Site),
			"%3Cscript%3E", "..%2f..%2fstops", "%00", strings.Repeat("x", 500)} {
			made := strings.NewReplacer("{accessPoint}", id, "{visit}", id).Replace(pattern)
			for _, p := range []*indoors.Phone{ben, h.anna} {
				status, _, body := h.get(p, "en", "/courier/view/"+made)
				if status >= 500 || shown(body) != "" || strings.Contains(body, "<script>") {
					t.Errorf("%.60s: %d %s", made, status, body)
				}
			}
			if _, _, body := h.get(ben, "en", "/courier/view/"+made); alike(own) != alike(body) && strings.Contains(id, "-") {
				t.Errorf("%s is told from what is not there:\n%s\n%s", pattern, own, body)
			}
		}
		if what := shown(own); what != "" {
			t.Errorf("another courier at %s reads %q", pattern, what)
		}
	}
}

// alike is an answer without what differs each time.
func alike(body string) string {
	body, _, _ = strings.Cut(body, `"reference"`)
	body, _, _ = strings.Cut(body, `data-place="`)
	return body
}

// The shells are the same for every address and everybody: what is in an address is never in the page.
func TestEveryDocumentIsEverybodys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.Assigned(h.home, h.anna)
	visit := h.anna.Approach(d)
	for _, pattern := range courier.Documents() {
		pages := map[string]bool{}
		for _, id := range []string{string(h.home.AccessPoint), string(visit), "nowhere-a1", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", strings.Repeat("x", 500)} {
			path := strings.NewReplacer("{$}", "", "{accessPoint}", id, "{visit}", id).Replace(pattern)
			for _, p := range []*indoors.Phone{nil, h.anna} {
				status, _, page := h.get(p, "en", path)
				if status != http.StatusOK || shown(page) != "" {
					t.Errorf("%.60s: %d", path, status)
				}
				pages[page] = true
			}
		}
		if len(pages) != 1 {
			t.Errorf("%s is %d pages", pattern, len(pages))
		}
	}
}

// What people wrote and typed is text on the courier's screens, however long it is.
func TestScriptsOnTheCouriersScreens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bad := "<script>alert(1)</script>" + strings.Repeat("x", 170)
	h.call(h.home.Caller, "PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60,
		PlanB: []api.Fallback{{Kind: event.FallbackNeighbour, Who: bad[:100]}}}, nil)
	var spot api.AccessPoint
	h.call(h.home.Caller, "POST", "/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.home.Barrier, By: event.PermitRemote}},
		Radius: 50, Position: api.Centre{Latitude: indoors.Latitude, Longitude: indoors.Longitude}, Name: bad[:60], Note: bad[:180]}, &spot)
	h.call(h.home.Caller, "POST", "/v1/home/consents", api.ConsentRequest{AccessPoint: spot.ID, Largest: event.SizeLarge, Inside: true,
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}}, nil)
	h.home.AccessPoint = spot.ID
	d := h.Assigned(h.home, h.anna)
	visit := h.anna.Approach(d)
	h.anna.Act(visit, "arrive", api.ArriveRequest{Position: indoors.At(5)})
	for _, place := range []string{"stops", "stop/" + string(spot.ID), "stop/" + string(spot.ID) + "/plan-b", "scan/" + string(visit)} {
		if v := h.view("fr", place); strings.Contains(v, "<script>") || !strings.Contains(v, "&lt;script&gt;") && place != "scan/"+string(visit) {
			t.Errorf("%s: %s", place, v)
		}
	}
	for _, text := range []string{bad, strings.Repeat("x", 500), "<script>"} {
		var a api.Answer
		err := h.anna.Call(t.Context(), "POST", "/v1/courier/visits/"+string(visit)+"/scan", api.ScanRequest{Text: text, Position: indoors.At(5)}, &a)
		if err == nil && a.Refused == nil {
			t.Errorf("%.30s is taken for a parcel", text)
		}
		if err != nil && strings.Contains(err.Error(), "<script>") || a.Refused != nil && strings.Contains(a.Refused.Text, "<script>") {
			t.Errorf("%.30s is repeated: %v %+v", text, err, a.Refused)
		}
	}
}

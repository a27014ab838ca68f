package api_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

func kindsOf(events []api.HomeEvent) (kinds []event.Kind) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// twoVisits is a home with a delivery that went well, an opening by hand, and a second delivery that is under way.
func twoVisits(t testing.TB) (*filmed, event.VisitID, event.DeliveryID) {
	t.Helper()
	s := newFilmed(t)
	first, delivery := s.visit, s.delivery
	s.clip()
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	await[event.ForeignOpening](s.w, s.home.site)
	s.home.door.move(event.BoltLocked, event.ContactClosed)
	s.delivery = s.w.book(s.shop, s.home, 2).ID
	s.w.assign(s.delivery, s.phone.courier)
	s.visit = granted(t, s.phone.approach(s.home)).Visit.ID
	return s, first, delivery
}

// A household reads the whole story of a visit, when it is long over too, and nothing of another's.
func TestHomeVisit(t *testing.T) {
	s, first, _ := twoVisits(t)
	var seen api.HomeVisit
	s.home.get("/v1/home/visits/"+string(first), &seen)
	kinds := kindsOf(seen.Events)
	for _, k := range []event.Kind{"visit.begun", "parcel.scanned", "opening.intended", "opening.resolved", "barrier.observed", "deposit.recorded",
		"barrier.secured", "delivery.delivered", "visit.ended", "filming.asked", "recording.asked", "filming.ended", "clip.finished"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("the story lacks %s: %v", k, kinds)
		}
	}
	if kinds[0] != "visit.begun" || slices.Contains(kinds, "barrier.foreign-opening") || slices.Index(kinds, "visit.ended") != len(kinds)-3 {
		t.Errorf("the story: %v", kinds)
	}
	for _, e := range seen.Events {
		if e.Text == "" {
			t.Errorf("%s says nothing", e.Kind)
		}
	}
	v := seen.Visit
	if v.Ended == nil || v.Ended.How != event.EndSecured || v.CourierName != "Anna Sommer" || v.Now == 0 || v.Zone != "Europe/Paris" {
		t.Errorf("the visit: %+v", v)
	}
	if seen.Clip == nil || seen.Clip.Visit != first || len(seen.Openings) != 1 || seen.Openings[0].Secured == 0 {
		t.Errorf("clip %+v, openings %+v", seen.Clip, seen.Openings)
	}
	s.home.get("/v1/home/visits/"+string(s.visit), &seen)
	if seen.Visit.Ended != nil || len(seen.Openings) != 0 || seen.Clip != nil || seen.Visit.Steps[0].Seen.Bolt == "" {
		t.Errorf("under way: %+v", seen)
	}
	for _, e := range seen.Events {
		if strings.Contains(string(e.Body), string(first)) {
			t.Errorf("a story of another visit: %s", e.Body)
		}
	}
	stranger := s.w.homeOf(s.w.merchant("butcher"), event.PermitRemote)
	for _, path := range []string{"nonsense", string(stranger.site) + "-v3", string(s.home.site) + "-v999", string(s.home.site) + "-v1"} {
		s.home.send("GET", "/v1/home/visits/"+path, nil).problem(404, "not-found")
	}
	stranger.send("GET", "/v1/home/visits/"+string(first), nil).problem(404, "not-found")
}

// An operator reads a delivery's whole story, over all its visits, and that is recorded.
func TestDeliveryStory(t *testing.T) {
	s, first, delivery := twoVisits(t)
	path := "/v1/deliveries/" + string(delivery) + "/story"
	var story api.DeliveryStory
	s.w.key(auth.Operator, "swift", auth.JournalsRead).get(path, &story)
	if story.CourierName != "" || story.Place != "" || len(story.Events) == 0 || story.Openings[0].CourierName != "" {
		t.Errorf("without names: %+v", story)
	}
	s.w.key(auth.Operator, "swift", auth.JournalsRead).send("GET", path+"?names=true", nil).problem(403, "forbidden")
	s.w.operator().get(path+"?names=true", &story)
	kinds := kindsOf(story.Events)
	for _, k := range []event.Kind{"delivery.booked", "delivery.consented", "courier.assigned", "visit.begun", "opening.intended", "delivery.delivered",
		"visit.ended", "clip.finished"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("the story lacks %s: %v", k, kinds)
		}
	}
	if kinds[0] != "delivery.booked" || slices.Contains(kinds, "barrier.foreign-opening") || times(kinds, "delivery.booked") != 1 {
		t.Errorf("the story: %v", kinds)
	}
	if !story.Over || len(story.Visits) != 1 || story.Visits[0].Visit != first || story.Visits[0].Ended == nil || story.CourierName != "Anna Sommer" ||
		story.Place != "Front door" || len(story.Openings) != 1 || story.Delivery.Status != "delivered" {
		t.Errorf("the story: %+v", story)
	}
	var looks api.Looks
	s.home.get("/v1/home/looks", &looks)
	if last := looks.Looks[len(looks.Looks)-1]; !strings.Contains(last.What, string(delivery)) || last.Who != "operator/swift" {
		t.Errorf("looks: %+v", looks)
	}
	s.w.operator().get("/v1/deliveries/"+string(s.delivery)+"/story", &story)
	if story.Over || len(story.Visits) != 1 || story.Visits[0].Ended != nil {
		t.Errorf("under way: %+v", story)
	}
	s.shop.send("GET", path, nil).problem(403, "forbidden")
	s.w.operator().send("GET", "/v1/deliveries/nowhere-d1/story", nil).problem(404, "not-found")
}

func times(all []event.Kind, k event.Kind) (n int) {
	for _, x := range all {
		if x == k {
			n++
		}
	}
	return n
}

// Every opening ever, by whomever, the latest first, as far as it is asked for.
func TestOpenings(t *testing.T) {
	s, first, _ := twoVisits(t)
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	s.home.door.move(event.BoltLocked, event.ContactClosed)
	s.w.until(t, "the second opening by hand is heard", func() bool { return strings.Count(s.w.kinds(s.home.site), "barrier.foreign-opening") == 2 })
	list := func(query string) api.Openings {
		t.Helper()
		var page api.Openings
		s.home.get("/v1/home/openings"+query, &page)
		return page
	}
	all := list("").Openings
	who := func(openings []api.Opening) (all []api.Opener) {
		for _, o := range openings {
			all = append(all, o.Who)
		}
		return all
	}
	// The first two are from when the door was enrolled by hand.
	if got := who(all); !slices.Equal(got, []api.Opener{"foreign", "foreign", "courier"}) {
		t.Fatalf("by %v", got)
	}
	ours := all[2]
	if ours.Visit != first || ours.CourierName != "Anna Sommer" || ours.Outcome != event.Done || ours.Secured == 0 || ours.Name == "" || ours.At >= all[1].At {
		t.Errorf("ours: %+v", ours)
	}
	var paged []api.Opening
	for next := "?limit=1"; next != ""; {
		page := list(next)
		paged = append(paged, page.Openings...)
		if next = page.Next; next != "" {
			next = "?limit=1&cursor=" + next
		}
	}
	if !slices.EqualFunc(paged, all, func(x, y api.Opening) bool { return x.At == y.At && x.Who == y.Who }) {
		t.Errorf("paged %v, at once %v", who(paged), who(all))
	}
	at := func(i event.Instant) string { return url.QueryEscape(i.Time().Format(time.RFC3339Nano)) }
	for query, want := range map[string]int{"?who=foreign": 2, "?who=courier": 1, "?who=rehearsal": 0, "?barrier=" + string(s.home.barrier): 3,
		"?barrier=" + string(s.home.site) + "-b99": 0, "?from=" + at(all[1].At): 2, "?to=" + at(all[1].At): 1, "?from=" + at(ours.At) + "&to=" + at(all[0].At): 2} {
		if got := list(query).Openings; len(got) != want {
			t.Errorf("%s: %d openings, not %d", query, len(got), want)
		}
	}
	s.home.send("GET", "/v1/home/openings?who=nobody", nil).problem(422, "invalid")
}

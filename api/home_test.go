package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

func (h *home) look() api.Home {
	h.w.t.Helper()
	var seen api.Home
	h.get("/v1/home", &seen)
	return seen
}

// A browser gets a cookie that no script can read, and no token; every other client the token, and no cookie.
func TestSession(t *testing.T) {
	w := newWorld(t)
	h := w.empty(w.merchant("grocer"))
	link := get(w.sessions.Invite(t.Context(), h.member))(t)
	r := w.anybody().send("POST", "/v1/sessions", api.SignInRequest{Token: link.Token}, "Sec-Fetch-Site", "same-origin")
	var s api.Session
	r.want(201, &s)
	set := r.header.Get("Set-Cookie")
	for _, wanted := range []string{"__Host-loquet=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(set, wanted) {
			t.Errorf("the cookie %q lacks %q", set, wanted)
		}
	}
	if s.Token != "" || s.Member != h.member || s.Site != h.site || s.Until == 0 {
		t.Errorf("the session: %+v", s)
	}
	cookie := get(http.ParseSetCookie(set))(t)
	browser := caller{w, func(r *http.Request, _ []byte) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value}) }}
	browser.get("/v1/home", nil)
	w.anybody().send("POST", "/v1/sessions", api.SignInRequest{Token: link.Token}).problem(401, "link")

	out := browser.send("DELETE", "/v1/sessions", nil).want(204, nil)
	if gone := out.header.Get("Set-Cookie"); !strings.Contains(gone, "Max-Age=0") {
		t.Errorf("the cookie stays: %q", gone)
	}
	browser.send("GET", "/v1/home", nil).problem(401, "no-session")

	link = get(w.sessions.Invite(t.Context(), h.member))(t)
	r = w.anybody().send("POST", "/v1/sessions", api.SignInRequest{Token: link.Token}).want(201, &s)
	if s.Token == "" || r.header.Get("Set-Cookie") != "" {
		t.Errorf("the session: %+v with %q", s, r.header.Get("Set-Cookie"))
	}
}

func TestHome(t *testing.T) {
	s := newStage(t)
	seen := s.home.look()
	if seen.Address != "12 rue des Lilas, Paris" || seen.Zone != "Europe/Paris" || len(seen.Members) != 1 || seen.Members[0].Name != "Camille Martin" || !seen.Members[0].You {
		t.Errorf("the home: %+v", seen)
	}
	ap := seen.AccessPoints[0]
	if ap.Name != "Front door" || ap.Note != "On the bench" || ap.Position == nil || ap.Position.Latitude != latitude {
		t.Errorf("the access point: %+v", ap)
	}
	d := seen.Deliveries[0]
	if !d.Consented || d.Consent != s.consent || d.ID != s.delivery || len(d.Allowed) == 0 || d.Parcels[0].LastFour == "" || d.PlanB == nil {
		t.Errorf("the delivery: %+v", d)
	}
	v := seen.Visits[0]
	if v.ID != s.visit || v.CourierName != "Anna Sommer" || len(v.Steps) != 1 || v.Steps[0].Seen.Text == "" || v.ETA == 0 {
		t.Errorf("the visit: %+v", v)
	}
	var page api.HomeJournal
	s.home.get("/v1/home/journal?after=1&limit=2", &page)
	if len(page.Events) != 2 || page.Events[0].Seq != 2 || page.Events[0].Text == "" {
		t.Errorf("the journal: %+v", page)
	}
}

// Whoever says which rules they saw overwrites no others.
func TestRulesChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	first := h.look().Rules
	if first.Tag == "" || h.look().Seq != uint64(len(w.journal(h.site))) {
		t.Fatalf("the rules: %+v", first)
	}
	paul := first
	paul.AskPets = true
	var set api.Rules
	h.send("PUT", "/v1/home/rules", paul).want(200, &set)
	if set.Tag == first.Tag || set.Tag != h.look().Rules.Tag {
		t.Errorf("the tag is %q after %q", set.Tag, first.Tag)
	}
	mine := first
	mine.AskAlarm = true
	h.send("PUT", "/v1/home/rules", mine).problem(409, "changed-meanwhile")
	if seen := h.look().Rules; !seen.AskPets || seen.AskAlarm {
		t.Errorf("the rules: %+v", seen)
	}
	mine.Tag = ""
	h.send("PUT", "/v1/home/rules", mine).want(200, nil)
}

func TestRules(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	rules := api.Rules{DwellSeconds: 90, ClimbSeconds: 30, AskAlarm: true, Watch: true,
		PlanB: []api.Fallback{{Kind: event.FallbackNeighbour, Who: "Mr Petit, door 3"}, {Kind: event.FallbackOutside}}}
	h.send("PUT", "/v1/home/rules", rules).want(200, nil)
	seen := h.look().Rules
	if seen.DwellSeconds != 90 || !seen.AskAlarm || len(seen.PlanB) != 2 || seen.PlanB[0].Who != "Mr Petit, door 3" {
		t.Errorf("the rules: %+v", seen)
	}
	if strings.Contains(string(get(json.Marshal(w.journal(h.site)))(t)), "Petit") {
		t.Error("the neighbour's name is in the journal")
	}
}

func TestConsent(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop := w.merchant("grocer")
	seen := h.look()
	h.send("DELETE", "/v1/home/consents/"+string(seen.Consents[0].ID), nil).want(204, nil)
	d := w.book(shop, h, 1)
	if d.Status != "booked" {
		t.Fatalf("consented by nobody: %+v", d)
	}
	path := "/v1/home/deliveries/" + string(d.ID)
	var mine api.HomeDelivery
	h.post(path+"/consent", nil, &mine)
	if !mine.Consented || mine.Consent != "" {
		t.Errorf("consented: %+v", mine)
	}
	h.post(path+"/withdraw", nil, &mine)
	if mine.Consented {
		t.Errorf("withdrawn: %+v", mine)
	}
	// A standing consent reaches deliveries that wait, within its own hours.
	var c api.Consent
	h.post("/v1/home/consents", api.ConsentRequest{AccessPoint: h.place, Largest: event.SizeSmall, Hours: always(),
		Merchants: []event.MerchantID{"grocer"}, Until: w.clock.now().Add(48 * time.Hour)}, &c)
	seen = h.look()
	if !seen.Deliveries[0].Consented || seen.Deliveries[0].Consent != c.ID || seen.Consents[0].Until == 0 {
		t.Errorf("the delivery: %+v", seen.Deliveries[0])
	}
	if other := w.book(w.merchant("butcher"), h, 2); other.Status != "booked" {
		t.Errorf("another merchant's: %+v", other)
	}
	// One that takes its place ends it, and what rested on it never waits for consent.
	old, before := c.ID, len(seen.Consents)
	h.post("/v1/home/consents", api.ConsentRequest{AccessPoint: h.place, Largest: event.SizeMedium, Hours: always(), Replaces: old}, &c)
	seen = h.look()
	if len(seen.Consents) != before || seen.Consents[before-1].ID != c.ID || seen.Deliveries[0].Consent != c.ID {
		t.Errorf("replaced: %+v, %+v", seen.Consents, seen.Deliveries[0])
	}
	again := api.ConsentRequest{AccessPoint: h.place, Largest: event.SizeMedium, Hours: always(), Replaces: old}
	h.send("POST", "/v1/home/consents", again).problem(409, "conflict")
	h.send("DELETE", "/v1/home/consents/"+string(c.ID), nil).want(204, nil)
	if d := h.look().Deliveries[0]; d.Consented {
		t.Errorf("still consented: %+v", d)
	}
}

func TestQuestions(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	h.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, AskPets: true}).want(200, nil)
	anna := w.courier("anna")
	d := w.book(w.merchant("grocer"), h, 1)
	w.assign(d.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	refused(t, anna.scan(visit, 1), event.QuestionOpen)
	var mine api.HomeDelivery
	path := "/v1/home/deliveries/" + string(d.ID) + "/answers"
	h.post(path, api.AnswersRequest{Question: event.QuestionPets, Yes: false}, &mine)
	if q := mine.Questions[len(mine.Questions)-1]; !q.Answered || q.Yes || q.Title == "" {
		t.Errorf("the question: %+v", q)
	}
	refused(t, anna.act(visit, "open", api.OpenRequest{Barrier: h.barrier, Position: w.at(5)}), event.PetsLoose)
	h.post(path, api.AnswersRequest{Question: event.QuestionPets, Yes: true}, nil)
	granted(t, anna.act(visit, "open", api.OpenRequest{Barrier: h.barrier, Position: w.at(5)}))
	anna.finish(h, visit)
}

func TestBlock(t *testing.T) {
	s := newStage(t)
	var b api.BlockAnswer
	s.home.post("/v1/home/deliveries/"+string(s.delivery)+"/block", nil, &b)
	if b.Verdict != event.BlockWon || b.Title == "" || b.Text == "" || b.Visit != s.visit || b.At == 0 {
		t.Errorf("the block: %+v", b)
	}
	s.shop.post("/v1/deliveries/"+string(s.delivery)+"/block", nil, &b)
	if b.Verdict != event.BlockAlready {
		t.Errorf("again: %+v", b)
	}
	if a := s.phone.scan(s.visit, 1); a.Refused == nil {
		t.Error("a blocked parcel is taken")
	}
	if n := s.home.door.openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
	var a api.Answer
	s.home.post("/v1/home/deliveries/"+string(s.delivery)+"/cancel", nil, &a)
	granted(t, a)
}

func TestMembers(t *testing.T) {
	// The sessions have not ended yet: that somebody is no member any more is enough.
	w := newStillWorld(t)
	h := w.home()
	var second api.Member
	h.post("/v1/home/members", api.MemberRequest{Name: "Dominique"}, &second)
	theirs := w.signIn(second.ID)
	theirs.get("/v1/home", nil)
	h.send("DELETE", "/v1/home/members/"+string(second.ID), nil).want(204, nil)
	theirs.send("GET", "/v1/home", nil).problem(401, "no-session")
	theirs.send("GET", "/v1/home/journal", nil).problem(401, "no-session")
	theirs.send("POST", "/v1/home/members", api.MemberRequest{}).problem(401, "no-session")
	h.send("DELETE", "/v1/home/members/"+string(h.member), nil).problem(409, "conflict")
	if n := len(h.look().Members); n != 1 {
		t.Errorf("%d members", n)
	}
}

// What others keep of somebody who left is erased too, and again if that failed.
func TestWhoLeavesIsForgottenElsewhere(t *testing.T) {
	forgotten := make(chan []event.MemberID, 2)
	fails := true
	w := newWorld(t, func(d *api.Deps) {
		d.Forget = func(_ context.Context, members []event.MemberID) error {
			forgotten <- members
			if fails {
				fails = false
				return errors.New("not now")
			}
			return nil
		}
	})
	h := w.home()
	var second api.Member
	h.post("/v1/home/members", api.MemberRequest{Name: "Dominique"}, &second)
	h.send("DELETE", "/v1/home/members/"+string(second.ID), nil).want(204, nil)
	for range 2 {
		if got := <-forgotten; !slices.Equal(got, []event.MemberID{second.ID}) {
			t.Errorf("%v is forgotten", got)
		}
	}
}

func TestLending(t *testing.T) {
	w := newWorld(t)
	building := w.home()
	flat := w.empty(w.merchant("grocer"))
	building.post("/v1/home/lending", api.Lending{Barrier: building.barrier, Borrower: flat.site}, nil)
	if l := building.look().Lending; len(l) != 1 || l[0].Borrower != flat.site {
		t.Errorf("lent: %+v", l)
	}
	var ended api.LendingEnded
	path := "/v1/home/lending/" + string(building.barrier) + "/" + string(flat.site)
	building.send("DELETE", path, nil).want(200, &ended)
	if ended.Verdict != event.BlockWon || ended.Title == "" {
		t.Errorf("ended: %+v", ended)
	}
	building.send("DELETE", path, nil).want(200, &ended)
	if ended.Verdict != event.BlockAlready {
		t.Errorf("ended again: %+v", ended)
	}
}

// Moving out revokes everything: sessions end, and what was sealed can't be read any more.
func TestMovingOut(t *testing.T) {
	s := newStage(t)
	var a api.Answer
	s.home.post("/v1/home/close", nil, &a)
	granted(t, a)
	if !slices.Contains(a.Events, event.Kind("site.closed")) {
		t.Errorf("the answer: %+v", a)
	}
	s.home.send("GET", "/v1/home", nil).problem(401, "no-session")
	s.w.until(t, "the key is erased", func() bool {
		_, err := s.w.store.Get(t.Context(), "vault.site", string(s.home.site))
		return err != nil
	})
	s.w.until(t, "the session has ended", func() bool {
		list, err := s.w.store.List(t.Context(), "auth.session", string(s.home.site), 10)
		return err == nil && len(list) == 0
	})
	var seen api.Site
	s.shop.get("/v1/sites/"+string(s.home.site), &seen)
	if seen.Open || seen.Address != "" || len(seen.AccessPoints) != 0 {
		t.Errorf("what is left: %+v", seen)
	}
	s.shop.send("POST", "/v1/deliveries", s.w.booking(s.home, 5)).problem(404, "not-found")
	if _, err := s.w.store.Get(t.Context(), "vault.site", string(s.home.site)); err == nil {
		t.Error("asking gave the closed site a new key")
	}
}

func TestRehearsal(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	var a api.Answer
	path := "/v1/home/access-points/" + string(h.place) + "/rehearse"
	// Presence is shown by hand.
	h.door.move(event.BoltUnlocked, event.ContactOpen)
	h.door.move(event.BoltLocked, event.ContactClosed)
	w.until(t, "the hand is seen", func() bool { return count[event.ForeignOpening](w, h.site) > 0 && locked(h.look().Barriers[0]) })
	h.post(path, nil, &a)
	granted(t, a)
	if a.Visit == nil || a.Visit.Rehearsal != h.member || a.Visit.Steps[0].Asked == nil {
		t.Fatalf("the rehearsal: %+v", a.Visit)
	}
	awaitWhere(w, h.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	if n := h.door.openings(); n != 1 {
		t.Errorf("%d openings", n)
	}
	visit := "/v1/home/visits/" + string(a.Visit.ID)
	h.post(visit+"/open", api.BarrierTap{Barrier: h.barrier}, &a)
	refused(t, a, event.AlreadyOpened)
	h.post(visit+"/code", api.BarrierTap{Barrier: h.barrier}, &a)
	refused(t, a, event.NotOpened)
	// Once everything is shut, the member's word ends it.
	h.door.move(event.BoltUnlocked, event.ContactOpen)
	h.door.move(event.BoltUnlocked, event.ContactClosed)
	h.post(visit+"/close", nil, &a)
	granted(t, a)
	if secured := await[event.BarrierSecured](w, h.site); secured.Visit != a.Visit.ID {
		t.Errorf("secured: %+v", secured)
	}
}

func TestRehearsalWithACode(t *testing.T) {
	w := newWorld(t)
	h := w.homeOf(w.merchant("grocer"), event.PermitCode)
	h.door.move(event.BoltUnlocked, event.ContactOpen)
	h.door.move(event.BoltLocked, event.ContactClosed)
	w.until(t, "the hand is seen", func() bool { return count[event.ForeignOpening](w, h.site) > 0 && locked(h.look().Barriers[0]) })
	var a api.Answer
	h.post("/v1/home/access-points/"+string(h.place)+"/rehearse", nil, &a)
	visit := a.Visit.ID
	awaitWhere(w, h.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	h.post("/v1/home/visits/"+string(visit)+"/code", api.BarrierTap{Barrier: h.barrier}, &a)
	if a.Refused != nil || len(a.Code) < 4 {
		t.Errorf("the code: %+v", a)
	}
	if n := count[event.CodeShown](w, h.site); n != 1 {
		t.Errorf("%d showings stand in the journal", n)
	}
}

func locked(b api.Barrier) bool {
	return b.Seen.Bolt == event.BoltLocked && b.Seen.Contact == event.ContactClosed
}

func TestRehearsalTakesAHand(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	w.clock.advance(time.Hour)
	path := "/v1/home/access-points/" + string(h.place) + "/rehearse"
	h.send("POST", path, nil).problem(403, "sign-in-again")
	h.send("POST", "/v1/home/close", nil).problem(403, "sign-in-again")
	h.caller = w.signIn(h.member)
	var a api.Answer
	h.post(path, nil, &a)
	refused(t, a, event.NotPresent)
}

func TestTakeOver(t *testing.T) {
	s := newStage(t)
	var a api.Answer
	path := "/v1/home/visits/" + string(s.visit) + "/take-over"
	s.home.post(path, nil, &a)
	refused(t, a, event.NotOpened)
	s.phone.scan(s.visit, 1)
	granted(t, s.phone.scan(s.visit, 2))
	awaitWhere(s.w, s.home.site, func(b event.OpeningResolved) bool { return b.Outcome == event.Done })
	s.home.post(path, nil, &a)
	granted(t, a)
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	await[event.VisitTakenOver](s.w, s.home.site)
	end := await[event.VisitEnded](s.w, s.home.site)
	if end.How != event.EndTakenOver {
		t.Errorf("ended %s", end.How)
	}
}

// A home without its members' sessions can still retire what it has.
func TestRetire(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	h.send("DELETE", "/v1/home/access-points/"+string(h.place), nil).want(204, nil)
	if _, err := w.store.Value(t.Context(), h.site, "spot/"+string(h.place)); err == nil {
		t.Error("the position is still there")
	}
	h.send("DELETE", "/v1/home/barriers/"+string(h.barrier), nil).want(204, nil)
	seen := h.look()
	if len(seen.AccessPoints)+len(seen.Barriers)+len(seen.Consents) != 0 {
		t.Errorf("left: %+v", seen)
	}
}

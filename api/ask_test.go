package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
)

// signedIn is the member as a page knows them.
func (h *home) signedIn() auth.Member {
	link := get(h.w.sessions.Invite(h.w.t.Context(), h.member))(h.w.t)
	return get(h.w.sessions.Redeem(h.w.t.Context(), link.Token, auth.Arrival{}))(h.w.t).Member
}

// ask fails the test on a problem.
func ask[P, I, O any](t *testing.T, w *world, c api.Call, who P, operation func(context.Context, P, *I) (*O, error), in *I) *O {
	t.Helper()
	out, p := api.Ask(t.Context(), w.api, c, who, operation, in)
	if p != nil {
		t.Fatal(p)
	}
	return out
}

func TestAPageAsksWhatTheRoutesAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.home()
	var home api.Home
	h.get("/v1/home", &home)
	asked := ask(t, w, api.Call{Lang: phrase.English}, h.signedIn(), w.api.GetHome, &struct{}{})
	if asked.Body.Site != home.Site || len(asked.Body.Barriers) != 1 || asked.Body.Address != home.Address {
		t.Fatalf("a page is told %+v, a route %+v", asked.Body, home)
	}
	french := ask(t, w, api.Call{Lang: phrase.French}, h.signedIn(), w.api.GetHome, &struct{}{})
	if french.Body.Barriers[0].Name == asked.Body.Barriers[0].Name {
		t.Fatal("a French page is answered in English")
	}
}

func TestAFormThatIsSentTwiceWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.home()
	m := h.signedIn()
	add := &api.AddMemberInput{Body: api.MemberRequest{Name: "Paul"}}
	form := api.Call{Lang: phrase.English, Key: "drawn-when-the-page-was-made", Page: "/home/members"}
	first := ask(t, w, form, m, w.api.AddMember, add)
	if again := ask(t, w, form, m, w.api.AddMember, add); again.Body.ID != first.Body.ID {
		t.Fatalf("one form made %s and %s", first.Body.ID, again.Body.ID)
	}
	form.Key = "another"
	if next := ask(t, w, form, m, w.api.AddMember, add); next.Body.ID == first.Body.ID {
		t.Fatal("another form made nothing")
	}
}

func TestAPageIsRefusedWhatARouteRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, other := w.home(), w.home()
	m := h.signedIn()
	call := api.Call{Lang: phrase.English, Page: "/home"}
	if _, p := api.Ask(t.Context(), w.api, call, m, w.api.SetRules, &api.SetRulesInput{Body: api.Rules{DwellSeconds: -1, ClimbSeconds: 60}}); p == nil ||
		p.Code != "invalid" || len(p.Errors) == 0 || p.Errors[0].Field != "body.dwellSeconds" || p.Reference == "" {
		t.Errorf("rules that can't be are answered with %+v", p)
	}
	if _, p := api.Ask(t.Context(), w.api, call, m, w.api.RetireBarrier, &api.BarrierPath{Barrier: other.barrier}); p == nil || p.Status != 404 {
		t.Errorf("another's barrier is answered with %+v", p)
	}
}

// A page finds out who signed its request as the API does: by the same key, for that very address, once.
func TestCourierBehindAPage(t *testing.T) {
	w := newWorld(t)
	anna := w.courier("anna")
	asked := func(sign func(*http.Request, []byte), path string) *http.Request {
		r := httptest.NewRequest("GET", w.url+"/courier/view/stops", nil)
		sign(r, nil)
		r.URL.Path = path
		return r
	}
	good := asked(anna.sign, "/courier/view/stops")
	who, p := w.api.CourierBehind(good)
	if p != nil || who.ID() != "anna" {
		t.Fatalf("%v, %v", who.ID(), p)
	}
	for name, c := range map[string]struct {
		r    *http.Request
		code string
	}{
		"again":           {good, "proof-replayed"},
		"another address": {asked(anna.sign, "/courier/view/other"), "proof-other-request"},
		"another phone":   {asked(w.newPhone().sign, "/courier/view/stops"), "device-not-bound"},
		"unsigned":        {asked(func(*http.Request, []byte) {}, "/courier/view/stops"), "proof"},
	} {
		_, p := w.api.CourierBehind(c.r)
		if p == nil || p.Code != c.code || p.Reference == "" {
			t.Errorf("%s: %+v", name, p)
			continue
		}
		answer := httptest.NewRecorder()
		must(t, p.Write(answer))
		if answer.Code != 401 || answer.Header().Get("WWW-Authenticate") != "Loquet-Proof" || answer.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %+v", name, answer)
		}
	}
}

package customer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestWords(t *testing.T) {
	uitest.CheckWords(t, ".", customer.Words())
	for _, key := range customer.Words().Keys(phrase.French) {
		if text := customer.Words().Text(phrase.French, key); strings.Contains(strings.ToLower(text), "courriel") {
			t.Errorf("%s: it is called e-mail everywhere else: %q", key, text)
		}
	}
}

// both has a page checked in both languages.
func both(t *testing.T, v *visitor, path, english, french string) {
	t.Helper()
	v.in(phrase.English).shows(path, english)
	v.in(phrase.French).shows(path, french)
}

func TestHome(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/", "All shut and locked", "Tout est fermé et verrouillé")
	me.shows("/home/", "Front door", "No delivery is on its way.", "sensor", "lock")
	anna := b.Courier("swift-anna")
	d := b.Booked(h)
	me.shows("/home/", "Next deliveries", "1 parcel from grocer", "Allowed; no courier assigned yet")
	me.shows("/home/deliveries/"+string(d.ID), "Not assigned yet", "Block this delivery")

	d = b.Assigned(h, anna)
	both(t, me, "/home/", "Allowed; courier assigned. No stop is planned before yours.", "Autorisée ; livreur désigné. ")
	v := anna.Approach(d)
	both(t, me, "/home/", "Anna comes between", "Anna arrive entre")
	anna.Scan(v, d)
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	seen := func(o event.BarrierObserved) bool { return o.Observation.Contact == event.ContactOpen && o.Visit == v }
	indoors.AwaitWhere(b.Installation, h.Site, seen)
	both(t, me, "/home/", "Something is open", "Quelque chose est ouvert")
	me.shows("/home/", "Anna is at your door", "Follow the delivery")
	anna.Finish(d, v)
	me.shows("/home/", "All shut and locked", "Last opening", "Front door: Anna, courier")
	headings := uitest.Tags(uitest.Parse(t, me.page("/home/")), "h2")
	if last := uitest.Text(headings[len(headings)-1]); !strings.Contains(last, "Front door") || !strings.Contains(last, "Shut and locked") {
		t.Errorf("the place's heading does not say its state: %q", last)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A household without a place is led to its first one, and what was begun can be gone on with.
func TestAnEmptyHome(t *testing.T) {
	t.Parallel()
	b := build(t, indoors.Wired(func(d *api.Deps) { d.MembersReserve = true }))
	h := b.Empty("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/", "It takes about 3 minutes.", "Cela prend environ 3 minutes.")
	if strings.Contains(me.page("/home/"), `data-state="secured"`) {
		t.Error("an empty home is shown as secured")
	}
}

// A device that does not answer is unknown on every page, and never green.
func TestADeviceThatIsGone(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	h.Home.Close()
	reach := func(o event.BarrierObserved) bool { return o.Observation.Reach == event.ReachOffline }
	indoors.AwaitWhere(b.Installation, h.Site, reach)
	both(t, me, "/home/", "Not known whether all is shut", "On ne sait pas si tout est fermé")
	for _, path := range []string{"/home/", "/home/places/" + string(h.AccessPoint)} {
		if body := me.page(path); strings.Contains(body, `data-state="secured"`) {
			t.Errorf("%s shows something as secured:\n%s", path, plain(t, body))
		}
	}
}

// A question is answered where it stands; without a yes the door stays shut, and the page says so.
func TestQuestions(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	rules := look(t, h).Rules
	rules.AskPets = true
	must(t, h.Call(t.Context(), "PUT", "/v1/home/rules", rules, nil))
	anna := b.Courier("swift-anna")
	d := b.Assigned(h, anna)
	anna.Approach(d)
	both(t, me, "/home/", "Are the pets shut away?", "Les animaux sont-ils enfermés ?")
	path := "/home/deliveries/" + string(d.ID)
	if to := me.post("/home/", path+"/answer", "yes", "false"); to != "/home/?done=answered.false" {
		t.Fatalf("answered, and led to %s", to)
	}
	me.shows(path+"?done=answered.false", "Your no is noted: nothing opens.")
	if said := plain(t, me.page("/home/")); strings.Contains(said, "Are the pets shut away?") {
		t.Errorf("the question is asked again: %s", said)
	}
	if last := indoors.Await[event.QuestionAnswered](b.Installation, h.Site); last.Yes || last.Question != event.QuestionPets {
		t.Errorf("the journal has %+v", last)
	}
	if a := me.send("POST", path+"/answer", map[string][]string{"yes": {"perhaps"}, "question": {"pets-shut-away"}}); a.status != 404 {
		t.Errorf("an answer that is none: %d", a.status)
	}
}

// Without a standing consent each delivery waits for a word, which can be taken back.
func TestConsentToOne(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	me.post("/home/rules", "/home/consents/"+string(look(t, h).Consents[0].ID)+"/withdraw")
	d := b.Booked(h)
	path := "/home/deliveries/" + string(d.ID)
	both(t, me, path, "Nothing opens for this delivery until you allow it.", "Rien ne s'ouvre pour cette livraison sans votre accord.")
	if to := me.post("/home/", path+"/consent"); to != "/home/?done=allowed" {
		t.Fatalf("led to %s", to)
	}
	me.shows("/home/?done=allowed", "Delivery allowed.")
	me.shows(path, "No courier is assigned yet.")
	me.post(path, path+"/withdraw")
	me.shows(path, "Waits for your word")
	if to := me.post(path, path+"/consent"); to != path+"?done=allowed" {
		t.Fatalf("allowed on its own page, and led to %s", to)
	}
	me.post(path, path+"/cancel")
	both(t, me, path, "Nothing opens for it.", "Rien ne s'ouvre pour elle.")
}

// Only what we say ourselves can stand in a flash.
func TestAFlashSaysOnlyOurs(t *testing.T) {
	t.Parallel()
	b := build(t)
	me := b.visitor(t, b.Household("Camille"))
	for _, q := range []string{"?done=%3Cscript%3E", "?not=nonsense", "?done=", "?not=", "?done=../x&not=%00"} {
		if body := me.page("/home/" + q); strings.Contains(body, `class="flash"`) {
			t.Errorf("%s is said: %s", q, plain(t, body))
		}
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 1, 14, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	for _, x := range []struct{ eta, from, to int }{{1, 0, 5}, {4, 0, 10}, {12, 5, 20}, {60, 40, 80}} {
		from, to := customer.Estimate(event.InstantOf(at(x.eta)), now)
		if !from.Equal(at(x.from)) || !to.Equal(at(x.to)) {
			t.Errorf("in %d min: between %s and %s", x.eta, from.Format("15:04"), to.Format("15:04"))
		}
	}
	if from, to := customer.Estimate(0, now); !from.IsZero() || !to.IsZero() {
		t.Error("an estimate without any word")
	}
}

// look asks for the home by the API.
func look(t testing.TB, h *indoors.Household) api.Home {
	t.Helper()
	var home api.Home
	must(t, h.Call(t.Context(), "GET", "/v1/home", nil, &home))
	return home
}

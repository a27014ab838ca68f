package customer_test

import (
	"context"
	"net/http"
	"net/url"
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

// reserving lets members find and reserve devices, as at home.
func reserving(d *api.Deps) { d.MembersReserve = true }

// A door is set up from nothing to the rehearsal, one question a page, each answered by a form.
func TestADoorIsSetUp(t *testing.T) {
	t.Parallel()
	b := build(t, indoors.Wired(reserving))
	h := b.Empty("Camille")
	me := b.visitor(t, h)
	h.PutUpDoor()
	both(t, me, "/home/places/new", "What opens?", "Qu'est-ce qui s'ouvre ?")
	ctx, end := context.WithCancel(t.Context())
	await(t, me.live(ctx, "/home/places/new/device/live?is=front-door"), "Use “front”")
	end()
	fields := form(t, me.found("/home/places/new/device?is=front-door&look=1"), "/home/places/new/device")
	a := me.send("POST", "/home/places/new/device", fields)
	proof := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(proof, "/home/places/new/proof?device=") {
		t.Fatalf("taken, and led to %d %s: %s", a.status, proof, plain(t, a.body))
	}
	both(t, me, proof, "Says whether it is shut: yes.", "Dit s'il est fermé : oui.")
	hand := me.post(proof, "/home/places/new/barrier")
	if !strings.HasPrefix(hand, "/home/barriers/") {
		t.Fatalf("added, and led to %s", hand)
	}
	h.Barrier = event.BarrierID(strings.TrimPrefix(hand, "/home/barriers/"))
	both(t, me, hand, "Open it by hand", "Ouvrez-le à la main")
	me.shows("/home/", "Waits to be opened and shut by hand.")
	h.Enrol()
	both(t, me, hand, "Done: the device showed each step.", "Fait : l'appareil a montré chaque étape.")
	where := "/home/places/new/where?barrier=" + string(h.Barrier)
	me.shows("/home/", "No place for parcels uses it yet.")
	who := me.post(where, "/home/places", "name", "Front door", "position", "48.8584, 2.2945", "note", "On the bench")
	if !strings.HasPrefix(who, "/home/places/new/who?place=") {
		t.Fatalf("placed, and led to %s", who)
	}
	both(t, me, who, "Ask me each time", "Me demander à chaque fois")
	place := strings.TrimPrefix(who, "/home/places/new/who?place=")
	me.shows("/home/places/"+place, "Front door", "On the bench", "48.85840, 2.29450", "You are asked each time.")
	both(t, me, "/home/places/"+place+"/rehearsal", "Open now, I am at the door", "Ouvrir maintenant, je suis à la porte")
}

// found looks until a page shows something that was found: one look at a time is taken by all.
func (v *visitor) found(path string) string {
	v.t.Helper()
	for limit := time.Now().Add(indoors.Patience); time.Now().Before(limit); {
		if page := v.page(path); strings.Contains(page, "Use “") {
			return page
		}
	}
	v.t.Fatalf("%s finds nothing", path)
	return ""
}

// Where the operator reserves devices, the page says so, and finds nothing.
func TestWhereTheOperatorReserves(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Empty("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/places/new/device?is=garage&look=1", "Here the operator reserves devices for homes.", "Ici l'exploitant réserve les appareils des foyers.")
	if a := me.send("GET", "/home/places/new/typed?is=garage", nil); a.status != http.StatusSeeOther {
		t.Errorf("typing: %d", a.status)
	}
	config := url.Values{"is": {"garage"}, "config": {`{"ratgdo":{"prefix":"x/y"}}`}, "key": {"k"}}
	if a := me.send("POST", "/home/places/new/device", config); a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "not=operator-reserves") {
		t.Errorf("a device of one's own: %d %s", a.status, a.header.Get("Location"))
	}
}

// What is typed wrongly is named beside its field and above, and nothing that was typed is lost.
func TestTypingADevice(t *testing.T) {
	t.Parallel()
	b := build(t, indoors.Wired(reserving))
	me := b.visitor(t, b.Empty("Camille"))
	page := me.page("/home/places/new/typed?is=garage")
	fields := form(t, page, "/home/places/new/device")
	for _, x := range []struct {
		change []string
		want   int
		says   string
	}{
		{[]string{"family", ""}, 422, "Choose one of these."},
		{[]string{"family", "spaceship"}, 422, "Choose one of these."},
		{[]string{"family", "lock", "command", "home/lock/set"}, 422, "Fill this in"},
		{[]string{"family", "ratgdo", "name", "not/#/allowed"}, 422, "The connector cannot work with this."},
		{[]string{"family", "ratgdo", "name", "ratgdo/garage"}, 303, ""},
	} {
		sent := url.Values{}
		for k, v := range fields {
			sent[k] = v
		}
		for i := 0; i+1 < len(x.change); i += 2 {
			sent.Set(x.change[i], x.change[i+1])
		}
		a := me.send("POST", "/home/places/new/device", sent)
		if a.status != x.want || x.says != "" && !strings.Contains(plain(t, a.body), x.says) {
			t.Errorf("%v: %d %s", x.change, a.status, plain(t, a.body))
		}
		if x.want == 422 {
			uitest.Lint(t, a.body)
			wrong(t, a.body)
			if typed := sent.Get("name") + sent.Get("command"); !strings.Contains(a.body, typed) {
				t.Errorf("%v: what was typed is lost", x.change)
			}
		}
	}
}

// wrong requires what every form that was refused has: the summary above, and the title's beginning.
func wrong(t *testing.T, body string) {
	t.Helper()
	doc := uitest.Parse(t, body)
	titles := uitest.Tags(doc, "title")
	if uitest.ID(doc, "summary") == nil || len(titles) == 0 || !strings.HasPrefix(uitest.Text(titles[0]), "Error:") && !strings.HasPrefix(uitest.Text(titles[0]), "Erreur") {
		t.Errorf("a refused form without its summary: %s", plain(t, body))
	}
}

func TestPlacing(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	page := "/home/places/new/where?barrier=" + string(h.Barrier)
	good := form(t, me.page(page), "/home/places")
	good.Set("position", "48.8584, 2.2945")
	if maps := uitest.Tags(uitest.Parse(t, me.page(page)), "loquet-place"); len(maps) != 1 {
		t.Error("there is no map beside the fields")
	}
	if a := me.send("GET", "/home/map", nil); strings.TrimSpace(a.body) != `{"url":"","vector":false}` {
		t.Errorf("a map of streets that nobody put there: %s", a.body)
	}
	for _, x := range []struct{ field, value, says string }{
		{"position", "here", "Two numbers with a comma between"}, {"position", "91, 2", "Two numbers with a comma between"},
		{"position", "0, 0", "Two numbers with a comma between"}, {"radius", "9", "A whole number between 10 and 1000."},
		{"radius", "10.5", "A whole number between 10 and 1000."}, {"radius", "NaN", "A whole number between 10 and 1000."},
		{"name", strings.Repeat("n", 101), "Too long"}, {"note", strings.Repeat("ü", 501), "Too long"},
		{"lobby", "someother-b3x", "There is no such door on this way"},
	} {
		sent := url.Values{}
		for k, v := range good {
			sent[k] = v
		}
		sent.Set(x.field, x.value)
		a := me.send("POST", "/home/places", sent)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), x.says) {
			t.Errorf("%s %.20q: %d %s", x.field, x.value, a.status, plain(t, a.body))
			continue
		}
		uitest.Lint(t, a.body)
		wrong(t, a.body)
	}
	for typed, want := range map[string]bool{"48.8584, 2.2945": true, "-33.9;151.2": true, "48,8584, 2,29": false, "1e400, 2": false, "": false, "1": false} {
		if _, ok := customer.PositionTyped(typed); ok != want {
			t.Errorf("%q is a position: %v", typed, ok)
		}
	}
}

// A place is removed in two taps, and what was planned there is said to go to plan B.
func TestRemovingAPlace(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	path := "/home/places/" + string(h.AccessPoint)
	both(t, me, path+"?remove=ask", "Nothing is delivered here any more.", "Plus rien n'est livré ici.")
	if to := me.post(path, path+"/remove"); to != "/home/?done=removed" {
		t.Fatalf("led to %s", to)
	}
	if a := me.send("GET", path, nil); a.status != http.StatusNotFound {
		t.Errorf("what is removed: %d", a.status)
	}
	me.shows("/home/?done=removed", "Place removed.", "No place for parcels uses it yet.")
}

// The way in is rehearsed with one's own hands; each step is ticked by the device, with how long it took.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	path := "/home/places/" + string(h.AccessPoint) + "/rehearsal"
	fields := form(t, me.page(path), path)
	h.WorkByHand()
	indoors.Await[event.ForeignOpening](b.Installation, h.Site)
	for seen := look(t, h).Barriers[0].Seen; seen.Bolt != event.BoltLocked || seen.Contact != event.ContactClosed; {
		seen = look(t, h).Barriers[0].Seen
	}
	a := me.send("POST", path, fields)
	now := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(now, path+"?visit=") {
		t.Fatalf("begun: %d %s %s", a.status, now, plain(t, a.body))
	}
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	both(t, me, now, "Rehearsal under way", "Répétition en cours")
	me.shows(now, "Lock: when the door is shut")
	me.shows("/home/", "Rehearsal: Front door")
	must(t, h.Door.Push())
	must(t, h.Door.PullShut())
	indoors.AwaitWhere(b.Installation, h.Site, func(o event.BarrierObserved) bool {
		return o.Observation.Contact == event.ContactClosed && o.Visit != ""
	})
	me.shows(now, "It is shut: lock it")
	me.post(now, path+"/close", "barrier", "")
	indoors.Await[event.BarrierSecured](b.Installation, h.Site)
	me.shows(now, "Waiting for the devices to show it shut")
	visit := event.VisitID(strings.TrimPrefix(now, path+"?visit="))
	if end := indoors.Await[event.VisitEnded](b.Installation, h.Site); end.Visit != visit || end.How != event.EndSecured {
		t.Fatalf("ended: %+v", end)
	}
	both(t, me, now, "Ready for deliveries. Worst time", "Prêt pour les livraisons. Pire temps")
	page := me.page(now)
	if n := strings.Count(page, `data-step-state="done"`); n != 4 {
		t.Errorf("%d steps are ticked: %s", n, plain(t, page))
	}
	me.shows("/home/visits/"+string(visit), "Rehearsal, Camille")
}

// What refuses a rehearsal is said on the page, with what to do; nothing opens.
func TestARefusedRehearsal(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	path := "/home/places/" + string(h.AccessPoint) + "/rehearsal"
	fields := form(t, me.page(path), path)
	h.Home.Close()
	indoors.AwaitWhere(b.Installation, h.Site, func(o event.BarrierObserved) bool { return o.Observation.Reach == event.ReachOffline })
	a := me.in(phrase.French).send("POST", path, fields)
	if said := spaced(plain(t, a.body)); a.status != http.StatusConflict || !strings.Contains(said, "Rien ne s'est ouvert.") || !strings.Contains(said, "Référence : ") {
		t.Errorf("%d: %s", a.status, said)
	}
	uitest.Lint(t, a.body)
	// A tap for a rehearsal that is over changes nothing.
	for _, what := range []string{"open", "code", "close"} {
		if a := me.send("POST", path+"/"+what, url.Values{"barrier": {string(h.Barrier)}, "key": {what}}); !strings.Contains(a.header.Get("Location"), "not=conflict") {
			t.Errorf("%s: %d %s", what, a.status, a.header.Get("Location"))
		}
	}
}

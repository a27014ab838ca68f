package customer_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
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
	if a := me.send("GET", proof, nil); a.status != http.StatusSeeOther || a.header.Get("Location") != hand {
		t.Errorf("back at the device that was taken: %d %s", a.status, a.header.Get("Location"))
	}
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

// What nothing can prove shut is accepted in so many words, or refused where the operator wants it so.
func TestADeviceThatProvesNothing(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{false, true} {
		b := build(t, indoors.Wired(func(d *api.Deps) { d.MembersReserve, d.ProvableOnly = true, refuses }))
		h := b.Empty("Camille")
		me := b.visitor(t, h)
		var blind api.HomeDevice
		must(t, h.Call(t.Context(), "POST", "/v1/home/devices", api.HomeDeviceRequest{Connector: "mqtt", Config: json.RawMessage(`{"closure":{},"ratgdo":{"prefix":"x/y"}}`)}, &blind))
		proof := "/home/places/new/proof?is=garage&device=" + string(blind.ID)
		fields := url.Values{"is": {"garage"}, "device": {string(blind.ID)}, "accept": {"yes"}, "key": {"k"}}
		if !refuses {
			both(t, me, proof, "Visits end as “closed, unproven”", "Les visites finissent par")
			if a := me.send("POST", "/home/places/new/barrier", fields); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/home/barriers/") {
				t.Errorf("accepted: %d %s", a.status, a.header.Get("Location"))
			}
			continue
		}
		both(t, me, proof, "this operator refuses such doors", "cet exploitant refuse de telles portes")
		if strings.Contains(me.page(proof), `action="/home/places/new/barrier"`) {
			t.Error("the door is offered all the same")
		}
		if a := me.send("POST", "/home/places/new/barrier", fields); strings.HasPrefix(a.header.Get("Location"), "/home/barriers/") {
			t.Error("the door was taken")
		}
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

// A device that was found, and that the connector can't work with, leads back to the list: nothing was typed that could be put right.
func TestAFoundDeviceThatIsRefused(t *testing.T) {
	t.Parallel()
	b := build(t, indoors.Wired(reserving))
	me := b.visitor(t, b.Empty("Camille"))
	a := me.send("POST", "/home/places/new/device", url.Values{"is": {"garage"}, "key": {"k"}, "config": {`{"ratgdo":{"prefix":"not/#/allowed"}}`}})
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || to != "/home/places/new/device?is=garage&not=device-refused" {
		t.Fatalf("%d %s", a.status, to)
	}
	both(t, me, to, "The connector cannot work with this device", "Le connecteur ne sait pas se servir de")
}

// wrong requires what every form that was refused has: the summary above, and the title's beginning.
func wrong(t *testing.T, body string) {
	t.Helper()
	doc := uitest.Parse(t, body)
	titles := uitest.Tags(doc, "title")
	if uitest.ID(doc, "summary") == nil || len(titles) == 0 || !strings.HasPrefix(uitest.Text(titles[0]), "Error:") && !strings.HasPrefix(uitest.Text(titles[0]), "Erreur") {
		t.Errorf("a refused form without its summary: %s", plain(t, body))
	}
	if _, lives := uitest.Attr(uitest.ID(doc, "main"), "sse-connect"); lives && len(uitest.With(doc, "data-still", "")) == 0 {
		t.Error("the page's stream takes away what was typed, and what is wrong with it")
	}
}

func TestPlacing(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	page := "/home/places/new/where?barrier=" + string(h.Barrier)
	if here := uitest.ID(uitest.Parse(t, me.page(page)), "locate"); here == nil {
		t.Error("one's own position can't be filled in")
	} else if _, kept := uitest.Attr(here, "data-keep"); !kept {
		t.Error("the button for it is hidden again with the answer to a form")
	}
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
	me.shows(now, "Lock: when it is shut")
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

// Behind another home's door one's own shows that somebody is there, and the other is borrowed and opened first. Where no door is
// one's own, nothing can show it: the page says so, and offers no tap.
func TestRehearsalBehindAnothersDoor(t *testing.T) {
	t.Parallel()
	b := build(t)
	keeper, h := b.Household("Keeper"), b.Household("Camille")
	must(t, keeper.Call(t.Context(), "POST", "/v1/home/lending", api.Lending{Barrier: keeper.Barrier, Borrower: h.Site}, nil))
	lobby, own := event.BarrierRef{Barrier: keeper.Barrier, By: event.PermitRemote}, event.BarrierRef{Barrier: h.Barrier, By: event.PermitRemote}
	place := func(way ...event.BarrierRef) string {
		t.Helper()
		var ap api.AccessPoint
		must(t, h.Call(t.Context(), "POST", "/v1/home/access-points", api.AccessPointRequest{WayIn: way, Radius: 50,
			Position: api.Centre{Latitude: indoors.Latitude, Longitude: indoors.Longitude}, Name: "Flat"}, &ap))
		return "/home/places/" + string(ap.ID) + "/rehearsal"
	}
	me, path := b.visitor(t, h), place(lobby, own)
	fields := form(t, me.page(path), path)
	h.WorkByHand()
	indoors.Await[event.ForeignOpening](b.Installation, h.Site)
	a := me.send("POST", path, fields)
	if a.status != http.StatusSeeOther {
		t.Fatalf("begun: %d %s", a.status, plain(t, a.body))
	}
	indoors.AwaitWhere(b.Installation, h.Site, func(o event.OpeningIntended) bool { return o.Permit.Barrier == keeper.Barrier })
	both(t, me, a.header.Get("Location"), "Lobby door", "Porte de l'immeuble")

	nobodys := place(lobby)
	both(t, me, nobodys, "only a door of your own shows that you are there", "seule une porte à vous montre que vous êtes là")
	page := me.page(nobodys)
	if forms := uitest.With(uitest.Parse(t, page), "action", nobodys); len(forms) > 0 || strings.Contains(page, "Within two minutes") {
		t.Errorf("a tap that is always refused: %s", plain(t, page))
	}
}

// A keypad's code stays on the page while it can be typed in: the stream has no digits, and takes them away once it was used.
func TestARehearsalWithAKeypad(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Keypad("Camille")
	me := b.visitor(t, h)
	path, place := "/home/places/"+string(h.AccessPoint)+"/rehearsal", "code-"+string(h.Barrier)
	empty := func(page string) bool {
		t.Helper()
		slot := uitest.ID(uitest.Parse(t, page), place)
		return slot != nil && uitest.Text(slot) == ""
	}
	h.WorkByHand()
	indoors.Await[event.ForeignOpening](b.Installation, h.Site)
	before := me.page(path)
	if !empty(before) {
		t.Error("there is no place for the code")
	}
	now := me.send("POST", path, form(t, before, path)).header.Get("Location")
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	a := me.send("POST", path+"/code", form(t, me.page(now), path+"/code"))
	slot := uitest.ID(uitest.Parse(t, a.body), place)
	if a.status != http.StatusOK || slot == nil || len(uitest.With(slot, "data-private", "")) != 1 {
		t.Fatalf("the code: %d %s", a.status, plain(t, a.body))
	}
	if kept := uitest.With(uitest.Parse(t, a.body), "data-said", ""); len(kept) != 1 || kept[0] == nil {
		t.Error("the stream takes the code away")
	}
	if uitest.ID(uitest.Parse(t, me.page(now)), place) != nil {
		t.Error("the page says that the code is over before it was used")
	}
	digits := regexp.MustCompile(`\d`).FindAllString(uitest.Text(uitest.Tags(slot, "span")[0]), -1)
	must(t, h.Door.TypeCode(strings.Join(digits, "")))
	indoors.Await[event.CodeRemoved](b.Installation, h.Site)
	if !empty(me.page(now)) {
		t.Error("the digits of a code that was used stay")
	}
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
	if kept := uitest.ID(uitest.Parse(t, a.body), "refusal"); kept == nil {
		t.Error("the refusal is not kept")
	} else if _, said := uitest.Attr(kept, "data-said"); !said {
		t.Error("the stream takes the refusal away")
	}
	uitest.Lint(t, a.body)
	// A tap for a rehearsal that is over changes nothing.
	for _, what := range []string{"open", "code", "close"} {
		if a := me.send("POST", path+"/"+what, url.Values{"barrier": {string(h.Barrier)}, "key": {what}}); !strings.Contains(a.header.Get("Location"), "not=conflict") {
			t.Errorf("%s: %d %s", what, a.status, a.header.Get("Location"))
		}
	}
}

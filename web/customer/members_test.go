package customer_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	must(t, b.Key(auth.Operator, "swift").Call(t.Context(), "GET", "/v1/sites/"+string(h.Site), nil, nil))
	both(t, me, "/home/household", "The operator, swift", "L'exploitant, swift")
	both(t, me, "/home/household", "All members decide alike", "Tous les membres décident au même titre")
	a := me.send("POST", "/home/household/members", url.Values{"name": {""}, "key": {"k"}})
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("nobody is added: %d", a.status)
	}
	wrong(t, a.body)
	uitest.Lint(t, a.body)
	add := form(t, me.page("/home/household"), "/home/household/members")
	add.Set("name", "Paul")
	for _, done := range []string{"memberAdded", "memberThere"} { // a double tap adds, and mails, once
		if a := me.send("POST", "/home/household/members", add); a.header.Get("Location") != "/home/household?done="+done {
			t.Fatalf("%d, led to %s", a.status, a.header.Get("Location"))
		}
	}
	both(t, me, "/home/household?done=memberThere", "Added already", "Déjà ajouté")
	paul := look(t, h).Members[1]
	me.shows("/home/household?done=memberAdded", "Paul", "Whoever runs the server gives them a link")
	his := &visitor{t: t, at: b.URL, cookie: b.SignIn(paul.ID), lang: phrase.English}
	his.shows("/home/", "All shut and locked")
	path := "/home/household/members/" + string(paul.ID) + "/remove"
	if to := me.post("/home/household", path); to != "/home/household?done=memberRemoved" {
		t.Fatalf("led to %s", to)
	}
	if a := his.send("GET", "/home/", nil); a.status != http.StatusSeeOther {
		t.Errorf("who was removed still sees: %d %s", a.status, plain(t, a.body))
	}
}

// Moving out takes two taps on two pages, and says what was erased and what stays.
func TestMovingOut(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/household/leave", "This cannot be taken back.", "Ceci ne peut pas être annulé.")
	fields := form(t, me.page("/home/household/leave"), "/home/household/leave")
	a := me.send("POST", "/home/household/leave", fields)
	if said := plain(t, a.body); a.status != http.StatusOK || !strings.Contains(said, "You have moved out") || !strings.Contains(said, "without any name") {
		t.Fatalf("%d: %s", a.status, said)
	}
	uitest.Lint(t, a.body)
	indoors.Await[event.SiteClosed](b.Installation, h.Site)
	if a := me.send("GET", "/home/", nil); a.status != http.StatusSeeOther {
		t.Errorf("after moving out: %d", a.status)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	both(t, me, "/home/history", "No opening yet.", "Aucune ouverture encore.")
	anna.Finish(d, anna.Enter(d))
	h.WorkByHand()
	indoors.Await[event.ForeignOpening](b.Installation, h.Site)
	both(t, me, "/home/history", "Not opened by Loquet", "Pas ouvert par Loquet")
	me.shows("/home/history", "Anna, courier", "Shut again")
	for query, want := range map[string]string{"who=foreign": "Not opened by Loquet", "who=courier": "1 opening", "who=rehearsal": "Nothing was opened by these", "who=%3Cb%3E": "openings",
		"barrier=" + string(h.Barrier): "openings", "barrier=nope": "Nothing was opened by these", "to=2001-01-01": "Nothing was opened", "from=2001-01-01&to=2099-01-01": "openings",
		"from=x": "There is a problem"} {
		if said := plain(t, me.page("/home/history?"+query)); !strings.Contains(said, want) {
			t.Errorf("%s: %s", query, said)
		}
	}
	visit := indoors.Await[event.VisitEnded](b.Installation, h.Site).Visit
	file := me.send("GET", "/home/visits/"+string(visit)+"/receipt.json", nil)
	var receipt api.HomeVisit
	if err := json.Unmarshal([]byte(file.body), &receipt); err != nil || receipt.Visit.ID != visit || len(receipt.Openings) != 1 {
		t.Errorf("the receipt: %v %+v", err, receipt)
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/notifications", "Alarms ignore them.", "Les alertes les ignorent.")
	page := me.page("/home/notifications")
	if !strings.Contains(page, "data-vapid=") || !strings.Contains(spaced(page), "Courier near, by Push") {
		t.Errorf("the page: %s", page)
	}
	fields := form(t, page, "/home/notifications")
	fields["hear"] = []string{"near/push", "battery/push", "nonsense/push", "near/telepathy"}
	fields.Set("from", "22:00")
	fields.Set("to", "07:00")
	fields.Set("lang", "fr")
	if a := me.send("POST", "/home/notifications", fields); a.header.Get("Location") != "/home/notifications?done=notifications" {
		t.Fatalf("%d %s", a.status, plain(t, a.body))
	}
	saved := form(t, me.page("/home/notifications"), "/home/notifications")
	if strings.Join(saved["hear"], " ") != "near/push battery/push" || saved.Get("from") != "22:00" || saved.Get("to") != "07:00" || saved.Get("lang") != "fr" {
		t.Errorf("saved: %v", saved)
	}
	fields.Set("from", "late")
	a := me.send("POST", "/home/notifications", fields)
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("a time that is none: %d", a.status)
	}
	wrong(t, a.body)
	for path, want := range map[string]string{"test?channel=push": "address", "test?channel=sms": "channel", "test?channel=owl": "channel"} {
		path, channel, _ := strings.Cut(path, "?channel=")
		a := me.send("POST", "/home/notifications/"+path, url.Values{"channel": {channel}, "key": {"k"}})
		if to := a.header.Get("Location"); to != "/home/notifications?not="+want {
			t.Errorf("%s by %s led to %s", path, channel, to)
		}
	}
	a = me.send("POST", "/home/notifications/devices", url.Values{"endpoint": {"https://push.example/x"}, "p256dh": {"short"}, "auth": {"no"}})
	if to := a.header.Get("Location"); to != "/home/notifications?not=subscription" {
		t.Errorf("a subscription that is none led to %s", to)
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	must(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	a = me.send("POST", "/home/notifications/devices", url.Values{"endpoint": {"https://push.example/1"}, "p256dh": {encode(key.PublicKey().Bytes())}, "auth": {encode(make([]byte, 16))}})
	if to := a.header.Get("Location"); to != subscribedAt {
		t.Errorf("a subscription led to %s", to)
	}
	if len(uitest.With(uitest.Parse(t, me.page("/home/notifications")), "data-device", pushID)) != 1 {
		t.Error("the page does not list the browser as its script knows it")
	}
	if a := me.send("GET", "/home/notifications?arrived=0000", nil); a.header.Get("Location") != "/home/notifications?not=test" {
		t.Errorf("a test that never was: %s", a.header.Get("Location"))
	}
	for _, q := range []string{"?not=address", "?done=arrived", "?not=devices"} {
		me.page("/home/notifications" + q)
	}
}

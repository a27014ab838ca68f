package operator_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

// streams reads a page's stream until something comes that says the text.
func (v *visitor) streams(path string, text string, meanwhile func()) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), indoors.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.at+path, nil)
	must(v.t, err)
	req.AddCookie(v.cookie)
	req.Header.Set("Accept-Language", string(v.lang))
	res, err := http.DefaultTransport.RoundTrip(req)
	must(v.t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for begun := false; lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return
		}
		if strings.HasPrefix(lines.Text(), "event: beat") && !begun {
			begun = true
			meanwhile()
		}
	}
	v.t.Errorf("%s never says %q: %v", path, text, lines.Err())
}

// Two colleagues take an alarm in hand at once: one has it, the other is told who. It closes on evidence alone, and
// then somebody says what it came from.
func TestAnAlarmFromItsRiseToItsCause(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	other := b.staff("Lea", auth.Dispatcher)
	b.dispatcher.shows("/operator/", "(1 open, 0 in hand)", "left in danger")
	at := visitAt(b.alarm)
	take := form(t, b.dispatcher.shows(at, "Take the alarm in hand", "The courier", "12 rue des Lilas, Paris"), at+"/acknowledge")
	late := form(t, other.page(at), at+"/acknowledge")
	if form(t, b.viewer.shows(at, "Nobody has it in hand yet"), at+"/acknowledge") != nil {
		t.Error("a viewer is offered to take it")
	}
	first, second := b.dispatcher.send("POST", at+"/acknowledge", take), other.send("POST", at+"/acknowledge", late)
	b.dispatcher.shows(first.header.Get("Location"), "It is yours", "Ben has it since")
	other.shows(second.header.Get("Location"), "Ben has it in hand already.")
	again := b.dispatcher.send("POST", at+"/acknowledge", take) // a double press
	b.dispatcher.shows(again.header.Get("Location"), "It is yours")
	b.viewer.shows("/operator/alarms", "Ben has it since")
	if form(t, b.dispatcher.page(at), at+"/cause") != nil {
		t.Error("its cause is asked while it stands")
	}
	b.danger.Door.Hand()
	must(t, b.danger.Door.PullShut())
	b.danger.Door.HandLock()
	indoors.AwaitWhere(b.Installation, b.danger.Site, func(e event.VisitEnded) bool { return e.Visit == b.alarm })
	b.viewer.shows(at, "Ended: Seen secured")
	b.viewer.shows("/operator/", "over since")
	b.viewer.shows("/operator/alarms", "Over, in the last seven days", "say the cause", "Ben")
	to := b.dispatcher.post(at, at+"/cause", "cause", "danger", "note", "a dog")
	b.dispatcher.shows(to, "The cause is recorded.", "Danger for the courier, said Ben at")
	b.viewer.shows("/operator/alarms", "Danger for the courier")
	if a := b.dispatcher.send("POST", at+"/cause", url.Values{"key": {"k2"}, "cause": {"nonsense"}}); !strings.Contains(a.header.Get("Location"), "not=") {
		t.Errorf("a cause that is none: %d %s", a.status, a.header.Get("Location"))
	}
}

// What was opened for can't be cancelled any more, and the page says that, and what can be done.
func TestACancellationThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	path := "/operator/deliveries/" + string(b.alarmed.ID)
	a := b.dispatcher.send("POST", path+"/cancel", url.Values{"key": {"k"}})
	b.dispatcher.shows(a.header.Get("Location"), "Something was opened for it already", "Block it, so that nothing more opens")
	b.dispatcher.in(phrase.French).shows(a.header.Get("Location"), "On a déjà ouvert pour elle")
}

// Who is out is told live. Stopping a courier says what goes back to planning, at once and aloud.
func TestACourierIsStopped(t *testing.T) {
	t.Parallel()
	o := open(t)
	h, anna := o.Household("Camille"), o.Courier("anna")
	ben, vera := o.staff("Ben", auth.Dispatcher), o.staff("Vera", auth.Viewer)
	first := o.Assigned(h, anna)
	vera.shows("/operator/couriers", "On the round", "0 done, 1 to go")
	vera.hides("/operator/couriers", "Anna Sommer")
	ben.streams("/operator/couriers/live", "On a visit", func() { anna.Approach(first) })
	ben.streams("/operator/couriers/anna/live", "2 deliveries go back to planning", func() { o.Assigned(o.Household("Denis"), anna) })
	page := ben.shows("/operator/couriers/anna", "On a visit", "A visit is under way: what is open stays watched", "2 deliveries go back to planning")
	if form(t, page, "/operator/couriers/anna/reinstate") != nil {
		t.Error("to end a suspension is offered")
	}
	to := ben.post("/operator/couriers/anna", "/operator/couriers/anna/suspend", "reason", "lost phone")
	body := ben.shows(to, "Suspended; 2 deliveries went back to planning.", "lost phone", "by Ben")
	if said := uitest.Text(uitest.ID(uitest.Parse(t, body), "alert")); !strings.Contains(said, "Suspended") {
		t.Errorf("aloud: %q", said)
	}
	vera.hides("/operator/couriers/anna", "lost phone", "Anna Sommer")
	ben.shows("/operator/deliveries/"+string(first.ID), "Agreed, no courier yet")
	ben.shows("/operator/couriers/anna", "Nothing to bring.")
	to = ben.post("/operator/couriers/anna", "/operator/couriers/anna/reinstate")
	ben.shows(to, "The suspension is over.")
	fields := form(t, ben.page("/operator/couriers/anna"), "/operator/couriers/anna/invite")
	offer := ben.send("POST", "/operator/couriers/anna/invite", fields)
	if said := plain(t, offer.body); offer.status != http.StatusOK || !strings.Contains(said, "Shown this once") || !strings.Contains(offer.body, "/courier/pair#") {
		t.Errorf("no pairing code: %d %s", offer.status, said)
	}
	ben.hides("/operator/couriers/anna", "/courier/pair#")
}

// That the round can't be read keeps nobody from being stopped; no number is made up.
func TestACourierIsStoppedThoughTheRoundCannotBeRead(t *testing.T) {
	t.Parallel()
	var s shaken
	o := open(t, indoors.Wired(func(d *api.Deps) { s.Store, d.Store = d.Store, &s }))
	o.Assigned(o.Household("Camille"), o.Courier("anna"))
	ben := o.staff("Ben", auth.Dispatcher)
	at := "/operator/couriers/anna/suspend"
	fields := form(t, ben.page("/operator/couriers/anna"), at)
	s.failing.Store(1)
	a := ben.send("POST", at, fields)
	ben.shows(a.header.Get("Location"), "Suspended. How many deliveries went back to planning could not be read.", "Nothing to bring.")
}

func TestACourierIsRegistered(t *testing.T) {
	t.Parallel()
	o := open(t)
	ben := o.staff("Ben", auth.Dispatcher)
	ben.shows("/operator/couriers", "No courier yet.")
	to := ben.post("/operator/couriers", "/operator/couriers", "id", "new.1", "name", "Nour")
	ben.shows(to, "Registered. Invite the courier now", "no phone", "Nour")
	for id, said := range map[string]string{"new.1": "registered already", "": "1 to 64 letters", "a b": "1 to 64 letters"} {
		fields := form(t, ben.page("/operator/couriers"), "/operator/couriers")
		fields.Set("id", id)
		a := ben.send("POST", "/operator/couriers", fields)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), said) || !strings.Contains(a.body, "<title>Error:") {
			t.Errorf("%q: %d %s", id, a.status, plain(t, a.body))
		}
	}
}

// Devices are listed by what is wrong, and only read.
func TestDevices(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	name := string(b.home.Site) + ".front"
	body := b.dispatcher.shows("/operator/devices", name, "fine", "2 devices")
	for _, n := range uitest.Tags(uitest.Parse(t, body), "form") {
		if action, _ := uitest.Attr(n, "action"); strings.Contains(action, "open") {
			t.Errorf("there is a way to %s", action)
		}
	}
	sorted := uitest.With(uitest.Parse(t, b.dispatcher.page("/operator/devices?order=name")), "aria-sort", "ascending")
	if len(sorted) != 1 || uitest.Text(sorted[0]) != "Device" {
		t.Errorf("sorted by %d columns", len(sorted))
	}
	b.dispatcher.shows("/operator/devices?trouble=jammed", "No device with that trouble.")
	page := b.dispatcher.shows("/operator/devices/"+name, "Nothing is opened or shut from here.", "What it proves", "locked and shut")
	path := "/operator/devices/" + name + "/read"
	if !strings.Contains(plain(t, page), "speaks by itself alone") || form(t, page, path) != nil {
		t.Error("a device that can't be asked may be")
	}
	keypad := string(b.Keypad("Zoe").Site) + ".front"
	asked := "/operator/devices/" + keypad + "/read"
	a := b.dispatcher.send("POST", asked, form(t, b.dispatcher.page("/operator/devices/"+keypad), asked))
	if said := plain(t, a.body); a.status != http.StatusOK || !strings.Contains(said, "It answered at") {
		t.Errorf("asked: %d %s", a.status, said)
	}
	b.answersInItsRow(keypad)
	b.viewer.streams("/operator/devices/"+name+"/live", "Opened by visit", func() { b.phone.Enter(b.Assigned(b.home, b.phone)) })
	b.viewer.shows("/operator/devices", name)
	if form(t, b.viewer.page("/operator/devices/"+keypad), asked) != nil {
		t.Error("a viewer may ask")
	}
}

// answersInItsRow asks a device from the list, as that was filtered and sorted: its answer stands in its own row.
func (b *busy) answersInItsRow(name string) {
	b.t.Helper()
	page := b.dispatcher.page("/operator/devices?order=name")
	row := uitest.ID(uitest.Parse(b.t, page), "device-"+name)
	action, _ := uitest.Attr(uitest.Tags(row, "form")[0], "action")
	a := b.dispatcher.send("POST", action, form(b.t, page, action))
	row = uitest.ID(uitest.Parse(b.t, a.body), "device-"+name)
	if a.status != http.StatusOK || !strings.Contains(uitest.Text(row), "It answered at") || strings.Count(plain(b.t, a.body), "It answered at") != 1 {
		b.t.Errorf("%s: %d %s", action, a.status, plain(b.t, a.body))
	}
	if sorted := uitest.With(uitest.Parse(b.t, a.body), "aria-sort", "ascending"); len(sorted) != 1 || uitest.Text(sorted[0]) != "Device" {
		b.t.Error("the list is sorted in another way")
	}
}

// Behind each bar of the day's pictures stand the stories that it counts.
func TestStoriesBehindEachBar(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	body := b.viewer.shows("/operator/metrics", "Visits by hour", "From scan to open", "How long it stood open")
	if n := len(uitest.With(uitest.Parse(t, body), "role", "img")); n == 0 {
		t.Error("nothing is drawn")
	}
	links := regexp.MustCompile(`href="(/operator/(?:visits|deliveries)/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(links) < 3 {
		t.Fatalf("%d links", len(links))
	}
	for _, l := range links {
		b.viewer.page(l[1])
	}
	b.viewer.shows("/operator/metrics?day=2001-01-01", "No visit that day.")
}

// What is searched for by its identifier is found; one thing is gone to.
func TestSearch(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	for query, to := range map[string]string{string(b.delivered.ID): "/operator/deliveries/" + string(b.delivered.ID), string(b.ended): visitAt(b.ended),
		string(b.home.Site) + ".front": "/operator/devices/" + string(b.home.Site) + ".front", "lea": "/operator/couriers/lea"} {
		if a := b.viewer.send("GET", "/operator/search?q="+url.QueryEscape(query), nil); a.header.Get("Location") != to {
			t.Errorf("%s leads to %q: %s", query, a.header.Get("Location"), plain(t, a.body))
		}
	}
	b.viewer.shows("/operator/search?q="+string(b.home.Site), string(b.delivered.ID), string(b.home.Site)+".front")
	b.viewer.shows("/operator/search?q=zzz", "Nothing was found", "What can be found")
}

// Without a map of streets there is none, and that is no error; what is no map is not used; a map is read by ranges.
func TestTheOperatorsOwnMap(t *testing.T) {
	t.Parallel()
	o := open(t)
	vera := o.staff("Vera", auth.Viewer)
	shown := func() (s struct {
		URL    string
		Vector bool
	}) {
		t.Helper()
		a := vera.send("GET", "/operator/map", nil)
		if a.status != http.StatusOK {
			t.Errorf("status %d", a.status)
		}
		must(t, json.Unmarshal([]byte(a.body), &s))
		return s
	}
	if s := shown(); s.URL != "" {
		t.Errorf("without a map: %+v", s)
	}
	must(t, os.WriteFile(filepath.Join(o.tiles, "a.pmtiles"), []byte("not a map"), 0o600))
	if s := shown(); s.URL != "" {
		t.Errorf("what is no map: %+v", s)
	}
	header := append([]byte("PMTiles\x03"), make([]byte, 200)...)
	header[99] = 1
	binary.LittleEndian.PutUint64(header[120:], 7)
	must(t, os.WriteFile(filepath.Join(o.tiles, "a.pmtiles"), header, 0o600))
	s := shown()
	if s.URL != "/operator/map/a.pmtiles" || !s.Vector {
		t.Errorf("a map: %+v", s)
	}
	if a := vera.sendBody("GET", s.URL, "", "", "Range", "bytes=0-6"); a.status != http.StatusPartialContent || a.body != "PMTiles" {
		t.Errorf("a part of it: %d %q", a.status, a.body)
	}
	if a := vera.send("GET", "/operator/map/b.pmtiles", nil); a.status != http.StatusNotFound {
		t.Errorf("another: %d", a.status)
	}
}

// Accounts: invited by mail, changed, closed at once; nobody their own.
func TestColleagues(t *testing.T) {
	t.Parallel()
	o := open(t)
	ana, ben := o.staff("Ana", auth.Admin), o.staff("Ben", auth.Dispatcher)
	to := ana.post("/operator/staff", "/operator/staff", "name", "Zoe", "address", "zoe@example.org", "role", "viewer")
	ana.shows(to, "Zoe was invited by e-mail.", "zoe@example.org")
	if o.mails.sent["zoe@example.org"] == "" {
		t.Error("nothing was mailed")
	}
	for change, said := range map[[2]string]string{{"name", ""}: "A name has 1 to 100 characters", {"address", "nowhere"}: "Write the address as", {"address", "zoe@example.org"}: "has that address already"} {
		fields := form(t, ana.page("/operator/staff"), "/operator/staff")
		fields.Set("name", "Zoe")
		fields.Set("address", "other@example.org")
		fields.Set("role", "viewer")
		fields.Set(change[0], change[1])
		if a := ana.send("POST", "/operator/staff", fields); a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), said) {
			t.Errorf("%v: %d %s", change, a.status, plain(t, a.body))
		}
	}
	at := "/operator/staff/" + string(ben.who.ID())
	ana.shows(ana.post("/operator/staff", at+"/role", "role", "viewer"), "The role is changed")
	if a := ben.send("GET", "/operator/book", nil); a.status != http.StatusForbidden {
		t.Errorf("with the role that was taken: %d", a.status)
	}
	ana.shows(ana.post("/operator/staff", at+"/disable"), "Access is closed")
	if a := ben.send("GET", "/operator/", nil); a.status != http.StatusSeeOther {
		t.Errorf("with a closed account: %d", a.status)
	}
	ana.shows(ana.post("/operator/staff", at+"/enable"), "Access is open again")
	a := ana.send("POST", "/operator/staff/"+string(ana.who.ID())+"/disable", url.Values{"key": {"k"}})
	ana.shows(a.header.Get("Location"), "Not your own account")
}

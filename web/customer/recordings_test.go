package customer_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui/uitest"
)

const eyePassword = "eye-of-the-hall"

// A camera is added, checked, films a visit that is watched live, and what it filmed is looked at and deleted.
func TestACameraFromItsAddressToItsLastFilm(t *testing.T) {
	t.Parallel()
	cam, err := virtual.Start(virtual.Options{User: "loquet", Password: eyePassword, Group: 25})
	must(t, err)
	t.Cleanup(cam.Close)
	media := indoors.Media(t)
	b := build(t, indoors.Filmed(media))
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me := b.visitor(t, h)
	both(t, me, "/home/cameras/new", "It films only visits.", "Elle ne filme que les visites.")
	for _, address := range []string{"", "http://192.0.2.7/", "rtsp://", "camera"} {
		fields := form(t, me.page("/home/cameras/new"), "/home/cameras")
		fields.Set("address", address)
		fields["sees"] = []string{string(h.AccessPoint)}
		a := me.send("POST", "/home/cameras", fields)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), "An address such as") {
			t.Errorf("%q: %d", address, a.status)
		}
		uitest.Lint(t, a.body)
		wrong(t, a.body)
	}
	path := me.post("/home/cameras/new", "/home/cameras", "address", cam.Address(), "sees", string(h.AccessPoint))
	both(t, me, path, "Not checked yet.", "Pas encore vérifiée.")
	check := form(t, me.page(path), path+"/check")
	cam.SetPassword("another")
	a := me.send("POST", path+"/check", check)
	if said := plain(t, a.body); a.status != http.StatusOK || !strings.Contains(said, "Wrong password") || !strings.Contains(said, "not known") {
		t.Errorf("with another password: %d %s", a.status, said)
	}
	uitest.Lint(t, a.body)
	cam.SetPassword(eyePassword)
	check.Set("key", "again")
	if a = me.send("POST", path+"/check", check); !strings.Contains(plain(t, a.body), "Good enough for visits") || strings.Count(a.body, `data-step-state="done"`) != 5 {
		t.Fatalf("a good camera: %s", plain(t, a.body))
	}
	if strings.Contains(a.body, eyePassword) || strings.Contains(me.page(path), cam.Address()) {
		t.Error("the camera's address is shown again")
	}

	d := b.Assigned(h, anna)
	v := anna.Approach(d)
	seen := indoors.Await[event.FilmingAsked](b.Installation, h.Site)
	for media.Picture(seen.Camera).Fault != "" {
		if t.Context().Err() != nil {
			t.Fatal("the picture never counted")
		}
	}
	page := me.page(pathOf(d))
	if !strings.Contains(page, `data-picture="live"`) || !strings.Contains(page, "/v1/home/visits/"+string(v)+"/live/whep") {
		t.Errorf("no live picture: %s", plain(t, page))
	}
	me.shows(pathOf(d), "filming, nothing is kept yet")
	me.shows("/home/recordings", "A visit is being filmed now")
	anna.Scan(v, d)
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	if page := me.shows(pathOf(d), "filming, clip on"); !strings.Contains(page, `data-full`) {
		t.Error("no button for the full picture")
	}
	anna.Finish(d, v)
	film := indoors.Await[event.ClipFinished](b.Installation, h.Site)
	both(t, me, "/home/recordings", "Kept until", "Gardée jusqu'au")
	clip := "/home/recordings/" + string(film.Clip)
	page = me.shows(clip, "Recording of", "Front door seen shut and locked", "Download (")
	if !strings.Contains(page, `kind="captions"`) || !strings.Contains(page, "controls") || !strings.Contains(page, "#t=") {
		t.Errorf("the player: %s", page)
	}
	captions := me.in(phrase.French).send("GET", clip+"/1/captions.vtt", nil)
	if !strings.HasPrefix(captions.body, "WEBVTT\n") || !strings.Contains(captions.body, "Porte d'entrée\u00a0: fermeture et verrouillage constatés") ||
		!strings.HasPrefix(captions.header.Get("Content-Type"), "text/vtt") {
		t.Errorf("the captions: %s %s", captions.header.Get("Content-Type"), captions.body)
	}
	if a := me.send("GET", clip+"/9/captions.vtt", nil); a.status != http.StatusNotFound {
		t.Errorf("captions of no file: %d", a.status)
	}
	me.shows(pathOf(d), "Recording")
	me.shows("/home/visits/"+string(v), "SHA-256", "Watch what was filmed")
	if to := me.post(clip, clip+"/erase"); to != "/home/recordings?done=erased" {
		t.Fatalf("led to %s", to)
	}
	indoors.Await[event.ClipErased](b.Installation, h.Site)
	both(t, me, "/home/recordings?done=erased", "Being deleted now", "En cours de suppression")
	if a := me.send("GET", clip, nil); a.status != http.StatusNotFound {
		t.Errorf("what is deleted: %d", a.status)
	}
	if to := me.post(path, path+"/remove"); to != "/home/?done=cameraRemoved" {
		t.Errorf("removed, and led to %s", to)
	}
}

// Where the household asks for a picture, a rehearsal waits for it, and shows it: that is where one sees what the camera sees.
func TestARehearsalIsFilmed(t *testing.T) {
	t.Parallel()
	cam, err := virtual.Start(virtual.Options{User: "loquet", Password: eyePassword, Group: 25})
	must(t, err)
	t.Cleanup(cam.Close)
	b := build(t, indoors.Filmed(indoors.Media(t)))
	h := b.Household("Camille")
	me := b.visitor(t, h)
	eye := me.post("/home/cameras/new", "/home/cameras", "address", cam.Address(), "sees", string(h.AccessPoint))
	me.send("POST", eye+"/check", form(t, me.page(eye), eye+"/check"))
	path := "/home/places/" + string(h.AccessPoint) + "/rehearsal"
	both(t, me, eye, "Rehearse: Front door", "Répéter : Front door")
	rules := look(t, h).Rules
	rules.Camera = true
	must(t, h.Call(t.Context(), "PUT", "/v1/home/rules", rules, nil))
	fields := form(t, me.page(path), path)
	h.WorkByHand()
	indoors.Await[event.ForeignOpening](b.Installation, h.Site)
	for seen := look(t, h).Barriers[0].Seen; seen.Bolt != event.BoltLocked || seen.Contact != event.ContactClosed; {
		seen = look(t, h).Barriers[0].Seen
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	if a := me.send("POST", path, fields); a.header.Get("Location") != path {
		t.Fatalf("begun: %d %s", a.status, plain(t, a.body))
	}
	both(t, me, path, "Open: when the picture is live", "Ouvrir : quand l'image sera en direct")
	if page := me.page(path); strings.Contains(page, path+"/open") {
		t.Error("it can be opened without a picture")
	}
	await(t, me.live(ctx, path+"/live"), "The picture is live.")
	page := me.shows(path, "Open now: front door", "Live picture")
	if !strings.Contains(page, "/live/whep") {
		t.Errorf("no picture: %s", plain(t, page))
	}
	me.post(path, path+"/open")
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	must(t, h.Door.PullShut())
	await(t, me.live(ctx, path+"/live"), "It is shut: lock it")
	me.post(path, path+"/close")
	if over := indoors.Await[event.VisitEnded](b.Installation, h.Site); over.How != event.EndSecured {
		t.Errorf("it ended %s", over.How)
	}
	film := indoors.Await[event.ClipFinished](b.Installation, h.Site)
	me.shows("/home/recordings/"+string(film.Clip), "Recording of")
}

// Without a media service, the pages of cameras say so.
func TestWithoutAMediaService(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/recordings", "Only visits are filmed.", "Seules les visites sont filmées.")
	to := me.post("/home/cameras/new", "/home/cameras", "address", "rtsp://192.0.2.7/door", "sees", string(h.AccessPoint))
	if to != "/home/cameras/new?not=no-media" {
		t.Errorf("led to %s", to)
	}
	both(t, me, to, "This server films nothing", "Ce serveur ne filme rien")
}

func TestCaptions(t *testing.T) {
	t.Parallel()
	if got := customer.VTTText("a<b>&c\nd"); got != "a&lt;b&gt;&amp;c d" {
		t.Errorf("%q", got)
	}
	if got := customer.Offset(3723456 * time.Millisecond); got != "01:02:03.456" {
		t.Errorf("%q", got)
	}
}

package operator_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
)

// allow has the household let the operator see pictures.
func allow(t *testing.T, h *indoors.Household) {
	t.Helper()
	must(t, h.Call(t.Context(), "PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Operator: true}, nil))
}

// looksAt are the looks at the live picture that stand in the journal.
func looksAt(o *office, h *indoors.Household) int {
	n := 0
	for _, e := range o.Journal(h.Site) {
		if _, ok := e.Body.(event.PictureWatched); ok {
			n++
		}
	}
	return n
}

// The live picture is for the roles that answer alarms, while one stands, where the household allows it. The page says
// what looking means before, and looks at nothing by itself.
func TestTheLivePicture(t *testing.T) {
	t.Parallel()
	media := indoors.Media(t)
	o := open(t, indoors.Filmed(media))
	h, anna := o.Household("Camille"), o.Courier("anna")
	h.PutUpCamera()
	ben, vera := o.staff("Ben", auth.Dispatcher), o.staff("Vera", auth.Viewer)
	d := o.Assigned(h, anna)
	v := anna.Approach(d)
	seen := indoors.Await[event.FilmingAsked](o.Installation, h.Site)
	for media.Picture(seen.Camera).Fault != "" {
		if t.Context().Err() != nil {
			t.Fatal("the picture never counted")
		}
	}
	at := visitAt(v)
	playlist, whep := at+"/picture/hls/index.m3u8", at+"/picture/whep"
	refused := func(why string, who *visitor, status int) {
		t.Helper()
		for _, a := range []answer{who.send("GET", playlist, nil), who.sendBody("POST", whep, "application/sdp", "v=0\r\n")} {
			if a.status != status {
				t.Errorf("%s: %d %s", why, a.status, a.body)
			}
		}
	}
	allow(t, h)
	ben.shows(at, "while an alarm stands, where the household lets you")
	ben.hides(at+"?watch=true", "<video")
	refused("no alarm", ben, http.StatusForbidden)
	anna.Scan(v, d)
	indoors.AwaitWhere(o.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	anna.Act(v, "danger", nil)
	indoors.AwaitWhere(o.Installation, h.Site, func(a event.AlarmRaised) bool { return a.Level == event.AlarmOperator })
	refused("a viewer", vera, http.StatusForbidden)
	vera.hides(at+"?watch=true", "<video", "See the live picture")
	if body := ben.shows(at, "See the live picture", "This look will be recorded"); strings.Contains(body, "<video") || looksAt(o, h) != 0 {
		t.Errorf("%d looks before anybody asked", looksAt(o, h))
	}
	body := ben.shows(at+"?watch=true", "This look is recorded")
	if !strings.Contains(body, `data-whep="`+whep+`"`) || !strings.Contains(body, `data-hls="`+playlist+`"`) || !strings.Contains(body, `data-picture="live"`) ||
		!strings.Contains(body, "ui/js/watch.mjs") || looksAt(o, h) != 0 {
		t.Errorf("no player, or %d looks without one: %s", looksAt(o, h), body)
	}
	a := ben.send("GET", playlist, nil)
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, "#EXTM3U") || looksAt(o, h) != 1 {
		t.Fatalf("the playlist: %d %s, %d looks", a.status, a.body, looksAt(o, h))
	}
	next := regexp.MustCompile(`(?m)^(\S+\.m3u8)\?look=\S+$`).FindString(a.body)
	if a := ben.send("GET", at+"/picture/hls/"+next, nil); next == "" || a.status != http.StatusOK || looksAt(o, h) != 1 {
		t.Errorf("its next file %q: %d %s, %d looks", next, a.status, a.body, looksAt(o, h))
	}
	// However the address is written, a look that begins is recorded.
	for _, path := range []string{"x%2findex.m3u8", "index.m3u8%2f", "..%2findex.m3u8", "index.m3u8%00"} {
		if a := ben.send("GET", at+"/picture/hls/"+path, nil); a.status == http.StatusOK || looksAt(o, h) != 1 {
			t.Errorf("%s: %d, %d looks", path, a.status, looksAt(o, h))
		}
	}
	if a := ben.send("DELETE", whep+"/..%2fx", nil); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a look of no name: %d", a.status)
	}
	var problem api.Problem
	if a := ben.sendBody("POST", whep, "application/sdp", "no offer"); json.Unmarshal([]byte(a.body), &problem) != nil || problem.Code == "" || problem.Detail == "" {
		t.Errorf("what is no offer: %d %s", a.status, a.body)
	}
	must(t, h.Call(t.Context(), "PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60}, nil))
	refused("no longer allowed", ben, http.StatusForbidden)
}

// snapshot is a small photo.
func snapshot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 32, 24)), nil))
	return b.Bytes()
}

// sendPhoto sends a photo in a courier's name, and returns what a deposit names it by.
func sendPhoto(t *testing.T, o *office, p *indoors.Phone, path string) string {
	t.Helper()
	data := snapshot(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.URL+path, bytes.NewReader(data))
	must(t, err)
	r.Header.Set("Content-Type", "image/jpeg")
	must(t, p.Authorize(r, data))
	res, err := (&http.Client{Timeout: time.Minute}).Do(r)
	must(t, err)
	defer res.Body.Close()
	var taken api.PhotoTaken
	said, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, json.Unmarshal(said, &taken))
	if taken.Photo == "" {
		t.Fatalf("not taken: %s", said)
	}
	return taken.Photo
}

// Photos of a deposit and of plan B are led to from the story, with what looking means; each look is recorded, and what
// the household keeps to itself is not shown.
func TestPhotosOfAStory(t *testing.T) {
	t.Parallel()
	o := open(t)
	h, anna := o.Household("Camille"), o.Courier("anna")
	ben, vera := o.staff("Ben", auth.Dispatcher), o.staff("Vera", auth.Viewer)
	d := o.Assigned(h, anna)
	v := anna.Enter(d)
	anna.Act(v, "deposit", api.DepositRequest{Photo: sendPhoto(t, o, anna, "/v1/courier/visits/"+string(v)+"/photo")})
	second := o.Assigned(h, anna)
	left := "/v1/courier/deliveries/" + string(second.ID)
	must(t, anna.Call(t.Context(), "POST", left+"/plan-b", api.PlanBRequest{Photo: sendPhoto(t, o, anna, left+"/photo")}, nil))
	for story, at := range map[string]string{"/operator/deliveries/" + string(d.ID): visitAt(v) + "/photo",
		"/operator/deliveries/" + string(second.ID): "/operator/deliveries/" + string(second.ID) + "/photo"} {
		o.photoOf(h, ben, vera, story, at)
	}
	for _, path := range []string{"/operator/visits/nowhere-v1/photo", visitAt("nowhere-v2") + "/photo", "/operator/deliveries/" + string(o.Booked(h).ID) + "/photo"} {
		if a := ben.send("GET", path, nil); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func (o *office) photoOf(h *indoors.Household, ben, vera *visitor, story, at string) {
	o.t.Helper()
	must(o.t, h.Call(o.t.Context(), "PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60}, nil))
	before := looks(o, h)
	ben.shows(story, "There is a photo; the household keeps it to itself.")
	if a := ben.send("GET", at, nil); a.status != http.StatusForbidden || !strings.Contains(plain(o.t, a.body), "The household keeps its pictures to itself") {
		o.t.Errorf("%s, not allowed: %d %s", at, a.status, plain(o.t, a.body))
	}
	allow(o.t, h)
	vera.shows(story, "your role sees none")
	if body := ben.shows(story, "Photo of", "This look will be recorded"); !strings.Contains(body, `href="`+at+`"`) || strings.Contains(body, "<img") {
		o.t.Errorf("%s does not lead to %s", story, at)
	}
	if a := vera.send("GET", at, nil); a.status != http.StatusForbidden || looks(o, h) != before {
		o.t.Errorf("a viewer: %d, %d looks", a.status, looks(o, h))
	}
	if body := ben.shows(at, "This look is recorded"); !strings.Contains(body, `src="data:image/jpeg;base64,`) || looks(o, h) != before+1 {
		o.t.Errorf("%s: %d looks more", at, looks(o, h)-before)
	}
}

func looks(o *office, h *indoors.Household) int {
	o.t.Helper()
	var all api.Looks
	must(o.t, h.Call(o.t.Context(), "GET", "/v1/home/looks", nil, &all))
	return len(all.Looks)
}

package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

const (
	eyePassword = "p4ssw0rd"
	eyeHost     = "192.0.2.7"
	eyeAddress  = "rtsp://loquet:" + eyePassword + "@" + eyeHost + "/door"
)

// filmed is a stage whose home was told nothing of a camera yet, and its media service.
type filmed struct {
	*stage
	cinema *cinema
}

// newFilmed is a visit under way, filmed by the cinema.
func newFilmed(t testing.TB) *filmed {
	t.Helper()
	c := &cinema{}
	w := newFilmedWorld(t, c)
	w.secrets = []string{eyePassword, eyeHost}
	s := &stage{w: w, home: w.home(), shop: w.merchant("grocer"), phone: w.courier("anna")}
	s.eye = s.home.eye(eyeAddress)
	s.delivery = w.book(s.shop, s.home, 1).ID
	w.assign(s.delivery, s.phone.courier)
	s.visit = granted(t, s.phone.approach(s.home)).Visit.ID
	w.until(t, "the visit is filmed", func() bool { return len(c.filming()) == 1 })
	return &filmed{s, c}
}

// open lets the courier in.
func (s *filmed) open() {
	s.w.t.Helper()
	granted(s.w.t, s.phone.scan(s.visit, 1))
	awaitWhere(s.w, s.home.site, func(b event.OpeningResolved) bool { return b.Visit == s.visit })
}

// clip is what was kept, after the visit.
func (s *filmed) clip() api.Clip {
	s.w.t.Helper()
	s.open()
	s.phone.finish(s.home, s.visit)
	await[event.ClipFinished](s.w, s.home.site)
	var all struct{ Clips []api.Clip }
	s.home.get("/v1/home/clips", &all)
	if len(all.Clips) != 1 || all.Clips[0].Visit != s.visit {
		s.w.t.Fatalf("the clips: %+v", all)
	}
	return all.Clips[0]
}

func (s *filmed) looks() int { return count[event.PictureWatched](s.w, s.home.site) }

func TestCameras(t *testing.T) {
	c := &cinema{}
	w := newFilmedWorld(t, c)
	w.secrets = []string{eyePassword, eyeHost}
	h := w.home()
	body := api.CameraRequest{Address: eyeAddress, Sees: []event.AccessPointID{h.place}}
	var added, again api.Camera
	h.send("POST", "/v1/home/cameras", body, "Idempotency-Key", "k").want(201, &added)
	h.send("POST", "/v1/home/cameras", body, "Idempotency-Key", "k").want(201, &again)
	if added.ID == "" || again.ID != added.ID || added.Proven || count[event.CameraAdded](w, h.site) != 1 {
		t.Errorf("added %+v, then %+v", added, again)
	}
	h.send("POST", "/v1/home/cameras", body).problem(409, "conflict")
	if found, err := w.director.Address(t.Context(), added.ID); err != nil || found != eyeAddress {
		t.Errorf("the camera is at %q, %v", found, err)
	}

	c.show(event.PictureRefused)
	path := "/v1/home/cameras/" + string(added.ID)
	var french, english api.CameraCheck
	h.send("POST", path+"/check", nil, "Accept-Language", "fr").want(200, &french)
	h.send("POST", path+"/check", nil, "Accept-Language", "en").want(200, &english)
	if english.Good || english.Picture.Fault != event.PictureRefused || !strings.Contains(english.Picture.Title+english.Picture.Text, "assword") ||
		!strings.Contains(french.Picture.Title, "Mot de passe") || french.Picture.Text == "" || h.look().Cameras[0].Proven {
		t.Errorf("checked as %+v and %+v", english, french)
	}
	w.empty(w.merchant("butcher")).send("POST", path+"/check", nil).problem(404, "not-found")
	c.show("")
	var good api.CameraCheck
	h.send("POST", path+"/check", nil).want(200, &good)
	if seen := h.look().Cameras; !good.Good || !good.Picture.Live || good.Stream.Width != 320 || len(seen) != 1 || !seen[0].Proven || seen[0].Filming != nil {
		t.Errorf("checked as %+v; the home has %+v", good, seen)
	}
	c.fails(errors.New("dial unix /run/media.sock: no such file"))
	r := h.send("POST", path+"/check", nil)
	if r.problem(503, "media"); r.header.Get("Retry-After") == "" || strings.Contains(string(r.body), "media.sock") {
		t.Errorf("a service that is down: %s", r.body)
	}

	h.send("DELETE", path, nil).want(204, nil)
	h.send("DELETE", path, nil).problem(404, "not-found")
	h.send("POST", path+"/check", nil).problem(404, "not-found")
	if _, err := w.director.Address(t.Context(), added.ID); !errors.Is(err, store.ErrNotFound) || len(h.look().Cameras) != 0 {
		t.Errorf("retired, and its address is still there: %v", err)
	}
}

func TestCameraAddresses(t *testing.T) {
	w := newWorld(t)
	w.secrets = []string{eyePassword, eyeHost}
	h := w.home()
	before := w.kinds(h.site)
	for _, address := range []string{
		"", "rtsp://", "rtsp:///door", "http://" + eyeHost + "/door", "rtsps://" + eyeHost + "/door", eyeHost + ":554/door", "rtsp:" + eyeHost + "/door",
		"rtsp://loquet:" + eyePassword + "#x@" + eyeHost + "/door", "rtsp://" + eyeHost + ":port/door", "rtsp://" + eyeHost + ":70000/door", "rtsp://" + eyeHost + ":0/",
		"rtsp://a b/door", "rtsp://" + eyeHost + "/door#1", "rtsp://" + eyeHost + "/%zz", "rtsp://" + eyeHost + "/\x00", "rtsp://loquet:" + eyePassword + "%@" + eyeHost + "/door", "rtsp://" + eyeHost + "/" + strings.Repeat("x", 500),
	} {
		p := h.send("POST", "/v1/home/cameras", api.CameraRequest{Address: address, Sees: []event.AccessPointID{h.place}}).problem(422, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Field != "body.address" {
			t.Errorf("%q: %+v", address, p)
		}
	}
	for _, sees := range [][]event.AccessPointID{nil, {}, {"elsewhere-a3"}, make([]event.AccessPointID, 17)} {
		h.send("POST", "/v1/home/cameras", api.CameraRequest{Address: eyeAddress, Sees: sees}).problem(422, "invalid")
	}
	if after := w.kinds(h.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}
	for _, address := range []string{eyeAddress, "rtsp://[2001:db8::7]:8554/live?channel=1&subtype=0", "rtsp://camera.home.arpa/", "rtsp://u:p%40ss@camera:1/x"} {
		h := w.home()
		h.send("POST", "/v1/home/cameras", api.CameraRequest{Address: address, Sees: []event.AccessPointID{h.place}}).want(201, nil)
	}
}

// An address stands in no answer (send sees to that), in no log and in no journal, whatever is done with the camera.
func TestAddressesStayInside(t *testing.T) {
	s := newFilmed(t)
	s.clip()
	s.w.store.fail(func(storeAppend) error { return fmt.Errorf("no: %w", store.ErrFull) })
	s.home.send("POST", "/v1/home/cameras", api.CameraRequest{Address: eyeAddress, Sees: []event.AccessPointID{s.home.place}})
	s.w.store.fail(nil)
	s.home.look()
	s.home.send("DELETE", "/v1/home/cameras/"+string(s.eye), nil).want(204, nil)
	var written strings.Builder
	written.WriteString(s.w.logs.String())
	must(t, json.NewEncoder(&written).Encode(s.w.journal(s.home.site)))
	for _, secret := range s.w.secrets {
		if strings.Contains(written.String(), secret) {
			t.Errorf("%q is in a log or in the journal", secret)
		}
	}
}

// The courier is told from the approach on, and sees whether the picture counts; so does the household.
func TestTheCourierIsTold(t *testing.T) {
	s := newFilmed(t)
	var v api.Visit
	s.phone.get("/v1/courier/visits/"+string(s.visit), &v)
	if !v.Filmed || v.Picture == nil || !v.Picture.Live || v.Picture.Fault != "" {
		t.Errorf("the visit: %+v, picture %+v", v, v.Picture)
	}
	s.cinema.show(event.PictureStale)
	s.phone.get("/v1/courier/visits/"+string(s.visit), &v)
	if !v.Filmed || v.Picture.Live || v.Picture.Fault != event.PictureStale || v.Picture.Title == "" || v.Picture.Text == "" {
		t.Errorf("the picture: %+v", v.Picture)
	}
	if seen := s.home.look(); !seen.Visits[0].Filmed || seen.Cameras[0].Filming == nil || seen.Cameras[0].Filming.Live {
		t.Errorf("the home: %+v", seen.Cameras)
	}
	s.home.send("DELETE", "/v1/home/cameras/"+string(s.eye), nil).problem(409, "conflict")

	w := newWorld(t)
	h, anna := w.home(), w.courier("anna")
	w.assign(w.book(w.merchant("grocer"), h, 1).ID, "anna")
	if a := granted(t, anna.approach(h)); a.Visit.Filmed || a.Visit.Picture != nil {
		t.Errorf("filmed by nothing: %+v", a.Visit)
	}
}

// Where the household asks for a camera, no picture means no opening.
func TestNoPictureNoOpening(t *testing.T) {
	s := newFilmed(t)
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Camera: true}).want(200, nil)
	for fault, code := range map[event.PictureFault]event.Code{event.PictureStale: event.CameraNotLive, event.PictureUnserved: event.CameraNotLive,
		event.PictureProving: event.CameraProving, event.PictureFull: event.CameraNoRoom} {
		s.cinema.show(fault)
		refused(t, s.phone.scan(s.visit, 1), code)
	}
	if n := s.home.door.openings(); n != 0 {
		t.Fatalf("%d openings", n)
	}
	s.cinema.show("")
	granted(t, s.phone.act(s.visit, "open", api.OpenRequest{Barrier: s.home.barrier, Position: s.w.at(5)}))
	s.phone.finish(s.home, s.visit)
}

func TestClips(t *testing.T) {
	s := newFilmed(t)
	var none struct{ Clips []api.Clip }
	s.home.get("/v1/home/clips", &none)
	if len(none.Clips) != 0 {
		t.Errorf("before anything was opened: %+v", none)
	}
	clip := s.clip()
	if left := time.Until(clip.EraseAt.Time()); len(clip.Files) != 1 || clip.Files[0].Number != 1 || clip.Files[0].Bytes != 10 || !clip.Files[0].Whole ||
		left < 6*24*time.Hour || left > 8*24*time.Hour {
		t.Errorf("the clip: %+v", clip)
	}
	path := "/v1/home/clips/" + string(clip.ID)
	r := s.home.send("GET", path+"/files/1", nil).want(200, nil)
	if string(r.body) != reel || r.header.Get("Content-Type") != "video/mp4" || !strings.Contains(r.header.Get("Content-Disposition"), string(clip.ID)) {
		t.Errorf("the film: %q, %v", r.body, r.header)
	}
	plainly(t, r)
	part := s.home.send("GET", path+"/files/1", nil, "Range", "bytes=3-5").want(206, nil)
	if string(part.body) != "345" || part.header.Get("Content-Range") != "bytes 3-5/10" {
		t.Errorf("a part: %q, %v", part.body, part.header)
	}
	plainly(t, part)
	beyond := s.home.send("GET", path+"/files/1", nil, "Range", "bytes=99-")
	beyond.problem(416, "range")
	plainly(t, beyond)
	poster := s.home.send("GET", path+"/poster", nil)
	poster.problem(404, "not-found")
	plainly(t, poster)
	for _, number := range []string{"0", "1001", "-1", "x"} {
		s.home.send("GET", path+"/files/"+number, nil).problem(422, "invalid")
	}
	s.home.send("GET", "/v1/home/clips/"+string(s.home.site)+"-f9999/files/1", nil).problem(404, "not-found")

	stranger := s.w.empty(s.w.merchant("butcher"))
	before := s.w.kinds(s.home.site)
	for _, p := range []string{"GET /files/1", "GET /poster", "DELETE "} {
		method, rest, _ := strings.Cut(p, " ")
		stranger.send(method, path+rest, nil).problem(404, "not-found")
	}
	if after := s.w.kinds(s.home.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}

	s.cinema.fails(errors.New("the disk hangs"))
	s.cinema.answers(func(http.ResponseWriter, *http.Request) { t.Error("shown, and it is to be erased") })
	s.home.send("DELETE", path, nil).want(202, nil)
	for _, gone := range []string{path + "/files/1", path + "/poster"} {
		s.home.send("GET", gone, nil).problem(404, "not-found")
	}
	s.home.get("/v1/home/clips", &none)
	s.cinema.fails(nil)
	await[event.ClipErased](s.w, s.home.site)
	if len(none.Clips) != 0 {
		t.Errorf("erased, and still there: %+v", none)
	}
	s.home.send("DELETE", path, nil).problem(404, "not-found")
	if _, err := s.w.director.ClipKey(t.Context(), clip.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the key of what was erased: %v", err)
	}
}

// plainly requires the fields that go with every answer, each once.
func plainly(t *testing.T, r reply) {
	t.Helper()
	for field, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := r.header.Values(field); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", field, got)
		}
	}
}

// A look at a clip is recorded once, however many ranges a player asks for, and not less because it begins elsewhere.
func TestLooksAtClips(t *testing.T) {
	s := newFilmed(t)
	file := "/v1/home/clips/" + string(s.clip().ID) + "/files/1"
	other := s.w.signIn(s.home.member)
	for i, step := range []struct {
		ranged string
		looks  int
	}{{"bytes=4-", 1}, {"bytes=0-", 1}, {"bytes=1-2", 1}, {"", 2}, {"bytes=0-", 2}, {"bytes=-3", 2}} {
		var header []string
		if step.ranged != "" {
			header = []string{"Range", step.ranged}
		}
		s.home.send("GET", file, nil, header...)
		if n := s.looks(); n != step.looks {
			t.Errorf("%d looks after request %d, for %q", n, i, step.ranged)
		}
	}
	other.send("GET", file, nil, "Range", "bytes=0-").want(206, nil)
	if n := s.looks(); n != 2 {
		t.Errorf("the same member's look on another screen: %d", n)
	}
	s.w.clock.advance(11 * time.Minute)
	s.home.send("GET", file, nil, "Range", "bytes=5-").want(206, nil)
	if n := s.looks(); n != 3 {
		t.Errorf("the next day, %d looks", n)
	}
	if b := await[event.PictureWatched](s.w, s.home.site); b.By.Kind != event.ActorMember || b.By.ID != string(s.home.member) || b.Clip == "" || b.Visit != "" {
		t.Errorf("recorded: %+v", b)
	}
	// A look that can't be recorded is not granted.
	s.w.clock.advance(11 * time.Minute)
	s.w.store.fail(func(storeAppend) error { return fmt.Errorf("no: %w", store.ErrFull) })
	s.home.send("GET", file, nil).problem(503, "full")
	s.home.send("GET", file, nil, "Range", "bytes=0-").problem(503, "full")
	s.w.store.fail(nil)
	s.home.send("GET", file, nil, "Range", "bytes=0-").want(206, nil)
	if n := s.looks(); n != 4 {
		t.Errorf("after a look that could not be recorded, %d looks", n)
	}
}

// Whatever the media service says when it can't, its readers get a problem.
func TestMediaProblems(t *testing.T) {
	s := newFilmed(t)
	file := "/v1/home/clips/" + string(s.clip().ID) + "/files/1"
	for _, c := range []struct {
		said, status int
		code         string
	}{{400, 503, "media"}, {404, 404, "not-found"}, {405, 503, "media"}, {410, 410, "look-ended"}, {416, 416, "range"}, {500, 503, "media"}, {503, 503, "media"}} {
		s.cinema.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", `"x"`)
			w.Header().Add("Cache-Control", "public")
			w.Header().Set("Content-Length", "18")
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(c.said)
			_, _ = w.Write([]byte("internal: /dev/sdb"))
		})
		r := s.home.send("GET", file, nil)
		r.problem(c.status, c.code)
		plainly(t, r)
		if strings.Contains(string(r.body), "sdb") || r.header.Get("Etag") != "" || r.header.Get("Content-Disposition") != "" {
			t.Errorf("%d: %s, %v", c.said, r.body, r.header)
		}
	}
	s.cinema.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(422)
		_, _ = w.Write([]byte(`{"type":"urn:loquet:problem:use-hls","title":"x","status":422,"code":"use-hls","detail":"Play it by HLS."}`))
	})
	r := s.home.send("GET", file, nil)
	var p api.Problem
	if r.want(422, &p); p.Code != "use-hls" {
		t.Errorf("its own problem: %s", r.body)
	}
	plainly(t, r)
}

// Without a media service everything else goes on, and what needs it says so.
func TestNoMediaService(t *testing.T) {
	w := newWorld(t, func(d *api.Deps) { d.Film = nil })
	h := w.home()
	h.send("POST", "/v1/home/cameras", api.CameraRequest{Address: eyeAddress, Sees: []event.AccessPointID{h.place}}).problem(503, "no-media")
	site := string(h.site)
	for _, path := range []string{"POST /v1/home/cameras/" + site + "-c1/check", "GET /v1/home/clips/" + site + "-f1/files/1", "GET /v1/home/clips/" + site + "-f1/poster",
		"POST /v1/home/visits/" + site + "-v1/live/whep", "GET /v1/home/visits/" + site + "-v1/live/hls/index.m3u8", "DELETE /v1/home/visits/" + site + "-v1/live/whep/x"} {
		method, address, _ := strings.Cut(path, " ")
		body := ""
		if strings.HasSuffix(address, "/whep") {
			body = "v=0"
		}
		h.send(method, address, body).problem(503, "no-media")
	}
	if seen := h.look(); seen.Cameras == nil || len(seen.Cameras) != 0 {
		t.Errorf("the home: %+v", seen)
	}
}

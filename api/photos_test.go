package api_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

// secretPlace stands for what a phone writes into a photo.
const secretPlace = "48.8584N 2.2945E"

// snapshot is a photo as a phone sends it, with a comment in it.
func snapshot(t testing.TB, shade uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 32, 24))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, img, nil))
	plain := b.Bytes()
	comment := append([]byte{0xFF, 0xFE, 0, byte(len(secretPlace) + 2)}, secretPlace...)
	return append(append(append([]byte{}, plain[:2]...), comment...), plain[2:]...)
}

func (p phone) sendPhoto(path string, file []byte) reply {
	p.w.t.Helper()
	return p.send("POST", path+"/photo", file, "Content-Type", "image/jpeg")
}

// The photo of a deposit: the picture alone, sealed, for the household; for the operator where it is let; and only for
// as long as clips are kept.
func TestDepositPhoto(t *testing.T) {
	s := newFilmed(t)
	path := "/v1/courier/visits/" + string(s.visit)
	s.phone.sendPhoto(path, snapshot(t, 10)).problem(409, "conflict")
	s.open()
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	var taken api.PhotoTaken
	s.phone.sendPhoto(path, snapshot(t, 10)).want(200, &taken)
	home := "/v1/home/visits/" + string(s.visit) + "/photo"
	s.home.send("GET", home, nil).problem(404, "not-found")
	granted(t, s.phone.act(s.visit, "deposit", api.DepositRequest{Photo: taken.Photo}))
	if b := await[event.DepositRecorded](s.w, s.home.site); b.Photo == "" || strings.Contains(string(b.Photo), taken.Photo) {
		t.Errorf("the journal: %+v", b)
	}
	var seen api.HomeVisit
	if s.home.get("/v1/home/visits/"+string(s.visit), &seen); !seen.Photo {
		t.Error("the visit's story has no photo")
	}
	shown := s.home.send("GET", home, nil).want(200, nil)
	config, err := jpeg.DecodeConfig(bytes.NewReader(shown.body))
	if err != nil || config.Width != 32 || shown.header.Get("Content-Type") != "image/jpeg" || shown.header.Get("X-Content-Type-Options") != "nosniff" ||
		shown.header.Get("Cache-Control") != "no-store" {
		t.Errorf("shown: %+v, %v, %v", config, err, shown.header)
	}
	if bytes.Contains(shown.body, []byte(secretPlace)) || taken.Width != 32 || taken.Height != 24 || taken.EraseAt == 0 {
		t.Errorf("taken: %+v", taken)
	}
	operators := "/v1/visits/" + string(s.visit) + "/photo"
	s.w.operator().send("GET", operators, nil).problem(403, "forbidden")
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Operator: true}).want(200, nil)
	s.w.operator().send("GET", operators, nil).want(200, nil)
	s.w.key(auth.Operator, "swift", auth.JournalsRead).send("GET", operators, nil).problem(403, "forbidden")
	s.shop.send("GET", operators, nil).problem(403, "forbidden")
	var looks api.Looks
	s.home.get("/v1/home/looks", &looks)
	if n := len(looks.Looks); n != 1 || !strings.Contains(looks.Looks[0].What, string(s.visit)) {
		t.Errorf("looks: %+v", looks)
	}
	stranger := s.w.homeOf(s.w.merchant("butcher"), event.PermitRemote)
	stranger.send("GET", home, nil).problem(404, "not-found")
	stranger.send("DELETE", home, nil).problem(404, "not-found")
	_ = get(s.w.store.Sweep(t.Context(), taken.EraseAt-1))(t)
	s.home.send("GET", home, nil).want(200, nil)
	_ = get(s.w.store.Sweep(t.Context(), taken.EraseAt))(t)
	s.home.send("GET", home, nil).problem(404, "not-found")
	if strings.Contains(s.w.logs.String(), secretPlace) {
		t.Error("a place is in the logs")
	}
}

// The photo of plan B belongs to its delivery, and its household erases it when it likes.
func TestPlanBPhoto(t *testing.T) {
	s := newStage(t)
	path := "/v1/courier/deliveries/" + string(s.delivery)
	var taken api.PhotoTaken
	s.phone.sendPhoto(path, snapshot(t, 99)).want(200, &taken)
	s.phone.post(path+"/plan-b", api.PlanBRequest{Photo: taken.Photo}, nil)
	await[event.PlanBFollowed](s.w, s.home.site)
	home := "/v1/home/deliveries/" + string(s.delivery) + "/photo"
	s.home.send("GET", home, nil).want(200, nil)
	s.phone.sendPhoto(path, snapshot(t, 1)).problem(404, "not-found")
	s.home.send("DELETE", home, nil).want(204, nil)
	s.home.send("GET", home, nil).problem(404, "not-found")
}

// Whose it is not, what is no photo, and too many, are refused; and moving out erases what is there.
func TestPhotosThatAreNotTaken(t *testing.T) {
	s := newStage(t)
	visit, delivery := "/v1/courier/visits/"+string(s.visit), "/v1/courier/deliveries/"+string(s.delivery)
	granted(t, s.phone.scan(s.visit, 1))
	ben := s.w.courier("ben")
	for _, path := range []string{visit, delivery} {
		ben.sendPhoto(path, snapshot(t, 1)).problem(404, "not-found")
	}
	for _, path := range []string{"/v1/courier/visits/nowhere-v1", "/v1/courier/visits/x", "/v1/courier/deliveries/nowhere-d1", "/v1/courier/deliveries/x"} {
		s.phone.sendPhoto(path, snapshot(t, 1)).problem(404, "not-found")
	}
	for what, file := range map[string][]byte{"a page": []byte("<script>alert(1)</script>"), "half": snapshot(t, 1)[:90], "large": append(snapshot(t, 1), make([]byte, 210<<10)...)} {
		if p := s.phone.sendPhoto(delivery, file).problem(422, "photo"); len(p.Errors) != 1 {
			t.Errorf("%s: %+v", what, p)
		}
	}
	s.phone.sendPhoto(delivery, make([]byte, 300<<10)).problem(413, "too-large")
	s.phone.sendPhoto(delivery, nil).problem(400, "malformed")
	many := 0
	for range 8 {
		if r := s.phone.sendPhoto(delivery, snapshot(t, 7)); r.status == 429 {
			many++
		}
	}
	if many == 0 {
		t.Error("any number of photos is taken")
	}
}

// Moving out erases photos too.
func TestMovingOutErasesPhotos(t *testing.T) {
	s := newStage(t)
	path := "/v1/courier/deliveries/" + string(s.delivery)
	var taken api.PhotoTaken
	s.phone.sendPhoto(path, snapshot(t, 99)).want(200, &taken)
	s.phone.post(path+"/plan-b", api.PlanBRequest{Photo: taken.Photo}, nil)
	photo := await[event.PlanBFollowed](s.w, s.home.site).Photo
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Operator: true}).want(200, nil)
	operators := "/v1/deliveries/" + string(s.delivery) + "/photo"
	s.w.operator().send("GET", operators, nil).want(200, nil)
	s.home.post("/v1/home/close", nil, nil)
	s.w.until(t, "the photo can't be opened any more", func() bool {
		r := s.w.operator().send("GET", operators, nil)
		return r.status == 403 || r.status == 404
	})
	sealed, err := s.w.store.Value(t.Context(), s.home.site, "photo/"+string(photo))
	if err == nil {
		s.w.until(t, "the site's key is gone", func() bool {
			_, err := s.w.director.Address(t.Context(), event.CameraID(s.home.site)+"-c1")
			return err != nil
		})
		if bytes.Contains(sealed, []byte{0xFF, 0xD8, 0xFF}) {
			t.Error("a photo is stored open")
		}
	}
}

// A household asks its own barriers how they stand; what can't answer is shown as it was, and nothing is opened.
func TestReadBarrier(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	w.reserve(h.site, "gate", `{"reads":true}`)
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: "gate", Is: event.Gate}, &b)
	before := w.kinds(h.site)
	var r api.BarrierReading
	h.post("/v1/home/barriers/"+string(b.ID)+"/read", nil, &r)
	if !r.Answered || r.Barrier.Seen.Bolt != event.BoltLocked || r.Barrier.Seen.ReachedAt == 0 || r.Barrier.Battery != 71 || !strings.HasPrefix(w.kinds(h.site), before) {
		t.Errorf("read: %+v", r)
	}
	h.post("/v1/home/barriers/"+string(h.barrier)+"/read", nil, &r)
	if r.Answered || r.Barrier.ID != h.barrier || r.Barrier.Seen.Bolt == "" {
		t.Errorf("one that can't be asked: %+v", r)
	}
	for range 5 {
		h.post("/v1/home/barriers/"+string(b.ID)+"/read", nil, &r)
	}
	if r.Answered || r.Barrier.Seen.Bolt != event.BoltLocked {
		t.Errorf("asked again and again: %+v", r)
	}
	w.clock.advance(time.Minute)
	if h.post("/v1/home/barriers/"+string(b.ID)+"/read", nil, &r); !r.Answered {
		t.Errorf("a minute later: %+v", r)
	}
	stranger := w.homeOf(w.merchant("butcher"), event.PermitRemote)
	stranger.send("POST", "/v1/home/barriers/"+string(b.ID)+"/read", nil).problem(404, "not-found")
	if n := w.doors["gate"].openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
}

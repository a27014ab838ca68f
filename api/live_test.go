package api_test

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

func livePath(who string, s *filmed, rest string) string {
	return "/v1" + who + "/visits/" + string(s.visit) + "/live/" + rest
}

func (s *filmed) homeLive(rest string) string { return livePath("/home", s, rest) }

func (s *filmed) operatorLive(rest string) string { return livePath("", s, rest) }

// offer posts an offer.
func (c caller) offer(path string) reply {
	c.w.t.Helper()
	return c.send("POST", path, "v=0\r\n", "Content-Type", "application/sdp")
}

func TestLive(t *testing.T) {
	s := newFilmed(t)
	r := s.home.offer(s.homeLive("whep")).want(201, nil)
	if string(r.body) != "whep" || r.header.Get("Content-Type") != "application/sdp" || r.header.Get("Location") != "whep/look1" || s.looks() != 1 {
		t.Errorf("the answer %q, %v, after %d looks", r.body, r.header, s.looks())
	}
	plainly(t, r)
	if b := await[event.PictureWatched](s.w, s.home.site); b.Visit != s.visit || b.By.ID != string(s.home.member) || b.Clip != "" {
		t.Errorf("recorded: %+v", b)
	}
	for i, step := range []struct {
		file  string
		looks int
	}{{"index.m3u8", 2}, {"index.m3u8?look=x", 2}, {"main_stream.m3u8?look=x&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES", 2}, {"a1_part3.mp4?look=x", 2}, {"index.m3u8", 3}} {
		r := s.home.send("GET", s.homeLive("hls/"+step.file), nil).want(200, nil)
		if !strings.HasPrefix(step.file, strings.TrimPrefix(string(r.body), "hls/")) || s.looks() != step.looks {
			t.Errorf("step %d, %s: %q, after %d looks", i, step.file, r.body, s.looks())
		}
		plainly(t, r)
	}
	s.home.send("DELETE", s.homeLive("whep/look1"), nil).want(200, nil)
	if n := s.cinema.ended(); n != 1 {
		t.Errorf("%d looks were ended", n)
	}
	// A look that can't be recorded is not granted.
	s.w.store.fail(func(storeAppend) error { return fmt.Errorf("no: %w", store.ErrFull) })
	s.home.offer(s.homeLive("whep")).problem(503, "full")
	s.home.send("GET", s.homeLive("hls/index.m3u8"), nil).problem(503, "full")
	s.w.store.fail(nil)
	s.clip()
	s.home.offer(s.homeLive("whep")).problem(404, "not-found")
	s.home.send("GET", s.homeLive("hls/index.m3u8?look=x"), nil).problem(404, "not-found")
}

// No way of writing an address begins a look that is not recorded.
func TestLookingPastTheJournal(t *testing.T) {
	s := newFilmed(t)
	var begun atomic.Int64
	s.cinema.answers(func(_ http.ResponseWriter, r *http.Request) {
		// So the live view reads an address.
		if r.Method == http.MethodPost || path.Base(r.URL.Path) == "index.m3u8" && r.URL.Query().Get("look") == "" {
			begun.Add(1)
		}
	})
	for _, rest := range []string{"", "whep/", "whep//", "hls/index.m3u8/", "hls/index.m3u8%2f", "hls/x/index.m3u8", "hls/x%2findex.m3u8", "hls/..%2fhls%2findex.m3u8",
		"hls/%2e%2e", "hls/index.m3u8%00", "hls/index.m3u8?Look=x", "hls/index.m3u8?look=&look=x", "hls/index.m3u8?look=%zz", "hls/index.m3u8?look=x;", "hls/index.m3u8?look=%00",
		"hls/index.m3u8?x;look=x", "hls/index.m3u8?look=%20", "HLS/index.m3u8", "whep?x=1", "%77hep%2f", "hls/", "hls/index", "whep/..%2fwhep", "x",
		"hls/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fclips%2fx%2ffiles%2f0"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH"} {
			s.home.send(method, s.homeLive(rest), "v=0", "Content-Type", "application/sdp")
			if n := begun.Load(); int(n) > s.looks() {
				t.Fatalf("%s %s: %d looks are recorded of %d", method, rest, s.looks(), n)
			}
		}
	}
}

// A player asks for ten files a second, for minutes.
func TestPlayersAreNotTooMany(t *testing.T) {
	s := newFilmed(t)
	for i := range 300 {
		if r := s.home.send("GET", s.homeLive("hls/main_stream.m3u8?look=x"), nil); r.status != 200 {
			t.Fatalf("request %d: %d", i, r.status)
		}
	}
	s.home.look()
}

func TestOperatorsWatch(t *testing.T) {
	s := newFilmed(t)
	s.w.api.SetHeartbeat(time.Hour)
	swift := s.w.operator()
	look := func(want int) {
		t.Helper()
		for _, r := range []reply{swift.offer(s.operatorLive("whep")), swift.send("GET", s.operatorLive("hls/index.m3u8"), nil)} {
			if r.status != want && (want != 200 || r.status != 201) {
				t.Errorf("%d, not %d: %s", r.status, want, r.body)
			}
		}
	}
	rules := func(operator bool) {
		t.Helper()
		s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Operator: operator}).want(200, nil)
	}
	look(403)
	rules(true)
	look(403)
	s.open()
	look(403)
	s.cinema.show(event.PictureStale)
	await[event.AlarmRaised](s.w, s.home.site)
	rules(false)
	look(403)
	if n := s.looks(); n != 0 {
		t.Fatalf("%d looks that were refused are recorded", n)
	}
	rules(true)
	look(200)
	if b := await[event.PictureWatched](s.w, s.home.site); s.looks() != 2 || b.By.Kind != event.ActorOperator || b.By.ID != "swift" || b.Visit != s.visit {
		t.Errorf("%d looks, the last %+v", s.looks(), b)
	}
	for _, role := range []auth.Role{auth.Merchant, auth.Carrier} {
		key := s.w.key(role, "grocer")
		key.offer(s.operatorLive("whep")).problem(403, "forbidden")
		key.send("GET", s.operatorLive("hls/index.m3u8"), nil).problem(403, "forbidden")
		key.send("DELETE", s.operatorLive("whep/look1"), nil).problem(403, "forbidden")
	}
	swift.offer("/v1/visits/elsewhere-v3/live/whep").problem(404, "not-found")
	if n := s.cinema.ended(); n != 0 {
		t.Fatalf("%d looks were ended while they are allowed", n)
	}
	s.cinema.show("")
	await[event.AlarmEnded](s.w, s.home.site)
	look(403)
	swift.send("GET", s.operatorLive("hls/main_stream.m3u8?look=x"), nil).problem(403, "forbidden")
	s.w.until(t, "the look ends with the alarm", func() bool { return s.cinema.ended() == 1 })
}

// A look by WebRTC needs no more requests: it is ended when it is no longer allowed, and not again.
func TestLooksEnd(t *testing.T) {
	for name, end := range map[string]func(*filmed, caller){
		"removed": func(s *filmed, _ caller) {
			var seen api.Home
			s.home.get("/v1/home", &seen)
			for _, m := range seen.Members {
				if !m.You {
					s.home.send("DELETE", "/v1/home/members/"+string(m.ID), nil).want(204, nil)
				}
			}
		},
		"signed out":    func(_ *filmed, c caller) { c.send("DELETE", "/v1/sessions", nil).want(204, nil) },
		"left":          func(s *filmed, c caller) { c.send("DELETE", s.homeLive("whep/look1"), nil).want(200, nil) },
		"visit over":    func(s *filmed, _ caller) { s.clip() },
		"server ending": func(s *filmed, _ caller) { s.w.api.EndStreams() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newFilmed(t)
			s.w.t = t
			s.w.api.SetHeartbeat(5 * time.Millisecond)
			var m api.Member
			s.home.post("/v1/home/members", api.MemberRequest{Name: "Dominique"}, &m)
			second := s.w.signIn(m.ID)
			second.offer(s.homeLive("whep")).want(201, nil)
			if n := s.cinema.ended(); n != 0 {
				t.Fatalf("ended %d times before", n)
			}
			end(s, second)
			s.w.until(t, "the look is ended", func() bool { return s.cinema.ended() > 0 })
			s.w.until(t, "nobody attends it any more", func() bool { return !s.w.api.Attends() })
			if n := s.cinema.ended(); n != 1 {
				t.Errorf("ended %d times", n)
			}
		})
	}
}

// Nothing is attended that was not shown.
func TestARefusedOfferIsNotAttended(t *testing.T) {
	s := newFilmed(t)
	s.cinema.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "whep/look1")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s.home.offer(s.homeLive("whep")).problem(503, "media")
	if s.w.api.Attends() {
		t.Error("attended")
	}
}

package live

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/loquet/loquet/camera"
)

// TestPrimed: the whole last group comes at once, in which nothing is older in time than a few milliseconds, and
// every key picture has its parameter sets before it.
func TestPrimed(t *testing.T) {
	film := parse(t, small)
	st := newStage(t, film.filled(2*50+20), Config{}) // nothing comes after it: what arrives was there
	v := newViewer(t)
	v.watch(t, st)
	var group []unit
	for range 20 {
		group = append(group, v.next(t))
	}
	if !bytes.HasPrefix(group[0].kinds, []byte{7, 8, 5}) {
		t.Errorf("the first picture begins with NAL units %v", group[0].kinds)
	}
	for i, u := range group {
		if i > 0 && (u.at-group[i-1].at != rush || bytes.Contains(u.kinds, []byte{5})) {
			t.Errorf("picture %d: %d after the one before, %v", i, u.at-group[i-1].at, u.kinds)
		}
		if u.size > 1188 {
			t.Errorf("a payload of %d bytes", u.size)
		}
	}
	if group[0].size != 1188 {
		t.Errorf("the key picture fits into %d bytes: nothing was tested", group[0].size)
	}
}

// TestLive: what comes later keeps its distances, and the next key picture has its parameter sets too.
func TestLive(t *testing.T) {
	st := newStage(t, parse(t, small).filled(50), Config{})
	v := newViewer(t)
	v.watch(t, st)
	last := v.next(t)
	for range 49 {
		last = v.next(t)
	}
	for i := range 52 {
		st.film.put(time.Now())
		u := v.next(t)
		if u.at-last.at != 3600 {
			t.Fatalf("picture %d: %d after the one before", i, u.at-last.at)
		}
		if key := i%50 == 0; key != bytes.HasPrefix(u.kinds, []byte{7, 8, 5}) {
			t.Fatalf("picture %d: %v", i, u.kinds)
		}
		last = u
	}
}

// TestLostForGood: who lost a picture is given the group again, not left to wait for a key picture.
func TestLostForGood(t *testing.T) {
	st := newStage(t, parse(t, small).filled(50), Config{})
	v := newViewer(t)
	v.watch(t, st)
	last := v.next(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 51; ; n++ { // no key picture any more
		<-tick.C
		st.film.putAgain(n)
		ssrc := uint32(v.conn.GetReceivers()[0].Track().SSRC())
		if err := v.conn.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
			t.Fatal(err)
		}
		u := v.next(t)
		if int32(u.at-last.at) <= 0 { // it wraps around
			t.Fatalf("time went back from %d to %d", last.at, u.at)
		}
		if last = u; bytes.HasPrefix(u.kinds, []byte{7, 8, 5}) {
			return
		}
		if n > 500 {
			t.Fatal("the group was not sent again")
		}
	}
}

func TestAnswer(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{})
	v := newViewer(t)
	answer, text := st.do(t, http.MethodPost, "/whep", "application/sdp; charset=utf-8", v.offer(t, true))
	if answer.StatusCode != http.StatusCreated || answer.Header.Get("Content-Type") != "application/sdp" || answer.Header.Get("ETag") == "" {
		t.Fatalf("%s %v %s", answer.Status, answer.Header, text)
	}
	if !strings.Contains(text, "profile-level-id=42e01f") || !strings.Contains(text, "m=audio 0 ") || strings.Contains(text, "a=candidate") != true {
		t.Errorf("constrained baseline, no sound and all candidates expected:\n%s", text)
	}
	if at := answer.Header.Get("Location"); !strings.HasPrefix(at, "/session/") || strings.Contains(at, "//") {
		t.Errorf("Location %q", at)
	}
	v.accept(t, text)
	v.next(t)
}

// TestEnd: each way to end a look ends what is sent, and tells it once.
func TestEnd(t *testing.T) {
	for name, c := range map[string]struct {
		end func(t *testing.T, st *stage, v *viewer, session string)
		why Why
	}{
		"the viewer says so": {func(t *testing.T, st *stage, _ *viewer, session string) {
			if answer, text := st.do(t, http.MethodDelete, session, "", ""); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", answer.Status, text)
			}
			if answer, _ := st.do(t, http.MethodDelete, session, "", ""); answer.StatusCode != http.StatusGone {
				t.Errorf("ended twice: %s", answer.Status)
			}
		}, WhyLeft},
		"the viewer goes away": {func(t *testing.T, _ *stage, v *viewer, _ string) {
			if err := v.conn.GracefulClose(); err != nil {
				t.Error(err)
			}
		}, WhyLeft},
		"from outside": {func(t *testing.T, st *stage, _ *viewer, session string) {
			if !st.live.End(strings.TrimPrefix(session, "/session/"), "visit ended") {
				t.Error("it had ended before")
			}
		}, "visit ended"},
		"all of a camera": {func(t *testing.T, st *stage, _ *viewer, _ string) {
			if n := st.live.EndWhere(func(l Look) bool { return l.Camera == "gate" }, "withdrawn"); n != 0 {
				t.Errorf("%d looks at another camera", n)
			}
			if n := st.live.EndWhere(func(l Look) bool { return l.Camera == "door" }, "withdrawn"); n != 1 {
				t.Errorf("%d looks ended", n)
			}
		}, "withdrawn"},
		"the ring":             {func(_ *testing.T, st *stage, _ *viewer, _ string) { st.film.ring.Close() }, WhySilent},
		"the camera is silent": {func(*testing.T, *stage, *viewer, string) {}, WhySilent},
		"the stream has B-frames": {func(_ *testing.T, st *stage, _ *viewer, _ string) {
			st.film.putAgain(100)
			st.film.putAgain(99)
		}, WhyUseHLS},
		"the server": {func(t *testing.T, st *stage, _ *viewer, _ string) {
			if err := st.live.Close(); err != nil {
				t.Error(err)
			}
		}, WhyClosed},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, parse(t, small).filled(60), Config{})
			v := newViewer(t)
			session := v.watch(t, st)
			v.next(t)
			c.end(t, st, v, session)
			ended, begun := st.ended(t), st.begun()
			if ended.Why != c.why || ended.Ended.Before(ended.Began) || ended.By != "ada" || ended.Way != WHEP {
				t.Errorf("%+v", ended)
			}
			if len(begun) != 1 || begun[0].ID != ended.ID || len(st.live.Looks()) != 0 {
				t.Errorf("began %+v, still there %+v", begun, st.live.Looks())
			}
			receive(t, closedAsValue(v.closed), "the end of the connection")
		})
	}
}

func closedAsValue(c <-chan struct{}) <-chan bool {
	out := make(chan bool, 1)
	go func() { <-c; out <- true }()
	return out
}

// TestVanished: a viewer whose network is gone says nothing, and is forgotten all the same.
func TestVanished(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{})
	roll(t, st.film)
	v := newViewer(t)
	v.watch(t, st)
	v.next(t)
	v.vanish(t)
	before := time.Now()
	if l := st.ended(t); l.Why != WhyLeft {
		t.Errorf("%+v", l)
	}
	if took := time.Since(before); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestNeverConnects(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{}, func(p *times) { p.connect = 200 * time.Millisecond })
	v := newViewer(t)
	if answer, _ := st.do(t, http.MethodPost, "/whep", "application/sdp", withoutCandidates(v.offer(t, false))); answer.StatusCode != http.StatusCreated {
		t.Fatal(answer.Status)
	}
	if l := st.ended(t); l.Why != WhyFailed {
		t.Errorf("%+v", l)
	}
}

func withoutCandidates(offer string) string {
	var kept []string
	for line := range strings.SplitSeq(offer, "\r\n") {
		if !strings.HasPrefix(line, "a=candidate") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\r\n")
}

// TestLimits: offers that are never followed up take the places of one camera, not those of others, and only for a while.
func TestLimits(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{PerCamera: 3, Total: 4}, func(p *times) { p.connect = time.Second })
	offer := withoutCandidates(newViewer(t).offer(t, false))
	full := 0
	for range 100 {
		answer, text := st.do(t, http.MethodPost, "/whep", "application/sdp", offer)
		switch answer.StatusCode {
		case http.StatusCreated:
		case http.StatusServiceUnavailable:
			full++
			if code(t, text) != "too-many-viewers" || answer.Header.Get("Retry-After") == "" {
				t.Fatalf("%v %s", answer.Header, text)
			}
		default:
			t.Fatalf("%s: %s", answer.Status, text)
		}
		if n := len(st.live.Looks()); n > 3 {
			t.Fatalf("%d looks", n)
		}
	}
	if full < 90 {
		t.Errorf("%d were refused", full)
	}
	other := st.view()
	other.Camera = "gate"
	if _, err := st.live.looks.reserve(other, WHEP); err != nil {
		t.Errorf("another camera: %v", err)
	}
	for range 3 {
		st.ended(t)
	}
	if answer, text := st.do(t, http.MethodPost, "/whep", "application/sdp", offer); answer.StatusCode != http.StatusCreated {
		t.Errorf("afterwards: %s: %s", answer.Status, text)
	}
}

func code(t *testing.T, body string) string {
	t.Helper()
	var e Error
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Detail == "" || e.Status == 0 {
		t.Fatalf("no problem: %s", body)
	}
	return e.Code
}

func TestRefused(t *testing.T) {
	film := parse(t, small)
	st := newStage(t, film.filled(60), Config{})
	good := newViewer(t).offer(t, false)
	for name, c := range map[string]struct {
		method, path, kind, body string
		status                   int
		code                     string
	}{
		"another method":    {"GET", "/whep", "", "", 405, "method"},
		"another type":      {"POST", "/whep", "application/json", good, 415, "media-type"},
		"no type":           {"POST", "/whep", "", good, 415, "media-type"},
		"a megabyte":        {"POST", "/whep", "application/sdp", strings.Repeat("a=x\r\n", 200_000), 413, "too-large"},
		"nothing":           {"POST", "/whep", "application/sdp", "", 400, "offer"},
		"no SDP":            {"POST", "/whep", "application/sdp", "hello", 400, "offer"},
		"no fingerprint":    {"POST", "/whep", "application/sdp", strings.ReplaceAll(good, "a=fingerprint", "a=nothing"), 400, "offer"},
		"no H.264":          {"POST", "/whep", "application/sdp", strings.ReplaceAll(good, "H264", "H263"), 422, "use-hls"},
		"trickle":           {"PATCH", "/session/none", "application/trickle-ice-sdpfrag", "", 405, "method"},
		"an unknown look":   {"DELETE", "/session/none", "", "", 410, "look-ended"},
		"a sending browser": {"POST", "/whep", "application/sdp", strings.ReplaceAll(good, "a=recvonly", "a=sendonly"), 400, "offer"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, text := st.do(t, c.method, c.path, c.kind, c.body)
			if answer.StatusCode != c.status || code(t, text) != c.code {
				t.Errorf("%s: %s", answer.Status, text)
			}
		})
	}
	if len(st.begun()) != 0 || len(st.live.Looks()) != 0 {
		t.Errorf("a look began: %+v", st.begun())
	}
}

// TestNoPicture: what can't be shown is said at once, or after a short wait for the camera.
func TestNoPicture(t *testing.T) {
	film := parse(t, small)
	inHEVC := film
	inHEVC.format = &camera.Format{Codec: camera.H265}
	disordered := film.filled(60)
	disordered.putAgain(90)
	disordered.putAgain(70)
	old := film.filled(0)
	old.put(time.Now().Add(-time.Minute))
	for name, c := range map[string]struct {
		film   *filming
		status int
		code   string
	}{
		"H.265":    {inHEVC.filled(60), 422, "use-hls"},
		"B-frames": {disordered, 422, "use-hls"},
		"nothing":  {film.filled(0), 503, "no-picture"},
		"old":      {old, 503, "no-picture"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, c.film, Config{}, func(p *times) { p.first = 100 * time.Millisecond })
			answer, text := st.do(t, http.MethodPost, "/whep", "application/sdp", newViewer(t).offer(t, false))
			if answer.StatusCode != c.status || code(t, text) != c.code {
				t.Errorf("%s: %s", answer.Status, text)
			}
		})
	}
}

// TestSlowViewer: a viewer that takes nothing must not hold up the camera.
func TestSlowViewer(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{})
	v := newViewer(t)
	v.watch(t, st)
	v.next(t)
	begun := time.Now()
	for range 5000 {
		st.film.put(time.Now())
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("5000 pictures took %v", took)
	}
}

// TestByTCP: where no UDP gets through there is TCP.
func TestByTCP(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{TCP: "127.0.0.1:0"})
	v := newViewer(t)
	answer, text := st.do(t, http.MethodPost, "/whep", "application/sdp", v.offer(t, false))
	if answer.StatusCode != http.StatusCreated || !strings.Contains(text, "tcptype passive") {
		t.Fatalf("%s: %s", answer.Status, text)
	}
	var kept []string
	for line := range strings.SplitSeq(text, "\r\n") {
		if !strings.HasPrefix(line, "a=candidate") || strings.Contains(line, "tcptype passive") {
			kept = append(kept, line)
		}
	}
	v.accept(t, strings.Join(kept, "\r\n"))
	if u := v.next(t); !bytes.HasPrefix(u.kinds, []byte{7, 8, 5}) {
		t.Errorf("%v", u.kinds)
	}
}

// TestPublicAddress: behind 1:1 NAT viewers are told the address outside.
func TestPublicAddress(t *testing.T) {
	st := newStage(t, parse(t, small).filled(60), Config{Public: []string{"203.0.113.7"}})
	_, text := st.do(t, http.MethodPost, "/whep", "application/sdp", newViewer(t).offer(t, false))
	if !strings.Contains(text, " 203.0.113.7 ") || strings.Contains(text, " 127.0.0.1 ") {
		t.Error(text)
	}
}

func TestBadConfiguration(t *testing.T) {
	for name, c := range map[string]Config{
		"no port":     {UDP: ":0"},
		"no address":  {UDP: "nowhere"},
		"bad TCP":     {UDP: "127.0.0.1:0", TCP: "127.0.0.1:99999"},
		"a host name": {UDP: "127.0.0.1:0", Public: []string{"example.org"}},
	} {
		if s, err := Listen(c); err == nil {
			t.Errorf("%s: no error", name)
			_ = s.Close()
		}
	}
}

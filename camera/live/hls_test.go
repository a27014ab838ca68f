package live

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
)

// address finds the first address of that kind in a playlist.
func address(t *testing.T, list, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(list)
	if found == nil {
		t.Fatalf("no %s in:\n%s", pattern, list)
	}
	return "/hls/" + found[1]
}

// open begins a look, and returns the address of its media playlist and what that holds.
func open(t *testing.T, st *stage) (at, list string) {
	t.Helper()
	answer, main := st.get(t, "/hls/index.m3u8")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", answer.Status, main)
	}
	at = address(t, main, `(?m)^(video\S+)$`)
	answer, list = st.get(t, at)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %v: %s", answer.Status, answer.Header, list)
	}
	return at, list
}

// TestHLSPrimed: playlist, parts and segments are there without a new picture, and ffprobe finds every picture in them.
func TestHLSPrimed(t *testing.T) {
	for name, c := range map[string]struct {
		film  func(t *testing.T) film
		codec string
	}{
		"H.264":    {func(t *testing.T) film { return parse(t, small) }, "h264"},
		"B-frames": {func(t *testing.T) film { return shoot(t, "320x180", 8, inB...) }, "h264"},
		"H.265":    {func(t *testing.T) film { return shoot(t, "320x180", 8, inH265...) }, "hevc"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, c.film(t).filled(2*50+30), Config{})
			_, list := open(t, st)
			_, file := st.get(t, address(t, list, `#EXT-X-MAP:URI="([^"]+)"`))
			segments := regexp.MustCompile(`(?m)^(\S+_seg\S+)$`).FindAllString(list, -1)
			for _, s := range segments {
				_, text := st.get(t, "/hls/"+s)
				file += text
			}
			if n := count(t, file, c.codec); n != 50*len(segments) || len(segments) != 2 {
				t.Errorf("%d pictures in %d segments", n, len(segments))
			}
			if answer, part := st.get(t, address(t, list, `#EXT-X-PART:[^\n]*URI="([^"]+)"`)); answer.StatusCode != http.StatusOK || len(part) < 100 {
				t.Errorf("a part: %s, %d bytes", answer.Status, len(part))
			}
		})
	}
}

// count has ffprobe decode a file.
func count(t *testing.T, file, codec string) int {
	t.Helper()
	need(t, "ffprobe")
	at := filepath.Join(t.TempDir(), "file.mp4")
	if err := os.WriteFile(at, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-count_frames", "-show_entries", "frame=pict_type:stream=codec_name", "-of", "csv=p=0", at).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(codec)) {
		t.Fatalf("%v: %s", err, out)
	}
	return len(regexp.MustCompile(`(?m)^[IPB],?$`).FindAll(out, -1))
}

// TestHLSGoesOn: a request for what is not there yet is answered as soon as it is.
func TestHLSGoesOn(t *testing.T) {
	st := newStage(t, parse(t, small).filled(2*50+30), Config{})
	at, list := open(t, st)
	hint := address(t, list, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"`)
	answered := make(chan string, 2)
	go func() { _, part := st.get(t, hint); answered <- part }()
	go func() { _, next := st.get(t, at+"&_HLS_msn=9&_HLS_part=8"); answered <- next }()
	roll(t, st.film)
	for range 2 {
		if text := receive(t, answered, "an answer"); len(text) < 100 {
			t.Errorf("%q", text)
		}
	}
}

// TestHLSLooks: a look lasts while its player asks, and only one muxer works for all.
func TestHLSLooks(t *testing.T) {
	st := newStage(t, parse(t, small).filled(2*50+30), Config{}, func(p *times) { p.idle, p.linger = 400*time.Millisecond, 300*time.Millisecond })
	roll(t, st.film)
	at, _ := open(t, st)
	open(t, st)
	if n := len(st.live.muxers); n != 1 || len(st.begun()) != 2 {
		t.Errorf("%d muxers, %d looks", n, len(st.begun()))
	}
	for range 2 {
		if l := st.ended(t); l.Why != WhyLeft || l.Way != HLS || l.By != "ada" {
			t.Errorf("%+v", l)
		}
	}
	if answer, text := st.get(t, at); answer.StatusCode != http.StatusGone || code(t, text) != "look-ended" {
		t.Errorf("%s: %s", answer.Status, text)
	}
	until(t, func() bool {
		st.live.mu.Lock()
		defer st.live.mu.Unlock()
		return len(st.live.muxers) == 0
	})
	open(t, st) // another begins
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it does not come true")
		}
	}
}

// TestHLSEnd: an ended look gets nothing more, not even what its requests wait for already.
func TestHLSEnd(t *testing.T) {
	st := newStage(t, parse(t, small).filled(2*50+30), Config{}, func(p *times) { p.silent = time.Minute })
	at, list := open(t, st)
	hint := address(t, list, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"`)
	status := make(chan int, 1)
	go func() { answer, _ := st.get(t, hint); status <- answer.StatusCode }()
	until(t, func() bool {
		st.live.looks.mu.Lock()
		defer st.live.looks.mu.Unlock()
		return st.live.looks.byID[st.begun()[0].ID].requests == 1
	})
	if n := st.live.EndWhere(func(l Look) bool { return l.By == "ada" }, "withdrawn"); n != 1 {
		t.Fatalf("%d looks ended", n)
	}
	roll(t, st.film)
	if got := receive(t, status, "an answer"); got != http.StatusGone {
		t.Errorf("the waiting request got %d", got)
	}
	if answer, _ := st.get(t, at); answer.StatusCode != http.StatusGone {
		t.Errorf("the next request: %s", answer.Status)
	}
	if l := st.ended(t); l.Why != "withdrawn" {
		t.Errorf("%+v", l)
	}
}

// TestHLSStreamEnds: silence, another stream and an ended ring end the looks, and requests that wait.
func TestHLSStreamEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end func(st *stage)
		why Why
	}{
		"silent":  {func(*stage) {}, WhySilent},
		"ring":    {func(st *stage) { st.film.ring.Close() }, WhySilent},
		"changed": {func(st *stage) { st.film.film.reconnect(); st.film.put(time.Now()) }, WhyChanged},
	} {
		t.Run(name, func(t *testing.T) {
			film := parse(t, small)
			st := newStage(t, film.filled(3*50), Config{}, func(p *times) { p.silent = time.Second })
			_, list := open(t, st)
			status := make(chan int, 1)
			go func() {
				answer, _ := st.get(t, address(t, list, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"`))
				status <- answer.StatusCode
			}()
			c.end(st)
			if l := st.ended(t); l.Why != c.why {
				t.Errorf("%+v", l)
			}
			if got := receive(t, status, "an answer"); got != http.StatusGone {
				t.Errorf("the waiting request got %d", got)
			}
		})
	}
}

// TestHLSRefused: what can't be served is said.
func TestHLSRefused(t *testing.T) {
	st := newStage(t, parse(t, small).filled(3*50), Config{PerCamera: 1})
	at, _ := open(t, st)
	_, query, _ := strings.Cut(at, "?")
	for path, want := range map[string]int{
		"/hls/index.m3u8":               503, // the only place is taken
		"/hls/index.m3u8?" + query:      200,
		"/hls/index.m3u8?look=0":        410,
		"/hls/video1_stream.m3u8":       410,
		"/hls/etc%2fpasswd?" + query:    404,
		"/hls/..%2f..%2fx?" + query:     404,
		at + "&_HLS_msn=x":              400,
		at + "&_HLS_msn=99999999999999": 400,
	} {
		if answer, text := st.get(t, path); answer.StatusCode != want {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
	if answer, text := st.do(t, http.MethodPost, "/hls/index.m3u8", "", ""); answer.StatusCode != 405 || code(t, text) != "method" {
		t.Errorf("%s: %s", answer.Status, text)
	}
	other := st.view()
	other.Camera = "gate"
	if _, err := st.live.looks.enter(st.begun()[0].ID, other.Camera); err == nil {
		t.Error("a look at one camera shows another")
	}
}

// TestHLSNoPicture: a camera that shows nothing, or nothing new, begins no look.
func TestHLSNoPicture(t *testing.T) {
	old := parse(t, small).filled(0)
	for n := range 100 {
		old.put(time.Now().Add(-time.Minute + time.Duration(n)*frame))
	}
	for name, film := range map[string]*filming{"nothing": parse(t, small).filled(0), "old": old} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, film, Config{}, func(p *times) { p.first = 100 * time.Millisecond })
			if answer, text := st.get(t, "/hls/index.m3u8"); answer.StatusCode != 503 || code(t, text) != "no-picture" {
				t.Errorf("%s: %s", answer.Status, text)
			}
			if len(st.begun()) != 0 || len(st.live.Looks()) != 0 {
				t.Errorf("a look began: %+v", st.begun())
			}
		})
	}
}

// TestHLSRequests: a look can't have any number of requests wait.
func TestHLSRequests(t *testing.T) {
	st := newStage(t, parse(t, small).filled(3*50), Config{}, func(p *times) { p.silent = time.Minute })
	_, list := open(t, st)
	hint := address(t, list, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"`)
	status := make(chan int, 3*maxRequests)
	for range 3 * maxRequests {
		go func() { answer, _ := st.get(t, hint); status <- answer.StatusCode }()
	}
	for range 2 * maxRequests {
		if got := receive(t, status, "a refusal"); got != http.StatusTooManyRequests {
			t.Errorf("got %d", got)
		}
	}
	roll(t, st.film)
	for range maxRequests {
		if got := receive(t, status, "an answer"); got != http.StatusOK {
			t.Errorf("got %d", got)
		}
	}
}

// TestHLSHostileUnits: whatever a camera sends, others go on.
func TestHLSHostileUnits(t *testing.T) {
	format := &camera.Format{Codec: camera.H264, SPS: []byte{0x67}, PPS: []byte{}}
	ring := camera.NewRing(camera.DefaultDepth)
	now := time.Now()
	for n := range 100 {
		ring.Put(&camera.Unit{Format: format, At: now, PTS: int64(n), Key: n%10 == 0, NALUs: [][]byte{{}, {0x65}, {0x41, 0xff}}})
	}
	st := newStage(t, parse(t, small).filled(3*50), Config{})
	hostile := &stage{Server: st.Server, live: st.live, film: &filming{ring: ring}, over: st.over}
	view := hostile.view()
	view.Camera = "hostile"
	w := newRecorder()
	st.live.HLS(w, newGet(t, "/hls/index.m3u8"), view)
	if w.Code < 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	open(t, st)
}

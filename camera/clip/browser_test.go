package clip_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
)

// page plays a film and says what it saw: its length, the brightness of its first picture, and that of some others
// after seeking to them, from the back to the front.
const page = `<!doctype html><video id=v muted preload=auto></video><script>
const v = document.getElementById('v'), seen = {}
const once = name => new Promise((done, fail) => {
	v.addEventListener(name, done, {once: true})
	v.addEventListener('error', () => fail(v.error.message), {once: true})
})
const light = () => {
	const c = new OffscreenCanvas(1, 1).getContext('2d')
	c.drawImage(v, 0, 0, 1, 1)
	return c.getImageData(0, 0, 1, 1).data[1]
}
const painted = () => new Promise(done => v.requestVideoFrameCallback(done))
const look = async () => {
	const first = painted(), loaded = once('loadeddata')
	const begun = performance.now()
	v.src = '/film'
	await loaded
	await first
	seen.firstAfter = performance.now() - begun
	seen.duration = v.duration
	seen.first = light()
	seen.seekable = v.seekable.length ? v.seekable.end(0) : 0
	seen.sought = {}
	for (const at of [8.5, 2.5, 6.5]) {
		const sought = once('seeked')
		v.currentTime = at
		await sought
		await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
		seen.sought[at] = light()
	}
}
look().catch(e => seen.error = String(e)).then(() => fetch('/seen', {method: 'POST', body: JSON.stringify(seen)}))
</script>`

// seen is what the page saw.
type seen struct {
	Error      string
	Duration   *float64
	First      float64
	FirstAfter float64
	Seekable   float64
	Sought     map[string]float64
}

// TestABrowserPlaysTheFilm has Chromium show, measure and seek in a film, whole and as a kill leaves it.
func TestABrowserPlaysTheFilm(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds to start")
	}
	shot.Need(t, "chromium")
	units := shot.Film(t, shot.Shot{Codec: camera.H264, Seconds: 10, Filter: shot.Steps})
	reordered := shot.Film(t, shot.Shot{Codec: camera.H264, Seconds: 10, Filter: shot.Steps, B: 2})
	shelf := openDisk(t)
	for name, film := range map[string]struct {
		id     clip.ID
		length float64
	}{
		"finished":                        {cliptest.Record(t, shelf, "ab12-f1", units), 10},
		"finished, with B pictures":       {cliptest.Record(t, shelf, "ab12-f3", reordered), 10},
		"broken off, as a kill leaves it": {cliptest.Break(t, shelf, "ab12-f2", units), 9},
	} {
		t.Run(name, func(t *testing.T) {
			got := watch(t, shelf, film.id)
			if got.Error != "" || got.Duration == nil {
				t.Fatalf("the browser saw %+v", got)
			}
			t.Logf("first picture after %.0f ms, %.2f s long, seekable to %.2f s, brightness %v", got.FirstAfter, *got.Duration, got.Seekable, got.Sought)
			if math.Abs(*got.Duration-film.length) > 0.15 || math.Abs(got.Seekable-film.length) > 0.15 {
				t.Errorf("it is %v s long, seekable to %v s, instead of %v s", *got.Duration, got.Seekable, film.length)
			}
			for at, light := range got.Sought {
				var second float64
				fmt.Sscan(at, &second)
				if want := brightness(second); math.Abs(light-want) > 8 {
					t.Errorf("at %s s its brightness is %v, not %v", at, light, want)
				}
			}
			if math.Abs(got.First-brightness(0)) > 8 || len(got.Sought) != 3 {
				t.Errorf("the first picture's brightness is %v, and it sought %d times", got.First, len(got.Sought))
			}
		})
	}
}

// brightness is what a second of [shot.Steps] looks like on a screen, from studio range.
func brightness(second float64) float64 { return (40 + 20*math.Floor(second) - 16) * 255 / 219 }

func watch(t *testing.T, shelf clip.Shelf, id clip.ID) (got seen) {
	t.Helper()
	said := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
	})
	mux.HandleFunc("GET /film", func(w http.ResponseWriter, r *http.Request) { serveFilm(t, w, r, shelf, id) })
	mux.HandleFunc("POST /seen", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		said <- b
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browse(ctx, t, server.URL)
	select {
	case b := <-said:
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	case <-ctx.Done():
		t.Fatal("the browser said nothing")
	}
	return got
}

func serveFilm(t *testing.T, w http.ResponseWriter, r *http.Request, shelf clip.Shelf, id clip.ID) {
	blob, err := shelf.Open(r.Context(), id)
	if err != nil {
		t.Error(err)
		return
	}
	reader, err := clip.NewReader(blob, id, cliptest.Key)
	if err != nil {
		t.Error(err)
		return
	}
	defer reader.Close()
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, reader)
}

// browse opens a page until the test ends.
func browse(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	// Not t.TempDir: Chromium's children may still write to it for a moment after they were killed.
	profile, err := os.MkdirTemp("", "loquet-chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
		"--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+profile, url)
	// A group of its own, so that its children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Cancel()
		_ = cmd.Wait()
		_ = os.RemoveAll(profile)
	})
}

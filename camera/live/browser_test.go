package live

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "embed"
)

//go:embed testdata/play.html
var playPage []byte

// seen is what the page measured in one round.
type seen struct {
	Error string `json:"error"`
	// First is how long it took from the beginning to the first picture, in milliseconds.
	First float64 `json:"first"`
	// Shown are the pictures that were shown: the number written into each, and the wall clock in milliseconds.
	Shown []struct {
		Number int     `json:"number"`
		At     float64 `json:"at"`
	} `json:"shown"`
}

// theatre is a server with one camera, and a page that plays it.
type theatre struct {
	*httptest.Server
	live    *Server
	film    *filming
	results chan seen
}

func openTheatre(t *testing.T, film *filming) *theatre {
	t.Helper()
	th := &theatre{live: listen(t, Config{}), film: film, results: make(chan seen, 1)}
	view := View{Camera: "door", By: "test", Ring: film.ring, Sessions: "/session"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /play", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(playPage) })
	mux.HandleFunc("POST /whep", func(w http.ResponseWriter, r *http.Request) { th.live.WHEP(w, r, view) })
	mux.HandleFunc("/session/{id}", func(w http.ResponseWriter, r *http.Request) { th.live.Session(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /hls/{file}", func(w http.ResponseWriter, r *http.Request) { th.live.HLS(w, r, view) })
	mux.HandleFunc("GET /hls.mjs", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "/tmp/hls/package/dist/hls.light.min.mjs")
	})
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		var s seen
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			s.Error = err.Error()
		}
		th.results <- s
	})
	th.Server = httptest.NewServer(mux)
	t.Cleanup(th.Close)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); film.roll(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return th
}

// visit starts Chromium on the page, which plays that many rounds, and returns what it saw.
func (th *theatre) visit(t *testing.T, way string, rounds int, watch time.Duration) []seen {
	t.Helper()
	need(t, "chromium")
	url := th.URL + "/play?way=" + way + "&rounds=" + strconv.Itoa(rounds) + "&watch=" + strconv.FormatInt(watch.Milliseconds(), 10)
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--mute-audio", "--autoplay-policy=no-user-gesture-required", "--user-data-dir="+t.TempDir(), url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its own process group
		_ = cmd.Wait()
	}()
	var all []seen
	for len(all) < rounds {
		select {
		case s := <-th.results:
			if s.Error != "" {
				t.Fatalf("round %d: %s", len(all)+1, s.Error)
			}
			all = append(all, s)
		case <-time.After(watch + 30*time.Second):
			t.Fatalf("Chromium did not answer: %s", log.String())
		}
	}
	return all
}

// TestFirstPicture measures in a real browser, from the beginning to the first picture, and how old the picture is.
func TestFirstPicture(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("LOQUET_MEDIA_ROUNDS")); err == nil {
		rounds = n
	}
	film := shoot(t, "1280x720", 20, inH264...)
	for way, limit := range map[string]time.Duration{"whep": 250 * time.Millisecond, "hlsjs": 400 * time.Millisecond, "native": 400 * time.Millisecond} {
		if w := os.Getenv("WAY"); w != "" && !strings.Contains(w, way) {
			continue
		}
		t.Run(way, func(t *testing.T) {
			p := film.filled(6*25 + 33)
			th := openTheatre(t, p)
			all := th.visit(t, way, rounds, 3*time.Second)
			report(t, p, all, limit)
		})
	}
}

func at(ms float64) time.Time { return time.UnixMicro(int64(ms * 1000)) }

func report(t *testing.T, p *filming, all []seen, limit time.Duration) {
	var first, lag, current []float64
	for _, s := range all {
		first = append(first, s.First)
		caught := -1.0
		begun := s.Shown[0].At - s.First
		for i, f := range s.Shown {
			age := p.age(f.Number, at(f.At))
			if age < 500*time.Millisecond && caught < 0 {
				caught = f.At - begun
			}
			if i < 4 || i == len(s.Shown)-1 {
				t.Logf("  n %d at +%.0f age %v", f.Number, f.At-begun, age.Round(time.Millisecond))
			}
		}
		current = append(current, caught)
		end := s.Shown[len(s.Shown)-1]
		lag = append(lag, float64(p.age(end.Number, at(end.At)).Milliseconds()))
	}
	t.Logf("first picture %v ms, median %.0f", first, median(first))
	t.Logf("current (younger than 500 ms) after %v ms, median %.0f", current, median(current))
	t.Logf("lag at the end %v ms, median %.0f; limit %v", lag, median(lag), limit)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

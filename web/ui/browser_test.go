package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// shown is what the page of the browser test shows.
type shown struct {
	Mark, Label, Action, Say, Alarm, Person, Fixed, To, Answer, Chosen, Typed, Options, Tag string
	Age, Fresh, Alarms                                                                      int
	// Over is the end of what a form was answered with: Answer.
	Open, Wrong, Over, Ticked bool
	// Quiet has nobody be told of the change, and Elsewhere has a form lead to another address.
	Quiet, Elsewhere bool
}

// studio serves one page that lives, and lets a script in that page change it.
type studio struct {
	t       *testing.T
	kit     *ui.Kit
	results chan []byte

	mu      sync.Mutex
	now     shown
	step    int
	refused bool
	count   int
	muffled bool
	wakes   map[chan struct{}]bool
	cut     map[int]context.CancelFunc
	// asked is the address of the page that was asked for last.
	asked string
	// late has a page wait on its way once it is made, hold is the same until one does, and held says that one did.
	late, hold chan struct{}
	held       bool
}

func newStudio(t *testing.T) *studio {
	script, err := os.ReadFile("testdata/check.mjs")
	if err != nil {
		t.Fatal(err)
	}
	k := newKit(t)
	if err := k.Embed("check", fstest.MapFS{"check.mjs": {Data: script}}); err != nil {
		t.Fatal(err)
	}
	return &studio{t: t, kit: k, results: make(chan []byte, 1), now: shown{Label: "Block", Action: "block", Person: "Ana", Fixed: "same", Tag: "first", Options: "a b c", Fresh: 60000, Open: true},
		step: 1, wakes: map[chan struct{}]bool{}, cut: map[int]context.CancelFunc{}}
}

func (s *studio) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /live", s.live)
	mux.HandleFunc("POST /act", s.act)
	mux.HandleFunc("POST /test/state", s.change)
	mux.HandleFunc("POST /test/muffle", s.muffle)
	mux.HandleFunc("POST /test/cut", s.cutOff)
	mux.HandleFunc("POST /test/hold", s.holdUp)
	mux.HandleFunc("GET /test/held", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = io.WriteString(w, strconv.FormatBool(s.held))
	})
	mux.HandleFunc("GET /test/asked", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = io.WriteString(w, s.asked)
	})
	mux.HandleFunc("GET /test/count", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = io.WriteString(w, strconv.Itoa(s.count))
	})
	mux.HandleFunc("GET /test/streams", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = io.WriteString(w, strconv.Itoa(len(s.wakes)))
	})
	mux.HandleFunc("POST /test/results", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.results <- body
	})
	all := http.NewServeMux()
	all.Handle("/assets/", s.kit.Assets())
	all.Handle("/", s.kit.Guard(mux))
	return all
}

func (s *studio) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	until := s.hold
	s.hold, s.held, s.asked = nil, false, r.URL.RequestURI()
	s.mu.Unlock()
	s.answer(&lateWriter{w, s, until}, r, http.StatusOK)
}

// holdUp has the next page be old when it comes: "on" until "off".
func (s *studio) holdUp(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(body) == "on" {
		s.late = make(chan struct{})
		s.hold, s.held = s.late, false
		return
	}
	close(s.late)
}

// lateWriter sends nothing before until is closed, if it is anything.
type lateWriter struct {
	http.ResponseWriter
	s     *studio
	until <-chan struct{}
}

func (l *lateWriter) Write(b []byte) (int, error) {
	if l.until != nil {
		l.s.mu.Lock()
		l.s.held = true
		l.s.mu.Unlock()
		<-l.until
	}
	return l.ResponseWriter.Write(b)
}

func (s *studio) answer(w http.ResponseWriter, r *http.Request, status int) {
	s.mu.Lock()
	here := "/"
	if r.Method == http.MethodGet {
		here = r.URL.RequestURI()
	}
	p := ui.Page{App: ui.Customer, Title: "Live", Step: strconv.Itoa(s.step), Live: "/live", Modules: []string{"check/check.mjs"}, Main: s.main(true), Status: status, Still: s.refused,
		Here: here, Zone: "Europe/Paris", Person: s.now.Person, Say: s.now.Say, Nav: s.nav()}
	s.mu.Unlock()
	s.kit.Render(w, r, p)
}

func (s *studio) nav() []ui.NavItem {
	return []ui.NavItem{{Href: "/", Text: "Alarms", Count: s.now.Alarms, Here: true}}
}

// main is the page's content now, in the answer to a form or not.
func (s *studio) main(answers bool) templ.Component {
	now, step, refused := s.now, s.step, s.refused
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		fmt.Fprintf(w, `<h1>Step %d</h1><p id="mark">%s</p><details id="more"><summary>More</summary><p>%s</p></details>`, step, now.Mark, now.Mark)
		if answers && now.Answer != "" {
			fmt.Fprintf(w, `<div id="answer" data-said>%s</div>`, now.Answer)
		} else if now.Over {
			fmt.Fprint(w, `<div id="answer" hidden></div>`)
		}
		fmt.Fprint(w, `<div id="value">`)
		age := time.Duration(now.Age) * time.Millisecond
		value := ui.Seen(ui.Reading{Age: age, Fresh: time.Duration(now.Fresh) * time.Millisecond, Was: "was: open"})
		if err := value.Render(templ.WithChildren(ctx, ui.Age(age)), w); err != nil {
			return err
		}
		fmt.Fprint(w, `</div>`)
		inside := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			if refused {
				if err := ui.ErrorSummary([]ui.Wrong{{Field: "note", Text: "Too short"}}).Render(ctx, w); err != nil {
					return err
				}
			}
			fmt.Fprint(w, `<label for="choice">Choice</label><select id="choice" name="choice">`)
			for _, value := range strings.Fields(now.Options) {
				fmt.Fprintf(w, `<option value=%q%s>%s</option>`, value, map[bool]string{true: " selected"}[value == now.Chosen], value)
			}
			fmt.Fprint(w, `</select>`)
			fmt.Fprintf(w, `<input type="hidden" name="tag" value="%s"><input type="hidden" name="fixed" value="%s"><label for="note">Note</label><input id="note" name="note" value="%s">
				<label><input id="tick" type="checkbox" name="tick"%s>Tick</label>
				<button id="act" type="submit" class="button primary" data-action-id="%s">%s</button>`,
				now.Tag, now.Fixed, now.Typed, map[bool]string{true: " checked"}[now.Ticked], now.Action, now.Label)
			return nil
		})
		return ui.Form("/act"+now.To).Render(templ.WithChildren(ctx, inside), w)
	})
}

func (s *studio) live(w http.ResponseWriter, r *http.Request) {
	wake := make(chan struct{}, 1)
	ctx, cut := context.WithCancel(r.Context())
	s.mu.Lock()
	s.wakes[wake] = true
	id := len(s.cut)
	s.cut[id] = cut
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.wakes, wake)
	}()
	s.kit.Live(&muffler{w, s}, r.WithContext(ctx), ui.LiveView{Wake: wake, Render: func(context.Context) (ui.Frame, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return ui.Frame{Title: "Live", Step: strconv.Itoa(s.step), Main: s.main(false), Open: s.now.Open, Say: s.now.Say, Alarm: s.now.Alarm, Nav: s.nav()}, nil
	}})
}

// muffler loses what is sent while the studio says so, as a network does that is not cut.
type muffler struct {
	http.ResponseWriter
	s *studio
}

func (m *muffler) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (m *muffler) Write(b []byte) (int, error) {
	m.s.mu.Lock()
	muffled := m.s.muffled
	m.s.mu.Unlock()
	if muffled {
		return len(b), nil
	}
	return m.ResponseWriter.Write(b)
}

func (s *studio) act(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	wrong, to := s.now.Wrong, "/"
	if s.now.Elsewhere {
		to = "/?elsewhere"
	}
	if s.refused = wrong; !wrong {
		s.count++
		s.step++
	}
	s.mu.Unlock()
	if wrong {
		s.answer(w, r, http.StatusUnprocessableEntity)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *studio) change(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Quiet, s.refused = false, false
	if err := json.NewDecoder(r.Body).Decode(&s.now); err != nil {
		s.t.Error(err)
	}
	for wake := range s.wakes {
		if s.now.Quiet {
			continue
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

func (s *studio) muffle(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muffled = string(body) == "on"
}

func (s *studio) cutOff(http.ResponseWriter, *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cut := range s.cut {
		cut()
	}
}

// visit has Chromium look at a page.
func visit(t *testing.T, at string) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is needed: make need installs it")
	}
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--accept-lang=en", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), at)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group that it leads
		_ = cmd.Wait()
	})
}

// TestPagesInABrowser runs testdata/check.mjs inside a live page.
func TestPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a browser and half a minute")
	}
	s := newStudio(t)
	srv := httptest.NewServer(s.handler())
	defer srv.Close()
	defer s.kit.EndStreams()
	visit(t, srv.URL+"/")
	var got struct {
		Words      map[int64][2]string
		Clock      string
		Failed     map[string]string
		Violations []string
	}
	select {
	case body := <-s.results:
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Minute):
		t.Fatal("the page did not answer")
	}
	for name, why := range got.Failed {
		t.Errorf("%s: %s", name, why)
	}
	if len(got.Violations) > 0 || got.Clock != "16:02:48" {
		t.Errorf("violations %q, clock %q", got.Violations, got.Clock)
	}
	for ms, said := range got.Words {
		d := time.Duration(ms) * time.Millisecond
		if want := [2]string{ui.Ago(phrase.English, d), ui.Span(d)}; said != want {
			t.Errorf("%v: the page says %q, the server %q", d, said, want)
		}
	}
	if len(got.Words) != 10 {
		t.Errorf("%d texts were compared", len(got.Words))
	}
}

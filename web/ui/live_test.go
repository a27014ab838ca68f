package ui_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// wire is a browser's end of a stream: what has arrived, in whole events.
type wire struct {
	mu       sync.Mutex
	header   http.Header
	status   int
	pending  strings.Builder
	arrived  strings.Builder
	deadline time.Time
	broken   bool
}

func (w *wire) Header() http.Header { return w.header }

func (w *wire) WriteHeader(status int) { w.status = status }

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		return 0, errors.New("broken")
	}
	return w.pending.Write(b)
}

func (w *wire) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived.WriteString(w.pending.String())
	w.pending.Reset()
	return nil
}

func (w *wire) SetWriteDeadline(at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = at
	return nil
}

// take returns the events that arrived since the last time, without their ids.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var events []string
	for one := range strings.SplitSeq(strings.TrimSuffix(w.arrived.String(), "\n\n"), "\n\n") {
		var kept []string
		for line := range strings.SplitSeq(one, "\n") {
			switch {
			case strings.HasPrefix(line, "id: "), line == "":
			case strings.HasPrefix(line, "event: "):
				kept = append(kept, line[len("event: "):])
			default:
				kept = append(kept, strings.TrimPrefix(strings.TrimPrefix(line, "data: "), "data:"))
			}
		}
		if len(kept) > 0 {
			events = append(events, strings.Join(kept, "|"))
		}
	}
	w.arrived.Reset()
	return events
}

// stage is a live page in a bubble of virtual time.
type stage struct {
	kit  *ui.Kit
	wire *wire
	wake chan struct{}
	// frame is shown; fail is returned instead, and again is what Again says.
	mu          sync.Mutex
	frame       ui.Frame
	fail, again error
	renders     int
	leave       context.CancelFunc
	ended       chan struct{}
}

func newKit(t *testing.T) *ui.Kit {
	t.Helper()
	k, err := ui.New(ui.Options{Public: "https://loquet.example", Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t *testing.T, k *ui.Kit, f ui.Frame) *stage {
	t.Helper()
	ctx, leave := context.WithCancel(k.With(t.Context(), phrase.French))
	s := &stage{kit: k, wire: &wire{header: http.Header{}}, wake: make(chan struct{}, 1), frame: f, leave: leave, ended: make(chan struct{})}
	r := httptest.NewRequest(http.MethodGet, "/home/live", nil).WithContext(ctx)
	go func() {
		defer close(s.ended)
		defer func() { _ = recover() }() // http.ErrAbortHandler, as a server takes it
		k.Live(s.wire, r, ui.LiveView{Wake: s.wake, Render: s.render, Again: func(context.Context) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.again
		}, Who: "ana"})
	}()
	t.Cleanup(func() { leave(); <-s.ended })
	synctest.Wait()
	return s
}

func (s *stage) render(context.Context) (ui.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renders++
	return s.frame, s.fail
}

func (s *stage) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// woken changes what is shown, and says so.
func (s *stage) woken(change func()) {
	s.set(change)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	synctest.Wait()
}

// pass lets virtual time pass, and whatever is due then happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (s *stage) over(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-s.ended:
	default:
		t.Error("the stream goes on")
	}
}

// says is a main of one paragraph.
func says(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<h1>Door</h1>\r\n<p>"+text+"</p>")
		return err
	})
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, w := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], w) {
			t.Fatalf("arrived %q, want %q", got, want)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("arrived %q, want %q", got, want)
	}
}

func TestLiveShowsAtOnceAndWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Title: "Door open", Place: "Lys 4", Main: says("open"), Open: true, Say: "open now"})
		want(t, s.wire.take(), "retry: 1000", "title|Door open – Lys 4 – Loquet", "step|Door open", "view|<h1>Door</h1> |<p>open</p>", "say|open now", "beat|2000 946684800000")
		if s.wire.header.Get("Content-Type") != "text/event-stream" || s.wire.deadline.IsZero() {
			t.Errorf("header %v, deadline %v", s.wire.header, s.wire.deadline)
		}
		pass(500 * time.Millisecond)
		s.woken(func() { s.frame.Main, s.frame.Alarm = says("shut"), "ajar" })
		want(t, s.wire.take(), "view|<h1>Door</h1> |<p>shut</p>", "alarm|ajar", "beat|")
		pass(500 * time.Millisecond)
		s.woken(func() { s.frame.Alarm = "" })
		want(t, s.wire.take(), "alarm|", "beat|")
		pass(500 * time.Millisecond)
		s.woken(func() {})
		want(t, s.wire.take(), "beat|")
	})
}

func TestLiveTellsTheHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Main: says("a"), Nav: []ui.NavItem{{Href: "/operator/alarms", Text: "Alarms"}}})
		s.wire.take()
		pass(time.Second)
		s.woken(func() { s.frame.Nav = []ui.NavItem{{Href: "/operator/alarms", Text: "Alarms", Count: 2}} })
		got := s.wire.take()
		want(t, got, `nav|<nav class="ways"`, "beat")
		if !strings.Contains(got[0], `<span class="count">2</span>`) {
			t.Errorf("the header says %s", got[0])
		}
	})
}

func TestLiveBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Main: says("shut")})
		want(t, s.wire.take(), "retry", "view", "beat|15000 ")
		pass(14 * time.Second)
		want(t, s.wire.take())
		pass(time.Second)
		want(t, s.wire.take(), "beat|15000 946684815000")
		pass(time.Second)
		s.woken(func() { s.frame.Open = true })
		want(t, s.wire.take(), "beat|2000 ")
		pass(6 * time.Second)
		want(t, s.wire.take(), "beat|2000 ", "beat|2000 ", "beat|2000 ")
	})
}

func TestLiveGathersWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Main: says("0")})
		s.wire.take()
		pass(time.Second)
		for i := range 40 { // 10 ms apart: 400 ms of wakes
			s.woken(func() { s.frame.Main = says(fmt.Sprint(i)) })
			pass(10 * time.Millisecond)
		}
		pass(time.Second)
		if s.renders < 8 || s.renders > 10 {
			t.Errorf("rendered %d times", s.renders)
		}
		if got := s.wire.take(); !strings.Contains(got[len(got)-2], "<p>39</p>") {
			t.Errorf("the last state did not arrive: %q", got[len(got)-2:])
		}
	})
}

func TestLiveRendersAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Main: says("0"), Next: 5 * time.Second})
		s.wire.take()
		pass(5500 * time.Millisecond)
		s.set(func() { s.frame.Next = 0 })
		pass(5500 * time.Millisecond)
		if s.renders != 3 {
			t.Errorf("rendered %d times in 11 s", s.renders)
		}
		pass(time.Minute)
		if s.renders != 3 {
			t.Errorf("rendered %d times, though there was nothing more to come", s.renders)
		}
	})
}

func TestLiveEnds(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(*stage)
		gone bool
	}{
		"the server shuts down":     {func(s *stage) { s.kit.EndStreams() }, true},
		"whoever wakes it has gone": {func(s *stage) { close(s.wake) }, true},
		"the person may no longer look": {func(s *stage) {
			s.set(func() { s.again = errors.New("signed out") })
			pass(15 * time.Second)
		}, true},
		"the page is left":        {func(s *stage) { s.leave() }, false},
		"the state can't be read": {func(s *stage) { s.woken(func() { s.fail = errors.New("no store") }) }, false},
		"what it shows has gone":  {func(s *stage) { s.woken(func() { s.fail = fmt.Errorf("a visit: %w", ui.ErrGone) }) }, true},
		"the page can't be made":  {func(s *stage) { s.woken(func() { s.frame.Main = broken }) }, false},
		"a page that panics":      {func(s *stage) { s.woken(func() { s.frame.Main = panics }) }, false},
		"the browser takes nothing": {func(s *stage) {
			s.wire.mu.Lock()
			s.wire.broken = true
			s.wire.mu.Unlock()
			pass(15 * time.Second)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, newKit(t), ui.Frame{Main: says("shut")})
				s.wire.take()
				pass(time.Second)
				end.do(s)
				s.over(t)
				got := s.wire.take()
				if gone := len(got) > 0 && strings.HasPrefix(got[len(got)-1], "gone|"); gone != end.gone {
					t.Errorf("arrived %q", got)
				}
			})
		})
	}
}

var (
	broken = templ.ComponentFunc(func(context.Context, io.Writer) error { return errors.New("broken") })
	panics = templ.ComponentFunc(func(context.Context, io.Writer) error { panic("broken") })
)

// TestABusyPageIsAskedWhetherItMayGoOn: being woken all the time is no way around Again.
func TestABusyPageIsAskedWhetherItMayGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Main: says("0")})
		s.set(func() { s.again = errors.New("signed out") })
		for i := range 160 { // 16 s
			pass(100 * time.Millisecond)
			s.woken(func() { s.frame.Main = says(fmt.Sprint(i)) })
		}
		s.over(t)
	})
}

func TestLiveEndsAtOnceAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		k.EndStreams()
		k.EndStreams()
		s := open(t, k, ui.Frame{Main: says("shut")})
		s.over(t)
	})
}

func TestOnePersonHoldsNotTooManyStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		var open20 []*stage
		for range 20 {
			open20 = append(open20, open(t, k, ui.Frame{Main: says("shut")}))
		}
		one := open(t, k, ui.Frame{Main: says("shut")})
		one.over(t)
		if one.wire.status != http.StatusTooManyRequests || one.wire.header.Get("Retry-After") == "" {
			t.Errorf("the 21st: status %d, header %v", one.wire.status, one.wire.header)
		}
		open20[3].leave()
		open20[3].over(t)
		if again := open(t, k, ui.Frame{Main: says("shut")}); again.wire.status != 0 || len(again.wire.take()) == 0 {
			t.Error("one that was left still counts")
		}
	})
}

// TestNothingSentCanBreakOutOfItsEvent: what people wrote stays data, whatever line ends are in it.
func TestNothingSentCanBreakOutOfItsEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Title: "a\n\nevent: gone\ndata: 1\r\revent: beat", Main: says("b\r\n\r\nevent: gone")})
		s.wire.mu.Lock()
		raw := s.wire.arrived.String()
		s.wire.mu.Unlock()
		for line := range strings.SplitSeq(raw, "\n") {
			if strings.Contains(line, "\r") || strings.HasPrefix(line, "event: gone") {
				t.Errorf("sent as a field: %q", line)
			}
		}
	})
}

// TestLivePagesAreOfTheirMoment: each state is rendered in the person's language, at its own time.
func TestLivePagesAreOfTheirMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newKit(t), ui.Frame{Main: templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			v := ui.ViewOf(ctx)
			_, err := io.WriteString(w, string(v.Lang)+" "+v.Now.UTC().Format(time.TimeOnly))
			return err
		})})
		s.wire.take()
		pass(80 * time.Second)
		s.wire.take()
		s.woken(func() {})
		want(t, s.wire.take(), "view|fr 00:01:20", "beat")
	})
}

package ui

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/a-h/templ"
)

// LiveView is what a page's event stream shows.
type LiveView struct {
	// Wake says that something may have changed. When it is closed the stream ends, and the page asks again.
	Wake <-chan struct{}
	// Render is the state now. It runs in one goroutine, never twice at once.
	Render func(context.Context) (Frame, error)
	// Again checks anew, at each beat, that the person may still look; nil if anybody may.
	Again func(context.Context) error
	// Who is whose stream it is, so that one person does not hold too many; "" without a limit.
	Who string
}

// Frame is one state of a page.
type Frame struct {
	// Title and Place are as in Page; Title "" leaves the browser's title alone.
	Title, Place string
	// Step is as in Page.
	Step string
	Main templ.Component
	// Nav is the header's ways, if their counts change with the state; nil leaves them alone.
	Nav []NavItem
	// Say is read out by screen readers, Alarm at once. Each is sent when it changes.
	Say, Alarm string
	// Open says that something stands open or is under way: the link is checked every 2 s, else every 15 s.
	Open bool
	// Next is when to render again without being woken; 0 is never.
	Next time.Duration
}

const (
	beatOpen  = 2 * time.Second
	beatQuiet = 15 * time.Second
	// breath is how long wakes are gathered after a rendering.
	breath = 50 * time.Millisecond
	// writeWithin bounds how long a browser may take to accept what is sent.
	writeWithin = 10 * time.Second
)

// Live serves a page's event stream until the page is left, EndStreams is called, or Again or Render fails. A Render that
// fails is logged, but for ErrGone.
//
// On the wire (server-sent events; the id is the milliseconds since the stream began, so that a page can tell how late
// something came): "view" carries the inside of <main>, "nav" the header's ways, "title", "step", "say" and "alarm" a text each, "beat" the
// milliseconds until the next beat and the server's time, for being shown, and "gone" says that the page is to be loaded again.
func (k *Kit) Live(w http.ResponseWriter, r *http.Request, v LiveView) {
	if !k.streams.enter(v.Who) {
		w.Header().Set("Retry-After", "15")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer k.streams.leave(v.Who)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	l := &link{kit: k, view: v, out: http.NewResponseController(w), w: w, began: time.Now()}
	defer l.panicked(r)
	l.run(r.Context())
}

// link is one open stream. What it keeps while it waits is counted: thousands are open at once.
type link struct {
	kit   *Kit
	view  LiveView
	out   *http.ResponseController
	w     http.ResponseWriter
	began time.Time
	// shown is when the state was sent last, and said are digests of it: equal things are sent once.
	shown time.Time
	said  [kinds]digest
	open  bool
	next  time.Duration
}

type digest [sha256.Size]byte

// The kinds of what is sent of a state, in the order in which they are sent.
const (
	sentTitle = iota
	sentStep
	sentNav
	sentView
	sentSay
	sentAlarm
	kinds
)

var kindNames = [kinds]string{"title", "step", "nav", "view", "say", "alarm"}

// ErrGone, from Render, has the page loaded again: what it showed is not there any more, or is not the person's to see.
var ErrGone = errors.New("ui: the page is to be loaded again")

// errEnd ends a stream, after the page was told to load again.
var errEnd = errors.New("ui: the stream ends")

// run sends the state at once, then whenever it is woken or its time has come, and beats in between.
func (l *link) run(ctx context.Context) {
	render, beat := time.NewTimer(0), time.NewTimer(l.interval())
	defer render.Stop()
	defer beat.Stop()
	wake := l.view.Wake
	for err := error(nil); err == nil; {
		select {
		case <-ctx.Done():
			return
		case <-l.kit.streams.ended:
			err = l.gone()
		case _, ok := <-wake:
			if wake = nil; !ok {
				err = l.gone()
			}
			render.Reset(max(0, breath-time.Since(l.shown)))
		case <-render.C:
			wake = l.view.Wake
			before := l.interval()
			if err = l.show(ctx, wake); l.next > 0 {
				render.Reset(max(l.next, breath))
			}
			// A page that is woken all the time is asked whether it may go on all the same.
			if l.interval() != before {
				beat.Reset(l.interval())
			}
		case <-beat.C:
			err = l.beat(ctx)
			beat.Reset(l.interval())
		}
	}
}

func (l *link) interval() time.Duration {
	if l.open {
		return beatOpen
	}
	return beatQuiet
}

// show renders the state now, and sends what differs from what was sent.
func (l *link) show(ctx context.Context, wake <-chan struct{}) error {
	select {
	case <-wake: // what it tells is in the rendering that follows; a closed one is met again
	default:
	}
	html, nav, out := buffers.get(), buffers.get(), buffers.get()
	defer buffers.put(html)
	defer buffers.put(nav)
	defer buffers.put(out)
	now := l.kit.later(ctx)
	f, err := l.view.Render(now)
	if err == nil {
		err = render(now, f.Main, html)
	}
	if err == nil && f.Nav != nil {
		err = render(now, navigation(f.Nav), nav)
	}
	if err != nil {
		return l.broke(ctx, err)
	}
	l.tell(f, html.Bytes(), nav.Bytes(), out)
	return l.flush(out)
}

// tell writes what differs from what was sent, and a beat.
func (l *link) tell(f Frame, html, nav []byte, out *bytes.Buffer) {
	if l.shown.IsZero() {
		out.WriteString("retry: 1000\n\n")
	}
	title := ""
	if f.Title != "" {
		title = fullTitle(f.Title, f.Place)
	}
	l.open, l.next, l.shown = f.Open, f.Next, time.Now()
	for i, said := range [kinds][]byte{sentTitle: []byte(title), sentStep: []byte(cmp.Or(f.Step, f.Title)), sentNav: nav, sentView: html,
		sentSay: []byte(f.Say), sentAlarm: []byte(f.Alarm)} {
		if sum := sha256.Sum256(said); sum != l.said[i] && (len(said) > 0 || l.said[i] != digest{}) {
			l.said[i] = sum
			l.put(out, kindNames[i], said)
		}
	}
	l.put(out, "beat", l.beatData())
}

// broke ends a stream whose state can't be told; the browser asks again by itself.
func (l *link) broke(ctx context.Context, err error) error {
	if errors.Is(err, ErrGone) {
		return l.gone()
	}
	l.kit.Broke(ctx, "a live page broke", fmt.Errorf("%s: %w", ViewOf(ctx).Path, err))
	return errEnd
}

// panicked is for a rendering that broke in the middle of a stream: the connection is cut, and nothing more.
func (l *link) panicked(r *http.Request) {
	if broke := recover(); broke != nil {
		l.kit.Log.Error("a live page broke", "reference", ViewOf(r.Context()).Reference, "panic", broke, "stack", string(debug.Stack()))
		panic(http.ErrAbortHandler)
	}
}

func (l *link) beat(ctx context.Context) error {
	if l.view.Again != nil && l.view.Again(ctx) != nil {
		return l.gone()
	}
	out := buffers.get()
	defer buffers.put(out)
	l.put(out, "beat", l.beatData())
	return l.flush(out)
}

func (l *link) beatData() []byte {
	return fmt.Appendf(nil, "%d %d", l.interval().Milliseconds(), l.kit.Now().UnixMilli())
}

// gone tells the page to load again, and ends the stream.
func (l *link) gone() error {
	out := buffers.get()
	defer buffers.put(out)
	l.put(out, "gone", []byte("1"))
	return errors.Join(errEnd, l.flush(out))
}

// put writes one event. Each line of the data is a field of its own.
func (l *link) put(out *bytes.Buffer, name string, data []byte) {
	fmt.Fprintf(out, "id: %d\nevent: %s\n", time.Since(l.began).Milliseconds(), name)
	for line := range bytes.Lines(data) {
		out.WriteString("data: ")
		// A carriage return would end the field; in HTML and texts it is white space.
		out.Write(bytes.ReplaceAll(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'}, []byte{' '}))
		out.WriteByte('\n')
	}
	if len(data) == 0 {
		out.WriteString("data:\n")
	}
	out.WriteByte('\n')
}

func (l *link) flush(out *bytes.Buffer) error {
	// Where no deadline can be set, the connection's own ends are what is left.
	_ = l.out.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := l.w.Write(out.Bytes()); err != nil {
		return errEnd
	}
	if err := l.out.Flush(); err != nil {
		return errEnd
	}
	return nil
}

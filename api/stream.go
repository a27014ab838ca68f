package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

const eventStream = "text/event-stream"

// streamsAtOnce is how many streams one principal may hold open.
const streamsAtOnce = 20

// writeWithin bounds how long a client may take to accept what is sent.
const writeWithin = 30 * time.Second

// streams are the open streams of events.
type streams struct {
	// heartbeat is how long a stream may be silent; 15 seconds but in tests.
	heartbeat time.Duration
	ended     chan struct{}
	once      sync.Once

	mu   sync.Mutex
	open map[string]int
}

func newStreams() *streams {
	return &streams{heartbeat: 15 * time.Second, ended: make(chan struct{}), open: map[string]int{}}
}

func (s *streams) end() { s.once.Do(func() { close(s.ended) }) }

// enter counts a stream in, or refuses one too many.
func (s *streams) enter(who string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[who] >= streamsAtOnce {
		return problem(http.StatusTooManyRequests, "too-many-streams", "Too many streams are open already. Close one first.").with("Retry-After", "15")
	}
	s.open[who]++
	return nil
}

func (s *streams) leave(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[who]--; s.open[who] == 0 {
		delete(s.open, who)
	}
}

// LastEventID says where a stream broke off.
type LastEventID struct {
	Last string `header:"Last-Event-ID" maxLength:"64" doc:"The id of the last event that arrived"`
}

// after returns the sequence of the last event that arrived, 0 for none.
func (l LastEventID) after(at event.SiteID) (uint64, error) {
	if l.Last == "" {
		return 0, nil
	}
	rest, ours := strings.CutPrefix(l.Last, string(at)+"-")
	seq, err := strconv.ParseUint(rest, 10, 63)
	if !ours || err != nil {
		return 0, invalid("header.Last-Event-ID", "not the id of an event of this stream")
	}
	return seq, nil
}

func eventID(e event.Event) string { return string(e.Site) + "-" + strconv.FormatUint(e.Seq, 10) }

// pick chooses what is sent of an event. last ends the stream with it.
type pick func(e event.Event) (data any, send, last bool)

// follow makes a stream of a site's journal: from begins the reading, and of that only what comes after is sent.
type follow struct {
	api   *API
	who   string
	at    event.SiteID
	from  uint64
	after uint64
	pick  pick
}

// FollowDeliveryInput is what FollowDelivery takes.
type FollowDeliveryInput struct {
	DeliveryPath
	LastEventID
}

// FollowDelivery is the operation followDelivery: follow a delivery.
func (a *API) FollowDelivery(ctx context.Context, c auth.Client, in *FollowDeliveryInput) (*huma.StreamResponse, error) {
	s, err := a.summary(ctx, c, in.Delivery)
	if err != nil {
		return nil, err
	}
	after, err := in.after(s.Site)
	if err != nil {
		return nil, err
	}
	from, err := sequenceOf(in.Delivery)
	if err != nil {
		return nil, notFound("delivery")
	}
	state, err := a.Dispatch.Load(ctx, s.Site)
	if err != nil {
		return nil, err
	}
	t := &thread{delivery: in.Delivery}
	lang := callOf(ctx).lang
	f := follow{api: a, who: "key/" + c.Key(), at: s.Site, from: from - 1, after: after, pick: func(e event.Event) (any, bool, bool) {
		if c.Role() != auth.Operator {
			e = discreet(e)
		}
		h, ok := t.take(lang, state.Zone, e)
		return h, ok, ok && t.ended()
	}}
	return f.stream()
}

// FollowHomeInput is what FollowHome takes.
type FollowHomeInput struct {
	LastEventID
}

// FollowHome is the operation followHome: follow the journal.
func (a *API) FollowHome(ctx context.Context, m auth.Member, in *FollowHomeInput) (*huma.StreamResponse, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	after, err := in.after(s.Site)
	if err != nil {
		return nil, err
	}
	if in.Last == "" {
		after = s.Seq
	}
	lang, known := callOf(ctx).lang, a.kindsIn(s)
	f := follow{api: a, who: string(m.ID()), at: s.Site, from: after, after: after, pick: func(e event.Event) (any, bool, bool) {
		shown, err := known.homeEvent(ctx, lang, e)
		return shown, err == nil, gone(e.Body, m.ID())
	}}
	return f.stream()
}

// gone says whether a member has nothing more to see after an event.
func gone(body event.Body, m event.MemberID) bool {
	switch b := body.(type) {
	case event.SiteClosed:
		return true
	case event.MemberLeft:
		return b.Member == m
	}
	return false
}

func (f follow) stream() (*huma.StreamResponse, error) {
	if err := f.api.streams.enter(f.who); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.api.streams.leave(f.who)
		r, w := humago.Unwrap(hc)
		out := &sender{w: w, control: http.NewResponseController(w)}
		if err := f.run(r.Context(), out); err != nil {
			f.api.Log.Debug("a stream ended", "reference", callOf(r.Context()).reference, "error", err)
		}
		if !out.begun {
			// Everything was sent before: this keeps a browser from asking again.
			w.WriteHeader(http.StatusNoContent)
		}
	}}, nil
}

func (f follow) run(ctx context.Context, out *sender) error {
	grown, stop := f.api.Dispatch.Follow(f.at)
	defer stop()
	tick := time.NewTicker(f.api.streams.heartbeat)
	defer tick.Stop()
	for {
		over, err := f.sendNew(ctx, out)
		if err != nil || over {
			return err
		}
		if err := out.flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.api.streams.ended:
			return nil
		case <-grown:
		case <-tick.C:
			if err := callOf(ctx).again(ctx); err != nil {
				return err
			}
			if err := out.beat(); err != nil {
				return err
			}
		}
	}
}

// sendNew sends what the journal has gained.
func (f *follow) sendNew(ctx context.Context, out *sender) (over bool, err error) {
	const portion = 200
	for {
		events, err := f.api.Dispatch.Events(ctx, f.at, f.from, portion)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			f.from = e.Seq
			data, send, last := f.pick(e)
			if send && e.Seq > f.after {
				if err := out.send(e, data); err != nil {
					return false, err
				}
			}
			if last {
				return true, out.flushBegun()
			}
		}
		if len(events) < portion {
			return false, nil
		}
	}
}

// sender writes server-sent events (HTML Living Standard, section 9.2).
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (s *sender) begin() {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", eventStream)
		// Proxies that collect answers would keep a door's opening to themselves.
		s.w.Header().Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
	}
}

func (s *sender) send(e event.Event, data any) error {
	encoded, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("api: event %d: %w", e.Seq, err)
	}
	s.begin()
	s.hurry()
	_, err = fmt.Fprintf(s.w, "id: %s\nevent: %s\ndata: %s\n\n", eventID(e), e.Body.Kind(), encoded)
	return err
}

func (s *sender) beat() error {
	s.hurry()
	_, err := fmt.Fprint(s.w, ": still here\n\n")
	return err
}

// hurry bounds the next write, where the connection can be bounded.
func (s *sender) hurry() { _ = s.control.SetWriteDeadline(time.Now().Add(writeWithin)) }

func (s *sender) flush() error {
	s.begin()
	return s.control.Flush()
}

func (s *sender) flushBegun() error {
	if !s.begun {
		return nil
	}
	return s.control.Flush()
}

package customer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// lookFor is how long one look at the network takes, and lookMost how long a page goes on looking.
const (
	lookFor  = 3 * time.Second
	lookMost = time.Minute
)

// look asks the network once.
func (p *person) look() ([]api.Found, *api.Problem) {
	in := &api.DiscoverDevicesInput{Body: &api.DiscoverRequest{Seconds: int(lookFor / time.Second)}}
	out, problem := read(p, p.API.DiscoverHomeDevices, in)
	if problem != nil {
		return nil, problem
	}
	return slices.DeleteFunc(out.Body.Devices, func(f api.Found) bool { return f.Refused != "" }), nil
}

// search looks at the network again and again, and tells after each look.
type search struct {
	began time.Time
	heard chan struct{}

	mu    sync.Mutex
	found []api.Found
	over  bool
}

func (s *search) run(ctx context.Context, p *person) {
	for ctx.Err() == nil && p.Now().Sub(s.began) < lookMost {
		some, problem := p.look()
		if s.add(some); problem != nil {
			pause(ctx, lookFor) // somebody else is looking, or the broker is away
		}
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.tell()
}

func pause(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}

func (s *search) add(some []api.Found) {
	s.mu.Lock()
	for _, f := range some {
		if !slices.ContainsFunc(s.found, func(known api.Found) bool { return string(known.Config) == string(f.Config) }) {
			s.found = append(s.found, f)
		}
	}
	s.mu.Unlock()
	s.tell()
}

func (s *search) tell() {
	select {
	case s.heard <- struct{}{}:
	default:
	}
}

func (s *search) now() ([]api.Found, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.found), !s.over
}

// newDeviceLive looks at the network for as long as the page is open, a minute at most.
func (p *person) newDeviceLive() {
	is := event.BarrierKind(p.r.URL.Query().Get("is"))
	ctx, stop := context.WithCancel(p.ctx())
	s := &search{began: p.Now(), heard: make(chan struct{}, 1)}
	var looking sync.WaitGroup
	looking.Go(func() { s.run(ctx, p.during(ctx)) })
	defer looking.Wait()
	defer stop()
	p.liveBy(s.heard, func(p *person) (ui.Frame, error) {
		v, problem := p.deviceView(is)
		if problem != nil {
			return ui.Frame{}, problem
		}
		v.nearby, v.looking = s.now()
		v.since = p.Now().Sub(s.began)
		return ui.Frame{Title: p.say("enrol.device"), Place: p.say("enrol.step", "n", count(v.step), "of", count(enrolSteps)), Main: devicePage(v),
			Say: p.say("enrol.found", "n", count(len(v.nearby))), Open: v.looking}, nil
	})
}

// foundName is what a device on the network calls itself.
func foundName(ctx context.Context, f api.Found) string {
	if f.Name == "" {
		return words.T(ctx, "enrol.unnamed")
	}
	return f.Name
}

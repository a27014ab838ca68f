package camera_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/camera"
)

// script is a source whose runs are written down beforehand. The last one repeats.
type script struct {
	runs []func(ctx context.Context, sink func(*camera.Unit)) error

	mu    sync.Mutex
	begun []time.Time
}

func (s *script) Run(ctx context.Context, sink func(*camera.Unit)) error {
	s.mu.Lock()
	n := min(len(s.begun), len(s.runs)-1)
	s.begun = append(s.begun, time.Now())
	s.mu.Unlock()
	return s.runs[n](ctx, sink)
}

func (s *script) tries() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

func fails(why camera.Why) func(context.Context, func(*camera.Unit)) error {
	return func(context.Context, func(*camera.Unit)) error {
		return &camera.Fault{Why: why, Err: errors.New("told")}
	}
}

// films delivers a live picture for a while, and then loses its connection.
func films(d time.Duration) func(context.Context, func(*camera.Unit)) error {
	n := time.Now().UnixNano()
	return func(ctx context.Context, sink func(*camera.Unit)) error {
		film := newFilm()
		for i := range int(d / tick) {
			u := film.unit(i%25 == 0)
			n++
			u.NALUs[0] = append(u.NALUs[0], byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
			u.NALUs[0] = append(u.NALUs[0], make([]byte, n%89*31%97)...)
			u.At = time.Now()
			sink(u)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(tick):
			}
		}
		return &camera.Fault{Why: camera.NoAnswer}
	}
}

// pulling runs a script in virtual time until check returns.
func pulling(t *testing.T, s *script, check func(*camera.Pull, *camera.Ring)) {
	synctest.Test(t, func(*testing.T) {
		ring := camera.NewRing(camera.DefaultDepth)
		defer ring.Close()
		pull := camera.NewPull(s, ring, camera.NewJudge(time.Now()))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { pull.Run(ctx); close(done) }()
		check(pull, ring)
		cancel()
		<-done
	})
}

func TestPullProvesAndRecovers(t *testing.T) {
	s := &script{runs: []func(context.Context, func(*camera.Unit)) error{films(20 * time.Second)}}
	pulling(t, s, func(p *camera.Pull, ring *camera.Ring) {
		<-time.After(2100 * time.Millisecond)
		if v := p.Verdict(time.Now()); !v.Live || p.Fault() != nil {
			t.Errorf("%+v, %v", v, p.Fault())
		}
		reader := ring.Subscribe(camera.FromOldest, 1000)
		defer reader.Close()
		<-time.After(17_930 * time.Millisecond) // it has just failed
		if v := p.Verdict(time.Now()); v.Why != camera.NoAnswer || v.Live || p.Fault() == nil {
			t.Errorf("%+v, %v", v, p.Fault())
		}
		<-time.After(time.Second)
		if v := p.Verdict(time.Now()); v.Why != camera.TooFew {
			t.Errorf("the proof does not begin anew: %+v", v)
		}
		<-time.After(3 * time.Second)
		if v := p.Verdict(time.Now()); !v.Live {
			t.Errorf("%+v", v)
		}
		formats := map[*camera.Format]bool{}
		for _, item := range drain(reader) {
			formats[item.Unit.Format] = true
		}
		if len(formats) != 2 {
			t.Errorf("%d formats, one per connection expected", len(formats))
		}
	})
}

func TestPullWaitsLongerAndLonger(t *testing.T) {
	s := &script{runs: []func(context.Context, func(*camera.Unit)) error{fails(camera.NoAnswer)}}
	pulling(t, s, func(p *camera.Pull, _ *camera.Ring) {
		<-time.After(2 * time.Minute)
		tries := s.tries()
		if n := len(tries); n < 14 || n > 26 {
			t.Errorf("%d tries in two minutes", n)
		}
		if first := tries[1].Sub(tries[0]); first > 400*time.Millisecond {
			t.Errorf("second try after %v", first)
		}
		last := tries[len(tries)-1].Sub(tries[len(tries)-2])
		if last < 6*time.Second || last > 10*time.Second {
			t.Errorf("in the end a try every %v", last)
		}
		if p.Fault().Why != camera.NoAnswer {
			t.Errorf("%v", p.Fault())
		}
	})
}

func TestPullDoesNotTryPasswordsAgainAndAgain(t *testing.T) {
	for _, why := range []camera.Why{camera.WrongPassword, camera.NotFound, camera.NoVideo, camera.WrongFormat} {
		s := &script{runs: []func(context.Context, func(*camera.Unit)) error{fails(why)}}
		pulling(t, s, func(p *camera.Pull, _ *camera.Ring) {
			<-time.After(5 * time.Minute)
			if n := len(s.tries()); n < 4 || n > 7 {
				t.Errorf("%s: %d tries in five minutes", why, n)
			}
			if v := p.Verdict(time.Now()); v.Why != why || v.Since.IsZero() {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestPullBeginsItsPausesAnewAfterASteadyConnection(t *testing.T) {
	s := &script{runs: []func(context.Context, func(*camera.Unit)) error{
		fails(camera.Broken), fails(camera.Broken), fails(camera.Broken), fails(camera.Broken), films(15 * time.Second), fails(camera.Broken),
	}}
	pulling(t, s, func(*camera.Pull, *camera.Ring) {
		<-time.After(30 * time.Second)
		tries := s.tries()
		if pause := tries[5].Sub(tries[4].Add(15 * time.Second)); pause > 400*time.Millisecond {
			t.Errorf("comes back after %v", pause)
		}
	})
}

func TestErrorThatIsNoFaultIsToldAsNoAnswer(t *testing.T) {
	s := &script{runs: []func(context.Context, func(*camera.Unit)) error{
		func(context.Context, func(*camera.Unit)) error { return errors.New("cable") },
	}}
	pulling(t, s, func(p *camera.Pull, _ *camera.Ring) {
		<-time.After(time.Second)
		f := p.Fault()
		if f.Why != camera.NoAnswer || f.Error() != "no-answer: cable" || errors.Unwrap(f).Error() != "cable" {
			t.Errorf("%v", f)
		}
	})
	if text := (&camera.Fault{Why: camera.NoVideo}).Error(); text != "no-video" {
		t.Errorf("%q", text)
	}
}

package film

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// opened is a scene in which the door stands open, filmed by a picture that counts.
func opened(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.approach()
	synctest.Wait()
	s.scan()
	pass(time.Second)
	return s
}

// told requires how often the picture was lost and came back.
func (s *scene) told(lost, back int) {
	s.Helper()
	all := s.journal()
	if count[event.PictureLost](all) != lost || count[event.PictureBack](all) != back {
		s.Errorf("lost %d times and back %d times, not %d and %d: %s", count[event.PictureLost](all), count[event.PictureBack](all), lost, back, kinds(all))
	}
}

func TestEachChangeIsToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := opened(t)
		s.told(0, 0)
		for i, f := range []event.PictureFault{event.PictureStale, "", event.PictureUnserved} {
			s.crew.show(s.eye, f)
			pass(time.Second)
			s.told((i+2)/2, (i+1)/2)
			before := s.store.loaded(s.site)
			pass(20 * time.Second)
			// The dispatcher itself looks at the site now and then.
			if n := s.store.loaded(s.site) - before; n > 10 {
				t.Errorf("a picture that stays %q was told %d times", f, n)
			}
		}
	})
}

func TestATellingThatFailsIsMadeAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := opened(t)
		tried := 0
		var mu sync.Mutex
		s.store.meanwhile(func(event.SiteID) error {
			mu.Lock()
			defer mu.Unlock()
			tried++
			return errors.New("no disk")
		}, nil)
		s.crew.show(s.eye, event.PictureStale)
		pass(2 * time.Second)
		s.store.meanwhile(nil, nil)
		mu.Lock()
		if tried < 4 {
			t.Errorf("tried %d times", tried)
		}
		mu.Unlock()
		pass(time.Second)
		s.told(1, 0)
		s.end()
		if !strings.Contains(s.logged.String(), "what a camera shows could not be recorded") {
			t.Error("nobody can find out that it failed")
		}
	})
}

// The picture counts when the decision looks at it, and no longer when the decision is committed. What is reported
// then was told before, to a visit that did not need it yet.
func TestLostBetweenLookAndCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, down := range []bool{false, true} {
			s := newScene(t)
			s.approach()
			synctest.Wait()
			s.crew.show(s.eye, event.PictureUnserved)
			pass(time.Second)
			s.crew.show(s.eye, "")
			s.crew.down(down)
			s.scan()
			s.crew.show(s.eye, event.PictureUnserved)
			pass(400 * time.Millisecond)
			s.told(1, 0)
			s.crew.down(false)
			s.end()
		}
	})
}

// A picture that was told so late that the site took it for old is told again.
func TestToldTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		crew := newCrew()
		s := &scene{house: newStreet(t).process(crew).furnish("home", address), crew: crew}
		s.approach()
		s.scan()
		late := crew.Picture(s.eye)
		pass(5 * time.Second)
		s.must(s.director.say(t.Context(), late))
		s.told(1, 0)
		if s.director.known(late) {
			t.Error("the site holds it for lost, and is never told otherwise")
		}
		s.must(s.director.say(t.Context(), s.crew.Picture(s.eye)))
		s.told(1, 1)
	})
}

// A site that is slow to hear holds up neither the reports nor another site.
func TestASlowSiteHoldsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := opened(t)
		other := s.process.furnish("house", address)
		other.approach()
		synctest.Wait()
		other.scan()
		pass(time.Second)
		release := make(chan struct{})
		s.store.meanwhile(func(id event.SiteID) error {
			if id == s.site {
				<-release
			}
			return nil
		}, nil)
		s.crew.show(s.eye, event.PictureStale)
		pass(time.Second)
		s.crew.show(other.eye, event.PictureFrozen)
		pass(time.Second)
		if count[event.PictureLost](other.journal()) != 1 {
			t.Error("the other site was not told")
		}
		close(release)
		pass(time.Second)
		s.told(1, 0)
	})
}

// Nobody is told of a camera whose site is closed, and that is no error.
func TestAClosedSiteIsToldNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.do(s.site, s.member, site.CloseSite{})
		before := kinds(s.journal())
		for _, id := range []event.CameraID{s.eye, "nowhere-c3"} {
			p := event.Picture{Camera: id, Fault: event.PictureStale}
			s.must(s.director.say(t.Context(), p))
			if !s.director.known(p) {
				t.Errorf("%s is told again and again", id)
			}
		}
		if after := kinds(s.journal()); after != before {
			t.Errorf("the journal went on: %s", after)
		}
	})
}

// deaf is a crew whose reports break off.
type deaf struct{ *crew }

func (deaf) Watch(context.Context, func(event.Picture)) error { return errDown }

func TestNobodyWatches(t *testing.T) {
	p := newStreet(t).process(deaf{newCrew()})
	p.director.Run(t.Context())
	if logged := p.logged.String(); !strings.Contains(logged, "nobody watches the cameras any more") || !strings.Contains(logged, errDown.Error()) {
		t.Errorf("logged: %s", logged)
	}
}

package film

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

const address = "rtsp://loquet:s3cr3t@192.168.1.20:554/door"

// scene is a house with a crew that films it, at work.
type scene struct {
	*house
	crew *crew
	end  func()
}

func newScene(t *testing.T) *scene {
	t.Helper()
	crew := newCrew()
	p := newStreet(t).process(crew)
	s := &scene{house: p.furnish("home", address), crew: crew, end: p.run()}
	t.Cleanup(s.end)
	synctest.Wait() // so that what a process does at its start is done
	return s
}

func (s *scene) asked(want ...string) {
	s.Helper()
	for i := range want {
		want[i] += " " + string(s.clip)
	}
	if got := s.crew.soFar().asked; !slices.Equal(got, want) {
		s.Errorf("the crew was asked to %v, not %v", got, want)
	}
}

func TestAVisitIsFilmedKeptAndErased(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.crew.when(func(asked string) error {
			what, id, _ := strings.Cut(asked, " ")
			if _, err := s.store.Value(t.Context(), s.site, "clip/"+id); err != nil && what != "cut" {
				t.Errorf("asked to %s, and the store has no key: %v", asked, err)
			}
			return nil
		})
		s.approach()
		synctest.Wait()
		s.asked("film")
		s.scan()
		synctest.Wait()
		s.asked("film", "keep")
		s.enter()
		synctest.Wait()
		s.asked("film", "keep", "cut")
		for _, shot := range s.crew.soFar().shots {
			if shot.Address != address || shot.Camera != s.eye || shot.Visit != s.visit || len(shot.Key) != keySize || string(shot.Key) != string(s.crew.soFar().shots[0].Key) {
				t.Errorf("the crew was given %+v", shot)
			}
			if left := time.Until(shot.EraseAt.Time()); left < keepClips.Duration() {
				t.Errorf("without being asked, the crew erases after %s", left)
			}
		}
		if c, _ := s.state().Clip(s.clip); !c.Finished || len(c.Files) != 1 || string(s.crew.soFar().keys[0]) != string(s.crew.soFar().shots[0].Key) {
			t.Errorf("kept: %+v", c)
		}
		pass(keepClips.Duration() + time.Second)
		synctest.Wait()
		s.asked("film", "keep", "cut", "cut", "erase")
		if _, there := s.state().Clip(s.clip); there || s.sealedKey() || len(s.crew.soFar().files) > 0 {
			t.Errorf("erased, and left: record %t, key %t, files %v", there, s.sealedKey(), s.crew.soFar().files)
		}
		if all := s.journal(); count[event.ClipFinished](all) != 1 || count[event.ClipErased](all) != 1 {
			t.Errorf("the journal: %s", kinds(all))
		}
	})
}

func TestWhatIsSealedIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.approach()
		synctest.Wait()
		s.crew.down(true)
		s.scan()
		pass(5 * time.Second)
		s.crew.down(false)
		s.enter()
		pass(time.Minute)
		s.end()
		key := hex.EncodeToString(s.crew.soFar().shots[0].Key)
		sealed, err := s.store.Value(t.Context(), s.site, addressName(s.eye))
		s.must(err)
		var written strings.Builder
		written.WriteString(s.logged.String())
		written.Write(sealed)
		entries, err := s.store.Events(t.Context(), s.site, 0, 1000)
		s.must(err)
		for _, e := range entries {
			written.Write(e.Data)
		}
		for _, secret := range []string{"s3cr3t", "192.168.1.20", key} {
			if strings.Contains(strings.ToLower(written.String()), secret) {
				t.Errorf("%q is in a log, in the journal, or not sealed", secret)
			}
		}
		if found, err := s.director.Address(t.Context(), s.eye); err != nil || found != address {
			t.Errorf("the address comes back as %q, %v", found, err)
		}
		if found, err := s.director.Address(t.Context(), "home-c999"); !errors.Is(err, store.ErrNotFound) || found != "" {
			t.Errorf("that of a camera which never was: %q, %v", found, err)
		}
	})
}

// A service that is down is asked again, until everything that it was to do is done.
func TestServiceDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.crew.down(true)
		s.approach()
		pass(20 * time.Second)
		s.crew.down(false)
		pass(20 * time.Second)
		if len(s.crew.soFar().filming) != 1 {
			t.Fatal("the visit is not filmed")
		}
		s.crew.down(true)
		s.scan()
		pass(10 * time.Second)
		s.crew.down(false)
		pass(10 * time.Second)
		if !s.crew.soFar().filming[s.visit].Keep {
			t.Fatal("the visit is not kept")
		}
		s.crew.down(true)
		s.enter()
		pass(10 * time.Second)
		s.crew.down(false)
		pass(10 * time.Second)
		if c, _ := s.state().Clip(s.clip); !c.Finished || len(c.Files) != 1 || len(s.crew.soFar().filming) != 0 {
			t.Errorf("kept: %+v; %d visits are filmed", c, len(s.crew.soFar().filming))
		}
		s.crew.down(true)
		pass(keepClips.Duration() + time.Minute)
		if !s.sealedKey() || count[event.ClipErased](s.journal()) != 0 {
			t.Error("the key is gone before the files are")
		}
		s.crew.down(false)
		pass(10 * time.Minute)
		if s.sealedKey() || count[event.ClipErased](s.journal()) != 1 || len(s.crew.soFar().files) > 0 {
			t.Errorf("not erased: %s", kinds(s.journal()))
		}
	})
}

// The order to film comes when the visit is long over, and again: nothing is filmed any more, and nothing told twice.
func TestLateOrders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.approach()
		synctest.Wait()
		late := s.work()
		s.scan()
		s.enter()
		synctest.Wait()
		before := kinds(s.journal())
		s.must(s.director.film(t.Context(), late))
		s.must(s.director.film(t.Context(), late))
		s.asked("film", "keep", "cut", "cut", "cut")
		if after := kinds(s.journal()); after != before || len(s.crew.soFar().filming) != 0 || !s.sealedKey() {
			t.Errorf("late orders: %s; %d visits are filmed", strings.TrimPrefix(after, before), len(s.crew.soFar().filming))
		}
		pass(keepClips.Duration() + time.Second)
		s.must(s.director.film(t.Context(), late))
		s.must(s.director.erase(t.Context(), late))
		if len(s.crew.soFar().filming) != 0 || s.sealedKey() || count[event.ClipErased](s.journal()) != 1 {
			t.Errorf("after the erasure: %s", kinds(s.journal()))
		}
	})
}

// Another process ends the visit, and cuts it, while this one is on its way to the service.
func TestCutMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		crew := newCrew()
		street := newStreet(t)
		h := street.process(crew).furnish("home", address)
		other := &house{}
		*other = *h
		other.process = street.process(crew)
		h.approach()
		other.visit, other.clip = h.visit, h.clip
		crew.when(func(asked string) error {
			crew.when(nil)
			other.giveUp()
			return other.director.film(t.Context(), other.work())
		})
		h.must(h.director.film(t.Context(), h.work()))
		if len(crew.soFar().filming) != 0 || h.sealedKey() {
			t.Errorf("%d visits are filmed after their end; the key is there: %t", len(crew.soFar().filming), h.sealedKey())
		}
	})
}

// Of one visit, one thing is asked at a time, in the order of what stands.
func TestOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.crew.when(func(string) error {
			before := len(s.crew.soFar().asked)
			<-time.After(3 * time.Second)
			if all := s.crew.soFar().asked; len(all) != before {
				t.Errorf("asked at once to %v", all)
			}
			return nil
		})
		s.approach()
		synctest.Wait()
		s.scan()
		pass(4 * time.Second)
		s.enter()
		pass(time.Minute)
		s.asked("film", "keep", "cut", "cut") // the keeping found the visit over, and then its end was done
		if all := s.journal(); count[event.ClipFinished](all) != 1 {
			t.Errorf("the journal: %s", kinds(all))
		}
	})
}

// Where nothing was opened nothing is kept, and the key is forgotten.
func TestNothingOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.approach()
		synctest.Wait()
		if !s.sealedKey() {
			t.Fatal("no key was drawn")
		}
		s.crew.down(true)
		s.giveUp()
		pass(10 * time.Second)
		s.crew.down(false)
		pass(10 * time.Second)
		if all := s.journal(); s.sealedKey() || count[event.ClipFinished](all)+count[event.ClipErasureAsked](all) != 0 || len(s.crew.soFar().filming) != 0 {
			t.Errorf("left: key %t, %d visits filmed, journal %s", s.sealedKey(), len(s.crew.soFar().filming), kinds(all))
		}
	})
}

func TestAKeyIsDrawnOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		crew := newCrew()
		street := newStreet(t)
		h := street.process(crew).furnish("home", address)
		other := street.process(crew)
		h.approach()
		// The other process draws, and films, right before this one writes what it has drawn.
		h.store.meanwhile(nil, func(store.Append) error {
			h.store.meanwhile(nil, nil)
			return other.director.film(t.Context(), h.work())
		})
		h.must(h.director.film(t.Context(), h.work()))
		h.must(h.director.film(t.Context(), h.work()))
		key, err := h.director.ClipKey(t.Context(), h.clip)
		h.must(err)
		if len(crew.soFar().shots) != 3 {
			t.Fatalf("asked %d times", len(crew.soFar().shots))
		}
		for _, shot := range crew.soFar().shots {
			if string(shot.Key) != string(key) {
				t.Error("filmed under a key that the store does not hold")
			}
		}
	})
}

// A key that could not be written seals nothing.
func TestAKeyIsWrittenFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, fate := range []error{store.ErrFull, store.ErrUncertain} {
			crew := newCrew()
			h := newStreet(t).process(crew).furnish("home", address)
			h.approach()
			h.store.meanwhile(nil, func(a store.Append) error {
				if errors.Is(fate, store.ErrUncertain) {
					h.must(h.store.Store.Append(t.Context(), a))
				}
				return fate
			})
			if err := h.director.film(t.Context(), h.work()); !errors.Is(err, fate) || len(crew.soFar().filming) != 0 {
				t.Errorf("%v: filmed %d, error %v", fate, len(crew.soFar().filming), err)
			}
			h.store.meanwhile(nil, nil)
			h.must(h.director.film(t.Context(), h.work()))
			key, err := h.director.ClipKey(t.Context(), h.clip)
			if err != nil || string(key) != string(crew.soFar().shots[0].Key) {
				t.Errorf("%v: filmed under another key than the store's: %v", fate, err)
			}
		}
	})
}

// The files go first. Whatever fails on the way, the key goes with the record that they are gone.
func TestErasure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.approach()
		s.scan()
		s.enter()
		synctest.Wait()
		refused := 0
		s.crew.when(func(asked string) error {
			if refused++; strings.HasPrefix(asked, "erase") && refused < 4 {
				return errDown
			}
			if count[event.ClipErased](s.journal()) > 0 {
				t.Errorf("asked to %s what is said to be erased", asked)
			}
			return nil
		})
		failed := 0
		s.store.meanwhile(nil, func(a store.Append) error {
			forgets := slices.ContainsFunc(a.Values, func(v store.Value) bool { return v.Name == clipName(s.clip) && v.Sealed == nil })
			if forgets != (len(a.Events) > 0) && len(a.Values) > 0 {
				t.Errorf("the key and the record are written apart: %d events", len(a.Events))
			}
			if forgets && len(s.crew.soFar().files) > 0 {
				t.Error("the key goes before the files")
			}
			if failed++; forgets && failed < 5 {
				return store.ErrFull
			}
			return nil
		})
		s.do(s.site, s.member, site.EraseClip{Clip: s.clip})
		s.until("the clip is erased", func(all []event.Event) bool { return count[event.ClipErased](all) == 1 })
		if s.sealedKey() || len(s.crew.soFar().files) > 0 {
			t.Error("the clip is said to be erased, and is not")
		}
		for i, asked := range s.crew.soFar().asked {
			if strings.HasPrefix(asked, "erase") && !strings.HasPrefix(s.crew.soFar().asked[i-1], "cut") {
				t.Errorf("erased while it may be filmed: %v", s.crew.soFar().asked)
			}
		}
	})
}

// Who moves out leaves nothing behind, although the site's key is gone before the service is back.
func TestMovedOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, finished := range []bool{true, false} {
			s := newScene(t)
			s.approach()
			s.scan()
			synctest.Wait()
			s.crew.down(!finished)
			s.enter()
			synctest.Wait()
			s.crew.down(true)
			s.do(s.site, s.member, site.CloseSite{})
			pass(2 * time.Minute) // the vault's memory of the key is over
			if _, err := s.director.ClipKey(t.Context(), s.clip); err == nil {
				t.Fatal("the site's key is still there")
			}
			s.crew.down(false)
			pass(10 * time.Minute)
			all := s.journal()
			if _, there := s.state().Clip(s.clip); there || count[event.ClipErased](all) != 1 || len(s.crew.soFar().files) > 0 || len(s.crew.soFar().filming) != 0 || s.sealedKey() {
				t.Errorf("finished %t: moved out, and left: %s, files %v", finished, kinds(all), s.crew.soFar().files)
			}
			if next, err := s.store.NextWork(t.Context(), []string{"film", "erase-clip"}); err != nil || next != 0 {
				t.Errorf("work is left, due %s; %v", next, err)
			}
			s.end()
		}
	})
}

// Moving out ends the filming of somebody who has not opened anything yet.
func TestMovedOutWhileFilmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.approach()
		synctest.Wait()
		s.do(s.site, s.member, site.CloseSite{})
		pass(time.Minute)
		if len(s.crew.soFar().filming) != 0 || count[event.ClipFinished](s.journal()) != 0 {
			t.Errorf("%d visits are filmed: %s", len(s.crew.soFar().filming), kinds(s.journal()))
		}
	})
}

// A process that takes over from another asks anew for every visit that is under way, under the same key.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(t)
		s.approach()
		s.scan()
		synctest.Wait()
		s.end()
		crew := newCrew()
		p := s.process.process(crew)
		end := p.run()
		defer end()
		synctest.Wait()
		if len(crew.soFar().shots) != 1 || !crew.soFar().shots[0].Keep || string(crew.soFar().shots[0].Key) != string(s.crew.soFar().shots[0].Key) {
			t.Errorf("asked anew for %+v, before for %+v", crew.soFar().shots, s.crew.soFar().shots)
		}
		s.house.process = p
		s.enter()
		synctest.Wait()
		if c, _ := s.state().Clip(s.clip); !c.Finished || len(c.Files) != 1 {
			t.Errorf("kept: %+v", c)
		}
	})
}

// What can't be read is no order, and changes nothing.
func TestWorkThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		crew := newCrew()
		h := newStreet(t).process(crew).furnish("home", address)
		for _, data := range []string{"", "{", "[]", "7"} {
			w := store.Work{Site: "home", Data: []byte(data)}
			if h.director.film(t.Context(), w) == nil || h.director.erase(t.Context(), w) == nil {
				t.Errorf("%q was work", data)
			}
		}
		if len(crew.soFar().asked) > 0 {
			t.Errorf("asked to %v", crew.soFar().asked)
		}
	})
}

func TestForgottenAddress(t *testing.T) {
	h := newStreet(t).process(newCrew()).furnish("home", address)
	forget := ForgetAddress(h.eye)
	s := h.state()
	snap, err := h.store.Store.Load(t.Context(), h.site)
	h.must(err)
	h.must(h.store.Append(context.Background(), store.Append{Site: h.site, Version: s.Seq, State: snap.State, Values: []store.Value{forget}}))
	if found, err := h.director.Address(t.Context(), h.eye); !errors.Is(err, store.ErrNotFound) || found != "" {
		t.Errorf("forgotten, and it is %q, %v", found, err)
	}
}

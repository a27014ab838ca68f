package dispatch

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// eyes are the pictures of cameras, as a test has them.
type eyes struct {
	mu    sync.Mutex
	fault event.PictureFault
	asked []event.CameraID
}

func (e *eyes) Picture(id event.CameraID) event.Picture {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, id)
	return event.Picture{Camera: id, Fault: e.fault, At: event.InstantOf(time.Now()), Keys: 3}
}

func (e *eyes) show(f event.PictureFault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault = f
}

// looked returns of which cameras the pictures were asked since it was called last.
func (e *eyes) looked() []event.CameraID {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.asked = nil }()
	return e.asked
}

// seeing is a process with eyes, whose crew notes what it is told to do.
func (w *town) seeing(e *eyes) (*Dispatcher, *[]string) {
	d := w.process()
	d.pictures = e
	var mu sync.Mutex
	told := new([]string)
	for _, kind := range []string{WorkFilm, WorkErase} {
		d.Handle(kind, func(_ context.Context, work store.Work) error {
			var f Filming
			if err := json.Unmarshal(work.Data, &f); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			*told = append(*told, work.Kind+" "+string(f.Visit)+" "+string(f.Clip))
			return nil
		})
	}
	return d, told
}

// camera puts a proven camera on the home's door, without which nothing opens.
func (w *town) camera(d *Dispatcher, h home) event.CameraID {
	w.t.Helper()
	id := the[event.CameraAdded](w.t, w.do(d, h.id, member(h.member), site.AddCamera{Sees: []event.AccessPointID{h.place}})).Camera
	good := event.Picture{Camera: id, At: event.InstantOf(time.Now()), Keys: 3}
	w.do(d, h.id, member(h.member), site.ProveCamera{Camera: id, Seen: good})
	w.do(d, h.id, member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, Camera: true, KeepClips: event.Hour}})
	return id
}

// TestPicturesAreFacts: each decision has the pictures of the site's own cameras, as they are at its time.
func TestPicturesAreFacts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		e := &eyes{}
		d, _ := w.seeing(e)
		eye := w.camera(d, h)
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		for fault, code := range map[event.PictureFault]event.Code{event.PictureStale: event.CameraNotLive, event.PictureProving: event.CameraProving,
			event.PictureFull: event.CameraNoRoom} {
			e.show(fault)
			if r := the[event.Refused](t, w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})); r.Code != code {
				t.Errorf("%s: refused as %s", fault, r.Code)
			}
		}
		e.show("")
		e.looked()
		p := the[event.OpeningIntended](t, w.do(d, "home", w.courier("anna"), site.Open{Visit: visit, Barrier: h.barrier})).Picture
		if p.Camera != eye || p.Fault != "" || p.At != event.InstantOf(time.Now()) || p.Keys != 3 {
			t.Errorf("beside the intent stands %+v", p)
		}
		// The door's answer may have been decided upon already.
		if all := slices.Compact(e.looked()); !slices.Equal(all, []event.CameraID{eye}) {
			t.Errorf("looked at %v", all)
		}
		synctest.Wait()
	})
}

// TestAPictureOfThisVeryMoment counts, however long the other facts took to gather.
func TestAPictureOfThisVeryMoment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d, _ := w.seeing(&eyes{})
		d.pictures = slow{&eyes{}}
		w.camera(d, h)
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		the[event.OpeningIntended](t, w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}))
		pass(time.Second) // so that the opening is done
	})
}

// slow eyes take their time, and show what is there at its end.
type slow struct{ *eyes }

func (s slow) Picture(id event.CameraID) event.Picture {
	pass(100 * time.Millisecond)
	return s.eyes.Picture(id)
}

// TestWithoutPictures a site that asks for a camera opens nothing.
func TestWithoutPictures(t *testing.T) {
	w := newTown(t, memory.New())
	h, _ := w.ready(event.PermitRemote)
	d := w.process()
	w.camera(d, h)
	visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
	if r := the[event.Refused](t, w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})); r.Code != event.CameraNotLive {
		t.Errorf("refused as %s", r.Code)
	}
}

// TestACrewIsTold when a visit is to be filmed, kept, left alone, and when what was kept is to be erased: once each.
func TestACrewIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d, told := w.seeing(&eyes{})
		w.camera(d, h)
		end := w.run(d)
		synctest.Wait()
		(&phone{town: w, home: h, server: always(d)}).deliver()
		pass(2 * time.Hour)
		synctest.Wait()
		end()
		all := w.journal("home")
		asked := the[event.FilmingAsked](t, all)
		film, erase := "film "+string(asked.Visit)+" "+string(asked.Clip), "erase-clip "+string(asked.Visit)+" "+string(asked.Clip)
		if want := []string{film, film, film, erase}; !slices.Equal(*told, want) {
			t.Errorf("told to %v, not %v", *told, want)
		}
		inOrder(t, all, "filming.asked", "opening.intended", "recording.asked", "visit.ended", "filming.ended", "clip.erasure-asked")
		if next, err := w.store.NextWork(t.Context(), []string{WorkFilm, WorkErase}); err != nil || next != 0 {
			t.Errorf("work is left, due %s; %v", next, err)
		}
	})
}

// TestACrewIsToldAnew by a process that takes over, and of moving out.
func TestACrewIsToldAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d, told := w.seeing(&eyes{})
		w.camera(d, h)
		end := w.run(d)
		synctest.Wait()
		w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})
		synctest.Wait()
		end()
		again, toldAgain := w.seeing(&eyes{})
		end = w.run(again)
		synctest.Wait()
		if len(*told) != 1 || !slices.Equal(*told, *toldAgain) {
			t.Errorf("told to %v, and then to %v", *told, *toldAgain)
		}
		w.do(again, "home", member(h.member), site.CloseSite{})
		synctest.Wait()
		end()
		if len(*toldAgain) != 2 || (*toldAgain)[1] != (*told)[0] {
			t.Errorf("told of moving out: %v", *toldAgain)
		}
	})
}

// TestWorkOfFilming says of every event which work follows from it.
func TestWorkOfFilming(t *testing.T) {
	before := site.State{Clips: []site.Clip{{ID: "home-f3", Visit: "home-v2"}}}
	filming := Filming{Visit: "home-v2", Clip: "home-f3"}
	for _, c := range []struct {
		body event.Body
		kind string
		data Filming
	}{
		{event.FilmingAsked{Visit: "home-v2", Camera: "home-c1", Clip: "home-f3"}, WorkFilm, filming},
		{event.RecordingAsked{Visit: "home-v2", Camera: "home-c1", Clip: "home-f3"}, WorkFilm, filming},
		{event.FilmingEnded{Visit: "home-v2", Camera: "home-c1", Clip: "home-f3"}, WorkFilm, filming},
		{event.FilmingEnded{Visit: "home-v2", Camera: "home-c1", Clip: "home-f3", Kept: true}, WorkFilm, filming},
		{event.ClipErasureAsked{Clip: "home-f3"}, WorkErase, filming},
		{event.CameraAdded{Camera: "home-c1"}, "", Filming{}}, {event.CameraProven{Camera: "home-c1"}, "", Filming{}},
		{event.CameraRetired{Camera: "home-c1"}, "", Filming{}}, {event.PictureLost{Visit: "home-v2"}, "", Filming{}},
		{event.PictureBack{Visit: "home-v2"}, "", Filming{}}, {event.ClipFinished{Clip: "home-f3"}, "", Filming{}},
		{event.ClipErased{Clip: "home-f3"}, "", Filming{}}, {event.PictureWatched{Visit: "home-v2"}, "", Filming{}},
		{event.VisitEnded{Visit: "home-v2"}, "", Filming{}}, {event.OpeningIntended{}, "", Filming{}},
	} {
		if kind, data := filmingOf(before, event.Event{Body: c.body}); kind != c.kind || data != c.data {
			t.Errorf("%s: %q %+v, not %q %+v", c.body.Kind(), kind, data, c.kind, c.data)
		}
	}
}

// TestNoCameraNoCost: where no camera is, none is asked for, no work is made, and nothing is allocated for it.
func TestNoCameraNoCost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		e := &eyes{}
		d, told := w.seeing(e)
		end := w.run(d)
		synctest.Wait()
		(&phone{town: w, home: h, server: always(d)}).deliver()
		synctest.Wait()
		end()
		if all := e.looked(); len(all) > 0 || len(*told) > 0 {
			t.Errorf("looked at %v, and told to %v", all, *told)
		}
		s := w.state("home")
		if n := testing.AllocsPerRun(100, func() { d.seen(s) }); n != 0 {
			t.Errorf("%v allocations for no picture", n)
		}
	})
}

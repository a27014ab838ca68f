package demo

import (
	"context"
	"slices"

	"github.com/loquet/loquet/camera/virtual"
	device "github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
)

// story is a visit that plays by itself, slowly enough to be watched on three screens.
type story struct {
	*play
	town *town
	told *telling
	// karim brings it, at the visit.
	karim *courier
	d     *delivery
	visit event.VisitID
}

// telling is how far a story came. It changes under the town's lock.
type telling struct {
	name    desk.StoryName
	keys    []string
	at      int
	stop    event.AccessPointID
	on      bool
	broken  error
	end     context.CancelFunc
	stopped chan struct{}
}

func (k *telling) playing() bool { return k != nil && k.on }

// shown is the story as the desk shows it. The caller holds the town's lock.
func (k *telling) shown() *desk.Story {
	if k == nil {
		return nil
	}
	s := &desk.Story{Name: k.name, Stop: k.stop, Playing: k.on, Broken: k.broken != nil}
	for i, key := range k.keys {
		s.Steps = append(s.Steps, desk.Step{Key: key, Done: i < k.at})
	}
	return s
}

// script is a story's steps, and how it is played.
type script struct {
	door string
	// at is where it plays.
	at    func(*town, context.Context) *play
	steps []string
	play  func(*story)
}

var scripts = map[desk.StoryName]script{
	desk.StoryHome:   {"front-door", (*town).camille, []string{"come", "scan", "unlock", "push", "deposit", "shut", "lock", "leave"}, storyHome},
	desk.StoryBlock:  {"front-door", (*town).camille, []string{"come", "scan", "unlock", "late", "push", "deposit", "shut", "lock", "leave"}, storyBlock},
	desk.StoryAjar:   {"front-door", (*town).camille, []string{"come", "scan", "unlock", "push", "deposit", "ajar", "stay", "reopen", "shut", "lock", "leave"}, storyAjar},
	desk.StoryCamera: {"front-door", (*town).camille, []string{"come", "scan", "unlock", "push", "lost", "deposit", "shut", "lock", "leave"}, storyCamera},
	desk.StoryCode:   {"side-door", (*town).camille, []string{"come", "scan", "code", "digits", "push", "deposit", "shut", "lock", "again", "leave"}, storyCode},
	desk.StoryTrunk:  {trunk, (*town).driver, []string{"seek", "flash", "scan", "free", "pull", "deposit", "lid", "locks", "leave"}, storyTrunk},
	desk.StoryMoved:  {trunk, (*town).driver, []string{"drive", "seek", "asked", "answer", "scan", "free", "pull", "deposit", "lid", "locks", "leave"}, storyMoved},
}

// play begins a story, unless one plays or the door is in use.
func (t *town) play(name desk.StoryName) error {
	s, known := scripts[name]
	if !known {
		return refused("deed")
	}
	ctx, end := context.WithCancel(t.ctx)
	told := &telling{name: name, keys: s.steps, on: true, end: end, stopped: make(chan struct{})}
	if !t.begin(told) {
		end()
		return refused("playing")
	}
	p := s.at(t, ctx)
	if err := t.ready(p, s.door); err != nil {
		t.finish(told, err)
		return err
	}
	t.under.Go(func() {
		st := &story{play: p, town: t, told: told}
		err := p.perform(func() {
			st.prepare(s.door)
			s.play(st)
		})
		t.finish(told, err)
	})
	return nil
}

func (t *town) begin(told *telling) (begun bool) {
	t.set(func() {
		if begun = !t.story.playing(); begun {
			t.story = told
		}
	})
	return begun
}

// finish ends a story; what it broke in the world is mended.
func (t *town) finish(told *telling, broken error) {
	told.end()
	_ = t.film(desk.CameraLive)
	t.set(func() {
		told.on, told.broken = false, broken
		if broken == nil {
			told.at = len(told.keys)
		}
	})
	close(told.stopped)
}

// stopStory ends the story that plays, and waits for it.
func (t *town) stopStory() {
	t.mu.Lock()
	told := t.story
	t.mu.Unlock()
	if told.playing() {
		told.end()
		<-told.stopped
	}
}

// ready puts the world in order for a story, unless somebody uses the door.
func (t *town) ready(p *play, door string) error {
	held := false
	err := p.perform(func() {
		var home struct {
			Barriers []struct {
				Barrier event.BarrierID `json:"barrier"`
				Holder  event.VisitID   `json:"holder"`
			} `json:"barriers"`
		}
		p.must(p.home.Call(p.ctx, "GET", "/v1/home", nil, &home))
		for _, b := range home.Barriers {
			held = held || b.Barrier == p.home.barriers[door] && b.Holder != ""
		}
	})
	if err != nil {
		return err
	}
	if held {
		return refused("inuse")
	}
	return t.restore(p, door)
}

// restore takes every fault away, and shuts and locks the door by hand.
func (t *town) restore(p *play, door string) error {
	thing := p.body(door)
	t.cutWire(false)
	t.walk.blur(false)
	if err := t.film(desk.CameraLive); err != nil {
		return err
	}
	if t.handAt(thing.Name()).dead {
		if err := t.drain(thing, thing.Name(), false); err != nil {
			return err
		}
	}
	t.fault(thing.Name(), func(f *device.Faults) { *f = device.Faults{} })
	if v, is := thing.(*car); is {
		t.fetch(p, v)
	}
	if thing.Contact() == event.ContactOpen && thing.Bolt() == event.BoltLocked {
		thing.Hand()
	}
	if err := thing.PullShut(); err != nil {
		return err
	}
	if thing.Bolt() != event.BoltLocked {
		thing.HandLock()
	}
	return nil
}

// prepare takes the parcel that is on its way, or books one, and finds who brings it.
func (s *story) prepare(door string) {
	s.catchUp()
	s.town.mu.Lock()
	now, over, page := s.town.now, s.town.over, s.town.page
	s.town.mu.Unlock()
	lent := page && s.town.phone.There()
	s.karim = s.courier(karim)
	switch {
	case lent:
		s.karim.phone = &s.town.phone
		s.town.set(func() { s.told.stop = s.home.places[door] })
	case page:
		s.karim = s.courier(nour)
	}
	mine := lent || !page
	if now != nil && !over && mine && now.place == s.home.places[door] && !ended(s.status(now.delivery)) {
		s.d = now.delivery
		return
	}
	if waits, ok := s.town.waitsAt(s.home.places[door]); ok && mine && !ended(s.status(waits.delivery)) {
		s.d = waits.delivery
		s.town.head(waits)
		return
	}
	s.d = s.booked(door)
	s.assign(s.d, s.karim)
	if mine {
		s.town.expect(s.play, s.d)
	}
}

// catchUp leaves everything that was recorded before out.
func (p *play) catchUp() {
	p.read()
	p.events, p.at = nil, 0
}

// step says which step begins, and gives people time to look at the one before.
func (s *story) step(key string) {
	s.pause(s.town.pace)
	s.town.set(func() { s.told.at = slices.Index(s.told.keys, key) })
}

// come brings the courier to the door, and the camera to its proof.
func (s *story) come() {
	s.step("come")
	s.visit = s.karim.approach(s.d)
	s.town.walk.hurry(s.town.come)
	s.karim.stand(2)
	s.pause(s.town.come)
	s.awaitPicture("")
}

func (s *story) scan() {
	s.step("scan")
	s.karim.filmed(func() answer { return s.karim.scan(s.visit, s.d.parcels[0]) })
	s.step("unlock")
	s.awaitOpened("front-door")
}

func (s *story) inside(door string) {
	s.step("push")
	s.door(door).push()
}

func (s *story) putDown() {
	s.step("deposit")
	s.karim.deposit(s.visit)
}

func (s *story) shutAndLock(door string) {
	s.step("shut")
	s.door(door).pullShut()
	s.step("lock")
	s.karim.tellClose(s.visit)
	s.awaitSecured(door)
}

func (s *story) goAway() {
	s.step("leave")
	s.karim.leave(s.visit).granted()
}

func storyHome(s *story) {
	s.come()
	s.scan()
	s.inside("front-door")
	s.putDown()
	s.shutAndLock("front-door")
	s.goAway()
}

func storyBlock(s *story) {
	s.come()
	s.scan()
	s.step("late")
	s.home.block(s.d, event.BlockTooLate)
	s.inside("front-door")
	s.putDown()
	s.shutAndLock("front-door")
	s.goAway()
}

func storyAjar(s *story) {
	s.come()
	s.scan()
	s.inside("front-door")
	s.putDown()
	s.step("ajar")
	s.door("front-door").handLock("turns the key in the open door")
	s.awaitAjar()
	s.step("stay")
	s.karim.leave(s.visit).refused(event.NotSecured)
	s.step("reopen")
	s.karim.filmed(func() answer { return s.karim.reopen(s.visit, "front-door") })
	s.awaitOutcome(event.Done)
	s.shutAndLock("front-door")
	s.goAway()
}

// awaitAjar waits for the courier's alarm; the operator's as well, if a slow machine lost the picture of the visit before.
func (s *story) awaitAjar() {
	s.await("an alarm: ajar", func(e event.Event) bool {
		a, ok := e.Body.(event.AlarmRaised)
		return ok && a.Reason == event.AlarmAjar && (a.Level == event.AlarmCourier || s.unseen())
	})
}

// unseen says whether the visit's picture was lost at some time.
func (s *story) unseen() bool {
	return slices.ContainsFunc(s.events, func(e event.Event) bool {
		lost, ok := e.Body.(event.PictureLost)
		return ok && lost.Visit == s.visit
	})
}

func storyCamera(s *story) {
	s.come()
	s.scan()
	s.inside("front-door")
	s.step("lost")
	s.eye("is jammed: its radio falls silent", (*virtual.Camera).Vanish)
	s.town.set(func() { s.town.camera = desk.CameraJammed })
	s.awaitAlarm(event.AlarmPicture, event.AlarmOperator)
	s.putDown()
	s.shutAndLock("front-door")
	s.goAway()
}

func storyCode(s *story) {
	s.come()
	s.step("scan")
	s.karim.filmed(func() answer { return s.karim.scan(s.visit, s.d.parcels[0]) })
	s.awaitOutcome(event.Done)
	s.step("code")
	code := s.karim.askCode(s.visit, "side-door")
	s.step("digits")
	side := s.door("side-door")
	side.typeCode(code)
	s.awaitBody("the device forgets the code", event.CodeRemoved{}.Kind())
	s.inside("side-door")
	s.putDown()
	s.shutAndLock("side-door")
	s.step("again")
	side.typeCodeAgain(code)
	s.goAway()
}

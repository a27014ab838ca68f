package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	eye "github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
)

// hand is what hands did to one door that the door itself does not tell.
type hand struct {
	faults virtual.Faults
	dead   bool
	// cloudless: the cloud of the car's maker is down.
	cloudless bool
}

// linkCut is how long the link of an app's pages stays cut.
const linkCut = 30 * time.Second

// slowMotor is how long a motor waits that takes its time: the courier is told that the lock is slow, and it opens in time.
const slowMotor = 15 * time.Second

// Do implements desk.World.
func (t *town) Do(ctx context.Context, a desk.Act) error {
	switch a.Do {
	case desk.Film:
		return t.film(desk.Camera(a.To))
	case desk.Wire:
		t.cutWire(!t.isCut())
	case desk.Kill:
		t.kill()
	case desk.Link:
		return t.cutLink(desk.App(a.To))
	case desk.Come:
		t.walk.hurry(t.come)
	case desk.Back:
		t.walk.back()
	case desk.Blur:
		t.walk.blur(t.walk.standing().accuracy == good)
	case desk.Another:
		return t.anotherNow(ctx, a.Door)
	case desk.Play:
		return t.play(desk.StoryName(a.To))
	case desk.Stop:
		t.stopStory()
	default:
		return t.touch(a)
	}
	t.set(func() {})
	return nil
}

func refused(code string) error { return &desk.Refusal{Code: code} }

// touch does something to a door; to the one that the courier's way leads to when none is named.
func (t *town) touch(a desk.Act) error {
	a.Door = cmp.Or(a.Door, t.State().Here)
	thing := t.stage.body(a.Door)
	if thing == nil {
		return refused("door")
	}
	h := t.handAt(a.Door)
	switch a.Do {
	case desk.Push:
		return moved(thing.Push())
	case desk.Pull:
		t.fault(a.Door, func(f *virtual.Faults) { f.Ajar = false })
		return moved(thing.PullShut())
	case desk.LeaveAjar:
		if thing.Contact() != event.ContactOpen {
			return refused("shut")
		}
		t.fault(a.Door, func(f *virtual.Faults) { f.Ajar = true })
	case desk.Turn:
		turn(thing)
	case desk.Key:
		t.withKeyOf(thing)
	case desk.Digits:
		keypad, has := thing.(*virtual.Thing)
		if !has {
			return refused("deed")
		}
		return moved(keypad.TypeCode(a.To))
	case desk.Drive:
		return t.drive(thing, a.To)
	case desk.Cloud:
		return t.cutCloud(thing)
	case desk.Jam:
		t.fault(a.Door, func(f *virtual.Faults) { f.Jam = !f.Jam })
	case desk.Deafen:
		t.fault(a.Door, func(f *virtual.Faults) { f.Deaf = !f.Deaf })
	case desk.Slow:
		t.slow(thing, a.Door, h.faults.MotorDelay == 0)
	case desk.Drain:
		return t.drain(thing, a.Door, !h.dead)
	default:
		return refused("deed")
	}
	return nil
}

// moved says in the desk's words why something did not move.
func moved(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, virtual.ErrBolted):
		return refused("bolted")
	case errors.Is(err, virtual.ErrWrongCode):
		return refused("digits")
	}
	return refused("motor")
}

// turn works the thumb turn, or the button on the wall.
func turn(thing body) {
	shut := thing.Bolt() == event.BoltLocked
	if thing.Bolt() == "" {
		shut = thing.Contact() == event.ContactClosed
	}
	if shut {
		thing.Hand()
		return
	}
	thing.HandLock()
}

// withKeyOf is somebody who comes by with a key of their own: opens, goes in, shuts and locks.
func (t *town) withKeyOf(thing body) {
	t.under.Go(func() {
		for _, do := range []func(){func() { thing.Foreign("key") }, func() { _ = thing.Push() }, func() { _ = thing.PullShut() }, thing.HandLock} {
			do()
			select {
			case <-time.After(time.Second):
			case <-t.ctx.Done():
				return
			}
		}
	})
}

func (t *town) handAt(door string) hand {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.hands[door]; h != nil {
		return *h
	}
	return hand{}
}

// hold changes what hands did to a door.
func (t *town) hold(door string, change func(*hand)) {
	t.set(func() {
		if t.hands[door] == nil {
			t.hands[door] = &hand{}
		}
		change(t.hands[door])
	})
}

func (t *town) fault(door string, change func(*virtual.Faults)) {
	t.hold(door, func(h *hand) {
		change(&h.faults)
		t.stage.body(door).Faults(h.faults)
	})
}

// slow has a motor take its time, or not any more: then it does at once what it was about to.
func (t *town) slow(thing body, door string, on bool) {
	t.fault(door, func(f *virtual.Faults) {
		if f.MotorDelay = 0; on {
			f.MotorDelay = slowMotor
		}
	})
	if waits, is := thing.(*virtual.Thing); is && !on {
		waits.Hurry()
	}
}

// drain empties the battery, or puts a new one in.
func (t *town) drain(thing body, door string, dead bool) error {
	if dead {
		thing.Offline()
	} else if err := thing.Online(); err != nil {
		return fmt.Errorf("demo: %s does not come back: %w", door, err)
	}
	t.hold(door, func(h *hand) { h.dead = dead })
	return nil
}

// film has the camera do something else from now on.
func (t *town) film(what desk.Camera) error {
	camera, lead := t.stage.camera, t.stage.lead
	lead.mend()
	camera.Return()
	switch what {
	case desk.CameraLive:
		camera.Show(eye.Live)
	case desk.CameraFrozen:
		camera.Show(eye.Frozen)
	case desk.CameraLoop:
		camera.Show(eye.Loop)
	case desk.CameraUnplugged:
		lead.sever()
	case desk.CameraJammed:
		camera.Vanish()
	default:
		return refused("deed")
	}
	t.set(func() { t.camera = what })
	return nil
}

func (t *town) isCut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cut
}

func (t *town) cutWire(cut bool) {
	if cut {
		t.stage.proxy.sever()
	} else {
		t.stage.proxy.mend()
	}
	t.set(func() { t.cut = cut })
}

// kill ends the server as a power cut does, and starts it again.
func (t *town) kill() {
	t.mu.Lock()
	dead := t.dead
	t.dead = true
	t.mu.Unlock()
	if dead {
		return
	}
	t.stage.server.kill()
	t.under.Go(func() {
		_ = t.stage.serve(t.ctx) // whoever looks sees that it does not run; its log says why
		t.set(func() { t.dead = false })
	})
}

func (t *town) cutLink(a desk.App) error {
	if _, known := appPaths[string(a)]; !known {
		return refused("deed")
	}
	length := linkCut
	if !t.front.cutUntil(string(a)).IsZero() {
		length = 0
	}
	t.front.cutFor(string(a), length)
	t.set(func() {})
	t.under.Go(func() {
		select {
		case <-time.After(length):
			t.set(func() {})
		case <-t.ctx.Done():
		}
	})
	return nil
}

// anotherNow books another parcel: for a car, or for Camille's door when the last one's delivery has ended.
func (t *town) anotherNow(ctx context.Context, door string) error {
	t.sending.Lock()
	defer t.sending.Unlock()
	t.mu.Lock()
	now, over, playing := t.now, t.over, t.story.playing()
	t.mu.Unlock()
	if playing {
		return refused("playing")
	}
	if i := slices.IndexFunc(t.plays, func(p *play) bool { return p.scenario.car != nil && p.car().Name() == door }); i >= 0 {
		return t.intoTheCar(t.at(ctx, t.plays[i]))
	}
	p := t.camille(ctx)
	if door != "" && !p.owns(door) {
		return refused("deed")
	}
	if now != nil && !over {
		if err := p.perform(func() { over = ended(p.status(now.delivery)) }); err != nil {
			return err
		}
	}
	if now != nil && !over {
		return refused("underway")
	}
	return t.another(ctx)
}

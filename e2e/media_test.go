package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	eye "github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/event"
)

// filmed is a home with a camera that a visit needs.
type filmed struct {
	*installation
	camera *eye.Camera
}

func newFilmed(t *testing.T) *filmed {
	t.Helper()
	camera, err := eye.Start(eye.Options{User: "loquet", Password: "secret", Group: eye.Rate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(camera.Close)
	f := &filmed{camera: camera, installation: newStreet(t, frontDoor).build(t, 0, loquet, "--media", "own", "--webrtc-listen", "127.0.0.1:0", "--alone", "5s")}
	f.must(f.server.start())
	t.Cleanup(f.endMedia)
	f.moveIn()
	var added struct {
		Camera event.CameraID `json:"camera"`
	}
	f.post(f.home, "/v1/home/cameras", map[string]any{"address": camera.Address(), "sees": []event.AccessPointID{f.place}}, &added)
	var check struct {
		Good bool `json:"good"`
	}
	f.poll("the media service has started, and looked", func() error {
		return f.home.Call(f.ctx, "POST", "/v1/home/cameras/"+string(added.Camera)+"/check", map[string]any{}, &check)
	})
	if !check.Good {
		t.Fatal("the camera is not good enough")
	}
	f.must(f.home.Call(f.ctx, "PUT", "/v1/home/rules", map[string]any{"dwellSeconds": 300, "climbSeconds": 10, "watch": true, "camera": true}, nil))
	return f
}

// media finds the media service that works on the test's own folder.
func (f *filmed) media() (pid int, ok bool) {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	f.must(err)
	for _, path := range all {
		args, _ := os.ReadFile(path) // a process may have ended meanwhile
		words := bytes.Split(args, []byte{0})
		if len(words) < 4 || string(words[1]) != "media" || !bytes.Contains(args, []byte(f.data+"\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		return pid, err == nil
	}
	return 0, false
}

// endMedia ends a service that outlived its server, as an operator would.
func (f *filmed) endMedia() {
	f.server.kill()
	if pid, ok := f.media(); ok {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// opened is a visit up to the open door, filmed.
func (f *filmed) opened() *visit {
	f.Helper()
	v := f.newVisit()
	f.poll("the picture is proven live", func() error {
		var s struct {
			Picture *struct {
				Live bool `json:"live"`
			} `json:"picture"`
		}
		if err := f.courier.Call(f.ctx, "GET", "/v1/courier/visits/"+string(v.id), nil, &s); err != nil {
			return err
		}
		return unless(s.Picture != nil && s.Picture.Live)
	})
	if err := v.through(); err != nil {
		f.Fatalf("%v\n%s", err, v.story())
	}
	v.shownOpen()
	return v
}

// happened waits for an event of the home's journal.
func happened[B event.Body](f *filmed, v *visit, what string, match func(B) bool) (found B) {
	f.Helper()
	f.poll(what, func() error {
		for _, e := range f.events(f.home.site, v.from) {
			if b, ok := e.Body.(B); ok && match(b) {
				found = b
				return nil
			}
		}
		return fmt.Errorf("no %T", found)
	})
	return found
}

func anything[B any](B) bool { return true }

// finish walks out, and returns what was kept.
func (f *filmed) finish(v *visit) event.ClipFinished {
	f.Helper()
	if err := v.walk(); err != nil {
		f.Fatalf("%v\n%s", err, v.story())
	}
	f.settled(v)
	kept := happened(f, v, "the film is kept", anything[event.ClipFinished])
	f.judgeCalm(f.judge(false), v)
	return kept
}

// TestMediaKilledInAVisit: without its media service a visit goes on, under an alarm, and the film plays up to the last
// second.
func TestMediaKilledInAVisit(t *testing.T) {
	t.Parallel()
	f := newFilmed(t)
	v := f.opened()
	killed := time.Now()
	pid, ok := f.media()
	if !ok {
		t.Fatal("there is no media service")
	}
	f.must(syscall.Kill(pid, syscall.SIGKILL))
	lost := happened(f, v, "the lost picture is noticed", anything[event.PictureLost])
	if lost.Seen.Fault != event.PictureUnserved {
		t.Errorf("lost for %q", lost.Seen.Fault)
	}
	happened(f, v, "the alarm is raised", func(b event.AlarmRaised) bool {
		return b.Reason == event.AlarmPicture && b.Level == event.AlarmOperator
	})
	happened(f, v, "another service films on", anything[event.PictureBack])
	kept := f.finish(v)
	if len(kept.Files) != 2 || kept.Files[0].Whole || !kept.Files[1].Whole {
		t.Fatalf("kept %+v", kept.Files)
	}
	if missing := killed.Sub(kept.Files[0].To.Time()); missing > 1500*time.Millisecond {
		t.Errorf("the film ends %s before the kill", missing)
	}
}

// TestServerKilledInAVisit: an open door stays filmed while its server is dead.
func TestServerKilledInAVisit(t *testing.T) {
	t.Parallel()
	f := newFilmed(t)
	v := f.opened()
	before, _ := f.media()
	f.server.kill()
	f.wire.cut()
	dead := time.Now()
	wait(f.ctx, time.Second)
	f.must(f.server.start())
	if after, ok := f.media(); !ok || after != before {
		t.Errorf("the media service was %d, and is %d", before, after)
	}
	wait(f.ctx, time.Second)
	kept := f.finish(v)
	if len(kept.Files) != 1 || !kept.Files[0].Whole || kept.Files[0].From.Time().After(dead) || kept.Files[0].To.Time().Before(dead.Add(time.Second)) {
		t.Errorf("of a visit whose server was dead at %s was kept %+v", dead, kept.Files)
	}
}

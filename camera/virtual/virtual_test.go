package virtual_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/virtual"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watch pulls a virtual camera over a real connection. Key pictures come every second, to be quick. Its methods
// return an error instead of failing the test, so that many can be watched at once.
type watch struct {
	camera *virtual.Camera
	pull   *camera.Pull
	ring   *camera.Ring
}

func newWatch(t *testing.T) *watch {
	t.Helper()
	cam, err := virtual.Start(virtual.Options{User: "door", Password: "s3cret!", Group: virtual.Rate, LoopLength: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	source, err := rtsp.New(cam.Address(), rtsp.Timeouts{Answer: 3 * time.Second, First: 4 * time.Second, Silence: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{camera: cam, ring: camera.NewRing(camera.DefaultDepth)}
	w.pull = camera.NewPull(source, w.ring, camera.NewJudge(time.Now()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.pull.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; w.ring.Close() })
	return w
}

// until waits for one of some reasons.
func (w *watch) until(within time.Duration, whys ...camera.Why) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(within)
	for {
		select {
		case <-ticker.C:
			if slices.Contains(whys, w.pull.Verdict(time.Now()).Why) {
				return nil
			}
		case <-late:
			return fmt.Errorf("not %q after %v, but %+v", whys, within, w.pull.Verdict(time.Now()))
		}
	}
}

// live waits until the camera is proven, and watches it for another second.
func (w *watch) live() error {
	if err := w.until(6*time.Second, camera.Live); err != nil {
		return err
	}
	return w.stays(time.Second)
}

// stays watches a camera that is to be live at every unit.
func (w *watch) stays(d time.Duration) error {
	reader := w.ring.Subscribe(camera.FromLastKey, 100)
	defer reader.Close()
	for end := time.After(d); ; {
		select {
		case <-end:
			return nil
		case <-reader.C:
		}
		if v := w.pull.Verdict(time.Now()); !v.Live {
			return fmt.Errorf("%+v", v)
		}
	}
}

// first returns what comes first that is not nil.
func first(errs ...func() error) error {
	for _, do := range errs {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// refused plays an attack on a live camera.
func refused(attack func(*virtual.Camera), within time.Duration, whys ...camera.Why) func(*watch) error {
	return func(w *watch) error {
		return first(w.live, func() error { attack(w.camera); return w.until(within, whys...) })
	}
}

func shows(m virtual.Mode) func(*virtual.Camera) {
	return func(c *virtual.Camera) { c.Show(m) }
}

// bound of every attack of the table. That of a loop counts from its first key picture that came before.
const bound = 3 * time.Second

var plays = map[string]func(*watch) error{
	"vanished":         refused((*virtual.Camera).Vanish, bound, camera.Stale),
	"encoder stopped":  refused(shows(virtual.Frozen), bound, camera.Stale),
	"still":            refused(shows(virtual.Still), bound, camera.Still, camera.Frozen),
	"half speed":       refused(shows(virtual.Slow), bound, camera.Clock),
	"loop of 3 s":      loops,
	"other parameters": refused(func(c *virtual.Camera) { _ = c.Restart(640, 368) }, bound, camera.NoAnswer, camera.TooFew),
	"quiet scene":      quietScene,
	"comes back":       comesBack,
	"thaws":            thaws,
	"wrong password":   wrongPassword,
	"other formats":    otherFormats,
}

// loops plays a loop, which is found at once when it begins anew, however slowly its pictures come.
func loops(w *watch) error {
	if err := w.live(); err != nil {
		return err
	}
	reader := w.ring.Subscribe(camera.FromLastKey, 500)
	defer reader.Close()
	w.camera.Show(virtual.Loop)
	late := time.After(time.Minute)
	for known := map[string]bool{}; ; {
		select {
		case item := <-reader.C:
			picture := string(bytes.Join(item.Unit.NALUs, nil))
			if item.Unit.Key && known[picture] {
				return w.until(bound/4, camera.Loop)
			}
			known[picture] = item.Unit.Key
		case <-late:
			return errors.New("no key picture came again")
		}
	}
}

func quietScene(w *watch) error {
	w.camera.Show(virtual.Quiet)
	return first(w.live, func() error { return w.stays(4 * time.Second) })
}

func comesBack(w *watch) error {
	return first(w.live,
		func() error { w.camera.Vanish(); return w.until(2*time.Second, camera.Stale) },
		func() error { return w.until(6*time.Second, camera.NoAnswer) },
		func() error { w.camera.Return(); return w.until(15*time.Second, camera.Live) })
}

func thaws(w *watch) error {
	return first(w.live,
		func() error { w.camera.Show(virtual.Frozen); return w.until(2*time.Second, camera.Stale) },
		func() error { w.camera.Show(virtual.Live); return w.until(2*time.Second, camera.Live) })
}

func wrongPassword(w *watch) error {
	err := first(w.live,
		func() error { w.camera.SetPassword("another"); return w.camera.Restart(320, 192) },
		func() error { return w.until(4*time.Second, camera.WrongPassword) })
	if err != nil {
		return err
	}
	if text := w.pull.Fault().Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "door") {
		return errors.New(text)
	}
	return nil
}

// otherFormats changes the size within a connection, and then with a new one.
func otherFormats(w *watch) error {
	if err := w.live(); err != nil {
		return err
	}
	reader := w.ring.Subscribe(camera.FromLastKey, 500)
	defer reader.Close()
	one := (<-reader.C).Unit.Format
	w.camera.Reshape(640, 368)
	two, err := other(reader, one)
	if err != nil || two.Width != 640 || two.Height != 368 || two.Same(one) {
		return fmt.Errorf("%+v, %w", two, err)
	}
	if err := w.camera.Restart(320, 192); err != nil {
		return err
	}
	three, err := other(reader, two)
	if err != nil || three.Width != 320 || three == one || !three.Same(one) {
		return fmt.Errorf("%+v, %w", three, err)
	}
	return w.live()
}

// other waits for a unit of another format, which is a key picture.
func other(reader *camera.Reader, known *camera.Format) (*camera.Format, error) {
	late := time.After(8 * time.Second)
	for {
		select {
		case item := <-reader.C:
			if item.Unit.Format == known {
				continue
			}
			if !item.Unit.Key {
				return nil, errors.New("a format begins without a key picture")
			}
			return item.Unit.Format, nil
		case <-late:
			return nil, errors.New("no other format")
		}
	}
}

// TestCameras plays the table of attacks, and what a camera must be able to do, all at once.
func TestCameras(t *testing.T) {
	results := map[string]chan error{}
	for name, play := range plays {
		w, result := newWatch(t), make(chan error, 1)
		results[name] = result
		go func() { result <- play(w) }()
	}
	for name, result := range results {
		if err := <-result; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOthersReadIt asks a client that we did not write.
func TestOthersReadIt(t *testing.T) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed; `make need` does that")
	}
	cam, err := virtual.Start(virtual.Options{User: "door", Password: "s3cret!", Group: virtual.Rate})
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	cam.Look(virtual.Scene{Name: "FRONT DOOR", Open: true, Parcel: true})
	cmd := exec.CommandContext(t.Context(), path, "-v", "error", "-rtsp_transport", "tcp", "-i", cam.Address(),
		"-frames:v", "60", "-f", "framemd5", "-")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	sums := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			sums[line[strings.LastIndex(line, ",")+1:]] = true
		}
	}
	if len(sums) < 50 {
		t.Errorf("%d different pictures of 60", len(sums))
	}
}
